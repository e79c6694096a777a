/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allow set of a confined port: see allow.h. */
#include "nap-policy/allow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ETH_ARP  0x0806
#define ARP_SIZE 28

enum { ICMP = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

/* TCP flags */
#define SYN 0x02
#define ACK 0x10

/* ICMPv6 types (RFC 4861, 3810) */
enum {
	MLD_QUERY = 130,
	MLD_REPORT,
	MLD_DONE,
	ROUTER_SOLICIT,
	ROUTER_ADVERT,
	NEIGHBOUR_SOLICIT,
	NEIGHBOUR_ADVERT,
	MLD2_REPORT = 143
};

const uint16_t nap_class_rate[NAP_N_CLASSES] = {
	[NAP_ALLOW_ARP] = 20,       [NAP_ALLOW_ND] = 40,   [NAP_ALLOW_DHCP] = 10,
	[NAP_ALLOW_ERROR] = 20,     [NAP_SERVE_LINK] = 20, [NAP_SERVE_WEB] = 400,
	[NAP_SERVE_REDIRECT] = 200, [NAP_SERVE_DNS] = 40,  [NAP_SERVE_RESET] = 20,
};

#define PING_LEN_MAX 128 /* bytes of IP packet: an echo is no tunnel */
#define ND_LEN_MAX   128 /* nor is a neighbour message, with any option that a guest needs */
#define MLD_LEN_MAX  512 /* a report of some twenty groups */
#define FILLED_SIZE \
	64 /* bytes behind the EtherType of the shortest frames, with whatever tags were there */

static bool is(const struct vd_prefix *p, const uint8_t *addr)
{
	return !memcmp(p->addr, addr, p->family == 4 ? 4 : 16);
}

static bool inside(const struct vd_prefix *p, uint8_t family, const uint8_t *a)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (p->family != family || memcmp(p->addr, a, bytes))
		return false;
	return !bits || !((p->addr[bytes] ^ a[bytes]) & (0xff00 >> bits & 0xff));
}

/* A peer with one of @flags at @addr? */
static bool peer_has(const struct nap_allow *a, uint8_t family, const uint8_t *addr, uint8_t flags)
{
	for (unsigned int i = 0; i < a->n_peers; i++)
		if (a->peers[i].flags & flags && inside(&a->peers[i].to, family, addr))
			return true;
	return false;
}

static bool is_portal(const struct nap_allow *a, uint8_t family, const uint8_t *addr)
{
	return a->portals && is(family == 4 ? &a->portal.ipv4 : &a->portal.ipv6, addr);
}

/* Somebody whom the guest may not pretend to be. */
static bool resolvable(const struct nap_allow *a, uint8_t family, const uint8_t *addr)
{
	return is_portal(a, family, addr) || peer_has(a, family, addr, NAP_PEER_RESOLVE);
}

static bool is_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* ---- ARP: bytes 8 sender MAC, 14 sender IP, 18 target MAC, 24 target IP ---- */

static bool arp_ok(const struct nap_frame *f)
{
	static const uint8_t head[6] = {0, 1, 8, 0, 6, 4};

	return f->body_len >= ARP_SIZE && !memcmp(f->body, head, sizeof(head)) && f->body[6] == 0 &&
	       (f->body[7] == 1 || f->body[7] == 2) && !memcmp(f->body + 8, f->smac, 6);
}

static enum nap_class arp_from(const struct nap_allow *a, const struct nap_frame *f)
{
	const uint8_t *sender = f->body + 14, *target = f->body + 24;

	if (!arp_ok(f) || resolvable(a, 4, sender))
		return NAP_DENY;
	/* a probe for the address it is about to use (RFC 5227) says nothing to others */
	if (f->body[7] == 1 && is_zero(sender, 4))
		return NAP_ALLOW_ARP;
	return peer_has(a, 4, target, NAP_PEER_RESOLVE) ? NAP_ALLOW_ARP : NAP_DENY;
}

static enum nap_class arp_to(const struct nap_allow *a, const struct nap_frame *f)
{
	return arp_ok(f) && peer_has(a, 4, f->body + 14, NAP_PEER_RESOLVE) ? NAP_ALLOW_ARP
									   : NAP_DENY;
}

/* ---- neighbour discovery and multicast listeners ---- */

static const uint8_t all_routers[16] = {0xff, 2, [15] = 2};
static const uint8_t all_listeners[16] = {0xff, 2, [15] = 0x16};

static bool is_addr6(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 16);
}

