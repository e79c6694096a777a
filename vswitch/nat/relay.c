/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet path of a NAT network: frames that a switch sends to one port are answered, or translated and
 * given to the other switch as if its port had received them, all by the worker at hand.
 *
 * The network's lock, or the worker's lane, is held while frames are translated and addressed, never while they enter a
 * switch: what they meet there may be another network, or this one again.
 */
#include <string.h>

#include "nat/xlat/checksum.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/datapath/txbuf.h"
#include "vswitch/nat/nat_impl.h"

#define ETH          14
#define LE_IPV4      0x0008
#define LE_ARP       0x0608
#define HEADERS_MOST 120 /* IPv4 and TCP with all options */
#define OUT_MAX      512
#define DEPTH_MAX    4 /* networks behind networks within one burst */

struct out {
	uint16_t n;
	struct rte_mbuf *m[OUT_MAX];
};

/* A burst under way. */
struct burst {
	struct vsw_worker *w; /* NULL: not in a pipeline (timer) */
	struct vsw_nat *nat;
	const struct vsw_snap_port *from; /* where frames came from; drops are counted there */
	uint32_t now_ms;
	struct out out[2]; /* by side */
	/* by side: who is on its link, and who leads to all others (0: nobody); see find_ways() */
	struct {
		uint32_t net, mask, via;
	} way[2];
	/* the last neighbour of each side: bursts have few */
	uint32_t last_ip[2];
	uint8_t last_mac[2][6];
};

static void drop(struct burst *b, struct rte_mbuf *m, enum vsw_drop reason)
{
	if (b->w)
		vsw_pipeline_drop(b->w, b->from, m, reason);
	else
		rte_pktmbuf_free(m);
}

static void put(struct burst *b, enum nat_side side, struct rte_mbuf *m)
{
	struct out *o = &b->out[side];

	if (likely(o->n < OUT_MAX))
		o->m[o->n++] = m;
	else
		drop(b, m, VSW_DROP_NO_MEMORY);
}

/* ---- neighbours ---- */

static uint32_t own_ip(const struct vsw_nat *nat, enum nat_side side)
{
	return side == NAT_INSIDE ? rte_cpu_to_be_32(nat->conf.gateway)
				  : vsw_nat_own(&nat->conf, 0);
}

static void send_arp(struct burst *b, enum nat_side side, uint32_t sender, uint32_t target,
		     const uint8_t to[6])
{
	static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255};
	struct vsw_nat_side *s = b->nat->side[side];
	struct rte_mbuf *m = rte_pktmbuf_alloc(b->nat->all->env->pool);
	struct vsw_arp a = {.op = 1, .sender_ip = sender, .target_ip = target};
	char *p;

	if (!m)
		return;
	p = rte_pktmbuf_append(m, VSW_ARP_FRAME_SIZE);
	memcpy(a.sender_mac, &s->mac48, 6);
	vsw_arp_write((uint8_t *)p, &a, to ? to : everybody);
	put(b, side, m);
}

static void address(struct rte_mbuf *m, const uint8_t mac[6], uint64_t own)
{
	uint8_t *d = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(d, mac, 6);
	memcpy(d + 6, &own, 6);
}

/* Send @m to @ip, which is on the link of @side. */
static void to_neighbour(struct burst *b, enum nat_side side, struct rte_mbuf *m, uint32_t ip)
{
	struct vsw_nat_side *s = b->nat->side[side];
	struct vsw_neigh *e;
	bool ask;

	if (likely(ip == b->last_ip[side])) {
		address(m, b->last_mac[side], s->mac48);
		put(b, side, m);
		return;
	}
	switch (vsw_neigh_resolve(&s->neighs, ip, m, b->now_ms, &e, &ask)) {
	case VSW_NEIGH_SEND:
		b->last_ip[side] = ip;
		memcpy(b->last_mac[side], e->mac, 6);
		address(m, e->mac, s->mac48);
		put(b, side, m);
		break;
	case VSW_NEIGH_WAITS:
		/* on this path there is a worker: the timer addresses nothing */
		m->hash.usr = b->w->snap->gates;
		b->nat->waited++;
		break;
	case VSW_NEIGH_REFUSED:
		b->nat->no_neighbour++;
		drop(b, m, VSW_DROP_NAT_NO_NEIGHBOUR);
		break;
	}
	if (unlikely(ask))
		send_arp(b, side, own_ip(b->nat, side), ip,
			 e->state == VSW_NEIGH_KNOWN ? e->mac : NULL);
}

