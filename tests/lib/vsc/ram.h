/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory of a software guest: pages at guest addresses, given out one after the other, or
 * scattered, as a guest kernel's vmalloc would. Independent of the code under test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RAM_BASE 0x10000000ull

struct ram {
	uint8_t *host;
	size_t size;   /* bytes */
	uint32_t next; /* first page never given out */
	bool scatter;  /* hand out pages so that neighbours are never adjacent */
	int fd;        /* memfd, so that a benchmark can map it elsewhere; -1: plain memory */
};

/** @size bytes, a multiple of 4096. 0 or negative errno. */
int ram_init(struct ram *ram, size_t size);
void ram_done(struct ram *ram);
/** Page numbers of @n zeroed pages into @pfns. 0; -1 when memory is used up. */
int ram_alloc(struct ram *ram, uint32_t n, uint64_t *pfns);
/** For struct vmb_mem. */
void *ram_map(void *ram, uint64_t gpa, uint32_t size);
static inline void *ram_pfn(struct ram *ram, uint64_t pfn)
{
	return ram->host + (pfn * 4096 - RAM_BASE);
}
