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

#define LISTENERS_MAX 65536u
#define TCP_LISTEN    0x0a /* the kernel's states, as /proc/net writes them */
#define UDP_OPEN      0x07

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

/* ---- programs on ports ---- */

struct listener {
	uint32_t addr; /* 0: every one */
	uint16_t port;
	uint8_t protocol;
};

struct nat_listeners {
	struct listener *items;
	unsigned int n, size;
};

static int add_listener(struct nat_listeners *l, struct listener one)
{
	if (l->n == l->size) {
		unsigned int size = l->size ? l->size * 2 : 64;
		struct listener *p = reallocarray(l->items, size, sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->items = p;
		l->size = size;
	}
	l->items[l->n++] = one;
	return 0;
}

/* The address of /proc/net: 32-bit words as they are in memory, in hex; IPv6 has four of them. */
static bool parse_addr(const char *hex, uint32_t *ret)
{
	size_t len = strlen(hex);
	unsigned int w[4] = {0};

	if (len == 8 && sscanf(hex, "%8x", &w[0]) == 1) {
		*ret = ntohl(w[0]);
		return true;
	}
	if (len != 32 || sscanf(hex, "%8x%8x%8x%8x", &w[0], &w[1], &w[2], &w[3]) != 4)
		return false;
	/* "::" also takes IPv4; an IPv4 address inside of IPv6 is what it says */
	if (w[0] || w[1] || (w[2] && ntohl(w[2]) != 0xffff) || (!w[2] && w[3]))
		return false;
	*ret = ntohl(w[3]);
	return true;
}

static int load(struct nat_listeners *l, const char *file, uint8_t protocol, unsigned int wanted)
{
	char path[64], line[512], addr[40];
	unsigned int port, state;
	int r = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", file);
	f = fopen(path, "re");
	while (f && !r && l->n < LISTENERS_MAX && fgets(line, sizeof(line), f)) {
		struct listener one = {.protocol = protocol};

		if (sscanf(line, " %*u: %39[0-9A-F]:%4x %*s %x", addr, &port, &state) != 3 ||
		    state != wanted || !port || !parse_addr(addr, &one.addr))
			continue;
		one.port = (uint16_t)port;
		r = add_listener(l, one);
	}
	if (f)
		fclose(f);
	return r;
}

int nat_listeners_load(struct nat_listeners **ret)
{
	struct nat_listeners *l = calloc(1, sizeof(*l));
	int r = l ? load(l, "tcp", NAT_TCP, TCP_LISTEN) : -ENOMEM;

	if (!r)
		r = load(l, "tcp6", NAT_TCP, TCP_LISTEN);
	if (!r)
		r = load(l, "udp", NAT_UDP, UDP_OPEN);
	if (!r)
		r = load(l, "udp6", NAT_UDP, UDP_OPEN);
	if (r)
		nat_listeners_free(l);
	else
		*ret = l;
	return r;
}

void nat_listeners_free(struct nat_listeners *l)
{
	if (l)
		free(l->items);
	free(l);
}

bool nat_listeners_clash(const struct nat_listeners *l, const struct nat_map *m, char *text,
			 size_t size)
{
	for (unsigned int i = 0; i < l->n; i++) {
		const struct listener *one = &l->items[i];
		char addr[NAT_ADDR_STR_SIZE];

		if (one->protocol != m->protocol || one->port < m->port_first ||
		    one->port > m->port_last || one->addr >> 24 == 127)
			continue;
		if (m->outside && one->addr && one->addr != m->outside)
			continue;
		snprintf(text, size, "%s port %u of %s", m->protocol == NAT_TCP ? "tcp" : "udp",
			 one->port, one->addr ? nat_addr_format(one->addr, addr) : "every address");
		return true;
	}
	return false;
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
