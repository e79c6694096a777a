/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network VSP's control side: versions, order, buffers, OIDs, subchannels, link. */
#include "tests/unit/vmbus-netvsp/nic_world.h"

static void init_matrix(void)
{
	static const uint32_t versions[] = {NVSP_V1, NVSP_V2, NVSP_V4, NVSP_V5, NVSP_V6, NVSP_V61};
	static const uint32_t sizes[] = {32, 40};
	uint8_t frame[200];

	pattern(frame, sizeof(frame), 1);
	for (unsigned int i = 0; i < 12; i++) {
		struct vsc_up up = nic_up;
		uint32_t filter = 0xd;
		struct nvsp_frame f = {.size = sizeof(frame)};
		struct nvsp_info info;

		nic_init();
		v.nvsp_size = sizes[i % 2];
		up.version = versions[i / 2];
		CU_ASSERT_EQUAL(vsc_connect(&v, VMB_V5_3), 0);
		CU_ASSERT_EQUAL(vsc_open(&v, 0, 16), 0);
		CU_ASSERT_EQUAL(vsc_bring_up(&v, &up), 0);
		CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &filter, 4), 0);
		CU_ASSERT_EQUAL(v.completion.payload_size, up.version == NVSP_V61 ? 40 : 32);
		CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, sizeof(frame), NULL, 0), 0);
		CU_ASSERT_TRUE(host_last() && !memcmp(host_last()->data, frame, sizeof(frame)));
		CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
		CU_ASSERT_TRUE(guest_last() && !memcmp(guest_last()->data, frame, sizeof(frame)));
		nvsp_dev_info(v.dev, &info);
		CU_ASSERT_EQUAL(info.nvsp_version, up.version);
		CU_ASSERT_EQUAL(info.ndis_version, up.version >= NVSP_V5 ? 0x6001e : 0x60001);
		CU_ASSERT_EQUAL(info.recv_busy, 0);
		nic_done();
	}
}

static void init_unknown_then_lower(void)
{
	struct nvsp_msg_wire m = {.type = NVSP_INIT}, r;

	nic_init();
	vsc_connect(&v, VMB_V5_3);
	vsc_open(&v, 0, 16);
	m.init.min_version = m.init.max_version = 0x60002;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_EQUAL(r.type, NVSP_INIT_COMPLETE);
	CU_ASSERT_NOT_EQUAL(r.init_complete.status, NVSP_STATUS_SUCCESS);
	m.init.min_version = NVSP_V4;
	m.init.max_version = NVSP_V5; /* a range is not asked for by anybody */
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_NOT_EQUAL(r.init_complete.status, NVSP_STATUS_SUCCESS);
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	CU_ASSERT_EQUAL(v.completion.payload_size, 40);
	nic_done();
}

static void without_send_buffer(void)
{
	struct vsc_up up = nic_up;
	uint8_t frame[1514];

	nic_init();
	up.send_pages = 0;
	CU_ASSERT_EQUAL(vsc_start(&v, &up), 0);
	pattern(frame, sizeof(frame), 2);
	CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, sizeof(frame), NULL, 0), 0);
	CU_ASSERT_TRUE(host_last() && !memcmp(host_last()->data, frame, sizeof(frame)));
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_SUCCESS);
	/* a section of a buffer that was never given */
	vsc_send_raw(&v, 0, "x", 0, 0);
	vsc_host_poll(&v, 0);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.last_tx_status, NVSP_STATUS_FAIL);
	nic_done();
}

static void wrong_order(void)
{
	static const struct {
		const char *what;
		uint32_t type;
		bool init, config;
		enum vmb_fault fault;
	} rows[] = {
		{"config before init", NVSP_NDIS_CONFIG, false, false, VMB_FAULT_NVSP_ORDER},
		{"receive buffer before init", NVSP_RECV_BUF, false, false, VMB_FAULT_NVSP_ORDER},
		{"receive buffer before config", NVSP_RECV_BUF, true, false, VMB_FAULT_NVSP_ORDER},
		{"send buffer before config", NVSP_SEND_BUF, true, false, VMB_FAULT_NVSP_ORDER},
		{"init after config", NVSP_INIT, true, true, VMB_FAULT_NVSP_ORDER},
		{"subchannels before RNDIS", NVSP_SUBCHANNEL, true, true, VMB_FAULT_NVSP_ORDER},
		{"RNDIS without a receive buffer", NVSP_RNDIS, true, true, VMB_FAULT_NVSP_ORDER},
		{"buffer of no GPADL", NVSP_RECV_BUF, true, true, VMB_FAULT_BUFFER_GPADL},
		{"send buffer of no GPADL", NVSP_SEND_BUF, true, true, VMB_FAULT_BUFFER_GPADL},
		{"a host's message", NVSP_INIT_COMPLETE, true, true, VMB_FAULT_NVSP_TYPE},
		{"an unknown message", 9999, true, true, VMB_FAULT_NVSP_TYPE},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nvsp_msg_wire m = {.type = NVSP_INIT};

		nic_init();
		vsc_connect(&v, VMB_V5_3);
		vsc_open(&v, 0, 16);
		m.init.min_version = m.init.max_version = NVSP_V61;
		if (rows[i].init)
			CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, NULL), 0);
		m = (struct nvsp_msg_wire){.type = NVSP_NDIS_CONFIG};
		if (rows[i].config)
			vsc_nvsp(&v, 0, &m, false, NULL);
		m = (struct nvsp_msg_wire){.type = rows[i].type};
		vsc_nvsp(&v, 0, &m, false, NULL);
		expect_fault(0, rows[i].fault);
		nic_done();
	}
}

