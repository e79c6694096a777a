/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/vsc/gring.h"
#include "vmbus-netvsp/ring.h"

#define PAGES_MAX 130

struct world {
	struct ram ram;
	uint64_t pfns[PAGES_MAX];
	uint8_t *pages[PAGES_MAX];
	struct gring g;
	struct vmb_ring_in in;
	struct vmb_ring_out out;
};

static struct world w;

static void setup(uint32_t n_pages, bool scatter)
{
	struct vmb_mem mem = {ram_map, &w.ram};

	CU_ASSERT_EQUAL_FATAL(ram_init(&w.ram, (PAGES_MAX + 1) * 4096), 0);
	w.ram.scatter = scatter;
	CU_ASSERT_EQUAL_FATAL(ram_alloc(&w.ram, n_pages, w.pfns), 0);
	CU_ASSERT_EQUAL_FATAL(vmb_pages_map(&mem, w.pfns, n_pages, w.pages), 0);
	gring_init(&w.g, &w.ram, w.pfns, n_pages);
	CU_ASSERT_EQUAL_FATAL(vmb_ring_in_init(&w.in, w.pages, n_pages, false), 0);
	CU_ASSERT_EQUAL_FATAL(vmb_ring_out_init(&w.out, w.pages, n_pages, false), 0);
}

static void teardown(void)
{
	ram_done(&w.ram);
}

static void fill(uint8_t *p, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static void write_read_signal(void)
{
	struct vmb_pkt p;
	bool sig;
	uint32_t data[4] = {1, 2, 3, 4};

	setup(3, false);
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), -EAGAIN);
	CU_ASSERT_FALSE(vmb_ring_in_ready(&w.in));
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 1, 0x1122, NULL, 0, data, 16, &sig), 0);
	CU_ASSERT_TRUE(sig); /* nobody masked it, and it was empty */
	CU_ASSERT_TRUE(vmb_ring_in_ready(&w.in));
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 0x1123, NULL, 0, data, 8, &sig), 0);
	CU_ASSERT_FALSE(sig); /* it was not empty */
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	CU_ASSERT_EQUAL(p.type, VMB_PKT_INBAND);
	CU_ASSERT_EQUAL(p.flags, 1);
	CU_ASSERT_EQUAL(p.xid, 0x1122);
	CU_ASSERT_EQUAL(p.payload_size, 16);
	CU_ASSERT_EQUAL(memcmp(p.payload, data, 16), 0);
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	CU_ASSERT_EQUAL(p.xid, 0x1123);
	CU_ASSERT_EQUAL(*gring_word(&w.g, 1), 0); /* space is given back by commit only */
	CU_ASSERT_EQUAL(vmb_ring_in_commit(&w.in, &sig), 0);
	CU_ASSERT_FALSE(sig);
	CU_ASSERT_EQUAL(*gring_word(&w.g, 1), *gring_word(&w.g, 0));
	teardown();
}

static void producer_signals(void)
{
	struct gpkt p;
	bool sig;

	setup(3, false);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 7, NULL, 0, "abc", 3), 0);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &p), -1); /* not before commit */
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_TRUE(sig);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 8, NULL, 0, "abc", 3), 0);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_FALSE(sig);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_FALSE(sig);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &p), 0);
	CU_ASSERT_EQUAL(p.payload_size, 8);
	CU_ASSERT_EQUAL(memcmp(p.payload, "abc\0\0\0\0\0", 8), 0); /* padding is zeros */
	CU_ASSERT_EQUAL(gring_recv(&w.g, &p), 0);
	gring_ack(&w.g);
	*gring_word(&w.g, 2) = 1; /* the reader polls */
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 9, NULL, 0, "abc", 3), 0);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_FALSE(sig);
	teardown();
}

static void masked_reader_gets_no_signal(void)
{
	bool sig;

	setup(3, false);
	vmb_ring_in_mask(&w.in, true);
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 1, NULL, 0, "12345678", 8, &sig), 0);
	CU_ASSERT_FALSE(sig);
	CU_ASSERT_FALSE(vmb_ring_in_arm(&w.in)); /* there is work: must not sleep */
	CU_ASSERT_EQUAL(*gring_word(&w.g, 2), 1);
	struct vmb_pkt p;

	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	CU_ASSERT_EQUAL(vmb_ring_in_commit(&w.in, &sig), 0);
	CU_ASSERT_TRUE(vmb_ring_in_arm(&w.in));
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 1, NULL, 0, "12345678", 8, &sig), 0);
	CU_ASSERT_TRUE(sig);
	teardown();
}

