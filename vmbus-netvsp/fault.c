/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts of the fault list. */
#include "vmbus-netvsp/fault.h"

static const struct {
	const char *text, *doc;
} faults[VMB_FAULT_N] = {
#define VMB_FAULT(id, text, doc) [VMB_FAULT_##id] = {text, doc},
#include "vmbus-netvsp/faults.def"
#undef VMB_FAULT
};

const char *vmb_fault_text(enum vmb_fault fault)
{
	return (unsigned int)fault < VMB_FAULT_N ? faults[fault].text : "unknown";
}

const char *vmb_fault_doc(enum vmb_fault fault)
{
	return (unsigned int)fault < VMB_FAULT_N ? faults[fault].doc : "";
}
