/* SPDX-License-Identifier: GPL-2.0-or-later */
/* N19: every value of a 16-bit field through each kind of checksum, changed in place and computed in full. */
#include "tests/unit/nat/xlat/kit.h"

#include "nat/xlat/checksum.h"

/* Every source port through the translator, for each protocol, complete and partial. */
static void all_ports(void)
{
	static const uint8_t protos[] = {NAT_UDP, NAT_TCP, NAT_ICMP};

	for (unsigned int k = 0; k < 6; k++) {
		bool partial = k & 1;
		struct world w;

		if (protos[k / 2] == NAT_ICMP && partial)
			continue;
		kit_world(&w);
		w.conf.limits.total_sessions = 70000;
		w.external[0].last = OUT(4);
		kit_start(&w);
		for (uint32_t port = 1; port < 65536; port++) {
			struct packet p = {.proto = protos[k / 2],
					   .src = VM(2 + port % 200),
					   .sport = protos[k / 2] == NAT_ICMP ? 0x0800
									      : (uint16_t)port,
					   .dport = protos[k / 2] == NAT_ICMP ? (uint16_t)port : 80,
					   .dst = REMOTE(1),
					   .flags = SYN,
					   .payload = 2,
					   .partial = partial};
			struct result r = kit_send(&w, NAT_INSIDE, p);

			CU_ASSERT_EQUAL(r.verdict, NAT_TO_OUTSIDE);
			CU_ASSERT_TRUE(r.sums_good);
			if (protos[k / 2] == NAT_ICMP)
				continue;
			p.src = REMOTE(1);
			p.dst = r.p.src;
			p.dport = r.p.sport;
			p.sport = 80;
			p.flags = SYN | ACK;
			r = kit_send(&w, NAT_OUTSIDE, p);
			CU_ASSERT_EQUAL(r.verdict, NAT_TO_INSIDE);
			CU_ASSERT_TRUE(r.sums_good);
		}
		kit_stop(&w);
	}
}

/* All payloads: among them those whose UDP checksum comes out as zero, which is sent as 0xffff. */
static void all_values(void)
{
	struct world w;
	unsigned int ffff = 0;

	kit_world(&w);
	kit_start(&w);
	for (uint32_t v = 0; v < 65536; v++) {
		uint8_t data[2] = {(uint8_t)(v >> 8), (uint8_t)v};
		struct packet p = {.src = VM(2),
				   .sport = 5000,
				   .dst = REMOTE(1),
				   .dport = 9,
				   .payload = 2,
				   .data = data};
		struct result r = kit_send(&w, NAT_INSIDE, p);

		CU_ASSERT_TRUE(r.sums_good);
		ffff += r.bytes[26] == 0xff && r.bytes[27] == 0xff;
	}
	CU_ASSERT_EQUAL(ffff, 1);
	kit_stop(&w);
}

/* A sender without a UDP checksum: none comes out. */
static void none(void)
{
	struct world w;
	struct packet p = {
		.src = VM(2), .sport = 5000, .dst = REMOTE(1), .dport = 9, .no_checksum = true};

	kit_world(&w);
	kit_start(&w);
	for (int i = 0; i < 2; i++) {
		struct result r = kit_send(&w, NAT_INSIDE, p);

		CU_ASSERT_EQUAL(r.bytes[26] | r.bytes[27], 0);
		CU_ASSERT_TRUE(r.sums_good);
	}
	kit_stop(&w);
}

/* RFC 1624: the cases that the form of RFC 1141 gets wrong, and undoing. */
static void deltas(void)
{
	for (uint32_t a = 0; a < 65536; a += 13) {
		for (uint32_t b = 0; b < 65536; b += 257) {
			uint8_t p[6] = {0x12, 0x34, (uint8_t)a, (uint8_t)(a >> 8), 0, 0};
			uint16_t before = nat_csum(p, 6), d = nat_delta16((uint16_t)a, (uint16_t)b),
				 after;

			p[2] = (uint8_t)b;
			p[3] = (uint8_t)(b >> 8);
			after = nat_csum_change(before, d);
			CU_ASSERT_EQUAL(after % 0xffff, nat_csum(p, 6) % 0xffff);
			CU_ASSERT_EQUAL(nat_csum_change(after, nat_delta_undo(d)) % 0xffff,
					before % 0xffff);
		}
	}
}

/* Odd and even lengths against the other way of summing. */
static void full(void)
{
	uint8_t p[64];

	for (unsigned int i = 0; i < 64; i++)
		p[i] = (uint8_t)(i * 37 + 11);
	for (unsigned int n = 0; n <= 64; n++) {
		uint16_t want = (uint16_t)~kit_sum(p, n, 0), got = nat_csum(p, n);

		CU_ASSERT_EQUAL((got & 0xff) << 8 | got >> 8, want);
	}
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"N19 every port, every protocol", all_ports},
		{"N19 every payload", all_values},
		{"no UDP checksum stays none", none},
		{"deltas", deltas},
		{"whole sums", full},
	};

	return tap_run("nat-xlat-checksum", cases, sizeof(cases) / sizeof(cases[0]));
}