/* The group of those who may have @target (RFC 4291 2.7.1). */
static bool is_solicited(const uint8_t *dst, const uint8_t *target)
{
	static const uint8_t head[13] = {0xff, 2, [11] = 1, [12] = 0xff};

	return !memcmp(dst, head, sizeof(head)) && !memcmp(dst + 13, target + 13, 3);
}

/* The target of a neighbour message, or NULL. */
static const uint8_t *nd_target(const struct nap_frame *f)
{
	return f->body_len >= 24 ? f->body + 8 : NULL;
}

/* A listener's report: to those who route groups, or in the old form to the group. */
static bool mld_from(const struct nap_frame *f)
{
	if (f->hop_limit != 1 || f->ip_len > MLD_LEN_MAX)
		return false;
	if (f->icmp_type == MLD_REPORT)
		return f->dst[0] == 0xff && f->ip_len <= ND_LEN_MAX;
	return is_addr6(f->dst, f->icmp_type == MLD_DONE ? all_routers : all_listeners);
}

static bool solicit_from(const struct nap_allow *a, const struct nap_frame *f)
{
	const uint8_t *target = nd_target(f);

	if (!target || resolvable(a, 6, f->src))
		return false;
	/* unspecified source: is my own address taken? */
	if (is_zero(f->src, 16))
		return is_solicited(f->dst, target);
	return peer_has(a, 6, target, NAP_PEER_RESOLVE) &&
	       (is_addr6(f->dst, target) || is_solicited(f->dst, target));
}

static bool advert_from(const struct nap_allow *a, const struct nap_frame *f)
{
	const uint8_t *target = nd_target(f);

	return target && !resolvable(a, 6, target) && !resolvable(a, 6, f->src) &&
	       peer_has(a, 6, f->dst, NAP_PEER_RESOLVE);
}

static bool nd_from(const struct nap_allow *a, const struct nap_frame *f)
{
	if (f->icmp_type == MLD_REPORT || f->icmp_type == MLD_DONE || f->icmp_type == MLD2_REPORT)
		return mld_from(f);
	if (f->hop_limit != 255 || f->ip_len > ND_LEN_MAX)
		return false;
	switch (f->icmp_type) {
	case ROUTER_SOLICIT:
		return is_addr6(f->dst, all_routers) || peer_has(a, 6, f->dst, NAP_PEER_ROUTER);
	case NEIGHBOUR_SOLICIT:
		return solicit_from(a, f);
	case NEIGHBOUR_ADVERT:
		return advert_from(a, f);
	default:
		return false;
	}
}

static bool nd_to(const struct nap_allow *a, const struct nap_frame *f)
{
	switch (f->icmp_type) {
	case MLD_QUERY:
		return f->hop_limit == 1 && peer_has(a, 6, f->src, NAP_PEER_ROUTER);
	case ROUTER_ADVERT:
		return f->hop_limit == 255 && peer_has(a, 6, f->src, NAP_PEER_ROUTER);
	case NEIGHBOUR_SOLICIT:
	case NEIGHBOUR_ADVERT:
		return f->hop_limit == 255 && peer_has(a, 6, f->src, NAP_PEER_RESOLVE);
	default:
		return false;
	}
}

/* ---- DHCP ---- */

/* Does the policy name servers of @family, and is @addr one? */
static bool named_dhcp(const struct nap_allow *a, uint8_t family, const uint8_t *addr, bool *any)
{
	*any = false;
	for (unsigned int i = 0; i < a->n_dhcp; i++) {
		if (a->dhcp_servers[i].family != family)
			continue;
		*any = true;
		if (is(&a->dhcp_servers[i], addr))
			return true;
	}
	return false;
}

static bool dhcp_ports(const struct nap_allow *a, const struct nap_frame *f, bool from)
{
	uint16_t client = f->family == 4 ? 68 : 546, server = f->family == 4 ? 67 : 547;

	return a->dhcp && f->proto == UDP && f->ports && f->sport == (from ? client : server) &&
	       f->dport == (from ? server : client);
}

/* To everybody. To one only where it is known: an address that nobody names might be anybody's in the world. Clients
 * whose server does not answer ask everybody again. */
static bool dhcp_from(const struct nap_allow *a, const struct nap_frame *f)
{
	static const uint8_t all4[4] = {255, 255, 255, 255};
	static const uint8_t agents6[16] = {0xff, 2, [13] = 1, [15] = 2};
	bool any;

	if (!dhcp_ports(a, f, true))
		return false;
	if (!memcmp(f->dst, f->family == 4 ? all4 : agents6, f->family == 4 ? 4 : 16))
		return true;
	return named_dhcp(a, f->family, f->dst, &any) ||
	       (!any && peer_has(a, f->family, f->dst, NAP_PEER_RESOLVE));
}

