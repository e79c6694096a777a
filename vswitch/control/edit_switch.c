/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of switches, with their host and uplink ports: see edit.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"

#define POLICY_KEYS                                                                                \
	"min_mode", "default_weight", "default_min", "team_mode", "igmp_snooping", "mld_snooping", \
		"nlb"

static const char *const switch_keys[] = {"name",      "type",  "mtu",       "ageing_s",
					  "fdb_limit", "notes", POLICY_KEYS, NULL};

static int on_switch(struct vd_err *e, int rc, enum vd_code code, const char *name,
		     const char *hint, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "switch/%s", name);
	return vd_err_set(e, rc, code, path, hint, "switch %s: %s", name, text);
}

/* The switch's own port of @kind ("host", "uplink"), or any of that role. */
static struct vsw_port_cfg *own_port(const struct vsw_model *m, const char *sw, enum vsw_role role)
{
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (m->ports[i].role == role && !vsw_is_nat_port(&m->ports[i]) &&
		    !strcmp(m->ports[i].sw, sw))
			return &m->ports[i];
	return NULL;
}

static void drop_role(struct vsw_model *m, const char *sw, enum vsw_role role)
{
	for (unsigned int i = m->n_ports; i-- > 0;)
		if (m->ports[i].role == role && !strcmp(m->ports[i].sw, sw))
			vsw_edit_drop_port(m, i);
}

/* Make port "@name" of @sw, or give @have, which is there, another device. */
static int put_port(struct vsw_model *m, const char *sw, const char *name, enum vsw_role role,
		    const char *device, struct vsw_port_cfg *have, struct vd_err *reterr)
{
	struct vsw_port_cfg p = {.link_up = true};
	json_t *doc;
	int rc;

	if (have)
		doc = json_pack("{s:s}", "device", device);
	else
		doc = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "switch", sw, "device",
				device, "role", role == VSW_ROLE_HOST ? "host" : "uplink");
	if (!doc)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	rc = vsw_port_from_json(doc, NULL, have != NULL, have ? have : &p, reterr);
	json_decref(doc);
	return rc || have ? rc : vsw_edit_push_port(m, &p, reterr);
}

/* ---- the uplinks: one, or a team ---- */

struct uplinks {
	struct vsw_device want[VSW_UPLINKS_MAX];
	bool met[VSW_UPLINKS_MAX]; /* a port has this device already */
	unsigned int n;
};

static int parse_uplinks(const char *sw, json_t *list, struct uplinks *u, struct vd_err *reterr)
{
	size_t n = json_array_size(list);
	char path[192];
	int rc;

	if (n > VSW_UPLINKS_MAX)
		return on_switch(reterr, -ENOSPC, VD_E_LIMIT, sw, "bond interfaces below it",
				 "a team has at most 8 uplinks");
	snprintf(path, sizeof(path), "switch/%s/uplink", sw);
	for (u->n = 0; u->n < n; u->n++) {
		rc = vsw_device_parse(json_string_value(json_array_get(list, u->n)), path,
				      &u->want[u->n], reterr);
		if (rc)
			return rc;
		for (unsigned int i = 0; i < u->n; i++)
			if (vsw_device_clash(&u->want[i], &u->want[u->n]))
				return on_switch(reterr, -EINVAL, VD_E_DEVICE_DUPLICATE, sw,
						 "name each device once",
						 "two of the uplinks are the same device");
	}
	return 0;
}

/* Is the port's device among those wanted? */
static bool meets(struct uplinks *u, const struct vsw_port_cfg *p)
{
	for (unsigned int i = 0; i < u->n; i++) {
		if (u->met[i] || !vsw_device_equal(&u->want[i], &p->device))
			continue;
		u->met[i] = true;
		return true;
	}
	return false;
}

static int add_uplink(struct vsw_model *m, const char *sw, const struct vsw_device *d,
		      struct vd_err *reterr)
{
	char name[VSW_PORT_NAME_SIZE], device[VSW_DEVICE_STR_SIZE];

	snprintf(name, sizeof(name), "%.63s:uplink", sw);
	for (unsigned int i = 2; vsw_model_port(m, name); i++)
		snprintf(name, sizeof(name), "%.63s:uplink%u", sw, i);
	return put_port(m, sw, name, VSW_ROLE_UPLINK, vsw_device_format(d, device, sizeof(device)),
			NULL, reterr);
}

/* The list replaces the members: what stays keeps its port; a port that would go takes over a new
 * device before another one is made, so that an exchange keeps the port's identity. */
