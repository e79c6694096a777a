/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID leaves. */
#include <errno.h>
#include <string.h>

#include "hv/cpuid.h"

#define HYPERV_BASE   0x40000000u
#define HYPERV_LAST   0x400000ffu
#define TOPOLOGY_LEAF 0x0000000bu

/* 0x40000003: privileges */
#define PRIV_SYNIC     (1u << 2)
#define PRIV_APIC      (1u << 4)
#define PRIV_HYPERCALL (1u << 5)
#define PRIV_VP_INDEX  (1u << 6)
#define PRIV_FREQUENCY (1u << 11)
#define PRIV_INVARIANT (1u << 15)
/*
 * What KVM does for us: run time, reference counter, reset, TSC page. No synthetic timers: Linux loses
 * them for good, and hangs, when hv_vmbus is unloaded, and in their other mode their messages would
 * share the slot that VMBus uses. LAPIC timers do as well.
 */
#define PRIV_KERNEL     0xaf7u
#define PRIV_B_MESSAGES (1u << 4 | 1u << 5) /* post messages, signal events */
#define FEAT_FREQUENCY  (1u << 8)
#define FEAT_CRASH      (1u << 10)
/* 0x40000004: recommendations */
#define REC_RELAXED_TIMING (1u << 5)
#define REC_NO_AUTO_EOI    (1u << 9)

struct kvm_cpuid_entry2 *hv_cpuid_find(struct hv_cpuid *c, uint32_t leaf, uint32_t index)
{
	for (uint32_t i = 0; i < c->head.nent; i++) {
		if (c->entry[i].function == leaf && c->entry[i].index == index)
			return &c->entry[i];
	}
	return NULL;
}

static struct kvm_cpuid_entry2 *add(struct hv_cpuid *c, uint32_t leaf)
{
	struct kvm_cpuid_entry2 *e;

	if (c->head.nent >= HV_CPUID_MAX)
		return NULL;
	e = &c->entry[c->head.nent++];
	*e = (struct kvm_cpuid_entry2){.function = leaf};
	return e;
}

static unsigned int shift_of(unsigned int n)
{
	unsigned int shift = 0;

	while (1u << shift < n)
		shift++;
	return shift;
}

/* One package of n cores without siblings, told in each of the ways that kernels look for. */
static void set_topology(struct hv_cpuid *c, unsigned int n)
{
	struct kvm_cpuid_entry2 *e;

	for (uint32_t i = 0; i < c->head.nent; i++) {
		e = &c->entry[i];
		switch (e->function) {
		case 0x00000001:
			e->ebx = (e->ebx & 0x0000ffff) | n << 16;
			e->edx = (e->edx & ~(1u << 28)) | (n > 1 ? 1u << 28 : 0);
			break;
		case 0x00000004:
			e->eax = (e->eax & ~0xfc000000u) | (n - 1) << 26;
			break;
		case 0x80000001:
			e->ecx = (e->ecx & ~(1u << 1 | 1u << 22)) | (n > 1 ? 1u << 1 : 0);
			break;
		case 0x80000008:
			e->ecx = shift_of(n) << 12 | (n - 1);
			break;
		default:
			break;
		}
	}
}

/* The extended topology: siblings (none), then cores. KVM gives it without its levels. */
static int add_topology(struct hv_cpuid *c, unsigned int n)
{
	struct kvm_cpuid_entry2 *e = hv_cpuid_find(c, 0, 0);

	if (!e || e->eax < TOPOLOGY_LEAF)
		return 0;
	for (uint32_t level = 0; level < 3; level++) {
		e = add(c, TOPOLOGY_LEAF);
		if (!e)
			return -E2BIG;
		e->index = level;
		e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		e->eax = level == 1 ? shift_of(n) : 0;
		e->ebx = level == 0 ? 1 : level == 1 ? n : 0;
		e->ecx = level | (level < 2 ? (level + 1) << 8 : 0);
	}
	return 0;
}

static bool keep(uint32_t leaf)
{
	/* KVM's own leaves would make Linux prefer KVM to Hyper-V; AMD's SVM leaf goes with SVM. */
	return !(leaf >= HYPERV_BASE && leaf <= HYPERV_LAST) && leaf != 0x8000000a &&
	       leaf != 0x8000001e && leaf != TOPOLOGY_LEAF && leaf != 0x0000001f;
}

static void set_features(const struct hv_cpuid_cfg *cfg, struct hv_cpuid *c)
{
	struct kvm_cpuid_entry2 *e = hv_cpuid_find(c, 1, 0);

	if (e) {
		e->ecx &= ~(1u << 5); /* VMX */
		e->ecx |= 1u << 31;   /* there is a hypervisor */
		if (cfg->tsc_deadline)
			e->ecx |= 1u << 24;
	}
	e = hv_cpuid_find(c, 0x80000001, 0);
	if (e)
		e->ecx &= ~(1u << 2); /* SVM */
}

struct leaf_values {
	uint32_t priv, priv_b, features, recommend;
};

static int hyperv_values(const struct hv_cpuid_cfg *cfg, struct hv_cpuid *hyperv,
			 struct leaf_values *ret)
{
	const uint32_t need = PRIV_SYNIC | PRIV_APIC | PRIV_HYPERCALL | PRIV_VP_INDEX;
	struct kvm_cpuid_entry2 *e;

