/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a report, as a guest sends it, through to a decision, the state file and back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] = "version: 1\ndefault: {mode: enforce, unmatched: restricted}\n"
			   "checks: {firewall: {require: enabled, not: snoozed}, patches: "
			   "{max_count: 0, max_age: 7d}}\n"
			   "rules: [{grace: 1h}]\n";

static void must(bool fact)
{
	if (!fact)
		abort();
}

static const struct nap_policy *policy(void)
{
	static struct nap_policy *p;
	struct vd_doc *doc = NULL;

	if (!p) {
		must(vd_doc_parse(text, strlen(text), "p", &doc, NULL) == 0);
		must(nap_policy_from_json(vd_doc_root(doc), doc, &p, NULL) == 0);
		vd_doc_free(doc);
	}
	return p;
}

static void check_saved(const struct nap_state *s, struct nap_time now)
{
	json_t *j = nap_state_to_json(s), *again;
	struct nap_state back;

	must(j && nap_state_from_json(j, true, now, &back) == 0);
	again = nap_state_to_json(&back);
	must(again && json_equal(j, again));
	json_decref(j);
	json_decref(again);
	nap_state_done(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nap_report r;
	struct nap_subject who = {.port = "web1", .sw = "lan"};
	struct nap_time now = {.mono_ms = 1000000, .wall_s = 1700000000};
	struct nap_change ch;
	struct nap_verdict v;
	struct nap_state s;
	struct vd_err e = {0};

	if (nap_report_parse((const char *)data, size, "fuzz", NAP_AGENT, now, &r, &e) < 0) {
		must(e.code && e.message[0]);
		return 0;
	}
	nap_state_init(&s, now);
	nap_state_isolate(&s, false, "fuzz", "fuzz");
	must(nap_state_report(&s, &r) == 0);
	nap_state_decide(&s, policy(), &who, now, &ch, &v);
	must(s.access == NAP_ISOLATED); /* whatever it says */
	check_saved(&s, now);
	nap_state_done(&s);
	return 0;
}