static int put_uplinks(struct vsw_model *m, const char *sw, json_t *list, struct vd_err *reterr)
{
	struct uplinks u = {.n = 0};
	unsigned int next = 0, n_free = 0;
	char device[VSW_DEVICE_STR_SIZE];
	int free_ports[VSW_UPLINKS_MAX];
	int rc = parse_uplinks(sw, list, &u, reterr);

	for (unsigned int i = 0; !rc && i < m->n_ports; i++) {
		const struct vsw_port_cfg *p = &m->ports[i];

		if (p->role == VSW_ROLE_UPLINK && !strcmp(p->sw, sw) && !meets(&u, p) &&
		    n_free < VSW_UPLINKS_MAX)
			free_ports[n_free++] = (int)i;
	}
	for (unsigned int i = 0; !rc && i < u.n && next < n_free; i++) {
		if (u.met[i])
			continue;
		u.met[i] = true;
		rc = put_port(m, sw, NULL, VSW_ROLE_UPLINK,
			      vsw_device_format(&u.want[i], device, sizeof(device)),
			      &m->ports[free_ports[next++]], reterr);
	}
	while (!rc && n_free > next)
		vsw_edit_drop_port(m, (unsigned int)free_ports[--n_free]);
	for (unsigned int i = 0; !rc && i < u.n; i++)
		if (!u.met[i])
			rc = add_uplink(m, sw, &u.want[i], reterr);
	return rc;
}

static int put_host(struct vsw_model *m, const char *sw, const char *ifname, struct vd_err *reterr)
{
	char device[VSW_DEVICE_STR_SIZE], name[VSW_PORT_NAME_SIZE];

	if (!ifname && strlen(sw) >= IF_NAMESIZE)
		return on_switch(
			reterr, -EINVAL, VD_E_NAME, sw,
			"name it with --host-vnic IFNAME (up to 15 characters), or --no-host-vnic",
			"the name is too long for the host's interface");
	if (ifname && (strlen(ifname) >= IF_NAMESIZE || strpbrk(ifname, ",/ ") || !*ifname))
		return on_switch(reterr, -EINVAL, VD_E_DEVICE, sw,
				 "an interface name has 1-15 characters, no ',', '/' or blank",
				 "--host-vnic is not usable as an interface name");
	snprintf(device, sizeof(device), "tap:%s", ifname ? ifname : sw);
	snprintf(name, sizeof(name), "%.63s:host", sw);
	return put_port(m, sw, name, VSW_ROLE_HOST, device, own_port(m, sw, VSW_ROLE_HOST), reterr);
}

/* What --uplink, --host-vnic, --no-host-vnic and the type make of the switch's own ports. */
static int put_own_ports(struct vsw_model *m, const struct vsw_switch_cfg *s, bool converted,
			 json_t *params, struct vd_err *reterr)
{
	json_t *uplinks = json_object_get(params, "uplink");
	const char *host = vsw_edit_text(params, "host_vnic");
	bool no_host = json_is_true(json_object_get(params, "no_host_vnic"));
	char name[VD_NAME_MAX + 1];
	int rc = 0;

	snprintf(name, sizeof(name), "%s", s->name); /* @s may move with the arrays */
	if (host && no_host)
		return on_switch(reterr, -EINVAL, VD_E_RPC_PARAMS, name, NULL,
				 "--host-vnic and --no-host-vnic contradict each other");
	if (host && s->type == VSW_PRIVATE)
		return on_switch(reterr, -EINVAL, VD_E_SWITCH_TYPE, name, "use --type internal",
				 "a private switch has no adapter for the host");
	if (json_array_size(uplinks) && s->type != VSW_EXTERNAL)
		return on_switch(reterr, -EINVAL, VD_E_SWITCH_TYPE, name, "use --type external",
				 "only an external switch has an uplink");
	if (s->type == VSW_EXTERNAL && !json_array_size(uplinks) &&
	    !own_port(m, name, VSW_ROLE_UPLINK))
		return on_switch(reterr, -EINVAL, VD_E_SWITCH_TYPE, name,
				 "add --uplink netdev:IFNAME",
				 "an external switch needs an uplink");

	if (converted && s->type != VSW_EXTERNAL)
		drop_role(m, name, VSW_ROLE_UPLINK);
	if (no_host || s->type == VSW_PRIVATE)
		drop_role(m, name, VSW_ROLE_HOST);
	else if (host ||
		 (converted && s->type == VSW_INTERNAL && !own_port(m, name, VSW_ROLE_HOST)))
		rc = put_host(m, name, host, reterr);
	if (!rc && json_array_size(uplinks))
		rc = put_uplinks(m, name, uplinks, reterr);
	return rc;
}

int vsw_edit_switch_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	const char *name = vsw_edit_text(params, "name");
	struct vsw_switch_cfg s = {0}, *switches;
	json_t *doc;
	int rc;

	if (vsw_model_switch(m, name))
		return on_switch(reterr, -EEXIST, VD_E_EXISTS, name,
				 "choose another name, or change it: viridian switch set",
				 "it exists already");
	doc = vsw_edit_document(params, switch_keys);
	switches = realloc(m->switches, (m->n_switches + 1u) * sizeof(*switches));
	if (switches)
		m->switches = switches;
	if (!doc || !switches) {
		json_decref(doc);
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	}
	rc = vsw_switch_from_json(doc, NULL, false, &s, reterr);
	json_decref(doc);
	if (rc)
		return rc;
	m->switches[m->n_switches] = s;
	return put_own_ports(m, &m->switches[m->n_switches++], true, params, reterr);
}

