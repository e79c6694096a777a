/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vswitch/model/model.h"

/* JSON with ' for ", so that it reads well in C. */
static json_t *json_of(const char *text)
{
	char *s = strdup(text);
	json_error_t je;
	json_t *j;

	for (char *p = s; *p; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(s, JSON_REJECT_DUPLICATES, &je);
	if (!j)
		printf("# test's own JSON is wrong: %s at %d\n", je.text, je.position);
	free(s);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	return j;
}

static int load(const char *text, struct vsw_model *m, struct vd_err *e)
{
	json_t *j = json_of(text);
	int r;

	memset(m, 0, sizeof(*m));
	memset(e, 0, sizeof(*e));
	r = vsw_model_from_json(j, NULL, m, e);
	if (r == 0)
		r = vsw_model_validate(m, j, NULL, e);
	if (r < 0)
		vsw_model_done(m);
	json_decref(j);
	return r;
}

static void load_ok(const char *text, struct vsw_model *m)
{
	struct vd_err e;
	int r = load(text, m, &e);

	if (r)
		printf("# %s: %s\n", e.path, e.message);
	CU_ASSERT_EQUAL_FATAL(r, 0);
}

#define EXAMPLE                                                                           \
	"{'viridian':1,'switches':["                                                      \
	"{'name':'lan','type':'internal','mtu':9000,'notes':'two\\nlines'},"              \
	"{'name':'wan','type':'external','ageing_s':10,'fdb_limit':0,"                    \
	" 'fdb':[{'mac':'52:54:00:00:00:99','vlan':10,'port':'gw'}]},"                    \
	"{'name':'dmz','type':'private','uuid':'0B7C1F2E-0000-4000-8000-000000000001'}]," \
	"'ports':["                                                                       \
	"{'name':'web1','switch':'lan','device':'tap:web1','mac':'52-54-00-00-00-01',"    \
	" 'vlan':'access:10','link':'down','learn':3},"                                   \
	"{'name':'lan:host','switch':'lan','device':'tap:lan','role':'host'},"            \
	"{'name':'wan:uplink','switch':'wan','device':'netdev:eth0','role':'uplink'},"    \
	"{'name':'gw','switch':'wan','device':'vhost-user:/run/gw.sock'},"                \
	"{'name':'d1','switch':'dmz','device':'memif:/run/d','vlan':'isolated:100,201'}," \
	"{'name':'d2','switch':'dmz','device':'memif:/run/"                               \
	"d,id=1','vlan':'promiscuous:100,201-203'}]}"

static void defaults_and_values(void)
{
	struct vsw_model m;
	char buf[VSW_VLAN_STR_SIZE];
	struct vsw_port_cfg *p;

	load_ok(EXAMPLE, &m);
	CU_ASSERT_EQUAL(m.n_switches, 3);
	CU_ASSERT_EQUAL(m.n_ports, 6);
	CU_ASSERT_EQUAL(m.switches[0].mtu, 9000);
	CU_ASSERT_EQUAL(m.switches[0].ageing_s, 300);
	CU_ASSERT_EQUAL(m.switches[0].fdb_limit, 65536);
	CU_ASSERT_EQUAL(m.switches[1].type, VSW_EXTERNAL);
	CU_ASSERT_EQUAL(m.switches[1].fdb_limit, 0);
	CU_ASSERT_EQUAL(m.switches[1].n_statics, 1);
	CU_ASSERT_EQUAL(m.switches[1].statics[0].vid, 10);
	CU_ASSERT_STRING_EQUAL(m.switches[2].uuid, "0b7c1f2e-0000-4000-8000-000000000001");
	p = vsw_model_port(&m, "web1");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(p->has_mac);
	CU_ASSERT_FALSE(p->link_up);
	CU_ASSERT_EQUAL(p->learn, 3);
	CU_ASSERT_EQUAL(p->role, VSW_ROLE_VM);
	p = vsw_model_port(&m, "wan:uplink");
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_STRING_EQUAL(vsw_vlan_format(&p->vlan, buf, sizeof(buf)),
			       "trunk:1-4094,native=0");
	CU_ASSERT_EQUAL(p->learn, 65536);
	CU_ASSERT_TRUE(p->link_up);
	CU_ASSERT_FALSE(p->has_mac);
	CU_ASSERT_PTR_NULL(vsw_model_port(&m, "web2"));
	CU_ASSERT_PTR_NOT_NULL(vsw_model_switch(&m, "dmz"));
	vsw_model_done(&m);
}

/* model -> JSON -> model -> JSON gives the same text */
static void round_trip(const struct vsw_model *m)
{
	json_t *a = vsw_model_to_json(m), *b, *diff;
	struct vsw_model again = {0};
	struct vd_err e = {0};
	char *ta, *tb;

	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_EQUAL_FATAL(vsw_model_from_json(a, NULL, &again, &e), 0);
	CU_ASSERT_EQUAL(vsw_model_validate(&again, a, NULL, &e), 0);
	b = vsw_model_to_json(&again);
	ta = json_dumps(a, 0);
	tb = json_dumps(b, 0);
	CU_ASSERT_STRING_EQUAL(ta, tb);
	diff = vsw_model_diff(m, &again);
	CU_ASSERT_EQUAL(json_array_size(diff), 0);
	CU_ASSERT_PTR_NOT_NULL(diff);
	json_decref(diff);
	free(ta);
	free(tb);
	json_decref(a);
	json_decref(b);
	vsw_model_done(&again);
}

static void export_apply(void)
{
	struct vsw_model m, copy;

	load_ok(EXAMPLE, &m);
	round_trip(&m);
	CU_ASSERT_EQUAL_FATAL(vsw_model_copy(&m, &copy), 0);
	CU_ASSERT_PTR_NOT_EQUAL(copy.switches[1].statics, m.switches[1].statics);
	vsw_model_done(&m);
	round_trip(&copy);
	vsw_model_done(&copy);
	load_ok("{'viridian':1}", &m);
	round_trip(&m);
	CU_ASSERT_EQUAL_FATAL(vsw_model_copy(&m, &copy), 0);
	vsw_model_done(&m);
	vsw_model_done(&copy);
	load_ok("{'viridian':1,'switches':null,'ports':null}", &m);
	vsw_model_done(&m);
}

#define SW(more)   "{'viridian':1,'switches':[{'name':'a','type':'private'" more "}]}"
#define PORT(more) "{'viridian':1,'ports':[{'name':'p','switch':'a','device':'tap:p'" more "}]}"

static const struct bad {
	const char *text;
	enum vd_code code;
	const char *path;
	const char *hint; /* NULL: any */
} bad_forms[] = {
	{"[]", VD_E_TYPE, "", NULL},
	{"{}", VD_E_KEY_MISSING, "", "start the document with \"viridian: 1\""},
	{"{'viridian':'1'}", VD_E_TYPE, "viridian", NULL},
	{"{'viridian':2}", VD_E_VALUE, "viridian", "this program reads version 1"},
	{"{'viridian':1,'switchs':[]}", VD_E_KEY_UNKNOWN, "", "did you mean \"switches\"?"},
	{"{'viridian':1,'ports':{}}", VD_E_TYPE, "ports", NULL},
	{"{'viridian':1,'ports':[3]}", VD_E_TYPE, "port", NULL},
	{"{'viridian':1,'switches':[{'type':'private'}]}", VD_E_KEY_MISSING, "switch", NULL},
	{"{'viridian':1,'switches':[{'name':'a'}]}", VD_E_KEY_MISSING, "switch/a", NULL},
	{"{'viridian':1,'switches':[{'name':7,'type':'private'}]}", VD_E_TYPE, "switch/name",
	 "put it in quotes"},
	{"{'viridian':1,'switches':[{'name':'a b','type':'private'}]}", VD_E_NAME,
	 "switch/a b/name", NULL},
	{"{'viridian':1,'switches':[{'name':'a:b','type':'private'}]}", VD_E_NAME,
	 "switch/a:b/name", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'privat'}]}", VD_E_VALUE, "switch/a/type",
	 "did you mean \"private\"?"},
	{"{'viridian':1,'switches':[{'name':'a','type':'nat'}]}", VD_E_VALUE, "switch/a/type",
	 "use one of: external, internal, private"},
	{SW(",'mtu':575"), VD_E_MTU, "switch/a/mtu", NULL},
	{SW(",'mtu':9217"), VD_E_MTU, "switch/a/mtu", NULL},
	{SW(",'mtu':-1"), VD_E_MTU, "switch/a/mtu", NULL},
	{SW(",'mtu':9223372036854775807"), VD_E_MTU, "switch/a/mtu", NULL},
	{SW(",'mtu':1500.0"), VD_E_TYPE, "switch/a/mtu", NULL},
	{SW(",'mtu':null"), VD_E_TYPE, "switch/a/mtu", NULL},
	{SW(",'ageing_s':9"), VD_E_VALUE, "switch/a/ageing_s", NULL},
	{SW(",'ageing_s':86401"), VD_E_VALUE, "switch/a/ageing_s", NULL},
	{SW(",'ageing':9"), VD_E_KEY_UNKNOWN, "switch/a", "did you mean \"ageing_s\"?"},
	{SW(",'fdb_limit':1048577"), VD_E_VALUE, "switch/a/fdb_limit", NULL},
	{SW(",'uuid':'x'"), VD_E_VALUE, "switch/a/uuid", NULL},
	{SW(",'uuid':'0b7c1f2e-0000-4000-8000-0000000000011'"), VD_E_VALUE, "switch/a/uuid", NULL},
	{SW(",'notes':'\\u0001'"), VD_E_VALUE, "switch/a/notes", NULL},
	{SW(",'fdb':7"), VD_E_TYPE, "switch/a/fdb", NULL},
	{SW(",'fdb':[7]"), VD_E_TYPE, "switch/a/fdb", NULL},
	{SW(",'fdb':[{'port':'p'}]"), VD_E_KEY_MISSING, "switch/a/fdb", NULL},
	{SW(",'fdb':[{'mac':'01:00:5e:00:00:01','port':'p'}]"), VD_E_MAC, "switch/a/fdb/mac", NULL},
	{SW(",'fdb':[{'mac':'02:00:00:00:00:01','port':'p','vlan':4095}]"), VD_E_VLAN_RANGE,
	 "switch/a/fdb/vlan", NULL},
	{SW(",'fdb':[{'mac':'02:00:00:00:00:01','prot':'p'}]"), VD_E_KEY_UNKNOWN, "switch/a/fdb",
	 "did you mean \"port\"?"},
	{PORT(",'colour':1"), VD_E_KEY_UNKNOWN, "port/p",
	 "known here: name, uuid, switch, device, role, mac, vlan, learn, link, tags, affinity, "
	 "guard, qos, acl"},
	{PORT(",'mac':'zz'"), VD_E_MAC, "port/p/mac", NULL},
	{PORT(",'mac':'00:00:00:00:00:00'"), VD_E_MAC, "port/p/mac", NULL},
	{PORT(",'mac':525400123456"), VD_E_TYPE, "port/p/mac", "put it in quotes"},
	{PORT(",'vlan':10"), VD_E_VLAN_MODE, "port/p/vlan",
	 "for one untagged VLAN write access:10"},
	{PORT(",'vlan':'access:4095'"), VD_E_VLAN_RANGE, "port/p/vlan", NULL},
	{PORT(",'role':'guest'"), VD_E_VALUE, "port/p/role", "use one of: vm, host, uplink"},
	{PORT(",'link':true"), VD_E_TYPE, "port/p/link", "put it in quotes"},
	{PORT(",'learn':1048577"), VD_E_VALUE, "port/p/learn", NULL},
	{PORT(",'role':'uplink','mac':'02:00:00:00:00:01'"), VD_E_VALUE, "port/p/mac", NULL},
	{"{'viridian':1,'ports':[{'name':'p','device':'tap:p'}]}", VD_E_KEY_MISSING, "port/p",
	 NULL},
	{"{'viridian':1,'ports':[{'name':'p','switch':'a'}]}", VD_E_KEY_MISSING, "port/p", NULL},
	{"{'viridian':1,'ports':[{'name':'p','switch':'a','device':'eth0'}]}", VD_E_DEVICE,
	 "port/p/device", "tap:eth0 makes an interface, netdev:eth0 uses one that exists"},
	{"{'viridian':1,'ports':[{'name':'a:x','switch':'a','device':'tap:p'}]}", VD_E_NAME,
	 "port/a:x/name", NULL},
	{"{'viridian':1,'ports':[{'name':'b:host','switch':'a','device':'tap:p','role':'host'}]}",
	 VD_E_NAME, "port/b:host/name", NULL},
	{"{'viridian':1,'ports':[{'name':'a:','switch':'a','device':'tap:p','role':'host'}]}",
	 VD_E_NAME, "port/a:/name", NULL},
	{"{'viridian':1,'ports':[{'name':'a:u','switch':'a','device':'netvsp:/"
	 "p','role':'uplink'}]}",
	 VD_E_DEVICE, "port/a:u/device", NULL},
};

