/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A property: whatever is in a ring, every vector width does to it what the scalar code does that takes one
 * frame at a time: the same frames, the same bytes in the guest's memory, the same counters.
 *
 * Each round puts random descriptors, frames and settings into one guest's memory and copies it for each way.
 */
#include "tests/unit/tap.h"

#include <string.h>
#include <rte_cpuflags.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/io/vring_impl.h"

#define RING   64
#define GPA    0x100000u
#define MEMORY (192u << 10)
#define TABLES 16384 /* indirect tables begin here, buffers behind them */
#define ROOM   32768
#define ROUNDS 3000
#define FRAMES 64

struct way {
	const char *name;
	vsw_vring_rx_fn rx[2]; /* split, packed */
	vsw_vring_tx_fn tx[2];
	struct vsw_vmem vmem;
	struct vsw_vring r;
	uint8_t *memory;
	struct rte_mbuf *m[FRAMES];
	uint16_t n;
};

static struct way ways[4];
static unsigned int n_ways;
static struct rte_mempool *pool, *big_pool;
static uint64_t rnd_state = 42;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(rnd_state >> 33) % below;
}

/* ---- the reference: one frame at a time ---- */

static uint16_t rx_split(struct vsw_vring *r, struct rte_mbuf **m, uint16_t n)
{
	uint16_t waiting = (uint16_t)(vsw_avail_index(r) - r->last_avail), got = 0;

	n = RTE_MIN(n, waiting);
	for (uint16_t i = 0; i < n; i++) {
		uint16_t head = r->avail->ring[r->last_avail & r->mask];

		m[got] = vsw_vring_rx_one(r, head);
		got += m[got] != NULL;
		if (r->broken)
			break;
		vsw_used_put(r, head, 0);
		r->last_avail++;
	}
	vsw_vring_publish(r);
	return got;
}

static uint16_t tx_split(struct vsw_vring *r, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = 0;

	while (sent < n &&
	       vsw_vring_tx_one(r, m[sent], (uint16_t)(vsw_avail_index(r) - r->last_avail)) > 0)
		rte_pktmbuf_free(m[sent++]);
	vsw_vring_publish(r);
	return sent;
}

static uint16_t rx_packed(struct vsw_vring *r, struct rte_mbuf **m, uint16_t n)
{
	uint16_t got = 0;

	for (uint16_t i = 0; i < n && !r->broken; i++) {
		if (!vsw_packed_is_avail(vsw_packed_flags(r, r->last_avail), r->avail_wrap))
			break;
		m[got] = vsw_packed_rx_one(r);
		got += m[got] != NULL;
	}
	vsw_packed_publish(r);
	return got;
}

static uint16_t tx_packed(struct vsw_vring *r, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = 0;

	while (sent < n && vsw_packed_tx_one(r, m[sent]) > 0)
		rte_pktmbuf_free(m[sent++]);
	vsw_packed_publish(r);
	return sent;
}

/* ---- a random guest ---- */

struct guest {
	bool packed, written;
	uint16_t start; /* position, the same for both sides */
	uint16_t n_desc;
	uint32_t tables;
};

/* A buffer: mostly small, sometimes at the very end of a region, where vector copies have no slack. */
static void buffer(struct guest *g, uint64_t *gpa, uint32_t *len)
{
	static const uint32_t lens[] = {12, 13, 26, 72, 76, 77, 140, 1526, 2060, 4000};

	*len = rnd(3) ? 10 + rnd(2100) : lens[rnd(RTE_DIM(lens))];
	if (g->written && *len < 12)
		*len = 12;
	*gpa = rnd(8) ? GPA + ROOM + rnd(MEMORY - ROOM - 4096)
		      : GPA + MEMORY / (rnd(2) + 1) - *len - rnd(40);
}

static uint16_t direction(const struct guest *g)
{
	return g->written ? VRING_DESC_F_WRITE : 0;
}

/* Headers that ask for nothing mostly; else anything, contradictions too. */
static void header(struct way *w, uint64_t gpa, uint32_t len)
{
	uint8_t *at = w->memory + (gpa - GPA);

	memset(at, 0, RTE_MIN(len, 12u));
	if (w->r.requests && rnd(6) == 0) /* else nobody looks at it */
		for (uint32_t i = 0; i < len && i < 10; i++)
			at[i] = (uint8_t)rnd(i < 2 ? 5 : 60);
}

