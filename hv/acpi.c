/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables. Each is built in place; its length and checksum are filled in when it is ended.
 * AML is written with a handful of helpers: every package here is shorter than 4096 bytes, so a
 * length always takes the two-byte form, which is legal for short ones too.
 */
#include <stdbool.h>
#include <string.h>

#include "hv/acpi.h"
#include "hv/layout.h"

struct out {
	uint8_t *buf;
	size_t room, size;
	bool full;
};

static void put(struct out *o, const void *data, size_t n)
{
	if (o->full || n > o->room - o->size) {
		o->full = true;
		return;
	}
	memcpy(o->buf + o->size, data, n);
	o->size += n;
}

static void put8(struct out *o, uint8_t v)
{
	put(o, &v, 1);
}

static void zeroes(struct out *o, size_t n)
{
	while (n--)
		put8(o, 0);
}

static void poke(struct out *o, size_t at, const void *data, size_t n)
{
	if (!o->full)
		memcpy(o->buf + at, data, n);
}

static void poke8(struct out *o, size_t at, uint8_t v)
{
	poke(o, at, &v, 1);
}

static void poke16(struct out *o, size_t at, uint16_t v)
{
	poke(o, at, &v, 2);
}

static void poke32(struct out *o, size_t at, uint32_t v)
{
	poke(o, at, &v, 4);
}

static void poke64(struct out *o, size_t at, uint64_t v)
{
	poke(o, at, &v, 8);
}

static void checksum(struct out *o, size_t start, size_t n, size_t at)
{
	uint8_t sum = 0;

	if (o->full)
		return;
	o->buf[at] = 0;
	for (size_t i = 0; i < n; i++)
		sum += o->buf[start + i];
	o->buf[at] = (uint8_t)-sum;
}

#define TABLE_HEADER_SIZE 36u

static size_t table_begin(struct out *o, const char *signature, uint8_t revision)
{
	size_t at;

	while (o->size % 16 && !o->full)
		put8(o, 0);
	at = o->size;
	put(o, signature, 4);
	zeroes(o, 4);
	put8(o, revision);
	put8(o, 0);
	put(o, "VIRIDNVIRIDIAN", 14); /* OEM id (6), OEM table id (8) */
	put(o, "\1\0\0\0VRDN\1\0\0\0", 12);
	return at;
}

static void table_end(struct out *o, size_t at)
{
	poke32(o, at + 4, (uint32_t)(o->size - at));
	checksum(o, at, o->size - at, at + 9);
}

/* AML */

static size_t package_begin(struct out *o)
{
	size_t at = o->size;

	zeroes(o, 2);
	return at;
}

/* The length counts its own two bytes: low nibble and "one byte follows", then the rest. */
static void package_end(struct out *o, size_t at)
{
	size_t n = o->size - at;

	poke8(o, at, (uint8_t)(0x40 | (n & 0xf)));
	poke8(o, at + 1, (uint8_t)(n >> 4));
}

static void aml_name(struct out *o, const char name[4])
{
	put8(o, 0x08);
	put(o, name, 4);
}

static void aml_byte(struct out *o, uint8_t v)
{
	put8(o, 0x0a);
	put8(o, v);
}

static void aml_string(struct out *o, const char *s)
{
	put8(o, 0x0d);
	put(o, s, strlen(s) + 1);
}

/* Name(_CRS, Buffer() { descriptors, end tag }) */
static void aml_resources(struct out *o, const uint8_t *descriptors, uint8_t n)
{
	size_t at;

	aml_name(o, "_CRS");
	put8(o, 0x11);
	at = package_begin(o);
	aml_byte(o, (uint8_t)(n + 2));
	put(o, descriptors, n);
	put(o, "\x79\0", 2);
	package_end(o, at);
}

static size_t device_begin(struct out *o, const char name[4])
{
	size_t at;

	put(o, "\x5b\x82", 2);
	at = package_begin(o);
	put(o, name, 4);
	return at;
}

static void aml_vmbus(struct out *o)
{
	/* IRQ 7: Linux ignores it, Windows wants one. */
	static const uint8_t irq[] = {0x22, 0x80, 0x00};
	size_t at = device_begin(o, "VMBS");

	aml_name(o, "_HID");
	aml_string(o, "MSFT1000");
	aml_name(o, "_CID");
	aml_string(o, "VMBus");
	aml_name(o, "_UID");
	aml_byte(o, 0);
	aml_name(o, "_STA");
	aml_byte(o, 0x0f);
	aml_resources(o, irq, sizeof(irq));
	package_end(o, at);
}

