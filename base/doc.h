/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents written by people: YAML 1.2 or JSON read into one jansson tree, with the source
 * position of every value and key, so that any later check can answer with file:line:column.
 *
 * Rules: plain scalars are typed as in JSON (true/false/null, decimal integers, reals), everything
 * else is a string: "on", "no", 0123 and MAC-like sexagesimals are strings. Duplicate keys, anchors,
 * aliases, tags and several documents in one text are errors. A key without a value has null. A text
 * that starts with '{' or '[' is read as JSON first, then as YAML. Limits: VD_DOC_SIZE_MAX bytes,
 * VD_DOC_DEPTH_MAX levels.
 *
 * Thread-safety: one document, one thread. Proof: tests/unit/base/test_doc.c, tests/fuzz/fuzz_doc.c.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/err.h"

#define VD_DOC_SIZE_MAX  (16u << 20)
#define VD_DOC_DEPTH_MAX 32

struct vd_doc;

/**
 * Parse @text (@size bytes, need not be NUL terminated). @file names the source in errors; "-" for
 * standard input. An empty text gives the empty object.
 *
 * Return: 0 and *@ret (caller frees); -EINVAL with file:line:column recorded; -E2BIG; -ENOMEM.
 */
int vd_doc_parse(const char *text, size_t size, const char *file, struct vd_doc **ret,
		 struct vd_err *reterr);

/** Accepts NULL. */
void vd_doc_free(struct vd_doc *doc);

/** Borrowed. Valid as long as @doc; the tree must not be changed while positions are wanted. */
json_t *vd_doc_root(const struct vd_doc *doc);

/**
 * Attach the position of member @key of object @container (or, when @key is NULL, of element
 * @index of array @container) to the error recorded in @e. With both absent (@key NULL and @index
 * (size_t)-1) the position of @container itself. The position is that of the value; of the key,
 * when the error says that the key is unknown; of @container, when it has no such member. Nothing
 * happens when @doc is NULL or @container is not of this document.
 */
void vd_doc_locate(const struct vd_doc *doc, const json_t *container, const char *key, size_t index,
		   struct vd_err *e);