static void pending_send_signals_once(void)
{
	struct vmb_pkt p;
	unsigned int signals = 0, n = 0;
	uint8_t data[1000] = {0};
	bool sig;

	setup(3, false);
	while (!gring_send(&w.g, 6, 0, n, NULL, 0, data, sizeof(data), NULL))
		n++;
	*gring_word(&w.g, 3) = 3000 | 7; /* some guests ask for odd sizes */
	for (unsigned int i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
		CU_ASSERT_EQUAL(vmb_ring_in_commit(&w.in, &sig), 0);
		signals += sig;
		if (sig)
			CU_ASSERT_TRUE(gring_free(&w.g) - 8 >= 3000);
	}
	CU_ASSERT_EQUAL(signals, 1);
	teardown();
}

static void host_waits_for_room(void)
{
	struct gpkt p;
	uint8_t data[1000] = {0};
	bool sig, told = false;
	int n = 0;

	setup(2, false);
	while (!vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, sizeof(data)))
		n++;
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_FALSE(vmb_ring_out_want(&w.out, 2000));
	CU_ASSERT_EQUAL(*gring_word(&w.g, 3), 2000);
	for (int i = 0; i < n; i++) {
		CU_ASSERT_EQUAL(gring_recv(&w.g, &p), 0);
		told |= gring_ack(&w.g);
	}
	CU_ASSERT_TRUE(told);
	CU_ASSERT_TRUE(vmb_ring_out_want(&w.out, 2000));
	CU_ASSERT_EQUAL(*gring_word(&w.g, 3), 0);
	teardown();
}

/* Both directions, each starting offset, contiguous and scattered pages, odd ring sizes. */
static void wrap_everywhere(void)
{
	static const uint32_t pages[] = {2, 3, 4, 128};
	uint8_t ext[24], data[1016];
	struct vmb_pkt p;
	struct gpkt g;
	bool sig;

	for (unsigned int s = 0; s < 8; s++) {
		uint32_t size = (pages[s / 2] - 1) * 4096;
		uint32_t rounds = size / 8 < 3000 ? size / 8 : 3000;
		bool bad = false;

		setup(pages[s / 2], s & 1);
		for (uint32_t i = 0; i < rounds && !bad; i++) {
			uint32_t n = i % sizeof(data) + 1;

			fill(data, n, i);
			fill(ext, sizeof(ext), i + 1);
			bad |= gring_send(&w.g, 9, 1, i, ext, 24, data, n, NULL) != 0;
			bad |= vmb_ring_in_next(&w.in, &p) != 0;
			bad |= p.ext_size != 24 || memcmp(p.ext, ext, 24) != 0;
			bad |= p.payload_size != ((n + 7) & ~7u) || memcmp(p.payload, data, n);
			bad |= p.xid != i;
			bad |= vmb_ring_in_commit(&w.in, &sig) != 0;
		}
		CU_ASSERT_FALSE(bad);
		teardown();
		setup(pages[s / 2], s & 1);
		bad = false;
		for (uint32_t i = 0; i < rounds && !bad; i++) {
			uint32_t n = i % sizeof(data) + 1;

			fill(data, n, i);
			fill(ext, sizeof(ext), i + 1);
			bad |= vmb_ring_out_put(&w.out, 7, 1, i, ext, 24, data, n) != 0;
			vmb_ring_out_commit(&w.out, &sig);
			bad |= gring_recv(&w.g, &g) != 0 || g.xid != i;
			bad |= g.ext_size != 24 || memcmp(g.ext, ext, 24) != 0;
			bad |= memcmp(g.payload, data, n) != 0;
			gring_ack(&w.g);
		}
		CU_ASSERT_FALSE(bad);
		teardown();
	}
}

