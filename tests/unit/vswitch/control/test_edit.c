/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"

typedef int (*edit)(struct vsw_model *, json_t *, struct vd_err *);

/* Edit @m by @f with the params in @json; returns the code of the error, VD_E_OK for none. */
static enum vd_code run(struct vsw_model *m, edit f, const char *json)
{
	json_error_t je;
	json_t *params = json_loads(json, 0, &je);
	struct vd_err e = {0};
	int rc;

	CU_ASSERT_PTR_NOT_NULL_FATAL(params);
	rc = f(m, params, &e);
	json_decref(params);
	CU_ASSERT_EQUAL(rc != 0, e.code != VD_E_OK);
	CU_ASSERT_TRUE(rc == 0 || e.message[0]);
	return e.code;
}

static void ok(struct vsw_model *m, edit f, const char *json)
{
	CU_ASSERT_EQUAL_FATAL(run(m, f, json), VD_E_OK);
}

/* Every state an edit leaves behind must be one that validates. */
static void valid(const struct vsw_model *m)
{
	struct vd_err e = {0};

	CU_ASSERT_EQUAL(vsw_model_validate(m, NULL, NULL, &e), 0);
}

static void the_three_types(void)
{
	struct vsw_model m = {0};
	const struct vsw_port_cfg *p;

	ok(&m, vsw_edit_switch_add, "{\"name\": \"p\", \"type\": \"private\"}");
	CU_ASSERT_EQUAL(m.n_ports, 0);
	ok(&m, vsw_edit_switch_add, "{\"name\": \"i\", \"type\": \"internal\"}");
	p = vsw_model_port(&m, "i:host");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->role, VSW_ROLE_HOST);
	CU_ASSERT_STRING_EQUAL(p->device.target, "i");
	ok(&m, vsw_edit_switch_add,
	   "{\"name\": \"e\", \"type\": \"external\", \"uplink\": [\"netdev:eth0\"]}");
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "e:host"));
	p = vsw_model_port(&m, "e:uplink");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_EQUAL(p->role, VSW_ROLE_UPLINK);
	CU_ASSERT_EQUAL(p->vlan.mode, VSW_VLAN_TRUNK);
	ok(&m, vsw_edit_switch_add,
	   "{\"name\": \"e2\", \"type\": \"external\", \"uplink\": [\"netdev:eth1\"], "
	   "\"host_vnic\": \"h\"}");
	CU_ASSERT_PTR_NOT_NULL(vsw_model_port(&m, "e2:host"));
	valid(&m);
	vsw_model_done(&m);
}

static void switch_add_refuses(void)
{
	static const struct {
		const char *params;
		enum vd_code code;
	} t[] = {
		{"{\"name\": \"lan\", \"type\": \"private\"}", VD_E_EXISTS},
		{"{\"name\": \"x\", \"type\": \"external\"}", VD_E_SWITCH_TYPE},
		{"{\"name\": \"x\", \"type\": \"private\", \"host_vnic\": \"h\"}",
		 VD_E_SWITCH_TYPE},
		{"{\"name\": \"x\", \"type\": \"internal\", \"uplink\": [\"netdev:e\"]}",
		 VD_E_SWITCH_TYPE},
		{"{\"name\": \"x\", \"type\": \"external\", \"uplink\": [\"netdev:e\", "
		 "\"netdev:e\"]}",
		 VD_E_DEVICE_DUPLICATE},
		{"{\"name\": \"a-name-too-long-for-linux\", \"type\": \"internal\"}", VD_E_NAME},
		{"{\"name\": \"x\", \"type\": \"internal\", \"host_vnic\": \"a/b\"}", VD_E_DEVICE},
		{"{\"name\": \"x\", \"type\": \"internal\", \"host_vnic\": \"this-is-too-long\"}",
		 VD_E_DEVICE},
		{"{\"name\": \"x\", \"type\": \"internal\", \"host_vnic\": \"h\", "
		 "\"no_host_vnic\": true}",
		 VD_E_RPC_PARAMS},
		{"{\"name\": \"-x\", \"type\": \"private\"}", VD_E_NAME},
		{"{\"name\": \"x\", \"type\": \"private\", \"mtu\": 100}", VD_E_MTU},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_model m = {0};

		ok(&m, vsw_edit_switch_add, "{\"name\": \"lan\", \"type\": \"private\"}");
		CU_ASSERT_EQUAL(run(&m, vsw_edit_switch_add, t[i].params), t[i].code);
		vsw_model_done(&m);
	}
}

