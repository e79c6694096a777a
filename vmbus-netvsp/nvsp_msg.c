/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVSP messages from the guest.
 *
 * Order on the primary: INIT (tried downwards until accepted), NDIS_CONFIG (from version 2 on),
 * NDIS_VERSION, RECV_BUF, SEND_BUF (optional), RNDIS. A subchannel carries data only. What breaks
 * this stops the channel; what is merely unknown to us is answered politely.
 */
#include "vmbus-netvsp/netvsp_priv.h"

/* The guest asked for a completion: queue one. There is room, nvsp_rx_burst() saw to that. */
static void complete(struct nvsp_chan *c, const struct vmb_pkt *pkt, const struct nvsp_msg_wire *m,
		     uint32_t size)
{
	struct todo *t = &c->todo[c->n_todo];

	if (!(pkt->flags & VMB_PKT_FLAG_COMPLETION))
		return;
	t->xid = pkt->xid;
	t->before = c->before;
	t->ack = false;
	t->status = 0;
	t->size = (uint8_t)size;
	t->msg = *m;
	c->n_todo++;
}

void nvsp_todo_msg(const struct todo *t, struct nvsp_msg_wire *ret)
{
	*ret = t->msg;
	if (t->status)
		*ret = (struct nvsp_msg_wire){.type = NVSP_RNDIS_COMPLETE,
					      .complete.status = t->status};
}

static void reply(struct nvsp_chan *c, const struct vmb_pkt *pkt, const struct nvsp_msg_wire *m)
{
	complete(c, pkt, m, msg_size(c->dev));
}

static void reply_empty(struct nvsp_chan *c, const struct vmb_pkt *pkt)
{
	static const struct nvsp_msg_wire none;

	complete(c, pkt, &none, 0);
}

bool nvsp_version_known(uint32_t v)
{
	return v == NVSP_V1 || v == NVSP_V2 || v == NVSP_V4 || v == NVSP_V5 || v == NVSP_V6 ||
	       v == NVSP_V61;
}

static enum vmb_fault on_init(struct nvsp_chan *c, const struct vmb_pkt *pkt,
			      const struct nvsp_msg_wire *m)
{
	struct nvsp_msg_wire r = {.type = NVSP_INIT_COMPLETE};
	struct nvsp_dev *dev = c->dev;

	if (dev->configured || dev->recv || dev->send || dev->rndis_ready)
		return VMB_FAULT_NVSP_ORDER;
	if (m->init.max_version == m->init.min_version && nvsp_version_known(m->init.max_version)) {
		dev->version = m->init.max_version;
		r.init_complete.version = dev->version == NVSP_V1 ? NVSP_V1 : 0xffffffff;
		r.init_complete.max_mdl_chain = 34;
		r.init_complete.status = NVSP_STATUS_SUCCESS;
	} else {
		r.init_complete.status = NVSP_STATUS_UNSUPPORTED;
	}
	reply(c, pkt, &r);
	return VMB_FAULT_NONE;
}

static enum vmb_fault on_config(struct nvsp_chan *c, const struct vmb_pkt *pkt,
				const struct nvsp_msg_wire *m)
{
	struct nvsp_dev *dev = c->dev;
	uint32_t mtu = m->ndis_config.mtu;

	if (dev->version < NVSP_V2 || dev->recv)
		return VMB_FAULT_NVSP_ORDER;
	dev->caps = m->ndis_config.caps;
	/* nonsense means the default, as Hyper-V does; more than we offer is cut back */
	if (mtu < 1514 || mtu > NVSP_MTU_MAX + ETH_HDR)
		mtu = 1514;
	mtu -= ETH_HDR;
	dev->mtu = mtu < dev->cfg.max_mtu ? mtu : dev->cfg.max_mtu;
	dev->configured = true;
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_MTU, .count = dev->mtu});
	reply_empty(c, pkt);
	return VMB_FAULT_NONE;
}

