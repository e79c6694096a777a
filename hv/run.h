/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the machine: shared by machine.c, run.c and snapshot/ only. */
#pragma once

#include <poll.h>

#include "hv/machine.h"

/** A new KVM VM with its vCPUs, SynIC and ports. */
int hv_machine_build(struct hv_machine *m, struct vd_err *err);
void hv_machine_unbuild(struct hv_machine *m);
/** Kernel into memory, registers into the first vCPU. */
int hv_machine_boot(struct hv_machine *m, struct vd_err *err);

/** Let the vCPUs run, or take them all out of the guest: their state is in KVM, complete, afterwards. */
int hv_machine_start_vcpus(struct hv_machine *m, struct vd_err *err);
void hv_machine_stop_vcpus(struct hv_machine *m);
/** Serve the cards' sockets; fill in from @n on what to wait for. Return: entries. */
int hv_machine_prepare_nics(struct hv_machine *m, struct pollfd *p, int n, int *timeout_ms);
/** The machine cannot go on. Any thread. */
void hv_machine_fail(struct hv_machine *m, const char *why);
