/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot's file: a head, then records, then the record END. Numbers are little-endian. The head and
 * each record carry checksums, END says how long the file is: one that was cut or changed is found.
 *
 * A file holds the whole state of the machine and either all of its memory (parent zero) or only the
 * pages that changed since its parent, another file that is named by its random id. Pages that no file
 * of such a chain names are zero. A page may come more than once in a file: the last one counts.
 *
 *   type   index        arg          payload
 *   MEM    pages        first page   their bytes; pages count in memory without the hole (hv/ram.h)
 *   ZERO   pages        first page   -
 *   PORT   NIC          0            JSON: the port as viridiand exports it
 *   VM     0            0            clock, interrupt controllers, CPUID        (machine_state.h)
 *   CPU    vCPU         0            registers                                  (vcpu_state.h)
 *   BOARD  0            0            serial ports, clock chip, SynIC            (machine_state.h)
 *   BUS    0            0            VMBus                                      (vmbus-netvsp/bus.h)
 *   NIC    NIC          0            card, and the switch's notes on it         (machine_state.h)
 *   END    0            file size    -
 *
 * Everything read here is as hostile as a guest: bounded, checked, copied.
 * Pure: bytes come from a function. Proof: tests/unit/hv/test_snapfile.c, tests/fuzz/fuzz_hv_snapshot.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define HV_SNAP_VERSION     1u
#define HV_SNAP_MAX         512u        /* files of one VM in a folder */
#define HV_SNAP_RUN_MAX     512u        /* pages in one record */
#define HV_SNAP_PAYLOAD_MAX (16u << 20) /* bytes in one record */
#define HV_SNAP_ID_SIZE     16u
#define HV_SNAP_NAME_SIZE   64u

#define HV_SNAP_USER_SYNIC 1u /* flags */
#define HV_SNAP_SERIAL2    2u

struct hv_snap_head {
	char magic[8];
	uint32_t version;
	uint32_t size; /* of this head */
	uint8_t id[HV_SNAP_ID_SIZE];
	uint8_t parent[HV_SNAP_ID_SIZE]; /* all zero: none */
	uint64_t memory_size;            /* bytes, a multiple of 2 MiB */
	uint64_t created_s;              /* since 1970 */
	uint32_t n_cpus, n_nics;
	uint32_t flags;
	uint32_t reserved;
	char vm[HV_SNAP_NAME_SIZE]; /* zero-terminated */
	uint8_t unused[104];
	uint32_t zero;
	uint32_t crc; /* of everything before */
};
_Static_assert(sizeof(struct hv_snap_head) == 256, "no holes");

enum hv_snap_type {
	HV_SNAP_MEM = 1,
	HV_SNAP_ZERO,
	HV_SNAP_PORT,
	HV_SNAP_VM,
	HV_SNAP_CPU,
	HV_SNAP_BOARD,
	HV_SNAP_BUS,
	HV_SNAP_NIC,
	HV_SNAP_END,
};

struct hv_snap_rec {
	uint32_t type, index;
	uint64_t arg;
	uint64_t size; /* of the payload, which follows */
	uint32_t crc;  /* of the payload */
	uint32_t head_crc;
};
_Static_assert(sizeof(struct hv_snap_rec) == 32, "no holes");

/** Fill in magic, version and checksum. */
void hv_snap_seal_head(struct hv_snap_head *h);
/** A record's head for @payload. */
struct hv_snap_rec hv_snap_rec(enum hv_snap_type type, uint32_t index, uint64_t arg,
			       const void *payload, uint64_t size);

bool hv_snap_is_base(const struct hv_snap_head *h);

/** Where a file's bytes come from. */
struct hv_snap_src {
	/** Exactly @size bytes at @at. 0 or negative errno. */
	int (*read)(void *ctx, uint64_t at, void *buf, size_t size);
	void *ctx;
	uint64_t size;    /* of the file */
	const char *name; /* for messages */
};

/** 0; -EINVAL, -ENOTSUP (another version), or what reading said, with @err filled. */
int hv_snap_read_head(const struct hv_snap_src *src, struct hv_snap_head *ret, struct vd_err *err);

/** @payload is private memory, rec->size bytes, aligned to 8. Return: 0 or negative errno with @err filled. */
typedef int (*hv_snap_fn)(void *ctx, const struct hv_snap_rec *rec, const void *payload,
			  struct vd_err *err);

/**
 * Read and check all records in order and give each to @fn (END not). 0; -EINVAL with @err filled: the
 * file is cut, changed or contradicts itself; or the first error of @fn.
 */
int hv_snap_walk(const struct hv_snap_src *src, const struct hv_snap_head *head, hv_snap_fn fn,
		 void *ctx, struct vd_err *err);
