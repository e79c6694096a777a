/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved state that lies: the bus's, or the NIC's, which must then live on or refuse. */
#include <errno.h>

#include "tests/fuzz/nic_fuzz.h"
#include "vmbus-netvsp/bus.h"

static int op_post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	return vp >= 4 || size > 240 ? (abort(), 0) : 0;
}

static int op_gpadl(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	return g->n_ranges ? 0 : -EINVAL;
}

static int op_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *o)
{
	return 0;
}

static int op_close(void *ctx, struct vmb_chan *chan)
{
	return 0;
}

static int op_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	return 0;
}

static void op_released(void *ctx, struct vmb_chan *chan)
{
}

static const struct vmb_bus_ops bus_ops = {op_post,  op_gpadl,  op_gpadl,   op_open,
					   op_close, op_modify, op_released};

static void restore_bus(const uint8_t *data, size_t size)
{
	struct vmb_bus_cfg cfg = {.n_vps = 4, .gpadl_pages_max = 2000};
	struct vmb_offer o = {.monitor_id = -1};
	struct vmb_bus *bus = vmb_bus_create(&cfg, &nf.mem, &bus_ops, NULL);
	struct vmb_chan *chan;
	uint8_t out[64];

	vmb_offer_add(bus, &o, &chan);
	o.sub_index = 1;
	vmb_offer_add(bus, &o, &chan);
	if (!vmb_bus_restore(bus, data, size)) {
		vmb_bus_save(bus, out, sizeof(out));
		vmb_bus_flush(bus);
		vmb_bus_reset(bus);
		if (vmb_bus_resetting(bus))
			abort();
	}
	vmb_bus_destroy(bus);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};
	static uint8_t blob[65536];
	uint32_t mode = fuzz_num(&in, 1), patches;
	size_t n;

	nf_up(6);
	if (mode & 1) {
		restore_bus(in.p, in.left);
		nf_down();
		return 0;
	}
	/* a real blob, patched in places that the input names */
	n = nvsp_dev_save(nf.dev, blob, sizeof(blob));
	for (patches = mode >> 1; patches && in.left; patches--)
		blob[fuzz_num(&in, 2) % n] = (uint8_t)fuzz_num(&in, 1);
	nf_down();
	nf_again();
	if (!nvsp_dev_restore(nf.dev, blob, n))
		nf_use(blob);
	nf_down();
	return 0;
}
