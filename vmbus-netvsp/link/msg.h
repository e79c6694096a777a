/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the socket between VM worker and switch (proto/link_wire.h), checked: what parse()
 * lets through has a known type for its direction, the exact size, the right number of descriptors
 * and every field in its range. What depends on state (does the page list exist?) is the receiver's.
 *
 * Thread-safety: pure functions. Proof: tests/unit/vmbus-netvsp/test_link.c, tests/fuzz/fuzz_netvsp_link.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmbus-netvsp/proto/link_wire.h"

struct nvsp_link_msg {
	struct nvsp_link_hdr_wire hdr;
	union {
		struct nvsp_link_hello_wire hello;
		struct nvsp_link_mem_wire mem;
		struct nvsp_link_state_wire state;
		struct nvsp_link_gpadl_wire gpadl;
		struct nvsp_link_chan_wire chan;
		struct nvsp_link_answer_wire answer;
	};
	struct nvsp_link_range_wire ranges[NVSP_LINK_RANGES_MAX]; /* MEM: mem.n of them, disjoint */
	const uint64_t *pfns; /* GPADL_ADD: gpadl.n of them, inside the buffer given to parse */
};

/**
 * Check a message of a worker. @buf is private memory, aligned to 8.
 * Return: 0; -EBADMSG; -ENOTSUP a HELLO of another version (hello is filled in).
 */
int nvsp_link_parse_request(const void *buf, size_t size, unsigned int n_fds,
			    struct nvsp_link_msg *ret);

/** Check a message of the switch. Its texts are terminated afterwards. 0; -EBADMSG. */
int nvsp_link_parse_answer(const void *buf, size_t size, unsigned int n_fds,
			   struct nvsp_link_answer_wire *ret);

/** How many descriptors a request comes with; MEM: as many as ranges. */
unsigned int nvsp_link_n_fds(uint32_t type, uint32_t n_ranges);

/** "OPEN"; "?" outside the list. */
const char *nvsp_link_type_text(uint32_t type);
