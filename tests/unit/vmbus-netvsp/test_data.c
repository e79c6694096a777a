/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network VSP's data side: frames each way, RNDIS walking, offloads, receive buffer. */
#include "tests/unit/vmbus-netvsp/nic_world.h"

static uint8_t buf[80000], frame[70000];

static uint32_t ppi_put(uint8_t *dst, uint32_t type, uint32_t value)
{
	uint32_t w[4] = {16, type, 12, value};

	memcpy(dst, w, 16);
	return 16;
}

static uint16_t sum16(const uint8_t *p, uint32_t n, uint32_t s)
{
	for (uint32_t i = 0; i < n; i++)
		s += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

static uint32_t pseudo(const uint8_t *f, uint32_t l4_size)
{
	bool v6 = f[12] == 0x86;

	return sum16(f + (v6 ? 22 : 26), v6 ? 32 : 8, (v6 ? f[20] : f[23]) + l4_size);
}

/* An Ethernet frame with TCP or UDP; checksum field as @field. Return: offset of L4. */
static uint32_t make_frame(uint32_t size, bool v6, bool tcp, uint32_t opts)
{
	uint32_t l4 = v6 ? 54 : 34, l4_size = size - l4;

	pattern(frame, size, 9);
	memset(frame, 2, 12);
	frame[12] = v6 ? 0x86 : 0x08;
	frame[13] = v6 ? 0xdd : 0x00;
	if (v6) {
		frame[14] = 0x60;
		frame[18] = (uint8_t)(l4_size >> 8);
		frame[19] = (uint8_t)l4_size;
		frame[20] = tcp ? 6 : 17;
	} else {
		frame[14] = 0x45;
		frame[16] = (uint8_t)((size - 14) >> 8);
		frame[17] = (uint8_t)(size - 14);
		memset(frame + 20, 0, 6);
		frame[22] = 64;
		frame[23] = tcp ? 6 : 17;
	}
	if (tcp)
		frame[l4 + 12] = (uint8_t)((20 + opts) / 4 << 4);
	uint32_t field = l4 + (tcp ? 16 : 6);
	uint16_t ps = (uint16_t)pseudo(frame, l4_size);

	frame[field] = (uint8_t)(ps >> 8);
	frame[field + 1] = (uint8_t)ps;
	return l4;
}

static bool l4_sum_good(const uint8_t *f, uint32_t size)
{
	uint32_t l4 = f[12] == 0x86 ? 54 : 34;

	return sum16(f + l4, size - l4, pseudo(f, size - l4)) == 0xffff;
}

static void sizes_both_ways(void)
{
	static const uint32_t sizes[] = {14,  60,  64,   65,   127,  128,
					 511, 512, 1000, 1513, 1514, 1518};
	struct nvsp_info info;

	nic_start();
	for (unsigned int i = 0; i < 600; i++) {
		uint32_t n = sizes[i % 12];
		struct nvsp_frame f = {.size = n};

		pattern(frame, n, i);
		CU_ASSERT_EQUAL_FATAL(vsc_send(&v, 0, frame, n, NULL, 0), 0);
		CU_ASSERT_TRUE(host_last() && host_last()->size == n);
		CU_ASSERT_EQUAL(memcmp(host_last()->data, frame, n), 0);
		if (n > 1514)
			continue;
		CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
		CU_ASSERT_TRUE(guest_last() && guest_last()->size == n);
		CU_ASSERT_EQUAL(memcmp(guest_last()->data, frame, n), 0);
		CU_ASSERT_EQUAL(guest_last()->vlan, ~0u);
	}
	CU_ASSERT_EQUAL(v.n_host_rx, 600);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	nic_done();
}

static void several_per_message(void)
{
	uint32_t pos = 0, n;

	nic_start();
	for (uint32_t i = 0; i < NVSP_FRAMES_PER_MSG; i++) {
		pattern(frame, 100 + i, i);
		n = vsc_packet(buf + pos, NULL, 0, frame, 100 + i);
		n = (n + 7) & ~7u; /* padded to the announced alignment, and saying so */
		memcpy(buf + pos + 4, &n, 4);
		pos += n;
	}
	CU_ASSERT_EQUAL(vsc_send_raw(&v, 0, buf, pos, 3), 0);
	vsc_host_poll(&v, 0);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_host_rx, NVSP_FRAMES_PER_MSG);
	for (uint32_t i = 0; i < NVSP_FRAMES_PER_MSG; i++) {
		pattern(frame, 100 + i, i);
		CU_ASSERT_EQUAL(v.host_rx[i].size, 100 + i);
		CU_ASSERT_EQUAL(memcmp(v.host_rx[i].data, frame, 100 + i), 0);
	}
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
	CU_ASSERT_EQUAL(v.n_tx_done > 0, 1);
	/* one more than was announced */
	n = vsc_packet(buf + pos, NULL, 0, frame, 60);
	vsc_send_raw(&v, 0, buf, pos + n, 4);
	vsc_host_poll(&v, 0);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void mixed_section_and_pages(void)
{
	/* earlier frame and the last one's header in the section, its payload in pages */
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {NVSP_CHANNEL_DATA, 2, 0}};
	uint64_t pfn[1];
	uint32_t n, head;

	nic_start();
	pattern(frame, 300, 1);
	n = vsc_packet(buf, NULL, 0, frame, 100);
	n = (n + 7) & ~7u;
	memcpy(buf + 4, &n, 4);
	pattern(frame, 300, 5);
	vsc_packet(buf + n, NULL, 0, frame, 300);
	head = n + 44 + 14; /* cut inside the frame */
	for (uint32_t k = 0; k < head; k++) {
		uint32_t off = 2 * 6144 + k;

		((uint8_t *)ram_pfn(&v.ram, v.send_pfns[off / 4096]))[off % 4096] = buf[k];
	}
	m.rndis.section_used = head;
	ram_alloc(&v.ram, 1, pfn);
	memcpy((uint8_t *)ram_pfn(&v.ram, pfn[0]) + 100, frame + 14, 286);
	struct {
		uint32_t rsvd, n, size, off;
		uint64_t pfn;
	} ext = {0, 1, 286, 100, pfn[0]};

	gring_send(&v.chan[0].out, VMB_PKT_GPA_DIRECT, 1, 5, &ext, sizeof(ext), &m, 40, NULL);
	vsc_host_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_host_rx, 2);
	CU_ASSERT_TRUE(host_last()->size == 300 && !memcmp(host_last()->data, frame, 300));
	nic_done();
}

