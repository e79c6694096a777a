/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The NIC as a whole: life cycle, page lists, channels, receive burst, link. */
#include "vmbus-netvsp/netvsp_priv.h"

#include <errno.h>
#include <stdlib.h>

#define AHEAD_PACKETS 4u   /* of the ring, so many are looked at before their turn */
#define SHORT_RECORD  192u /* bytes: a header in nearly every line, and many in a section ... */
#define SHORT_AHEAD \
	1024u /* ... bytes of the next one; behind them the processor has seen the pattern */
#define LINK_SPACING_MS 5000u /* guests act on one link event in two seconds */

static _Thread_local char myself; /* its address names the thread */

struct nvsp_dev *nvsp_dev_create(const struct nvsp_cfg *cfg, const struct vmb_mem *mem,
				 const struct nvsp_ops *ops, void *ctx)
{
	struct nvsp_dev *dev;

	if (!cfg->max_queues || cfg->max_queues > NVSP_QUEUES_MAX || cfg->max_mtu < 1500 ||
	    cfg->max_mtu > NVSP_MTU_MAX)
		return NULL;
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->chans = aligned_alloc(64, cfg->max_queues * sizeof(*dev->chans));
	if (!dev->chans) {
		free(dev);
		return NULL;
	}
	memset(dev->chans, 0, cfg->max_queues * sizeof(*dev->chans));
	dev->cfg = *cfg;
	dev->cfg.name[sizeof(dev->cfg.name) - 1] = 0;
	dev->mem = mem;
	dev->ops = ops;
	dev->ctx = ctx;
	dev->keep = cfg->keep;
	dev->n_queues = 1;
	dev->mtu = 1500;
	dev->link_up = cfg->link_up;
	memcpy(dev->mac, cfg->mac, 6);
	for (uint32_t i = 0; i < cfg->max_queues; i++) {
		dev->chans[i].dev = dev;
		dev->chans[i].index = i;
	}
	return dev;
}

void nvsp_dev_destroy(struct nvsp_dev *dev)
{
	struct gpadl_pages *g;

	if (!dev)
		return;
	nvsp_recv_revoke(dev);
	nvsp_recv_free_retired(dev);
	while ((g = dev->gpadls)) {
		dev->gpadls = g->next;
		free(g);
	}
	free(dev->chans);
	free(dev);
}

void nvsp_event(struct nvsp_dev *dev, struct nvsp_event ev)
{
	if (dev->ops->event)
		dev->ops->event(dev->ctx, &ev);
}

struct gpadl_pages *nvsp_gpadl_find(struct nvsp_dev *dev, uint32_t id)
{
	for (struct gpadl_pages *g = dev->gpadls; g; g = g->next)
		if (g->id == id)
			return g;
	return NULL;
}

int nvsp_gpadl_add(struct nvsp_dev *dev, uint32_t id, const uint64_t *pfns, uint32_t n,
		   void *linear)
{
	struct gpadl_pages *g;
	int r;

	if (!n || n > 65536)
		return -EINVAL;
	if (nvsp_gpadl_find(dev, id))
		return -EEXIST;
	g = calloc(1, sizeof(*g) + n * sizeof(g->pages[0]));
	if (!g)
		return -ENOMEM;
	g->id = id;
	g->n = n;
	g->linear = linear;
	r = vmb_pages_map(dev->mem, pfns, n, g->pages);
	if (r) {
		free(g);
		return r;
	}
	for (uint32_t i = 0; linear && i < n; i++)
		g->pages[i] = (uint8_t *)linear + (size_t)i * VMB_PAGE_SIZE;
	/* the primary's rx thread may walk the list while we add to its front */
	g->next = dev->gpadls;
	__atomic_store_n(&dev->gpadls, g, __ATOMIC_RELEASE);
	return 0;
}

int nvsp_gpadl_del(struct nvsp_dev *dev, uint32_t id)
{
	struct gpadl_pages **p, *g;

	for (p = &dev->gpadls; *p && (*p)->id != id; p = &(*p)->next)
		;
	g = *p;
	if (!g)
		return -ENOENT;
	if (__atomic_load_n(&g->refs, __ATOMIC_RELAXED))
		return -EBUSY;
	*p = g->next;
	free(g);
	return 0;
}

