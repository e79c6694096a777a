/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The split ring against a driver written here: every shape of buffer that guests use, every vector
 * width, random sizes; then guests that lie.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>
#include <rte_cpuflags.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/io/vring.h"

#define RING   64
#define GPA    0x100000u
#define MEMORY (4u << 20)

/* Guest memory: ring parts first, then buffers handed out in order. */
static uint8_t *memory;
static struct vsw_vmem vmem;
static struct vsw_vring r;
static uint32_t next_buffer;
static uint16_t next_desc, seen_used;
static struct rte_mempool *pool, *big_pool;
static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t below)
{
	rnd_state = rnd_state * 1664525 + 1013904223;
	return (rnd_state >> 8) % below;
}

static void *at(uint64_t gpa)
{
	return memory + (gpa - GPA);
}

static uint64_t buffer(uint32_t size)
{
	uint64_t gpa;

	if (next_buffer + size > MEMORY)
		next_buffer = 65536;
	gpa = GPA + next_buffer;
	next_buffer += size;
	return gpa;
}

static void setup(bool mergeable, bool event_idx)
{
	memset(memory, 0, 65536);
	memset(&r, 0, sizeof(r));
	vmem.n = 1;
	vmem.region[0] = (struct vsw_vmem_region){GPA, MEMORY, memory};
	r.desc = (void *)memory;
	r.avail = (void *)(memory + 4096);
	r.used = (void *)(memory + 8192);
	r.size = RING;
	r.mem = &vmem;
	r.hdr_size = 12;
	r.mergeable = mergeable;
	r.requests = true;
	r.event_idx = event_idx;
	r.kick_fd = r.call_fd = -1;
	r.pool = pool;
	r.big_pool = big_pool;
	next_buffer = 65536;
	next_desc = seen_used = 0;
	CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, 0, 0), 0);
}

static uint16_t put_desc(uint64_t gpa, uint32_t len, uint16_t flags, uint16_t next)
{
	uint16_t i = next_desc++ % RING;

	r.desc[i] = (struct vring_desc){gpa, len, flags, next};
	return i;
}

static void offer(uint16_t head)
{
	r.avail->ring[r.avail->idx % RING] = head;
	__atomic_store_n(&r.avail->idx, (uint16_t)(r.avail->idx + 1), __ATOMIC_RELEASE);
}

