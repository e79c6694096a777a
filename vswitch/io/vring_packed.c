/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packed ring's slow paths: chains, indirect tables, notifications, going on after kill -9. One table of descriptors that both
 * sides write; two bits of a descriptor's flags and a counter of rounds say whose it is (virtio 1.2, 2.8).
 */
#include "vswitch/io/vring_impl.h"

#include <errno.h>

int vsw_packed_init(struct vsw_vring *r, uint16_t last_avail, uint16_t last_used)
{
	r->avail_wrap = last_avail & VSW_PACKED_WRAP;
	r->used_wrap = last_used & VSW_PACKED_WRAP;
	r->last_avail = last_avail & ~VSW_PACKED_WRAP;
	r->last_used = last_used & ~VSW_PACKED_WRAP;
	r->held = NULL;
	if (r->last_avail >= r->size || r->last_used >= r->size)
		return -EINVAL;
	if (!r->note)
		r->note = &r->own_note;
	if (r->note->size != r->size || r->note->shown != last_used || r->note->next != last_used)
		*r->note = (struct vsw_vring_note){.size = r->size,
						   .shown = last_used,
						   .next = last_used,
						   .entry = VSW_VRING_NO_ENTRY,
						   .last = VSW_VRING_NO_ENTRY};
	return 0;
}

/* ---- another life's ring ---- */

/* Is the buffer @e still as we gave it back, or has a guest that filled the ring up to @base come round? */
static bool still_there(const struct vsw_vring *r, uint64_t e, uint16_t base, bool written)
{
	uint16_t at = (uint16_t)e & ~VSW_PACKED_WRAP, front = base & ~VSW_PACKED_WRAP, flags;
	bool wrap = e & VSW_PACKED_WRAP;
	struct vring_packed_desc d;

	if (e == VSW_VRING_NO_ENTRY || at >= r->size)
		return false;
	flags = vsw_packed_flags(r, at);
	d = vsw_packed_copy(r, at, flags);
	if (flags == vsw_packed_used_flags(wrap, written))
		return d.id == (uint16_t)(e >> 16) && d.len == (uint32_t)(e >> 32);
	return vsw_packed_is_avail(flags, !wrap) &&
	       vsw_packed_is_avail(vsw_packed_flags(r, front), base & VSW_PACKED_WRAP);
}

/*
 * Does every descriptor look like one of a ring that stands at @base? Those before it were written in this round or
 * are available in the next; those behind in the round before, or are available in this. The @n_open ones at
 * @base are in our hands.
 */
static bool stands_at(const struct vsw_vring *r, uint16_t base, uint16_t n_open)
{
	uint16_t front = base & ~VSW_PACKED_WRAP;
	bool wrap = base & VSW_PACKED_WRAP;

	for (uint16_t i = 0; i < r->size; i++) {
		uint16_t flags = vsw_packed_flags(r, i);
		bool avail = flags & VSW_PACKED_AVAIL, used = flags & VSW_PACKED_USED;
		uint32_t behind = (uint32_t)(i + r->size - front) % r->size;

		if (behind >= n_open &&
		    (i < front ? avail != wrap && used != wrap : avail == wrap && used == wrap))
			return false;
	}
	return true;
}

/* A burst that had begun and that the guest has not seen: write what may be missing, and show it. */
static void finish_burst(struct vsw_vring *r, const struct vsw_vring_note *n, bool written)
{
	uint16_t first = n->shown & ~VSW_PACKED_WRAP, at = (uint16_t)n->entry & ~VSW_PACKED_WRAP;

	if ((uint16_t)n->entry != n->next && at < r->size) {
		r->pdesc[at].len = (uint32_t)(n->entry >> 32);
		r->pdesc[at].id = (uint16_t)(n->entry >> 16);
		if (at != first)
			r->pdesc[at].flags =
				vsw_packed_used_flags(n->entry & VSW_PACKED_WRAP, written);
	}
	__atomic_store_n(&r->pdesc[first].flags,
			 vsw_packed_used_flags(n->shown & VSW_PACKED_WRAP, written),
			 __ATOMIC_RELEASE);
}

