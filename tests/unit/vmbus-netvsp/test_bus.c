/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/vmbus-netvsp/bus_world.h"

static const uint32_t versions[] = {VMB_V2_4, VMB_V3_0, VMB_V4_0, VMB_V4_1,
				    VMB_V5_0, VMB_V5_1, VMB_V5_2, VMB_V5_3};
#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))

static void supported_versions(void)
{
	for (unsigned int i = 0; i < N_VERSIONS; i++) {
		const struct sent *s;

		bw_setup();
		bw_contact(versions[i], 2);
		s = bw_expect(VMB_MSG_VERSION_RESPONSE);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_EQUAL(s->size, 16);
		CU_ASSERT_EQUAL(s->msg[8], 1);
		CU_ASSERT_EQUAL(s->msg[9], 0);
		CU_ASSERT_EQUAL(bw_u32(s, 12), versions[i] >= VMB_V5_0 ? 4 : versions[i]);
		CU_ASSERT_EQUAL(s->vp, versions[i] >= VMB_V3_0 ? 2 : 0);
		CU_ASSERT_EQUAL(vmb_bus_version(bw.bus), versions[i]);
		bw_teardown();
	}
}

/* QEMU took every number below its newest for a version. */
static void unsupported_versions(void)
{
	static const uint32_t bad[] = {0,
				       VMB_VERSION(0, 13),
				       VMB_VERSION(1, 1),
				       VMB_VERSION(2, 3),
				       VMB_VERSION(3, 1),
				       VMB_VERSION(4, 2),
				       VMB_VERSION(5, 4),
				       VMB_VERSION(6, 0),
				       0xffffffff};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const struct sent *s;

		bw_setup();
		bw_contact(bad[i], 0);
		s = bw_expect(VMB_MSG_VERSION_RESPONSE);
		CU_ASSERT_PTR_NOT_NULL_FATAL(s);
		CU_ASSERT_EQUAL(s->msg[8], 0);
		CU_ASSERT_EQUAL(vmb_bus_version(bw.bus), 0);
		BW_WORDS(VMB_MSG_REQUEST_OFFERS);
		CU_ASSERT_TRUE(bw_quiet()); /* not connected: dropped */
		bw_contact(VMB_V4_0, 0);    /* the guest tries a lower one */
		CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_VERSION_RESPONSE), 12), VMB_V4_0);
		bw_teardown();
	}
	bw_setup_cfg((struct vmb_bus_cfg){.n_vps = 1, .max_version = VMB_V4_0});
	bw_contact(VMB_V4_1, 0);
	CU_ASSERT_EQUAL(bw_expect(VMB_MSG_VERSION_RESPONSE)->msg[8], 0);
	CU_ASSERT_EQUAL(bw_send_on(VMB_CONN_MULTI, "", 0), -ENOENT); /* as an older host answers */
	bw_teardown();
}

