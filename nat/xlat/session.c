/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions: beginning, finding, ending, and taking over what an earlier life left in their memory. */
#include "nat/xlat/xlat_impl.h"

uint32_t nat_random(struct nat_xlat *x)
{
	/* splitmix64: a secret start, every step mixed */
	uint64_t z = x->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((z ^ z >> 31) >> 16);
}

static bool has_key(const struct nat_session *s, enum nat_kind kind, uint64_t addrs, uint32_t ports,
		    uint8_t proto)
{
	if (s->proto != proto)
		return false;
	switch (kind) {
	case NAT_K_OUT:
		return vd_load64(&s->in_ip) == addrs && vd_load32(&s->in_port) == ports;
	case NAT_K_IN:
		return vd_load64(&s->rem_ip) == addrs && vd_load32(&s->rem_port) == ports;
	default:
		return vd_load64(&s->rem_ip) == addrs && nat_pair16(0, s->out_port) == ports;
	}
}

uint32_t nat_session_find(struct nat_xlat *x, enum nat_kind kind, uint64_t addrs, uint32_t ports,
			  uint8_t proto)
{
	uint64_t h = nat_hash_key(x, addrs, ports, proto, kind);

	for (int k = 0; k < 2; k++) {
		const struct nat_bucket *b =
			k ? nat_index_second(&x->index, h) : nat_index_first(&x->index, h);
		unsigned int m = nat_bucket_match(b, nat_index_tag(h));

		for (; m; m &= m - 1) {
			uint32_t v = b->value[__builtin_ctz(m)];

			if ((v & 3) == kind &&
			    has_key(&x->sessions[v >> 2], kind, addrs, ports, proto))
				return v >> 2;
		}
	}
	return NAT_NONE;
}

/* ---- groups: the sessions of one mapping with one remote address ---- */

static uint32_t group_head(struct nat_xlat *x, const struct nat_binding *m,
			   const struct nat_session *s)
{
	if (m->group != NAT_NONE && m->group_rem == s->rem_ip)
		return m->group;
	return nat_session_find(x, NAT_K_GROUP, nat_pair(s->rem_ip, s->out_ip),
				nat_pair16(0, s->out_port), s->proto);
}

bool nat_session_in_group(struct nat_xlat *x, const struct nat_binding *m, uint32_t out_ip,
			  uint16_t out_port, uint32_t rem_ip)
{
	if (m->group != NAT_NONE && m->group_rem == rem_ip)
		return true;
	return nat_session_find(x, NAT_K_GROUP, nat_pair(rem_ip, out_ip), nat_pair16(0, out_port),
				m->proto) != NAT_NONE;
}

/* Only sessions begun from inside allow anything: what the outside begins opens no door. */
static bool group_join(struct nat_xlat *x, uint32_t n)
{
	struct nat_session *s = &x->sessions[n];
	struct nat_binding *m;
	uint32_t head;

	s->next = s->prev = NAT_NONE;
	if (s->map == NAT_NONE || s->flags & NAT_S_INBOUND || s->proto == NAT_ICMP)
		return true;
	m = &x->maps[s->map];
	head = group_head(x, m, s);
	if (head != NAT_NONE) { /* behind the first */
		struct nat_session *h = &x->sessions[head];

		s->prev = head;
		s->next = h->next;
		if (h->next != NAT_NONE)
			x->sessions[h->next].prev = n;
		h->next = n;
	} else if (m->group == NAT_NONE) {
		m->group = n;
		m->group_rem = s->rem_ip;
		s->flags |= NAT_S_INLINE;
	} else if (nat_index_add(&x->index, nat_session_hash(x, s, NAT_K_GROUP),
				 n << 2 | NAT_K_GROUP)) {
		return false;
	} else {
		s->flags |= NAT_S_INDEXED;
	}
	s->flags |= NAT_S_GROUPED;
	return true;
}

