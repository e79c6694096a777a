/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VMBus of one VM: vmbus-netvsp's bus on top of SynIC and hypercalls. Devices (hv/nic.h) offer
 * channels and get the bus's questions about them.
 *
 * Thread-safety: every function takes the lock, except those that say "locked".
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "hv/synic.h"
#include "hv/usynic.h"
#include "vmbus-netvsp/bus.h"

/** The device behind a channel; priv of its offers points to one of these. The same answers as
 *  struct vmb_bus_ops; called locked. */
struct hv_device {
	const struct hv_device_ops *ops;
};

struct hv_device_ops {
	int (*gpadl_add)(struct hv_device *d, struct vmb_chan *chan, const struct vmb_gpadl *g);
	int (*gpadl_del)(struct hv_device *d, struct vmb_chan *chan, const struct vmb_gpadl *g);
	int (*open)(struct hv_device *d, struct vmb_chan *chan, const struct vmb_open *open);
	int (*close)(struct hv_device *d, struct vmb_chan *chan);
	int (*modify)(struct hv_device *d, struct vmb_chan *chan, uint32_t vp);
	void (*released)(struct hv_device *d, struct vmb_chan *chan);
	/** The guest signals the channel, and KVM did not know the connection. */
	void (*signal)(struct hv_device *d, struct vmb_chan *chan);
	/** The event page of a VP moved. */
	void (*moved)(struct hv_device *d, unsigned int vp);
};

#define HV_DEVICES_MAX 8u

struct hv_vmbus {
	pthread_mutex_t lock; /* guards everything below, the SynIC and the devices */
	struct hv_kvm *kvm;
	const struct hv_ram *ram;
	struct vmb_mem mem;
	struct vmb_bus *bus;
	struct hv_synic synic;
	struct hv_usynic usynic;
	struct hv_device *device[HV_DEVICES_MAX];
	unsigned int n_devices;
	uint32_t seen_version; /* last one that was logged */
};

int hv_vmbus_init(struct hv_vmbus *b, struct hv_kvm *kvm, const struct hv_ram *ram,
		  unsigned int n_cpus, struct vd_err *err);
void hv_vmbus_done(struct hv_vmbus *b);

/** A new VM with its vCPUs stands: connect the SynIC to it. */
int hv_vmbus_attach(struct hv_vmbus *b, uint64_t tsc_hz, struct vd_err *err);
/** Between two VMs: forget the guest. True: all devices have let go of its memory. */
bool hv_vmbus_reset(struct hv_vmbus *b);
bool hv_vmbus_quiet(struct hv_vmbus *b);

uint16_t hv_vmbus_hypercall(struct hv_vmbus *b, uint64_t control, uint64_t in);
void hv_vmbus_synic(struct hv_vmbus *b, unsigned int vp, const struct kvm_hyperv_exit *e);
bool hv_vmbus_rdmsr(struct hv_vmbus *b, unsigned int vp, uint32_t msr, uint64_t *v);
bool hv_vmbus_wrmsr(struct hv_vmbus *b, unsigned int vp, uint32_t msr, uint64_t v);
/** A message slot became free, or may have. */
void hv_vmbus_flush(struct hv_vmbus *b);

/** Locked: make a device known, before the guest runs. */
int hv_vmbus_add(struct hv_vmbus *b, struct hv_device *d);

static inline void hv_vmbus_lock(struct hv_vmbus *b)
{
	pthread_mutex_lock(&b->lock);
}

static inline void hv_vmbus_unlock(struct hv_vmbus *b)
{
	pthread_mutex_unlock(&b->lock);
}
