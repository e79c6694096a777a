/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ACPI tables of a guest: RSDP, XSDT, FADT, MADT, DSDT. Hardware-reduced, so that no legacy
 * timer, interrupt controller or fixed power management has to be emulated. The DSDT names the
 * VMBus, the serial ports and the state S5; nothing else exists.
 * Pure. Source: ACPI 6.4 chapters 4, 5 and 20. Proof: tests/unit/hv/test_acpi.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct hv_acpi_cfg {
	uint64_t gpa;         /* where the tables will lie; the RSDP is the first */
	unsigned int n_cpus;  /* APIC ids 0..n-1 */
	unsigned int n_uarts; /* 1: COM1, 2: and COM2 */
};

/** Write the tables to @buf. Return: bytes used; 0 when @room is too small. */
size_t hv_acpi_build(const struct hv_acpi_cfg *cfg, uint8_t *buf, size_t room);
