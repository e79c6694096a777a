/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon from start to end. */
#pragma once

#include "base/err.h"
#include "vswitch/control/options.h"

/** Run until SIGTERM or SIGINT (both must be blocked by the caller, before any thread exists).
 *  Return: 0 after a clean stop; -errno when it could not start. */
int vsw_daemon_run(const struct vsw_options *opt, struct vd_err *reterr);
