/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine: every row of its table, and the ways around it that must not exist. */
#include "tests/unit/tap.h"

#include <errno.h>

#include "tests/unit/nap-policy/policy_kit.h"

#define MINUTE UINT64_C(60000)
#define HOUR   (60 * MINUTE)

static const char policy_text[] = "version: 1\n"
				  "default: {mode: enforce, unmatched: restricted}\n"
				  "checks:\n"
				  "  firewall: {source: [host, agent, soh], require: enabled, not: "
				  "snoozed, fix: turn it on}\n"
				  "  patches: {source: [host, agent], max_age: 7d}\n"
				  "  av: {require: [enabled, current], blocking: false}\n"
				  "rules:\n"
				  "  - {match: {tag: infra}, exempt: true, reason: platform}\n"
				  "  - {match: {switch: lab}, mode: report-only}\n"
				  "  - {match: {switch: late}, mode: deferred, until: 2023-11-15}\n"
				  "  - {name: grace, match: {port: g}, grace: 8h, validity: 2h}\n"
				  "  - {name: dwell, match: {port: d}, dwell: 5m}\n"
				  "  - {name: plain, match: {port: \"*\"}}\n";

static struct nap_policy *policy;
static struct nap_state s;
static struct nap_subject who;
static struct nap_time now;
static struct nap_change ch;
static struct nap_verdict v;

static void decide(void)
{
	nap_state_decide(&s, policy, &who, now, &ch, &v);
}

static void begin(const char *port, const char *sw)
{
	nap_policy_free(policy);
	policy = kit_good_policy(policy_text);
	who = (struct nap_subject){.port = port, .sw = sw};
	now = (struct nap_time){.mono_ms = 1000 * HOUR, .wall_s = 1700000000};
	nap_state_done(&s);
	nap_state_init(&s, now);
	decide();
}

static void after(uint64_t ms)
{
	now.mono_ms += ms;
	now.wall_s += (int64_t)(ms / 1000);
	decide();
}

static void say(enum nap_source source, const char *checks)
{
	struct nap_report r;
	struct vd_err e;
	char text[1024];

	snprintf(text, sizeof(text), "{\"report\": 1, \"checks\": {%s}}", checks);
	CU_ASSERT_EQUAL_FATAL(kit_report(text, source, now, &r, &e), 0);
	CU_ASSERT_EQUAL_FATAL(nap_state_report(&s, &r), 0);
	decide();
}

#define GOOD     "\"firewall\": {\"is\": \"enabled\"}, \"patches\": {\"age\": \"1d\"}"
#define BAD      "\"firewall\": {}, \"patches\": {\"age\": \"1d\"}"
#define IS(h, a) (s.health == (h) && s.access == (a))

static void attach(void)
{
	begin("p", "lan");
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	begin("p", "lab");
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_FULL));
	nap_state_decide(&s, NULL, &who, now, &ch, NULL);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_FULL));
}

static void unmatched(void)
{
	struct nap_subject nobody = {.port = "x", .sw = "lan"};

	begin("p", "lan");
	policy->n_rules--; /* the rule that matches everything; freed by hand below */
	nap_state_decide(&s, policy, &nobody, now, &ch, &v);
	CU_ASSERT_EQUAL(s.rule, -1);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	policy->unmatched_full = true;
	nap_state_decide(&s, policy, &nobody, now, &ch, &v);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_FULL));
	policy->n_rules++;
}

static void pass_and_expire(void)
{
	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	CU_ASSERT_TRUE(nap_changed(&ch));
	CU_ASSERT_EQUAL(ch.old_health, NAP_UNKNOWN);
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + HOUR);
	after(HOUR - 1);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	after(1);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	CU_ASSERT_TRUE(v.worst && v.worst->expired);
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
}

static void fail_without_grace(void)
{
	begin("p", "lan");
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	CU_ASSERT_STRING_EQUAL(v.worst->check->name, "firewall");
	CU_ASSERT_PTR_NOT_NULL(strstr(v.worst->why, "not enabled"));
	/* what failed once fails until something else is said, however old it is */
	after(48 * HOUR);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	say(NAP_AGENT,
	    "\"firewall\": {\"is\": [\"enabled\", \"snoozed\"]}, \"patches\": {\"age\": 1}");
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
}

static void ages(void)
{
	begin("p", "lan");
	say(NAP_AGENT, "\"firewall\": {\"is\": \"enabled\"}, \"patches\": {\"age\": \"6d23h30m\"}");
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + 30 * MINUTE);
	after(30 * MINUTE);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	CU_ASSERT_STRING_EQUAL(v.worst->check->name, "patches");
}

