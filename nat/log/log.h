/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a NAT network logs, as bytes: JSON lines, and IPFIX messages of RFC 7011 with the NAT events of RFC 8158. And
 * the way back: from lines of the log to who had an outside port at some time.
 *
 * Every function writes into memory of the caller, bounded; none blocks, allocates or asks for the time.
 * Here nat_event.time_ms is UTC, in milliseconds since 1970; numbers are in host byte order.
 * Thread-safety: none shared. Proof: tests/unit/nat/test_log.c, tests/fuzz/fuzz_nat_log.c, tests/net/nat-log.test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nat/nat_conf.h"
#include "nat/xlat/xlat.h"

/* ---- JSON lines ---- */

#define NAT_LOG_LINE_MAX 4096 /* bytes of a line, with its newline */
#define NAT_TIME_SIZE    25   /* "2026-11-21T09:51:43.123Z" */

/** Write @e of network @nat as a line. @destinations: with the remote endpoint. Return: bytes, newline
 *  included; 0: nothing that is logged. */
size_t nat_log_line(const char *nat, const struct nat_event *e, bool destinations, char *buf,
		    size_t size);

/** A session's beginning and end are all that is written of deterministic networks: from now on blocks of ports follow
 *  from @c (RFC 7422); or no longer, where @c is not deterministic. */
size_t nat_log_parameters(const struct nat_conf *c, uint64_t time_ms, char *buf, size_t size);

/** The log begins (@sessions: how many there are already), or ends in good order. Between an end and a beginning nothing
 *  is missing; without an end something may be. */
size_t nat_log_start(const char *nat, uint64_t time_ms, uint32_t sessions, char *buf, size_t size);
size_t nat_log_stop(const char *nat, uint64_t time_ms, char *buf, size_t size);

/** "2026-11-21T09:51:43.123Z" */
const char *nat_time_format(uint64_t time_ms, char buf[NAT_TIME_SIZE]);
/** That form, with or without fraction, with Z or an offset as +01:00; or "@" and seconds since 1970. -EINVAL. */
int nat_time_parse(const char *text, uint64_t *ret_ms);

/* ---- IPFIX ---- */

#define NAT_IPFIX_SIZE 1252 /* with headers of IPv4 and UDP below every usual MTU */

/** One message under construction. */
struct nat_ipfix {
	uint8_t bytes[NAT_IPFIX_SIZE];
	size_t n;
	size_t set;       /* where the open set begins; 0: none */
	uint16_t set_id;  /* ... and its number */
	uint32_t records; /* data records: what the sequence number counts */
	uint32_t domain;  /* observation domain, and natInstanceID */
	bool destinations;
};

/** @sequence: data records of this domain before this message (RFC 7011 3.1). */
void nat_ipfix_begin(struct nat_ipfix *m, uint32_t domain, uint32_t sequence, uint64_t time_ms,
		     bool destinations);
/** The templates; first of all in a message. */
void nat_ipfix_templates(struct nat_ipfix *m);
/** Return: false: @e does not fit any more: send what there is, begin the next one. Events that IPFIX has no record
 *  for are taken and leave nothing. */
bool nat_ipfix_add(struct nat_ipfix *m, const struct nat_event *e);
/** Return: bytes to send. */
size_t nat_ipfix_end(struct nat_ipfix *m);

/* ---- who had it? ---- */

#define NAT_LOOKUP_ROWS 64

struct nat_lookup_row {
	const char *how; /* "session", "block", "one-to-one", "deterministic" */
	uint8_t proto;   /* 0: every one */
	uint32_t inside, remote;
	uint16_t inside_port, remote_port; /* 0: not known */
	uint16_t port_first, port_last;    /* outside */
	uint64_t since_ms, until_ms;       /* until: 0: it still has it */
	bool uncertain;                    /* the log has a gap in between */
	uint32_t n;                        /* sessions that are open now */
};

/** A search. Fill in what is looked for, the rest is zero; then give it all lines, oldest first. */
struct nat_lookup {
	const char *nat;
	uint32_t addr;
	uint16_t port;
	uint8_t proto; /* 0: every one */
	uint64_t at_ms;
	/* the answer */
	struct nat_lookup_row rows[NAT_LOOKUP_ROWS];
	unsigned int n_rows;
	bool more;    /* there would have been more rows */
	bool stopped; /* the last line of the network was a good end ... */
	uint64_t stopped_ms;
	uint64_t
		parameters_ms; /* of the deterministic parameters in force at that time; 0: the log knows none */
	uint32_t inside; /* ... and whom they name; 0: nobody */
	uint16_t port_first, port_last;
	uint64_t parameters_until_ms;
};

/** One line without its end; what is not of our log is passed over. */
void nat_lookup_line(struct nat_lookup *l, const char *line, size_t size);
/** After the last line: rows that do not cover the time go, the deterministic one comes. */
void nat_lookup_end(struct nat_lookup *l);
