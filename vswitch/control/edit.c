/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of ports and static entries, and what all edits share: see edit.h. */
#include "vswitch/control/edit.h"
#include "vswitch/model/acl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *vsw_edit_text(json_t *params, const char *key)
{
	return json_string_value(json_object_get(params, key));
}

json_t *vsw_edit_document(json_t *params, const char *const *keys)
{
	json_t *doc = json_object();

	for (; doc && *keys; keys++) {
		json_t *v = json_object_get(params, *keys);

		if (v && json_object_set(doc, *keys, v) < 0) {
			json_decref(doc);
			return NULL;
		}
	}
	return doc;
}

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

void vsw_edit_unknown(struct vd_err *e, enum vd_code code, const char *kind, const char *name,
		      const char *first, unsigned int n, size_t stride)
{
	const char **names = calloc(n + 1u, sizeof(*names));
	const char *best = NULL;
	char path[192], hint[256];

	for (unsigned int i = 0; names && i < n; i++)
		names[i] = first + i * stride;
	if (names)
		best = vd_suggest(name, names, n);
	snprintf(path, sizeof(path), "%s/%s", kind, name);
	if (best)
		snprintf(hint, sizeof(hint), "did you mean %s?", best);
	else
		snprintf(hint, sizeof(hint), "viridian %s list shows all", kind);
	vd_err_set(e, -ENOENT, code, path, hint, "there is no %s %s", kind, name);
	free(names);
}

struct vsw_switch_cfg *vsw_edit_find_switch(const struct vsw_model *m, const char *name,
					    struct vd_err *reterr)
{
	struct vsw_switch_cfg *s = vsw_model_switch(m, name);

	if (!s)
		vsw_edit_unknown(reterr, VD_E_SWITCH_UNKNOWN, "switch", name,
				 m->n_switches ? m->switches[0].name : NULL, m->n_switches,
				 sizeof(*m->switches));
	return s;
}

struct vsw_port_cfg *vsw_edit_find_port(const struct vsw_model *m, const char *name,
					struct vd_err *reterr)
{
	struct vsw_port_cfg *p = vsw_model_port(m, name);

	if (!p)
		vsw_edit_unknown(reterr, VD_E_PORT_UNKNOWN, "port", name,
				 m->n_ports ? m->ports[0].name : NULL, m->n_ports,
				 sizeof(*m->ports));
	return p;
}

int vsw_edit_push_port(struct vsw_model *m, const struct vsw_port_cfg *p, struct vd_err *reterr)
{
	struct vsw_port_cfg *ports = realloc(m->ports, (m->n_ports + 1u) * sizeof(*ports));

	if (!ports)
		return no_memory(reterr);
	m->ports = ports;
	m->ports[m->n_ports++] = *p;
	return 0;
}

void vsw_edit_drop_statics(struct vsw_model *m, const char *sw, const char *port)
{
	struct vsw_switch_cfg *s = vsw_model_switch(m, sw);
	unsigned int kept = 0;

	for (unsigned int i = 0; s && i < s->n_statics; i++)
		if (strcmp(s->statics[i].port, port))
			s->statics[kept++] = s->statics[i];
	if (s)
		s->n_statics = kept;
}

void vsw_edit_drop_port(struct vsw_model *m, unsigned int i)
{
	vsw_edit_drop_statics(m, m->ports[i].sw, m->ports[i].name);
	vsw_edit_forget_port(m, m->ports[i].name);
	vsw_port_cfg_done(&m->ports[i]);
	memmove(&m->ports[i], &m->ports[i + 1], (m->n_ports - i - 1u) * sizeof(*m->ports));
	m->n_ports--;
}

void vsw_edit_rename_port(struct vsw_model *m, struct vsw_port_cfg *p, const char *name)
{
	struct vsw_switch_cfg *s = vsw_model_switch(m, p->sw);

	for (unsigned int i = 0; s && i < s->n_statics; i++)
		if (!strcmp(s->statics[i].port, p->name))
			snprintf(s->statics[i].port, sizeof(s->statics[i].port), "%s", name);
	vsw_edit_follow_port(m, p->name, name);
	snprintf(p->name, sizeof(p->name), "%s", name);
}

/* ---- ports ---- */

static int exists(struct vd_err *e, const char *kind, const char *name)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", kind, name);
	return vd_err_set(e, -EEXIST, VD_E_EXISTS, path, "choose another name, or remove it first",
			  "%s %s exists", kind, name);
}

/* As vsw_edit_document(); "tag", given once a word, is the list "tags" there. */
static json_t *port_document(json_t *params, const char *const *keys)
{
	json_t *doc = vsw_edit_document(params, keys), *tags = json_object_get(params, "tag");

	if (doc && tags && json_object_set(doc, "tags", tags) < 0) {
		json_decref(doc);
		return NULL;
	}
	return doc;
}

int vsw_edit_port_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"name", "switch", "device", "role", "mac",
					   "vlan", "learn",  "link",   NULL};
	struct vsw_port_cfg p = {.link_up = true};
	const char *name = vsw_edit_text(params, "name");
	json_t *doc;
	int rc;

	if (vsw_model_port(m, name))
		return exists(reterr, "port", name);
	if (!vsw_edit_find_switch(m, vsw_edit_text(params, "switch"), reterr))
		return -ENOENT;
	doc = port_document(params, keys);
	if (!doc)
		return no_memory(reterr);
	rc = vsw_port_from_json(doc, NULL, false, &p, reterr);
	json_decref(doc);
	if (!rc)
		rc = vsw_edit_push_port(m, &p, reterr);
	if (rc)
		vsw_port_cfg_done(&p);
	return rc;
}