/* Each row breaks one field of the packet header at its byte offset. */
static void bad_rndis_fails_but_channel_lives(void)
{
	static const struct {
		unsigned int off;
		uint32_t value;
	} rows[] = {
		{0, 2},           {0, 0},           {0, 0x80000001},  {4, 0},          {4, 43},
		{4, 0xffffffff},  {4, 145},         {8, 37 + 100},    {8, 0xffffffff}, {8, 35},
		{8, 0},           {12, 101},        {12, 0xffffffff}, {12, 0},         {12, 13},
		{28, 0xfffffff0}, {32, 0xffffffff}, {32, 300},        {32, 8},
	};

	nic_start();
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ppi[16];
		uint32_t n, before = v.n_host_rx;

		ppi_put(ppi, RNDIS_PPI_VLAN, 0x10);
		n = vsc_packet(buf, ppi, 0, frame, 100);
		if (rows[i].off >= 28)
			n = vsc_packet(buf, ppi, 16, frame, 100);
		memcpy(buf + rows[i].off, &rows[i].value, 4);
		CU_ASSERT_EQUAL(vsc_send_raw(&v, 0, buf, n, NVSP_NO_SECTION), 0);
		vsc_guest_poll(&v, 0);
		CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
		CU_ASSERT_EQUAL(v.n_host_rx, before);
		CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, 60, NULL, 0), 0); /* it still works */
		CU_ASSERT_EQUAL(v.n_host_rx, before + 1);
		CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
	}
	/* a good first, a bad second */
	uint32_t n = vsc_packet(buf, NULL, 0, frame, 100), before = v.n_host_rx;

	n += vsc_packet(buf + n, NULL, 0, frame, 100);
	buf[144] = 7;
	vsc_send_raw(&v, 0, buf, n, NVSP_NO_SECTION);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_host_rx, before + 1);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	vsc_send_raw(&v, 0, buf, 0, 1); /* nothing at all */
	vsc_host_poll(&v, 0);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void bad_ppi(void)
{
	static const uint32_t rows[][3] = {
		{0, 0, 12},  {8, 0, 12}, {12, 0, 12},         {20, 0, 12}, {0xffffffff, 0, 12},
		{16, 0, 16}, {16, 0, 0}, {16, 0, 0xffffffff}, {14, 0, 12}, {16, 2, 13},
	};

	nic_start();
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t ppi[16] = {0};

		memcpy(ppi, rows[i], 12);
		vsc_send(&v, 0, frame, 100, ppi, 16);
		CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	}
	CU_ASSERT_EQUAL(v.n_host_rx, 0);
	/* unknown kinds are skipped; an LSO of version 1 or without a size is refused */
	uint8_t ppi[400] = {0};

	ppi_put(ppi, 77, 1);
	ppi_put(ppi + 16, RNDIS_PPI_VLAN, 7 | 1 << 3 | 100 << 4);
	CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, 100, ppi, 32), 0);
	CU_ASSERT_EQUAL(v.n_host_rx, 1);
	CU_ASSERT_EQUAL(host_last()->f.vlan_tci, 7 << 13 | 1 << 12 | 100);
	CU_ASSERT_EQUAL(host_last()->f.flags, NVSP_F_VLAN);
	ppi_put(ppi, RNDIS_PPI_LSO, 1448);
	vsc_send(&v, 0, frame, 100, ppi, 16);
	ppi_put(ppi, RNDIS_PPI_LSO, 1u << 30);
	vsc_send(&v, 0, frame, 100, ppi, 16);
	for (uint32_t i = 0; i < 400; i += 16)
		ppi_put(ppi + i, 99, 0);
	vsc_send(&v, 0, frame, 100, ppi, 400); /* more than anybody sends */
	CU_ASSERT_EQUAL(v.n_host_rx, 1);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void bad_ranges(void)
{
	static const struct {
		uint32_t n, size, off;
		uint64_t pfn;
		uint32_t ext_size;
		enum vmb_fault fault; /* NONE: the message fails, the channel lives */
	} rows[] = {
		{2, 144, 0, 0x10000, 24, VMB_FAULT_RING_RANGES}, /* count beyond the header */
		{0xffffffff, 144, 0, 0x10000, 24, VMB_FAULT_RING_RANGES},
		{1, 144, 4096, 0x10000, 24, VMB_FAULT_RING_RANGES}, /* offset of a page */
		{1, 5000, 0, 0x10000, 24, VMB_FAULT_RING_RANGES},   /* more pages than named */
		{1, 0xffffffff, 4095, 0x10000, 24, VMB_FAULT_RING_RANGES},
		{1, 144, 0, 0x10000, 8, VMB_FAULT_RING_RANGES},
		{1, 144, 0, 0x10000, 0, VMB_FAULT_RING_RANGES},
		{1, 144, 0, 0x10, 24, VMB_FAULT_NONE},               /* not RAM */
		{1, 144, 0, 0xfff0000000010000, 24, VMB_FAULT_NONE}, /* not an address */
		{0, 144, 0, 0x10000, 24, VMB_FAULT_NONE},            /* no range: empty message */
		{1, 0, 0, 0x10000, 24, VMB_FAULT_NONE},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
					  .rndis = {NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0}};
		struct {
			uint32_t rsvd, n, size, off;
			uint64_t pfn;
		} ext = {0, rows[i].n, rows[i].size, rows[i].off, rows[i].pfn};

		nic_start();
		gring_send(&v.chan[0].out, VMB_PKT_GPA_DIRECT, 1, 9, &ext, rows[i].ext_size, &m, 40,
			   NULL);
		expect_fault(0, rows[i].fault);
		vsc_guest_poll(&v, 0);
		if (!rows[i].fault)
			CU_ASSERT_NOT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
		CU_ASSERT_EQUAL(v.n_host_rx, 0);
		nic_done();
	}
}