static int open_chan(struct nvsp_dev *dev, uint32_t index, uint32_t gpadl, uint32_t downstream,
		     void *priv, bool resume)
{
	struct gpadl_pages *g = nvsp_gpadl_find(dev, gpadl);
	struct nvsp_chan *c;

	if (index >= dev->cfg.max_queues)
		return -EINVAL;
	if (!g || index >= dev->n_queues || (index && !dev->chans[0].open))
		return -ENOENT;
	c = &dev->chans[index];
	if (c->open)
		return -EBUSY;
	if (downstream >= g->n || vmb_ring_in_init(&c->in, g->pages, downstream, resume) ||
	    vmb_ring_out_init(&c->out, g->pages + downstream, g->n - downstream, resume))
		return -EINVAL;
	c->fault = VMB_FAULT_NONE;
	c->fault_told = false;
	c->n_todo = c->first_todo = c->in_done = c->replay_left = 0;
	c->replay = c->replaying = false;
	c->priv = priv;
	c->gpadl = g;
	__atomic_add_fetch(&g->refs, 1, __ATOMIC_RELAXED);
	if (!resume)
		nvsp_keep_open(c, gpadl, downstream);
	vmb_ring_in_mask(&c->in, true); /* before the guest hears that it is open */
	__atomic_store_n(&c->open, true, __ATOMIC_RELEASE);
	return 0;
}

int nvsp_chan_open(struct nvsp_dev *dev, uint32_t index, uint32_t gpadl, uint32_t downstream,
		   void *priv)
{
	return open_chan(dev, index, gpadl, downstream, priv, false);
}

int nvsp_chan_resume(struct nvsp_dev *dev, uint32_t index, uint32_t gpadl, uint32_t downstream)
{
	return open_chan(dev, index, gpadl, downstream, NULL, true);
}

void nvsp_chan_set_priv(struct nvsp_chan *c, void *priv)
{
	c->priv = priv;
}

/* What a driver configures ends with its primary channel. */
static void forget(struct nvsp_dev *dev)
{
	nvsp_recv_revoke(dev);
	nvsp_recv_free_retired(dev);
	nvsp_send_revoke(dev);
	dev->version = dev->ndis_version = 0;
	dev->caps = 0;
	dev->mtu = 1500;
	dev->configured = dev->rndis_ready = false;
	dev->n_queues = 1;
	dev->subchannels_asked = dev->table_sent = false;
	dev->rsc_v4 = dev->rsc_v6 = dev->rss_on = false;
	dev->n_ctl = dev->ctl_first = 0;
	dev->link_blip = dev->link_ever = false;
	if (dev->filter) {
		dev->filter = 0;
		nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_FILTER});
	}
}

void nvsp_chan_close(struct nvsp_dev *dev, uint32_t index)
{
	struct nvsp_chan *c;

	if (index >= dev->cfg.max_queues || !dev->chans[index].open)
		return;
	/* a subchannel without its primary could still reach what the primary forgets */
	for (uint32_t i = 1; !index && i < dev->cfg.max_queues; i++)
		nvsp_chan_close(dev, i);
	c = &dev->chans[index];
	c->open = false;
	nvsp_keep_close(c);
	__atomic_sub_fetch(&c->gpadl->refs, 1, __ATOMIC_RELAXED);
	c->gpadl = NULL;
	if (!index)
		forget(dev);
}

void nvsp_dev_forget(struct nvsp_dev *dev)
{
	nvsp_chan_close(dev, 0);
	forget(dev);
}

struct nvsp_chan *nvsp_dev_chan(struct nvsp_dev *dev, uint32_t index)
{
	return index < dev->cfg.max_queues ? &dev->chans[index] : NULL;
}

enum vmb_fault nvsp_chan_fault(const struct nvsp_chan *c)
{
	return c->fault;
}

bool nvsp_chan_is_open(const struct nvsp_chan *c)
{
	return __atomic_load_n(&c->open, __ATOMIC_ACQUIRE);
}

