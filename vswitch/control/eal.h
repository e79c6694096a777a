/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting DPDK's environment so that nothing is required of the machine and nothing is left on it:
 * no shared files, no telemetry, hugepages only when enough are free, no PCI device touched (a pci: port
 * probes its own later: the bus is scanned with an allow-list that names no real device).
 * Thread-safety: once, control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/** @memory_mib for packets and tables. *@hugepages: whether they are used. */
int vsw_eal_start(uint32_t memory_mib, bool *hugepages, struct vd_err *reterr);
void vsw_eal_stop(void);
