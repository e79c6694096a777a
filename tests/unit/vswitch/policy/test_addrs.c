/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a port's addresses. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "vswitch/policy/addrs.h"

static struct vsw_addrs t;

static void words(const char *text, uint64_t w[2], uint8_t *bits)
{
	struct vd_prefix p;

	CU_ASSERT_EQUAL(vd_prefix_parse(text, &p), 0);
	vsw_addrs_words(&p, w, bits);
}

static int add(const char *text, enum vsw_addr_origin origin, int64_t expires_s, uint32_t limit)
{
	uint64_t w[2];
	uint8_t bits;

	words(text, w, &bits);
	return vsw_addrs_add(&t, w, bits, origin, expires_s, limit);
}

static bool has(const char *text)
{
	uint64_t w[2];
	uint8_t bits;

	words(text, w, &bits);
	return vsw_addrs_find(&t, w, VSW_ADDR_EMPTY) != NULL;
}

static void there_and_back(void)
{
	static const char *const texts[] = {"10.0.0.0/8",        "0.0.0.0/0",     "1.2.3.4",
					    "fd00::/8",          "::/0",          "fd00::1",
					    "2001:db8::/65",     "2001:db8::/64", "2001:db8::/63",
					    "255.255.255.254/31"};

	for (unsigned int i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vd_prefix p, q;
		uint64_t w[2], mask[2];
		uint8_t bits;
		char buf[VD_PREFIX_STR_SIZE];

		vd_prefix_parse(texts[i], &p);
		vsw_addrs_words(&p, w, &bits);
		vsw_addrs_prefix(w, bits, &q);
		CU_ASSERT_STRING_EQUAL(vd_prefix_format(&q, buf), texts[i]);
		vsw_addrs_mask(bits, mask);
		CU_ASSERT_EQUAL(w[0] & ~mask[0], 0);
		CU_ASSERT_EQUAL(w[1] & ~mask[1], 0);
		CU_ASSERT_EQUAL(__builtin_popcountll(mask[0]) + __builtin_popcountll(mask[1]),
				bits);
	}
}

static void prefixes(void)
{
	memset(&t, 0, sizeof(t));
	add("10.1.0.0/16", VSW_ADDR_LEASED, 10, 0);
	add("fd00:1::/64", VSW_ADDR_LEASED, 10, 0);
	CU_ASSERT(has("10.1.255.255"));
	CU_ASSERT(!has("10.2.0.0"));
	CU_ASSERT(has("fd00:1::ffff"));
	CU_ASSERT(!has("fd00:1:0:1::"));
	CU_ASSERT(!has("::10.1.2.3")); /* not the mapped form */
}

static void limits(void)
{
	char text[32];

	memset(&t, 0, sizeof(t));
	CU_ASSERT_EQUAL(add("10.0.0.1", VSW_ADDR_SEEN, 0, 2), 0);
	CU_ASSERT_EQUAL(add("10.0.0.2", VSW_ADDR_SEEN, 0, 2), 0);
	CU_ASSERT_EQUAL(add("10.0.0.3", VSW_ADDR_SEEN, 0, 2), -ENOSPC);
	CU_ASSERT_EQUAL(add("10.0.0.1", VSW_ADDR_SEEN, 0, 2), 0);
	memset(&t, 0, sizeof(t));
	for (unsigned int i = 0; i < VSW_ADDRS_MAX + 10; i++) {
		snprintf(text, sizeof(text), "10.0.%u.%u", i >> 8, i & 255);
		CU_ASSERT_EQUAL(add(text, VSW_ADDR_LEASED, 5, 0), i < VSW_ADDRS_MAX ? 0 : -ENOSPC);
	}
	CU_ASSERT(has("10.0.0.255"));
	vsw_addrs_sweep(&t, 5, false);
	CU_ASSERT_EQUAL(t.n, 0);
	CU_ASSERT_EQUAL(add("10.0.0.9", VSW_ADDR_LEASED, 5, 0), 0);
}

static void endings(void)
{
	struct vsw_addr_slot got[VSW_ADDRS_MAX];
	uint32_t serial;
	uint64_t w[2];
	uint8_t bits;

	memset(&t, 0, sizeof(t));
	add("10.0.0.1", VSW_ADDR_LEASED, 100, 0);
	add("10.0.0.2", VSW_ADDR_LEASED, INT64_MAX, 0);
	add("10.0.0.3", VSW_ADDR_SEEN, 0, 0);
	CU_ASSERT_EQUAL(vsw_addrs_get(&t, got), 3);
	serial = t.serial;
	vsw_addrs_sweep(&t, 99, false);
	CU_ASSERT_EQUAL(t.n, 3);
	CU_ASSERT_EQUAL(t.serial, serial);
	vsw_addrs_sweep(&t, 100, true);
	CU_ASSERT_EQUAL(t.n, 2); /* the seen one had been used */
	CU_ASSERT_NOT_EQUAL(t.serial, serial);
	vsw_addrs_sweep(&t, 100, true);
	CU_ASSERT(!has("10.0.0.3"));
	words("10.0.0.2", w, &bits);
	vsw_addrs_remove(&t, w, bits);
	vsw_addrs_remove(&t, w, bits);
	CU_ASSERT_EQUAL(t.n, 0);
	add("10.0.0.1", VSW_ADDR_LEASED, 100, 0);
	add("10.0.0.3", VSW_ADDR_SEEN, 0, 0);
	vsw_addrs_clear(&t, VSW_ADDR_LEASED);
	CU_ASSERT(!has("10.0.0.1"));
	CU_ASSERT(has("10.0.0.3"));
}

static const struct tap_case cases[] = {
	{"words and prefixes", there_and_back},
	{"prefixes cover", prefixes},
	{"limits", limits},
	{"leases end", endings},
};

TAP_MAIN("addrs", cases)
