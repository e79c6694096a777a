/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A property: the short ways that most frames take do what the long ways do. Random messages of a guest are
 * served once with a sink that takes plain frames and once with one that does not; random frames are given to
 * the guest once as plain ones and once as any others. What comes out, and what is counted, is the same.
 */
#include "tests/unit/vmbus-netvsp/nic_world.h"

#define ROUNDS   1500
#define SECTION  NVSP_SECTION_SIZE
#define MESSAGES 7
#define KEEP     256
#define BURST    70

struct seen {
	uint32_t size, flags, tci;
	uint32_t sum;
};

static struct seen seen[2][KEEP];
static unsigned int n_seen[2], way;
static uint64_t n_plain, n_frame, n_bad;
static uint64_t state = 7;

static uint32_t rnd(uint32_t below)
{
	state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(state >> 33) % below;
}

static void see(const struct nvsp_frame *f, const struct nvsp_seg *segs, unsigned int n)
{
	struct seen s = {f->size, f->flags, f->vlan_tci, 0};
	uint32_t size = 0;

	for (unsigned int i = 0; i < n; i++) {
		for (uint32_t k = 0; k < segs[i].size; k++)
			s.sum = s.sum * 31 + segs[i].ptr[k];
		size += segs[i].size;
	}
	CU_ASSERT_EQUAL(size, f->size);
	CU_ASSERT_FATAL(n_seen[way] < KEEP);
	seen[way][n_seen[way]++] = s;
}

static void take_frame(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs, unsigned int n)
{
	see(f, segs, n);
	n_frame += way;
}

static void take_plain(void *ctx, const struct nvsp_seg *frames, unsigned int n)
{
	uint8_t all[NVSP_SECTION_SIZE + NVSP_SLACK];

	CU_ASSERT_TRUE(n && n <= NVSP_PLAIN_MAX);
	for (unsigned int i = 0; i < n; i++) {
		struct nvsp_frame f = {.size = frames[i].size};

		memcpy(all, frames[i].ptr, frames[i].size + NVSP_SLACK); /* memory that is there */
		see(&f, &frames[i], 1);
	}
	n_plain += n;
}

static const struct nvsp_sink sinks[2] = {{.frame = take_frame},
					  {.frame = take_frame, .plain = take_plain}};

/* One RNDIS message, now and then not as it should be. Return: its size. */
static uint32_t put_message(uint8_t *to, uint32_t room)
{
	static const uint8_t values[] = {0, 1, 8, 35, 36, 37, 43, 44, 45, 255};
	uint8_t data[2000], ppi[16] = {16, 0, 0, 0, RNDIS_PPI_VLAN, 0, 0, 0, 12, 0, 0, 0, 0x25};
	uint32_t size = rnd(3) ? 60 + rnd(10) : rnd(8) ? 14 + rnd(1505) : rnd(1600), n;

	if (size + 100 > room)
		size = room - 100;
	pattern(data, size, rnd(256));
	n = vsc_packet(to, ppi, rnd(6) ? 0 : 16, data, size);
	if (rnd(4)) { /* padded, as the driver does */
		n = (n + 7) & ~7u;
		memcpy(to + 4, &n, 4);
	}
	if (!rnd(25)) {
		uint32_t word = rnd(2) ? values[rnd(sizeof(values))] : rnd(UINT32_MAX);

		memcpy(to + rnd(11) * 4, &word, 4);
	}
	return n;
}

static uint32_t put_section(uint8_t *to)
{
	uint32_t n = rnd(4) ? rnd(10) : rnd(40), used = 0;

	for (uint32_t i = 0; i < n && used + 200 < SECTION; i++)
		used += put_message(to + used, SECTION - used);
	if (!rnd(20)) /* cut, or longer than what was written */
		used = rnd(2) ? used - rnd(used < 60 ? used + 1 : 60) : rnd(SECTION + 100);
	return used;
}

struct packed {
	uint32_t section, used, flags;
};

static uint8_t sections[MESSAGES][SECTION];