static void full_ring_is_size_minus_8(void)
{
	uint8_t data[4096] = {0};
	struct gpkt g;
	bool sig;

	setup(2, false);
	CU_ASSERT_EQUAL(vmb_ring_out_room(&w.out), 4096 - 8);
	CU_ASSERT_EQUAL(vmb_ring_need(0, 4096 - 8 - 24), 4096 - 8);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, 4096 - 24), -EAGAIN);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, 4096 - 32), 0);
	CU_ASSERT_EQUAL(vmb_ring_out_room(&w.out), 0);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, NULL, 0), -EAGAIN);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &g), 0);
	gring_ack(&w.g);
	CU_ASSERT_EQUAL(vmb_ring_out_room(&w.out), 4096 - 8);
	setup(4, false);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, VMB_PKT_MAX), -EMSGSIZE);
	teardown();
}

static void bad_write_index(void)
{
	static const uint32_t bad[] = {4, 8192, 8196, 0xfffffff8u, 0xffffffffu, 12289};
	struct vmb_pkt p;
	bool sig;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(3, false);
		*gring_word(&w.g, 0) = bad[i];
		CU_ASSERT_TRUE(vmb_ring_in_ready(&w.in));
		CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), -EPROTO);
		CU_ASSERT_EQUAL(w.in.fault, VMB_FAULT_RING_WRITE_INDEX);
		*gring_word(&w.g, 0) = 0;
		CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), -EPROTO); /* it stays stopped */
		CU_ASSERT_EQUAL(vmb_ring_in_commit(&w.in, &sig), -EPROTO);
		teardown();
	}
}

static void bad_read_index(void)
{
	static const uint32_t bad[] = {4, 8192, 0xfffffff8u, 0xffffffffu, 64, 8184};
	uint8_t data[100] = {0};
	bool sig;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setup(3, false);
		CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, 8), 0);
		vmb_ring_out_commit(&w.out, &sig);
		*gring_word(&w.g, 1) = bad[i]; /* 32 would be true: it read the packet */
		CU_ASSERT_EQUAL(vmb_ring_out_room(&w.out), 0);
		CU_ASSERT_EQUAL(w.out.fault, VMB_FAULT_RING_READ_INDEX);
		CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, 8), -EPROTO);
		teardown();
	}
	setup(3, false);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, data, 8), 0);
	vmb_ring_out_commit(&w.out, &sig);
	*gring_word(&w.g, 1) = 32;
	CU_ASSERT_EQUAL(vmb_ring_out_room(&w.out), 8192 - 8);
	teardown();
}

static void guest_rewrites_our_indices(void)
{
	struct vmb_pkt p;
	struct gpkt g;
	bool sig;

	setup(3, false);
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 5, NULL, 0, "12345678", 8, NULL), 0);
	*gring_word(&w.g, 1) = 4096; /* our read index */
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	CU_ASSERT_EQUAL(p.xid, 5);
	vmb_ring_in_commit(&w.in, &sig);
	CU_ASSERT_EQUAL(*gring_word(&w.g, 1), 32);
	setup(3, false);
	*gring_word(&w.g, 0) = 4096; /* our write index */
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 6, NULL, 0, "12345678", 8), 0);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_EQUAL(*gring_word(&w.g, 0), 32);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &g), 0);
	CU_ASSERT_EQUAL(g.xid, 6);
	teardown();
}

struct desc {
	uint16_t type, off8, len8, flags;
	uint64_t xid;
};

static void put_desc(struct desc d, uint32_t write)
{
	gring_poke(&w.g, 0, &d, 16);
	*gring_word(&w.g, 0) = write;
}

