/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port back ends: how frames get in and out of the switch. One small struct of functions per kind
 * (tap, netdev, vhost-user, memif/pcap/pci through ethdev, netvsp); ports come and go at run time.
 *
 * Frames. An mbuf chain holds one Ethernet frame, tag inside the frame as on the wire, no FCS; the
 * first segment holds at least the first 18 bytes when the frame has that many. What still has to
 * be done to a frame travels in ol_flags, in DPDK's transmit form, whatever the kind it came from:
 *   RTE_MBUF_F_TX_TCP_CKSUM / _UDP_CKSUM   the L4 checksum field holds the pseudo-header sum only;
 *                                          l2_len (with a tag: 18), l3_len are set, and TX_IPV4/IPV6
 *   RTE_MBUF_F_TX_TCP_SEG / _UDP_SEG       a super-frame to be cut into tso_segsz payloads; l4_len is
 *                                          set, the checksum flag too, pkt_len may exceed the MTU
 *   RTE_MBUF_F_RX_L4_CKSUM_GOOD            the checksum was verified (a hint; others leave it alone)
 * A back end's rx() checks every such request of its peer against the frame, finishes in software
 * what these flags cannot express, and drops contradictions (VSW_DROP_OFFLOAD_INVALID, counted
 * through vsw_io.rx_drops). Before tx(), the data plane has done everything caps.tx_offloads lacks
 * (vswitch/datapath/offload.h), so tx() never sees a request it did not offer.
 *
 * Threads. open, close, set_*, describe: control thread. rx: one worker at a time per rx queue
 * (guaranteed by the caller). tx: several workers may send on one port; the caller serialises per tx
 * queue unless caps.tx_shared. rx, tx, arm: no malloc, no lock that can wait, no log; system calls
 * only where the kind is a kernel interface. notify() may be called from any thread.
 *
 * Life. close() is called only after no worker can reach the port any more.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

#include "base/err.h"
#include "base/names.h"
#include "vswitch/model/device.h"

struct vsw_io;
struct vsw_worker;
struct vsw_nats;

/** What the data plane lends to back ends. Lives as long as the daemon. */
struct vsw_io_env {
	struct rte_mempool *pool;     /* 2 KiB data rooms */
	struct rte_mempool *big_pool; /* few, VSW_IO_BIG_ROOM data rooms, for super-frames */
	const char *run_dir;          /* for lock and side files, e.g. "/run/viridian" */
	/** Something about @io changed (peer came or went, link, descriptors to wait on): workers
	 *  rebuild their wait sets and the control thread refreshes what it shows. Any thread. */
	void (*notify)(void *ctx, struct vsw_io *io);
	/** Wait until every worker has passed a point where it held no reference taken before the
	 *  call. Any thread except a worker. Bounded by one burst of each worker. */
	void (*quiesce)(void *ctx);
	void *ctx;
	struct vsw_nats *nats; /* vswitch/nat */
};

#define VSW_IO_BIG_ROOM (65535 - RTE_PKTMBUF_HEADROOM)

/** What open() is asked for. */
struct vsw_io_params {
	const char *port_name; /* for messages and for names of helper objects */
	struct vsw_device device;
	struct vd_mac mac; /* the port's MAC: given to what open() creates */
	bool has_mac;
	bool any_mac; /* the guards let the guest choose another address */
	uint16_t mtu_bytes;
	bool link_up;
	bool restore;       /* after a crash: take over what the last run left, if it is ours */
	json_t *leftover;   /* borrowed; what this port's leftover() was when last saved; NULL none.
				     * Looked at with @restore only */
	uint16_t n_workers; /* useful number of tx queues */
};

/** What an open back end offers. tx_offloads, connected and max_frame may change while open (a guest
 *  negotiates): writers use relaxed atomic stores, the data plane reads them once per burst. */
struct vsw_io_caps {
	uint64_t tx_offloads;  /* RTE_MBUF_F_TX_* requests that tx() honours */
	uint32_t max_frame;    /* bytes; longest non-segmented frame tx() takes, tag included */
	uint16_t n_rxq, n_txq; /* fixed at open: the most that can be used */
	bool tx_shared;        /* tx() may be called by several workers at once on one queue */
	bool connected;        /* somebody is behind the port */
	bool rx_syscall;       /* rx() is a system call: worth sleeping on early */
};

struct vsw_io_ops {
	const char *kind; /* "tap", ... */

	/** Take up to @n frames. Never blocks. 0 when nothing is there or nobody is connected. */
	uint16_t (*rx)(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);