static void put_split(struct way *w, struct guest *g, uint32_t k, uint16_t n)
{
	uint16_t first = g->n_desc;

	for (uint16_t i = 0; i < n; i++) {
		struct vring_desc *d = &w->r.desc[g->n_desc++];
		uint64_t gpa;

		buffer(g, &gpa, &d->len);
		if (i == 0 && !g->written)
			header(w, gpa, d->len);
		d->addr = gpa;
		d->flags = (uint16_t)(direction(g) | (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		d->next = g->n_desc;
	}
	w->r.avail->ring[(g->start + k) % RING] = first;
	w->r.avail->idx++;
}

static void put_split_table(struct way *w, struct guest *g, uint32_t k, uint16_t n)
{
	struct vring_desc *t = (void *)(w->memory + g->tables), *d = &w->r.desc[g->n_desc];

	*d = (struct vring_desc){GPA + g->tables, n * 16u, VRING_DESC_F_INDIRECT, 0};
	g->tables += n * 16u;
	for (uint16_t i = 0; i < n; i++) {
		uint64_t gpa;

		buffer(g, &gpa, &t[i].len);
		if (i == 0 && !g->written)
			header(w, gpa, t[i].len);
		t[i].addr = gpa;
		t[i].flags = (uint16_t)(direction(g) | (i + 1 < n ? VRING_DESC_F_NEXT : 0));
		t[i].next = (uint16_t)(i + 1);
	}
	w->r.avail->ring[(g->start + k) % RING] = g->n_desc++;
	w->r.avail->idx++;
}

static void put_packed(struct way *w, struct guest *g, uint16_t n)
{
	uint16_t id = g->n_desc;

	for (uint16_t i = 0; i < n; i++, g->n_desc++) {
		uint16_t at = (uint16_t)(g->start + g->n_desc);
		struct vring_packed_desc *d = &w->r.pdesc[at % RING];
		bool wrap = at < RING;
		uint64_t gpa;

		buffer(g, &gpa, &d->len);
		if (i == 0 && !g->written)
			header(w, gpa, d->len);
		d->addr = gpa;
		d->id = id;
		d->flags = (uint16_t)(direction(g) | (wrap ? VSW_PACKED_AVAIL : VSW_PACKED_USED) |
				      (i + 1 < n ? VRING_DESC_F_NEXT : 0));
	}
}

static void settle(struct way *w, struct guest *g)
{
	w->r.size = RING;
	w->r.mask = RING - 1;
	w->r.packed = g->packed;
	w->r.mergeable = rnd(2);
	w->r.requests = rnd(2);
	w->r.hdr_size = w->r.mergeable || rnd(2) ? 12 : 10;
	w->r.call_fd = w->r.kick_fd = -1;
	w->r.pool = pool;
	w->r.big_pool = big_pool;
	w->vmem.n =
		2; /* neighbours for the guest, and so for frames that run from one into the other */
	for (int i = 0; i < 2; i++)
		w->vmem.region[i] = (struct vsw_vmem_region){GPA + i * MEMORY / 2, MEMORY / 2,
							     w->memory + i * MEMORY / 2};
	w->r.mem = &w->vmem;
	w->r.desc = (void *)w->memory;
	w->r.avail = (void *)(w->memory + 4096);
	w->r.used = (void *)(w->memory + 8192);
}

/* The first way's guest; the others get copies. */
static void invent(bool packed, bool written)
{
	struct guest g = {.packed = packed, .written = written, .tables = TABLES};
	struct way *w = &ways[0];
	uint32_t n = rnd(30);

	for (uint32_t i = 0; i < MEMORY; i += 4)
		*(uint32_t *)(void *)(w->memory + i) = i < ROOM ? 0 : rnd(1u << 30);
	memset(&w->r, 0, sizeof(w->r));
	settle(w, &g);
	g.start = (uint16_t)rnd(packed ? RING : 65536);
	if (!packed)
		w->r.avail->idx = w->r.used->idx = g.start;
	for (uint32_t k = 0; k < n; k++) {
		uint16_t parts = rnd(4) ? 1 : (uint16_t)(1 + rnd(3));

		if (g.n_desc + parts > RING)
			break;
		if (packed)
			put_packed(w, &g, parts);
		else if (rnd(8))
			put_split(w, &g, k, parts);
		else
			put_split_table(w, &g, k, parts);
	}
	for (unsigned int i = 0; i < n_ways; i++) {
		struct way *x = &ways[i];

		if (i) {
			memcpy(x->memory, w->memory, MEMORY);
			x->r = w->r;
			x->r.note = NULL;
			x->vmem = w->vmem;
			for (int k = 0; k < 2; k++)
				x->vmem.region[k].hva = x->memory + k * MEMORY / 2;
			x->r.mem = &x->vmem;
			x->r.desc = (void *)x->memory;
			x->r.avail = (void *)(x->memory + 4096);
			x->r.used = (void *)(x->memory + 8192);
		}
		CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&x->r,
						     packed ? g.start | VSW_PACKED_WRAP : g.start,
						     packed ? g.start | VSW_PACKED_WRAP : g.start),
				      0);
	}
}

/* ---- compared ---- */

static void same_state(const struct way *a, const struct way *b)
{
	CU_ASSERT_EQUAL(a->n, b->n);
	CU_ASSERT_EQUAL(a->r.broken, b->r.broken);
	CU_ASSERT_EQUAL(a->r.last_avail, b->r.last_avail);
	CU_ASSERT_EQUAL(a->r.last_used, b->r.last_used);
	CU_ASSERT_EQUAL(a->r.avail_wrap, b->r.avail_wrap);
	CU_ASSERT_EQUAL(a->r.bad_offload, b->r.bad_offload);
	CU_ASSERT_EQUAL(a->r.too_big, b->r.too_big);
	CU_ASSERT_EQUAL(a->r.no_buffer, b->r.no_buffer);
	CU_ASSERT_EQUAL_FATAL(memcmp(a->memory, b->memory, MEMORY), 0);
}

