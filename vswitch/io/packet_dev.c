/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket behind a netdev port.
 *
 * Theory of operation. The interface is the user's: its address, MTU and state are looked at and never
 * changed, except for promiscuous mode, which goes with the socket. When the interface disappears
 * (deleted, renamed, moved to another namespace) the port stays, disconnected; when one of that name
 * comes, a new socket takes the place of the old one, and the old is closed after the workers let go.
 *
 * PACKET_QDISC_BYPASS stays off: that path drops every frame which the device wants segmented or
 * summed in software, and super-frames are the point of this back end.
 */
#include "vswitch/io/packet.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if_arp.h>
#include <linux/if_ether.h>
#include <sys/un.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

#define BUFFER_SIZE (8 << 20) /* bytes a burst of super-frames may wait in the socket, each way */

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int configure_socket(int fd, int index)
{
	struct packet_mreq promiscuous = {.mr_ifindex = index, .mr_type = PACKET_MR_PROMISC};
	struct sockaddr_ll sll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = index};
	int r;

	if (set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE) < 0)
		set_option(fd, SOL_SOCKET, SO_RCVBUF, BUFFER_SIZE);
	if (set_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER_SIZE) < 0)
		set_option(fd, SOL_SOCKET, SO_SNDBUF, BUFFER_SIZE);
	r = set_option(fd, SOL_PACKET, PACKET_VNET_HDR, 1);
	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_AUXDATA, 1);
	if (r == 0)
		r = set_option(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
	/* Nothing arrives before bind() names protocol and interface. */
	if (r == 0 && bind(fd, (struct sockaddr *)&sll, sizeof(sll)) < 0)
		r = -errno;
	if (r == 0 && setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous,
				 sizeof(promiscuous)) < 0)
		r = -errno;
	return r;
}

static int open_socket(int index)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = configure_socket(fd, index);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* ---- one switch per interface ---- */

static socklen_t claim_address(int index, struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	/* Abstract: gone with its holder, and one name space per network namespace, as ifindex is. */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1,
					    "viridian/netdev/%d", index));
}

/** Who listens at the claim's address? Return: pid of a process of our user, else 0. */
static pid_t claim_holder(const struct sockaddr_un *sun, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ucred cred = {0};
	socklen_t cred_len = sizeof(cred);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)sun, len) == 0)
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len);
	if (fd >= 0)
		close(fd);
	/* Anybody may bind such a name; only one of us can mean it. */
	return cred.pid && cred.uid == geteuid() ? cred.pid : 0;
}

static int claim(struct packet *p, struct vd_err *reterr)
{
	struct sockaddr_un sun;
	socklen_t len = claim_address(p->link.index, &sun);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	pid_t holder;

	if (fd < 0)
		return 0;
	if (bind(fd, (struct sockaddr *)&sun, len) == 0 && listen(fd, 1) == 0) {
		p->claim_fd = fd;
		return 0;
	}
	close(fd);
	holder = claim_holder(&sun, len);
	if (!holder)
		return 0;
	return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, "device",
			  "remove the port that has it first",
			  "interface %s is a port of another switch daemon (process %d)",
			  p->link.name, (int)holder);
}

/* ---- changes ---- */

static bool is_live(const struct vsw_link *link)
{
	return (link->flags & (IFF_UP | IFF_LOWER_UP)) == (IFF_UP | IFF_LOWER_UP);
}

static void publish(struct packet *p, bool connected)
{
	__atomic_store_n(&p->io.caps.max_frame, p->link.mtu_bytes + 18, __ATOMIC_RELAXED);
	__atomic_store_n(&p->io.caps.connected, connected, __ATOMIC_RELAXED);
}

/** Another interface has come under the name: move to it. */
static void change_socket(struct packet *p, int index)
{
	int fd = open_socket(index), old;

	if (fd < 0)
		return;
	old = __atomic_exchange_n(&p->fd, fd, __ATOMIC_ACQ_REL);
	p->io.env->notify(p->io.env->ctx, &p->io);
	p->io.env->quiesce(p->io.env->ctx);
	close(old);
}

static void changed(void *ctx, const struct vsw_link *link)
{
	struct packet *p = ctx;
	bool was = p->io.caps.connected, back, news;
	uint32_t was_max = p->io.caps.max_frame;

	pthread_mutex_lock(&p->lock);
	back = link && (p->gone || p->link.index != link->index);
	p->gone = !link;
	if (link)
		p->link = *link;
	publish(p, link && is_live(link));
	news = back || was != p->io.caps.connected || was_max != p->io.caps.max_frame;
	pthread_mutex_unlock(&p->lock);
	if (back)
		change_socket(p, link->index);
	if (news)
		p->io.env->notify(p->io.env->ctx, &p->io);
}

static int explain_open(const char *name, int r, struct vd_err *reterr)
{
	bool denied = r == -EPERM || r == -EACCES;

	return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
			  denied ? "start viridiand as root or with CAP_NET_RAW and CAP_NET_ADMIN"
				 : NULL,
			  "interface %s could not be opened: %s", name, strerror(-r));
}

static int check_link(const struct packet *p, struct vd_err *reterr)
{
	char master[IF_NAMESIZE] = "?";

	if (p->link.type != ARPHRD_ETHER)
		return vd_err_set(reterr, -ENOTSUP, VD_E_UNSUPPORTED, "device", NULL,
				  "interface %s is not an Ethernet interface", p->link.name);
	if (p->link.master) {
		if_indextoname((unsigned int)p->link.master, master);
		return vd_err_set(reterr, -EBUSY, VD_E_DEVICE_BUSY, "device",
				  "ip link set IFNAME nomaster",
				  "interface %s belongs to %s already", p->link.name, master);
	}
	return 0;
}

int packet_dev_open(struct packet *p, struct vd_err *reterr)
{
	const char *name = p->io.device.target;
	int r = vsw_link_get(name, 0, &p->link);

	if (r < 0)
		return vd_err_set(reterr, -ENOENT, VD_E_DEVICE_MISSING, "device",
				  "ip link lists the interfaces; tap:IFNAME makes one",
				  "there is no interface named %s in this network namespace", name);
	r = check_link(p, reterr);
	if (r == 0)
		r = claim(p, reterr);
	if (r < 0)
		return r;
	p->fd = open_socket(p->link.index);
	if (p->fd < 0)
		return explain_open(name, p->fd, reterr);
	publish(p, is_live(&p->link));
	snprintf(p->watch.name, sizeof(p->watch.name), "%s", name);
	p->watch.index = p->link.index;
	p->watch.fn = changed;
	p->watch.ctx = p;
	r = vsw_watch_add(&p->watch);
	if (r < 0) {
		close(p->fd);
		p->fd = -1;
		return explain_open(name, r, reterr);
	}
	return 0;
}

void packet_dev_close(struct packet *p)
{
	if (p->fd >= 0) {
		vsw_watch_remove(&p->watch);
		close(p->fd);
	}
	if (p->claim_fd >= 0)
		close(p->claim_fd);
}
