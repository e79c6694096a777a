/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bus under any sequence of guest messages, with devices that answer at once, later, or refuse:
 * no crash, no leak, and the promises that matter: a page list is never reported gone while a
 * device has it, and a channel is never opened twice or closed when it is not open.
 */
#include <errno.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "vmbus-netvsp/bus.h"

#define PAGES 64
#define IDS   256
#define CHANS 16

static uint8_t *ram;
static struct vmb_bus *bus;
static struct vmb_chan *chans[CHANS];
/* what the device is doing with each channel, and each page list by id */
static enum { NOT, ADDING, LIVE, DELETING } states[CHANS], lists[IDS];
static uint8_t answers;
static bool slot_busy;
static bool flushing; /* what was true when it was queued may not be any more */

static void *map(void *ctx, uint64_t gpa, uint32_t size)
{
	return gpa < PAGES * 4096 && size <= PAGES * 4096 - gpa ? ram + gpa : NULL;
}

static int answer(void)
{
	answers = (uint8_t)(answers << 3 | answers >> 5);
	return answers % 3 == 0 ? 0 : answers % 3 == 1 ? -EINPROGRESS : -ENOMEM;
}

static int index_of(struct vmb_chan *chan)
{
	for (int i = 0; i < CHANS; i++)
		if (chans[i] == chan)
			return i;
	abort(); /* an op for a channel that is gone */
}

static int post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	uint32_t w[3] = {0};

	if (slot_busy)
		return -EAGAIN;
	memcpy(w, msg, size < 12 ? size : 12);
	if (size > 240 || vp >= 4)
		abort();
	if (flushing)
		return 0;
	if (w[0] == VMB_MSG_GPADL_TORNDOWN && w[2] < IDS && lists[w[2]])
		abort();
	if (w[0] == VMB_MSG_UNLOAD_RESPONSE || w[0] == VMB_MSG_VERSION_RESPONSE) {
		for (int i = 0; i < IDS; i++)
			if (lists[i])
				abort();
		for (int i = 0; i < CHANS; i++)
			if (states[i])
				abort();
	}
	return 0;
}

static int gpadl_add(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	int r = answer();

	index_of(chan);
	if (g->id < IDS) {
		if (lists[g->id])
			abort();
		lists[g->id] = r == 0 ? LIVE : r == -EINPROGRESS ? ADDING : NOT;
	}
	return r;
}

static int gpadl_del(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	int r = answer();

	index_of(chan);
	if (g->id < IDS) {
		if (lists[g->id] != LIVE)
			abort();
		lists[g->id] = r == -EINPROGRESS ? DELETING : NOT;
	}
	return r;
}

static int do_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *o)
{
	int r = answer(), i = index_of(chan);

	if (states[i] || (o->ring->id < IDS && lists[o->ring->id] != LIVE))
		abort();
	states[i] = r == 0 ? LIVE : r == -EINPROGRESS ? ADDING : NOT;
	return r;
}

static int do_close(void *ctx, struct vmb_chan *chan)
{
	int r = answer(), i = index_of(chan);

	if (states[i] != LIVE)
		abort();
	states[i] = r == -EINPROGRESS ? DELETING : NOT;
	return r;
}

static int do_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	if (states[index_of(chan)] != LIVE)
		abort();
	return answer();
}

static void released(void *ctx, struct vmb_chan *chan)
{
	int i = index_of(chan);

	if (states[i])
		abort();
	chans[i] = NULL;
}

static const struct vmb_bus_ops ops = {post,     gpadl_add, gpadl_del, do_open,
				       do_close, do_modify, released};

/* The device's state changes before the library hears of it: ops may be called from within. */
static void late_answer(struct fuzz_input *in, uint32_t what)
{
	uint32_t i = fuzz_num(in, 1), c = i % CHANS;
	bool fail = i & 0x80;

	i %= 128;
	if (what == 0) {
		if (lists[i] == ADDING)
			lists[i] = fail ? NOT : LIVE;
		vmb_gpadl_add_done(bus, i, fail ? -EIO : 0);
	} else if (what == 1) {
		if (lists[i] == DELETING)
			lists[i] = NOT;
		vmb_gpadl_del_done(bus, i);
	} else if (!chans[c]) {
		return;
	} else if (what == 2) {
		if (states[c] == ADDING)
			states[c] = fail ? NOT : LIVE;
		vmb_open_done(chans[c], fail ? -EIO : 0);
	} else if (what == 3) {
		if (states[c] == DELETING)
			states[c] = NOT;
		vmb_close_done(chans[c]);
	} else {
		vmb_modify_done(chans[c], fail ? -EIO : 0);
	}
}

static void add_offer(struct fuzz_input *in)
{
	uint32_t i = fuzz_num(in, 1);
	struct vmb_offer o = {.sub_index = (uint16_t)(i >> 4 & 3), .monitor_id = -1};

	o.instance.b[0] = i & 3;
	for (int k = 0; k < CHANS; k++)
		if (!chans[k]) {
			states[k] = NOT;
			if (vmb_offer_add(bus, &o, &chans[k]))
				chans[k] = NULL;
			return;
		}
}

/* A well-made start, so that the rest of the input is not spent on finding it. */
static void connect(void)
{
	struct vmb_contact_wire c = {
		.hdr.type = VMB_MSG_CONTACT, .version = VMB_V5_3, .v5.sint = 2};
	struct vmb_msg_hdr_wire r = {.type = VMB_MSG_REQUEST_OFFERS};

	vmb_bus_input(bus, VMB_CONN_MULTI, &c, sizeof(c));
	vmb_bus_input(bus, VMB_CONN_MULTI, &r, sizeof(r));
}

static void step(struct fuzz_input *in)
{
	uint8_t msg[256] = {0};
	uint32_t op = fuzz_num(in, 1), n, i;

	switch (op % 16) {
	case 0:
		add_offer(in);
		break;
	case 1:
		i = fuzz_num(in, 1) % CHANS;
		if (chans[i])
			vmb_offer_revoke(chans[i]);
		break;
	case 2:
		slot_busy = op & 16;
		flushing = true;
		vmb_bus_flush(bus);
		flushing = false;
		break;
	case 3:
		connect();
		break;
	default:
		if (op % 16 == 4 && op & 128) {
			vmb_bus_reset(bus);
			break;
		}
		n = fuzz_blob(in, msg + 8, 232) + 8;
		msg[0] = (uint8_t)(op >> 3 & 31);
		vmb_bus_input(bus, op & 1 ? VMB_CONN_MULTI : VMB_CONN_MESSAGE, msg, n);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct vmb_mem mem = {map, NULL};
	struct vmb_bus_cfg cfg = {.n_vps = 4, .gpadl_pages_max = 200, .queue_bytes_max = 2000};
	bool late;

	if (!ram)
		ram = calloc(PAGES, 4096);
	memset(chans, 0, sizeof(chans));
	memset(states, 0, sizeof(states));
	memset(lists, 0, sizeof(lists));
	slot_busy = false;
	bus = vmb_bus_create(&cfg, &mem, &ops, NULL);
	answers = (uint8_t)fuzz_num(&in, 1);
	late = answers & 1;
	if (!late)
		answers = 0; /* every answer at once: deep sequences are found sooner */
	while (in.left) {
		if (late && *in.p % 4 == 3) {
			uint32_t what = fuzz_num(&in, 1) >> 2;

			late_answer(&in, what % 5);
		} else {
			step(&in);
		}
	}
	vmb_bus_destroy(bus);
	return 0;
}
