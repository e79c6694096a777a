/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of probers, and reading the answers: see probe_frame.h. */
#include "vswitch/datapath/probe_frame.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "vswitch/policy/headers.h"

#define FRAME_MIN   60
#define TYPE_ARP    0x0806
#define ARP_SIZE    28u
#define ND_SOLICIT  135
#define ND_ADVERT   136
#define ND_MIN      24u  /* bytes up to the end of the target address */
#define FLAG_ANSWER 0x60 /* of an advertisement: solicited, override */
#define ECHO_MIN    8u

/* ---- building ---- */

static void put(struct vsw_probe_frame *f, const void *p, uint16_t n)
{
	memcpy(f->d + f->n, p, n);
	f->n = (uint16_t)(f->n + n);
}

static void put16(struct vsw_probe_frame *f, uint16_t v)
{
	v = htons(v);
	put(f, &v, 2);
}

static void begin(const struct vsw_probe_talk *t, struct vsw_probe_frame *f, const uint8_t *dst,
		  uint16_t type)
{
	memset(f, 0, sizeof(*f));
	put(f, dst, 6);
	put(f, t->mac, 6);
	if (t->vlan) {
		put16(f, 0x8100);
		put16(f, t->vlan);
	}
	put16(f, type);
}

static void pad(struct vsw_probe_frame *f)
{
	if (f->n < FRAME_MIN)
		f->n = FRAME_MIN;
}

static uint32_t add_up(const uint8_t *p, uint32_t n, uint32_t sum)
{
	for (uint32_t i = 0; i < n; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void arp(const struct vsw_probe_talk *t, struct vsw_probe_frame *f, const uint8_t *dst,
		uint16_t op, const uint8_t *target_mac, const uint8_t *target)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};

	begin(t, f, dst, TYPE_ARP);
	put(f, head, sizeof(head));
	put16(f, op);
	put(f, t->mac, 6);
	put(f, t->ip, 4);
	put(f, target_mac, 6);
	put(f, target, 4);
	pad(f);
}

/* An ICMPv6 message of @n bytes to @dst; its checksum is made here. */
static void icmp6(const struct vsw_probe_talk *t, struct vsw_probe_frame *f, const uint8_t *mac,
		  const uint8_t *dst, uint8_t *msg, uint16_t n)
{
	static const uint8_t head[4] = {0x60};
	const uint8_t limits[2] = {58, 255};
	uint16_t sum;

	begin(t, f, mac, 0x86dd);
	put(f, head, 4);
	put16(f, n);
	put(f, limits, 2);
	put(f, t->ip, 16);
	put(f, dst, 16);
	sum = folded(add_up(msg, n, add_up(t->ip, 16, add_up(dst, 16, 58u + n))));
	memcpy(msg + 2, &sum, 2);
	put(f, msg, n);
	pad(f);
}

static void nd(const struct vsw_probe_talk *t, struct vsw_probe_frame *f, uint8_t type,
	       const uint8_t *mac, const uint8_t *dst, const uint8_t *target)
{
	uint8_t msg[32] = {type};

	if (type == ND_ADVERT)
		msg[4] = FLAG_ANSWER;
	memcpy(msg + 8, target, 16);
	msg[24] = type == ND_ADVERT ? 2 : 1;
	msg[25] = 1;
	memcpy(msg + 26, t->mac, 6);
	icmp6(t, f, mac, dst, msg, sizeof(msg));
}

void vsw_probe_question(const struct vsw_probe_talk *t, struct vsw_probe_frame *f)
{
	static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255}, none[6];
	uint8_t node[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff},
		mac[6] = {0x33, 0x33, 0xff};

	if (t->target.family == 4) {
		arp(t, f, everybody, 1, none, t->target.addr);
		return;
	}
	memcpy(node + 13, t->target.addr + 13, 3);
	memcpy(mac + 3, t->target.addr + 13, 3);
	nd(t, f, ND_SOLICIT, mac, node, t->target.addr);
}

