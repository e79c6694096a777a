/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshot files in a folder: finding them by their ids, following a file to its base, loading all of a
 * chain. Files are read as they are, whoever made them.
 * Proof: tests/unit/hv/test_snapfile.c, tests/guest/micro.test.
 */
#pragma once

#include <limits.h>

#include "hv/layout.h"
#include "hv/ram.h"
#include "hv/snapshot/file.h"

#define HV_CHAIN_FILES_MAX 4096u /* in a folder */

struct hv_chain_file {
	char name[NAME_MAX + 1]; /* in its folder */
	uint64_t size;           /* bytes */
	struct hv_snap_head head;
};

/** The snapshots of @folder in a malloc()ed array, oldest first; others and damaged ones are left out.
 *  0; negative errno with @err. */
int hv_chain_scan(const char *folder, struct hv_chain_file **ret, unsigned int *n,
		  struct vd_err *err);
/** NULL: not there. */
const struct hv_chain_file *hv_chain_find(const struct hv_chain_file *f, unsigned int n,
					  const uint8_t id[HV_SNAP_ID_SIZE]);
/** From @path, which is not in it by name but by content, to its base: @ret[0] is the base. 0; -ENOENT a
 *  parent is missing; -ELOOP; -EINVAL the files contradict each other. @err is filled. */
int hv_chain_follow(const struct hv_chain_file *f, unsigned int n, const struct hv_snap_head *tip,
		    const struct hv_chain_file *ret[HV_SNAP_MAX], unsigned int *n_ret,
		    struct vd_err *err);

/** "dir" of "dir/file", "." of "file". */
void hv_chain_folder(const char *path, char *ret, size_t room);

/** State of a machine as its records are. */
struct hv_saved {
	struct hv_snap_head head;
	struct hv_saved_part {
		uint8_t *data; /* NULL: absent */
		size_t size;
	} vm, board, bus, cpu[HV_CPUS_MAX], nic[8], port[8];
};

/** Head of a file. 0; negative errno with @err. */
int hv_chain_head(const char *path, struct hv_snap_head *ret, struct vd_err *err);
/**
 * Load @path and what it is based on: memory into @ram (new, of head.memory_size bytes; NULL: only check
 * everything), state into @ret, complete. 0; negative errno with @err. hv_saved_done() in any case.
 */
int hv_chain_load(const char *path, const struct hv_ram *ram, struct hv_saved *ret,
		  struct vd_err *err);
void hv_saved_done(struct hv_saved *s);

/** One record into @ram and @s, as hv_chain_load() does it; for tests and fuzzing. */
struct hv_loading {
	const struct hv_ram *ram; /* or NULL */
	struct hv_saved *saved;   /* NULL: an older file of the chain, memory only */
};
int hv_chain_take(void *loading, const struct hv_snap_rec *rec, const void *payload,
		  struct vd_err *err);
/** Is all there that a machine needs? NULL or what is missing. */
const char *hv_saved_missing(const struct hv_saved *s);
