/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The policy document: what is accepted, and where mistakes are said to be. */
#include "tests/unit/tap.h"

#include <errno.h>

#include "tests/unit/nap-policy/policy_kit.h"

/* Section 7.8 of the design's example, as people write it. */
static const char example[] =
	"version: 1\n"
	"default: {mode: enforce, unmatched: restricted}\n"
	"checks:\n"
	"  firewall: {source: [agent, soh], require: enabled, not: snoozed, blocking: true}\n"
	"  patches: {source: [host, agent], max_age: 7d, blocking: true}\n"
	"  av: {source: [agent, soh], require: [enabled, current], blocking: false, fix: start "
	"it}\n"
	"rules:\n"
	"  - {match: {tag: infra}, exempt: true, reason: platform}\n"
	"  - {match: {switch: lab}, mode: report-only}\n"
	"  - {name: linux, match: {os: linux, port: [\"web*\", db1]}, checks: [firewall, patches], "
	"grace: 8h,"
	" validity: 2h}\n"
	"  - {name: soon, match: {port: late}, mode: deferred, until: 2026-12-01}\n"
	"remediation:\n"
	"  groups:\n"
	"    default: [{to: 10.0.9.10, tcp: [80, 443]}, {to: \"2001:db8:9::10\", tcp: 443, name: "
	"fix.example}]\n"
	"    lab: [{to: mirror.example, tcp: \"8000-8010\", udp: 123, ping: true}]\n"
	"    forensic: [{to: 10.0.9.0/24, tcp: 22, initiate: true}]\n"
	"validator_errors: {server-component: compliant}\n"
	"report: {ipv4: 169.254.1.1, url: \"https://portal.example/\"}\n"
	"dns: 10.0.9.53\n"
	"radius: {server: 127.0.0.1, secret_file: /etc/viridian/radius.secret, when_down: last}\n";

static void reads_example(void)
{
	struct nap_policy *p = kit_good_policy(example);

	CU_ASSERT_EQUAL(p->mode, NAP_ENFORCE);
	CU_ASSERT_FALSE(p->unmatched_full);
	CU_ASSERT_EQUAL_FATAL(p->n_checks, 3);
	CU_ASSERT_EQUAL(p->checks[0].require, NAP_BIT(ENABLED));
	CU_ASSERT_EQUAL(p->checks[0].forbid, NAP_BIT(SNOOZED));
	CU_ASSERT_EQUAL(p->checks[0].n_sources, 2);
	CU_ASSERT_EQUAL(p->checks[0].sources[1], NAP_SOH);
	CU_ASSERT_EQUAL(p->checks[1].max_age_ms, 7 * NAP_DAY_MS);
	CU_ASSERT_FALSE(p->checks[2].blocking);
	CU_ASSERT_EQUAL_FATAL(p->n_rules, 4);
	CU_ASSERT_TRUE(p->rules[0].exempt);
	CU_ASSERT_STRING_EQUAL(p->rules[1].name, "rule-2");
	CU_ASSERT_EQUAL(p->rules[1].mode, NAP_REPORT_ONLY);
	CU_ASSERT_EQUAL(p->rules[1].checks, 7);
	CU_ASSERT_EQUAL(p->rules[2].checks, 3);
	CU_ASSERT_EQUAL(p->rules[2].mode, NAP_ENFORCE);
	CU_ASSERT_EQUAL(p->rules[2].grace_ms, 8 * 3600000u);
	CU_ASSERT_EQUAL(p->rules[3].until_s, 1796083200);
	CU_ASSERT_EQUAL_FATAL(p->n_groups, 3);
	CU_ASSERT_EQUAL(p->rules[2].group, 0);
	CU_ASSERT_EQUAL(p->forensic_group, 2);
	CU_ASSERT_EQUAL(p->groups[1].targets[0].tcp[0].last, 8010);
	CU_ASSERT_EQUAL(p->groups[1].targets[0].to.family, 0);
	CU_ASSERT_TRUE(p->failure_passes[NAP_SERVER_COMPONENT]);
	CU_ASSERT_FALSE(p->failure_passes[NAP_OTHER]);
	CU_ASSERT_EQUAL(p->portal.ipv6.family, 6);
	CU_ASSERT_EQUAL(p->n_dns, 1);
	CU_ASSERT_TRUE(p->radius.when_down_last);
	nap_policy_free(p);
}