static enum vmb_fault on_recv_buf(struct nvsp_chan *c, const struct vmb_pkt *pkt,
				  const struct nvsp_msg_wire *m)
{
	struct nvsp_msg_wire r = {.type = NVSP_RECV_BUF_COMPLETE};
	struct nvsp_dev *dev = c->dev;
	enum vmb_fault fault;

	if (dev->version >= NVSP_V2 && !dev->configured)
		return VMB_FAULT_NVSP_ORDER;
	fault = nvsp_recv_set(dev, m->buffer.gpadl, m->buffer.id, 0);
	if (fault)
		return fault;
	r.recv_complete.status = NVSP_STATUS_SUCCESS;
	r.recv_complete.n_sections = 1;
	r.recv_complete.suballoc_size = dev->recv->suballoc;
	r.recv_complete.n_suballocs = dev->recv->count;
	r.recv_complete.end = dev->recv->suballoc * dev->recv->count;
	reply(c, pkt, &r);
	return VMB_FAULT_NONE;
}

static enum vmb_fault on_send_buf(struct nvsp_chan *c, const struct vmb_pkt *pkt,
				  const struct nvsp_msg_wire *m)
{
	struct nvsp_msg_wire r = {.type = NVSP_SEND_BUF_COMPLETE};
	struct nvsp_dev *dev = c->dev;
	enum vmb_fault fault;

	if (dev->version >= NVSP_V2 && !dev->configured)
		return VMB_FAULT_NVSP_ORDER;
	fault = nvsp_send_set(dev, m->buffer.gpadl, m->buffer.id);
	if (fault)
		return fault;
	r.send_complete.status = NVSP_STATUS_SUCCESS;
	r.send_complete.section_size = NVSP_SECTION_SIZE;
	reply(c, pkt, &r);
	return VMB_FAULT_NONE;
}

static enum vmb_fault on_subchannel(struct nvsp_chan *c, const struct vmb_pkt *pkt,
				    const struct nvsp_msg_wire *m)
{
	struct nvsp_msg_wire r = {.type = NVSP_SUBCHANNEL};
	struct nvsp_dev *dev = c->dev;
	uint32_t n = m->subchannel.count;

	if (!dev->rndis_ready || dev->version < NVSP_V5 || !dev->recv)
		return VMB_FAULT_NVSP_ORDER;
	if (n > dev->cfg.max_queues - 1u)
		n = dev->cfg.max_queues - 1u;
	if (m->subchannel.op != 1 || dev->subchannels_asked || !n) {
		r.subchannel.op = NVSP_STATUS_FAIL;
		reply(c, pkt, &r);
		return VMB_FAULT_NONE;
	}
	r.subchannel.op = NVSP_STATUS_SUCCESS;
	r.subchannel.count = n;
	reply(c, pkt, &r);
	/* first the ids, then the number: an acknowledgement finds the owner by both */
	nvsp_recv_split(dev, dev->recv, n + 1);
	dev->n_queues = n + 1;
	dev->subchannels_asked = true;
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_SUBCHANNELS, .count = n});
	return VMB_FAULT_NONE;
}

static enum vmb_fault on_rndis(struct nvsp_chan *c, const struct vmb_pkt *pkt,
			       const struct nvsp_msg_wire *m, struct rx_burst *b)
{
	struct nvsp_msg_wire r = {.type = NVSP_RNDIS_COMPLETE};
	struct nvsp_dev *dev = c->dev;
	enum vmb_fault fault = VMB_FAULT_NONE;
	unsigned int n_segs;
	uint32_t total;

	if (!recv_get(dev)) {
		/* behind a revoke: the driver is on its way down and waits for its sends */
		r.complete.status = NVSP_STATUS_FAIL;
		reply(c, pkt, &r);
		return dev->retired ? VMB_FAULT_NONE : VMB_FAULT_NVSP_ORDER;
	}
	r.complete.status = NVSP_STATUS_SUCCESS;
	if (nvsp_segs_collect(c, pkt, m, &n_segs, &total, &fault)) {
		if (fault)
			return fault;
		c->rx_stats.rx_bad++;
		r.complete.status = NVSP_STATUS_FAIL;
	} else if (m->rndis.channel == NVSP_CHANNEL_CONTROL) {
		if (c->index)
			return VMB_FAULT_NVSP_SUBCHANNEL;
		if (total > sizeof(c->ctl_in) || total < sizeof(struct rndis_hdr_wire))
			return VMB_FAULT_RNDIS_CONTROL;
		nvsp_segs_copy(c->segs, n_segs, 0, c->ctl_in, total);
		keep_touch(dev);
		fault = nvsp_rndis_control(dev, c->ctl_in, total);
	} else if (m->rndis.channel == NVSP_CHANNEL_DATA && dev->rndis_ready) {
		r.complete.status = nvsp_rndis_data(c, n_segs, total, b);
	} else {
		r.complete.status = NVSP_STATUS_FAIL;
		c->rx_stats.rx_bad++;
	}
	reply(c, pkt, &r);
	return fault;
}

