/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of a log that anybody may have written, searched for who had a port. */
#include <stdlib.h>
#include <string.h>

#include "nat/log/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nat_lookup l = {
		.nat = "lab", .addr = 0xcb007105, .port = 40000, .at_ms = 1795254703000};
	const uint8_t *end;

	if (size && data[0] < 20)
		l.proto = data[0];
	for (; size && (end = memchr(data, '\n', size)) != NULL;
	     size -= (size_t)(end + 1 - data), data = end + 1) {
		/* exactly its size: a step outside is seen */
		size_t n = (size_t)(end - data);
		char *line = malloc(n + 1);

		memcpy(line, data, n);
		nat_lookup_line(&l, line, n);
		free(line);
	}
	nat_lookup_end(&l);
	if (l.n_rows > NAT_LOOKUP_ROWS)
		abort();
	for (unsigned int i = 0; i < l.n_rows; i++)
		if (!l.rows[i].how || (l.rows[i].until_ms && l.rows[i].until_ms < l.at_ms) ||
		    l.rows[i].port_first > l.rows[i].port_last)
			abort();
	return 0;
}
