/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5508, and ICMP in RFC 4787 and 5382: each case is named after its requirement. */
#include "tests/unit/nat/xlat/kit.h"

#define ECHO  0x0800
#define REPLY 0x0000

static struct result ping(struct world *w, enum nat_side side, uint16_t what, uint32_t src,
			  uint32_t dst, uint16_t id)
{
	return kit_send(w, side,
			(struct packet){.proto = NAT_ICMP,
					.sport = what,
					.dport = id,
					.src = src,
					.dst = dst,
					.payload = 32});
}

/* I1: queries work, their id does not depend on the remote; I2: 60 s. */
static void i1_queries(void)
{
	struct world w;
	struct result a, b;

	kit_world(&w);
	kit_start(&w);
	a = ping(&w, NAT_INSIDE, ECHO, VM(2), REMOTE(1), 77);
	CU_ASSERT_EQUAL(a.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_TRUE(a.sums_good);
	CU_ASSERT_EQUAL(a.p.src, OUT(1));
	b = ping(&w, NAT_INSIDE, ECHO, VM(3), REMOTE(1), 77);
	CU_ASSERT_NOT_EQUAL(b.p.dport, a.p.dport);
	CU_ASSERT_EQUAL(ping(&w, NAT_INSIDE, ECHO, VM(2), REMOTE(2), 77).p.dport, a.p.dport);
	b = ping(&w, NAT_OUTSIDE, REPLY, REMOTE(1), OUT(1), b.p.dport);
	CU_ASSERT_EQUAL(b.verdict, NAT_TO_INSIDE);
	CU_ASSERT_TRUE(b.sums_good);
	CU_ASSERT_EQUAL(b.p.dst, VM(3));
	CU_ASSERT_EQUAL(b.p.dport, 77);
	kit_pass(&w, 59);
	CU_ASSERT_EQUAL(ping(&w, NAT_OUTSIDE, REPLY, REMOTE(1), OUT(1), a.p.dport).verdict,
			NAT_TO_INSIDE);
	kit_pass(&w, 3);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* What is said to a sender: type, code, and a quote of what it sent. */
static void check_answer(const struct result *r, uint8_t type, uint8_t code, uint32_t from,
			 uint32_t to)
{
	CU_ASSERT_NOT_EQUAL(r->flags & NAT_F_ANSWER, 0);
	CU_ASSERT_TRUE(r->sums_good);
	CU_ASSERT_EQUAL(r->p.src, from);
	CU_ASSERT_EQUAL(r->p.dst, to);
	CU_ASSERT_EQUAL(r->p.proto, NAT_ICMP);
	CU_ASSERT_EQUAL(r->p.sport, type << 8 | code);
	CU_ASSERT_EQUAL(r->bytes[28], 0x45);
}

struct probe {
	uint8_t proto;
	uint16_t in_port, out_port, rem_port;
};

static struct packet quote_of(const struct world *w, const struct probe *p)
{
	(void)w;
	return (struct packet){.proto = p->proto,
			       .src = OUT(1),
			       .dst = REMOTE(1),
			       .sport = p->proto == NAT_ICMP ? ECHO : p->out_port,
			       .dport = p->proto == NAT_ICMP ? p->out_port : p->rem_port,
			       .payload = 40};
}

/* I4: an error from outside: the quote gets the inside endpoint back, type, code and source stay. */
static void i4_errors_from_outside(void)
{
	static const uint8_t types[][2] = {{3, 0}, {3, 1},  {3, 3},  {3, 4}, {3, 13},
					   {4, 0}, {11, 0}, {11, 1}, {12, 0}};
	static const uint8_t protos[] = {NAT_UDP, NAT_TCP, NAT_ICMP};
	static const uint32_t sizes[] = {28, 48, 68};
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(9), 5000, REMOTE(1), 99); /* so that no port is preserved */
	kit_out(&w, NAT_TCP, VM(9), 5000, REMOTE(1), 99);
	ping(&w, NAT_INSIDE, ECHO, VM(9), REMOTE(1), 5000);
	for (unsigned int i = 0; i < sizeof(protos) * sizeof(types) / 2 * 3; i++) {
		struct probe p = {.proto = protos[i % 3], .in_port = 5000, .rem_port = 99};
		const uint8_t *t = types[i / 3 % (sizeof(types) / 2)];
		struct result r, q;
		struct packet quote;

		r = p.proto == NAT_ICMP ? ping(&w, NAT_INSIDE, ECHO, VM(2), REMOTE(1), 5000)
					: kit_out(&w, p.proto, VM(2), 5000, REMOTE(1), 99);
		p.out_port = p.proto == NAT_ICMP ? r.p.dport : r.p.sport;
		CU_ASSERT_NOT_EQUAL(p.out_port, 5000);
		quote = quote_of(&w, &p);
		r = kit_error(&w, NAT_OUTSIDE, t[0], t[1], REMOTE(200), OUT(1), &quote,
			      sizes[i / 27]);
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
		CU_ASSERT_TRUE(r.sums_good);
		CU_ASSERT_EQUAL(r.p.src, REMOTE(200));
		CU_ASSERT_EQUAL(r.p.dst, VM(2));
		CU_ASSERT_EQUAL(r.p.sport, t[0] << 8 | t[1]);
		/* the quote reads as the packet that VM sent */
		q = (struct result){0};
		kit_read(&(struct nat_frame){.l3 = r.bytes + 28,
					     .len = r.size - 28,
					     .verdict = NAT_TO_OUTSIDE},
			 &q);
		CU_ASSERT_EQUAL(q.p.src, VM(2));
		CU_ASSERT_EQUAL(q.p.dst, REMOTE(1));
		CU_ASSERT_EQUAL(p.proto == NAT_ICMP ? q.p.dport : q.p.sport, 5000);
		CU_ASSERT_EQUAL(kit_sum(r.bytes + 28, 20, 0), 0xffff);
		if (sizes[i / 27] == 68 && p.proto != NAT_TCP)
			CU_ASSERT_TRUE(q.sums_good);
	}
	kit_stop(&w);
}

/* I4, I3: no mapping, a bad checksum outside or in the quote: dropped. Options are tolerated. */
static void i3_bad_errors(void)
{
	struct probe p = {NAT_UDP, 5000, 5000, 99};
	struct packet quote;
	struct world w;
	struct result r;
	uint8_t bytes[2048];

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	quote = quote_of(&w, &p);
	quote.sport = 6000;
	DROPPED_FOR(kit_error(&w, NAT_OUTSIDE, 3, 3, REMOTE(1), OUT(1), &quote, 28), NO_SESSION);
	quote.sport = 5000;
	quote.options = 3;
	r = kit_error(&w, NAT_OUTSIDE, 3, 3, REMOTE(1), OUT(1), &quote, 40);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_TRUE(r.sums_good);
	memcpy(bytes, r.bytes, r.size);
	quote.options = 0;
	DROPPED_FOR(kit_error(&w, NAT_OUTSIDE, 3, 3, REMOTE(1), OUT(1), &quote, 27), MALFORMED);
	for (int at = 0; at < 2; at++) {
		uint8_t q[64];
		struct packet e = {.proto = NAT_ICMP,
				   .src = REMOTE(1),
				   .dst = OUT(1),
				   .sport = 0x0303,
				   .data = q,
				   .payload = 28};
		uint32_t size;

		kit_write(&quote, q);
		q[10] ^= (uint8_t)(at == 0); /* the quote's header checksum */
		size = kit_write(&e, bytes);
		bytes[22] ^= (uint8_t)(at == 1); /* the message's */
		DROPPED_FOR(kit_send_bytes(&w, NAT_OUTSIDE, bytes, size), CHECKSUM);
	}
	kit_stop(&w);
}

/* I5: an error from inside: the quote is put into the outside's view, the source becomes ours. */
static void i5_errors_from_inside(void)
{
	struct packet quote = {
		.src = REMOTE(1), .dst = VM(2), .sport = 99, .dport = 5000, .payload = 40};
	struct world w;
	struct result r, q = {0};
	uint16_t port;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(9), 5000, REMOTE(1), 99);
	port = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99).p.sport;
	r = kit_error(&w, NAT_INSIDE, 3, 3, VM(2), REMOTE(1), &quote, 68);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_TRUE(r.sums_good);
	CU_ASSERT_EQUAL(r.p.src, OUT(1));
	kit_read(&(struct nat_frame){.l3 = r.bytes + 28,
				     .len = r.size - 28,
				     .verdict = NAT_TO_OUTSIDE},
		 &q);
	CU_ASSERT_EQUAL(q.p.dst, OUT(1));
	CU_ASSERT_EQUAL(q.p.dport, port);
	CU_ASSERT_TRUE(q.sums_good);
	quote.dport = 5001; /* nothing of that is mapped */
	DROPPED_FOR(kit_error(&w, NAT_INSIDE, 3, 3, VM(2), REMOTE(1), &quote, 68), NO_SESSION);
	kit_stop(&w);
}

