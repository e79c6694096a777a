/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in words. */
#include "vswitch/policy/words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/headers.h"

#define OBJECT "packet"
#define FORMS                                                                             \
	"for example: tcp 10.0.0.5:1234 > 10.0.0.9:443 flags S vlan 10 to web2; or udp, " \
	"icmp, arp, ip PROTOCOL, ethertype, hex"

struct words {
	char *copy;
	char *next; /* strtok_r's */
	char *at;   /* the word under way, NULL at the end */
	struct vd_err *err;
};

struct packet {
	struct vd_mac src, dst;
	bool has_dst, arp;
	uint16_t vlan;
	bool has_vlan;
	uint16_t ethertype;
	uint8_t family, proto, tcp_flags, icmp_type;
	uint8_t saddr[16], daddr[16];
	uint16_t sport, dport;
	uint32_t size;
	bool done; /* a packet was named */
};

static int refuse(struct words *w, const char *expected)
{
	return vd_err_set(w->err, -EINVAL, VD_E_VALUE, OBJECT, FORMS, "%s%.64s%s: expected %s",
			  w->at ? "\"" : "", w->at ? w->at : "the end of the description",
			  w->at ? "\"" : "", expected);
}

static void advance(struct words *w)
{
	w->at = strtok_r(NULL, " \t\r\n,", &w->next);
}

static int number(struct words *w, unsigned long max, const char *expected, unsigned long *ret)
{
	char *end;

	advance(w);
	if (!w->at || !isdigit((unsigned char)w->at[0]))
		return refuse(w, expected);
	errno = 0;
	*ret = strtoul(w->at, &end, 0);
	return *end || errno || *ret > max ? refuse(w, expected) : 0;
}

/* ---- addresses ---- */

/* "A", "A:P" (IPv4) or "[A]:P" (IPv6). */
static int address(struct words *w, bool want_port, uint8_t *family, uint8_t *addr, uint16_t *port)
{
	char text[64], *end, *colon = NULL;
	unsigned long n;

	if (!w->at || strlen(w->at) >= sizeof(text))
		return refuse(w, "an address");
	strcpy(text, w->at);
	if (text[0] == '[') {
		end = strchr(text, ']');
		if (!end)
			return refuse(w, "an address in brackets");
		*end = '\0';
		memmove(text, text + 1, (size_t)(end - text));
		colon = end[1] == ':' ? end + 1 : NULL;
	} else if (want_port) {
		colon = strrchr(text, ':');
		if (colon)
			*colon = '\0';
	}
	memset(addr, 0, 16);
	if (inet_pton(AF_INET, text, addr) == 1)
		*family = 4;
	else if (inet_pton(AF_INET6, text, addr) == 1)
		*family = 6;
	else
		return refuse(w, want_port ? "ADDRESS:PORT, IPv6 in brackets" : "an address");
	if (!want_port)
		return 0;
	if (!colon || !isdigit((unsigned char)colon[1]))
		return refuse(w, "ADDRESS:PORT");
	n = strtoul(colon + 1, &end, 10);
	if (*end || n > 65535)
		return refuse(w, "a port of 0-65535");
	*port = (uint16_t)n;
	return 0;
}

static int pair(struct words *w, struct packet *p, bool ports)
{
	uint8_t family;
	int rc;

	advance(w);
	rc = address(w, ports, &p->family, p->saddr, &p->sport);
	if (rc)
		return rc;
	advance(w);
	if (!w->at || strcmp(w->at, ">"))
		return refuse(w, "> between source and destination");
	advance(w);
	rc = address(w, ports, &family, p->daddr, &p->dport);
	if (rc)
		return rc;
	if (family != p->family)
		return refuse(w, "two addresses of one family");
	p->ethertype = family == 4 ? 0x0800 : 0x86dd;
	return 0;
}

static int to_whom(struct words *w, const struct vsw_model *m, const char *sw, struct packet *p)
{
	const struct vsw_port_cfg *port;

	advance(w);
	if (!w->at)
		return refuse(w, "a MAC address or a port's name");
	p->has_dst = true;
	if (vd_mac_parse(w->at, &p->dst) == 0)
		return 0;
	port = vsw_model_port(m, w->at);
	if (!port || !port->has_mac || strcmp(port->sw, sw))
		return refuse(w, "a MAC address, or a port of the same switch that has one");
	p->dst = port->mac;
	return 0;
}

/* ---- the packet ---- */

