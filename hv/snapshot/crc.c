/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checksums. */
#include "hv/snapshot/crc.h"

#include <stdbool.h>
#include <string.h>

#include "base/load.h"

#define POLYNOMIAL 0x82f63b78u /* reflected */
#define PAGE_WORDS 512u

static uint32_t slow(uint32_t crc, const uint8_t *p, size_t n)
{
	while (n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return crc;
}

/* The processor has an instruction for it. */
__attribute__((target("sse4.2"))) static uint32_t fast(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= sizeof(c); p += sizeof(c), n -= sizeof(c))
		c = __builtin_ia32_crc32di(c, vd_load64(p));
	for (crc = (uint32_t)c; n; n--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}

uint32_t hv_crc32c(uint32_t crc, const void *data, size_t size)
{
	return ~(__builtin_cpu_supports("sse4.2") ? fast(~crc, data, size)
						  : slow(~crc, data, size));
}

uint64_t hv_page_print(const void *page)
{
	static const uint64_t k[4] = {0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu, 0x165667b19e3779f9u,
				      0xd6e8feb86659fd93u};
	uint64_t h[4] = {k[3], k[2], k[1], k[0]};
	const uint64_t *w = page;

	for (unsigned int i = 0; i < PAGE_WORDS; i += 4)
		for (unsigned int j = 0; j < 4; j++) {
			h[j] = (h[j] ^ w[i + j]) * k[j];
			h[j] ^= h[j] >> 29;
		}
	for (unsigned int j = 1; j < 4; j++) {
		h[0] = (h[0] ^ h[j]) * k[j];
		h[0] ^= h[0] >> 32;
	}
	return h[0];
}
