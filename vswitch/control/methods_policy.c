/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the nouns acl, guard and qos. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <rte_cycles.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/guard.h"
#include "vswitch/policy/shape.h"
#include "vswitch/policy/shape_path.h"

VSW_METHOD(acl_add)
{
	return vsw_methods_change(call, vsw_edit_acl_add, result, reterr);
}

VSW_METHOD(acl_remove)
{
	return vsw_methods_change(call, vsw_edit_acl_remove, result, reterr);
}

VSW_METHOD(acl_replace)
{
	return vsw_methods_change(call, vsw_edit_acl_replace, result, reterr);
}

VSW_METHOD(guard_set)
{
	return vsw_methods_change(call, vsw_edit_guard_set, result, reterr);
}

VSW_METHOD(qos_set)
{
	return vsw_methods_change(call, vsw_edit_qos_set, result, reterr);
}

bool vsw_rule_count_get(const struct vsw_daemon *d, unsigned int port, unsigned int rule,
			struct vsw_rule_count *ret)
{
	const struct vsw_acl *a = vsw_policy_of(&d->engine->model.ports[port])->acl;
	const struct vsw_rt_port *rt = d->engine->ports[port];
	const struct vsw_gate *g = rt->port ? rt->port->gate : NULL;

	/* the gate keeps the object it was made from */
	if (!g || !a || g->policy->acl != a)
		return false;
	*ret = vsw_gate_count(g, vsw_dataplane_workers(d->dp), rule);
	return true;
}

/* The rule as documents have it, its port, and what it has seen. */
static json_t *rule_row(const struct vsw_daemon *d, unsigned int port, unsigned int rule)
{
	const struct vsw_port_cfg *p = &d->engine->model.ports[port];
	json_t *row = json_pack("{s:s}", "port", p->name);
	json_t *j = vsw_rule_to_json(&vsw_policy_of(p)->acl->rules[rule]);
	struct vsw_rule_count n;

	json_object_update(row, j);
	json_decref(j);
	if (vsw_rule_count_get(d, port, rule, &n)) {
		json_object_set_new(row, "packets", json_integer((json_int_t)n.packets));
		json_object_set_new(row, "bytes", json_integer((json_int_t)n.bytes));
	}
	return row;
}

VSW_METHOD(acl_list)
{
	unsigned int i, to;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	if (rc)
		return rc;
	for (*result = json_array(); i < to; i++) {
		const struct vsw_acl *a = vsw_policy_of(&call->d->engine->model.ports[i])->acl;

		for (unsigned int k = 0; a && k < a->n; k++)
			json_array_append_new(*result, rule_row(call->d, i, k));
	}
	return 0;
}

static const struct vsw_port_cfg *port_of(struct vsw_call *call, struct vd_err *reterr)
{
	return vsw_edit_find_port(&call->d->engine->model, vsw_edit_text(call->params, "port"),
				  reterr);
}

VSW_METHOD(acl_show)
{
	const struct vsw_port_cfg *p = port_of(call, reterr);
	const char *what = vsw_edit_text(call->params, "rule");
	const struct vsw_acl *a;

	if (!p)
		return -ENOENT;
	a = vsw_policy_of(p)->acl;
	for (unsigned int k = 0; a && k < a->n; k++) {
		if (!vsw_edit_is_rule(&a->rules[k], what))
			continue;
		*result = rule_row(call->d, vsw_engine_port_index(call->d->engine, p), k);
		return 0;
	}
	return vsw_edit_no_rule(p, what, reterr);
}

/* {"port", "switch"} and all members of @part (stolen). */
static json_t *with_port(const struct vsw_port_cfg *p, json_t *part)
{
	json_t *j = json_pack("{s:s, s:s}", "port", p->name, "switch", p->sw);

	json_object_update(j, part);
	json_decref(part);
	return j;
}

/* What the port came by: leases and addresses that it was seen to use. */
static json_t *addresses_of(const struct vsw_rt_port *rt)
{
	struct vsw_addr_slot *slots = calloc(VSW_ADDRS_MAX, sizeof(*slots));
	json_t *list = json_array();
	unsigned int n = 0;

	if (slots && rt->port && rt->port->guard)
		n = vsw_addrs_get(&rt->port->guard->addrs, slots);
	for (unsigned int i = 0; i < n; i++) {
		char text[VD_PREFIX_STR_SIZE];
		struct vd_prefix p;
		int64_t left_s = slots[i].expires_s - (int64_t)time(NULL);

		vsw_addrs_prefix(slots[i].w, slots[i].bits, &p);
		json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:o}", "address", vd_prefix_format(&p, text),
				  "origin", slots[i].origin == VSW_ADDR_LEASED ? "dhcp" : "seen",
				  "expires_s",
				  slots[i].expires_s == INT64_MAX
					  ? json_null()
					  : json_integer(left_s > 0 ? left_s : 0)));
	}
	free(slots);
	return list;
}

