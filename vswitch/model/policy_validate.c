/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies against the objects they name and the switches they are on. No pass compares all pairs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"
#include "vswitch/model/terms.h"

static const struct vsw_switch_cfg *switch_of(const struct vsw_val *v, unsigned int port)
{
	return &v->m->switches[v->sw_of[port]];
}

/* Refuse member @key of port @i. @part: the member it is inside of, or NULL. */
static int refuse(const struct vsw_val *v, unsigned int i, const char *part, const char *key,
		  const char *hint, const char *what)
{
	const struct vsw_port_cfg *p = &v->m->ports[i];
	json_t *j = json_array_get(json_object_get(v->root, "ports"), i);
	char path[VSW_PATH_SIZE], member[64];
	int r;

	snprintf(member, sizeof(member), "%s%s%s", part ? part : "", part ? "/" : "", key);
	r = vd_err_set(v->e, -EINVAL, VD_E_POLICY,
		       vsw_path(path, sizeof(path), "port", p->name, member), hint, "%s", what);
	vd_doc_locate(v->doc, part ? json_object_get(j, part) : j, key, (size_t)-1, v->e);
	return r;
}

/* ---- one port ---- */

static bool is_guarded(const struct vsw_policy *p)
{
	const struct vsw_guard *g = &p->guard;

	return g->mac_spoofing || g->dhcp || g->router || g->control || g->drop_priority ||
	       g->pinning || g->storm_broadcast_pps || g->storm_multicast_pps ||
	       g->storm_unknown_pps || g->address_limit || g->team[0] || p->n_pins || p->n_floating;
}

static int check_uplink(const struct vsw_val *v, unsigned int i)
{
	static const char hint[] = "set it on the VMs' ports";
	const struct vsw_policy *p = vsw_policy_of(&v->m->ports[i]);

	if (is_guarded(p))
		return refuse(v, i, NULL, "guard", hint,
			      "an uplink has no guards: nobody owns what is behind it");
	/* max_to_vm says how fast the network behind it is: minimums are shares of that */
	if (p->qos.from_vm.bps || p->qos.min_bps || p->qos.min_weight)
		return refuse(v, i, NULL, "qos", hint,
			      "an uplink has no bandwidth settings but the speed of its network");
	if (p->acl)
		return refuse(v, i, NULL, "acl", hint,
			      "an uplink has no access rules: it has no local side");
	if (p->affinity[0])
		return refuse(v, i, NULL, "affinity", hint, "an uplink has no uplink of its own");
	return 0;
}

static int check_burst(const struct vsw_val *v, unsigned int i, const char *key,
		       const struct vsw_rate *r)
{
	const struct vsw_switch_cfg *s = switch_of(v, i);
	char what[160], hint[64];

	if (r->burst_bytes == 0 || r->burst_bytes >= s->mtu + 18u)
		return 0;
	snprintf(what, sizeof(what),
		 "a frame of the switch's MTU %u would never fit into the burst", s->mtu);
	snprintf(hint, sizeof(hint), "use %u bytes or more, or 0", s->mtu + 18u);
	return refuse(v, i, "qos", key, hint, what);
}

static int check_bandwidth(const struct vsw_val *v, unsigned int i)
{
	const struct vsw_qos *q = &vsw_policy_of(&v->m->ports[i])->qos;
	const struct vsw_switch_cfg *s = switch_of(v, i);
	char what[200], hint[160];
	int r;

	if ((q->min_bps && s->qos.min_mode != VSW_MIN_ABSOLUTE) ||
	    (q->min_weight && s->qos.min_mode != VSW_MIN_WEIGHT)) {
		const char *want =
			vsw_min_mode_text[q->min_bps ? VSW_MIN_ABSOLUTE : VSW_MIN_WEIGHT];

		snprintf(what, sizeof(what), "switch \"%s\" has minimum mode %s", s->name,
			 vsw_min_mode_text[s->qos.min_mode]);
		snprintf(hint, sizeof(hint), "viridian switch set %s --min-mode %s", s->name, want);
		return refuse(v, i, "qos", q->min_bps ? "min" : "weight", hint, what);
	}
	r = check_burst(v, i, "burst_from_vm", &q->from_vm);
	return r ? r : check_burst(v, i, "burst_to_vm", &q->to_vm);
}

static int check_affinity(const struct vsw_val *v, unsigned int i)
{
	const char *name = vsw_policy_of(&v->m->ports[i])->affinity;
	const struct vsw_index_item *it = name[0] ? vsw_index_find(&v->ports, name) : NULL;
	char what[VSW_PORT_NAME_SIZE + 80];

	if (!name[0] ||
	    (it && v->m->ports[it->at].role == VSW_ROLE_UPLINK && v->sw_of[it->at] == v->sw_of[i]))
		return 0;
	snprintf(what, sizeof(what), "\"%s\" is not an uplink of switch \"%s\"", name,
		 v->m->ports[i].sw);
	return refuse(v, i, NULL, "affinity",
		      "name an uplink port, for example lan:uplink, or none", what);
}

