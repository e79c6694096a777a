/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The quarantine of one port: facts and the administrator's word in, health and access out.
 *
 * Two axes. Health follows from facts and policy; an override is the administrator's. What a port may
 * do is the narrower of the two, except that an override to release widens and an exemption skips the
 * health: isolation beats exemption beats health.
 *
 *   UNKNOWN        no fact, or facts that have expired: confined
 *   PROBATION      a blocking check fails, within the grace that began at the first failure
 *   COMPLIANT      every blocking check passes
 *   NONCOMPLIANT   a blocking check fails, and no grace is left
 *   EXEMPT         by rule or by the administrator
 *
 * A fact that has expired cannot pass a check any more, but can still fail it. Grace is anchored at the
 * first failure and is given again only after a port was compliant for as long as the grace lasts.
 * Everything that happens changes inputs; nap_state_decide() then says what follows, always by the same
 * rules, so a policy that changes needs no new reports.
 *
 * Thread-safety: one state, one thread. Proof: tests/unit/nap-policy/test_engine.c.
 */
#pragma once

#include <jansson.h>

#include "nap-policy/policy.h"
#include "nap-policy/report.h"

#define NAP_CHALLENGE_MS UINT64_C(60000)
#define NAP_SOH_SEEN     8

/** The one challenge that a port may have open. */
struct nap_challenge {
	uint64_t counter;
	uint8_t nonce[NAP_NONCE_SIZE];
	uint64_t issued_ms;
	bool open;
};

struct nap_counters {
	uint64_t ok, malformed, replayed, limited;
};

struct nap_state {
	enum nap_health health;
	enum nap_access access;
	enum nap_override override;
	enum nap_health told_health; /* these two as the last decision left them */
	enum nap_override told_override;
	bool exempted;               /* by the administrator */
	bool failed;                 /* first_failed_ms says something */
	int64_t first_failed_ms;     /* monotonic; negative: before this boot */
	int64_t first_failed_wall_s; /* the same for after the next one */
	uint64_t since_ms;           /* in this health */
	uint64_t expires_ms;         /* of COMPLIANT and PROBATION; else NAP_NEVER */
	uint64_t override_until_ms;  /* of RELEASED; else NAP_NEVER */
	int64_t override_until_s;
	uint64_t next_ms;           /* decide again then, at the latest */
	int rule;                   /* index in the policy that decided; -1: none matched */
	char reason[NAP_TEXT_SIZE]; /* of override or exemption */
	char actor[NAP_NAME_SIZE];  /* who gave it */
	char os[NAP_OS_SIZE], os_version[NAP_NAME_SIZE], machine[NAP_NAME_SIZE];
	struct nap_fact *facts;
	unsigned int n_facts;
	struct nap_challenge challenge;
	uint64_t challenges;                /* issued so far */
	uint8_t soh_seen[NAP_SOH_SEEN][24]; /* correlation ids of accepted statements */
	unsigned int n_soh_seen;
	struct nap_counters count;
};

/** One check of one port. */
struct nap_finding {
	const struct nap_check *check;
	const struct nap_fact *fact; /* NULL: nobody said anything */
	enum nap_result result;
	bool expired;        /* the fact is too old to pass */
	uint64_t expires_ms; /* of a pass */
	char why[160];
};

struct nap_verdict {
	enum nap_result result; /* over the blocking checks */
	uint64_t expires_ms;    /* of a pass */
	const struct nap_finding
		*worst; /* the first blocking one that fails, else is missing; or NULL */
	struct nap_finding findings[NAP_CHECKS_MAX];
	unsigned int n;
};

/** What changed since the last decision, by this one or before it. */
struct nap_change {
	enum nap_health old_health, health;
	enum nap_access old_access, access;
	enum nap_override old_override, override;
};

static inline bool nap_changed(const struct nap_change *c)
{
	return c->old_health != c->health || c->old_access != c->access ||
	       c->old_override != c->override;
}

/** A port that has just appeared. Decide next. */
void nap_state_init(struct nap_state *s, struct nap_time now);
void nap_state_done(struct nap_state *s);

/** The facts of @r replace those of the same source. -ENOMEM: nothing changed. */
int nap_state_report(struct nap_state *s, const struct nap_report *r);

/** Open a challenge with @nonce (random); an open one is replaced. Returns its counter. */
uint64_t nap_state_challenge(struct nap_state *s, const uint8_t nonce[NAP_NONCE_SIZE],
			     struct nap_time now);
/** Does @r answer the open challenge? Closes it. -EACCES none open or a wrong answer; -ETIMEDOUT. */
int nap_state_answer(struct nap_state *s, const struct nap_report *r, struct nap_time now);
/** Was this correlation id used before? Remembers it when not. */
bool nap_state_soh_replayed(struct nap_state *s, const uint8_t id[24]);

/** Moved, reconnected, re-addressed, another machine perhaps: forget what was reported. */
void nap_state_reset(struct nap_state *s);

/** The administrator's word. @reason and @actor are copied. */
void nap_state_isolate(struct nap_state *s, bool forensic, const char *reason, const char *actor);
/** Confine it as if it failed a check, whatever the mode; nap_state_release() ends it. */
void nap_state_confine(struct nap_state *s, const char *reason, const char *actor);
/** End isolation and exemption; @for_ms > 0: and leave the port alone for so long. */
void nap_state_release(struct nap_state *s, uint64_t for_ms, const char *reason, const char *actor,
		       struct nap_time now);
void nap_state_exempt(struct nap_state *s, bool on, const char *reason, const char *actor);

/** Is it confined by somebody's word, which only somebody's word ends? */
static inline bool nap_state_held(const struct nap_state *s)
{
	return s->override == NAP_STRICT || s->override == NAP_FORENSIC ||
	       s->override == NAP_CONFINED;
}

/** Judge @facts by the checks of @rule. */
void nap_judge(const struct nap_policy *p, const struct nap_rule *rule,
	       const struct nap_fact *facts, unsigned int n_facts, struct nap_time now,
	       struct nap_verdict *ret);

/**
 * Draw the conclusions: match a rule, judge, move health and access. @p NULL: no policy, every port is
 * left alone unless isolated. @v may be NULL.
 */
void nap_state_decide(struct nap_state *s, const struct nap_policy *p,
		      const struct nap_subject *who, struct nap_time now, struct nap_change *change,
		      struct nap_verdict *v);

/** Deep copy for what-if; nap_state_done() frees it. -ENOMEM. */
int nap_state_copy(const struct nap_state *from, struct nap_state *ret);

/** For the state file. New reference; NULL on lack of memory. */
json_t *nap_state_to_json(const struct nap_state *s);
/** @same_boot: monotonic times of the file are still those of this machine. Otherwise reports are
 *  forgotten; overrides, exemptions and grace that was used stay. Return: 0; -EINVAL (damaged). */
int nap_state_from_json(json_t *j, bool same_boot, struct nap_time now, struct nap_state *ret);
