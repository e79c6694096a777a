/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model to JSON: members in a fixed order and defaults included, so equal models give equal text. */
#include "vswitch/model/model_internal.h"

const char *const vsw_type_text[VSW_N_TYPES] = {
	[VSW_EXTERNAL] = "external",
	[VSW_INTERNAL] = "internal",
	[VSW_PRIVATE] = "private",
};

const char *const vsw_role_text[VSW_N_ROLES] = {
	[VSW_ROLE_VM] = "vm",
	[VSW_ROLE_HOST] = "host",
	[VSW_ROLE_UPLINK] = "uplink",
};

const char *const vsw_link_text[VSW_N_LINKS] = {"down", "up"};

/* All of these take the object or NULL and return it, or NULL after lack of memory. */
static json_t *put(json_t *j, const char *key, json_t *value)
{
	if (j && json_object_set_new(j, key, value) == 0)
		return j;
	if (!j)
		json_decref(value);
	json_decref(j);
	return NULL;
}

static json_t *append(json_t *array, json_t *value)
{
	if (array && json_array_append_new(array, value) == 0)
		return array;
	if (!array)
		json_decref(value);
	json_decref(array);
	return NULL;
}

static json_t *mac_to_json(const struct vd_mac *mac)
{
	char buf[VD_MAC_STR_SIZE];

	return json_string(vd_mac_format(mac, buf));
}

json_t *vsw_switch_to_json(const struct vsw_switch_cfg *s)
{
	json_t *j = put(json_object(), "name", json_string(s->name)), *fdb = json_array();

	if (s->uuid[0])
		j = put(j, "uuid", json_string(s->uuid));
	j = put(j, "type", json_string(vsw_type_text[s->type]));
	j = put(j, "mtu", json_integer(s->mtu));
	j = put(j, "ageing_s", json_integer(s->ageing_s));
	j = put(j, "fdb_limit", json_integer(s->fdb_limit));
	j = put(j, "notes", json_string(s->notes));
	for (unsigned int i = 0; i < s->n_statics; i++) {
		const struct vsw_static_entry *e = &s->statics[i];
		json_t *je = put(json_object(), "mac", mac_to_json(&e->mac));

		je = put(je, "vlan", json_integer(e->vid));
		je = put(je, "port", json_string(e->port));
		fdb = append(fdb, je);
	}
	return put(j, "fdb", fdb);
}

json_t *vsw_port_to_json(const struct vsw_port_cfg *p)
{
	char device[VSW_DEVICE_STR_SIZE], vlan[VSW_VLAN_STR_SIZE];
	json_t *j = put(json_object(), "name", json_string(p->name));

	if (p->uuid[0])
		j = put(j, "uuid", json_string(p->uuid));
	j = put(j, "switch", json_string(p->sw));
	j = put(j, "device", json_string(vsw_device_format(&p->device, device, sizeof(device))));
	j = put(j, "role", json_string(vsw_role_text[p->role]));
	if (p->has_mac)
		j = put(j, "mac", mac_to_json(&p->mac));
	j = put(j, "vlan", json_string(vsw_vlan_format(&p->vlan, vlan, sizeof(vlan))));
	j = put(j, "learn", json_integer(p->learn));
	return put(j, "link", json_string(vsw_link_text[p->link_up]));
}

json_t *vsw_model_to_json(const struct vsw_model *m)
{
	json_t *j = put(json_object(), "viridian", json_integer(VSW_DOCUMENT_VERSION));
	json_t *switches = json_array(), *ports = json_array();
	json_t *nats = m->n_nats ? json_array() : NULL;

	for (unsigned int i = 0; i < m->n_switches; i++)
		switches = append(switches, vsw_switch_to_json(&m->switches[i]));
	for (unsigned int i = 0; i < m->n_ports; i++)
		ports = append(ports, vsw_port_to_json(&m->ports[i]));
	j = put(j, "switches", switches);
	j = put(j, "ports", ports);
	if (!m->n_nats)
		return j;
	for (unsigned int i = 0; i < m->n_nats; i++)
		nats = append(nats, nat_conf_to_json(&m->nats[i]));
	return put(j, "nats", nats);
}
