/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RNDIS control messages. Each answer goes into a queue, from there into a suballocation kept for
 * control and a ring packet of its own; when neither is free it waits, and later bursts go on.
 */
#include "vmbus-netvsp/netvsp_priv.h"

#include <errno.h>

int nvsp_ctl_queue(struct nvsp_dev *dev, const void *msg, uint32_t size)
{
	struct nvsp_chan *c = &dev->chans[0];
	struct ctl_msg *m;
	int r = -ENOBUFS;

	if (size > CTL_MSG_MAX)
		return -EMSGSIZE;
	chan_lock(c);
	if (dev->n_ctl < CTL_QUEUE) {
		m = &dev->ctl[(dev->ctl_first + dev->n_ctl++) % CTL_QUEUE];
		m->size = size;
		memcpy(m->data, msg, size);
		r = 0;
	}
	chan_unlock(c);
	return r;
}

/* The channel table, once every subchannel is open. */
static void flush_table(struct nvsp_dev *dev)
{
	struct nvsp_table_wire t = {
		.type = NVSP_INDIRECTION_TABLE, .count = NVSP_TABLE_ENTRIES, .offset = 12};

	if (!dev->subchannels_asked || dev->table_sent)
		return;
	for (uint32_t i = 0; i < dev->n_queues; i++)
		if (!nvsp_chan_is_open(&dev->chans[i]))
			return;
	for (uint32_t i = 0; i < NVSP_TABLE_ENTRIES; i++)
		t.table[i] = i % dev->n_queues;
	if (!vmb_ring_out_put(&dev->chans[0].out, VMB_PKT_INBAND, 0, 0, NULL, 0, &t, sizeof(t))) {
		dev->table_sent = true;
		keep_touch(dev);
	}
}

void nvsp_ctl_flush_locked(struct nvsp_dev *dev)
{
	struct nvsp_msg_wire n = {
		.type = NVSP_RNDIS,
		.rndis = {.channel = NVSP_CHANNEL_CONTROL, .section = NVSP_NO_SECTION}};
	struct nvsp_chan *c = &dev->chans[0];
	struct recv_buf *rb = recv_get(dev);

	flush_table(dev);
	while (rb && dev->n_ctl && rb->ctl_free) {
		struct ctl_msg *m = &dev->ctl[dev->ctl_first];
		uint32_t id = (uint32_t)__builtin_ctz(rb->ctl_free);
		struct {
			struct vmb_xfer_wire head;
			struct vmb_xfer_range_wire range;
		} ext = {{.set_id = rb->id, .n_ranges = 1}, {m->size, id * rb->suballoc}};

		vmb_view_write(&rb->view, ext.range.offset, m->data, m->size);
		if (vmb_ring_out_put(&c->out, VMB_PKT_XFER, VMB_PKT_FLAG_COMPLETION, id, &ext,
				     sizeof(ext), &n, msg_size(dev)))
			return;
		rb->ctl_free &= ~(1u << id);
		rb->head[id] = 1;
		nvsp_keep_sent(c, &id, 1);
		keep_touch(dev);
		dev->ctl_first = (dev->ctl_first + 1) % CTL_QUEUE;
		dev->n_ctl--;
	}
}

void nvsp_indicate(struct nvsp_dev *dev, uint32_t status, const void *data, uint32_t size)
{
	struct {
		struct rndis_indicate_wire h;
		uint8_t data[sizeof(struct ndis_offload_wire)];
	} m = {0};

	if (!dev->rndis_ready || size > sizeof(m.data))
		return;
	m.h.hdr.type = RNDIS_INDICATE;
	m.h.hdr.size = (uint32_t)sizeof(m.h) + size;
	m.h.status = status;
	m.h.size = size;
	m.h.offset = size ? sizeof(m.h) - RNDIS_BODY : 0;
	if (size)
		memcpy(m.data, data, size);
	nvsp_ctl_queue(dev, &m, m.h.hdr.size);
}

static int send_status(struct nvsp_dev *dev, uint32_t type, uint32_t rid, uint32_t status)
{
	struct rndis_status_wire r = {
		.hdr = {.type = type | RNDIS_COMPLETE, .size = sizeof(r)},
		.rid = rid,
		.status = status,
	};

	return nvsp_ctl_queue(dev, &r, sizeof(r));
}

