/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decoding hypercalls. The input block is copied once; only the copy is looked at. */
#include <string.h>

#include "hv/hypercall.h"
#include "hv/layout.h"

enum { CODE_POST_MESSAGE = 0x5c, CODE_SIGNAL_EVENT = 0x5d, PAYLOAD_MAX = 240 };
#define CONTROL_FAST     (1u << 16)
#define CONNECTION_BITS  0x00ffffffu
#define CONTROL_VARIABLE 0x0fff0fff07fe0000ull /* repetitions and variable headers: not for these */

struct post_wire {
	uint32_t connection, rsvd, type, size;
	uint8_t payload[PAYLOAD_MAX];
};
_Static_assert(sizeof(struct post_wire) == 256, "POST_MESSAGE input");

static enum hv_status post(const struct hv_ram *ram, uint64_t in,
			   const struct hv_hypercall_ops *ops, void *ctx)
{
	struct post_wire p;
	void *src;

	if (in % 8)
		return HV_STATUS_BAD_ALIGNMENT;
	if (in % HV_PAGE_SIZE > HV_PAGE_SIZE - sizeof(p))
		return HV_STATUS_BAD_PARAMETER;
	src = hv_ram_at(ram, in, sizeof(p));
	if (!src)
		return HV_STATUS_BAD_PARAMETER;
	vmb_copy_in(&p, src, sizeof(p));
	if (p.size > PAYLOAD_MAX)
		return HV_STATUS_BAD_PARAMETER;
	return ops->post(ctx, p.connection & CONNECTION_BITS, p.type, p.payload, p.size);
}

static enum hv_status signal_event(const struct hv_ram *ram, uint64_t control, uint64_t in,
				   const struct hv_hypercall_ops *ops, void *ctx)
{
	uint64_t v = in;
	void *src;

	if (!(control & CONTROL_FAST)) {
		if (in % 8)
			return HV_STATUS_BAD_ALIGNMENT;
		src = hv_ram_at(ram, in, sizeof(v));
		if (!src)
			return HV_STATUS_BAD_PARAMETER;
		vmb_copy_in(&v, src, sizeof(v));
	}
	if ((uint32_t)v & ~CONNECTION_BITS)
		return HV_STATUS_BAD_PARAMETER;
	return ops->signal(ctx, (uint32_t)v, (uint16_t)(v >> 32));
}

enum hv_status hv_hypercall(const struct hv_ram *ram, uint64_t control, uint64_t in,
			    const struct hv_hypercall_ops *ops, void *ctx)
{
	if (control & CONTROL_VARIABLE)
		return HV_STATUS_BAD_INPUT;
	switch (control & 0xffff) {
	case CODE_POST_MESSAGE:
		return control & CONTROL_FAST ? HV_STATUS_BAD_INPUT : post(ram, in, ops, ctx);
	case CODE_SIGNAL_EVENT:
		return signal_event(ram, control, in, ops, ctx);
	default:
		return HV_STATUS_BAD_CODE;
	}
}
