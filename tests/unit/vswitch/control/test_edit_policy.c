/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of policies, sets, sessions and teams: what they leave behind, and what they refuse. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/plan.h"
#include "vswitch/model/acl.h"

typedef int (*edit)(struct vsw_model *, json_t *, struct vd_err *);

/* Edit @m by @f with the params in @json (' for "); returns the code of the error. */
static enum vd_code run(struct vsw_model *m, edit f, const char *json)
{
	char *text = strdup(json);
	json_error_t je;
	struct vd_err e = {0};
	json_t *params;
	int rc;

	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	params = json_loads(text, 0, &je);
	CU_ASSERT_PTR_NOT_NULL_FATAL(params);
	rc = f(m, params, &e);
	json_decref(params);
	free(text);
	CU_ASSERT_EQUAL(rc != 0, e.code != VD_E_OK);
	return e.code;
}

/* An edit as the engine carries it out: on a copy, identities inherited, completed, validated whole. */
static void numbers(void *ctx, void *buf, size_t n)
{
	unsigned char *next = ctx;

	memset(buf, ++*next, n);
}

static enum vd_code apply(struct vsw_model *m, edit f, const char *json)
{
	static unsigned char seed;
	struct vsw_model next;
	struct vd_err e = {0};
	enum vd_code code;

	CU_ASSERT_EQUAL_FATAL(vsw_model_copy(m, &next), 0);
	code = run(&next, f, json);
	if (code == VD_E_OK) {
		CU_ASSERT_EQUAL(vsw_plan_inherit(m, &next), 0);
		CU_ASSERT_EQUAL(vsw_model_complete(&next, numbers, &seed, &e), 0);
		vsw_model_validate(&next, NULL, NULL, &e);
		code = e.code;
	}
	if (code != VD_E_OK) {
		vsw_model_done(&next);
		return code;
	}
	vsw_model_done(m);
	*m = next;
	return VD_E_OK;
}

static void ok(struct vsw_model *m, edit f, const char *json)
{
	CU_ASSERT_EQUAL_FATAL(apply(m, f, json), VD_E_OK);
}

static void two_ports(struct vsw_model *m)
{
	memset(m, 0, sizeof(*m));
	ok(m, vsw_edit_switch_add, "{'name': 's', 'type': 'private'}");
	ok(m, vsw_edit_port_add, "{'name': 'a', 'switch': 's', 'device': 'tap:a', 'tag': ['web']}");
	ok(m, vsw_edit_port_add, "{'name': 'b', 'switch': 's', 'device': 'tap:b'}");
}

static const struct vsw_acl *rules_of(const struct vsw_model *m, const char *port)
{
	return vsw_policy_of(vsw_model_port(m, port))->acl;
}

static void rules(void)
{
	struct vsw_model m;

	two_ports(&m);
	ok(&m, vsw_edit_acl_add,
	   "{'port': 'a', 'direction': 'both', 'action': 'deny', 'name': 'x', 'remote': "
	   "'10.0.0.0/8'}");
	ok(&m, vsw_edit_acl_add,
	   "{'port': 'a', 'direction': 'to-vm', 'action': 'allow', 'protocol': 'tcp'}");
	CU_ASSERT_EQUAL_FATAL(rules_of(&m, "a")->n, 3);
	CU_ASSERT(rules_of(&m, "a")->rules[0].direction == VSW_FROM_VM);
	CU_ASSERT(rules_of(&m, "a")->rules[1].direction == VSW_TO_VM);
	CU_ASSERT(rules_of(&m, "a")->rules[2].weight == VSW_WEIGHT_DEFAULT);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_add,
			      "{'port': 'a', 'direction': 'to-vm', 'action': 'deny', 'protocol': "
			      "'tcp'}"),
			VD_E_RULE_CONFLICT);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_add,
			      "{'port': 'c', 'direction': 'to-vm', 'action': 'deny'}"),
			VD_E_PORT_UNKNOWN);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_remove, "{'port': 'a', 'rule': ['y']}"),
			VD_E_RULE_UNKNOWN);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_remove, "{'port': 'a', 'rule': ['x', '9']}"),
			VD_E_RULE_UNKNOWN);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_remove, "{'port': 'a'}"), VD_E_RPC_PARAMS);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_remove, "{'port': 'a', 'all': true, 'rule': ['x']}"),
			VD_E_RPC_PARAMS);
	ok(&m, vsw_edit_acl_remove, "{'port': 'a', 'rule': ['x']}");
	CU_ASSERT(rules_of(&m, "a")->n == 1 && rules_of(&m, "a")->rules[0].id == 3);
	ok(&m, vsw_edit_acl_remove, "{'port': 'a', 'rule': ['3']}");
	CU_ASSERT_PTR_NULL(rules_of(&m, "a"));
	ok(&m, vsw_edit_acl_remove, "{'port': 'b', 'all': true}"); /* nothing to remove */
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "b")->policy);
	vsw_model_done(&m);
}

