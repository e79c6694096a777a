/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 6888 and what else keeps one VM from hurting others: each case is named after its requirement. */
#include "tests/unit/nat/xlat/kit.h"

static struct result udp(struct world *w, uint32_t src, uint16_t sport, uint32_t dst,
			 uint16_t dport)
{
	return kit_send(w, NAT_INSIDE,
			(struct packet){.src = src, .sport = sport, .dst = dst, .dport = dport});
}

static void is_answer(const struct result *r, uint8_t code)
{
	CU_ASSERT_EQUAL(r->verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r->p.sport, 0x0300 | code);
}

/* C4: ports, sessions and the rate of sessions of a VM are limited; it is told (I8), others are not hurt. */
static void c4_limits(void)
{
	struct nat_event e[8];
	struct world w;
	struct result r;

	kit_world(&w);
	w.conf.limits.ports = 10;
	w.conf.limits.sessions = 20;
	w.conf.limits.sessions_per_s = 30;
	kit_start(&w);
	for (uint16_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(2), (uint16_t)(2000 + i), REMOTE(1), 1).verdict,
				NAT_TO_OUTSIDE);
	for (uint16_t i = 0; i < 50; i++) { /* no port, at one report for all */
		r = udp(&w, VM(2), (uint16_t)(3000 + i), REMOTE(1), 1);
		is_answer(&r, 13);
	}
	CU_ASSERT_EQUAL(kit_events(&w, e, 8), 1);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_QUOTA_EXCEEDED);
	CU_ASSERT_EQUAL(e[0].inside, VM(2));
	w.now_ms += 2000;
	for (uint16_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(2), 2000, REMOTE(2), i).verdict, NAT_TO_OUTSIDE);
	r = udp(&w, VM(2), 2000, REMOTE(2), 99);
	is_answer(&r, 13);
	CU_ASSERT_EQUAL(r.reason, NAT_R_QUOTA);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(2), 99).verdict, NAT_TO_OUTSIDE);
	for (uint16_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(2), 2000, REMOTE(2), i).verdict,
				NAT_TO_OUTSIDE); /* live ones go on */
	kit_stop(&w);
}

static void c4_rate(void)
{
	struct world w;
	unsigned int begun = 0;

	kit_world(&w);
	w.conf.limits.sessions_per_s = 30;
	kit_start(&w);
	for (uint16_t ms = 0; ms < 2000; ms++, w.now_ms++)
		begun += udp(&w, VM(2), (uint16_t)(2000 + ms), REMOTE(1), 1).verdict ==
			 NAT_TO_OUTSIDE;
	CU_ASSERT_TRUE(begun >= 88 && begun <= 91); /* a second's worth at once, then 30 a second */
	CU_ASSERT_EQUAL(kit_stats(&w).drops[NAT_R_RATE], 2000 - begun);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(1), 1).verdict, NAT_TO_OUTSIDE);
	kit_stop(&w);
}

/* Workers read the clock before they wait for each other: time may be given as a little less than last time. */
static void c4_rate_with_many_clocks(void)
{
	struct world w;
	unsigned int begun = 0;

	kit_world(&w);
	w.conf.limits.sessions_per_s = 30;
	kit_start(&w);
	for (uint16_t ms = 0; ms < 2000; ms++) {
		w.now_ms = 1000000 + ms - 4 * (ms & 1);
		begun += udp(&w, VM(2), (uint16_t)(2000 + ms), REMOTE(1), 1).verdict ==
			 NAT_TO_OUTSIDE;
	}
	CU_ASSERT_TRUE(begun >= 88 && begun <= 91);
	kit_stop(&w);
}

/* ... and so it is for answers. */
static void c11_answers_with_many_clocks(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	for (unsigned int i = 0; i < 20000; i++) {
		w.now_ms = 1000000 - 4 * (i & 1);
		kit_send(&w, NAT_INSIDE,
			 (struct packet){.proto = NAT_ICMP,
					 .src = VM(2),
					 .dst = GATEWAY,
					 .sport = 8 << 8,
					 .dport = (uint16_t)i});
	}
	CU_ASSERT_TRUE(kit_stats(&w).answers <= 251);
	kit_stop(&w);
}

