/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet path: admission, learning, forwarding. tx.c has the way out. */
#include "vswitch/datapath/pipeline.h"

#include "vswitch/datapath/capture_point.h"
#include "vswitch/datapath/probe.h"
#include "vswitch/datapath/recorder.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/datapath/txbuf.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/guard.h"
#include "vswitch/policy/mcast.h"
#include "vswitch/policy/mirror.h"
#include "vswitch/policy/portal.h"
#include "vswitch/policy/shape_path.h"
#include "vswitch/policy/team.h"

/* Shorter than a tenth of the shortest ageing time; a stamp that is nearly right costs no cache line. */
#define REFRESH_STAMPS 8

static __rte_always_inline struct vsw_counters *counters(const struct vsw_worker *w,
							 const struct vsw_snap_port *p)
{
	return p->rt->counters[w->id];
}

/* ---- tracing: what a stage says, tested for once a burst ---- */

static __rte_noinline void trace_drop(struct vsw_worker *w, const struct vsw_snap_port *p,
				      enum vsw_drop reason, uint32_t detail)
{
	struct vsw_trace *t = w->trace;

	vsw_trace_step(w, p, VSW_TRACE_DROP, "drop", "%s: %s", vsw_drop_info[reason].name,
		       vsw_drop_info[reason].text);
	t->step[t->n - 1].reason = (uint16_t)reason;
	t->step[t->n - 1].rule = detail;
}

static __rte_noinline void trace_admitted(struct vsw_worker *w, const struct vsw_snap_port *p,
					  const struct vsw_vec *v)
{
	for (uint16_t i = 0; i < v->n; i++)
		if (v->vid[i])
			vsw_trace_step(w, p, VSW_TRACE_PASS, "admit", "%s, in VLAN %u",
				       v->tag[i] & VSW_HAS_TAG ? "tagged" : "untagged", v->vid[i]);
		else
			vsw_trace_step(w, p, VSW_TRACE_PASS, "admit", "untagged, in no VLAN");
}

static __rte_noinline void trace_source(struct vsw_worker *w, const struct vsw_snap_port *p,
					const struct vsw_vec *v, const char *text)
{
	for (uint16_t i = 0; i < v->n; i++)
		vsw_trace_step(w, p, VSW_TRACE_PASS, "source", "%s", text);
}

void vsw_pipeline_drop_by(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			  enum vsw_drop reason, uint32_t detail)
{
	if (unlikely(w->trace)) {
		trace_drop(w, p, reason, detail);
		rte_pktmbuf_free(m);
		return;
	}
	counters(w, p)->drops[reason]++;
	vsw_recorder_add(p->rt->recorder[w->id], m, reason, detail, p->gate ? p->gate->epoch : 0);
	vsw_capture_drop(w->dp, p->index, m, reason);
	rte_pktmbuf_free(m);
}

void vsw_pipeline_drop(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
		       enum vsw_drop reason)
{
	vsw_pipeline_drop_by(w, p, m, reason, 0);
}

/* ---- admission ---- */

/* A frame with any TPID, or one that a plain check could not pass. Returns false when dropped. */
static __rte_noinline bool admit_tagged(struct vsw_worker *w, const struct vsw_snap_port *p,
					struct rte_mbuf *m, uint16_t *vid, uint8_t *tag)
{
	const char *d = rte_pktmbuf_mtod(m, const char *);
	enum vsw_drop why;
	uint16_t tci;

