/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory is the input: the rings' data paths must neither touch anything outside it nor
 * leak or corrupt packet buffers. The first bytes choose features and vector width; the rest is the image
 * that holds rings and buffers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cpuflags.h>

#include "tests/unit/vswitch/eal.h"
#include "vswitch/io/vring.h"

#define GPA   0x1000u
#define IMAGE 8192

static struct rte_mempool *pool, *big_pool;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct vsw_vring_ops *width(uint8_t choice)
{
	if (choice % 3 == 2 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX512VL) > 0)
		return &vsw_vring_avx512;
	if (choice % 3 == 1 && rte_cpu_get_flag_enabled(RTE_CPUFLAG_AVX2) > 0)
		return &vsw_vring_avx2;
	return &vsw_vring_sse;
}

static void to_guest(const struct vsw_vring_ops *ops, struct vsw_vring *r, uint16_t len)
{
	struct rte_mbuf *m[2];
	uint16_t taken;

	for (int i = 0; i < 2; i++) {
		m[i] = rte_pktmbuf_alloc(pool);
		memset(rte_pktmbuf_append(m[i], len), i, len);
	}
	taken = (r->packed ? ops->tx_packed : ops->tx)(r, m, 2);
	for (int i = taken; i < 2; i++)
		rte_pktmbuf_free(m[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct vsw_vring_ops *ops;
	struct vsw_vring r = {.kick_fd = -1, .call_fd = -1};
	struct vsw_vmem mem = {.n = 2};
	struct rte_mbuf *m[64];
	uint8_t *image;

	if (!pool) {
		test_eal_init();
		pool = test_pool("frames", 512, RTE_MBUF_DEFAULT_BUF_SIZE);
		big_pool = test_pool("super", 8, UINT16_MAX);
	}
	if (size < 8)
		return 0;
	/* an exact heap block: the sanitizer sees one byte too far */
	image = calloc(1, IMAGE);
	memcpy(image, data + 8, size - 8 < IMAGE ? size - 8 : IMAGE);
	/* two regions, neighbours for the guest */
	mem.region[0] = (struct vsw_vmem_region){GPA, 6000, image};
	mem.region[1] = (struct vsw_vmem_region){GPA + 6000, IMAGE - 6000, image + 6000};
	ops = width(data[0]);
	r.size = (uint16_t)(1u << data[1] % 6);
	r.desc = (void *)image;
	r.avail = (void *)(image + 512);
	r.used = (void *)(image + 640);
	if (data[7] & 1) {
		r.packed = true;
		r.driver_event = (void *)(image + 1024);
		r.device_event = (void *)(image + 1028);
	}
	r.mem = &mem;
	r.mergeable = data[2] & 1;
	r.requests = !(data[2] & 8);
	r.event_idx = data[2] & 2;
	r.hdr_size = data[2] & 4 ? 10 : 12;
	r.pool = pool;
	r.big_pool = big_pool;
	if (vsw_vring_init(&r, (uint16_t)(data[3] | data[4] << 8),
			   r.packed ? (uint16_t)(data[3] | data[4] << 8) : 0) == 0) {
		if (data[5] & 1) {
			uint16_t n = (r.packed ? ops->rx_packed : ops->rx)(&r, m, 64);

			for (uint16_t i = 0; i < n; i++) {
				rte_mbuf_sanity_check(m[i], 1);
				rte_pktmbuf_free(m[i]);
			}
		} else {
			to_guest(ops, &r, (uint16_t)(14 + data[6] * 7u));
		}
		vsw_vring_notify(&r, data[5] & 2);
	}
	free(image);
	if (rte_mempool_in_use_count(pool) || rte_mempool_in_use_count(big_pool))
		abort();
	return 0;
}