void nvsp_stop(struct nvsp_chan *c, enum vmb_fault fault)
{
	if (!c->fault)
		c->fault = fault;
}

/* Tell once; not from under a lock. */
static void tell_fault(struct nvsp_chan *c)
{
	if (!c->fault || c->fault_told)
		return;
	c->fault_told = true;
	nvsp_event(c->dev,
		   (struct nvsp_event){.kind = NVSP_EV_FAULT, .chan = c, .fault = c->fault});
}

static enum vmb_fault free_delivery(struct nvsp_chan *c, const struct todo *t)
{
	struct recv_buf *rb = recv_get(c->dev);
	enum vmb_fault fault;

	if (!rb)
		return c->dev->retired || t->replay ? VMB_FAULT_NONE : VMB_FAULT_COMPLETION_ID;
	fault = nvsp_recv_ack(c, rb, t->xid);
	return t->replay ? VMB_FAULT_NONE : fault;
}

static int put_answer(struct nvsp_chan *c, const struct todo *t)
{
	if (__builtin_expect(t->status != 0, 1))
		return vmb_ring_out_complete(
			&c->out, t->xid, NVSP_RNDIS_COMPLETE | (uint64_t)t->status << 32, t->size);
	return vmb_ring_out_put(&c->out, VMB_PKT_COMPLETION, 0, t->xid, NULL, 0, &t->msg, t->size);
}

/* What is to be done for the packets read, as far as there is room; then what the primary has to say. */
static bool flush_locked(struct nvsp_chan *c)
{
	bool signal;

	for (; c->first_todo < c->n_todo; c->first_todo++) {
		struct todo *t = &c->todo[c->first_todo];
		enum vmb_fault fault = t->ack ? free_delivery(c, t) : VMB_FAULT_NONE;

		if (fault) {
			nvsp_stop(c, fault);
			break;
		}
		if (!t->ack && put_answer(c, t))
			break;
	}
	if (c->first_todo == c->n_todo) {
		c->first_todo = c->n_todo = 0;
		c->in_done = c->in.read;
		if (!c->replay_left)
			c->replay = c->replaying = false;
	} else {
		c->in_done = c->todo[c->first_todo].before;
	}
	if (!c->index)
		nvsp_ctl_flush_locked(c->dev);
	nvsp_keep_commit(c, !c->index && !c->n_todo);
	vmb_ring_out_commit(&c->out, &signal);
	if (c->out.fault)
		nvsp_stop(c, c->out.fault);
	return signal;
}

static void signal_guest(struct nvsp_chan *c, bool signal)
{
	if (!signal)
		return;
	c->rx_stats.signals++;
	c->dev->ops->signal(c->dev->ctx, c->priv);
}

static void flush(struct nvsp_chan *c)
{
	bool signal;

	chan_lock(c);
	signal = flush_locked(c);
	chan_unlock(c);
	signal_guest(c, signal);
}

static enum vmb_fault on_completion(struct nvsp_chan *c, const struct vmb_pkt *pkt)
{
	struct todo *t = &c->todo[c->n_todo];
	uint32_t type = 0;

	/* an empty payload is a legal acknowledgement; another kind is not one we ever asked for */
	if (pkt->payload_size >= 4)
		memcpy(&type, pkt->payload, 4);
	if (pkt->payload_size >= 4 && type != NVSP_RNDIS_COMPLETE)
		return VMB_FAULT_COMPLETION_KIND;
	t->xid = pkt->xid;
	t->before = c->before;
	t->size = t->status = 0;
	t->ack = true;
	t->replay = c->replaying;
	c->n_todo++;
	return VMB_FAULT_NONE;
}

