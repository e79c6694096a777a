/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VLAN modes: text to data and back. */
#include "vswitch/model/vlan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/names.h"

static const char *const mode_text[] = {
	[VSW_VLAN_NONE] = "none",           [VSW_VLAN_ACCESS] = "access",
	[VSW_VLAN_TRUNK] = "trunk",         [VSW_VLAN_ISOLATED] = "isolated",
	[VSW_VLAN_COMMUNITY] = "community", [VSW_VLAN_PROMISCUOUS] = "promiscuous",
};

static const char *const mode_form[] = {
	[VSW_VLAN_NONE] = "write \"none\"",
	[VSW_VLAN_ACCESS] = "write access:VLAN, for example access:10",
	[VSW_VLAN_TRUNK] = "write trunk:LIST[,native=VLAN], for example trunk:10,20-29,native=5",
	[VSW_VLAN_ISOLATED] = "write isolated:PRIMARY,SECONDARY, for example isolated:100,201",
	[VSW_VLAN_COMMUNITY] = "write community:PRIMARY,SECONDARY, for example community:100,202",
	[VSW_VLAN_PROMISCUOUS] =
		"write promiscuous:PRIMARY,SECONDARIES, for example promiscuous:100,201-210",
};

#define N_MODES (sizeof(mode_text) / sizeof(mode_text[0]))

/* One item of the comma-separated list at *p; the cursor moves behind its comma. */
struct item {
	const char *s;
	size_t len;
};

/* What the helpers below need to say an error. */
struct ctx {
	const char *text;
	const char *path;
	enum vsw_vlan_mode mode;
	struct vd_err *e;
};

static bool next_item(const char **p, struct item *ret)
{
	const char *comma;

	if (!*p)
		return false;
	comma = strchr(*p, ',');
	ret->s = *p;
	ret->len = comma ? (size_t)(comma - *p) : strlen(*p);
	*p = comma ? comma + 1 : NULL;
	return true;
}

static int malformed(const struct ctx *c, const char *why)
{
	return vd_err_set(c->e, -EINVAL, VD_E_VLAN_MODE, c->path, mode_form[c->mode],
			  "the VLAN mode \"%.60s\" is malformed: %s", c->text, why);
}

/* A decimal number of at most @max. Digits only: no sign, no blanks. */
static int parse_vid(const struct ctx *c, const char *s, size_t len, unsigned int min,
		     uint16_t *ret)
{
	unsigned int v = 0;

	if (len == 0)
		return malformed(c, "a VLAN ID is missing");
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return malformed(c, "a VLAN ID is not a decimal number");
		if (v <= VSW_VID_MAX)
			v = v * 10 + (unsigned int)(s[i] - '0');
	}
	if (v < min || v > VSW_VID_MAX)
		return vd_err_set(c->e, -EINVAL, VD_E_VLAN_RANGE, c->path,
				  v == 0 ? "untagged traffic: \"none\", or \"native=0\" on a trunk"
					 : "to carry many VLANs use trunk:1-4094",
				  "VLAN %.*s is not usable (allowed: %u-%d)",
				  (int)(len > 12 ? 12 : len), s, min, VSW_VID_MAX);
	*ret = (uint16_t)v;
	return 0;
}

static int parse_range(const struct ctx *c, const struct item *it, struct vsw_vlan *v)
{
	const char *dash = memchr(it->s, '-', it->len);
	size_t first_len = dash ? (size_t)(dash - it->s) : it->len;
	uint16_t first, last;
	int r;

	r = parse_vid(c, it->s, first_len, VSW_VID_MIN, &first);
	if (r < 0)
		return r;
	last = first;
	if (dash) {
		r = parse_vid(c, dash + 1, it->len - first_len - 1, VSW_VID_MIN, &last);
		if (r < 0)
			return r;
	}
	if (last < first)
		return malformed(c, "a range runs backwards");
	for (unsigned int vid = first; vid <= last; vid++)
		vsw_vlan_add(v, (uint16_t)vid);
	return 0;
}

static bool list_empty(const struct vsw_vlan *v)
{
	for (size_t i = 0; i < 64; i++)
		if (v->list[i])
			return false;
	return true;
}

static int parse_trunk(const struct ctx *c, const char *p, struct vsw_vlan *v)
{
	bool native = false;
	struct item it;
	int r;

	v->vid = VSW_VID_NONE;
	while (next_item(&p, &it)) {
		if (it.len >= 7 && !memcmp(it.s, "native=", 7)) {
			if (native)
				return malformed(c, "\"native\" is given twice");
			native = true;
			r = parse_vid(c, it.s + 7, it.len - 7, 0, &v->vid);
		} else {
			r = parse_range(c, &it, v);
		}
		if (r < 0)
			return r;
	}
	return list_empty(v) ? malformed(c, "it lists no VLAN") : 0;
}

