/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames to the guest: each is copied into a suballocation of the receive buffer behind an RNDIS
 * header; up to TX_RANGES of them travel in one ring packet, named by the first one's id.
 * A frame longer than the MTU goes as several suballocations that the guest puts together (RSC).
 */
#include "vmbus-netvsp/netvsp_priv.h"

#define LINE     64u
#define PREFETCH 10u /* frames */

#define PIECES_GROUP 32u

struct batch {
	struct nvsp_chan *c;
	struct recv_buf *rb;
	uint32_t n, max; /* ranges */
};

/* Where in a frame the next bytes come from. */
struct cursor {
	const struct nvsp_seg *seg;
	uint32_t off;
};

static uint32_t take_id(struct batch *b)
{
	struct recv_queue *q = &b->rb->queue[b->c->index];

	return b->rb->free_ids[q->lo + --q->n_free];
}

static void copy_data(struct batch *b, uint32_t to, struct cursor *cur, uint32_t size)
{
	while (size) {
		uint32_t k = cur->seg->size - cur->off;

		k = k < size ? k : size;
		vmb_view_write(&b->rb->view, to, cur->seg->ptr + cur->off, k);
		to += k;
		size -= k;
		cur->off += k;
		if (cur->off == cur->seg->size) {
			cur->seg++;
			cur->off = 0;
		}
	}
}

/* The same into memory in one piece. */
static void copy_flat(uint8_t *to, struct cursor *cur, uint32_t size)
{
	while (size) {
		uint32_t k = cur->seg->size - cur->off;

		k = k < size ? k : size;
		vmb_copy(to, cur->seg->ptr + cur->off, k);
		to += k;
		size -= k;
		cur->off += k;
		if (cur->off == cur->seg->size)
			*cur = (struct cursor){cur->seg + 1, 0};
	}
}

/*
 * One suballocation: header, per-packet info, @size bytes of the frame. The frame starts on a cache line of
 * its own, so that no store of a copy crosses one. Return: where in the buffer that is.
 */
static uint32_t put_part(struct batch *b, const struct nvsp_frame *f, struct cursor *cur,
			 uint32_t size, uint32_t rsc_flags)
{
	uint8_t info[NVSP_PPI_MAX];
	uint32_t id = take_id(b), at = id * b->rb->suballoc, ppi = 0, head;
	struct rndis_packet_wire h = {.hdr.type = RNDIS_PACKET, .data_size = size};
	uint8_t *flat = b->rb->at[id];

	if (f->flags || rsc_flags)
		ppi = nvsp_ppi_build(info, f, rsc_flags, b->c->rsc_id);
	head = ((uint32_t)sizeof(h) + ppi + LINE - 1) & ~(LINE - 1);
	h.hdr.size = head + size;
	h.data_offset = head - RNDIS_BODY;
	h.ppi_offset = ppi ? sizeof(h) - RNDIS_BODY : 0;
	h.ppi_size = ppi;
	if (__builtin_expect(flat != NULL, 1)) {
		memcpy(flat, &h, sizeof(h));
		if (ppi)
			memcpy(flat + sizeof(h), info, ppi);
		copy_flat(flat + head, cur, size);
	} else {
		vmb_view_write(&b->rb->view, at, &h, sizeof(h));
		vmb_view_write(&b->rb->view, at + (uint32_t)sizeof(h), info, ppi);
		copy_data(b, at + head, cur, size);
	}
	b->c->tx_ids[b->n] = id;
	b->c->tx_ext.range[b->n++] = (struct vmb_xfer_range_wire){head + size, at};
	return at + head;
}

/* The header and the first line of a frame: the guest's core has them. */
static inline void prefetch_lines(const uint8_t *p)
{
	vmb_prefetch_write(p);
	vmb_prefetch_write(p + LINE);
}

/* Of the frame after some others. */
static void prefetch_later(const struct recv_buf *rb, const struct recv_queue *rq)
{
	const uint8_t *p;

	if (rq->n_free < PREFETCH)
		return;
	p = rb->at[rb->free_ids[rq->lo + rq->n_free - PREFETCH]];
	if (p)
		prefetch_lines(p);
}

