/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packet capture points. A capture is attached to one port (frames as they are on that port's wire, both
 * ways) or to all drops (frames as they entered, with the reason). The worker runs the filter (BPF,
 * compiled by libpcap, run by rte_bpf) and copies up to snaplen bytes into a ring; the control thread drains
 * it (vswitch/control/capture*.c writes pcapng). A full ring loses captures, counted, never traffic.
 *
 * A port without capture pays one predictable test per burst.
 *
 * Thread-safety: attach, detach, drain: control thread. vsw_capture_frame(): workers.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_bpf.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "vswitch/datapath/dataplane.h"

enum vsw_capture_dir { VSW_CAPTURE_RX, VSW_CAPTURE_TX, VSW_CAPTURE_DROP }; /* RX: from the device */

/** Head of every record in the ring: the first bytes of a copied mbuf's headroom. */
struct vsw_capture_meta {
	uint64_t tsc;       /* rte_rdtsc() when seen */
	uint32_t orig_size; /* bytes of the frame */
	uint16_t port;      /* port index where it entered (RX, DROP) or leaves (TX) */
	uint8_t dir;        /* enum vsw_capture_dir */
	uint8_t reason;     /* enum vsw_drop; meaningful with VSW_CAPTURE_DROP */
};

struct vsw_capture {
	struct vsw_capture *next;    /* atomic; other captures at the same point */
	struct rte_bpf *bpf;         /* NULL: everything */
	uint64_t (*jit)(void *mbuf); /* NULL: interpret */
	uint32_t snaplen;            /* bytes kept of each frame, 1..VSW_IO_BIG_ROOM */
	bool rx, tx;                 /* which directions, for port captures */
	uint16_t drop_port; /* drop captures: only this port index; VSW_PORT_INDEX_NONE = all */
	struct rte_mempool *pool;
	struct rte_ring *ring; /* of mbufs; several producers, one consumer */
	uint64_t lost;         /* atomic; ring or pool was full */
};

/** The record of a drained mbuf. */
static inline struct vsw_capture_meta *vsw_capture_meta(struct rte_mbuf *m)
{
	return (struct vsw_capture_meta *)m->buf_addr;
}

/**
 * Attach @c (all fields but next filled by the caller, who owns it) to @port, or, with @port NULL, to
 * drops. detach() returns after no worker uses @c any more; it may then be freed.
 */
void vsw_capture_attach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_capture *c);
void vsw_capture_detach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_capture *c);
