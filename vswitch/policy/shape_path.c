/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers and shapers. */
#include "vswitch/policy/shape_path.h"

#include <rte_cycles.h>

#include "vswitch/datapath/txbuf.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/shape.h"

#define BURSTS_PER_TURN 8 /* of one port, before others get theirs */

static uint32_t epoch_of(const struct vsw_snap_port *p)
{
	return p && p->gate ? p->gate->epoch : 0;
}

/* Who sent @m, a frame for port @p that is marked with that; NULL: nobody that is still here. */
static const struct vsw_snap_port *source_of(const struct vsw_worker *w, const struct rte_mbuf *m)
{
	return m->port < VSW_PORTS_MAX ? w->snap->ports[m->port] : NULL;
}

/*
 * The rules changed while @m waited for @p. Whoever made that change was told that it is in force, so what it
 * forbids must not leave any more. Returns false when @m was dropped.
 */
static __rte_noinline bool may_still(struct vsw_worker *w, const struct vsw_snap_port *p,
				     struct rte_mbuf *m, const struct vsw_shape_stamp *stamp)
{
	const struct vsw_snap_port *src = NULL;
	enum vsw_drop why = VSW_DROP_VLAN_FILTERED;
	uint32_t rule = 0;

	if (stamp->to == VSW_SHAPE_CONDEMNED)
		goto drop;
	if (stamp->from != VSW_SHAPE_ANYBODY)
		src = source_of(w, m);
	if (p->gate && !vsw_gate_still_to_vm(w, p, m, &why, &rule))
		goto drop;
	if (src && src->gate && !vsw_gate_still_from_vm(w, src, m, m->vlan_tci, &why, &rule)) {
		p = src;
		goto drop;
	}
	return true;
drop:
	vsw_pipeline_drop_by(w, p, m, why, rule);
	return false;
}

/* Those of @n frames that may leave, in order. */
static uint16_t judge(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		      const struct vsw_shape_stamp *stamp, uint16_t n)
{
	uint32_t to = epoch_of(p);
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		bool same = stamp[i].to == to;

		if (stamp[i].from != VSW_SHAPE_ANYBODY)
			same &= stamp[i].from == epoch_of(source_of(w, m[i]));
		if (likely(same) || may_still(w, p, m[i], &stamp[i]))
			m[k++] = m[i];
	}
	return k;
}

/* Send what may go. Returns false when nothing waits any more, and the port is not ours. */
static bool drain(struct vsw_worker *w, const struct vsw_snap_port *p, uint64_t *due)
{
	struct vsw_shape_stamp stamp[VSW_BURST];
	struct rte_mbuf *m[VSW_BURST];
	uint64_t now = rte_rdtsc();
	bool mine = true;

	for (unsigned int i = 0; i < BURSTS_PER_TURN; i++) {
		uint16_t n = vsw_shaper_take(p->rt->shaper, m, stamp, VSW_BURST, now, due, &mine);

		n = judge(w, p, m, stamp, n);
		if (n)
			vsw_pipeline_send(w, p, m, n);
		if (!mine || *due > now)
			break;
	}
	return mine;
}

void vsw_shape_out(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n)
{
	struct vsw_waiting *at = &w->waiting[w->n_waiting];
	struct vsw_shape_stamp stamp[VSW_BURST];
	bool mine, sources = p->flags & VSW_SNAP_SOURCES;
	uint16_t lost;

	for (uint16_t i = 0; i < n; i++) {
		stamp[i].to = epoch_of(p);
		stamp[i].from = sources ? epoch_of(source_of(w, m[i])) : VSW_SHAPE_ANYBODY;
	}
	lost = vsw_shaper_add(p->rt->shaper, m, stamp, n, &mine);
	for (uint16_t i = 0; i < lost; i++)
		vsw_pipeline_drop(w, p, m[i], VSW_DROP_SHAPE_QUEUE_FULL);
	if (!mine)
		return;
	at->port = p->index;
	at->rt = p->rt;
	if (drain(w, p, &at->due))
		w->n_waiting++;
}

uint64_t vsw_shape_poll(struct vsw_worker *w, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t i = 0; i < w->n_waiting;) {
		struct vsw_waiting *at = &w->waiting[i];

		if ((int64_t)(now - at->due) >= 0 &&
		    !drain(w, w->snap->ports[at->port], &at->due)) {
			*at = w->waiting[--w->n_waiting];
			continue;
		}
		next = RTE_MIN(next, at->due);
		i++;
	}
	return next;
}

void vsw_shape_refresh(struct vsw_worker *w)
{
	for (uint32_t i = 0; i < w->n_waiting;) {
		const struct vsw_snap_port *p = w->snap->ports[w->waiting[i].port];

		if (p && p->rt == w->waiting[i].rt)
			i++;
		else
			w->waiting[i] = w->waiting[--w->n_waiting];
	}
}

bool vsw_hold_closed(struct vsw_worker *w, const struct vsw_snap_port *p)
{
	struct vsw_hold *h = p->rt->hold;
	uint64_t now;
	bool closed;

	if (!h->waits)
		return false;
	now = rte_rdtsc();
	rte_spinlock_lock(&h->lock);
	closed = !vsw_bucket_open(&h->bucket, now);
	if (closed) {
		w->due = RTE_MIN(w->due, now + vsw_bucket_wait(&h->bucket));
		w->held = true;
	}
	rte_spinlock_unlock(&h->lock);
	return closed;
}

uint16_t vsw_hold_charge(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			 uint16_t n)
{
	struct vsw_hold *h = p->rt->hold;
	struct vsw_counters *c = p->rt->counters[w->id];
	uint64_t now = rte_rdtsc();
	uint16_t k = 0;

	rte_spinlock_lock(&h->lock);
	for (uint16_t i = 0; i < n; i++) {
		if (h->waits || vsw_bucket_open(&h->bucket, now)) {
			uint32_t size = vsw_shape_size(m[i]);

			vsw_bucket_take(&h->bucket, size);
			vsw_rate_add(&h->rate, size, now, h->bucket.hz);
			m[k++] = m[i];
			continue;
		}
		c->rx_packets++;
		c->rx_bytes += m[i]->pkt_len;
		vsw_pipeline_drop(w, p, m[i], VSW_DROP_POLICE);
	}
	rte_spinlock_unlock(&h->lock);
	return k;
}

void vsw_hold_look(struct vsw_hold *h, uint64_t now, uint64_t *bps, int64_t *tokens_bytes)
{
	rte_spinlock_lock(&h->lock);
	vsw_bucket_open(&h->bucket, now);
	*bps = vsw_rate_bps(&h->rate, now, h->bucket.hz);
	*tokens_bytes = h->bucket.level / (int64_t)h->bucket.hz;
	rte_spinlock_unlock(&h->lock);
}