#define HEAD   "version: 1\ndefault: {mode: enforce, unmatched: full}\n"
#define CHECKS HEAD "checks:\n  fw: {require: enabled}\n" /* the next line is 5 */

static const struct {
	const char *text;
	unsigned int line, column;
	enum vd_code code;
	const char *hint;
} bad[] = {
	{"default: {mode: off, unmatched: full}\n", 1, 1, VD_E_KEY_MISSING, "version"},
	{"version: 2\n", 1, 10, VD_E_VALUE, "version 1"},
	{"version: 1\n", 1, 1, VD_E_KEY_MISSING, "default"},
	{"version: 1\ndefault: {mode: enforce}\n", 2, 10, VD_E_KEY_MISSING, "unmatched"},
	{"version: 1\ndefault: {mode: enfroce, unmatched: full}\n", 2, 17, VD_E_VALUE, "enforce"},
	{HEAD "chekcs: {}\n", 3, 1, VD_E_KEY_UNKNOWN, "checks"},
	{HEAD "checks: {fw: {requires: enabled}}\n", 3, 15, VD_E_KEY_UNKNOWN, "require"},
	{HEAD "checks: {fw: {require: enabeld}}\n", 3, 24, VD_E_VALUE, "enabled"},
	{HEAD "checks: {fw: {blocking: true}}\n", 3, 14, VD_E_KEY_MISSING, "max_age"},
	{HEAD "checks: {fw: {require: enabled, not: enabled}}\n", 3, 38, VD_E_VALUE, ""},
	{HEAD "checks: {fw: {source: agnet, require: enabled}}\n", 3, 23, VD_E_VALUE, "agent"},
	{HEAD "checks: {fw: {source: [soh, soh], require: enabled}}\n", 3, 23, VD_E_VALUE, ""},
	{HEAD "checks: {fw: {max_age: 7 days}}\n", 3, 24, VD_E_VALUE, "7d"},
	{HEAD "checks: {\"f w\": {require: enabled}}\n", 3, 17, VD_E_NAME, ""},
	{CHECKS "rules:\n  - {checks: [fv]}\n", 6, 14, VD_E_VALUE, "fw"},
	{CHECKS "rules:\n  - {match: {prot: a}}\n", 6, 14, VD_E_KEY_UNKNOWN, "port"},
	{CHECKS "rules:\n  - {match: {port: []}}\n", 6, 20, VD_E_VALUE, "everything"},
	{CHECKS "rules:\n  - {exempt: true}\n", 6, 5, VD_E_KEY_MISSING, "reason"},
	{CHECKS "rules:\n  - {exempt: true, reason: x, grace: 1h}\n", 6, 38, VD_E_VALUE, ""},
	{CHECKS "rules:\n  - {checks: []}\n", 6, 14, VD_E_VALUE, "exempt"},
	{CHECKS "rules:\n  - {mode: deferred}\n", 6, 5, VD_E_KEY_MISSING, "until"},
	{CHECKS "rules:\n  - {mode: deferred, until: 2026-13-01}\n", 6, 29, VD_E_VALUE,
	 "2026-12-01"},
	{CHECKS "rules:\n  - {mode: enforce, until: 2026-12-01}\n", 6, 28, VD_E_VALUE, "deferred"},
	{CHECKS "rules:\n  - {validity: 25h}\n", 6, 16, VD_E_VALUE, ""},
	{CHECKS "rules:\n  - {name: a}\n  - {name: a}\n", 7, 12, VD_E_VALUE, ""},
	{CHECKS "rules:\n  - {remediation: none}\n", 6, 19, VD_E_VALUE, ""},
	{HEAD "remediation: {groups: {a: [{to: 10.0.0.1/24, tcp: 80}]}}\n", 3, 33, VD_E_VALUE,
	 "10.0.0.0/24"},
	{HEAD "remediation: {groups: {a: [{to: 10.0.0.1}]}}\n", 3, 28, VD_E_KEY_MISSING, "tcp"},
	{HEAD "remediation: {groups: {a: [{to: 10.0.0.1, tcp: 0}]}}\n", 3, 48, VD_E_VALUE, "443"},
	{HEAD "remediation: {groups: {a: [{to: 10.0.0.1, tcp: 20-10}]}}\n", 3, 48, VD_E_VALUE,
	 "443"},
	{HEAD "remediation: {groups: {a: [{to: -bad-.example, tcp: 80}]}}\n", 3, 33, VD_E_VALUE,
	 ""},
	{HEAD "remediation: {default: x}\n", 3, 24, VD_E_VALUE, ""},
	{HEAD "report: {ipv4: 10.0.0.1}\n", 3, 16, VD_E_VALUE, "169.254"},
	{HEAD "dns: 10.0.0.0/8\n", 3, 6, VD_E_VALUE, ""},
	{HEAD "radius: {server: a}\n", 3, 9, VD_E_KEY_MISSING, "secret_file"},
	{HEAD "validator_errors: {client: compliant}\n", 3, 20, VD_E_KEY_UNKNOWN, ""},
	{"[]", 1, 1, VD_E_TYPE, ""},
};

