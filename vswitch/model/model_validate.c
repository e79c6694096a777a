/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that span objects. Every check is a pass over a sorted list or a table, never over all
 * pairs: a document may have thousands of ports. Of two that contradict each other the later one in
 * the document is blamed, and the message names the earlier.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"

/* ---- one port ---- */

int vsw_port_check(const struct vsw_port_cfg *p, const char **ret_key, struct vd_err *reterr)
{
	const char *colon = strchr(p->name, ':');
	char path[VSW_PATH_SIZE];

	*ret_key = "name";
	vsw_path(path, sizeof(path), "port", p->name, *ret_key);
	if (colon && p->role == VSW_ROLE_VM)
		return vd_err_set(reterr, -EINVAL, VD_E_NAME, path,
				  "use a name without ':', or set the role",
				  "the name \"%s\" is for host and uplink ports", p->name);
	if (colon &&
	    (strncmp(p->name, p->sw, (size_t)(colon - p->name)) || p->sw[colon - p->name] != '\0'))
		return vd_err_set(reterr, -EINVAL, VD_E_NAME, path, NULL,
				  "the name \"%s\" is for a port of another switch than \"%s\"",
				  p->name, p->sw);
	if (p->role != VSW_ROLE_UPLINK)
		return 0;
	*ret_key = "mac";
	if (p->has_mac)
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE,
				  vsw_path(path, sizeof(path), "port", p->name, *ret_key),
				  "leave \"mac\" out", "an uplink has no MAC address of its own");
	*ret_key = "device";
	if (p->device.kind == VSW_DEV_VHOST_USER || p->device.kind == VSW_DEV_NETVSP)
		return vd_err_set(reterr, -EINVAL, VD_E_DEVICE,
				  vsw_path(path, sizeof(path), "port", p->name, *ret_key),
				  "use netdev:, pci:, tap:, memif: or pcap:",
				  "%s is a VM's device and cannot be an uplink",
				  vsw_device_kind_text(p->device.kind));
	return 0;
}

/* ---- the whole ---- */

/* Attach where @key of object @i of list @list stands in the document. */
int vsw_val_at(const struct vsw_val *v, const char *list, unsigned int i, const char *key, int r)
{
	vd_doc_locate(v->doc, json_array_get(json_object_get(v->root, list), i), key, (size_t)-1,
		      v->e);
	return r;
}

int vsw_val_at_port(const struct vsw_val *v, unsigned int i, const char *key, int r)
{
	return vsw_val_at(v, "ports", i, key, r);
}

static int check_names(const struct vsw_val *v, const struct vsw_index *x, const char *kind,
		       const char *list)
{
	char path[VSW_PATH_SIZE];

	for (unsigned int i = 1; i < x->n; i++)
		if (!strcmp(x->items[i - 1].key, x->items[i].key))
			return vsw_val_at(v, list, x->items[i].at, "name",
					  vd_err_set(v->e, -EEXIST, VD_E_EXISTS,
						     vsw_path(path, sizeof(path), kind,
							      x->items[i].key, NULL),
						     "give each one a name of its own",
						     "two objects are called \"%s\"",
						     x->items[i].key));
	return 0;
}

/* Switches and ports share one space of UUIDs: ports count from n_switches on. */
static int check_uuids(const struct vsw_val *v)
{
	const struct vsw_model *m = v->m;
	struct vsw_index x;
	unsigned int a;
	bool port;
	int r = 0;

	if (vsw_index_init(&x, m->n_switches + m->n_ports) < 0)
		return vsw_no_memory(v->e);
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (m->switches[i].uuid[0])
			vsw_index_add(&x, m->switches[i].uuid, i);
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (m->ports[i].uuid[0])
			vsw_index_add(&x, m->ports[i].uuid, m->n_switches + i);
	vsw_index_sort(&x);
	for (unsigned int i = 1; i < x.n && r == 0; i++) {
		char path[VSW_PATH_SIZE];

		if (strcmp(x.items[i - 1].key, x.items[i].key))
			continue;
		a = x.items[i].at;
		port = a >= m->n_switches;
		a -= port ? m->n_switches : 0;
		vsw_path(path, sizeof(path), port ? "port" : "switch",
			 port ? m->ports[a].name : m->switches[a].name, "uuid");
		r = vsw_val_at(v, port ? "ports" : "switches", a, "uuid",
			       vd_err_set(v->e, -EEXIST, VD_E_EXISTS, path,
					  "leave it out of the copy to have one assigned",
					  "the UUID %s is that of another object", x.items[i].key));
	}
	vsw_index_done(&x);
	return r;
}

