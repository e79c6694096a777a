/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that are not plain ones of a live session: beginnings, ends, fragments, ICMP, what is refused. */
#include "nat/xlat/rewrite.h"

#define NO_PORTS 0xff
#define DNS_PORT 53

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04

#define MORE_FRAGMENTS 0x2000
#define DONT_FRAGMENT  0x4000

#define OPTION_LSRR 131
#define OPTION_SSRR 137

void nat_drop(struct nat_xlat *x, struct nat_frame *f, enum nat_reason why)
{
	f->verdict = NAT_DROP;
	f->reason = (uint8_t)why;
	x->drops[why]++;
}

/* ---- parsing ---- */

/* A sender that chooses its packet's way would get round whoever may talk to whom. */
static bool source_routed(const uint8_t *ip, uint32_t ihl)
{
	for (uint32_t i = 20; i < ihl && ip[i] != 0;) {
		uint32_t n = ip[i] == 1 ? 1 : i + 1 < ihl ? ip[i + 1] : 0;

		if (ip[i] == OPTION_LSRR || ip[i] == OPTION_SSRR || n == 0)
			return true;
		i += n;
	}
	return false;
}

static bool parse_l4(struct nat_pkt *p, enum nat_side side)
{
	uint32_t payload = p->ip_len - p->ihl;
	uint16_t id;

	switch (p->proto) {
	case NAT_TCP:
		p->l4_index = NAT_L4_TCP;
		if (p->l4_len < 20 || (uint32_t)(p->l4[12] >> 4) * 4 < 20 ||
		    (uint32_t)(p->l4[12] >> 4) * 4 > payload)
			return false;
		break;
	case NAT_UDP:
		p->l4_index = NAT_L4_UDP;
		if (p->l4_len < 8)
			return false;
		break;
	case NAT_ICMP:
		p->l4_index = NAT_L4_ICMP;
		if (p->l4_len < 8)
			return false;
		id = vd_load16(p->l4 + 4);
		p->sport = side == NAT_INSIDE ? id : 0;
		p->dport = side == NAT_OUTSIDE ? id : 0;
		return true;
	default:
		p->l4_index = NO_PORTS;
		return true;
	}
	p->sport = vd_load16(p->l4);
	p->dport = vd_load16(p->l4 + 2);
	return true;
}

static bool parse(struct nat_frame *f, enum nat_side side, struct nat_pkt *p)
{
	uint8_t *ip = f->l3;
	uint32_t frag, offset;

	*p = (struct nat_pkt){.f = f, .ip = ip, .l4_index = NO_PORTS};
	if (f->len < 20 || ip[0] >> 4 != 4)
		return false;
	p->ihl = (uint32_t)(ip[0] & 15) * 4;
	p->ip_len = nat_be16(vd_load16(ip + 2));
	if (p->ihl < 20 || p->ihl > f->len || p->ip_len < p->ihl || p->ip_len > f->total ||
	    source_routed(ip, p->ihl))
		return false;
	p->l4 = ip + p->ihl;
	p->l4_len = (p->ip_len < f->len ? p->ip_len : f->len) - p->ihl;
	p->proto = ip[9];
	p->src = vd_load32(ip + 12);
	p->dst = vd_load32(ip + 16);
	frag = nat_be16(vd_load16(ip + 6));
	offset = (frag & 0x1fff) * 8;
	p->later_fragment = offset > 0;
	p->first_fragment = !offset && frag & MORE_FRAGMENTS;
	/* beyond the longest packet, or with a hole behind it: only attackers send those */
	if ((p->later_fragment || p->first_fragment) &&
	    (f->gso || p->ip_len == p->ihl || offset + p->ip_len > 65535 ||
	     (frag & MORE_FRAGMENTS && (p->ip_len - p->ihl) & 7)))
		return false;
	return p->later_fragment || parse_l4(p, side);
}

/* ---- sending on ---- */

