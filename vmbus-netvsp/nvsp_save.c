/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state of the network VSP. Ring contents and the guest's words travel with guest memory; the
 * blob has what is ours: negotiated settings, our ring indices, deliveries the guest still holds,
 * answers not in a ring yet. A blob is checked by the rules that a guest's messages are checked by.
 */
#include "vmbus-netvsp/netvsp_priv.h"

#include "vmbus-netvsp/blob.h"

#define MAGIC   0x5053564eu /* "NVSP" */
#define VERSION 1u
#define NONE    0xffffffffu

static void save_settings(const struct nvsp_dev *dev, struct blob_out *b)
{
	blob_put32(b, dev->version);
	blob_put32(b, dev->ndis_version);
	blob_put64(b, dev->caps);
	blob_put32(b, dev->mtu);
	blob_put32(b, dev->configured | dev->rndis_ready << 1 | dev->subchannels_asked << 2 |
			      dev->table_sent << 3 | dev->rsc_v4 << 4 | dev->rsc_v6 << 5 |
			      dev->rss_on << 6 | dev->link_up << 7 | dev->link_told << 8 |
			      dev->link_blip << 9);
	blob_put32(b, dev->filter);
	blob_put(b, dev->mac, 6);
	blob_put32(b, dev->n_queues);
	blob_put32(b, dev->rss_hash_types);
	blob_put(b, dev->rss_table, sizeof(dev->rss_table));
	blob_put(b, dev->rss_key, sizeof(dev->rss_key));
}

static void save_buffers(const struct nvsp_dev *dev, struct blob_out *b)
{
	const struct recv_buf *rb = dev->recv;

	blob_put32(b, dev->send ? dev->send->id : NONE);
	blob_put32(b, dev->send_id);
	blob_put32(b, rb ? rb->gpadl->id : NONE);
	if (!rb)
		return;
	blob_put32(b, rb->id);
	blob_put32(b, rb->suballoc);
}

/* Deliveries that the guest holds. */
static void save_chains(const struct nvsp_dev *dev, struct blob_out *b)
{
	const struct recv_buf *rb = dev->recv;
	uint32_t n = 0;

	for (uint32_t i = 0; rb && i < rb->count; i++)
		n += rb->head[i] != 0;
	blob_put32(b, n);
	for (uint32_t i = 0; rb && i < rb->count; i++) {
		if (!rb->head[i])
			continue;
		blob_put32(b, rb->head[i] - 1u);
		for (uint32_t k = i; k != NO_ID; k = rb->chain[k])
			blob_put32(b, k);
		blob_put32(b, NO_ID);
	}
}

static void save_chan(const struct nvsp_chan *c, struct blob_out *b)
{
	blob_put32(b, c->index);
	blob_put32(b, c->gpadl->id);
	blob_put32(b, c->in.data.size / VMB_PAGE_SIZE + 1);
	blob_put32(b, c->fault);
	blob_put32(b, c->in.published);
	blob_put32(b, c->in.read);
	blob_put32(b, c->out.committed);
	blob_put32(b, c->n_todo - c->first_todo);
	for (uint32_t i = c->first_todo; i < c->n_todo; i++) {
		struct nvsp_msg_wire msg;

		nvsp_todo_msg(&c->todo[i], &msg);
		blob_put64(b, c->todo[i].xid);
		blob_put32(b, c->todo[i].size | (uint32_t)c->todo[i].ack << 8);
		blob_put(b, &msg, sizeof(msg));
	}
}

static void save_head(const struct nvsp_dev *dev, struct blob_out *b)
{
	blob_put32(b, MAGIC);
	blob_put32(b, VERSION);
	save_settings(dev, b);
	save_buffers(dev, b);
	blob_put32(b, dev->n_ctl);
	for (uint32_t i = 0; i < dev->n_ctl; i++) {
		const struct ctl_msg *m = &dev->ctl[(dev->ctl_first + i) % CTL_QUEUE];

		blob_put32(b, m->size);
		blob_put(b, m->data, m->size);
	}
}

size_t nvsp_save_head(const struct nvsp_dev *dev, void *buf, size_t room)
{
	struct blob_out b = {buf, room, 0};

	save_head(dev, &b);
	return b.size;
}

size_t nvsp_dev_save(const struct nvsp_dev *dev, void *buf, size_t room)
{
	struct blob_out b = {buf, room, 0};
	uint32_t n = 0;

	save_head(dev, &b);
	save_chains(dev, &b);
	for (uint32_t i = 0; i < dev->cfg.max_queues; i++)
		n += dev->chans[i].open;
	blob_put32(&b, n);
	for (uint32_t i = 0; i < dev->cfg.max_queues; i++)
		if (dev->chans[i].open)
			save_chan(&dev->chans[i], &b);
	return b.size;
}

static int load_settings(struct nvsp_dev *dev, struct blob_in *b)
{
	uint32_t flags;

	dev->version = blob_get32(b);
	dev->ndis_version = blob_get32(b);
	dev->caps = blob_get64(b);
	dev->mtu = blob_get32(b);
	flags = blob_get32(b);
	dev->configured = flags & 1;
	dev->rndis_ready = flags & 2;
	dev->subchannels_asked = flags & 4;
	dev->table_sent = flags & 8;
	dev->rsc_v4 = flags & 16;
	dev->rsc_v6 = flags & 32;
	dev->rss_on = flags & 64;
	dev->link_up = flags & 128;
	dev->link_told = flags & 256;
	dev->link_blip = flags & 512;
	dev->filter = blob_get32(b);
	blob_get(b, dev->mac, 6);
	dev->n_queues = blob_get32(b);
	dev->rss_hash_types = blob_get32(b);
	blob_get(b, dev->rss_table, sizeof(dev->rss_table));
	blob_get(b, dev->rss_key, sizeof(dev->rss_key));
	if (b->bad || (dev->version && !nvsp_version_known(dev->version)) || dev->mtu < 1500 ||
	    dev->mtu > dev->cfg.max_mtu || !dev->n_queues || dev->n_queues > dev->cfg.max_queues)
		return -EINVAL;
	for (uint32_t i = 0; i < RSS_ENTRIES; i++)
		if (dev->rss_table[i] >= dev->n_queues)
			return -EINVAL;
	nvsp_rss_key(dev, dev->rss_key);
	return 0;
}

