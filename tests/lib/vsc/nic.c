/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest: netvsc. */
#include "tests/lib/vsc/vsc_priv.h"

#include <stdlib.h>

#define WAIT_TURNS 5000 /* about that many milliseconds, with a host in another process */

/* Bytes of the receive buffer, which is scattered pages. */
static void recv_read(struct vsc *v, uint32_t off, void *dst, uint32_t n)
{
	uint8_t *d = dst;

	while (n) {
		uint32_t in = off % 4096, run = 4096 - in < n ? 4096 - in : n;

		if (off / 4096 >= v->recv_pages) {
			v->rx_errors++;
			return;
		}
		memcpy(d, (uint8_t *)ram_pfn(&v->ram, v->recv_pfns[off / 4096]) + in, run);
		d += run;
		off += run;
		n -= run;
	}
}

static void ack(struct vsc *v, uint32_t index, uint64_t xid)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS_COMPLETE};

	m.complete.status = NVSP_STATUS_SUCCESS;
	if (gring_send(&v->chan[index].out, VMB_PKT_COMPLETION, 0, xid, NULL, 0, &m, v->nvsp_size,
		       NULL))
		v->rx_errors++;
}

static void on_data(struct vsc *v, uint32_t index, const uint8_t *msg, uint32_t size)
{
	struct rndis_packet_wire h;
	struct vsc_frame *k;
	uint32_t rsc = 0, first = 1;
	struct vsc_frame seen = {.csum = ~0u, .vlan = ~0u, .hash = ~0u};

	memcpy(&h, msg, sizeof(h));
	if (h.hdr.size > size || h.data_offset < 36 ||
	    h.data_offset + 8 + h.data_size > h.hdr.size) {
		v->rx_errors++;
		return;
	}
	for (uint32_t pos = h.ppi_offset + 8, end = pos + h.ppi_size; pos < end && h.ppi_size;) {
		uint32_t w[4];

		memcpy(w, msg + pos, 16);
		if (w[0] != 16 || w[2] != 12) {
			v->rx_errors++;
			return;
		}
		if (w[1] == RNDIS_PPI_CSUM)
			seen.csum = w[3];
		else if (w[1] == RNDIS_PPI_VLAN)
			seen.vlan = w[3];
		else if (w[1] == RNDIS_PPI_HASH)
			seen.hash = w[3];
		else if (w[1] == RNDIS_PPI_PACKET_ID)
			rsc = w[3] >> 8 & 0xff;
		pos += w[0];
	}
	if (rsc)
		first = rsc & RNDIS_RSC_FIRST;
	if (!first && v->n_guest_rx) { /* goes on the frame before */
		k = &v->guest_rx[(v->n_guest_rx - 1) % VSC_KEEP];
		k->data = realloc(k->data, k->size + h.data_size);
		memcpy(k->data + k->size, msg + 8 + h.data_offset, h.data_size);
		k->size += h.data_size;
		return;
	}
	k = vsc_keep(v->guest_rx, &v->n_guest_rx, h.data_size);
	k->chan = index;
	k->csum = seen.csum;
	k->vlan = seen.vlan;
	k->hash = seen.hash;
	k->rsc = rsc;
	memcpy(k->data, msg + 8 + h.data_offset, h.data_size);
}

static void on_control(struct vsc *v, const uint8_t *msg, uint32_t size)
{
	uint32_t w[3];

	memcpy(w, msg, 12);
	if (w[0] == RNDIS_INDICATE) {
		v->n_indications++;
		v->indication = w[2];
		return;
	}
	memcpy(v->control, msg, size);
	v->control_size = size;
}

