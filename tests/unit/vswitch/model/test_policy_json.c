/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies in documents: values, one form, everything that is refused and where that is said. */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vswitch/model/load.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static void zeros(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	memset(buf, 0, n);
}

static void load_ok(const char *text, struct vsw_model *m)
{
	struct vd_err e;
	int r = load(text, m, &e);

	if (r)
		printf("# %u:%u %s: %s\n", e.line, e.column, e.path, e.message);
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

/* Eight lines, then the ports' first line is 9. */
#define HEAD                                                                        \
	"viridian: 1\n"                                                             \
	"sets:\n"                                                                   \
	"  - {name: web, members: [10.0.0.0/24, fd00::1, \"02:00:00:00:00:05\"]}\n" \
	"switches:\n"                                                               \
	"  - {name: lan, type: private}\n"                                          \
	"  - {name: abs, type: private, min_mode: absolute}\n"                      \
	"  - {name: wan, type: external, team_mode: dynamic}\n"                     \
	"ports:\n"
#define UPLINKS                                                                      \
	"  - {name: 'wan:uplink', switch: wan, role: uplink, device: 'netdev:e0'}\n" \
	"  - {name: 'wan:uplink2', switch: wan, role: uplink, device: 'netdev:e1'}\n"
#define P   "  - {name: p, switch: lan, device: tap:p"
#define END "}\n" UPLINKS

#define EVERYTHING                                                                                \
	HEAD P ", tags: [blue, x], guard: {mac_spoofing: true, dhcp: true, router: true, "        \
	       "control: true, priority_trust: false, pinning: static, pins: [10.0.0.5, "         \
	       "fd00::5], "                                                                       \
	       "floating: [10.0.0.100], storm_broadcast_pps: 100, storm_multicast_pps: 200, "     \
	       "storm_unknown_pps: 300, address_limit: 8, team: vm1}, "                           \
	       "qos: {max_from_vm: 100M, burst_from_vm: 64k, max_to_vm: 1.5G, weight: 30}, acl: " \
	       "[{id: 7, name: https, direction: to-vm, action: allow, protocol: tcp, "           \
	       "local_port: 443, remote: 'set:web', weight: 500, stateful: true, "                \
	       "idle_timeout_s: 60, vlan: 10, set_by: root, set_at: 2026-11-21T06:42:43Z}, "      \
	       "{id: 3, direction: from-vm, action: deny, remote: 10.0.0.0/8}, "                  \
	       "{id: 9, direction: from-vm, action: deny, ethertype: 0x88cc, weight: 1, "         \
	       "report_only: true}, {id: 10, direction: to-vm, action: meter, remote: any}]}\n"   \
	       "  - {name: q, switch: abs, device: tap:q, qos: {min: 10M}}\n"                     \
	       "  - {name: r, switch: wan, device: tap:r, affinity: 'wan:uplink2'}\n" UPLINKS     \
	       "mirrors:\n"                                                                       \
	       "  - {name: m1, switch: lan, sources: ['p,from-vm'], to_file: /tmp/x.pcapng, "     \
	       "filter: tcp port 80, snaplen: 128}\n"                                             \
	       "  - {name: m2, switch: wan, sources: [all], to_port: r}\n"

static void guards_and_bandwidth(void)
{
	struct vsw_model m;
	const struct vsw_policy *p;

	load_ok(EVERYTHING, &m);
	p = vsw_policy_of(&m.ports[0]);
	CU_ASSERT(p->guard.mac_spoofing && p->guard.dhcp && p->guard.router && p->guard.control);
	CU_ASSERT(p->guard.drop_priority);
	CU_ASSERT_EQUAL(p->guard.pinning, VSW_PIN_STATIC);
	CU_ASSERT(p->n_pins == 2 && p->pins[1].family == 6 && p->n_floating == 1);
	CU_ASSERT_EQUAL(p->guard.storm_unknown_pps, 300);
	CU_ASSERT_STRING_EQUAL(p->guard.team, "vm1");
	CU_ASSERT(p->n_tags == 2 && !strcmp(p->tags[1], "x"));
	CU_ASSERT_EQUAL(p->qos.from_vm.bps, 100000000);
	CU_ASSERT_EQUAL(p->qos.from_vm.burst_bytes, 64000);
	CU_ASSERT_EQUAL(p->qos.to_vm.bps, 1500000000);
	CU_ASSERT_EQUAL(p->qos.min_weight, 30);
	CU_ASSERT_EQUAL(vsw_policy_of(&m.ports[1])->qos.min_bps, 10000000);
	CU_ASSERT_STRING_EQUAL(vsw_policy_of(&m.ports[2])->affinity, "wan:uplink2");
	CU_ASSERT_PTR_NULL(m.ports[3].policy);
	CU_ASSERT_EQUAL(m.switches[1].qos.min_mode, VSW_MIN_ABSOLUTE);
	CU_ASSERT_EQUAL(m.switches[2].team_mode, VSW_TEAM_DYNAMIC);
	CU_ASSERT_EQUAL(m.sets[0].n_members, 3);
	CU_ASSERT(m.sets[0].members[2].is_mac && !m.sets[0].members[0].is_mac);
	CU_ASSERT_EQUAL(m.mirrors[0].sources[0].dirs, VSW_MIRROR_FROM_VM);
	CU_ASSERT(m.mirrors[1].all == VSW_MIRROR_BOTH && m.mirrors[1].n_sources == 0);
	vsw_model_done(&m);
}

static void rules(void)
{
	struct vsw_model m;
	const struct vsw_acl *a;

	load_ok(EVERYTHING, &m);
	CU_ASSERT_EQUAL(vsw_model_complete(&m, zeros, NULL, NULL), 0);
	a = vsw_policy_of(&m.ports[0])->acl;
	CU_ASSERT_EQUAL_FATAL(a->n, 4);
	CU_ASSERT(a->rules[0].id == 3 && a->rules[0].kind == VSW_ACL_BASIC);
	CU_ASSERT(a->rules[0].remote.kind == VSW_ADDR_PREFIX && a->rules[0].remote.prefix.len == 8);
	CU_ASSERT(a->rules[1].id == 7 && a->rules[1].kind == VSW_ACL_EXTENDED);
	CU_ASSERT(a->rules[1].direction == VSW_TO_VM && a->rules[1].protocol == 6);
	CU_ASSERT(a->rules[1].local_port[0] == 443 && a->rules[1].remote_port[1] == 65535);
	CU_ASSERT(a->rules[1].stateful && a->rules[1].idle_timeout_s == 60);
	CU_ASSERT(a->rules[1].weight == 500 && a->rules[1].vlan == 10);
	CU_ASSERT(!strcmp(a->rules[1].set.by, "root") && a->rules[1].set.at == 1795243363);
	CU_ASSERT(a->rules[2].ethertype == 0x88cc && a->rules[2].report_only);
	CU_ASSERT(a->rules[2].protocol == VSW_PROTOCOL_ANY);
	CU_ASSERT_EQUAL(a->rules[3].action, VSW_ACL_METER);
	vsw_model_done(&m);
}

static void one_form(void)
{
	struct vsw_model m, again;
	json_t *j, *k, *diff;
	struct vd_err e;
	char *text;

	load_ok(EVERYTHING, &m);
	j = vsw_model_to_json(&m);
	text = json_dumps(j, 0);
	CU_ASSERT_EQUAL_FATAL(load(text, &again, &e), 0);
	k = vsw_model_to_json(&again);
	CU_ASSERT_TRUE(json_equal(j, k));
	diff = vsw_model_diff(&m, &again);
	CU_ASSERT_EQUAL(json_array_size(diff), 0);
	free(text);
	json_decref(j);
	json_decref(k);
	json_decref(diff);
	vsw_model_done(&m);
	vsw_model_done(&again);
}

static const struct {
	const char *text;
	unsigned int line, column;
	enum vd_code code;
	const char *path;
} bad[] = {
	/* guards */
	{HEAD P ",\n  guard: {dhcpp: true}" END, 10, 11, VD_E_KEY_UNKNOWN, "port/p/guard"},
	{HEAD P ",\n  guard: {dhcp: 1}" END, 10, 17, VD_E_TYPE, "port/p/guard/dhcp"},
	{HEAD P ",\n  guard: {pinning: static}" END, 10, 20, VD_E_POLICY, "port/p/guard/pinning"},
	{HEAD P ",\n  guard: {pins: [10.0.0.1,\n 10.0.0.1/8]}" END, 11, 2, VD_E_ADDRESS,
	 "port/p/guard/pins"},
	{HEAD P ",\n  guard: {storm_broadcast_pps: -1}" END, 10, 32, VD_E_VALUE,
	 "port/p/guard/storm_broadcast_pps"},
	{HEAD P ",\n  tags: [a, a]" END, 10, 9, VD_E_POLICY, "port/p/tags"},
	/* bandwidth */
	{HEAD P ",\n  qos: {max_from_vm: fast}" END, 10, 22, VD_E_VALUE, "port/p/qos/max_from_vm"},
	{HEAD P ",\n  qos: {max_from_vm: 7999}" END, 10, 22, VD_E_VALUE, "port/p/qos/max_from_vm"},
	{HEAD P ",\n  qos: {burst_to_vm: 64k}" END, 10, 22, VD_E_POLICY, "port/p/qos/burst_to_vm"},
	{HEAD P ",\n  qos: {min: 1M, weight: 5}" END, 10, 26, VD_E_POLICY, "port/p/qos/weight"},
	{HEAD P ",\n  qos: {min: 2M, max_from_vm: 1M}" END, 10, 14, VD_E_POLICY, "port/p/qos/min"},
	{HEAD P ",\n  qos: {min: 2M}" END, 10, 14, VD_E_POLICY, "port/p/qos/min"},
	{HEAD P ",\n  qos: {weight: 101}" END, 10, 17, VD_E_VALUE, "port/p/qos/weight"},
	{HEAD "  - {name: q, switch: abs, device: tap:q, qos: {weight: 5}" END, 9, 57, VD_E_POLICY,
	 "port/q/qos/weight"},
	{HEAD "  - {name: q, switch: wan, device: tap:q, affinity: p" END, 9, 53, VD_E_POLICY,
	 "port/q/affinity"},
	{HEAD "  - {name: 'wan:u', switch: wan, role: uplink, device: 'netdev:e9',\n"
	      "guard: {dhcp: true}}\n" UPLINKS,
	 10, 8, VD_E_POLICY, "port/wan:u/guard"},
	{HEAD "  - {name: 'wan:u', switch: wan, role: uplink, device: 'netdev:e9',\n"
	      "acl: [{direction: to-vm, action: deny}]}\n" UPLINKS,
	 10, 6, VD_E_POLICY, "port/wan:u/acl"},
/* rules, each alone */
#define RULE(text) HEAD P ", acl: [\n{direction: to-vm, " text "}]" END
	{HEAD P ", acl: [\n{action: deny}]" END, 10, 1, VD_E_KEY_MISSING, "port/p/acl"},
	{RULE("weight: 1"), 10, 1, VD_E_KEY_MISSING, "port/p/acl"},
	{RULE("action: drop"), 10, 28, VD_E_VALUE, "port/p/acl/action"},
	{RULE("action: deny, remote: 10.0.0"), 10, 42, VD_E_ADDRESS, "port/p/acl/remote"},
	{RULE("action: deny, remote: 10.0.0.0/8, local: 'fd00::1'"), 10, 42, VD_E_RULE,
	 "port/p/acl/remote"},
	{RULE("action: deny, protocol: icmp, remote: 'fd00::1'"), 10, 44, VD_E_RULE,
	 "port/p/acl/protocol"},
	{RULE("action: deny, protocol: icmpv6, remote: 10.0.0.1"), 10, 44, VD_E_RULE,
	 "port/p/acl/protocol"},
	{RULE("action: deny, ethertype: arp, remote: 10.0.0.1"), 10, 45, VD_E_RULE,
	 "port/p/acl/ethertype"},
	{RULE("action: deny, ethertype: ipv4, remote: 'fd00::1'"), 10, 45, VD_E_RULE,
	 "port/p/acl/ethertype"},
	{RULE("action: deny, ethertype: 0x88cc, protocol: tcp"), 10, 45, VD_E_RULE,
	 "port/p/acl/ethertype"},
	{RULE("action: deny, local_port: 443"), 10, 46, VD_E_RULE, "port/p/acl/local_port"},
	{RULE("action: deny, protocol: icmp, remote_port: 1-2"), 10, 63, VD_E_RULE,
	 "port/p/acl/remote_port"},
	{RULE("action: deny, protocol: tcp, local_port: 90-80"), 10, 61, VD_E_RULE,
	 "port/p/acl/local_port"},
	{RULE("action: deny, weight: 65536"), 10, 42, VD_E_VALUE, "port/p/acl/weight"},
	{RULE("action: deny, stateful: true"), 10, 44, VD_E_RULE, "port/p/acl/stateful"},
	{RULE("action: allow, idle_timeout_s: 5"), 10, 51, VD_E_RULE, "port/p/acl/idle_timeout_s"},
	{RULE("action: allow, stateful: true, remote: '02:00:00:00:00:01'"), 10, 45, VD_E_RULE,
	 "port/p/acl/stateful"},
	{RULE("action: meter, remote: '02:00:00:00:00:01'"), 10, 43, VD_E_RULE,
	 "port/p/acl/remote"},
	{RULE("action: meter, report_only: true"), 10, 48, VD_E_RULE, "port/p/acl/report_only"},
	{RULE("action: deny, kind: basic, weight: 5"), 10, 55, VD_E_RULE, "port/p/acl/weight"},
	{RULE("action: deny, kind: basic, local: 10.0.0.1, remote: 10.0.0.2"), 10, 72, VD_E_RULE,
	 "port/p/acl/remote"},
	{RULE("action: deny, vlan: 4095"), 10, 40, VD_E_VLAN_RANGE, "port/p/acl/vlan"},
	{RULE("action: deny, id: 0"), 10, 38, VD_E_VALUE, "port/p/acl/id"},
	{RULE("action: deny, set_at: noon"), 10, 42, VD_E_RULE, "port/p/acl/set_at"},
	{HEAD P ", acl: [\n{direction: both, action: deny, id: 4}]" END, 10, 37, VD_E_RULE,
	 "port/p/acl/id"},
	{RULE("action: deny, remote: 'set:wbe'"), 10, 42, VD_E_SET_UNKNOWN, "port/p/acl"},
	/* rules together */
	{RULE("action: deny, id: 4},\n{direction: from-vm, action: deny, id: 4"), 11, 1,
	 VD_E_EXISTS, "port/p/acl"},
	{RULE("action: deny, remote: 10.0.0.0/8},\n{direction: from-vm, action: allow},\n"
	      "{direction: to-vm, action: allow, remote: 10.0.0.0/8"),
	 12, 1, VD_E_RULE_CONFLICT, "port/p/acl"},
	{RULE("action: allow, protocol: tcp, weight: 9},\n"
	      "{direction: both, action: deny, protocol: 6, weight: 9"),
	 11, 1, VD_E_RULE_CONFLICT, "port/p/acl"},
	/* sets, sessions, teams */
	{"viridian: 1\nsets:\n- {name: a, members: [x]}\n", 3, 23, VD_E_ADDRESS, "set/a/members"},
	{"viridian: 1\nsets:\n- {name: a}\n- {name: a}\n", 4, 10, VD_E_EXISTS, "set/a"},
	{"viridian: 1\nsets:\n- {members: []}\n", 3, 3, VD_E_KEY_MISSING, "set"},
	{"viridian: 1\nswitches:\n- {name: a, type: private, min_mode: some}\n", 3, 38, VD_E_VALUE,
	 "switch/a/min_mode"},
	{"viridian: 1\nswitches:\n- {name: a, type: private, default_weight: 0}\n", 3, 44,
	 VD_E_VALUE, "switch/a/default_weight"},
#define MIRROR(text) HEAD P END "mirrors:\n- {name: m, " text "}\n"
	{MIRROR("switch: lan, sources: [p]"), 13, 3, VD_E_POLICY, "mirror/m"},
	{MIRROR("switch: lan, to_port: p"), 13, 3, VD_E_POLICY, "mirror/m/sources"},
	{MIRROR("switch: lan, to_port: p, sources: ['p,in']"), 13, 48, VD_E_VALUE,
	 "mirror/m/sources"},
	{MIRROR("switch: lan, to_port: p, sources: [p]"), 13, 35, VD_E_POLICY, "mirror/m/to_port"},
	{MIRROR("switch: lan, to_file: x, sources: [p]"), 13, 35, VD_E_POLICY, "mirror/m/to_file"},
	{MIRROR("switch: lan, to_file: /x, sources: [all, p]"), 13, 48, VD_E_POLICY,
	 "mirror/m/sources"},
	{MIRROR("switch: lan, to_file: /x, sources: [p, 'p,to-vm']"), 13, 48, VD_E_POLICY,
	 "mirror/m/sources"},
	{MIRROR("switch: lna, to_file: /x, sources: [p]"), 13, 21, VD_E_SWITCH_UNKNOWN,
	 "mirror/m/switch"},
	{MIRROR("switch: lan, to_file: /x, sources: [pp]"), 13, 48, VD_E_PORT_UNKNOWN,
	 "mirror/m/sources"},
	{MIRROR("switch: wan, to_file: /x, sources: [p]"), 13, 48, VD_E_POLICY, "mirror/m/sources"},
	{MIRROR("switch: lan, to_file: /x, sources: [p], snaplen: 9"), 13, 62, VD_E_POLICY,
	 "mirror/m/snaplen"},
	{MIRROR("switch: lan, to_file: /x, sources: [p]}\n- {name: n, switch: lan, to_file: /x, "
		"sources: [p]"),
	 14, 35, VD_E_POLICY, "mirror/n/to_file"},
};

static void refused(void)
{
	for (size_t i = 0; i < N(bad); i++) {
		struct vsw_model m;
		struct vd_err e;
		int r = load(bad[i].text, &m, &e);

		if (r == 0 || e.code != bad[i].code || e.line != bad[i].line ||
		    e.column != bad[i].column || strcmp(e.path, bad[i].path))
			printf("# case %zu: %u:%u %s: %s (%s)\n", i, e.line, e.column, e.path,
			       e.message, vd_code_text(e.code));
		CU_ASSERT_TRUE(r < 0);
		CU_ASSERT_EQUAL(e.errnum, r);
		CU_ASSERT_EQUAL(e.code, bad[i].code);
		CU_ASSERT_EQUAL(e.line, bad[i].line);
		CU_ASSERT_EQUAL(e.column, bad[i].column);
		CU_ASSERT_STRING_EQUAL(e.path, bad[i].path);
	}
}

static const struct tap_case cases[] = {
	{"guards, bandwidth, sets, mirror sessions", guards_and_bandwidth},
	{"access rules", rules},
	{"export | apply changes nothing", one_form},
	{"everything impossible is refused where it stands", refused},
};

TAP_MAIN("vswitch-model-policy-json", cases)
