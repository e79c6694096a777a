/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON to policy. Order matters: checks and groups are read before the rules that name them, whatever
 * the order in the document.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "nap-policy/policy_read.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const policy_keys[] = {"version",     "default",          "checks", "rules",
					  "remediation", "validator_errors", "report", "dhcp",
					  "dns",         "gateways",         "radius"};
static const char *const default_keys[] = {"mode", "until", "unmatched", "vlan"};
static const char *const check_keys[] = {"fact",      "source",  "require",  "not",
					 "max_count", "max_age", "blocking", "fix"};
static const char *const rule_keys[] = {"name",        "match",  "mode",  "until",    "exempt",
					"reason",      "checks", "grace", "validity", "dwell",
					"remediation", "url",    "vlan"};
static const char *const match_keys[] = {"port", "switch", "tag", "os"};
static const char *const unmatched_text[] = {"restricted", "full"};
static const char *const failure_verdicts[] = {"noncompliant", "compliant"};

int nap_read_bad(const struct vd_read *rd, const char *key, const char *hint, const char *fmt, ...)
{
	char path[VD_PATH_SIZE], text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
				     vd_read_path(rd, key, path, sizeof(path)), hint, "%s", text));
}

int nap_read_no_memory(const struct vd_read *rd)
{
	return vd_err_set(rd->e, -ENOMEM, VD_E_NO_MEMORY, rd->path, NULL, "out of memory");
}

int nap_read_string(const struct vd_read *rd, const char *key, char *ret, size_t size)
{
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	if (strlen(s) >= size)
		return nap_read_bad(rd, key, NULL, "\"%s\" is longer than %zu bytes", key,
				    size - 1);
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return nap_read_bad(rd, key, NULL, "\"%s\" has a control character", key);
	snprintf(ret, size, "%s", s);
	return 1;
}

int nap_read_duration(const struct vd_read *rd, const char *key, uint64_t max_ms, uint64_t *ret)
{
	json_t *v = json_object_get(rd->j, key);
	char number[32], limit[32];
	const char *s = NULL;
	uint64_t ms;
	int r;

	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		s = number;
	} else {
		r = vd_read_text(rd, key, &s);
		if (r <= 0)
			return r;
	}
	if (nap_duration_parse(s, &ms) < 0)
		return nap_read_bad(rd, key, "write 90s, 30m, 8h or 7d",
				    "\"%.40s\" is not a duration", s);
	if (ms > max_ms)
		return nap_read_bad(rd, key, NULL, "%s %s is too long (allowed: %s)", key, s,
				    nap_duration_format(max_ms, limit));
	*ret = ms;
	return 1;
}

int nap_read_texts(const struct vd_read *rd, const char *key, unsigned int max, const char *ret[],
		   unsigned int *n)
{
	json_t *v = json_object_get(rd->j, key), *item;
	size_t i;

	*n = 0;
	if (!v)
		return 0;
	if (json_is_string(v)) {
		ret[(*n)++] = json_string_value(v);
		return 1;
	}
	if (!json_is_array(v))
		return vd_read_wrong_type(rd, key, v, "a text or a list of texts", NULL);
	if (json_array_size(v) > max)
		return nap_read_bad(rd, key, NULL, "\"%s\" has %zu items (allowed: %u)", key,
				    json_array_size(v), max);
	json_array_foreach (v, i, item) {
		if (!json_is_string(item))
			return vd_read_at_item(rd, v, i,
					       vd_err_set(rd->e, -EINVAL, VD_E_TYPE, rd->path, NULL,
							  "item %zu of \"%s\" is %s (expected: a "
							  "text)",
							  i + 1, key, vd_read_kind(item)));
		ret[(*n)++] = json_string_value(item);
	}
	return 1;
}

/* The place of @s among @words; errors blame @key. */
static int pick(const struct vd_read *rd, const char *key, const char *s, const char *const *words,
		size_t n, const char *what)
{
	int i = nap_index_of(s, words, n);
	const char *near;
	char hint[200];
	size_t len;

	if (i >= 0)
		return i;
	near = vd_suggest(s, words, n);
	len = (size_t)snprintf(hint, sizeof(hint), near ? "did you mean \"%s\"?" : "known: ", near);
	for (size_t k = 0; !near && k < n && len < sizeof(hint); k++)
		len += (size_t)snprintf(hint + len, sizeof(hint) - len, "%s%s", k ? ", " : "",
					words[k]);
	return nap_read_bad(rd, key, hint, "\"%.60s\" is no %s", s, what);
}