	why = VSW_DROP_VLAN_FORMAT;
	if (vd_load16(d + 12) != VSW_LE_TPID_C || m->data_len < VSW_ETH_SIZE + VSW_TAG_SIZE)
		goto drop;
	tci = rte_be_to_cpu_16(vd_load16(d + 14));
	*vid = tci & 0xfff;
	if (*vid == 0xfff)
		goto drop;
	*tag = VSW_HAS_TAG;
	if (vsw_is_tpid(vd_load16(d + 16)))
		*tag |= VSW_INNER_TAG;
	if (*vid == 0) { /* priority only: the frame counts as untagged */
		why = VSW_DROP_VLAN_DOUBLE_TAG;
		if (*tag & VSW_INNER_TAG)
			goto drop;
		why = VSW_DROP_VLAN_UNTAGGED;
		if (p->pvid == VSW_VID_NONE)
			goto drop;
		*vid = p->pvid;
		*tag |= VSW_PRIORITY_TAG;
		return true;
	}
	why = VSW_DROP_VLAN_UNAUTHORIZED;
	if (!p->in_tags || !(p->in_tags[*vid >> 6] >> (*vid & 63) & 1))
		goto drop;
	return true;
drop:
	vsw_pipeline_drop(w, p, m, why);
	return false;
}

/* Sizes that a first look found suspicious. */
static __rte_noinline bool admit_size(struct vsw_worker *w, const struct vsw_snap_port *p,
				      struct rte_mbuf *m)
{
	uint32_t most = p->mtu + VSW_ETH_SIZE;

	if (m->data_len < VSW_ETH_SIZE) {
		vsw_pipeline_drop(w, p, m, VSW_DROP_RUNT);
		return false;
	}
	if (vsw_is_tpid(vd_load16(rte_pktmbuf_mtod(m, char *) + 12)))
		most += VSW_TAG_SIZE;
	/* a super-frame is judged by the segments it will become */
	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)) {
		if (m->l2_len + m->l3_len + m->l4_len + (uint32_t)m->tso_segsz <= most)
			return true;
	} else if (m->pkt_len <= most) {
		return true;
	}
	vsw_pipeline_drop(w, p, m, VSW_DROP_GIANT);
	return false;
}

/*
 * First checks of every frame; fills the vector with those that pass. Where it @hears: true, if one of them may be a
 * client's DHCP, which is looked at anew then; bytes behind a short frame may look like it.
 */
static __rte_always_inline bool admit(struct vsw_worker *w, const struct vsw_snap_port *p,
				      struct vsw_vec *v, const bool any_untagged, const bool hears)
{
	const uint32_t most = p->mtu + VSW_ETH_SIZE;
	const uint16_t pvid = p->pvid;
	uint64_t bytes = 0;
	bool heard = false;
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++) {
		struct rte_mbuf *m = v->m[i];
		const char *d = rte_pktmbuf_mtod(m, const char *);
		uint64_t hi;
		uint16_t type;

		bytes += m->pkt_len;
		if (unlikely(m->pkt_len - VSW_ETH_SIZE > most - VSW_ETH_SIZE ||
			     m->data_len < VSW_ETH_SIZE))
			if (!admit_size(w, p, m))
				continue;
		hi = vd_load64(d + 6);
		type = hi >> 48;
		v->dst[k] = vd_load64(d) & VSW_MAC48;
		v->src[k] = hi & VSW_MAC48;
		v->vid[k] = pvid;
		v->tag[k] = 0;
		if (hears)
			heard |= vd_load32(d + VSW_DHCP_PORTS_AT) == VSW_LE_DHCP_PORTS;
		if (unlikely(vsw_is_tpid(type))) {
			if (!admit_tagged(w, p, m, &v->vid[k], &v->tag[k]))
				continue;
			if (hears)
				heard |= vd_load32(d + VSW_DHCP_PORTS_AT + VSW_TAG_SIZE) ==
					 VSW_LE_DHCP_PORTS;
		} else if (!any_untagged && unlikely(pvid == VSW_VID_NONE)) {
			vsw_pipeline_drop(w, p, m, VSW_DROP_VLAN_UNTAGGED);
			continue;
		}
		v->m[k++] = m;
	}
	counters(w, p)->rx_packets += v->n;
	counters(w, p)->rx_bytes += bytes;
	v->n = k;
	if (unlikely(w->trace))
		trace_admitted(w, p, v);
	return heard;
}

/* ---- sources ---- */

/*
 * The hash of key @i, whose bucket is asked for. A VM's burst mostly has one source and few destinations, often one after
 * the other: an address that is that of the frame before is not looked up again.
 */