/* Across objects: a private switch "a", an internal "b". */
#define ACROSS(ports)                                                                              \
	"{'viridian':1,'switches':[{'name':'a','type':'private'},{'name':'b','type':'internal'}]," \
	"'ports':[" ports "]}"
#define P(name, sw, more) "{'name':'" name "','switch':'" sw "','device':'tap:" name "'" more "}"

#define UP(name) P(name, "a", ",'role':'uplink'")

static const struct bad bad_wholes[] = {
	{"{'viridian':1,'switches':[{'name':'a','type':'private'},{'name':'"
	 "a','type':'private'}]}",
	 VD_E_EXISTS, "switch/a", NULL},
	{ACROSS(P("p", "a", "") "," P("q", "a", "") "," P("p", "b", "")), VD_E_EXISTS, "port/p",
	 NULL},
	{ACROSS(P("p", "c", "")), VD_E_SWITCH_UNKNOWN, "port/p/switch", "did you mean \"a\"?"},
	{ACROSS(P("p", "lan", "")), VD_E_SWITCH_UNKNOWN, "port/p/switch", NULL},
	{ACROSS(P("p", "a", ",'uuid':'0b7c1f2e-0000-4000-8000-000000000001'") "," P("q", "a",
										    ","
										    "'"
										    "u"
										    "u"
										    "i"
										    "d"
										    "'"
										    ":"
										    "'"
										    "0"
										    "B"
										    "7"
										    "C"
										    "1"
										    "F"
										    "2"
										    "E"
										    "-"
										    "0"
										    "0"
										    "0"
										    "0"
										    "-"
										    "4"
										    "0"
										    "0"
										    "0"
										    "-"
										    "8"
										    "0"
										    "0"
										    "0"
										    "-"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "0"
										    "1"
										    "'")),
	 VD_E_EXISTS, "port/q/uuid", NULL},
	{ACROSS(P("p", "a", ",'role':'host'")), VD_E_SWITCH_TYPE, "port/p/role", NULL},
	{ACROSS(P("p", "a", ",'role':'uplink'")), VD_E_SWITCH_TYPE, "port/p/role", NULL},
	{ACROSS(P("p", "b", ",'role':'uplink'")), VD_E_SWITCH_TYPE, "port/p/role", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'external'}]}", VD_E_SWITCH_TYPE,
	 "switch/a/type", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'external'}],'ports'"
	 ":[" UP("p1") "," UP("p2") "," UP("p3") "," UP("p4") "," UP("p5") "," UP("p6") "," UP(
		 "p7") "," UP("p8") "," UP("p9") "]}",
	 VD_E_LIMIT, "port/p9/role", NULL},
	{ACROSS(P("p", "a", ",'mac':'02:00:00:00:00:01'") "," P("q", "a",
								",'mac':'02-00-00-00-00-01'")),
	 VD_E_MAC_DUPLICATE, "port/q/mac", NULL},
	{ACROSS(P("p", "a", "") ","
				"{'name':'q','switch':'b','device':'netdev:p'}"),
	 VD_E_DEVICE_DUPLICATE, "port/q/device", NULL},
	{ACROSS("{'name':'p','switch':'a','device':'pcap:rx=/f'},"
		"{'name':'q','switch':'a','device':'pcap:rx=/f'},"
		"{'name':'r','switch':'b','device':'pcap:tx=/f'}"),
	 VD_E_DEVICE_DUPLICATE, "port/r/device", NULL},
	{ACROSS(P("p", "a", ",'vlan':'isolated:100,201'") "," P("q", "a",
								",'vlan':'isolated:101,201'")),
	 VD_E_PVLAN_CONFLICT, "port/q/vlan", NULL},
	{ACROSS(P("p", "a", ",'vlan':'isolated:100,201'") "," P("q", "a",
								",'vlan':'community:100,201'")),
	 VD_E_PVLAN_CONFLICT, "port/q/vlan", NULL},
	{ACROSS(P("p", "a", ",'vlan':'isolated:100,201'") "," P("q", "a",
								",'vlan':'isolated:201,100'")),
	 VD_E_PVLAN_CONFLICT, "port/q/vlan", NULL},
	{ACROSS(P("p", "a", ",'vlan':'promiscuous:100,200-300'") "," P(
		 "q", "a", ",'vlan':'community:99,250'")),
	 VD_E_PVLAN_CONFLICT, "port/q/vlan", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'private',"
	 "'fdb':[{'mac':'02:00:00:00:00:01','port':'x'}]}]}",
	 VD_E_PORT_UNKNOWN, "switch/a/fdb", NULL},
	{"{'viridian':1,'switches':[{'name':'b','type':'private'},{'name':'"
	 "a','type':'private',"
	 "'fdb':[{'mac':'02:00:00:00:00:01','port':'p'}]}],'ports':[" P("p", "b", "") "]}",
	 VD_E_PORT_UNKNOWN, "switch/a/fdb", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'private',"
	 "'fdb':[{'mac':'02:00:00:00:00:01','port':'p'},{'mac':'02:00:00:"
	 "00:00:01','vlan':0,"
	 "'port':'p'}]}],'ports':[" P("p", "a", "") "]}",
	 VD_E_MAC_DUPLICATE, "switch/a/fdb", NULL},
	{"{'viridian':1,'switches':[{'name':'a','type':'private',"
	 "'fdb':[{'mac':'02:00:00:00:00:01','port':'p'}]}],'ports':[" P("p", "a", "") "," P(
		 "q", "a", ",'mac':'02:00:00:00:00:01'") "]}",
	 VD_E_MAC_DUPLICATE, "switch/a/fdb", NULL},
};

