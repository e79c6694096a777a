/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "hv/cpuid.h"
#include "tests/unit/tap.h"

static struct hv_cpuid host, hyperv, ret;

static void leaf(struct hv_cpuid *c, uint32_t function, uint32_t eax, uint32_t ebx, uint32_t ecx,
		 uint32_t edx)
{
	c->entry[c->head.nent++] = (struct kvm_cpuid_entry2){
		.function = function, .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx};
}

static void set_up(void)
{
	host.head.nent = hyperv.head.nent = 0;
	leaf(&host, 0, 0xd, 0, 0, 0);
	leaf(&host, 1, 0, 0x00100800, 1u << 5 | 1u << 21, 0);
	leaf(&host, 0xb, 7, 7, 7, 7);
	leaf(&host, 0x40000000, 0x40000001, 0x4b4d564b, 0, 0); /* KVM's own */
	leaf(&host, 0x80000001, 0, 0, 1u << 2, 0);
	leaf(&host, 0x80000008, 0x3028, 0, 0, 0);
	leaf(&host, 0x8000000a, 1, 8, 0, 0);
	leaf(&hyperv, 0x40000003, 0xffff, 0xfff, 0, 0x80500);
}

static int build(unsigned int n_cpus, bool user)
{
	struct hv_cpuid_cfg cfg = {.n_cpus = n_cpus, .user_synic = user, .tsc_deadline = true};

	return hv_cpuid_build(&cfg, &host, user ? NULL : &hyperv, &ret);
}

static void hyperv_is_seen(void)
{
	struct kvm_cpuid_entry2 *e;

	set_up();
	CU_ASSERT_EQUAL_FATAL(build(1, false), 0);
	e = hv_cpuid_find(&ret, 0x40000000, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(memcmp(&e->ebx, "Micr", 4), 0);
	CU_ASSERT_TRUE(e->eax >= 0x40000005);
	e = hv_cpuid_find(&ret, 0x40000001, 0);
	CU_ASSERT_EQUAL(memcmp(&e->eax, "Hv#1", 4), 0);
	e = hv_cpuid_find(&ret, 0x40000003, 0);
	CU_ASSERT_EQUAL(e->eax & 0x74, 0x74); /* SynIC, APIC, hypercalls, VP index */
	CU_ASSERT_EQUAL(e->ebx, 0x30);        /* never partition id or CPU management */
	e = hv_cpuid_find(&ret, 1, 0);
	CU_ASSERT_TRUE(e->ecx & 1u << 31);
}

static void no_nesting(void)
{
	set_up();
	CU_ASSERT_EQUAL_FATAL(build(1, false), 0);
	CU_ASSERT_FALSE(hv_cpuid_find(&ret, 1, 0)->ecx & 1u << 5);
	CU_ASSERT_FALSE(hv_cpuid_find(&ret, 0x80000001, 0)->ecx & 1u << 2);
	CU_ASSERT_PTR_NULL(hv_cpuid_find(&ret, 0x8000000a, 0));
}

static void topology(void)
{
	static const struct {
		unsigned int n, shift;
	} rows[] = {{1, 0}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {64, 6}};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_up();
		CU_ASSERT_EQUAL_FATAL(build(rows[i].n, false), 0);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 0xb, 0)->ebx, 1);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 0xb, 1)->ebx, rows[i].n);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 0xb, 1)->eax, rows[i].shift);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 0x80000008, 0)->ecx,
				rows[i].shift << 12 | (rows[i].n - 1));
		hv_cpuid_set_apic_id(&ret, rows[i].n - 1);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 1, 0)->ebx >> 24, rows[i].n - 1);
		CU_ASSERT_EQUAL(hv_cpuid_find(&ret, 0xb, 0)->edx, rows[i].n - 1);
	}
}

static void no_timers(void)
{
	set_up();
	CU_ASSERT_EQUAL_FATAL(build(1, false), 0);
	CU_ASSERT_FALSE(hv_cpuid_find(&ret, 0x40000003, 0)->eax & 1u << 3);
	CU_ASSERT_FALSE(hv_cpuid_find(&ret, 0x40000003, 0)->edx & 1u << 19);
}

static void lacking(void)
{
	set_up();
	hyperv.entry[0].eax &= ~(1u << 2);
	CU_ASSERT_EQUAL(build(1, false), -ENOTSUP);
	hyperv.head.nent = 0;
	CU_ASSERT_EQUAL(build(1, false), -ENOTSUP);
	CU_ASSERT_EQUAL(build(1, true), 0); /* our own needs nothing of KVM's */
	CU_ASSERT_FALSE(hv_cpuid_find(&ret, 0x40000003, 0)->eax & (1u << 1 | 1u << 3 | 1u << 9));
}

static void too_many(void)
{
	set_up();
	while (host.head.nent < HV_CPUID_MAX)
		leaf(&host, 0x80000100, 0, 0, 0, 0);
	CU_ASSERT_EQUAL(build(1, false), -E2BIG);
}

static const struct tap_case cases[] = {
	{"the guest sees Hyper-V", hyperv_is_seen},
	{"nested virtualisation is not offered", no_nesting},
	{"one package of n cores", topology},
	{"synthetic timers are not offered", no_timers},
	{"a KVM that lacks the SynIC is refused", lacking},
	{"more leaves than fit", too_many},
};
TAP_MAIN("hv-cpuid", cases)
