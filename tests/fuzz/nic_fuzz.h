/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A NIC brought up as far as a fuzzer wants it, on plain heap memory, so that the sanitizer sees
 * every byte beyond guest RAM.
 */
#pragma once

#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "tests/lib/vsc/gring.h"
#include "vmbus-netvsp/netvsp.h"
#include "vmbus-netvsp/proto/nvsp_wire.h"
#include "vmbus-netvsp/proto/rndis_wire.h"
#include "vmbus-netvsp/proto/vmbus_wire.h"

#define NF_CHANS      3
#define NF_RING_PAGES 3
#define NF_RECV_PAGES 24
#define NF_SEND_PAGES 6
#define NF_PAGES      (NF_CHANS * 2 * NF_RING_PAGES + NF_RECV_PAGES + NF_SEND_PAGES)

static struct nic_fuzz {
	struct ram ram;
	struct vmb_mem mem;
	struct nvsp_dev *dev;
	uint64_t ring[NF_CHANS][2 * NF_RING_PAGES], recv[NF_RECV_PAGES], send[NF_SEND_PAGES];
	struct gring out[NF_CHANS], in[NF_CHANS];
	void *keep; /* NULL, or notes that outlive the device */
	unsigned int frames;
	uint64_t sum; /* so that reads of frames are not optimised away */
} nf;

static void nf_signal(void *ctx, void *priv)
{
}

static void nf_event(void *ctx, const struct nvsp_event *ev)
{
	if (ev->kind == NVSP_EV_FAULT && (ev->fault == VMB_FAULT_NONE || ev->fault >= VMB_FAULT_N))
		abort();
}

static int nf_set_mac(void *ctx, const uint8_t mac[6])
{
	return 0;
}

static const struct nvsp_ops nf_ops = {nf_signal, nf_event, nf_set_mac};

/* What a port does: copy the frame, finish it. */
static void nf_frame(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs, unsigned int n)
{
	uint8_t *copy = malloc(f->size);
	uint32_t off = 0;

	if (f->size < 14 || f->size > 65535 + 18 || n > NVSP_SEGS_MAX)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (segs[i].size > f->size - off)
			abort();
		memcpy(copy + off, segs[i].ptr, segs[i].size);
		off += segs[i].size;
	}
	if (off != f->size)
		abort();
	if (!nvsp_frame_finish(copy, f->size < NVSP_HEADERS_MAX ? f->size : NVSP_HEADERS_MAX, f)) {
		if (f->flags & NVSP_F_LSO && (!f->mss || f->hdr_size >= f->size))
			abort();
		if (f->flags & NVSP_F_CSUM_L4 && f->l4_off + 8u > f->size)
			abort();
	}
	nf.sum += copy[0] + copy[f->size - 1];
	free(copy);
	nf.frames++;
}

static void nf_plain(void *ctx, const struct nvsp_seg *frames, unsigned int n)
{
	if (!n || n > NVSP_PLAIN_MAX)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		struct nvsp_frame f = {.size = frames[i].size};

		nf.sum += frames[i].ptr[f.size + NVSP_SLACK - 1];
		nf_frame(ctx, &f, &frames[i], 1);
	}
}

static const struct nvsp_sink nf_sink = {.frame = nf_frame, .plain = nf_plain};

static inline unsigned int nf_poll(uint32_t chan)
{
	unsigned int n = nvsp_rx_burst(nvsp_dev_chan(nf.dev, chan), 32, &nf_sink, NULL);

	if (n > 32)
		abort();
	return n;
}

static inline void nf_nvsp(const struct nvsp_msg_wire *m)
{
	gring_send(&nf.out[0], VMB_PKT_INBAND, 1, 1, NULL, 0, m, sizeof(*m), NULL);
	nf_poll(0);
}

/* An RNDIS message in section 0. */
static inline void nf_rndis(uint32_t chan, uint32_t channel, const void *msg, uint32_t size)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {channel, 0, size}};

	for (uint32_t i = 0; i < size; i++)
		((uint8_t *)ram_pfn(&nf.ram, nf.send[i / 4096]))[i % 4096] =
			((const uint8_t *)msg)[i];
	gring_send(&nf.out[chan], VMB_PKT_INBAND, 1, 2, NULL, 0, &m, sizeof(m), NULL);
	nf_poll(chan);
}

static inline void nf_rings(uint32_t chan)
{
	gring_init(&nf.out[chan], &nf.ram, nf.ring[chan], NF_RING_PAGES);
	gring_init(&nf.in[chan], &nf.ram, nf.ring[chan] + NF_RING_PAGES, NF_RING_PAGES);
}

static inline void nf_open(uint32_t chan)
{
	nf_rings(chan);
	nvsp_chan_open(nf.dev, chan, 10 + chan, NF_RING_PAGES, NULL);
}