static void contact_fields(void)
{
	struct vmb_contact_wire m = {.hdr.type = VMB_MSG_CONTACT, .version = VMB_V5_3};
	const struct sent *s;

	bw_setup();
	m.v5.sint = 3;
	bw_send(&m, sizeof(m));
	s = bw_expect(VMB_MSG_VERSION_RESPONSE);
	CU_ASSERT_TRUE(s->msg[8] == 0 && s->msg[9] == 2);
	m.v5.sint = 2;
	m.v5.vtl = 1;
	bw_send(&m, sizeof(m));
	CU_ASSERT_EQUAL(bw_expect(VMB_MSG_VERSION_RESPONSE)->msg[8], 0);
	/* on the single-client connection these bytes mean nothing */
	CU_ASSERT_EQUAL(bw_send_on(VMB_CONN_MESSAGE, &m, sizeof(m)), 0);
	s = bw_expect(VMB_MSG_VERSION_RESPONSE);
	CU_ASSERT_TRUE(s->msg[8] == 1 && bw_u32(s, 12) == 1);
	bw_teardown();
	bw_setup();
	m.v5.vtl = 0;
	m.monitor_to_child = 0x1000; /* one page without the other */
	bw_send(&m, sizeof(m));
	CU_ASSERT_EQUAL(bw_expect(VMB_MSG_VERSION_RESPONSE)->msg[8], 0);
	m.monitor_to_child = 0;
	m.target_vp = 4; /* VPs are 0..3 */
	bw_send(&m, sizeof(m));
	s = bw_expect(VMB_MSG_VERSION_RESPONSE);
	CU_ASSERT_TRUE(s->msg[8] == 0 && s->vp == 0);
	m.target_vp = 3;
	bw_send(&m, sizeof(m));
	CU_ASSERT_EQUAL(bw_expect(VMB_MSG_VERSION_RESPONSE)->msg[8], 1);
	bw_send(&m, sizeof(m) - 1); /* short: dropped */
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

/* Bits and bytes that versions before 2.4 or after 5.3 gave a meaning. */
static void other_versions_fields(void)
{
	struct vmb_chan *chan;
	struct {
		struct vmb_contact_wire m;
		struct vmb_guid client;
	} m = {.m.hdr.type = VMB_MSG_CONTACT, .m.version = VMB_V5_3, .m.v5.sint = 2};
	const struct sent *s;

	for (int with_client = 0; with_client < 2; with_client++) {
		bw_setup();
		m.m.v5.features = 0xffffffff;
		memset(&m.client, with_client ? 0xff : 0, sizeof(m.client));
		bw_send(&m, with_client ? sizeof(m) : sizeof(m.m));
		s = bw_expect(VMB_MSG_VERSION_RESPONSE);
		/* none of them is ours: no features behind the sixteen bytes */
		CU_ASSERT_TRUE_FATAL(s && s->size == 16 && s->msg[8] == 1 && s->msg[9] == 0);
		CU_ASSERT_EQUAL(bw_u32(s, 12), VMB_CONN_MULTI);
		bw_teardown();
	}
	for (unsigned int i = 0; versions[i] < VMB_V5_0; i++) {
		uint64_t pfn;
		uint8_t *page;

		bw_setup();
		CU_ASSERT_EQUAL_FATAL(ram_alloc(&bw.ram, 1, &pfn), 0);
		page = ram_pfn(&bw.ram, pfn);
		m.m.version = versions[i];
		m.m.interrupt_page = i & 1 ? 0x10 : pfn * 4096; /* no RAM at all, or some */
		CU_ASSERT_EQUAL(bw_send_on(VMB_CONN_MESSAGE, &m.m, sizeof(m.m)), 0);
		CU_ASSERT_EQUAL(bw_expect(VMB_MSG_VERSION_RESPONSE)->msg[8], 1);
		BW_WORDS(VMB_MSG_REQUEST_OFFERS);
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
		chan = bw_add_offer(1, 0);
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
		bw_open_chan(chan, 1);
		for (unsigned int k = 0; k < 4096; k++)
			CU_ASSERT_EQUAL(page[k], 0);
		bw_teardown();
	}
}

/* QEMU took 2048 for an event number: one bit behind the page's last. */
static void event_numbers_end(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	for (uint32_t i = VMB_RELID_MAX; i < VMB_RELID_MAX + 70; i++) {
		CU_ASSERT_PTR_NULL(vmb_chan_by_relid(bw.bus, i));
		BW_WORDS(VMB_MSG_CLOSE, i);
		BW_WORDS(VMB_MSG_MODIFY, i, 1);
		BW_WORDS(VMB_MSG_RELID_RELEASED, i);
	}
	CU_ASSERT_PTR_NULL(vmb_chan_by_relid(bw.bus, 0));
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_TRUE(vmb_chan_is_open(chan));
	bw_teardown();
}

static void input_limits(void)
{
	uint8_t big[300] = {0};
	uint32_t type;

	bw_setup();
	CU_ASSERT_EQUAL(bw_send_on(1, big, 241), -EINVAL);
	CU_ASSERT_EQUAL(bw_send_on(1, big, 240), 0);
	CU_ASSERT_EQUAL(bw_send_on(1, big, 0), 0);
	CU_ASSERT_EQUAL(bw_send_on(1, big, 7), 0);
	CU_ASSERT_EQUAL(bw_send_on(2, big, 8), -ENOENT);
	bw_connect(VMB_V5_3);
	for (type = 0; type < 40; type++) { /* nothing but a header, and host messages */
		if (type == VMB_MSG_UNLOAD || type == VMB_MSG_CONTACT)
			continue;
		BW_WORDS(type);
	}
	BW_WORDS(0xffffffff, 1, 2, 3);
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_NOT_EQUAL(vmb_bus_version(bw.bus), 0);
	bw_teardown();
}

static void offers_in_stable_order(void)
{
	uint32_t first[3];

	bw_setup();
	bw_add_offer(9, 0);
	bw_add_offer(3, 0);
	bw_add_offer(5, 0);
	for (int round = 0; round < 2; round++) {
		bw_contact(VMB_V5_2, 1);
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
		BW_WORDS(VMB_MSG_REQUEST_OFFERS);
		for (int i = 0; i < 3; i++) {
			const struct sent *s = bw_expect(VMB_MSG_OFFER);

			CU_ASSERT_PTR_NOT_NULL_FATAL(s);
			CU_ASSERT_EQUAL(s->size, 196);
			CU_ASSERT_EQUAL(s->vp, 1);
			CU_ASSERT_EQUAL(s->msg[24], 3 + 2 * i + (i == 2 ? 2 : 0));
			CU_ASSERT_EQUAL(s->msg[190], 1); /* dedicated interrupt */
			CU_ASSERT_EQUAL(s->msg[189], 0); /* no monitor */
			CU_ASSERT_EQUAL(bw_u32(s, 192), 0x2000 + bw_u32(s, 184));
			if (round == 0)
				first[i] = bw_u32(s, 184);
			CU_ASSERT_EQUAL(bw_u32(s, 184), first[i]); /* hibernation needs this */
		}
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
		BW_WORDS(VMB_MSG_REQUEST_OFFERS); /* a second one is ignored */
		CU_ASSERT_TRUE(bw_quiet());
	}
	bw_teardown();
}

static void monitor_ids(void)
{
	struct vmb_offer o = bw_offer(1, 0);
	struct vmb_chan *chan;
	const struct sent *s;

	bw_setup();
	o.monitor_id = 127;
	CU_ASSERT_EQUAL(vmb_offer_add(bw.bus, &o, &chan), 0);
	bw_contact(VMB_V5_3, 0);
	bw_expect(VMB_MSG_VERSION_RESPONSE);
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	s = bw_expect(VMB_MSG_OFFER);
	CU_ASSERT_TRUE(s && s->msg[188] == 127 && s->msg[189] == 1);
	bw_teardown();
}

static void offer_rules(void)
{
	struct vmb_offer o;
	struct vmb_chan *chan, *sub;

	bw_setup();
	o = bw_offer(1, 1);
	CU_ASSERT_EQUAL(vmb_offer_add(bw.bus, &o, &chan), -ENOENT); /* no primary */
	bw_connect(VMB_V5_3);
	o = bw_offer(1, 0);
	CU_ASSERT_EQUAL(vmb_offer_add(bw.bus, &o, &chan), -EEXIST);
	sub = bw_add_offer(1, 1); /* hot add while connected */
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_OFFER), 184), vmb_chan_relid(sub));
	for (unsigned int i = 3; i <= VMB_RELID_MAX; i++) {
		o = bw_offer(1, (uint16_t)i);
		CU_ASSERT_EQUAL_FATAL(vmb_offer_add(bw.bus, &o, &chan), 0);
		CU_ASSERT_TRUE(vmb_chan_relid(chan) >= 1 && vmb_chan_relid(chan) <= VMB_RELID_MAX);
	}
	o = bw_offer(2, 0);
	CU_ASSERT_EQUAL(vmb_offer_add(bw.bus, &o, &chan), -ENOSPC);
	bw_teardown();
}

