/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queues, their turns, and the bucket they share. */
#include "vswitch/policy/shape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <rte_common.h>

#include "vswitch/datapath/frame.h"
#include "vswitch/model/model.h"

/* In its turn the smallest share may send this much; a super-frame waits for some turns. */
#define QUANTUM_MIN 2048u
#define QUANTUM_MAX (1u << 20)

static void free_queues(struct vsw_shape_queue **q, uint32_t n)
{
	for (uint32_t i = 0; q && i < n; i++)
		free(q[i]);
	free(q);
}

struct vsw_shaper *vsw_shaper_create(void)
{
	struct vsw_shaper *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	rte_spinlock_init(&s->lock);
	s->limit = VSW_SHAPE_BYTES_MIN;
	s->queues = calloc(1, sizeof(*s->queues));
	if (s->queues)
		s->queues[0] = calloc(1, sizeof(**s->queues));
	if (!s->queues || !s->queues[0]) {
		free(s->queues);
		free(s);
		return NULL;
	}
	s->n_queues = 1;
	s->queues[0]->quantum = QUANTUM_MAX;
	return s;
}

void vsw_shaper_destroy(struct vsw_shaper *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_queues; i++) {
		struct vsw_shape_queue *q = s->queues[i];

		for (uint32_t k = 0; k < q->n; k++)
			rte_pktmbuf_free(q->slot[(q->head + k) % VSW_SHAPE_SLOTS].m);
	}
	free_queues(s->queues, s->n_queues);
	free(s->queue_of);
	free(s);
}

uint32_t vsw_shape_size(const struct rte_mbuf *m)
{
	uint32_t head = m->l2_len + m->l3_len + m->l4_len, size = m->pkt_len, segments;

	if (m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG) && m->tso_segsz &&
	    size > head) {
		segments = (size - head + m->tso_segsz - 1) / m->tso_segsz;
		return size - VSW_ETH_SIZE + (segments - 1) * (head - VSW_ETH_SIZE);
	}
	return size - RTE_MIN(size, (uint32_t)VSW_ETH_SIZE);
}

/* ---- configuration ---- */

static uint32_t quantum_of(uint64_t weight, uint64_t least)
{
	uint64_t q =
		weight >= UINT64_MAX / QUANTUM_MIN ? QUANTUM_MAX : weight * QUANTUM_MIN / least;

	return (uint32_t)RTE_MIN(q, (uint64_t)QUANTUM_MAX);
}

/* Queues for @conf, and who is in which. */
static int make_queues(const struct vsw_shape_conf *conf, struct vsw_shape_queue ***queues,
		       uint16_t **queue_of)
{
	uint64_t least = conf->default_weight;
	struct vsw_shape_queue **q = calloc(conf->n_shares + 1u, sizeof(*q));
	uint16_t *of = conf->n_shares ? calloc(VSW_PORTS_MAX, sizeof(*of)) : NULL;
	bool good = q && (of || !conf->n_shares);

	for (unsigned int i = 0; i < conf->n_shares; i++)
		least = RTE_MIN(least, conf->shares[i].weight);
	for (unsigned int i = 0; good && i <= conf->n_shares; i++) {
		q[i] = calloc(1, sizeof(**q));
		good = q[i] != NULL;
		if (!good)
			break;
		q[i]->quantum =
			quantum_of(i ? conf->shares[i - 1].weight : conf->default_weight, least);
		if (i)
			of[conf->shares[i - 1].port] = (uint16_t)i;
	}
	if (!good) {
		free_queues(q, conf->n_shares + 1);
		free(of);
		return -ENOMEM;
	}
	*queues = q;
	*queue_of = of;
	return 0;
}

static struct vsw_shape_queue *queue_for(struct vsw_shaper *s, const struct rte_mbuf *m)
{
	return s->queues[s->queue_of && m->port < VSW_PORTS_MAX ? s->queue_of[m->port] : 0];
}

static void put(struct vsw_shape_queue *q, const struct vsw_shape_slot *slot)
{
	q->slot[(q->head + q->n++) % VSW_SHAPE_SLOTS] = *slot;
	q->bytes += vsw_shape_size(slot->m);
}

static struct vsw_shape_slot *get(struct vsw_shape_queue *q, uint32_t size)
{
	q->n--;
	q->bytes -= size;
	return &q->slot[q->head++ % VSW_SHAPE_SLOTS];
}

/* Under the lock: what waits in the old queues goes to the new ones; what has no room there is lost. */
static void rehouse(struct vsw_shaper *s, struct vsw_shape_queue **old, uint32_t n_old)
{
	for (uint32_t i = 0; i < n_old; i++)
		while (old[i]->n) {
			const struct vsw_shape_slot *slot =
				&old[i]->slot[old[i]->head++ % VSW_SHAPE_SLOTS];
			struct vsw_shape_queue *q = queue_for(s, slot->m);

			old[i]->n--;
			if (q->n < VSW_SHAPE_SLOTS) {
				put(q, slot);
			} else {
				s->n--;
				rte_pktmbuf_free(slot->m);
			}
		}
}

int vsw_shaper_configure(struct vsw_shaper *s, const struct vsw_shape_conf *conf)
{
	struct vsw_shape_queue **queues, **old;
	uint16_t *queue_of, *old_of;
	uint64_t limit = conf->bps / 8 / 1000 * VSW_SHAPE_DELAY_MS;
	uint32_t n_old;
	int r = make_queues(conf, &queues, &queue_of);

	if (r < 0)
		return r;
	rte_spinlock_lock(&s->lock);
	vsw_bucket_set(&s->bucket, conf->bps, conf->burst_bytes, conf->hz);
	limit = RTE_MAX(limit, (uint64_t)VSW_SHAPE_BYTES_MIN);
	s->limit = (uint32_t)RTE_MIN(limit, (uint64_t)VSW_SHAPE_BYTES_MAX);
	old = s->queues;
	n_old = s->n_queues;
	old_of = s->queue_of;
	s->queues = queues;
	s->n_queues = conf->n_shares + 1;
	s->queue_of = queue_of;
	s->turn = 0;
	rehouse(s, old, n_old);
	rte_spinlock_unlock(&s->lock);
	free_queues(old, n_old);
	free(old_of);
	return 0;
}

