/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON-RPC 2.0, one text a line.
 *
 * Theory of operation: ctl_lines keeps one growing buffer with the unread part between start and
 * end. Taking a line only moves start; the next feed moves the rest to the front. A line that
 * outgrows the limit is reported once and then dropped byte by byte as it arrives, so a peer
 * cannot make the buffer grow.
 */
#include "ctl/rpc/frame.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SHRINK_SIZE (256u << 10) /* an empty buffer larger than this is given back */

void ctl_lines_init(struct ctl_lines *l, size_t max)
{
	*l = (struct ctl_lines){.max = max};
}

void ctl_lines_done(struct ctl_lines *l)
{
	free(l->buf);
	*l = (struct ctl_lines){.max = l->max};
}

static size_t line_max(const struct ctl_lines *l)
{
	return l->max ? l->max : CTL_LINE_MAX;
}

static void compact(struct ctl_lines *l)
{
	if (l->start == 0)
		return;
	memmove(l->buf, l->buf + l->start, l->end - l->start);
	l->end -= l->start;
	l->scanned -= l->start;
	l->start = 0;
	if (l->end == 0 && l->cap > SHRINK_SIZE) {
		free(l->buf);
		l->buf = NULL;
		l->cap = 0;
	}
}

int ctl_lines_feed(struct ctl_lines *l, const void *data, size_t size)
{
	const char *p = data;

	if (l->skipping) {
		const char *nl = size ? memchr(p, '\n', size) : NULL;

		if (!nl)
			return 0;
		size -= (size_t)(nl + 1 - p);
		p = nl + 1;
	}
	compact(l);
	/* one more than held: ctl_lines_next() terminates the line in place of its newline */
	if (l->cap - l->end < size) {
		size_t cap = l->cap ? l->cap : 4096;
		char *buf;

		while (cap - l->end < size)
			cap *= 2;
		buf = realloc(l->buf, cap);
		if (!buf)
			return -ENOMEM;
		l->buf = buf;
		l->cap = cap;
	}
	if (size)
		memcpy(l->buf + l->end, p, size);
	l->end += size;
	l->skipping = false;
	return 0;
}

static bool is_blank(const char *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (s[i] != ' ' && s[i] != '\t' && s[i] != '\r')
			return false;
	return true;
}

int ctl_lines_next(struct ctl_lines *l, char **line, size_t *size)
{
	while (l->scanned < l->end) {
		char *from = l->buf + l->start;
		char *nl = memchr(l->buf + l->scanned, '\n', l->end - l->scanned);
		size_t len;

		if (!nl)
			break;
		len = (size_t)(nl - from);
		l->start += len + 1;
		l->scanned = l->start;
		if (len > line_max(l))
			return -E2BIG;
		if (is_blank(from, len))
			continue;
		*nl = '\0';
		*line = from;
		*size = len;
		return 1;
	}
	l->scanned = l->end;
	if (l->end - l->start > line_max(l)) {
		l->start = l->end;
		l->skipping = true;
		return -E2BIG;
	}
	return 0;
}

size_t ctl_lines_pending(const struct ctl_lines *l)
{
	return l->end - l->start;
}

struct scan {
	size_t depth;  /* deepest nesting */
	size_t values; /* members and elements at most */
};

/* What a parser would have to build: brackets and commas outside of strings. Exact for valid JSON; for
 * anything else the parser refuses later, and cannot go beyond what it meets. */
static struct scan scan_json(const char *s, size_t size)
{
	struct scan ret = {0, 1};
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < size; i++) {
		if (s[i] == '"')
			quoted = !quoted;
		else if (s[i] == '\\' && quoted)
			i++;
		if (quoted)
			continue;
		if (s[i] == '{' || s[i] == '[') {
			ret.values++;
			if (++depth > ret.depth)
				ret.depth = depth;
		} else if ((s[i] == '}' || s[i] == ']') && depth) {
			depth--;
		} else if (s[i] == ',') {
			ret.values++;
		}
	}
	return ret;
}

