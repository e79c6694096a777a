/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of policies: text to data and back. */
#include "vswitch/model/terms.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

const char *const vsw_acl_kind_text[2] = {
	[VSW_ACL_BASIC] = "basic",
	[VSW_ACL_EXTENDED] = "extended",
};
const char *const vsw_dir_text[2] = {[VSW_FROM_VM] = "from-vm", [VSW_TO_VM] = "to-vm"};
const char *const vsw_acl_action_text[3] = {
	[VSW_ACL_ALLOW] = "allow",
	[VSW_ACL_DENY] = "deny",
	[VSW_ACL_METER] = "meter",
};
const char *const vsw_pinning_text[3] = {
	[VSW_PIN_OFF] = "off",
	[VSW_PIN_STATIC] = "static",
	[VSW_PIN_SNOOPED] = "snooped",
};
const char *const vsw_min_mode_text[3] = {
	[VSW_MIN_WEIGHT] = "weight",
	[VSW_MIN_ABSOLUTE] = "absolute",
	[VSW_MIN_NONE] = "none",
};
const char *const vsw_team_mode_text[2] = {
	[VSW_TEAM_HYPERV_PORT] = "hyperv-port",
	[VSW_TEAM_DYNAMIC] = "dynamic",
};

/* ---- addresses ---- */

#define ADDRESS_FORMS "write any, 10.0.0.0/8, fd00::/8, 52:54:00:12:34:56, set:NAME or tag:NAME"

static int bad_address(const char *text, const char *path, const char *hint, const char *why,
		       struct vd_err *e)
{
	return vd_err_set(e, -EINVAL, VD_E_ADDRESS, path, hint, "\"%.60s\" is not usable: %s", text,
			  why);
}

/* @r: of vd_prefix_parse(), negative. */
static int bad_prefix(const char *text, const char *path, const struct vd_prefix *p, int r,
		      const char *forms, struct vd_err *e)
{
	char buf[VD_PREFIX_STR_SIZE], hint[160];

	if (r == -ERANGE)
		return bad_address(text, path, "IPv4 has 32 bits, IPv6 128",
				   "the prefix length is too large", e);
	if (r != -EDOM)
		return bad_address(text, path, forms, "it is not an address", e);
	snprintf(hint, sizeof(hint), "write %s for the network, or leave the length out",
		 vd_prefix_format(p, buf));
	return bad_address(text, path, hint, "it has bits behind its prefix length", e);
}

int vsw_prefix_parse(const char *text, const char *path, struct vd_prefix *ret,
		     struct vd_err *reterr)
{
	int r = vd_prefix_parse(text, ret);

	return r ? bad_prefix(text, path, ret, r, "write 10.0.0.0/8, 10.0.0.1, fd00::/8 or fd00::1",
			      reterr)
		 : 0;
}

int vsw_addr_parse(const char *text, const char *path, struct vsw_addr *ret, struct vd_err *reterr)
{
	bool set = !strncmp(text, "set:", 4);
	struct vd_prefix prefix;
	struct vd_mac mac;
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!strcmp(text, "any"))
		return 0;
	if (set || !strncmp(text, "tag:", 4)) {
		r = vd_name_check(text + 4, path, reterr);
		if (r < 0)
			return r;
		ret->kind = set ? VSW_ADDR_SET : VSW_ADDR_TAG;
		memcpy(ret->name, text + 4, strlen(text + 4));
		return 0;
	}
	if (vd_mac_parse(text, &mac) == 0) {
		ret->kind = VSW_ADDR_MAC;
		ret->mac = mac;
		return 0;
	}
	r = vd_prefix_parse(text, &prefix);
	if (r)
		return bad_prefix(text, path, &prefix, r, ADDRESS_FORMS, reterr);
	ret->kind = VSW_ADDR_PREFIX;
	ret->prefix = prefix;
	return 0;
}

const char *vsw_addr_format(const struct vsw_addr *a, char buf[VSW_TERM_STR_SIZE])
{
	switch ((enum vsw_addr_kind)a->kind) {
	case VSW_ADDR_PREFIX:
		return vd_prefix_format(&a->prefix, buf);
	case VSW_ADDR_MAC:
		return vd_mac_format(&a->mac, buf);
	case VSW_ADDR_SET:
	case VSW_ADDR_TAG:
		snprintf(buf, VSW_TERM_STR_SIZE, "%s:%s", a->kind == VSW_ADDR_SET ? "set" : "tag",
			 a->name);
		return buf;
	case VSW_ADDR_ANY:
		break;
	}
	return strcpy(buf, "any");
}

int vsw_member_parse(const char *text, const char *path, struct vsw_member *ret,
		     struct vd_err *reterr)
{
	struct vsw_member m = {.is_mac = true};
	int r;