static void replacing(void)
{
	static const char first[] =
		"{'port': 'a', 'document': '[{direction: to-vm, action: deny, remote: 10.0.0.1},"
		"{direction: to-vm, action: deny, remote: 10.0.0.2, name: two}]'}";
	struct vsw_model m;
	const struct vsw_acl *a;

	two_ports(&m);
	ok(&m, vsw_edit_acl_replace, first);
	a = rules_of(&m, "a");
	CU_ASSERT(a->n == 2 && a->rules[1].id == 2);
	/* the same again is the very same object: nothing will be compiled */
	ok(&m, vsw_edit_acl_replace, first);
	CU_ASSERT_PTR_EQUAL(rules_of(&m, "a"), a);
	ok(&m, vsw_edit_guard_set, "{'port': 'a', 'dhcp': true}");
	CU_ASSERT_PTR_EQUAL(rules_of(&m, "a"), a);
	/* what stays keeps its id, what is new gets one that was not used */
	ok(&m, vsw_edit_acl_replace,
	   "{'port': 'a', 'document': 'acl:\\n- {direction: from-vm, action: deny}\\n"
	   "- {direction: to-vm, action: deny, remote: 10.0.0.2, name: two}\\n'}");
	a = rules_of(&m, "a");
	CU_ASSERT(a->n == 2 && a->rules[0].id == 2 && a->rules[1].id == 3);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_replace, "{'port': 'a', 'document': 'x: 1'}"),
			VD_E_TYPE);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_replace, "{'port': 'a', 'document': ''}"),
			VD_E_TYPE);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_replace,
			      "{'port': 'a', 'document': '[{direction: to-vm, action: denny}]'}"),
			VD_E_VALUE);
	CU_ASSERT_PTR_EQUAL(rules_of(&m, "a"), a);
	vsw_model_done(&m);
}

static void guards(void)
{
	struct vsw_model m;
	const struct vsw_policy *p;

	two_ports(&m);
	ok(&m, vsw_edit_guard_set,
	   "{'port': 'b', 'dhcp': true, 'pinning': 'static', 'pin': ['10.0.0.5', 'fd00::5']}");
	ok(&m, vsw_edit_guard_set, "{'port': 'b', 'router': true, 'storm_unknown_pps': 9}");
	p = vsw_policy_of(vsw_model_port(&m, "b"));
	CU_ASSERT(p->guard.dhcp && p->guard.router && p->guard.storm_unknown_pps == 9);
	CU_ASSERT(p->guard.pinning == VSW_PIN_STATIC && p->n_pins == 2);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_guard_set, "{'port': 'b', 'pin': ['none']}"),
			VD_E_POLICY);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_guard_set, "{'port': 'b', 'pin': ['10.0.0.1/8']}"),
			VD_E_ADDRESS);
	/* back to nothing: no policy at all is left */
	ok(&m, vsw_edit_guard_set,
	   "{'port': 'b', 'dhcp': false, 'router': false, 'storm_unknown_pps': 0, "
	   "'pinning': 'off', 'pin': ['none']}");
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "b")->policy);
	vsw_model_done(&m);
}