static void on_xfer(struct vsc *v, uint32_t index, const struct gpkt *p)
{
	uint32_t n, r[2], channel;
	uint16_t set;
	uint8_t *msg;

	memcpy(&set, p->ext, 2);
	memcpy(&n, p->ext + 4, 4);
	memcpy(&channel, p->payload + 4, 4);
	if (set != 0xcafe || n == 0 || n > 375 || p->ext_size < 8 + 8 * n ||
	    p->xid >= v->n_suballocs || !(p->flags & 1)) {
		v->rx_errors++;
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		memcpy(r, p->ext + 8 + 8 * i, 8);
		if (r[0] > v->suballoc || r[1] % v->suballoc || r[0] < 12 ||
		    r[1] / v->suballoc >= v->n_suballocs) {
			v->rx_errors++;
			continue;
		}
		msg = calloc(1, r[0] + 64);
		recv_read(v, r[1], msg, r[0]);
		if (channel == NVSP_CHANNEL_CONTROL)
			on_control(v, msg, r[0]);
		else
			on_data(v, index, msg, r[0]);
		free(msg);
	}
	if (v->hold_acks && channel == NVSP_CHANNEL_DATA && v->n_held < VSC_KEEP) {
		v->held[v->n_held] = p->xid;
		v->held_chan[v->n_held++] = index;
	} else {
		ack(v, index, p->xid);
	}
}

void vsc_ack_held(struct vsc *v)
{
	for (unsigned int i = 0; i < v->n_held; i++)
		ack(v, v->held_chan[i], v->held[i]);
	v->n_held = 0;
}

void vsc_guest_poll(struct vsc *v, uint32_t index)
{
	static struct gpkt p;
	uint32_t type = 0;
	int r;

	while (!(r = gring_recv(&v->chan[index].in, &p))) {
		if (p.payload_size >= 4)
			memcpy(&type, p.payload, 4);
		if (p.type == VMB_PKT_XFER) {
			on_xfer(v, index, &p);
		} else if (p.type == VMB_PKT_COMPLETION) {
			v->completion = p;
			v->got_completion = true;
			if (p.payload_size >= 8 && type == NVSP_RNDIS_COMPLETE) {
				memcpy(&v->last_tx_status, p.payload + 4, 4);
				v->n_tx_done++;
			}
		} else if (p.type == VMB_PKT_INBAND && type == NVSP_INDIRECTION_TABLE) {
			memcpy(v->table, p.payload + 12, sizeof(v->table));
			v->got_table = true;
		} else {
			v->rx_errors++;
		}
	}
	if (r == -2)
		v->rx_errors++;
	gring_ack(&v->chan[index].in);
}

static void turn(struct vsc *v, uint32_t index)
{
	vsc_host_poll(v, index);
	vsc_guest_poll(v, index);
	vsc_host_poll(v, index);
}

int vsc_nvsp(struct vsc *v, uint32_t index, const struct nvsp_msg_wire *m, bool completion,
	     struct nvsp_msg_wire *reply)
{
	uint64_t xid = v->next_xid++;

	v->got_completion = false;
	if (gring_send(&v->chan[index].out, VMB_PKT_INBAND, completion, xid, NULL, 0, m,
		       v->nvsp_size, NULL))
		return -1;
	turn(v, index);
	if (!completion)
		return 0;
	for (int i = 0; v->serve && !v->got_completion && i < WAIT_TURNS; i++)
		turn(v, index);
	if (!v->got_completion || v->completion.xid != xid)
		return -1;
	if (reply) {
		memset(reply, 0, sizeof(*reply));
		memcpy(reply, v->completion.payload,
		       v->completion.payload_size < 40 ? v->completion.payload_size : 40);
	}
	return 0;
}