static void life_cycle_per_version(void)
{
	for (unsigned int i = 0; i < N_VERSIONS; i++) {
		struct vmb_chan *chan;
		uint32_t relid;

		bw_setup();
		chan = bw_connect(versions[i]);
		relid = vmb_chan_relid(chan);
		for (uint32_t round = 1; round < 4; round++) {
			bw_open_chan(chan, round);
			CU_ASSERT_EQUAL(bw.last_vp, 1);
			BW_WORDS(VMB_MSG_MODIFY, relid, 3);
			if (versions[i] >= VMB_V5_3)
				CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
			CU_ASSERT_EQUAL(vmb_chan_target_vp(chan), versions[i] >= VMB_V4_1 ? 3 : 1);
			BW_WORDS(VMB_MSG_CLOSE, relid);
			CU_ASSERT_TRUE(bw_quiet()); /* close has no answer */
			CU_ASSERT_EQUAL(bw.n_close, round);
			BW_WORDS(VMB_MSG_GPADL_TEARDOWN, relid, round);
			CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_GPADL_TORNDOWN));
		}
		vmb_offer_revoke(chan);
		CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_RESCIND), 8), relid);
		CU_ASSERT_EQUAL(bw.n_released, 0);
		bw_open_msg(relid, 1, 0, 4); /* the rescind wakes the guest, not an answer */
		CU_ASSERT_TRUE(bw_quiet());
		BW_WORDS(VMB_MSG_RELID_RELEASED, relid);
		CU_ASSERT_EQUAL(bw.n_released, 1);
		CU_ASSERT_PTR_NULL(vmb_chan_by_relid(bw.bus, relid));
		CU_ASSERT_TRUE(bw_quiet());
		bw_teardown();
	}
}

