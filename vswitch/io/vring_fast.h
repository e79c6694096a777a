/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast paths, instantiated once per vector width: the including file defines VRING_TARGET (a
 * function attribute), VRING_CHUNK (bytes a vector copy moves) and vring_copy_chunk().
 *
 * Copies run over whole chunks where the region has room for that, so that a 64-byte frame is one
 * AVX-512 move: reading beyond a buffer stays inside guest memory, writing beyond one stays inside
 * our mbuf. Writing into guest memory is exact.
 */
#include "base/burst.h"
#include "vswitch/io/vring_impl.h"

#include <rte_prefetch.h>

#define BURST_MAX VD_BURST

/* Guest to mbuf. @src has room for whole chunks. */
static inline VRING_TARGET void copy_in(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	for (uint32_t i = 0; i < len; i += VRING_CHUNK)
		vring_copy_chunk(dst + i, src + i);
}

/* Mbuf to guest: no byte beyond @len may change. */
static inline VRING_TARGET void copy_out(uint8_t *dst, const uint8_t *src, uint32_t len)
{
	uint32_t i;

	if (unlikely(len < VRING_CHUNK)) {
		vsw_copy_short(dst, src, len);
		return;
	}
	for (i = 0; i + VRING_CHUNK <= len; i += VRING_CHUNK)
		vring_copy_chunk(dst + i, src + i);
	if (i < len) /* the last chunk overlaps the one before it */
		vring_copy_chunk(dst + len - VRING_CHUNK, src + len - VRING_CHUNK);
}

/* What one head turned out to be. */
struct spot {
	uint8_t *at;  /* host address of the only buffer; NULL: take the slow path */
	uint32_t len; /* bytes of it */
	uint16_t head;
};

/* Both lines of a buffer's start: the network header mostly ends where a cache line does. */
static inline VRING_TARGET void prefetch_spot(const struct vsw_vring *r, const struct spot *s,
					      bool write)
{
	if (write) {
		/* the builtin gives a plain prefetch unless every target has this; all 64-bit
		 * processors accept it, and the peer's copy of the line is gone before we write */
		__asm__ volatile("prefetchw %0" : : "m"(*(volatile char *)s->at));
		__asm__ volatile("prefetchw %0"
				 :
				 : "m"(*(volatile char *)(s->at + 15 + r->hdr_size)));
		return;
	}
	rte_prefetch0(s->at + r->hdr_size);
	if (r->requests)
		rte_prefetch0(s->at);
}

/*
 * Read up to @n heads and the descriptors behind them. A descriptor whose flags under @mask_flags are not
 * @want_flags, that is in no region whole, or that has less than @slack bytes of memory behind it, goes the slow way. Returns how many
 * heads are good; the ring is marked when one is not.
 */
static inline VRING_TARGET uint16_t look(struct vsw_vring *r, struct spot *s, uint16_t n,
					 uint16_t mask_flags, uint16_t want_flags, uint32_t slack)
{
	for (uint16_t i = 0; i < n; i++) {
		s[i].head = __atomic_load_n(&r->avail->ring[(r->last_avail + i) & r->mask],
					    __ATOMIC_RELAXED);
		if (unlikely(s[i].head >= r->size)) {
			r->broken = VSW_VRING_HEAD;
			n = i; /* those before it are good */
			break;
		}
		rte_prefetch0(&r->desc[s[i].head]);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc d = vsw_desc_copy(&r->desc[s[i].head]);
		uint64_t room;

		s[i].at = NULL;
		s[i].len = d.len;
		if (unlikely((d.flags & mask_flags) != want_flags))
			continue;
		s[i].at = vsw_vmem_at(r->mem, d.addr, d.len, &room);
		if (unlikely(!s[i].at))
			continue; /* wrong, or over the border of two regions: the slow path tells */
		if (slack && unlikely(room - d.len < slack)) {
			s[i].at = NULL;
			continue;
		}
		prefetch_spot(r, &s[i], want_flags);
	}
	return n;
}

