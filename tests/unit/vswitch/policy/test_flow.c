/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow table: finding, limits, ageing, growing, reuse of slots. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>
#include <rte_malloc.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/policy/flow.h"

static struct vsw_flows t;

static struct vsw_flow flow(uint64_t id, uint16_t port)
{
	struct vsw_flow f = {.state = VSW_FLOW_NEW, .timeout_s = 10};

	f.key.w[1] = id * 7919;
	f.key.w[3] = id;
	f.key.w[4] = (uint64_t)port << VSW_FLOW_PORT_SHIFT;
	return f;
}

static struct vsw_flow *add(uint64_t id, uint16_t port, uint32_t limit, int *why)
{
	struct vsw_flow f = flow(id, port);

	return vsw_flow_add(&t, &f, vsw_flow_hash(&t, &f.key), 100, limit, why);
}

static struct vsw_flow *find(uint64_t id, uint16_t port)
{
	struct vsw_flow f = flow(id, port);

	return vsw_flow_find(&t, &f.key, vsw_flow_hash(&t, &f.key));
}

static void found_and_removed(void)
{
	int why;

	CU_ASSERT_PTR_NULL(find(1, 1));
	CU_ASSERT_PTR_NOT_NULL(add(1, 1, 10, &why));
	CU_ASSERT_PTR_EQUAL(find(1, 1), add(1, 1, 10, &why));
	CU_ASSERT_PTR_NULL(find(1, 2));
	CU_ASSERT_EQUAL(t.n, 1);
	vsw_flow_remove(&t, find(1, 1));
	CU_ASSERT_PTR_NULL(find(1, 1));
	CU_ASSERT_EQUAL(t.n, 0);
	CU_ASSERT_EQUAL(t.n_port[1], 0);
}

static void a_port_has_a_limit(void)
{
	int why;

	for (uint64_t i = 0; i < 10; i++)
		CU_ASSERT_PTR_NOT_NULL(add(i, 3, 10, &why));
	CU_ASSERT_PTR_NULL(add(10, 3, 10, &why));
	CU_ASSERT_EQUAL(why, -EDQUOT);
	CU_ASSERT_PTR_NOT_NULL(add(10, 4, 10, &why)); /* the neighbour has room */
	vsw_flows_flush(&t, 3);
	CU_ASSERT_EQUAL(t.n_port[3], 0);
	CU_ASSERT_EQUAL(t.n, 1);
	vsw_flows_flush(&t, 4);
}

static void idle_flows_go(void)
{
	uint32_t later = 100 + 11 * vsw_flow_stamps_per_s();
	int why;

	add(1, 1, 10, &why);
	add(2, 1, 10, &why);
	find(2, 1)->stamp = later;
	vsw_flows_age(&t, later, VSW_FLOW_SLOTS_MIN);
	CU_ASSERT_PTR_NULL(find(1, 1));
	CU_ASSERT_PTR_NOT_NULL(find(2, 1));
	/* a stamp of a worker that is a little ahead is not an age of years */
	find(2, 1)->stamp = later + 3;
	vsw_flows_age(&t, later, VSW_FLOW_SLOTS_MIN);
	CU_ASSERT_PTR_NOT_NULL(find(2, 1));
	vsw_flows_flush(&t, 1);
}

static void grows_and_forgets_nothing(void)
{
	const uint64_t n = 200000;
	uint64_t lost = 0, refused = 0;
	int why;

	for (uint64_t i = 0; i < n; i++) {
		refused += !add(i, (uint16_t)(i % 7), 1000000, &why);
		if (i % 1000 == 0)
			vsw_flows_grow(&t);
	}
	CU_ASSERT(t.at->mask + 1 >= 262144);
	/* a window may be full now and then; which one is the secret seed's choice */
	CU_ASSERT(refused < n / 1000);
	CU_ASSERT_EQUAL(t.n, n - refused);
	for (uint64_t i = 0; i < n; i++)
		lost += !find(i, (uint16_t)(i % 7));
	CU_ASSERT_EQUAL(lost, refused);
	for (uint16_t p = 0; p < 7; p++)
		vsw_flows_flush(&t, p);
	CU_ASSERT_EQUAL(t.n, 0);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x * UINT64_C(0x2545f4914f6cdd1d);
}

/* Connections between the same two addresses, which differ in ports alone, seen by both ends' ports. */
static struct vsw_flow_key only_ports(uint32_t i)
{
	uint64_t mine = 1024 + i / 2 % 50000, other = 5000 + i / 2 / 50000;
	const uint64_t a = 0x1400000affff0000, b = 0x0a00000affff0000;
	struct vsw_flow_key k = {{0, i & 1 ? b : a, 0, i & 1 ? a : b}};

