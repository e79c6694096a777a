/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a port's policy to its guard. Control thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <rte_common.h>

#include "vswitch/policy/guard.h"

static uint32_t checks_of(const struct vsw_model *m, const struct vsw_port_cfg *p)
{
	const struct vsw_guard *c = &vsw_policy_of(p)->guard;
	const struct vsw_switch_cfg *sw;
	uint32_t checks = 0;

	checks |= c->control ? VSW_GUARD_CONTROL : 0;
	checks |= c->router ? VSW_GUARD_ROUTER : 0;
	checks |= c->dhcp ? VSW_GUARD_DHCP : 0;
	checks |= c->drop_priority ? VSW_GUARD_PRIORITY : 0;
	checks |= c->pinning != VSW_PIN_OFF ? VSW_GUARD_PINNED : 0;
	checks |= c->pinning == VSW_PIN_SNOOPED ? VSW_GUARD_SNOOP : 0;
	checks |= c->address_limit && c->pinning == VSW_PIN_OFF ? VSW_GUARD_LIMIT : 0;
	if (c->storm_broadcast_pps || c->storm_multicast_pps || c->storm_unknown_pps)
		checks |= VSW_GUARD_STORM;
	if (c->storm_unknown_pps)
		checks |= VSW_GUARD_UNKNOWN;
	sw = checks ? vsw_model_switch(m, p->sw) : NULL;
	return checks | (sw && sw->nlb ? VSW_GUARD_CLUSTER : 0);
}

static void allow(struct vsw_gate_guard *g, const struct vd_prefix *p)
{
	struct vsw_guard_prefix *a = &g->allowed[g->n++];
	uint8_t bits;

	vsw_addrs_words(p, a->w, &bits);
	vsw_addrs_mask(bits, a->mask);
	a->w[0] &= a->mask[0];
	a->w[1] &= a->mask[1];
}

/* fe80:: and the MAC as modified EUI-64 (RFC 4291 appendix A). */
static void allow_link_local(struct vsw_gate_guard *g, const struct vd_mac *mac)
{
	struct vd_prefix p = {.family = 6, .len = 128, .addr = {0xfe, 0x80}};

	memcpy(p.addr + 8, mac->addr, 3);
	p.addr[8] ^= 2;
	p.addr[11] = 0xff;
	p.addr[12] = 0xfe;
	memcpy(p.addr + 13, mac->addr + 3, 3);
	allow(g, &p);
}

int vsw_guard_make(const struct vsw_model *m, unsigned int i, uint64_t second,
		   struct vsw_gate_guard **ret)
{
	const struct vsw_port_cfg *cfg = &m->ports[i];
	const struct vsw_policy *p = vsw_policy_of(cfg);
	uint32_t checks = checks_of(m, cfg);
	struct vsw_gate_guard *g;

	*ret = NULL;
	if (!checks)
		return 0;
	g = calloc(1, sizeof(*g) + (p->n_pins + p->n_floating + 1) * sizeof(g->allowed[0]));
	if (!g)
		return -ENOMEM;
	g->checks = checks;
	g->storm[VSW_STORM_BROADCAST] = p->guard.storm_broadcast_pps;
	g->storm[VSW_STORM_MULTICAST] = p->guard.storm_multicast_pps;
	g->storm[VSW_STORM_UNKNOWN] = p->guard.storm_unknown_pps;
	g->address_limit = p->guard.address_limit;
	g->second = second;
	for (unsigned int k = 0; k < p->n_pins; k++)
		allow(g, &p->pins[k]);
	for (unsigned int k = 0; k < p->n_floating; k++)
		allow(g, &p->floating[k]);
	if (cfg->has_mac)
		allow_link_local(g, &cfg->mac);
	*ret = g;
	return 0;
}

void vsw_guard_free(struct vsw_gate_guard *g)
{
	free(g);
}

struct vsw_guard_state *vsw_guard_state_create(void)
{
	struct vsw_guard_state *s = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*s), (size_t)RTE_CACHE_LINE_SIZE));

	if (!s)
		return NULL;
	memset(s, 0, sizeof(*s));
	rte_spinlock_init(&s->addrs.lock);
	return s;
}
