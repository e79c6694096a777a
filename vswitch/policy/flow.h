/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table: what policy decided about a connection at a port, so that its next packet costs one
 * look-up, one cache line. An entry belongs to one port and serves both directions: "local" is the
 * guest's end, "remote" the other.
 *
 * One table for all workers. A port's two directions are often handled by two workers (the one that polls the
 * guest, the one that polls the network), and must see one state. Look-ups are wait-free; inserting
 * takes a lock among 64, chosen by the key; an entry's fields are single aligned stores. An
 * emptied slot is reused only after every worker has passed a quiescent state, so what a look-up
 * returned stays what it was until the end of the burst.
 *
 * An entry is good while its epoch is that of its port's policy: changing a policy cuts or re-examines
 * every flow at once, however many there are, with one store.
 *
 * Size: 64 bytes a slot, half of them used at most; grows by doubling, from VSW_FLOW_SLOTS_MIN to
 * VSW_FLOW_SLOTS_MAX, without stopping (readers look at both tables meanwhile). Memory is touched as
 * flows come. Who evicts whom: nobody; a port has a limit, and beyond it no new flow.
 *
 * Thread-safety: as said at each function. Proof: tests/unit/vswitch/policy/test_flow.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>
#include <rte_spinlock.h>

#include "vswitch/model/model.h"

#define VSW_FLOW_SLOTS_MIN 65536u
#define VSW_FLOW_SLOTS_MAX 2097152u
#define VSW_FLOW_WINDOW    32 /* slots in which a key may be; at half load one in 100,000 fills up */
#define VSW_FLOW_LOCKS     64
#define VSW_FLOW_NO_RULE   0xffff

enum vsw_flow_state {
	VSW_FLOW_EMPTY,
	VSW_FLOW_CLAIMED,     /* being written */
	VSW_FLOW_CACHED,      /* no state: a remembered decision per direction */
	VSW_FLOW_FRAGMENTS,   /* later fragments of a packet whose first one passed */
	VSW_FLOW_NEW,         /* stateful, seen in one direction only */
	VSW_FLOW_ESTABLISHED, /* ... in both */
	VSW_FLOW_FIN,         /* TCP: one side has closed */
	VSW_FLOW_CLOSED,      /* TCP: both have, or one reset */
};

enum vsw_flow_flags {
	/* decisions known, by direction (enum vsw_dir): 1 << dir */
	VSW_FLOW_VALID = 1,
	/* ... and what they are: VSW_FLOW_PASS << dir */
	VSW_FLOW_PASS = 4,
	VSW_FLOW_ORIGIN_TO_VM = 16, /* the first packet was for the guest */
	VSW_FLOW_FIN_FROM_VM = 32,
	VSW_FLOW_FIN_TO_VM = 64,
};

/* What a packet is looked up by. Words as in classify.h, but word 4 has the port in place of the family. */
struct vsw_flow_key {
	uint64_t w[5];
};
#define VSW_FLOW_PORT_SHIFT 12 /* word 4: port index, 12 bits */

struct vsw_flow {
	struct vsw_flow_key
		key;    /* of an emptied slot: w[0] is the token after which it may be reused */
	uint32_t epoch; /* of the port's policy when the decisions were made */
	uint32_t stamp; /* vsw_flow_now() of the last packet */
	uint16_t timeout_s;
	uint8_t state; /* atomic: published last, emptied first */
	uint8_t flags;
	uint16_t rule[2][3]; /* by direction and list (gate.h): index of the rule that decided */
} __rte_cache_aligned;
_Static_assert(sizeof(struct vsw_flow) == 64, "one cache line");

struct vsw_flow_slots {
	struct vsw_flow *slots;
	uint32_t mask;
	struct vsw_flow *old; /* being moved out of; NULL mostly */
	uint32_t old_mask;
};

struct vsw_flows {
	struct vsw_flow_slots *at; /* atomic */
	uint64_t seed[4];          /* secret: guests must not choose who collides */
	uint32_t n;                /* atomic */
	bool crowded;              /* atomic: a flow found no slot in its window */
	uint32_t sweep;            /* next slot that ageing looks at */
	struct rte_rcu_qsbr *rcu;  /* NULL: one thread only (tests) */
	/** There is something to age, or to grow: the control thread should look. Any thread; may be NULL. */
	void (*wake)(void *ctx);
	void *wake_ctx;
	uint32_t n_port[VSW_PORTS_MAX]; /* atomic */
	rte_spinlock_t lock[VSW_FLOW_LOCKS];
};