/* Bytes in fresh pages, sent GPA-direct, or put into a section. */
int vsc_send_raw(struct vsc *v, uint32_t index, const void *bytes, uint32_t size, uint32_t section)
{
	static uint8_t ext[8 + 16 * 40];
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {NVSP_CHANNEL_DATA, section, 0}};
	const uint8_t *b = bytes;
	uint32_t n = (size + 4095) / 4096, zero = 0;
	uint64_t pfns[32];
	uint32_t mark = v->ram.next;

	if (section != NVSP_NO_SECTION) {
		uint32_t off = section * v->section;

		m.rndis.section_used = size;
		for (uint32_t i = 0; i < size; i++, off++)
			((uint8_t *)ram_pfn(&v->ram, v->send_pfns[off / 4096]))[off % 4096] = b[i];
		return gring_send(&v->chan[index].out, VMB_PKT_INBAND, 1, v->next_xid++, NULL, 0,
				  &m, v->nvsp_size, NULL);
	}
	if (n > 32 || ram_alloc(&v->ram, n, pfns))
		return -1;
	memcpy(ext, &zero, 4);
	memcpy(ext + 4, &n, 4);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t r[2] = {size - i * 4096 < 4096 ? size - i * 4096 : 4096, 0};

		memcpy(ram_pfn(&v->ram, pfns[i]), b + i * 4096, r[0]);
		memcpy(ext + 8 + i * 16, r, 8);
		memcpy(ext + 16 + i * 16, &pfns[i], 8);
	}
	int r = gring_send(&v->chan[index].out, VMB_PKT_GPA_DIRECT, 1, v->next_xid++, ext,
			   8 + 16 * n, &m, v->nvsp_size, NULL);
	vsc_host_poll(v, index);
	v->ram.next = mark; /* served: the pages are free again */
	return r;
}

uint32_t vsc_packet(uint8_t *dst, const void *ppi, uint32_t ppi_size, const void *frame,
		    uint32_t size)
{
	struct rndis_packet_wire h = {
		.hdr = {RNDIS_PACKET, (uint32_t)sizeof(h) + ppi_size + size},
		.data_offset = 36 + ppi_size,
		.data_size = size,
		.ppi_offset = ppi_size ? 36 : 0,
		.ppi_size = ppi_size,
	};

	memcpy(dst, &h, sizeof(h));
	if (ppi_size)
		memcpy(dst + sizeof(h), ppi, ppi_size);
	memcpy(dst + sizeof(h) + ppi_size, frame, size);
	return h.hdr.size;
}

int vsc_send(struct vsc *v, uint32_t index, const void *frame, uint32_t size, const void *ppi,
	     uint32_t ppi_size)
{
	static uint8_t buf[80000];
	uint32_t n = vsc_packet(buf, ppi, ppi_size, frame, size);
	bool small = v->section && n + 8 < v->section;
	int r = vsc_send_raw(v, index, buf, n,
			     small ? (uint32_t)(v->next_xid % 16) : NVSP_NO_SECTION);

	turn(v, index);
	return r;
}

/* HALT is completed, but has no answer. */
static bool control_done(const struct vsc *v, const void *msg, unsigned int n_before)
{
	uint32_t type;

	memcpy(&type, msg, sizeof(type));
	return type == RNDIS_HALT ? v->n_tx_done != n_before : v->control_size != 0;
}

int vsc_control(struct vsc *v, const void *msg, uint32_t size)
{
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
				  .rndis = {NVSP_CHANNEL_CONTROL, NVSP_NO_SECTION, 0}};
	uint64_t pfns[2];
	uint32_t mark = v->ram.next;
	unsigned int n_before = v->n_tx_done;
	int r;

	if (ram_alloc(&v->ram, 2, pfns))
		return -1;
	struct {
		uint32_t rsvd, n, size, off;
		uint64_t pfn[2];
	} ext = {0xabcdef01, 1, size, 4096 - 20, {pfns[0], pfns[1]}};
	uint32_t ext_size = size > 20 ? 32 : 24;

	memcpy((uint8_t *)ram_pfn(&v->ram, pfns[0]) + ext.off, msg, size < 20 ? size : 20);
	if (size > 20)
		memcpy(ram_pfn(&v->ram, pfns[1]), (const uint8_t *)msg + 20, size - 20);
	v->control_size = 0;
	r = gring_send(&v->chan[0].out, VMB_PKT_GPA_DIRECT, 1, v->next_xid++, &ext, ext_size, &m,
		       v->nvsp_size, NULL);
	turn(v, 0);
	for (int i = 0; v->serve && !r && !control_done(v, msg, n_before) && i < WAIT_TURNS; i++)
		turn(v, 0);
	v->ram.next = mark;
	return r || !v->control_size ? -1 : 0;
}

