/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doing in software what a destination cannot: finishing partial checksums and cutting super-frames
 * (segment.c). And the translation between virtio-net headers and mbuf flags, shared by the
 * kernel-facing back ends.
 *
 * Source: virtio 1.2, 5.1.6 (header), DPDK mbuf TX flags. Thread-safety: pure on the frame; pools
 * are thread-safe. Proof: tests/unit/vswitch/datapath/test_offload.c, tests/fuzz/fuzz_offload.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

#define VSW_TX_REQUESTS                                                          \
	(RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG | \
	 RTE_MBUF_F_TX_IP_CKSUM)

/*
 * Two details of the requests. The L4 checksum field holds the pseudo-header sum including the L4
 * length of the whole (super-)frame, as in virtio. In a capability set, TX_UDP_CKSUM (whose bits include
 * TX_TCP_CKSUM's) means both protocols; TX_IPV4 or TX_IPV6 limit segmentation to that version, with
 * neither of them set it is for both.
 */
static inline bool vsw_offload_can_cksum(uint64_t caps, uint64_t l4_request)
{
	uint64_t have = caps & RTE_MBUF_F_TX_L4_MASK;

	return have == RTE_MBUF_F_TX_UDP_CKSUM || have == l4_request;
}

/** struct virtio_net_hdr without num_buffers, in host (little-endian) order, as tap and AF_PACKET use it. */
struct vsw_vnet_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
};
_Static_assert(sizeof(struct vsw_vnet_hdr) == 10, "virtio-net header");

/**
 * Turn the peer's header @h (already copied; untrusted) into requests on @m. Every claim is checked
 * against the frame's own headers; what flags cannot express (checksums of other protocols) is
 * finished in place.
 *
 * Return: 0; -EINVAL: contradiction, drop the frame.
 */
int vsw_offload_from_vnet(struct rte_mbuf *m, const struct vsw_vnet_hdr *h);

/** The header that tells a kernel (or guest) what @m still needs. @m has valid requests or none. */
void vsw_offload_to_vnet(const struct rte_mbuf *m, struct vsw_vnet_hdr *ret);

/** Write the pseudo-header sum into @m's L4 checksum field, by its requests and *_len fields: for sources
 *  whose convention differs (Hyper-V's LSO leaves the length out) and after headers were rewritten. */
void vsw_offload_pseudo_set(struct rte_mbuf *m);

/**
 * Make @m acceptable to a device that honours @caps (RTE_MBUF_F_TX_*) and takes frames of at most
 * @max_frame bytes unless it segments: finish checksums, cut super-frames into @out. IPv4, IPv6, TCP
 * and UDP (into datagrams), tags inside, any chain; nothing is ever truncated.
 *
 * @out    room for @n_out frames. @m itself may come back as out[0].
 * Return: number of frames in @out (>= 1), @m consumed; or, with @m still the caller's: -EMSGSIZE (too big
 *         and not segmentable), -ENOMEM, -ENOBUFS (@n_out too small).
 */
int vsw_offload_prepare(struct rte_mbuf *m, uint64_t caps, uint32_t max_frame,
			struct rte_mempool *pool, struct rte_mbuf **out, uint16_t n_out);

/** Most frames one super-frame can become (64 KiB at the smallest segment size accepted). */
#define VSW_GSO_MAX_SEGS 128
/** Below this size a 64 KiB super-frame would exceed VSW_GSO_MAX_SEGS and is refused; smaller
 *  super-frames may have smaller segments. Senders under our control are told (tap: gso_max_segs). */
#define VSW_GSO_MIN_SIZE 512
