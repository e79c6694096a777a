/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "nat/nat_conf.h"

/* Read @yaml; on success *@ret must be freed. The error is in @e. */
static int read_yaml(const char *yaml, struct nat_conf *ret, struct vd_err *e)
{
	struct vd_doc *doc = NULL;
	int r;

	memset(e, 0, sizeof(*e));
	memset(ret, 0, sizeof(*ret));
	r = vd_doc_parse(yaml, strlen(yaml), "x", &doc, e);
	if (r == 0)
		r = nat_conf_from_json(vd_doc_root(doc), doc, false, ret, e);
	vd_doc_free(doc);
	return r;
}

static int patch(struct nat_conf *c, const char *json, struct vd_err *e)
{
	json_t *j = json_loads(json, 0, NULL);
	int r;

	memset(e, 0, sizeof(*e));
	r = nat_conf_from_json(j, NULL, true, c, e);
	json_decref(j);
	return r;
}

static void defaults(void)
{
	struct nat_conf c;
	struct vd_err e;

	CU_ASSERT_EQUAL_FATAL(read_yaml("{name: lab, prefix: 192.168.100.7/24}", &c, &e), 0);
	CU_ASSERT_EQUAL(c.prefix.addr, 0xc0a86400);
	CU_ASSERT_EQUAL(c.gateway, 0xc0a86401);
	CU_ASSERT_STRING_EQUAL(c.sw, "lab");
	CU_ASSERT_STRING_EQUAL(c.dns.domain, "lab.internal");
	CU_ASSERT_EQUAL(c.dhcp.server, 0xc0a86402);
	CU_ASSERT_EQUAL(c.dhcp.first, 0xc0a8640a);
	CU_ASSERT_EQUAL(c.dhcp.last, 0xc0a864fe);
	CU_ASSERT_TRUE(c.active && c.hairpin && c.dhcp.enabled && c.dns.enabled);
	CU_ASSERT_EQUAL(c.backend, NAT_BACKEND_KERNEL);
	CU_ASSERT_EQUAL(c.timeouts.udp_s, 300);
	CU_ASSERT_EQUAL(patch(&c, "{\"profile\": \"winnat\"}", &e), 0);
	CU_ASSERT_EQUAL(c.timeouts.tcp_established_s, 1800);
	CU_ASSERT_EQUAL(patch(&c, "{\"timeouts\": {\"udp_s\": 5}}", &e), 0);
	CU_ASSERT_EQUAL(c.timeouts.udp_s, 5);
	CU_ASSERT_EQUAL(c.timeouts.tcp_established_s, 1800);
	CU_ASSERT_EQUAL(patch(&c, "{\"gateway\": \"192.168.100.2\"}", &e), 0);
	CU_ASSERT_EQUAL(c.dhcp.server, 0xc0a86401);
	CU_ASSERT_EQUAL(patch(&c, "{\"prefix\": \"10.5.0.0/16\"}", &e), 0);
	CU_ASSERT_EQUAL(c.gateway, 0x0a050001);
	nat_conf_done(&c);
	CU_ASSERT_EQUAL_FATAL(read_yaml("{name: tiny, prefix: 10.0.0.0/29}", &c, &e), 0);
	CU_ASSERT_EQUAL(c.dhcp.first, 0x0a000003);
	CU_ASSERT_EQUAL(c.dhcp.last, 0x0a000006);
	nat_conf_done(&c);
}

#define FULL                                                                                       \
	"{name: wan1, uuid: 01234567-89ab-4def-8123-456789abcdef, prefix: 10.1.0.0/16,\n"          \
	" gateway: 10.1.0.9, switch: lan, owns_switch: true, backend: dataplane, active: false,\n" \
	" profile: dense, external: [203.0.113.5-203.0.113.8, 203.0.113.9:2000-2999], via: wan,\n" \
	" vlan: 7, external_prefix: 203.0.113.0/24, next_hop: 203.0.113.1,\n"                      \
	" filtering: {udp: endpoint, tcp: address}, udp_inbound_refresh: true, hairpin: false,\n"  \
	" mss_clamp: false, no_translate: [192.168.0.0/16],\n"                                     \
	" maps: [{protocol: tcp, outside: 203.0.113.5:80-81, inside: 10.1.0.20:8080,\n"            \
	"         remote: 198.51.100.0/24}, {protocol: udp, outside: 53, inside: 10.1.0.21}],\n"   \
	" one_to_one: [{outside: 203.0.113.10, inside: 10.1.0.30}],\n"                             \
	" dhcp: {enabled: true, range: 10.1.1.0-10.1.1.255, server: 10.1.0.10, lease_s: 600,\n"    \
	"        dns: [9.9.9.9]}, dns: {enabled: false, domain: a.b, upstream: [1.1.1.1]},\n"      \
	" reservations: [{mac: '52:54:00:12:34:56', address: 10.1.0.50, name: web1}],\n"           \
	" limits: {ports: 1, mappings: 2, sessions: 3, sessions_per_s: 4, total_sessions: 100},\n" \
	" blocks: {size: 256, max: 3, deterministic: true}, timeouts: {udp_s: 9},\n"               \
	" log: {what: blocks, file: /tmp/x, ipfix: 192.0.2.1, destinations: true}}"