/* The switch keeps its ports; its own ones are called after it. */
static int rename_switch(struct vsw_model *m, struct vsw_switch_cfg *s, const char *name,
			 struct vd_err *reterr)
{
	char own[2 * VD_NAME_MAX];
	size_t len = strlen(s->name);
	int rc = vd_name_check(name, "switch", reterr);

	if (rc)
		return rc;
	if (vsw_model_switch(m, name))
		return on_switch(reterr, -EEXIST, VD_E_EXISTS, name, "choose another name",
				 "it exists already");
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_port_cfg *p = &m->ports[i];

		if (strcmp(p->sw, s->name))
			continue;
		if (!strncmp(p->name, s->name, len) && p->name[len] == ':') {
			snprintf(own, sizeof(own), "%s%s", name, p->name + len);
			vsw_edit_rename_port(m, p, own);
		}
	}
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!strcmp(m->ports[i].sw, s->name))
			snprintf(m->ports[i].sw, sizeof(m->ports[i].sw), "%s", name);
	vsw_edit_follow_switch(m, s->name, name);
	for (unsigned int i = 0; i < m->n_nats; i++) {
		struct nat_conf *c = &m->nats[i];

		if (!strcmp(c->sw, s->name))
			snprintf(c->sw, sizeof(c->sw), "%s", name);
		if (!strcmp(c->via, s->name))
			snprintf(c->via, sizeof(c->via), "%s", name);
	}
	snprintf(s->name, sizeof(s->name), "%s", name);
	return 0;
}

int vsw_edit_switch_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"type",  "mtu",       "ageing_s", "fdb_limit",
					   "notes", POLICY_KEYS, NULL};
	struct vsw_switch_cfg *s = vsw_edit_find_switch(m, vsw_edit_text(params, "name"), reterr);
	const char *rename = vsw_edit_text(params, "rename");
	enum vsw_switch_type before;
	json_t *doc;
	int rc = 0;

	if (!s)
		return -ENOENT;
	before = s->type;
	if (rename && strcmp(rename, s->name))
		rc = rename_switch(m, s, rename, reterr);
	if (rc)
		return rc;
	doc = vsw_edit_document(params, keys);
	if (!doc)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	rc = vsw_switch_from_json(doc, NULL, true, s, reterr);
	json_decref(doc);
	if (rc)
		return rc;
	/* Set-VMSwitch -NetAdapterName: a NIC makes it external */
	if (json_array_size(json_object_get(params, "uplink")) && !json_object_get(params, "type"))
		s->type = VSW_EXTERNAL;
	return put_own_ports(m, s, s->type != before, params, reterr);
}

int vsw_edit_switch_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_switch_cfg *s = vsw_edit_find_switch(m, vsw_edit_text(params, "name"), reterr);
	unsigned int n_vm = 0, at;
	char text[64];

	if (!s)
		return -ENOENT;
	for (unsigned int i = 0; i < m->n_ports; i++)
		n_vm += m->ports[i].role == VSW_ROLE_VM && !strcmp(m->ports[i].sw, s->name);
	snprintf(text, sizeof(text), "it still has %u VM port%s", n_vm, n_vm == 1 ? "" : "s");
	if (n_vm && !json_is_true(json_object_get(params, "force")))
		return on_switch(reterr, -EBUSY, VD_E_SWITCH_IN_USE, s->name,
				 "move or remove them first, or use --force", text);
	for (unsigned int i = m->n_nats; i-- > 0;) {
		if (strcmp(m->nats[i].sw, s->name) && strcmp(m->nats[i].via, s->name))
			continue;
		snprintf(text, sizeof(text), "NAT network %.40s uses it", m->nats[i].name);
		if (!json_is_true(json_object_get(params, "force")))
			return on_switch(reterr, -EBUSY, VD_E_SWITCH_IN_USE, s->name,
					 "viridian nat remove NAME, or use --force", text);
		vsw_edit_drop_nat(m, i);
	}
	for (unsigned int i = m->n_ports; i-- > 0;)
		if (!strcmp(m->ports[i].sw, s->name))
			vsw_edit_drop_port(m, i);
	vsw_edit_forget_switch(m, s->name);
	at = (unsigned int)(s - m->switches);
	vsw_switch_cfg_done(s);
	memmove(s, s + 1, (m->n_switches - at - 1u) * sizeof(*s));
	m->n_switches--;
	return 0;
}
