/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buckets and queues, by a clock of our own. */
#include "tests/unit/tap.h"

#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/policy/shape.h"

#define HZ 1000000u /* a clock of microseconds */

static struct rte_mempool *pool;
static struct vsw_shaper *s;
static struct vsw_shape_stamp stamp[64]; /* of no gate */

static struct rte_mbuf *frame(uint16_t port, uint32_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	CU_ASSERT_PTR_NOT_NULL_FATAL(m);
	rte_pktmbuf_append(m, (uint16_t)size);
	m->port = port;
	return m;
}

static void configure(uint64_t bps, uint64_t burst, const struct vsw_shape_share *shares,
		      unsigned int n, uint64_t default_weight)
{
	struct vsw_shape_conf c = {.bps = bps,
				   .burst_bytes = burst,
				   .hz = HZ,
				   .default_weight = default_weight,
				   .n_shares = n,
				   .shares = shares};

	CU_ASSERT_EQUAL(vsw_shaper_configure(s, &c), 0);
}

static void fresh(void)
{
	vsw_shaper_destroy(s);
	s = vsw_shaper_create();
}

static void bucket(void)
{
	struct vsw_bucket b = {0};
	uint64_t sent = 0;

	/* 8 Mbit/s = 1 byte a microsecond; frames of 1000 bytes for a second */
	vsw_bucket_set(&b, 8000000, 2000, HZ);
	for (uint64_t now = 1; now <= 1000000; now += 10)
		if (vsw_bucket_open(&b, now)) {
			vsw_bucket_take(&b, 1000);
			sent += 1000;
		}
	CU_ASSERT(sent >= 1000000 && sent <= 1003000);
	/* into debt by one super-frame, and out again at the right time */
	CU_ASSERT(vsw_bucket_open(&b, 2000000));
	vsw_bucket_take(&b, 64000);
	CU_ASSERT(!vsw_bucket_open(&b, 2000000));
	CU_ASSERT_EQUAL(vsw_bucket_wait(&b), 62001);
	CU_ASSERT(!vsw_bucket_open(&b, 2062000));
	CU_ASSERT(vsw_bucket_open(&b, 2062001));
	/* a long rest fills it, not more; also after a debt */
	CU_ASSERT(vsw_bucket_open(&b, UINT64_C(1) << 60));
	CU_ASSERT_EQUAL(b.level, 2000 * (int64_t)HZ);
	/* a clock that steps back a little changes nothing */
	CU_ASSERT(vsw_bucket_open(&b, (UINT64_C(1) << 60) - 5));
	CU_ASSERT_EQUAL(b.level, 2000 * (int64_t)HZ);
	vsw_bucket_set(&b, 0, 0, HZ);
	vsw_bucket_take(&b, 1u << 30);
	CU_ASSERT(vsw_bucket_open(&b, 5));
}

static void fast_bucket(void)
{
	/* 100 Gbit/s on a 3 GHz counter: nothing overflows */
	struct vsw_bucket b = {0};
	uint64_t hz = UINT64_C(3000000000), sent = 0;

	vsw_bucket_set(&b, UINT64_C(100000000000), 0, hz);
	for (uint64_t now = 1; now <= hz / 10; now += 3000)
		while (vsw_bucket_open(&b, now)) {
			vsw_bucket_take(&b, 65000);
			sent += 65000;
		}
	CU_ASSERT(sent >= UINT64_C(1250000000) && sent <= UINT64_C(1270000000));
}

static void sizes(void)
{
	struct rte_mbuf *m = frame(0, 1514);

	CU_ASSERT_EQUAL(vsw_shape_size(m), 1500);
	m->ol_flags = RTE_MBUF_F_TX_TCP_SEG;
	m->l2_len = 14;
	m->l3_len = 20;
	m->l4_len = 20;
	m->tso_segsz = 500; /* 1460 bytes: three segments */
	CU_ASSERT_EQUAL(vsw_shape_size(m), 1460 + 3 * 40);
	rte_pktmbuf_free(m);
}

