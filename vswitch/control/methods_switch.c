/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the noun switch. */
#include <errno.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/model/terms.h"
#include "vswitch/policy/team.h"

VSW_METHOD(switch_add)
{
	return vsw_methods_change(call, vsw_edit_switch_add, result, reterr);
}

VSW_METHOD(switch_set)
{
	return vsw_methods_change(call, vsw_edit_switch_set, result, reterr);
}

VSW_METHOD(switch_remove)
{
	return vsw_methods_change(call, vsw_edit_switch_remove, result, reterr);
}

/* The document's object, with what is behind its own ports and how much it knows. */
static json_t *row(struct vsw_daemon *d, unsigned int k)
{
	const struct vsw_model *m = &d->engine->model;
	const struct vsw_switch_cfg *s = &m->switches[k];
	json_t *j = vsw_switch_to_json(s), *uplinks = json_array(), *host = NULL;
	char device[VSW_DEVICE_STR_SIZE];
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *p = &m->ports[i];

		if (strcmp(p->sw, s->name))
			continue;
		n++;
		if (p->role == VSW_ROLE_UPLINK)
			json_array_append_new(
				uplinks,
				json_string(vsw_device_format(&p->device, device, sizeof(device))));
		if (p->role == VSW_ROLE_HOST && !host && !vsw_is_nat_port(p))
			host = json_string(p->device.target);
	}
	json_object_set(j, "uplink",
			json_array_size(uplinks) ? json_array_get(uplinks, 0) : json_null());
	json_object_set_new(j, "uplinks", uplinks);
	json_object_set_new(j, "host_vnic", host ? host : json_null());
	json_object_set_new(j, "n_ports", json_integer(n));
	json_object_set_new(j, "n_learned",
			    json_integer(vsw_fdb_count(d->engine->switches[k].fdb)));
	return j;
}

VSW_METHOD(switch_list)
{
	*result = json_array();
	for (unsigned int k = 0; k < call->d->engine->model.n_switches; k++)
		json_array_append_new(*result, row(call->d, k));
	return 0;
}

VSW_METHOD(switch_show)
{
	const struct vsw_model *m = &call->d->engine->model;
	const struct vsw_switch_cfg *s =
		vsw_edit_find_switch(m, vsw_edit_text(call->params, "name"), reterr);
	json_t *ports;

	if (!s)
		return -ENOENT;
	*result = row(call->d, (unsigned int)(s - m->switches));
	ports = json_array();
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].sw, s->name))
			json_array_append_new(ports, vsw_row_port(call->d, i));
	json_object_set_new(*result, "ports", ports);
	return 0;
}

/* ---- teams ---- */

/* Names of the ports that use member @m of switch @sw now. */
static json_t *users_of(const struct vsw_daemon *d, const char *sw, unsigned int m)
{
	const struct vsw_engine *e = d->engine;
	const struct vsw_port *member = e->ports[m]->port;
	json_t *names = json_array();

	for (unsigned int i = 0; member && i < e->model.n_ports; i++) {
		const struct vsw_port_cfg *p = &e->model.ports[i];
		const struct vsw_port *rt = e->ports[i]->port;

		if (rt && p->role != VSW_ROLE_UPLINK && !strcmp(p->sw, sw) &&
		    vsw_team_member_of(d->dp, rt->index) == member->index)
			json_array_append_new(names, json_string(p->name));
	}
	return names;
}

static json_t *member_row(const struct vsw_daemon *d, const struct vsw_port_cfg *p)
{
	unsigned int i = vsw_engine_port_index(d->engine, p);
	const struct vsw_port *rt = d->engine->ports[i]->port;
	bool up = rt && p->link_up && __atomic_load_n(&rt->io->caps.connected, __ATOMIC_RELAXED);
	char device[VSW_DEVICE_STR_SIZE];

	return json_pack("{s:s, s:s, s:s, s:o}", "port", p->name, "device",
			 vsw_device_format(&p->device, device, sizeof(device)), "link",
			 up ? "up" : "down", "used_by", users_of(d, p->sw, i));
}

VSW_METHOD(team_show)
{
	const struct vsw_model *m = &call->d->engine->model;
	const struct vsw_switch_cfg *s =
		vsw_edit_find_switch(m, vsw_edit_text(call->params, "switch"), reterr);
	json_t *members = json_array();

	if (!s) {
		json_decref(members);
		return -ENOENT;
	}
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (m->ports[i].role == VSW_ROLE_UPLINK && !strcmp(m->ports[i].sw, s->name))
			json_array_append_new(members, member_row(call->d, &m->ports[i]));
	*result = json_pack("{s:s, s:o, s:o}", "switch", s->name, "mode",
			    json_array_size(members) > 1
				    ? json_string(vsw_team_mode_text[s->team_mode])
				    : json_null(),
			    "members", members);
	return 0;
}