/*
 * May a frame that waited go on? Its sender's gate let it pass when it came; who was cut since must send nothing
 * more, so what waited under other gates is lost, whosever it is: that is rare, and a router's packet may be.
 */
static bool still_good(struct burst *b, struct rte_mbuf *m)
{
	if (likely(m->hash.usr == b->w->snap->gates))
		return true;
	drop(b, m, VSW_DROP_NAT_POLICY_CHANGED);
	return false;
}

/* With the network's lock, or a lane: the configuration may be another one afterwards. */
static void find_ways(struct burst *b)
{
	const struct nat_conf *c = &b->nat->conf;
	struct nat_prefix link[2] = {c->prefix, c->external_prefix};

	for (int side = 0; side < 2; side++) {
		b->way[side].net = rte_cpu_to_be_32(nat_prefix_first(link[side]));
		b->way[side].mask = rte_cpu_to_be_32(nat_mask(link[side].len));
	}
	if (!c->external_prefix.len)
		b->way[NAT_OUTSIDE].net = 1; /* nobody is */
	b->way[NAT_INSIDE].via = 0;
	b->way[NAT_OUTSIDE].via = rte_cpu_to_be_32(c->next_hop);
}

/* Which neighbour leads to @dst? 0: none. */
static inline uint32_t next_hop(const struct burst *b, enum nat_side side, uint32_t dst)
{
	return (dst & b->way[side].mask) == b->way[side].net ? dst : b->way[side].via;
}

/* Make @m as long as an ARP message on a wire is. */
static bool fit_arp(struct rte_mbuf *m)
{
	if (m->data_len >= VSW_ARP_FRAME_SIZE)
		return rte_pktmbuf_trim(m, (uint16_t)(m->data_len - VSW_ARP_FRAME_SIZE)) == 0;
	return rte_pktmbuf_append(m, (uint16_t)(VSW_ARP_FRAME_SIZE - m->data_len)) != NULL;
}

/* A question for one of our addresses is answered in its own frame; what is said is noted. */
static void arp(struct burst *b, enum nat_side side, struct rte_mbuf *m)
{
	struct vsw_nat_side *s = b->nat->side[side];
	uint8_t *d = rte_pktmbuf_mtod(m, uint8_t *);
	struct vsw_neigh *e;
	struct vsw_arp a;
	bool ours;

	if (!vsw_arp_parse(d, m->data_len, &a) || !a.sender_ip)
		goto ignore;
	if (vsw_nat_is_own(b->nat, side, a.sender_ip)) {
		b->nat->arp_conflicts += memcmp(a.sender_mac, &s->mac48, 6) != 0;
		goto ignore;
	}
	ours = vsw_nat_is_own(b->nat, side, a.target_ip);
	if (next_hop(b, side, a.sender_ip) == a.sender_ip) {
		e = vsw_neigh_learn(&s->neighs, a.sender_ip, a.sender_mac, ours, b->now_ms);
		while (e && e->n_waiting) {
			struct rte_mbuf *waiting = e->waiting[--e->n_waiting];

			if (!still_good(b, waiting))
				continue;
			address(waiting, e->mac, s->mac48);
			put(b, side, waiting);
		}
		if (a.sender_ip == b->last_ip[side])
			b->last_ip[side] = 0;
	}
	if (!ours || a.op != 1 || m->nb_segs != 1 || !fit_arp(m))
		goto ignore;
	a = (struct vsw_arp){.op = 2, .sender_ip = a.target_ip, .target_ip = a.sender_ip};
	memcpy(a.target_mac, d + 22, 6);
	memcpy(a.sender_mac, &s->mac48, 6);
	vsw_arp_write(d, &a, a.target_mac);
	put(b, side, m);
	return;
ignore:
	rte_pktmbuf_free(m);
}

/* ---- translation ---- */

