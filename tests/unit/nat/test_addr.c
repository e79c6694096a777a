/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>

#include "nat/nat_addr.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void addresses(void)
{
	static const char *const bad[] = {"",         "1.2.3",    "1.2.3.4.5",       "1.2.3.256",
					  "01.2.3.4", "1.2.3.",   "1.2.3.4 ",        " 1.2.3.4",
					  "1..3.4",   "-1.2.3.4", "1.2.3.4294967296"};
	char buf[NAT_ADDR_STR_SIZE];
	uint32_t a = 7;

	CU_ASSERT_EQUAL(nat_addr_parse("192.168.100.1", &a), 0);
	CU_ASSERT_EQUAL(a, 0xc0a86401);
	CU_ASSERT_STRING_EQUAL(nat_addr_format(a, buf), "192.168.100.1");
	CU_ASSERT_EQUAL(nat_addr_parse("0.0.0.0", &a), 0);
	CU_ASSERT_EQUAL(nat_addr_parse("255.255.255.255", &a), 0);
	CU_ASSERT_STRING_EQUAL(nat_addr_format(a, buf), "255.255.255.255");
	a = 7;
	for (size_t i = 0; i < N(bad); i++)
		CU_ASSERT_EQUAL(nat_addr_parse(bad[i], &a), -EINVAL);
	CU_ASSERT_EQUAL(a, 7);
	CU_ASSERT_TRUE(nat_addr_usable(0x0a000001));
	CU_ASSERT_FALSE(nat_addr_usable(0x7f000001));
	CU_ASSERT_FALSE(nat_addr_usable(0xe0000001));
	CU_ASSERT_FALSE(nat_addr_usable(0));
}

static void prefixes(void)
{
	struct nat_prefix p, q;
	char buf[NAT_PREFIX_STR_SIZE];

	CU_ASSERT_EQUAL(nat_prefix_parse("10.1.2.3/8", &p), 0);
	CU_ASSERT_EQUAL(nat_prefix_first(p), 0x0a000000);
	CU_ASSERT_EQUAL(nat_prefix_last(p), 0x0affffff);
	CU_ASSERT_STRING_EQUAL(nat_prefix_format(p, buf), "10.1.2.3/8");
	CU_ASSERT_EQUAL(nat_prefix_parse("10.1.2.3", &q), 0);
	CU_ASSERT_EQUAL(q.len, 32);
	CU_ASSERT_TRUE(nat_prefix_overlap(p, q));
	CU_ASSERT_TRUE(nat_prefix_has(p, q.addr));
	CU_ASSERT_EQUAL(nat_prefix_parse("0.0.0.0/0", &p), 0);
	CU_ASSERT_TRUE(nat_prefix_has(p, 0xffffffff));
	CU_ASSERT_EQUAL(nat_prefix_last(p), 0xffffffff);
	CU_ASSERT_EQUAL(nat_prefix_parse("10.0.0.0/33", &p), -EINVAL);
	CU_ASSERT_EQUAL(nat_prefix_parse("10.0.0.0/", &p), -EINVAL);
	CU_ASSERT_EQUAL(nat_prefix_parse("10.0.0.0/8 ", &p), -EINVAL);
	CU_ASSERT_EQUAL(nat_prefix_parse("11.0.0.0/8", &p), 0);
	CU_ASSERT_FALSE(nat_prefix_overlap(p, q));
}

static void ranges(void)
{
	char buf[NAT_RANGE_STR_SIZE];
	uint32_t a, b;
	uint16_t lo, hi;

	CU_ASSERT_EQUAL(nat_range_parse("10.0.0.5-10.0.0.8", &a, &b), 0);
	CU_ASSERT_EQUAL(b - a, 3);
	CU_ASSERT_STRING_EQUAL(nat_range_format(a, b, buf), "10.0.0.5-10.0.0.8");
	CU_ASSERT_STRING_EQUAL(nat_range_format(a, a, buf), "10.0.0.5");
	CU_ASSERT_EQUAL(nat_range_parse("10.0.0.8-10.0.0.5", &a, &b), -EINVAL);
	CU_ASSERT_EQUAL(nat_range_parse("10.0.0.8-", &a, &b), -EINVAL);
	CU_ASSERT_EQUAL(nat_ports_parse("80", &lo, &hi), 0);
	CU_ASSERT_TRUE(lo == 80 && hi == 80);
	CU_ASSERT_EQUAL(nat_ports_parse("1-65535", &lo, &hi), 0);
	CU_ASSERT_TRUE(lo == 1 && hi == 65535);
	CU_ASSERT_EQUAL(nat_ports_parse("0", &lo, &hi), -EINVAL);
	CU_ASSERT_EQUAL(nat_ports_parse("65536", &lo, &hi), -EINVAL);
	CU_ASSERT_EQUAL(nat_ports_parse("9-8", &lo, &hi), -EINVAL);
	CU_ASSERT_EQUAL(nat_ports_parse("080", &lo, &hi), -EINVAL);
}

static void endpoints(void)
{
	static const char *const same[] = {"80", "80-90", "10.0.0.1", "10.0.0.1:80",
					   "10.0.0.1:80-90"};
	static const char *const bad[] = {"",           ":",
					  "10.0.0.1:",  "10.0.0.1-80",
					  "10.0.0.1:x", "10.0.0.1:80:",
					  "80-",        "10.0.0.1.:80",
					  "10.0.0.1:0"};
	char buf[NAT_ENDPOINT_STR_SIZE];
	uint16_t lo, hi;
	uint32_t a;

	for (size_t i = 0; i < N(same); i++) {
		CU_ASSERT_EQUAL(nat_endpoint_parse(same[i], &a, &lo, &hi), 0);
		CU_ASSERT_STRING_EQUAL(nat_endpoint_format(a, lo, hi, buf), same[i]);
	}
	for (size_t i = 0; i < N(bad); i++)
		CU_ASSERT_EQUAL(nat_endpoint_parse(bad[i], &a, &lo, &hi), -EINVAL);
	CU_ASSERT_EQUAL(nat_endpoint_parse(":80", &a, &lo, &hi), 0);
	CU_ASSERT_TRUE(a == 0 && lo == 80 && hi == 80);
	CU_ASSERT_EQUAL(nat_endpoint_parse("0.0.0.0:80", &a, &lo, &hi), 0);
	CU_ASSERT_STRING_EQUAL(nat_endpoint_format(a, lo, hi, buf), "80");
}

static const struct tap_case cases[] = {
	{"addresses", addresses},
	{"prefixes", prefixes},
	{"ranges and ports", ranges},
	{"endpoints", endpoints},
};

TAP_MAIN("nat-addr", cases)
