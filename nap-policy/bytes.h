/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading and writing network byte order within bounds. A reader that runs out of bytes stays broken and
 * gives zeros; a writer that runs out of room stays full. Callers look once, at the end.
 * Thread-safety: pure. Proof: tests/unit/nap-policy/test_soh.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct nap_rd {
	const uint8_t *p;
	size_t left;
	bool broken;
};

/** The next @n bytes, or NULL. */
static inline const uint8_t *nap_rd_take(struct nap_rd *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->broken || n > r->left) {
		r->broken = true;
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline uint64_t nap_rd_num(struct nap_rd *r, unsigned int bytes)
{
	const uint8_t *p = nap_rd_take(r, bytes);
	uint64_t v = 0;

	for (unsigned int i = 0; p && i < bytes; i++)
		v = v << 8 | p[i];
	return v;
}

/** A reader of the next @n bytes, which @r skips. */
static inline struct nap_rd nap_rd_sub(struct nap_rd *r, size_t n)
{
	const uint8_t *p = nap_rd_take(r, n);

	return (struct nap_rd){.p = p, .left = p ? n : 0, .broken = !p};
}

struct nap_wr {
	uint8_t *buf;
	size_t size, at;
	bool full;
};

static inline void nap_wr_bytes(struct nap_wr *w, const void *p, size_t n)
{
	if (w->full || n > w->size - w->at) {
		w->full = true;
		return;
	}
	if (n)
		memcpy(w->buf + w->at, p, n);
	w->at += n;
}

static inline void nap_wr_num(struct nap_wr *w, uint64_t v, unsigned int bytes)
{
	uint8_t b[8];

	for (unsigned int i = 0; i < bytes; i++)
		b[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
	nap_wr_bytes(w, b, bytes);
}

/** Leave room for a 16-bit length. Returns its place for nap_wr_close16(). */
static inline size_t nap_wr_open16(struct nap_wr *w)
{
	nap_wr_num(w, 0, 2);
	return w->at;
}

/** The length of what was written since. */
static inline void nap_wr_close16(struct nap_wr *w, size_t open)
{
	size_t n = w->at - open;

	if (w->full)
		return;
	if (n > UINT16_MAX) {
		w->full = true;
		return;
	}
	w->buf[open - 2] = (uint8_t)(n >> 8);
	w->buf[open - 1] = (uint8_t)n;
}
