/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forwarding table of one switch: (filtering ID, MAC address) -> port.
 *
 * Filtering ID (IEEE 802.1Q-2018 8.8.8): the VLAN, except that a private VLAN's secondaries share
 * their primary's, so that what is learned in one is found from the others. VSW_FID_ANY matches a MAC in
 * every VLAN: the assigned address of a trunk port.
 *
 * Layout: buckets of four 16-byte entries, one cache line; an entry lives in one of two buckets. A
 * lookup touches one line mostly. Entries never move, so readers need no retry.
 *
 * Who evicts whom: nobody. A full bucket pair or a reached limit means "not learned" (the frame is
 * flooded instead), so a port that shows many addresses cannot push out its neighbours; limits are per port
 * (learn) and per table. Static entries are not counted and are refused only when memory ends.
 *
 * Thread-safety: lookup is wait-free on any worker. learn() may be called by any worker: it takes the
 * writer lock by trylock only, and gives up (the next frame tries again) rather than wait.
 * Everything else: control thread. Proof: tests/unit/vswitch/datapath/test_fdb.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"

#define VSW_FID_ANY 4095

struct vsw_fdb;

enum vsw_learn_result {
	VSW_LEARN_OK,         /* known here already, refreshed, added, or moved here */
	VSW_LEARN_BUSY,       /* another worker is writing; not learned this time */
	VSW_LEARN_PORT_LIMIT, /* the port has as many as it may */
	VSW_LEARN_FULL,       /* the table has as many as it may */
	VSW_LEARN_CONFLICT,   /* a static entry says the address is at another port */
};

struct vsw_fdb_entry {
	struct vd_mac mac;
	uint16_t fid;
	uint16_t port; /* port index */
	bool is_static;
	uint32_t age_s; /* seconds since last seen; 0 for static */
};

/** @limit learned entries at most (0..VSW_FDB_LIMIT_MAX). NULL on lack of memory. */
struct vsw_fdb *vsw_fdb_create(uint32_t limit);
void vsw_fdb_destroy(struct vsw_fdb *fdb);

/** Replace all static entries. Learned entries they contradict are removed. -ENOMEM, -ENOSPC. */
struct vsw_fdb_static {
	struct vd_mac mac;
	uint16_t fid;
	uint16_t port;
};
int vsw_fdb_set_static(struct vsw_fdb *fdb, const struct vsw_fdb_static *entries, unsigned int n);

/** Remove learned entries of @port (any: VSW_PORT_INDEX_NONE) and @fid (any: -1). Returns how many. */
unsigned int vsw_fdb_flush(struct vsw_fdb *fdb, uint16_t port, int fid);

/** Remove entries not seen for @ageing_s seconds. Works through a slice of the table per call, the whole
 *  table in about 8 calls; call it at least every ageing_s / 16 seconds. Returns how many. */
unsigned int vsw_fdb_age(struct vsw_fdb *fdb, uint32_t ageing_s);

/** Call @fn for every entry. The table may change meanwhile. */
void vsw_fdb_walk(struct vsw_fdb *fdb, void (*fn)(void *ctx, const struct vsw_fdb_entry *e),
		  void *ctx);

/** Learned entries now. */
uint32_t vsw_fdb_count(const struct vsw_fdb *fdb);
