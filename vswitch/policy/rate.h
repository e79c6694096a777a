/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How fast something is now: bytes over the last window and the one under way. A pause of two windows begins
 * anew, so that what comes after it is not averaged with silence.
 *
 * Thread-safety: none; callers lock. Proof: tests/unit/vswitch/policy/test_shape.c.
 */
#pragma once

#include <stdint.h>

#define VSW_RATE_WINDOWS_PER_S 4

struct vsw_rate_meter {
	uint64_t began, bytes;            /* window under way */
	uint64_t last_cycles, last_bytes; /* the one before */
};

/** @bytes at @now; @hz: cycles a second of that clock. */
static inline void vsw_rate_add(struct vsw_rate_meter *r, uint64_t bytes, uint64_t now, uint64_t hz)
{
	uint64_t window = hz / VSW_RATE_WINDOWS_PER_S, passed = now - r->began;

	/* a clock of another core may be a little behind */
	if ((int64_t)passed >= (int64_t)(2 * window)) {
		*r = (struct vsw_rate_meter){.began = now};
	} else if ((int64_t)passed >= (int64_t)window) {
		*r = (struct vsw_rate_meter){
			.began = now, .last_cycles = passed, .last_bytes = r->bytes};
	}
	r->bytes += bytes;
}

/** bit/s at @now. */
static inline uint64_t vsw_rate_bps(const struct vsw_rate_meter *r, uint64_t now, uint64_t hz)
{
	uint64_t window = hz / VSW_RATE_WINDOWS_PER_S, passed = now - r->began;
	uint64_t cycles, bytes = r->bytes;

	if ((int64_t)passed < 0)
		passed = 0;
	if (passed >= 2 * window)
		return 0;
	cycles = passed;
	if (passed < window) {
		cycles += r->last_cycles;
		bytes += r->last_bytes;
	}
	/* the first frames of all: as if they were a window's */
	if (cycles < window)
		cycles = window;
	return (uint64_t)((double)bytes * 8 * (double)hz / (double)cycles);
}