static void one_queue(void)
{
	struct rte_mbuf *m[64];
	uint64_t due, now = 1, sent = 0;
	bool mine, again;

	fresh();
	configure(8000000, 1000, NULL, 0, 1);
	for (int i = 0; i < 50; i++) {
		m[i] = frame(7, 1014);
		m[i]->hash.usr = (uint32_t)i;
	}
	CU_ASSERT_EQUAL(vsw_shaper_add(s, m, stamp, 50, &mine), 0);
	CU_ASSERT(mine);
	m[0] = frame(7, 1014);
	m[0]->hash.usr = 50;
	CU_ASSERT_EQUAL(vsw_shaper_add(s, m, stamp, 1, &again), 0);
	CU_ASSERT(!again); /* has an owner */
	while (mine) {
		uint16_t n = vsw_shaper_take(s, m, stamp, 8, now, &due, &mine);

		for (uint16_t i = 0; i < n; i++) {
			CU_ASSERT_EQUAL(m[i]->hash.usr, sent++);
			rte_pktmbuf_free(m[i]);
		}
		CU_ASSERT(due >= now);
		now = due;
	}
	CU_ASSERT_EQUAL(sent, 51);
	/* 51 frames of 1000 bytes at a byte a microsecond; one burst and the last debt are free */
	CU_ASSERT(now >= 48000 && now <= 51001);
	m[0] = frame(7, 100);
	vsw_shaper_add(s, m, stamp, 1, &mine);
	CU_ASSERT(mine);
	vsw_shaper_disown(s);
	m[0] = frame(7, 100);
	vsw_shaper_add(s, m, stamp, 1, &mine);
	CU_ASSERT(mine);
}