static void messages_too_short(void)
{
	static const uint32_t types[] = {NVSP_INIT,
					 NVSP_NDIS_VERSION,
					 NVSP_RECV_BUF,
					 NVSP_SEND_BUF,
					 NVSP_REVOKE_RECV_BUF,
					 NVSP_NDIS_CONFIG,
					 NVSP_REVOKE_SEND_BUF,
					 NVSP_RNDIS,
					 NVSP_SUBCHANNEL};

	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		nic_start();
		gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &types[i], 0, NULL);
		expect_fault(0, VMB_FAULT_NVSP_SHORT);
		nic_done();
	}
	nic_start(); /* 8 bytes hold no NDIS_CONFIG */
	gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &types[5], 4, NULL);
	expect_fault(0, VMB_FAULT_NVSP_SHORT);
	/* the stopped channel is left alone until it is opened again */
	gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, 1, NULL, 0, &types[0], 4, NULL);
	CU_ASSERT_EQUAL(nvsp_chan_fault(nvsp_dev_chan(v.dev, 0)), VMB_FAULT_NVSP_SHORT);
	vsc_close(&v, 0);
	CU_ASSERT_EQUAL(vsc_open(&v, 0, 16), 0);
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	nic_done();
}

/* vmswitch's receive buffer could be swapped under a reader that had its old size in hand. */
static void buffer_never_swapped(void)
{
	struct nvsp_msg_wire m = {.type = NVSP_RECV_BUF};
	uint64_t pfns[16];

	for (int send = 0; send < 2; send++) {
		nic_start();
		ram_alloc(&v.ram, 16, pfns);
		vsc_gpadl(&v, v.chan[0].relid, 77, pfns, 16);
		m.type = send ? NVSP_SEND_BUF : NVSP_RECV_BUF;
		m.buffer.gpadl = 77;
		vsc_nvsp(&v, 0, &m, true, NULL);
		expect_fault(0, VMB_FAULT_BUFFER_IN_USE);
		nic_done();
	}
	nic_start(); /* after a revoke it may, unless a subchannel is open */
	ram_alloc(&v.ram, 16, pfns);
	vsc_gpadl(&v, v.chan[0].relid, 77, pfns, 16);
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 1), 1);
	m = (struct nvsp_msg_wire){.type = NVSP_REVOKE_RECV_BUF};
	vsc_nvsp(&v, 0, &m, false, NULL);
	m = (struct nvsp_msg_wire){.type = NVSP_RECV_BUF};
	m.buffer.gpadl = 77;
	vsc_nvsp(&v, 0, &m, true, NULL);
	expect_fault(0, VMB_FAULT_BUFFER_IN_USE);
	nic_done();
}

static void buffer_that_is_the_ring(void)
{
	struct nvsp_msg_wire m = {.type = NVSP_INIT};

	nic_init();
	vsc_connect(&v, VMB_V5_3);
	vsc_open(&v, 0, 16);
	m.init.min_version = m.init.max_version = NVSP_V1;
	vsc_nvsp(&v, 0, &m, true, NULL);
	m = (struct nvsp_msg_wire){.type = NVSP_RECV_BUF};
	m.buffer.gpadl = v.chan[0].gpadl;
	vsc_nvsp(&v, 0, &m, true, NULL);
	expect_fault(0, VMB_FAULT_BUFFER_GPADL);
	nic_done();
}

static void tiny_receive_buffer(void)
{
	struct vsc_up up = nic_up;

	nic_init();
	up.recv_pages = 1;
	CU_ASSERT_TRUE(vsc_start(&v, &up) < 0);
	expect_fault(0, VMB_FAULT_BUFFER_SIZE);
	nic_done();
}

