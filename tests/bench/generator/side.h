/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One port of the generator: its pools, templates and counters, and the loops' inner steps.
 *
 * The steps are inline because the generator must stay faster than every device it measures: it shares its
 * one core between sending and receiving on both ports.
 * Thread-safety: one thread owns a side.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "frames.h"
#include "nv.h"
#include "options.h"

struct side_count {
	uint64_t n_tx, n_rx, rx_bytes, n_tagged;
	uint64_t n_honest, n_honest_tx; /* mode new: of the old flow */
};

struct side {
	uint16_t port;
	struct nv *nv; /* instead of a DPDK port; NULL: it is one */
	const struct gen_options *o;
	struct rte_mempool *tx_pool, *rx_pool;
	uint8_t *templates;
	uint32_t n_templates, next;              /* next: the one to send next */
	struct rte_mbuf *pending[GEN_BURST_MAX]; /* filled, not yet accepted by the ring */
	uint32_t n_pending, first_pending;
	struct side_count count;
	uint8_t sample[FRAME_HDR]; /* header of one received frame */
	uint32_t sample_size;      /* its size in bytes; 0: none yet */
	bool sample_zero;          /* is its payload still all zero? */
	bool want_sample;
};

/** Create pools and templates, configure and start the port. Exits with a message when it cannot. */
void side_open(struct side *s, const struct gen_options *o, enum gen_side which);
void side_close(struct side *s);

/** Keep a copy of a frame's header for the caller's verification; @there bytes of it are at @data. */
void side_sample(struct side *s, const uint8_t *data, uint32_t there, uint32_t size);

static inline void side_ask_for_segments(struct rte_mbuf *m)
{
	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = GEN_SEGMENT;
}

/* Prepare a burst of @n frames from the templates. */
static inline void side_fill(struct side *s, uint32_t n)
{
	const uint8_t *templates = s->templates;
	uint32_t next = s->next, n_flows = s->n_templates, i;
	uint16_t size = s->o->size;

	if (rte_pktmbuf_alloc_bulk(s->tx_pool, s->pending, n))
		return; /* all buffers are in the ring: the device is behind */
	for (i = 0; i < n; i++) {
		struct rte_mbuf *m = s->pending[i];

		memcpy(rte_pktmbuf_mtod(m, void *), templates + (size_t)next * FRAME_HDR,
		       FRAME_HDR);
		m->data_len = size;
		m->pkt_len = size;
		if (unlikely(gen_super(s->o)))
			side_ask_for_segments(m);
		if (++next == n_flows)
			next = 0;
	}
	s->next = next;
	s->first_pending = 0;
	s->n_pending = n;
}

/* Payload that a netvsp guest's frames are to be cut into; 0: none. */
static inline uint32_t side_mss(const struct side *s)
{
	return gen_super(s->o) ? GEN_SEGMENT : 0;
}

static inline uint32_t side_tx(struct side *s, struct rte_mbuf **pkts, uint32_t n)
{
	if (s->nv)
		return nv_tx(s->nv, pkts, n, side_mss(s));
	return rte_eth_tx_burst(s->port, 0, pkts, (uint16_t)n);
}

/* Offer what is pending. Return: frames the ring took. */
static inline uint32_t side_push(struct side *s)
{
	uint32_t n = side_tx(s, s->pending + s->first_pending, s->n_pending);

	s->first_pending += n;
	s->n_pending -= n;
	s->count.n_tx += n;
	return n;
}

static inline uint32_t side_send_nv(struct side *s)
{
	uint32_t n = nv_send(s->nv, s->templates, s->n_templates, s->next, s->o->size, side_mss(s),
			     s->o->burst);

	s->next = (s->next + n) % s->n_templates;
	s->count.n_tx += n;
	return n;
}

static inline uint32_t side_send(struct side *s)
{
	if (s->nv)
		return side_send_nv(s);
	if (!s->n_pending)
		side_fill(s, s->o->burst);
	return s->n_pending ? side_push(s) : 0;
}

static inline uint32_t side_rx(struct side *s, struct rte_mbuf **burst, uint32_t max)
{
	uint32_t q, n = 0;

	if (s->nv)
		return nv_rx(s->nv, burst, max);
	for (q = 0; q < s->o->n_rxq && !n; q++)
		n = rte_eth_rx_burst(s->port, q, burst, max);
	return n;
}

/* side_drain() of a netvsp port. */
static inline uint32_t side_look(struct side *s)
{
	struct nv_seen seen;

	nv_look(s->nv, s->o->burst, s->want_sample, &seen);
	if (!seen.n)
		return 0;
	s->count.n_rx += seen.n;
	s->count.rx_bytes += seen.bytes;
	if (seen.first[12] == 0x81 && seen.first[13] == 0x00)
		s->count.n_tagged += seen.n;
	if (unlikely(seen.first_size))
		side_sample(s, seen.first, seen.first_size, seen.first_size);
	return seen.n;
}

/* Receive one burst and drop it; every frame is looked at, and those of the old flow are counted apart. Mode new. */
static inline uint32_t side_count_honest(struct side *s)
{
	struct rte_mbuf *burst[2 * GEN_BURST_MAX];
	uint32_t n = side_rx(s, burst, s->o->burst);

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *frame = rte_pktmbuf_mtod(burst[i], const uint8_t *);

		if (frame[12] == 0x08 && frame[13] == 0x06) {
			rte_pktmbuf_free(burst[i]); /* a question for a neighbour */
			continue;
		}
		s->count.n_rx++;
		s->count.rx_bytes += burst[i]->pkt_len;
		s->count.n_tagged += frame[12] == 0x81 && frame[13] == 0x00;
		s->count.n_honest += frame_is_old(frame);
		if (unlikely(s->want_sample))
			side_sample(s, frame, burst[i]->data_len, burst[i]->pkt_len);
		rte_pktmbuf_free(burst[i]);
	}
	return n;
}

/* Receive one burst, count it, and drop it or (@answer) send it back. Return: frames received. */
static inline uint32_t side_drain(struct side *s, bool answer)
{
	struct rte_mbuf *burst[2 * GEN_BURST_MAX]; /* a netvsp delivery comes whole */
	uint32_t n, sent = 0, i;

	if (s->nv && !answer)
		return side_look(s);
	n = side_rx(s, burst, s->o->burst);
	if (!n)
		return 0;
	const uint8_t *first = rte_pktmbuf_mtod(burst[0], const uint8_t *);

	s->count.n_rx += n;
	s->count.rx_bytes += (uint64_t)n * burst[0]->pkt_len;
	if (first[12] == 0x81 && first[13] == 0x00)
		s->count.n_tagged += n;
	if (unlikely(s->want_sample))
		side_sample(s, first, burst[0]->data_len, burst[0]->pkt_len);
	if (answer) {
		for (i = 0; i < n; i++)
			frame_swap(rte_pktmbuf_mtod(burst[i], uint8_t *));
		sent = side_tx(s, burst, n);
		s->count.n_tx += sent;
	}
	if (sent < n)
		rte_pktmbuf_free_bulk(burst + sent, n - sent);
	return n;
}