static void bad_descriptors(void)
{
	static const struct {
		struct desc d;
		uint32_t write;
		enum vmb_fault fault;
	} rows[] = {
		{{6, 1, 3, 0, 0}, 32, VMB_FAULT_RING_PACKET}, /* payload inside the descriptor */
		{{6, 0, 3, 0, 0}, 32, VMB_FAULT_RING_PACKET},
		{{6, 4, 3, 0, 0}, 32, VMB_FAULT_RING_PACKET}, /* payload behind the end */
		{{6, 2, 4, 0, 0}, 32, VMB_FAULT_RING_PACKET}, /* longer than what is there */
		{{6, 2, 1, 0, 0}, 32, VMB_FAULT_RING_PACKET},
		{{6, 2, 2, 0, 0}, 16, VMB_FAULT_RING_PACKET}, /* no room for the trailer */
		{{6, 2, 2, 0, 0}, 8, VMB_FAULT_RING_PACKET},
		{{6, 2, 0xffff, 0, 0}, 8184, VMB_FAULT_RING_PACKET},
		{{6, 0xffff, 0xffff, 0, 0}, 8184, VMB_FAULT_RING_PACKET},
		{{0, 2, 3, 0, 0}, 32, VMB_FAULT_RING_TYPE},
		{{8, 2, 3, 0, 0}, 32, VMB_FAULT_RING_TYPE},
		{{12, 2, 3, 0, 0}, 32, VMB_FAULT_RING_TYPE},
		{{0xffff, 2, 3, 0, 0}, 32, VMB_FAULT_RING_TYPE},
		{{6, 2, 2, 0xfffe, 0}, 24, VMB_FAULT_NONE}, /* unknown flags are ignored */
	};
	struct vmb_pkt p;

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(3, false);
		put_desc(rows[i].d, rows[i].write);
		CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), rows[i].fault ? -EPROTO : 0);
		CU_ASSERT_EQUAL(w.in.fault, rows[i].fault);
		teardown();
	}
	setup(4, false); /* fits the ring, but larger than a packet may be */
	put_desc((struct desc){6, 2, VMB_PKT_MAX / 8 + 1, 0, 0}, 12280);
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), -EPROTO);
	CU_ASSERT_EQUAL(w.in.fault, VMB_FAULT_RING_PACKET);
	teardown();
}

/* QEMU checked a packet's page ranges in the ring and used them from there, where the guest writes. */
static void copied_before_checked(void)
{
	struct vmb_pkt p;

	setup(3, false);
	CU_ASSERT_EQUAL(gring_send(&w.g, 9, 1, 9, "ranges..", 8, "abcdefgh", 8, NULL), 0);
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	gring_poke(&w.g, 0, "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX", 40);
	CU_ASSERT_EQUAL(memcmp(p.ext, "ranges..", 8), 0);
	CU_ASSERT_EQUAL(memcmp(p.payload, "abcdefgh", 8), 0);
	CU_ASSERT_TRUE(p.type == 9 && p.xid == 9 && p.ext_size == 8 && p.payload_size == 8);
	teardown();
}

static void ring_sizes(void)
{
	setup(3, false);
	CU_ASSERT_EQUAL(vmb_ring_in_init(&w.in, w.pages, 1, false), -EINVAL);
	CU_ASSERT_EQUAL(vmb_ring_in_init(&w.in, w.pages, 0, false), -EINVAL);
	CU_ASSERT_EQUAL(vmb_ring_out_init(&w.out, w.pages, 1, false), -EINVAL);
	*gring_word(&w.g, 1) = 8192;
	CU_ASSERT_EQUAL(vmb_ring_in_init(&w.in, w.pages, 3, true), -EINVAL);
	*gring_word(&w.g, 0) = 3;
	CU_ASSERT_EQUAL(vmb_ring_out_init(&w.out, w.pages, 3, true), -EINVAL);
	teardown();
}

static void resume_goes_on(void)
{
	struct vmb_ring_in *in2 = malloc(sizeof(*in2));
	struct vmb_ring_out out2;
	struct vmb_pkt p;
	struct gpkt g;
	bool sig;

	setup(3, true);
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 1, NULL, 0, "12345678", 8, NULL), 0);
	CU_ASSERT_EQUAL(gring_send(&w.g, 6, 0, 2, NULL, 0, "12345678", 8, NULL), 0);
	CU_ASSERT_EQUAL(vmb_ring_in_next(&w.in, &p), 0);
	vmb_ring_in_commit(&w.in, &sig);
	CU_ASSERT_EQUAL(vmb_ring_in_init(in2, w.pages, 3, true), 0);
	CU_ASSERT_EQUAL(vmb_ring_in_next(in2, &p), 0);
	CU_ASSERT_EQUAL(p.xid, 2);
	setup(3, true);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&w.out, 6, 0, 1, NULL, 0, "x", 1), 0);
	vmb_ring_out_commit(&w.out, &sig);
	CU_ASSERT_EQUAL(vmb_ring_out_init(&out2, w.pages, 3, true), 0);
	CU_ASSERT_EQUAL(vmb_ring_out_put(&out2, 6, 0, 2, NULL, 0, "x", 1), 0);
	vmb_ring_out_commit(&out2, &sig);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &g), 0);
	gring_ack(&w.g);
	CU_ASSERT_EQUAL(vmb_ring_out_room(&out2), 8192 - 8 - 32);
	CU_ASSERT_EQUAL(gring_recv(&w.g, &g), 0);
	CU_ASSERT_EQUAL(g.xid, 2);
	teardown();
	free(in2);
}

