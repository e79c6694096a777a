/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names and MAC addresses as users write them, and the "did you mean" of every error.
 * Thread-safety: pure functions. Proof: tests/unit/base/test_names.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define VD_NAME_MAX 63 /* characters, without the final NUL */

/**
 * Is @name usable for an object? 1..63 characters of [A-Za-z0-9._-], first one alphanumeric.
 * Host vNIC and uplink ports made by the switch are called "SWITCH:KIND", so ':' can never clash.
 *
 * @path and @reterr as in vd_err_set(). Return: 0; -EINVAL.
 */
int vd_name_check(const char *name, const char *path, struct vd_err *reterr);

struct vd_mac {
	uint8_t addr[6];
};

#define VD_MAC_STR_SIZE 18

/** Parse "52:54:00:12:34:56" (also '-' as separator, or "525400123456", Hyper-V's form).
 *  Return: 0; -EINVAL when malformed. Says nothing about unicast: see vd_mac_usable(). */
int vd_mac_parse(const char *text, struct vd_mac *ret);

/** Lower case, ':' separated. Returns @buf. */
const char *vd_mac_format(const struct vd_mac *mac, char buf[VD_MAC_STR_SIZE]);

/** A unicast address other than zero: what a NIC may own. */
bool vd_mac_usable(const struct vd_mac *mac);

/**
 * The candidate nearest to @word by edit distance, if near enough to be a likely slip
 * (at most 2 edits, or 1 for words shorter than 4 characters).
 *
 * @candidates array of @n strings. Return: one of them, or NULL.
 */
const char *vd_suggest(const char *word, const char *const *candidates, size_t n);