static bool dhcp_to(const struct nap_allow *a, const struct nap_frame *f)
{
	bool any;

	return dhcp_ports(a, f, false) && (named_dhcp(a, f->family, f->src, &any) || !any);
}

/* ---- what the switch answers ---- */

enum nap_class nap_portal_class(const struct nap_portal *p, const struct nap_frame *f)
{
	const uint8_t *target = nd_target(f);

	if (f->broken || f->fragment)
		return NAP_DENY;
	if (f->ethertype == ETH_ARP)
		return arp_ok(f) && f->body[7] == 1 && is(&p->ipv4, f->body + 24) &&
				       !is(&p->ipv4, f->body + 14)
			       ? NAP_SERVE_LINK
			       : NAP_DENY;
	if (!f->family)
		return NAP_DENY;
	if (f->family == 6 && f->proto == ICMP6)
		return f->icmp_type == NEIGHBOUR_SOLICIT && f->hop_limit == 255 && target &&
				       is(&p->ipv6, target) && !is(&p->ipv6, f->src)
			       ? NAP_SERVE_LINK
			       : NAP_DENY;
	if (!f->ports || !is(f->family == 4 ? &p->ipv4 : &p->ipv6, f->dst))
		return NAP_DENY;
	if (f->proto == TCP && f->dport == 80)
		return NAP_SERVE_WEB;
	return f->dport == 53 && (f->proto == TCP || f->proto == UDP) ? NAP_SERVE_DNS : NAP_DENY;
}

static bool to_one(const struct nap_frame *f)
{
	return f->family == 4 ? f->dst[0] < 224 : f->dst[0] != 0xff;
}

/* To somebody else: what is answered all the same. */
static enum nap_class instead(const struct nap_frame *f)
{
	if (!f->ports || !to_one(f))
		return NAP_DENY;
	if (f->dport == 53 && (f->proto == UDP || f->proto == TCP))
		return NAP_SERVE_DNS;
	if (f->proto == TCP && f->dport == 80)
		return NAP_SERVE_REDIRECT;
	return f->proto == TCP && (f->dport == 443 || f->dport == 853) &&
			       (f->tcp_flags & (SYN | ACK)) == SYN
		       ? NAP_SERVE_RESET
		       : NAP_DENY;
}

/* ---- servers ---- */

static bool in_range(const struct nap_port_range *r, uint16_t port)
{
	return port >= r->first && port <= r->last;
}

/* @theirs, @ours: ports of the peer and of the guest; @opens: the first packet of a TCP connection. */
static enum nap_class server(const struct nap_allow *a, const struct nap_frame *f,
			     const uint8_t *addr, uint16_t theirs, uint16_t ours, bool from)
{
	bool opens = f->proto == TCP && (f->tcp_flags & (SYN | ACK)) == SYN;

	for (unsigned int i = 0; f->ports && i < a->n_peers; i++) {
		const struct nap_peer *p = &a->peers[i];

		if (p->proto != f->proto || !p->proto || !inside(&p->to, f->family, addr))
			continue;
		/* it may begin: then the port is one of the guest's */
		if (p->flags & NAP_PEER_INITIATE && in_range(&p->ports, ours) && !(opens && from))
			return NAP_ALLOW_SERVER;
		if (!in_range(&p->ports, theirs) || (opens && !from))
			continue;
		if (f->proto == TCP)
			return NAP_ALLOW_SERVER;
		return from ? NAP_ALLOW_QUESTION : NAP_ALLOW_ANSWER;
	}
	return NAP_DENY;
}

/* Echo, small ones, and errors that a peer reports. */
static enum nap_class icmp(const struct nap_allow *a, const struct nap_frame *f,
			   const uint8_t *addr, bool from)
{
	bool v4 = f->proto == ICMP;
	uint8_t ask = v4 ? 8 : 128, answer = v4 ? 0 : 129;
	bool error = v4 ? f->icmp_type == 3 || f->icmp_type == 11 || f->icmp_type == 12
			: f->icmp_type >= 1 && f->icmp_type <= 4;

	if (f->icmp_type == (from ? ask : answer) && f->ip_len <= PING_LEN_MAX &&
	    peer_has(a, f->family, addr, NAP_PEER_PING))
		return from ? NAP_ALLOW_QUESTION : NAP_ALLOW_ANSWER;
	if (error && !from && peer_has(a, f->family, addr, NAP_PEER_RESOLVE | NAP_PEER_ROUTER))
		return NAP_ALLOW_ERROR;
	return NAP_DENY;
}

