/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the model to what workers read. Control thread only. */
#include "vswitch/datapath/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/datapath/pipeline.h"
#include "vswitch/model/quarantine.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/mcast.h"
#include "vswitch/policy/mirror.h"
#include "vswitch/policy/shape_path.h"
#include "vswitch/policy/team.h"

/* A port with MAC spoofing is remembered by so many addresses; more work, but are flooded. */
#define SPOOFING_LEARN 4096u

/* One allocation holds all variable parts; sizes are counted first, then carved. */
struct arena {
	char *base;
	size_t used, size;
};

static void *carve(void *arena, size_t size)
{
	struct arena *a = arena;
	void *p = a->base + a->used;

	a->used += (size + 63) & ~(size_t)63;
	return a->used <= a->size ? p : NULL;
}

static size_t rounded(size_t size)
{
	return (size + 63) & ~(size_t)63;
}

static uint64_t mac48_of(const struct vd_mac *mac)
{
	uint64_t v = 0;

	memcpy(&v, mac->addr, sizeof(mac->addr));
	return v;
}

static bool is_private(const struct vsw_vlan *v)
{
	return v->mode == VSW_VLAN_ISOLATED || v->mode == VSW_VLAN_COMMUNITY ||
	       v->mode == VSW_VLAN_PROMISCUOUS;
}

static bool wants_bitmap(const struct vsw_vlan *v)
{
	return v->mode == VSW_VLAN_TRUNK || v->mode == VSW_VLAN_COMMUNITY ||
	       v->mode == VSW_VLAN_PROMISCUOUS;
}

static void set_bit(uint64_t *map, uint16_t vid)
{
	map[vid >> 6] |= UINT64_C(1) << (vid & 63);
}

/* The table in snapshot.h. */
static void set_vlan(struct vsw_snap_port *p, const struct vsw_vlan *v, struct arena *a)
{
	uint64_t *out = NULL, *in;

	if (wants_bitmap(v)) {
		out = carve(a, 512);
		memset(out, 0, 512);
		p->out = out;
	}
	p->native = VSW_VID_NONE;
	p->out_vid = v->vid;
	p->pvid = v->vid;
	switch (v->mode) {
	case VSW_VLAN_NONE:
		p->pvid = p->out_vid = 0;
		break;
	case VSW_VLAN_ACCESS:
		break;
	case VSW_VLAN_TRUNK:
		in = carve(a, 512);
		memcpy(in, v->list, 512);
		memcpy(out, v->list, 512);
		p->in_tags = in;
		p->native = v->vid;
		if (v->vid != VSW_VID_NONE)
			set_bit(out, v->vid);
		p->flags |= VSW_SNAP_TAGGED;
		break;
	case VSW_VLAN_ISOLATED:
		p->pvid = v->secondary;
		break;
	case VSW_VLAN_COMMUNITY:
		p->pvid = v->secondary;
		set_bit(out, v->vid);
		set_bit(out, v->secondary);
		break;
	case VSW_VLAN_PROMISCUOUS:
		memcpy(out, v->list, 512);
		set_bit(out, v->vid);
		break;
	}
}

/* Secondaries share their primary's filtering ID. */
static void join_fids(uint16_t *fid_of, const struct vsw_vlan *v)
{
	if (v->mode == VSW_VLAN_ISOLATED || v->mode == VSW_VLAN_COMMUNITY)
		fid_of[v->secondary] = v->vid;
	if (v->mode == VSW_VLAN_PROMISCUOUS)
		for (uint16_t vid = VSW_VID_MIN; vid <= VSW_VID_MAX; vid++)
			if (vsw_vlan_has(v, vid))
				fid_of[vid] = v->vid;
}

static int switch_of(const struct vsw_model *m, const struct vsw_port_cfg *cfg)
{
	for (unsigned int i = 0; i < m->n_switches; i++)
		if (!strcmp(m->switches[i].name, cfg->sw))
			return (int)i;
	return -1;
}

/* A confined port may have a VLAN of its own meanwhile. */
static struct vsw_vlan vlan_of(const struct vsw_binding *b, unsigned int i)
{
	struct vsw_vlan v = b->model->ports[i].vlan;

