/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the table of one NAT network says; docs/reference/nat.md has it in nft's language. */
#pragma once

#include "nat/nft/batch.h"
#include "nat/nft/nft.h"

/** "viridian-NAME". Returns @buf. */
const char *nft_table_name(const char *network, char buf[NAT_NFT_NAME_SIZE]);

/** What the table's comment says: "viridian UUID". */
#define NFT_COMMENT_SIZE (VD_UUID_SIZE + 16)
const char *nft_table_comment(const char *uuid, char buf[NFT_COMMENT_SIZE]);

/** Messages that remove the table, whether it is there or not. */
void nft_ruleset_remove(struct nft_batch *b, const char *network);
/** Messages that make it anew; it must not be there. @flags: NFT_TABLE_F_*. */
void nft_ruleset_add(struct nft_batch *b, const struct nat_nft_net *net, uint32_t flags);
