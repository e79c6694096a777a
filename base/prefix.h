/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IP addresses and prefixes of both families, as users write them.
 * Source: RFC 4632 (IPv4), RFC 4291 and RFC 5952 (IPv6 and its one canonical text).
 * Thread-safety: pure functions. Proof: tests/unit/base/test_prefix.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/** Bits beyond @len are zero, and so are bytes beyond the family's size: equal prefixes are equal
 *  bytes. */
struct vd_prefix {
	uint8_t family;   /* 4 or 6 */
	uint8_t len;      /* bits: 0-32, 0-128 */
	uint8_t addr[16]; /* network order; IPv4: the first four */
};

#define VD_PREFIX_STR_SIZE 52

/**
 * Parse "10.0.0.0/8", "10.0.0.1", "fd00::/8" or "fd00::1"; without "/LEN" one address.
 * Return: 0; -EINVAL malformed; -ERANGE a length that is too large; -EDOM bits set beyond the
 * length (@ret is filled with them cleared, so that a hint can name the prefix that was meant).
 */
int vd_prefix_parse(const char *text, struct vd_prefix *ret);

/** One address without its length, else "ADDRESS/LEN". Returns @buf. */
const char *vd_prefix_format(const struct vd_prefix *p, char buf[VD_PREFIX_STR_SIZE]);

/** Is @inner the same as @outer, or a part of it? */
bool vd_prefix_covers(const struct vd_prefix *outer, const struct vd_prefix *inner);