static void refuse(const struct bad *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct vsw_model m;
		struct vd_err e;
		int r = load(t[i].text, &m, &e);

		if (r == 0 || e.code != t[i].code || strcmp(e.path, t[i].path) ||
		    (t[i].hint && strcmp(e.hint, t[i].hint)))
			printf("# case %zu: %s: %s (%s; hint: %s)\n", i, e.path, e.message,
			       vd_code_text(e.code), e.hint);
		CU_ASSERT_TRUE(r < 0);
		CU_ASSERT_EQUAL(r, e.errnum);
		CU_ASSERT_EQUAL(e.code, t[i].code);
		CU_ASSERT_STRING_EQUAL(e.path, t[i].path);
		CU_ASSERT_TRUE(e.message[0] != 0);
		if (t[i].hint)
			CU_ASSERT_STRING_EQUAL(e.hint, t[i].hint);
	}
}

static void forms_refused(void)
{
	refuse(bad_forms, sizeof(bad_forms) / sizeof(bad_forms[0]));
}

static void wholes_refused(void)
{
	refuse(bad_wholes, sizeof(bad_wholes) / sizeof(bad_wholes[0]));
}

static void near_conflicts_pass(void)
{
	struct vsw_model m;

	/* the same MAC on two switches, the same VLANs on two switches, shared readers */
	load_ok(ACROSS(P("p", "a", ",'mac':'02:00:00:00:00:01','vlan':'isolated:100,201'") "," P("q", "b", ",'mac':'02:00:00:00:00:01','vlan':'community:101,201'") "," P(
			"r", "a",
			",'vlan':'promiscuous:100,201-210'") "," P("s", "a",
								   ",'vlan':'community:100,"
								   "202'") "," P("t", "a",
										 ",'vlan':'"
										 "trunk:1-"
										 "4094'") ","
											  "{'"
											  "nam"
											  "e':"
											  "'u'"
											  ",'"
											  "swi"
											  "tch"
											  "':'"
											  "a',"
											  "'de"
											  "vic"
											  "e':"
											  "'pc"
											  "ap:"
											  "rx="
											  "/f'"
											  "},"
											  "{'"
											  "nam"
											  "e':"
											  "'v'"
											  ",'"
											  "swi"
											  "tch"
											  "':'"
											  "a',"
											  "'de"
											  "vic"
											  "e':"
											  "'pc"
											  "ap:"
											  "rx="
											  "/f'"
											  "}"),
		&m);
	vsw_model_done(&m);
	load_ok("{'viridian':1,'switches':[{'name':'a','type':'private',"
		"'fdb':[{'mac':'02:00:00:00:00:01','port':'p'},"
		"{'mac':'02:00:00:00:00:01','vlan':5,'port':'p'}]}],'ports':[" P(
			"p", "a", ",'mac':'02:00:00:00:00:01'") "]}",
		&m);
	vsw_model_done(&m);
}

