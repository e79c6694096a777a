/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON to report: see report.h. */
#include "nap-policy/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "nap-policy/policy_read.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *const report_keys[] = {"report", "os",      "os_version", "machine",
					  "port",   "counter", "nonce",      "checks"};
static const char *const fact_keys[] = {"is", "count", "age", "failure", "detail"};

void nap_text_clean(char *ret, size_t size, const char *text, size_t len)
{
	size_t n = 0;

	for (; n < len && n + 1 < size && text[n]; n++)
		ret[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	ret[n] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool nap_hex_parse(const char *text, uint8_t *ret, size_t size)
{
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		ret[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

const char *nap_hex_format(const uint8_t *bytes, size_t size, char *ret)
{
	for (size_t i = 0; i < size; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	ret[2 * size] = '\0';
	return ret;
}

struct nap_fact *nap_report_add(struct nap_report *r, const char *name, struct nap_time now)
{
	struct nap_fact *f;

	if (r->n_facts == NAP_FACTS_MAX)
		return NULL;
	f = &r->facts[r->n_facts++];
	memset(f, 0, sizeof(*f));
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->source = (uint8_t)r->source;
	f->received_ms = now.mono_ms;
	f->until_ms = NAP_NEVER;
	return f;
}

/* A text of a stranger, shown to people later: bounded and cleaned, never refused for its bytes. */
static int read_shown(const struct vd_read *rd, const char *key, char *ret, size_t size)
{
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r > 0)
		nap_text_clean(ret, size, s, strlen(s));
	return r;
}

/* Words that are not known say nothing: agents may be newer than the switch. */
static int read_is(const struct vd_read *rd, struct nap_fact *f)
{
	const char *texts[NAP_N_WORDS];
	unsigned int n;
	int r = nap_read_texts(rd, "is", N(texts), texts, &n);

	for (unsigned int i = 0; r > 0 && i < n; i++) {
		int w = nap_index_of(texts[i], nap_word_text, NAP_N_WORDS);

		if (w >= 0)
			f->words |= 1u << w;
	}
	return r;
}

static int read_age(const struct vd_read *rd, struct nap_fact *f)
{
	json_t *v = json_object_get(rd->j, "age");
	char number[32];
	const char *s = NULL;

	if (!v)
		return 0;
	if (json_is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		s = number;
	} else if (vd_read_text(rd, "age", &s) < 0) {
		return -EINVAL;
	}
	if (nap_duration_parse(s, &f->age_ms) < 0)
		return nap_read_bad(rd, "age", "write seconds, or 30m, 8h, 7d",
				    "\"%.40s\" is not a duration", s);
	f->has_age = true;
	return 1;
}

static int read_fact(const struct vd_read *rd, struct nap_fact *f)
{
	unsigned int failure = 0;
	int r = vd_read_keys(rd, fact_keys, N(fact_keys));

	if (r == 0)
		r = read_is(rd, f);
	if (r >= 0) {
		r = vd_read_int(rd, "count", 0, INT32_MAX, VD_E_VALUE, &f->count);
		f->has_count = r > 0;
	}
	if (r >= 0)
		r = read_age(rd, f);
	if (r >= 0)
		r = vd_read_choice(rd, "failure", nap_failure_text, NAP_N_FAILURES, &failure);
	f->failure = (uint8_t)failure;
	if (r >= 0)
		r = read_shown(rd, "detail", f->detail, sizeof(f->detail));
	return r < 0 ? r : 0;
}

static int read_facts(const struct vd_read *top, struct nap_time now, struct nap_report *ret)
{
	struct vd_read all, rd;
	const char *name;
	json_t *v;
	int r = vd_read_inner(top, "checks", &all);

	if (r <= 0)
		return r < 0 ? r : vd_read_missing(top, "checks");
	if (json_object_size(all.j) > NAP_FACTS_MAX)
		return nap_read_bad(top, "checks", NULL, "%zu checks in one report (allowed: %u)",
				    json_object_size(all.j), NAP_FACTS_MAX);
	json_object_foreach (all.j, name, v) {
		struct nap_fact *f;

		r = vd_name_check(name, all.path, top->e);
		if (r < 0)
			return vd_read_at(&all, name, r);
		f = nap_report_add(ret, name, now);
		r = vd_read_inner(&all, name, &rd);
		if (r == 0)
			return vd_read_wrong_type(&all, name, v, "an object", NULL);
		if (r > 0)
			r = read_fact(&rd, f);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Both or none. */
static int read_challenge(const struct vd_read *rd, struct nap_report *ret)
{
	json_t *counter = json_object_get(rd->j, "counter");
	const char *s = NULL;
	int r = vd_read_text(rd, "nonce", &s);

	if (r < 0 || (r == 0 && !counter))
		return r;
	if (r == 0 || !counter)
		return vd_read_missing(rd, counter ? "nonce" : "counter");
	if (!json_is_integer(counter) || json_integer_value(counter) < 0)
		return vd_read_wrong_type(rd, "counter", counter, "a whole number from 0", NULL);
	if (!nap_hex_parse(s, ret->nonce, sizeof(ret->nonce)))
		return nap_read_bad(rd, "nonce", NULL, "the nonce is not %u hexadecimal digits",
				    2 * NAP_NONCE_SIZE);
	ret->counter = (uint64_t)json_integer_value(counter);
	ret->has_nonce = true;
	return 1;
}

static int read_report(const struct vd_read *rd, struct nap_time now, struct nap_report *ret)
{
	json_t *version = json_object_get(rd->j, "report");
	int r = vd_read_keys(rd, report_keys, N(report_keys));

	if (r == 0 && !version)
		r = vd_read_missing(rd, "report");
	if (r == 0 &&
	    (!json_is_integer(version) || json_integer_value(version) != NAP_REPORT_VERSION))
		r = vd_read_wrong_type(rd, "report", version, "1", NULL);
	if (r == 0)
		r = read_shown(rd, "os", ret->os, sizeof(ret->os));
	if (r >= 0)
		r = read_shown(rd, "os_version", ret->os_version, sizeof(ret->os_version));
	if (r >= 0)
		r = read_shown(rd, "machine", ret->machine, sizeof(ret->machine));
	if (r >= 0)
		r = nap_read_string(rd, "port", ret->port, sizeof(ret->port));
	if (r >= 0)
		r = read_challenge(rd, ret);
	if (r >= 0)
		r = read_facts(rd, now, ret);
	return r < 0 ? r : 0;
}

int nap_report_from_json(json_t *j, const struct vd_doc *doc, enum nap_source source,
			 struct nap_time now, struct nap_report *ret, struct vd_err *reterr)
{
	struct nap_report *rp = calloc(1, sizeof(*rp));
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "report", NULL, reterr);

	if (!rp && r == 0)
		r = nap_read_no_memory(&rd);
	if (r == 0) {
		rp->source = source;
		r = read_report(&rd, now, rp);
	}
	if (r == 0)
		*ret = *rp;
	free(rp);
	return r;
}

int nap_report_parse(const char *text, size_t size, const char *file, enum nap_source source,
		     struct nap_time now, struct nap_report *ret, struct vd_err *reterr)
{
	struct vd_doc *doc = NULL;
	int r;

	if (size > NAP_REPORT_SIZE_MAX)
		return vd_err_set(reterr, -E2BIG, VD_E_TOO_LARGE, "report", NULL,
				  "the report has %zu bytes (allowed: %u)", size,
				  NAP_REPORT_SIZE_MAX);
	r = vd_doc_parse(text, size, file, &doc, reterr);
	if (r == 0)
		r = nap_report_from_json(vd_doc_root(doc), doc, source, now, ret, reterr);
	vd_doc_free(doc);
	return r;
}
