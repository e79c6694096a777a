/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames and DHCP messages into the guards of a port that has all of them. The first bytes choose the
 * guards and how much of the frame is visible.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/policy/dhcp.h"
#include "vswitch/policy/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vsw_gate_guard *guard_of(uint8_t choice)
{
	static struct vd_prefix pins[2] = {{.family = 4, .len = 8, .addr = {10}},
					   {.family = 6, .len = 64, .addr = {0xfd}}};
	static struct vsw_policy policy;
	struct vsw_switch_cfg sw = {.name = "a", .nlb = choice & 1};
	struct vsw_port_cfg port = {
		.sw = "a", .has_mac = true, .mac = {{2, 0, 0, 0, 0, 5}}, .policy = &policy};
	struct vsw_model m = {.switches = &sw, .n_switches = 1, .ports = &port, .n_ports = 1};
	struct vsw_gate_guard *g;

	policy.refs = 1;
	policy.pins = pins;
	policy.n_pins = 2;
	policy.guard = (struct vsw_guard){
		.dhcp = choice & 2,
		.router = choice & 4,
		.control = choice & 8,
		.pinning = choice >> 4 & 1 ? VSW_PIN_SNOOPED : VSW_PIN_OFF,
		.address_limit = choice >> 5 & 3,
		.storm_broadcast_pps = 10,
		.storm_unknown_pps = 10,
	};
	if (vsw_guard_make(&m, 0, 1000, &g) || !g)
		abort();
	return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vsw_guard_state *s;
	struct vsw_gate_guard *g;
	struct vsw_guard_frame f = {0};
	struct vsw_headers h;
	uint32_t visible;
	uint8_t *d;

	if (size < 2 + 14 || size > 2048)
		return 0;
	g = guard_of(data[0]);
	s = vsw_guard_state_create();
	visible = (uint32_t)size - 2;
	if (data[1] < visible && data[1] >= 14)
		visible = data[1];
	d = malloc(visible); /* exactly: the sanitizer sees what is read behind it */
	memcpy(d, data + 2, visible);
	f.h = &h;
	f.d = d;
	f.len = visible;
	for (unsigned int i = 0; i < 3; i++) {
		vsw_headers_parse(d, visible, (uint32_t)size - 2, &h);
		memcpy(&f.dst, d, 6);
		memcpy(&f.src, d + 6, 6);
		f.unknown = i & 1;
		f.time += 300;
		if (vsw_guard_check(g, s, &f) > VSW_DROP_N)
			abort();
		vsw_guard_learn(g, s, i & 1, VSW_FROM_VM, d, visible, 1000);
		vsw_guard_learn(g, s, i & 1, VSW_TO_VM, d, visible, 1000);
	}
	if (s->addrs.n > VSW_ADDRS_MAX)
		abort();
	free(d);
	free(s);
	vsw_guard_free(g);
	return 0;
}
