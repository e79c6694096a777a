/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/xlat/index.h"

#include <errno.h>

#include "nat/xlat/memory.h"

#define FIRST_BUCKETS 64
/* Pairs a bucket on average before the table grows: with two buckets of eight to choose from, the least
 * favoured ones (those that are next to be split hold twice as much) still overflow practically never. */
#define FILL_PAIRS   11
#define FILL_BUCKETS 2
#define MOVES        64 /* pairs moved out of the way before a full table is believed */

int nat_index_init(struct nat_index *x, uint32_t max, uint64_t (*hash_of)(void *, uint32_t),
		   void *ctx)
{
	uint64_t n = (uint64_t)max * FILL_BUCKETS / FILL_PAIRS + FIRST_BUCKETS;

	*x = (struct nat_index){
		.n = FIRST_BUCKETS, .mask = FIRST_BUCKETS - 1, .hash_of = hash_of, .ctx = ctx};
	/* some more than the fill asks for: a bucket that is full although others are not splits early */
	n += n / 8;
	x->n_max = (uint32_t)n;
	x->map_size = n * sizeof(struct nat_bucket);
	x->buckets = nat_memory_map(x->map_size);
	return x->buckets ? 0 : -ENOMEM;
}

void nat_index_done(struct nat_index *x)
{
	nat_memory_unmap(x->buckets, x->map_size);
	x->buckets = NULL;
}

static bool put(struct nat_bucket *b, uint32_t tag, uint32_t value)
{
	unsigned int m = nat_bucket_match(b, 0);

	if (!m)
		return false;
	b->tag[__builtin_ctz(m)] = tag;
	b->value[__builtin_ctz(m)] = value;
	return true;
}

/* Where does a pair that lies in bucket @at go when bucket @n exists? It may use either hash. */
static bool moves_to(const struct nat_index *x, uint64_t hash, uint32_t at)
{
	return nat_index_slot(x, (uint32_t)hash) != at &&
	       nat_index_slot(x, (uint32_t)(hash >> 32)) != at;
}

/* One bucket more: the pairs of the one it is split from go where their hash says. */
static bool grow(struct nat_index *x)
{
	struct nat_bucket *from, *to;
	uint32_t at;

	if (x->n == x->n_max)
		return false;
	if (x->n > x->mask)
		x->mask = x->mask * 2 + 1;
	at = x->n & x->mask >> 1;
	from = &x->buckets[at];
	to = &x->buckets[x->n];
	x->n++;
	for (int i = 0; i < NAT_WAYS; i++) {
		if (!from->tag[i] || !moves_to(x, x->hash_of(x->ctx, from->value[i]), at))
			continue;
		to->tag[i] = from->tag[i];
		to->value[i] = from->value[i];
		from->tag[i] = 0;
	}
	return true;
}

/* Exchange what is carried for what lies in way @way of @b. */
static void swap(struct nat_bucket *b, unsigned int way, uint32_t *tag, uint32_t *value)
{
	uint32_t t = b->tag[way], v = b->value[way];

	b->tag[way] = *tag;
	b->value[way] = *value;
	*tag = t;
	*value = v;
}

/* Both buckets of the pair are full: move others to their second choice until one finds room. When none
 * does, everything goes back to where it was. */
static bool displace(struct nat_index *x, uint64_t hash, uint32_t value)
{
	struct nat_bucket *b = nat_index_first(x, hash), *path[MOVES];
	uint32_t tag = nat_index_tag(hash);
	unsigned int ways[MOVES];

	for (int i = 0; i < MOVES; i++) {
		unsigned int way = (x->rnd = x->rnd * 1664525 + 1013904223) >> 29;
		uint64_t h = x->hash_of(x->ctx, b->value[way]);
		struct nat_bucket *other = nat_index_first(x, h);

		if (other == b)
			other = nat_index_second(x, h);
		path[i] = b;
		ways[i] = way;
		swap(b, way, &tag, &value);
		if (put(other, tag, value))
			return true;
		b = other;
	}
	for (int i = MOVES - 1; i >= 0; i--)
		swap(path[i], ways[i], &tag, &value);
	return false;
}

int nat_index_add(struct nat_index *x, uint64_t hash, uint32_t value)
{
	uint32_t tag = nat_index_tag(hash);

	if ((uint64_t)x->used * FILL_BUCKETS >= (uint64_t)x->n * FILL_PAIRS)
		grow(x);
	while (!put(nat_index_first(x, hash), tag, value) &&
	       !put(nat_index_second(x, hash), tag, value) && !displace(x, hash, value))
		if (!grow(x))
			return -ENOSPC;
	x->used++;
	return 0;
}

static uint32_t *find(const struct nat_index *x, uint64_t hash, uint32_t value, uint32_t **ret_tag)
{
	for (int k = 0; k < 2; k++) {
		struct nat_bucket *b = k ? nat_index_second(x, hash) : nat_index_first(x, hash);
		unsigned int m = nat_bucket_match(b, nat_index_tag(hash));

		for (; m; m &= m - 1) {
			int way = __builtin_ctz(m);

			if (b->value[way] != value)
				continue;
			*ret_tag = &b->tag[way];
			return &b->value[way];
		}
	}
	return NULL;
}

bool nat_index_remove(struct nat_index *x, uint64_t hash, uint32_t value)
{
	uint32_t *tag;

	if (!find(x, hash, value, &tag))
		return false;
	*tag = 0;
	x->used--;
	return true;
}

bool nat_index_replace(struct nat_index *x, uint64_t hash, uint32_t value, uint32_t by)
{
	uint32_t *tag, *v = find(x, hash, value, &tag);

	if (!v)
		return false;
	*v = by;
	return true;
}