/* @stage 0: open; 1: init; 2: configured; 3: buffers; 4: RNDIS; 5: filter set; 6: subchannels. */
static inline void nf_up(unsigned int stage)
{
	static const uint32_t versions[] = {NVSP_V61, NVSP_V61, NVSP_V61, NVSP_V61, NVSP_V5};
	struct nvsp_cfg cfg = {.max_queues = NF_CHANS,
			       .max_mtu = 9000,
			       .speed_bps = 1000000000,
			       .link_up = true,
			       .keep = nf.keep,
			       .name = "fuzz"};
	struct nvsp_msg_wire m = {.type = NVSP_INIT};
	struct rndis_initialize_wire init = {{RNDIS_INITIALIZE, sizeof(init)}, 1, 1, 0, 0x4000};
	uint32_t set[8] = {RNDIS_SET, 32, 2, 0x0001010e, 4, 20, 0, 0xd};

	if (!nf.ram.host) {
		nf.ram.size = NF_PAGES * 4096;
		nf.ram.host = aligned_alloc(4096, nf.ram.size);
		nf.ram.fd = -1;
		nf.mem = (struct vmb_mem){ram_map, &nf.ram};
	}
	nf.ram.next = 0;
	nf.frames = 0;
	nf.ram.scatter = stage & 1; /* in one piece: what plain frames take is another way */
	ram_alloc(&nf.ram, NF_RECV_PAGES, nf.recv);
	nf.ram.scatter = false;
	ram_alloc(&nf.ram, NF_SEND_PAGES, nf.send);
	nf.dev = nvsp_dev_create(&cfg, &nf.mem, &nf_ops, NULL);
	for (uint32_t i = 0; i < NF_CHANS; i++) {
		ram_alloc(&nf.ram, 2 * NF_RING_PAGES, nf.ring[i]);
		nf_rings(i); /* a guest may write there without opening the channel */
		nvsp_gpadl_add(nf.dev, 10 + i, nf.ring[i], 2 * NF_RING_PAGES, NULL);
	}
	nvsp_gpadl_add(nf.dev, 1, nf.recv, NF_RECV_PAGES, NULL);
	nvsp_gpadl_add(nf.dev, 2, nf.send, NF_SEND_PAGES, NULL);
	nf_open(0);
	m.init.min_version = m.init.max_version = versions[stage % 5];
	if (stage > 0)
		nf_nvsp(&m);
	m = (struct nvsp_msg_wire){.type = NVSP_NDIS_CONFIG};
	m.ndis_config.mtu = 1514;
	m.ndis_config.caps = NVSP_CAP_RSC;
	if (stage > 1)
		nf_nvsp(&m);
	m = (struct nvsp_msg_wire){.type = NVSP_RECV_BUF, .buffer = {1, 0xcafe}};
	if (stage > 2)
		nf_nvsp(&m);
	m = (struct nvsp_msg_wire){.type = NVSP_SEND_BUF, .buffer = {2, 0}};
	if (stage > 2)
		nf_nvsp(&m);
	if (stage > 3)
		nf_rndis(0, NVSP_CHANNEL_CONTROL, &init, sizeof(init));
	if (stage > 4)
		nf_rndis(0, NVSP_CHANNEL_CONTROL, set, sizeof(set));
	m = (struct nvsp_msg_wire){.type = NVSP_SUBCHANNEL, .subchannel = {1, NF_CHANS - 1}};
	if (stage > 5) {
		nf_nvsp(&m);
		nf_open(1);
		nf_open(2);
	}
}

/* A device as after its process ended: new, with the page lists of the guest. */
static inline void nf_again(void)
{
	struct nvsp_cfg cfg = {.max_queues = NF_CHANS, .max_mtu = 9000, .keep = nf.keep};

	nf.dev = nvsp_dev_create(&cfg, &nf.mem, &nf_ops, NULL);
	for (uint32_t i = 0; i < NF_CHANS; i++)
		nvsp_gpadl_add(nf.dev, 10 + i, nf.ring[i], 2 * NF_RING_PAGES, NULL);
	nvsp_gpadl_add(nf.dev, 1, nf.recv, NF_RECV_PAGES, NULL);
	nvsp_gpadl_add(nf.dev, 2, nf.send, NF_SEND_PAGES, NULL);
}

/* Use all of it that can be used. */
static inline void nf_use(const uint8_t *flow)
{
	static const uint8_t data60[60];
	struct nvsp_seg s = {data60, 60};
	struct nvsp_tx t = {{.size = 60}, &s, 1};
	uint32_t hash;

	for (uint32_t i = 0; i < NF_CHANS; i++) {
		nf_poll(i);
		nvsp_tx_burst(nvsp_dev_chan(nf.dev, i), &t, 1);
		nvsp_tx_plain(nvsp_dev_chan(nf.dev, i), &s, 1);
		nf_poll(i);
	}
	if (nvsp_rss_hash(nf.dev, flow, 100, &hash))
		nvsp_rss_queue(nf.dev, hash);
	nvsp_tick(nf.dev, 100000);
}

static inline void nf_down(void)
{
	nvsp_dev_destroy(nf.dev);
	nf.dev = NULL;
}
