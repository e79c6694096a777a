/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards as bursts pass them: between the packet path and the verdicts of guard.h.
 * Thread-safety: any worker.
 */
#pragma once

#include "vswitch/datapath/pipeline.h"

/** Frames that may come from @p's owner stay, in order; the others are dropped. */
void vsw_guard_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);

/** Look for leases in what is about to go to @p. */
void vsw_guard_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		     uint16_t n);