static void fill(uint8_t *d, uint32_t len, uint32_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		d[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

/* The guest sends @len bytes as @pieces buffers, or through an indirect table. */
static void guest_sends(uint32_t len, uint32_t seed, uint32_t pieces, bool indirect)
{
	uint8_t frame[70000];
	struct vring_desc table[16];
	uint32_t total = len + 12, done = 0;
	uint64_t gpa;

	memset(frame, 0, 12);
	fill(frame + 12, len, seed);
	if (pieces > total)
		pieces = 1;
	for (uint32_t i = 0; i < pieces; i++) {
		uint32_t n = i + 1 == pieces ? total - done : total / pieces;

		gpa = buffer(n + 128);
		memcpy(at(gpa), frame + done, n);
		done += n;
		table[i] = (struct vring_desc){gpa, n, i + 1 == pieces ? 0 : VRING_DESC_F_NEXT,
					       (uint16_t)(i + 1)};
	}
	if (indirect) {
		gpa = buffer(sizeof(table));
		memcpy(at(gpa), table, sizeof(table));
		offer(put_desc(gpa, pieces * 16, VRING_DESC_F_INDIRECT, 0));
		return;
	}
	for (uint32_t i = 0; i < pieces; i++) {
		table[i].next = (uint16_t)((next_desc + 1) % RING);
		put_desc(table[i].addr, table[i].len, table[i].flags, table[i].next);
	}
	offer((uint16_t)((next_desc - pieces) % RING));
}

static bool frame_is(const struct rte_mbuf *m, uint32_t len, uint32_t seed)
{
	uint8_t want[70000], have[70000];
	const void *p = rte_pktmbuf_read(m, 0, m->pkt_len, have);

	fill(want, len, seed);
	return m->pkt_len == len && p && memcmp(p, want, len) == 0;
}

static void from_guest(const struct vsw_vring_ops *ops)
{
	static const uint32_t sizes[] = {14,  15,   31,   60,   63,   64,   65,   127,
					 128, 1514, 2047, 2048, 2049, 9000, 65535};

	setup(true, false);
	for (uint32_t round = 0; round < 600; round++) {
		uint32_t n = 1 + rnd(8), len[8];
		struct rte_mbuf *m[64];

		for (uint32_t i = 0; i < n; i++) {
			len[i] = round < 15 ? sizes[round] : 14 + rnd(rnd(4) ? 1600 : 65000);
			guest_sends(len[i], round + i, 1 + rnd(4), rnd(3) == 0);
		}
		CU_ASSERT_EQUAL(ops->rx(&r, m, 64), n);
		CU_ASSERT_EQUAL_FATAL(r.broken, 0);
		for (uint32_t i = 0; i < n; i++) {
			CU_ASSERT(frame_is(m[i], len[i], round + i));
			rte_pktmbuf_free(m[i]);
		}
		CU_ASSERT_EQUAL(r.used->idx, r.avail->idx);
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(big_pool), 0);
}

/* Buffers the guest posts for receiving: one descriptor, a chain of two, or an indirect table. */
static void guest_posts(uint32_t size, uint32_t shape)
{
	uint64_t gpa = buffer(size + 64), t;

	memset(at(gpa), 0xee, size + 64);
	if (shape == 0) {
		offer(put_desc(gpa, size, VRING_DESC_F_WRITE, 0));
	} else if (shape == 1) {
		uint16_t second = (uint16_t)((next_desc + 1) % RING);

		put_desc(gpa, 12, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, second);
		put_desc(gpa + 12, size - 12, VRING_DESC_F_WRITE, 0);
		offer((uint16_t)((next_desc - 2) % RING));
	} else {
		struct vring_desc table[2] = {{gpa, 12, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1},
					      {gpa + 12, size - 12, VRING_DESC_F_WRITE, 0}};

		t = buffer(sizeof(table));
		memcpy(at(t), table, sizeof(table));
		offer(put_desc(t, sizeof(table), VRING_DESC_F_INDIRECT, 0));
	}
}

static uint64_t head_gpa(uint16_t head)
{
	struct vring_desc d = r.desc[head];

	if (d.flags & VRING_DESC_F_INDIRECT)
		d = *(struct vring_desc *)at(d.addr);
	return d.addr;
}

/* Collect one frame as the driver would; returns its length. */
static uint32_t guest_takes(uint8_t *frame, uint32_t size)
{
	struct vring_used_elem e = r.used->ring[seen_used++ % RING];
	uint8_t *p = at(head_gpa((uint16_t)e.id));
	uint16_t parts;
	uint32_t len = e.len - 12;

	memcpy(&parts, p + 10, 2);
	memcpy(frame, p + 12, len);
	CU_ASSERT_EQUAL(p[12 + RTE_MIN(len, size)], len == size ? 0xee : p[12 + len]);
	for (uint16_t i = 1; i < parts; i++) {
		e = r.used->ring[seen_used++ % RING];
		memcpy(frame + len, at(head_gpa((uint16_t)e.id)), e.len);
		len += e.len;
	}
	return len;
}

static struct rte_mbuf *host_frame(uint32_t len, uint32_t seed)
{
	uint8_t data[70000];
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;
	uint32_t done = 0;

	fill(data, len, seed);
	while (done < len) {
		uint32_t n = RTE_MIN(len - done, (uint32_t)rte_pktmbuf_tailroom(last));

		memcpy(rte_pktmbuf_mtod(last, void *), data + done, n);
		last->data_len = (uint16_t)n;
		m->pkt_len += n;
		done += n;
		if (done < len) {
			last->next = rte_pktmbuf_alloc(pool);
			last = last->next;
			m->nb_segs++;
		}
	}
	return m;
}

static void to_guest(const struct vsw_vring_ops *ops)
{
	static uint8_t frame[70000], want[70000];

	setup(true, true);
	for (uint32_t round = 0; round < 600; round++) {
		uint32_t n = 1 + rnd(6), len[8], posted = 0;
		uint32_t shape = round < 100 ? 0 : rnd(3), size = rnd(2) ? 2048 : 1536;
		struct rte_mbuf *m[8];

		while (posted < 30) {
			guest_posts(size, shape);
			posted++;
		}
		for (uint32_t i = 0; i < n; i++) {
			len[i] = 14 + rnd(rnd(4) ? 1500 : 5000);
			m[i] = host_frame(len[i], round + i);
		}
		CU_ASSERT_EQUAL(ops->tx(&r, m, (uint16_t)n), n);
		CU_ASSERT_EQUAL_FATAL(r.broken, 0);
		for (uint32_t i = 0; i < n; i++) {
			fill(want, len[i], round + i);
			CU_ASSERT_EQUAL(guest_takes(frame, size - 12), len[i]);
			CU_ASSERT_EQUAL(memcmp(frame, want, len[i]), 0);
		}
		CU_ASSERT_EQUAL(r.used->idx, seen_used);
		/* start every round with the same number of free buffers */
		setup(true, true);
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void too_few_buffers(const struct vsw_vring_ops *ops)
{
	struct rte_mbuf *m[3];

	setup(true, false);
	guest_posts(2048, 0);
	guest_posts(2048, 0);
	m[0] = host_frame(100, 1);
	m[1] = host_frame(5000, 2); /* needs three */
	m[2] = host_frame(100, 3);
	CU_ASSERT_EQUAL(ops->tx(&r, m, 3), 1);
	CU_ASSERT_EQUAL(r.used->idx, 1);
	guest_posts(2048, 0);
	guest_posts(2048, 0);
	CU_ASSERT_EQUAL(ops->tx(&r, m + 1, 2), 1);
	CU_ASSERT_EQUAL(r.used->idx, 4);
	rte_pktmbuf_free(m[2]);
	/* without mergeable buffers a long frame is refused for itself, and the next one passes */
	setup(false, false);
	guest_posts(2048, 0);
	m[0] = host_frame(5000, 2);
	m[1] = host_frame(100, 3);
	CU_ASSERT_EQUAL(ops->tx(&r, m, 2), 2);
	CU_ASSERT_EQUAL(r.too_big, 1);
	CU_ASSERT_EQUAL(r.used->idx, 1);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void expect_broken(const struct vsw_vring_ops *ops, enum vsw_vring_broken why)
{
	struct rte_mbuf *m[64];
	uint16_t n = ops->rx(&r, m, 64);

	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(m[i]);
	CU_ASSERT_EQUAL(r.broken, why);
	CU_ASSERT_EQUAL(ops->rx(&r, m, 64), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void liars(const struct vsw_vring_ops *ops)
{
	struct vring_desc *t;
	uint64_t gpa;

	setup(true, false);
	r.avail->idx = RING + 1;
	expect_broken(ops, VSW_VRING_AVAIL_INDEX);
	setup(true, false);
	guest_sends(100, 1, 1, false);
	offer(RING);
	expect_broken(ops, VSW_VRING_HEAD);
	setup(true, false);
	offer(put_desc(GPA + MEMORY - 50, 100, 0, 0));
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer(put_desc(UINT64_MAX - 10, 100, 0, 0));
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer(put_desc(GPA, UINT32_MAX, VRING_DESC_F_NEXT, 1));
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer(put_desc(buffer(100), 100, VRING_DESC_F_WRITE, 0));
	expect_broken(ops, VSW_VRING_DIRECTION);
	setup(true, false);
	offer(put_desc(buffer(100), 50, VRING_DESC_F_NEXT, 0)); /* to itself */
	expect_broken(ops, VSW_VRING_CHAIN);
	setup(true, false);
	offer(put_desc(buffer(100), 50, VRING_DESC_F_NEXT, RING));
	expect_broken(ops, VSW_VRING_CHAIN);
	setup(true, false);
	offer(put_desc(buffer(100), 5, 0, 0));
	expect_broken(ops, VSW_VRING_HEADER);
	setup(true, false);
	offer(put_desc(buffer(64), 17, VRING_DESC_F_INDIRECT, 0));
	expect_broken(ops, VSW_VRING_INDIRECT);
	setup(true, false);
	gpa = buffer(64);
	t = at(gpa);
	*t = (struct vring_desc){gpa, 16, VRING_DESC_F_INDIRECT, 0}; /* a table in a table */
	offer(put_desc(gpa, 16, VRING_DESC_F_INDIRECT, 0));
	expect_broken(ops, VSW_VRING_INDIRECT);
	/* a header that contradicts its frame costs that frame only */
	setup(true, false);
	guest_sends(100, 1, 1, false);
	((uint8_t *)at(r.desc[0].addr))[0] = 1; /* partial checksum at offset 0 of nothing */
	((uint8_t *)at(r.desc[0].addr))[6] = 200;
	expect_broken(ops, VSW_VRING_OK);
	CU_ASSERT_EQUAL(r.bad_offload, 1);
}

static void kicks(void)
{
	setup(true, false);
	CU_ASSERT_FALSE(vsw_vring_notify(&r, false));
	CU_ASSERT_EQUAL(r.used->flags, VRING_USED_F_NO_NOTIFY);
	CU_ASSERT_FALSE(vsw_vring_notify(&r, true));
	CU_ASSERT_EQUAL(r.used->flags, 0);
	guest_sends(64, 1, 1, false);
	CU_ASSERT_TRUE(vsw_vring_notify(&r, true));
	setup(true, true);
	vsw_vring_notify(&r, true);
	CU_ASSERT_EQUAL(*(uint16_t *)(void *)&r.used->ring[RING], 0);
	vsw_vring_notify(&r, false);
	CU_ASSERT_EQUAL(*(uint16_t *)(void *)&r.used->ring[RING], 0xffff);
}

static void bad_geometry(void)
{
	setup(true, false);
	r.size = 0;
	CU_ASSERT_EQUAL(vsw_vring_init(&r, 0, 0), -EINVAL);
	r.size = 100;
	CU_ASSERT_EQUAL(vsw_vring_init(&r, 0, 0), -EINVAL);
	r.size = 64;
	r.used = NULL;
	CU_ASSERT_EQUAL(vsw_vring_init(&r, 0, 0), -EINVAL);
}

/* each test body with each width that this CPU has */
static void each(void (*test)(const struct vsw_vring_ops *ops))
{
	test(&vsw_vring_sse);
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		test(&vsw_vring_avx2);
	if (rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0)
		test(&vsw_vring_avx512);
}

static void all_from_guest(void)
{
	each(from_guest);
}

static void all_to_guest(void)
{
	each(to_guest);
}

static void all_too_few(void)
{
	each(too_few_buffers);
}

static void all_liars(void)
{
	each(liars);
}

static const struct tap_case cases[] = {
	{"frames of every size and shape from the guest", all_from_guest},
	{"frames of every size and shape to the guest", all_to_guest},
	{"a guest with too few or too small buffers", all_too_few},
	{"guests that lie lose their ring, with the reason", all_liars},
	{"kicks asked for and not", kicks},
	{"impossible rings are refused", bad_geometry},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("frames", 2048, RTE_MBUF_DEFAULT_BUF_SIZE);
	big_pool = test_pool("super", 32, UINT16_MAX);
	memory = calloc(1, MEMORY + 64);
	return tap_run("vswitch/io/vring", cases, sizeof(cases) / sizeof(cases[0]));
}
