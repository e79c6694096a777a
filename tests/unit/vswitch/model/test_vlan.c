/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vswitch/model/vlan.h"

static void canonical_forms(void)
{
	static const struct {
		const char *in, *out;
	} t[] = {
		{"none", "none"},
		{"access:1", "access:1"},
		{"access:4094", "access:4094"},
		{"trunk:10,20-29", "trunk:10,20-29"},
		{"trunk:29,20-28,10,25", "trunk:10,20-29"},
		{"trunk:1-4094", "trunk:1-4094"},
		{"trunk:7,8,native=5", "trunk:7-8,native=5"},
		{"trunk:native=0,7-7", "trunk:7,native=0"},
		{"trunk:63,64,65,127-129", "trunk:63-65,127-129"},
		{"isolated:100,201", "isolated:100,201"},
		{"community:100,202", "community:100,202"},
		{"promiscuous:100,201-210,205", "promiscuous:100,201-210"},
	};
	char buf[VSW_VLAN_STR_SIZE];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_vlan v, again;
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(vsw_vlan_parse(t[i].in, NULL, &v, &e), 0);
		CU_ASSERT_STRING_EQUAL(vsw_vlan_format(&v, buf, sizeof(buf)), t[i].out);
		CU_ASSERT_EQUAL(vsw_vlan_parse(buf, NULL, &again, &e), 0);
		CU_ASSERT_TRUE(vsw_vlan_equal(&v, &again));
	}
}

static void refused(void)
{
	static const struct {
		const char *in;
		enum vd_code code;
	} t[] = {
		{"", VD_E_VLAN_MODE},
		{"none:", VD_E_VLAN_MODE},
		{"None", VD_E_VLAN_MODE},
		{"10", VD_E_VLAN_MODE},
		{"acces:10", VD_E_VLAN_MODE},
		{"access", VD_E_VLAN_MODE},
		{"access:", VD_E_VLAN_MODE},
		{"access:0", VD_E_VLAN_RANGE},
		{"access:4095", VD_E_VLAN_RANGE},
		{"access:65546", VD_E_VLAN_RANGE},
		{"access:99999999999999999999999999", VD_E_VLAN_RANGE},
		{"access:-1", VD_E_VLAN_MODE},
		{"access: 10", VD_E_VLAN_MODE},
		{"access:10 ", VD_E_VLAN_MODE},
		{"access:0x10", VD_E_VLAN_MODE},
		{"access:10,11", VD_E_VLAN_MODE},
		{"trunk:", VD_E_VLAN_MODE},
		{"trunk:,", VD_E_VLAN_MODE},
		{"trunk:10,", VD_E_VLAN_MODE},
		{"trunk:native=5", VD_E_VLAN_MODE},
		{"trunk:10,native=", VD_E_VLAN_MODE},
		{"trunk:10,native=5,native=5", VD_E_VLAN_MODE},
		{"trunk:10,native=4095", VD_E_VLAN_RANGE},
		{"trunk:0-10", VD_E_VLAN_RANGE},
		{"trunk:1-4095", VD_E_VLAN_RANGE},
		{"trunk:10-5", VD_E_VLAN_MODE},
		{"trunk:10-", VD_E_VLAN_MODE},
		{"trunk:-10", VD_E_VLAN_MODE},
		{"trunk:1-2-3", VD_E_VLAN_MODE},
		{"isolated:100", VD_E_VLAN_MODE},
		{"isolated:100,", VD_E_VLAN_MODE},
		{"isolated:100,100", VD_E_VLAN_MODE},
		{"isolated:100,201,202", VD_E_VLAN_MODE},
		{"community:0,1", VD_E_VLAN_RANGE},
		{"promiscuous:100", VD_E_VLAN_MODE},
		{"promiscuous:100,90-110", VD_E_VLAN_MODE},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_vlan v = {.vid = 77};
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(vsw_vlan_parse(t[i].in, "port/p/vlan", &v, &e), -EINVAL);
		CU_ASSERT_EQUAL(e.code, t[i].code);
		CU_ASSERT_STRING_EQUAL(e.path, "port/p/vlan");
		CU_ASSERT_TRUE(e.hint[0] != 0);
		CU_ASSERT_EQUAL(v.vid, 77);
		if (e.code != t[i].code)
			printf("# %s: %s\n", t[i].in, e.message);
	}
}

static void hints_teach(void)
{
	struct vd_err e = {0};
	struct vsw_vlan v;

	vsw_vlan_parse("acces:10", NULL, &v, &e);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean \"access\"?");
	memset(&e, 0, sizeof(e));
	vsw_vlan_parse("10", NULL, &v, &e);
	CU_ASSERT_STRING_EQUAL(e.hint, "for one untagged VLAN write access:10");
	memset(&e, 0, sizeof(e));
	vsw_vlan_parse("access:4095", NULL, &v, &e);
	CU_ASSERT_STRING_EQUAL(e.message, "VLAN 4095 is not usable (allowed: 1-4094)");
}

static void native_is_told_apart(void)
{
	struct vsw_vlan v;

	CU_ASSERT_EQUAL(vsw_vlan_parse("trunk:5", NULL, &v, NULL), 0);
	CU_ASSERT_EQUAL(v.vid, VSW_VID_NONE);
	CU_ASSERT_EQUAL(vsw_vlan_parse("trunk:5,native=0", NULL, &v, NULL), 0);
	CU_ASSERT_EQUAL(v.vid, 0);
	CU_ASSERT_TRUE(vsw_vlan_has(&v, 5));
	CU_ASSERT_FALSE(vsw_vlan_has(&v, 0));
}

static void longest_list_fits(void)
{
	static char text[VSW_VLAN_STR_SIZE], buf[VSW_VLAN_STR_SIZE];
	struct vsw_vlan v = {.mode = VSW_VLAN_TRUNK, .vid = 4094}, again;
	char small[16];

	for (uint16_t vid = 1; vid <= 4094; vid++)
		if (vid % 3)
			vsw_vlan_add(&v, vid);
	vsw_vlan_format(&v, text, sizeof(text));
	CU_ASSERT_TRUE(strlen(text) < sizeof(text) - 1);
	CU_ASSERT_EQUAL(vsw_vlan_parse(text, NULL, &again, NULL), 0);
	CU_ASSERT_TRUE(vsw_vlan_equal(&v, &again));
	CU_ASSERT_STRING_EQUAL(vsw_vlan_format(&again, buf, sizeof(buf)), text);
	CU_ASSERT_EQUAL(strlen(vsw_vlan_format(&again, small, sizeof(small))), 15);
}

static const struct tap_case cases[] = {
	{"modes have one canonical text", canonical_forms},
	{"malformed modes are refused with a code and a hint", refused},
	{"hints show the right form", hints_teach},
	{"no native VLAN is not native VLAN 0", native_is_told_apart},
	{"the longest list fits, a small buffer cuts", longest_list_fits},
};

TAP_MAIN("vswitch/model/vlan", cases)