/* Finish the L4 checksum: summed over the switch's data, not over what the guest can change. */
static void finish_csum(struct batch *b, const struct nvsp_tx *t, uint32_t at)
{
	uint32_t field = t->f.l4_off + (t->f.flags & NVSP_F_TCP ? 16u : 6u), off = t->f.l4_off;
	uint32_t sum = 0, pos = 0;
	uint16_t v;

	for (unsigned int i = 0; i < t->n_segs; i++) {
		uint32_t size = t->segs[i].size, skip = off < size ? off : size, part;

		off -= skip;
		if (size == skip)
			continue;
		part = (uint32_t)(uint16_t)~nvsp_csum_fold(
			nvsp_csum_add(0, t->segs[i].ptr + skip, size - skip));
		if (pos & 1)
			part = (part >> 8 | part << 8) & 0xffff;
		sum += part;
		pos += size - skip;
	}
	v = nvsp_csum_fold(sum);
	if (!v && !(t->f.flags & NVSP_F_TCP))
		v = 0xffff; /* in UDP 0 means "none" */
	vmb_view_write(&b->rb->view, at + field, &v, 2);
}

/* What nearly all frames are: one piece of memory, nothing to tell the guest about it. false: not such a one. */
static bool put_plain(struct batch *b, const struct nvsp_tx *t)
{
	struct rndis_packet_wire h = {.hdr = {RNDIS_PACKET, LINE + t->f.size},
				      .data_offset = LINE - RNDIS_BODY,
				      .data_size = t->f.size};
	const struct recv_queue *q = &b->rb->queue[b->c->index];
	uint32_t id = b->rb->free_ids[q->lo + q->n_free - 1];
	uint8_t *flat = b->rb->at[id];

	if (__builtin_expect(t->f.flags || t->n_segs != 1 || !flat, 0))
		return false;
	take_id(b);
	memcpy(flat, &h, sizeof(h));
	vmb_copy(flat + LINE, t->segs->ptr, t->f.size);
	b->c->tx_ids[b->n] = id;
	b->c->tx_ext.range[b->n++] =
		(struct vmb_xfer_range_wire){LINE + t->f.size, id * b->rb->suballoc};
	return true;
}

static bool put_frame(struct batch *b, const struct nvsp_tx *t, uint32_t parts,
		      uint32_t payload_max)
{
	uint32_t left = t->f.size, size, at, flags = RNDIS_RSC_PART | RNDIS_RSC_FIRST;
	struct cursor cur = {t->segs, 0};
	struct nvsp_frame f;
	bool todo;

	if (b->rb->queue[b->c->index].n_free < parts || b->max - b->n < parts)
		return false;
	if (__builtin_expect(parts == 1, 1) && put_plain(b, t))
		return true;
	f = t->f;
	todo = f.flags & NVSP_F_CSUM_L4;
	if (todo)
		f.flags |= NVSP_F_CSUM_GOOD;
	if (parts == 1) {
		at = put_part(b, &f, &cur, left, 0);
		if (todo && !b->c->dev->cfg.trust_csum &&
		    f.size >= f.l4_off + (f.flags & NVSP_F_TCP ? 18u : 8u))
			finish_csum(b, t, at);
		return true;
	}
	b->c->rsc_id++;
	for (; left; left -= size) {
		size = left < payload_max ? left : payload_max;
		if (size == left)
			flags |= RNDIS_RSC_LAST;
		put_part(b, &f, &cur, size, flags);
		flags &= ~RNDIS_RSC_FIRST;
	}
	return true;
}

/* Publish what is in the batch as one ring packet. Room was made sure of. */
static void post(struct batch *b)
{
	struct nvsp_msg_wire m = {
		.type = NVSP_RNDIS,
		.rndis = {.channel = NVSP_CHANNEL_DATA, .section = NVSP_NO_SECTION}};
	struct nvsp_chan *c = b->c;
	struct recv_buf *rb = b->rb;

	if (!b->n)
		return;
	c->tx_ids[b->n] = NO_ID;
	for (uint32_t i = 0; i < b->n; i++)
		rb->chain[c->tx_ids[i]] = c->tx_ids[i + 1];
	rb->head[c->tx_ids[0]] = (uint8_t)(c->index + 1);
	nvsp_keep_sent(c, c->tx_ids, b->n);
	c->tx_ext.head = (struct vmb_xfer_wire){.set_id = rb->id, .n_ranges = b->n};
	vmb_ring_out_put(&c->out, VMB_PKT_XFER, VMB_PKT_FLAG_COMPLETION, c->tx_ids[0], &c->tx_ext,
			 (uint32_t)(sizeof(c->tx_ext.head) + b->n * sizeof(c->tx_ext.range[0])), &m,
			 msg_size(c->dev));
	b->n = 0;
}

