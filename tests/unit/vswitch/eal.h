/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An EAL that touches nothing outside the process: no hugepages, no devices, no files. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

static inline void test_eal_init(void)
{
	static char a0[] = "test", a1[] = "--no-huge", a2[] = "--no-shconf", a3[] = "--no-pci",
		    a4[] = "--no-telemetry", a5[] = "--log-level=error", a6[] = "-m", a7[] = "128",
		    a8[] = "--lcores=0@0";
	static char *argv[] = {a0, a1, a2, a3, a4, a5, a6, a7, a8, NULL};

	if (rte_eal_init(9, argv) < 0) {
		printf("1..0 # SKIP DPDK cannot start here: %s\n", rte_strerror(rte_errno));
		exit(0);
	}
}

static inline struct rte_mempool *test_pool(const char *name, unsigned int n, uint16_t room)
{
	struct rte_mempool *p = rte_pktmbuf_pool_create(name, n, 0, 0, room, SOCKET_ID_ANY);

	if (!p)
		abort();
	return p;
}
