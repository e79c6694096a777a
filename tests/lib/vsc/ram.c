/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/vsc/ram.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int ram_init(struct ram *ram, size_t size)
{
	memset(ram, 0, sizeof(*ram));
	ram->size = size;
	ram->fd = memfd_create("guest-ram", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (ram->fd < 0 || ftruncate(ram->fd, (off_t)size) ||
	    fcntl(ram->fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return -errno;
	ram->host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ram->fd, 0);
	return ram->host == MAP_FAILED ? -errno : 0;
}

void ram_done(struct ram *ram)
{
	if (ram->host && ram->host != MAP_FAILED)
		munmap(ram->host, ram->size);
	if (ram->fd >= 0)
		close(ram->fd);
	ram->host = NULL;
	ram->fd = -1;
}

int ram_alloc(struct ram *ram, uint32_t n, uint64_t *pfns)
{
	uint32_t first = ram->next;

	if (n > ram->size / 4096 - ram->next)
		return -1;
	ram->next += n;
	for (uint32_t i = 0; i < n; i++) {
		/* odd ones first, then even ones: no two neighbours lie together */
		uint32_t k = !ram->scatter ? i : i < n / 2 ? 2 * i + 1 : 2 * (i - n / 2);

		pfns[i] = RAM_BASE / 4096 + first + k;
		memset(ram_pfn(ram, pfns[i]), 0, 4096);
	}
	return 0;
}

void *ram_map(void *ctx, uint64_t gpa, uint32_t size)
{
	struct ram *ram = ctx;

	if (gpa < RAM_BASE || gpa - RAM_BASE >= ram->size || size > ram->size - (gpa - RAM_BASE))
		return NULL;
	return ram->host + (gpa - RAM_BASE);
}
