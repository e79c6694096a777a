/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON to model. Each object is read key by key into a copy, which replaces the
 * caller's only when everything fits: a refused document changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/quarantine.h"

static const char *const document_keys[] = {"viridian", "sets",    "switches",  "ports",
					    "nats",     "mirrors", "quarantine"};
static const char *const switch_keys[] = {
	"name",        "uuid",      "type",          "mtu",          "ageing_s",
	"fdb_limit",   "notes",     "fdb",           "min_mode",     "default_weight",
	"default_min", "team_mode", "igmp_snooping", "mld_snooping", "nlb"};
static const char *const port_keys[] = {"name",     "uuid",  "switch", "device", "role",
					"mac",      "vlan",  "learn",  "link",   "tags",
					"affinity", "guard", "qos",    "acl"};
static const char *const entry_keys[] = {"mac", "vlan", "port"};

#define N(a) (sizeof(a) / sizeof((a)[0]))

int vsw_read_port_name(const struct vd_read *rd, const char *key, char *ret, size_t size)
{
	char path[VSW_PATH_SIZE], part[VD_NAME_MAX + 2];
	const char *s = NULL, *colon;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	colon = strchr(s, ':');
	if (!colon)
		return vd_read_name(rd, key, ret, size);
	vd_read_path(rd, key, path, sizeof(path));
	snprintf(part, sizeof(part), "%.*s", (int)(colon - s > 64 ? 64 : colon - s), s);
	r = vd_name_check(part, path, rd->e);
	if (r == 0)
		r = vd_name_check(colon + 1, path, rd->e);
	if (r == 0 && strlen(s) >= size)
		r = vd_err_set(rd->e, -EINVAL, VD_E_NAME, path, NULL,
			       "the name \"%.20s...\" is longer than %zu characters", s, size - 1);
	if (r < 0)
		return vd_read_at(rd, key, r);
	snprintf(ret, size, "%s", s);
	return 1;
}

/* ---- objects ---- */

static int read_entry(const struct vd_read *parent, json_t *j, struct vsw_static_entry *ret)
{
	struct vd_read rd = {.j = j, .doc = parent->doc, .e = parent->e};
	uint32_t vid = 0;
	int r;

	vd_read_path(parent, "fdb", rd.path, sizeof(rd.path));
	if (!json_is_object(j))
		return vd_read_at(&rd, NULL,
				  vd_err_set(rd.e, -EINVAL, VD_E_TYPE, rd.path,
					     "write {mac: ..., vlan: ..., port: ...}",
					     "a static entry is %s (expected: an object)",
					     vd_read_kind(j)));
	r = vd_read_keys(&rd, entry_keys, N(entry_keys));
	if (r < 0)
		return r;
	r = vd_read_mac(&rd, &ret->mac);
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(&rd, "mac");
	r = vsw_read_port_name(&rd, "port", ret->port, sizeof(ret->port));
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(&rd, "port");
	r = vd_read_int(&rd, "vlan", 0, VSW_VID_MAX, VD_E_VLAN_RANGE, &vid);
	if (r < 0)
		return r;
	ret->vid = (uint16_t)vid;
	return 0;
}

/* Returns 1 with a new array when the key is there. */
static int read_entries(const struct vd_read *rd, struct vsw_static_entry **ret, unsigned int *n)
{
	struct vsw_static_entry *entries;
	json_t *list, *j;
	size_t i;
	int r = vd_read_list(rd, "fdb", VSW_STATIC_MAX, &list);

	if (r <= 0)
		return r;
	*ret = NULL;
	*n = 0;
	if (json_array_size(list) == 0)
		return 1;
	entries = calloc(json_array_size(list), sizeof(*entries));
	if (!entries)
		return vsw_no_memory(rd->e);
	json_array_foreach (list, i, j) {
		r = read_entry(rd, j, &entries[i]);
		if (r < 0) {
			free(entries);
			return vd_read_at_item(rd, list, i, r);
		}
	}
	*ret = entries;
	*n = (unsigned int)json_array_size(list);
	return 1;
}