static enum nap_class passing(const struct nap_allow *a, const struct nap_frame *f, bool from)
{
	const uint8_t *peer = from ? f->dst : f->src;
	uint16_t theirs = from ? f->dport : f->sport, ours = from ? f->sport : f->dport;
	enum nap_class c = NAP_DENY;

	/* what is for one is sent to one */
	if (from && f->group && to_one(f))
		return NAP_DENY;
	if (f->family == 6 && f->proto == ICMP6 && (from ? nd_from(a, f) : nd_to(a, f)))
		return NAP_ALLOW_ND;
	if (from ? dhcp_from(a, f) : dhcp_to(a, f))
		return NAP_ALLOW_DHCP;
	if (f->proto == (f->family == 4 ? ICMP : ICMP6))
		c = icmp(a, f, peer, from);
	return c == NAP_DENY ? server(a, f, peer, theirs, ours, from) : c;
}

static enum nap_class ip(const struct nap_allow *a, const struct nap_frame *f, bool from)
{
	enum nap_class c;

	if (f->fragment)
		return NAP_DENY;
	/* nobody speaks as a peer but the peer */
	if (from && resolvable(a, f->family, f->src))
		return NAP_DENY;
	c = passing(a, f, from);
	return c == NAP_DENY && from && a->portals ? instead(f) : c;
}

/* Nothing behind the packet but what fills the frame up, and no way but the one it says. */
static bool is_plain(const struct nap_frame *f)
{
	uint32_t in_it = f->ethertype == ETH_ARP ? ARP_SIZE : f->ip_len;

	return !f->routed && (f->size <= FILLED_SIZE || f->size <= in_it);
}

enum nap_class nap_allow_from_vm(const struct nap_allow *a, const struct nap_frame *f)
{
	enum nap_class c;

	if (f->broken || a->access == NAP_ISOLATED)
		return NAP_DENY;
	c = a->portals ? nap_portal_class(&a->portal, f) : NAP_DENY;
	if (c != NAP_DENY)
		return c;
	if (!is_plain(f))
		return NAP_DENY;
	if (f->ethertype == ETH_ARP)
		return arp_from(a, f);
	return f->family ? ip(a, f, true) : NAP_DENY;
}

enum nap_class nap_allow_to_vm(const struct nap_allow *a, const struct nap_frame *f)
{
	if (f->broken || a->access == NAP_ISOLATED)
		return NAP_DENY;
	if (f->ethertype == ETH_ARP)
		return arp_to(a, f);
	return f->family ? ip(a, f, false) : NAP_DENY;
}

/* ---- making one ---- */

#define ADDRESSES_MAX 16 /* of one name */

struct build {
	struct nap_allow *a;
	unsigned int room;
};

static void add(struct build *b, const struct vd_prefix *to, uint8_t flags, uint8_t proto,
		struct nap_port_range ports)
{
	if (b->a->n_peers == b->room) {
		unsigned int room = b->room ? 2 * b->room : 16;
		struct nap_allow *a = realloc(b->a, sizeof(*a) + room * sizeof(a->peers[0]));

		if (!a)
			return; /* smaller than asked for: closed, not open */
		b->a = a;
		b->room = room;
	}
	b->a->peers[b->a->n_peers] =
		(struct nap_peer){.flags = flags, .proto = proto, .ports = ports};
	b->a->peers[b->a->n_peers++].to = *to;
}

static void add_target(struct build *b, const struct nap_target *t, const struct vd_prefix *to)
{
	uint8_t flags = (uint8_t)(NAP_PEER_RESOLVE | (t->ping ? NAP_PEER_PING : 0));
	uint8_t began = t->initiate ? NAP_PEER_INITIATE : 0;

	add(b, to, flags, 0, (struct nap_port_range){0, 0});
	for (unsigned int i = 0; i < t->n_tcp; i++)
		add(b, to, began, TCP, t->tcp[i]);
	for (unsigned int i = 0; i < t->n_udp; i++)
		add(b, to, began, UDP, t->udp[i]);
}

static void add_group(struct build *b, const struct nap_group *g, nap_resolve resolve, void *ctx)
{
	for (unsigned int i = 0; i < g->n_targets; i++) {
		const struct nap_target *t = &g->targets[i];
		struct vd_prefix found[ADDRESSES_MAX];
		unsigned int n;

		if (t->to.family) {
			add_target(b, t, &t->to);
			continue;
		}
		n = resolve ? resolve(ctx, t->name, found, ADDRESSES_MAX) : 0;
		for (unsigned int k = 0; k < n; k++)
			add_target(b, t, &found[k]);
	}
}