static void mtu_values(void)
{
	static const struct {
		uint32_t asked, got;
	} rows[] = {{1500, 1500},       {9000, 9000}, {0, 1500},     {100, 1500},
		    {9202, 9202},       {9203, 1500}, {65521, 1500}, {0xffffffff, 1500},
		    {0xfffffff1, 1500}, {1501, 1501}};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vsc_up up = nic_up;
		uint32_t got = 0, size;

		nic_init();
		up.mtu = rows[i].asked;
		CU_ASSERT_EQUAL(vsc_start(&v, &up), 0);
		CU_ASSERT_EQUAL(vsc_query(&v, 0x00010106, &got, &size), 0);
		CU_ASSERT_EQUAL(got, rows[i].got);
		CU_ASSERT_TRUE(v.suballoc >= got + 14 + 256 + 36);
		nic_done();
	}
}

static void every_oid(void)
{
	static const struct {
		uint32_t oid, size;
	} rows[] = {{0x00010106, 4},   {0x01010101, 6},   {0x01010102, 6},  {0x00020216, 8},
		    {0xfc01020d, 156}, {0xfc01020b, 156}, {0x00010114, 4},  {0x00010107, 4},
		    {0x00010203, 18},  {0x00010102, 4},   {0x00010103, 4},  {0x00010104, 4},
		    {0x00010105, 4},   {0x0001010f, 4},   {0x00010111, 4},  {0x0001010a, 4},
		    {0x0001010b, 4},   {0x00010108, 4},   {0x00010109, 4},  {0x0001010c, 4},
		    {0x0001010d, 25},  {0x00010116, 4},   {0x00010110, 2},  {0x00010113, 4},
		    {0x00010115, 4},   {0x00010206, 16},  {0x00010207, 40}, {0x01010104, 4},
		    {0x01020101, 4},   {0x01020103, 4},   {0x0001010e, 4}};
	uint8_t out[4096];
	uint32_t size, speed;

	nic_start();
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CU_ASSERT_EQUAL(vsc_query(&v, rows[i].oid, out, &size), NDIS_STATUS_OK);
		CU_ASSERT_EQUAL(size, rows[i].size);
	}
	CU_ASSERT_EQUAL(vsc_query(&v, 0x01010101, out, &size), 0);
	CU_ASSERT_EQUAL(memcmp(out, nic_cfg.mac, 6), 0);
	CU_ASSERT_EQUAL(vsc_query(&v, 0x00010107, &speed, &size), 0);
	CU_ASSERT_EQUAL(speed, 100000000); /* 10 Gbit/s in units of 100 bit/s */
	CU_ASSERT_EQUAL(vsc_query(&v, 0x00010101, out, &size), 0);
	CU_ASSERT_TRUE(size > 100 && size % 4 == 0);
	CU_ASSERT_EQUAL(vsc_query(&v, 0xdeadbeef, out, &size), NDIS_STATUS_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(size, 0);
	CU_ASSERT_EQUAL(vsc_set(&v, 0xdeadbeef, "1234", 4), NDIS_STATUS_NOT_SUPPORTED);
	nic_done();
}

/* vmswitch followed a pointer that a guest had put into a switch-NIC object (CVE-2021-28476). */
static void oid_with_embedded_pointer(void)
{
	uint8_t in[512];

	nic_start();
	memset(in, 0x41, sizeof(in));
	for (uint32_t oid = 0x00010260; oid < 0x000102b0; oid++) /* OID_SWITCH_* */
		CU_ASSERT_EQUAL(vsc_set(&v, oid, in, sizeof(in)), NDIS_STATUS_NOT_SUPPORTED);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void sets_short_long_bad(void)
{
	uint8_t big[2000] = {0x80, 3, 28, 0};
	uint32_t filter = 1, zero[7] = {0};

	nic_start();
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &filter, 3), NDIS_STATUS_INVALID_LENGTH);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, NULL, 0), NDIS_STATUS_INVALID_LENGTH);
	CU_ASSERT_EQUAL(v.filter, 0xd);
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, big, 19), NDIS_STATUS_INVALID_LENGTH);
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, big, 20), NDIS_STATUS_INVALID_DATA);
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, big, 28), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, big, sizeof(big)), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(v.indication, NDIS_STATUS_OFFLOAD_CONFIG);
	big[0] = 0x81;
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, big, 28), NDIS_STATUS_INVALID_DATA);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0101010a, zero, 28), NDIS_STATUS_INVALID_DATA);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0101010a, zero, 27), NDIS_STATUS_INVALID_LENGTH);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010118, zero, 28), NDIS_STATUS_OK);
	/* the data said to lie outside the message */
	struct rndis_request_wire m = {.hdr = {RNDIS_SET, sizeof(m)}, .rid = 9, .oid = 0x0001010e};
	static const uint32_t bad[][2] = {{4, 20}, {4, 0xfffffffc}, {0xffffffff, 20}, {4, 0}};

	for (unsigned int i = 0; i < 4; i++) {
		uint32_t w[4];

		m.size = bad[i][0];
		m.offset = bad[i][1];
		CU_ASSERT_EQUAL(vsc_control(&v, &m, sizeof(m)), 0);
		memcpy(w, v.control, 16);
		CU_ASSERT_EQUAL(w[3], NDIS_STATUS_INVALID_LENGTH);
	}
	nic_done();
}