static int on_initialize(struct nvsp_dev *dev, const struct rndis_initialize_wire *m)
{
	struct rndis_initialize_complete_wire r = {
		.hdr = {.type = RNDIS_INITIALIZE | RNDIS_COMPLETE, .size = sizeof(r)},
		.rid = m->rid,
		.status = m->major == 1 ? NDIS_STATUS_OK : NDIS_STATUS_BAD_VERSION,
		.major = 1,
		.flags = 1,
		.max_packets = NVSP_FRAMES_PER_MSG,
		.max_transfer = 0xefffffff,
		.alignment_shift = 3,
	};

	if (m->major == 1 && !dev->rndis_ready) {
		dev->rndis_ready = true;
		dev->link_told = true; /* guests ask for the state; told is what they assume */
		dev->link_ever = false;
	}
	return nvsp_ctl_queue(dev, &r, sizeof(r));
}

static void on_halt(struct nvsp_dev *dev)
{
	dev->rndis_ready = false;
	if (dev->filter) {
		__atomic_store_n(&dev->filter, 0, __ATOMIC_RELAXED);
		nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_FILTER});
	}
}

/* Where a request's data lies in the message; NULL: outside. */
static const uint8_t *request_data(const struct rndis_request_wire *m, const uint8_t *msg,
				   uint32_t size)
{
	uint32_t body = size - RNDIS_BODY;

	if (m->size == 0)
		return msg + sizeof(*m);
	if (m->offset < sizeof(*m) - RNDIS_BODY || m->offset > body || m->size > body - m->offset)
		return NULL;
	return msg + RNDIS_BODY + m->offset;
}

static int on_query(struct nvsp_dev *dev, const struct rndis_request_wire *m)
{
	struct {
		struct rndis_query_complete_wire h;
		uint8_t data[CTL_MSG_MAX - sizeof(struct rndis_query_complete_wire)];
	} r;
	uint32_t n;

	memset(&r, 0, sizeof(r));
	r.h.hdr.type = RNDIS_QUERY | RNDIS_COMPLETE;
	r.h.rid = m->rid;
	r.h.status = nvsp_oid_query(dev, m->oid, r.data, &n);
	r.h.size = n;
	r.h.offset = sizeof(r.h) - RNDIS_BODY; /* even when empty: Linux refuses less */
	r.h.hdr.size = (uint32_t)sizeof(r.h) + r.h.size;
	return nvsp_ctl_queue(dev, &r, r.h.hdr.size);
}

static int on_set(struct nvsp_dev *dev, const struct rndis_request_wire *m, const uint8_t *msg,
		  uint32_t size)
{
	const uint8_t *data = request_data(m, msg, size);
	uint32_t status = NDIS_STATUS_INVALID_LENGTH;

	if (data)
		status = nvsp_oid_set(dev, m->oid, data, m->size);
	return send_status(dev, RNDIS_SET, m->rid, status);
}

enum vmb_fault nvsp_rndis_control(struct nvsp_dev *dev, const uint8_t *msg, uint32_t total)
{
	union {
		struct rndis_hdr_wire hdr;
		struct rndis_initialize_wire init;
		struct rndis_request_wire req;
	} m = {0};
	uint32_t size;
	int r;

	memcpy(&m, msg, total < sizeof(m) ? total : sizeof(m));
	size = m.hdr.size;
	if (size > total || size < 12)
		return VMB_FAULT_RNDIS_CONTROL;
	if (m.hdr.type == RNDIS_HALT) {
		on_halt(dev);
		return VMB_FAULT_NONE;
	}
	if (m.hdr.type == RNDIS_INITIALIZE && size >= sizeof(m.init) - 4)
		r = on_initialize(dev, &m.init);
	else if (m.hdr.type == RNDIS_QUERY && size >= sizeof(m.req) - 4 && dev->rndis_ready)
		r = on_query(dev, &m.req);
	else if (m.hdr.type == RNDIS_SET && size >= sizeof(m.req) && dev->rndis_ready)
		r = on_set(dev, &m.req, msg, size);
	else if (m.hdr.type == RNDIS_KEEPALIVE)
		r = send_status(dev, RNDIS_KEEPALIVE, m.req.rid, NDIS_STATUS_OK);
	else if (m.hdr.type == RNDIS_RESET)
		/* its answer has no request id: status, addressing reset */
		r = send_status(dev, RNDIS_RESET, NDIS_STATUS_NOT_SUPPORTED, 0);
	else if (m.hdr.type & RNDIS_COMPLETE || m.hdr.type == RNDIS_INDICATE)
		r = 0; /* answers to nothing, and news that is ours to give */
	else
		r = send_status(dev, m.hdr.type, m.req.rid, NDIS_STATUS_NOT_SUPPORTED);
	return r ? VMB_FAULT_RNDIS_FLOOD : VMB_FAULT_NONE;
}
