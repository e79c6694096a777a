/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers of a vCPU: out of KVM, and into another one. */
#include "hv/snapshot/vcpu_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmbus-netvsp/blob.h"

#define MSRS_MAX     512u
#define XSAVE_MAX    16384u
#define MSR_TSC      0x10u
#define MSR_DEADLINE 0x6e0u

enum kind { K_MP, K_REGS, K_SREGS, K_XSAVE, K_XCRS, K_LAPIC, K_MSRS, K_EVENTS, K_DEBUG, K_N };

/* In the order of the file, which is that of reading: KVM_GET_MP_STATE settles what APs are in. */
static const struct {
	unsigned long get, set;
	uint32_t size; /* bytes; 0: varies */
	bool needed;
	const char *name;
} kinds[K_N] = {
	[K_MP] = {KVM_GET_MP_STATE, KVM_SET_MP_STATE, sizeof(struct kvm_mp_state), true,
		  "run state"},
	[K_REGS] = {KVM_GET_REGS, KVM_SET_REGS, sizeof(struct kvm_regs), true, "general registers"},
	[K_SREGS] = {KVM_GET_SREGS, KVM_SET_SREGS, sizeof(struct kvm_sregs), true,
		     "system registers"},
	[K_XSAVE] = {KVM_GET_XSAVE2, KVM_SET_XSAVE, 0, true, "floating-point registers"},
	[K_XCRS] = {KVM_GET_XCRS, KVM_SET_XCRS, sizeof(struct kvm_xcrs), false,
		    "extended control registers"},
	[K_LAPIC] = {KVM_GET_LAPIC, KVM_SET_LAPIC, sizeof(struct kvm_lapic_state), true,
		     "local APIC"},
	[K_MSRS] = {0, 0, 0, true, "model-specific registers"},
	[K_EVENTS] = {KVM_GET_VCPU_EVENTS, KVM_SET_VCPU_EVENTS, sizeof(struct kvm_vcpu_events),
		      true, "events"},
	[K_DEBUG] = {KVM_GET_DEBUGREGS, KVM_SET_DEBUGREGS, sizeof(struct kvm_debugregs), false,
		     "debug registers"},
};

/* Hyper-V's registers go behind the others, in this order: enabling comes after what is enabled. */
static const struct {
	uint32_t first, n;
} hyperv[] = {
	{0x40000000, 2},  /* identity, hypercall page */
	{0x40000021, 1},  /* TSC page */
	{0x40000073, 1},  /* VP assist page */
	{0x40000080, 1},  /* SynIC on */
	{0x40000082, 2},  /* event and message page */
	{0x40000090, 16}, /* SINTs */
	{0x400000b0, 8},  /* timers: configuration, count */
	{0x40000100, 6},  /* crash */
	{0x40000106, 3},  /* re-enlightenment */
	{0x40000118, 1},  /* invariant TSC */
};

/* Not in KVM's list, but there: memory types. */
static const struct {
	uint32_t first, n;
} more[] = {{0x200, 16}, {0x250, 1}, {0x258, 2}, {0x268, 8}, {0x2ff, 1}};

struct msrs {
	uint32_t n, padding;
	struct kvm_msr_entry entry[MSRS_MAX];
};

static void add_msrs(struct msrs *m, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n && m->n < MSRS_MAX; i++)
		m->entry[m->n++].index = first + i;
}

/* Which there may be; not all can be read. */
static int list_msrs(const struct hv_kvm *kvm, struct msrs *m)
{
	/* laid out as struct kvm_msr_list */
	struct {
		uint32_t n, index[MSRS_MAX];
	} list = {.n = MSRS_MAX};

	m->n = 0;
	if (ioctl(kvm->sys, KVM_GET_MSR_INDEX_LIST, &list))
		return -errno;
	for (uint32_t i = 0; i < list.n; i++)
		if (list.index[i] >> 12 != 0x40000 && list.index[i] != MSR_DEADLINE)
			add_msrs(m, list.index[i], 1);
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		add_msrs(m, more[i].first, more[i].n);
	for (size_t i = 0; !kvm->user_synic && i < sizeof(hyperv) / sizeof(hyperv[0]); i++)
		add_msrs(m, hyperv[i].first, hyperv[i].n);
	add_msrs(m, MSR_DEADLINE, 1);
	return 0;
}

static int save_msrs(int vcpu, const struct hv_kvm *kvm, struct blob_out *b)
{
	struct msrs *all = calloc(1, sizeof(*all)), *some = calloc(1, sizeof(*some));
	uint32_t at = 0, n = 0;
	int got = all && some ? list_msrs(kvm, all) : -ENOMEM;

	/* KVM stops at the first that it does not have: go on behind it */
	while (!got && at < all->n) {
		some->n = all->n - at;
		memcpy(some->entry, all->entry + at, some->n * sizeof(some->entry[0]));
		got = ioctl(vcpu, KVM_GET_MSRS, some);
		if (got < 0)
			break;
		memcpy(all->entry + n, some->entry, (size_t)got * sizeof(some->entry[0]));
		n += (uint32_t)got;
		at += (uint32_t)got + 1;
		got = 0;
	}
	if (!got) {
		blob_put32(b, K_MSRS);
		blob_put32(b, n * (uint32_t)sizeof(all->entry[0]));
		blob_put(b, all->entry, n * sizeof(all->entry[0]));
	}
	free(all);
	free(some);
	return got < 0 ? -errno : 0;
}

