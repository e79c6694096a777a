/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port at run time: the open back end, its counters, what is attached to it. Configuration is not
 * here: workers read that from the snapshot (snapshot.h), which points here.
 *
 * Counters are kept per worker with a single writer each; readers sum them, and may see a burst
 * half counted. They live as long as the port and survive configuration changes.
 *
 * Thread-safety: created and destroyed by the control thread; workers reach a port only through a
 * published snapshot, so it must be out of the snapshot, and a grace period over, before
 * vsw_port_destroy().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_common.h>
#include <rte_spinlock.h>

#include "vswitch/datapath/drops.h"
#include "vswitch/io/io.h"

#define VSW_WORKERS_MAX     16
#define VSW_PORT_INDEX_NONE 0xffff
/* id of the worker that traces: what it counts is thrown away */
#define VSW_WORKER_LOOKING VSW_WORKERS_MAX

struct vsw_counters {
	uint64_t rx_packets, rx_bytes; /* taken from the device, before any decision */
	uint64_t tx_packets, tx_bytes; /* taken by the device */
	uint64_t drops[VSW_DROP_N];
	uint64_t
		cycles; /* TSC spent on bursts from the port, of those that are measured (stages.def) */
} __rte_cache_aligned;

struct vsw_capture;
struct vsw_probe;
struct nap_allow;
struct vsw_gate;
struct vsw_recorder;
struct vsw_guard_state;
struct vsw_shaper;
struct vsw_hold;

/* How much of each class (enum nap_class) a port has sent to the health service in the second under way;
 * several workers count, and nearly right is enough. */
struct vsw_portal_rate {
	uint32_t second;
	uint16_t n[16];
};

enum vsw_first_mac {
	VSW_FIRST_MAC_UNWANTED,
	VSW_FIRST_MAC_WANTED,
	VSW_FIRST_MAC_WRITING,
	VSW_FIRST_MAC_VALID, /* first_mac may be read; notify() has been called */
};

/* A receive queue as its worker left it: polled, or parked until its descriptor wakes somebody. */
struct vsw_rxq {
	rte_spinlock_t lock; /* trylock: hand-over between workers */
	uint16_t owner;      /* worker that polls or parked it */
	bool parked;
	int fd;             /* in the owner's epoll set, -1: none */
	uint64_t last_busy; /* TSC */
};

struct vsw_port {
	struct vsw_io *io;
	const struct vsw_io_ops *ops;
	uint16_t index; /* data-plane identity; never shown to users */
	uint16_t n_rxq, n_txq;
	uint32_t ticket; /* of its opening: portal.h */
	bool portal;     /* its guest may talk to the health service; vsw_port_serve() */
	bool statements; /* its DHCP is looked through for statements of health */
	uint32_t
		dhcp_server; /* network order: of ours, whose answers to it may carry one; 0: none */
	uint32_t heard;      /* atomic; when it last spoke of health (vsw_worker.now); 0: never */
	struct vsw_portal_rate portal_rate;
	bool tx_locked;              /* workers share tx queues: take tx_lock[queue] */
	struct vsw_capture *capture; /* atomic; list of captures of this port, NULL mostly */
	struct vsw_probe *probe;     /* atomic; NULL mostly */
	struct vd_mac first_mac;     /* netdev VM ports without a MAC: set once by a worker */
	uint32_t first_mac_state;    /* atomic; enum vsw_first_mac */
	struct vsw_counters *counters[VSW_WORKERS_MAX + 1];
	struct vsw_recorder *recorder[VSW_WORKERS_MAX + 1]; /* last drops, by worker */
	/* what the port's policy compiles to, as published and as about to be; control thread */
	struct vsw_gate *gate, *next_gate;
	struct nap_allow *allow;       /* vsw_port_confine() ... */
	uint16_t vlan, vlan_in_force;  /* ... and its VLAN meanwhile; 0: its own */
	struct vsw_guard_state *guard; /* what guards remember; NULL: never had one */
	struct vsw_shaper *shaper;     /* limit of what is sent to the port; NULL: never had one */
	uint64_t shaper_hash;          /* of what it was configured with */
	struct vsw_hold *hold;         /* limit of what the port sends; NULL: never had one */
	struct vsw_rxq rxq[VSW_QUEUES_MAX];
	rte_spinlock_t tx_lock[VSW_QUEUES_MAX];
};

struct vsw_port_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes;
	uint64_t drops[VSW_DROP_N];
	uint64_t drops_total;
	uint64_t cycles; /* of measured bursts: shares are what counts */
};