/* I6, U12, T10, T12: an error neither refreshes nor ends anything. */
static void i6_errors_change_nothing(void)
{
	struct probe p = {NAT_UDP, 5000, 5000, 99};
	struct packet quote, own = {.src = REMOTE(1), .dst = VM(2), .sport = 99, .dport = 5000};
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	quote = quote_of(&w, &p);
	kit_pass(&w, 200);
	for (uint8_t code = 0; code < 16; code++) {
		CU_ASSERT_EQUAL(
			kit_error(&w, NAT_OUTSIDE, 3, code, REMOTE(code + 1), OUT(1), &quote, 28)
				.verdict,
			NAT_TO_INSIDE);
		kit_error(&w, NAT_INSIDE, 3, code, VM(2), REMOTE(1), &own, 28);
	}
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_pass(&w, 102);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* I7: an error about a hairpinned packet goes through both translations. */
static void i7_hairpinned_error(void)
{
	struct world w;
	struct result r, q = {0};
	struct packet quote;
	uint16_t a, b;

	kit_world(&w);
	w.conf.filter_udp = NAT_FILTER_ENDPOINT;
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(9), 7000, REMOTE(1), 9);
	b = kit_out(&w, NAT_UDP, VM(3), 7000, REMOTE(1), 9).p.sport;
	r = kit_send(&w, NAT_INSIDE,
		     (struct packet){.src = VM(2), .sport = 7000, .dst = OUT(1), .dport = b});
	a = r.p.sport;
	quote = (struct packet){
		.src = OUT(1), .sport = a, .dst = VM(3), .dport = 7000, .payload = 8};
	r = kit_error(&w, NAT_INSIDE, 3, 3, VM(3), OUT(1), &quote, 68);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_TRUE(r.sums_good);
	CU_ASSERT_EQUAL(r.p.src, OUT(1));
	CU_ASSERT_EQUAL(r.p.dst, VM(2));
	kit_read(&(struct nat_frame){.l3 = r.bytes + 28,
				     .len = r.size - 28,
				     .verdict = NAT_TO_OUTSIDE},
		 &q);
	CU_ASSERT_EQUAL(q.p.src, VM(2));
	CU_ASSERT_EQUAL(q.p.sport, 7000);
	CU_ASSERT_EQUAL(q.p.dst, OUT(1));
	CU_ASSERT_EQUAL(q.p.dport, b);
	CU_ASSERT_TRUE(q.sums_good);
	kit_stop(&w);
}