static int tcp_flags(struct words *w, uint8_t *ret)
{
	static const char letters[] = "FSRPAU";

	advance(w);
	if (!w->at)
		return refuse(w, "TCP flags: letters of FSRPAU");
	*ret = 0;
	for (const char *c = w->at; *c; c++) {
		const char *l = strchr(letters, toupper((unsigned char)*c));

		if (!l)
			return refuse(w, "TCP flags: letters of FSRPAU");
		*ret |= (uint8_t)(1 << (l - letters));
	}
	return 0;
}

static int packet_word(struct words *w, struct packet *p)
{
	unsigned long n;
	int rc;

	p->done = true;
	if (!strcmp(w->at, "tcp") || !strcmp(w->at, "udp")) {
		p->proto = w->at[0] == 't' ? IPPROTO_TCP : IPPROTO_UDP;
		p->tcp_flags = 2;
		return pair(w, p, true);
	}
	if (!strcmp(w->at, "icmp") || !strcmp(w->at, "icmp6")) {
		rc = pair(w, p, false);
		p->proto = p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		p->icmp_type = p->family == 4 ? 8 : 128;
		return rc;
	}
	if (!strcmp(w->at, "arp")) {
		rc = pair(w, p, false);
		if (rc == 0 && p->family != 4)
			rc = refuse(w, "IPv4 addresses (IPv6 has no ARP)");
		p->arp = true;
		p->ethertype = 0x0806;
		return rc;
	}
	if (!strcmp(w->at, "ip")) {
		rc = number(w, 255, "a protocol number of 0-255", &n);
		if (rc)
			return rc;
		p->proto = (uint8_t)n;
		return pair(w, p, false);
	}
	if (!strcmp(w->at, "ethertype")) {
		rc = number(w, 0xffff, "an EtherType of 0x0600-0xffff", &n);
		p->ethertype = (uint16_t)n;
		return rc || n >= 0x600 ? rc : refuse(w, "an EtherType of 0x0600-0xffff");
	}
	return refuse(
		w, "tcp, udp, icmp, arp, ip, ethertype, hex, from, to, vlan, flags, type or size");
}

static int word(struct words *w, const struct vsw_model *m, const char *sw, struct packet *p)
{
	unsigned long n;
	int rc;

	if (!strcmp(w->at, "from")) {
		advance(w);
		return w->at && vd_mac_parse(w->at, &p->src) == 0 ? 0 : refuse(w, "a MAC address");
	}
	if (!strcmp(w->at, "to"))
		return to_whom(w, m, sw, p);
	if (!strcmp(w->at, "flags"))
		return tcp_flags(w, &p->tcp_flags);
	if (!strcmp(w->at, "vlan")) {
		rc = number(w, 4094, "a VLAN of 0-4094", &n);
		p->vlan = (uint16_t)n;
		p->has_vlan = true;
		return rc;
	}
	if (!strcmp(w->at, "type")) {
		rc = number(w, 255, "an ICMP type of 0-255", &n);
		p->icmp_type = (uint8_t)n;
		return rc;
	}
	if (!strcmp(w->at, "size")) {
		rc = number(w, VSW_WORDS_FRAME_MAX, "a size in bytes of at most 9234", &n);
		p->size = (uint32_t)n;
		return rc;
	}
	if (p->done)
		return refuse(w, "one packet only");
	return packet_word(w, p);
}

/* ---- writing it ---- */

struct out {
	uint8_t *d;
	uint32_t n;
};

static void put(struct out *o, const void *data, uint32_t n)
{
	memcpy(o->d + o->n, data, n);
	o->n += n;
}

static void put8(struct out *o, uint8_t v)
{
	put(o, &v, 1);
}

static void put16(struct out *o, uint16_t v)
{
	put8(o, (uint8_t)(v >> 8));
	put8(o, (uint8_t)v);
}

static void put_zero(struct out *o, uint32_t n)
{
	memset(o->d + o->n, 0, n);
	o->n += n;
}

static void put_l4(struct out *o, const struct packet *p)
{
	switch (p->proto) {
	case IPPROTO_TCP:
		put16(o, p->sport);
		put16(o, p->dport);
		put_zero(o, 8);
		put8(o, 0x50);
		put8(o, p->tcp_flags);
		put_zero(o, 6);
		break;
	case IPPROTO_UDP:
		put16(o, p->sport);
		put16(o, p->dport);
		put16(o, 8);
		put16(o, 0);
		break;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		put8(o, p->icmp_type);
		put_zero(o, 7);
		break;
	default:
		put_zero(o, 8);
	}
}

