/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the machine: shared by machine.c and run.c only. */
#pragma once

#include "hv/machine.h"

/** A new KVM VM with its vCPUs, SynIC and ports. */
int hv_machine_build(struct hv_machine *m, struct vd_err *err);
void hv_machine_unbuild(struct hv_machine *m);
/** Kernel into memory, registers into the first vCPU. */
int hv_machine_boot(struct hv_machine *m, struct vd_err *err);
