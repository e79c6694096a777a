/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hyper-V's registers without help of KVM: the model-specific registers of hypercall page, VP index,
 * SynIC and frequencies. The hypercall page holds an OUT to a port of ours; SINT 2 becomes an MSI
 * route for the eventfds of hv/synic.h.
 *
 * Thread-safety: the caller's VMBus lock guards everything here.
 * Source: TLFS chapters 3 and 11. Proof: tests/unit/hv/test_synic.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv/layout.h"
#include "hv/synic.h"

#define HV_USYNIC_PORT 0xe5u /* behind the hypercall page */

struct hv_usynic {
	struct hv_synic *synic;
	uint64_t tsc_hz;
	uint64_t os_id, hypercall;
	struct {
		uint64_t control, simp, siefp, assist;
		uint64_t sint[16];
	} vp[HV_CPUS_MAX];
};

void hv_usynic_init(struct hv_usynic *u, struct hv_synic *synic, uint64_t tsc_hz);
/** Route SINT 2 of all VPs again: @u was filled in from a snapshot. */
void hv_usynic_route(const struct hv_usynic *u);
/** False: there is no such register, the access faults. */
bool hv_usynic_rdmsr(const struct hv_usynic *u, unsigned int vp, uint32_t msr, uint64_t *v);
/** @eom is set when the guest has emptied a message slot. */
bool hv_usynic_wrmsr(struct hv_usynic *u, unsigned int vp, uint32_t msr, uint64_t v, bool *eom);
