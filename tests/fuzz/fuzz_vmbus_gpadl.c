/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GPADL assembly from any header and bodies: what comes out must be what its ranges say. */
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "vmbus-netvsp/gpadl.h"

static uint8_t page[4096];

static void *map(void *ctx, uint64_t gpa, uint32_t size)
{
	return gpa >> 40 ? NULL : page;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct vmb_mem mem = {map, NULL};
	struct vmb_gpadl_asm a;
	struct vmb_gpadl g;
	uint8_t msg[256];
	uint32_t n = fuzz_blob(&in, msg, 240), total = 0;

	if (vmb_gpadl_asm_begin(&a, msg, n))
		return 0;
	while (in.left && !vmb_gpadl_asm_complete(&a)) {
		n = fuzz_blob(&in, msg, 240);
		vmb_gpadl_asm_more(&a, msg, n);
	}
	if (vmb_gpadl_asm_complete(&a) && !vmb_gpadl_asm_finish(&a, &mem, &g)) {
		for (uint32_t i = 0; i < g.n_ranges; i++) {
			const struct vmb_gpadl_range *r = &g.ranges[i];

			if (r->first != total ||
			    ((uint64_t)r->offset + r->size + 4095) / 4096 != r->n_pfns)
				abort();
			total += r->n_pfns;
		}
		if (total != g.n_pfns)
			abort();
		for (uint32_t i = 0; i < g.n_pfns; i++)
			if (!map(NULL, g.pfns[i] << 12, 1))
				abort();
		(void)vmb_gpadl_is_plain(&g);
		vmb_gpadl_done(&g);
	}
	vmb_gpadl_asm_done(&a);
	return 0;
}
