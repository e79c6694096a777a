/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket, seen from the command line. */
#include "ctl/client.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct ctl_client {
	int fd;
	unsigned int timeout_ms;
	json_int_t id;
	struct ctl_lines lines;
	char path[108];
};

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static int left_ms(long long deadline)
{
	long long left = deadline - now_ms();

	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
}

static int connect_error(const char *path, int errnum, struct vd_err *e)
{
	char hint[256];

	switch (errnum) {
	case EACCES:
	case EPERM:
		return vd_err_set(e, -EACCES, VD_E_PERMISSION, NULL,
				  "run the command as root, or as a member of the socket's group",
				  "not allowed to use the control socket %s", path);
	case EAGAIN:
		return vd_err_set(
			e, -ETIMEDOUT, VD_E_TIMEOUT, NULL,
			"the daemon has too many clients; try again, or with a longer --timeout",
			"the daemon did not take the connection on %s in time", path);
	default:
		snprintf(hint, sizeof(hint),
			 "start it (systemctl start viridiand, or viridiand%s%.150s as root), or "
			 "name its socket "
			 "with --socket",
			 strcmp(path, CTL_SOCKET_DEFAULT) ? " --socket " : "",
			 strcmp(path, CTL_SOCKET_DEFAULT) ? path : "");
		return vd_err_set(e, -ECONNREFUSED, VD_E_UNREACHABLE, NULL, hint,
				  "no daemon answers on %s: %s", path, strerror(errnum));
	}
}

/* A full backlog says EAGAIN at once, whatever the socket's mode: try until the deadline. */
static int connect_until(int fd, const struct sockaddr_un *sa, long long deadline)
{
	for (;;) {
		if (!connect(fd, (const struct sockaddr *)sa, sizeof(*sa)))
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		if (now_ms() >= deadline)
			return EAGAIN;
		poll(NULL, 0, 10);
	}
}

int ctl_client_open(const char *path, unsigned int timeout_ms, struct ctl_client **ret,
		    struct vd_err *reterr)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ctl_client *c;
	int r;

	if (strlen(path) >= sizeof(sa.sun_path))
		return vd_err_set(reterr, -EINVAL, VD_E_USAGE, NULL, "use a shorter path",
				  "the socket's path has %zu characters (allowed: %zu)",
				  strlen(path), sizeof(sa.sun_path) - 1);
	strcpy(sa.sun_path, path);
	c = calloc(1, sizeof(*c));
	if (!c)
		return no_memory(reterr);
	strcpy(c->path, path);
	c->timeout_ms = timeout_ms;
	ctl_lines_init(&c->lines, CTL_LINE_MAX);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = c->fd < 0 ? errno : connect_until(c->fd, &sa, now_ms() + timeout_ms);
	if (r) {
		ctl_client_close(c);
		return connect_error(path, r, reterr);
	}
	*ret = c;
	return 0;
}

void ctl_client_close(struct ctl_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	ctl_lines_done(&c->lines);
	free(c);
}

int ctl_client_fd(const struct ctl_client *c)
{
	return c->fd;
}

static int too_slow(const struct ctl_client *c, struct vd_err *e)
{
	return vd_err_set(e, -ETIMEDOUT, VD_E_TIMEOUT, NULL,
			  "the change may still be made; look with show, or use a longer --timeout",
			  "no answer from the daemon within %u.%03u s", c->timeout_ms / 1000,
			  c->timeout_ms % 1000);
}

static int gone(struct vd_err *e)
{
	return vd_err_set(
		e, -ECONNRESET, VD_E_UNREACHABLE, NULL,
		"it may have stopped: systemctl status viridiand, journalctl -u viridiand",
		"the daemon closed the connection without an answer");
}

