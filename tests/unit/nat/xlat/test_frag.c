/* SPDX-License-Identifier: GPL-2.0-or-later */
/* U14: fragments in any order, and floods of them. */
#include "tests/unit/nat/xlat/kit.h"

#define PART 400

/* Part @i of a datagram of @n parts, UDP with 8 bytes of header in the first. */
static struct packet part(uint32_t src, uint32_t dst, uint16_t id, unsigned int i, unsigned int n)
{
	struct packet p = {.src = src,
			   .dst = dst,
			   .sport = 5000,
			   .dport = 99,
			   .id = id,
			   .more = i + 1 < n,
			   .payload = i ? PART : PART - 8,
			   .offset = (uint16_t)(i * PART),
			   .cookie = (void *)(uintptr_t)(i + 1)};

	return p;
}

static void check_part(const struct result *r, enum nat_side side, uint32_t src, uint32_t dst)
{
	CU_ASSERT_EQUAL(r->verdict, side == NAT_INSIDE ? NAT_TO_OUTSIDE : NAT_TO_INSIDE);
	CU_ASSERT_TRUE(r->sums_good);
	CU_ASSERT_EQUAL(r->p.src, src);
	CU_ASSERT_EQUAL(r->p.dst, dst);
	CU_ASSERT_EQUAL(r->p.ttl, 63);
}

/* Send the parts in the order @perm (a number in factorial base); all must come out, with one identification. */
static void datagram(struct world *w, enum nat_side side, unsigned int n, unsigned int perm)
{
	uint32_t src = side == NAT_INSIDE ? VM(2) : REMOTE(1),
		 dst = side == NAT_INSIDE ? REMOTE(1) : OUT(1);
	uint32_t to_src = side == NAT_INSIDE ? OUT(1) : src,
		 to_dst = side == NAT_INSIDE ? dst : VM(2);
	unsigned int left[8], out = 0, seen = 0;
	static uint16_t id = 100;
	int one_id = -1;
	struct result r;

	id++;
	for (unsigned int i = 0; i < n; i++)
		left[i] = i;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int k = perm % (n - i), which = left[k];
		struct packet p = part(src, dst, id, which, n);

		perm /= n - i;
		left[k] = left[n - i - 1];
		if (side == NAT_OUTSIDE) {
			p.sport = 99;
			p.dport = 5000;
		}
		r = kit_send(w, side, p);
		for (bool first = true; first ? r.verdict != NAT_HELD : kit_released(w, &r);
		     first = false) {
			check_part(&r, side, to_src, to_dst);
			CU_ASSERT_TRUE(one_id < 0 || one_id == r.p.id);
			one_id = r.p.id;
			seen |= 1u << ((uintptr_t)r.cookie - 1);
			out++;
		}
		while (kit_released(w, &r)) {
			check_part(&r, side, to_src, to_dst);
			CU_ASSERT_EQUAL(one_id, r.p.id);
			seen |= 1u << ((uintptr_t)r.cookie - 1);
			out++;
		}
	}
	CU_ASSERT_EQUAL(out, n);
	CU_ASSERT_EQUAL(seen, (1u << n) - 1);
	CU_ASSERT_EQUAL(kit_stats(w).fragments_held, 0);
}

static void u14_every_order(void)
{
	struct world w;

	kit_world(&w);
	kit_start(&w);
	for (unsigned int perm = 0; perm < 24; perm++) {
		datagram(&w, NAT_INSIDE, 4, perm);
		datagram(&w, NAT_OUTSIDE, 4, perm);
	}
	kit_stop(&w);
}

/* Two hosts, one identification, the same destination: apart on the outside (RFC 6864). */
static void u14_equal_ids(void)
{
	struct world w;
	struct result a, b, r;

	kit_world(&w);
	kit_start(&w);
	a = kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 7, 0, 2));
	b = kit_send(&w, NAT_INSIDE, part(VM(3), REMOTE(1), 7, 0, 2));
	CU_ASSERT_NOT_EQUAL(a.p.id, b.p.id);
	CU_ASSERT_NOT_EQUAL(a.p.sport, b.p.sport);
	r = kit_send(&w, NAT_INSIDE, part(VM(3), REMOTE(1), 7, 1, 2));
	CU_ASSERT_EQUAL(r.p.id, b.p.id);
	r = kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 7, 1, 2));
	CU_ASSERT_EQUAL(r.p.id, a.p.id);
	kit_stop(&w);
}

static void u14_hairpin(void)
{
	for (unsigned int reverse = 0; reverse < 2; reverse++) {
		struct world w;
		struct result r;
		unsigned int n = 0;

		kit_world(&w);
		w.maps[0] = (struct nat_map){NAT_UDP, 0, 99, 99, VM(3), 9, {0, 0}};
		w.conf.n_maps = 1;
		kit_start(&w);
		for (unsigned int i = 0; i < 3; i++) {
			r = kit_send(&w, NAT_INSIDE,
				     part(VM(2), OUT(1), 7, reverse ? 2 - i : i, 3));
			do {
				if (r.verdict == NAT_HELD)
					continue;
				check_part(&r, NAT_OUTSIDE, OUT(1), VM(3));
				n++;
			} while (kit_released(&w, &r));
		}
		CU_ASSERT_EQUAL(n, 3);
		kit_stop(&w);
	}
}

