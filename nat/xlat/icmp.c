/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP errors in both directions (RFC 5508 section 4): the quoted packet is put back into the view of its
 * sender, the message goes to it. An error neither refreshes nor ends a session.
 */
#include "nat/xlat/rewrite.h"

#define IP_MIN   20
#define QUOTE_L4 8 /* bytes of its L4 header that a quote has at least */

bool nat_icmp_is_error(uint8_t type)
{
	/* unreachable, source quench, redirect, time exceeded, parameter problem */
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* The quoted packet taken apart; its sender is on the side that the error goes to. */
struct quote {
	uint8_t *ip, *l4;
	uint32_t ihl, l4_len;
	uint32_t src, dst;
	uint16_t sport, dport;
	uint8_t proto;
};

static bool parse_quote(struct nat_pkt *p, enum nat_side side, struct quote *q)
{
	uint32_t room = p->l4_len - 8;

	q->ip = p->l4 + 8;
	if (room < IP_MIN || q->ip[0] >> 4 != 4)
		return false;
	q->ihl = (uint32_t)(q->ip[0] & 15) * 4;
	if (q->ihl < IP_MIN || room < q->ihl + QUOTE_L4 || vd_load16(q->ip + 6) & nat_be16(0x1fff))
		return false;
	q->l4 = q->ip + q->ihl;
	q->l4_len = room - q->ihl;
	q->proto = q->ip[9];
	q->src = vd_load32(q->ip + 12);
	q->dst = vd_load32(q->ip + 16);
	q->sport = vd_load16(q->l4);
	q->dport = vd_load16(q->l4 + 2);
	if (q->proto == NAT_ICMP) {
		if (nat_icmp_is_error(q->l4[0]))
			return false;
		/* the id is the inside's port: the quote's source, when the error comes from outside */
		q->sport = side == NAT_OUTSIDE ? vd_load16(q->l4 + 4) : 0;
		q->dport = side == NAT_INSIDE ? vd_load16(q->l4 + 4) : 0;
	}
	return true;
}

/* The session whose packet is quoted. */
static const struct nat_session *session_of(struct nat_xlat *x, enum nat_side side,
					    const struct quote *q)
{
	uint32_t n = nat_session_find(x, side == NAT_OUTSIDE ? NAT_K_IN : NAT_K_OUT,
				      nat_pair(q->dst, q->src), nat_pair16(q->dport, q->sport),
				      q->proto);

	return n == NAT_NONE || nat_session_expired(x, &x->sessions[n]) ? NULL : &x->sessions[n];
}

/* Put @addr and @port (@d_port: its delta) where the quote has the translated endpoint. */
static void rewrite_quote(struct quote *q, enum nat_side side, uint32_t addr, uint16_t port)
{
	bool source = side == NAT_OUTSIDE;
	uint16_t d_addr = nat_delta32(source ? q->src : q->dst, addr);
	uint16_t d_port = nat_delta16(source ? q->sport : q->dport, port);
	uint32_t both = (uint32_t)d_addr + d_port, at;

	nat_rewrite_ip(q->ip, source ? 12 : 16, addr, d_addr);
	if (q->proto == NAT_ICMP) {
		vd_store16(q->l4 + 4, port);
		vd_store16(q->l4 + 2, nat_csum_change(vd_load16(q->l4 + 2), d_port));
		return;
	}
	if (q->proto != NAT_TCP && q->proto != NAT_UDP)
		return;
	vd_store16(q->l4 + (source ? 0 : 2), port);
	at = nat_l4_csum_at(q->proto);
	/* eight bytes of TCP do not include its checksum */
	if (q->l4_len < at + 2 || (q->proto == NAT_UDP && vd_load16(q->l4 + at) == 0))
		return;
	vd_store16(q->l4 + at, nat_csum_change(vd_load16(q->l4 + at), both));
}

/* Inside address that owns @ip alone, or outside address that @ip owns alone; 0: none. */
static uint32_t one_to_one(const struct nat_xlat *x, enum nat_side side, uint32_t ip)
{
	int i = side == NAT_OUTSIDE ? nat_addr_find(x, ip) : nat_addr_of_inside(x, ip);

	if (i < 0)
		return 0;
	return side == NAT_OUTSIDE ? x->addrs[i].one_to_one : x->addrs[i].ip;
}

void nat_icmp_error(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p)
{
	bool in = side == NAT_OUTSIDE;
	uint32_t icmp_len = p->ip_len - p->ihl, addr, outer, at = in ? 16 : 12;
	const struct nat_session *s;
	struct nat_frame *f = p->f;
	enum nat_reason why = NAT_R_MALFORMED;
	struct quote q;
	uint16_t port;

	if (p->first_fragment || p->later_fragment || p->l4_len != icmp_len)
		goto drop;
	why = NAT_R_CHECKSUM;
	if (nat_csum(p->l4, icmp_len) != 0)
		goto drop;
	why = NAT_R_MALFORMED;
	if (!parse_quote(p, side, &q))
		goto drop;
	why = NAT_R_CHECKSUM;
	if (nat_csum(q.ip, q.ihl) != 0)
		goto drop;
	why = NAT_R_TTL;
	if (!p->from_hairpin && p->ip[8] <= 1)
		goto drop;
	s = session_of(x, side, &q);
	port = in ? q.sport : q.dport;
	if (s) {
		addr = in ? s->in_ip : s->out_ip;
		port = in ? s->in_port : s->out_port;
	} else {
		addr = one_to_one(x, side, in ? q.src : q.dst);
	}
	why = NAT_R_NO_SESSION;
	if (!addr)
		goto drop;
	outer = vd_load32(p->ip + at);
	rewrite_quote(&q, side, addr, port);
	if (!p->from_hairpin)
		p->ip[8]--;
	nat_rewrite_ip(p->ip, at, addr,
		       (uint32_t)nat_delta32(outer, addr) + (p->from_hairpin ? 0 : NAT_TTL_DELTA));
	vd_store16(p->l4 + 2, 0);
	vd_store16(p->l4 + 2, nat_csum(p->l4, icmp_len));
	if (in)
		f->verdict = NAT_TO_INSIDE;
	else
		nat_deliver_out(x, f, p->dst);
	return;
drop:
	nat_drop(x, f, why);
}
