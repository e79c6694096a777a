/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a kernel interface's frame of unknown size is read to: virtio-net header, a 2 KiB buffer that
 * holds any ordinary frame, and behind it room for the rest of a super-frame: a big buffer when the
 * caller expects one (no copy), else plain memory from where it is copied into a chain of small buffers.
 * So nothing is ever truncated, and an idle port holds no big buffer.
 *
 * Shared by tap.c and packet.c. Thread-safety: one rx worker per slot.
 */
#pragma once

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "vswitch/datapath/offload.h"
#include "vswitch/io/io.h"

struct vsw_rxslot {
	struct vsw_vnet_hdr hdr;
	struct rte_mbuf *small;
	struct rte_mbuf *big;
	uint8_t *spill; /* VSW_IO_BIG_ROOM bytes; not resident until used */
};

static inline int vsw_rxslot_init(struct vsw_rxslot *s)
{
	s->spill = malloc(VSW_IO_BIG_ROOM);
	return s->spill ? 0 : -ENOMEM;
}

static inline void vsw_rxslot_done(struct vsw_rxslot *s)
{
	rte_pktmbuf_free(s->small);
	rte_pktmbuf_free(s->big);
	free(s->spill);
	memset(s, 0, sizeof(*s));
}

/** Ready for a read of [header][frame] into @iov. Return: false when no buffer is free. */
static inline bool vsw_rxslot_arm(struct vsw_rxslot *s, const struct vsw_io_env *env, bool want_big,
				  struct iovec iov[3])
{
	if (!s->small) {
		s->small = rte_pktmbuf_alloc(env->pool);
		if (unlikely(!s->small))
			return false;
	}
	if (want_big && !s->big)
		s->big = rte_pktmbuf_alloc(env->big_pool);
	iov[0] = (struct iovec){&s->hdr, sizeof(s->hdr)};
	iov[1] = (struct iovec){rte_pktmbuf_mtod(s->small, void *), rte_pktmbuf_tailroom(s->small)};
	if (s->big)
		iov[2] = (struct iovec){rte_pktmbuf_mtod(s->big, void *),
					rte_pktmbuf_tailroom(s->big)};
	else
		iov[2] = (struct iovec){s->spill, VSW_IO_BIG_ROOM};
	return true;
}

/** Give back the big buffer of an idle slot. */
static inline void vsw_rxslot_relax(struct vsw_rxslot *s)
{
	if (s->big) {
		rte_pktmbuf_free(s->big);
		s->big = NULL;
	}
}

/** Append @size bytes of memory to @head, in as many buffers as it takes. */
static inline int vsw_rxslot_unspill(struct rte_mbuf *head, struct rte_mempool *pool,
				     const uint8_t *data, uint32_t size)
{
	struct rte_mbuf *tail = head;

	while (size) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
		uint16_t n;

		if (!m)
			return -ENOMEM;
		n = (uint16_t)RTE_MIN(size, (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_mtod(m, void *), data, n);
		m->data_len = n;
		tail->next = m;
		tail = m;
		head->nb_segs++;
		head->pkt_len += n;
		data += n;
		size -= n;
	}
	return 0;
}

/** The @size bytes (without the header) that were read, as a frame; the slot is empty then. NULL when memory
 *  ran out: the frame is lost. */
static inline struct rte_mbuf *vsw_rxslot_take(struct vsw_rxslot *s, const struct vsw_io_env *env,
					       uint32_t size)
{
	struct rte_mbuf *m = s->small;
	uint32_t room = rte_pktmbuf_tailroom(m);

	s->small = NULL;
	m->data_len = m->pkt_len = RTE_MIN(size, room);
	if (likely(size <= room))
		return m;
	if (s->big) {
		m->next = s->big;
		m->nb_segs = 2;
		m->pkt_len = size;
		s->big->data_len = (uint16_t)(size - room);
		s->big = NULL;
		return m;
	}
	if (vsw_rxslot_unspill(m, env->pool, s->spill, size - room) < 0) {
		rte_pktmbuf_free(m);
		return NULL;
	}
	return m;
}