	if (cfg->user_synic) {
		*ret = (struct leaf_values){need | PRIV_FREQUENCY | PRIV_INVARIANT, PRIV_B_MESSAGES,
					    FEAT_FREQUENCY, REC_RELAXED_TIMING | REC_NO_AUTO_EOI};
		return 0;
	}
	e = hyperv ? hv_cpuid_find(hyperv, HYPERV_BASE + 3, 0) : NULL;
	if (!e || (e->eax & need) != need || (e->ebx & PRIV_B_MESSAGES) != PRIV_B_MESSAGES)
		return -ENOTSUP;
	ret->priv = e->eax & PRIV_KERNEL;
	ret->priv_b = PRIV_B_MESSAGES;
	ret->features = e->edx & (FEAT_FREQUENCY | FEAT_CRASH);
	ret->recommend = REC_RELAXED_TIMING | REC_NO_AUTO_EOI;
	return 0;
}

static int add_hyperv(const struct hv_cpuid_cfg *cfg, struct hv_cpuid *hyperv, struct hv_cpuid *c)
{
	struct leaf_values v;
	struct kvm_cpuid_entry2 *e;
	int r = hyperv_values(cfg, hyperv, &v);

	if (r)
		return r;
	for (uint32_t leaf = HYPERV_BASE; leaf <= HYPERV_BASE + 6; leaf++) {
		e = add(c, leaf);
		if (!e)
			return -E2BIG;
		switch (leaf - HYPERV_BASE) {
		case 0:
			e->eax = HYPERV_BASE + 6;
			memcpy(&e->ebx, "Micr", 4);
			memcpy(&e->ecx, "osof", 4);
			memcpy(&e->edx, "t Hv", 4);
			break;
		case 1:
			memcpy(&e->eax, "Hv#1", 4);
			break;
		case 2:
			e->eax = 14393;
			e->ebx = 10u << 16;
			break;
		case 3:
			e->eax = v.priv;
			e->ebx = v.priv_b;
			e->edx = v.features;
			break;
		case 4:
			e->eax = v.recommend;
			e->ebx = UINT32_MAX; /* never tell us of long spins */
			break;
		case 5:
			e->eax = 1024;
			e->ebx = 64;
			break;
		default:
			break;
		}
	}
	return 0;
}

int hv_cpuid_build(const struct hv_cpuid_cfg *cfg, struct hv_cpuid *host, struct hv_cpuid *hyperv,
		   struct hv_cpuid *ret)
{
	int r;

	memset(&ret->head, 0, sizeof(ret->head));
	for (uint32_t i = 0; i < host->head.nent; i++) {
		if (!keep(host->entry[i].function))
			continue;
		if (ret->head.nent >= HV_CPUID_MAX)
			return -E2BIG;
		ret->entry[ret->head.nent++] = host->entry[i];
	}
	set_topology(ret, cfg->n_cpus);
	set_features(cfg, ret);
	r = add_topology(ret, cfg->n_cpus);
	return r ? r : add_hyperv(cfg, hyperv, ret);
}

void hv_cpuid_set_apic_id(struct hv_cpuid *c, uint32_t apic_id)
{
	for (uint32_t i = 0; i < c->head.nent; i++) {
		struct kvm_cpuid_entry2 *e = &c->entry[i];

		if (e->function == 1)
			e->ebx = (e->ebx & 0x00ffffff) | apic_id << 24;
		else if (e->function == TOPOLOGY_LEAF)
			e->edx = apic_id;
	}
}

/* Leaves whose bits are features; those that follow what the guest switched on are not looked at. */
static const struct {
	uint32_t leaf, index;
	uint32_t eax, ebx, ecx, edx;
} feature_bits[] = {
	{0x1, 0, 0, 0, ~(1u << 27 | 1u << 31), UINT32_MAX}, /* but OSXSAVE */
	{0x7, 0, 0, UINT32_MAX, ~(1u << 4), UINT32_MAX},    /* but OSPKE */
	{0x7, 1, UINT32_MAX, 0, 0, 0},
	{0xd, 0, UINT32_MAX, 0, 0, UINT32_MAX}, /* parts of the extended state */
	{0xd, 1, UINT32_MAX, 0, 0, 0},
	{0x40000003, 0, UINT32_MAX, UINT32_MAX, 0, UINT32_MAX},
	{0x80000001, 0, 0, 0, UINT32_MAX, UINT32_MAX},
	{0x80000008, 0, 0, UINT32_MAX, 0, 0},
};

const struct kvm_cpuid_entry2 *hv_cpuid_missing(struct hv_cpuid *here, const struct hv_cpuid *saved)
{
	static const struct kvm_cpuid_entry2 nothing;

	for (uint32_t i = 0; i < saved->head.nent && i < HV_CPUID_MAX; i++) {
		const struct kvm_cpuid_entry2 *e = &saved->entry[i], *h;

		for (size_t j = 0; j < sizeof(feature_bits) / sizeof(feature_bits[0]); j++) {
			if (feature_bits[j].leaf != e->function ||
			    feature_bits[j].index != e->index)
				continue;
			h = hv_cpuid_find(here, e->function, e->index);
			h = h ? h : &nothing;
			if ((e->eax & ~h->eax & feature_bits[j].eax) ||
			    (e->ebx & ~h->ebx & feature_bits[j].ebx) ||
			    (e->ecx & ~h->ecx & feature_bits[j].ecx) ||
			    (e->edx & ~h->edx & feature_bits[j].edx))
				return e;
		}
	}
	return NULL;
}