/* Every pair of types, with the host adapter and uplink each conversion leaves. */
static void conversions(void)
{
	static const char *const types[] = {"private", "internal", "external"};
	static const struct {
		int from, to;
		const char *more;
		bool host, uplink;
	} t[] = {
		{0, 1, "", true, false},
		{0, 2, ", \"uplink\": [\"netdev:e1\"]", false, true},
		{1, 0, "", false, false},
		{1, 2, ", \"uplink\": [\"netdev:e1\"]", true, true},
		{2, 0, "", false, false},
		{2, 1, "", true, false},
		{1, 2, ", \"uplink\": [\"netdev:e1\"], \"no_host_vnic\": true", false, true},
		{0, 1, ", \"no_host_vnic\": true", false, false},
		{2, 2, ", \"host_vnic\": \"hh\"", true, true},
		{1, 1, ", \"no_host_vnic\": true", false, false},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_model m = {0};
		char json[256];

		snprintf(json, sizeof(json), "{\"name\": \"s\", \"type\": \"%s\"%s}",
			 types[t[i].from], t[i].from == 2 ? ", \"uplink\": [\"netdev:e0\"]" : "");
		ok(&m, vsw_edit_switch_add, json);
		ok(&m, vsw_edit_port_add,
		   "{\"name\": \"vm\", \"switch\": \"s\", \"device\": \"tap:vm\"}");
		snprintf(json, sizeof(json), "{\"name\": \"s\", \"type\": \"%s\"%s}",
			 types[t[i].to], t[i].more);
		ok(&m, vsw_edit_switch_set, json);
		CU_ASSERT_EQUAL(vsw_model_port(&m, "s:host") != NULL, t[i].host);
		CU_ASSERT_EQUAL(vsw_model_port(&m, "s:uplink") != NULL, t[i].uplink);
		CU_ASSERT_PTR_NOT_NULL(vsw_model_port(&m, "vm"));
		valid(&m);
		vsw_model_done(&m);
	}
}

static void an_uplink_converts(void)
{
	struct vsw_model m = {0};

	ok(&m, vsw_edit_switch_add, "{\"name\": \"s\", \"type\": \"private\"}");
	ok(&m, vsw_edit_switch_set, "{\"name\": \"s\", \"uplink\": [\"netdev:e0\"]}");
	CU_ASSERT_EQUAL(m.switches[0].type, VSW_EXTERNAL);
	ok(&m, vsw_edit_switch_set, "{\"name\": \"s\", \"uplink\": [\"netdev:e1\"]}");
	CU_ASSERT_EQUAL(m.n_ports, 1);
	CU_ASSERT_STRING_EQUAL(m.ports[0].device.target, "e1");
	CU_ASSERT_EQUAL(
		run(&m, vsw_edit_switch_set,
		    "{\"name\": \"s\", \"type\": \"private\", \"uplink\": [\"netdev:e1\"]}"),
		VD_E_SWITCH_TYPE);
	vsw_model_done(&m);
}

static void renaming(void)
{
	struct vsw_model m = {0};

	ok(&m, vsw_edit_switch_add, "{\"name\": \"s\", \"type\": \"internal\"}");
	ok(&m, vsw_edit_switch_add, "{\"name\": \"t\", \"type\": \"private\"}");
	ok(&m, vsw_edit_port_add, "{\"name\": \"vm\", \"switch\": \"s\", \"device\": \"tap:vm\"}");
	ok(&m, vsw_edit_fdb_add,
	   "{\"switch\": \"s\", \"mac\": \"52:54:00:00:00:01\", \"port\": \"s:host\"}");
	ok(&m, vsw_edit_fdb_add,
	   "{\"switch\": \"s\", \"mac\": \"52:54:00:00:00:02\", \"port\": \"vm\", \"vlan\": 7}");
	CU_ASSERT_EQUAL(run(&m, vsw_edit_switch_set, "{\"name\": \"s\", \"rename\": \"t\"}"),
			VD_E_EXISTS);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_switch_set, "{\"name\": \"s\", \"rename\": \"a:b\"}"),
			VD_E_NAME);
	ok(&m, vsw_edit_switch_set, "{\"name\": \"s\", \"rename\": \"u\"}");
	CU_ASSERT_PTR_NOT_NULL(vsw_model_port(&m, "u:host"));
	CU_ASSERT_STRING_EQUAL(vsw_model_port(&m, "vm")->sw, "u");
	valid(&m);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_port_set, "{\"name\": \"vm\", \"rename\": \"u:host\"}"),
			VD_E_EXISTS);
	ok(&m, vsw_edit_port_set,
	   "{\"name\": \"vm\", \"rename\": \"web\", \"vlan\": \"access:7\"}");
	CU_ASSERT_STRING_EQUAL(m.switches[0].statics[1].port, "web");
	CU_ASSERT_EQUAL(vsw_model_port(&m, "web")->vlan.vid, 7);
	valid(&m);
	vsw_model_done(&m);
}

