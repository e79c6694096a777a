/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tuple space search. */
#include "vswitch/policy/classify.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct vsw_class_key key;
	uint32_t rank;
	uint32_t used;
};

/* One hash table: all rules that look at the bits of @mask. */
struct tuple {
	struct vsw_class_key mask;
	uint32_t best; /* lowest rank inside */
	uint32_t n, size;
	struct entry *entries; /* [size], a power of two, half of it free */
};

struct vsw_classifier {
	struct tuple *tuples;
	unsigned int n, room;
	unsigned int last; /* where the last add went: neighbours are alike */
};

struct vsw_classifier *vsw_classifier_create(void)
{
	return calloc(1, sizeof(struct vsw_classifier));
}

void vsw_classifier_destroy(struct vsw_classifier *c)
{
	if (!c)
		return;
	for (unsigned int i = 0; i < c->n; i++)
		free(c->tuples[i].entries);
	free(c->tuples);
	free(c);
}

static uint32_t hash(const struct vsw_class_key *k)
{
	uint64_t h = 0;

	for (int i = 0; i < VSW_CLASS_WORDS; i++) {
		h = (h ^ k->w[i]) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	return (uint32_t)(h ^ h >> 32);
}

static bool equal(const struct vsw_class_key *a, const struct vsw_class_key *b)
{
	uint64_t diff = 0;

	for (int i = 0; i < VSW_CLASS_WORDS; i++)
		diff |= a->w[i] ^ b->w[i];
	return diff == 0;
}

/* The entry of @key, or the free one where it would go. */
static struct entry *place(struct entry *entries, uint32_t size, const struct vsw_class_key *key)
{
	uint32_t i = hash(key) & (size - 1);

	while (entries[i].used && !equal(&entries[i].key, key))
		i = (i + 1) & (size - 1);
	return &entries[i];
}

static int grow(struct tuple *t)
{
	uint32_t size = t->size ? t->size * 2 : 4;
	struct entry *entries = calloc(size, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->size; i++)
		if (t->entries[i].used)
			*place(entries, size, &t->entries[i].key) = t->entries[i];
	free(t->entries);
	t->entries = entries;
	t->size = size;
	return 0;
}

static struct tuple *tuple_of(struct vsw_classifier *c, const struct vsw_class_key *mask)
{
	struct tuple *t;

	if (c->last < c->n && equal(&c->tuples[c->last].mask, mask))
		return &c->tuples[c->last];
	for (unsigned int i = 0; i < c->n; i++) {
		if (!equal(&c->tuples[i].mask, mask))
			continue;
		c->last = i;
		return &c->tuples[i];
	}
	if (c->n == c->room) {
		unsigned int room = c->room ? c->room * 2 : 8;

		t = realloc(c->tuples, room * sizeof(*t));
		if (!t)
			return NULL;
		c->tuples = t;
		c->room = room;
	}
	c->last = c->n;
	t = &c->tuples[c->n++];
	*t = (struct tuple){.mask = *mask, .best = VSW_CLASS_NONE};
	return t;
}

int vsw_classifier_add(struct vsw_classifier *c, const struct vsw_class_key *mask,
		       const struct vsw_class_key *key, uint32_t rank)
{
	struct tuple *t = tuple_of(c, mask);
	struct entry *e;

	if (!t || (t->n * 2 >= t->size && grow(t) < 0))
		return -ENOMEM;
	e = place(t->entries, t->size, key);
	if (!e->used) {
		t->n++;
		*e = (struct entry){.key = *key, .rank = rank, .used = 1};
	} else if (rank < e->rank) {
		e->rank = rank;
	}
	if (rank < t->best)
		t->best = rank;
	return 0;
}

static int by_best(const void *a, const void *b)
{
	const struct tuple *x = a, *y = b;

	return (x->best > y->best) - (x->best < y->best);
}

void vsw_classifier_seal(struct vsw_classifier *c)
{
	if (c->n)
		qsort(c->tuples, c->n, sizeof(*c->tuples), by_best);
	c->last = 0;
}

uint32_t vsw_classifier_find(const struct vsw_classifier *c, const struct vsw_class_key *key)
{
	uint32_t best = VSW_CLASS_NONE;

	if (!c)
		return best;
	for (unsigned int i = 0; i < c->n && c->tuples[i].best < best; i++) {
		const struct tuple *t = &c->tuples[i];
		struct vsw_class_key k;
		const struct entry *e;

		for (int j = 0; j < VSW_CLASS_WORDS; j++)
			k.w[j] = key->w[j] & t->mask.w[j];
		e = place(t->entries, t->size, &k);
		if (e->used && e->rank < best)
			best = e->rank;
	}
	return best;
}

unsigned int vsw_classifier_tables(const struct vsw_classifier *c)
{
	return c ? c->n : 0;
}

unsigned int vsw_port_range_split(uint16_t lo, uint16_t hi, struct vsw_port_prefix *ret)
{
	uint32_t at = lo, end = hi + 1u;
	unsigned int n = 0;

	while (at < end) {
		/* the largest block that starts here and does not go too far */
		uint32_t size = at ? at & -at : 65536;

		while (size > end - at)
			size /= 2;
		ret[n].value = (uint16_t)at;
		ret[n++].mask = (uint16_t) ~(size - 1);
		at += size;
	}
	return n;
}
