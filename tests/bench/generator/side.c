/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and closing a generator port; the inner steps are in side.h. */
#include "side.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_debug.h>
#include <rte_malloc.h>

#define POOL_SIZE       8191
#define POOL_CACHE      256
#define SUPER_POOL_SIZE 511

static struct rte_mempool *pool_create(const char *kind, uint16_t port, bool super)
{
	char name[32];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "%s%u", kind, port);
	pool = super ? rte_pktmbuf_pool_create(name, SUPER_POOL_SIZE, 0, 0, UINT16_MAX,
					       SOCKET_ID_ANY)
		     : rte_pktmbuf_pool_create(name, POOL_SIZE, POOL_CACHE, 0,
					       RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (!pool)
		rte_exit(1, "no memory for %s: reserve more hugepages\n", name);
	return pool;
}

static void zero_room(struct rte_mempool *pool, void *arg, void *obj, unsigned int i)
{
	struct rte_mbuf *m = obj;

	memset(m->buf_addr, 0, m->buf_len); /* payloads then stay zero for ever */
}

void side_open(struct side *s, const struct gen_options *o, enum gen_side which)
{
	struct rte_eth_conf conf = {0};
	uint16_t n_rx = o->ring, n_tx = o->ring;
	uint32_t q;
	int rc;

	memset(s, 0, sizeof(*s));
	s->port = which;
	s->o = o;
	s->tx_pool = pool_create("tx", s->port, gen_super(o));
	s->rx_pool = pool_create("rx", s->port, gen_super(o));
	rte_mempool_obj_iter(s->tx_pool, zero_room, NULL);
	s->n_templates = frames_count(o, which);
	s->templates = frames_build(o, which);
	if (!s->templates)
		rte_exit(1, "no memory for the templates of %u flows\n", o->n_flows);
	if (o->netvsp[which]) {
		s->nv = nv_open(o->netvsp[which], s->rx_pool);
		return;
	}

	if (gen_super(o)) {
		conf.rxmode.offloads = RTE_ETH_RX_OFFLOAD_TCP_LRO | RTE_ETH_RX_OFFLOAD_TCP_CKSUM;
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |
				       RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	}
	rc = rte_eth_dev_configure(s->port, o->n_rxq, 1, &conf);
	if (!rc)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(s->port, &n_rx, &n_tx);
	for (q = 0; q < o->n_rxq && !rc; q++)
		rc = rte_eth_rx_queue_setup(s->port, q, n_rx, SOCKET_ID_ANY, NULL, s->rx_pool);
	if (!rc)
		rc = rte_eth_tx_queue_setup(s->port, 0, n_tx, SOCKET_ID_ANY, NULL);
	if (!rc)
		rc = rte_eth_dev_start(s->port);
	if (rc)
		rte_exit(1, "port %u: %s\n", s->port, rte_strerror(-rc));
	rte_eth_promiscuous_enable(s->port);
}

void side_close(struct side *s)
{
	if (s->nv) {
		nv_close(s->nv);
		rte_free(s->templates);
		return;
	}
	rte_eth_dev_stop(s->port);
	rte_eth_dev_close(s->port);
	rte_free(s->templates);
}

void side_sample(struct side *s, const uint8_t *data, uint32_t there, uint32_t size)
{
	uint32_t i, n = RTE_MIN(there, (uint32_t)FRAME_HDR);

	memset(s->sample, 0, sizeof(s->sample));
	memcpy(s->sample, data, n);
	s->sample_size = size;
	s->sample_zero = there == size;
	for (i = FRAME_HDR; i < there && s->sample_zero; i++)
		s->sample_zero = data[i] == 0;
	s->want_sample = false;
}