void vsw_probe_echo(const struct vsw_probe_talk *t, struct vsw_probe_frame *f)
{
	uint8_t msg[ECHO_MIN + VSW_PROBE_ECHO_MAX] = {t->target.family == 4 ? 8 : 128},
			       ip[20] = {0x45};
	uint16_t n = (uint16_t)(ECHO_MIN + t->size), sum, serial = htons(t->serial),
		 total = htons((uint16_t)(20 + n));

	memcpy(msg + 4, t->mac + 4, 2);
	memcpy(msg + 6, &serial, 2);
	for (uint16_t i = 0; i < t->size; i++)
		msg[8 + i] = (uint8_t)i;
	if (t->target.family == 6) {
		icmp6(t, f, t->guest, t->target.addr, msg, n);
		return;
	}
	memcpy(ip + 2, &total, 2);
	ip[8] = 64;
	ip[9] = 1;
	memcpy(ip + 12, t->ip, 4);
	memcpy(ip + 16, t->target.addr, 4);
	sum = folded(add_up(ip, sizeof(ip), 0));
	memcpy(ip + 10, &sum, 2);
	sum = folded(add_up(msg, n, 0));
	memcpy(msg + 2, &sum, 2);
	begin(t, f, t->guest, 0x0800);
	put(f, ip, sizeof(ip));
	put(f, msg, n);
	pad(f);
}

/* ---- reading ---- */

/* @p: an ARP message of at least ARP_SIZE bytes. */
static enum vsw_probe_said read_arp(const struct vsw_probe_talk *t, const uint8_t *d,
				    const uint8_t *p, uint8_t mac[6], struct vsw_probe_frame *reply)
{
	if (p[7] == 2 && !memcmp(p + 14, t->target.addr, 4)) {
		memcpy(mac, p + 8, 6);
		return VSW_PROBE_FOUND;
	}
	if (p[7] == 1 && !memcmp(p + 24, t->ip, 4)) {
		arp(t, reply, d + 6, 2, p + 8, p + 14);
		return VSW_PROBE_ASKED;
	}
	return VSW_PROBE_NOTHING;
}

static bool is_our_echo(const struct vsw_probe_talk *t, const uint8_t *p, const uint8_t *src)
{
	uint16_t serial = htons(t->serial);

	return !memcmp(p + 4, t->mac + 4, 2) && !memcmp(p + 6, &serial, 2) &&
	       !memcmp(src, t->target.addr, t->target.family == 4 ? 4 : 16);
}

static enum vsw_probe_said read_icmp(const struct vsw_probe_talk *t, const uint8_t *d, uint32_t len,
				     const struct vsw_headers *h, uint8_t mac[6],
				     struct vsw_probe_frame *reply)
{
	const uint8_t *p = d + h->l4;

	if (h->icmp_type == (h->family == VSW_FAMILY_IPV4 ? 0 : 129))
		return h->l4 + ECHO_MIN <= len && is_our_echo(t, p, h->src) ? VSW_PROBE_ECHOED
									    : VSW_PROBE_NOTHING;
	if (h->family != VSW_FAMILY_IPV6 || h->l4 + ND_MIN > len)
		return VSW_PROBE_NOTHING;
	if (h->icmp_type == ND_ADVERT && !memcmp(p + 8, t->target.addr, 16)) {
		memcpy(mac, d + 6, 6);
		return VSW_PROBE_FOUND;
	}
	if (h->icmp_type == ND_SOLICIT && !memcmp(p + 8, t->ip, 16)) {
		nd(t, reply, ND_ADVERT, d + 6, h->src, t->ip);
		return VSW_PROBE_ASKED;
	}
	return VSW_PROBE_NOTHING;
}

enum vsw_probe_said vsw_probe_read(const struct vsw_probe_talk *t, const uint8_t *d, uint32_t len,
				   uint8_t mac[6], struct vsw_probe_frame *reply)
{
	struct vsw_headers h;

	vsw_headers_parse(d, len, len, &h);
	if (h.flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT))
		return VSW_PROBE_NOTHING;
	if (h.ethertype == TYPE_ARP && t->target.family == 4 && h.l3 + ARP_SIZE <= len)
		return read_arp(t, d, d + h.l3, mac, reply);
	if ((h.family == VSW_FAMILY_IPV4 && t->target.family == 4 && h.proto == 1) ||
	    (h.family == VSW_FAMILY_IPV6 && t->target.family == 6 && h.proto == 58))
		return read_icmp(t, d, len, &h, mac, reply);
	return VSW_PROBE_NOTHING;
}