static ssize_t send_some(int sock, const char *p, size_t size, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)p, .iov_len = size};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *c;

	if (fd >= 0) {
		m.msg_control = control.buf;
		m.msg_controllen = sizeof(control.buf);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_all(struct ctl_client *c, const char *p, size_t size, int fd, struct vd_err *e)
{
	long long deadline = now_ms() + c->timeout_ms;

	while (size) {
		struct pollfd pfd = {.fd = c->fd, .events = POLLOUT};
		ssize_t n = send_some(c->fd, p, size, fd);

		if (n >= 0) {
			p += n;
			size -= (size_t)n;
			fd = -1;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0; /* the daemon may have said why: the answer will tell */
		if (errno != EAGAIN && errno != EINTR)
			return vd_err_set(e, -errno, VD_E_SYSTEM, NULL, NULL,
					  "cannot send to the daemon: %s", strerror(errno));
		if (now_ms() >= deadline)
			return too_slow(c, e);
		poll(&pfd, 1, left_ms(deadline));
	}
	return 0;
}

int ctl_client_send(struct ctl_client *c, const char *method, json_t *params, int fd,
		    struct vd_err *reterr)
{
	json_t *j = ctl_request_new(++c->id, method, params);
	size_t size = 0;
	char *line = j ? ctl_json_line(j, &size) : NULL;
	int r;

	json_decref(j);
	if (!line)
		return no_memory(reterr);
	if (size - 1 > CTL_LINE_MAX)
		r = vd_err_set(reterr, -E2BIG, VD_E_TOO_LARGE, NULL, "split the document",
			       "the request has %zu bytes (allowed: %u)", size - 1, CTL_LINE_MAX);
	else
		r = send_all(c, line, size, fd, reterr);
	free(line);
	return r;
}

void ctl_client_finish(struct ctl_client *c)
{
	shutdown(c->fd, SHUT_WR);
}

static int nonsense(struct vd_err *e, const char *what)
{
	return vd_err_set(e, -EPROTO, VD_E_BUG, NULL, "is something else listening on this socket?",
			  "the daemon's answer is not understood: %s", what);
}

/* 1: a message; 0: need more bytes. */
static int take_line(struct ctl_client *c, struct ctl_reply *ret, struct vd_err *e)
{
	struct vd_err why = {0};
	char *line;
	size_t size;
	int r = ctl_lines_next(&c->lines, &line, &size);

	if (r == -E2BIG)
		return nonsense(e, "it is too long");
	if (r <= 0)
		return r;
	if (ctl_reply_parse(line, size, ret, &why)) {
		ctl_reply_done(ret);
		return nonsense(e, why.message);
	}
	return 1;
}

int ctl_client_recv(struct ctl_client *c, int timeout_ms, struct ctl_reply *ret,
		    struct vd_err *reterr)
{
	long long deadline = now_ms() + (timeout_ms > 0 ? timeout_ms : 0);
	static char buf[65536];

	for (;;) {
		struct pollfd pfd = {.fd = c->fd, .events = POLLIN};
		int r = take_line(c, ret, reterr);
		ssize_t n;

		if (r)
			return r;
		n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0)
			return gone(reterr);
		if (n > 0) {
			if (ctl_lines_feed(&c->lines, buf, (size_t)n))
				return no_memory(reterr);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return gone(reterr);
		if (timeout_ms == 0)
			return 0;
		if (timeout_ms > 0 && now_ms() >= deadline)
			return too_slow(c, reterr);
		poll(&pfd, 1, timeout_ms < 0 ? -1 : left_ms(deadline));
	}
}

int ctl_client_call(struct ctl_client *c, const char *method, json_t *params, json_t **ret,
		    struct vd_err *reterr)
{
	long long deadline = now_ms() + c->timeout_ms;
	int r = ctl_client_send(c, method, params, -1, reterr);

	while (!r) {
		struct ctl_reply reply;
		int left = left_ms(deadline);

		r = ctl_client_recv(c, left ? left : 1, &reply, reterr);
		if (r < 0)
			break;
		r = 0;
		if (reply.method) { /* an event; not what was asked for */
			ctl_reply_done(&reply);
			continue;
		}
		if (reply.failed) {
			if (reterr && reterr->code == VD_E_OK)
				*reterr = reply.err;
			r = reply.err.errnum < 0 ? reply.err.errnum : -EREMOTEIO;
		} else if (reply.id && json_integer_value(reply.id) != c->id) {
			ctl_reply_done(&reply);
			continue;
		} else {
			*ret = json_incref(reply.result);
		}
		ctl_reply_done(&reply);
		break;
	}
	return r;
}
