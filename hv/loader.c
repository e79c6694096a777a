/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What both kinds of kernel need: initrd, command line, memory map, tables of the first vCPU. */
#include <errno.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/loader.h"

unsigned int hv_regions(const struct hv_ram *ram, struct hv_region ret[HV_REGIONS_MAX])
{
	unsigned int n = 0;

	ret[n++] = (struct hv_region){0, HV_LOW_RAM_END, 1};
	ret[n++] = (struct hv_region){HV_LOW_RAM_END, HV_HIGH_RAM_GPA - HV_LOW_RAM_END, 2};
	ret[n++] = (struct hv_region){HV_HIGH_RAM_GPA, ram->low_size - HV_HIGH_RAM_GPA, 1};
	if (ram->size > ram->low_size)
		ret[n++] = (struct hv_region){HV_ABOVE_GPA, ram->size - ram->low_size, 1};
	return n;
}

int hv_load_initrd(const struct hv_ram *ram, const struct hv_blob *initrd, uint64_t floor,
		   uint64_t limit, uint64_t *gpa, struct vd_err *err)
{
	uint64_t end = limit < ram->low_size ? limit : ram->low_size;

	*gpa = 0;
	if (!initrd->size)
		return 0;
	if (end < floor || initrd->size > end - floor)
		return vd_err_set(err, -E2BIG, VD_E_VM_KERNEL, "vm/initrd",
				  "give the VM more with --memory",
				  "the initrd (%zu bytes) does not fit into the guest's memory",
				  initrd->size);
	*gpa = (end - initrd->size) & ~(uint64_t)(HV_PAGE_SIZE - 1);
	if (*gpa < floor)
		*gpa = floor;
	memcpy(hv_ram_at(ram, *gpa, initrd->size), initrd->data, initrd->size);
	return 0;
}

int hv_load_cmdline(const struct hv_ram *ram, const char *cmdline, size_t max, struct vd_err *err)
{
	size_t len = strlen(cmdline);

	if (max > HV_CMDLINE_MAX - 1)
		max = HV_CMDLINE_MAX - 1;
	if (len > max)
		return vd_err_set(err, -E2BIG, VD_E_VM_KERNEL, "vm/append", "shorten --append",
				  "the command line has %zu characters, this kernel takes %zu", len,
				  max);
	memcpy(hv_ram_at(ram, HV_CMDLINE_GPA, len + 1), cmdline, len + 1);
	return 0;
}

static void write_gdt(const struct hv_ram *ram)
{
	/* null, null, code (64-bit), data; PVH's flat 32-bit code at index 4 */
	static const uint64_t gdt[] = {0, 0, 0x00af9a000000ffff, 0x00cf92000000ffff,
				       0x00cf9a000000ffff};

	memcpy(hv_ram_at(ram, HV_GDT_GPA, sizeof(gdt)), gdt, sizeof(gdt));
}

static void write_page_tables(const struct hv_ram *ram)
{
	enum { PRESENT_WRITE = 3, LARGE = 0x80, N = HV_PAGE_SIZE / 8 };
	uint64_t *t = hv_ram_at(ram, HV_PAGE_TABLE_GPA, 6 * HV_PAGE_SIZE);

	t[0] = (HV_PAGE_TABLE_GPA + HV_PAGE_SIZE) | PRESENT_WRITE;
	for (uint64_t i = 0; i < 4; i++)
		t[N + i] = (HV_PAGE_TABLE_GPA + (2 + i) * HV_PAGE_SIZE) | PRESENT_WRITE;
	for (uint64_t i = 0; i < 4 * N; i++)
		t[2 * N + i] = i << 21 | PRESENT_WRITE | LARGE;
}

/*
 * Where a PC's firmware begins after a reset. Linux on hardware-reduced ACPI without EFI reboots by
 * jumping there in real mode: let it reset the machine.
 */
static void write_reset_vector(const struct hv_ram *ram)
{
	static const uint8_t code[] = {0xb0,
				       HV_RESET_VALUE, /* mov $6, %al */
				       0xba,
				       HV_RESET_PORT & 0xff,
				       HV_RESET_PORT >> 8, /* mov $0xcf9, %dx */
				       0xee,               /* out %al, (%dx) */
				       0xf4,
				       0xeb,
				       0xfd}; /* 1: hlt; jmp 1b */

	memcpy(hv_ram_at(ram, HV_RESET_VECTOR_GPA, sizeof(code)), code, sizeof(code));
}

int hv_load(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
	    struct vd_err *err)
{
	if (ram->low_size < 4 * HV_MIB)
		return vd_err_set(err, -E2BIG, VD_E_VM_KERNEL, "vm/memory",
				  "give the VM more with --memory", "too little guest memory");
	*ret = (struct hv_entry){0};
	write_gdt(ram);
	write_page_tables(ram);
	write_reset_vector(ram);
	if (hv_is_bzimage(&boot->kernel))
		return hv_load_bzimage(ram, boot, ret, err);
	if (hv_is_elf(&boot->kernel))
		return hv_load_pvh(ram, boot, ret, err);
	return vd_err_set(err, -ENOEXEC, VD_E_VM_KERNEL, "vm/kernel",
			  "give a bzImage (/boot/vmlinuz-...) or an ELF kernel with a PVH entry",
			  "the file is not a kernel: neither a Linux bzImage nor ELF");
}
