/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4787: each case is named after its requirement. */
#include "tests/unit/nat/xlat/kit.h"

/* U1: one outside endpoint towards every remote, also after collisions. */
static void u1_endpoint_independent(void)
{
	struct world w;
	struct result a, b;

	kit_world(&w);
	kit_start(&w);
	a = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 53);
	CU_ASSERT_EQUAL(a.p.src, OUT(1));
	b = kit_out(&w, NAT_UDP, VM(3), 5000, REMOTE(1), 53); /* collides: another port */
	CU_ASSERT_NOT_EQUAL(b.p.sport, a.p.sport);
	for (int host = 1; host <= 3; host++) {
		for (uint16_t port = 53; port < 55; port++) {
			CU_ASSERT_EQUAL(
				kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(host), port).p.sport,
				a.p.sport);
			CU_ASSERT_EQUAL(
				kit_out(&w, NAT_UDP, VM(3), 5000, REMOTE(host), port).p.sport,
				b.p.sport);
		}
	}
	kit_stop(&w);
}

/* U2: all flows of a host use one outside address of the pool. */
static void u2_paired_pooling(void)
{
	struct world w;
	unsigned int used = 0;

	kit_world(&w);
	w.external[0].last = OUT(4);
	kit_start(&w);
	for (int vm = 2; vm < 10; vm++) {
		uint32_t first = kit_out(&w, NAT_UDP, VM(vm), 1, REMOTE(1), 1).p.src;

		for (uint16_t i = 2; i < 50; i++)
			CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(vm), i, REMOTE(i), i).p.src, first);
		CU_ASSERT_EQUAL(kit_out(&w, NAT_TCP, VM(vm), 99, REMOTE(1), 80).p.src, first);
		used |= 1u << (first & 7);
	}
	CU_ASSERT_EQUAL(used, 0x1e); /* and the pool is spread over hosts */
	kit_stop(&w);
}

/* U3: two inside endpoints never share an outside endpoint. */
static void u3_no_overloading(void)
{
	static uint8_t seen[65536];
	struct world w;

	memset(seen, 0, sizeof(seen));
	kit_world(&w);
	kit_start(&w);
	for (int vm = 2; vm < 40; vm++) {
		for (uint16_t i = 0; i < 50; i++) {
			uint16_t port =
				kit_out(&w, NAT_UDP, VM(vm), (uint16_t)(2000 + i), REMOTE(vm), i)
					.p.sport;

			CU_ASSERT_EQUAL(seen[port], 0);
			seen[port] = 1;
		}
	}
	kit_stop(&w);
}

/* U3a: the class of the port is kept, where the range allows; U4 preserves it where it is free. */
static void u3a_port_class(void)
{
	struct world w;

	kit_world(&w);
	w.external[0].port_first = 1;
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(2), 900, REMOTE(1), 1).p.sport, 900);
	CU_ASSERT_TRUE(kit_out(&w, NAT_UDP, VM(3), 900, REMOTE(1), 1).p.sport < 1024);
	CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 1).p.sport, 5000);
	CU_ASSERT_TRUE(kit_out(&w, NAT_UDP, VM(3), 5000, REMOTE(1), 1).p.sport >= 1024);
	kit_stop(&w);
}

/* U5: a mapping lives 300 s idle by default, and what a profile says else. */
static void u5_timers(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	r = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	kit_pass(&w, 299);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 99, OUT(1), r.p.sport).verdict,
			NAT_TO_INSIDE);
	kit_pass(&w, 3);
	DROPPED_FOR(kit_in(&w, NAT_UDP, REMOTE(1), 99, OUT(1), r.p.sport), NO_MAPPING);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
	kit_world(&w);
	w.conf.profile = NAT_PROFILE_WINNAT;
	nat_conf_profile(&w.conf);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	kit_pass(&w, 119);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_pass(&w, 3);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* A session whose time is over is over, even when nothing has swept it away yet. */
static void u5_expired_before_the_sweep(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	r = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	w.now_ms += 302 * 1000;
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 99, OUT(1), r.p.sport).verdict, NAT_DROP);
	kit_stop(&w);
}

/*
 * Workers beside each other translate what sessions alone can decide, up to the first packet that needs more: a new
 * session, one that has ended, one whose packets turn back. That one and those behind it stay as they came.
 */
