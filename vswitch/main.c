/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridiand: the switch daemon. Reads its command line; the rest is vswitch/control. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "vswitch/control/run.h"

int main(int argc, char **argv)
{
	struct vsw_options opt;
	struct vd_err err = {0};
	sigset_t set;

	if (vsw_options_parse(argc, argv, getenv("VIRIDIAN_SOCKET"), &opt, &err)) {
		fprintf(stderr, "viridiand: %s\nhint: %s\n", err.message, err.hint);
		return 2;
	}
	if (opt.help) {
		vsw_options_help(stdout);
		return 0;
	}
	if (opt.version) {
		printf("viridiand %s\n", VIRIDIAN_VERSION);
		return 0;
	}
	vd_log_set_level(opt.log_level);
	signal(SIGPIPE, SIG_IGN);
	/* what rotates logs sends it by habit; ours are opened again without */
	signal(SIGHUP, SIG_IGN);
	/* before any thread exists: all inherit it, and the event loop alone sees these */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);

	if (vsw_daemon_run(&opt, &err) == 0)
		return 0;
	if (err.line)
		vd_log(LOG_ERR, "daemon", err.path[0] ? err.path : NULL, "%s:%u:%u: %s", err.file,
		       err.line, err.column, err.message);
	else
		vd_log(LOG_ERR, "daemon", err.path[0] ? err.path : NULL, "%s", err.message);
	if (err.hint[0])
		vd_log(LOG_ERR, "daemon", NULL, "hint: %s", err.hint);
	return 1;
}
