/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header walk of policy: nothing is read beyond the bytes given, and offsets stay inside the frame. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vsw_headers *h, const uint8_t *d, size_t size)
{
	if (h->flags & VSW_HDR_BROKEN)
		return;
	if (h->l3 > size || h->l4 > size)
		abort();
	if (h->family != VSW_FAMILY_OTHER && (h->src < d || h->dst + 4 > d + size))
		abort();
	if (h->flags & VSW_HDR_PORTS && h->flags & VSW_HDR_LATER_FRAGMENT)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_headers h;
	uint8_t *copy;

	if (size < 15)
		return 0;
	/* a copy of its own, so that the sanitizer sees its end; the first byte lengthens the frame */
	copy = malloc(size - 1);
	memcpy(copy, data + 1, size - 1);
	vsw_headers_parse(copy, (uint32_t)size - 1, (uint32_t)size - 1 + data[0], &h);
	check(&h, copy, size - 1 + data[0]);
	vsw_headers_parse_inner(copy, (uint32_t)size - 1, data[0] & 1, &h);
	check(&h, copy, size - 1);
	free(copy);
	return 0;
}
