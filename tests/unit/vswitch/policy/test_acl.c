/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access rules on packets: order, state, fragments, ICMP, changes of policy, limits. */
#include "tests/unit/tap.h"

#include <string.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/policy/acl.h"
#include "vswitch/policy/key.h"

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

static struct vsw_flows flows;
static struct rte_mempool *pool;
static struct vsw_gate *gate;
static struct vsw_port_cfg port;
static struct vsw_policy policy;
static struct vsw_acl *acl;
static uint32_t now = 1000;
static struct vsw_acl_verdict last;

/* ---- a policy, rule by rule ---- */

static void no_rules(void)
{
	vsw_gate_free(gate);
	gate = NULL;
	vsw_acl_unref(acl);
	acl = vsw_acl_new(VSW_RULES_MAX);
	acl->n = 0;
}

static struct vsw_acl_rule *rule(enum vsw_dir dir, enum vsw_acl_action action, uint16_t weight)
{
	struct vsw_acl_rule *r = &acl->rules[acl->n++];

	memset(r, 0, sizeof(*r));
	r->id = acl->n;
	r->kind = VSW_ACL_EXTENDED;
	r->direction = (uint8_t)dir;
	r->action = (uint8_t)action;
	r->protocol = VSW_PROTOCOL_ANY;
	r->local_port[1] = r->remote_port[1] = 65535;
	r->weight = weight;
	r->idle_timeout_s = VSW_IDLE_DEFAULT_S;
	return r;
}

static void remote(struct vsw_acl_rule *r, const char *prefix)
{
	r->remote.kind = VSW_ADDR_PREFIX;
	CU_ASSERT_EQUAL_FATAL(vd_prefix_parse(prefix, &r->remote.prefix), 0);
}

/* Compile what rule() made. The policy object is new each time, as after a change. */
static void apply(void)
{
	static struct vsw_policy *shared;
	struct vsw_model m = {.ports = &port, .n_ports = 1};
	struct vsw_gate *old = gate;
	struct vd_err err = {0};

	vsw_policy_unref(shared);
	policy.acl = acl;
	shared = vsw_policy_clone(&policy);
	port.policy = shared;
	CU_ASSERT_EQUAL_FATAL(vsw_gate_make(&m, 0, NULL, old, 1, &gate, &err), 0);
	if (old && gate && gate != old)
		vsw_gate_inherit(gate, old, 1);
	if (old != gate)
		vsw_gate_free(old);
}

/* ---- packets ---- */

struct packet {
	enum vsw_dir dir;
	const char *local, *remote; /* addresses; the other side of the frame follows from dir */
	uint8_t proto, flags;
	uint16_t lport, rport;
	uint16_t frag; /* IPv4 flags and offset field */
	uint8_t type;  /* ICMP */
	uint16_t fid;
	const uint8_t *quote; /* ICMP error: 28 bytes of IPv4 packet */
};

static uint32_t write_ip(const struct packet *p, uint8_t *d)
{
	struct vd_prefix l, r;
	bool from = p->dir == VSW_FROM_VM;
	uint16_t sport = from ? p->lport : p->rport, dport = from ? p->rport : p->lport;
	uint32_t n = 40;
	uint8_t *t;

	vd_prefix_parse(p->local, &l);
	vd_prefix_parse(p->remote, &r);
	memset(d, 0, 80);
	if (l.family == 4) {
		d[0] = 0x45;
		d[3] = 20 + 40;
		d[5] = 77;
		d[6] = (uint8_t)(p->frag >> 8);
		d[7] = (uint8_t)p->frag;
		d[9] = p->proto;
		memcpy(d + 12, from ? l.addr : r.addr, 4);
		memcpy(d + 16, from ? r.addr : l.addr, 4);
		t = d + 20;
	} else {
		d[0] = 0x60;
		d[5] = 40;
		d[6] = p->proto;
		memcpy(d + 8, from ? l.addr : r.addr, 16);
		memcpy(d + 24, from ? r.addr : l.addr, 16);
		t = d + 40;
	}
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6) {
		t[0] = p->type;
		t[5] = 9;
		if (p->quote)
			memcpy(t + 8, p->quote, 28);
	} else {
		t[0] = (uint8_t)(sport >> 8);
		t[1] = (uint8_t)sport;
		t[2] = (uint8_t)(dport >> 8);
		t[3] = (uint8_t)dport;
		t[12] = 0x50;
		t[13] = p->flags;
	}
	return (uint32_t)(t - d) + n;
}

