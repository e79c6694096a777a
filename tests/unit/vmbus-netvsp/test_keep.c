/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A host that is killed at any instruction and goes on from its notes. The host is a child process
 * that gets SIGKILL under traffic; the guest, in this process, checks every promise the host ever made: each send
 * completed once, each delivery whole and in order, no suballocation given twice.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/vmbus-netvsp/nic_world.h"

#define CHANS    3u
#define SECTIONS 32u /* sends of a channel under way */
#define BURST    8u
#define SIZE     200u

static void *keep;

/* Shared with the host process: what it counts, and survives it. */
static struct shared {
	uint32_t tx_next[CHANS]; /* number of the next frame to the guest */
	uint32_t bad_frames;     /* frames from the guest that were not what was sent */
	uint32_t resumes;
} * sh;

static struct guest_chan {
	uint32_t rx_last; /* number of the last frame seen */
	bool section_busy[SECTIONS];
	uint32_t n_sent, n_done;
	uint64_t held[64];
	uint32_t held_ids[64][BURST], n_held_ids[64];
	uint32_t n_held;
} gc[CHANS];
static uint8_t *id_busy; /* suballocations with the guest */

static bool short_ways; /* that plain frames take */

static void world_up(void)
{
	struct nvsp_cfg cfg = nic_cfg;

	keep = mmap(NULL, NVSP_KEEP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	sh = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CU_ASSERT_FATAL(keep != MAP_FAILED && sh != MAP_FAILED);
	memset(gc, 0, sizeof(gc));
	cfg.keep = keep;
	CU_ASSERT_EQUAL_FATAL(vsc_init(&v, &cfg), 0);
	v.together = short_ways;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
	CU_ASSERT_EQUAL_FATAL(vsc_subchannels(&v, CHANS - 1), CHANS - 1);
	id_busy = calloc(v.n_suballocs, 1);
	nvsp_dev_destroy(v.dev); /* as when the process ends: nothing is closed */
	v.dev = NULL;
}

static void world_down(void)
{
	vsc_done(&v);
	free(id_busy);
	munmap(keep, NVSP_KEEP_SIZE);
	munmap(sh, 4096);
}

/* ---- the host ---- */

static void no_signal(void *ctx, void *priv)
{
}

static void no_event(void *ctx, const struct nvsp_event *ev)
{
	if (ev->kind == NVSP_EV_FAULT) {
		printf("# fault on %td: %s\n", (ptrdiff_t)0, vmb_fault_text(ev->fault));
		fflush(stdout);
		_exit(4);
	}
}

static const struct nvsp_ops host_ops = {no_signal, no_event, NULL};

static struct nvsp_dev *host_new(void)
{
	struct nvsp_cfg cfg = nic_cfg;
	struct nvsp_dev *dev;

	cfg.keep = keep;
	dev = nvsp_dev_create(&cfg, &v.mem, &host_ops, NULL);
	for (uint32_t i = 0; i < CHANS; i++)
		nvsp_gpadl_add(dev, v.chan[i].gpadl, v.chan[i].pfns, v.chan[i].n_pages, NULL);
	nvsp_gpadl_add(dev, v.recv_gpadl, v.recv_pfns, v.recv_pages, NULL);
	nvsp_gpadl_add(dev, v.send_gpadl, v.send_pfns, v.send_pages, NULL);
	return dev;
}

static void host_takes(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs, unsigned int n)
{
	uint8_t got[SIZE], want[SIZE];
	uint32_t off = 0, seed;

	for (unsigned int i = 0; i < n && off + segs[i].size <= SIZE; i++) {
		memcpy(got + off, segs[i].ptr, segs[i].size);
		off += segs[i].size;
	}
	memcpy(&seed, got, 4);
	pattern(want, SIZE, seed);
	memcpy(want, &seed, 4);
	if (off != SIZE || memcmp(got, want, SIZE))
		sh->bad_frames++;
}

static void host_takes_plain(void *ctx, const struct nvsp_seg *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		host_takes(ctx, NULL, &frames[i], 1);
}

static const struct nvsp_sink sink = {.frame = host_takes, .plain = host_takes_plain};

static void host_sends(struct nvsp_dev *dev, uint32_t chan, uint32_t n)
{
	static uint8_t data[BURST][SIZE];
	struct nvsp_tx tx[BURST];
	struct nvsp_seg segs[BURST];
	uint32_t number;

	for (uint32_t i = 0; i < n; i++) {
		number = sh->tx_next[chan] + i;
		pattern(data[i], SIZE, number);
		memcpy(data[i], &number, 4);
		segs[i] = (struct nvsp_seg){data[i], SIZE};
		tx[i] = (struct nvsp_tx){.f = {.size = SIZE}, .segs = &segs[i], .n_segs = 1};
	}
	if (short_ways)
		sh->tx_next[chan] += nvsp_tx_plain(nvsp_dev_chan(dev, chan), segs, n);
	else
		sh->tx_next[chan] += nvsp_tx_burst(nvsp_dev_chan(dev, chan), tx, n);
}

static void host_life(uint32_t seed)
{
	struct nvsp_dev *dev = host_new();

	if (nvsp_dev_resume(dev))
		_exit(3);
	sh->resumes++;
	for (uint32_t i = seed;; i++) {
		nvsp_rx_burst(nvsp_dev_chan(dev, i % CHANS), 32, &sink, NULL);
		host_sends(dev, i % CHANS, 1 + i % BURST);
	}
}

/* ---- the guest ---- */

static void guest_sends(uint32_t chan)
{
	struct guest_chan *g = &gc[chan];
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {.channel = NVSP_CHANNEL_DATA}};
	uint8_t data[SIZE], msg[SIZE + 64];
	uint32_t s, section, off, number = g->n_sent;

	for (s = 0; s < SECTIONS && g->section_busy[s]; s++)
		;
	if (s == SECTIONS)
		return;
	section = chan * SECTIONS % 24 + s % 8; /* few sections: three channels, eight each */
	if (s >= 8)
		return;
	pattern(data, SIZE, number);
	memcpy(data, &number, 4);
	m.rndis.section = section;
	m.rndis.section_used = vsc_packet(msg, NULL, 0, data, SIZE);
	off = section * v.section;
	for (uint32_t i = 0; i < m.rndis.section_used; i++, off++)
		((uint8_t *)ram_pfn(&v.ram, v.send_pfns[off / 4096]))[off % 4096] = msg[i];
	if (gring_send(&v.chan[chan].out, VMB_PKT_INBAND, 1, (uint64_t)chan << 32 | s, NULL, 0, &m,
		       v.nvsp_size, NULL))
		return;
	g->section_busy[s] = true;
	g->n_sent++;
}