/* Can the translator see all that it must? Frames in pieces are put together, as far as they fit. */
static bool in_reach(struct rte_mbuf *m)
{
	if (likely(m->nb_segs == 1))
		return m->data_len >= ETH + 20;
	if (m->data_len < ETH + HEADERS_MOST || rte_pktmbuf_mtod(m, uint8_t *)[ETH + 9] == NAT_ICMP)
		rte_pktmbuf_linearize(m);
	return m->data_len >= ETH + 20;
}

static inline void describe_frame(struct nat_frame *f, struct rte_mbuf *m)
{
	f->l3 = rte_pktmbuf_mtod_offset(m, uint8_t *, ETH);
	f->len = m->data_len - ETH;
	f->room = f->len + (m->nb_segs == 1 ? rte_pktmbuf_tailroom(m) : 0);
	f->total = m->pkt_len - ETH;
	f->gso = unlikely(m->ol_flags & (RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_UDP_SEG))
			 ? m->tso_segsz
			 : 0;
	f->flags = m->ol_flags & RTE_MBUF_F_TX_L4_MASK ? NAT_F_PARTIAL : 0;
	f->cookie = m;
}

/* The frame has become an answer: its buffer must say so. */
static void resize(struct rte_mbuf *m, const struct nat_frame *f)
{
	if (m->pkt_len == ETH + f->total)
		return;
	rte_pktmbuf_free(m->next);
	m->next = NULL;
	m->nb_segs = 1;
	m->data_len = (uint16_t)(ETH + f->len);
	m->pkt_len = m->data_len;
	m->ol_flags = 0;
}

static void fragment_to(struct burst *b, enum nat_side side, struct rte_mbuf *m, uint32_t ip)
{
	struct rte_mbuf *part[NAT_BURST];
	unsigned int n = vsw_nat_cut(m, b->nat->mtu[side], b->nat->all->env->pool, part, NAT_BURST);

	if (!n)
		drop(b, m, VSW_DROP_NO_MEMORY);
	for (unsigned int i = 0; i < n; i++)
		to_neighbour(b, side, part[i], ip);
}

static inline void decided(struct burst *b, struct nat_frame *f)
{
	struct rte_mbuf *m = f->cookie;
	enum nat_side to = f->verdict == NAT_TO_INSIDE ? NAT_INSIDE : NAT_OUTSIDE;
	uint32_t ip;

	if (unlikely(f->verdict == NAT_HELD)) {
		m->hash.usr = b->w->snap->gates;
		return;
	}
	if (unlikely(f->verdict == NAT_DROP)) {
		drop(b, m, VSW_DROP_NAT_MALFORMED + f->reason);
		return;
	}
	if (unlikely(f->flags & NAT_F_ANSWER))
		resize(m, f);
	if (unlikely(!b->nat->side[to])) {
		drop(b, m, VSW_DROP_DEST_DISCONNECTED);
		return;
	}
	ip = next_hop(b, to, vd_load32(f->l3 + 16));
	if (unlikely(!ip)) {
		b->nat->no_route++;
		drop(b, m, VSW_DROP_NAT_NO_ROUTE);
		return;
	}
	if (unlikely(f->flags & NAT_F_FRAGMENT))
		fragment_to(b, to, m, ip);
	else
		to_neighbour(b, to, m, ip);
}

static void translate(struct burst *b, enum nat_side side, struct nat_frame *f, uint16_t n)
{
	struct vsw_nat *nat = b->nat;

	if (unlikely(!nat->x)) {
		for (uint16_t i = 0; i < n; i++)
			drop(b, f[i].cookie, VSW_DROP_DEST_DISCONNECTED);
		return;
	}
	nat_xlat_run(nat->x, side, f, n, b->now_ms + nat->epoch_ms);
	for (uint16_t i = 0; i < n; i++)
		decided(b, &f[i]);
	while (unlikely((n = (uint16_t)nat_xlat_released(nat->x, f, NAT_BURST)) > 0))
		for (uint16_t i = 0; i < n; i++)
			if (still_good(b, f[i].cookie))
				decided(b, &f[i]);
}

