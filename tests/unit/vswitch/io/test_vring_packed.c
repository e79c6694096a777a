/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packed ring against a driver written here: every shape of buffer that guests use, every vector
 * width, a ring whose size is no power of two; then guests that lie.
 */
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <rte_cpuflags.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/io/vring_impl.h"

#define RING   48
#define GPA    0x100000u
#define MEMORY (4u << 20)
#define AVAIL  (1u << VRING_PACKED_DESC_F_AVAIL)
#define USED   (1u << VRING_PACKED_DESC_F_USED)

static uint8_t *memory;
static struct vsw_vmem vmem;
static struct vsw_vring r;
static uint32_t next_buffer;
static uint16_t next_avail, next_used, next_id; /* the driver's */
static bool avail_wrap, used_wrap;
static uint16_t parts[RING];     /* descriptors of buffer id */
static uint64_t buffer_of[RING]; /* its first byte */
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
	r.packed = true;
	r.pdesc = (void *)memory;
	r.driver_event = (void *)(memory + 4096);
	r.device_event = (void *)(memory + 4100);
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
	next_avail = next_used = next_id = 0;
	avail_wrap = used_wrap = true;
	CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, 0x8000, 0x8000), 0);
}

struct part {
	uint64_t gpa;
	uint32_t len;
	uint16_t flags;
};

/* Offer a chain; its first descriptor becomes available last. */
static void offer(const struct part *p, uint16_t n)
{
	struct vring_packed_desc *first = &r.pdesc[next_avail];
	uint16_t id = next_id++ % RING, first_flags = 0;

	parts[id] = n;
	buffer_of[id] = p->gpa;
	for (uint16_t i = 0; i < n; i++) {
		uint16_t flags = (uint16_t)(p[i].flags | (avail_wrap ? AVAIL : USED) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0));

		r.pdesc[next_avail].addr = p[i].gpa;
		r.pdesc[next_avail].len = p[i].len;
		r.pdesc[next_avail].id = id;
		if (i == 0)
			first_flags = flags;
		else
			r.pdesc[next_avail].flags = flags;
		if (++next_avail == RING) {
			next_avail = 0;
			avail_wrap = !avail_wrap;
		}
	}
	__atomic_store_n(&first->flags, first_flags, __ATOMIC_RELEASE);
}

static void offer_one(uint64_t gpa, uint32_t len, uint16_t flags)
{
	offer(&(struct part){gpa, len, flags}, 1);
}

static void offer_table(const struct part *p, uint32_t n)
{
	uint64_t gpa = buffer(n * 16);
	struct vring_packed_desc *t = at(gpa);

	for (uint32_t i = 0; i < n; i++)
		t[i] = (struct vring_packed_desc){p[i].gpa, p[i].len, 0, p[i].flags};
	offer_one(gpa, n * 16, VRING_DESC_F_INDIRECT);
	buffer_of[(next_id - 1) % RING] = p->gpa;
}

/* The next used buffer's id, or -1. */
static int take_used(uint32_t *len)
{
	struct vring_packed_desc d = r.pdesc[next_used];

	if (!!(d.flags & AVAIL) != used_wrap || !!(d.flags & USED) != used_wrap)
		return -1;
	CU_ASSERT_FATAL(d.id < RING);
	*len = d.len;
	next_used += parts[d.id];
	if (next_used >= RING) {
		next_used -= RING;
		used_wrap = !used_wrap;
	}
	return d.id;
}

static void fill(uint8_t *d, uint32_t len, uint32_t seed)
{
	for (uint32_t i = 0; i < len; i++)
		d[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static void guest_sends(uint32_t len, uint32_t seed, uint32_t pieces, bool indirect)
{
	static uint8_t frame[70000];
	uint32_t total = len + 12, done = 0;
	struct part p[8];

	memset(frame, 0, 12);
	fill(frame + 12, len, seed);
	for (uint32_t i = 0; i < pieces; i++) {
		p[i].len = i + 1 == pieces ? total - done : total / pieces;
		p[i].gpa = buffer(p[i].len + 128);
		p[i].flags = 0;
		memcpy(at(p[i].gpa), frame + done, p[i].len);
		done += p[i].len;
	}
	if (indirect)
		offer_table(p, pieces);
	else
		offer(p, (uint16_t)pieces);
}

static bool frame_is(const struct rte_mbuf *m, uint32_t len, uint32_t seed)
{
	static uint8_t want[70000], have[70000];
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
		uint32_t n = 1 + rnd(8), len[8], got;
		struct rte_mbuf *m[64];

		for (uint32_t i = 0; i < n; i++) {
			len[i] = round < 15 ? sizes[round] : 14 + rnd(rnd(4) ? 1600 : 65000);
			guest_sends(len[i], round + i, 1 + rnd(4), rnd(3) == 0);
		}
		CU_ASSERT_EQUAL(ops->rx_packed(&r, m, 64), n);
		CU_ASSERT_EQUAL_FATAL(r.broken, 0);
		for (uint32_t i = 0; i < n; i++) {
			CU_ASSERT(frame_is(m[i], len[i], round + i));
			rte_pktmbuf_free(m[i]);
			CU_ASSERT_EQUAL(take_used(&got), (int)((next_id - n + i) % RING));
		}
		CU_ASSERT_EQUAL(take_used(&got), -1);
		next_id %= RING;
	}
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(big_pool), 0);
}

