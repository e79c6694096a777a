/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/doc.h"

/* Reads the same as the JSON text @want? */
static void same(const char *text, const char *want)
{
	struct vd_doc *d = NULL;
	struct vd_err e = {0};
	json_t *w = json_loads(want, JSON_DECODE_ANY, NULL);
	int r = vd_doc_parse(text, strlen(text), "t", &d, &e);

	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	if (r)
		printf("# %s: %u:%u: %s\n", text, e.line, e.column, e.message);
	CU_ASSERT_EQUAL(r, 0);
	if (r == 0 && !json_equal(vd_doc_root(d), w)) {
		char *got = json_dumps(vd_doc_root(d), JSON_ENCODE_ANY);

		printf("# %s: got %s\n", text, got);
		free(got);
	}
	CU_ASSERT_TRUE(r == 0 && json_equal(vd_doc_root(d), w));
	json_decref(w);
	vd_doc_free(d);
}

static void refused(const char *text, unsigned int line, unsigned int column, enum vd_code code)
{
	struct vd_doc *d = NULL;
	struct vd_err e = {0};
	int r = vd_doc_parse(text, strlen(text), "t.yaml", &d, &e);

	if (r == 0 || e.line != line || e.column != column || e.code != code)
		printf("# %s\n# %d %s at %u:%u: %s\n", text, r, vd_code_text(e.code), e.line,
		       e.column, e.message);
	CU_ASSERT_EQUAL(r, code == VD_E_TOO_LARGE ? -E2BIG : -EINVAL);
	CU_ASSERT_EQUAL(e.code, code);
	CU_ASSERT_EQUAL(e.line, line);
	CU_ASSERT_EQUAL(e.column, column);
	CU_ASSERT_STRING_EQUAL(e.file, "t.yaml");
	CU_ASSERT_PTR_NULL(d);
}

static void yaml(void)
{
	same("", "{}");
	same("# only a comment\n", "{}");
	same("---\n", "{}");
	same("---\na: 1\n...\n", "{\"a\":1}");
	same("a: 1\nb: [x, y]\nc:\n  - d: e\n  - {f: g}\n",
	     "{\"a\":1,\"b\":[\"x\",\"y\"],\"c\":[{\"d\":\"e\"},{\"f\":\"g\"}]}");
	same("a:\nb: ''\nc: ~\n", "{\"a\":null,\"b\":\"\",\"c\":\"~\"}");
	same("{a: 1, b: [2]}", "{\"a\":1,\"b\":[2]}");
	same("[a, 'b c', \"d\\te\"]", "[\"a\",\"b c\",\"d\\te\"]");
	same("notes: |\n  two\n  lines\n", "{\"notes\":\"two\\nlines\\n\"}");
	same("1: a\ntrue: b\n", "{\"1\":\"a\",\"true\":\"b\"}");
	same("\xef\xbb\xbf"
	     "a: \xc3\xa9\n",
	     "{\"a\":\"\xc3\xa9\"}");
}

static void plain_scalars(void)
{
	same("[true, false, null]", "[true,false,null]");
	same("[True, yes, no, on, off, NULL, ~]",
	     "[\"True\",\"yes\",\"no\",\"on\",\"off\",\"NULL\",\"~\"]");
	same("[0, -1, 12, 9223372036854775807]", "[0,-1,12,9223372036854775807]");
	same("[1.5, 1e3, -0.25E-2]", "[1.5,1000.0,-0.0025]");
	same("[0123, 0x10, 0o7, +1, 1_000, .5, 1., 1e, .inf, -]",
	     "[\"0123\",\"0x10\",\"0o7\",\"+1\",\"1_000\",\".5\",\"1.\",\"1e\",\".inf\",\"-\"]");
	same("- 52:54:00:12:34:56\n- 12:30\n- 10:20:30\n- 2001-01-01\n",
	     "[\"52:54:00:12:34:56\",\"12:30\",\"10:20:30\",\"2001-01-01\"]");
	same("- tap:web1\n- trunk:10,20-29,native=5\n- '10'\n- \"true\"\n",
	     "[\"tap:web1\",\"trunk:10,20-29,native=5\",\"10\",\"true\"]");
}

