/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forwarding table: everything that writes it. fdb_lookup.h has the layout and the readers. */
#include "vswitch/datapath/fdb_lookup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <rte_cycles.h>

#include "vswitch/datapath/port.h"
#include "vswitch/policy/mcast.h"

/* Half full at most: two buckets of four to choose from then overflow practically never. */
static uint32_t buckets_for(uint32_t limit)
{
	uint64_t want = ((uint64_t)limit + VSW_STATIC_MAX + VSW_PORTS_MAX) * 2 / VSW_FDB_WAYS;
	uint32_t n = 1024;

	while (n < want)
		n <<= 1;
	return n;
}

struct vsw_fdb *vsw_fdb_create(uint32_t limit)
{
	struct vsw_fdb *f = calloc(1, sizeof(*f));
	uint32_t n = buckets_for(limit);
	void *p;

	if (!f)
		return NULL;
	/* untouched pages of the mapping cost nothing: a table for 64 k addresses with ten in it
	 * stays small */
	f->map_size = (size_t)n * sizeof(struct vsw_fdb_bucket);
	p = mmap(NULL, f->map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		free(f);
		return NULL;
	}
	f->buckets = p;
	f->mask = n - 1;
	f->limit = limit;
	rte_spinlock_init(&f->lock);
	return f;
}

void vsw_fdb_destroy(struct vsw_fdb *f)
{
	if (!f)
		return;
	munmap(f->buckets, f->map_size);
	vsw_mcast_destroy(f->mcast);
	free(f);
}

static uint64_t mac48_of(const struct vd_mac *mac)
{
	uint64_t v = 0;

	memcpy(&v, mac->addr, sizeof(mac->addr));
	return v;
}

static struct vsw_fdb_slot *free_slot(struct vsw_fdb *f, uint64_t hash)
{
	struct vsw_fdb_bucket *b[2] = {vsw_fdb_first(f, hash), vsw_fdb_second(f, hash)};
	struct vsw_fdb_slot *found[2] = {NULL, NULL};
	int n_free[2] = {0, 0};

	for (int k = 0; k < 2; k++) {
		for (int i = 0; i < VSW_FDB_WAYS; i++) {
			if (b[k]->slot[i].key == 0) {
				n_free[k]++;
				found[k] = &b[k]->slot[i];
			}
		}
	}
	/* the first bucket unless it is clearly fuller: lookups end there */
	return n_free[0] + 1 >= n_free[1] && found[0] ? found[0] : found[1];
}

static void fill(struct vsw_fdb_slot *s, uint64_t key, uint16_t port, uint16_t flags, uint32_t now)
{
	s->port = port;
	s->flags = flags;
	s->stamp = now;
	__atomic_store_n(&s->key, key, __ATOMIC_RELEASE);
}

/* Under the lock. */
static void empty(struct vsw_fdb *f, struct vsw_fdb_slot *s)
{
	if (s->flags & VSW_FDB_STATIC) {
		f->n_static--;
		if ((s->key >> 48 & 0xfff) == VSW_FID_ANY)
			__atomic_store_n(&f->n_any, f->n_any - 1, __ATOMIC_RELAXED);
	} else {
		__atomic_store_n(&f->n_learned, f->n_learned - 1, __ATOMIC_RELAXED);
		f->per_port[s->port]--;
	}
	__atomic_store_n(&s->key, 0, __ATOMIC_RELEASE);
}

/* Under the lock. */
static enum vsw_learn_result learn_locked(struct vsw_fdb *f, uint64_t mac48, uint16_t fid,
					  uint16_t port, uint32_t limit, uint32_t now)
{
	uint64_t any = vsw_fdb_key(mac48, VSW_FID_ANY), key = vsw_fdb_key(mac48, fid);
	uint64_t hash = vsw_fdb_hash(key);
	struct vsw_fdb_slot *s;

	if (f->n_any) {
		s = vsw_fdb_find(f, any, vsw_fdb_hash(any));
		if (s)
			return s->port == port ? VSW_LEARN_OK : VSW_LEARN_CONFLICT;
	}
	s = vsw_fdb_find(f, key, hash);
	if (s && (s->port == port || s->flags & VSW_FDB_STATIC))
		return s->port == port ? VSW_LEARN_OK : VSW_LEARN_CONFLICT;
	if (f->per_port[port] >= limit)
		return VSW_LEARN_PORT_LIMIT;
	if (s) { /* moved */
		f->per_port[s->port]--;
		f->per_port[port]++;
		s->stamp = now;
		__atomic_store_n(&s->port, port, __ATOMIC_RELEASE);
		return VSW_LEARN_OK;
	}
	if (f->n_learned >= f->limit)
		return VSW_LEARN_FULL;
	s = free_slot(f, hash);
	if (!s)
		return VSW_LEARN_FULL;
	f->per_port[port]++;
	__atomic_store_n(&f->n_learned, f->n_learned + 1, __ATOMIC_RELAXED);
	fill(s, key, port, 0, now);
	return VSW_LEARN_OK;
}

