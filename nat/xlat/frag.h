/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments in any order. The first one has the ports and decides for its datagram; those before it wait,
 * those behind it follow. Nothing is reassembled: each is translated and sent on as it is, with an
 * identification that is unique on the new path (RFC 6864).
 *
 * Bounds: a fixed number of datagrams, few of which may come from one source; a fixed number of waiting
 * fragments; some seconds to wait. A flood costs its sender, then fragments of others, never anything else.
 *
 * Thread-safety: none. Proof: tests/unit/nat/xlat/test_frag.c, tests/fuzz/fuzz_nat_frag.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nat/xlat/xlat.h"

#define NAT_FRAG_DATAGRAMS  1024
#define NAT_FRAG_PER_SOURCE 64  /* datagrams, and waiting fragments: enough for one of 64 KiB */
#define NAT_FRAG_WAITING    256 /* fragments, of all datagrams */
#define NAT_FRAG_LIFE_S     15
#define NAT_FRAG_HEADS      1024

struct nat_frag_key {
	uint32_t src, dst; /* network order */
	uint16_t id;
	uint8_t proto;
	uint8_t side;
};

/* What the first fragment decided. */
struct nat_frag_verdict {
	uint32_t
		addr; /* replaces the source (from inside) or destination (from outside); network order */
	uint16_t id;
	uint8_t state; /* enum nat_frag_state */
};

enum nat_frag_state { NAT_FRAG_FREE, NAT_FRAG_PENDING, NAT_FRAG_KNOWN, NAT_FRAG_REFUSED };

struct nat_frag {
	struct nat_frag_key key;
	struct nat_frag_verdict v;
	uint32_t born;
	uint16_t next;    /* of its hash chain, or of the free list */
	uint16_t waiting; /* first waiting fragment */
};

struct nat_frag_waiting {
	struct nat_frame frame;
	uint16_t next;
};

#define NAT_FRAG_NONE 0xffff

struct nat_frags {
	struct nat_frag *all;
	struct nat_frag_waiting *waiting;
	uint16_t heads[NAT_FRAG_HEADS];
	uint16_t per_source[256]; /* datagrams */
	uint16_t waiting_of_source[256];
	uint16_t free, cursor;
	uint16_t free_waiting;
	uint16_t n, n_waiting;
	uint32_t seed;
	uint32_t wait_s; /* for a first fragment */
};

int nat_frags_init(struct nat_frags *t, uint32_t seed);
void nat_frags_done(struct nat_frags *t);

/** The datagram of @key; with @make a new one (pending). NULL: unknown, or no room. */
struct nat_frag *nat_frags_get(struct nat_frags *t, const struct nat_frag_key *key, uint32_t now,
			       bool make);

/** Let @f wait for @d's first fragment. Return: false when there is no room. */
bool nat_frags_wait(struct nat_frags *t, struct nat_frag *d, const struct nat_frame *f);

/** The next fragment that waits for @d, in order of arrival. Return: false: none. */
bool nat_frags_next(struct nat_frags *t, struct nat_frag *d, struct nat_frame *ret);

/** Look at some datagrams: one whose time is over (@all: any), or NULL. Take its fragments, then forget it. */
struct nat_frag *nat_frags_stale(struct nat_frags *t, uint32_t now, bool all);
void nat_frags_forget(struct nat_frags *t, struct nat_frag *d);
