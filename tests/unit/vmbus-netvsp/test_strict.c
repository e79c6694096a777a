/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host as a distrustful driver sees it (Linux in a confidential VM): every length, offset, id and unused
 * byte of what it sends. Such a driver drops what does not fit and says nothing, so it is looked at here.
 */
#include "tests/unit/vmbus-netvsp/nic_world.h"

#define PACKET_MAX 4624u /* bytes; Linux copies a packet into a buffer of that size */
#define SET_ID     0xcafe

static uint8_t frame[62000];

struct seen {
	unsigned int packets, ranges, completions;
	uint64_t held[VSC_KEEP];
};

static bool zeros(const uint8_t *p, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (p[i])
			return false;
	return true;
}

static void recv_peek(uint32_t off, void *dst, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++, off++)
		((uint8_t *)dst)[i] =
			((uint8_t *)ram_pfn(&v.ram, v.recv_pfns[off / 4096]))[off % 4096];
}

/* One RNDIS packet of @size bytes at @off of the receive buffer. */
static void check_rndis(uint32_t off, uint32_t size)
{
	struct rndis_packet_wire h;
	uint32_t pos, end, ppi[4];

	recv_peek(off, &h, sizeof(h));
	CU_ASSERT_EQUAL(h.hdr.type, RNDIS_PACKET);
	CU_ASSERT_TRUE(h.hdr.size <= size && h.hdr.size >= sizeof(h));
	CU_ASSERT_TRUE(h.data_offset >= 36 && h.data_offset % 4 == 0 && h.data_size >= 14);
	CU_ASSERT_TRUE(h.data_offset + 8ull + h.data_size <= h.hdr.size);
	CU_ASSERT_TRUE(!h.oob_offset && !h.oob_size && !h.n_oob && !h.vc && !h.rsvd);
	CU_ASSERT_TRUE(!h.ppi_size == !h.ppi_offset && h.ppi_offset % 4 == 0);
	pos = h.ppi_offset + 8;
	end = pos + h.ppi_size;
	CU_ASSERT_TRUE(!h.ppi_size || end <= h.data_offset + 8);
	while (h.ppi_size && pos < end) {
		recv_peek(off + pos, ppi, sizeof(ppi));
		CU_ASSERT_FATAL(ppi[0] >= 12 && ppi[0] % 4 == 0 && ppi[0] <= end - pos);
		CU_ASSERT_EQUAL(ppi[2], 12);
		pos += ppi[0];
	}
}

static void check_xfer(const struct gpkt *p, struct seen *s)
{
	uint32_t n, channel, section, r[2];
	uint16_t set;

	memcpy(&set, p->ext, 2);
	memcpy(&n, p->ext + 4, 4);
	memcpy(&channel, p->payload + 4, 4);
	memcpy(&section, p->payload + 8, 4);
	CU_ASSERT_TRUE(set == SET_ID && p->flags == VMB_PKT_FLAG_COMPLETION);
	CU_ASSERT_TRUE(n >= 1 && n <= 375 && p->ext_size == 8 + 8 * n);
	CU_ASSERT_TRUE(16 + p->ext_size + p->payload_size <= PACKET_MAX);
	CU_ASSERT_TRUE(p->xid < v.n_suballocs); /* DPDK's driver has a table of that many */
	CU_ASSERT_EQUAL(section, NVSP_NO_SECTION);
	CU_ASSERT_TRUE(p->payload_size == 40 && zeros(p->payload, 12, 40));
	for (uint32_t i = 0; i < n; i++) {
		memcpy(r, p->ext + 8 + 8 * i, 8);
		CU_ASSERT_FATAL(r[0] <= v.suballoc && r[1] % v.suballoc == 0 &&
				r[1] / v.suballoc < v.n_suballocs);
		if (channel == NVSP_CHANNEL_DATA)
			check_rndis(r[1], r[0]);
	}
	for (unsigned int i = 0; i < s->packets; i++)
		CU_ASSERT_NOT_EQUAL(s->held[i], p->xid); /* one outstanding packet has an id */
	CU_ASSERT_FATAL(s->packets < VSC_KEEP);
	s->held[s->packets++] = p->xid;
	s->ranges += n;
}

