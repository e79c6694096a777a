/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a port's policy to tables that the packet path looks things up in. Control thread only. */
#include "vswitch/policy/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>

#include "vswitch/policy/guard.h"
#include "vswitch/policy/key.h"
#include "vswitch/policy/quarantine.h"

/* Table entries one rule may need: two port ranges and two address sets multiply. */
#define ENTRIES_PER_RULE_MAX (1u << 20)

struct build {
	const struct vsw_model *m;
	struct vsw_gate *g;
	const struct vsw_acl *acl;
	const char *port;
	struct vd_err *reterr;
	uint32_t n_order;
};

/* One side of a rule, resolved. */
struct side {
	struct vsw_member *members;
	unsigned int n;
	bool any;
};

/* Who decides first, of two rules of one list and direction. */
static int compare(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b)
{
	uint32_t x = vsw_rule_rank(a), y = vsw_rule_rank(b);

	if (a->kind != b->kind)
		return a->kind == VSW_ACL_EXTENDED ? -1 : 1; /* meters only */
	if (x != y)
		return x > y ? -1 : 1;
	if (a->action != b->action)
		return a->action == VSW_ACL_DENY ? -1 : 1;
	return a->id < b->id ? -1 : 1;
}

static int by_decision(const void *a, const void *b, void *arg)
{
	const struct vsw_acl *acl = arg;

	return compare(&acl->rules[*(const uint32_t *)a], &acl->rules[*(const uint32_t *)b]);
}

static enum vsw_gate_list list_of(const struct vsw_acl_rule *r)
{
	if (r->action == VSW_ACL_METER)
		return VSW_LIST_METER;
	return r->kind == VSW_ACL_BASIC ? VSW_LIST_BASIC : VSW_LIST_EXTENDED;
}

static int resolve(const struct build *b, const struct vsw_addr *a, struct side *ret)
{
	ret->any = a->kind == VSW_ADDR_ANY;
	return vsw_addr_resolve(b->m, a, &ret->members, &ret->n);
}

static void mask_words(uint8_t bits, uint64_t ret[2])
{
	uint8_t bytes[16] = {0};

	for (unsigned int i = 0; i < bits; i++)
		bytes[i / 8] |= (uint8_t)(0x80 >> (i % 8));
	ret[0] = vd_load64(bytes);
	ret[1] = vd_load64(bytes + 8);
}

/* Put an address of one side (word @at and the next) under the mask that its length gives. */
static void put_prefix(struct vsw_class_key *mask, struct vsw_class_key *key, unsigned int at,
		       const struct vd_prefix *p)
{
	uint8_t len = p->family == 4 ? (uint8_t)(p->len + 96) : p->len;

	mask_words(len, &mask->w[at]);
	key->w[at] = p->family == 4 ? 0 : vd_load64(p->addr);
	key->w[at + 1] = p->family == 4 ? vsw_key_v4(p->addr) : vd_load64(p->addr + 8);
	key->w[at] &= mask->w[at];
	key->w[at + 1] &= mask->w[at + 1];
}

static void put_mac(struct vsw_class_key *mask, struct vsw_class_key *key, unsigned int at,
		    const struct vd_mac *mac)
{
	mask->w[at] = UINT64_C(0xffffffffffff);
	key->w[at] = 0;
	memcpy(&key->w[at], mac->addr, sizeof(mac->addr));
}

static void put_bits(struct vsw_class_key *mask, struct vsw_class_key *key, unsigned int shift,
		     uint64_t value, uint64_t bits)
{
	mask->w[4] |= bits << shift;
	key->w[4] |= (value & bits) << shift;
}

/* What a rule demands besides addresses and ports. */
static void put_rest(const struct vsw_acl_rule *r, struct vsw_class_key *mask,
		     struct vsw_class_key *key)
{
	if (r->kind == VSW_ACL_BASIC)
		return;
	if (r->protocol != VSW_PROTOCOL_ANY)
		put_bits(mask, key, VSW_CLASS_PROTO_SHIFT, r->protocol, 0xff);
	if (r->vlan)
		put_bits(mask, key, VSW_CLASS_VID_SHIFT, r->vlan, 0xfff);
	if (r->ethertype == 0x0800)
		put_bits(mask, key, VSW_CLASS_FAMILY_SHIFT, VSW_FAMILY_IPV4, 3);
	else if (r->ethertype == 0x86dd)
		put_bits(mask, key, VSW_CLASS_FAMILY_SHIFT, VSW_FAMILY_IPV6, 3);
	else if (r->ethertype)
		put_bits(mask, key, VSW_CLASS_LPORT_SHIFT, r->ethertype, 0xffff);
}

