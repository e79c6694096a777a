/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes that tests send, and a hash of them, cheap enough for an emulated CPU: about one
 * instruction per byte, where /dev/urandom and sha256sum would take most of a transfer's time.
 * Generator: xorshift64*. Hash: multiply and rotate per 64-bit word, so that order matters; a lost,
 * doubled, swapped or altered word shows. The seed is the size of the whole stream.
 */
#pragma once

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct stream_hash {
	uint64_t state;
	uint64_t partial; /* the first n_partial bytes of the next word */
	unsigned int n_partial;
	uint64_t size;
};

static inline void stream_hash_word(struct stream_hash *h, uint64_t w)
{
	h->state = (h->state ^ w) * 0x9e3779b97f4a7c15ull;
	h->state = h->state << 27 | h->state >> 37;
}

static inline void stream_hash(struct stream_hash *h, const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t w;

	h->size += size;
	while (size) {
		if (!h->n_partial && size >= sizeof(w)) {
			memcpy(&w, p, sizeof(w));
			stream_hash_word(h, w);
			p += sizeof(w);
			size -= sizeof(w);
			continue;
		}
		h->partial |= (uint64_t)*p++ << (8 * h->n_partial);
		size--;
		if (++h->n_partial == sizeof(w)) {
			stream_hash_word(h, h->partial);
			h->partial = 0;
			h->n_partial = 0;
		}
	}
}

/** Print "SIZE HASH", without a newline. The hash is used up. */
static inline void stream_hash_print(struct stream_hash *h)
{
	stream_hash_word(h, h->partial);
	stream_hash_word(h, h->size);
	printf("%" PRIu64 " %016" PRIx64, h->size, h->state);
}

/** Fill n_words words; *x is the generator's state, never 0. */
static inline void stream_fill(uint64_t *words, size_t n_words, uint64_t *x)
{
	for (size_t i = 0; i < n_words; i++) {
		*x ^= *x >> 12;
		*x ^= *x << 25;
		*x ^= *x >> 27;
		words[i] = *x * 0x2545f4914f6cdd1dull;
	}
}
