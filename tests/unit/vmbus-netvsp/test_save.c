/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Save and restore at each stage of a guest's life, and blobs that lie. */
#include "tests/unit/vmbus-netvsp/nic_world.h"

static uint8_t bus_blob[200000], dev_blob[200000];
static size_t bus_size, dev_size;

static void save(void)
{
	bus_size = vmb_bus_save(v.bus, bus_blob, sizeof(bus_blob));
	dev_size = nvsp_dev_save(v.dev, dev_blob, sizeof(dev_blob));
	CU_ASSERT_TRUE_FATAL(bus_size && bus_size <= sizeof(bus_blob));
	CU_ASSERT_TRUE_FATAL(dev_size && dev_size <= sizeof(dev_blob));
}

static void hand_over(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	CU_ASSERT_EQUAL(nvsp_gpadl_add(v.dev, g->id, g->pfns, g->n_pfns, NULL), 0);
}

/* The host is gone and comes back; the guest and its memory know nothing of it. */
static int host_again(uint32_t n_queues, const struct nvsp_cfg *cfg)
{
	int r = vsc_host_restart(&v, cfg, n_queues);

	if (!r)
		r = vmb_bus_restore(v.bus, bus_blob, bus_size);
	if (r)
		return r;
	vmb_bus_each_gpadl(v.bus, hand_over, NULL);
	r = nvsp_dev_restore(v.dev, dev_blob, dev_size);
	for (uint32_t i = 0; i < n_queues; i++)
		nvsp_chan_set_priv(nvsp_dev_chan(v.dev, i), &v.chan[i]);
	return r;
}

static void traffic(uint32_t chan)
{
	uint8_t frame[700];
	struct nvsp_frame f = {.size = sizeof(frame)};

	pattern(frame, sizeof(frame), chan + 3);
	CU_ASSERT_EQUAL(vsc_send(&v, chan, frame, sizeof(frame), NULL, 0), 0);
	CU_ASSERT_TRUE(host_last() && host_last()->chan == chan &&
		       !memcmp(host_last()->data, frame, sizeof(frame)));
	CU_ASSERT_EQUAL(vsc_deliver(&v, chan, &f, frame), 1);
	CU_ASSERT_TRUE(guest_last() && guest_last()->chan == chan &&
		       !memcmp(guest_last()->data, frame, sizeof(frame)));
}

static void not_connected(void)
{
	nic_init();
	save();
	CU_ASSERT_EQUAL(host_again(1, &nic_cfg), 0);
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
	traffic(0);
	nic_done();
}

static void connected_and_closed(void)
{
	nic_init();
	CU_ASSERT_EQUAL(vsc_connect(&v, VMB_V5_2), 0);
	save();
	CU_ASSERT_EQUAL(host_again(1, &nic_cfg), 0);
	CU_ASSERT_EQUAL(vmb_bus_version(v.bus), VMB_V5_2);
	CU_ASSERT_EQUAL(vsc_open(&v, 0, 16), 0);
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	nic_done();
}

static void offers_not_sent_yet(void)
{
	struct vmb_contact_wire m = {
		.hdr.type = VMB_MSG_CONTACT, .version = VMB_V5_3, .v5.sint = 2};
	struct vmb_msg_hdr_wire req = {.type = VMB_MSG_REQUEST_OFFERS};

	nic_init();
	v.version = VMB_V5_3;
	vsc_bus_send(&v, &m, sizeof(m));
	save();
	CU_ASSERT_EQUAL(host_again(1, &nic_cfg), 0);
	CU_ASSERT_FALSE(v.all_offers);
	vsc_bus_send(&v, &req, sizeof(req));
	CU_ASSERT_TRUE(v.all_offers && v.chan[0].offered);
	nic_done();
}