static int get_notes(const struct vd_read *rd, char *ret, size_t size)
{
	char path[VSW_PATH_SIZE];
	const char *s = NULL, *why = NULL;
	int r = vd_read_text(rd, "notes", &s);

	if (r <= 0)
		return r;
	if (strlen(s) >= size)
		why = "the notes are longer than 255 bytes";
	for (const char *p = s; *p; p++)
		if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
			why = "the notes have a control character";
	if (why)
		return vd_read_at(rd, "notes",
				  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
					     vd_read_path(rd, "notes", path, sizeof(path)), NULL,
					     "%s", why));
	snprintf(ret, size, "%s", s);
	return 1;
}

static int read_switch(const struct vd_read *rd, bool patch, struct vsw_switch_cfg *s)
{
	unsigned int type = s->type;
	uint32_t mtu = s->mtu;
	int r = vd_read_keys(rd, switch_keys, N(switch_keys));

	if (r < 0)
		return r;
	r = vd_read_name(rd, "name", s->name, sizeof(s->name));
	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "name");
	r = vd_read_uuid(rd, s->uuid);
	if (r < 0)
		return r;
	r = vd_read_choice(rd, "type", vsw_type_text, VSW_N_TYPES, &type);
	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "type");
	r = vd_read_int(rd, "mtu", VSW_MTU_MIN, VSW_MTU_MAX, VD_E_MTU, &mtu);
	if (r < 0)
		return r;
	r = vd_read_int(rd, "ageing_s", 10, 86400, VD_E_VALUE, &s->ageing_s);
	if (r < 0)
		return r;
	r = vd_read_int(rd, "fdb_limit", 0, VSW_FDB_LIMIT_MAX, VD_E_VALUE, &s->fdb_limit);
	if (r < 0)
		return r;
	r = get_notes(rd, s->notes, sizeof(s->notes));
	if (r < 0)
		return r;
	s->type = (enum vsw_switch_type)type;
	s->mtu = (uint16_t)mtu;
	r = vsw_switch_policy_from_json(rd, s);
	if (r < 0)
		return r;
	/* last, because it allocates */
	r = read_entries(rd, &s->statics, &s->n_statics);
	return r < 0 ? r : 0;
}

int vsw_switch_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct vsw_switch_cfg *io,
			 struct vd_err *reterr)
{
	struct vsw_switch_cfg s = {.mtu = VSW_MTU_DEFAULT,
				   .ageing_s = VSW_AGEING_DEFAULT,
				   .fdb_limit = VSW_FDB_LIMIT_DEFAULT,
				   .qos.default_min_weight = VSW_DEFAULT_WEIGHT};
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "switch", patch ? io->name : NULL, reterr);

	if (r < 0)
		return r;
	if (patch)
		s = *io;
	r = read_switch(&rd, patch, &s);
	if (r < 0)
		return r;
	if (patch && s.statics != io->statics)
		free(io->statics);
	*io = s;
	return 0;
}

static int get_vlan(const struct vd_read *rd, struct vsw_vlan *ret)
{
	char path[VSW_PATH_SIZE], number[24];
	const char *s = NULL;
	int r = vd_read_term(rd, "vlan", number,
			     &s); /* "vlan: 10": let the parser say what is meant */

	if (r <= 0)
		return r;
	r = vsw_vlan_parse(s, vd_read_path(rd, "vlan", path, sizeof(path)), ret, rd->e);
	return r < 0 ? vd_read_at(rd, "vlan", r) : 1;
}

static int get_device(const struct vd_read *rd, struct vsw_device *ret)
{
	char path[VSW_PATH_SIZE];
	const char *s = NULL;
	int r = vd_read_text(rd, "device", &s);

	if (r <= 0)
		return r;
	r = vsw_device_parse(s, vd_read_path(rd, "device", path, sizeof(path)), ret, rd->e);
	return r < 0 ? vd_read_at(rd, "device", r) : 1;
}