/* C5: who has itself told about packet after packet, inside or outside, leaves the others their answers. */
static void c5_answers_for_the_others(void)
{
	struct packet last_hop = {
		.src = VM(2), .sport = 1, .dst = REMOTE(1), .dport = 2, .ttl = 1, .payload = 8};
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	for (int i = 0; i < 3000; i++)
		kit_send(&w, NAT_INSIDE, last_hop);
	for (uint32_t i = 0; i < 3000; i++) /* from everywhere */
		kit_send(&w, NAT_OUTSIDE,
			 (struct packet){.proto = NAT_ICMP,
					 .src = REMOTE(0) + i,
					 .dst = OUT(1),
					 .sport = 8 << 8,
					 .dport = 1});
	CU_ASSERT_TRUE(kit_stats(&w).answers_limited >= 4000);
	last_hop.src = VM(3);
	r = kit_send(&w, NAT_INSIDE, last_hop);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.dst, VM(3));
	kit_stop(&w);
}

/* C4, C5: without any limit configured, a flood from one VM leaves ports and sessions to the others. */
static void c5_flood_without_limits(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	w.conf.limits.total_sessions = 100000;
	kit_start(&w);
	for (uint32_t i = 0; i < 65536; i++)
		udp(&w, VM(2), (uint16_t)i, REMOTE(i >> 8), 1);
	for (uint16_t i = 2000; i < 12000; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(3), i, REMOTE(1), 1).verdict, NAT_TO_OUTSIDE);
	kit_stop(&w);
	kit_world(&w);
	w.conf.limits.total_sessions = 4096;
	kit_start(&w);
	for (uint32_t i = 0; i < 10000; i++)
		r = udp(&w, VM(2), 2000, REMOTE(i >> 8), (uint16_t)i); /* one port, many remotes */
	CU_ASSERT_EQUAL(r.reason, NAT_R_QUOTA);
	for (uint16_t i = 0; i < 900; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(1), i).verdict, NAT_TO_OUTSIDE);
	kit_stop(&w);
}

/* C8: a released port rests before another gets it, but not one of a connection that was seen to end. */
static void c8_hold_down(void)
{
	struct world w;
	uint16_t port;

	kit_world(&w);
	w.external[0].port_last = 1024 + 9;
	kit_start(&w);
	for (uint16_t i = 0; i < 10; i++)
		kit_out(&w, NAT_UDP, VM(2), (uint16_t)(2000 + i), REMOTE(1), 9);
	kit_pass(&w, 302);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(1), 1).reason, NAT_R_EXHAUSTED);
	kit_pass(&w, 118);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(1), 1).reason, NAT_R_EXHAUSTED);
	kit_pass(&w, 4);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 2000, REMOTE(1), 1).verdict, NAT_TO_OUTSIDE);
	port = kit_connect(&w, VM(2), 1030, REMOTE(1), 80);
	CU_ASSERT_EQUAL(port, 1030);
	kit_tcp(&w, NAT_INSIDE, FIN | ACK, VM(2), 1030, REMOTE(1), 80);
	kit_tcp(&w, NAT_OUTSIDE, FIN | ACK, REMOTE(1), 80, OUT(1), port);
	kit_pass(&w, 242);
	CU_ASSERT_EQUAL(kit_connect(&w, VM(3), 1030, REMOTE(1), 80), 1030);
	kit_stop(&w);
}

