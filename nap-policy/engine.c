/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state machine of one port: see engine.h. Judging facts: judge.c; the state file: engine_save.c. */
#include "nap-policy/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The wall clock may jump: a date that lies ahead is looked at again this often. */
#define DATE_CHECK_MS UINT64_C(30000)

void nap_state_init(struct nap_state *s, struct nap_time now)
{
	memset(s, 0, sizeof(*s));
	s->since_ms = now.mono_ms;
	s->expires_ms = s->override_until_ms = s->next_ms = NAP_NEVER;
	s->rule = -1;
}

void nap_state_done(struct nap_state *s)
{
	free(s->facts);
	s->facts = NULL;
	s->n_facts = 0;
}

int nap_state_copy(const struct nap_state *from, struct nap_state *ret)
{
	*ret = *from;
	ret->facts = calloc(from->n_facts + 1u, sizeof(*ret->facts));
	if (!ret->facts)
		return -ENOMEM;
	if (from->n_facts)
		memcpy(ret->facts, from->facts, from->n_facts * sizeof(*ret->facts));
	return 0;
}

int nap_state_report(struct nap_state *s, const struct nap_report *r)
{
	struct nap_fact *facts = calloc(s->n_facts + r->n_facts + 1u, sizeof(*facts));
	unsigned int n = 0;

	if (!facts)
		return -ENOMEM;
	for (unsigned int i = 0; i < s->n_facts; i++)
		if (s->facts[i].source != r->source)
			facts[n++] = s->facts[i];
	memcpy(facts + n, r->facts, r->n_facts * sizeof(*facts));
	free(s->facts);
	s->facts = facts;
	s->n_facts = n + r->n_facts;
	if (r->os[0])
		memcpy(s->os, r->os, sizeof(s->os));
	if (r->os_version[0])
		memcpy(s->os_version, r->os_version, sizeof(s->os_version));
	if (r->machine[0])
		memcpy(s->machine, r->machine, sizeof(s->machine));
	s->count.ok++;
	return 0;
}

uint64_t nap_state_challenge(struct nap_state *s, const uint8_t nonce[NAP_NONCE_SIZE],
			     struct nap_time now)
{
	struct nap_challenge *c = &s->challenge;

	c->counter = ++s->challenges;
	memcpy(c->nonce, nonce, sizeof(c->nonce));
	c->issued_ms = now.mono_ms;
	c->open = true;
	return c->counter;
}

int nap_state_answer(struct nap_state *s, const struct nap_report *r, struct nap_time now)
{
	struct nap_challenge *c = &s->challenge;
	bool right = c->open && r->has_nonce && r->counter == c->counter &&
		     !memcmp(r->nonce, c->nonce, sizeof(c->nonce));

	/* a guess costs the challenge: nobody gets a second one at the same nonce */
	c->open = false;
	if (!right) {
		s->count.replayed++;
		return -EACCES;
	}
	if (now.mono_ms - c->issued_ms > NAP_CHALLENGE_MS) {
		s->count.replayed++;
		return -ETIMEDOUT;
	}
	return 0;
}

bool nap_state_soh_replayed(struct nap_state *s, const uint8_t id[24])
{
	unsigned int n = s->n_soh_seen < NAP_SOH_SEEN ? s->n_soh_seen : NAP_SOH_SEEN;

	for (unsigned int i = 0; i < n; i++)
		if (!memcmp(s->soh_seen[i], id, 24)) {
			s->count.replayed++;
			return true;
		}
	memcpy(s->soh_seen[s->n_soh_seen++ % NAP_SOH_SEEN], id, 24);
	return false;
}

void nap_state_reset(struct nap_state *s)
{
	nap_state_done(s);
	s->os[0] = s->os_version[0] = s->machine[0] = '\0';
	s->challenge.open = false;
	s->health = s->health == NAP_EXEMPT ? NAP_EXEMPT : NAP_UNKNOWN;
}

static void note(struct nap_state *s, const char *reason, const char *actor)
{
	snprintf(s->reason, sizeof(s->reason), "%s", reason ? reason : "");
	snprintf(s->actor, sizeof(s->actor), "%s", actor ? actor : "");
}

void nap_state_isolate(struct nap_state *s, bool forensic, const char *reason, const char *actor)
{
	s->override = forensic ? NAP_FORENSIC : NAP_STRICT;
	s->override_until_ms = NAP_NEVER;
	note(s, reason, actor);
}

void nap_state_confine(struct nap_state *s, const char *reason, const char *actor)
{
	s->override = NAP_CONFINED;
	s->override_until_ms = NAP_NEVER;
	note(s, reason, actor);
}

void nap_state_release(struct nap_state *s, uint64_t for_ms, const char *reason, const char *actor,
		       struct nap_time now)
{
	s->override = for_ms ? NAP_RELEASED : NAP_NO_OVERRIDE;
	s->override_until_ms = for_ms ? now.mono_ms + for_ms : NAP_NEVER;
	s->override_until_s = now.wall_s + (int64_t)(for_ms / 1000);
	s->exempted = false;
	note(s, reason, actor);
}

void nap_state_exempt(struct nap_state *s, bool on, const char *reason, const char *actor)
{
	s->exempted = on;
	note(s, reason, actor);
}

static void enter(struct nap_state *s, enum nap_health health, struct nap_time now)
{
	if (s->health != health)
		s->since_ms = now.mono_ms;
	s->health = health;
	s->expires_ms = NAP_NEVER;
}

