/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames to lines. Every header goes through need(), which knows how many bytes are left. */
#include "ctl/decode.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	ETH_IPV4 = 0x0800,
	ETH_ARP = 0x0806,
	ETH_VLAN = 0x8100,
	ETH_QINQ = 0x88a8,
	ETH_QINQ_OLD = 0x9100,
	ETH_IPV6 = 0x86dd,
	ETH_LLDP = 0x88cc,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMP6 = 58,
	TAGS_MAX = 4,       /* shown; more are counted as payload */
	EXTENSIONS_MAX = 8, /* IPv6 extension headers followed */
};

struct decode {
	const uint8_t *p;
	size_t left;
	char *buf;
	size_t size, at;
};

static void say(struct decode *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct decode *d, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (d->at + 1 >= d->size)
		return;
	va_start(ap, fmt);
	n = vsnprintf(d->buf + d->at, d->size - d->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		d->at += (size_t)n < d->size - d->at ? (size_t)n : d->size - d->at - 1;
}

/* The next @n bytes, or NULL (said so) when the capture ends before. */
static const uint8_t *need(struct decode *d, size_t n)
{
	const uint8_t *p = d->p;

	if (d->left < n) {
		say(d, " [cut]");
		d->left = 0;
		return NULL;
	}
	d->p += n;
	d->left -= n;
	return p;
}

static unsigned int be16(const uint8_t *p)
{
	return (unsigned int)p[0] << 8 | p[1];
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)be16(p) << 16 | be16(p + 2);
}

static void say_mac(struct decode *d, const uint8_t *m)
{
	say(d, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}

static void say_ip(struct decode *d, int family, const uint8_t *addr, int port)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(family, addr, text, sizeof(text));
	say(d, "%s", text);
	if (port >= 0)
		say(d, ".%d", port);
}

static void arp(struct decode *d)
{
	const uint8_t *h = need(d, 8), *b;

	if (!h)
		return;
	if (be16(h) != 1 || be16(h + 2) != ETH_IPV4 || h[4] != 6 || h[5] != 4) {
		say(d, " of hardware type %u, protocol 0x%04x", be16(h), be16(h + 2));
		return;
	}
	b = need(d, 20);
	if (!b)
		return;
	if (be16(h + 6) == 1) {
		say(d, " who-has ");
		say_ip(d, AF_INET, b + 16, -1);
		say(d, " tell ");
		say_ip(d, AF_INET, b + 6, -1);
	} else if (be16(h + 6) == 2) {
		say(d, " reply ");
		say_ip(d, AF_INET, b + 6, -1);
		say(d, " is-at ");
		say_mac(d, b);
	} else {
		say(d, " operation %u", be16(h + 6));
	}
}

/* What stands between the two addresses of an IP line. */
struct ip {
	int family;
	const uint8_t *src, *dst;
	unsigned int proto;
	size_t payload; /* bytes after the IP header, by its own word */
	bool fragment;  /* not the first: no ports here */
};

static void addresses(struct decode *d, const struct ip *ip, int sport, int dport)
{
	say(d, " ");
	say_ip(d, ip->family, ip->src, sport);
	say(d, " > ");
	say_ip(d, ip->family, ip->dst, dport);
	say(d, ":");
}

static void tcp(struct decode *d, const struct ip *ip)
{
	static const char letters[] = "FSRP.UEW";
	size_t head, have = d->left;
	const uint8_t *h;
	char flags[9];
	unsigned int n = 0;

	if (have < 14) {
		addresses(d, ip, -1, -1);
		say(d, " tcp [cut]");
		return;
	}
	h = d->p;
	addresses(d, ip, (int)be16(h), (int)be16(h + 2));
	for (unsigned int i = 0; i < 8; i++)
		if (h[13] >> i & 1)
			flags[n++] = letters[i];
	flags[n] = 0;
	head = (size_t)(h[12] >> 4) * 4;
	say(d, " tcp [%s] seq %u", n ? flags : "none", be32(h + 4));
	if (h[13] & 0x10)
		say(d, " ack %u", be32(h + 8));
	if (have >= 16)
		say(d, " win %u", be16(h + 14));
	if (head < 20 || head > ip->payload)
		say(d, " [bad header length]");
	else
		say(d, " data %zu", ip->payload - head);
}

static void udp(struct decode *d, const struct ip *ip)
{
	const uint8_t *h = d->p;

	if (d->left < 8) {
		addresses(d, ip, -1, -1);
		say(d, " udp [cut]");
		return;
	}
	addresses(d, ip, (int)be16(h), (int)be16(h + 2));
	say(d, " udp");
	if (be16(h + 4) < 8)
		say(d, " [bad length]");
	else
		say(d, " data %u", be16(h + 4) - 8);
}

