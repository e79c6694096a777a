/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a machine from a snapshot's file. hv_restore_options() first, then hv_machine_init() with what it
 * has filled in; that calls the others where an ordinary machine would boot.
 * Proof: tests/guest/micro.test, tests/guest/snapshot.test.
 */
#pragma once

#include "hv/options.h"
#include "hv/snapshot/chain.h"
#include "hv/snapshot/machine_state.h"

struct hv_machine;

struct hv_restore {
	struct hv_saved saved;
	struct hv_nic_state nic[HV_NICS_MAX];
	char name[HV_SNAP_NAME_SIZE];
};

/** Read the head of opt->file and let @opt say what the machine was: processors, memory, cards. Strings
 *  of @opt may point into @r afterwards. 0; negative errno with @err. */
int hv_restore_options(struct hv_restore *r, struct hv_options *opt, struct vd_err *err);

/** All files into memory and @r. Then network cards that were not named are the saved ones. */
int hv_restore_load(struct hv_restore *r, struct hv_options *opt, const struct hv_ram *ram,
		    struct vd_err *err);
/** The CPUID that the new VM's processors shall have. */
int hv_restore_cpuid(const struct hv_restore *r, struct hv_kvm *kvm, struct vd_err *err);
/** State into the machine that was built; cards are known, and not connected. */
int hv_restore_machine(struct hv_restore *r, struct hv_machine *m, struct vd_err *err);
/** Cards are connected, the guest may run. */
int hv_restore_finish(struct hv_restore *r, struct hv_machine *m, struct vd_err *err);
void hv_restore_done(struct hv_restore *r);
