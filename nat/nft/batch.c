/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a transaction in one buffer: see batch.h. */
#include "nat/nft/batch.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX 8192u

static int reserve(struct nft_batch *b)
{
	if (b->size - b->used < MESSAGE_MAX) {
		size_t size = b->size ? b->size * 2 : 65536;
		char *p = realloc(b->buf, size);

		if (!p)
			return -ENOMEM;
		b->buf = p;
		b->size = size;
	}
	if (b->n == b->n_size) {
		uint32_t n = b->n_size ? b->n_size * 2 : 256;
		const char **w = reallocarray(b->what, n, sizeof(*w));

		if (!w)
			return -ENOMEM;
		b->what = w;
		b->n_size = n;
	}
	return 0;
}

static void *place(struct nft_batch *b, const char *what)
{
	if (!b->error)
		b->error = reserve(b);
	if (b->error)
		return NULL;
	b->what[b->n++] = what;
	return b->buf + b->used;
}

struct nlmsghdr *nft_batch_put(struct nft_batch *b, uint16_t type, uint16_t family, uint16_t flags,
			       const char *what)
{
	void *at = place(b, what);

	return at ? nftnl_nlmsg_build_hdr(at, type, family, flags, b->n - 1) : NULL;
}

void nft_batch_done(struct nft_batch *b, struct nlmsghdr *nlh)
{
	if (nlh)
		b->used += MNL_ALIGN(nlh->nlmsg_len);
}

void nft_batch_begin(struct nft_batch *b)
{
	void *at = place(b, "begin");

	if (at)
		nft_batch_done(b, nftnl_batch_begin(at, b->n - 1));
}

void nft_batch_end(struct nft_batch *b)
{
	void *at = place(b, "end");

	if (at)
		nft_batch_done(b, nftnl_batch_end(at, b->n - 1));
}

void nft_batch_free(struct nft_batch *b)
{
	free(b->buf);
	free(b->what);
	memset(b, 0, sizeof(*b));
}
