/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a TCP session, after RFC 7857 section 2 and RFC 6146 section 3.5.2. The translator does not
 * follow sequence numbers: a RST never ends a session at once, it only shortens its life until a packet shows
 * that the connection lives on, so that a blind RST kills nothing (RFC 7857 section 2.2).
 */
#include "nat/xlat/xlat_impl.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04

#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_MSS 2

uint8_t nat_tcp_first_state(enum nat_side side, uint8_t flags)
{
	if (flags & SYN)
		return side == NAT_INSIDE ? NAT_ST_TCP_SYN_OUT : NAT_ST_TCP_SYN_IN;
	return side == NAT_INSIDE ? NAT_ST_TCP_PICKUP_OUT : NAT_ST_TCP_PICKUP_IN;
}

/* A SYN seen: of a new connection, of one that opens from both ends, or of one begun anew. */
static uint8_t after_syn(uint8_t state, enum nat_side side)
{
	switch (state) {
	case NAT_ST_TCP_SYN_OUT:
	case NAT_ST_TCP_PICKUP_OUT:
		return side == NAT_OUTSIDE ? NAT_ST_TCP_ESTABLISHED : NAT_ST_TCP_SYN_OUT;
	case NAT_ST_TCP_SYN_IN:
	case NAT_ST_TCP_PICKUP_IN:
		return side == NAT_INSIDE ? NAT_ST_TCP_ESTABLISHED : NAT_ST_TCP_SYN_IN;
	case NAT_ST_TCP_CLOSING:
	case NAT_ST_TCP_RESET:
		return side == NAT_INSIDE ? NAT_ST_TCP_SYN_OUT : NAT_ST_TCP_SYN_IN;
	default:
		return state;
	}
}

static uint8_t after_fin(uint8_t state, enum nat_side side)
{
	uint8_t mine = side == NAT_INSIDE ? NAT_ST_TCP_FIN_OUT : NAT_ST_TCP_FIN_IN;

	if (state == NAT_ST_TCP_ESTABLISHED || state == NAT_ST_TCP_RESET)
		return mine;
	if ((state == NAT_ST_TCP_FIN_OUT || state == NAT_ST_TCP_FIN_IN) && state != mine)
		return NAT_ST_TCP_CLOSING;
	return state;
}

/* No flag that opens or closes. */
static uint8_t after_data(uint8_t state, enum nat_side side)
{
	if (state == NAT_ST_TCP_RESET || (state == NAT_ST_TCP_PICKUP_OUT && side == NAT_OUTSIDE) ||
	    (state == NAT_ST_TCP_PICKUP_IN && side == NAT_INSIDE))
		return NAT_ST_TCP_ESTABLISHED;
	return state;
}

bool nat_tcp_packet(struct nat_session *s, enum nat_side side, uint8_t flags)
{
	uint8_t state = s->state;

	if (flags & RST) {
		/* a half-open one that is refused is as good as over; neither refreshes (RFC 5382 REQ-6) */
		if (state >= NAT_ST_TCP_ESTABLISHED && state != NAT_ST_TCP_CLOSING)
			s->state = NAT_ST_TCP_RESET;
		return false;
	}
	if (flags & SYN)
		s->state = after_syn(state, side);
	else if (flags & FIN)
		s->state = after_fin(state, side);
	else
		s->state = after_data(state, side);
	return true;
}

const char *nat_state_text(uint8_t state)
{
	static const char *const text[NAT_STATES] = {
		[NAT_ST_FREE] = "free",
		[NAT_ST_UDP] = "open",
		[NAT_ST_UDP_DNS] = "dns",
		[NAT_ST_ICMP] = "query",
		[NAT_ST_TCP_SYN_OUT] = "opening",
		[NAT_ST_TCP_SYN_IN] = "opening-in",
		[NAT_ST_TCP_PICKUP_OUT] = "picked-up",
		[NAT_ST_TCP_PICKUP_IN] = "picked-up-in",
		[NAT_ST_TCP_ESTABLISHED] = "established",
		[NAT_ST_TCP_FIN_OUT] = "half-closed",
		[NAT_ST_TCP_FIN_IN] = "half-closed-in",
		[NAT_ST_TCP_CLOSING] = "closing",
		[NAT_ST_TCP_RESET] = "reset",
	};

	return state < NAT_STATES ? text[state] : "?";
}

/* Bring the MSS option of a SYN down to what fits @mtu. */
void nat_tcp_clamp(struct nat_pkt *p, uint16_t mtu, bool partial)
{
	uint32_t end = (uint32_t)(p->l4[12] >> 4) * 4, i = 20;
	uint16_t most = (uint16_t)(mtu - 40), old, csum = vd_load16(p->l4 + 16);

	if (end > p->l4_len)
		end = p->l4_len;
	while (i + 1 < end && p->l4[i] != OPTION_END) {
		uint8_t n = p->l4[i] == OPTION_NOP ? 1 : p->l4[i + 1];

		if (n == 0 || i + n > end)
			return;
		if (p->l4[i] != OPTION_MSS || n != 4) {
			i += n;
			continue;
		}
		old = nat_be16(vd_load16(p->l4 + i + 2));
		if (old <= most)
			return;
		p->l4[i + 2] = (uint8_t)(most >> 8);
		p->l4[i + 3] = (uint8_t)most;
		/* an option at an odd offset has its bytes in two words: their sum is that of the swapped value.
		 * A partial checksum does not cover it yet */
		if (!partial) {
			uint32_t d = i & 1 ? nat_delta16(old, most)
					   : nat_delta16(nat_be16(old), nat_be16(most));

			vd_store16(p->l4 + 16, nat_csum_change(csum, d));
		}
		return;
	}
}
