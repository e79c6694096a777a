/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Test frames, written and judged byte by byte: deliberately another way than the code under test. */
#include "tests/unit/vswitch/mbuf_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* Sum of big-endian words, folded; an odd last byte counts as a high byte. */
static uint32_t sum16(const uint8_t *p, uint32_t size, uint32_t sum)
{
	for (uint32_t i = 0; i < size; i++)
		sum += i & 1 ? p[i] : (uint32_t)p[i] << 8, sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo(const uint8_t *ip, bool ipv6, uint8_t proto, uint32_t l4_size)
{
	uint32_t sum = sum16(ip + (ipv6 ? 8 : 12), ipv6 ? 32 : 8, 0);

	sum += proto + l4_size;
	return (sum & 0xffff) + (sum >> 16);
}

uint32_t kit_frame_write(const struct kit_frame *f, uint8_t *buf)
{
	uint32_t l4_size = (f->udp ? 8u : 20u + f->tcp_options) + f->payload;
	uint8_t proto = f->udp ? 17 : 6;
	uint8_t *p = buf, *ip, *l4, *field;
	uint32_t sum;

	memcpy(p, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
	p += 12;
	for (unsigned int i = 0; i < f->n_tags; i++, p += 4)
		memcpy(p, i + 1 == f->n_tags ? "\x81\x00\x00\x0a" : "\x88\xa8\x00\x14", 4);
	put16(p, f->ipv6 ? 0x86dd : 0x0800);
	ip = p + 2;
	if (f->ipv6) {
		memset(ip, 0, 40);
		ip[0] = 0x60;
		put16(ip + 4, l4_size);
		ip[6] = proto;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		ip[23] = 1;
		ip[39] = 2;
		l4 = ip + 40;
	} else {
		memcpy(ip, "\x45\0\0\0\x12\x34\x40\0\x40\0\0\0\x0a\0\0\x01\x0a\0\0\x02", 20);
		put16(ip + 2, 20 + l4_size);
		ip[9] = proto;
		put16(ip + 10, ~sum16(ip, 20, 0) & 0xffff);
		l4 = ip + 20;
	}
	memset(l4, 0, l4_size - f->payload);
	put16(l4, 1111);
	put16(l4 + 2, 2222);
	if (f->udp) {
		put16(l4 + 4, l4_size);
		field = l4 + 6;
	} else {
		memcpy(l4 + 4, "\xff\xff\xff\x00\x01\x02\x03\x04", 8);
		l4[12] = (uint8_t)((20 + f->tcp_options) / 4 << 4);
		l4[13] = f->tcp_flags;
		memset(l4 + 20, 1, f->tcp_options);
		field = l4 + 16;
	}
	for (uint32_t i = 0; i < f->payload; i++)
		l4[l4_size - f->payload + i] = (uint8_t)(i * 7 + (i >> 8) * 31 + (i >> 16));
	sum = pseudo(ip, f->ipv6, proto, l4_size);
	if (!f->partial) {
		sum = ~sum16(l4, l4_size, sum) & 0xffff;
		if (sum == 0)
			sum = 0xffff;
	}
	put16(field, sum);
	return (uint32_t)(l4 - buf) + l4_size;
}

struct rte_mbuf *kit_chain(struct rte_mempool *pool, const uint8_t *data, uint32_t size,
			   uint32_t first, uint32_t rest)
{
	struct rte_mbuf *head = NULL, *tail = NULL;
	uint32_t want = first;

	do {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint32_t n = want ? want : size;

		if (!m) {
			fprintf(stderr, "test pool is empty\n");
			exit(1);
		}
		n = RTE_MIN(RTE_MIN(n, size), (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), data, n);
		data += n;
		size -= n;
		want = rest;
		if (head) {
			tail->next = m;
			head->nb_segs++;
			head->pkt_len += n;
		} else {
			head = m;
		}
		tail = m;
	} while (size);
	return head;
}

uint32_t kit_flatten(const struct rte_mbuf *m, uint8_t *buf, uint32_t room)
{
	const uint8_t *p;

	if (m->pkt_len > room)
		return 0;
	p = rte_pktmbuf_read(m, 0, m->pkt_len, buf);
	if (p && p != buf)
		memcpy(buf, p, m->pkt_len);
	return p ? m->pkt_len : 0;
}

uint32_t kit_header_size(const uint8_t *frame, uint32_t size)
{
	uint32_t off = 12;
	uint8_t proto;

	while (size >= off + 64 - 48 &&
	       (get16(frame + off) == 0x8100 || get16(frame + off) == 0x88a8))
		off += 4;
	if (get16(frame + off) == 0x0800) {
		proto = frame[off + 2 + 9];
		off += 2 + (frame[off + 2] & 15) * 4u;
	} else if (get16(frame + off) == 0x86dd) {
		proto = frame[off + 2 + 6];
		off += 42;
	} else {
		return 0;
	}
	if (proto != 6 && proto != 17)
		return 0;
	off += proto == 17 ? 8 : (frame[off + 12] >> 4) * 4u;
	return off <= size ? off : 0;
}

bool kit_checksums_good(const uint8_t *frame, uint32_t size)
{
	uint32_t off = 12, l4_size;
	const uint8_t *ip, *l4;
	bool ipv6;
	uint8_t proto;

	while (get16(frame + off) == 0x8100 || get16(frame + off) == 0x88a8)
		off += 4;
	ipv6 = get16(frame + off) == 0x86dd;
	ip = frame + off + 2;
	l4 = ip + (ipv6 ? 40 : (ip[0] & 15) * 4);
	proto = ip[ipv6 ? 6 : 9];
	l4_size = ipv6 ? get16(ip + 4) : get16(ip + 2) - (ip[0] & 15) * 4u;
	if (l4 + l4_size > frame + size)
		return false;
	if (!ipv6 && sum16(ip, (ip[0] & 15) * 4u, 0) != 0xffff)
		return false;
	return sum16(l4, l4_size, pseudo(ip, ipv6, proto, l4_size)) == 0xffff;
}
