/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames in and out of scattered guest memory, whatever the ring's layout. */
#include "vswitch/io/vring_impl.h"

/* The longest frame taken from a guest: a full IP packet behind a tagged header. */
#define FRAME_MAX (65535 + 18)

int vsw_vring_broke(struct vsw_vring *r, enum vsw_vring_broken why)
{
	r->broken = (uint8_t)why;
	return -1;
}

int vsw_pieces_add(struct vsw_vring *r, uint64_t gpa, uint32_t left, struct vsw_pieces *out)
{
	uint64_t room;

	if (gpa + left < gpa)
		return vsw_vring_broke(r, VSW_VRING_ADDRESS);
	while (left) {
		uint8_t *at = vsw_vmem_at(r->mem, gpa, 1, &room);
		uint32_t len = (uint32_t)RTE_MIN((uint64_t)left, room);

		if (!at)
			return vsw_vring_broke(r, VSW_VRING_ADDRESS);
		if (out->n == VSW_PIECES_MAX)
			return vsw_vring_broke(r, VSW_VRING_CHAIN);
		out->p[out->n].at = at;
		out->p[out->n++].len = len;
		out->bytes += len;
		gpa += len;
		left -= len;
	}
	return 0;
}

/* A place in the pieces. */
struct cursor {
	struct vsw_pieces *s;
	uint32_t i, off;
};

static void gather(struct cursor *c, void *dst, uint32_t len)
{
	uint8_t *d = dst;

	while (len) {
		struct vsw_piece *p = &c->s->p[c->i];
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
		struct vsw_piece *p = &c->s->p[c->i];
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

struct rte_mbuf *vsw_pieces_to_frame(struct vsw_vring *r, struct vsw_pieces *s)
{
	struct cursor c = {.s = s};
	struct vsw_vnet_hdr h;
	struct rte_mbuf *m;

	if (s->bytes < r->hdr_size) {
		vsw_vring_broke(r, VSW_VRING_HEADER);
		return NULL;
	}
	if (s->bytes == r->hdr_size || s->bytes - r->hdr_size > FRAME_MAX) {
		r->bad_offload++;
		return NULL;
	}
	gather(&c, &h, sizeof(h));
	if (r->hdr_size > sizeof(h)) {
		uint8_t num_buffers[2];

		gather(&c, num_buffers, r->hdr_size - (uint32_t)sizeof(h));
	}
	m = read_frame(r, &c, (uint32_t)s->bytes - r->hdr_size);
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

void vsw_frame_to_pieces(const struct vsw_vring *r, const struct rte_mbuf *m, uint16_t num_buffers,
			 struct vsw_pieces *s)
{
	struct {
		struct vsw_vnet_hdr h;
		uint16_t num_buffers;
	} v = {.num_buffers = num_buffers};
	struct cursor c = {.s = s};

	vsw_offload_to_vnet(m, &v.h);
	scatter(&c, &v, r->hdr_size);
	for (const struct rte_mbuf *seg = m; seg; seg = seg->next)
		scatter(&c, rte_pktmbuf_mtod(seg, const void *), seg->data_len);
}
