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

static void tie(struct warn *w, const struct vsw_acl_rule *allow, const struct vsw_acl_rule *deny)
{
	char la[112], ld[112], text[320];

	snprintf(text, sizeof(text),
		 "%s (allow) and %s (deny) have the same weight %u and may match the same frame: "
		 "deny wins",
		 vsw_rule_label(allow, la, sizeof(la)), vsw_rule_label(deny, ld, sizeof(ld)),
		 allow->weight);
	say(w, text);
}

static int by_rank(const void *pa, const void *pb)
{
	const struct vsw_acl_rule *a = *(void *const *)pa, *b = *(void *const *)pb;
	int c = a->direction - b->direction;

	c = c ? c : (int)a->weight - (int)b->weight;
	c = c ? c : a->action - b->action; /* allow, deny */
	return c ? c : (a->id < b->id ? -1 : a->id > b->id);
}

/* Rules v[0..n) of one direction and weight, the first @n_allow of them allow. */
static void ties_of(struct warn *w, const struct vsw_acl_rule **v, unsigned int n_allow,
		    unsigned int n)
{
	char text[200];

	for (unsigned int i = 0; i < n_allow && w->left; i++) {
		for (unsigned int k = n_allow; k < n && w->left; k++) {
			if (w->pairs++ == PAIRS_MAX) {
				snprintf(text, sizeof(text),
					 "%u rules share the weight %u, allow and deny among "
					 "them: where both match, deny wins",
					 n, v[0]->weight);
				say(w, text);
				return;
			}
			if (w->pairs <= PAIRS_MAX && rules_meet(v[i], v[k]))
				tie(w, v[i], v[k]);
		}
	}
}

static void ties(struct warn *w, const struct vsw_acl_rule **v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_rank);
	for (unsigned int i = 0, end; i < n && w->left; i = end) {
		unsigned int n_allow = 0;

		for (end = i; end < n && v[end]->direction == v[i]->direction &&
			      v[end]->weight == v[i]->weight;
		     end++)
			n_allow += v[end]->action == VSW_ACL_ALLOW;
		ties_of(w, v + i, n_allow, end - i);
	}
}

/* ---- the rest ---- */

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

void vsw_acl_warn(const struct vsw_port_cfg *p, unsigned int max, json_t *out)
{
	const struct vsw_acl *a = vsw_policy_of(p)->acl;
	struct warn w = {.port = p, .out = out, .left = max};
	const struct vsw_acl_rule **v = a ? calloc(a->n + 1u, sizeof(*v)) : NULL;
	unsigned int n = 0;

	if (!v)
		return;
	for (unsigned int i = 0; i < a->n; i++)
		v[n++] = &a->rules[i];
	doubles(&w, v, n);
	n = 0;
	for (unsigned int i = 0; i < a->n; i++)
		if (a->rules[i].kind == VSW_ACL_EXTENDED && a->rules[i].action != VSW_ACL_METER &&
		    !a->rules[i].report_only)
			v[n++] = &a->rules[i];
	ties(&w, v, n);
	vlans(&w, a);
	free(v);
}
