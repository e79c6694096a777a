/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vswitch/model/terms.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void addresses(void)
{
	static const char *const same[] = {"any",        "10.0.0.0/8",        "192.0.2.1",
					   "fd00::/8",   "52:54:00:12:34:56", "set:web",
					   "tag:prod.1", "2001:db8::1"};
	char buf[VSW_TERM_STR_SIZE];
	struct vsw_addr a;

	for (size_t i = 0; i < N(same); i++) {
		CU_ASSERT_EQUAL(vsw_addr_parse(same[i], NULL, &a, NULL), 0);
		CU_ASSERT_STRING_EQUAL(vsw_addr_format(&a, buf), same[i]);
	}
	CU_ASSERT_EQUAL(vsw_addr_parse("52-54-00-12-34-56", NULL, &a, NULL), 0);
	CU_ASSERT_EQUAL(a.kind, VSW_ADDR_MAC);
}

static void bad_addresses(void)
{
	static const struct {
		const char *text, *hint;
		enum vd_code code;
	} t[] = {
		{"10.0.0.1/8", "write 10.0.0.0/8 for the network, or leave the length out",
		 VD_E_ADDRESS},
		{"10.0.0.0/33", "IPv4 has 32 bits, IPv6 128", VD_E_ADDRESS},
		{"10.0.0", NULL, VD_E_ADDRESS},
		{"web", NULL, VD_E_ADDRESS},
		{"", NULL, VD_E_ADDRESS},
		{"set:", NULL, VD_E_NAME},
		{"set:a b", NULL, VD_E_NAME},
		{"tag:-x", NULL, VD_E_NAME},
	};
	struct vsw_addr a;

	for (size_t i = 0; i < N(t); i++) {
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(vsw_addr_parse(t[i].text, "port/x/acl/local", &a, &e), -EINVAL);
		CU_ASSERT_EQUAL(e.code, t[i].code);
		CU_ASSERT_STRING_EQUAL(e.path, "port/x/acl/local");
		if (t[i].hint)
			CU_ASSERT_STRING_EQUAL(e.hint, t[i].hint);
	}
}

static void named_numbers(void)
{
	char buf[VSW_TERM_STR_SIZE];
	struct vd_err e = {0};
	uint16_t n, ports[2];

	CU_ASSERT(vsw_protocol_parse("tcp", NULL, &n, NULL) == 0 && n == 6);
	CU_ASSERT(vsw_protocol_parse("17", NULL, &n, NULL) == 0 && n == 17);
	CU_ASSERT_STRING_EQUAL(vsw_protocol_format(17, buf), "udp");
	CU_ASSERT_STRING_EQUAL(vsw_protocol_format(89, buf), "89");
	CU_ASSERT(vsw_protocol_parse("0", NULL, &n, NULL) == 0 && n == 0);
	CU_ASSERT_EQUAL(vsw_protocol_parse("256", NULL, &n, NULL), -EINVAL);
	CU_ASSERT_EQUAL(vsw_protocol_parse("tcpp", NULL, &n, &e), -EINVAL);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean \"tcp\"?");

	CU_ASSERT(vsw_ethertype_parse("arp", NULL, &n, NULL) == 0 && n == 0x806);
	CU_ASSERT(vsw_ethertype_parse("0x88CC", NULL, &n, NULL) == 0 && n == 0x88cc);
	CU_ASSERT_STRING_EQUAL(vsw_ethertype_format(0x88cc, buf), "0x88cc");
	CU_ASSERT_EQUAL(vsw_ethertype_parse("0x05ff", NULL, &n, NULL), -EINVAL);
	CU_ASSERT_EQUAL(vsw_ethertype_parse("88cc", NULL, &n, NULL), -EINVAL);

	CU_ASSERT(vsw_ports_parse("443", NULL, ports, NULL) == 0 && ports[0] == 443 &&
		  ports[1] == 443);
	CU_ASSERT_EQUAL(vsw_ports_parse("1000-2000", NULL, ports, NULL), 0);
	CU_ASSERT_STRING_EQUAL(vsw_ports_format(ports, buf), "1000-2000");
	CU_ASSERT_EQUAL(vsw_ports_parse("any", NULL, ports, NULL), 0);
	CU_ASSERT_STRING_EQUAL(vsw_ports_format(ports, buf), "any");
	for (const char *const *bad =
		     (const char *const[]){"", "65536", "2-1", "1-", "-1", "1-2-3", "a", NULL};
	     *bad; bad++)
		CU_ASSERT_EQUAL(vsw_ports_parse(*bad, NULL, ports, NULL), -EINVAL);
}

static void quantities(void)
{
	static const struct {
		const char *text;
		uint64_t n;
		const char *again;
	} good[] = {{"0", 0, "0"},
		    {"8000", 8000, "8k"},
		    {"1500", 1500, "1500"},
		    {"64k", 64000, "64k"},
		    {"64K", 64000, "64k"},
		    {"2.5M", 2500000, "2500k"},
		    {"10G", UINT64_C(10000000000), "10G"}};
	char buf[VSW_TERM_STR_SIZE];
	uint64_t n;

	for (size_t i = 0; i < N(good); i++) {
		CU_ASSERT_EQUAL(vsw_quantity_parse(good[i].text, NULL, "a rate", 1000,
						   UINT64_C(1000000000000), &n, NULL),
				0);
		CU_ASSERT_EQUAL(n, good[i].n);
		CU_ASSERT_STRING_EQUAL(vsw_quantity_format(n, buf), good[i].again);
	}
	for (const char *const *bad =
		     (const char *const[]){"", "k", "-1", "1.2.3k", "1m", "999", "2T", "1.5",
					   "1.0005k", "99999999999999999999", ".5k", "5.k", NULL};
	     *bad; bad++)
		CU_ASSERT_EQUAL(vsw_quantity_parse(*bad, NULL, "a rate", 1000,
						   UINT64_C(1000000000000), &n, NULL),
				-EINVAL);
}

static void times(void)
{
	char buf[VSW_TERM_STR_SIZE];
	int64_t t;

	CU_ASSERT_EQUAL(vsw_time_parse("2026-11-21T06:42:43Z", &t), 0);
	CU_ASSERT_EQUAL(t, 1795243363);
	CU_ASSERT_STRING_EQUAL(vsw_time_format(t, buf), "2026-11-21T06:42:43Z");
	CU_ASSERT_EQUAL(vsw_time_parse("2026-02-31T00:00:00Z", &t), -EINVAL);
	CU_ASSERT_EQUAL(vsw_time_parse("2026-11-21T06:42:43Zx", &t), -EINVAL);
	CU_ASSERT_EQUAL(vsw_time_parse("yesterday", &t), -EINVAL);
}

static const struct tap_case cases[] = {
	{"addresses have one canonical text", addresses},
	{"malformed addresses are refused with a hint", bad_addresses},
	{"protocols, EtherTypes, port ranges", named_numbers},
	{"quantities with k, M, G", quantities},
	{"times", times},
};

TAP_MAIN("vswitch-model-terms", cases)
