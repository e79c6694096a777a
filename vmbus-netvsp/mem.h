/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory as this library sees it: a function that turns a guest-physical range into a host
 * pointer, and views, which make a list of guest pages look like one run of bytes.
 *
 * Everything behind these pointers is shared with a guest that may write at any moment. So: copy
 * once into private memory with the functions here, then check and use the copy only.
 *
 * Thread-safety: views are immutable once made; any number of readers. Proof:
 * tests/unit/vmbus-netvsp/test_ring.c, test_gpadl.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vmbus-netvsp/proto/vmbus_wire.h"

struct vmb_mem {
	/**
	 * Host address of @size bytes (1..4096, never across a 4 KiB page) at guest address @gpa.
	 * NULL when any of it is not RAM. The address stays valid until the owner of the memory has
	 * closed every channel: memory that can go away earlier must not be given out.
	 */
	void *(*map)(void *ctx, uint64_t gpa, uint32_t size);
	void *ctx;
};

static inline void *vmb_map(const struct vmb_mem *mem, uint64_t gpa, uint32_t size)
{
	return mem->map(mem->ctx, gpa, size);
}

/** A ready memory: a few slots, as a VM has them. Give it as {vmb_slots_map, &slots}. */
#define VMB_SLOTS_MAX 64

struct vmb_slots {
	unsigned int n;
	struct vmb_slot {
		uint64_t gpa, size; /* bytes, multiples of 4096 */
		uint8_t *host;
	} slot[VMB_SLOTS_MAX];
};

void *vmb_slots_map(void *slots, uint64_t gpa, uint32_t size);

/** Keep the compiler from reading shared memory again after it was copied. */
static inline void vmb_barrier(void)
{
	__asm__ volatile("" ::: "memory");
}

/** Copy out of shared memory; what is in @dst afterwards does not change any more. */
static inline void vmb_copy_in(void *dst, const void *shared, size_t size)
{
	memcpy(dst, shared, size);
	vmb_barrier();
}

/**
 * As memcpy(), with the processor's widest registers that are quick. The C library's has branches for every purpose, which
 * take a third longer for 1,500 bytes. @n >= 32.
 */
extern void (*vmb_copy_long)(uint8_t *dst, const uint8_t *src, size_t n);

/** As memcpy(), quick for what most frames are: a call costs more than moving 64 bytes. */
static inline void vmb_copy(void *dst, const void *src, uint32_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (n > 128) {
		vmb_copy_long(d, s, n);
		return;
	}
	if (n < 16) {
		memcpy(d, s, n);
		return;
	}
	for (uint32_t i = 0; i + 16 <= n; i += 16)
		memcpy(d + i, s + i, 16);
	memcpy(d + n - 16, s + n - 16, 16); /* overlaps the one before it */
}

/** As memcpy(), but up to 63 bytes behind @n may be read and written too. */
static inline void vmb_copy_over(void *dst, const void *src, uint32_t n)
{
	uint8_t *d = dst;
	const uint8_t *s = src;

	if (n > 256) {
		vmb_copy_long(d, s, n);
		return;
	}
	for (uint32_t i = 0; i < n; i += 64)
		memcpy(d + i, s + i, 64);
}

/** Have a line come for writing: the other core's copy of it is gone by then. A hint: any address will do. */
static inline void vmb_prefetch_write(const void *p)
{
#ifdef __x86_64__
	/* the builtin gives a plain prefetch unless every target has this; all 64-bit processors take it */
	__asm__ volatile("prefetchw %0" : : "m"(*(const volatile char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/** Whole pages in guest order, seen as bytes 0 .. size-1. */
struct vmb_view {
	uint8_t *base;         /* when the pages lie one after the other here; else NULL */
	uint8_t *const *pages; /* host address of each page; borrowed; may be NULL if base is set */
	uint32_t size;         /* bytes; a multiple of 4096 */
};

/** The host address of every page of @pfns. Return: 0; -EFAULT when one is not RAM. */
int vmb_pages_map(const struct vmb_mem *mem, const uint64_t *pfns, uint32_t n, uint8_t **ret);

/** A view of pages [@first, @first + @n) of @pages, which must outlive it. */
void vmb_view_init(struct vmb_view *v, uint8_t *const *pages, uint32_t first, uint32_t n);

/** Pointer to byte @off, and in @run how many bytes lie in one piece there. @off < size. */
static inline uint8_t *vmb_view_at(const struct vmb_view *v, uint32_t off, uint32_t *run)
{
	if (__builtin_expect(v->base != NULL, 1)) {
		*run = v->size - off;
		return v->base + off;
	}
	*run = VMB_PAGE_SIZE - off % VMB_PAGE_SIZE;
	return v->pages[off / VMB_PAGE_SIZE] + off % VMB_PAGE_SIZE;
}

/** Copy @n bytes from or to offset @off. The caller has checked off + n <= size. */
void vmb_view_read_slow(const struct vmb_view *v, uint32_t off, void *dst, uint32_t n);
void vmb_view_write_slow(const struct vmb_view *v, uint32_t off, const void *src, uint32_t n);

static inline void vmb_view_read(const struct vmb_view *v, uint32_t off, void *dst, uint32_t n)
{
	if (__builtin_expect(v->base != NULL, 1))
		vmb_copy_in(dst, v->base + off, n);
	else
		vmb_view_read_slow(v, off, dst, n);
}

static inline void vmb_view_write(const struct vmb_view *v, uint32_t off, const void *src,
				  uint32_t n)
{
	if (__builtin_expect(v->base != NULL, 1))
		memcpy(v->base + off, src, n);
	else
		vmb_view_write_slow(v, off, src, n);
}