VSW_METHOD(guard_show)
{
	const struct vsw_port_cfg *p = port_of(call, reterr);

	if (!p)
		return -ENOENT;
	*result = with_port(p, vsw_guard_to_json(vsw_policy_of(p), true));
	json_object_set_new(*result, "learn", json_integer(p->learn));
	json_object_set_new(
		*result, "addresses",
		addresses_of(call->d->engine->ports[vsw_engine_port_index(call->d->engine, p)]));
	return 0;
}

/* Per cent of what the VMs of the switch send that the port's weight stands for. */
static json_t *share_of(const struct vsw_model *m, const struct vsw_port_cfg *p)
{
	const struct vsw_switch_cfg *s = vsw_model_switch(m, p->sw);
	unsigned int own = vsw_policy_of(p)->qos.min_weight, sum = 0;

	if (!s || s->qos.min_mode != VSW_MIN_WEIGHT || !own)
		return json_null();
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].sw, p->sw))
			sum += vsw_policy_of(&m->ports[i])->qos.min_weight;
	return json_integer(100 * own / (sum + s->qos.default_min_weight));
}

/* What the port sends at this moment; null without a limit. */
static json_t *held_now(const struct vsw_port *rt, const struct vsw_qos *q,
			const struct vsw_port_stats *s)
{
	int64_t tokens_bytes;
	uint64_t bps;

	if (!rt || !rt->hold || !q->from_vm.bps)
		return json_null();
	vsw_hold_look(rt->hold, rte_rdtsc(), &bps, &tokens_bytes);
	return json_pack("{s:I, s:I, s:b, s:I}", "rate_bps", (json_int_t)bps, "tokens_bytes",
			 (json_int_t)tokens_bytes, "waits", rt->hold->waits, "dropped",
			 (json_int_t)s->drops[VSW_DROP_POLICE]);
}

static json_t *queue_row(const char *port, const struct vsw_shape_view *v)
{
	return json_pack("{s:s?, s:I, s:i, s:i}", "port", port, "rate_bps", (json_int_t)v->bps,
			 "queued_packets", (int)v->n, "queued_bytes", (int)v->bytes);
}

/* The queues of an uplink whose switch has minimums. */
static json_t *queues_now(const struct vsw_engine *e, struct vsw_shaper *s, uint64_t now)
{
	json_t *rows = json_array();
	struct vsw_shape_view v;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		const struct vsw_port *rt = e->ports[i]->port;

		if (rt && vsw_shaper_look_at(s, rt->index, now, &v))
			json_array_append_new(rows, queue_row(e->model.ports[i].name, &v));
	}
	vsw_shaper_look_at(s, VSW_PORT_INDEX_NONE, now, &v);
	json_array_append_new(rows, queue_row(NULL, &v));
	return rows;
}

/* What is sent to the port at this moment; null without a limit. */
static json_t *shaped_now(const struct vsw_engine *e, const struct vsw_port *rt,
			  const struct vsw_qos *q, const struct vsw_port_stats *s)
{
	uint64_t now = rte_rdtsc();
	struct vsw_shape_view v;
	json_t *j;

	if (!rt || !rt->shaper || !q->to_vm.bps)
		return json_null();
	vsw_shaper_look(rt->shaper, now, &v);
	j = json_pack("{s:I, s:I, s:i, s:i, s:i, s:I}", "rate_bps", (json_int_t)v.bps,
		      "tokens_bytes", (json_int_t)v.tokens_bytes, "queued_packets", (int)v.n,
		      "queued_bytes", (int)v.bytes, "queue_limit_bytes", (int)v.limit_bytes,
		      "dropped", (json_int_t)s->drops[VSW_DROP_SHAPE_QUEUE_FULL]);
	if (v.n_queues > 1)
		json_object_set_new(j, "queues", queues_now(e, rt->shaper, now));
	return j;
}

VSW_METHOD(qos_show)
{
	const struct vsw_engine *e = call->d->engine;
	const struct vsw_port_cfg *p = port_of(call, reterr);
	struct vsw_port_stats s = {0};
	const struct vsw_port *rt;
	const struct vsw_qos *q;

	if (!p)
		return -ENOENT;
	q = &vsw_policy_of(p)->qos;
	rt = e->ports[vsw_engine_port_index(e, p)]->port;
	if (rt)
		vsw_port_stats_get(call->d->dp, rt, &s);
	*result = with_port(p, vsw_qos_to_json(q, true));
	json_object_set_new(*result, "share_percent", share_of(&e->model, p));
	json_object_set_new(*result, "from_vm", held_now(rt, q, &s));
	json_object_set_new(*result, "to_vm", shaped_now(e, rt, q, &s));
	return 0;
}
