/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two halves of the tap back end: tap_dev.c makes, finds, dresses and removes the interface
 * (control thread, any namespace), tap.c moves frames.
 */
#pragma once

#include "vswitch/io/io.h"
#include "vswitch/io/rxslot.h"

#define TAP_ID_SIZE 17 /* 16 hex digits: what tells our interface from one of the same name */

struct tap_queue {
	int fd;
	struct vsw_rxslot slot;
} __rte_cache_aligned;

struct tap {
	struct vsw_io io;
	char id[TAP_ID_SIZE];
	bool uso;    /* the kernel takes and gives UDP super-frames */
	bool was_up; /* we have set IFF_UP once; from then on it is the user's */
	bool restored;
	uint16_t mtu_bytes;
	uint16_t n_queues;
	struct tap_queue q[];
};

/** Create the interface, or take over the one that a crashed run left. Fills q[].fd, id, uso. */
int tap_dev_open(struct tap *t, const struct vsw_io_params *params, struct vd_err *reterr);

/** Where the interface is and what it is called now. */
struct tap_place {
	char name[16];
	int netns_fd;   /* -1: in the own namespace; else the caller closes it */
	uint64_t netns; /* inode */
};
int tap_dev_place(const struct tap *t, struct tap_place *ret);

/** @up: also set IFF_UP the first time. */
int tap_dev_set_link(struct tap *t, bool up, struct vd_err *reterr);
int tap_dev_set_mtu(struct tap *t, uint16_t mtu_bytes, struct vd_err *reterr);
int tap_dev_set_mac(struct tap *t, const struct vd_mac *mac, struct vd_err *reterr);

/** Remove the interface, wherever it is. */
void tap_dev_close(struct tap *t);
