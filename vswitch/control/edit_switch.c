/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of switches, with their host and uplink ports: see edit.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"

static const char *const switch_keys[] = {"name",      "type",  "mtu", "ageing_s",
					  "fdb_limit", "notes", NULL};

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
		if (m->ports[i].role == role && !strcmp(m->ports[i].sw, sw))
			return &m->ports[i];
	return NULL;
}

static void drop_role(struct vsw_model *m, const char *sw, enum vsw_role role)
{
	for (unsigned int i = m->n_ports; i-- > 0;)
		if (m->ports[i].role == role && !strcmp(m->ports[i].sw, sw))
			vsw_edit_drop_port(m, i);
}

/* Make port "@sw:@kind", or give the one that is there another device. */
static int put_port(struct vsw_model *m, const char *sw, enum vsw_role role, const char *device,
		    struct vd_err *reterr)
{
	const char *kind = role == VSW_ROLE_HOST ? "host" : "uplink";
	struct vsw_port_cfg *have = own_port(m, sw, role), p = {.link_up = true};
	json_t *doc;
	int rc;

	if (have)
		doc = json_pack("{s:s}", "device", device);
	else
		doc = json_pack("{s:o, s:s, s:s, s:s}", "name", json_sprintf("%s:%s", sw, kind),
				"switch", sw, "device", device, "role", kind);
	if (!doc)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	rc = vsw_port_from_json(doc, NULL, have != NULL, have ? have : &p, reterr);
	json_decref(doc);
	return rc || have ? rc : vsw_edit_push_port(m, &p, reterr);
}

static int put_host(struct vsw_model *m, const char *sw, const char *ifname, struct vd_err *reterr)
{
	char device[VSW_DEVICE_STR_SIZE];

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
	return put_port(m, sw, VSW_ROLE_HOST, device, reterr);
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
	if (json_array_size(uplinks) > 1)
		return on_switch(
			reterr, -ENOTSUP, VD_E_UNSUPPORTED, name,
			"give one --uplink; bond the interfaces below it if you need several",
			"several uplinks of one switch are not supported yet");
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
		rc = put_port(m, name, VSW_ROLE_UPLINK,
			      json_string_value(json_array_get(uplinks, 0)), reterr);
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
	snprintf(s->name, sizeof(s->name), "%s", name);
	return 0;
}

int vsw_edit_switch_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"type", "mtu", "ageing_s", "fdb_limit", "notes", NULL};
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
	for (unsigned int i = m->n_ports; i-- > 0;)
		if (!strcmp(m->ports[i].sw, s->name))
			vsw_edit_drop_port(m, i);
	at = (unsigned int)(s - m->switches);
	vsw_switch_cfg_done(s);
	memmove(s, s + 1, (m->n_switches - at - 1u) * sizeof(*s));
	m->n_switches--;
	return 0;
}