/* C11, N15: nothing is left: the sender is told, an event is written, no live mapping is touched. */
static void c11_exhaustion(void)
{
	struct nat_event e[8];
	struct world w;
	struct result r;
	bool used[10] = {false};

	kit_world(&w);
	w.external[0].port_last = 1024 + 9;
	kit_start(&w);
	for (uint16_t i = 0; i < 10; i++) /* every free port is found, whatever the source */
		used[kit_out(&w, NAT_UDP, VM(2), (uint16_t)(2000 + i), REMOTE(1), 9).p.sport -
		     1024] = true;
	for (int i = 0; i < 10; i++)
		CU_ASSERT_TRUE(used[i]);
	r = udp(&w, VM(2), 2010, REMOTE(1), 9);
	is_answer(&r, 1);
	CU_ASSERT_EQUAL(r.reason, NAT_R_EXHAUSTED);
	r = udp(&w, VM(3), 2010, REMOTE(7), 9); /* no port is shared, whatever the remote */
	is_answer(&r, 1);
	CU_ASSERT_EQUAL(kit_events(&w, e, 8), 2);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_PORTS_EXHAUSTED);
	for (uint16_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(udp(&w, VM(2), (uint16_t)(2000 + i), REMOTE(1), 9).verdict,
				NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(kit_stats(&w).drops[NAT_R_EXHAUSTED], 2);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_used[0], 10);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_total[0], 10);
	kit_stop(&w);
}

static void c11_full_table(void)
{
	struct world w;
	unsigned int n = 0;

	kit_world(&w);
	w.conf.limits.total_sessions = 512;
	kit_start(&w);
	for (int vm = 2; vm < 202; vm++)
		for (uint16_t i = 0; i < 4; i++)
			n += udp(&w, VM(vm), 2000, REMOTE(1), i).verdict == NAT_TO_OUTSIDE;
	CU_ASSERT_EQUAL(n, 512);
	CU_ASSERT_EQUAL(kit_stats(&w).drops[NAT_R_TABLE_FULL], 800 - 512);
	CU_ASSERT_EQUAL(udp(&w, VM(2), 2000, REMOTE(1), 3).verdict, NAT_TO_OUTSIDE);
	kit_pass(&w, 302);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 0);
	kit_stop(&w);
}

/* C6: destinations that are not translated. */
static void c6_no_translate(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	w.conf.no_translate[0] = (struct nat_prefix){IP(172, 16, 0, 0), 12};
	w.conf.n_no_translate = 1;
	kit_start(&w);
	r = udp(&w, VM(2), 2000, IP(172, 20, 1, 1), 9);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(r.p.src, VM(2));
	CU_ASSERT_EQUAL(r.p.ttl, 63);
	CU_ASSERT_TRUE(r.sums_good);
	r = kit_in(&w, NAT_UDP, IP(172, 20, 1, 1), 9, VM(2), 2000);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	DROPPED_FOR(kit_in(&w, NAT_UDP, REMOTE(1), 9, VM(2), 2000), DESTINATION);
	CU_ASSERT_EQUAL(udp(&w, VM(2), 2000, REMOTE(1), 9).p.src, OUT(1));
	kit_stop(&w);
}

