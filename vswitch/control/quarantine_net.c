/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the NAT network of a confined port does for it: see quarantine.h. */
#include <string.h>

#include "nat/nat_conf.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/model/quarantine.h"

static const struct nat_conf *net_of(const struct vsw_model *m, const char *sw)
{
	for (unsigned int i = 0; i < m->n_nats; i++)
		if (m->nats[i].active && !strcmp(m->nats[i].sw, sw))
			return &m->nats[i];
	return NULL;
}

static struct vd_prefix host4(uint32_t a)
{
	struct vd_prefix p = {.family = 4, .len = 32};

	for (unsigned int i = 0; i < 4; i++)
		p.addr[i] = (uint8_t)(a >> 8 * (3 - i));
	return p;
}

struct nap_allow *vsw_nap_net_allow(const struct vsw_model *m, const struct vsw_nap_port *p,
				    struct nap_allow *a)
{
	const struct nat_conf *c = net_of(m, p->sw);
	struct vd_prefix who;

	if (!c || a->access == NAP_ISOLATED)
		return a;
	who = host4(c->gateway);
	a = nap_allow_with_host(a, &who, true);
	who = host4(c->dhcp.server);
	if (c->dhcp.enabled && a->access == NAP_RESTRICTED)
		a = nap_allow_with_host(a, &who, false);
	return a;
}

uint32_t vsw_nap_net_dhcp(const struct vsw_model *m, const struct vsw_nap_port *p)
{
	const struct nat_conf *c = net_of(m, p->sw);

	return c && c->dhcp.enabled ? c->dhcp.server : 0;
}

const char *vsw_nap_net_redirect_fault(const struct vsw_model *m, const struct vsw_nap_port *p)
{
	const struct nap_policy *policy = m->quarantine ? m->quarantine->policy : NULL;

	if (!policy || net_of(m, p->sw))
		return NULL;
	for (unsigned int i = 0; i < policy->n_gateways; i++)
		if (policy->gateways[i].family == 4)
			return NULL;
	return "not redirected while it is confined: no IPv4 router is in the policy's gateways, "
	       "so it "
	       "finds none by ARP";
}