static VRING_TARGET uint16_t vring_rx(struct vsw_vring *r, struct rte_mbuf **pkts, uint16_t n)
{
	const uint32_t room = RTE_MBUF_DEFAULT_DATAROOM, hdr = r->hdr_size;
	uint16_t waiting = (uint16_t)(vsw_avail_index(r) - r->last_avail), got = 0, good;
	struct rte_mbuf *fresh[BURST_MAX];
	struct spot s[BURST_MAX];

	if (waiting == 0 || unlikely(r->broken))
		return 0;
	if (unlikely(waiting > r->size)) {
		r->broken = VSW_VRING_AVAIL_INDEX;
		return 0;
	}
	n = RTE_MIN(RTE_MIN(n, waiting), BURST_MAX);
	/* no buffers: leave the frames with the guest, who will slow down */
	if (unlikely(rte_pktmbuf_alloc_bulk(r->pool, fresh, n) != 0)) {
		r->no_buffer++;
		return 0;
	}
	good = look(r, s, n, VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 0,
		    VRING_CHUNK);
	for (uint16_t i = 0; i < good; i++) {
		struct rte_mbuf *m = fresh[i];
		uint16_t request = 0;

		if (unlikely(!s[i].at || s[i].len <= hdr || s[i].len - hdr > room)) {
			rte_pktmbuf_free(m);
			fresh[i] = NULL;
			m = vsw_vring_rx_one(r, s[i].head);
			if (m)
				pkts[got++] = m;
			else if (unlikely(r->broken))
				good = i;
			if (i < good)
				vsw_used_put(r, s[i].head, 0);
			continue;
		}
		m->data_len = (uint16_t)(s[i].len - hdr);
		m->pkt_len = s[i].len - hdr;
		copy_in(rte_pktmbuf_mtod(m, uint8_t *), s[i].at + hdr, m->pkt_len);
		if (r->requests) /* else the header stays in the guest's cache */
			memcpy(&request, s[i].at, sizeof(request)); /* flags and gso_type */
		vsw_used_put(r, s[i].head, 0);
		if (unlikely(request)) {
			struct vsw_vnet_hdr h;

			memcpy(&h, s[i].at, sizeof(h));
			if (vsw_offload_from_vnet(m, &h) < 0) {
				r->bad_offload++;
				rte_pktmbuf_free(m);
				continue;
			}
		}
		pkts[got++] = m;
	}
	for (uint16_t k = good; k < n; k++)
		rte_pktmbuf_free(fresh[k]); /* NULL is fine */
	r->last_avail += good;
	vsw_vring_publish(r);
	return got;
}

/* The header of a frame that needs nothing done: the common case is all zeroes. */
static inline VRING_TARGET void put_header(const struct vsw_vring *r, uint8_t *at,
					   const struct rte_mbuf *m)
{
	struct {
		struct vsw_vnet_hdr h;
		uint16_t num_buffers;
	} v = {.num_buffers = 1};

	if (unlikely(m->ol_flags & (VSW_TX_REQUESTS | RTE_MBUF_F_RX_L4_CKSUM_MASK)))
		vsw_offload_to_vnet(m, &v.h);
	if (likely(r->hdr_size == 12))
		memcpy(at, &v, 12);
	else
		memcpy(at, &v, 10);
}

static VRING_TARGET uint16_t vring_tx(struct vsw_vring *r, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t waiting = (uint16_t)(vsw_avail_index(r) - r->last_avail), sent = 0, good;
	const uint32_t hdr = r->hdr_size;
	struct spot s[BURST_MAX];

	if (unlikely(r->broken))
		return 0;
	if (unlikely(waiting > r->size)) {
		r->broken = VSW_VRING_AVAIL_INDEX;
		return 0;
	}
	while (sent < n && waiting) {
		uint16_t batch = RTE_MIN(RTE_MIN((uint16_t)(n - sent), waiting), BURST_MAX), i;

		good = look(r, s, batch,
			    VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE,
			    VRING_DESC_F_WRITE, 0);
		for (i = 0; i < good; i++) {
			const struct rte_mbuf *m = pkts[sent + i];

			if (unlikely(!s[i].at || m->nb_segs != 1 || s[i].len < hdr + m->pkt_len))
				break;
			put_header(r, s[i].at, m);
			copy_out(s[i].at + hdr, rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len);
			vsw_used_put(r, s[i].head, m->pkt_len + hdr);
		}
		r->last_avail += i;
		waiting -= i;
		rte_pktmbuf_free_bulk(pkts + sent, i);
		sent += i;
		if (unlikely(r->broken))
			break;
		if (i < batch) { /* one the slow way, then fast again */
			int taken = vsw_vring_tx_one(r, pkts[sent], waiting);

			if (taken <= 0)
				break;
			rte_pktmbuf_free(pkts[sent++]);
			waiting = (uint16_t)(vsw_avail_index(r) - r->last_avail);
			if (unlikely(waiting > r->size))
				break; /* seen and marked at the next burst */
		}
	}
	vsw_vring_publish(r);
	return sent;
}

/*
 * The packed ring: as many as @n of the available descriptors that stand for themselves, hold between @min and @max
 * bytes and have @slack bytes of memory behind them. @slow: the one behind those is none of this kind.
 */
