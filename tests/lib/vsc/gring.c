/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/lib/vsc/gring.h"

#include <string.h>

void gring_init(struct gring *r, struct ram *ram, const uint64_t *pfns, uint32_t n_pages)
{
	memset(r, 0, sizeof(*r));
	r->ram = ram;
	r->pfns = pfns;
	r->size = (n_pages - 1) * 4096;
	*gring_word(r, 0) = 0;
	*gring_word(r, 1) = 0;
	*gring_word(r, 16) = 1;
}

volatile uint32_t *gring_word(struct gring *r, unsigned int index)
{
	return (volatile uint32_t *)ram_pfn(r->ram, r->pfns[0]) + index;
}

void gring_poke(struct gring *r, uint32_t off, const void *src, uint32_t n)
{
	const uint8_t *s = src;

	while (n) {
		uint32_t in = off % 4096, run = 4096 - in < n ? 4096 - in : n;

		memcpy((uint8_t *)ram_pfn(r->ram, r->pfns[1 + off / 4096]) + in, s, run);
		s += run;
		n -= run;
		off = (off + run) % r->size;
	}
}

void gring_peek(struct gring *r, uint32_t off, void *dst, uint32_t n)
{
	uint8_t *d = dst;

	while (n) {
		uint32_t in = off % 4096, run = 4096 - in < n ? 4096 - in : n;

		memcpy(d, (uint8_t *)ram_pfn(r->ram, r->pfns[1 + off / 4096]) + in, run);
		d += run;
		n -= run;
		off = (off + run) % r->size;
	}
}

/* An index; fuzzers write nonsense into memory, which must not hurt the guest's own code. */
static uint32_t index_of(struct gring *r, unsigned int word)
{
	return (__atomic_load_n(gring_word(r, word), __ATOMIC_ACQUIRE) & ~7u) % r->size;
}

uint32_t gring_free(struct gring *r)
{
	uint32_t rd = index_of(r, 1), wr = index_of(r, 0);

	return wr >= rd ? r->size - (wr - rd) : rd - wr;
}

int gring_send(struct gring *r, uint16_t type, uint16_t flags, uint64_t xid, const void *ext,
	       uint32_t ext_size, const void *payload, uint32_t payload_size, bool *signal)
{
	uint32_t head = 16 + ext_size, total = (head + payload_size + 7) & ~7u;
	uint32_t wr = index_of(r, 0);
	uint64_t trailer = (uint64_t)wr << 32;
	struct {
		uint16_t type, off8, len8, flags;
		uint64_t xid;
	} d = {type, (uint16_t)(head / 8), (uint16_t)(total / 8), flags, xid};
	bool tell;

	if (gring_free(r) <= total + 8)
		return -1;
	gring_poke(r, wr, &d, 16);
	gring_poke(r, (wr + 16) % r->size, ext, ext_size);
	gring_poke(r, (wr + head) % r->size, payload, payload_size);
	gring_poke(r, (wr + total) % r->size, &trailer, 8);
	__atomic_store_n(gring_word(r, 0), (wr + total + 8) % r->size, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	tell = !*gring_word(r, 2) && __atomic_load_n(gring_word(r, 1), __ATOMIC_ACQUIRE) == wr;
	r->signals += tell;
	if (signal)
		*signal = tell;
	return 0;
}

int gring_recv(struct gring *r, struct gpkt *ret)
{
	uint32_t wr = index_of(r, 0);
	uint32_t avail = wr >= r->read ? wr - r->read : r->size - (r->read - wr);
	uint16_t d[4];
	uint32_t total;
	uint64_t trailer;

	if (!avail)
		return -1;
	gring_peek(r, r->read, d, 8);
	gring_peek(r, (r->read + 8) % r->size, &ret->xid, 8);
	ret->type = d[0];
	ret->flags = d[3];
	total = d[2] * 8u;
	if (d[1] < 2 || d[1] > d[2] || total + 8 > avail || total > sizeof(ret->payload))
		return -2;
	ret->ext_size = d[1] * 8u - 16;
	ret->payload_size = total - d[1] * 8u;
	gring_peek(r, (r->read + 16) % r->size, ret->ext, ret->ext_size);
	gring_peek(r, (r->read + d[1] * 8u) % r->size, ret->payload, ret->payload_size);
	gring_peek(r, (r->read + total) % r->size, &trailer, 8);
	if (trailer != (uint64_t)r->read << 32)
		return -2;
	r->read = (r->read + total + 8) % r->size;
	return 0;
}

bool gring_ack(struct gring *r)
{
	uint32_t before = *gring_word(r, 1), wr, pending, free0, free1;

	__atomic_store_n(gring_word(r, 1), r->read, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pending = *gring_word(r, 3);
	if (!pending)
		return false;
	wr = *gring_word(r, 0);
	free0 = wr >= before ? r->size - (wr - before) : before - wr;
	free1 = wr >= r->read ? r->size - (wr - r->read) : r->read - wr;
	return free0 <= pending && free1 > pending;
}
