/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The split ring's slow paths: chains, indirect tables, interrupts. */
#include "vswitch/io/vring_impl.h"

#include <errno.h>
#include <unistd.h>
#include <rte_cpuflags.h>
#include <rte_vect.h>

#include "vswitch/io/io.h"

static const char *const broken_text[] = {
	[VSW_VRING_OK] = "ok",
	[VSW_VRING_AVAIL_INDEX] = "the guest's available index is beyond the ring",
	[VSW_VRING_HEAD] = "the guest offered a descriptor beyond the ring",
	[VSW_VRING_CHAIN] = "a descriptor chain leaves its table or loops",
	[VSW_VRING_ADDRESS] = "a buffer lies outside the guest's memory",
	[VSW_VRING_DIRECTION] = "a buffer has the wrong direction",
	[VSW_VRING_INDIRECT] = "an indirect descriptor table is malformed",
	[VSW_VRING_HEADER] = "a buffer has no room for the virtio-net header",
};

const char *vsw_vring_broken_text(enum vsw_vring_broken why)
{
	return (size_t)why < RTE_DIM(broken_text) ? broken_text[why] : "unknown";
}

const struct vsw_vring_ops *vsw_vring_best(void)
{
	uint16_t bits = rte_vect_get_max_simd_bitwidth();

	if (bits >= 512 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512F) > 0 &&
	    rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512BW) > 0 &&
	    rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0)
		return &vsw_vring_avx512;
	if (bits >= 256 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return &vsw_vring_avx2;
	return &vsw_vring_sse;
}

int vsw_vring_init(struct vsw_vring *r, uint16_t last_avail, uint16_t last_used)
{
	if (r->size == 0 || r->size > VSW_VRING_SIZE_MAX || !r->desc || !r->avail || !r->used)
		return -EINVAL;
	r->signalled_valid = false;
	r->broken = VSW_VRING_OK;
	if (r->packed)
		return vsw_packed_init(r, last_avail, last_used);
	if (r->size & (r->size - 1))
		return -EINVAL;
	r->mask = r->size - 1;
	r->last_avail = last_avail;
	r->last_used = last_used;
	return 0;
}

void vsw_vring_base(const struct vsw_vring *r, uint16_t *ret_avail, uint16_t *ret_used)
{
	*ret_avail = r->last_avail | (r->packed && r->avail_wrap ? VSW_PACKED_WRAP : 0);
	*ret_used = r->last_used | (r->packed && r->used_wrap ? VSW_PACKED_WRAP : 0);
}

/* Where the guest says which avail index should make it kick, and we say which used index should make us
 * interrupt: the last words of the two rings (virtio 1.2, 2.7.10). */
static uint16_t *avail_event(struct vsw_vring *r)
{
	return (uint16_t *)(void *)&r->used->ring[r->size];
}

static uint16_t used_event(const struct vsw_vring *r)
{
	return __atomic_load_n(&r->avail->ring[r->size], __ATOMIC_RELAXED);
}

bool vsw_vring_notify(struct vsw_vring *r, bool on)
{
	if (r->packed)
		return vsw_packed_notify(r, on);
	if (r->event_idx) {
		/* an index in the past never comes again within 32767 buffers; ours moves on by then */
		__atomic_store_n(avail_event(r), on ? r->last_avail : r->last_avail - 1,
				 __ATOMIC_RELAXED);
	} else {
		__atomic_store_n(&r->used->flags, on ? 0 : VRING_USED_F_NO_NOTIFY,
				 __ATOMIC_RELAXED);
	}
	if (!on)
		return false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vsw_avail_index(r) != r->last_avail;
}

void vsw_vring_publish(struct vsw_vring *r)
{
	uint16_t old = r->signalled, now = r->last_used;
	bool wanted;

	if (__atomic_load_n(&r->used->idx, __ATOMIC_RELAXED) == now)
		return;
	__atomic_store_n(&r->used->idx, now, __ATOMIC_RELEASE);
	/* the guest writes its wish, then looks at idx; we write idx, then look at its wish */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (r->event_idx) {
		wanted = !r->signalled_valid ||
			 (uint16_t)(now - used_event(r) - 1) < (uint16_t)(now - old);
		r->signalled_valid = true;
	} else {
		wanted = !(__atomic_load_n(&r->avail->flags, __ATOMIC_RELAXED) &
			   VRING_AVAIL_F_NO_INTERRUPT);
	}
	r->signalled = now;
	if (wanted)
		vsw_vring_interrupt(r);
}

