/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzzer's bytes as a stream of numbers and blobs; reads zeros when it is used up. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fuzz_input {
	const uint8_t *p;
	size_t left;
};

static inline uint32_t fuzz_num(struct fuzz_input *in, unsigned int bytes)
{
	uint32_t v = 0;
	size_t n = bytes < in->left ? bytes : in->left;

	memcpy(&v, in->p, n);
	in->p += n;
	in->left -= n;
	return v;
}

/* Up to @max bytes, the number of which comes first as one byte (two when @max > 255). */
static inline uint32_t fuzz_blob(struct fuzz_input *in, uint8_t *dst, uint32_t max)
{
	uint32_t n = fuzz_num(in, max > 255 ? 2 : 1) % (max + 1);

	memset(dst, 0, n);
	if (n > in->left)
		n = (uint32_t)in->left;
	memcpy(dst, in->p, n);
	in->p += n;
	in->left -= n;
	return n;
}
