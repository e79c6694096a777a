/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One VMBus ring buffer, host side: the consumer of a guest-to-host ring, the producer of a
 * host-to-guest ring. Our own index lives in private memory; the shared word is written, never
 * read back. The guest's index is checked at each load. A packet is copied out once and only the
 * copy is parsed. A bad value gives a fault, after which the ring must not be touched again.
 *
 * Use, consumer:  while (!vmb_ring_in_next(r, &pkt)) ...;  vmb_ring_in_commit(r, &signal)
 *      producer:  while (!vmb_ring_out_put(r, ...)) ...;   vmb_ring_out_commit(r, &signal)
 * @signal says that the guest must be interrupted.
 *
 * Limits: a packet of at most VMB_PKT_MAX bytes in either direction.
 * Thread-safety: none; one thread at a time for each ring. Source: facts of the Linux driver's
 * drivers/hv/ring_buffer.c. Proof: tests/unit/vmbus-netvsp/test_ring.c, tests/fuzz/fuzz_vmbus_ring.c.
 */
#pragma once

#include "vmbus-netvsp/fault.h"
#include "vmbus-netvsp/mem.h"

#define VMB_PKT_MAX 8192u /* descriptor, header and payload, without the trailer */

/** A packet in private memory: what the consumer gives out. Valid until the next call. */
struct vmb_pkt {
	uint16_t type;  /* enum vmb_pkt_type */
	uint16_t flags; /* VMB_PKT_FLAG_* */
	uint64_t xid;
	const uint8_t *ext; /* header that follows the descriptor (page ranges) */
	uint32_t ext_size;
	const uint8_t *payload;
	uint32_t payload_size; /* a multiple of 8: senders pad */
};

struct vmb_ring_in {
	volatile struct vmb_ring_hdr_wire *hdr; /* shared */
	struct vmb_view data;
	uint32_t read;      /* where we are */
	uint32_t published; /* what the guest was told */
	uint32_t write;     /* last checked value of the guest's index */
	enum vmb_fault fault;
	uint8_t buf[VMB_PKT_MAX] __attribute__((aligned(64)));
};

struct vmb_ring_out {
	volatile struct vmb_ring_hdr_wire *hdr;
	struct vmb_view data;
	uint32_t write;     /* where we are */
	uint32_t committed; /* what the guest was told */
	uint32_t read;      /* last checked value of the guest's index */
	enum vmb_fault fault;
};

/**
 * Take over a ring of @n_pages pages (>= 2) starting at @pages[0], its header page. Our index
 * starts at what the shared word says if @resume, else at 0 (and the word is set).
 *
 * @pages must outlive the ring. Return: 0; -EINVAL too few or too many pages, or a shared index
 * that is no position in the ring.
 */
int vmb_ring_in_init(struct vmb_ring_in *r, uint8_t *const *pages, uint32_t n_pages, bool resume);
int vmb_ring_out_init(struct vmb_ring_out *r, uint8_t *const *pages, uint32_t n_pages, bool resume);

/**
 * Copy the next packet out. Return: 0; -EAGAIN none there; -EPROTO the ring is broken (r->fault).
 * Frees nothing: see vmb_ring_in_commit().
 */
int vmb_ring_in_next(struct vmb_ring_in *r, struct vmb_pkt *ret);

/** Anything to read? Loads the guest's index. A bad index reads as "yes": next() will tell. */
bool vmb_ring_in_ready(struct vmb_ring_in *r);

/** Go back before the packet just given out, when it cannot be dealt with now. @read is the value
 *  of r->read before that vmb_ring_in_next(). */
static inline void vmb_ring_in_unget(struct vmb_ring_in *r, uint32_t read)
{
	r->read = read;
}

/** Load the guest's index. 0; -EPROTO it is none (r->fault). */
int vmb_ring_in_refresh(struct vmb_ring_in *r);

/**
 * What lies at our position, where it lies: hostile memory, to be copied once. Return: bytes that the guest has
 * written there and that lie in one piece; 0: none known of yet, or not in one piece. vmb_ring_in_next() decides
 * what they are worth.
 */
