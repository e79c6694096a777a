/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux bzImage, 64-bit boot protocol. The setup code (real mode) is skipped: the protected-mode
 * part is entered 0x200 bytes behind its start, in long mode with memory mapped one to one.
 */
#include <errno.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/loader.h"

/* Offsets in the file's first sectors, which are the same in struct boot_params. */
enum {
	OFF_RSDP = 0x070,
	OFF_EXT_RAMDISK = 0x0c0,
	OFF_E820_COUNT = 0x1e8,
	OFF_SETUP_SECTS = 0x1f1,
	OFF_SYSSIZE = 0x1f4,
	OFF_JUMP = 0x201,
	OFF_MAGIC = 0x202,
	OFF_VERSION = 0x206,
	OFF_LOADER = 0x210,
	OFF_LOADFLAGS = 0x211,
	OFF_RAMDISK = 0x218,
	OFF_RAMDISK_SIZE = 0x21c,
	OFF_CMDLINE = 0x228,
	OFF_INITRD_MAX = 0x22c,
	OFF_ALIGNMENT = 0x230,
	OFF_RELOCATABLE = 0x234,
	OFF_XLOADFLAGS = 0x236,
	OFF_CMDLINE_SIZE = 0x238,
	OFF_PREF_ADDRESS = 0x258,
	OFF_INIT_SIZE = 0x260,
	OFF_E820 = 0x2d0,
	HEADER_END_MIN = 0x264,
	SECTOR = 512,
	ENTRY_64 = 0x200,
	E820_SIZE = 20,
};

static uint32_t get32(const uint8_t *p, size_t off)
{
	uint32_t v;

	memcpy(&v, p + off, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p, size_t off)
{
	return (uint16_t)(p[off] | p[off + 1] << 8);
}

static void set32(uint8_t *p, size_t off, uint32_t v)
{
	memcpy(p + off, &v, sizeof(v));
}

static void set64(uint8_t *p, size_t off, uint64_t v)
{
	memcpy(p + off, &v, sizeof(v));
}

bool hv_is_bzimage(const struct hv_blob *kernel)
{
	return kernel->size >= HEADER_END_MIN && memcmp(kernel->data + OFF_MAGIC, "HdrS", 4) == 0;
}

struct image {
	const uint8_t *code;
	uint64_t code_size, gpa, room; /* room: bytes it uses while it unpacks itself */
};

static int parse(const struct hv_blob *k, struct image *ret, struct vd_err *err)
{
	const uint8_t *d = k->data;
	uint64_t setup = ((uint64_t)(d[OFF_SETUP_SECTS] ? d[OFF_SETUP_SECTS] : 4) + 1) * SECTOR;
	uint64_t code = (uint64_t)get32(d, OFF_SYSSIZE) * 16;

	if (get16(d, OFF_VERSION) < 0x20c || !(get16(d, OFF_XLOADFLAGS) & 1))
		return vd_err_set(err, -ENOEXEC, VD_E_VM_KERNEL, "vm/kernel",
				  "give a 64-bit kernel, Linux 3.8 or newer",
				  "the kernel has no 64-bit entry (boot protocol %u.%02u)",
				  get16(d, OFF_VERSION) >> 8, get16(d, OFF_VERSION) & 0xff);
	if (setup >= k->size || code > k->size - setup || code <= ENTRY_64)
		return vd_err_set(err, -EINVAL, VD_E_VM_KERNEL, "vm/kernel",
				  "copy the kernel again",
				  "the kernel is truncated: %zu bytes, its header speaks of %llu",
				  k->size, (unsigned long long)(setup + code));
	ret->code = d + setup;
	/* the header does not count what was appended, such as a signature */
	ret->code_size = k->size - setup;
	memcpy(&ret->gpa, d + OFF_PREF_ADDRESS, 8);
	ret->room = get32(d, OFF_INIT_SIZE);
	if (ret->room < ret->code_size)
		ret->room = ret->code_size;
	return 0;
}

static void write_params(const struct hv_ram *ram, const struct hv_boot *boot, uint64_t initrd)
{
	uint8_t *p = hv_ram_at(ram, HV_BOOT_PARAM_GPA, HV_PAGE_SIZE);
	const uint8_t *d = boot->kernel.data;
	struct hv_region regions[HV_REGIONS_MAX];
	size_t end = OFF_MAGIC + d[OFF_JUMP];

	if (end < HEADER_END_MIN)
		end = HEADER_END_MIN;
	if (end > OFF_E820)
		end = OFF_E820;
	if (end > boot->kernel.size)
		end = boot->kernel.size;
	memset(p, 0, HV_PAGE_SIZE);
	memcpy(p + OFF_SETUP_SECTS, d + OFF_SETUP_SECTS, end - OFF_SETUP_SECTS);
	p[OFF_LOADER] = 0xff;
	p[OFF_LOADFLAGS] |= 1;
	set32(p, OFF_RAMDISK, (uint32_t)initrd);
	set32(p, OFF_RAMDISK_SIZE, (uint32_t)boot->initrd.size);
	set32(p, OFF_CMDLINE, HV_CMDLINE_GPA);
	set64(p, OFF_RSDP, boot->rsdp_gpa);
	p[OFF_E820_COUNT] = (uint8_t)hv_regions(ram, regions);
	for (unsigned int i = 0; i < p[OFF_E820_COUNT]; i++) {
		set64(p, OFF_E820 + i * E820_SIZE, regions[i].gpa);
		set64(p, OFF_E820 + i * E820_SIZE + 8, regions[i].size);
		set32(p, OFF_E820 + i * E820_SIZE + 16, regions[i].type);
	}
}

int hv_load_bzimage(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
		    struct vd_err *err)
{
	const uint8_t *d = boot->kernel.data;
	struct image image = {0};
	uint64_t initrd, limit;
	int r = parse(&boot->kernel, &image, err);

	if (r)
		return r;
	if (image.gpa < HV_HIGH_RAM_GPA || image.gpa >= ram->low_size ||
	    image.room > ram->low_size - image.gpa)
		return vd_err_set(err, -E2BIG, VD_E_VM_KERNEL, "vm/kernel",
				  "give the VM more with --memory",
				  "the kernel needs memory up to %llu MiB, the VM has %llu MiB",
				  (unsigned long long)((image.gpa + image.room) / HV_MIB + 1),
				  (unsigned long long)(ram->size / HV_MIB));
	r = hv_load_cmdline(ram, boot->cmdline, get32(d, OFF_CMDLINE_SIZE), err);
	if (r)
		return r;
	limit = (uint64_t)get32(d, OFF_INITRD_MAX) + 1;
	r = hv_load_initrd(ram, &boot->initrd,
			   (image.gpa + image.room + HV_PAGE_SIZE - 1) &
				   ~(uint64_t)(HV_PAGE_SIZE - 1),
			   limit, &initrd, err);
	if (r)
		return r;
	memcpy(hv_ram_at(ram, image.gpa, image.code_size), image.code, image.code_size);
	write_params(ram, boot, initrd);
	*ret = (struct hv_entry){.rip = image.gpa + ENTRY_64, .info = HV_BOOT_PARAM_GPA};
	return 0;
}
