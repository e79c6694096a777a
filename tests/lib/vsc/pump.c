/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/vsc/pump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT_XID     0x10000u
#define RECORD_ALIGN 8u
#define HEAD_MAX     128u

/* ---- set-up ---- */

/* Scattered pages, mapped one after the other. */
static uint8_t *map_pages(struct ram *ram, const uint64_t *pfns, uint32_t n)
{
	uint8_t *base = mmap(NULL, (size_t)n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	for (uint32_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && pfns[i + run] == pfns[i] + run; run++)
			;
		if (mmap(base + (size_t)i * 4096, (size_t)run * 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, ram->fd,
			 (off_t)(pfns[i] * 4096 - RAM_BASE)) == MAP_FAILED)
			return NULL;
	}
	return base;
}

static void ring_init(struct pump_ring *r, struct ram *ram, const struct gring *g, uint32_t at)
{
	r->head = (volatile uint32_t *)ram_pfn(ram, g->pfns[0]);
	r->data = (uint8_t *)ram_pfn(ram, g->pfns[1]); /* rings are contiguous, as the driver's */
	r->size = g->size;
	r->at = at;
}

static int slots_init(struct pump *p, struct pump_chan *c)
{
	uint64_t pfns[PUMP_SLOT_PAGES];

	for (uint32_t i = 0; i < PUMP_SLOTS; i++) {
		if (ram_alloc(&p->v->ram, PUMP_SLOT_PAGES, pfns))
			return -ENOMEM;
		c->slot_pfn[i] = pfns[0];
		c->slot_host[i] = ram_pfn(&p->v->ram, pfns[0]);
		c->slots[c->n_slots++] = (uint8_t)i;
	}
	return 0;
}

int pump_init(struct pump *p, struct vsc *v, uint32_t n_chans)
{
	uint32_t n_sections, per;

	memset(p, 0, sizeof(*p));
	p->v = v;
	p->n_chans = n_chans;
	p->section = v->section;
	p->packed = v->frames_per_msg ? v->frames_per_msg : 1;
	p->recv_size = v->recv_pages * 4096;
	p->send_size = v->send_pages * 4096;
	p->recv = map_pages(&v->ram, v->recv_pfns, v->recv_pages);
	p->send = map_pages(&v->ram, v->send_pfns, v->send_pages);
	if (!p->recv || !p->send)
		return -ENOMEM;
	n_sections = v->send_pages * 4096 / v->section;
	per = n_sections / n_chans;
	if (per > PUMP_SECTIONS)
		per = PUMP_SECTIONS;
	for (uint32_t i = 0; i < n_chans; i++) {
		struct pump_chan *c = &p->chan[i];

		ring_init(&c->out, &v->ram, &v->chan[i].out, *gring_word(&v->chan[i].out, 0));
		ring_init(&c->in, &v->ram, &v->chan[i].in, v->chan[i].in.read);
		for (uint32_t k = 0; k < per; k++)
			c->free[c->n_free++] = (uint16_t)(i * per + k);
		if (slots_init(p, c))
			return -ENOMEM;
		c->in.head[2] = 1; /* polled until armed */
	}
	return 0;
}

void pump_done(struct pump *p)
{
	if (p->recv)
		munmap(p->recv, p->recv_size);
	if (p->send)
		munmap(p->send, p->send_size);
}

/* ---- rings ---- */

static void ring_put(struct pump_ring *r, const void *src, uint32_t n)
{
	uint32_t first = r->size - r->at;

	if (n <= first) {
		memcpy(r->data + r->at, src, n);
	} else {
		memcpy(r->data + r->at, src, first);
		memcpy(r->data, (const uint8_t *)src + first, n - first);
	}
	r->at += n;
	if (r->at >= r->size)
		r->at -= r->size;
}

static bool ring_room(const struct pump_ring *r, uint32_t need)
{
	uint32_t rd = __atomic_load_n(&r->head[1], __ATOMIC_ACQUIRE);

	return (r->at >= rd ? r->size - (r->at - rd) : rd - r->at) > need + 8;
}

