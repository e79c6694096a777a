/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SynIC pages, our own Hyper-V registers, hypercall decoding: everything without KVM. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "hv/hypercall.h"
#include "hv/synic.h"
#include "hv/usynic.h"
#include "tests/unit/tap.h"

#define MSG_GPA 0x100000u
#define EVT_GPA 0x101000u
#define SLOT    (MSG_GPA + 512)

static struct hv_ram ram;
static struct hv_synic s;

static void set_up(void)
{
	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 16 * HV_MIB, NULL), 0);
	CU_ASSERT_EQUAL_FATAL(hv_synic_init(&s, NULL, &ram, 2, NULL), 0);
}

static void tear_down(void)
{
	hv_synic_done(&s);
	hv_ram_done(&ram);
}

static uint64_t count(int fd)
{
	uint64_t n = 0;

	return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

static void messages(void)
{
	struct hv_synic_look look;
	uint8_t *slot;

	set_up();
	slot = hv_ram_at(&ram, SLOT, 256);
	CU_ASSERT_EQUAL(hv_synic_post(&s, 1, 1, "lost", 4), 0); /* no page: nobody to tell */
	CU_ASSERT_EQUAL(count(s.vp[1].msg_fd), 0);
	memset(slot, 0xff, 256);
	hv_synic_set(&s, 1, 1, MSG_GPA | 1, 0);
	CU_ASSERT_EQUAL(slot[0], 0); /* zeroed when it was switched on */
	CU_ASSERT_EQUAL(hv_synic_post(&s, 1, 1, "first", 5), 0);
	CU_ASSERT_EQUAL(count(s.vp[1].msg_fd), 1);
	CU_ASSERT_EQUAL(slot[0], 1);
	CU_ASSERT_EQUAL(slot[4], 5);
	CU_ASSERT_EQUAL(slot[5], 0);
	CU_ASSERT_EQUAL(memcmp(slot + 16, "first", 5), 0);
	CU_ASSERT_EQUAL(hv_synic_post(&s, 1, 1, "second", 6), -EAGAIN);
	hv_synic_look(&s, 1, &look);
	CU_ASSERT_EQUAL(look.type, 1);
	CU_ASSERT_EQUAL(look.slot_flags, 1);
	CU_ASSERT_EQUAL(memcmp(&look.first_word, "firs", 4), 0);
	hv_synic_look(&s, 0, &look); /* no page */
	CU_ASSERT_EQUAL(look.type, 0);
	CU_ASSERT_EQUAL(slot[5], 1); /* the guest will say when it is empty */
	CU_ASSERT_EQUAL(memcmp(slot + 16, "first", 5), 0);
	slot[0] = 0;
	CU_ASSERT_EQUAL(hv_synic_post(&s, 1, 1, "second", 6), 0);
	CU_ASSERT_EQUAL(slot[5], 0);
	CU_ASSERT_EQUAL(hv_synic_post(&s, 2, 1, "x", 1), -EINVAL);
	CU_ASSERT_EQUAL(hv_synic_post(&s, 1, 1, slot, 241), -EINVAL);
	tear_down();
}

static void event_flags(void)
{
	uint8_t *flags;

	set_up();
	hv_synic_signal(&s, 0, 5); /* off: nothing happens */
	hv_synic_set(&s, 0, 1, 0, EVT_GPA | 1);
	CU_ASSERT_EQUAL(hv_synic_flags_gpa(&s, 0), EVT_GPA + 512);
	CU_ASSERT_EQUAL(hv_synic_flags_gpa(&s, 1), 0);
	CU_ASSERT_EQUAL(hv_synic_flags_gpa(&s, 9), 0);
	flags = hv_ram_at(&ram, EVT_GPA + 512, 256);
	hv_synic_signal(&s, 0, 2047);
	hv_synic_signal(&s, 0, 2047); /* the guest has not looked: one interrupt is enough */
	hv_synic_signal(&s, 0, 2048);
	CU_ASSERT_EQUAL(count(s.vp[0].call_fd), 1);
	CU_ASSERT_EQUAL(flags[255], 0x80);
	hv_synic_set(&s, 0, 0, 0, EVT_GPA | 1);
	CU_ASSERT_EQUAL(hv_synic_flags_gpa(&s, 0), 0);
	tear_down();
}

static void pages_that_are_no_ram(void)
{
	set_up();
	hv_synic_set(&s, 0, 1, 0xfee00001, 0xffffffffffff0001ull);
	CU_ASSERT_EQUAL(s.vp[0].msg_gpa, 0);
	CU_ASSERT_EQUAL(s.vp[0].evt_gpa, 0);
	CU_ASSERT_EQUAL(hv_synic_post(&s, 0, 1, "x", 1), 0);
	tear_down();
}

static void registers(void)
{
	static const uint32_t kept[] = {0x40000000, 0x40000073, 0x40000080, 0x40000082,
					0x40000083, 0x40000090, 0x4000009f};
	struct hv_usynic u;
	uint64_t v;
	bool eom;

	set_up();
	hv_usynic_init(&u, &s, 2000000000);
	for (unsigned int i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		CU_ASSERT_TRUE(hv_usynic_wrmsr(&u, 1, kept[i], 0x102001, &eom));
		CU_ASSERT_TRUE(hv_usynic_rdmsr(&u, 1, kept[i], &v));
		CU_ASSERT_EQUAL(v, 0x102001);
	}
	CU_ASSERT_TRUE(hv_usynic_rdmsr(&u, 1, 0x40000002, &v));
	CU_ASSERT_EQUAL(v, 1);
	CU_ASSERT_TRUE(hv_usynic_rdmsr(&u, 0, 0x40000022, &v));
	CU_ASSERT_EQUAL(v, 2000000000);
	CU_ASSERT_EQUAL(s.vp[1].msg_gpa, 0x102000);
	CU_ASSERT_EQUAL(s.vp[0].msg_gpa, 0);
	CU_ASSERT_TRUE(hv_usynic_wrmsr(&u, 0, 0x40000084, 0, &eom));
	CU_ASSERT_TRUE(eom);
	CU_ASSERT_FALSE(hv_usynic_rdmsr(&u, 0, 0x400000b0, &v)); /* no timers */
	CU_ASSERT_FALSE(hv_usynic_wrmsr(&u, 0, 0x10, 0, &eom));
	tear_down();
}

static void hypercall_page(void)
{
	struct hv_usynic u;
	uint8_t *page;
	bool eom;

	set_up();
	hv_usynic_init(&u, &s, 0);
	page = hv_ram_at(&ram, 0x200000, 4096);
	hv_usynic_wrmsr(&u, 0, 0x40000001, 0x200001,
			&eom); /* ignored before the guest said who it is */
	CU_ASSERT_EQUAL(page[0], 0);
	hv_usynic_wrmsr(&u, 0, 0x40000000, 0x8100ull << 48, &eom);
	hv_usynic_wrmsr(&u, 0, 0x40000001, 0x200001, &eom);
	CU_ASSERT_EQUAL(page[0], 0xe7);
	CU_ASSERT_EQUAL(page[1], HV_USYNIC_PORT);
	CU_ASSERT_EQUAL(page[2], 0xc3);
	hv_usynic_wrmsr(&u, 0, 0x40000001, 0xfee00001, &eom); /* not RAM: no crash */
	tear_down();
}

struct posted {
	uint32_t connection, type, size;
	uint8_t payload[240];
	unsigned int n_posts, n_signals;
	uint16_t flag;
};

static enum hv_status on_post(void *ctx, uint32_t connection, uint32_t type, const void *payload,
			      uint32_t size)
{
	struct posted *p = ctx;

	p->connection = connection;
	p->type = type;
	p->size = size;
	p->n_posts++;
	memcpy(p->payload, payload, size);
	return HV_STATUS_OK;
}

static enum hv_status on_signal(void *ctx, uint32_t connection, uint16_t flag)
{
	struct posted *p = ctx;

	p->connection = connection;
	p->flag = flag;
	p->n_signals++;
	return HV_STATUS_OK;
}

static const struct hv_hypercall_ops ops = {on_post, on_signal};

static void hypercalls(void)
{
	struct posted p = {0};
	uint32_t *in;

	set_up();
	in = hv_ram_at(&ram, 0x3000, 4096);
	in[0] = 4;
	in[2] = 1;
	in[3] = 3;
	memcpy(in + 4, "abc", 3);
	CU_ASSERT_EQUAL(hv_hypercall(&ram, 0x5c, 0x3000, &ops, &p), HV_STATUS_OK);
	CU_ASSERT_EQUAL(p.connection, 4);
	CU_ASSERT_EQUAL(p.size, 3);
	CU_ASSERT_EQUAL(memcmp(p.payload, "abc", 3), 0);
	CU_ASSERT_EQUAL(hv_hypercall(&ram, 0x1005d, 7ull << 32 | 0x2003, &ops, &p), HV_STATUS_OK);
	CU_ASSERT_EQUAL(p.connection, 0x2003);
	CU_ASSERT_EQUAL(p.flag, 7);
	in[0] = 0x2004;
	in[1] = 0;
	CU_ASSERT_EQUAL(hv_hypercall(&ram, 0x5d, 0x3000, &ops, &p), HV_STATUS_OK);
	CU_ASSERT_EQUAL(p.connection, 0x2004);
	CU_ASSERT_EQUAL(p.n_posts, 1);
	CU_ASSERT_EQUAL(p.n_signals, 2);
	tear_down();
}

static void bad_hypercalls(void)
{
	static const struct {
		uint64_t control, in;
		enum hv_status status;
	} rows[] = {
		{0x5c, 0x3004, HV_STATUS_BAD_ALIGNMENT},
		{0x5c, 0x3f08, HV_STATUS_BAD_PARAMETER},     /* crosses a page */
		{0x5c, 0xfee00000, HV_STATUS_BAD_PARAMETER}, /* not RAM */
		{0x5c, 0x3000, HV_STATUS_BAD_PARAMETER},     /* 241 bytes */
		{0x1005c, 0x3000, HV_STATUS_BAD_INPUT},      /* fast */
		{0x10000005cull, 0x3000, HV_STATUS_BAD_INPUT},
		{0x2005c, 0x3000, HV_STATUS_BAD_INPUT},
		{0x1005d, 0x1002000, HV_STATUS_BAD_PARAMETER}, /* connection of more than 24 bits */
		{0x5d, 0x3004, HV_STATUS_BAD_ALIGNMENT},
		{0x5d, UINT64_MAX - 7, HV_STATUS_BAD_PARAMETER},
		{0x8001, 0, HV_STATUS_BAD_CODE},
		{0, 0, HV_STATUS_BAD_CODE},
	};
	struct posted p = {0};
	uint32_t *in;

	set_up();
	in = hv_ram_at(&ram, 0x3000, 4096);
	in[2] = 1;
	in[3] = 241;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CU_ASSERT_EQUAL(hv_hypercall(&ram, rows[i].control, rows[i].in, &ops, &p),
				rows[i].status);
	CU_ASSERT_EQUAL(p.n_posts + p.n_signals, 0);
	tear_down();
}

static const struct tap_case cases[] = {
	{"messages: slot, pending flag, no page", messages},
	{"event flags: one interrupt until the guest looked", event_flags},
	{"pages that are no RAM are off", pages_that_are_no_ram},
	{"our own registers", registers},
	{"our own hypercall page", hypercall_page},
	{"POST_MESSAGE and SIGNAL_EVENT", hypercalls},
	{"malformed hypercalls", bad_hypercalls},
};
TAP_MAIN("hv-synic", cases)