static void bad_sections(void)
{
	static const uint32_t rows[][2] = {
		{42, 100}, {0, 6145}, {0xfffffffe, 100}, {41, 0xffffffff}};

	nic_start(); /* 64 pages: sections 0 to 41 */
	for (unsigned int i = 0; i < 4; i++) {
		struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
					  .rndis = {NVSP_CHANNEL_DATA, rows[i][0], rows[i][1]}};

		gring_send(&v.chan[0].out, VMB_PKT_INBAND, 1, 9, NULL, 0, &m, 40, NULL);
		vsc_host_poll(&v, 0);
		vsc_guest_poll(&v, 0);
		CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_FAIL);
	}
	CU_ASSERT_EQUAL(v.n_host_rx, 0);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void checksum_requests(void)
{
	nic_start();
	for (int k = 0; k < 4; k++) {
		bool v6 = k & 1, tcp = k & 2;
		uint32_t l4 = make_frame(200, v6, tcp, 0), field = l4 + (tcp ? 16 : 6);
		uint8_t ppi[32];
		uint32_t n = ppi_put(ppi, RNDIS_PPI_CSUM,
				     (v6 ? 2u : 1u) | (tcp ? 4u : 8u) | (k < 2 ? l4 << 16 : 0));

		n += ppi_put(ppi + n, RNDIS_PPI_VLAN, 5 << 4); /* both at once */
		CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, 200, ppi, n), 0);
		CU_ASSERT_EQUAL(host_last()->finish, 0);
		CU_ASSERT_EQUAL(host_last()->f.l4_off, l4); /* also when the guest said 0 */
		CU_ASSERT_EQUAL(host_last()->f.flags, NVSP_F_CSUM_L4 | NVSP_F_VLAN |
							      (tcp ? NVSP_F_TCP : 0u) |
							      (v6 ? NVSP_F_V6 : 0u));
		CU_ASSERT_EQUAL(memcmp(host_last()->data, frame, 200), 0);
		CU_ASSERT_EQUAL(host_last()->data[field], frame[field]);
	}
	/* IP header checksum */
	uint8_t ppi[16];

	make_frame(200, false, true, 0);
	ppi_put(ppi, RNDIS_PPI_CSUM, 1 | 16);
	vsc_send(&v, 0, frame, 200, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, 0);
	CU_ASSERT_EQUAL(sum16(host_last()->data + 14, 20, 0), 0xffff);
	CU_ASSERT_EQUAL(host_last()->f.flags, 0);
	/* requests that do not fit the frame */
	make_frame(200, false, true, 0);
	ppi_put(ppi, RNDIS_PPI_CSUM, 2 | 4 | 54 << 16); /* IPv6, it says */
	vsc_send(&v, 0, frame, 200, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	ppi_put(ppi, RNDIS_PPI_CSUM, 1 | 8); /* UDP, it says */
	vsc_send(&v, 0, frame, 200, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	ppi_put(ppi, RNDIS_PPI_CSUM, 1 | 4);
	vsc_send(&v, 0, frame, 40, ppi, 16); /* the field lies behind the end */
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	make_frame(200, true, true, 0);
	ppi_put(ppi, RNDIS_PPI_CSUM, 2 | 4 | 1023u << 16);
	vsc_send(&v, 0, frame, 200, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	nic_done();
}

static void lso_requests(void)
{
	static const uint32_t sizes[] = {2000, 9000, 62794, 65549};

	nic_start();
	for (unsigned int k = 0; k < 8; k++) {
		bool v6 = k & 1;
		uint32_t size = sizes[k / 2], opts = k & 2 ? 12 : 0, l4, n;
		uint8_t ppi[32];
		struct vsc_frame *h;

		if (v6 && size > 65535)
			size = 65535;
		l4 = make_frame(size, v6, true, opts);
		/* as Linux leaves it: no lengths, no IP checksum, pseudo sum without the length */
		memset(frame + (v6 ? 18 : 16), 0, 2);
		uint16_t ps = (uint16_t)pseudo(frame, 0);

		frame[l4 + 16] = (uint8_t)(ps >> 8);
		frame[l4 + 17] = (uint8_t)ps;
		n = ppi_put(ppi, RNDIS_PPI_LSO,
			    1448 | (k < 4 ? l4 << 20 : 0) | 1u << 30 | (v6 ? 1u << 31 : 0));
		if (k & 1)
			n += ppi_put(ppi + n, RNDIS_PPI_VLAN, 77 << 4);
		CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, size, ppi, n), 0);
		h = host_last();
		CU_ASSERT_PTR_NOT_NULL_FATAL(h);
		CU_ASSERT_EQUAL(h->size, size);
		CU_ASSERT_EQUAL(h->finish, 0);
		CU_ASSERT_EQUAL(h->f.mss, 1448);
		CU_ASSERT_EQUAL(h->f.hdr_size, l4 + 20 + opts);
		CU_ASSERT_EQUAL(h->f.flags & ~(NVSP_F_VLAN | NVSP_F_V6),
				NVSP_F_LSO | NVSP_F_CSUM_L4 | NVSP_F_TCP);
		uint32_t ip_len = (uint32_t)h->data[v6 ? 18 : 16] << 8 | h->data[v6 ? 19 : 17];

		CU_ASSERT_EQUAL(ip_len, size - (v6 ? 54 : 14));
		if (!v6)
			CU_ASSERT_EQUAL(sum16(h->data + 14, 20, 0), 0xffff);
		ps = (uint16_t)pseudo(h->data, size - l4);
		CU_ASSERT_EQUAL((h->data[l4 + 16] << 8 | h->data[l4 + 17]), ps);
		CU_ASSERT_EQUAL(memcmp(h->data + l4 + 20, frame + l4 + 20, size - l4 - 20), 0);
	}
	/* header beyond the data; data offset of TCP beyond the frame; not TCP at all */
	uint8_t ppi[16];

	make_frame(60, false, true, 0);
	frame[34 + 12] = 0xf0;
	ppi_put(ppi, RNDIS_PPI_LSO, 1448 | 1u << 30);
	vsc_send(&v, 0, frame, 60, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	make_frame(54, false, true, 0); /* no payload */
	vsc_send(&v, 0, frame, 54, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	make_frame(3000, false, false, 0);
	frame[34 + 12] = 0x50;
	vsc_send(&v, 0, frame, 3000, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	ppi_put(ppi, RNDIS_PPI_LSO, 1448 | 1u << 30 | 1u << 31 | 1023u << 20);
	make_frame(900, true, true, 0);
	vsc_send(&v, 0, frame, 900, ppi, 16);
	CU_ASSERT_EQUAL(host_last()->finish, -EBADMSG);
	/* too long without LSO */
	uint32_t before = v.n_host_rx;

	make_frame(1519, false, true, 0);
	vsc_send(&v, 0, frame, 1519, NULL, 0);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_BAD_RNDIS);
	CU_ASSERT_EQUAL(v.n_host_rx, before);
	nic_done();
}

static void metadata_to_guest(void)
{
	nic_start();
	for (int k = 0; k < 4; k++) {
		bool v6 = k & 1, tcp = k & 2;
		uint32_t n = 333 + (uint32_t)k, l4 = make_frame(n, v6, tcp, 0);
		struct nvsp_frame f = {.size = n,
				       .flags = NVSP_F_CSUM_L4 | NVSP_F_VLAN | NVSP_F_HASH |
						(tcp ? NVSP_F_TCP : 0u) | (v6 ? NVSP_F_V6 : 0u),
				       .l4_off = (uint16_t)l4,
				       .vlan_tci = 5 << 13 | 1 << 12 | 0xabc,
				       .hash = 0x12345678};

		CU_ASSERT_FALSE(l4_sum_good(frame, n));
		CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
		CU_ASSERT_EQUAL(guest_last()->size, n);
		CU_ASSERT_TRUE(l4_sum_good(guest_last()->data, n)); /* finished for the guest */
		CU_ASSERT_EQUAL(guest_last()->csum & 0x1f, tcp ? 8 : 16);
		CU_ASSERT_EQUAL(guest_last()->vlan, 5 | 1 << 3 | 0xabc << 4);
		CU_ASSERT_EQUAL(guest_last()->hash, 0x12345678);
		f.flags = NVSP_F_CSUM_GOOD | NVSP_F_TCP;
		vsc_deliver(&v, 0, &f, frame);
		CU_ASSERT_EQUAL(guest_last()->csum, 8 | 32);
		CU_ASSERT_EQUAL(memcmp(guest_last()->data, frame, n), 0);
		f.flags = 0;
		vsc_deliver(&v, 0, &f, frame);
		CU_ASSERT_EQUAL(guest_last()->csum, ~0u); /* unknown is not "failed" */
		CU_ASSERT_EQUAL(guest_last()->vlan, ~0u);
	}
	nic_done();
}

static void rsc_to_guest(void)
{
	uint8_t params[28] = {0x80, 3, 28, 0};
	struct nvsp_frame f = {.size = 60000,
			       .flags = NVSP_F_LSO | NVSP_F_CSUM_L4 | NVSP_F_TCP,
			       .mss = 1448,
			       .l4_off = 34};
	struct nvsp_stats st;
	bool rsc;

	nic_start();
	make_frame(60000, false, true, 0);
	CU_ASSERT_EQUAL(nvsp_max_frame(v.dev, &rsc), 1514);
	CU_ASSERT_FALSE(rsc);
	CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1); /* taken, and counted as an error */
	CU_ASSERT_EQUAL(v.n_guest_rx, 0);
	nvsp_chan_stats(nvsp_dev_chan(v.dev, 0), &st);
	CU_ASSERT_EQUAL(st.tx_big, 1);
	params[22] = params[23] = 2;
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, params, 28), 0);
	nvsp_max_frame(v.dev, &rsc);
	CU_ASSERT_TRUE(rsc);
	CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
	CU_ASSERT_EQUAL(v.n_guest_rx, 1);
	CU_ASSERT_TRUE(guest_last()->rsc && guest_last()->size == 60000);
	CU_ASSERT_EQUAL(memcmp(guest_last()->data, frame, 60000), 0);
	CU_ASSERT_EQUAL(guest_last()->csum, 8 | 32 | 256);
	f.flags = 0; /* long, and no LSO: an error in any case */
	vsc_deliver(&v, 0, &f, frame);
	CU_ASSERT_EQUAL(v.n_guest_rx, 1);
	nic_done();
}

