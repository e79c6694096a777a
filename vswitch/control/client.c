/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client: its credentials, its bytes in and out.
 *
 * Flow control: requests are taken one by one, and only while less than VSW_OUT_PAUSE bytes of
 * answers wait for the client; so a client that asks much and reads nothing stops itself.
 */
#include "vswitch/control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "vswitch/control/capture.h"
#include "vswitch/control/probe.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/methods.h"

#define READ_SIZE 65536

static bool in_group(const struct vsw_server *s, const struct ucred *u, int fd)
{
	gid_t groups[256];
	socklen_t size = sizeof(groups);

	if (!s->has_group)
		return false;
	if (u->gid == s->gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
		return false;
	for (size_t i = 0; i < size / sizeof(groups[0]); i++)
		if (groups[i] == s->gid)
			return true;
	return false;
}

static void identify(struct vsw_client *c)
{
	struct ucred u = {.uid = (uid_t)-1, .gid = (gid_t)-1};
	socklen_t size = sizeof(u);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &u, &size) < 0) {
		snprintf(c->who, sizeof(c->who), "unknown");
		snprintf(c->user, sizeof(c->user), "unknown");
		return;
	}
	/* a number: asking for names could make the control thread wait for a network */
	if (u.uid == 0)
		snprintf(c->user, sizeof(c->user), "root");
	else
		snprintf(c->user, sizeof(c->user), "uid %u", (unsigned int)u.uid);
	snprintf(c->who, sizeof(c->who), "uid %u pid %d", (unsigned int)u.uid, (int)u.pid);
	c->may_change = u.uid == 0 || u.uid == geteuid() || in_group(c->server, &u, c->fd);
}

static size_t waiting(const struct vsw_client *c)
{
	return c->out_size - c->out_start;
}

/* What epoll should tell: room to write only while something waits, bytes only while they are wanted. */
static void update_events(struct vsw_client *c)
{
	uint32_t events = 0;

	if (!c->eof && waiting(c) < VSW_OUT_PAUSE)
		events |= EPOLLIN;
	if (waiting(c))
		events |= EPOLLOUT;
	sd_event_source_set_io_events(c->source, events);
}

static void doom(struct vsw_client *c)
{
	c->doomed = true;
}

static void flush(struct vsw_client *c)
{
	bool moved = false;

	while (waiting(c)) {
		ssize_t n = send(c->fd, c->out + c->out_start, waiting(c), MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			doom(c);
			return;
		}
		if (n < 0)
			break;
		c->out_start += (size_t)n;
		moved = true;
	}
	if (!waiting(c)) {
		c->out_start = c->out_size = 0;
		if (c->out_room > VSW_OUT_PAUSE) {
			free(c->out);
			c->out = NULL;
			c->out_room = 0;
		}
	}
	if (waiting(c) < VSW_OUT_PAUSE)
		c->blocked_ms = 0;
	else if (moved || !c->blocked_ms) {
		c->blocked_ms = vsw_now_ms();
		vsw_daemon_kick(c->server->daemon);
	}
}

static int append(struct vsw_client *c, const char *data, size_t size)
{
	if (c->out_room - c->out_size < size && c->out_start) {
		memmove(c->out, c->out + c->out_start, waiting(c));
		c->out_size -= c->out_start;
		c->out_start = 0;
	}
	if (c->out_room - c->out_size < size) {
		size_t room = c->out_room ? c->out_room : 4096;
		char *out;

		while (room - c->out_size < size)
			room *= 2;
		out = realloc(c->out, room);
		if (!out)
			return -ENOMEM;
		c->out = out;
		c->out_room = room;
	}
	memcpy(c->out + c->out_size, data, size);
	c->out_size += size;
	return 0;
}

static void queue(struct vsw_client *c, const char *data, size_t size)
{
	if (c->doomed)
		return;
	if (append(c, data, size)) {
		vd_log(LOG_ERR, "rpc", c->who, "no memory for an answer, disconnected");
		doom(c);
		return;
	}
	flush(c);
	if (!c->doomed)
		update_events(c);
}

