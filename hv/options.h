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

enum hv_command {
	HV_CMD_RUN,
	HV_CMD_SAVE,
	HV_CMD_RESTORE,
	HV_CMD_LIST,
	HV_CMD_CHECK,
	HV_CMD_DELETE,
};

struct hv_options {
	bool help, version;
	enum hv_command command;
	const char *file; /* snapshot commands: the file; of LIST the folder */
	const char *vm;   /* SAVE: the VM's name; NULL with --control */
	bool full, stop;  /* SAVE */
	bool keep_port;   /* RESTORE: leave the ports' settings alone */
	bool two_uarts;   /* there is a second serial port */
	const char *kernel, *initrd, *append, *name, *serial, *socket, *kvm, *control;
	unsigned int n_cpus;
	uint64_t
		memory_size; /* bytes, a multiple of 2 MiB; it and n_cpus are the file's with RESTORE */
	struct hv_nic_opt nic[HV_NICS_MAX];
	unsigned int n_nics; /* RESTORE: 0: the saved ones */
	bool no_reboot, overcommit, user_synic;
	int log_level;
};

/** @socket: default of --socket or NULL. Strings of @ret point into @argv. 0; -EINVAL with @err. */
int hv_options_parse(int argc, char **argv, const char *socket, struct hv_options *ret,
		     struct vd_err *err);
void hv_options_help(FILE *f);
