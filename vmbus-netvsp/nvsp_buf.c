/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive and send buffers of the network VSP.
 *
 * The receive buffer is cut into suballocations, each for one frame. A few are kept for control
 * replies; the rest is split evenly over the queues, so that each queue has a free stack of its own
 * under its own lock. A delivery is a chain of ids named by its first one; the guest gives the whole
 * chain back with one completion on the channel it came by. After a change of the number of queues
 * an id may come back by another channel than its new owner: then the owner's lock is taken.
 *
 * A revoked buffer is not freed before the primary is closed: another thread may be in a burst
 * that has picked it up.
 */
#include "vmbus-netvsp/netvsp_priv.h"

#include <stdlib.h>

static void buf_view(struct vmb_view *v, struct gpadl_pages *g)
{
	vmb_view_init(v, g->pages, 0, g->n);
}

static void recv_free(struct recv_buf *rb)
{
	free(rb->at);
	free(rb->free_ids);
	free(rb->chain);
	free(rb->head);
	free(rb);
}

/* The address of bytes [@off, @off + @size) when their pages lie one behind the other here; else NULL. */
static uint8_t *in_one_piece(const struct vmb_view *v, uint32_t off, uint32_t size)
{
	uint32_t run, have = 0;
	uint8_t *first = vmb_view_at(v, off, &run);

	while (have + run < size) {
		have += run;
		if ((uintptr_t)vmb_view_at(v, off + have, &run) != (uintptr_t)first + have)
			return NULL;
	}
	return first;
}

static struct recv_buf *recv_new(struct gpadl_pages *g, uint16_t id, uint32_t suballoc)
{
	struct recv_buf *rb = calloc(1, sizeof(*rb));

	if (!rb)
		return NULL;
	rb->gpadl = g;
	rb->id = id;
	buf_view(&rb->view, g);
	rb->suballoc = suballoc;
	rb->count = rb->view.size / rb->suballoc;
	if (rb->count > KEEP_IDS)
		rb->count = KEEP_IDS;
	rb->n_ctl = rb->count / 4 < CTL_IDS ? rb->count / 4 : CTL_IDS;
	rb->free_ids = calloc(rb->count + 1, sizeof(*rb->free_ids));
	rb->at = calloc(rb->count + 1, sizeof(*rb->at));
	rb->chain = calloc(rb->count + 1, sizeof(*rb->chain));
	rb->head = calloc(rb->count + 1, 1);
	if (!rb->free_ids || !rb->at || !rb->chain || !rb->head) {
		recv_free(rb);
		return NULL;
	}
	rb->ctl_free = (1u << rb->n_ctl) - 1;
	for (uint32_t i = 0; i < rb->count; i++) {
		rb->chain[i] = NO_ID;
		rb->at[i] = in_one_piece(&rb->view, i * suballoc, suballoc);
	}
	return rb;
}

static uint32_t owner_of(const struct recv_buf *rb, uint32_t n_queues, uint32_t id)
{
	uint32_t per = (rb->count - rb->n_ctl) / n_queues, q;

	if (!per)
		return 0;
	q = (id - rb->n_ctl) / per;
	return q < n_queues ? q : n_queues - 1; /* the last one has the remainder */
}

void nvsp_recv_split(struct nvsp_dev *dev, struct recv_buf *rb, uint32_t n_queues)
{
	uint8_t *busy = calloc(rb->count + 1, 1);
	uint32_t per = (rb->count - rb->n_ctl) / n_queues;

	if (!busy)
		return; /* the queues keep what they have: queue 0 all, the others none */
	chan_lock(&dev->chans[0]);
	for (uint32_t i = 0; i < rb->count; i++)
		if (rb->head[i])
			for (uint32_t k = i; k != NO_ID; k = rb->chain[k])
				busy[k] = 1;
	for (uint32_t q = 0; q < n_queues; q++) {
		struct recv_queue *rq = &rb->queue[q];

		rq->lo = rb->n_ctl + q * per;
		rq->hi = q + 1 < n_queues ? rq->lo + per : rb->count;
		rq->n_free = 0;
		for (uint32_t i = rq->hi; i-- > rq->lo;)
			if (!busy[i])
				rb->free_ids[rq->lo + rq->n_free++] = i;
	}
	chan_unlock(&dev->chans[0]);
	free(busy);
}

static bool subchannel_open(const struct nvsp_dev *dev)
{
	for (uint32_t i = 1; i < dev->cfg.max_queues; i++)
		if (dev->chans[i].open)
			return true;
	return false;
}

enum vmb_fault nvsp_recv_set(struct nvsp_dev *dev, uint32_t gpadl, uint16_t id, uint32_t suballoc)
{
	struct gpadl_pages *g = nvsp_gpadl_find(dev, gpadl);
	struct recv_buf *rb;

	/* one in use may never be swapped under readers that have its old size in hand */
	if (dev->recv || subchannel_open(dev) || dev->n_retired >= RETIRED_MAX)
		return VMB_FAULT_BUFFER_IN_USE;
	if (!g || g->refs)
		return VMB_FAULT_BUFFER_GPADL;
	if (!suballoc) /* whole cache lines: copies do not share any */
		suballoc = (HEADROOM + dev->mtu + ETH_HDR + TAILROOM + 63) & ~63u;
	rb = recv_new(g, id, suballoc);
	if (!rb)
		return VMB_FAULT_BUFFER_GPADL;
	if (rb->count < 4) {
		recv_free(rb);
		return VMB_FAULT_BUFFER_SIZE;
	}
	__atomic_add_fetch(&g->refs, 1, __ATOMIC_RELAXED); /* the control thread counts too */
	nvsp_recv_split(dev, rb, dev->n_queues);
	nvsp_keep_forget_ids(dev);
	__atomic_store_n(&dev->recv, rb, __ATOMIC_RELEASE);
	return VMB_FAULT_NONE;
}