static inline VRING_TARGET uint16_t look_packed(struct vsw_vring *r, struct spot *s, uint16_t n,
						uint16_t want_flags, uint32_t min, uint32_t max,
						uint32_t slack, bool *slow)
{
	const uint16_t mask_flags = VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE;
	uint16_t at = r->last_avail, i;
	bool wrap = r->avail_wrap;

	*slow = false;
	for (i = 0; i < n; i++) {
		uint16_t flags = vsw_packed_flags(r, at);
		struct vring_packed_desc d;
		uint64_t room = 0;

		if (!vsw_packed_is_avail(flags, wrap))
			return i;
		d = vsw_packed_copy(r, at, flags);
		*slow = (flags & mask_flags) != want_flags || d.len < min || d.len > max;
		if (unlikely(*slow))
			return i;
		s[i].at = vsw_vmem_at(r->mem, d.addr, d.len, &room);
		*slow = !s[i].at || room - d.len < slack;
		if (unlikely(*slow))
			return i; /* which tells whether the address is wrong */
		s[i].len = d.len;
		s[i].head = d.id;
		prefetch_spot(r, &s[i], want_flags);
		vsw_packed_step(r, &at, &wrap, 1);
	}
	return i;
}

/* The request in front of a frame, if the guest may make any. Returns false when it contradicts the frame. */
static inline VRING_TARGET bool take_request(struct vsw_vring *r, const struct spot *s,
					     struct rte_mbuf *m)
{
	struct vsw_vnet_hdr h;

	if (!r->requests)
		return true;
	memcpy(&h, s->at, sizeof(h));
	__asm__ volatile("" : : : "memory");
	if (likely(!h.flags && !h.gso_type))
		return true;
	if (vsw_offload_from_vnet(m, &h) == 0)
		return true;
	r->bad_offload++;
	rte_pktmbuf_free(m);
	return false;
}

static VRING_TARGET uint16_t vring_rx_packed(struct vsw_vring *r, struct rte_mbuf **pkts,
					     uint16_t n)
{
	const uint32_t hdr = r->hdr_size;
	struct rte_mbuf *fresh[BURST_MAX];
	struct spot s[BURST_MAX];
	uint16_t took = 0, got = 0;
	bool slow = true;

	n = RTE_MIN(n, BURST_MAX);
	while (took < n && slow && likely(!r->broken)) {
		uint16_t good = look_packed(r, s, n - took, 0, hdr + 1,
					    hdr + RTE_MBUF_DEFAULT_DATAROOM, VRING_CHUNK, &slow);

		/* no buffers: leave the frames with the guest, who will slow down */
		if (good && unlikely(rte_pktmbuf_alloc_bulk(r->pool, fresh, good) != 0)) {
			r->no_buffer++;
			break;
		}
		for (uint16_t i = 0; i < good; i++) {
			struct rte_mbuf *m = fresh[i];

			m->data_len = (uint16_t)(s[i].len - hdr);
			m->pkt_len = s[i].len - hdr;
			copy_in(rte_pktmbuf_mtod(m, uint8_t *), s[i].at + hdr, m->pkt_len);
			vsw_packed_used_put(r, s[i].head, 0, 1, false);
			if (likely(take_request(r, &s[i], m)))
				pkts[got++] = m;
		}
		vsw_packed_step(r, &r->last_avail, &r->avail_wrap, good);
		took += good;
		if (slow && took < n) {
			struct rte_mbuf *m = vsw_packed_rx_one(r);

			if (m)
				pkts[got++] = m;
			took++;
		}
	}
	vsw_packed_publish(r);
	return got;
}

static VRING_TARGET uint16_t vring_tx_packed(struct vsw_vring *r, struct rte_mbuf **pkts,
					     uint16_t n)
{
	const uint32_t hdr = r->hdr_size;
	struct spot s[BURST_MAX];
	uint16_t sent = 0;

	while (sent < n && likely(!r->broken)) {
		uint16_t batch = RTE_MIN((uint16_t)(n - sent), BURST_MAX), i;
		bool slow;
		uint16_t good =
			look_packed(r, s, batch, VRING_DESC_F_WRITE, 0, UINT32_MAX, 0, &slow);

		for (i = 0; i < good; i++) {
			const struct rte_mbuf *m = pkts[sent + i];

			if (unlikely(m->nb_segs != 1 || s[i].len < hdr + m->pkt_len))
				break;
			put_header(r, s[i].at, m);
			copy_out(s[i].at + hdr, rte_pktmbuf_mtod(m, uint8_t *), m->pkt_len);
			vsw_packed_used_put(r, s[i].head, m->pkt_len + hdr, 1, true);
		}
		vsw_packed_step(r, &r->last_avail, &r->avail_wrap, i);
		rte_pktmbuf_free_bulk(pkts + sent, i);
		sent += i;
		if (i < good || slow) { /* one the slow way, then fast again */
			if (vsw_packed_tx_one(r, pkts[sent]) <= 0)
				break;
			rte_pktmbuf_free(pkts[sent++]);
		} else if (good < batch) {
			break; /* no more buffers */
		}
	}
	vsw_packed_publish(r);
	return sent;
}
