/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pcapng blocks: see pcapng.h. */
#include "vswitch/control/pcapng.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOCK_SHB = 0x0a0d0d0a,
	BLOCK_IDB = 1,
	BLOCK_ISB = 5,
	BLOCK_EPB = 6,
	OPT_END = 0,
	OPT_COMMENT = 1,
	OPT_SHB_USERAPPL = 4,
	OPT_IF_NAME = 2,
	OPT_IF_TSRESOL = 9,
	OPT_IF_FILTER = 11,
	OPT_EPB_FLAGS = 2,
	OPT_ISB_IFRECV = 4,
	OPT_ISB_IFDROP = 5,
	LINKTYPE_ETHERNET = 1,
	COMMENT_MAX = 1024, /* longer texts are cut: no block may outgrow its reservation */
};

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* Make sure @n more bytes fit. */
static int reserve(struct vsw_pcapng *p, size_t n)
{
	size_t room;
	uint8_t *buf;

	if (p->size + n <= p->room)
		return 0;
	if (p->start) {
		memmove(p->buf, p->buf + p->start, p->size - p->start);
		p->size -= p->start;
		p->start = 0;
		if (p->size + n <= p->room)
			return 0;
	}
	room = p->room ? p->room : 65536;
	while (room < p->size + n)
		room *= 2;
	buf = realloc(p->buf, room);
	if (!buf)
		return -ENOMEM;
	p->buf = buf;
	p->room = room;
	return 0;
}

static void put(struct vsw_pcapng *p, const void *data, size_t n)
{
	memcpy(p->buf + p->size, data, n);
	memset(p->buf + p->size + n, 0, padded(n) - n);
	p->size += padded(n);
}

static void put32(struct vsw_pcapng *p, uint32_t v)
{
	v = htole32(v);
	put(p, &v, sizeof(v));
}

static void put16x2(struct vsw_pcapng *p, uint16_t a, uint16_t b)
{
	put32(p, (uint32_t)a | (uint32_t)b << 16);
}

/* Timestamps and 64-bit counters of statistics blocks differ in order: high word first, low first. */
static void put_time(struct vsw_pcapng *p, uint64_t ns)
{
	put32(p, (uint32_t)(ns >> 32));
	put32(p, (uint32_t)ns);
}

static void put_option(struct vsw_pcapng *p, uint16_t code, const void *data, size_t n)
{
	put16x2(p, code, (uint16_t)n);
	put(p, data, n);
}

static size_t text_len(const char *s)
{
	return s ? strnlen(s, COMMENT_MAX) : 0;
}

static void put_text(struct vsw_pcapng *p, uint16_t code, const char *s)
{
	if (text_len(s))
		put_option(p, code, s, text_len(s));
}

/* Start a block; the length is filled in by block_end(). */
static size_t block_begin(struct vsw_pcapng *p, uint32_t type)
{
	size_t at = p->size;

	put32(p, type);
	put32(p, 0);
	return at;
}

static void block_end(struct vsw_pcapng *p, size_t at)
{
	uint32_t total = htole32((uint32_t)(p->size - at + 4));

	memcpy(p->buf + at + 4, &total, sizeof(total));
	put(p, &total, sizeof(total));
}

int vsw_pcapng_section(struct vsw_pcapng *p, const char *application)
{
	static const uint8_t unknown_length[8] = {255, 255, 255, 255, 255, 255, 255, 255};
	size_t at;

	if (reserve(p, 64 + COMMENT_MAX))
		return -ENOMEM;
	at = block_begin(p, BLOCK_SHB);
	put32(p, 0x1a2b3c4d);
	put16x2(p, 1, 0);
	put(p, unknown_length, sizeof(unknown_length));
	put_text(p, OPT_SHB_USERAPPL, application);
	put32(p, OPT_END);
	block_end(p, at);
	return 0;
}

int vsw_pcapng_interface(struct vsw_pcapng *p, const char *name, const char *filter,
			 uint32_t snaplen)
{
	static const uint8_t nanoseconds = 9;
	char expression[COMMENT_MAX];
	size_t at, n = 0;

	if (reserve(p, 96 + 2 * COMMENT_MAX))
		return -ENOMEM;
	at = block_begin(p, BLOCK_IDB);
	put16x2(p, LINKTYPE_ETHERNET, 0);
	put32(p, snaplen);
	put_text(p, OPT_IF_NAME, name);
	put_option(p, OPT_IF_TSRESOL, &nanoseconds, 1);
	if (filter && *filter) {
		expression[n++] = 0; /* the kind of filter: a libpcap expression */
		memcpy(expression + n, filter, strnlen(filter, sizeof(expression) - 1));
		put_option(p, OPT_IF_FILTER, expression,
			   n + strnlen(filter, sizeof(expression) - 1));
	}
	put32(p, OPT_END);
	block_end(p, at);
	return 0;
}

int vsw_pcapng_packet(struct vsw_pcapng *p, const struct vsw_pcapng_packet *pkt)
{
	uint32_t flags = htole32(pkt->dir == VSW_PCAPNG_INBOUND    ? 1
				 : pkt->dir == VSW_PCAPNG_OUTBOUND ? 2
								   : 0);
	size_t at;

	if (reserve(p, 96 + padded(pkt->captured) + COMMENT_MAX))
		return -ENOMEM;
	at = block_begin(p, BLOCK_EPB);
	put32(p, pkt->iface);
	put_time(p, pkt->time_ns);
	put32(p, pkt->captured);
	put32(p, pkt->original);
	put(p, pkt->data, pkt->captured);
	if (pkt->dir != VSW_PCAPNG_UNKNOWN)
		put_option(p, OPT_EPB_FLAGS, &flags, sizeof(flags));
	put_text(p, OPT_COMMENT, pkt->comment);
	put32(p, OPT_END);
	block_end(p, at);
	return 0;
}

int vsw_pcapng_statistics(struct vsw_pcapng *p, uint32_t iface, uint64_t time_ns, uint64_t seen,
			  uint64_t lost)
{
	uint64_t v;
	size_t at;

	if (reserve(p, 96))
		return -ENOMEM;
	at = block_begin(p, BLOCK_ISB);
	put32(p, iface);
	put_time(p, time_ns);
	v = htole64(seen);
	put_option(p, OPT_ISB_IFRECV, &v, sizeof(v));
	v = htole64(lost);
	put_option(p, OPT_ISB_IFDROP, &v, sizeof(v));
	put32(p, OPT_END);
	block_end(p, at);
	return 0;
}

int vsw_pcapng_flush(struct vsw_pcapng *p, int fd)
{
	while (p->start < p->size) {
		ssize_t n = write(fd, p->buf + p->start, p->size - p->start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EWOULDBLOCK ? -EAGAIN : -errno;
		p->start += (size_t)n;
	}
	p->start = p->size = 0;
	return 0;
}

void vsw_pcapng_done(struct vsw_pcapng *p)
{
	free(p->buf);
	memset(p, 0, sizeof(*p));
}