void nat_deliver_out(struct nat_xlat *x, struct nat_frame *f, uint32_t dst)
{
	if (nat_addr_find(x, dst) < 0)
		f->verdict = NAT_TO_OUTSIDE;
	else if (x->conf->c.hairpin)
		nat_slow(x, NAT_OUTSIDE, f, true);
	else
		nat_drop(x, f, NAT_R_DESTINATION);
}

/* Returns false when @p was answered or dropped because it does not fit the link on side @to. */
static bool fits(struct nat_xlat *x, enum nat_side side, enum nat_side to, struct nat_pkt *p)
{
	uint32_t len = p->ip_len, l4;

	if (p->f->gso) {
		l4 = p->proto == NAT_TCP ? (uint32_t)(p->l4[12] >> 4) * 4 : 8;
		len = p->ihl + l4 + p->f->gso;
	}
	if (len <= x->mtu[to])
		return true;
	if (!(vd_load16(p->ip + 6) & nat_be16(DONT_FRAGMENT)) && !p->f->gso) {
		p->f->flags |= NAT_F_FRAGMENT;
		return true;
	}
	nat_answer(x, side, p, NAT_A_TOO_BIG, NAT_R_TOO_BIG);
	return false;
}

static bool has_hops(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p)
{
	if (p->from_hairpin || p->ip[8] > 1)
		return true;
	nat_answer(x, side, p, NAT_A_TTL, NAT_R_TTL);
	return false;
}

static uint32_t spend_hop(struct nat_pkt *p)
{
	if (p->from_hairpin)
		return 0;
	p->ip[8]--;
	return NAT_TTL_DELTA;
}

static struct nat_frag_key frag_key(const struct nat_pkt *p, enum nat_side side)
{
	return (struct nat_frag_key){.src = p->src,
				     .dst = p->dst,
				     .id = vd_load16(p->ip + 4),
				     .proto = p->proto,
				     .side = (uint8_t)side};
}

static void set_ip_id(struct nat_pkt *p, uint16_t id)
{
	uint16_t old = vd_load16(p->ip + 4);

	vd_store16(p->ip + 4, id);
	vd_store16(p->ip + 10, nat_csum_change(vd_load16(p->ip + 10), nat_delta16(old, id)));
}

/* What the first fragment's translation decided is noted for the others. */
static void note_first(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p, uint32_t addr)
{
	struct nat_frag_key key = frag_key(p, side);
	struct nat_frag *d = nat_frags_get(&x->frags, &key, x->now, true);
	uint16_t id = key.id;

	/* hosts that share an address must not share identifications (RFC 6864) */
	if (side == NAT_INSIDE) {
		id = d && d->v.state == NAT_FRAG_KNOWN ? d->v.id : ++x->ip_id;
		set_ip_id(p, id);
	}
	if (d)
		d->v = (struct nat_frag_verdict){.addr = addr, .id = id, .state = NAT_FRAG_KNOWN};
}

/* Change the packet as session @s says, and send it on. */
static void translate(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p,
		      struct nat_session *s)
{
	bool out = side == NAT_INSIDE, partial = p->f->flags & NAT_F_PARTIAL;
	uint32_t dst = p->dst, addr = out ? s->out_ip : s->in_ip;
	uint16_t d_addr = out ? s->d_addr : nat_delta_undo(s->d_addr);
	uint16_t d_l4 = out ? s->d_l4 : nat_delta_undo(s->d_l4);
	uint16_t port = out ? s->out_port : s->in_port;
	uint16_t mss_mtu = x->mtu[0] < x->mtu[1] ? x->mtu[0] : x->mtu[1];

	nat_rewrite_ip(p->ip, out ? 12 : 16, addr, d_addr + spend_hop(p));
	if (p->proto == NAT_ICMP) {
		uint16_t d = nat_delta16(vd_load16(p->l4 + 4), port);

		vd_store16(p->l4 + 4, port);
		vd_store16(p->l4 + 2, nat_csum_change(vd_load16(p->l4 + 2), d));
	} else {
		nat_rewrite_l4(p->l4, p->proto, out ? 0 : 2, port, d_addr, d_l4, partial);
		if (x->clamp_mss && p->proto == NAT_TCP && p->l4[13] & TCP_SYN)
			nat_tcp_clamp(p, mss_mtu, partial);
	}
	if (p->first_fragment)
		note_first(x, side, p, addr);
	if (!p->from_hairpin)
		x->translated[side]++;
	if (out)
		nat_deliver_out(x, p->f, dst);
	else
		p->f->verdict = NAT_TO_INSIDE;
}

