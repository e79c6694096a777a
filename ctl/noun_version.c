/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian version, subscribe */
#include "ctl/command.h"

#include <errno.h>
#include <string.h>

/* Its own version is told even when the daemon does not answer. */
int ctl_run_version(struct ctl_context *ctx, struct vd_err *reterr)
{
	json_t *daemon = NULL, *all = json_pack("{s:s}", "viridian", VIRIDIAN_VERSION);
	int r = ctl_ask(ctx, ctx->cmd->verb->method, NULL, &daemon, reterr);

	if (ctx->cmd->json && !r) {
		json_decref(all);
		all = json_pack("{s:s, s:O}", "version", VIRIDIAN_VERSION, "daemon", daemon);
		ctl_print_json(all);
	} else if (!ctx->cmd->json) {
		json_object_set(all, "viridiand", json_object_get(daemon, "version"));
		json_object_del(daemon, "version");
		json_object_update(all, daemon);
		ctl_print_object(all, 0, NULL);
	}
	json_decref(all);
	json_decref(daemon);
	return r;
}

static void print_event(json_t *event)
{
	static const char *const apart[] = {"seq", "kind", "changes", NULL};
	char buf[64];

	ctl_print_text(stdout, ctl_value_text(json_object_get(event, "seq"), buf, sizeof(buf)));
	putchar(' ');
	ctl_print_text(stdout, ctl_value_text(json_object_get(event, "kind"), buf, sizeof(buf)));
	putchar('\n');
	ctl_print_object(event, 2, apart);
	if (json_is_array(json_object_get(event, "changes")))
		ctl_print_changes(json_object_get(event, "changes"), false);
}

/* Runs until the daemon or the user ends it; SIGINT's default does that well. */
int ctl_run_subscribe(struct ctl_context *ctx, struct vd_err *reterr)
{
	int r = ctl_connect(ctx, reterr);

	if (!r)
		r = ctl_client_send(ctx->client, ctx->cmd->verb->method, NULL, -1, reterr);
	if (r)
		return r;
	for (bool answered = false;;) {
		struct ctl_reply reply;

		r = ctl_client_recv(ctx->client, answered ? -1 : (int)ctx->cmd->timeout_ms, &reply,
				    reterr);
		if (r < 0)
			return r;
		if (reply.failed) {
			*reterr = reply.err;
			ctl_reply_done(&reply);
			return -EREMOTEIO;
		}
		if (!reply.method)
			answered = true;
		else if (ctx->cmd->json)
			ctl_print_json(reply.params);
		else
			print_event(reply.params);
		ctl_reply_done(&reply);
		if (fflush(stdout))
			return 0;
	}
}
