/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/loader.h"
#include "tests/unit/tap.h"

#define SETUP_SIZE (2 * 512u)
#define CODE_SIZE  0x1000u

static struct hv_ram ram;
static uint8_t file[SETUP_SIZE + CODE_SIZE];
static struct vd_err err;

static void put32(size_t at, uint32_t v)
{
	memcpy(file + at, &v, 4);
}

static void make_bzimage(void)
{
	memset(file, 0, sizeof(file));
	file[0x1f1] = 1;
	put32(0x1f4, CODE_SIZE / 16);
	file[0x201] = 0x66;
	memcpy(file + 0x202, "HdrS", 4);
	put32(0x206, 0x20f);
	put32(0x22c, 0x7fffffff);
	put32(0x236, 1);
	put32(0x238, 2047);
	put32(0x258, 0x1000000);
	put32(0x260, 0x200000);
	memset(file + SETUP_SIZE, 0x90, CODE_SIZE);
}

static int load(uint64_t memory, size_t size, const char *cmdline, const struct hv_blob *initrd,
		struct hv_entry *entry)
{
	struct hv_boot boot = {.kernel = {file, size}, .cmdline = cmdline, .rsdp_gpa = HV_ACPI_GPA};

	err = (struct vd_err){0};
	if (initrd)
		boot.initrd = *initrd;
	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, memory, NULL), 0);
	return hv_load(&ram, &boot, entry, &err);
}

static uint32_t guest32(uint64_t gpa)
{
	uint32_t v;

	memcpy(&v, hv_ram_at(&ram, gpa, 4), 4);
	return v;
}

static void bzimage(void)
{
	static const uint8_t initrd[5000] = {1, 2, 3};
	struct hv_blob blob = {initrd, sizeof(initrd)};
	struct hv_entry e;
	uint32_t at;

	make_bzimage();
	CU_ASSERT_EQUAL_FATAL(load(5 * HV_GIB, sizeof(file), "console=ttyS0", &blob, &e), 0);
	CU_ASSERT_FALSE(e.pvh);
	CU_ASSERT_EQUAL(e.rip, 0x1000200);
	CU_ASSERT_EQUAL(e.info, HV_BOOT_PARAM_GPA);
	CU_ASSERT_EQUAL(*(uint8_t *)hv_ram_at(&ram, 0x1000fff, 1), 0x90);
	CU_ASSERT_STRING_EQUAL(hv_ram_at(&ram, guest32(HV_BOOT_PARAM_GPA + 0x228), 14),
			       "console=ttyS0");
	at = guest32(HV_BOOT_PARAM_GPA + 0x218);
	CU_ASSERT_EQUAL(guest32(HV_BOOT_PARAM_GPA + 0x21c), sizeof(initrd));
	CU_ASSERT_TRUE(at >= 0x1200000 && at % 4096 == 0 && at + sizeof(initrd) <= 0x80000000u);
	CU_ASSERT_EQUAL(memcmp(hv_ram_at(&ram, at, sizeof(initrd)), initrd, sizeof(initrd)), 0);
	/* below 640 KiB, the legacy hole, up to 3 GiB, above 4 GiB */
	CU_ASSERT_EQUAL(*(uint8_t *)hv_ram_at(&ram, HV_BOOT_PARAM_GPA + 0x1e8, 1), 4);
	CU_ASSERT_EQUAL(guest32(HV_BOOT_PARAM_GPA + 0x2d0 + 3 * 20 + 4), 1);
	CU_ASSERT_EQUAL(guest32(HV_BOOT_PARAM_GPA + 0x2d0 + 3 * 20 + 8), 0x80000000u);
	hv_ram_done(&ram);
}

static void bad_bzimages(void)
{
	struct hv_entry e;
	char cmdline[4096];

	make_bzimage();
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file) - 1, "", NULL, &e), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "truncated"));
	hv_ram_done(&ram);
	CU_ASSERT_EQUAL(load(64 * HV_MIB, 0x210, "", NULL, &e), -ENOEXEC);
	hv_ram_done(&ram);
	CU_ASSERT_EQUAL(load(16 * HV_MIB, sizeof(file), "", NULL, &e), -E2BIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.hint, "--memory"));
	hv_ram_done(&ram);
	memset(cmdline, 'x', sizeof(cmdline));
	cmdline[2048] = 0;
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file), cmdline, NULL, &e), -E2BIG);
	hv_ram_done(&ram);
	put32(0x236, 0);
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file), "", NULL, &e), -ENOEXEC);
	hv_ram_done(&ram);
	make_bzimage();
	put32(0x25c, 0xffffffff); /* it wants to be loaded at the end of the world */
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file), "", NULL, &e), -E2BIG);
	hv_ram_done(&ram);
	memset(file, 0, sizeof(file));
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file), "", NULL, &e), -ENOEXEC);
	CU_ASSERT_EQUAL(err.code, VD_E_VM_KERNEL);
	hv_ram_done(&ram);
	CU_ASSERT_EQUAL(load(64 * HV_MIB, 0, "", NULL, &e), -ENOEXEC);
	hv_ram_done(&ram);
}

