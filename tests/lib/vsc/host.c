/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host around a software guest: bus and NIC tied together in one process. */
#include "tests/lib/vsc/vsc_priv.h"

#include <errno.h>
#include <stdlib.h>

static uint32_t index_of(struct vmb_chan *chan)
{
	return vmb_chan_offer(chan)->sub_index;
}

static int op_post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	vsc_on_message(ctx, msg, size);
	return 0;
}

static int op_gpadl_add(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct vsc *v = ctx;

	if (!vmb_gpadl_is_plain(g))
		return -EINVAL;
	return nvsp_gpadl_add(v->dev, g->id, g->pfns, g->n_pfns, NULL);
}

static int op_gpadl_del(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct vsc *v = ctx;

	return nvsp_gpadl_del(v->dev, g->id) == -EBUSY ? -EINPROGRESS : 0;
}

static int op_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *o)
{
	struct vsc *v = ctx;
	uint32_t i = index_of(chan);

	return nvsp_chan_open(v->dev, i, o->ring->id, o->downstream_page, &v->chan[i]);
}

static int op_close(void *ctx, struct vmb_chan *chan)
{
	struct vsc *v = ctx;

	nvsp_chan_close(v->dev, index_of(chan));
	return 0;
}

static int op_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	return 0;
}

static void op_released(void *ctx, struct vmb_chan *chan)
{
	struct vsc *v = ctx;

	/* a restored channel that nobody offered may have any index */
	if (index_of(chan) < VSC_CHANS && v->bus_chan[index_of(chan)] == chan)
		v->bus_chan[index_of(chan)] = NULL;
	v->n_released++;
}

static const struct vmb_bus_ops bus_ops = {op_post,  op_gpadl_add, op_gpadl_del, op_open,
					   op_close, op_modify,    op_released};

static void op_signal(void *ctx, void *priv)
{
	struct vsc_chan *c = priv;

	c->host_signals++;
}

static void op_event(void *ctx, const struct nvsp_event *ev)
{
	struct vsc *v = ctx;

	if (ev->kind == NVSP_EV_FAULT) {
		for (uint32_t i = 0; i < VSC_CHANS; i++)
			if (nvsp_dev_chan(v->dev, i) == ev->chan)
				v->fault[i] = ev->fault;
	} else if (ev->kind == NVSP_EV_SUBCHANNELS) {
		v->wanted_subchannels = ev->count;
	} else if (ev->kind == NVSP_EV_FILTER) {
		v->filter = ev->filter;
	}
}

static int op_set_mac(void *ctx, const uint8_t mac[6])
{
	struct vsc *v = ctx;

	v->n_mac_sets++;
	return v->refuse_mac ? -EPERM : 0;
}

static const struct nvsp_ops dev_ops = {op_signal, op_event, op_set_mac};

void vsc_offer(struct vsc *v, uint16_t index)
{
	/* f8615163-df3e-46c5-913f-f2d2f965ed0e, as it travels */
	static const uint8_t nic[16] = {0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46,
					0x91, 0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e};
	struct vmb_offer o = {.sub_index = index, .monitor_id = -1};

	memcpy(o.type.b, nic, 16);
	memset(o.instance.b, 0x42, 16);
	vmb_offer_add(v->bus, &o, &v->bus_chan[index]);
}

int vsc_init_bus(struct vsc *v, const struct vmb_bus_ops *ops, size_t ram_size)
{
	struct vmb_bus_cfg bus_cfg = {.n_vps = 4};
	int r;

	memset(v, 0, sizeof(*v));
	v->nvsp_size = 40;
	v->next_gpadl = 0xe1e10;
	v->next_xid = 1;
	r = ram_init(&v->ram, ram_size);
	if (r)
		return r;
	v->mem = (struct vmb_mem){ram_map, &v->ram};
	v->bus = vmb_bus_create(&bus_cfg, &v->mem, ops, v);
	return v->bus ? 0 : -ENOMEM;
}

int vsc_init(struct vsc *v, const struct nvsp_cfg *cfg)
{
	int r = vsc_init_bus(v, &bus_ops, 96u << 20);

	if (r)
		return r;
	v->dev = nvsp_dev_create(cfg, &v->mem, &dev_ops, v);
	if (!v->dev)
		return -ENOMEM;
	vsc_offer(v, 0);
	return 0;
}

int vsc_host_restart(struct vsc *v, const struct nvsp_cfg *cfg, uint32_t n_queues)
{
	struct vmb_bus_cfg bus_cfg = {.n_vps = 4};

	vmb_bus_destroy(v->bus);
	nvsp_dev_destroy(v->dev);
	memset(v->bus_chan, 0, sizeof(v->bus_chan));
	v->bus = vmb_bus_create(&bus_cfg, &v->mem, &bus_ops, v);
	v->dev = nvsp_dev_create(cfg, &v->mem, &dev_ops, v);
	if (!v->bus || !v->dev)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_queues; i++)
		vsc_offer(v, (uint16_t)i);
	return 0;
}

void vsc_done(struct vsc *v)
{
	vmb_bus_destroy(v->bus);
	nvsp_dev_destroy(v->dev);
	for (unsigned int i = 0; i < VSC_KEEP; i++) {
		free(v->host_rx[i].data);
		free(v->guest_rx[i].data);
	}
	for (unsigned int i = 0; i < VSC_CHANS; i++)
		free(v->chan[i].pfns);
	free(v->recv_pfns);
	free(v->send_pfns);
	ram_done(&v->ram);
}

struct poll_ctx {
	struct vsc *v;
	uint32_t chan;
};

struct vsc_frame *vsc_keep(struct vsc_frame *list, unsigned int *n, uint32_t size)
{
	struct vsc_frame *k = &list[(*n)++ % VSC_KEEP];

	free(k->data);
	memset(k, 0, sizeof(*k));
	k->data = malloc(size + 1);
	k->size = size;
	k->csum = k->vlan = k->hash = ~0u;
	return k;
}

static void take_frame(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs, unsigned int n)
{
	struct poll_ctx *p = ctx;
	struct vsc_frame *k = vsc_keep(p->v->host_rx, &p->v->n_host_rx, f->size);
	uint32_t off = 0;

	for (unsigned int i = 0; i < n && off + segs[i].size <= f->size; i++) {
		memcpy(k->data + off, segs[i].ptr, segs[i].size);
		off += segs[i].size;
	}
	k->chan = p->chan;
	k->f = *f;
	k->finish = off == f->size ? nvsp_frame_finish(k->data, f->size, &k->f) : -EIO;
}

static const struct nvsp_sink sink = {.frame = take_frame};

void vsc_host_poll(struct vsc *v, uint32_t index)
{
	struct poll_ctx p = {v, index};
	struct nvsp_chan *c = v->dev ? nvsp_dev_chan(v->dev, index) : NULL;
	struct nvsp_rings r = {0};
	uint32_t before;

	if (v->serve) {
		v->serve(v, index);
		return;
	}
	/* bounded: a guest under test may be malformed on purpose */
	for (int i = 0; i < 64; i++) {
		nvsp_chan_rings(c, &r);
		before = r.in_read;
		if (!nvsp_rx_burst(c, 32, &sink, &p) && v->chan[index].pfns &&
		    (!nvsp_chan_rings(c, &r) || before == r.in_read))
			break;
	}
}
