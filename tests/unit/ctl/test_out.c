/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/out.h"

static char text[8192];

/* What @print writes to stdout. */
static const char *printed(void (*print)(json_t *j), const char *json)
{
	json_t *j = json_loads(json, JSON_DECODE_ANY, NULL);
	int was = dup(1), pipes[2];
	ssize_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(j);
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	fflush(stdout);
	dup2(pipes[1], 1);
	print(j);
	fflush(stdout);
	dup2(was, 1);
	close(was);
	close(pipes[1]);
	n = read(pipes[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	close(pipes[0]);
	json_decref(j);
	return text;
}

static void object(json_t *j)
{
	ctl_print_object(j, 0, NULL);
}

static void table(json_t *j)
{
	static const struct ctl_column columns[] = {
		{"NAME", "name", 0, NULL}, {"N", "n", CTL_COL_RIGHT, NULL}, {"X", "x", 0, NULL}};

	ctl_print_table(j, columns, 3, NULL);
}

static void any_table(json_t *j)
{
	ctl_print_any_table(j);
}

static void views(void)
{
	CU_ASSERT_STRING_EQUAL(
		printed(table,
			"[{\"name\":\"a\",\"n\":5},{\"name\":\"bb\",\"n\":1000,\"x\":null}]"),
		"NAME    N X\na       5 -\nbb   1000 -\n");
	CU_ASSERT_STRING_EQUAL(printed(table, "[]"), "");
	CU_ASSERT_STRING_EQUAL(printed(any_table, "[{\"a_b\":1,\"o\":{},\"c\":\"x\"}]"),
			       "A-B C\n  1 x\n");
	CU_ASSERT_STRING_EQUAL(printed(object, "{\"name\":\"a\",\"b\":true,\"io\":{\"x\":1},\"l\":["
					       "\"p\",\"q\"],\"e\":[]}"),
			       "name: a\nb:    yes\nl:    p, q\ne:    -\nio:\n  x: 1\n");
}

static void json(void)
{
	CU_ASSERT_STRING_EQUAL(printed(ctl_print_json, "{\"b\": 1, \"a\": []}"),
			       "{\"b\":1,\"a\":[]}\n");
	CU_ASSERT_STRING_EQUAL(printed(ctl_print_json, "[]"), "[]\n");
}

/* A VM owner can choose notes and names; none of them may drive the operator's terminal. */
static void terminal(void)
{
	CU_ASSERT_PTR_NULL(strchr(printed(object, "{\"no\\u001btes\":\"\\u001b[2Jx\\n\"}"), 033));
	CU_ASSERT_STRING_EQUAL(text, "no?tes: ?[2Jx?\n");
	CU_ASSERT_PTR_NULL(strchr(printed(table, "[{\"name\":\"\\u001b[2J\"}]"), 033));
	CU_ASSERT_PTR_NULL(strstr(printed(table, "[{\"name\":\"\\u009b2J\"}]"), "\xc2\x9b"));
	CU_ASSERT_STRING_EQUAL(printed(object, "{\"a\":\"h\\u00e9 \\u009b1m\"}"),
			       "a: h\xc3\xa9 ?1m\n");
}

static void numbers(void)
{
	static const struct {
		double v;
		const char *plain, *bytes;
	} t[] = {{0, "0", "0 B"},
		 {999, "999", "999 B"},
		 {1000, "1.00 k", "1000 B"},
		 {1536, "1.54 k", "1.50 KiB"},
		 {14880952, "14.9 M", "14.2 MiB"},
		 {2.5e12, "2.50 T", "2.27 TiB"}};
	char buf[32];

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CU_ASSERT_STRING_EQUAL(ctl_human(t[i].v, buf, sizeof(buf)), t[i].plain);
		CU_ASSERT_STRING_EQUAL(ctl_human_bytes(t[i].v, buf, sizeof(buf)), t[i].bytes);
	}
	CU_ASSERT_STRING_EQUAL(ctl_human_time(59, buf, sizeof(buf)), "59s");
	CU_ASSERT_STRING_EQUAL(ctl_human_time(185, buf, sizeof(buf)), "3m05s");
	CU_ASSERT_STRING_EQUAL(ctl_human_time(7800, buf, sizeof(buf)), "2h10m");
	CU_ASSERT_STRING_EQUAL(ctl_human_time(356400, buf, sizeof(buf)), "4d03h");
}

static const struct tap_case cases[] = {
	{"tables and views", views},
	{"JSON is compact and keeps its order", json},
	{"foreign text cannot drive the terminal", terminal},
	{"numbers for people", numbers},
};

TAP_MAIN("ctl/out", cases)