enum vsw_learn_result vsw_fdb_learn(struct vsw_fdb *f, uint64_t mac48, uint16_t fid, uint16_t port,
				    uint32_t limit, uint32_t now)
{
	enum vsw_learn_result r;

	if (!rte_spinlock_trylock(&f->lock))
		return VSW_LEARN_BUSY;
	r = learn_locked(f, mac48, fid, port, limit, now);
	rte_spinlock_unlock(&f->lock);
	return r;
}

void vsw_fdb_claim(struct vsw_fdb *f, uint64_t mac48, uint16_t fid, uint16_t port)
{
	const uint16_t fids[2] = {fid, VSW_FID_ANY};

	for (unsigned int i = 0; i < 2; i++) {
		uint64_t key = vsw_fdb_key(mac48, fids[i]);
		struct vsw_fdb_slot *s = vsw_fdb_find(f, key, vsw_fdb_hash(key));

		if (!s || s->port == port)
			continue;
		if (!rte_spinlock_trylock(&f->lock))
			return;
		/* it may have been emptied meanwhile */
		if (s->key == key && s->flags & VSW_FDB_STATIC)
			__atomic_store_n(&s->port, port, __ATOMIC_RELEASE);
		rte_spinlock_unlock(&f->lock);
	}
}

/* Under the lock: empty every slot that @doomed says, in @n buckets from @first on. */
static unsigned int sweep(struct vsw_fdb *f, uint32_t first, uint32_t n,
			  bool (*doomed)(const struct vsw_fdb_slot *s, const void *arg),
			  const void *arg)
{
	unsigned int removed = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct vsw_fdb_bucket *b = &f->buckets[(first + i) & f->mask];

		for (int k = 0; k < VSW_FDB_WAYS; k++) {
			if (b->slot[k].key && doomed(&b->slot[k], arg)) {
				empty(f, &b->slot[k]);
				removed++;
			}
		}
	}
	return removed;
}

/* Sweeps hold the lock for one slice at a time, so that workers lose no more than a few learning
 * chances to a large table. */
#define SLICE 4096

static unsigned int sweep_all(struct vsw_fdb *f,
			      bool (*doomed)(const struct vsw_fdb_slot *s, const void *arg),
			      const void *arg)
{
	unsigned int removed = 0;

	for (uint32_t i = 0; i <= f->mask; i += SLICE) {
		rte_spinlock_lock(&f->lock);
		removed += sweep(f, i, RTE_MIN((uint32_t)SLICE, f->mask + 1 - i), doomed, arg);
		rte_spinlock_unlock(&f->lock);
	}
	return removed;
}

static const struct vsw_fdb_static *static_of(const struct vsw_fdb_static *e, unsigned int n,
					      uint64_t mac48, uint16_t fid)
{
	for (unsigned int i = 0; i < n; i++)
		if (mac48_of(&e[i].mac) == mac48 && e[i].fid == fid)
			return &e[i];
	return NULL;
}

struct statics {
	const struct vsw_fdb_static *e;
	unsigned int n;
};

static bool static_gone(const struct vsw_fdb_slot *s, const void *arg)
{
	const struct statics *st = arg;
	const struct vsw_fdb_static *e;

	if (!(s->flags & VSW_FDB_STATIC))
		return false;
	e = static_of(st->e, st->n, s->key & UINT64_C(0xffffffffffff), s->key >> 48 & 0xfff);
	return !e || e->port != s->port;
}

static bool mac_learned(const struct vsw_fdb_slot *s, const void *arg)
{
	return !(s->flags & VSW_FDB_STATIC) &&
	       (s->key & UINT64_C(0xffffffffffff)) == *(const uint64_t *)arg;
}