	k.w[4] = (i & 1 ? other << 48 | mine << 32 : mine << 48 | other << 32) | 17 << 24 |
		 (uint64_t)(1 + (i & 1)) << VSW_FLOW_PORT_SHIFT;
	return k;
}

/* Whatever the secret is, half a table of them fits as well as random keys do. */
static void ports_alone_spread(void)
{
	static struct vsw_flows one;
	static bool used[262144];
	const uint32_t mask = sizeof(used) - 1;
	uint64_t x = 88172645463325252;
	uint32_t worst = 0;

	for (int i = 0; i < 100; i++) {
		uint32_t full = 0;

		for (int w = 0; w < 4; w++)
			one.seed[w] = next_random(&x);
		memset(used, 0, sizeof(used));
		for (uint32_t n = 0; n <= mask / 2; n++) {
			struct vsw_flow_key k = only_ports(n);
			uint64_t hash = vsw_flow_hash(&one, &k);
			uint32_t s = 0;

			while (s < VSW_FLOW_WINDOW && used[(hash + s) & mask])
				s++;
			if (s < VSW_FLOW_WINDOW)
				used[(hash + s) & mask] = true;
			else
				full++;
		}
		worst = RTE_MAX(worst, full);
	}
	CU_ASSERT(worst <= 10);
}

/* A full window far from half load: the table grows, and what was refused gets in. */
static void a_full_window_makes_it_grow(void)
{
	uint32_t size, added = 0;
	uint64_t id = 0;
	int why = 0;

	CU_ASSERT_EQUAL(t.n, 0);
	size = t.at->mask + 1;
	while (t.n < size / 4)
		CU_ASSERT_PTR_NOT_NULL_FATAL(add(id++, 1, 1000000, &why));
	vsw_flows_grow(&t);
	CU_ASSERT_EQUAL(t.at->mask + 1, size);
	/* keys that fall on four slots */
	for (; added < VSW_FLOW_WINDOW + 4 && why == 0; id++) {
		struct vsw_flow f = flow(id, 1);

		if ((vsw_flow_hash(&t, &f.key) & t.at->mask) < 4 && add(id, 1, 1000000, &why))
			added++;
	}
	CU_ASSERT_EQUAL_FATAL(why, -ENOSPC);
	vsw_flows_grow(&t);
	CU_ASSERT_EQUAL(t.at->mask + 1, size * 2);
	CU_ASSERT_PTR_NOT_NULL(add(id - 1, 1, 1000000, &why));
	vsw_flows_flush(&t, 1);
}

static bool stop_at_three(void *ctx, const struct vsw_flow *f)
{
	return ++*(unsigned int *)ctx < 3;
}

static void a_walk_can_be_ended(void)
{
	unsigned int n = 0;
	int why;

	for (uint64_t i = 0; i < 10; i++)
		add(i, 5, 100, &why);
	vsw_flows_walk(&t, 5, stop_at_three, &n);
	CU_ASSERT_EQUAL(n, 3);
	vsw_flows_flush(&t, 5);
}

/* A slot must not become another flow while some worker may still hold it. */
static void slots_wait_for_the_workers(void)
{
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc(NULL, rte_rcu_qsbr_get_memsize(2), RTE_CACHE_LINE_SIZE);
	struct vsw_flow *f;
	int why;

	rte_rcu_qsbr_init(rcu, 2);
	rte_rcu_qsbr_thread_register(rcu, 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	t.rcu = rcu;
	f = add(1, 1, 10, &why);
	vsw_flow_remove(&t, f);
	CU_ASSERT_PTR_NOT_EQUAL(add(1, 1, 10, &why), f);
	vsw_flow_remove(&t, find(1, 1));
	rte_rcu_qsbr_quiescent(rcu, 0);
	CU_ASSERT_PTR_EQUAL(add(1, 1, 10, &why), f);
	vsw_flow_remove(&t, f);
	rte_rcu_qsbr_thread_offline(rcu, 0);
	t.rcu = NULL;
	rte_free(rcu);
}

static const struct tap_case cases[] = {
	{"found, removed, counted", found_and_removed},
	{"a port's limit is its own", a_port_has_a_limit},
	{"idle flows go, busy ones stay", idle_flows_go},
	{"slots wait for the workers", slots_wait_for_the_workers},
	{"a walk can be ended", a_walk_can_be_ended},
	{"growing forgets nothing", grows_and_forgets_nothing},
	{"flows that differ in ports alone spread over the table", ports_alone_spread},
	{"a full window makes the table grow", a_full_window_makes_it_grow},
};

int main(void)
{
	test_eal_init();
	if (vsw_flows_init(&t, NULL) < 0)
		return 2;
	return tap_run("vswitch/policy/flow", cases, sizeof(cases) / sizeof(cases[0]));
}
