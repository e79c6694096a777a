/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net headers to mbuf requests and back, and finishing checksums. Cutting super-frames is in
 * segment.c.
 *
 * The checksum field of a frame with a request holds the sum over the pseudo header including the
 * L4 length of the whole (super-)frame, as virtio has it; finishing adds up what is there, so that
 * it needs no pseudo header and is right with IPv6 routing headers too.
 */
#include "vswitch/datapath/offload.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <string.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include "vswitch/datapath/frame_l4.h"
#include "vswitch/datapath/segment.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4 /* Linux 6.2 */
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define ANY_SEG (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

/** Replace the 16 bits at @start + @offset by the checksum over @start..@end. Zero becomes its other form
 *  0xffff, as Linux does: in UDP zero means "none" (RFC 768), elsewhere both are right. */
static void finish_sum(struct rte_mbuf *m, uint32_t start, uint32_t offset, uint32_t end)
{
	uint16_t sum = (uint16_t)~vsw_frame_sum(m, start, end - start);

	if (sum == 0)
		sum = 0xffff;
	vsw_frame_write(m, start + offset, &sum, sizeof(sum));
}

static void set_requests(struct rte_mbuf *m, const struct vsw_frame_l4 *f, uint64_t flags)
{
	m->ol_flags |= flags | (f->ipv6 ? RTE_MBUF_F_TX_IPV6 : RTE_MBUF_F_TX_IPV4);
	m->l2_len = f->l2_len;
	m->l3_len = f->l3_len;
	m->l4_len = f->l4_len;
}

static uint64_t cksum_flag(uint8_t proto)
{
	return proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
}

static uint16_t csum_offset(uint8_t proto)
{
	return proto == IPPROTO_TCP ? VSW_TCP_CSUM_OFFSET : VSW_UDP_CSUM_OFFSET;
}

static int from_vnet_csum(struct rte_mbuf *m, const struct vsw_vnet_hdr *h)
{
	struct vsw_frame_l4 f;
	int r;

	if (h->csum_start < RTE_ETHER_HDR_LEN ||
	    (uint32_t)h->csum_start + h->csum_offset + 2 > m->pkt_len)
		return -EINVAL;
	r = vsw_frame_l4_parse(m, &f);
	if (r == -EINVAL)
		return r;
	if (r == 0 && h->csum_start == f.l2_len + f.l3_len &&
	    h->csum_offset == csum_offset(f.proto)) {
		set_requests(m, &f, cksum_flag(f.proto));
		return 0;
	}
	/* Tunnels, fragments, other protocols: flags cannot say it, so do it now. */
	finish_sum(m, h->csum_start, h->csum_offset, m->pkt_len);
	return 0;
}

/** The protocol and version a GSO type claims. */
static bool gso_fits(uint8_t gso, const struct vsw_frame_l4 *f)
{
	switch (gso) {
	case VIRTIO_NET_HDR_GSO_TCPV4:
		return f->proto == IPPROTO_TCP && !f->ipv6;
	case VIRTIO_NET_HDR_GSO_TCPV6:
		return f->proto == IPPROTO_TCP && f->ipv6;
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		return f->proto == IPPROTO_UDP;
	default:
		return false;
	}
}

static int from_vnet_gso(struct rte_mbuf *m, const struct vsw_vnet_hdr *h, uint8_t gso)
{
	struct vsw_frame_l4 f;
	uint64_t flags;
	uint32_t payload;

	if (vsw_frame_l4_parse(m, &f) < 0 || !gso_fits(gso, &f) || f.routed ||
	    f.end != m->pkt_len || h->gso_size == 0)
		return -EINVAL;
	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	    (h->csum_start != f.l2_len + f.l3_len || h->csum_offset != csum_offset(f.proto)))
		return -EINVAL;
	payload = m->pkt_len - f.l2_len - f.l3_len - f.l4_len;
	if (payload > (uint32_t)h->gso_size * VSW_GSO_MAX_SEGS)
		return -EINVAL;
	flags = cksum_flag(f.proto);
	if (payload > h->gso_size) {
		flags |= f.proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
		m->tso_segsz = h->gso_size;
	}
	set_requests(m, &f, flags);
	/* A frame merged by a NIC comes with its checksum verified, not partial: make it so. */
	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		vsw_offload_pseudo_set(m);
	return 0;
}

int vsw_offload_from_vnet(struct rte_mbuf *m, const struct vsw_vnet_hdr *h)
{
	uint8_t gso = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;

	if (gso != VIRTIO_NET_HDR_GSO_NONE)
		return from_vnet_gso(m, h, gso);
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		return from_vnet_csum(m, h);
	if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	return 0;
}

static bool has_cwr(const struct rte_mbuf *m)
{
	uint8_t buf[1];
	const uint8_t *p = rte_pktmbuf_read(m, m->l2_len + m->l3_len + 13u, 1, buf);

	return p && (p[0] & 0x80);
}

