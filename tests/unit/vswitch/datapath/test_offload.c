/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "tests/unit/vswitch/mbuf_kit.h"
#include "vswitch/datapath/offload.h"

#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

#define NO_LIMIT (1u << 20)
#define ALL_CAPS                                                                   \
	(RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG | \
	 RTE_MBUF_F_TX_IP_CKSUM)

static struct rte_mempool *pool, *big;
static uint8_t frame[70000], flat[70000], whole[70000];

/* Headroom of the bits: a chain cut at awkward, odd places. */
static const uint32_t cuts[][2] = {{0, 0}, {18, 0}, {19, 1}, {18, 61}, {55, 777}, {67, 1999}};

static struct vsw_vnet_hdr vnet(const struct kit_frame *f, uint8_t gso, uint16_t size)
{
	uint16_t start = (uint16_t)(14 + 4 * f->n_tags + (f->ipv6 ? 40 : 20));

	return (struct vsw_vnet_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_type = gso,
		.gso_size = size,
		.csum_start = start,
		.csum_offset = f->udp ? 6 : 16,
		.hdr_len = (uint16_t)(start + (f->udp ? 8 : 20 + f->tcp_options)),
	};
}

static uint8_t gso_of(const struct kit_frame *f)
{
	return f->udp    ? VIRTIO_NET_HDR_GSO_UDP_L4
	       : f->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6
			 : VIRTIO_NET_HDR_GSO_TCPV4;
}

static void in_use_is(unsigned int n)
{
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), n);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(big), 0);
}

