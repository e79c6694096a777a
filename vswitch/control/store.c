/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder: see store.h for its files and promises. */
#include "vswitch/control/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

#define LOCK_TRIES   200u
#define LOCK_WAIT_US 10000u

struct vsw_store {
	int dir_fd;
	int lock_fd;
	char path[PATH_MAX]; /* DIR/config.json */
	char boot[64];
};

static void read_boot_id(char *buf, size_t size)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	buf[0] = '\0';
	if (!f)
		return;
	if (fgets(buf, (int)size, f))
		buf[strcspn(buf, "\n")] = '\0';
	fclose(f);
}

/* mkdir -p: a packaged daemon finds the folder made by systemd, a hand-started one does not. */
static int make_dirs(const char *dir)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s", dir) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

/* Whom the lock file names; 0: nobody. */
static pid_t holder(const struct vsw_store *st, char *pid, size_t size)
{
	ssize_t n = pread(st->lock_fd, pid, size - 1, 0);

	pid[n > 0 ? n : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	return (pid_t)strtol(pid, NULL, 10);
}

/* A daemon that was killed while it started another process leaves it the lock, until that has closed its files: what
 * a dead process holds is free in a moment. */
static int lock(const struct vsw_store *st)
{
	bool waited = false;
	char pid[32];

	for (unsigned int i = 0; flock(st->lock_fd, LOCK_EX | LOCK_NB) < 0; i++) {
		bool held = errno == EWOULDBLOCK && i < LOCK_TRIES;
		pid_t who = holder(st, pid, sizeof(pid));

		if (!held || who <= 0 || kill(who, 0) == 0 || errno != ESRCH)
			return -EBUSY;
		usleep(LOCK_WAIT_US);
		waited = true;
	}
	if (waited) /* what it closes with the lock: devices, sockets */
		usleep(10 * LOCK_WAIT_US);
	return 0;
}

static int take_lock(struct vsw_store *st, const char *dir, struct vd_err *reterr)
{
	char pid[32];
	ssize_t n;

	st->lock_fd = openat(st->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (st->lock_fd < 0)
		return vd_err_set(reterr, -errno, VD_E_STATE, NULL, NULL, "cannot open %s/lock: %m",
				  dir);
	if (lock(st) < 0) {
		holder(st, pid, sizeof(pid));
		return vd_err_set(
			reterr, -EBUSY, VD_E_DEVICE_BUSY, NULL,
			"give the second daemon folders of its own: --state DIR --socket PATH",
			"another viridiand%s%s uses the state folder %s",
			pid[0] ? " with process id " : "", pid, dir);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(st->lock_fd, 0) < 0 || pwrite(st->lock_fd, pid, (size_t)n, 0) != n)
		return vd_err_set(reterr, -EIO, VD_E_STATE, NULL, NULL, "cannot write %s/lock: %m",
				  dir);
	return 0;
}

int vsw_store_open(const char *dir, struct vsw_store **ret, struct vd_err *reterr)
{
	struct vsw_store *st = calloc(1, sizeof(*st));
	int rc;

	if (!st)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	st->dir_fd = st->lock_fd = -1;
	read_boot_id(st->boot, sizeof(st->boot));
	rc = make_dirs(dir);
	if (!rc) {
		st->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = st->dir_fd < 0 ? -errno : 0;
	}
	if (rc) {
		errno = -rc;
		vd_err_set(reterr, rc, VD_E_STATE, NULL, "choose another folder with --state DIR",
			   "cannot use the state folder %s: %m", dir);
	} else {
		snprintf(st->path, sizeof(st->path), "%s/config.json", dir);
		rc = take_lock(st, dir, reterr);
	}
	if (rc) {
		vsw_store_close(st);
		return rc;
	}
	*ret = st;
	return 0;
}

void vsw_store_close(struct vsw_store *st)
{
	if (!st)
		return;
	if (st->lock_fd >= 0)
		close(st->lock_fd);
	if (st->dir_fd >= 0)
		close(st->dir_fd);
	free(st);
}

const char *vsw_store_path(const struct vsw_store *st)
{
	return st->path;
}

/* -ENOENT when there is no such file. */
static int load_json(struct vsw_store *st, const char *name, json_t **ret, json_error_t *je)
{
	int fd = openat(st->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	FILE *f;

	if (fd < 0) {
		snprintf(je->text, sizeof(je->text), "%m");
		return -errno;
	}
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	*ret = json_loadf(f, JSON_REJECT_DUPLICATES, je);
	fclose(f);
	return *ret ? 0 : -EINVAL;
}

int vsw_store_load(struct vsw_store *st, json_t **ret, struct vd_err *reterr)
{
	json_error_t je = {.line = 0};
	json_t *j = NULL;
	int rc = load_json(st, "config.json", &j, &je);

	*ret = NULL;
	if (rc == -ENOENT)
		return 0;
	if (!rc && (json_integer_value(json_object_get(j, "viridian_state")) != 1 ||
		    !json_is_object(json_object_get(j, "document")))) {
		snprintf(je.text, sizeof(je.text), "not a state file of this version");
		rc = -EINVAL;
	}
	if (rc) {
		json_decref(j);
		vd_err_set(reterr, rc, VD_E_STATE, NULL,
			   "config.json.1 beside it holds the configuration before the last change",
			   "the saved configuration %s cannot be read: %s", st->path, je.text);
		if (je.line > 0)
			vd_err_at(reterr, st->path, (unsigned int)je.line, (unsigned int)je.column);
		return rc;
	}
	*ret = j;
	return 0;
}

static int write_all(int fd, const char *p, size_t size)
{
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Write @j as @name (replacing it); with @sync only after the bytes are on disk. */
static int write_json(struct vsw_store *st, const char *name, json_t *j, bool sync)
{
	char *text = json_dumps(j, JSON_INDENT(1) | JSON_ENSURE_ASCII);
	int fd, rc;

	if (!text)
		return -ENOMEM;
	fd = openat(st->dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	rc = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (!rc)
		rc = write_all(fd, "\n", 1);
	if (!rc && sync && fdatasync(fd) < 0)
		rc = -errno;
	if (fd >= 0 && close(fd) < 0 && !rc)
		rc = -errno;
	free(text);
	return rc;
}

int vsw_store_prepare(struct vsw_store *st, json_t *state, struct vd_err *reterr)
{
	int rc = write_json(st, "config.json.new", state, true);

	if (!rc)
		return 0;
	unlinkat(st->dir_fd, "config.json.new", 0);
	errno = -rc;
	return vd_err_set(reterr, rc, VD_E_STATE, NULL,
			  "nothing has changed; make room or check the disk",
			  "cannot write %s.new: %m", st->path);
}

/* Older versions are a convenience: losing one to an error must not fail the change. */
static void rotate(struct vsw_store *st)
{
	char from[32], to[32];

	for (int i = VSW_STORE_KEEP - 1; i >= 1; i--) {
		snprintf(from, sizeof(from), "config.json.%d", i);
		snprintf(to, sizeof(to), "config.json.%d", i + 1);
		if (renameat(st->dir_fd, from, st->dir_fd, to) < 0 && errno != ENOENT)
			vd_log(LOG_DEBUG, "store", from, "cannot be kept: %m");
	}
	/* A link, not a rename: config.json must exist at every moment. */
	if (linkat(st->dir_fd, "config.json", st->dir_fd, "config.json.1", 0) < 0 &&
	    errno != ENOENT)
		vd_log(LOG_DEBUG, "store", "config.json", "cannot be kept: %m");
}

int vsw_store_commit(struct vsw_store *st, struct vd_err *reterr)
{
	rotate(st);
	if (renameat(st->dir_fd, "config.json.new", st->dir_fd, "config.json") < 0)
		return vd_err_set(reterr, -errno, VD_E_STATE, NULL, NULL,
				  "cannot put the new configuration in place of %s: %m", st->path);
	if (fsync(st->dir_fd) < 0)
		vd_log(LOG_WARNING, "store", st->path, "cannot sync its folder: %m, ignoring");
	return 0;
}

void vsw_store_abort(struct vsw_store *st)
{
	unlinkat(st->dir_fd, "config.json.new", 0);
}

json_t *vsw_store_leftovers(struct vsw_store *st)
{
	json_error_t je;
	json_t *j = NULL, *ports = NULL;
	const char *boot;

	if (load_json(st, "leftovers.json", &j, &je))
		return NULL;
	boot = json_string_value(json_object_get(j, "boot"));
	if (boot && !strcmp(boot, st->boot))
		ports = json_incref(json_object_get(j, "ports"));
	json_decref(j);
	return ports;
}

int vsw_store_leftovers_set(struct vsw_store *st, json_t *ports)
{
	json_t *j;
	int rc;

	if (!json_array_size(ports))
		return unlinkat(st->dir_fd, "leftovers.json", 0) < 0 && errno != ENOENT ? -errno
											: 0;
	j = json_pack("{s:s, s:O}", "boot", st->boot, "ports", ports);
	if (!j)
		return -ENOMEM;
	rc = write_json(st, "leftovers.json.new", j, false);
	if (!rc && renameat(st->dir_fd, "leftovers.json.new", st->dir_fd, "leftovers.json") < 0)
		rc = -errno;
	json_decref(j);
	return rc;
}

int vsw_store_get(struct vsw_store *st, const char *name, json_t **ret)
{
	json_error_t je;
	int rc = load_json(st, name, ret, &je);

	return rc == -ENOENT || !rc ? rc : -EINVAL;
}

int vsw_store_put(struct vsw_store *st, const char *name, json_t *j, bool sync)
{
	char beside[64];
	int rc;

	snprintf(beside, sizeof(beside), "%s.new", name);
	rc = write_json(st, beside, j, sync);
	if (!rc && renameat(st->dir_fd, beside, st->dir_fd, name) < 0)
		rc = -errno;
	if (!rc && sync && fsync(st->dir_fd) < 0)
		rc = -errno;
	return rc;
}

int vsw_store_dir(const struct vsw_store *st)
{
	return st->dir_fd;
}

const char *vsw_store_boot(const struct vsw_store *st)
{
	return st->boot;
}