static void running_with_everything_in_flight(void)
{
	struct nvsp_frame f = {.size = 60};
	uint8_t frame[60] = {0};
	struct nvsp_info a, b;

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 2), 2);
	traffic(1);
	v.hold_acks = true;
	for (uint32_t i = 0; i < 30; i++)
		CU_ASSERT_EQUAL(vsc_deliver(&v, i % 3, &f, frame), 1);
	/* a send whose completion is in the ring, and one not taken yet */
	vsc_send_raw(&v, 0, frame, 0, 0);
	vsc_host_poll(&v, 0);
	uint32_t n = vsc_packet(frame, NULL, 0, frame, 14);

	vsc_send_raw(&v, 2, frame, n, 3);
	nvsp_dev_info(v.dev, &a);
	save();
	for (int round = 0; round < 2; round++) { /* a save of what was restored is the same */
		uint8_t *old = malloc(dev_size);

		memcpy(old, dev_blob, dev_size);
		CU_ASSERT_EQUAL_FATAL(host_again(3, &nic_cfg), 0);
		nvsp_dev_info(v.dev, &b);
		CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
		CU_ASSERT_EQUAL(b.recv_busy, 30);
		size_t before = dev_size;

		save();
		CU_ASSERT_TRUE(before == dev_size && !memcmp(old, dev_blob, dev_size));
		free(old);
	}
	vsc_host_poll(&v, 2);
	CU_ASSERT_TRUE(host_last()->chan == 2 && host_last()->size == 14);
	v.hold_acks = false;
	vsc_ack_held(&v);
	for (uint32_t i = 0; i < 3; i++) {
		vsc_guest_poll(&v, i);
		vsc_host_poll(&v, i);
		traffic(i);
		CU_ASSERT_EQUAL(v.fault[i], VMB_FAULT_NONE);
	}
	nvsp_dev_info(v.dev, &b);
	CU_ASSERT_EQUAL(b.recv_busy, 0);
	vsc_stop(&v);
	CU_ASSERT_EQUAL(v.n_released, 2);
	CU_ASSERT_EQUAL(vsc_open(&v, 0, 16), 0);
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	nic_done();
}

/* A chain of suballocations with the guest, and completions for which its ring has no room. */
static void chain_out_and_completions_waiting(void)
{
	uint8_t params[28] = {0x80, 3, 28, 0}, data[60] = {0}, msg[200];
	static uint8_t big[40000];
	struct nvsp_frame f = {
		.size = sizeof(big), .flags = NVSP_F_LSO | NVSP_F_TCP, .mss = 1448, .l4_off = 34};
	struct vsc_up up = nic_up;
	struct nvsp_info info;
	unsigned int n_sent = 0, done;
	uint32_t n;

	nic_init();
	up.ring_pages = 2; /* a page of data each way */
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &up), 0);
	params[22] = params[23] = 2;
	CU_ASSERT_EQUAL(vsc_set(&v, 0xfc01020c, params, 28), 0);
	v.hold_acks = true;
	CU_ASSERT_EQUAL(vsc_deliver(&v, 0, &f, big), 1);
	CU_ASSERT_EQUAL_FATAL(v.n_held, 1);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, (sizeof(big) + 1513) / 1514);
	done = v.n_tx_done;
	n = vsc_packet(msg, NULL, 0, data, sizeof(data));
	while (n_sent < 1000 && !vsc_send_raw(&v, 0, msg, n, n_sent % 10)) {
		vsc_host_poll(&v, 0);
		n_sent++;
	}
	CU_ASSERT_TRUE(n_sent > 50 && n_sent < 1000); /* it stopped taking: nothing is read */
	save();
	CU_ASSERT_EQUAL_FATAL(host_again(1, &nic_cfg), 0);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, (sizeof(big) + 1513) / 1514);
	for (int i = 0; i < 20; i++) {
		vsc_guest_poll(&v, 0);
		vsc_host_poll(&v, 0);
	}
	CU_ASSERT_EQUAL(v.n_tx_done - done, n_sent); /* each of them once */
	v.hold_acks = false;
	vsc_ack_held(&v); /* one acknowledgement for the whole chain */
	vsc_host_poll(&v, 0);
	nvsp_dev_info(v.dev, &info);
	CU_ASSERT_EQUAL(info.recv_busy, 0);
	CU_ASSERT_EQUAL(v.fault[0], VMB_FAULT_NONE);
	traffic(0);
	nic_done();
}

static void half_made_list_and_unsent(void)
{
	uint8_t m[240] = {0};
	uint64_t pfns[40];
	struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
					  .gpadl = 99,
					  .range_bytes = 8 + 40 * 8,
					  .n_ranges = 1};
	struct vmb_gpadl_body_wire b = {.hdr.type = VMB_MSG_GPADL_BODY, .gpadl = 99};
	uint32_t size = 40 * 4096;

	nic_start();
	ram_alloc(&v.ram, 40, pfns);
	h.relid = v.chan[0].relid;
	memcpy(m, &h, 20);
	memcpy(m + 20, &size, 4);
	memcpy(m + 28, pfns, 26 * 8);
	vsc_bus_send(&v, m, 28 + 26 * 8);
	save();
	CU_ASSERT_EQUAL(host_again(1, &nic_cfg), 0);
	memcpy(m, &b, 16);
	memcpy(m + 16, pfns + 26, 14 * 8);
	v.last_status = 77;
	vsc_bus_send(&v, m, 16 + 14 * 8);
	CU_ASSERT_EQUAL(v.last_status, 0);
	nic_done();
}

