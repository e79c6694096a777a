/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The translator: packets as the input has them, or patched from templates so that sessions come to be,
 * from both sides, with time passing and the configuration changing in between.
 */
#include "tests/fuzz/nat_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t pick_address(uint32_t v)
{
	static const uint32_t list[] = {FUZZ_IP(10, 0, 0, 2),     FUZZ_IP(10, 0, 0, 5),
					FUZZ_IP(10, 0, 0, 7),     FUZZ_IP(10, 0, 0, 1),
					FUZZ_IP(203, 0, 113, 1),  FUZZ_IP(203, 0, 113, 7),
					FUZZ_IP(198, 51, 100, 1), FUZZ_IP(198, 51, 100, 2)};

	return __builtin_bswap32(list[v & 7]);
}

/* A packet of @proto whose headers are right but for what the input says else. */
static uint32_t template(struct fuzz_input *in, uint8_t *p)
{
	static const uint8_t protos[] = {17, 6, 1, 47};
	uint32_t bits = fuzz_num(in, 2), n = 20 + 40, a;
	uint16_t port;

	memset(p, 0, 256);
	p[0] = 0x45;
	p[3] = (uint8_t)n;
	p[8] = bits >> 8 & 1 ? 1 : 64;
	p[9] = protos[bits & 3];
	a = pick_address(bits >> 2);
	memcpy(p + 12, &a, 4);
	a = pick_address(bits >> 5);
	memcpy(p + 16, &a, 4);
	port = __builtin_bswap16((uint16_t)(1024 + (bits >> 9 & 31)));
	memcpy(p + 20, &port, 2);
	port = __builtin_bswap16((uint16_t)(1024 + (bits >> 11 & 31)));
	memcpy(p + 22, &port, 2);
	if (p[9] == 6) {
		p[32] = 0x50;
		p[33] = (uint8_t)fuzz_num(in, 1);
	} else if (p[9] == 17) {
		p[25] = 40;
	} else if (p[9] == 1) {
		p[20] = (uint8_t)fuzz_num(in, 1) % 14;
	}
	for (uint32_t k = fuzz_num(in, 1) & 3; k; k--)
		p[fuzz_num(in, 1) % n] = (uint8_t)fuzz_num(in, 1);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	static uint8_t bytes[FUZZ_ROOM];
	struct fuzz_nat n;

	fuzz_nat_start(&n, fuzz_num(&in, 2));
	for (unsigned int i = 0; i < FUZZ_FRAMES && in.left; i++) {
		uint8_t op = (uint8_t)fuzz_num(&in, 1), bits = op >> 3;
		uint32_t len;

		switch (op & 7) {
		case 0:
			len = fuzz_blob(&in, bytes, FUZZ_ROOM);
			fuzz_nat_frame(&n, bytes, len, bits & 16 ? 64 : 0, bits);
			break;
		case 1:
			fuzz_nat_pass(&n, fuzz_num(&in, 1) * 4);
			break;
		case 2:
			fuzz_nat_conf(&n, fuzz_num(&in, 2));
			if (nat_xlat_configure(n.x, &n.conf, n.mtu, n.now_ms) < 0)
				abort();
			break;
		default:
			len = template(&in, bytes);
			fuzz_nat_frame(&n, bytes, len, bits & 16 ? 64 : 0, bits & 1);
			break;
		}
	}
	fuzz_nat_end(&n);
	return 0;
}
