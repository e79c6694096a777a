/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/rpc/frame.h"

static void lines_in_any_pieces(void)
{
	static const char text[] = "{\"a\":1}\n\n  \r\n[2]\r\nlast\nrest";
	static const char *const want[] = {"{\"a\":1}", "[2]\r", "last"};

	for (size_t step = 1; step <= sizeof(text); step++) {
		struct ctl_lines l = {0};
		size_t n = 0, size;
		char *line;

		for (size_t at = 0; at < sizeof(text) - 1; at += step) {
			size_t left = sizeof(text) - 1 - at;

			CU_ASSERT_EQUAL(ctl_lines_feed(&l, text + at, left < step ? left : step),
					0);
			while (ctl_lines_next(&l, &line, &size) == 1) {
				CU_ASSERT_FATAL(n < 3);
				CU_ASSERT_STRING_EQUAL(line, want[n]);
				CU_ASSERT_EQUAL(size, strlen(want[n]));
				n++;
			}
		}
		CU_ASSERT_EQUAL(n, 3);
		CU_ASSERT_EQUAL(ctl_lines_pending(&l), 4);
		ctl_lines_done(&l);
	}
}

static void too_long_is_told_once(void)
{
	struct ctl_lines l;
	char *line;
	size_t size;

	ctl_lines_init(&l, 8);
	CU_ASSERT_EQUAL(ctl_lines_feed(&l, "12345678\n", 9), 0);
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), 1);
	CU_ASSERT_EQUAL(size, 8);
	CU_ASSERT_EQUAL(ctl_lines_feed(&l, "123456789", 9), 0);
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), -E2BIG);
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), 0);
	for (int i = 0; i < 1000; i++)
		CU_ASSERT_EQUAL(ctl_lines_feed(&l, "0123456789", 10), 0);
	CU_ASSERT_EQUAL(ctl_lines_pending(&l), 0);
	CU_ASSERT_TRUE(l.cap <= 4096);
	CU_ASSERT_EQUAL(ctl_lines_feed(&l, "tail\nok\n123456789\nx\n", 20), 0);
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), 1);
	CU_ASSERT_STRING_EQUAL(line, "ok");
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), -E2BIG);
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), 1);
	CU_ASSERT_STRING_EQUAL(line, "x");
	CU_ASSERT_EQUAL(ctl_lines_next(&l, &line, &size), 0);
	ctl_lines_done(&l);
}

static int parse_repeated(char open, char close, size_t n, enum vd_code *code)
{
	char *text = malloc(2 * n + 1);
	struct vd_err e = {0};
	json_t *j = NULL;
	int r;

	memset(text, open, n);
	memset(text + n, close, n);
	r = ctl_json_parse(text, 2 * n, &j, &e);
	*code = e.code;
	json_decref(j);
	free(text);
	return r;
}