static __rte_always_inline uint64_t ask_ahead(const struct vsw_fdb *fdb, const uint64_t *key,
					      const uint64_t *hash, uint16_t i)
{
	uint64_t h;

	if (i && key[i] == key[i - 1])
		return hash[i - 1];
	h = vsw_fdb_hash(key[i]);
	rte_prefetch0(vsw_fdb_first(fdb, h));
	return h;
}

/* The first frame of a port without an address names it. */
static void adopt_mac(struct vsw_worker *w, const struct vsw_snap_port *p, uint64_t src)
{
	uint32_t wanted = VSW_FIRST_MAC_WANTED;
	const struct vsw_io_env *env = p->rt->io->env;

	if (src & 1 || src == 0 || w->trace)
		return;
	if (!__atomic_compare_exchange_n(&p->rt->first_mac_state, &wanted, VSW_FIRST_MAC_WRITING,
					 false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	memcpy(p->rt->first_mac.addr, &src, sizeof(p->rt->first_mac.addr));
	__atomic_store_n(&p->rt->first_mac_state, VSW_FIRST_MAC_VALID, __ATOMIC_RELEASE);
	env->notify(env->ctx, p->rt->io);
}

static bool is_mate(const struct vsw_snap_port *p, uint64_t src)
{
	for (uint16_t i = 0; i < p->n_mates; i++)
		if (p->mates[i] == src)
			return true;
	return false;
}

/* Not the assigned address, at a port that may not show others. Returns false when dropped. */
static __rte_noinline bool foreign_source(struct vsw_worker *w, const struct vsw_snap_port *p,
					  struct rte_mbuf *m, uint64_t src)
{
	enum vsw_drop why = VSW_DROP_MAC_SPOOFING;
	uint64_t first = 0;

	if (src & 1 || src == 0) {
		why = VSW_DROP_SOURCE_MAC_INVALID;
	} else if (p->flags & VSW_SNAP_ADOPT_MAC) {
		adopt_mac(w, p, src);
		if (__atomic_load_n(&p->rt->first_mac_state, __ATOMIC_ACQUIRE) ==
		    VSW_FIRST_MAC_VALID)
			memcpy(&first, p->rt->first_mac.addr, sizeof(p->rt->first_mac.addr));
		if (src == first)
			return true;
	} else if (is_mate(p, src)) {
		return true;
	}
	vsw_pipeline_drop(w, p, m, why);
	return false;
}

/*
 * A team of the guest moves an address from one of its ports to another by using it there; frames for it
 * must follow at once.
 */
static void claim_sources(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	for (uint16_t i = 0; i < v->n; i++)
		if (v->src[i] == p->mac48 || is_mate(p, v->src[i]))
			vsw_fdb_claim(p->fdb, v->src[i], vsw_snap_fid(p, v->vid[i]), p->index);
}

/* Ports that own one address and show no other: no look-up needed. */
static __rte_always_inline void check_sources(struct vsw_worker *w, const struct vsw_snap_port *p,
					      struct vsw_vec *v)
{
	const uint64_t mine = p->mac48;
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++) {
		if (unlikely(v->src[i] != mine) && !foreign_source(w, p, v->m[i], v->src[i]))
			continue;
		vsw_vec_keep(v, k++, i);
	}
	v->n = k;
	if (unlikely(w->trace))
		trace_source(w, p, v, "the port's own address");
}

/* Unknown or moved. Returns false when the frame was dropped. */
static __rte_noinline bool learn_slow(struct vsw_worker *w, const struct vsw_snap_port *p,
				      struct rte_mbuf *m, uint64_t src, uint16_t fid)
{
	enum vsw_drop why;

	if (src == p->mac48 || is_mate(p, src))
		return true;
	if (src & 1 || src == 0 || src == VSW_PORTAL_MAC48) {
		why = VSW_DROP_SOURCE_MAC_INVALID;
		goto drop;
	}
	if (unlikely(w->trace)) {
		vsw_trace_step(w, p, VSW_TRACE_NOTE, "source",
			       "not known here: would be learned, if the port's limit allows");
		return true;
	}
	/* all nodes of a cluster have this one: it is behind none of them */
	if (p->sw->nlb && (src & 0xffff) == 0xbf02)
		return true;
	if (p->flags & VSW_SNAP_MEMBER && vsw_team_came_back(w->snap, p, src, fid, w->now)) {
		why = VSW_DROP_TEAM_LOOP;
		goto drop;
	}
	switch (vsw_fdb_learn(p->fdb, src, fid, p->learn_as, p->learn, w->now)) {
	case VSW_LEARN_OK:
	case VSW_LEARN_BUSY:
	case VSW_LEARN_FULL:
		return true;
	case VSW_LEARN_PORT_LIMIT:
		/* a network has as many stations as it has; a VM has as many as it was given */
		if (p->role == VSW_ROLE_UPLINK || p->flags & VSW_SNAP_ANY_SOURCE)
			return true;
		why = VSW_DROP_MAC_LIMIT;
		break;
	default:
		if (p->flags & VSW_SNAP_ANY_SOURCE)
			return true; /* the address stays where it is assigned */
		why = VSW_DROP_MAC_CONFLICT;
		break;
	}
drop:
	vsw_pipeline_drop(w, p, m, why);
	return false;
}

static __rte_always_inline void learn(struct vsw_worker *w, const struct vsw_snap_port *p,
				      struct vsw_vec *v)
{
	const struct vsw_fdb *fdb = p->fdb;
	uint64_t key[VSW_BURST], hash[VSW_BURST];
	bool known = false;
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++) {
		key[i] = vsw_fdb_key(v->src[i], vsw_snap_fid(p, v->vid[i]));
		hash[i] = ask_ahead(fdb, key, hash, i);
	}
	for (uint16_t i = 0; i < v->n; i++) {
		struct vsw_fdb_slot *s;

		if (known && key[i] == key[i - 1]) {
			vsw_vec_keep(v, k++, i);
			continue;
		}
		s = vsw_fdb_find(fdb, key[i], hash[i]);
		known = s && s->port == p->learn_as;
		if (likely(known)) {
			if (unlikely(w->now - s->stamp > REFRESH_STAMPS) && !w->trace)
				s->stamp = w->now;
		} else if (!learn_slow(w, p, v->m[i], v->src[i], vsw_snap_fid(p, v->vid[i]))) {
			continue;
		}
		vsw_vec_keep(v, k++, i);
	}
	v->n = k;
	if (unlikely(w->trace))
		trace_source(w, p, v, "an address that the port may show");
}

