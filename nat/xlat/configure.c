/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making a new configuration true in a translator that is at work, and the profiles. */
#include "nat/xlat/xlat_impl.h"

#include <errno.h>
#include <stdlib.h>

#define LONGEST_S 1000000
#define MTU_MIN   576
#define BLOCK_MIN 16

/* ---- checking ---- */

static bool timeout_ok(uint32_t s)
{
	return s > 0 && s <= LONGEST_S;
}

static int check_maps(const struct nat_conf *c)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < c->n_maps; i++) {
		const struct nat_map *m = &c->maps[i];

		if ((m->protocol != NAT_TCP && m->protocol != NAT_UDP) || !m->port_first ||
		    m->port_last < m->port_first || !m->inside_port || m->remote.len > 32 ||
		    (uint32_t)m->inside_port + (m->port_last - m->port_first) > UINT16_MAX)
			return -EINVAL;
		total += (uint64_t)m->port_last - m->port_first + 1;
	}
	return total > NAT_STATICS_MAX || c->n_maps > NAT_MAPS_MAX ? -EINVAL : 0;
}

static int check_addresses(const struct nat_conf *c)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < c->n_external; i++) {
		const struct nat_external *e = &c->external[i];

		if (e->last < e->first || e->first == 0 || !e->port_first ||
		    e->port_last < e->port_first)
			return -EINVAL;
		total += (uint64_t)e->last - e->first + 1;
	}
	for (unsigned int i = 0; i < c->n_pairs; i++)
		if (!c->pairs[i].outside || !c->pairs[i].inside)
			return -EINVAL;
	return total > NAT_ADDRESSES_MAX || c->n_pairs > NAT_PAIRS_MAX ? -EINVAL : 0;
}

/* What would make the translator misbehave; what makes no sense to a user is nat_conf_check()'s. */
static int check(const struct nat_conf *c, const uint16_t mtu[2])
{
	const struct nat_timeouts *t = &c->timeouts;
	int r = check_addresses(c);

	if (r == 0)
		r = check_maps(c);
	if (r < 0)
		return r;
	if (c->prefix.len > 32 || mtu[0] < MTU_MIN || mtu[1] < MTU_MIN || !timeout_ok(t->udp_s) ||
	    !timeout_ok(t->udp_dns_s) || !timeout_ok(t->tcp_established_s) ||
	    !timeout_ok(t->tcp_opening_s) || !timeout_ok(t->tcp_closing_s) ||
	    !timeout_ok(t->icmp_s) || t->port_hold_s >= NAT_HOLD_SLOTS ||
	    c->n_no_translate > NAT_EXCEPTIONS_MAX)
		return -EINVAL;
	if (c->blocks.size &&
	    (c->blocks.size < BLOCK_MIN || c->blocks.size > NAT_DYNAMIC_PORTS || c->blocks.max < 1))
		return -EINVAL;
	if (c->blocks.deterministic && !c->blocks.size)
		return -EINVAL;
	for (unsigned int i = 0; i < c->n_no_translate; i++)
		if (c->no_translate[i].len > 32)
			return -EINVAL;
	return 0;
}

/* ---- the configuration and what follows from it ---- */

static struct nat_addr_conf *wanted(const struct nat_conf_copy *n, uint32_t ip)
{
	for (unsigned int i = 0; i < n->n_addrs; i++)
		if (n->addrs[i].ip == ip)
			return &n->addrs[i];
	return NULL;
}

/* The addresses of all ranges and pairs. One of both belongs to its pair. */
static int list_addresses(struct nat_conf_copy *n)
{
	const struct nat_conf *c = &n->c;

	n->addrs = calloc(NAT_ADDRS_MAX, sizeof(*n->addrs));
	if (!n->addrs)
		return -ENOMEM;
	for (unsigned int i = 0; i < c->n_pairs; i++)
		n->addrs[n->n_addrs++] =
			(struct nat_addr_conf){.ip = nat_be32(c->pairs[i].outside),
					       .one_to_one = nat_be32(c->pairs[i].inside),
					       .ranges = {{1, UINT16_MAX}},
					       .n_ranges = 1};
	for (unsigned int i = 0; i < c->n_external; i++) {
		const struct nat_external *e = &c->external[i];

		for (uint64_t a = e->first; a <= e->last; a++) {
			struct nat_addr_conf *w = wanted(n, nat_be32((uint32_t)a));

			if (!w) {
				w = &n->addrs[n->n_addrs++];
				w->ip = nat_be32((uint32_t)a);
			}
			if (w->one_to_one)
				continue;
			if (w->n_ranges == NAT_RANGES_MAX)
				return -EINVAL;
			w->ranges[w->n_ranges++] = (struct nat_range){e->port_first, e->port_last};
		}
	}
	return 0;
}

