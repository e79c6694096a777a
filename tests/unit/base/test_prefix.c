/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "base/prefix.h"

static void good(void)
{
	static const char *const same[] = {"10.0.0.0/8",      "0.0.0.0/0", "192.0.2.1",
					   "255.255.255.255", "fd00::/8",  "::/0",
					   "2001:db8::1"};
	char buf[VD_PREFIX_STR_SIZE];
	struct vd_prefix p;

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		CU_ASSERT_EQUAL(vd_prefix_parse(same[i], &p), 0);
		CU_ASSERT_STRING_EQUAL(vd_prefix_format(&p, buf), same[i]);
	}
	CU_ASSERT_EQUAL(vd_prefix_parse("2001:DB8:0:0::1/128", &p), 0);
	CU_ASSERT_STRING_EQUAL(vd_prefix_format(&p, buf), "2001:db8::1");
}

static void bad(void)
{
	static const struct {
		const char *text;
		int r;
	} t[] = {
		{"", -EINVAL},
		{"/8", -EINVAL},
		{"10.0.0", -EINVAL},
		{"10.0.0.0/", -EINVAL},
		{"10.0.0.0/08", -EINVAL},
		{"10.0.0.0/+8", -EINVAL},
		{"10.0.0.0/33", -ERANGE},
		{"::/129", -ERANGE},
		{"10.0.0.1/8", -EDOM},
		{"fd00::1/64", -EDOM},
		{"10.0.0.0/8 ", -EINVAL},
		{"10.0.0.0/4294967304", -ERANGE},
		{"1234:1234:1234:1234:1234:1234:1234:1234:1234:1234", -EINVAL},
	};
	char buf[VD_PREFIX_STR_SIZE];
	struct vd_prefix p;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		CU_ASSERT_EQUAL(vd_prefix_parse(t[i].text, &p), t[i].r);
	vd_prefix_parse("10.1.2.3/8", &p);
	CU_ASSERT_STRING_EQUAL(vd_prefix_format(&p, buf), "10.0.0.0/8");
}

static void covers(void)
{
	struct vd_prefix a, b, c;

	vd_prefix_parse("10.0.0.0/8", &a);
	vd_prefix_parse("10.20.0.0/17", &b);
	vd_prefix_parse("::/0", &c);
	CU_ASSERT_TRUE(vd_prefix_covers(&a, &b));
	CU_ASSERT_FALSE(vd_prefix_covers(&b, &a));
	CU_ASSERT_TRUE(vd_prefix_covers(&a, &a));
	CU_ASSERT_FALSE(vd_prefix_covers(&c, &a));
	vd_prefix_parse("10.20.128.0/32", &c);
	CU_ASSERT_FALSE(vd_prefix_covers(&b, &c));
}

static const struct tap_case cases[] = {
	{"prefixes are read and written in one form", good},
	{"malformed prefixes are told apart", bad},
	{"a prefix covers its parts", covers},
};

TAP_MAIN("base-prefix", cases)
