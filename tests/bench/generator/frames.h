/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames that are sent: headers built once, so that sending is one 64-byte copy.
 *
 * Flow i of side A goes from MAC 02:aa:<i mod macs> and host <i mod hosts> to 02:bb:<i mod macs>; side B
 * sends the exact reverse. Payloads are zero, so the checksum over the header bytes alone is right.
 * Source: RFC 791, 768, 9293 (headers), RFC 1071 (checksum), IEEE 802.1Q-2018 9.6 (tag).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "options.h"

#define FRAME_OLD_PORT 4999 /* destination of the old flow; others have 5000 and more */
#define FRAME_HDR      64 /* bytes of a template: Ethernet, tag, IPv4 and TCP fit; one cache line */

/** Templates that side @side needs. */
uint32_t frames_count(const struct gen_options *o, enum gen_side side);

/**
 * Build side @side's templates in the same shuffled order for both sides: a walk in order would let
 * a look-up table see neighbours in neighbouring buckets.
 *
 * Return: frames_count() * FRAME_HDR bytes, 64-byte aligned, the caller frees with rte_free(); NULL: no memory.
 */
uint8_t *frames_build(const struct gen_options *o, enum gen_side side);

/** The first FRAME_HDR bytes of flow @flow's frame of @side, into zeroed memory. */
void frame_write(const struct gen_options *o, enum gen_side side, uint32_t flow, uint8_t *frame);

/** A frame of mode new's old flow, known by its port; @opening: the first of its side. */
void frame_write_old(const struct gen_options *o, enum gen_side side, bool opening, uint8_t *frame);

static inline bool frame_is_old(const uint8_t *frame)
{
	return frame[36] == FRAME_OLD_PORT >> 8 && frame[37] == (FRAME_OLD_PORT & 255);
}

/** An ARP question by the @nth address of @side for its gateway: FRAME_HDR bytes. */
void frame_ask(const struct gen_options *o, enum gen_side side, uint32_t nth, uint8_t *frame);

/** Turn a received frame into its answer: swap MACs, IPv4 addresses and ports. Checksums stay right. */
void frame_swap(uint8_t *frame);