/* Addresses alone: one-to-one maps. Stateless, whatever the protocol. */
static void translate_addr(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p, uint32_t addr)
{
	bool out = side == NAT_INSIDE, partial = p->f->flags & NAT_F_PARTIAL;
	uint32_t dst = p->dst, at = 0;
	uint16_t d = nat_delta32(out ? p->src : p->dst, addr);

	if (!has_hops(x, side, p) || !fits(x, side, out ? NAT_OUTSIDE : NAT_INSIDE, p))
		return;
	nat_rewrite_ip(p->ip, out ? 12 : 16, addr, d + spend_hop(p));
	switch (p->proto) {
	case NAT_TCP:
		at = 16;
		break;
	case NAT_UDP:
	case 33:  /* DCCP */
	case 136: /* UDP-Lite: whatever it covers, it covers the addresses */
		at = 6;
		break;
	}
	if (at && !p->later_fragment && p->l4_len >= at + 2) {
		uint16_t csum = vd_load16(p->l4 + at);

		if (partial)
			csum = nat_csum_change_partial(csum, d);
		else if (p->proto != NAT_UDP || csum)
			csum = nat_csum_change(csum, d);
		if (p->proto == NAT_UDP && !partial && csum == 0 && vd_load16(p->l4 + at))
			csum = 0xffff;
		vd_store16(p->l4 + at, csum);
	}
	if (!p->from_hairpin)
		x->translated[side]++;
	if (out)
		nat_deliver_out(x, p->f, dst);
	else
		p->f->verdict = NAT_TO_INSIDE;
}

/* Destinations that are reached as they are. */
static bool exempt(const struct nat_xlat *x, uint32_t ip)
{
	for (unsigned int i = 0; i < x->conf->c.n_no_translate; i++)
		if ((ip & x->conf->exempt[i].mask) == x->conf->exempt[i].addr)
			return true;
	return false;
}

static void pass(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p)
{
	uint32_t d;

	if (!has_hops(x, side, p) || !fits(x, side, !side, p))
		return;
	d = spend_hop(p);
	vd_store16(p->ip + 10, nat_csum_change(vd_load16(p->ip + 10), d));
	p->f->verdict = side == NAT_INSIDE ? NAT_TO_OUTSIDE : NAT_TO_INSIDE;
}

/* ---- sessions ---- */

/* A packet of @s: what it does to the session's state and life. */
static void touch(struct nat_xlat *x, enum nat_side side, const struct nat_pkt *p,
		  struct nat_session *s)
{
	bool keep = true;

	if (p->proto == NAT_TCP)
		keep = nat_tcp_packet(s, side, p->l4[13]);
	else if (side == NAT_OUTSIDE)
		keep = p->proto == NAT_UDP && x->inbound_refresh;
	if (!keep)
		return;
	if (side == NAT_INSIDE)
		s->seen_out = x->now;
	else
		s->seen_in = x->now;
}

/* The live session with these keys; one whose time is over ends here. */
static struct nat_session *live_session(struct nat_xlat *x, enum nat_kind kind, uint64_t addrs,
					uint32_t ports, uint8_t proto)
{
	uint32_t n = nat_session_find(x, kind, addrs, ports, proto);

	if (n == NAT_NONE)
		return NULL;
	if (!nat_session_expired(x, &x->sessions[n]))
		return &x->sessions[n];
	nat_session_end(x, n);
	x->expired++;
	return NULL;
}

static struct nat_session *find_session(struct nat_xlat *x, enum nat_side side,
					const struct nat_pkt *p)
{
	return live_session(x, side == NAT_INSIDE ? NAT_K_OUT : NAT_K_IN, nat_pair(p->src, p->dst),
			    nat_pair16(p->sport, p->dport), p->proto);
}

