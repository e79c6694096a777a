/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documents as people write them: where errors are said to be. */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/vswitch/model/load.h"

#define HEAD                                \
	"viridian: 1\n"                     \
	"switches:\n"                       \
	"  - {name: lan, type: internal}\n" \
	"  - name: dmz\n"                   \
	"    type: private\n"               \
	"ports:\n" /* line 6 */

static const struct {
	const char *text;
	unsigned int line, column;
	enum vd_code code;
} bad[] = {
	/* one object */
	{"switches: []\n", 1, 1, VD_E_KEY_MISSING},
	{"\n\nviridian: 2\n", 3, 11, VD_E_VALUE},
	{"viridian: 1\nswitchs: []\n", 2, 1, VD_E_KEY_UNKNOWN},
	{"viridian: 1\nports: none\n", 2, 8, VD_E_TYPE},
	{"just text", 1, 1, VD_E_TYPE},
	{HEAD "  - web1\n", 7, 5, VD_E_TYPE},
	{HEAD "  - name: web1\n    switch: lan\n    device: tap:web1\n    vlan: access:4095\n", 10,
	 11, VD_E_VLAN_RANGE},
	{HEAD "  - name: web1\n    switch: lan\n    device: tap:web1\n    vlna: none\n", 10, 5,
	 VD_E_KEY_UNKNOWN},
	{HEAD "  - name: web1\n    switch: lan\n", 7, 5, VD_E_KEY_MISSING},
	{HEAD "  - name: web1\n    switch: lan\n    device:   eth0\n", 9, 15, VD_E_DEVICE},
	{HEAD "  - name: web 1\n    switch: lan\n    device: tap:a\n", 7, 11, VD_E_NAME},
	{HEAD
	 "  - name: web1\n    switch: lan\n    device: tap:a\n    mac: \"01:02:03:04:05:06\"\n",
	 10, 10, VD_E_MAC},
	{"viridian: 1\nswitches:\n  - name: lan\n    type: private\n    mtu: 9217\n", 5, 10,
	 VD_E_MTU},
	{"viridian: 1\nswitches:\n  - name: lan\n    type: private\n    fdb:\n"
	 "      - {mac: 02:00:00:00:00:01, port: p}\n      - {mac: 02:00:00:00:00, port: p}\n",
	 7, 15, VD_E_MAC},
	{"viridian: 1\nswitches:\n  - name: lan\n    type: private\n    fdb:\n      - 7\n", 6, 9,
	 VD_E_TYPE},
	/* several objects */
	{"viridian: 1\nswitches:\n  - name: lan\n    type: private\n  - name: lan\n    type: "
	 "private\n",
	 5, 11, VD_E_EXISTS},
	{"viridian: 1\nswitches:\n  - name: lan\n    type: external\n", 4, 11, VD_E_SWITCH_TYPE},
	{HEAD "  - {name: a, switch: lna, device: tap:a}\n", 7, 23, VD_E_SWITCH_UNKNOWN},
	{HEAD "  - {name: a, switch: lan, device: tap:a}\n  - {name: b, switch: dmz, device: "
	      "netdev:a}\n",
	 8, 36, VD_E_DEVICE_DUPLICATE},
	{HEAD "  - {name: a, switch: dmz, device: tap:a, role: host}\n", 7, 49, VD_E_SWITCH_TYPE},
	{HEAD "  - {name: a, switch: lan, device: tap:a, mac: 525400000a01}\n"
	      "  - {name: b, switch: lan, device: tap:b, mac: 52:54:00:00:0A:01}\n",
	 8, 48, VD_E_MAC_DUPLICATE},
	{HEAD "  - {name: a, switch: lan, device: tap:a, vlan: 'isolated:100,201'}\n"
	      "  - {name: b, switch: lan, device: tap:b, vlan: 'isolated:101,201'}\n",
	 8, 49, VD_E_PVLAN_CONFLICT},
	{"viridian: 1\nswitches:\n  - name: lan\n    type: private\n    fdb:\n"
	 "      - mac: 02:00:00:00:00:01\n        port: p\n",
	 7, 15, VD_E_PORT_UNKNOWN},
};

static void positions(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vsw_model m;
		struct vd_err e;

		CU_ASSERT_TRUE(load(bad[i].text, &m, &e) < 0);
		if (e.line != bad[i].line || e.column != bad[i].column || e.code != bad[i].code)
			printf("# case %zu: %s:%u:%u: %s: %s\n", i, e.file, e.line, e.column,
			       e.path, e.message);
		CU_ASSERT_EQUAL(e.code, bad[i].code);
		CU_ASSERT_EQUAL(e.line, bad[i].line);
		CU_ASSERT_EQUAL(e.column, bad[i].column);
		CU_ASSERT_STRING_EQUAL(e.file, "net.yaml");
	}
}

static void json_positions(void)
{
	struct vsw_model m;
	struct vd_err e;

	CU_ASSERT_TRUE(
		load("{\n\t\"viridian\": 1,\n\t\"ports\": [\n\t\t{\"name\": \"a\", \"swich\": "
		     "\"lan\"}\n\t]\n}\n",
		     &m, &e) < 0);
	CU_ASSERT_EQUAL(e.code, VD_E_KEY_UNKNOWN);
	CU_ASSERT_EQUAL(e.line, 4);
	CU_ASSERT_EQUAL(e.column, 17);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean \"switch\"?");
	CU_ASSERT_TRUE(
		load(HEAD "  - {name: a, switch: lan, device: tap:a, vlan: 'isolated:100,201'}\n"
			  "  - {name: b, switch: lan, device: tap:b, vlan: 'community:101,201'}\n",
		     &m, &e) < 0);
	CU_ASSERT_STRING_EQUAL(e.message,
			       "VLAN 201 cannot be a community VLAN of primary 101: it is an "
			       "isolated VLAN of primary 100 on port \"a\"");
}

static const struct tap_case cases[] = {
	{"every refusal of a YAML document names line and column", positions},
	{"and of a JSON document; the message names both sides", json_positions},
};

TAP_MAIN("vswitch/model/document", cases)