bool vsw_packed_recall(struct vsw_vring *r, bool written, uint16_t told, uint16_t *ret)
{
	struct vsw_vring_note *n = r->note;
	uint16_t first = n->shown & ~VSW_PACKED_WRAP, end = n->next & ~VSW_PACKED_WRAP, base;
	bool begun;

	if (!n->size || n->size != r->size || first >= r->size || end >= r->size)
		return false;
	begun = n->shown != n->next &&
		vsw_packed_is_avail(vsw_packed_flags(r, first), n->shown & VSW_PACKED_WRAP);
	base = begun ? n->shown : n->next;
	if (begun && n->last == VSW_VRING_NO_ENTRY) {
		if (told != base)
			return false;
	} else if (!still_there(r, begun ? n->last : n->entry, base, written)) {
		return false;
	}
	if (!stands_at(r, base, begun ? (uint16_t)((end + r->size - first - 1) % r->size + 1) : 0))
		return false;
	if (begun)
		finish_burst(r, n, written);
	n->last = n->entry;
	n->shown = n->next;
	*ret = n->next;
	return true;
}

/* ---- notifications ---- */

static bool waiting(const struct vsw_vring *r)
{
	return vsw_packed_is_avail(vsw_packed_flags(r, r->last_avail), r->avail_wrap);
}

bool vsw_packed_notify(struct vsw_vring *r, bool on)
{
	__atomic_store_n(&r->device_event->flags,
			 on ? VRING_PACKED_EVENT_FLAG_ENABLE : VRING_PACKED_EVENT_FLAG_DISABLE,
			 __ATOMIC_RELAXED);
	if (!on)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return waiting(r);
}

/* Has the used position passed the one that the guest named, since @old? (virtio 1.2, 2.8.10) */
static bool passed(const struct vsw_vring *r, uint16_t off_wrap, uint16_t old)
{
	uint16_t now = r->last_used, event = off_wrap & ~VSW_PACKED_WRAP;

	if (now <= old)
		old -= r->size;
	if (r->used_wrap != !!(off_wrap & VSW_PACKED_WRAP))
		event -= r->size;
	return (uint16_t)(now - event - 1) < (uint16_t)(now - old);
}

void vsw_packed_publish(struct vsw_vring *r)
{
	uint16_t flags, old = r->signalled;
	bool wanted;

	if (!r->held)
		return;
	__atomic_store_n(&r->held->flags, r->held_flags, __ATOMIC_RELEASE);
	r->held = NULL;
	vsw_note_order();
	r->note->last = r->note->entry;
	vsw_note_order();
	r->note->shown = r->note->next;
	/* the guest writes its wish, then looks at descriptors; we the other way round */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	flags = __atomic_load_n(&r->driver_event->flags, __ATOMIC_RELAXED);
	wanted = flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	if (flags == VRING_PACKED_EVENT_FLAG_DESC && r->event_idx && r->signalled_valid)
		wanted = passed(r, __atomic_load_n(&r->driver_event->off_wrap, __ATOMIC_RELAXED),
				old);
	r->signalled = r->last_used;
	r->signalled_valid = true;
	if (wanted)
		vsw_vring_interrupt(r);
}

/* What the descriptors from one position on describe. */
struct chain {
	uint16_t at;
	bool wrap;
	uint16_t id;
	uint16_t n_desc;
};

/* The table's flags other than "write" mean nothing (virtio 1.2, 2.8.7). */
static int walk_table(struct vsw_vring *r, const struct vring_packed_desc *d, uint16_t want,
		      struct vsw_pieces *out)
{
	uint32_t n = d->len / (uint32_t)sizeof(struct vring_packed_desc);
	const struct vring_packed_desc *table;
	uint64_t room;

	if (n == 0 || d->len % sizeof(struct vring_packed_desc) || n > VSW_VRING_SIZE_MAX)
		return vsw_vring_broke(r, VSW_VRING_INDIRECT);
	table = (const void *)vsw_vmem_at(r->mem, d->addr, d->len, &room);
	if (!table)
		return vsw_vring_broke(r, VSW_VRING_ADDRESS);
	for (uint32_t i = 0; i < n; i++) {
		struct vring_packed_desc e;

		memcpy(&e, &table[i], sizeof(e));
		__asm__ volatile("" : : : "memory"); /* as vsw_packed_copy() */
		if (e.flags & VRING_DESC_F_INDIRECT)
			return vsw_vring_broke(r, VSW_VRING_INDIRECT);
		if ((e.flags & VRING_DESC_F_WRITE) != want)
			return vsw_vring_broke(r, VSW_VRING_DIRECTION);
		if (vsw_pieces_add(r, e.addr, e.len, out) < 0)
			return -1;
	}
	return 0;
}