static void missing_is_unknown(void)
{
	begin("p", "lan");
	say(NAP_AGENT, "\"firewall\": {\"is\": \"enabled\"}");
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	CU_ASSERT_STRING_EQUAL(v.worst->check->name, "patches");
	/* non-blocking checks show and do not confine */
	CU_ASSERT_EQUAL(v.n, 3);
	CU_ASSERT_EQUAL(v.findings[2].result, NAP_MISSING);
	say(NAP_AGENT, GOOD ", \"av\": {\"is\": \"enabled\"}");
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	CU_ASSERT_EQUAL(v.findings[2].result, NAP_FAIL);
}

static void q39_grace(void)
{
	begin("g", "lan");
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_PROBATION, NAP_FULL));
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + 8 * HOUR);
	/* failing again renews nothing */
	after(4 * HOUR);
	say(NAP_AGENT, BAD);
	CU_ASSERT_EQUAL(s.expires_ms, now.mono_ms + 4 * HOUR);
	/* neither does coming back as another */
	nap_state_reset(&s);
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	say(NAP_AGENT, BAD);
	CU_ASSERT_EQUAL(s.expires_ms, now.mono_ms + 4 * HOUR);
	/* nor passing for a moment */
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	after(HOUR);
	say(NAP_AGENT, BAD);
	CU_ASSERT_EQUAL(s.expires_ms, now.mono_ms + 3 * HOUR);
	after(3 * HOUR);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	say(NAP_AGENT, GOOD);
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	/* but being in order for as long as the grace does */
	say(NAP_AGENT, GOOD);
	for (int i = 0; i < 8; i++) {
		after(HOUR);
		say(NAP_AGENT, GOOD);
	}
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_PROBATION, NAP_FULL));
}

static void q39_grace_and_reboot(void)
{
	struct nap_state back;
	json_t *j;

	begin("g", "lan");
	say(NAP_AGENT, BAD);
	j = nap_state_to_json(&s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	now.mono_ms = 5000; /* the host was booted an hour after the failure */
	now.wall_s += 3600;
	CU_ASSERT_EQUAL_FATAL(nap_state_from_json(j, false, now, &back), 0);
	nap_state_done(&s);
	s = back;
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_PROBATION, NAP_FULL));
	CU_ASSERT_EQUAL(s.expires_ms, now.mono_ms + 7 * HOUR);
	/* with a clock that went back there is none left */
	now.wall_s -= 10 * 86400;
	CU_ASSERT_EQUAL_FATAL(nap_state_from_json(j, false, now, &back), 0);
	nap_state_done(&s);
	s = back;
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	json_decref(j);
}

static void dwell(void)
{
	begin("d", "lan");
	say(NAP_AGENT, BAD);
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + 5 * MINUTE);
	after(5 * MINUTE);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
}

static void q37_reset(void)
{
	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	nap_state_reset(&s);
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	/* isolation is not lifted by it */
	nap_state_isolate(&s, false, "incident", "root");
	nap_state_reset(&s);
	decide();
	CU_ASSERT_EQUAL(s.access, NAP_ISOLATED);
}

/* Whatever was done to the state before it is decided about: what changed since the last decision is told. */
static void q45_told(void)
{
	struct nap_change c;

	begin("p", "lab"); /* report-only: the access stays as it is */
	say(NAP_AGENT, GOOD);
	nap_state_reset(&s);
	nap_state_decide(&s, policy, &who, now, &c, NULL);
	CU_ASSERT_TRUE(nap_changed(&c));
	CU_ASSERT_EQUAL(c.old_health, NAP_COMPLIANT);
	CU_ASSERT_EQUAL(c.health, NAP_UNKNOWN);
	nap_state_decide(&s, policy, &who, now, &c, NULL);
	CU_ASSERT_FALSE(nap_changed(&c));
	begin("p", "lan");
	say(NAP_AGENT, BAD); /* confined already: the order has to be kept, too */
	nap_state_confine(&s, "quarantined", "radius:server");
	nap_state_decide(&s, policy, &who, now, &c, NULL);
	CU_ASSERT_TRUE(nap_changed(&c));
	CU_ASSERT_EQUAL(c.old_override, NAP_NO_OVERRIDE);
	CU_ASSERT_EQUAL(c.override, NAP_CONFINED);
	nap_state_done(&s);
}

static void modes(void)
{
	begin("p", "lab");
	say(NAP_AGENT, BAD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_FULL));
	begin("p", "late"); /* enforced from 1700006400 on */
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_FULL));
	CU_ASSERT_TRUE(s.next_ms <= now.mono_ms + 30000);
	now.wall_s = 1700006399;
	decide();
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + 1000);
	now.wall_s = 1700006400;
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
}

static void q35_clock_jumps(void)
{
	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	now.wall_s += 86400;
	decide();
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	now.wall_s -= 3 * 86400;
	after(HOUR);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
}