static void guest_posts(uint32_t size, uint32_t shape)
{
	uint64_t gpa = buffer(size + 64);
	struct part p[2] = {{gpa, 12, VRING_DESC_F_WRITE},
			    {gpa + 12, size - 12, VRING_DESC_F_WRITE}};

	memset(at(gpa), 0xee, size + 64);
	if (shape == 0)
		offer_one(gpa, size, VRING_DESC_F_WRITE);
	else if (shape == 1)
		offer(p, 2);
	else
		offer_table(p, 2);
}

/* Collect one frame as the driver would; returns its length. */
static uint32_t guest_takes(uint8_t *frame)
{
	uint32_t used = 0, len;
	int id = take_used(&used);
	uint16_t n_buffers;

	CU_ASSERT_FATAL(id >= 0);
	memcpy(&n_buffers, (uint8_t *)at(buffer_of[id]) + 10, 2);
	len = used - 12;
	memcpy(frame, (uint8_t *)at(buffer_of[id]) + 12, len);
	CU_ASSERT_EQUAL(((uint8_t *)at(buffer_of[id]))[used], 0xee); /* not a byte more */
	while (--n_buffers) {
		id = take_used(&used);
		CU_ASSERT_FATAL(id >= 0);
		memcpy(frame + len, at(buffer_of[id]), used);
		len += used;
	}
	return len;
}

static struct rte_mbuf *host_frame(uint32_t len, uint32_t seed)
{
	static uint8_t data[70000];
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool), *last = m;

	fill(data, len, seed);
	for (uint32_t done = 0, n; done < len; done += n) {
		if (done) {
			last->next = rte_pktmbuf_alloc(pool);
			last = last->next;
			m->nb_segs++;
		}
		n = RTE_MIN(len - done, (uint32_t)rte_pktmbuf_tailroom(last));
		memcpy(rte_pktmbuf_mtod(last, void *), data + done, n);
		last->data_len = (uint16_t)n;
		m->pkt_len += n;
	}
	return m;
}