static void group_leave(struct nat_xlat *x, uint32_t n)
{
	struct nat_session *s = &x->sessions[n];
	struct nat_binding *m;

	if (!(s->flags & NAT_S_GROUPED))
		return;
	m = &x->maps[s->map];
	if (s->next != NAT_NONE) {
		x->sessions[s->next].prev = s->prev;
		x->sessions[s->next].flags |= s->flags & (NAT_S_INLINE | NAT_S_INDEXED);
	}
	if (s->prev != NAT_NONE)
		x->sessions[s->prev].next = s->next;
	if (s->flags & NAT_S_INLINE)
		m->group = s->next;
	if (s->flags & NAT_S_INDEXED) {
		uint64_t h = nat_session_hash(x, s, NAT_K_GROUP);

		if (s->next != NAT_NONE)
			nat_index_replace(&x->index, h, n << 2 | NAT_K_GROUP,
					  s->next << 2 | NAT_K_GROUP);
		else
			nat_index_remove(&x->index, h, n << 2 | NAT_K_GROUP);
	}
}

/* ---- begin and end ---- */

void nat_session_event(struct nat_xlat *x, const struct nat_session *s, enum nat_event_type type)
{
	if (x->conf->c.log.what != NAT_LOG_SESSIONS)
		return;
	nat_event_add(x, &(struct nat_event){
				 .type = type,
				 .proto = s->proto,
				 .inside = nat_be32(s->in_ip),
				 .outside = nat_be32(s->out_ip),
				 .remote = nat_be32(s->rem_ip),
				 .inside_port = nat_be16(s->in_port),
				 .outside_port = nat_be16(s->out_port),
				 .remote_port = nat_be16(s->rem_port),
			 });
}

/* Make a filled session findable and count it. */
static bool link_session(struct nat_xlat *x, uint32_t n)
{
	struct nat_session *s = &x->sessions[n];
	uint64_t out = nat_session_hash(x, s, NAT_K_OUT), in = nat_session_hash(x, s, NAT_K_IN);

	s->d_addr = nat_delta32(s->in_ip, s->out_ip);
	s->d_l4 = nat_fold((uint32_t)s->d_addr + nat_delta16(s->in_port, s->out_port));
	s->flags &= (uint8_t) ~(NAT_S_GROUPED | NAT_S_INDEXED | NAT_S_INLINE);
	if (nat_index_add(&x->index, out, n << 2 | NAT_K_OUT) < 0)
		return false;
	if (nat_index_add(&x->index, in, n << 2 | NAT_K_IN) < 0)
		goto no_in;
	if (!group_join(x, n))
		goto no_group;
	x->n_sessions++;
	if (s->map != NAT_NONE)
		x->maps[s->map].n_sessions++;
	if (s->host != NAT_NONE) {
		x->hosts[s->host].n_sessions++;
		x->hosts[s->host].n_inbound += s->flags & NAT_S_INBOUND ? 1 : 0;
	}
	return true;
no_group:
	nat_index_remove(&x->index, in, n << 2 | NAT_K_IN);
no_in:
	nat_index_remove(&x->index, out, n << 2 | NAT_K_OUT);
	return false;
}

struct nat_session *nat_session_begin(struct nat_xlat *x, const struct nat_session *proto,
				      enum nat_reason *why)
{
	uint32_t n = x->free_session;
	struct nat_session *s;

	*why = NAT_R_TABLE_FULL;
	if (n == NAT_NONE && x->high_water == x->max_sessions)
		return NULL;
	if (n == NAT_NONE) {
		n = x->high_water;
		x->header->high_water = n + 1;
		/* nat_xlat_span() looks at it at any time */
		__atomic_store_n(&x->high_water, n + 1, __ATOMIC_RELAXED);
	} else {
		x->free_session = x->sessions[n].next;
	}
	s = &x->sessions[n];
	*s = *proto;
	s->state = NAT_ST_FREE;
	s->seen_out = s->seen_in = s->created = x->now;
	if (!link_session(x, n)) {
		s->next = x->free_session;
		x->free_session = n;
		return NULL;
	}
	/* a life that ends before this leaves no half session behind */
	__atomic_store_n(&s->state, proto->state, __ATOMIC_RELEASE);
	x->created++;
	nat_session_event(x, s, NAT_EV_SESSION_CREATE);
	return s;
}

