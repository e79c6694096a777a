/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of address sets and mirror sessions, and what becomes of names when ports go. See edit.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/model/acl.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* ---- address sets ---- */

static struct vsw_set *find_set(const struct vsw_model *m, const char *name, struct vd_err *reterr)
{
	struct vsw_set *s = vsw_model_set(m, name);

	if (!s)
		vsw_edit_unknown(reterr, VD_E_SET_UNKNOWN, "set", name,
				 m->n_sets ? m->sets[0].name : NULL, m->n_sets, sizeof(*m->sets));
	return s;
}

static bool has_member(const struct vsw_set *s, const struct vsw_member *member)
{
	for (unsigned int i = 0; i < s->n_members; i++)
		if (!memcmp(&s->members[i], member, sizeof(*member)))
			return true;
	return false;
}

/* Add what @from has and @s has not. */
static int merge(struct vsw_set *s, const struct vsw_set *from, struct vd_err *reterr)
{
	struct vsw_member *members;
	char path[192];

	snprintf(path, sizeof(path), "set/%s", s->name);
	if (s->n_members + from->n_members > VSW_SET_MEMBERS_MAX)
		return vd_err_set(reterr, -ENOSPC, VD_E_LIMIT, path, NULL,
				  "an address set has at most %u members", VSW_SET_MEMBERS_MAX);
	members = realloc(s->members, (s->n_members + from->n_members + 1u) * sizeof(*members));
	if (!members)
		return no_memory(reterr);
	s->members = members;
	for (unsigned int i = 0; i < from->n_members; i++)
		if (!has_member(s, &from->members[i]))
			s->members[s->n_members++] = from->members[i];
	return 0;
}

/* "name" and "members" as an object of a document. */
static int read_set(json_t *params, struct vsw_set *ret, struct vd_err *reterr)
{
	json_t *members = json_object_get(params, "member");
	json_t *doc = json_pack("{s:O, s:O*}", "name", json_object_get(params, "name"), "members",
				members);
	int rc = doc ? vsw_set_from_json(doc, NULL, ret, reterr) : no_memory(reterr);

	json_decref(doc);
	return rc;
}

int vsw_edit_set_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_set given = {0}, *s, *sets;
	int rc = read_set(params, &given, reterr);

	if (rc)
		return rc;
	s = vsw_model_set(m, given.name);
	if (s) {
		rc = merge(s, &given, reterr);
		vsw_set_done(&given);
		return rc;
	}
	sets = realloc(m->sets, (m->n_sets + 1u) * sizeof(*sets));
	if (!sets) {
		vsw_set_done(&given);
		return no_memory(reterr);
	}
	m->sets = sets;
	m->sets[m->n_sets++] = given;
	return 0;
}

static int drop_members(struct vsw_set *s, const struct vsw_set *from, struct vd_err *reterr)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < from->n_members; i++) {
		char path[192], text[VSW_TERM_STR_SIZE];

		if (has_member(s, &from->members[i]))
			continue;
		snprintf(path, sizeof(path), "set/%s/members", s->name);
		return vd_err_set(reterr, -ENOENT, VD_E_SET_UNKNOWN, path,
				  "viridian set list shows all", "set %s does not have %s", s->name,
				  vsw_member_format(&from->members[i], text));
	}
	for (unsigned int i = 0; i < s->n_members; i++)
		if (!has_member(from, &s->members[i]))
			s->members[kept++] = s->members[i];
	s->n_members = kept;
	return 0;
}

/* A port with a rule that names the set, or NULL. */
static const struct vsw_port_cfg *user_of(const struct vsw_model *m, const char *set)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_acl *a = vsw_policy_of(&m->ports[i])->acl;

		for (unsigned int k = 0; a && k < a->n; k++) {
			const struct vsw_acl_rule *r = &a->rules[k];

			if ((r->local.kind == VSW_ADDR_SET && !strcmp(r->local.name, set)) ||
			    (r->remote.kind == VSW_ADDR_SET && !strcmp(r->remote.name, set)))
				return &m->ports[i];
		}
	}
	return NULL;
}

int vsw_edit_set_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct vsw_set *s = find_set(m, vsw_edit_text(params, "name"), reterr), given = {0};
	const struct vsw_port_cfg *user;
	char path[192];
	unsigned int at;
	int rc;

	if (!s)
		return -ENOENT;
	if (json_array_size(json_object_get(params, "member"))) {
		rc = read_set(params, &given, reterr);
		if (!rc)
			rc = drop_members(s, &given, reterr);
		vsw_set_done(&given);
		return rc;
	}
	user = user_of(m, s->name);
	snprintf(path, sizeof(path), "set/%s", s->name);
	if (user)
		return vd_err_set(reterr, -EBUSY, VD_E_SET_IN_USE, path,
				  "remove the rules that name it first",
				  "an access rule of port %s names set %s", user->name, s->name);
	at = (unsigned int)(s - m->sets);
	vsw_set_done(s);
	memmove(s, s + 1, (m->n_sets - at - 1u) * sizeof(*s));
	m->n_sets--;
	return 0;
}

