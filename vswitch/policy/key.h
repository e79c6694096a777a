/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a packet's addresses to the words that the flow table and the classifier compare. IPv4 is
 * written as ::ffff:a.b.c.d, so that one layout serves both families.
 * Thread-safety: pure.
 */
#pragma once

#include <netinet/in.h>

#include "base/load.h"
#include "vswitch/policy/classify.h"
#include "vswitch/policy/flow.h"
#include "vswitch/policy/headers.h"

/* A protocol number of ours: later fragments of a packet. 255 is reserved by IANA. */
#define VSW_PROTO_FRAGMENTS 255

/** The low word of an IPv4 address; the high word is 0. */
static inline uint64_t vsw_key_v4(const void *addr)
{
	return UINT64_C(0xffff0000) | (uint64_t)vd_load32(addr) << 32;
}

static inline bool vsw_key_is_v4(const uint64_t *w)
{
	return w[0] == 0 && (w[1] & 0xffffffff) == UINT64_C(0xffff0000);
}

static inline uint64_t vsw_key_tail(uint16_t lport, uint16_t rport, uint8_t proto, uint16_t port,
				    uint16_t fid)
{
	return (uint64_t)lport << VSW_CLASS_LPORT_SHIFT | (uint64_t)rport << VSW_CLASS_RPORT_SHIFT |
	       (uint64_t)proto << VSW_CLASS_PROTO_SHIFT | (uint64_t)port << VSW_FLOW_PORT_SHIFT |
	       fid;
}

static inline void vsw_key_addrs(struct vsw_flow_key *k, bool v6, const uint8_t *local,
				 const uint8_t *remote)
{
	if (v6) {
		k->w[0] = vd_load64(local);
		k->w[1] = vd_load64(local + 8);
		k->w[2] = vd_load64(remote);
		k->w[3] = vd_load64(remote + 8);
	} else {
		k->w[0] = k->w[2] = 0;
		k->w[1] = vsw_key_v4(local);
		k->w[3] = vsw_key_v4(remote);
	}
}

static inline uint8_t vsw_key_proto(const struct vsw_flow_key *k)
{
	return k->w[4] >> VSW_CLASS_PROTO_SHIFT & 0xff;
}

static inline uint16_t vsw_key_lport(const struct vsw_flow_key *k)
{
	return k->w[4] >> VSW_CLASS_LPORT_SHIFT & 0xffff;
}

static inline uint16_t vsw_key_rport(const struct vsw_flow_key *k)
{
	return k->w[4] >> VSW_CLASS_RPORT_SHIFT & 0xffff;
}

/** What rules look at, of a flow's key. ICMP has no ports, only identifiers, which no rule names. */
static inline struct vsw_class_key vsw_key_class(const struct vsw_flow_key *k)
{
	uint64_t family = vsw_key_is_v4(k->w) ? VSW_FAMILY_IPV4 : VSW_FAMILY_IPV6;
	uint8_t proto = vsw_key_proto(k);
	struct vsw_class_key c;

	memcpy(c.w, k->w, sizeof(c.w));
	c.w[4] &= ~(UINT64_C(0xfff) << VSW_FLOW_PORT_SHIFT);
	c.w[4] |= family << VSW_CLASS_FAMILY_SHIFT;
	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6)
		c.w[4] &= UINT64_C(0xffffffff);
	return c;
}
