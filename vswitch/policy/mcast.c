/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snooping: a set of (group, port) with an end, and the messages that fill it. */
#include "vswitch/policy/mcast.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <rte_spinlock.h>

#include "vswitch/policy/flow.h"
#include "vswitch/policy/key.h"

#define WINDOW     16     /* slots in which an entry may be */
#define NOBODY     0xffff /* port of entries that say: a querier is known; a group overflowed */
#define ROUTER4    UINT64_C(0) /* in place of a group's address */
#define ROUTER6    UINT64_C(1)
#define PROTO_PIM  103
#define ALL_PIM    13 /* 224.0.0.13 */
#define MLD_QUERY  130
#define MLD_REPORT 131
#define MLD_DONE   132
#define MLD2       143

struct slot {
	uint64_t key;   /* group and filtering ID, UINT64_MAX: empty */
	uint32_t until; /* stamp */
	uint16_t port;
};

struct vsw_mcast {
	rte_spinlock_t lock; /* writers */
	uint32_t stamps_per_s;
	uint32_t n_port[VSW_PORTS_MAX]; /* entries of each port, expired ones too */
	struct slot slot[VSW_MCAST_SLOTS];
};

struct vsw_mcast *vsw_mcast_create(uint32_t stamps_per_s)
{
	struct vsw_mcast *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	rte_spinlock_init(&t->lock);
	t->stamps_per_s = stamps_per_s;
	for (uint32_t i = 0; i < VSW_MCAST_SLOTS; i++)
		t->slot[i].key = UINT64_MAX;
	return t;
}

void vsw_mcast_destroy(struct vsw_mcast *t)
{
	free(t);
}

static uint64_t key_of(uint16_t fid, uint64_t mac48)
{
	return (uint64_t)fid << 48 | mac48;
}

static uint32_t first_slot(uint64_t key, uint16_t port)
{
	return (uint32_t)(vsw_mix(key ^ (uint64_t)port << 32, UINT64_C(0x9e3779b97f4a7c15)) %
			  VSW_MCAST_SLOTS);
}

static bool over(uint32_t until, uint32_t now)
{
	return (int32_t)(until - now) <= 0;
}

static const struct slot *find(const struct vsw_mcast *t, uint64_t key, uint16_t port)
{
	uint32_t at = first_slot(key, port);

	for (uint32_t i = 0; i < WINDOW; i++) {
		const struct slot *s = &t->slot[(at + i) % VSW_MCAST_SLOTS];

		if (__atomic_load_n(&s->key, __ATOMIC_ACQUIRE) == key && s->port == port)
			return s;
	}
	return NULL;
}

static bool has(const struct vsw_mcast *t, uint64_t key, uint16_t port, uint32_t now)
{
	const struct slot *s = find(t, key, port);

	return s && !over(__atomic_load_n(&s->until, __ATOMIC_RELAXED), now);
}

/* Under the lock: a slot for a new entry; an expired one may go. */
static struct slot *room(struct vsw_mcast *t, uint64_t key, uint16_t port, uint32_t now)
{
	uint32_t at = first_slot(key, port);

	for (uint32_t i = 0; i < WINDOW; i++) {
		struct slot *s = &t->slot[(at + i) % VSW_MCAST_SLOTS];

		if (s->key == UINT64_MAX)
			return s;
		if (!over(s->until, now))
			continue;
		if (s->port != NOBODY)
			t->n_port[s->port]--;
		__atomic_store_n(&s->key, UINT64_MAX, __ATOMIC_RELEASE);
		return s;
	}
	return NULL;
}

/* Under the lock. Returns false when there is no room. */
static bool put(struct vsw_mcast *t, uint64_t key, uint16_t port, uint32_t now, uint32_t seconds)
{
	struct slot *s = (struct slot *)(uintptr_t)find(t, key, port);
	uint32_t until = now + seconds * t->stamps_per_s;

	if (s) {
		__atomic_store_n(&s->until, until, __ATOMIC_RELAXED);
		return true;
	}
	if (port != NOBODY && t->n_port[port] >= VSW_MCAST_PORT_MAX)
		return false;
	s = room(t, key, port, now);
	if (!s)
		return false;
	s->port = port;
	s->until = until;
	if (port != NOBODY)
		t->n_port[port]++;
	__atomic_store_n(&s->key, key, __ATOMIC_RELEASE);
	return true;
}