static void to_guest(const struct vsw_vring_ops *ops)
{
	static uint8_t frame[70000], want[70000];
	uint32_t posted = 0, used;

	setup(true, true);
	for (uint32_t round = 0; round < 600; round++) {
		uint32_t n = 1 + rnd(6), len[8], shape = round < 100 ? 0 : rnd(3);
		uint32_t size = rnd(2) ? 2048 : 1536;
		struct rte_mbuf *m[8];
		uint16_t before;

		while (r.pdesc && posted + 2 <= RING) {
			guest_posts(size, shape);
			posted += parts[(next_id - 1) % RING];
		}
		for (uint32_t i = 0; i < n; i++) {
			len[i] = 14 + rnd(rnd(4) ? 1500 : 5000);
			m[i] = host_frame(len[i], round + i);
		}
		before = next_used;
		CU_ASSERT_EQUAL(ops->tx_packed(&r, m, (uint16_t)n), n);
		CU_ASSERT_EQUAL_FATAL(r.broken, 0);
		for (uint32_t i = 0; i < n; i++) {
			fill(want, len[i], round + i);
			CU_ASSERT_EQUAL(guest_takes(frame), len[i]);
			CU_ASSERT_EQUAL(memcmp(frame, want, len[i]), 0);
		}
		CU_ASSERT_EQUAL(take_used(&used), -1);
		posted -= (uint32_t)(next_used + RING - before) % RING;
		next_id %= RING;
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
	CU_ASSERT_EQUAL(ops->tx_packed(&r, m, 3), 1);
	guest_posts(2048, 0);
	guest_posts(2048, 0);
	CU_ASSERT_EQUAL(ops->tx_packed(&r, m + 1, 2), 1);
	CU_ASSERT_EQUAL(r.last_used, 4);
	rte_pktmbuf_free(m[2]);
	setup(false, false);
	guest_posts(2048, 0);
	m[0] = host_frame(5000, 2);
	m[1] = host_frame(100, 3);
	CU_ASSERT_EQUAL(ops->tx_packed(&r, m, 2), 2);
	CU_ASSERT_EQUAL(r.too_big, 1);
	CU_ASSERT_EQUAL(r.last_used, 1);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void expect_broken(const struct vsw_vring_ops *ops, enum vsw_vring_broken why)
{
	struct rte_mbuf *m[64];
	uint16_t n = ops->rx_packed(&r, m, 64);

	for (uint16_t i = 0; i < n; i++)
		rte_pktmbuf_free(m[i]);
	CU_ASSERT_EQUAL(r.broken, why);
	CU_ASSERT_EQUAL(ops->rx_packed(&r, m, 64), 0);
	CU_ASSERT_EQUAL(rte_mempool_in_use_count(pool), 0);
}

static void liars(const struct vsw_vring_ops *ops)
{
	struct part p = {0, 16, 0};

	setup(true, false);
	guest_sends(100, 1, 1, false);
	offer_one(GPA + MEMORY - 50, 100, 0);
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer_one(UINT64_MAX - 10, 100, 0);
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer_one(GPA, UINT32_MAX, VRING_DESC_F_NEXT);
	expect_broken(ops, VSW_VRING_ADDRESS);
	setup(true, false);
	offer_one(buffer(100), 100, VRING_DESC_F_WRITE);
	expect_broken(ops, VSW_VRING_DIRECTION);
	setup(true, false);
	offer_one(buffer(100), 50, VRING_DESC_F_NEXT); /* and no next one */
	expect_broken(ops, VSW_VRING_CHAIN);
	setup(true, false);
	for (int i = 0; i < RING; i++) /* a chain that bites its tail */
		offer_one(buffer(20), 20, VRING_DESC_F_NEXT);
	expect_broken(ops, VSW_VRING_CHAIN);
	setup(true, false);
	offer_one(buffer(100), 5, 0);
	expect_broken(ops, VSW_VRING_HEADER);
	setup(true, false);
	offer_one(buffer(64), 17, VRING_DESC_F_INDIRECT);
	expect_broken(ops, VSW_VRING_INDIRECT);
	setup(true, false);
	offer_one(buffer(64), 0, VRING_DESC_F_INDIRECT);
	expect_broken(ops, VSW_VRING_INDIRECT);
	setup(true, false);
	p.gpa = buffer(64);
	p.flags = VRING_DESC_F_INDIRECT; /* a table in a table */
	offer_table(&p, 1);
	expect_broken(ops, VSW_VRING_INDIRECT);
	setup(true, false);
	guest_sends(100, 1, 1, false);
	((uint8_t *)at(r.pdesc[0].addr))[0] = 1; /* partial checksum at offset 0 of nothing */
	((uint8_t *)at(r.pdesc[0].addr))[6] = 200;
	expect_broken(ops, VSW_VRING_OK);
	CU_ASSERT_EQUAL(r.bad_offload, 1);
}

static void events(void)
{
	struct rte_mbuf *m[64];

	setup(true, true);
	CU_ASSERT_FALSE(vsw_vring_notify(&r, false));
	CU_ASSERT_EQUAL(r.device_event->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	CU_ASSERT_FALSE(vsw_vring_notify(&r, true));
	CU_ASSERT_EQUAL(r.device_event->flags, VRING_PACKED_EVENT_FLAG_ENABLE);
	guest_sends(64, 1, 1, false);
	CU_ASSERT_TRUE(vsw_vring_notify(&r, true));
	/* the guest names the position after which it wants to be interrupted: the third from here, then one
	 * in the next round */
	r.call_fd = open("/dev/null", O_WRONLY);
	r.driver_event->flags = VRING_PACKED_EVENT_FLAG_DESC;
	r.driver_event->off_wrap = 0x8000 | 2;
	rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	CU_ASSERT_EQUAL(r.interrupts, 1); /* the first time always */
	guest_sends(64, 1, 1, false);
	rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	CU_ASSERT_EQUAL(r.interrupts, 1);
	guest_sends(64, 1, 1, false);
	rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	CU_ASSERT_EQUAL(r.interrupts, 2);
	r.driver_event->off_wrap = 1; /* position 1, next round */
	for (int i = 3; i < RING + 1; i++) {
		guest_sends(64, 1, 1, false);
		rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	}
	CU_ASSERT_EQUAL(r.interrupts, 2);
	guest_sends(64, 1, 1, false);
	rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	CU_ASSERT_EQUAL(r.interrupts, 3);
	r.driver_event->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
	guest_sends(64, 1, 1, false);
	rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
	CU_ASSERT_EQUAL(r.interrupts, 3);
	close(r.call_fd);
}

/* The ring is taken away in the middle, as on any change of memory, and goes on where it was. */
static void handed_over(void)
{
	uint16_t avail, used;
	struct rte_mbuf *m[64];
	uint32_t len;

	setup(true, false);
	for (int i = 0; i < RING + 5; i++) {
		guest_sends(64, 1, 1, false);
		rte_pktmbuf_free_bulk(m, vsw_vring_sse.rx_packed(&r, m, 64));
		CU_ASSERT(take_used(&len) >= 0);
		vsw_vring_base(&r, &avail, &used);
		CU_ASSERT_EQUAL(avail, used);
		CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, avail, used), 0);
		next_id %= RING;
	}
	CU_ASSERT_EQUAL(avail, 5); /* in the second round */
}

/* ---- lives of ours that end at any instruction ---- */

static struct vsw_vring_note note;

/* All that is left: guest memory and the note. QEMU says what it said at the very start. */
static bool next_life(bool written, uint16_t *base)
{
	struct vsw_vring old = r;

	memset(&r, 0, sizeof(r));
	r.packed = true;
	r.pdesc = old.pdesc;
	r.driver_event = old.driver_event;
	r.device_event = old.device_event;
	r.size = RING;
	r.mem = &vmem;
	r.hdr_size = 12;
	r.mergeable = r.requests = true;
	r.kick_fd = r.call_fd = -1;
	r.pool = pool;
	r.big_pool = big_pool;
	r.note = &note;
	*base = 0x8000;
	return vsw_packed_recall(&r, written, 0x8000, base);
}

static void setup_noted(void)
{
	setup(true, false);
	memset(&note, 0, sizeof(note));
	r.note = &note;
	CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, 0x8000, 0x8000), 0);
}

