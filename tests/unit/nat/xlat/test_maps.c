/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Static maps, changes of the configuration under load, and sessions that survive their translator. */
#include "tests/unit/nat/xlat/kit.h"

#include <time.h>

#include "nat/xlat/xlat_impl.h"

static void configure(struct world *w)
{
	CU_ASSERT_EQUAL(nat_xlat_configure(w->x, &w->conf, w->mtu, w->now_ms), 0);
}

/* N21: single ports, ranges, every address, limited to remotes; the way back and out is the same endpoint. */
static void n21_maps(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	w.external[0].last = OUT(2);
	w.maps[0] = (struct nat_map){NAT_TCP, OUT(1), 8080, 8089, VM(5), 80, {0, 0}};
	w.maps[1] = (struct nat_map){NAT_UDP, 0, 53, 53, VM(6), 5353, {REMOTE(0), 24}};
	w.conf.n_maps = 2;
	kit_start(&w);
	for (uint16_t i = 0; i < 10; i++) {
		r = kit_in(&w, NAT_TCP, REMOTE(1), 9, OUT(1), (uint16_t)(8080 + i));
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
		CU_ASSERT_TRUE(r.sums_good);
		CU_ASSERT_EQUAL(r.p.dst, VM(5));
		CU_ASSERT_EQUAL(r.p.dport, 80 + i);
		r = kit_tcp(&w, NAT_INSIDE, SYN | ACK, VM(5), (uint16_t)(80 + i), REMOTE(1), 9);
		CU_ASSERT_EQUAL(r.p.src, OUT(1));
		CU_ASSERT_EQUAL(r.p.sport, 8080 + i);
	}
	DROPPED_FOR(kit_in(&w, NAT_TCP, REMOTE(1), 9, OUT(2), 8080), NO_MAPPING);
	DROPPED_FOR(kit_in(&w, NAT_TCP, REMOTE(1), 9, OUT(1), 8090), NO_MAPPING);
	for (int i = 1; i < 3; i++) {
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(7), (uint16_t)(9 + i), OUT(i), 53).p.dst,
				VM(6));
		DROPPED_FOR(kit_in(&w, NAT_UDP, IP(192, 0, 2, 1), 9, OUT(i), 53), FILTERED);
		r = kit_send(&w, NAT_INSIDE,
			     (struct packet){.src = VM(6),
					     .sport = 5353,
					     .dst = REMOTE(7),
					     .dport = (uint16_t)(9 + i)});
		CU_ASSERT_EQUAL(r.p.sport, 53);
		CU_ASSERT_EQUAL(r.p.src, OUT(i));
	}
	/* what the server begins itself comes from its mapped port, too; nobody else gets it */
	CU_ASSERT_EQUAL(kit_out(&w, NAT_TCP, VM(5), 80, REMOTE(9), 1).p.sport, 8080);
	for (int vm = 10; vm < 14; vm++)
		CU_ASSERT_NOT_EQUAL(
			kit_out(&w, NAT_TCP, VM(vm), 8085, REMOTE(9), 1).p.src * 65536ull +
				kit_out(&w, NAT_TCP, VM(vm), 8085, REMOTE(9), 1).p.sport,
			OUT(1) * 65536ull + 8085);
	kit_stop(&w);
}