	if (b->ports[i]->vlan && (v.mode == VSW_VLAN_NONE || v.mode == VSW_VLAN_ACCESS)) {
		v.mode = VSW_VLAN_ACCESS;
		v.vid = b->ports[i]->vlan;
	}
	return v;
}

static void fill_port(struct vsw_snap_port *p, const struct vsw_binding *b, unsigned int i,
		      struct arena *a)
{
	const struct vsw_port_cfg *cfg = &b->model->ports[i];
	struct vsw_port *rt = b->ports[i];
	struct vsw_vlan vlan;

	memset(p, 0, sizeof(*p));
	p->rt = rt;
	p->index = p->learn_as = rt->index;
	p->role = (uint8_t)cfg->role;
	p->learn = cfg->learn;
	vlan = vlan_of(b, i);
	set_vlan(p, &vlan, a);
	if (cfg->link_up)
		p->flags |= VSW_SNAP_LINK_UP;
	p->gate = rt->next_gate;
	if (p->gate)
		p->flags |= VSW_SNAP_GATED;
	/* a confined port has to know who sends */
	if (p->gate && p->gate->quarantine)
		p->flags |= VSW_SNAP_SOURCES;
	if (rt->portal)
		p->flags |= VSW_SNAP_PORTAL;
	if (rt->statements)
		p->flags |= VSW_SNAP_STATEMENTS;
	p->flags |= vsw_qos_flags(b->model, i);
	if (vsw_policy_of(cfg)->guard.mac_spoofing) {
		p->flags |= VSW_SNAP_ANY_SOURCE;
		p->learn = RTE_MAX(p->learn, SPOOFING_LEARN);
	}
	if (cfg->has_mac)
		p->mac48 = mac48_of(&cfg->mac);
	else if (__atomic_load_n(&rt->first_mac_state, __ATOMIC_ACQUIRE) == VSW_FIRST_MAC_VALID)
		p->mac48 = mac48_of(&rt->first_mac);
	else if (cfg->role != VSW_ROLE_UPLINK && cfg->device.kind == VSW_DEV_NETDEV)
		p->flags |= VSW_SNAP_ADOPT_MAC;
	/* Hyper-V: addresses are known, not guessed, so a frame for nobody known goes only where
	 * somebody unknown can be */
	if (p->learn > 0 || cfg->role == VSW_ROLE_UPLINK || p->mac48 == 0)
		p->flags |= VSW_SNAP_FLOOD_UNKNOWN;
}

/* Are the two of one team, on one switch? */
static bool are_mates(const struct vsw_port_cfg *a, const struct vsw_port_cfg *b)
{
	const char *team = vsw_policy_of(a)->guard.team;

	return a != b && team[0] && !strcmp(team, vsw_policy_of(b)->guard.team) &&
	       !strcmp(a->sw, b->sw);
}

static size_t mates_size(const struct vsw_model *m)
{
	size_t size = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		size_t n = 0;

		if (!vsw_policy_of(&m->ports[i])->guard.team[0])
			continue;
		for (unsigned int k = 0; k < m->n_ports; k++)
			n += are_mates(&m->ports[i], &m->ports[k]);
		size += rounded(n * sizeof(uint64_t));
	}
	return size;
}

/* The addresses of the other ports of each port's team. */
static void fill_mates(struct vsw_snapshot *s, const struct vsw_model *m, struct arena *a)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		uint64_t *mates = NULL;

		if (!vsw_policy_of(&m->ports[i])->guard.team[0])
			continue;
		for (unsigned int k = 0; k < m->n_ports; k++) {
			if (!are_mates(&m->ports[i], &m->ports[k]) || !s->all[k].mac48)
				continue;
			if (!mates)
				mates = (uint64_t *)((char *)a->base + a->used);
			mates[s->all[i].n_mates++] = s->all[k].mac48;
		}
		if (mates)
			s->all[i].mates = carve(a, s->all[i].n_mates * sizeof(uint64_t));
	}
}

