/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest with a NIC, ready for tests of the network VSP. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/vsc/vsc.h"
#include "tests/unit/tap.h"

static struct vsc v;

static const struct nvsp_cfg nic_cfg = {
	.mac = {0x00, 0x15, 0x5d, 1, 2, 3},
	.max_queues = 4,
	.max_mtu = NVSP_MTU_MAX,
	.speed_bps = 10000000000ull,
	.link_up = true,
	.name = "web1",
};

static const struct vsc_up nic_up = {.version = NVSP_V61,
				     .mtu = 1500,
				     .recv_pages = 256,
				     .send_pages = 64,
				     .caps = NVSP_CAP_8021Q | NVSP_CAP_RSC};

static inline void nic_init(void)
{
	CU_ASSERT_EQUAL_FATAL(vsc_init(&v, &nic_cfg), 0);
}

static inline void nic_start(void)
{
	nic_init();
	CU_ASSERT_EQUAL_FATAL(vsc_start(&v, &nic_up), 0);
}

static inline void nic_done(void)
{
	CU_ASSERT_EQUAL(v.rx_errors, 0);
	vsc_done(&v);
}

static inline void pattern(uint8_t *p, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		p[i] = (uint8_t)(seed * 13 + i * 5 + (i >> 8) * 3);
}

static inline struct vsc_frame *host_last(void)
{
	return v.n_host_rx ? &v.host_rx[(v.n_host_rx - 1) % VSC_KEEP] : NULL;
}

static inline struct vsc_frame *guest_last(void)
{
	return v.n_guest_rx ? &v.guest_rx[(v.n_guest_rx - 1) % VSC_KEEP] : NULL;
}

/* The guest's next message must stop channel @index for @fault, and no other. */
static inline void expect_fault(uint32_t index, enum vmb_fault fault)
{
	vsc_host_poll(&v, index);
	CU_ASSERT_EQUAL(v.fault[index], fault);
	if (v.fault[index] != fault)
		printf("# got %s, wanted %s\n", vmb_fault_text(v.fault[index]),
		       vmb_fault_text(fault));
	for (uint32_t i = 0; i < VSC_CHANS; i++)
		if (i != index)
			CU_ASSERT_EQUAL(v.fault[i], VMB_FAULT_NONE);
}
