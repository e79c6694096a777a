/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/vmbus-netvsp/bus_world.h"

static void created_and_torn_down(void)
{
	static const uint32_t sizes[] = {1, 26, 27, 54, 55, 256, 4096, 8190};
	const struct sent *s;
	struct vmb_chan *chan;

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		bw_setup();
		chan = bw_connect(VMB_V5_3);
		bw_gpadl(vmb_chan_relid(chan), 0xe1e10, sizes[i]);
		s = bw_expect(VMB_MSG_GPADL_CREATED);
		CU_ASSERT_EQUAL(bw_u32(s, 8), vmb_chan_relid(chan));
		CU_ASSERT_EQUAL(bw_u32(s, 12), 0xe1e10);
		CU_ASSERT_EQUAL(bw_u32(s, 16), 0);
		CU_ASSERT_EQUAL(bw.n_add, 1);
		BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 0xe1e10);
		CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_TORNDOWN), 8), 0xe1e10);
		CU_ASSERT_EQUAL(bw.n_del, 1);
		CU_ASSERT_TRUE(bw_quiet());
		bw_teardown();
	}
}

static void failures_are_reported(void)
{
	uint64_t pfns[30];
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	CU_ASSERT_EQUAL(ram_alloc(&bw.ram, 30, pfns), 0);
	pfns[29] = RAM_BASE / 4096 + (64u << 20) / 4096; /* one behind the last */
	bw_gpadl_pfns(vmb_chan_relid(chan), 1, pfns, 30);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	pfns[29] = 0xfff0000000000000ull | RAM_BASE / 4096; /* the shift would lose the top */
	bw_gpadl_pfns(vmb_chan_relid(chan), 1, pfns, 30);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_gpadl(77, 1, 3); /* no such channel */
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_gpadl(0xffffffff, 1, 3);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw.r_add = -ENOMEM; /* the device refuses */
	bw_gpadl(vmb_chan_relid(chan), 1, 3);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw.r_add = 0;
	bw_gpadl(vmb_chan_relid(chan), 1, 3); /* the id is free after each failure */
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void malformed_headers(void)
{
	static const struct {
		uint16_t bytes, ranges;
		uint32_t size, offset;
	} rows[] = {
		{16, 0, 4096, 0},       /* no range */
		{0, 1, 4096, 0},        /* no bytes */
		{15, 1, 4096, 0},       /* not a multiple of 8 */
		{16, 2, 4096, 0},       /* second range missing */
		{24, 1, 4096, 0},       /* a page number left over */
		{16, 1, 8192, 0},       /* a page number missing */
		{16, 1, 4096, 1},       /* offset makes it two pages */
		{16, 1, 4096, 4096},    /* offset of a whole page */
		{16, 1, 0xffffffff, 0}, /* far more than the list can name */
		{16, 1, 0xffffffff, 0xffffffff},
		{16, 65, 4096, 0}, /* more ranges than anybody needs */
	};
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t m[240] = {0};
		uint64_t pfn = RAM_BASE / 4096;
		struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
						  .relid = vmb_chan_relid(chan),
						  .gpadl = 5,
						  .range_bytes = rows[i].bytes,
						  .n_ranges = rows[i].ranges};

		memcpy(m, &h, 20);
		memcpy(m + 20, &rows[i].size, 4);
		memcpy(m + 24, &rows[i].offset, 4);
		memcpy(m + 28, &pfn, 8);
		memcpy(m + 36, &pfn, 8);
		bw_send(m, 44); /* bytes behind the announced ones are ignored */
		CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	}
	CU_ASSERT_EQUAL(bw.n_add, 0);
	bw_gpadl(vmb_chan_relid(chan), 5, 1);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_teardown();
}

static void duplicates(void)
{
	struct vmb_chan *chan;
	uint8_t m[240] = {0};
	struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
					  .gpadl = 6,
					  .range_bytes = 8 + 40 * 8,
					  .n_ranges = 1};

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_gpadl(vmb_chan_relid(chan), 5, 3);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_gpadl(vmb_chan_relid(chan), 5, 3);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	h.relid = vmb_chan_relid(chan);
	memcpy(m, &h, 20);
	bw_send(m, 28); /* in progress now */
	bw_send(m, 28);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	/* torn down while half made: answered at once */
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 6);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_TORNDOWN), 8), 6);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

/* A reset in the middle of a list: its rest belongs to nothing, and its id is free. */
static void in_progress_at_a_reset(void)
{
	uint8_t m[32] = {0};
	uint32_t body[6] = {VMB_MSG_GPADL_BODY, 0, 0, 6, 0x10000, 0};
	struct vmb_chan *chan;
	struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
					  .gpadl = 6,
					  .range_bytes = 8 + 40 * 8,
					  .n_ranges = 1};

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	h.relid = vmb_chan_relid(chan);
	memcpy(m, &h, 20);
	bw_send(m, 28);
	bw_contact(VMB_V5_3, 0); /* the next kernel */
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	bw_send(body, sizeof(body));
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(vmb_bus_stats(bw.bus)->dropped, 1);
	bw_gpadl(vmb_chan_relid(chan), 6, 3);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_teardown();
}

