/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Feeding captures from the packet path, and attaching them. */
#include "vswitch/datapath/capture_point.h"

#include <rte_cycles.h>

#include "vswitch/datapath/dataplane_impl.h"

_Static_assert(sizeof(struct vsw_capture_meta) <= RTE_PKTMBUF_HEADROOM, "record fits");

bool vsw_capture_wanted(struct vsw_capture *c, struct rte_mbuf *m)
{
	if (!c->bpf)
		return true;
	if (c->jit)
		return c->jit(m) != 0;
	return rte_bpf_exec(c->bpf, m) != 0;
}

void vsw_capture_record(struct vsw_capture *c, struct rte_mbuf *m, uint16_t port,
			enum vsw_capture_dir dir, enum vsw_drop reason)
{
	struct vsw_capture_meta *meta;
	struct rte_mbuf *copy;

	copy = rte_pktmbuf_copy(m, c->pool, 0, RTE_MIN(m->pkt_len, c->snaplen));
	if (!copy)
		goto lost;
	meta = vsw_capture_meta(copy);
	meta->tsc = rte_rdtsc();
	meta->orig_size = m->pkt_len;
	meta->port = port;
	meta->dir = (uint8_t)dir;
	meta->reason = (uint8_t)reason;
	if (rte_ring_enqueue(c->ring, copy) == 0)
		return;
	rte_pktmbuf_free(copy);
lost:
	__atomic_fetch_add(&c->lost, 1, __ATOMIC_RELAXED);
}

void vsw_capture_frame(struct vsw_capture *c, struct rte_mbuf *m, uint16_t port,
		       enum vsw_capture_dir dir, enum vsw_drop reason)
{
	for (; c; c = __atomic_load_n(&c->next, __ATOMIC_ACQUIRE)) {
		if ((dir == VSW_CAPTURE_RX && !c->rx) || (dir == VSW_CAPTURE_TX && !c->tx))
			continue;
		if (dir == VSW_CAPTURE_DROP && c->drop_port != VSW_PORT_INDEX_NONE &&
		    c->drop_port != port)
			continue;
		if (vsw_capture_wanted(c, m))
			vsw_capture_record(c, m, port, dir, reason);
	}
}

void vsw_capture_drop(struct vsw_dataplane *dp, uint16_t port, struct rte_mbuf *m,
		      enum vsw_drop reason)
{
	struct vsw_capture *c = __atomic_load_n(&dp->drop_captures, __ATOMIC_ACQUIRE);

	if (unlikely(c != NULL))
		vsw_capture_frame(c, m, port, VSW_CAPTURE_DROP, reason);
}

static struct vsw_capture **head_of(struct vsw_dataplane *dp, struct vsw_port *port)
{
	return port ? &port->capture : &dp->drop_captures;
}

void vsw_capture_attach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_capture *c)
{
	struct vsw_capture **head = head_of(dp, port);

	c->next = *head;
	__atomic_store_n(head, c, __ATOMIC_RELEASE);
}

void vsw_capture_detach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_capture *c)
{
	struct vsw_capture **at = head_of(dp, port);

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		__atomic_store_n(at, c->next, __ATOMIC_RELEASE);
	vsw_dataplane_quiesce(dp);
}