static void restart(bool written)
{
	uint16_t avail, used, base;
	bool known;

	vsw_vring_base(&r, &avail, &used);
	known = next_life(written, &base);
	CU_ASSERT_EQUAL(base, used);
	CU_ASSERT(known || used == 0x8000); /* nothing given back yet: QEMU is right */
	CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, base, base), 0);
}

/* Killed between bursts, whatever the state of the ring. */
static void killed_idle(void)
{
	struct rte_mbuf *m[64];
	uint32_t len;

	setup_noted();
	for (uint32_t round = 0; round < 400; round++) {
		uint32_t n = rnd(5), taken = rnd(3);

		for (uint32_t i = 0; i < n; i++)
			guest_sends(14 + rnd(200), i, 1 + rnd(4), rnd(3) == 0);
		if (rnd(2)) /* with some waiting, and the guest not having looked at others */
			restart(false);
		CU_ASSERT_EQUAL(vsw_vring_sse.rx_packed(&r, m, 64), n);
		CU_ASSERT_EQUAL_FATAL(r.broken, 0);
		rte_pktmbuf_free_bulk(m, n);
		while (taken-- && take_used(&len) >= 0)
			;
		if (rnd(2))
			restart(false);
		while (take_used(&len) >= 0)
			;
		if (rnd(2))
			restart(false);
		next_id %= RING;
	}
	setup_noted();
	for (int i = 0; i < RING; i++)
		guest_posts(2048, 0);
	for (uint32_t round = 0; round < 400; round++) { /* and one that the guest keeps full */
		m[0] = host_frame(14 + rnd(1000), round);
		CU_ASSERT_EQUAL(vsw_vring_sse.tx_packed(&r, m, 1), 1);
		if (rnd(2))
			restart(true);
		CU_ASSERT(take_used(&len) >= 0);
		guest_posts(2048, 0);
		if (rnd(2))
			restart(true);
		next_id %= RING;
	}
}

/* Killed in the middle of a burst of @n: after its last buffer was noted (@stage 0), entered into the note (1) or
 * written into the ring (2). */