void vsw_vring_interrupt(struct vsw_vring *r)
{
	uint64_t one = 1;

	if (r->call_fd < 0)
		return;
	r->interrupts++;
	if (write(r->call_fd, &one, sizeof(one)) < 0)
		return; /* counter full: the guest has an interrupt pending anyway */
}

/* Walk a table of @n descriptors from @i on. */
static int walk(struct vsw_vring *r, const struct vring_desc *table, uint32_t n, uint32_t i,
		uint16_t want, bool indirect, struct vsw_pieces *out);

static int walk_indirect(struct vsw_vring *r, const struct vring_desc *d, uint16_t want,
			 struct vsw_pieces *out)
{
	uint64_t room;
	const uint8_t *table;

	if (d->len == 0 || d->len % sizeof(struct vring_desc) ||
	    d->len / sizeof(struct vring_desc) > VSW_VRING_SIZE_MAX)
		return vsw_vring_broke(r, VSW_VRING_INDIRECT);
	table = vsw_vmem_at(r->mem, d->addr, d->len, &room);
	if (!table)
		return vsw_vring_broke(r, VSW_VRING_ADDRESS);
	return walk(r, (const struct vring_desc *)(const void *)table,
		    d->len / (uint32_t)sizeof(struct vring_desc), 0, want, true, out);
}

static int walk(struct vsw_vring *r, const struct vring_desc *table, uint32_t n, uint32_t i,
		uint16_t want, bool indirect, struct vsw_pieces *out)
{
	for (uint32_t steps = 0; steps < n; steps++) {
		struct vring_desc d;

		if (i >= n)
			return vsw_vring_broke(r, VSW_VRING_CHAIN);
		d = vsw_desc_copy(&table[i]);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (indirect || d.flags & VRING_DESC_F_NEXT)
				return vsw_vring_broke(r, VSW_VRING_INDIRECT);
			return walk_indirect(r, &d, want, out);
		}
		if ((d.flags & VRING_DESC_F_WRITE) != want)
			return vsw_vring_broke(r, VSW_VRING_DIRECTION);
		if (vsw_pieces_add(r, d.addr, d.len, out) < 0)
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return vsw_vring_broke(r, VSW_VRING_CHAIN);
}

struct rte_mbuf *vsw_vring_rx_one(struct vsw_vring *r, uint16_t head)
{
	struct vsw_pieces s = {.n = 0};

	if (walk(r, r->desc, r->size, head, 0, false, &s) < 0)
		return NULL;
	return vsw_pieces_to_frame(r, &s);
}

int vsw_vring_tx_one(struct vsw_vring *r, const struct rte_mbuf *m, uint16_t avail)
{
	const uint64_t need = (uint64_t)r->hdr_size + m->pkt_len;
	struct vsw_pieces s = {.n = 0};
	uint64_t before[VSW_VRING_HEADS_MAX],
		left = need; /* bytes that the heads up to each one hold */
	uint16_t heads[VSW_VRING_HEADS_MAX], n = 0;

	/* plan: as many heads as the frame needs, and no other than the ones copied here */
	do {
		if (n == VSW_VRING_HEADS_MAX || (n == 1 && !r->mergeable)) {
			/* refused for itself: taken and counted, no buffer used */
			r->too_big++;
			return 1;
		}
		if (n == avail)
			return 0;
		heads[n] = __atomic_load_n(&r->avail->ring[(r->last_avail + n) & r->mask],
					   __ATOMIC_RELAXED);
		if (heads[n] >= r->size)
			return vsw_vring_broke(r, VSW_VRING_HEAD);
		before[n] = s.bytes;
		if (walk(r, r->desc, r->size, heads[n], VRING_DESC_F_WRITE, false, &s) < 0)
			return -1;
		n++;
	} while (s.bytes < need);
	if (n > 1 ? before[1] < r->hdr_size : s.bytes < r->hdr_size)
		return vsw_vring_broke(r, VSW_VRING_HEADER);
	vsw_frame_to_pieces(r, m, n, &s);
	for (uint16_t k = 0; k < n; k++) {
		uint64_t cap = (k + 1 < n ? before[k + 1] : s.bytes) - before[k];
		uint64_t used = RTE_MIN(cap, left);

		vsw_used_put(r, heads[k], (uint32_t)used);
		left -= used;
	}
	r->last_avail += n;
	return 1;
}
