/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes on the control socket, both ways: the first byte says in what pieces they arrive, the second how
 * long a line may be. The lines found must not depend on the pieces; every request that is
 * refused can be answered; what passes the check of its parameters has the types the table promises.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/rpc/frame.h"
#include "ctl/rpc/verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

/* An error must survive the way to the client. */
static void check_answer(json_t *id, const struct vd_err *e)
{
	json_t *j = ctl_error_new(id, e);
	struct ctl_reply reply;
	size_t size;
	char *line;

	must(e->code && e->message[0] && j);
	line = ctl_json_line(j, &size);
	must(line && ctl_reply_parse(line, size, &reply, NULL) == 0);
	must(reply.failed && reply.err.code == e->code);
	ctl_reply_done(&reply);
	free(line);
	json_decref(j);
}

static void one_request(const char *line, size_t size)
{
	const struct ctl_verb *verb;
	struct ctl_request rq;
	struct vd_err e = {0};

	if (ctl_request_parse(line, size, &rq, &e) < 0) {
		check_answer(rq.id, &e);
	} else {
		verb = ctl_verb_of_method(rq.method);
		if (verb && ctl_params_check(verb, rq.params, &e) < 0)
			check_answer(rq.id, &e);
		for (size_t i = 0; verb && !e.code && i < verb->n_args; i++)
			must(!(verb->args[i].flags & CTL_REQUIRED) ||
			     verb->args[i].flags & CTL_CLIENT ||
			     json_object_get(rq.params, verb->args[i].name));
	}
	ctl_request_done(&rq);
}

static void one_reply(const char *line, size_t size)
{
	struct ctl_reply reply;
	struct vd_err e = {0};

	if (ctl_reply_parse(line, size, &reply, &e) < 0)
		must(e.code && e.message[0]);
	else
		must(reply.method || reply.failed || reply.result);
	ctl_reply_done(&reply);
}

/* How many lines, too long ones counted apart; each is read when @read. */
static size_t feed(const uint8_t *data, size_t size, size_t piece, size_t max, bool read)
{
	struct ctl_lines l;
	size_t n = 0, len;
	char *line;
	int r;

	ctl_lines_init(&l, max);
	for (size_t at = 0; at < size; at += piece) {
		must(ctl_lines_feed(&l, data + at, size - at < piece ? size - at : piece) == 0);
		while ((r = ctl_lines_next(&l, &line, &len)) != 0) {
			n += r > 0 ? 1 : 1u << 20;
			if (r < 0)
				continue;
			must(len <= max && line[len] == '\0');
			if (read) {
				one_request(line, len);
				one_reply(line, len);
			}
		}
		must(ctl_lines_pending(&l) <= max);
	}
	ctl_lines_done(&l);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t max;

	if (size < 2)
		return 0;
	max = data[1] ? data[1] * 16u : CTL_LINE_MAX;
	must(feed(data + 2, size - 2, data[0] + 1u, max, true) ==
	     feed(data + 2, size - 2, size, max, false));
	return 0;
}