static uint32_t recv_byte(uint32_t off)
{
	return ((uint8_t *)ram_pfn(&v.ram, v.recv_pfns[off / 4096]))[off % 4096];
}

static void check_frame(uint32_t chan, uint32_t off, uint32_t size)
{
	struct guest_chan *g = &gc[chan];
	uint8_t got[SIZE], want[SIZE];
	uint32_t number, data_off = 0;

	for (int i = 0; i < 4; i++)
		data_off |= recv_byte(off + 8 + (uint32_t)i) << (8 * i);
	CU_ASSERT_TRUE_FATAL(data_off + 8 + SIZE <= size);
	for (uint32_t i = 0; i < SIZE; i++)
		got[i] = (uint8_t)recv_byte(off + 8 + data_off + i);
	memcpy(&number, got, 4);
	pattern(want, SIZE, number);
	memcpy(want, &number, 4);
	CU_ASSERT_EQUAL_FATAL(memcmp(got, want, SIZE), 0);
	/* never one missing; the last burst of a life may come twice */
	CU_ASSERT_TRUE_FATAL(number <= g->rx_last + 1 && number + BURST > g->rx_last);
	g->rx_last = number;
}

static void guest_acks(uint32_t chan, uint32_t index)
{
	struct guest_chan *g = &gc[chan];
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS_COMPLETE};

	m.complete.status = NVSP_STATUS_SUCCESS;
	for (uint32_t i = 0; i < g->n_held_ids[index]; i++)
		id_busy[g->held_ids[index][i]] = 0;
	if (gring_send(&v.chan[chan].out, VMB_PKT_COMPLETION, 0, g->held[index], NULL, 0, &m,
		       v.nvsp_size, NULL)) {
		for (uint32_t i = 0; i < g->n_held_ids[index]; i++)
			id_busy[g->held_ids[index][i]] = 1;
		return;
	}
	g->n_held--;
	g->held[index] = g->held[g->n_held];
	g->n_held_ids[index] = g->n_held_ids[g->n_held];
	memcpy(g->held_ids[index], g->held_ids[g->n_held], sizeof(g->held_ids[0]));
}