static uint8_t first_state(const struct nat_pkt *p, enum nat_side side)
{
	if (p->proto == NAT_TCP)
		return nat_tcp_first_state(side, p->l4[13]);
	if (p->proto == NAT_ICMP)
		return NAT_ST_ICMP;
	return nat_be16(p->dport) == DNS_PORT && side == NAT_INSIDE ? NAT_ST_UDP_DNS : NAT_ST_UDP;
}

/* May this packet be the first of a session? Only queries ask for an answer, only a SYN opens; what
 * carries data is taken up in the middle (the other end lives on through our restart). */
static bool may_begin(const struct nat_pkt *p)
{
	if (p->proto == NAT_ICMP)
		return p->l4[0] == 8 || p->l4[0] == 13;
	if (p->proto == NAT_TCP)
		return !(p->l4[13] & TCP_RST) && (p->l4[13] & (TCP_SYN | TCP_FIN)) != TCP_FIN;
	return true;
}

static void refuse(struct nat_xlat *x, struct nat_pkt *p, struct nat_host *h, enum nat_reason why)
{
	enum nat_answer a = NAT_A_ADMIN;

	if (why == NAT_R_EXHAUSTED || why == NAT_R_TABLE_FULL)
		a = NAT_A_HOST;
	if (h)
		nat_host_quota_event(x, h,
				     why == NAT_R_EXHAUSTED ? NAT_EV_PORTS_EXHAUSTED
							    : NAT_EV_QUOTA_EXCEEDED,
				     p->proto);
	nat_answer(x, NAT_INSIDE, p, a, why);
}

/* A mapping for @p's inside endpoint: the one it has, or a new one. NAT_NONE with *@why. */
static uint32_t mapping_for(struct nat_xlat *x, const struct nat_pkt *p, struct nat_host *h,
			    enum nat_reason *why)
{
	uint32_t m = nat_binding_find(x, p->proto, p->src, p->sport);
	struct nat_binding proto = {
		.in_ip = p->src, .in_port = nat_be16(p->sport), .proto = p->proto};

	if (m != NAT_NONE)
		return m;
	proto.out_port = nat_ports_alloc(x, h, p->l4_index, proto.in_port, why);
	if (!proto.out_port)
		return NAT_NONE;
	proto.addr = h->addr;
	m = nat_binding_new(x, &proto);
	*why = NAT_R_TABLE_FULL;
	if (m == NAT_NONE)
		return NAT_NONE;
	nat_ports_own(&x->addrs[h->addr], p->l4_index, proto.out_port, m);
	h->n_ports[p->l4_index]++;
	return m;
}

/* The outside endpoint for a session to begin from inside. Returns false with *@why. */
static bool outside_endpoint(struct nat_xlat *x, const struct nat_pkt *p, struct nat_session *s,
			     enum nat_reason *why)
{
	struct nat_host *h = &x->hosts[s->host];
	const struct nat_binding *m;
	uint16_t port;

	s->map = NAT_NONE;
	if (x->conf->overload && p->proto != NAT_ICMP)
		s->map = nat_binding_find(x, p->proto, p->src, p->sport); /* a static one */
	else
		s->map = mapping_for(x, p, h, why);
	if (s->map != NAT_NONE) {
		m = &x->maps[s->map];
		s->out_port = nat_be16(m->out_port);
		if (m->addr != NAT_ADDR_ANY) {
			s->out_ip = x->addrs[m->addr].ip;
			return true;
		}
		if (!nat_ports_pair(x, h)) {
			*why = NAT_R_EXHAUSTED;
			return false;
		}
		s->out_ip = x->addrs[h->addr].ip;
		return true;
	}
	if (!x->conf->overload || p->proto == NAT_ICMP)
		return false;
	port = nat_ports_overload(x, h, s, nat_be16(p->sport), why);
	if (!port)
		return false;
	s->out_ip = x->addrs[h->addr].ip;
	s->out_port = nat_be16(port);
	return true;
}