static void unusual_control_messages(void)
{
	uint32_t w[8] = {0};
	static const uint32_t types[] = {RNDIS_SET_EX, 77};

	nic_start();
	for (unsigned int i = 0; i < 2; i++) {
		w[0] = types[i];
		w[1] = 32;
		w[2] = 5;
		CU_ASSERT_EQUAL(vsc_control(&v, w, 32), 0);
		memcpy(w, v.control, 16);
		CU_ASSERT_EQUAL(w[0], types[i] | RNDIS_COMPLETE);
		CU_ASSERT_EQUAL(w[3], NDIS_STATUS_NOT_SUPPORTED);
	}
	w[0] = RNDIS_RESET;
	w[1] = 12;
	CU_ASSERT_EQUAL(vsc_control(&v, w, 12), 0);
	memcpy(w, v.control, 16);
	CU_ASSERT_TRUE(w[0] == (RNDIS_RESET | RNDIS_COMPLETE) && w[2] == NDIS_STATUS_NOT_SUPPORTED);
	w[0] = RNDIS_KEEPALIVE;
	w[1] = 12;
	w[2] = 99;
	CU_ASSERT_EQUAL(vsc_control(&v, w, 12), 0);
	memcpy(w, v.control, 16);
	CU_ASSERT_TRUE(w[0] == (RNDIS_KEEPALIVE | RNDIS_COMPLETE) && w[2] == 99 && w[3] == 0);
	w[0] = RNDIS_INDICATE;
	w[1] = 32;
	CU_ASSERT_EQUAL(vsc_control(&v, w, 32), -1); /* no answer, no harm */
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	/* in 6.1: PacketDirect, and what nobody uses any more */
	struct nvsp_msg_wire m = {.type = NVSP_PD_API}, r;

	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_EQUAL(r.type, NVSP_PD_API);
	m.type = 110;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	m.type = NVSP_OID_QUERY_EX;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_TRUE(r.type == NVSP_OID_QUERY_EX_COMPLETE && r.w[0] == NDIS_STATUS_NOT_SUPPORTED);
	m.type = NVSP_SWITCH_DATA_PATH;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_EQUAL(v.completion.payload_size, 0);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	/* a control message that is longer than itself */
	w[0] = RNDIS_QUERY;
	w[1] = 33;
	vsc_control(&v, w, 32);
	expect_fault(0, VMB_FAULT_RNDIS_CONTROL);
	nic_done();
}

static uint32_t mac_param(uint8_t *b, const char *mac)
{
	static const char name[] = "NetworkAddress";
	uint32_t p[5] = {20, 28, 2, 48, (uint32_t)strlen(mac) * 2};

	memset(b, 0, 200);
	memcpy(b, p, 20);
	for (int i = 0; i < 14; i++)
		b[20 + 2 * i] = (uint8_t)name[i];
	for (size_t i = 0; i < strlen(mac); i++)
		b[48 + 2 * i] = (uint8_t)mac[i];
	return 48 + p[4];
}

static void mac_change(void)
{
	static const uint8_t want[6] = {0x02, 0xab, 0xcd, 0xef, 0x01, 0x23};
	uint8_t b[200], got[6];
	uint32_t n, size, bad = 0xffffff00;

	nic_start();
	n = mac_param(b, "02ABcdEF0123");
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, b, n), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(vsc_query(&v, 0x01010102, got, &size), 0);
	CU_ASSERT_EQUAL(memcmp(got, want, 6), 0);
	CU_ASSERT_EQUAL(vsc_query(&v, 0x01010101, got, &size), 0);
	CU_ASSERT_EQUAL(memcmp(got, nic_cfg.mac, 6), 0);
	v.refuse_mac = true; /* the port's guard */
	n = mac_param(b, "020000000001");
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, b, n), NDIS_STATUS_FAILURE);
	v.refuse_mac = false;
	n = mac_param(b, "010000000001"); /* multicast */
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, b, n), NDIS_STATUS_FAILURE);
	n = mac_param(b, "02000000000g");
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, b, n), NDIS_STATUS_INVALID_DATA);
	n = mac_param(b, "0200");
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, b, n), NDIS_STATUS_INVALID_DATA);
	n = mac_param(b, "020000000001");
	for (unsigned int i = 0; i < 5; i++) { /* offsets and sizes out of the value */
		uint8_t c[200];

		memcpy(c, b, sizeof(c));
		memcpy(c + 4 * i, &bad, 4);
		if (i != 2)
			CU_ASSERT_EQUAL(vsc_set(&v, 0x0001021b, c, n), NDIS_STATUS_INVALID_DATA);
	}
	CU_ASSERT_EQUAL(vsc_query(&v, 0x01010102, got, &size), 0);
	CU_ASSERT_EQUAL(memcmp(got, want, 6), 0);
	nic_done();
}

