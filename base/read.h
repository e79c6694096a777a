/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the objects of a document (doc.h) key by key: every mistake becomes one error that names the
 * object, says what is expected, and points at file:line:column.
 *
 * The functions for values leave *ret alone when the key is absent and return 1 when it was there, 0
 * when it was not, -EINVAL with the error recorded. Texts are borrowed from the document.
 *
 * Thread-safety: one document, one thread. Proof: tests/unit/vswitch/model/test_document.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/doc.h"
#include "base/err.h"
#include "base/names.h"

#define VD_PATH_SIZE sizeof(((struct vd_err *)0)->path)
#define VD_UUID_SIZE 37

/** An object being read: what is needed to say where an error is. */
struct vd_read {
	json_t *j;
	const struct vd_doc *doc; /* NULL: no positions */
	char path[192];           /* of the object */
	struct vd_err *e;
};

/** Start reading object @j of @kind ("port"), called @known_as, or by its own name where it has one.
 *  Return: 0; -EINVAL when it is no object. */
int vd_read_object(struct vd_read *rd, json_t *j, const struct vd_doc *doc, const char *kind,
		   const char *known_as, struct vd_err *e);

/** Any key but these @n is an error, with a suggestion. */
int vd_read_keys(const struct vd_read *rd, const char *const *keys, size_t n);

int vd_read_text(const struct vd_read *rd, const char *key, const char **ret);
/** A text, or a whole number as its digits (in @number): "port: 443" and "port: 1-9" read alike. */
int vd_read_term(const struct vd_read *rd, const char *key, char number[24], const char **ret);
int vd_read_int(const struct vd_read *rd, const char *key, unsigned int min, unsigned int max,
		enum vd_code code, uint32_t *ret);
/** One of @words; *@ret its index. */
int vd_read_choice(const struct vd_read *rd, const char *key, const char *const *words, size_t n,
		   unsigned int *ret);
/** A name as vd_name_check() wants it. */
int vd_read_name(const struct vd_read *rd, const char *key, char *ret, size_t size);
/** The member "uuid"; null is accepted and means "none", so that a reader can blank out what export wrote. */
int vd_read_uuid(const struct vd_read *rd, char ret[VD_UUID_SIZE]);
/** The member "mac": an address that an adapter can own. */
int vd_read_mac(const struct vd_read *rd, struct vd_mac *ret);
int vd_read_bool(const struct vd_read *rd, const char *key, bool *ret);
/** The object behind @key as *@ret; null counts as absent. */
int vd_read_inner(const struct vd_read *rd, const char *key, struct vd_read *ret);
/** Start reading @item of the list behind @key. Return: 0; -EINVAL when it is no object. */
int vd_read_item(const struct vd_read *rd, const char *key, json_t *item, struct vd_read *ret);
/** The array behind @key; null counts as empty (*@ret NULL): a list whose items are commented out. */
int vd_read_list(const struct vd_read *rd, const char *key, size_t max, json_t **ret);

/** Record that a key is missing. Returns -EINVAL. */
int vd_read_missing(const struct vd_read *rd, const char *key);
/** @v has not the type @want. Returns -EINVAL. */
int vd_read_wrong_type(const struct vd_read *rd, const char *key, const json_t *v, const char *want,
		       const char *hint);

/** Attach where in the document @key stands, or the object where it has no such key (NULL: the
 *  object itself). Returns @r. */
int vd_read_at(const struct vd_read *rd, const char *key, int r);
/** The same for item @i of @list, unless something inside of it was blamed already. Returns @r. */
int vd_read_at_item(const struct vd_read *rd, const json_t *list, size_t i, int r);
/** "PATH/KEY" of the object. Returns @buf. */
const char *vd_read_path(const struct vd_read *rd, const char *key, char *buf, size_t size);
/** What @j is, in words: "a list". */
const char *vd_read_kind(const json_t *j);
