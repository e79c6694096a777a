/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guards: verdicts. guard_make.c compiles them from the model. */
#include "vswitch/policy/guard.h"

#include <netinet/in.h>

#include "vswitch/policy/dhcp.h"
#include "vswitch/policy/key.h"

#define TYPE_ARP       0x0806
#define TYPE_IPV4      0x0800
#define TYPE_IPV6      0x86dd
#define LLC_MAX        1500 /* EtherTypes up to this are lengths (802.3) */
#define ICMP_REDIRECT  5
#define ICMP_ADVERT    9
#define MLD_QUERY      130
#define MLD_DONE       132
#define ND_RS          133
#define ND_RA          134
#define ND_NS          135
#define ND_NA          136
#define ND_REDIRECT    137
#define MLD2_REPORT    143
#define ND_HEAD        24 /* ICMPv6 header, flags, target */
#define ND_OPTIONS_MAX 16
#define ARP_SIZE       28

#define PASS VSW_DROP_N

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint64_t mac_at(const uint8_t *p)
{
	uint64_t v = 0;

	memcpy(&v, p, 6);
	return v;
}

/* ---- control frames ---- */

/* Protocols between bridges and switches. */
static bool is_control(const struct vsw_guard_frame *f)
{
	uint64_t block = f->dst & UINT64_C(0x00ffffffffff);
	uint8_t last = (uint8_t)(f->dst >> 40);

	switch (f->h->ethertype) {
	case 0x8808: /* pause */
	case 0x8809: /* LACP, marker, OAM */
	case 0x888e: /* 802.1X */
	case 0x88cc: /* LLDP */
	case 0x88f5: /* MVRP */
	case 0x88f6: /* MMRP */
	case 0x8902: /* CFM */
		return true;
	default:
		break;
	}
	/* 01:80:c2:00:00:00-0f (802.1D), :20-2f (GARP, MRP) */
	if (block == UINT64_C(0x000000c28001) && (last <= 0x0f || (last & 0xf0) == 0x20))
		return true;
	/* 01:00:0c:cc:cc:cc CDP, VTP; :cd PVST+; 01:00:0c:cd:cd:cd and others of that vendor */
	if ((f->dst & 0xffffff) == 0x0c0001)
		return true;
	/* a spanning tree frame to any address */
	return f->h->ethertype <= LLC_MAX && f->h->l3 + 3u <= f->len && f->d[f->h->l3] == 0x42 &&
	       f->d[f->h->l3 + 1] == 0x42;
}

/* IP or ARP wrapped in 802.2 SNAP: receivers unwrap it, so it must not pass what looks at EtherTypes. */
static bool is_wrapped(const struct vsw_guard_frame *f)
{
	const uint8_t *p = f->d + f->h->l3;
	uint16_t type;

	if (f->h->ethertype > LLC_MAX || f->h->l3 + 8u > f->len)
		return false;
	if (p[0] != 0xaa || p[1] != 0xaa)
		return p[0] == 0x06; /* LLC's own number for IP */
	type = be16(p + 6);
	return type == TYPE_IPV4 || type == TYPE_IPV6 || type == TYPE_ARP || type == 0x8100 ||
	       type == 0x88a8;
}

/* ---- fragments ---- */

static uint32_t fragment_hash(const struct vsw_headers *h)
{
	uint64_t x = vsw_mix(vd_load64(h->src) ^ h->fragment_id, vd_load64(h->src + 8) | 1) ^
		     vsw_mix(vd_load64(h->dst) + 0x9e3779b97f4a7c15, vd_load64(h->dst + 8) | 1);

	return (uint32_t)x | 1;
}

static void remember(uint32_t *ring, uint32_t *next, uint32_t what)
{
	uint32_t at = __atomic_fetch_add(next, 1, __ATOMIC_RELAXED) % VSW_GUARD_MEMORY;

	__atomic_store_n(&ring[at], what, __ATOMIC_RELAXED);
}

static bool remembered(const uint32_t *ring, uint32_t what)
{
	for (unsigned int i = 0; i < VSW_GUARD_MEMORY; i++)
		if (__atomic_load_n(&ring[i], __ATOMIC_RELAXED) == what)
			return true;
	return false;
}

static bool is_nd(const struct vsw_headers *h)
{
	return h->family == VSW_FAMILY_IPV6 && h->proto == IPPROTO_ICMPV6 &&
	       !(h->flags & VSW_HDR_LATER_FRAGMENT) && h->icmp_type >= ND_RS &&
	       h->icmp_type <= ND_REDIRECT;
}

