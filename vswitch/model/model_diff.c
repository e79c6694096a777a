/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What changes from one model to the next, for --dry-run, diff and events. Objects are compared in
 * their JSON form, so that no list of members has to be kept here. The order is one in which the
 * changes could be made: what goes first, switches before the ports that stand on them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"

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
	return (const char *)item(l, i) + l->uuid_at;
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

json_t *vsw_model_diff(const struct vsw_model *old, const struct vsw_model *next)
{
	struct list so = switches_of(old), sn = switches_of(next);
	struct list po = ports_of(old), pn = ports_of(next);
	struct list no = nats_of(old), nn = nats_of(next);
	struct match ms = {0}, mp = {0}, mn = {0};
	json_t *out = json_array();
	bool ok = out && match_init(&ms, so.n, sn.n) == 0 && match_init(&mp, po.n, pn.n) == 0 &&
		  match_init(&mn, no.n, nn.n) == 0 && match_lists(&no, &nn, &mn) == 0 &&
		  match_lists(&so, &sn, &ms) == 0 && match_lists(&po, &pn, &mp) == 0 &&
		  removed(out, &no, &mn) == 0 && removed(out, &po, &mp) == 0 &&
		  removed(out, &so, &ms) == 0 && added_or_changed(out, &so, &sn, &ms) == 0 &&
		  added_or_changed(out, &po, &pn, &mp) == 0 &&
		  added_or_changed(out, &no, &nn, &mn) == 0;

	match_done(&ms);
	match_done(&mp);
	match_done(&mn);
	if (!ok) {
		json_decref(out);
		return NULL;
	}
	return out;
}