/* I7: queries to a one-to-one address, hairpinned, and errors about it. */
static void i7_one_to_one(void)
{
	struct world w;
	struct result r;
	struct packet quote;

	kit_world(&w);
	w.pairs[0] = (struct nat_pair){OUT(7), VM(7)};
	w.conf.n_pairs = 1;
	kit_start(&w);
	r = ping(&w, NAT_INSIDE, ECHO, VM(2), OUT(7), 5);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.src, OUT(1));
	CU_ASSERT_EQUAL(r.p.dst, VM(7));
	r = ping(&w, NAT_INSIDE, REPLY, VM(7), OUT(1), r.p.dport);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.src, OUT(7));
	CU_ASSERT_EQUAL(r.p.dst, VM(2));
	CU_ASSERT_EQUAL(r.p.dport, 5);
	quote = (struct packet){
		.src = OUT(7), .dst = REMOTE(1), .sport = 1, .dport = 2, .payload = 9};
	r = kit_error(&w, NAT_OUTSIDE, 11, 0, REMOTE(5), OUT(7), &quote, 68);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.dst, VM(7));
	CU_ASSERT_TRUE(r.sums_good);
	kit_stop(&w);
}

/* TTL: one less, once; the last hop is told by us. */
static void ttl(void)
{
	struct packet p = {
		.src = VM(2), .sport = 5000, .dst = REMOTE(1), .dport = 99, .payload = 600};
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).p.ttl, 63);
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).p.ttl, 63);
	p.ttl = 1;
	r = kit_send(&w, NAT_INSIDE, p);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.reason, NAT_R_TTL);
	check_answer(&r, 11, 0, GATEWAY, VM(2));
	CU_ASSERT_EQUAL(r.size, 576);
	p = (struct packet){.src = REMOTE(1), .sport = 99, .dst = OUT(1), .dport = 5000, .ttl = 1};
	r = kit_send(&w, NAT_OUTSIDE, p);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	check_answer(&r, 11, 0, OUT(1), REMOTE(1));
	kit_stop(&w);
}