static void open_refused(void)
{
	struct vmb_chan *chan, *other;
	uint32_t relid;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	other = bw_add_offer(2, 0);
	bw_expect(VMB_MSG_OFFER);
	relid = vmb_chan_relid(chan);
	bw_gpadl(relid, 1, 8);
	bw_gpadl(vmb_chan_relid(other), 2, 8);
	bw_expect(VMB_MSG_GPADL_CREATED);
	bw_expect(VMB_MSG_GPADL_CREATED);
	static const struct {
		uint32_t gpadl, vp, downstream;
	} bad[] = {{9, 0, 4}, {2, 0, 4}, {1, 4, 4}, {1, 0, 0},         {1, 0, 1},
		   {1, 0, 7}, {1, 0, 8}, {1, 0, 9}, {1, 0, 0xffffffff}};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bw_open_msg(relid, bad[i].gpadl, bad[i].vp, bad[i].downstream);
		CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_OPEN_RESULT), 16), 0);
	}
	CU_ASSERT_EQUAL(bw.n_open, 0);
	bw.r_open = -ENODEV;
	bw_open_msg(relid, 1, 0, 4);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_OPEN_RESULT), 16), 0);
	bw.r_open = 0;
	bw_open_msg(relid, 1, VMB_VP_NONE, 2);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_OPEN_RESULT), 16), 0);
	CU_ASSERT_EQUAL(bw.last_vp, VMB_VP_NONE);
	bw_open_msg(relid, 1, 0, 4); /* a second open, and one of nothing */
	bw_open_msg(1234, 1, 0, 4);
	bw_open_msg(0xfffffff0, 1, 0, 4);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void open_while_closing(void)
{
	struct vmb_chan *chan;
	uint32_t relid;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	relid = vmb_chan_relid(chan);
	bw_open_chan(chan, 1);
	bw.r_close = -EINPROGRESS;
	BW_WORDS(VMB_MSG_CLOSE, relid);
	bw_gpadl(relid, 2, 8);
	bw_expect(VMB_MSG_GPADL_CREATED);
	bw_open_msg(relid, 2, 2, 4);
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(bw.n_open, 1);
	vmb_close_done(chan);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_OPEN_RESULT), 16), 0);
	CU_ASSERT_EQUAL(bw.n_open, 2);
	CU_ASSERT_EQUAL(bw.last_vp, 2);
	vmb_close_done(chan); /* stray answers change nothing */
	vmb_open_done(chan, 0);
	CU_ASSERT_TRUE(vmb_chan_is_open(chan));
	bw_teardown();
}

