/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes from one model to the next, for --dry-run, diff and events. Objects are compared in
 * their JSON form, so that no list of members has to be kept here. The order is one in which the
 * changes could be made: what goes first, switches before the ports that stand on them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/model_internal.h"
#include "vswitch/model/quarantine.h"
#include "vswitch/model/policy_json.h"

/* Switches and ports alike, as far as matching them is concerned. */
struct list {
	const char *kind;
	const void *items;
	unsigned int n;
	size_t size;
	size_t name_at;
	size_t uuid_at;
	json_t *(*to_json)(const void *item);
};

static json_t *switch_json(const void *s)
{
	return vsw_switch_to_json(s);
}

static json_t *port_json(const void *p)
{
	return vsw_port_to_json(p);
}

static json_t *nat_json(const void *c)
{
	return nat_conf_to_json(c);
}

static json_t *set_json(const void *s)
{
	return vsw_set_to_json(s);
}

static json_t *mirror_json(const void *s)
{
	return vsw_mirror_to_json(s);
}

#define NO_UUID SIZE_MAX

static struct list sets_of(const struct vsw_model *m)
{
	return (struct list){
		"set",   m->sets, m->n_sets, sizeof(*m->sets), offsetof(struct vsw_set, name),
		NO_UUID, set_json};
}

static struct list mirrors_of(const struct vsw_model *m)
{
	return (struct list){"mirror",
			     m->mirrors,
			     m->n_mirrors,
			     sizeof(*m->mirrors),
			     offsetof(struct vsw_mirror, name),
			     NO_UUID,
			     mirror_json};
}

static struct list switches_of(const struct vsw_model *m)
{
	return (struct list){"switch",
			     m->switches,
			     m->n_switches,
			     sizeof(*m->switches),
			     offsetof(struct vsw_switch_cfg, name),
			     offsetof(struct vsw_switch_cfg, uuid),
			     switch_json};
}

static struct list ports_of(const struct vsw_model *m)
{
	return (struct list){"port",
			     m->ports,
			     m->n_ports,
			     sizeof(*m->ports),
			     offsetof(struct vsw_port_cfg, name),
			     offsetof(struct vsw_port_cfg, uuid),
			     port_json};
}

static struct list nats_of(const struct vsw_model *m)
{
	return (struct list){"nat",
			     m->nats,
			     m->n_nats,
			     sizeof(*m->nats),
			     offsetof(struct nat_conf, name),
			     offsetof(struct nat_conf, uuid),
			     nat_json};
}

static const void *item(const struct list *l, unsigned int i)
{
	return (const char *)l->items + i * l->size;
}

static const char *name_of(const struct list *l, unsigned int i)
{
	return (const char *)item(l, i) + l->name_at;
}

static const char *uuid_of(const struct list *l, unsigned int i)
{
	return l->uuid_at == NO_UUID ? "" : (const char *)item(l, i) + l->uuid_at;
}

#define NOBODY UINT32_MAX

/* Who became whom: to[] by old place, from[] by new place. */
struct match {
	unsigned int *to;
	unsigned int *from;
};

static void pair_up(const struct list *old, const struct list *next, const struct vsw_index *olds,
		    bool by_uuid, const struct match *m)
{
	for (unsigned int i = 0; i < next->n; i++) {
		const char *key = by_uuid ? uuid_of(next, i) : name_of(next, i);
		const struct vsw_index_item *it = key[0] ? vsw_index_find(olds, key) : NULL;

		if (!it || m->from[i] != NOBODY || m->to[it->at] != NOBODY)
			continue;
		/* the same name with two UUIDs is two objects */
		if (!by_uuid && uuid_of(next, i)[0] && uuid_of(old, it->at)[0])
			continue;
		m->from[i] = it->at;
		m->to[it->at] = i;
	}
}

static int match_lists(const struct list *old, const struct list *next, struct match *m)
{
	for (int by_uuid = 1; by_uuid >= 0; by_uuid--) {
		struct vsw_index x;

		if (vsw_index_init(&x, old->n) < 0)
			return -ENOMEM;
		for (unsigned int i = 0; i < old->n; i++)
			vsw_index_add(&x, by_uuid ? uuid_of(old, i) : name_of(old, i), i);
		vsw_index_sort(&x);
		pair_up(old, next, &x, by_uuid, m);
		vsw_index_done(&x);
	}
	return 0;
}

static int match_init(struct match *m, unsigned int n_old, unsigned int n_next)
{
	m->to = malloc((n_old + 1) * sizeof(*m->to));
	m->from = malloc((n_next + 1) * sizeof(*m->from));
	if (!m->to || !m->from)
		return -ENOMEM;
	memset(m->to, 0xff, (n_old + 1) * sizeof(*m->to));
	memset(m->from, 0xff, (n_next + 1) * sizeof(*m->from));
	return 0;
}

