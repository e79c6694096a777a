/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual machine: puts partition, memory, vCPUs, ports, VMBus and network cards together and runs
 * them until the guest powers off or a signal comes.
 *
 * Threads. The main thread runs hv_machine_run(): consoles, signals, the sockets of the network cards.
 * Each vCPU has a thread. Locks, in this order, never both: vmbus.lock; pio_lock.
 * A reset makes a new KVM VM over the same memory, so nothing of the old guest can be left in KVM.
 */
#pragma once

#include <pthread.h>

#include "hv/console.h"
#include "hv/kvm.h"
#include "hv/nic.h"
#include "hv/options.h"
#include "hv/pio.h"
#include "hv/ram.h"
#include "hv/snapshot/control.h"
#include "hv/vcpu.h"
#include "hv/vmbus.h"

struct hv_machine {
	struct hv_options *opt;
	struct hv_restore *restore; /* while a snapshot is being restored; else NULL */
	struct hv_kvm kvm;
	struct hv_ram ram;
	struct hv_vmbus vmbus;
	struct hv_nic nic[HV_NICS_MAX];
	unsigned int n_nics;
	char nic_path[HV_NICS_MAX][108];
	struct hv_vcpu vcpu[HV_CPUS_MAX];
	unsigned int n_vcpus;     /* that exist in KVM now */
	pthread_mutex_t pio_lock; /* guards pio */
	struct hv_pio pio;
	struct hv_console console[2];
	struct hv_control control; /* snapshots */
	int signal_fd, wake_fd;
	pthread_mutex_t event_lock; /* guards the two below, which vCPUs set and wake_fd tells of */
	enum hv_event event;
	char why[160];
};

/** @restore: NULL, or a snapshot to go on from. 0; negative errno with @err filled, and nothing left
 *  behind. */
int hv_machine_init(struct hv_machine *m, struct hv_options *opt, struct hv_restore *restore,
		    struct vd_err *err);
/** Until the end. 0: powered off or asked to stop; negative errno with @err filled. */
int hv_machine_run(struct hv_machine *m, struct vd_err *err);
void hv_machine_done(struct hv_machine *m);
