/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A software guest whose NIC lives in the switch: the bus is here, as in viridian-vm, and everything
 * else goes over the port's socket (vmbus-netvsp/link/client.h).
 */
#pragma once

#include "tests/lib/vsc/vsc.h"
#include "vmbus-netvsp/link/client.h"

struct vsc_remote {
	struct vsc *v;
	struct nvsp_link *link;
	int call_fd[VSC_CHANS], kick_fd[VSC_CHANS];
	uint64_t kicked[VSC_CHANS]; /* of gring.signals: those the host was told of */
	uint64_t *flags;            /* the event-flag area */
	unsigned int pending;       /* requests the switch has not answered */
	bool connected, refused;
	uint32_t n_connects, n_downs, interrupts;
	char fault[VSC_CHANS][NVSP_LINK_TEXT_SIZE]; /* "" none */
	struct nvsp_link_nic_wire nic;
};

/** Make guest and bus, connect to @path and wait for it. 0 or negative errno. */
int vsc_remote_init(struct vsc_remote *r, struct vsc *v, const char *path, const char *name,
		    size_t ram_size, unsigned int timeout_ms);
void vsc_remote_done(struct vsc_remote *r);
/** Serve the socket and take interrupts, waiting at most @timeout_ms; @fd (or -1) ends the wait too. */
void vsc_remote_run(struct vsc_remote *r, int fd, int timeout_ms);
/** Tell the host of what was sent on channel @index with signals wanted. */
void vsc_remote_kick(struct vsc_remote *r, uint32_t index);
