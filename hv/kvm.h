/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One KVM partition: VM, memory slots, in-kernel interrupt controllers, vCPUs with their CPUID. The
 * in-kernel Hyper-V support is used where KVM has it; else `user_synic` is set and hv/usynic.h does
 * the same in this process.
 * Thread-safety: set-up from one thread. Source: Documentation/virt/kvm/api.rst.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <linux/kvm.h>

#include "base/err.h"
#include "hv/cpuid.h"
#include "hv/ram.h"

struct hv_kvm {
	int sys, vm;     /* file descriptors or -1 */
	size_t run_size; /* bytes of struct kvm_run's mapping */
	bool user_synic; /* KVM has no Hyper-V support */
	struct hv_cpuid *cpuid;
};

/** @path: "/dev/kvm". 0; negative errno with @err filled: it says what is missing and what to do. */
int hv_kvm_open(struct hv_kvm *kvm, const char *path, bool force_user_synic, struct vd_err *err);
/** What to do when KVM refuses something with @r, a negative errno. */
const char *hv_kvm_hint(int r);
/** Make the VM. After hv_kvm_destroy_vm() it can be made again (that is a reset). */
int hv_kvm_create_vm(struct hv_kvm *kvm, const struct hv_ram *ram, unsigned int n_cpus,
		     struct vd_err *err);
void hv_kvm_destroy_vm(struct hv_kvm *kvm);
/** Keep a log of the pages that the guest writes (KVM_GET_DIRTY_LOG), or stop it. 0 or negative errno. */
int hv_kvm_log_dirty(struct hv_kvm *kvm, const struct hv_ram *ram, bool on);
void hv_kvm_done(struct hv_kvm *kvm);

/** A vCPU's file descriptor, CPUID, SynIC and VP index set; or negative errno with @err filled. */
int hv_kvm_create_vcpu(struct hv_kvm *kvm, unsigned int index, struct vd_err *err);

#define HV_MSRS_MAX 64u
/** Laid out as struct kvm_msrs. */
struct hv_msrs {
	uint32_t n, padding;
	struct kvm_msr_entry entry[HV_MSRS_MAX];
};
/** Write one model-specific register of a vCPU. 0; -EIO KVM does not take it. */
int hv_kvm_set_msr(int vcpu, uint32_t index, uint64_t v);

/** The interrupt line of an I/O APIC pin. */
void hv_kvm_irq_line(struct hv_kvm *kvm, unsigned int gsi, bool level);

/** Interrupt @gsi whenever @fd is written; @resample (or -1) is written when the guest has it seen. */
int hv_kvm_irqfd(struct hv_kvm *kvm, unsigned int gsi, int fd, int resample);

struct hv_route {
	unsigned int gsi;
	bool msi; /* else: SINT @sint of VP @vp */
	uint32_t vp, sint;
	uint64_t address;
	uint32_t data;
};
/** Replace all routes by the I/O APIC's pins and @route[0..n-1]. */
int hv_kvm_set_routes(struct hv_kvm *kvm, const struct hv_route *route, unsigned int n);

/** Let writes of SIGNAL_EVENT hypercalls to @connection wake @fd; @on false: no more. */
int hv_kvm_event_fd(struct hv_kvm *kvm, uint32_t connection, int fd, bool on);
