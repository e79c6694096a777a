/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT networks on this host: makes the networks of the configuration true and keeps them so.
 *
 * Kernel back end: the gateway's address on the host's adapter, forwarding, an nftables table a network
 * (nat/nft). Both back ends: DHCP and DNS (services.h). When somebody else changes rules, addresses or
 * routes, what is ours is put back; what is not ours is never touched.
 *
 * Two networks with overlapping prefixes: the later one is "apart". Its packets and connections carry a mark
 * that leads to a routing table of its own; the host itself reaches the inside of the earlier one.
 *
 * Everything is in the network namespace that the daemon was started in.
 * Thread-safety: control thread. Proof: tests/net/nat*.test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "vswitch/model/model.h"

struct vsw_hostnat;

struct vsw_hostnat_env {
	sd_event *event;
	const char *state_dir;
	bool own_tables; /* protect our tables, where the kernel can */
	/** The address that a port without a configured one has shown; false: none yet. May be NULL. */
	bool (*first_mac)(void *ctx, const char *port, struct vd_mac *ret);
	void *ctx;
};

int vsw_hostnat_create(const struct vsw_hostnat_env *env, struct vsw_hostnat **ret,
		       struct vd_err *reterr);

/** A clean stop: everything of ours goes; leases stay. Accepts NULL. */
void vsw_hostnat_destroy(struct vsw_hostnat *h);

/** What the machine says against going from @cur to @next: routes that clash, ports in use, programs that are
 *  missing. Only what is new is checked; nothing is touched. Return: 0; -EEXIST; -EBUSY; -ENOENT. */
int vsw_hostnat_check(struct vsw_hostnat *h, const struct vsw_model *cur,
		      const struct vsw_model *next, struct vd_err *reterr);

/**
 * Make the networks of @m true; its ports are open. @start: what cannot be done now is no error but
 * noted and tried again, and what a crashed run left is taken over or removed.
 * On an error the caller applies the model that was in force.
 */
int vsw_hostnat_apply(struct vsw_hostnat *h, const struct vsw_model *m, bool start,
		      struct vd_err *reterr);

/** Names or addresses of ports may have changed. */
void vsw_hostnat_ports_changed(struct vsw_hostnat *h, const struct vsw_model *m);

/** What `nat show` says beside the configuration. New reference; NULL on lack of memory. */
json_t *vsw_hostnat_status(struct vsw_hostnat *h, const struct nat_conf *c);

/** The DHCP server's leases as rows. New reference. */
json_t *vsw_hostnat_leases(struct vsw_hostnat *h, const struct nat_conf *c);

/** Does a connection with @mark, whose addresses fit @c, begin in (@from), or lead to, @c? */
bool vsw_hostnat_owns(const struct vsw_hostnat *h, const struct nat_conf *c, uint32_t mark,
		      bool from);

/** One connection of the kernel as a NAT session of a network. */
struct vsw_hostnat_session {
	const char *direction; /* "out", "in", "hairpin" */
	uint32_t inside, outside, remote;
	uint16_t inside_port, outside_port, remote_port;
};
struct nat_ct;
/** Is @ct a session of @c? */
bool vsw_hostnat_session(const struct vsw_hostnat *h, const struct nat_conf *c,
			 const struct nat_ct *ct, struct vsw_hostnat_session *ret);

/** Counters of a network's log; null: nothing is logged. New reference. */
json_t *vsw_hostnat_logging(struct vsw_hostnat *h, const struct nat_conf *c);

/** Findings for `viridian doctor`: @fn gets status ("ok", "warn", "fail"), text and hint (may be NULL). */
void vsw_hostnat_doctor(struct vsw_hostnat *h,
			void (*fn)(void *ctx, const char *status, const char *text,
				   const char *hint),
			void *ctx);
