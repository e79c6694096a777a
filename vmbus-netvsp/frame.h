/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One Ethernet frame's out-of-band facts, and how they travel: RNDIS per-packet info on the guest's
 * side, a neutral form (like virtio-net's) on the switch's side.
 *
 * From a guest the checksum of an LSO frame and the lengths in its IP header are not filled in.
 * nvsp_frame_finish() puts a private copy of the headers into the neutral form and checks that the
 * request fits the frame; nothing else in the switch needs to know about it.
 *
 * Thread-safety: pure functions. Source: facts of Linux's hyperv_net.h, [MS-RNDIS].
 * Proof: tests/unit/vmbus-netvsp/test_data.c, tests/fuzz/fuzz_rndis_data.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NVSP_F_CSUM_L4   0x01u /* L4 checksum field holds the pseudo-header sum, the rest is to do */
#define NVSP_F_CSUM_IP   0x02u /* from a guest: IPv4 header checksum is to do; gone after finish */
#define NVSP_F_CSUM_GOOD 0x04u /* to a guest: the L4 checksum was verified or never on a wire */
#define NVSP_F_TCP       0x08u /* with CSUM_L4, CSUM_GOOD, LSO: it is TCP, else UDP */
#define NVSP_F_LSO       0x10u /* a super-frame: cut into payloads of mss bytes */
#define NVSP_F_V6        0x20u /* with CSUM_L4, LSO: IPv6, else IPv4 */
#define NVSP_F_VLAN      0x40u /* vlan_tci is valid; the tag is not in the frame */
#define NVSP_F_HASH      0x80u /* hash is valid */

struct nvsp_frame {
	uint32_t size;     /* bytes of the frame, no FCS */
	uint32_t flags;    /* NVSP_F_* */
	uint16_t vlan_tci; /* as on the wire: PCP 15:13, DEI 12, VID 11:0 */
	uint16_t mss;      /* bytes of TCP payload in each piece */
	uint16_t l4_off;   /* start of the L4 header; 0: unknown (from a guest, before finish) */
	uint16_t hdr_size; /* after finish of an LSO frame: bytes up to the TCP payload */
	uint32_t hash;     /* the sender's or our hash of the flow */
};

/** Bytes of a frame's start that nvsp_frame_finish() may want: Ethernet, IPv6 and its extensions, TCP. */
#define NVSP_HEADERS_MAX 192u

/**
 * Read the per-packet info of a frame from a guest into @f (flags, vlan_tci, mss, l4_off, hash).
 * Unknown kinds are skipped. @ppi is private memory. Return: 0; -EBADMSG an entry overruns or is
 * too short for its kind.
 */
int nvsp_ppi_parse(const uint8_t *ppi, uint32_t size, struct nvsp_frame *f);

#define NVSP_PPI_MAX 96u

/**
 * Write the per-packet info of a frame for a guest.
 * @rsc_flags 0, or RNDIS_RSC_* for a part of a larger frame; only the first part carries the rest.
 * Return: bytes written, at most NVSP_PPI_MAX, a multiple of 4.
 */
uint32_t nvsp_ppi_build(uint8_t *dst, const struct nvsp_frame *f, uint32_t rsc_flags,
			uint16_t packet_id);

/**
 * Make a frame from a guest ready for the switch. @hdr is the start of a private copy of the frame,
 * @hdr_size bytes of it: at least min(f->size, NVSP_HEADERS_MAX). Fills IP lengths, IPv4 checksum
 * and the TCP pseudo-header sum where the guest left them out; sets l4_off, hdr_size and F_TCP/F_V6.
 *
 * Return: 0; -EBADMSG the request does not fit the frame: drop it.
 */
int nvsp_frame_finish(uint8_t *hdr, uint32_t hdr_size, struct nvsp_frame *f);

/** Ones-complement sum of @n bytes, continued from @sum; fold with nvsp_csum_fold(). Pieces other
 *  than the last must have an even size. */
uint32_t nvsp_csum_add(uint32_t sum, const void *data, uint32_t n);
uint16_t nvsp_csum_fold(uint32_t sum);
