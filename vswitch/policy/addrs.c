/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of a port's addresses. */
#include "vswitch/policy/addrs.h"

#include <errno.h>
#include <string.h>

#include "vswitch/policy/key.h"

void vsw_addrs_words(const struct vd_prefix *p, uint64_t ret[2], uint8_t *bits)
{
	if (p->family == 4) {
		ret[0] = 0;
		ret[1] = vsw_key_v4(p->addr);
		*bits = (uint8_t)(p->len + 96);
	} else {
		ret[0] = vd_load64(p->addr);
		ret[1] = vd_load64(p->addr + 8);
		*bits = p->len;
	}
}

void vsw_addrs_prefix(const uint64_t w[2], uint8_t bits, struct vd_prefix *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (vsw_key_is_v4(w) && bits >= 96) {
		uint32_t a = (uint32_t)(w[1] >> 32);

		ret->family = 4;
		ret->len = (uint8_t)(bits - 96);
		memcpy(ret->addr, &a, sizeof(a));
	} else {
		ret->family = 6;
		ret->len = bits;
		memcpy(ret->addr, w, 16);
	}
}

static bool covers(const struct vsw_addr_slot *s, const uint64_t w[2])
{
	uint64_t mask[2];

	if (s->bits == 128)
		return s->w[1] == w[1] && s->w[0] == w[0];
	vsw_addrs_mask(s->bits, mask);
	return ((s->w[0] ^ w[0]) & mask[0]) == 0 && ((s->w[1] ^ w[1]) & mask[1]) == 0;
}

struct vsw_addr_slot *vsw_addrs_find(struct vsw_addrs *t, const uint64_t w[2],
				     enum vsw_addr_origin origin)
{
	uint32_t top = __atomic_load_n(&t->top, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < top; i++) {
		struct vsw_addr_slot *s = &t->slot[i];

		uint8_t is = __atomic_load_n(&s->origin, __ATOMIC_ACQUIRE);

		if (is != VSW_ADDR_EMPTY && (origin == VSW_ADDR_EMPTY || is == origin) &&
		    covers(s, w))
			return s;
	}
	return NULL;
}

/* Under the lock. */
static struct vsw_addr_slot *exact(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits)
{
	for (uint32_t i = 0; i < t->top; i++) {
		struct vsw_addr_slot *s = &t->slot[i];

		if (s->origin != VSW_ADDR_EMPTY && s->bits == bits && s->w[0] == w[0] &&
		    s->w[1] == w[1])
			return s;
	}
	return NULL;
}

/* Under the lock. */
static void empty(struct vsw_addrs *t, struct vsw_addr_slot *s)
{
	if (s->origin == VSW_ADDR_LEASED)
		__atomic_fetch_add(&t->serial, 1, __ATOMIC_RELEASE);
	t->n--;
	__atomic_store_n(&s->origin, VSW_ADDR_EMPTY, __ATOMIC_RELEASE);
}

static int add_locked(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits,
		      enum vsw_addr_origin origin, int64_t expires_s, uint32_t limit)
{
	struct vsw_addr_slot *s = exact(t, w, bits);
	uint32_t i;

	if (!s) {
		if (t->n >= limit)
			return -ENOSPC;
		for (i = 0; i < t->top && t->slot[i].origin != VSW_ADDR_EMPTY; i++)
			;
		if (i == VSW_ADDRS_MAX)
			return -ENOSPC;
		s = &t->slot[i];
		s->w[0] = w[0];
		s->w[1] = w[1];
		s->bits = bits;
		t->n++;
		if (i == t->top)
			__atomic_store_n(&t->top, i + 1, __ATOMIC_RELEASE);
	}
	s->expires_s = expires_s;
	s->used = true;
	__atomic_store_n(&s->origin, (uint8_t)origin, __ATOMIC_RELEASE);
	if (origin == VSW_ADDR_LEASED)
		__atomic_fetch_add(&t->serial, 1, __ATOMIC_RELEASE);
	return 0;
}

int vsw_addrs_add(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits,
		  enum vsw_addr_origin origin, int64_t expires_s, uint32_t limit)
{
	int r;

	if (limit == 0 || limit > VSW_ADDRS_MAX)
		limit = VSW_ADDRS_MAX;
	rte_spinlock_lock(&t->lock);
	r = add_locked(t, w, bits, origin, expires_s, limit);
	rte_spinlock_unlock(&t->lock);
	return r;
}

void vsw_addrs_remove(struct vsw_addrs *t, const uint64_t w[2], uint8_t bits)
{
	struct vsw_addr_slot *s;

	rte_spinlock_lock(&t->lock);
	s = exact(t, w, bits);
	if (s)
		empty(t, s);
	rte_spinlock_unlock(&t->lock);
}

void vsw_addrs_sweep(struct vsw_addrs *t, int64_t now_s, bool idle)
{
	rte_spinlock_lock(&t->lock);
	for (uint32_t i = 0; i < t->top; i++) {
		struct vsw_addr_slot *s = &t->slot[i];

		if (s->origin == VSW_ADDR_LEASED && s->expires_s <= now_s)
			empty(t, s);
		else if (s->origin == VSW_ADDR_SEEN && idle && !s->used)
			empty(t, s);
		else if (idle)
			s->used = false;
	}
	rte_spinlock_unlock(&t->lock);
}

void vsw_addrs_clear(struct vsw_addrs *t, enum vsw_addr_origin origin)
{
	rte_spinlock_lock(&t->lock);
	for (uint32_t i = 0; i < t->top; i++)
		if (t->slot[i].origin == origin)
			empty(t, &t->slot[i]);
	rte_spinlock_unlock(&t->lock);
}

unsigned int vsw_addrs_get(struct vsw_addrs *t, struct vsw_addr_slot *ret)
{
	unsigned int n = 0;

	rte_spinlock_lock(&t->lock);
	for (uint32_t i = 0; i < t->top; i++)
		if (t->slot[i].origin != VSW_ADDR_EMPTY)
			ret[n++] = t->slot[i];
	rte_spinlock_unlock(&t->lock);
	return n;
}