static void subchannels(void)
{
	uint8_t frame[100];
	struct nvsp_frame f = {.size = sizeof(frame)};
	struct nvsp_info info;

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 9), 3); /* cut to what there is, then exactly that */
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.n_open, 4);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_TRUE(v.got_table);
	for (unsigned int i = 0; i < 16; i++)
		CU_ASSERT_EQUAL(v.table[i], i % 4);
	for (uint32_t q = 0; q < 4; q++) {
		pattern(frame, sizeof(frame), q);
		CU_ASSERT_EQUAL(vsc_send(&v, q, frame, sizeof(frame), NULL, 0), 0);
		CU_ASSERT_TRUE(host_last()->chan == q && !memcmp(host_last()->data, frame, 100));
		CU_ASSERT_EQUAL(vsc_deliver(&v, q, &f, frame), 1);
		CU_ASSERT_TRUE(guest_last()->chan == q && !memcmp(guest_last()->data, frame, 100));
	}
	struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL}, r;

	m.subchannel.op = m.subchannel.count = 1;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0); /* a second time */
	CU_ASSERT_EQUAL(r.subchannel.op, NVSP_STATUS_FAIL);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	vsc_stop(&v);
	CU_ASSERT_EQUAL(v.n_released, 3); /* rescinded and released */
	CU_ASSERT_EQUAL(v.torndown, 6);   /* four rings, two buffers: all answered */
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void control_on_subchannel(void)
{
	struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL};

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 2), 2);
	vsc_nvsp(&v, 1, &m, false, NULL);
	expect_fault(1, VMB_FAULT_NVSP_SUBCHANNEL);
	/* the others do not notice */
	uint8_t frame[60] = {1};

	CU_ASSERT_EQUAL(vsc_send(&v, 2, frame, 60, NULL, 0), 0);
	CU_ASSERT_TRUE(host_last() && host_last()->chan == 2);
	CU_ASSERT_EQUAL(vsc_send(&v, 0, frame, 60, NULL, 0), 0);
	CU_ASSERT_EQUAL(host_last()->chan, 0);
	nic_done();
}

static void single_queue_has_no_subchannels(void)
{
	struct nvsp_cfg cfg = nic_cfg;
	struct nvsp_msg_wire m = {.type = NVSP_SUBCHANNEL}, r;

	cfg.max_queues = 1;
	CU_ASSERT_EQUAL_FATAL(vsc_init(&v, &cfg), 0);
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
	m.subchannel.op = 1;
	m.subchannel.count = 1;
	CU_ASSERT_EQUAL(vsc_nvsp(&v, 0, &m, true, &r), 0);
	CU_ASSERT_EQUAL(r.subchannel.op, NVSP_STATUS_FAIL);
	CU_ASSERT_EQUAL(r.subchannel.count, 0);
	nic_done();
}

static uint32_t rss_param(uint8_t *b, uint32_t n, uint32_t mod)
{
	struct ndis_rss_params_wire p = {.hdr = {0x89, 2, 40},
					 .hash_info = 0x1 | 0x100 | 0x200 | 0x400 | 0x1000,
					 .table_size = (uint16_t)(n * 4),
					 .table_offset = 40,
					 .key_size = 40,
					 .key_offset = 40 + n * 4};
	/* the key of Microsoft's verification suite */
	static const uint8_t key[40] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
					0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
					0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
					0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

	memcpy(b, &p, 40);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t q = i % mod;

		memcpy(b + 40 + i * 4, &q, 4);
	}
	memcpy(b + 40 + n * 4, key, 40);
	return 80 + n * 4;
}

