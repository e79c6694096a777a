/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest: bus client. */
#include "tests/lib/vsc/vsc_priv.h"

#include <stdlib.h>

static struct vsc_chan *by_relid(struct vsc *v, uint32_t relid)
{
	for (uint32_t i = 0; i < VSC_CHANS; i++)
		if (v->chan[i].offered && v->chan[i].relid == relid)
			return &v->chan[i];
	return NULL;
}

void vsc_bus_send(struct vsc *v, const void *msg, uint32_t size)
{
	if (vmb_bus_input(v->bus, v->version >= VMB_V5_0 ? VMB_CONN_MULTI : VMB_CONN_MESSAGE, msg,
			  size))
		v->rx_errors++;
	if (v->settle)
		v->settle(v);
}

static void on_rescind(struct vsc *v, uint32_t relid)
{
	struct vmb_relid_wire m = {.hdr.type = VMB_MSG_RELID_RELEASED, .relid = relid};
	struct vsc_chan *c = by_relid(v, relid);

	if (!c)
		return;
	c->offered = c->opened = false;
	c->rescinds++;
	vsc_bus_send(v, &m, sizeof(m));
}

void vsc_on_message(struct vsc *v, const void *msg, uint32_t size)
{
	const uint8_t *p = msg;
	struct vmb_offer_wire o;
	uint32_t w[5] = {0};

	memcpy(w, p, size < sizeof(w) ? size : sizeof(w));
	switch (w[0]) {
	case VMB_MSG_OFFER:
		memcpy(&o, p, sizeof(o));
		if (o.sub_index < VSC_CHANS) {
			v->chan[o.sub_index].offered = true;
			v->chan[o.sub_index].relid = o.relid;
		}
		break;
	case VMB_MSG_ALL_OFFERS:
		v->all_offers = true;
		break;
	case VMB_MSG_VERSION_RESPONSE:
		v->last_status = !p[8];
		break;
	case VMB_MSG_GPADL_CREATED:
	case VMB_MSG_OPEN_RESULT:
		v->last_status = w[4];
		break;
	case VMB_MSG_GPADL_TORNDOWN:
		v->torndown++;
		break;
	case VMB_MSG_RESCIND:
		on_rescind(v, w[2]);
		break;
	case VMB_MSG_UNLOAD_RESPONSE:
		v->unloaded = true;
		break;
	default:
		break;
	}
}

int vsc_connect(struct vsc *v, uint32_t version)
{
	struct vmb_contact_wire m = {.hdr.type = VMB_MSG_CONTACT, .version = version};
	struct vmb_msg_hdr_wire req = {.type = VMB_MSG_REQUEST_OFFERS};

	v->version = version;
	m.monitor_to_child = RAM_BASE;
	m.monitor_to_parent = RAM_BASE + 4096;
	if (version >= VMB_V5_0)
		m.v5.sint = 2;
	v->last_status = 1;
	vsc_bus_send(v, &m, sizeof(m));
	if (v->last_status)
		return -1;
	v->all_offers = false;
	vsc_bus_send(v, &req, sizeof(req));
	return v->all_offers && v->chan[0].offered ? 0 : -1;
}

int vsc_gpadl(struct vsc *v, uint32_t relid, uint32_t id, const uint64_t *pfns, uint32_t n)
{
	uint8_t m[240] = {0};
	struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
					  .relid = relid,
					  .gpadl = id,
					  .range_bytes = (uint16_t)(8 + n * 8),
					  .n_ranges = 1};
	struct vmb_gpadl_body_wire b = {.hdr.type = VMB_MSG_GPADL_BODY, .gpadl = id};
	uint32_t bytes = n * 4096, k = n < 26 ? n : 26;

	v->last_status = 0xffffffff;
	memcpy(m, &h, sizeof(h));
	memcpy(m + 20, &bytes, 4);
	memcpy(m + 28, pfns, k * 8);
	vsc_bus_send(v, m, 28 + k * 8);
	for (uint32_t done = k; done < n; done += k) {
		k = n - done < 28 ? n - done : 28;
		memcpy(m, &b, sizeof(b));
		memcpy(m + 16, pfns + done, k * 8);
		vsc_bus_send(v, m, 16 + k * 8);
	}
	return v->last_status ? -1 : 0;
}

int vsc_open(struct vsc *v, uint32_t index, uint32_t ring_pages)
{
	struct vsc_chan *c = &v->chan[index];
	struct vmb_open_wire m = {.hdr.type = VMB_MSG_OPEN,
				  .relid = c->relid,
				  .open_id = c->relid,
				  .target_vp = index % 4,
				  .downstream_page = ring_pages};

	if (!c->offered)
		return -1;
	if (!c->pfns) {
		c->pfns = calloc(2 * ring_pages, 8);
		c->n_pages = 2 * ring_pages;
		if (!c->pfns || ram_alloc(&v->ram, c->n_pages, c->pfns))
			return -1;
	}
	gring_init(&c->out, &v->ram, c->pfns, ring_pages);
	gring_init(&c->in, &v->ram, c->pfns + ring_pages, ring_pages);
	m.ring_gpadl = c->gpadl = v->next_gpadl++;
	if (vsc_gpadl(v, c->relid, c->gpadl, c->pfns, c->n_pages))
		return -1;
	v->last_status = 0xffffffff;
	vsc_bus_send(v, &m, sizeof(m));
	c->opened = !v->last_status;
	return c->opened ? 0 : -1;
}

void vsc_teardown(struct vsc *v, uint32_t relid, uint32_t gpadl)
{
	struct vmb_gpadl_teardown_wire m = {
		.hdr.type = VMB_MSG_GPADL_TEARDOWN, .relid = relid, .gpadl = gpadl};

	vsc_bus_send(v, &m, sizeof(m));
}

void vsc_close(struct vsc *v, uint32_t index)
{
	struct vsc_chan *c = &v->chan[index];
	struct vmb_relid_wire m = {.hdr.type = VMB_MSG_CLOSE, .relid = c->relid};

	if (!c->opened)
		return;
	c->opened = false;
	vsc_bus_send(v, &m, sizeof(m));
	vsc_teardown(v, c->relid, c->gpadl);
	if (index)
		return;
	if (v->recv_gpadl)
		vsc_teardown(v, c->relid, v->recv_gpadl);
	if (v->send_gpadl)
		vsc_teardown(v, c->relid, v->send_gpadl);
	v->recv_gpadl = v->send_gpadl = 0;
}