/* One that reaches into the header, is too long together, or leaves a hole. */
static void bad_fragments(void)
{
	struct world w;
	struct packet p;

	kit_world(&w);
	kit_start(&w);
	p = part(VM(2), REMOTE(1), 7, 0, 2);
	p.proto = NAT_TCP;
	p.flags = SYN;
	p.payload = 4; /* 24 bytes */
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, p).verdict, NAT_TO_OUTSIDE);
	p.offset = 8;
	p.payload = 40;
	DROPPED_FOR(kit_send(&w, NAT_INSIDE, p), FRAGMENT);
	p.offset = 65528;
	DROPPED_FOR(kit_send(&w, NAT_INSIDE, p), MALFORMED);
	p.offset = 80;
	p.payload = 41;
	DROPPED_FOR(kit_send(&w, NAT_INSIDE, p), MALFORMED);
	kit_stop(&w);
}

/* The first one is dropped: so are those that wait, and those that come. */
static void refused_first(void)
{
	struct packet p = part(REMOTE(1), OUT(1), 9, 1, 3);
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_send(&w, NAT_OUTSIDE, p).verdict, NAT_HELD);
	p = part(REMOTE(1), OUT(1), 9, 0, 3);
	DROPPED_FOR(kit_send(&w, NAT_OUTSIDE, p), NO_MAPPING);
	CU_ASSERT_TRUE(kit_released(&w, &r));
	DROPPED_FOR(r, FRAGMENT);
	p = part(REMOTE(1), OUT(1), 9, 2, 3);
	DROPPED_FOR(kit_send(&w, NAT_OUTSIDE, p), FRAGMENT);
	kit_stop(&w);
}

/* The first one comes when the wait is over, but before anybody has looked: all pass. */
static void late_first(void)
{
	struct world w;
	struct result r;

	kit_world(&w);
	kit_start(&w);
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 9, 1, 3)).verdict,
			NAT_HELD);
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 9, 2, 3)).verdict,
			NAT_HELD);
	w.now_ms += 100000;
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 9, 0, 3)).verdict,
			NAT_TO_OUTSIDE);
	for (int i = 0; i < 2; i++) {
		CU_ASSERT_TRUE(kit_released(&w, &r));
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
	}
	CU_ASSERT_FALSE(kit_released(&w, &r));
	kit_stop(&w);
}

/* N13: a flood of orphans is bounded, is given back in time, and others' datagrams pass meanwhile. */
static void n13_flood(void)
{
	struct world w;
	struct result r;
	unsigned int held = 0, back = 0;

	kit_world(&w);
	kit_start(&w);
	for (uint32_t i = 0; i < 100000; i++) {
		r = kit_send(&w, NAT_INSIDE, part(VM(3), REMOTE(2), (uint16_t)i, 1 + (i & 1), 3));
		held += r.verdict == NAT_HELD;
	}
	CU_ASSERT_TRUE(held > 0 && held <= 64);
	CU_ASSERT_EQUAL(kit_stats(&w).fragments_held, held);
	kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), 1, 0, 2));
	for (unsigned int order = 0; order < 2; order++) {
		uint16_t id = (uint16_t)(2 + order);

		r = kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), id, order, 2));
		CU_ASSERT_EQUAL(r.verdict, order ? NAT_HELD : NAT_TO_OUTSIDE);
		r = kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(1), id, !order, 2));
		CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
		CU_ASSERT_EQUAL(kit_released(&w, &r), order);
	}
	kit_pass(&w, 12);
	while (kit_released(&w, &r)) {
		DROPPED_FOR(r, FRAGMENT);
		back++;
	}
	CU_ASSERT_EQUAL(held, back);
	CU_ASSERT_EQUAL(kit_stats(&w).fragments_held, 0);
	/* nothing is lost of those that still wait at the end */
	CU_ASSERT_EQUAL(kit_send(&w, NAT_INSIDE, part(VM(2), REMOTE(2), 1, 1, 3)).verdict,
			NAT_HELD);
	nat_xlat_drain(w.x);
	CU_ASSERT_TRUE(kit_released(&w, &r));
	kit_stop(&w);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"U14 every order, both ways", u14_every_order},
		{"U14 equal identifications", u14_equal_ids},
		{"U14 hairpinned fragments", u14_hairpin},
		{"bad fragments", bad_fragments},
		{"refused with the first", refused_first},
		{"a late first fragment", late_first},
		{"N13 flood of orphans", n13_flood},
	};

	return tap_run("nat-xlat-frag", cases, sizeof(cases) / sizeof(cases[0]));
}
