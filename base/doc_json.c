/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON (RFC 8259) with positions, for documents. jansson reads JSON well but tells where only its
 * syntax errors are, and YAML readers refuse the tabs and surrogate pairs that JSON allows. Structure
 * is read here, by recursion that the builder's depth limit bounds; what is inside of a string or
 * number is left to jansson.
 */
#include <errno.h>
#include <string.h>

#include "base/doc_build.h"

struct rd {
	struct vd_build *b;
	const char *p;
	const char *end;
	struct vd_mark at; /* of p */
};

static int read_value(struct rd *r);

static void step(struct rd *r)
{
	unsigned char c = (unsigned char)*r->p++;

	if (c == '\n') {
		r->at.line++;
		r->at.column = 1;
	} else if ((c & 0xc0) != 0x80) {
		/* the bytes after the first of a UTF-8 character take no column */
		r->at.column++;
	}
}

static void skip_blanks(struct rd *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
		step(r);
}

static int unexpected(const struct rd *r, const char *wanted)
{
	unsigned char c = r->p < r->end ? (unsigned char)*r->p : 0;

	if (r->p == r->end)
		return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, r->at, NULL,
				     "the text ends where %s should be", wanted);
	if (c > ' ' && c < 0x7f)
		return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, r->at, NULL,
				     "'%c' stands where %s should be", c, wanted);
	return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, r->at, NULL,
			     "a character that is not allowed stands where %s should be", wanted);
}

static int token(const struct rd *r, const char *from, struct vd_mark at, json_t **ret)
{
	json_error_t je;

	*ret = json_loadb(from, (size_t)(r->p - from), JSON_DECODE_ANY, &je);
	if (*ret)
		return 0;
	if (vd_doc_no_memory(&je))
		return vd_build_no_memory(r->b);
	return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, at, NULL, "%s", je.text);
}

static int read_string(struct rd *r, json_t **ret)
{
	struct vd_mark at = r->at;
	const char *from = r->p;

	step(r);
	while (r->p < r->end && *r->p != '"') {
		if (*r->p == '\n')
			return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, at,
					     "write \\n for a line break",
					     "a string does not end on its line");
		if (*r->p == '\\' && r->p + 1 < r->end)
			step(r);
		step(r);
	}
	if (r->p == r->end)
		return vd_build_fail(r->b, -EINVAL, VD_E_SYNTAX, at, NULL, "a string does not end");
	step(r);
	return token(r, from, at, ret);
}

static int read_members(struct rd *r)
{
	for (;;) {
		struct vd_mark at;
		json_t *key;
		int rc;

		skip_blanks(r);
		at = r->at;
		if (r->p == r->end || *r->p != '"')
			return unexpected(r, "a key in double quotes");
		rc = read_string(r, &key);
		if (rc == 0)
			rc = vd_build_key(r->b, key, at);
		if (rc < 0)
			return rc;
		skip_blanks(r);
		if (r->p == r->end || *r->p != ':')
			return unexpected(r, "':'");
		step(r);
		rc = read_value(r);
		if (rc < 0)
			return rc;
		skip_blanks(r);
		if (r->p == r->end || (*r->p != ',' && *r->p != '}'))
			return unexpected(r, "',' or '}'");
		if (*r->p == '}')
			return 0;
		step(r);
	}
}

static int read_elements(struct rd *r)
{
	for (;;) {
		int rc = read_value(r);

		if (rc < 0)
			return rc;
		skip_blanks(r);
		if (r->p == r->end || (*r->p != ',' && *r->p != ']'))
			return unexpected(r, "',' or ']'");
		if (*r->p == ']')
			return 0;
		step(r);
	}
}

static int read_container(struct rd *r)
{
	bool object = *r->p == '{';
	int rc = vd_build_open(r->b, object ? json_object() : json_array(), r->at);

	if (rc < 0)
		return rc;
	step(r);
	skip_blanks(r);
	if (r->p == r->end || *r->p != (object ? '}' : ']'))
		rc = object ? read_members(r) : read_elements(r);
	if (rc < 0)
		return rc;
	step(r); /* the closing bracket */
	vd_build_close(r->b);
	return 0;
}

/* A number, true, false or null. */
static int read_word(struct rd *r, json_t **ret)
{
	struct vd_mark at = r->at;
	const char *from = r->p;
	size_t len;

	while (r->p < r->end && *r->p && !strchr(" \t\r\n,:[]{}\"", *r->p))
		step(r);
	len = (size_t)(r->p - from);
	if (vd_doc_is_number(from, len) || (len == 4 && !memcmp(from, "true", 4)) ||
	    (len == 5 && !memcmp(from, "false", 5)) || (len == 4 && !memcmp(from, "null", 4)))
		return token(r, from, at, ret);
	r->p = from;
	r->at = at;
	return unexpected(r, "a value");
}

static int read_value(struct rd *r)
{
	struct vd_mark at;
	json_t *v = NULL;
	int rc;

	skip_blanks(r);
	if (r->p == r->end)
		return unexpected(r, "a value");
	if (*r->p == '{' || *r->p == '[')
		return read_container(r);
	at = r->at;
	rc = *r->p == '"' ? read_string(r, &v) : read_word(r, &v);
	return rc < 0 ? rc : vd_build_value(r->b, v, at);
}

int vd_doc_read_json(struct vd_build *b, const char *text, size_t size)
{
	struct rd r = {.b = b, .p = text, .end = text + size, .at = {1, 1}};
	int rc;

	if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		r.p += 3;
	rc = read_value(&r);
	if (rc < 0)
		return rc;
	skip_blanks(&r);
	return r.p == r.end ? 0 : unexpected(&r, "the end of the document");
}