/* What the port is and where. */
static int read_port_identity(const struct vd_read *rd, bool patch, struct vsw_port_cfg *p)
{
	int r = vsw_read_port_name(rd, "name", p->name, sizeof(p->name));

	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "name");
	r = vd_read_uuid(rd, p->uuid);
	if (r < 0)
		return r;
	r = vd_read_name(rd, "switch", p->sw, sizeof(p->sw));
	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "switch");
	r = get_device(rd, &p->device);
	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "device");
	return 0;
}

static int read_port_settings(const struct vd_read *rd, struct vsw_port_cfg *p)
{
	unsigned int up = p->link_up;
	int r;

	if (json_is_null(json_object_get(rd->j, "mac"))) {
		p->has_mac = false;
		memset(&p->mac, 0, sizeof(p->mac));
	} else {
		r = vd_read_mac(rd, &p->mac);
		if (r < 0)
			return r;
		p->has_mac |= r > 0;
	}
	r = get_vlan(rd, &p->vlan);
	if (r < 0)
		return r;
	r = vd_read_int(rd, "learn", 0, VSW_FDB_LIMIT_MAX, VD_E_VALUE, &p->learn);
	if (r < 0)
		return r;
	r = vd_read_choice(rd, "link", vsw_link_text, VSW_N_LINKS, &up);
	p->link_up = up != 0;
	return r < 0 ? r : 0;
}

static void port_defaults(struct vsw_port_cfg *p)
{
	if (p->role != VSW_ROLE_UPLINK)
		return;
	p->learn = VSW_FDB_LIMIT_DEFAULT;
	p->vlan.mode = VSW_VLAN_TRUNK;
	for (unsigned int vid = VSW_VID_MIN; vid <= VSW_VID_MAX; vid++)
		vsw_vlan_add(&p->vlan, (uint16_t)vid);
}

static int read_port(const struct vd_read *rd, bool patch, struct vsw_port_cfg *p)
{
	unsigned int role = p->role;
	const char *key = NULL;
	int r = vd_read_keys(rd, port_keys, N(port_keys));

	if (r < 0)
		return r;
	r = read_port_identity(rd, patch, p);
	if (r < 0)
		return r;
	r = vd_read_choice(rd, "role", vsw_role_text, VSW_N_ROLES, &role);
	if (r < 0)
		return r;
	p->role = (enum vsw_role)role;
	if (!patch)
		port_defaults(p);
	r = read_port_settings(rd, p);
	if (r < 0)
		return r;
	r = vsw_port_check(p, &key, rd->e);
	if (r < 0)
		return vd_read_at(rd, key, r);
	/* last, because it allocates */
	return vsw_policy_from_json(rd, patch, p);
}

int vsw_port_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct vsw_port_cfg *io,
		       struct vd_err *reterr)
{
	struct vsw_port_cfg p = {.link_up = true};
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "port", patch ? io->name : NULL, reterr);

	if (r < 0)
		return r;
	if (patch)
		p = *io;
	r = read_port(&rd, patch, &p);
	if (r < 0)
		return r;
	if (patch && p.policy != io->policy)
		vsw_policy_unref(io->policy);
	*io = p;
	return 0;
}

static int check_version(const struct vd_read *rd)
{
	json_t *v = json_object_get(rd->j, "viridian");

	if (!v)
		return vd_read_at(
			rd, NULL,
			vd_err_set(rd->e, -EINVAL, VD_E_KEY_MISSING, NULL,
				   "start the document with \"viridian: 1\"",
				   "this is not a Viridian document: the key \"viridian\" is "
				   "missing"));
	if (!json_is_integer(v))
		return vd_read_wrong_type(rd, "viridian", v, "1", NULL);
	if (json_integer_value(v) != VSW_DOCUMENT_VERSION)
		return vd_read_at(rd, "viridian",
				  vd_err_set(rd->e, -EINVAL, VD_E_VALUE, "viridian",
					     "this program reads version 1",
					     "document version %" JSON_INTEGER_FORMAT
					     " is not known",
					     json_integer_value(v)));
	return 0;
}

