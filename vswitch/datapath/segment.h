/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cutting TCP and UDP super-frames. Not rte_gso: that of DPDK 22.11 knows no IPv6, cuts UDP into IP
 * fragments instead of datagrams, and leaves every checksum to the device.
 * Thread-safety: pure on the frame. Proof: tests/unit/vswitch/datapath/test_offload.c.
 */
#pragma once

#include <stdint.h>
#include <rte_mbuf.h>

/**
 * Cut @m, which has a valid TX_TCP_SEG or TX_UDP_SEG request, into frames of new buffers from @pool.
 * L4 checksums that @caps offers stay requests; all others are finished.
 *
 * Return and ownership as vsw_offload_prepare().
 */
int vsw_segment(struct rte_mbuf *m, uint64_t caps, struct rte_mempool *pool, struct rte_mbuf **out,
		uint16_t n_out);