void vsw_client_queue_event(struct vsw_client *c, const char *line, size_t size)
{
	if (c->doomed)
		return;
	if (waiting(c) + size > VSW_OUT_MAX) {
		vd_log(LOG_WARNING, "rpc", c->who,
		       "does not read its events (%zu bytes wait), disconnected", waiting(c));
		doom(c);
	} else {
		queue(c, line, size);
	}
	if (c->doomed && !c->busy)
		vsw_client_destroy(c);
}

/* @message stolen. */
static void send_json(struct vsw_client *c, json_t *id, json_t *message)
{
	struct vd_err err = {0};
	size_t size;
	char *line = message ? ctl_json_line(message, &size) : NULL;

	json_decref(message);
	if (line && size > CTL_LINE_MAX) {
		free(line);
		vd_err_set(&err, -E2BIG, VD_E_RPC_LIMIT, NULL, "ask for less: one switch, one port",
			   "the answer has %zu bytes (allowed: %u)", size, CTL_LINE_MAX);
		message = ctl_error_new(id, &err);
		line = message ? ctl_json_line(message, &size) : NULL;
		json_decref(message);
	}
	if (line) {
		queue(c, line, size);
	} else {
		vd_log(LOG_ERR, "rpc", c->who, "no memory for an answer, disconnected");
		doom(c);
	}
	free(line);
}

void vsw_client_reply(struct vsw_client *c, json_t *id, json_t *result)
{
	if (id)
		send_json(c, id, ctl_reply_new(id, result));
	else
		json_decref(result);
}

void vsw_client_fail(struct vsw_client *c, json_t *id, const struct vd_err *err)
{
	send_json(c, id, ctl_error_new(id, err));
}

static void handle_line(struct vsw_client *c, const char *line, size_t size)
{
	struct ctl_request rq;
	struct vd_err err = {0};

	if (ctl_request_parse(line, size, &rq, &err) < 0) {
		if (vsw_server_may_log(c->server))
			vd_log(LOG_INFO, "rpc", c->who, "%s", err.message);
		vsw_client_fail(c, rq.id, &err);
	} else {
		vsw_methods_dispatch(c->server->daemon, c, &rq);
	}
	ctl_request_done(&rq);
}

static void handle_lines(struct vsw_client *c)
{
	struct vd_err err = {0};
	char *line;
	size_t size;
	int r;

	while (!c->doomed && waiting(c) < VSW_OUT_PAUSE &&
	       (r = ctl_lines_next(&c->in, &line, &size)) != 0) {
		if (r > 0) {
			handle_line(c, line, size);
			continue;
		}
		vd_err_set(&err, -E2BIG, VD_E_RPC_LIMIT, NULL, NULL,
			   "a request has more than %u bytes", CTL_LINE_MAX);
		if (vsw_server_may_log(c->server))
			vd_log(LOG_INFO, "rpc", c->who, "%s", err.message);
		vsw_client_fail(c, NULL, &err);
	}
}

static void take_control(struct vsw_client *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
		size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
			if (c->passed_fd >= 0)
				close(c->passed_fd);
			c->passed_fd = fd;
		}
	}
}

static void count_input(struct vsw_client *c)
{
	struct vsw_server *s = c->server;
	size_t now = ctl_lines_pending(&c->in);

	s->input += now - c->in_counted;
	c->in_counted = now;
	if (s->input > VSW_INPUT_MAX && now > READ_SIZE && !c->doomed) {
		struct vd_err err = {0};

		vd_err_set(&err, -ENOBUFS, VD_E_RPC_LIMIT, "daemon/clients", "try again later",
			   "too many large requests at once");
		vd_log(LOG_WARNING, "rpc", c->who, "%s, disconnected", err.message);
		vsw_client_fail(c, NULL, &err);
		doom(c);
	}
}