static void join(struct vsw_mcast *t, const struct vsw_mcast_frame *f, uint64_t mac48)
{
	uint64_t key = key_of(f->fid, mac48);

	if (!rte_spinlock_trylock(&t->lock))
		return; /* the next report will do */
	/* a member that cannot be remembered must get its group all the same */
	if (!put(t, key, f->port, f->now, VSW_MCAST_MEMBER_S))
		put(t, key, NOBODY, f->now, VSW_MCAST_MEMBER_S);
	rte_spinlock_unlock(&t->lock);
}

static void leave(struct vsw_mcast *t, const struct vsw_mcast_frame *f, uint64_t mac48)
{
	uint64_t key = key_of(f->fid, mac48);

	/* others behind the port may be members still: the querier asks them now */
	if (!has(t, key, f->port, f->now) || !rte_spinlock_trylock(&t->lock))
		return;
	put(t, key, f->port, f->now, VSW_MCAST_LEAVE_S);
	rte_spinlock_unlock(&t->lock);
}

static void router(struct vsw_mcast *t, const struct vsw_mcast_frame *f)
{
	uint64_t key = key_of(f->fid, f->h->family == VSW_FAMILY_IPV6 ? ROUTER6 : ROUTER4);

	if (!f->may_route || !rte_spinlock_trylock(&t->lock))
		return;
	if (put(t, key, f->port, f->now, VSW_MCAST_QUERIER_S))
		put(t, key, NOBODY, f->now, VSW_MCAST_QUERIER_S);
	rte_spinlock_unlock(&t->lock);
}

/* ---- messages ---- */

/* 01:00:5e and the low 23 bits (RFC 1112). */
static uint64_t mac4(const uint8_t *group)
{
	const uint8_t mac[8] = {1, 0, 0x5e, group[1] & 0x7f, group[2], group[3]};

	return vd_load64(mac);
}

/* 33:33 and the low 32 bits (RFC 2464). */
static uint64_t mac6(const uint8_t *group)
{
	const uint8_t mac[8] = {0x33, 0x33, group[12], group[13], group[14], group[15]};

	return vd_load64(mac);
}

/* Group records of IGMPv3 and MLDv2; @at: the first one, addresses of @size bytes. */
static void records(struct vsw_mcast *t, const struct vsw_mcast_frame *f, uint32_t at, uint32_t n,
		    uint32_t size)
{
	for (uint32_t i = 0; i < n && i < VSW_MCAST_RECORDS && at + 4 + size <= f->len; i++) {
		const uint8_t *r = f->d + at;
		uint32_t n_sources = (uint32_t)(r[2] << 8 | r[3]);
		uint64_t mac = size == 4 ? mac4(r + 4) : mac6(r + 4);

		/* exclude, or include from somebody: wants it. Include from nobody: does not */
		if (r[0] == 2 || r[0] == 4 || ((r[0] == 1 || r[0] == 3 || r[0] == 5) && n_sources))
			join(t, f, mac);
		else if (r[0] == 1 || r[0] == 3)
			leave(t, f, mac);
		at += 4 + size + n_sources * size + r[1] * 4u;
	}
}

static enum vsw_mcast_to igmp(struct vsw_mcast *t, const struct vsw_mcast_frame *f)
{
	uint32_t at = f->h->l4;
	const uint8_t *p = f->d + at;

	if (at + 8 > f->len)
		return VSW_MCAST_ALL;
	switch (p[0]) {
	case 0x11:
		/* a switch that only asks has no router behind it (RFC 4541 2.1.1) */
		if (f->h->src[0] | f->h->src[1] | f->h->src[2] | f->h->src[3])
			router(t, f);
		return VSW_MCAST_ALL;
	case 0x12:
	case 0x16:
		join(t, f, mac4(p + 4));
		return VSW_MCAST_ROUTERS;
	case 0x17:
		leave(t, f, mac4(p + 4));
		return VSW_MCAST_ROUTERS;
	case 0x22:
		records(t, f, at + 8, (uint32_t)(p[6] << 8 | p[7]), 4);
		return VSW_MCAST_ROUTERS;
	default:
		return VSW_MCAST_ALL;
	}
}