static void match_done(struct match *m)
{
	free(m->to);
	free(m->from);
}

/* Append {op, object, from?, to?}; steals @from and @to. */
static int push(json_t *out, const char *op, const char *kind, const char *name, json_t *from,
		json_t *to)
{
	json_t *j = json_object();
	int r = j ? 0 : -1;

	r |= json_object_set_new(j, "op", json_string(op));
	r |= json_object_set_new(j, "object", json_sprintf("%s/%s", kind, name));
	if (from)
		r |= json_object_set_new(j, "from", from);
	if (to)
		r |= json_object_set_new(j, "to", to);
	r |= json_array_append_new(out, j);
	return r ? -ENOMEM : 0;
}

/* Copy into @ret the members of @a that @b has not, or has with another value. */
static int differing(json_t *a, json_t *b, json_t *ret)
{
	const char *key;
	json_t *v;

	json_object_foreach (a, key, v)
		if (!json_equal(v, json_object_get(b, key)) && json_object_set(ret, key, v) < 0)
			return -ENOMEM;
	return 0;
}

static int push_change(json_t *out, const struct list *old, unsigned int at, json_t *a, json_t *b)
{
	json_t *from = json_object(), *to = json_object();

	if (!from || !to || differing(a, b, from) < 0 || differing(b, a, to) < 0) {
		json_decref(from);
		json_decref(to);
		return -ENOMEM;
	}
	return push(out, "change", old->kind, name_of(old, at), from, to);
}

static int compare(json_t *out, const struct list *old, unsigned int at, const struct list *next,
		   unsigned int next_at)
{
	json_t *a = old->to_json(item(old, at)), *b = next->to_json(item(next, next_at));
	int r = a && b ? 0 : -ENOMEM;

	if (r == 0 && !json_equal(a, b))
		r = push_change(out, old, at, a, b);
	json_decref(a);
	json_decref(b);
	return r;
}

static int removed(json_t *out, const struct list *old, const struct match *m)
{
	int r = 0;

	for (unsigned int i = 0; i < old->n && r == 0; i++)
		if (m->to[i] == NOBODY) {
			json_t *j = old->to_json(item(old, i));

			r = j ? push(out, "remove", old->kind, name_of(old, i), j, NULL) : -ENOMEM;
		}
	return r;
}

static int added_or_changed(json_t *out, const struct list *old, const struct list *next,
			    const struct match *m)
{
	int r = 0;

	for (unsigned int i = 0; i < next->n && r == 0; i++) {
		if (m->from[i] == NOBODY) {
			json_t *j = next->to_json(item(next, i));

			r = j ? push(out, "add", next->kind, name_of(next, i), NULL, j) : -ENOMEM;
		} else {
			r = compare(out, old, m->from[i], next, i);
		}
	}
	return r;
}

/* ---- the rules of ports, which may be many ---- */

/* Beyond this a port's rules are summed up: who replaces thousands does not read them one by one. */
#define RULES_TOLD 200

struct rules_diff {
	json_t *out;
	const char *port;
	unsigned int n_added, n_removed, n_changed;
	bool tell; /* else only count */
};

static int push_rule(const struct rules_diff *d, const char *op, uint32_t id, json_t *from,
		     json_t *to)
{
	char name[VSW_PORT_NAME_SIZE + 24];

	snprintf(name, sizeof(name), "%s/acl/%u", d->port, id);
	return push(d->out, op, "port", name, from, to);
}

static int rule_changed(struct rules_diff *d, const struct vsw_acl_rule *a,
			const struct vsw_acl_rule *b)
{
	json_t *ja, *jb, *from = NULL, *to = NULL;
	int r;

	if (vsw_rule_same(a, b) && vsw_signature_equal(&a->set, &b->set))
		return 0;
	d->n_changed++;
	if (!d->tell)
		return 0;
	ja = vsw_rule_to_json(a);
	jb = vsw_rule_to_json(b);
	from = json_object();
	to = json_object();
	r = ja && jb && from && to ? differing(ja, jb, from) : -ENOMEM;
	if (r == 0)
		r = differing(jb, ja, to);
	json_decref(ja);
	json_decref(jb);
	if (r == 0)
		return push_rule(d, "change", a->id, from, to);
	json_decref(from);
	json_decref(to);
	return r;
}

