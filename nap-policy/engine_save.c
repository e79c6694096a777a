/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A port's quarantine in the state file and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nap-policy/engine.h"

#define WALL_MAX_S      (INT64_C(1) << 40)
#define OVERRIDE_MAX_MS (365 * NAP_DAY_MS)

/* Monotonic times count from now in neither case: the file keeps them as they are, and says in
 * "saved_ms" nothing; whoever loads it knows whether the machine was booted since. */
static json_t *time_to_json(uint64_t t)
{
	return t == NAP_NEVER ? json_null() : json_integer((json_int_t)t);
}

static json_t *fact_to_json(const struct nap_fact *f)
{
	json_t *j =
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:s}", "name", f->name, "source",
			  nap_source_text[f->source], "failure", nap_failure_text[f->failure],
			  "words", (json_int_t)f->words, "received_ms", (json_int_t)f->received_ms,
			  "until_ms", time_to_json(f->until_ms), "detail", f->detail);

	if (j && f->has_count)
		json_object_set_new(j, "count", json_integer(f->count));
	if (j && f->has_age)
		json_object_set_new(j, "age_ms", json_integer((json_int_t)f->age_ms));
	return j;
}

json_t *nap_state_to_json(const struct nap_state *s)
{
	json_t *facts = json_array(), *seen = json_array();
	unsigned int n = s->n_soh_seen < NAP_SOH_SEEN ? s->n_soh_seen : NAP_SOH_SEEN;
	char hex[49];
	json_t *j;

	for (unsigned int i = 0; i < s->n_facts; i++)
		if (json_array_append_new(facts, fact_to_json(&s->facts[i])) < 0)
			break;
	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(seen, json_string(nap_hex_format(s->soh_seen[i], 24, hex)));
	j = json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:o, s:I}", "health",
		      nap_health_text[s->health], "override", nap_override_text[s->override],
		      "exempted", s->exempted, "failed", s->failed, "first_failed_ms",
		      (json_int_t)s->first_failed_ms, "first_failed_wall_s",
		      (json_int_t)s->first_failed_wall_s, "since_ms", (json_int_t)s->since_ms,
		      "override_until_ms", time_to_json(s->override_until_ms), "override_until_s",
		      (json_int_t)s->override_until_s);
	if (!j) {
		json_decref(facts);
		json_decref(seen);
		return NULL;
	}
	json_object_update_new(j, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "reason",
					    s->reason, "actor", s->actor, "os", s->os, "os_version",
					    s->os_version, "machine", s->machine, "challenges",
					    (json_int_t)s->challenges, "facts", facts, "soh_seen",
					    seen));
	json_object_set_new(j, "access", json_string(nap_access_text[s->access]));
	return j;
}

static bool get_text(json_t *j, const char *key, char *ret, size_t size)
{
	const char *s = json_string_value(json_object_get(j, key));

	if (!s || strlen(s) >= size)
		return false;
	snprintf(ret, size, "%s", s);
	return true;
}

static bool get_choice(json_t *j, const char *key, const char *const *words, size_t n, int *ret)
{
	const char *s = json_string_value(json_object_get(j, key));

	*ret = s ? nap_index_of(s, words, n) : -1;
	return *ret >= 0;
}

static bool get_number(json_t *j, const char *key, int64_t *ret)
{
	json_t *v = json_object_get(j, key);

	*ret = json_integer_value(v);
	return json_is_integer(v);
}

/* A point of time that is not negative; null is never. */
static bool get_time(json_t *j, const char *key, uint64_t *ret)
{
	json_t *v = json_object_get(j, key);
	int64_t n;

	*ret = NAP_NEVER;
	if (json_is_null(v))
		return true;
	if (!get_number(j, key, &n) || n < 0)
		return false;
	*ret = (uint64_t)n;
	return true;
}

static bool get_fact(json_t *j, struct nap_time now, struct nap_fact *f)
{
	int source, failure;
	int64_t words, n;

	if (!get_text(j, "name", f->name, sizeof(f->name)) ||
	    !get_choice(j, "source", nap_source_text, NAP_N_SOURCES, &source) ||
	    !get_choice(j, "failure", nap_failure_text, NAP_N_FAILURES, &failure) ||
	    !get_number(j, "words", &words) || words < 0 || words >= INT64_C(1) << NAP_N_WORDS ||
	    !get_time(j, "received_ms", &f->received_ms) || f->received_ms > now.mono_ms ||
	    !get_time(j, "until_ms", &f->until_ms) ||
	    !get_text(j, "detail", f->detail, sizeof(f->detail)))
		return false;
	f->source = (uint8_t)source;
	f->failure = (uint8_t)failure;
	f->words = (uint32_t)words;
	if (get_number(j, "count", &n) && n >= 0 && n <= UINT32_MAX) {
		f->has_count = true;
		f->count = (uint32_t)n;
	}
	if (get_number(j, "age_ms", &n) && n >= 0) {
		f->has_age = true;
		f->age_ms = (uint64_t)n;
	}
	return true;
}