static void begin_out(struct nat_xlat *x, struct nat_pkt *p)
{
	struct nat_session proto = {.in_ip = p->src,
				    .in_port = p->sport,
				    .rem_ip = p->dst,
				    .rem_port = p->dport,
				    .proto = p->proto},
			   *s;
	struct nat_host *h;
	enum nat_reason why;

	if (!may_begin(p)) {
		nat_drop(x, p->f, NAT_R_NO_SESSION);
		return;
	}
	proto.host = nat_host_get(x, p->src, true);
	if (proto.host == NAT_NONE) {
		refuse(x, p, NULL, NAT_R_TABLE_FULL);
		return;
	}
	h = &x->hosts[proto.host];
	if (!nat_host_may(x, h, false, &why) || !outside_endpoint(x, p, &proto, &why)) {
		refuse(x, p, h, why);
		return;
	}
	proto.state = first_state(p, NAT_INSIDE);
	if (nat_addr_find(x, p->dst) >= 0)
		proto.flags |= NAT_S_HAIRPIN;
	s = nat_session_begin(x, &proto, &why);
	if (!s) {
		if (proto.map != NAT_NONE && x->maps[proto.map].n_sessions == 0)
			nat_binding_release(x, proto.map, true);
		refuse(x, p, h, why);
		return;
	}
	translate(x, NAT_INSIDE, p, s);
}

/* ---- fragments behind their first ---- */

static void follow(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p)
{
	struct nat_frag_key key = frag_key(p, side);
	struct nat_frag *d = nat_frags_get(&x->frags, &key, x->now, true);
	uint32_t offset = (nat_be16(vd_load16(p->ip + 6)) & 0x1fffu) * 8, dst = p->dst, sum;
	bool out = side == NAT_INSIDE;

	/* one that reaches into the header could undo what was decided by it (RFC 1858) */
	if (!d || d->v.state == NAT_FRAG_REFUSED || offset < (p->proto == NAT_TCP ? 20u : 8u)) {
		nat_drop(x, p->f, NAT_R_FRAGMENT);
		return;
	}
	if (d->v.state == NAT_FRAG_PENDING) {
		if (nat_frags_wait(&x->frags, d, p->f))
			p->f->verdict = NAT_HELD;
		else
			nat_drop(x, p->f, NAT_R_FRAGMENT);
		return;
	}
	if (!has_hops(x, side, p) || !fits(x, side, out ? NAT_OUTSIDE : NAT_INSIDE, p))
		return;
	sum = spend_hop(p) + nat_delta32(out ? p->src : p->dst, d->v.addr);
	nat_rewrite_ip(p->ip, out ? 12 : 16, d->v.addr, sum);
	set_ip_id(p, d->v.id);
	if (out)
		nat_deliver_out(x, p->f, dst);
	else
		p->f->verdict = NAT_TO_INSIDE;
}

static void release_one(struct nat_xlat *x, const struct nat_frame *f)
{
	x->released[(x->released_head + x->n_released++) % NAT_RELEASED] = *f;
}

/* The first fragment has been decided: so are those that waited for it. */
static void after_first(struct nat_xlat *x, enum nat_side side, const struct nat_frag_key *key,
			const struct nat_frame *first, bool from_hairpin)
{
	struct nat_frag *d = nat_frags_get(&x->frags, key, x->now, true);
	struct nat_frame f;

	if (!d)
		return;
	if (d->v.state != NAT_FRAG_KNOWN) /* then it was dropped, or answered */
		d->v.state = NAT_FRAG_REFUSED;
	/* decided now: its own time begins, however long the others have waited */
	d->born = x->now;
	while (x->n_released < NAT_RELEASED && nat_frags_next(&x->frags, d, &f)) {
		nat_slow(x, side, &f, from_hairpin);
		release_one(x, &f);
	}
}

/* ---- from inside ---- */

static bool sane_source(const struct nat_xlat *x, uint32_t src)
{
	const struct nat_conf_copy *c = x->conf;

	if ((src & c->mask) != c->prefix || src == c->gateway)
		return false;
	return c->c.prefix.len >= 31 || (src != c->prefix && src != c->broadcast);
}

