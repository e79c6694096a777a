/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After set-up the worker needs few system calls: everything else is denied (EPERM) by a seccomp
 * filter, so a guest that breaks into this process starts no program, opens no file for writing and
 * makes no connection but to local sockets. It may remove files in one folder (by Landlock), which is how its
 * control socket goes when it ends. Proof: tests/guest/vmbus.test, tests/guest/micro.test.
 */
#pragma once

/**
 * For this thread and those that it starts from now on; there is no way back. @folder: where files may be
 * removed; NULL, or a kernel without Landlock: nowhere. 0; -ENOSYS, -EINVAL this kernel has no seccomp.
 */
int hv_confine(const char *folder);
