/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is allowed but probably not meant: see vsw_acl_warn(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/model_internal.h"

/* Pairs looked at for one port: what is beyond is told once, in general words. */
#define PAIRS_MAX 500000u

struct warn {
	const struct vsw_model *model;
	const struct vsw_port_cfg *port;
	json_t *out;
	unsigned int left;  /* warnings that may still be said */
	unsigned int pairs; /* looked at */
};

static void say(struct warn *w, const char *text)
{
	if (w->left == 0)
		return;
	w->left--;
	json_array_append_new(w->out, json_sprintf("port %s: %s", w->port->name, text));
}

/* ---- can one frame match both? ---- */

static bool addrs_meet(const struct vsw_addr *a, const struct vsw_addr *b)
{
	if (a->kind == VSW_ADDR_MAC && b->kind == VSW_ADDR_MAC)
		return memcmp(&a->mac, &b->mac, sizeof(a->mac)) == 0;
	if (a->kind != VSW_ADDR_PREFIX || b->kind != VSW_ADDR_PREFIX)
		return true; /* any; another layer; sets and tags may change */
	return vd_prefix_covers(&a->prefix, &b->prefix) || vd_prefix_covers(&b->prefix, &a->prefix);
}

static bool ranges_meet(const uint16_t a[2], const uint16_t b[2])
{
	return a[0] <= b[1] && b[0] <= a[1];
}

static bool numbers_meet(uint16_t a, uint16_t b, uint16_t any)
{
	return a == b || a == any || b == any;
}

static bool rules_meet(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	return numbers_meet(a->protocol, b->protocol, VSW_PROTOCOL_ANY) &&
	       numbers_meet(a->ethertype, b->ethertype, 0) && numbers_meet(a->vlan, b->vlan, 0) &&
	       addrs_meet(&a->local, &b->local) && addrs_meet(&a->remote, &b->remote) &&
	       ranges_meet(a->local_port, b->local_port) &&
	       ranges_meet(a->remote_port, b->remote_port);
}

/* ---- ties ---- */

/* "the same weight 10": what two rules share so that neither comes first. */
static const char *same_rank(const struct vsw_acl_rule *r, char *buf, size_t size)
{
	if (r->kind == VSW_ACL_EXTENDED)
		snprintf(buf, size, "the same weight %u", r->weight);
	else
		snprintf(buf, size, "prefixes of the same length");
	return buf;
}

static void tie(struct warn *w, const struct vsw_acl_rule *allow, const struct vsw_acl_rule *deny)
{
	char la[112], ld[112], rank[48], text[360];

	snprintf(text, sizeof(text),
		 "%s (allow) and %s (deny) have %s and may match the same frame: deny wins",
		 vsw_rule_label(allow, la, sizeof(la)), vsw_rule_label(deny, ld, sizeof(ld)),
		 same_rank(allow, rank, sizeof(rank)));
	say(w, text);
}

static int by_rank(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;
	int c = a->direction - b->direction;

	c = c ? c : (int)vsw_rule_rank(a) - (int)vsw_rule_rank(b);
	c = c ? c : a->action - b->action; /* allow, deny */
	return c ? c : (a->id < b->id ? -1 : a->id > b->id);
}

/* Rules v[0..n) of one direction and weight, the first @n_allow of them allow. */
static void ties_of(struct warn *w, const struct vsw_acl_rule **v, unsigned int n_allow,
		    unsigned int n)
{
	char rank[48], text[240];

	for (unsigned int i = 0; i < n_allow && w->left; i++) {
		for (unsigned int k = n_allow; k < n && w->left; k++) {
			if (w->pairs++ == PAIRS_MAX) {
				snprintf(text, sizeof(text),
					 "%u rules have %s, allow and deny among them: where both "
					 "match, deny wins",
					 n, same_rank(v[0], rank, sizeof(rank)));
				say(w, text);
				return;
			}
			if (w->pairs <= PAIRS_MAX && rules_meet(v[i], v[k]))
				tie(w, v[i], v[k]);
		}
	}
}

/* Sorted by rank. */
static void ties(struct warn *w, const struct vsw_acl_rule **v, unsigned int n)
{
	for (unsigned int i = 0, end; i < n && w->left; i = end) {
		unsigned int n_allow = 0;

		for (end = i; end < n && v[end]->direction == v[i]->direction &&
			      vsw_rule_rank(v[end]) == vsw_rule_rank(v[i]);
		     end++)
			n_allow += v[end]->action == VSW_ACL_ALLOW;
		ties_of(w, v + i, n_allow, end - i);
	}
}

/* ---- rules that never decide ---- */

static bool addr_covers(const struct vsw_addr *a, const struct vsw_addr *b)
{
	/* a rule for any address concerns IP, one for a MAC (or a name that may stand for some) more */
	if (a->kind == VSW_ADDR_ANY)
		return b->kind == VSW_ADDR_ANY || b->kind == VSW_ADDR_PREFIX;
	if (a->kind != VSW_ADDR_PREFIX || b->kind != VSW_ADDR_PREFIX)
		return memcmp(a, b, sizeof(*a)) == 0;
	return vd_prefix_covers(&a->prefix, &b->prefix);
}

static bool range_covers(const uint16_t a[2], const uint16_t b[2])
{
	return a[0] <= b[0] && b[1] <= a[1];
}

static bool number_covers(uint16_t a, uint16_t b, uint16_t any)
{
	return a == b || a == any;
}

/* Does @a match every frame that @b matches? */
static bool rule_covers(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	return number_covers(a->protocol, b->protocol, VSW_PROTOCOL_ANY) &&
	       number_covers(a->ethertype, b->ethertype, 0) && number_covers(a->vlan, b->vlan, 0) &&
	       addr_covers(&a->local, &b->local) && addr_covers(&a->remote, &b->remote) &&
	       range_covers(a->local_port, b->local_port) &&
	       range_covers(a->remote_port, b->remote_port);
}

/* Extended rules v[0..n), sorted by rank: who is behind a rule of greater weight that says the opposite? */
static void contradicted(struct warn *w, const struct vsw_acl_rule **v, unsigned int n)
{
	char la[112], lb[112], text[360];

	for (unsigned int i = 0; i < n && w->left; i++) {
		for (unsigned int k = n; k-- > i + 1 && w->pairs < PAIRS_MAX;) {
			if (v[k]->direction != v[i]->direction)
				continue;
			if (v[k]->weight == v[i]->weight)
				break;
			w->pairs++;
			if (v[k]->action == v[i]->action || !rule_covers(v[k], v[i]))
				continue;
			snprintf(text, sizeof(text),
				 "%s never decides: %s comes first, matches all the same frames "
				 "and says the opposite",
				 vsw_rule_label(v[i], la, sizeof(la)),
				 vsw_rule_label(v[k], lb, sizeof(lb)));
			say(w, text);
			break;
		}
	}
}

/* ---- the rest ---- */

static void tags(struct warn *w, const struct vsw_acl_rule *r, const struct vsw_addr *a)
{
	char label[112], text[300];
	struct vsw_member *members;
	unsigned int n;

	if (a->kind != VSW_ADDR_TAG || vsw_addr_resolve(w->model, a, &members, &n))
		return;
	free(members);
	if (n)
		return;
	snprintf(text, sizeof(text),
		 "%s is for tag:%s, and no port with an address has that tag: it matches nothing",
		 vsw_rule_label(r, label, sizeof(label)), a->name);
	say(w, text);
}

static void empty_tags(struct warn *w, const struct vsw_acl *a)
{
	for (unsigned int i = 0; i < a->n && w->left; i++) {
		tags(w, &a->rules[i], &a->rules[i].local);
		tags(w, &a->rules[i], &a->rules[i].remote);
	}
}

/* Does the port ever carry this VLAN? */
static bool carries(const struct vsw_vlan *v, uint16_t vid)
{
	switch (v->mode) {
	case VSW_VLAN_NONE:
		return false;
	case VSW_VLAN_ACCESS:
		return v->vid == vid;
	case VSW_VLAN_ISOLATED:
	case VSW_VLAN_COMMUNITY:
		return v->vid == vid || v->secondary == vid;
	default:
		return v->vid == vid || vsw_vlan_has(v, vid);
	}
}

static void vlans(struct warn *w, const struct vsw_acl *a)
{
	char label[112], text[240];

	for (unsigned int i = 0; i < a->n && w->left; i++) {
		const struct vsw_acl_rule *r = &a->rules[i];

		if (r->vlan == 0 || carries(&w->port->vlan, r->vlan))
			continue;
		snprintf(text, sizeof(text), "%s is for VLAN %u, which this port never carries",
			 vsw_rule_label(r, label, sizeof(label)), r->vlan);
		say(w, text);
	}
}

static int by_meaning(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;
	int c = vsw_rule_compare(a, b);

	return c ? c : (a->id < b->id ? -1 : a->id > b->id);
}

static void doubles(struct warn *w, const struct vsw_acl_rule **v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_meaning);
	for (unsigned int i = 1; i < n && w->left; i++) {
		char la[112], lb[112], text[280];

		if (vsw_rule_compare(v[i - 1], v[i]))
			continue;
		snprintf(text, sizeof(text), "%s says the same as %s",
			 vsw_rule_label(v[i], lb, sizeof(lb)),
			 vsw_rule_label(v[i - 1], la, sizeof(la)));
		say(w, text);
	}
}