static void same_frame(const struct rte_mbuf *a, const struct rte_mbuf *b)
{
	static uint8_t x[70000], y[70000];

	CU_ASSERT_EQUAL_FATAL(a->pkt_len, b->pkt_len);
	CU_ASSERT_EQUAL(a->ol_flags, b->ol_flags);
	CU_ASSERT_EQUAL(a->tx_offload, b->tx_offload);
	CU_ASSERT_EQUAL(memcmp(rte_pktmbuf_read(a, 0, a->pkt_len, x),
			       rte_pktmbuf_read(b, 0, b->pkt_len, y), a->pkt_len),
			0);
}

static void receive(bool packed)
{
	uint64_t frames = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint16_t n = (uint16_t)(1 + rnd(FRAMES));

		invent(packed, false);
		for (unsigned int i = 0; i < n_ways; i++)
			ways[i].n = ways[i].rx[packed](&ways[i].r, ways[i].m, n);
		frames += ways[0].n;
		for (unsigned int i = 1; i < n_ways; i++) {
			same_state(&ways[0], &ways[i]);
			for (uint16_t k = 0; k < ways[0].n && k < ways[i].n; k++)
				same_frame(ways[0].m[k], ways[i].m[k]);
		}
		for (unsigned int i = 0; i < n_ways; i++)
			rte_pktmbuf_free_bulk(ways[i].m, ways[i].n);
	}
	CU_ASSERT(frames > ROUNDS); /* the rings were not all empty or refused */
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

/* A frame of random size, in one piece or more, some with a request. */
static struct rte_mbuf *frame(uint32_t len, uint32_t cut, bool request, uint32_t seed)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;

	for (uint32_t done = 0, part; done < len; done += part) {
		if (done) {
			last->next = rte_pktmbuf_alloc(pool);
			last = last->next;
			m->nb_segs++;
		}
		part = RTE_MIN(len - done, cut);
		memset(rte_pktmbuf_mtod(last, void *), (int)(seed + done), part);
		last->data_len = (uint16_t)part;
		m->pkt_len += part;
	}
	if (request) {
		m->ol_flags = RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
		m->l2_len = 14;
		m->l3_len = 20;
	}
	return m;
}

static void transmit(bool packed)
{
	uint64_t sent = 0;

	for (int round = 0; round < ROUNDS; round++) {
		uint16_t n = (uint16_t)(1 + rnd(24));

		invent(packed, true);
		for (uint16_t k = 0; k < n; k++) {
			uint32_t len = 54 + rnd(rnd(4) ? 200 : 3000), cut = rnd(5) ? 2048 : 700;
			bool request = rnd(5) == 0;

			for (unsigned int i = 0; i < n_ways; i++)
				ways[i].m[k] = frame(len, cut, request, k);
		}
		for (unsigned int i = 0; i < n_ways; i++)
			ways[i].n = ways[i].tx[packed](&ways[i].r, ways[i].m, n);
		sent += ways[0].n;
		for (unsigned int i = 1; i < n_ways; i++)
			same_state(&ways[0], &ways[i]);
		for (unsigned int i = 0; i < n_ways; i++)
			rte_pktmbuf_free_bulk(ways[i].m + ways[i].n, n - ways[i].n);
	}
	CU_ASSERT(sent > ROUNDS);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void split_from_guest(void)
{
	receive(false);
}

static void split_to_guest(void)
{
	transmit(false);
}

static void packed_from_guest(void)
{
	receive(true);
}

static void packed_to_guest(void)
{
	transmit(true);
}

static void add(const struct vsw_vring_ops *ops)
{
	ways[n_ways++] = (struct way){.name = ops->name,
				      .rx = {ops->rx, ops->rx_packed},
				      .tx = {ops->tx, ops->tx_packed}};
}

static const struct tap_case cases[] = {
	{"split ring, from the guest", split_from_guest},
	{"split ring, to the guest", split_to_guest},
	{"packed ring, from the guest", packed_from_guest},
	{"packed ring, to the guest", packed_to_guest},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("frames", 4096, RTE_MBUF_DEFAULT_BUF_SIZE);
	big_pool = test_pool("super", 64, UINT16_MAX);
	ways[n_ways++] = (struct way){
		.name = "scalar", .rx = {rx_split, rx_packed}, .tx = {tx_split, tx_packed}};
	add(&vsw_vring_sse);
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		add(&vsw_vring_avx2);
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0)
		add(&vsw_vring_avx512);
	for (unsigned int i = 0; i < n_ways; i++)
		ways[i].memory = calloc(1, MEMORY + 64);
	return tap_run("vswitch/io/vring_same", cases, sizeof(cases) / sizeof(cases[0]));
}
