/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs on ports: see facts.h. TCP is asked by sock_diag for its listeners alone: /proc/net/tcp goes through every bucket of the
 * established connections first, which takes milliseconds. Kernels without it, and UDP, are read from /proc.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/hostnat/facts.h"

#define LISTENERS_MAX 65536u
#define UDP_OPEN      0x07 /* the kernel's state, as /proc/net writes it */
#define RECV_SIZE     65536

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

/* The IPv4 address that a socket bound to these words (one, or the four of IPv6) takes. Return: false: none. */
static bool bound(const uint32_t *w, bool six, uint32_t *ret)
{
	/* "::" also takes IPv4; an IPv4 address inside of IPv6 is what it says */
	if (six && (w[0] || w[1] || (w[2] && ntohl(w[2]) != 0xffff) || (!w[2] && w[3])))
		return false;
	*ret = ntohl(w[six ? 3 : 0]);
	return true;
}

/* ---- /proc ---- */

/* 32-bit words as they are in memory, in hex; IPv6 has four of them. */
static bool parse_addr(const char *hex, uint32_t *ret)
{
	size_t len = strlen(hex);
	uint32_t w[4] = {0};

	if (len == 8)
		return sscanf(hex, "%8x", &w[0]) == 1 && bound(w, false, ret);
	return len == 32 && sscanf(hex, "%8x%8x%8x%8x", &w[0], &w[1], &w[2], &w[3]) == 4 &&
	       bound(w, true, ret);
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

/* ---- sock_diag ---- */

static int on_socket(const struct nlmsghdr *nlh, void *ctx)
{
	const struct inet_diag_msg *m = mnl_nlmsg_get_payload(nlh);
	struct listener one = {.protocol = NAT_TCP};
	struct nat_listeners *l = ctx;
	const struct nlattr *a;
	int r;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*m) || m->idiag_state != TCP_LISTEN)
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(*m)) if (mnl_attr_get_type(a) == INET_DIAG_SKV6ONLY &&
						  mnl_attr_get_payload_len(a) == 1 &&
						  mnl_attr_get_u8(a)) return MNL_CB_OK;
	one.port = ntohs(m->id.idiag_sport);
	if (!one.port || l->n >= LISTENERS_MAX ||
	    !bound(m->id.idiag_src, m->idiag_family == AF_INET6, &one.addr))
		return MNL_CB_OK;
	r = add_listener(l, one);
	if (!r)
		return MNL_CB_OK;
	errno = -r;
	return MNL_CB_ERROR;
}

/* TCP listeners of @family. */
static int ask(struct nat_listeners *l, struct mnl_socket *s, char *buf, uint8_t family)
{
	char request[128];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(request);
	struct inet_diag_req_v2 *q;
	int r;

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = family;
	q = mnl_nlmsg_put_extra_header(nlh, sizeof(*q));
	memset(q, 0, sizeof(*q));
	q->sdiag_family = family;
	q->sdiag_protocol = IPPROTO_TCP;
	q->idiag_states = 1u << TCP_LISTEN;
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t n = mnl_socket_recvfrom(s, buf, RECV_SIZE);

		if (n < 0 && errno != EINTR)
			return -errno;
		r = n < 0 ? 1
			  : mnl_cb_run(buf, (size_t)n, family, mnl_socket_get_portid(s), on_socket,
				       l);
	} while (r > 0);
	return r < 0 ? -errno : 0;
}

static int ask_both(struct nat_listeners *l)
{
	struct mnl_socket *s = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	char *buf = malloc(RECV_SIZE);
	int r = !s ? -errno : !buf ? -ENOMEM : 0;

	if (!r && mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		r = -errno;
	if (!r)
		r = ask(l, s, buf, AF_INET);
	if (!r)
		r = ask(l, s, buf, AF_INET6);
	free(buf);
	if (s)
		mnl_socket_close(s);
	return r;
}

/* ---- both ---- */

int nat_listeners_load(struct nat_listeners **ret)
{
	struct nat_listeners *l = calloc(1, sizeof(*l));
	int r = l ? ask_both(l) : -ENOMEM;

	if (r < 0 && r != -ENOMEM) { /* twice is no harm */
		r = load(l, "tcp", NAT_TCP, TCP_LISTEN);
		if (!r)
			r = load(l, "tcp6", NAT_TCP, TCP_LISTEN);
	}
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
