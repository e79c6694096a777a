/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring's consumer and producer over memory that changes at any time: the input sets it between
 * calls, and a second thread flips bytes of it all the while. Whatever comes out must lie within
 * its limits.
 */
#include <pthread.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "vmbus-netvsp/ring.h"

#define PAGES 4

static uint8_t *ram;
static volatile uint32_t flip; /* 0: leave it alone */
static struct vmb_ring_in in_ring;

static void *flipper(void *arg)
{
	uint32_t x = 12345;

	for (;;) {
		x = x * 1664525 + 1013904223;
		/* indices and descriptors, where it hurts */
		if (flip)
			__atomic_fetch_xor(ram + (x >> 8) % (flip & 1 ? 64 : PAGES * 4096),
					   (uint8_t)(x >> 3), __ATOMIC_RELAXED);
	}
	return arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct vmb_ring_out out;
	uint8_t *pages[PAGES], blob[600];
	struct vmb_pkt pkt;
	uint32_t mode = fuzz_num(&in, 1), n, off;
	bool sig;

	if (!ram) {
		pthread_t t;

		ram = aligned_alloc(4096, PAGES * 4096);
		pthread_create(&t, NULL, flipper, NULL);
	}
	flip = 0;
	memset(ram, 0, PAGES * 4096);
	for (int i = 0; i < PAGES; i++)
		pages[i] = ram + 4096 * (mode & 1 && i ? PAGES - i : i);
	if (vmb_ring_in_init(&in_ring, pages, PAGES, false) ||
	    vmb_ring_out_init(&out, pages, PAGES, false))
		abort();
	flip = mode >> 1 & 3;
	while (in.left) {
		switch (fuzz_num(&in, 1) % 8) {
		case 0:
		case 1:
			n = fuzz_blob(&in, blob, 64);
			off = fuzz_num(&in, 2) % (PAGES * 4096 - 64);
			memcpy(ram + off, blob, n);
			break;
		case 2: /* a write index that may be good */
			off = fuzz_num(&in, 2) & ~7u;
			memcpy(ram, &off, 4);
			break;
		case 3:
			for (int i = 0; i < 40 && !vmb_ring_in_next(&in_ring, &pkt); i++) {
				if (pkt.ext_size + pkt.payload_size > VMB_PKT_MAX ||
				    pkt.ext < in_ring.buf ||
				    pkt.payload + pkt.payload_size >
					    in_ring.buf + sizeof(in_ring.buf))
					abort();
			}
			break;
		case 4:
			vmb_ring_in_commit(&in_ring, &sig);
			break;
		case 5:
			n = fuzz_blob(&in, blob, 600);
			vmb_ring_out_put(&out, 7, 1, n, blob, n / 2 & ~7u, blob, n / 2);
			vmb_ring_out_commit(&out, &sig);
			break;
		case 6:
			vmb_ring_out_want(&out, fuzz_num(&in, 2));
			break;
		default:
			vmb_ring_in_arm(&in_ring);
			vmb_ring_in_mask(&in_ring, true);
		}
	}
	flip = 0;
	return 0;
}
