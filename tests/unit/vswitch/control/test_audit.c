/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit log: goes on, verifies, and tells what was changed. */
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vswitch/control/audit.h"

static char dir[] = "/tmp/viridian-audit.XXXXXX";
static int dir_fd;

static struct vsw_audit *opened(void)
{
	struct vsw_audit *a = NULL;
	struct vd_err e = {0};

	CU_ASSERT_EQUAL(vsw_audit_open(dir_fd, "log", &a, &e), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	return a;
}

static void add(struct vsw_audit *a, const char *text)
{
	CU_ASSERT_EQUAL(vsw_audit_add(a, json_pack("{s:s}", "reason", text), true), 0);
}

static unsigned long bad_line(struct vsw_audit *a, size_t *n)
{
	unsigned long bad = 99;
	json_t *all = NULL;

	CU_ASSERT_EQUAL_FATAL(vsw_audit_read(a, 1000, &all, &bad, NULL), 0);
	*n = json_array_size(all);
	json_decref(all);
	return bad;
}

static char *content(void)
{
	char *text = calloc(1, 65536);
	int fd = openat(dir_fd, "log", O_RDONLY);

	CU_ASSERT_FATAL(text && fd >= 0 && read(fd, text, 65535) > 0);
	close(fd);
	return text;
}

static void put(const char *text, size_t n)
{
	int fd = openat(dir_fd, "log", O_WRONLY | O_TRUNC);

	CU_ASSERT_FATAL(fd >= 0 && write(fd, text, n) == (ssize_t)n);
	close(fd);
}

static void goes_on(void)
{
	struct vsw_audit *a;
	size_t n;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
	a = opened();
	add(a, "one");
	add(a, "two");
	vsw_audit_close(a);
	a = opened();
	add(a, "three \"\\ \xc3\xa9");
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	CU_ASSERT_EQUAL(n, 3);
	vsw_audit_close(a);
}

static void finds_changes(void)
{
	char *text = content(), *copy = strdup(text), *second, *third;
	struct vsw_audit *a;
	size_t n;

	/* a word changed */
	memcpy(strstr(copy, "two"), "TWO", 3);
	put(copy, strlen(copy));
	a = opened();
	CU_ASSERT_EQUAL(bad_line(a, &n), 2);
	vsw_audit_close(a);
	/* a line taken out */
	second = strchr(text, '\n') + 1;
	third = strchr(second, '\n') + 1;
	strcpy(copy, text);
	memmove(copy + (second - text), third, strlen(third) + 1);
	put(copy, strlen(copy));
	a = opened();
	CU_ASSERT_EQUAL(bad_line(a, &n), 2);
	vsw_audit_close(a);
	put(text, strlen(text));
	free(copy);
	free(text);
}

static void survives_a_crash(void)
{
	char *text = content();
	struct vsw_audit *a;
	size_t n;

	/* the last line was cut by a crash: what follows is a line of its own */
	put(text, strlen(text) - 10);
	a = opened();
	add(a, "four");
	CU_ASSERT_EQUAL(bad_line(a, &n), 3);
	CU_ASSERT_EQUAL(n, 3);
	vsw_audit_close(a);
	free(text);
	unlinkat(dir_fd, "log", 0);
	close(dir_fd);
	rmdir(dir);
}

static const struct tap_case cases[] = {
	{"the log goes on behind its last line", goes_on},
	{"Q45: changes are found, and where", finds_changes},
	{"a line cut by a crash does not swallow the next", survives_a_crash},
};

TAP_MAIN("vswitch/control/audit", cases)
