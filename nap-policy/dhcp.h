/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statement of health inside of DHCP: vendor options (43) with sub-options 220 to 223, which may be
 * cut over several options because one holds 255 bytes only.
 *
 * Source: MS-DHCPN 2.2.1, RFC 2131, RFC 2132 8.4, RFC 3396. Thread-safety: pure functions.
 * Proof: tests/unit/nap-policy/test_dhcp.c, tests/fuzz/fuzz_nap_carriers.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAP_DHCP_OPTION_VENDOR 43
#define NAP_DHCP_SOH           220
#define NAP_DHCP_MASK          221
#define NAP_DHCP_CORRELATION   222
#define NAP_DHCP_IPV6          223
#define NAP_DHCP_SIZE_MAX      4096u /* vendor data of one message */

enum nap_dhcp_kind {
	NAP_DHCP_NONE,    /* the message does not speak of health */
	NAP_DHCP_PROBE,   /* "do you understand?" */
	NAP_DHCP_CAPABLE, /* the server's "NAP" */
	NAP_DHCP_SOH_IS,  /* a SoH or SoHR in @soh */
};

struct nap_dhcp {
	enum nap_dhcp_kind kind;
	uint16_t soh_size;
	bool has_mask;
	uint8_t mask[4];
	uint8_t soh[NAP_DHCP_SIZE_MAX];
};

/** Look through the options of a DHCPv4 message (what follows the magic cookie).
 *  Return: 0; -EBADMSG: options or vendor data contradict their lengths. */
int nap_dhcp_parse(const uint8_t *options, size_t size, struct nap_dhcp *ret);

/* One DHCPv4 message. */
struct nap_dhcp_message {
	bool request; /* a client's */
	uint8_t type; /* option 53; 0: BOOTP */
	uint32_t xid;
	bool relayed; /* or not over Ethernet: it may speak for somebody else */
	uint8_t chaddr[6];
	uint16_t max_size; /* bytes of the IP packet that the client takes */
	struct nap_dhcp health;
};

#define NAP_DHCP_OFFER 2
#define NAP_DHCP_ACK   5

/** Read a whole message (RFC 2131; options may go on in its other fields, RFC 3396 5). Return: 0; -EBADMSG. */
int nap_dhcp_read(const uint8_t *message, size_t size, struct nap_dhcp_message *ret);

/** Does a client's message have vendor options, so that reading it may be worth it? Cheap. */
bool nap_dhcp_mentions(const uint8_t *message, size_t size);

/** Put @n bytes of options behind those that @message has. Returns its new size, at most @room; 0: no room, or it is
 *  no message. */
size_t nap_dhcp_add(uint8_t *message, size_t size, size_t room, const uint8_t *options, size_t n);

/** Write vendor options with one sub-option @code of @size bytes of @v, cut as RFC 3396 says. Sub-options
 *  of more than 255 bytes repeat their code. Returns the bytes written; 0: too small. */
size_t nap_dhcp_build(uint8_t code, const uint8_t *v, size_t size, uint8_t *buf, size_t room);
