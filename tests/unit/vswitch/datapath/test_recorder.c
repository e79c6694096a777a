/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder keeps the newest drops, newest first. */
#include "tests/unit/tap.h"

#include "tests/unit/vswitch/eal.h"
#include "vswitch/datapath/recorder.h"

static struct vsw_recorder r;
static struct rte_mempool *pool;

static void drop(uint32_t detail, uint16_t size)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

	memset(rte_pktmbuf_append(m, size), (int)detail, size);
	vsw_recorder_add(&r, m, VSW_DROP_RUNT, detail, 7);
	rte_pktmbuf_free(m);
}

static void newest_first(void)
{
	struct vsw_record e[VSW_RECORDER_ENTRIES];

	memset(&r, 0, sizeof(r));
	CU_ASSERT_EQUAL(vsw_recorder_read(&r, e, VSW_RECORDER_ENTRIES), 0);
	drop(1, 10);
	drop(2, 300);
	CU_ASSERT_EQUAL(vsw_recorder_read(&r, e, VSW_RECORDER_ENTRIES), 2);
	CU_ASSERT(e[0].detail == 2 && e[0].len == 300 && e[0].kept == VSW_RECORDER_BYTES);
	CU_ASSERT(e[1].detail == 1 && e[1].kept == 10 && e[1].data[9] == 1 && e[1].epoch == 7);
	CU_ASSERT_EQUAL(vsw_recorder_read(&r, e, 1), 1);
}

static void the_oldest_go(void)
{
	struct vsw_record e[VSW_RECORDER_ENTRIES];

	memset(&r, 0, sizeof(r));
	for (uint32_t i = 1; i <= 3 * VSW_RECORDER_ENTRIES + 5; i++)
		drop(i, 64);
	CU_ASSERT_EQUAL(vsw_recorder_read(&r, e, VSW_RECORDER_ENTRIES), VSW_RECORDER_ENTRIES);
	for (uint32_t i = 0; i < VSW_RECORDER_ENTRIES; i++)
		CU_ASSERT_EQUAL(e[i].detail, 3 * VSW_RECORDER_ENTRIES + 5 - i);
}

static void half_written_is_not_shown(void)
{
	struct vsw_record e[VSW_RECORDER_ENTRIES];

	memset(&r, 0, sizeof(r));
	drop(1, 64);
	drop(2, 64);
	r.entry[0].serial = 0;
	CU_ASSERT_EQUAL(vsw_recorder_read(&r, e, VSW_RECORDER_ENTRIES), 1);
	CU_ASSERT_EQUAL(e[0].detail, 2);
}

static const struct tap_case cases[] = {
	{"newest first", newest_first},
	{"the oldest go", the_oldest_go},
	{"what is being written is not shown", half_written_is_not_shown},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("frames", 16, RTE_MBUF_DEFAULT_BUF_SIZE);
	return tap_run("vswitch/datapath/recorder", cases, sizeof(cases) / sizeof(cases[0]));
}
