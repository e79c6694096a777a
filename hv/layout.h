/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things lie in a guest: physical addresses, ports, interrupt lines. Everything below 1 MiB
 * that the loader writes is given here, so that two users of an address are seen at once.
 */
#pragma once

#define HV_PAGE_SIZE 4096u
#define HV_MIB       (1024ull * 1024)
#define HV_GIB       (1024ull * HV_MIB)

#define HV_GDT_GPA          0x500u
#define HV_PVH_INFO_GPA     0x6000u /* hvm_start_info, module list, memory map */
#define HV_BOOT_PARAM_GPA   0x7000u
#define HV_PAGE_TABLE_GPA   0x9000u /* 6 pages: 4 GiB, one to one, in 2 MiB pages */
#define HV_BOOT_STACK_GPA   0x10000u
#define HV_CMDLINE_GPA      0x20000u
#define HV_CMDLINE_MAX      0x10000u
#define HV_LOW_RAM_END      0x9fc00u
#define HV_ACPI_GPA         0xe0000u
#define HV_ACPI_SIZE        0x10000u
#define HV_RESET_VECTOR_GPA 0xffff0u
#define HV_HIGH_RAM_GPA     0x100000u

#define HV_HOLE_GPA     (3 * HV_GIB) /* RAM goes on above 4 GiB: APICs and firmware live here */
#define HV_ABOVE_GPA    (4 * HV_GIB)
#define HV_IOAPIC_GPA   0xfec00000u
#define HV_LAPIC_GPA    0xfee00000u
#define HV_IDENTITY_GPA 0xfffbc000u /* Intel's KVM hides a page table here, */
#define HV_TSS_GPA      0xfffbd000u /* and three pages of a task state segment here */

#define HV_COM1_PORT     0x3f8u
#define HV_COM1_IRQ      4u
#define HV_COM2_PORT     0x2f8u
#define HV_COM2_IRQ      3u
#define HV_SLEEP_PORT    0x600u /* ACPI sleep control register; + 1: sleep status */
#define HV_RESET_PORT    0xcf9u
#define HV_RESET_VALUE   6u
#define HV_SLEEP_TYPE_S5 5u
#define HV_IOAPIC_PINS   24u

#define HV_CPUS_MAX 64u
