/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy and reports from text, for tests of nap-policy. */
#pragma once

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include "nap-policy/engine.h"

static inline int kit_policy(const char *text, struct nap_policy **ret, struct vd_err *e)
{
	struct vd_doc *d = NULL;
	int r;

	*ret = NULL;
	memset(e, 0, sizeof(*e));
	r = vd_doc_parse(text, strlen(text), "policy.yaml", &d, e);
	if (r == 0)
		r = nap_policy_from_json(vd_doc_root(d), d, ret, e);
	vd_doc_free(d);
	return r;
}

static inline struct nap_policy *kit_good_policy(const char *text)
{
	struct nap_policy *p;
	struct vd_err e;

	if (kit_policy(text, &p, &e) < 0)
		printf("# %u:%u %s (%s)\n", e.line, e.column, e.message, e.hint);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	return p;
}

static inline int kit_report(const char *text, enum nap_source source, struct nap_time now,
			     struct nap_report *ret, struct vd_err *e)
{
	memset(e, 0, sizeof(*e));
	return nap_report_parse(text, strlen(text), "report.json", source, now, ret, e);
}
