/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vswitch/control/store.h"

static char dir[64];

static void fresh(void)
{
	snprintf(dir, sizeof(dir), "/tmp/vd-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(dir));
}

static void forget(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CU_ASSERT_EQUAL(system(cmd), 0);
}

static json_t *state(int n)
{
	return json_pack("{s:i, s:{s:i}, s:[]}", "viridian_state", 1, "document", "n", n,
			 "assigned_macs");
}

static int saved(struct vsw_store *st)
{
	struct vd_err e = {0};
	json_t *j = NULL;
	int n;

	CU_ASSERT_EQUAL(vsw_store_load(st, &j, &e), 0);
	n = j ? (int)json_integer_value(json_object_get(json_object_get(j, "document"), "n")) : -1;
	json_decref(j);
	return n;
}

static void save(struct vsw_store *st, int n)
{
	struct vd_err e = {0};
	json_t *j = state(n);

	CU_ASSERT_EQUAL_FATAL(vsw_store_prepare(st, j, &e), 0);
	CU_ASSERT_EQUAL_FATAL(vsw_store_commit(st, &e), 0);
	json_decref(j);
}

static void saves_and_keeps_five(void)
{
	struct vd_err e = {0};
	struct vsw_store *st;
	char path[128];
	struct stat s;

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, &e), 0);
	CU_ASSERT_EQUAL(saved(st), -1);
	for (int i = 1; i <= 8; i++) {
		save(st, i);
		CU_ASSERT_EQUAL(saved(st), i);
	}
	for (int i = 1; i <= 6; i++) {
		json_error_t je;
		json_t *j;

		snprintf(path, sizeof(path), "%s/config.json.%d", dir, i);
		if (i == 6) {
			CU_ASSERT_EQUAL(stat(path, &s), -1);
			break;
		}
		j = json_load_file(path, 0, &je);
		CU_ASSERT_EQUAL(
			json_integer_value(json_object_get(json_object_get(j, "document"), "n")),
			8 - i);
		json_decref(j);
	}
	vsw_store_close(st);
	forget();
}

static void abort_changes_nothing(void)
{
	struct vd_err e = {0};
	struct vsw_store *st;
	json_t *j = state(2);

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, &e), 0);
	save(st, 1);
	CU_ASSERT_EQUAL(vsw_store_prepare(st, j, &e), 0);
	CU_ASSERT_EQUAL(saved(st), 1);
	vsw_store_abort(st);
	CU_ASSERT_EQUAL(vsw_store_commit(st, &e), -ENOENT);
	CU_ASSERT_EQUAL(saved(st), 1);
	json_decref(j);
	vsw_store_close(st);
	forget();
}

static void second_daemon_is_refused(void)
{
	struct vd_err e = {0};
	struct vsw_store *a, *b = NULL;
	char pid[32];

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &a, &e), 0);
	CU_ASSERT_EQUAL(vsw_store_open(dir, &b, &e), -EBUSY);
	CU_ASSERT_EQUAL(e.code, VD_E_DEVICE_BUSY);
	snprintf(pid, sizeof(pid), "process id %d", (int)getpid());
	CU_ASSERT_PTR_NOT_NULL(strstr(e.message, pid));
	vsw_store_close(a);
	CU_ASSERT_EQUAL(vsw_store_open(dir, &b, NULL), 0);
	vsw_store_close(b);
	forget();
}

/* It was killed between fork and exec of another process, which still has its files for a moment. */
static void a_dead_daemons_child_is_waited_for(void)
{
	struct vsw_store *st = NULL;
	struct vd_err e = {0};
	pid_t daemon;

	fresh();
	daemon = fork();
	if (daemon == 0) {
		if (vsw_store_open(dir, &st, &e) < 0)
			_exit(1);
		if (fork() == 0) {
			usleep(300000);
			_exit(0);
		}
		raise(SIGKILL);
	}
	CU_ASSERT_EQUAL_FATAL(waitpid(daemon, NULL, 0), daemon);
	CU_ASSERT_EQUAL(vsw_store_open(dir, &st, &e), 0);
	vsw_store_close(st);
	forget();
}