/* Sort a burst: packets for the gateway into @f, the rest is answered or ignored. */
static uint16_t sort(struct burst *b, struct vsw_nat_side *s, struct rte_mbuf **m, uint16_t n,
		     struct nat_frame *f)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		const char *d = rte_pktmbuf_mtod(m[i], const char *);
		uint16_t type = vd_load16(d + 12);

		if (likely(type == LE_IPV4 && (vd_load64(d) & VSW_MAC48) == s->mac48)) {
			if (likely(in_reach(m[i])))
				describe_frame(&f[k++], m[i]);
			else
				drop(b, m[i], VSW_DROP_NAT_MALFORMED);
		} else if (type == LE_ARP) {
			arp(b, s->side, m[i]);
		} else {
			rte_pktmbuf_free(
				m[i]); /* a router hears no broadcasts, and knows no other protocol */
		}
	}
	return k;
}

static const struct vsw_snap_port *port_of(const struct vsw_worker *w, const struct vsw_nat_side *s)
{
	const struct vsw_snap_port *p = s ? w->snap->ports[s->io.port_index] : NULL;

	return p && p->rt->io == &s->io ? p : NULL;
}

/* ---- packets that change nothing: several workers at once ---- */

/* All of a burst, if all are packets for the gateway. */
static bool describe_plain(struct vsw_nat_side *s, struct rte_mbuf **m, uint16_t n,
			   struct nat_frame *f)
{
	for (uint16_t i = 0; i < n; i++) {
		const char *d = rte_pktmbuf_mtod(m[i], const char *);

		if (unlikely(vd_load16(d + 12) != LE_IPV4 ||
			     (vd_load64(d) & VSW_MAC48) != s->mac48 || !in_reach(m[i])))
			return false;
		describe_frame(&f[i], m[i]);
	}
	return true;
}

/* Send on a plain packet, if nobody has to be asked for the way. */
static inline bool decided_plain(struct burst *b, struct nat_frame *f)
{
	enum nat_side to = f->verdict == NAT_TO_INSIDE ? NAT_INSIDE : NAT_OUTSIDE;
	const struct vsw_nat_side *s = b->nat->side[to];
	uint32_t ip = next_hop(b, to, vd_load32(f->l3 + 16));
	const struct vsw_neigh *e;

	if (unlikely(!s || !ip))
		return false;
	if (unlikely(ip != b->last_ip[to])) {
		e = vsw_neigh_fresh(&s->neighs, ip, b->now_ms);
		if (!e)
			return false;
		b->last_ip[to] = ip;
		memcpy(b->last_mac[to], e->mac, 6);
	}
	address(f->cookie, b->last_mac[to], s->mac48);
	put(b, to, f->cookie);
	return true;
}

/* How far a burst has come without the network's lock. */
struct progress {
	bool described;
	unsigned int translated, decided;
};

/* Also looks for the two ports in the worker's snapshot: from there on they stay until the burst is over. */
static struct progress run_plain(struct burst *b, struct vsw_nat_side *s, struct rte_mbuf **m,
				 uint16_t n, struct nat_frame *f,
				 const struct vsw_snap_port *port[2])
{
	struct vsw_nat_lane *lane = vsw_nat_enter(b->nat, b->w->id);
	struct progress p = {0};

	find_ways(b);
	port[NAT_INSIDE] = port_of(b->w, b->nat->side[NAT_INSIDE]);
	port[NAT_OUTSIDE] = port_of(b->w, b->nat->side[NAT_OUTSIDE]);
	p.described = b->nat->x && describe_plain(s, m, n, f);
	if (likely(p.described)) {
		p.translated =
			nat_xlat_run_plain(b->nat->x, s->side, f, n, b->now_ms + b->nat->epoch_ms);
		lane->translated[s->side] += p.translated;
		while (p.decided < p.translated && decided_plain(b, &f[p.decided]))
			p.decided++;
	}
	vsw_nat_leave(lane);
	return p;
}

/* The rest of it, with the lock: in their order, so that no packet overtakes another one of its flow. */
static void run_rest(struct burst *b, struct vsw_nat_side *s, struct rte_mbuf **m, uint16_t n,
		     struct nat_frame *f, struct progress p)
{
	vsw_nat_lock(b->nat);
	find_ways(b);
	if (!p.described)
		n = sort(b, s, m, n, f);
	for (; p.decided < p.translated; p.decided++)
		decided(b, &f[p.decided]);
	if (likely(p.translated < n))
		translate(b, s->side, f + p.translated, (uint16_t)(n - p.translated));
	vsw_nat_unlock(b->nat);
}

