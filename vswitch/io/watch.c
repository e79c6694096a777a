/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that listens to rtnetlink's link group. */
#include "vswitch/io/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/eventfd.h>

static struct {
	pthread_mutex_t lock; /* guards list and is held while callbacks run */
	struct vsw_watch *list;
	pthread_t thread;
	struct mnl_socket *socket;
	int stop_fd;
} watch = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int link_cb(const struct nlmsghdr *nlh, void *ctx)
{
	struct vsw_link link;

	if (vsw_link_parse(nlh, &link) < 0)
		return MNL_CB_OK;
	for (struct vsw_watch *w = watch.list; w; w = w->next) {
		bool named = !strcmp(w->name, link.name);

		if (named && nlh->nlmsg_type == RTM_NEWLINK) {
			w->index = link.index;
			w->fn(w->ctx, &link);
		} else if (w->index == link.index && (named == (nlh->nlmsg_type == RTM_DELLINK))) {
			w->index = 0;
			w->fn(w->ctx, NULL);
		}
	}
	return MNL_CB_OK;
}

/** After lost messages: look at everything anew. */
static void look_again(void)
{
	for (struct vsw_watch *w = watch.list; w; w = w->next) {
		struct vsw_link link;
		bool there = vsw_link_get(w->name, 0, &link) == 0;

		w->index = there ? link.index : 0;
		w->fn(w->ctx, there ? &link : NULL);
	}
}

static void *watch_thread(void *arg)
{
	struct pollfd fds[2] = {{.fd = mnl_socket_get_fd(watch.socket), .events = POLLIN},
				{.fd = watch.stop_fd, .events = POLLIN}};
	static char buf[32768];

	for (;;) {
		ssize_t n;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[1].revents)
			return NULL;
		if (!fds[0].revents)
			continue;
		n = mnl_socket_recvfrom(watch.socket, buf, sizeof(buf));
		pthread_mutex_lock(&watch.lock);
		if (n > 0)
			mnl_cb_run(buf, (size_t)n, 0, 0, link_cb, NULL);
		else if (errno == ENOBUFS)
			look_again();
		pthread_mutex_unlock(&watch.lock);
	}
}

static int watch_start(void)
{
	int r;

	watch.stop_fd = eventfd(0, EFD_CLOEXEC);
	watch.socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (watch.stop_fd < 0 || !watch.socket ||
	    mnl_socket_bind(watch.socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	else
		r = -pthread_create(&watch.thread, NULL, watch_thread, NULL);
	if (r < 0) {
		if (watch.socket)
			mnl_socket_close(watch.socket);
		if (watch.stop_fd >= 0)
			close(watch.stop_fd);
	}
	return r;
}

int vsw_watch_add(struct vsw_watch *w)
{
	int r = watch.list ? 0 : watch_start();

	if (r < 0)
		return r;
	pthread_mutex_lock(&watch.lock);
	w->next = watch.list;
	watch.list = w;
	pthread_mutex_unlock(&watch.lock);
	return 0;
}

void vsw_watch_remove(struct vsw_watch *w)
{
	struct vsw_watch **p;

	pthread_mutex_lock(&watch.lock);
	for (p = &watch.list; *p && *p != w; p = &(*p)->next)
		;
	if (*p)
		*p = w->next;
	pthread_mutex_unlock(&watch.lock);
	if (watch.list)
		return;
	eventfd_write(watch.stop_fd, 1);
	pthread_join(watch.thread, NULL);
	mnl_socket_close(watch.socket);
	close(watch.stop_fd);
}
