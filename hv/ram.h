/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory: one memfd, mapped shared, that lies below 3 GiB and goes on above 4 GiB. The memfd
 * can be handed to other processes; it is sealed against changes of its size.
 * Pages cost nothing until they are touched.
 * Thread-safety: immutable after hv_ram_init(), but for the marks. Proof: tests/unit/hv/test_ram.c.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "vmbus-netvsp/mem.h"

struct hv_ram {
	int memfd;
	uint64_t size;     /* bytes */
	uint64_t low_size; /* of it below the hole */
	uint8_t *base;
	struct vmb_slots slots; /* 1 or 2; slot i of KVM is slot i here */
	uint64_t *foreign;      /* a bit a page: somebody else than the guest writes it; atomic */
};

/** @size bytes, a multiple of 2 MiB. 0; -ENOMEM with @err filled. */
int hv_ram_init(struct hv_ram *ram, uint64_t size, struct vd_err *err);
/** Twice is fine; @ram may be all zero with memfd -1. */
void hv_ram_done(struct hv_ram *ram);

/** Host address of [@gpa, @gpa + @size); NULL when not all of it is RAM in one piece. */
void *hv_ram_at(const struct hv_ram *ram, uint64_t gpa, uint64_t size);

/** Somebody else than the guest will write pages of [@gpa, @gpa + @size): a snapshot must look at
 *  them itself. Stays so until the memory is cleared. Any thread. */
void hv_ram_mark(const struct hv_ram *ram, uint64_t gpa, uint64_t size);

/** Give all pages back: the memory reads as zeroes afterwards. 0 or negative errno. */
int hv_ram_clear(struct hv_ram *ram);
