/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RADIUS attributes: what an answer means, and everything that makes it restrict. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/radius.h"
#include "tests/unit/nap-policy/policy_kit.h"

static struct nap_radius_answer a;
static struct nap_report r;
static const struct nap_time now = {.mono_ms = 1000, .wall_s = 1700000000};

#define PARSE(text) nap_radius_parse((const uint8_t *)(text), sizeof(text) - 1, &a)
#define STATE(n)    "\x1a\x0c\x00\x00\x01\x37\x2d\x06\x00\x00\x00" n

static bool accepted(void)
{
	nap_radius_facts(&a, now, &r);
	return r.facts[0].words == NAP_BIT(COMPLIANT);
}

static void states(void)
{
	CU_ASSERT_EQUAL(PARSE(""), 0);
	CU_ASSERT_TRUE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x00")), 0);
	CU_ASSERT_TRUE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x01")), 0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x03")), 0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x01") STATE("\x00")), 0);
	CU_ASSERT_FALSE(accepted());
}

static void q42_grace(void)
{
	/* 1700003600, an hour from now */
	CU_ASSERT_EQUAL(PARSE(STATE("\x02") "\x1a\x0c\x00\x00\x01\x37\x2e\x06\x65\x53\xff\x10"), 0);
	CU_ASSERT_TRUE(accepted());
	CU_ASSERT_EQUAL(r.facts[0].until_ms, 1000 + 3600000);
	CU_ASSERT_EQUAL(PARSE(STATE("\x02") "\x1a\x0c\x00\x00\x01\x37\x2e\x06\x65\x53\xf0\x00"), 0);
	CU_ASSERT_FALSE(accepted()); /* in the past */
	CU_ASSERT_EQUAL(PARSE(STATE("\x02")), 0);
	CU_ASSERT_FALSE(accepted());
}

#define VLAN(tag, number)             \
	"\x40\x06" tag "\x00\x00\x0d" \
	"\x41\x06" tag "\x00\x00\x06" number

static void q42_vlans(void)
{
	CU_ASSERT_EQUAL(PARSE(VLAN("\x00", "\x51\x04"
					   "10")),
			0);
	CU_ASSERT_EQUAL(a.vlan, 10);
	CU_ASSERT_TRUE(accepted());
	CU_ASSERT_EQUAL(PARSE(VLAN("\x01", "\x51\x05\x01"
					   "20")),
			0);
	CU_ASSERT_EQUAL(a.vlan, 20);
	CU_ASSERT_EQUAL(PARSE(VLAN("\x01", "\x51\x05\x02"
					   "20")),
			0);
	CU_ASSERT_PTR_NOT_NULL(a.problem);
	CU_ASSERT_EQUAL(PARSE(VLAN("\x00", "\x51\x03"
					   "0")),
			0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(VLAN("\x00", "\x51\x06"
					   "4095")),
			0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(VLAN("\x00", "\x51\x06"
					   "blue")),
			0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE("\x40\x06\x00\x00\x00\x0d\x51\x04"
			      "10"),
			0); /* no medium */
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(a.vlan, 0);
}

static void q42_filter_rules(void)
{
	CU_ASSERT_EQUAL(PARSE("\x5c\x0bpermit in\x5c\x11 ip from any\x00"
			      "de\x5c\x04ny"),
			0);
	CU_ASSERT_STRING_EQUAL(a.rules, "permit in ip from any\ndeny");
}

