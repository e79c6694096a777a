/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Talking to one guest from inside the switch: frames of the switch's own go straight out of the guest's
 * port, and what the guest answers to the prober's address is taken out of what the port receives, before
 * anything else sees it. So no host address is needed on the guest's network, and nothing leaks into it.
 *
 * Taken from the port: frames to the prober's MAC address, and ARP requests and neighbour solicitations
 * for its IP address.
 *
 * Sent frames are the switch's: neither access rules nor limits of the port apply to them.
 *
 * Thread-safety: control thread; vsw_probe_take() any worker.
 * Proof: tests/net/probe.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "vswitch/datapath/dataplane.h"

#define VSW_PROBE_RING 64

/** A prober at a port. */
struct vsw_probe {
	uint64_t mac48;
	bool ipv6;
	uint8_t ip[16]; /* the prober's address; zero: none */
	struct rte_ring *
		ring; /* what the guest said: several producers, one consumer; what finds no room is lost */
};

/** Listen at @port with @probe (the caller's, until detached). -EBUSY: somebody probes it already. */
int vsw_probe_attach(struct vsw_dataplane *dp, struct vsw_port *port, struct vsw_probe *probe);
/** No worker uses the port's probe any more when this returns. */
void vsw_probe_detach(struct vsw_dataplane *dp, struct vsw_port *port);

/**
 * Send the frame of @size bytes at @frame (60-1518) out of @port, as it is to be on its wire.
 * Return: 0; -ENOMEM; -ENOBUFS: too many wait to be sent.
 */
int vsw_probe_send(struct vsw_dataplane *dp, const struct vsw_port *port, const void *frame,
		   uint16_t size);

/** The same by data-plane index, any thread. @ticket: of the port (vswitch/policy/portal.h): a later port of that
 *  index does not get it. 0: any. @served: only while the port may talk to the health service: nothing of it comes to
 *  who was isolated meanwhile. */
int vsw_own_send(struct vsw_dataplane *dp, uint16_t index, uint32_t ticket, bool served,
		 const void *frame, uint16_t size);

/** Is the frame for the prober? Looks at the first @len bytes. */
bool vsw_probe_wants(const struct vsw_probe *p, const uint8_t *d, uint32_t len);

struct vsw_worker;
struct vsw_snap_port;

/** Take frames for @port's prober out of @m; returns how many are left. */
uint16_t vsw_probe_take(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n);

/** Send what vsw_probe_send() left. Worker 0. */
void vsw_probe_flush(struct vsw_worker *w);