/* C13 to C15: ports in blocks, one record a block; the block goes back when it has rested. */
static void blocks(void)
{
	struct nat_event e[16];
	struct world w;
	uint16_t first, last;
	unsigned int n;

	kit_world(&w);
	w.conf.blocks = (struct nat_blocks){.size = 64, .max = 2};
	w.conf.log.what = NAT_LOG_BLOCKS;
	kit_start(&w);
	for (uint16_t i = 0; i < 64; i++)
		kit_out(&w, NAT_UDP, VM(2), (uint16_t)(40000 + i), REMOTE(1), 9);
	CU_ASSERT_EQUAL_FATAL(kit_events(&w, e, 16), 1);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_BLOCK_ALLOC);
	CU_ASSERT_EQUAL(e[0].count, 64);
	CU_ASSERT_EQUAL(e[0].outside_port % 64, 0);
	first = e[0].outside_port;
	last = (uint16_t)(first + 63);
	for (uint16_t i = 0; i < 64; i++) {
		uint16_t port =
			kit_out(&w, NAT_UDP, VM(2), (uint16_t)(40000 + i), REMOTE(2), 9).p.sport;

		CU_ASSERT_TRUE(port >= first && port <= last);
	}
	for (uint16_t i = 0; i < 64; i++)
		kit_out(&w, NAT_UDP, VM(2), (uint16_t)(50000 + i), REMOTE(1), 9);
	CU_ASSERT_EQUAL(udp(&w, VM(2), 60000, REMOTE(1), 9).reason, NAT_R_QUOTA);
	CU_ASSERT_EQUAL(kit_out(&w, NAT_TCP, VM(2), 40000, REMOTE(1), 9).p.src, OUT(1));
	n = kit_events(&w, e, 16);
	CU_ASSERT_EQUAL(n, 2); /* the second block, the quota */
	kit_pass(&w, 302);
	CU_ASSERT_EQUAL(kit_events(&w, e, 16), 0);
	kit_pass(&w, 125);
	CU_ASSERT_EQUAL(kit_events(&w, e, 16), 2);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_BLOCK_FREE);
	CU_ASSERT_EQUAL(kit_stats(&w).hosts, 0);
	kit_stop(&w);
}

/* A static map's port inside a block does not keep the block. */
static void block_with_a_map(void)
{
	struct world w;

	kit_world(&w);
	w.external[0].port_last = 1024 + 63;
	w.conf.blocks = (struct nat_blocks){.size = 64, .max = 1};
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 1030, 1040, VM(5), 80, {0, 0}};
	w.conf.n_maps = 1;
	kit_start(&w);
	kit_out(&w, NAT_UDP, VM(2), 1030, REMOTE(1), 9);
	CU_ASSERT_EQUAL(udp(&w, VM(3), 5000, REMOTE(1), 9).reason, NAT_R_EXHAUSTED);
	kit_pass(&w, 302);
	kit_pass(&w, 125);
	kit_out(&w, NAT_UDP, VM(3), 5000, REMOTE(1), 9);
	kit_stop(&w);
}

/* Blocks of another size: nobody keeps one of the old, sessions go on, and no two VMs ever share a port. */
static void blocks_change(void)
{
	static const uint16_t sizes[] = {64, 4096, 128, 0, 64, 1024};
	struct nat_event e[64];
	struct world w;
	unsigned int n_alloc = 0, n_free = 0, n;

	kit_world(&w);
	w.conf.blocks = (struct nat_blocks){.size = 64, .max = 8};
	w.conf.log.what = NAT_LOG_BLOCKS;
	kit_start(&w);
	for (unsigned int k = 0; k < 6; k++) {
		uint32_t owner[65536] = {0};

		w.conf.blocks.size = sizes[k];
		CU_ASSERT_EQUAL_FATAL(nat_xlat_configure(w.x, &w.conf, w.mtu, w.now_ms), 0);
		for (uint32_t vm = 2; vm < 12; vm++)
			for (uint16_t i = 0; i < 20 + 20 * k; i++) {
				struct result r = kit_out(&w, NAT_UDP, VM(vm),
							  (uint16_t)(40000 + i), REMOTE(1), 9);

				CU_ASSERT_EQUAL(owner[r.p.sport], 0);
				owner[r.p.sport] = vm;
			}
		while ((n = kit_events(&w, e, 64)) != 0)
			for (unsigned int i = 0; i < n; i++) {
				n_alloc += e[i].type == NAT_EV_BLOCK_ALLOC;
				n_free += e[i].type == NAT_EV_BLOCK_FREE;
				CU_ASSERT_TRUE(e[i].count > 0 &&
					       e[i].outside_port + e[i].count <= 65536);
			}
	}
	kit_pass(&w, 302);
	kit_pass(&w, 125);
	while ((n = kit_events(&w, e, 64)) != 0)
		for (unsigned int i = 0; i < n; i++)
			n_free += e[i].type == NAT_EV_BLOCK_FREE;
	CU_ASSERT_TRUE(n_alloc > 0);
	CU_ASSERT_EQUAL(n_free, n_alloc);
	CU_ASSERT_EQUAL(kit_stats(&w).hosts, 0);
	kit_stop(&w);
}