/* Send the messages, serve them with sink @which, and give what was counted. */
static struct nvsp_stats serve_with(unsigned int which, const struct packed *p, unsigned int n)
{
	struct nvsp_chan *c = nvsp_dev_chan(v.dev, 0);
	struct nvsp_stats before, after;

	way = which;
	n_seen[way] = 0;
	nvsp_chan_stats(c, &before);
	for (unsigned int i = 0; i < n; i++) {
		struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
					  .rndis = {NVSP_CHANNEL_DATA, p[i].section, p[i].used}};
		uint32_t off = p[i].section * SECTION;

		for (uint32_t k = 0; k < SECTION; k++, off++)
			((uint8_t *)ram_pfn(&v.ram, v.send_pfns[off / 4096]))[off % 4096] =
				sections[i][k];
		gring_send(&v.chan[0].out, VMB_PKT_INBAND, (uint16_t)p[i].flags, i, NULL, 0, &m,
			   p[i].flags ? 40 : 32, NULL);
	}
	for (unsigned int i = 0; i < 4 * MESSAGES; i++) {
		unsigned int max = 32 + rnd(33);

		CU_ASSERT_TRUE(nvsp_rx_burst(c, max, &sinks[which], NULL) <= max);
	}
	vsc_guest_poll(&v, 0);
	nvsp_chan_stats(c, &after);
	after.rx_frames -= before.rx_frames;
	after.rx_bytes -= before.rx_bytes;
	after.rx_bad -= before.rx_bad;
	return after;
}

/* Buffers in one piece, as the switch maps them; else there is no short way. */
static void start_together(void)
{
	nic_init();
	v.together = true;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
}

static void from_the_guest(void)
{
	uint32_t last;

	start_together();
	last = v.send_pages * 4096 / SECTION - 1;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct packed p[MESSAGES];
		unsigned int n = 1 + rnd(MESSAGES), done[2], status[2];
		struct nvsp_stats st[2];

		for (unsigned int i = 0; i < n; i++)
			p[i] = (struct packed){.section =
						       (last + MESSAGES - i + round) % (last + 1),
					       .used = put_section(sections[i]),
					       .flags = rnd(9) != 0};
		for (unsigned int k = 0; k < 2; k++) {
			unsigned int before = v.n_tx_done;

			st[k] = serve_with(k, p, n);
			done[k] = v.n_tx_done - before;
			status[k] = v.last_tx_status;
		}
		CU_ASSERT_EQUAL(done[0], done[1]);
		CU_ASSERT_EQUAL(status[0], status[1]);
		CU_ASSERT_EQUAL(st[0].rx_frames, st[1].rx_frames);
		CU_ASSERT_EQUAL(st[0].rx_bytes, st[1].rx_bytes);
		CU_ASSERT_EQUAL(st[0].rx_bad, st[1].rx_bad);
		n_bad += st[0].rx_bad;
		CU_ASSERT_EQUAL_FATAL(n_seen[0], n_seen[1]);
		CU_ASSERT_EQUAL_FATAL(memcmp(seen[0], seen[1], n_seen[0] * sizeof(seen[0][0])), 0);
	}
	printf("# %lu plain frames, %lu others, %lu malformed messages\n", n_plain, n_frame, n_bad);
	CU_ASSERT_TRUE(n_plain > 10000 && n_frame > 1000 && n_bad > 300);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

/* What the guest got since @from. */
static void note_guest(unsigned int from)
{
	n_seen[way] = 0;
	for (unsigned int i = from; i < v.n_guest_rx; i++) {
		const struct vsc_frame *g = &v.guest_rx[i % VSC_KEEP];
		struct nvsp_frame f = {.size = g->size};
		struct nvsp_seg s = {g->data, g->size};

		CU_ASSERT_TRUE(g->csum == ~0u && g->vlan == ~0u && g->hash == ~0u && !g->rsc);
		see(&f, &s, 1);
	}
}

