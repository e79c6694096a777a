/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian: the command line of the virtual network. Words become a request by the table
 * (ctl/rpc/verbs.def), the answer becomes text or JSON, a failure becomes an exit status.
 */
#include "ctl/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The shape decides, so that a new verb can be used before anybody wrote a view for it. */
static void print_by_shape(json_t *result)
{
	char buf[64];

	if (json_is_array(result) &&
	    (!json_array_size(result) || json_is_object(json_array_get(result, 0))))
		ctl_print_any_table(result);
	else if (json_is_object(result))
		ctl_print_object(result, 0, NULL);
	else if (result && !json_is_null(result)) {
		ctl_print_text(stdout, ctl_value_text(result, buf, sizeof(buf)));
		putchar('\n');
	}
}

static void print_warnings(json_t *warnings)
{
	json_t *w;
	size_t i;

	json_array_foreach (warnings, i, w) {
		fprintf(stderr, "%swarning:%s ", ctl_color(stderr, CTL_YELLOW),
			ctl_color(stderr, CTL_PLAIN));
		ctl_print_text(stderr, json_is_string(w) ? json_string_value(w) : "?");
		fputc('\n', stderr);
	}
}

static void print_result(struct ctl_context *ctx, const struct ctl_command *c, json_t *result)
{
	const struct ctl_verb *verb = ctx->cmd->verb;

	if (ctx->cmd->json) {
		ctl_print_json(result);
	} else if (c && c->print) {
		c->print(ctx, result);
	} else if (verb->changes && json_is_array(json_object_get(result, "changes"))) {
		ctl_print_changes(json_object_get(result, "changes"), ctx->cmd->dry_run);
		fflush(stdout); /* the two may end up on one screen */
		print_warnings(json_object_get(result, "warnings"));
		if (ctx->cmd->dry_run)
			fputs("dry run: nothing was changed\n", stderr);
	} else if (!strcmp(verb->noun, "describe")) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		print_by_shape(result);
	}
}

static int run(struct ctl_context *ctx, struct vd_err *e)
{
	const struct ctl_verb *verb = ctx->cmd->verb;
	const struct ctl_command *c = ctl_command_find(verb);
	json_t *result = NULL;
	int r;

	if (c && c->run)
		return c->run(ctx, e);
	if (!verb->method)
		return vd_err_set(e, -ENOSYS, VD_E_BUG, NULL, NULL,
				  "%s is in the table but not written", verb->noun);
	r = ctl_load_files(verb, ctx->cmd->params, e);
	if (!r)
		r = ctl_ask(ctx, verb->method, json_incref(ctx->cmd->params), &result, e);
	if (!r)
		print_result(ctx, c, result);
	json_decref(result);
	return r;
}

/* Data that did not reach its file must not look like success. */
static int finish(int status)
{
	struct vd_err e = {0};

	if (!fflush(stdout) && !ferror(stdout))
		return status;
	vd_err_set(&e, -EIO, VD_E_SYSTEM, NULL, NULL, "cannot write the output: %s",
		   strerror(errno));
	ctl_print_error(&e, false);
	return status ? status : 1;
}

int main(int argc, char **argv)
{
	const char *const *words = (const char *const *)argv + 1;
	const char *env = getenv("VIRIDIAN_SOCKET");
	struct ctl_cmdline cmd;
	struct ctl_context ctx = {.cmd = &cmd, .socket = env && env[0] ? env : CTL_SOCKET_DEFAULT};
	struct vd_err e = {0};
	int r;

	if (argc > 2 && !strcmp(argv[1], "--complete")) {
		cmd = (struct ctl_cmdline){.timeout_ms = 1000};
		return ctl_complete(&ctx, argc - 2, words + 1);
	}
	r = ctl_cmdline_parse(argc > 0 ? argc - 1 : 0, words, &cmd, &e);
	if (r) {
		ctl_print_error(&e, cmd.json);
		return finish(r == -ENOMEM ? 1 : 2);
	}
	if (cmd.socket)
		ctx.socket = cmd.socket;
	if (cmd.help) {
		ctl_help(&cmd, stdout);
	} else if (cmd.version) {
		puts("viridian " VIRIDIAN_VERSION);
	} else {
		r = run(&ctx, &e);
		if (r && e.code == VD_E_OK)
			vd_err_set(&e, r, VD_E_SYSTEM, NULL, NULL, "%s", strerror(-r));
		if (r)
			ctl_print_error(&e, cmd.json);
	}
	ctl_client_close(ctx.client);
	r = finish(r ? vd_code_exit(e.code) : 0);
	ctl_cmdline_done(&cmd);
	return r;
}
