/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hv/snapshot/machine_state.h"
#include "hv/snapshot/vcpu_state.h"
#include "tests/unit/tap.h"

static bool level[2];

static void irq(void *ctx, bool on)
{
	level[(uintptr_t)ctx] = on;
}

static void tx(void *ctx, const uint8_t *data, unsigned int n)
{
	(void)ctx;
	(void)data;
	(void)n;
}

static const struct hv_uart_ops uart_ops = {.irq = irq, .tx = tx};

static void init(struct hv_pio *pio, struct hv_vmbus *bus, const struct hv_ram *ram)
{
	*pio = (struct hv_pio){.n_uarts = 2};
	for (uintptr_t i = 0; i < 2; i++)
		hv_uart_init(&pio->uart[i], &uart_ops, (void *)i);
	*bus = (struct hv_vmbus){.ram = ram, .synic = {.ram = ram, .n = 2}};
	level[0] = level[1] = false;
}

static void board(void)
{
	static struct hv_vmbus bus, other;
	static uint8_t buf[HV_BOARD_STATE_MAX];
	struct hv_pio pio, copy;
	struct hv_ram ram;
	struct vd_err err = {0};
	int64_t n;

	CU_ASSERT_EQUAL_FATAL(hv_ram_init(&ram, 16 * HV_MIB, NULL), 0);
	init(&pio, &bus, &ram);
	hv_uart_write(&pio.uart[1], 4, 8); /* OUT2 */
	hv_uart_write(&pio.uart[1], 1, 1); /* interrupts for what comes in */
	hv_uart_receive(&pio.uart[1], (const uint8_t *)"ab", 2);
	hv_uart_read(&pio.uart[1], 0);
	hv_rtc_write(&pio.rtc, 0, 0x40);
	hv_rtc_write(&pio.rtc, 1, 0x5a);
	CU_ASSERT_EQUAL(hv_synic_restore(&bus.synic, 1, true, 0x5000, 0x6000), 0);
	n = hv_board_state_save(&pio, &bus, buf, sizeof(buf));
	CU_ASSERT_TRUE_FATAL(n > 0);
	CU_ASSERT_EQUAL(hv_board_state_save(&pio, &bus, buf, (size_t)n - 1), -E2BIG);

	init(&copy, &other, &ram);
	ram.base[0x5000] = 9;
	hv_board_state_save(&pio, &bus, buf, sizeof(buf));
	CU_ASSERT_EQUAL(hv_board_state_restore(&copy, &other, buf, (size_t)n, &err), 0);
	CU_ASSERT_TRUE(level[1]); /* the interrupt line is as it was */
	CU_ASSERT_EQUAL(hv_uart_read(&copy.uart[1], 0), 'b');
	CU_ASSERT_EQUAL(hv_rtc_read(&copy.rtc, 1, 0), 0x5a);
	CU_ASSERT_TRUE(other.synic.vp[1].on);
	CU_ASSERT_EQUAL(other.synic.vp[1].msg_gpa, 0x5000);
	CU_ASSERT_EQUAL(ram.base[0x5000], 9); /* a page that is restored is not cleared */
	CU_ASSERT_EQUAL(ram.foreign[0], 1ull << 5 | 1ull << 6);

	for (int64_t cut = 0; cut < n; cut++) {
		init(&copy, &other, &ram);
		CU_ASSERT_EQUAL(hv_board_state_restore(&copy, &other, buf, (size_t)cut, NULL),
				-EINVAL);
	}
	copy.n_uarts = 1;
	CU_ASSERT_EQUAL(hv_board_state_restore(&copy, &other, buf, (size_t)n, &err), -EINVAL);
	CU_ASSERT_EQUAL(hv_synic_restore(&bus.synic, 0, true, 64 * HV_MIB, 0), -EINVAL);
	CU_ASSERT_EQUAL(hv_synic_restore(&bus.synic, 0, true, 0x5008, 0), -EINVAL);
	hv_ram_done(&ram);
}

static void nic(void)
{
	static uint8_t keep[NVSP_KEEP_SIZE], back[NVSP_KEEP_SIZE], buf[HV_NIC_STATE_MAX];
	struct hv_nic_state s = {.port = "web", .n_subs = 3, .max_queues = 8}, got;
	int64_t n;

	keep[5] = 1;
	keep[NVSP_KEEP_SIZE - 1] = 2;
	n = hv_nic_state_save(&s, keep, buf, sizeof(buf));
	CU_ASSERT_TRUE(n > 0 && n < 10000); /* zeroes take no room */
	memset(back, 0xff, sizeof(back));
	CU_ASSERT_EQUAL(hv_nic_state_load(buf, (size_t)n, &got, back), 0);
	CU_ASSERT_EQUAL(memcmp(keep, back, sizeof(keep)), 0);
	CU_ASSERT_STRING_EQUAL(got.port, "web");
	CU_ASSERT_EQUAL(got.n_subs, 3);
	for (int64_t cut = 0; cut < n; cut++)
		CU_ASSERT_EQUAL(hv_nic_state_load(buf, (size_t)cut, &got, NULL), -EINVAL);
	s.n_subs = NVSP_QUEUES_MAX;
	n = hv_nic_state_save(&s, keep, buf, sizeof(buf));
	CU_ASSERT_EQUAL(hv_nic_state_load(buf, (size_t)n, &got, NULL), -EINVAL);
}

static void processor(void)
{
	uint32_t bad[][3] = {{99, 0, 0}, {0, UINT32_MAX, 0}, {0, 4, 0}, {1, 4, 0}};

	CU_ASSERT_EQUAL(hv_vcpu_state_check(NULL, 0), -EINVAL); /* everything is missing */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CU_ASSERT_EQUAL(hv_vcpu_state_check(bad[i], sizeof(bad[i])), -EINVAL);
}

static void cpuid(void)
{
	static struct hv_cpuid here, saved;
	const struct kvm_cpuid_entry2 *e;

	here.head.nent = saved.head.nent = 2;
	here.entry[0] = (struct kvm_cpuid_entry2){.function = 1, .ecx = 7};
	here.entry[1] = (struct kvm_cpuid_entry2){.function = 7, .ebx = 1};
	saved.entry[0] = (struct kvm_cpuid_entry2){.function = 1, .ecx = 5 | 1u << 27};
	saved.entry[1] = (struct kvm_cpuid_entry2){.function = 7, .ebx = 1};
	CU_ASSERT_PTR_NULL(hv_cpuid_missing(&here, &saved));
	saved.entry[1].ebx = 3;
	e = hv_cpuid_missing(&here, &saved);
	CU_ASSERT_TRUE(e && e->function == 7);
	here.head.nent = 1; /* the leaf is not there at all */
	saved.entry[1].ebx = 1;
	CU_ASSERT_PTR_NOT_NULL(hv_cpuid_missing(&here, &saved));
}

static const struct tap_case cases[] = {
	{"serial ports, clock chip, SynIC", board},
	{"a network card", nic},
	{"a processor's state", processor},
	{"features a machine lacks", cpuid},
};
TAP_MAIN("hv-snapstate", cases)
