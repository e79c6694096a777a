/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Outside ports: preserved where free, else random (RFC 6056), in the same class of below or above 1024
 * (RFC 4787 REQ-3a); in blocks where that is asked for; resting before somebody else gets them (RFC 6888
 * REQ-8). A free port is found whenever there is one: a bitmap is searched, nothing is guessed.
 */
#include "nat/xlat/xlat_impl.h"

#include <errno.h>

#include "nat/xlat/memory.h"

#define CLASS_BORDER   1024
#define OVERLOAD_TRIES 1024
#define WORTH_SHARING  1024

static bool is_busy(const struct nat_ports *p, uint32_t port)
{
	return p->busy[port >> 6] >> (port & 63) & 1;
}

static void set_busy(struct nat_ports *p, uint32_t port)
{
	if (!is_busy(p, port))
		p->n_free[port >= CLASS_BORDER]--;
	p->busy[port >> 6] |= UINT64_C(1) << (port & 63);
}

static void set_free(struct nat_ports *p, uint32_t port)
{
	if (is_busy(p, port))
		p->n_free[port >= CLASS_BORDER]++;
	p->busy[port >> 6] &= ~(UINT64_C(1) << (port & 63));
}

static bool in_range(const struct nat_addr *a, enum nat_l4 l4, uint32_t port)
{
	/* query ids are not ports: nobody else uses them */
	if (l4 == NAT_L4_ICMP)
		return port > 0;
	for (unsigned int i = 0; i < a->n_ranges; i++)
		if (port >= a->ranges[i].min && port <= a->ranges[i].max)
			return true;
	return false;
}

/* The bits of word @word whose ports are in the address's ranges. */
static uint64_t range_bits(const struct nat_addr *a, enum nat_l4 l4, uint32_t word)
{
	static const struct nat_range all = {1, UINT16_MAX};
	const struct nat_range *r = l4 == NAT_L4_ICMP ? &all : a->ranges;
	unsigned int n = l4 == NAT_L4_ICMP ? 1 : a->n_ranges;
	uint32_t from = word * 64, to = from + 63;
	uint64_t bits = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t lo = r[i].min > from ? r[i].min : from, hi = r[i].max < to ? r[i].max : to;

		if (lo <= hi)
			bits |= UINT64_MAX >> (63 - (hi - lo)) << (lo - from);
	}
	return bits;
}

/* Which ports may be given, by the address's range and by who has them now. */
static void mark_range(const struct nat_addr *a, enum nat_l4 l4, struct nat_ports *p, bool fresh)
{
	p->n_free[0] = p->n_free[1] = p->n_total = 0;
	for (uint32_t word = 0; word < 65536 / 64; word++) {
		uint64_t ours = range_bits(a, l4, word), had = 0;

		for (uint32_t i = 0; i < 64 && !fresh; i++)
			had |= (uint64_t)(p->owner[word * 64 + i] != 0) << i;
		p->busy[word] = ~ours | had;
		p->n_total += (uint32_t)__builtin_popcountll(ours);
		p->n_free[word >= CLASS_BORDER / 64] +=
			(uint32_t)__builtin_popcountll(~p->busy[word]);
	}
}

int nat_ports_setup(struct nat_xlat *x, struct nat_addr *a)
{
	for (unsigned int l4 = 0; l4 < NAT_L4_N; l4++) {
		bool fresh = !a->ports[l4];

		if (fresh)
			a->ports[l4] = nat_memory_map(sizeof(struct nat_ports));
		if (!a->ports[l4])
			return -ENOMEM;
		mark_range(a, l4, a->ports[l4], fresh);
	}
	if (!a->blocks)
		a->blocks = nat_memory_map(NAT_DYNAMIC_PORTS * sizeof(uint32_t));
	return a->blocks ? 0 : -ENOMEM;
}

void nat_ports_done(struct nat_addr *a)
{
	for (unsigned int l4 = 0; l4 < NAT_L4_N; l4++) {
		nat_memory_unmap(a->ports[l4], sizeof(struct nat_ports));
		a->ports[l4] = NULL;
	}
	nat_memory_unmap(a->blocks, NAT_DYNAMIC_PORTS * sizeof(uint32_t));
	a->blocks = NULL;
}

bool nat_ports_may_give(const struct nat_addr *a, uint16_t port)
{
	return in_range(a, NAT_L4_UDP, port) && !a->one_to_one;
}

void nat_ports_own(struct nat_addr *a, enum nat_l4 l4, uint16_t port, uint32_t map)
{
	struct nat_ports *p = a->ports[l4];

	if (p->owner[port] == 0 || p->owner[port] & NAT_PORT_HELD)
		p->n_owned++;
	p->owner[port] = map + 1;
	set_busy(p, port);
}

