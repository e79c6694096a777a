/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "base/names.h"

static void names(void)
{
	static const char *const good[] = {"a", "web1", "Web-1.x_y", "0"};
	static const char *const bad[] = {"", "-a", ".x", "a b", "a:b", "a/b", "\xc3\xa9", "a\n"};
	char longest[VD_NAME_MAX + 2];
	struct vd_err e = {0};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT_EQUAL(vd_name_check(good[i], NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(vd_name_check(bad[i], NULL, NULL), -EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[VD_NAME_MAX + 1] = 0;
	CU_ASSERT_EQUAL(vd_name_check(longest, "port/x", &e), -EINVAL);
	CU_ASSERT_EQUAL(e.code, VD_E_NAME);
	longest[VD_NAME_MAX] = 0;
	CU_ASSERT_EQUAL(vd_name_check(longest, NULL, NULL), 0);
}

static void macs(void)
{
	static const char *const bad[] = {"",
					  "52:54:00:12:34",
					  "52:54:00:12:34:5g",
					  "52:54:00:12:34:567",
					  "52:54-00:12:34:56",
					  "52540012345"};
	struct vd_mac m;
	char buf[VD_MAC_STR_SIZE];

	CU_ASSERT_EQUAL(vd_mac_parse("52:54:00:AB:cd:0f", &m), 0);
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&m, buf), "52:54:00:ab:cd:0f");
	CU_ASSERT_EQUAL(vd_mac_parse("00-15-5D-01-02-03", &m), 0);
	CU_ASSERT_EQUAL(vd_mac_parse("00155D010203", &m), 0);
	CU_ASSERT_STRING_EQUAL(vd_mac_format(&m, buf), "00:15:5d:01:02:03");
	CU_ASSERT_TRUE(vd_mac_usable(&m));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(vd_mac_parse(bad[i], &m), -EINVAL);
	CU_ASSERT_EQUAL(vd_mac_parse("01:00:5e:00:00:01", &m), 0);
	CU_ASSERT_FALSE(vd_mac_usable(&m));
	CU_ASSERT_EQUAL(vd_mac_parse("00:00:00:00:00:00", &m), 0);
	CU_ASSERT_FALSE(vd_mac_usable(&m));
}

static void suggestions(void)
{
	static const char *const verbs[] = {"add", "list", "show", "remove", "set"};

	CU_ASSERT_STRING_EQUAL(vd_suggest("lsit", verbs, 5), "list");
	CU_ASSERT_STRING_EQUAL(vd_suggest("remvoe", verbs, 5), "remove");
	CU_ASSERT_STRING_EQUAL(vd_suggest("ad", verbs, 5), "add");
	CU_ASSERT_PTR_NULL(vd_suggest("frobnicate", verbs, 5));
	CU_ASSERT_PTR_NULL(vd_suggest("", verbs, 5));
}

static const struct tap_case cases[] = {
	{"object names", names},
	{"MAC addresses", macs},
	{"suggestions for slips", suggestions},
};

TAP_MAIN("base/names", cases)
