/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-net headers of strangers: [header 10][how the chain is cut 2][what the destination offers 1][frame].
 * Whatever is accepted can be said back to a kernel within the frame, and can be prepared for any
 * destination: the segments carry the same payload, none is too big, and no buffer is lost.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "tests/unit/vswitch/mbuf_kit.h"
#include "vswitch/datapath/offload.h"

#define FRAME_MAX 65000
#define ANY_SEG   (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG)

static struct rte_mempool *pool, *big;
static const uint64_t offers[] = {
	0,
	RTE_MBUF_F_TX_TCP_CKSUM,
	RTE_MBUF_F_TX_UDP_CKSUM,
	RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_TCP_SEG,
	RTE_MBUF_F_TX_UDP_CKSUM | ANY_SEG | RTE_MBUF_F_TX_IPV4,
	RTE_MBUF_F_TX_UDP_CKSUM | ANY_SEG | RTE_MBUF_F_TX_IP_CKSUM,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool claim)
{
	if (!claim)
		abort();
}

/** The requests stay within the frame: what every reader of them relies on. */
static void check_requests(const struct rte_mbuf *m)
{
	uint32_t headers = m->l2_len + m->l3_len + m->l4_len;
	struct vsw_vnet_hdr h;

	vsw_offload_to_vnet(m, &h);
	if (!(m->ol_flags & VSW_TX_REQUESTS)) {
		must(h.gso_type == 0 && !(h.flags & 1));
		return;
	}
	must(headers <= m->pkt_len && m->l2_len >= 14 && m->l3_len >= 20 && m->l4_len >= 8);
	must((uint32_t)h.csum_start + h.csum_offset + 2 <= m->pkt_len);
	must(!(m->ol_flags & RTE_MBUF_F_TX_IPV4) != !(m->ol_flags & RTE_MBUF_F_TX_IPV6));
	if (m->ol_flags & ANY_SEG) {
		must(h.gso_size && m->pkt_len > headers + h.gso_size);
		must((m->pkt_len - headers + h.gso_size - 1) / h.gso_size <= VSW_GSO_MAX_SEGS);
	}
}

static void check_prepared(uint32_t headers, uint32_t payload, uint64_t offer, uint32_t max_frame,
			   struct rte_mbuf **out, int n)
{
	uint32_t seen = 0;

	for (int i = 0; i < n; i++) {
		must(rte_mbuf_check(out[i], 1, NULL) == 0);
		must(!((out[i]->ol_flags & VSW_TX_REQUESTS) & ~offer));
		must((out[i]->ol_flags & ANY_SEG) || out[i]->pkt_len <= max_frame);
		must(out[i]->pkt_len >= headers);
		seen += out[i]->pkt_len - headers;
		rte_pktmbuf_free(out[i]);
	}
	must(seen == payload);
}

static void prepare(struct rte_mbuf *m, uint64_t offer, uint32_t max_frame)
{
	struct rte_mbuf *out[VSW_GSO_MAX_SEGS];
	bool seg = m->ol_flags & ANY_SEG;
	uint32_t headers = seg ? m->l2_len + m->l3_len + m->l4_len : 0,
		 payload = m->pkt_len - headers;
	int n;

	if (seg && !(m->ol_flags & RTE_MBUF_F_TX_IPV6))
		m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM; /* as netvsp guests may ask */
	n = vsw_offload_prepare(m, offer, max_frame, pool, out, VSW_GSO_MAX_SEGS);
	if (n < 0) {
		must(n == -EMSGSIZE);
		rte_pktmbuf_free(m);
		return;
	}
	check_prepared(headers, payload, offer, max_frame, out, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_vnet_hdr h;
	struct rte_mbuf *m;
	uint32_t first, rest, max_frame;
	uint64_t offer;

	if (!pool) {
		test_eal_init();
		pool = test_pool("pool", 4095, 2048 + RTE_PKTMBUF_HEADROOM);
		big = test_pool("big", 7, 65535);
	}
	if (size < sizeof(h) + 4 || size > FRAME_MAX)
		return 0;
	memcpy(&h, data, sizeof(h));
	data += sizeof(h);
	size -= sizeof(h) + 3;
	first = data[0];
	rest = data[1] ? 1u + data[1] * 8u : 0;
	offer = offers[data[2] % RTE_DIM(offers)];
	max_frame = data[2] & 0x80 ? 1518 : 70000;
	if (rest && size / rest > 1000)
		rest = 0;
	m = kit_chain(rest ? pool : big, data + 3, (uint32_t)size, first, rest);
	if (vsw_offload_from_vnet(m, &h) < 0) {
		rte_pktmbuf_free(m);
	} else {
		check_requests(m);
		prepare(m, offer, max_frame);
	}
	must(rte_mempool_in_use_count(pool) == 0 && rte_mempool_in_use_count(big) == 0);
	return 0;
}