static void read_some(struct vsw_client *c)
{
	static char buf[READ_SIZE];
	char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec iov = {buf, sizeof(buf)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->eof = true;
		return;
	}
	take_control(c, &m);
	if (ctl_lines_feed(&c->in, buf, (size_t)n) < 0) {
		vd_log(LOG_ERR, "rpc", c->who, "no memory for a request, disconnected");
		doom(c);
	}
}

/* The peer has closed its side: end what depends on it. True while an answer is still owed. */
static bool wind_up(struct vsw_client *c)
{
	struct vd_err err = {0};

	if (c->capture) {
		vsw_capture_session_end(c->capture);
		return true;
	}
	if (ctl_lines_pending(&c->in)) {
		vd_err_set(&err, -EINVAL, VD_E_RPC_PARSE, NULL, "end each request with a newline",
			   "the request was cut off after %zu bytes", ctl_lines_pending(&c->in));
		ctl_lines_done(&c->in);
		vsw_client_fail(c, NULL, &err);
	}
	return waiting(c) > 0;
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_client *c = arg;

	c->busy++;
	if (events & EPOLLOUT)
		flush(c);
	if (events & EPOLLIN && !c->eof && waiting(c) < VSW_OUT_PAUSE)
		read_some(c);
	if (!c->doomed)
		handle_lines(c);
	count_input(c);
	/* nobody is there to hear any more: obey what was said before, then leave */
	while (events & (EPOLLERR | EPOLLHUP) && !c->doomed) {
		if (c->eof)
			doom(c);
		else
			read_some(c);
		if (!c->doomed)
			handle_lines(c);
	}
	if (c->eof && !c->doomed && waiting(c) < VSW_OUT_PAUSE && !wind_up(c))
		doom(c);
	c->busy--;
	if (c->doomed)
		vsw_client_destroy(c);
	else
		update_events(c);
	return 0;
}

int vsw_client_create(struct vsw_server *s, int fd)
{
	struct vsw_client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->server = s;
	c->fd = fd;
	c->passed_fd = -1;
	ctl_lines_init(&c->in, CTL_LINE_MAX);
	rc = sd_event_add_io(s->daemon->event, &c->source, fd, EPOLLIN, on_client, c);
	if (rc < 0) {
		free(c);
		return rc;
	}
	identify(c);
	c->next = s->clients;
	if (c->next)
		c->next->prev = c;
	s->clients = c;
	s->n_clients++;
	vd_log(LOG_DEBUG, "rpc", c->who, "connected");
	return 0;
}

void vsw_client_destroy(struct vsw_client *c)
{
	struct vsw_server *s = c->server;

	if (c->capture)
		vsw_capture_session_drop(c->capture);
	vsw_probes_client_gone(c->server->daemon, c);
	if (c->prev)
		c->prev->next = c->next;
	else
		s->clients = c->next;
	if (c->next)
		c->next->prev = c->prev;
	s->n_clients--;
	s->input -= c->in_counted;
	sd_event_source_disable_unref(c->source);
	ctl_lines_done(&c->in);
	free(c->out);
	if (c->passed_fd >= 0)
		close(c->passed_fd);
	close(c->fd);
	free(c);
}

void vsw_client_subscribe(struct vsw_client *c)
{
	c->subscribed = true;
}

bool vsw_client_may_change(const struct vsw_client *c)
{
	return c->may_change;
}

const char *vsw_client_who(const struct vsw_client *c)
{
	return c->who;
}

const char *vsw_client_user(const struct vsw_client *c)
{
	return c->user;
}

int vsw_client_take_fd(struct vsw_client *c)
{
	int fd = c->passed_fd;

	c->passed_fd = -1;
	return fd;
}

void vsw_client_set_capture(struct vsw_client *c, struct vsw_capture_session *s)
{
	c->capture = s;
	if (!s) /* have on_client() look at what is left to do */
		sd_event_source_set_io_events(c->source, EPOLLOUT | (c->eof ? 0 : EPOLLIN));
}

struct vsw_capture_session *vsw_client_capture(const struct vsw_client *c)
{
	return c->capture;
}
