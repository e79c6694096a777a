/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a tap interface.
 *
 * Theory of operation. While the daemon runs the interface is persistent, so that after kill -9 it
 * stays where the user moved it, with addresses and routes. It carries a random id in its alias
 * ("viridian port web1 0123456789abcdef"), which leftover() reports as well: the next run looks for
 * that id in all namespaces and attaches again, or deletes. What does not carry our id is never touched.
 *
 * The descriptor knows its interface through moves and renames: MAC and carrier are set through it;
 * the MTU has no such ioctl, so a thread visits the namespace.
 */
#include "vswitch/io/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/if_tun.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/random.h>

#include "vswitch/io/link.h"
#include "vswitch/io/netns.h"

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define TUN_PATH "/dev/net/tun"

/* ---- finding ---- */

struct search {
	const char *id;
	const char *name; /* what it was called once: saves the dump when it still is */
	struct vsw_link link;
	int fd; /* namespace of the one found */
	bool found;
};

static bool has_id(void *ctx, const struct vsw_link *link)
{
	struct search *s = ctx;
	size_t len = strlen(link->alias), id_len = strlen(s->id);

	if (strcmp(link->kind, "tun") || len < id_len || strcmp(link->alias + len - id_len, s->id))
		return false;
	s->link = *link;
	s->found = true;
	return true;
}

static int search_here(void *arg)
{
	struct search *s = arg;
	struct vsw_link link;

	if (s->name && vsw_link_get(s->name, 0, &link) == 0 && has_id(s, &link))
		return 0;
	return vsw_link_each(has_id, s);
}

static bool search_netns(void *ctx, int fd, uint64_t inode)
{
	struct search *s = ctx;

	vsw_netns_run(fd, search_here, s);
	if (s->found)
		s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return s->found;
}

/** Find the interface a leftover tells of. On success @s->fd is the caller's to close. */
static bool search_leftover(json_t *leftover, struct search *s)
{
	const char *id = json_string_value(json_object_get(leftover, "id"));

	*s = (struct search){
		.id = id,
		.name = json_string_value(json_object_get(leftover, "tap")),
		.fd = -1,
	};
	return id && s->name && strlen(id) == TAP_ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdef") == TAP_ID_SIZE - 1 &&
	       vsw_netns_each(search_netns, s) && s->fd >= 0;
}

/* ---- opening ---- */

struct attach {
	struct tap *t;
	const char *name;
	bool exclusive; /* it must not exist yet */
};

static int attach_queue(struct attach *a, int *ret_fd)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)};
	int fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (a->t->n_queues > 1)
		ifr.ifr_flags |= IFF_MULTI_QUEUE;
	if (a->exclusive)
		ifr.ifr_flags |= (short)IFF_TUN_EXCL;
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", a->name);
	if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	a->exclusive = false;
	*ret_fd = fd;
	return 0;
}

static void close_queues(struct tap *t)
{
	for (uint16_t i = 0; i < t->n_queues; i++) {
		if (t->q[i].fd >= 0)
			close(t->q[i].fd);
		t->q[i].fd = -1;
	}
}

/** Runs in the interface's namespace: /dev/net/tun remembers the namespace of who opens it. */
static int attach_all(void *arg)
{
	struct attach *a = arg;
	int r = 0;

	for (uint16_t i = 0; i < a->t->n_queues && r == 0; i++)
		r = attach_queue(a, &a->t->q[i].fd);
	if (r < 0)
		close_queues(a->t);
	return r;
}

static int set_queue_options(struct tap *t)
{
	unsigned int tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
	int size = sizeof(struct vsw_vnet_hdr);

	for (uint16_t i = 0; i < t->n_queues; i++) {
		int fd = t->q[i].fd;

		if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
			return -errno;
		t->uso = ioctl(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) == 0;
		if (!t->uso && ioctl(fd, TUNSETOFFLOAD, tcp) < 0)
			return -errno;
	}
	return 0;
}

