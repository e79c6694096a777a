/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "hv/acpi.h"
#include "hv/layout.h"
#include "tests/unit/tap.h"

static uint8_t buf[4096];

static uint64_t get(size_t at, unsigned int n)
{
	uint64_t v = 0;

	memcpy(&v, buf + at, n);
	return v;
}

static uint8_t sum(size_t at, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s += buf[at++];
	return s;
}

static size_t build(unsigned int n_cpus, unsigned int n_uarts)
{
	struct hv_acpi_cfg cfg = {.gpa = HV_ACPI_GPA, .n_cpus = n_cpus, .n_uarts = n_uarts};

	memset(buf, 0xcc, sizeof(buf));
	return hv_acpi_build(&cfg, buf, sizeof(buf));
}

/* Offset of a table that the XSDT (or the FADT) names. */
static size_t table(const char *signature)
{
	size_t xsdt = get(24, 8) - HV_ACPI_GPA, n = (get(xsdt + 4, 4) - 36) / 8;

	for (size_t i = 0; i < n; i++) {
		size_t at = get(xsdt + 36 + 8 * i, 8) - HV_ACPI_GPA;

		if (memcmp(buf + at, signature, 4) == 0)
			return at;
	}
	return 0;
}

static void checksums(void)
{
	static const char *const names[] = {"FACP", "APIC"};

	CU_ASSERT_TRUE(build(4, 2) > 0);
	CU_ASSERT_EQUAL(memcmp(buf, "RSD PTR ", 8), 0);
	CU_ASSERT_EQUAL(sum(0, 20), 0);
	CU_ASSERT_EQUAL(sum(0, 36), 0);
	for (unsigned int i = 0; i < 2; i++) {
		size_t at = table(names[i]);

		CU_ASSERT_NOT_EQUAL_FATAL(at, 0);
		CU_ASSERT_EQUAL(sum(at, get(at + 4, 4)), 0);
	}
	CU_ASSERT_EQUAL(sum(get(24, 8) - HV_ACPI_GPA, get(get(24, 8) - HV_ACPI_GPA + 4, 4)), 0);
}

static void fadt(void)
{
	size_t at, dsdt;

	build(1, 1);
	at = table("FACP");
	dsdt = get(at + 140, 8) - HV_ACPI_GPA;
	CU_ASSERT_EQUAL(get(at + 4, 4), 276);
	CU_ASSERT_TRUE(get(at + 112, 4) & 1u << 20); /* hardware-reduced */
	CU_ASSERT_EQUAL(get(at + 120, 8), HV_RESET_PORT);
	CU_ASSERT_EQUAL(get(at + 128, 1), HV_RESET_VALUE);
	CU_ASSERT_EQUAL(get(at + 248, 8), HV_SLEEP_PORT);
	CU_ASSERT_EQUAL(memcmp(buf + dsdt, "DSDT", 4), 0);
	CU_ASSERT_EQUAL(sum(dsdt, get(dsdt + 4, 4)), 0);
}

static void madt_names_every_processor(void)
{
	for (unsigned int n = 1; n <= HV_CPUS_MAX; n++) {
		size_t at, end, cpus = 0, ioapics = 0;

		CU_ASSERT_TRUE_FATAL(build(n, 1) > 0);
		at = table("APIC");
		end = at + get(at + 4, 4);
		for (at += 44; at < end; at += buf[at + 1]) {
			CU_ASSERT_TRUE(buf[at] != 0 || buf[at + 3] == cpus);
			cpus += buf[at] == 0;
			ioapics += buf[at] == 1;
		}
		CU_ASSERT_EQUAL(at, end);
		CU_ASSERT_EQUAL(cpus, n);
		CU_ASSERT_EQUAL(ioapics, 1);
	}
}

static void dsdt_has_the_bus(void)
{
	size_t n = build(1, 1);

	CU_ASSERT_PTR_NOT_NULL(memmem(buf, n, "VMBus", 6));
	CU_ASSERT_PTR_NOT_NULL(memmem(buf, n, "COM1", 4));
	CU_ASSERT_PTR_NULL(memmem(buf, n, "COM2", 4));
	n = build(1, 2);
	CU_ASSERT_PTR_NOT_NULL(memmem(buf, n, "COM2", 4));
}

static void too_little_room(void)
{
	struct hv_acpi_cfg cfg = {.gpa = HV_ACPI_GPA, .n_cpus = 64, .n_uarts = 2};
	size_t n = hv_acpi_build(&cfg, buf, sizeof(buf));

	for (size_t room = 0; room < n; room++)
		CU_ASSERT_EQUAL(hv_acpi_build(&cfg, buf, room), 0);
	CU_ASSERT_EQUAL(hv_acpi_build(&cfg, buf, n), n);
}

static const struct tap_case cases[] = {
	{"checksums of all tables", checksums},
	{"FADT: hardware-reduced, reset and sleep registers", fadt},
	{"MADT names each of 1 to 64 processors", madt_names_every_processor},
	{"DSDT names VMBus and the serial ports", dsdt_has_the_bus},
	{"too little room is told", too_little_room},
};
TAP_MAIN("hv-acpi", cases)
