/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `viridian-vm snapshot save`: the process that writes the file. It asks the worker over its control
 * socket (wire.h), copies memory while the guest runs until little is left, has it stopped, copies the rest
 * into memory of its own, and lets it go on before that is written.
 * Proof: tests/guest/micro.test, tests/guest/snapshot.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct hv_take {
	const char *vm;      /* its name, or NULL with socket */
	const char *control; /* path of its control socket; NULL: by name */
	const char *path;    /* of the file */
	const char *daemon;  /* control socket of viridiand: the ports' policy is asked there */
	bool full;           /* all of memory, although changes are known */
	bool stop;           /* end the VM with it */
};

struct hv_taken {
	uint64_t pause_us;   /* how long the guest stood still; 0 with stop */
	uint64_t pages;      /* in the file, whole or known to be zero */
	uint64_t last_pages; /* of them copied while it stood still */
	uint64_t file_size;  /* bytes */
	unsigned int rounds; /* through memory while it ran */
	bool incremental;
	char warning[192]; /* what could not be saved; empty */
};

/** 0; negative errno with @err, and no file is left. */
int hv_take(const struct hv_take *t, struct hv_taken *ret, struct vd_err *err);
