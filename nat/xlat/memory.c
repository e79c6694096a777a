/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat/xlat/memory.h"

#include <sys/mman.h>

#define BIG_PAGE (2u << 20)

void *nat_memory_map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	/* a hint; a table of many small pages costs a TLB miss a packet */
	if (size >= BIG_PAGE)
		madvise(p, size, MADV_HUGEPAGE);
	return p;
}

void nat_memory_unmap(void *p, size_t size)
{
	if (p)
		munmap(p, size);
}