/* Two threads that sleep whenever the protocol lets them: a lost wake-up ends in the time limit. */
#define STRESS 200000u

static sem_t to_host, to_guest;
static bool guest_bad;

static bool wait_for(sem_t *s)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 20;
	return !sem_timedwait(s, &t);
}

static void *guest_thread(void *arg)
{
	uint32_t sent = 0;
	bool sig;

	while (sent < STRESS && !guest_bad) {
		if (!gring_send(&w.g, 6, 0, sent, NULL, 0, "12345678abcdefgh", 16, &sig)) {
			sent++;
			if (sig)
				sem_post(&to_host);
			continue;
		}
		*gring_word(&w.g, 3) = 2048; /* full: ask for room, look again, sleep */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (gring_free(&w.g) <= 2056)
			guest_bad |= !wait_for(&to_guest);
		*gring_word(&w.g, 3) = 0;
	}
	return arg;
}

static void no_wakeup_is_lost(void)
{
	struct vmb_pkt p;
	uint64_t next = 0;
	bool sig, bad = false;
	pthread_t t;

	setup(3, false);
	sem_init(&to_host, 0, 0);
	sem_init(&to_guest, 0, 0);
	guest_bad = false;
	CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, guest_thread, NULL), 0);
	while (next < STRESS && !bad) {
		unsigned int n = 0;

		while (n < 7 && !vmb_ring_in_next(&w.in, &p)) {
			bad |= p.xid != next++ || memcmp(p.payload, "12345678abcdefgh", 16);
			n++;
		}
		bad |= vmb_ring_in_commit(&w.in, &sig) != 0;
		if (sig)
			sem_post(&to_guest);
		if (!n && vmb_ring_in_arm(&w.in)) {
			bad |= !wait_for(&to_host);
			vmb_ring_in_mask(&w.in, true);
		}
	}
	CU_ASSERT_FALSE(bad);
	guest_bad |= bad;
	sem_post(&to_guest);
	pthread_join(t, NULL);
	CU_ASSERT_EQUAL(next, STRESS);
	CU_ASSERT_EQUAL(w.in.fault, VMB_FAULT_NONE);
	teardown();
}

static void fault_texts(void)
{
	for (int i = 0; i < VMB_FAULT_N; i++) {
		CU_ASSERT_TRUE(strlen(vmb_fault_doc((enum vmb_fault)i)) > 10);
		for (int k = 0; k < i; k++)
			CU_ASSERT_STRING_NOT_EQUAL(vmb_fault_text((enum vmb_fault)i),
						   vmb_fault_text((enum vmb_fault)k));
	}
	CU_ASSERT_STRING_EQUAL(vmb_fault_text(VMB_FAULT_N), "unknown");
}

static const struct tap_case cases[] = {
	{"write, read, signal on empty only", write_read_signal},
	{"producer signals an unmasked empty reader once", producer_signals},
	{"a masked reader gets no signal, arming looks again", masked_reader_gets_no_signal},
	{"pending_send_sz signals exactly once at the crossing", pending_send_signals_once},
	{"a blocked host asks for room and is told", host_waits_for_room},
	{"wraps at every 8-byte position, odd sizes, scattered pages", wrap_everywhere},
	{"a full ring holds size - 8", full_ring_is_size_minus_8},
	{"a bad write index stops the ring for good", bad_write_index},
	{"a bad read index stops the ring", bad_read_index},
	{"a guest that rewrites our indices changes nothing", guest_rewrites_our_indices},
	{"malformed descriptors and unknown types have named faults", bad_descriptors},
	{"old bug: a packet is copied before it is checked", copied_before_checked},
	{"rings that are too small or resume at nonsense are refused", ring_sizes},
	{"a resumed ring goes on where it was", resume_goes_on},
	{"two threads that sleep: no wake-up is lost", no_wakeup_is_lost},
	{"every fault has a unique text and an explanation", fault_texts},
};

TAP_MAIN("vmbus-netvsp/ring", cases)
