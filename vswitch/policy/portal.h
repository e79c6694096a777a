/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for the health service: where guests report, ask why they are confined, and ask for the names of those
 * who heal them. It has one address of each family at every port of a switch under a health policy, and
 * nobody else has it: workers take its frames out of what a port sends and hand them over, with the
 * port's ticket, to the thread that answers (vswitch/portal/portal.h). Nothing a guest writes into a frame
 * says who it is.
 *
 * A port that is not under a policy pays nothing. A port with full access pays where group frames and
 * unknown destinations are handled, not where known ones are forwarded, but for one comparison a frame where its machine
 * may speak of its health in DHCP.
 *
 * Tickets: 10 bits of generation over 12 bits of port index. A port that is closed and another that gets its
 * index have different tickets, so a frame or an answer under way never changes hands.
 *
 * Thread-safety: any worker. Proof: tests/net/nap-portal.test, tests/unit/vswitch/policy/test_quarantine.c.
 */
#pragma once

#include <rte_ring.h>

#include "nap-policy/allow.h"
#include "vswitch/datapath/port.h"

/** The service's own address on every link, as frames have it. Nobody else may use it. */
#define VSW_PORTAL_MAC                             \
	{                                          \
		0x02, 0x4e, 0x41, 0x50, 0x00, 0x01 \
	}
#define VSW_PORTAL_MAC48 UINT64_C(0x010050414e02)

#define VSW_TICKET_INDEX_BITS 12
#define VSW_TICKET_BITS       22
#define VSW_TICKET_INDEX(t)   ((t) & ((1u << VSW_TICKET_INDEX_BITS) - 1))

#define VSW_PORTAL_RING 2048

/** Beside the classes of allow.h: DHCP, in both directions. */
enum { VSW_HEAR_QUESTION = NAP_N_CLASSES, VSW_HEAR_ANSWERS, VSW_PORTAL_N_CLASSES };

/** What waits for the service's thread: mbufs; .hash.usr is the ticket, .vlan_tci the class. */
struct vsw_portal_queue {
	struct rte_ring *ring;
	int wake_fd; /* eventfd */
	bool asleep; /* atomic; the thread wants to be woken */
};

struct vsw_worker;
struct vsw_snap_port;
struct vsw_vec;
struct rte_mbuf;

/** @m, which @p has sent, is of @class (nap_class_served()): it is the service's, or dropped. Takes @m. */
void vsw_portal_give(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
		     enum nap_class class);

/** Takes @m and returns true if it is for the service. Ports with VSW_SNAP_PORTAL, full access. */
bool vsw_portal_take(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m);

/** The same for a burst whose addresses are known. */
void vsw_portal_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);

/**
 * Statements of health in DHCP (vswitch/portal/hear.h). What a machine sends goes on as it is; a copy of a message with
 * vendor options is handed over, at most VSW_HEAR_RATE a second. Answers of a server of ours are handed over as
 * they are, for as long as a machine that spoke of health may wait for one; they come back past the port's policy, which
 * they have passed. Whatever goes wrong, the lease does not suffer.
 */
#define VSW_HEAR_RATE        10
#define VSW_HEAR_ANSWERS_MAX 20
#define VSW_HEAR_WINDOW_S    12

/** Source and destination port of a client's DHCP in an untagged IPv4 frame without options, and where. */
#define VSW_LE_DHCP_PORTS 0x43004400
#define VSW_DHCP_PORTS_AT 34

/** Hear @m, which @p sends, if it is a client's DHCP. Changes nothing of it. Ports with VSW_SNAP_STATEMENTS. */
void vsw_portal_hear(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m);

/** The same for a burst. */
void vsw_portal_hear_burst(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);

/** Of @n frames about to be sent to @p, take the server's answers to its questions. Returns how many stay. */
uint16_t vsw_portal_answers(struct vsw_worker *w, const struct vsw_snap_port *p,
			    struct rte_mbuf **m, uint16_t n);

/** Can a frame to @dst48 be for the service? */
static inline bool vsw_portal_maybe(uint64_t dst48)
{
	return dst48 & 1 || dst48 == VSW_PORTAL_MAC48;
}
