/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket between a VM worker (viridian-vm, client) and the switch (viridiand, server of a
 * netvsp:PATH port): what goes over it, no behaviour.
 *
 * Transport: UNIX SOCK_SEQPACKET, one message a packet, descriptors by SCM_RIGHTS. One connection
 * is one NIC: the port that listens on the path. Numbers are little-endian, structs have no holes.
 *
 * The worker asks, the switch answers each request once, in any order, with the same type and
 * sequence number and NVSP_LINK_REPLY set. What the switch says unasked has sequence number 0.
 *
 *   worker -> switch           descriptors                  the answer means
 *   HELLO    version, names    -                            the NIC: address, MTU, queues, link
 *   MEM      ranges            one memfd a range            guest memory is known
 *   STATE    size              one memfd                    our notes on the guest go there (below)
 *   GPADL_ADD  id, pages       -                            page list known
 *   GPADL_DEL  id              -                            the switch does not touch the pages any more
 *   OPEN     rings, target     call eventfd, kick eventfd   the channel is polled
 *   CLOSE    index             -                            the rings are not touched any more
 *   TARGET   index, target     call eventfd                 the old target is not used any more
 *   RESUME   -                 -                            channels opened with NVSP_LINK_F_RESUME go on
 *   PAUSE    -                 -                            no guest memory is touched, STATE is complete
 *   CONTINUE -                 -                            polling again; each channel was signalled once
 *
 *   switch -> worker
 *   SUBCHANNELS  offer the subchannels 1..count (those already offered stay)
 *   FAULT        channel index was stopped, text says why (faults.def); it stays closed until reopened
 *   NIC          something in the NIC changed: link, MTU, what the guest set up
 *   BYE          the switch closes this connection: text says why, status: NVSP_LINK_BYE_*
 *
 * Order: HELLO, MEM, STATE, then anything. HELLO's version is answered with ENOTSUP and the switch's
 * own in count when it is not known. MEM can be repeated only while there are no page lists.
 *
 * Interrupts. A target is the 256-byte event-flag area of SINT2 on the channel's virtual processor
 * (flags_gpa, 0: none now) and the bit to set there. The switch sets the bit in guest memory and, when it
 * was clear, writes the call eventfd. The guest's signals make the kick eventfd readable. Both
 * eventfds are non-blocking.
 *
 * Coming back. The STATE memory belongs to the worker and outlives the switch's process: all that a
 * new process must know to go on (netvsp.h, nvsp_cfg.keep). After a lost connection the worker
 * connects again, sends HELLO, MEM, STATE, every GPADL_ADD, every open channel's OPEN with
 * NVSP_LINK_F_RESUME, primary first, then RESUME. An answer other than 0 to RESUME: this state cannot be
 * gone on with; take the NIC's offer back and make it anew. The same makes a snapshot: PAUSE, keep a
 * copy of STATE with guest memory; restoring is coming back with that copy.
 *
 * Trust. The switch checks everything here as a guest's word: memfds must be sealed against
 * shrinking (F_SEAL_SHRINK), descriptors must be what they should be. The worker trusts the switch with
 * guest memory, and survives its death.
 */
#pragma once

#include <stdint.h>

#define NVSP_LINK_VERSION     1u
#define NVSP_LINK_PAGES_MAX   8190u /* of one page list: what a GPADL can announce */
#define NVSP_LINK_RANGES_MAX  64u   /* of guest memory */
#define NVSP_LINK_FDS_MAX     NVSP_LINK_RANGES_MAX
#define NVSP_LINK_SIZE_MAX    (24u + NVSP_LINK_PAGES_MAX * 8u)
#define NVSP_LINK_NAME_SIZE   64u
#define NVSP_LINK_TEXT_SIZE   64u
#define NVSP_LINK_CHANNEL_MAX 2047u /* highest event-flag bit */

