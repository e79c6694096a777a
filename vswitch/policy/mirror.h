/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mirror sessions on the packet path: copies of what source ports send and receive, to a port of the same
 * switch or into a ring that the control thread writes to a file.
 *
 * A frame is copied where it enters the switch, if its source is mirrored from-vm, also when it is
 * dropped later; else where it leaves, if its destination is mirrored to-vm. One copy per
 * session: not another one where a frame that was copied on its way in leaves through a second mirrored port, not
 * one for each port a flooded frame leaves by, and none where the mirror's port gets the frame itself. For
 * that, frames to ports concerned carry where they came from (VSW_SNAP_SOURCES): mbuf->port, and for flooded
 * ones a number in mbuf->hash.usr and the VID in mbuf->vlan_tci.
 *
 * Copies are not subject to the policy of the port that they go to, and are never mirrored themselves.
 *
 * Thread-safety: any worker, except where noted.
 * Proof: tests/net/mirror.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vswitch/datapath/capture.h"
#include "vswitch/datapath/snapshot.h"
#include "vswitch/model/policy.h"

#define VSW_MIRROR_SEEN 64

/* mbuf->hash.usr of a flooded frame: a number that is not 0, and whether its destination was unknown */
#define VSW_FLOOD_UNKNOWN 0x80000000u

/** A session at run time. Made by the control thread; workers reach it through snapshots only. */
struct vsw_mirror_tap {
	struct vsw_capture c; /* filter and snaplen; ring and pool of sessions to a file */
	uint64_t copied;      /* atomic; frames */
	uint32_t seen[VSW_MIRROR_SEEN]; /* atomic; numbers of flooded frames that were copied */
};

/** What one source port has to do with one session. */
struct vsw_snap_tap {
	struct vsw_mirror_tap *tap;
	const struct vsw_snap_port *to; /* NULL: the ring */
	uint8_t dirs;                   /* enum vsw_mirror_dirs; 0 ends a list */
};

/** Bytes in a snapshot's arena for the sessions of @m. */
size_t vsw_mirror_arena(const struct vsw_model *m);

/** Fill @s->all[..].taps and flags; @carve hands out arena memory. Control thread. */
void vsw_mirror_compile(struct vsw_snapshot *s, const struct vsw_binding *b,
			void *(*carve)(void *arena, size_t size), void *arena);

struct vsw_worker;

/** @n frames came in by @p. */
void vsw_mirror_rx(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n);
/** @n frames leave by @p. */
void vsw_mirror_tx(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		   uint16_t n);

/** Did @d, the port of some mirror session, get a copy of @m already when it came in by @p? */
bool vsw_mirror_covers(const struct vsw_snap_port *p, const struct vsw_snap_port *d,
		       struct rte_mbuf *m);
