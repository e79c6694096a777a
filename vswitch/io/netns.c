/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Visits to network namespaces. */
#include "vswitch/io/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct visit {
	int fd;
	int (*fn)(void *arg);
	void *arg;
	int result;
};

static void *visit_thread(void *arg)
{
	struct visit *v = arg;

	v->result = setns(v->fd, CLONE_NEWNET) < 0 ? -errno : v->fn(v->arg);
	return NULL;
}

int vsw_netns_run(int netns_fd, int (*fn)(void *arg), void *arg)
{
	struct visit v = {.fd = netns_fd, .fn = fn, .arg = arg};
	pthread_t t;
	int r;

	if (netns_fd < 0)
		return fn(arg);
	r = pthread_create(&t, NULL, visit_thread, &v);
	if (r)
		return -r;
	pthread_join(t, NULL);
	return v.result;
}

uint64_t vsw_netns_inode(int fd)
{
	struct stat st;

	if (fd < 0 ? stat("/proc/thread-self/ns/net", &st) : fstat(fd, &st))
		return 0;
	return st.st_ino;
}

struct seen {
	uint64_t *inodes;
	size_t n, room;
};

/** Remember @inode; false when it was known (or memory ran out). */
static bool seen_add(struct seen *s, uint64_t inode)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->inodes[i] == inode)
			return false;
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		uint64_t *p = reallocarray(s->inodes, room, sizeof(*p));

		if (!p)
			return false;
		s->inodes = p;
		s->room = room;
	}
	s->inodes[s->n++] = inode;
	return true;
}

static bool each_path(const char *path, struct seen *s, bool (*fn)(void *, int, uint64_t),
		      void *ctx)
{
	struct stat st;
	bool stop;
	int fd;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !seen_add(s, st.st_ino))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	stop = fn(ctx, fd, st.st_ino);
	close(fd);
	return stop;
}

static bool each_dir(const char *dir, const char *format, bool numbers, struct seen *s,
		     bool (*fn)(void *, int, uint64_t), void *ctx)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool stop = false;

	while (d && !stop && (e = readdir(d))) {
		char path[320];

		if (e->d_name[0] == '.' || (numbers && !isdigit((unsigned char)e->d_name[0])))
			continue;
		snprintf(path, sizeof(path), format, e->d_name);
		stop = each_path(path, s, fn, ctx);
	}
	if (d)
		closedir(d);
	return stop;
}

bool vsw_netns_each(bool (*fn)(void *ctx, int fd, uint64_t inode), void *ctx)
{
	struct seen s = {0};
	bool stop = each_path("/proc/thread-self/ns/net", &s, fn, ctx) ||
		    each_dir("/run/netns", "/run/netns/%s", false, &s, fn, ctx) ||
		    each_dir("/proc", "/proc/%s/ns/net", true, &s, fn, ctx);

	free(s.inodes);
	return stop;
}
