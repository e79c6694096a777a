/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of the socket between VM worker and switch: what parse lets through is what it says. */
#include <stdlib.h>

#include "tests/fuzz/fuzz_input.h"
#include "vmbus-netvsp/link/msg.h"

static void require(bool what)
{
	if (!what)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nvsp_link_msg m;
	struct nvsp_link_answer_wire a;
	struct fuzz_input in = {data, size};
	unsigned int n_fds = fuzz_num(&in, 1);
	uint64_t sum = 0;
	/* exactly as long as the message: the sanitizer sees every byte too far */
	uint8_t *buf = malloc(in.left ? in.left : 1);

	memcpy(buf, in.p, in.left);
	if (!nvsp_link_parse_request(buf, in.left, n_fds, &m)) {
		require(m.hdr.size == in.left && n_fds <= NVSP_LINK_FDS_MAX);
		if (m.hdr.type == NVSP_LINK_GPADL_ADD) {
			require(m.gpadl.n >= 1);
			for (uint32_t i = 0; i < m.gpadl.n; i++)
				sum += m.pfns[i];
			require(sum != 0x0123456789abcdefull || n_fds == 0);
		}
		for (uint32_t i = 0; m.hdr.type == NVSP_LINK_MEM && i < m.mem.n; i++)
			require(m.ranges[i].gpa + m.ranges[i].size > m.ranges[i].gpa);
		if (m.hdr.type == NVSP_LINK_OPEN)
			require(m.chan.target.bit - 1 < NVSP_LINK_CHANNEL_MAX);
	}
	if (!nvsp_link_parse_answer(buf, in.left, n_fds, &a))
		require(strlen(a.text) < sizeof(a.text) && strlen(a.nic.name) < sizeof(a.nic.name));
	free(buf);
	return 0;
}