/** Take over what a crashed run left. Return: 1 done; 0 there is nothing; -errno it is there, but no. */
static int restore(struct tap *t, json_t *leftover)
{
	struct search s;
	struct attach a = {.t = t, .name = s.link.name};
	int r;

	if (!search_leftover(leftover, &s))
		return 0;
	r = vsw_netns_run(s.fd, attach_all, &a);
	close(s.fd);
	if (r < 0)
		return r;
	memcpy(t->id, s.id, TAP_ID_SIZE);
	t->restored = true;
	t->was_up = true;
	return 1;
}

static int new_id(char id[TAP_ID_SIZE])
{
	uint64_t v;

	if (getrandom(&v, sizeof(v), 0) != sizeof(v))
		return -EIO;
	snprintf(id, TAP_ID_SIZE, "%016" PRIx64, v);
	return 0;
}

static int explain_create(const char *name, int r, struct vd_err *reterr)
{
	switch (-r) {
	case EBUSY:
	case EINVAL:
		return vd_err_set(
			reterr, -EBUSY, VD_E_DEVICE_BUSY, "device",
			"choose another name, remove that interface, or use netdev:IFNAME",
			"an interface named %s exists and is not this switch's", name);
	case ENOENT:
	case ENODEV:
		return vd_err_set(reterr, -ENOENT, VD_E_DEVICE_MISSING, "device", "modprobe tun",
				  TUN_PATH " is missing: the kernel has no tun driver loaded");
	case EPERM:
	case EACCES:
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "start viridiand as root or with CAP_NET_ADMIN",
				  "tap interface %s could not be made: permission denied", name);
	default:
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device", NULL,
				  "tap interface %s could not be made: %s", name, strerror(-r));
	}
}

struct dress {
	struct vsw_link_change change;
	int index;
	const char *name;
};

static int dress_here(void *arg)
{
	struct dress *d = arg;
	int index = (int)if_nametoindex(d->name);

	return index ? vsw_link_set(index, &d->change) : -errno;
}

/** Apply @change to the interface, in whichever namespace it is. */
static int change_link(const struct tap *t, const struct vsw_link_change *change)
{
	struct tap_place place;
	struct dress d = {.change = *change, .name = place.name};
	int r = tap_dev_place(t, &place);

	if (r < 0)
		return r;
	r = vsw_netns_run(place.netns_fd, dress_here, &d);
	if (place.netns_fd >= 0)
		close(place.netns_fd);
	return r;
}

static int dress(struct tap *t, const struct vsw_io_params *params)
{
	char alias[160];
	struct vsw_link_change change = {
		.mtu_bytes = params->mtu_bytes,
		.up = params->link_up && !t->was_up,
		.alias = alias,
		.gso_max_segs = VSW_GSO_MAX_SEGS,
	};
	struct vd_err ignored = {0};
	int r;

	snprintf(alias, sizeof(alias), "viridian port %s %s", params->port_name, t->id);
	r = set_queue_options(t);
	/* The alias before persistence: what stays after a crash must always be known as ours. */
	if (r == 0)
		r = change_link(t, &change);
	t->was_up |= change.up;
	if (r == 0 && ioctl(t->q[0].fd, TUNSETPERSIST, 1) < 0)
		r = -errno;
	if (r == 0 && params->has_mac)
		r = tap_dev_set_mac(t, &params->mac, &ignored);
	if (r == 0)
		r = tap_dev_set_link(t, params->link_up, &ignored);
	return r;
}

