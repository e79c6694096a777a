/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses of remediation servers that a health policy gives by name. The host asks for them, by c-ares, with the
 * resolvers of the policy or its own; confined guests are told these addresses and may reach these, and nothing
 * a guest asks makes the host ask anybody.
 *
 * An address counts until its TTL is over (at least NAMES_TTL_MIN_S, at most NAMES_TTL_MAX_S), so one that a round
 * of answers leaves out stays reachable as long as guests may have it cached. At most NAP_ADDRS_MAX a name.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-portal.test.
 */
#pragma once

#include <stdint.h>

#include "nap-policy/portal/ask.h"
#include "vswitch/control/daemon.h"

struct vsw_names;

/** Watch the names of the policy in force. Cheap when nothing changed. */
void vsw_names_sync(struct vsw_daemon *d);
/** Accepts NULL. */
void vsw_names_destroy(struct vsw_names *n);

/** What is known of @name: @ret is filled. Return: false when nobody has answered yet. Accepts NULL. */
bool vsw_names_get(const struct vsw_names *n, const char *name, struct nap_addrs *ret);
/** The same as a nap_resolve (nap-policy/allow.h); @ctx is a struct vsw_names *. */
unsigned int vsw_names_resolve(void *ctx, const char *name, struct vd_prefix *ret,
			       unsigned int max);