void vsw_offload_to_vnet(const struct rte_mbuf *m, struct vsw_vnet_hdr *ret)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;

	memset(ret, 0, sizeof(*ret));
	if (!(m->ol_flags & (ANY_SEG | RTE_MBUF_F_TX_L4_MASK))) {
		if ((m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD)
			ret->flags = VIRTIO_NET_HDR_F_DATA_VALID;
		return;
	}
	ret->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	ret->csum_start = m->l2_len + m->l3_len;
	ret->csum_offset = (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) || l4 == RTE_MBUF_F_TX_UDP_CKSUM
				   ? VSW_UDP_CSUM_OFFSET
				   : VSW_TCP_CSUM_OFFSET;
	if (!(m->ol_flags & ANY_SEG))
		return;
	ret->hdr_len = ret->csum_start + m->l4_len;
	ret->gso_size = m->tso_segsz;
	if (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) {
		ret->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
		return;
	}
	ret->gso_type = m->ol_flags & RTE_MBUF_F_TX_IPV6 ? VIRTIO_NET_HDR_GSO_TCPV6
							 : VIRTIO_NET_HDR_GSO_TCPV4;
	if (has_cwr(m))
		ret->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}

void vsw_offload_pseudo_set(struct rte_mbuf *m)
{
	bool udp = (m->ol_flags & RTE_MBUF_F_TX_UDP_SEG) ||
		   (m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_UDP_CKSUM;
	bool ipv6 = m->ol_flags & RTE_MBUF_F_TX_IPV6;
	uint32_t start = m->l2_len + m->l3_len;
	uint8_t buf[40];
	const uint8_t *ip = rte_pktmbuf_read(m, m->l2_len, ipv6 ? 40 : 20, buf);
	uint16_t total, sum;

	if (!ip || start > m->pkt_len)
		return;
	total = ipv6 ? (uint16_t)((ip[4] << 8 | ip[5]) + 40) : (uint16_t)(ip[2] << 8 | ip[3]);
	sum = vsw_sum_fold(vsw_frame_pseudo_sum(ip, ipv6, udp ? IPPROTO_UDP : IPPROTO_TCP) +
			   rte_cpu_to_be_16((uint16_t)(total - m->l3_len)));
	start += udp ? VSW_UDP_CSUM_OFFSET : VSW_TCP_CSUM_OFFSET;
	if (start + 2 <= m->pkt_len)
		vsw_frame_write(m, start, &sum, sizeof(sum));
}

/** Where the IP packet ends: trailing Ethernet padding is not part of the checksum. */
static uint32_t ip_end(const struct rte_mbuf *m)
{
	bool ipv6 = m->ol_flags & RTE_MBUF_F_TX_IPV6;
	uint8_t buf[2];
	const uint8_t *p = rte_pktmbuf_read(m, m->l2_len + (ipv6 ? 4u : 2u), 2, buf);
	uint32_t end;

	if (!p)
		return m->pkt_len;
	end = m->l2_len + (uint32_t)(p[0] << 8 | p[1]) + (ipv6 ? 40 : 0);
	return end > m->pkt_len || end < m->l2_len + m->l3_len + 8u ? m->pkt_len : end;
}

static void finish_ip(struct rte_mbuf *m)
{
	static const uint16_t zero;

	if (m->l3_len < 20 || (uint32_t)m->l2_len + m->l3_len > m->pkt_len)
		return;
	vsw_frame_write(m, m->l2_len + 10u, &zero, sizeof(zero));
	finish_sum(m, m->l2_len, 10, m->l2_len + m->l3_len);
}

/** Do in software every checksum request that @caps lacks. */
static void finish_checksums(struct rte_mbuf *m, uint64_t caps)
{
	uint64_t l4 = m->ol_flags & RTE_MBUF_F_TX_L4_MASK;
	uint32_t start = m->l2_len + m->l3_len;
	uint32_t offset = l4 == RTE_MBUF_F_TX_UDP_CKSUM ? VSW_UDP_CSUM_OFFSET : VSW_TCP_CSUM_OFFSET;

	if ((m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM) && !(caps & RTE_MBUF_F_TX_IP_CKSUM)) {
		finish_ip(m);
		m->ol_flags &= ~RTE_MBUF_F_TX_IP_CKSUM;
	}
	if (l4 && !vsw_offload_can_cksum(caps, l4)) {
		if (start + offset + 2 <= m->pkt_len)
			finish_sum(m, start, offset, ip_end(m));
		m->ol_flags &= ~RTE_MBUF_F_TX_L4_MASK;
		m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	}
}

/** Can a device with @caps cut @m itself? */
static bool can_segment(const struct rte_mbuf *m, uint64_t caps)
{
	const uint64_t versions = RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IPV6;

	if ((m->ol_flags & ANY_SEG) & ~caps)
		return false;
	return !(caps & versions) || (m->ol_flags & caps & versions);
}

int vsw_offload_prepare(struct rte_mbuf *m, uint64_t caps, uint32_t max_frame,
			struct rte_mempool *pool, struct rte_mbuf **out, uint16_t n_out)
{
	if (n_out == 0)
		return -ENOBUFS;
	if (!(m->ol_flags & ANY_SEG)) {
		if (m->pkt_len > max_frame)
			return -EMSGSIZE;
		finish_checksums(m, caps);
		out[0] = m;
		return 1;
	}
	if (m->l2_len + m->l3_len + m->l4_len + (uint32_t)m->tso_segsz > max_frame)
		return -EMSGSIZE;
	if (can_segment(m, caps)) {
		finish_checksums(m, caps | RTE_MBUF_F_TX_L4_MASK);
		out[0] = m;
		return 1;
	}
	return vsw_segment(m, caps, pool, out, n_out);
}