static void depth_is_limited_before_parsing(void)
{
	static const char quoted[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"]";
	enum vd_code code;
	json_t *j = NULL;

	CU_ASSERT_EQUAL(parse_repeated('[', ']', 32, &code), 0);
	CU_ASSERT_EQUAL(parse_repeated('[', ']', 33, &code), -E2BIG);
	CU_ASSERT_EQUAL(code, VD_E_RPC_LIMIT);
	CU_ASSERT_EQUAL(parse_repeated('[', ']', 10000, &code), -E2BIG);
	CU_ASSERT_EQUAL(parse_repeated('{', '}', 10000, &code), -E2BIG);
	CU_ASSERT_EQUAL(parse_repeated('[', ' ', 8u << 20, &code), -E2BIG);
	CU_ASSERT_EQUAL(ctl_json_parse(quoted, sizeof(quoted) - 1, &j, NULL), 0);
	json_decref(j);
}

static void json_that_is_none(void)
{
	static const char *const bad[] = {
		"",    "{",           "{\"a\":1,\"a\":2}", "{\"a\":1}x",          "'a'",
		"nul", "\"\\u0000\"", "\"\xff\"",          "99999999999999999999"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct vd_err e = {0};
		json_t *j;

		CU_ASSERT_EQUAL(ctl_json_parse(bad[i], strlen(bad[i]), &j, &e), -EINVAL);
		CU_ASSERT_EQUAL(e.code, VD_E_RPC_PARSE);
		CU_ASSERT_TRUE(e.message[0] != 0);
	}
	CU_ASSERT_EQUAL(ctl_json_parse("[1\0]", 4, &(json_t *){NULL}, NULL), -EINVAL);
}

/* The parser's message quotes the text: the reply must exist all the same. */
static void any_garbage_can_be_answered(void)
{
	static const char bad[] = "{\"a\":\"\\u30\xcb\xa3\"}";
	struct vd_err e = {0};
	json_t *j = NULL;

	CU_ASSERT_EQUAL(ctl_json_parse(bad, sizeof(bad) - 1, &j, &e), -EINVAL);
	j = ctl_error_new(NULL, &e);
	CU_ASSERT_PTR_NOT_NULL(j);
	json_decref(j);
}

static void requests(void)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":\"x7\",\"method\":\"port.show\","
				   "\"params\":{\"name\":\"web1\"}}";
	struct ctl_request r;
	json_t *j = ctl_request_new(7, "switch.list", NULL);
	size_t size;
	char *line = ctl_json_line(j, &size);

	CU_ASSERT_EQUAL_FATAL(ctl_request_parse(text, sizeof(text) - 1, &r, NULL), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(r.id), "x7");
	CU_ASSERT_STRING_EQUAL(r.method, "port.show");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(r.params, "name")), "web1");
	ctl_request_done(&r);
	CU_ASSERT_STRING_EQUAL(line, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"switch.list\"}\n");
	CU_ASSERT_EQUAL(size, strlen(line));
	CU_ASSERT_EQUAL_FATAL(ctl_request_parse(line, size, &r, NULL), 0);
	CU_ASSERT_EQUAL(json_integer_value(r.id), 7);
	CU_ASSERT_PTR_NULL(r.params);
	ctl_request_done(&r);
	free(line);
	json_decref(j);
}

static void requests_refused(void)
{
	static const struct {
		const char *text;
		bool id;
	} bad[] = {
		{"[]", false},
		{"3", false},
		{"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", false},
		{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"a\"}", false},
		{"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", false},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", true},
		{"{\"id\":1,\"method\":\"a\"}", true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}", true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":2}", true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[1]}", true},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"param\":{}}", true},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct ctl_request r;
		struct vd_err e = {0};

		CU_ASSERT_EQUAL(ctl_request_parse(bad[i].text, strlen(bad[i].text), &r, &e),
				-EINVAL);
		CU_ASSERT_EQUAL(e.code, VD_E_RPC_REQUEST);
		CU_ASSERT_EQUAL(r.id != NULL, bad[i].id);
		ctl_request_done(&r);
	}
}

static int read_reply(json_t *j, struct ctl_reply *ret)
{
	size_t size;
	char *line = ctl_json_line(j, &size);
	int r = ctl_reply_parse(line, size, ret, NULL);

	free(line);
	json_decref(j);
	return r;
}

/* 16 MiB of "[]," would be some hundred megabytes as a tree. */
static void requests_with_too_many_values(void)
{
	size_t n = 0, size = 300000;
	char *text = malloc(size + 200);
	struct vd_err e = {0};
	struct ctl_request r;

	n += (size_t)sprintf(text,
			     "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"x\":[");
	while (n < size)
		n += (size_t)sprintf(text + n, "[],");
	n += (size_t)sprintf(text + n, "1]}}");
	CU_ASSERT_EQUAL(ctl_request_parse(text, n, &r, &e), -E2BIG);
	CU_ASSERT_EQUAL(e.code, VD_E_RPC_LIMIT);
	ctl_request_done(&r);
	/* a document travels as one string, whatever is in it */
	n = (size_t)sprintf(text,
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"x\":\"");
	while (n < size)
		n += (size_t)sprintf(text + n, "[],\\\"");
	n += (size_t)sprintf(text + n, "\"}}");
	CU_ASSERT_EQUAL(ctl_request_parse(text, n, &r, NULL), 0);
	ctl_request_done(&r);
	free(text);
}