static int unknown_switch(const struct vsw_val *v, unsigned int port)
{
	const struct vsw_model *m = v->m;
	const char **names = calloc(m->n_switches + 1, sizeof(*names));
	char path[VSW_PATH_SIZE], hint[160];
	const char *near = NULL;

	for (unsigned int i = 0; names && i < m->n_switches; i++)
		names[i] = m->switches[i].name;
	if (names)
		near = vd_suggest(m->ports[port].sw, names, m->n_switches);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	else
		snprintf(hint, sizeof(hint), "name a switch that exists, or add this one first");
	free(names);
	vsw_path(path, sizeof(path), "port", m->ports[port].name, "switch");
	return vsw_val_at_port(v, port, "switch",
			       vd_err_set(v->e, -ENOENT, VD_E_SWITCH_UNKNOWN, path, hint,
					  "there is no switch \"%s\"", m->ports[port].sw));
}

static int resolve_switches(const struct vsw_val *v)
{
	for (unsigned int i = 0; i < v->m->n_ports; i++) {
		const struct vsw_index_item *it = vsw_index_find(&v->switches, v->m->ports[i].sw);
		const char *key = NULL;
		int r;

		if (!it)
			return unknown_switch(v, i);
		v->sw_of[i] = it->at;
		r = vsw_port_check(&v->m->ports[i], &key, v->e);
		if (r < 0)
			return vsw_val_at_port(v, i, key, r);
	}
	return 0;
}

static int wrong_role(const struct vsw_val *v, unsigned int port, const char *hint)
{
	const struct vsw_port_cfg *p = &v->m->ports[port];
	char path[VSW_PATH_SIZE];

	return vsw_val_at_port(v, port, "role",
			       vd_err_set(v->e, -EINVAL, VD_E_SWITCH_TYPE,
					  vsw_path(path, sizeof(path), "port", p->name, "role"),
					  hint,
					  "the %s switch \"%s\" cannot have a port of role \"%s\"",
					  vsw_type_text[v->m->switches[v->sw_of[port]].type], p->sw,
					  vsw_role_text[p->role]));
}

static int too_many_uplinks(const struct vsw_val *v, unsigned int port)
{
	const struct vsw_port_cfg *p = &v->m->ports[port];
	char path[VSW_PATH_SIZE];

	return vsw_val_at_port(v, port, "role",
			       vd_err_set(v->e, -ENOSPC, VD_E_LIMIT,
					  vsw_path(path, sizeof(path), "port", p->name, "role"),
					  "remove one of them",
					  "switch \"%s\" has more than %u uplinks", p->sw,
					  VSW_UPLINKS_MAX));
}

