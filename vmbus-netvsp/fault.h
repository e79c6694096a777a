/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a channel was stopped: enum, stable text and explanation, all from faults.def.
 * Thread-safety: pure functions. Proof: tests/unit/vmbus-netvsp/test_ring.c.
 */
#pragma once

enum vmb_fault {
#define VMB_FAULT(id, text, doc) VMB_FAULT_##id,
#include "vmbus-netvsp/faults.def"
#undef VMB_FAULT
	VMB_FAULT_N,
};

/** "ring.write_index"; "unknown" outside the list. */
const char *vmb_fault_text(enum vmb_fault fault);

/** One sentence for people; "" outside the list. */
const char *vmb_fault_doc(enum vmb_fault fault);