static uint32_t random_size(void)
{
	static const uint32_t odd[] = {0,  13,  14,  15,  60,   63,   64,
				       65, 127, 128, 129, 1514, 1515, 3000};

	return rnd(4) ? 14 + rnd(1501) : odd[rnd(sizeof(odd) / sizeof(odd[0]))];
}

static void to_the_guest(bool together)
{
	static uint8_t data[BURST][3000];
	struct nvsp_chan *c;

	nic_init();
	v.together = together;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
	c = nvsp_dev_chan(v.dev, 0);
	for (unsigned int round = 0; round < ROUNDS / 3; round++) {
		unsigned int n = 1 + rnd(BURST), taken[2];
		struct nvsp_stats before, st[2];
		struct nvsp_seg segs[BURST];
		struct nvsp_tx tx[BURST];

		for (unsigned int i = 0; i < n; i++) {
			segs[i] = (struct nvsp_seg){data[i], random_size()};
			tx[i] = (struct nvsp_tx){{.size = segs[i].size}, &segs[i], 1};
			pattern(data[i], segs[i].size, rnd(256));
		}
		v.hold_acks = !rnd(5); /* until the buffer is full */
		for (way = 0; way < 2; way++) {
			unsigned int from = v.n_guest_rx;

			nvsp_chan_stats(c, &before);
			taken[way] = way ? nvsp_tx_plain(c, segs, n) : nvsp_tx_burst(c, tx, n);
			vsc_guest_poll(&v, 0);
			note_guest(from);
			nvsp_chan_stats(c, &st[way]);
			st[way].tx_frames -= before.tx_frames;
			st[way].tx_bytes -= before.tx_bytes;
			st[way].tx_big -= before.tx_big;
			vsc_ack_held(&v);
			vsc_host_poll(&v, 0);
		}
		CU_ASSERT_EQUAL(taken[0], taken[1]);
		CU_ASSERT_EQUAL(st[0].tx_frames, st[1].tx_frames);
		CU_ASSERT_EQUAL(st[0].tx_bytes, st[1].tx_bytes);
		CU_ASSERT_EQUAL(st[0].tx_big, st[1].tx_big);
		CU_ASSERT_EQUAL_FATAL(n_seen[0], n_seen[1]);
		CU_ASSERT_EQUAL_FATAL(memcmp(seen[0], seen[1], n_seen[0] * sizeof(seen[0][0])), 0);
	}
	way = 0;
	nic_done();
}

static void to_the_guest_in_one_piece(void)
{
	to_the_guest(true);
}

static void to_the_guest_in_pages(void)
{
	to_the_guest(false);
}

/* As bursts_and_backpressure of test_data.c, the short way: all that fits, no more, and again when it is back. */
static void no_room_left(void)
{
	static struct nvsp_seg segs[1024];
	static uint8_t data[64];
	struct nvsp_chan *c;
	struct nvsp_info info;
	struct nvsp_stats st;
	struct vsc_up up = nic_up;
	unsigned int ids, n = 0;

	start_together();
	c = nvsp_dev_chan(v.dev, 0);
	nvsp_dev_info(v.dev, &info);
	ids = info.recv_suballocs - 16;
	for (unsigned int i = 0; i < 1024; i++)
		segs[i] = (struct nvsp_seg){data, 64};
	v.hold_acks = true;
	CU_ASSERT_EQUAL(nvsp_tx_plain(c, segs, 1024), ids);
	CU_ASSERT_EQUAL(nvsp_tx_plain(c, segs, 10), 0);
	nvsp_chan_stats(c, &st);
	CU_ASSERT_EQUAL(st.tx_no_buffer, 2);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_guest_rx, ids);
	vsc_ack_held(&v);
	vsc_host_poll(&v, 0);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	CU_ASSERT_EQUAL(nvsp_tx_plain(c, segs, 10), 10);
	nic_done();

	nic_init();
	v.together = true;
	up.ring_pages = 2;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &up), 0);
	c = nvsp_dev_chan(v.dev, 0);
	while (nvsp_tx_plain(c, segs, 1) == 1 && n < 1000)
		n++;
	CU_ASSERT_TRUE(n > 30 && n < 60);
	nvsp_chan_stats(c, &st);
	CU_ASSERT_EQUAL(st.tx_no_ring, 1);
	CU_ASSERT_EQUAL(vsc_send(&v, 0, data, 60, NULL, 0), 0); /* control still has room */
	CU_ASSERT_EQUAL(v.n_guest_rx, n);
	CU_ASSERT_EQUAL(nvsp_tx_plain(c, segs, 1), 1);
	nic_done();
}

