/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the transport header of a frame is, and checksums over chains: the shared ground of
 * offload.c and segment.c. Not for other folders.
 * Thread-safety: pure. Proof: tests/unit/vswitch/datapath/test_offload.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

/** Offset of the checksum field in a TCP and a UDP header. */
#define VSW_TCP_CSUM_OFFSET 16
#define VSW_UDP_CSUM_OFFSET 6

struct vsw_frame_l4 {
	uint16_t l2_len; /* Ethernet header with up to two tags */
	uint16_t l3_len; /* IP header with options or extension headers; at most 511 */
	uint16_t l4_len; /* TCP or UDP header */
	uint8_t proto;   /* IPPROTO_TCP or IPPROTO_UDP */
	bool ipv6;
	bool routed; /* IPv6 routing header: the pseudo header's address is not the one in the header */
	uint32_t end; /* where the IP packet ends, by its own length field; <= pkt_len */
};

/**
 * Find the transport header of @m.
 *
 * Return: 0: whole TCP or UDP header of an unfragmented IP packet; -EPROTONOSUPPORT: something
 * else; -EINVAL: lengths that contradict the frame.
 */
int vsw_frame_l4_parse(const struct rte_mbuf *m, struct vsw_frame_l4 *ret);

/** Ones' complement sum (not inverted, in the byte order of memory) of @size bytes at @off, any chain.
 *  @off + @size must be within the frame. */
uint16_t vsw_frame_sum(const struct rte_mbuf *m, uint32_t off, uint32_t size);

/** Write @size bytes at @off, across segments. The range must be within the frame. */
void vsw_frame_write(struct rte_mbuf *m, uint32_t off, const void *data, uint32_t size);

static inline uint16_t vsw_sum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/** Pseudo-header sum without the length, of the IP header at @ip (contiguous). */
uint32_t vsw_frame_pseudo_sum(const uint8_t *ip, bool ipv6, uint8_t proto);
