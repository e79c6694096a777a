/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing one address, one port, the TTL and the checksums they are in: for the fast and the slow path. */
#pragma once

#include "nat/xlat/xlat_impl.h"

/* Which 16 bits in front of the data hold the checksum. */
static inline uint32_t nat_l4_csum_at(uint8_t proto)
{
	return proto == NAT_TCP ? 16 : 6;
}

/** A TCP or UDP header whose port (at @port_at) is replaced; @d_addr, @d_l4: deltas of address, and of both. */
static inline void nat_rewrite_l4(uint8_t *l4, uint8_t proto, uint32_t port_at, uint16_t port,
				  uint16_t d_addr, uint16_t d_l4, bool partial)
{
	uint8_t *c = l4 + nat_l4_csum_at(proto);
	uint16_t csum = vd_load16(c);

	vd_store16(l4 + port_at, port);
	if (__builtin_expect(partial, 0)) {
		/* only the pseudo-header is in the sum yet: the port is not */
		vd_store16(c, nat_csum_change_partial(csum, d_addr));
		return;
	}
	if (proto == NAT_UDP && csum == 0)
		return; /* the sender has none */
	csum = nat_csum_change(csum, d_l4);
	if (proto == NAT_UDP && csum == 0)
		csum = 0xffff;
	vd_store16(c, csum);
}

/** The address at @at becomes @addr; @d covers it and whatever else changed in the header. */
static inline void nat_rewrite_ip(uint8_t *ip, uint32_t at, uint32_t addr, uint32_t d)
{
	vd_store32(ip + at, addr);
	vd_store16(ip + 10, nat_csum_change(vd_load16(ip + 10), d));
}

/** The whole packet of session @s, which came from @side. */
static inline void nat_rewrite_plain(uint8_t *ip, uint8_t *l4, const struct nat_session *s,
				     enum nat_side side, bool partial)
{
	bool out = side == NAT_INSIDE;
	uint16_t d_addr = out ? s->d_addr : nat_delta_undo(s->d_addr);
	uint16_t d_l4 = out ? s->d_l4 : nat_delta_undo(s->d_l4);

	ip[8]--;
	nat_rewrite_ip(ip, out ? 12 : 16, out ? s->out_ip : s->in_ip,
		       (uint32_t)d_addr + NAT_TTL_DELTA);
	nat_rewrite_l4(l4, s->proto, out ? 0 : 2, out ? s->out_port : s->in_port, d_addr, d_l4,
		       partial);
}