static void bursts_and_backpressure(void)
{
	static struct nvsp_seg segs[1024];
	static struct nvsp_tx tx[1024];
	struct nvsp_info info;
	struct nvsp_chan *c;
	unsigned int n, ids;

	nic_start();
	c = nvsp_dev_chan(v.dev, 0);
	nvsp_dev_info(v.dev, &info);
	ids = info.recv_suballocs - 16;
	for (unsigned int i = 0; i < 1024; i++) {
		segs[i] = (struct nvsp_seg){frame + i, 64};
		tx[i] = (struct nvsp_tx){{.size = 64}, &segs[i], 1};
	}
	pattern(frame, 2000, 1);
	v.hold_acks = true;
	n = nvsp_tx_burst(c, tx, 1024);
	CU_ASSERT_EQUAL(n, ids); /* every suballocation that is not control's */
	CU_ASSERT_EQUAL(nvsp_tx_burst(c, tx, 10), 0);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, ids);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_guest_rx, n);
	CU_ASSERT_EQUAL(v.n_held, (n + 255) / 256); /* that many ring packets for all of them */
	for (unsigned int i = n - 100; i < n; i++)
		CU_ASSERT_EQUAL(memcmp(v.guest_rx[i % VSC_KEEP].data, frame + i, 64), 0);
	vsc_ack_held(&v);
	vsc_host_poll(&v, 0);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	CU_ASSERT_EQUAL(nvsp_tx_burst(c, tx, 10), 10);
	nic_done();
}

