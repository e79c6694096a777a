/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * DHCP of a machine and of whoever answers it: whatever comes, what is handed on for judgement lies inside of the message,
 * and what goes to the machine is no longer than its buffer, and read back it says what was put in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "vswitch/portal/hear.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

/* What a fuzzer would need long to find: ports, cookie, kind. */
static uint32_t dress(uint8_t *f, uint32_t size, bool request)
{
	static const uint8_t head[] = {0x08, 0x00, 0x45}, cookie[4] = {99, 130, 83, 99};
	uint8_t *ip = f + 14;

	if (size < 14 + 28 + 240)
		return size;
	memcpy(f + 12, head, sizeof(head));
	ip[2] = (uint8_t)((size - 14) >> 8);
	ip[3] = (uint8_t)(size - 14);
	ip[6] = ip[7] = 0;
	ip[9] = 17;
	memcpy(ip + 20, request ? "\0\x44\0\x43" : "\0\x43\0\x44", 4);
	ip[24] = (uint8_t)((size - 34) >> 8);
	ip[25] = (uint8_t)(size - 34);
	ip[28] = request ? 1 : 2;
	ip[29] = 1;
	ip[30] = 6;
	memset(ip + 32, 0, 4); /* xid */
	memset(ip + 52, 0, 4); /* giaddr */
	memset(ip + 56, 7, 6); /* chaddr */
	memset(f + 6, 7, 6);
	memcpy(ip + 28 + 236, cookie, sizeof(cookie));
	return size;
}

static void check_frame(int r, const uint8_t *out, bool amended, struct nap_dhcp_message *m)
{
	must(r <= VSW_HEAR_FRAME_MAX);
	if (r <= 0 || !amended)
		return;
	must(nap_dhcp_read(out + 42, (size_t)r - 42, m) == 0 || (out[12] == 0x81 && out[13] == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct nap_dhcp_message m;
	static struct vsw_hear h;
	struct fuzz_input in = {data, size};
	uint32_t now = 0;

	vsw_hear_init(&h, 1);
	while (in.left) {
		uint8_t frame[VSW_HEAR_FRAME_MAX], out[VSW_HEAR_FRAME_MAX],
			what = (uint8_t)fuzz_num(&in, 1);
		uint32_t n = fuzz_blob(&in, frame, sizeof(frame));
		const uint8_t *soh = NULL;
		uint16_t soh_size = 0;
		bool amended;

		now += fuzz_num(&in, 1) * 8;
		if (what & 4)
			n = dress(frame, n, what & 1);
		if (what & 1) {
			nap_dhcp_mentions(frame, n);
			if (vsw_hear_question(&h, frame, n, now, &m, &soh, &soh_size) ==
			    VSW_HEARD_STATEMENT)
				must(soh >= m.health.soh &&
				     soh + soh_size <= m.health.soh + sizeof(m.health.soh));
			if (what & 2)
				vsw_hear_judged(&h, h.xid, frame, (uint16_t)n);
		} else {
			check_frame(vsw_hear_answer(&h, frame, n, now, &m, out, &amended), out,
				    amended, &m);
		}
		check_frame(vsw_hear_release(&h, now, out, &amended), out, amended, &m);
	}
	return 0;
}