/* N21, N22: maps come and go while other sessions live; a port in use goes to the map, its session lives on. */
static void n22_configure_under_load(void)
{
	struct world w;
	uint16_t ports[100];

	kit_world(&w);
	kit_start(&w);
	for (uint16_t i = 0; i < 100; i++)
		ports[i] = kit_out(&w, NAT_UDP, VM(2 + i), 5000, REMOTE(1), 9).p.sport;
	for (int round = 0; round < 50; round++) {
		w.maps[0] = (struct nat_map){NAT_UDP, 0, 5000, 5009, VM(200), 1, {0, 0}};
		w.conf.n_maps = 1 - (unsigned int)round % 2;
		w.conf.timeouts.udp_s = 300 + (uint32_t)round;
		configure(&w);
		for (uint16_t i = 0; i < 100; i++) {
			CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(2 + i), 5000, REMOTE(1), 9).p.sport,
					ports[i]);
			CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 9, OUT(1), ports[i]).p.dst,
					VM(2 + i));
		}
		CU_ASSERT_EQUAL(
			kit_in(&w, NAT_UDP, REMOTE(3), (uint16_t)round, OUT(1), 5001).verdict,
			w.conf.n_maps ? NAT_TO_INSIDE : NAT_DROP);
	}
	/* the first one's port is the map's: it keeps its session, and gets another port for new ones */
	w.conf.n_maps = 1;
	configure(&w);
	CU_ASSERT_EQUAL(ports[0], 5000);
	CU_ASSERT_NOT_EQUAL(kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(2), 9).p.sport, 5000);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(9), 1, OUT(1), 5000).p.dst, VM(200));
	kit_pass(&w, 400);
	kit_pass(&w, 130);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 10);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_used[0], 10);
	w.conf.n_maps = 0;
	configure(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 0);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_used[0], 0);
	kit_stop(&w);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* N22: while the configuration changes nothing is translated, so it is quick, also with many ports mapped. */
static void n22_large_maps(void)
{
	struct world w;
	double began;

	kit_world(&w);
	kit_start(&w);
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 2000, 61999, VM(200), 2000, {0, 0}};
	w.maps[1] = (struct nat_map){NAT_UDP, 0, 2000, 61999, VM(201), 2000, {0, 0}};
	w.conf.n_maps = 2;
	configure(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 120000);
	began = seconds();
	for (uint16_t round = 0; round < 4; round++) { /* another order, another target, one more */
		struct nat_map first = w.maps[0];

		w.maps[0] = w.maps[1];
		w.maps[1] = first;
		w.maps[2] = (struct nat_map){NAT_TCP, 0, 100, 100, VM(202), (uint16_t)(1 + round),
					     {0, 0}};
		w.conf.n_maps = 2 + round % 2;
		configure(&w);
	}
	/* searched one by one it would take minutes */
	CU_ASSERT_TRUE(seconds() - began < 5);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 120001);
	CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(3), 7, OUT(1), 61999).p.dst, VM(201));
	CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(3), 7, OUT(1), 2000).p.dst, VM(200));
	CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(3), 7, OUT(1), 100).p.dport, 4);
	/* all of them to another VM: there is no room for the old ones and the new ones */
	w.maps[0].inside = w.maps[1].inside = VM(203);
	configure(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 120001 + 2); /* and those of two sessions */
	CU_ASSERT_EQUAL(kit_in(&w, NAT_TCP, REMOTE(3), 8, OUT(1), 61999).p.dst, VM(203));
	w.conf.n_maps = 0;
	configure(&w);
	kit_pass(&w, 400);
	CU_ASSERT_EQUAL(kit_stats(&w).mappings, 0);
	kit_stop(&w);
}

/* C3, N17: the pool changes: sessions of an address that is gone end, the others stay; the place is used again. */
static void n17_pool_changes(void)
{
	struct world w;
	uint32_t addr[4];

	kit_world(&w);
	w.external[0].last = OUT(2);
	kit_start(&w);
	for (int i = 0; i < 4; i++)
		addr[i] = kit_out(&w, NAT_UDP, VM(2 + i), 5000, REMOTE(1), 9).p.src;
	w.external[0].last = OUT(1);
	configure(&w);
	kit_pass(&w, 1);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 2);
	/* what is shown is of the addresses that there are */
	CU_ASSERT_EQUAL(kit_stats(&w).ports_total[0], 65536 - NAT_PORT_MIN);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_used[0], 2);
	DROPPED_FOR(kit_in(&w, NAT_UDP, REMOTE(1), 9, OUT(2), 5000), DESTINATION);
	for (int i = 0; i < 4; i++) {
		struct result r = kit_out(&w, NAT_UDP, VM(2 + i), 5000, REMOTE(1), 9);

		CU_ASSERT_EQUAL(r.p.src, OUT(1));
		if (addr[i] == OUT(1))
			CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(1), 9, OUT(1), r.p.sport).p.dst,
					VM(2 + i));
	}
	for (uint32_t round = 0; round < 3000; round++) { /* more than there are places */
		w.external[1] = (struct nat_external){OUT(10) + round, OUT(10) + round, 1024, 2047};
		w.conf.n_external = 2;
		configure(&w);
		w.conf.n_external = 1;
		configure(&w);
		nat_xlat_tick(w.x, w.now_ms, 100000);
	}
	CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 9).p.src, OUT(1));
	kit_stop(&w);
}

