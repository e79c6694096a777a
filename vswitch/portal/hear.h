/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statements of health in the DHCP of one port's machine (MS-DHCPN): what it says is heard, and the answer to it goes into
 * what the DHCP server of ours answers.
 *
 *   DISCOVER with a probe       -> the OFFER gets "NAP"
 *   REQUEST with a statement    -> judged by the engine, meanwhile the ACK waits for it, and gets the answering statement
 *
 * The lease never depends on it: an answer that waited VSW_HEAR_WAIT_MS goes as it is, and so does one that would
 * become larger than its client takes. Works on bytes; constant memory; no clock. Both sides' frames are strangers'.
 *
 * Source: MS-DHCPN 2.2, 3.1, RFC 2131, 3396. Thread-safety: one object, one thread.
 * Proof: tests/unit/vswitch/portal/test_hear.c, tests/fuzz/fuzz_portal_hear.c, tests/net/nap-dhcp.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nap-policy/dhcp.h"

#define VSW_HEAR_WAIT_MS   1000  /* so long an ACK waits for the engine */
#define VSW_HEAR_FOR_MS    10000 /* so long answers to a question are looked for */
#define VSW_HEAR_ANSWER    1024  /* bytes of an answering statement */
#define VSW_HEAR_FRAME_MAX 1518

/* What became of a question. */
enum vsw_heard {
	VSW_HEARD_NOTHING,   /* it does not speak of health */
	VSW_HEARD_PROBE,     /* the machine asks whether it would be understood */
	VSW_HEARD_STATEMENT, /* to be judged, see vsw_hear_judged() */
	VSW_HEARD_AGAIN,     /* the same message once more: its answer is known, or under way */
	VSW_HEARD_FOREIGN,   /* it speaks for another machine, or for others: a relay */
	VSW_HEARD_BROKEN,
};

struct vsw_hear {
	uint32_t ticket;
	uint32_t xid;
	uint32_t asked_ms;
	uint8_t state; /* hear.c */
	uint8_t mac[6];
	uint16_t max_size;
	uint64_t hash; /* of the statement */
	uint16_t answer_size;
	uint8_t answer[VSW_HEAR_ANSWER];
	uint32_t held_ms, held_xid;
	uint16_t held_size; /* 0: no answer of the server waits */
	uint8_t held[VSW_HEAR_FRAME_MAX];
};

/** For the port with @ticket; forgets everything. */
void vsw_hear_init(struct vsw_hear *h, uint32_t ticket);

/** The machine sent @frame of @size bytes. VSW_HEARD_STATEMENT: *@soh, *@soh_size, inside of @m, which is the caller's
 *  room to work in. */
enum vsw_heard vsw_hear_question(struct vsw_hear *h, const uint8_t *frame, uint32_t size,
				 uint32_t now_ms, struct nap_dhcp_message *m, const uint8_t **soh,
				 uint16_t *soh_size);

/** The statement in transaction @xid was judged: answer it with @size bytes; 0: not at all. */
void vsw_hear_judged(struct vsw_hear *h, uint32_t xid, const uint8_t *answer, uint16_t size);

/**
 * The server sent @frame. Return: the size of what goes to the machine now, in @ret (room for VSW_HEAR_FRAME_MAX);
 * 0: it waits; negative: send it as it was. @m as above. *@amended: it carries something of ours.
 */
int vsw_hear_answer(struct vsw_hear *h, const uint8_t *frame, uint32_t size, uint32_t now_ms,
		    struct nap_dhcp_message *m, uint8_t *ret, bool *amended);

/** Does what waited go now? Its size, in @ret; 0: nothing waits, or not yet. */
int vsw_hear_release(struct vsw_hear *h, uint32_t now_ms, uint8_t *ret, bool *amended);
