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

/** One frame the fast path could not take: chains, indirect tables, large frames. Consumes the next
 *  head. Return: the frame, or NULL (lost, or the ring is broken now). */
struct rte_mbuf *vsw_vring_rx_one(struct vsw_vring *r, uint16_t head);

/** Give one frame through chains or several buffers. Return: 1 taken (heads consumed; the mbuf is still
 *  the caller's to free), 0 not enough buffers yet, -1 the ring is broken now. */
int vsw_vring_tx_one(struct vsw_vring *r, const struct rte_mbuf *m, uint16_t avail);

/** Publish used entries and interrupt the guest if it wants that. */
void vsw_vring_publish(struct vsw_vring *r);
