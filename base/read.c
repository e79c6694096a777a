/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading objects of a document key by key: see read.h. */
#include "base/read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"

/* ---- saying errors ---- */

/* Attach where in the document @key stands, or the object where it has no such key. */
int vd_read_at(const struct vd_read *rd, const char *key, int r)
{
	vd_doc_locate(rd->doc, rd->j, key, (size_t)-1, rd->e);
	return r;
}

/* The same for item @i of @list, unless something inside of it was blamed already. */
int vd_read_at_item(const struct vd_read *rd, const json_t *list, size_t i, int r)
{
	vd_doc_locate(rd->doc, list, NULL, i, rd->e);
	return r;
}

const char *vd_read_path(const struct vd_read *rd, const char *key, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", rd->path, rd->path[0] ? "/" : "", key);
	return buf;
}

const char *vd_read_kind(const json_t *j)
{
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "a list";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a fraction";
	case JSON_NULL:
		return "nothing";
	default:
		return "true or false";
	}
}

int vd_read_wrong_type(const struct vd_read *rd, const char *key, const json_t *v, const char *want,
		       const char *hint)
{
	char path[VD_PATH_SIZE];

	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_TYPE,
				     vd_read_path(rd, key, path, sizeof(path)), hint,
				     "\"%s\" is %s (expected: %s)", key, vd_read_kind(v), want));
}

/* "a, b, c" of @words as far as it fits. */
static void join(char *buf, size_t size, const char *lead, const char *const *words, size_t n)
{
	size_t len = (size_t)snprintf(buf, size, "%s", lead);

	for (size_t i = 0; i < n && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "", words[i]);
}

int vd_read_keys(const struct vd_read *rd, const char *const *keys, size_t n)
{
	const char *key, *near;
	char path[VD_PATH_SIZE], hint[200];
	json_t *v;
	size_t i;

	json_object_foreach (rd->j, key, v) {
		for (i = 0; i < n && strcmp(keys[i], key); i++)
			;
		if (i < n)
			continue;
		near = vd_suggest(key, keys, n);
		if (near)
			snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
		else
			join(hint, sizeof(hint), "known here: ", keys, n);
		snprintf(path, sizeof(path), "%s", rd->path);
		return vd_read_at(rd, key,
				  vd_err_set(rd->e, -EINVAL, VD_E_KEY_UNKNOWN, path, hint,
					     "the key \"%.60s\" is not known here", key));
	}
	return 0;
}

int vd_read_missing(const struct vd_read *rd, const char *key)
{
	char hint[80];

	snprintf(hint, sizeof(hint), "add a line \"%s: ...\"", key);
	return vd_read_at(rd, NULL,
			  vd_err_set(rd->e, -EINVAL, VD_E_KEY_MISSING, rd->path, hint,
				     "the key \"%s\" is missing", key));
}

/* ---- reading values; each leaves *ret alone when the key is absent ---- */

/* 1 when there, 0 when absent, -EINVAL. A plain number where a text belongs is a likely slip. */
int vd_read_text(const struct vd_read *rd, const char *key, const char **ret)
{
	json_t *v = json_object_get(rd->j, key);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return vd_read_wrong_type(
			rd, key, v, "a text",
			json_is_number(v) || json_is_boolean(v) ? "put it in quotes" : NULL);
	*ret = json_string_value(v);
	return 1;
}

int vd_read_term(const struct vd_read *rd, const char *key, char number[24], const char **ret)
{
	json_t *v = json_object_get(rd->j, key);

	if (!json_is_integer(v))
		return vd_read_text(rd, key, ret);
	snprintf(number, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
	*ret = number;
	return 1;
}

int vd_read_int(const struct vd_read *rd, const char *key, unsigned int min, unsigned int max,
		enum vd_code code, uint32_t *ret)
{
	json_t *v = json_object_get(rd->j, key);
	char path[VD_PATH_SIZE], want[64];
	json_int_t n;

	if (!v)
		return 0;
	snprintf(want, sizeof(want), "a whole number %u-%u", min, max);
	if (!json_is_integer(v))
		return vd_read_wrong_type(rd, key, v, want, NULL);
	n = json_integer_value(v);
	if (n < (json_int_t)min || n > (json_int_t)max)
		return vd_read_at(rd, key,
				  vd_err_set(rd->e, -EINVAL, code,
					     vd_read_path(rd, key, path, sizeof(path)), NULL,
					     "%s %" JSON_INTEGER_FORMAT
					     " is out of range (allowed: %u-%u)",
					     key, n, min, max));
	*ret = (uint32_t)n;
	return 1;
}

int vd_read_choice(const struct vd_read *rd, const char *key, const char *const *words, size_t n,
		   unsigned int *ret)
{
	char path[VD_PATH_SIZE], hint[120];
	const char *s = NULL, *near;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(words[i], s)) {
			*ret = (unsigned int)i;
			return 1;
		}
	}
	near = vd_suggest(s, words, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	else
		join(hint, sizeof(hint), "use one of: ", words, n);
	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
				     vd_read_path(rd, key, path, sizeof(path)), hint,
				     "%s \"%.60s\" is not one of those allowed", key, s));
}

int vd_read_name(const struct vd_read *rd, const char *key, char *ret, size_t size)
{
	char path[VD_PATH_SIZE];
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	r = vd_name_check(s, vd_read_path(rd, key, path, sizeof(path)), rd->e);
	if (r < 0)
		return vd_read_at(rd, key, r);
	snprintf(ret, size, "%s", s);
	return 1;
}