static int too_big(struct vd_err *e, const char *what, size_t allowed)
{
	return vd_err_set(e, -E2BIG, VD_E_RPC_LIMIT, NULL, NULL,
			  "the message has too many %s (allowed: %zu)", what, allowed);
}

static int parse_json(const char *text, size_t size, size_t values_max, json_t **ret,
		      struct vd_err *reterr)
{
	struct scan scan;
	json_error_t je;
	json_t *j;

	if (size > CTL_LINE_MAX)
		return too_big(reterr, "bytes", CTL_LINE_MAX);
	/* jansson 2.14 overlooks a NUL behind a number */
	if (memchr(text, '\0', size))
		return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARSE, NULL, NULL,
				  "not a JSON text: it has a NUL byte");
	scan = scan_json(text, size);
	if (scan.depth > CTL_DEPTH_MAX)
		return too_big(reterr, "levels", CTL_DEPTH_MAX);
	if (scan.values > values_max)
		return too_big(reterr, "values", values_max);
	j = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
	/* jansson has a code for lack of memory, and where it does not use it says nothing at all */
	if (!j && (!je.text[0] || json_error_code(&je) == json_error_out_of_memory))
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	if (!j)
		return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARSE, NULL,
				  "send one JSON text a line, in UTF-8, strings in double quotes",
				  "not a JSON text: %s (byte %d)", je.text, je.position);
	*ret = j;
	return 0;
}

int ctl_json_parse(const char *text, size_t size, json_t **ret, struct vd_err *reterr)
{
	return parse_json(text, size, SIZE_MAX, ret, reterr);
}