static bool passes_as(const struct packet *p, struct vsw_rule_count *hits)
{
	struct vsw_acl_pass a = {
		.flows = &flows, .gate = gate, .hits = hits, .now = now, .port = 5, .dir = p->dir};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *d = (uint8_t *)rte_pktmbuf_append(m, 100);
	uint32_t n;
	uint64_t dropped;

	memset(d, 2, 12);
	d[12] = strchr(p->local, ':') ? 0x86 : 0x08;
	d[13] = strchr(p->local, ':') ? 0xdd : 0;
	n = write_ip(p, d + 14);
	rte_pktmbuf_trim(m, (uint16_t)(100 - 14 - n));
	dropped = vsw_acl_burst(&a, &m, &p->fid, 1, &last);
	rte_pktmbuf_free(m);
	return dropped == 0;
}

static bool passes(const struct packet *p)
{
	return passes_as(p, gate->hits[0]);
}

static bool tcp(enum vsw_dir dir, uint8_t flags, uint16_t lport, uint16_t rport)
{
	struct packet p = {.dir = dir,
			   .local = "10.0.0.5",
			   .remote = "192.0.2.7",
			   .proto = 6,
			   .flags = flags,
			   .lport = lport,
			   .rport = rport};

	return passes(&p);
}

static bool udp(enum vsw_dir dir, const char *to)
{
	struct packet p = {.dir = dir,
			   .local = "10.0.0.5",
			   .remote = to,
			   .proto = 17,
			   .lport = 1000,
			   .rport = 53};

	return passes(&p);
}

/* ---- cases ---- */

static void no_match_passes(void)
{
	no_rules();
	rule(VSW_FROM_VM, VSW_ACL_DENY, 1)->protocol = 6;
	apply();
	CU_ASSERT(udp(VSW_FROM_VM, "1.2.3.4"));
	CU_ASSERT(!tcp(VSW_FROM_VM, SYN, 1, 2));
	CU_ASSERT_EQUAL(last.reason, VSW_DROP_ACL_FROM_VM);
	CU_ASSERT(tcp(VSW_TO_VM, SYN, 1, 2));
}

static void weight_then_deny_then_id(void)
{
	no_rules();
	remote(rule(VSW_FROM_VM, VSW_ACL_ALLOW, 10), "192.0.2.0/24");
	rule(VSW_FROM_VM, VSW_ACL_DENY, 1);
	apply();
	CU_ASSERT(udp(VSW_FROM_VM, "192.0.2.7"));
	CU_ASSERT(!udp(VSW_FROM_VM, "192.0.3.7"));
	no_rules();
	rule(VSW_FROM_VM, VSW_ACL_ALLOW, 5);
	rule(VSW_FROM_VM, VSW_ACL_DENY, 5);
	apply();
	CU_ASSERT(!udp(VSW_FROM_VM, "192.0.2.7"));
	CU_ASSERT_EQUAL(last.rule[VSW_LIST_EXTENDED], 1);
}

static void basic_longest_prefix(void)
{
	no_rules();
	remote(rule(VSW_FROM_VM, VSW_ACL_DENY, 0), "10.0.0.0/8");
	remote(rule(VSW_FROM_VM, VSW_ACL_ALLOW, 0), "10.1.0.0/16");
	remote(rule(VSW_FROM_VM, VSW_ACL_DENY, 0), "10.1.1.1");
	rule(VSW_FROM_VM, VSW_ACL_ALLOW, 0);
	for (unsigned int i = 0; i < acl->n; i++)
		acl->rules[i].kind = VSW_ACL_BASIC;
	apply();
	CU_ASSERT(!udp(VSW_FROM_VM, "10.2.0.1"));
	CU_ASSERT(udp(VSW_FROM_VM, "10.1.0.1"));
	CU_ASSERT(!udp(VSW_FROM_VM, "10.1.1.1"));
	CU_ASSERT(udp(VSW_FROM_VM, "11.1.1.1"));
}

