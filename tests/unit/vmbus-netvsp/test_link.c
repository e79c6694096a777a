/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "tests/unit/tap.h"
#include "vmbus-netvsp/link/msg.h"

static struct nvsp_link_msg msg;
static uint64_t buf[NVSP_LINK_SIZE_MAX / 8 + 8];

static struct nvsp_link_hdr_wire head(uint32_t type, size_t size)
{
	return (struct nvsp_link_hdr_wire){.type = type, .seq = 1, .size = (uint32_t)size};
}

static int parse(const void *m, size_t size, unsigned int n_fds)
{
	memcpy(buf, m, size);
	return nvsp_link_parse_request(buf, size, n_fds, &msg);
}

static void hello(void)
{
	struct nvsp_link_hello_wire m = {.hdr = head(NVSP_LINK_HELLO, sizeof(m)),
					 .version = NVSP_LINK_VERSION,
					 .vm_name = "vm1"};
	struct nvsp_link_hello_wire bad;

	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 0), 0);
	CU_ASSERT_STRING_EQUAL(msg.hello.vm_name, "vm1");
	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 1), -EBADMSG);
	CU_ASSERT_EQUAL(parse(&m, sizeof(m) - 1, 0), -EBADMSG);
	bad = m;
	bad.version = 9;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -ENOTSUP);
	bad = m;
	memset(bad.vm_name, 'x', sizeof(bad.vm_name)); /* no end */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -EBADMSG);
	bad = m;
	bad.vm_name[1] = '\n';
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -EBADMSG);
	bad = m;
	bad.hdr.seq = 0;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -EBADMSG);
	bad = m;
	bad.hdr.flags = NVSP_LINK_REPLY;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -EBADMSG);
	bad = m;
	bad.hdr.type = NVSP_LINK_EV_FAULT; /* not a worker's to say */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), -EBADMSG);
}

static void memory(void)
{
	struct {
		struct nvsp_link_mem_wire mem;
		struct nvsp_link_range_wire r[2];
	} m = {{head(NVSP_LINK_MEM, sizeof(m)), 2, 0},
	       {{0, 0x100000, 0}, {0x100000000, 0x200000, 0x100000}}},
	  bad;

	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 2), 0);
	CU_ASSERT_EQUAL(msg.mem.n, 2);
	CU_ASSERT_EQUAL(msg.ranges[1].offset, 0x100000);
	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 1), -EBADMSG); /* one descriptor a range */
	bad = m;
	bad.r[1].gpa = 0xff000; /* overlaps the first */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.r[1].gpa = UINT64_MAX - 0xfff; /* wraps */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.r[0].size = 0;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.r[0].offset = 17;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.mem.n = 3; /* more than there are */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 3), -EBADMSG);
	bad = m;
	bad.mem.n = 0x20000001; /* times 24 it is small again in 32 bits */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
}

static void page_lists(void)
{
	static struct {
		struct nvsp_link_gpadl_wire g;
		uint64_t pfns[NVSP_LINK_PAGES_MAX + 1];
	} m;
	static const uint32_t sizes[] = {1, 2, 256, NVSP_LINK_PAGES_MAX};

	for (unsigned int i = 0; i < 4; i++) {
		size_t size = sizeof(m.g) + sizes[i] * 8;

		m.g.hdr = head(NVSP_LINK_GPADL_ADD, size);
		m.g.n = sizes[i];
		m.pfns[sizes[i] - 1] = 4711;
		CU_ASSERT_EQUAL(parse(&m, size, 0), 0);
		CU_ASSERT_EQUAL(msg.pfns[sizes[i] - 1], 4711);
		m.g.n = sizes[i] + 1;
		CU_ASSERT_EQUAL(parse(&m, size, 0), -EBADMSG);
	}
	m.g.hdr = head(NVSP_LINK_GPADL_ADD, sizeof(m));
	m.g.n = NVSP_LINK_PAGES_MAX + 1;
	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 0), -EBADMSG);
	m.g.hdr = head(NVSP_LINK_GPADL_ADD, sizeof(m.g));
	m.g.n = 0; /* an empty list */
	CU_ASSERT_EQUAL(parse(&m, sizeof(m.g), 0), -EBADMSG);
	m.g.hdr.type = NVSP_LINK_GPADL_DEL;
	CU_ASSERT_EQUAL(parse(&m, sizeof(m.g), 0), 0);
}

static void channels(void)
{
	struct nvsp_link_chan_wire m = {.hdr = head(NVSP_LINK_OPEN, sizeof(m)),
					.target = {.flags_gpa = 0x5200, .bit = 1}},
				   bad;

	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 2), 0);
	CU_ASSERT_EQUAL(parse(&m, sizeof(m), 0), -EBADMSG);
	bad = m;
	bad.target.bit = 0; /* reserved */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad.target.bit = 2048;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.target.flags_gpa = 0x5f08; /* 256 bytes run over the page */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad.target.flags_gpa = 0x5204; /* a 64-bit word is changed there */
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.flags = 2;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 2), -EBADMSG);
	bad = m;
	bad.hdr.type = NVSP_LINK_CLOSE;
	bad.target.bit = 0;
	CU_ASSERT_EQUAL(parse(&bad, sizeof(bad), 0), 0);
}

static void answers(void)
{
	struct nvsp_link_answer_wire a = {.hdr = head(NVSP_LINK_OPEN, sizeof(a)), .status = EBUSY},
				     got;

	a.hdr.flags = NVSP_LINK_REPLY;
	memset(a.text, 'x', sizeof(a.text));
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a), 0, &got), 0);
	CU_ASSERT_EQUAL(strlen(got.text), sizeof(got.text) - 1);
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a) - 1, 0, &got), -EBADMSG);
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a), 1, &got), -EBADMSG);
	a.hdr.flags = 0;
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a), 0, &got), -EBADMSG);
	a.hdr.seq = 0;
	a.hdr.type = NVSP_LINK_EV_FAULT;
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a), 0, &got), 0);
	a.hdr.type = NVSP_LINK_EVENTS;
	CU_ASSERT_EQUAL(nvsp_link_parse_answer(&a, sizeof(a), 0, &got), -EBADMSG);
	CU_ASSERT_STRING_EQUAL(nvsp_link_type_text(NVSP_LINK_OPEN), "OPEN");
	CU_ASSERT_STRING_EQUAL(nvsp_link_type_text(77), "?");
}

static const struct tap_case cases[] = {
	{"HELLO: version, name, direction", hello},
	{"memory: ranges apart, in pages, one descriptor each", memory},
	{"page lists of any size", page_lists},
	{"channels: event-flag bit and address", channels},
	{"answers and events", answers},
};

TAP_MAIN("vmbus-netvsp/link", cases)