static inline uint32_t vmb_ring_in_peek(struct vmb_ring_in *r, const uint8_t **ret)
{
	if (__builtin_expect(!r->data.base || r->fault, 0) ||
	    (r->read == r->write && vmb_ring_in_refresh(r)))
		return 0;
	*ret = r->data.base + r->read;
	return (r->write >= r->read ? r->write : r->data.size) - r->read;
}

/** Go on behind a packet of @size bytes, trailer included, that was peeked at and is done with. */
static inline void vmb_ring_in_skip(struct vmb_ring_in *r, uint32_t size)
{
	r->read += size;
	if (r->read == r->data.size)
		r->read = 0;
}

/** Give the space of all packets read back to the guest. *@signal: it waits for that space.
 *  Return: 0; -EPROTO. */
int vmb_ring_in_commit(struct vmb_ring_in *r, bool *signal);

/** The same for what lies before @upto, a former value of r->read not published yet: what comes after
 *  stays in the ring, for whoever takes over when we die. */
int vmb_ring_in_commit_to(struct vmb_ring_in *r, uint32_t upto, bool *signal);

/** After init with resume: go on at @read instead of at the guest's word, which may be behind when our
 *  former life ended between deciding and telling. -ESTALE: no place between it and the write index. */
int vmb_ring_in_seek(struct vmb_ring_in *r, uint32_t read);
/** The same: @write may be ahead of the guest's word. */
int vmb_ring_out_seek(struct vmb_ring_out *r, uint32_t write);
/** Bytes from our position to what the guest has written. */
uint32_t vmb_ring_in_waiting(const struct vmb_ring_in *r);

/** Interrupt suppression: @masked true = we poll, the guest need not signal. */
void vmb_ring_in_mask(struct vmb_ring_in *r, bool masked);

/** Before sleeping: let the guest signal, then look once more. Return: true when it is safe to
 *  sleep; false when there is work (the ring is masked again). */
bool vmb_ring_in_arm(struct vmb_ring_in *r);

/** Bytes a packet of @ext_size + @payload_size takes in the ring, trailer included. */
static inline uint32_t vmb_ring_need(uint32_t ext_size, uint32_t payload_size)
{
	return (uint32_t)sizeof(struct vmb_pkt_desc_wire) + ((ext_size + 7) & ~7u) +
	       ((payload_size + 7) & ~7u) + VMB_PKT_TRAILER;
}

/** Free bytes now. Loads the guest's index; 0 when it is bad (r->fault says so). */
uint32_t vmb_ring_out_room(struct vmb_ring_out *r);

/**
 * Append one packet; the guest sees it after commit.
 * Return: 0; -EAGAIN no room; -EMSGSIZE larger than VMB_PKT_MAX; -EPROTO broken (r->fault).
 */
int vmb_ring_out_put(struct vmb_ring_out *r, uint16_t type, uint16_t flags, uint64_t xid,
		     const void *ext, uint32_t ext_size, const void *payload,
		     uint32_t payload_size);

/** Is there room for @size bytes? Loads the guest's index only when what is known does not do. */
bool vmb_ring_out_has(struct vmb_ring_out *r, uint32_t size);

#define VMB_COMPLETE_MAX 64u

/** vmb_ring_out_put() of a completion whose payload of @payload_size bytes (8..VMB_COMPLETE_MAX, a multiple of 8)
 *  is @word and zeros. */
int vmb_ring_out_complete(struct vmb_ring_out *r, uint64_t xid, uint64_t word,
			  uint32_t payload_size);

/** Publish everything put. *@signal: the guest sleeps and must be interrupted. */
void vmb_ring_out_commit(struct vmb_ring_out *r, bool *signal);

/** The shared words as they are now, for people: none of them is to be trusted. */
struct vmb_ring_words {
	uint32_t write, read;
	uint32_t mask;    /* 1: the consumer does not want signals */
	uint32_t pending; /* bytes the producer waits for; 0: none */
};

void vmb_ring_words(const volatile struct vmb_ring_hdr_wire *hdr, struct vmb_ring_words *ret);

/** Ask the guest to signal when @size bytes are free (0: stop asking). Return: true when so much
 *  is free already, and nothing was asked. */
bool vmb_ring_out_want(struct vmb_ring_out *r, uint32_t size);