static void round_trip(void)
{
	struct nat_conf c, again = {0}, copy = {0};
	json_t *a, *b, *d;
	struct vd_err e;

	CU_ASSERT_EQUAL_FATAL(read_yaml(FULL, &c, &e), 0);
	CU_ASSERT_EQUAL(c.maps[0].inside_port, 8080);
	CU_ASSERT_EQUAL(c.maps[1].inside_port, 53);
	CU_ASSERT_EQUAL(c.maps[1].outside, 0);
	CU_ASSERT_EQUAL(c.log.ipfix_port, 4739);
	a = nat_conf_to_json(&c);
	CU_ASSERT_EQUAL_FATAL(nat_conf_from_json(a, NULL, false, &again, &e), 0);
	b = nat_conf_to_json(&again);
	CU_ASSERT_TRUE(json_equal(a, b));
	CU_ASSERT_EQUAL_FATAL(nat_conf_copy(&c, &copy), 0);
	d = nat_conf_to_json(&copy);
	CU_ASSERT_TRUE(json_equal(a, d));
	/* a patch with everything changes nothing */
	CU_ASSERT_EQUAL(nat_conf_from_json(a, NULL, true, &copy, &e), 0);
	json_decref(d);
	d = nat_conf_to_json(&copy);
	CU_ASSERT_TRUE(json_equal(a, d));
	json_decref(a);
	json_decref(b);
	json_decref(d);
	nat_conf_done(&c);
	nat_conf_done(&again);
	nat_conf_done(&copy);
}

struct refusal {
	const char *rest; /* of an object that has a name and a prefix */
	enum vd_code code;
	const char *path, *text; /* parts of them */
};

