/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: listening, clients' lives, events. Bytes of one client: client.c.
 */
#include "vswitch/control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "vswitch/control/client.h"
#include "vswitch/control/daemon.h"

#define LEFT_TRIES   3u
#define LEFT_WAIT_MS 5000

static int bind_error(struct vd_err *e, int rc, const char *path)
{
	errno = -rc;
	return vd_err_set(e, rc, VD_E_SYSTEM, "daemon/socket", "choose another with --socket PATH",
			  "cannot listen on %s: %m", path);
}

/* Whoever began to listen is dead: a child of it that it left behind closes its files in a moment. */
static bool is_left_behind(int fd)
{
	struct ucred who = {0};
	socklen_t size = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid > 0 &&
	       kill(who.pid, 0) < 0 && errno == ESRCH;
}

/* 0: somebody listens on @sa, else why not. */
static int try_connect(const struct sockaddr_un *sa)
{
	for (unsigned int i = 0;; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), rc;
		struct pollfd p = {.fd = fd, .events = POLLIN};
		bool again;

		if (fd < 0)
			return -errno;
		rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
		/* it hangs up when the last one has closed what we connected to */
		again = rc == 0 && i < LEFT_TRIES && is_left_behind(fd) &&
			poll(&p, 1, LEFT_WAIT_MS) > 0;
		close(fd);
		if (!again)
			return rc;
	}
}

/* Make room for our socket: an unused one goes, a living daemon's or anything else stays. */
static int clear_path(const struct sockaddr_un *sa, struct vd_err *reterr)
{
	struct stat st;
	int rc;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : bind_error(reterr, -errno, sa->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return vd_err_set(reterr, -EEXIST, VD_E_DEVICE_BUSY, "daemon/socket",
				  "remove it, or choose another with --socket PATH",
				  "%s exists and is not a socket", sa->sun_path);
	rc = try_connect(sa);
	if (rc != -ECONNREFUSED)
		return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, "daemon/socket",
				  "stop it, or choose another with --socket PATH",
				  "another process listens on %s", sa->sun_path);
	return unlink(sa->sun_path) < 0 ? bind_error(reterr, -errno, sa->sun_path) : 0;
}

static int make_folder(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return 0;
	*slash = '\0';
	return mkdir(dir, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int listen_on(struct vsw_server *s, const char *path, struct vd_err *reterr)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct group *g = getgrnam(VSW_GROUP);
	mode_t mask;
	int rc;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	rc = make_folder(path);
	if (rc)
		return bind_error(reterr, rc, path);
	rc = clear_path(&sa, reterr);
	if (rc)
		return rc;
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mask = umask(0117); /* 0660 from the first moment on */
	rc = s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(mask);
	if (!rc && (listen(s->fd, 512) < 0 || lstat(path, &s->st) < 0))
		rc = -errno;
	if (rc)
		return bind_error(reterr, rc, path);
	if (g) {
		s->gid = g->gr_gid;
		s->has_group = true;
		if (lchown(path, (uid_t)-1, g->gr_gid) < 0)
			vd_log(LOG_WARNING, "rpc", path, "cannot give it to group %s: %m, ignoring",
			       VSW_GROUP);
	}
	snprintf(s->path, sizeof(s->path), "%s", path);
	return 0;
}

static void refuse(int fd)
{
	static const char text[] =
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32000,\"message\":"
		"\"too many clients\",\"data\":{\"code\":\"rpc.limit\",\"kind\":\"resource\","
		"\"path\":\"daemon/clients\",\"message\":\"too many clients\","
		"\"hint\":\"close some, then try again\"}}}\n";

	if (send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		vd_log(LOG_DEBUG, "rpc", NULL, "a refused client did not wait");
	close(fd);
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_server *s = arg;

	/* a few at a time: a crowd must not keep requests waiting */
	for (int i = 0; i < 32; i++) {
		int client = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (client < 0)
			break;
		if (s->n_clients >= VSW_CLIENTS_MAX) {
			if (vsw_server_may_log(s))
				vd_log(LOG_WARNING, "rpc", NULL,
				       "more than %d clients, one is refused", VSW_CLIENTS_MAX);
			refuse(client);
		} else if (vsw_client_create(s, client) < 0) {
			close(client);
		}
	}
	return 0;
}

int vsw_server_start(struct vsw_daemon *d, const char *path, struct vsw_server **ret,
		     struct vd_err *reterr)
{
	struct vsw_server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	s->daemon = d;
	s->fd = -1;
	rc = listen_on(s, path, reterr);
	if (!rc) {
		rc = sd_event_add_io(d->event, &s->source, s->fd, EPOLLIN, on_connect, s);
		if (rc < 0)
			bind_error(reterr, rc, path);
	}
	if (rc < 0) {
		vsw_server_stop(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void vsw_server_stop(struct vsw_server *s)
{
	struct stat st;

	if (!s)
		return;
	while (s->clients)
		vsw_client_destroy(s->clients);
	sd_event_source_unref(s->source);
	/* only if it is still ours: somebody may have put another in its place */
	if (s->path[0] && lstat(s->path, &st) == 0 && st.st_ino == s->st.st_ino &&
	    st.st_dev == s->st.st_dev)
		unlink(s->path);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

bool vsw_server_may_log(struct vsw_server *s)
{
	uint64_t second = vsw_now_ms() / 1000;

	if (second != s->log_second) {
		if (s->not_logged)
			vd_log(LOG_WARNING, "rpc", NULL, "%u more mistakes of clients, not told",
			       s->not_logged);
		s->log_second = second;
		s->logged = s->not_logged = 0;
	}
	if (s->logged < VSW_LOG_PER_S) {
		s->logged++;
		return true;
	}
	s->not_logged++;
	return false;
}

uint64_t vsw_server_seq(const struct vsw_server *s)
{
	return s->seq;
}

void vsw_server_event(struct vsw_server *s, const char *kind, json_t *params)
{
	struct vsw_client *c, *next;
	json_t *p = json_pack("{s:I, s:s}", "seq", (json_int_t)++s->seq, "kind", kind);
	json_t *event;
	char *line;
	size_t size;

	if (p)
		json_object_update(p, params);
	event = p ? ctl_event_new("event", p) : NULL;
	line = event ? ctl_json_line(event, &size) : NULL;
	for (c = s->clients; line && c; c = next) {
		next = c->next;
		if (c->subscribed)
			vsw_client_queue_event(c, line, size);
	}
	free(line);
	json_decref(event);
}

uint64_t vsw_server_tick(struct vsw_server *s, uint64_t now)
{
	uint64_t when = UINT64_MAX;
	struct vsw_client *c, *next;

	for (c = s->clients; c; c = next) {
		next = c->next;
		if (c->blocked_ms && now >= c->blocked_ms + VSW_STUCK_MS) {
			vd_log(LOG_WARNING, "rpc", c->who,
			       "does not read its answers (%zu bytes wait), disconnected",
			       c->out_size - c->out_start);
			vsw_client_destroy(c);
		} else if (c->blocked_ms && c->blocked_ms + VSW_STUCK_MS < when) {
			when = c->blocked_ms + VSW_STUCK_MS;
		}
	}
	return when;
}