static bool is_other(const struct vsw_acl_rule *r)
{
	return r->kind == VSW_ACL_EXTENDED && r->ethertype && r->ethertype != 0x0800 &&
	       r->ethertype != 0x86dd;
}

static int add_to(struct vsw_classifier **c, const struct vsw_class_key *mask,
		  const struct vsw_class_key *key, uint32_t rank)
{
	if (!*c)
		*c = vsw_classifier_create();
	return *c ? vsw_classifier_add(*c, mask, key, rank) : -ENOMEM;
}

/* One pair of addresses, all prefixes of both port ranges. */
static int add_ports(struct vsw_classifier **c, const struct vsw_acl_rule *r, bool ports,
		     const struct vsw_class_key *mask, const struct vsw_class_key *key,
		     uint32_t rank)
{
	struct vsw_port_prefix l[VSW_PORT_PREFIXES_MAX] = {{0, 0}},
			       e[VSW_PORT_PREFIXES_MAX] = {{0, 0}};
	unsigned int n_l = 1, n_e = 1;
	int rc = 0;

	if (ports) {
		n_l = vsw_port_range_split(r->local_port[0], r->local_port[1], l);
		n_e = vsw_port_range_split(r->remote_port[0], r->remote_port[1], e);
	}
	for (unsigned int i = 0; i < n_l && rc == 0; i++)
		for (unsigned int j = 0; j < n_e && rc == 0; j++) {
			struct vsw_class_key m = *mask, k = *key;

			m.w[4] |= (uint64_t)l[i].mask << VSW_CLASS_LPORT_SHIFT |
				  (uint64_t)e[j].mask << VSW_CLASS_RPORT_SHIFT;
			k.w[4] |= (uint64_t)l[i].value << VSW_CLASS_LPORT_SHIFT |
				  (uint64_t)e[j].value << VSW_CLASS_RPORT_SHIFT;
			rc = add_to(c, &m, &k, rank);
		}
	return rc;
}

static int add_pair(struct build *b, const struct vsw_acl_rule *r, const struct vsw_member *local,
		    const struct vsw_member *remote, uint32_t rank)
{
	struct vsw_gate_dir *d = &b->g->dir[r->direction];
	struct vsw_class_key mask = {0}, key = {0};
	bool mac = (local && local->is_mac) || (remote && remote->is_mac);
	bool ports = r->kind == VSW_ACL_EXTENDED && !is_other(r) &&
		     (r->local_port[0] != 0 || r->local_port[1] != 65535 ||
		      r->remote_port[0] != 0 || r->remote_port[1] != 65535);
	struct vsw_classifier **c = &d->ip[list_of(r)];

	if (mac && ((local && !local->is_mac) || (remote && !remote->is_mac)))
		return 0; /* a set's MAC never meets an IP address on the other side */
	if (mac)
		c = &d->mac[list_of(r)];
	else if (is_other(r))
		c = &d->other[list_of(r)];
	if (r->report_only)
		c = mac ? &d->mac_report : is_other(r) ? &d->other_report : &d->ip_report;
	if (mac && local)
		put_mac(&mask, &key, 0, &local->mac);
	else if (local)
		put_prefix(&mask, &key, 0, &local->prefix);
	if (mac && remote)
		put_mac(&mask, &key, 2, &remote->mac);
	else if (remote)
		put_prefix(&mask, &key, 2, &remote->prefix);
	put_rest(r, &mask, &key);
	d->any = true;
	d->any_mac |= mac;
	return add_ports(c, r, ports, &mask, &key, rank);
}