static enum vmb_fault on_revoke(struct nvsp_chan *c, const struct vmb_pkt *pkt, bool recv)
{
	if (recv)
		nvsp_recv_revoke(c->dev);
	else
		nvsp_send_revoke(c->dev);
	reply_empty(c, pkt);
	return VMB_FAULT_NONE;
}

/* What we do not offer, and need not know to say so. */
static enum vmb_fault on_other(struct nvsp_chan *c, const struct vmb_pkt *pkt, uint32_t type)
{
	struct nvsp_msg_wire r = {.type = type};

	if (type == NVSP_SWITCH_DATA_PATH) {
		reply_empty(c, pkt);
		return VMB_FAULT_NONE;
	}
	if (type == NVSP_OID_QUERY_EX) {
		r.type = NVSP_OID_QUERY_EX_COMPLETE;
		r.w[0] = NDIS_STATUS_NOT_SUPPORTED;
	} else if (type == NVSP_PD_API) {
		r.w[1] = NVSP_STATUS_UNSUPPORTED;
	} else if ((type >= 109 && type <= 127) || type == NVSP_PD_POST_BATCH) {
		r.complete.status = NVSP_STATUS_UNSUPPORTED;
	} else {
		return VMB_FAULT_NVSP_TYPE;
	}
	reply(c, pkt, &r);
	return VMB_FAULT_NONE;
}

/* Bytes of body each kind needs. */
static uint32_t body_size(uint32_t type)
{
	switch (type) {
	case NVSP_INIT:
	case NVSP_NDIS_VERSION:
	case NVSP_SUBCHANNEL:
		return 8;
	case NVSP_RECV_BUF:
	case NVSP_SEND_BUF:
		return 6;
	case NVSP_REVOKE_RECV_BUF:
	case NVSP_REVOKE_SEND_BUF:
		return 2;
	case NVSP_NDIS_CONFIG:
		return 16;
	case NVSP_RNDIS:
		return 12;
	default:
		return 0;
	}
}

enum vmb_fault nvsp_on_packet(struct nvsp_chan *c, const struct vmb_pkt *pkt, struct rx_burst *b)
{
	uint32_t size = pkt->payload_size;
	struct nvsp_msg_wire m = {0};

	if (size < 4)
		return VMB_FAULT_NVSP_SHORT;
	memcpy(&m, pkt->payload, size < sizeof(m) ? size : sizeof(m));
	if (size < 4 + body_size(m.type))
		return VMB_FAULT_NVSP_SHORT;
	if (m.type == NVSP_RNDIS)
		return on_rndis(c, pkt, &m, b);
	if (c->index)
		return VMB_FAULT_NVSP_SUBCHANNEL;
	keep_touch(c->dev);
	if (m.type == NVSP_INIT)
		return on_init(c, pkt, &m);
	if (!c->dev->version)
		return VMB_FAULT_NVSP_ORDER;
	switch (m.type) {
	case NVSP_NDIS_CONFIG:
		return on_config(c, pkt, &m);
	case NVSP_NDIS_VERSION:
		c->dev->ndis_version = m.ndis_version.major << 16 | (m.ndis_version.minor & 0xffff);
		reply_empty(c, pkt);
		return VMB_FAULT_NONE;
	case NVSP_RECV_BUF:
		return on_recv_buf(c, pkt, &m);
	case NVSP_SEND_BUF:
		return on_send_buf(c, pkt, &m);
	case NVSP_REVOKE_RECV_BUF:
	case NVSP_REVOKE_SEND_BUF:
		return on_revoke(c, pkt, m.type == NVSP_REVOKE_RECV_BUF);
	case NVSP_SUBCHANNEL:
		return on_subchannel(c, pkt, &m);
	default:
		return on_other(c, pkt, m.type);
	}
}