/* ---- forwarding ---- */

/*
 * Give the frame the tag that @d's wire wants. Returns false when it must not go there: untagging
 * would let an inner tag become the outer one.
 */
static __rte_always_inline bool retag(struct rte_mbuf *m, uint8_t tag, uint16_t vid,
				      const struct vsw_snap_port *d, enum vsw_drop *why)
{
	if (likely(!tag)) {
		if (likely(!vsw_snap_tags(d, vid)))
			return true;
		*why = VSW_DROP_NO_MEMORY;
		return vsw_tag_insert(m, vid);
	}
	if (vsw_snap_tags(d, vid)) {
		if (tag & VSW_PRIORITY_TAG)
			vsw_tag_set_vid(m, vid);
		return true;
	}
	*why = VSW_DROP_VLAN_DOUBLE_TAG;
	if (tag & VSW_INNER_TAG)
		return false;
	vsw_tag_strip(m);
	return true;
}

/* One frame to one port. */
static __rte_always_inline void deliver(struct vsw_worker *w, const struct vsw_snap_port *p,
					const struct vsw_snap_port *d, struct rte_mbuf *m,
					uint16_t vid, uint8_t tag)
{
	enum vsw_drop why = VSW_DROP_VLAN_FILTERED;

	if (unlikely(d->flags & VSW_SNAP_MEMBER)) {
		d = vsw_team_pick(p, m);
		if (!d) {
			vsw_pipeline_drop(w, p, m, VSW_DROP_HAIRPIN);
			return;
		}
	}
	if (unlikely(!vsw_snap_delivers(d, vid))) {
		if (p->flags & d->flags & VSW_SNAP_PRIVATE)
			why = VSW_DROP_PVLAN;
		vsw_pipeline_drop(w, d, m, why);
		return;
	}
	if (unlikely(!retag(m, tag, vid, d, &why))) {
		vsw_pipeline_drop(w, d, m, why);
		return;
	}
	if (unlikely(d->flags & VSW_SNAP_SOURCES)) {
		m->port = p->index;
		m->hash.usr = w->flood;
		m->vlan_tci = vid;
	}
	vsw_txbuf_add(w, d, m);
}