static void port_ranges_and_vlan(void)
{
	struct packet p = {.dir = VSW_TO_VM,
			   .local = "10.0.0.5",
			   .remote = "1.1.1.1",
			   .proto = 6,
			   .flags = SYN,
			   .rport = 999};
	struct vsw_acl_rule *r;

	no_rules();
	r = rule(VSW_TO_VM, VSW_ACL_DENY, 9);
	r->protocol = 6;
	r->local_port[0] = 1000;
	r->local_port[1] = 2001;
	r->vlan = 7;
	apply();
	p.fid = 7;
	for (uint16_t at = 998; at < 2010; at++) {
		p.lport = at;
		CU_ASSERT_EQUAL(passes(&p), at < 1000 || at > 2001);
	}
	p.lport = 1500;
	p.fid = 8;
	CU_ASSERT(passes(&p));
}

static void stateful_base(void)
{
	no_rules();
	rule(VSW_FROM_VM, VSW_ACL_ALLOW, 10)->stateful = true;
	rule(VSW_TO_VM, VSW_ACL_DENY, 1);
	rule(VSW_FROM_VM, VSW_ACL_DENY, 1);
	apply();
}

static void answers_pass(void)
{
	stateful_base();
	CU_ASSERT(!tcp(VSW_TO_VM, SYN, 50, 80)); /* from outside: no */
	CU_ASSERT(tcp(VSW_FROM_VM, SYN, 50, 80));
	CU_ASSERT(tcp(VSW_TO_VM, SYN | ACK, 50, 80));
	CU_ASSERT(tcp(VSW_FROM_VM, ACK, 50, 80));
	CU_ASSERT(tcp(VSW_TO_VM, ACK, 50, 80));
	CU_ASSERT(!tcp(VSW_TO_VM, ACK, 51, 80));
	CU_ASSERT(!udp(VSW_TO_VM, "8.8.8.8"));
	CU_ASSERT(udp(VSW_FROM_VM, "8.8.8.8"));
	CU_ASSERT(udp(VSW_TO_VM, "8.8.8.8"));
}

static void fin_and_reset_end_it(void)
{
	uint32_t per_s = vsw_flow_stamps_per_s();

	stateful_base();
	tcp(VSW_FROM_VM, SYN, 60, 80);
	tcp(VSW_TO_VM, SYN | ACK, 60, 80);
	now += 200 * per_s; /* established: 255 s */
	vsw_flows_age(&flows, now, VSW_FLOW_SLOTS_MIN);
	CU_ASSERT(tcp(VSW_TO_VM, ACK, 60, 80));
	CU_ASSERT(tcp(VSW_FROM_VM, FIN | ACK, 60, 80));
	CU_ASSERT(tcp(VSW_TO_VM, FIN | ACK, 60, 80));
	CU_ASSERT(tcp(VSW_FROM_VM, ACK, 60, 80));
	now += (VSW_TCP_CLOSED_S + 2) * per_s;
	vsw_flows_age(&flows, now, VSW_FLOW_SLOTS_MIN);
	CU_ASSERT(!tcp(VSW_TO_VM, ACK, 60, 80));
	/* a new connection with the same ports, while the old one lingers */
	tcp(VSW_FROM_VM, SYN, 61, 80);
	tcp(VSW_TO_VM, RST | ACK, 61, 80);
	CU_ASSERT(tcp(VSW_FROM_VM, SYN, 61, 80));
	now += (VSW_TCP_CLOSED_S + 5) * per_s;
	vsw_flows_age(&flows, now, VSW_FLOW_SLOTS_MIN);
	CU_ASSERT(tcp(VSW_TO_VM, SYN | ACK, 61, 80));
}

static void icmp_errors_are_related(void)
{
	struct packet sent = {.dir = VSW_FROM_VM,
			      .local = "10.0.0.5",
			      .remote = "8.8.8.8",
			      .proto = 17,
			      .lport = 1000,
			      .rport = 53};
	struct packet error = {.dir = VSW_TO_VM,
			       .local = "10.0.0.5",
			       .remote = "172.16.0.1",
			       .proto = IPPROTO_ICMP,
			       .type = 3};
	uint8_t quote[80];

	stateful_base();
	write_ip(&sent, quote);
	error.quote = quote;
	vsw_flows_flush(&flows, 5);
	CU_ASSERT(!passes(&error));
	CU_ASSERT(passes(&sent));
	CU_ASSERT(passes(&error));
	quote[23] ^= 1; /* another destination port: not ours */
	CU_ASSERT(!passes(&error));
}