static void q38_overrides(void)
{
	static const char *const tags[] = {"infra"};

	begin("p", "lan");
	who.tags = tags;
	who.n_tags = 1;
	decide();
	CU_ASSERT_TRUE(IS(NAP_EXEMPT, NAP_FULL));
	nap_state_isolate(&s, false, "incident 7", "root");
	decide();
	CU_ASSERT_TRUE(IS(NAP_EXEMPT, NAP_ISOLATED));
	CU_ASSERT_STRING_EQUAL(s.reason, "incident 7");
	nap_state_isolate(&s, true, "look", "root");
	decide();
	CU_ASSERT_EQUAL(s.access, NAP_INSPECTED);
	nap_state_release(&s, 0, "done", "root", now);
	decide();
	CU_ASSERT_TRUE(IS(NAP_EXEMPT, NAP_FULL));
	who.n_tags = 0;
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	nap_state_release(&s, 2 * HOUR, "deadline", "root", now);
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_FULL));
	CU_ASSERT_EQUAL(s.next_ms, now.mono_ms + 2 * HOUR);
	after(2 * HOUR);
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	nap_state_exempt(&s, true, "printer", "root");
	decide();
	CU_ASSERT_TRUE(IS(NAP_EXEMPT, NAP_FULL));
	nap_state_exempt(&s, false, "", "root");
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	/* a report never lifts what the administrator did */
	nap_state_isolate(&s, false, "incident 8", "root");
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_ISOLATED));
}

static void sources_rank(void)
{
	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	say(NAP_HOST, BAD); /* the host has looked itself */
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	say(NAP_AGENT, GOOD);
	CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
	say(NAP_HOST, GOOD);
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	/* a source that the check does not name does not count */
	say(NAP_HOST, "\"firewall\": {\"is\": \"enabled\"}");
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	say(NAP_AGENT, "\"firewall\": {\"is\": \"enabled\"}");
	say(NAP_SOH, "\"patches\": {\"age\": 5}");
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
}

static void validator_errors(void)
{
	for (int f = NAP_OTHER; f < NAP_N_FAILURES; f++) {
		char text[160];

		begin("p", "lan");
		snprintf(text, sizeof(text),
			 "\"firewall\": {\"is\": \"enabled\", \"failure\": \"%s\"}, \"patches\": "
			 "{\"age\": 1}",
			 nap_failure_text[f]);
		say(NAP_AGENT, text);
		CU_ASSERT_TRUE(IS(NAP_NONCOMPLIANT, NAP_RESTRICTED));
		policy->failure_passes[f] = true;
		decide();
		CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
	}
}

static void q40_policy_changes(void)
{
	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	policy->checks[2].blocking = true; /* the antivirus counts now */
	decide();
	CU_ASSERT_TRUE(IS(NAP_UNKNOWN, NAP_RESTRICTED));
	policy->checks[2].blocking = false;
	decide();
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_FULL));
}

static void challenge(const char *nonce_hex, uint64_t counter, struct nap_report *r)
{
	memset(r, 0, sizeof(*r));
	r->has_nonce = nap_hex_parse(nonce_hex, r->nonce, sizeof(r->nonce));
	r->counter = counter;
}

static void q11_replay(void)
{
	static const uint8_t nonce[NAP_NONCE_SIZE] = {1, 2, 3};
	struct nap_report r;

	begin("p", "lan");
	challenge("01020300000000000000000000000000", 1, &r);
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -EACCES); /* nobody asked */
	CU_ASSERT_EQUAL(nap_state_challenge(&s, nonce, now), 1);
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), 0);
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -EACCES); /* used */
	CU_ASSERT_EQUAL(nap_state_challenge(&s, nonce, now), 2);
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -EACCES); /* the counter of before */
	r.counter = 2;
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -EACCES); /* a wrong answer closed it */
	nap_state_challenge(&s, nonce, now);
	r.counter = 3;
	now.mono_ms += NAP_CHALLENGE_MS + 1;
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -ETIMEDOUT);
	r.has_nonce = false;
	nap_state_challenge(&s, nonce, now);
	CU_ASSERT_EQUAL(nap_state_answer(&s, &r, now), -EACCES);
	CU_ASSERT_EQUAL(s.count.replayed, 6);
}

static void q11_soh_replay(void)
{
	uint8_t id[24] = {0};

	begin("p", "lan");
	for (uint8_t i = 0; i < 2 * NAP_SOH_SEEN; i++) {
		id[0] = i;
		CU_ASSERT_FALSE(nap_state_soh_replayed(&s, id));
		CU_ASSERT_TRUE(nap_state_soh_replayed(&s, id));
	}
}