static void aml_uart(struct out *o, uint8_t index, uint16_t port, unsigned int irq)
{
	const uint8_t io[] = {0x47,          0x01,
			      (uint8_t)port, (uint8_t)(port >> 8),
			      (uint8_t)port, (uint8_t)(port >> 8),
			      0x01,          0x08,
			      0x22,          (uint8_t)(1u << irq),
			      0x00};
	size_t at = device_begin(o, index ? "COM2" : "COM1");

	aml_name(o, "_HID");
	put(o, "\x0c\x41\xd0\x05\x01", 5); /* PNP0501, as a compressed id */
	aml_name(o, "_UID");
	aml_byte(o, index);
	aml_resources(o, io, sizeof(io));
	package_end(o, at);
}

static size_t build_dsdt(const struct hv_acpi_cfg *cfg, struct out *o)
{
	size_t table = table_begin(o, "DSDT", 2), at;

	aml_name(o, "_S5_");
	put8(o, 0x12);
	at = package_begin(o);
	put8(o, 4);
	aml_byte(o, HV_SLEEP_TYPE_S5);
	aml_byte(o, HV_SLEEP_TYPE_S5);
	aml_byte(o, 0);
	aml_byte(o, 0);
	package_end(o, at);

	put8(o, 0x10);
	at = package_begin(o);
	put(o, "\\_SB_", 5);
	aml_vmbus(o);
	aml_uart(o, 0, HV_COM1_PORT, HV_COM1_IRQ);
	if (cfg->n_uarts > 1)
		aml_uart(o, 1, HV_COM2_PORT, HV_COM2_IRQ);
	package_end(o, at);
	table_end(o, table);
	return table;
}

static size_t build_madt(const struct hv_acpi_cfg *cfg, struct out *o)
{
	size_t table = table_begin(o, "APIC", 4);
	const uint32_t head[2] = {HV_LAPIC_GPA, 0};
	const uint32_t ioapic[2] = {HV_IOAPIC_GPA, 0};

	put(o, head, sizeof(head));
	for (unsigned int i = 0; i < cfg->n_cpus; i++) {
		const uint8_t lapic[8] = {0, 8, (uint8_t)i, (uint8_t)i, 1, 0, 0, 0};

		put(o, lapic, sizeof(lapic));
	}
	put8(o, 1);
	put8(o, 12);
	put8(o, 0);
	put8(o, 0);
	put(o, ioapic, sizeof(ioapic));
	table_end(o, table);
	return table;
}

/* A generic address of one byte in port space. */
static void poke_port(struct out *o, size_t at, uint16_t port)
{
	poke8(o, at, 1);
	poke8(o, at + 1, 8);
	poke8(o, at + 3, 1);
	poke64(o, at + 4, port);
}

static size_t build_fadt(struct out *o, uint64_t dsdt_gpa)
{
	enum { SIZE = 276 };
	/* WBINVD, no fixed power and sleep buttons, reset register, hardware-reduced */
	const uint32_t flags = 1u << 0 | 1u << 4 | 1u << 5 | 1u << 10 | 1u << 20;
	size_t table = table_begin(o, "FACP", 6);

	zeroes(o, SIZE - TABLE_HEADER_SIZE);
	poke32(o, table + 40, (uint32_t)dsdt_gpa);
	poke16(o, table + 109, 1u << 2); /* no VGA */
	poke32(o, table + 112, flags);
	poke_port(o, table + 116, HV_RESET_PORT);
	poke8(o, table + 128, HV_RESET_VALUE);
	poke8(o, table + 131, 3);
	poke64(o, table + 140, dsdt_gpa);
	poke_port(o, table + 244, HV_SLEEP_PORT);
	poke_port(o, table + 256, HV_SLEEP_PORT + 1);
	poke(o, table + 268, "Viridian", 8);
	table_end(o, table);
	return table;
}

size_t hv_acpi_build(const struct hv_acpi_cfg *cfg, uint8_t *buf, size_t room)
{
	struct out o = {.buf = buf, .room = room};
	size_t rsdp, table[2], xsdt;
	uint64_t gpa;

	rsdp = o.size;
	put(&o, "RSD PTR ", 8);
	zeroes(&o, 28);
	poke(&o, rsdp + 9, "VIRIDN", 6);
	poke8(&o, rsdp + 15, 2);
	poke32(&o, rsdp + 20, 36);

	table[0] = build_fadt(&o, cfg->gpa + build_dsdt(cfg, &o));
	table[1] = build_madt(cfg, &o);
	xsdt = table_begin(&o, "XSDT", 1);
	for (unsigned int i = 0; i < 2; i++) {
		gpa = cfg->gpa + table[i];
		put(&o, &gpa, 8);
	}
	table_end(&o, xsdt);

	poke64(&o, rsdp + 24, cfg->gpa + xsdt);
	checksum(&o, rsdp, 20, rsdp + 8);
	checksum(&o, rsdp, 36, rsdp + 32);
	return o.full ? 0 : o.size;
}