/* Never 0, and not soon again, on whichever worker. */
static uint32_t flood_number(struct vsw_worker *w, bool unknown)
{
	w->floods += VSW_WORKERS_MAX;
	return ((w->floods | w->id | 1u << 30) & ~VSW_FLOOD_UNKNOWN) |
	       (unknown ? VSW_FLOOD_UNKNOWN : 0);
}

/* Who gets group frame @m: a snooping switch may know. */
static __rte_noinline enum vsw_mcast_to snoop(struct vsw_worker *w, const struct vsw_snap_port *p,
					      struct rte_mbuf *m, uint16_t vid, uint64_t *key)
{
	const struct vsw_gate_guard *g = p->gate ? p->gate->guard : NULL;
	struct vsw_headers h;
	struct vsw_mcast_frame f = {
		.h = &h,
		.d = rte_pktmbuf_mtod(m, const uint8_t *),
		.len = m->data_len,
		.fid = vsw_snap_fid(p, vid),
		.port = p->learn_as,
		.may_route = !g || !(g->checks & VSW_GUARD_ROUTER),
		.families = p->sw->mcast,
		.now = w->now,
	};

	f.dst = vd_load64(f.d) & VSW_MAC48;
	if (f.dst == VSW_MAC48 || w->trace)
		return VSW_MCAST_ALL;
	vsw_headers_parse(f.d, f.len, m->pkt_len, &h);
	return vsw_mcast_input(p->fdb->mcast, &f, key);
}

/* Copies to all that may have it, the original to the last of them. */
static __rte_noinline void flood(struct vsw_worker *w, const struct vsw_snap_port *p,
				 struct rte_mbuf *m, uint16_t vid, uint8_t tag, bool unknown)
{
	const struct vsw_snap_port *last = NULL;
	enum vsw_mcast_to to = VSW_MCAST_ALL;
	uint64_t key = 0;

	if (unlikely(p->sw->mcast) && !unknown)
		to = snoop(w, p, m, vid, &key);
	w->flood = flood_number(w, unknown);
	if (unlikely(w->trace))
		vsw_trace_step(
			w, p, VSW_TRACE_NOTE, "forward",
			unknown ? "the destination is not known: to every port where unknown "
				  "addresses can be"
				: "a group address: to every port of the VLAN");
	for (uint16_t i = 0; i < p->sw->n_ports; i++) {
		const struct vsw_snap_port *d = p->sw->ports[i];
		struct rte_mbuf *copy;

		if (d == p || !vsw_snap_delivers(d, vid) || !(d->flags & VSW_SNAP_LINK_UP) ||
		    (unknown && !(d->flags & VSW_SNAP_FLOOD_UNKNOWN)))
			continue;
		if (unlikely((p->flags | d->flags) & VSW_SNAP_MEMBER) && !vsw_team_floods(p, d))
			continue;
		if (unlikely(to != VSW_MCAST_ALL) &&
		    !vsw_mcast_wants(p->fdb->mcast, to, key, d->learn_as, w->now))
			continue;
		if (unlikely(d->flags & VSW_SNAP_MIRROR) && vsw_mirror_covers(p, d, m))
			continue;
		if (last) {
			copy = rte_pktmbuf_copy(m, vsw_worker_pool(w), 0, UINT32_MAX);
			if (copy)
				deliver(w, p, last, copy, vid, tag);
			else
				counters(w, p)->drops[VSW_DROP_NO_MEMORY]++;
		}
		last = d;
	}
	if (last)
		deliver(w, p, last, m, vid, tag);
	else
		vsw_pipeline_drop(w, p, m,
				  to != VSW_MCAST_ALL          ? VSW_DROP_NOT_MEMBER
				  : p->flags & VSW_SNAP_MEMBER ? VSW_DROP_TEAM_MEMBER
							       : VSW_DROP_NO_DESTINATION);
	w->flood = 0;
}