static int request(struct vsc *v, uint32_t type, uint32_t oid, const void *in, uint32_t size)
{
	static uint32_t rid;
	uint8_t buf[4096] = {0};
	struct rndis_request_wire m = {.hdr = {type, (uint32_t)sizeof(m) + size},
				       .rid = ++rid,
				       .oid = oid,
				       .size = size,
				       .offset = 20};
	uint32_t w[3];

	memcpy(buf, &m, sizeof(m));
	if (size)
		memcpy(buf + sizeof(m), in, size);
	if (vsc_control(v, buf, m.hdr.size))
		return -1;
	memcpy(w, v->control, 12);
	return w[0] == (type | RNDIS_COMPLETE) && w[2] == rid ? 0 : -1;
}

uint32_t vsc_query(struct vsc *v, uint32_t oid, void *out, uint32_t *size)
{
	struct rndis_query_complete_wire r;

	*size = 0;
	if (request(v, RNDIS_QUERY, oid, NULL, 0))
		return 0xffffffff;
	memcpy(&r, v->control, sizeof(r));
	if (r.offset < 16 || r.hdr.size != sizeof(r) + r.size) {
		v->rx_errors++;
		return 0xffffffff;
	}
	*size = r.size;
	memcpy(out, v->control + 8 + r.offset, r.size);
	return r.status;
}

uint32_t vsc_set(struct vsc *v, uint32_t oid, const void *in, uint32_t size)
{
	struct rndis_status_wire r;

	if (request(v, RNDIS_SET, oid, in, size))
		return 0xffffffff;
	memcpy(&r, v->control, sizeof(r));
	return r.status;
}

static int give_buffer(struct vsc *v, uint32_t type, uint16_t id, uint32_t pages, uint64_t **pfns,
		       uint32_t *gpadl, struct nvsp_msg_wire *reply)
{
	struct nvsp_msg_wire m = {.type = type};

	if (!*pfns) {
		*pfns = calloc(pages, 8);
		v->ram.scatter = !v->together; /* vmalloc'ed in real guests */
		if (!*pfns || ram_alloc(&v->ram, pages, *pfns))
			return -1;
		v->ram.scatter = false;
	}
	*gpadl = v->next_gpadl++;
	if (vsc_gpadl(v, v->chan[0].relid, *gpadl, *pfns, pages))
		return -1;
	m.buffer.gpadl = *gpadl;
	m.buffer.id = id;
	return vsc_nvsp(v, 0, &m, true, reply);
}

static void stepped(struct vsc *v)
{
	if (v->step)
		v->step(v);
}