/* Read all of channel 0; what was delivered is acknowledged by give_back(). */
static void look(struct seen *s)
{
	static struct gpkt p;
	uint32_t type;
	int r;

	while (!(r = gring_recv(&v.chan[0].in, &p))) {
		if (p.type == VMB_PKT_XFER) {
			check_xfer(&p, s);
			continue;
		}
		CU_ASSERT_EQUAL(p.type, VMB_PKT_COMPLETION);
		CU_ASSERT_TRUE(p.payload_size == 40 && p.ext_size == 0);
		memcpy(&type, p.payload, 4);
		if (type == NVSP_RNDIS_COMPLETE)
			CU_ASSERT_TRUE(zeros(p.payload, 8, 40));
		s->completions++;
	}
	CU_ASSERT_EQUAL(r, -1);
	gring_ack(&v.chan[0].in);
}

static void give_back(struct seen *s)
{
	for (unsigned int i = 0; i < s->packets; i++)
		gring_send(&v.chan[0].out, VMB_PKT_COMPLETION, 0, s->held[i], NULL, 0,
			   (uint32_t[]){NVSP_RNDIS_COMPLETE, NVSP_STATUS_SUCCESS}, 8, NULL);
	vsc_host_poll(&v, 0);
	memset(s, 0, sizeof(*s));
}

static void bursts(void)
{
	static const uint32_t sizes[] = {14, 60, 61, 590, 1513, 1514};
	static const uint32_t flags[] = {0, NVSP_F_VLAN, NVSP_F_HASH, NVSP_F_VLAN | NVSP_F_HASH,
					 NVSP_F_CSUM_GOOD | NVSP_F_TCP};
	static struct seen s;
	struct nvsp_tx tx[600];
	struct nvsp_seg seg[600];
	unsigned int done = 0, n;

	nic_start();
	pattern(frame, sizeof(frame), 7);
	for (unsigned int i = 0; i < 600; i++) {
		seg[i] = (struct nvsp_seg){frame + i, sizes[i % 6]};
		tx[i] = (struct nvsp_tx){.f = {.size = sizes[i % 6],
					       .flags = flags[i % 5],
					       .vlan_tci = 0xffff,
					       .hash = i},
					 .segs = &seg[i],
					 .n_segs = 1};
	}
	for (unsigned int turn = 0; done < 600 && turn < 600; turn++) {
		n = nvsp_tx_burst(nvsp_dev_chan(v.dev, 0), tx + done, 600 - done);
		look(&s);
		CU_ASSERT_EQUAL(s.ranges, n); /* each frame once */
		done += n;
		give_back(&s);
	}
	CU_ASSERT_EQUAL(done, 600);
	nic_done();
}

static void super_frame(void)
{
	uint8_t params[28] = {0x80, 3, 28, 0};
	struct nvsp_seg seg = {frame, 60000};
	struct nvsp_tx tx = {.f = {.size = 60000,
				   .flags = NVSP_F_LSO | NVSP_F_CSUM_L4 | NVSP_F_TCP,
				   .mss = 1448,
				   .l4_off = 34},
			     .segs = &seg,
			     .n_segs = 1};
	static struct seen s;

	nic_start();
	params[22] = params[23] = 2;
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, params, 28), 0);
	memset(frame, 0, 64);
	frame[12] = 8;
	frame[14] = 0x45;
	frame[23] = 6;
	CU_ASSERT_EQUAL(nvsp_tx_burst(nvsp_dev_chan(v.dev, 0), &tx, 1), 1);
	look(&s);
	/* the parts come in one packet: a first one whose last is elsewhere is thrown away */
	CU_ASSERT_EQUAL(s.packets, 1);
	CU_ASSERT_EQUAL(s.ranges, (60000 + 1513) / 1514);
	give_back(&s);
	nic_done();
}