static void close_while_opening(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_gpadl(vmb_chan_relid(chan), 1, 8);
	bw_expect(VMB_MSG_GPADL_CREATED);
	bw.r_open = -EINPROGRESS;
	bw_open_msg(vmb_chan_relid(chan), 1, 0, 4);
	BW_WORDS(VMB_MSG_CLOSE, vmb_chan_relid(chan));
	CU_ASSERT_EQUAL(bw.n_close, 0);
	vmb_open_done(chan, 0);
	CU_ASSERT_EQUAL(bw.n_close, 1);
	CU_ASSERT_FALSE(vmb_chan_is_open(chan));
	BW_WORDS(VMB_MSG_CLOSE, vmb_chan_relid(chan)); /* closing what is closed: dropped */
	CU_ASSERT_EQUAL(bw.n_close, 1);
	bw_teardown();
}

static void modify_rules(void)
{
	struct vmb_chan *chan;
	uint32_t relid;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	relid = vmb_chan_relid(chan);
	BW_WORDS(VMB_MSG_MODIFY, relid, 1); /* closed */
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
	bw_open_chan(chan, 1);
	BW_WORDS(VMB_MSG_MODIFY, relid, 4); /* no such VP */
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
	BW_WORDS(VMB_MSG_MODIFY, 99, 1);
	CU_ASSERT_TRUE(bw_quiet());
	BW_WORDS(VMB_MSG_MODIFY, relid, VMB_VP_NONE); /* as OPEN: no interrupts */
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
	CU_ASSERT_EQUAL(vmb_chan_target_vp(chan), VMB_VP_NONE);
	bw.n_modify = 0;
	bw.r_modify = -EINPROGRESS;
	BW_WORDS(VMB_MSG_MODIFY, relid, 2);
	BW_WORDS(VMB_MSG_MODIFY, relid, 3); /* while one is pending */
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
	BW_WORDS(VMB_MSG_CLOSE, relid);
	CU_ASSERT_EQUAL(bw.n_close, 0); /* the pending one first */
	vmb_modify_done(chan, 0);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_MODIFY_RESPONSE), 12), 0);
	CU_ASSERT_EQUAL(bw.n_close, 1);
	bw_teardown();
	/* before 5.3 there are no answers: the second waits for the first */
	bw_setup();
	chan = bw_connect(VMB_V5_2);
	relid = vmb_chan_relid(chan);
	bw_open_chan(chan, 1);
	bw.r_modify = -EINPROGRESS;
	BW_WORDS(VMB_MSG_MODIFY, relid, 2);
	BW_WORDS(VMB_MSG_MODIFY, relid, 3);
	CU_ASSERT_EQUAL(bw.n_modify, 1);
	vmb_modify_done(chan, 0);
	CU_ASSERT_EQUAL(bw.n_modify, 2);
	vmb_modify_done(chan, 0);
	CU_ASSERT_EQUAL(vmb_chan_target_vp(chan), 3);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void unload_waits_for_devices(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	bw.r_close = bw.r_del = -EINPROGRESS;
	BW_WORDS(VMB_MSG_UNLOAD);
	CU_ASSERT_TRUE(vmb_bus_resetting(bw.bus));
	BW_WORDS(VMB_MSG_REQUEST_OFFERS); /* dropped while resetting */
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(bw.n_del, 0);
	vmb_close_done(chan);
	CU_ASSERT_EQUAL(bw.n_del, 1);
	CU_ASSERT_TRUE(bw_quiet()); /* memory is still in use */
	vmb_gpadl_del_done(bw.bus, 1);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_UNLOAD_RESPONSE));
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(vmb_bus_version(bw.bus), 0);
	bw.r_close = bw.r_del = 0;
	bw_contact(VMB_V4_1, 0);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_OFFER), 184), vmb_chan_relid(chan));
	bw_teardown();
}