static int add_rule(struct build *b, uint32_t rank)
{
	const struct vsw_acl_rule *r = &b->acl->rules[b->g->order[rank]];
	struct side l = {0}, e = {0};
	int rc;

	rc = resolve(b, &r->local, &l);
	if (rc == 0)
		rc = resolve(b, &r->remote, &e);
	if (rc == 0 && (uint64_t)RTE_MAX(l.n, 1u) * RTE_MAX(e.n, 1u) > ENTRIES_PER_RULE_MAX)
		rc = vd_err_set(b->reterr, -E2BIG, VD_E_LIMIT, b->port,
				"use a set on one side only, or split the rule",
				"rule %u: %u local times %u remote addresses are more than %u",
				r->id, l.n, e.n, ENTRIES_PER_RULE_MAX);
	for (unsigned int i = 0; rc == 0 && i < (l.any ? 1 : l.n); i++)
		for (unsigned int j = 0; rc == 0 && j < (e.any ? 1 : e.n); j++)
			rc = add_pair(b, r, l.any ? NULL : &l.members[i],
				      e.any ? NULL : &e.members[j], rank);
	free(l.members);
	free(e.members);
	return rc;
}

/* The rules of one list and direction get the next ranks. */
static int add_list(struct build *b, enum vsw_dir dir, enum vsw_gate_list list)
{
	uint32_t first = b->n_order;
	int rc = 0;

	for (uint32_t i = 0; i < b->acl->n; i++)
		if (b->acl->rules[i].direction == dir && list_of(&b->acl->rules[i]) == list)
			b->g->order[b->n_order++] = i;
	qsort_r(b->g->order + first, b->n_order - first, sizeof(*b->g->order), by_decision,
		(void *)(uintptr_t)b->acl);
	for (uint32_t rank = first; rank < b->n_order && rc == 0; rank++)
		rc = add_rule(b, rank);
	return rc;
}

static void for_each_classifier(struct vsw_gate *g, void (*fn)(struct vsw_classifier *c))
{
	for (unsigned int d = 0; d < 2; d++) {
		struct vsw_gate_dir *dir = &g->dir[d];

		for (unsigned int i = 0; i < VSW_LIST_N; i++) {
			fn(dir->ip[i]);
			fn(dir->mac[i]);
			fn(dir->other[i]);
		}
		fn(dir->ip_report);
		fn(dir->mac_report);
		fn(dir->other_report);
	}
}

static void seal(struct vsw_classifier *c)
{
	if (c)
		vsw_classifier_seal(c);
}

static int make_acl(struct build *b, uint16_t n_workers)
{
	struct vsw_gate *g = b->g;
	int rc = 0;

	g->n_rules = b->acl->n;
	g->uses_flows = true;
	g->order = calloc(g->n_rules, sizeof(*g->order));
	g->before = calloc(g->n_rules, sizeof(*g->before));
	if (!g->order || !g->before)
		return -ENOMEM;
	for (uint16_t i = 0; i < n_workers; i++) {
		size_t size = RTE_ALIGN(g->n_rules * sizeof(**g->hits), RTE_CACHE_LINE_SIZE);

		g->hits[i] = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
		if (!g->hits[i])
			return -ENOMEM;
		memset(g->hits[i], 0, size);
	}
	for (unsigned int d = 0; d < 2 && rc == 0; d++)
		for (unsigned int l = 0; l < VSW_LIST_N && rc == 0; l++)
			rc = add_list(b, d, l);
	for_each_classifier(g, seal);
	return rc;
}

/* What names in the rules stand for may change without the policy changing. FNV-1a. */
static int names_hash(const struct vsw_model *m, const struct vsw_acl *acl, uint64_t *ret)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (unsigned int i = 0; acl && i < acl->n; i++)
		for (unsigned int s = 0; s < 2; s++) {
			const struct vsw_addr *a = s ? &acl->rules[i].remote : &acl->rules[i].local;
			struct vsw_member *members = NULL;
			unsigned int n = 0;

			if (a->kind != VSW_ADDR_SET && a->kind != VSW_ADDR_TAG)
				continue;
			if (vsw_addr_resolve(m, a, &members, &n) < 0)
				return -ENOMEM;
			for (size_t k = 0; k < n * sizeof(*members); k++)
				h = (h ^ ((const uint8_t *)members)[k]) * UINT64_C(0x100000001b3);
			h = (h ^ n) * UINT64_C(0x100000001b3);
			free(members);
		}
	*ret = h;
	return 0;
}

