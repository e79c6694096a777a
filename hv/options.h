/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of viridian-vm. Pure.
 * Proof: tests/unit/hv/test_options.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

#define HV_NICS_MAX 8u

struct hv_nic_opt {
	char port[64];  /* a name to ask the daemon for; empty when path is given */
	char path[108]; /* the port's socket */
};

struct hv_options {
	bool help, version;
	const char *kernel, *initrd, *append, *name, *serial, *socket, *kvm;
	unsigned int n_cpus;
	uint64_t memory_size; /* bytes, a multiple of 2 MiB */
	struct hv_nic_opt nic[HV_NICS_MAX];
	unsigned int n_nics;
	bool no_reboot, overcommit, user_synic;
	int log_level;
};

/** @socket: default of --socket or NULL. Strings of @ret point into @argv. 0; -EINVAL with @err. */
int hv_options_parse(int argc, char **argv, const char *socket, struct hv_options *ret,
		     struct vd_err *err);
void hv_options_help(FILE *f);
