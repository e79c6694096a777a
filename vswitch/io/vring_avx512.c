/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings' fast paths with 64-byte moves. */
#include <immintrin.h>

#define VRING_TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define VRING_CHUNK  64

static inline VRING_TARGET void vring_copy_chunk(void *d, const void *s)
{
	_mm512_storeu_si512(d, _mm512_loadu_si512(s));
}

#include "vswitch/io/vring_fast.h"

const struct vsw_vring_ops vsw_vring_avx512 = {"avx512", vring_rx, vring_tx, vring_rx_packed,
					       vring_tx_packed};