/* Every combination of tag, version, protocol and cut: a partial checksum comes out right. */
static void checksums(void)
{
	for (unsigned int v = 0; v < 12; v++) {
		for (unsigned int c = 0; c < RTE_DIM(cuts); c++) {
			struct kit_frame f = {.n_tags = v % 3,
					      .ipv6 = v / 3 & 1,
					      .udp = v / 6,
					      .payload = 1201,
					      .partial = true};
			uint32_t size = kit_frame_write(&f, frame);
			struct vsw_vnet_hdr h = vnet(&f, 0, 0), back;
			struct rte_mbuf *m, *out[1];

			m = kit_chain(pool, frame, size, cuts[c][0], cuts[c][1]);
			CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
			CU_ASSERT_EQUAL(m->ol_flags & RTE_MBUF_F_TX_L4_MASK,
					f.udp ? RTE_MBUF_F_TX_UDP_CKSUM : RTE_MBUF_F_TX_TCP_CKSUM);
			CU_ASSERT_EQUAL(m->l2_len, 14 + 4 * f.n_tags);
			vsw_offload_to_vnet(m, &back);
			CU_ASSERT_EQUAL(back.csum_start, h.csum_start);
			CU_ASSERT_EQUAL(back.csum_offset, h.csum_offset);
			CU_ASSERT_EQUAL(back.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
			CU_ASSERT_EQUAL(vsw_offload_prepare(m, 0, 1518, pool, out, 1), 1);
			CU_ASSERT_PTR_EQUAL(out[0], m);
			CU_ASSERT_EQUAL(out[0]->ol_flags & VSW_TX_REQUESTS, 0);
			CU_ASSERT_EQUAL(kit_flatten(out[0], flat, sizeof(flat)), size);
			CU_ASSERT_TRUE(kit_checksums_good(flat, size));
			rte_pktmbuf_free(out[0]);
		}
	}
	in_use_is(0);
}

/* The segments of @f put together again are @f; each is well formed and within @mss. */
static void check_segments(const struct kit_frame *f, uint32_t size, uint32_t mss,
			   struct rte_mbuf **out, int n)
{
	uint32_t hdr = kit_header_size(frame, size), at = hdr;
	uint32_t ip = 14 + 4 * f->n_tags;

	memcpy(whole, frame, hdr);
	for (int i = 0; i < n; i++) {
		uint32_t part = kit_flatten(out[i], flat, sizeof(flat));
		uint32_t l4 = hdr - (f->udp ? 8 : 20 + f->tcp_options);

		CU_ASSERT_EQUAL(kit_header_size(flat, part), hdr);
		CU_ASSERT_TRUE(kit_checksums_good(flat, part));
		CU_ASSERT_TRUE(part - hdr == mss || (i == n - 1 && part - hdr <= mss));
		if (!f->ipv6)
			CU_ASSERT_EQUAL(flat[ip + 4] << 8 | flat[ip + 5], (0x1234 + i) & 0xffff);
		if (!f->udp) {
			uint32_t seq = (uint32_t)flat[l4 + 4] << 24 | flat[l4 + 5] << 16 |
				       flat[l4 + 6] << 8 | flat[l4 + 7];

			CU_ASSERT_EQUAL(seq, (uint32_t)(0xffffff00u + (at - hdr)));
			CU_ASSERT_EQUAL(flat[l4 + 13] & 0x80, i == 0 ? f->tcp_flags & 0x80 : 0);
			CU_ASSERT_EQUAL(flat[l4 + 13] & 0x09, i == n - 1 ? f->tcp_flags & 9 : 0);
		}
		memcpy(whole + at, flat + hdr, part - hdr);
		at += part - hdr;
		rte_pktmbuf_free(out[i]);
	}
	CU_ASSERT_EQUAL(at, size);
	CU_ASSERT_EQUAL(memcmp(whole + hdr, frame + hdr, size - hdr), 0);
}

static void segmentation(void)
{
	static const uint32_t mss[] = {536, 1448, 8948};
	static const uint32_t payloads[] = {1449, 1448 * 3, 30001, 64000};

	for (unsigned int v = 0; v < 8 * RTE_DIM(cuts) * 12; v++) {
		unsigned int k = v / 8, c = k % RTE_DIM(cuts);
		struct kit_frame f = {.n_tags = v & 1,
				      .ipv6 = v >> 1 & 1,
				      .udp = v >> 2 & 1,
				      .partial = true,
				      .tcp_flags = 0x99,
				      .tcp_options = 12};
		uint32_t size, seg = mss[k / RTE_DIM(cuts) % 3];
		struct rte_mbuf *m, *out[VSW_GSO_MAX_SEGS];
		struct vsw_vnet_hdr h, back;
		int n;

		f.payload = payloads[k / RTE_DIM(cuts) / 3];
		size = kit_frame_write(&f, frame);
		h = vnet(&f, gso_of(&f), (uint16_t)seg);
		if (f.payload / RTE_MAX(cuts[c][1], 1u) > 60 && cuts[c][1])
			c = 0;
		m = kit_chain(c ? pool : big, frame, size, cuts[c][0], cuts[c][1]);
		CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
		if (f.payload <= seg) {
			CU_ASSERT_EQUAL(
				m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG), 0);
			rte_pktmbuf_free(m);
			continue;
		}
		vsw_offload_to_vnet(m, &back);
		CU_ASSERT_EQUAL(back.gso_size, seg);
		CU_ASSERT_EQUAL(back.hdr_len, h.hdr_len);
		CU_ASSERT_EQUAL(back.gso_type & 0x7f, h.gso_type);
		CU_ASSERT_EQUAL(back.gso_type & 0x80, f.udp ? 0 : VIRTIO_NET_HDR_GSO_ECN);
		n = vsw_offload_prepare(m, 0, NO_LIMIT, pool, out, VSW_GSO_MAX_SEGS);
		CU_ASSERT_EQUAL(n, (int)((f.payload + seg - 1) / seg));
		if (n > 0)
			check_segments(&f, size, seg, out, n);
	}
	in_use_is(0);
}

/* A device that finishes checksums gets the segments with the request, pseudo header in place. */
static void segments_keep_requests(void)
{
	struct kit_frame f = {.n_tags = 1, .payload = 5000, .partial = true};
	uint32_t size = kit_frame_write(&f, frame);
	struct vsw_vnet_hdr h = vnet(&f, VIRTIO_NET_HDR_GSO_TCPV4, 1448);
	struct rte_mbuf *m = kit_chain(big, frame, size, 0, 0), *out[8], *last[1];

	CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, RTE_MBUF_F_TX_UDP_CKSUM, 1518, pool, out, 8), 4);
	for (int i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(out[i]->ol_flags & RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM);
		CU_ASSERT_EQUAL(vsw_offload_prepare(out[i], 0, 1518, pool, last, 1), 1);
		kit_flatten(last[0], flat, sizeof(flat));
		CU_ASSERT_TRUE(kit_checksums_good(flat, last[0]->pkt_len));
		rte_pktmbuf_free(last[0]);
	}
	in_use_is(0);
}

