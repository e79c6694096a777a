/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vswitch/nat/neigh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nat/xlat/memory.h"

#define SLOTS    (2 * VSW_NEIGHS_MAX)
#define FRESH_MS 30000 /* an answer is believed so long */
#define STALE_MS 90000 /* ... and used so long, while nobody answers again */
#define AGAIN_MS 1000  /* between two questions */
#define TRIES    3

int vsw_neighs_init(struct vsw_neighs *t, uint32_t seed)
{
	memset(t, 0, sizeof(*t));
	t->seed = seed;
	t->all = nat_memory_map(SLOTS * sizeof(*t->all));
	return t->all ? 0 : -ENOMEM;
}

void vsw_neighs_done(struct vsw_neighs *t)
{
	nat_memory_unmap(t->all, SLOTS * sizeof(*t->all));
	t->all = NULL;
}

static uint32_t home(const struct vsw_neighs *t, uint32_t ip)
{
	uint64_t h = (ip ^ t->seed) * UINT64_C(0x9e3779b97f4a7c15);

	return (uint32_t)(h >> 40) % SLOTS;
}

/* The slot of @ip, or the free one where it would be. */
static struct vsw_neigh *slot(const struct vsw_neighs *t, uint32_t ip)
{
	uint32_t i = home(t, ip);

	while (t->all[i].ip && t->all[i].ip != ip)
		i = (i + 1) % SLOTS;
	return &t->all[i];
}

struct vsw_neigh *vsw_neigh_find(const struct vsw_neighs *t, uint32_t ip)
{
	struct vsw_neigh *e = slot(t, ip);

	return e->ip && e->state == VSW_NEIGH_KNOWN ? e : NULL;
}

const struct vsw_neigh *vsw_neigh_fresh(const struct vsw_neighs *t, uint32_t ip, uint32_t now_ms)
{
	const struct vsw_neigh *e = vsw_neigh_find(t, ip);

	return e && now_ms - e->confirmed_ms <= FRESH_MS ? e : NULL;
}

static struct vsw_neigh *get(struct vsw_neighs *t, uint32_t ip)
{
	struct vsw_neigh *e = slot(t, ip);

	if (e->ip)
		return e;
	if (t->n == VSW_NEIGHS_MAX)
		return NULL;
	t->n++;
	*e = (struct vsw_neigh){.ip = ip, .state = VSW_NEIGH_ASKED};
	return e;
}

static bool may_ask(struct vsw_neigh *e, uint32_t now_ms)
{
	if (e->tries && now_ms - e->asked_ms < AGAIN_MS)
		return false;
	e->asked_ms = now_ms;
	if (e->tries < UINT8_MAX)
		e->tries++;
	return true;
}

enum vsw_neigh_verdict vsw_neigh_resolve(struct vsw_neighs *t, uint32_t ip, void *frame,
					 uint32_t now_ms, struct vsw_neigh **ret, bool *ask)
{
	struct vsw_neigh *e = get(t, ip);

	*ask = false;
	*ret = e;
	if (!e)
		return VSW_NEIGH_REFUSED;
	if (e->state == VSW_NEIGH_KNOWN) {
		if (now_ms - e->confirmed_ms > FRESH_MS)
			*ask = may_ask(e, now_ms);
		if (now_ms - e->confirmed_ms <= STALE_MS)
			return VSW_NEIGH_SEND;
		e->state = VSW_NEIGH_ASKED;
	} else {
		*ask = may_ask(e, now_ms);
	}
	if (e->n_waiting == VSW_NEIGH_WAITING)
		return VSW_NEIGH_REFUSED;
	e->waiting[e->n_waiting++] = frame;
	return VSW_NEIGH_WAITS;
}

struct vsw_neigh *vsw_neigh_learn(struct vsw_neighs *t, uint32_t ip, const uint8_t mac[6],
				  bool make, uint32_t now_ms)
{
	struct vsw_neigh *e = make ? get(t, ip) : slot(t, ip);

	if (!e || !e->ip)
		return NULL;
	memcpy(e->mac, mac, 6);
	e->state = VSW_NEIGH_KNOWN;
	e->tries = 0;
	e->confirmed_ms = now_ms;
	return e;
}

struct vsw_neigh *vsw_neighs_tick(struct vsw_neighs *t, uint32_t now_ms, unsigned int *budget,
				  bool *ask)
{
	while (*budget && t->n) {
		struct vsw_neigh *e = &t->all[t->cursor];

		(*budget)--;
		t->cursor = (t->cursor + 1) % SLOTS;
		if (!e->ip)
			continue;
		*ask = false;
		if (e->state == VSW_NEIGH_KNOWN) {
			if (now_ms - e->confirmed_ms > 2 * STALE_MS)
				return e; /* nobody used it for long */
			continue;
		}
		if (now_ms - e->asked_ms < AGAIN_MS)
			continue;
		if (e->tries < TRIES)
			*ask = may_ask(e, now_ms);
		return e;
	}
	return NULL;
}

/* Others that were pushed along by it move up, so that no search meets a hole. */
void vsw_neigh_forget(struct vsw_neighs *t, struct vsw_neigh *e)
{
	uint32_t hole = (uint32_t)(e - t->all), i = hole;

	t->n--;
	for (;;) {
		uint32_t h;

		i = (i + 1) % SLOTS;
		if (!t->all[i].ip)
			break;
		h = home(t, t->all[i].ip);
		/* may it live in the hole? yes, unless its home lies between the hole and itself */
		if ((i - h + SLOTS) % SLOTS < (i - hole + SLOTS) % SLOTS)
			continue;
		t->all[hole] = t->all[i];
		hole = i;
	}
	t->all[hole] = (struct vsw_neigh){0};
}

void *vsw_neighs_drain(struct vsw_neighs *t)
{
	for (; t->all && t->cursor < SLOTS; t->cursor++)
		if (t->all[t->cursor].ip && t->all[t->cursor].n_waiting)
			return t->all[t->cursor].waiting[--t->all[t->cursor].n_waiting];
	return NULL;
}

/* ---- messages ---- */

static const uint8_t ethernet_ipv4[6] = {0, 1, 8, 0, 6, 4};

bool vsw_arp_parse(const uint8_t *f, uint32_t size, struct vsw_arp *ret)
{
	if (size < VSW_ARP_SIZE || f[12] != 8 || f[13] != 6 || memcmp(f + 14, ethernet_ipv4, 6))
		return false;
	ret->op = (uint16_t)(f[20] << 8 | f[21]);
	memcpy(ret->sender_mac, f + 22, 6);
	memcpy(&ret->sender_ip, f + 28, 4);
	memcpy(ret->target_mac, f + 32, 6);
	memcpy(&ret->target_ip, f + 38, 4);
	/* a group address is nobody's, and no own MAC makes the sender another one */
	return (ret->op == 1 || ret->op == 2) && !(ret->sender_mac[0] & 1);
}

void vsw_arp_write(uint8_t *f, const struct vsw_arp *a, const uint8_t to[6])
{
	memset(f, 0, VSW_ARP_FRAME_SIZE);
	memcpy(f, to, 6);
	memcpy(f + 6, a->sender_mac, 6);
	f[12] = 8;
	f[13] = 6;
	memcpy(f + 14, ethernet_ipv4, 6);
	f[21] = (uint8_t)a->op;
	memcpy(f + 22, a->sender_mac, 6);
	memcpy(f + 28, &a->sender_ip, 4);
	memcpy(f + 32, a->target_mac, 6);
	memcpy(f + 38, &a->target_ip, 4);
}
