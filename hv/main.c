/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian-vm: one virtual machine. Reads its command line; the rest is hv/machine.h. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "hv/machine.h"

static int fail(const struct vd_err *err)
{
	fprintf(stderr, "viridian-vm: %s%s%s\n", err->path, err->path[0] ? ": " : "", err->message);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	return vd_code_exit(err->code);
}

int main(int argc, char **argv)
{
	static struct hv_machine machine; /* too large for a stack */
	struct hv_options opt;
	struct vd_err err = {0};
	int r;

	if (hv_options_parse(argc, argv, getenv("VIRIDIAN_SOCKET"), &opt, &err))
		return fail(&err);
	if (opt.help || opt.version) {
		if (opt.help)
			hv_options_help(stdout);
		else
			printf("viridian-vm %s\n", VIRIDIAN_VERSION);
		return 0;
	}
	vd_log_set_level(opt.log_level);
	signal(SIGPIPE, SIG_IGN);
	if (hv_machine_init(&machine, &opt, &err))
		return fail(&err);
	r = hv_machine_run(&machine, &err);
	hv_machine_done(&machine);
	return r ? fail(&err) : 0;
}
