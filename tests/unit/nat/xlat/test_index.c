/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <string.h>

#include "nat/xlat/index.h"

#define MAX 200000

static uint64_t hashes[MAX];
static const uint64_t seed[2] = {0x1234567890abcdef, 0xfedcba0987654321};

static uint64_t hash_of(void *ctx, uint32_t value)
{
	return hashes[value];
}

static bool found(const struct nat_index *x, uint32_t value)
{
	uint64_t h = hashes[value];

	for (int k = 0; k < 2; k++) {
		const struct nat_bucket *b = k ? nat_index_second(x, h) : nat_index_first(x, h);

		for (unsigned int m = nat_bucket_match(b, nat_index_tag(h)); m; m &= m - 1)
			if (b->value[__builtin_ctz(m)] == value)
				return true;
	}
	return false;
}

/* Every pair is found while the table grows bucket by bucket, and after others have left. */
static void grows(void)
{
	struct nat_index x;
	unsigned int first = 0;

	for (uint32_t i = 0; i < MAX; i++)
		hashes[i] = nat_hash(i, 7, seed);
	CU_ASSERT_EQUAL_FATAL(nat_index_init(&x, MAX, hash_of, NULL), 0);
	for (uint32_t i = 0; i < MAX; i++) {
		CU_ASSERT_EQUAL(nat_index_add(&x, hashes[i], i), 0);
		if (i % 1000 == 999)
			for (uint32_t k = 0; k <= i; k += 1 + i / 200)
				CU_ASSERT_TRUE(found(&x, k));
	}
	for (uint32_t i = 0; i < MAX; i++) {
		CU_ASSERT_TRUE(found(&x, i));
		first += nat_bucket_match(nat_index_first(&x, hashes[i]),
					  nat_index_tag(hashes[i])) != 0;
	}
	/* most are in the bucket that is looked at first, and a pair costs less than twelve bytes */
	CU_ASSERT_TRUE(first > MAX / 10 * 7);
	CU_ASSERT_TRUE((uint64_t)x.n * sizeof(struct nat_bucket) < (uint64_t)MAX * 12);
	for (uint32_t i = 0; i < MAX; i += 2)
		CU_ASSERT_TRUE(nat_index_remove(&x, hashes[i], i));
	for (uint32_t i = 0; i < MAX; i++)
		CU_ASSERT_EQUAL(found(&x, i), i & 1);
	CU_ASSERT_FALSE(nat_index_remove(&x, hashes[0], 0));
	CU_ASSERT_EQUAL(x.used, MAX / 2);
	nat_index_done(&x);
}

/* More than it was made for: refused, and nothing of what was there is lost. */
static void full(void)
{
	struct nat_index x;
	uint32_t n = 0;

	CU_ASSERT_EQUAL_FATAL(nat_index_init(&x, 1000, hash_of, NULL), 0);
	while (n < MAX && nat_index_add(&x, hashes[n], n) == 0)
		n++;
	CU_ASSERT_TRUE(n >= 1000 && n < 4000);
	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(found(&x, i));
	CU_ASSERT_EQUAL(x.used, n);
	nat_index_done(&x);
}

/* One hash many times (nobody can aim at it, but tags do collide): as many as two buckets hold, no more. */
static void equal_hashes(void)
{
	struct nat_index x;
	uint32_t n = 0;

	for (uint32_t i = 0; i < 64; i++)
		hashes[i] = 0x0123456789abcdef;
	CU_ASSERT_EQUAL_FATAL(nat_index_init(&x, 1000, hash_of, NULL), 0);
	while (n < 64 && nat_index_add(&x, hashes[n], n) == 0)
		n++;
	CU_ASSERT_EQUAL(n, 16);
	for (uint32_t i = 0; i < n; i++)
		CU_ASSERT_TRUE(found(&x, i));
	CU_ASSERT_TRUE(nat_index_replace(&x, hashes[3], 3, 40));
	CU_ASSERT_TRUE(found(&x, 40));
	CU_ASSERT_FALSE(found(&x, 3));
	nat_index_done(&x);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"grows and forgets nothing", grows},
		{"full", full},
		{"equal hashes", equal_hashes},
	};

	return tap_run("nat-xlat-index", cases, sizeof(cases) / sizeof(cases[0]));
}
