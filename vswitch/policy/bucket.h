/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token bucket over the cycle counter. It may go into debt: a frame goes when the bucket is not
 * empty, however large it is, and what follows waits until the debt is paid. So the rate holds for
 * super-frames, too, and no frame is ever too large to be sent.
 *
 * Thread-safety: none; callers lock. Proof: tests/unit/vswitch/policy/test_shape.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VSW_BURST_MIN_BYTES (64u << 10)
#define VSW_BURST_MAX_BYTES (16u << 20)
/* without a burst of its own: what passes in so many ms */
#define VSW_BURST_DEFAULT_MS 5

struct vsw_bucket {
	uint64_t rate;  /* bytes a second; 0: no limit */
	uint64_t hz;    /* cycles a second */
	int64_t level;  /* bytes times hz */
	int64_t most;   /* burst, same unit */
	uint64_t last;  /* time of @level */
	uint64_t whole; /* cycles after which the bucket is full from empty */
};

/** Set the rate (bit/s, 0: none) and burst (bytes, 0: chosen here); what is in it stays, up to the burst. */
static inline void vsw_bucket_set(struct vsw_bucket *b, uint64_t bps, uint64_t burst, uint64_t hz)
{
	uint64_t rate = bps / 8;

	if (burst == 0) {
		burst = rate / 1000 * VSW_BURST_DEFAULT_MS;
		burst = burst < VSW_BURST_MIN_BYTES ? VSW_BURST_MIN_BYTES : burst;
	}
	burst = burst > VSW_BURST_MAX_BYTES ? VSW_BURST_MAX_BYTES : burst;
	if (b->rate == 0 || b->hz != hz || b->level > (int64_t)(burst * hz))
		b->level = (int64_t)(burst * hz);
	b->rate = rate;
	b->hz = hz;
	b->most = (int64_t)(burst * hz);
	b->whole = rate ? (uint64_t)b->most / rate : 0;
}

/** Is it open at @now? */
static inline bool vsw_bucket_open(struct vsw_bucket *b, uint64_t now)
{
	uint64_t passed = now - b->last;

	if (b->rate == 0)
		return true;
	/* a clock of another core may be a little behind */
	if ((int64_t)passed > 0) {
		b->last = now;
		/* in debt for longer than a burst takes: pay it in parts that cannot overflow */
		while (passed > b->whole && b->level < 0) {
			b->level += b->most;
			passed -= b->whole;
		}
		if (passed > b->whole)
			b->level = b->most;
		else
			b->level += (int64_t)(passed * b->rate);
		if (b->level > b->most)
			b->level = b->most;
	}
	return b->level > 0;
}

static inline void vsw_bucket_take(struct vsw_bucket *b, uint64_t bytes)
{
	if (b->rate)
		b->level -= (int64_t)(bytes * b->hz);
}

/** Cycles from the last vsw_bucket_open() until it opens. */
static inline uint64_t vsw_bucket_wait(const struct vsw_bucket *b)
{
	return b->level > 0 || b->rate == 0 ? 0 : (uint64_t)-b->level / b->rate + 1;
}
