/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who had an outside port, from the lines of a log. A line is foreign text: whatever it says, only rows of this search can come
 * of it. Lines that cannot concern the search are passed over without being parsed.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "nat/log/log.h"

static const char *text_of(json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

static uint8_t proto_of(json_t *j)
{
	const char *s = text_of(j, "protocol");

	return !strcmp(s, "tcp")    ? NAT_TCP
	       : !strcmp(s, "udp")  ? NAT_UDP
	       : !strcmp(s, "icmp") ? NAT_ICMP
				    : 0;
}

static bool covers(const struct nat_lookup *l, const struct nat_lookup_row *r)
{
	return r->since_ms <= l->at_ms && (!r->until_ms || r->until_ms >= l->at_ms);
}

/* The row of the same user of the same port that is still open; or a new one, or NULL. */
static struct nat_lookup_row *row_for(struct nat_lookup *l, const struct nat_lookup_row *like,
				      bool make)
{
	struct nat_lookup_row *old = NULL;

	for (unsigned int i = 0; i < l->n_rows; i++) {
		struct nat_lookup_row *r = &l->rows[i];

		if (r->how == like->how && !r->until_ms && r->proto == like->proto &&
		    r->inside == like->inside && r->inside_port == like->inside_port &&
		    r->remote == like->remote && r->remote_port == like->remote_port &&
		    r->port_first == like->port_first)
			return r;
		if (r->until_ms && !old && !covers(l, r))
			old = r;
	}
	if (!make)
		return NULL;
	if (!old && l->n_rows < NAT_LOOKUP_ROWS)
		old = &l->rows[l->n_rows++];
	if (old)
		*old = *like;
	else
		l->more = true;
	return old;
}

static void begin_or_end(struct nat_lookup *l, const struct nat_lookup_row *like, uint64_t time_ms,
			 bool begin)
{
	struct nat_lookup_row *r;

	r = row_for(l, like, begin);
	if (!r) {
		/* an end without a beginning: what began before the log did */
		if (!begin && time_ms >= l->at_ms) {
			r = row_for(l, like, true);
			if (r) {
				r->since_ms = 0;
				r->until_ms = time_ms;
			}
		}
		return;
	}
	if (begin) {
		if (!r->n)
			r->since_ms = time_ms;
		/* a restart tells of blocks again; sessions with several remotes share a port */
		r->n = r->port_first && r->port_first == r->port_last ? r->n + 1 : 1;
		return;
	}
	if (r->n && --r->n == 0)
		r->until_ms = time_ms;
}

static void session(struct nat_lookup *l, json_t *j, uint64_t time_ms, bool begin)
{
	struct nat_lookup_row like = {.how = "session", .proto = proto_of(j)};
	uint32_t addr;
	uint16_t first, last;

	if (nat_endpoint_parse(text_of(j, "outside"), &addr, &first, &last) || addr != l->addr ||
	    first != l->port || (l->proto && like.proto != l->proto) ||
	    nat_endpoint_parse(text_of(j, "inside"), &like.inside, &like.inside_port, &last))
		return;
	if (nat_endpoint_parse(text_of(j, "remote"), &like.remote, &like.remote_port, &last))
		like.remote = like.remote_port = 0;
	like.port_first = like.port_last = first;
	begin_or_end(l, &like, time_ms, begin);
}

static void block(struct nat_lookup *l, json_t *j, uint64_t time_ms, bool begin)
{
	struct nat_lookup_row like = {.how = "block"};
	uint32_t addr;

	if (l->proto == NAT_ICMP ||
	    nat_endpoint_parse(text_of(j, "outside"), &addr, &like.port_first, &like.port_last) ||
	    addr != l->addr || l->port < like.port_first || l->port > like.port_last ||
	    nat_addr_parse(text_of(j, "inside"), &like.inside))
		return;
	begin_or_end(l, &like, time_ms, begin);
}

static const char one_to_one[] = "one-to-one";

/* Every port of the address, and every protocol. */
static void address(struct nat_lookup *l, json_t *j, uint64_t time_ms, bool begin)
{
	struct nat_lookup_row like = {.how = one_to_one};
	uint32_t addr;

	if (nat_addr_parse(text_of(j, "outside"), &addr) || addr != l->addr ||
	    nat_addr_parse(text_of(j, "inside"), &like.inside))
		return;
	begin_or_end(l, &like, time_ms, begin);
}

/* The parameters of RFC 7422 say it by arithmetic. */
static void parameters(struct nat_lookup *l, json_t *j, uint64_t time_ms)
{
	static const struct nat_conf none;
	struct nat_external x[NAT_EXTERNALS_MAX];
	struct nat_conf c = none;
	json_t *list = json_object_get(j, "external"), *item;
	json_int_t size = json_integer_value(json_object_get(j, "block_size"));
	size_t i;

	if (time_ms > l->at_ms) {
		if (!l->parameters_until_ms)
			l->parameters_until_ms = time_ms;
		return;
	}
	l->parameters_ms = time_ms;
	l->inside = 0;
	if (size < 1 || size > 4096 || nat_prefix_parse(text_of(j, "prefix"), &c.prefix))
		return;
	c.external = x;
	json_array_foreach (list, i, item) {
		const char *s = json_string_value(item);

		if (!s || i == NAT_EXTERNALS_MAX || nat_external_parse(s, &x[c.n_external]) ||
		    x[c.n_external].last - x[c.n_external].first >= NAT_ADDRESSES_MAX)
			return;
		c.n_external++;
	}
	c.blocks.size = (uint16_t)size;
	c.blocks.deterministic = true;
	if (nat_deterministic_owner(&c, l->addr, l->port, &l->inside))
		l->inside = 0;
	else
		nat_deterministic_block(&c, l->inside, &(uint32_t){0}, &l->port_first,
					&(uint16_t){0});
	l->port_last = (uint16_t)(l->port_first + size - 1);
}

/* Something is missing here: whoever has the port at this moment may have lost it unseen. */
static void gap(struct nat_lookup *l, uint64_t time_ms)
{
	for (unsigned int i = 0; i < l->n_rows; i++)
		if (!l->rows[i].until_ms && l->rows[i].since_ms <= time_ms)
			l->rows[i].uncertain |= time_ms <= l->at_ms;
}

/* @how: only rows of this kind; NULL: all. */
static void all_end(struct nat_lookup *l, uint64_t time_ms, const char *how)
{
	for (unsigned int i = 0; i < l->n_rows; i++)
		if (!l->rows[i].until_ms && (!how || l->rows[i].how == how))
			l->rows[i].until_ms = time_ms;
}

/* Nobody has anything after a start with no sessions: the machine, or the network, was new. Who has an address of his own
 * is told again. */
static void start(struct nat_lookup *l, json_t *j, uint64_t time_ms)
{
	bool all = json_integer_value(json_object_get(j, "sessions")) == 0;

	if (!l->stopped)
		gap(l, time_ms);
	all_end(l, l->stopped ? l->stopped_ms : time_ms, all ? NULL : one_to_one);
}

static void on_event(struct nat_lookup *l, json_t *j, const char *event, uint64_t time_ms)
{
	bool stopped = false;

	if (!strcmp(event, "session-create") || !strcmp(event, "session-delete")) {
		session(l, j, time_ms, event[8] == 'c');
	} else if (!strcmp(event, "block-allocate") || !strcmp(event, "block-free")) {
		block(l, j, time_ms, event[6] == 'a');
	} else if (!strcmp(event, "address-bind") || !strcmp(event, "address-unbind")) {
		address(l, j, time_ms, event[8] == 'b');
	} else if (!strcmp(event, "deterministic")) {
		parameters(l, j, time_ms);
	} else if (!strcmp(event, "deterministic-end")) {
		if (time_ms > l->at_ms) {
			if (!l->parameters_until_ms)
				l->parameters_until_ms = time_ms;
		} else {
			l->parameters_ms = 0;
			l->inside = 0;
		}
	} else if (!strcmp(event, "gap")) {
		gap(l, time_ms);
	} else if (!strcmp(event, "start")) {
		start(l, j, time_ms);
	} else if (!strcmp(event, "stop")) {
		stopped = true;
		l->stopped_ms = time_ms;
	}
	l->stopped = stopped;
}

void nat_lookup_line(struct nat_lookup *l, const char *line, size_t size)
{
	static const char session_key[] = "\"event\":\"session-";
	char outside[NAT_ENDPOINT_STR_SIZE + 16], a[NAT_ADDR_STR_SIZE], nat[VD_NAME_MAX + 16];
	uint64_t time_ms;
	json_t *j;
	int n;

	if (size >= NAT_LOG_LINE_MAX || size < 2 || line[0] != '{')
		return;
	n = snprintf(nat, sizeof(nat), "\"nat\":\"%s\"", l->nat);
	if (!memmem(line, size, nat, (size_t)n))
		return;
	/* nearly every line is somebody else's session */
	n = snprintf(outside, sizeof(outside), "\"outside\":\"%s:%u\"", nat_addr_format(l->addr, a),
		     l->port);
	if (memmem(line, size, session_key, sizeof(session_key) - 1) &&
	    !memmem(line, size, outside, (size_t)n)) {
		l->stopped = false;
		return;
	}
	j = json_loadb(line, size, 0, NULL);
	if (json_is_object(j) && !strcmp(text_of(j, "nat"), l->nat) &&
	    nat_time_parse(text_of(j, "time"), &time_ms) == 0)
		on_event(l, j, text_of(j, "event"), time_ms);
	json_decref(j);
}

void nat_lookup_end(struct nat_lookup *l)
{
	unsigned int n = 0;

	if (l->stopped)
		all_end(l, l->stopped_ms, NULL);
	for (unsigned int i = 0; i < l->n_rows; i++)
		if (covers(l, &l->rows[i]))
			l->rows[n++] = l->rows[i];
	l->n_rows = n;
	if (l->inside && n < NAT_LOOKUP_ROWS && l->proto != NAT_ICMP)
		l->rows[l->n_rows++] = (struct nat_lookup_row){.how = "deterministic",
							       .inside = l->inside,
							       .port_first = l->port_first,
							       .port_last = l->port_last,
							       .since_ms = l->parameters_ms,
							       .until_ms = l->parameters_until_ms};
}
