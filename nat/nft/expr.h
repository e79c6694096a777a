/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words that our nftables rules are made of. Each appends expressions to a rule; lack of memory is
 * remembered in the rule and reported by the batch. Addresses and ports are in host byte order here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nat/nat_addr.h"
#include "nat/nft/batch.h"

struct nftnl_rule;

/** A rule of @chain in @table under construction. */
struct nft_rule {
	struct nftnl_rule *r; /* NULL after lack of memory */
};

struct nft_rule nft_rule_new(const char *table, const char *chain);
/** Put it into the transaction as @what, and free it. */
void nft_rule_add(struct nft_rule *r, struct nft_batch *b, const char *what);

/* ---- conditions ---- */
void nft_if_iif(struct nft_rule *r, const char *ifname, bool equal);
void nft_if_oif(struct nft_rule *r, const char *ifname, bool equal);
void nft_if_saddr(struct nft_rule *r, struct nat_prefix p, bool equal);
void nft_if_daddr(struct nft_rule *r, struct nat_prefix p, bool equal);
void nft_if_daddr_range(struct nft_rule *r, uint32_t first, uint32_t last);
/** The bits @mask of the source address are @value. */
void nft_if_saddr_bits(struct nft_rule *r, uint32_t mask, uint32_t value);
/** The destination is an address of this host. */
void nft_if_daddr_local(struct nft_rule *r);
void nft_if_l4proto(struct nft_rule *r, uint8_t protocol);
void nft_if_dport(struct nft_rule *r, uint16_t first, uint16_t last);
/** Any bit of the connection's status (IPS_*) is set. */
void nft_if_ct_status(struct nft_rule *r, uint32_t bits);
/** Any of the states (NF_CT_STATE_BIT). */
void nft_if_ct_state(struct nft_rule *r, uint32_t bits);
/** Those bits of the mark. */
void nft_if_ct_mark(struct nft_rule *r, uint32_t mask, uint32_t mark, bool equal);
/** The packet is of this direction: 0 as the first one, 1 answers. */
void nft_if_ct_direction(struct nft_rule *r, uint8_t direction);
/** SYN of TCP. */
void nft_if_tcp_syn(struct nft_rule *r);

/* ---- actions ---- */
void nft_counter(struct nft_rule *r);
void nft_verdict(struct nft_rule *r, uint32_t verdict); /* NF_ACCEPT, NF_DROP */
void nft_jump(struct nft_rule *r, const char *chain);
void nft_set_meta_mark(struct nft_rule *r, uint32_t mark);
/** (mark & keep) ^ mark */
void nft_set_ct_mark(struct nft_rule *r, uint32_t keep, uint32_t mark);
/** Of the original direction. */
void nft_set_ct_zone(struct nft_rule *r, uint16_t zone);
/** Clamp the MSS of a SYN to the route's MTU. */
void nft_set_mss(struct nft_rule *r);
/** Ports of 0: the port stays. */
void nft_dnat(struct nft_rule *r, uint32_t addr, uint16_t first, uint16_t last);
/** To one of the addresses and ports, the same address for the same source. */
void nft_snat(struct nft_rule *r, uint32_t first, uint32_t last, uint16_t port_first,
	      uint16_t port_last);
/** To the address that the connection was first sent to. */
void nft_snat_to_original(struct nft_rule *r);
void nft_masquerade(struct nft_rule *r);
