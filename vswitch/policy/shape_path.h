/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bandwidth limits as bursts meet them.
 *
 *   to-vm    what a shaped port is sent waits in its shaper (shape.h). The worker that owns it drains it
 *            from its loop, and sleeps no longer than until the next frame may go.
 *   from-vm  while a port has sent more than it may, its receive queues are not polled: frames wait in
 *            the guest, whose own queues tell its senders, and nothing is lost. Where frames cannot
 *            wait at their source (netdev, pci, pcap) those beyond the rate are dropped: police.
 *
 * A port without limits is told by a flag that is tested once per burst.
 *
 * Thread-safety: any worker, except where noted. Proof: tests/unit/vswitch/policy/test_shape.c, tests/net/bandwidth.test.
 */
#pragma once

#include "vswitch/datapath/pipeline.h"
#include "vswitch/policy/bucket.h"
#include "vswitch/policy/rate.h"

/** The limit of what a port sends. */
struct vsw_hold {
	rte_spinlock_t lock;
	struct vsw_bucket bucket;
	bool waits; /* frames can wait at their source */
	struct vsw_rate_meter rate;
};

/** Send @n frames out of shaped port @p when their time comes. */
void vsw_shape_out(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n);

/** Send what is due at @now (TSC). Returns when to call again, UINT64_MAX: nothing waits. */
uint64_t vsw_shape_poll(struct vsw_worker *w, uint64_t now);

/** A new snapshot: forget ports that are not in it. */
void vsw_shape_refresh(struct vsw_worker *w);

/** Must @p's queues rest now? Then w->held says so, and w->due when they may be polled again. */
bool vsw_hold_closed(struct vsw_worker *w, const struct vsw_snap_port *p);

/** @n frames were received from @p: charge them. Returns how many are left. */
uint16_t vsw_hold_charge(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			 uint16_t n);

/** Make the run-time objects of the limits in @b, and bring them to what it says. Control thread.
 *  -ENOMEM. */
int vsw_qos_prepare(const struct vsw_binding *b, struct vd_err *reterr);

/** What the port of @h sends now, bit/s, and how many bytes it may send at once (negative: a debt, and its
 *  queues rest). Any thread. */
void vsw_hold_look(struct vsw_hold *h, uint64_t now, uint64_t *bps, int64_t *tokens_bytes);

/** Flags of port @i for the snapshot: VSW_SNAP_SHAPED, VSW_SNAP_HELD, VSW_SNAP_SOURCES. */
uint16_t vsw_qos_flags(const struct vsw_model *m, unsigned int i);