static size_t arena_size(const struct vsw_model *m, uint32_t n_queues, uint16_t n_workers)
{
	size_t size = rounded(m->n_ports * sizeof(struct vsw_snap_port)) +
		      rounded(m->n_switches * sizeof(struct vsw_snap_switch)) +
		      rounded(m->n_ports * sizeof(void *)) + 64 * (m->n_switches + 1u) +
		      rounded(n_queues * sizeof(struct vsw_snap_queue)) * n_workers;

	for (unsigned int i = 0; i < m->n_ports; i++)
		if (wants_bitmap(&m->ports[i].vlan))
			size += 1024;
	/* one VID->FID table a switch at most */
	return size + m->n_switches * rounded(4096 * sizeof(uint16_t)) + mates_size(m) +
	       vsw_mirror_arena(m) + vsw_team_arena(m);
}

/*
 * Queue q of a port with several goes to worker q, which also sends on queue q: a kernel tap steers a
 * flow to the queue it was answered on, so that both directions stay with one worker and in order. Ports with
 * one queue go round the workers.
 */
static void assign_queues(struct vsw_snapshot *s, uint16_t n_workers, uint32_t n_queues,
			  struct arena *a)
{
	uint16_t next = 0;

	for (uint16_t w = 0; w < n_workers; w++)
		s->work[w].queues = carve(a, n_queues * sizeof(struct vsw_snap_queue));
	for (uint16_t i = 0; i < s->n_ports; i++) {
		uint16_t n = s->all[i].rt->n_rxq;

		for (uint16_t q = 0; q < n; q++) {
			struct vsw_snap_work *w = &s->work[(n > 1 ? q : next++) % n_workers];

			w->queues[w->n].port = &s->all[i];
			w->queues[w->n++].queue = q;
		}
	}
}

/* Which private-VLAN secondaries share whose filtering ID; a switch without private VLANs has no table. */
static void fill_fids(struct vsw_snap_port *p, const struct vsw_vlan *v, uint16_t **fid_of,
		      struct arena *a)
{
	if (!is_private(v))
		return;
	if (!*fid_of) {
		*fid_of = carve(a, 4096 * sizeof(uint16_t));
		for (uint16_t vid = 0; vid < 4096; vid++)
			(*fid_of)[vid] = vid;
	}
	join_fids(*fid_of, v);
	p->flags |= VSW_SNAP_PRIVATE;
}

static int fill_switches(struct vsw_snapshot *s, const struct vsw_binding *b, struct arena *a)
{
	const struct vsw_model *m = b->model;
	uint16_t **fid_of = calloc(m->n_switches + 1u, sizeof(*fid_of));

	if (!fid_of)
		return -ENOMEM;
	memset(s->switches, 0, m->n_switches * sizeof(*s->switches));
	for (unsigned int i = 0; i < m->n_ports; i++) {
		int k = switch_of(m, &m->ports[i]);

		s->all[i].sw = &s->switches[k];
		s->all[i].fdb = b->fdbs[k];
		s->all[i].mtu = m->switches[k].mtu;
		s->switches[k].n_ports++;
		fill_fids(&s->all[i], &m->ports[i].vlan, &fid_of[k], a);
	}
	for (unsigned int k = 0; k < m->n_switches; k++) {
		const struct vsw_switch_cfg *sw = &m->switches[k];

		s->switches[k].nlb = sw->nlb;
		s->switches[k].mcast = b->fdbs[k]->mcast
					       ? (sw->igmp_snooping ? VSW_MCAST_IGMP : 0) |
							 (sw->mld_snooping ? VSW_MCAST_MLD : 0)
					       : 0;
		s->switches[k].ports = carve(a, s->switches[k].n_ports * sizeof(void *));
		s->switches[k].n_ports = 0;
	}
	for (unsigned int i = 0; i < m->n_ports; i++) {
		struct vsw_snap_switch *sw = &s->switches[s->all[i].sw - s->switches];

		s->all[i].fid_of = fid_of[sw - s->switches];
		sw->ports[sw->n_ports++] = &s->all[i];
	}
	free(fid_of);
	return 0;
}