char *ctl_json_line(json_t *j, size_t *size)
{
	size_t n = json_dumpb(j, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
	char *s = n ? malloc(n + 2) : NULL;

	if (!s)
		return NULL;
	if (json_dumpb(j, s, n, JSON_COMPACT | JSON_ENCODE_ANY) != n) {
		free(s);
		return NULL;
	}
	s[n] = '\n';
	s[n + 1] = '\0';
	*size = n + 1;
	return s;
}

static bool version_ok(json_t *root)
{
	const char *v = json_string_value(json_object_get(root, "jsonrpc"));

	return v && !strcmp(v, "2.0");
}

static bool id_ok(json_t *id)
{
	return json_is_integer(id) || (json_is_string(id) && json_string_length(id) <= CTL_ID_MAX);
}

static int bad_request(struct vd_err *e, const char *why)
{
	return vd_err_set(e, -EINVAL, VD_E_RPC_REQUEST, NULL,
			  "a request is {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"switch.list\","
			  "\"params\":{}}",
			  "not a JSON-RPC 2.0 request: %s", why);
}

int ctl_request_parse(const char *line, size_t size, struct ctl_request *ret, struct vd_err *reterr)
{
	static const char *const members[] = {"jsonrpc", "id", "method", "params"};
	const char *key;
	json_t *j;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = parse_json(line, size, CTL_VALUES_MAX, &ret->root, reterr);
	if (r < 0)
		return r;
	if (json_is_array(ret->root))
		return bad_request(reterr, "batches are not supported; send one request a line");
	if (!json_is_object(ret->root))
		return bad_request(reterr, "it is not an object");
	j = json_object_get(ret->root, "id");
	if (j && !id_ok(j))
		return bad_request(reterr, "\"id\" is neither an integer nor a short string");
	ret->id = j;
	if (!version_ok(ret->root))
		return bad_request(reterr, "\"jsonrpc\" is not \"2.0\"");
	ret->method = json_string_value(json_object_get(ret->root, "method"));
	if (!ret->method)
		return bad_request(reterr, "\"method\" is not a string");
	ret->params = json_object_get(ret->root, "params");
	if (ret->params && !json_is_object(ret->params))
		return bad_request(reterr, "\"params\" is not an object");
	json_object_foreach (ret->root, key, j) {
		bool known = false;

		for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
			known |= !strcmp(key, members[i]);
		if (!known)
			return bad_request(reterr, "it has a member other than jsonrpc, id, "
						   "method and params");
	}
	return 0;
}

void ctl_request_done(struct ctl_request *r)
{
	json_decref(r->root);
	memset(r, 0, sizeof(*r));
}

/* Put @value (stolen) into @j (stolen on failure). NULL value or failure: NULL. */
static json_t *with(json_t *j, const char *key, json_t *value)
{
	if (!j) {
		json_decref(value);
		return NULL;
	}
	if (json_object_set_new(j, key, value) < 0) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static json_t *message_new(void)
{
	return with(json_object(), "jsonrpc", json_string("2.0"));
}

json_t *ctl_request_new(json_int_t id, const char *method, json_t *params)
{
	json_t *j = message_new();

	if (id)
		j = with(j, "id", json_integer(id));
	j = with(j, "method", json_string(method));
	return params ? with(j, "params", params) : j;
}

static json_t *answer_new(json_t *id)
{
	return with(message_new(), "id", id ? json_incref(id) : json_null());
}

json_t *ctl_reply_new(json_t *id, json_t *result)
{
	return with(answer_new(id), "result", result ? result : json_null());
}

int ctl_error_number(enum vd_code code)
{
	switch (code) {
	case VD_E_RPC_PARSE:
		return -32700;
	case VD_E_RPC_REQUEST:
		return -32600;
	case VD_E_RPC_METHOD:
		return -32601;
	case VD_E_RPC_PARAMS:
		return -32602;
	case VD_E_BUG:
		return -32603;
	default:
		return -32000;
	}
}

json_t *ctl_error_new(json_t *id, const struct vd_err *e)
{
	json_t *err = with(json_object(), "code", json_integer(ctl_error_number(e->code)));

	err = with(err, "message", json_string(e->message));
	err = with(err, "data", vd_err_to_json(e));
	return err ? with(answer_new(id), "error", err) : NULL;
}

json_t *ctl_event_new(const char *method, json_t *params)
{
	return ctl_request_new(0, method, params);
}

static int bad_reply(struct vd_err *e, const char *why)
{
	return vd_err_set(e, -EINVAL, VD_E_RPC_REQUEST, NULL,
			  "is another program listening on this socket?",
			  "the daemon's answer is not understood: %s", why);
}

/* A peer that is not our daemon may send an error without our "data". */
static void take_error(json_t *error, struct vd_err *e)
{
	json_t *data = json_object_get(error, "data");
	const char *message = json_string_value(json_object_get(error, "message"));

	if (json_is_object(data))
		vd_err_from_json(e, data);
	else
		vd_err_set(e, -EIO, VD_E_BUG, NULL, NULL, "%s",
			   message ? message : "unknown error");
	if (e->code == VD_E_OK)
		e->code = VD_E_BUG;
}

int ctl_reply_parse(const char *line, size_t size, struct ctl_reply *ret, struct vd_err *reterr)
{
	json_t *error;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = ctl_json_parse(line, size, &ret->root, reterr);
	if (r < 0)
		return r;
	if (!json_is_object(ret->root) || !version_ok(ret->root))
		return bad_reply(reterr, "no JSON-RPC 2.0 object");
	ret->id = json_object_get(ret->root, "id");
	ret->method = json_string_value(json_object_get(ret->root, "method"));
	if (ret->method) {
		ret->params = json_object_get(ret->root, "params");
		return ret->id ? bad_reply(reterr, "an event has an id") : 0;
	}
	if (json_is_null(ret->id))
		ret->id = NULL;
	error = json_object_get(ret->root, "error");
	ret->result = json_object_get(ret->root, "result");
	if (!error == !ret->result)
		return bad_reply(reterr, "it has not one of \"result\" and \"error\"");
	if (error && !json_is_object(error))
		return bad_reply(reterr, "\"error\" is not an object");
	if (!error && !ret->id)
		return bad_reply(reterr, "it has no id");
	ret->failed = error != NULL;
	if (error)
		take_error(error, &ret->err);
	return 0;
}

void ctl_reply_done(struct ctl_reply *r)
{
	json_decref(r->root);
	memset(r, 0, sizeof(*r));
}
