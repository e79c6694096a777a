/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Group frames into a snooping switch: byte 0 chooses the port, byte 1 how much of the frame is visible. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/mcast.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vsw_mcast *t;
	static uint32_t now;
	struct vsw_headers h;
	struct vsw_mcast_frame f = {.h = &h, .families = VSW_MCAST_IGMP | VSW_MCAST_MLD};
	enum vsw_mcast_to to;
	uint64_t key;
	uint8_t *d;

	if (size < 2 + 14 || size > 2048)
		return 0;
	if (!t)
		t = vsw_mcast_create(10);
	f.len = (uint32_t)size - 2;
	if (data[1] < f.len && data[1] >= 14)
		f.len = data[1];
	d = malloc(f.len); /* exactly: the sanitizer sees what is read behind it */
	memcpy(d, data + 2, f.len);
	f.d = d;
	f.port = data[0];
	f.may_route = data[0] & 1;
	f.now = now += 3;
	memcpy(&f.dst, d, 6);
	vsw_headers_parse(d, f.len, (uint32_t)size - 2, &h);
	to = vsw_mcast_input(t, &f, &key);
	for (uint16_t port = 0; port < 4; port++)
		vsw_mcast_wants(t, to, key, port, now);
	free(d);
	return 0;
}
