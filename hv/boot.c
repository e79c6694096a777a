/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From files to guest memory. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hv/acpi.h"
#include "hv/boot.h"
#include "hv/layout.h"

static int unreadable(const char *path, const char *what, int errnum, struct vd_err *err)
{
	return vd_err_set(err, -errnum, errnum == EACCES ? VD_E_PERMISSION : VD_E_DEVICE_MISSING,
			  what, "check the path and its permissions", "%s cannot be read: %s", path,
			  strerror(errnum));
}

static int map_file(const char *path, const char *what, struct hv_blob *ret, struct vd_err *err)
{
	struct stat st;
	void *p = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC), r = 0;

	*ret = (struct hv_blob){0};
	if (fd < 0)
		return unreadable(path, what, errno, err);
	if (fstat(fd, &st))
		r = errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if (st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (!r && st.st_size > 0 && p == MAP_FAILED)
		r = errno;
	close(fd);
	if (r)
		return unreadable(path, what, r, err);
	if (st.st_size > 0)
		*ret = (struct hv_blob){p, (size_t)st.st_size};
	return 0;
}

static void unmap(struct hv_blob *b)
{
	if (b->data)
		munmap((void *)b->data, b->size);
}

int hv_boot_files(const struct hv_options *opt, const struct hv_ram *ram, struct hv_entry *ret,
		  struct vd_err *err)
{
	struct hv_acpi_cfg acpi = {
		.gpa = HV_ACPI_GPA, .n_cpus = opt->n_cpus, .n_uarts = opt->two_uarts ? 2 : 1};
	struct hv_boot boot = {.cmdline = opt->append, .rsdp_gpa = HV_ACPI_GPA};
	int r;

	if (!hv_acpi_build(&acpi, hv_ram_at(ram, HV_ACPI_GPA, HV_ACPI_SIZE), HV_ACPI_SIZE))
		return vd_err_set(err, -ENOSPC, VD_E_BUG, "vm", NULL, "the ACPI tables do not fit");
	r = map_file(opt->kernel, "vm/kernel", &boot.kernel, err);
	if (!r && opt->initrd)
		r = map_file(opt->initrd, "vm/initrd", &boot.initrd, err);
	if (!r)
		r = hv_load(ram, &boot, ret, err);
	unmap(&boot.kernel);
	unmap(&boot.initrd);
	return r;
}
