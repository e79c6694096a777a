/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/xlat/frag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int nat_frags_init(struct nat_frags *t, uint32_t seed)
{
	memset(t, 0, sizeof(*t));
	t->all = calloc(NAT_FRAG_DATAGRAMS, sizeof(*t->all));
	t->waiting = calloc(NAT_FRAG_WAITING, sizeof(*t->waiting));
	if (!t->all || !t->waiting) {
		nat_frags_done(t);
		return -ENOMEM;
	}
	memset(t->heads, 0xff, sizeof(t->heads));
	for (uint16_t i = 0; i < NAT_FRAG_DATAGRAMS; i++)
		t->all[i].next = i + 1 < NAT_FRAG_DATAGRAMS ? i + 1 : NAT_FRAG_NONE;
	for (uint16_t i = 0; i < NAT_FRAG_WAITING; i++)
		t->waiting[i].next = i + 1 < NAT_FRAG_WAITING ? i + 1 : NAT_FRAG_NONE;
	t->seed = seed;
	return 0;
}

void nat_frags_done(struct nat_frags *t)
{
	free(t->all);
	free(t->waiting);
	t->all = NULL;
	t->waiting = NULL;
}

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x7feb352d;
	h ^= h >> 15;
	h *= 0x846ca68b;
	return h ^ h >> 16;
}

static uint16_t *head(struct nat_frags *t, const struct nat_frag_key *k)
{
	uint32_t h =
		mix(k->src ^ t->seed ^
		    mix(k->dst ^ mix((uint32_t)k->id << 16 | (uint32_t)k->proto << 8 | k->side)));

	return &t->heads[h % NAT_FRAG_HEADS];
}

static uint32_t source_of(const struct nat_frags *t, const struct nat_frag_key *k)
{
	return mix((k->src ^ t->seed) + k->side) % 256;
}

static uint16_t *source(struct nat_frags *t, const struct nat_frag_key *k)
{
	return &t->per_source[source_of(t, k)];
}

static bool same(const struct nat_frag_key *a, const struct nat_frag_key *b)
{
	return a->src == b->src && a->dst == b->dst && a->id == b->id && a->proto == b->proto &&
	       a->side == b->side;
}

static bool stale(const struct nat_frags *t, const struct nat_frag *d, uint32_t now)
{
	return now - d->born > (d->v.state == NAT_FRAG_PENDING ? t->wait_s : NAT_FRAG_LIFE_S);
}

struct nat_frag *nat_frags_get(struct nat_frags *t, const struct nat_frag_key *key, uint32_t now,
			       bool make)
{
	uint16_t *h = head(t, key), i;
	struct nat_frag *d;

	for (i = *h; i != NAT_FRAG_NONE; i = t->all[i].next) {
		d = &t->all[i];
		if (!same(&d->key, key))
			continue;
		/* the identification came round again: a stale decision must not be used for it */
		if (!stale(t, d, now) || d->waiting != NAT_FRAG_NONE)
			return d;
		nat_frags_forget(t, d);
		break;
	}
	if (!make || t->free == NAT_FRAG_NONE || *source(t, key) >= NAT_FRAG_PER_SOURCE)
		return NULL;
	i = t->free;
	d = &t->all[i];
	t->free = d->next;
	*d = (struct nat_frag){.key = *key,
			       .v.state = NAT_FRAG_PENDING,
			       .born = now,
			       .next = *h,
			       .waiting = NAT_FRAG_NONE};
	*h = i;
	(*source(t, key))++;
	t->n++;
	return d;
}

bool nat_frags_wait(struct nat_frags *t, struct nat_frag *d, const struct nat_frame *f)
{
	uint16_t *of_source = &t->waiting_of_source[source_of(t, &d->key)];
	uint16_t i = t->free_waiting, *last;

	if (i == NAT_FRAG_NONE || *of_source >= NAT_FRAG_PER_SOURCE)
		return false;
	(*of_source)++;
	t->free_waiting = t->waiting[i].next;
	t->waiting[i] = (struct nat_frag_waiting){*f, NAT_FRAG_NONE};
	for (last = &d->waiting; *last != NAT_FRAG_NONE; last = &t->waiting[*last].next)
		;
	*last = i;
	t->n_waiting++;
	return true;
}

bool nat_frags_next(struct nat_frags *t, struct nat_frag *d, struct nat_frame *ret)
{
	uint16_t i = d->waiting;

	if (i == NAT_FRAG_NONE)
		return false;
	*ret = t->waiting[i].frame;
	d->waiting = t->waiting[i].next;
	t->waiting[i].next = t->free_waiting;
	t->free_waiting = i;
	t->n_waiting--;
	t->waiting_of_source[source_of(t, &d->key)]--;
	return true;
}

struct nat_frag *nat_frags_stale(struct nat_frags *t, uint32_t now, bool all)
{
	for (int k = all ? NAT_FRAG_DATAGRAMS : 32; k > 0 && t->n > 0; k--) {
		struct nat_frag *d = &t->all[t->cursor];

		t->cursor = (uint16_t)((t->cursor + 1) % NAT_FRAG_DATAGRAMS);
		if (d->v.state != NAT_FRAG_FREE && (all || stale(t, d, now)))
			return d;
	}
	return NULL;
}

void nat_frags_forget(struct nat_frags *t, struct nat_frag *d)
{
	uint16_t i = (uint16_t)(d - t->all), *p = head(t, &d->key);

	while (*p != i)
		p = &t->all[*p].next;
	*p = d->next;
	(*source(t, &d->key))--;
	d->v.state = NAT_FRAG_FREE;
	d->next = t->free;
	t->free = i;
	t->n--;
}