static void moving_and_removing(void)
{
	struct vsw_model m = {0};

	ok(&m, vsw_edit_switch_add, "{\"name\": \"s\", \"type\": \"internal\"}");
	ok(&m, vsw_edit_switch_add, "{\"name\": \"t\", \"type\": \"private\"}");
	ok(&m, vsw_edit_port_add, "{\"name\": \"vm\", \"switch\": \"s\", \"device\": \"tap:vm\"}");
	ok(&m, vsw_edit_fdb_add,
	   "{\"switch\": \"s\", \"mac\": \"52:54:00:00:00:02\", \"port\": \"vm\"}");
	CU_ASSERT_EQUAL(run(&m, vsw_edit_port_move, "{\"name\": \"vm\", \"switch\": \"tt\"}"),
			VD_E_SWITCH_UNKNOWN);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_port_move, "{\"name\": \"vn\", \"switch\": \"t\"}"),
			VD_E_PORT_UNKNOWN);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_port_move, "{\"name\": \"s:host\", \"switch\": \"t\"}"),
			VD_E_SWITCH_TYPE);
	ok(&m, vsw_edit_port_move, "{\"name\": \"vm\", \"switch\": \"t\"}");
	CU_ASSERT_EQUAL(m.switches[0].n_statics, 0);
	valid(&m);
	ok(&m, vsw_edit_port_link, "{\"name\": \"vm\", \"state\": \"down\"}");
	CU_ASSERT_FALSE(vsw_model_port(&m, "vm")->link_up);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_switch_remove, "{\"name\": \"t\"}"), VD_E_SWITCH_IN_USE);
	ok(&m, vsw_edit_switch_remove, "{\"name\": \"t\", \"force\": true}");
	ok(&m, vsw_edit_switch_remove, "{\"name\": \"s\"}");
	CU_ASSERT_EQUAL(m.n_switches, 0);
	CU_ASSERT_EQUAL(m.n_ports, 0);
	vsw_model_done(&m);
}

static void static_entries(void)
{
	struct vsw_model m = {0};

	ok(&m, vsw_edit_switch_add, "{\"name\": \"s\", \"type\": \"private\"}");
	ok(&m, vsw_edit_port_add, "{\"name\": \"a\", \"switch\": \"s\", \"device\": \"tap:a\"}");
	ok(&m, vsw_edit_port_add, "{\"name\": \"b\", \"switch\": \"s\", \"device\": \"tap:b\"}");
	ok(&m, vsw_edit_fdb_add,
	   "{\"switch\": \"s\", \"mac\": \"52-54-00-00-00-01\", \"port\": \"a\"}");
	ok(&m, vsw_edit_fdb_add,
	   "{\"switch\": \"s\", \"mac\": \"52:54:00:00:00:01\", \"port\": \"b\"}");
	CU_ASSERT_EQUAL(m.switches[0].n_statics, 1); /* the same address: it has moved */
	CU_ASSERT_STRING_EQUAL(m.switches[0].statics[0].port, "b");
	CU_ASSERT_EQUAL(run(&m, vsw_edit_fdb_add,
			    "{\"switch\": \"s\", \"mac\": \"nonsense\", \"port\": \"b\"}"),
			VD_E_MAC);
	CU_ASSERT_EQUAL(run(&m, vsw_edit_fdb_remove,
			    "{\"switch\": \"s\", \"mac\": \"52:54:00:00:00:01\", \"vlan\": 3}"),
			VD_E_ENTRY_UNKNOWN);
	ok(&m, vsw_edit_port_remove, "{\"name\": \"b\"}");
	CU_ASSERT_EQUAL(m.switches[0].n_statics, 0);
	valid(&m);
	vsw_model_done(&m);
}

static const struct tap_case cases[] = {
	{"the three types and their own ports", the_three_types},
	{"switch add refuses what contradicts itself", switch_add_refuses},
	{"every conversion leaves the right own ports", conversions},
	{"giving an uplink converts to external", an_uplink_converts},
	{"renaming takes ports and entries along", renaming},
	{"moving and removing", moving_and_removing},
	{"static entries", static_entries},
};

TAP_MAIN("vswitch-control-edit", cases)
