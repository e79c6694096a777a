/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RADIUS attributes: see radius.h. */
#include "nap-policy/radius.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nap-policy/bytes.h"

enum attr {
	USER_NAME = 1,
	NAS_IP = 4,
	SERVICE_TYPE = 6,
	FILTER_ID = 11,
	REPLY_MESSAGE = 18,
	STATE = 24,
	CLASS = 25,
	VENDOR = 26,
	SESSION_TIMEOUT = 27,
	IDLE_TIMEOUT = 28,
	TERMINATION = 29,
	CALLING_STATION = 31,
	NAS_IDENTIFIER = 32,
	SESSION_ID = 44,
	EVENT_TIMESTAMP = 55,
	NAS_PORT_TYPE = 61,
	TUNNEL_TYPE = 64,
	TUNNEL_MEDIUM = 65,
	EAP_MESSAGE = 79,
	AUTHENTICATOR = 80,
	TUNNEL_GROUP = 81,
	NAS_PORT_ID = 87,
	FILTER_RULE = 92,
};

enum ms_attr {
	MS_IDENTITY_TYPE = 41,
	MS_STATE = 45,
	MS_GRACE = 46,
	MS_IPV4 = 52,
	MS_IPV6 = 53,
	MS_NOT_CAPABLE = 54,
	MS_SOH = 55,
	MS_EXTENDED = 57,
};

#define MS_VENDOR          311u
#define VENDOR_VALUE_MAX   247u
#define SERVICE_CALL_CHECK 10u
#define PORT_VIRTUAL       5u

/* The tunnel attributes of an answer, by tag. */
struct tunnel {
	uint8_t tag[3]; /* of type, medium, group */
	bool has[3];
	uint32_t type, medium;
	char group[16];
};

static bool next(struct nap_rd *r, uint8_t *type, struct nap_rd *v)
{
	uint64_t n;

	*type = (uint8_t)nap_rd_num(r, 1);
	n = nap_rd_num(r, 1);
	if (n < 2)
		r->broken = true;
	*v = nap_rd_sub(r, n - 2);
	return !r->broken;
}

static void copy_text(struct nap_rd v, char *ret, size_t size)
{
	nap_text_clean(ret, size, (const char *)v.p, v.left);
}

/* A 32-bit value, the whole of @v. */
static bool u32(struct nap_rd v, uint32_t *ret)
{
	if (v.left != 4)
		return false;
	*ret = (uint32_t)nap_rd_num(&v, 4);
	return true;
}

static void problem(struct nap_radius_answer *a, const char *text)
{
	if (!a->problem)
		a->problem = text;
}

static bool servers(struct nap_rd v, unsigned int size, uint8_t *ret, uint8_t *n, unsigned int max)
{
	if (v.left % size != 1 || nap_rd_num(&v, 1) != 0 || v.left / size > max)
		return false;
	*n = (uint8_t)(v.left / size);
	if (v.left)
		memcpy(ret, v.p, v.left);
	return true;
}

static void ms_attr(struct nap_radius_answer *a, uint8_t type, struct nap_rd v)
{
	uint32_t n = 0;

	switch (type) {
	case MS_STATE:
		if (!u32(v, &n) || n > NAP_RADIUS_PROBATION ||
		    (a->state >= 0 && a->state != (int)n))
			problem(a, "a quarantine state that does not exist, or two");
		else
			a->state = (int)n;
		break;
	case MS_GRACE:
		if (!u32(v, &a->grace_s))
			problem(a, "a grace time that is not four bytes");
		break;
	case MS_IPV4:
		if (!servers(v, 4, a->ipv4[0], &a->n_ipv4, 16))
			problem(a, "remediation servers (IPv4) of a wrong size");
		break;
	case MS_IPV6:
		if (!servers(v, 16, a->ipv6[0], &a->n_ipv6, 8))
			problem(a, "remediation servers (IPv6) of a wrong size");
		break;
	case MS_SOH:
		if (v.left <= sizeof(a->sohr) - a->sohr_size) {
			memcpy(a->sohr + a->sohr_size, v.p, v.left);
			a->sohr_size = (uint16_t)(a->sohr_size + v.left);
		}
		break;
	case MS_EXTENDED:
		if (!u32(v, &a->extended))
			problem(a, "an extended state that is not four bytes");
		break;
	case MS_NOT_CAPABLE:
		break;
	default:
		/* keys and messages of authentication protocols: 1 to 35 of RFC 2548 */
		if (type > 35)
			problem(a, "a Microsoft attribute that is not known");
	}
}

static bool vendor(struct nap_radius_answer *a, struct nap_rd v)
{
	uint8_t type;
	struct nap_rd inner;

	if (v.left < 4)
		return false;
	if (nap_rd_num(&v, 4) != MS_VENDOR) {
		problem(a, "an attribute of an unknown vendor");
		return true;
	}
	while (v.left) {
		if (!next(&v, &type, &inner))
			return false;
		ms_attr(a, type, inner);
	}
	return true;
}