static void patches(void)
{
	struct vsw_model m;
	struct vd_err e = {0};
	json_t *j;

	load_ok(EXAMPLE, &m);
	j = json_of("{'vlan':'access:20'}");
	CU_ASSERT_EQUAL(vsw_port_from_json(j, NULL, true, &m.ports[0], &e), 0);
	json_decref(j);
	CU_ASSERT_EQUAL(m.ports[0].vlan.vid, 20);
	CU_ASSERT_EQUAL(m.ports[0].learn, 3);
	CU_ASSERT_STRING_EQUAL(m.ports[0].name, "web1");
	j = json_of("{'learn':9,'vlan':'access:0'}");
	CU_ASSERT_EQUAL(vsw_port_from_json(j, NULL, true, &m.ports[0], &e), -EINVAL);
	json_decref(j);
	CU_ASSERT_STRING_EQUAL(e.path, "port/web1/vlan");
	CU_ASSERT_EQUAL(m.ports[0].learn, 3);
	j = json_of("{'mac':null}");
	CU_ASSERT_EQUAL(vsw_port_from_json(j, NULL, true, &m.ports[0], &e), 0);
	CU_ASSERT_FALSE(m.ports[0].has_mac);
	json_decref(j);
	j = json_of("{'mtu':1400}");
	CU_ASSERT_EQUAL(vsw_switch_from_json(j, NULL, true, &m.switches[1], NULL), 0);
	json_decref(j);
	CU_ASSERT_EQUAL(m.switches[1].mtu, 1400);
	CU_ASSERT_EQUAL(m.switches[1].n_statics, 1);
	j = json_of("{'fdb':[]}");
	CU_ASSERT_EQUAL(vsw_switch_from_json(j, NULL, true, &m.switches[1], NULL), 0);
	json_decref(j);
	CU_ASSERT_EQUAL(m.switches[1].n_statics, 0);
	vsw_model_done(&m);
}

