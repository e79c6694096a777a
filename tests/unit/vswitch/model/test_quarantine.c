/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health policy as part of the configuration document. */
#include "tests/unit/tap.h"

#include <string.h>

#include "vswitch/model/model.h"
#include "vswitch/model/quarantine.h"

static int load(const char *text, struct vsw_model *m, struct vd_err *e)
{
	struct vd_doc *d = NULL;
	int r;

	memset(m, 0, sizeof(*m));
	memset(e, 0, sizeof(*e));
	r = vd_doc_parse(text, strlen(text), "net.yaml", &d, e);
	if (r == 0)
		r = vsw_model_from_json(vd_doc_root(d), d, m, e);
	vd_doc_free(d);
	return r;
}

#define HEAD   "viridian: 1\nquarantine:\n  version: 1\n"
#define POLICY HEAD "  default: {mode: enforce, unmatched: restricted}\n"

static void round_trip(void)
{
	struct vsw_model m, copy, again;
	struct vd_err e;
	json_t *j, *diff;

	CU_ASSERT_EQUAL_FATAL(load(POLICY, &m, &e), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(m.quarantine);
	CU_ASSERT_EQUAL(m.quarantine->policy->mode, NAP_ENFORCE);
	CU_ASSERT_EQUAL_FATAL(vsw_model_copy(&m, &copy), 0);
	CU_ASSERT_PTR_EQUAL(copy.quarantine, m.quarantine);
	vsw_model_done(&m);
	j = vsw_model_to_json(&copy);
	CU_ASSERT_EQUAL_FATAL(vsw_model_from_json(j, NULL, &again, &e), 0);
	diff = vsw_model_diff(&copy, &again);
	CU_ASSERT_EQUAL(json_array_size(diff), 0);
	json_decref(diff);
	json_decref(j);
	vsw_model_done(&copy);
	vsw_model_done(&again);
}

static void differences(void)
{
	struct vsw_model none, a, b;
	struct vd_err e;
	json_t *diff, *d;

	CU_ASSERT_EQUAL_FATAL(load("viridian: 1\nquarantine:\n", &none, &e), 0);
	CU_ASSERT_PTR_NULL(none.quarantine);
	CU_ASSERT_EQUAL_FATAL(load(POLICY, &a, &e), 0);
	CU_ASSERT_EQUAL_FATAL(load(POLICY "  dns: 10.0.0.1\n", &b, &e), 0);
	diff = vsw_model_diff(&none, &a);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(diff, 0), "op")),
			       "add");
	json_decref(diff);
	diff = vsw_model_diff(&a, &none);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(diff, 0), "op")),
			       "remove");
	json_decref(diff);
	diff = vsw_model_diff(&a, &b);
	d = json_array_get(diff, 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(d, "op")), "change");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(d, "object")),
			       "quarantine/policy");
	CU_ASSERT_EQUAL(json_object_size(json_object_get(d, "to")), 1);
	json_decref(diff);
	vsw_model_done(&none);
	vsw_model_done(&a);
	vsw_model_done(&b);
}

static void positions(void)
{
	struct vsw_model m;
	struct vd_err e;

	CU_ASSERT_TRUE(load(HEAD "  default: {mode: enforce, unmatched: fulll}\n", &m, &e) < 0);
	CU_ASSERT_EQUAL(e.line, 4);
	CU_ASSERT_EQUAL(e.column, 39);
	CU_ASSERT_STRING_EQUAL(e.path, "quarantine/default/unmatched");
}

static const struct tap_case cases[] = {
	{"export and apply change nothing", round_trip},
	{"differences", differences},
	{"mistakes have their place", positions},
};

TAP_MAIN("vswitch/model/quarantine", cases)
