/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The forwarding table's inside, for the packet path: layout and lookup are inline. Everyone else
 * includes fdb.h.
 *
 * Writers: a slot is filled from its data to its key (release), and emptied by its key alone; port
 * and stamp of a live slot are single aligned stores. A reader that raced with an emptied and refilled
 * slot notices because it reads the key again; and were it fooled, the VLAN check at the destination
 * still keeps tenants apart.
 */
#pragma once

#include <stddef.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <rte_spinlock.h>

#include "vswitch/datapath/fdb.h"
#include "vswitch/model/model.h"

#define VSW_FDB_WAYS 4

struct vsw_mcast;

struct vsw_fdb_slot {
	uint64_t key; /* MAC in wire order (48 bits), filtering ID (12), VSW_FDB_USED; 0 = empty */
	uint16_t port;
	uint16_t flags; /* VSW_FDB_STATIC */
	uint32_t stamp; /* vsw_fdb_now() when last seen */
};

#define VSW_FDB_USED   (UINT64_C(1) << 63)
#define VSW_FDB_STATIC 1

struct vsw_fdb_bucket {
	struct vsw_fdb_slot slot[VSW_FDB_WAYS];
} __rte_cache_aligned;
_Static_assert(sizeof(struct vsw_fdb_bucket) == 64, "one cache line");

struct vsw_fdb {
	struct vsw_fdb_bucket *buckets;
	uint32_t mask;      /* buckets - 1 */
	uint32_t n_any;     /* atomic; static entries with VSW_FID_ANY */
	uint32_t limit;     /* learned entries at most */
	uint32_t n_learned; /* atomic for readers; written under lock */
	uint32_t n_static;
	uint32_t age_cursor; /* next bucket that vsw_fdb_age() looks at */
	size_t map_size;
	rte_spinlock_t lock; /* writers */
	struct vsw_mcast
		*mcast; /* of the same switch; NULL: never snooped. Set before it is published */
	uint32_t per_port[VSW_PORTS_MAX]; /* learned entries a port; under lock */
};

/* Stamps count 2^28 TSC cycles, about a tenth of a second: cheap to make, and wraps after years. */
#define VSW_FDB_STAMP_SHIFT 28

static inline uint32_t vsw_fdb_stamp(uint64_t tsc)
{
	return (uint32_t)(tsc >> VSW_FDB_STAMP_SHIFT);
}

/** @mac48: the address as a little-endian load of its 6 bytes. */
static inline uint64_t vsw_fdb_key(uint64_t mac48, uint16_t fid)
{
	return VSW_FDB_USED | (uint64_t)fid << 48 | mac48;
}

static inline uint64_t vsw_fdb_hash(uint64_t key)
{
	uint64_t h = (key ^ key >> 29) * UINT64_C(0xbf58476d1ce4e5b9);

	return h ^ h >> 32;
}

static inline struct vsw_fdb_bucket *vsw_fdb_first(const struct vsw_fdb *f, uint64_t hash)
{
	return &f->buckets[hash & f->mask];
}

static inline struct vsw_fdb_bucket *vsw_fdb_second(const struct vsw_fdb *f, uint64_t hash)
{
	return &f->buckets[hash >> 36 & f->mask];
}

static inline struct vsw_fdb_slot *vsw_fdb_in_bucket(struct vsw_fdb_bucket *b, uint64_t key)
{
	for (int i = 0; i < VSW_FDB_WAYS; i++)
		if (__atomic_load_n(&b->slot[i].key, __ATOMIC_ACQUIRE) == key)
			return &b->slot[i];
	return NULL;
}

/** The slot of @key, or NULL. @hash = vsw_fdb_hash(@key). */
static inline struct vsw_fdb_slot *vsw_fdb_find(const struct vsw_fdb *f, uint64_t key,
						uint64_t hash)
{
	struct vsw_fdb_slot *s = vsw_fdb_in_bucket(vsw_fdb_first(f, hash), key);

	if (likely(s != NULL))
		return s;
	return vsw_fdb_in_bucket(vsw_fdb_second(f, hash), key);
}

/** Port of @key, or VSW_PORT_INDEX_NONE when the slot was emptied meanwhile. */
static inline uint16_t vsw_fdb_slot_port(const struct vsw_fdb_slot *s, uint64_t key)
{
	uint16_t port = __atomic_load_n(&s->port, __ATOMIC_ACQUIRE);

	return likely(__atomic_load_n(&s->key, __ATOMIC_RELAXED) == key) ? port : 0xffff;
}

/** Look @mac48 up in @fid, then among the addresses known in every VLAN. */
static inline uint16_t vsw_fdb_lookup(const struct vsw_fdb *f, uint64_t mac48, uint16_t fid)
{
	uint64_t key = vsw_fdb_key(mac48, fid);
	struct vsw_fdb_slot *s = vsw_fdb_find(f, key, vsw_fdb_hash(key));

	if (s)
		return vsw_fdb_slot_port(s, key);
	if (__atomic_load_n(&f->n_any, __ATOMIC_RELAXED) == 0)
		return 0xffff;
	key = vsw_fdb_key(mac48, VSW_FID_ANY);
	s = vsw_fdb_find(f, key, vsw_fdb_hash(key));
	return s ? vsw_fdb_slot_port(s, key) : 0xffff;
}

/** A team's address is shown at @port now: move its static entry there. Any worker; never waits. */
void vsw_fdb_claim(struct vsw_fdb *f, uint64_t mac48, uint16_t fid, uint16_t port);

/**
 * The slow half of learning: @mac48 in @fid was not found at @port. Adds it or moves it here.
 *
 * @limit what the port may have at most. Thread: any worker; never waits.
 */
enum vsw_learn_result vsw_fdb_learn(struct vsw_fdb *f, uint64_t mac48, uint16_t fid, uint16_t port,
				    uint32_t limit, uint32_t now);