static void limits(void)
{
	struct kit_frame f = {.payload = 5000, .partial = true};
	uint32_t size = kit_frame_write(&f, frame);
	struct vsw_vnet_hdr h = vnet(&f, VIRTIO_NET_HDR_GSO_TCPV4, 1448);
	struct rte_mbuf *m = kit_chain(big, frame, size, 0, 0), *out[8], *hog[4096];
	unsigned int n_hog = 0;

	/* not segmentable and too big */
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, ALL_CAPS, size - 1, pool, out, 8), -EMSGSIZE);
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, ALL_CAPS, size, pool, out, 8), 1);
	/* segments themselves too big, whether or not the device cuts */
	CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, ALL_CAPS, 54 + 1447, pool, out, 8), -EMSGSIZE);
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, ALL_CAPS, 54 + 1448, pool, out, 8), 1);
	CU_ASSERT_PTR_EQUAL(out[0], m);
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, 0, 54 + 1448, pool, out, 3), -ENOBUFS);
	/* a device that cuts IPv6 only */
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, ALL_CAPS | RTE_MBUF_F_TX_IPV6, 1514, pool, out, 3),
			-ENOBUFS);
	while (n_hog < RTE_DIM(hog) && (hog[n_hog] = rte_pktmbuf_alloc(pool)))
		n_hog++;
	for (unsigned int spare = 0; spare < 4; spare++) {
		CU_ASSERT_EQUAL(vsw_offload_prepare(m, 0, 1514, pool, out, 8), -ENOMEM);
		CU_ASSERT_EQUAL(rte_mempool_avail_count(pool), spare);
		rte_pktmbuf_free(hog[--n_hog]);
	}
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, 0, 1514, pool, out, 8), 4);
	rte_pktmbuf_free_bulk(out, 4);
	rte_pktmbuf_free_bulk(hog, n_hog);
	in_use_is(0);
}

static int try_vnet(uint32_t size, struct vsw_vnet_hdr h)
{
	struct rte_mbuf *m = kit_chain(big, frame, size, 0, 0);
	int r = vsw_offload_from_vnet(m, &h);

	rte_pktmbuf_free(m);
	return r;
}

static void contradictions(void)
{
	struct kit_frame f = {.payload = 5000, .partial = true};
	uint32_t size = kit_frame_write(&f, frame);
	struct vsw_vnet_hdr good = vnet(&f, VIRTIO_NET_HDR_GSO_TCPV4, 1448), h;

	CU_ASSERT_EQUAL(try_vnet(size, good), 0);
	for (unsigned int t = 2; t < 128; t++) {
		h = good;
		h.gso_type = (uint8_t)t;
		CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	}
	h = good, h.gso_size = 0;
	CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	h = good, h.gso_size = 39; /* 129 segments */
	CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	h = good, h.gso_size = 40;
	CU_ASSERT_EQUAL(try_vnet(size, h), 0);
	h = good, h.csum_start++;
	CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	h = good, h.csum_offset = 6;
	CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	CU_ASSERT_EQUAL(try_vnet(size - 1, good), -EINVAL); /* IP length exceeds the frame */
	frame[size] = 0;
	CU_ASSERT_EQUAL(try_vnet(size + 1, good), -EINVAL); /* bytes behind the IP packet */
	frame[20] |= 0x20;                                  /* more fragments */
	CU_ASSERT_EQUAL(try_vnet(size, good), -EINVAL);
	frame[20] &= (uint8_t)~0x20;
	frame[14] = 0x4f; /* options cover the TCP header */
	CU_ASSERT_EQUAL(try_vnet(size, good), -EINVAL);
	frame[14] = 0x45;
	frame[14 + 32] = 0x40; /* TCP header of 16 bytes */
	CU_ASSERT_EQUAL(try_vnet(size, good), -EINVAL);
	/* checksum requests outside the frame */
	for (uint32_t n = 1; n < 100; n++) {
		h = good, h.gso_type = 0, h.csum_start = (uint16_t)(n - 1), h.csum_offset = 0;
		CU_ASSERT_EQUAL(try_vnet(n, h), -EINVAL);
	}
	h.csum_start = h.csum_offset = 0xffff;
	CU_ASSERT_EQUAL(try_vnet(size, h), -EINVAL);
	in_use_is(0);
}

