/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings: the outside endpoint of an inside endpoint. */
#include "nat/xlat/xlat_impl.h"

static uint32_t *head_of(const struct nat_xlat *x, uint8_t proto, uint32_t in_ip, uint16_t in_port)
{
	uint64_t h = nat_hash(in_ip, (uint64_t)in_port << 8 | proto, x->seed);

	return &x->map_heads[h & x->map_mask];
}

uint32_t nat_binding_find(const struct nat_xlat *x, uint8_t proto, uint32_t in_ip,
			  uint16_t in_port_be)
{
	uint16_t port = nat_be16(in_port_be);
	uint32_t i;

	for (i = *head_of(x, proto, in_ip, port); i; i = x->maps[i - 1].next) {
		const struct nat_binding *m = &x->maps[i - 1];

		if (m->in_ip == in_ip && m->in_port == port && m->proto == proto)
			return i - 1;
	}
	return NAT_NONE;
}

uint32_t nat_binding_find_static(const struct nat_xlat *x, const struct nat_binding *want)
{
	uint32_t i;

	for (i = *head_of(x, want->proto, want->in_ip, want->in_port); i; i = x->maps[i - 1].next) {
		const struct nat_binding *m = &x->maps[i - 1];

		if (m->flags & NAT_B_STATIC && m->in_ip == want->in_ip &&
		    m->in_port == want->in_port && m->out_port == want->out_port &&
		    m->proto == want->proto && m->addr == want->addr)
			return i - 1;
	}
	return NAT_NONE;
}

uint32_t nat_binding_new(struct nat_xlat *x, const struct nat_binding *proto)
{
	uint32_t n = x->free_map, *h;

	if (n == NAT_NONE && x->maps_high == x->max_maps)
		return NAT_NONE;
	if (n == NAT_NONE)
		n = x->maps_high++;
	else
		x->free_map = x->maps[n].next;
	x->maps[n] = *proto;
	x->maps[n].flags |= NAT_B_USED;
	x->maps[n].n_sessions = 0;
	x->maps[n].group = NAT_NONE;
	h = head_of(x, proto->proto, proto->in_ip, proto->in_port);
	/* links are numbers + 1: heads of fresh memory are empty chains */
	x->maps[n].next = *h;
	*h = n + 1;
	x->n_maps++;
	return n;
}

/* Out of its chain: its endpoint may get another mapping. */
void nat_binding_unlink(struct nat_xlat *x, uint32_t number)
{
	struct nat_binding *m = &x->maps[number];
	uint32_t *p = head_of(x, m->proto, m->in_ip, m->in_port);

	while (*p && *p != number + 1)
		p = &x->maps[*p - 1].next;
	if (*p)
		*p = m->next;
}

void nat_binding_free(struct nat_xlat *x, uint32_t number)
{
	x->maps[number].flags = 0;
	x->maps[number].next = x->free_map;
	x->free_map = number;
	x->n_maps--;
}

uint32_t nat_binding_of_port(const struct nat_xlat *x, const struct nat_addr *a, enum nat_l4 l4,
			     uint16_t port)
{
	uint32_t owner = a->ports[l4] ? a->ports[l4]->owner[port] : 0;

	return owner == 0 || owner & NAT_PORT_HELD ? NAT_NONE : owner - 1;
}

void nat_binding_release(struct nat_xlat *x, uint32_t number, bool finished)
{
	struct nat_binding *m = &x->maps[number];
	enum nat_l4 l4 = nat_l4_of(m->proto);
	uint32_t host;

	if (m->flags & NAT_B_STATIC && !(m->flags & NAT_B_ORPHAN))
		return;
	if (m->flags & NAT_B_STATIC) {
		for (unsigned int i = 0; i < x->n_addrs; i++)
			if (x->addrs[i].used &&
			    nat_binding_of_port(x, &x->addrs[i], l4, m->out_port) == number)
				nat_ports_release(x, i, l4, m->out_port, false);
	} else {
		host = nat_host_find(x, m->in_ip);
		if (host != NAT_NONE && x->hosts[host].n_ports[l4])
			x->hosts[host].n_ports[l4]--;
		if (nat_binding_of_port(x, &x->addrs[m->addr], l4, m->out_port) == number)
			nat_ports_release(x, m->addr, l4, m->out_port, !finished);
	}
	if (!(m->flags & NAT_B_ORPHAN))
		nat_binding_unlink(x, number);
	nat_binding_free(x, number);
}
