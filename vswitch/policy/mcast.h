/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IGMP and MLD snooping of one switch: which ports want which multicast groups, by the MAC address and
 * filtering ID of the group, and behind which ports multicast routers are.
 *
 *   queries, PIM hellos    their port has a router for QUERIER seconds; passed on to everybody
 *   reports                their port is a member for MEMBER seconds; passed on to routers only
 *   leaves                 membership ends LEAVE seconds later, unless it is reported again
 *   other frames           to members and routers, once a querier is known in the VLAN; before that to everybody
 *
 * Always to everybody: 224.0.0.0/24, ff02::/120 (all nodes, routers, ...), ff02::1:ff00:0/104 (neighbour
 * discovery), and group addresses that are not IP's. Groups are told apart by MAC address, so the IGMP mode
 * of Network Load Balancing works, whose frames carry a group's MAC address and a unicast IP address.
 *
 * Bounded: VSW_MCAST_SLOTS memberships, VSW_MCAST_PORT_MAX of a port; what does not fit is not known, and the
 * group is then flooded in its VLAN until its memberships fit. Nobody is evicted.
 *
 * Source: RFC 4541, 2236, 3376 (IGMP), 2710, 3810 (MLD).
 * Thread-safety: look-ups wait-free on any worker; changes take a lock by trylock only. Create and
 * destroy: control thread. Proof: tests/unit/vswitch/policy/test_mcast.c, tests/fuzz/fuzz_mcast.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vswitch/policy/headers.h"

#define VSW_MCAST_SLOTS     8192u
#define VSW_MCAST_PORT_MAX  512u
#define VSW_MCAST_MEMBER_S  260u
#define VSW_MCAST_QUERIER_S 255u
#define VSW_MCAST_LEAVE_S   2u
#define VSW_MCAST_RECORDS   64u /* of one report that are looked at */

enum vsw_mcast_families { VSW_MCAST_IGMP = 1, VSW_MCAST_MLD = 2 };

struct vsw_mcast;

/** @stamps_per_s: unit of `now` below. NULL on lack of memory. */
struct vsw_mcast *vsw_mcast_create(uint32_t stamps_per_s);
/** Accepts NULL. */
void vsw_mcast_destroy(struct vsw_mcast *t);

enum vsw_mcast_to {
	VSW_MCAST_ALL,     /* flood */
	VSW_MCAST_MEMBERS, /* to ports for which vsw_mcast_wants() says so */
	VSW_MCAST_ROUTERS, /* likewise */
};

struct vsw_mcast_frame {
	const struct vsw_headers *h;
	const uint8_t *d; /* the frame's first @len bytes */
	uint32_t len;
	uint64_t dst; /* 48 bits, a group */
	uint16_t fid, port;
	bool may_route;   /* its port may have a router */
	uint8_t families; /* enum vsw_mcast_families that are snooped */
	uint32_t now;
};

/** Learn from the frame, and say who gets it. *@key: for vsw_mcast_wants(). */
enum vsw_mcast_to vsw_mcast_input(struct vsw_mcast *t, const struct vsw_mcast_frame *f,
				  uint64_t *key);

/** Does @port get a frame with this answer and key? */
bool vsw_mcast_wants(const struct vsw_mcast *t, enum vsw_mcast_to to, uint64_t key, uint16_t port,
		     uint32_t now);
