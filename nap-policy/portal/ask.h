/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the health service's process asks the daemon, over a SOCK_SEQPACKET pair: one question, one answer, in
 * turn. A question is a struct nap_ask with @size bytes of body behind it, an answer a struct nap_told with its
 * own. Both sides are on one machine and of one build.
 *
 * The process speaks with strangers: the daemon believes nothing of a question but that the process sent it.
 * Thread-safety: pure. Proof: tests/unit/nap-policy/test_ask.c, tests/fuzz/fuzz_nap_ask.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nap-policy/report.h"

#define NAP_ASK_MAGIC     0x4e415032u
#define NAP_TOLD_MAX      32768 /* bytes of an answer's body */
#define NAP_ASK_MAX       (sizeof(struct nap_ask) + NAP_REPORT_SIZE_MAX)
#define NAP_ADDRS_MAX     16                         /* in the answer to a question for a name */
#define NAP_PORTAL_NAME   "health.viridian.internal" /* of the portal, to confined ports */
#define NAP_API_STATUS    "/health/v1/status"
#define NAP_API_CHALLENGE "/health/v1/challenge"
#define NAP_API_REPORT    "/health/v1/report"
#define NAP_API_CAPTIVE   "/captive-portal/api" /* RFC 8908 */

enum nap_ask_op {
	NAP_ASK_STATUS,    /* told: JSON, as `nap show` has it, for the guest */
	NAP_ASK_CHALLENGE, /* told: {"counter", "nonce", "expires_s"} */
	NAP_ASK_REPORT,    /* body: a report; told: the status that follows */
	NAP_ASK_SOH,       /* body: a statement of health; told: an answering statement */
	NAP_ASK_NAME,      /* body: a DNS name; told: struct nap_addrs */
	NAP_N_ASKS,
};

struct nap_ask {
	uint32_t magic;
	uint32_t op;
	uint32_t ticket; /* of the port, by the address of the peer */
	uint32_t size;
	uint64_t counter; /* REPORT, SOH: as given beside the body */
	uint8_t nonce[NAP_NONCE_SIZE];
	uint8_t has_nonce;
	uint8_t spare[7];
};

/** Beside the answer's body: a status of HTTP. */
struct nap_told {
	uint32_t magic;
	uint32_t
		status; /* 200; 400 not understood; 403; 404 no such port or name; 409 replayed; 429 */
	uint32_t size;
	uint32_t spare;
};

/** Addresses of a name. */
struct nap_addrs {
	uint32_t n;
	uint32_t ttl_s;
	struct {
		uint8_t family, addr[16];
	} a[NAP_ADDRS_MAX];
};

/** Is the message of @size bytes a question? Copies it to @ret; *@body are the rest. */
bool nap_ask_parse(const void *message, size_t size, struct nap_ask *ret, const uint8_t **body);
/** The same for an answer. */
bool nap_told_parse(const void *message, size_t size, struct nap_told *ret, const uint8_t **body);
