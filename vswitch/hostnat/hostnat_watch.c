/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Others change rules, addresses and routes, too: notice, wait a moment for them to finish, look. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "vswitch/hostnat/hostnat_impl.h"

#define SETTLE_MS 100u
#define LOOK_MS   10000u /* the host's resolvers, and what news may have missed */

static int on_timer(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_hostnat *h = arg;

	for (unsigned int i = 0; i < h->n_nets; i++)
		hn_repair(h, h->nets[i]);
	hn_look_soon(h, LOOK_MS);
	return 0;
}

void hn_look_soon(struct vsw_hostnat *h, uint32_t after_ms)
{
	uint64_t then;

	if (!h->timer) {
		sd_event_add_time_relative(h->env.event, &h->timer, CLOCK_MONOTONIC,
					   (uint64_t)after_ms * 1000, 0, on_timer, h);
		return;
	}
	/* not later than planned: a stream of news must not put it off for ever */
	if (sd_event_source_get_enabled(h->timer, NULL) > 0 &&
	    sd_event_source_get_time(h->timer, &then) >= 0) {
		uint64_t now = 0;

		sd_event_now(h->env.event, CLOCK_MONOTONIC, &now);
		if (then > now && then - now <= (uint64_t)after_ms * 1000)
			return;
	}
	sd_event_source_set_time_relative(h->timer, (uint64_t)after_ms * 1000);
	sd_event_source_set_enabled(h->timer, SD_EVENT_ONESHOT);
}

static int on_nft(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_hostnat *h = arg;

	if (nat_nft_changed(h->nft))
		hn_look_soon(h, SETTLE_MS);
	return 0;
}

int hn_watch_nft(struct vsw_hostnat *h)
{
	return sd_event_add_io(h->env.event, &h->nft_source, nat_nft_fd(h->nft), EPOLLIN, on_nft,
			       h);
}

/* Anything but what we do ourselves would do; telling that apart is not worth it. */
static int on_links(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_hostnat *h = arg;
	char buf[32768];

	while (mnl_socket_recvfrom(h->news, buf, sizeof(buf)) > 0)
		;
	if (h->n_nets)
		hn_look_soon(h, SETTLE_MS);
	return 0;
}

int hn_watch_links(struct vsw_hostnat *h)
{
	unsigned int groups =
		RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV4_RULE;

	h->news = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!h->news || mnl_socket_bind(h->news, groups, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return sd_event_add_io(h->env.event, &h->news_source, mnl_socket_get_fd(h->news), EPOLLIN,
			       on_links, h);
}

void hn_unwatch(struct vsw_hostnat *h)
{
	h->timer = sd_event_source_disable_unref(h->timer);
	h->nft_source = sd_event_source_disable_unref(h->nft_source);
	h->news_source = sd_event_source_disable_unref(h->news_source);
	if (h->news)
		mnl_socket_close(h->news);
	h->news = NULL;
}
