/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a confined port may still send and receive, compiled for the packet path: a list of peers and a
 * few protocols that a guest needs to find them. Everything else is dropped, in both directions and both
 * families; fragments, too, because what hides in the second one cannot be judged by the first.
 *
 *   restricted  ARP, ND, DHCP as a client; remediation servers; what the switch itself answers
 *   forensic    ARP and ND for the forensic group, and the group
 *   isolated    nothing
 *
 * What the switch answers never leaves it: the portal (where guests report), web pages of others, in place
 * of which the portal's is shown, and questions for names. Its answers do not come by here.
 *
 * Two confined ports cannot exchange a frame: a guest may not claim the address of a peer (ARP sender,
 * ND source or target), and it receives such messages from peers only. Routers are peers for ARP and
 * ND: the policy names them. Of two sets with different peers the caller sees to that: what is nobody's here may
 * be a peer there.
 *
 * What everybody on the link hears carries next to nothing: frames are no longer than what is in them, and ND, MLD and
 * unicast DHCP go where the protocols send them.
 *
 * Pure: headers come parsed, names come resolved. An allow set is immutable; rate limits and "who began"
 * are the caller's: the class of a verdict says which bucket a frame belongs to.
 *
 * Source: RFC 826, 2131, 4861, 3810, 8415. Thread-safety: match: any thread.
 * Proof: tests/unit/nap-policy/test_allow.c, tests/fuzz/fuzz_nap_allow.c.
 */
#pragma once

#include "nap-policy/policy.h"

/** A frame's headers, as the packet path has parsed them. Pointers are into the frame. */
struct nap_frame {
	uint16_t ethertype; /* behind tags */
	uint8_t family;     /* 4, 6, or 0: neither */
	uint8_t proto;      /* behind IPv6's extension headers */
	uint8_t hop_limit;  /* TTL of IPv4 */
	uint8_t tcp_flags, icmp_type, icmp_code;
	bool broken;   /* contradicts itself */
	bool fragment; /* any */
	bool group;    /* sent to a group of stations */
	bool routed;   /* IPv4 options, or an IPv6 routing header: may go elsewhere than it says */
	bool ports;    /* sport and dport are valid */
	uint16_t sport, dport;
	uint32_t size;            /* bytes behind the EtherType, with what fills the frame up */
	uint32_t ip_len;          /* bytes of the IP packet */
	const uint8_t *smac;      /* source MAC address */
	const uint8_t *src, *dst; /* IP addresses: 4 or 16 bytes */
	const uint8_t *
		body; /* behind the last header: of ARP the whole packet, of ICMPv6 its first byte */
	uint32_t body_len; /* bytes that may be read there */
};

enum nap_class {
	NAP_DENY,
	NAP_ALLOW_ARP,
	NAP_ALLOW_ND,
	NAP_ALLOW_DHCP,
	NAP_ALLOW_SERVER,   /* TCP with a remediation server */
	NAP_ALLOW_ANSWER,   /* UDP or echo from one: passes if the guest began */
	NAP_ALLOW_QUESTION, /* UDP or echo to one */
	NAP_ALLOW_ERROR,    /* ICMP errors from peers */
	/* answered by the switch itself, see nap_class_served() */
	NAP_SERVE_LINK,     /* ARP and ND: where is the portal? */
	NAP_SERVE_WEB,      /* TCP to the portal */
	NAP_SERVE_REDIRECT, /* TCP to another's port 80: the portal says why not */
	NAP_SERVE_DNS,      /* questions for names, to whomever */
	NAP_SERVE_RESET,    /* begins TLS with somebody: refused at once, never intercepted */
	NAP_N_CLASSES,
};

/** Does the switch answer frames of class @c itself, in place of letting them pass? */
static inline bool nap_class_served(enum nap_class c)
{
	return c >= NAP_SERVE_LINK && c < NAP_N_CLASSES;
}

/** Frames a second that a class may have; 0: no limit. */
extern const uint16_t nap_class_rate[NAP_N_CLASSES];

#define NAP_PEER_RESOLVE  1 /* may be asked for by ARP and ND */
#define NAP_PEER_PING     2
#define NAP_PEER_INITIATE 4 /* may begin: the ports are the guest's */
#define NAP_PEER_ROUTER   8

struct nap_peer {
	struct vd_prefix to;
	uint8_t flags;
	uint8_t proto; /* 6, 17; 0: no ports, flags only */
	struct nap_port_range ports;
};

struct nap_allow {
	unsigned int refs; /* the control thread's */
	enum nap_access access;
	char check[NAP_NAME_SIZE]; /* why: the check that fails, for people */
	struct nap_portal portal;
	bool dhcp, portals; /* DHCP as a client; portal and built-in resolver */
	struct vd_prefix dhcp_servers[8];
	unsigned int n_dhcp;
	unsigned int n_peers;
	struct nap_peer peers[];
};

/** Addresses of a name, found outside. Returns how many were written to @ret. */
typedef unsigned int (*nap_resolve)(void *ctx, const char *name, struct vd_prefix *ret,
				    unsigned int max);

/**
 * Compile what a port with @access may do. @p may be NULL (isolation without a policy: nothing).
 * @group: of the rule; NAP_NO_GROUP: none. @check: name of the failing check, or NULL.
 * NULL on lack of memory.
 */
struct nap_allow *nap_allow_make(const struct nap_policy *p, enum nap_access access, uint16_t group,
				 const char *check, nap_resolve resolve, void *ctx);
/** @a with @n targets more (of an answer of a policy server); those without an address are left out. Takes @a; on
 *  lack of memory it stays as it was. */
struct nap_allow *nap_allow_with(struct nap_allow *a, const struct nap_target *targets,
				 unsigned int n);
/** @a with one host more that may be found by ARP and ND; @router: and may report errors. Takes @a, as above. */
struct nap_allow *nap_allow_with_host(struct nap_allow *a, const struct vd_prefix *host,
				      bool router);
/** The set that allows nothing; needs no memory, and is never freed. */
struct nap_allow *nap_allow_nothing(void);
struct nap_allow *nap_allow_ref(struct nap_allow *a);
/** Accepts NULL. */
void nap_allow_unref(struct nap_allow *a);
bool nap_allow_equal(const struct nap_allow *a, const struct nap_allow *b);

/** Is @f for the portal @p? NAP_SERVE_LINK, _WEB, _DNS, or NAP_DENY: no. For every port that has one. */
enum nap_class nap_portal_class(const struct nap_portal *p, const struct nap_frame *f);

/** May @f leave the guest? */
enum nap_class nap_allow_from_vm(const struct nap_allow *a, const struct nap_frame *f);
/** May @f go to the guest? */
enum nap_class nap_allow_to_vm(const struct nap_allow *a, const struct nap_frame *f);
