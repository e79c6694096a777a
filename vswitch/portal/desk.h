/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where one port meets the health service: its connections, translated between the guest's addresses and those
 * by which the service knows the port. Inside, a port is the address 100.64.0.0/10 + ticket or
 * fd4e:4150::ticket, whatever the guest calls itself; a connection is a port number of that address. So
 * the service's kernel speaks TCP with as many guests as there are, all of which may have the same
 * address, and the peer's address says which port it is.
 *
 * Works on bytes in place; constant memory a port; no sockets, no clock. Frames come from strangers: every
 * length is checked before it is used, fragments, IPv4 options and IPv6 extension headers are refused.
 *
 * Source: RFC 791, 8200, 9293, 768, 1624. Thread-safety: one desk, one thread.
 * Proof: tests/unit/vswitch/portal/test_desk.c, tests/fuzz/fuzz_portal.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nap-policy/allow.h"

/** Host order: the address of ticket 0, of the service itself (ticket 1: of no port). */
#define VSW_DESK_IPV4    0x64400000u
#define VSW_DESK_SERVICE 1u
/** fd4e:4150::/64; the ticket is in the last four bytes */
#define VSW_DESK_IPV6_NET              \
	{                              \
		0xfd, 0x4e, 0x41, 0x50 \
	}

/** Ports of the service, by what is answered there. */
#define VSW_DESK_WEB      80u
#define VSW_DESK_REDIRECT 81u
#define VSW_DESK_DNS      53u

#define VSW_DESK_FLOWS      48
#define VSW_DESK_HEADER_MAX 18   /* Ethernet with a tag */
#define VSW_DESK_PACKET_MAX 1500 /* of IP */
#define VSW_DESK_MTU        1280 /* of the service's interface: what it sends fits into any network */
#define VSW_DESK_HOLD_MS    3000 /* a connection used so lately does not make room */

struct vsw_desk_flow {
	uint8_t family; /* 0: free */
	uint8_t proto;
	uint8_t mac[6];           /* the guest's */
	uint8_t src[16], dst[16]; /* the guest's, and whom it asked */
	uint16_t sport, dport;
	uint16_t inside; /* port number by which the service knows it */
	uint16_t tci;
	bool tagged;
	uint32_t used_ms;
};

struct vsw_desk {
	uint32_t ticket;
	uint16_t next; /* port number */
	struct vsw_desk_flow flows[VSW_DESK_FLOWS];
};

/** For the port with @ticket; forgets everything. */
void vsw_desk_init(struct vsw_desk *d, uint32_t ticket);

/**
 * The frame of @size bytes at @frame, sent by the guest: translate its IP packet in place.
 *
 * @class NAP_SERVE_WEB, _REDIRECT or _DNS
 * *@ip, *@ip_size  the packet for the service
 * Return: 0; -EBADMSG (broken, or not what it was taken for); -ENOENT (belongs to no connection);
 *         -ENOSPC (as many as a port may have).
 */
int vsw_desk_in(struct vsw_desk *d, uint8_t *frame, uint32_t size, enum nap_class class,
		uint32_t now_ms, uint8_t **ip, uint32_t *ip_size);

/** The ticket of the port that the service's packet is for; 0: for none. */
uint32_t vsw_desk_ticket(const uint8_t *ip, uint32_t size);

/**
 * The packet of @size bytes at @ip, sent by the service: a frame for the guest in @frame (room for @size +
 * VSW_DESK_HEADER_MAX, at least 64). Return: its size; -EBADMSG; -ENOENT.
 */
int vsw_desk_out(struct vsw_desk *d, const uint8_t *ip, uint32_t size, uint32_t now_ms,
		 uint8_t *frame);

/** The checksum of the @size bytes at @l4, with the pseudo-header of @ip's addresses. */
uint16_t vsw_desk_checksum(const uint8_t *ip, uint8_t proto, const uint8_t *l4, uint32_t size);

/**
 * Frames that need no connection: ARP and neighbour solicitation for the portal (NAP_SERVE_LINK), and the refusal
 * of a connection (NAP_SERVE_RESET). @ret has room for 128 bytes. Return: size of the answer; -EBADMSG.
 */
int vsw_desk_answer(const uint8_t *frame, uint32_t size, enum nap_class class, uint8_t *ret);