static void bounded(void)
{
	struct rte_mbuf *m[1];
	unsigned int lost = 0;
	bool mine;

	fresh();
	configure(8000000, 0, NULL, 0, 1);
	for (int i = 0; i < 400; i++) {
		m[0] = frame(0, 1014);
		if (vsw_shaper_add(s, m, stamp, 1, &mine)) {
			lost++;
			rte_pktmbuf_free(m[0]);
		}
	}
	CU_ASSERT_EQUAL(lost, 400 - (VSW_SHAPE_BYTES_MIN + 999) / 1000);
	/* frames that wait survive a change, and are freed at the end */
	configure(16000000, 0, NULL, 0, 1);
	CU_ASSERT_EQUAL(s->n, 400 - lost);
	fresh();
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

/* Three ports send as fast as they can; who gets what? */
static void contend(const struct vsw_shape_share *shares, unsigned int n_shares,
		    uint64_t default_weight, const uint32_t *sizes_of, uint64_t got[4])
{
	uint64_t due, now = 1, total = 0;
	struct rte_mbuf *m[64];
	bool mine = false;

	fresh();
	configure(80000000, 0, shares, n_shares, default_weight);
	memset(got, 0, 4 * sizeof(*got));
	while (total < 20000000) {
		uint16_t n;

		for (uint16_t port = 0; port < 4; port++)
			for (int i = 0; sizes_of[port] && i < 8; i++) {
				bool now_mine;

				m[0] = frame(port, sizes_of[port]);
				if (vsw_shaper_add(s, m, stamp, 1, &now_mine))
					rte_pktmbuf_free(m[0]);
				mine |= now_mine;
			}
		n = vsw_shaper_take(s, m, stamp, 8, now, &due, &mine);
		for (uint16_t i = 0; i < n; i++) {
			got[m[i]->port] += m[i]->pkt_len;
			total += m[i]->pkt_len;
			rte_pktmbuf_free(m[i]);
		}
		now = due;
	}
}

static void shares(void)
{
	static const struct vsw_shape_share w[] = {{1, 30}, {2, 10}};
	static const uint32_t same[4] = {0, 1514, 1514, 0}, mixed[4] = {1514, 200, 1514, 1514};
	uint64_t got[4];

	contend(w, 2, 10, same, got);
	CU_ASSERT(got[1] > 2.9 * got[2] && got[1] < 3.1 * got[2]);
	/* small frames get no less, and ports without a share get the default one together */
	contend(w, 2, 10, mixed, got);
	CU_ASSERT(got[1] > 2.6 * got[2] && got[1] < 3.4 * got[2]);
	CU_ASSERT(got[0] + got[3] > 0.95 * got[2] && got[0] + got[3] < 1.05 * got[2]);
	/* what one does not use goes to the other */
	contend(w, 2, 10, (uint32_t[4]){0, 0, 1514, 0}, got);
	CU_ASSERT_EQUAL(got[1], 0);
	CU_ASSERT(got[2] >= 20000000);
}

static void moved(void)
{
	static const struct vsw_shape_share w[] = {{1, 50}};
	struct rte_mbuf *m[1];
	bool mine;

	fresh();
	configure(8000000, 0, NULL, 0, 1);
	for (uint16_t i = 0; i < 100; i++) {
		m[0] = frame(i & 1, 100);
		vsw_shaper_add(s, m, stamp, 1, &mine);
	}
	configure(8000000, 0, w, 1, 1);
	CU_ASSERT_EQUAL(s->queues[0]->n, 50);
	CU_ASSERT_EQUAL(s->queues[1]->n, 50);
	configure(8000000, 0, NULL, 0, 1);
	CU_ASSERT_EQUAL(s->queues[0]->n, 100);
	CU_ASSERT_EQUAL(s->queues[0]->bytes, 8600);
	vsw_shaper_destroy(s);
	s = NULL;
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

/* Each frame comes out with the stamp it went in with; what is condemned costs its rate nothing. */
static void stamps(void)
{
	struct rte_mbuf *m[8];
	struct vsw_shape_stamp in[8], out[8];
	uint64_t due;
	bool mine;

	fresh();
	configure(8000000, 3000, NULL, 0, 1);
	for (uint16_t i = 0; i < 8; i++) {
		m[i] = frame(0, 1014);
		in[i] = (struct vsw_shape_stamp){.to = 100u + i, .from = 200u + i};
	}
	CU_ASSERT_EQUAL(vsw_shaper_add(s, m, in, 8, &mine), 0);
	CU_ASSERT_EQUAL(vsw_shaper_take(s, m, out, 8, 1, &due, &mine), 3);
	for (uint16_t i = 0; i < 3; i++) {
		CU_ASSERT(out[i].to == 100u + i && out[i].from == 200u + i);
		rte_pktmbuf_free(m[i]);
	}
	vsw_shaper_condemn(s);
	m[0] = frame(0, 1014);
	CU_ASSERT_EQUAL(vsw_shaper_add(s, m, in, 1, &mine), 0);
	CU_ASSERT_EQUAL(vsw_shaper_take(s, m, out, 8, due, &due, &mine), 6);
	for (uint16_t i = 0; i < 6; i++) {
		CU_ASSERT_EQUAL(out[i].to, i < 5 ? VSW_SHAPE_CONDEMNED : 100u);
		rte_pktmbuf_free(m[i]);
	}
}

static void rates(void)
{
	static const struct vsw_shape_share w[] = {{1, 50}};
	struct vsw_rate_meter r = {0};
	struct vsw_shape_view all, one;
	struct rte_mbuf *m[8];
	uint64_t due, now = 1;
	bool mine;

	CU_ASSERT_EQUAL(vsw_rate_bps(&r, 5 * HZ, HZ), 0);
	for (; now < 2 * HZ; now += 1000)
		vsw_rate_add(&r, 1000, now, HZ); /* 8 Mbit/s */
	CU_ASSERT(vsw_rate_bps(&r, now, HZ) > 7900000 && vsw_rate_bps(&r, now, HZ) < 8100000);
	/* silence */
	CU_ASSERT_EQUAL(vsw_rate_bps(&r, now + HZ, HZ), 0);
	/* and what comes after it is not averaged with it */
	for (now += 60 * HZ; now < 63 * HZ; now += 1000)
		vsw_rate_add(&r, 2000, now, HZ);
	CU_ASSERT(vsw_rate_bps(&r, now, HZ) > 15800000 && vsw_rate_bps(&r, now, HZ) < 16200000);

	fresh();
	configure(8000000, 1000, w, 1, 1);
	for (uint16_t i = 0; i < 8; i++)
		m[i] = frame(i & 1, 1014);
	vsw_shaper_add(s, m, stamp, 8, &mine);
	CU_ASSERT_EQUAL(vsw_shaper_take(s, m, stamp, 8, 1, &due, &mine), 1);
	rte_pktmbuf_free(m[0]);
	vsw_shaper_look(s, 1, &all);
	CU_ASSERT(all.n == 7 && all.bytes == 7000 && all.n_queues == 2);
	CU_ASSERT_EQUAL(all.tokens_bytes, 0);
	CU_ASSERT_EQUAL(all.limit_bytes, VSW_SHAPE_BYTES_MIN);
	CU_ASSERT(vsw_shaper_look_at(s, 1, 1, &one));
	CU_ASSERT(vsw_shaper_look_at(s, VSW_PORT_INDEX_NONE, 1, &all));
	CU_ASSERT_EQUAL(one.n + all.n, 7);
	CU_ASSERT(!vsw_shaper_look_at(s, 0, 1, &all));
	vsw_shaper_destroy(s);
	s = NULL;
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void start(void)
{
	test_eal_init();
	pool = rte_pktmbuf_pool_create("frames", 2047, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
}

static const struct tap_case cases[] = {
	{"memory", start},
	{"a bucket keeps its rate", bucket},
	{"a fast bucket", fast_bucket},
	{"what frames count", sizes},
	{"one queue, in order", one_queue},
	{"bounded", bounded},
	{"shares", shares},
	{"frames that wait move to their new queues", moved},
	{"frames wait with what they were judged by", stamps},
	{"what is seen of it", rates},
};

TAP_MAIN("shape", cases)