static bool equal_session(struct world *w, const struct nat_session_info *want)
{
	struct nat_session_info s;

	for (uint32_t c = 0; nat_xlat_session_next(w->x, &c, w->now_ms, &s);)
		if (s.proto == want->proto && s.inside == want->inside &&
		    s.inside_port == want->inside_port && s.remote == want->remote &&
		    s.remote_port == want->remote_port)
			return s.outside == want->outside && s.outside_port == want->outside_port &&
			       !strcmp(s.state, want->state) && s.idle_s == want->idle_s &&
			       s.age_s == want->age_s;
	return false;
}

/* N24: the memory of a translator that died is a new one's sessions; mappings, limits and filters with them. */
static void n24_survive(void)
{
	static struct nat_session_info before[600];
	struct nat_session_info s;
	struct world w;
	unsigned int n = 0;

	kit_world(&w);
	w.memory = aligned_alloc(64, nat_xlat_memory_size(4096));
	memset(w.memory, 0, nat_xlat_memory_size(4096));
	w.conf.limits.ports = 3;
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 80, 80, VM(5), 80, {0, 0}};
	w.conf.n_maps = 1;
	kit_start(&w);
	for (int vm = 2; vm < 100; vm++) {
		kit_out(&w, NAT_UDP, VM(vm), 5000, REMOTE(1), 9);
		kit_out(&w, NAT_UDP, VM(vm), 5000, REMOTE(2), 9);
		kit_connect(&w, VM(vm), 5000, REMOTE(3), 80);
		kit_in(&w, NAT_TCP, REMOTE(vm), 1000, OUT(1), 80);
	}
	kit_pass(&w, 10);
	for (uint32_t c = 0; nat_xlat_session_next(w.x, &c, w.now_ms, &s);)
		before[n++] = s;
	CU_ASSERT_EQUAL(n, 4 * 98);
	/* killed: nothing is put in order; one session was just being written */
	((struct nat_session *)((char *)w.memory + sizeof(struct nat_header)))[5].state =
		NAT_ST_FREE;
	kit_stop(&w);
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, n - 1);
	for (unsigned int i = 0, lost = 0; i < n; i++) {
		lost += !equal_session(&w, &before[i]);
		CU_ASSERT_TRUE(lost <= 1);
	}
	for (int vm = 10; vm < 100; vm++) {
		struct result r = kit_out(&w, NAT_UDP, VM(vm), 5000, REMOTE(1), 9);

		CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(vm), 5000, REMOTE(4), 9).p.sport,
				r.p.sport);
		CU_ASSERT_EQUAL(kit_in(&w, NAT_UDP, REMOTE(2), 77, OUT(1), r.p.sport).p.dst,
				VM(vm));
		CU_ASSERT_EQUAL(kit_tcp(&w, NAT_INSIDE, ACK, VM(vm), 5000, REMOTE(3), 80).verdict,
				NAT_TO_OUTSIDE);
		CU_ASSERT_EQUAL(kit_tcp(&w, NAT_INSIDE, ACK, VM(5), 80, REMOTE(vm), 1000).p.sport,
				80);
		kit_out(&w, NAT_UDP, VM(vm), 5001, REMOTE(1),
			9); /* the third port, and no fourth */
		CU_ASSERT_EQUAL(
			kit_send(&w, NAT_INSIDE,
				 (struct packet){.src = VM(vm), .sport = 5002, .dst = REMOTE(1)})
				.reason,
			NAT_R_QUOTA);
	}
	kit_stop(&w);
	free(w.memory);
}