static void ring_full_backpressure(void)
{
	static uint8_t data[64];
	struct nvsp_seg s = {data, 64};
	struct nvsp_tx t = {{.size = 64}, &s, 1};
	struct vsc_up up = nic_up;
	unsigned int n = 0;

	nic_init();
	up.ring_pages = 2;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &up), 0);
	while (nvsp_tx_burst(nvsp_dev_chan(v.dev, 0), &t, 1) == 1 && n < 1000)
		n++;
	CU_ASSERT_TRUE(n > 30 && n < 60); /* 80 bytes each in 4 KiB, with some kept back */
	/* control still has room */
	CU_ASSERT_EQUAL(vsc_send(&v, 0, data, 60, NULL, 0), 0);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
	CU_ASSERT_EQUAL(v.n_guest_rx, n);
	CU_ASSERT_EQUAL(nvsp_tx_burst(nvsp_dev_chan(v.dev, 0), &t, 1), 1);
	nic_done();
}

static void guest_not_reading_stalls_only_itself(void)
{
	uint8_t data[60] = {0};
	struct vsc_up up = nic_up;
	unsigned int n = 0;

	nic_init();
	up.ring_pages = 2;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &up), 0);
	uint32_t size = vsc_packet(buf, NULL, 0, data, 60);

	/* sends for ever, never reads a completion: the host stops taking */
	for (int i = 0; i < 5000; i++) {
		if (vsc_send_raw(&v, 0, buf, size, (uint32_t)i % 10))
			break;
		vsc_host_poll(&v, 0);
		n++;
	}
	CU_ASSERT_TRUE(n > 100 && n < 256); /* what two rings of a page hold */
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	unsigned int before = v.n_tx_done;

	for (int i = 0; i < 20; i++) { /* it reads: everything comes, once each */
		vsc_guest_poll(&v, 0);
		vsc_host_poll(&v, 0);
	}
	CU_ASSERT_EQUAL(v.n_tx_done - before, n);
	CU_ASSERT_EQUAL(v.n_host_rx, n);
	nic_done();
}

