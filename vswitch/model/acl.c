/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access rules as a list: see acl.h. */
#include "vswitch/model/acl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"
#include "vswitch/model/terms.h"

const char *vsw_rule_label(const struct vsw_acl_rule *r, char *buf, size_t size)
{
	char what[24] = "the new rule";

	if (r->id)
		snprintf(what, sizeof(what), "rule %u", r->id);
	else if (r->name[0])
		snprintf(what, sizeof(what), "the rule");
	if (r->name[0])
		snprintf(buf, size, "%s (%s)", what, r->name);
	else
		snprintf(buf, size, "%s", what);
	return buf;
}

/* ---- comparing ---- */

static int cmp(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Which frames, at which rank. */
static int by_match(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	int c = cmp(a->direction, b->direction);

	c = c ? c : cmp(a->kind, b->kind);
	c = c ? c : cmp(a->weight, b->weight);
	c = c ? c : memcmp(&a->local, &b->local, sizeof(a->local));
	c = c ? c : memcmp(&a->remote, &b->remote, sizeof(a->remote));
	c = c ? c : cmp(a->ethertype, b->ethertype);
	c = c ? c : cmp(a->protocol, b->protocol);
	c = c ? c : memcmp(a->local_port, b->local_port, sizeof(a->local_port));
	c = c ? c : memcmp(a->remote_port, b->remote_port, sizeof(a->remote_port));
	return c ? c : cmp(a->vlan, b->vlan);
}

int vsw_rule_compare(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	int c = by_match(a, b);

	/* and what to do with them */
	c = c ? c : cmp(a->action, b->action);
	c = c ? c : cmp(a->report_only, b->report_only);
	c = c ? c : cmp(a->stateful, b->stateful);
	return c ? c : cmp(a->idle_timeout_s, b->idle_timeout_s);
}

static int by_meaning(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	int c = vsw_rule_compare(a, b);

	return c ? c : strcmp(a->name, b->name);
}

bool vsw_rule_same(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	return by_meaning(a, b) == 0;
}

bool vsw_signature_equal(const struct vsw_signature *a, const struct vsw_signature *b)
{
	return a->at == b->at && !strcmp(a->by, b->by);
}

static bool is_unsigned(const struct vsw_signature *s)
{
	return s->at == 0 && !s->by[0];
}

bool vsw_acl_equal(const struct vsw_acl *a, const struct vsw_acl *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->n != b->n)
		return false;
	for (unsigned int i = 0; i < a->n; i++) {
		const struct vsw_acl_rule *x = &a->rules[i], *y = &b->rules[i];

		if (x->id != y->id || !vsw_signature_equal(&x->set, &y->set) ||
		    !vsw_rule_same(x, y))
			return false;
	}
	return true;
}

/* Both arrays of @n elements of @size. */
static bool same_array(const void *a, unsigned int n_a, const void *b, unsigned int n_b,
		       size_t size)
{
	return n_a == n_b && (n_a == 0 || memcmp(a, b, n_a * size) == 0);
}

static bool guard_equal(const struct vsw_guard *a, const struct vsw_guard *b)
{
	return a->mac_spoofing == b->mac_spoofing && a->dhcp == b->dhcp && a->router == b->router &&
	       a->control == b->control && a->drop_priority == b->drop_priority &&
	       a->pinning == b->pinning && a->storm_broadcast_pps == b->storm_broadcast_pps &&
	       a->storm_multicast_pps == b->storm_multicast_pps &&
	       a->storm_unknown_pps == b->storm_unknown_pps &&
	       a->address_limit == b->address_limit && !strcmp(a->team, b->team);
}

bool vsw_guard_same(const struct vsw_policy *a, const struct vsw_policy *b)
{
	return guard_equal(&a->guard, &b->guard) &&
	       same_array(a->pins, a->n_pins, b->pins, b->n_pins, sizeof(*a->pins)) &&
	       same_array(a->floating, a->n_floating, b->floating, b->n_floating,
			  sizeof(*a->floating));
}

bool vsw_guard_says(const struct vsw_policy *p)
{
	static const struct vsw_policy none;

	return !vsw_guard_same(p, &none);
}

static bool qos_equal(const struct vsw_qos *a, const struct vsw_qos *b)
{
	return a->from_vm.bps == b->from_vm.bps &&
	       a->from_vm.burst_bytes == b->from_vm.burst_bytes && a->to_vm.bps == b->to_vm.bps &&
	       a->to_vm.burst_bytes == b->to_vm.burst_bytes && a->min_bps == b->min_bps &&
	       a->min_weight == b->min_weight;
}

bool vsw_policy_equal(const struct vsw_policy *a, const struct vsw_policy *b)
{
	if (a == b)
		return true;
	if (!a || !b)
		return false;
	return vsw_guard_same(a, b) && vsw_signature_equal(&a->guard.set, &b->guard.set) &&
	       qos_equal(&a->qos, &b->qos) && !strcmp(a->affinity, b->affinity) &&
	       same_array(a->tags, a->n_tags, b->tags, b->n_tags, sizeof(*a->tags)) &&
	       vsw_acl_equal(a->acl, b->acl);
}

