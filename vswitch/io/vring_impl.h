/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the slow paths (vring.c) and the vector instances (vring_fast.h). */
#pragma once

#include <emmintrin.h>
#include <string.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "vswitch/datapath/offload.h"
#include "vswitch/io/vring.h"

/**
 * Host address of @len bytes at guest address @gpa; NULL when any of it is outside memory.
 * @room gets the bytes from there to the region's end (>= @len).
 */
static __rte_always_inline uint8_t *vsw_vmem_at(const struct vsw_vmem *mem, uint64_t gpa,
						uint32_t len, uint64_t *room)
{
	for (uint32_t i = 0; i < mem->n; i++) {
		const struct vsw_vmem_region *g = &mem->region[i];
		uint64_t off = gpa - g->gpa;

		if (likely(off < g->size && len <= g->size - off)) {
			*room = g->size - off;
			return g->hva + off;
		}
	}
	return NULL;
}

/* A descriptor as the guest wrote it at one moment. */
static __rte_always_inline struct vring_desc vsw_desc_copy(const struct vring_desc *d)
{
	struct vring_desc copy;

	memcpy(&copy, d, sizeof(copy));
	/* the compiler must not read the guest's memory a second time */
	__asm__ volatile("" : : : "memory");
	return copy;
}

static __rte_always_inline uint16_t vsw_avail_index(const struct vsw_vring *r)
{
	return __atomic_load_n(&r->avail->idx, __ATOMIC_ACQUIRE);
}

static __rte_always_inline void vsw_used_put(struct vsw_vring *r, uint16_t head, uint32_t len)
{
	struct vring_used_elem *e = &r->used->ring[r->last_used++ & r->mask];

	e->id = head;
	e->len = len;
}

/* Exactly @len bytes, fewer than a vector instance's chunk (64): frames of 60 bytes are common. */
static __rte_always_inline void vsw_copy_short(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	uint32_t i;

	if (unlikely(len < 16)) {
		memcpy(dst, src, len);
		return;
	}
	for (i = 0; i + 16 <= len; i += 16)
		_mm_storeu_si128((__m128i *)(void *)(dst + i),
				 _mm_loadu_si128((const __m128i *)(const void *)(src + i)));
	if (i < len)
		_mm_storeu_si128((__m128i *)(void *)(dst + len - 16),
				 _mm_loadu_si128((const __m128i *)(const void *)(src + len - 16)));
}

/* Pieces one frame may be scattered over; more is a guest that wants to hurt. */
#define VSW_PIECES_MAX 1024
/* Buffers of the guest that one frame may take. */
#define VSW_VRING_HEADS_MAX 64

struct vsw_pieces {
	struct vsw_piece {
		uint8_t *at;
		uint32_t len;
	} p[VSW_PIECES_MAX];
	uint32_t n;
	uint64_t bytes;
};

/** Mark the ring. Return: -1. */
int vsw_vring_broke(struct vsw_vring *r, enum vsw_vring_broken why);

/** One buffer at guest address @gpa; it may run over the border of two regions that are neighbours for the guest
 *  only. Return: 0; -1 the ring is broken now. */
int vsw_pieces_add(struct vsw_vring *r, uint64_t gpa, uint32_t len, struct vsw_pieces *out);

/** Header and frame that the guest scattered over @s. NULL: lost and counted, or the ring is broken now. */
struct rte_mbuf *vsw_pieces_to_frame(struct vsw_vring *r, struct vsw_pieces *s);

/** Header and frame into @s, which has room for both. */
void vsw_frame_to_pieces(const struct vsw_vring *r, const struct rte_mbuf *m, uint16_t num_buffers,
			 struct vsw_pieces *s);

/** One frame the fast path could not take: chains, indirect tables, large frames. Consumes the next
 *  head. Return: the frame, or NULL (lost, or the ring is broken now). */
struct rte_mbuf *vsw_vring_rx_one(struct vsw_vring *r, uint16_t head);

/** Give one frame through chains or several buffers. Return: 1 taken (heads consumed; the mbuf is still
 *  the caller's to free), 0 not enough buffers yet, -1 the ring is broken now. */
int vsw_vring_tx_one(struct vsw_vring *r, const struct rte_mbuf *m, uint16_t avail);