/* ---- rest ---- */

static uint32_t global(unsigned int addr, enum nat_l4 l4, uint16_t port)
{
	return ((addr * NAT_L4_N + l4) << 16 | port) + 1;
}

void nat_ports_release(struct nat_xlat *x, unsigned int addr, enum nat_l4 l4, uint16_t port,
		       bool hold)
{
	struct nat_addr *a = &x->addrs[addr];
	struct nat_ports *p = a->ports[l4];
	uint32_t *head = &x->hold[x->now % NAT_HOLD_SLOTS];

	p->n_owned--;
	if (hold && x->conf->c.timeouts.port_hold_s) {
		p->owner[port] = NAT_PORT_HELD | *head;
		*head = global(addr, l4, port);
		return;
	}
	p->owner[port] = 0;
	if (in_range(a, l4, port))
		set_free(p, port);
}

/* One resting port is free again, unless a static map took it meanwhile. Returns the next. */
static uint32_t wake(struct nat_xlat *x, uint32_t g)
{
	unsigned int table = (g - 1) >> 16;
	struct nat_addr *a = &x->addrs[table / NAT_L4_N];
	struct nat_ports *p = a->ports[table % NAT_L4_N];
	uint16_t port = (uint16_t)(g - 1);
	uint32_t next;

	next = p->owner[port] & ~NAT_PORT_HELD;
	p->owner[port] = 0;
	if (in_range(a, table % NAT_L4_N, port))
		set_free(p, port);
	return next;
}

void nat_ports_tick(struct nat_xlat *x, unsigned int budget)
{
	uint32_t hold = x->conf->c.timeouts.port_hold_s;

	while (x->now - x->hold_done > hold) {
		uint32_t *head = &x->hold[x->hold_done % NAT_HOLD_SLOTS];

		for (; *head && budget; budget--)
			*head = wake(x, *head);
		if (*head)
			return;
		x->hold_done++;
	}
}

void nat_ports_wake_all(struct nat_xlat *x)
{
	for (unsigned int i = 0; i < NAT_HOLD_SLOTS; i++)
		while (x->hold[i])
			x->hold[i] = wake(x, x->hold[i]);
}

/* ---- giving ---- */

/* The first free port in [@from, @to), or @to. */
static uint32_t scan(const struct nat_ports *p, uint32_t from, uint32_t to)
{
	while (from < to) {
		uint64_t w = ~p->busy[from >> 6] >> (from & 63);

		if (w) {
			from += (uint32_t)__builtin_ctzll(w);
			return from < to ? from : to;
		}
		from = (from | 63) + 1;
	}
	return to;
}

/* Any free port in [@lo, @hi): the first behind a random one. 0: none. */
static uint16_t pick(struct nat_xlat *x, const struct nat_ports *p, uint32_t lo, uint32_t hi)
{
	uint32_t start = lo + (uint32_t)((uint64_t)nat_random(x) * (hi - lo) >> 32), r;

	r = scan(p, start, hi);
	if (r == hi) {
		r = scan(p, lo, start);
		if (r == start)
			return 0;
	}
	return (uint16_t)r;
}

static uint16_t pick_class(struct nat_xlat *x, const struct nat_ports *p, bool high)
{
	if (!p->n_free[high])
		return 0;
	return high ? pick(x, p, CLASS_BORDER, 65536) : pick(x, p, 1, CLASS_BORDER);
}

/* The outside address of @h: the one with the fewest hosts, for as long as it exists. */
bool nat_ports_pair(struct nat_xlat *x, struct nat_host *h)
{
	int best = -1;

	if (h->addr != NAT_ADDR_ANY && !x->addrs[h->addr].gone)
		return true;
	nat_host_unpair(x, h);
	for (unsigned int i = 0; i < x->n_addrs; i++) {
		const struct nat_addr *a = &x->addrs[i];

		if (a->used && !a->gone && !a->one_to_one &&
		    (best < 0 || a->n_hosts < x->addrs[best].n_hosts))
			best = (int)i;
	}
	if (best < 0)
		return false;
	h->addr = (uint16_t)best;
	x->addrs[best].n_hosts++;
	return true;
}

static uint32_t block_first(const struct nat_xlat *x, uint32_t block)
{
	return NAT_FIRST_BLOCK_PORT + block * x->conf->c.blocks.size;
}