const struct vsw_policy *vsw_policy_tidy(struct vsw_policy *p)
{
	static const struct vsw_policy none;

	if (!vsw_policy_equal(p, &none))
		return p;
	vsw_policy_unref(p);
	return NULL;
}

/* ---- sorted views ---- */

static int view_by_match(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;
	int c = by_match(a, b);

	return c ? c : cmp((uintptr_t)a, (uintptr_t)b); /* as they stand in the list */
}

static int view_by_meaning(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;
	int c = by_meaning(a, b);

	return c ? c : cmp((uintptr_t)a, (uintptr_t)b);
}

static int view_by_id(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;

	return a->id != b->id ? cmp(a->id, b->id) : cmp((uintptr_t)a, (uintptr_t)b);
}

/* Pointers to the rules in another order; to be freed. NULL on lack of memory. */
static const struct vsw_acl_rule **view(const struct vsw_acl *a,
					int (*order)(const void *, const void *))
{
	const struct vsw_acl_rule **v = calloc(a->n + 1u, sizeof(*v));

	for (unsigned int i = 0; v && i < a->n; i++)
		v[i] = &a->rules[i];
	if (v)
		qsort(v, a->n, sizeof(*v), order);
	return v;
}

/* ---- contradictions ---- */

static int contradiction(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b,
			 const char *path, struct vd_err *e)
{
	char la[112], lb[112];

	return vd_err_set(e, -EEXIST, VD_E_RULE_CONFLICT, path,
			  b->kind == VSW_ACL_EXTENDED
				  ? "remove one of them, or give the one that shall win more weight"
				  : "remove one of them",
			  "%s would %s exactly what %s would %s", vsw_rule_label(b, lb, sizeof(lb)),
			  vsw_acl_action_text[b->action], vsw_rule_label(a, la, sizeof(la)),
			  vsw_acl_action_text[a->action]);
}

/* In one run of rules with the same match, the first enforced allow and deny. */
static int check_run(const struct vsw_acl *a, const struct vsw_acl_rule **v, unsigned int n,
		     const char *path, unsigned int *ret_at, struct vd_err *e)
{
	const struct vsw_acl_rule *first[2] = {NULL, NULL}; /* allow, deny */

	for (unsigned int i = 0; i < n; i++) {
		uint8_t act = v[i]->action;

		if (act == VSW_ACL_METER || v[i]->report_only)
			continue;
		if (first[!act]) {
			*ret_at = (unsigned int)(v[i] - a->rules);
			return contradiction(first[!act], v[i], path, e);
		}
		if (!first[act])
			first[act] = v[i];
	}
	return 0;
}

static int check_matches(const struct vsw_acl *a, const char *path, unsigned int *ret_at,
			 struct vd_err *e)
{
	const struct vsw_acl_rule **v = view(a, view_by_match);
	int r = v ? 0 : vsw_no_memory(e);

	for (unsigned int i = 0, end; r == 0 && i < a->n; i = end) {
		for (end = i + 1; end < a->n && by_match(v[i], v[end]) == 0; end++)
			;
		r = check_run(a, v + i, end - i, path, ret_at, e);
	}
	free(v);
	return r;
}

static int check_ids(const struct vsw_acl *a, const char *path, unsigned int *ret_at,
		     struct vd_err *e)
{
	const struct vsw_acl_rule **v = view(a, view_by_id);
	int r = v ? 0 : vsw_no_memory(e);

	for (unsigned int i = 1; r == 0 && i < a->n; i++) {
		if (v[i]->id == 0 || v[i - 1]->id != v[i]->id)
			continue;
		*ret_at = (unsigned int)(v[i] - a->rules);
		r = vd_err_set(e, -EEXIST, VD_E_EXISTS, path,
			       "leave the id out of a copy to have one assigned",
			       "two rules have the id %u", v[i]->id);
	}
	free(v);
	return r;
}

int vsw_acl_check(const struct vsw_acl *a, const char *path, unsigned int *ret_at,
		  struct vd_err *reterr)
{
	int r = check_ids(a, path, ret_at, reterr);

	return r ? r : check_matches(a, path, ret_at, reterr);
}

/* ---- ids ---- */

bool vsw_acl_settled(const struct vsw_acl *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		if (a->rules[i].id <= (i ? a->rules[i - 1].id : 0))
			return false;
	return true;
}

static int rule_by_id(const void *a, const void *b)
{
	const struct vsw_acl_rule *x = a, *y = b;

	return cmp(x->id, y->id);
}

static uint32_t last_id(const struct vsw_acl *a)
{
	uint32_t last = 0;

	for (unsigned int i = 0; a && i < a->n; i++)
		if (a->rules[i].id > last)
			last = a->rules[i].id;
	return last;
}

