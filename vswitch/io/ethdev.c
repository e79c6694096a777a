/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memif, pcap, PCI and AF_XDP through DPDK's drivers. What a driver does in hardware is offered in
 * caps.tx_offloads, prepared by rte_eth_tx_prepare(); a driver that cannot send chains gets its
 * frames in one piece.
 */
#include "vswitch/io/ethdev.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <rte_malloc.h>

#include "vswitch/datapath/offload.h"

#define BURST          64
#define FIRST_SEG_MIN  18
#define LINK_LOOK_MASK 0xff /* devices in memory: every 256 empty polls */
#define LINK_LOOK_SLOW 0xffff

/** Our form of what the driver says: only a verified checksum is of interest. */
static bool normalise(struct rte_mbuf *m)
{
	m->ol_flags = (m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_GOOD
			      ? RTE_MBUF_F_RX_L4_CKSUM_GOOD
			      : 0;
	/* A peer cuts its buffers as it likes; the pipeline wants the Ethernet header whole. */
	if (unlikely(m->data_len < FIRST_SEG_MIN && m->nb_segs > 1))
		return m->pkt_len <= m->data_len + (uint32_t)rte_pktmbuf_tailroom(m) &&
		       rte_pktmbuf_linearize(m) == 0;
	return true;
}

static uint16_t eth_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct eth *e = (struct eth *)io;
	uint16_t r = rte_eth_rx_burst(e->port_id, queue, pkts, n), got = 0;

	for (uint16_t i = 0; i < r; i++) {
		if (likely(normalise(pkts[i]))) {
			pkts[got++] = pkts[i];
		} else {
			rte_pktmbuf_free(pkts[i]);
			io->rx_drops_memory++;
		}
	}
	if (r == 0 && queue == 0 && !e->lsc &&
	    unlikely((++e->n_empty & (e->memory ? LINK_LOOK_MASK : LINK_LOOK_SLOW)) == 0))
		eth_dev_check_link(e);
	return got;
}

/** @m in one buffer, or NULL (no buffer, or it does not fit in one); @m is freed on success. */
static struct rte_mbuf *in_one_piece(const struct vsw_io_env *env, struct rte_mbuf *m)
{
	struct rte_mbuf *one = rte_pktmbuf_alloc(env->pool);
	const void *p;

	if (!one || m->pkt_len > rte_pktmbuf_tailroom(one)) {
		rte_pktmbuf_free(one);
		return NULL;
	}
	p = rte_pktmbuf_read(m, 0, m->pkt_len, rte_pktmbuf_append(one, (uint16_t)m->pkt_len));
	if (p != rte_pktmbuf_mtod(one, const void *))
		memcpy(rte_pktmbuf_mtod(one, void *), p, m->pkt_len);
	rte_pktmbuf_free(m);
	return one;
}

/** Bring every frame into the form the driver takes; frames it cannot take are dropped here. The order and
 *  count of the others stay. Return: how many are left in @pkts. */
static uint16_t fit(struct eth *e, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		if (unlikely(m->nb_segs > 1 && !e->multi_seg)) {
			m = in_one_piece(e->io.env, m);
			if (!m) {
				__atomic_fetch_add(&e->io.tx_errors, 1, __ATOMIC_RELAXED);
				rte_pktmbuf_free(pkts[i]);
				continue;
			}
		}
		/* DPDK wants the IPv4 header's checksum requested with every TSO frame. */
		if ((m->ol_flags & RTE_MBUF_F_TX_TCP_SEG) && (m->ol_flags & RTE_MBUF_F_TX_IPV4))
			m->ol_flags |= RTE_MBUF_F_TX_IP_CKSUM;
		pkts[kept++] = m;
	}
	return kept;
}