static void on_delivery(uint32_t chan, const struct gpkt *p)
{
	struct guest_chan *g = &gc[chan];
	uint32_t n, r[2];

	memcpy(&n, p->ext + 4, 4);
	CU_ASSERT_TRUE_FATAL(n <= BURST && g->n_held < 64);
	g->held[g->n_held] = p->xid;
	g->n_held_ids[g->n_held] = n;
	for (uint32_t i = 0; i < n; i++) {
		memcpy(r, p->ext + 8 + 8 * i, 8);
		CU_ASSERT_EQUAL_FATAL(id_busy[r[1] / v.suballoc], 0); /* still ours to read! */
		id_busy[r[1] / v.suballoc] = 1;
		g->held_ids[g->n_held][i] = r[1] / v.suballoc;
		check_frame(chan, r[1], r[0]);
	}
	g->n_held++;
}

static void guest_reads(uint32_t chan)
{
	struct guest_chan *g = &gc[chan];
	static struct gpkt p;
	int r;

	while (g->n_held < 40 && !(r = gring_recv(&v.chan[chan].in, &p))) {
		if (p.type == VMB_PKT_XFER) {
			on_delivery(chan, &p);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(p.type, VMB_PKT_COMPLETION);
		CU_ASSERT_EQUAL_FATAL(p.xid >> 32, chan);
		CU_ASSERT_TRUE_FATAL(g->section_busy[p.xid & 31]); /* once each */
		g->section_busy[p.xid & 31] = false;
		g->n_done++;
	}
	gring_ack(&v.chan[chan].in);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void guest_works(uint64_t for_us, bool send)
{
	uint64_t end = now_us() + for_us;

	for (uint32_t i = 0; now_us() < end; i++) {
		uint32_t chan = i % CHANS;

		guest_reads(chan);
		if (send)
			guest_sends(chan);
		while (gc[chan].n_held > (send ? i % 7 : 0)) {
			uint32_t before = gc[chan].n_held;

			guest_acks(chan, i % before);
			if (gc[chan].n_held == before)
				break;
		}
	}
}

static void killed(uint32_t lives)
{
	uint32_t done = 0, deliveries = 0;

	world_up();
	for (uint32_t life = 0; life < lives; life++) {
		uint32_t before = sh->resumes;
		pid_t child = fork();
		int status = 0;

		if (!child)
			host_life(life);
		CU_ASSERT_TRUE_FATAL(child > 0);
		/* one in four may die while it still goes on from the last one's notes */
		for (int i = 0;
		     life % 4 && i < 2000 && *(volatile uint32_t *)&sh->resumes == before; i++)
			guest_works(500, true);
		guest_works(300 + life * 37 % 1100, true);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CU_ASSERT_TRUE_FATAL(WIFSIGNALED(status)); /* it could go on each time */
	}
	CU_ASSERT_TRUE(sh->resumes >= lives * 3 / 4);
	CU_ASSERT_EQUAL(sh->bad_frames, 0);
	for (uint32_t i = 0; i < CHANS; i++) {
		done += gc[i].n_done;
		deliveries += gc[i].rx_last;
	}
	printf("# %u lives, %u sends completed, %u frames delivered\n", sh->resumes, done,
	       deliveries);
	CU_ASSERT_TRUE(done > 1000 && deliveries > 1000);
	/* in peace everything comes back */
	struct nvsp_info info;

	v.dev = host_new();
	CU_ASSERT_EQUAL_FATAL(nvsp_dev_resume(v.dev), 0);
	for (int i = 0; i < 2000; i++) {
		for (uint32_t k = 0; k < CHANS; k++)
			nvsp_rx_burst(nvsp_dev_chan(v.dev, k), 32, &sink, NULL);
		guest_works(1, false);
	}
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	for (uint32_t i = 0; i < CHANS; i++)
		CU_ASSERT_EQUAL(gc[i].n_done, gc[i].n_sent);
	world_down();
}

static void killed_at_any_moment(void)
{
	killed(120);
}

static void killed_on_short_ways(void)
{
	short_ways = true;
	killed(120);
	short_ways = false;
}

static void nothing_to_go_on_from(void)
{
	struct nvsp_dev *dev;

	world_up();
	memset(keep, 0, 4);
	dev = host_new();
	CU_ASSERT_EQUAL(nvsp_dev_resume(dev), -ENOTSUP);
	nvsp_dev_destroy(dev);
	world_down();
}

/* The driver closes properly: the next device finds nothing to go on with. */
static void closed_is_closed(void)
{
	world_up();
	v.dev = host_new();
	CU_ASSERT_EQUAL_FATAL(nvsp_dev_resume(v.dev), 0);
	CU_ASSERT_EQUAL(nvsp_dev_resume(v.dev), -EBUSY);
	nvsp_chan_close(v.dev, 0);
	nvsp_dev_destroy(v.dev);
	v.dev = host_new();
	CU_ASSERT_NOT_EQUAL(nvsp_dev_resume(v.dev), 0);
	world_down();
}

/* Notes with each word spoilt: refused or taken, never a crash, and what was taken works. */
static void notes_that_lie(void)
{
	static uint8_t good[NVSP_KEEP_SIZE];
	uint32_t taken = 0, refused = 0;
	uint8_t *k;

	world_up();
	k = keep;
	memcpy(good, keep, sizeof(good));
	for (uint32_t off = 0; off < NVSP_KEEP_SIZE; off += off < 9000 ? 4 : 1004) {
		struct nvsp_dev *dev;

		k[off] ^= 0x81;
		dev = host_new();
		if (nvsp_dev_resume(dev)) {
			refused++;
		} else {
			taken++;
			for (uint32_t i = 0; i < CHANS; i++) {
				nvsp_rx_burst(nvsp_dev_chan(dev, i), 32, &sink, NULL);
				host_sends(dev, i, 4);
			}
		}
		nvsp_dev_destroy(dev);
		memcpy(keep, good, sizeof(good));
		/* what it delivered never was: the guest's words as before */
		for (uint32_t i = 0; i < CHANS; i++) {
			*gring_word(&v.chan[i].in, 0) = v.chan[i].in.read;
			*gring_word(&v.chan[i].in, 1) = v.chan[i].in.read;
			*gring_word(&v.chan[i].out, 1) = *gring_word(&v.chan[i].out, 0);
		}
	}
	printf("# taken %u, refused %u\n", taken, refused);
	CU_ASSERT_TRUE(taken > 10 && refused > 10);
	world_down();
}

static const struct tap_case cases[] = {
	{"killed at any moment under traffic, 120 times", killed_at_any_moment},
	{"the same with the short ways that plain frames take", killed_on_short_ways},
	{"without notes there is nothing to go on from", nothing_to_go_on_from},
	{"closed is closed", closed_is_closed},
	{"notes with each word spoilt", notes_that_lie},
};

TAP_MAIN("vmbus-netvsp/keep", cases)
