/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rtnetlink requests, one short-lived socket each: none of this is frequent. */
#include "vswitch/io/link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

/* linux/netdev.h of Linux 6.3, which Debian 12 lacks. */
#define NETDEV_FAMILY               "netdev"
#define NETDEV_CMD_DEV_GET          1
#define NETDEV_A_DEV_IFINDEX        1
#define NETDEV_A_DEV_XDP_FEATURES   3
#define NETDEV_XDP_ACT_XSK_ZEROCOPY 8

static void get_string(const struct nlattr *a, char *buf, size_t size)
{
	size_t n = mnl_attr_get_payload_len(a);

	n = n < size - 1 ? n : size - 1;
	memcpy(buf, mnl_attr_get_payload(a), n);
	buf[n] = 0;
}

int vsw_link_parse(const struct nlmsghdr *nlh, struct vsw_link *ret)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *a, *b;

	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ifi))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->index = ifi->ifi_index;
	ret->flags = ifi->ifi_flags;
	ret->type = ifi->ifi_type;
	mnl_attr_for_each(a, nlh, sizeof(*ifi))
	{
		switch (mnl_attr_get_type(a)) {
		case IFLA_IFNAME:
			get_string(a, ret->name, sizeof(ret->name));
			break;
		case IFLA_IFALIAS:
			get_string(a, ret->alias, sizeof(ret->alias));
			break;
		case IFLA_MTU:
			ret->mtu_bytes = mnl_attr_get_u32(a);
			break;
		case IFLA_MASTER:
			ret->master = (int)mnl_attr_get_u32(a);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(a) == sizeof(ret->mac))
				memcpy(ret->mac, mnl_attr_get_payload(a), sizeof(ret->mac));
			break;
		case IFLA_LINKINFO:
			mnl_attr_for_each_nested(b, a) if (mnl_attr_get_type(b) == IFLA_INFO_KIND)
				get_string(b, ret->kind, sizeof(ret->kind));
			break;
		}
	}
	return 0;
}

int vsw_netlink_talk(int bus, struct nlmsghdr *nlh, mnl_cb_t cb, void *ctx)
{
	size_t size = 32768;
	char *buf = malloc(size);
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	unsigned int port;
	int r = -ENOMEM;

	if (!buf)
		goto out;
	r = -errno;
	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		goto out;
	port = mnl_socket_get_portid(s);
	nlh->nlmsg_seq = 1;
	r = mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0 ? -errno : 1;
	while (r > 0) {
		ssize_t n = mnl_socket_recvfrom(s, buf, size);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -1 : mnl_cb_run(buf, (size_t)n, 1, port, cb, ctx);
		if (r < 0)
			r = -errno;
	}
out:
	if (s)
		mnl_socket_close(s);
	free(buf);
	return r;
}

static struct nlmsghdr *link_request(void *buf, uint16_t type, uint16_t flags, int index)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = index;
	return nlh;
}

static int one_cb(const struct nlmsghdr *nlh, void *ctx)
{
	return vsw_link_parse(nlh, ctx) < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

int vsw_link_get(const char *name, int index, struct vsw_link *ret)
{
	char buf[256];
	struct nlmsghdr *nlh = link_request(buf, RTM_GETLINK, NLM_F_ACK, name ? 0 : index);

	if (name)
		mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, one_cb, ret);
}

struct each {
	bool (*fn)(void *ctx, const struct vsw_link *link);
	void *ctx;
	bool stop;
};

static int each_cb(const struct nlmsghdr *nlh, void *arg)
{
	struct each *e = arg;
	struct vsw_link link;

	if (!e->stop && vsw_link_parse(nlh, &link) == 0)
		e->stop = e->fn(e->ctx, &link);
	return MNL_CB_OK;
}

int vsw_link_each(bool (*fn)(void *ctx, const struct vsw_link *link), void *ctx)
{
	struct each e = {.fn = fn, .ctx = ctx};
	char buf[256];

	return vsw_netlink_talk(NETLINK_ROUTE, link_request(buf, RTM_GETLINK, NLM_F_DUMP, 0),
				each_cb, &e);
}

int vsw_link_set(int index, const struct vsw_link_change *change)
{
	char buf[512];
	struct nlmsghdr *nlh = link_request(buf, RTM_NEWLINK, NLM_F_ACK, index);
	struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);

	if (change->up) {
		ifi->ifi_flags = IFF_UP;
		ifi->ifi_change = IFF_UP;
	}
	if (change->mtu_bytes)
		mnl_attr_put_u32(nlh, IFLA_MTU, change->mtu_bytes);
	if (change->alias)
		mnl_attr_put_str(nlh, IFLA_IFALIAS, change->alias);
	if (change->gso_max_segs)
		mnl_attr_put_u32(nlh, IFLA_GSO_MAX_SEGS, change->gso_max_segs);
	return vsw_netlink_talk(NETLINK_ROUTE, nlh, NULL, NULL);
}

int vsw_link_delete(int index)
{
	char buf[256];

	return vsw_netlink_talk(NETLINK_ROUTE, link_request(buf, RTM_DELLINK, NLM_F_ACK, index),
				NULL, NULL);
}

unsigned int vsw_link_channels(const char *name)
{
	struct ethtool_channels c = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (char *)&c};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned int n = 1;

	memcpy(ifr.ifr_name, name, strnlen(name, sizeof(ifr.ifr_name) - 1));
	if (fd >= 0 && ioctl(fd, SIOCETHTOOL, &ifr) == 0 && c.combined_count + c.rx_count)
		n = c.combined_count + c.rx_count;
	if (fd >= 0)
		close(fd);
	return n;
}

/** Payload of attribute @type as a number of at most 64 bits, into a uint64_t[2] = {type, value}. */
static int number_cb(const struct nlmsghdr *nlh, void *ctx)
{
	uint64_t *want = ctx;
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct genlmsghdr))
	{
		uint16_t size = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) == want[0] && size <= sizeof(want[1]))
			memcpy(&want[1], mnl_attr_get_payload(a), size);
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *genl_request(void *buf, uint16_t family, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *g;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	g = mnl_nlmsg_put_extra_header(nlh, sizeof(*g));
	g->cmd = cmd;
	g->version = 1;
	return nlh;
}

int vsw_link_xsk_zerocopy(int index)
{
	uint64_t family[2] = {CTRL_ATTR_FAMILY_ID, 0};
	uint64_t features[2] = {NETDEV_A_DEV_XDP_FEATURES, 0};
	char buf[256];
	struct nlmsghdr *nlh = genl_request(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NETDEV_FAMILY);
	if (vsw_netlink_talk(NETLINK_GENERIC, nlh, number_cb, family) < 0 || family[1] == 0)
		return -EOPNOTSUPP;
	nlh = genl_request(buf, (uint16_t)family[1], NETDEV_CMD_DEV_GET);
	mnl_attr_put_u32(nlh, NETDEV_A_DEV_IFINDEX, (uint32_t)index);
	if (vsw_netlink_talk(NETLINK_GENERIC, nlh, number_cb, features) < 0)
		return -EOPNOTSUPP;
	return !!(features[1] & NETDEV_XDP_ACT_XSK_ZEROCOPY);
}
