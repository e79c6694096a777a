/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void first_error_wins(void)
{
	struct vd_err e = {0};

	CU_ASSERT_EQUAL(vd_err_set(&e, -EINVAL, VD_E_VLAN_RANGE, "vlan", "hint", "VLAN %d", 4095),
			-EINVAL);
	CU_ASSERT_EQUAL(vd_err_set(&e, -EBUSY, VD_E_DEVICE_BUSY, "x", NULL, "later"), -EBUSY);
	CU_ASSERT_EQUAL(e.code, VD_E_VLAN_RANGE);
	CU_ASSERT_STRING_EQUAL(e.message, "VLAN 4095");
	vd_err_prefix(&e, "port/web1");
	CU_ASSERT_STRING_EQUAL(e.path, "port/web1/vlan");
	CU_ASSERT_EQUAL(vd_err_set(NULL, -EIO, VD_E_SYSTEM, NULL, NULL, "nobody listens"), -EIO);
}

static void json_round_trip(void)
{
	struct vd_err e = {0}, back;
	json_t *j;

	vd_err_set(&e, -EINVAL, VD_E_MAC, "port/a/mac", "say it in hex", "bad MAC");
	vd_err_at(&e, "net.yaml", 7, 12);
	j = vd_err_to_json(&e);
	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	vd_err_from_json(&back, j);
	CU_ASSERT_EQUAL(back.code, VD_E_MAC);
	CU_ASSERT_STRING_EQUAL(back.path, "port/a/mac");
	CU_ASSERT_STRING_EQUAL(back.hint, "say it in hex");
	CU_ASSERT_STRING_EQUAL(back.file, "net.yaml");
	CU_ASSERT_EQUAL(back.line, 7);
	CU_ASSERT_EQUAL(back.column, 12);
	json_decref(j);
}

static void quotes_are_clean(void)
{
	char longest[400];
	struct vd_err e = {0};
	json_t *j;

	vd_err_set(&e, -EINVAL, VD_E_NAME, "a\x1b[2Jb", "h\nh",
		   "\xff|\xc3\xa9|\xc2\x9b|\xed\xa0\x80|\xc0\x80|\xf0\x9f\x98\x80|\xf8|\xe2\x82");
	CU_ASSERT_STRING_EQUAL(e.path, "a?[2Jb");
	CU_ASSERT_STRING_EQUAL(e.hint, "h?h");
	CU_ASSERT_STRING_EQUAL(e.message, "?|\xc3\xa9|??|???|??|\xf0\x9f\x98\x80|?|??");
	j = vd_err_to_json(&e);
	CU_ASSERT_PTR_NOT_NULL(j);
	json_decref(j);
	/* cut inside of a character */
	memset(&e, 0, sizeof(e));
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = i % 2 ? '\xa9' : '\xc3';
	longest[sizeof(longest) - 1] = '\0';
	vd_err_set(&e, -EINVAL, VD_E_NAME, longest, longest, "x%s", longest + 1);
	vd_err_prefix(&e, "p");
	vd_err_at(&e, longest, 1, 1);
	j = vd_err_to_json(&e);
	CU_ASSERT_PTR_NOT_NULL(j);
	json_decref(j);
}

static void codes_are_unique(void)
{
	for (int i = 0; i < VD_E_N; i++) {
		CU_ASSERT_EQUAL(vd_code_of(vd_code_text((enum vd_code)i)), (enum vd_code)i);
		CU_ASSERT_TRUE(strlen(vd_code_doc((enum vd_code)i)) > 3);
	}
}

static void exit_statuses(void)
{
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_OK), 0);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_USAGE), 2);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_PORT_UNKNOWN), 3);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_EXISTS), 4);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_PERMISSION), 5);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_UNREACHABLE), 6);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_TIMEOUT), 7);
	CU_ASSERT_EQUAL(vd_code_exit(VD_E_VLAN_RANGE), 1);
}

static const struct tap_case cases[] = {
	{"the first recorded error wins and gains path prefixes", first_error_wins},
	{"JSON form keeps every field", json_round_trip},
	{"what is quoted becomes printable UTF-8", quotes_are_clean},
	{"every code has a unique text and an explanation", codes_are_unique},
	{"kinds decide the exit status", exit_statuses},
};

TAP_MAIN("base/err", cases)
