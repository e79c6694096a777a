/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NAT44 translator: one object a NAT network, working on IPv4 packets in memory. Endpoint-independent
 * mappings (or address-and-port-dependent ones, for many users of few addresses), filtering by choice,
 * hairpinning, ICMP errors, fragments in any order. No packet library, no clock, no socket: packets, time
 * and randomness are arguments.
 *
 * A packet is translated where it lies. What happened is in the frame's verdict; the caller moves it on.
 *
 * Sources: RFC 4787 (UDP), 5382 and 7857 (TCP), 5508 (ICMP), 6888 (many users), 1624 (checksums), 6864 (IP
 * identification), 6056 (random ports), 7422 (deterministic blocks), 8158 (events).
 *
 * Addresses and ports are in host byte order in every public struct. Time may be given as less than last time, as
 * threads read the clock before they wait for each other; it then stands still.
 * Thread-safety: none; the caller serialises all calls on one object. No call allocates but
 * create and configure. Proof: tests/unit/nat/xlat, tests/fuzz/fuzz_nat.c, tests/fuzz/fuzz_nat_frag.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/burst.h"
#include "nat/nat_conf.h"

#define NAT_SESSIONS_MAX 8000000
#define NAT_HOSTS_MAX    65536  /* inside addresses with sessions, of one translator */
#define NAT_STATICS_MAX  131072 /* outside ports of all maps together */
#define NAT_BURST        VD_BURST

enum nat_side { NAT_INSIDE, NAT_OUTSIDE };

/* Why a packet was not translated; the table is nat/reasons.def. */
enum nat_reason {
#define NAT_REASON(id, name, what, todo) NAT_R_##id,
#include "nat/xlat/reasons.def"
#undef NAT_REASON
	NAT_R_N,
};

enum nat_verdict {
	NAT_TO_OUTSIDE, /* send it on the outside */
	NAT_TO_INSIDE,
	NAT_DROP, /* for nat_frame.reason */
	NAT_HELD, /* an early fragment: the translator has it; see nat_xlat_released() */
};

enum nat_frame_flags {
	NAT_F_PARTIAL = 1, /* in: the L4 checksum field holds only the sum of the pseudo-header, not
			     * complemented */
	NAT_F_ANSWER = 2,  /* out: the frame was made into an answer; len and total are new, no
			     * offload request is left */
	NAT_F_FRAGMENT = 4, /* out: longer than the link's MTU, and may be fragmented */
};

struct nat_frame {
	uint8_t *l3;    /* the IPv4 header */
	uint32_t len;   /* bytes in one piece from l3 */
	uint32_t room;  /* bytes that may be written from l3, >= len */
	uint32_t total; /* bytes from l3 in all pieces */
	uint16_t gso;   /* payload bytes of each segment of a super-frame; 0: none */
	uint8_t flags;  /* enum nat_frame_flags */
	uint8_t verdict;
	uint8_t reason; /* enum nat_reason, with NAT_DROP */
	void *cookie;   /* the caller's */
};

struct nat_xlat;

/** Bytes that sessions need; see @memory below. */
size_t nat_xlat_memory_size(uint32_t max_sessions);

/**
 * Make a translator. Of @conf it uses what concerns packets: prefix, gateway, external, maps, pairs,
 * no_translate, filtering, limits, blocks, timeouts, log.what, and so on.
 *
 * @mtu     of the links, by enum nat_side.
 * @memory  where sessions are kept: nat_xlat_memory_size() bytes, 64-byte aligned, zero or what an earlier
 *          translator left there (also one that died: every state of it is restorable). NULL: private.
 *          Must stay as long as the object.
 * @now_ms  monotonic across the lives of @memory (boot time).
 * @seed    of hashes and random ports.
 * Return:  0; -EINVAL a value out of range; -ENOMEM.
 */
int nat_xlat_create(const struct nat_conf *conf, const uint16_t mtu[2], void *memory,
		    uint64_t now_ms, uint64_t seed, struct nat_xlat **ret);

/** Accepts NULL. Held fragments must have been taken back (nat_xlat_drain). */
void nat_xlat_destroy(struct nat_xlat *x);

/**
 * Use @conf from now on. Sessions keep the endpoints they have until they end, except those of
 * outside addresses that are gone. limits.total_sessions stays what it was. -EINVAL, -ENOMEM: then
 * nothing has changed.
 */
int nat_xlat_configure(struct nat_xlat *x, const struct nat_conf *conf, const uint16_t mtu[2],
		       uint64_t now_ms);