static enum vsw_mcast_to mld(struct vsw_mcast *t, const struct vsw_mcast_frame *f)
{
	uint32_t at = f->h->l4;
	const uint8_t *p = f->d + at;

	if (at + 8 > f->len)
		return VSW_MCAST_ALL;
	switch (f->h->icmp_type) {
	case MLD_QUERY:
		if (vd_load64(f->h->src) | vd_load64(f->h->src + 8))
			router(t, f);
		return VSW_MCAST_ALL;
	case MLD_REPORT:
	case MLD_DONE:
		if (at + 24 > f->len)
			return VSW_MCAST_ALL;
		if (f->h->icmp_type == MLD_REPORT)
			join(t, f, mac6(p + 8));
		else
			leave(t, f, mac6(p + 8));
		return VSW_MCAST_ROUTERS;
	case MLD2:
		records(t, f, at + 8, (uint32_t)(p[6] << 8 | p[7]), 16);
		return VSW_MCAST_ROUTERS;
	default:
		return VSW_MCAST_ALL;
	}
}

/* Addresses that everybody listens to, without saying so. */
static bool for_everybody(const struct vsw_mcast_frame *f, bool ipv6)
{
	if (ipv6)
		return (f->dst >> 16 & 0xffffff) == 0 || (f->dst >> 16 & 0xff) == 0xff;
	return (f->dst >> 24 & 0xffff) == 0;
}

/* Messages of the protocols themselves; false when the frame is none. */
static bool message(struct vsw_mcast *t, const struct vsw_mcast_frame *f, enum vsw_mcast_to *to)
{
	const struct vsw_headers *h = f->h;

	if (h->flags & (VSW_HDR_BROKEN | VSW_HDR_FRAGMENT))
		return false;
	if (h->family == VSW_FAMILY_IPV4 && h->proto == IPPROTO_IGMP) {
		*to = igmp(t, f);
		return true;
	}
	if (h->family == VSW_FAMILY_IPV6 && h->proto == IPPROTO_ICMPV6 &&
	    (h->icmp_type == MLD2 || (h->icmp_type >= MLD_QUERY && h->icmp_type <= MLD_DONE))) {
		*to = mld(t, f);
		return true;
	}
	if (h->proto == PROTO_PIM && h->family != VSW_FAMILY_OTHER)
		router(t, f);
	return false;
}

enum vsw_mcast_to vsw_mcast_input(struct vsw_mcast *t, const struct vsw_mcast_frame *f,
				  uint64_t *key)
{
	bool ipv4 = (f->dst & 0x80ffffff) == 0x5e0001, ipv6 = (f->dst & 0xffff) == 0x3333;
	enum vsw_mcast_to to = VSW_MCAST_ALL;
	uint64_t asker = key_of(f->fid, ipv6 ? ROUTER6 : ROUTER4);

	*key = asker;
	if (!(ipv4 && f->families & VSW_MCAST_IGMP) && !(ipv6 && f->families & VSW_MCAST_MLD))
		return VSW_MCAST_ALL;
	if (message(t, f, &to))
		return to == VSW_MCAST_ROUTERS && !has(t, asker, NOBODY, f->now) ? VSW_MCAST_ALL
										 : to;
	*key = key_of(f->fid, f->dst);
	if (for_everybody(f, ipv6) || !has(t, asker, NOBODY, f->now) ||
	    has(t, *key, NOBODY, f->now))
		return VSW_MCAST_ALL;
	return VSW_MCAST_MEMBERS;
}

bool vsw_mcast_wants(const struct vsw_mcast *t, enum vsw_mcast_to to, uint64_t key, uint16_t port,
		     uint32_t now)
{
	uint64_t fid = key & ~UINT64_C(0xffffffffffff);
	uint64_t routers = fid | ((key & 0xffff) == 0x3333 ? ROUTER6 : ROUTER4);

	if (to == VSW_MCAST_ALL)
		return true;
	if (to == VSW_MCAST_ROUTERS)
		return has(t, key, port, now);
	return has(t, key, port, now) || has(t, routers, port, now);
}
