/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings' fast paths with 16-byte moves. */

#include <immintrin.h>

#define VRING_TARGET /* baseline */
#define VRING_CHUNK  16

static inline VRING_TARGET void vring_copy_chunk(void *d, const void *s)
{
	_mm_storeu_si128((__m128i *)(void *)d, _mm_loadu_si128((const __m128i *)(const void *)s));
}

#include "vswitch/io/vring_fast.h"

const struct vsw_vring_ops vsw_vring_sse = {"sse", vring_rx, vring_tx, vring_rx_packed,
					    vring_tx_packed};
