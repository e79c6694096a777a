/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng stream to packets. Every length is checked against the block it stands in. */
#include "ctl/pcapng.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 6,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_IF_NAME = 2,
	OPT_EPB_FLAGS = 2,
	OPT_IF_TSRESOL = 9,
};

struct iface {
	char name[128];
	uint16_t link_type;
	uint8_t tsresol;
};

struct ctl_pcapng {
	uint8_t *buf;
	size_t start, end, room;
	bool in_section, swapped;
	struct iface *ifaces;
	size_t n_ifaces;
};

struct ctl_pcapng *ctl_pcapng_new(void)
{
	return calloc(1, sizeof(struct ctl_pcapng));
}

void ctl_pcapng_free(struct ctl_pcapng *p)
{
	if (!p)
		return;
	free(p->buf);
	free(p->ifaces);
	free(p);
}

int ctl_pcapng_feed(struct ctl_pcapng *p, const void *data, size_t size)
{
	if (!size)
		return 0;
	if (p->start) {
		memmove(p->buf, p->buf + p->start, p->end - p->start);
		p->end -= p->start;
		p->start = 0;
	}
	if (p->room - p->end < size) {
		size_t room = p->room ? p->room : 65536;
		uint8_t *buf;

		while (room - p->end < size)
			room *= 2;
		buf = realloc(p->buf, room);
		if (!buf)
			return -ENOMEM;
		p->buf = buf;
		p->room = room;
	}
	memcpy(p->buf + p->end, data, size);
	p->end += size;
	return 0;
}

static uint16_t get16(const struct ctl_pcapng *p, const uint8_t *at)
{
	uint16_t v = (uint16_t)(at[0] | at[1] << 8);

	return p->swapped ? __builtin_bswap16(v) : v;
}

static uint32_t get32(const struct ctl_pcapng *p, const uint8_t *at)
{
	uint32_t v = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
		     (uint32_t)at[3] << 24;

	return p->swapped ? __builtin_bswap32(v) : v;
}

/* Walk the options in [at, at + size). Return: 1 and the option; 0 at the end or when malformed. */
struct option {
	const uint8_t *at;
	size_t left;
	uint16_t code, size;
	const uint8_t *value;
};

static bool option_next(const struct ctl_pcapng *p, struct option *o)
{
	size_t padded;

	if (o->left < 4)
		return false;
	o->code = get16(p, o->at);
	o->size = get16(p, o->at + 2);
	padded = ((size_t)o->size + 3) & ~(size_t)3;
	if (o->code == OPT_END || padded > o->left - 4)
		return false;
	o->value = o->at + 4;
	o->at += 4 + padded;
	o->left -= 4 + padded;
	return true;
}

static void copy_text(char *to, size_t room, const struct option *o)
{
	snprintf(to, room, "%.*s", (int)o->size, (const char *)o->value);
}

static int take_interface(struct ctl_pcapng *p, const uint8_t *body, size_t size)
{
	struct iface *i, *all;
	struct option o;

	if (size < 8 || p->n_ifaces == CTL_PCAPNG_IFACES_MAX)
		return -EPROTO;
	o = (struct option){.at = body + 8, .left = size - 8};
	all = reallocarray(p->ifaces, p->n_ifaces + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	p->ifaces = all;
	i = &all[p->n_ifaces++];
	*i = (struct iface){.link_type = get16(p, body), .tsresol = 6};
	while (option_next(p, &o)) {
		if (o.code == OPT_IF_NAME)
			copy_text(i->name, sizeof(i->name), &o);
		else if (o.code == OPT_IF_TSRESOL && o.size == 1)
			i->tsresol = o.value[0];
	}
	return 0;
}

static uint64_t to_ns(uint64_t t, uint8_t tsresol)
{
	unsigned int n = tsresol & 0x7f;

	if (tsresol & 0x80) { /* a negative power of 2 */
		if (n >= 64)
			return 0;
		return (uint64_t)((unsigned __int128)t * 1000000000u >> n);
	}
	for (; n < 9; n++)
		t *= 10;
	for (; n > 9; n--)
		t /= 10;
	return t;
}

static int take_packet(struct ctl_pcapng *p, const uint8_t *body, size_t size,
		       struct ctl_packet *ret)
{
	const struct iface *i;
	struct option o;
	uint32_t n;
	size_t padded;

	if (size < 20)
		return -EPROTO;
	n = get32(p, body);
	if (n >= p->n_ifaces)
		return -EPROTO;
	i = &p->ifaces[n];
	*ret = (struct ctl_packet){
		.time_ns =
			to_ns((uint64_t)get32(p, body + 4) << 32 | get32(p, body + 8), i->tsresol),
		.iface = i->name,
		.link_type = i->link_type,
		.data = body + 20,
		.captured = get32(p, body + 12),
		.original = get32(p, body + 16),
	};
	padded = ((size_t)ret->captured + 3) & ~(size_t)3;
	if (padded > size - 20)
		return -EPROTO;
	o = (struct option){.at = body + 20 + padded, .left = size - 20 - padded};
	while (option_next(p, &o)) {
		if (o.code == OPT_COMMENT)
			copy_text(ret->comment, sizeof(ret->comment), &o);
		else if (o.code == OPT_EPB_FLAGS && o.size == 4)
			ret->dir = get32(p, o.value) & 3;
	}
	if (ret->dir > CTL_DIR_OUT)
		ret->dir = CTL_DIR_UNKNOWN;
	return 1;
}

static int take_section(struct ctl_pcapng *p, const uint8_t *block)
{
	p->swapped = false;
	if (get32(p, block + 8) != BYTE_ORDER_MAGIC) {
		p->swapped = true;
		if (get32(p, block + 8) != BYTE_ORDER_MAGIC)
			return -EPROTO;
	}
	p->in_section = true;
	p->n_ifaces = 0;
	return 0;
}

int ctl_pcapng_next(struct ctl_pcapng *p, struct ctl_packet *ret)
{
	while (p->end - p->start >= 12) {
		const uint8_t *block = p->buf + p->start;
		uint32_t type = get32(p, block), size;
		int r = 0;

		if (type == BLOCK_SECTION)
			r = take_section(p, block);
		else if (!p->in_section)
			r = -EPROTO;
		if (r)
			return r;
		size = get32(p, block + 4);
		if (size < (type == BLOCK_SECTION ? 28 : 12) || size % 4 ||
		    size > CTL_PCAPNG_BLOCK_MAX)
			return -EPROTO;
		if (p->end - p->start < size)
			return 0;
		if (get32(p, block + size - 4) != size)
			return -EPROTO;
		p->start += size;
		if (type == BLOCK_INTERFACE)
			r = take_interface(p, block + 8, size - 12);
		else if (type == BLOCK_PACKET)
			r = take_packet(p, block + 8, size - 12, ret);
		if (r)
			return r;
	}
	return 0;
}
