/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hv/layout.h"
#include "hv/ram.h"
#include "tests/unit/tap.h"

static void below_the_hole(void)
{
	struct hv_ram ram;

	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 64 * HV_MIB, NULL), 0);
	CU_ASSERT_EQUAL(ram.slots.n, 1);
	CU_ASSERT_PTR_EQUAL(hv_ram_at(&ram, 0, 1), ram.base);
	CU_ASSERT_PTR_NOT_NULL(hv_ram_at(&ram, 0, 64 * HV_MIB));
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, 0, 64 * HV_MIB + 1));
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, 64 * HV_MIB, 1));
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, 1, UINT64_MAX));
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, UINT64_MAX, 2));
	hv_ram_done(&ram);
}

static void above_the_hole(void)
{
	struct hv_ram ram;

	/* 64 GiB: nothing of it is touched */
	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 64 * HV_GIB, NULL), 0);
	CU_ASSERT_EQUAL(ram.slots.n, 2);
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, HV_HOLE_GPA - 1, 2)); /* never across the hole */
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, HV_LAPIC_GPA, 1));
	CU_ASSERT_PTR_EQUAL(hv_ram_at(&ram, HV_ABOVE_GPA, 1), ram.base + HV_HOLE_GPA);
	CU_ASSERT_PTR_NOT_NULL(hv_ram_at(&ram, 65 * HV_GIB - 1, 1));
	CU_ASSERT_PTR_NULL(hv_ram_at(&ram, 65 * HV_GIB, 1));
	hv_ram_done(&ram);
}

static void sealed(void)
{
	struct hv_ram ram;

	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 16 * HV_MIB, NULL), 0);
	CU_ASSERT_TRUE(fcntl(ram.memfd, F_GET_SEALS) & F_SEAL_SHRINK);
	CU_ASSERT_NOT_EQUAL(ftruncate(ram.memfd, 0), 0);
	hv_ram_done(&ram);
}

static void cleared(void)
{
	struct hv_ram ram;

	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 16 * HV_MIB, NULL), 0);
	memset(hv_ram_at(&ram, 0x5000, 4096), 0xaa, 4096);
	CU_ASSERT_EQUAL(hv_ram_clear(&ram), 0);
	CU_ASSERT_EQUAL(ram.base[0x5123], 0);
	hv_ram_done(&ram);
	hv_ram_done(&ram);
}

static void impossible(void)
{
	struct vd_err err = {0};
	struct hv_ram ram;

	CU_ASSERT_TRUE(hv_ram_init(&ram, 1ull << 60, &err) < 0);
	CU_ASSERT_EQUAL(err.code, VD_E_NO_MEMORY);
	CU_ASSERT_EQUAL(ram.memfd, -1);
}

static const struct tap_case cases[] = {
	{"memory below the hole", below_the_hole},
	{"64 GiB go on above 4 GiB", above_the_hole},
	{"the memfd is sealed against shrinking", sealed},
	{"cleared memory reads as zeroes", cleared},
	{"an impossible size is refused", impossible},
};
TAP_MAIN("hv-ram", cases)