static void rss_parameters(void)
{
	uint8_t b[800], hdr[54] = {0};
	uint32_t n, h;
	/* 66.9.149.187:2794 -> 161.142.100.80:1766, from the suite */
	static const uint8_t ip[] = {66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6};

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 3), 3);
	hdr[12] = 8;
	hdr[14] = 0x45;
	hdr[23] = 6;
	memcpy(hdr + 26, ip, 12);
	CU_ASSERT_FALSE(nvsp_rss_hash(v.dev, hdr, sizeof(hdr), &h));
	n = rss_param(b, 128, 4);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_OK);
	CU_ASSERT_TRUE(nvsp_rss_hash(v.dev, hdr, sizeof(hdr), &h));
	CU_ASSERT_EQUAL(h, 0x51ccc178);
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, h), 0x78 % 4);
	hdr[23] = 17; /* UDP: by addresses only */
	CU_ASSERT_TRUE(nvsp_rss_hash(v.dev, hdr, sizeof(hdr), &h));
	CU_ASSERT_EQUAL(h, 0x323e8fc2);
	CU_ASSERT_FALSE(nvsp_rss_hash(v.dev, hdr, 20, &h));
	n = rss_param(b, 128, 5); /* an entry beyond the queues */
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_INVALID_DATA);
	n = rss_param(b, 1, 1); /* queue 0 only: a short table is repeated */
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, 77), 0);
	n = rss_param(b, 0, 1);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_INVALID_DATA);
	n = rss_param(b, 129, 4);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_INVALID_DATA);
	static const struct {
		unsigned int off;
		uint32_t value;
	} bad[] = {{16, 0xfffffff0}, {24, 0xfffffff0}, {16, 500}, {24, 560}, {20, 39}, {12, 3}};

	for (unsigned int i = 0; i < 6; i++) {
		n = rss_param(b, 128, 4);
		memcpy(b + bad[i].off, &bad[i].value, bad[i].off == 20 || bad[i].off == 12 ? 2 : 4);
		CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_INVALID_DATA);
	}
	n = rss_param(b, 128, 4);
	b[0] = 0;
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_INVALID_DATA);
	n = rss_param(b, 128, 4);
	b[4] = 0x10; /* disable, twice */
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, n), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, 28), NDIS_STATUS_OK);
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, 3), 0);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, 20), NDIS_STATUS_INVALID_LENGTH);
	nic_done();
}

static void link_events(void)
{
	uint32_t state, size;

	nic_start();
	CU_ASSERT_EQUAL(vsc_query(&v, 0x00010114, &state, &size), 0);
	CU_ASSERT_EQUAL(state, 0);
	nvsp_set_link(v.dev, true, 1000); /* no change, no event */
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_indications, 0);
	nvsp_set_link(v.dev, false, 2000);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_TRUE(v.n_indications == 1 && v.indication == NDIS_STATUS_DISCONNECT);
	CU_ASSERT_EQUAL(vsc_query(&v, 0x00010114, &state, &size), 0);
	CU_ASSERT_EQUAL(state, 1);
	nvsp_set_link(v.dev, true, 3000); /* too soon: guests miss it */
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_indications, 1);
	nvsp_tick(v.dev, 6999);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_indications, 1);
	nvsp_tick(v.dev, 7000);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_TRUE(v.n_indications == 2 && v.indication == NDIS_STATUS_CONNECT);
	nvsp_set_link(v.dev, false, 7500); /* down and up unheard: still a reason to renew */
	nvsp_set_link(v.dev, true, 7600);
	nvsp_tick(v.dev, 12600);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_TRUE(v.n_indications == 3 && v.indication == NDIS_STATUS_NETWORK_CHANGE);
	nvsp_tick(v.dev, 99999);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_indications, 3);
	nic_done();
	nic_init(); /* before RNDIS is initialised nobody is told */
	vsc_connect(&v, VMB_V5_3);
	vsc_open(&v, 0, 16);
	nvsp_set_link(v.dev, false, 1);
	vsc_guest_poll(&v, 0);
	CU_ASSERT_EQUAL(v.n_indications, 0);
	nic_done();
}

static void control_waits_for_ids(void)
{
	struct rndis_request_wire q = {
		.hdr = {RNDIS_QUERY, sizeof(q)}, .oid = 0x00010106, .offset = 20};
	uint64_t held[64];
	unsigned int n = 0, answers = 0;
	static struct gpkt p;
	struct nvsp_info info;

	nic_start();
	/* 20 requests, no acknowledgement of the answers: 16 ids, then it has to wait */
	for (uint32_t i = 0; i < 20; i++) {
		struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
					  .rndis = {NVSP_CHANNEL_CONTROL, i % 10, 28}};

		q.rid = i;
		for (uint32_t k = 0; k < 28; k++) {
			uint32_t off = (i % 10) * 6144 + k;

			((uint8_t *)ram_pfn(&v.ram, v.send_pfns[off / 4096]))[off % 4096] =
				((uint8_t *)&q)[k];
		}
		gring_send(&v.chan[0].out, VMB_PKT_INBAND, 1, i + 1, NULL, 0, &m, 40, NULL);
		vsc_host_poll(&v, 0);
	}
	for (int round = 0; round < 2; round++) {
		while (!gring_recv(&v.chan[0].in, &p))
			if (p.type == VMB_PKT_XFER)
				held[n++] = p.xid;
		gring_ack(&v.chan[0].in);
		CU_ASSERT_EQUAL(n, round ? 4 : 16);
		answers += n;
		for (unsigned int i = 0; i < n; i++)
			gring_send(&v.chan[0].out, VMB_PKT_COMPLETION, 0, held[i], NULL, 0,
				   (uint32_t[]){NVSP_RNDIS_COMPLETE, 1}, 8, NULL);
		n = 0;
		vsc_host_poll(&v, 0);
	}
	CU_ASSERT_EQUAL(answers, 20);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void control_flood(void)
{
	uint32_t q[3] = {RNDIS_KEEPALIVE, 12, 1};
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS, .rndis = {NVSP_CHANNEL_CONTROL, 0, 12}};

	nic_start();
	memcpy(ram_pfn(&v.ram, v.send_pfns[0]), q, 12);
	for (uint32_t i = 0; i < 100; i++) {
		gring_send(&v.chan[0].out, VMB_PKT_INBAND, 0, i + 1, NULL, 0, &m, 40, NULL);
		vsc_host_poll(&v, 0);
	}
	expect_fault(0, VMB_FAULT_RNDIS_FLOOD);
	nic_done();
}