static int read_words(const struct vd_read *rd, const char *key, uint32_t *ret)
{
	const char *texts[NAP_N_WORDS];
	unsigned int n;
	int r = nap_read_texts(rd, key, N(texts), texts, &n);

	if (r <= 0)
		return r;
	*ret = 0;
	for (unsigned int i = 0; i < n; i++) {
		int w = pick(rd, key, texts[i], nap_word_text, NAP_N_WORDS, "word of a report");

		if (w < 0)
			return w;
		*ret |= 1u << w;
	}
	return 1;
}

static int read_sources(const struct vd_read *rd, struct nap_check *c)
{
	const char *texts[NAP_N_SOURCES];
	unsigned int n, seen = 0;
	int r = nap_read_texts(rd, "source", N(texts), texts, &n);

	if (r < 0)
		return r;
	if (r == 0 || n == 0) {
		for (c->n_sources = 0; c->n_sources < NAP_N_SOURCES; c->n_sources++)
			c->sources[c->n_sources] = (uint8_t)c->n_sources;
		return 0;
	}
	for (c->n_sources = 0; c->n_sources < n; c->n_sources++) {
		int s = pick(rd, "source", texts[c->n_sources], nap_source_text, NAP_N_SOURCES,
			     "source");

		if (s < 0)
			return s;
		if (seen >> s & 1)
			return nap_read_bad(rd, "source", NULL, "source \"%s\" is named twice",
					    nap_source_text[s]);
		seen |= 1u << s;
		c->sources[c->n_sources] = (uint8_t)s;
	}
	return 1;
}

/* 1-4094. */
static int read_vlan(const struct vd_read *rd, uint16_t *io)
{
	uint32_t vid = *io;
	int r = vd_read_int(rd, "vlan", 1, 4094, VD_E_VALUE, &vid);

	*io = (uint16_t)vid;
	return r;
}

/* mode and until of @rd. */
static int read_mode(const struct vd_read *rd, enum nap_mode *mode, int64_t *until_s)
{
	unsigned int m = *mode;
	const char *s = NULL;
	int given = vd_read_choice(rd, "mode", nap_mode_text, NAP_N_MODES, &m);
	int r;

	if (given < 0)
		return given;
	*mode = (enum nap_mode)m;
	r = vd_read_text(rd, "until", &s);
	if (r < 0)
		return r;
	if (r && (!given || m != NAP_DEFERRED))
		return nap_read_bad(rd, "until", "add \"mode: deferred\"",
				    "\"until\" belongs to mode deferred");
	if (!r && given && m == NAP_DEFERRED)
		return vd_read_missing(rd, "until");
	if (r && nap_date_parse(s, until_s) < 0)
		return nap_read_bad(rd, "until", "write 2026-12-01 or 2026-12-01T08:00:00Z (UTC)",
				    "\"%.40s\" is not a date", s);
	return 0;
}

static int read_default(const struct vd_read *rd, struct nap_policy *p)
{
	unsigned int full = 0;
	int r = vd_read_keys(rd, default_keys, N(default_keys));

	if (r == 0)
		r = read_mode(rd, &p->mode, &p->until_s);
	if (r >= 0 && !json_object_get(rd->j, "mode"))
		r = vd_read_missing(rd, "mode");
	if (r >= 0) {
		r = vd_read_choice(rd, "unmatched", unmatched_text, N(unmatched_text), &full);
		if (r == 0)
			r = vd_read_missing(rd, "unmatched");
	}
	p->unmatched_full = full != 0;
	if (r >= 0)
		r = read_vlan(rd, &p->vlan);
	return r < 0 ? r : 0;
}

