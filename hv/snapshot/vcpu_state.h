/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual processor as flat bytes: general, system, floating-point and debug registers, events under
 * way, local APIC, model-specific registers (Hyper-V's among them where KVM serves those).
 *
 * The vCPU's thread does not run. Restoring expects a new vCPU with the CPUID of the saved one, and guest
 * memory as it was: KVM reads page tables and Hyper-V's pages. What KVM refuses is an error that says so.
 * Source: Documentation/virt/kvm/api.rst; order as in QEMU's target/i386/kvm (facts only).
 * Proof: tests/guest/snapshot.test; the bytes of strangers: tests/fuzz/fuzz_hv_snapshot.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "hv/kvm.h"

#define HV_VCPU_STATE_MAX 65536u /* bytes */

/** Return: bytes in @buf; negative errno: KVM does not tell, or @room is too small. */
int64_t hv_vcpu_state_save(int vcpu, const struct hv_kvm *kvm, void *buf, size_t room);
/** 0; -EINVAL the bytes make no sense; or KVM's refusal. @err is filled. */
int hv_vcpu_state_restore(int vcpu, const struct hv_kvm *kvm, const void *buf, size_t size,
			  struct vd_err *err);

/** The part of restoring that needs no KVM, for tests: 0 or -EINVAL. */
int hv_vcpu_state_check(const void *buf, size_t size);