/* A byte up to 0x1f in front is a tag; in a number it is there always. */
static void tunnel(struct tunnel *t, uint8_t type, struct nap_rd v, struct nap_radius_answer *a)
{
	unsigned int which = type == TUNNEL_TYPE ? 0 : type == TUNNEL_MEDIUM ? 1 : 2;

	if (t->has[which])
		problem(a, "two tunnels");
	t->has[which] = true;
	if (which < 2) {
		t->tag[which] = (uint8_t)nap_rd_num(&v, 1);
		*(which ? &t->medium : &t->type) = (uint32_t)nap_rd_num(&v, 3);
		if (v.broken || v.left)
			problem(a, "a tunnel attribute that is not four bytes");
		return;
	}
	if (v.left && v.p[0] <= 0x1f)
		t->tag[which] = (uint8_t)nap_rd_num(&v, 1);
	if (v.left >= sizeof(t->group))
		problem(a, "a VLAN that is no number");
	else
		copy_text(v, t->group, sizeof(t->group));
}

static void vlan_of(const struct tunnel *t, struct nap_radius_answer *a)
{
	unsigned int vid;
	char end;

	if (!t->has[0] && !t->has[1] && !t->has[2])
		return;
	if (!t->has[0] || !t->has[1] || !t->has[2] || t->tag[0] != t->tag[1] ||
	    (t->tag[2] && t->tag[2] != t->tag[0]) || t->type != 13 || t->medium != 6)
		problem(a, "a tunnel that is not a whole VLAN");
	else if (strspn(t->group, "0123456789") != strlen(t->group) ||
		 sscanf(t->group, "%u%c", &vid, &end) != 1 || vid < 1 || vid > 4094)
		problem(a, "a VLAN that is not within 1-4094");
	else
		a->vlan = (uint16_t)vid;
}

/* Attributes are joined as they come; a NUL ends a rule. */
static void add_rule(struct nap_radius_answer *a, struct nap_rd v)
{
	size_t len = strlen(a->rules);

	if (v.left >= sizeof(a->rules) - len) {
		problem(a, "more filter rules than fit");
		return;
	}
	for (size_t i = 0; i < v.left; i++) {
		uint8_t c = v.p[i];

		a->rules[len + i] = (char)(c == 0 ? '\n' : c >= 0x20 && c < 0x7f ? c : '?');
	}
	a->rules[len + v.left] = '\0';
}

static bool plain(struct nap_radius_answer *a, struct tunnel *t, uint8_t type, struct nap_rd v)
{
	switch (type) {
	case VENDOR:
		return vendor(a, v);
	case SESSION_TIMEOUT:
		return u32(v, &a->timeout_s);
	case FILTER_ID:
		if (a->filter[0])
			problem(a, "two filters");
		copy_text(v, a->filter, sizeof(a->filter));
		break;
	case FILTER_RULE:
		add_rule(a, v);
		break;
	case TUNNEL_TYPE:
	case TUNNEL_MEDIUM:
	case TUNNEL_GROUP:
		tunnel(t, type, v, a);
		break;
	case AUTHENTICATOR:
		if (v.left != 16 || a->authenticated)
			return false;
		a->authenticated = true;
		break;
	case USER_NAME:
	case SERVICE_TYPE:
	case REPLY_MESSAGE:
	case STATE:
	case CLASS:
	case IDLE_TIMEOUT:
	case TERMINATION:
	case EAP_MESSAGE:
		break;
	default:
		problem(a, "an attribute that is not known");
	}
	return true;
}

int nap_radius_parse(const uint8_t *attrs, size_t size, struct nap_radius_answer *ret)
{
	struct nap_rd r = {.p = attrs, .left = size}, v;
	struct tunnel t = {0};
	uint8_t type;

	memset(ret, 0, sizeof(*ret));
	ret->state = -1;
	if (size > NAP_RADIUS_SIZE_MAX)
		return -EBADMSG;
	while (r.left)
		if (!next(&r, &type, &v) || !plain(ret, &t, type, v))
			return -EBADMSG;
	vlan_of(&t, ret);
	return 0;
}

void nap_radius_facts(const struct nap_radius_answer *a, struct nap_time now,
		      struct nap_report *ret)
{
	struct nap_fact *f;

	memset(ret, 0, sizeof(*ret));
	ret->source = NAP_RADIUS;
	f = nap_report_add(ret, "radius", now);
	if (a->problem) {
		snprintf(f->detail, sizeof(f->detail), "%s", a->problem);
		return;
	}
	if (a->state == NAP_RADIUS_QUARANTINE) {
		snprintf(f->detail, sizeof(f->detail), "the policy server restricts");
		return;
	}
	if (a->filter[0] || a->rules[0]) {
		snprintf(f->detail, sizeof(f->detail), "the policy server filters");
		return;
	}
	if (a->state == NAP_RADIUS_PROBATION) {
		int64_t left_s = (int64_t)a->grace_s - now.wall_s;

		if (left_s <= 0) {
			snprintf(f->detail, sizeof(f->detail), "its grace is over");
			return;
		}
		f->until_ms = now.mono_ms + (uint64_t)left_s * 1000;
	}
	f->words = NAP_BIT(COMPLIANT);
	snprintf(f->detail, sizeof(f->detail), "the policy server accepts");
}

