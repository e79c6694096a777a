/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Internet checksum, changed in place. A delta is the ones' complement sum of ~old + new over the 16-bit
 * words that changed; the sum does not care about byte order, so words are used as they lie in memory.
 *
 * Source: RFC 1071, RFC 1624 eqn. 3 (the form that gets 0x0000 and 0xffff right).
 * Proof: tests/unit/nat/xlat/test_checksum.c goes through all values.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/load.h"

static inline uint16_t nat_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

static inline uint16_t nat_delta16(uint16_t from, uint16_t to)
{
	return nat_fold((uint32_t)(uint16_t)~from + to);
}

static inline uint16_t nat_delta32(uint32_t from, uint32_t to)
{
	uint32_t old = ~from;

	return nat_fold((old & 0xffff) + (old >> 16) + (to & 0xffff) + (to >> 16));
}

/** The way back: what undoes @delta. */
static inline uint16_t nat_delta_undo(uint16_t delta)
{
	return (uint16_t)~delta;
}

/** A complete checksum after a change. */
static inline uint16_t nat_csum_change(uint16_t csum, uint32_t delta)
{
	return (uint16_t)~nat_fold((uint16_t)~csum + delta);
}

/** A partial one: the sum of the pseudo-header, not complemented. */
static inline uint16_t nat_csum_change_partial(uint16_t sum, uint32_t delta)
{
	return nat_fold(sum + delta);
}

/** The checksum of @n bytes whose checksum field is zero; 0 when it is in there and right. */
static inline uint16_t nat_csum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v = vd_load64(p);

		sum += (v & 0xffffffff) + (v >> 32);
	}
	for (; n >= 2; p += 2, n -= 2)
		sum += vd_load16(p);
	if (n) {
		uint8_t last[2] = {*p, 0};

		sum += vd_load16(last);
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint16_t)~nat_fold((uint32_t)(sum & 0xffff) + (uint32_t)(sum >> 16));
}