/* One packet of head, page ranges and NVSP message; published by ring_commit(). */
static bool ring_send(struct pump_ring *r, uint16_t type, uint64_t xid, const void *ext,
		      uint32_t ext_size, const struct nvsp_msg_wire *m, uint32_t msg_size)
{
	uint32_t head = 16 + ext_size, total = head + msg_size;
	uint64_t trailer = (uint64_t)r->at << 32;
	struct {
		uint16_t type, off8, len8, flags;
		uint64_t xid;
	} d = {type, (uint16_t)(head / 8), (uint16_t)(total / 8),
	       type == VMB_PKT_COMPLETION ? 0 : VMB_PKT_FLAG_COMPLETION, xid};

	if (!ring_room(r, total + 8))
		return false;
	ring_put(r, &d, 16);
	if (ext_size)
		ring_put(r, ext, ext_size);
	ring_put(r, m, msg_size);
	ring_put(r, &trailer, 8);
	return true;
}

static void ring_commit(struct pump *p, uint32_t chan, uint32_t before)
{
	struct pump_ring *r = &p->chan[chan].out;

	if (r->at == before)
		return;
	__atomic_store_n(&r->head[0], r->at, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!r->head[2] && __atomic_load_n(&r->head[1], __ATOMIC_ACQUIRE) == before && p->kick)
		p->kick(p->ctx, chan);
}

/* ---- sending ---- */

static uint32_t put_info(uint8_t *dst, uint32_t type, uint32_t value)
{
	uint32_t w[4] = {16, type, 12, value};

	memcpy(dst, w, 16);
	return 16;
}

/* The RNDIS header. Return: its size. */
static uint32_t put_head(uint8_t *dst, const struct pump_frame *f, uint32_t pad)
{
	struct rndis_packet_wire h = {.hdr = {.type = RNDIS_PACKET}, .data_size = f->size};
	uint32_t ppi = 0;

	if (f->vlan != ~0u)
		ppi += put_info(dst + sizeof(h) + ppi, RNDIS_PPI_VLAN, f->vlan);
	if (f->lso != ~0u)
		ppi += put_info(dst + sizeof(h) + ppi, RNDIS_PPI_LSO, f->lso);
	else if (f->csum != ~0u)
		ppi += put_info(dst + sizeof(h) + ppi, RNDIS_PPI_CSUM, f->csum);
	h.hdr.size = (uint32_t)sizeof(h) + ppi + f->size + pad;
	h.data_offset = (uint32_t)sizeof(h) - RNDIS_BODY + ppi;
	h.ppi_offset = ppi ? sizeof(h) - RNDIS_BODY : 0;
	h.ppi_size = ppi;
	memcpy(dst, &h, sizeof(h));
	return (uint32_t)sizeof(h) + ppi;
}

/* As many frames as one section takes. Return: how many; 0: no section, no room, or too large. */
static uint32_t send_packed(struct pump *p, struct pump_chan *c, const struct pump_frame *f,
			    uint32_t n)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {.channel = NVSP_CHANNEL_DATA}};
	uint32_t used = 0, k;
	uint8_t *at;

	if (!c->n_free || f->size + HEAD_MAX > p->section || !ring_room(&c->out, 16 + 40 + 8))
		return 0;
	m.rndis.section = c->free[c->n_free - 1];
	at = p->send + m.rndis.section * p->section;
	for (k = 0; k < n && k < p->packed && used + f[k].size + HEAD_MAX <= p->section; k++) {
		uint32_t pad = -f[k].size & (RECORD_ALIGN - 1), head;

		pad = (pad + 4) & (RECORD_ALIGN - 1); /* the header has 44 bytes */
		head = put_head(at + used, &f[k], pad);
		memcpy(at + used + head, f[k].data, f[k].copy ? f[k].copy : f[k].size);
		used += head + f[k].size + pad;
	}
	m.rndis.section_used = used;
	ring_send(&c->out, VMB_PKT_INBAND, m.rndis.section, NULL, 0, &m, p->v->nvsp_size);
	c->n_free--;
	return k;
}