static void bandwidth(void)
{
	struct vsw_model m;

	two_ports(&m);
	ok(&m, vsw_edit_qos_set, "{'port': 'a', 'max_from_vm': '10M', 'weight': 5}");
	CU_ASSERT_EQUAL(vsw_policy_of(vsw_model_port(&m, "a"))->qos.from_vm.bps, 10000000);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_qos_set, "{'port': 'a', 'weight': 0, 'min': '1M'}"),
			VD_E_POLICY);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_switch_set, "{'name': 's', 'min_mode': 'absolute'}"),
			VD_E_POLICY);
	ok(&m, vsw_edit_qos_set, "{'port': 'a', 'weight': 0}");
	ok(&m, vsw_edit_switch_set, "{'name': 's', 'min_mode': 'absolute', 'default_min': '2M'}");
	ok(&m, vsw_edit_qos_set, "{'port': 'a', 'min': '1M'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_qos_set, "{'port': 'a', 'min': '11M'}"), VD_E_POLICY);
	/* a frame of the MTU must fit into a burst */
	ok(&m, vsw_edit_qos_set, "{'port': 'a', 'burst_from_vm': '3000'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_switch_set, "{'name': 's', 'mtu': 9000}"), VD_E_POLICY);
	vsw_model_done(&m);
}

static void sets(void)
{
	struct vsw_model m;

	two_ports(&m);
	ok(&m, vsw_edit_set_add, "{'name': 'lab', 'member': ['10.0.0.0/8']}");
	ok(&m, vsw_edit_set_add, "{'name': 'lab', 'member': ['10.0.0.0/8', '02-00-00-00-00-01']}");
	CU_ASSERT_EQUAL(vsw_model_set(&m, "lab")->n_members, 2);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_set_add, "{'name': 'lab', 'member': ['lab']}"),
			VD_E_ADDRESS);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_acl_add,
			      "{'port': 'a', 'direction': 'to-vm', 'action': 'deny', 'remote': "
			      "'set:lba'}"),
			VD_E_SET_UNKNOWN);
	ok(&m, vsw_edit_acl_add,
	   "{'port': 'a', 'direction': 'to-vm', 'action': 'deny', 'remote': 'set:lab'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_set_remove, "{'name': 'lab'}"), VD_E_SET_IN_USE);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_set_remove, "{'name': 'lab', 'member': ['10.0.0.1']}"),
			VD_E_SET_UNKNOWN);
	ok(&m, vsw_edit_set_remove, "{'name': 'lab', 'member': ['10.0.0.0/8']}");
	CU_ASSERT_EQUAL(vsw_model_set(&m, "lab")->n_members, 1);
	ok(&m, vsw_edit_acl_remove, "{'port': 'a', 'all': true}");
	ok(&m, vsw_edit_set_remove, "{'name': 'lab'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_set_remove, "{'name': 'lab'}"), VD_E_SET_UNKNOWN);
	vsw_model_done(&m);
}

static void sessions(void)
{
	struct vsw_model m;

	two_ports(&m);
	ok(&m, vsw_edit_mirror_add,
	   "{'name': 'm', 'switch': 's', 'source': ['a,from-vm'], 'to_port': 'b'}");
	ok(&m, vsw_edit_mirror_add,
	   "{'name': 'n', 'switch': 's', 'source': ['all'], 'to_file': '/tmp/x'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_mirror_add,
			      "{'name': 'm', 'switch': 's', 'source': ['a'], 'to_port': 'b'}"),
			VD_E_EXISTS);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_mirror_remove, "{'name': 'x'}"), VD_E_MIRROR_UNKNOWN);
	/* names are followed */
	ok(&m, vsw_edit_port_set, "{'name': 'a', 'rename': 'aa'}");
	ok(&m, vsw_edit_port_set, "{'name': 'b', 'rename': 'bb'}");
	ok(&m, vsw_edit_switch_set, "{'name': 's', 'rename': 'ss'}");
	CU_ASSERT_STRING_EQUAL(vsw_model_mirror(&m, "m")->sources[0].port, "aa");
	CU_ASSERT_STRING_EQUAL(vsw_model_mirror(&m, "m")->to_port, "bb");
	CU_ASSERT_STRING_EQUAL(vsw_model_mirror(&m, "n")->sw, "ss");
	/* a session whose last source or whose destination goes ends */
	ok(&m, vsw_edit_port_remove, "{'name': 'aa'}");
	CU_ASSERT_PTR_NULL(vsw_model_mirror(&m, "m"));
	ok(&m, vsw_edit_switch_remove, "{'name': 'ss', 'force': true}");
	CU_ASSERT_EQUAL(m.n_mirrors, 0);
	vsw_model_done(&m);
}

static const char *device_of(const struct vsw_model *m, const char *port)
{
	const struct vsw_port_cfg *p = vsw_model_port(m, port);

	return p ? p->device.target : "none";
}

