/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Documents with positions. Positions are one flat list in the order of reading: cheap to write for
 * each value, and searched only once, when an error is to be located.
 */
#include "base/doc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc_build.h"

/* ---- building ---- */

int vd_build_fail(struct vd_build *b, int errnum, enum vd_code code, struct vd_mark at,
		  const char *hint, const char *fmt, ...)
{
	char message[sizeof(b->e->message)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	b->syntax = code == VD_E_SYNTAX;
	b->failed_at = at;
	vd_err_set(b->e, errnum, code, NULL, hint, "%s", message);
	vd_err_at(b->e, b->doc->file, at.line, at.column);
	return errnum;
}

int vd_build_no_memory(struct vd_build *b)
{
	return vd_err_set(b->e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* Room for one more in a growing array. */
static bool grow(void *array, size_t n, size_t *size, size_t element)
{
	void **a = array, *p;
	size_t want = *size ? *size * 2 : 64;

	if (n < *size)
		return true;
	p = realloc(*a, want * element);
	if (!p)
		return false;
	*a = p;
	*size = want;
	return true;
}

bool vd_build_wants_key(const struct vd_build *b)
{
	return b->depth && json_is_object(b->stack[b->depth - 1].j) && !b->stack[b->depth - 1].key;
}

int vd_build_key(struct vd_build *b, json_t *key, struct vd_mark at)
{
	struct vd_build_level *top = &b->stack[b->depth - 1];

	if (!key)
		return vd_build_no_memory(b);
	if (json_object_get(top->j, json_string_value(key))) {
		char name[64];
		int r;

		snprintf(name, sizeof(name), "%s", json_string_value(key));
		json_decref(key);
		r = vd_build_fail(b, -EINVAL, VD_E_SYNTAX, at, "remove one of the two",
				  "the key \"%s\" is given twice", name);
		b->syntax = false; /* well-formed, and wrong to any reader */
		return r;
	}
	top->key = key;
	top->key_at = at;
	return 0;
}

int vd_build_value(struct vd_build *b, json_t *v, struct vd_mark at)
{
	struct vd_build_level *top = b->depth ? &b->stack[b->depth - 1] : NULL;
	struct vd_doc *d = b->doc;
	int r;

	if (!v)
		return vd_build_no_memory(b);
	if (!top) {
		d->root = v;
		return 0;
	}
	if (d->n_entries == VD_DOC_NODES_MAX) {
		json_decref(v);
		return vd_build_fail(b, -E2BIG, VD_E_TOO_LARGE, at, NULL,
				     "the document has too many values (allowed: %u)",
				     VD_DOC_NODES_MAX);
	}
	if (!grow(&d->entries, d->n_entries, &d->entries_size, sizeof(*d->entries))) {
		json_decref(v);
		return vd_build_no_memory(b);
	}
	d->entries[d->n_entries++] = (struct vd_doc_entry){top->id, top->key_at, at};
	if (top->key)
		r = json_object_set_new(top->j, json_string_value(top->key), v);
	else
		r = json_array_append_new(top->j, v);
	json_decref(top->key);
	top->key = NULL;
	return r < 0 ? vd_build_no_memory(b) : 0;
}

int vd_build_open(struct vd_build *b, json_t *container, struct vd_mark at)
{
	struct vd_doc *d = b->doc;
	int r;

	if (b->depth == VD_DOC_DEPTH_MAX) {
		json_decref(container);
		return vd_build_fail(b, -E2BIG, VD_E_TOO_LARGE, at, NULL,
				     "the document is nested deeper than %d levels",
				     VD_DOC_DEPTH_MAX);
	}
	r = vd_build_value(b, container, at);
	if (r < 0)
		return r;
	if (!grow(&d->containers, d->n_containers, &d->containers_size, sizeof(*d->containers)))
		return vd_build_no_memory(b);
	b->stack[b->depth++] =
		(struct vd_build_level){.j = container, .id = (unsigned int)d->n_containers};
	d->containers[d->n_containers++] = (struct vd_doc_container){container, at};
	return 0;
}

void vd_build_close(struct vd_build *b)
{
	b->depth--;
}

void vd_build_done(struct vd_build *b)
{
	while (b->depth)
		json_decref(b->stack[--b->depth].key);
}

bool vd_doc_no_memory(const json_error_t *je)
{
	return je->text[0] == '\0' || json_error_code(je) == json_error_out_of_memory;
}

bool vd_doc_is_number(const char *s, size_t len)
{
	const char *end = s + len;

	s += s < end && *s == '-';
	if (s == end || *s < '0' || *s > '9')
		return false;
	if (*s == '0')
		s++;
	else
		while (s < end && *s >= '0' && *s <= '9')
			s++;
	if (s < end && *s == '.') {
		s++;
		if (s == end || *s < '0' || *s > '9')
			return false;
		while (s < end && *s >= '0' && *s <= '9')
			s++;
	}
	if (s < end && (*s == 'e' || *s == 'E')) {
		s++;
		s += s < end && (*s == '+' || *s == '-');
		if (s == end || *s < '0' || *s > '9')
			return false;
		while (s < end && *s >= '0' && *s <= '9')
			s++;
	}
	return s == end;
}

/* ---- the document ---- */

static int doc_new(const char *file, struct vd_doc **ret)
{
	struct vd_doc *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	snprintf(d->file, sizeof(d->file), "%s", file ? file : "-");
	*ret = d;
	return 0;
}

/* Read with one reader. On failure *@doc is NULL, *@at says how far it came. */
static int read_with(int (*reader)(struct vd_build *, const char *, size_t), const char *text,
		     size_t size, const char *file, struct vd_doc **doc, struct vd_err *e,
		     struct vd_mark *at, bool *syntax)
{
	struct vd_build b = {.e = e};
	int r = doc_new(file, &b.doc);

	if (r < 0)
		return vd_err_set(e, r, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	r = reader(&b, text, size);
	vd_build_done(&b);
	if (r == 0 && !b.doc->root) {
		b.doc->root = json_object(); /* an empty text */
		if (!b.doc->root)
			r = vd_build_no_memory(&b);
	}
	if (r < 0) {
		vd_doc_free(b.doc);
		b.doc = NULL;
	}
	*doc = b.doc;
	*at = b.failed_at;
	*syntax = b.syntax;
	return r;
}

static bool looks_like_json(const char *text, size_t size)
{
	size_t i = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;

	while (i < size && strchr(" \t\r\n", text[i]) && text[i])
		i++;
	return i < size && (text[i] == '{' || text[i] == '[');
}

static bool farther(struct vd_mark a, struct vd_mark b)
{
	return a.line > b.line || (a.line == b.line && a.column > b.column);
}

int vd_doc_parse(const char *text, size_t size, const char *file, struct vd_doc **ret,
		 struct vd_err *reterr)
{
	struct vd_err ej = {0}, ey = {0};
	struct vd_mark aj = {0}, ay = {0};
	bool syntax = true;
	int r = -EINVAL;

	*ret = NULL;
	if (size > VD_DOC_SIZE_MAX)
		return vd_err_set(reterr, -E2BIG, VD_E_TOO_LARGE, NULL, NULL,
				  "the document %s has %zu bytes (allowed: %u)", file ? file : "-",
				  size, VD_DOC_SIZE_MAX);
	if (looks_like_json(text, size)) {
		r = read_with(vd_doc_read_json, text, size, file, ret, &ej, &aj, &syntax);
		if (r == 0)
			return 0;
	}
	/* "{a: 1}" is YAML, too. Of two failures the one that came farther, or is not a matter of
	 * syntax, speaks of what was meant. */
	if (syntax) {
		int ry = read_with(vd_doc_read_yaml, text, size, file, ret, &ey, &ay, &syntax);

		if (ry == 0)
			return 0;
		if (!ej.code || !syntax || farther(ay, aj)) {
			ej = ey;
			r = ry;
		}
	}
	if (reterr && reterr->code == VD_E_OK)
		*reterr = ej;
	return r;
}

void vd_doc_free(struct vd_doc *doc)
{
	if (!doc)
		return;
	json_decref(doc->root);
	free(doc->entries);
	free(doc->containers);
	free(doc);
}

json_t *vd_doc_root(const struct vd_doc *doc)
{
	return doc->root;
}

/* Place of member @key among the members of @object, in reading order. */
static size_t place_of(const json_t *object, const char *key)
{
	const char *k;
	json_t *v;
	size_t n = 0;

	json_object_foreach ((json_t *)object, k, v) {
		if (!strcmp(k, key))
			return n;
		n++;
	}
	return (size_t)-1;
}

void vd_doc_locate(const struct vd_doc *doc, const json_t *container, const char *key, size_t index,
		   struct vd_err *e)
{
	struct vd_mark at;
	unsigned int id = 0;
	size_t place = key ? place_of(container, key) : index;

	if (!doc || !e)
		return;
	while (id < doc->n_containers && doc->containers[id].j != container)
		id++;
	if (id == doc->n_containers) {
		if (container == doc->root) /* a document that is one scalar */
			vd_err_at(e, doc->file, 1, 1);
		return;
	}
	at = doc->containers[id].at;
	for (size_t i = 0; place != (size_t)-1 && i < doc->n_entries; i++) {
		if (doc->entries[i].in != id)
			continue;
		if (place-- == 0) {
			at = e->code == VD_E_KEY_UNKNOWN && key ? doc->entries[i].key
								: doc->entries[i].value;
			break;
		}
	}
	vd_err_at(e, doc->file, at.line, at.column);
}
