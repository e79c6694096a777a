/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/plan.h"

static void read_model(const char *text, struct vsw_model *ret)
{
	struct vd_err e = {0};
	struct vd_doc *doc = NULL;

	CU_ASSERT_EQUAL_FATAL(vd_doc_parse(text, strlen(text), "test", &doc, &e), 0);
	CU_ASSERT_EQUAL_FATAL(vsw_model_from_json(vd_doc_root(doc), doc, ret, &e), 0);
	vd_doc_free(doc);
}

/* UUIDs whose last digit is the object's: easy to tell apart below. */
#define U(n) "00000000-0000-4000-8000-00000000000" #n

static const char base_doc[] =
	"viridian: 1\n"
	"switches:\n"
	"- {name: lan, type: private, uuid: " U(
		1) "}\n"
		   "- {name: dmz, type: private, mtu: 9000, uuid: " U(
			   2) "}\n"
			      "ports:\n"
			      "- {name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0a', "
			      "uuid: " U(3) "}\n"
					    "- {name: b, switch: lan, device: 'tap:b', mac: "
					    "'52:54:00:00:00:0b', uuid: " U(4) "}\n";

static void nothing_changes(void)
{
	struct vsw_model old = {0}, next = {0};
	struct vsw_plan p;

	read_model(base_doc, &old);
	read_model(base_doc, &next);
	CU_ASSERT_EQUAL(vsw_plan_make(&old, &next, &p), 0);
	for (unsigned int i = 0; i < 2; i++) {
		CU_ASSERT_EQUAL(p.ports[i].action, VSW_PLAN_KEEP);
		CU_ASSERT_EQUAL(p.ports[i].changes, 0);
		CU_ASSERT_EQUAL(p.ports[i].old, (int)i);
		CU_ASSERT_EQUAL(p.switches[i], (int)i);
		CU_ASSERT_FALSE(p.fdb_new[i]);
		CU_ASSERT_FALSE(p.goes[i]);
	}
	vsw_plan_done(&p);
	vsw_model_done(&old);
	vsw_model_done(&next);
}

static void each_live_change(void)
{
	static const struct {
		const char *port;
		unsigned int changes;
	} t[] = {
		{"{name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0a', link: down, "
		 "uuid: " U(3) "}",
		 VSW_PLAN_LINK},
		{"{name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0c', uuid: " U(
			 3) "}",
		 VSW_PLAN_MAC},
		{"{name: a, switch: dmz, device: 'tap:a', mac: '52:54:00:00:00:0a', uuid: " U(
			 3) "}",
		 VSW_PLAN_MOVED | VSW_PLAN_MTU},
		{"{name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0a', learn: 1, "
		 "uuid: " U(3) "}",
		 VSW_PLAN_ANY_MAC},
		{"{name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0a', "
		 "guard: {mac_spoofing: true}, uuid: " U(3) "}",
		 VSW_PLAN_ANY_MAC},
		{"{name: z, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0a', vlan: "
		 "'access:7', uuid: " U(3) "}",
		 0},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_model old = {0}, next = {0};
		struct vsw_plan p;
		char text[1024];

		snprintf(text, sizeof(text),
			 "viridian: 1\nswitches:\n- {name: lan, type: private, uuid: " U(
				 1) "}\n"
				    "- {name: dmz, type: private, mtu: 9000, uuid: " U(
					    2) "}\nports:\n- %s\n",
			 t[i].port);
		read_model(base_doc, &old);
		read_model(text, &next);
		CU_ASSERT_EQUAL(vsw_plan_make(&old, &next, &p), 0);
		CU_ASSERT_EQUAL(p.ports[0].action, VSW_PLAN_KEEP);
		CU_ASSERT_EQUAL(p.ports[0].changes, t[i].changes);
		CU_ASSERT_FALSE(p.goes[0]);
		CU_ASSERT_TRUE(p.goes[1]); /* b is absent */
		CU_ASSERT_FALSE(p.in_the_way[1]);
		vsw_plan_done(&p);
		vsw_model_done(&old);
		vsw_model_done(&next);
	}
}

static void renamed_switch_moves_nobody(void)
{
	static const char text[] =
		"viridian: 1\nswitches:\n- {name: new, type: private, fdb_limit: 5, uuid: " U(
			1) "}\n"
			   "ports:\n- {name: a, switch: new, device: 'tap:a', mac: "
			   "'52:54:00:00:00:0a', uuid: " U(3) "}\n";
	struct vsw_model old = {0}, next = {0};
	struct vsw_plan p;

	read_model(base_doc, &old);
	read_model(text, &next);
	CU_ASSERT_EQUAL(vsw_plan_make(&old, &next, &p), 0);
	CU_ASSERT_EQUAL(p.switches[0], 0);
	CU_ASSERT_TRUE(p.fdb_new[0]); /* the limit is fixed at creation */
	CU_ASSERT_EQUAL(p.ports[0].changes, 0);
	vsw_plan_done(&p);
	vsw_model_done(&old);
	vsw_model_done(&next);
}