/** Send @n frames; refused ones are freed and counted. Return: how many are done with. */
static uint16_t send_prepared(struct eth *e, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t done = 0;

	while (done < n) {
		uint16_t want = n - done, k = want, sent;

		if (e->hw_offloads & ~RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
			k = rte_eth_tx_prepare(e->port_id, queue, pkts + done, want);
		sent = rte_eth_tx_burst(e->port_id, queue, pkts + done, k);
		done += sent;
		if (sent < k)
			break;
		if (done < n && k < want) {
			__atomic_fetch_add(&e->io.tx_errors, 1, __ATOMIC_RELAXED);
			rte_pktmbuf_free(pkts[done++]);
		}
	}
	return done;
}

static uint16_t eth_tx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct eth *e = (struct eth *)io;
	uint16_t kept = fit(e, pkts, n), sent;

	sent = send_prepared(e, queue, pkts, kept);
	if (likely(kept == n))
		return sent;
	/* The caller owns pkts[return..n): the unsent ones must be the last. */
	memmove(pkts + sent + (n - kept), pkts + sent, (kept - sent) * sizeof(pkts[0]));
	return (uint16_t)(sent + (n - kept));
}

static int eth_wait_fd(struct vsw_io *io, uint16_t queue)
{
	return ((struct eth *)io)->rx_fd[queue];
}

static bool eth_arm(struct vsw_io *io, uint16_t queue, bool on)
{
	struct eth *e = (struct eth *)io;
	uint64_t events;

	if (!e->intr)
		return false;
	if (on) {
		rte_eth_dev_rx_intr_enable(e->port_id, queue);
		return rte_eth_rx_queue_count(e->port_id, queue) > 0;
	}
	rte_eth_dev_rx_intr_disable(e->port_id, queue);
	while (read(e->rx_fd[queue], &events, sizeof(events)) < 0 && errno == EINTR)
		;
	return false;
}

static int eth_set_mtu(struct vsw_io *io, uint16_t mtu_bytes, struct vd_err *reterr)
{
	return eth_dev_set_mtu((struct eth *)io, mtu_bytes, reterr);
}

static void eth_describe(struct vsw_io *io, json_t *out)
{
	struct eth *e = (struct eth *)io;
	struct rte_eth_link link = {0};

	eth_dev_check_link(e);
	json_object_set_new(out, "driver", json_string(e->driver));
	if (e->why[0])
		json_object_set_new(out, "why", json_string(e->why));
	if (e->degraded[0])
		json_object_set_new(out, "degraded", json_string(e->degraded));
	json_object_set_new(out, "queues", json_integer(io->caps.n_rxq));
	json_object_set_new(out, "rx_interrupts", json_boolean(e->intr));
	json_object_set_new(out, "tx_checksum",
			    json_boolean(io->caps.tx_offloads & RTE_MBUF_F_TX_L4_MASK));
	json_object_set_new(out, "tx_segmentation",
			    json_boolean(io->caps.tx_offloads & RTE_MBUF_F_TX_TCP_SEG));
	if (!e->memory && rte_eth_link_get_nowait(e->port_id, &link) == 0 &&
	    link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
		json_object_set_new(out, "speed_mbps", json_integer(link.link_speed));
}

static void eth_close(struct vsw_io *io)
{
	struct eth *e = (struct eth *)io;

	eth_dev_close(e);
	rte_free(e);
}

static json_t *eth_leftover(struct vsw_io *io)
{
	if (io->device.kind != VSW_DEV_MEMIF || io->device.client)
		return NULL;
	return json_pack("{s:s}", "memif", io->device.target);
}

static const struct vsw_io_ops eth_ops = {
	.kind = "ethdev",
	.rx = eth_rx,
	.tx = eth_tx,
	.wait_fd = eth_wait_fd,
	.arm = eth_arm,
	.set_mtu = eth_set_mtu,
	.describe = eth_describe,
	.leftover = eth_leftover,
	.close = eth_close,
};

int vsw_io_ethdev_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		       struct vsw_io **ret, struct vd_err *reterr)
{
	struct eth *e = rte_zmalloc("ethdev", sizeof(*e), RTE_CACHE_LINE_SIZE);
	int r;

	if (!e)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	e->io.ops = &eth_ops;
	e->io.env = env;
	e->io.device = params->device;
	for (unsigned int i = 0; i < VSW_QUEUES_MAX; i++)
		e->rx_fd[i] = -1;
	r = eth_dev_open(e, params, reterr);
	if (r < 0) {
		eth_dev_close(e);
		rte_free(e);
		return r;
	}
	*ret = &e->io;
	return 0;
}