int vsw_edit_port_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"mac", "vlan", "learn", "affinity", NULL};
	const char *rename = vsw_edit_text(params, "rename");
	struct vsw_port_cfg *p = vsw_edit_find_port(m, vsw_edit_text(params, "name"), reterr);
	json_t *doc;
	int rc;

	if (!p)
		return -ENOENT;
	if (rename && strcmp(rename, p->name)) {
		if (vsw_model_port(m, rename))
			return exists(reterr, "port", rename);
		rc = vd_name_check(rename, "port", reterr);
		if (rc)
			return rc;
		vsw_edit_rename_port(m, p, rename);
	}
	doc = port_document(params, keys);
	if (!doc)
		return no_memory(reterr);
	rc = vsw_port_from_json(doc, NULL, true, p, reterr);
	json_decref(doc);
	return rc;
}

/* The uplink it names is one of the switch it leaves. */
static void forget_affinity(struct vsw_port_cfg *p)
{
	struct vsw_policy *own = vsw_policy_of(p)->affinity[0] ? vsw_policy_own(p) : NULL;

	if (!own)
		return;
	memset(own->affinity, 0, sizeof(own->affinity));
	p->policy = vsw_policy_tidy(own);
}

int vsw_edit_port_move(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_port_cfg *p = vsw_edit_find_port(m, vsw_edit_text(params, "name"), reterr);
	struct vsw_switch_cfg *to;
	char path[192];

	if (!p)
		return -ENOENT;
	to = vsw_edit_find_switch(m, vsw_edit_text(params, "switch"), reterr);
	if (!to)
		return -ENOENT;
	snprintf(path, sizeof(path), "port/%s", p->name);
	if (strcmp(p->sw, to->name) && strchr(p->name, ':'))
		return vd_err_set(reterr, -EBUSY, VD_E_SWITCH_TYPE, path,
				  "change the switch instead: viridian switch set",
				  "port %s belongs to switch %s and cannot move", p->name, p->sw);
	if (strcmp(p->sw, to->name)) {
		vsw_edit_drop_statics(m, p->sw, p->name);
		vsw_edit_forget_port(m, p->name);
		forget_affinity(p);
	}
	snprintf(p->sw, sizeof(p->sw), "%s", to->name);
	return 0;
}

int vsw_edit_port_link(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_port_cfg *p = vsw_edit_find_port(m, vsw_edit_text(params, "name"), reterr);

	if (!p)
		return -ENOENT;
	p->link_up = !strcmp(vsw_edit_text(params, "state"), "up");
	return 0;
}

int vsw_edit_port_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_port_cfg *p = vsw_edit_find_port(m, vsw_edit_text(params, "name"), reterr);

	if (!p)
		return -ENOENT;
	vsw_edit_drop_port(m, (unsigned int)(p - m->ports));
	return 0;
}

/* ---- static forwarding entries ---- */

static int entry_of(json_t *params, struct vsw_static_entry *ret, struct vd_err *reterr)
{
	const char *mac = vsw_edit_text(params, "mac");

	if (vd_mac_parse(mac, &ret->mac) ||
	    (ret->mac.addr[0] & 1 && !json_object_get(params, "port")))
		return vd_err_set(reterr, -EINVAL, VD_E_MAC, "fdb", "write it as 52:54:00:12:34:56",
				  "%s is not a MAC address that an entry can have", mac);
	ret->vid = (uint16_t)json_integer_value(json_object_get(params, "vlan"));
	return 0;
}

static int find_entry(const struct vsw_switch_cfg *s, const struct vsw_static_entry *e)
{
	for (unsigned int i = 0; i < s->n_statics; i++)
		if (s->statics[i].vid == e->vid &&
		    !memcmp(&s->statics[i].mac, &e->mac, sizeof(e->mac)))
			return (int)i;
	return -1;
}

int vsw_edit_fdb_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_switch_cfg *s = vsw_edit_find_switch(m, vsw_edit_text(params, "switch"), reterr);
	struct vsw_static_entry e = {.vid = 0}, *statics;
	struct vsw_port_cfg *p;
	int rc, at;

	if (!s)
		return -ENOENT;
	p = vsw_edit_find_port(m, vsw_edit_text(params, "port"), reterr);
	if (!p)
		return -ENOENT;
	rc = entry_of(params, &e, reterr);
	if (rc)
		return rc;
	snprintf(e.port, sizeof(e.port), "%s", p->name);
	at = find_entry(s, &e);
	if (at >= 0) {
		s->statics[at] = e;
		return 0;
	}
	statics = realloc(s->statics, (s->n_statics + 1u) * sizeof(*statics));
	if (!statics)
		return no_memory(reterr);
	s->statics = statics;
	s->statics[s->n_statics++] = e;
	return 0;
}

int vsw_edit_fdb_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_switch_cfg *s = vsw_edit_find_switch(m, vsw_edit_text(params, "switch"), reterr);
	struct vsw_static_entry e = {.vid = 0};
	char path[192];
	int rc, at;

	if (!s)
		return -ENOENT;
	rc = entry_of(params, &e, reterr);
	if (rc)
		return rc;
	at = find_entry(s, &e);
	snprintf(path, sizeof(path), "switch/%s/fdb", s->name);
	if (at < 0)
		return vd_err_set(reterr, -ENOENT, VD_E_ENTRY_UNKNOWN, path,
				  "viridian fdb list shows all; --vlan chooses the VLAN",
				  "switch %s has no static entry for %s in VLAN %u", s->name,
				  vsw_edit_text(params, "mac"), e.vid);
	memmove(&s->statics[at], &s->statics[at + 1],
		(s->n_statics - (unsigned int)at - 1u) * sizeof(*s->statics));
	s->n_statics--;
	return 0;
}
