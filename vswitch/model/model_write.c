/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model to JSON: members in a fixed order and defaults included, so equal models give equal text. */
#include "vswitch/model/quarantine.h"
#include "vswitch/model/model_internal.h"
#include "vswitch/model/policy_json.h"

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

json_t *vsw_put(json_t *j, const char *key, json_t *value)
{
	if (j && json_object_set_new(j, key, value) == 0)
		return j;
	if (!j)
		json_decref(value);
	json_decref(j);
	return NULL;
}

json_t *vsw_append(json_t *array, json_t *value)
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
	json_t *j = vsw_put(json_object(), "name", json_string(s->name)), *fdb = json_array();

	if (s->uuid[0])
		j = vsw_put(j, "uuid", json_string(s->uuid));
	j = vsw_put(j, "type", json_string(vsw_type_text[s->type]));
	j = vsw_put(j, "mtu", json_integer(s->mtu));
	j = vsw_put(j, "ageing_s", json_integer(s->ageing_s));
	j = vsw_put(j, "fdb_limit", json_integer(s->fdb_limit));
	j = vsw_put(j, "notes", json_string(s->notes));
	for (unsigned int i = 0; i < s->n_statics; i++) {
		const struct vsw_static_entry *e = &s->statics[i];
		json_t *je = vsw_put(json_object(), "mac", mac_to_json(&e->mac));

		je = vsw_put(je, "vlan", json_integer(e->vid));
		je = vsw_put(je, "port", json_string(e->port));
		fdb = vsw_append(fdb, je);
	}
	return vsw_switch_policy_put(vsw_put(j, "fdb", fdb), s);
}

json_t *vsw_port_to_json(const struct vsw_port_cfg *p)
{
	char device[VSW_DEVICE_STR_SIZE], vlan[VSW_VLAN_STR_SIZE];
	json_t *j = vsw_put(json_object(), "name", json_string(p->name));

	if (p->uuid[0])
		j = vsw_put(j, "uuid", json_string(p->uuid));
	j = vsw_put(j, "switch", json_string(p->sw));
	j = vsw_put(j, "device",
		    json_string(vsw_device_format(&p->device, device, sizeof(device))));
	j = vsw_put(j, "role", json_string(vsw_role_text[p->role]));
	if (p->has_mac)
		j = vsw_put(j, "mac", mac_to_json(&p->mac));
	j = vsw_put(j, "vlan", json_string(vsw_vlan_format(&p->vlan, vlan, sizeof(vlan))));
	j = vsw_put(j, "learn", json_integer(p->learn));
	j = vsw_put(j, "link", json_string(vsw_link_text[p->link_up]));
	return vsw_policy_put(j, vsw_policy_of(p));
}

/* A list that is left out while it is empty. */
static json_t *put_objects(json_t *j, const char *key, json_t *list, unsigned int n)
{
	if (n)
		return vsw_put(j, key, list);
	json_decref(list);
	return j;
}

static json_t *port_with_rules(const struct vsw_port_cfg *p)
{
	const struct vsw_acl *acl = vsw_policy_of(p)->acl;
	json_t *j = vsw_port_to_json(p);

	return acl ? vsw_put(j, "acl", vsw_acl_to_json(acl)) : j;
}

json_t *vsw_model_to_json(const struct vsw_model *m)
{
	json_t *j = vsw_put(json_object(), "viridian", json_integer(VSW_DOCUMENT_VERSION));
	json_t *switches = json_array(), *ports = json_array(), *sets = json_array(),
	       *nats = json_array(), *mirrors = json_array();

	for (unsigned int i = 0; i < m->n_sets; i++)
		sets = vsw_append(sets, vsw_set_to_json(&m->sets[i]));
	for (unsigned int i = 0; i < m->n_switches; i++)
		switches = vsw_append(switches, vsw_switch_to_json(&m->switches[i]));
	for (unsigned int i = 0; i < m->n_ports; i++)
		ports = vsw_append(ports, port_with_rules(&m->ports[i]));
	for (unsigned int i = 0; i < m->n_mirrors; i++)
		mirrors = vsw_append(mirrors, vsw_mirror_to_json(&m->mirrors[i]));
	for (unsigned int i = 0; i < m->n_nats; i++)
		nats = vsw_append(nats, nat_conf_to_json(&m->nats[i]));
	j = put_objects(j, "sets", sets, m->n_sets);
	j = vsw_put(j, "switches", switches);
	j = vsw_put(j, "ports", ports);
	j = put_objects(j, "nats", nats, m->n_nats);
	j = put_objects(j, "mirrors", mirrors, m->n_mirrors);
	if (m->quarantine)
		j = vsw_put(j, "quarantine", json_deep_copy(m->quarantine->document));
	return j;
}
