/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest-physical address descriptor lists: page lists that a guest names by a 32-bit id. One
 * header message and any number of body messages make one; this file puts them together.
 *
 * Limits: what one header can announce, 65535 bytes of ranges (8190 pages); VMB_GPADL_RANGES.
 * Thread-safety: none; the owner's thread. Proof: tests/unit/vmbus-netvsp/test_gpadl.c,
 * tests/fuzz/fuzz_vmbus_gpadl.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vmbus-netvsp/mem.h"

#define VMB_GPADL_RANGES 64u /* NICs use one; other devices a few */

struct vmb_gpadl_range {
	uint32_t size;   /* bytes */
	uint32_t offset; /* bytes into the first page, < 4096 */
	uint32_t first;  /* index of its first page number in pfns[] */
	uint32_t n_pfns;
};

struct vmb_gpadl {
	uint32_t id;
	uint32_t relid;
	uint32_t n_ranges;
	uint32_t n_pfns;
	struct vmb_gpadl_range *ranges; /* owned */
	uint64_t *pfns;                 /* owned; every one is RAM */
};

/** One being put together. */
struct vmb_gpadl_asm {
	uint32_t id, relid;
	uint32_t n_ranges;
	uint32_t want, got; /* bytes of ranges */
	uint8_t *buf;       /* owned */
};

/**
 * Start from a GPADL_HEADER of @size bytes, in private memory. Takes what it holds of the ranges.
 * Return: 0 (see vmb_gpadl_asm_complete()); -EINVAL malformed; -ENOMEM. After an error nothing
 * is to be freed, and @a has the ids if the message was long enough to have them.
 */
int vmb_gpadl_asm_begin(struct vmb_gpadl_asm *a, const void *msg, uint32_t size);

/** Add the ranges of a GPADL_BODY. Bytes beyond what is wanted are ignored. -EINVAL: too short. */
int vmb_gpadl_asm_more(struct vmb_gpadl_asm *a, const void *msg, uint32_t size);

static inline bool vmb_gpadl_asm_complete(const struct vmb_gpadl_asm *a)
{
	return a->got == a->want;
}

/**
 * Check a complete one and make the list. Every page must be RAM in @mem.
 * Return: 0; -EINVAL the ranges do not use up the announced bytes exactly, an offset or size is
 * wrong; -EFAULT a page is not RAM; -ENOMEM.
 */
int vmb_gpadl_asm_finish(const struct vmb_gpadl_asm *a, const struct vmb_mem *mem,
			 struct vmb_gpadl *ret);

void vmb_gpadl_asm_done(struct vmb_gpadl_asm *a);
void vmb_gpadl_done(struct vmb_gpadl *g);

/** Is @g what rings and network buffers must be: one range, offset 0, whole pages, not empty? */
bool vmb_gpadl_is_plain(const struct vmb_gpadl *g);