static void filter_none_no_delivery(void)
{
	uint32_t zero = 0, on = 0xd;
	struct nvsp_frame f = {.size = 60};
	struct nvsp_stats st;

	nic_start();
	v.hold_acks = true;
	CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
	v.hold_acks = false;
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &zero, 4), 0);
	CU_ASSERT_EQUAL(v.filter, 0);
	CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1); /* taken and dropped */
	CU_ASSERT_EQUAL(v.n_guest_rx, 1);
	nvsp_chan_stats(nvsp_dev_chan(v.dev, 0), &st);
	CU_ASSERT_EQUAL(st.tx_down, 1);
	vsc_ack_held(&v); /* ids of before come back all the same */
	vsc_host_poll(&v, 0);
	struct nvsp_info info;

	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &on, 4), 0);
	vsc_deliver(&v, 0, &f, frame);
	CU_ASSERT_EQUAL(v.n_guest_rx, 2);
	nic_done();
}

static void queue_split_with_ids_outstanding(void)
{
	struct nvsp_frame f = {.size = 60};
	struct nvsp_info info;

	nic_start();
	v.hold_acks = true;
	for (int i = 0; i < 100; i++)
		CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 2), 2); /* uneven: the last queue has the rest */
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 100);
	for (uint32_t q = 0; q < 3; q++)
		for (int i = 0; i < 50; i++)
			CU_ASSERT_EQUAL(vsc_deliver(&v, q, &f, frame), 1);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 250);
	v.hold_acks = false;
	vsc_ack_held(&v); /* ids of the primary now belong to others */
	for (uint32_t q = 0; q < 3; q++)
		vsc_host_poll(&v, q);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	for (uint32_t q = 0; q < 3; q++)
		CU_ASSERT_EQUAL(v.fault[q], VMB_FAULT_NONE);
	nic_done();
}

