/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A data-plane NAT network's inside, shared by the files of this folder. */
#pragma once

#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "nat/nat_conf.h"
#include "vswitch/datapath/port.h"
#include "vswitch/nat/nat.h"
#include "vswitch/nat/neigh.h"

struct vsw_worker;
struct vsw_nat_log;

/* One of a network's two ports. */
struct vsw_nat_side {
	struct vsw_io io; /* first: the back end */
	struct vsw_nat *nat;
	enum nat_side side;
	uint64_t mac48; /* ours, as frames have it */
	struct vsw_neighs neighs;
	int wake_fd;
	uint32_t due;      /* atomic; rx has something to do */
	uint32_t sweep;    /* sessions still to look at in this turn; inside only */
	uint32_t look;     /* neighbours still to look at */
	uint32_t announce; /* own addresses still to announce; the last ones first */
};

/*
 * What a worker holds while it translates plain packets (nat_xlat_run_plain()): these only read what is below the
 * network's lock, so workers do not wait for each other. Who changes anything holds the lock and all lanes in use.
 */
struct vsw_nat_lane {
	rte_spinlock_t lock;
	uint64_t translated[2]; /* by the side they came from; this worker's */
} __rte_cache_aligned;

struct vsw_nat {
	char name[VD_NAME_MAX + 1];
	struct vsw_nats *all;
	struct vsw_nat *next;
	struct vsw_nat_side *side[2]; /* NULL: not open */
	rte_spinlock_t lock; /* with the lanes: everything below, and the sides' neighbours */
	uint32_t lanes_used; /* atomic; bit i: worker i has translated */
	struct vsw_nat_lane lane[VSW_WORKERS_MAX];
	struct nat_xlat *x; /* NULL: not configured yet */
	struct nat_conf conf;
	uint32_t n_own; /* outside addresses, 1:1 ones included */
	void *memory;   /* of sessions; NULL: private to the translator */
	size_t memory_size;
	uint16_t mtu[2];
	uint64_t epoch_ms;
	uint64_t no_route, no_neighbour, arp_conflicts, waited;
	struct vsw_nat_log *log; /* NULL: nothing is logged; the control thread's */
	bool forgetful;          /* sessions could not be put into a file */
};

struct vsw_nats {
	const struct vsw_io_env *env;
	struct vsw_nat *first;
};

/** Nobody else reads or changes the network until vsw_nat_unlock(). Any thread, not with a lane. */
static inline void vsw_nat_lock(struct vsw_nat *n)
{
	uint32_t used;

	rte_spinlock_lock(&n->lock);
	/* a worker that is new takes the lock once before its lane */
	used = __atomic_load_n(&n->lanes_used, __ATOMIC_RELAXED);
	for (; used; used &= used - 1)
		rte_spinlock_lock(&n->lane[__builtin_ctz(used)].lock);
}

static inline void vsw_nat_unlock(struct vsw_nat *n)
{
	uint32_t used = __atomic_load_n(&n->lanes_used, __ATOMIC_RELAXED);

	for (; used; used &= used - 1)
		rte_spinlock_unlock(&n->lane[__builtin_ctz(used)].lock);
	rte_spinlock_unlock(&n->lock);
}

/** Nobody changes the network until vsw_nat_leave(). Worker @id. */
static inline struct vsw_nat_lane *vsw_nat_enter(struct vsw_nat *n, uint16_t id)
{
	if (unlikely(!(__atomic_load_n(&n->lanes_used, __ATOMIC_RELAXED) >> id & 1))) {
		/* those under way do not know of this lane: after them everybody does */
		rte_spinlock_lock(&n->lock);
		__atomic_fetch_or(&n->lanes_used, 1u << id, __ATOMIC_RELAXED);
		rte_spinlock_unlock(&n->lock);
	}
	rte_spinlock_lock(&n->lane[id].lock);
	return &n->lane[id];
}

static inline void vsw_nat_leave(struct vsw_nat_lane *l)
{
	rte_spinlock_unlock(&l->lock);
}

/* nat.c */
uint64_t vsw_nat_now_ms(void);
/** Outside address number @i, network order. */
uint32_t vsw_nat_own(const struct nat_conf *c, uint32_t i);
/** Own address number @i of @s: the gateway's, or an outside one. */
uint32_t vsw_nat_nth_own(const struct vsw_nat_side *s, uint32_t i);
bool vsw_nat_is_own(const struct vsw_nat *n, enum nat_side side, uint32_t ip);

/* relay.c */
uint16_t vsw_nat_relay(struct vsw_io *io, struct vsw_worker *w, struct rte_mbuf **m, uint16_t n);
uint16_t vsw_nat_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **m, uint16_t n);

/* cut.c */
/**
 * Cut the IPv4 packet in @m (behind 14 bytes of Ethernet) into fragments of at most @mtu bytes.
 * Return: how many of @out are filled, @m consumed; 0: not possible, @m still the caller's.
 */
unsigned int vsw_nat_cut(struct rte_mbuf *m, uint16_t mtu, struct rte_mempool *pool,
			 struct rte_mbuf **out, unsigned int n_out);
