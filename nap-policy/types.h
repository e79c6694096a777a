/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all of nap-policy/ shares: time, limits and the small vocabularies with their texts.
 *
 * Time is an argument everywhere: monotonic milliseconds decide about everything that lasts, the wall
 * clock only about absolute dates of a policy. A wall clock that jumps moves no expiry.
 *
 * Thread-safety: constants and pure functions. Proof: tests/unit/nap-policy/test_policy.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAP_NAME_SIZE    64  /* names of checks, rules, groups, with the NUL */
#define NAP_TEXT_SIZE    200 /* reasons, advice, addresses of pages */
#define NAP_CHECKS_MAX   32  /* a policy's: one bit each */
#define NAP_RULES_MAX    256
#define NAP_GROUPS_MAX   32
#define NAP_TARGETS_MAX  64 /* of one remediation group */
#define NAP_PORTS_MAX    16 /* ranges of one protocol of a target */
#define NAP_FACTS_MAX    64 /* of one report */
#define NAP_NEVER        UINT64_MAX
#define NAP_DAY_MS       UINT64_C(86400000)
#define NAP_VALIDITY_MAX NAP_DAY_MS
#define NAP_VALIDITY_MS  UINT64_C(3600000) /* unless the policy says otherwise */

struct nap_time {
	uint64_t mono_ms;
	int64_t wall_s; /* Unix time */
};

/** Who says it, from the most to the least trusted. */
enum nap_source { NAP_HOST, NAP_RADIUS, NAP_AGENT, NAP_SOH, NAP_N_SOURCES };

enum nap_mode { NAP_OFF, NAP_REPORT_ONLY, NAP_DEFERRED, NAP_ENFORCE, NAP_N_MODES };

enum nap_health {
	NAP_UNKNOWN,
	NAP_PROBATION,
	NAP_COMPLIANT,
	NAP_NONCOMPLIANT,
	NAP_EXEMPT,
	NAP_N_HEALTHS,
};

enum nap_override {
	NAP_NO_OVERRIDE,
	NAP_STRICT,
	NAP_FORENSIC,
	NAP_RELEASED,
	NAP_CONFINED, /* as if it were not healthy: a policy server says so */
	NAP_N_OVERRIDES,
};

/** What the port may do, from the widest to the narrowest. */
enum nap_access {
	NAP_FULL,
	NAP_RESTRICTED, /* the allow set of quarantine */
	NAP_INSPECTED,  /* isolated: the forensic group only */
	NAP_ISOLATED,   /* nothing */
	NAP_N_ACCESSES,
};

/** Why a validator gave no verdict (TCG IF-TNCCS-SOH failure categories). */
enum nap_failure {
	NAP_NO_FAILURE,
	NAP_OTHER,
	NAP_CLIENT_COMPONENT,
	NAP_CLIENT_COMMUNICATION,
	NAP_SERVER_COMPONENT,
	NAP_SERVER_COMMUNICATION,
	NAP_N_FAILURES,
};

enum nap_result { NAP_PASS, NAP_FAIL, NAP_MISSING, NAP_N_RESULTS };

enum nap_word {
#define NAP_WORD(id, text, doc) NAP_WORD_##id,
#include "nap-policy/words.def"
#undef NAP_WORD
	NAP_N_WORDS,
};

#define NAP_BIT(id) (1u << NAP_WORD_##id)

extern const char *const nap_source_text[NAP_N_SOURCES];
extern const char *const nap_mode_text[NAP_N_MODES];
extern const char *const nap_health_text[NAP_N_HEALTHS];
extern const char *const nap_override_text[NAP_N_OVERRIDES];
extern const char *const nap_access_text[NAP_N_ACCESSES];
extern const char *const nap_failure_text[NAP_N_FAILURES];
extern const char *const nap_result_text[NAP_N_RESULTS];
extern const char *const nap_word_text[NAP_N_WORDS];

/** Index of @word in @words, or -1. */
int nap_index_of(const char *word, const char *const *words, size_t n);

/** "90s", "30m", "8h", "7d", "1h30m", or a number of seconds. Return: 0; -EINVAL malformed or more
 *  than ten years. */
int nap_duration_parse(const char *text, uint64_t *ret_ms);
/** Shortest exact form, "1h30m"; "0s". Returns @buf. */
const char *nap_duration_format(uint64_t ms, char buf[32]);

/** "2026-12-01" or "2026-12-01T08:00:00Z" as Unix time. Return: 0; -EINVAL. */
int nap_date_parse(const char *text, int64_t *ret_s);
/** "2026-12-01T08:00:00Z". Returns @buf. */
const char *nap_date_format(int64_t s, char buf[32]);

/** The set bits of @words by name, joined by ", "; "nothing" when there is none. Returns @buf. */
const char *nap_words_format(uint32_t words, char *buf, size_t size);