static void sleep_and_wake(void)
{
	struct nvsp_chan *c;
	bool sig;
	struct nvsp_msg_wire m = {.type = NVSP_SWITCH_DATA_PATH};
	struct nvsp_rings look;

	nic_start();
	c = nvsp_dev_chan(v.dev, 0);
	CU_ASSERT_EQUAL(*gring_word(&v.chan[0].out, 2), 1); /* masked since before open */
	CU_ASSERT_TRUE(nvsp_chan_rings(c, &look));
	CU_ASSERT_EQUAL(look.in.mask, 1);
	CU_ASSERT_EQUAL(look.in_read, look.in.read);
	CU_ASSERT_EQUAL(look.in.write, *gring_word(&v.chan[0].out, 0));
	CU_ASSERT_EQUAL(look.out_write, look.out.write);
	CU_ASSERT_FALSE(nvsp_chan_rings(nvsp_dev_chan(v.dev, 1), &look)); /* not open */
	gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &m, 40, &sig);
	CU_ASSERT_FALSE(sig);
	CU_ASSERT_FALSE(nvsp_chan_arm(c)); /* there is work */
	vsc_host_poll(&v, 0);
	CU_ASSERT_TRUE(nvsp_chan_arm(c));
	gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &m, 40, &sig);
	CU_ASSERT_TRUE(sig);
	nvsp_chan_disarm(c);
	vsc_host_poll(&v, 0);
	gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &m, 40, &sig);
	CU_ASSERT_FALSE(sig);
	/* towards the guest: one signal for a burst, none while it polls */
	struct nvsp_frame f = {.size = 60};
	uint32_t before = v.chan[0].host_signals;
	struct nvsp_seg s = {frame, 60};
	struct nvsp_tx t[3] = {{f, &s, 1}, {f, &s, 1}, {f, &s, 1}};

	vsc_host_poll(&v, 0);
	vsc_guest_poll(&v, 0);
	nvsp_tx_burst(c, t, 3);
	CU_ASSERT_EQUAL(v.chan[0].host_signals, before + 1);
	nvsp_tx_burst(c, t, 3);
	CU_ASSERT_EQUAL(v.chan[0].host_signals, before + 1);
	vsc_guest_poll(&v, 0);
	*gring_word(&v.chan[0].in, 2) = 1;
	nvsp_tx_burst(c, t, 3);
	CU_ASSERT_EQUAL(v.chan[0].host_signals, before + 1);
	vsc_guest_poll(&v, 0);
	nic_done();
}

