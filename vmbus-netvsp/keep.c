/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Notes that outlive the process: writing them, and going on from them. */
#include "vmbus-netvsp/netvsp_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "vmbus-netvsp/blob.h"

_Static_assert(sizeof(struct keep_chan) == 64, "one cache line");
_Static_assert(sizeof(struct keep) <= NVSP_KEEP_SIZE, "fits what the owner provides");

static void store(uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* A word that its owner may change while we look. */
static uint32_t load(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void note_settings(struct nvsp_chan *c)
{
	struct keep *k = c->dev->keep;
	uint32_t other = !c->keep.settings;
	size_t n = nvsp_save_head(c->dev, k->settings[other], KEEP_SETTINGS);

	if (n > KEEP_SETTINGS)
		return; /* cannot be: CTL_QUEUE messages of CTL_MSG_MAX fit */
	k->settings_size[other] = (uint32_t)n;
	c->keep.settings = other;
	c->dev->keep_dirty = false;
}

void nvsp_keep_commit(struct nvsp_chan *c, bool settings)
{
	struct keep *k = c->dev->keep;
	struct keep_chan *kc;
	uint32_t other;

	if (!k)
		return;
	if (settings && c->dev->keep_dirty)
		note_settings(c);
	kc = &k->chan[c->index];
	other = !c->keep.current;
	kc->record[other] = (struct keep_record){.in_read = c->in_done,
						 .out_write = c->out.write,
						 .seq = c->keep.seq,
						 .settings = c->keep.settings};
	store(&kc->current, other);
	c->keep.current = other;
}

void nvsp_keep_sent(struct nvsp_chan *c, const uint32_t *ids, uint32_t n)
{
	struct keep *k = c->dev->keep;

	c->keep.seq++;
	if (!k)
		return;
	for (uint32_t i = 0; i < n; i++)
		k->id[ids[i]].next = i + 1 < n ? ids[i + 1] : NO_ID;
	k->id[ids[0]].seq = c->keep.seq;
	store(&k->id[ids[0]].chan, c->index + 1);
}

void nvsp_keep_forget_ids(struct nvsp_dev *dev)
{
	if (dev->keep)
		memset(dev->keep->id, 0, sizeof(dev->keep->id));
}

void nvsp_keep_open(struct nvsp_chan *c, uint32_t gpadl, uint32_t downstream)
{
	struct keep *k = c->dev->keep;

	if (!k)
		return;
	k->chan[c->index].gpadl = gpadl;
	k->chan[c->index].downstream = downstream;
	if (!c->index) {
		store(&k->magic, 0);
		nvsp_keep_forget_ids(c->dev);
		for (uint32_t i = 1; i < KEEP_CHANS; i++)
			k->chan[i].open = 0;
		c->dev->keep_dirty = true;
		k->version = KEEP_VERSION;
	}
	nvsp_keep_commit(c, !c->index);
	store(&k->chan[c->index].open, 1);
	if (!c->index)
		store(&k->magic, KEEP_MAGIC);
}

void nvsp_keep_close(struct nvsp_chan *c)
{
	struct keep *k = c->dev->keep;

	if (!k)
		return;
	if (!c->index)
		store(&k->magic, 0);
	store(&k->chan[c->index].open, 0);
}

/* ---- going on ---- */

/* Private copies of what the notes say: the shared ones may change under our hands. */
struct notes {
	struct keep_record record[KEEP_CHANS];
	bool open[KEEP_CHANS];
	uint32_t gpadl[KEEP_CHANS], downstream[KEEP_CHANS];
	struct keep_id id[KEEP_IDS];
	uint8_t blob[KEEP_SETTINGS + KEEP_IDS * 12 + KEEP_CHANS * 64 + 64];
};

static void read_channels(const struct keep *k, struct notes *n)
{
	for (uint32_t i = 0; i < KEEP_CHANS; i++) {
		const struct keep_chan *kc = &k->chan[i];
		const struct keep_record *r = &kc->record[load(&kc->current) & 1];

		n->open[i] = load(&kc->open) == 1;
		n->gpadl[i] = load(&kc->gpadl);
		n->downstream[i] = load(&kc->downstream);
		n->record[i] = (struct keep_record){load(&r->in_read), load(&r->out_write),
						    load(&r->seq), load(&r->settings)};
	}
}

/* Deliveries that were published on channels that are open. Return: how many; @b may be NULL. */
static uint32_t put_chains(const struct notes *n, struct blob_out *b)
{
	uint32_t count = 0, steps = 0;

	for (uint32_t i = 0; i < KEEP_IDS; i++) {
		uint32_t chan = n->id[i].chan - 1;

		if (chan >= KEEP_CHANS || !n->open[chan] ||
		    (int32_t)(n->record[chan].seq - n->id[i].seq) < 0)
			continue;
		count++;
		if (b)
			blob_put32(b, chan);
		/* steps: notes that lie may have a loop; restoring finds it, here it only has to end */
		for (uint32_t id = i; id != NO_ID && id < KEEP_IDS && steps < KEEP_IDS;
		     id = n->id[id].next, steps++)
			if (b)
				blob_put32(b, id);
		if (b)
			blob_put32(b, NO_ID);
	}
	return count;
}

/* The bytes of a save, made of the notes. Return: their number; 0: there are none, or they lie. */
static size_t make_blob(const struct keep *k, struct notes *n)
{
	struct blob_out b = {n->blob, sizeof(n->blob), 0};
	uint32_t copy, size, open = 0;

	if (load(&k->magic) != KEEP_MAGIC || load(&k->version) != KEEP_VERSION)
		return 0;
	read_channels(k, n);
	memcpy(n->id, k->id, sizeof(n->id));
	vmb_barrier();
	copy = n->record[0].settings & 1;
	size = load(&k->settings_size[copy]);
	if (!n->open[0] || size > KEEP_SETTINGS)
		return 0;
	blob_put(&b, k->settings[copy], size);
	blob_put32(&b, put_chains(n, NULL));
	put_chains(n, &b);
	for (uint32_t i = 0; i < KEEP_CHANS; i++)
		open += n->open[i];
	blob_put32(&b, open);
	for (uint32_t i = 0; i < KEEP_CHANS; i++) {
		if (!n->open[i])
			continue;
		blob_put32(&b, i);
		blob_put32(&b, n->gpadl[i]);
		blob_put32(&b, n->downstream[i]);
		blob_put32(&b, VMB_FAULT_NONE);
		blob_put32(&b, n->record[i].in_read);
		blob_put32(&b, n->record[i].in_read);
		blob_put32(&b, n->record[i].out_write);
		blob_put32(&b, 0);
	}
	return b.size <= b.room ? b.size : 0;
}

/* The notes again, as our own: what the former life left half done in them is gone. */
static void note_all(struct nvsp_dev *dev, const struct notes *n)
{
	const struct recv_buf *rb = dev->recv;

	for (uint32_t i = 0; i < dev->cfg.max_queues; i++)
		dev->chans[i].keep.seq = n->record[i].seq;
	/* a mark that was never published would count once its number has come */
	for (uint32_t i = 0; i < KEEP_IDS; i++)
		if (!rb || i >= rb->count || !rb->head[i])
			store(&dev->keep->id[i].chan, 0);
	dev->keep_dirty = true;
	for (uint32_t i = 0; i < dev->cfg.max_queues; i++) {
		struct nvsp_chan *c = &dev->chans[i];

		if (!c->open)
			continue;
		c->keep.current = load(&dev->keep->chan[i].current) & 1;
		c->keep.settings = n->record[i].settings & 1;
		nvsp_keep_commit(c, !i);
	}
}

int nvsp_dev_resume(struct nvsp_dev *dev)
{
	struct keep *k = dev->keep;
	struct notes *n;
	size_t size;
	int r = -ENOTSUP;

	if (!k)
		return r;
	n = calloc(1, sizeof(*n));
	if (!n)
		return -ENOMEM;
	size = make_blob(k, n);
	if (size) {
		/* restoring opens channels, which must not start new notes over the old ones */
		dev->keep = NULL;
		dev->resuming = true;
		r = nvsp_dev_restore(dev, n->blob, size);
		dev->resuming = false;
		dev->keep = k;
	}
	if (!r)
		note_all(dev, n);
	free(n);
	return r;
}