/* A list of the document: read item by item into an array. */
struct list {
	const char *key;
	size_t max;
	size_t size; /* of an element */
	int (*read)(json_t *j, const struct vd_doc *doc, void *ret, struct vd_err *e);
	void *array; /* where the pointer to the elements is */
	unsigned int *n;
};

static int read_one_switch(json_t *j, const struct vd_doc *doc, void *ret, struct vd_err *e)
{
	return vsw_switch_from_json(j, doc, false, ret, e);
}

static int read_one_port(json_t *j, const struct vd_doc *doc, void *ret, struct vd_err *e)
{
	return vsw_port_from_json(j, doc, false, ret, e);
}

static int read_one_set(json_t *j, const struct vd_doc *doc, void *ret, struct vd_err *e)
{
	return vsw_set_from_json(j, doc, ret, e);
}

static int read_one_mirror(json_t *j, const struct vd_doc *doc, void *ret, struct vd_err *e)
{
	return vsw_mirror_from_json(j, doc, ret, e);
}

static int read_list(const struct vd_read *rd, const struct list *l)
{
	json_t *items, *j;
	char *array;
	size_t i;
	int r = vd_read_list(rd, l->key, l->max, &items);

	if (r < 0)
		return r;
	array = calloc(json_array_size(items) + 1, l->size);
	if (!array)
		return vsw_no_memory(rd->e);
	*(void **)l->array = array;
	json_array_foreach (items, i, j) {
		r = l->read(j, rd->doc, array + i * l->size, rd->e);
		if (r < 0)
			return vd_read_at_item(rd, items, i, r);
		(*l->n)++;
	}
	return 0;
}

/* null counts as absent: a section whose lines are commented out */
static int read_quarantine(const struct vd_read *rd, struct vsw_model *m)
{
	json_t *j = json_object_get(rd->j, "quarantine");

	if (!j || json_is_null(j))
		return 0;
	return vsw_quarantine_from_json(j, rd->doc, &m->quarantine, rd->e);
}

static int read_document(const struct vd_read *rd, struct vsw_model *m)
{
	const struct list lists[] = {
		{"sets", VSW_SETS_MAX, sizeof(*m->sets), read_one_set, &m->sets, &m->n_sets},
		{"switches", VSW_SWITCHES_MAX, sizeof(*m->switches), read_one_switch, &m->switches,
		 &m->n_switches},
		{"ports", VSW_PORTS_MAX, sizeof(*m->ports), read_one_port, &m->ports, &m->n_ports},
		{"mirrors", VSW_MIRRORS_MAX, sizeof(*m->mirrors), read_one_mirror, &m->mirrors,
		 &m->n_mirrors},
	};
	int r = vd_read_keys(rd, document_keys, N(document_keys));

	if (r == 0)
		r = check_version(rd);
	for (size_t i = 0; r == 0 && i < N(lists); i++)
		r = read_list(rd, &lists[i]);
	if (r >= 0)
		r = vsw_nats_read(rd, m);
	return r < 0 ? r : read_quarantine(rd, m);
}

int vsw_model_from_json(json_t *root, const struct vd_doc *doc, struct vsw_model *ret,
			struct vd_err *reterr)
{
	struct vd_read rd = {.j = root, .doc = doc, .e = reterr};
	struct vsw_model m = {0};
	int r;

	if (!json_is_object(root))
		return vd_read_at(&rd, NULL,
				  vd_err_set(reterr, -EINVAL, VD_E_TYPE, NULL,
					     "start the document with \"viridian: 1\"",
					     "the document is %s (expected: an object)",
					     root ? vd_read_kind(root) : "nothing"));
	r = read_document(&rd, &m);
	if (r < 0) {
		vsw_model_done(&m);
		return r;
	}
	*ret = m;
	return 0;
}
