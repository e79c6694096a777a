/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian apply, diff, export: documents in and out. */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

#include "ctl/yaml_out.h"

int ctl_run_export(struct ctl_context *ctx, struct vd_err *reterr)
{
	const char *format = json_string_value(json_object_get(ctx->cmd->local, "format"));
	json_t *doc = NULL;
	int r = ctl_ask(ctx, ctx->cmd->verb->method, NULL, &doc, reterr);

	if (r)
		return r;
	if (format && !strcmp(format, "yaml"))
		r = ctl_yaml_write(doc, stdout);
	else if (ctx->cmd->json)
		ctl_print_json(doc);
	else if (format) {
		json_dumpf(doc, stdout, JSON_INDENT(2));
		putchar('\n');
	} else
		r = ctl_yaml_write(doc, stdout);
	json_decref(doc);
	return r ? vd_err_set(reterr, r, VD_E_SYSTEM, NULL, NULL, "cannot write the document") : 0;
}