/* Counts up, so that what is assigned is known; one value for all asks for a way out. */
static void counting(void *ctx, void *buf, size_t n)
{
	memset(buf, ++*(uint8_t *)ctx, n);
}

static void constant(void *ctx, void *buf, size_t n)
{
	memset(buf, *(uint8_t *)ctx, n);
}

static void completion(void)
{
	struct vsw_model m;
	uint8_t state = 0;
	struct vd_err e = {0};
	char buf[VD_MAC_STR_SIZE];

	load_ok(EXAMPLE, &m);
	CU_ASSERT_EQUAL(vsw_model_complete(&m, counting, &state, &e), 0);
	CU_ASSERT_STRING_EQUAL(m.switches[0].uuid, "01010101-0101-4101-8101-010101010101");
	CU_ASSERT_STRING_EQUAL(m.switches[2].uuid, "0b7c1f2e-0000-4000-8000-000000000001");
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&m.ports[0].mac, buf), "52:54:00:00:00:01");
	for (unsigned int i = 0; i < m.n_ports; i++) {
		CU_ASSERT_EQUAL(strlen(m.ports[i].uuid), 36);
		CU_ASSERT_EQUAL(m.ports[i].has_mac, m.ports[i].role != VSW_ROLE_UPLINK);
		if (i && m.ports[i].has_mac)
			CU_ASSERT_EQUAL(m.ports[i].mac.addr[0], 2);
	}
	round_trip(&m);
	vsw_model_done(&m);

	load_ok(ACROSS(P("p", "a", "") "," P("q", "a", ",'mac':'02:05:05:05:05:06'") "," P(
			"r", "a", "") ",{'name':'s','switch':'a','device':'netdev:s'}"),
		&m);
	state = 5;
	CU_ASSERT_EQUAL(vsw_model_complete(&m, constant, &state, &e), 0);
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&m.ports[0].mac, buf), "02:05:05:05:05:05");
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&m.ports[2].mac, buf), "02:05:05:05:05:07");
	CU_ASSERT_FALSE(m.ports[3].has_mac);
	vsw_model_done(&m);
}

