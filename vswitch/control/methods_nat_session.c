/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nat session list and flush, and how much of a network is used: connections of the kernel, seen as NAT. */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nft/conntrack.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/nat_sessions.h"
#include "vswitch/hostnat/hostnat.h"

#define ROWS_MAX 100000u

/* What is looked for, and what was found. */
struct walk {
	const struct vsw_model *m;
	struct vsw_hostnat *h;
	const char *only;        /* network; NULL: all */
	int protocol;            /* -1: all */
	uint32_t inside, remote; /* 0: all */
	uint32_t limit;
	json_t *rows;       /* list; or NULL */
	struct nat_ct *cts; /* flush */
	unsigned int n, size;
	bool failed;
};

/* One connection as a NAT session. */
struct session {
	const struct nat_conf *c;
	const char *direction;
	uint32_t inside, outside, remote;
	uint16_t inside_port, outside_port, remote_port;
};

static bool as_session(const struct walk *w, const struct nat_conf *c, const struct nat_ct *ct,
		       struct session *s)
{
	bool from = nat_prefix_has(c->prefix, ct->orig.src);
	bool to = nat_prefix_has(c->prefix, ct->reply.src) && ct->status & IPS_DST_NAT;

	if (c->backend != NAT_BACKEND_KERNEL || !(ct->status & (IPS_SRC_NAT | IPS_DST_NAT)) ||
	    !(from || to))
		return false;
	from = from && vsw_hostnat_owns(w->h, c, ct->mark, true);
	to = to && vsw_hostnat_owns(w->h, c, ct->mark, false);
	if (!from && !to)
		return false;
	if (to) {
		*s = (struct session){c,
				      from ? "hairpin" : "in",
				      ct->reply.src,
				      ct->orig.dst,
				      ct->orig.src,
				      ct->reply.sport,
				      ct->orig.dport,
				      ct->orig.sport};
		return true;
	}
	*s = (struct session){c,
			      "out",
			      ct->orig.src,
			      ct->reply.dst,
			      ct->orig.dst,
			      ct->orig.sport,
			      ct->reply.dport,
			      ct->orig.dport};
	return true;
}

static bool wanted(const struct walk *w, const struct nat_ct *ct, const struct session *s)
{
	return (!w->only || !strcmp(w->only, s->c->name)) &&
	       (w->protocol < 0 || w->protocol == ct->protocol) &&
	       (!w->inside || w->inside == s->inside) && (!w->remote || w->remote == s->remote);
}

static json_t *endpoint(uint32_t addr, uint16_t port)
{
	char buf[NAT_ENDPOINT_STR_SIZE];

	return json_string(nat_endpoint_format(addr, port, port, buf));
}

static json_t *protocol_json(uint8_t protocol)
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

static json_t *row(const struct nat_ct *ct, const struct session *s)
{
	unsigned int out = strcmp(s->direction, "out") ? 1 : 0;

	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "nat",
			 s->c->name, "protocol", protocol_json(ct->protocol), "direction",
			 s->direction, "inside", endpoint(s->inside, s->inside_port), "outside",
			 endpoint(s->outside, s->outside_port), "remote",
			 endpoint(s->remote, s->remote_port), "state", nat_ct_state(ct),
			 "timeout_s", (json_int_t)ct->timeout_s, "packets_out",
			 (json_int_t)ct->packets[out], "bytes_out", (json_int_t)ct->bytes[out],
			 "packets_in", (json_int_t)ct->packets[!out], "bytes_in",
			 (json_int_t)ct->bytes[!out]);
}

static void keep(struct walk *w, const struct nat_ct *ct)
{
	if (w->n == w->size) {
		unsigned int size = w->size ? w->size * 2 : 256;
		struct nat_ct *p = reallocarray(w->cts, size, sizeof(*p));

		if (!p) {
			w->failed = true;
			return;
		}
		w->cts = p;
		w->size = size;
	}
	w->cts[w->n++] = *ct;
}

static bool on_entry(void *ctx, const struct nat_ct *ct)
{
	struct walk *w = ctx;
	struct session s;

	for (unsigned int i = 0; i < w->m->n_nats; i++) {
		if (!as_session(w, &w->m->nats[i], ct, &s) || !wanted(w, ct, &s))
			continue;
		if (w->rows && json_array_size(w->rows) < w->limit)
			json_array_append_new(w->rows, row(ct, &s));
		else if (w->rows)
			return true;
		else
			keep(w, ct);
		break;
	}
	return w->failed;
}