static bool get_facts(json_t *j, struct nap_time now, struct nap_state *s)
{
	json_t *list = json_object_get(j, "facts"), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAP_FACTS_MAX * NAP_N_SOURCES)
		return false;
	s->facts = calloc(json_array_size(list) + 1, sizeof(*s->facts));
	if (!s->facts)
		return false;
	json_array_foreach (list, i, item)
		if (!get_fact(item, now, &s->facts[s->n_facts++]))
			return false;
	return true;
}

static bool get_seen(json_t *j, struct nap_state *s)
{
	json_t *list = json_object_get(j, "soh_seen"), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > NAP_SOH_SEEN)
		return false;
	json_array_foreach (list, i, item)
		if (!json_is_string(item) ||
		    !nap_hex_parse(json_string_value(item), s->soh_seen[s->n_soh_seen++], 24))
			return false;
	return true;
}

/* Could these times be this program's? A file that was damaged must not lengthen a grace or a release. */
static bool times_possible(const struct nap_state *s, bool same_boot, struct nap_time now)
{
	bool released = s->override == NAP_RELEASED;
	uint64_t latest = now.mono_ms + OVERRIDE_MAX_MS;

	if (s->first_failed_wall_s < 0 || s->first_failed_wall_s > WALL_MAX_S ||
	    s->override_until_s < 0 || s->override_until_s > WALL_MAX_S ||
	    s->first_failed_ms < -WALL_MAX_S * 1000 || s->first_failed_ms > WALL_MAX_S * 1000 ||
	    released != (s->override_until_ms != NAP_NEVER))
		return false;
	return !same_boot ||
	       (s->since_ms <= now.mono_ms && s->first_failed_ms <= (int64_t)now.mono_ms &&
		(!released || s->override_until_ms <= latest));
}

static bool get_all(json_t *j, struct nap_time now, struct nap_state *s)
{
	int health, access, override;
	int64_t challenges;

	if (!get_choice(j, "health", nap_health_text, NAP_N_HEALTHS, &health) ||
	    !get_choice(j, "access", nap_access_text, NAP_N_ACCESSES, &access) ||
	    !get_choice(j, "override", nap_override_text, NAP_N_OVERRIDES, &override) ||
	    !json_is_boolean(json_object_get(j, "exempted")) ||
	    !json_is_boolean(json_object_get(j, "failed")) ||
	    !get_number(j, "first_failed_ms", &s->first_failed_ms) ||
	    !get_number(j, "first_failed_wall_s", &s->first_failed_wall_s) ||
	    !get_time(j, "since_ms", &s->since_ms) ||
	    !get_time(j, "override_until_ms", &s->override_until_ms) ||
	    !get_number(j, "override_until_s", &s->override_until_s) ||
	    !get_number(j, "challenges", &challenges) || challenges < 0)
		return false;
	s->health = s->told_health = (enum nap_health)health;
	s->access = (enum nap_access)access; /* what was told; the next decision finds its own */
	s->override = s->told_override = (enum nap_override) override;
	s->exempted = json_is_true(json_object_get(j, "exempted"));
	s->failed = json_is_true(json_object_get(j, "failed"));
	s->challenges = (uint64_t)challenges;
	return get_text(j, "reason", s->reason, sizeof(s->reason)) &&
	       get_text(j, "actor", s->actor, sizeof(s->actor)) &&
	       get_text(j, "os", s->os, sizeof(s->os)) &&
	       get_text(j, "os_version", s->os_version, sizeof(s->os_version)) &&
	       get_text(j, "machine", s->machine, sizeof(s->machine)) && get_seen(j, s);
}

/* Monotonic times of another boot say nothing: turn into this one's what has a date, forget the rest. */
static void other_boot(struct nap_state *s, struct nap_time now)
{
	int64_t ago_s = now.wall_s - s->first_failed_wall_s,
		left_s = s->override_until_s - now.wall_s;

	nap_state_reset(s);
	s->since_ms = now.mono_ms;
	/* a clock that went back must not give grace again: then it counts as used up */
	if (ago_s < 0)
		ago_s = 10 * 365 * INT64_C(86400);
	s->first_failed_ms = (int64_t)now.mono_ms - ago_s * 1000;
	if (s->override != NAP_RELEASED)
		return;
	if (left_s <= 0 || left_s > 365 * INT64_C(86400)) {
		s->override = NAP_NO_OVERRIDE;
		s->override_until_ms = NAP_NEVER;
	} else {
		s->override_until_ms = now.mono_ms + (uint64_t)left_s * 1000;
	}
}

int nap_state_from_json(json_t *j, bool same_boot, struct nap_time now, struct nap_state *ret)
{
	struct nap_state s;
	bool ok;

	nap_state_init(&s, now);
	ok = get_all(j, now, &s) && (!same_boot || get_facts(j, now, &s)) &&
	     times_possible(&s, same_boot, now);
	if (!ok) {
		nap_state_done(&s);
		return -EINVAL;
	}
	if (!same_boot)
		other_boot(&s, now);
	*ret = s;
	return 0;
}