static void contact_without_unload(void)
{
	struct vmb_chan *chan;
	struct vmb_chan *sub;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	sub = bw_add_offer(1, 1);
	bw_expect(VMB_MSG_OFFER);
	bw_open_chan(sub, 2);
	bw.r_close = -EINPROGRESS;
	bw_contact(VMB_V5_3, 1); /* kexec: the old kernel said nothing */
	bw_contact(VMB_V4_0, 3); /* and it asks again while we are at it */
	CU_ASSERT_TRUE(bw_quiet());
	vmb_close_done(chan);
	vmb_close_done(sub);
	CU_ASSERT_EQUAL(bw.n_released, 1); /* the subchannel is gone */
	const struct sent *s = bw_expect(VMB_MSG_VERSION_RESPONSE);

	CU_ASSERT_TRUE(s && bw_u32(s, 12) == VMB_V4_0 && s->vp == 3);
	CU_ASSERT_EQUAL(bw.n_del, 2);
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	CU_ASSERT_TRUE(bw_quiet());
	bw.r_close = 0;
	bw_open_chan(chan, 1);
	bw_teardown();
}

static void reset_while_opening(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw.r_open = bw.r_add = -EINPROGRESS;
	bw_gpadl(vmb_chan_relid(chan), 1, 8);
	vmb_gpadl_add_done(bw.bus, 1, 0);
	bw_expect(VMB_MSG_GPADL_CREATED);
	bw_open_msg(vmb_chan_relid(chan), 1, 0, 4);
	bw_gpadl(vmb_chan_relid(chan), 2, 8); /* its device has not answered yet */
	BW_WORDS(VMB_MSG_UNLOAD);
	CU_ASSERT_TRUE(bw_quiet());
	vmb_open_done(chan, 0);
	CU_ASSERT_EQUAL(bw.n_close, 1);
	CU_ASSERT_TRUE(bw_quiet());
	vmb_gpadl_add_done(bw.bus, 2, 0);
	CU_ASSERT_EQUAL(bw.n_del, 2);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_UNLOAD_RESPONSE));
	bw_teardown();
}

/* Whoever asks last is answered, and nobody else. */
static void asked_again_in_a_reset(void)
{
	for (int unload_last = 0; unload_last < 2; unload_last++) {
		struct vmb_chan *chan;

		bw_setup();
		chan = bw_connect(VMB_V5_3);
		bw_open_chan(chan, 1);
		bw.r_close = -EINPROGRESS;
		if (unload_last)
			bw_contact(VMB_V5_3, 0);
		BW_WORDS(VMB_MSG_UNLOAD);
		BW_WORDS(VMB_MSG_UNLOAD);
		if (!unload_last)
			bw_contact(VMB_V5_3,
				   0); /* a panic's kernel: no time to wait for the answer */
		CU_ASSERT_TRUE(bw_quiet());
		CU_ASSERT_EQUAL(bw.n_close, 1);
		vmb_close_done(chan);
		CU_ASSERT_PTR_NOT_NULL(bw_expect(unload_last ? VMB_MSG_UNLOAD_RESPONSE
							     : VMB_MSG_VERSION_RESPONSE));
		CU_ASSERT_TRUE(bw_quiet());
		CU_ASSERT_EQUAL(vmb_bus_version(bw.bus), unload_last ? 0 : VMB_V5_3);
		bw_teardown();
	}
}

static bool can_save(void)
{
	return vmb_bus_save(bw.bus, NULL, 0) > 0;
}

/* Connecting, opening, closing, modifying, a page list coming or going: not a state to write down. */
static void no_save_while_something_is_owed(void)
{
	struct vmb_chan *chan;
	uint32_t relid;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	relid = vmb_chan_relid(chan);
	CU_ASSERT_TRUE(can_save());
	bw.r_add = bw.r_del = bw.r_open = bw.r_close = bw.r_modify = -EINPROGRESS;
	bw_gpadl(relid, 1, 8);
	CU_ASSERT_FALSE(can_save());
	vmb_gpadl_add_done(bw.bus, 1, 0);
	CU_ASSERT_TRUE(can_save());
	bw_open_msg(relid, 1, 0, 4);
	CU_ASSERT_FALSE(can_save());
	vmb_open_done(chan, 0);
	CU_ASSERT_TRUE(can_save());
	BW_WORDS(VMB_MSG_MODIFY, relid, 2);
	CU_ASSERT_FALSE(can_save());
	vmb_modify_done(chan, 0);
	CU_ASSERT_TRUE(can_save());
	BW_WORDS(VMB_MSG_CLOSE, relid);
	CU_ASSERT_FALSE(can_save());
	vmb_close_done(chan);
	CU_ASSERT_TRUE(can_save());
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, relid, 1);
	CU_ASSERT_FALSE(can_save());
	vmb_gpadl_del_done(bw.bus, 1);
	CU_ASSERT_TRUE(can_save());
	bw.r_add = bw.r_open = 0;
	bw_gpadl(relid, 2, 8);
	bw_open_msg(relid, 2, 0, 4);
	CU_ASSERT_TRUE(can_save());
	bw_contact(VMB_V5_3, 0); /* connecting anew */
	CU_ASSERT_FALSE(can_save());
	vmb_close_done(chan);
	CU_ASSERT_FALSE(can_save());
	vmb_gpadl_del_done(bw.bus, 2);
	CU_ASSERT_TRUE(can_save());
	bw_teardown();
}

