/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents from files and from config.apply. Beside not crashing: what jansson reads as JSON must be
 * read here as the same tree; a refusal says why and where; every position is inside of the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int depth_of(json_t *j)
{
	unsigned int deepest = 0, d;
	const char *key;
	json_t *v;
	size_t i;

	json_object_foreach (j, key, v)
		deepest = (d = depth_of(v)) > deepest ? d : deepest;
	json_array_foreach (j, i, v)
		deepest = (d = depth_of(v)) > deepest ? d : deepest;
	return deepest + (json_is_object(j) || json_is_array(j));
}

static void check_position(const struct vd_doc *doc, json_t *j, const char *key, size_t i,
			   size_t lines)
{
	struct vd_err e = {.code = key ? VD_E_KEY_UNKNOWN : VD_E_VALUE};

	vd_doc_locate(doc, j, key, i, &e);
	if (!e.line || !e.column || e.line > lines)
		abort();
}

static void check_positions(const struct vd_doc *doc, json_t *j, size_t lines)
{
	const char *key;
	json_t *v;
	size_t i;

	if (!json_is_object(j) && !json_is_array(j))
		return;
	check_position(doc, j, NULL, (size_t)-1, lines);
	json_object_foreach (j, key, v) {
		check_position(doc, j, key, (size_t)-1, lines);
		check_positions(doc, v, lines);
	}
	json_array_foreach (j, i, v) {
		check_position(doc, j, NULL, i, lines);
		check_positions(doc, v, lines);
	}
}

/* What another reader thinks of it; its recursion is bounded by the size of inputs. */
static void check_json(const char *text, size_t size, int r, const struct vd_doc *doc)
{
	json_t *j;

	if (memchr(text, '\0', size)) /* jansson 2.14 overlooks one behind a number */
		return;
	j = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (j && depth_of(j) <= VD_DOC_DEPTH_MAX && (r < 0 || !json_equal(j, vd_doc_root(doc))))
		abort();
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1);
	struct vd_doc *doc = NULL;
	struct vd_err e = {0};
	size_t lines = 2;
	int r;

	memcpy(text, data, size);
	for (size_t i = 0; i < size; i++)
		lines += text[i] == '\n' || text[i] == '\r' || (text[i] & 0x80);
	r = vd_doc_parse(text, size, "fuzz.yaml", &doc, &e);
	if (r < 0 && (doc || !e.code || !e.message[0] || !e.line || e.line > lines))
		abort();
	if (e.code == VD_E_NO_MEMORY) /* so it is said of what jansson fails to explain */
		abort();
	if (r == 0 && (!doc || e.code))
		abort();
	if (r == 0 && size < 4096)
		check_positions(doc, vd_doc_root(doc), lines);
	check_json(text, size, r, doc);
	vd_doc_free(doc);
	free(text);
	return 0;
}
