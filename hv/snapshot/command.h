/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `viridian-vm snapshot save|list|check|delete`. */
#pragma once

#include "hv/options.h"

/** Do it and print what came of it. 0; negative errno with @err. */
int hv_snapshot_command(const struct hv_options *opt, struct vd_err *err);