/* What flags cannot express is finished at once: here, the inner TCP of a VXLAN packet. */
static void other_protocols(void)
{
	struct kit_frame outer = {.udp = true, .payload = 8 + 14 + 20 + 20 + 100};
	struct kit_frame inner = {.payload = 100, .partial = true};
	uint32_t size = kit_frame_write(&outer, frame), in = 14 + 20 + 8 + 8;
	uint32_t in_size = kit_frame_write(&inner, frame + in);
	struct vsw_vnet_hdr h = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
				 .csum_start = (uint16_t)(in + 34),
				 .csum_offset = 16};
	struct rte_mbuf *m = kit_chain(pool, frame, size, 31, 33);

	CU_ASSERT_EQUAL(in + in_size, size);
	CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
	CU_ASSERT_EQUAL(m->ol_flags & VSW_TX_REQUESTS, 0);
	kit_flatten(m, flat, sizeof(flat));
	CU_ASSERT_TRUE(kit_checksums_good(flat + in, in_size));
	rte_pktmbuf_free(m);
	in_use_is(0);
}

/* A super-frame merged by a NIC: checksum complete, not partial. */
static void merged_by_hardware(void)
{
	struct kit_frame f = {.payload = 5000, .ipv6 = true};
	uint32_t size = kit_frame_write(&f, frame), partial;
	struct vsw_vnet_hdr h = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
				 .gso_size = 1440,
				 .flags = VIRTIO_NET_HDR_F_DATA_VALID};
	struct rte_mbuf *m = kit_chain(big, frame, size, 0, 0);

	CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
	CU_ASSERT_NOT_EQUAL(m->ol_flags & RTE_MBUF_F_TX_TCP_SEG, 0);
	kit_flatten(m, whole, sizeof(whole));
	f.partial = true;
	partial = kit_frame_write(&f, frame);
	CU_ASSERT_EQUAL(partial, size);
	CU_ASSERT_EQUAL(memcmp(frame, whole, size), 0);
	rte_pktmbuf_free(m);
	in_use_is(0);
}

static void hints(void)
{
	struct kit_frame f = {.payload = 10};
	uint32_t size = kit_frame_write(&f, frame);
	struct vsw_vnet_hdr h = {.flags = VIRTIO_NET_HDR_F_DATA_VALID}, back;
	struct rte_mbuf *m = kit_chain(pool, frame, size, 0, 0);

	CU_ASSERT_EQUAL(vsw_offload_from_vnet(m, &h), 0);
	vsw_offload_to_vnet(m, &back);
	CU_ASSERT_EQUAL(memcmp(&h, &back, sizeof(h)), 0);
	/* an IPv4 header checksum that a guest left to us */
	frame[24] = 0xde, frame[25] = 0xad;
	rte_pktmbuf_free(m);
	m = kit_chain(pool, frame, size, 0, 0);
	m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	CU_ASSERT_EQUAL(vsw_offload_prepare(m, 0, 1514, pool, &m, 1), 1);
	kit_flatten(m, flat, sizeof(flat));
	CU_ASSERT_TRUE(kit_checksums_good(flat, size));
	CU_ASSERT_EQUAL(m->ol_flags & VSW_TX_REQUESTS, 0);
	rte_pktmbuf_free(m);
	in_use_is(0);
}

static const struct tap_case cases[] = {
	{"partial checksums, every shape of frame and chain", checksums},
	{"segmentation: TCP and UDP, IPv4 and IPv6, tagged or not", segmentation},
	{"segments keep the requests that the device honours", segments_keep_requests},
	{"limits and lack of memory", limits},
	{"contradicting requests are refused", contradictions},
	{"checksums of other protocols are finished in place", other_protocols},
	{"super-frames with a complete checksum", merged_by_hardware},
	{"hints and IPv4 header checksums", hints},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("pool", 2047, 2048 + RTE_PKTMBUF_HEADROOM);
	big = test_pool("big", 15, 65535);
	return tap_run("vswitch/datapath/offload", cases, RTE_DIM(cases));
}