static void teams(void)
{
	struct vsw_model m = {0};
	char uuid[VSW_UUID_SIZE];

	ok(&m, vsw_edit_switch_add,
	   "{'name': 'e', 'type': 'external', 'uplink': ['netdev:a', 'netdev:b'], 'team_mode': "
	   "'dynamic'}");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink"), "a");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink2"), "b");
	CU_ASSERT_EQUAL(m.switches[0].team_mode, VSW_TEAM_DYNAMIC);
	ok(&m, vsw_edit_port_add, "{'name': 'v', 'switch': 'e', 'device': 'tap:v'}");
	ok(&m, vsw_edit_port_set, "{'name': 'v', 'affinity': 'e:uplink2'}");
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_port_set, "{'name': 'v', 'affinity': 'v'}"),
			VD_E_POLICY);
	memcpy(uuid, vsw_model_port(&m, "e:uplink2")->uuid, sizeof(uuid));
	/* b stays what it is, a goes, c takes its place */
	ok(&m, vsw_edit_switch_set, "{'name': 'e', 'uplink': ['netdev:b', 'netdev:c']}");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink"), "c");
	CU_ASSERT_STRING_EQUAL(vsw_model_port(&m, "e:uplink2")->uuid, uuid);
	ok(&m, vsw_edit_switch_set,
	   "{'name': 'e', 'uplink': ['netdev:b', 'netdev:c', 'netdev:d']}");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink3"), "d");
	/* the preferred uplink goes, and with it the preference */
	ok(&m, vsw_edit_switch_set, "{'name': 'e', 'uplink': ['netdev:c']}");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink2"), "none");
	CU_ASSERT_STRING_EQUAL(device_of(&m, "e:uplink3"), "none");
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "v")->policy);
	CU_ASSERT_EQUAL(apply(&m, vsw_edit_switch_set,
			      "{'name': 'e', 'uplink': ['netdev:1', 'netdev:2', 'netdev:3', "
			      "'netdev:4', 'netdev:5', 'netdev:6', 'netdev:7', 'netdev:8', "
			      "'netdev:9']}"),
			VD_E_LIMIT);
	CU_ASSERT_EQUAL(
		apply(&m, vsw_edit_switch_set, "{'name': 'e', 'uplink': ['netdev:1', 'netdev:1']}"),
		VD_E_DEVICE_DUPLICATE);
	/* a port that moves cannot keep an uplink of the switch it leaves */
	ok(&m, vsw_edit_port_set, "{'name': 'v', 'affinity': 'e:uplink', 'tag': ['x']}");
	ok(&m, vsw_edit_switch_add, "{'name': 'p', 'type': 'private'}");
	ok(&m, vsw_edit_port_move, "{'name': 'v', 'switch': 'p'}");
	CU_ASSERT_STRING_EQUAL(vsw_policy_of(vsw_model_port(&m, "v"))->affinity, "");
	CU_ASSERT_EQUAL(vsw_policy_of(vsw_model_port(&m, "v"))->n_tags, 1);
	ok(&m, vsw_edit_port_set, "{'name': 'v', 'tag': ['none']}");
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "v")->policy);
	vsw_model_done(&m);
}

static void names_and_times(void)
{
	struct vsw_model m;

	two_ports(&m);
	ok(&m, vsw_edit_acl_add, "{'port': 'a', 'direction': 'to-vm', 'action': 'deny'}");
	CU_ASSERT_EQUAL(vsw_model_sign(&m, "anna", 1000), 0);
	ok(&m, vsw_edit_acl_add,
	   "{'port': 'a', 'direction': 'from-vm', 'action': 'deny', 'weight': 9}");
	CU_ASSERT_EQUAL(vsw_model_sign(&m, "bert", 2000), 0);
	CU_ASSERT_STRING_EQUAL(rules_of(&m, "a")->rules[0].set.by, "anna");
	CU_ASSERT_STRING_EQUAL(rules_of(&m, "a")->rules[1].set.by, "bert");
	/* whoever replaces the list did not set what stays */
	ok(&m, vsw_edit_acl_replace,
	   "{'port': 'a', 'document': '[{direction: to-vm, action: deny},"
	   "{direction: to-vm, action: deny, weight: 1}]'}");
	CU_ASSERT_EQUAL(vsw_model_sign(&m, "carl", 3000), 0);
	CU_ASSERT_EQUAL(rules_of(&m, "a")->rules[0].set.at, 1000);
	CU_ASSERT_STRING_EQUAL(rules_of(&m, "a")->rules[1].set.by, "carl");
	vsw_model_done(&m);
}

static const struct tap_case cases[] = {
	{"access rules come and go", rules},
	{"replacing keeps what stays", replacing},
	{"guards", guards},
	{"bandwidth against the switch", bandwidth},
	{"address sets", sets},
	{"mirror sessions follow names and end with their ports", sessions},
	{"teams of uplinks", teams},
	{"rules remember who set them", names_and_times},
};

TAP_MAIN("vswitch-control-edit-policy", cases)
