/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The walker over RNDIS packets: any bytes, cut at any places over section and pages; each frame
 * is copied and finished as a port does it.
 */
#include "tests/fuzz/nic_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t msg[6144];
	struct fuzz_input in = {data, size};
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS,
				  .rndis = {NVSP_CHANNEL_DATA, NVSP_NO_SECTION, 0}};
	struct {
		uint32_t rsvd, n;
		struct {
			uint32_t size, off;
			uint64_t pfn;
		} r[4];
	} ext = {0};
	uint32_t mode, n, cut, pos = 0;

	nf_up(5);
	mode = fuzz_num(&in, 1);
	cut = fuzz_num(&in, 1);
	n = in.left < sizeof(msg) ? (uint32_t)in.left : sizeof(msg);
	memcpy(msg, in.p, n);
	if (mode & 1) {
		nf_rndis(0, NVSP_CHANNEL_DATA, msg, n);
		nf_down();
		return 0;
	}
	/* pieces of the pages of the send buffer, each with an offset of its own */
	for (uint32_t i = 0; i < 4 && pos < n; i++) {
		uint32_t off = (cut * (i + 1) * 37) % 2048, k = i == 3 ? 2048 : cut * 8u + 1;

		k = k < n - pos ? k : n - pos;
		k = k < 2048 ? k : 2048;
		memcpy((uint8_t *)ram_pfn(&nf.ram, nf.send[i]) + off, msg + pos, k);
		ext.r[i].size = k;
		ext.r[i].off = off;
		ext.r[i].pfn = nf.send[i];
		ext.n++;
		pos += k;
	}
	gring_send(&nf.out[0], VMB_PKT_GPA_DIRECT, 1, 1, &ext, 8 + 16 * ext.n, &m, 40, NULL);
	nf_poll(0);
	nf_down();
	return 0;
}
