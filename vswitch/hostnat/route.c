/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink requests about addresses, routes and rules: see route.h. */
#include "vswitch/hostnat/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "vswitch/io/link.h"

static struct nlmsghdr *request(void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

/* ---- addresses ---- */

static struct nlmsghdr *addr_request(void *buf, uint16_t type, uint16_t flags, int ifindex,
				     uint32_t addr, uint8_t len)
{
	struct nlmsghdr *nlh = request(buf, type, flags);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(nlh, sizeof(*a));

	a->ifa_family = AF_INET;
	a->ifa_prefixlen = len;
	a->ifa_index = (uint32_t)ifindex;
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(addr));
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(addr));
	return nlh;
}

int vsw_route_addr_add(int ifindex, uint32_t addr, uint8_t len, bool no_route)
{
	char buf[256];
	struct nlmsghdr *nlh = addr_request(buf, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL,
					    ifindex, addr, len);
	int r;

	if (len < 31)
		mnl_attr_put_u32(nlh, IFA_BROADCAST, htonl(addr | ~nat_mask(len)));
	if (no_route)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	r = vsw_netlink_talk(NETLINK_ROUTE, nlh, NULL, NULL);
	return r == -EEXIST ? 0 : r;
}

int vsw_route_addr_del(int ifindex, uint32_t addr, uint8_t len)
{
	char buf[256];
	int r = vsw_netlink_talk(NETLINK_ROUTE,
				 addr_request(buf, RTM_DELADDR, NLM_F_ACK, ifindex, addr, len),
				 NULL, NULL);

	return r == -EADDRNOTAVAIL || r == -ENODEV ? 0 : r;
}

struct addrs {
	bool (*fn)(void *ctx, int ifindex, uint32_t addr, uint8_t len);
	void *ctx;
	bool stop;
};

static int addr_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *a = mnl_nlmsg_get_payload(nlh);
	struct addrs *w = arg;
	const struct nlattr *at;
	uint32_t addr = 0;

	if (w->stop || nlh->nlmsg_type != RTM_NEWADDR || a->ifa_family != AF_INET)
		return MNL_CB_OK;
	mnl_attr_for_each(at, nlh, sizeof(*a)) if (mnl_attr_get_type(at) == IFA_LOCAL &&
						   mnl_attr_get_payload_len(at) == 4) addr =
		ntohl(mnl_attr_get_u32(at));
	if (addr)
		w->stop = w->fn(w->ctx, (int)a->ifa_index, addr, a->ifa_prefixlen);
	return MNL_CB_OK;
}

int vsw_route_addrs(bool (*fn)(void *ctx, int ifindex, uint32_t addr, uint8_t len), void *ctx)
{
	struct addrs w = {.fn = fn, .ctx = ctx};
	char buf[128];
	struct nlmsghdr *nlh = request(buf, RTM_GETADDR, NLM_F_DUMP);
	struct ifaddrmsg *a = mnl_nlmsg_put_extra_header(nlh, sizeof(*a));

	a->ifa_family = AF_INET;
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, addr_cb, &w);
}

/* ---- routes ---- */

struct routes {
	bool (*fn)(void *ctx, const struct vsw_route *r);
	void *ctx;
	bool stop;
};

static int route_cb(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *m = mnl_nlmsg_get_payload(nlh);
	struct routes *w = arg;
	struct vsw_route r = {
		.dst.len = m->rtm_dst_len, .table = m->rtm_table, .type = m->rtm_type};
	const struct nlattr *at;

	if (w->stop || nlh->nlmsg_type != RTM_NEWROUTE || m->rtm_family != AF_INET ||
	    m->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	mnl_attr_for_each(at, nlh, sizeof(*m))
	{
		if (mnl_attr_get_payload_len(at) != 4)
			continue;
		switch (mnl_attr_get_type(at)) {
		case RTA_DST:
			r.dst.addr = ntohl(mnl_attr_get_u32(at));
			break;
		case RTA_GATEWAY:
			r.gateway = ntohl(mnl_attr_get_u32(at));
			break;
		case RTA_OIF:
			r.ifindex = (int)mnl_attr_get_u32(at);
			break;
		case RTA_TABLE:
			r.table = mnl_attr_get_u32(at);
			break;
		}
	}
	w->stop = w->fn(w->ctx, &r);
	return MNL_CB_OK;
}

int vsw_routes(bool (*fn)(void *ctx, const struct vsw_route *r), void *ctx)
{
	struct routes w = {.fn = fn, .ctx = ctx};
	char buf[128];
	struct nlmsghdr *nlh = request(buf, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = AF_INET;
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, route_cb, &w);
}

static int route_change(uint16_t type, uint16_t flags, const struct vsw_route *r)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, type, flags | NLM_F_ACK);
	struct rtmsg *m = mnl_nlmsg_put_extra_header(nlh, sizeof(*m));

	m->rtm_family = AF_INET;
	m->rtm_dst_len = r->dst.len;
	m->rtm_table = RT_TABLE_UNSPEC;
	m->rtm_protocol = RTPROT_STATIC;
	m->rtm_scope = r->gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	if (r->dst.len)
		mnl_attr_put_u32(nlh, RTA_DST, htonl(nat_prefix_first(r->dst)));
	if (r->gateway)
		mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(r->gateway));
	mnl_attr_put_u32(nlh, RTA_OIF, (uint32_t)r->ifindex);
	mnl_attr_put_u32(nlh, RTA_TABLE, r->table);
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, NULL, NULL);
}

int vsw_route_add(const struct vsw_route *r)
{
	return route_change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, r);
}

int vsw_route_del(const struct vsw_route *r)
{
	int rc = route_change(RTM_DELROUTE, 0, r);

	return rc == -ESRCH || rc == -ENODEV ? 0 : rc;
}

/* ---- rules ---- */

static int rule_change(uint16_t type, uint16_t flags, uint32_t mark, uint32_t table,
		       uint32_t priority)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, type, flags | NLM_F_ACK);
	struct fib_rule_hdr *h = mnl_nlmsg_put_extra_header(nlh, sizeof(*h));

	h->family = AF_INET;
	h->action = FR_ACT_TO_TBL;
	h->table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, priority);
	mnl_attr_put_u32(nlh, FRA_FWMARK, mark);
	mnl_attr_put_u32(nlh, FRA_TABLE, table);
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, NULL, NULL);
}

int vsw_route_rule_add(uint32_t mark, uint32_t table, uint32_t priority)
{
	int r = rule_change(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, mark, table, priority);

	return r == -EEXIST ? 0 : r;
}

int vsw_route_rule_del(uint32_t mark, uint32_t table, uint32_t priority)
{
	int r = rule_change(RTM_DELRULE, 0, mark, table, priority);

	return r == -ENOENT ? 0 : r;
}

int vsw_route_link_move(int ifindex, int netns_fd)
{
	char buf[256];
	struct nlmsghdr *nlh = request(buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, NULL, NULL);
}