/* The guest hears how far we have read rarely while there is traffic, and always when there is none. */
static void read_index_is_told_in_time(void)
{
	uint8_t msg[200], frame[60] = {0};
	struct nvsp_chan *c;
	uint32_t size, ring;

	start_together();
	c = nvsp_dev_chan(v.dev, 0);
	ring = 15 * 4096;
	size = vsc_packet(msg, NULL, 0, frame, sizeof(frame));
	for (unsigned int i = 0; i < 2000; i++) {
		CU_ASSERT_EQUAL_FATAL(vsc_send_raw(&v, 0, msg, size, 1), 0);
		CU_ASSERT_EQUAL(nvsp_rx_burst(c, 32, &sinks[1], NULL), 1);
		way = 1;
		n_seen[1] = 0;
		vsc_guest_poll(&v, 0);
		/* never more than a sixteenth behind, a packet apart */
		CU_ASSERT_TRUE(
			(*gring_word(&v.chan[0].out, 0) + ring - *gring_word(&v.chan[0].out, 1)) %
				ring <=
			ring / 16 + 64);
		if (i % 7)
			continue;
		nvsp_rx_burst(c, 32, &sinks[1], NULL);
		CU_ASSERT_EQUAL(*gring_word(&v.chan[0].out, 0), *gring_word(&v.chan[0].out, 1));
	}
	vsc_send_raw(&v, 0, msg, size, 1);
	n_seen[1] = 0;
	nvsp_rx_burst(c, 32, &sinks[1], NULL);
	CU_ASSERT_NOT_EQUAL(*gring_word(&v.chan[0].out, 0), *gring_word(&v.chan[0].out, 1));
	CU_ASSERT_TRUE(nvsp_chan_arm(c)); /* before sleeping */
	CU_ASSERT_EQUAL(*gring_word(&v.chan[0].out, 0), *gring_word(&v.chan[0].out, 1));
	nic_done();
}