/* Into the switches. Without the lock: see above. */
static void enter(struct vsw_worker *w, struct burst *b, const struct vsw_snap_port *const port[2])
{
	for (int side = 0; side < 2; side++) {
		struct out *o = &b->out[side];

		if (!o->n)
			continue;
		if (likely(port[side] != NULL))
			vsw_pipeline_enter(w, port[side], o->m, o->n);
		else
			rte_pktmbuf_free_bulk(o->m, o->n);
	}
}

uint16_t vsw_nat_relay(struct vsw_io *io, struct vsw_worker *w, struct rte_mbuf **m, uint16_t n)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;
	struct vsw_nat *nat = s->nat;
	const struct vsw_snap_port *port[2];
	struct nat_frame f[NAT_BURST];
	struct progress p;
	struct burst b;

	b.w = w;
	b.nat = nat;
	b.now_ms = (uint32_t)(vsw_nat_now_ms() - nat->epoch_ms);
	b.out[0].n = b.out[1].n = 0;
	b.last_ip[0] = b.last_ip[1] = 0;
	b.from = port_of(w, s);
	if (unlikely(!b.from || n > NAT_BURST || w->relay_depth >= DEPTH_MAX))
		return 0;
	p = run_plain(&b, s, m, n, f, port);
	if (unlikely(p.decided < n))
		run_rest(&b, s, m, n, f, p);
	if (unlikely(w->measuring))
		vsw_stage_done(w, VSW_STAGE_TRANSLATE, n);
	w->relay_depth++;
	enter(w, &b, port);
	w->relay_depth--;
	return n;
}

/* ---- what nobody's frame brings about ---- */

static void look_at_neighbours(struct burst *b, struct vsw_nat_side *s)
{
	unsigned int budget = RTE_MIN(s->look, 256u);
	struct vsw_neigh *e;
	bool ask;

	s->look -= budget;
	while ((e = vsw_neighs_tick(&s->neighs, b->now_ms, &budget, &ask)) != NULL) {
		if (ask) {
			send_arp(b, s->side, own_ip(b->nat, s->side), e->ip, NULL);
			continue;
		}
		while (e->n_waiting) {
			b->nat->no_neighbour++;
			rte_pktmbuf_free(e->waiting[--e->n_waiting]);
		}
		vsw_neigh_forget(&s->neighs, e);
	}
}

static void age(struct burst *b, struct vsw_nat_side *s)
{
	unsigned int budget = RTE_MIN(s->sweep, 256u);
	struct nat_frame f[NAT_BURST];
	unsigned int n;

	s->sweep -= budget;
	if (!b->nat->x)
		return;
	nat_xlat_tick(b->nat->x, b->now_ms + b->nat->epoch_ms, RTE_MAX(budget, 8u));
	/* fragments whose first one never came */
	while ((n = nat_xlat_released(b->nat->x, f, NAT_BURST)) > 0)
		for (unsigned int i = 0; i < n; i++)
			rte_pktmbuf_free(f[i].cookie);
}

uint16_t vsw_nat_rx(struct vsw_io *io, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	struct vsw_nat_side *s = (struct vsw_nat_side *)io;
	struct out *o;
	struct burst b;

	if (likely(!__atomic_load_n(&s->due, __ATOMIC_ACQUIRE)))
		return 0;
	b.w = NULL;
	b.nat = s->nat;
	b.now_ms = (uint32_t)(vsw_nat_now_ms() - s->nat->epoch_ms);
	b.out[0].n = b.out[1].n = 0;
	o = &b.out[s->side];
	vsw_nat_lock(s->nat);
	for (; s->announce && o->n < 8; s->announce--)
		send_arp(&b, s->side, vsw_nat_nth_own(s, s->announce - 1),
			 vsw_nat_nth_own(s, s->announce - 1), NULL);
	look_at_neighbours(&b, s);
	if (s->side == NAT_INSIDE)
		age(&b, s);
	if (!s->announce && !s->look && !s->sweep)
		__atomic_store_n(&s->due, 0, __ATOMIC_RELEASE);
	vsw_nat_unlock(s->nat);
	n = RTE_MIN(n, o->n);
	memcpy(m, o->m, n * sizeof(*m));
	rte_pktmbuf_free_bulk(o->m + n, o->n - n);
	return n;
}
