/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit log: goes on, verifies, and tells what was changed. */
#include "tests/unit/tap.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
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

static struct vsw_audit_check check;

static unsigned long bad_line(struct vsw_audit *a, size_t *n)
{
	json_t *all = NULL;

	CU_ASSERT_EQUAL_FATAL(vsw_audit_read(a, NULL, 1000, &all, &check, NULL), 0);
	*n = json_array_size(all);
	json_decref(all);
	return check.bad_line;
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

	vd_log_set_level(LOG_CRIT); /* what opening finds is said once for each */
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

/* Cut after every byte of the last line, and after the last byte of the others. */
static void survives_a_crash(void)
{
	char *text = content();
	size_t all = strlen(text), third = all, n, wrong = 0;

	while (text[third - 2] != '\n')
		third--;
	for (size_t size = third - 1; size <= all; size++) {
		bool torn = size >= third && size < all - 1;
		struct vsw_audit *a;

		put(text, size);
		a = opened();
		/* what the crash left is no record, and no harm */
		wrong += bad_line(a, &n) != 0 || n != (size < all - 1 ? 2 : 3) ||
			 check.n_torn != torn;
		add(a, "four");
		wrong += bad_line(a, &n) != 0 || n != (size < all - 1 ? 3 : 4) ||
			 check.n_torn != torn;
		vsw_audit_close(a);
		a = opened();
		wrong += bad_line(a, &n) != 0;
		vsw_audit_close(a);
	}
	CU_ASSERT_EQUAL(wrong, 0);
	free(text);
}

/* The next record owns up to what was torn, twice in a row, too: so it cannot be changed either. */
static void torn_lines_are_sealed(void)
{
	char *text = content(), *torn;
	struct vsw_audit *a;
	size_t n;

	put(text, strlen(text) - 10);
	vsw_audit_close(opened());
	free(text);
	text = content();
	strcat(text, "{\"seq\":");
	put(text, strlen(text));
	free(text);
	a = opened();
	add(a, "five");
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	CU_ASSERT_EQUAL(check.n_torn, 2);
	text = content();
	torn = strstr(text, "\n{\"seq\":\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(torn);
	memcpy(torn + 3, "req", 3);
	put(text, strlen(text));
	CU_ASSERT_NOT_EQUAL(bad_line(a, &n), 0);
	memcpy(torn + 3, "seq", 3);
	put(text, strlen(text));
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	vsw_audit_close(a);
	free(text);
}

/* The daemon knows what it wrote: its last lines cannot be taken away, nor others put behind them. */
static void the_end_is_known(void)
{
	struct vsw_audit *a = opened();
	char *text = content(), *last;
	size_t n, size = strlen(text);

	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	last = text + size - 1;
	while (last[-1] != '\n')
		last--;
	put(text, (size_t)(last - text));
	CU_ASSERT_NOT_EQUAL(bad_line(a, &n), 0);
	strcat(text, "nonsense\n");
	put(text, strlen(text));
	CU_ASSERT_NOT_EQUAL(bad_line(a, &n), 0);
	put(text, size);
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	vsw_audit_close(a);
	free(text);
}

/* The disk is full in the middle of a line: it counts for nothing, and what follows is whole. */
static void survives_a_full_disk(void)
{
	struct vsw_audit *a = opened();
	struct rlimit limit, all;
	char *text = content();
	size_t n, before;

	bad_line(a, &before);
	CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &all), 0);
	limit = all;
	limit.rlim_cur = strlen(text) + 40;
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
	CU_ASSERT_EQUAL(vsw_audit_add(a, json_pack("{s:s}", "reason", "lost"), false), -EIO);
	CU_ASSERT_EQUAL(vsw_audit_add(a, json_pack("{s:s}", "reason", "lost"), false), -EIO);
	CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &all), 0);
	add(a, "found");
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	CU_ASSERT_EQUAL(n, before + 1);
	vsw_audit_close(a);
	a = opened();
	add(a, "and goes on");
	CU_ASSERT_EQUAL(bad_line(a, &n), 0);
	vsw_audit_close(a);
	free(text);
}

static void of_one_port(void)
{
	struct vsw_audit *a = opened();
	json_t *all = NULL;

	CU_ASSERT_EQUAL(vsw_audit_add(a, json_pack("{s:s}", "port", "web1"), false), 0);
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(vsw_audit_add(a, json_pack("{s:s}", "port", "other"), false), 0);
	CU_ASSERT_EQUAL_FATAL(vsw_audit_read(a, "web1", 5, &all, &check, NULL), 0);
	CU_ASSERT_EQUAL(json_array_size(all), 1);
	CU_ASSERT_EQUAL(check.bad_line, 0);
	json_decref(all);
	vsw_audit_close(a);
	unlinkat(dir_fd, "log", 0);
	close(dir_fd);
	rmdir(dir);
}

static const struct tap_case cases[] = {
	{"the log goes on behind its last line", goes_on},
	{"Q45: changes are found, and where", finds_changes},
	{"Q45: a line cut anywhere by a crash leaves the log whole", survives_a_crash},
	{"Q45: and is sealed by the record behind it", torn_lines_are_sealed},
	{"Q45: the end of the log cannot be cut off unnoticed", the_end_is_known},
	{"Q45: a full disk leaves the log whole", survives_a_full_disk},
	{"the last records of one port, however many of others came since", of_one_port},
};

TAP_MAIN("vswitch/control/audit", cases)