	memset(ret, 0, sizeof(*ret));
	if (vd_mac_parse(text, &m.mac) == 0) {
		*ret = m;
		return 0;
	}
	r = vd_prefix_parse(text, &ret->prefix);
	return r ? bad_prefix(text, path, &ret->prefix, r,
			      "write 10.0.0.0/8, fd00::1 or 52:54:00:12:34:56", reterr)
		 : 0;
}

const char *vsw_member_format(const struct vsw_member *m, char buf[VSW_TERM_STR_SIZE])
{
	return m->is_mac ? vd_mac_format(&m->mac, buf) : vd_prefix_format(&m->prefix, buf);
}

/* ---- numbers with names ---- */

static const struct {
	const char *name;
	uint16_t number;
} protocols[] = {{"any", VSW_PROTOCOL_ANY},
		 {"icmp", 1},
		 {"igmp", 2},
		 {"tcp", 6},
		 {"udp", 17},
		 {"gre", 47},
		 {"esp", 50},
		 {"ah", 51},
		 {"icmpv6", 58},
		 {"sctp", 132}},
  ethertypes[] = {{"any", 0}, {"ipv4", 0x0800}, {"arp", 0x0806}, {"ipv6", 0x86dd}};

/* Digits of @base only, all of @s. */
static bool number(const char *s, size_t len, unsigned int base, uint64_t max, uint64_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	uint64_t v = 0;

	for (size_t i = 0; i < len; i++) {
		char c = s[i] >= 'A' && s[i] <= 'F' ? (char)(s[i] | 0x20) : s[i];
		const char *d = c ? strchr(digits, c) : NULL;

		if (!d || (unsigned int)(d - digits) >= base)
			return false;
		v = v * base + (uint64_t)(d - digits);
		if (v > max)
			return false;
	}
	*ret = v;
	return len > 0;
}

int vsw_protocol_parse(const char *text, const char *path, uint16_t *ret, struct vd_err *reterr)
{
	const char *names[N(protocols)], *near;
	char hint[96] = "write tcp, udp, icmp, icmpv6 or a number 0-255";
	uint64_t n;

	for (size_t i = 0; i < N(protocols); i++) {
		names[i] = protocols[i].name;
		if (!strcmp(text, names[i])) {
			*ret = protocols[i].number;
			return 0;
		}
	}
	if (number(text, strlen(text), 10, 255, &n)) {
		*ret = (uint16_t)n;
		return 0;
	}
	near = vd_suggest(text, names, N(protocols));
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	return vd_err_set(reterr, -EINVAL, VD_E_RULE, path, hint, "\"%.40s\" is not an IP protocol",
			  text);
}

const char *vsw_protocol_format(uint16_t protocol, char buf[VSW_TERM_STR_SIZE])
{
	snprintf(buf, VSW_TERM_STR_SIZE, "%u", protocol);
	for (size_t i = 0; i < N(protocols); i++)
		if (protocols[i].number == protocol)
			return strcpy(buf, protocols[i].name);
	return buf;
}

int vsw_ethertype_parse(const char *text, const char *path, uint16_t *ret, struct vd_err *reterr)
{
	uint64_t n;

	for (size_t i = 0; i < N(ethertypes); i++) {
		if (!strcmp(text, ethertypes[i].name)) {
			*ret = ethertypes[i].number;
			return 0;
		}
	}
	if (!strncmp(text, "0x", 2) && number(text + 2, strlen(text + 2), 16, 0xffff, &n) &&
	    n >= 0x600) {
		*ret = (uint16_t)n;
		return 0;
	}
	return vd_err_set(reterr, -EINVAL, VD_E_RULE, path,
			  "write ipv4, ipv6, arp or hex digits, for example 0x88cc (LLDP)",
			  "\"%.40s\" is not an EtherType (allowed: 0x0600-0xffff)", text);
}

const char *vsw_ethertype_format(uint16_t type, char buf[VSW_TERM_STR_SIZE])
{
	snprintf(buf, VSW_TERM_STR_SIZE, "0x%04x", type);
	for (size_t i = 0; i < N(ethertypes); i++)
		if (ethertypes[i].number == type)
			return strcpy(buf, ethertypes[i].name);
	return buf;
}