static void fragments_follow_the_first(void)
{
	struct packet first = {.dir = VSW_FROM_VM,
			       .local = "10.0.0.5",
			       .remote = "192.0.2.7",
			       .proto = 17,
			       .lport = 5,
			       .rport = 53,
			       .frag = 0x2000};
	struct packet later = first;
	struct vsw_acl_rule *r;

	later.frag = 5;
	no_rules();
	r = rule(VSW_FROM_VM, VSW_ACL_ALLOW, 10);
	r->protocol = 17;
	r->remote_port[0] = r->remote_port[1] = 53;
	rule(VSW_FROM_VM, VSW_ACL_DENY, 1);
	apply();
	vsw_flows_flush(&flows, 5);
	CU_ASSERT(!passes(&later));
	CU_ASSERT_EQUAL(last.reason, VSW_DROP_FRAGMENT_UNKNOWN);
	CU_ASSERT(passes(&first));
	CU_ASSERT(passes(&later));
	first.rport = 54; /* denied, and does not open the door for its followers */
	vsw_flows_flush(&flows, 5);
	CU_ASSERT(!passes(&first));
	CU_ASSERT(!passes(&later));
}

static void removing_the_rule_cuts_its_flows(void)
{
	stateful_base();
	CU_ASSERT(tcp(VSW_FROM_VM, SYN, 70, 80));
	CU_ASSERT(tcp(VSW_TO_VM, SYN | ACK, 70, 80));
	apply(); /* the same rules anew: nothing is cut */
	CU_ASSERT(tcp(VSW_TO_VM, ACK, 70, 80));
	acl->rules[0].action = VSW_ACL_DENY;
	acl->rules[0].stateful = false;
	apply();
	CU_ASSERT(!tcp(VSW_TO_VM, ACK, 70, 80));
	CU_ASSERT(!tcp(VSW_FROM_VM, ACK, 70, 80));
	/* taken up again in the middle when it is allowed again */
	acl->rules[0].action = VSW_ACL_ALLOW;
	acl->rules[0].stateful = true;
	apply();
	CU_ASSERT(!tcp(VSW_TO_VM, ACK, 70, 80));
	CU_ASSERT(tcp(VSW_FROM_VM, ACK, 70, 80));
	CU_ASSERT(tcp(VSW_TO_VM, ACK, 70, 80));
}

static void limits_are_per_port(void)
{
	stateful_base();
	vsw_flows_flush(&flows, 5);
	gate->flow_limit = 3;
	for (uint16_t i = 0; i < 3; i++)
		CU_ASSERT(tcp(VSW_FROM_VM, SYN, 100 + i, 80));
	CU_ASSERT(!tcp(VSW_FROM_VM, SYN, 103, 80));
	CU_ASSERT_EQUAL(last.reason, VSW_DROP_FLOW_LIMIT);
	CU_ASSERT(tcp(VSW_FROM_VM, ACK, 101, 80));
}

static void counters_add_up(void)
{
	struct vsw_rule_count c;

	no_rules();
	rule(VSW_FROM_VM, VSW_ACL_METER, 1);
	rule(VSW_FROM_VM, VSW_ACL_ALLOW, 1);
	apply();
	for (int i = 0; i < 10; i++)
		udp(VSW_FROM_VM, "9.9.9.9");
	c = vsw_gate_count(gate, 1, 0);
	CU_ASSERT(c.packets == 10 && c.bytes == 10 * 74);
	c = vsw_gate_count(gate, 1, 1);
	CU_ASSERT_EQUAL(c.packets, 10);
	/* a change of other rules keeps what was counted */
	rule(VSW_TO_VM, VSW_ACL_DENY, 1);
	apply();
	udp(VSW_FROM_VM, "9.9.9.9");
	CU_ASSERT_EQUAL(vsw_gate_count(gate, 1, 0).packets, 11);
}

