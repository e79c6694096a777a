/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 5382 and RFC 7857: each case is named after its requirement. */
#include "tests/unit/nat/xlat/kit.h"

static const char *state_of(struct world *w)
{
	struct nat_session_info s = {.state = "none"};
	uint32_t cursor = 0;

	nat_xlat_session_next(w->x, &cursor, w->now_ms, &s);
	return s.state;
}

#define STATE(w, text) CU_ASSERT_STRING_EQUAL(state_of(w), text)

/* T1: one outside endpoint for all connections of one inside endpoint; T7: nobody else's. */
static void t1_endpoint_independent(void)
{
	struct world w;
	uint16_t port;

	kit_world(&w);
	kit_start(&w);
	port = kit_connect(&w, VM(2), 4000, REMOTE(1), 80);
	CU_ASSERT_EQUAL(kit_connect(&w, VM(2), 4000, REMOTE(2), 80), port);
	CU_ASSERT_EQUAL(kit_connect(&w, VM(2), 4000, REMOTE(2), 443), port);
	CU_ASSERT_NOT_EQUAL(kit_connect(&w, VM(3), 4000, REMOTE(1), 80), port);
	kit_stop(&w);
}

/* T2: simultaneous open; T4: the early SYN is met with silence. */
static void t2_simultaneous_open(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	DROPPED_FOR(kit_in(&w, NAT_TCP, REMOTE(1), 80, OUT(1), 4000), NO_MAPPING);
	r = kit_tcp(&w, NAT_INSIDE, SYN, VM(2), 4000, REMOTE(1), 80);
	CU_ASSERT_EQUAL(r.p.sport, 4000);
	STATE(&w, "opening");
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_OUTSIDE, SYN, REMOTE(1), 80, OUT(1), 4000).verdict,
			NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_INSIDE, SYN | ACK, VM(2), 4000, REMOTE(1), 80).verdict,
			NAT_TO_OUTSIDE);
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_OUTSIDE, SYN | ACK, REMOTE(1), 80, OUT(1), 4000).verdict,
			NAT_TO_INSIDE);
	STATE(&w, "established");
	kit_stop(&w);
}

/* T3: filtering of its own. */
static void t3_filtering(void)
{
	for (int kind = 0; kind < NAT_N_FILTERINGS; kind++) {
		struct world w;
		uint16_t port;

		kit_world(&w);
		w.conf.filter_tcp = (enum nat_filtering)kind;
		w.conf.filter_udp = NAT_FILTER_ADDRESS_PORT;
		kit_start(&w);
		port = kit_connect(&w, VM(2), 4000, REMOTE(1), 80);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(1), 81, OUT(1), port).verdict,
				kind == NAT_FILTER_ADDRESS_PORT ? NAT_DROP : NAT_TO_INSIDE);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(2), 80, OUT(1), port).verdict,
				kind == NAT_FILTER_ENDPOINT ? NAT_TO_INSIDE : NAT_DROP);
		kit_stop(&w);
	}
}

/* T5: established 7440 s, transitory 240 s. */
static void t5_timers(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_connect(&w, VM(2), 4000, REMOTE(1), 80);
	kit_tcp(&w, NAT_INSIDE, SYN, VM(2), 4001, REMOTE(1), 80);
	kit_pass(&w, 239);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 2);
	kit_pass(&w, 3);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_pass(&w, 7440 - 243);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_pass(&w, 3);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* T8: hairpinned connection, with the outside source. */
static void t8_hairpin(void)
{
	struct world w;
	struct result r;
	uint16_t b;

	kit_world(&w);
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 8080, 8080, VM(3), 80, {0, 0}};
	w.conf.n_maps = 1;
	kit_start(&w);
	r = kit_tcp(&w, NAT_INSIDE, SYN, VM(2), 4000, OUT(1), 8080);
	b = r.p.sport;
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.src, OUT(1));
	CU_ASSERT_EQUAL(r.p.dst, VM(3));
	CU_ASSERT_EQUAL(r.p.dport, 80);
	r = kit_tcp(&w, NAT_INSIDE, SYN | ACK, VM(3), 80, OUT(1), b);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.sport, 8080);
	CU_ASSERT_EQUAL(r.p.dst, VM(2));
	CU_ASSERT_EQUAL(r.p.dport, 4000);
	CU_ASSERT_TRUE(r.sums_good);
	r = kit_tcp(&w, NAT_INSIDE, ACK, VM(2), 4000, OUT(1), 8080);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	CU_ASSERT_EQUAL(r.p.dport, 80);
	kit_stop(&w);
}

/* T11: a blind RST kills nothing: traffic brings the session back; a true one shortens its life. */
static void t11_reset(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_connect(&w, VM(2), 4000, REMOTE(1), 80);
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_OUTSIDE, RST, REMOTE(1), 80, OUT(1), 4000).verdict,
			NAT_TO_INSIDE);
	STATE(&w, "reset");
	kit_tcp(&w, NAT_INSIDE, ACK, VM(2), 4000, REMOTE(1), 80);
	STATE(&w, "established");
	kit_pass(&w, 1000);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_tcp(&w, NAT_OUTSIDE, ACK, REMOTE(1), 80, OUT(1), 4000);
	kit_tcp(&w, NAT_OUTSIDE, RST, REMOTE(1), 80, OUT(1), 4000);
	kit_pass(&w, 239);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 1);
	kit_pass(&w, 3);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* T11: both ends finish; one end may go on for long. */
