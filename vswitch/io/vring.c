/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The split ring's slow paths: chains, indirect tables, large frames, interrupts. */
#include "vswitch/io/vring_impl.h"

#include <errno.h>
#include <unistd.h>
#include <rte_cpuflags.h>
#include <rte_vect.h>

#include "vswitch/io/io.h"

/* The longest frame taken from a guest: a full IP packet behind a tagged header. */
#define FRAME_MAX (65535 + 18)
/* Pieces one frame may be scattered over; more is a guest that wants to hurt. */
#define PIECES_MAX 1024

struct piece {
	uint8_t *at;
	uint32_t len;
};

struct pieces {
	struct piece p[PIECES_MAX];
	uint32_t n;
	uint64_t bytes;
};

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
	if (r->size == 0 || r->size > VSW_VRING_SIZE_MAX || (r->size & (r->size - 1)) || !r->desc ||
	    !r->avail || !r->used)
		return -EINVAL;
	r->mask = r->size - 1;
	r->last_avail = last_avail;
	r->last_used = last_used;
	r->signalled_valid = false;
	r->broken = VSW_VRING_OK;
	return 0;
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
	uint64_t one = 1;
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
	if (!wanted || r->call_fd < 0)
		return;
	r->interrupts++;
	if (write(r->call_fd, &one, sizeof(one)) < 0)
		return; /* counter full: the guest has an interrupt pending anyway */
}

static int broke(struct vsw_vring *r, enum vsw_vring_broken why)
{
	r->broken = (uint8_t)why;
	return -1;
}

/* One buffer; it may run over the border of two regions that are neighbours for the guest only. */
static int add_buffer(struct vsw_vring *r, const struct vring_desc *d, struct pieces *out)
{
	uint64_t gpa = d->addr, room;
	uint32_t left = d->len;

	if (gpa + left < gpa)
		return broke(r, VSW_VRING_ADDRESS);
	while (left) {
		uint8_t *at = vsw_vmem_at(r->mem, gpa, 1, &room);
		uint32_t len = (uint32_t)RTE_MIN((uint64_t)left, room);

		if (!at)
			return broke(r, VSW_VRING_ADDRESS);
		if (out->n == PIECES_MAX)
			return broke(r, VSW_VRING_CHAIN);
		out->p[out->n].at = at;
		out->p[out->n++].len = len;
		out->bytes += len;
		gpa += len;
		left -= len;
	}
	return 0;
}

/* Walk a table of @n descriptors from @i on. */
static int walk(struct vsw_vring *r, const struct vring_desc *table, uint32_t n, uint32_t i,
		uint16_t want, bool indirect, struct pieces *out);

static int walk_indirect(struct vsw_vring *r, const struct vring_desc *d, uint16_t want,
			 struct pieces *out)
{
	uint64_t room;
	const uint8_t *table;

	if (d->len == 0 || d->len % sizeof(struct vring_desc) ||
	    d->len / sizeof(struct vring_desc) > VSW_VRING_SIZE_MAX)
		return broke(r, VSW_VRING_INDIRECT);
	table = vsw_vmem_at(r->mem, d->addr, d->len, &room);
	if (!table)
		return broke(r, VSW_VRING_ADDRESS);
	return walk(r, (const struct vring_desc *)(const void *)table,
		    d->len / (uint32_t)sizeof(struct vring_desc), 0, want, true, out);
}

static int walk(struct vsw_vring *r, const struct vring_desc *table, uint32_t n, uint32_t i,
		uint16_t want, bool indirect, struct pieces *out)
{
	for (uint32_t steps = 0; steps < n; steps++) {
		struct vring_desc d;

		if (i >= n)
			return broke(r, VSW_VRING_CHAIN);
		d = vsw_desc_copy(&table[i]);
		if (d.flags & VRING_DESC_F_INDIRECT) {
			if (indirect || d.flags & VRING_DESC_F_NEXT)
				return broke(r, VSW_VRING_INDIRECT);
			return walk_indirect(r, &d, want, out);
		}
		if ((d.flags & VRING_DESC_F_WRITE) != want)
			return broke(r, VSW_VRING_DIRECTION);
		if (add_buffer(r, &d, out) < 0)
			return -1;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return 0;
		i = d.next;
	}
	return broke(r, VSW_VRING_CHAIN);
}

/* A place in the pieces. */
struct cursor {
	struct pieces *s;
	uint32_t i, off;
};

static void gather(struct cursor *c, void *dst, uint32_t len)
{
	uint8_t *d = dst;

	while (len) {
		struct piece *p = &c->s->p[c->i];
		uint32_t n = RTE_MIN(len, p->len - c->off);

		memcpy(d, p->at + c->off, n);
		d += n;
		len -= n;
		c->off += n;
		if (c->off == p->len) {
			c->i++;
			c->off = 0;
		}
	}
}

