/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bus with a device that does what a test tells it, and messages made by hand: shared by the
 * tests of bus and GPADL.
 */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/vsc/ram.h"
#include "tests/unit/tap.h"
#include "vmbus-netvsp/bus.h"

struct sent {
	uint32_t vp, size;
	uint8_t msg[256];
};

static struct bus_world {
	struct ram ram;
	struct vmb_mem mem;
	struct vmb_bus *bus;
	struct sent sent[4096];
	unsigned int n_sent, n_read;
	bool slot_busy;
	int r_open, r_close, r_modify, r_add, r_del; /* what the device answers */
	unsigned int n_open, n_close, n_modify, n_add, n_del, n_released;
	struct vmb_chan *last;
	uint32_t last_gpadl, last_vp;
} bw;

static int bw_post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	struct sent *s = &bw.sent[bw.n_sent];

	if (bw.slot_busy)
		return -EAGAIN;
	CU_ASSERT_FATAL(size <= VMB_MSG_MAX && bw.n_sent < 4095);
	s->vp = vp;
	s->size = size;
	memcpy(s->msg, msg, size);
	bw.n_sent++;
	return 0;
}

static int bw_add(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	bw.n_add++;
	bw.last_gpadl = g->id;
	return bw.r_add;
}

static int bw_del(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	bw.n_del++;
	bw.last_gpadl = g->id;
	return bw.r_del;
}

static int bw_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *o)
{
	bw.n_open++;
	bw.last = chan;
	bw.last_vp = o->target_vp;
	return bw.r_open;
}

static int bw_close(void *ctx, struct vmb_chan *chan)
{
	bw.n_close++;
	bw.last = chan;
	return bw.r_close;
}

static int bw_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	bw.n_modify++;
	bw.last = chan;
	bw.last_vp = vp;
	return bw.r_modify;
}

static void bw_released(void *ctx, struct vmb_chan *chan)
{
	bw.n_released++;
}

static const struct vmb_bus_ops bw_ops = {bw_post,  bw_add,    bw_del,     bw_open,
					  bw_close, bw_modify, bw_released};

static inline void bw_setup_cfg(struct vmb_bus_cfg cfg)
{
	memset(&bw, 0, sizeof(bw));
	CU_ASSERT_EQUAL_FATAL(ram_init(&bw.ram, 64u << 20), 0);
	bw.mem = (struct vmb_mem){ram_map, &bw.ram};
	bw.bus = vmb_bus_create(&cfg, &bw.mem, &bw_ops, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bw.bus);
}

static inline void bw_setup(void)
{
	bw_setup_cfg((struct vmb_bus_cfg){.n_vps = 4});
}

static inline void bw_teardown(void)
{
	vmb_bus_destroy(bw.bus);
	ram_done(&bw.ram);
}

static inline int bw_send_on(uint32_t conn, const void *msg, uint32_t size)
{
	return vmb_bus_input(bw.bus, conn, msg, size);
}

static inline void bw_send(const void *msg, uint32_t size)
{
	CU_ASSERT_EQUAL(bw_send_on(VMB_CONN_MULTI, msg, size), 0);
}

/* A message of u32 words behind the header. */
#define BW_WORDS(type_, ...)                                   \
	do {                                                   \
		uint32_t words_[] = {(type_), 0, __VA_ARGS__}; \
		bw_send(words_, sizeof(words_));               \
	} while (0)

/* The next message to the guest if it is of @type, else NULL. */
static inline const struct sent *bw_expect(uint32_t type)
{
	const struct sent *s = &bw.sent[bw.n_read];
	uint32_t t;

	if (bw.n_read >= bw.n_sent)
		return NULL;
	memcpy(&t, s->msg, 4);
	if (t != type)
		return NULL;
	bw.n_read++;
	return s;
}

static inline uint32_t bw_u32(const struct sent *s, unsigned int off)
{
	uint32_t v = 0xdeadbeef;

	if (s)
		memcpy(&v, s->msg + off, 4);
	return v;
}

static inline bool bw_quiet(void)
{
	return bw.n_read == bw.n_sent;
}

