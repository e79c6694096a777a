/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of the noun nat, as edits of a model, and the rules between networks, switches and ports. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/plan.h"

static struct vsw_model m;
static struct vd_err e;

typedef int (*edit_fn)(struct vsw_model *, json_t *, struct vd_err *);

/* Edit, complete as the engine does, validate. */
static int edit(edit_fn fn, const char *json)
{
	json_t *j = json_loads(json, 0, NULL);
	int r;

	memset(&e, 0, sizeof(e));
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	r = fn(&m, j, &e);
	json_decref(j);
	if (!r)
		r = vsw_model_nat_ports(&m, &e);
	return r ? r : vsw_model_validate(&m, NULL, NULL, &e);
}

static void clear(void)
{
	vsw_model_done(&m);
	memset(&m, 0, sizeof(m));
}

static void add_makes_a_switch(void)
{
	clear();
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_add, "{\"name\": \"lab\", \"prefix\": \"192.168.100.0/24\"}"), 0);
	CU_ASSERT_EQUAL(m.n_switches, 1);
	CU_ASSERT_EQUAL_FATAL(m.n_ports, 2);
	CU_ASSERT_STRING_EQUAL(m.ports[0].name, "lab:host");
	CU_ASSERT_STRING_EQUAL(m.ports[1].name, "lab:services");
	CU_ASSERT_TRUE(vsw_is_nat_server(&m.ports[1]));
	CU_ASSERT_PTR_EQUAL(vsw_model_nat_gateway(&m, &m.nats[0]), &m.ports[0]);
	CU_ASSERT_TRUE(m.nats[0].owns_switch);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add, "{\"name\": \"lab\", \"prefix\": \"10.0.0.0/24\"}"),
			-EEXIST);
	/* without a server there is no port for it */
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_set, "{\"name\": \"lab\", \"dhcp\": false, \"dns\": false}"), 0);
	CU_ASSERT_EQUAL(m.n_ports, 1);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_set, "{\"name\": \"lab\", \"dns\": true}"), 0);
	CU_ASSERT_EQUAL(m.n_ports, 2);
	/* the switch's new name is the network's, too */
	CU_ASSERT_EQUAL(edit(vsw_edit_switch_set, "{\"name\": \"lab\", \"rename\": \"den\"}"), 0);
	CU_ASSERT_STRING_EQUAL(m.nats[0].sw, "den");
	CU_ASSERT_EQUAL(m.n_ports, 2);
	CU_ASSERT_EQUAL(edit(vsw_edit_switch_remove, "{\"name\": \"den\"}"), -EBUSY);
	CU_ASSERT_EQUAL(e.code, VD_E_SWITCH_IN_USE);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_remove, "{\"name\": \"lab\"}"), 0);
	CU_ASSERT_TRUE(m.n_nats == 0 && m.n_switches == 0 && m.n_ports == 0);
}

static void a_switch_is_taken(void)
{
	clear();
	CU_ASSERT_EQUAL(edit(vsw_edit_switch_add,
			     "{\"name\": \"lan\", \"type\": \"internal\", \"no_host_vnic\": true}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add,
			     "{\"name\": \"a\", \"prefix\": \"10.0.0.0/24\", \"switch\": \"lan\"}"),
			-EINVAL);
	CU_ASSERT_STRING_EQUAL(e.path, "nat/a/switch");
	CU_ASSERT_PTR_NOT_NULL(strstr(e.hint, "--host-vnic"));
	clear();
	CU_ASSERT_EQUAL(edit(vsw_edit_switch_add, "{\"name\": \"lan\", \"type\": \"internal\"}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add,
			     "{\"name\": \"a\", \"prefix\": \"10.0.0.0/24\", \"switch\": \"lan\"}"),
			0);
	CU_ASSERT_FALSE(m.nats[0].owns_switch);
	/* an adapter of the host, found beside the server's port */
	CU_ASSERT_EQUAL(edit(vsw_edit_switch_set, "{\"name\": \"lan\", \"host_vnic\": \"gw9\"}"),
			0);
	CU_ASSERT_STRING_EQUAL(vsw_model_nat_gateway(&m, &m.nats[0])->device.target, "gw9");
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_remove, "{\"name\": \"a\"}"), 0);
	CU_ASSERT_TRUE(m.n_switches == 1 && m.n_ports == 1);
}

