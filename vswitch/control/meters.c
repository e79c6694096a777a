/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters since the last reset, and across restarts: see meters.h. */
#include "vswitch/control/meters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/control/engine.h"
#include "vswitch/policy/gate.h"

#define FILE_NAME "meters.json"
#define SAVE_MS   1000u
/* Writing may take this part of the control thread's time at most. */
#define SAVE_SHARE 20u

static const char *const dir_key[2] = {[VSW_FROM_VM] = "from_vm", [VSW_TO_VM] = "to_vm"};

/* ---- one port ---- */

static void counted(const struct vsw_engine *e, const struct vsw_rt_port *rt,
		    struct vsw_rule_count ret[2])
{
	struct vsw_port_stats s = {0};

	if (rt->port && !rt->meters.folded)
		vsw_port_stats_get(e->dp, rt->port, &s);
	ret[VSW_FROM_VM] = (struct vsw_rule_count){s.rx_packets, s.rx_bytes};
	ret[VSW_TO_VM] = (struct vsw_rule_count){s.tx_packets, s.tx_bytes};
}

/* What the gate of an open port counted of rule @id; nothing where it has no such rule. */
static struct vsw_rule_count rule_counted(const struct vsw_engine *e, const struct vsw_rt_port *rt,
					  uint32_t id)
{
	const struct vsw_gate *g = rt->port && !rt->meters.folded ? rt->port->gate : NULL;
	const struct vsw_acl *a = g && g->n_rules ? g->policy->acl : NULL;
	const struct vsw_acl_rule *r = a ? vsw_acl_find(a, id) : NULL;

	if (!r)
		return (struct vsw_rule_count){0, 0};
	return vsw_gate_count(g, vsw_dataplane_workers(e->dp), (uint32_t)(r - a->rules));
}

static struct vsw_meter_offset *offset_of(const struct vsw_meters *m, uint32_t id)
{
	for (unsigned int i = 0; i < m->n_rules; i++)
		if (m->rules[i].id == id)
			return &m->rules[i];
	return NULL;
}

static struct vsw_rule_count sum(struct vsw_rule_count n, const struct vsw_meter_offset *o)
{
	if (o)
		n = (struct vsw_rule_count){n.packets + o->packets, n.bytes + o->bytes};
	return n;
}

struct vsw_rule_count vsw_meter_port(const struct vsw_engine *e, unsigned int i, enum vsw_dir dir)
{
	struct vsw_rule_count n[2];

	counted(e, e->ports[i], n);
	return sum(n[dir], &e->ports[i]->meters.whole[dir]);
}

struct vsw_rule_count vsw_meter_rule(const struct vsw_engine *e, unsigned int i, unsigned int rule)
{
	const struct vsw_rt_port *rt = e->ports[i];
	uint32_t id = vsw_policy_of(&e->model.ports[i])->acl->rules[rule].id;

	return sum(rule_counted(e, rt, id), offset_of(&rt->meters, id));
}

static struct vsw_meter_offset minus(uint32_t id, struct vsw_rule_count n)
{
	return (struct vsw_meter_offset){id, -n.packets, -n.bytes};
}

static unsigned int n_meters(const struct vsw_acl *a)
{
	unsigned int n = 0;

	for (unsigned int k = 0; a && k < a->n; k++)
		n += a->rules[k].action == VSW_ACL_METER;
	return n;
}

int vsw_meters_reset(struct vsw_engine *e, unsigned int i)
{
	const struct vsw_acl *a = vsw_policy_of(&e->model.ports[i])->acl;
	struct vsw_rt_port *rt = e->ports[i];
	struct vsw_meter_offset *rules = calloc(n_meters(a) + 1u, sizeof(*rules));
	struct vsw_rule_count n[2];
	unsigned int n_rules = 0;

	if (!rules)
		return -ENOMEM;
	for (unsigned int k = 0; a && k < a->n; k++)
		if (a->rules[k].action == VSW_ACL_METER)
			rules[n_rules++] =
				minus(a->rules[k].id, rule_counted(e, rt, a->rules[k].id));
	free(rt->meters.rules);
	rt->meters.rules = rules;
	rt->meters.n_rules = n_rules;
	counted(e, rt, n);
	for (unsigned int dir = 0; dir < 2; dir++)
		rt->meters.whole[dir] = minus(0, n[dir]);
	return 0;
}

