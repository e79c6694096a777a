/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Confined ports on the packet path: the allow set, answers to questions, rates, the cut of live flows. */
#include "tests/unit/tap.h"

#include <string.h>

#include "tests/unit/nap-policy/policy_kit.h"
#include "tests/unit/vswitch/eal.h"
#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/quarantine.h"
#include "vswitch/policy/words.h"

static struct vsw_dataplane dp;
static struct vsw_worker w = {.dp = &dp, .now = 1000};
static struct vsw_counters counters;
static struct vsw_recorder recorder;
static struct vsw_port rt = {.counters = {&counters}, .recorder = {&recorder}};
static struct vsw_snap_port port = {.rt = &rt, .index = 3};
static struct vsw_port_cfg cfg = {.name = "p", .has_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}};
static struct vsw_model model = {.ports = &cfg, .n_ports = 1};
static struct nap_allow *allow;

static unsigned int resolve(void *ctx, const char *name, struct vd_prefix *ret, unsigned int max)
{
	return 0;
}

static void make_allow(void)
{
	struct nap_policy *policy = kit_good_policy(
		"version: 1\n"
		"default: {mode: enforce, unmatched: restricted}\n"
		"remediation: {groups: {default: [{to: 10.0.9.10, tcp: 443, udp: 123}]}}\n"
		"dhcp: 10.0.0.2\n"
		"dns: 10.0.9.53\n");

	allow = nap_allow_make(policy, NAP_RESTRICTED, policy->default_group, "firewall", resolve,
			       NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(allow);
}

static void confine(bool yes)
{
	struct vsw_gate *gate;
	struct vd_err e;

	if (!allow)
		make_allow();

	CU_ASSERT_EQUAL_FATAL(vsw_gate_make(&model, 0, yes ? allow : NULL,
					    (struct vsw_gate *)(uintptr_t)port.gate, 1, &gate, &e),
			      0);
	if (gate != port.gate)
		vsw_gate_free((struct vsw_gate *)(uintptr_t)port.gate);
	port.gate = gate;
}

static bool passes(bool from, const char *words)
{
	struct vsw_words_frame f;
	struct vsw_vec v = {.n = 1};
	struct rte_mbuf *m;
	struct vd_err e;
	bool pass;

	CU_ASSERT_EQUAL_FATAL(vsw_words_parse(words, &model, &cfg, &f, &e), 0);
	m = rte_pktmbuf_alloc(dp.env.pool);
	memcpy(rte_pktmbuf_append(m, (uint16_t)f.size), f.data, f.size);
	v.m[0] = m;
	if (!port.gate) {
		pass = true;
	} else if (from) {
		vsw_gate_from_vm(&w, &port, &v);
		pass = v.n;
	} else {
		pass = vsw_gate_to_vm(&w, &port, &m, 1);
	}
	if (pass)
		rte_pktmbuf_free(m);
	return pass;
}

static void only_what_is_named(void)
{
	confine(true);
	CU_ASSERT(passes(true, "tcp 10.0.0.7:5 > 10.0.9.10:443"));
	CU_ASSERT(!passes(true, "tcp 10.0.0.7:5 > 10.0.9.11:444"));
	CU_ASSERT_EQUAL(counters.drops[VSW_DROP_QUARANTINE_FROM_VM], 1);
	CU_ASSERT(passes(false, "tcp 10.0.9.10:443 > 10.0.0.7:5 flags SA"));
	CU_ASSERT(!passes(false, "tcp 10.0.0.8:443 > 10.0.0.7:5 flags SA"));
	CU_ASSERT_EQUAL(counters.drops[VSW_DROP_QUARANTINE_TO_VM], 1);
	CU_ASSERT(!passes(true, "ethertype 0x88cc"));
	/* what the health service would answer, while there is none */
	CU_ASSERT(!passes(true, "tcp 10.0.0.7:5 > 10.0.9.11:80"));
	CU_ASSERT(!passes(true, "udp 10.0.0.7:5 > 8.8.8.8:53"));
	CU_ASSERT_EQUAL(counters.drops[VSW_DROP_HEALTH_SERVICE], 2);
	confine(false);
	CU_ASSERT_PTR_NULL(port.gate);
}

static void answers_need_a_question(void)
{
	confine(true);
	CU_ASSERT(!passes(false, "udp 10.0.9.10:123 > 10.0.0.7:700"));
	CU_ASSERT(passes(true, "udp 10.0.0.7:700 > 10.0.9.10:123"));
	CU_ASSERT(passes(false, "udp 10.0.9.10:123 > 10.0.0.7:700"));
	CU_ASSERT(!passes(false, "udp 10.0.9.10:123 > 10.0.0.7:701"));
	/* confined anew: questions of before are forgotten */
	confine(false);
	confine(true);
	CU_ASSERT(!passes(false, "udp 10.0.9.10:123 > 10.0.0.7:700"));
	confine(false);
}

static void floods_are_limited(void)
{
	unsigned int n = 0;

	confine(true);
	for (int i = 0; i < 5000; i++)
		n += passes(true, "arp 10.0.0.7 > 10.0.9.10");
	CU_ASSERT_EQUAL(n, nap_class_rate[NAP_ALLOW_ARP]);
	CU_ASSERT(counters.drops[VSW_DROP_QUARANTINE_RATE] > 0);
	w.now += 2 * vsw_flow_stamps_per_s();
	CU_ASSERT(passes(true, "arp 10.0.0.7 > 10.0.9.10"));
	confine(false);
}

/* What access rules had let through ends with the confinement, and goes on after it. */
static void live_flows_are_cut_and_kept(void)
{
	struct vsw_policy *p = vsw_policy_clone(NULL);

	p->acl = vsw_acl_new(2);
	for (unsigned int i = 0; i < 2; i++)
		p->acl->rules[i] = (struct vsw_acl_rule){.id = i + 1,
							 .kind = VSW_ACL_EXTENDED,
							 .direction = (uint8_t)i,
							 .action = i ? VSW_ACL_DENY : VSW_ACL_ALLOW,
							 .stateful = !i,
							 .protocol = VSW_PROTOCOL_ANY,
							 .local_port = {0, 65535},
							 .remote_port = {0, 65535},
							 .weight = 9,
							 .idle_timeout_s = 255};
	cfg.policy = p;
	confine(false);
	CU_ASSERT(!passes(false, "tcp 10.0.0.8:80 > 10.0.0.7:900 flags A"));
	CU_ASSERT(passes(true, "tcp 10.0.0.7:900 > 10.0.0.8:80 flags S"));
	CU_ASSERT(passes(false, "tcp 10.0.0.8:80 > 10.0.0.7:900 flags SA"));
	confine(true);
	CU_ASSERT(!passes(true, "tcp 10.0.0.7:900 > 10.0.0.8:80 flags A"));
	CU_ASSERT(!passes(false, "tcp 10.0.0.8:80 > 10.0.0.7:900 flags A"));
	confine(false);
	CU_ASSERT(passes(false, "tcp 10.0.0.8:80 > 10.0.0.7:900 flags A"));
	cfg.policy = NULL;
	confine(false);
	vsw_policy_unref(p);
}

static const struct tap_case cases[] = {
	{"only what is named passes", only_what_is_named},
	{"answers need a question", answers_need_a_question},
	{"floods are limited", floods_are_limited},
	{"live flows are cut, and go on when released", live_flows_are_cut_and_kept},
};

int main(void)
{
	test_eal_init();
	dp.env.pool = test_pool("frames", 64, RTE_MBUF_DEFAULT_BUF_SIZE);
	if (vsw_flows_init(&dp.flows, NULL) < 0)
		return 2;
	return tap_run("vswitch/policy/quarantine", cases, sizeof(cases) / sizeof(cases[0]));
}
