/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Data of one RNDIS packet message from the guest: a list of memory pieces made of a section of the
 * send buffer and, behind it, page ranges; RNDIS messages lie in it one after the other, cut
 * anywhere. Headers are copied out of the pieces before a single field is looked at; the payload
 * is given on as pieces, to be copied once by whoever takes it.
 */
#include "vmbus-netvsp/netvsp_priv.h"

#include <errno.h>

#define FRAME_MAX   (65535u + ETH_HDR + 4)
#define MESSAGE_MAX (FRAME_MAX + 4096u)
#define PPI_IN_MAX  256u

static int add_seg(struct nvsp_chan *c, unsigned int *n, const uint8_t *p, uint32_t size)
{
	struct nvsp_seg *last = *n ? &c->segs[*n - 1] : NULL;

	if (last && last->ptr + last->size == p) {
		last->size += size;
		return 0;
	}
	if (*n == NVSP_SEGS_MAX)
		return -E2BIG;
	c->segs[(*n)++] = (struct nvsp_seg){p, size};
	return 0;
}

static int add_section(struct nvsp_chan *c, const struct nvsp_msg_wire *m, unsigned int *n)
{
	struct nvsp_dev *dev = c->dev;
	uint32_t left = m->rndis.section_used, off, run;

	if (!__atomic_load_n(&dev->send, __ATOMIC_ACQUIRE))
		return -ENOENT;
	if (m->rndis.section >= dev->n_sections || left > NVSP_SECTION_SIZE)
		return -EINVAL;
	off = m->rndis.section * NVSP_SECTION_SIZE;
	while (left) {
		const uint8_t *p = vmb_view_at(&dev->send_view, off, &run);

		run = run < left ? run : left;
		if (add_seg(c, n, p, run))
			return -E2BIG;
		off += run;
		left -= run;
	}
	return 0;
}

/* One range of a GPA-direct header, at @ext with @left bytes. Return: bytes used, or negative. */
static int add_range(struct nvsp_chan *c, const uint8_t *ext, uint32_t left, unsigned int *n,
		     uint32_t *total, enum vmb_fault *fault)
{
	struct vmb_gpa_range_wire r;
	uint64_t pages;
	uint32_t size, off;

	*fault = VMB_FAULT_RING_RANGES;
	if (left < sizeof(r))
		return -EPROTO;
	memcpy(&r, ext, sizeof(r));
	pages = ((uint64_t)r.offset + r.size + VMB_PAGE_SIZE - 1) >> VMB_PAGE_SHIFT;
	if (r.offset >= VMB_PAGE_SIZE || pages * 8 > left - sizeof(r))
		return -EPROTO;
	*fault = VMB_FAULT_NONE;
	if (r.size > MESSAGE_MAX - *total)
		return -E2BIG;
	*total += r.size;
	for (uint64_t i = 0, todo = r.size; i < pages; i++, todo -= size) {
		uint64_t pfn;
		const uint8_t *p;

		memcpy(&pfn, ext + sizeof(r) + i * 8, 8);
		off = i ? 0 : r.offset;
		size = todo < VMB_PAGE_SIZE - off ? (uint32_t)todo : VMB_PAGE_SIZE - off;
		if (!size)
			break;
		if (pfn >> (64 - VMB_PAGE_SHIFT))
			return -EFAULT;
		p = vmb_map(c->dev->mem, (pfn << VMB_PAGE_SHIFT) + off, size);
		if (!p || add_seg(c, n, p, size))
			return -EFAULT;
	}
	return (int)(sizeof(r) + pages * 8);
}

int nvsp_segs_collect(struct nvsp_chan *c, const struct vmb_pkt *pkt, const struct nvsp_msg_wire *m,
		      unsigned int *n_segs, uint32_t *total, enum vmb_fault *fault)
{
	struct vmb_gpa_direct_wire d;
	uint32_t pos = sizeof(d);

	*n_segs = 0;
	*total = 0;
	*fault = VMB_FAULT_NONE;
	if (m->rndis.section != NVSP_NO_SECTION) {
		if (add_section(c, m, n_segs))
			return -EINVAL;
		*total = m->rndis.section_used;
	}
	if (pkt->type != VMB_PKT_GPA_DIRECT)
		return 0;
	if (pkt->ext_size < sizeof(d)) {
		*fault = VMB_FAULT_RING_RANGES;
		return -EPROTO;
	}
	memcpy(&d, pkt->ext, sizeof(d));
	/* each range takes at least its own header, so the count is bounded by the packet */
	for (uint32_t i = 0; i < d.n_ranges; i++) {
		int used = add_range(c, pkt->ext + pos, pkt->ext_size - pos, n_segs, total, fault);

		if (used < 0)
			return used;
		pos += (uint32_t)used;
	}
	return 0;
}