/** Translate @n (<= NAT_BURST) packets that came from @side. */
void nat_xlat_run(struct nat_xlat *x, enum nat_side side, struct nat_frame *f, unsigned int n,
		  uint64_t now_ms);

/**
 * The same for as many of them, from the first on, as are plain packets of live sessions: for these nothing changes but
 * when their session was last seen. Several threads may do so at once, as long as nobody calls anything else. Counts
 * nothing. Return: how many are translated; the rest are as they came.
 */
unsigned int nat_xlat_run_plain(const struct nat_xlat *x, enum nat_side side, struct nat_frame *f,
				unsigned int n, uint64_t now_ms);

/** Fragments that waited for their first one, and were decided by the last run or tick. Return: number;
 *  call until 0. */
unsigned int nat_xlat_released(struct nat_xlat *x, struct nat_frame *out, unsigned int n);

/** Before the object ends: every held fragment becomes released, as dropped. */
void nat_xlat_drain(struct nat_xlat *x);

/** Look at up to @budget sessions for age, and release what has rested. Cheap; call often. */
void nat_xlat_tick(struct nat_xlat *x, uint64_t now_ms, unsigned int budget);

struct nat_xlat_stats {
	uint64_t translated[2];    /* by the side they came from */
	uint64_t drops[NAT_R_N];   /* by reason */
	uint64_t created, expired; /* sessions */
	uint64_t answers, answers_limited;
	uint64_t events_lost;
	uint32_t sessions, sessions_max;
	uint32_t mappings, hosts;
	uint32_t ports_used[3], ports_total[3]; /* UDP, TCP, ICMP queries */
	uint32_t fragments_held;
	uint64_t memory; /* bytes in use for sessions, mappings and look-up */
};
/** Sessions that nat_xlat_tick() has to look at in one round. */
uint32_t nat_xlat_span(const struct nat_xlat *x);

void nat_xlat_stats_get(const struct nat_xlat *x, struct nat_xlat_stats *ret);

struct nat_session_info {
	uint8_t proto;
	uint32_t inside, outside, remote;
	uint16_t inside_port, outside_port, remote_port; /* ICMP: the query id */
	const char *state;                               /* "established", ... */
	uint32_t age_s, idle_s, timeout_s;
	bool inbound; /* begun from outside */
};

/** The first session at or after *@cursor; advances it. Return: false at the end. */
bool nat_xlat_session_next(const struct nat_xlat *x, uint32_t *cursor, uint64_t now_ms,
			   struct nat_session_info *ret);

/** End the session that nat_xlat_session_next() has just returned with this *cursor. */
void nat_xlat_session_kill(struct nat_xlat *x, uint32_t cursor, uint64_t now_ms);

/* The numbers are those of natEvent in RFC 8158. */
enum nat_event_type {
	NAT_EV_GAP = 0, /* not of the RFC: @count events were lost here */
	NAT_EV_ADDRESSES_EXHAUSTED = 3,
	NAT_EV_SESSION_CREATE = 4,
	NAT_EV_SESSION_DELETE = 5,
	NAT_EV_PORTS_EXHAUSTED = 12,
	NAT_EV_QUOTA_EXCEEDED = 13,
	NAT_EV_ADDRESS_BOUND = 14, /* one-to-one, by configuration: the translator makes none */
	NAT_EV_ADDRESS_UNBOUND = 15,
	NAT_EV_BLOCK_ALLOC = 16,
	NAT_EV_BLOCK_FREE = 17,
};

struct nat_event {
	uint64_t time_ms;
	uint8_t type;
	uint8_t proto;
	uint16_t inside_port, outside_port, remote_port; /* blocks: outside_port is the first one */
	uint32_t inside, outside, remote;
	uint32_t count; /* of ports in a block, of lost events */
};

/** Take up to @n events, oldest first. */
unsigned int nat_xlat_events(struct nat_xlat *x, struct nat_event *out, unsigned int n);

/**
 * Deterministic blocks, by arithmetic alone (RFC 7422): who has @port of @addr, or which ports has
 * @inside. Return: 0; -ENOENT: nobody; -EINVAL: @conf is not deterministic.
 */
int nat_deterministic_owner(const struct nat_conf *conf, uint32_t addr, uint16_t port,
			    uint32_t *ret_inside);
int nat_deterministic_block(const struct nat_conf *conf, uint32_t inside, uint32_t *ret_addr,
			    uint16_t *ret_first, uint16_t *ret_n);