/* Fragments of ICMPv6 may hide router advertisements and neighbour discovery. */
static bool fragment_hides(struct vsw_guard_state *s, const struct vsw_guard_frame *f)
{
	const struct vsw_headers *h = f->h;

	if (h->family != VSW_FAMILY_IPV6 || !(h->flags & VSW_HDR_FRAGMENT))
		return false;
	if (is_nd(h))
		return true;
	if (h->flags & VSW_HDR_LATER_FRAGMENT) {
		/* of the first extension header only the number is known: it may lead to ICMPv6 */
		if (h->proto == IPPROTO_TCP || h->proto == IPPROTO_UDP || h->proto == IPPROTO_SCTP)
			return false;
		return !remembered(s->fragments, fragment_hash(h));
	}
	if (!f->peek)
		remember(s->fragments, &s->next_fragment, fragment_hash(h));
	return false;
}

/* ---- routers and DHCP servers ---- */

static bool is_router(const struct vsw_headers *h)
{
	if (h->flags & VSW_HDR_LATER_FRAGMENT)
		return false;
	if (h->family == VSW_FAMILY_IPV6)
		return h->proto == IPPROTO_ICMPV6 &&
		       (h->icmp_type == ND_RA || h->icmp_type == ND_REDIRECT);
	return h->family == VSW_FAMILY_IPV4 && h->proto == IPPROTO_ICMP &&
	       (h->icmp_type == ICMP_REDIRECT || h->icmp_type == ICMP_ADVERT);
}

/* The byte @at of the UDP payload, or @missing. */
static uint8_t payload_byte(const struct vsw_guard_frame *f, uint32_t at, uint8_t missing)
{
	uint32_t off = f->h->l4 + 8u + at;

	return off < f->len ? f->d[off] : missing;
}

static bool is_dhcp_server(const struct vsw_guard_frame *f)
{
	const struct vsw_headers *h = f->h;

	if (h->proto != IPPROTO_UDP || !(h->flags & VSW_HDR_PORTS))
		return false;
	if (h->family == VSW_FAMILY_IPV4) {
		if (h->dport == 68)
			return true;
		/* to a relay, or from one of the boot services: a reply says that it is one */
		return (h->dport == 67 || h->sport == 67 || h->sport == 4011) &&
		       payload_byte(f, 0, 2) == 2;
	}
	if (h->dport == 546)
		return true;
	if (h->dport == 547 || h->sport == 547) {
		uint8_t type = payload_byte(f, 0, 7);

		return type == 2 || type == 7 || type == 10 || type == 13;
	}
	return false;
}

/* ---- addresses ---- */

static bool allowed_words(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			  const uint64_t w[2])
{
	for (uint32_t i = 0; i < g->n; i++) {
		const struct vsw_guard_prefix *p = &g->allowed[i];

		if (((w[1] ^ p->w[1]) & p->mask[1]) == 0 && ((w[0] ^ p->w[0]) & p->mask[0]) == 0)
			return true;
	}
	return g->checks & VSW_GUARD_SNOOP && vsw_addrs_find(&s->addrs, w, VSW_ADDR_LEASED);
}

static void words(bool ipv6, const uint8_t *addr, uint64_t ret[2])
{
	ret[0] = ipv6 ? vd_load64(addr) : 0;
	ret[1] = ipv6 ? vd_load64(addr + 8) : vsw_key_v4(addr);
}

static bool unspecified(bool ipv6, const uint64_t w[2])
{
	return ipv6 ? (w[0] | w[1]) == 0 : w[1] >> 32 == 0;
}

/* May the port use @addr: is it pinned or leased, or does the limit leave room? */
static enum vsw_drop may_use(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			     const struct vsw_guard_frame *f, const uint8_t *addr,
			     enum vsw_drop why)
{
	bool ipv6 = f->h->family == VSW_FAMILY_IPV6;
	uint64_t w[2];
	struct vsw_addr_slot *slot;

	words(ipv6, addr, w);
	if (g->checks & VSW_GUARD_PINNED)
		return allowed_words(g, s, w) ? PASS : why;
	slot = vsw_addrs_find(&s->addrs, w, VSW_ADDR_EMPTY);
	if (slot) {
		if (!slot->used)
			slot->used = true;
		return PASS;
	}
	if (f->peek)
		return s->addrs.n < g->address_limit ? PASS : VSW_DROP_ADDRESS_LIMIT;
	return vsw_addrs_add(&s->addrs, w, 128, VSW_ADDR_SEEN, INT64_MAX, g->address_limit)
		       ? VSW_DROP_ADDRESS_LIMIT
		       : PASS;
}