/* Unicast, and not this or that end of the machine itself. */
static bool sane_remote(uint32_t ip)
{
	uint32_t a = nat_be32(ip);

	return a >> 24 != 0 && a >> 24 != 127 && a >> 28 < 0xe;
}

static void from_inside(struct nat_xlat *x, struct nat_pkt *p)
{
	const struct nat_conf_copy *c = x->conf;
	struct nat_session *s;
	int own;

	if (!sane_source(x, p->src)) {
		nat_drop(x, p->f, NAT_R_SOURCE);
		return;
	}
	if (p->dst == c->gateway) {
		nat_echo(x, NAT_INSIDE, p);
		return;
	}
	if (!sane_remote(p->dst) || (p->dst & c->mask) == c->prefix) {
		nat_drop(x, p->f, NAT_R_DESTINATION);
		return;
	}
	if (exempt(x, p->dst)) {
		pass(x, NAT_INSIDE, p);
		return;
	}
	if (!p->later_fragment && p->proto == NAT_ICMP && nat_icmp_is_error(p->l4[0])) {
		nat_icmp_error(x, NAT_INSIDE, p);
		return;
	}
	own = nat_addr_of_inside(x, p->src);
	if (own >= 0 && (p->later_fragment || p->l4_index == NO_PORTS ||
			 nat_binding_find(x, p->proto, p->src, p->sport) == NAT_NONE)) {
		translate_addr(x, NAT_INSIDE, p, x->addrs[own].ip);
		return;
	}
	if (p->later_fragment) {
		follow(x, NAT_INSIDE, p);
		return;
	}
	if (p->l4_index == NO_PORTS) {
		nat_answer(x, NAT_INSIDE, p, NAT_A_PROTOCOL, NAT_R_PROTOCOL);
		return;
	}
	s = find_session(x, NAT_INSIDE, p);
	if (!has_hops(x, NAT_INSIDE, p) ||
	    !fits(x, NAT_INSIDE, nat_addr_find(x, p->dst) >= 0 ? NAT_INSIDE : NAT_OUTSIDE, p))
		return;
	if (!s) {
		begin_out(x, p);
		return;
	}
	touch(x, NAT_INSIDE, p, s);
	translate(x, NAT_INSIDE, p, s);
}

/* ---- from outside ---- */

static enum nat_filtering filter_of(const struct nat_xlat *x, uint8_t proto)
{
	return proto == NAT_TCP ? x->conf->c.filter_tcp : x->conf->c.filter_udp;
}

/* May @p, which belongs to no session, come in through mapping @m? */
static bool admitted(struct nat_xlat *x, const struct nat_binding *m, const struct nat_pkt *p)
{
	if (m->flags & NAT_B_STATIC)
		return nat_prefix_has(x->conf->c.maps[m->conf].remote, nat_be32(p->src));
	switch (filter_of(x, p->proto)) {
	case NAT_FILTER_ENDPOINT:
		return true;
	case NAT_FILTER_ADDRESS:
		return nat_session_in_group(x, m, p->dst, p->dport, p->src);
	default:
		return false;
	}
}

static void begin_in(struct nat_xlat *x, struct nat_pkt *p, uint32_t map)
{
	const struct nat_binding *m = &x->maps[map];
	struct nat_session proto = {.in_ip = m->in_ip,
				    .in_port = nat_be16(m->in_port),
				    .out_ip = p->dst,
				    .out_port = p->dport,
				    .rem_ip = p->src,
				    .rem_port = p->sport,
				    .proto = p->proto,
				    .map = map,
				    .flags = NAT_S_INBOUND | (p->from_hairpin ? NAT_S_HAIRPIN : 0)},
			   *s;
	enum nat_reason why = NAT_R_FILTERED;

	if (m->flags & NAT_B_ORPHAN || !admitted(x, m, p))
		goto drop;
	why = NAT_R_NO_SESSION;
	/* by another of our addresses: the VM's answers could not be told apart, and those of the first would go astray */
	if (!may_begin(p) || live_session(x, NAT_K_OUT, nat_pair(proto.in_ip, proto.rem_ip),
					  nat_pair16(proto.in_port, proto.rem_port), p->proto))
		goto drop;
	if (!has_hops(x, NAT_OUTSIDE, p) || !fits(x, NAT_OUTSIDE, NAT_INSIDE, p))
		return;
	why = NAT_R_TABLE_FULL;
	proto.host = nat_host_get(x, m->in_ip, true);
	if (proto.host == NAT_NONE || !nat_host_may(x, &x->hosts[proto.host], true, &why))
		goto drop;
	proto.state = first_state(p, NAT_OUTSIDE);
	s = nat_session_begin(x, &proto, &why);
	if (!s)
		goto drop;
	translate(x, NAT_OUTSIDE, p, s);
	return;
drop:
	/* silence: an early SYN of two that open to each other must not be refused (RFC 5382 REQ-4) */
	nat_drop(x, p->f, why);
}