static void killed_busy_at(uint32_t n, int stage, bool written)
{
	uint16_t base, end = 0;
	uint32_t len, shown = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct vring_packed_desc *d = &r.pdesc[r.last_used], before = *d;
		uint16_t next = note.next;

		vsw_packed_used_put(&r, d->id, 100 + i, 1, written);
		end = note.next;
		if (i + 1 == n && stage < 2)
			*d = before;
		if (i + 1 == n && stage < 1)
			end = note.next = next;
	}
	CU_ASSERT_TRUE(next_life(written, &base) || (n == 1 && stage == 0 && base == 0x8000));
	CU_ASSERT_EQUAL(base, end);
	while (take_used(&len) >= 0)
		CU_ASSERT_EQUAL(len, 100 + shown++);
	CU_ASSERT_EQUAL(shown, n - (stage == 0));
	CU_ASSERT_EQUAL_FATAL(vsw_vring_init(&r, base, base), 0);
}

static void killed_busy(void)
{
	for (int k = 0; k < 6; k++) {
		bool written = k % 2;
		uint32_t posted = 0;

		setup_noted();
		for (uint32_t round = 0; round < 200; round++) {
			uint32_t n = 2 + rnd(6), len, given = 0;

			for (; posted < RING; posted++)
				offer_one(buffer(64), 64, written ? VRING_DESC_F_WRITE : 0);
			killed_busy_at(n, k / 2, written);
			posted -= n - (k / 2 == 0);
			/* a quiet one, so that the next crash has something to go by */
			vsw_packed_used_put(&r, r.pdesc[r.last_used].id, 7, 1, written);
			vsw_packed_publish(&r);
			while (take_used(&len) >= 0)
				given++;
			CU_ASSERT_EQUAL(given, 1);
			posted--;
			next_id %= RING;
		}
	}
}

/* The guest resets its adapter while we are dead: nothing noted holds any more. */
static void reset_meanwhile(void)
{
	for (uint32_t used = 1; used < 3 * RING; used++) {
		for (uint32_t posted = 0; posted <= RING; posted += rnd(7) + 1) {
			bool written = used & 1;
			uint16_t base;

			setup_noted();
			for (uint32_t i = 0; i < used; i++) {
				uint32_t len;

				offer_one(buffer(64), 64, written ? VRING_DESC_F_WRITE : 0);
				vsw_packed_used_put(&r, r.pdesc[r.last_used].id, 0, 1, written);
				vsw_packed_publish(&r);
				CU_ASSERT(take_used(&len) >= 0);
				next_id =
					0; /* the most that two lives of a guest can have in common */
			}
			memset(memory, 0, RING * 16);
			next_avail = next_used = 0;
			avail_wrap = used_wrap = true;
			for (uint32_t i = 0; i < posted; i++)
				offer_one(buffer(64), 64, written ? VRING_DESC_F_WRITE : 0);
			CU_ASSERT(!next_life(written, &base) || base == 0x8000);
			CU_ASSERT_EQUAL(base, 0x8000);
		}
	}
}

static void bad_notes(void)
{
	uint16_t base;

	for (int i = 0; i < 20000; i++) {
		setup_noted();
		guest_sends(64, 1, 1, false);
		for (uint32_t k = 0; k < sizeof(note); k++)
			((uint8_t *)&note)[k] = (uint8_t)rnd(256);
		note.size = RING;
		note.shown &= 0x803f;
		note.next &= 0x803f;
		if (next_life(i & 1, &base))
			CU_ASSERT((base & 0x7fff) < RING);
	}
}

static void bad_geometry(void)
{
	setup(true, false);
	CU_ASSERT_EQUAL(vsw_vring_init(&r, RING, 0), -EINVAL);
	CU_ASSERT_EQUAL(vsw_vring_init(&r, 0, 0x8000 | RING), -EINVAL);
	r.size = 0;
	CU_ASSERT_EQUAL(vsw_vring_init(&r, 0, 0), -EINVAL);
	r.size = VSW_VRING_SIZE_MAX + 1;
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
	{"kicks and interrupts asked for and not", events},
	{"a ring handed over goes on where it was", handed_over},
	{"killed between bursts, a next life goes on", killed_idle},
	{"killed in a burst, a next life finishes it", killed_busy},
	{"a guest that resets meanwhile is believed", reset_meanwhile},
	{"notes of rubbish do no harm", bad_notes},
	{"impossible rings are refused", bad_geometry},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("frames", 2048, RTE_MBUF_DEFAULT_BUF_SIZE);
	big_pool = test_pool("super", 32, UINT16_MAX);
	memory = calloc(1, MEMORY + 64);
	return tap_run("vswitch/io/vring_packed", cases, sizeof(cases) / sizeof(cases[0]));
}
