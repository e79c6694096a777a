/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and ports as text: see nat_addr.h. */
#include "nat/nat_addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A decimal number of at most @max, without leading zeros; *@text moves behind it. */
static int number(const char **text, uint32_t max, uint32_t *ret)
{
	const char *p = *text;
	uint64_t n = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return -EINVAL;
	while (*p >= '0' && *p <= '9' && n <= max)
		n = n * 10 + (uint64_t)(*p++ - '0');
	if (n > max)
		return -EINVAL;
	*text = p;
	*ret = (uint32_t)n;
	return 0;
}

static int address(const char **text, uint32_t *ret)
{
	uint32_t addr = 0, byte = 0;

	for (unsigned int i = 0; i < 4; i++) {
		if (i && *(*text)++ != '.')
			return -EINVAL;
		if (number(text, 255, &byte))
			return -EINVAL;
		addr = addr << 8 | byte;
	}
	*ret = addr;
	return 0;
}

/* "PORT" or "PORT-PORT". */
static int ports(const char **text, uint16_t *first, uint16_t *last)
{
	uint32_t a = 0, b = 0;

	if (number(text, 65535, &a) || a == 0)
		return -EINVAL;
	b = a;
	if (**text == '-') {
		(*text)++;
		if (number(text, 65535, &b) || b < a)
			return -EINVAL;
	}
	*first = (uint16_t)a;
	*last = (uint16_t)b;
	return 0;
}

int nat_addr_parse(const char *text, uint32_t *ret)
{
	uint32_t addr;

	if (address(&text, &addr) || *text)
		return -EINVAL;
	*ret = addr;
	return 0;
}

const char *nat_addr_format(uint32_t addr, char buf[NAT_ADDR_STR_SIZE])
{
	snprintf(buf, NAT_ADDR_STR_SIZE, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255,
		 addr >> 8 & 255, addr & 255);
	return buf;
}

int nat_prefix_parse(const char *text, struct nat_prefix *ret)
{
	uint32_t addr, len = 32;

	if (address(&text, &addr))
		return -EINVAL;
	if (*text == '/') {
		text++;
		if (number(&text, 32, &len))
			return -EINVAL;
	}
	if (*text)
		return -EINVAL;
	*ret = (struct nat_prefix){addr, (uint8_t)len};
	return 0;
}

const char *nat_prefix_format(struct nat_prefix p, char buf[NAT_PREFIX_STR_SIZE])
{
	char addr[NAT_ADDR_STR_SIZE];

	snprintf(buf, NAT_PREFIX_STR_SIZE, "%s/%u", nat_addr_format(p.addr, addr), p.len);
	return buf;
}

static int range(const char **text, uint32_t *first, uint32_t *last)
{
	if (address(text, first))
		return -EINVAL;
	*last = *first;
	if (**text == '-') {
		(*text)++;
		if (address(text, last) || *last < *first)
			return -EINVAL;
	}
	return 0;
}

int nat_range_parse(const char *text, uint32_t *first, uint32_t *last)
{
	uint32_t a, b;

	if (range(&text, &a, &b) || *text)
		return -EINVAL;
	*first = a;
	*last = b;
	return 0;
}

const char *nat_range_format(uint32_t first, uint32_t last, char buf[NAT_RANGE_STR_SIZE])
{
	char a[NAT_ADDR_STR_SIZE], b[NAT_ADDR_STR_SIZE];

	snprintf(buf, NAT_RANGE_STR_SIZE, first == last ? "%s" : "%s-%s", nat_addr_format(first, a),
		 nat_addr_format(last, b));
	return buf;
}

int nat_ports_parse(const char *text, uint16_t *first, uint16_t *last)
{
	uint16_t a, b;

	if (ports(&text, &a, &b) || *text)
		return -EINVAL;
	*first = a;
	*last = b;
	return 0;
}

int nat_endpoint_parse(const char *text, uint32_t *addr, uint16_t *first, uint16_t *last)
{
	uint32_t a = 0;
	uint16_t lo = 0, hi = 0;

	if (strchr(text, '.') && address(&text, &a))
		return -EINVAL;
	if (*text == ':')
		text++;
	else if (a && *text)
		return -EINVAL;
	else if (a == 0 && *text == '\0')
		return -EINVAL;
	if (text[0] && ports(&text, &lo, &hi))
		return -EINVAL;
	if (*text || (lo == 0 && text[-1] == ':'))
		return -EINVAL;
	*addr = a;
	*first = lo;
	*last = hi;
	return 0;
}

const char *nat_endpoint_format(uint32_t addr, uint16_t first, uint16_t last,
				char buf[NAT_ENDPOINT_STR_SIZE])
{
	char a[NAT_ADDR_STR_SIZE] = "", p[16] = "";

	if (addr || first == 0)
		nat_addr_format(addr, a);
	if (first)
		snprintf(p, sizeof(p), first == last ? "%u" : "%u-%u", first, last);
	snprintf(buf, NAT_ENDPOINT_STR_SIZE, "%s%s%s", a, a[0] && p[0] ? ":" : "", p);
	return buf;
}

bool nat_addr_usable(uint32_t addr)
{
	unsigned int top = addr >> 24;

	return top != 0 && top != 127 && top < 224;
}