/* U13: too long and not to be fragmented: the sender is told the MTU; else it is marked. */
static void u13_pmtu(void)
{
	struct packet p = {.src = VM(2),
			   .sport = 5000,
			   .dst = REMOTE(1),
			   .dport = 99,
			   .payload = 1400,
			   .df = true};
	struct world w;
	struct result r;

	kit_world(&w);
	w.mtu[NAT_OUTSIDE] = 1400;
	kit_start(&w);
	r = kit_send(&w, NAT_INSIDE, p);
	CU_ASSERT_EQUAL(r.reason, NAT_R_TOO_BIG);
	check_answer(&r, 3, 4, GATEWAY, VM(2));
	CU_ASSERT_EQUAL(r.bytes[26] << 8 | r.bytes[27], 1400);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	p.df = false;
	r = kit_send(&w, NAT_INSIDE, p);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_NOT_EQUAL(r.flags & NAT_F_FRAGMENT, 0);
	p.payload = 1372;
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).flags & NAT_F_FRAGMENT, 0);
	/* a super-frame is judged by its segments, on both paths */
	p = (struct packet){.proto = NAT_TCP,
			    .flags = SYN,
			    .src = VM(2),
			    .sport = 1,
			    .dst = REMOTE(1),
			    .dport = 80};
	kit_send(&w, NAT_INSIDE, p);
	kit_tcp(&w, NAT_OUTSIDE, SYN | ACK, REMOTE(1), 80, OUT(1),
		kit_send(&w, NAT_INSIDE, p).p.sport);
	p.flags = ACK;
	p.payload = 3000;
	p.df = p.partial = true;
	for (p.gso = 1310; p.gso <= 1360; p.gso++)
		CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).verdict, NAT_TO_OUTSIDE);
	r = kit_send(&w, NAT_INSIDE, p);
	CU_ASSERT_EQUAL(r.reason, NAT_R_TOO_BIG);
	check_answer(&r, 3, 4, GATEWAY, VM(2));
	kit_stop(&w);
}

/* The gateway and the outside addresses answer a ping, and nothing else. */
static void own_addresses(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	r = ping(&w, NAT_INSIDE, ECHO, VM(2), GATEWAY, 9);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.src, GATEWAY);
	CU_ASSERT_EQUAL(r.p.dst, VM(2));
	CU_ASSERT_EQUAL(r.p.sport, REPLY);
	CU_ASSERT_TRUE(r.sums_good);
	r = ping(&w, NAT_OUTSIDE, ECHO, REMOTE(2), OUT(1), 9);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(r.p.dst, REMOTE(2));
	CU_ASSERT_TRUE(r.sums_good);
	DROPPED_FOR(kit_tcp(&w, NAT_INSIDE, SYN, VM(2), 1, GATEWAY, 22), LOCAL);
	DROPPED_FOR(ping(&w, NAT_OUTSIDE, REPLY, REMOTE(2), OUT(1), 9), NO_MAPPING);
	kit_stop(&w);
}

/* Answers are limited, and never answer an error or a group. */
static void answers_are_limited(void)
{
	struct packet p = {.src = VM(2), .sport = 1, .dst = REMOTE(1), .dport = 1, .ttl = 1};
	struct packet quote = {.src = REMOTE(1), .dst = VM(2), .sport = 1, .dport = 1};
	struct world w;
	unsigned int answered = 0;

	kit_world(&w);
	kit_start(&w);
	w.now_ms += 5000;
	for (int i = 0; i < 3000; i++)
		answered += kit_send(&w, NAT_INSIDE, p).verdict == NAT_TO_INSIDE;
	CU_ASSERT_TRUE(answered >= 249 && answered <= 251); /* to one sender */
	w.now_ms += 5000;
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).verdict, NAT_TO_INSIDE);
	for (int i = 0; i < 4; i++) {
		uint8_t bytes[256];
		struct packet e = {.proto = NAT_ICMP,
				   .sport = 0x0303,
				   .src = VM(2),
				   .dst = REMOTE(1),
				   .ttl = 1,
				   .data = bytes + 128,
				   .payload = 28};

		kit_write(&quote, bytes + 128);
		CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, e).verdict, NAT_DROP);
	}
	kit_stop(&w);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"I1 I2 queries", i1_queries},
		{"I4 T9 errors from outside", i4_errors_from_outside},
		{"I3 bad errors", i3_bad_errors},
		{"I5 errors from inside", i5_errors_from_inside},
		{"I6 U12 T10 T12 errors change nothing", i6_errors_change_nothing},
		{"I7 hairpinned error", i7_hairpinned_error},
		{"I7 one-to-one", i7_one_to_one},
		{"TTL", ttl},
		{"U13 path MTU", u13_pmtu},
		{"own addresses answer pings", own_addresses},
		{"answers are limited", answers_are_limited},
	};

	return tap_run("nat-xlat-icmp", cases, sizeof(cases) / sizeof(cases[0]));
}
