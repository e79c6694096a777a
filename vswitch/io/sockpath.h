/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket files that servers make. Thread-safety: any thread. */
#pragma once

#include "base/err.h"

/**
 * Make @path free for bind(): a socket file that nobody listens on is what a crash left, and goes.
 *
 * @object  for the error's path; may be NULL, as may @reterr.
 * Return: 0 free now; -EBUSY somebody listens there; -EEXIST it is no socket; other -errno.
 */
int vsw_sockpath_clear(const char *path, const char *object, struct vd_err *reterr);

/** Let VMMs connect: they run as their own user, mostly in group kvm. */
void vsw_sockpath_open_to_vmm(const char *path);