static void names_mistakes(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct nap_policy *p;
		struct vd_err e;
		bool as_told;

		CU_ASSERT_TRUE(kit_policy(bad[i].text, &p, &e) < 0);
		as_told = e.code == bad[i].code && e.line == bad[i].line &&
			  e.column == bad[i].column &&
			  (strstr(e.hint, bad[i].hint) || strstr(e.message, bad[i].hint));
		if (!as_told)
			printf("# case %zu: %s %u:%u \"%s\" hint \"%s\"\n", i, vd_code_text(e.code),
			       e.line, e.column, e.message, e.hint);
		CU_ASSERT_TRUE(as_told);
		CU_ASSERT_PTR_NULL(p);
	}
}

static void durations(void)
{
	static const struct {
		const char *text;
		uint64_t s;
	} good[] = {{"90s", 90}, {"30m", 1800}, {"1h30m", 5400}, {"7d", 604800}, {"45", 45}};
	static const char *const no[] = {"",     "d",   "1x",          "1m1h",  "1h1h",
					 "1h30", "-1s", "99999999999", "4000d", "1 h"};
	uint64_t ms;
	int64_t s;
	char buf[32];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_EQUAL(nap_duration_parse(good[i].text, &ms), 0);
		CU_ASSERT_EQUAL(ms, good[i].s * 1000);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CU_ASSERT_EQUAL(nap_duration_parse(no[i], &ms), -EINVAL);
	CU_ASSERT_STRING_EQUAL(nap_duration_format(5400000, buf), "1h30m");
	CU_ASSERT_STRING_EQUAL(nap_duration_format(0, buf), "0s");
	CU_ASSERT_EQUAL(nap_date_parse("1970-01-01", &s), 0);
	CU_ASSERT_EQUAL(s, 0);
	CU_ASSERT_EQUAL(nap_date_parse("2024-02-29T23:59:59Z", &s), 0);
	CU_ASSERT_EQUAL(s, 1709251199);
	CU_ASSERT_STRING_EQUAL(nap_date_format(s, buf), "2024-02-29T23:59:59Z");
	CU_ASSERT_EQUAL(nap_date_parse("2023-02-29", &s), -EINVAL);
	CU_ASSERT_EQUAL(nap_date_parse("2024-02-29T23:59:59", &s), -EINVAL);
}

static void first_match_wins(void)
{
	static const char *const tags[] = {"blue", "infra"};
	struct nap_policy *p = kit_good_policy(example);
	struct nap_subject s = {.port = "web1", .sw = "lan"};

	CU_ASSERT_EQUAL(nap_policy_match(p, &s), -1); /* its OS is not known */
	s.os = "linux";
	CU_ASSERT_EQUAL(nap_policy_match(p, &s), 2);
	s.sw = "lab";
	CU_ASSERT_EQUAL(nap_policy_match(p, &s), 1);
	s.tags = tags;
	s.n_tags = 2;
	CU_ASSERT_EQUAL(nap_policy_match(p, &s), 0);
	s.n_tags = 1;
	CU_ASSERT_EQUAL(nap_policy_match(p, &s), 1);
	nap_policy_free(p);
}

static void patterns(void)
{
	CU_ASSERT_TRUE(nap_pattern_match("web*", "web1"));
	CU_ASSERT_TRUE(nap_pattern_match("*", ""));
	CU_ASSERT_TRUE(nap_pattern_match("*a*b", "xxaxxab"));
	CU_ASSERT_FALSE(nap_pattern_match("web*", "we"));
	CU_ASSERT_FALSE(nap_pattern_match("web", "web1"));
	CU_ASSERT_FALSE(nap_pattern_match("*ab", "abc"));
	CU_ASSERT_TRUE(nap_pattern_match("a.c", "a.c"));
	CU_ASSERT_FALSE(nap_pattern_match("a.c", "abc"));
}