/* A blocking check fails: grace, as long as it lasts, counted from the first failure. */
static void fail(struct nap_state *s, const struct nap_rule *rule, struct nap_time now)
{
	int64_t now_ms = (int64_t)now.mono_ms;

	/* a port that was in order for as long as grace lasts may fail for the first time again */
	if (s->health == NAP_COMPLIANT && now.mono_ms - s->since_ms >= rule->grace_ms)
		s->failed = false;
	if (!s->failed) {
		s->failed = true;
		s->first_failed_ms = now_ms;
		s->first_failed_wall_s = now.wall_s;
	}
	if (now_ms - s->first_failed_ms < (int64_t)rule->grace_ms) {
		enter(s, NAP_PROBATION, now);
		s->expires_ms = (uint64_t)(s->first_failed_ms + (int64_t)rule->grace_ms);
	} else {
		enter(s, NAP_NONCOMPLIANT, now);
	}
}

static void pass(struct nap_state *s, const struct nap_rule *rule, const struct nap_verdict *v,
		 struct nap_time now)
{
	/* a port that flaps stays confined for a while */
	if (s->health == NAP_NONCOMPLIANT && now.mono_ms - s->since_ms < rule->dwell_ms) {
		s->expires_ms = s->since_ms + rule->dwell_ms;
		return;
	}
	enter(s, NAP_COMPLIANT, now);
	s->expires_ms = v->expires_ms;
}

static void move_health(struct nap_state *s, const struct nap_rule *rule,
			const struct nap_verdict *v, struct nap_time now)
{
	if (s->exempted || (rule && rule->exempt))
		enter(s, NAP_EXEMPT, now);
	else if (!rule || v->result == NAP_MISSING)
		enter(s, NAP_UNKNOWN, now);
	else if (v->result == NAP_FAIL)
		fail(s, rule, now);
	else
		pass(s, rule, v, now);
}

/* Is a restriction in force under this mode? */
static bool enforced(enum nap_mode mode, int64_t until_s, struct nap_time now)
{
	return mode == NAP_ENFORCE || (mode == NAP_DEFERRED && now.wall_s >= until_s);
}

static enum nap_access health_access(const struct nap_state *s, const struct nap_policy *p,
				     const struct nap_rule *rule, struct nap_time now)
{
	if (!p || s->health == NAP_EXEMPT || s->health == NAP_COMPLIANT ||
	    s->health == NAP_PROBATION)
		return NAP_FULL;
	if (!rule && p->unmatched_full)
		return NAP_FULL;
	return enforced(rule ? rule->mode : p->mode, rule ? rule->until_s : p->until_s, now)
		       ? NAP_RESTRICTED
		       : NAP_FULL;
}

static enum nap_access final_access(const struct nap_state *s, enum nap_access by_health)
{
	switch (s->override) {
	case NAP_STRICT:
		return NAP_ISOLATED;
	case NAP_FORENSIC:
		return NAP_INSPECTED;
	case NAP_RELEASED:
		return NAP_FULL;
	case NAP_CONFINED:
		return NAP_RESTRICTED;
	default:
		return by_health;
	}
}

static uint64_t next_look(const struct nap_state *s, const struct nap_policy *p,
			  const struct nap_rule *rule, struct nap_time now)
{
	uint64_t next = s->expires_ms;
	enum nap_mode mode = rule ? rule->mode : p ? p->mode : NAP_OFF;
	int64_t until_s = rule ? rule->until_s : p ? p->until_s : 0;

	if (s->override_until_ms < next)
		next = s->override_until_ms;
	if (mode == NAP_DEFERRED && now.wall_s < until_s) {
		int64_t left_s = until_s - now.wall_s;
		uint64_t ms = left_s < (int64_t)(DATE_CHECK_MS / 1000) ? (uint64_t)left_s * 1000
								       : DATE_CHECK_MS;

		if (now.mono_ms + ms < next)
			next = now.mono_ms + ms;
	}
	return next;
}

void nap_state_decide(struct nap_state *s, const struct nap_policy *p,
		      const struct nap_subject *who, struct nap_time now, struct nap_change *change,
		      struct nap_verdict *v)
{
	static const struct nap_verdict nothing = {.result = NAP_PASS, .expires_ms = NAP_NEVER};
	struct nap_subject subject = *who;
	const struct nap_rule *rule;
	struct nap_verdict own;

	change->old_health = s->told_health;
	change->old_access = s->access;
	change->old_override = s->told_override;
	if (s->override == NAP_RELEASED && now.mono_ms >= s->override_until_ms) {
		s->override = NAP_NO_OVERRIDE;
		s->override_until_ms = NAP_NEVER;
	}
	subject.os = s->os[0] ? s->os : NULL;
	s->rule = p ? nap_policy_match(p, &subject) : -1;
	rule = s->rule >= 0 ? &p->rules[s->rule] : NULL;
	if (!v)
		v = &own;
	if (rule && !rule->exempt)
		nap_judge(p, rule, s->facts, s->n_facts, now, v);
	else
		*v = nothing;
	move_health(s, rule, v, now);
	s->access = final_access(s, health_access(s, p, rule, now));
	s->next_ms = next_look(s, p, rule, now);
	change->health = s->told_health = s->health;
	change->access = s->access;
	change->override = s->told_override = s->override;
}
