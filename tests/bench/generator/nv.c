/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nv.h"

#include <stdlib.h>

#include <rte_debug.h>

#include "frames.h"
#include "options.h"
#include "tests/lib/vsc/pump.h"
#include "tests/lib/vsc/remote.h"

#define RAM_SIZE (160u << 20)

struct nv {
	struct vsc v;
	struct vsc_remote remote;
	struct pump pump;
	struct rte_mempool *pool;
	/* of the burst being read */
	struct rte_mbuf **pkts;
	uint32_t n;
	struct nv_seen *seen;
	bool whole;
	uint8_t sample[GEN_SUPER_MAX];
};

static void on_kick(void *ctx, uint32_t chan)
{
	vsc_remote_kick(ctx, chan);
}

struct nv *nv_open(const char *path, struct rte_mempool *rx_pool)
{
	/* what Linux's driver asks for: 16 MiB to receive, 1 MiB to send, rings of 128 pages */
	struct vsc_up up = {.version = NVSP_V61,
			    .mtu = 1500,
			    .recv_pages = 4096,
			    .send_pages = 256,
			    .caps = NVSP_CAP_8021Q | NVSP_CAP_RSC,
			    .ring_pages = 128};
	struct nv *nv = aligned_alloc(64, RTE_ALIGN(sizeof(*nv), 64));
	uint8_t offload[28] = {0x80, 3, 28, 0};
	int r;

	if (!nv)
		rte_exit(1, "no memory\n");
	memset(nv, 0, sizeof(*nv));
	nv->pool = rx_pool;
	r = vsc_remote_init(&nv->remote, &nv->v, path, "bench", RAM_SIZE, 10000);
	if (!r)
		r = vsc_start(&nv->v, &up);
	memset(offload + 4, 4, 5);
	offload[11] = offload[12] = offload[22] = offload[23] = 2;
	if (!r)
		r = (int)vsc_set(&nv->v, 0xfc01020c, offload, sizeof(offload));
	if (!r)
		r = pump_init(&nv->pump, &nv->v, 1);
	if (r)
		rte_exit(3, "%s: the NIC does not come up: %d\n", path, r);
	nv->pump.kick = on_kick;
	nv->pump.ctx = &nv->remote;
	return nv;
}

void nv_close(struct nv *nv)
{
	pump_done(&nv->pump);
	vsc_remote_done(&nv->remote);
	free(nv);
}

/* TCP behind Ethernet and IPv4 without options. */
static uint32_t lso_of(uint32_t mss)
{
	return mss ? mss | 34u << 20 | RNDIS_LSO_V2 : ~0u;
}

uint32_t nv_tx(struct nv *nv, struct rte_mbuf **pkts, uint32_t n, uint32_t mss)
{
	uint32_t lso = lso_of(mss);
	struct pump_frame f[GEN_BURST_MAX];

	for (uint32_t i = 0; i < n; i++)
		f[i] = (struct pump_frame){.data = rte_pktmbuf_mtod(pkts[i], const uint8_t *),
					   .size = pkts[i]->pkt_len,
					   .copy = FRAME_HDR,
					   .csum = ~0u,
					   .lso = lso,
					   .vlan = ~0u};
	n = pump_tx(&nv->pump, 0, f, n);
	rte_pktmbuf_free_bulk(pkts, n);
	return n;
}

uint32_t nv_send(struct nv *nv, const uint8_t *templates, uint32_t n_flows, uint32_t next,
		 uint32_t size, uint32_t mss, uint32_t n)
{
	struct pump_frame f[GEN_BURST_MAX];
	uint32_t lso = lso_of(mss);

	for (uint32_t i = 0; i < n; i++) {
		f[i] = (struct pump_frame){.data = templates + (size_t)next * FRAME_HDR,
					   .size = size,
					   .copy = FRAME_HDR,
					   .csum = ~0u,
					   .lso = lso,
					   .vlan = ~0u};
		if (++next == n_flows)
			next = 0;
	}
	return pump_tx(&nv->pump, 0, f, n);
}

static void take(void *ctx, uint32_t chan, const struct pump_frame *f, uint32_t rsc)
{
	struct nv *nv = ctx;
	struct rte_mbuf *m;

	if (rsc && !(rsc & RNDIS_RSC_FIRST)) { /* goes on the frame before */
		m = nv->n ? nv->pkts[nv->n - 1] : NULL;
		if (!m || f->size > rte_pktmbuf_tailroom(m))
			return;
		memcpy(rte_pktmbuf_append(m, (uint16_t)f->size), f->data, f->size);
		return;
	}
	m = rte_pktmbuf_alloc(nv->pool);
	if (!m)
		return;
	memcpy(rte_pktmbuf_append(m, (uint16_t)f->size), f->data, f->size);
	nv->pkts[nv->n++] = m;
}

static void look(void *ctx, uint32_t chan, const struct pump_frame *f, uint32_t rsc)
{
	struct nv *nv = ctx;
	struct nv_seen *seen = nv->seen;

	seen->bytes += f->size;
	if (!rsc || rsc & RNDIS_RSC_FIRST) {
		if (!seen->n++)
			seen->first = f->data;
	}
	if (likely(seen->n != 1 || !nv->whole))
		return;
	if (f->size > sizeof(nv->sample) - seen->first_size)
		return;
	memcpy(nv->sample + seen->first_size, f->data, f->size);
	seen->first_size += f->size;
	seen->first = nv->sample;
}

void nv_look(struct nv *nv, uint32_t max, bool whole, struct nv_seen *ret)
{
	*ret = (struct nv_seen){0};
	nv->seen = ret;
	nv->whole = whole;
	pump_rx(&nv->pump, 0, max, look, nv);
}

uint32_t nv_rx(struct nv *nv, struct rte_mbuf **pkts, uint32_t n)
{
	/* a delivery is shown whole: leave room for one */
	nv->pkts = pkts;
	nv->n = 0;
	pump_rx(&nv->pump, 0, n, take, nv);
	return nv->n;
}