void nat_conf_copy_free(struct nat_conf_copy *n)
{
	if (!n)
		return;
	nat_conf_done(&n->c);
	free(n->addrs);
	free(n);
}

static int copy_conf(const struct nat_conf *c, struct nat_conf_copy **ret)
{
	struct nat_conf_copy *n = calloc(1, sizeof(*n));
	int r = n ? nat_conf_copy(c, &n->c) : -ENOMEM;

	if (r == 0)
		r = list_addresses(n);
	if (r < 0) {
		nat_conf_copy_free(n);
		return r;
	}
	n->mask = nat_be32(nat_mask(c->prefix.len));
	n->prefix = nat_be32(nat_prefix_first(c->prefix));
	n->broadcast = nat_be32(nat_prefix_last(c->prefix));
	n->gateway = nat_be32(c->gateway);
	n->overload = c->profile == NAT_PROFILE_DENSE;
	n->n_blocks = c->blocks.size ? NAT_DYNAMIC_PORTS / c->blocks.size : 0;
	if (n->c.blocks.max > NAT_BLOCKS)
		n->c.blocks.max = NAT_BLOCKS;
	for (unsigned int i = 0; i < c->n_no_translate; i++) {
		n->exempt[i].mask = nat_be32(nat_mask(c->no_translate[i].len));
		n->exempt[i].addr = nat_be32(c->no_translate[i].addr) & n->exempt[i].mask;
	}
	*ret = n;
	return 0;
}

/* ---- addresses ---- */

/* A slot whose address is gone, and all its sessions, may be another's. */
static void clear_slot(struct nat_xlat *x, unsigned int slot)
{
	nat_ports_wake_all(x);
	for (uint32_t i = 0; i < x->hosts_high; i++) {
		struct nat_host *h = &x->hosts[i];

		if (h->used && h->addr == slot)
			nat_host_unpair(x, h);
		for (unsigned int k = 0; k < h->n_blocks;) {
			if (h->blocks[k].addr == slot)
				nat_host_return_block(x, h, k);
			else
				k++;
		}
	}
	nat_ports_done(&x->addrs[slot]);
	x->addrs[slot] = (struct nat_addr){0};
}

static struct nat_addr *slot_of(struct nat_xlat *x, uint32_t ip)
{
	for (unsigned int i = 0; i < x->n_addrs; i++)
		if (x->addrs[i].used && x->addrs[i].ip == ip)
			return &x->addrs[i];
	return NULL;
}

static struct nat_addr *free_slot(struct nat_xlat *x)
{
	for (unsigned int i = 0; i < NAT_ADDRS_MAX; i++) {
		if (x->addrs[i].used && x->addrs[i].gone && x->addrs[i].forget)
			clear_slot(x, i);
		if (x->addrs[i].used)
			continue;
		if (i >= x->n_addrs)
			x->n_addrs = i + 1;
		return &x->addrs[i];
	}
	return NULL;
}

static void set_range(struct nat_addr *a, const struct nat_addr_conf *c)
{
	a->one_to_one = c->one_to_one;
	memcpy(a->ranges, c->ranges, sizeof(a->ranges));
	a->n_ranges = c->n_ranges;
}

/* Slots and tables for the addresses that are new; they are not in use before use_addresses(). */
static int make_addresses(struct nat_xlat *x, const struct nat_conf_copy *n)
{
	for (unsigned int i = 0; i < n->n_addrs; i++) {
		uint32_t ip = n->addrs[i].ip;
		struct nat_addr *a = slot_of(x, ip);
		int r;

		if (a)
			continue;
		a = free_slot(x);
		if (!a)
			return -ENOMEM;
		set_range(a, &n->addrs[i]);
		r = nat_ports_setup(x, a);
		if (r < 0) {
			nat_ports_done(a);
			return r;
		}
		/* as if it had been and gone: nothing finds it yet */
		a->ip = ip;
		a->used = a->gone = a->fresh = true;
	}
	return 0;
}