static unsigned int n_steps;

static void restart_here(struct vsc *guest)
{
	save();
	CU_ASSERT_EQUAL_FATAL(host_again(1, &nic_cfg), 0);
	n_steps++;
}

/* Before and after each thing a driver says while it starts, and with the interface down. */
static void each_stage_of_a_start(void)
{
	uint32_t filter = 0xd;

	nic_init();
	CU_ASSERT_EQUAL_FATAL(vsc_connect(&v, VMB_V5_3), 0);
	CU_ASSERT_EQUAL_FATAL(vsc_open(&v, 0, 16), 0);
	n_steps = 0;
	restart_here(&v);
	v.step = restart_here;
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &filter, 4), 0);
	restart_here(&v);
	CU_ASSERT_EQUAL(n_steps, 7);
	traffic(0);
	filter = 0;
	CU_ASSERT_EQUAL(vsc_set(&v, 0x0001010e, &filter, 4), 0);
	restart_here(&v);
	vsc_stop(&v);
	restart_here(&v);
	v.step = NULL;
	CU_ASSERT_EQUAL(vsc_open(&v, 0, 16), 0);
	CU_ASSERT_EQUAL(vsc_bring_up(&v, &nic_up), 0);
	nic_done();
}

static void rss_param_all(uint8_t *b, uint32_t queues)
{
	uint32_t w[10] = {0x00280289, 0, 0x100 | 0x200 | 1, 128 * 4, 40, 40, 40 + 128 * 4, 0, 0, 0};

	memcpy(b, w, 40);
	for (uint32_t i = 0; i < 128; i++)
		memcpy(b + 40 + i * 4, &(uint32_t){i % queues}, 4);
	memset(b + 40 + 128 * 4, 0x5a, 40);
}

/* The driver changes its table behind a restore: more queues than before, then fewer, none on queue 0. */
static void table_changes_after_restore(void)
{
	uint8_t b[40 + 128 * 4 + 40];
	uint32_t one = 1;

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 2), 2);
	rss_param_all(b, 2);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, sizeof(b)), 0);
	save();
	CU_ASSERT_EQUAL_FATAL(host_again(3, &nic_cfg), 0);
	CU_ASSERT_TRUE(nvsp_rss_on(v.dev));
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, 5), 1);
	rss_param_all(b, 3);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, sizeof(b)), 0);
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, 5), 2);
	for (uint32_t i = 0; i < 128; i++)
		memcpy(b + 40 + i * 4, &one, 4);
	CU_ASSERT_EQUAL(vsc_set(&v, 0x00010204, b, sizeof(b)), 0);
	CU_ASSERT_EQUAL(nvsp_rss_queue(v.dev, 0), 1);
	traffic(0);
	traffic(2);
	nic_done();
}

/* A second device is there when the host comes back: the guest is offered it, and keeps the first. */
static void device_plugged_in_meanwhile(void)
{
	struct vmb_offer o = {.type = {{1}}, .instance = {{2}}, .monitor_id = -1};
	struct vmb_chan *chan;

	nic_start();
	save();
	CU_ASSERT_EQUAL_FATAL(vsc_host_restart(&v, &nic_cfg, 1), 0);
	CU_ASSERT_EQUAL(vmb_offer_add(v.bus, &o, &chan), 0);
	v.chan[0].offered = false; /* an offer of index 0 sets it, whoever's */
	CU_ASSERT_EQUAL_FATAL(vmb_bus_restore(v.bus, bus_blob, bus_size), 0);
	CU_ASSERT_TRUE(v.chan[0].offered);
	CU_ASSERT_EQUAL(v.chan[0].relid, vmb_chan_relid(chan));
	CU_ASSERT_TRUE(vmb_chan_is_open(v.bus_chan[0]));
	CU_ASSERT_NOT_EQUAL(vmb_chan_relid(v.bus_chan[0]), vmb_chan_relid(chan));
	vsc_done(&v);
}

static void device_gone_is_revoked(void)
{
	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 1), 1);
	save();
	/* the bus comes back with the primary only: the subchannel is taken from the guest */
	CU_ASSERT_EQUAL(vsc_host_restart(&v, &nic_cfg, 1), 0);
	CU_ASSERT_EQUAL(vmb_bus_restore(v.bus, bus_blob, bus_size), 0);
	CU_ASSERT_EQUAL(v.chan[1].rescinds, 1);
	CU_ASSERT_EQUAL(v.chan[0].rescinds, 0);
	CU_ASSERT_TRUE(vmb_chan_is_open(v.bus_chan[0]));
	nic_done();
}

