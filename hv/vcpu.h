/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual processor: its thread and what it leaves the guest for. The rest of the machine is
 * behind ops, which are called in the vCPU's thread.
 * Stopping joins the thread; the vCPU's state stays in KVM, complete, and can be started again.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hv/kvm.h"
#include "hv/loader.h"
#include "hv/pio.h"

struct hv_vcpu_ops {
	enum hv_event (*pio_write)(void *ctx, uint16_t port, uint32_t v, unsigned int size);
	uint32_t (*pio_read)(void *ctx, uint16_t port, unsigned int size);
	/** Return: the TLFS status. */
	uint16_t (*hypercall)(void *ctx, unsigned int vp, uint64_t control, uint64_t in,
			      uint64_t out);
	/** The in-kernel SynIC of @vp changed. */
	void (*synic)(void *ctx, unsigned int vp, const struct kvm_hyperv_exit *exit);
	/** Return: false makes the access fault. */
	bool (*rdmsr)(void *ctx, unsigned int vp, uint32_t msr, uint64_t *v);
	bool (*wrmsr)(void *ctx, unsigned int vp, uint32_t msr, uint64_t v);
	/** The guest says that it crashed. */
	void (*crashed)(void *ctx, unsigned int vp, const uint64_t param[5]);
	/** The vCPU's thread ends because of @ev; @why is set for HV_EV_FAILED. */
	void (*ended)(void *ctx, unsigned int vp, enum hv_event ev, const char *why);
};

struct hv_vcpu {
	unsigned int index;
	int fd; /* -1: not there */
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool running;
	bool stop; /* atomic */
	const struct hv_vcpu_ops *ops;
	void *ctx;
};

int hv_vcpu_init(struct hv_vcpu *v, struct hv_kvm *kvm, unsigned int index,
		 const struct hv_vcpu_ops *ops, void *ctx, struct vd_err *err);
void hv_vcpu_done(struct hv_vcpu *v);
/** Registers of the first vCPU at a kernel's entry. */
int hv_vcpu_set_entry(struct hv_vcpu *v, const struct hv_entry *entry, struct vd_err *err);
int hv_vcpu_start(struct hv_vcpu *v, struct vd_err *err);
/** Ask the thread to leave the guest; returns at once. */
void hv_vcpu_kick(struct hv_vcpu *v);
/** Kick and wait. Not from a vCPU's thread. */
void hv_vcpu_stop(struct hv_vcpu *v);