int vsc_bring_up(struct vsc *v, const struct vsc_up *up)
{
	struct nvsp_msg_wire m = {.type = NVSP_INIT}, r;
	struct rndis_initialize_wire init = {{RNDIS_INITIALIZE, sizeof(init)}, 1, 1, 0, 0x4000};
	struct rndis_initialize_complete_wire done;

	m.init.min_version = m.init.max_version = up->version;
	if (vsc_nvsp(v, 0, &m, true, &r) || r.type != NVSP_INIT_COMPLETE ||
	    r.init_complete.status != NVSP_STATUS_SUCCESS)
		return -1;
	stepped(v);
	if (up->version >= NVSP_V2) {
		m = (struct nvsp_msg_wire){.type = NVSP_NDIS_CONFIG};
		m.ndis_config.mtu = up->mtu + 14;
		m.ndis_config.caps = up->caps;
		vsc_nvsp(v, 0, &m, false, NULL);
	}
	m = (struct nvsp_msg_wire){.type = NVSP_NDIS_VERSION};
	m.ndis_version.major = 6;
	m.ndis_version.minor = up->version >= NVSP_V5 ? 30 : 1;
	vsc_nvsp(v, 0, &m, false, NULL);
	stepped(v);
	v->recv_pages = up->recv_pages;
	if (give_buffer(v, NVSP_RECV_BUF, 0xcafe, up->recv_pages, &v->recv_pfns, &v->recv_gpadl,
			&r) ||
	    r.recv_complete.status != NVSP_STATUS_SUCCESS || r.recv_complete.n_sections != 1)
		return -2;
	v->suballoc = r.recv_complete.suballoc_size;
	v->n_suballocs = r.recv_complete.n_suballocs;
	stepped(v);
	v->send_pages = up->send_pages;
	v->section = 0;
	if (up->send_pages) {
		if (give_buffer(v, NVSP_SEND_BUF, 0, up->send_pages, &v->send_pfns, &v->send_gpadl,
				&r) ||
		    r.send_complete.status != NVSP_STATUS_SUCCESS)
			return -3;
		v->section = r.send_complete.section_size;
	}
	stepped(v);
	if (vsc_control(v, &init, sizeof(init)))
		return -4;
	memcpy(&done, v->control, sizeof(done));
	v->frames_per_msg = done.max_packets;
	stepped(v);
	return v->rx_errors ? -5 : 0;
}

int vsc_start(struct vsc *v, const struct vsc_up *up)
{
	uint32_t filter = 0xd;
	int r;

	if (vsc_connect(v, VMB_V5_3) || vsc_open(v, 0, up->ring_pages ? up->ring_pages : 16))
		return -10;
	r = vsc_bring_up(v, up);
	if (r)
		return r;
	return vsc_set(v, 0x0001010e, &filter, 4) ? -11 : 0;
}

int vsc_subchannels(struct vsc *v, uint32_t n)
{
	struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL}, r;
	uint32_t i;

	m.subchannel.op = 1;
	m.subchannel.count = n;
	v->wanted_subchannels = 0;
	if (vsc_nvsp(v, 0, &m, true, &r) || r.subchannel.op != NVSP_STATUS_SUCCESS)
		return -1;
	for (int t = 0; v->serve && v->wanted_subchannels != r.subchannel.count && t < WAIT_TURNS;
	     t++)
		turn(v, 0);
	if (v->wanted_subchannels != r.subchannel.count)
		return -2;
	for (i = 1; i <= r.subchannel.count; i++) {
		vsc_offer(v, (uint16_t)i);
		if (vsc_open(v, i, v->sub_pages ? v->sub_pages : 8))
			return -3;
	}
	turn(v, 0);
	return (int)r.subchannel.count;
}

void vsc_stop(struct vsc *v)
{
	uint32_t halt[3] = {RNDIS_HALT, 12, 0}, zero = 0;
	struct nvsp_msg_wire m = {.type = NVSP_REVOKE_RECV_BUF};

	vsc_set(v, 0x0001010e, &zero, 4);
	vsc_control(v, halt, sizeof(halt));
	m.revoke.id = 0xcafe;
	vsc_nvsp(v, 0, &m, false, NULL);
	m.type = NVSP_REVOKE_SEND_BUF;
	m.revoke.id = 0;
	vsc_nvsp(v, 0, &m, false, NULL);
	for (uint32_t i = VSC_CHANS; i-- > 0;)
		vsc_close(v, i);
}

unsigned int vsc_deliver(struct vsc *v, uint32_t index, const struct nvsp_frame *f,
			 const void *data)
{
	/* in three pieces, as mbuf chains come */
	uint32_t a = f->size / 3, b = f->size / 2;
	const uint8_t *d = data;
	struct nvsp_seg segs[3] = {{d, a}, {d + a, b - a}, {d + b, f->size - b}};
	struct nvsp_tx t = {.f = *f, .segs = segs, .n_segs = 3};
	unsigned int n = nvsp_tx_burst(nvsp_dev_chan(v->dev, index), &t, 1);

	vsc_guest_poll(v, index);
	vsc_host_poll(v, index);
	return n;
}