/* a and b exchange their devices; c is new on a device of its own. */
static void devices_in_the_way(void)
{
	static const char text[] = "viridian: 1\nswitches:\n- {name: lan, type: private, uuid: " U(
		1) "}\nports:\n"
		   "- {name: a, switch: lan, device: 'tap:b', mac: '52:54:00:00:00:0a', uuid: " U(
			   3) "}\n"
			      "- {name: b, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:0b', "
			      "uuid: " U(4) "}\n"
					    "- {name: c, switch: lan, device: 'tap:c', uuid: " U(
						    5) "}\n";
	struct vsw_model old = {0}, next = {0};
	struct vsw_plan p;

	read_model(base_doc, &old);
	read_model(text, &next);
	CU_ASSERT_EQUAL(vsw_plan_make(&old, &next, &p), 0);
	CU_ASSERT_EQUAL(p.ports[0].action, VSW_PLAN_REOPEN);
	CU_ASSERT_EQUAL(p.ports[1].action, VSW_PLAN_REOPEN);
	CU_ASSERT_EQUAL(p.ports[2].action, VSW_PLAN_OPEN);
	CU_ASSERT_TRUE(p.ports[0].needs_close && p.ports[1].needs_close);
	CU_ASSERT_FALSE(p.ports[2].needs_close);
	CU_ASSERT_TRUE(p.goes[0] && p.goes[1] && p.in_the_way[0] && p.in_the_way[1]);
	vsw_plan_done(&p);
	vsw_model_done(&old);
	vsw_model_done(&next);
}

static void same_device_with_other_options_closes_first(void)
{
	static const char text[] = "viridian: 1\nswitches:\n- {name: lan, type: private, uuid: " U(
		1) "}\nports:\n"
		   "- {name: a, switch: lan, device: 'tap:a,queues=2', uuid: " U(
			   3) "}\n"
			      "- {name: b, switch: lan, device: 'tap:bb', uuid: " U(4) "}\n";
	struct vsw_model old = {0}, next = {0};
	struct vsw_plan p;

	read_model(base_doc, &old);
	read_model(text, &next);
	CU_ASSERT_EQUAL(vsw_plan_make(&old, &next, &p), 0);
	CU_ASSERT_EQUAL(p.ports[0].action, VSW_PLAN_REOPEN);
	CU_ASSERT_TRUE(p.ports[0].needs_close && p.in_the_way[0]);
	/* another device altogether: the old one carries traffic until the new one is there */
	CU_ASSERT_EQUAL(p.ports[1].action, VSW_PLAN_REOPEN);
	CU_ASSERT_FALSE(p.ports[1].needs_close);
	CU_ASSERT_TRUE(p.goes[1] && !p.in_the_way[1]);
	vsw_plan_done(&p);
	vsw_model_done(&old);
	vsw_model_done(&next);
}

static void identity_by_name(void)
{
	static const char text[] =
		"viridian: 1\nswitches:\n- {name: dmz, type: private}\n- {name: lan, type: "
		"private}\n"
		"ports:\n"
		"- {name: b, switch: lan, device: 'tap:b'}\n"
		"- {name: new, switch: lan, device: 'tap:n'}\n"
		"- {name: a, switch: lan, device: 'tap:a', mac: '52:54:00:00:00:99'}\n";
	struct vsw_model cur = {0}, next = {0};
	char mac[VD_MAC_STR_SIZE];

	read_model(base_doc, &cur);
	read_model(text, &next);
	CU_ASSERT_EQUAL(vsw_plan_inherit(&cur, &next), 0);
	CU_ASSERT_STRING_EQUAL(next.switches[0].uuid, U(2));
	CU_ASSERT_STRING_EQUAL(next.switches[1].uuid, U(1));
	CU_ASSERT_STRING_EQUAL(next.ports[0].uuid, U(4));
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&next.ports[0].mac, mac), "52:54:00:00:00:0b");
	CU_ASSERT_STRING_EQUAL(next.ports[1].uuid, "");
	CU_ASSERT_FALSE(next.ports[1].has_mac);
	CU_ASSERT_STRING_EQUAL(next.ports[2].uuid, U(3));
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&next.ports[2].mac, mac), "52:54:00:00:00:99");
	vsw_model_done(&cur);
	vsw_model_done(&next);
}

/* A renamed port keeps its identity; a new one that takes its old name must not get it as well. */
static void claimed_identity_is_not_given_twice(void)
{
	static const char text[] =
		"viridian: 1\nswitches:\n- {name: lan, type: private}\nports:\n"
		"- {name: a, switch: lan, device: 'tap:x'}\n"
		"- {name: old-a, switch: lan, device: 'tap:a', uuid: " U(3) "}\n";
	struct vsw_model cur = {0}, next = {0};

	read_model(base_doc, &cur);
	read_model(text, &next);
	CU_ASSERT_EQUAL(vsw_plan_inherit(&cur, &next), 0);
	CU_ASSERT_STRING_EQUAL(next.ports[0].uuid, "");
	CU_ASSERT_FALSE(next.ports[0].has_mac);
	CU_ASSERT_TRUE(next.ports[1].has_mac);
	vsw_model_done(&cur);
	vsw_model_done(&next);
}

static const struct tap_case cases[] = {
	{"an equal model changes nothing", nothing_changes},
	{"live changes are told apart", each_live_change},
	{"a renamed switch moves nobody", renamed_switch_moves_nobody},
	{"exchanged devices close before they open", devices_in_the_way},
	{"other options of a device close it first", same_device_with_other_options_closes_first},
	{"objects without uuid are known by name", identity_by_name},
	{"an identity is not given twice", claimed_identity_is_not_given_twice},
};

TAP_MAIN("vswitch-control-plan", cases)