static void t11_fin(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	kit_connect(&w, VM(2), 4000, REMOTE(1), 80);
	kit_tcp(&w, NAT_INSIDE, FIN | ACK, VM(2), 4000, REMOTE(1), 80);
	STATE(&w, "half-closed");
	kit_pass(&w, 7000);
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_OUTSIDE, ACK, REMOTE(1), 80, OUT(1), 4000).verdict,
			NAT_TO_INSIDE);
	STATE(&w, "half-closed");
	kit_tcp(&w, NAT_OUTSIDE, FIN | ACK, REMOTE(1), 80, OUT(1), 4000);
	STATE(&w, "closing");
	kit_tcp(&w, NAT_INSIDE, ACK, VM(2), 4000, REMOTE(1), 80);
	STATE(&w, "closing");
	kit_tcp(&w, NAT_INSIDE, SYN, VM(2), 4000, REMOTE(1),
		80); /* the same pair of endpoints anew */
	STATE(&w, "opening");
	kit_pass(&w, 242);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* T12: a RST that answers what comes in does not refresh. */
static void t12_reset_does_not_refresh(void)
{
	struct world w;

	kit_world(&w);
	w.maps[0] = (struct nat_map){NAT_TCP, OUT(1), 22, 22, VM(2), 22, {0, 0}};
	w.conf.n_maps = 1;
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(1), 9, OUT(1), 22).verdict, NAT_TO_INSIDE);
	for (int i = 0; i < 4; i++) {
		kit_pass(&w, 59);
		kit_tcp(&w, NAT_INSIDE, RST | ACK, VM(2), 22, REMOTE(1), 9);
	}
	kit_pass(&w, 6);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	kit_stop(&w);
}

/* No session: a RST or FIN begins none, an ACK takes up what lived before us. */
static void picked_up(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	DROPPED_FOR(kit_tcp(&w, NAT_INSIDE, RST, VM(2), 4000, REMOTE(1), 80), NO_SESSION);
	DROPPED_FOR(kit_tcp(&w, NAT_INSIDE, FIN | ACK, VM(2), 4000, REMOTE(1), 80), NO_SESSION);
	CU_ASSERT_EQUAL(kit_tcp(&w, NAT_INSIDE, ACK, VM(2), 4000, REMOTE(1), 80).verdict,
			NAT_TO_OUTSIDE);
	kit_tcp(&w, NAT_INSIDE, ACK, VM(2), 4000, REMOTE(1), 80);
	STATE(&w, "picked-up"); /* nobody has answered */
	kit_tcp(&w, NAT_OUTSIDE, ACK, REMOTE(1), 80, OUT(1), 4000);
	STATE(&w, "established");
	kit_stop(&w);
}

/* The MSS is brought down to what fits the smaller link; never up; the checksum follows. */
static void mss_clamp(void)
{
	for (int partial = 0; partial < 2; partial++) {
		struct world w;
		struct result r;
		struct packet p = {.proto = NAT_TCP,
				   .flags = SYN,
				   .src = VM(2),
				   .sport = 1,
				   .dst = REMOTE(1),
				   .dport = 80,
				   .mss = 1460,
				   .partial = partial};

		kit_world(&w);
		w.mtu[NAT_OUTSIDE] = 1400;
		kit_start(&w);
		r = kit_send(&w, NAT_INSIDE, p);
		CU_ASSERT_EQUAL(r.p.mss, 1360);
		CU_ASSERT_TRUE(r.sums_good);
		p.mss = 1200;
		CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).p.mss, 1200);
		p = (struct packet){.proto = NAT_TCP,
				    .flags = SYN | ACK,
				    .src = REMOTE(1),
				    .sport = 80,
				    .dst = OUT(1),
				    .dport = r.p.sport,
				    .mss = 8960,
				    .partial = partial};
		r = kit_send(&w, NAT_OUTSIDE, p);
		CU_ASSERT_EQUAL(r.p.mss, 1360);
		CU_ASSERT_TRUE(r.sums_good);
		kit_stop(&w);
	}
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"T1 T7 endpoint-independent mapping", t1_endpoint_independent},
		{"T2 T4 simultaneous open", t2_simultaneous_open},
		{"T3 filtering", t3_filtering},
		{"T5 timers", t5_timers},
		{"T8 hairpin", t8_hairpin},
		{"T11 reset", t11_reset},
		{"T11 both ends finish", t11_fin},
		{"T12 a reset does not refresh", t12_reset_does_not_refresh},
		{"picked up in the middle", picked_up},
		{"MSS clamp", mss_clamp},
	};

	return tap_run("nat-xlat-tcp", cases, sizeof(cases) / sizeof(cases[0]));
}