/* Stamps count 2^28 TSC cycles like the forwarding table's, about a tenth of a second. */

/** @rcu what workers report quiescence to. -ENOMEM. Control thread. */
int vsw_flows_init(struct vsw_flows *t, struct rte_rcu_qsbr *rcu);
void vsw_flows_done(struct vsw_flows *t);

static inline uint64_t vsw_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 r = (unsigned __int128)a * b;

	return (uint64_t)r ^ (uint64_t)(r >> 64);
}

/* One multiplication turns a run of ports into steps of one width, which for some seeds fall on top of
 * each other: each word goes through two. */
static inline uint64_t vsw_flow_hash(const struct vsw_flows *t, const struct vsw_flow_key *k)
{
	return vsw_mix(vsw_mix(k->w[0] ^ t->seed[0], k->w[1] ^ t->seed[1]) ^
			       vsw_mix(k->w[4] ^ t->seed[1], t->seed[0]),
		       vsw_mix(k->w[2] ^ t->seed[2], k->w[3] ^ t->seed[3]) ^ k->w[4]);
}

static inline void vsw_flow_prefetch(const struct vsw_flows *t, uint64_t hash)
{
	const struct vsw_flow_slots *s = __atomic_load_n(&t->at, __ATOMIC_ACQUIRE);

	rte_prefetch0(&s->slots[hash & s->mask]);
}

static inline bool vsw_flow_is(const struct vsw_flow *f, const struct vsw_flow_key *k)
{
	return __atomic_load_n(&f->state, __ATOMIC_ACQUIRE) > VSW_FLOW_CLAIMED &&
	       ((f->key.w[4] ^ k->w[4]) | (f->key.w[3] ^ k->w[3]) | (f->key.w[1] ^ k->w[1]) |
		(f->key.w[2] ^ k->w[2]) | (f->key.w[0] ^ k->w[0])) == 0;
}

/** The flow of @k behind the first slot of its window; also while the table grows. */
struct vsw_flow *vsw_flow_find_slow(const struct vsw_flows *t, const struct vsw_flow_key *k,
				    uint64_t hash);

/** The flow of @k, or NULL. @hash = vsw_flow_hash(). Any worker; good until its next quiescent state. */
static inline struct vsw_flow *vsw_flow_find(const struct vsw_flows *t,
					     const struct vsw_flow_key *k, uint64_t hash)
{
	const struct vsw_flow_slots *s = __atomic_load_n(&t->at, __ATOMIC_ACQUIRE);
	struct vsw_flow *f = &s->slots[hash & s->mask];

	return likely(vsw_flow_is(f, k)) ? f : vsw_flow_find_slow(t, k, hash);
}

/**
 * Add a flow, or return the one that another worker added meanwhile.
 *
 * @from   key and all other fields; its state is published
 * @limit  flows that the port may have
 * @why    set when NULL is returned: -ENOSPC (table or window full), -EDQUOT (the port's limit)
 * Thread: any worker.
 */
struct vsw_flow *vsw_flow_add(struct vsw_flows *t, const struct vsw_flow *from, uint64_t hash,
			      uint32_t now, uint32_t limit, int *why);

/** Empty @f. Any worker; harmless when another did so. */
void vsw_flow_remove(struct vsw_flows *t, struct vsw_flow *f);

static inline bool vsw_flow_expired(const struct vsw_flow *f, uint32_t now, uint32_t stamps_per_s)
{
	/* a stamp of another worker may be a little newer than ours */
	int32_t age = (int32_t)(now - f->stamp);

	return age > 0 && (uint32_t)age > (uint32_t)f->timeout_s * stamps_per_s;
}

/** Stamps a second, rounded up. */
uint32_t vsw_flow_stamps_per_s(void);

/** Remove what is idle for its timeout, in the next @n slots. Control thread. */
void vsw_flows_age(struct vsw_flows *t, uint32_t now, uint32_t n);

/** Double the table when half of it is used, or a quarter and a window was full. Waits for the workers. Control thread. */
void vsw_flows_grow(struct vsw_flows *t);

/** Remove every flow of port index @port. Control thread. */
void vsw_flows_flush(struct vsw_flows *t, uint16_t port);

/** Call @fn for every flow of @port (VSW_PORT_INDEX_NONE: all) until it returns false. The table may change meanwhile. Control thread. */
void vsw_flows_walk(struct vsw_flows *t, uint16_t port,
		    bool (*fn)(void *ctx, const struct vsw_flow *f), void *ctx);