static void scatter(struct cursor *c, const void *src, uint32_t len)
{
	const uint8_t *s = src;

	while (len) {
		struct piece *p = &c->s->p[c->i];
		uint32_t n = RTE_MIN(len, p->len - c->off);

		memcpy(p->at + c->off, s, n);
		s += n;
		len -= n;
		c->off += n;
		if (c->off == p->len) {
			c->i++;
			c->off = 0;
		}
	}
}

/* A small buffer first, so that headers are where everybody looks; then large ones, then small ones
 * when those are short. */
static struct rte_mbuf *read_frame(struct vsw_vring *r, struct cursor *c, uint32_t left)
{
	struct rte_mbuf *head = rte_pktmbuf_alloc(r->pool), *last = head;

	if (!head)
		return NULL;
	for (struct rte_mbuf *m = head; left;) {
		uint32_t n = RTE_MIN(left, (uint32_t)rte_pktmbuf_tailroom(m));

		gather(c, rte_pktmbuf_mtod(m, void *), n);
		m->data_len = (uint16_t)n;
		head->pkt_len += n;
		left -= n;
		if (!left)
			break;
		m = left > RTE_MBUF_DEFAULT_DATAROOM ? rte_pktmbuf_alloc(r->big_pool) : NULL;
		if (!m)
			m = rte_pktmbuf_alloc(r->pool);
		if (!m) {
			rte_pktmbuf_free(head);
			return NULL;
		}
		last->next = m;
		last = m;
		head->nb_segs++;
	}
	return head;
}

struct rte_mbuf *vsw_vring_rx_one(struct vsw_vring *r, uint16_t head)
{
	struct pieces s = {.n = 0};
	struct cursor c = {.s = &s};
	struct vsw_vnet_hdr h;
	struct rte_mbuf *m;

	if (walk(r, r->desc, r->size, head, 0, false, &s) < 0)
		return NULL;
	if (s.bytes < r->hdr_size) {
		broke(r, VSW_VRING_HEADER);
		return NULL;
	}
	if (s.bytes == r->hdr_size || s.bytes - r->hdr_size > FRAME_MAX) {
		r->bad_offload++;
		return NULL;
	}
	gather(&c, &h, sizeof(h));
	if (r->hdr_size > sizeof(h)) {
		uint8_t num_buffers[2];

		gather(&c, num_buffers, r->hdr_size - (uint32_t)sizeof(h));
	}
	m = read_frame(r, &c, (uint32_t)s.bytes - r->hdr_size);
	if (!m) {
		r->no_buffer++;
		return NULL;
	}
	if ((h.flags || h.gso_type) && vsw_offload_from_vnet(m, &h) < 0) {
		r->bad_offload++;
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}

int vsw_vring_tx_one(struct vsw_vring *r, const struct rte_mbuf *m, uint16_t avail)
{
	struct {
		struct vsw_vnet_hdr h;
		uint16_t num_buffers;
	} v = {.num_buffers = 0};
	const uint64_t need = (uint64_t)r->hdr_size + m->pkt_len;
	struct pieces s = {.n = 0};
	struct cursor c = {.s = &s};
	uint64_t before[64], left = need; /* bytes that the heads up to each one hold */
	uint16_t heads[64];

	/* plan: as many heads as the frame needs, and no other than the ones copied here */
	do {
		uint16_t k = v.num_buffers;

		if (k == RTE_DIM(heads) || (k == 1 && !r->mergeable))
			goto too_big;
		if (k == avail)
			return 0;
		heads[k] = __atomic_load_n(&r->avail->ring[(r->last_avail + k) & r->mask],
					   __ATOMIC_RELAXED);
		if (heads[k] >= r->size)
			return broke(r, VSW_VRING_HEAD);
		before[k] = s.bytes;
		if (walk(r, r->desc, r->size, heads[k], VRING_DESC_F_WRITE, false, &s) < 0)
			return -1;
		v.num_buffers++;
	} while (s.bytes < need);
	if (v.num_buffers > 1 ? before[1] < r->hdr_size : s.bytes < r->hdr_size)
		return broke(r, VSW_VRING_HEADER);
	vsw_offload_to_vnet(m, &v.h);
	scatter(&c, &v, r->hdr_size);
	for (const struct rte_mbuf *seg = m; seg; seg = seg->next)
		scatter(&c, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
	for (uint16_t k = 0; k < v.num_buffers; k++) {
		uint64_t cap = (k + 1 < v.num_buffers ? before[k + 1] : s.bytes) - before[k];
		uint64_t used = RTE_MIN(cap, left);

		vsw_used_put(r, heads[k], (uint32_t)used);
		left -= used;
	}
	r->last_avail += v.num_buffers;
	return 1;
too_big:
	/* refused for itself: taken and counted, no buffer used */
	r->too_big++;
	return 1;
}