static void lying_ring_stops_one_channel(void)
{
	struct nvsp_frame f = {.size = 60};

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 3), 3);
	*gring_word(&v.chan[2].out, 0) = 7;
	expect_fault(2, VMB_FAULT_RING_WRITE_INDEX);
	CU_ASSERT_EQUAL(vsc_deliver(&v, 2, &f, frame), 1); /* taken and dropped */
	CU_ASSERT_EQUAL(vsc_deliver(&v, 1, &f, frame), 1);
	CU_ASSERT_EQUAL(guest_last()->chan, 1);
	*gring_word(&v.chan[3].in, 1) = 0xffffff8;
	nvsp_tx_burst(nvsp_dev_chan(v.dev, 3),
		      &(struct nvsp_tx){f, &(struct nvsp_seg){frame, 60}, 1}, 1);
	vsc_send_raw(&v, 3, buf, vsc_packet(buf, NULL, 0, frame, 60), 1);
	vsc_host_poll(&v, 3);
	CU_ASSERT_EQUAL(v.fault[3], VMB_FAULT_RING_READ_INDEX);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	CU_ASSERT_EQUAL(v.fault[1], VMB_FAULT_NONE);
	v.chan[2].opened = v.chan[3].opened = true;
	nic_done();
}

static const struct tap_case cases[] = {
	{"frames of all sizes both ways, by section and by pages", sizes_both_ways},
	{"several RNDIS packets in a message, no more than announced", several_per_message},
	{"a message of section and pages, cut inside a frame", mixed_section_and_pages},
	{"malformed packets fail, the channel lives", bad_rndis_fails_but_channel_lives},
	{"per-packet info: size 0, overrun, unknown, too much", bad_ppi},
	{"malformed page ranges", bad_ranges},
	{"malformed sections", bad_sections},
	{"checksum requests v4, v6, TCP, UDP, IP, and ones that do not fit", checksum_requests},
	{"LSO requests v4, v6, with VLAN, and ones that do not fit", lso_requests},
	{"checksum, VLAN and hash to the guest", metadata_to_guest},
	{"super-frames to the guest by RSC", rsc_to_guest},
	{"a burst in few ring packets; no suballocation left", bursts_and_backpressure},
	{"a full ring; completions keep their room", ring_full_backpressure},
	{"a guest that never reads stalls only itself", guest_not_reading_stalls_only_itself},
	{"no packet filter, no delivery; ids recovered later", filter_none_no_delivery},
	{"a new split of suballocations while some are out", queue_split_with_ids_outstanding},
	{"interrupt suppression both ways, arming", sleep_and_wake},
	{"a lying ring stops one channel of four", lying_ring_stops_one_channel},
};

TAP_MAIN("vmbus-netvsp/data", cases)
