/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a prober says to a guest, and what it reads in the answers: ARP (RFC 826), neighbour discovery
 * (RFC 4861), ICMP echo (RFC 792, RFC 4443). Answers are the guest's bytes, and nothing of them is believed.
 *
 * Thread-safety: pure. Proof: tests/unit/vswitch/datapath/test_probe_frame.c, tests/fuzz/fuzz_probe.c.
 */
#pragma once

#include <stdint.h>

#include "base/prefix.h"

#define VSW_PROBE_FRAME_ROOM 1600
#define VSW_PROBE_ECHO_MAX   1472 /* bytes that an echo may carry */

/** One frame, as on the wire. */
struct vsw_probe_frame {
	uint16_t n; /* bytes; at least 60 when it is for sending */
	uint8_t d[VSW_PROBE_FRAME_ROOM];
};

/** Who asks whom. */
struct vsw_probe_talk {
	struct vd_prefix target; /* one address, the guest's */
	uint8_t ip[16];          /* the prober's, of the same family; zero: none (ARP probe) */
	uint8_t mac[6];          /* the prober's */
	uint8_t guest[6];        /* the guest's, once it is known: echoes go there */
	uint16_t vlan;           /* tag of what is sent; 0: none */
	uint16_t serial;         /* of the last echo */
	uint16_t size;           /* bytes an echo carries, up to VSW_PROBE_ECHO_MAX */
};

/** "Who has the target?" */
void vsw_probe_question(const struct vsw_probe_talk *t, struct vsw_probe_frame *f);
/** An echo request number t->serial. */
void vsw_probe_echo(const struct vsw_probe_talk *t, struct vsw_probe_frame *f);

enum vsw_probe_said {
	VSW_PROBE_NOTHING, /* of interest */
	VSW_PROBE_FOUND,   /* the target has the address in @mac */
	VSW_PROBE_ECHOED,  /* it has answered echo number t->serial */
	VSW_PROBE_ASKED,   /* it asks who the prober is: *@reply is what to send */
};

/** What the guest says in the frame of @len bytes at @d. Sets *@mac or *@reply as the result says. */
enum vsw_probe_said vsw_probe_read(const struct vsw_probe_talk *t, const uint8_t *d, uint32_t len,
				   uint8_t mac[6], struct vsw_probe_frame *reply);
