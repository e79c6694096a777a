/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of a guest for the health service, and packets of the service for the guest: whatever comes, a packet
 * that goes in carries the port's own address, and a frame that goes out is no longer than its buffer.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "vswitch/policy/portal.h"
#include "vswitch/portal/desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TICKET (3u << VSW_TICKET_INDEX_BITS | 9)

static void must(bool fact)
{
	if (!fact)
		abort();
}

/* As an answer to @ip would be: the service's side of the same connection. */
static void turn(uint8_t *ip)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t n = v4 ? 4 : 16, at = v4 ? 12 : 8, head = v4 ? 20 : 40;
	uint8_t swap[16];

	memcpy(swap, ip + at, n);
	memcpy(ip + at, ip + at + n, n);
	memcpy(ip + at + n, swap, n);
	memcpy(swap, ip + head, 2);
	memcpy(ip + head, ip + head + 2, 2);
	memcpy(ip + head + 2, swap, 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vsw_desk d;
	struct fuzz_input in = {data, size};
	uint32_t now = 0;

	vsw_desk_init(&d, TICKET);
	while (in.left) {
		uint8_t frame[VSW_DESK_PACKET_MAX + VSW_DESK_HEADER_MAX];
		uint8_t out[VSW_DESK_PACKET_MAX + VSW_DESK_HEADER_MAX + 64], *ip;
		enum nap_class class = (enum nap_class)(NAP_SERVE_LINK + fuzz_num(&in, 1) % 5);
		uint32_t n = fuzz_blob(&in, frame, sizeof(frame)), ip_size;
		int r;

		now += fuzz_num(&in, 1) * 64;
		if (class == NAP_SERVE_LINK || class == NAP_SERVE_RESET) {
			must(vsw_desk_answer(frame, n, class, out) <= 128);
			continue;
		}
		if (vsw_desk_in(&d, frame, n, class, now, &ip, &ip_size) < 0) {
			vsw_desk_out(&d, frame, RTE_MIN(n, (uint32_t)VSW_DESK_PACKET_MAX), now,
				     out);
			continue;
		}
		must(ip >= frame && ip + ip_size <= frame + n && ip_size <= VSW_DESK_PACKET_MAX);
		turn(ip);
		must(vsw_desk_ticket(ip, ip_size) == TICKET);
		r = vsw_desk_out(&d, ip, ip_size, now, out);
		/* a reset has ended it; everything else comes back to who sent it */
		must(r < 0 || (r >= 60 && r <= (int)sizeof(out) - 64));
		must(r < 0 || !memcmp(out, frame + 6, 6));
	}
	return 0;
}