static int get_filter_addr(struct vsw_call *call, const char *key, uint32_t *ret,
			   struct vd_err *reterr)
{
	const char *text = vsw_edit_text(call->params, key);

	if (!text || nat_addr_parse(text, ret) == 0)
		return 0;
	return vd_err_set(reterr, -EINVAL, VD_E_VALUE, key, "write it as 192.0.2.1",
			  "%s \"%.60s\" is not an IPv4 address", key, text);
}

static int begin(struct vsw_call *call, struct walk *w, struct vd_err *reterr)
{
	const char *protocol = vsw_edit_text(call->params, "protocol");
	json_t *limit = json_object_get(call->params, "limit");
	int r;

	memset(w, 0, sizeof(*w));
	w->m = &call->d->engine->model;
	w->h = call->d->nat;
	w->only = vsw_edit_text(call->params, "name");
	w->protocol = !protocol                  ? -1
		      : !strcmp(protocol, "tcp") ? NAT_TCP
		      : !strcmp(protocol, "udp") ? NAT_UDP
						 : NAT_ICMP;
	w->limit = limit ? (uint32_t)json_integer_value(limit) : ROWS_MAX;
	if (w->only && !vsw_edit_find_nat(w->m, w->only, reterr))
		return -ENOENT;
	r = get_filter_addr(call, "inside", &w->inside, reterr);
	return r ? r : get_filter_addr(call, "remote", &w->remote, reterr);
}

static int go(struct walk *w, struct vd_err *reterr)
{
	int r = w->h && w->m->n_nats ? nat_ct_each(on_entry, w) : 0;

	if (!r && w->failed)
		r = -ENOMEM;
	return r ? vd_err_set(reterr, r, VD_E_SYSTEM, "nat", NULL,
			      "cannot read the kernel's connections: %s", strerror(-r))
		 : 0;
}

/* The same question to the switch workers' translators. */
#define FILTER(w)                                                         \
	{                                                                 \
		(w).only, (w).protocol, (w).inside, (w).remote, (w).limit \
	}

static struct vsw_nats *workers(const struct vsw_daemon *d)
{
	return vsw_dataplane_env(d->dp)->nats;
}

VSW_METHOD(nat_session_list)
{
	struct walk w;
	int r = begin(call, &w, reterr);

	if (r)
		return r;
	w.rows = json_array();
	r = go(&w, reterr);
	if (!r)
		vsw_nat_session_rows(workers(call->d), w.m, &(struct vsw_nat_filter)FILTER(w),
				     w.rows);
	if (r)
		json_decref(w.rows);
	else
		*result = w.rows;
	return r;
}

VSW_METHOD(nat_session_flush)
{
	unsigned int removed = 0;
	struct walk w;
	int r = begin(call, &w, reterr);

	if (!r)
		r = go(&w, reterr);
	if (!r && w.n)
		r = nat_ct_remove(w.cts, w.n, &removed);
	free(w.cts);
	if (!r)
		removed += vsw_nat_session_flush(workers(call->d), w.m,
						 &(struct vsw_nat_filter)FILTER(w));
	if (r)
		return vd_err_set(reterr, r, VD_E_SYSTEM, "nat", NULL,
				  "cannot remove the kernel's connections: %s", strerror(-r));
	*result = json_pack("{s:i}", "removed", (int)removed);
	return 0;
}

json_t *vsw_nat_use(struct vsw_daemon *d, const struct nat_conf *c)
{
	struct walk w = {.m = &d->engine->model, .h = d->nat, .only = c->name, .protocol = -1};
	struct vd_err ignored = {0};
	struct vsw_nat *nat = vsw_nats_find(workers(d), c->name);
	uint64_t ports = 0;

	for (unsigned int i = 0; i < c->n_external; i++)
		ports += ((uint64_t)c->external[i].last - c->external[i].first + 1) *
			 (c->external[i].port_last - c->external[i].port_first + 1u);
	if (go(&w, &ignored) == 0)
		free(w.cts);
	if (nat && c->backend == NAT_BACKEND_DATAPLANE)
		return vsw_nat_status(nat);
	return json_pack("{s:i, s:I, s:I}", "sessions", (int)w.n, "outside_ports",
			 (json_int_t)ports, "addresses",
			 (json_int_t)(c->dhcp.enabled ? c->dhcp.last - c->dhcp.first + 1 : 0));
}