static void unknown_restricts(void)
{
	CU_ASSERT_EQUAL(PARSE(STATE("\x00") "\xc8\x03x"), 0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x00") "\x1a\x09\x00\x00\x00\x09\x01\x03x"), 0);
	CU_ASSERT_FALSE(accepted());
	CU_ASSERT_EQUAL(PARSE(STATE("\x00") "\x1a\x09\x00\x00\x01\x37\x50\x03x"), 0);
	CU_ASSERT_FALSE(accepted());
	/* what an ordinary server says along with it does not */
	CU_ASSERT_EQUAL(PARSE(STATE("\x00") "\x12\x04hi\x19\x03"
					    "c\x1a\x0a\x00\x00\x01\x37\x10\x04xx"),
			0);
	CU_ASSERT_TRUE(accepted());
}

static void servers(void)
{
	CU_ASSERT_EQUAL(
		PARSE("\x1a\x11\x00\x00\x01\x37\x34\x0b\x00\x0a\x00\x09\x0a\x0a\x00\x09\x0b"), 0);
	CU_ASSERT_EQUAL(a.n_ipv4, 2);
	CU_ASSERT_EQUAL(a.ipv4[1][3], 11);
	CU_ASSERT_EQUAL(PARSE("\x1a\x0c\x00\x00\x01\x37\x34\x06\x00\x0a\x00\x09"), 0);
	CU_ASSERT_PTR_NOT_NULL(a.problem);
}

static void damaged(void)
{
	static const char *const whole = VLAN("\x01", "\x51\x05\x01"
						      "20");

	CU_ASSERT_EQUAL(PARSE("\x01"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x01\x01"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x01\x05x"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x1a\x05\x00\x00\x01"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x1a\x08\x00\x00\x01\x37\x2d\x07"), -EBADMSG);
	CU_ASSERT_EQUAL(PARSE("\x50\x03x"), -EBADMSG);
	for (size_t n = 0; n < 17; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
		memcpy(copy, whole, n);
		if (nap_radius_parse(copy, n, &a) == 0)
			CU_ASSERT_EQUAL(a.vlan, 0);
		free(copy);
	}
}

static void questions(void)
{
	uint8_t soh[600], buf[1024];
	struct nap_radius_question q = {.user = "web1",
					.nas = "host1",
					.port = "web1",
					.mac = "02-00-00-00-00-01",
					.session = "7",
					.soh = soh,
					.soh_size = sizeof(soh)};
	size_t n;

	for (size_t i = 0; i < sizeof(soh); i++)
		soh[i] = (uint8_t)i;
	n = nap_radius_build(&q, buf, sizeof(buf));
	CU_ASSERT_FATAL(n > sizeof(soh));
	CU_ASSERT_EQUAL(nap_radius_parse(buf, n, &a), 0);
	CU_ASSERT_EQUAL(a.sohr_size, sizeof(soh)); /* put together from three attributes */
	CU_ASSERT_EQUAL(memcmp(a.sohr, soh, sizeof(soh)), 0);
	CU_ASSERT_EQUAL(nap_radius_build(&q, buf, n - 1), 0);
}

#define COA(code, text) nap_coa_parse(code, (const uint8_t *)(text), sizeof(text) - 1, &c)

static void q41_coa(void)
{
	struct nap_coa c;

	CU_ASSERT_EQUAL(COA(NAP_COA, "\x57\x06web1" STATE("\x01")), 0);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT_STRING_EQUAL(c.port, "web1");
	CU_ASSERT_EQUAL(c.state, NAP_RADIUS_QUARANTINE);
	CU_ASSERT_EQUAL(COA(NAP_DISCONNECT, "\x1f\x05"
					    "abc\x37\x06\x65\x53\xf1\x00"),
			0);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT_EQUAL(c.timestamp_s, 1700000000);
	CU_ASSERT_EQUAL(COA(NAP_COA, STATE("\x01")), 0);
	CU_ASSERT_EQUAL(c.error, NAP_COA_MISSING); /* for whom? */
	CU_ASSERT_EQUAL(COA(NAP_COA, "\x57\x06web1"), 0);
	CU_ASSERT_EQUAL(c.error, NAP_COA_MISSING); /* what? */
	CU_ASSERT_EQUAL(COA(NAP_COA, "\x57\x06web1" STATE("\x07")), 0);
	CU_ASSERT_EQUAL(c.error, NAP_COA_VALUE);
	CU_ASSERT_EQUAL(COA(NAP_COA, "\x57\x06web1\xc8\x05"
				     "acl" STATE("\x01")),
			0);
	CU_ASSERT_EQUAL(c.error, NAP_COA_UNSUPPORTED);
	CU_ASSERT_EQUAL(
		COA(NAP_COA,
		    "\x57\x06web1\x0b\x05"
		    "acl\x1a\x0d\x00\x00\x01\x37\x34\x07\x00\x0a\x00\x09\x0a" STATE("\x01")),
		0);
	CU_ASSERT_EQUAL(c.error, 0);
	CU_ASSERT_STRING_EQUAL(c.filter, "acl");
	CU_ASSERT(c.n_ipv4 == 1 && c.ipv4[0][3] == 10);
	CU_ASSERT_EQUAL(
		COA(NAP_COA,
		    "\x57\x06web1\x1a\x0c\x00\x00\x01\x37\x34\x06\x00\x0a\x00\x09" STATE("\x01")),
		0);
	CU_ASSERT_EQUAL(c.error, NAP_COA_VALUE);
	CU_ASSERT_EQUAL(COA(NAP_ACCESS_REQUEST, ""), -EBADMSG);
	CU_ASSERT_EQUAL(COA(NAP_COA, "\x57\x09web1"), -EBADMSG);
}

static const struct tap_case cases[] = {
	{"quarantine states", states},
	{"Q42: grace ahead, in the past, missing", q42_grace},
	{"Q42: VLANs: tags, missing medium, 0, 4095, names", q42_vlans},
	{"Q42: filter rules cut anywhere", q42_filter_rules},
	{"F8: what is not known restricts", unknown_restricts},
	{"remediation servers", servers},
	{"damaged attributes", damaged},
	{"questions, with a statement over several attributes", questions},
	{"Q41: change of authorization", q41_coa},
};

TAP_MAIN("nap-policy/radius", cases)
