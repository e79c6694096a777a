/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Teams of uplinks. */
#include "vswitch/policy/team.h"

#include <string.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/io/link.h"
#include "vswitch/policy/flow.h"
#include "vswitch/policy/headers.h"
#include "vswitch/policy/key.h"

/* An address that was seen behind a port of ours so many stamps ago has not moved to the network. */
#define FRESH_STAMPS 48 /* about 5 seconds */

/* ---- the packet path ---- */

/* The member for a flow; @pin for what is none. */
static uint16_t spread(const struct vsw_snap_team *t, struct rte_mbuf *m, uint16_t pin)
{
	uint32_t len = RTE_MIN(m->data_len, (uint16_t)VSW_HEADERS_MAX);
	struct vsw_headers h;
	uint64_t x;
	uint16_t k;

	vsw_headers_parse(rte_pktmbuf_mtod(m, const uint8_t *), len, m->pkt_len, &h);
	if (h.family == VSW_FAMILY_OTHER || h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT) ||
	    !(h.flags & VSW_HDR_PORTS))
		return pin;
	x = (uint64_t)h.sport << 32 | h.dport;
	if (h.family == VSW_FAMILY_IPV6)
		x ^= vsw_mix(vd_load64(h.src) ^ vd_load64(h.dst),
			     vd_load64(h.src + 8) ^ vd_load64(h.dst + 8) ^ 1);
	else
		x ^= vsw_mix(vsw_key_v4(h.src), vsw_key_v4(h.dst));
	k = (uint16_t)(vsw_mix(x, UINT64_C(0x9e3779b97f4a7c15)) % t->n);
	return vsw_team_member_up(t->member[k]) ? k : pin;
}

const struct vsw_snap_port *vsw_team_pick(const struct vsw_snap_port *p, struct rte_mbuf *m)
{
	const struct vsw_snap_team *t = p->sw->team;
	uint8_t *d = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t pin, k;

	if (p->flags & VSW_SNAP_MEMBER)
		return NULL;
	pin = vsw_team_pin(t, p);
	if (t->mode != VSW_TEAM_DYNAMIC || d[0] & 1)
		return t->member[pin];
	k = spread(t, m, pin);
	if (k != pin)
		memcpy(d + 6, &t->mac48[k], 6);
	return t->member[k];
}

bool vsw_team_floods(const struct vsw_snap_port *p, const struct vsw_snap_port *d)
{
	const struct vsw_snap_team *t = p->sw->team;

	if (p->flags & VSW_SNAP_MEMBER)
		return !(d->flags & VSW_SNAP_MEMBER) && t->member[vsw_team_pin(t, d)] == p;
	return d == t->member[vsw_team_pin(t, p)];
}

bool vsw_team_came_back(const struct vsw_snapshot *s, const struct vsw_snap_port *p, uint64_t src,
			uint16_t fid, uint32_t now)
{
	const struct vsw_snap_team *t = p->sw->team;
	uint64_t key = vsw_fdb_key(src, fid);
	const struct vsw_fdb_slot *slot = vsw_fdb_find(p->fdb, key, vsw_fdb_hash(key));
	const struct vsw_snap_port *d;

	for (uint16_t i = 0; i < t->n; i++)
		if (t->mac48[i] == src)
			return true;
	if (!slot || slot->port >= VSW_PORTS_MAX)
		return vsw_fdb_lookup(p->fdb, src, fid) < VSW_PORTS_MAX;
	d = s->ports[slot->port];
	return d && d->sw == p->sw && !(d->flags & VSW_SNAP_MEMBER) &&
	       (slot->flags & VSW_FDB_STATIC || now - slot->stamp < FRESH_STAMPS);
}

/* ---- compilation ---- */

size_t vsw_team_arena(const struct vsw_model *m)
{
	return m->n_switches * RTE_CACHE_LINE_ROUNDUP(sizeof(struct vsw_snap_team));
}

/* What the member's frames carry when they are not its port's: its interface's address, or one of ours. */
static uint64_t own_mac(const struct vsw_port_cfg *p)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325), mac = 0;
	struct vsw_link link;

	if (p->device.kind == VSW_DEV_NETDEV && vsw_link_get(p->device.target, 0, &link) == 0) {
		memcpy(&mac, link.mac, sizeof(link.mac));
		return mac;
	}
	for (const char *c = p->uuid; *c; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	return (h & ~UINT64_C(0xff) & VSW_MAC48) | 0x02;
}

static void add_member(struct vsw_snap_team *t, struct vsw_snap_port *u,
		       const struct vsw_port_cfg *cfg)
{
	if (t->n == VSW_UPLINKS_MAX)
		return;
	t->mac48[t->n] = own_mac(cfg);
	t->member[t->n++] = u;
	u->flags |= VSW_SNAP_MEMBER;
	/* who is behind one is behind all */
	u->learn_as = t->member[0]->index;
}

static void pin_port(struct vsw_snapshot *s, const struct vsw_model *m, unsigned int i)
{
	const struct vsw_snap_team *t = s->all[i].sw->team;
	const char *affinity = vsw_policy_of(&m->ports[i])->affinity;

	s->all[i].pin = (uint8_t)(s->all[i].index % t->n);
	for (uint16_t k = 0; affinity[0] && k < t->n; k++)
		if (!strcmp(m->ports[t->member[k] - s->all].name, affinity))
			s->all[i].pin = (uint8_t)k;
}

void vsw_team_compile(struct vsw_snapshot *s, const struct vsw_binding *b,
		      void *(*carve)(void *arena, size_t size), void *arena)
{
	const struct vsw_model *m = b->model;
	uint16_t n_uplinks[VSW_SWITCHES_MAX] = {0};

	for (unsigned int i = 0; i < m->n_ports; i++)
		n_uplinks[s->all[i].sw - s->switches] += m->ports[i].role == VSW_ROLE_UPLINK;
	for (unsigned int k = 0; k < m->n_switches; k++) {
		struct vsw_snap_team *t;

		if (n_uplinks[k] < 2)
			continue;
		t = carve(arena, sizeof(*t));
		memset(t, 0, sizeof(*t));
		t->mode = (uint8_t)m->switches[k].team_mode;
		s->switches[k].team = t;
		for (unsigned int i = 0; i < m->n_ports; i++)
			if (s->all[i].sw == &s->switches[k] && m->ports[i].role == VSW_ROLE_UPLINK)
				add_member(t, &s->all[i], &m->ports[i]);
	}
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (s->all[i].sw->team)
			pin_port(s, m, i);
}

/* ---- what people ask ---- */

int vsw_team_member_of(const struct vsw_dataplane *dp, uint16_t index)
{
	const struct vsw_snap_port *p = dp->snapshot->ports[index];
	const struct vsw_snap_team *t = p ? p->sw->team : NULL;

	return t ? t->member[vsw_team_pin(t, p)]->index : -1;
}
