/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document through all of the model: read, validate, write, read again. What was accepted once must
 * be accepted again and come out the same, also after UUIDs and MAC addresses were assigned.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

static void numbers(void *ctx, void *buf, size_t n)
{
	uint32_t *state = ctx;

	for (size_t i = 0; i < n; i++) {
		*state = *state * 1664525u + 1013904223u;
		((uint8_t *)buf)[i] = (uint8_t)(*state >> 24);
	}
}

static uint32_t hash(const uint8_t *data, size_t size)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * 16777619u;
	return h;
}

static void check_equal(const struct vsw_model *a, const struct vsw_model *b)
{
	json_t *ja = vsw_model_to_json(a), *jb = vsw_model_to_json(b), *diff = vsw_model_diff(a, b);

	must(ja && jb && diff);
	must(json_equal(ja, jb) && json_array_size(diff) == 0);
	json_decref(ja);
	json_decref(jb);
	json_decref(diff);
}

static void check_again(const struct vsw_model *m)
{
	json_t *j = vsw_model_to_json(m);
	struct vsw_model again = {0};
	struct vd_err e = {0};

	must(j && vsw_model_from_json(j, NULL, &again, &e) == 0);
	must(vsw_model_validate(&again, j, NULL, &e) == 0);
	check_equal(m, &again);
	vsw_model_done(&again);
	json_decref(j);
}

/* @state: of the numbers that stand for random ones; no input may know them, or it holds a UUID "by chance". */
static void check_accepted(const struct vsw_model *m, uint32_t state)
{
	struct vsw_model full = {0};
	json_t *diff;

	check_again(m);
	must(vsw_model_copy(m, &full) == 0);
	check_equal(m, &full);
	must(vsw_model_complete(&full, numbers, &state, NULL) == 0);
	must(vsw_model_validate(&full, NULL, NULL, NULL) == 0);
	check_again(&full);
	diff = vsw_model_diff(m, &full);
	must(json_array_size(diff) <= m->n_switches + m->n_ports);
	json_decref(diff);
	vsw_model_done(&full);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_model m = {0};
	struct vd_doc *doc = NULL;
	struct vd_err e = {0};
	json_t *root;
	int r;

	if (vd_doc_parse((const char *)data, size, "fuzz.yaml", &doc, NULL) < 0)
		return 0;
	root = vd_doc_root(doc);
	r = vsw_model_from_json(root, doc, &m, &e);
	if (r == 0)
		r = vsw_model_validate(&m, root, doc, &e);
	must(r == 0 ? !e.code : e.code && e.message[0] && e.line && e.column && r == e.errnum);
	if (r == 0)
		check_accepted(&m, hash(data, size));
	vsw_model_done(&m);
	vd_doc_free(doc);
	return 0;
}