static bool is_uuid(const char *s)
{
	for (unsigned int i = 0; i < VD_UUID_SIZE - 1; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !s[i] || !strchr("0123456789abcdefABCDEF", s[i]))
			return false;
	}
	return s[VD_UUID_SIZE - 1] == '\0';
}

int vd_read_uuid(const struct vd_read *rd, char ret[VD_UUID_SIZE])
{
	char path[VD_PATH_SIZE];
	const char *s = NULL;
	int r;

	if (json_is_null(json_object_get(rd->j, "uuid"))) {
		ret[0] = '\0';
		return 1;
	}
	r = vd_read_text(rd, "uuid", &s);
	if (r <= 0)
		return r;
	if (!is_uuid(s))
		return vd_read_at(rd, "uuid",
				  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
					     vd_read_path(rd, "uuid", path, sizeof(path)),
					     "leave it out to have one assigned",
					     "\"%.60s\" is not a UUID (8-4-4-4-12 hex digits)", s));
	for (unsigned int i = 0; i < VD_UUID_SIZE; i++)
		ret[i] = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] | 0x20) : s[i];
	return 1;
}

int vd_read_mac(const struct vd_read *rd, struct vd_mac *ret)
{
	char path[VD_PATH_SIZE];
	const char *s = NULL;
	struct vd_mac mac;
	int r = vd_read_text(rd, "mac", &s);

	if (r <= 0)
		return r;
	vd_read_path(rd, "mac", path, sizeof(path));
	if (vd_mac_parse(s, &mac) < 0)
		return vd_read_at(rd, "mac",
				  vd_err_set(rd->e, -EINVAL, VD_E_MAC, path,
					     "write six hex pairs, for example 52:54:00:12:34:56",
					     "\"%.60s\" is not a MAC address", s));
	if (!vd_mac_usable(&mac))
		return vd_read_at(
			rd, "mac",
			vd_err_set(rd->e, -EINVAL, VD_E_MAC, path,
				   "the first byte must be even and not all may be zero",
				   "%s is a group or zero address, which no adapter can own", s));
	*ret = mac;
	return 1;
}

int vd_read_bool(const struct vd_read *rd, const char *key, bool *ret)
{
	json_t *v = json_object_get(rd->j, key);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return vd_read_wrong_type(rd, key, v, "true or false", NULL);
	*ret = json_is_true(v);
	return 1;
}

int vd_read_inner(const struct vd_read *rd, const char *key, struct vd_read *ret)
{
	json_t *v = json_object_get(rd->j, key);

	if (!v || json_is_null(v))
		return 0;
	if (!json_is_object(v))
		return vd_read_wrong_type(rd, key, v, "an object", NULL);
	*ret = (struct vd_read){.j = v, .doc = rd->doc, .e = rd->e};
	vd_read_path(rd, key, ret->path, sizeof(ret->path));
	return 1;
}

int vd_read_item(const struct vd_read *rd, const char *key, json_t *item, struct vd_read *ret)
{
	*ret = (struct vd_read){.j = item, .doc = rd->doc, .e = rd->e};
	vd_read_path(rd, key, ret->path, sizeof(ret->path));
	if (json_is_object(item))
		return 0;
	return vd_read_at(ret, NULL,
			  vd_err_set(rd->e, -EINVAL, VD_E_TYPE, ret->path, NULL,
				     "an item of \"%s\" is %s (expected: an object)", key,
				     vd_read_kind(item)));
}

/* The array behind @key; null counts as empty: a list whose items are commented out. */
int vd_read_list(const struct vd_read *rd, const char *key, size_t max, json_t **ret)
{
	char path[VD_PATH_SIZE];
	json_t *v = json_object_get(rd->j, key);

	*ret = NULL;
	if (!v)
		return 0;
	if (json_is_null(v))
		return 1;
	if (!json_is_array(v))
		return vd_read_wrong_type(rd, key, v, "a list", "start each item with \"- \"");
	if (json_array_size(v) > max)
		return vd_read_at(rd, key,
				  vd_err_set(rd->e, -EINVAL, VD_E_LIMIT,
					     vd_read_path(rd, key, path, sizeof(path)),
					     "shorten the list; prefixes and address sets say much "
					     "in one item",
					     "\"%s\" has %zu items (allowed: %zu)", key,
					     json_array_size(v), max));
	*ret = v;
	return 1;
}

/* Start reading object @j of @kind, called by its name where it has one. */
int vd_read_object(struct vd_read *rd, json_t *j, const struct vd_doc *doc, const char *kind,
		   const char *known_as, struct vd_err *e)
{
	const char *name = json_string_value(json_object_get(j, "name"));

	rd->j = j;
	rd->doc = doc;
	rd->e = e;
	if (known_as && known_as[0])
		name = known_as;
	snprintf(rd->path, sizeof(rd->path), "%s%s%.130s", kind, name ? "/" : "", name ? name : "");
	if (!json_is_object(j))
		return vd_read_at(rd, NULL,
				  vd_err_set(e, -EINVAL, VD_E_TYPE, rd->path, NULL,
					     "a %s is %s (expected: an object)", kind,
					     vd_read_kind(j)));
	return 0;
}
