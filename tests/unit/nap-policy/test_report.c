/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reports as JSON, most of them hostile. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/unit/nap-policy/policy_kit.h"

static const struct nap_time now = {.mono_ms = 5000, .wall_s = 1700000000};

static void reads_report(void)
{
	struct nap_report r;
	struct vd_err e;

	CU_ASSERT_EQUAL_FATAL(
		kit_report(
			"{\"report\":1,\"os\":\"linux\",\"machine\":\"a\\u001b[31m\",\"counter\":7,"
			"\"nonce\":\"000102030405060708090A0b0c0d0e0f\",\"checks\":{\"firewall\":{"
			"\"is\":[\"enabled\",\"shiny\"],\"detail\":\"nft\"},\"patches\":{\"is\":"
			"\"current\",\"count\":0,\"age\":\"3h\"},\"av\":{\"failure\":\"other\"}}}",
			NAP_AGENT, now, &r, &e),
		0);
	CU_ASSERT_EQUAL(r.n_facts, 3);
	CU_ASSERT_STRING_EQUAL(r.machine, "a?[31m");
	CU_ASSERT_TRUE(r.has_nonce);
	CU_ASSERT_EQUAL(r.nonce[15], 15);
	CU_ASSERT_EQUAL(r.facts[0].words, NAP_BIT(ENABLED)); /* "shiny" says nothing */
	CU_ASSERT_EQUAL(r.facts[0].source, NAP_AGENT);
	CU_ASSERT_EQUAL(r.facts[1].age_ms, 3 * 3600000u);
	CU_ASSERT_TRUE(r.facts[1].has_count);
	CU_ASSERT_EQUAL(r.facts[1].received_ms, 5000);
	CU_ASSERT_EQUAL(r.facts[2].failure, NAP_OTHER);
}

static void q16_refuses_bad_json(void)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"report\":1}",
		"{\"report\":2,\"checks\":{}}",
		"{\"checks\":{}}",
		"{\"report\":1,\"checks\":[]}",
		"{\"report\":1,\"checks\":{\"a b\":{}}}",
		"{\"report\":1,\"checks\":{\"a\":1}}",
		"{\"report\":1,\"checks\":{\"a\":{\"iz\":\"x\"}}}",
		"{\"report\":1,\"checks\":{\"a\":{\"count\":-1}}}",
		"{\"report\":1,\"checks\":{\"a\":{\"count\":99999999999999999999999}}}",
		"{\"report\":1,\"checks\":{\"a\":{\"count\":1e309}}}",
		"{\"report\":1,\"checks\":{\"a\":{\"age\":\"-1h\"}}}",
		"{\"report\":1,\"checks\":{\"a\":{}},\"checks\":{}}",
		"{\"report\":1,\"checks\":{},\"nonce\":\"00\",\"counter\":1}",
		"{\"report\":1,\"checks\":{},\"counter\":1}",
		"{\"report\":1,\"checks\":{},\"port\":\"a\\nb\"}",
		"{\"report\":1,\"checks\":{},\"os\":\"a\\u0000b\"}",
		"{\"report\":1,\"checks\":{},\"os\":\"\xff\xfe\"}",
		"{\"report\":1,\"checks\":{}}x",
	};
	char deep[12000];
	struct nap_report r;
	struct vd_err e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int rc = kit_report(bad[i], NAP_AGENT, now, &r, &e);

		if (rc >= 0)
			printf("# accepted: %s\n", bad[i]);
		CU_ASSERT_TRUE(rc < 0 && e.message[0]);
	}
	memset(deep, '[', sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = '\0';
	CU_ASSERT_TRUE(kit_report(deep, NAP_AGENT, now, &r, &e) < 0);
}

static void q15_refuses_large(void)
{
	char *big = malloc(NAP_REPORT_SIZE_MAX + 2);
	struct nap_report r;
	struct vd_err e = {0};

	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, ' ', NAP_REPORT_SIZE_MAX + 1);
	CU_ASSERT_EQUAL(nap_report_parse(big, NAP_REPORT_SIZE_MAX + 1, "r", NAP_AGENT, now, &r, &e),
			-E2BIG);
	free(big);
}

static void too_many_checks(void)
{
	char text[8192];
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"report\":1,\"checks\":{");
	struct nap_report r;
	struct vd_err e;

	for (int i = 0; i <= NAP_FACTS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\"c%d\":{}",
					i ? "," : "", i);
	snprintf(text + len, sizeof(text) - len, "}}");
	CU_ASSERT_EQUAL(kit_report(text, NAP_AGENT, now, &r, &e), -EINVAL);
}

static const struct tap_case cases[] = {
	{"a report reads as meant", reads_report},
	{"Q16: invalid JSON, depth, huge numbers, duplicate keys, NUL, UTF-8",
	 q16_refuses_bad_json},
	{"Q15: a body that is too large", q15_refuses_large},
	{"too many checks", too_many_checks},
};

TAP_MAIN("nap-policy/report", cases)
