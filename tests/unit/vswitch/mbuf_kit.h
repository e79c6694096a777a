/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames for tests, and mbuf chains cut at chosen places.
 * Thread-safety: one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>

/** What a test frame looks like. */
struct kit_frame {
	unsigned int n_tags; /* 0..2 */
	bool ipv6;
	bool udp;
	uint32_t payload; /* bytes; byte i has a value that depends on i */
	uint8_t tcp_flags;
	bool partial;        /* checksum field: pseudo-header sum only */
	uint8_t tcp_options; /* bytes, multiple of 4 */
};

/** Write the frame; returns its size. @buf must have room for payload + 160. */
uint32_t kit_frame_write(const struct kit_frame *f, uint8_t *buf);

/** A chain holding @size bytes: first segment of @first bytes, then segments of @rest bytes (0: all). */
struct rte_mbuf *kit_chain(struct rte_mempool *pool, const uint8_t *data, uint32_t size,
			   uint32_t first, uint32_t rest);

/** Copy all of @m; returns its size. */
uint32_t kit_flatten(const struct rte_mbuf *m, uint8_t *buf, uint32_t room);

/** Bytes before the payload, by parsing; 0 when it is no TCP or UDP frame. */
uint32_t kit_header_size(const uint8_t *frame, uint32_t size);

/** Are the IPv4 header checksum and the L4 checksum of a whole frame right? (An own, slow sum.) */
bool kit_checksums_good(const uint8_t *frame, uint32_t size);
