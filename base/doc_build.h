/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to base/doc*.c: one builder that makes the tree and remembers positions, fed by the JSON
 * reader (doc_json.c) or the YAML reader (doc_yaml.c). Functions return 0 or a negative errno with
 * the error recorded; after a failure only vd_build_done() may follow.
 */
#pragma once

#include "base/doc.h"

#define VD_DOC_NODES_MAX (2u << 20) /* values in one document: bounds what a small text can cost */

struct vd_mark {
	unsigned int line;   /* 1-based */
	unsigned int column; /* 1-based, in characters */
};

/* A value inside of container @in; the k-th entry with the same @in is the k-th member or element. */
struct vd_doc_entry {
	unsigned int in;
	struct vd_mark key;
	struct vd_mark value;
};

struct vd_doc_container {
	const json_t *j;
	struct vd_mark at;
};

struct vd_doc {
	json_t *root;
	char file[160];
	struct vd_doc_entry *entries;
	size_t n_entries, entries_size;
	struct vd_doc_container *containers;
	size_t n_containers, containers_size;
};

struct vd_build_level {
	json_t *j;
	unsigned int id;
	json_t *key; /* read, its value not yet; owned */
	struct vd_mark key_at;
};

struct vd_build {
	struct vd_doc *doc;
	struct vd_build_level stack[VD_DOC_DEPTH_MAX];
	unsigned int depth;
	struct vd_err *e;
	bool syntax; /* the failure is one of syntax: another reader may do better */
	struct vd_mark failed_at;
};

/** Record an error at @at. Returns @errnum. */
int vd_build_fail(struct vd_build *b, int errnum, enum vd_code code, struct vd_mark at,
		  const char *hint, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
int vd_build_no_memory(struct vd_build *b);

/** Add a scalar; steals @v (NULL: -ENOMEM). */
int vd_build_value(struct vd_build *b, json_t *v, struct vd_mark at);
/** Add an empty object or array (stolen; NULL: -ENOMEM) and step into it. */
int vd_build_open(struct vd_build *b, json_t *container, struct vd_mark at);
void vd_build_close(struct vd_build *b);
/** The key of the next value. @key: a JSON string, stolen (NULL: -ENOMEM). Duplicates fail. */
int vd_build_key(struct vd_build *b, json_t *key, struct vd_mark at);
/** Is the innermost container an object that waits for a key? */
bool vd_build_wants_key(const struct vd_build *b);
void vd_build_done(struct vd_build *b);

int vd_doc_read_json(struct vd_build *b, const char *text, size_t size);
int vd_doc_read_yaml(struct vd_build *b, const char *text, size_t size);

/** Did jansson fail for lack of memory? It has a code for that, and does not always use it. */
bool vd_doc_no_memory(const json_error_t *je);

/** A number as JSON writes it? */
bool vd_doc_is_number(const char *s, size_t len);
