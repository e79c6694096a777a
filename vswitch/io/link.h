/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel interfaces through rtnetlink: look at one or all, change, delete, watch. Everything happens in
 * the calling thread's network namespace.
 * Thread-safety: no shared state. Source: rtnetlink(7), linux/if_link.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <net/if.h>
#include <linux/netlink.h>

#ifndef IFF_LOWER_UP /* of linux/if.h, which cannot stand beside net/if.h */
#define IFF_LOWER_UP 0x10000
#endif

struct vsw_link {
	int index;
	char name[IF_NAMESIZE];
	char kind[16]; /* "tun", "veth", ...; "" for hardware */
	char alias[256];
	uint32_t mtu_bytes;
	uint32_t flags; /* IFF_UP, IFF_LOWER_UP, ... */
	uint8_t mac[6];
	uint16_t type; /* ARPHRD_ETHER, ... */
	int master;    /* index of the bridge, bond, ... it belongs to; 0 none */
};

/** By @name, or by @index when @name is NULL. Return: 0; -ENODEV; other -errno. */
int vsw_link_get(const char *name, int index, struct vsw_link *ret);

/** Call @fn for every interface; @fn returns true to stop. Return: 0 or -errno. */
int vsw_link_each(bool (*fn)(void *ctx, const struct vsw_link *link), void *ctx);

/** Send @nlh on a fresh socket of netlink family @bus and run @cb (mnl_cb_t; may be NULL) over the answers.
 *  Return: 0 or -errno. */
int vsw_netlink_talk(int bus, struct nlmsghdr *nlh, int (*cb)(const struct nlmsghdr *, void *),
		     void *ctx);

struct vsw_link_change {
	uint32_t mtu_bytes;    /* 0: leave */
	bool up;               /* set IFF_UP */
	const char *alias;     /* NULL: leave */
	uint32_t gso_max_segs; /* 0: leave */
};

/** Return: 0 or -errno. */
int vsw_link_set(int index, const struct vsw_link_change *change);

int vsw_link_delete(int index);

/** Read an RTM_NEWLINK or RTM_DELLINK message. Return: 0; -EINVAL when it is something else. */
int vsw_link_parse(const struct nlmsghdr *nlh, struct vsw_link *ret);

/** How many rx queues the driver spreads frames over (ethtool -l); 1 when it does not say. */
unsigned int vsw_link_channels(const char *name);

/** Does the driver of @index do AF_XDP without copying, by its own word (netdev netlink family, Linux 6.3)?
 *  Return: 1, 0; -EOPNOTSUPP when the kernel does not say. */
int vsw_link_xsk_zerocopy(int index);
