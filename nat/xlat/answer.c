/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the translator says itself: ICMP errors to the sender of a packet that cannot go on, and echo
 * replies for its own addresses. Answers are built in the buffer of the packet they are for.
 *
 * Source: RFC 792, RFC 1122 3.2.2 (when not to answer), RFC 1812 4.3.2.3 (how much to quote).
 */
#include "nat/xlat/xlat_impl.h"

#define QUOTE_MAX    548 /* an answer is 576 bytes at most */
#define HEADERS      28  /* IPv4 without options, ICMP */
#define TTL          64
#define RATE         1000 /* answers a second, to all of a side */
#define RATE_ONE     250  /* of them to one sender, and those who share its hash */
#define ECHO_REPLY   0
#define ECHO_REQUEST 8

static const struct {
	uint8_t type, code;
} wire[] = {
	[NAT_A_TTL] = {11, 0},     [NAT_A_TOO_BIG] = {3, 4},
	[NAT_A_HOST] = {3, 1},   /* nothing is left: RFC 6888 REQ-9 */
	[NAT_A_ADMIN] = {3, 13}, /* not allowed: RFC 5508 REQ-8 */
	[NAT_A_PROTOCOL] = {3, 2},
};

/* What @b has by now, of at most a second's worth. */
static void fill(const struct nat_xlat *x, struct nat_tokens *b, uint32_t rate)
{
	uint64_t ms = x->now_ms - b->ms, have = b->tokens + (ms > 1000 ? 1000 : ms) * rate;

	b->tokens = (uint32_t)(have > rate * 1000 ? rate * 1000 : have);
	b->ms = x->now_ms;
}

/* May @to, on @side, be sent an answer? One that asks for many leaves the others theirs. */
static bool within_rate(struct nat_xlat *x, enum nat_side side, uint32_t to)
{
	uint64_t h = nat_hash(to, 0x616e7300 | side, x->seed);
	struct nat_tokens *all = &x->answers_to[side], *one = &x->answers_to_one[h >> 56];

	fill(x, all, RATE);
	fill(x, one, RATE_ONE);
	if (all->tokens < 1000 || one->tokens < 1000) {
		x->answers_limited++;
		return false;
	}
	all->tokens -= 1000;
	one->tokens -= 1000;
	return true;
}

/* Must nobody be answered about this packet? */
static bool unanswerable(const struct nat_xlat *x, const struct nat_pkt *p)
{
	uint32_t src = nat_be32(p->src);

	if (p->later_fragment || p->src == 0 || p->src == x->conf->broadcast ||
	    (src >> 28) >= 0xe || src >> 24 == 127 || nat_be32(p->dst) >> 28 >= 0xe)
		return true;
	return p->proto == NAT_ICMP && (p->l4_len < 1 || nat_icmp_is_error(p->l4[0]));
}

static void write_ip(uint8_t *ip, uint16_t len, uint16_t id, uint32_t src, uint32_t dst)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	vd_store16(ip + 2, nat_be16(len));
	vd_store16(ip + 4, id);
	ip[8] = TTL;
	ip[9] = NAT_ICMP;
	vd_store32(ip + 12, src);
	vd_store32(ip + 16, dst);
	vd_store16(ip + 10, nat_csum(ip, 20));
}

void nat_answer(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p, enum nat_answer answer,
		enum nat_reason why)
{
	/* the packet as it came in: the outside knows us by the address it sent to */
	uint32_t from = side == NAT_INSIDE ? x->conf->gateway : p->dst, to = p->src;
	struct nat_frame *f = p->f;
	uint32_t quote = p->ip_len < f->len ? p->ip_len : f->len;
	uint8_t *icmp = p->ip + 20;

	if (answer == NAT_A_NONE || p->from_hairpin || unanswerable(x, p) ||
	    f->room < HEADERS + p->ihl + 8)
		goto drop;
	if (quote > QUOTE_MAX)
		quote = QUOTE_MAX;
	if (quote > f->room - HEADERS)
		quote = f->room - HEADERS;
	if (quote < p->ihl + 8 || !within_rate(x, side, to))
		goto drop;
	memmove(p->ip + HEADERS, p->ip, quote);
	write_ip(p->ip, (uint16_t)(HEADERS + quote), (uint16_t)nat_random(x), from, to);
	memset(icmp, 0, 8);
	icmp[0] = wire[answer].type;
	icmp[1] = wire[answer].code;
	if (answer == NAT_A_TOO_BIG)
		vd_store16(icmp + 6, nat_be16(x->mtu[!side]));
	vd_store16(icmp + 2, nat_csum(icmp, 8 + quote));
	f->len = f->total = HEADERS + quote;
	f->flags = NAT_F_ANSWER;
	f->gso = 0;
	f->reason = (uint8_t)why;
	f->verdict = side == NAT_INSIDE ? NAT_TO_INSIDE : NAT_TO_OUTSIDE;
	x->drops[why]++;
	x->answers++;
	return;
drop:
	nat_drop(x, f, why);
}

void nat_echo(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p)
{
	struct nat_frame *f = p->f;
	uint16_t csum;

	if (p->proto != NAT_ICMP || p->l4_len < 8 || p->l4[0] != ECHO_REQUEST ||
	    p->first_fragment || p->later_fragment) {
		nat_drop(x, f, NAT_R_LOCAL);
		return;
	}
	if (!within_rate(x, side, p->src)) {
		nat_drop(x, f, NAT_R_LOCAL);
		return;
	}
	vd_store32(p->ip + 12, p->dst);
	vd_store32(p->ip + 16, p->src);
	p->ip[8] = TTL;
	vd_store16(p->ip + 10, 0);
	vd_store16(p->ip + 10, nat_csum(p->ip, p->ihl));
	csum = vd_load16(p->l4 + 2);
	vd_store16(p->l4 + 2, nat_csum_change(csum, nat_delta16(nat_be16(ECHO_REQUEST << 8), 0)));
	p->l4[0] = ECHO_REPLY;
	f->verdict = side == NAT_INSIDE ? NAT_TO_INSIDE : NAT_TO_OUTSIDE;
	f->flags = NAT_F_ANSWER;
	x->answers++;
}