/* Which roles a type has, and the uplinks of external switches: one, or a team. */
static int check_types(const struct vsw_val *v)
{
	unsigned int *n_uplinks = calloc(v->m->n_switches + 1, sizeof(*n_uplinks));
	char path[VSW_PATH_SIZE];
	int r = n_uplinks ? 0 : vsw_no_memory(v->e);

	for (unsigned int i = 0; r == 0 && i < v->m->n_ports; i++) {
		const struct vsw_port_cfg *p = &v->m->ports[i];
		unsigned int s = v->sw_of[i];
		enum vsw_switch_type type = v->m->switches[s].type;

		if (p->role == VSW_ROLE_HOST && type == VSW_PRIVATE)
			r = wrong_role(v, i, "make the switch internal or external");
		else if (p->role == VSW_ROLE_UPLINK && type != VSW_EXTERNAL)
			r = wrong_role(v, i, "make the switch external");
		else if (p->role == VSW_ROLE_UPLINK && ++n_uplinks[s] > VSW_UPLINKS_MAX)
			r = too_many_uplinks(v, i);
	}
	for (unsigned int s = 0; r == 0 && s < v->m->n_switches; s++)
		if (v->m->switches[s].type == VSW_EXTERNAL && !n_uplinks[s])
			r = vsw_val_at(v, "switches", s, "type",
				       vd_err_set(v->e, -EINVAL, VD_E_SWITCH_TYPE,
						  vsw_path(path, sizeof(path), "switch",
							   v->m->switches[s].name, "type"),
						  "add a port with \"role: uplink\" (command line: "
						  "--uplink DEV), or make the switch internal",
						  "the external switch \"%s\" has no uplink",
						  v->m->switches[s].name));
	free(n_uplinks);
	return r;
}

/* ---- MAC addresses ---- */

#define MAC_KEY_SIZE 24

static const char *mac_key(char *buf, unsigned int sw, const struct vd_mac *mac)
{
	const uint8_t *a = mac->addr;

	snprintf(buf, MAC_KEY_SIZE, "%04x%02x%02x%02x%02x%02x%02x", sw, a[0], a[1], a[2], a[3],
		 a[4], a[5]);
	return buf;
}

static int mac_twice(const struct vsw_val *v, unsigned int first, unsigned int second)
{
	const struct vsw_port_cfg *p = &v->m->ports[second];
	char path[VSW_PATH_SIZE], mac[VD_MAC_STR_SIZE];

	return vsw_val_at_port(
		v, second, "mac",
		vd_err_set(v->e, -EEXIST, VD_E_MAC_DUPLICATE,
			   vsw_path(path, sizeof(path), "port", p->name, "mac"),
			   "leave \"mac\" out to have a free one assigned",
			   "the MAC address %s is that of port \"%s\" on switch \"%s\"",
			   vd_mac_format(&p->mac, mac), v->m->ports[first].name, p->sw));
}

/* @x: of the ports that have a MAC, by switch and MAC. */
static int check_macs(const struct vsw_val *v, const struct vsw_index *x)
{
	for (unsigned int i = 1; i < x->n; i++)
		if (!strcmp(x->items[i - 1].key, x->items[i].key))
			return mac_twice(v, x->items[i - 1].at, x->items[i].at);
	return 0;
}

/* ---- static entries ---- */

static int bad_entry(const struct vsw_val *v, unsigned int sw, unsigned int entry, const char *key,
		     enum vd_code code, const char *hint, const char *what, const char *who)
{
	const struct vsw_switch_cfg *s = &v->m->switches[sw];
	char path[VSW_PATH_SIZE], mac[VD_MAC_STR_SIZE];
	json_t *list =
		json_object_get(json_array_get(json_object_get(v->root, "switches"), sw), "fdb");
	int r = vd_err_set(v->e, code == VD_E_PORT_UNKNOWN ? -ENOENT : -EEXIST, code,
			   vsw_path(path, sizeof(path), "switch", s->name, "fdb"), hint,
			   "the static entry %s, VLAN %u: %s \"%s\"",
			   vd_mac_format(&s->statics[entry].mac, mac), s->statics[entry].vid, what,
			   who);

	vd_doc_locate(v->doc, json_array_get(list, entry), key, (size_t)-1, v->e);
	return r;
}

