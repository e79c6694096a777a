/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses one port has come by: leases that DHCP gave it, and addresses it was seen to use. Bounded;
 * a full table takes nothing new and evicts nobody.
 *
 * Addresses are two words as in key.h: IPv4 is ::ffff:a.b.c.d.
 *
 * Thread-safety: has() on any worker, wait-free. Writers on any thread, under the table's lock, which is
 * held for one short walk. Proof: tests/unit/vswitch/policy/test_addrs.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_spinlock.h>

#include "vswitch/model/policy.h"

#define VSW_ADDRS_MAX VSW_ADDRESSES_MAX /* of one port */

enum vsw_addr_origin {
	VSW_ADDR_EMPTY,
	VSW_ADDR_LEASED, /* by DHCP; good until @expires_s */
	VSW_ADDR_SEEN,   /* in a frame's source; good while it is used */
};

struct vsw_addr_slot {
	uint64_t w[2];
	int64_t expires_s; /* seconds since 1970; INT64_MAX: never */
	uint8_t origin;    /* atomic; enum vsw_addr_origin, written last */
	uint8_t bits;      /* length of the prefix, 128 for an address (IPv4: + 96) */
	bool used;         /* seen since the last sweep */
};

struct vsw_addrs {
	rte_spinlock_t lock;
	uint32_t n;      /* in use */
	uint32_t top;    /* atomic: slots from here on were never used */
	uint32_t serial; /* atomic: changes whenever a lease does */
	struct vsw_addr_slot slot[VSW_ADDRS_MAX];
};

/** Words and bits of @p. */
void vsw_addrs_words(const struct vd_prefix *p, uint64_t ret[2], uint8_t *bits);
/** The other way round. */
void vsw_addrs_prefix(const uint64_t w[2], uint8_t bits, struct vd_prefix *ret);

/** The bits that a prefix of @bits decides. */
static inline void vsw_addrs_mask(uint8_t bits, uint64_t ret[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		unsigned int have = bits > 64 * i ? bits - 64 * i : 0;

		ret[i] = have >= 64  ? UINT64_MAX
			 : have == 0 ? 0
				     : __builtin_bswap64(UINT64_MAX << (64 - have));
	}
}

/** The slot of @origin (VSW_ADDR_EMPTY: of any) that covers address @w, or NULL. */
struct vsw_addr_slot *vsw_addrs_find(struct vsw_addrs *t, const uint64_t w[2],
				     enum vsw_addr_origin origin);

/**
 * Add or renew.
 *
 * @limit entries at most (0: VSW_ADDRS_MAX)
 * Return: 0; -ENOSPC.
 */
int vsw_addrs_add(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits,
		  enum vsw_addr_origin origin, int64_t expires_s, uint32_t limit);

/** Remove exactly this entry, if it is there. */
void vsw_addrs_remove(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits);

/** Remove leases that ended before @now_s and, with @idle, seen addresses that were not used since the
 *  last call with @idle. */
void vsw_addrs_sweep(struct vsw_addrs *t, int64_t now_s, bool idle);

/** Forget all of @origin. */
void vsw_addrs_clear(struct vsw_addrs *t, enum vsw_addr_origin origin);

/** Copy what is there to @ret[VSW_ADDRS_MAX]; returns the number. */
unsigned int vsw_addrs_get(struct vsw_addrs *t, struct vsw_addr_slot *ret);