/* What lies in that memory may be anything. */
static void n24_garbage(void)
{
	for (unsigned int seed = 0; seed < 200; seed++) {
		struct world w;
		uint8_t *bytes;
		size_t size = nat_xlat_memory_size(64);

		kit_world(&w);
		w.conf.limits.total_sessions = 64;
		w.memory = bytes = aligned_alloc(64, size);
		memset(w.memory, 0, size);
		kit_start(&w);
		for (uint16_t i = 0; i < 60; i++)
			kit_out(&w, i & 1 ? NAT_UDP : NAT_TCP, VM(2 + i % 9), i, REMOTE(i), 9);
		kit_stop(&w);
		srand(seed);
		for (unsigned int i = 0; i < 4 * seed; i++)
			bytes[8 + (unsigned int)rand() % (size - 8)] ^= (uint8_t)rand();
		kit_start(&w);
		for (uint16_t i = 0; i < 60; i++)
			kit_in(&w, NAT_UDP, REMOTE(i), 9, OUT(1), i);
		kit_pass(&w, 100000);
		CU_ASSERT_EQUAL(kit_stats(&w).sessions, 0);
		CU_ASSERT_EQUAL(kit_stats(&w).mappings, 0);
		kit_stop(&w);
		free(w.memory);
	}
}

/* Flushing by what a user names. */
static void kill_sessions(void)
{
	struct nat_session_info s;
	struct world w;

	kit_world(&w);
	kit_start(&w);
	for (int vm = 2; vm < 20; vm++)
		kit_connect(&w, VM(vm), 5000, REMOTE(3), 80);
	for (uint32_t c = 0; nat_xlat_session_next(w.x, &c, w.now_ms, &s);)
		if (s.inside == VM(7))
			nat_xlat_session_kill(w.x, c, w.now_ms);
	CU_ASSERT_EQUAL(kit_stats(&w).sessions, 17);
	kit_stop(&w);
}

/* A configuration that would break the translator is refused whole. */
static void refused(void)
{
	struct world w;
	uint16_t small[2] = {1500, 500};

	kit_world(&w);
	kit_start(&w);
	CU_ASSERT_EQUAL(nat_xlat_configure(w.x, &w.conf, small, w.now_ms), -22);
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 80, 70, VM(5), 80, {0, 0}};
	w.conf.n_maps = 1;
	CU_ASSERT_EQUAL(nat_xlat_configure(w.x, &w.conf, w.mtu, w.now_ms), -22);
	w.maps[0] = (struct nat_map){NAT_TCP, 0, 80, 90, VM(5), 65530, {0, 0}};
	CU_ASSERT_EQUAL(nat_xlat_configure(w.x, &w.conf, w.mtu, w.now_ms), -22);
	w.conf.n_maps = 0;
	w.conf.timeouts.udp_s = 0;
	CU_ASSERT_EQUAL(nat_xlat_configure(w.x, &w.conf, w.mtu, w.now_ms), -22);
	CU_ASSERT_EQUAL(kit_out(&w, NAT_UDP, VM(2), 5000, REMOTE(1), 9).p.src, OUT(1));
	kit_stop(&w);
}

