/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flow table: adding, removing, ageing, growing. */
#include "vswitch/policy/flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <rte_cycles.h>

#define STAMP_SHIFT 28

/* w[0] of an empty slot's key */
#define NEVER_USED 0
#define NO_TOKEN   1

uint32_t vsw_flow_stamps_per_s(void)
{
	return (uint32_t)(rte_get_tsc_hz() >> STAMP_SHIFT) + 1;
}

static struct vsw_flow *map_slots(uint32_t n)
{
	struct vsw_flow *p = mmap(NULL, n * sizeof(*p), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* random access: page walks cost more than the lines themselves; a wish, not a need */
	(void)madvise(p, n * sizeof(*p), MADV_HUGEPAGE);
	return p;
}

int vsw_flows_init(struct vsw_flows *t, struct rte_rcu_qsbr *rcu)
{
	memset(t, 0, sizeof(*t));
	t->rcu = rcu;
	for (int i = 0; i < VSW_FLOW_LOCKS; i++)
		rte_spinlock_init(&t->lock[i]);
	if (getrandom(t->seed, sizeof(t->seed), 0) != sizeof(t->seed))
		return -errno;
	t->at = calloc(1, sizeof(*t->at));
	if (!t->at)
		return -ENOMEM;
	t->at->mask = VSW_FLOW_SLOTS_MIN - 1;
	t->at->slots = map_slots(VSW_FLOW_SLOTS_MIN);
	return t->at->slots ? 0 : -ENOMEM;
}

void vsw_flows_done(struct vsw_flows *t)
{
	if (t->at && t->at->slots)
		munmap(t->at->slots, (t->at->mask + 1ul) * sizeof(*t->at->slots));
	free(t->at);
	t->at = NULL;
}

static struct vsw_flow *find_in(struct vsw_flow *slots, uint32_t mask, const struct vsw_flow_key *k,
				uint64_t hash)
{
	for (uint32_t i = 0; i < VSW_FLOW_WINDOW; i++) {
		struct vsw_flow *f = &slots[(hash + i) & mask];

		if (vsw_flow_is(f, k))
			return f;
		/* never used: the key would be here, had it ever come this far */
		if (f->state == VSW_FLOW_EMPTY && f->key.w[0] == NEVER_USED)
			break;
	}
	return NULL;
}

struct vsw_flow *vsw_flow_find_slow(const struct vsw_flows *t, const struct vsw_flow_key *k,
				    uint64_t hash)
{
	const struct vsw_flow_slots *s = __atomic_load_n(&t->at, __ATOMIC_ACQUIRE);
	struct vsw_flow *f = find_in(s->slots, s->mask, k, hash);

	if (f || likely(!s->old))
		return f;
	f = find_in(s->old, s->old_mask, k, hash);
	/* moved between the two looks */
	return f ? f : find_in(s->slots, s->mask, k, hash);
}

static bool reusable(const struct vsw_flows *t, const struct vsw_flow *f)
{
	uint64_t token = f->key.w[0];

	return token <= NO_TOKEN || !t->rcu || rte_rcu_qsbr_check(t->rcu, token, false) == 1;
}

/* Take a free slot of the window, and leave it claimed. */
static struct vsw_flow *claim(struct vsw_flows *t, const struct vsw_flow_slots *s, uint64_t hash,
			      uint32_t now)
{
	uint32_t per_s = vsw_flow_stamps_per_s();

	for (uint32_t i = 0; i < VSW_FLOW_WINDOW; i++) {
		struct vsw_flow *f = &s->slots[(hash + i) & s->mask];
		uint8_t empty = VSW_FLOW_EMPTY;

		if (__atomic_load_n(&f->state, __ATOMIC_ACQUIRE) > VSW_FLOW_CLAIMED &&
		    vsw_flow_expired(f, now, per_s))
			vsw_flow_remove(t, f); /* for the next one */
		if (f->state != VSW_FLOW_EMPTY || !reusable(t, f))
			continue;
		if (__atomic_compare_exchange_n(&f->state, &empty, VSW_FLOW_CLAIMED, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return f;
	}
	return NULL;
}

static uint16_t port_of(const struct vsw_flow_key *k)
{
	return k->w[4] >> VSW_FLOW_PORT_SHIFT & 0xfff;
}

static void fill(struct vsw_flow *f, const struct vsw_flow *from)
{
	f->key = from->key;
	f->epoch = from->epoch;
	f->stamp = from->stamp;
	f->timeout_s = from->timeout_s;
	f->flags = from->flags;
	memcpy(f->rule, from->rule, sizeof(f->rule));
	__atomic_store_n(&f->state, from->state, __ATOMIC_RELEASE);
}

struct vsw_flow *vsw_flow_add(struct vsw_flows *t, const struct vsw_flow *from, uint64_t hash,
			      uint32_t now, uint32_t limit, int *why)
{
	rte_spinlock_t *lock = &t->lock[hash >> 58];
	uint32_t *n_port = &t->n_port[port_of(&from->key)], before = UINT32_MAX;
	const struct vsw_flow_slots *s;
	bool crowded = false;
	struct vsw_flow *f;

	if (__atomic_load_n(n_port, __ATOMIC_RELAXED) >= limit) {
		*why = -EDQUOT;
		return NULL;
	}
	rte_spinlock_lock(lock);
	s = __atomic_load_n(&t->at, __ATOMIC_ACQUIRE);
	f = vsw_flow_find_slow(t, &from->key, hash);
	if (!f) {
		f = t->n < VSW_FLOW_SLOTS_MAX / 2 ? claim(t, s, hash, now) : NULL;
		if (f) {
			fill(f, from);
			f->stamp = now;
			before = __atomic_fetch_add(&t->n, 1, __ATOMIC_RELAXED);
			__atomic_fetch_add(n_port, 1, __ATOMIC_RELAXED);
		} else {
			crowded = !__atomic_exchange_n(&t->crowded, true, __ATOMIC_RELAXED);
		}
	}
	rte_spinlock_unlock(lock);
	if (unlikely(before == 0 || before == (s->mask + 1) / 2 || crowded) && t->wake)
		t->wake(t->wake_ctx);
	*why = f ? 0 : -ENOSPC;
	return f;
}

void vsw_flow_remove(struct vsw_flows *t, struct vsw_flow *f)
{
	uint8_t state = __atomic_load_n(&f->state, __ATOMIC_ACQUIRE);
	uint16_t port = port_of(&f->key);

	if (state <= VSW_FLOW_CLAIMED ||
	    !__atomic_compare_exchange_n(&f->state, &state, VSW_FLOW_CLAIMED, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	/* whoever still holds it reads its other fields; the key is for finding it, which is over */
	f->key.w[0] = t->rcu ? rte_rcu_qsbr_start(t->rcu) : NO_TOKEN;
	__atomic_store_n(&f->state, VSW_FLOW_EMPTY, __ATOMIC_RELEASE);
	__atomic_fetch_sub(&t->n, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&t->n_port[port], 1, __ATOMIC_RELAXED);
}

void vsw_flows_age(struct vsw_flows *t, uint32_t now, uint32_t n)
{
	struct vsw_flow_slots *s = t->at;
	uint32_t per_s = vsw_flow_stamps_per_s();

	/* nothing to find: do not even touch the memory */
	for (uint32_t i = 0; i < n && __atomic_load_n(&t->n, __ATOMIC_RELAXED); i++) {
		struct vsw_flow *f = &s->slots[t->sweep++ & s->mask];

		if (__atomic_load_n(&f->state, __ATOMIC_ACQUIRE) > VSW_FLOW_CLAIMED &&
		    vsw_flow_expired(f, now, per_s))
			vsw_flow_remove(t, f);
	}
}

static void publish(struct vsw_flows *t, struct vsw_flow_slots *next)
{
	struct vsw_flow_slots *before = t->at;

	__atomic_store_n(&t->at, next, __ATOMIC_RELEASE);
	if (t->rcu)
		rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
	free(before);
}

/* Copy one flow to the new slots, then empty it here. What a worker changes in between is lost: at
 * worst the note that a TCP connection closed, which then idles out. */
static void move(struct vsw_flows *t, struct vsw_flow_slots *s, struct vsw_flow *f)
{
	uint64_t hash = vsw_flow_hash(t, &f->key);
	struct vsw_flow *to = claim(t, s, hash, f->stamp);
	uint16_t port = port_of(&f->key);

	if (to) {
		fill(to, f);
		/* removing the old one takes these away again */
		__atomic_fetch_add(&t->n, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&t->n_port[port], 1, __ATOMIC_RELAXED);
	}
	vsw_flow_remove(t, f);
}

void vsw_flows_grow(struct vsw_flows *t)
{
	struct vsw_flow_slots *s = t->at, *next, *last;
	struct vsw_flow *old = s->slots;
	uint32_t size = s->mask + 1;
	bool crowded = __atomic_exchange_n(&t->crowded, false, __ATOMIC_RELAXED);
	uint32_t n = __atomic_load_n(&t->n, __ATOMIC_RELAXED);

	if (n < (crowded ? size / 4 : size / 2) || size >= VSW_FLOW_SLOTS_MAX)
		return;
	next = calloc(1, sizeof(*next));
	last = calloc(1, sizeof(*last));
	if (next)
		next->slots = map_slots(size * 2);
	if (!last || !next || !next->slots) {
		free(next);
		free(last);
		return; /* goes on in the table it has; adding fails when that is full */
	}
	next->mask = size * 2 - 1;
	next->old = old;
	next->old_mask = s->mask;
	*last = *next;
	last->old = NULL;
	publish(t, next);
	for (uint32_t i = 0; i < size; i++)
		if (__atomic_load_n(&old[i].state, __ATOMIC_ACQUIRE) > VSW_FLOW_CLAIMED)
			move(t, next, &old[i]);
	publish(t, last);
	munmap(old, size * sizeof(*old));
}

void vsw_flows_flush(struct vsw_flows *t, uint16_t port)
{
	struct vsw_flow_slots *s = t->at;

	for (uint32_t i = 0; i <= s->mask && __atomic_load_n(&t->n_port[port], __ATOMIC_RELAXED);
	     i++)
		if (s->slots[i].state > VSW_FLOW_CLAIMED && port_of(&s->slots[i].key) == port)
			vsw_flow_remove(t, &s->slots[i]);
}

void vsw_flows_walk(struct vsw_flows *t, uint16_t port,
		    bool (*fn)(void *ctx, const struct vsw_flow *f), void *ctx)
{
	struct vsw_flow_slots *s = t->at;

	for (uint32_t i = 0; i <= s->mask && __atomic_load_n(&t->n, __ATOMIC_RELAXED); i++) {
		struct vsw_flow f = s->slots[i];

		if (f.state <= VSW_FLOW_CLAIMED || (port != 0xffff && port_of(&f.key) != port))
			continue;
		if (!fn(ctx, &f))
			return;
	}
}