/* A large frame by page ranges: its header in a page of its own, one page a range. */
static uint32_t send_paged(struct pump *p, struct pump_chan *c, const struct pump_frame *f)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
				  .rndis = {NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0}};
	uint32_t ext[2 + PUMP_SLOT_PAGES * 4] = {0}, n = 0, head, slot;
	uint64_t pfn;

	if (!c->n_slots || f->size > (PUMP_SLOT_PAGES - 1) * 4096)
		return 0;
	slot = c->slots[c->n_slots - 1];
	head = put_head(c->slot_host[slot], f, 0);
	for (uint32_t off = 0; off < f->size || !n; n++) {
		uint32_t size = !n ? head : f->size - off < 4096 ? f->size - off : 4096;

		pfn = c->slot_pfn[slot] + n;
		ext[2 + n * 4] = size;
		memcpy(&ext[2 + n * 4 + 2], &pfn, 8);
		if (n) {
			if (!f->copy || off < f->copy)
				memcpy(c->slot_host[slot] + n * 4096, f->data + off,
				       f->copy && f->copy < size ? f->copy : size);
			off += size;
		}
	}
	ext[1] = n;
	if (!ring_send(&c->out, VMB_PKT_GPA_DIRECT, SLOT_XID + slot, ext, 8 + n * 16, &m,
		       p->v->nvsp_size))
		return 0;
	c->n_slots--;
	return 1;
}

uint32_t pump_tx(struct pump *p, uint32_t chan, const struct pump_frame *f, uint32_t n)
{
	struct pump_chan *c = &p->chan[chan];
	uint32_t before = c->out.at, done = 0, k;

	while (done < n) {
		k = f[done].size + HEAD_MAX > p->section ? send_paged(p, c, f + done)
							 : send_packed(p, c, f + done, n - done);
		if (!k)
			break;
		done += k;
	}
	c->n_tx += done;
	ring_commit(p, chan, before);
	return done;
}

/* ---- receiving ---- */

static void show(struct pump *p, uint32_t chan, const uint8_t *msg, uint32_t size, pump_rx_fn fn,
		 void *ctx)
{
	struct pump_chan *c = &p->chan[chan];
	struct pump_frame f = {.csum = ~0u, .lso = ~0u, .vlan = ~0u};
	struct rndis_packet_wire h;
	uint32_t w[4], rsc = 0;

	memcpy(&h, msg, sizeof(h));
	if (h.hdr.type == RNDIS_INDICATE) {
		c->n_indications++;
		return;
	}
	if (h.hdr.type != RNDIS_PACKET || h.hdr.size > size ||
	    h.data_offset + RNDIS_BODY + h.data_size > h.hdr.size) {
		c->n_bad++;
		return;
	}
	for (uint32_t at = h.ppi_offset + RNDIS_BODY, end = at + h.ppi_size; h.ppi_size && at < end;
	     at += 16) {
		memcpy(w, msg + at, 16);
		if (w[1] == RNDIS_PPI_CSUM)
			f.csum = w[3];
		else if (w[1] == RNDIS_PPI_VLAN)
			f.vlan = w[3];
		else if (w[1] == RNDIS_PPI_PACKET_ID)
			rsc = w[3] >> 8 & 0xff;
	}
	f.data = msg + RNDIS_BODY + h.data_offset;
	f.size = h.data_size;
	c->n_rx++;
	fn(ctx, chan, &f, rsc);
}

static void ring_peek(const struct pump_ring *r, uint32_t off, void *dst, uint32_t n)
{
	uint32_t at = r->at + off, first;

	if (at >= r->size)
		at -= r->size;
	first = r->size - at;
	if (n <= first) {
		memcpy(dst, r->data + at, n);
		return;
	}
	memcpy(dst, r->data + at, first);
	memcpy((uint8_t *)dst + first, r->data, n - first);
}