static void plain_packets_change_nothing(void)
{
	struct packet p = {.src = VM(2), .dst = REMOTE(1), .sport = 5000, .dport = 99};
	uint8_t bytes[4][2048], before[4][2048];
	struct nat_frame f[4] = {0};
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	for (int i = 0; i < 4; i++) {
		p.sport = i == 2 ? 5001 : 5000;
		f[i].l3 = bytes[i];
		f[i].len = f[i].total = kit_write(&p, bytes[i]);
		f[i].room = 2048;
		memcpy(before[i], bytes[i], sizeof(before[i]));
	}
	CU_ASSERT_EQUAL(nat_xlat_run_plain(w.x, NAT_INSIDE, f, 4, w.now_ms), 2);
	for (int i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(memcmp(before[i], bytes[i], f[i].len) == 0, i >= 2);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	/* the rest, by who may change things */
	nat_xlat_run(w.x, NAT_INSIDE, f + 2, 2, w.now_ms);
	CU_ASSERT_EQUAL(f[2].verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(f[3].verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 2);
	/* another worker's clock is a second ahead: that is no reason to end a session ... */
	memcpy(bytes, before, sizeof(bytes));
	CU_ASSERT_EQUAL(nat_xlat_run_plain(w.x, NAT_INSIDE, f, 1, w.now_ms + 1000), 1);
	memcpy(bytes, before, sizeof(bytes));
	CU_ASSERT_EQUAL(nat_xlat_run_plain(w.x, NAT_INSIDE, f, 1, w.now_ms), 1);
	/* ... and its time being over is */
	memcpy(bytes, before, sizeof(bytes));
	CU_ASSERT_EQUAL(nat_xlat_run_plain(w.x, NAT_INSIDE, f, 1, w.now_ms + 400 * 1000), 0);
	CU_ASSERT_EQUAL(memcmp(before[0], bytes[0], f[0].len), 0);
	kit_stop(&w);
}

/* U5a: queries of the DNS end soon. */
static void u5a_dns(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 53);
	kit_pass(&w, 32);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* U6: what goes out refreshes; what comes in only when that is asked for. */
static void u6_refresh(void)
{
	for (int inbound = 0; inbound < 2; inbound++) {
		struct world w;
		struct result r;

		kit_world(&w);
		w.conf.udp_inbound_refresh = inbound;
		kit_start(&w);
		r = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
		kit_pass(&w, 200);
		kit_in(&w, NAT_UDP, REMOTE(1), 99, OUT(1), r.p.sport);
		kit_pass(&w, 200);
		CU_ASSERT_EQUAL(kit_stats(&w).sessions, (uint32_t)inbound);
		kit_out(&w, NAT_UDP, VM(2), 6000, REMOTE(1), 99);
		kit_pass(&w, 200);
		kit_out(&w, NAT_UDP, VM(2), 6000, REMOTE(1), 99);
		kit_pass(&w, 200);
		CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
		kit_stop(&w);
	}
}

/* U8: the three kinds of filtering. */
static void u8_filtering(void)
{
	for (int kind = 0; kind < NAT_N_FILTERINGS; kind++) {
		struct world w;
		uint16_t port;

		kit_world(&w);
		w.conf.filter_udp = (enum nat_filtering)kind;
		kit_start(&w);
		port = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99).p.sport;
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 99, OUT(1), port).verdict,
				NAT_TO_INSIDE);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 100, OUT(1), port).verdict,
				kind == NAT_FILTER_ADDRESS_PORT ? NAT_DROP : NAT_TO_INSIDE);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(2), 99, OUT(1), port).verdict,
				kind == NAT_FILTER_ENDPOINT ? NAT_TO_INSIDE : NAT_DROP);
		kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(2), 7);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(2), 98, OUT(1), port).verdict,
				kind == NAT_FILTER_ADDRESS_PORT ? NAT_DROP : NAT_TO_INSIDE);
		kit_stop(&w);
	}
}

/* Permission by address ends with the last session to that address, whichever ends first. */
static void u8_groups_end_in_any_order(void)
{
	for (int order = 0; order < 6; order++) {
		static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
						 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
		struct world w;
		uint16_t port;

		kit_world(&w);
		kit_start(&w);
		port = kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(9), 1)
			       .p.sport; /* takes the inline group */
		for (uint16_t i = 0; i < 3; i++)
			kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), (uint16_t)(100 + i));
		for (int i = 0; i < 3; i++) {
			struct nat_session_info s;

			CU_ASSERT_EQUAL(
				kit_in(&w, NAT_UDP, REMOTE(1), (uint16_t)(200 + i), OUT(1), port)
					.verdict,
				NAT_TO_INSIDE);
			for (uint32_t c = 0; nat_xlat_session_next(w.x, &c, w.now_ms, &s);)
				if (s.remote == REMOTE(1) &&
				    (s.remote_port == 100 + orders[order][i] || s.inbound))
					nat_xlat_session_kill(w.x, c, w.now_ms);
		}
		DROPPED_FOR(kit_in(&w, NAT_UDP, REMOTE(1), 300, OUT(1), port), FILTERED);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(9), 300, OUT(1), port).verdict,
				NAT_TO_INSIDE);
		kit_stop(&w);
	}
}