static void use_address(struct nat_xlat *x, struct nat_addr *a, const struct nat_addr_conf *c)
{
	bool same = a->n_ranges == c->n_ranges &&
		    !memcmp(a->ranges, c->ranges, c->n_ranges * sizeof(c->ranges[0]));

	set_range(a, c);
	/* all tables are there: this only marks the range, and takes a while */
	if (a->gone || !same)
		nat_ports_setup(x, a);
	a->gone = a->forget = a->fresh = false;
}

static void use_addresses(struct nat_xlat *x, const struct nat_conf_copy *n)
{
	for (unsigned int k = 0; k < x->n_addrs; k++) {
		struct nat_addr *a = &x->addrs[k];
		const struct nat_addr_conf *c = a->used ? wanted(n, a->ip) : NULL;

		if (c) {
			use_address(x, a, c);
		} else if (a->used && !a->gone) {
			a->gone = true;
			x->n_gone++;
			x->gone_sweep = x->high_water;
		}
	}
	nat_addr_index(x);
}

static uint16_t *slot_for(const struct nat_xlat *x, uint32_t ip, bool inside)
{
	uint32_t h = (uint32_t)nat_hash(ip, inside, x->seed);

	/* never full: the table has more than twice the slots that there can be keys */
	for (;; h++) {
		uint16_t *p = (uint16_t *)&x->by_ip[h % NAT_ADDR_SLOTS];

		if (!*p || (inside ? x->addrs[*p - 1].one_to_one : x->addrs[*p - 1].ip) == ip)
			return p;
	}
}

void nat_addr_index(struct nat_xlat *x)
{
	memset(x->by_ip, 0, sizeof(x->by_ip));
	for (unsigned int i = 0; i < x->n_addrs; i++) {
		const struct nat_addr *a = &x->addrs[i];

		if (!a->used || a->gone)
			continue;
		*slot_for(x, a->ip, false) = (uint16_t)(i + 1);
		if (a->one_to_one)
			*slot_for(x, a->one_to_one, true) = (uint16_t)(i + 1);
	}
}

int nat_addr_find(const struct nat_xlat *x, uint32_t ip)
{
	return *slot_for(x, ip, false) - 1;
}

int nat_addr_of_inside(const struct nat_xlat *x, uint32_t inside)
{
	return inside ? *slot_for(x, inside, true) - 1 : -1;
}

/* ---- static maps ---- */

/* Let mapping @number have its port on @a, whoever had it before. */
static void take_port(struct nat_xlat *x, struct nat_addr *a, uint32_t number)
{
	const struct nat_binding *m = &x->maps[number];
	enum nat_l4 l4 = nat_l4_of(m->proto);
	uint32_t before = nat_binding_of_port(x, a, l4, m->out_port);

	if (before == number)
		return;
	if (a->ports[l4]->owner[m->out_port] & NAT_PORT_HELD)
		nat_ports_wake_all(x);
	if (before != NAT_NONE && !(x->maps[before].flags & (NAT_B_ORPHAN | NAT_B_STATIC))) {
		/* its sessions go on; its endpoint gets another mapping for new ones */
		nat_binding_unlink(x, before);
		x->maps[before].flags |= NAT_B_ORPHAN;
	}
	nat_ports_own(a, l4, m->out_port, number);
}

static void drop_static(struct nat_xlat *x, uint32_t number)
{
	struct nat_binding *m = &x->maps[number];

	nat_binding_unlink(x, number);
	m->flags |= NAT_B_ORPHAN;
	if (m->n_sessions == 0)
		nat_binding_release(x, number, true);
}

/* Ports of a map behind its first. */
static uint32_t n_more(const struct nat_map *m)
{
	return (uint32_t)(m->port_last - m->port_first);
}

/* One port of a map of the configuration, as a mapping. False: an address that is not ours receives nothing. */
static bool static_of(const struct nat_xlat *x, const struct nat_conf_copy *n, unsigned int i,
		      uint32_t k, struct nat_binding *ret)
{
	const struct nat_map *c = &n->c.maps[i];
	int addr = c->outside ? nat_addr_find(x, nat_be32(c->outside)) : NAT_ADDR_ANY;

	*ret = (struct nat_binding){.in_ip = nat_be32(c->inside),
				    .in_port = (uint16_t)(c->inside_port + k),
				    .out_port = (uint16_t)(c->port_first + k),
				    .addr = (uint16_t)addr,
				    .proto = c->protocol,
				    .flags = NAT_B_STATIC,
				    .conf = (uint16_t)i};
	return addr >= 0;
}

