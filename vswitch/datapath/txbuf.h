/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collecting frames for a destination; sending is in tx.c. Worker-private. */
#pragma once

#include "vswitch/datapath/pipeline.h"

/** Add @m to what waits for @d; sends when the buffer is full. */
static __rte_always_inline void vsw_txbuf_add(struct vsw_worker *w, const struct vsw_snap_port *d,
					      struct rte_mbuf *m)
{
	struct vsw_txbuf *b = &w->txbuf[d->index];

	if (unlikely(b->n == 0)) {
		if (likely(!b->listed))
			w->touched[w->n_touched++] = d->index;
		b->listed = true;
		b->longest = 0;
		b->requests = 0;
	} else {
		/* again, when what was sent on through a translator came back here */
		while (unlikely(b->n == VSW_BURST))
			vsw_pipeline_flush_port(w, d);
	}
	b->requests |= m->ol_flags;
	b->longest = RTE_MAX(b->longest, m->pkt_len);
	b->m[b->n++] = m;
}

/** The pool that copies come from. */
struct rte_mempool *vsw_worker_pool(const struct vsw_worker *w);
