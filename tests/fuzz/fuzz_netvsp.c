/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The NIC under any sequence of ring packets on any of its channels, from any stage of its life,
 * with frames going to the guest, completions, closes and reopens in between.
 */
#include "tests/fuzz/nic_fuzz.h"

static void to_guest(struct fuzz_input *in, uint32_t chan)
{
	static uint8_t data[70000];
	struct nvsp_seg segs[2];
	struct nvsp_tx t = {.segs = segs, .n_segs = 2};
	uint32_t size = fuzz_num(in, 2) + 14u, cut;

	t.f.flags = fuzz_num(in, 1);
	t.f.l4_off = (uint16_t)(fuzz_num(in, 1) % (size > 100 ? 80 : 14));
	t.f.size = size;
	cut = size / 3 + 1;
	segs[0] = (struct nvsp_seg){data, size};
	if (!t.f.flags) {
		nvsp_tx_plain(nvsp_dev_chan(nf.dev, chan), segs, 1);
		return;
	}
	segs[0] = (struct nvsp_seg){data, cut};
	segs[1] = (struct nvsp_seg){data + cut, size - cut};
	if (t.f.flags & NVSP_F_CSUM_L4 && t.f.l4_off + 18u > size)
		t.f.flags &= ~NVSP_F_CSUM_L4; /* the switch checked this */
	nvsp_tx_burst(nvsp_dev_chan(nf.dev, chan), &t, 1);
}

static void ack_all(uint32_t chan)
{
	static struct gpkt p;
	struct nvsp_msg_wire m = {.type = NVSP_RNDIS_COMPLETE, .complete = {1}};

	while (!gring_recv(&nf.in[chan], &p))
		if (p.type == VMB_PKT_XFER)
			gring_send(&nf.out[chan], VMB_PKT_COMPLETION, 0, p.xid, NULL, 0, &m, 40,
				   NULL);
	gring_ack(&nf.in[chan]);
}

static void step(struct fuzz_input *in)
{
	static const uint16_t types[] = {6, 6, 9, 11};
	uint8_t ext[256], msg[512];
	uint32_t op = fuzz_num(in, 1), chan = (op >> 4) % NF_CHANS, n, k;
	struct nvsp_info info;

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
	case 3:
		n = op & 2 ? fuzz_blob(in, ext, 248) & ~7u : 0;
		k = fuzz_blob(in, msg, 200);
		gring_send(&nf.out[chan], types[op & 3], 1, fuzz_num(in, 1), ext, n, msg, k, NULL);
		break;
	case 4:
	case 5:
		n = fuzz_blob(in, msg, 500);
		nf_rndis(chan, op & 1, msg, n);
		break;
	case 6:
		to_guest(in, chan);
		break;
	case 7:
		ack_all(chan);
		break;
	case 8:
		k = fuzz_num(in, 2) % NF_PAGES * 4096 + fuzz_num(in, 1) % 80;
		n = fuzz_blob(in, msg, 32);
		memcpy(nf.ram.host + k, msg, n);
		break;
	case 9:
		nvsp_chan_close(nf.dev, chan);
		nf_open(chan);
		break;
	case 10:
		nvsp_set_link(nf.dev, op & 16, fuzz_num(in, 2));
		break;
	case 11:
		if (!nvsp_chan_arm(nvsp_dev_chan(nf.dev, chan)))
			nf_poll(chan);
		nvsp_chan_disarm(nvsp_dev_chan(nf.dev, chan));
		break;
	case 12:
		nvsp_gpadl_del(nf.dev, fuzz_num(in, 1) % 16);
		nvsp_gpadl_add(nf.dev, 3, nf.send, NF_SEND_PAGES, NULL);
		break;
	default:
		nf_poll(chan);
	}
	nvsp_dev_info(nf.dev, &info);
	if (info.recv_busy > info.recv_suballocs || !info.n_queues || info.n_queues > NF_CHANS)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	nf_up(fuzz_num(&in, 1) % 7);
	while (in.left)
		step(&in);
	for (uint32_t i = 0; i < NF_CHANS; i++)
		nf_poll(i);
	nf_down();
	return 0;
}