/* 02:bf, 03:bf and 01:00:5e:7f: what Network Load Balancing answers with. */
static bool is_cluster(uint64_t mac48)
{
	return (mac48 & 0xffff) == 0xbf02 || (mac48 & 0xffff) == 0xbf03 ||
	       (mac48 & 0xffffffff) == 0x7f5e0001;
}

static bool own_mac(const struct vsw_gate_guard *g, const struct vsw_guard_frame *f, uint64_t mac48)
{
	return mac48 == f->src || (g->checks & VSW_GUARD_CLUSTER && is_cluster(mac48));
}

static enum vsw_drop check_arp(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			       const struct vsw_guard_frame *f)
{
	const uint8_t *p = f->d + f->h->l3;
	uint64_t sender[2];

	if (f->h->l3 + (uint32_t)ARP_SIZE > f->len || be16(p) != 1 || be16(p + 2) != TYPE_IPV4 ||
	    p[4] != 6 || p[5] != 4)
		return VSW_DROP_ARP_SPOOFING;
	if (g->checks & VSW_GUARD_PINNED && !own_mac(g, f, mac_at(p + 8)))
		return VSW_DROP_ARP_SPOOFING;
	words(false, p + 14, sender);
	/* a probe claims its target (RFC 5227) */
	if (unspecified(false, sender))
		return may_use(g, s, f, p + 24, VSW_DROP_ARP_SPOOFING);
	return may_use(g, s, f, p + 14, VSW_DROP_ARP_SPOOFING);
}

/* Do the link-layer address options name the sender? */
static bool nd_options_good(const struct vsw_gate_guard *g, const struct vsw_guard_frame *f,
			    uint32_t at)
{
	for (unsigned int n = 0; at + 2 <= f->len; n++) {
		uint32_t size = f->d[at + 1] * 8u;

		if (size == 0 || n == ND_OPTIONS_MAX || at + size > f->len)
			return size == 0 && f->d[at] == 0; /* the frame's padding */
		if ((f->d[at] == 1 || f->d[at] == 2) && !own_mac(g, f, mac_at(f->d + at + 2)))
			return false;
		at += size;
	}
	return true;
}

static enum vsw_drop check_nd(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			      const struct vsw_guard_frame *f, bool no_source)
{
	const struct vsw_headers *h = f->h;
	uint8_t type = h->icmp_type;
	uint32_t head = type == ND_RS ? 8 : ND_HEAD;

	if (type != ND_RS && type != ND_NS && type != ND_NA)
		return PASS;
	if (h->l4 + head > f->len)
		return VSW_DROP_ND_SPOOFING;
	if (type == ND_NA || (type == ND_NS && no_source)) {
		enum vsw_drop why = may_use(g, s, f, f->d + h->l4 + 8, VSW_DROP_ND_SPOOFING);

		if (why != PASS)
			return why;
	}
	if (g->checks & VSW_GUARD_PINNED && !nd_options_good(g, f, h->l4 + head))
		return VSW_DROP_ND_SPOOFING;
	return PASS;
}

/* Protocols that have to speak before they have an address. */
static bool may_be_nobody(const struct vsw_headers *h)
{
	if (h->flags & VSW_HDR_LATER_FRAGMENT)
		return false;
	if (h->family == VSW_FAMILY_IPV4)
		return h->proto == IPPROTO_IGMP ||
		       (h->proto == IPPROTO_UDP && h->sport == 68 && h->dport == 67);
	return h->proto == IPPROTO_ICMPV6 &&
	       (h->icmp_type == ND_NS || h->icmp_type == ND_RS || h->icmp_type == MLD2_REPORT ||
		(h->icmp_type > MLD_QUERY && h->icmp_type <= MLD_DONE));
}

static enum vsw_drop check_ip(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			      const struct vsw_guard_frame *f)
{
	const struct vsw_headers *h = f->h;
	bool ipv6 = h->family == VSW_FAMILY_IPV6, nobody;
	enum vsw_drop why;
	uint64_t w[2];

	words(ipv6, h->src, w);
	nobody = unspecified(ipv6, w);
	if (nobody && !may_be_nobody(h))
		return VSW_DROP_IP_SPOOFING;
	why = nobody ? PASS : may_use(g, s, f, h->src, VSW_DROP_IP_SPOOFING);
	if (why == PASS && is_nd(h))
		why = check_nd(g, s, f, nobody);
	return why;
}

static enum vsw_drop check_addresses(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
				     const struct vsw_guard_frame *f)
{
	if (f->h->family != VSW_FAMILY_OTHER)
		return check_ip(g, s, f);
	return f->h->ethertype == TYPE_ARP ? check_arp(g, s, f) : PASS;
}

/* ---- storms ---- */