/* ---- the packet path ---- */

uint16_t vsw_shaper_add(struct vsw_shaper *s, struct rte_mbuf **m,
			const struct vsw_shape_stamp *stamp, uint16_t n, bool *mine)
{
	uint16_t lost = 0;

	rte_spinlock_lock(&s->lock);
	for (uint16_t i = 0; i < n; i++) {
		struct vsw_shape_queue *q = queue_for(s, m[i]);

		if (q->n == VSW_SHAPE_SLOTS || q->bytes >= s->limit) {
			m[lost++] = m[i];
		} else {
			put(q, &(struct vsw_shape_slot){m[i], stamp[i]});
			s->n++;
		}
	}
	*mine = s->n && !s->owned;
	s->owned |= *mine;
	rte_spinlock_unlock(&s->lock);
	return lost;
}

static void next_turn(struct vsw_shaper *s)
{
	s->turn = s->turn + 1 < s->n_queues ? s->turn + 1 : 0;
	s->queues[s->turn]->deficit += s->queues[s->turn]->quantum;
}

/* The next frame by turns; some queue has one. */
static struct vsw_shape_slot *next(struct vsw_shaper *s, uint32_t *size,
				   struct vsw_shape_queue **from)
{
	for (;;) {
		struct vsw_shape_queue *q = s->queues[s->turn];

		*from = q;
		if (!q->n) {
			q->deficit = 0; /* who has nothing to send saves nothing up */
		} else {
			*size = vsw_shape_size(q->slot[q->head % VSW_SHAPE_SLOTS].m);
			if (s->n_queues == 1)
				return get(q, *size);
			if (q->deficit >= *size) {
				q->deficit -= *size;
				return get(q, *size);
			}
		}
		next_turn(s);
	}
}

uint16_t vsw_shaper_take(struct vsw_shaper *s, struct rte_mbuf **m, struct vsw_shape_stamp *stamp,
			 uint16_t n, uint64_t now, uint64_t *due, bool *mine)
{
	struct vsw_shape_queue *from;
	uint16_t k = 0;
	uint32_t size;

	rte_spinlock_lock(&s->lock);
	*due = now;
	while (k < n && s->n && vsw_bucket_open(&s->bucket, now)) {
		const struct vsw_shape_slot *slot = next(s, &size, &from);

		s->n--;
		m[k] = slot->m;
		stamp[k++] = slot->stamp;
		if (slot->stamp.to == VSW_SHAPE_CONDEMNED)
			continue;
		vsw_bucket_take(&s->bucket, size);
		vsw_rate_add(&from->rate, size, now, s->bucket.hz);
	}
	if (!s->n && k == 0) {
		/* only when the last frames were sent may another worker send */
		s->owned = *mine = false;
	} else if (s->n && !vsw_bucket_open(&s->bucket, now)) {
		*due = now + vsw_bucket_wait(&s->bucket);
	}
	rte_spinlock_unlock(&s->lock);
	return k;
}

void vsw_shaper_condemn(struct vsw_shaper *s)
{
	rte_spinlock_lock(&s->lock);
	for (uint32_t i = 0; i < s->n_queues; i++) {
		struct vsw_shape_queue *q = s->queues[i];

		for (uint32_t k = 0; k < q->n; k++)
			q->slot[(q->head + k) % VSW_SHAPE_SLOTS].stamp.to = VSW_SHAPE_CONDEMNED;
	}
	rte_spinlock_unlock(&s->lock);
}

void vsw_shaper_disown(struct vsw_shaper *s)
{
	rte_spinlock_lock(&s->lock);
	s->owned = false;
	rte_spinlock_unlock(&s->lock);
}

/* ---- looking ---- */

static void look(const struct vsw_shaper *s, const struct vsw_shape_queue *q, uint64_t now,
		 struct vsw_shape_view *ret)
{
	ret->n += q->n;
	ret->bytes += q->bytes;
	if (s->bucket.hz)
		ret->bps += vsw_rate_bps(&q->rate, now, s->bucket.hz);
}

void vsw_shaper_look(struct vsw_shaper *s, uint64_t now, struct vsw_shape_view *ret)
{
	memset(ret, 0, sizeof(*ret));
	rte_spinlock_lock(&s->lock);
	ret->limit_bytes = s->limit;
	ret->n_queues = s->n_queues;
	for (uint32_t i = 0; i < s->n_queues; i++)
		look(s, s->queues[i], now, ret);
	vsw_bucket_open(&s->bucket, now);
	ret->tokens_bytes = s->bucket.hz ? s->bucket.level / (int64_t)s->bucket.hz : 0;
	rte_spinlock_unlock(&s->lock);
}

bool vsw_shaper_look_at(struct vsw_shaper *s, uint16_t port, uint64_t now,
			struct vsw_shape_view *ret)
{
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	rte_spinlock_lock(&s->lock);
	i = s->queue_of && port < VSW_PORTS_MAX ? s->queue_of[port] : 0;
	ret->limit_bytes = s->limit;
	look(s, s->queues[i], now, ret);
	rte_spinlock_unlock(&s->lock);
	return i || port == VSW_PORT_INDEX_NONE;
}
