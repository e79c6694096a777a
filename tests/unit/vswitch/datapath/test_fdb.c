/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include <rte_cycles.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/datapath/fdb_lookup.h"
#include "vswitch/datapath/port.h"

#define NOW 1000

static uint64_t mac(uint32_t i)
{
	return UINT64_C(0x02) | (uint64_t)i << 16; /* 02:00:xx:xx:xx:xx, little-endian load */
}

static struct vd_mac mac_bytes(uint64_t mac48)
{
	struct vd_mac m;

	memcpy(m.addr, &mac48, sizeof(m.addr));
	return m;
}

static void learn_find_move(void)
{
	struct vsw_fdb *f = vsw_fdb_create(100);

	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), VSW_PORT_INDEX_NONE);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(1), 10, 3, 5, NOW), VSW_LEARN_OK);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), 3);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 11), VSW_PORT_INDEX_NONE);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(1), 10, 4, 5, NOW), VSW_LEARN_OK);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), 4);
	CU_ASSERT_EQUAL(vsw_fdb_count(f), 1);
	CU_ASSERT_EQUAL(vsw_fdb_flush(f, 4, -1), 1);
	CU_ASSERT_EQUAL(vsw_fdb_count(f), 0);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), VSW_PORT_INDEX_NONE);
	vsw_fdb_destroy(f);
}

/* A port that shows many addresses reaches its own limit, not its neighbours' entries. */
static void limits_protect_neighbours(void)
{
	struct vsw_fdb *f = vsw_fdb_create(50);

	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(1), 0, 1, 10, NOW), VSW_LEARN_OK);
	for (uint32_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(100 + i), 0, 2, 10, NOW), VSW_LEARN_OK);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(200), 0, 2, 10, NOW), VSW_LEARN_PORT_LIMIT);
	for (uint32_t i = 0; i < 39; i++)
		CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(300 + i), 0, 3, 1000, NOW), VSW_LEARN_OK);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(999), 0, 3, 1000, NOW), VSW_LEARN_FULL);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 0), 1);
	/* the limit counts what is there, not what was */
	CU_ASSERT_EQUAL(vsw_fdb_flush(f, 2, -1), 10);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(200), 0, 2, 10, NOW), VSW_LEARN_OK);
	/* moving to a port at its limit is refused as well */
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(300), 0, 2, 1, NOW), VSW_LEARN_PORT_LIMIT);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(300), 0), 3);
	vsw_fdb_destroy(f);
}

static void statics_win(void)
{
	struct vsw_fdb *f = vsw_fdb_create(100);
	struct vsw_fdb_static st[2] = {{mac_bytes(mac(1)), 10, 1},
				       {mac_bytes(mac(2)), VSW_FID_ANY, 2}};

	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(2), 77, 9, 10, NOW), VSW_LEARN_OK);
	CU_ASSERT_EQUAL(vsw_fdb_set_static(f, st, 2), 0);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), 1);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 11), VSW_PORT_INDEX_NONE);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(2), 77), 2); /* the older learned entry is gone */
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(1), 10, 5, 10, NOW), VSW_LEARN_CONFLICT);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(2), 4000, 5, 10, NOW), VSW_LEARN_CONFLICT);
	CU_ASSERT_EQUAL(vsw_fdb_learn(f, mac(1), 10, 1, 0, NOW), VSW_LEARN_OK);
	st[0].port = 7;
	CU_ASSERT_EQUAL(vsw_fdb_set_static(f, st, 1), 0);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), 7);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(2), 77), VSW_PORT_INDEX_NONE);
	CU_ASSERT_EQUAL(vsw_fdb_flush(f, VSW_PORT_INDEX_NONE, -1), 0);
	CU_ASSERT_EQUAL(vsw_fdb_lookup(f, mac(1), 10), 7);
	vsw_fdb_destroy(f);
}

/* The table holds what it promises, against an exhaustive second look. */
static void holds_its_limit(void)
{
	const uint32_t n = 65536;
	struct vsw_fdb *f = vsw_fdb_create(n);
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < n; i++)
		wrong += vsw_fdb_learn(f, mac(i * 7 + 1), (uint16_t)(i % 100), (uint16_t)(i % 50),
				       n, NOW) != VSW_LEARN_OK;
	CU_ASSERT_EQUAL(wrong, 0);
	CU_ASSERT_EQUAL(vsw_fdb_count(f), n);
	for (uint32_t i = 0; i < n; i++)
		wrong += vsw_fdb_lookup(f, mac(i * 7 + 1), (uint16_t)(i % 100)) != i % 50;
	CU_ASSERT_EQUAL(wrong, 0);
	vsw_fdb_destroy(f);
}

static void count_entry(void *ctx, const struct vsw_fdb_entry *e)
{
	unsigned int *n = ctx;

	CU_ASSERT_EQUAL(e->fid, 5);
	(*n)++;
}

static void ages(void)
{
	struct vsw_fdb *f = vsw_fdb_create(1000);
	uint32_t now = vsw_fdb_stamp(rte_rdtsc());
	uint32_t old = now - (uint32_t)(400 * rte_get_tsc_hz() >> VSW_FDB_STAMP_SHIFT);
	unsigned int removed = 0, n = 0;

	for (uint32_t i = 0; i < 100; i++)
		vsw_fdb_learn(f, mac(i), 5, 1, 1000, i < 60 ? old : now);
	for (int i = 0; i < 8; i++)
		removed += vsw_fdb_age(f, 300);
	CU_ASSERT_EQUAL(removed, 60);
	vsw_fdb_walk(f, count_entry, &n);
	CU_ASSERT_EQUAL(n, 40);
	vsw_fdb_destroy(f);
}

static const struct tap_case cases[] = {
	{"an address is learned, found and moved, in its VLAN only", learn_find_move},
	{"limits per port and per table, and nobody is evicted", limits_protect_neighbours},
	{"static entries win over learned ones", statics_win},
	{"a full table finds each of its 65,536 addresses", holds_its_limit},
	{"entries age after their time and not before", ages},
};

int main(void)
{
	test_eal_init();
	return tap_run("vswitch/datapath/fdb", cases, sizeof(cases) / sizeof(cases[0]));
}
