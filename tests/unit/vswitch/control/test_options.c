/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <string.h>

#include "vswitch/control/options.h"

static int parse(struct vsw_options *o, struct vd_err *e, const char *env, const char *line)
{
	static char copy[512];
	char *argv[16] = {(char *)"viridiand"}, *save;
	int argc = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	argv[argc] = NULL;
	memset(e, 0, sizeof(*e));
	return vsw_options_parse(argc, argv, env, o, e);
}

static void defaults(void)
{
	struct vsw_options o;
	struct vd_err e;

	CU_ASSERT_EQUAL(parse(&o, &e, NULL, ""), 0);
	CU_ASSERT_STRING_EQUAL(o.socket, "/run/viridian/control.sock");
	CU_ASSERT_STRING_EQUAL(o.state, "/var/lib/viridian");
	CU_ASSERT_PTR_NULL(o.config);
	CU_ASSERT_EQUAL(o.n_workers, 1);
	CU_ASSERT_EQUAL(o.cores[0], -1);
	CU_ASSERT_FALSE(o.poll);
}

static void socket_from_environment(void)
{
	struct vsw_options o;
	struct vd_err e;

	CU_ASSERT_EQUAL(parse(&o, &e, "/tmp/a.sock", ""), 0);
	CU_ASSERT_STRING_EQUAL(o.socket, "/tmp/a.sock");
	CU_ASSERT_EQUAL(parse(&o, &e, "/tmp/a.sock", "--socket /tmp/b.sock"), 0);
	CU_ASSERT_STRING_EQUAL(o.socket, "/tmp/b.sock");
	CU_ASSERT_EQUAL(parse(&o, &e, "", ""), 0);
	CU_ASSERT_STRING_EQUAL(o.socket, "/run/viridian/control.sock");
}

static void workers(void)
{
	static const struct {
		const char *text;
		int n, first, last; /* n < 0: refused */
	} t[] = {
		{"0", 1, 0, 0},         {"2,4-7", 5, 2, 7},
		{"any:4", 4, -1, -1},   {"0-15", 16, 0, 15},
		{"any:16", 16, -1, -1}, {"0-16", -1, 0, 0},
		{"any:0", -1, 0, 0},    {"any:17", -1, 0, 0},
		{"", -1, 0, 0},         {"1,", -1, 0, 0},
		{",1", -1, 0, 0},       {"1,1", -1, 0, 0},
		{"3-1", -1, 0, 0},      {"x", -1, 0, 0},
		{"1x", -1, 0, 0},       {"99999999999999", -1, 0, 0},
		{"-1", -1, 0, 0},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char line[64];
		struct vsw_options o;
		struct vd_err e;
		int rc;

		snprintf(line, sizeof(line), "--workers=%s", t[i].text);
		rc = parse(&o, &e, NULL, line);
		if (t[i].n < 0) {
			CU_ASSERT_EQUAL(rc, -EINVAL);
			CU_ASSERT_EQUAL(e.code, VD_E_USAGE);
			continue;
		}
		CU_ASSERT_EQUAL_FATAL(rc, 0);
		CU_ASSERT_EQUAL(o.n_workers, t[i].n);
		CU_ASSERT_EQUAL(o.cores[0], t[i].first);
		CU_ASSERT_EQUAL(o.cores[o.n_workers - 1], t[i].last);
	}
}

static void refusals_teach(void)
{
	static const struct {
		const char *line, *says;
	} t[] = {
		{"--sokcet /tmp/x", "did you mean --socket?"},
		{"--memory 5", "viridiand --help"},
		{"--memory 1000000", "viridiand --help"},
		{"--log-level loud", "viridiand --help"},
		{"--socket relative", "viridiand --help"},
		{"lan", "viridiand --help"},
		{"--state", "did you mean --state?"},
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct vsw_options o;
		struct vd_err e;

		CU_ASSERT_EQUAL(parse(&o, &e, NULL, t[i].line), -EINVAL);
		CU_ASSERT_EQUAL(e.code, VD_E_USAGE);
		CU_ASSERT_STRING_EQUAL(e.hint, t[i].says);
		CU_ASSERT_TRUE(e.message[0] != '\0');
	}
}

static const struct tap_case cases[] = {
	{"defaults", defaults},
	{"the socket's path may come from the environment", socket_from_environment},
	{"worker lists", workers},
	{"refusals say what would be right", refusals_teach},
};

TAP_MAIN("vswitch-control-options", cases)