	/** Send frames in order; return how many were taken. The caller keeps (and drops) the rest.
	 *  A frame that the device refuses for itself counts as taken, is freed, and is counted in
	 *  tx_errors. @pkts are exclusively ours (refcnt 1) and may be changed. */
	uint16_t (*tx)(struct vsw_io *io, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);

	/** In place of tx, where sending is going on in another switch: NAT networks. The same contract;
	 *  @w is the sending worker. NULL: tx sends. */
	uint16_t (*relay)(struct vsw_io *io, struct vsw_worker *w, struct rte_mbuf **pkts,
			  uint16_t n);

	/** Is anything behind rx queue @queue? A queue that is not live parks even in --poll mode. NULL:
	 *  always. May change at notify(). Worker. */
	bool (*queue_live)(struct vsw_io *io, uint16_t queue);

	/** A descriptor that becomes readable when rx(queue) has work while armed; -1: cannot tell, must be
	 *  polled now and then. May change at notify(). */
	int (*wait_fd)(struct vsw_io *io, uint16_t queue);

	/** Before sleeping (@on) and after (!@on). Return true when frames are there already: then
	 *  the worker must not sleep. May be NULL. Also clears what made wait_fd readable, if needed. */
	bool (*arm)(struct vsw_io *io, uint16_t queue, bool on);

	/** NULL where a kind has no such thing. Return 0 or -errno with @reterr. */
	int (*set_link)(struct vsw_io *io, bool up, struct vd_err *reterr);
	int (*set_mtu)(struct vsw_io *io, uint16_t mtu_bytes, struct vd_err *reterr);
	int (*set_mac)(struct vsw_io *io, const struct vd_mac *mac, struct vd_err *reterr);

	/** Whether the guards let the guest show another address than the port's: told to guests that
	 *  ask before they change it. NULL where a guest cannot ask. */
	void (*set_any_mac)(struct vsw_io *io, bool any);

	/** Add members to @out for `port show`: driver, why this driver, queues in use, peer,
	 *  degradations. Never fails. */
	void (*describe)(struct vsw_io *io, json_t *out);

	/** Bring the loss counters in struct vsw_io up to date. NULL: they always are. Any thread. */
	void (*refresh)(struct vsw_io *io);

	/** What must be known to take over or clean up after a crash (e.g. {"tap": "web1", "id": "..."});
	 *  NULL: nothing. New reference. May be NULL. The control thread saves it after open() and gives
	 *  it back as vsw_io_params.leftover, or to vsw_io_clean() when the port is no more. */
	json_t *(*leftover)(struct vsw_io *io);

	/** Close for good and remove what was created (taps, sockets). Frees @io. */
	void (*close)(struct vsw_io *io);
};

/** Common head of every back end; kinds embed it as their first member. */
struct vsw_io {
	const struct vsw_io_ops *ops;
	const struct vsw_io_env *env;
	struct vsw_io_caps caps;
	struct vsw_device device;
	void *owner;         /* set by the engine: the port; for notify() */
	uint16_t port_index; /* in the data plane; set by vsw_port_create() */
	uint64_t
		rx_drops_offload; /* contradicting offload requests dropped by rx (one writer: rx worker) */
	uint64_t rx_drops_memory; /* frames lost for want of buffers */
	uint64_t tx_errors;       /* frames the device refused (approximate when tx_shared) */
	bool arrived; /* set before notify(), taken by the engine: a guest that ran elsewhere goes on here */
};

/**
 * Open the back end that @params->device names.
 *
 * Return: 0 and *@ret; -ENOENT device.missing; -EBUSY device.busy; -ENOTSUP feature.unsupported; others
 * device.open; always with a message naming the object and a hint.
 */
int vsw_io_open(const struct vsw_io_env *env, const struct vsw_io_params *params,
		struct vsw_io **ret, struct vd_err *reterr);

/** Remove what a crashed run left behind, as its leftover() described it. Unknown shapes are ignored. */
void vsw_io_clean(const struct vsw_io_env *env, json_t *leftover);

/* One opener per kind, called by vsw_io_open() (io.c holds the table). */
int vsw_io_tap_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		    struct vd_err *);
int vsw_io_nat_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		    struct vd_err *);
int vsw_io_packet_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		       struct vd_err *);
int vsw_io_vhost_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		      struct vd_err *);
int vsw_io_netvsp_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		       struct vd_err *);
/** memif, pcap, pci and AF_XDP: anything that is a DPDK ethdev. */
int vsw_io_ethdev_open(const struct vsw_io_env *, const struct vsw_io_params *, struct vsw_io **,
		       struct vd_err *);
void vsw_io_tap_clean(json_t *leftover);
void vsw_io_vhost_clean(json_t *leftover);
void vsw_io_netvsp_clean(json_t *leftover);
