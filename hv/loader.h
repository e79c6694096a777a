/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting a kernel into guest memory: bzImage by the 64-bit Linux boot protocol, or an ELF file
 * with a PVH entry note. Pure: files come as bytes, and whatever is in them is checked.
 *
 * Source: Documentation/x86/boot.rst and zero-page.rst of Linux; Xen's misc/pvh.pandoc for PVH.
 * Proof: tests/unit/hv/test_loader.c, tests/fuzz/fuzz_hv_loader.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "hv/ram.h"

struct hv_blob {
	const uint8_t *data;
	size_t size; /* bytes; 0: absent */
};

struct hv_boot {
	struct hv_blob kernel, initrd;
	const char *cmdline; /* not NULL */
	uint64_t rsdp_gpa;   /* 0: none */
};

/** How the first vCPU starts. */
struct hv_entry {
	bool pvh; /* 32-bit protected mode, rbx = start info; else 64-bit mode, rsi = boot_params */
	uint64_t rip;
	uint64_t info; /* what rbx or rsi is to hold */
};

/**
 * Load @boot into @ram, and the tables that the entry needs (GDT, page tables, memory map).
 * Return: 0; -EINVAL, -E2BIG, -ENOEXEC with @err filled: not a kernel, truncated, or too large.
 */
int hv_load(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
	    struct vd_err *err);

/* The parts of hv_load(). */
bool hv_is_bzimage(const struct hv_blob *kernel);
bool hv_is_elf(const struct hv_blob *kernel);
int hv_load_bzimage(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
		    struct vd_err *err);
int hv_load_pvh(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
		struct vd_err *err);

/**
 * Copy the initrd to the highest place that ends at or below @limit, above @floor. 0 with @gpa;
 * -E2BIG with @err filled.
 */
int hv_load_initrd(const struct hv_ram *ram, const struct hv_blob *initrd, uint64_t floor,
		   uint64_t limit, uint64_t *gpa, struct vd_err *err);
/** Copy the command line to HV_CMDLINE_GPA; @max: its longest length. */
int hv_load_cmdline(const struct hv_ram *ram, const char *cmdline, size_t max, struct vd_err *err);

struct hv_region {
	uint64_t gpa, size;
	uint32_t type; /* 1 RAM, 2 reserved; the numbers of E820 and of PVH are the same */
};
#define HV_REGIONS_MAX 4u
/** The guest's memory map. Return: entries. */
unsigned int hv_regions(const struct hv_ram *ram, struct hv_region ret[HV_REGIONS_MAX]);