static void expect_diff(const char *from, const char *to, const char *want)
{
	struct vsw_model a, b;
	json_t *d, *w = json_of(want);
	char *text;

	load_ok(from, &a);
	load_ok(to, &b);
	d = vsw_model_diff(&a, &b);
	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	text = json_dumps(d, 0);
	if (!json_equal(d, w))
		printf("# got %s\n", text);
	CU_ASSERT_TRUE(json_equal(d, w));
	free(text);
	json_decref(d);
	json_decref(w);
	vsw_model_done(&a);
	vsw_model_done(&b);
}

#define U1 "'uuid':'00000000-0000-4000-8000-000000000001'"
#define U2 "'uuid':'00000000-0000-4000-8000-000000000002'"

static void differences(void)
{
	static const char full[] = "{'name':'p','switch':'a','device':'tap:p','role':'vm',"
				   "'vlan':'none','learn':0,'link':'up'}";
	char want[512];

	expect_diff(EXAMPLE, EXAMPLE, "[]");
	snprintf(want, sizeof(want), "[{'op':'add','object':'port/p','to':%s}]", full);
	expect_diff(ACROSS(""), ACROSS(P("p", "a", "")), want);
	snprintf(want, sizeof(want), "[{'op':'remove','object':'port/p','from':%s}]", full);
	expect_diff(ACROSS(P("p", "a", "")), ACROSS(""), want);
	expect_diff(ACROSS(P("p", "a", "")), ACROSS(P("p", "b", ",'vlan':'access:3'")),
		    "[{'op':'change','object':'port/p','from':{'switch':'a','vlan':'none'},"
		    "'to':{'switch':'b','vlan':'access:3'}}]");
	/* the document does not say the UUID: the name decides; where it does, the UUID decides */
	expect_diff(ACROSS(P("p", "a", "," U1)), ACROSS(P("p", "a", "")),
		    "[{'op':'change','object':'port/p','from':{" U1 "},'to':{}}]");
	expect_diff(ACROSS("{'name':'p','switch':'a','device':'tap:p'," U1 "}"),
		    ACROSS("{'name':'q','switch':'a','device':'tap:p'," U1 "}"),
		    "[{'op':'change','object':'port/p','from':{'name':'p'},'to':{'name':'q'}}]");
	/* two names exchanged */
	expect_diff(ACROSS("{'name':'p','switch':'a','device':'tap:p'," U1 "},"
			   "{'name':'q','switch':'a','device':'tap:q'," U2 "}"),
		    ACROSS("{'name':'q','switch':'a','device':'tap:p'," U1 "},"
			   "{'name':'p','switch':'a','device':'tap:q'," U2 "}"),
		    "[{'op':'change','object':'port/p','from':{'name':'p'},'to':{'name':'q'}},"
		    "{'op':'change','object':'port/q','from':{'name':'q'},'to':{'name':'p'}}]");
	expect_diff("{'viridian':1,'switches':[{'name':'a','type':'private','mtu':1500}]}",
		    "{'viridian':1,'switches':[{'name':'a','type':'internal','mtu':1400}]}",
		    "[{'op':'change','object':'switch/a','from':{'type':'private','mtu':1500},"
		    "'to':{'type':'internal','mtu':1400}}]");
}

