/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"
#include "ctl/yaml_out.h"

static char *yaml_of(json_t *j)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	CU_ASSERT_EQUAL(ctl_yaml_write(j, f), 0);
	fclose(f);
	return text;
}

static void plain(void)
{
	static const char *const good[] = {"lan",
					   "tap:web1",
					   "access:10",
					   "trunk:10,20-29,native=5",
					   "web-1.x",
					   "/run/x.sock",
					   "vhost-user:/run/x.sock,client",
					   "52:54:00:ab:cd:0f",
					   "123e4567-e89b-12d3-a456-426614174000",
					   "free text (with words)",
					   "nope"};
	static const char *const bad[] = {"",
					  "on",
					  "No",
					  "yes",
					  "y",
					  "N",
					  "null",
					  "~",
					  "true",
					  "0123",
					  "12",
					  "1.5",
					  "1e3",
					  "0x1f",
					  "0o17",
					  "1_000",
					  "12:30:45",
					  "2026-01-01",
					  "2026-01-01T00:00:00Z",
					  "52:54:00:00:00:01",
					  "-1",
					  "+1",
					  ".5",
					  ".inf",
					  "- a",
					  "a: b",
					  "a:",
					  "a ",
					  " a",
					  "#a",
					  "a #b",
					  "*a",
					  "&a",
					  "!a",
					  "[a",
					  "{a",
					  "a\nb",
					  "'a",
					  "\"a",
					  "a\"",
					  "%a",
					  "@a",
					  "`a",
					  "|",
					  ">",
					  "?",
					  "\xc3\xa9",
					  "=",
					  "<<"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CU_ASSERT_TRUE(ctl_yaml_plain(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ctl_yaml_plain(bad[i]))
			printf("# '%s'\n", bad[i]);
		CU_ASSERT_FALSE(ctl_yaml_plain(bad[i]));
	}
}

static void document(void)
{
	json_t *j = json_loads("{\"viridian\":1,\"switches\":[{\"name\":\"lan\",\"mtu\":1500,"
			       "\"notes\":\"on\",\"fdb\":[],"
			       "\"x\":{},\"r\":2.0,\"z\":null,\"t\":true}]}",
			       0, NULL);
	char *text = yaml_of(j);

	CU_ASSERT_STRING_EQUAL(
		text,
		"viridian: 1\nswitches:\n- name: lan\n  mtu: 1500\n  notes: \"on\"\n  fdb: []\n"
		"  x: {}\n  r: 2.0\n  z: null\n  t: true\n");
	free(text);
	json_decref(j);
}

/* Any string, as value and as key, comes back from our own reader as it was. */
static void round_trip(void)
{
	json_t *j = json_object(), *list = json_array();
	static const char *const texts[] = {
		"on",
		"0123",
		"1:30",
		"",
		"~",
		"a: b",
		"line\nline",
		"tab\t",
		"\xc3\xa9\xe2\x82\xac",
		"'\"",
		"- x",
		"#",
		"2026-01-01",
		"0x10",
		"trailing ",
		"\x7f",
		"1e5",
		"Null",
		("very long text very long text very long text very long text very long text "
		 "very long text very long text very long text very long text very long text")};
	struct vd_doc *doc = NULL;
	struct vd_err e = {0};
	char *text;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		json_array_append_new(list, json_string(texts[i]));
		if (texts[i][0])
			json_object_set_new(j, texts[i], json_integer((json_int_t)i - 3));
	}
	json_object_set_new(j, "list", list);
	json_object_set_new(j, "real", json_real(0.1));
	json_object_set_new(j, "whole", json_real(1e300));
	text = yaml_of(j);
	if (vd_doc_parse(text, strlen(text), "t", &doc, &e))
		printf("# %u:%u %s\n", e.line, e.column, e.message);
	CU_ASSERT_PTR_NOT_NULL_FATAL(doc);
	CU_ASSERT_TRUE(json_equal(vd_doc_root(doc), j));
	vd_doc_free(doc);
	free(text);
	json_decref(j);
}

static const struct tap_case cases[] = {
	{"which strings may stand without quotes", plain},
	{"a document in block style", document},
	{"what is written is read back the same", round_trip},
};

TAP_MAIN("ctl/yaml", cases)
