/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounded header walk. */
#include "vswitch/policy/headers.h"

#include <netinet/in.h>

#define TAGS_MAX 2

struct walk {
	const uint8_t *d;
	uint32_t len;   /* bytes that may be read */
	uint32_t frame; /* bytes that exist */
	bool inner;     /* quoted in an ICMP error: cut short by right */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool has(const struct walk *w, uint32_t off, uint32_t size)
{
	return off + size <= w->len;
}

static void broken(struct vsw_headers *h)
{
	h->flags |= VSW_HDR_BROKEN;
}

static void parse_icmp(const struct walk *w, struct vsw_headers *h, bool echo)
{
	const uint8_t *p = w->d + h->l4;

	if (!has(w, h->l4, 4)) {
		broken(h);
		return;
	}
	h->icmp_type = p[0];
	h->icmp_code = p[1];
	/* a query's identifier is what tells flows apart */
	if (echo && has(w, h->l4, 8))
		h->sport = h->dport = be16(p + 4);
}

static bool is_icmp_query(uint8_t type)
{
	/* echo, timestamp, information, address mask: requests and replies */
	return type == 8 || type == 0 || (type >= 13 && type <= 18);
}

static void parse_l4(const struct walk *w, struct vsw_headers *h)
{
	const uint8_t *p = w->d + h->l4;

	if (h->flags & VSW_HDR_LATER_FRAGMENT)
		return;
	switch (h->proto) {
	case IPPROTO_TCP:
		if (!has(w, h->l4, w->inner ? 8 : 20)) {
			broken(h);
			return;
		}
		if (has(w, h->l4, 14))
			h->tcp_flags = p[13];
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		if (!has(w, h->l4, 8)) {
			broken(h);
			return;
		}
		break;
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		if (!has(w, h->l4, 4)) {
			broken(h);
			return;
		}
		break;
	case IPPROTO_ICMP:
		if (h->family == VSW_FAMILY_IPV4)
			parse_icmp(w, h, has(w, h->l4, 1) && is_icmp_query(p[0]));
		return;
	case IPPROTO_ICMPV6:
		if (h->family == VSW_FAMILY_IPV6)
			parse_icmp(w, h, has(w, h->l4, 1) && (p[0] == 128 || p[0] == 129));
		return;
	default:
		return;
	}
	h->sport = be16(p);
	h->dport = be16(p + 2);
	h->flags |= VSW_HDR_PORTS;
}

static void parse_ipv4(const struct walk *w, struct vsw_headers *h)
{
	const uint8_t *p = w->d + h->l3;
	uint32_t ihl, total;
	uint16_t frag;

	if (!has(w, h->l3, 20) || p[0] >> 4 != 4) {
		broken(h);
		return;
	}
	h->src = p + 12;
	h->dst = p + 16;
	h->proto = p[9];
	ihl = (p[0] & 15u) * 4;
	total = be16(p + 2);
	if (ihl < 20 || total < ihl || !has(w, h->l3, ihl) ||
	    (!w->inner && h->l3 + total > w->frame)) {
		broken(h);
		return;
	}
	h->l4 = (uint16_t)(h->l3 + ihl);
	if (ihl > 20)
		h->flags |= VSW_HDR_ROUTED;
	frag = be16(p + 6);
	if (frag & 0x3fff) {
		h->flags |= VSW_HDR_FRAGMENT;
		h->fragment_id = be16(p + 4);
		if (frag & 0x1fff)
			h->flags |= VSW_HDR_LATER_FRAGMENT;
	}
	parse_l4(w, h);
}

static void parse_ipv6(const struct walk *w, struct vsw_headers *h)
{
	const uint8_t *p = w->d + h->l3;
	uint32_t off = h->l3 + 40u;

	if (!has(w, h->l3, 40) || p[0] >> 4 != 6 || (!w->inner && off + be16(p + 4) > w->frame)) {
		broken(h);
		return;
	}
	h->src = p + 8;
	h->dst = p + 24;
	h->proto = p[6];
	for (unsigned int n = 0;; n++) {
		uint8_t next = h->proto;
		const uint8_t *e = w->d + off;

		h->l4 = (uint16_t)off;
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_DSTOPTS &&
		    next != IPPROTO_FRAGMENT && next != IPPROTO_AH)
			break;
		/* a chain that leaves the part we can see hides its transport from every policy */
		if (n == VSW_EXT_MAX || !has(w, off, 8)) {
			broken(h);
			return;
		}
		h->proto = e[0];
		if (next == IPPROTO_ROUTING)
			h->flags |= VSW_HDR_ROUTED;
		if (next == IPPROTO_FRAGMENT) {
			uint16_t frag = be16(e + 2);

			off += 8;
			/* an atomic fragment (RFC 6946) is a whole packet */
			if ((frag & 0xfff9) == 0)
				continue;
			h->flags |= VSW_HDR_FRAGMENT;
			memcpy(&h->fragment_id, e + 4, sizeof(h->fragment_id));
			if (frag & 0xfff8) {
				h->flags |= VSW_HDR_LATER_FRAGMENT;
				h->l4 = (uint16_t)off;
				break;
			}
		} else if (next == IPPROTO_AH) {
			off += (e[1] + 2u) * 4;
		} else {
			off += (e[1] + 1u) * 8;
		}
	}
	if (off > w->frame)
		broken(h);
	else
		parse_l4(w, h);
}

void vsw_headers_parse(const uint8_t *d, uint32_t len, uint32_t frame, struct vsw_headers *ret)
{
	struct walk w = {.d = d, .len = len, .frame = frame};
	uint32_t off = 12;

	memset(ret, 0, sizeof(*ret));
	ret->ethertype = be16(d + 12);
	for (unsigned int n = 0;
	     ret->ethertype == 0x8100 || ret->ethertype == 0x88a8 || ret->ethertype == 0x9100;
	     n++) {
		if (n == TAGS_MAX || !has(&w, off, 6)) {
			broken(ret);
			return;
		}
		if (n == 0 && (be16(d + off + 2) & 0xfff) != 0) {
			ret->vid = be16(d + off + 2) & 0xfff;
			ret->flags |= VSW_HDR_TAGGED;
		}
		off += 4;
		ret->ethertype = be16(d + off);
	}
	ret->l3 = ret->l4 = (uint16_t)(off + 2);
	if (ret->ethertype == 0x0800) {
		ret->family = VSW_FAMILY_IPV4;
		parse_ipv4(&w, ret);
	} else if (ret->ethertype == 0x86dd) {
		ret->family = VSW_FAMILY_IPV6;
		parse_ipv6(&w, ret);
	}
}

void vsw_headers_parse_inner(const uint8_t *d, uint32_t len, bool ipv6, struct vsw_headers *ret)
{
	struct walk w = {.d = d, .len = len, .frame = len, .inner = true};

	memset(ret, 0, sizeof(*ret));
	ret->ethertype = ipv6 ? 0x86dd : 0x0800;
	ret->family = ipv6 ? VSW_FAMILY_IPV6 : VSW_FAMILY_IPV4;
	if (ipv6)
		parse_ipv6(&w, ret);
	else
		parse_ipv4(&w, ret);
}