static int read_check(const struct vd_read *rd, struct nap_check *c)
{
	int r = vd_read_keys(rd, check_keys, N(check_keys));

	c->blocking = true;
	snprintf(c->fact, sizeof(c->fact), "%s", c->name);
	if (r == 0)
		r = vd_read_name(rd, "fact", c->fact, sizeof(c->fact));
	if (r >= 0)
		r = read_sources(rd, c);
	if (r >= 0)
		r = read_words(rd, "require", &c->require);
	if (r >= 0)
		r = read_words(rd, "not", &c->forbid);
	if (r >= 0 && c->require & c->forbid)
		return nap_read_bad(rd, "not", NULL, "the same word is required and forbidden");
	if (r >= 0)
		r = vd_read_int(rd, "max_count", 0, INT32_MAX, VD_E_VALUE, &c->max_count);
	if (r >= 0) {
		c->has_max_count = r > 0;
		r = nap_read_duration(rd, "max_age", 3650 * NAP_DAY_MS, &c->max_age_ms);
	}
	if (r >= 0)
		r = vd_read_bool(rd, "blocking", &c->blocking);
	if (r >= 0)
		r = nap_read_string(rd, "fix", c->fix, sizeof(c->fix));
	if (r >= 0 && !c->require && !c->forbid && !c->has_max_count && !c->max_age_ms)
		return vd_read_at(rd, NULL,
				  vd_err_set(rd->e, -EINVAL, VD_E_KEY_MISSING, rd->path,
					     "give require, not, max_count or max_age",
					     "the check asks for nothing"));
	return r < 0 ? r : 0;
}

static int read_checks(const struct vd_read *top, struct nap_policy *p)
{
	struct vd_read all, rd;
	const char *name;
	json_t *v;
	int r = vd_read_inner(top, "checks", &all);

	if (r <= 0)
		return r;
	if (json_object_size(all.j) > NAP_CHECKS_MAX)
		return nap_read_bad(top, "checks", NULL, "%zu checks (allowed: %u)",
				    json_object_size(all.j), NAP_CHECKS_MAX);
	p->checks = calloc(json_object_size(all.j) + 1, sizeof(*p->checks));
	if (!p->checks)
		return nap_read_no_memory(top);
	json_object_foreach (all.j, name, v) {
		struct nap_check *c = &p->checks[p->n_checks];

		r = vd_name_check(name, all.path, top->e);
		if (r < 0)
			return vd_read_at(&all, name, r);
		snprintf(c->name, sizeof(c->name), "%s", name);
		r = vd_read_inner(&all, name, &rd);
		if (r == 0)
			return vd_read_wrong_type(&all, name, v, "an object", NULL);
		if (r > 0)
			r = read_check(&rd, c);
		if (r < 0)
			return r;
		p->n_checks++;
	}
	return 0;
}

static int read_patterns(const struct vd_read *rd, const char *key, struct nap_patterns *ret)
{
	const char *texts[64];
	unsigned int n;
	int r = nap_read_texts(rd, key, N(texts), texts, &n);

	if (r <= 0)
		return r;
	if (n == 0)
		return nap_read_bad(rd, key, "leave the key out to match everything",
				    "\"%s\" is an empty list, which matches nothing", key);
	ret->v = calloc(n, sizeof(*ret->v));
	if (!ret->v)
		return nap_read_no_memory(rd);
	for (; ret->n < n; ret->n++) {
		if (!texts[ret->n][0] || strlen(texts[ret->n]) >= sizeof(*ret->v))
			return nap_read_bad(rd, key, NULL, "\"%.20s\" is no name or pattern",
					    texts[ret->n]);
		snprintf(ret->v[ret->n], sizeof(*ret->v), "%s", texts[ret->n]);
	}
	return 1;
}

static int read_match(const struct vd_read *rule, struct nap_rule *ru)
{
	struct vd_read rd;
	int r = vd_read_inner(rule, "match", &rd);

	if (r <= 0)
		return r;
	r = vd_read_keys(&rd, match_keys, N(match_keys));
	if (r == 0)
		r = read_patterns(&rd, "port", &ru->port);
	if (r >= 0)
		r = read_patterns(&rd, "switch", &ru->sw);
	if (r >= 0)
		r = read_patterns(&rd, "tag", &ru->tag);
	if (r >= 0)
		r = read_patterns(&rd, "os", &ru->os);
	return r < 0 ? r : 0;
}

