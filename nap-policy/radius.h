/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RADIUS attributes that speak of health: those of an outside policy server's answer, those of our
 * question, and those of a change of authorization. Attributes only: packets, secrets and sockets are
 * of sources/.
 *
 * An answer that is not fully understood restricts: a filter that nobody knows, an attribute that nobody
 * expects, a VLAN that is half said.
 *
 * Source: RFC 2865, 2868, 4849, 5176, MS-RNAP 2.2.1. Thread-safety: pure functions.
 * Proof: tests/unit/nap-policy/test_radius.c, tests/fuzz/fuzz_nap_carriers.c.
 */
#pragma once

#include "nap-policy/report.h"

#define NAP_RADIUS_SIZE_MAX  4096u
#define NAP_RADIUS_TEXT_SIZE 254u

enum nap_radius_code {
	NAP_ACCESS_REQUEST = 1,
	NAP_ACCESS_ACCEPT = 2,
	NAP_ACCESS_REJECT = 3,
	NAP_DISCONNECT = 40,
	NAP_COA = 43,
};

/** MS-Quarantine-State */
enum nap_radius_state { NAP_RADIUS_FULL, NAP_RADIUS_QUARANTINE, NAP_RADIUS_PROBATION };

struct nap_radius_answer {
	int state;                         /* enum nap_radius_state; -1: not said */
	uint32_t grace_s;                  /* MS-Quarantine-Grace-Time: Unix time; 0: none */
	uint32_t timeout_s;                /* Session-Timeout; 0: none */
	uint32_t extended;                 /* Extended-Quarantine-State */
	uint16_t vlan;                     /* 1-4094; 0: none */
	char filter[NAP_RADIUS_TEXT_SIZE]; /* Filter-Id; "": none */
	char rules[1024]; /* NAS-Filter-Rule, put together: rules end with a line feed */
	uint8_t ipv4[16][4], ipv6[8][16]; /* remediation servers */
	uint8_t n_ipv4, n_ipv6;
	bool authenticated;  /* has a Message-Authenticator (to be verified by the caller) */
	const char *problem; /* why it restricts although it may say otherwise; NULL: it is clear */
	uint16_t sohr_size;
	uint8_t sohr[NAP_RADIUS_SIZE_MAX];
};

/** Read the attributes of an Access-Accept. Return: 0; -EBADMSG: lengths that contradict each other. */
int nap_radius_parse(const uint8_t *attrs, size_t size, struct nap_radius_answer *ret);

/** What the answer says of the port's health: one fact, "radius", compliant or not. An answer that filters
 *  does not accept. */
void nap_radius_facts(const struct nap_radius_answer *a, struct nap_time now,
		      struct nap_report *ret);

/** A question. Texts of the wire are at most 253 bytes. */
struct nap_radius_question {
	const char *user;    /* User-Name */
	const char *nas;     /* NAS-Identifier */
	const char *port;    /* NAS-Port-Id */
	const char *mac;     /* Calling-Station-Id, "02-00-.." */
	const char *session; /* Acct-Session-Id */
	const uint8_t *soh;  /* or NULL */
	size_t soh_size;
};

/** Write the attributes of an Access-Request. Returns their size; 0: too small. */
size_t nap_radius_build(const struct nap_radius_question *q, uint8_t *buf, size_t size);

/** A Disconnect-Request or CoA-Request. */
struct nap_coa {
	char port[NAP_RADIUS_TEXT_SIZE];    /* NAS-Port-Id; "": not given */
	char mac[NAP_RADIUS_TEXT_SIZE];     /* Calling-Station-Id */
	char session[NAP_RADIUS_TEXT_SIZE]; /* Acct-Session-Id */
	char nas[NAP_RADIUS_TEXT_SIZE];     /* NAS-Identifier */
	int64_t timestamp_s;                /* Event-Timestamp; 0: none */
	int state;                          /* MS-Quarantine-State; -1: not given */
	char filter[NAP_RADIUS_TEXT_SIZE];  /* Filter-Id; "": none */
	uint8_t ipv4[16][4], ipv6[8][16];   /* remediation servers */
	uint8_t n_ipv4, n_ipv6;
	int error; /* Error-Cause to answer with; 0: it can be obeyed */
};

/** Read the attributes of a request of @code. Return: 0 (@ret->error may be set); -EBADMSG. */
int nap_coa_parse(uint8_t code, const uint8_t *attrs, size_t size, struct nap_coa *ret);

/* Error-Cause (RFC 5176 3.5) */
#define NAP_COA_UNSUPPORTED 401
#define NAP_COA_MISSING     402
#define NAP_COA_NAS         403
#define NAP_COA_INVALID     404
#define NAP_COA_VALUE       407
#define NAP_COA_NO_SESSION  503
#define NAP_COA_MULTIPLE    508
