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
};

int main(void)
{
	test_eal_init();
	if (vsw_flows_init(&t, NULL) < 0)
		return 2;
	return tap_run("vswitch/policy/flow", cases, sizeof(cases) / sizeof(cases[0]));
}
