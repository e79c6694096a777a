/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this host says about a NAT network: routes, programs on ports, settings of the kernel. Reads only,
 * but for sysctls. Thread-safety: no shared state. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "nat/nat_conf.h"

/**
 * A route of the host (other than default) that overlaps @prefix and does not lead to an interface for which
 * @ours is true. @text says which. Return: 1 there is one, 0, -errno.
 */
int nat_facts_route(struct nat_prefix prefix, bool (*ours)(void *ctx, const char *ifname),
		    void *ctx, char *text, size_t size);

/** Who listens on @protocol ports of the host: loaded once, asked often. */
struct nat_listeners;
int nat_listeners_load(struct nat_listeners **ret);
void nat_listeners_free(struct nat_listeners *l);
/** Does a program of the host listen on one of the map's outside ports, on an address that the map
 *  would take over? @text says which. */
bool nat_listeners_clash(const struct nat_listeners *l, const struct nat_map *m, char *text,
			 size_t size);

/** Is @addr one of this host's? */
bool nat_facts_is_local(uint32_t addr);

/** A sysctl below /proc/sys as a number. -errno, as a negative number. */
long long nat_sysctl_get(const char *path);
int nat_sysctl_set(const char *path, long long value);