int tap_dev_open(struct tap *t, const struct vsw_io_params *params, struct vd_err *reterr)
{
	struct attach a = {.t = t, .name = params->device.target, .exclusive = true};
	int r = 0;

	t->mtu_bytes = params->mtu_bytes;
	if (params->restore && params->leftover) {
		r = restore(t, params->leftover);
		if (r == -EINVAL) { /* made for another number of queues: ours, so make it anew */
			vsw_io_tap_clean(params->leftover);
			r = 0;
		}
		if (r < 0)
			return explain_create(params->device.target, r, reterr);
	}
	if (r == 0) {
		r = new_id(t->id);
		if (r == 0)
			r = attach_all(&a);
		if (r < 0)
			return explain_create(params->device.target, r, reterr);
	}
	r = dress(t, params);
	if (r < 0) {
		tap_dev_close(t);
		return vd_err_set(reterr, r, VD_E_DEVICE_OPEN, "device",
				  "viridiand needs Linux 5.2 or newer and CAP_NET_ADMIN",
				  "tap interface %s could not be set up: %s", params->device.target,
				  strerror(-r));
	}
	return 0;
}

/* ---- afterwards ---- */

int tap_dev_place(const struct tap *t, struct tap_place *ret)
{
	struct ifreq ifr = {0};
	int fd;

	if (ioctl(t->q[0].fd, TUNGETIFF, &ifr) < 0)
		return -errno;
	memcpy(ret->name, ifr.ifr_name, sizeof(ret->name));
	ret->name[sizeof(ret->name) - 1] = 0;
	fd = ioctl(t->q[0].fd, TUNGETDEVNETNS);
	if (fd < 0)
		return -errno;
	ret->netns = vsw_netns_inode(fd);
	if (ret->netns == vsw_netns_inode(-1)) {
		close(fd);
		fd = -1;
	}
	ret->netns_fd = fd;
	return 0;
}

int tap_dev_set_link(struct tap *t, bool up, struct vd_err *reterr)
{
	const struct vsw_link_change change = {.up = true};
	int carrier = up;

	if (ioctl(t->q[0].fd, TUNSETCARRIER, &carrier) < 0)
		return vd_err_set(reterr, -errno, VD_E_SYSTEM, "link", NULL,
				  "the carrier of %s could not be set: %s", t->io.device.target,
				  strerror(errno));
	if (up && !t->was_up && change_link(t, &change) == 0)
		t->was_up = true;
	return 0;
}

int tap_dev_set_mtu(struct tap *t, uint16_t mtu_bytes, struct vd_err *reterr)
{
	const struct vsw_link_change change = {.mtu_bytes = mtu_bytes};
	int r = change_link(t, &change);

	if (r < 0)
		return vd_err_set(reterr, r, VD_E_SYSTEM, "mtu", NULL,
				  "the MTU of %s could not be set to %u: %s", t->io.device.target,
				  mtu_bytes, strerror(-r));
	t->mtu_bytes = mtu_bytes;
	__atomic_store_n(&t->io.caps.max_frame, mtu_bytes + 18u, __ATOMIC_RELAXED);
	return 0;
}

int tap_dev_set_mac(struct tap *t, const struct vd_mac *mac, struct vd_err *reterr)
{
	struct ifreq ifr = {.ifr_hwaddr.sa_family = ARPHRD_ETHER};
	char text[VD_MAC_STR_SIZE];

	memcpy(ifr.ifr_hwaddr.sa_data, mac->addr, sizeof(mac->addr));
	if (ioctl(t->q[0].fd, SIOCSIFHWADDR, &ifr) < 0)
		return vd_err_set(reterr, -errno, VD_E_SYSTEM, "mac", NULL,
				  "the MAC of %s could not be set to %s: %s", t->io.device.target,
				  vd_mac_format(mac, text), strerror(errno));
	return 0;
}

void tap_dev_close(struct tap *t)
{
	/* Not persistent any more, the interface goes with its last queue. */
	if (t->q[0].fd >= 0)
		ioctl(t->q[0].fd, TUNSETPERSIST, 0);
	close_queues(t);
}

static int delete_here(void *arg)
{
	const struct search *s = arg;

	return vsw_link_delete(s->link.index);
}

void vsw_io_tap_clean(json_t *leftover)
{
	struct search s;

	if (!search_leftover(leftover, &s))
		return;
	vsw_netns_run(s.fd, delete_here, &s);
	close(s.fd);
}