static __rte_noinline void forward_slow(struct vsw_worker *w, const struct vsw_snap_port *p,
					struct vsw_vec *v, uint16_t i)
{
	uint16_t fid = vsw_snap_fid(p, v->vid[i]), port = 0xffff;
	const struct vsw_snap_port *d = NULL;
	bool group = v->dst[i] & 1;

	/* a gate has looked before */
	if (unlikely(p->flags & VSW_SNAP_PORTAL) && !p->gate && vsw_portal_maybe(v->dst[i]) &&
	    vsw_portal_take(w, p, v->m[i]))
		return;
	if (group && vsw_is_reserved(v->dst[i])) {
		vsw_pipeline_drop(w, p, v->m[i], VSW_DROP_RESERVED_ADDRESS);
		return;
	}
	if (!group)
		port = vsw_fdb_lookup(p->fdb, v->dst[i], fid);
	if (port < VSW_PORTS_MAX)
		d = w->snap->ports[port];
	/* an entry may be older than the snapshot: then the port is not of this switch any more */
	if (!d || d->sw != p->sw)
		flood(w, p, v->m[i], v->vid[i], v->tag[i], !group);
	else if (d == p)
		vsw_pipeline_drop(w, p, v->m[i], VSW_DROP_HAIRPIN);
	else
		deliver(w, p, d, v->m[i], v->vid[i], v->tag[i]);
}

/* The port that frames of @p with @key go to by the table alone; NULL: that is not enough. */
static __rte_always_inline const struct vsw_snap_port *destination(const struct vsw_worker *w,
								   const struct vsw_snap_port *p,
								   uint64_t key, uint64_t hash)
{
	struct vsw_fdb_slot *s = vsw_fdb_find(p->fdb, key, hash);
	const struct vsw_snap_port *d;
	uint16_t port;

	if (unlikely(!s))
		return NULL;
	port = vsw_fdb_slot_port(s, key);
	if (unlikely(port >= VSW_PORTS_MAX))
		return NULL;
	d = w->snap->ports[port];
	return likely(d && d != p && d->sw == p->sw) ? d : NULL;
}

static __rte_always_inline void forward(struct vsw_worker *w, const struct vsw_snap_port *p,
					struct vsw_vec *v)
{
	const struct vsw_fdb *fdb = p->fdb;
	uint64_t key[VSW_BURST], hash[VSW_BURST];
	const struct vsw_snap_port *d = NULL;

	for (uint16_t i = 0; i < v->n; i++) {
		key[i] = vsw_fdb_key(v->dst[i], vsw_snap_fid(p, v->vid[i]));
		hash[i] = ask_ahead(fdb, key, hash, i);
	}
	for (uint16_t i = 0; i < v->n; i++) {
		if (!d || key[i] != key[i - 1])
			d = destination(w, p, key[i], hash[i]);
		/* group addresses are never learned, so they take the slow way as well */
		if (likely(d != NULL))
			deliver(w, p, d, v->m[i], v->vid[i], v->tag[i]);
		else
			forward_slow(w, p, v, i);
	}
}

/* ---- one input function per feature set ---- */

static void input_fixed(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	admit(w, p, v, true, false);
	check_sources(w, p, v);
	forward(w, p, v);
}

static void input_learning(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	admit(w, p, v, true, false);
	learn(w, p, v);
	forward(w, p, v);
}

/* Ports whose machines may speak of their health in DHCP: what nobody says costs a comparison. */
static void input_fixed_hearing(struct vsw_worker *w, const struct vsw_snap_port *p,
				struct vsw_vec *v)
{
	bool heard = admit(w, p, v, true, true);