static uint16_t l4_size(const struct packet *p)
{
	return p->proto == IPPROTO_TCP ? 20 : 8;
}

static void put_ip(struct out *o, const struct packet *p)
{
	if (p->family == 4) {
		put16(o, 0x4500);
		put16(o, (uint16_t)(20 + l4_size(p)));
		put_zero(o, 4);
		put8(o, 64);
		put8(o, p->proto);
		put16(o, 0);
		put(o, p->saddr, 4);
		put(o, p->daddr, 4);
	} else {
		put16(o, 0x6000);
		put16(o, 0);
		put16(o, l4_size(p));
		put8(o, p->proto);
		/* neighbour discovery is believed with 255 only */
		put8(o, p->proto == IPPROTO_ICMPV6 && p->icmp_type >= 133 ? 255 : 64);
		put(o, p->saddr, 16);
		put(o, p->daddr, 16);
	}
	put_l4(o, p);
}

static void put_arp(struct out *o, const struct packet *p)
{
	put16(o, 1);
	put16(o, 0x0800);
	put16(o, 0x0604);
	put16(o, 1);
	put(o, p->src.addr, 6);
	put(o, p->saddr, 4);
	put_zero(o, 6);
	put(o, p->daddr, 4);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void write_frame(const struct packet *p, struct vsw_words_frame *ret)
{
	struct out o = {.d = ret->data};

	put(&o, p->dst.addr, 6);
	put(&o, p->src.addr, 6);
	if (p->has_vlan) {
		put16(&o, 0x8100);
		put16(&o, p->vlan);
	}
	put16(&o, p->ethertype);
	if (p->arp)
		put_arp(&o, p);
	else if (p->family)
		put_ip(&o, p);
	if (o.n < larger(60, p->size))
		put_zero(&o, larger(60, p->size) - o.n);
	ret->size = o.n;
}

/* ---- whose address ---- */

/* The port of the same switch that @addr is pinned to. */
static bool pinned(const struct vsw_model *m, const char *sw, const struct packet *p,
		   struct vd_mac *ret)
{
	struct vd_prefix want = {.family = p->family, .len = p->family == 4 ? 32 : 128};

	memcpy(want.addr, p->daddr, p->family == 4 ? 4 : 16);
	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_policy *policy = vsw_policy_of(&m->ports[i]);

		if (strcmp(m->ports[i].sw, sw) || !m->ports[i].has_mac)
			continue;
		for (unsigned int k = 0; k < policy->n_pins; k++)
			if (vd_prefix_covers(&policy->pins[k], &want)) {
				*ret = m->ports[i].mac;
				return true;
			}
	}
	return false;
}

static void choose_destination(const struct vsw_model *m, const char *sw, struct packet *p,
			       struct vsw_words_frame *ret)
{
	static const struct vd_mac nobody = {{0x02, 0xff, 0xff, 0xff, 0xff, 0xfe}};

	if (p->has_dst)
		return;
	if (p->arp || (p->family == 4 && p->daddr[0] == 255)) {
		memset(p->dst.addr, 0xff, 6);
	} else if (p->family == 4 && p->daddr[0] >> 4 == 14) {
		const uint8_t mac[] = {1, 0, 0x5e, p->daddr[1] & 0x7f, p->daddr[2], p->daddr[3]};

		memcpy(p->dst.addr, mac, 6);
	} else if (p->family == 6 && p->daddr[0] == 0xff) {
		p->dst.addr[0] = p->dst.addr[1] = 0x33;
		memcpy(p->dst.addr + 2, p->daddr + 12, 4);
	} else if (!p->family || !pinned(m, sw, p, &p->dst)) {
		p->dst = nobody;
		ret->guessed_destination = true;
	}
}

static int hex_frame(struct words *w, struct vsw_words_frame *ret)
{
	unsigned int half = 0;

	ret->size = 0;
	for (advance(w); w->at; advance(w))
		for (const char *c = w->at; *c; c++) {
			const char *digits = "0123456789abcdef", *d;

			if (*c == ':' || *c == '-')
				continue;
			d = strchr(digits, tolower((unsigned char)*c));
			if (!d || ret->size == VSW_WORDS_FRAME_MAX)
				return refuse(w, "hexadecimal bytes, 9234 at most");
			ret->data[ret->size] = (uint8_t)(ret->data[ret->size] << 4 | (d - digits));
			half ^= 1;
			if (!half)
				ret->size++;
		}
	return half || ret->size < 14 ? refuse(w, "whole bytes, at least 14 of them") : 0;
}

