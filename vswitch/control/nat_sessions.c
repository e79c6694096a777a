/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vswitch/control/nat_sessions.h"

#include <string.h>

struct walk {
	const struct vsw_nat_filter *f;
	const struct nat_conf *c;
	json_t *rows; /* NULL: flush */
};

json_t *vsw_nat_protocol_json(uint8_t protocol)
{
	switch (protocol) {
	case NAT_TCP:
		return json_string("tcp");
	case NAT_UDP:
		return json_string("udp");
	case NAT_ICMP:
		return json_string("icmp");
	default:
		return json_sprintf("%u", protocol);
	}
}

bool vsw_nat_filter_wants(const struct vsw_nat_filter *f, const struct nat_session_info *s)
{
	return (f->protocol < 0 || f->protocol == s->proto) &&
	       (!f->inside || f->inside == s->inside) && (!f->remote || f->remote == s->remote) &&
	       (!f->outside || f->outside == s->outside) &&
	       (!f->outside_port || f->outside_port == s->outside_port);
}

json_t *vsw_nat_endpoint(uint32_t addr, uint16_t port)
{
	char buf[NAT_ENDPOINT_STR_SIZE];

	return json_string(nat_endpoint_format(addr, port, port, buf));
}

static bool is_own(const struct nat_conf *c, uint32_t addr)
{
	for (unsigned int i = 0; i < c->n_external; i++)
		if (addr >= c->external[i].first && addr <= c->external[i].last)
			return true;
	for (unsigned int i = 0; i < c->n_pairs; i++)
		if (addr == c->pairs[i].outside)
			return true;
	return false;
}

static bool on_session(void *ctx, const struct nat_session_info *s, bool *kill)
{
	struct walk *w = ctx;

	if (!vsw_nat_filter_wants(w->f, s))
		return true;
	if (!w->rows) {
		*kill = true;
		return true;
	}
	if (json_array_size(w->rows) >= w->f->limit)
		return false;
	json_array_append_new(
		w->rows,
		json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I}", "nat", w->c->name,
			  "protocol", vsw_nat_protocol_json(s->proto), "direction",
			  is_own(w->c, s->remote) ? "hairpin"
			  : s->inbound            ? "in"
						  : "out",
			  "inside", vsw_nat_endpoint(s->inside, s->inside_port), "outside",
			  vsw_nat_endpoint(s->outside, s->outside_port), "remote",
			  vsw_nat_endpoint(s->remote, s->remote_port), "state", s->state,
			  "timeout_s",
			  (json_int_t)(s->timeout_s > s->idle_s ? s->timeout_s - s->idle_s : 0),
			  "age_s", (json_int_t)s->age_s, "idle_s", (json_int_t)s->idle_s));
	return true;
}

static uint32_t walk(struct vsw_nats *n, const struct vsw_model *m, const struct vsw_nat_filter *f,
		     json_t *rows)
{
	uint32_t ended = 0;

	for (unsigned int i = 0; i < m->n_nats; i++) {
		struct walk w = {f, &m->nats[i], rows};
		struct vsw_nat *nat = vsw_nats_find(n, w.c->name);

		if (nat && (!f->only || !strcmp(f->only, w.c->name)))
			ended += vsw_nat_sessions(nat, on_session, &w);
	}
	return ended;
}

void vsw_nat_session_rows(struct vsw_nats *n, const struct vsw_model *m,
			  const struct vsw_nat_filter *f, json_t *rows)
{
	walk(n, m, f, rows);
}

uint32_t vsw_nat_session_flush(struct vsw_nats *n, const struct vsw_model *m,
			       const struct vsw_nat_filter *f)
{
	return walk(n, m, f, NULL);
}
