/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies as containers: shared, cloned, looked up. */
#include "vswitch/model/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"

const struct vsw_policy *vsw_policy_of(const struct vsw_port_cfg *p)
{
	static const struct vsw_policy none;

	return p->policy ? p->policy : &none;
}

bool vsw_policy_any_mac(const struct vsw_port_cfg *p)
{
	return vsw_policy_of(p)->guard.mac_spoofing || p->learn;
}

static void count(const unsigned int *refs, int n)
{
	__atomic_fetch_add((unsigned int *)refs, (unsigned int)n, __ATOMIC_RELAXED);
}

/* True when the last reference went. */
static bool drop(const unsigned int *refs)
{
	return __atomic_sub_fetch((unsigned int *)refs, 1, __ATOMIC_ACQ_REL) == 0;
}

const struct vsw_policy *vsw_policy_ref(const struct vsw_policy *p)
{
	if (p)
		count(&p->refs, 1);
	return p;
}

void vsw_policy_unref(const struct vsw_policy *p)
{
	if (!p || !drop(&p->refs))
		return;
	free(p->pins);
	free(p->floating);
	free(p->tags);
	vsw_acl_unref(p->acl);
	free((void *)p);
}

struct vsw_acl *vsw_acl_ref(struct vsw_acl *a)
{
	if (a)
		count(&a->refs, 1);
	return a;
}

void vsw_acl_unref(struct vsw_acl *a)
{
	if (a && drop(&a->refs))
		free(a);
}

struct vsw_acl *vsw_acl_new(unsigned int n)
{
	struct vsw_acl *a = calloc(1, sizeof(*a) + (size_t)n * sizeof(a->rules[0]));

	if (a) {
		a->refs = 1;
		a->n = n;
	}
	return a;
}

struct vsw_policy *vsw_policy_clone(const struct vsw_policy *from)
{
	struct vsw_policy *p = calloc(1, sizeof(*p));
	bool failed = false;

	if (!p)
		return NULL;
	if (from)
		*p = *from;
	p->refs = 1;
	p->pins = vsw_dup_array(p->pins, p->n_pins, sizeof(*p->pins), &failed);
	p->floating = vsw_dup_array(p->floating, p->n_floating, sizeof(*p->floating), &failed);
	p->tags = vsw_dup_array(p->tags, p->n_tags, sizeof(*p->tags), &failed);
	vsw_acl_ref(p->acl);
	if (failed) {
		vsw_policy_unref(p);
		return NULL;
	}
	return p;
}

static int by_id(const void *key, const void *rule)
{
	const uint32_t *id = key;
	const struct vsw_acl_rule *r = rule;

	return *id < r->id ? -1 : *id > r->id;
}

const struct vsw_acl_rule *vsw_acl_find(const struct vsw_acl *a, uint32_t id)
{
	return a ? bsearch(&id, a->rules, a->n, sizeof(a->rules[0]), by_id) : NULL;
}

#define MAC_RANK  255u
#define NAME_RANK 128u /* of sets and tags: that of one address */

static uint32_t addr_rank(const struct vsw_addr *a)
{
	switch (a->kind) {
	case VSW_ADDR_PREFIX:
		return a->prefix.family == 4 ? a->prefix.len + 96u : a->prefix.len;
	case VSW_ADDR_MAC:
		return MAC_RANK;
	case VSW_ADDR_SET:
	case VSW_ADDR_TAG:
		return NAME_RANK;
	default:
		return 0;
	}
}

uint32_t vsw_rule_rank(const struct vsw_acl_rule *r)
{
	uint32_t a = addr_rank(&r->local), b = addr_rank(&r->remote);

	if (r->kind == VSW_ACL_EXTENDED)
		return r->weight;
	return a > b ? a : b;
}

struct vsw_set *vsw_model_set(const struct vsw_model *m, const char *name)
{
	for (unsigned int i = 0; i < m->n_sets; i++)
		if (!strcmp(m->sets[i].name, name))
			return &m->sets[i];
	return NULL;
}

struct vsw_mirror *vsw_model_mirror(const struct vsw_model *m, const char *name)
{
	for (unsigned int i = 0; i < m->n_mirrors; i++)
		if (!strcmp(m->mirrors[i].name, name))
			return &m->mirrors[i];
	return NULL;
}

static bool has_tag(const struct vsw_policy *p, const char *tag)
{
	for (unsigned int i = 0; i < p->n_tags; i++)
		if (!strcmp(p->tags[i], tag))
			return true;
	return false;
}

static unsigned int put_prefixes(struct vsw_member *out, const struct vd_prefix *from,
				 unsigned int n)
{
	for (unsigned int i = 0; out && i < n; i++)
		out[i] = (struct vsw_member){.prefix = from[i]};
	return n;
}

/* The addresses of all ports with @tag: counted, and written to @out unless it is NULL. */
static unsigned int tagged(const struct vsw_model *m, const char *tag, struct vsw_member *out)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *port = &m->ports[i];
		const struct vsw_policy *p = vsw_policy_of(port);

		if (!has_tag(p, tag))
			continue;
		if (port->has_mac && out)
			out[n] = (struct vsw_member){.is_mac = true, .mac = port->mac};
		n += port->has_mac;
		n += put_prefixes(out ? out + n : NULL, p->pins, p->n_pins);
		n += put_prefixes(out ? out + n : NULL, p->floating, p->n_floating);
	}
	return n;
}

int vsw_addr_resolve(const struct vsw_model *m, const struct vsw_addr *a, struct vsw_member **ret,
		     unsigned int *n)
{
	const struct vsw_set *s = a->kind == VSW_ADDR_SET ? vsw_model_set(m, a->name) : NULL;
	struct vsw_member *out;

	*n = s                         ? s->n_members
	     : a->kind == VSW_ADDR_TAG ? tagged(m, a->name, NULL)
				       : a->kind == VSW_ADDR_PREFIX || a->kind == VSW_ADDR_MAC;
	out = calloc(*n + 1u, sizeof(*out));
	if (!out)
		return -ENOMEM;
	if (s && s->n_members)
		memcpy(out, s->members, s->n_members * sizeof(*out));
	else if (a->kind == VSW_ADDR_TAG)
		tagged(m, a->name, out);
	else if (a->kind == VSW_ADDR_PREFIX)
		out[0].prefix = a->prefix;
	else if (a->kind == VSW_ADDR_MAC)
		out[0] = (struct vsw_member){.is_mac = true, .mac = a->mac};
	*ret = out;
	return 0;
}