/* No session: a mapping's, a one-to-one address's, or ours. */
static void unknown_from_outside(struct nat_xlat *x, struct nat_pkt *p, const struct nat_addr *a)
{
	uint32_t map = NAT_NONE;

	if (p->l4_index == NAT_L4_TCP || p->l4_index == NAT_L4_UDP)
		map = nat_binding_of_port(x, a, p->l4_index, nat_be16(p->dport));
	if (map != NAT_NONE) {
		begin_in(x, p, map);
		return;
	}
	if (a->one_to_one) {
		translate_addr(x, NAT_OUTSIDE, p, a->one_to_one);
		return;
	}
	if (p->proto == NAT_ICMP && p->l4[0] == 8 && !p->from_hairpin)
		nat_echo(x, NAT_OUTSIDE, p);
	else
		nat_drop(x, p->f, p->l4_index == NO_PORTS ? NAT_R_PROTOCOL : NAT_R_NO_MAPPING);
}

static void from_outside(struct nat_xlat *x, struct nat_pkt *p)
{
	const struct nat_conf_copy *c = x->conf;
	int i = nat_addr_find(x, p->dst);
	struct nat_session *s;

	if (!sane_remote(p->src) || (!p->from_hairpin && ((p->src & c->mask) == c->prefix ||
							  nat_addr_find(x, p->src) >= 0))) {
		nat_drop(x, p->f, NAT_R_SOURCE);
		return;
	}
	if (i < 0) {
		if ((p->dst & c->mask) == c->prefix && exempt(x, p->src))
			pass(x, NAT_OUTSIDE, p);
		else
			nat_drop(x, p->f, NAT_R_DESTINATION);
		return;
	}
	if (!p->later_fragment && p->proto == NAT_ICMP && nat_icmp_is_error(p->l4[0])) {
		nat_icmp_error(x, NAT_OUTSIDE, p);
		return;
	}
	if (p->later_fragment) {
		if (x->addrs[i].one_to_one)
			translate_addr(x, NAT_OUTSIDE, p, x->addrs[i].one_to_one);
		else
			follow(x, NAT_OUTSIDE, p);
		return;
	}
	s = p->l4_index == NO_PORTS ? NULL : find_session(x, NAT_OUTSIDE, p);
	if (!s) {
		unknown_from_outside(x, p, &x->addrs[i]);
		return;
	}
	if (!has_hops(x, NAT_OUTSIDE, p) || !fits(x, NAT_OUTSIDE, NAT_INSIDE, p))
		return;
	touch(x, NAT_OUTSIDE, p, s);
	translate(x, NAT_OUTSIDE, p, s);
}

void nat_slow(struct nat_xlat *x, enum nat_side side, struct nat_frame *f, bool from_hairpin)
{
	struct nat_frag_key key;
	struct nat_pkt p;

	if (!parse(f, side, &p)) {
		nat_drop(x, f, NAT_R_MALFORMED);
		return;
	}
	p.from_hairpin = from_hairpin;
	if (p.first_fragment)
		key = frag_key(&p, side);
	if (side == NAT_INSIDE)
		from_inside(x, &p);
	else
		from_outside(x, &p);
	if (p.first_fragment)
		after_first(x, side, &key, f, from_hairpin);
}