/* QEMU aborted here: a guest could end its own host process with one message too many. */
static void extra_body_is_dropped(void)
{
	struct vmb_chan *chan;
	uint32_t body[8] = {VMB_MSG_GPADL_BODY, 0, 0, 5};

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_send(body, sizeof(body)); /* without a header */
	bw_gpadl(vmb_chan_relid(chan), 5, 40);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_send(body, sizeof(body)); /* for one that is complete */
	CU_ASSERT_EQUAL(vmb_bus_stats(bw.bus)->dropped, 2);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void quota(void)
{
	struct vmb_chan *chan;

	bw_setup_cfg((struct vmb_bus_cfg){.n_vps = 1, .gpadl_pages_max = 100});
	chan = bw_connect(VMB_V5_3);
	bw_gpadl(vmb_chan_relid(chan), 1, 60);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_gpadl(vmb_chan_relid(chan), 2, 60);
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 1);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_GPADL_TORNDOWN));
	bw_gpadl(vmb_chan_relid(chan), 2, 60);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_teardown();
}

static void teardown_in_wrong_state(void)
{
	struct vmb_chan *chan, *other;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	other = bw_add_offer(2, 0);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 9); /* never existed */
	CU_ASSERT_TRUE(bw_quiet());
	bw_open_chan(chan, 1);
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(other), 1); /* of another channel */
	CU_ASSERT_TRUE(bw_quiet());
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 1); /* the ring of an open channel */
	CU_ASSERT_TRUE(bw_quiet());
	CU_ASSERT_EQUAL(bw.n_del, 0);
	BW_WORDS(VMB_MSG_CLOSE, vmb_chan_relid(chan));
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_TORNDOWN), 8), 1); /* delayed until now */
	CU_ASSERT_EQUAL(bw.n_del, 1);
	bw_teardown();
}

static void device_answers_later(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw.r_add = bw.r_del = -EINPROGRESS;
	bw_gpadl(vmb_chan_relid(chan), 1, 4);
	CU_ASSERT_TRUE(bw_quiet());
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 1); /* before the answer */
	CU_ASSERT_TRUE(bw_quiet());
	vmb_gpadl_add_done(bw.bus, 1, 0);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_GPADL_CREATED));
	CU_ASSERT_EQUAL(bw.n_del, 1);
	CU_ASSERT_TRUE(bw_quiet());
	vmb_gpadl_del_done(bw.bus, 1);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_GPADL_TORNDOWN));
	vmb_gpadl_del_done(bw.bus, 1); /* a second answer changes nothing */
	vmb_gpadl_add_done(bw.bus, 1, 0);
	CU_ASSERT_TRUE(bw_quiet());
	bw_teardown();
}

static void on_a_revoked_channel(void)
{
	struct vmb_chan *chan;

	bw_setup();
	chan = bw_connect(VMB_V5_3);
	bw_open_chan(chan, 1);
	vmb_offer_revoke(chan);
	CU_ASSERT_EQUAL(bw.n_close, 1);
	CU_ASSERT_EQUAL(bw.n_del, 1); /* our side let go before the guest hears of it */
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_RESCIND));
	BW_WORDS(VMB_MSG_GPADL_TEARDOWN, vmb_chan_relid(chan), 1);
	CU_ASSERT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_TORNDOWN), 8), 1);
	bw_gpadl(vmb_chan_relid(chan), 2, 3); /* a new one is refused */
	CU_ASSERT_NOT_EQUAL(bw_u32(bw_expect(VMB_MSG_GPADL_CREATED), 16), 0);
	bw_teardown();
}

static const struct tap_case cases[] = {
	{"made from header and bodies of any size, torn down", created_and_torn_down},
	{"creation failure is reported and leaves nothing", failures_are_reported},
	{"malformed headers are refused", malformed_headers},
	{"duplicate ids, and teardown of a half-made list", duplicates},
	{"a list in progress at a reset is forgotten", in_progress_at_a_reset},
	{"old bug: a body too many must not stop the host", extra_body_is_dropped},
	{"a page quota holds for the whole connection", quota},
	{"teardown in the wrong state; the ring of an open channel waits", teardown_in_wrong_state},
	{"a device that answers later, and a teardown before that", device_answers_later},
	{"on a revoked channel teardown is answered at once", on_a_revoked_channel},
};

TAP_MAIN("vmbus-netvsp/gpadl", cases)