/** Publish used entries and interrupt the guest if it wants that. */
void vsw_vring_publish(struct vsw_vring *r);

/** Interrupt the guest, who wants that. */
void vsw_vring_interrupt(struct vsw_vring *r);

/* ---- packed rings (vring_packed.c) ---- */

/* In a base or an event: the wrap counter beside the position. */
#define VSW_PACKED_WRAP  0x8000
#define VSW_PACKED_AVAIL (1u << VRING_PACKED_DESC_F_AVAIL)
#define VSW_PACKED_USED  (1u << VRING_PACKED_DESC_F_USED)

/* Is a descriptor with these flags the guest's newest, in the round that @wrap stands for? */
static __rte_always_inline bool vsw_packed_is_avail(uint16_t flags, bool wrap)
{
	return !!(flags & VSW_PACKED_AVAIL) == wrap && !!(flags & VSW_PACKED_USED) != wrap;
}

static __rte_always_inline uint16_t vsw_packed_flags(const struct vsw_vring *r, uint16_t at)
{
	return __atomic_load_n(&r->pdesc[at].flags, __ATOMIC_ACQUIRE);
}

/* A descriptor as the guest wrote it at one moment, its flags as they were looked at before. */
static __rte_always_inline struct vring_packed_desc vsw_packed_copy(const struct vsw_vring *r,
								    uint16_t at, uint16_t flags)
{
	struct vring_packed_desc copy;

	memcpy(&copy, &r->pdesc[at], sizeof(copy));
	/* the compiler must not read the guest's memory a second time */
	__asm__ volatile("" : : : "memory");
	copy.flags = flags;
	return copy;
}

/* Move a position by @n <= size descriptors. */
static __rte_always_inline void vsw_packed_step(const struct vsw_vring *r, uint16_t *at, bool *wrap,
						uint16_t n)
{
	*at += n;
	if (*at >= r->size) {
		*at -= r->size;
		*wrap = !*wrap;
	}
}

static __rte_always_inline uint16_t vsw_packed_used_flags(bool wrap, bool written)
{
	return (uint16_t)((wrap ? VSW_PACKED_AVAIL | VSW_PACKED_USED : 0) |
			  (written ? VRING_DESC_F_WRITE : 0));
}

static __rte_always_inline uint16_t vsw_packed_position(uint16_t at, bool wrap)
{
	return (uint16_t)(at | (wrap ? VSW_PACKED_WRAP : 0));
}

/* Notes are read by another life: the order of their stores is the program's, the processor keeps it for itself. */
#define vsw_note_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/*
 * Give a buffer of @n_desc descriptors back. The guest sees none of a burst before the first of it, which
 * vsw_packed_publish() writes: one line changes hands once.
 */
static __rte_always_inline void vsw_packed_used_put(struct vsw_vring *r, uint16_t id, uint32_t len,
						    uint16_t n_desc, bool written)
{
	struct vring_packed_desc *d = &r->pdesc[r->last_used];
	uint16_t flags = vsw_packed_used_flags(r->used_wrap, written);
	struct vsw_vring_note *note = r->note;

	__atomic_store_n(&note->entry,
			 vsw_packed_position(r->last_used, r->used_wrap) | (uint64_t)id << 16 |
				 (uint64_t)len << 32,
			 __ATOMIC_RELAXED);
	vsw_packed_step(r, &r->last_used, &r->used_wrap, n_desc);
	vsw_note_order();
	note->next = vsw_packed_position(r->last_used, r->used_wrap);
	vsw_note_order();
	d->len = len;
	d->id = id;
	if (!r->held) {
		r->held = d;
		r->held_flags = flags;
	} else {
		__atomic_store_n(&d->flags, flags, __ATOMIC_RELEASE);
	}
}

int vsw_packed_init(struct vsw_vring *r, uint16_t last_avail, uint16_t last_used);
bool vsw_packed_notify(struct vsw_vring *r, bool on);
void vsw_packed_publish(struct vsw_vring *r);

/** As vsw_vring_rx_one() and vsw_vring_tx_one(), for the descriptors at last_avail. vsw_packed_rx_one() is called
 *  only when there are some, and consumes them. */
struct rte_mbuf *vsw_packed_rx_one(struct vsw_vring *r);
int vsw_packed_tx_one(struct vsw_vring *r, const struct rte_mbuf *m);
