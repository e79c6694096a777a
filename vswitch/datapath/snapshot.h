/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as workers see it: immutable, built by the control thread, published with one
 * release store, freed a grace period later. Everything a frame's fate depends on is here or hangs
 * off a run-time object (vsw_port, vsw_fdb) that this points to.
 *
 * VLANs inside the switch: each frame in flight has a VID, 0 meaning the untagged domain. How a port maps
 * frames to VIDs and back is reduced to five values, so that every mode of vswitch/model/vlan.h is
 * the same code:
 *
 *   mode           pvid        in_tags   out                         tagged out
 *   none           0           -         {0}                         never
 *   access V       V           -         {V}                         never
 *   trunk L,nat N  N or NONE   L         L + N                       all but N
 *   isolated P,S   S           -         {P}                         never
 *   community P,S  S           -         {P,S}                       never
 *   promisc. P,L   P           -         {P} + L                     never
 *
 * Thread-safety: read-only once published. Proof: tests/unit/vswitch/datapath/test_pipeline.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nap-policy/policy.h"
#include "vswitch/datapath/dataplane.h"
#include "vswitch/datapath/fdb_lookup.h"

enum vsw_snap_flags {
	VSW_SNAP_LINK_UP = 1,
	VSW_SNAP_TAGGED = 2,        /* a trunk: tags go out except the native VLAN's */
	VSW_SNAP_FLOOD_UNKNOWN = 4, /* gets unicast frames whose destination is not known */
	VSW_SNAP_PRIVATE = 8,       /* one of the private VLAN modes */
	VSW_SNAP_ADOPT_MAC = 16,    /* takes its MAC from its first frame, and has not yet */
	VSW_SNAP_GATED = 32,        /* has a gate: what is sent to it passes that first */
	VSW_SNAP_ANY_SOURCE =
		64, /* may show any address, also more than it may teach (MAC spoofing) */
	VSW_SNAP_SHAPED = 128,  /* what is sent to it waits in its shaper */
	VSW_SNAP_HELD = 256,    /* what it sends is limited */
	VSW_SNAP_SOURCES = 512, /* frames for it are marked with where they came from: mirror.h */
	VSW_SNAP_TAPPED_RX = 1024,   /* has taps for what it sends ... */
	VSW_SNAP_TAPPED_TX = 2048,   /* ... and for what is sent to it */
	VSW_SNAP_MIRROR = 4096,      /* a mirror session sends to it */
	VSW_SNAP_MEMBER = 8192,      /* one of several uplinks: a team's */
	VSW_SNAP_PORTAL = 16384,     /* its guest may talk to the health service */
	VSW_SNAP_STATEMENTS = 32768, /* and speaks of its health in DHCP, perhaps */
};

struct vsw_worker;
struct vsw_vec;
struct vsw_gate;
struct vsw_snap_tap;
struct vsw_snap_team;

struct vsw_snap_port {
	/* what every frame from or to the port needs: one cache line */
	struct vsw_port *rt;
	struct vsw_fdb *fdb;     /* of the port's switch */
	const uint64_t *out;     /* VIDs delivered to the port; NULL: only out_vid */
	const uint64_t *in_tags; /* tags admitted from the port; NULL: none */
	const uint16_t *fid_of;  /* VID -> filtering ID; NULL: identity */
	uint64_t mac48;          /* assigned address, 0: none */
	uint16_t pvid;           /* VID of untagged frames; VSW_VID_NONE: not admitted */
	uint16_t out_vid;        /* the one VID delivered, where out is NULL */
	uint16_t native;         /* VID sent untagged by a trunk */
	uint16_t index;
	uint16_t mtu;     /* of the switch */
	uint16_t flags;   /* enum vsw_snap_flags */
	uint16_t n_mates; /* in mates */
	uint8_t role;     /* enum vsw_role */
	uint8_t pin;      /* member of the team that the port prefers */
	/** What the port's features need done with a burst from it; see pipeline.h. */
	void (*input)(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);
	const struct vsw_snap_switch *sw;
	const struct vsw_gate *gate; /* NULL: no policy */
	uint32_t learn;              /* addresses beyond its own */
	uint16_t learn_as; /* index for which its addresses are learned: its own, or the team's */
	const struct vsw_snap_tap *taps; /* mirror sessions; NULL: none */
	const uint64_t *mates;           /* addresses of its team's other ports: it may show them */
};

struct vsw_snap_switch {
	uint16_t n_ports;
	uint8_t mcast; /* families that are snooped, enum vsw_mcast_families */
	bool nlb;      /* addresses of load balancing clusters are never learned */
	const struct vsw_snap_team *team;   /* of several uplinks; NULL: none */
	const struct vsw_snap_port **ports; /* flood candidates: all ports of the switch */
};

struct vsw_snap_queue {
	const struct vsw_snap_port *port;
	uint16_t queue;
};

struct vsw_snap_work {
	uint32_t n;
	struct vsw_snap_queue *queues; /* receive queues of one worker */
};

struct vsw_snapshot {
	uint64_t generation;
	uint32_t gates; /* another number whenever some port's gate is another */
	const struct vsw_snap_port *ports[VSW_PORTS_MAX]; /* by index; NULL: no such port */
	struct vsw_snap_work work[VSW_WORKERS_MAX];
	struct vsw_snap_port *all;
	struct vsw_snap_switch *switches;
	uint16_t n_ports, n_switches;
	struct nap_portal portal; /* addresses of the health service */
	void *arena;              /* what the pointers above point into */
};

/** Build from @b for @n_workers. NULL on lack of memory. */
struct vsw_snapshot *vsw_snapshot_build(const struct vsw_binding *b, uint16_t n_workers,
					uint64_t generation);
void vsw_snapshot_free(struct vsw_snapshot *s);

/** Do frames from @p teach the switch addresses? */
static inline bool vsw_snap_learns(const struct vsw_snap_port *p)
{
	return p->learn > 0 || p->role == VSW_ROLE_UPLINK;
}

/** Filtering ID of @vid at @p. */
static inline uint16_t vsw_snap_fid(const struct vsw_snap_port *p, uint16_t vid)
{
	return unlikely(p->fid_of != NULL) ? p->fid_of[vid] : vid;
}

/** Is @vid delivered to @p? */
static inline bool vsw_snap_delivers(const struct vsw_snap_port *p, uint16_t vid)
{
	if (likely(p->out == NULL))
		return p->out_vid == vid;
	return p->out[vid >> 6] >> (vid & 63) & 1;
}

/** Does a delivered frame of @vid carry a tag on @p's wire? */
static inline bool vsw_snap_tags(const struct vsw_snap_port *p, uint16_t vid)
{
	return p->flags & VSW_SNAP_TAGGED && vid != p->native;
}

/** The static forwarding entries a model implies: assigned addresses and configured entries of
 *  switch @sw. @ret has room for model->n_ports + n_statics. Returns the number. */
unsigned int vsw_snapshot_statics(const struct vsw_binding *b, unsigned int sw,
				  struct vsw_fdb_static *ret);