/* ---- rules ---- */

/* Where rule @r of port @i stands: ids and order may have changed since, but not what it says. */
static void locate_set(const struct vsw_val *v, unsigned int i, const char *name)
{
	json_t *list = json_object_get(json_array_get(json_object_get(v->root, "ports"), i), "acl");
	static const char *const keys[] = {"local", "remote"};
	size_t at;
	json_t *j;

	json_array_foreach (list, at, j) {
		for (int k = 0; k < 2; k++) {
			const char *s = json_string_value(json_object_get(j, keys[k]));

			if (s && !strncmp(s, "set:", 4) && !strcmp(s + 4, name))
				vd_doc_locate(v->doc, j, keys[k], (size_t)-1, v->e);
		}
	}
}

static int unknown_set(const struct vsw_val *v, unsigned int i, const char *name)
{
	const char **names = calloc(v->m->n_sets + 1u, sizeof(*names));
	char path[VSW_PATH_SIZE], hint[160];
	const char *near;
	int r;

	for (unsigned int k = 0; names && k < v->m->n_sets; k++)
		names[k] = v->m->sets[k].name;
	near = names ? vd_suggest(name, names, v->m->n_sets) : NULL;
	if (near)
		snprintf(hint, sizeof(hint), "did you mean set:%s?", near);
	else
		snprintf(hint, sizeof(hint), "make it first: viridian set add %s ADDRESS...", name);
	free(names);
	r = vd_err_set(v->e, -ENOENT, VD_E_SET_UNKNOWN,
		       vsw_path(path, sizeof(path), "port", v->m->ports[i].name, "acl"), hint,
		       "a rule names the address set \"%s\", which does not exist", name);
	locate_set(v, i, name);
	return r;
}

static int check_sets_of(const struct vsw_val *v, const struct vsw_index *sets, unsigned int i)
{
	const struct vsw_acl *a = vsw_policy_of(&v->m->ports[i])->acl;

	for (unsigned int k = 0; a && k < a->n; k++) {
		const struct vsw_addr *sides[2] = {&a->rules[k].local, &a->rules[k].remote};

		for (int side = 0; side < 2; side++)
			if (sides[side]->kind == VSW_ADDR_SET &&
			    !vsw_index_find(sets, sides[side]->name))
				return unknown_set(v, i, sides[side]->name);
	}
	return 0;
}

static int check_ports(const struct vsw_val *v, const struct vsw_index *sets)
{
	uint64_t n_rules = 0;

	for (unsigned int i = 0; i < v->m->n_ports; i++) {
		const struct vsw_port_cfg *p = &v->m->ports[i];
		int r = 0;

		if (!p->policy)
			continue;
		if (p->role == VSW_ROLE_UPLINK)
			r = check_uplink(v, i);
		if (r == 0)
			r = check_bandwidth(v, i);
		if (r == 0)
			r = check_affinity(v, i);
		if (r == 0)
			r = check_sets_of(v, sets, i);
		if (r < 0)
			return r;
		n_rules += p->policy->acl ? p->policy->acl->n : 0;
	}
	if (n_rules > VSW_RULES_TOTAL_MAX)
		return vd_err_set(v->e, -ENOSPC, VD_E_LIMIT, NULL,
				  "address sets (set:NAME) say much in one rule",
				  "all ports together have more than %u access rules",
				  VSW_RULES_TOTAL_MAX);
	return 0;
}

/* ---- address sets, mirror sessions ---- */

static int name_twice(const struct vsw_val *v, const char *list, const char *kind, unsigned int i,
		      const char *name)
{
	char path[VSW_PATH_SIZE];

	return vsw_val_at(v, list, i, "name",
			  vd_err_set(v->e, -EEXIST, VD_E_EXISTS,
				     vsw_path(path, sizeof(path), kind, name, NULL),
				     "give each one a name of its own",
				     "two objects are called \"%s\"", name));
}