	check_sources(w, p, v);
	if (unlikely(heard))
		vsw_portal_hear_burst(w, p, v);
	forward(w, p, v);
}

static void input_learning_hearing(struct vsw_worker *w, const struct vsw_snap_port *p,
				   struct vsw_vec *v)
{
	if (unlikely(admit(w, p, v, true, true)))
		vsw_portal_hear_burst(w, p, v);
	learn(w, p, v);
	forward(w, p, v);
}

static void input_fixed_tagged_only(struct vsw_worker *w, const struct vsw_snap_port *p,
				    struct vsw_vec *v)
{
	admit(w, p, v, false, false);
	check_sources(w, p, v);
	forward(w, p, v);
}

static void input_learning_tagged_only(struct vsw_worker *w, const struct vsw_snap_port *p,
				       struct vsw_vec *v)
{
	admit(w, p, v, false, false);
	learn(w, p, v);
	forward(w, p, v);
}

/*
 * All stages, in the order of the extensible switch: what a gate drops is never learned. Timed one by one
 * when @measured, which is a constant at each call: a measured burst passes what every other one does.
 */
static __rte_always_inline void all_stages(struct vsw_worker *w, const struct vsw_snap_port *p,
					   struct vsw_vec *v, const bool measured)
{
	bool learning = vsw_snap_learns(p);

	admit(w, p, v, false, false);
	if (measured)
		vsw_stage_done(w, vsw_stage_here(w, VSW_STAGE_ADMIT, VSW_STAGE_ADMIT_2), v->n);
	if (!learning) {
		check_sources(w, p, v);
		if (measured)
			vsw_stage_done(w, vsw_stage_here(w, VSW_STAGE_SOURCE, VSW_STAGE_SOURCE_2),
				       v->n);
	}
	if (p->gate) {
		vsw_gate_from_vm(w, p, v);
		if (measured)
			vsw_stage_done(w, VSW_STAGE_GATE_FROM, v->n);
	} else if (p->flags & VSW_SNAP_STATEMENTS) {
		vsw_portal_hear_burst(w, p, v);
	}
	if (p->n_mates && !w->trace)
		claim_sources(w, p, v);
	if (learning) {
		learn(w, p, v);
		if (measured)
			vsw_stage_done(w, vsw_stage_here(w, VSW_STAGE_SOURCE, VSW_STAGE_SOURCE_2),
				       v->n);
	}
	forward(w, p, v);
	if (measured)
		vsw_stage_done(w, vsw_stage_here(w, VSW_STAGE_FORWARD, VSW_STAGE_FORWARD_2), v->n);
}

static void input_gated(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	all_stages(w, p, v, false);
}

static void input_link_down(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	counters(w, p)->rx_packets += v->n;
	for (uint16_t i = 0; i < v->n; i++) {
		counters(w, p)->rx_bytes += v->m[i]->pkt_len;
		vsw_pipeline_drop(w, p, v->m[i], VSW_DROP_LINK_DOWN);
	}
}

void (*vsw_pipeline_input(const struct vsw_snap_port *p))(struct vsw_worker *,
							  const struct vsw_snap_port *,
							  struct vsw_vec *)
{
	bool learning = vsw_snap_learns(p);

	if (!(p->flags & VSW_SNAP_LINK_UP))
		return input_link_down;
	if (p->gate || p->n_mates || (p->flags & VSW_SNAP_STATEMENTS && p->pvid == VSW_VID_NONE))
		return input_gated;
	if (p->flags & VSW_SNAP_STATEMENTS)
		return learning ? input_learning_hearing : input_fixed_hearing;
	if (p->pvid == VSW_VID_NONE)
		return learning ? input_learning_tagged_only : input_fixed_tagged_only;
	return learning ? input_learning : input_fixed;
}

/* Whoever wants to see what comes in sees it before anything is decided. */
static __rte_always_inline uint16_t tap_rx(struct vsw_worker *w, const struct vsw_snap_port *p,
					   struct rte_mbuf **m, uint16_t n)
{
	vsw_capture_rx(p, m, n);
	if (unlikely(p->rt->probe))
		n = vsw_probe_take(w, p, m, n);
	if (unlikely(p->flags & VSW_SNAP_TAPPED_RX))
		vsw_mirror_rx(w, p, m, n);
	return n;
}

