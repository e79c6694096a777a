/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workers and shapers. */
#include "vswitch/policy/shape_path.h"

#include <rte_cycles.h>

#include "vswitch/datapath/txbuf.h"
#include "vswitch/policy/quarantine.h"
#include "vswitch/policy/shape.h"

#define BURSTS_PER_TURN 8 /* of one port, before others get theirs */

/* Send what may go. Returns false when nothing waits any more, and the port is not ours. */
static bool drain(struct vsw_worker *w, const struct vsw_snap_port *p, uint64_t *due)
{
	struct rte_mbuf *m[VSW_BURST];
	uint64_t now = rte_rdtsc();
	bool mine = true;

	for (unsigned int i = 0; i < BURSTS_PER_TURN; i++) {
		uint16_t n = vsw_shaper_take(p->rt->shaper, m, VSW_BURST, now, due, &mine);

		n = vsw_quarantine_waited(w, p, m, n);
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
	bool mine;
	uint16_t lost = vsw_shaper_add(p->rt->shaper, m, n, &mine);

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
			vsw_bucket_take(&h->bucket, vsw_shape_size(m[i]));
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