/* Walk the chain at @c, and move @c behind it. The first descriptor is known to be available, and the guest makes
 * that one so last. */
static int walk(struct vsw_vring *r, struct chain *c, uint16_t want, struct vsw_pieces *out)
{
	for (c->n_desc = 1; c->n_desc <= r->size; c->n_desc++) {
		uint16_t flags = vsw_packed_flags(r, c->at);
		struct vring_packed_desc d = vsw_packed_copy(r, c->at, flags);

		if (!vsw_packed_is_avail(flags, c->wrap))
			return vsw_vring_broke(r, VSW_VRING_CHAIN);
		vsw_packed_step(r, &c->at, &c->wrap, 1);
		c->id = d.id;
		if (flags & VRING_DESC_F_INDIRECT) {
			if (flags & VRING_DESC_F_NEXT)
				return vsw_vring_broke(r, VSW_VRING_INDIRECT);
			return walk_table(r, &d, want, out);
		}
		if ((flags & VRING_DESC_F_WRITE) != want)
			return vsw_vring_broke(r, VSW_VRING_DIRECTION);
		if (vsw_pieces_add(r, d.addr, d.len, out) < 0)
			return -1;
		if (!(flags & VRING_DESC_F_NEXT))
			return 0;
	}
	return vsw_vring_broke(r, VSW_VRING_CHAIN);
}

static void consume(struct vsw_vring *r, const struct chain *c)
{
	r->last_avail = c->at;
	r->avail_wrap = c->wrap;
}

struct rte_mbuf *vsw_packed_rx_one(struct vsw_vring *r)
{
	struct chain c = {.at = r->last_avail, .wrap = r->avail_wrap};
	struct vsw_pieces s = {.n = 0};
	struct rte_mbuf *m;

	if (walk(r, &c, 0, &s) < 0)
		return NULL;
	m = vsw_pieces_to_frame(r, &s);
	if (unlikely(r->broken))
		return NULL;
	consume(r, &c);
	vsw_packed_used_put(r, c.id, 0, c.n_desc, false);
	return m;
}

int vsw_packed_tx_one(struct vsw_vring *r, const struct rte_mbuf *m)
{
	const uint64_t need = (uint64_t)r->hdr_size + m->pkt_len;
	struct chain c[VSW_VRING_HEADS_MAX], at = {.at = r->last_avail, .wrap = r->avail_wrap};
	uint64_t before[VSW_VRING_HEADS_MAX],
		left = need; /* bytes that the buffers up to each hold */
	struct vsw_pieces s = {.n = 0};
	uint16_t n = 0, total = 0;

	/* plan: as many buffers as the frame needs, and no other than the ones copied here */
	do {
		if (n == VSW_VRING_HEADS_MAX || (n == 1 && !r->mergeable)) {
			/* refused for itself: taken and counted, no buffer used */
			r->too_big++;
			return 1;
		}
		/* all of the ring is planned for: its flags are as they were */
		if (total >= r->size || !vsw_packed_is_avail(vsw_packed_flags(r, at.at), at.wrap))
			return 0;
		before[n] = s.bytes;
		if (walk(r, &at, VRING_DESC_F_WRITE, &s) < 0)
			return -1;
		total += at.n_desc;
		c[n++] = at;
	} while (s.bytes < need);
	if (n > 1 ? before[1] < r->hdr_size : s.bytes < r->hdr_size)
		return vsw_vring_broke(r, VSW_VRING_HEADER);
	vsw_frame_to_pieces(r, m, n, &s);
	for (uint16_t k = 0; k < n; k++) {
		uint64_t cap = (k + 1 < n ? before[k + 1] : s.bytes) - before[k];
		uint64_t used = RTE_MIN(cap, left);

		vsw_packed_used_put(r, c[k].id, (uint32_t)used, c[k].n_desc, true);
		left -= used;
	}
	consume(r, &at);
	return 1;
}
