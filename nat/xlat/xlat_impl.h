/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator's inside.
 *
 *   session   one remote endpoint of one inside endpoint: a cache line that both directions share. All a
 *             packet needs is there. Sessions lie in one array that may outlive the process.
 *   index     two or three pairs a session: by (inside, remote), by (remote, outside), and, for filtering
 *             by address, by (outside, remote address) for the first session of its group
 *   mapping   the outside endpoint of one inside endpoint (or a static map's port); ends with its last
 *             session, unless static. Address-and-port-dependent sessions have none.
 *   host      an inside address: what its limits count, the outside address it is paired with, its
 *             blocks of ports
 *   ports     an outside address and protocol: who owns each port
 *
 * In here addresses and ports are as in the packet (network order), except in the port tables, which are
 * indexed by port number. Time: seconds since some fixed moment, from the caller's milliseconds.
 */
#pragma once

#include "nat/xlat/checksum.h"
#include "nat/xlat/frag.h"
#include "nat/xlat/index.h"
#include "nat/xlat/xlat.h"

#define NAT_ADDRS_MAX (NAT_ADDRESSES_MAX + NAT_PAIRS_MAX)

#define NAT_NONE UINT32_MAX

enum nat_l4 { NAT_L4_UDP, NAT_L4_TCP, NAT_L4_ICMP, NAT_L4_N };

enum nat_state {
	NAT_ST_FREE, /* 0: what fresh memory says */
	NAT_ST_UDP,
	NAT_ST_UDP_DNS,
	NAT_ST_ICMP,
	NAT_ST_TCP_SYN_OUT, /* a SYN from inside, no answer yet */
	NAT_ST_TCP_SYN_IN,
	NAT_ST_TCP_PICKUP_OUT, /* begun in the middle, by the inside; no answer yet */
	NAT_ST_TCP_PICKUP_IN,
	NAT_ST_TCP_ESTABLISHED,
	NAT_ST_TCP_FIN_OUT, /* the inside has finished */
	NAT_ST_TCP_FIN_IN,
	NAT_ST_TCP_CLOSING, /* both have */
	NAT_ST_TCP_RESET,   /* a RST was seen: true or blind, the next packet or the timer tells */
	NAT_STATES,
};

enum nat_session_flags {
	NAT_S_INBOUND = 1, /* begun from outside */
	NAT_S_HAIRPIN = 2, /* the remote endpoint is one of our own addresses */
	NAT_S_GROUPED = 4, /* on the list of sessions of its mapping and remote address */
	NAT_S_INDEXED = 8, /* ... first of it, and found through the index */
	NAT_S_INLINE = 16, /* ... in the group that its mapping names itself */
};

struct nat_session {
	/* in the order of packet headers, so that each direction's key is two loads */
	uint32_t in_ip, rem_ip, out_ip;
	uint16_t in_port, rem_port, out_port;
	uint8_t proto;
	uint8_t state;   /* written last when a session begins, first when it ends */
	uint16_t d_addr; /* deltas of the checksums, inside to outside: of the address ... */
	uint16_t d_l4;   /* ... and of address and port */
	uint32_t seen_out, seen_in; /* when a packet last kept it alive */
	uint32_t created;
	uint32_t map; /* NAT_NONE: none of its own */
	uint32_t host;
	uint32_t next, prev; /* of its group; next: also of the free list */
	uint8_t flags;       /* enum nat_session_flags */
	uint8_t spare[11];
};
_Static_assert(sizeof(struct nat_session) == 64, "one cache line");

/* Pairs in the index: session << 2 | kind */
enum nat_kind { NAT_K_OUT, NAT_K_IN, NAT_K_GROUP };

enum nat_binding_flags {
	NAT_B_STATIC = 1,
	NAT_B_ORPHAN = 2, /* its port is another's now: lives until its sessions end */
	NAT_B_USED = 4,
	NAT_B_KEPT = 8, /* static: the new configuration has it, too */
};

struct nat_binding {
	uint32_t in_ip;
	uint16_t in_port, out_port; /* ports as numbers: they index tables */
	uint16_t addr;              /* of x->addrs; NAT_ADDR_ANY: static, every address */
	uint8_t proto;
	uint8_t flags; /* enum nat_binding_flags */
	uint32_t n_sessions;
	uint32_t group;     /* head of the sessions with ... */
	uint32_t group_rem; /* ... this remote address */
	uint32_t next;      /* of its hash chain, or of the free list */
	uint16_t conf;      /* static: number in conf.maps */
	uint16_t spare;
};
_Static_assert(sizeof(struct nat_binding) == 32, "small");

#define NAT_ADDR_ANY         0xffff
#define NAT_BLOCKS           8
#define NAT_FIRST_BLOCK_PORT 1024
#define NAT_DYNAMIC_PORTS    64512 /* 1024-65535 */

struct nat_host {
	uint32_t ip;
	uint32_t next; /* of its hash chain, or of the free list */
	uint32_t n_sessions, n_inbound, n_ports[NAT_L4_N];
	uint32_t tokens; /* thousandths of a new session */
	uint64_t tokens_ms;
	uint32_t quota_event_s; /* when it was last reported */
	uint16_t addr;          /* paired outside address */
	uint8_t n_blocks;
	bool used;
	struct {
		uint16_t addr, block;
	} blocks[NAT_BLOCKS];
};

/* Who owns a port: 0 nobody, mapping + 1, or NAT_PORT_HELD | next of those released in the same second. */
#define NAT_PORT_HELD UINT32_C(0x80000000)

struct nat_ports {
	uint32_t owner[65536];
	uint64_t busy[65536 / 64]; /* owned, held, or not ours to give */
	uint32_t n_free[2];        /* below 1024, above */
	uint32_t n_total, n_owned;
};

/* Ports that may be given. */
struct nat_range {
	uint16_t min, max;
};

struct nat_addr {
	uint32_t ip;
	uint32_t one_to_one; /* 0: none */
	struct nat_range ranges[NAT_RANGES_MAX];
	unsigned int n_ranges;
	bool used;
	bool gone;   /* sessions still end; nothing new */
	bool forget; /* ... and no session is left that uses it */
	bool fresh;  /* made for a configuration that is not in use yet */
	uint32_t n_hosts;
	uint32_t *blocks; /* [conf.n_blocks] host + 1 */
	struct nat_ports *ports[NAT_L4_N];
};

#define NAT_ADDR_SLOTS 8192 /* a power of two, more than twice the keys */
#define NAT_HOLD_SLOTS 4096 /* seconds */
#define NAT_RELEASED   512

#define NAT_AREAS 8

/* In front of the sessions, in memory that may outlive us. */
struct nat_header {
	uint64_t magic;
	uint32_t high_water; /* no session at or behind */
	uint32_t spare[13];
};
_Static_assert(sizeof(struct nat_header) == 64, "sessions stay aligned");

/* Tokens for what may be done so many times a second, in thousandths. */
struct nat_tokens {
	uint32_t tokens;
	uint64_t ms; /* when they were counted */
};

struct nat_xlat {
	/* what packets need most */
	struct nat_session *sessions;
	struct nat_index index;
	uint64_t seed[2];
	uint32_t now; /* seconds */
	uint32_t timeout[NAT_STATES];
	uint16_t mtu[2];      /* by the side a packet goes to */
	bool inbound_refresh; /* UDP */
	bool clamp_mss;
	struct nat_conf_copy *conf;

	uint64_t now_ms;
	uint64_t random;
	uint32_t max_sessions, n_sessions, high_water, free_session, sweep;
	struct nat_header *header; /* of the sessions' memory */
	struct {
		void *p;
		size_t size;
	} areas[NAT_AREAS];
	unsigned int n_areas;

	struct nat_binding *maps;
	uint32_t n_maps, max_maps, maps_high, free_map;
	uint32_t *map_heads;
	uint32_t *statics; /* mappings of static maps */
	uint32_t n_statics;
	uint32_t map_mask;

	struct nat_host *hosts;
	uint32_t n_hosts, max_hosts, hosts_high, free_host, host_sweep;
	uint32_t *host_heads;
	uint32_t host_mask;

	struct nat_addr addrs[NAT_ADDRS_MAX];
	unsigned int n_addrs;
	uint16_t by_ip[NAT_ADDR_SLOTS]; /* outside and one-to-one inside address -> slot + 1 */
	unsigned int n_gone;
	uint32_t gone_sweep; /* sessions still to look at for those gone */

	uint32_t hold[NAT_HOLD_SLOTS]; /* by the second of release: first port, 0 none */
	uint32_t hold_done;            /* all of earlier seconds are free again */

	struct nat_tokens answers_to[2];       /* by side */
	struct nat_tokens answers_to_one[256]; /* by a hash of the sender */

	struct nat_frags frags;
	struct nat_frame released[NAT_RELEASED];
	unsigned int released_head, n_released;
	uint16_t ip_id;

	struct nat_event *events;
	uint32_t event_mask, event_head, event_tail, event_gap;

	uint64_t translated[2], drops[NAT_R_N], created, expired, answers, answers_limited,
		events_lost;
};

/* An outside address as the configuration wants it. */
struct nat_addr_conf {
	uint32_t ip;
	uint32_t one_to_one;
	struct nat_range ranges[NAT_RANGES_MAX];
	unsigned int n_ranges;
};

/* The configuration with what follows from it; addresses in network order. */
struct nat_conf_copy {
	struct nat_conf c;
	uint32_t prefix, mask, gateway, broadcast;
	uint16_t n_blocks; /* of one address */
	bool overload;     /* a port serves many remotes */
	struct nat_addr_conf *addrs;
	unsigned int n_addrs;
	struct {
		uint32_t addr, mask;
	} exempt[NAT_EXCEPTIONS_MAX];
};

/* A packet taken apart. */
struct nat_pkt {
	struct nat_frame *f;
	uint8_t *ip, *l4;
	uint32_t ihl;
	uint32_t l4_len; /* bytes in one piece from l4, within the packet */
	uint32_t ip_len; /* as the header says */
	uint32_t src, dst;
	uint16_t sport, dport; /* ICMP query: the id as the inside's port, 0 as the remote's */
	uint8_t proto;
	uint8_t l4_index;  /* enum nat_l4 */
	bool from_hairpin; /* has been translated once: TTL is done */
	bool first_fragment;
	bool later_fragment;
};

static inline uint16_t nat_be16(uint16_t v)
{
	return __builtin_bswap16(v);
}

static inline uint32_t nat_be32(uint32_t v)
{
	return __builtin_bswap32(v);
}

/* TTL is the high byte of its word in network order; one less. */
#define NAT_TTL_DELTA ((uint32_t)(uint16_t)~__builtin_bswap16(0x0100))

static inline uint64_t nat_hash_key(const struct nat_xlat *x, uint64_t addrs, uint32_t ports,
				    uint8_t proto, enum nat_kind kind)
{
	return nat_hash(addrs, (uint64_t)ports << 16 | (uint64_t)proto << 8 | kind, x->seed);
}

/* Two words of a header as one load would give them. */
static inline uint64_t nat_pair(uint32_t first, uint32_t second)
{
	return (uint64_t)second << 32 | first;
}

static inline uint32_t nat_pair16(uint16_t first, uint16_t second)
{
	return (uint32_t)second << 16 | first;
}

static inline uint64_t nat_session_hash(const struct nat_xlat *x, const struct nat_session *s,
					enum nat_kind kind)
{
	switch (kind) {
	case NAT_K_OUT:
		return nat_hash_key(x, nat_pair(s->in_ip, s->rem_ip),
				    nat_pair16(s->in_port, s->rem_port), s->proto, NAT_K_OUT);
	case NAT_K_IN:
		return nat_hash_key(x, nat_pair(s->rem_ip, s->out_ip),
				    nat_pair16(s->rem_port, s->out_port), s->proto, NAT_K_IN);
	default:
		return nat_hash_key(x, nat_pair(s->rem_ip, s->out_ip), nat_pair16(0, s->out_port),
				    s->proto, NAT_K_GROUP);
	}
}

/* Idle time: since the last packet that counts. Another worker may be a second ahead of @now. */
static inline uint32_t nat_session_idle(const struct nat_session *s, uint32_t now)
{
	int32_t out = (int32_t)(now - __atomic_load_n(&s->seen_out, __ATOMIC_RELAXED));
	int32_t in = (int32_t)(now - __atomic_load_n(&s->seen_in, __ATOMIC_RELAXED));
	int32_t idle = out < in ? out : in;

	return idle < 0 ? 0 : (uint32_t)idle;
}

static inline bool nat_session_expired_at(const struct nat_xlat *x, const struct nat_session *s,
					  uint32_t now)
{
	return nat_session_idle(s, now) > x->timeout[s->state];
}

static inline bool nat_session_expired(const struct nat_xlat *x, const struct nat_session *s)
{
	return nat_session_expired_at(x, s, x->now);
}

/* Threads read the clock before they wait for each other, so @now_ms may be a little less than last time: what is
 * counted by the time would start anew. Here it never goes back. */
static inline void nat_set_time(struct nat_xlat *x, uint64_t now_ms)
{
	if (now_ms <= x->now_ms)
		return;
	x->now_ms = now_ms;
	x->now = (uint32_t)(now_ms / 1000);
}

uint32_t nat_random(struct nat_xlat *x);

/* session.c */
uint32_t nat_session_find(struct nat_xlat *x, enum nat_kind kind, uint64_t addrs, uint32_t ports,
			  uint8_t proto);
bool nat_session_in_group(struct nat_xlat *x, const struct nat_binding *m, uint32_t out_ip,
			  uint16_t out_port, uint32_t rem_ip);
/** A session as @proto describes it (keys, state, map, host, flags); NULL with *@why. */
struct nat_session *nat_session_begin(struct nat_xlat *x, const struct nat_session *proto,
				      enum nat_reason *why);
void nat_session_end(struct nat_xlat *x, uint32_t number);
void nat_session_restore(struct nat_xlat *x);
void nat_session_event(struct nat_xlat *x, const struct nat_session *s, enum nat_event_type type);

/* binding.c */
uint32_t nat_binding_find(const struct nat_xlat *x, uint8_t proto, uint32_t in_ip,
			  uint16_t in_port_be);
/** The mapping of one port of a static map: @want's ports, inside address, protocol and addr. */
uint32_t nat_binding_find_static(const struct nat_xlat *x, const struct nat_binding *want);
uint32_t nat_binding_new(struct nat_xlat *x, const struct nat_binding *proto);
void nat_binding_unlink(struct nat_xlat *x, uint32_t number);
void nat_binding_free(struct nat_xlat *x, uint32_t number);
/** Its last session ended (@finished: both ends said so). */
void nat_binding_release(struct nat_xlat *x, uint32_t number, bool finished);
/** The mapping that owns @port of @a, or NAT_NONE. */
uint32_t nat_binding_of_port(const struct nat_xlat *x, const struct nat_addr *a, enum nat_l4 l4,
			     uint16_t port);

static inline uint32_t nat_host_ports(const struct nat_host *h)
{
	return h->n_ports[NAT_L4_UDP] + h->n_ports[NAT_L4_TCP] + h->n_ports[NAT_L4_ICMP];
}

static inline enum nat_l4 nat_l4_of(uint8_t proto)
{
	return proto == NAT_TCP ? NAT_L4_TCP : proto == NAT_UDP ? NAT_L4_UDP : NAT_L4_ICMP;
}

/* host.c */
uint32_t nat_host_get(struct nat_xlat *x, uint32_t ip, bool make);
uint32_t nat_host_find(const struct nat_xlat *x, uint32_t ip);
/** May @h begin a session? Takes a token when it may. */
bool nat_host_may(struct nat_xlat *x, struct nat_host *h, bool inbound, enum nat_reason *why);
void nat_host_quota_event(struct nat_xlat *x, struct nat_host *h, enum nat_event_type type,
			  uint8_t proto);
void nat_host_tick(struct nat_xlat *x, unsigned int budget);
void nat_host_unpair(struct nat_xlat *x, struct nat_host *h);
/** Its block number @i is nobody's. */
void nat_host_return_block(struct nat_xlat *x, struct nat_host *h, unsigned int i);
/** Blocks are numbered by their size: before that changes, all go back. Sessions keep their ports. */
void nat_host_forget_blocks(struct nat_xlat *x);

/* ports.c */
int nat_ports_setup(struct nat_xlat *x, struct nat_addr *a);
void nat_ports_done(struct nat_addr *a);
/** A port for @h, @want if it can be had. Return: port > 0, or 0 with *@why. */
uint16_t nat_ports_alloc(struct nat_xlat *x, struct nat_host *h, enum nat_l4 l4, uint16_t want,
			 enum nat_reason *why);
/** Port-dependent mapping: a port of @h's address that no session with @proto's remote endpoint has. */
uint16_t nat_ports_overload(struct nat_xlat *x, struct nat_host *h, const struct nat_session *proto,
			    uint16_t want, enum nat_reason *why);
void nat_ports_own(struct nat_addr *a, enum nat_l4 l4, uint16_t port, uint32_t map);
void nat_ports_release(struct nat_xlat *x, unsigned int addr, enum nat_l4 l4, uint16_t port,
		       bool hold);
void nat_ports_tick(struct nat_xlat *x, unsigned int budget);
/** No port rests any more. */
void nat_ports_wake_all(struct nat_xlat *x);
/** Give @h an outside address if it has none. Return: false: there is none. */
bool nat_ports_pair(struct nat_xlat *x, struct nat_host *h);
bool nat_ports_may_give(const struct nat_addr *a, uint16_t port);
/** @port of a restored mapping, with its block. */
bool nat_ports_adopt(struct nat_xlat *x, uint32_t host, unsigned int addr, enum nat_l4 l4,
		     uint16_t port, uint32_t map);
int nat_det_index(const struct nat_conf *c, uint32_t inside, uint32_t *ret_addr,
		  uint32_t *ret_block);

/* tcp.c */
/** A packet of @s from @side with TCP flags @flags. Return: may it keep the session alive? */
bool nat_tcp_packet(struct nat_session *s, enum nat_side side, uint8_t flags);
uint8_t nat_tcp_first_state(enum nat_side side, uint8_t flags);
void nat_tcp_clamp(struct nat_pkt *p, uint16_t mtu, bool partial);
const char *nat_state_text(uint8_t state);

/* slow.c: everything that is not a plain packet of a live session */
void nat_slow(struct nat_xlat *x, enum nat_side side, struct nat_frame *f, bool from_hairpin);
/** Send on what translation has brought to the outside: to an own address means back in. */
void nat_deliver_out(struct nat_xlat *x, struct nat_frame *f, uint32_t dst);
void nat_drop(struct nat_xlat *x, struct nat_frame *f, enum nat_reason why);
/** Slot of outside address @ip, or -1. */
int nat_addr_find(const struct nat_xlat *x, uint32_t ip);
/** Slot of the address that @inside owns alone, or -1. */
int nat_addr_of_inside(const struct nat_xlat *x, uint32_t inside);
void nat_addr_index(struct nat_xlat *x);

/* icmp.c */
bool nat_icmp_is_error(uint8_t type);
void nat_icmp_error(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p);

/* configure.c */
void nat_conf_copy_free(struct nat_conf_copy *n);

/* answer.c */
enum nat_answer { NAT_A_NONE, NAT_A_TTL, NAT_A_TOO_BIG, NAT_A_HOST, NAT_A_ADMIN, NAT_A_PROTOCOL };
/** Drop @p for @why, with an ICMP error to its sender where rules and rates allow one. */
void nat_answer(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p, enum nat_answer answer,
		enum nat_reason why);
void nat_echo(struct nat_xlat *x, enum nat_side side, struct nat_pkt *p);

/* events.c */
void nat_event_add(struct nat_xlat *x, const struct nat_event *e);
