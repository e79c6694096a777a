/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPv4 addresses, prefixes, ranges and ports as users write them. All numbers are in host byte order.
 *
 * Parsers accept the whole text or nothing; they return 0 or -EINVAL and say nothing: the caller
 * knows the object. Formatters return @buf.
 *
 * Thread-safety: pure functions. Proof: tests/unit/nat/test_addr.c, tests/fuzz/fuzz_nat_conf.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAT_ADDR_STR_SIZE     16 /* "255.255.255.255" */
#define NAT_PREFIX_STR_SIZE   20
#define NAT_RANGE_STR_SIZE    32
#define NAT_EXTERNAL_STR_SIZE 48 /* "203.0.113.5-203.0.113.8:1024-65535" */
#define NAT_ENDPOINT_STR_SIZE 32 /* "203.0.113.5:10000-20000" */

struct nat_prefix {
	uint32_t addr; /* as written: bits below the length are kept ("192.168.1.5/24") */
	uint8_t len;   /* 0-32 */
};

/** Of @len leading bits. */
static inline uint32_t nat_mask(uint8_t len)
{
	return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

static inline uint32_t nat_prefix_first(struct nat_prefix p)
{
	return p.addr & nat_mask(p.len);
}

static inline uint32_t nat_prefix_last(struct nat_prefix p)
{
	return p.addr | ~nat_mask(p.len);
}

static inline bool nat_prefix_has(struct nat_prefix p, uint32_t addr)
{
	return ((p.addr ^ addr) & nat_mask(p.len)) == 0;
}

static inline bool nat_prefix_overlap(struct nat_prefix a, struct nat_prefix b)
{
	return ((a.addr ^ b.addr) & nat_mask(a.len < b.len ? a.len : b.len)) == 0;
}

/** "192.0.2.1"; no leading zeros. */
int nat_addr_parse(const char *text, uint32_t *ret);
const char *nat_addr_format(uint32_t addr, char buf[NAT_ADDR_STR_SIZE]);

/** "192.0.2.0/24"; a plain address is /32. */
int nat_prefix_parse(const char *text, struct nat_prefix *ret);
const char *nat_prefix_format(struct nat_prefix p, char buf[NAT_PREFIX_STR_SIZE]);

/** "192.0.2.5-192.0.2.8", or one address. @first <= @last. */
int nat_range_parse(const char *text, uint32_t *first, uint32_t *last);
const char *nat_range_format(uint32_t first, uint32_t last, char buf[NAT_RANGE_STR_SIZE]);

/** "80" or "8000-8010", 1-65535, first <= last. */
int nat_ports_parse(const char *text, uint16_t *first, uint16_t *last);

/** "ADDR:PORT[-PORT]", ":PORT", "PORT[-PORT]" or "ADDR". Absent parts are 0. */
int nat_endpoint_parse(const char *text, uint32_t *addr, uint16_t *first, uint16_t *last);
/** An address or ports of 0 are left out; both 0: "0.0.0.0". */
const char *nat_endpoint_format(uint32_t addr, uint16_t first, uint16_t last,
				char buf[NAT_ENDPOINT_STR_SIZE]);

/** Multicast, broadcast, loopback, 0/8 and 240/4: what no host may have. */
bool nat_addr_usable(uint32_t addr);