static void primary_close_revokes_subchannels(void)
{
	struct vmb_chan *chan, *sub[3];

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	for (uint32_t i = 0; i < 3; i++) {
		sub[i] = bw_add_offer(1, (uint16_t)(i + 1));
		bw_expect(VMB_MSG_OFFER);
		if (i < 2)
			bw_open_chan(sub[i], 2 + i);
	}
	uint32_t old = vmb_chan_relid(sub[0]);

	BW_WORDS(VMB_MSG_CLOSE, vmb_chan_relid(chan));
	CU_ASSERT_EQUAL(bw.n_close, 3);
	CU_ASSERT_EQUAL(bw.n_del, 2); /* the primary's ring stays until it is torn down */
	for (int i = 0; i < 3; i++)
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_RESCIND));
	CU_ASSERT_TRUE(bw_quiet());
	for (int i = 0; i < 3; i++)
		BW_WORDS(VMB_MSG_RELID_RELEASED, vmb_chan_relid(sub[i]));
	CU_ASSERT_EQUAL(bw.n_released, 3);
	bw_open_chan(chan, 9); /* the primary lives on */
	sub[0] = bw_add_offer(1, 1);
	CU_ASSERT_NOT_EQUAL(vmb_chan_relid(sub[0]), old); /* ids are fresh */
	bw_teardown();
}

static void revoke_subchannels_before_primary(void)
{
	struct vmb_chan *chan, *sub;
	uint32_t relid, sub_relid;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	sub = bw_add_offer(1, 1);
	bw_expect(VMB_MSG_OFFER);
	bw_open_chan(sub, 2);
	relid = vmb_chan_relid(chan);
	sub_relid = vmb_chan_relid(sub);
	bw.r_close = -EINPROGRESS;
	vmb_offer_revoke(chan);
	vmb_offer_revoke(chan);
	vmb_close_done(chan);
	CU_ASSERT_TRUE(bw_quiet()); /* the primary waits for its subchannel */
	vmb_close_done(sub);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_RESCIND), 8), sub_relid);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_RESCIND), 8), relid);
	/* the same NIC may come back before the guest let go of the old one */
	chan = bw_add_offer(1, 0);
	CU_ASSERT_NOT_EQUAL(vmb_chan_relid(chan), relid);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	BW_WORDS(VMB_MSG_RELID_RELEASED, relid);
	BW_WORDS(VMB_MSG_RELID_RELEASED, sub_relid);
	BW_WORDS(VMB_MSG_RELID_RELEASED, relid);                /* twice */
	BW_WORDS(VMB_MSG_RELID_RELEASED, vmb_chan_relid(chan)); /* never rescinded */
	CU_ASSERT_EQUAL(bw.n_released, 2);
	bw_teardown();
}