static void add_restricted(struct build *b, const struct nap_policy *p, uint16_t group,
			   nap_resolve resolve, void *ctx)
{
	static const struct nap_port_range dns = {53, 53};

	b->a->dhcp = b->a->portals = true;
	b->a->n_dhcp = p->n_dhcp;
	memcpy(b->a->dhcp_servers, p->dhcp, sizeof(p->dhcp));
	for (unsigned int i = 0; i < p->n_dhcp; i++)
		add(b, &p->dhcp[i], NAP_PEER_RESOLVE, 0, (struct nap_port_range){0, 0});
	for (unsigned int i = 0; i < p->n_dns; i++) {
		add(b, &p->dns[i], NAP_PEER_RESOLVE, UDP, dns);
		add(b, &p->dns[i], NAP_PEER_RESOLVE, TCP, dns);
	}
	if (group < p->n_groups)
		add_group(b, &p->groups[group], resolve, ctx);
}

struct nap_allow *nap_allow_make(const struct nap_policy *p, enum nap_access access, uint16_t group,
				 const char *check, nap_resolve resolve, void *ctx)
{
	struct build b = {.a = calloc(1, sizeof(struct nap_allow))};

	if (!b.a)
		return NULL;
	b.a->refs = 1;
	b.a->access = access;
	if (p)
		b.a->portal = p->portal;
	snprintf(b.a->check, sizeof(b.a->check), "%s", check ? check : "");
	if (!p || (access != NAP_RESTRICTED && access != NAP_INSPECTED))
		return b.a;
	for (unsigned int i = 0; i < p->n_gateways; i++)
		add(&b, &p->gateways[i], NAP_PEER_RESOLVE | NAP_PEER_ROUTER, 0,
		    (struct nap_port_range){0, 0});
	if (access == NAP_RESTRICTED)
		add_restricted(&b, p, group, resolve, ctx);
	else if (p->forensic_group < p->n_groups)
		add_group(&b, &p->groups[p->forensic_group], resolve, ctx);
	return b.a;
}

struct nap_allow *nap_allow_with(struct nap_allow *a, const struct nap_target *targets,
				 unsigned int n)
{
	struct build b = {.a = a, .room = a->n_peers};

	for (unsigned int i = 0; i < n; i++)
		if (targets[i].to.family)
			add_target(&b, &targets[i], &targets[i].to);
	return b.a;
}

struct nap_allow *nap_allow_with_host(struct nap_allow *a, const struct vd_prefix *host,
				      bool router)
{
	struct build b = {.a = a, .room = a->n_peers};

	add(&b, host, (uint8_t)(NAP_PEER_RESOLVE | (router ? NAP_PEER_ROUTER : 0)), 0,
	    (struct nap_port_range){0, 0});
	return b.a;
}

struct nap_allow *nap_allow_nothing(void)
{
	static struct nap_allow nothing = {.refs = 1, .access = NAP_ISOLATED};

	return &nothing; /* its first reference is never given back */
}

struct nap_allow *nap_allow_ref(struct nap_allow *a)
{
	a->refs++;
	return a;
}

void nap_allow_unref(struct nap_allow *a)
{
	if (a && --a->refs == 0)
		free(a);
}

static bool same_peer(const struct nap_peer *a, const struct nap_peer *b)
{
	return a->flags == b->flags && a->proto == b->proto && a->ports.first == b->ports.first &&
	       a->ports.last == b->ports.last && a->to.family == b->to.family &&
	       a->to.len == b->to.len && !memcmp(a->to.addr, b->to.addr, 16);
}

bool nap_allow_equal(const struct nap_allow *a, const struct nap_allow *b)
{
	if (!a || !b)
		return a == b;
	if (a->access != b->access || strcmp(a->check, b->check) || a->dhcp != b->dhcp ||
	    a->portals != b->portals || a->n_dhcp != b->n_dhcp || a->n_peers != b->n_peers ||
	    memcmp(a->dhcp_servers, b->dhcp_servers, sizeof(a->dhcp_servers)) ||
	    memcmp(a->portal.ipv4.addr, b->portal.ipv4.addr, 16) ||
	    memcmp(a->portal.ipv6.addr, b->portal.ipv6.addr, 16))
		return false;
	for (unsigned int i = 0; i < a->n_peers; i++)
		if (!same_peer(&a->peers[i], &b->peers[i]))
			return false;
	return true;
}
