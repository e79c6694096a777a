/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of a frame that vsw_headers_parse() is given.
 * Thread-safety: pure. Proof: tests/unit/vswitch/policy/test_acl.c.
 */
#pragma once

#include <stdint.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_mbuf.h>

#include "vswitch/policy/headers.h"

/**
 * All of @m in one piece, or its first VSW_HEADERS_MAX bytes at least. @scratch (VSW_HEADERS_MAX bytes) is
 * where what is spread over segments is copied to; it and @m must live as long as what is returned.
 *
 * *@len  set to how many bytes there are
 */
static inline const uint8_t *vsw_head_of(struct rte_mbuf *m, uint8_t *scratch, uint32_t *len)
{
	*len = m->data_len;
	if (likely(*len >= m->pkt_len || *len >= VSW_HEADERS_MAX))
		return rte_pktmbuf_mtod(m, const uint8_t *);
	*len = RTE_MIN(m->pkt_len, (uint32_t)VSW_HEADERS_MAX);
	return rte_pktmbuf_read(m, 0, *len, scratch);
}
