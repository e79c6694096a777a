/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Health in DHCP options. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/dhcp.h"

static struct nap_dhcp d;

#define PARSE(text) nap_dhcp_parse((const uint8_t *)(text), sizeof(text) - 1, &d)

static void small(void)
{
	CU_ASSERT_EQUAL(PARSE("\x35\x01\x01\xff"), 0);
	CU_ASSERT_EQUAL(d.kind, NAP_DHCP_NONE);
	CU_ASSERT_EQUAL(PARSE("\x35\x01\x01\x2b\x02\xdc\x00\xff"), 0);
	CU_ASSERT_EQUAL(d.kind, NAP_DHCP_PROBE);
	CU_ASSERT_EQUAL(PARSE("\x2b\x05\xdc\x03NAP\xff"), 0);
	CU_ASSERT_EQUAL(d.kind, NAP_DHCP_CAPABLE);
	CU_ASSERT_EQUAL(PARSE("\x2b\x05\xdc\x03PAN\xff"), 0);
	CU_ASSERT_EQUAL(d.kind, NAP_DHCP_CAPABLE);
	CU_ASSERT_EQUAL(PARSE("\x2b\x06\xdd\x04\xff\xff\xff\x00"), 0);
	CU_ASSERT_TRUE(d.has_mask);
	CU_ASSERT_EQUAL(d.kind, NAP_DHCP_NONE);
}

static void damaged(void)
{
	CU_ASSERT_EQUAL(PARSE("\x35"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x35\x05\x01"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x2b\x02\xdc\x05\xff"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x2b\x01\xdc"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE(""), 0);
	CU_ASSERT_EQUAL(PARSE("\xff\x35"), 0);
}

static void long_statements(void)
{
	uint8_t soh[4000], options[8192];

	for (size_t i = 0; i < sizeof(soh); i++)
		soh[i] = (uint8_t)(i * 7);
	for (size_t size = 4; size <= 3600; size = size * 3 / 2) {
		size_t n = nap_dhcp_build(NAP_DHCP_SOH, soh, size, options, sizeof(options));

		CU_ASSERT_FATAL(n > size);
		CU_ASSERT_EQUAL_FATAL(nap_dhcp_parse(options, n, &d), 0);
		CU_ASSERT_EQUAL(d.kind, NAP_DHCP_SOH_IS);
		CU_ASSERT_EQUAL(d.soh_size, size);
		CU_ASSERT_EQUAL(memcmp(d.soh, soh, size), 0);
		CU_ASSERT_EQUAL(nap_dhcp_build(NAP_DHCP_SOH, soh, size, options, n - 1), 0);
	}
	/* more than any message may hold */
	memset(options, 0, sizeof(options));
	for (size_t at = 0; at + 257 <= sizeof(options); at += 257) {
		options[at] = NAP_DHCP_OPTION_VENDOR;
		options[at + 1] = 255;
	}
	CU_ASSERT_EQUAL(nap_dhcp_parse(options, 257 * 20, &d), -EBADMSG);
}

static void prefixes(void)
{
	uint8_t soh[300] = {1}, options[512];
	size_t n = nap_dhcp_build(NAP_DHCP_SOH, soh, sizeof(soh), options, sizeof(options));

	for (size_t i = 0; i < n; i++) {
		uint8_t *copy = malloc(i ? i : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, options, i);
		nap_dhcp_parse(copy, i, &d);
		CU_ASSERT_TRUE(d.soh_size < sizeof(soh));
		free(copy);
	}
}

static const struct tap_case cases[] = {
	{"probe, answer, mask", small},
	{"options that contradict their lengths", damaged},
	{"statements longer than one option", long_statements},
	{"every prefix", prefixes},
};

TAP_MAIN("nap-policy/dhcp", cases)