static void icmp(struct decode *d, const struct ip *ip)
{
	bool six = ip->family == AF_INET6;
	const uint8_t *h;
	const char *name = NULL;

	addresses(d, ip, -1, -1);
	say(d, six ? " icmp6" : " icmp");
	h = need(d, 4);
	if (!h)
		return;
	if (h[0] == (six ? 128 : 8))
		name = "echo request";
	else if (h[0] == (six ? 129 : 0))
		name = "echo reply";
	else if (h[0] == (six ? 1 : 3))
		name = "unreachable";
	else if (h[0] == (six ? 3 : 11))
		name = "time exceeded";
	else if (six && h[0] == 2)
		name = "packet too big";
	else if (six && h[0] >= 133 && h[0] <= 136)
		name = (const char *[]){"router solicitation", "router advertisement",
					"neighbor solicitation",
					"neighbor advertisement"}[h[0] - 133];
	if (name)
		say(d, " %s", name);
	else
		say(d, " type %u", h[0]);
	if (h[1])
		say(d, " code %u", h[1]);
	if ((h[0] == (six ? 128 : 8) || h[0] == (six ? 129 : 0)) && d->left >= 4)
		say(d, " id %u seq %u", be16(d->p), be16(d->p + 2));
}

static void transport(struct decode *d, const struct ip *ip)
{
	if (ip->fragment) {
		addresses(d, ip, -1, -1);
		say(d, " fragment of protocol %u", ip->proto);
	} else if (ip->proto == PROTO_TCP) {
		tcp(d, ip);
	} else if (ip->proto == PROTO_UDP) {
		udp(d, ip);
	} else if (ip->proto == (ip->family == AF_INET6 ? PROTO_ICMP6 : PROTO_ICMP)) {
		icmp(d, ip);
	} else {
		addresses(d, ip, -1, -1);
		say(d, " protocol %u", ip->proto);
	}
}

static void ipv4(struct decode *d)
{
	const uint8_t *h = need(d, 20);
	struct ip ip = {.family = AF_INET};
	size_t head, total;

	if (!h)
		return;
	head = (size_t)(h[0] & 15) * 4;
	total = be16(h + 2);
	if (h[0] >> 4 != 4 || head < 20 || total < head) {
		say(d, " [bad header]");
		return;
	}
	if (head > 20 && !need(d, head - 20))
		return;
	ip.src = h + 12;
	ip.dst = h + 16;
	ip.proto = h[9];
	ip.payload = total - head;
	ip.fragment = be16(h + 6) & 0x1fff;
	transport(d, &ip);
}

static void ipv6(struct decode *d)
{
	const uint8_t *h = need(d, 40);
	struct ip ip = {.family = AF_INET6};

	if (!h)
		return;
	if (h[0] >> 4 != 6) {
		say(d, " [bad header]");
		return;
	}
	ip.src = h + 8;
	ip.dst = h + 24;
	ip.proto = h[6];
	ip.payload = be16(h + 4);
	for (unsigned int i = 0; i < EXTENSIONS_MAX; i++) {
		const uint8_t *x;
		size_t more;

		if (ip.proto != 0 && ip.proto != 43 && ip.proto != 44 && ip.proto != 60)
			break;
		x = need(d, 8);
		if (!x)
			return;
		more = ip.proto == 44 ? 0 : (size_t)x[1] * 8;
		if (ip.proto == 44)
			ip.fragment = be16(x + 2) & 0xfff8;
		ip.proto = x[0];
		if (more && !need(d, more))
			return;
		ip.payload = ip.payload > 8 + more ? ip.payload - 8 - more : 0;
		if (ip.fragment)
			break;
	}
	transport(d, &ip);
}

static void payload(struct decode *d, unsigned int type)
{
	switch (type) {
	case ETH_ARP:
		say(d, " ARP");
		arp(d);
		break;
	case ETH_IPV4:
		say(d, " IPv4");
		ipv4(d);
		break;
	case ETH_IPV6:
		say(d, " IPv6");
		ipv6(d);
		break;
	case ETH_LLDP:
		say(d, " LLDP");
		break;
	default:
		if (type < 1536)
			say(d, " 802.3 length %u", type);
		else
			say(d, " ethertype 0x%04x", type);
	}
}

static bool is_tag(unsigned int type)
{
	return type == ETH_VLAN || type == ETH_QINQ || type == ETH_QINQ_OLD;
}

const char *ctl_decode(const uint8_t *data, size_t captured, size_t original, char *buf,
		       size_t size)
{
	struct decode d = {.p = data, .left = captured, .buf = buf, .size = size};
	const uint8_t *h;
	unsigned int type;

	if (size)
		buf[0] = 0;
	h = d.left >= 14 ? need(&d, 14) : NULL;
	if (!h) {
		say(&d, "%zu bytes, no Ethernet header", captured);
	} else {
		say_mac(&d, h + 6);
		say(&d, " > ");
		say_mac(&d, h);
		say(&d, ",");
		type = be16(h + 12);
		for (int i = 0; i < TAGS_MAX && is_tag(type); i++) {
			const uint8_t *tag = need(&d, 4);

			if (!tag)
				break;
			say(&d, " vlan %u", be16(tag) & 0xfff);
			if (type != ETH_VLAN)
				say(&d, " (0x%04x)", type);
			if (tag[0] >> 5)
				say(&d, " p%u", tag[0] >> 5);
			say(&d, ",");
			type = be16(tag + 2);
		}
		if (!is_tag(type) || d.left)
			payload(&d, type);
	}
	say(&d, ", length %zu", original);
	return buf;
}
