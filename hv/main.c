/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian-vm: one virtual machine. Reads its command line; the rest is hv/machine.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "hv/machine.h"
#include "hv/snapshot/command.h"
#include "hv/snapshot/restore.h"

static int fail(const struct vd_err *err)
{
	fprintf(stderr, "viridian-vm: %s%s%s\n", err->path, err->path[0] ? ": " : "", err->message);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	return vd_code_exit(err->code);
}

static int run(struct hv_options *opt)
{
	static struct hv_machine machine; /* too large for a stack */
	static struct hv_restore restore;
	struct vd_err err = {0};
	int r;

	vd_log_set_level(opt->log_level);
	signal(SIGPIPE, SIG_IGN);
	if (opt->command == HV_CMD_RESTORE && hv_restore_options(&restore, opt, &err))
		return fail(&err);
	r = hv_machine_init(&machine, opt, opt->command == HV_CMD_RESTORE ? &restore : NULL, &err);
	hv_restore_done(&restore);
	if (r)
		return fail(&err);
	r = hv_machine_run(&machine, &err);
	hv_machine_done(&machine);
	return r ? fail(&err) : 0;
}

int main(int argc, char **argv)
{
	struct hv_options opt;
	struct vd_err err = {0};

	if (hv_options_parse(argc, argv, getenv("VIRIDIAN_SOCKET"), &opt, &err))
		return fail(&err);
	if (opt.help || opt.version) {
		if (opt.help)
			hv_options_help(stdout);
		else
			printf("viridian-vm %s\n", VIRIDIAN_VERSION);
		return 0;
	}
	if (opt.command == HV_CMD_RUN || opt.command == HV_CMD_RESTORE)
		return run(&opt);
	return hv_snapshot_command(&opt, &err) ? fail(&err) : 0;
}
