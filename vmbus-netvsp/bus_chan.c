/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bus's channels: offers, open, close, modify, revoke. */
#include "vmbus-netvsp/bus_priv.h"

#include <errno.h>
#include <stdlib.h>

struct vmb_chan *vmb_chan_by_relid(struct vmb_bus *bus, uint32_t relid)
{
	return relid <= VMB_RELID_MAX ? bus->by_relid[relid] : NULL;
}

const struct vmb_offer *vmb_chan_offer(const struct vmb_chan *chan)
{
	return &chan->offer;
}

uint32_t vmb_chan_relid(const struct vmb_chan *chan)
{
	return chan->relid;
}

uint32_t vmb_chan_connection(const struct vmb_chan *chan)
{
	return VMB_CONN_EVENT + chan->relid;
}

bool vmb_chan_opened_with(const struct vmb_chan *chan, struct vmb_open *ret)
{
	if (chan->state != CHAN_OPEN)
		return false;
	*ret = (struct vmb_open){.target_vp = chan->target_vp,
				 .downstream_page = chan->downstream_page,
				 .ring = &chan->ring->g};
	return true;
}

bool vmb_chan_is_open(const struct vmb_chan *chan)
{
	return chan->state == CHAN_OPEN;
}

const char *vmb_chan_state_text(const struct vmb_chan *chan)
{
	static const char *const text[][2] = {
		[CHAN_CLOSED] = {"closed", "closed, taken back"},
		[CHAN_OPENING] = {"opening", "opening, taken back"},
		[CHAN_OPEN] = {"open", "open, taken back"},
		[CHAN_CLOSING] = {"closing", "closing, taken back"},
	};

	return chan->rescind_sent ? "rescinded, not released" : text[chan->state][chan->revoked];
}

uint32_t vmb_chan_target_vp(const struct vmb_chan *chan)
{
	return chan->target_vp;
}

static int offer_order(const struct vmb_offer *a, const struct vmb_offer *b)
{
	int r = memcmp(&a->type, &b->type, sizeof(a->type));

	if (!r)
		r = memcmp(&a->instance, &b->instance, sizeof(a->instance));
	return r ? r : (int)a->sub_index - (int)b->sub_index;
}

static bool same_device(const struct vmb_chan *a, const struct vmb_chan *b)
{
	return !memcmp(&a->offer.type, &b->offer.type, sizeof(a->offer.type)) &&
	       !memcmp(&a->offer.instance, &b->offer.instance, sizeof(a->offer.instance));
}

/* The next free id after the last one given: a freed id rests as long as possible. */
static uint32_t relid_alloc(struct vmb_bus *bus)
{
	for (uint32_t i = 0; i < VMB_RELID_MAX; i++) {
		bus->last_relid = bus->last_relid % VMB_RELID_MAX + 1;
		if (!bus->by_relid[bus->last_relid])
			return bus->last_relid;
	}
	return 0;
}

void vmb_send_offer(struct vmb_chan *chan)
{
	const struct vmb_offer *o = &chan->offer;
	struct vmb_offer_wire m = {
		.hdr.type = VMB_MSG_OFFER,
		.type = o->type,
		.instance = o->instance,
		.flags = o->flags,
		.sub_index = o->sub_index,
		.relid = chan->relid,
		.monitor_id = o->monitor_id >= 0 ? (uint8_t)o->monitor_id : 0,
		.monitor_allocated = o->monitor_id >= 0,
		.dedicated = 1,
		.connection_id = vmb_chan_connection(chan),
	};

	chan->told = true;
	vmb_send(chan->bus, &m, sizeof(m));
}

void vmb_on_request_offers(struct vmb_bus *bus)
{
	struct vmb_msg_hdr_wire end = {.type = VMB_MSG_ALL_OFFERS};
	struct vmb_chan *chan;

	if (bus->offers_sent) {
		bus->stats.dropped++;
		return;
	}
	bus->offers_sent = true;
	TAILQ_FOREACH (chan, &bus->chans, link)
		if (!chan->revoked)
			vmb_send_offer(chan);
	vmb_send(bus, &end, sizeof(end));
}

/* Where it goes in the sorted list, and whether it may. */
static int place(struct vmb_bus *bus, const struct vmb_chan *chan, struct vmb_chan **before)
{
	const struct vmb_offer *o = &chan->offer;
	bool primary = o->sub_index == 0;
	struct vmb_chan *c;

	*before = NULL;
	TAILQ_FOREACH (c, &bus->chans, link) {
		int r = offer_order(&c->offer, o);

		/* one that is going away may be followed by its successor */
		if (!r && !c->revoked)
			return -EEXIST;
		if (r > 0 && !*before)
			*before = c;
		if (same_device(c, chan) && !c->offer.sub_index && !c->revoked)
			primary = true;
	}
	return primary ? 0 : -ENOENT;
}

