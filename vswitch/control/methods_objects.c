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

/* ---- metering ---- */

static json_t *row(const struct vsw_port_cfg *p, const struct vsw_acl_rule *r, unsigned int dir,
		   struct vsw_rule_count n)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:I, s:I}", "port", p->name, "switch", p->sw,
			 "rule", r ? json_integer(r->id) : json_null(), "name",
			 r && r->name[0] ? json_string(r->name) : json_null(), "direction",
			 vsw_dir_text[dir], "packets", (json_int_t)n.packets, "bytes",
			 (json_int_t)n.bytes);
}

static void list_port(const struct vsw_engine *e, unsigned int i, json_t *out)
{
	const struct vsw_port_cfg *p = &e->model.ports[i];
	const struct vsw_acl *a = vsw_policy_of(p)->acl;

	for (unsigned int dir = 0; dir < 2; dir++)
		json_array_append_new(out, row(p, NULL, dir, vsw_meter_port(e, i, dir)));
	for (unsigned int k = 0; a && k < a->n; k++)
		if (a->rules[k].action == VSW_ACL_METER)
			json_array_append_new(out, row(p, &a->rules[k], a->rules[k].direction,
						       vsw_meter_rule(e, i, k)));
}

VSW_METHOD(meter_list)
{
	unsigned int i, to;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	if (rc)
		return rc;
	for (*result = json_array(); i < to; i++)
		list_port(call->d->engine, i, *result);
	return 0;
}

VSW_METHOD(meter_reset)
{
	unsigned int i, to, n = 0;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	for (; !rc && i < to; i++, n++)
		rc = vsw_meters_reset(call->d->engine, i);
	vsw_meters_save(call->d->engine);
	if (rc)
		return rc;
	*result = json_pack("{s:i}", "ports", (int)n);
	return 0;
}