static int check_entry(const struct vsw_val *v, const struct vsw_index *macs, unsigned int sw,
		       unsigned int entry)
{
	const struct vsw_switch_cfg *s = &v->m->switches[sw];
	const struct vsw_static_entry *e = &s->statics[entry];
	const struct vsw_index_item *port = vsw_index_find(&v->ports, e->port), *owner;
	char key[MAC_KEY_SIZE];

	if (!port)
		return bad_entry(v, sw, entry, "port", VD_E_PORT_UNKNOWN,
				 "name a port of the switch", "there is no port", e->port);
	if (v->sw_of[port->at] != sw)
		return bad_entry(v, sw, entry, "port", VD_E_PORT_UNKNOWN,
				 "name a port of the switch", "another switch has port", e->port);
	owner = vsw_index_find(macs, mac_key(key, sw, &e->mac));
	if (owner && owner->at != port->at)
		return bad_entry(v, sw, entry, "mac", VD_E_MAC_DUPLICATE,
				 "remove the entry: an assigned address is known without it",
				 "the address is assigned to port", v->m->ports[owner->at].name);
	return 0;
}

static uint64_t entry_key(const struct vsw_static_entry *e)
{
	return vsw_mac_number(&e->mac) << 12 | e->vid;
}

/* The same address in the same VLAN twice. MAC and VLAN fill a number, so that the blamed one has to be
 * found by a second look. */
static int check_entry_doubles(const struct vsw_val *v, unsigned int sw)
{
	const struct vsw_switch_cfg *s = &v->m->switches[sw];
	uint64_t *keys = calloc(s->n_statics, sizeof(*keys));
	int r = 0;

	if (!keys)
		return vsw_no_memory(v->e);
	for (unsigned int i = 0; i < s->n_statics; i++)
		keys[i] = entry_key(&s->statics[i]);
	qsort(keys, s->n_statics, sizeof(*keys), vsw_by_number);
	for (unsigned int i = 1; i < s->n_statics && r == 0; i++) {
		unsigned int last = s->n_statics;

		if (keys[i - 1] != keys[i])
			continue;
		while (entry_key(&s->statics[--last]) != keys[i])
			;
		r = bad_entry(v, sw, last, "mac", VD_E_MAC_DUPLICATE, "remove one of the two",
			      "it stands twice, the second time for port", s->statics[last].port);
	}
	free(keys);
	return r;
}

