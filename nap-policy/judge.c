/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts against checks: pass, fail or nothing known, with the reason in words. */
#include <stdio.h>
#include <string.h>

#include "nap-policy/engine.h"

static bool expired(const struct nap_fact *f, const struct nap_rule *rule, uint64_t now_ms)
{
	return now_ms - f->received_ms >= rule->validity_ms || now_ms >= f->until_ms;
}

/* What the most preferred source says now; when all have expired, what it said last. */
static const struct nap_fact *fact_for(const struct nap_check *c, const struct nap_rule *rule,
				       const struct nap_fact *facts, unsigned int n,
				       uint64_t now_ms, bool *is_old)
{
	const struct nap_fact *old = NULL;

	for (unsigned int s = 0; s < c->n_sources; s++) {
		for (unsigned int i = 0; i < n; i++) {
			const struct nap_fact *f = &facts[i];

			if (f->source != c->sources[s] || strcmp(f->name, c->fact))
				continue;
			if (!expired(f, rule, now_ms)) {
				*is_old = false;
				return f;
			}
			if (!old)
				old = f;
		}
	}
	*is_old = true;
	return old;
}

/* Does what @f speaks of satisfy @c? Says why not. */
static bool satisfied(const struct nap_check *c, const struct nap_fact *f, uint64_t now_ms,
		      char *why, size_t size)
{
	uint64_t age = f->age_ms + (now_ms - f->received_ms);
	char a[96], b[96];

	if (f->words & c->forbid) {
		snprintf(why, size, "it is %s",
			 nap_words_format(f->words & c->forbid, a, sizeof(a)));
		return false;
	}
	if (c->require & ~f->words) {
		snprintf(why, size, "it is not %s (reported: %s)",
			 nap_words_format(c->require & ~f->words, a, sizeof(a)),
			 nap_words_format(f->words, b, sizeof(b)));
		return false;
	}
	if (c->has_max_count && (!f->has_count || f->count > c->max_count)) {
		if (f->has_count)
			snprintf(why, size, "%u reported (allowed: %u)", f->count, c->max_count);
		else
			snprintf(why, size, "no number was reported (allowed: %u)", c->max_count);
		return false;
	}
	if (c->max_age_ms && (!f->has_age || age >= c->max_age_ms)) {
		if (f->has_age)
			snprintf(why, size, "it is %s old (allowed: %s)",
				 nap_duration_format(age, a),
				 nap_duration_format(c->max_age_ms, b));
		else
			snprintf(why, size, "no age was reported (allowed: %s)",
				 nap_duration_format(c->max_age_ms, b));
		return false;
	}
	return true;
}

static uint64_t min64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void find(const struct nap_policy *p, const struct nap_rule *rule, const struct nap_check *c,
		 const struct nap_fact *facts, unsigned int n_facts, uint64_t now_ms,
		 struct nap_finding *ret)
{
	const struct nap_fact *f = fact_for(c, rule, facts, n_facts, now_ms, &ret->expired);

	ret->check = c;
	ret->fact = f;
	ret->result = NAP_MISSING;
	ret->expires_ms = NAP_NEVER;
	if (!f) {
		ret->expired = false;
		snprintf(ret->why, sizeof(ret->why), "no report speaks of it");
		return;
	}
	if (f->failure != NAP_NO_FAILURE) {
		snprintf(ret->why, sizeof(ret->why), "it could not be looked at: %s",
			 nap_failure_text[f->failure]);
		ret->result = p->failure_passes[f->failure] ? NAP_PASS : NAP_FAIL;
	} else {
		ret->result =
			satisfied(c, f, now_ms, ret->why, sizeof(ret->why)) ? NAP_PASS : NAP_FAIL;
	}
	if (ret->result == NAP_FAIL)
		return;
	if (ret->expired) {
		ret->result = NAP_MISSING;
		snprintf(ret->why, sizeof(ret->why), "the last report is too old to count");
		return;
	}
	if (f->failure == NAP_NO_FAILURE)
		snprintf(ret->why, sizeof(ret->why), "as required");
	ret->expires_ms = min64(f->received_ms + rule->validity_ms, f->until_ms);
	if (c->max_age_ms && f->has_age)
		ret->expires_ms =
			min64(ret->expires_ms, f->received_ms + (c->max_age_ms - f->age_ms));
}

void nap_judge(const struct nap_policy *p, const struct nap_rule *rule,
	       const struct nap_fact *facts, unsigned int n_facts, struct nap_time now,
	       struct nap_verdict *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->result = NAP_PASS;
	ret->expires_ms = NAP_NEVER;
	for (unsigned int i = 0; i < p->n_checks; i++) {
		struct nap_finding *f = &ret->findings[ret->n];

		if (!(rule->checks >> i & 1))
			continue;
		ret->n++;
		find(p, rule, &p->checks[i], facts, n_facts, now.mono_ms, f);
		if (!p->checks[i].blocking)
			continue;
		ret->expires_ms = min64(ret->expires_ms, f->expires_ms);
		if (f->result == NAP_PASS || ret->result == NAP_FAIL)
			continue;
		/* a failure says more than something missing, whichever comes first */
		if (f->result == NAP_FAIL || !ret->worst) {
			ret->worst = f;
			ret->result = f->result;
		}
	}
}