/* ---- back ends and rules come and go ---- */

static struct vsw_meter_offset *add_rule(struct vsw_meters *m, uint32_t id)
{
	struct vsw_meter_offset *o = offset_of(m, id), *more;

	if (o)
		return o;
	more = realloc(m->rules, (m->n_rules + 1u) * sizeof(*more));
	if (!more)
		return NULL;
	m->rules = more;
	more[m->n_rules] = (struct vsw_meter_offset){.id = id};
	return &more[m->n_rules++];
}

static void add_to(struct vsw_meter_offset *o, struct vsw_rule_count n)
{
	if (!o)
		return;
	o->packets += n.packets;
	o->bytes += n.bytes;
}

void vsw_meters_fold(struct vsw_engine *e, struct vsw_rt_port *rt)
{
	const struct vsw_gate *g = rt->port ? rt->port->gate : NULL;
	const struct vsw_acl *a = g && g->n_rules ? g->policy->acl : NULL;
	struct vsw_rule_count n[2];

	if (!rt->port || rt->meters.folded)
		return;
	counted(e, rt, n);
	for (unsigned int dir = 0; dir < 2; dir++)
		add_to(&rt->meters.whole[dir], n[dir]);
	for (unsigned int k = 0; a && k < a->n; k++)
		if (a->rules[k].action == VSW_ACL_METER)
			add_to(add_rule(&rt->meters, a->rules[k].id),
			       rule_counted(e, rt, a->rules[k].id));
	rt->meters.folded = true;
}

void vsw_meters_move(struct vsw_rt_port *to, struct vsw_rt_port *from)
{
	free(to->meters.rules);
	to->meters = from->meters;
	to->meters.folded = false;
	from->meters.rules = NULL;
	from->meters.n_rules = 0;
}

void vsw_meters_settle(struct vsw_engine *e)
{
	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_meters *m = &e->ports[i]->meters;
		const struct vsw_acl *a = vsw_policy_of(&e->model.ports[i])->acl;
		unsigned int n = 0;

		for (unsigned int k = 0; k < m->n_rules; k++) {
			const struct vsw_acl_rule *r = a ? vsw_acl_find(a, m->rules[k].id) : NULL;

			if (r && r->action == VSW_ACL_METER)
				m->rules[n++] = m->rules[k];
		}
		m->n_rules = n;
	}
}

/* ---- the file ---- */

static bool read_pair(json_t *j, size_t at, struct vsw_rule_count *ret)
{
	json_t *p = json_array_get(j, at), *b = json_array_get(j, at + 1);

	if (!json_is_integer(p) || !json_is_integer(b))
		return false;
	*ret = (struct vsw_rule_count){(uint64_t)json_integer_value(p),
				       (uint64_t)json_integer_value(b)};
	return true;
}

static void give(struct vsw_engine *e, unsigned int i, json_t *row)
{
	const struct vsw_acl *a = vsw_policy_of(&e->model.ports[i])->acl;
	struct vsw_meters *m = &e->ports[i]->meters;
	struct vsw_rule_count n;
	json_t *rule;
	size_t k;

	for (unsigned int dir = 0; dir < 2; dir++)
		if (read_pair(json_object_get(row, dir_key[dir]), 0, &n))
			add_to(&m->whole[dir], n);
	json_array_foreach (json_object_get(row, "rules"), k, rule) {
		json_t *id = json_array_get(rule, 0);

		if (a && json_is_integer(id) && read_pair(rule, 1, &n) &&
		    vsw_acl_find(a, (uint32_t)json_integer_value(id)))
			add_to(add_rule(m, (uint32_t)json_integer_value(id)), n);
	}
}

