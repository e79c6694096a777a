/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID tells a guest: what KVM supports, minus nested virtualisation and KVM's own leaves, plus
 * a topology of one package of n cores and the Hyper-V leaves that hv_vmbus needs.
 * Pure. Source: Microsoft's TLFS chapter 2; Intel SDM and AMD APM for the topology leaves.
 * Proof: tests/unit/hv/test_cpuid.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#define HV_CPUID_MAX 256u

/** Laid out as struct kvm_cpuid2. */
struct hv_cpuid {
	struct {
		uint32_t nent, padding;
	} head;
	struct kvm_cpuid_entry2 entry[HV_CPUID_MAX];
};

struct hv_cpuid_cfg {
	unsigned int n_cpus;
	bool tsc_deadline;
	bool user_synic; /* the SynIC is ours: offer only what we emulate */
};

/** The first entry of @leaf and @index; NULL. */
struct kvm_cpuid_entry2 *hv_cpuid_find(struct hv_cpuid *c, uint32_t leaf, uint32_t index);

/**
 * Turn @host (KVM_GET_SUPPORTED_CPUID) and @hyperv (KVM_GET_SUPPORTED_HV_CPUID; NULL when
 * user_synic) into what the vCPUs get, in @ret. 0; -E2BIG; -ENOTSUP when @hyperv lacks what VMBus needs.
 */
int hv_cpuid_build(const struct hv_cpuid_cfg *cfg, struct hv_cpuid *host, struct hv_cpuid *hyperv,
		   struct hv_cpuid *ret);

/** The first entry of @saved that promises a feature which @here, built for this machine, lacks; NULL: none. */
const struct kvm_cpuid_entry2 *hv_cpuid_missing(struct hv_cpuid *here,
						const struct hv_cpuid *saved);

/** Put the number of one vCPU into a copy of what hv_cpuid_build() made. */
void hv_cpuid_set_apic_id(struct hv_cpuid *c, uint32_t apic_id);