/* U9: hairpin; the source that is seen is the sender's outside endpoint. */
static void u9_hairpin(void)
{
	struct world w;
	struct result r;
	uint16_t a, b;

	kit_world(&w);
	w.conf.filter_udp = NAT_FILTER_ENDPOINT;
	kit_start(&w);
	b = kit_out(&w, NAT_UDP, VM(3), 7000, REMOTE(1), 99).p.sport;
	a = kit_out(&w, NAT_UDP, VM(2), 7000, REMOTE(1), 99).p.sport;
	for (int i = 0; i < 2; i++) { /* the first packet begins sessions, the second finds them */
		r = kit_send(&w, NAT_INSIDE,
			     (struct packet){.src = VM(2),
					     .sport = 7000,
					     .dst = OUT(1),
					     .dport = b,
					     .payload = 100});
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
		CU_ASSERT_TRUE(r.sums_good);
		CU_ASSERT_EQUAL(r.p.src, OUT(1));
		CU_ASSERT_EQUAL(r.p.sport, a);
		CU_ASSERT_EQUAL(r.p.dst, VM(3));
		CU_ASSERT_EQUAL(r.p.dport, 7000);
		CU_ASSERT_EQUAL(r.p.ttl, 63);
		r = kit_send(
			&w, NAT_INSIDE,
			(struct packet){.src = VM(3), .sport = 7000, .dst = OUT(1), .dport = a});
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
		CU_ASSERT_EQUAL(r.p.sport, b);
		CU_ASSERT_EQUAL(r.p.dst, VM(2));
	}
	w.conf.hairpin = false;
	CU_ASSERT_EQUAL(nat_xlat_configure(w.x, &w.conf, w.mtu, w.now_ms), 0);
	r = kit_send(&w, NAT_INSIDE,
		     (struct packet){.src = VM(4), .sport = 1, .dst = OUT(1), .dport = b});
	DROPPED_FOR(r, DESTINATION);
	kit_stop(&w);
}

/* U11: what holds for the first mapping holds for the last but one. */
static void u11_same_under_load(void)
{
	struct world w;
	uint16_t a, b;

	kit_world(&w);
	w.conf.limits.total_sessions = 60000;
	kit_start(&w);
	for (uint32_t i = 0; i < 40000; i++)
		kit_out(&w, NAT_UDP, VM(10 + i % 200), (uint16_t)(1024 + i / 200), REMOTE(9), 9);
	a = kit_out(&w, NAT_UDP, VM(2), 1024, REMOTE(1), 99).p.sport;
	b = kit_out(&w, NAT_UDP, VM(2), 1024, REMOTE(2), 98).p.sport;
	CU_ASSERT_EQUAL(a, b);
	CU_ASSERT_NOT_EQUAL(a, 1024);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 1, OUT(1), a).verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(3), 99, OUT(1), a).verdict, NAT_DROP);
	kit_stop(&w);
}

/* Outside ports that are not preserved cannot be guessed (RFC 6056). */
static void t15_random_ports(void)
{
	struct world w;
	uint32_t in_order = 0;
	uint16_t last = 0;

	kit_world(&w);
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 99);
	for (int vm = 3; vm < 103; vm++) {
		uint16_t port = kit_out(&w, NAT_UDP, VM(vm), 5000, REMOTE(1), 99).p.sport;

		in_order += port > last;
		last = port;
	}
	CU_ASSERT_TRUE(in_order > 25 && in_order < 75);
	kit_stop(&w);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"U1 endpoint-independent mapping", u1_endpoint_independent},
		{"U2 paired pooling", u2_paired_pooling},
		{"U3 no port overloading", u3_no_overloading},
		{"U3a U4 port class and preservation", u3a_port_class},
		{"U5 timers", u5_timers},
		{"U5 an expired session is over at once", u5_expired_before_the_sweep},
		{"plain packets change nothing but their session", plain_packets_change_nothing},
		{"U5a DNS", u5a_dns},
		{"U6 refresh", u6_refresh},
		{"U8 filtering", u8_filtering},
		{"U8 permission ends with its last session", u8_groups_end_in_any_order},
		{"U9 hairpin", u9_hairpin},
		{"U11 the same under load", u11_same_under_load},
		{"T15 random ports", t15_random_ports},
	};

	return tap_run("nat-xlat-udp", cases, sizeof(cases) / sizeof(cases[0]));
}