static inline void bw_contact(uint32_t version, uint32_t vp)
{
	struct vmb_contact_wire m = {.hdr.type = VMB_MSG_CONTACT,
				     .version = version,
				     .target_vp = vp,
				     .monitor_to_child = RAM_BASE,
				     .monitor_to_parent = RAM_BASE + 4096};

	if (version >= VMB_V5_0) {
		m.interrupt_page = 0;
		m.v5.sint = 2;
	}
	CU_ASSERT_EQUAL(
		bw_send_on(version >= VMB_V5_0 ? VMB_CONN_MULTI : VMB_CONN_MESSAGE, &m, sizeof(m)),
		0);
}

static inline struct vmb_offer bw_offer(uint8_t instance, uint16_t sub)
{
	struct vmb_offer o = {.sub_index = sub, .monitor_id = -1};

	memset(o.type.b, 0x61, 16);
	memset(o.instance.b, instance, 16);
	return o;
}

static inline struct vmb_chan *bw_add_offer(uint8_t instance, uint16_t sub)
{
	struct vmb_offer o = bw_offer(instance, sub);
	struct vmb_chan *chan = NULL;

	CU_ASSERT_EQUAL_FATAL(vmb_offer_add(bw.bus, &o, &chan), 0);
	return chan;
}

/* Contact, offers; one primary offered. */
static inline struct vmb_chan *bw_connect(uint32_t version)
{
	struct vmb_chan *chan = bw_add_offer(1, 0);

	bw_contact(version, 0);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_VERSION_RESPONSE));
	BW_WORDS(VMB_MSG_REQUEST_OFFERS);
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_OFFER));
	CU_ASSERT_PTR_NOT_NULL(bw_expect(VMB_MSG_ALL_OFFERS));
	return chan;
}

/* Header and bodies for one range of @n pages; @skew bytes are added to the announced size. */
static inline void bw_gpadl_pfns(uint32_t relid, uint32_t id, const uint64_t *pfns, uint32_t n)
{
	uint8_t m[240] = {0};
	struct vmb_gpadl_header_wire h = {.hdr.type = VMB_MSG_GPADL_HEADER,
					  .relid = relid,
					  .gpadl = id,
					  .range_bytes = (uint16_t)(8 + n * 8),
					  .n_ranges = 1};
	struct vmb_gpadl_body_wire b = {.hdr.type = VMB_MSG_GPADL_BODY, .gpadl = id};
	uint32_t size = n * 4096, k = n < 26 ? n : 26;

	memcpy(m, &h, sizeof(h));
	memcpy(m + 20, &size, 4);
	memcpy(m + 28, pfns, k * 8);
	bw_send(m, 28 + k * 8);
	for (uint32_t done = k; done < n; done += k) {
		k = n - done < 28 ? n - done : 28;
		memcpy(m, &b, sizeof(b));
		memcpy(m + 16, pfns + done, k * 8);
		bw_send(m, 16 + k * 8);
	}
}

static inline void bw_gpadl(uint32_t relid, uint32_t id, uint32_t n)
{
	uint64_t *pfns = calloc(n, 8);

	CU_ASSERT_EQUAL_FATAL(ram_alloc(&bw.ram, n, pfns), 0);
	bw_gpadl_pfns(relid, id, pfns, n);
	free(pfns);
}

static inline void bw_open_msg(uint32_t relid, uint32_t gpadl, uint32_t vp, uint32_t downstream)
{
	struct vmb_open_wire m = {.hdr.type = VMB_MSG_OPEN,
				  .relid = relid,
				  .open_id = relid + 100,
				  .ring_gpadl = gpadl,
				  .target_vp = vp,
				  .downstream_page = downstream};

	bw_send(&m, sizeof(m));
}

/* A GPADL of 8 pages and an open channel. */
static inline void bw_open_chan(struct vmb_chan *chan, uint32_t gpadl)
{
	const struct sent *s;

	bw_gpadl(vmb_chan_relid(chan), gpadl, 8);
	s = bw_expect(VMB_MSG_GPADL_CREATED);
	CU_ASSERT_EQUAL(bw_u32(s, 16), 0);
	bw_open_msg(vmb_chan_relid(chan), gpadl, 1, 4);
	s = bw_expect(VMB_MSG_OPEN_RESULT);
	CU_ASSERT_EQUAL(bw_u32(s, 8), vmb_chan_relid(chan));
	CU_ASSERT_EQUAL(bw_u32(s, 12), vmb_chan_relid(chan) + 100);
	CU_ASSERT_EQUAL(bw_u32(s, 16), 0);
	CU_ASSERT_TRUE(vmb_chan_is_open(chan));
}