static void refused(void)
{
	struct nvsp_cfg cfg = nic_cfg;

	nic_start();
	CU_ASSERT_EQUAL(vsc_subchannels(&v, 2), 2);
	save();
	CU_ASSERT_EQUAL(nvsp_dev_restore(v.dev, dev_blob, dev_size), -EBUSY);
	CU_ASSERT_EQUAL(vmb_bus_restore(v.bus, bus_blob, bus_size), -EBUSY);
	cfg.max_queues = 2; /* fewer queues than the guest has */
	CU_ASSERT_EQUAL(host_again(1, &cfg), -EINVAL);
	cfg = nic_cfg;
	*gring_word(&v.chan[0].in, 0) ^= 8; /* memory of another moment */
	CU_ASSERT_EQUAL(host_again(3, &cfg), -ESTALE);
	*gring_word(&v.chan[0].in, 0) ^= 8;
	uint32_t newer = VMB_VERSION(6, 0);

	memcpy(bus_blob + 8, &newer, 4);
	CU_ASSERT_EQUAL(host_again(3, &cfg), -ENOTSUP);
	newer = VMB_V5_3;
	memcpy(bus_blob + 8, &newer, 4);
	CU_ASSERT_EQUAL(host_again(3, &cfg), 0);
	/* a receive buffer cut for a smaller MTU than the one saved with it */
	uint32_t mtu = 9000;

	memcpy(dev_blob + 24, &mtu, 4);
	CU_ASSERT_EQUAL(host_again(3, &cfg), -EINVAL);
	nic_done();
}

/* Each byte spoilt, each length cut: refused or taken, never a crash, and what was taken works. */
static void blobs_that_lie(void)
{
	unsigned int taken = 0, cut_taken = 0;

	nic_start();
	vsc_subchannels(&v, 1);
	save();
	CU_ASSERT_EQUAL(vsc_host_restart(&v, &nic_cfg, 2), 0);
	CU_ASSERT_EQUAL(vmb_bus_restore(v.bus, bus_blob, bus_size), 0);
	vmb_bus_each_gpadl(v.bus, hand_over, NULL);
	for (size_t i = 0; i < dev_size * 2; i++) {
		dev_blob[i / 2] ^= i & 1 ? 0x81 : 0xff;
		if (!nvsp_dev_restore(v.dev, dev_blob, dev_size)) {
			taken++;
			vsc_host_poll(&v, 0);
			vsc_host_poll(&v, 1);
			nvsp_chan_close(v.dev, 0);
		}
		dev_blob[i / 2] ^= i & 1 ? 0x81 : 0xff;
	}
	for (size_t i = 0; i < dev_size; i++)
		cut_taken += !nvsp_dev_restore(v.dev, dev_blob, i);
	CU_ASSERT_EQUAL(cut_taken, 0);
	CU_ASSERT_TRUE(taken > 0 && taken < dev_size * 2);
	for (size_t i = 0; i < bus_size + 64; i++) {
		size_t n = i < bus_size ? bus_size : (i - bus_size) * bus_size / 64;

		if (i < bus_size)
			bus_blob[i] ^= 0x81;
		CU_ASSERT_EQUAL_FATAL(vsc_host_restart(&v, &nic_cfg, 2), 0);
		int r = vmb_bus_restore(v.bus, bus_blob, n);

		if (i >= bus_size)
			CU_ASSERT_NOT_EQUAL(r, 0);
		if (!r)
			vmb_bus_reset(v.bus);
		if (i < bus_size)
			bus_blob[i] ^= 0x81;
	}
	vsc_done(&v);
}

static const struct tap_case cases[] = {
	{"no connection", not_connected},
	{"connected, channel closed", connected_and_closed},
	{"offers not sent yet", offers_not_sent_yet},
	{"three channels, deliveries and sends in flight", running_with_everything_in_flight},
	{"a chain of suballocations with the guest, completions that wait for room",
	 chain_out_and_completions_waiting},
	{"a half-made page list", half_made_list_and_unsent},
	{"each stage of a driver's start, interface down, stopped", each_stage_of_a_start},
	{"RSS table grows and shrinks after a restore, queue 0 unused",
	 table_changes_after_restore},
	{"a device plugged in before the restore is offered", device_plugged_in_meanwhile},
	{"channels of devices that are gone are revoked", device_gone_is_revoked},
	{"not new, fewer queues, other memory, newer version, suballocation too small", refused},
	{"blobs with each byte spoilt and each length cut", blobs_that_lie},
};

TAP_MAIN("vmbus-netvsp/save", cases)