/* Fill @x with the names of the sets; refuse one that stands twice, and too many members. */
static int index_sets(const struct vsw_val *v, struct vsw_index *x)
{
	uint64_t n = 0;

	if (v->m->n_sets > VSW_SETS_MAX)
		return vd_err_set(v->e, -ENOSPC, VD_E_LIMIT, NULL, NULL,
				  "%u address sets are too many (allowed: %u)", v->m->n_sets,
				  VSW_SETS_MAX);
	if (vsw_index_init(x, v->m->n_sets) < 0)
		return vsw_no_memory(v->e);
	for (unsigned int i = 0; i < v->m->n_sets; i++) {
		vsw_index_add(x, v->m->sets[i].name, i);
		n += v->m->sets[i].n_members;
	}
	vsw_index_sort(x);
	for (unsigned int i = 1; i < x->n; i++)
		if (!strcmp(x->items[i - 1].key, x->items[i].key))
			return name_twice(v, "sets", "set", x->items[i].at, x->items[i].key);
	if (n > VSW_MEMBERS_TOTAL_MAX)
		return vd_err_set(v->e, -ENOSPC, VD_E_LIMIT, NULL,
				  "prefixes say many addresses in one member",
				  "all address sets together have more than %u members",
				  VSW_MEMBERS_TOTAL_MAX);
	return 0;
}

static int bad_mirror(const struct vsw_val *v, unsigned int i, const char *key, int r,
		      enum vd_code code, const char *hint, const char *what, const char *who)
{
	char path[VSW_PATH_SIZE];

	return vsw_val_at(
		v, "mirrors", i, key,
		vd_err_set(v->e, r, code,
			   vsw_path(path, sizeof(path), "mirror", v->m->mirrors[i].name, key), hint,
			   "%s \"%s\"", what, who));
}

/* A port that session @i names must exist on its switch. */
static int check_mirror_port(const struct vsw_val *v, unsigned int i, const char *key,
			     const char *name)
{
	const struct vsw_index_item *it = vsw_index_find(&v->ports, name);

	if (!it)
		return bad_mirror(v, i, key, -ENOENT, VD_E_PORT_UNKNOWN,
				  "name a port of the session's switch", "there is no port", name);
	if (strcmp(v->m->ports[it->at].sw, v->m->mirrors[i].sw))
		return bad_mirror(v, i, key, -EINVAL, VD_E_POLICY,
				  "a session stays on one switch; --to-file has no such limit",
				  "another switch has port", name);
	return 0;
}

static int check_mirror(const struct vsw_val *v, unsigned int i)
{
	const struct vsw_mirror *m = &v->m->mirrors[i];
	int r = 0;

	if (!vsw_index_find(&v->switches, m->sw))
		return bad_mirror(v, i, "switch", -ENOENT, VD_E_SWITCH_UNKNOWN,
				  "name a switch that exists", "there is no switch", m->sw);
	for (unsigned int k = 0; r == 0 && k < m->n_sources; k++) {
		r = check_mirror_port(v, i, "sources", m->sources[k].port);
		if (r == 0 && !strcmp(m->sources[k].port, m->to_port))
			r = bad_mirror(v, i, "to_port", -EINVAL, VD_E_POLICY,
				       "copy to a port that is no source",
				       "the session would copy to its own source", m->to_port);
		for (unsigned int h = 0; r == 0 && h < k; h++)
			if (!strcmp(m->sources[k].port, m->sources[h].port))
				r = bad_mirror(v, i, "sources", -EEXIST, VD_E_POLICY,
					       "name it once; without a direction it is both",
					       "two sources are port", m->sources[k].port);
	}
	return r || !m->to_port[0] ? r : check_mirror_port(v, i, "to_port", m->to_port);
}

static int check_mirrors(const struct vsw_val *v)
{
	const struct vsw_model *m = v->m;
	int r = 0;

	if (m->n_mirrors > VSW_MIRRORS_MAX)
		return vd_err_set(v->e, -ENOSPC, VD_E_LIMIT, NULL, NULL,
				  "%u mirror sessions are too many (allowed: %u)", m->n_mirrors,
				  VSW_MIRRORS_MAX);
	for (unsigned int i = 0; r == 0 && i < m->n_mirrors; i++) {
		for (unsigned int k = 0; r == 0 && k < i; k++) {
			if (!strcmp(m->mirrors[i].name, m->mirrors[k].name))
				r = name_twice(v, "mirrors", "mirror", i, m->mirrors[i].name);
			else if (m->mirrors[i].to_file[0] &&
				 !strcmp(m->mirrors[i].to_file, m->mirrors[k].to_file))
				r = bad_mirror(v, i, "to_file", -EEXIST, VD_E_POLICY,
					       "choose another file",
					       "the same file is written by session",
					       m->mirrors[k].name);
		}
		if (r == 0)
			r = check_mirror(v, i);
	}
	return r;
}

int vsw_validate_policies(const struct vsw_val *v)
{
	struct vsw_index sets = {0};
	int r = index_sets(v, &sets);

	if (r == 0)
		r = check_ports(v, &sets);
	if (r == 0)
		r = check_mirrors(v);
	vsw_index_done(&sets);
	return r;
}