void nvsp_recv_revoke(struct nvsp_dev *dev)
{
	struct recv_buf *rb = dev->recv;

	if (!rb)
		return;
	__atomic_store_n(&dev->recv, NULL, __ATOMIC_RELEASE);
	rb->next = dev->retired;
	dev->retired = rb;
	dev->n_retired++;
	__atomic_sub_fetch(&rb->gpadl->refs, 1, __ATOMIC_RELAXED);
	rb->gpadl = NULL;
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_GPADL_IDLE});
}

void nvsp_recv_free_retired(struct nvsp_dev *dev)
{
	struct recv_buf *rb;

	while ((rb = dev->retired)) {
		dev->retired = rb->next;
		recv_free(rb);
	}
	dev->n_retired = 0;
}

/* Ids of this queue, which is what nearly all are; its range begins behind the control ids. Return: the first other one. */
static uint32_t free_own(struct recv_buf *rb, struct recv_queue *q, uint32_t id)
{
	uint32_t lo = q->lo, span = q->hi - lo, *chain = rb->chain;
	uint32_t *first = rb->free_ids + lo + q->n_free, *to = first;
	uint32_t *end = rb->free_ids + lo + span, step = 1;

	/*
	 * Mostly the ids of a delivery are in a row. To go on with the guess, once it has proved right, is to go on
	 * before the load is done, which is most of what this costs.
	 */
	while (id - lo < span && to < end) {
		uint32_t guess = id + step, next = chain[id];

		chain[id] = NO_ID;
		*to++ = id;
		__asm__("" : "+r"(guess)); /* or the compiler would see that it is the same */
		if (__builtin_expect(next == guess, 1)) {
			id = guess;
			continue;
		}
		step = next - id;
		id = next;
	}
	q->n_free += (uint32_t)(to - first);
	return id;
}

enum vmb_fault nvsp_recv_ack(struct nvsp_chan *c, struct recv_buf *rb, uint64_t xid)
{
	struct nvsp_dev *dev = c->dev;
	struct nvsp_chan *locked = c;
	uint32_t id = (uint32_t)xid, next;

	if (xid >= rb->count || rb->head[id] != c->index + 1)
		return VMB_FAULT_COMPLETION_ID;
	rb->head[id] = 0;
	if (dev->keep)
		dev->keep->id[id].chan = 0;
	for (id = free_own(rb, &rb->queue[c->index], id); id != NO_ID; id = next) {
		next = rb->chain[id];
		rb->chain[id] = NO_ID;
		if (id < rb->n_ctl) {
			rb->ctl_free |= 1u
					<< id; /* control goes by the primary: its lock is held */
			continue;
		}
		struct recv_queue *rq = &rb->queue[c->index];
		uint32_t q = c->index;

		if (__builtin_expect(id < rq->lo || id >= rq->hi, 0)) {
			q = owner_of(rb, dev->n_queues, id);
			rq = &rb->queue[q];
		}

		if (&dev->chans[q] != locked) {
			chan_unlock(locked);
			locked = &dev->chans[q];
			chan_lock(locked);
		}
		if (rq->n_free < rq->hi - rq->lo)
			rb->free_ids[rq->lo + rq->n_free++] = id;
	}
	if (locked != c) {
		chan_unlock(locked);
		chan_lock(c);
	}
	return VMB_FAULT_NONE;
}

enum vmb_fault nvsp_send_set(struct nvsp_dev *dev, uint32_t gpadl, uint16_t id)
{
	struct gpadl_pages *g = nvsp_gpadl_find(dev, gpadl);

	if (dev->send || subchannel_open(dev))
		return VMB_FAULT_BUFFER_IN_USE;
	if (!g || g->refs)
		return VMB_FAULT_BUFFER_GPADL;
	if (g->n * VMB_PAGE_SIZE < NVSP_SECTION_SIZE)
		return VMB_FAULT_BUFFER_SIZE;
	__atomic_add_fetch(&g->refs, 1, __ATOMIC_RELAXED); /* the control thread counts too */
	buf_view(&dev->send_view, g);
	dev->n_sections = dev->send_view.size / NVSP_SECTION_SIZE;
	dev->send_id = id;
	__atomic_store_n(&dev->send, g, __ATOMIC_RELEASE);
	return VMB_FAULT_NONE;
}

void nvsp_send_revoke(struct nvsp_dev *dev)
{
	struct gpadl_pages *g = dev->send;

	if (!g)
		return;
	/* the view stays: a burst of a subchannel that began before may still look at it, and the
	 * pages go only after the control thread waited for such bursts */
	__atomic_store_n(&dev->send, NULL, __ATOMIC_RELEASE);
	__atomic_sub_fetch(&g->refs, 1, __ATOMIC_RELAXED);
	nvsp_event(dev, (struct nvsp_event){.kind = NVSP_EV_GPADL_IDLE});
}
