/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two halves of the ethdev back end: ethdev_dev.c finds the DPDK device, starts and stops it (control
 * thread), ethdev.c moves frames.
 */
#pragma once

#include <rte_ethdev.h>

#include "vswitch/io/io.h"

struct eth {
	struct vsw_io io;
	uint16_t port_id;
	struct eth *next_server;
	bool open;      /* port_id is valid and ours */
	bool multi_seg; /* the driver sends chains */
	bool intr;      /* rx interrupts are on */
	bool lsc;       /* the driver reports link changes itself */
	bool memory;    /* memif, pcap: no MTU of its own, any frame up to the port's */
	int rx_fd[VSW_QUEUES_MAX];
	uint32_t n_empty;     /* rx calls without a frame; the link is looked at now and then */
	uint64_t hw_offloads; /* RTE_ETH_TX_OFFLOAD_* in use */
	char name[64];        /* of the DPDK device */
	char driver[32];
	char why[160];
	char degraded[160];
};

int eth_dev_open(struct eth *e, const struct vsw_io_params *params, struct vd_err *reterr);
void eth_dev_close(struct eth *e);
int eth_dev_set_mtu(struct eth *e, uint16_t mtu_bytes, struct vd_err *reterr);

/** Look at the link and tell of a change. Any thread. */
void eth_dev_check_link(struct eth *e);
