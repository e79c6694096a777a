/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <string.h>

#include "vswitch/nat/neigh.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 1}, mac_b[6] = {2, 0, 0, 0, 0, 2};

static enum vsw_neigh_verdict resolve(struct vsw_neighs *t, uint32_t ip, void *frame, uint32_t now,
				      bool *ask)
{
	struct vsw_neigh *e;

	return vsw_neigh_resolve(t, ip, frame, now, &e, ask);
}

/* Frames wait for the answer, a few of them; questions are repeated, once a second; then it is given up. */
static void asks(void)
{
	struct vsw_neighs t;
	struct vsw_neigh *e;
	unsigned int budget, questions = 0, given_up = 0;
	int frames[8];
	bool ask;

	CU_ASSERT_EQUAL_FATAL(vsw_neighs_init(&t, 5), 0);
	CU_ASSERT_EQUAL(resolve(&t, 77, &frames[0], 1000, &ask), VSW_NEIGH_WAITS);
	CU_ASSERT_TRUE(ask);
	for (int i = 1; i < VSW_NEIGH_WAITING; i++)
		CU_ASSERT_EQUAL(resolve(&t, 77, &frames[i], 1001, &ask), VSW_NEIGH_WAITS);
	CU_ASSERT_FALSE(ask);
	CU_ASSERT_EQUAL(resolve(&t, 77, &frames[7], 1002, &ask), VSW_NEIGH_REFUSED);
	for (uint32_t now = 1000; now < 8000; now += 100) {
		budget = 1u << 20;
		while ((e = vsw_neighs_tick(&t, now, &budget, &ask)) != NULL) {
			CU_ASSERT_EQUAL(e->ip, 77);
			questions += ask;
			given_up += !ask;
			if (ask)
				continue;
			CU_ASSERT_EQUAL(e->n_waiting, VSW_NEIGH_WAITING);
			vsw_neigh_forget(&t, e);
		}
	}
	CU_ASSERT_EQUAL(questions, 2);
	CU_ASSERT_EQUAL(given_up, 1);
	CU_ASSERT_EQUAL(t.n, 0);
	vsw_neighs_done(&t);
}

/* An answer is believed for half a minute, then asked for again while it is used, then not used any more. */
static void ages(void)
{
	struct vsw_neighs t;
	struct vsw_neigh *e;
	bool ask;

	CU_ASSERT_EQUAL_FATAL(vsw_neighs_init(&t, 5), 0);
	CU_ASSERT_PTR_NULL(vsw_neigh_learn(&t, 77, mac_a, false, 0)); /* nobody wants to know */
	CU_ASSERT_EQUAL(t.n, 0);
	e = vsw_neigh_learn(&t, 77, mac_a, true, 1000);
	CU_ASSERT_PTR_EQUAL(vsw_neigh_find(&t, 77), e);
	CU_ASSERT_PTR_EQUAL(vsw_neigh_fresh(&t, 77, 31000), e);
	CU_ASSERT_PTR_NULL(vsw_neigh_fresh(&t, 77, 31001)); /* it must be asked for */
	CU_ASSERT_EQUAL(resolve(&t, 77, NULL, 30000, &ask), VSW_NEIGH_SEND);
	CU_ASSERT_FALSE(ask);
	CU_ASSERT_EQUAL(resolve(&t, 77, NULL, 40000, &ask), VSW_NEIGH_SEND);
	CU_ASSERT_TRUE(ask);
	CU_ASSERT_EQUAL(resolve(&t, 77, NULL, 40001, &ask), VSW_NEIGH_SEND);
	CU_ASSERT_FALSE(ask);
	vsw_neigh_learn(&t, 77, mac_b, false, 41000); /* it moved */
	CU_ASSERT_EQUAL(memcmp(vsw_neigh_find(&t, 77)->mac, mac_b, 6), 0);
	CU_ASSERT_EQUAL(resolve(&t, 77, &t, 141001, &ask), VSW_NEIGH_WAITS);
	CU_ASSERT_PTR_NULL(vsw_neigh_find(&t, 77));
	CU_ASSERT_PTR_EQUAL(vsw_neighs_drain(&t), &t);
	CU_ASSERT_PTR_NULL(vsw_neighs_drain(&t));
	vsw_neighs_done(&t);
}

/* Many, coming and going in any order: each is found, none twice; there is an end to it. */
static void many(void)
{
	struct vsw_neighs t;
	uint32_t here = 0;

	CU_ASSERT_EQUAL_FATAL(vsw_neighs_init(&t, 5), 0);
	for (uint32_t ip = 1; ip <= VSW_NEIGHS_MAX; ip++)
		CU_ASSERT_PTR_NOT_NULL(vsw_neigh_learn(&t, ip, mac_a, true, 0));
	CU_ASSERT_PTR_NULL(vsw_neigh_learn(&t, VSW_NEIGHS_MAX + 1, mac_a, true, 0));
	for (uint32_t ip = 1; ip <= VSW_NEIGHS_MAX; ip++)
		if (ip * 2654435761u >> 30)
			vsw_neigh_forget(&t, vsw_neigh_find(&t, ip));
	for (uint32_t ip = 1; ip <= VSW_NEIGHS_MAX; ip++) {
		bool kept = ip * 2654435761u >> 30 == 0;

		CU_ASSERT_EQUAL(vsw_neigh_find(&t, ip) != NULL, kept);
		here += kept;
	}
	CU_ASSERT_EQUAL(t.n, here);
	vsw_neighs_done(&t);
}

static void messages(void)
{
	struct vsw_arp a = {.op = 1, .sender_ip = 0x01020304, .target_ip = 0x05060708}, b;
	uint8_t f[VSW_ARP_FRAME_SIZE];

	memcpy(a.sender_mac, mac_a, 6);
	vsw_arp_write(f, &a, mac_b);
	CU_ASSERT_TRUE(vsw_arp_parse(f, sizeof(f), &b));
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	for (uint32_t n = 0; n < VSW_ARP_SIZE; n++)
		CU_ASSERT_FALSE(vsw_arp_parse(f, n, &b));
	for (unsigned int at = 12; at < 20; at++) {
		f[at] ^= 4;
		CU_ASSERT_FALSE(vsw_arp_parse(f, sizeof(f), &b));
		f[at] ^= 4;
	}
	f[21] = 3;
	CU_ASSERT_FALSE(vsw_arp_parse(f, sizeof(f), &b));
	f[21] = 2;
	f[22] |= 1; /* a group as sender */
	CU_ASSERT_FALSE(vsw_arp_parse(f, sizeof(f), &b));
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"asks, and gives up", asks},
		{"answers age", ages},
		{"many", many},
		{"messages", messages},
	};

	return tap_run("vswitch-nat-neigh", cases, sizeof(cases) / sizeof(cases[0]));
}
