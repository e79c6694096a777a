/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest says to a prober. Byte 0 chooses the family, whether the prober has an address, and its tag; byte 1 how
 * much of the frame is visible.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/datapath/probe.h"
#include "vswitch/datapath/probe_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void who(uint8_t choice, struct vsw_probe_talk *t, struct vsw_probe *p)
{
	*t = (struct vsw_probe_talk){
		.target = {.family = 4, .len = 32, .addr = {10, 0, 0, 5}},
		.ip = {10, 0, 0, 250},
		.mac = {2, 0, 0, 0, 0, 1},
		.vlan = choice & 4 ? 10 : 0,
		.serial = 7,
		.size = choice & 8 ? VSW_PROBE_ECHO_MAX : 56,
	};
	if (choice & 1) {
		t->target =
			(struct vd_prefix){.family = 6, .len = 128, .addr = {0xfe, 0x80, [15] = 5}};
		memcpy(t->ip, (uint8_t[16]){0xfe, 0x80, [15] = 250}, 16);
	}
	if (choice & 2)
		memset(t->ip, 0, sizeof(t->ip));
	*p = (struct vsw_probe){.ipv6 = choice & 1};
	memcpy(&p->mac48, t->mac, 6);
	memcpy(p->ip, t->ip, sizeof(p->ip));
}

static void check(const struct vsw_probe_frame *f)
{
	if (f->n < 60 || f->n > sizeof(f->d))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_probe_frame *f;
	struct vsw_probe_talk t;
	struct vsw_probe probe;
	uint32_t visible;
	uint8_t *d;

	if (size < 2 + 14 || size > 2048)
		return 0;
	who(data[0], &t, &probe);
	visible = (uint32_t)size - 2;
	if (data[1] < visible && data[1] >= 14)
		visible = data[1];
	d = malloc(visible); /* exactly: the sanitizer sees what is read behind it */
	f = malloc(sizeof(*f));
	memcpy(d, data + 2, visible);
	vsw_probe_wants(&probe, d, visible);
	switch (vsw_probe_read(&t, d, visible, t.guest, f)) {
	case VSW_PROBE_FOUND:
	case VSW_PROBE_ECHOED:
		vsw_probe_echo(&t, f);
		check(f);
		break;
	case VSW_PROBE_ASKED:
		check(f);
		break;
	case VSW_PROBE_NOTHING:
		vsw_probe_question(&t, f);
		check(f);
		break;
	}
	free(f);
	free(d);
	return 0;
}