static int check_statics(const struct vsw_val *v, const struct vsw_index *macs)
{
	for (unsigned int s = 0; s < v->m->n_switches; s++) {
		int r = 0;

		for (unsigned int i = 0; i < v->m->switches[s].n_statics && r == 0; i++)
			r = check_entry(v, macs, s, i);
		if (r == 0 && v->m->switches[s].n_statics)
			r = check_entry_doubles(v, s);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_addresses(const struct vsw_val *v)
{
	char(*keys)[MAC_KEY_SIZE] = calloc(v->m->n_ports + 1, sizeof(*keys));
	struct vsw_index macs;
	int r;

	if (!keys || vsw_index_init(&macs, v->m->n_ports) < 0) {
		free(keys);
		return vsw_no_memory(v->e);
	}
	for (unsigned int i = 0; i < v->m->n_ports; i++)
		if (v->m->ports[i].has_mac)
			vsw_index_add(&macs, mac_key(keys[i], v->sw_of[i], &v->m->ports[i].mac), i);
	vsw_index_sort(&macs);
	r = check_macs(v, &macs);
	if (r == 0)
		r = check_statics(v, &macs);
	vsw_index_done(&macs);
	free(keys);
	return r;
}

/* ---- devices ---- */

static int device_twice(const struct vsw_val *v, unsigned int a, unsigned int b)
{
	unsigned int first = a < b ? a : b, second = a < b ? b : a;
	const struct vsw_port_cfg *p = &v->m->ports[second];
	char path[VSW_PATH_SIZE], device[VSW_DEVICE_STR_SIZE];

	return vsw_val_at_port(v, second, "device",
			       vd_err_set(v->e, -EEXIST, VD_E_DEVICE_DUPLICATE,
					  vsw_path(path, sizeof(path), "port", p->name, "device"),
					  "give each port a device of its own",
					  "the device %.120s belongs to port \"%s\"",
					  vsw_device_format(&p->device, device, sizeof(device)),
					  v->m->ports[first].name));
}

static int check_devices(const struct vsw_val *v)
{
	struct vsw_claim *claims =
		calloc((size_t)v->m->n_ports * VSW_CLAIMS_MAX + 1, sizeof(*claims));
	const struct vsw_claim *first = NULL;
	struct vsw_index x;
	int r = 0;

	if (!claims || vsw_index_init(&x, v->m->n_ports * VSW_CLAIMS_MAX) < 0) {
		free(claims);
		return vsw_no_memory(v->e);
	}
	for (unsigned int i = 0; i < v->m->n_ports; i++) {
		struct vsw_claim *c = &claims[(size_t)i * VSW_CLAIMS_MAX];
		unsigned int n = vsw_device_claims(&v->m->ports[i].device, c);

		for (unsigned int k = 0; k < n; k++)
			vsw_index_add(&x, c[k].key, i * VSW_CLAIMS_MAX + k);
	}
	vsw_index_sort(&x);
	for (unsigned int i = 0; i < x.n && r == 0; i++) {
		const struct vsw_claim *c = &claims[x.items[i].at];

		/* equal keys stand together: one that fits the first of them fits all */
		if (!first || strcmp(first->key, c->key))
			first = c;
		else if (first->share != c->share || c->share == VSW_SHARE_NONE)
			r = device_twice(v, (unsigned int)(first - claims) / VSW_CLAIMS_MAX,
					 x.items[i].at / VSW_CLAIMS_MAX);
	}
	vsw_index_done(&x);
	free(claims);
	return r;
}

/* ---- private VLANs ---- */

enum pv_kind { PV_NONE, PV_PRIMARY, PV_SECONDARY, PV_ISOLATED, PV_COMMUNITY };

static const char *const pv_text[] = {"", "a primary VLAN", "a secondary VLAN", "an isolated VLAN",
				      "a community VLAN"};

/* What a VLAN ID is on one switch, and which port said so first. */
struct pv {
	uint8_t kind;
	uint16_t primary;
	uint16_t port;
};

static const char *pv_of(char *buf, size_t size, enum pv_kind kind, uint16_t primary)
{
	buf[0] = '\0';
	if (kind != PV_PRIMARY)
		snprintf(buf, size, " of primary %u", primary);
	return buf;
}

static int pv_conflict(const struct vsw_val *v, unsigned int port, uint16_t vid,
		       const struct pv *have, enum pv_kind kind, uint16_t primary)
{
	const struct vsw_port_cfg *p = &v->m->ports[port];
	char path[VSW_PATH_SIZE], of[32], have_of[32];

	return vsw_val_at_port(
		v, port, "vlan",
		vd_err_set(v->e, -EINVAL, VD_E_PVLAN_CONFLICT,
			   vsw_path(path, sizeof(path), "port", p->name, "vlan"),
			   "on one switch a secondary VLAN is isolated or community, and "
			   "belongs to one primary VLAN",
			   "VLAN %u cannot be %s%s: it is %s%s on port \"%s\"", vid, pv_text[kind],
			   pv_of(of, sizeof(of), kind, primary), pv_text[have->kind],
			   pv_of(have_of, sizeof(have_of), have->kind, have->primary),
			   v->m->ports[have->port].name));
}

static int pv_declare(const struct vsw_val *v, struct pv *table, unsigned int port, uint16_t vid,
		      enum pv_kind kind, uint16_t primary)
{
	struct pv *have = &table[vid];
	bool refines = have->kind == PV_SECONDARY && kind > PV_SECONDARY;

	if (have->kind == PV_NONE) {
		*have = (struct pv){(uint8_t)kind, primary, (uint16_t)port};
		return 0;
	}
	if (have->primary != primary || (have->kind == PV_PRIMARY) != (kind == PV_PRIMARY))
		return pv_conflict(v, port, vid, have, kind, primary);
	if (refines) {
		have->kind = (uint8_t)kind;
		have->port = (uint16_t)port;
		return 0;
	}
	if (kind != PV_SECONDARY && kind != have->kind)
		return pv_conflict(v, port, vid, have, kind, primary);
	return 0;
}

static int pv_port(const struct vsw_val *v, struct pv *table, unsigned int port)
{
	const struct vsw_vlan *vl = &v->m->ports[port].vlan;
	int r = pv_declare(v, table, port, vl->vid, PV_PRIMARY, vl->vid);

	if (vl->mode != VSW_VLAN_PROMISCUOUS)
		return r < 0 ? r
			     : pv_declare(v, table, port, vl->secondary,
					  vl->mode == VSW_VLAN_ISOLATED ? PV_ISOLATED
									: PV_COMMUNITY,
					  vl->vid);
	for (unsigned int vid = VSW_VID_MIN; vid <= VSW_VID_MAX && r == 0; vid++)
		if (vsw_vlan_has(vl, (uint16_t)vid))
			r = pv_declare(v, table, port, (uint16_t)vid, PV_SECONDARY, vl->vid);
	return r;
}

static int check_private_vlans(const struct vsw_val *v)
{
	struct pv **tables = calloc(v->m->n_switches + 1, sizeof(*tables));
	int r = tables ? 0 : vsw_no_memory(v->e);

	for (unsigned int i = 0; i < v->m->n_ports && r == 0; i++) {
		struct pv **t = &tables[v->sw_of[i]];

		if (v->m->ports[i].vlan.mode < VSW_VLAN_ISOLATED)
			continue;
		if (!*t)
			*t = calloc(VSW_VID_MAX + 1, sizeof(**t));
		r = *t ? pv_port(v, *t, i) : vsw_no_memory(v->e);
	}
	for (unsigned int s = 0; tables && s < v->m->n_switches; s++)
		free(tables[s]);
	free(tables);
	return r;
}

/* ---- all of it ---- */

static int check_limits(const struct vsw_model *m, struct vd_err *e)
{
	if (m->n_switches > VSW_SWITCHES_MAX)
		return vd_err_set(e, -ENOSPC, VD_E_LIMIT, NULL, NULL,
				  "%u switches are too many (allowed: %d)", m->n_switches,
				  VSW_SWITCHES_MAX);
	if (m->n_ports > VSW_PORTS_MAX)
		return vd_err_set(e, -ENOSPC, VD_E_LIMIT, NULL, NULL,
				  "%u ports are too many (allowed: %d)", m->n_ports, VSW_PORTS_MAX);
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (m->switches[i].n_statics > VSW_STATIC_MAX)
			return vd_err_set(e, -ENOSPC, VD_E_LIMIT, NULL, NULL,
					  "switch \"%s\" has too many static entries (allowed: %d)",
					  m->switches[i].name, VSW_STATIC_MAX);
	return 0;
}

int vsw_model_validate(const struct vsw_model *m, json_t *root, const struct vd_doc *doc,
		       struct vd_err *reterr)
{
	static int (*const checks[])(const struct vsw_val *) = {
		check_uuids,   resolve_switches,    check_types,           check_addresses,
		check_devices, check_private_vlans, vsw_validate_policies,
	};
	struct vsw_val v = {.m = m, .root = root, .doc = doc, .e = reterr};
	int r = check_limits(m, reterr);

	if (r < 0)
		return r;
	v.sw_of = calloc(m->n_ports + 1, sizeof(*v.sw_of));
	if (!v.sw_of || vsw_index_switches(&v.switches, m) < 0 || vsw_index_ports(&v.ports, m) < 0)
		r = vsw_no_memory(reterr);
	if (r == 0)
		r = check_names(&v, &v.switches, "switch", "switches");
	if (r == 0)
		r = check_names(&v, &v.ports, "port", "ports");
	for (size_t i = 0; r == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		r = checks[i](&v);
	if (r == 0)
		r = vsw_nats_validate(m, root, doc, reterr);
	vsw_index_done(&v.switches);
	vsw_index_done(&v.ports);
	free(v.sw_of);
	return r;
}