static const struct refusal refusals[] = {
	{"gatway: 1.2.3.4", VD_E_KEY_UNKNOWN, "nat/n", "gatway"},
	{"gateway: 10.0.1.1", VD_E_VALUE, "gateway", "10.0.1.1"},
	{"gateway: 10.0.0.0", VD_E_VALUE, "gateway", "10.0.0.0"},
	{"prefix: 10.0.0.0/30", VD_E_VALUE, "prefix", "/29"},
	{"prefix: 127.0.0.0/24", VD_E_VALUE, "prefix", "hosts"},
	{"prefix: 10.0.0/24", VD_E_VALUE, "prefix", "IPv4 prefix"},
	{"via: wan", VD_E_VALUE, "via", "kernel"},
	{"next_hop: 1.2.3.4", VD_E_VALUE, "next_hop", "kernel"},
	{"backend: dataplane", VD_E_KEY_MISSING, "via", "way outside"},
	{"backend: dataplane, via: wan", VD_E_KEY_MISSING, "external", "outside address"},
	{"backend: dataplane, via: n, external: [1.2.3.4]", VD_E_VALUE, "via", "same switch"},
	{"external: [10.0.0.7]", VD_E_VALUE, "external", "inside prefix"},
	{"external: [9.0.0.0-11.0.0.0]", VD_E_VALUE, "external", "inside prefix"},
	{"external: [1.2.3.4, 1.2.3.3-1.2.3.5]", VD_E_EXISTS, "external",
	 "in the pool already: 1.2.3.4"},
	{"external: [1.0.0.0-1.1.0.0]", VD_E_LIMIT, "external", "too many"},
	{"external: [1.2.3.4:80-70]", VD_E_VALUE, "external", "80-70"},
	{"external: ['1.2.3.4:1-2', '1.2.3.4:3-4', '1.2.3.4:5-6', '1.2.3.4:7-8', '1.2.3.4:9-10', "
	 "'1.2.3.4:11-12', '1.2.3.4:13-14', '1.2.3.4:15-16', '1.2.3.4:17-18']",
	 VD_E_LIMIT, "external", "more ranges"},
	{"external: ['1.2.3.4:1024-2047', '1.2.3.4:4096-8191'], blocks: {size: 64, deterministic: "
	 "true}",
	 VD_E_LIMIT, "external", "deterministic"},
	{"maps: [{protocol: tcp, outside: 80, inside: 10.0.1.5}]", VD_E_VALUE, "maps", "10.0.1.5"},
	{"maps: [{protocol: tcp, outside: 80, inside: 10.0.0.1}]", VD_E_VALUE, "maps", "gateway"},
	{"maps: [{protocol: tcp, outside: 1.2.3.4, inside: 10.0.0.5}]", VD_E_VALUE, "maps", "port"},
	{"maps: [{protocol: sctp, outside: 80, inside: 10.0.0.5}]", VD_E_VALUE, "maps", "sctp"},
	{"maps: [{protocol: tcp, outside: 80-90, inside: '10.0.0.5:80-91'}]", VD_E_VALUE, "maps",
	 "as many"},
	{"maps: [{protocol: tcp, outside: 80-90, inside: '10.0.0.5:65530'}]", VD_E_VALUE, "maps",
	 "65535"},
	{"maps: [{protocol: tcp, outside: 80, inside: 10.0.0.5}, {protocol: tcp, outside: "
	 "'1.2.3.4:70-90', inside: 10.0.0.6}]",
	 VD_E_EXISTS, "maps", "70-90 is taken: 80 of this network leads to 10.0.0.5:80"},
	{"one_to_one: [{outside: 1.2.3.4, inside: 10.0.0.5}], maps: [{protocol: tcp, outside: "
	 "'1.2.3.4:8', inside: 10.0.0.6}]",
	 VD_E_EXISTS, "maps", "one to one"},
	{"one_to_one: [{outside: 1.2.3.4, inside: 10.0.0.5}], external: [1.2.3.4]", VD_E_EXISTS,
	 "one_to_one", "pool"},
	{"one_to_one: [{outside: 1.2.3.4, inside: 10.0.0.5}, {outside: 1.2.3.4, inside: 10.0.0.6}]",
	 VD_E_EXISTS, "one_to_one", "1.2.3.4 stands in two"},
	{"one_to_one: [{outside: 1.2.3.4}]", VD_E_KEY_MISSING, "one_to_one", "inside"},
	{"dhcp: {range: 10.0.0.1-10.0.0.9}", VD_E_VALUE, "dhcp", "gateway"},
	{"dhcp: {range: 10.0.0.9-10.0.0.255}", VD_E_VALUE, "dhcp", "10.0.0.255"},
	{"dhcp: {server: 10.0.0.1}", VD_E_VALUE, "dhcp", "gateway"},
	{"dns: {domain: '-x'}", VD_E_VALUE, "dns", "-x"},
	{"dns: {upstream: [x]}", VD_E_VALUE, "dns", "server"},
	{"reservations: [{mac: '02:00:00:00:00:01', address: 10.0.0.2}]", VD_E_VALUE,
	 "reservations", "DHCP"},
	{"reservations: [{mac: '02:00:00:00:00:01', name: a}, {mac: '02:00:00:00:00:02', name: A}]",
	 VD_E_EXISTS, "reservations", "two reservations of A"},
	{"reservations: [{mac: '02:00:00:00:00:01', name: a}, {mac: '02:00:00:00:00:01', name: b}]",
	 VD_E_EXISTS, "reservations", "two reservations of 02:00:00:00:00:01"},
	{"reservations: [{mac: '02:00:00:00:00:01', name: 'a b'}]", VD_E_VALUE, "reservations",
	 "host name"},
	{"blocks: {size: 100}", VD_E_VALUE, "blocks", "power of two"},
	{"blocks: {deterministic: true}", VD_E_VALUE, "blocks", "block"},
	{"timeouts: {udp_s: 0}", VD_E_VALUE, "timeouts", "range"},
	{"log: {what: sessions}", VD_E_VALUE, "log", "place"},
	{"log: {file: relative}", VD_E_VALUE, "log", "absolute"},
	{"log: {ipfix: here}", VD_E_VALUE, "log", "collector"},
};