static void parts(void)
{
	clear();
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add, "{\"name\": \"a\", \"prefix\": \"10.0.0.0/24\"}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_map_add,
			     "{\"name\": \"a\", \"protocol\": \"tcp\", \"outside\": \"80\", "
			     "\"inside\": \"10.0.0.5\"}"),
			0);
	CU_ASSERT_EQUAL(m.nats[0].n_maps, 1);
	/* the same endpoint, written in another way */
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_map_remove,
			     "{\"name\": \"a\", \"protocol\": \"udp\", \"outside\": \"80\"}"),
			-ENOENT);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_map_remove,
		     "{\"name\": \"a\", \"protocol\": \"tcp\", \"outside\": \"0.0.0.0:80\"}"),
		0);
	CU_ASSERT_EQUAL(m.nats[0].n_maps, 0);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_address_add, "{\"name\": \"a\", \"address\": \"1.2.3.4\"}"), 0);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_pair_add,
		     "{\"name\": \"a\", \"outside\": \"1.2.3.4\", \"inside\": \"10.0.0.6\"}"),
		-EEXIST);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_address_remove, "{\"name\": \"a\", \"address\": \"1.2.3.4\"}"),
		0);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_pair_add,
		     "{\"name\": \"a\", \"outside\": \"1.2.3.4\", \"inside\": \"10.0.0.6\"}"),
		0);
	CU_ASSERT_EQUAL(
		edit(vsw_edit_nat_pair_remove, "{\"name\": \"a\", \"outside\": \"1.2.3.4\"}"), 0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_reservation_add,
			     "{\"name\": \"a\", \"mac\": \"02:00:00:00:00:01\", \"host\": \"db\"}"),
			0);
	CU_ASSERT_STRING_EQUAL(m.nats[0].reservations[0].name, "db");
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_reservation_remove,
			     "{\"name\": \"a\", \"mac\": \"020000000001\"}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_set, "{\"name\": \"b\", \"dns\": true}"), -ENOENT);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean a?");
	clear();
}

static void networks_side_by_side(void)
{
	clear();
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add, "{\"name\": \"a\", \"prefix\": \"10.0.0.0/24\"}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add, "{\"name\": \"b\", \"prefix\": \"10.0.0.0/24\"}"),
			0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_set, "{\"name\": \"b\", \"switch\": \"a\"}"), -EEXIST);
	CU_ASSERT_STRING_EQUAL(e.path, "nat/b/switch");
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_set, "{\"name\": \"b\", \"switch\": \"b\"}"), 0);
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_set, "{\"name\": \"b\", \"rename\": \"a\"}"), -EEXIST);
	clear();
}

static void identity_is_inherited(void)
{
	struct vsw_model next = {0};

	clear();
	CU_ASSERT_EQUAL(edit(vsw_edit_nat_add, "{\"name\": \"a\", \"prefix\": \"10.0.0.0/24\"}"),
			0);
	CU_ASSERT_EQUAL_FATAL(vsw_model_copy(&m, &next), 0);
	strcpy(m.nats[0].uuid, "01234567-89ab-4def-8123-456789abcdef");
	CU_ASSERT_EQUAL(vsw_plan_inherit(&m, &next), 0);
	CU_ASSERT_STRING_EQUAL(next.nats[0].uuid, m.nats[0].uuid);
	vsw_model_done(&next);
	clear();
}

static const struct tap_case cases[] = {
	{"add makes a switch, remove takes it along", add_makes_a_switch},
	{"a switch that is there is taken", a_switch_is_taken},
	{"maps, pairs, addresses, reservations", parts},
	{"networks side by side", networks_side_by_side},
	{"a document's network is the one of the same name", identity_is_inherited},
};

TAP_MAIN("edit-nat", cases)
