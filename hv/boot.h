/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading kernel and initrd from files into guest memory. Proof: tests/guest/vmbus.test. */
#pragma once

#include "hv/loader.h"
#include "hv/options.h"

/** ACPI tables, kernel, initrd, command line. 0; negative errno with @err filled. */
int hv_boot_files(const struct hv_options *opt, const struct hv_ram *ram, struct hv_entry *ret,
		  struct vd_err *err);