/* The next packet, if it is an acknowledgement as they nearly all are: on_completion() without a copy of the rest. */
static bool acknowledgement(struct nvsp_chan *c)
{
	struct {
		struct vmb_pkt_desc_wire d;
		uint32_t type, status;
	} h;
	const uint8_t *p;
	uint32_t there = vmb_ring_in_peek(&c->in, &p);
	struct vmb_pkt pkt = {.payload = (const uint8_t *)&h.type, .payload_size = sizeof(h.type)};

	if (there < sizeof(h) + VMB_PKT_TRAILER || c->replay)
		return false;
	vmb_copy_in(&h, p, sizeof(h));
	if (h.d.type != VMB_PKT_COMPLETION || !nvsp_desc_plain(&h.d, sizeof(h), there) ||
	    h.type != NVSP_RNDIS_COMPLETE)
		return false;
	vmb_ring_in_skip(&c->in, h.d.len8 * 8u + VMB_PKT_TRAILER);
	pkt.xid = h.d.xid;
	return on_completion(c, &pkt) == VMB_FAULT_NONE;
}

/* The next packet; counts down what a former life may have read already. */
static bool take_packet(struct nvsp_chan *c, struct vmb_pkt *pkt)
{
	uint32_t size;

	c->before = c->in.read;
	if (vmb_ring_in_next(&c->in, pkt))
		return false;
	if (__builtin_expect(c->replay, 0)) {
		c->replaying = c->replay_left != 0;
		size = c->in.read - c->before;
		if (c->in.read < c->before)
			size += c->in.data.size;
		c->replay_left -= size < c->replay_left ? size : c->replay_left;
	}
	return true;
}

/* The headers of the messages in a section, if they are as long as the last one; the processor sees the pattern of the rest. */
static void prefetch_records(const uint8_t *section, uint32_t used, uint32_t record)
{
	uint32_t step = record < SHORT_RECORD ? 128 : record;
	uint32_t most = record < SHORT_RECORD ? SHORT_AHEAD : NVSP_SECTION_SIZE;

	used = used < most ? used : most;
	for (uint32_t i = 0; i < used; i += step) {
		__builtin_prefetch(section + i);
		__builtin_prefetch(section + i + 64);
	}
}

/*
 * Before the next packet is taken: have the headers come of the sections that the next few tell of. What the ring
 * says is a hint here, no more: it is read again, and checked, when its turn comes.
 */
static void look_ahead(const struct nvsp_chan *c, struct rx_burst *b)
{
	const struct nvsp_dev *dev = c->dev;
	const struct vmb_view *ring = &c->in.data, *send = &dev->send_view;
	const uint32_t most = c->record_size < SHORT_RECORD ? 2 : AHEAD_PACKETS;

	if (b->n_ahead)
		b->n_ahead--;
	else
		b->ahead = c->in.read;
	while (b->n_ahead < most) {
		uint32_t left = (c->in.write >= b->ahead ? c->in.write : ring->size) - b->ahead,
			 msg[4], size;
		uint16_t d[4];

		if (left < sizeof(d) + 8 + sizeof(msg) || !ring->base || !send->base)
			return;
		memcpy(d, ring->base + b->ahead, sizeof(d));
		memcpy(msg, ring->base + b->ahead + 16, sizeof(msg));
		size = d[2] * 8u + VMB_PKT_TRAILER;
		if (d[0] == VMB_PKT_INBAND && msg[2] < dev->n_sections)
			prefetch_records(send->base + (size_t)msg[2] * NVSP_SECTION_SIZE, msg[3],
					 c->record_size);
		b->n_ahead++;
		b->ahead = size <= left ? b->ahead + size : c->in.write;
		if (b->ahead == ring->size)
			b->ahead = 0;
	}
}

/* Anything to put into the ring, or to note, that no packet of this burst brought? */
static bool has_more(const struct nvsp_chan *c)
{
	const struct nvsp_dev *dev = c->dev;

	if (c->n_todo || c->in.read != c->in_done || c->replay)
		return true;
	return !c->index && (dev->n_ctl || (dev->subchannels_asked && !dev->table_sent));
}

/* Any packet, the next one of the ring. NONE; -1 there is none, or the ring is broken. */
static int any_packet(struct nvsp_chan *c, struct rx_burst *b)
{
	struct vmb_pkt pkt;

	if (!take_packet(c, &pkt))
		return -1;
	if (pkt.type == VMB_PKT_COMPLETION)
		return on_completion(c, &pkt);
	if (pkt.type == VMB_PKT_CANCEL)
		return VMB_FAULT_NONE;
	if (pkt.type != VMB_PKT_INBAND && pkt.type != VMB_PKT_GPA_DIRECT)
		return VMB_FAULT_RING_TYPE;
	nvsp_plain_flush(c, b); /* it may change what these lie in */
	return nvsp_on_packet(c, &pkt, b);
}

