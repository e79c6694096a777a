/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Teams: two to VSW_UPLINKS_MAX uplinks of one external switch, used at once and independent of what the
 * network's switches know of each other (no LACP).
 *
 *   hyperv-port  every port of the switch has one member; addresses are never rewritten
 *   dynamic      ARP, neighbour discovery, group frames and whatever has no flow leave by the port's member;
 *                TCP and UDP flows are spread by a hash over all members, and where that is another one
 *                than the port's, the frame carries the member's own source address, so that the network
 *                sees each address in one place
 *
 * A port's member is the one it prefers (affinity), else chosen by its index; when that has no link,
 * the next one with a link. So a failing member is replaced with the next frame. What comes in: frames for
 * everybody arrive by all members, and reach a port by its own only; a frame that came by one member
 * never leaves by another; frames that the switch sent itself and that come back are dropped. Addresses
 * behind the team are learned for its first member.
 *
 * Not done: moving flows that are under way to a less busy member (Hyper-V's flowlets).
 *
 * Source: Hyper-V's switch embedded teaming.
 * Thread-safety: compile: control thread; the rest: any worker.
 * Proof: tests/net/team.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vswitch/datapath/snapshot.h"

struct vsw_snap_team {
	uint16_t n;
	uint8_t mode; /* enum vsw_team_mode */
	const struct vsw_snap_port *member[VSW_UPLINKS_MAX];
	uint64_t mac48[VSW_UPLINKS_MAX]; /* the members' own addresses */
};

size_t vsw_team_arena(const struct vsw_model *m);

/** Fill teams of @s, its ports' pins and flags. Control thread. */
void vsw_team_compile(struct vsw_snapshot *s, const struct vsw_binding *b,
		      void *(*carve)(void *arena, size_t size), void *arena);

static inline bool vsw_team_member_up(const struct vsw_snap_port *u)
{
	return u->flags & VSW_SNAP_LINK_UP &&
	       __atomic_load_n(&u->rt->io->caps.connected, __ATOMIC_RELAXED);
}

/** The number of the member that @p uses now. */
static inline uint16_t vsw_team_pin(const struct vsw_snap_team *t, const struct vsw_snap_port *p)
{
	for (uint16_t i = 0; i < t->n; i++) {
		uint16_t k = (uint16_t)((p->pin + i) % t->n);

		if (vsw_team_member_up(t->member[k]))
			return k;
	}
	return p->pin % t->n;
}

/**
 * The member by which frame @m of @p leaves; may change its source address. NULL: @p is a member itself.
 * @m is not tagged for its way out yet.
 */
const struct vsw_snap_port *vsw_team_pick(const struct vsw_snap_port *p, struct rte_mbuf *m);

/** Does a flooded frame from @p go to @d? One of them is a member of a team. */
bool vsw_team_floods(const struct vsw_snap_port *p, const struct vsw_snap_port *d);

/** Member @p shows @src: an address of the switch's own, come back? @now: FDB stamp. */
bool vsw_team_came_back(const struct vsw_snapshot *s, const struct vsw_snap_port *p, uint64_t src,
			uint16_t fid, uint32_t now);

struct vsw_dataplane;
/** Index of the member that port @index uses now; -1: its switch has no team. Control thread. */
int vsw_team_member_of(const struct vsw_dataplane *dp, uint16_t index);
