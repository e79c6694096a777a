/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP and DNS of one NAT network: dnsmasq, as a host of its own on the network's switch. It has a network
 * namespace with one interface (port "SWITCH:services") and a mount namespace where /run is its
 * folder. So any number of networks may have the same addresses, nothing on the host can be in the
 * way of ports 53 and 67, and a broken dnsmasq reaches nothing but that switch. It asks other servers
 * as any VM would: through the network's own gateway.
 *
 * Folder (STATE/nat/UUID): leases, dhcp-hosts, hosts, resolv.conf, pid. After kill -9 of the
 * daemon dnsmasq goes on working; the next start finds it by "pid" and replaces it in the same namespace.
 *
 * Thread-safety: control thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "nat/nat_conf.h"

struct vsw_services;

/** A VM of the network: who has this address gets this name. */
struct vsw_services_host {
	struct vd_mac mac;
	char name[NAT_HOST_NAME_SIZE];
};

struct vsw_services_conf {
	const struct nat_conf *conf;
	const char *ifname; /* of the port's interface, here or in the services' namespace */
	uint16_t mtu_bytes;
	const struct vsw_services_host *hosts;
	unsigned int n_hosts;
	const char
		*captive; /* URL for clients that ask whether they are held (RFC 8910); "": none */
};

/** The folder is made. @state_dir of the daemon. */
int vsw_services_create(sd_event *event, const char *state_dir, const char *uuid,
			const char *network, struct vsw_services **ret, struct vd_err *reterr);

/** Bring interface and dnsmasq to what @c says (copied): nothing, new lists and a signal, or a new process.
 *  What cannot be done now is tried again later; status() says so. */
void vsw_services_set(struct vsw_services *s, const struct vsw_services_conf *c);

/** Look whether anything has to be done again: interface, the host's resolvers. */
void vsw_services_refresh(struct vsw_services *s);

/** Stop dnsmasq and let go of the namespace. @forget: the network is gone, remove leases, too. */
void vsw_services_destroy(struct vsw_services *s, bool forget);

/** {"state": "running|waiting|off", "pid", "starts", "error"?}. New reference. */
json_t *vsw_services_status(const struct vsw_services *s);

/** [{"address", "mac", "name", "expires": unix time or null, "client_id"}]. New reference. */
json_t *vsw_services_leases(const struct vsw_services *s);

/** Where dnsmasq is; NULL: not installed. */
const char *vsw_services_program(void);