static void completed(struct pump *p, struct pump_chan *c, uint64_t xid, uint32_t head)
{
	uint32_t m[2];

	ring_peek(&c->in, head, m, 8);
	c->n_tx_bad += m[0] != NVSP_RNDIS_COMPLETE || m[1] != NVSP_STATUS_SUCCESS;
	if (xid >= SLOT_XID && xid < SLOT_XID + PUMP_SLOTS && c->n_slots < PUMP_SLOTS)
		c->slots[c->n_slots++] = (uint8_t)(xid - SLOT_XID);
	else if (xid < p->send_size / p->section && c->n_free < PUMP_SECTIONS)
		c->free[c->n_free++] = (uint16_t)xid;
	else
		c->n_bad++;
}

static uint32_t delivered(struct pump *p, uint32_t chan, uint64_t xid, uint32_t head, pump_rx_fn fn,
			  void *ctx)
{
	struct pump_chan *c = &p->chan[chan];
	uint32_t n, r[2 * 375];

	ring_peek(&c->in, 20, &n, 4);
	if (n > 375 || head < 24 + 8 * n) {
		c->n_bad++;
		return 0;
	}
	ring_peek(&c->in, 24, r, 8 * n);
	for (uint32_t i = 0; i < n; i++) {
		if (i + 2 < n)
			__builtin_prefetch(p->recv + r[2 * i + 5]);
		if (r[2 * i + 1] + r[2 * i] <= p->recv_size)
			show(p, chan, p->recv + r[2 * i + 1], r[2 * i], fn, ctx);
	}
	c->acks[c->n_acks++] = xid;
	return n;
}

static void send_acks(struct pump *p, uint32_t chan)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS_COMPLETE};
	struct pump_chan *c = &p->chan[chan];
	uint32_t before = c->out.at, n = 0;

	m.complete.status = NVSP_STATUS_SUCCESS;
	while (n < c->n_acks &&
	       ring_send(&c->out, VMB_PKT_COMPLETION, c->acks[n], NULL, 0, &m, p->v->nvsp_size))
		n++;
	memmove(c->acks, c->acks + n, (c->n_acks - n) * sizeof(c->acks[0]));
	c->n_acks -= n;
	ring_commit(p, chan, before);
}

uint32_t pump_rx(struct pump *p, uint32_t chan, uint32_t max, pump_rx_fn fn, void *ctx)
{
	struct pump_chan *c = &p->chan[chan];
	uint32_t n = 0, at = c->in.at, w = __atomic_load_n(&c->in.head[0], __ATOMIC_ACQUIRE);
	uint16_t d[4];
	uint64_t xid;

	while (c->in.at != w && n < max && c->n_acks < PUMP_ACKS) {
		ring_peek(&c->in, 0, d, 8);
		ring_peek(&c->in, 8, &xid, 8);
		if (d[0] == VMB_PKT_COMPLETION)
			completed(p, c, xid, d[1] * 8u);
		else if (d[0] == VMB_PKT_XFER)
			n += delivered(p, chan, xid, d[1] * 8u, fn, ctx);
		c->in.at += d[2] * 8u + 8;
		if (c->in.at >= c->in.size)
			c->in.at -= c->in.size;
	}
	if (c->in.at != at)
		__atomic_store_n(&c->in.head[1], c->in.at, __ATOMIC_RELEASE);
	if (c->n_acks)
		send_acks(p, chan);
	return n;
}

bool pump_arm(struct pump *p, uint32_t chan, bool on)
{
	struct pump_ring *r = &p->chan[chan].in;

	__atomic_store_n(&r->head[2], !on, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(&r->head[0], __ATOMIC_ACQUIRE) != r->at || p->chan[chan].n_acks;
}