int vsw_words_parse(const char *text, const struct vsw_model *m, const struct vsw_port_cfg *port,
		    struct vsw_words_frame *ret, struct vd_err *reterr)
{
	struct packet p = {.src = port->mac};
	struct words w = {.copy = strdup(text), .err = reterr};
	int rc = 0;

	memset(ret, 0, sizeof(*ret));
	if (!w.copy)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, OBJECT, NULL, "memory ran out");
	w.at = strtok_r(w.copy, " \t\r\n,", &w.next);
	if (w.at && !strcmp(w.at, "hex")) {
		rc = hex_frame(&w, ret);
		free(w.copy);
		return rc;
	}
	for (; w.at && rc == 0; advance(&w)) {
		rc = word(&w, m, port->sw, &p);
		if (rc)
			break;
	}
	if (rc == 0 && !p.done)
		rc = refuse(&w, "a packet");
	if (rc == 0) {
		choose_destination(m, port->sw, &p, ret);
		write_frame(&p, ret);
	}
	free(w.copy);
	return rc;
}

/* ---- and back ---- */

static void format_ip(const struct vsw_headers *h, char *buf, size_t size)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int af = h->family == VSW_FAMILY_IPV4 ? AF_INET : AF_INET6;
	const char *l = af == AF_INET6 ? "[" : "", *r = af == AF_INET6 ? "]" : "";

	inet_ntop(af, h->src, src, sizeof(src));
	inet_ntop(af, h->dst, dst, sizeof(dst));
	if (h->flags & VSW_HDR_PORTS) {
		char flags[16] = "", *f = flags;

		for (int i = 0; h->proto == IPPROTO_TCP && i < 6; i++)
			if (h->tcp_flags >> i & 1)
				*f++ = "FSRPAU"[i];
		*f = '\0';
		snprintf(buf, size, "%s %s%s%s:%u > %s%s%s:%u%s%s",
			 h->proto == IPPROTO_TCP   ? "tcp"
			 : h->proto == IPPROTO_UDP ? "udp"
						   : "sctp",
			 l, src, r, h->sport, l, dst, r, h->dport, *flags ? " flags " : "", flags);
	} else if ((h->proto == IPPROTO_ICMP || h->proto == IPPROTO_ICMPV6) &&
		   !(h->flags & VSW_HDR_LATER_FRAGMENT)) {
		snprintf(buf, size, "icmp %s > %s type %u", src, dst, h->icmp_type);
	} else {
		snprintf(buf, size, "ip %u %s > %s%s", h->proto, src, dst,
			 h->flags & VSW_HDR_LATER_FRAGMENT ? " (a later fragment)" : "");
	}
}

const char *vsw_words_format(const uint8_t *d, uint32_t kept, uint32_t len,
			     char buf[VSW_WORDS_TEXT])
{
	struct vsw_headers h;
	char *end = buf + VSW_WORDS_TEXT;

	buf[0] = '\0';
	if (kept < 14) {
		snprintf(buf, VSW_WORDS_TEXT, "%u bytes that are no frame", len);
		return buf;
	}
	vsw_headers_parse(d, kept, len, &h);
	if (h.family != VSW_FAMILY_OTHER && h.src && !(h.flags & VSW_HDR_BROKEN)) {
		format_ip(&h, buf, VSW_WORDS_TEXT);
	} else if (h.ethertype == 0x0806 && h.l3 + 28u <= kept) {
		char a[INET_ADDRSTRLEN], b[INET_ADDRSTRLEN];

		inet_ntop(AF_INET, d + h.l3 + 14, a, sizeof(a));
		inet_ntop(AF_INET, d + h.l3 + 24, b, sizeof(b));
		snprintf(buf, VSW_WORDS_TEXT, "arp %s > %s", a, b);
	} else {
		snprintf(buf, VSW_WORDS_TEXT, "ethertype 0x%04x%s", h.ethertype,
			 h.flags & VSW_HDR_BROKEN ? " (broken)" : "");
	}
	if (h.flags & VSW_HDR_TAGGED)
		snprintf(buf + strlen(buf), (size_t)(end - buf) - strlen(buf), " vlan %u", h.vid);
	snprintf(buf + strlen(buf), (size_t)(end - buf) - strlen(buf),
		 " from %02x:%02x:%02x:%02x:%02x:%02x to %02x:%02x:%02x:%02x:%02x:%02x", d[6], d[7],
		 d[8], d[9], d[10], d[11], d[0], d[1], d[2], d[3], d[4], d[5]);
	return buf;
}