static void saves(void)
{
	struct nap_state back;
	json_t *j, *again;

	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	nap_state_isolate(&s, true, "reason", "root");
	decide();
	j = nap_state_to_json(&s);
	CU_ASSERT_EQUAL_FATAL(nap_state_from_json(j, true, now, &back), 0);
	again = nap_state_to_json(&back);
	CU_ASSERT_TRUE(json_equal(j, again));
	json_decref(again);
	nap_state_done(&s);
	s = back;
	decide();
	CU_ASSERT_TRUE(IS(NAP_COMPLIANT, NAP_INSPECTED));
	CU_ASSERT_FALSE(nap_changed(&ch)); /* nothing to tell */
	after(HOUR);
	CU_ASSERT_EQUAL(s.health, NAP_UNKNOWN);
	/* another boot: what was reported is gone, what the administrator said is not */
	CU_ASSERT_EQUAL_FATAL(nap_state_from_json(j, false, now, &back), 0);
	CU_ASSERT_EQUAL(back.override, NAP_FORENSIC);
	CU_ASSERT_EQUAL(back.n_facts, 0);
	nap_state_done(&back);
	json_decref(j);
}

/* Numbers that make sense by themselves, and would open the port for longer. */
static void refuses_lies(void)
{
	static const struct {
		const char *key;
		json_int_t value;
	} lies[] = {
		{"first_failed_ms", 2000 * (json_int_t)HOUR}, /* grace from tomorrow on */
		{"first_failed_ms", INT64_MIN},
		{"first_failed_wall_s", INT64_MIN},
		{"first_failed_wall_s", INT64_MAX},
		{"override_until_ms", 2 * 366 * 24 * (json_int_t)HOUR},
		{"override_until_s", INT64_MIN},
		{"challenges", -1},
	};
	struct nap_state back;

	begin("g", "lan");
	say(NAP_AGENT, BAD);
	nap_state_release(&s, HOUR, "look", "root", now);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		json_t *j = nap_state_to_json(&s);

		CU_ASSERT_EQUAL_FATAL(nap_state_from_json(j, true, now, &back), 0);
		nap_state_done(&back);
		json_object_set_new(j, lies[i].key, json_integer(lies[i].value));
		CU_ASSERT_EQUAL(nap_state_from_json(j, true, now, &back), -EINVAL);
		json_decref(j);
	}
	/* who is released is so until a time */
	json_t *j = nap_state_to_json(&s);
	json_object_set_new(j, "override_until_ms", json_null());
	CU_ASSERT_EQUAL(nap_state_from_json(j, true, now, &back), -EINVAL);
	json_decref(j);
	nap_state_done(&s);
}

static void refuses_damage(void)
{
	const char *key;
	json_t *j, *v0;
	void *next;

	begin("p", "lan");
	say(NAP_AGENT, GOOD);
	j = nap_state_to_json(&s);
	json_object_foreach_safe(j, next, key, v0)
	{
		json_t *broken = json_deep_copy(j);
		struct nap_state back;

		json_object_set_new(broken, key, json_pack("[i]", 1));
		CU_ASSERT_EQUAL(nap_state_from_json(broken, true, now, &back), -EINVAL);
		json_object_del(broken, key);
		CU_ASSERT_EQUAL(nap_state_from_json(broken, true, now, &back), -EINVAL);
		json_decref(broken);
	}
	json_decref(j);
	nap_state_done(&s);
	nap_policy_free(policy);
	policy = NULL;
}

static const struct tap_case cases[] = {
	{"attach: required is unknown and restricted, report-only is full", attach},
	{"ports that no rule matches", unmatched},
	{"passing, and expiry at the second", pass_and_expire},
	{"failing without grace", fail_without_grace},
	{"the age of what was reported goes on while nobody reports", ages},
	{"a check that nobody reported is unknown, not passed", missing_is_unknown},
	{"Q39: grace cannot be extended", q39_grace},
	{"Q39: nor by booting the host", q39_grace_and_reboot},
	{"Q45: a change is told, whatever made it", q45_told},
	{"a state file that would open a port for longer is refused", refuses_lies},
	{"a port that flaps waits", dwell},
	{"Q37: moved, reconnected, re-addressed is unknown", q37_reset},
	{"report-only and deferred", modes},
	{"Q35: the wall clock jumps a day", q35_clock_jumps},
	{"Q38: isolation beats exemption, release brings back what was", q38_overrides},
	{"the host's word counts more than the guest's", sources_rank},
	{"the five validator errors fail unless told otherwise", validator_errors},
	{"Q40: a policy that changes needs no new reports", q40_policy_changes},
	{"Q11: replayed challenges", q11_replay},
	{"Q11: replayed statements of health", q11_soh_replay},
	{"states survive a restart", saves},
	{"Q36: a damaged state is refused", refuses_damage},
};

TAP_MAIN("nap-policy/engine", cases)
