/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests of guards: headers are put one behind the other; lengths are filled in at the end.
 * Thread-safety: one thread.
 */
#pragma once

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

struct kit_bytes {
	uint8_t d[2048];
	uint32_t n;
	uint32_t ip;   /* offset of the IP header; 0: none */
	uint32_t next; /* offset of the byte that names the next header (IPv6) */
};

static inline void kit_put(struct kit_bytes *b, const void *p, uint32_t n)
{
	memcpy(b->d + b->n, p, n);
	b->n += n;
}

static inline void kit_zero(struct kit_bytes *b, uint32_t n)
{
	memset(b->d + b->n, 0, n);
	b->n += n;
}

static inline void kit_be16(struct kit_bytes *b, uint16_t v)
{
	uint16_t w = htons(v);

	kit_put(b, &w, 2);
}

/* @dst, @src: last byte of 02:00:00:00:00:xx; 0xff as destination: broadcast */
static inline void kit_eth(struct kit_bytes *b, uint8_t dst, uint8_t src, uint16_t type)
{
	uint8_t mac[6] = {2, 0, 0, 0, 0, dst};

	memset(b, 0, sizeof(*b));
	if (dst == 0xff)
		memset(mac, 0xff, 6);
	kit_put(b, mac, 6);
	memset(mac, 0, 6);
	mac[0] = 2;
	mac[5] = src;
	kit_put(b, mac, 6);
	kit_be16(b, type);
}

static inline void kit_ip4(struct kit_bytes *b, const char *src, const char *dst, uint8_t proto)
{
	uint8_t h[20] = {0x45, 0, 0, 0, 0, 1, 0, 0, 64, proto};

	b->ip = b->n;
	inet_pton(AF_INET, src, h + 12);
	inet_pton(AF_INET, dst, h + 16);
	kit_put(b, h, sizeof(h));
}

static inline void kit_ip6(struct kit_bytes *b, const char *src, const char *dst, uint8_t next)
{
	uint8_t h[40] = {0x60, 0, 0, 0, 0, 0, next, 255};

	b->ip = b->n;
	b->next = b->n + 6;
	inet_pton(AF_INET6, src, h + 8);
	inet_pton(AF_INET6, dst, h + 24);
	kit_put(b, h, sizeof(h));
}

/* An IPv6 extension header of 8 bytes, of kind @kind, in front of what follows. */
static inline void kit_ext(struct kit_bytes *b, uint8_t kind, uint16_t offset_flags, uint32_t id)
{
	uint8_t follows = b->d[b->next], h[8] = {follows};

	b->d[b->next] = kind;
	b->next = b->n;
	if (kind == 44) {
		h[2] = (uint8_t)(offset_flags >> 8);
		h[3] = (uint8_t)offset_flags;
		memcpy(h + 4, &id, 4);
	}
	kit_put(b, h, sizeof(h));
}

static inline void kit_udp(struct kit_bytes *b, uint16_t sport, uint16_t dport)
{
	kit_be16(b, sport);
	kit_be16(b, dport);
	kit_zero(b, 4);
}

/* ICMPv6 with a target and, with @lladdr, the link-layer option @option of 02:00:00:00:00:<lladdr> */
static inline void kit_nd(struct kit_bytes *b, uint8_t type, const char *target, uint8_t option,
			  uint8_t lladdr)
{
	uint8_t h[24] = {type}, o[8] = {option, 1, 2, 0, 0, 0, 0, lladdr};

	if (target)
		inet_pton(AF_INET6, target, h + 8);
	kit_put(b, h, type == 133 ? 8 : sizeof(h));
	if (option)
		kit_put(b, o, sizeof(o));
}

static inline void kit_arp(struct kit_bytes *b, uint16_t op, uint8_t sender_mac, const char *sender,
			   const char *target)
{
	uint8_t p[28] = {0, 1, 8, 0, 6, 4, 0, (uint8_t)op, 2, 0, 0, 0, 0, sender_mac};

	inet_pton(AF_INET, sender, p + 14);
	inet_pton(AF_INET, target, p + 24);
	kit_put(b, p, sizeof(p));
}

/* Fill in the lengths. */
static inline void kit_end(struct kit_bytes *b)
{
	uint32_t size = b->n - b->ip;

	if (b->ip && b->d[b->ip] >> 4 == 4) {
		b->d[b->ip + 2] = (uint8_t)(size >> 8);
		b->d[b->ip + 3] = (uint8_t)size;
	} else if (b->ip) {
		b->d[b->ip + 4] = (uint8_t)((size - 40) >> 8);
		b->d[b->ip + 5] = (uint8_t)(size - 40);
	}
}