static int add_static(struct vsw_fdb *f, const struct vsw_fdb_static *e)
{
	uint64_t mac48 = mac48_of(&e->mac), key = vsw_fdb_key(mac48, e->fid);
	uint64_t hash = vsw_fdb_hash(key);
	struct vsw_fdb_slot *s;
	int r = 0;

	rte_spinlock_lock(&f->lock);
	s = vsw_fdb_find(f, key, hash);
	if (s && s->flags & VSW_FDB_STATIC) {
		__atomic_store_n(&s->port, e->port, __ATOMIC_RELEASE);
		goto out;
	}
	if (s)
		empty(f, s);
	s = free_slot(f, hash);
	if (!s) {
		r = -ENOSPC;
		goto out;
	}
	fill(s, key, e->port, VSW_FDB_STATIC, 0);
	f->n_static++;
	if (e->fid == VSW_FID_ANY)
		__atomic_store_n(&f->n_any, f->n_any + 1, __ATOMIC_RELAXED);
out:
	rte_spinlock_unlock(&f->lock);
	/* an address that is known in every VLAN must not hide behind an older learned entry */
	if (r == 0 && e->fid == VSW_FID_ANY && f->n_learned)
		sweep_all(f, mac_learned, &mac48);
	return r;
}

int vsw_fdb_set_static(struct vsw_fdb *f, const struct vsw_fdb_static *entries, unsigned int n)
{
	struct statics st = {entries, n};
	int r = 0;

	if (f->n_static)
		sweep_all(f, static_gone, &st);
	for (unsigned int i = 0; i < n && r == 0; i++)
		r = add_static(f, &entries[i]);
	return r;
}

struct flush_arg {
	uint16_t port;
	int fid;
};

static bool flush_hit(const struct vsw_fdb_slot *s, const void *arg)
{
	const struct flush_arg *a = arg;

	return !(s->flags & VSW_FDB_STATIC) &&
	       (a->port == VSW_PORT_INDEX_NONE || s->port == a->port) &&
	       (a->fid < 0 || (int)(s->key >> 48 & 0xfff) == a->fid);
}

unsigned int vsw_fdb_flush(struct vsw_fdb *f, uint16_t port, int fid)
{
	struct flush_arg a = {port, fid};

	if (port < VSW_PORTS_MAX && f->per_port[port] == 0)
		return 0;
	return sweep_all(f, flush_hit, &a);
}

struct age_arg {
	uint32_t now, max;
};

static bool age_hit(const struct vsw_fdb_slot *s, const void *arg)
{
	const struct age_arg *a = arg;
	uint32_t age = a->now - s->stamp;

	/* a worker may stamp after we read the clock: that is an age of "minus one" */
	return !(s->flags & VSW_FDB_STATIC) && age > a->max && age < UINT32_MAX / 2;
}

unsigned int vsw_fdb_age(struct vsw_fdb *f, uint32_t ageing_s)
{
	struct age_arg a = {vsw_fdb_stamp(rte_rdtsc()),
			    (uint32_t)(ageing_s * rte_get_tsc_hz() >> VSW_FDB_STAMP_SHIFT)};
	uint32_t todo = (f->mask + 1) / 8;
	unsigned int removed = 0;

	if (!f->n_learned)
		return 0;
	while (todo) {
		uint32_t n = RTE_MIN(todo, (uint32_t)SLICE);

		rte_spinlock_lock(&f->lock);
		removed += sweep(f, f->age_cursor, n, age_hit, &a);
		rte_spinlock_unlock(&f->lock);
		f->age_cursor = (f->age_cursor + n) & f->mask;
		todo -= n;
	}
	return removed;
}

void vsw_fdb_walk(struct vsw_fdb *f, void (*fn)(void *ctx, const struct vsw_fdb_entry *e),
		  void *ctx)
{
	uint32_t now = vsw_fdb_stamp(rte_rdtsc());
	uint64_t hz = rte_get_tsc_hz();

	if (!f->n_learned && !f->n_static)
		return;
	for (uint32_t i = 0; i <= f->mask; i++) {
		for (int k = 0; k < VSW_FDB_WAYS; k++) {
			struct vsw_fdb_slot s = f->buckets[i].slot[k];
			struct vsw_fdb_entry e;
			uint32_t age = now - s.stamp;

			if (!s.key)
				continue;
			memcpy(e.mac.addr, &s.key, sizeof(e.mac.addr));
			e.fid = s.key >> 48 & 0xfff;
			e.port = s.port;
			e.is_static = s.flags & VSW_FDB_STATIC;
			e.age_s = e.is_static || age > UINT32_MAX / 2
					  ? 0
					  : (uint32_t)(((uint64_t)age << VSW_FDB_STAMP_SHIFT) / hz);
			fn(ctx, &e);
		}
	}
}

uint32_t vsw_fdb_count(const struct vsw_fdb *f)
{
	return __atomic_load_n(&f->n_learned, __ATOMIC_RELAXED);
}
