/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hyper-V registers in user space. */
#include <string.h>

#include "hv/usynic.h"

enum {
	MSR_OS_ID = 0x40000000,
	MSR_HYPERCALL = 0x40000001,
	MSR_VP_INDEX = 0x40000002,
	MSR_TSC_FREQUENCY = 0x40000022,
	MSR_APIC_FREQUENCY = 0x40000023,
	MSR_VP_ASSIST = 0x40000073,
	MSR_SCONTROL = 0x40000080,
	MSR_SVERSION = 0x40000081,
	MSR_SIEFP = 0x40000082,
	MSR_SIMP = 0x40000083,
	MSR_EOM = 0x40000084,
	MSR_SINT0 = 0x40000090,
	MSR_SINT15 = 0x4000009f,
	MSR_TSC_INVARIANT = 0x40000118,
	SINT = 2,
	N_SINTS = 16,
};
#define SINT_MASKED       (1u << 16)
#define SINT_RESET        SINT_MASKED
#define APIC_FREQUENCY_HZ 1000000000u

void hv_usynic_init(struct hv_usynic *u, struct hv_synic *synic, uint64_t tsc_hz)
{
	*u = (struct hv_usynic){.synic = synic, .tsc_hz = tsc_hz};
	for (unsigned int i = 0; i < HV_CPUS_MAX; i++) {
		for (unsigned int j = 0; j < N_SINTS; j++)
			u->vp[i].sint[j] = SINT_RESET;
	}
}

bool hv_usynic_rdmsr(const struct hv_usynic *u, unsigned int vp, uint32_t msr, uint64_t *v)
{
	*v = 0;
	switch (msr) {
	case MSR_OS_ID:
		*v = u->os_id;
		return true;
	case MSR_HYPERCALL:
		*v = u->hypercall;
		return true;
	case MSR_VP_INDEX:
		*v = vp;
		return true;
	case MSR_TSC_FREQUENCY:
		*v = u->tsc_hz;
		return true;
	case MSR_APIC_FREQUENCY:
		*v = APIC_FREQUENCY_HZ;
		return true;
	case MSR_VP_ASSIST:
		*v = u->vp[vp].assist;
		return true;
	case MSR_SCONTROL:
		*v = u->vp[vp].control;
		return true;
	case MSR_SVERSION:
		*v = 1;
		return true;
	case MSR_SIEFP:
		*v = u->vp[vp].siefp;
		return true;
	case MSR_SIMP:
		*v = u->vp[vp].simp;
		return true;
	case MSR_EOM:
	case MSR_TSC_INVARIANT:
		return true;
	default:
		if (msr < MSR_SINT0 || msr > MSR_SINT15)
			return false;
		*v = u->vp[vp].sint[msr - MSR_SINT0];
		return true;
	}
}

/* out %eax, $port; ret */
static void write_hypercall_page(struct hv_usynic *u)
{
	static const uint8_t code[] = {0xe7, HV_USYNIC_PORT, 0xc3};
	uint64_t gpa = u->hypercall & ~(uint64_t)(HV_PAGE_SIZE - 1);
	uint8_t *page = u->hypercall & 1 ? hv_ram_at(u->synic->ram, gpa, HV_PAGE_SIZE) : NULL;

	if (!page)
		return;
	memcpy(page, code, sizeof(code));
	hv_ram_mark(u->synic->ram, gpa, HV_PAGE_SIZE);
}

void hv_usynic_route(const struct hv_usynic *u)
{
	struct hv_route route[HV_CPUS_MAX];
	unsigned int n = 0;

	if (!u->synic->kvm)
		return;
	for (unsigned int i = 0; i < u->synic->n; i++) {
		uint64_t sint = u->vp[i].sint[SINT];

		if (sint & SINT_MASKED || (sint & 0xff) < 16)
			continue;
		route[n++] = (struct hv_route){.gsi = hv_synic_gsi(i),
					       .msi = true,
					       .address = HV_LAPIC_GPA | (uint64_t)i << 12,
					       .data = (uint32_t)(sint & 0xff)};
	}
	(void)hv_kvm_set_routes(u->synic->kvm, route, n);
}

bool hv_usynic_wrmsr(struct hv_usynic *u, unsigned int vp, uint32_t msr, uint64_t v, bool *eom)
{
	*eom = false;
	switch (msr) {
	case MSR_OS_ID:
		u->os_id = v;
		if (!v)
			u->hypercall &= ~1ull;
		return true;
	case MSR_HYPERCALL:
		if (u->os_id)
			u->hypercall = v;
		write_hypercall_page(u);
		return true;
	case MSR_VP_ASSIST:
		u->vp[vp].assist = v;
		return true;
	case MSR_SCONTROL:
		u->vp[vp].control = v;
		break;
	case MSR_SIEFP:
		u->vp[vp].siefp = v;
		break;
	case MSR_SIMP:
		u->vp[vp].simp = v;
		break;
	case MSR_EOM:
		*eom = true;
		return true;
	case MSR_TSC_INVARIANT:
		return true;
	default:
		if (msr < MSR_SINT0 || msr > MSR_SINT15)
			return false;
		u->vp[vp].sint[msr - MSR_SINT0] = v;
		if (msr == MSR_SINT0 + SINT)
			hv_usynic_route(u);
		return true;
	}
	hv_synic_set(u->synic, vp, u->vp[vp].control, u->vp[vp].simp, u->vp[vp].siefp);
	return true;
}
