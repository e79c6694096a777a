/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's side of the synthetic interrupt controllers, as far as VMBus uses them: SINT 2 of each
 * VP. Messages go into the VP's message page, channel interrupts are a bit in its event page; both
 * end with an eventfd that KVM turns into the interrupt. Works the same over KVM's SynIC and over
 * our own (hv/usynic.h), which calls hv_synic_set_page() and routes the interrupt as an MSI.
 *
 * Thread-safety: the caller's VMBus lock guards everything here.
 * Source: TLFS chapter 11. Proof: tests/unit/hv/test_synic.c, tests/guest/vmbus.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hv/kvm.h"
#include "hv/layout.h"
#include "hv/ram.h"

struct hv_vp {
	bool on;          /* SCONTROL */
	uint64_t msg_gpa; /* SIMP; 0: off */
	uint64_t evt_gpa; /* SIEFP; 0: off */
	int msg_fd;       /* eventfd: a message is there */
	int call_fd;      /* eventfd: a channel interrupt is there */
	int eom_fd;       /* eventfd: the guest looked at it */
};

struct hv_synic {
	struct hv_kvm *kvm; /* NULL in unit tests */
	const struct hv_ram *ram;
	unsigned int n;
	struct hv_vp vp[HV_CPUS_MAX];
};

/** Make the eventfds. 0; negative errno with @err filled. */
int hv_synic_init(struct hv_synic *s, struct hv_kvm *kvm, const struct hv_ram *ram, unsigned int n,
		  struct vd_err *err);
void hv_synic_done(struct hv_synic *s);
/** Connect the eventfds to the interrupts of a new VM, whose vCPUs exist. */
int hv_synic_attach(struct hv_synic *s, struct vd_err *err);
/** The VM is reset: all pages are off. */
void hv_synic_reset(struct hv_synic *s);

/** The GSI of SINT 2 of a VP. */
static inline unsigned int hv_synic_gsi(unsigned int vp)
{
	return HV_IOAPIC_PINS + vp;
}

/** What the guest wrote to SCONTROL, SIMP and SIEFP. A page that is switched on is zeroed. */
void hv_synic_set(struct hv_synic *s, unsigned int vp, uint64_t control, uint64_t simp,
		  uint64_t siefp);

/** Pages as a snapshot has them: they are not zeroed. 0; -EINVAL no RAM. */
int hv_synic_restore(struct hv_synic *s, unsigned int vp, bool on, uint64_t msg_gpa,
		     uint64_t evt_gpa);
/** Interrupt every VP that has the SynIC on: edges may be lost in a snapshot. */
void hv_synic_kick_all(struct hv_synic *s);

/**
 * Put a message of @type into the slot of SINT 2.
 * Return: 0, also when the VP has no message page (there is nobody to tell); -EAGAIN the slot is
 * full, and eom_fd will be written; -EINVAL.
 */
int hv_synic_post(struct hv_synic *s, unsigned int vp, uint32_t type, const void *payload,
		  uint32_t size);

/** Guest address of SINT 2's event flags on a VP; 0: off. */
uint64_t hv_synic_flags_gpa(const struct hv_synic *s, unsigned int vp);

/** What lies in the pages now: for people, not to be trusted. */
struct hv_synic_look {
	uint32_t type, slot_flags, first_word; /* of the message slot; type 0: empty */
	uint64_t flags[32];                    /* that the guest has not taken */
};

void hv_synic_look(const struct hv_synic *s, unsigned int vp, struct hv_synic_look *ret);

/** Set event flag @flag (0..2047) of SINT 2 and interrupt, unless it was set already. */
void hv_synic_signal(struct hv_synic *s, unsigned int vp, uint32_t flag);
