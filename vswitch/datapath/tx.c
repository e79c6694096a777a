/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way out: what a destination's device cannot do is done here, then the device gets the burst. */
#include "vswitch/datapath/txbuf.h"

#include <errno.h>

#include "vswitch/datapath/capture_point.h"
#include "vswitch/datapath/frame.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/mirror.h"
#include "vswitch/policy/portal.h"
#include "vswitch/policy/shape_path.h"

static void drop_all(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		     uint16_t n, enum vsw_drop reason)
{
	for (uint16_t i = 0; i < n; i++)
		vsw_pipeline_drop(w, p, m[i], reason);
}

/* In place of sending. */
static __rte_noinline void trace_send(struct vsw_worker *w, const struct vsw_snap_port *p,
				      struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		const char *d = rte_pktmbuf_mtod(m[i], const char *);

		if (vd_load16(d + 12) == VSW_LE_TPID_C)
			vsw_trace_step(w, p, VSW_TRACE_SENT, "send", "sent with the tag of VLAN %u",
				       rte_be_to_cpu_16(vd_load16(d + 14)) & 0xfff);
		else
			vsw_trace_step(w, p, VSW_TRACE_SENT, "send", "sent untagged");
		rte_pktmbuf_free(m[i]);
	}
}

/* Hand over a burst the device can take as it is. Drops what it does not take. */
static void send(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		 uint16_t n)
{
	struct vsw_port *rt = p->rt;
	struct vsw_counters *c = rt->counters[w->id];
	uint16_t queue = rt->n_txq > 1 ? w->id % rt->n_txq : 0, sent;
	uint64_t bytes = 0;

	if (unlikely(w->trace)) {
		trace_send(w, p, m, n);
		return;
	}
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	vsw_capture_tx(p, m, n);
	if (unlikely(rt->ops->relay != NULL)) {
		sent = rt->ops->relay(rt->io, w, m, n);
	} else if (unlikely(rt->tx_locked)) {
		rte_spinlock_lock(&rt->tx_lock[queue]);
		sent = rt->ops->tx(rt->io, queue, m, n);
		rte_spinlock_unlock(&rt->tx_lock[queue]);
	} else {
		sent = rt->ops->tx(rt->io, queue, m, n);
	}
	for (uint16_t i = sent; unlikely(i < n); i++)
		bytes -= m[i]->pkt_len;
	c->tx_packets += sent;
	c->tx_bytes += bytes;
	if (unlikely(sent < n))
		drop_all(w, p, m + sent, n - sent,
			 rt->io->caps.connected ? VSW_DROP_DEST_FULL : VSW_DROP_DEST_DISCONNECTED);
}

/* Some frame of the burst asks for more than the device offers. */
static __rte_noinline void prepare_and_send(struct vsw_worker *w, const struct vsw_snap_port *p,
					    struct vsw_txbuf *b, uint64_t caps, uint32_t max_frame)
{
	struct rte_mbuf *out[VSW_GSO_MAX_SEGS];

	for (uint16_t i = 0; i < b->n; i++) {
		int n = vsw_offload_prepare(b->m[i], caps, max_frame, vsw_worker_pool(w), out,
					    VSW_GSO_MAX_SEGS);

		if (n > 0)
			send(w, p, out, (uint16_t)n);
		else
			vsw_pipeline_drop(w, p, b->m[i],
					  n == -ENOMEM ? VSW_DROP_NO_MEMORY
						       : VSW_DROP_DEST_TOO_BIG);
	}
}

static __rte_always_inline void hand_over(struct vsw_worker *w, const struct vsw_snap_port *p,
					  struct vsw_txbuf *b, bool copies)
{
	const struct vsw_io_caps *io = &p->rt->io->caps;
	uint64_t caps = __atomic_load_n(&io->tx_offloads, __ATOMIC_RELAXED);
	uint32_t max_frame = __atomic_load_n(&io->max_frame, __ATOMIC_RELAXED);

	if (unlikely(!(p->flags & VSW_SNAP_LINK_UP))) {
		drop_all(w, p, b->m, b->n, VSW_DROP_DEST_LINK_DOWN);
		return;
	}
	if (unlikely(!__atomic_load_n(&io->connected, __ATOMIC_RELAXED))) {
		drop_all(w, p, b->m, b->n, VSW_DROP_DEST_DISCONNECTED);
		return;
	}
	if (unlikely(p->flags & VSW_SNAP_TAPPED_TX) && !copies && !w->trace)
		vsw_mirror_tx(w, p, b->m, b->n);
	if (unlikely((b->requests & VSW_TX_REQUESTS & ~caps) || b->longest > max_frame))
		prepare_and_send(w, p, b, caps, max_frame);
	else
		send(w, p, b->m, b->n);
}

static void send_some(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		      uint16_t n, bool copies)
{
	struct vsw_txbuf b;

	b.n = n;
	b.requests = 0;
	b.longest = 0;
	for (uint16_t i = 0; i < n; i++) {
		b.requests |= m[i]->ol_flags;
		b.longest = RTE_MAX(b.longest, m[i]->pkt_len);
		b.m[i] = m[i];
	}
	hand_over(w, p, &b, copies);
}

void vsw_pipeline_send(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		       uint16_t n)
{
	send_some(w, p, m, n, false);
}

void vsw_pipeline_send_copies(struct vsw_worker *w, const struct vsw_snap_port *p,
			      struct rte_mbuf **m, uint16_t n)
{
	send_some(w, p, m, n, true);
}

void vsw_pipeline_flush_port(struct vsw_worker *w, const struct vsw_snap_port *p)
{
	struct vsw_txbuf *b = &w->txbuf[p->index];
	bool relayed = unlikely(p->rt->ops->relay != NULL);
	struct vsw_txbuf mine;
	uint16_t n;

	if (unlikely(w->measuring)) /* a full buffer interrupts */
		vsw_stage_done(w, vsw_stage_here(w, VSW_STAGE_FORWARD, VSW_STAGE_FORWARD_2), 0);
	if (unlikely(relayed)) {
		/* what is sent on may come back to this port while it is being sent */
		mine = *b;
		b->n = 0;
		b->longest = 0;
		b->requests = 0;
		b = &mine;
	}
	if (unlikely(p->flags & VSW_SNAP_GATED)) {
		n = b->n;
		b->n = vsw_gate_to_vm(w, p, b->m, n);
		if (unlikely(w->measuring))
			vsw_stage_done(w, VSW_STAGE_GATE_TO, n);
	}
	/* mostly nobody speaks of health in DHCP */
	if (unlikely(p->flags & VSW_SNAP_STATEMENTS) &&
	    __atomic_load_n(&p->rt->heard, __ATOMIC_RELAXED))
		b->n = vsw_portal_answers(w, p, b->m, b->n);
	n = b->n;
	if (unlikely(p->flags & VSW_SNAP_SHAPED) && !w->trace)
		vsw_shape_out(w, p, b->m, n);
	else
		hand_over(w, p, b, false);
	/* a translator has said itself what it took */
	if (unlikely(w->measuring))
		vsw_stage_done(w, relayed ? VSW_STAGE_TRANSLATE : VSW_STAGE_TX, relayed ? 0 : n);
	b->n = 0;
	b->longest = 0;
	b->requests = 0;
}

void vsw_pipeline_flush(struct vsw_worker *w)
{
	/* a translator adds to what waits, also for ports that have been sent to already */
	while (w->n_touched) {
		uint16_t index = w->touched[--w->n_touched];

		w->txbuf[index].listed = false;
		vsw_pipeline_flush_port(w, w->snap->ports[index]);
	}
}
