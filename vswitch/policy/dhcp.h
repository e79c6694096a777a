/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guards need to know of a DHCP message: who says it, and which addresses it grants or gives back.
 * Reads untrusted bytes: nothing behind @len, at most VSW_DHCP_GRANTS_MAX addresses, options nested no
 * deeper than one identity association.
 *
 * Source: RFC 2131, 2132 (v4), RFC 8415 (v6).
 * Thread-safety: pure. Proof: tests/unit/vswitch/policy/test_guard.c, tests/fuzz/fuzz_guard.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/prefix.h"

#define VSW_DHCP_GRANTS_MAX 8
#define VSW_DHCP_FOREVER    UINT32_MAX

enum vsw_dhcp_kind {
	VSW_DHCP_OTHER,   /* nothing that changes who has which address */
	VSW_DHCP_ASK,     /* a client asks: an answer with its transaction may follow */
	VSW_DHCP_GRANT,   /* a server gives @grants for @lease_s */
	VSW_DHCP_RELEASE, /* a client gives @grants back */
};

struct vsw_dhcp_grant {
	struct vd_prefix prefix;
	uint32_t lease_s; /* VSW_DHCP_FOREVER: without end; 0: not any more */
};

struct vsw_dhcp {
	uint8_t kind; /* enum vsw_dhcp_kind */
	uint32_t xid; /* transaction; of v6 24 bits */
	uint8_t n;
	struct vsw_dhcp_grant grants[VSW_DHCP_GRANTS_MAX];
};

/** Read the UDP payload at @d. Return: false when it is no DHCP message, or a broken one. */
bool vsw_dhcp4_parse(const uint8_t *d, uint32_t len, struct vsw_dhcp *ret);
bool vsw_dhcp6_parse(const uint8_t *d, uint32_t len, struct vsw_dhcp *ret);
