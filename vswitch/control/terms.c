/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy server says: see terms.h. */
#include "vswitch/control/terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/filter_rule.h"

#define RULES_MAX 32u

uint16_t vsw_nap_group(const struct nap_policy *p, const char *name)
{
	for (unsigned int i = 0; p && i < p->n_groups; i++)
		if (!strcmp(p->groups[i].name, name))
			return (uint16_t)i;
	return NAP_NO_GROUP;
}

/* A server without ports is all of the server. */
static void add_server(struct vsw_nap_terms *t, unsigned int family, const uint8_t *addr)
{
	static const struct nap_port_range all = {1, 65535};
	struct nap_target *s = &t->targets[t->n_targets++];

	s->to.family = (uint8_t)family;
	s->to.len = family == 4 ? 32 : 128;
	memcpy(s->to.addr, addr, family == 4 ? 4 : 16);
	s->tcp[0] = s->udp[0] = all;
	s->n_tcp = s->n_udp = 1;
	s->ping = true;
}

static void add_servers(struct vsw_nap_terms *t, const uint8_t ipv4[16][4], unsigned int n_ipv4,
			const uint8_t ipv6[8][16], unsigned int n_ipv6)
{
	for (unsigned int i = 0; i < n_ipv4; i++)
		add_server(t, 4, ipv4[i]);
	for (unsigned int i = 0; i < n_ipv6; i++)
		add_server(t, 6, ipv6[i]);
}

static int begin(struct vsw_nap_terms *t, const char *group)
{
	memset(t, 0, sizeof(*t));
	snprintf(t->group, sizeof(t->group), "%.63s", group);
	t->targets = calloc(RULES_MAX + 24u, sizeof(*t->targets));
	return t->targets ? 0 : -ENOMEM;
}

int vsw_nap_terms_of_answer(const struct nap_policy *p, struct nap_radius_answer *a,
			    struct vsw_nap_terms *ret)
{
	if (begin(ret, a->filter) < 0)
		return -ENOMEM;
	if (a->filter[0] && vsw_nap_group(p, a->filter) == NAP_NO_GROUP) {
		a->problem =
			a->problem ? a->problem : "a Filter-Id that names no remediation group";
		ret->group[0] = '\0';
	}
	if (nap_filter_parse(a->rules, ret->targets, RULES_MAX, &ret->n_targets) < 0) {
		a->problem = a->problem ? a->problem : "a filter rule that is not understood";
		ret->n_targets = 0;
	}
	add_servers(ret, a->ipv4, a->n_ipv4, a->ipv6, a->n_ipv6);
	ret->vlan = a->vlan;
	return 0;
}

int vsw_nap_terms_of_coa(const struct nap_policy *p, const struct nap_coa *q,
			 struct vsw_nap_terms *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (q->filter[0] && vsw_nap_group(p, q->filter) == NAP_NO_GROUP)
		return -EINVAL;
	if (begin(ret, q->filter) < 0)
		return -ENOMEM;
	add_servers(ret, q->ipv4, q->n_ipv4, q->ipv6, q->n_ipv6);
	return 0;
}

void vsw_nap_terms_done(struct vsw_nap_terms *t)
{
	free(t->targets);
	memset(t, 0, sizeof(*t));
}
