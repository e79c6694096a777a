/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring buffer.
 *
 * Theory of operation. A ring is one header page and data pages; an index is a byte offset into
 * the data. Equal indices mean empty, so the last 8 bytes are never filled. The producer stores
 * packets, then the index; the consumer reads, then stores its own index. Signals: the producer
 * signals when the ring goes from empty to non-empty and the consumer did not mask it; the
 * consumer signals when free space crosses what the blocked producer asked for. Each side stores
 * its index, then a full fence, then looks at the other's words: so one of the two always sees
 * the other's store and no wake-up is lost.
 */
#include "vmbus-netvsp/ring.h"

#include <errno.h>

#define RING_PAGES_MAX 65536u /* offsets stay far below 2^32 */
#define LEN8_MIN       (sizeof(struct vmb_pkt_desc_wire) / 8)

static bool index_ok(uint32_t index, uint32_t size)
{
	return index < size && !(index & 7);
}

static uint32_t used(uint32_t write, uint32_t read, uint32_t size)
{
	return write >= read ? write - read : size - (read - write);
}

static uint32_t advance(uint32_t index, uint32_t n, uint32_t size)
{
	index += n;
	return index >= size ? index - size : index;
}

static uint32_t load_acquire(volatile uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void store_release(volatile uint32_t *p, uint32_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

static void full_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The header struct is packed for its size only; its words are aligned, as the page is. */
#define WORD(r, field)                                        \
	((volatile uint32_t *)((volatile uint8_t *)(r)->hdr + \
			       offsetof(struct vmb_ring_hdr_wire, field)))

int vmb_ring_in_init(struct vmb_ring_in *r, uint8_t *const *pages, uint32_t n_pages, bool resume)
{
	if (n_pages < 2 || n_pages > RING_PAGES_MAX)
		return -EINVAL;
	r->hdr = (volatile struct vmb_ring_hdr_wire *)pages[0];
	vmb_view_init(&r->data, pages, 1, n_pages - 1);
	r->fault = VMB_FAULT_NONE;
	r->read = resume ? load_acquire(WORD(r, read_index)) : 0;
	if (!index_ok(r->read, r->data.size))
		return -EINVAL;
	r->published = r->write = r->read;
	if (!resume)
		store_release(WORD(r, read_index), 0);
	return 0;
}

int vmb_ring_out_init(struct vmb_ring_out *r, uint8_t *const *pages, uint32_t n_pages, bool resume)
{
	if (n_pages < 2 || n_pages > RING_PAGES_MAX)
		return -EINVAL;
	r->hdr = (volatile struct vmb_ring_hdr_wire *)pages[0];
	vmb_view_init(&r->data, pages, 1, n_pages - 1);
	r->fault = VMB_FAULT_NONE;
	r->write = resume ? load_acquire(WORD(r, write_index)) : 0;
	if (!index_ok(r->write, r->data.size))
		return -EINVAL;
	r->committed = r->write;
	r->read = resume ? load_acquire(WORD(r, read_index)) : 0;
	if (!index_ok(r->read, r->data.size))
		return -EINVAL;
	if (!resume) {
		/* a guest that skips this leaves the index of the ring's former life */
		store_release(WORD(r, write_index), 0);
		store_release(WORD(r, read_index), 0);
	}
	store_release(WORD(r, pending_send_size), 0);
	store_release(WORD(r, features), VMB_RING_FEATURE_PENDING);
	return 0;
}

int vmb_ring_in_refresh(struct vmb_ring_in *r)
{
	uint32_t w = load_acquire(WORD(r, write_index));

	if (!index_ok(w, r->data.size)) {
		r->fault = VMB_FAULT_RING_WRITE_INDEX;
		return -EPROTO;
	}
	r->write = w;
	return 0;
}

/* Copy @n bytes at ring offset @off, which may wrap. */
static void in_copy(const struct vmb_ring_in *r, uint32_t off, void *dst, uint32_t n)
{
	uint32_t first = r->data.size - off;

	if (n <= first) {
		vmb_view_read(&r->data, off, dst, n);
		return;
	}
	vmb_view_read(&r->data, off, dst, first);
	vmb_view_read(&r->data, 0, (uint8_t *)dst + first, n - first);
}

static bool type_allowed(uint16_t type)
{
	return type == VMB_PKT_INBAND || type == VMB_PKT_GPA_DIRECT || type == VMB_PKT_COMPLETION ||
	       type == VMB_PKT_CANCEL || type == VMB_PKT_XFER;
}

int vmb_ring_in_next(struct vmb_ring_in *r, struct vmb_pkt *ret)
{
	struct vmb_pkt_desc_wire d;
	uint32_t avail, size, start;

	if (r->fault)
		return -EPROTO;
	if (r->read == r->write && vmb_ring_in_refresh(r))
		return -EPROTO;
	if (r->read == r->write)
		return -EAGAIN;
	avail = used(r->write, r->read, r->data.size);
	if (avail < sizeof(d) + VMB_PKT_TRAILER)
		goto bad;
	in_copy(r, r->read, &d, sizeof(d));
	size = (uint32_t)d.len8 * 8;
	start = (uint32_t)d.offset8 * 8;
	if (d.offset8 < LEN8_MIN || start > size || size > VMB_PKT_MAX ||
	    size + VMB_PKT_TRAILER > avail)
		goto bad;
	if (!type_allowed(d.type)) {
		r->fault = VMB_FAULT_RING_TYPE;
		return -EPROTO;
	}
	/* only what follows the descriptor: that was copied already, and a second copy of it could
	 * hold other values than the ones just checked */
	in_copy(r, advance(r->read, sizeof(d), r->data.size), r->buf, size - (uint32_t)sizeof(d));
	ret->type = d.type;
	ret->flags = d.flags;
	ret->xid = d.xid;
	ret->ext = r->buf;
	ret->ext_size = start - (uint32_t)sizeof(d);
	ret->payload = r->buf + ret->ext_size;
	ret->payload_size = size - start;
	r->read = advance(r->read, size + VMB_PKT_TRAILER, r->data.size);
	return 0;
bad:
	r->fault = VMB_FAULT_RING_PACKET;
	return -EPROTO;
}

int vmb_ring_in_seek(struct vmb_ring_in *r, uint32_t read)
{
	uint32_t size = r->data.size;

	if (!index_ok(read, size) || vmb_ring_in_refresh(r) ||
	    used(read, r->published, size) > used(r->write, r->published, size))
		return -ESTALE;
	r->read = r->published = read;
	store_release(WORD(r, read_index), read);
	return 0;
}

uint32_t vmb_ring_in_waiting(const struct vmb_ring_in *r)
{
	return used(r->write, r->read, r->data.size);
}

bool vmb_ring_in_ready(struct vmb_ring_in *r)
{
	return !r->fault && (r->read != r->write || r->read != load_acquire(WORD(r, write_index)));
}

int vmb_ring_in_commit(struct vmb_ring_in *r, bool *signal)
{
	return vmb_ring_in_commit_to(r, r->read, signal);
}

int vmb_ring_in_commit_to(struct vmb_ring_in *r, uint32_t upto, bool *signal)
{
	uint32_t size = r->data.size, before = r->published, pending, free0, free1;

	*signal = false;
	if (r->fault)
		return -EPROTO;
	if (upto == before)
		return 0;
	r->published = upto;
	store_release(WORD(r, read_index), upto);
	full_fence();
	/* some guests ask for size - 1, which is never free */
	pending = load_acquire(WORD(r, pending_send_size)) & ~7u;
	if (!pending)
		return 0;
	uint32_t w = load_acquire(WORD(r, write_index));

	if (!index_ok(w, size)) {
		r->fault = VMB_FAULT_RING_WRITE_INDEX;
		return -EPROTO;
	}
	free0 = size - used(w, before, size) - 8;
	free1 = size - used(w, upto, size) - 8;
	*signal = free0 < pending && pending <= free1;
	return 0;
}

void vmb_ring_in_mask(struct vmb_ring_in *r, bool masked)
{
	store_release(WORD(r, interrupt_mask), masked);
}

bool vmb_ring_in_arm(struct vmb_ring_in *r)
{
	vmb_ring_in_mask(r, false);
	full_fence();
	if (!vmb_ring_in_ready(r))
		return true;
	vmb_ring_in_mask(r, true);
	return false;
}

static int out_refresh(struct vmb_ring_out *r)
{
	uint32_t size = r->data.size, rd = load_acquire(WORD(r, read_index));

	/* the reader may only move towards what was published, from where it was */
	if (!index_ok(rd, size) || used(rd, r->read, size) > used(r->committed, r->read, size)) {
		r->fault = VMB_FAULT_RING_READ_INDEX;
		return -EPROTO;
	}
	r->read = rd;
	return 0;
}

static uint32_t out_free(const struct vmb_ring_out *r)
{
	return r->data.size - used(r->write, r->read, r->data.size) - 8;
}

uint32_t vmb_ring_out_room(struct vmb_ring_out *r)
{
	if (r->fault || out_refresh(r))
		return 0;
	return out_free(r);
}

bool vmb_ring_out_has(struct vmb_ring_out *r, uint32_t size)
{
	return !r->fault && (out_free(r) >= size || (!out_refresh(r) && out_free(r) >= size));
}

/* Store @n bytes at our position, which may wrap, pad with zeros to 8, and move on. */
static void out_store(struct vmb_ring_out *r, const void *src, uint32_t n)
{
	static const uint8_t zero[8];
	uint32_t first = r->data.size - r->write, pad = -n & 7;

	if (n <= first) {
		vmb_view_write(&r->data, r->write, src, n);
	} else {
		vmb_view_write(&r->data, r->write, src, first);
		vmb_view_write(&r->data, 0, (const uint8_t *)src + first, n - first);
	}
	r->write = advance(r->write, n, r->data.size);
	if (!pad)
		return;
	vmb_view_write(&r->data, r->write, zero, pad); /* never wraps: the ring is whole 8s */
	r->write = advance(r->write, pad, r->data.size);
}

int vmb_ring_out_put(struct vmb_ring_out *r, uint16_t type, uint16_t flags, uint64_t xid,
		     const void *ext, uint32_t ext_size, const void *payload, uint32_t payload_size)
{
	uint32_t need = vmb_ring_need(ext_size, payload_size);
	uint64_t trailer = (uint64_t)r->write << 32;
	struct vmb_pkt_desc_wire d = {
		.type = type,
		.offset8 = (uint16_t)((sizeof(d) + ext_size + 7) / 8),
		.len8 = (uint16_t)((need - VMB_PKT_TRAILER) / 8),
		.flags = flags,
		.xid = xid,
	};

	if (r->fault)
		return -EPROTO;
	if (ext_size > VMB_PKT_MAX || payload_size > VMB_PKT_MAX ||
	    need - VMB_PKT_TRAILER > VMB_PKT_MAX)
		return -EMSGSIZE;
	if (!vmb_ring_out_has(r, need))
		return r->fault ? -EPROTO : -EAGAIN;
	out_store(r, &d, sizeof(d));
	if (ext_size)
		out_store(r, ext, ext_size);
	if (payload_size)
		out_store(r, payload, payload_size);
	out_store(r, &trailer, sizeof(trailer));
	return 0;
}

int vmb_ring_out_complete(struct vmb_ring_out *r, uint64_t xid, uint64_t word,
			  uint32_t payload_size)
{
	uint32_t need = vmb_ring_need(0, payload_size), at = r->write, i;
	uint64_t desc = VMB_PKT_COMPLETION | LEN8_MIN << 16 |
			(uint64_t)((need - VMB_PKT_TRAILER) / 8) << 32;
	uint64_t trailer = (uint64_t)at << 32, zero = 0;
	uint8_t *p = r->data.base + at;

	if (__builtin_expect(!r->data.base || r->data.size - at <= need, 0)) {
		uint64_t payload[VMB_COMPLETE_MAX / 8] = {word};

		return vmb_ring_out_put(r, VMB_PKT_COMPLETION, 0, xid, NULL, 0, payload,
					payload_size);
	}
	if (!vmb_ring_out_has(r, need))
		return r->fault ? -EPROTO : -EAGAIN;
	memcpy(p, &desc, 8);
	memcpy(p + 8, &xid, 8);
	memcpy(p + 16, &word, 8);
	for (i = 24; i + VMB_PKT_TRAILER < need; i += 8)
		memcpy(p + i, &zero, 8);
	memcpy(p + i, &trailer, 8);
	r->write = at + need;
	return 0;
}

void vmb_ring_out_commit(struct vmb_ring_out *r, bool *signal)
{
	uint32_t before = r->committed;

	*signal = false;
	if (r->fault || r->write == before)
		return;
	r->committed = r->write;
	store_release(WORD(r, write_index), r->write);
	full_fence();
	if (out_refresh(
		    r)) /* the line is here now, and may not be when the next packet asks for room */
		return;
	*signal = !load_acquire(WORD(r, interrupt_mask)) && r->read == before;
}

int vmb_ring_out_seek(struct vmb_ring_out *r, uint32_t write)
{
	uint32_t size = r->data.size;

	if (!index_ok(write, size) || used(write, r->read, size) < used(r->write, r->read, size))
		return -ESTALE;
	r->write = r->committed = write;
	store_release(WORD(r, write_index), write);
	return 0;
}

void vmb_ring_words(const volatile struct vmb_ring_hdr_wire *hdr, struct vmb_ring_words *ret)
{
	*ret = (struct vmb_ring_words){.write = hdr->write_index,
				       .read = hdr->read_index,
				       .mask = hdr->interrupt_mask,
				       .pending = hdr->pending_send_size};
}

bool vmb_ring_out_want(struct vmb_ring_out *r, uint32_t size)
{
	if (!size) {
		store_release(WORD(r, pending_send_size), 0);
		return true;
	}
	store_release(WORD(r, pending_send_size), size);
	full_fence();
	if (vmb_ring_out_room(r) < size)
		return false;
	store_release(WORD(r, pending_send_size), 0);
	return true;
}
