/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorted lists of strings, for look-ups and doubles in large documents. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"

int vsw_index_init(struct vsw_index *x, unsigned int n_max)
{
	x->n = 0;
	x->items = calloc(n_max ? n_max : 1, sizeof(*x->items));
	return x->items ? 0 : -ENOMEM;
}

void vsw_index_done(struct vsw_index *x)
{
	free(x->items);
	x->items = NULL;
	x->n = 0;
}

void vsw_index_add(struct vsw_index *x, const char *key, unsigned int at)
{
	x->items[x->n].key = key;
	x->items[x->n++].at = at;
}

static int by_key(const void *pa, const void *pb)
{
	const struct vsw_index_item *a = pa, *b = pb;
	int c = strcmp(a->key, b->key);

	if (c)
		return c;
	return a->at < b->at ? -1 : a->at > b->at;
}

void vsw_index_sort(struct vsw_index *x)
{
	qsort(x->items, x->n, sizeof(*x->items), by_key);
}

const struct vsw_index_item *vsw_index_find(const struct vsw_index *x, const char *key)
{
	unsigned int low = 0, high = x->n;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (strcmp(x->items[mid].key, key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < x->n && !strcmp(x->items[low].key, key) ? &x->items[low] : NULL;
}

int vsw_index_switches(struct vsw_index *x, const struct vsw_model *m)
{
	if (vsw_index_init(x, m->n_switches) < 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->n_switches; i++)
		vsw_index_add(x, m->switches[i].name, i);
	vsw_index_sort(x);
	return 0;
}

int vsw_index_ports(struct vsw_index *x, const struct vsw_model *m)
{
	if (vsw_index_init(x, m->n_ports) < 0)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->n_ports; i++)
		vsw_index_add(x, m->ports[i].name, i);
	vsw_index_sort(x);
	return 0;
}