int vmb_offer_add(struct vmb_bus *bus, const struct vmb_offer *offer, struct vmb_chan **ret)
{
	struct vmb_chan *chan = calloc(1, sizeof(*chan)), *before;
	int r;

	if (!chan)
		return -ENOMEM;
	chan->bus = bus;
	chan->offer = *offer;
	r = place(bus, chan, &before);
	if (!r) {
		chan->relid = relid_alloc(bus);
		r = chan->relid ? 0 : -ENOSPC;
	}
	if (r) {
		free(chan);
		return r;
	}
	bus->by_relid[chan->relid] = chan;
	if (before)
		TAILQ_INSERT_BEFORE(before, chan, link);
	else
		TAILQ_INSERT_TAIL(&bus->chans, chan, link);
	*ret = chan;
	if (bus->state == BUS_CONNECTED && bus->offers_sent)
		vmb_send_offer(chan);
	return 0;
}

void vmb_chan_free(struct vmb_chan *chan)
{
	chan->bus->by_relid[chan->relid] = NULL;
	TAILQ_REMOVE(&chan->bus->chans, chan, link);
	free(chan);
}

static void send_open_result(struct vmb_chan *chan, int status)
{
	struct vmb_open_result_wire m = {
		.hdr.type = VMB_MSG_OPEN_RESULT,
		.relid = chan->relid,
		.open_id = chan->open_id,
		.status = status ? VMB_STATUS_FAILED : VMB_STATUS_OK,
	};

	if (chan->bus->state == BUS_CONNECTED && !chan->revoked)
		vmb_send(chan->bus, &m, sizeof(m));
}

static void ring_put(struct vmb_chan *chan)
{
	if (chan->ring)
		chan->ring->refs--;
	chan->ring = NULL;
}

static void opened(struct vmb_chan *chan, int status)
{
	if (status) {
		chan->state = CHAN_CLOSED;
		chan->want_close = false;
		ring_put(chan);
	} else {
		chan->state = CHAN_OPEN;
	}
	send_open_result(chan, status);
}

/* Is what the guest says about its ring usable at all? The device checks the rest. */
static int check_open(struct vmb_chan *chan, const struct vmb_open_wire *m, struct gpadl **ret)
{
	struct vmb_bus *bus = chan->bus;
	struct gpadl *g = vmb_gpadl_find(bus, m->ring_gpadl);

	if (!g || g->chan != chan || g->state != GPADL_LIVE || g->drop ||
	    !vmb_gpadl_is_plain(&g->g))
		return -EINVAL;
	if (m->downstream_page < 2 || m->downstream_page > g->g.n_pfns ||
	    g->g.n_pfns - m->downstream_page < 2)
		return -EINVAL;
	if (m->target_vp != VMB_VP_NONE && m->target_vp >= bus->cfg.n_vps)
		return -EINVAL;
	*ret = g;
	return 0;
}

static void start_open(struct vmb_chan *chan, const struct vmb_open_wire *m)
{
	struct gpadl *g = NULL;
	struct vmb_open o;
	int r = check_open(chan, m, &g);

	chan->open_id = m->open_id;
	if (r) {
		send_open_result(chan, r);
		return;
	}
	chan->target_vp = m->target_vp;
	chan->downstream_page = m->downstream_page;
	chan->state = CHAN_OPENING;
	chan->want_close = false;
	chan->ring = g;
	g->refs++;
	o = (struct vmb_open){
		.target_vp = m->target_vp, .downstream_page = m->downstream_page, .ring = &g->g};
	r = chan->bus->ops->open(chan->bus->ctx, chan, &o);
	if (r != -EINPROGRESS)
		opened(chan, r);
}

void vmb_on_open(struct vmb_bus *bus, const struct vmb_open_wire *m)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, m->relid);

	/* a guest that opens what is being taken back is woken by the rescind */
	if (!chan || chan->revoked || !chan->told) {
		bus->stats.dropped++;
		return;
	}
	if (chan->state == CHAN_CLOSED) {
		start_open(chan, m);
	} else if (chan->want_close && !chan->reopen) {
		/* CLOSE has no answer, so the guest cannot know that we are not done yet */
		chan->reopen = true;
		chan->reopen_msg = *m;
	} else {
		bus->stats.dropped++;
	}
}

static void revoke_subchannels(struct vmb_chan *primary)
{
	struct vmb_chan *c;

	TAILQ_FOREACH (c, &primary->bus->chans, link) {
		if (c == primary || !c->offer.sub_index || !same_device(c, primary))
			continue;
		c->revoked = c->want_close = true;
		c->reopen = false;
	}
}

static bool has_subchannels(const struct vmb_chan *primary)
{
	const struct vmb_chan *c;

	if (primary->offer.sub_index)
		return false;
	TAILQ_FOREACH (c, &primary->bus->chans, link)
		if (c != primary && c->offer.sub_index && same_device(c, primary) &&
		    !c->rescind_sent)
			return true;
	return false;
}

void vmb_on_close(struct vmb_bus *bus, uint32_t relid)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, relid);

	if (!chan || (chan->state != CHAN_OPEN && chan->state != CHAN_OPENING && !chan->reopen)) {
		bus->stats.dropped++;
		return;
	}
	chan->reopen = false;
	chan->want_close = true;
	if (!chan->offer.sub_index)
		revoke_subchannels(chan);
}