static void same_name_new_identity(void)
{
	struct vsw_model a, b;
	json_t *d;

	load_ok(ACROSS(P("p", "a", "," U1)), &a);
	load_ok(ACROSS(P("p", "a", "," U2)), &b);
	d = vsw_model_diff(&a, &b);
	CU_ASSERT_EQUAL(json_array_size(d), 2);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(d, 0), "op")),
			       "remove");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(d, 1), "op")),
			       "add");
	json_decref(d);
	vsw_model_done(&a);
	vsw_model_done(&b);
}

/* @n ports on 8 switches; every mode of VLAN somewhere. */
static json_t *large(unsigned int n)
{
	json_t *switches = json_array(), *ports = json_array();
	static const char *const modes[] = {"none",
					    "access:10",
					    "trunk:1-4094,native=5",
					    "isolated:100,201",
					    "community:100,202",
					    "promiscuous:100,201-210"};

	for (unsigned int i = 0; i < 8; i++)
		json_array_append_new(switches,
				      json_pack("{s:o, s:s}", "name", json_sprintf("sw%u", i),
						"type", "internal"));
	for (unsigned int i = 0; i < n; i++)
		json_array_append_new(
			ports,
			json_pack("{s:o, s:o, s:o, s:o, s:s}", "name", json_sprintf("vm%u", i),
				  "switch", json_sprintf("sw%u", i % 8), "device",
				  json_sprintf("vhost-user:/run/vm%u.sock", i), "mac",
				  json_sprintf("02:00:00:00:%02x:%02x", i >> 8, i & 255), "vlan",
				  modes[i % 6]));
	return json_pack("{s:i, s:o, s:o}", "viridian", 1, "switches", switches, "ports", ports);
}

