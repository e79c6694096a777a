/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ELF kernels with a PVH entry (note type 18 of "Xen"): segments are copied to their physical
 * addresses and the entry is called in 32-bit protected mode without paging.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/loader.h"

#define NOTE_PVH_ENTRY 18u
#define START_MAGIC    0x336ec578u

struct start_info_wire {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t n_memmap, rsvd;
} __attribute__((packed));
_Static_assert(sizeof(struct start_info_wire) == 56, "hvm_start_info, version 1");

struct module_wire {
	uint64_t gpa, size, cmdline, rsvd;
} __attribute__((packed));

struct memmap_wire {
	uint64_t gpa, size;
	uint32_t type, rsvd;
} __attribute__((packed));

struct info_page {
	struct start_info_wire start;
	struct module_wire module;
	struct memmap_wire memmap[HV_REGIONS_MAX];
} __attribute__((packed));
_Static_assert(HV_PVH_INFO_GPA + sizeof(struct info_page) <= HV_BOOT_PARAM_GPA, "room");

bool hv_is_elf(const struct hv_blob *k)
{
	return k->size >= sizeof(Elf64_Ehdr) && memcmp(k->data, ELFMAG, SELFMAG) == 0;
}

static int bad(struct vd_err *err, const char *what)
{
	return vd_err_set(err, -ENOEXEC, VD_E_VM_KERNEL, "vm/kernel",
			  "give a bzImage, or a vmlinux built with CONFIG_PVH",
			  "the ELF file cannot be booted: %s", what);
}

static bool inside(const struct hv_blob *k, uint64_t off, uint64_t size)
{
	return off <= k->size && size <= k->size - off;
}

/* Look through one note segment. */
static bool find_entry(const uint8_t *p, uint64_t size, uint64_t *ret)
{
	Elf64_Nhdr n;
	uint64_t name, desc;

	while (size >= sizeof(n)) {
		memcpy(&n, p, sizeof(n));
		p += sizeof(n);
		size -= sizeof(n);
		name = ((uint64_t)n.n_namesz + 3) & ~3ull;
		desc = ((uint64_t)n.n_descsz + 3) & ~3ull;
		if (name > size || desc > size - name)
			return false;
		if (n.n_type == NOTE_PVH_ENTRY && n.n_namesz == 4 && !memcmp(p, "Xen", 4) &&
		    (n.n_descsz == 4 || n.n_descsz == 8)) {
			*ret = 0;
			memcpy(ret, p + name, n.n_descsz);
			return true;
		}
		p += name + desc;
		size -= name + desc;
	}
	return false;
}

static int load_segment(const struct hv_ram *ram, const struct hv_blob *k, const Elf64_Phdr *ph,
			uint64_t *end, struct vd_err *err)
{
	uint8_t *dst;

	if (ph->p_filesz > ph->p_memsz || !inside(k, ph->p_offset, ph->p_filesz))
		return vd_err_set(
			err, -EINVAL, VD_E_VM_KERNEL, "vm/kernel", "copy the kernel again",
			"the kernel is truncated: a segment ends behind the end of the file");
	if (!ph->p_memsz)
		return 0;
	dst = ph->p_paddr < HV_HIGH_RAM_GPA ? NULL : hv_ram_at(ram, ph->p_paddr, ph->p_memsz);
	if (!dst)
		return vd_err_set(err, -E2BIG, VD_E_VM_KERNEL, "vm/kernel",
				  "give the VM more with --memory",
				  "the kernel wants memory at 0x%llx, where the VM has none",
				  (unsigned long long)ph->p_paddr);
	memcpy(dst, k->data + ph->p_offset, ph->p_filesz);
	if (ph->p_paddr + ph->p_memsz > *end && ph->p_paddr < HV_HOLE_GPA)
		*end = ph->p_paddr + ph->p_memsz;
	return 0;
}

static void write_info(const struct hv_ram *ram, const struct hv_boot *boot, uint64_t initrd)
{
	struct hv_region regions[HV_REGIONS_MAX];
	struct info_page p = {
		.start = {.magic = START_MAGIC,
			  .version = 1,
			  .n_modules = initrd != 0,
			  .modules = HV_PVH_INFO_GPA + offsetof(struct info_page, module),
			  .cmdline = HV_CMDLINE_GPA,
			  .rsdp = boot->rsdp_gpa,
			  .memmap = HV_PVH_INFO_GPA + offsetof(struct info_page, memmap)},
		.module = {.gpa = initrd, .size = boot->initrd.size},
	};

	p.start.n_memmap = hv_regions(ram, regions);
	for (unsigned int i = 0; i < p.start.n_memmap; i++)
		p.memmap[i] =
			(struct memmap_wire){regions[i].gpa, regions[i].size, regions[i].type, 0};
	memcpy(hv_ram_at(ram, HV_PVH_INFO_GPA, sizeof(p)), &p, sizeof(p));
}

static int load_all(const struct hv_ram *ram, const struct hv_blob *k, uint64_t *entry,
		    uint64_t *end, struct vd_err *err)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	bool found = false;
	int r;

	memcpy(&eh, k->data, sizeof(eh));
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_machine != EM_X86_64 ||
	    eh.e_phentsize != sizeof(ph))
		return bad(err, "it is not for x86-64");
	if (!inside(k, eh.e_phoff, (uint64_t)eh.e_phnum * sizeof(ph)))
		return vd_err_set(
			err, -EINVAL, VD_E_VM_KERNEL, "vm/kernel", "copy the kernel again",
			"the kernel is truncated: its list of segments is not in the file");
	for (unsigned int i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, k->data + eh.e_phoff + i * sizeof(ph), sizeof(ph));
		r = ph.p_type == PT_LOAD ? load_segment(ram, k, &ph, end, err) : 0;
		if (r)
			return r;
		if (ph.p_type == PT_NOTE && !found && inside(k, ph.p_offset, ph.p_filesz))
			found = find_entry(k->data + ph.p_offset, ph.p_filesz, entry);
	}
	return found ? 0 : bad(err, "it has no PVH entry");
}

int hv_load_pvh(const struct hv_ram *ram, const struct hv_boot *boot, struct hv_entry *ret,
		struct vd_err *err)
{
	uint64_t entry = 0, end = HV_HIGH_RAM_GPA, initrd;
	int r = load_all(ram, &boot->kernel, &entry, &end, err);

	if (r)
		return r;
	if (entry > UINT32_MAX || !hv_ram_at(ram, entry, 1))
		return bad(err, "its PVH entry lies outside of memory");
	r = hv_load_cmdline(ram, boot->cmdline, HV_CMDLINE_MAX - 1, err);
	if (r)
		return r;
	/* Linux unpacks and runs above its image: leave it as much again */
	end = (2 * end - HV_HIGH_RAM_GPA + HV_PAGE_SIZE - 1) & ~(uint64_t)(HV_PAGE_SIZE - 1);
	r = hv_load_initrd(ram, &boot->initrd, end, HV_HOLE_GPA, &initrd, err);
	if (r)
		return r;
	write_info(ram, boot, initrd);
	*ret = (struct hv_entry){.pvh = true, .rip = entry, .info = HV_PVH_INFO_GPA};
	return 0;
}