static void refused(void)
{
	char yaml[512];
	struct nat_conf c;
	struct vd_err e;

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *w = &refusals[i];
		bool own = strstr(w->rest, "prefix:") == w->rest;

		snprintf(yaml, sizeof(yaml), "{name: n, %s%s}", own ? "" : "prefix: 10.0.0.0/24, ",
			 w->rest);
		CU_ASSERT_TRUE(read_yaml(yaml, &c, &e) < 0);
		if (e.code != w->code || !strstr(e.path, w->path) || !strstr(e.message, w->text)) {
			printf("# %s\n#  %s: %s: %s\n", w->rest, vd_code_text(e.code), e.path,
			       e.message);
			CU_FAIL("another error");
		}
		CU_ASSERT_EQUAL(e.line, 1);
		CU_ASSERT_PTR_NULL(c.maps);
		if (w->code != VD_E_KEY_UNKNOWN)
			continue;
		CU_ASSERT_STRING_EQUAL(e.hint, "did you mean \"gateway\"?");
	}
}

static void refused_patch_changes_nothing(void)
{
	struct nat_conf c;
	struct vd_err e;
	json_t *a, *b;

	CU_ASSERT_EQUAL_FATAL(read_yaml(FULL, &c, &e), 0);
	a = nat_conf_to_json(&c);
	CU_ASSERT_EQUAL(patch(&c,
			      "{\"maps\": [], \"external\": [\"9.9.9.9\"], \"one_to_one\": "
			      "[{\"outside\": \"9.9.9.9\", \"inside\": \"10.1.0.3\"}]}",
			      &e),
			-EEXIST);
	b = nat_conf_to_json(&c);
	CU_ASSERT_TRUE(json_equal(a, b));
	json_decref(a);
	json_decref(b);
	nat_conf_done(&c);
}

static int clash(const char *a, const char *b, struct vd_err *e)
{
	struct nat_conf ca, cb;
	const char *key = NULL;
	int r;

	CU_ASSERT_EQUAL_FATAL(read_yaml(a, &ca, e), 0);
	CU_ASSERT_EQUAL_FATAL(read_yaml(b, &cb, e), 0);
	r = nat_conf_clash(&ca, &cb, &key, e);
	nat_conf_done(&ca);
	nat_conf_done(&cb);
	return r;
}

#define P    "prefix: 10.0.0.0/24"
#define DP   P ", backend: dataplane, via: w, "
#define MAP1 ", maps: [{protocol: tcp, outside: 80, inside: 10.0.0.5}]"

static void neighbours(void)
{
	struct vd_err e;

	CU_ASSERT_EQUAL(clash("{name: a, " P "}", "{name: b, " P "}", &e), 0);
	CU_ASSERT_EQUAL(clash("{name: a, " P "}", "{name: b, switch: a, " P "}", &e), -EEXIST);
	CU_ASSERT_EQUAL(clash("{name: a, " P MAP1 "}", "{name: b, " P MAP1 "}", &e), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(e.message, "80 of network \"a\" leads to 10.0.0.5:80"));
	CU_ASSERT_STRING_EQUAL(e.path, "nat/b/maps");
	/* pools are shared by the kernel, not by workers */
	CU_ASSERT_EQUAL(clash("{name: a, " P ", external: [1.2.3.4]}",
			      "{name: b, " P ", external: [1.2.3.4]}", &e),
			0);
	CU_ASSERT_EQUAL(clash("{name: a, " DP "external: [1.2.3.4]}",
			      "{name: b, " DP "external: [1.2.3.4]}", &e),
			-EEXIST);
	CU_ASSERT_EQUAL(clash("{name: a, " DP "external: ['1.2.3.4:1024-2047']}",
			      "{name: b, " DP "external: ['1.2.3.4:2048-4095']}", &e),
			-EEXIST); /* both would answer ARP for it */
	CU_ASSERT_EQUAL(clash("{name: a, " DP "external: [1.2.3.4]" MAP1 "}",
			      "{name: b, " DP "external: [1.2.3.5]" MAP1 "}", &e),
			0);
	CU_ASSERT_EQUAL(clash("{name: a, " P
			      ", one_to_one: [{outside: 1.2.3.4, inside: 10.0.0.5}]}",
			      "{name: b, " P ", external: [1.2.3.4]}", &e),
			-EEXIST);
}

static const struct tap_case cases[] = {
	{"defaults, profiles, patches", defaults},
	{"JSON and back", round_trip},
	{"what is refused, and how", refused},
	{"a refused patch changes nothing", refused_patch_changes_nothing},
	{"two networks", neighbours},
};

TAP_MAIN("nat-conf", cases)