static void give_block(struct nat_xlat *x, struct nat_host *h, uint16_t addr, uint32_t block)
{
	struct nat_addr *a = &x->addrs[addr];

	a->blocks[block] = (uint32_t)(h - x->hosts) + 1;
	h->blocks[h->n_blocks].addr = addr;
	h->blocks[h->n_blocks++].block = (uint16_t)block;
	if (x->conf->c.log.what == NAT_LOG_BLOCKS)
		nat_event_add(x,
			      &(struct nat_event){.type = NAT_EV_BLOCK_ALLOC,
						  .inside = nat_be32(h->ip),
						  .outside = nat_be32(a->ip),
						  .outside_port = (uint16_t)block_first(x, block),
						  .count = x->conf->c.blocks.size});
}

/* Nobody's, wholly within the address's range. */
static bool block_usable(const struct nat_xlat *x, const struct nat_addr *a, uint32_t block)
{
	uint32_t first = block_first(x, block), last = first + x->conf->c.blocks.size - 1;

	if (a->blocks[block])
		return false;
	for (unsigned int i = 0; i < a->n_ranges; i++)
		if (first >= a->ranges[i].min && last <= a->ranges[i].max)
			return true;
	return false;
}

static bool new_block(struct nat_xlat *x, struct nat_host *h, enum nat_reason *why)
{
	uint32_t n = x->conf->n_blocks, start, addr_ip, block;
	struct nat_addr *a = &x->addrs[h->addr];

	*why = NAT_R_QUOTA;
	if (h->n_blocks >= x->conf->c.blocks.max)
		return false;
	*why = NAT_R_EXHAUSTED;
	if (x->conf->c.blocks.deterministic) {
		int i;

		if (nat_det_index(&x->conf->c, nat_be32(h->ip), &addr_ip, &block) < 0)
			return false;
		i = nat_addr_find(x, nat_be32(addr_ip));
		if (i < 0 || h->n_blocks || !block_usable(x, &x->addrs[i], block))
			return false;
		nat_host_unpair(x, h);
		h->addr = (uint16_t)i;
		x->addrs[i].n_hosts++;
		give_block(x, h, (uint16_t)i, block);
		return true;
	}
	start = nat_random(x) % n;
	for (uint32_t i = 0; i < n; i++) {
		block = (start + i) % n;
		if (block_usable(x, a, block)) {
			give_block(x, h, h->addr, block);
			return true;
		}
	}
	return false;
}

static uint16_t alloc_in_blocks(struct nat_xlat *x, struct nat_host *h, enum nat_l4 l4,
				uint16_t want, enum nat_reason *why)
{
	uint32_t size = x->conf->c.blocks.size;

	for (;;) {
		for (unsigned int i = 0; i < h->n_blocks; i++) {
			const struct nat_ports *p = x->addrs[h->blocks[i].addr].ports[l4];
			uint32_t first = block_first(x, h->blocks[i].block);
			uint16_t port;

			if (h->blocks[i].addr != h->addr)
				continue;
			if (want >= first && want < first + size && !is_busy(p, want))
				return want;
			port = pick(x, p, first, first + size);
			if (port)
				return port;
		}
		if (!new_block(x, h, why))
			return 0;
	}
}

static bool over_limit(const struct nat_limits *l, const struct nat_host *h)
{
	uint32_t n = nat_host_ports(h);

	return (l->ports && n >= l->ports) || (l->mappings && n >= l->mappings);
}

/* The last quarter of an address's ports is for those who have less than a quarter: one VM that floods leaves
 * the others their way out, also where no limit is set. A handful of ports is not worth dividing. */
static bool greedy(const struct nat_addr *a, const struct nat_host *h, enum nat_l4 l4)
{
	const struct nat_ports *p = a->ports[l4];

	return p->n_total >= WORTH_SHARING && p->n_free[0] + p->n_free[1] < p->n_total / 4 &&
	       h->n_ports[l4] >= p->n_total / 4;
}

uint16_t nat_ports_alloc(struct nat_xlat *x, struct nat_host *h, enum nat_l4 l4, uint16_t want,
			 enum nat_reason *why)
{
	const struct nat_ports *p;
	bool high = want >= CLASS_BORDER;
	uint16_t port;

	*why = NAT_R_QUOTA;
	if (over_limit(&x->conf->c.limits, h))
		return 0;
	*why = NAT_R_EXHAUSTED;
	if (!nat_ports_pair(x, h))
		return 0;
	*why = NAT_R_QUOTA;
	if (greedy(&x->addrs[h->addr], h, l4))
		return 0;
	*why = NAT_R_EXHAUSTED;
	if (x->conf->c.blocks.size && l4 != NAT_L4_ICMP)
		return alloc_in_blocks(x, h, l4, want, why);
	p = x->addrs[h->addr].ports[l4];
	if (want && !is_busy(p, want))
		return want;
	if (l4 == NAT_L4_ICMP)
		return pick(x, p, 1, 65536);
	port = pick_class(x, p, high);
	return port ? port : pick_class(x, p, !high);
}

