/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RNDIS control messages, one after the other, on a NIC that is up; then its answers. */
#include "tests/fuzz/nic_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t msg[2048];
	static struct gpkt p;
	struct fuzz_input in = {data, size};
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS_COMPLETE, .complete = {1}};
	uint32_t n, hash;

	nf_up(6);
	while (in.left) {
		n = fuzz_blob(&in, msg, sizeof(msg));
		if (n >= 8 && msg[1] == 0) /* the size it says is right, unless it insists */
			memcpy(msg + 4, &n, 4);
		nf_rndis(0, NVSP_CHANNEL_CONTROL, msg, n);
		while (!gring_recv(&nf.in[0], &p))
			if (p.type == VMB_PKT_XFER)
				gring_send(&nf.out[0], VMB_PKT_COMPLETION, 0, p.xid, NULL, 0, &m,
					   40, NULL);
		gring_ack(&nf.in[0]);
		if (nvsp_rss_hash(nf.dev, msg, n, &hash) &&
		    nvsp_rss_queue(nf.dev, hash) >= NF_CHANS)
			abort();
	}
	nf_down();
	return 0;
}