/* ---- mirror sessions ---- */

int vsw_edit_mirror_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"name",   "switch",  "to_port", "to_file",
					   "filter", "snaplen", NULL};
	const char *name = vsw_edit_text(params, "name");
	json_t *doc = vsw_edit_document(params, keys), *sources = json_object_get(params, "source");
	struct vsw_mirror s = {0}, *mirrors;
	char path[192];
	int rc = 0;

	if (!doc || (sources && json_object_set(doc, "sources", sources) < 0))
		rc = no_memory(reterr);
	snprintf(path, sizeof(path), "mirror/%s", name);
	if (!rc && vsw_model_mirror(m, name))
		rc = vd_err_set(reterr, -EEXIST, VD_E_EXISTS, path,
				"choose another name, or remove it first", "mirror %s exists",
				name);
	if (!rc)
		rc = vsw_mirror_from_json(doc, NULL, &s, reterr);
	json_decref(doc);
	if (rc)
		return rc;
	mirrors = realloc(m->mirrors, (m->n_mirrors + 1u) * sizeof(*mirrors));
	if (!mirrors) {
		vsw_mirror_done(&s);
		return no_memory(reterr);
	}
	m->mirrors = mirrors;
	m->mirrors[m->n_mirrors++] = s;
	return 0;
}

static void drop_mirror(struct vsw_model *m, unsigned int i)
{
	vsw_mirror_done(&m->mirrors[i]);
	memmove(&m->mirrors[i], &m->mirrors[i + 1], (m->n_mirrors - i - 1u) * sizeof(*m->mirrors));
	m->n_mirrors--;
}

int vsw_edit_mirror_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	const char *name = vsw_edit_text(params, "name");
	struct vsw_mirror *s = vsw_model_mirror(m, name);

	if (!s) {
		vsw_edit_unknown(reterr, VD_E_MIRROR_UNKNOWN, "mirror", name,
				 m->n_mirrors ? m->mirrors[0].name : NULL, m->n_mirrors,
				 sizeof(*m->mirrors));
		return -ENOENT;
	}
	drop_mirror(m, (unsigned int)(s - m->mirrors));
	return 0;
}

/* ---- names ---- */

static bool left_with_nothing(struct vsw_mirror *s, const char *port)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < s->n_sources; i++)
		if (strcmp(s->sources[i].port, port))
			s->sources[kept++] = s->sources[i];
	s->n_sources = kept;
	return (!kept && !s->all) || !strcmp(s->to_port, port);
}

void vsw_edit_forget_port(struct vsw_model *m, const char *port)
{
	for (unsigned int i = m->n_mirrors; i-- > 0;)
		if (left_with_nothing(&m->mirrors[i], port))
			drop_mirror(m, i);
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_policy *p;

		if (strcmp(vsw_policy_of(&m->ports[i])->affinity, port))
			continue;
		p = vsw_policy_own(&m->ports[i]);
		if (!p)
			continue; /* no memory: validation refuses the name that is left */
		memset(p->affinity, 0, sizeof(p->affinity));
		m->ports[i].policy = vsw_policy_tidy(p);
	}
}

void vsw_edit_forget_switch(struct vsw_model *m, const char *sw)
{
	for (unsigned int i = m->n_mirrors; i-- > 0;)
		if (!strcmp(m->mirrors[i].sw, sw))
			drop_mirror(m, i);
}

static void rename_in(char *at, size_t size, const char *from, const char *to)
{
	if (!strcmp(at, from))
		snprintf(at, size, "%s", to);
}

void vsw_edit_follow_port(struct vsw_model *m, const char *from, const char *to)
{
	for (unsigned int i = 0; i < m->n_mirrors; i++) {
		struct vsw_mirror *s = &m->mirrors[i];

		rename_in(s->to_port, sizeof(s->to_port), from, to);
		for (unsigned int k = 0; k < s->n_sources; k++)
			rename_in(s->sources[k].port, sizeof(s->sources[k].port), from, to);
	}
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_policy *p;

		if (strcmp(vsw_policy_of(&m->ports[i])->affinity, from))
			continue;
		p = vsw_policy_own(&m->ports[i]);
		if (p)
			rename_in(p->affinity, sizeof(p->affinity), from, to);
	}
}

void vsw_edit_follow_switch(struct vsw_model *m, const char *from, const char *to)
{
	for (unsigned int i = 0; i < m->n_mirrors; i++)
		rename_in(m->mirrors[i].sw, sizeof(m->mirrors[i].sw), from, to);
}
