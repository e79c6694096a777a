/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line's parser: the input's lines are the words. Besides not crashing: a command that is
 * accepted must be one whose parameters the daemon's own check accepts; one that is refused must say why.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmdline.h"

#define WORDS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_sent(const struct ctl_cmdline *cmd)
{
	struct vd_err e = {0};
	char usage[256];

	if (cmd->help || cmd->version)
		return;
	if (!cmd->verb || ctl_params_check(cmd->verb, cmd->params, &e))
		abort();
	ctl_usage(cmd->verb, usage, sizeof(usage));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	const char *words[WORDS_MAX];
	struct ctl_cmdline cmd;
	struct vd_err e = {0};
	int n = 0;

	memcpy(text, data, size);
	text[size] = 0;
	for (char *p = text, *end = text + size; p < end && n < WORDS_MAX; p += strlen(p) + 1) {
		p[strcspn(p, "\n")] = 0;
		words[n++] = p;
	}
	if (!ctl_cmdline_parse(n, words, &cmd, &e)) {
		check_sent(&cmd);
		ctl_cmdline_done(&cmd);
	} else if (e.code == VD_E_OK || !e.message[0]) {
		abort();
	}
	free(text);
	return 0;
}
