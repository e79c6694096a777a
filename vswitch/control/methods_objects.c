/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the nouns set, mirror and meter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/control/mirror.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"
#include "vswitch/policy/gate.h"

VSW_METHOD(set_add)
{
	return vsw_methods_change(call, vsw_edit_set_add, result, reterr);
}

VSW_METHOD(set_remove)
{
	return vsw_methods_change(call, vsw_edit_set_remove, result, reterr);
}

VSW_METHOD(set_list)
{
	const struct vsw_model *m = &call->d->engine->model;

	*result = json_array();
	for (unsigned int i = 0; i < m->n_sets; i++)
		json_array_append_new(*result, vsw_set_to_json(&m->sets[i]));
	return 0;
}

VSW_METHOD(mirror_add)
{
	return vsw_methods_change(call, vsw_edit_mirror_add, result, reterr);
}

VSW_METHOD(mirror_remove)
{
	return vsw_methods_change(call, vsw_edit_mirror_remove, result, reterr);
}

VSW_METHOD(mirror_list)
{
	const struct vsw_model *m = &call->d->engine->model;

	*result = json_array();
	for (unsigned int i = 0; i < m->n_mirrors; i++) {
		json_t *row = vsw_mirror_to_json(&m->mirrors[i]);
		json_t *counts = vsw_mirror_counts(call->d->engine, m->mirrors[i].name);

		if (counts)
			json_object_update(row, counts);
		json_decref(counts);
		json_array_append_new(*result, row);
	}
	return 0;
}

/* ---- metering: counters since the last reset; a reset touches no counter of the data plane ---- */

static struct vsw_rule_count since(struct vsw_rule_count now, struct vsw_rule_count base)
{
	/* counters begin anew with a port that is opened again, or a rule that takes an old id */
	if (base.packets > now.packets || base.bytes > now.bytes)
		return now;
	return (struct vsw_rule_count){now.packets - base.packets, now.bytes - base.bytes};
}

static void totals(const struct vsw_daemon *d, unsigned int i, struct vsw_rule_count ret[2])
{
	const struct vsw_rt_port *rt = d->engine->ports[i];
	struct vsw_port_stats s = {0};

	if (rt->port)
		vsw_port_stats_get(d->dp, rt->port, &s);
	ret[VSW_FROM_VM] = (struct vsw_rule_count){s.rx_packets, s.rx_bytes};
	ret[VSW_TO_VM] = (struct vsw_rule_count){s.tx_packets, s.tx_bytes};
}

static json_t *row(const struct vsw_port_cfg *p, const struct vsw_acl_rule *r, unsigned int dir,
		   struct vsw_rule_count n)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "port", p->name, "switch", p->sw,
			 "rule", r ? json_integer(r->id) : json_null(), "name",
			 r && r->name[0] ? json_string(r->name) : json_null(), "direction",
			 vsw_dir_text[dir], "packets", (json_int_t)n.packets, "bytes",
			 (json_int_t)n.bytes);
}

static struct vsw_rule_count base_of(const struct vsw_rt_port *rt, uint32_t id)
{
	for (unsigned int i = 0; i < rt->n_meters; i++)
		if (rt->meters[i].id == id)
			return (struct vsw_rule_count){rt->meters[i].packets, rt->meters[i].bytes};
	return (struct vsw_rule_count){0, 0};
}

static void list_port(const struct vsw_daemon *d, unsigned int i, json_t *out)
{
	const struct vsw_port_cfg *p = &d->engine->model.ports[i];
	const struct vsw_rt_port *rt = d->engine->ports[i];
	const struct vsw_acl *a = vsw_policy_of(p)->acl;
	struct vsw_rule_count n[2];

	totals(d, i, n);
	for (unsigned int dir = 0; dir < 2; dir++)
		json_array_append_new(
			out, row(p, NULL, dir,
				 since(n[dir], (struct vsw_rule_count){rt->meter[dir].packets,
								       rt->meter[dir].bytes})));
	for (unsigned int k = 0; a && k < a->n; k++) {
		const struct vsw_acl_rule *r = &a->rules[k];

		if (r->action == VSW_ACL_METER && vsw_rule_count_get(d, i, k, &n[0]))
			json_array_append_new(
				out, row(p, r, r->direction, since(n[0], base_of(rt, r->id))));
	}
}

VSW_METHOD(meter_list)
{
	unsigned int i, to;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	if (rc)
		return rc;
	for (*result = json_array(); i < to; i++)
		list_port(call->d, i, *result);
	return 0;
}

static int reset_port(const struct vsw_daemon *d, unsigned int i)
{
	struct vsw_rt_port *rt = d->engine->ports[i];
	const struct vsw_acl *a = vsw_policy_of(&d->engine->model.ports[i])->acl;
	struct vsw_meter_base *meters = NULL;
	struct vsw_rule_count n[2];
	unsigned int n_meters = 0;

	for (unsigned int k = 0; a && k < a->n; k++)
		n_meters += a->rules[k].action == VSW_ACL_METER;
	if (n_meters) {
		meters = calloc(n_meters, sizeof(*meters));
		if (!meters)
			return -ENOMEM;
	}
	free(rt->meters);
	rt->meters = meters;
	rt->n_meters = 0;
	for (unsigned int k = 0; a && k < a->n; k++)
		if (a->rules[k].action == VSW_ACL_METER && vsw_rule_count_get(d, i, k, &n[0]))
			rt->meters[rt->n_meters++] =
				(struct vsw_meter_base){a->rules[k].id, n[0].packets, n[0].bytes};
	totals(d, i, n);
	for (unsigned int dir = 0; dir < 2; dir++)
		rt->meter[dir] = (struct vsw_meter_base){0, n[dir].packets, n[dir].bytes};
	return 0;
}

VSW_METHOD(meter_reset)
{
	unsigned int i, to, n = 0;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	for (; !rc && i < to; i++, n++)
		rc = reset_port(call->d, i);
	if (rc)
		return rc;
	*result = json_pack("{s:i}", "ports", (int)n);
	return 0;
}
