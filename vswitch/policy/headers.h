/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What policy needs to know of a frame: where its headers are and what identifies its flow. A bounded walk
 * over untrusted bytes: at most two tags, at most VSW_EXT_MAX IPv6 extension headers, nothing read
 * behind @len.
 *
 * Source: RFC 791, 8200 (extension headers, fragments), 826, IEEE 802.1Q.
 * Thread-safety: pure. Proof: tests/unit/vswitch/policy/test_headers.c, tests/fuzz/fuzz_headers.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VSW_EXT_MAX 16
/** Headers that policy looks at are within the first bytes of a frame; callers make these contiguous. */
#define VSW_HEADERS_MAX 256

enum vsw_family {
	VSW_FAMILY_OTHER, /* neither: @ethertype says what */
	VSW_FAMILY_IPV4,
	VSW_FAMILY_IPV6,
};

enum vsw_headers_flags {
	VSW_HDR_FRAGMENT = 1,       /* any fragment ... */
	VSW_HDR_LATER_FRAGMENT = 2, /* ... and not the first: no transport header, ports are 0 */
	VSW_HDR_BROKEN = 4,         /* claims to be IP or ARP and contradicts itself */
	VSW_HDR_PORTS = 8,          /* sport and dport are valid: TCP, UDP, SCTP, UDP-Lite, DCCP */
	VSW_HDR_TAGGED = 16,        /* an outer 802.1Q tag with a VID other than 0: @vid */
	VSW_HDR_ROUTED =
		32, /* IPv4 options or an IPv6 routing header: may go elsewhere than it says */
};

struct vsw_headers {
	uint16_t ethertype; /* behind tags */
	uint16_t vid;       /* of the outer tag */
	uint16_t l3;        /* offset of the IP or ARP header */
	uint16_t l4;        /* offset of what follows IP and its extension headers */
	uint8_t family;     /* enum vsw_family */
	uint8_t proto;      /* IP protocol behind extension headers */
	uint8_t flags;      /* enum vsw_headers_flags */
	uint8_t tcp_flags;
	uint16_t sport, dport; /* host order; ICMP echo: identifier in both */
	uint8_t icmp_type, icmp_code;
	uint32_t fragment_id;
	const uint8_t *src, *dst; /* IP addresses in the frame: 4 or 16 bytes; NULL for others */
};

/**
 * Walk the frame at @d.
 *
 * @len     bytes at @d, at least 14
 * @frame   length of the whole frame, >= @len: IP lengths are checked against it
 * Always fills @ret; what is broken has VSW_HDR_BROKEN and family and proto as far as they are known.
 */
void vsw_headers_parse(const uint8_t *d, uint32_t len, uint32_t frame, struct vsw_headers *ret);

/** The same for an IP packet inside an ICMP error: @d starts at its IP header and may be cut after 8 bytes
 *  of transport header (RFC 792). @ipv6: which header to expect. */
void vsw_headers_parse_inner(const uint8_t *d, uint32_t len, bool ipv6, struct vsw_headers *ret);