static void use_map(struct nat_xlat *x, const struct nat_binding *want)
{
	uint32_t number = nat_binding_find_static(x, want);

	if (number == NAT_NONE) {
		number = nat_binding_new(x, want);
		if (number == NAT_NONE)
			return;
		x->statics[x->n_statics++] = number;
	}
	x->maps[number].conf = want->conf;
	for (unsigned int a = 0; a < x->n_addrs; a++)
		if (x->addrs[a].used && !x->addrs[a].gone &&
		    (want->addr == NAT_ADDR_ANY || want->addr == a))
			take_port(x, &x->addrs[a], number);
}

/* Those that are no more go first: there is room for as many as a configuration may have, not for two. */
static void use_maps(struct nat_xlat *x, const struct nat_conf_copy *n)
{
	uint32_t number, n_kept = 0;
	struct nat_binding m;

	for (unsigned int i = 0; i < n->c.n_maps; i++)
		for (uint32_t k = 0; k <= n_more(&n->c.maps[i]); k++)
			if (static_of(x, n, i, k, &m) &&
			    (number = nat_binding_find_static(x, &m)) != NAT_NONE)
				x->maps[number].flags |= NAT_B_KEPT;
	for (uint32_t i = 0; i < x->n_statics; i++) {
		number = x->statics[i];
		if (x->maps[number].flags & NAT_B_KEPT)
			x->statics[n_kept++] = number;
		else
			drop_static(x, number);
		x->maps[number].flags &= (uint8_t)~NAT_B_KEPT;
	}
	x->n_statics = n_kept;
	for (unsigned int i = 0; i < n->c.n_maps; i++)
		for (uint32_t k = 0; k <= n_more(&n->c.maps[i]); k++)
			if (static_of(x, n, i, k, &m))
				use_map(x, &m);
}

/* ---- the whole ---- */

static void set_timeouts(struct nat_xlat *x, const struct nat_timeouts *t)
{
	x->timeout[NAT_ST_FREE] = 0;
	x->timeout[NAT_ST_UDP] = t->udp_s;
	x->timeout[NAT_ST_UDP_DNS] = t->udp_dns_s;
	x->timeout[NAT_ST_ICMP] = t->icmp_s;
	for (int s = NAT_ST_TCP_SYN_OUT; s <= NAT_ST_TCP_PICKUP_IN; s++)
		x->timeout[s] = t->tcp_opening_s;
	for (int s = NAT_ST_TCP_ESTABLISHED; s <= NAT_ST_TCP_FIN_IN; s++)
		x->timeout[s] = t->tcp_established_s;
	x->timeout[NAT_ST_TCP_CLOSING] = x->timeout[NAT_ST_TCP_RESET] = t->tcp_closing_s;
}

int nat_xlat_configure(struct nat_xlat *x, const struct nat_conf *conf, const uint16_t mtu[2],
		       uint64_t now_ms)
{
	struct nat_conf_copy *n;
	int r = check(conf, mtu);

	if (r < 0)
		return r;
	r = copy_conf(conf, &n);
	if (r < 0)
		return r;
	r = make_addresses(x, n);
	if (r < 0) {
		for (unsigned int i = 0; i < x->n_addrs; i++)
			x->addrs[i].forget |= x->addrs[i].fresh;
		nat_conf_copy_free(n);
		return r;
	}
	nat_set_time(x, now_ms);
	if (x->conf && (x->conf->c.blocks.size != n->c.blocks.size ||
			x->conf->c.blocks.deterministic != n->c.blocks.deterministic))
		nat_host_forget_blocks(x);
	nat_conf_copy_free(x->conf);
	x->conf = n;
	memcpy(x->mtu, mtu, sizeof(x->mtu));
	x->clamp_mss = conf->mss_clamp;
	x->inbound_refresh = conf->udp_inbound_refresh;
	x->frags.wait_s = conf->timeouts.fragment_s ? conf->timeouts.fragment_s : 1;
	set_timeouts(x, &conf->timeouts);
	use_addresses(x, n);
	use_maps(x, n);
	return 0;
}
