/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAS-Filter-Rule: what is understood, and that nothing else is. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "nap-policy/filter_rule.h"

static struct nap_target t[4];
static unsigned int n;

static int parse(const char *rules)
{
	return nap_filter_parse(rules, t, 4, &n);
}

static void understood(void)
{
	CU_ASSERT_EQUAL(parse(""), 0);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL_FATAL(parse("permit in tcp from any to 10.0.9.10 80,443,8000-8010\n"
				    "permit in 17 from assigned to 2001:db8::/64\n"
				    "permit in icmp from any to 10.0.9.10\n"
				    "deny in ip from any to any"),
			      0);
	CU_ASSERT_EQUAL(n, 3);
	CU_ASSERT_EQUAL(t[0].n_tcp, 3);
	CU_ASSERT_EQUAL(t[0].tcp[2].last, 8010);
	CU_ASSERT(t[0].n_udp == 0 && !t[0].ping);
	CU_ASSERT(t[1].to.family == 6 && t[1].to.len == 64 && t[1].udp[0].last == 65535 &&
		  t[1].n_tcp == 0);
	CU_ASSERT(t[2].ping && !t[2].n_tcp && !t[2].n_udp);
	CU_ASSERT_EQUAL(parse("permit in ip from any to 10.0.9.10\n"), 0);
	CU_ASSERT(n == 1 && t[0].ping && t[0].n_tcp == 1 && t[0].n_udp == 1);
}

static void q42_refused(void)
{
	static const char *const bad[] = {
		"permit",
		"permit in ip from any to any",
		"permit in ip from any to 0.0.0.0/0",
		"permit out ip from any to 10.0.0.1",
		"permit in ip from 10.0.0.1 to 10.0.0.2",
		"permit in gre from any to 10.0.0.1",
		"permit in ip from any to 10.0.0.1 80",
		"permit in tcp from any to 10.0.0.1 0",
		"permit in tcp from any to 10.0.0.1 90-80",
		"permit in tcp from any to 10.0.0.1 65536",
		"permit in tcp from any to 10.0.0.1 80 established",
		"permit in tcp from any to host.example 80",
		"allow in tcp from any to 10.0.0.1 80",
		"deny in tcp from any to any",
		"deny in ip from any to any\npermit in tcp from any to 10.0.0.1 80",
		"permit in tcp from any to 10.0.0.1 ,",
		"permit in tcp from any to 10.0.0.1 80\ngarbage",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(bad[i]) != -EINVAL)
			CU_FAIL(bad[i]);
	}
	CU_ASSERT_EQUAL(
		parse("permit in ip from any to 10.0.0.1\npermit in ip from any to 10.0.0.2\n"
		      "permit in ip from any to 10.0.0.3\npermit in ip from any to 10.0.0.4\n"
		      "permit in ip from any to 10.0.0.5\n"),
		-E2BIG);
}

static const struct tap_case cases[] = {
	{"rules that are understood", understood},
	{"Q42: rules that are not", q42_refused},
};

TAP_MAIN("nap-policy/filter_rule", cases)