/* @together: memory in one piece, where acknowledgements have a short way. */
static void judge_completions(bool together)
{
	static const struct {
		uint64_t xid;
		uint32_t type;
		enum vmb_fault fault;
	} rows[] = {
		{20, NVSP_RNDIS_COMPLETE, VMB_FAULT_COMPLETION_ID}, /* nothing outstanding */
		{0, NVSP_RNDIS_COMPLETE, VMB_FAULT_COMPLETION_ID},
		{0xffffffffffffffff, NVSP_RNDIS_COMPLETE, VMB_FAULT_COMPLETION_ID},
		{0x100000014, NVSP_RNDIS_COMPLETE, VMB_FAULT_COMPLETION_ID},
		{20, NVSP_SEND_BUF_COMPLETE, VMB_FAULT_COMPLETION_KIND},
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		nic_init();
		v.together = together;
		CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
		gring_send(&v.chan[0].out, VMB_PKT_COMPLETION, 0, rows[i].xid, NULL, 0,
			   (uint32_t[]){rows[i].type, 1}, 8, NULL);
		expect_fault(0, rows[i].fault);
		nic_done();
	}
	nic_init(); /* one past the last id: accepted by an old client driver, so we look hard */
	v.together = together;
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
	gring_send(&v.chan[0].out, VMB_PKT_COMPLETION, 0, v.n_suballocs, NULL, 0,
		   (uint32_t[]){NVSP_RNDIS_COMPLETE, 1}, 8, NULL);
	expect_fault(0, VMB_FAULT_COMPLETION_ID);
	nic_done();
}

static void bad_completions(void)
{
	judge_completions(false);
	judge_completions(true);
}

static void completion_twice_or_elsewhere(void)
{
	uint8_t frame[60] = {0};
	struct nvsp_frame f = {.size = 60};

	for (int elsewhere = 0; elsewhere < 2; elsewhere++) {
		nic_start();
		CU_ASSERT_EQUAL(vsc_subchannels(&v, 1), 1);
		v.hold_acks = true;
		vsc_deliver(&v, 0, &f, frame);
		CU_ASSERT_EQUAL(v.n_held, 1);
		v.held_chan[0] = (uint32_t)elsewhere;
		vsc_ack_held(&v);
		if (!elsewhere) {
			vsc_host_poll(&v, 0);
			CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
			v.n_held = 1;
			vsc_ack_held(&v);
		}
		expect_fault((uint32_t)elsewhere, VMB_FAULT_COMPLETION_ID);
		nic_done();
	}
}

static void revoke_stops_at_once(void)
{
	struct nvsp_msg_wire m = {.type = NVSP_REVOKE_RECV_BUF};
	uint8_t frame[60] = {0};
	struct nvsp_frame f = {.size = 60};
	unsigned int n;

	nic_start();
	v.hold_acks = true;
	vsc_deliver(&v, 0, &f, frame);
	vsc_nvsp(&v, 0, &m, false, NULL);
	n = v.n_guest_rx;
	vsc_deliver(&v, 0, &f, frame);
	CU_ASSERT_EQUAL(v.n_guest_rx, n);
	CU_ASSERT_EQUAL(nvsp_gpadl_del(v.dev, v.recv_gpadl), 0); /* nothing holds it any more */
	vsc_ack_held(&v); /* of before the revoke: no reason to stop */
	vsc_host_poll(&v, 0);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	nic_done();
}