/* The rules of @a that decide, of one kind, sorted by rank. */
static unsigned int deciding(const struct vsw_acl *a, enum vsw_acl_kind kind,
			     const struct vsw_acl_rule **v)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->n; i++)
		if (a->rules[i].kind == kind && a->rules[i].action != VSW_ACL_METER &&
		    !a->rules[i].report_only)
			v[n++] = &a->rules[i];
	qsort(v, n, sizeof(*v), by_rank);
	return n;
}

void vsw_acl_warn(const struct vsw_model *m, const struct vsw_port_cfg *p, unsigned int max,
		  json_t *out)
{
	const struct vsw_acl *a = vsw_policy_of(p)->acl;
	struct warn w = {.model = m, .port = p, .out = out, .left = max};
	const struct vsw_acl_rule **v = a ? calloc(a->n + 1u, sizeof(*v)) : NULL;
	unsigned int n;

	if (!v)
		return;
	for (unsigned int i = 0; i < a->n; i++)
		v[i] = &a->rules[i];
	doubles(&w, v, a->n);
	ties(&w, v, deciding(a, VSW_ACL_BASIC, v));
	n = deciding(a, VSW_ACL_EXTENDED, v);
	ties(&w, v, n);
	contradicted(&w, v, n);
	empty_tags(&w, a);
	vlans(&w, a);
	free(v);
}