void nvsp_segs_copy(const struct nvsp_seg *segs, unsigned int n, uint32_t off, void *dst,
		    uint32_t size)
{
	uint8_t *d = dst;

	/* nearly always: a section of the send buffer that lies in one piece */
	if (n == 1 && off <= segs->size && size <= segs->size - off) {
		vmb_copy_in(d, segs->ptr + off, size);
		return;
	}

	for (unsigned int i = 0; i < n && size; i++) {
		uint32_t k;

		if (off >= segs[i].size) {
			off -= segs[i].size;
			continue;
		}
		k = segs[i].size - off < size ? segs[i].size - off : size;
		vmb_copy_in(d, segs[i].ptr + off, k);
		d += k;
		size -= k;
		off = 0;
	}
}

/* Bytes [off, off + size) of c->segs as pieces of their own. Return: how many. */
static unsigned int cut(struct nvsp_chan *c, unsigned int n, uint32_t off, uint32_t size)
{
	unsigned int out = 0;

	if (n == 1) {
		c->cut[0] = (struct nvsp_seg){c->segs[0].ptr + off, size};
		return 1;
	}
	for (unsigned int i = 0; i < n && size; i++) {
		uint32_t k;

		if (off >= c->segs[i].size) {
			off -= c->segs[i].size;
			continue;
		}
		k = c->segs[i].size - off < size ? c->segs[i].size - off : size;
		c->cut[out++] = (struct nvsp_seg){c->segs[i].ptr + off, k};
		size -= k;
		off = 0;
	}
	return out;
}

static bool inside(uint32_t off, uint32_t size, uint32_t end)
{
	return off <= end && size <= end - off;
}

/* One PACKET at @pos with @size bytes (what its header says, checked against what is there). */
static int one_packet(struct nvsp_chan *c, unsigned int n_segs, uint32_t pos, uint32_t size,
		      const struct rndis_packet_wire *h, struct rx_burst *b)
{
	uint32_t body = size - RNDIS_BODY, limit = c->dev->mtu + ETH_HDR + 4;
	struct nvsp_frame f = {.size = h->data_size};
	uint8_t ppi[PPI_IN_MAX];

	if (!inside(h->data_offset, h->data_size, body) || h->data_offset < sizeof(*h) - RNDIS_BODY)
		return -EBADMSG;
	if (h->ppi_size) {
		if (h->ppi_size > sizeof(ppi) || !inside(h->ppi_offset, h->ppi_size, body) ||
		    h->ppi_offset < sizeof(*h) - RNDIS_BODY)
			return -EBADMSG;
		nvsp_segs_copy(c->segs, n_segs, pos + RNDIS_BODY + h->ppi_offset, ppi, h->ppi_size);
		if (nvsp_ppi_parse(ppi, h->ppi_size, &f))
			return -EBADMSG;
	}
	if (f.size < ETH_HDR || f.size > (f.flags & NVSP_F_LSO ? FRAME_MAX : limit))
		return -EBADMSG;
	c->rx_stats.rx_frames++;
	c->rx_stats.rx_bytes += f.size;
	b->frames++;
	nvsp_plain_flush(c, b);
	b->sink->frame(b->ctx, &f, c->cut,
		       cut(c, n_segs, pos + RNDIS_BODY + h->data_offset, f.size));
	return 0;
}

void nvsp_plain_flush(struct nvsp_chan *c, struct rx_burst *b)
{
	if (!b->n_plain)
		return;
	b->sink->plain(b->ctx, c->plain, b->n_plain);
	b->n_plain = 0;
}

#define HEAD ((uint32_t)sizeof(struct rndis_packet_wire))

/*
 * The messages from @pos on that are what nearly all are: a frame right behind the header, no per-packet info, far
 * enough from the end of the buffer. At most @n; they wait in c->plain. The words that matter are read once.
 * Return: where the first other one begins.
 */
static uint32_t plain_messages(struct nvsp_chan *c, struct rx_burst *b, uint32_t pos,
			       uint32_t total, unsigned int *n)
{
	const uint8_t *p = c->segs[0].ptr + pos, *end = c->segs[0].ptr + total;
	const uint8_t *plain_end = b->plain_end;
	const uint32_t most = c->dev->mtu + 4;
	struct nvsp_seg *first = c->plain + b->n_plain, *to = first, *full = first + *n;
	uint32_t bytes = 0, record = c->record_size;

	while (to < full && (size_t)(end - p) >= HEAD) {
		uint64_t type_size, data, ppi;
		uint32_t size, data_size;

		memcpy(&type_size, p, 8);
		memcpy(&data, p + 8, 8);
		memcpy(&ppi, p + 28, 8); /* offset, size */
		vmb_barrier();
		size = type_size >> 32;
		data_size = data >> 32;
		if (__builtin_expect((uint32_t)type_size != RNDIS_PACKET ||
					     (uint32_t)data != HEAD - RNDIS_BODY || ppi >> 32 ||
					     size < HEAD || size > (size_t)(end - p) ||
					     data_size > size - HEAD ||
					     data_size - ETH_HDR > most ||
					     p + HEAD + data_size > plain_end,
				     0))
			break;
		*to++ = (struct nvsp_seg){p + HEAD, data_size};
		bytes += data_size;
		p += size;
		record = size;
	}
	*n = (unsigned int)(to - first);
	c->record_size = record;
	b->n_plain += *n;
	b->frames += *n;
	c->rx_stats.rx_frames += *n;
	c->rx_stats.rx_bytes += bytes;
	return (uint32_t)(p - c->segs[0].ptr);
}

