/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings' fast paths with 32-byte moves. */
#include <immintrin.h>

#define VRING_TARGET __attribute__((target("avx2")))
#define VRING_CHUNK  32

static inline VRING_TARGET void vring_copy_chunk(void *d, const void *s)
{
	_mm256_storeu_si256((__m256i *)(void *)d,
			    _mm256_loadu_si256((const __m256i *)(const void *)s));
}

#include "vswitch/io/vring_fast.h"

const struct vsw_vring_ops vsw_vring_avx2 = {"avx2", vring_rx, vring_tx, vring_rx_packed,
					     vring_tx_packed};
