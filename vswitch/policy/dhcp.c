/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DHCP messages of both families, as far as guards need them. */
#include "vswitch/policy/dhcp.h"

#include <string.h>

#define BOOTP_FIXED  236
#define BOOTP_REPLY  2
#define OPTIONS_MAX  256 /* of one message; more is an attempt to keep us busy */
#define OPT_PAD      0
#define OPT_END      255
#define OPT_ADDRESS  50
#define OPT_LEASE    51
#define OPT_TYPE     53
#define V4_REQUEST   3
#define V4_DECLINE   4
#define V4_ACK       5
#define V4_RELEASE   7
#define V4_DISCOVER  1
#define V6_REPLY     7
#define V6_RELEASE   8
#define V6_DECLINE   9
#define V6_IA_NA     3
#define V6_IA_TA     4
#define V6_IAADDR    5
#define V6_IA_PD     25
#define V6_IAPREFIX  26
#define V6_IA_HEAD   12 /* IAID, T1, T2 */
#define V6_TA_HEAD   4
#define V6_ADDR_SIZE 24 /* address, two lifetimes */
#define V6_PFX_SIZE  25 /* two lifetimes, length, prefix */

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void grant(struct vsw_dhcp *r, uint8_t family, const uint8_t *addr, uint8_t bits,
		  uint32_t lease_s)
{
	struct vsw_dhcp_grant *g;

	if (r->n == VSW_DHCP_GRANTS_MAX)
		return;
	g = &r->grants[r->n++];
	memset(g, 0, sizeof(*g));
	g->prefix.family = family;
	g->prefix.len = bits;
	g->lease_s = lease_s;
	memcpy(g->prefix.addr, addr, family == 4 ? 4 : 16);
	for (unsigned int i = bits; i < (family == 4 ? 32u : 128u); i++)
		g->prefix.addr[i / 8] &= (uint8_t) ~(0x80 >> (i % 8));
}

/* What the options of a v4 message say. */
struct options4 {
	uint8_t type;
	bool has_address;
	const uint8_t *address;
	uint32_t lease_s;
};

static bool read_options4(const uint8_t *d, uint32_t len, struct options4 *o)
{
	for (uint32_t at = 0, n = 0; at < len && d[at] != OPT_END; n++) {
		uint32_t size;

		if (d[at] == OPT_PAD) {
			at++;
			continue;
		}
		if (n == OPTIONS_MAX || at + 2 > len || at + 2 + d[at + 1] > len)
			return false;
		size = d[at + 1];
		if (d[at] == OPT_TYPE && size == 1) {
			o->type = d[at + 2];
		} else if (d[at] == OPT_LEASE && size == 4) {
			o->lease_s = be32(d + at + 2);
		} else if (d[at] == OPT_ADDRESS && size == 4) {
			o->address = d + at + 2;
			o->has_address = true;
		}
		at += 2 + size;
	}
	return true;
}

bool vsw_dhcp4_parse(const uint8_t *d, uint32_t len, struct vsw_dhcp *ret)
{
	static const uint8_t cookie[4] = {99, 130, 83, 99}, none[4];
	struct options4 o = {0};
	const uint8_t *ciaddr, *yiaddr;

	memset(ret, 0, sizeof(*ret));
	if (len < BOOTP_FIXED + sizeof(cookie) || memcmp(d + BOOTP_FIXED, cookie, sizeof(cookie)) ||
	    !read_options4(d + BOOTP_FIXED + sizeof(cookie), len - BOOTP_FIXED - sizeof(cookie),
			   &o))
		return false;
	ret->xid = be32(d + 4);
	ciaddr = d + 12;
	yiaddr = d + 16;
	if (d[0] == BOOTP_REPLY) {
		/* an answer to INFORM has no yiaddr: it grants nothing */
		if (o.type == V4_ACK && memcmp(yiaddr, none, 4) != 0 && o.lease_s) {
			ret->kind = VSW_DHCP_GRANT;
			grant(ret, 4, yiaddr, 32, o.lease_s);
		}
	} else if (o.type == V4_RELEASE) {
		ret->kind = VSW_DHCP_RELEASE;
		grant(ret, 4, ciaddr, 32, 0);
	} else if (o.type == V4_DECLINE && o.has_address) {
		ret->kind = VSW_DHCP_RELEASE;
		grant(ret, 4, o.address, 32, 0);
	} else if (o.type == V4_DISCOVER || o.type == V4_REQUEST) {
		ret->kind = VSW_DHCP_ASK;
	}
	return true;
}

/* The addresses and prefixes of one identity association. */
static bool read_ia(const uint8_t *d, uint32_t len, struct vsw_dhcp *r)
{
	for (uint32_t at = 0, n = 0; at + 4 <= len; n++) {
		uint16_t code = be16(d + at), size = be16(d + at + 2);
		const uint8_t *v = d + at + 4;

		if (n == OPTIONS_MAX || at + 4u + size > len)
			return false;
		if (code == V6_IAADDR && size >= V6_ADDR_SIZE)
			grant(r, 6, v, 128, be32(v + 20));
		else if (code == V6_IAPREFIX && size >= V6_PFX_SIZE && v[8] <= 128)
			grant(r, 6, v + 9, v[8], be32(v + 4));
		at += 4u + size;
	}
	return true;
}

bool vsw_dhcp6_parse(const uint8_t *d, uint32_t len, struct vsw_dhcp *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (len < 4)
		return false;
	ret->xid = be32(d) & 0xffffff;
	switch (d[0]) {
	case V6_REPLY:
		ret->kind = VSW_DHCP_GRANT;
		break;
	case V6_RELEASE:
	case V6_DECLINE:
		ret->kind = VSW_DHCP_RELEASE;
		break;
	case 1: /* solicit (rapid commit), request, confirm, renew, rebind */
	case 3:
	case 4:
	case 5:
	case 6:
		ret->kind = VSW_DHCP_ASK;
		return true;
	default:
		return true;
	}
	for (uint32_t at = 4, n = 0; at + 4 <= len; n++) {
		uint16_t code = be16(d + at), size = be16(d + at + 2);
		uint32_t head = code == V6_IA_TA ? V6_TA_HEAD : V6_IA_HEAD;

		if (n == OPTIONS_MAX || at + 4u + size > len)
			return false;
		if ((code == V6_IA_NA || code == V6_IA_TA || code == V6_IA_PD) && size >= head &&
		    !read_ia(d + at + 4 + head, size - head, ret))
			return false;
		at += 4u + size;
	}
	return true;
}