void vmb_offer_revoke(struct vmb_chan *chan)
{
	if (chan->revoked)
		return;
	chan->revoked = chan->want_close = true;
	chan->reopen = false;
	if (!chan->offer.sub_index)
		revoke_subchannels(chan);
	vmb_settle(chan->bus);
}

void vmb_on_released(struct vmb_bus *bus, uint32_t relid)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, relid);

	if (!chan || !chan->rescind_sent) {
		bus->stats.dropped++;
		return;
	}
	bus->ops->released(bus->ctx, chan);
	vmb_chan_free(chan);
}

static void send_modify_response(struct vmb_chan *chan, int status)
{
	struct vmb_modify_response_wire m = {
		.hdr.type = VMB_MSG_MODIFY_RESPONSE,
		.relid = chan->relid,
		.status = status ? VMB_STATUS_FAILED : VMB_STATUS_OK,
	};

	if (chan->bus->state == BUS_CONNECTED && chan->bus->version >= VMB_V5_3)
		vmb_send(chan->bus, &m, sizeof(m));
}

static void modified(struct vmb_chan *chan, int status)
{
	chan->modifying = false;
	if (!status)
		chan->target_vp = chan->modify_vp;
	send_modify_response(chan, status);
}

static void start_modify(struct vmb_chan *chan, uint32_t vp)
{
	int r;

	chan->modifying = true;
	chan->modify_vp = vp;
	r = chan->bus->ops->modify(chan->bus->ctx, chan, vp);
	if (r != -EINPROGRESS)
		modified(chan, r);
}

void vmb_on_modify(struct vmb_bus *bus, const struct vmb_modify_wire *m)
{
	struct vmb_chan *chan = vmb_chan_by_relid(bus, m->relid);

	if (!chan || bus->version < VMB_V4_1) {
		bus->stats.dropped++;
		return;
	}
	if (chan->state != CHAN_OPEN || chan->want_close ||
	    (m->target_vp != VMB_VP_NONE && m->target_vp >= bus->cfg.n_vps)) {
		send_modify_response(chan, -EINVAL);
		return;
	}
	if (!chan->modifying) {
		start_modify(chan, m->target_vp);
	} else if (bus->version < VMB_V5_3) {
		chan->modify_again = true; /* without answers a guest cannot wait: last one wins */
		chan->modify_again_vp = m->target_vp;
	} else {
		send_modify_response(chan, -EBUSY);
	}
}

static void closed(struct vmb_chan *chan)
{
	chan->state = CHAN_CLOSED;
	chan->want_close = false;
	ring_put(chan);
}

static void send_rescind(struct vmb_chan *chan)
{
	struct vmb_relid_wire m = {.hdr.type = VMB_MSG_RESCIND, .relid = chan->relid};

	chan->rescind_sent = true;
	vmb_send(chan->bus, &m, sizeof(m));
}

/* A revoked channel that is closed: memory first, then the guest, then us. */
static bool settle_revoked(struct vmb_chan *chan)
{
	if (has_subchannels(chan) || chan->rescind_sent)
		return false;
	if (vmb_chan_has_gpadls(chan)) {
		vmb_chan_drop_gpadls(chan);
		return false; /* vmb_gpadl_settle() goes on */
	}
	if (chan->bus->state == BUS_RESETTING)
		return false; /* its end frees the channel */
	vmb_chan_drop_gpadls(chan);
	if (chan->told && chan->bus->state == BUS_CONNECTED) {
		send_rescind(chan);
		return true;
	}
	chan->bus->ops->released(chan->bus->ctx, chan);
	vmb_chan_free(chan);
	return true;
}

bool vmb_chan_settle(struct vmb_chan *chan)
{
	if (chan->state == CHAN_OPEN && chan->want_close && !chan->modifying) {
		chan->state = CHAN_CLOSING;
		if (chan->bus->ops->close(chan->bus->ctx, chan) != -EINPROGRESS)
			closed(chan);
		return true;
	}
	if (chan->state == CHAN_OPEN && chan->modify_again && !chan->modifying) {
		chan->modify_again = false;
		start_modify(chan, chan->modify_again_vp);
		return true;
	}
	if (chan->state != CHAN_CLOSED)
		return false;
	if (chan->revoked)
		return settle_revoked(chan);
	if (chan->reopen && chan->bus->state == BUS_CONNECTED) {
		chan->reopen = false;
		start_open(chan, &chan->reopen_msg);
		return true;
	}
	return false;
}

void vmb_open_done(struct vmb_chan *chan, int status)
{
	if (chan->state != CHAN_OPENING)
		return;
	opened(chan, status);
	vmb_settle(chan->bus);
}

void vmb_close_done(struct vmb_chan *chan)
{
	if (chan->state != CHAN_CLOSING)
		return;
	closed(chan);
	vmb_settle(chan->bus);
}

void vmb_modify_done(struct vmb_chan *chan, int status)
{
	if (!chan->modifying)
		return;
	modified(chan, status);
	vmb_settle(chan->bus);
}
