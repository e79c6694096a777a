/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation. The headers are copied out once and become a template; each segment is
 * template + a slice of the payload, in fresh buffers (a chain of them when the segment size is
 * larger than a buffer), so that nothing is shared and every device takes them. What differs from
 * segment to segment follows Linux's tcp_gso_segment(): the sequence number advances, FIN and PSH are
 * for the last, CWR for the first, the IPv4 identification counts up.
 */
#include "vswitch/datapath/segment.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <rte_byteorder.h>
#include <rte_ip.h>

#include "vswitch/datapath/frame_l4.h"
#include "vswitch/datapath/offload.h"

#define HDR_MAX 768 /* l2_len 127 + l3_len 511 + l4_len 60, rounded up */

#define TCP_FIN 0x01
#define TCP_PSH 0x08
#define TCP_CWR 0x80

struct cutter {
	const struct rte_mbuf *whole;
	uint8_t hdr[HDR_MAX];
	uint32_t hdr_size;
	uint32_t l4_off;
	bool udp, ipv6;
	uint16_t ip_id;
	uint32_t tcp_seq;
	uint8_t tcp_flags;
	uint32_t pseudo;           /* pseudo-header sum without the length */
	const struct rte_mbuf *at; /* payload not yet taken: segment ... */
	uint32_t at_off;           /* ... and offset in it */
};

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static int cutter_init(struct cutter *c, const struct rte_mbuf *m)
{
	const uint8_t *p, *ip, *l4;

	c->whole = m;
	c->l4_off = m->l2_len + m->l3_len;
	c->hdr_size = c->l4_off + m->l4_len;
	c->udp = m->ol_flags & RTE_MBUF_F_TX_UDP_SEG;
	c->ipv6 = m->ol_flags & RTE_MBUF_F_TX_IPV6;
	if (m->l2_len < 14 || m->l3_len < (c->ipv6 ? 40 : 20) || m->l4_len < (c->udp ? 8 : 20) ||
	    c->hdr_size > HDR_MAX || m->tso_segsz == 0)
		return -EINVAL;
	p = rte_pktmbuf_read(m, 0, c->hdr_size, c->hdr);
	if (!p)
		return -EINVAL;
	if (p != c->hdr)
		memcpy(c->hdr, p, c->hdr_size);
	ip = c->hdr + m->l2_len;
	l4 = c->hdr + c->l4_off;
	c->ip_id = (uint16_t)get16(ip + 4);
	c->pseudo = vsw_frame_pseudo_sum(ip, c->ipv6, c->udp ? IPPROTO_UDP : IPPROTO_TCP);
	c->tcp_seq = c->udp ? 0 : get16(l4 + 4) << 16 | get16(l4 + 6);
	c->tcp_flags = c->udp ? 0 : l4[13];
	c->at = m;
	c->at_off = c->hdr_size;
	return 0;
}

/** Headers of segment @i, whose payload has @size bytes. */
static void cutter_header(struct cutter *c, unsigned int i, uint32_t size, bool last)
{
	uint8_t *ip = c->hdr + c->whole->l2_len;
	uint8_t *l4 = c->hdr + c->l4_off;
	uint32_t ip_size = c->hdr_size - c->whole->l2_len + size;

	if (c->ipv6) {
		put16(ip + 4, ip_size - 40);
	} else {
		uint16_t sum;

		put16(ip + 2, ip_size);
		put16(ip + 4, c->ip_id + i);
		put16(ip + 10, 0);
		sum = (uint16_t)~rte_raw_cksum(ip, c->whole->l3_len);
		memcpy(ip + 10, &sum, sizeof(sum));
	}
	if (c->udp) {
		put16(l4 + 4, 8 + size);
		put16(l4 + VSW_UDP_CSUM_OFFSET, 0);
		return;
	}
	put32(l4 + 4, c->tcp_seq);
	c->tcp_seq += size;
	l4[13] = c->tcp_flags;
	if (!last)
		l4[13] &= (uint8_t) ~(TCP_FIN | TCP_PSH);
	if (i > 0)
		l4[13] &= (uint8_t)~TCP_CWR;
	put16(l4 + VSW_TCP_CSUM_OFFSET, 0);
}

