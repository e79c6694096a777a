/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's command line. Thread-safety: pure. Proof: tests/unit/vswitch/control/test_options.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define VSW_SOCKET_DEFAULT "/run/viridian/control.sock"
#define VSW_STATE_DEFAULT  "/var/lib/viridian"
#define VSW_CORES_MAX      16 /* as VSW_WORKERS_MAX, which only the data plane may know */
#define VSW_MEMORY_DEFAULT 48
#define VSW_MEMORY_MIN     32
#define VSW_MEMORY_MAX     65536

struct vsw_options {
	const char *config; /* NULL: what was saved */
	const char *state;
	const char *socket;
	int cores[VSW_CORES_MAX]; /* -1: not pinned */
	uint16_t n_workers;
	uint32_t memory_mib; /* for packets and tables */
	bool poll;
	int log_level;
	bool help, version;
};

/** @env_socket: VIRIDIAN_SOCKET or NULL. Strings are borrowed from @argv and @env_socket.
 *  Return: 0; -EINVAL cli.usage. */
int vsw_options_parse(int argc, char **argv, const char *env_socket, struct vsw_options *ret,
		      struct vd_err *reterr);

void vsw_options_help(FILE *out);
