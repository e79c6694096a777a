/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes to the daemon: the connection, the question, and the texts of the files that it names. */
#include "ctl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/doc.h"

int ctl_connect(struct ctl_context *ctx, struct vd_err *reterr)
{
	if (ctx->client)
		return 0;
	return ctl_client_open(ctx->socket, ctx->cmd->timeout_ms, &ctx->client, reterr);
}

int ctl_ask(struct ctl_context *ctx, const char *method, json_t *params, json_t **ret,
	    struct vd_err *reterr)
{
	int r = ctl_connect(ctx, reterr);

	if (r) {
		json_decref(params);
		return r;
	}
	return ctl_client_call(ctx->client, method, params, ret, reterr);
}

static int read_failed(const char *name, int errnum, struct vd_err *e)
{
	return vd_err_set(e, -errnum, errnum == ENOENT ? VD_E_USAGE : VD_E_SYSTEM, NULL, NULL,
			  "cannot read %s: %s", name, strerror(errnum));
}

static int read_all(int fd, const char *name, char **ret, size_t *ret_size, struct vd_err *e)
{
	size_t size = 0, room = 65536;
	char *text = malloc(room);
	int r = 0;

	while (text) {
		ssize_t n = read(fd, text + size, room - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? read_failed(name, errno, e) : 0;
			break;
		}
		size += (size_t)n;
		if (size > VD_DOC_SIZE_MAX) {
			r = vd_err_set(e, -E2BIG, VD_E_TOO_LARGE, NULL, NULL,
				       "%s has more than %u bytes", name, VD_DOC_SIZE_MAX);
			break;
		}
		if (size == room) {
			char *more = realloc(text, room *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (!text)
		return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	if (r) {
		free(text);
		return r;
	}
	*ret = text;
	*ret_size = size;
	return 0;
}

static int load(json_t *params, const char *key, struct vd_err *e)
{
	const char *name = json_string_value(json_object_get(params, key));
	bool standard = !strcmp(name, "-");
	int fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	json_t *text, *file;
	size_t size = 0;
	char *bytes = NULL;
	int r;

	if (fd < 0)
		return read_failed(name, errno, e);
	r = read_all(fd, name, &bytes, &size, e);
	if (!standard)
		close(fd);
	if (r)
		return r;
	text = json_stringn(bytes, size);
	file = json_string(name);
	free(bytes);
	if (!text) {
		json_decref(file);
		return vd_err_set(e, -EINVAL, VD_E_SYNTAX, NULL, "save it as UTF-8",
				  "%s is not UTF-8 text", name);
	}
	if (json_object_set_new(params, "file", file) || json_object_set_new(params, key, text))
		return -ENOMEM;
	return 0;
}

int ctl_load_files(const struct ctl_verb *verb, json_t *params, struct vd_err *reterr)
{
	for (size_t i = 0; i < verb->n_args; i++) {
		int r;

		if (verb->args[i].type != CTL_FILE || verb->args[i].flags & CTL_CLIENT ||
		    !json_object_get(params, verb->args[i].name))
			continue;
		r = load(params, verb->args[i].name, reterr);
		if (r)
			return r;
	}
	return 0;
}
