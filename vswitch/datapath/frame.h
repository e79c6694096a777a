/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and editing the Ethernet header and the VLAN tag of a frame in an mbuf. Nothing here looks
 * behind the first segment's data: callers know how much of it there is.
 * Source: IEEE 802.1Q-2018 9.6. Proof: tests/unit/vswitch/datapath/test_pipeline.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <rte_byteorder.h>
#include <rte_mbuf.h>

#include "base/load.h"
#include "vswitch/datapath/offload.h"

#define VSW_ETH_SIZE 14
#define VSW_TAG_SIZE 4
#define VSW_MAC48    UINT64_C(0xffffffffffff)

/* EtherTypes as a little-endian load of the two bytes gives them */
#define VSW_LE_TPID_C 0x0081 /* 0x8100 */
#define VSW_LE_TPID_S 0xa888 /* 0x88a8 */
#define VSW_LE_TPID_Q 0x0091 /* 0x9100 */

static inline bool vsw_is_tpid(uint16_t le_type)
{
	return le_type == VSW_LE_TPID_C || le_type == VSW_LE_TPID_S || le_type == VSW_LE_TPID_Q;
}

/* 01:80:c2:00:00:00-0f: spanning tree, pause, LACP, 802.1X, LLDP (802.1D-2004 7.12.6) */
static inline bool vsw_is_reserved(uint64_t dst48)
{
	return (dst48 & UINT64_C(0xf0ffffffffff)) == UINT64_C(0x0000c28001);
}

/** Clear the priority of the tag that is there. */
static inline void vsw_tag_clear_priority(struct rte_mbuf *m)
{
	*rte_pktmbuf_mtod_offset(m, uint8_t *, 14) &= 0x1f;
}

/* The headers behind the tag moved: requests that count from the front must follow. */
static inline void vsw_shift_l2(struct rte_mbuf *m, int by)
{
	if (unlikely(m->ol_flags & VSW_TX_REQUESTS))
		m->l2_len = (uint64_t)((int)m->l2_len + by);
}

/** Take the outer tag off. The first segment holds at least 18 bytes. */
static inline void vsw_tag_strip(struct rte_mbuf *m)
{
	char *d = rte_pktmbuf_mtod(m, char *);
	uint64_t a = vd_load64(d);
	uint32_t b;

	memcpy(&b, d + 8, sizeof(b));
	memcpy(d + 4, &a, sizeof(a));
	memcpy(d + 12, &b, sizeof(b));
	rte_pktmbuf_adj(m, VSW_TAG_SIZE);
	vsw_shift_l2(m, -VSW_TAG_SIZE);
}

/** Put a tag in. Return: false when there is no headroom. */
static inline bool vsw_tag_insert(struct rte_mbuf *m, uint16_t tci)
{
	char *d = rte_pktmbuf_prepend(m, VSW_TAG_SIZE);
	uint32_t tag = rte_cpu_to_be_32(0x81000000u | tci);
	uint64_t a;
	uint32_t b;

	if (unlikely(!d))
		return false;
	a = vd_load64(d + 4);
	memcpy(&b, d + 12, sizeof(b));
	memcpy(d, &a, sizeof(a));
	memcpy(d + 8, &b, sizeof(b));
	memcpy(d + 12, &tag, sizeof(tag));
	vsw_shift_l2(m, VSW_TAG_SIZE);
	return true;
}

/** Change the VID of the tag that is there; PCP and DEI stay. */
static inline void vsw_tag_set_vid(struct rte_mbuf *m, uint16_t vid)
{
	char *d = rte_pktmbuf_mtod(m, char *);
	uint16_t tci = rte_be_to_cpu_16(vd_load16(d + 14));

	tci = rte_cpu_to_be_16((uint16_t)((tci & 0xf000) | vid));
	memcpy(d + 14, &tci, sizeof(tci));
}
