/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a machine has beside memory and vCPUs, as flat bytes: KVM's clock and interrupt controllers with
 * the CPUID they belong to; serial ports, clock chip and SynIC of our own; a network card.
 *
 * Restoring checks every value: bytes are of a file, and may be a stranger's.
 * Proof: tests/unit/hv/test_snapstate.c, tests/guest/snapshot.test, tests/fuzz/fuzz_hv_snapshot.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/kvm.h"
#include "hv/pio.h"
#include "hv/vmbus.h"
#include "vmbus-netvsp/netvsp.h"

#define HV_VM_STATE_MAX    32768u
#define HV_BOARD_STATE_MAX 32768u
#define HV_NIC_STATE_MAX   (NVSP_KEEP_SIZE + 4096u)

/** Each save: bytes in @buf, negative errno. */
int64_t hv_vm_state_save(const struct hv_kvm *kvm, int vcpu0, void *buf, size_t room);

/** Is what the saved CPUID promises there? Then @kvm's becomes the saved one. Before there are vCPUs. */
int hv_vm_state_cpuid(struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err);
/** Interrupt controllers; before the vCPUs' state. */
int hv_vm_state_irqchip(const struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err);
/** The processors' frequency; before their state. */
int hv_vm_state_tsc(int vcpu, const void *buf, size_t size, struct vd_err *err);
/** The clock goes on; last. */
int hv_vm_state_clock(const struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err);

/** Locked by whoever guards @pio and @bus. */
int64_t hv_board_state_save(const struct hv_pio *pio, const struct hv_vmbus *bus, void *buf,
			    size_t room);
/** @pio and @bus are those of a new machine of the same shape; the guest's memory is there. */
int hv_board_state_restore(struct hv_pio *pio, struct hv_vmbus *bus, const void *buf, size_t size,
			   struct vd_err *err);

/** A network card, as far as the worker knows it. */
struct hv_nic_state {
	uint8_t instance[16];
	char port[64]; /* a name, or the path of its socket */
	uint8_t mac[6];
	uint16_t max_queues, max_mtu;
	uint16_t n_subs;  /* subchannels offered */
	uint16_t by_path; /* port is a path */
};

/** @keep: NVSP_KEEP_SIZE bytes of the switch's notes; what is zero in them takes no room. */
int64_t hv_nic_state_save(const struct hv_nic_state *s, const void *keep, void *buf, size_t room);
/** 0; -EINVAL. @keep: NVSP_KEEP_SIZE bytes, or NULL. */
int hv_nic_state_load(const void *buf, size_t size, struct hv_nic_state *ret, void *keep);