static void replies(void)
{
	struct vd_err e = {0};
	struct ctl_reply r;
	json_t *id = json_integer(9);

	CU_ASSERT_EQUAL_FATAL(read_reply(ctl_reply_new(id, json_pack("[i]", 4)), &r), 0);
	CU_ASSERT_FALSE(r.failed);
	CU_ASSERT_EQUAL(json_integer_value(r.id), 9);
	CU_ASSERT_EQUAL(json_array_size(r.result), 1);
	ctl_reply_done(&r);

	vd_err_set(&e, -ENOENT, VD_E_PORT_UNKNOWN, "port/web9", "did you mean web1?",
		   "no such port");
	CU_ASSERT_EQUAL_FATAL(read_reply(ctl_error_new(id, &e), &r), 0);
	CU_ASSERT_TRUE(r.failed);
	CU_ASSERT_EQUAL(r.err.code, VD_E_PORT_UNKNOWN);
	CU_ASSERT_STRING_EQUAL(r.err.path, "port/web9");
	CU_ASSERT_STRING_EQUAL(r.err.hint, "did you mean web1?");
	CU_ASSERT_EQUAL(
		json_integer_value(json_object_get(json_object_get(r.root, "error"), "code")),
		-32000);
	ctl_reply_done(&r);

	CU_ASSERT_EQUAL_FATAL(read_reply(ctl_error_new(NULL, &e), &r), 0);
	CU_ASSERT_PTR_NULL(r.id);
	ctl_reply_done(&r);

	CU_ASSERT_EQUAL_FATAL(read_reply(ctl_event_new("event", json_pack("{s:i}", "seq", 3)), &r),
			      0);
	CU_ASSERT_STRING_EQUAL(r.method, "event");
	CU_ASSERT_PTR_NULL(r.result);
	ctl_reply_done(&r);
	json_decref(id);
}

static void replies_refused(void)
{
	static const char *const bad[] = {
		"[]",
		"{\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}",
		"{\"jsonrpc\":\"2.0\",\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"no\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"event\"}",
		"HTTP/1.1 400 Bad Request",
	};
	static const char foreign[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,"
				      "\"message\":\"Method not found\"}}";
	struct ctl_reply r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_EQUAL(ctl_reply_parse(bad[i], strlen(bad[i]), &r, NULL), -EINVAL);
		ctl_reply_done(&r);
	}
	CU_ASSERT_EQUAL(ctl_reply_parse(foreign, sizeof(foreign) - 1, &r, NULL), 0);
	CU_ASSERT_TRUE(r.failed);
	CU_ASSERT_STRING_EQUAL(r.err.message, "Method not found");
	ctl_reply_done(&r);
}

static void numbers(void)
{
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_RPC_PARSE), -32700);
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_RPC_REQUEST), -32600);
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_RPC_METHOD), -32601);
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_RPC_PARAMS), -32602);
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_BUG), -32603);
	CU_ASSERT_EQUAL(ctl_error_number(VD_E_MAC), -32000);
}

static const struct tap_case cases[] = {
	{"lines come out whole however the bytes arrive", lines_in_any_pieces},
	{"a line that is too long is told once and never stored", too_long_is_told_once},
	{"depth is limited before the parser recurses", depth_is_limited_before_parsing},
	{"texts that are not JSON", json_that_is_none},
	{"any garbage can be answered", any_garbage_can_be_answered},
	{"requests read and built", requests},
	{"requests refused, with the id when there is one", requests_refused},
	{"requests cost no more than they should", requests_with_too_many_values},
	{"replies, errors and events survive the wire", replies},
	{"answers that are none", replies_refused},
	{"JSON-RPC error numbers", numbers},
};

TAP_MAIN("ctl/rpc/frame", cases)
