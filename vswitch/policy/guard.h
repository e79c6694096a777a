/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guards: what a port's owner may send. A verdict per frame, over its parsed headers; part of the
 * port's gate (gate.h), so a port without guards never comes here.
 *
 *   control    frames by which bridges and switches talk to each other
 *   router     ICMPv6 134 and 137, ICMPv4 5 and 9
 *   dhcp       what DHCP servers say, both families
 *   pinning    IP sources, ARP senders, ND targets: only the port's own
 *   limit      no more than so many addresses at a time
 *   storm      broadcast, multicast, unknown unicast: so many in each window of one second
 *
 * Hiding does not help: a frame whose headers contradict each other, whose extension headers do not
 * end where we can see, or which wraps IP in 802.2 SNAP is dropped where a guard looks at IP at all. Neighbour
 * discovery in fragments is dropped (RFC 6980), and so is a later fragment of ICMPv6 whose first
 * fragment has not passed.
 *
 * A pinned port may use its pins, its floating addresses, the link-local address made from its MAC
 * (RFC 4291 appendix A) and, when snooped, its leases; another link-local address needs a pin.
 * Unspecified sources pass where a protocol needs them: DHCP, IGMP and MLD, and address probes (ARP, DAD)
 * for an address the port may use.
 *
 * Source: Hyper-V's Set-VMNetworkAdapter; RFC 6105, 7113 (RA guard), 5227, 4861, 4862, 7610, 7513.
 * Thread-safety: vsw_gate_guard is immutable; of vsw_guard_state as said there.
 * Proof: tests/unit/vswitch/policy/test_guard.c, tests/fuzz/fuzz_guard.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vswitch/datapath/drops.h"
#include "vswitch/model/model.h"
#include "vswitch/policy/addrs.h"
#include "vswitch/policy/headers.h"

enum vsw_guard_checks {
	VSW_GUARD_CONTROL = 1,
	VSW_GUARD_ROUTER = 2,
	VSW_GUARD_DHCP = 4,
	VSW_GUARD_PINNED = 8,
	VSW_GUARD_SNOOP = 16, /* with PINNED: leases count */
	VSW_GUARD_LIMIT = 32,
	VSW_GUARD_STORM = 64,
	VSW_GUARD_UNKNOWN = 128, /* with STORM: wants to know whether the destination is known */
	VSW_GUARD_PRIORITY = 256,
	VSW_GUARD_CLUSTER = 512, /* ARP may name the addresses of a load balancing cluster */
};

enum vsw_storm { VSW_STORM_BROADCAST, VSW_STORM_MULTICAST, VSW_STORM_UNKNOWN, VSW_STORM_N };

struct vsw_guard_prefix {
	uint64_t w[2], mask[2];
};

struct vsw_gate_guard {
	uint32_t checks; /* enum vsw_guard_checks */
	uint32_t storm[VSW_STORM_N];
	uint32_t address_limit; /* 0: none */
	uint64_t second;        /* length of a storm window, in the unit of frames' times */
	uint32_t n;
	struct vsw_guard_prefix allowed[]; /* pins, floating, the MAC's own link-local address */
};

#define VSW_GUARD_MEMORY 16 /* fragments and transactions remembered */

/** What guards remember of a port; survives changes of policy. Any worker, unless said otherwise. */
struct vsw_guard_state {
	struct vsw_addrs addrs;
	uint64_t window[VSW_STORM_N]; /* atomic; when the present window began */
	uint32_t count[VSW_STORM_N];  /* atomic; frames in it */
	/* rings, written with relaxed atomics: an entry lost to a race costs a fragment or a lease's
	 * first second, never a check */
	uint32_t fragments[VSW_GUARD_MEMORY]; /* hashes of first fragments that passed */
	uint32_t asked[VSW_GUARD_MEMORY];     /* transactions of the guest's DHCP requests */
	uint32_t next_fragment, next_asked;
};

/** A frame on its way from the guest. */
struct vsw_guard_frame {
	const struct vsw_headers *h;
	const uint8_t *d; /* the first @len bytes: all, or VSW_HEADERS_MAX at least */
	uint32_t len;
	uint64_t dst, src; /* addresses, 48 bits as v->dst of pipeline.h */
	bool unknown;      /* only with VSW_GUARD_UNKNOWN: nobody knows the destination */
	uint64_t time;     /* TSC */
	bool peek;         /* only ask: count nothing, remember nothing */
};

/**
 * The guard of port @i of @m. *@ret NULL: nothing to check. @second: TSC cycles.
 * Return: 0; -ENOMEM. Control thread.
 */
int vsw_guard_make(const struct vsw_model *m, unsigned int i, uint64_t second,
		   struct vsw_gate_guard **ret);
/** Accepts NULL. */
void vsw_guard_free(struct vsw_gate_guard *g);

/** NULL on lack of memory. Control thread. */
struct vsw_guard_state *vsw_guard_state_create(void);

/** The verdict: VSW_DROP_N when the frame may pass, else why not. Counts it for its storm limit. */
enum vsw_drop vsw_guard_check(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			      const struct vsw_guard_frame *f);

/** Is this a DHCP message that vsw_guard_learn() wants to see? */
static inline bool vsw_guard_is_dhcp(const struct vsw_gate_guard *g, const struct vsw_headers *h,
				     enum vsw_dir dir)
{
	uint16_t port = dir == VSW_TO_VM ? h->dport : h->sport;

	return g->checks & VSW_GUARD_SNOOP && h->flags & VSW_HDR_PORTS && h->proto == 17 &&
	       !(h->flags & VSW_HDR_FRAGMENT) &&
	       (h->family == VSW_FAMILY_IPV4 ? port == 68 : port == 546);
}

/**
 * A DHCP message goes by: @d holds its UDP payload, of @len bytes. What the guest asked for and
 * gives back is taken from frames from-vm, what it got from frames to-vm.
 * @now_s seconds since 1970
 */
void vsw_guard_learn(const struct vsw_gate_guard *g, struct vsw_guard_state *s, bool ipv6,
		     enum vsw_dir dir, const uint8_t *d, uint32_t len, int64_t now_s);
