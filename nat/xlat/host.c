/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside addresses: what each may have, and which outside address it is paired with (RFC 4787 REQ-2). */
#include "nat/xlat/xlat_impl.h"

#define QUOTA_EVENT_S 10 /* one report an address and interval (RFC 6888 REQ-4) */

static uint32_t *head_of(const struct nat_xlat *x, uint32_t ip)
{
	return &x->host_heads[nat_hash(ip, 0x686f7374, x->seed) & x->host_mask];
}

uint32_t nat_host_find(const struct nat_xlat *x, uint32_t ip)
{
	uint32_t i;

	for (i = *head_of(x, ip); i; i = x->hosts[i - 1].next)
		if (x->hosts[i - 1].ip == ip)
			return i - 1;
	return NAT_NONE;
}

uint32_t nat_host_get(struct nat_xlat *x, uint32_t ip, bool make)
{
	uint32_t n = nat_host_find(x, ip), *h = head_of(x, ip);

	if (n != NAT_NONE || !make)
		return n;
	n = x->free_host;
	if (n == NAT_NONE && x->hosts_high == x->max_hosts)
		return NAT_NONE;
	if (n == NAT_NONE)
		n = x->hosts_high++;
	else
		x->free_host = x->hosts[n].next;
	x->hosts[n] = (struct nat_host){.ip = ip,
					.next = *h,
					.addr = NAT_ADDR_ANY,
					.used = true,
					.quota_event_s = x->now - QUOTA_EVENT_S,
					.tokens = x->conf->c.limits.sessions_per_s * 1000,
					.tokens_ms = x->now_ms};
	*h = n + 1;
	x->n_hosts++;
	return n;
}

void nat_host_unpair(struct nat_xlat *x, struct nat_host *h)
{
	if (h->addr != NAT_ADDR_ANY)
		x->addrs[h->addr].n_hosts--;
	h->addr = NAT_ADDR_ANY;
}

static void forget(struct nat_xlat *x, uint32_t n)
{
	struct nat_host *h = &x->hosts[n];
	uint32_t *p = head_of(x, h->ip);

	while (*p != n + 1)
		p = &x->hosts[*p - 1].next;
	*p = h->next;
	nat_host_unpair(x, h);
	h->used = false;
	h->next = x->free_host;
	x->free_host = n;
	x->n_hosts--;
}

static bool take_token(struct nat_xlat *x, struct nat_host *h)
{
	uint32_t rate = x->conf->c.limits.sessions_per_s;
	uint64_t ms = x->now_ms - h->tokens_ms, most = (uint64_t)rate * 1000, have;

	if (!rate)
		return true;
	/* a second's worth may be used at once */
	have = h->tokens + (ms > 1000 ? 1000 : ms) * rate;
	h->tokens = (uint32_t)(have > most ? most : have);
	h->tokens_ms = x->now_ms;
	if (h->tokens < 1000)
		return false;
	h->tokens -= 1000;
	return true;
}

void nat_host_quota_event(struct nat_xlat *x, struct nat_host *h, enum nat_event_type type,
			  uint8_t proto)
{
	if (x->now - h->quota_event_s < QUOTA_EVENT_S)
		return;
	h->quota_event_s = x->now;
	nat_event_add(x, &(struct nat_event){.type = type,
					     .proto = proto,
					     .inside = nat_be32(h->ip),
					     .outside = h->addr == NAT_ADDR_ANY
								? 0
								: nat_be32(x->addrs[h->addr].ip)});
}

bool nat_host_may(struct nat_xlat *x, struct nat_host *h, bool inbound, enum nat_reason *why)
{
	uint32_t most = x->conf->c.limits.sessions;

	*why = NAT_R_QUOTA;
	/* the last quarter of the table is for those who have less than a quarter of it */
	if (x->max_sessions - x->n_sessions < x->max_sessions / 4 &&
	    h->n_sessions >= x->max_sessions / 4)
		return false;
	/* what the outside begins gets half: a flood from there leaves the VM its own way out */
	if (most && (h->n_sessions >= most || (inbound && h->n_inbound >= (most + 1) / 2)))
		return false;
	if (inbound)
		return true;
	*why = NAT_R_RATE;
	return take_token(x, h);
}

/* In use or at rest. A static map's port is nobody's block. */
static bool taken(const struct nat_xlat *x, const struct nat_addr *a, enum nat_l4 l4, uint16_t port)
{
	uint32_t owner = nat_binding_of_port(x, a, l4, port);

	if (owner == NAT_NONE)
		return a->ports[l4]->owner[port] != 0;
	return !(x->maps[owner].flags & NAT_B_STATIC);
}

void nat_host_return_block(struct nat_xlat *x, struct nat_host *h, unsigned int i)
{
	struct nat_addr *a = &x->addrs[h->blocks[i].addr];
	uint16_t size = x->conf->c.blocks.size;
	uint32_t first = NAT_FIRST_BLOCK_PORT + (uint32_t)h->blocks[i].block * size;

	if (a->blocks)
		a->blocks[h->blocks[i].block] = 0;
	if (x->conf->c.log.what == NAT_LOG_BLOCKS)
		nat_event_add(x, &(struct nat_event){.type = NAT_EV_BLOCK_FREE,
						     .inside = nat_be32(h->ip),
						     .outside = nat_be32(a->ip),
						     .outside_port = (uint16_t)first,
						     .count = size});
	h->blocks[i] = h->blocks[--h->n_blocks];
}

void nat_host_forget_blocks(struct nat_xlat *x)
{
	for (uint32_t i = 0; i < x->hosts_high; i++)
		while (x->hosts[i].used && x->hosts[i].n_blocks)
			nat_host_return_block(x, &x->hosts[i], 0);
}

/* Blocks that no port of is in use or at rest go back. */
static void release_blocks(struct nat_xlat *x, struct nat_host *h)
{
	uint16_t size = x->conf->c.blocks.size;

	for (unsigned int i = 0; i < h->n_blocks;) {
		struct nat_addr *a = &x->addrs[h->blocks[i].addr];
		uint32_t first = NAT_FIRST_BLOCK_PORT + (uint32_t)h->blocks[i].block * size;
		bool busy = false;

		for (unsigned int l4 = 0; l4 < NAT_L4_N && size && a->ports[l4]; l4++)
			for (uint32_t p = first; p < first + size && !busy; p++)
				busy = taken(x, a, l4, (uint16_t)p);
		if (busy)
			i++;
		else
			nat_host_return_block(x, h, i);
	}
}

void nat_host_tick(struct nat_xlat *x, unsigned int budget)
{
	for (; budget && x->hosts_high; budget--) {
		struct nat_host *h;

		if (x->host_sweep >= x->hosts_high)
			x->host_sweep = 0;
		h = &x->hosts[x->host_sweep++];
		if (!h->used || h->n_sessions || nat_host_ports(h))
			continue;
		if (h->n_blocks)
			release_blocks(x, h);
		/* its limits must not be forgotten while they still mean something */
		if (!h->n_blocks && x->now_ms - h->tokens_ms > 1000 &&
		    x->now - h->quota_event_s >= QUOTA_EVENT_S)
			forget(x, (uint32_t)(h - x->hosts));
	}
}
