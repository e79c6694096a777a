/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saved state as flat bytes: a writer that counts even when it has no room, a reader that never
 * leaves its bytes. Here and in hv/snapshot only. Every value read is as hostile as a guest's.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct blob_out {
	uint8_t *p;
	size_t room, size; /* size: what it would take */
};

struct blob_in {
	const uint8_t *p;
	size_t left;
	bool bad; /* read beyond the end; everything after is zeros */
};

static inline void blob_put(struct blob_out *b, const void *src, size_t n)
{
	if (b->size <= b->room && n <= b->room - b->size)
		memcpy(b->p + b->size, src, n);
	b->size += n;
}

static inline void blob_put32(struct blob_out *b, uint32_t v)
{
	blob_put(b, &v, sizeof(v));
}

static inline void blob_put64(struct blob_out *b, uint64_t v)
{
	blob_put(b, &v, sizeof(v));
}

static inline void blob_get(struct blob_in *b, void *dst, size_t n)
{
	if (n > b->left) {
		b->bad = true;
		b->left = 0;
		memset(dst, 0, n);
		return;
	}
	memcpy(dst, b->p, n);
	b->p += n;
	b->left -= n;
}

static inline uint32_t blob_get32(struct blob_in *b)
{
	uint32_t v;

	blob_get(b, &v, sizeof(v));
	return v;
}

static inline uint64_t blob_get64(struct blob_in *b)
{
	uint64_t v;

	blob_get(b, &v, sizeof(v));
	return v;
}