static uint32_t xsave_size(const struct hv_kvm *kvm)
{
	int n = ioctl(kvm->vm, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);

	return n > (int)sizeof(struct kvm_xsave) ? (uint32_t)n : (uint32_t)sizeof(struct kvm_xsave);
}

int64_t hv_vcpu_state_save(int vcpu, const struct hv_kvm *kvm, void *buf, size_t room)
{
	struct blob_out b = {buf, room, 0};
	uint64_t data[XSAVE_MAX / 8];
	int r = 0;

	for (unsigned int k = 0; k < K_N && !r; k++) {
		uint32_t size = k == K_XSAVE ? xsave_size(kvm) : kinds[k].size;
		unsigned long get = kinds[k].get;

		if (k == K_MSRS) {
			r = save_msrs(vcpu, kvm, &b);
			continue;
		}
		if (size > sizeof(data))
			return -E2BIG;
		if (k == K_XSAVE && size == sizeof(struct kvm_xsave))
			get = KVM_GET_XSAVE;
		memset(data, 0, size);
		if (ioctl(vcpu, get, data)) {
			r = kinds[k].needed ? -errno : 0;
			continue;
		}
		blob_put32(&b, k);
		blob_put32(&b, size);
		blob_put(&b, data, size);
	}
	return r ? r : b.size > room ? -E2BIG : (int64_t)b.size;
}

/* ---- back ---- */

struct part {
	const uint8_t *p;
	uint32_t size;
};

static bool size_is_good(uint32_t kind, uint32_t size)
{
	if (kind == K_XSAVE)
		return size >= sizeof(struct kvm_xsave) && size <= XSAVE_MAX;
	if (kind == K_MSRS)
		return size % sizeof(struct kvm_msr_entry) == 0 &&
		       size <= MSRS_MAX * sizeof(struct kvm_msr_entry);
	return size == kinds[kind].size;
}

static int parse(const void *buf, size_t size, struct part part[K_N])
{
	struct blob_in b = {buf, size, false};

	memset(part, 0, K_N * sizeof(*part));
	while (b.left) {
		uint32_t kind = blob_get32(&b), n = blob_get32(&b);

		if (b.bad || kind >= K_N || part[kind].p || n > b.left || !size_is_good(kind, n))
			return -EINVAL;
		part[kind] = (struct part){b.p, n};
		b.p += n;
		b.left -= n;
	}
	for (unsigned int k = 0; k < K_N; k++)
		if (kinds[k].needed && !part[k].p)
			return -EINVAL;
	return 0;
}

int hv_vcpu_state_check(const void *buf, size_t size)
{
	struct part part[K_N];

	return parse(buf, size, part);
}

static int refused(struct vd_err *err, int r, const char *what)
{
	return vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm/snapshot",
			  "restore it on a machine like the one that saved it",
			  "KVM refuses the saved %s of a processor: %s", what, strerror(-r));
}

static int set_part(int vcpu, unsigned int kind, const struct part *part, struct vd_err *err)
{
	uint64_t data[XSAVE_MAX / 8] = {0};

	if (!part[kind].p)
		return 0;
	memcpy(data, part[kind].p, part[kind].size);
	return ioctl(vcpu, kinds[kind].set, data) < 0 ? refused(err, -errno, kinds[kind].name) : 0;
}

/* A register that cannot be written does no harm where it is what it shall be already. */
static bool is_so_already(int vcpu, const struct kvm_msr_entry *want)
{
	struct hv_msrs m = {.n = 1, .entry = {{.index = want->index}}};

	return ioctl(vcpu, KVM_GET_MSRS, &m) == 1 && m.entry[0].data == want->data;
}

static int set_msrs(int vcpu, const struct part *part, struct vd_err *err)
{
	uint32_t total = part->size / (uint32_t)sizeof(struct kvm_msr_entry), at = 0;
	struct msrs *m = calloc(1, sizeof(*m));
	int r = 0;

	if (!m)
		return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	while (!r && at < total) {
		m->n = total - at;
		memcpy(m->entry, part->p + at * sizeof(m->entry[0]), m->n * sizeof(m->entry[0]));
		r = ioctl(vcpu, KVM_SET_MSRS, m);
		if (r < 0) {
			r = refused(err, -errno, kinds[K_MSRS].name);
			break;
		}
		at += (uint32_t)r;
		if ((uint32_t)r < m->n && !is_so_already(vcpu, &m->entry[r])) {
			r = vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot",
				       "restore it on a machine like the one that saved it",
				       "KVM refuses 0x%llx in model-specific register 0x%x",
				       (unsigned long long)m->entry[r].data, m->entry[r].index);
			break;
		}
		at += (uint32_t)r < m->n;
		r = 0;
	}
	free(m);
	return r;
}

int hv_vcpu_state_restore(int vcpu, const struct hv_kvm *kvm, const void *buf, size_t size,
			  struct vd_err *err)
{
	/* control registers decide what the others may hold; the APIC is before its deadline timer */
	static const uint8_t order[] = {K_SREGS, K_REGS,   K_XCRS,  K_XSAVE, K_LAPIC,
					K_MSRS,  K_EVENTS, K_DEBUG, K_MP};
	struct part part[K_N];
	int r = 0;

	if (parse(buf, size, part))
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
				  "the state of a processor in the snapshot makes no sense");
	if (part[K_XSAVE].size > xsave_size(kvm))
		return refused(err, -EINVAL, kinds[K_XSAVE].name);
	for (size_t i = 0; i < sizeof(order) && !r; i++)
		r = order[i] == K_MSRS ? set_msrs(vcpu, &part[K_MSRS], err)
				       : set_part(vcpu, order[i], part, err);
	return r;
}
