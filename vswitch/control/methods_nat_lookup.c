/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nat lookup: who has an outside port, or had it. Now: from what is configured and the sessions there are; then: from the log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nat/log/log.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/nat_sessions.h"

#define READ_MAX  (256ull << 20) /* bytes of the log's end that are looked at */
#define READ_SIZE (1u << 20)

struct question {
	const struct nat_conf *c;
	uint32_t addr;
	uint16_t port;
	int protocol; /* -1: all */
	bool then;
	uint64_t at_ms;
	json_t *rows;
};

static int bad(struct vd_err *e, const char *key, const char *text, const char *what,
	       const char *hint)
{
	return vd_err_set(e, -EINVAL, VD_E_VALUE, key, hint, "%s \"%.60s\" is not %s", key, text,
			  what);
}

static int read_question(struct vsw_call *call, struct question *q, struct vd_err *reterr)
{
	const char *outside = vsw_edit_text(call->params, "outside");
	const char *protocol = vsw_edit_text(call->params, "protocol");
	const char *at = vsw_edit_text(call->params, "at");
	uint16_t last;

	memset(q, 0, sizeof(*q));
	q->c = vsw_edit_find_nat(&call->d->engine->model, vsw_edit_text(call->params, "name"),
				 reterr);
	if (!q->c)
		return -ENOENT;
	if (nat_endpoint_parse(outside, &q->addr, &q->port, &last) || !q->addr || !q->port ||
	    last != q->port)
		return bad(reterr, "outside", outside, "an address and a port",
			   "write it as 192.0.2.1:40000");
	q->protocol = !protocol                  ? -1
		      : !strcmp(protocol, "tcp") ? NAT_TCP
		      : !strcmp(protocol, "udp") ? NAT_UDP
						 : NAT_ICMP;
	q->at_ms = (uint64_t)time(NULL) * 1000 + 999;
	q->then = at != NULL;
	if (at && nat_time_parse(at, &q->at_ms))
		return bad(reterr, "at", at, "a time",
			   "write it as 2026-11-21T09:51:43Z, or @ and seconds since 1970");
	return 0;
}

/* ---- rows ---- */

static json_t *time_json(uint64_t ms)
{
	char buf[NAT_TIME_SIZE];

	return ms ? json_string(nat_time_format(ms, buf)) : json_null();
}

static json_t *protocol_json(uint8_t proto)
{
	return proto == NAT_TCP    ? json_string("tcp")
	       : proto == NAT_UDP  ? json_string("udp")
	       : proto == NAT_ICMP ? json_string("icmp")
				   : json_null();
}

static void add(struct question *q, const struct nat_lookup_row *r)
{
	char buf[NAT_ENDPOINT_STR_SIZE];
	json_t *inside = vsw_nat_endpoint(r->inside, r->inside_port);
	json_t *outside =
		json_string(nat_endpoint_format(q->addr, r->port_first, r->port_last, buf));
	json_t *remote = r->remote ? vsw_nat_endpoint(r->remote, r->remote_port) : json_null();

	json_array_append_new(q->rows,
			      json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "how", r->how,
					"protocol", protocol_json(r->proto), "inside", inside,
					"outside", outside, "remote", remote, "since",
					time_json(r->since_ms), "until", time_json(r->until_ms),
					"uncertain", (int)r->uncertain));
}

/* ---- now ---- */

static void configured(struct question *q)
{
	const struct nat_conf *c = q->c;

	for (unsigned int i = 0; i < c->n_maps; i++) {
		const struct nat_map *m = &c->maps[i];

		if ((m->outside && m->outside != q->addr) || q->port < m->port_first ||
		    q->port > m->port_last || (q->protocol >= 0 && q->protocol != m->protocol))
			continue;
		add(q, &(struct nat_lookup_row){
			       .how = "map",
			       .proto = m->protocol,
			       .inside = m->inside,
			       .inside_port = (uint16_t)(m->inside_port + q->port - m->port_first),
			       .port_first = q->port,
			       .port_last = q->port});
	}
	for (unsigned int i = 0; i < c->n_pairs; i++)
		if (c->pairs[i].outside == q->addr)
			add(q, &(struct nat_lookup_row){.how = "one-to-one",
							.inside = c->pairs[i].inside});
}

/* By arithmetic, with the configuration as it is: @uncertain when that may have been another one. */
static void deterministic(struct question *q, bool uncertain)
{
	struct nat_lookup_row r = {.how = "deterministic", .uncertain = uncertain};
	uint32_t addr;
	uint16_t n;

	if (q->c->backend != NAT_BACKEND_DATAPLANE || q->protocol == NAT_ICMP ||
	    nat_deterministic_owner(q->c, q->addr, q->port, &r.inside) ||
	    nat_deterministic_block(q->c, r.inside, &addr, &r.port_first, &n))
		return;
	r.port_last = (uint16_t)(r.port_first + n - 1);
	add(q, &r);
}

