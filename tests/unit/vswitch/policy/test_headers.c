/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header walk on frames written out by hand, whole and cut short at every byte. */
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/headers.h"

static uint8_t buf[256];
static uint32_t size;

static void put(const void *d, uint32_t n)
{
	memcpy(buf + size, d, n);
	size += n;
}

#define PUT(...)                                   \
	do {                                       \
		const uint8_t b[] = {__VA_ARGS__}; \
		put(b, sizeof(b));                 \
	} while (0)

static void ethernet(uint16_t type)
{
	size = 0;
	memset(buf, 2, 12);
	size = 12;
	PUT((uint8_t)(type >> 8), (uint8_t)type);
}

static void ipv4(uint8_t proto, uint16_t frag, uint16_t payload)
{
	uint16_t total = 20 + payload;

	PUT(0x45, 0, (uint8_t)(total >> 8), (uint8_t)total, 0x12, 0x34, (uint8_t)(frag >> 8),
	    (uint8_t)frag, 64, proto, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);
}

static void ipv6(uint8_t next, uint16_t payload)
{
	PUT(0x60, 0, 0, 0, (uint8_t)(payload >> 8), (uint8_t)payload, next, 64);
	PUT(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	PUT(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
}

static void tcp(void)
{
	PUT(0x04, 0xd2, 0x01, 0xbb, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0, 0, 0);
}

static struct vsw_headers parse(void)
{
	struct vsw_headers h;

	vsw_headers_parse(buf, size, size, &h);
	return h;
}

static void plain_tcp(void)
{
	struct vsw_headers h;

	ethernet(0x0800);
	ipv4(6, 0, 20);
	tcp();
	h = parse();
	CU_ASSERT_EQUAL(h.family, VSW_FAMILY_IPV4);
	CU_ASSERT_EQUAL(h.flags, VSW_HDR_PORTS);
	CU_ASSERT(h.sport == 1234 && h.dport == 443 && h.tcp_flags == 0x12);
	CU_ASSERT(h.l3 == 14 && h.l4 == 34);
	/* every cut is broken, never read beyond (the sanitizers watch) */
	for (uint32_t n = 14; n < 54; n++) {
		uint8_t *copy = malloc(n);

		memcpy(copy, buf, n);
		vsw_headers_parse(copy, n, n, &h);
		CU_ASSERT(h.flags & VSW_HDR_BROKEN);
		free(copy);
	}
}

static void tags_are_walked(void)
{
	struct vsw_headers h;

	ethernet(0x88a8);
	PUT(0, 7, 0x81, 0, 0, 9, 0x08, 0x06);
	h = parse();
	CU_ASSERT(h.vid == 7 && h.flags == VSW_HDR_TAGGED && h.ethertype == 0x0806);
	CU_ASSERT(h.family == VSW_FAMILY_OTHER && h.l3 == 22);
	ethernet(0x8100);
	PUT(0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 0x08, 0);
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
}

static void fragments_are_told_apart(void)
{
	struct vsw_headers h;

	ethernet(0x0800);
	ipv4(17, 0x2000, 8);
	PUT(0, 53, 0, 54, 0, 8, 0, 0);
	h = parse();
	CU_ASSERT_EQUAL(h.flags, VSW_HDR_FRAGMENT | VSW_HDR_PORTS);
	CU_ASSERT_EQUAL(h.fragment_id, 0x1234);
	ethernet(0x0800);
	ipv4(17, 0x0001, 8);
	PUT(0, 53, 0, 54, 0, 8, 0, 0);
	h = parse();
	CU_ASSERT_EQUAL(h.flags, VSW_HDR_FRAGMENT | VSW_HDR_LATER_FRAGMENT);
	CU_ASSERT_EQUAL(h.sport, 0);
	ethernet(0x86dd);
	ipv6(44, 16);
	PUT(17, 0, 0, 8, 1, 2, 3, 4);
	PUT(0, 53, 0, 54, 0, 8, 0, 0);
	h = parse();
	CU_ASSERT_EQUAL(h.flags, VSW_HDR_FRAGMENT | VSW_HDR_LATER_FRAGMENT);
	CU_ASSERT_EQUAL(h.proto, 17);
	/* an atomic fragment is whole */
	ethernet(0x86dd);
	ipv6(44, 16);
	PUT(17, 0, 0, 0, 1, 2, 3, 4);
	PUT(0, 53, 0, 54, 0, 8, 0, 0);
	h = parse();
	CU_ASSERT_EQUAL(h.flags, VSW_HDR_PORTS);
	CU_ASSERT_EQUAL(h.dport, 54);
}

static void extension_headers_hide_nothing(void)
{
	struct vsw_headers h;

	ethernet(0x86dd);
	ipv6(0, 8 + 8 + 24 + 8);
	PUT(60, 0, 1, 4, 0, 0, 0, 0);
	PUT(43, 0, 1, 4, 0, 0, 0, 0);
	PUT(58, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	PUT(134, 0, 0, 0, 64, 0, 0, 0);
	h = parse();
	CU_ASSERT(h.proto == 58 && h.icmp_type == 134);
	/* a chain longer than we walk */
	ethernet(0x86dd);
	ipv6(60, 8 * (VSW_EXT_MAX + 2));
	for (int i = 0; i < VSW_EXT_MAX + 2; i++)
		PUT(60, 0, 1, 4, 0, 0, 0, 0);
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
}

static void lies_are_noticed(void)
{
	ethernet(0x0800);
	ipv4(6, 0, 21); /* one byte more than there is */
	tcp();
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
	ethernet(0x0800);
	ipv4(6, 0, 20);
	tcp();
	buf[14] = 0x44; /* header of 16 bytes */
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
	buf[14] = 0x65;
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
	ethernet(0x86dd);
	ipv6(6, 21);
	tcp();
	CU_ASSERT(parse().flags & VSW_HDR_BROKEN);
}

static void quoted_packets_are_short(void)
{
	struct vsw_headers h;

	ethernet(0x0800);
	ipv4(6, 0, 20);
	tcp();
	vsw_headers_parse_inner(buf + 14, 28, false, &h);
	CU_ASSERT(!(h.flags & VSW_HDR_BROKEN) && h.dport == 443);
	vsw_headers_parse_inner(buf + 14, 27, false, &h);
	CU_ASSERT(h.flags & VSW_HDR_BROKEN);
}

static const struct tap_case cases[] = {
	{"TCP, and every cut of it", plain_tcp},
	{"tags", tags_are_walked},
	{"fragments", fragments_are_told_apart},
	{"extension headers", extension_headers_hide_nothing},
	{"lengths that lie", lies_are_noticed},
	{"packets quoted by ICMP", quoted_packets_are_short},
};

TAP_MAIN("vswitch/policy/headers", cases)