void nat_session_end(struct nat_xlat *x, uint32_t n)
{
	struct nat_session *s = &x->sessions[n];
	bool finished = s->state == NAT_ST_TCP_CLOSING;

	nat_session_event(x, s, NAT_EV_SESSION_DELETE);
	__atomic_store_n(&s->state, NAT_ST_FREE, __ATOMIC_RELEASE);
	nat_index_remove(&x->index, nat_session_hash(x, s, NAT_K_OUT), n << 2 | NAT_K_OUT);
	nat_index_remove(&x->index, nat_session_hash(x, s, NAT_K_IN), n << 2 | NAT_K_IN);
	group_leave(x, n);
	if (s->host != NAT_NONE) {
		x->hosts[s->host].n_sessions--;
		x->hosts[s->host].n_inbound -= s->flags & NAT_S_INBOUND ? 1 : 0;
	}
	if (s->map != NAT_NONE && --x->maps[s->map].n_sessions == 0)
		nat_binding_release(x, s->map, finished);
	x->n_sessions--;
	s->next = x->free_session;
	x->free_session = n;
}

/* ---- what an earlier life left ---- */

/* The mapping of a session that was found in memory: NAT_NONE with false: there can be none. */
static bool restore_map(struct nat_xlat *x, struct nat_session *s, int addr)
{
	struct nat_addr *a = &x->addrs[addr];
	enum nat_l4 l4 = nat_l4_of(s->proto);
	uint16_t port = nat_be16(s->out_port);
	uint32_t owner = nat_binding_of_port(x, a, l4, port);
	struct nat_binding m = {.in_ip = s->in_ip,
				.in_port = nat_be16(s->in_port),
				.out_port = port,
				.addr = (uint16_t)addr,
				.proto = s->proto};

	if (owner != NAT_NONE) {
		s->map = owner;
		return x->maps[owner].in_ip == s->in_ip && x->maps[owner].in_port == m.in_port;
	}
	if (x->conf->overload && s->proto != NAT_ICMP) {
		s->map = NAT_NONE;
		return true;
	}
	if (nat_binding_find(x, s->proto, s->in_ip, s->in_port) != NAT_NONE ||
	    !nat_ports_may_give(a, port))
		return false;
	s->map = nat_binding_new(x, &m);
	if (s->map == NAT_NONE)
		return false;
	if (nat_ports_adopt(x, s->host, (unsigned int)addr, l4, port, s->map))
		return true;
	nat_binding_unlink(x, s->map);
	nat_binding_free(x, s->map);
	return false;
}

static bool restore_one(struct nat_xlat *x, uint32_t n)
{
	struct nat_session *s = &x->sessions[n];
	int addr = nat_addr_find(x, s->out_ip);
	struct nat_host *h;

	if (s->state >= NAT_STATES || addr < 0 || x->addrs[addr].one_to_one ||
	    (s->in_ip & x->conf->mask) != x->conf->prefix || s->out_port == 0 ||
	    (s->proto != NAT_TCP && s->proto != NAT_UDP && s->proto != NAT_ICMP) ||
	    (s->proto == NAT_TCP) != (s->state >= NAT_ST_TCP_SYN_OUT) ||
	    (int32_t)(x->now - s->seen_out) < 0 || (int32_t)(x->now - s->seen_in) < 0 ||
	    nat_session_expired(x, s))
		return false;
	if (nat_session_find(x, NAT_K_OUT, vd_load64(&s->in_ip), vd_load32(&s->in_port),
			     s->proto) != NAT_NONE ||
	    nat_session_find(x, NAT_K_IN, vd_load64(&s->rem_ip), vd_load32(&s->rem_port),
			     s->proto) != NAT_NONE)
		return false;
	s->host = nat_host_get(x, s->in_ip, true);
	if (s->host == NAT_NONE)
		return false;
	h = &x->hosts[s->host];
	if (h->addr == NAT_ADDR_ANY) { /* paired with what it used */
		h->addr = (uint16_t)addr;
		x->addrs[addr].n_hosts++;
	}
	return restore_map(x, s, addr) && link_session(x, n);
}

void nat_session_restore(struct nat_xlat *x)
{
	x->free_session = NAT_NONE;
	for (uint32_t n = x->high_water; n-- > 0;) {
		struct nat_session *s = &x->sessions[n];

		if (s->state != NAT_ST_FREE && restore_one(x, n))
			continue;
		/* its beginning was logged by the earlier life */
		if (s->state != NAT_ST_FREE && s->state < NAT_STATES)
			nat_session_event(x, s, NAT_EV_SESSION_DELETE);
		s->state = NAT_ST_FREE;
		s->next = x->free_session;
		x->free_session = n;
	}
}
