/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a hash to the number of a session: buckets of one cache line with eight (tag, number) pairs, two
 * buckets to choose from, the first one unless it is full. The table grows in place by one bucket at a
 * time (linear hashing), so that no packet ever waits for a rehash and memory follows use.
 *
 * Numbers are the caller's, who also compares keys: a tag that matches is a hint. Sessions do not move when
 * the table grows; only pairs do.
 *
 * Thread-safety: none. Proof: tests/unit/nat/xlat/test_index.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define NAT_WAYS       8
#define NAT_INDEX_NONE UINT32_MAX

struct nat_bucket {
	uint32_t tag[NAT_WAYS]; /* 0: free */
	uint32_t value[NAT_WAYS];
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct nat_bucket) == 64, "one cache line");

struct nat_index {
	struct nat_bucket *buckets;
	uint32_t n;    /* in use */
	uint32_t mask; /* smallest 2^k - 1 >= n - 1 */
	uint32_t n_max;
	uint32_t used; /* pairs */
	uint32_t rnd;  /* which pair is moved out of the way */
	size_t map_size;
	/** The hash that @value was added with. */
	uint64_t (*hash_of)(void *ctx, uint32_t value);
	void *ctx;
};

/** Room for @max pairs. Return: 0; -ENOMEM. */
int nat_index_init(struct nat_index *x, uint32_t max,
		   uint64_t (*hash_of)(void *ctx, uint32_t value), void *ctx);
void nat_index_done(struct nat_index *x);

/** Add a pair; equal hashes may occur several times. Return: 0; -ENOSPC. */
int nat_index_add(struct nat_index *x, uint64_t hash, uint32_t value);

/** Remove the pair. Return: whether it was there. */
bool nat_index_remove(struct nat_index *x, uint64_t hash, uint32_t value);

/** Give the pair another value with the same hash. */
bool nat_index_replace(struct nat_index *x, uint64_t hash, uint32_t value, uint32_t by);

static inline uint32_t nat_index_slot(const struct nat_index *x, uint32_t h)
{
	uint32_t b = h & x->mask;

	return b < x->n ? b : b & x->mask >> 1;
}

static inline struct nat_bucket *nat_index_first(const struct nat_index *x, uint64_t hash)
{
	return &x->buckets[nat_index_slot(x, (uint32_t)hash)];
}

static inline struct nat_bucket *nat_index_second(const struct nat_index *x, uint64_t hash)
{
	return &x->buckets[nat_index_slot(x, (uint32_t)(hash >> 32))];
}

static inline uint32_t nat_index_tag(uint64_t hash)
{
	uint32_t t = (uint32_t)(hash >> 16);

	return t ? t : 1;
}

/* Bit i: way i has @tag. */
static inline unsigned int nat_bucket_match(const struct nat_bucket *b, uint32_t tag)
{
#ifdef __SSE2__
	__m128i t = _mm_set1_epi32((int)tag);
	__m128i lo = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)b->tag), t);
	__m128i hi = _mm_cmpeq_epi32(_mm_load_si128((const __m128i *)(b->tag + 4)), t);

	return (unsigned int)_mm_movemask_epi8(
		_mm_packs_epi16(_mm_packs_epi32(lo, hi), _mm_setzero_si128()));
#else
	unsigned int r = 0;

	for (int i = 0; i < NAT_WAYS; i++)
		r |= (unsigned int)(b->tag[i] == tag) << i;
	return r;
#endif
}

/** Likely value of @hash in its first bucket, else NAT_INDEX_NONE. */
static inline uint32_t nat_bucket_hint(const struct nat_bucket *b, uint32_t tag)
{
	unsigned int m = nat_bucket_match(b, tag);

	return m ? b->value[__builtin_ctz(m)] : NAT_INDEX_NONE;
}

/** Mix two words with a secret: a flooder cannot aim at a bucket. */
static inline uint64_t nat_hash(uint64_t a, uint64_t b, const uint64_t seed[2])
{
	unsigned __int128 p = (unsigned __int128)(a ^ seed[0]) * (b ^ seed[1]);
	uint64_t h = (uint64_t)p ^ (uint64_t)(p >> 64);

	/* one multiplication leaves the low bits of small inputs too regular for a mask */
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 32;
}