enum nvsp_link_type {
	NVSP_LINK_HELLO = 1,
	NVSP_LINK_MEM,
	NVSP_LINK_STATE,
	NVSP_LINK_GPADL_ADD,
	NVSP_LINK_GPADL_DEL,
	NVSP_LINK_OPEN,
	NVSP_LINK_CLOSE,
	NVSP_LINK_TARGET,
	NVSP_LINK_RESUME,
	NVSP_LINK_PAUSE,
	NVSP_LINK_CONTINUE,
	NVSP_LINK_REQUESTS, /* number after the last */
	NVSP_LINK_EV_SUBCHANNELS = 32,
	NVSP_LINK_EV_FAULT,
	NVSP_LINK_EV_NIC,
	NVSP_LINK_EV_BYE,
	NVSP_LINK_EVENTS,
};

#define NVSP_LINK_REPLY    0x1u /* header flag */
#define NVSP_LINK_F_RESUME 0x1u /* of OPEN */

enum { NVSP_LINK_BYE_REMOVED = 1, NVSP_LINK_BYE_STOPPING = 2, NVSP_LINK_BYE_PROTOCOL = 3 };

struct nvsp_link_hdr_wire {
	uint32_t type;
	uint32_t flags;
	uint32_t seq;  /* of a request: not 0 */
	uint32_t size; /* bytes of the whole message */
};

/* HELLO. Names: printable ASCII, zero-terminated. */
struct nvsp_link_hello_wire {
	struct nvsp_link_hdr_wire hdr;
	uint32_t version;
	uint32_t features; /* 0 */
	uint8_t vm_uuid[16];
	char vm_name[NVSP_LINK_NAME_SIZE];
};

/* MEM: n ranges follow. */
struct nvsp_link_mem_wire {
	struct nvsp_link_hdr_wire hdr;
	uint32_t n;
	uint32_t reserved;
};

struct nvsp_link_range_wire {
	uint64_t gpa;    /* all three multiples of 4096 */
	uint64_t size;   /* bytes, not 0 */
	uint64_t offset; /* into the memfd */
};

/* STATE */
struct nvsp_link_state_wire {
	struct nvsp_link_hdr_wire hdr;
	uint64_t size; /* bytes: at least NVSP_KEEP_SIZE (netvsp.h) */
};

/* GPADL_ADD: n page numbers follow, 64 bits each. GPADL_DEL: n is 0. */
struct nvsp_link_gpadl_wire {
	struct nvsp_link_hdr_wire hdr;
	uint32_t id;
	uint32_t n;
};

struct nvsp_link_target_wire {
	uint64_t flags_gpa; /* of 256 bytes in one page, a multiple of 8; 0: no interrupts now */
	uint32_t bit;       /* 1..NVSP_LINK_CHANNEL_MAX: the channel's relid */
	uint32_t reserved;
};

/* OPEN; CLOSE and TARGET use index, TARGET also the target. */
struct nvsp_link_chan_wire {
	struct nvsp_link_hdr_wire hdr;
	uint32_t index; /* 0: primary */
	uint32_t gpadl;
	uint32_t downstream_page;
	uint32_t flags; /* NVSP_LINK_F_* */
	struct nvsp_link_target_wire target;
};

struct nvsp_link_nic_wire {
	uint8_t mac[6];
	uint16_t max_mtu; /* bytes without Ethernet header */
	uint64_t speed_bps;
	uint16_t max_queues;
	uint8_t link_up;
	uint8_t rss; /* what the guest set up, from here on */
	uint32_t nvsp_version;
	uint32_t mtu;
	uint32_t filter;
	uint32_t n_queues;
	uint32_t reserved;
	char name[NVSP_LINK_NAME_SIZE]; /* of the port */
};

/* Everything the switch says. */
struct nvsp_link_answer_wire {
	struct nvsp_link_hdr_wire hdr;
	uint32_t status; /* 0, or a positive errno */
	uint32_t index;
	uint32_t count;
	uint32_t reserved;
	char text[NVSP_LINK_TEXT_SIZE];
	struct nvsp_link_nic_wire nic;
};

_Static_assert(sizeof(struct nvsp_link_hello_wire) == 104, "no holes");
_Static_assert(sizeof(struct nvsp_link_chan_wire) == 48, "no holes");
_Static_assert(sizeof(struct nvsp_link_nic_wire) == 104, "no holes");
_Static_assert(sizeof(struct nvsp_link_answer_wire) == 200, "no holes");
