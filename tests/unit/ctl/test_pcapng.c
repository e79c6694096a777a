/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/pcapng.h"

/* A writer for the tests, in either byte order. */
struct out {
	uint8_t buf[8192];
	size_t size;
	bool swap;
};

static void w32(struct out *o, uint32_t v)
{
	v = o->swap ? __builtin_bswap32(v) : v;
	memcpy(o->buf + o->size, &v, 4);
	o->size += 4;
}

static void w16(struct out *o, uint16_t v)
{
	v = o->swap ? __builtin_bswap16(v) : v;
	memcpy(o->buf + o->size, &v, 2);
	o->size += 2;
}

static void bytes(struct out *o, const void *p, size_t n)
{
	memcpy(o->buf + o->size, p, n);
	memset(o->buf + o->size + n, 0, -n & 3);
	o->size += (n + 3) & ~(size_t)3;
}

static void opt(struct out *o, uint16_t code, const void *p, uint16_t n)
{
	w16(o, code);
	w16(o, n);
	bytes(o, p, n);
}

static size_t begin(struct out *o, uint32_t type)
{
	w32(o, type);
	w32(o, 0);
	return o->size - 8;
}

static void end(struct out *o, size_t at)
{
	uint32_t total = (uint32_t)(o->size - at + 4),
		 v = o->swap ? __builtin_bswap32(total) : total;

	memcpy(o->buf + at + 4, &v, 4);
	w32(o, total);
}

static void section(struct out *o)
{
	size_t at = begin(o, 0x0a0d0d0a);

	w32(o, 0x1a2b3c4d);
	w16(o, 1);
	w16(o, 0);
	w32(o, ~0u);
	w32(o, ~0u);
	end(o, at);
}

static void interface(struct out *o, const char *name, int tsresol)
{
	size_t at = begin(o, 1);
	uint8_t res = (uint8_t)tsresol;

	w16(o, 1);
	w16(o, 0);
	w32(o, 65535);
	opt(o, 2, name, (uint16_t)strlen(name));
	if (tsresol >= 0)
		opt(o, 9, &res, 1);
	end(o, at);
}

static void packet(struct out *o, uint32_t iface, uint64_t time, const char *data, uint32_t flags,
		   const char *comment)
{
	size_t at = begin(o, 6);
	uint32_t f = o->swap ? __builtin_bswap32(flags) : flags;

	w32(o, iface);
	w32(o, (uint32_t)(time >> 32));
	w32(o, (uint32_t)time);
	w32(o, (uint32_t)strlen(data));
	w32(o, 1000);
	bytes(o, data, strlen(data));
	opt(o, 2, &f, 4);
	if (comment)
		opt(o, 1, comment, (uint16_t)strlen(comment));
	w32(o, 0);
	end(o, at);
}

static void sample(struct out *o)
{
	section(o);
	interface(o, "web1", 9);
	interface(o, "web2", -1);
	packet(o, 0, 1700000000123456789u, "hello", 1, "drop: runt");
	end(o, begin(o, 0x0bad)); /* a kind of block nobody knows */
	packet(o, 1, 1700000000123456u, "hi", 2, NULL);
}

static void read_sample(const struct out *o, size_t chunk)
{
	struct ctl_pcapng *p = ctl_pcapng_new();
	struct ctl_packet pkt;
	unsigned int n = 0;

	for (size_t at = 0; at < o->size; at += chunk) {
		int r;

		CU_ASSERT_EQUAL(ctl_pcapng_feed(p, o->buf + at,
						o->size - at < chunk ? o->size - at : chunk),
				0);
		while ((r = ctl_pcapng_next(p, &pkt)) == 1) {
			CU_ASSERT_STRING_EQUAL(pkt.iface, n ? "web2" : "web1");
			CU_ASSERT_EQUAL(pkt.time_ns,
					n ? 1700000000123456000u : 1700000000123456789u);
			CU_ASSERT_EQUAL(pkt.dir, n ? CTL_DIR_OUT : CTL_DIR_IN);
			CU_ASSERT_EQUAL(pkt.captured, n ? 2 : 5);
			CU_ASSERT_EQUAL(memcmp(pkt.data, n ? "hi" : "hello", pkt.captured), 0);
			CU_ASSERT_EQUAL(pkt.original, 1000);
			CU_ASSERT_STRING_EQUAL(pkt.comment, n ? "" : "drop: runt");
			CU_ASSERT_EQUAL(pkt.link_type, 1);
			n++;
		}
		CU_ASSERT_EQUAL(r, 0);
	}
	CU_ASSERT_EQUAL(n, 2);
	ctl_pcapng_free(p);
}

static void streams(void)
{
	static const size_t chunks[] = {1, 3, 64, 8192};

	for (int swap = 0; swap < 2; swap++)
		for (size_t i = 0; i < sizeof(chunks) / sizeof(chunks[0]); i++) {
			struct out o = {.swap = swap};

			sample(&o);
			read_sample(&o, chunks[i]);
		}
}

/* Everything that can be wrong with the fixed sample. */
static int first_failure(const struct out *o)
{
	struct ctl_pcapng *p = ctl_pcapng_new();
	struct ctl_packet pkt;
	int r;

	ctl_pcapng_feed(p, o->buf, o->size);
	while ((r = ctl_pcapng_next(p, &pkt)) == 1)
		;
	ctl_pcapng_free(p);
	return r;
}

static void hostile(void)
{
	struct out o = {0};
	size_t at;

	interface(&o, "x", 9); /* no section before it */
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
	o.size = 0;
	section(&o);
	packet(&o, 0, 0, "x", 0, NULL); /* no such interface */
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
	o.size = 0;
	section(&o);
	interface(&o, "x", 9);
	at = o.size;
	packet(&o, 0, 0, "abcd", 0, NULL);
	o.buf[at + 20] = 200; /* captured bytes beyond the block */
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
	o.buf[at + 20] = 4;
	CU_ASSERT_EQUAL(first_failure(&o), 0);
	o.buf[at + 4] = 8; /* a block shorter than its frame */
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
	o.size = 0;
	section(&o);
	o.buf[8] ^= 1; /* no byte order */
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
	o.size = 0;
	section(&o);
	w32(&o, 6);
	w32(&o, CTL_PCAPNG_BLOCK_MAX + 4);
	w32(&o, 0);
	CU_ASSERT_EQUAL(first_failure(&o), -EPROTO);
}

static void clocks(void)
{
	static const struct {
		int res;
		uint64_t time, ns;
	} t[] = {{0, 3, 3000000000u},           {3, 5, 5000000},        {12, 7000, 7},
		 {0x80 | 10, 1024, 1000000000}, {0x80 | 127, ~0ull, 0}, {127, ~0ull, 0}};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct ctl_pcapng *p = ctl_pcapng_new();
		struct ctl_packet pkt;
		struct out o = {0};

		section(&o);
		interface(&o, "x", t[i].res);
		packet(&o, 0, t[i].time, "x", 0, NULL);
		ctl_pcapng_feed(p, o.buf, o.size);
		CU_ASSERT_EQUAL(ctl_pcapng_next(p, &pkt), 1);
		CU_ASSERT_EQUAL(pkt.time_ns, t[i].ns);
		ctl_pcapng_free(p);
	}
}

static const struct tap_case cases[] = {
	{"streams in any pieces and both byte orders", streams},
	{"hostile streams are refused", hostile},
	{"clocks of any resolution", clocks},
};

TAP_MAIN("ctl/pcapng", cases)