/* RFC 7422: who had a port follows from arithmetic, and the data plane keeps to it. */
static void deterministic(void)
{
	struct world w;

	kit_world(&w);
	w.conf.prefix.len = 22;
	w.conf.prefix.addr = IP(10, 0, 0, 0);
	w.external[0].last = OUT(4);
	w.conf.blocks = (struct nat_blocks){.size = 256, .max = 1, .deterministic = true};
	kit_start(&w);
	for (uint32_t i = 2; i < 1000; i += 7) {
		uint32_t vm = IP(10, 0, 0, 0) + i, addr, owner = 0;
		struct result r = kit_out(&w, NAT_UDP, vm, 5000, REMOTE(1), 9);
		uint16_t first, n;

		CU_ASSERT_EQUAL(nat_deterministic_owner(&w.conf, r.p.src, r.p.sport, &owner), 0);
		CU_ASSERT_EQUAL(owner, vm);
		CU_ASSERT_EQUAL(nat_deterministic_block(&w.conf, vm, &addr, &first, &n), 0);
		CU_ASSERT_EQUAL(addr, r.p.src);
		CU_ASSERT_TRUE(r.p.sport >= first && r.p.sport - first < n);
	}
	kit_stop(&w);
}

/* dense: a port serves many remotes, never two sessions alike. */
static void t13_dense(void)
{
	struct world w;

	kit_world(&w);
	w.conf.profile = NAT_PROFILE_DENSE;
	nat_conf_profile(&w.conf);
	w.external[0].port_last = 1024 + 9;
	kit_start(&w);
	for (uint16_t remote = 1; remote < 100; remote++) {
		bool used[10] = {false};

		for (uint16_t i = 0; i < 10; i++)
			used[kit_out(&w, NAT_UDP, VM(2 + i), 5000, REMOTE(remote), 9).p.sport -
			     1024] = true;
		for (int i = 0; i < 10; i++)
			CU_ASSERT_TRUE(used[i]);
	}
	CU_ASSERT_EQUAL(udp(&w, VM(20), 5000, REMOTE(1), 9).reason, NAT_R_EXHAUSTED);
	DROPPED_FOR(kit_in(&w, NAT_UDP, REMOTE(1), 8, OUT(1), 1024), NO_MAPPING);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 9, OUT(1), 1024).verdict, NAT_TO_INSIDE);
	kit_stop(&w);
}

/* N35: what cannot come from inside. N36: a scan from outside makes no state. */
static void n35_hostile(void)
{
	static const uint32_t bad[] = {
		0,         OUT(1),           GATEWAY,         VM(0),
		VM(255),   IP(127, 0, 0, 1), IP(10, 0, 1, 2), IP(224, 0, 0, 1),
		0xffffffff};
	struct world w;

	kit_world(&w);
	kit_start(&w);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		DROPPED_FOR(udp(&w, bad[i], 1, REMOTE(1), 1), SOURCE);
		if (bad[i] != OUT(1) && bad[i] != GATEWAY && bad[i] != IP(10, 0, 1, 2))
			DROPPED_FOR(udp(&w, VM(2), 1, bad[i], 1), DESTINATION);
	}
	DROPPED_FOR(udp(&w, VM(2), 1, VM(3), 1), DESTINATION);
	DROPPED_FOR(kit_in(&w, NAT_TCP, OUT(1), 80, OUT(1), 80), SOURCE); /* land */
	DROPPED_FOR(kit_in(&w, NAT_TCP, VM(2), 80, OUT(1), 80), SOURCE);
	for (uint32_t port = 0; port < 65536; port++) {
		kit_in(&w, NAT_TCP, REMOTE(1), 80, OUT(1), (uint16_t)port);
		kit_in(&w, NAT_UDP, REMOTE(1), 80, OUT(1), (uint16_t)port);
	}
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 0);
	CU_ASSERT_EQUAL(kit_stats(&w).hosts, 0);
	kit_stop(&w);
}

