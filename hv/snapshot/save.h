/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stopping a machine for a moment, and its state as records of a snapshot's file.
 * Thread-safety: the main thread. Proof: tests/guest/snapshot.test.
 */
#pragma once

#include "hv/machine.h"

/**
 * Nobody runs in the guest or touches its memory afterwards, until hv_save_resume(). 0; -EAGAIN with
 * @err: a device owes the guest an answer, or the guest is being reset: it goes on, try again.
 */
int hv_save_pause(struct hv_machine *m, struct vd_err *err);
void hv_save_resume(struct hv_machine *m);

/** Records of everything but memory, END not included. Paused. Return: bytes; negative errno with @err. */
int64_t hv_save_state(struct hv_machine *m, uint8_t *buf, size_t room, struct vd_err *err);
/** The most that it can be. */
size_t hv_save_state_max(const struct hv_machine *m);
