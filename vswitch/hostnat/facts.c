/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the host: see facts.h. */
#include "vswitch/hostnat/facts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vswitch/hostnat/route.h"

/* ---- routes ---- */

struct clash {
	struct nat_prefix prefix;
	bool (*ours)(void *ctx, const char *ifname);
	void *ctx;
	bool found;
	struct vsw_route route;
	char ifname[IF_NAMESIZE];
};

static bool is_clash(void *arg, const struct vsw_route *r)
{
	struct clash *c = arg;
	char ifname[IF_NAMESIZE] = "";

	/* the local table says again, address by address, what the main one says */
	if (r->dst.len == 0 || r->table == RT_TABLE_LOCAL || r->type == RTN_BROADCAST ||
	    r->type == RTN_MULTICAST || !nat_prefix_overlap(r->dst, c->prefix))
		return false;
	if (r->ifindex && if_indextoname((unsigned int)r->ifindex, ifname) &&
	    c->ours(c->ctx, ifname))
		return false;
	c->route = *r;
	snprintf(c->ifname, sizeof(c->ifname), "%s", ifname);
	c->found = true;
	return true;
}

int nat_facts_route(struct nat_prefix prefix, bool (*ours)(void *ctx, const char *ifname),
		    void *ctx, char *text, size_t size)
{
	struct clash c = {.prefix = prefix, .ours = ours, .ctx = ctx};
	char dst[NAT_PREFIX_STR_SIZE], via[NAT_ADDR_STR_SIZE];
	int r = vsw_routes(is_clash, &c);

	if (r || !c.found)
		return r;
	snprintf(text, size, "%s%s%s%s%s", nat_prefix_format(c.route.dst, dst),
		 c.route.gateway ? " via " : "",
		 c.route.gateway ? nat_addr_format(c.route.gateway, via) : "",
		 c.ifname[0] ? " dev " : "", c.ifname);
	return 1;
}

struct wanted_addr {
	uint32_t addr;
	bool found;
};

static bool is_addr(void *arg, int ifindex, uint32_t addr, uint8_t len)
{
	struct wanted_addr *w = arg;

	w->found |= addr == w->addr;
	return w->found;
}

bool nat_facts_is_local(uint32_t addr)
{
	struct wanted_addr w = {addr, false};

	vsw_route_addrs(is_addr, &w);
	return w.found;
}

/* ---- settings ---- */

long long nat_sysctl_get(const char *path)
{
	char full[256], text[64] = "";
	ssize_t n;
	int fd;

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	return n <= 0 ? -EIO : strtoll(text, NULL, 10);
}

int nat_sysctl_set(const char *path, long long value)
{
	char full[256], text[32];
	int fd, r = 0, n = snprintf(text, sizeof(text), "%lld\n", value);

	snprintf(full, sizeof(full), "/proc/sys/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		r = -errno;
	close(fd);
	return r;
}