/* N26: protocols without ports are refused for who shares an address, and pass for who owns one. */
static void n26_protocols(void)
{
	static const uint8_t protos[] = {47, 50, 51, 132, 33, 136, 41, 253};
	struct world w;

	kit_world(&w);
	w.pairs[0] = (struct nat_pair){OUT(7), VM(7)};
	w.conf.n_pairs = 1;
	kit_start(&w);
	for (unsigned int i = 0; i < sizeof(protos); i++) {
		struct packet p = {
			.proto = protos[i], .src = VM(2), .dst = REMOTE(1), .payload = 40};
		struct result r = kit_send(&w, NAT_INSIDE, p);

		is_answer(&r, 2);
		p.src = VM(7);
		r = kit_send(&w, NAT_INSIDE, p);
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
		CU_ASSERT_EQUAL(r.p.src, OUT(7));
		CU_ASSERT_EQUAL(kit_sum(r.bytes, 20, 0), 0xffff);
		if (protos[i] == 33 || protos[i] == 136)
			CU_ASSERT_TRUE(r.sums_good);
		p.src = REMOTE(1);
		p.dst = OUT(7);
		r = kit_send(&w, NAT_OUTSIDE, p);
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
		CU_ASSERT_EQUAL(r.p.dst, VM(7));
	}
	kit_stop(&w);
}

/* A log that nobody reads loses its newest records, says how many, and goes on. */
static void events_overflow(void)
{
	static struct nat_event e[80000];
	struct world w;
	unsigned int n;

	kit_world(&w);
	w.conf.log.what = NAT_LOG_SESSIONS;
	w.conf.limits.total_sessions = 160000;
	w.external[0].last = OUT(4);
	kit_start(&w);
	for (uint32_t i = 0; i < 80000; i++)
		udp(&w, VM(2 + i % 250), (uint16_t)(2000 + i / 250), REMOTE(1), 9);
	n = kit_events(&w, e, 80000);
	CU_ASSERT_EQUAL(n + kit_stats(&w).events_lost, 80000);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_SESSION_CREATE);
	CU_ASSERT_EQUAL(e[0].inside, VM(2));
	CU_ASSERT_EQUAL(e[0].inside_port, 2000);
	CU_ASSERT_EQUAL(e[0].remote, REMOTE(1));
	kit_pass(&w, 302);
	CU_ASSERT_TRUE(kit_events(&w, e, 80000) > 0);
	CU_ASSERT_EQUAL(e[0].type, NAT_EV_GAP);
	CU_ASSERT_EQUAL(e[0].count, 80000 - n);
	CU_ASSERT_EQUAL(e[1].type, NAT_EV_SESSION_DELETE);
	kit_stop(&w);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"C4 I8 limits of a VM", c4_limits},
		{"C4 rate of new sessions", c4_rate},
		{"C4 the same, time jitters", c4_rate_with_many_clocks},
		{"C11 so do answers", c11_answers_with_many_clocks},
		{"C5 answers for the others", c5_answers_for_the_others},
		{"C5 a flood leaves others their share", c5_flood_without_limits},
		{"C6 no-translate list", c6_no_translate},
		{"C8 hold-down", c8_hold_down},
		{"C11 exhaustion", c11_exhaustion},
		{"C11 full table", c11_full_table},
		{"C13-C15 port blocks", blocks},
		{"a static map in a block", block_with_a_map},
		{"another size of blocks", blocks_change},
		{"deterministic blocks", deterministic},
		{"T13 dense", t13_dense},
		{"N35 N36 hostile inside and outside", n35_hostile},
		{"N26 protocols", n26_protocols},
		{"events overflow", events_overflow},
	};

	return tap_run("nat-xlat-limits", cases, sizeof(cases) / sizeof(cases[0]));
}
