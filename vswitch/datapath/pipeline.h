/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to frames, one burst from one port at a time:
 *
 *   rx -> admit (frame and VLAN checks, VID) -> source check -> gate (vswitch/policy/gate.h) -> learn
 *      -> forward decision
 *      -> to each destination: VLAN rule, tag rewrite -> transmit buffer -> gate -> offloads -> tx
 *
 * Run to completion on one worker. Every frame leaves or is dropped for a named reason. A port's feature
 * set chooses its input function once, when the snapshot is built; features that are off are not
 * tested for.
 *
 * Thread-safety: a worker's own state only. Proof: tests/unit/vswitch/datapath/test_pipeline.c.
 */
#pragma once

#include <stdint.h>
#include <rte_cycles.h>

#include "base/burst.h"
#include "vswitch/datapath/frame.h"
#include "vswitch/datapath/snapshot.h"

#define VSW_BURST VD_BURST

/* One burst under way; arrays run in parallel and are compacted as frames drop out. */
struct vsw_vec {
	uint16_t n;
	struct rte_mbuf *m[VSW_BURST];
	uint64_t dst[VSW_BURST]; /* destination address, 48 bits */
	uint64_t src[VSW_BURST];
	uint16_t vid[VSW_BURST];
	uint8_t tag[VSW_BURST]; /* enum vsw_tag_state */
};

enum vsw_tag_state {
	VSW_HAS_TAG = 1,      /* the frame in memory has an 802.1Q tag ... */
	VSW_INNER_TAG = 2,    /* ... and another TPID behind it */
	VSW_PRIORITY_TAG = 4, /* ... whose VID is 0 */
};

/* Frame @i stays, as number @k: nothing to move until one was dropped. */
static __rte_always_inline void vsw_vec_keep(struct vsw_vec *v, uint16_t k, uint16_t i)
{
	if (likely(k == i))
		return;
	v->m[k] = v->m[i];
	v->dst[k] = v->dst[i];
	v->src[k] = v->src[i];
	v->vid[k] = v->vid[i];
	v->tag[k] = v->tag[i];
}

/* Frames waiting for one destination until the burst is done. */
struct vsw_txbuf {
	uint16_t n;
	bool listed;       /* among those touched */
	uint32_t longest;  /* bytes; of all waiting frames */
	uint64_t requests; /* OR of ol_flags */
	struct rte_mbuf *m[VSW_BURST];
};

struct vsw_dataplane;
struct vsw_trace;

/* A port whose shaper this worker drains. */
struct vsw_waiting {
	uint64_t due; /* TSC */
	struct vsw_port *rt;
	uint16_t port; /* index */
};

/* What one worker owns. */
struct vsw_worker {
	struct vsw_dataplane *dp;
	const struct vsw_snapshot *snap;
	uint16_t id;
	uint32_t now;   /* FDB stamp of this loop */
	uint32_t flood; /* number of the frame that is being flooded; 0: none */
	uint32_t floods;
	uint16_t n_touched;
	uint16_t touched[VSW_PORTS_MAX]; /* ports with a non-empty txbuf */
	struct vsw_txbuf *txbuf;         /* [VSW_PORTS_MAX] */
	struct vsw_trace *trace;         /* this one only looks; NULL in all real workers */
	uint8_t relay_depth;             /* translators entered within this burst */
	uint32_t bursts;                 /* so far */
	bool measuring;                  /* this burst is one whose stages are timed ... */
	uint64_t mark;                   /* ... and all until this TSC has been given to a stage */
	bool held;                       /* a queue was not polled, because of its limit ... */
	uint64_t due;                    /* ... before this time */
	uint32_t n_waiting;
	struct vsw_waiting waiting[VSW_PORTS_MAX];
	struct vsw_worker_stats stats;
};

/**
 * Of a burst that is measured: what passed since the last call was @stage's, for @n packets. A stage that another one
 * interrupts says so with 0, so that no cycle counts twice.
 */
static inline void vsw_stage_done(struct vsw_worker *w, enum vsw_stage stage, uint16_t n)
{
	uint64_t now = rte_rdtsc();

	w->stats.stage[stage].packets += n;
	w->stats.stage[stage].cycles += now - w->mark;
	w->mark = now;
}

/** Stages of the switch behind a translator count for themselves: @first in the first switch, else @second. */
static inline enum vsw_stage vsw_stage_here(const struct vsw_worker *w, enum vsw_stage first,
					    enum vsw_stage second)
{
	return w->relay_depth ? second : first;
}

/** The input function for @p's features. */
void (*vsw_pipeline_input(const struct vsw_snap_port *p))(struct vsw_worker *,
							  const struct vsw_snap_port *,
							  struct vsw_vec *);

/**
 * Take one burst of @queue of @p through the switch, into transmit buffers.
 * Return: frames taken from the back end.
 */
uint16_t vsw_pipeline_poll(struct vsw_worker *w, const struct vsw_snap_port *p, uint16_t queue);

/** Frames that did not come from a back end (tests, trace, probes): as if @p had received them. */
void vsw_pipeline_inject(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			 uint16_t n);

/** Hand @n frames to @p's device: shaping is done. */
void vsw_pipeline_send(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		       uint16_t n);

/** Copies for mirror port @p: no policy, and no copies of copies. */
void vsw_pipeline_send_copies(struct vsw_worker *w, const struct vsw_snap_port *p,
			      struct rte_mbuf **m, uint16_t n);

/** The same, without sending what then waits: the caller is in the middle of that. */
void vsw_pipeline_enter(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n);

/** Send what waits for @p. */
void vsw_pipeline_flush_port(struct vsw_worker *w, const struct vsw_snap_port *p);

/** Send everything that waits. Called at the end of every burst. */
void vsw_pipeline_flush(struct vsw_worker *w);

/** Count and free @m: dropped for @reason at @p (see drops.def for which port that is). */
void vsw_pipeline_drop(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
		       enum vsw_drop reason);

/** The same; @detail says more: the id of the access rule that decided. 0: nothing to add. */
void vsw_pipeline_drop_by(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			  enum vsw_drop reason, uint32_t detail);
