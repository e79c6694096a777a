/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fragments: any offset, order, length and identification, from few sources, so that datagrams come together. */
#include "tests/fuzz/nat_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fragment(struct fuzz_nat *n, struct fuzz_input *in)
{
	static uint8_t p[FUZZ_ROOM];
	uint32_t bits = fuzz_num(in, 2), payload = 8 + (bits >> 2 & 63), a;
	bool outside = bits & 1;
	uint16_t frag;

	memset(p, 0, sizeof(p));
	p[0] = 0x45;
	p[3] = (uint8_t)(20 + payload);
	p[5] = bits >> 8 & 3; /* identification */
	p[8] = 64;
	p[9] = bits & 2 ? 6 : 17;
	frag = (uint16_t)fuzz_num(in, 2);
	if (bits >> 10 & 1)
		frag &= 0x2007; /* near the beginning, mostly */
	if (bits >> 11 & 1)
		frag &= 0x2000; /* the first */
	memcpy(p + 6, &(uint16_t){__builtin_bswap16(frag)}, 2);
	a = __builtin_bswap32(outside ? FUZZ_IP(198, 51, 100, 1)
				      : FUZZ_IP(10, 0, 0, 2 + (bits >> 12 & 1)));
	memcpy(p + 12, &a, 4);
	a = __builtin_bswap32(outside || bits >> 13 & 1 ? FUZZ_IP(203, 0, 113, 1)
							: FUZZ_IP(198, 51, 100, 1));
	memcpy(p + 16, &a, 4);
	p[20] = p[22] = 4;
	p[21] = p[23] = 10;
	p[32] = 0x50;
	p[33] = 2;
	fuzz_nat_frame(n, p, 20 + payload, 40, outside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	struct fuzz_nat n;

	fuzz_nat_start(&n, fuzz_num(&in, 2) & ~1u);
	for (unsigned int i = 0; i < FUZZ_FRAMES && in.left; i++) {
		if (*in.p == 255)
			fuzz_nat_pass(&n, fuzz_num(&in, 2) >> 8);
		else
			fragment(&n, &in);
	}
	fuzz_nat_end(&n);
	return 0;
}