static double cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void large_documents(void)
{
	static const unsigned int sizes[] = {1000, VSW_PORTS_MAX};
	uint8_t state = 0;

	for (size_t i = 0; i < 2; i++) {
		json_t *j = large(sizes[i]), *d;
		struct vsw_model a = {0}, b = {0};
		struct vd_err e = {0};
		double t0 = cpu_ms(), spent;

		CU_ASSERT_EQUAL_FATAL(vsw_model_from_json(j, NULL, &a, &e), 0);
		CU_ASSERT_EQUAL_FATAL(vsw_model_validate(&a, j, NULL, &e), 0);
		CU_ASSERT_EQUAL_FATAL(vsw_model_copy(&a, &b), 0);
		CU_ASSERT_EQUAL_FATAL(vsw_model_complete(&b, counting, &state, &e), 0);
		d = vsw_model_diff(&a, &b);
		spent = cpu_ms() - t0;
		CU_ASSERT_EQUAL(json_array_size(d), 8 + sizes[i]);
		printf("# %u ports: %.1f ms\n", sizes[i], spent);
		/* far above what it takes, far below what comparing all pairs would */
		CU_ASSERT_TRUE(spent < 200.0 * (double)(i ? 4 : 1));
		json_decref(d);
		json_decref(j);
		vsw_model_done(&a);
		vsw_model_done(&b);
	}
}

static void limits(void)
{
	json_t *j = large(VSW_PORTS_MAX + 1), *list;
	struct vsw_model m = {0};
	struct vd_err e = {0};

	CU_ASSERT_EQUAL(vsw_model_from_json(j, NULL, &m, &e), -EINVAL);
	CU_ASSERT_EQUAL(e.code, VD_E_LIMIT);
	CU_ASSERT_STRING_EQUAL(e.path, "ports");
	json_decref(j);
	memset(&e, 0, sizeof(e));
	j = large(0);
	list = json_object_get(j, "switches");
	for (unsigned int i = 8; i < VSW_SWITCHES_MAX + 1; i++)
		json_array_append_new(list, json_pack("{s:o, s:s}", "name", json_sprintf("sw%u", i),
						      "type", "private"));
	CU_ASSERT_EQUAL(vsw_model_from_json(j, NULL, &m, &e), -EINVAL);
	CU_ASSERT_EQUAL(e.code, VD_E_LIMIT);
	json_array_remove(list, 0);
	CU_ASSERT_EQUAL(vsw_model_from_json(j, NULL, &m, NULL), 0);
	CU_ASSERT_EQUAL(m.n_switches, VSW_SWITCHES_MAX);
	vsw_model_done(&m);
	json_decref(j);
}

static const struct tap_case cases[] = {
	{"values and defaults", defaults_and_values},
	{"export | apply changes nothing", export_apply},
	{"malformed objects are refused", forms_refused},
	{"contradictions between objects are refused", wholes_refused},
	{"what only looks like a contradiction passes", near_conflicts_pass},
	{"a patch keeps what it does not name; a refused one changes nothing", patches},
	{"missing UUIDs and MACs are assigned", completion},
	{"differences name only what differs", differences},
	{"one name with two UUIDs is two objects", same_name_new_identity},
	{"documents of 1000 and 4096 ports take milliseconds", large_documents},
	{"limits are told", limits},
};

TAP_MAIN("vswitch/model/model", cases)