/* C3: ranges of ports of one address that do not touch: all are given, and nothing between them. */
static void c3_ranges_of_an_address(void)
{
	struct world w;
	unsigned int n = 0;

	kit_world(&w);
	w.external[0] = (struct nat_external){OUT(1), OUT(1), 2000, 2009};
	w.external[1] = (struct nat_external){OUT(1), OUT(1), 4000, 4009};
	w.external[2] = (struct nat_external){OUT(1), OUT(1), 80, 89};
	w.conf.n_external = 3;
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_total[0], 30);
	for (uint16_t i = 0; i < 40; i++) {
		struct packet p = {.src = VM(2), .dst = REMOTE(1), .dport = 9, .payload = 4};
		struct result r;

		p.proto = NAT_UDP;
		p.sport = (uint16_t)(5000 + i);
		p.ttl = 64;
		r = kit_send(&w, NAT_INSIDE, p);
		if (r.verdict != NAT_TO_OUTSIDE)
			continue;
		n++;
		CU_ASSERT_TRUE((r.p.sport >= 2000 && r.p.sport < 2010) ||
			       (r.p.sport >= 4000 && r.p.sport < 4010) ||
			       (r.p.sport >= 80 && r.p.sport < 90));
	}
	CU_ASSERT_EQUAL(n, 30);
	w.conf.n_external = 1;
	configure(&w);
	CU_ASSERT_EQUAL(kit_stats(&w).ports_total[0], 10);
	kit_stop(&w);
}

/* A remote that comes to both addresses from one port: the first stays as it is, for the VM could not tell them apart. */
static void one_remote_two_addresses(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	w.external[0].last = OUT(2);
	kit_start(&w);
	w.maps[0] = (struct nat_map){NAT_UDP, 0, 53, 53, VM(9), 5300, {0, 0}};
	w.maps[1] = (struct nat_map){NAT_TCP, 0, 80, 80, VM(9), 8080, {0, 0}};
	w.conf.n_maps = 2;
	configure(&w);
	for (int tcp = 0; tcp < 2; tcp++) {
		uint8_t proto = tcp ? NAT_TCP : NAT_UDP;
		uint16_t port = tcp ? 80 : 53, inside = tcp ? 8080 : 5300;

		for (unsigned int first = 1; first <= 2; first++) {
			uint16_t from = (uint16_t)(7000 + first);

			CU_ASSERT_EQUAL(
				kit_in(&w, proto, REMOTE(3), from, OUT(first), port).verdict,
				NAT_TO_INSIDE);
			r = kit_in(&w, proto, REMOTE(3), from, OUT(3 - first), port);
			CU_ASSERT_TRUE(r.verdict == NAT_DROP && r.reason == NAT_R_NO_SESSION);
			r = kit_out(&w, proto, VM(9), inside, REMOTE(3), from);
			CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
			CU_ASSERT_TRUE(r.p.src == OUT(first) && r.p.sport == port);
			CU_ASSERT_EQUAL(
				kit_in(&w, proto, REMOTE(3), from, OUT(first), port).verdict,
				NAT_TO_INSIDE);
			/* another port is another conversation */
			CU_ASSERT_EQUAL(
				kit_in(&w, proto, REMOTE(3), from + 100, OUT(3 - first), port)
					.verdict,
				NAT_TO_INSIDE);
		}
	}
	w.now_ms += 3600 * 1000; /* over: now the other one may */
	r = kit_in(&w, NAT_UDP, REMOTE(3), 7001, OUT(2), 53);
	CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
	r = kit_out(&w, NAT_UDP, VM(9), 5300, REMOTE(3), 7001);
	CU_ASSERT_TRUE(r.verdict == NAT_TO_OUTSIDE && r.p.src == OUT(2) && r.p.sport == 53);
	kit_stop(&w);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"C3 ranges of one address", c3_ranges_of_an_address},
		{"N21 static maps", n21_maps},
		{"N22 configuration under load", n22_configure_under_load},
		{"N22 large maps", n22_large_maps},
		{"N17 C3 the pool changes", n17_pool_changes},
		{"N24 sessions survive", n24_survive},
		{"N24 garbage in their memory", n24_garbage},
		{"sessions are ended by hand", kill_sessions},
		{"what is refused", refused},
		{"one remote, two of our addresses", one_remote_two_addresses},
	};

	return tap_run("nat-xlat-maps", cases, sizeof(cases) / sizeof(cases[0]));
}