int vsw_ports_parse(const char *text, const char *path, uint16_t ret[2], struct vd_err *reterr)
{
	size_t len = strcspn(text, "-");
	uint64_t first = 0, last = UINT16_MAX;
	bool ok = !strcmp(text, "any");

	if (!ok) {
		ok = number(text, len, 10, UINT16_MAX, &first);
		last = first;
		if (text[len] == '-')
			ok &= number(text + len + 1, strlen(text + len + 1), 10, UINT16_MAX, &last);
	}
	if (ok && last < first)
		return vd_err_set(reterr, -EINVAL, VD_E_RULE, path,
				  "write the smaller port first, for example 1000-2000",
				  "the range of ports %.40s runs backwards", text);
	if (!ok)
		return vd_err_set(reterr, -EINVAL, VD_E_RULE, path,
				  "write a port or a range, for example 443 or 1000-2000",
				  "\"%.40s\" is not a range of ports (allowed: 0-65535)", text);
	ret[0] = (uint16_t)first;
	ret[1] = (uint16_t)last;
	return 0;
}

const char *vsw_ports_format(const uint16_t ports[2], char buf[VSW_TERM_STR_SIZE])
{
	if (ports[0] == 0 && ports[1] == UINT16_MAX)
		return strcpy(buf, "any");
	if (ports[0] == ports[1])
		snprintf(buf, VSW_TERM_STR_SIZE, "%u", ports[0]);
	else
		snprintf(buf, VSW_TERM_STR_SIZE, "%u-%u", ports[0], ports[1]);
	return buf;
}

/* ---- quantities ---- */

static const struct {
	char letter;
	uint64_t times;
} units[] = {{'T', UINT64_C(1000000000000)}, {'G', 1000000000}, {'M', 1000000}, {'k', 1000}};

/* "2.5" of @times each: exact, or refused. */
static bool scaled(const char *s, size_t len, uint64_t times, uint64_t *ret)
{
	const char *dot = memchr(s, '.', len);
	size_t whole_len = dot ? (size_t)(dot - s) : len;
	uint64_t whole, part = 0, scale = 1;

	if (!number(s, whole_len, 10, UINT64_C(100000000000000), &whole))
		return false;
	if (dot && !number(dot + 1, len - whole_len - 1, 10, UINT64_C(1000000000000), &part))
		return false;
	for (size_t i = whole_len + 1; dot && i < len; i++)
		scale *= 10;
	if (times % scale || whole > UINT64_C(1000000000000000) / times)
		return false;
	*ret = whole * times + part * (times / scale);
	return true;
}

int vsw_quantity_parse(const char *text, const char *path, const char *what, uint64_t min,
		       uint64_t max, uint64_t *ret, struct vd_err *reterr)
{
	size_t len = strlen(text);
	char low[VSW_TERM_STR_SIZE], high[VSW_TERM_STR_SIZE];
	uint64_t times = 1, v;

	for (size_t i = 0; len && i < N(units); i++)
		if (text[len - 1] == units[i].letter ||
		    (units[i].letter == 'k' && text[len - 1] == 'K'))
			times = units[i].times;
	if (times > 1)
		len--;
	if (!scaled(text, len, times, &v))
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE, path,
				  "write a number, with k, M or G for powers of 1000: 500k, 2.5G",
				  "\"%.40s\" is not %s", text, what);
	if (v && (v < min || v > max))
		return vd_err_set(reterr, -EINVAL, VD_E_VALUE, path, "0 turns it off",
				  "%.40s is out of range for %s (allowed: %s-%s)", text, what,
				  vsw_quantity_format(min, low), vsw_quantity_format(max, high));
	*ret = v;
	return 0;
}

const char *vsw_quantity_format(uint64_t n, char buf[VSW_TERM_STR_SIZE])
{
	for (size_t i = 0; n && i < N(units); i++) {
		if (n % units[i].times)
			continue;
		snprintf(buf, VSW_TERM_STR_SIZE, "%" PRIu64 "%c", n / units[i].times,
			 units[i].letter);
		return buf;
	}
	snprintf(buf, VSW_TERM_STR_SIZE, "%" PRIu64, n);
	return buf;
}

/* ---- time ---- */

#define TIME_FORM "%Y-%m-%dT%H:%M:%SZ"

int vsw_time_parse(const char *text, int64_t *ret)
{
	char again[VSW_TERM_STR_SIZE];
	struct tm tm = {0};
	const char *end = strptime(text, TIME_FORM, &tm);
	int64_t t;

	if (!end || *end)
		return -EINVAL;
	t = timegm(&tm);
	/* strptime() also takes what it would not print, the 31st of February for one */
	if (t <= 0 || strcmp(vsw_time_format(t, again), text))
		return -EINVAL;
	*ret = t;
	return 0;
}

const char *vsw_time_format(int64_t t, char buf[VSW_TERM_STR_SIZE])
{
	time_t tt = t;
	struct tm tm;

	if (!gmtime_r(&tt, &tm) || strftime(buf, VSW_TERM_STR_SIZE, TIME_FORM, &tm) == 0)
		buf[0] = '\0';
	return buf;
}
