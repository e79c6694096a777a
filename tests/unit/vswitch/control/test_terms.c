/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a policy server said: as terms, with an end, into the state file and back; damage is not believed. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vswitch/control/terms.h"

/* All that an answer can say. */
static void said(struct vsw_nap_terms *ret)
{
	static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, [15] = 9};
	struct nap_radius_answer a = {.vlan = 100, .n_ipv4 = 1, .n_ipv6 = 1};

	snprintf(a.rules, sizeof(a.rules),
		 "permit in tcp from any to 10.0.9.0/24 80,443,8000-8010\n");
	memcpy(a.ipv4[0], "\x0a\x00\x09\x0a", 4);
	memcpy(a.ipv6[0], ipv6, 16);
	CU_ASSERT_EQUAL_FATAL(vsw_nap_terms_of_answer(NULL, &a, ret), 0);
	CU_ASSERT_PTR_NULL(a.problem);
	snprintf(ret->group, sizeof(ret->group), "tools");
	ret->until_ms = 5000;
}

static void goes_round(void)
{
	struct vsw_nap_terms a, b = {0};
	json_t *j, *again;

	said(&a);
	CU_ASSERT_EQUAL_FATAL(a.n_targets, 3);
	j = vsw_nap_terms_to_json(&a);
	CU_ASSERT_EQUAL_FATAL(vsw_nap_terms_from_json(j, &b), 0);
	again = vsw_nap_terms_to_json(&b);
	CU_ASSERT_TRUE(json_equal(j, again));
	CU_ASSERT_EQUAL(b.vlan, 100);
	CU_ASSERT_STRING_EQUAL(b.group, "tools");
	CU_ASSERT_EQUAL(b.until_ms, 5000);
	CU_ASSERT_EQUAL(b.n_targets, a.n_targets);
	json_decref(j);
	json_decref(again);
	vsw_nap_terms_done(&a);
	vsw_nap_terms_done(&b);
}

static void none(void)
{
	struct vsw_nap_terms a = {0}, b = {0};
	json_t *j = vsw_nap_terms_to_json(&a);

	CU_ASSERT_EQUAL(vsw_nap_terms_from_json(j, &b), 0);
	CU_ASSERT_TRUE(!b.vlan && !b.group[0] && !b.n_targets && !b.until_ms);
	json_decref(j);
	vsw_nap_terms_done(&b);
}

static void ends(void)
{
	struct vsw_nap_terms t;

	said(&t);
	vsw_nap_terms_expire(&t, 4999);
	CU_ASSERT_EQUAL(t.n_targets, 3);
	vsw_nap_terms_expire(&t, 5000);
	CU_ASSERT_TRUE(!t.n_targets && !t.group[0] && !t.until_ms);
	CU_ASSERT_EQUAL(t.vlan, 100); /* a dead server moves nobody */
	vsw_nap_terms_expire(&t, UINT64_MAX);
	CU_ASSERT_EQUAL(t.vlan, 100);
	vsw_nap_terms_done(&t);
}

static void damaged(void)
{
	static const char *const texts[] = {
		"null",
		"[]",
		"{}",
		"{'vlan':4095,'group':'','until_ms':0,'targets':[]}",
		"{'vlan':-1,'group':'','until_ms':0,'targets':[]}",
		"{'vlan':1,'group':null,'until_ms':0,'targets':[]}",
		"{'vlan':1,'group':'','until_ms':-1,'targets':[]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':{}}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{}]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{'to':'x','tcp':[],'udp':[]}]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{'to':'1.2.3.4','tcp':[[0,5]],'udp':["
		"]}]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{'to':'1.2.3.4','tcp':[[9,5]],'udp':["
		"]}]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{'to':'1.2.3.4','tcp':[[1,65536]],'"
		"udp':[]}]}",
		"{'vlan':1,'group':'','until_ms':0,'targets':[{'to':'1.2.3.4','tcp':[]}]}",
		"{'vlan':1,'group':'"
		"0123456789012345678901234567890123456789012345678901234567890123456789',"
		"'until_ms':0,'targets':[]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vsw_nap_terms t = {0};
		char text[256];
		json_t *j;

		snprintf(text, sizeof(text), "%s", texts[i]);
		for (char *p = text; (p = strchr(p, '\''));)
			*p = '"';
		j = json_loads(text, JSON_DECODE_ANY, NULL);
		CU_ASSERT_PTR_NOT_NULL_FATAL(j);
		CU_ASSERT_EQUAL(vsw_nap_terms_from_json(j, &t), -EINVAL);
		CU_ASSERT_TRUE(!t.targets && !t.vlan);
		json_decref(j);
	}
}

/* More targets than an answer can have, more ranges than a target can. */
static void too_many(void)
{
	json_t *target, *ranges = json_array(), *targets = json_array(), *j;
	struct vsw_nap_terms t = {0};

	for (unsigned int i = 0; i <= NAP_PORTS_MAX; i++)
		json_array_append_new(ranges, json_pack("[i, i]", 80, 80));
	target = json_pack("{s:s, s:[], s:[]}", "to", "10.0.0.1", "tcp", "udp");
	for (unsigned int i = 0; i < 57; i++)
		json_array_append(targets, target);
	j = json_pack("{s:i, s:s, s:i, s:O}", "vlan", 0, "group", "", "until_ms", 0, "targets",
		      targets);
	CU_ASSERT_EQUAL(vsw_nap_terms_from_json(j, &t), -EINVAL);
	json_array_remove(targets, 0);
	CU_ASSERT_EQUAL(vsw_nap_terms_from_json(j, &t), 0);
	vsw_nap_terms_done(&t);
	json_object_set(target, "udp", ranges);
	CU_ASSERT_EQUAL(vsw_nap_terms_from_json(j, &t), -EINVAL);
	json_decref(j);
	json_decref(targets);
	json_decref(target);
	json_decref(ranges);
}

static const struct tap_case cases[] = {
	{"what was said goes into the state file and back", goes_round},
	{"nothing said", none},
	{"what it opens ends, the VLAN stays", ends},
	{"damage is not believed", damaged},
	{"nor are too many", too_many},
};

TAP_MAIN("vswitch/control/terms", cases)
