/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After set-up the worker needs few system calls: everything else is denied (EPERM) by a seccomp
 * filter, so a guest that breaks into this process starts no program, opens no file for writing and
 * makes no connection but to local sockets. Proof: tests/guest/vmbus.test.
 */
#pragma once

/** For this thread and those that it starts from now on; there is no way back. 0; -ENOSYS, -EINVAL
 *  this kernel has no seccomp. */
int hv_confine(void);
