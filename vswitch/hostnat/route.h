/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 addresses, routes and rules of the kernel, as NAT networks need them. Numbers in host byte order.
 * Everything happens in the calling thread's network namespace. Functions return 0 or -errno; adding
 * what is there and removing what is not are no errors.
 * Thread-safety: no shared state. Source: rtnetlink(7).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nat/nat_addr.h"

/** @no_route: the kernel shall not make a route to the prefix (main table) of it. */
int vsw_route_addr_add(int ifindex, uint32_t addr, uint8_t len, bool no_route);
int vsw_route_addr_del(int ifindex, uint32_t addr, uint8_t len);

/** Call @fn for every address; it returns true to stop. */
int vsw_route_addrs(bool (*fn)(void *ctx, int ifindex, uint32_t addr, uint8_t len), void *ctx);

struct vsw_route {
	struct nat_prefix dst; /* len 0: default */
	uint32_t gateway;      /* 0: on link */
	uint32_t table;        /* RT_TABLE_MAIN, ... */
	int ifindex;           /* 0: none, or several */
	uint8_t type;          /* RTN_UNICAST, ... */
};

/** Call @fn for every route of every table; it returns true to stop. */
int vsw_routes(bool (*fn)(void *ctx, const struct vsw_route *r), void *ctx);
int vsw_route_add(const struct vsw_route *r);
int vsw_route_del(const struct vsw_route *r);

/** "from all fwmark @mark lookup @table", at @priority. */
int vsw_route_rule_add(uint32_t mark, uint32_t table, uint32_t priority);
int vsw_route_rule_del(uint32_t mark, uint32_t table, uint32_t priority);

/** Move an interface to the namespace @netns_fd. */
int vsw_route_link_move(int ifindex, int netns_fd);