static int parse_private(const struct ctx *c, const char *p, struct vsw_vlan *v)
{
	struct item it;
	int r;

	next_item(&p, &it);
	r = parse_vid(c, it.s, it.len, VSW_VID_MIN, &v->vid);
	if (r < 0)
		return r;
	if (!p)
		return malformed(c, "the secondary VLAN is missing");
	if (c->mode == VSW_VLAN_PROMISCUOUS) {
		while (next_item(&p, &it)) {
			r = parse_range(c, &it, v);
			if (r < 0)
				return r;
		}
		return vsw_vlan_has(v, v->vid)
			       ? malformed(c, "the primary VLAN is among the secondaries")
			       : 0;
	}
	next_item(&p, &it);
	r = parse_vid(c, it.s, it.len, VSW_VID_MIN, &v->secondary);
	if (r < 0)
		return r;
	if (p)
		return malformed(c, "it has more than two VLANs");
	return v->secondary == v->vid ? malformed(c, "primary and secondary are the same VLAN") : 0;
}

/* The mode named before the colon. */
static int parse_mode(struct ctx *c, size_t len)
{
	char word[24], hint[96] = "use none, access, trunk, isolated, community or promiscuous, "
				  "for example access:10";
	const char *near;

	for (size_t i = 0; i < N_MODES; i++) {
		if (strlen(mode_text[i]) == len && !memcmp(mode_text[i], c->text, len)) {
			c->mode = (enum vsw_vlan_mode)i;
			return 0;
		}
	}
	snprintf(word, sizeof(word), "%.*s", (int)(len < 23 ? len : 23), c->text);
	near = vd_suggest(word, mode_text, N_MODES);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	else if (len && strspn(c->text, "0123456789") == len)
		snprintf(hint, sizeof(hint), "for one untagged VLAN write access:%.8s", c->text);
	return vd_err_set(c->e, -EINVAL, VD_E_VLAN_MODE, c->path, hint,
			  "\"%.60s\" is not a VLAN mode", c->text);
}

int vsw_vlan_parse(const char *text, const char *path, struct vsw_vlan *ret, struct vd_err *reterr)
{
	struct ctx c = {.text = text, .path = path, .e = reterr};
	const char *colon = strchr(text, ':');
	struct vsw_vlan v = {0};
	int r;

	r = parse_mode(&c, colon ? (size_t)(colon - text) : strlen(text));
	if (r < 0)
		return r;
	v.mode = c.mode;
	if (c.mode == VSW_VLAN_NONE && colon)
		return malformed(&c, "\"none\" takes nothing");
	if (c.mode != VSW_VLAN_NONE && !colon)
		return malformed(&c, "the VLAN is missing");
	switch (c.mode) {
	case VSW_VLAN_NONE:
		break;
	case VSW_VLAN_ACCESS:
		r = parse_vid(&c, colon + 1, strlen(colon + 1), VSW_VID_MIN, &v.vid);
		break;
	case VSW_VLAN_TRUNK:
		r = parse_trunk(&c, colon + 1, &v);
		break;
	default:
		r = parse_private(&c, colon + 1, &v);
		break;
	}
	if (r < 0)
		return r;
	*ret = v;
	return 0;
}

/* Text appended to a buffer that may be too small: what does not fit is cut off. */
struct out {
	char *buf;
	size_t size;
	size_t len;
};

static void put(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->len + 1 >= o->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->len, o->size - o->len, fmt, ap);
	va_end(ap);
	o->len += n < 0 ? 0 : (size_t)n;
	if (o->len >= o->size)
		o->len = o->size - 1;
}

static void put_list(struct out *o, const struct vsw_vlan *v, const char *separator)
{
	for (unsigned int vid = VSW_VID_MIN; vid <= VSW_VID_MAX; vid++) {
		unsigned int last = vid;

		if (!vsw_vlan_has(v, (uint16_t)vid))
			continue;
		while (last < VSW_VID_MAX && vsw_vlan_has(v, (uint16_t)(last + 1)))
			last++;
		put(o, "%s%u", separator, vid);
		if (last > vid)
			put(o, "-%u", last);
		separator = ",";
		vid = last;
	}
}

const char *vsw_vlan_format(const struct vsw_vlan *v, char *buf, size_t size)
{
	struct out o = {buf, size, 0};

	put(&o, "%s", mode_text[v->mode]);
	switch (v->mode) {
	case VSW_VLAN_NONE:
		break;
	case VSW_VLAN_ACCESS:
		put(&o, ":%u", v->vid);
		break;
	case VSW_VLAN_TRUNK:
		put_list(&o, v, ":");
		if (v->vid != VSW_VID_NONE)
			put(&o, ",native=%u", v->vid);
		break;
	case VSW_VLAN_ISOLATED:
	case VSW_VLAN_COMMUNITY:
		put(&o, ":%u,%u", v->vid, v->secondary);
		break;
	case VSW_VLAN_PROMISCUOUS:
		put(&o, ":%u", v->vid);
		put_list(&o, v, ",");
		break;
	}
	return buf;
}

bool vsw_vlan_equal(const struct vsw_vlan *a, const struct vsw_vlan *b)
{
	return a->mode == b->mode && a->vid == b->vid && a->secondary == b->secondary &&
	       !memcmp(a->list, b->list, sizeof(a->list));
}
