/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A translator in a small world: inside 10.0.0.0/24, outside 203.0.113.1 and more, time by hand. Packets
 * are written and judged byte by byte, with checksums computed in full: another way than the code under test.
 */
#pragma once

#include <CUnit/CUnit.h>
#include <stdlib.h>
#include <string.h>

#include "nat/xlat/xlat.h"
#include "tests/unit/tap.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define VM(n)          IP(10, 0, 0, n)
#define GATEWAY        VM(1)
#define OUT(n)         IP(203, 0, 113, n)
#define REMOTE(n)      IP(198, 51, 100, n)

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

/* Filled in by kit_world(); change conf, then kit_start(). */
struct world {
	struct nat_conf conf;
	struct nat_external external[8];
	struct nat_map maps[8];
	struct nat_pair pairs[4];
	uint16_t mtu[2];
	struct nat_xlat *x;
	void *memory; /* of sessions; NULL: private */
	uint64_t now_ms;
};

struct packet {
	uint8_t proto; /* NAT_UDP by default */
	uint32_t src, dst;
	uint16_t sport, dport; /* ICMP: type and code, id */
	uint8_t flags, ttl, tos;
	uint16_t id;
	bool df, partial, no_checksum;
	uint16_t gso, mss;
	uint16_t payload; /* bytes */
	uint16_t offset;  /* of a fragment, bytes */
	bool more;
	uint8_t options;     /* words of IP options */
	const uint8_t *data; /* the payload itself; NULL: a pattern */
	void *cookie;
};

struct result {
	uint8_t verdict, reason;
	uint8_t flags; /* enum nat_frame_flags */
	struct packet p;
	bool sums_good; /* every checksum, or pseudo-header sum where that is due */
	uint8_t bytes[4096];
	uint32_t size;
	void *cookie;
};

void kit_world(struct world *w);
void kit_start(struct world *w);
void kit_stop(struct world *w);
/** Pass @s seconds, letting the translator look at everything. */
void kit_pass(struct world *w, uint32_t s);

uint32_t kit_write(const struct packet *p, uint8_t *buf);
void kit_read(const struct nat_frame *f, struct result *r);
/** One packet through the translator. */
struct result kit_send(struct world *w, enum nat_side side, struct packet p);
struct result kit_send_bytes(struct world *w, enum nat_side side, uint8_t *bytes, uint32_t size);
/** The next released fragment; false: none. */
bool kit_released(struct world *w, struct result *r);

/** From inside, UDP or TCP SYN; expects it to get out. */
struct result kit_out(struct world *w, uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst,
		      uint16_t dport);
/** From outside; expects nothing. */
struct result kit_in(struct world *w, uint8_t proto, uint32_t src, uint16_t sport, uint32_t dst,
		     uint16_t dport);
struct result kit_tcp(struct world *w, enum nat_side side, uint8_t flags, uint32_t src,
		      uint16_t sport, uint32_t dst, uint16_t dport);
/** A TCP connection from inside with its handshake; returns its outside port. */
uint16_t kit_connect(struct world *w, uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport);
/** An ICMP error of @type and @code from @from to @to that quotes @quoted. */
struct result kit_error(struct world *w, enum nat_side side, uint8_t type, uint8_t code,
			uint32_t from, uint32_t to, const struct packet *quoted,
			uint32_t quote_size);
uint16_t kit_sum(const uint8_t *p, uint32_t n, uint32_t start);
unsigned int kit_events(struct world *w, struct nat_event *out, unsigned int n);
struct nat_xlat_stats kit_stats(const struct world *w);

#define DROPPED_FOR(r, why)                               \
	do {                                              \
		CU_ASSERT_EQUAL((r).verdict, NAT_DROP);   \
		CU_ASSERT_EQUAL((r).reason, NAT_R_##why); \
	} while (0)
