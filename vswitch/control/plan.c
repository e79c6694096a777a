/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From two models to what must be done: see plan.h. */
#include "vswitch/control/plan.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/acl.h"

/* Look-up of objects by a text member, for models of thousands of ports. */
struct index {
	const void **sorted;
	const char *base;
	size_t size, offset;
	unsigned int n;
};

static const char *text_at(const struct index *ix, const void *object)
{
	return (const char *)object + ix->offset;
}

static int by_text(const void *a, const void *b, void *ctx)
{
	const struct index *ix = ctx;

	return strcmp(text_at(ix, *(void *const *)a), text_at(ix, *(void *const *)b));
}

static int index_make(struct index *ix, const void *objects, unsigned int n, size_t size,
		      size_t offset)
{
	*ix = (struct index){.base = objects, .n = n, .size = size, .offset = offset};
	ix->sorted = calloc(n + 1u, sizeof(*ix->sorted));
	if (!ix->sorted)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++)
		ix->sorted[i] = ix->base + i * size;
	qsort_r(ix->sorted, n, sizeof(*ix->sorted), by_text, ix);
	return 0;
}

/* Index of the object whose member is @text; -1: none. The empty text matches nothing. */
static int index_find(const struct index *ix, const char *text)
{
	unsigned int lo = 0, hi = ix->n;

	while (*text && lo < hi) {
		unsigned int mid = (lo + hi) / 2;
		int c = strcmp(text, text_at(ix, ix->sorted[mid]));

		if (c == 0)
			return (int)(((const char *)ix->sorted[mid] - ix->base) / ix->size);
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -1;
}

static int ports_by(struct index *ix, const struct vsw_model *m, size_t offset)
{
	return index_make(ix, m->ports, m->n_ports, sizeof(*m->ports), offset);
}

static int switches_by(struct index *ix, const struct vsw_model *m, size_t offset)
{
	return index_make(ix, m->switches, m->n_switches, sizeof(*m->switches), offset);
}

static bool same_mac(const struct vsw_port_cfg *a, const struct vsw_port_cfg *b)
{
	return a->has_mac == b->has_mac &&
	       (!a->has_mac || !memcmp(&a->mac, &b->mac, sizeof(a->mac)));
}

static unsigned int port_changes(const struct vsw_model *old, const struct vsw_port_cfg *o,
				 const struct vsw_model *next, const struct vsw_port_cfg *n)
{
	const struct vsw_switch_cfg *osw = vsw_model_switch(old, o->sw);
	const struct vsw_switch_cfg *nsw = vsw_model_switch(next, n->sw);
	unsigned int changes = 0;

	if (o->link_up != n->link_up)
		changes |= VSW_PLAN_LINK;
	if (!same_mac(o, n))
		changes |= VSW_PLAN_MAC;
	if (vsw_policy_any_mac(o) != vsw_policy_any_mac(n))
		changes |= VSW_PLAN_ANY_MAC;
	if (osw && nsw && osw->mtu != nsw->mtu)
		changes |= VSW_PLAN_MTU;
	if (osw && nsw && strcmp(osw->uuid, nsw->uuid))
		changes |= VSW_PLAN_MOVED;
	return changes;
}

static int plan_switches(const struct vsw_model *old, const struct vsw_model *next,
			 struct vsw_plan *p)
{
	struct index ix;
	int rc = switches_by(&ix, old, offsetof(struct vsw_switch_cfg, uuid));

	for (unsigned int i = 0; !rc && i < next->n_switches; i++) {
		int o = index_find(&ix, next->switches[i].uuid);

		p->switches[i] = o;
		p->fdb_new[i] = o < 0 || old->switches[o].fdb_limit != next->switches[i].fdb_limit;
	}
	free(ix.sorted);
	return rc;
}

static int plan_ports(const struct vsw_model *old, const struct vsw_model *next, struct vsw_plan *p)
{
	struct index ix;
	int rc = ports_by(&ix, old, offsetof(struct vsw_port_cfg, uuid));

	memset(p->goes, 1, old->n_ports * sizeof(*p->goes));
	for (unsigned int i = 0; !rc && i < next->n_ports; i++) {
		const struct vsw_port_cfg *n = &next->ports[i];
		struct vsw_plan_port *pp = &p->ports[i];

		pp->old = index_find(&ix, n->uuid);
		if (pp->old < 0) {
			pp->action = VSW_PLAN_OPEN;
		} else if (!vsw_device_equal(&old->ports[pp->old].device, &n->device)) {
			pp->action = VSW_PLAN_REOPEN;
		} else {
			pp->action = VSW_PLAN_KEEP;
			pp->changes = port_changes(old, &old->ports[pp->old], next, n);
			p->goes[pp->old] = false;
		}
	}
	free(ix.sorted);
	return rc;
}

static void plan_clashes(const struct vsw_model *old, const struct vsw_model *next,
			 struct vsw_plan *p)
{
	for (unsigned int k = 0; k < old->n_ports; k++) {
		if (!p->goes[k])
			continue;
		for (unsigned int i = 0; i < next->n_ports; i++) {
			if (p->ports[i].action == VSW_PLAN_KEEP ||
			    !vsw_device_clash(&old->ports[k].device, &next->ports[i].device))
				continue;
			p->in_the_way[k] = true;
			p->ports[i].needs_close = true;
		}
	}
}

int vsw_plan_make(const struct vsw_model *old, const struct vsw_model *next, struct vsw_plan *ret)
{
	struct vsw_plan p = {
		.ports = calloc(next->n_ports + 1u, sizeof(*p.ports)),
		.switches = calloc(next->n_switches + 1u, sizeof(*p.switches)),
		.fdb_new = calloc(next->n_switches + 1u, sizeof(*p.fdb_new)),
		.goes = calloc(old->n_ports + 1u, sizeof(*p.goes)),
		.in_the_way = calloc(old->n_ports + 1u, sizeof(*p.in_the_way)),
	};
	int rc = -ENOMEM;

	if (p.ports && p.switches && p.fdb_new && p.goes && p.in_the_way)
		rc = plan_switches(old, next, &p);
	if (!rc)
		rc = plan_ports(old, next, &p);
	if (rc) {
		vsw_plan_done(&p);
		return rc;
	}
	plan_clashes(old, next, &p);
	*ret = p;
	return 0;
}

void vsw_plan_done(struct vsw_plan *p)
{
	free(p->ports);
	free(p->switches);
	free(p->fdb_new);
	free(p->goes);
	free(p->in_the_way);
	memset(p, 0, sizeof(*p));
}

static int inherit_switches(const struct vsw_model *cur, struct vsw_model *next)
{
	struct index names = {0}, claimed = {0};
	int *from = calloc(next->n_switches + 1u, sizeof(*from));
	int rc = from ? switches_by(&names, cur, offsetof(struct vsw_switch_cfg, name)) : -ENOMEM;

	if (!rc)
		rc = switches_by(&claimed, next, offsetof(struct vsw_switch_cfg, uuid));
	/* all look-ups before the first change: the index reads the objects themselves */
	for (unsigned int i = 0; !rc && i < next->n_switches; i++) {
		const struct vsw_switch_cfg *n = &next->switches[i];

		from[i] = n->uuid[0] ? -1 : index_find(&names, n->name);
		if (from[i] >= 0 && index_find(&claimed, cur->switches[from[i]].uuid) >= 0)
			from[i] = -1;
	}
	for (unsigned int i = 0; !rc && i < next->n_switches; i++)
		if (from[i] >= 0)
			memcpy(next->switches[i].uuid, cur->switches[from[i]].uuid,
			       sizeof(next->switches[i].uuid));
	free(names.sorted);
	free(claimed.sorted);
	free(from);
	return rc;
}

static void inherit_port(const struct vsw_port_cfg *o, struct vsw_port_cfg *n)
{
	memcpy(n->uuid, o->uuid, sizeof(n->uuid));
	/* an uplink has no address of its own: one from an earlier role must not stick */
	if (!n->has_mac && o->has_mac && n->role != VSW_ROLE_UPLINK) {
		n->mac = o->mac;
		n->has_mac = true;
	}
}

/* Rules without an id, or without who set them, take those of the same rule of @o; a policy that did not
 * change becomes the same object, so that nothing is made anew for it. */
static int inherit_policy(const struct vsw_port_cfg *o, struct vsw_port_cfg *n)
{
	const struct vsw_acl *before = vsw_policy_of(o)->acl;
	struct vsw_policy *p = n->policy && n->policy != o->policy ? vsw_policy_own(n) : NULL;
	struct vsw_acl *a;

	if (!n->policy || n->policy == o->policy)
		return 0;
	if (!p)
		return -ENOMEM;
	if (!p->guard.set.at && !p->guard.set.by[0] && vsw_guard_same(p, vsw_policy_of(o)))
		p->guard.set = vsw_policy_of(o)->guard.set;
	if (p->acl && before && p->acl != before) {
		a = vsw_acl_own(p);
		if (!a || vsw_acl_inherit(a, before) < 0)
			return -ENOMEM;
		if (!vsw_acl_settled(a))
			vsw_acl_settle(a, before);
		if (vsw_acl_equal(a, before)) {
			vsw_acl_unref(a);
			p->acl = vsw_acl_ref((struct vsw_acl *)before);
		}
	}
	if (vsw_policy_equal(p, o->policy)) {
		vsw_policy_unref(p);
		n->policy = vsw_policy_ref(o->policy);
	}
	return 0;
}

static int inherit_ports(const struct vsw_model *cur, struct vsw_model *next)
{
	struct index names = {0}, uuids = {0}, claimed = {0};
	int *from = calloc(next->n_ports + 1u, sizeof(*from));
	int rc = from ? ports_by(&names, cur, offsetof(struct vsw_port_cfg, name)) : -ENOMEM;

	if (!rc)
		rc = ports_by(&uuids, cur, offsetof(struct vsw_port_cfg, uuid));
	if (!rc)
		rc = ports_by(&claimed, next, offsetof(struct vsw_port_cfg, uuid));
	for (unsigned int i = 0; !rc && i < next->n_ports; i++) {
		const struct vsw_port_cfg *n = &next->ports[i];

		from[i] = index_find(n->uuid[0] ? &uuids : &names, n->uuid[0] ? n->uuid : n->name);
		if (!n->uuid[0] && from[i] >= 0 &&
		    index_find(&claimed, cur->ports[from[i]].uuid) >= 0)
			from[i] = -1;
	}
	for (unsigned int i = 0; !rc && i < next->n_ports; i++) {
		if (from[i] < 0)
			continue;
		inherit_port(&cur->ports[from[i]], &next->ports[i]);
		rc = inherit_policy(&cur->ports[from[i]], &next->ports[i]);
	}
	free(names.sorted);
	free(uuids.sorted);
	free(claimed.sorted);
	free(from);
	return rc;
}

/* There are few: no index. */
static void inherit_nats(const struct vsw_model *cur, struct vsw_model *next)
{
	for (unsigned int i = 0; i < next->n_nats; i++) {
		const struct nat_conf *o = vsw_model_nat(cur, next->nats[i].name);
		bool claimed = next->nats[i].uuid[0] != '\0' || !o;

		for (unsigned int k = 0; k < next->n_nats && !claimed; k++)
			claimed = !strcmp(next->nats[k].uuid, o->uuid);
		if (!claimed)
			memcpy(next->nats[i].uuid, o->uuid, sizeof(o->uuid));
	}
}

int vsw_plan_inherit(const struct vsw_model *cur, struct vsw_model *next)
{
	int rc = inherit_switches(cur, next);

	inherit_nats(cur, next);
	return rc ? rc : inherit_ports(cur, next);
}
