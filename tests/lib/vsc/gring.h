/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's end of VMBus rings, after what Linux's driver does: strict "free > needed" when
 * sending, indices stored by release, signals by the same rules. Written apart from the host's
 * ring code, so that a mistake there does not cancel out here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/vsc/ram.h"

struct gring {
	struct ram *ram;
	const uint64_t *pfns; /* header page, then data pages; borrowed */
	uint32_t size;        /* bytes of data */
	uint32_t read;        /* consumer: private position */
	uint64_t signals;     /* how often the host had to be told */
};

struct gpkt {
	uint16_t type, flags;
	uint64_t xid;
	uint32_t ext_size, payload_size;
	uint8_t ext[8192];
	uint8_t payload[8192];
};

void gring_init(struct gring *r, struct ram *ram, const uint64_t *pfns, uint32_t n_pages);
/** Words of the header page: 0 write, 1 read, 2 mask, 3 pending size, 16 features. */
volatile uint32_t *gring_word(struct gring *r, unsigned int index);
/** Raw bytes of the data area, wrapping. */
void gring_poke(struct gring *r, uint32_t off, const void *src, uint32_t n);
void gring_peek(struct gring *r, uint32_t off, void *dst, uint32_t n);
/** Bytes free for a sender, in Linux's way of counting. */
uint32_t gring_free(struct gring *r);
/** Send one packet. @signal (may be NULL): the host must be told. 0; -1 no room. */
int gring_send(struct gring *r, uint16_t type, uint16_t flags, uint64_t xid, const void *ext,
	       uint32_t ext_size, const void *payload, uint32_t payload_size, bool *signal);
/** Receive one packet; the space is given back by gring_ack(). 0; -1 none; -2 malformed. */
int gring_recv(struct gring *r, struct gpkt *ret);
/** Publish the read index. Return: the host waits for space and must be told. */
bool gring_ack(struct gring *r);