static void attr(struct nap_wr *w, uint8_t type, const void *v, size_t n)
{
	if (n > 253) {
		w->full = true;
		return;
	}
	nap_wr_num(w, type, 1);
	nap_wr_num(w, n + 2, 1);
	nap_wr_bytes(w, v, n);
}

static void attr_text(struct nap_wr *w, uint8_t type, const char *s)
{
	if (s && s[0])
		attr(w, type, s, strlen(s));
}

static void attr_num(struct nap_wr *w, uint8_t type, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	attr(w, type, b, sizeof(b));
}

static void ms(struct nap_wr *w, uint8_t type, const void *v, size_t n)
{
	nap_wr_num(w, VENDOR, 1);
	nap_wr_num(w, n + 8, 1);
	nap_wr_num(w, MS_VENDOR, 4);
	attr(w, type, v, n);
}

size_t nap_radius_build(const struct nap_radius_question *q, uint8_t *buf, size_t size)
{
	static const uint8_t health_check[4] = {0, 0, 0, 1};
	struct nap_wr w = {.buf = buf, .size = size};

	attr_text(&w, USER_NAME, q->user);
	attr_num(&w, SERVICE_TYPE, SERVICE_CALL_CHECK);
	attr_num(&w, NAS_PORT_TYPE, PORT_VIRTUAL);
	attr_text(&w, NAS_IDENTIFIER, q->nas);
	attr_text(&w, NAS_PORT_ID, q->port);
	attr_text(&w, CALLING_STATION, q->mac);
	attr_text(&w, SESSION_ID, q->session);
	ms(&w, MS_IDENTITY_TYPE, health_check, sizeof(health_check));
	for (size_t at = 0; at < q->soh_size; at += VENDOR_VALUE_MAX) {
		size_t left = q->soh_size - at;

		ms(&w, MS_SOH, q->soh + at, left < VENDOR_VALUE_MAX ? left : VENDOR_VALUE_MAX);
	}
	return w.full ? 0 : w.at;
}

/* ---- change of authorization ---- */

static void coa_vendor(struct nap_coa *c, struct nap_rd v)
{
	uint32_t n;
	uint8_t type;
	struct nap_rd inner;

	if (nap_rd_num(&v, 4) != MS_VENDOR) {
		c->error = NAP_COA_UNSUPPORTED;
		return;
	}
	while (v.left && next(&v, &type, &inner)) {
		if (type == MS_IPV4) {
			if (!servers(inner, 4, c->ipv4[0], &c->n_ipv4, 16))
				c->error = NAP_COA_VALUE;
		} else if (type == MS_IPV6) {
			if (!servers(inner, 16, c->ipv6[0], &c->n_ipv6, 8))
				c->error = NAP_COA_VALUE;
		} else if (type != MS_STATE) {
			c->error = NAP_COA_UNSUPPORTED;
		} else if (!u32(inner, &n) || n > NAP_RADIUS_PROBATION) {
			c->error = NAP_COA_VALUE;
		} else {
			c->state = (int)n;
		}
	}
	if (v.broken)
		c->error = NAP_COA_INVALID;
}

static void coa_attr(struct nap_coa *c, uint8_t type, struct nap_rd v)
{
	uint32_t n;

	switch (type) {
	case NAS_PORT_ID:
		copy_text(v, c->port, sizeof(c->port));
		break;
	case CALLING_STATION:
		copy_text(v, c->mac, sizeof(c->mac));
		break;
	case SESSION_ID:
		copy_text(v, c->session, sizeof(c->session));
		break;
	case NAS_IDENTIFIER:
		copy_text(v, c->nas, sizeof(c->nas));
		break;
	case FILTER_ID:
		if (c->filter[0])
			c->error = NAP_COA_VALUE;
		copy_text(v, c->filter, sizeof(c->filter));
		break;
	case EVENT_TIMESTAMP:
		if (u32(v, &n))
			c->timestamp_s = n;
		else
			c->error = NAP_COA_VALUE;
		break;
	case VENDOR:
		coa_vendor(c, v);
		break;
	case USER_NAME:
	case NAS_IP:
	case STATE:
	case CLASS:
	case AUTHENTICATOR:
		break;
	default:
		c->error = NAP_COA_UNSUPPORTED;
	}
}

int nap_coa_parse(uint8_t code, const uint8_t *attrs, size_t size, struct nap_coa *ret)
{
	struct nap_rd r = {.p = attrs, .left = size}, v;
	uint8_t type;

	memset(ret, 0, sizeof(*ret));
	ret->state = -1;
	if (size > NAP_RADIUS_SIZE_MAX || (code != NAP_DISCONNECT && code != NAP_COA))
		return -EBADMSG;
	while (r.left) {
		if (!next(&r, &type, &v))
			return -EBADMSG;
		coa_attr(ret, type, v);
	}
	if (!ret->error && !ret->port[0] && !ret->mac[0] && !ret->session[0])
		ret->error = NAP_COA_MISSING;
	if (!ret->error && code == NAP_COA && ret->state < 0)
		ret->error = NAP_COA_MISSING;
	return 0;
}