static void damage_is_an_error(void)
{
	static const char *const texts[] = {"",
					    "{",
					    "[]",
					    "{}",
					    "{\"viridian_state\": 2, \"document\": {}}",
					    "{\"viridian_state\": 1}"};
	struct vsw_store *st;
	char path[128];

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, NULL), 0);
	snprintf(path, sizeof(path), "%s/config.json", dir);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct vd_err e = {0};
		json_t *j = NULL;
		FILE *f = fopen(path, "w");

		fputs(texts[i], f);
		fclose(f);
		CU_ASSERT_EQUAL(vsw_store_load(st, &j, &e), -EINVAL);
		CU_ASSERT_EQUAL(e.code, VD_E_STATE);
		CU_ASSERT_PTR_NULL(j);
	}
	vsw_store_close(st);
	forget();
}

static void unwritable_folder_changes_nothing(void)
{
	struct vd_err e = {0};
	struct vsw_store *st;
	char path[128];
	json_t *j = state(2);

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, NULL), 0);
	save(st, 1);
	/* a folder in the way works for root, too, unlike permissions */
	snprintf(path, sizeof(path), "%s/config.json.new", dir);
	CU_ASSERT_EQUAL(mkdir(path, 0755), 0);
	CU_ASSERT_EQUAL(vsw_store_prepare(st, j, &e), -EISDIR);
	CU_ASSERT_EQUAL(e.code, VD_E_STATE);
	CU_ASSERT_EQUAL(saved(st), 1);
	json_decref(j);
	vsw_store_close(st);
	forget();
}

/* kill -9 at any moment: a child saves for ever, is killed, and what is there must be whole. */
static void killed_writer_leaves_old_or_new(void)
{
	for (int round = 0; round < 20; round++) {
		struct vsw_store *st;
		int n, status;
		pid_t child;

		fresh();
		CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, NULL), 0);
		save(st, 1);
		vsw_store_close(st);
		child = fork();
		if (child == 0) {
			if (vsw_store_open(dir, &st, NULL))
				_exit(1);
			for (int i = 2;; i++) {
				json_t *j = state(i);

				if (vsw_store_prepare(st, j, NULL) || vsw_store_commit(st, NULL))
					_exit(1);
				json_decref(j);
			}
		}
		usleep(500 + (unsigned int)round * 700);
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		CU_ASSERT_TRUE(WIFSIGNALED(status));
		CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, NULL), 0);
		n = saved(st);
		CU_ASSERT_TRUE(n >= 1);
		save(st, n + 1);
		CU_ASSERT_EQUAL(saved(st), n + 1);
		vsw_store_close(st);
		forget();
	}
}

static void leftovers_of_this_boot_only(void)
{
	json_t *ports = json_pack("[{s:s}]", "port", "web1"), *none = json_array(), *got;
	struct vsw_store *st;
	char path[128];
	FILE *f;

	fresh();
	CU_ASSERT_EQUAL_FATAL(vsw_store_open(dir, &st, NULL), 0);
	CU_ASSERT_PTR_NULL(vsw_store_leftovers(st));
	CU_ASSERT_EQUAL(vsw_store_leftovers_set(st, ports), 0);
	got = vsw_store_leftovers(st);
	CU_ASSERT_TRUE(json_equal(got, ports));
	json_decref(got);
	CU_ASSERT_EQUAL(vsw_store_leftovers_set(st, none), 0);
	CU_ASSERT_PTR_NULL(vsw_store_leftovers(st));

	snprintf(path, sizeof(path), "%s/leftovers.json", dir);
	f = fopen(path, "w");
	fputs("{\"boot\": \"another\", \"ports\": [{\"port\": \"web1\"}]}", f);
	fclose(f);
	CU_ASSERT_PTR_NULL(vsw_store_leftovers(st));
	json_decref(ports);
	json_decref(none);
	vsw_store_close(st);
	forget();
}

static const struct tap_case cases[] = {
	{"saves, loads, keeps five older versions", saves_and_keeps_five},
	{"an aborted change leaves the old state", abort_changes_nothing},
	{"a second daemon on the folder is refused by name", second_daemon_is_refused},
	{"what a killed daemon's child still holds is waited for",
	 a_dead_daemons_child_is_waited_for},
	{"a damaged file is an error", damage_is_an_error},
	{"a failing write changes nothing", unwritable_folder_changes_nothing},
	{"kill -9 leaves the old or the new state", killed_writer_leaves_old_or_new},
	{"leftovers count until the next boot", leftovers_of_this_boot_only},
};

TAP_MAIN("vswitch-control-store", cases)