static __rte_noinline void input_measured(struct vsw_worker *w, const struct vsw_snap_port *p,
					  struct vsw_vec *v)
{
	if (p->flags & VSW_SNAP_LINK_UP)
		all_stages(w, p, v, true);
	else
		p->input(w, p, v);
}

void vsw_pipeline_enter(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n)
{
	struct vsw_vec v;

	for (uint16_t done = 0, k; done < n; done += k) {
		k = RTE_MIN(n - done, VSW_BURST);
		memcpy(v.m, m + done, k * sizeof(*m));
		v.n = tap_rx(w, p, v.m, k);
		if (unlikely(w->measuring))
			input_measured(w, p, &v);
		else
			p->input(w, p, &v);
	}
}

void vsw_pipeline_inject(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			 uint16_t n)
{
	struct vsw_vec v;

	for (uint16_t done = 0; done < n; done += v.n) {
		uint16_t k = RTE_MIN(n - done, VSW_BURST);

		v.n = k;
		memcpy(v.m, m + done, k * sizeof(*m));
		if (likely(!w->trace))
			v.n = tap_rx(w, p, v.m, k);
		p->input(w, p, &v);
		vsw_pipeline_flush(w);
		v.n = k;
	}
}

/* Frames of a port with a limit. */
static __rte_noinline uint16_t receive_held(struct vsw_worker *w, const struct vsw_snap_port *p,
					    uint16_t queue, struct rte_mbuf **m)
{
	if (vsw_hold_closed(w, p))
		return 0;
	return vsw_hold_charge(w, p, m, p->rt->ops->rx(p->rt->io, queue, m, VSW_BURST));
}

static __rte_always_inline uint16_t receive(struct vsw_worker *w, const struct vsw_snap_port *p,
					    uint16_t queue, struct rte_mbuf **m)
{
	if (unlikely(p->flags & VSW_SNAP_HELD))
		return receive_held(w, p, queue, m);
	return p->rt->ops->rx(p->rt->io, queue, m, VSW_BURST);
}

/* One burst in VSW_STAGE_SAMPLE, so that `runtime` knows where cycles go, always. */
static __rte_noinline uint16_t poll_measured(struct vsw_worker *w, const struct vsw_snap_port *p,
					     uint16_t queue)
{
	uint64_t began = rte_rdtsc();
	struct vsw_vec v;

	w->mark = began;
	v.n = receive(w, p, queue, v.m);
	if (v.n) {
		uint16_t n = v.n;

		vsw_stage_done(w, VSW_STAGE_RX, n);
		v.n = tap_rx(w, p, v.m, n);
		w->measuring = true;
		input_measured(w, p, &v);
		vsw_pipeline_flush(w);
		w->measuring = false;
		counters(w, p)->cycles += rte_rdtsc() - began;
		return n;
	}
	return 0;
}

uint16_t vsw_pipeline_poll(struct vsw_worker *w, const struct vsw_snap_port *p, uint16_t queue)
{
	struct vsw_port *rt = p->rt;
	struct vsw_vec v;
	uint16_t n;

	/* the worker that had the queue in the last snapshot may still be inside it */
	if (unlikely(!rte_spinlock_trylock(&rt->rxq[queue].lock)))
		return 0;
	if (unlikely(w->bursts % VSW_STAGE_SAMPLE == 0)) {
		n = poll_measured(w, p, queue);
		w->bursts += n > 0;
		rte_spinlock_unlock(&rt->rxq[queue].lock);
		return n;
	}
	n = receive(w, p, queue, v.m);
	if (n) {
		w->bursts++;
		v.n = n;
		v.n = tap_rx(w, p, v.m, n);
		p->input(w, p, &v);
		vsw_pipeline_flush(w);
	}
	rte_spinlock_unlock(&rt->rxq[queue].lock);
	return n;
}