/* How many ranges one packet may have now: ring room, less what completions and control need. */
static uint32_t ranges_now(struct nvsp_chan *c)
{
	uint32_t fixed = vmb_ring_need(sizeof(c->tx_ext.head), msg_size(c->dev)), room;
	uint32_t keep = c->out.data.size / 16 < 1024 ? c->out.data.size / 16 : 1024;

	if (vmb_ring_out_has(&c->out, fixed + keep + TX_RANGES * sizeof(c->tx_ext.range[0])))
		return TX_RANGES;
	room = vmb_ring_out_room(&c->out);
	if (room < fixed + keep + sizeof(c->tx_ext.range[0]))
		return 0;
	room = (room - fixed - keep) / (uint32_t)sizeof(c->tx_ext.range[0]);
	return room < TX_RANGES ? room : TX_RANGES;
}

static unsigned int burst_locked(struct nvsp_chan *c, struct recv_buf *rb,
				 const struct nvsp_tx *pkts, unsigned int n, bool *signal)
{
	struct nvsp_dev *dev = c->dev;
	struct batch b = {.c = c, .rb = rb, .max = ranges_now(c)};
	const struct recv_queue *rq = &rb->queue[c->index];
	uint32_t payload_max = dev->mtu + ETH_HDR;
	unsigned int i;

	if (payload_max > rb->suballoc - HEADROOM)
		payload_max = rb->suballoc - HEADROOM;
	for (i = 0; i < n; i++) {
		const struct nvsp_frame *f = &pkts[i].f;
		uint32_t parts = 1;

		/* a division costs as much as the rest */
		if (__builtin_expect(f->size > payload_max, 0))
			parts = (f->size + payload_max - 1) / payload_max;
		/* more parts than the queue owns would block it for ever */
		if (f->size < ETH_HDR || parts > rq->hi - rq->lo || f->size > 65535 + ETH_HDR ||
		    (f->size > payload_max && !(f->flags & NVSP_F_LSO && rsc_on(dev)))) {
			c->tx_stats.tx_big++;
			continue;
		}
		prefetch_later(rb, rq);
		if (put_frame(&b, &pkts[i], parts, payload_max)) {
			c->tx_stats.tx_frames++;
			c->tx_stats.tx_bytes += f->size;
			continue;
		}
		if (rq->n_free < parts) {
			c->tx_stats.tx_no_buffer++;
			break;
		}
		if (b.n == 0) {
			c->tx_stats.tx_no_ring++;
			break;
		}
		post(&b);
		b.max = ranges_now(c);
		i--; /* once more, in the next packet */
	}
	post(&b);
	nvsp_keep_commit(c, false);
	vmb_ring_out_commit(&c->out, signal);
	c->tx_stats.signals += *signal;
	return i;
}

/* The header of a plain frame, which begins a line behind it. */
static inline void put_head(uint8_t *to, uint32_t size)
{
	struct {
		uint32_t type, size, data_offset, data_size;
	} h = {RNDIS_PACKET, LINE + size, LINE - RNDIS_BODY, size};
	static const uint8_t zero[sizeof(struct rndis_packet_wire) - sizeof(h)];

	memcpy(to, &h, sizeof(h));
	memcpy(to + sizeof(h), zero, sizeof(zero));
}

/* Frames of one ring packet, as many as it can have. Return: how many of @frames are done with. */
static unsigned int put_many(struct batch *b, const struct nvsp_seg *frames, unsigned int n,
			     uint32_t most)
{
	const struct recv_buf *rb = b->rb;
	struct recv_queue *q = &b->rb->queue[b->c->index];
	const uint32_t *top = rb->free_ids + q->lo + q->n_free;
	uint32_t room = b->max < q->n_free ? b->max : q->n_free, suballoc = rb->suballoc;
	uint32_t *ids = b->c->tx_ids, k = 0, bytes = 0;
	unsigned int i;

	for (i = 0; i < PREFETCH && i < room && i < n; i++)
		prefetch_lines(rb->view.base + *(top - 1 - i) * suballoc);
	for (i = 0; i < n && k < room; i++) {
		uint32_t size = frames[i].size, id, at;
		uint8_t *to;

		if (__builtin_expect(size - ETH_HDR > most - ETH_HDR, 0)) {
			b->c->tx_stats.tx_big++;
			continue;
		}
		if (k + PREFETCH < room)
			prefetch_lines(rb->view.base + *(top - 1 - k - PREFETCH) * suballoc);
		id = *(top - 1 - k);
		at = id * suballoc;
		to = rb->view.base + at;
		put_head(to, size);
		vmb_copy(to + LINE, frames[i].ptr, size);
		ids[k] = id;
		b->c->tx_ext.range[k++] = (struct vmb_xfer_range_wire){LINE + size, at};
		bytes += size;
	}
	q->n_free -= k;
	b->n = k;
	b->c->tx_stats.tx_frames += k;
	b->c->tx_stats.tx_bytes += bytes;
	return i;
}