static void json(void)
{
	same("{}", "{}");
	same("[]", "[]");
	same("{\"a\":{\"b\":[1,2.5,\"x\",true,false,null]}}",
	     "{\"a\":{\"b\":[1,2.5,\"x\",true,false,null]}}");
	same("\t{\n\t\"a\"\t:\t[\t1\t,\t2\t]\t\r\n}\n", "{\"a\":[1,2]}");
	same("{\"a\":\"\\ud83d\\ude00 \\/ \\u00e9\"}", "{\"a\":\"\xf0\x9f\x98\x80 / \xc3\xa9\"}");
	same("\xef\xbb\xbf{\"a\":1}", "{\"a\":1}");
	/* no JSON, but YAML's flow form of it */
	same("{\"a\": b, c: 'd', }", "{\"a\":\"b\",\"c\":\"d\"}");
	same("{\"a\":1} # one\n", "{\"a\":1}");
}

static void yaml_refused(void)
{
	refused("a: 1\nb: 2\na: 3\n", 3, 1, VD_E_SYNTAX);
	refused("a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 3, VD_E_SYNTAX);
	refused("a: &x 1\n", 1, 4, VD_E_SYNTAX);
	refused("a: *x\n", 1, 4, VD_E_SYNTAX);
	refused("a: !!str 1\n", 1, 4, VD_E_SYNTAX);
	refused("a: !foo {}\n", 1, 4, VD_E_SYNTAX);
	refused("a: 1\n---\nb: 2\n", 2, 1, VD_E_SYNTAX);
	refused("[a]: 1\n", 1, 1, VD_E_SYNTAX);
	refused("? {a: b}\n: 1\n", 1, 3, VD_E_SYNTAX);
	refused("a: 99999999999999999999\n", 1, 4, VD_E_SYNTAX);
	refused("a: 1e999\n", 1, 4, VD_E_SYNTAX);
	refused("a: b: c\n", 1, 5, VD_E_SYNTAX);
	refused("a:\n\t- b\n", 2, 1, VD_E_SYNTAX);
	refused("a: \"\\0\"\n", 1, 4, VD_E_SYNTAX);
	refused("a: 1\nb: \"\xff\"\n", 2, 5, VD_E_SYNTAX);
	refused("a: 1\nb: \x01\n", 2, 4, VD_E_SYNTAX);
	refused("a: 'b\n", 2, 1, VD_E_SYNTAX);
}

static void json_refused(void)
{
	refused("{\"a\":1,\n \"b\":2,\n \"a\":3}", 3, 2, VD_E_SYNTAX);
	refused("{\"a\":\"\\u0000\"}", 1, 6, VD_E_SYNTAX);
	refused("{\"a\":\"\\ud800\"}", 1, 9, VD_E_SYNTAX);
	refused("{\"a\":1]", 1, 7, VD_E_SYNTAX);
	refused("{\"a\":1}\n}", 2, 1, VD_E_SYNTAX);
	refused("{\"a\":[1,2\n", 2, 1, VD_E_SYNTAX);
	refused("{\"a\":\n \"b", 2, 4, VD_E_SYNTAX);
	refused("{\"a\":\t@}", 1, 7, VD_E_SYNTAX);
	refused("{\"\xc3\xa9\xc3\xa9\":\t@}", 1, 8, VD_E_SYNTAX);
}

static void repeated(char open, size_t n, int want)
{
	char *text = malloc(n);
	struct vd_doc *d = NULL;
	struct vd_err e = {0};

	memset(text, open, n);
	CU_ASSERT_EQUAL(vd_doc_parse(text, n, "t", &d, &e), want);
	vd_doc_free(d);
	free(text);
}

static void limits(void)
{
	char text[256] = "";
	struct vd_doc *d = NULL;
	struct vd_err e = {0};

	for (int i = 0; i < 32; i++)
		strcat(text, "[");
	for (int i = 0; i < 32; i++)
		strcat(text, "]");
	same(text, text);
	snprintf(text, sizeof(text), "%s",
		 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	refused(text, 1, 33, VD_E_TOO_LARGE);
	text[0] = '\0';
	for (int i = 0; i < 40; i++)
		strcat(text, "- ");
	refused(text, 1, 65, VD_E_TOO_LARGE);
	repeated('[', 10000, -E2BIG);
	repeated('[', 16u << 20, -E2BIG);
	repeated('{', 10000, -EINVAL);
	repeated('-', 10000, 0); /* a plain text */
	CU_ASSERT_EQUAL(vd_doc_parse("", VD_DOC_SIZE_MAX + 1u, "t", &d, &e), -E2BIG);
	CU_ASSERT_EQUAL(e.code, VD_E_TOO_LARGE);
}

static void located(const struct vd_doc *d, const json_t *c, const char *key, size_t index,
		    enum vd_code code, unsigned int line, unsigned int column)
{
	struct vd_err e = {0};

	vd_err_set(&e, -EINVAL, code, NULL, NULL, "x");
	vd_doc_locate(d, c, key, index, &e);
	CU_ASSERT_EQUAL(e.line, line);
	CU_ASSERT_EQUAL(e.column, column);
	if (e.line != line || e.column != column)
		printf("# %s: %u:%u\n", key ? key : "-", e.line, e.column);
}

static void positions_in(const char *text, const unsigned int at[7][2])
{
	struct vd_doc *d = NULL;
	json_t *root, *list;

	CU_ASSERT_EQUAL_FATAL(vd_doc_parse(text, strlen(text), "t", &d, NULL), 0);
	root = vd_doc_root(d);
	list = json_object_get(root, "list");
	located(d, root, NULL, (size_t)-1, VD_E_VALUE, at[0][0], at[0][1]);
	located(d, root, "a", (size_t)-1, VD_E_VALUE, at[1][0], at[1][1]);
	located(d, root, "list", (size_t)-1, VD_E_KEY_UNKNOWN, at[2][0], at[2][1]);
	located(d, list, NULL, 1, VD_E_VALUE, at[3][0], at[3][1]);
	located(d, json_array_get(list, 2), "k", (size_t)-1, VD_E_VALUE, at[4][0], at[4][1]);
	located(d, json_array_get(list, 2), "k", (size_t)-1, VD_E_KEY_UNKNOWN, at[5][0], at[5][1]);
	located(d, json_array_get(list, 2), "none", (size_t)-1, VD_E_VALUE, at[6][0], at[6][1]);
	located(d, json_array_get(list, 1), NULL, (size_t)-1, VD_E_VALUE, 0, 0);
	located(NULL, root, NULL, (size_t)-1, VD_E_VALUE, 0, 0);
	vd_doc_free(d);
}

static void positions(void)
{
	static const unsigned int y[7][2] = {{2, 1}, {2, 7}, {3, 1}, {5, 5},
					     {7, 9}, {7, 5}, {6, 5}};
	static const unsigned int j[7][2] = {{1, 2},  {1, 7}, {2, 2}, {3, 4},
					     {4, 12}, {4, 6}, {4, 5}};

	positions_in("# \xc3\xa9\na:    x\nlist:\n  - true\n  - true\n  - m: 1\n    k:  2\n", y);
	positions_in(" {\"a\":1,\n \"list\":[true,\n   true,\n\t\t\t\t{\"k\":  2}]}", j);
}

static const struct tap_case cases[] = {
	{"YAML", yaml},
	{"plain scalars are typed as in JSON", plain_scalars},
	{"JSON, tabs and surrogates included", json},
	{"YAML refused, with line and column", yaml_refused},
	{"JSON refused, with line and column", json_refused},
	{"depth and size are limited", limits},
	{"positions of values and keys", positions},
};

TAP_MAIN("base/doc", cases)
