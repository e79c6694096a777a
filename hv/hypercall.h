/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two hypercalls that reach this process: POST_MESSAGE and SIGNAL_EVENT. Pure.
 * Source: TLFS chapters 3 and 11. Proof: tests/unit/hv/test_synic.c.
 */
#pragma once

#include <stdint.h>

#include "hv/ram.h"

enum hv_status {
	HV_STATUS_OK = 0,
	HV_STATUS_BAD_CODE = 2,
	HV_STATUS_BAD_INPUT = 3,
	HV_STATUS_BAD_ALIGNMENT = 4,
	HV_STATUS_BAD_PARAMETER = 5,
	HV_STATUS_BAD_CONNECTION = 18,
	HV_STATUS_NO_BUFFERS = 19,
};

struct hv_hypercall_ops {
	/** A message of at most 240 bytes, in private memory. Return: status. */
	enum hv_status (*post)(void *ctx, uint32_t connection, uint32_t type, const void *payload,
			       uint32_t size);
	enum hv_status (*signal)(void *ctx, uint32_t connection, uint16_t flag);
};

enum hv_status hv_hypercall(const struct hv_ram *ram, uint64_t control, uint64_t in,
			    const struct hv_hypercall_ops *ops, void *ctx);