/* Bursts are full whatever a message brings: the last one is taken if all of it fits, else it waits as it is. */
static void bursts_are_full(void)
{
	static const unsigned int rows[][3] = {{3, 63, 57}, {4, 64, 64}, {1, 40, 0}};
	uint8_t frame[1400], msg[SECTION];

	start_together();
	way = 1;
	for (unsigned int r = 0; r < 3; r++) {
		struct nvsp_chan *c = nvsp_dev_chan(v.dev, 0);
		struct nvsp_stats before, after;
		unsigned int done = v.n_tx_done;

		nvsp_chan_stats(c, &before);
		for (unsigned int i = 0; i < 40; i++) {
			uint32_t used = 0;

			pattern(frame, sizeof(frame), i);
			for (unsigned int k = 0; k < rows[r][0]; k++)
				used += vsc_packet(msg + used, NULL, 0, frame, sizeof(frame) + k);
			CU_ASSERT_EQUAL_FATAL(vsc_send_raw(&v, 0, msg, used, i), 0);
		}
		n_seen[1] = 0;
		CU_ASSERT_EQUAL(nvsp_rx_burst(c, 64, &sinks[1], NULL), rows[r][1]);
		CU_ASSERT_EQUAL(n_seen[1], rows[r][1]);
		CU_ASSERT_EQUAL(nvsp_rx_burst(c, 64, &sinks[1], NULL), rows[r][2]);
		while (nvsp_rx_burst(c, 33, &sinks[1], NULL))
			;
		CU_ASSERT_EQUAL(n_seen[1], 40 * rows[r][0]);
		for (unsigned int i = 0; i < n_seen[1]; i++)
			CU_ASSERT_EQUAL(seen[1][i].size, sizeof(frame) + i % rows[r][0]);
		nvsp_chan_stats(c, &after);
		CU_ASSERT_EQUAL(after.rx_frames - before.rx_frames, 40 * rows[r][0]);
		CU_ASSERT_EQUAL(
			after.rx_bytes - before.rx_bytes,
			40 * (rows[r][0] * sizeof(frame) + rows[r][0] * (rows[r][0] - 1) / 2));
		vsc_guest_poll(&v, 0);
		CU_ASSERT_EQUAL(v.n_tx_done - done, 40);
	}
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

/* A message too many for the burst, malformed at its end, was looked at once already: it is judged once. */
static void what_waits_is_judged_later(void)
{
	uint8_t frame[60] = {0}, msg[SECTION];
	struct nvsp_chan *c;
	struct nvsp_stats st;
	unsigned int done;

	start_together();
	done = v.n_tx_done;
	way = 1;
	n_seen[1] = 0;
	c = nvsp_dev_chan(v.dev, 0);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t used = 0;

		for (unsigned int k = 0; k < 20; k++)
			used += vsc_packet(msg + used, NULL, 0, frame, sizeof(frame));
		if (i)
			msg[used - 104] = 9; /* the type of the last one */
		CU_ASSERT_EQUAL_FATAL(vsc_send_raw(&v, 0, msg, used, i), 0);
	}
	CU_ASSERT_EQUAL(nvsp_rx_burst(c, 50, &sinks[1], NULL), 20);
	nvsp_chan_stats(c, &st);
	CU_ASSERT_EQUAL(st.rx_frames, 20);
	CU_ASSERT_EQUAL(st.rx_bad, 0);
	CU_ASSERT_EQUAL(nvsp_rx_burst(c, 50, &sinks[1], NULL), 19);
	nvsp_chan_stats(c, &st);
	CU_ASSERT_EQUAL(st.rx_frames, 39);
	CU_ASSERT_EQUAL(st.rx_bad, 1);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_tx_done - done, 2);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	nic_done();
}

/* Every length, and neither a byte less nor more. */
static void long_copies(void)
{
	static uint8_t from[2200], to[2200];

	pattern(from, sizeof(from), 3);
	for (uint32_t n = 32; n < 2000; n++) {
		uint8_t *src = from + n % 67, *dst = to + 64 + n % 61;

		memset(to, 0xee, sizeof(to));
		vmb_copy_long(dst, src, n);
		CU_ASSERT_EQUAL_FATAL(memcmp(dst, src, n), 0);
		CU_ASSERT_TRUE_FATAL(dst[-1] == 0xee && dst[n] == 0xee);
	}
	for (uint32_t n = 0; n < 300; n++) {
		memset(to, 0xee, sizeof(to));
		vmb_copy(to + 1, from + n, n);
		CU_ASSERT_EQUAL_FATAL(memcmp(to + 1, from + n, n), 0);
		CU_ASSERT_TRUE_FATAL(to[0] == 0xee && to[1 + n] == 0xee);
		vmb_copy_over(to + 1, from + n, n);
		CU_ASSERT_EQUAL_FATAL(memcmp(to + 1, from + n, n), 0);
		CU_ASSERT_TRUE_FATAL(to[0] == 0xee && to[1 + n + NVSP_SLACK] == 0xee);
	}
}

static const struct tap_case cases[] = {
	{"frames from the guest: as any other, or short", from_the_guest},
	{"frames to the guest: as any other, or short, one piece", to_the_guest_in_one_piece},
	{"frames to the guest: as any other, or short, scattered pages", to_the_guest_in_pages},
	{"the short way without room: what fits, then nothing, then on", no_room_left},
	{"the read index: rarely, but before it matters", read_index_is_told_in_time},
	{"bursts are as full as whole messages make them", bursts_are_full},
	{"a message that did not fit is judged when its turn comes", what_waits_is_judged_later},
	{"copies of every length, and not a byte more", long_copies},
};

TAP_MAIN("vmbus-netvsp/plain", cases)
