/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One nftables transaction under construction: messages, each with a name for errors. */
#pragma once

#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

struct nft_batch {
	char *buf;
	size_t used, size;
	const char **what; /* by sequence number: what the message is, borrowed */
	uint32_t n, n_size;
	int error; /* -ENOMEM once memory ran out; everything after does nothing */
};

/** Start a message; NULL after lack of memory. @flags beyond NLM_F_REQUEST. The message may grow by 8 KiB. */
struct nlmsghdr *nft_batch_put(struct nft_batch *b, uint16_t type, uint16_t family, uint16_t flags,
			       const char *what);
/** The message is complete. Accepts NULL. */
void nft_batch_done(struct nft_batch *b, struct nlmsghdr *nlh);
void nft_batch_begin(struct nft_batch *b);
void nft_batch_end(struct nft_batch *b);
void nft_batch_free(struct nft_batch *b);