static void gpadl_in_use(void)
{
	uint64_t pfn = RAM_BASE / 4096, bad = 1;

	nic_start();
	CU_ASSERT_EQUAL(nvsp_gpadl_del(v.dev, v.recv_gpadl), -EBUSY);
	CU_ASSERT_EQUAL(nvsp_gpadl_del(v.dev, v.send_gpadl), -EBUSY);
	CU_ASSERT_EQUAL(nvsp_gpadl_del(v.dev, v.chan[0].gpadl), -EBUSY);
	CU_ASSERT_EQUAL(nvsp_gpadl_del(v.dev, 12345), -ENOENT);
	CU_ASSERT_EQUAL(nvsp_gpadl_add(v.dev, v.recv_gpadl, &pfn, 1, NULL), -EEXIST);
	CU_ASSERT_EQUAL(nvsp_gpadl_add(v.dev, 1, &bad, 1, NULL), -EFAULT);
	CU_ASSERT_EQUAL(nvsp_gpadl_add(v.dev, 1, &pfn, 0, NULL), -EINVAL); /* empty */
	CU_ASSERT_EQUAL(nvsp_chan_open(v.dev, 0, v.chan[0].gpadl, 16, NULL), -EBUSY);
	CU_ASSERT_EQUAL(nvsp_chan_open(v.dev, 1, v.chan[0].gpadl, 16, NULL), -ENOENT);
	CU_ASSERT_EQUAL(nvsp_chan_open(v.dev, 4, v.chan[0].gpadl, 16, NULL), -EINVAL);
	nic_done();
}

static void stop_and_start(void)
{
	uint8_t frame[1000];
	struct nvsp_frame f = {.size = sizeof(frame)};
	struct vsc_up up = nic_up;

	nic_start();
	pattern(frame, sizeof(frame), 3);
	for (int i = 0; i < 20; i++) { /* as on MTU and channel-count changes */
		CU_ASSERT_EQUAL(vsc_subchannels(&v, 1 + (uint32_t)i % 3), 1 + i % 3);
		v.hold_acks = i & 1; /* leave deliveries outstanding */
		for (uint32_t q = 0; q <= 1 + (uint32_t)i % 3; q++)
			CU_ASSERT_EQUAL(vsc_deliver(&v, q, &f, frame), 1);
		v.n_held = 0;
		v.hold_acks = false;
		vsc_stop(&v);
		up.mtu = i & 1 ? 1500 : 9000;
		CU_ASSERT_EQUAL_FATAL(vsc_open(&v, 0, 16), 0);
		CU_ASSERT_EQUAL_FATAL(vsc_bring_up(&v, &up), 0);
		CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, (uint32_t[]){0xd}, 4), 0);
		CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, frame), 1);
	}
	struct vmb_msg_hdr_wire unload = {.type = VMB_MSG_UNLOAD};

	vsc_bus_send(&v, &unload, sizeof(unload)); /* with everything open */
	CU_ASSERT_TRUE(v.unloaded);
	for (unsigned int i = 0; i < VSC_CHANS; i++)
		free(v.chan[i].pfns);
	memset(v.chan, 0, sizeof(v.chan));
	CU_ASSERT_EQUAL(vsc_connect(&v, VMB_V5_2), 0); /* the next kernel */
	nic_done();
}

static const struct tap_case cases[] = {
	{"handshake and a frame each way in every NVSP version, 32- and 40-byte messages",
	 init_matrix},
	{"an unknown NVSP version is refused, a lower one taken", init_unknown_then_lower},
	{"without a send buffer", without_send_buffer},
	{"messages in the wrong order stop the channel", wrong_order},
	{"messages that are too short stop the channel, reopening heals", messages_too_short},
	{"old bug: a buffer in use is never swapped", buffer_never_swapped},
	{"a ring cannot be the receive buffer", buffer_that_is_the_ring},
	{"a receive buffer too small", tiny_receive_buffer},
	{"MTU values, also near 2^32", mtu_values},
	{"every OID, and unknown ones", every_oid},
	{"old bug: OIDs with embedded pointers are not followed", oid_with_embedded_pointer},
	{"SET: short, long, bad header, data outside the message", sets_short_long_bad},
	{"RESET, INDICATE, SET_EX, keepalive, PacketDirect: answered, never fatal",
	 unusual_control_messages},
	{"MAC change: followed, refused, malformed", mac_change},
	{"subchannels: exact offers, traffic on each, table, orderly end", subchannels},
	{"control on a subchannel stops only that one", control_on_subchannel},
	{"one queue: no subchannels", single_queue_has_no_subchannels},
	{"RSS: Microsoft's hash vectors, bad tables, disable", rss_parameters},
	{"link events: spacing, toggles, not before RNDIS", link_events},
	{"control replies wait for free suballocations, then go on", control_waits_for_ids},
	{"a flood of unanswered control messages stops the channel", control_flood},
	{"completions of unknown ids or kinds stop the channel", bad_completions},
	{"a completion twice, or on another channel", completion_twice_or_elsewhere},
	{"a revoke ends the use of the buffer at once", revoke_stops_at_once},
	{"page lists in use cannot be taken away", gpadl_in_use},
	{"stop and start 20 times, then unload with everything open", stop_and_start},
};

TAP_MAIN("vmbus-netvsp/netvsp", cases)