/*
 * Tell the guest how far we are, rarely: the word shares a cache line with the one it writes. Now when it may be
 * waiting for it, which is when the ring is empty, or filling.
 */
static void publish_read(struct nvsp_chan *c, bool now)
{
	uint32_t size = c->in.data.size, done = c->in_done - c->in.published;
	bool signal;

	if (c->in_done < c->in.published)
		done += size;
	if (!now && done < size / 16)
		return;
	if (!vmb_ring_in_commit_to(&c->in, c->in_done, &signal))
		signal_guest(c, signal);
}

unsigned int nvsp_rx_burst(struct nvsp_chan *c, unsigned int max, const struct nvsp_sink *sink,
			   void *ctx)
{
	struct rx_burst b = {.sink = sink, .ctx = ctx, .max = max};
	unsigned int packets = 0;

	if (!nvsp_chan_is_open(c) || c->fault) {
		tell_fault(c);
		return 0;
	}
	if (c->n_todo) {
		flush(c); /* the guest has to read before we take more work */
		if (c->n_todo)
			return 0;
	}
	__atomic_store_n(&c->reader, &myself, __ATOMIC_RELAXED);
	for (; b.frames < max && packets < PENDING_MAX; packets++) {
		int fault;

		/* what came meanwhile is for the next call: the guest's word was read once, and its line is dear */
		if (packets && c->in.read == c->in.write)
			break;
		c->before = c->in.read;
		look_ahead(c, &b);
		if (nvsp_section_packet(c, &b) || acknowledgement(c))
			continue;
		if (b.frames + NVSP_FRAMES_PER_MSG > max)
			break;
		fault = any_packet(c, &b);
		if (fault < 0)
			break;
		if (fault) {
			nvsp_stop(c, (enum vmb_fault)fault);
			break;
		}
		if (!c->index && c->dev->keep_dirty)
			break; /* noted together with the packet, before the next one */
	}
	nvsp_plain_flush(c, &b);
	if (has_more(c))
		flush(c);
	if (c->in.fault)
		nvsp_stop(c, c->in.fault);
	if (!c->fault)
		publish_read(c, !packets);
	if (c->in.fault)
		nvsp_stop(c, c->in.fault);
	tell_fault(c);
	return b.frames;
}

void nvsp_prefetch_ring(const struct nvsp_chan *c)
{
	uint32_t read = __atomic_load_n(&c->in.read, __ATOMIC_RELAXED);

	if (__atomic_load_n(&c->reader, __ATOMIC_RELAXED) != &myself)
		return;
	__builtin_prefetch((const void *)c->in.hdr);
	if (c->in.data.base)
		__builtin_prefetch(c->in.data.base + read);
}

bool nvsp_chan_arm(struct nvsp_chan *c)
{
	bool room = true;

	if (!nvsp_chan_is_open(c) || c->fault)
		return true;
	if (c->n_todo || (!c->index && c->dev->n_ctl)) {
		/* what we still have to say waits for room: let the guest tell us */
		chan_lock(c);
		room = !vmb_ring_out_want(&c->out, 256) && !c->out.fault;
		chan_unlock(c);
	}
	publish_read(c, true);
	return vmb_ring_in_arm(&c->in) && room;
}

void nvsp_chan_disarm(struct nvsp_chan *c)
{
	if (!nvsp_chan_is_open(c) || c->fault)
		return;
	vmb_ring_in_mask(&c->in, true);
	chan_lock(c);
	vmb_ring_out_want(&c->out, 0);
	chan_unlock(c);
}

void nvsp_set_link(struct nvsp_dev *dev, bool up, uint64_t now_ms)
{
	if (up != dev->link_up) {
		/* down and up again before the guest heard of it: it must still renew its leases */
		if (dev->rndis_ready && up == dev->link_told)
			dev->link_blip = true;
		dev->link_up = up;
	}
	nvsp_tick(dev, now_ms);
}

