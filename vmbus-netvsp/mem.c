/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory: slot table and page-list views. */
#include "vmbus-netvsp/mem.h"

#include <errno.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

static void copy_any(uint8_t *dst, const uint8_t *src, size_t n)
{
	memcpy(dst, src, n);
}

void (*vmb_copy_long)(uint8_t *dst, const uint8_t *src, size_t n) = copy_any;

#ifdef __x86_64__
__attribute__((target("avx2"))) static void move32(uint8_t *dst, const uint8_t *src)
{
	_mm256_storeu_si256((__m256i_u *)dst, _mm256_loadu_si256((const __m256i_u *)src));
}

__attribute__((target("avx2"))) static void copy_avx2(uint8_t *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i + 32 <= n; i += 32)
		move32(dst + i, src + i);
	move32(dst + n - 32, src + n - 32); /* overlaps the one before it */
}

__attribute__((constructor)) static void choose_copy(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx2"))
		vmb_copy_long = copy_avx2;
}
#endif

void *vmb_slots_map(void *slots, uint64_t gpa, uint32_t size)
{
	const struct vmb_slots *s = slots;

	for (unsigned int i = 0; i < s->n; i++) {
		const struct vmb_slot *slot = &s->slot[i];
		uint64_t off = gpa - slot->gpa;

		if (gpa >= slot->gpa && off < slot->size && size <= slot->size - off)
			return slot->host + off;
	}
	return NULL;
}

int vmb_pages_map(const struct vmb_mem *mem, const uint64_t *pfns, uint32_t n, uint8_t **ret)
{
	for (uint32_t i = 0; i < n; i++) {
		if (pfns[i] >> (64 - VMB_PAGE_SHIFT))
			return -EFAULT; /* the shift below would lose bits */
		ret[i] = vmb_map(mem, pfns[i] << VMB_PAGE_SHIFT, VMB_PAGE_SIZE);
		if (!ret[i])
			return -EFAULT;
	}
	return 0;
}

void vmb_view_init(struct vmb_view *v, uint8_t *const *pages, uint32_t first, uint32_t n)
{
	uint8_t *base = n ? pages[first] : NULL;

	v->pages = pages + first;
	v->size = n * VMB_PAGE_SIZE;
	/* compared as numbers: pages of two memory objects may meet by chance, which is fine */
	for (uint32_t i = 1; i < n; i++)
		if ((uintptr_t)v->pages[i] != (uintptr_t)base + (uintptr_t)i * VMB_PAGE_SIZE)
			base = NULL;
	v->base = base;
}

void vmb_view_read_slow(const struct vmb_view *v, uint32_t off, void *dst, uint32_t n)
{
	uint8_t *d = dst;

	while (n) {
		uint32_t run;
		const uint8_t *p = vmb_view_at(v, off, &run);

		run = run < n ? run : n;
		vmb_copy_in(d, p, run);
		d += run;
		off += run;
		n -= run;
	}
}

void vmb_view_write_slow(const struct vmb_view *v, uint32_t off, const void *src, uint32_t n)
{
	const uint8_t *s = src;

	while (n) {
		uint32_t run;
		uint8_t *p = vmb_view_at(v, off, &run);

		run = run < n ? run : n;
		memcpy(p, s, run);
		s += run;
		off += run;
		n -= run;
	}
}
