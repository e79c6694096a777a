/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way from ports to the health service and back: a thread between the workers' queue and an interface in a
 * network namespace that has no other one. Programs that listen there are reached by guests of ports under
 * a health policy and by nobody else, and reach nobody else.
 *
 *   worker -> queue (vswitch/policy/portal.h) -> thread: ARP, ND, refusals answered; connections translated
 *   (desk.h) -> tun interface -> kernel TCP -> the service, and back to the port past its policy
 *
 * Workers only hand frames over: what guests do to the service costs other ports nothing.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-portal.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "vswitch/datapath/dataplane.h"

struct vsw_portal;

struct vsw_portal_stats {
	uint64_t in, out; /* packets to and from the service */
	uint64_t answers; /* ARP, ND, refusals */
	uint64_t refused; /* broken, or of no connection */
	uint64_t heard;   /* statements of health in DHCP */
	uint64_t amended; /* answers of DHCP servers that carry something of ours */
	uint64_t full;    /* a port had as many connections as it may */
};

/** Make the namespace, and start. -ENOMEM; others: what the kernel said, with @reterr. */
int vsw_portal_open(struct vsw_dataplane *dp, struct vsw_portal **ret, struct vd_err *reterr);
/** Accepts NULL. */
void vsw_portal_close(struct vsw_portal *p);

/* A statement of health that came by DHCP, and the answer to it; @size bytes follow. */
struct vsw_heard_note {
	uint32_t ticket, xid;
	uint16_t size;
	bool foreign; /* no statement: somebody speaks for another machine */
};

/** A SOCK_SEQPACKET socket: notes of what was heard come, notes of what is answered go (size 0: nothing is). Each
 *  note gets one answer; nobody waits for it long. Borrowed. */
int vsw_portal_heard(const struct vsw_portal *p);

/** Where the service listens. Borrowed. */
int vsw_portal_netns(const struct vsw_portal *p);

void vsw_portal_stats_get(const struct vsw_portal *p, struct vsw_portal_stats *ret);
