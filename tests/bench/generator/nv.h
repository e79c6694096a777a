/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A generator port that is a guest of Hyper-V's kind: the software netvsc driver of tests/lib/vsc.
 * The driver of a real guest copies each frame between its buffers and the kernel's. Here only headers
 * are written and looked at, as on the virtio side, where payloads stay zero too: the generator
 * must be faster than the device.
 * Thread-safety: one thread owns it.
 */
#pragma once

#include <stdbool.h>
#include <rte_mbuf.h>

struct nv;

/** Connect to a netvsp port and bring the NIC up. Exits with a message when it cannot. */
struct nv *nv_open(const char *path, struct rte_mempool *rx_pool);
void nv_close(struct nv *nv);
/** As rte_eth_tx_burst(); @mss not 0: frames are to be cut into payloads of that size (TCP). */
uint32_t nv_tx(struct nv *nv, struct rte_mbuf **pkts, uint32_t n, uint32_t mss);

/** Send frames straight from templates of FRAME_HDR bytes, the rest zero: @next counts through @n_flows
 *  of them. @mss as in nv_tx(). Return: frames taken. */
uint32_t nv_send(struct nv *nv, const uint8_t *templates, uint32_t n_flows, uint32_t next,
		 uint32_t size, uint32_t mss, uint32_t n);

/** What a burst of received frames was. */
struct nv_seen {
	uint32_t n;
	uint64_t bytes;
	const uint8_t *
		first; /* the first frame, until the next call; in memory the device may write again */
	uint32_t first_size;
};

/** Receive without making mbufs. @whole: the first frame is put together when it came in parts; else @ret's first is
 *  the first part. */
void nv_look(struct nv *nv, uint32_t max, bool whole, struct nv_seen *ret);
uint32_t nv_rx(struct nv *nv, struct rte_mbuf **pkts, uint32_t n);
