/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device specifications: what stands behind a port, as users write it.
 *
 *   tap:IFNAME                              a kernel interface made by the switch
 *   netdev:IFNAME[,af-packet|af-xdp]        an interface that exists; best way chosen when not named
 *   vhost-user:PATH[,client][,packed][,queues=N]  virtio guests (QEMU, cloud-hypervisor)
 *   memif:PATH[,id=N][,client]
 *   pcap:rx=FILE[,tx=FILE][,loop] | pcap:tx=FILE
 *   pci:BDF[,queues=N]                      a NIC bound to vfio-pci, by DPDK's own driver
 *   netvsp:PATH[,queues=N]                  Hyper-V guests
 *   nat:NAME[,outside]                      a port of a data-plane NAT network (made with it)
 *
 * tap takes ",queues=N" as well. Paths are absolute, without ',' and shorter than
 * VSW_DEVICE_PATH_SIZE (sun_path; pcap files: 255), without control characters; interface names
 * are 1-15 bytes of printable ASCII without '/', ':', '%' (a pattern to the kernel) and ','. Thread-safety: pure. Proof: tests/unit/vswitch/model/test_device.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define VSW_DEVICE_PATH_SIZE 108
#define VSW_DEVICE_STR_SIZE  640
#define VSW_QUEUES_MAX       16

enum vsw_device_kind {
	VSW_DEV_TAP,
	VSW_DEV_NETDEV,
	VSW_DEV_VHOST_USER,
	VSW_DEV_MEMIF,
	VSW_DEV_PCAP,
	VSW_DEV_PCI,
	VSW_DEV_NETVSP,
	VSW_DEV_NAT, /* a port of a data-plane NAT network; made by the model, not by users */
	VSW_DEV_N,
};

enum vsw_netdev_way { VSW_NETDEV_AUTO, VSW_NETDEV_AF_PACKET, VSW_NETDEV_AF_XDP };

struct vsw_device {
	enum vsw_device_kind kind;
	char target[256];  /* interface, socket path, BDF, or pcap's rx file ("" = none) */
	char target2[256]; /* pcap's tx file ("" = none) */
	bool client;       /* vhost-user, memif: connect instead of listen */
	bool packed;       /* vhost-user: offer packed rings */
	bool loop;         /* pcap: replay the rx file for ever */
	bool outside;      /* nat: the port on the outside switch */
	enum vsw_netdev_way way;
	uint32_t id;     /* memif interface id */
	uint16_t queues; /* 1..VSW_QUEUES_MAX; default 1; for vhost-user, netvsp an upper bound
				 * (default VSW_QUEUES_MAX: the guest decides) */
};

/** Return: 0; -EINVAL with a hint that shows the right form. */
int vsw_device_parse(const char *text, const char *path, struct vsw_device *ret,
		     struct vd_err *reterr);

/** Canonical text; parse(format(d)) == d. Returns @buf. */
const char *vsw_device_format(const struct vsw_device *d, char *buf, size_t size);

bool vsw_device_equal(const struct vsw_device *a, const struct vsw_device *b);

/** Do two devices claim the same thing (same interface, socket, file, BDF)? */
bool vsw_device_clash(const struct vsw_device *a, const struct vsw_device *b);

/**
 * What a device claims, for finding clashes among many without comparing each pair: two claims of
 * the same key clash unless both have the same share class other than VSW_SHARE_NONE.
 */
enum vsw_share { VSW_SHARE_NONE, VSW_SHARE_READ, VSW_SHARE_MEMIF, VSW_SHARE_MEMIF_CLIENT };

struct vsw_claim {
	char key[272];
	enum vsw_share share;
};

#define VSW_CLAIMS_MAX 2

/** Return: how many of @ret were filled, 1..VSW_CLAIMS_MAX. */
unsigned int vsw_device_claims(const struct vsw_device *d, struct vsw_claim ret[VSW_CLAIMS_MAX]);

/** "tap", "netdev", ... */
const char *vsw_device_kind_text(enum vsw_device_kind kind);
