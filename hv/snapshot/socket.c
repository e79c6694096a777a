/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files of control sockets. */
#include "hv/snapshot/socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv/snapshot/chain.h"

/* -1: no lock, which costs no more than the certainty of who came first. */
static int lock_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		(void)flock(fd, LOCK_EX);
	return fd;
}

static void unlock(int fd)
{
	if (fd >= 0)
		close(fd);
}

static int address(struct sockaddr_un *sa, const char *path)
{
	size_t len = strlen(path);

	if (!len || len >= sizeof(sa->sun_path))
		return len ? -ENAMETOOLONG : -ENOENT;
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(sa->sun_path, path, len);
	return 0;
}

/* A socket's file whose owner is gone. The folder is locked. */
static bool is_left_behind(const char *path)
{
	struct sockaddr_un sa;
	struct stat st;
	bool refused;
	int fd;

	if (address(&sa, path) || lstat(path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	/* who is busy shall not make us wait: that one lives */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (struct sockaddr *)&sa, sizeof(sa)) && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int bind_path(int fd, const char *path)
{
	struct sockaddr_un sa;
	int r = address(&sa, path);

	if (r)
		return r;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -errno;
	if (!is_left_behind(path))
		return -EADDRINUSE;
	return unlink(path) || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
}

int hv_socket_listen(struct hv_socket *s, const char *path)
{
	char folder[PATH_MAX / 2];
	struct stat st;
	mode_t old;
	int lock, r;

	*s = (struct hv_socket){.fd = -1};
	s->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	hv_chain_folder(path, folder, sizeof(folder));
	lock = lock_folder(folder);
	old = umask(0177);
	r = bind_path(s->fd, path);
	umask(old);
	if (!r && (listen(s->fd, 4) || lstat(path, &st)))
		r = -errno;
	unlock(lock);
	if (r) {
		close(s->fd);
		s->fd = -1;
		return r;
	}
	snprintf(s->path, sizeof(s->path), "%s", path);
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return 0;
}

void hv_socket_sweep(const char *folder)
{
	char path[PATH_MAX];
	struct dirent *e;
	int lock;
	DIR *d = opendir(folder);

	if (!d)
		return;
	lock = lock_folder(folder);
	while ((e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (len < 6 || strcmp(e->d_name + len - 5, ".sock") ||
		    (size_t)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name) >=
			    sizeof(path))
			continue;
		if (is_left_behind(path))
			(void)unlink(path);
	}
	unlock(lock);
	closedir(d);
}

void hv_socket_done(struct hv_socket *s)
{
	struct stat st;

	if (s->fd < 0)
		return;
	if (s->path[0] && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
		(void)unlink(s->path);
	close(s->fd);
	*s = (struct hv_socket){.fd = -1};
}
