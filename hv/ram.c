/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/layout.h"
#include "hv/ram.h"

/* In bytes: a bit a page. */
static size_t marks_size(const struct hv_ram *ram)
{
	return ram->size / HV_PAGE_SIZE / 8;
}

int hv_ram_init(struct hv_ram *ram, uint64_t size, struct vd_err *err)
{
	int r;

	*ram = (struct hv_ram){.memfd = -1, .size = size};
	ram->memfd = memfd_create("viridian-vm", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ram->memfd < 0 || ftruncate(ram->memfd, (off_t)size) ||
	    fcntl(ram->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		goto fail;
	ram->base =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, ram->memfd, 0);
	if (ram->base == MAP_FAILED)
		goto fail;
	madvise(ram->base, size, MADV_DONTDUMP);
	ram->foreign = mmap(NULL, marks_size(ram), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (ram->foreign == MAP_FAILED) {
		ram->foreign = NULL;
		goto fail_mapped;
	}
	ram->low_size = size < HV_HOLE_GPA ? size : HV_HOLE_GPA;
	ram->slots.n = size > ram->low_size ? 2 : 1;
	ram->slots.slot[0] = (struct vmb_slot){0, ram->low_size, ram->base};
	ram->slots.slot[1] =
		(struct vmb_slot){HV_ABOVE_GPA, size - ram->low_size, ram->base + ram->low_size};
	return 0;

fail:
	ram->base = NULL;
fail_mapped:
	r = -errno;
	hv_ram_done(ram);
	return vd_err_set(err, r, VD_E_NO_MEMORY, "vm/memory", "give the VM less with --memory",
			  "%llu MiB of guest memory cannot be mapped: %s",
			  (unsigned long long)(size / HV_MIB), strerror(-r));
}

void hv_ram_done(struct hv_ram *ram)
{
	if (ram->foreign)
		munmap(ram->foreign, marks_size(ram));
	if (ram->base)
		munmap(ram->base, ram->size);
	if (ram->memfd >= 0)
		close(ram->memfd);
	*ram = (struct hv_ram){.memfd = -1};
}

void *hv_ram_at(const struct hv_ram *ram, uint64_t gpa, uint64_t size)
{
	for (unsigned int i = 0; i < ram->slots.n; i++) {
		const struct vmb_slot *s = &ram->slots.slot[i];

		if (gpa >= s->gpa && gpa - s->gpa < s->size && size <= s->size - (gpa - s->gpa))
			return s->host + (gpa - s->gpa);
	}
	return NULL;
}

void hv_ram_mark(const struct hv_ram *ram, uint64_t gpa, uint64_t size)
{
	const uint8_t *p = size && ram->foreign ? hv_ram_at(ram, gpa, size) : NULL;
	uint64_t first, last;

	if (!p)
		return;
	first = (uint64_t)(p - ram->base) / HV_PAGE_SIZE;
	last = (uint64_t)(p - ram->base + size - 1) / HV_PAGE_SIZE;
	for (uint64_t page = first; page <= last; page++)
		__atomic_fetch_or(&ram->foreign[page / 64], 1ull << page % 64, __ATOMIC_RELEASE);
}

int hv_ram_clear(struct hv_ram *ram)
{
	if (fallocate(ram->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)ram->size))
		return -errno;
	madvise(ram->foreign, marks_size(ram), MADV_DONTNEED);
	return 0;
}
