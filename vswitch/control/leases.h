/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guards have learned from DHCP, across restarts: leases.json in the state folder, written when a
 * lease comes or goes, read at the start.
 *
 *   {"leases": [{"port": UUID, "address": "10.0.0.7", "expires": SECONDS SINCE 1970, or null: never}]}
 *
 * Thread-safety: control thread. Proof: tests/net/guard.test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct vsw_engine;

/** Read what the last run knew; what cannot be understood is left out. */
void vsw_leases_load(struct vsw_engine *e);

/** Give ports that were just published what is known of them. */
void vsw_leases_give(struct vsw_engine *e);

/** Forget what has ended, write down what changed. @idle: addresses that were not used since the last
 *  such call are forgotten. Returns false when no port has a guard. */
bool vsw_leases_tick(struct vsw_engine *e, int64_t now_s, bool idle);