static bool over(struct vsw_guard_state *s, const struct vsw_gate_guard *g, enum vsw_storm kind,
		 const struct vsw_guard_frame *f)
{
	uint64_t began = __atomic_load_n(&s->window[kind], __ATOMIC_RELAXED), now = f->time;

	if (g->storm[kind] == 0)
		return false;
	if (f->peek)
		return now - began < g->second &&
		       __atomic_load_n(&s->count[kind], __ATOMIC_RELAXED) >= g->storm[kind];
	if (now - began >= g->second &&
	    __atomic_compare_exchange_n(&s->window[kind], &began, now, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		__atomic_store_n(&s->count[kind], 0, __ATOMIC_RELAXED);
	return __atomic_fetch_add(&s->count[kind], 1, __ATOMIC_RELAXED) >= g->storm[kind];
}

static enum vsw_drop check_storm(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
				 const struct vsw_guard_frame *f)
{
	enum vsw_storm kind = VSW_STORM_UNKNOWN;

	if (f->dst == UINT64_C(0xffffffffffff))
		kind = VSW_STORM_BROADCAST;
	else if (f->dst & 1)
		kind = VSW_STORM_MULTICAST;
	else if (!f->unknown)
		return PASS;
	return over(s, g, kind, f) ? VSW_DROP_STORM_LIMIT : PASS;
}

/* ---- all of it ---- */

/* Guards that look into IP must see all of it. */
static enum vsw_drop check_form(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
				const struct vsw_guard_frame *f)
{
	if (!(g->checks & (VSW_GUARD_ROUTER | VSW_GUARD_DHCP | VSW_GUARD_PINNED | VSW_GUARD_LIMIT)))
		return PASS;
	if (f->h->flags & VSW_HDR_BROKEN || is_wrapped(f))
		return VSW_DROP_INVALID_PACKET;
	if (g->checks & (VSW_GUARD_ROUTER | VSW_GUARD_PINNED) && fragment_hides(s, f))
		return g->checks & VSW_GUARD_ROUTER ? VSW_DROP_ROUTER_GUARD : VSW_DROP_ND_SPOOFING;
	return PASS;
}

enum vsw_drop vsw_guard_check(const struct vsw_gate_guard *g, struct vsw_guard_state *s,
			      const struct vsw_guard_frame *f)
{
	enum vsw_drop why;

	if (g->checks & VSW_GUARD_CONTROL && is_control(f))
		return VSW_DROP_BRIDGE_GUARD;
	why = check_form(g, s, f);
	if (why != PASS)
		return why;
	if (g->checks & VSW_GUARD_ROUTER && is_router(f->h))
		return VSW_DROP_ROUTER_GUARD;
	if (g->checks & VSW_GUARD_DHCP && is_dhcp_server(f))
		return VSW_DROP_DHCP_GUARD;
	if (g->checks & (VSW_GUARD_PINNED | VSW_GUARD_LIMIT))
		why = check_addresses(g, s, f);
	if (why == PASS && g->checks & VSW_GUARD_STORM)
		why = check_storm(g, s, f);
	return why;
}

void vsw_guard_learn(const struct vsw_gate_guard *g, struct vsw_guard_state *s, bool ipv6,
		     enum vsw_dir dir, const uint8_t *d, uint32_t len, int64_t now_s)
{
	struct vsw_dhcp msg;

	if (!(ipv6 ? vsw_dhcp6_parse(d, len, &msg) : vsw_dhcp4_parse(d, len, &msg)))
		return;
	/* families have their own transactions */
	msg.xid ^= ipv6 ? 0x80000000u : 0;
	if (dir == VSW_FROM_VM && msg.kind != VSW_DHCP_GRANT) {
		remember(s->asked, &s->next_asked, msg.xid);
		if (msg.kind != VSW_DHCP_RELEASE)
			return;
	} else if (dir != VSW_TO_VM || msg.kind != VSW_DHCP_GRANT ||
		   !remembered(s->asked, msg.xid)) {
		return;
	}
	for (unsigned int i = 0; i < msg.n; i++) {
		const struct vsw_dhcp_grant *p = &msg.grants[i];
		uint64_t w[2];
		uint8_t bits;

		vsw_addrs_words(&p->prefix, w, &bits);
		if (msg.kind == VSW_DHCP_RELEASE || p->lease_s == 0)
			vsw_addrs_remove(&s->addrs, w, bits);
		else
			vsw_addrs_add(&s->addrs, w, bits, VSW_ADDR_LEASED,
				      p->lease_s == VSW_DHCP_FOREVER ? INT64_MAX
								     : now_s + p->lease_s,
				      g->address_limit);
	}
}