void vsw_meters_load(struct vsw_engine *e)
{
	json_t *j = NULL, *row, *rows = json_object();
	size_t k;

	if (vsw_store_get(e->store, FILE_NAME, &j) == 0)
		json_array_foreach (json_object_get(j, "ports"), k, row) {
			json_t *uuid = json_object_get(row, "port");

			if (json_is_string(uuid))
				json_object_set(rows, json_string_value(uuid), row);
		}
	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		row = json_object_get(rows, e->model.ports[i].uuid);
		if (row)
			give(e, i, row);
	}
	vsw_meters_settle(e);
	json_decref(rows);
	json_decref(j);
}

static json_t *pair(struct vsw_rule_count n)
{
	return json_pack("[I, I]", (json_int_t)n.packets, (json_int_t)n.bytes);
}

static void mix(uint64_t *hash, struct vsw_rule_count n)
{
	*hash = (*hash ^ n.packets) * UINT64_C(0x9e3779b97f4a7c15);
	*hash = (*hash ^ n.bytes ^ *hash >> 29) * UINT64_C(0x9e3779b97f4a7c15);
}

/* All meters as one number, which changes when one does; with @rows: as the file has them, too. */
static uint64_t collect(const struct vsw_engine *e, json_t *rows)
{
	uint64_t hash = e->model.n_ports;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		const struct vsw_acl *a = vsw_policy_of(&e->model.ports[i])->acl;
		json_t *row = rows ? json_pack("{s:s}", "port", e->model.ports[i].uuid) : NULL;
		json_t *rules = NULL;
		struct vsw_rule_count n[2];

		counted(e, e->ports[i], n);
		for (unsigned int dir = 0; dir < 2; dir++) {
			n[dir] = sum(n[dir], &e->ports[i]->meters.whole[dir]);
			mix(&hash, n[dir]);
			json_object_set_new(row, dir_key[dir], row ? pair(n[dir]) : NULL);
		}
		for (unsigned int k = 0; a && k < a->n; k++) {
			if (a->rules[k].action != VSW_ACL_METER)
				continue;
			n[0] = vsw_meter_rule(e, i, k);
			mix(&hash, n[0]);
			if (row && !rules)
				rules = json_array();
			json_array_append_new(rules, row ? json_pack("[I, I, I]",
								     (json_int_t)a->rules[k].id,
								     (json_int_t)n[0].packets,
								     (json_int_t)n[0].bytes)
							 : NULL);
		}
		if (rules)
			json_object_set_new(row, "rules", rules);
		json_array_append_new(rows, row);
	}
	return hash;
}

void vsw_meters_save(struct vsw_engine *e)
{
	json_t *rows = json_array(), *j;
	uint64_t hash = collect(e, rows);
	int rc = -ENOMEM;

	j = json_pack("{s:o}", "ports", rows);
	if (j)
		rc = vsw_store_put(e->store, FILE_NAME, j, false);
	json_decref(j);
	if (rc == 0)
		e->meters_hash = hash;
	else if (!e->meters_fault)
		vd_log(LOG_WARNING, "meters", NULL,
		       "cannot write down what was counted: %s, continuing", strerror(-rc));
	e->meters_fault = rc != 0;
}

uint64_t vsw_meters_tick(struct vsw_engine *e, uint64_t now_ms)
{
	uint64_t took_ms;

	if (e->model.n_ports == 0)
		return UINT64_MAX;
	if (now_ms < e->next_meters_ms)
		return e->next_meters_ms;
	if (collect(e, NULL) != e->meters_hash)
		vsw_meters_save(e);
	took_ms = vsw_now_ms() - now_ms;
	e->next_meters_ms =
		now_ms + (took_ms * SAVE_SHARE > SAVE_MS ? took_ms * SAVE_SHARE : SAVE_MS);
	return e->next_meters_ms;
}