static void report_only_reports(void)
{
	struct vsw_acl_rule *r;

	no_rules();
	r = rule(VSW_FROM_VM, VSW_ACL_DENY, 100);
	r->report_only = true;
	remote(rule(VSW_FROM_VM, VSW_ACL_DENY, 50), "9.9.9.9");
	apply();
	CU_ASSERT(udp(VSW_FROM_VM, "9.9.9.8"));
	CU_ASSERT(udp(VSW_FROM_VM, "9.9.9.8"));
	CU_ASSERT(!udp(VSW_FROM_VM, "9.9.9.9"));
	CU_ASSERT_EQUAL(vsw_gate_count(gate, 1, 0).packets, 3);
}

static void ipv6_lives_without_rules_for_icmp(void)
{
	struct packet p = {.dir = VSW_FROM_VM,
			   .local = "fd00::5",
			   .remote = "fd00::7",
			   .proto = IPPROTO_ICMPV6,
			   .type = 135};

	no_rules();
	rule(VSW_FROM_VM, VSW_ACL_DENY, 1);
	apply();
	CU_ASSERT(passes(&p));
	p.type = 128;
	CU_ASSERT(!passes(&p));
	p.type = 135;
	rule(VSW_FROM_VM, VSW_ACL_DENY, 2)->protocol = IPPROTO_ICMPV6;
	apply();
	CU_ASSERT(!passes(&p));
	/* and an IPv4 rule never meets IPv6 */
	no_rules();
	remote(rule(VSW_FROM_VM, VSW_ACL_DENY, 1), "0.0.0.0/0");
	apply();
	p.type = 128;
	CU_ASSERT(passes(&p));
}

static void looking_changes_nothing(void)
{
	struct packet p = {.dir = VSW_FROM_VM,
			   .local = "10.0.0.5",
			   .remote = "192.0.2.7",
			   .proto = 6,
			   .flags = SYN,
			   .lport = 200,
			   .rport = 80};
	uint32_t before;

	stateful_base();
	before = flows.n;
	CU_ASSERT(passes_as(&p, NULL));
	CU_ASSERT_EQUAL(flows.n, before);
	CU_ASSERT_EQUAL(vsw_gate_count(gate, 1, 0).packets, 0);
}

static void broken_packets_are_named(void)
{
	struct packet p = {.dir = VSW_FROM_VM,
			   .local = "10.0.0.5",
			   .remote = "192.0.2.7",
			   .proto = 6,
			   .flags = SYN};
	struct vsw_acl_pass a;
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *d = (uint8_t *)rte_pktmbuf_append(m, 100);
	uint16_t fid = 0;

	stateful_base();
	a = (struct vsw_acl_pass){.flows = &flows,
				  .gate = gate,
				  .hits = gate->hits[0],
				  .now = now,
				  .port = 5,
				  .dir = VSW_FROM_VM};
	memset(d, 2, 12);
	d[12] = 8;
	d[13] = 0;
	write_ip(&p, d + 14);
	d[16] = 0xff;
	CU_ASSERT_EQUAL(vsw_acl_burst(&a, &m, &fid, 1, &last), 1);
	CU_ASSERT_EQUAL(last.reason, VSW_DROP_INVALID_PACKET);
	rte_pktmbuf_free(m);
}

static const struct tap_case cases[] = {
	{"what no rule matches passes", no_match_passes},
	{"higher weight, then deny, then lower id", weight_then_deny_then_id},
	{"basic rules: longest prefix", basic_longest_prefix},
	{"port ranges and isolation id", port_ranges_and_vlan},
	{"answers of stateful flows pass", answers_pass},
	{"FIN and RST end a connection", fin_and_reset_end_it},
	{"ICMP errors about a flow pass", icmp_errors_are_related},
	{"later fragments follow the first", fragments_follow_the_first},
	{"removing a rule cuts its flows", removing_the_rule_cuts_its_flows},
	{"flow limits", limits_are_per_port},
	{"hits and meters add up", counters_add_up},
	{"report-only rules decide nothing", report_only_reports},
	{"IPv6 neighbour discovery", ipv6_lives_without_rules_for_icmp},
	{"looking changes nothing", looking_changes_nothing},
	{"broken packets are named", broken_packets_are_named},
};

int main(void)
{
	test_eal_init();
	pool = test_pool("frames", 256, RTE_MBUF_DEFAULT_BUF_SIZE);
	if (vsw_flows_init(&flows, NULL) < 0)
		return 2;
	return tap_run("vswitch/policy/acl", cases, sizeof(cases) / sizeof(cases[0]));
}