/* A kernel of half a MiB cut at the end of each page, and within its header at each byte. */
static void cut_anywhere(void)
{
	static uint8_t whole[SETUP_SIZE + (512u << 10)];
	struct hv_boot boot = {.kernel = {whole, 0}, .cmdline = "", .rsdp_gpa = HV_ACPI_GPA};
	const uint32_t units = (512u << 10) / 16;
	struct hv_entry e;

	make_bzimage();
	memcpy(whole, file, SETUP_SIZE);
	memcpy(whole + 0x1f4, &units, 4);
	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 64 * HV_MIB, NULL), 0);
	for (size_t size = 0; size < sizeof(whole); size += size < 4096 ? 1 : 4096) {
		err = (struct vd_err){0};
		boot.kernel.size = size;
		CU_ASSERT_TRUE(hv_load(&ram, &boot, &e, &err) < 0);
		CU_ASSERT_EQUAL(err.code, VD_E_VM_KERNEL);
		CU_ASSERT_TRUE(err.hint[0] &&
			       strstr(err.message, size < 0x264 ? "not a kernel" : "truncated"));
	}
	boot.kernel.size = sizeof(whole);
	CU_ASSERT_EQUAL(hv_load(&ram, &boot, &e, &err), 0);
	hv_ram_done(&ram);
}

static void initrd_too_large(void)
{
	struct hv_blob blob = {file, 60 * HV_MIB}; /* never read: it is refused first */
	struct hv_entry e;

	make_bzimage();
	CU_ASSERT_EQUAL(load(64 * HV_MIB, sizeof(file), "", &blob, &e), -E2BIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "initrd"));
	hv_ram_done(&ram);
}

/* ELF header, two program headers, a note, then code. */
struct elf_file {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[2];
	Elf64_Nhdr note;
	char name[4];
	uint32_t entry;
	uint8_t code[64];
};

static struct elf_file *make_elf(void)
{
	struct elf_file *f = (struct elf_file *)file;

	memset(file, 0, sizeof(file));
	memcpy(f->eh.e_ident, ELFMAG, SELFMAG);
	f->eh.e_ident[EI_CLASS] = ELFCLASS64;
	f->eh.e_machine = EM_X86_64;
	f->eh.e_phoff = offsetof(struct elf_file, ph);
	f->eh.e_phentsize = sizeof(Elf64_Phdr);
	f->eh.e_phnum = 2;
	f->ph[0] = (Elf64_Phdr){.p_type = PT_LOAD,
				.p_offset = offsetof(struct elf_file, code),
				.p_filesz = 64,
				.p_memsz = 8192,
				.p_paddr = 0x1000000};
	f->ph[1] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = offsetof(struct elf_file, note), .p_filesz = 20};
	f->note = (Elf64_Nhdr){4, 4, 18};
	memcpy(f->name, "Xen", 4);
	f->entry = 0x1000010;
	memset(f->code, 0x90, sizeof(f->code));
	return f;
}

static void pvh(void)
{
	static const uint8_t initrd[100] = {7};
	struct hv_blob blob = {initrd, sizeof(initrd)};
	struct hv_entry e;
	uint32_t module;

	make_elf();
	CU_ASSERT_EQUAL_FATAL(load(64 * HV_MIB, sizeof(struct elf_file), "quiet", &blob, &e), 0);
	CU_ASSERT_TRUE(e.pvh);
	CU_ASSERT_EQUAL(e.rip, 0x1000010);
	CU_ASSERT_EQUAL(e.info, HV_PVH_INFO_GPA);
	CU_ASSERT_EQUAL(guest32(HV_PVH_INFO_GPA), 0x336ec578);
	CU_ASSERT_EQUAL(guest32(HV_PVH_INFO_GPA + 12), 1);
	module = guest32(HV_PVH_INFO_GPA + 16);
	CU_ASSERT_EQUAL(*(uint8_t *)hv_ram_at(&ram, guest32(module), 1), 7);
	CU_ASSERT_STRING_EQUAL(hv_ram_at(&ram, guest32(HV_PVH_INFO_GPA + 24), 6), "quiet");
	CU_ASSERT_EQUAL(guest32(HV_PVH_INFO_GPA + 48), 3); /* entries of the memory map */
	CU_ASSERT_EQUAL(*(uint8_t *)hv_ram_at(&ram, 0x1000000, 1), 0x90);
	hv_ram_done(&ram);
}

static void bad_elf(void)
{
	struct elf_file *f;
	struct hv_entry e;

	for (unsigned int i = 0; i < 9; i++) {
		size_t size = sizeof(*f);

		f = make_elf();
		switch (i) {
		case 0:
			f->eh.e_machine = EM_AARCH64;
			break;
		case 1:
			f->eh.e_phoff = UINT64_MAX - 8;
			break;
		case 2:
			size -= 65; /* the segment is cut */
			break;
		case 3:
			f->ph[0].p_paddr = 0; /* over our own tables */
			break;
		case 4:
			f->ph[0].p_memsz = UINT64_MAX;
			break;
		case 5:
			f->ph[0].p_memsz = 1; /* shorter than the file's part */
			break;
		case 6:
			f->note.n_type = 17;
			break;
		case 7:
			f->note.n_descsz = 0xfffffffc;
			break;
		default:
			f->entry = 0xfee00000;
			break;
		}
		CU_ASSERT_TRUE(load(64 * HV_MIB, size, "", NULL, &e) < 0);
		CU_ASSERT_EQUAL(err.code, VD_E_VM_KERNEL);
		hv_ram_done(&ram);
	}
}

static const struct tap_case cases[] = {
	{"bzImage: code, boot parameters, initrd, memory map", bzimage},
	{"bzImages that are truncated, too old, too large", bad_bzimages},
	{"bzImages cut at each page and each byte of the header", cut_anywhere},
	{"an initrd that does not fit", initrd_too_large},
	{"PVH: segments and start info", pvh},
	{"malformed ELF files", bad_elf},
};
TAP_MAIN("hv-loader", cases)