static unsigned int plain_locked(struct nvsp_chan *c, struct recv_buf *rb,
				 const struct nvsp_seg *frames, unsigned int n, bool *signal)
{
	struct batch b = {.c = c, .rb = rb};
	uint32_t most = c->dev->mtu + ETH_HDR;
	unsigned int done = 0;

	if (most > rb->suballoc - HEADROOM)
		most = rb->suballoc - HEADROOM;
	while (done < n) {
		b.max = ranges_now(c);
		done += put_many(&b, frames + done, n - done, most);
		if (!b.n)
			break;
		post(&b);
	}
	if (done < n) {
		if (rb->queue[c->index].n_free)
			c->tx_stats.tx_no_ring++;
		else
			c->tx_stats.tx_no_buffer++;
	}
	nvsp_keep_commit(c, false);
	vmb_ring_out_commit(&c->out, signal);
	c->tx_stats.signals += *signal;
	return done;
}

/* The receive buffer is in pieces: frame by frame. */
static unsigned int plain_in_pieces(struct nvsp_chan *c, struct recv_buf *rb,
				    const struct nvsp_seg *frames, unsigned int n, bool *signal)
{
	struct nvsp_tx t[PIECES_GROUP];
	unsigned int k, i, done = 0;
	bool one;

	do {
		k = n - done < PIECES_GROUP ? n - done : PIECES_GROUP;
		for (i = 0; i < k; i++)
			t[i] = (struct nvsp_tx){.f = {.size = frames[done + i].size},
						.segs = &frames[done + i],
						.n_segs = 1};
		i = burst_locked(c, rb, t, k, &one);
		*signal |= one;
		done += i;
	} while (i == k && done < n);
	return done;
}

/*
 * Is there a guest to give frames to, and room to try? Then its buffer, with the channel locked until end(). Else NULL, and
 * *@done is how many of the @n are settled: all when they are to be dropped.
 */
static struct recv_buf *begin(struct nvsp_chan *c, unsigned int n, unsigned int *done)
{
	struct recv_buf *rb;

	*done = n;
	if (!nvsp_chan_is_open(c) || c->fault)
		return NULL;
	nvsp_prefetch_ring(c);
	if (__builtin_expect(c->replay, 0)) {
		*done = 0; /* an id may seem free that an acknowledgement still means */
		return NULL;
	}
	chan_lock(c);
	rb = recv_get(c->dev);
	if (__builtin_expect(rb && __atomic_load_n(&c->dev->filter, __ATOMIC_RELAXED) &&
				     !c->out.fault && c->index < c->dev->n_queues,
			     1))
		return rb;
	c->tx_stats.tx_down += n;
	chan_unlock(c);
	return NULL;
}

static void end(struct nvsp_chan *c, bool signal)
{
	chan_unlock(c);
	if (signal)
		c->dev->ops->signal(c->dev->ctx, c->priv);
}

unsigned int nvsp_tx_plain(struct nvsp_chan *c, const struct nvsp_seg *frames, unsigned int n)
{
	unsigned int done;
	bool signal = false;
	struct recv_buf *rb = begin(c, n, &done);

	if (!rb)
		return done;
	if (__builtin_expect(rb->view.base != NULL, 1))
		done = plain_locked(c, rb, frames, n, &signal);
	else
		done = plain_in_pieces(c, rb, frames, n, &signal);
	end(c, signal);
	return done;
}

unsigned int nvsp_tx_burst(struct nvsp_chan *c, const struct nvsp_tx *pkts, unsigned int n)
{
	unsigned int done;
	bool signal = false;
	struct recv_buf *rb = begin(c, n, &done);

	if (!rb)
		return done;
	done = burst_locked(c, rb, pkts, n, &signal);
	end(c, signal);
	return done;
}