void nvsp_tick(struct nvsp_dev *dev, uint64_t now_ms)
{
	struct nvsp_chan *c = &dev->chans[0];

	if (!c->open || c->fault || !dev->rndis_ready)
		return;
	if (dev->link_ever && now_ms - dev->link_ms < LINK_SPACING_MS)
		return;
	if (dev->link_up == dev->link_told && !(dev->link_blip && dev->link_up))
		return;
	if (dev->link_up != dev->link_told)
		nvsp_indicate(dev, dev->link_up ? NDIS_STATUS_CONNECT : NDIS_STATUS_DISCONNECT,
			      NULL, 0);
	else
		nvsp_indicate(dev, NDIS_STATUS_NETWORK_CHANGE, NULL, 0);
	dev->link_blip = false;
	dev->link_told = dev->link_up;
	dev->link_ever = true;
	dev->link_ms = now_ms;
	/* todo is the rx thread's: only the queue of control messages goes out here */
	bool signal;

	chan_lock(c);
	nvsp_ctl_flush_locked(dev);
	nvsp_keep_commit(c, false);
	vmb_ring_out_commit(&c->out, &signal);
	chan_unlock(c);
	if (signal)
		dev->ops->signal(dev->ctx, c->priv);
}

void nvsp_set_mac(struct nvsp_dev *dev, const uint8_t mac[6])
{
	memcpy(dev->cfg.mac, mac, 6);
	memcpy(dev->mac, mac, 6);
	keep_touch(dev);
}

void nvsp_set_max_mtu(struct nvsp_dev *dev, uint16_t mtu)
{
	__atomic_store_n(&dev->cfg.max_mtu, mtu, __ATOMIC_RELAXED);
}

uint32_t nvsp_max_frame(const struct nvsp_dev *dev, bool *rsc)
{
	*rsc = rsc_on(dev);
	return dev->mtu + ETH_HDR;
}

void nvsp_dev_info(const struct nvsp_dev *dev, struct nvsp_info *ret)
{
	const struct recv_buf *rb = recv_get(dev);

	memset(ret, 0, sizeof(*ret));
	ret->nvsp_version = dev->version;
	ret->ndis_version = dev->ndis_version;
	ret->mtu = dev->mtu;
	ret->filter = dev->filter;
	ret->n_queues = dev->n_queues;
	for (uint32_t i = 0; i < dev->cfg.max_queues; i++)
		ret->n_open += dev->chans[i].open;
	if (rb) {
		ret->recv_suballocs = rb->count;
		ret->recv_suballoc_size = rb->suballoc;
		ret->recv_busy = rb->count - (uint32_t)__builtin_popcount(rb->ctl_free);
		for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++)
			ret->recv_busy -= rb->queue[i].n_free;
	}
	ret->send_sections = dev->send ? dev->send_view.size / NVSP_SECTION_SIZE : 0;
	ret->rndis_ready = dev->rndis_ready;
	ret->link_up = dev->link_up;
	ret->rsc = rsc_on(dev);
	ret->rss = dev->rss_on;
	memcpy(ret->mac, dev->mac, 6);
}

void nvsp_chan_stats(const struct nvsp_chan *c, struct nvsp_stats *ret)
{
	*ret = c->tx_stats;
	ret->rx_frames = c->rx_stats.rx_frames;
	ret->rx_bytes = c->rx_stats.rx_bytes;
	ret->rx_bad = c->rx_stats.rx_bad;
	ret->signals += c->rx_stats.signals;
}

bool nvsp_chan_rings(const struct nvsp_chan *c, struct nvsp_rings *ret)
{
	if (!nvsp_chan_is_open(c))
		return false;
	*ret = (struct nvsp_rings){.in_read = __atomic_load_n(&c->in.read, __ATOMIC_RELAXED),
				   .out_write = __atomic_load_n(&c->out.write, __ATOMIC_RELAXED),
				   .n_todo = __atomic_load_n(&c->n_todo, __ATOMIC_RELAXED)};
	vmb_ring_words(c->in.hdr, &ret->in);
	vmb_ring_words(c->out.hdr, &ret->out);
	return true;
}
