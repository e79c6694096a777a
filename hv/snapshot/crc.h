/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32C (Castagnoli) and a 64-bit fingerprint of a page. The checksum finds broken files, the
 * fingerprint pages that did not change; neither is meant to withstand somebody who forges them.
 * Pure. Source: RFC 3720 appendix B.4. Proof: tests/unit/hv/test_snapfile.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/** Go on from @crc (0 at first) over @size bytes. */
uint32_t hv_crc32c(uint32_t crc, const void *data, size_t size);

/** Of 4096 bytes, aligned to 8. */
uint64_t hv_page_print(const void *page);