/* Ids have run out at the top: the first gaps. @a is sorted, those without id at the front. */
static void fill_gaps(struct vsw_acl *a)
{
	unsigned int used = 0;
	uint32_t id = 1;

	while (used < a->n && a->rules[used].id == 0)
		used++;
	for (unsigned int i = 0; i < a->n && a->rules[i].id == 0; i++, id++) {
		for (; used < a->n && a->rules[used].id == id; used++)
			id++;
		a->rules[i].id = id;
	}
}

int vsw_acl_settle(struct vsw_acl *a, const struct vsw_acl *old)
{
	uint32_t mine = last_id(a), theirs = last_id(old);
	uint32_t last = mine > theirs ? mine : theirs;
	unsigned int n_new = 0;

	for (unsigned int i = 0; i < a->n; i++)
		n_new += a->rules[i].id == 0;
	if (last + n_new > VSW_RULE_ID_MAX) {
		qsort(a->rules, a->n, sizeof(a->rules[0]), rule_by_id);
		fill_gaps(a);
	}
	for (unsigned int i = 0; i < a->n; i++)
		if (a->rules[i].id == 0)
			a->rules[i].id = ++last;
	qsort(a->rules, a->n, sizeof(a->rules[0]), rule_by_id);
	return 0;
}

/* ---- inheriting ---- */

static int by_number(const void *pa, const void *pb)
{
	const uint32_t *a = pa, *b = pb;

	return cmp(*a, *b);
}

/* The ids that @a has, sorted; to be freed. */
static uint32_t *ids_of(const struct vsw_acl *a)
{
	uint32_t *ids = calloc(a->n + 1u, sizeof(*ids));

	for (unsigned int i = 0; ids && i < a->n; i++)
		ids[i] = a->rules[i].id;
	if (ids)
		qsort(ids, a->n, sizeof(*ids), by_number);
	return ids;
}

/* Pairs equal rules in order; what has an id of its own keeps it. */
int vsw_acl_inherit(struct vsw_acl *a, const struct vsw_acl *old)
{
	const struct vsw_acl_rule **mine = view(a, view_by_meaning);
	const struct vsw_acl_rule **theirs = view(old, view_by_meaning);
	uint32_t *ids = ids_of(a);
	int r = mine && theirs && ids ? 0 : -ENOMEM;

	for (unsigned int i = 0, k = 0; r == 0 && i < a->n && k < old->n;) {
		struct vsw_acl_rule *m = &a->rules[mine[i] - a->rules];
		const struct vsw_acl_rule *t = theirs[k];
		int c = by_meaning(m, t);

		i += c <= 0;
		k += c >= 0;
		if (c)
			continue;
		/* unless the list gives that id to another rule */
		if (m->id == 0 && !bsearch(&t->id, ids, a->n, sizeof(*ids), by_number))
			m->id = t->id;
		if (is_unsigned(&m->set))
			m->set = t->set;
	}
	free(mine);
	free(theirs);
	free(ids);
	return r;
}

/* ---- changing ---- */

struct vsw_policy *vsw_policy_own(struct vsw_port_cfg *p)
{
	struct vsw_policy *own;

	if (p->policy && p->policy->refs == 1)
		return (struct vsw_policy *)p->policy;
	own = vsw_policy_clone(p->policy);
	if (!own)
		return NULL;
	vsw_policy_unref(p->policy);
	p->policy = own;
	return own;
}

struct vsw_acl *vsw_acl_own(struct vsw_policy *p)
{
	struct vsw_acl *own;

	if (p->acl && p->acl->refs == 1)
		return p->acl;
	own = vsw_acl_new(p->acl ? p->acl->n : 0);
	if (!own)
		return NULL;
	if (p->acl)
		memcpy(own->rules, p->acl->rules, p->acl->n * sizeof(own->rules[0]));
	vsw_acl_unref(p->acl);
	p->acl = own;
	return own;
}

static bool unsigned_rule(const struct vsw_acl *a)
{
	for (unsigned int i = 0; a && i < a->n; i++)
		if (is_unsigned(&a->rules[i].set))
			return true;
	return false;
}

static bool unsigned_guard(const struct vsw_policy *p)
{
	return is_unsigned(&p->guard.set) && vsw_guard_says(p);
}

static void sign(struct vsw_signature *s, const char *who, int64_t now)
{
	if (!is_unsigned(s))
		return;
	s->at = now;
	snprintf(s->by, sizeof(s->by), "%s", who);
}

int vsw_model_sign(struct vsw_model *m, const char *who, int64_t now)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_port_cfg *port = &m->ports[i];
		struct vsw_policy *p;
		struct vsw_acl *a;

		if (!port->policy ||
		    (!unsigned_rule(port->policy->acl) && !unsigned_guard(port->policy)))
			continue;
		p = vsw_policy_own(port);
		if (!p)
			return -ENOMEM;
		if (unsigned_guard(p))
			sign(&p->guard.set, who, now);
		if (!unsigned_rule(p->acl))
			continue;
		a = vsw_acl_own(p);
		if (!a)
			return -ENOMEM;
		for (unsigned int k = 0; k < a->n; k++)
			sign(&a->rules[k].set, who, now);
	}
	return 0;
}
