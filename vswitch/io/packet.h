/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The two halves of the AF_PACKET back end: packet_dev.c has the socket's life, packet.c moves frames. */
#pragma once

#include <pthread.h>
#include <sys/socket.h>
#include <linux/if_packet.h>

#include "vswitch/io/io.h"
#include "vswitch/io/rxslot.h"
#include "vswitch/io/watch.h"

#define PACKET_BATCH 32

struct packet_slot {
	struct vsw_rxslot s;
	struct iovec iov[3];
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))]
		__attribute__((aligned(__alignof__(struct cmsghdr))));
};

struct packet {
	struct vsw_io io;
	int fd;           /* atomic; replaced when the interface comes back */
	uint16_t n_super; /* super-frames in the last full burst: so many big buffers next time */
	int claim_fd;
	struct vsw_watch watch;
	char why[160];        /* why AF_PACKET and not AF_XDP */
	pthread_mutex_t lock; /* guards link, gone: watching thread against describe() */
	struct vsw_link link;
	bool gone;
	struct mmsghdr msgs[PACKET_BATCH];
	struct packet_slot slots[PACKET_BATCH];
};

/** Open the socket on device.target, claim the interface and watch it. */
int packet_dev_open(struct packet *p, struct vd_err *reterr);
void packet_dev_close(struct packet *p);