/** Append @size bytes of payload to @seg, in as many buffers as it takes. */
static int cutter_payload(struct cutter *c, struct rte_mempool *pool, struct rte_mbuf *seg,
			  uint32_t size)
{
	struct rte_mbuf *tail = seg;

	while (size) {
		uint32_t room = rte_pktmbuf_tailroom(tail);
		uint32_t n;

		while (c->at_off >= c->at->data_len) {
			c->at_off -= c->at->data_len;
			c->at = c->at->next;
		}
		if (room == 0) {
			tail->next = rte_pktmbuf_alloc(pool);
			if (!tail->next)
				return -ENOMEM;
			tail = tail->next;
			seg->nb_segs++;
			continue;
		}
		n = RTE_MIN(RTE_MIN(size, room), c->at->data_len - c->at_off);
		memcpy(rte_pktmbuf_mtod_offset(tail, void *, tail->data_len),
		       rte_pktmbuf_mtod_offset(c->at, const void *, c->at_off), n);
		tail->data_len += n;
		seg->pkt_len += n;
		c->at_off += n;
		size -= n;
	}
	return 0;
}

static void cutter_checksum(const struct cutter *c, struct rte_mbuf *seg, uint64_t caps)
{
	uint32_t l4_size = seg->pkt_len - c->l4_off;
	uint32_t field = c->l4_off + (c->udp ? VSW_UDP_CSUM_OFFSET : VSW_TCP_CSUM_OFFSET);
	uint64_t request = c->udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM;
	uint16_t sum = vsw_sum_fold(c->pseudo + rte_cpu_to_be_16((uint16_t)l4_size));

	if (vsw_offload_can_cksum(caps, request)) {
		seg->ol_flags |= request | (c->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
		seg->l2_len = c->whole->l2_len;
		seg->l3_len = c->whole->l3_len;
		seg->l4_len = c->whole->l4_len;
	} else {
		sum = (uint16_t)~vsw_sum_fold((uint32_t)sum +
					      vsw_frame_sum(seg, c->l4_off, l4_size));
		if (c->udp && sum == 0)
			sum = 0xffff;
		seg->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
	vsw_frame_write(seg, field, &sum, sizeof(sum));
}

static struct rte_mbuf *cutter_next(struct cutter *c, struct rte_mempool *pool, uint64_t caps,
				    unsigned int i, uint32_t size, bool last)
{
	struct rte_mbuf *seg = rte_pktmbuf_alloc(pool);

	if (!seg)
		return NULL;
	if (rte_pktmbuf_tailroom(seg) < c->hdr_size) {
		rte_pktmbuf_free(seg);
		return NULL;
	}
	seg->port = c->whole->port;
	seg->hash = c->whole->hash;
	rte_mbuf_dynfield_copy(seg, c->whole);
	cutter_header(c, i, size, last);
	memcpy(rte_pktmbuf_append(seg, (uint16_t)c->hdr_size), c->hdr, c->hdr_size);
	if (cutter_payload(c, pool, seg, size) < 0) {
		rte_pktmbuf_free(seg);
		return NULL;
	}
	cutter_checksum(c, seg, caps);
	return seg;
}

int vsw_segment(struct rte_mbuf *m, uint64_t caps, struct rte_mempool *pool, struct rte_mbuf **out,
		uint16_t n_out)
{
	struct cutter c;
	uint32_t left, n;

	if (cutter_init(&c, m) < 0)
		return -EMSGSIZE;
	left = m->pkt_len - c.hdr_size;
	n = (left + m->tso_segsz - 1) / m->tso_segsz;
	if (n == 0)
		n = 1;
	if (n > n_out)
		return -ENOBUFS;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = RTE_MIN(left, (uint32_t)m->tso_segsz);

		out[i] = cutter_next(&c, pool, caps, i, size, i == n - 1);
		if (!out[i]) {
			rte_pktmbuf_free_bulk(out, i);
			return -ENOMEM;
		}
		left -= size;
	}
	rte_pktmbuf_free(m);
	return (int)n;
}