/* Both lists are sorted by id. */
static int walk_rules(struct rules_diff *d, const struct vsw_acl *a, const struct vsw_acl *b)
{
	unsigned int n_a = a ? a->n : 0, n_b = b ? b->n : 0, i = 0, k = 0;
	int r = 0;

	d->n_added = d->n_removed = d->n_changed = 0;
	while (r == 0 && (i < n_a || k < n_b)) {
		const struct vsw_acl_rule *x = i < n_a ? &a->rules[i] : NULL;
		const struct vsw_acl_rule *y = k < n_b ? &b->rules[k] : NULL;

		if (y && (!x || y->id < x->id)) {
			d->n_added++;
			k++;
			if (d->tell)
				r = push_rule(d, "add", y->id, NULL, vsw_rule_to_json(y));
		} else if (!y || x->id < y->id) {
			d->n_removed++;
			i++;
			if (d->tell)
				r = push_rule(d, "remove", x->id, vsw_rule_to_json(x), NULL);
		} else {
			r = rule_changed(d, x, y);
			i++;
			k++;
		}
	}
	return r;
}

static int sum_up(struct rules_diff *d, unsigned int n_old, unsigned int n_next)
{
	char name[VSW_PORT_NAME_SIZE + 8];

	snprintf(name, sizeof(name), "%s/acl", d->port);
	return push(d->out, "change", "port", name, json_pack("{s:i}", "rules", (int)n_old),
		    json_pack("{s:i, s:i, s:i, s:i}", "rules", (int)n_next, "added",
			      (int)d->n_added, "removed", (int)d->n_removed, "changed",
			      (int)d->n_changed));
}

static int compare_rules(json_t *out, const char *port, const struct vsw_acl *a,
			 const struct vsw_acl *b)
{
	struct rules_diff d = {.out = out, .port = port};
	int r;

	if (a == b)
		return 0;
	r = walk_rules(&d, a, b);
	if (r < 0 || d.n_added + d.n_removed + d.n_changed == 0)
		return r;
	if (d.n_added + d.n_removed + d.n_changed > RULES_TOLD)
		return sum_up(&d, a ? a->n : 0, b ? b->n : 0);
	d.tell = true;
	return walk_rules(&d, a, b);
}

static int rules_differ(json_t *out, const struct vsw_model *old, const struct vsw_model *next,
			const struct match *m)
{
	int r = 0;

	for (unsigned int i = 0; i < next->n_ports && r == 0; i++) {
		bool isnew = m->from[i] == NOBODY;
		const struct vsw_port_cfg *o = isnew ? NULL : &old->ports[m->from[i]];

		r = compare_rules(out, o ? o->name : next->ports[i].name,
				  o ? vsw_policy_of(o)->acl : NULL,
				  vsw_policy_of(&next->ports[i])->acl);
	}
	return r;
}

static int quarantine_differs(json_t *out, const struct vsw_quarantine *a,
			      const struct vsw_quarantine *b)
{
	json_t *from = NULL, *to = NULL;
	int r = -ENOMEM;

	if (a == b || (a && b && json_equal(a->document, b->document)))
		return 0;
	if (!a || !b)
		return push(out, a ? "remove" : "add", "quarantine", "policy",
			    a ? json_incref(a->document) : NULL,
			    b ? json_incref(b->document) : NULL);
	from = json_object();
	to = json_object();
	if (from && to && differing(a->document, b->document, from) == 0 &&
	    differing(b->document, a->document, to) == 0)
		return push(out, "change", "quarantine", "policy", from, to);
	json_decref(from);
	json_decref(to);
	return r;
}

json_t *vsw_model_diff(const struct vsw_model *old, const struct vsw_model *next)
{
	/* sets before the ports whose rules name them, sessions after the ports they copy */
	const struct list lo[] = {sets_of(old), switches_of(old), ports_of(old), nats_of(old),
				  mirrors_of(old)};
	const struct list ln[] = {sets_of(next), switches_of(next), ports_of(next), nats_of(next),
				  mirrors_of(next)};
	enum { PORTS = 2, KINDS = 5 };
	struct match m[KINDS] = {0};
	json_t *out = json_array();
	bool ok = out;

	for (int k = 0; ok && k < KINDS; k++)
		ok = match_init(&m[k], lo[k].n, ln[k].n) == 0 &&
		     match_lists(&lo[k], &ln[k], &m[k]) == 0;
	for (int k = KINDS - 1; ok && k >= 0; k--)
		ok = removed(out, &lo[k], &m[k]) == 0;
	for (int k = 0; ok && k < KINDS; k++) {
		ok = added_or_changed(out, &lo[k], &ln[k], &m[k]) == 0;
		if (ok && k == PORTS)
			ok = rules_differ(out, old, next, &m[k]) == 0;
	}
	ok = ok && quarantine_differs(out, old->quarantine, next->quarantine) == 0;
	for (int k = 0; k < KINDS; k++)
		match_done(&m[k]);
	if (!ok) {
		json_decref(out);
		return NULL;
	}
	return out;
}
