/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The error struct, its codes and its JSON form. */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	enum vd_kind kind;
	const char *doc;
} codes[VD_E_N] = {
#define VD_CODE(id, text, kind, doc) [VD_E_##id] = {text, VD_KIND_##kind, doc},
#include "base/errors.def"
#undef VD_CODE
};

static const char *const kinds[] = {
	[VD_KIND_INVALID] = "invalid",
	[VD_KIND_REFUSED] = "refused",
	[VD_KIND_NOT_FOUND] = "not-found",
	[VD_KIND_CONFLICT] = "conflict",
	[VD_KIND_PERMISSION] = "permission",
	[VD_KIND_UNREACHABLE] = "unreachable",
	[VD_KIND_TIMEOUT] = "timeout",
	[VD_KIND_REALITY] = "reality",
	[VD_KIND_RESOURCE] = "resource",
	[VD_KIND_SYSTEM] = "system",
	[VD_KIND_BUG] = "bug",
};

/* Bytes of the UTF-8 character at @s, 0 when it is none or is a control character. */
static size_t printable(const unsigned char *s)
{
	static const unsigned int smallest[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = s[0] < 0x80 ? 1 : (s[0] & 0xe0) == 0xc0 ? 2 : (s[0] & 0xf0) == 0xe0 ? 3 : 4;
	unsigned int c = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));

	if (n == 4 && (s[0] & 0xf8) != 0xf0)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c < smallest[n] || c > 0x10ffff ||
	    (c >= 0xd800 && c <= 0xdfff))
		return 0;
	return n;
}

/* Errors quote what strangers wrote, and cut it anywhere. What is no printable UTF-8 would be no
 * JSON either, and could speak to a terminal. */
static void clean(char *s)
{
	while (*s) {
		size_t n = printable((const unsigned char *)s);

		if (n == 0)
			*s = '?';
		s += n ? n : 1;
	}
}

int vd_err_set(struct vd_err *e, int errnum, enum vd_code code, const char *path, const char *hint,
	       const char *fmt, ...)
{
	va_list ap;

	if (!e || e->code != VD_E_OK)
		return errnum;
	e->code = code;
	e->errnum = errnum;
	snprintf(e->path, sizeof(e->path), "%s", path ? path : "");
	snprintf(e->hint, sizeof(e->hint), "%s", hint ? hint : "");
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	clean(e->path);
	clean(e->hint);
	clean(e->message);
	return errnum;
}

void vd_err_prefix(struct vd_err *e, const char *prefix)
{
	char old[sizeof(e->path)];

	if (!e || e->code == VD_E_OK)
		return;
	memcpy(old, e->path, sizeof(old));
	snprintf(e->path, sizeof(e->path), "%s%s%s", prefix, old[0] ? "/" : "", old);
	clean(e->path);
}

void vd_err_at(struct vd_err *e, const char *file, unsigned int line, unsigned int column)
{
	if (!e || e->code == VD_E_OK || e->line)
		return;
	if (file)
		snprintf(e->file, sizeof(e->file), "%s", file);
	clean(e->file);
	e->line = line;
	e->column = column;
}

const char *vd_code_text(enum vd_code code)
{
	return (unsigned int)code < VD_E_N ? codes[code].text : "internal";
}

enum vd_kind vd_code_kind(enum vd_code code)
{
	return (unsigned int)code < VD_E_N ? codes[code].kind : VD_KIND_BUG;
}

const char *vd_code_doc(enum vd_code code)
{
	return (unsigned int)code < VD_E_N ? codes[code].doc : "";
}

const char *vd_kind_text(enum vd_kind kind)
{
	return (size_t)kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[kind] : "bug";
}

enum vd_code vd_code_of(const char *text)
{
	for (unsigned int i = 0; text && i < VD_E_N; i++)
		if (!strcmp(codes[i].text, text))
			return (enum vd_code)i;
	return VD_E_BUG;
}

int vd_code_exit(enum vd_code code)
{
	if (code == VD_E_OK)
		return 0;
	if (code == VD_E_USAGE)
		return 2;
	switch (vd_code_kind(code)) {
	case VD_KIND_NOT_FOUND:
		return 3;
	case VD_KIND_CONFLICT:
		return 4;
	case VD_KIND_PERMISSION:
		return 5;
	case VD_KIND_UNREACHABLE:
		return 6;
	case VD_KIND_TIMEOUT:
		return 7;
	default:
		return 1;
	}
}

json_t *vd_err_to_json(const struct vd_err *e)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:s}", "code", vd_code_text(e->code), "kind",
			      vd_kind_text(vd_code_kind(e->code)), "path", e->path, "message",
			      e->message);

	if (!j)
		return NULL;
	if (e->hint[0])
		json_object_set_new(j, "hint", json_string(e->hint));
	if (e->file[0])
		json_object_set_new(j, "file", json_string(e->file));
	if (e->line) {
		json_object_set_new(j, "line", json_integer(e->line));
		json_object_set_new(j, "column", json_integer(e->column));
	}
	return j;
}

static void take_string(char *dst, size_t size, json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	snprintf(dst, size, "%s", s ? s : "");
	clean(dst);
}

void vd_err_from_json(struct vd_err *e, json_t *j)
{
	memset(e, 0, sizeof(*e));
	e->code = vd_code_of(json_string_value(json_object_get(j, "code")));
	e->errnum = -1;
	take_string(e->path, sizeof(e->path), j, "path");
	take_string(e->message, sizeof(e->message), j, "message");
	take_string(e->hint, sizeof(e->hint), j, "hint");
	take_string(e->file, sizeof(e->file), j, "file");
	e->line = (unsigned int)json_integer_value(json_object_get(j, "line"));
	e->column = (unsigned int)json_integer_value(json_object_get(j, "column"));
}