/* DPDK's driver takes an id equal to the number of them, and reads behind its table. */
static void ids_below_their_number(void)
{
	struct nvsp_seg seg = {frame, 60};
	struct nvsp_tx tx = {.f = {.size = 60}, .segs = &seg, .n_segs = 1};
	static struct gpkt p;
	unsigned int n = 0;
	uint8_t *used;
	uint32_t r[2];

	nic_start();
	used = calloc(v.n_suballocs, 1);
	while (nvsp_tx_burst(nvsp_dev_chan(v.dev, 0), &tx, 1) == 1) {
		CU_ASSERT_EQUAL_FATAL(gring_recv(&v.chan[0].in, &p), 0);
		gring_ack(&v.chan[0].in);
		memcpy(r, p.ext + 8, 8);
		CU_ASSERT_FATAL(p.xid < v.n_suballocs && r[1] == p.xid * v.suballoc);
		CU_ASSERT_EQUAL(used[p.xid], 0);
		used[p.xid] = 1;
		n++;
	}
	CU_ASSERT_EQUAL(n, v.n_suballocs - 16); /* the rest is control's */
	free(used);
	nic_done();
}

static void completions(void)
{
	static struct seen s;
	struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL};
	uint8_t msg[200];
	uint32_t n;

	nic_start();
	n = vsc_packet(msg, NULL, 0, frame, 60);
	for (uint32_t i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(vsc_send_raw(&v, 0, msg, n, i), 0);
	m.subchannel.op = 7; /* refused, as completely */
	CU_ASSERT_EQUAL(gring_send(&v.chan[0].out, VMB_PKT_INBAND, 1, 77, NULL, 0, &m, 40, NULL),
			0);
	vsc_host_poll(&v, 0);
	look(&s);
	CU_ASSERT_EQUAL(s.completions, 21);
	nic_done();
}

/* Descriptors of page sets are the host's; a guest that sends one, whole or torn, is stopped. */
static void xfer_is_the_hosts(void)
{
	static const struct {
		uint32_t head[4];
		uint32_t size;
	} rows[] = {
		{{SET_ID, 1, 60, 0}, 16},          /* as the host would */
		{{SET_ID, 0xffffffff, 60, 0}, 16}, /* more ranges than there are bytes */
		{{SET_ID, 2, 60, 0}, 16},
		{{SET_ID, 1, 0, 0}, 8},
		{{0}, 0}, /* no head at all */
	};
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {NVSP_CHANNEL_DATA, 0, 60}};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nic_start();
		gring_send(&v.chan[0].out, VMB_PKT_XFER, 1, 9, rows[i].head, rows[i].size, &m, 40,
			   NULL);
		expect_fault(0, VMB_FAULT_RING_TYPE);
		CU_ASSERT_EQUAL(v.n_host_rx, 0);
		nic_done();
	}
}

static void subchannel_counts(void)
{
	static const struct {
		uint32_t asked, granted;
	} rows[] = {{0, 0}, {1, 1}, {3, 3}, {4, 3}, {0xffffffff, 3}};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL}, r;

		nic_start();
		m.subchannel.op = 1;
		m.subchannel.count = rows[i].asked;
		CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
		CU_ASSERT_EQUAL(r.type, NVSP_SUBCHANNEL);
		CU_ASSERT_EQUAL(r.subchannel.op,
				rows[i].granted ? NVSP_STATUS_SUCCESS : NVSP_STATUS_FAIL);
		CU_ASSERT_EQUAL(r.subchannel.count, rows[i].granted);
		CU_ASSERT_EQUAL(v.wanted_subchannels, rows[i].granted);
		nic_done();
	}
}

static const struct tap_case cases[] = {
	{"old bug: a strict guest finds nothing to drop in 600 frames", bursts},
	{"a super-frame is one packet", super_frame},
	{"old bug: transaction ids stay below the number of suballocations",
	 ids_below_their_number},
	{"completions are whole, and zero where nothing is said", completions},
	{"page-set packets are not the guest's to send", xfer_is_the_hosts},
	{"subchannels: none, the limit and more are asked for", subchannel_counts},
};

TAP_MAIN("vmbus-netvsp/strict", cases)