uint16_t nat_ports_overload(struct nat_xlat *x, struct nat_host *h, const struct nat_session *proto,
			    uint16_t want, enum nat_reason *why)
{
	enum nat_l4 l4 = nat_l4_of(proto->proto);
	const struct nat_ports *p;
	const struct nat_addr *a;
	const struct nat_range *in;
	uint32_t lo, port = want;

	*why = NAT_R_EXHAUSTED;
	if (!nat_ports_pair(x, h))
		return 0;
	a = &x->addrs[h->addr];
	p = a->ports[l4];
	for (unsigned int i = 0; i < OVERLOAD_TRIES; i++) {
		if (!is_busy(p, port) &&
		    nat_session_find(x, NAT_K_IN, nat_pair(proto->rem_ip, a->ip),
				     nat_pair16(proto->rem_port, nat_be16((uint16_t)port)),
				     proto->proto) == NAT_NONE)
			return (uint16_t)port;
		in = &a->ranges[nat_random(x) % a->n_ranges];
		lo = in->min < CLASS_BORDER && in->max >= CLASS_BORDER ? CLASS_BORDER : in->min;
		port = lo + (uint32_t)((uint64_t)nat_random(x) * (in->max - lo + 1) >> 32);
	}
	return 0;
}

bool nat_ports_adopt(struct nat_xlat *x, uint32_t host, unsigned int addr, enum nat_l4 l4,
		     uint16_t port, uint32_t map)
{
	struct nat_addr *a = &x->addrs[addr];
	struct nat_host *h = &x->hosts[host];

	if (x->conf->c.blocks.size && l4 != NAT_L4_ICMP) {
		uint32_t block = ((uint32_t)port - NAT_FIRST_BLOCK_PORT) / x->conf->c.blocks.size;

		if (port < NAT_FIRST_BLOCK_PORT || block >= x->conf->n_blocks)
			return false;
		if (a->blocks[block] != host + 1) {
			if (!block_usable(x, a, block) || h->n_blocks >= x->conf->c.blocks.max)
				return false;
			give_block(x, h, (uint16_t)addr, block);
		}
	}
	nat_ports_own(a, l4, port, map);
	h->n_ports[l4]++;
	return true;
}

/* ---- arithmetic of deterministic blocks ---- */

static uint32_t blocks_of_address(const struct nat_conf *c)
{
	return NAT_DYNAMIC_PORTS / c->blocks.size;
}

/* Shared address number @n, in the order they are configured. Return: false: there are not so many. */
static bool shared(const struct nat_conf *c, uint32_t n, uint32_t *ret)
{
	for (unsigned int i = 0; i < c->n_external; i++) {
		uint32_t k = c->external[i].last - c->external[i].first + 1;

		if (n < k) {
			*ret = c->external[i].first + n;
			return true;
		}
		n -= k;
	}
	return false;
}

int nat_det_index(const struct nat_conf *c, uint32_t inside, uint32_t *ret_addr,
		  uint32_t *ret_block)
{
	uint32_t i = inside & ~nat_mask(c->prefix.len), r;

	if (!c->blocks.deterministic || !c->blocks.size)
		return -EINVAL;
	r = blocks_of_address(c);
	if (!nat_prefix_has(c->prefix, inside) || !shared(c, i / r, ret_addr))
		return -ENOENT;
	*ret_block = i % r;
	return 0;
}

int nat_deterministic_block(const struct nat_conf *conf, uint32_t inside, uint32_t *ret_addr,
			    uint16_t *ret_first, uint16_t *ret_n)
{
	uint32_t block;
	int r = nat_det_index(conf, inside, ret_addr, &block);

	if (r < 0)
		return r;
	*ret_first = (uint16_t)(NAT_FIRST_BLOCK_PORT + block * conf->blocks.size);
	*ret_n = conf->blocks.size;
	return 0;
}

int nat_deterministic_owner(const struct nat_conf *conf, uint32_t addr, uint16_t port,
			    uint32_t *ret_inside)
{
	uint32_t r, block, a, inside;

	if (!conf->blocks.deterministic || !conf->blocks.size)
		return -EINVAL;
	r = blocks_of_address(conf);
	if (port < NAT_FIRST_BLOCK_PORT)
		return -ENOENT;
	block = (uint32_t)(port - NAT_FIRST_BLOCK_PORT) / conf->blocks.size;
	for (uint32_t n = 0; block < r && shared(conf, n, &a); n++) {
		inside = nat_prefix_first(conf->prefix) + n * r + block;
		if (a != addr || !nat_prefix_has(conf->prefix, inside))
			continue;
		*ret_inside = inside;
		return 0;
	}
	return -ENOENT;
}
