/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the packet path feeds captures: one test per burst when nobody captures. */
#pragma once

#include "vswitch/datapath/capture.h"
#include "vswitch/datapath/snapshot.h"

/* Filter and copy one frame into every capture of the list @c that wants it. */
void vsw_capture_frame(struct vsw_capture *c, struct rte_mbuf *m, uint16_t port,
		       enum vsw_capture_dir dir, enum vsw_drop reason);

/* Does @c's filter like the frame? */
bool vsw_capture_wanted(struct vsw_capture *c, struct rte_mbuf *m);

/* Copy the frame into @c's ring. */
void vsw_capture_record(struct vsw_capture *c, struct rte_mbuf *m, uint16_t port,
			enum vsw_capture_dir dir, enum vsw_drop reason);

static __rte_always_inline void vsw_capture_burst(const struct vsw_snap_port *p,
						  struct rte_mbuf **m, uint16_t n,
						  enum vsw_capture_dir dir)
{
	struct vsw_capture *c = __atomic_load_n(&p->rt->capture, __ATOMIC_ACQUIRE);

	if (likely(!c))
		return;
	for (uint16_t i = 0; i < n; i++)
		vsw_capture_frame(c, m[i], p->index, dir, VSW_DROP_N);
}

static __rte_always_inline void vsw_capture_rx(const struct vsw_snap_port *p, struct rte_mbuf **m,
					       uint16_t n)
{
	vsw_capture_burst(p, m, n, VSW_CAPTURE_RX);
}

static __rte_always_inline void vsw_capture_tx(const struct vsw_snap_port *p, struct rte_mbuf **m,
					       uint16_t n)
{
	vsw_capture_burst(p, m, n, VSW_CAPTURE_TX);
}

/** A frame is being dropped at port index @port. */
void vsw_capture_drop(struct vsw_dataplane *dp, uint16_t port, struct rte_mbuf *m,
		      enum vsw_drop reason);
