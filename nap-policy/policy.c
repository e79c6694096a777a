/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy's life and the match of its rules. Reading: policy_read.c. */
#include "nap-policy/policy.h"

#include <stdlib.h>
#include <string.h>

static void free_rule(struct nap_rule *r)
{
	free(r->port.v);
	free(r->sw.v);
	free(r->tag.v);
	free(r->os.v);
}

void nap_policy_free(struct nap_policy *p)
{
	if (!p)
		return;
	for (unsigned int i = 0; i < p->n_rules; i++)
		free_rule(&p->rules[i]);
	for (unsigned int i = 0; i < p->n_groups; i++)
		free(p->groups[i].targets);
	free(p->rules);
	free(p->groups);
	free(p->checks);
	free(p);
}

/* Linear in the text for each '*': no pattern makes it explode. */
bool nap_pattern_match(const char *pattern, const char *text)
{
	const char *star = NULL, *again = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			again = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++again;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

static bool one_of(const struct nap_patterns *ps, const char *text)
{
	if (!ps->n)
		return true;
	for (unsigned int i = 0; text && i < ps->n; i++)
		if (nap_pattern_match(ps->v[i], text))
			return true;
	return false;
}

static bool tags_match(const struct nap_patterns *ps, const struct nap_subject *s)
{
	if (!ps->n)
		return true;
	for (unsigned int i = 0; i < s->n_tags; i++)
		if (one_of(ps, s->tags[i]))
			return true;
	return false;
}

int nap_policy_match(const struct nap_policy *p, const struct nap_subject *s)
{
	for (unsigned int i = 0; i < p->n_rules; i++) {
		const struct nap_rule *r = &p->rules[i];

		if (one_of(&r->port, s->port) && one_of(&r->sw, s->sw) && tags_match(&r->tag, s) &&
		    one_of(&r->os, s->os))
			return (int)i;
	}
	return -1;
}
