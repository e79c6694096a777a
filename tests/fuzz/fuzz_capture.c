/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `viridian capture` reads: the first byte says how the rest, a pcapng stream, is cut into pieces;
 * every packet found is decoded, from memory of exactly its size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/decode.h"
#include "ctl/pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct ctl_packet *p)
{
	uint8_t *copy = malloc(p->captured ? p->captured : 1);
	char line[512];

	memcpy(copy, p->data, p->captured);
	line[0] = 0;
	ctl_decode(copy, p->captured, p->original, line, sizeof(line));
	for (const char *c = line; *c; c++)
		if (*c < ' ' || *c > '~')
			abort();
	if (!line[0] || memchr(p->comment, 0, sizeof(p->comment)) == NULL)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t chunk = size ? data[0] + 1u : 1;
	struct ctl_pcapng *reader = ctl_pcapng_new();
	struct ctl_packet p;

	for (size_t at = 1; at < size; at += chunk) {
		int r;

		if (ctl_pcapng_feed(reader, data + at, size - at < chunk ? size - at : chunk))
			break;
		while ((r = ctl_pcapng_next(reader, &p)) == 1)
			decode(&p);
		if (r)
			break;
	}
	ctl_pcapng_free(reader);
	return 0;
}
