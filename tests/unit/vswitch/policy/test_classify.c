/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tuple space search against a plain list of the same rules. */
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/classify.h"

#define N_RULES 400
#define N_KEYS  20000

struct plain {
	struct vsw_class_key mask, key;
};

static uint64_t state = 88172645463325252ull;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Few values, so that keys meet rules. */
static struct vsw_class_key some_key(void)
{
	struct vsw_class_key k;

	for (int i = 0; i < VSW_CLASS_WORDS; i++)
		k.w[i] = rnd() & UINT64_C(0x0300000000000003);
	return k;
}

static void same_as_a_list(void)
{
	static const uint64_t masks[] = {0, 1, 3, UINT64_C(0x0100000000000000),
					 UINT64_C(0x0300000000000003)};
	struct vsw_classifier *c = vsw_classifier_create();
	struct plain rules[N_RULES];
	unsigned int hits = 0;

	for (uint32_t r = 0; r < N_RULES; r++) {
		rules[r].key = some_key();
		for (int i = 0; i < VSW_CLASS_WORDS; i++) {
			rules[r].mask.w[i] = r < 4 ? ~UINT64_C(0) : masks[rnd() % 5];
			rules[r].key.w[i] &= rules[r].mask.w[i];
		}
		CU_ASSERT_EQUAL(vsw_classifier_add(c, &rules[r].mask, &rules[r].key, r), 0);
	}
	vsw_classifier_seal(c);
	for (int n = 0; n < N_KEYS; n++) {
		struct vsw_class_key k = some_key();
		uint32_t want = VSW_CLASS_NONE;

		for (uint32_t r = 0; r < N_RULES && want == VSW_CLASS_NONE; r++) {
			uint64_t diff = 0;

			for (int i = 0; i < VSW_CLASS_WORDS; i++)
				diff |= (k.w[i] & rules[r].mask.w[i]) ^ rules[r].key.w[i];
			if (!diff)
				want = r;
		}
		hits += want != VSW_CLASS_NONE;
		if (vsw_classifier_find(c, &k) != want) {
			CU_FAIL("the classifier and the list disagree");
			break;
		}
	}
	CU_ASSERT(hits > N_KEYS / 4);
	vsw_classifier_destroy(c);
}

static void no_rules_match_nothing(void)
{
	struct vsw_class_key k = {0};
	struct vsw_classifier *c = vsw_classifier_create();

	CU_ASSERT_EQUAL(vsw_classifier_find(NULL, &k), VSW_CLASS_NONE);
	vsw_classifier_seal(c);
	CU_ASSERT_EQUAL(vsw_classifier_find(c, &k), VSW_CLASS_NONE);
	vsw_classifier_destroy(c);
}

static void ten_thousand_hosts_are_one_table(void)
{
	struct vsw_classifier *c = vsw_classifier_create();
	struct vsw_class_key mask = {{~UINT64_C(0), ~UINT64_C(0), 0, 0, 0}}, key = {0};

	for (uint32_t i = 0; i < 10000; i++) {
		key.w[1] = i;
		vsw_classifier_add(c, &mask, &key, i);
	}
	vsw_classifier_seal(c);
	CU_ASSERT_EQUAL(vsw_classifier_tables(c), 1);
	key.w[1] = 9999;
	CU_ASSERT_EQUAL(vsw_classifier_find(c, &key), 9999);
	key.w[1] = 10000;
	CU_ASSERT_EQUAL(vsw_classifier_find(c, &key), VSW_CLASS_NONE);
	vsw_classifier_destroy(c);
}

static void ranges_become_prefixes(void)
{
	struct vsw_port_prefix p[VSW_PORT_PREFIXES_MAX];

	CU_ASSERT_EQUAL(vsw_port_range_split(0, 65535, p), 1);
	CU_ASSERT_EQUAL(p[0].mask, 0);
	CU_ASSERT_EQUAL(vsw_port_range_split(443, 443, p), 1);
	CU_ASSERT(p[0].mask == 0xffff && p[0].value == 443);
	CU_ASSERT_EQUAL(vsw_port_range_split(1, 65534, p), VSW_PORT_PREFIXES_MAX);
	for (int n = 0; n < 200; n++) {
		uint16_t a = (uint16_t)rnd(), b = (uint16_t)rnd(), lo = a < b ? a : b,
			 hi = a < b ? b : a;
		unsigned int k = vsw_port_range_split(lo, hi, p);

		for (uint32_t v = 0; v < 65536; v += 7) {
			unsigned int in = 0;

			for (unsigned int i = 0; i < k; i++)
				in += (v & p[i].mask) == p[i].value;
			if (in != (v >= lo && v <= hi)) {
				CU_FAIL("a prefix too many or too few");
				return;
			}
		}
	}
}

static const struct tap_case cases[] = {
	{"random rules: same answer as a list", same_as_a_list},
	{"no rules match nothing", no_rules_match_nothing},
	{"10,000 hosts cost one probe", ten_thousand_hosts_are_one_table},
	{"port ranges become prefixes", ranges_become_prefixes},
};

TAP_MAIN("vswitch/policy/classify", cases)