/* One delivery that the guest holds. */
static int load_chain(const struct nvsp_dev *dev, struct recv_buf *rb, struct blob_in *b)
{
	uint32_t chan = blob_get32(b), head = blob_get32(b), id = head, next;

	if (chan >= dev->n_queues)
		return -EINVAL;
	for (;;) {
		/* each id once: marked busy by a bit that no channel index has */
		if (b->bad || id >= rb->count || rb->head[id])
			return -EINVAL;
		rb->head[id] = 0xff;
		if (id < rb->n_ctl) {
			if (chan)
				return -EINVAL;
			rb->ctl_free &= ~(1u << id);
		}
		next = blob_get32(b);
		rb->chain[id] = next;
		if (next == NO_ID)
			break;
		id = next;
	}
	for (id = head; id != NO_ID; id = rb->chain[id])
		rb->head[id] = id == head ? (uint8_t)(chan + 1) : 0xfe;
	return 0;
}

static int load_buffers(struct nvsp_dev *dev, struct blob_in *b)
{
	uint32_t send = blob_get32(b), send_id = blob_get32(b), recv = blob_get32(b);
	uint32_t id, suballoc;

	if (send != NONE && nvsp_send_set(dev, send, (uint16_t)send_id))
		return -EINVAL;
	if (recv == NONE)
		return 0;
	id = blob_get32(b);
	suballoc = blob_get32(b);
	if (suballoc < HEADROOM + dev->mtu + ETH_HDR || suballoc > 65536 ||
	    nvsp_recv_set(dev, recv, (uint16_t)id, suballoc))
		return -EINVAL;
	return 0;
}

static int load_chains(struct nvsp_dev *dev, struct blob_in *b)
{
	struct recv_buf *rb = dev->recv;
	uint32_t n = blob_get32(b);

	if (!rb)
		return n ? -EINVAL : 0;
	for (uint32_t i = 0; i < n; i++)
		if (load_chain(dev, rb, b))
			return -EINVAL;
	for (uint32_t i = 0; i < rb->count; i++)
		if (rb->head[i] == 0xfe)
			rb->head[i] = 0;
	nvsp_recv_split(dev, rb, dev->n_queues);
	return 0;
}

static int load_control(struct nvsp_dev *dev, struct blob_in *b)
{
	uint32_t n = blob_get32(b);

	if (n > CTL_QUEUE)
		return -EINVAL;
	for (uint32_t i = 0; i < n; i++) {
		struct ctl_msg *m = &dev->ctl[i];

		m->size = blob_get32(b);
		if (m->size > CTL_MSG_MAX)
			return -EINVAL;
		blob_get(b, m->data, m->size);
	}
	dev->n_ctl = n;
	return 0;
}

static int load_chan(struct nvsp_dev *dev, struct blob_in *b)
{
	uint32_t index = blob_get32(b), gpadl = blob_get32(b), downstream = blob_get32(b);
	uint32_t fault = blob_get32(b), published = blob_get32(b), read = blob_get32(b);
	uint32_t write = blob_get32(b), n = blob_get32(b), kind;
	struct nvsp_chan *c;

	if (b->bad || fault >= VMB_FAULT_N || n > PENDING_MAX ||
	    nvsp_chan_resume(dev, index, gpadl, downstream))
		return -EINVAL;
	c = &dev->chans[index];
	c->fault = (enum vmb_fault)fault;
	/* guest memory of another moment than the blob: going on would corrupt both */
	if (!fault && !dev->resuming && (c->in.read != published || c->out.write != write))
		return -ESTALE;
	if (!fault && (vmb_ring_in_seek(&c->in, read) || vmb_ring_out_seek(&c->out, write)))
		return -ESTALE;
	c->in_done = published;
	if (dev->resuming) {
		c->replay_left = vmb_ring_in_waiting(&c->in);
		c->replay = c->replay_left != 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct todo *t = &c->todo[i];

		t->xid = blob_get64(b);
		kind = blob_get32(b);
		t->size = (uint8_t)kind;
		t->ack = kind >> 8 & 1;
		t->status = 0;
		t->before = published;
		blob_get(b, &t->msg, sizeof(t->msg));
		if (t->size > sizeof(t->msg) || kind > 0x1ff)
			return -EINVAL;
	}
	c->n_todo = n;
	return 0;
}

int nvsp_dev_restore(struct nvsp_dev *dev, const void *buf, size_t size)
{
	struct blob_in b = {buf, size, false};
	uint32_t n;
	int r;

	if (dev->version || dev->chans[0].open)
		return -EBUSY;
	if (blob_get32(&b) != MAGIC || blob_get32(&b) != VERSION)
		return -ENOTSUP;
	r = load_settings(dev, &b);
	if (!r)
		r = load_buffers(dev, &b);
	if (!r)
		r = load_control(dev, &b);
	if (!r)
		r = load_chains(dev, &b);
	n = blob_get32(&b);
	if (!r && n > dev->cfg.max_queues)
		r = -EINVAL;
	for (uint32_t i = 0; !r && i < n; i++)
		r = load_chan(dev, &b);
	if (!r && (b.bad || b.left))
		r = -EINVAL;
	if (r)
		nvsp_dev_forget(dev);
	return r;
}