static char page[64 << 10];

static void read_page(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(page, 1, sizeof(page) - 1, f) : 0;

	if (f)
		fclose(f);
	page[n] = '\0';
	CU_ASSERT_FATAL(n > 1000 && n < sizeof(page) - 1);
}

static void page_is_true(void)
{
	struct nap_report r;
	struct nap_time now = {.mono_ms = 1};
	struct nap_policy *p;
	struct vd_err e;
	char *yaml, *json;

	read_page(VIRIDIAN_SOURCE "/docs/reference/quarantine.md");
	for (int i = 0; i < NAP_N_WORDS; i++)
		CU_ASSERT_PTR_NOT_NULL(strstr(page, nap_word_text[i]));
	yaml = strstr(page, "```yaml\n");
	json = strstr(page, "```json\n");
	CU_ASSERT_FATAL(yaml && json);
	*strstr(yaml + 8, "```") = '\0';
	*strstr(json + 8, "```") = '\0';
	p = kit_good_policy(yaml + 8);
	nap_policy_free(p);
	CU_ASSERT_EQUAL(kit_report(json + 8, NAP_AGENT, now, &r, &e), 0);
	CU_ASSERT_EQUAL(r.n_facts, 3);
}

static void howto_is_true(void)
{
	struct nap_policy *p;
	char *yaml;

	read_page(VIRIDIAN_SOURCE "/docs/howto/quarantine.md");
	yaml = strstr(page, "```yaml\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(yaml);
	*strstr(yaml + 8, "```") = '\0';
	p = kit_good_policy(yaml + 8);
	CU_ASSERT_EQUAL(p->mode, NAP_REPORT_ONLY);
	CU_ASSERT_EQUAL(p->n_gateways, 1);
	nap_policy_free(p);
}

/* Is @key of an object accepted by the reader? Its value may still be refused. */
static bool known(const char *before, const char *key, const char *after)
{
	struct nap_policy *p;
	struct vd_err e;
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"version\": 1, \"default\": {\"mode\": \"off\", \"unmatched\": "
		 "\"full\"}, %s\"%s\": 1.5%s",
		 before, key, after);
	CU_ASSERT_TRUE(kit_policy(text, &p, &e) < 0);
	if (e.code == VD_E_KEY_UNKNOWN)
		printf("# the schema knows %s, the program does not\n", key);
	return e.code != VD_E_KEY_UNKNOWN;
}

/* Every key of the published schema is known to the reader, and the numbers are the same. */
static void schema_agrees(void)
{
	static const struct {
		const char *path, *before, *after;
		unsigned int n_keys;
	} objects[] = {
		{"check", "\"checks\": {\"a\": {", "}}}", 8},
		{"rule", "\"rules\": [{", "}]}", 13},
		{"target", "\"remediation\": {\"groups\": {\"a\": [{\"to\": \"::1\", ", "}]}}}", 6},
	};
	json_t *schema, *defs;

	read_page(VIRIDIAN_SOURCE "/docs/reference/quarantine-policy.schema.json");
	schema = json_loads(page, 0, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
	defs = json_object_get(schema, "$defs");
	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		json_t *keys = json_object_get(json_object_get(defs, objects[i].path),
					       "properties"),
		       *v;
		const char *key;

		CU_ASSERT_EQUAL(json_object_size(keys), objects[i].n_keys);
		json_object_foreach (keys, key, v)
			if (strcmp(key, "to"))
				CU_ASSERT_TRUE(known(objects[i].before, key, objects[i].after));
	}
	CU_ASSERT_EQUAL(json_object_size(json_object_get(schema, "properties")), 11);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_object_get(defs, "word"), "enum")),
			NAP_N_WORDS);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_object_get(defs, "source"), "enum")),
			NAP_N_SOURCES);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(json_object_get(defs, "mode"), "enum")),
			NAP_N_MODES);
	json_decref(schema);
}

static const struct tap_case cases[] = {
	{"the examples of docs/reference/quarantine.md are accepted", page_is_true},
	{"the example of docs/howto/quarantine.md is accepted", howto_is_true},
	{"the published JSON Schema knows the same keys", schema_agrees},
	{"the example of the design reads as meant", reads_example},
	{"mistakes are named with line and column", names_mistakes},
	{"durations and dates", durations},
	{"the first rule that matches decides", first_match_wins},
	{"patterns", patterns},
};

TAP_MAIN("nap-policy/policy", cases)
