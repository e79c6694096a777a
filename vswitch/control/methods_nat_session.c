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
#include "vswitch/hostnat/facts.h"
#include "vswitch/hostnat/hostnat.h"

#define ROWS_MAX  100000u
#define CONNTRACK "net/netfilter/nf_conntrack_"

/* What is looked for, and what was found. */
struct walk {
	const struct vsw_model *m;
	struct vsw_hostnat *h;
	struct vsw_nat_filter f;
	json_t *rows;       /* list; or NULL */
	struct nat_ct *cts; /* flush */
	unsigned int n, size;
	bool failed;
};

static bool wanted(const struct walk *w, const struct nat_conf *c, const struct nat_ct *ct,
		   const struct vsw_hostnat_session *s)
{
	const struct nat_session_info info = {.proto = ct->protocol,
					      .inside = s->inside,
					      .remote = s->remote,
					      .outside = s->outside,
					      .outside_port = s->outside_port};

	return (!w->f.only || !strcmp(w->f.only, c->name)) && vsw_nat_filter_wants(&w->f, &info);
}

static json_t *row(const struct nat_conf *c, const struct nat_ct *ct,
		   const struct vsw_hostnat_session *s)
{
	unsigned int out = strcmp(s->direction, "out") ? 1 : 0;

	return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "nat",
			 c->name, "protocol", vsw_nat_protocol_json(ct->protocol), "direction",
			 s->direction, "inside", vsw_nat_endpoint(s->inside, s->inside_port),
			 "outside", vsw_nat_endpoint(s->outside, s->outside_port), "remote",
			 vsw_nat_endpoint(s->remote, s->remote_port), "state", nat_ct_state(ct),
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
	struct vsw_hostnat_session s;

	for (unsigned int i = 0; i < w->m->n_nats; i++) {
		const struct nat_conf *c = &w->m->nats[i];

		if (!w->h || !vsw_hostnat_session(w->h, c, ct, &s) || !wanted(w, c, ct, &s))
			continue;
		if (w->rows && json_array_size(w->rows) < w->f.limit)
			json_array_append_new(w->rows, row(c, ct, &s));
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

static int get_filter_outside(struct vsw_call *call, struct vsw_nat_filter *f,
			      struct vd_err *reterr)
{
	const char *text = vsw_edit_text(call->params, "outside");
	uint16_t last;

	if (!text || (nat_endpoint_parse(text, &f->outside, &f->outside_port, &last) == 0 &&
		      f->outside && last == f->outside_port))
		return 0;
	return vd_err_set(reterr, -EINVAL, VD_E_VALUE, "outside", "write it as 192.0.2.1:40000",
			  "outside \"%.60s\" is no address, or address and port", text);
}

static int begin(struct vsw_call *call, struct walk *w, struct vd_err *reterr)
{
	const char *protocol = vsw_edit_text(call->params, "protocol");
	json_t *limit = json_object_get(call->params, "limit");
	int r;

	memset(w, 0, sizeof(*w));
	w->m = &call->d->engine->model;
	w->h = call->d->nat;
	w->f.only = vsw_edit_text(call->params, "name");
	w->f.protocol = !protocol                  ? -1
			: !strcmp(protocol, "tcp") ? NAT_TCP
			: !strcmp(protocol, "udp") ? NAT_UDP
						   : NAT_ICMP;
	w->f.limit = limit ? (uint32_t)json_integer_value(limit) : ROWS_MAX;
	if (w->f.only && !vsw_edit_find_nat(w->m, w->f.only, reterr))
		return -ENOENT;
	r = get_filter_addr(call, "inside", &w->f.inside, reterr);
	if (!r)
		r = get_filter_addr(call, "remote", &w->f.remote, reterr);
	return r ? r : get_filter_outside(call, &w->f, reterr);
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

static struct vsw_nats *workers(const struct vsw_daemon *d)
{
	return vsw_dataplane_env(d->dp)->nats;
}

int vsw_nat_sessions_find(struct vsw_daemon *d, const struct vsw_nat_filter *f, json_t **ret,
			  struct vd_err *reterr)
{
	struct walk w = {.m = &d->engine->model, .h = d->nat, .f = *f, .rows = json_array()};
	int r = go(&w, reterr);

	if (r) {
		json_decref(w.rows);
		return r;
	}
	vsw_nat_session_rows(workers(d), w.m, f, w.rows);
	*ret = w.rows;
	return 0;
}

VSW_METHOD(nat_session_list)
{
	struct walk w;
	int r = begin(call, &w, reterr);

	return r ? r : vsw_nat_sessions_find(call->d, &w.f, result, reterr);
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
		removed += vsw_nat_session_flush(workers(call->d), w.m, &w.f);
	if (r)
		return vd_err_set(reterr, r, VD_E_SYSTEM, "nat", NULL,
				  "cannot remove the kernel's connections: %s", strerror(-r));
	*result = json_pack("{s:i}", "removed", (int)removed);
	return 0;
}

json_t *vsw_nat_use(struct vsw_daemon *d, const struct nat_conf *c)
{
	struct walk w = {
		.m = &d->engine->model, .h = d->nat, .f = {.only = c->name, .protocol = -1}};
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
	return json_pack("{s:i, s:I, s:I, s:I, s:I}", "sessions", (int)w.n, "outside_ports",
			 (json_int_t)ports, "addresses",
			 (json_int_t)(c->dhcp.enabled ? c->dhcp.last - c->dhcp.first + 1 : 0),
			 /* of the whole host: when these are used up, nobody's connections begin */
			 "host_connections", (json_int_t)nat_sysctl_get(CONNTRACK "count"),
			 "host_connections_max", (json_int_t)nat_sysctl_get(CONNTRACK "max"));
}