static int read_rule_checks(const struct vd_read *rd, const struct nap_policy *p,
			    struct nap_rule *ru)
{
	const char *texts[NAP_CHECKS_MAX], *known[NAP_CHECKS_MAX];
	unsigned int n;
	int r = nap_read_texts(rd, "checks", N(texts), texts, &n);

	if (r < 0)
		return r;
	for (unsigned int i = 0; i < p->n_checks; i++)
		known[i] = p->checks[i].name;
	ru->checks = p->n_checks == 32 ? UINT32_MAX : (1u << p->n_checks) - 1;
	if (r == 0)
		return 0;
	ru->checks = 0;
	for (unsigned int i = 0; i < n; i++) {
		int c = pick(rd, "checks", texts[i], known, p->n_checks, "check of this policy");

		if (c < 0)
			return c;
		ru->checks |= 1u << c;
	}
	return 1;
}

int nap_read_group(const struct vd_read *rd, const char *key, const struct nap_policy *p,
		   uint16_t *ret)
{
	const char *known[NAP_GROUPS_MAX], *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	for (unsigned int i = 0; i < p->n_groups; i++)
		known[i] = p->groups[i].name;
	r = pick(rd, key, s, known, p->n_groups, "remediation group of this policy");
	if (r < 0)
		return r;
	*ret = (uint16_t)r;
	return 1;
}

static int read_times(const struct vd_read *rd, struct nap_rule *ru)
{
	int r = nap_read_duration(rd, "grace", 365 * NAP_DAY_MS, &ru->grace_ms);

	if (r >= 0)
		r = nap_read_duration(rd, "validity", NAP_VALIDITY_MAX, &ru->validity_ms);
	if (r > 0 && ru->validity_ms < 1000)
		return nap_read_bad(rd, "validity", NULL, "a validity is at least one second");
	if (r >= 0)
		r = nap_read_duration(rd, "dwell", NAP_DAY_MS, &ru->dwell_ms);
	return r;
}

/* What contradicts itself inside of one rule. */
static int check_rule(const struct vd_read *rd, const struct nap_rule *ru)
{
	static const char *const pointless[] = {"mode", "checks", "grace", "validity", "dwell"};

	if (!ru->exempt) {
		if (!ru->checks && ru->mode != NAP_OFF)
			return vd_read_at(rd, "checks",
					  vd_err_set(rd->e, -EINVAL, VD_E_VALUE, rd->path,
						     "name checks, or say \"exempt: true\" or "
						     "\"mode: off\"",
						     "the rule asks for no check, so nothing could "
						     "ever pass it"));
		return 0;
	}
	if (!ru->reason[0])
		return vd_read_missing(rd, "reason");
	for (size_t i = 0; i < N(pointless); i++)
		if (json_object_get(rd->j, pointless[i]))
			return nap_read_bad(rd, pointless[i], NULL,
					    "\"%s\" means nothing where \"exempt\" is true",
					    pointless[i]);
	return 0;
}

static int read_rule(const struct vd_read *rd, const struct nap_policy *p, unsigned int number,
		     struct nap_rule *ru)
{
	int r = vd_read_keys(rd, rule_keys, N(rule_keys));

	snprintf(ru->name, sizeof(ru->name), "rule-%u", number);
	ru->mode = p->mode;
	ru->until_s = p->until_s;
	ru->validity_ms = NAP_VALIDITY_MS;
	ru->group = p->default_group;
	ru->vlan = p->vlan;
	if (r == 0)
		r = vd_read_name(rd, "name", ru->name, sizeof(ru->name));
	if (r >= 0)
		r = read_match(rd, ru);
	if (r >= 0)
		r = read_mode(rd, &ru->mode, &ru->until_s);
	if (r >= 0)
		r = vd_read_bool(rd, "exempt", &ru->exempt);
	if (r >= 0)
		r = nap_read_string(rd, "reason", ru->reason, sizeof(ru->reason));
	if (r >= 0)
		r = read_rule_checks(rd, p, ru);
	if (r >= 0)
		r = read_times(rd, ru);
	if (r >= 0)
		r = nap_read_group(rd, "remediation", p, &ru->group);
	if (r >= 0)
		r = nap_read_string(rd, "url", ru->url, sizeof(ru->url));
	if (r >= 0)
		r = read_vlan(rd, &ru->vlan);
	return r < 0 ? r : check_rule(rd, ru);
}