static void revoke_before_offers(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_add_offer(1, 0);
	vmb_offer_revoke(chan); /* nobody was told: gone at once */
	CU_ASSERT_EQUAL(bw.n_released, 1);
	chan = bw_add_offer(1, 0);
	bw_contact(VMB_V5_3, 0);
	bw_expect(VMB_MSG_VERSION_RESPONSE);
	vmb_offer_revoke(chan);
	CU_ASSERT_EQUAL(bw.n_released, 2);
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void busy_slot_keeps_order(void)
{
	bw_setup();
	bw.slot_busy = true;
	bw_add_offer(1, 0);
	bw_add_offer(2, 0);
	bw_contact(VMB_V5_3, 0);
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(vmb_bus_unsent(bw.bus), 16 + 2 * 196 + 8);
	bw.slot_busy = false;
	vmb_bus_flush(bw.bus);
	CU_ASSERT_EQUAL(vmb_bus_unsent(bw.bus), 0);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void unread_messages_are_bounded(void)
{
	struct vmb_tl_connect_wire m = {.hdr.type = VMB_MSG_TL_CONNECT};
	int r = 0, n = 0;

	bw_setup();
	bw_connect(VMB_V5_3);
	bw_send(&m, sizeof(m));
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_TL_RESULT), 40), VMB_STATUS_REFUSED);
	bw.slot_busy = true;
	for (n = 0; n < 100000 && !r; n++)
		r = bw_send_on(4, &m, sizeof(m));
	CU_ASSERT_EQUAL(r, -EBUSY);
	CU_ASSERT_TRUE(vmb_bus_unsent(bw.bus) < 110000);
	bw.slot_busy = false;
	vmb_bus_flush(bw.bus);
	bw_send(&m, sizeof(m));
	bw_teardown();
}

static void hard_reset(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	vmb_bus_reset(bw.bus);
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(bw.n_close, 1);
	CU_ASSERT_EQUAL(bw.n_del, 1);
	CU_ASSERT_EQUAL(vmb_bus_version(bw.bus), 0);
	CU_ASSERT_FALSE(vmb_bus_resetting(bw.bus));
	bw_teardown();
}

/* A card plugged in: told at once when the guest has its offers, with them when it comes in a reset. */
static void plugged_in_while_running(void)
{
	struct vmb_chan *chan, *more;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	more = bw_add_offer(7, 0);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_OFFER), 184), vmb_chan_relid(more));
	bw_open_chan(more, 2);
	bw.r_close = -EINPROGRESS;
	bw_contact(VMB_V5_3, 0);
	bw_add_offer(8, 0);
	CU_ASSERT_TRUE(bw_quiet()); /* nobody to tell now */
	vmb_close_done(chan);
	vmb_close_done(more);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	for (int i = 0; i < 3; i++)
		CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static const struct tap_case cases[] = {
	{"each supported version is accepted", supported_versions},
	{"old bug: other version numbers are refused, not rounded", unsupported_versions},
	{"sint, vtl, monitor pages, target VP of a contact", contact_fields},
	{"feature flags, client id and interrupt page of other versions mean nothing",
	 other_versions_fields},
	{"old bug: event numbers end at 2047", event_numbers_end},
	{"short, long, unknown and host messages are dropped", input_limits},
	{"offers come in a stable order with stable ids", offers_in_stable_order},
	{"monitor ids", monitor_ids},
	{"offer rules and the limit of 2047 channels", offer_rules},
	{"channel life cycle in each version, with modify", life_cycle_per_version},
	{"open with bad ring, VP or offset is refused", open_refused},
	{"an open while closing waits for the close", open_while_closing},
	{"a close while opening", close_while_opening},
	{"modify: closed, bad VP, second while pending", modify_rules},
	{"unload is answered after every device let go", unload_waits_for_devices},
	{"a new contact without unload resets everything", contact_without_unload},
	{"unload while a device is opening", reset_while_opening},
	{"unload and contact while a reset is under way", asked_again_in_a_reset},
	{"no save while a device owes an answer", no_save_while_something_is_owed},
	{"closing a primary revokes its subchannels", primary_close_revokes_subchannels},
	{"subchannels are rescinded before their primary", revoke_subchannels_before_primary},
	{"revoking what the guest never saw", revoke_before_offers},
	{"unsent messages keep their order", busy_slot_keeps_order},
	{"a guest that reads nothing is told to wait", unread_messages_are_bounded},
	{"a device plugged in while connected, and during a reset", plugged_in_while_running},
	{"a VM reset closes everything and says nothing", hard_reset},
};

TAP_MAIN("vmbus-netvsp/bus", cases)