/* The same for any message. Return: its size; 0: malformed. */
static uint32_t any_message(struct nvsp_chan *c, unsigned int n_segs, uint32_t pos, uint32_t left,
			    struct rx_burst *b)
{
	struct rndis_packet_wire h;

	if (left < sizeof(h))
		memset(&h, 0, sizeof(h));
	nvsp_segs_copy(c->segs, n_segs, pos, &h, left < sizeof(h) ? left : sizeof(h));
	if (h.hdr.type != RNDIS_PACKET || h.hdr.size < sizeof(h) || h.hdr.size > left ||
	    one_packet(c, n_segs, pos, h.hdr.size, &h, b))
		return 0;
	return h.hdr.size;
}

uint32_t nvsp_rndis_data(struct nvsp_chan *c, unsigned int n_segs, uint32_t total,
			 struct rx_burst *b)
{
	uint32_t pos = 0, size;
	unsigned int n = 0, k;

	for (;;) {
		if (b->plain_end) {
			if (b->n_plain + NVSP_FRAMES_PER_MSG > NVSP_PLAIN_MAX)
				nvsp_plain_flush(c, b);
			k = NVSP_FRAMES_PER_MSG - n;
			pos = plain_messages(c, b, pos, total, &k);
			n += k;
		}
		if (total - pos < sizeof(struct rndis_hdr_wire) || n == NVSP_FRAMES_PER_MSG)
			break;
		size = any_message(c, n_segs, pos, total - pos, b);
		if (!size)
			break;
		pos += size;
		n++;
	}
	if (n && total - pos < sizeof(struct rndis_hdr_wire))
		return NVSP_STATUS_SUCCESS;
	c->rx_stats.rx_bad++;
	return NVSP_STATUS_BAD_RNDIS;
}

/* Take the messages of a section that begin at c->segs[0], when all of them are plain and there is room for them. */
static bool rest_fits(struct nvsp_chan *c, struct rx_burst *b, uint32_t total)
{
	uint64_t rx_frames = c->rx_stats.rx_frames, rx_bytes = c->rx_stats.rx_bytes;
	unsigned int n = b->max - b->frames;

	if (!b->plain_end)
		return false;
	if (b->n_plain + n > NVSP_PLAIN_MAX)
		nvsp_plain_flush(c, b);
	if (total - plain_messages(c, b, 0, total, &n) < sizeof(struct rndis_hdr_wire) && n)
		return true;
	/* as if we had not looked */
	b->n_plain -= n;
	b->frames -= n;
	c->rx_stats.rx_frames = rx_frames;
	c->rx_stats.rx_bytes = rx_bytes;
	return false;
}

/* The start of a packet that carries data: descriptor, and what matters of the message. */
struct data_packet {
	struct vmb_pkt_desc_wire d;
	uint32_t type, channel, section, used;
};
_Static_assert(sizeof(struct data_packet) == 32, "no padding");

bool nvsp_section_packet(struct nvsp_chan *c, struct rx_burst *b)
{
	struct nvsp_dev *dev = c->dev;
	struct data_packet h;
	const uint8_t *p;
	uint32_t there = vmb_ring_in_peek(&c->in, &p);
	struct todo *t;
	bool fits = true;
	uint8_t status;

	if (there < sizeof(h) + VMB_PKT_TRAILER)
		return false;
	vmb_copy_in(&h, p, sizeof(h));
	if (h.d.type != VMB_PKT_INBAND || !nvsp_desc_plain(&h.d, sizeof(h), there) ||
	    h.type != NVSP_RNDIS || h.channel != NVSP_CHANNEL_DATA)
		return false;
	if (!recv_get(dev) || !dev->rndis_ready || c->replay ||
	    !__atomic_load_n(&dev->send, __ATOMIC_ACQUIRE) || !dev->send_view.base ||
	    h.section >= dev->n_sections || h.used > NVSP_SECTION_SIZE)
		return false;
	c->segs[0] = (struct nvsp_seg){dev->send_view.base + (size_t)h.section * NVSP_SECTION_SIZE,
				       h.used};
	if (b->sink->plain)
		b->plain_end = dev->send_view.base + dev->send_view.size - NVSP_SLACK;
	if (b->max - b->frames < NVSP_FRAMES_PER_MSG) {
		fits = rest_fits(c, b, h.used);
		status = NVSP_STATUS_SUCCESS;
	} else {
		status = (uint8_t)nvsp_rndis_data(c, 1, h.used, b);
	}
	b->plain_end = NULL;
	if (!fits)
		return false;
	vmb_ring_in_skip(&c->in, h.d.len8 * 8u + VMB_PKT_TRAILER);
	if (!(h.d.flags & VMB_PKT_FLAG_COMPLETION))
		return true;
	t = &c->todo[c->n_todo++];
	t->xid = h.d.xid;
	t->before = c->before;
	t->size = (uint8_t)msg_size(dev);
	t->ack = t->replay = false;
	t->status = status;
	return true;
}