static int sessions(struct vsw_daemon *d, struct question *q, struct vd_err *reterr)
{
	struct vsw_nat_filter f = {.only = q->c->name,
				   .protocol = q->protocol,
				   .outside = q->addr,
				   .outside_port = q->port,
				   .limit = NAT_LOOKUP_ROWS};
	json_t *found = NULL, *s, *row;
	size_t i;
	int r = vsw_nat_sessions_find(d, &f, &found, reterr);

	json_array_foreach (found, i, s) {
		json_t *age = json_object_get(s, "age_s");

		row = json_pack(
			"{s:s, s:O, s:O, s:O, s:O, s:o, s:n, s:b}", "how", "session", "protocol",
			json_object_get(s, "protocol"), "inside", json_object_get(s, "inside"),
			"outside", json_object_get(s, "outside"), "remote",
			json_object_get(s, "remote"), "since",
			age ? time_json(((uint64_t)time(NULL) - (uint64_t)json_integer_value(age)) *
					1000)
			    : json_null(),
			"until", "uncertain", 0);
		json_array_append_new(q->rows, row);
	}
	json_decref(found);
	return r;
}

/* ---- then ---- */

/* The lines of @fd from @from on; one that has no end yet is not read. */
static void read_lines(int fd, off_t from, struct nat_lookup *l, char *buf)
{
	size_t have = 0;
	ssize_t n;

	while ((n = pread(fd, buf + have, READ_SIZE - have, from)) > 0) {
		char *line = buf, *end;

		from += n;
		have += (size_t)n;
		while ((end = memchr(line, '\n', have - (size_t)(line - buf))) != NULL) {
			nat_lookup_line(l, line, (size_t)(end - line));
			line = end + 1;
		}
		have -= (size_t)(line - buf);
		memmove(buf, line, have);
		if (have >= NAT_LOG_LINE_MAX) /* no line of ours */
			have = 0;
	}
}

/* @room: bytes that may still be read; what is before them is left out. Return: false: something was. */
static bool read_log(const char *path, uint64_t *room, struct nat_lookup *l, bool read, char *buf)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	off_t from = 0;
	struct stat st;

	if (fd < 0)
		return true;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if ((uint64_t)st.st_size > *room)
			from = st.st_size - (off_t)*room;
		*room -= (uint64_t)(st.st_size - from);
		if (read)
			read_lines(fd, from, l, buf);
	}
	close(fd);
	return from == 0;
}

/* The log and the one before it, as rotation names it. Return: false: only the end of them was read. */
static bool search(const struct question *q, struct nat_lookup *l)
{
	const char *path = q->c->log.file;
	char before[NAT_FILE_SIZE + 2], *buf = malloc(READ_SIZE);
	uint64_t room = READ_MAX;
	bool whole = buf != NULL;

	snprintf(before, sizeof(before), "%s.1", path);
	if (buf && path[0]) {
		/* the newer one first has its share of what may be read */
		whole = read_log(path, &room, l, false, buf);
		whole &= read_log(before, &room, l, true, buf);
		room = READ_MAX;
		read_log(path, &room, l, true, buf);
	}
	nat_lookup_end(l);
	free(buf);
	return whole;
}

VSW_METHOD(nat_lookup)
{
	struct nat_lookup *l = calloc(1, sizeof(*l));
	struct question q;
	bool whole = true;
	int r = l ? read_question(call, &q, reterr)
		  : vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");

	if (r) {
		free(l);
		return r;
	}
	q.rows = json_array();
	l->nat = q.c->name;
	l->addr = q.addr;
	l->port = q.port;
	l->proto = (uint8_t)(q.protocol < 0 ? 0 : q.protocol);
	l->at_ms = q.at_ms;
	if (!q.then) {
		configured(&q);
		deterministic(&q, false);
		r = sessions(call->d, &q, reterr);
	}
	if (q.then || q.c->log.what == NAT_LOG_BLOCKS)
		whole = search(&q, l);
	for (unsigned int i = 0; i < l->n_rows; i++)
		/* what is now was said above */
		if (q.then || !strcmp(l->rows[i].how, "block"))
			add(&q, &l->rows[i]);
	if (q.then && !l->parameters_ms)
		deterministic(&q, true);
	if (!r)
		*result = json_pack("{s:s, s:o, s:o, s:O, s:b, s:b}", "nat", q.c->name, "outside",
				    vsw_nat_endpoint(q.addr, q.port), "at", time_json(q.at_ms),
				    "rows", q.rows, "truncated", !whole, "more", (int)l->more);
	json_decref(q.rows);
	free(l);
	return r;
}