/* What the guard is made from besides the policy. */
static uint64_t place_hash(const struct vsw_model *m, const struct vsw_port_cfg *p)
{
	const struct vsw_switch_cfg *sw = vsw_model_switch(m, p->sw);
	uint64_t h = sw && sw->nlb;

	memcpy((uint8_t *)&h + 1, p->mac.addr, sizeof(p->mac.addr));
	return h * UINT64_C(0x9e3779b97f4a7c15);
}

/* Is @old what the port still needs? */
static bool unchanged(const struct vsw_gate *old, const struct vsw_policy *policy,
		      const struct nap_allow *allow, uint64_t hash)
{
	return old && old->policy == policy && old->sets_hash == hash &&
	       (old->quarantine ? old->quarantine->allow : NULL) == allow;
}

int vsw_gate_make(const struct vsw_model *m, unsigned int i, struct nap_allow *allow,
		  struct vsw_gate *old, uint16_t n_workers, struct vsw_gate **ret,
		  struct vd_err *reterr)
{
	static uint32_t epochs;
	const struct vsw_policy *policy = m->ports[i].policy;
	struct build b = {.m = m, .port = m->ports[i].name, .reterr = reterr};
	bool rules = policy && policy->acl && policy->acl->n > 0;
	struct vsw_gate_guard *guard = NULL;
	uint64_t hash = 0;
	int rc;

	*ret = NULL;
	rc = vsw_guard_make(m, i, rte_get_tsc_hz(), &guard);
	if (rc == 0 && !guard && !rules && !allow)
		return 0;
	if (rc == 0 && rules)
		rc = names_hash(m, policy->acl, &hash);
	if (guard)
		hash ^= place_hash(m, &m->ports[i]);
	if (rc == 0 && unchanged(old, policy, allow, hash)) {
		vsw_guard_free(guard);
		*ret = old;
		return 0;
	}
	b.g = rc == 0 ? calloc(1, sizeof(*b.g)) : NULL;
	if (!b.g) {
		vsw_guard_free(guard);
		goto no_memory;
	}
	b.g->guard = guard;
	b.g->policy = vsw_policy_ref(policy);
	b.g->sets_hash = hash;
	b.g->flow_limit = VSW_FLOW_LIMIT_DEFAULT;
	b.g->epoch = ++epochs;
	b.acl = rules ? policy->acl : NULL;
	if (allow) {
		b.g->quarantine = vsw_quarantine_make(allow);
		if (!b.g->quarantine)
			goto no_memory;
	}
	rc = rules ? make_acl(&b, n_workers) : 0;
	if (rc == 0) {
		*ret = b.g;
		return 0;
	}
	if (rc != -ENOMEM) {
		vsw_gate_free(b.g);
		return rc;
	}
no_memory:
	vsw_gate_free(b.g);
	return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, m->ports[i].name, NULL,
			  "no room for the port's policy");
}

struct vsw_rule_count vsw_gate_count(const struct vsw_gate *g, uint16_t n_workers, uint32_t rule)
{
	struct vsw_rule_count sum = g->before[rule];

	for (uint16_t w = 0; w < n_workers; w++) {
		const volatile struct vsw_rule_count *c = &g->hits[w][rule];

		sum.packets += c->packets;
		sum.bytes += c->bytes;
	}
	return sum;
}

void vsw_gate_inherit(struct vsw_gate *g, const struct vsw_gate *old, uint16_t n_workers)
{
	const struct vsw_acl *a, *b;

	if (!g->n_rules || !old->n_rules)
		return;
	a = g->policy->acl;
	b = old->policy->acl;
	/* both sorted by id */
	for (unsigned int i = 0, j = 0; i < g->n_rules && j < old->n_rules;) {
		if (a->rules[i].id < b->rules[j].id) {
			i++;
		} else if (a->rules[i].id > b->rules[j].id) {
			j++;
		} else {
			struct vsw_rule_count c = vsw_gate_count(old, n_workers, j++);

			g->before[i].packets += c.packets;
			g->before[i++].bytes += c.bytes;
		}
	}
}

void vsw_gate_free(struct vsw_gate *g)
{
	if (!g)
		return;
	for_each_classifier(g, vsw_classifier_destroy);
	vsw_guard_free(g->guard);
	vsw_quarantine_free(g->quarantine);
	for (uint16_t i = 0; i < VSW_WORKERS_MAX; i++)
		free(g->hits[i]);
	free(g->before);
	free(g->order);
	vsw_policy_unref(g->policy);
	free(g);
}