static int read_rules(const struct vd_read *top, struct nap_policy *p)
{
	struct vd_read rd = *top;
	json_t *list, *j;
	size_t i;
	int r = vd_read_list(top, "rules", NAP_RULES_MAX, &list);

	if (r < 0)
		return r;
	p->rules = calloc(json_array_size(list) + 1, sizeof(*p->rules));
	if (!p->rules)
		return nap_read_no_memory(top);
	json_array_foreach (list, i, j) {
		char path[VD_PATH_SIZE];

		r = vd_read_object(&rd, j, top->doc, "rule", NULL, top->e);
		snprintf(path, sizeof(path), "%.100s%srule-%zu", top->path, top->path[0] ? "/" : "",
			 i + 1);
		snprintf(rd.path, sizeof(rd.path), "%s", path);
		p->n_rules++; /* what a failed rule holds is freed, too */
		if (r == 0)
			r = read_rule(&rd, p, (unsigned int)i + 1, &p->rules[i]);
		for (size_t k = 0; r == 0 && k < i; k++)
			if (!strcmp(p->rules[k].name, p->rules[i].name))
				r = nap_read_bad(&rd, "name", NULL, "two rules are called \"%s\"",
						 p->rules[i].name);
		if (r < 0)
			return vd_read_at_item(top, list, i, r);
	}
	return 0;
}

static int read_failures(const struct vd_read *top, struct nap_policy *p)
{
	struct vd_read rd;
	int r = vd_read_inner(top, "validator_errors", &rd);

	if (r <= 0)
		return r;
	r = vd_read_keys(&rd, nap_failure_text + 1, NAP_N_FAILURES - 1);
	for (unsigned int i = 1; r >= 0 && i < NAP_N_FAILURES; i++) {
		unsigned int passes = 0;

		r = vd_read_choice(&rd, nap_failure_text[i], failure_verdicts, 2, &passes);
		p->failure_passes[i] = passes != 0;
	}
	return r < 0 ? r : 0;
}

static int read_version(const struct vd_read *rd)
{
	json_t *v = json_object_get(rd->j, "version");

	if (!v)
		return vd_read_missing(rd, "version");
	if (!json_is_integer(v))
		return vd_read_wrong_type(rd, "version", v, "1", NULL);
	if (json_integer_value(v) != NAP_POLICY_VERSION)
		return nap_read_bad(rd, "version", "this program reads version 1",
				    "policy version %" JSON_INTEGER_FORMAT " is not known",
				    json_integer_value(v));
	return 0;
}

static int read_policy(const struct vd_read *rd, struct nap_policy *p)
{
	struct vd_read sub;
	int r = vd_read_keys(rd, policy_keys, N(policy_keys));

	if (r == 0)
		r = read_version(rd);
	if (r == 0) {
		r = vd_read_inner(rd, "default", &sub);
		r = r == 0 ? vd_read_missing(rd, "default") : r < 0 ? r : read_default(&sub, p);
	}
	if (r >= 0)
		r = read_checks(rd, p);
	if (r >= 0)
		r = read_failures(rd, p);
	if (r >= 0)
		r = nap_read_reach(rd, p);
	if (r >= 0)
		r = read_rules(rd, p);
	return r < 0 ? r : 0;
}

int nap_policy_from_json(json_t *j, const struct vd_doc *doc, struct nap_policy **ret,
			 struct vd_err *reterr)
{
	struct nap_policy *p = calloc(1, sizeof(*p));
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "quarantine", NULL, reterr);

	if (!p && r == 0)
		r = nap_read_no_memory(&rd);
	if (r == 0)
		r = read_policy(&rd, p);
	if (r < 0) {
		nap_policy_free(p);
		return r;
	}
	*ret = p;
	return 0;
}
