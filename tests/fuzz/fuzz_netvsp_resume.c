/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes of a former life that lie: nvsp_dev_resume() on the notes of a NIC in use, spoilt where the input says,
 * by a VM worker or by a process that ended in the middle of a word. It must go on or refuse, and if it went on, live.
 */
#include <errno.h>

#include "tests/fuzz/nic_fuzz.h"
#include "vmbus-netvsp/keep.h"

static struct keep *keep;

/* Where the input wants a word spoilt: the parts that are in use, each as likely. */
static uint8_t *place(struct fuzz_input *in)
{
	uint32_t part = fuzz_num(in, 1), off = fuzz_num(in, 2);

	switch (part % 5) {
	case 0:
		return (uint8_t *)keep + off % 16;
	case 1:
		return (uint8_t *)&keep->chan[part / 5 % (NF_CHANS + 1)] +
		       off % sizeof(keep->chan[0]);
	case 2:
		return keep->settings[part & 1] +
		       off % (keep->settings_size[part & 1] % KEEP_SETTINGS + 1);
	case 3:
		return (uint8_t *)&keep->id[off / 16 % 64] + off % 16;
	default:
		return (uint8_t *)&keep->id[KEEP_IDS - 1] + off % 16;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t frame[60] = {[12] = 8};
	struct nvsp_seg s = {frame, sizeof(frame)};
	struct nvsp_tx t = {{.size = sizeof(frame)}, &s, 1};
	struct fuzz_input in = {data, size};
	uint32_t mode = fuzz_num(&in, 1);
	int r;

	if (!keep)
		keep = aligned_alloc(4096, NVSP_KEEP_SIZE);
	memset(keep, 0, sizeof(*keep));
	nf.keep = keep;
	nf_up(mode % 7);
	for (uint32_t i = 0; i < NF_CHANS && mode & 8; i++)
		nvsp_tx_burst(nvsp_dev_chan(nf.dev, i), &t, 1);
	if (mode & 16) /* something that was not read yet */
		gring_send(&nf.out[0], VMB_PKT_COMPLETION, 0, mode >> 5, NULL, 0, frame, 40, NULL);
	nf_down(); /* nothing was closed: the process is gone */
	while (in.left)
		*place(&in) = (uint8_t)fuzz_num(&in, 1);
	nf_again();
	r = nvsp_dev_resume(nf.dev);
	if (!r)
		nf_use((const uint8_t *)keep->settings);
	else if (r != -ENOTSUP && r != -EINVAL && r != -ESTALE && r != -ENOMEM)
		abort();
	nf_down();
	nf.keep = NULL;
	return 0;
}
