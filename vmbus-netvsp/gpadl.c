/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GPADL assembly. */
#include "vmbus-netvsp/gpadl.h"

#include <errno.h>
#include <stdlib.h>

static void take(struct vmb_gpadl_asm *a, const uint8_t *src, uint32_t n)
{
	uint32_t room = a->want - a->got;

	n = n < room ? n : room;
	memcpy(a->buf + a->got, src, n);
	a->got += n;
}

int vmb_gpadl_asm_begin(struct vmb_gpadl_asm *a, const void *msg, uint32_t size)
{
	struct vmb_gpadl_header_wire h;

	memset(a, 0, sizeof(*a));
	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, msg, sizeof(h));
	a->id = h.gpadl;
	a->relid = h.relid;
	a->n_ranges = h.n_ranges;
	a->want = h.range_bytes;
	if (!h.n_ranges || h.n_ranges > VMB_GPADL_RANGES || h.range_bytes % 8 ||
	    h.range_bytes < h.n_ranges * 8u)
		return -EINVAL;
	a->buf = malloc(a->want);
	if (!a->buf)
		return -ENOMEM;
	take(a, (const uint8_t *)msg + sizeof(h), size - (uint32_t)sizeof(h));
	return 0;
}

int vmb_gpadl_asm_more(struct vmb_gpadl_asm *a, const void *msg, uint32_t size)
{
	if (size < sizeof(struct vmb_gpadl_body_wire))
		return -EINVAL;
	take(a, (const uint8_t *)msg + sizeof(struct vmb_gpadl_body_wire),
	     size - (uint32_t)sizeof(struct vmb_gpadl_body_wire));
	return 0;
}

/* Read range @i at *@pos and move *@pos behind it. */
static int parse_range(const struct vmb_gpadl_asm *a, uint32_t *pos, struct vmb_gpadl *g,
		       uint32_t i)
{
	struct vmb_gpadl_range *r = &g->ranges[i];
	uint64_t pages;
	uint32_t head[2];

	if (a->want - *pos < sizeof(head))
		return -EINVAL;
	memcpy(head, a->buf + *pos, sizeof(head));
	*pos += sizeof(head);
	r->size = head[0];
	r->offset = head[1];
	if (r->offset >= VMB_PAGE_SIZE)
		return -EINVAL;
	pages = ((uint64_t)r->offset + r->size + VMB_PAGE_SIZE - 1) >> VMB_PAGE_SHIFT;
	if (pages * 8 > a->want - *pos)
		return -EINVAL;
	r->first = g->n_pfns;
	r->n_pfns = (uint32_t)pages;
	memcpy(g->pfns + g->n_pfns, a->buf + *pos, pages * 8);
	g->n_pfns += r->n_pfns;
	*pos += r->n_pfns * 8;
	return 0;
}

int vmb_gpadl_asm_finish(const struct vmb_gpadl_asm *a, const struct vmb_mem *mem,
			 struct vmb_gpadl *ret)
{
	struct vmb_gpadl g = {.id = a->id, .relid = a->relid, .n_ranges = a->n_ranges};
	uint32_t pos = 0;
	int r = -ENOMEM;

	g.ranges = calloc(a->n_ranges, sizeof(*g.ranges));
	g.pfns = calloc(a->want / 8, sizeof(*g.pfns));
	if (!g.ranges || !g.pfns)
		goto out;
	for (uint32_t i = 0; i < a->n_ranges; i++) {
		r = parse_range(a, &pos, &g, i);
		if (r)
			goto out;
	}
	r = -EINVAL;
	if (pos != a->want)
		goto out;
	for (uint32_t i = 0; i < g.n_pfns; i++) {
		r = -EFAULT;
		if (g.pfns[i] >> (64 - VMB_PAGE_SHIFT) ||
		    !vmb_map(mem, g.pfns[i] << VMB_PAGE_SHIFT, VMB_PAGE_SIZE))
			goto out;
	}
	*ret = g;
	return 0;
out:
	vmb_gpadl_done(&g);
	return r;
}

void vmb_gpadl_asm_done(struct vmb_gpadl_asm *a)
{
	free(a->buf);
	a->buf = NULL;
}

void vmb_gpadl_done(struct vmb_gpadl *g)
{
	free(g->ranges);
	free(g->pfns);
	g->ranges = NULL;
	g->pfns = NULL;
}

bool vmb_gpadl_is_plain(const struct vmb_gpadl *g)
{
	return g->n_ranges == 1 && !g->ranges[0].offset && g->ranges[0].size &&
	       g->ranges[0].size % VMB_PAGE_SIZE == 0;
}
