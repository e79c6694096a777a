/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packed ring's slow paths: chains, indirect tables, notifications. One table of descriptors that both
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
	return r->last_avail < r->size && r->last_used < r->size ? 0 : -EINVAL;
}

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