struct vsw_snapshot *vsw_snapshot_build(const struct vsw_binding *b, uint16_t n_workers,
					uint64_t generation)
{
	const struct vsw_model *m = b->model;
	struct vsw_snapshot *s = calloc(1, sizeof(*s));
	struct arena a = {0};
	uint32_t n_queues = 0;

	if (!s)
		return NULL;
	for (unsigned int i = 0; i < m->n_ports; i++)
		n_queues += b->ports[i]->n_rxq;
	a.size = arena_size(m, n_queues, n_workers);
	a.base = aligned_alloc(64, rounded(a.size));
	if (!a.base) {
		free(s);
		return NULL;
	}
	s->arena = a.base;
	s->generation = generation;
	s->n_ports = (uint16_t)m->n_ports;
	s->n_switches = (uint16_t)m->n_switches;
	s->all = carve(&a, m->n_ports * sizeof(struct vsw_snap_port));
	s->switches = carve(&a, m->n_switches * sizeof(struct vsw_snap_switch));
	for (unsigned int i = 0; i < m->n_ports; i++) {
		fill_port(&s->all[i], b, i, &a);
		s->ports[s->all[i].index] = &s->all[i];
	}
	if (fill_switches(s, b, &a) < 0) {
		vsw_snapshot_free(s);
		return NULL;
	}
	assign_queues(s, n_workers, n_queues, &a);
	fill_mates(s, m, &a);
	vsw_mirror_compile(s, b, carve, &a);
	vsw_team_compile(s, b, carve, &a);
	if (m->quarantine)
		s->portal = m->quarantine->policy->portal;
	/* only now is all known that the choice depends on */
	for (unsigned int i = 0; i < m->n_ports; i++)
		s->all[i].input = vsw_pipeline_input(&s->all[i]);
	return s;
}

void vsw_snapshot_free(struct vsw_snapshot *s)
{
	if (!s)
		return;
	free(s->arena);
	free(s);
}

/* Where the address of teamed port @i is now: a mate may have taken it over. */
static uint16_t place_of(const struct vsw_binding *b, unsigned int sw, unsigned int i,
			 const struct vsw_fdb_static *e)
{
	uint64_t key = vsw_fdb_key(mac48_of(&e->mac), e->fid);
	const struct vsw_fdb_slot *s = vsw_fdb_find(b->fdbs[sw], key, vsw_fdb_hash(key));

	for (unsigned int k = 0; s && k < b->model->n_ports; k++)
		if (b->ports[k]->index == s->port &&
		    are_mates(&b->model->ports[i], &b->model->ports[k]))
			return s->port;
	return b->ports[i]->index;
}

static uint16_t fid_in_model(const struct vsw_model *m, const char *sw, uint16_t vid)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_vlan *v = &m->ports[i].vlan;

		if (!is_private(v) || strcmp(m->ports[i].sw, sw))
			continue;
		if (v->mode == VSW_VLAN_PROMISCUOUS ? vsw_vlan_has(v, vid) : v->secondary == vid)
			return v->vid;
	}
	return vid;
}

unsigned int vsw_snapshot_statics(const struct vsw_binding *b, unsigned int sw,
				  struct vsw_fdb_static *ret)
{
	const struct vsw_model *m = b->model;
	const struct vsw_switch_cfg *cfg = &m->switches[sw];
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *p = &m->ports[i];
		struct vsw_port *rt = b->ports[i];
		struct vsw_vlan vlan = vlan_of(b, i);

		if (strcmp(p->sw, cfg->name) || p->role == VSW_ROLE_UPLINK)
			continue;
		if (p->has_mac)
			ret[n].mac = p->mac;
		else if (__atomic_load_n(&rt->first_mac_state, __ATOMIC_ACQUIRE) ==
			 VSW_FIRST_MAC_VALID)
			ret[n].mac = rt->first_mac;
		else
			continue;
		ret[n].fid = vlan.mode == VSW_VLAN_TRUNK  ? VSW_FID_ANY
			     : vlan.mode == VSW_VLAN_NONE ? 0
							  : vlan.vid;
		ret[n].port =
			vsw_policy_of(p)->guard.team[0] ? place_of(b, sw, i, &ret[n]) : rt->index;
		n++;
	}
	for (unsigned int k = 0; k < cfg->n_statics; k++) {
		const struct vsw_static_entry *e = &cfg->statics[k];

		for (unsigned int i = 0; i < m->n_ports; i++) {
			if (strcmp(m->ports[i].name, e->port))
				continue;
			ret[n].mac = e->mac;
			ret[n].fid = fid_in_model(m, cfg->name, e->vid);
			ret[n++].port = b->ports[i]->index;
			break;
		}
	}
	return n;
}
