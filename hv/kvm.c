/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The KVM partition. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hv/kvm.h"
#include "hv/layout.h"

#define MSR_VP_INDEX    0x40000002u
#define HYPERV_MSR_BASE 0x40000000u
#define HYPERV_MSRS     0x200u

static const struct {
	int cap;
	const char *name;
} needed[] = {
	{KVM_CAP_IRQCHIP, "in-kernel interrupt controllers (KVM_CAP_IRQCHIP)"},
	{KVM_CAP_USER_MEMORY, "user memory (KVM_CAP_USER_MEMORY)"},
	{KVM_CAP_IRQFD, "interrupts by eventfd (KVM_CAP_IRQFD)"},
	{KVM_CAP_IRQ_ROUTING, "interrupt routing (KVM_CAP_IRQ_ROUTING)"},
	{KVM_CAP_IMMEDIATE_EXIT, "immediate exits (KVM_CAP_IMMEDIATE_EXIT)"},
	{KVM_CAP_EXT_CPUID, "CPUID (KVM_CAP_EXT_CPUID)"},
};

const char *hv_kvm_hint(int r)
{
	switch (r) {
	case -ENOMEM:
		return "give the VM less with --memory, or stop another one";
	case -EBUSY: /* VMX is one's alone */
		return "another hypervisor has the processor: stop its VMs and unload its module";
	case -EMFILE:
	case -ENFILE:
		return "raise ulimit -n";
	default:
		return "the kernel log (dmesg) may say why; use a newer host kernel, or another "
		       "machine";
	}
}

static int missing(struct vd_err *err, const char *what)
{
	return vd_err_set(err, -ENOTSUP, VD_E_VM_KVM, "vm/kvm",
			  "use a newer host kernel, or another machine",
			  "the KVM of this machine lacks %s", what);
}

static int has(const struct hv_kvm *kvm, int cap)
{
	int r = ioctl(kvm->sys, KVM_CHECK_EXTENSION, cap);

	return r < 0 ? 0 : r;
}

static bool has_hyperv(const struct hv_kvm *kvm)
{
	return has(kvm, KVM_CAP_HYPERV_SYNIC2) && has(kvm, KVM_CAP_HYPERV_VP_INDEX) &&
	       has(kvm, KVM_CAP_HYPERV_EVENTFD) && has(kvm, KVM_CAP_SYS_HYPERV_CPUID);
}

static int cannot_open(const char *path, int errnum, struct vd_err *err)
{
	if (errnum == EACCES || errnum == EPERM)
		return vd_err_set(err, -errnum, VD_E_PERMISSION, "vm/kvm",
				  "add the user to the group kvm, or run as root",
				  "%s may not be used: %s", path, strerror(errnum));
	return vd_err_set(err, -errnum, VD_E_VM_KVM, "vm/kvm",
			  "load kvm-intel or kvm-amd (modprobe), turn on virtualisation in the "
			  "firmware, or on a virtual machine's host turn on nested virtualisation",
			  "%s cannot be opened: %s", path, strerror(errnum));
}

int hv_kvm_open(struct hv_kvm *kvm, const char *path, bool force_user_synic, struct vd_err *err)
{
	int r;

	*kvm = (struct hv_kvm){.sys = -1, .vm = -1};
	kvm->sys = open(path, O_RDWR | O_CLOEXEC);
	if (kvm->sys < 0)
		return cannot_open(path, errno, err);
	if (ioctl(kvm->sys, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		r = missing(err, "the stable interface (version 12)");
		goto fail;
	}
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!has(kvm, needed[i].cap)) {
			r = missing(err, needed[i].name);
			goto fail;
		}
	}
	kvm->user_synic = force_user_synic || !has_hyperv(kvm);
	if (kvm->user_synic && !has(kvm, KVM_CAP_X86_USER_SPACE_MSR)) {
		r = missing(err, "both Hyper-V support (CONFIG_KVM_HYPERV, Linux 5.11) and model-"
				 "specific registers in user space (KVM_CAP_X86_USER_SPACE_MSR)");
		goto fail;
	}
	r = ioctl(kvm->sys, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (r < (int)sizeof(struct kvm_run)) {
		r = missing(err, "a usable vCPU mapping");
		goto fail;
	}
	kvm->run_size = (size_t)r;
	return 0;

fail:
	hv_kvm_done(kvm);
	return r;
}

void hv_kvm_destroy_vm(struct hv_kvm *kvm)
{
	if (kvm->vm >= 0)
		close(kvm->vm);
	kvm->vm = -1;
	free(kvm->cpuid);
	kvm->cpuid = NULL;
}

void hv_kvm_done(struct hv_kvm *kvm)
{
	hv_kvm_destroy_vm(kvm);
	if (kvm->sys >= 0)
		close(kvm->sys);
	kvm->sys = -1;
}

static int make_cpuid(struct hv_kvm *kvm, unsigned int n_cpus, struct vd_err *err)
{
	struct hv_cpuid *host = calloc(1, sizeof(*host)), *hyperv = calloc(1, sizeof(*hyperv));
	struct hv_cpuid_cfg cfg = {.n_cpus = n_cpus, .user_synic = kvm->user_synic};
	int r = -ENOMEM;

	kvm->cpuid = calloc(1, sizeof(*kvm->cpuid));
	if (!host || !hyperv || !kvm->cpuid)
		goto out;
	cfg.tsc_deadline = has(kvm, KVM_CAP_TSC_DEADLINE_TIMER) > 0;
	host->head.nent = hyperv->head.nent = HV_CPUID_MAX;
	if (ioctl(kvm->sys, KVM_GET_SUPPORTED_CPUID, host) ||
	    (!kvm->user_synic && ioctl(kvm->sys, KVM_GET_SUPPORTED_HV_CPUID, hyperv))) {
		r = -errno;
		goto out;
	}
	r = hv_cpuid_build(&cfg, host, hyperv, kvm->cpuid);
out:
	free(host);
	free(hyperv);
	if (r == -ENOTSUP)
		return missing(err, "what VMBus needs of Hyper-V (SynIC, hypercalls, VP index)");
	return r ? vd_err_set(err, r, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(r),
			      "CPUID cannot be set up: %s", strerror(-r))
		 : 0;
}

static int set_memory(struct hv_kvm *kvm, const struct hv_ram *ram, uint32_t flags)
{
	for (unsigned int i = 0; i < ram->slots.n; i++) {
		const struct vmb_slot *s = &ram->slots.slot[i];
		struct kvm_userspace_memory_region m = {.slot = i,
							.flags = flags,
							.guest_phys_addr = s->gpa,
							.memory_size = s->size,
							.userspace_addr = (uintptr_t)s->host};

		if (ioctl(kvm->vm, KVM_SET_USER_MEMORY_REGION, &m))
			return -errno;
	}
	return 0;
}

int hv_kvm_log_dirty(struct hv_kvm *kvm, const struct hv_ram *ram, bool on)
{
	return set_memory(kvm, ram, on ? KVM_MEM_LOG_DIRTY_PAGES : 0);
}

static int enable_user_msr(struct hv_kvm *kvm)
{
	struct kvm_enable_cap cap = {.cap = KVM_CAP_X86_USER_SPACE_MSR,
				     .args = {KVM_MSR_EXIT_REASON_UNKNOWN |
					      KVM_MSR_EXIT_REASON_INVAL |
					      KVM_MSR_EXIT_REASON_FILTER}};

	/* All of Hyper-V's registers, also on a KVM that would serve some of them itself. */
	static uint8_t none[HYPERV_MSRS / 8];
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_ALLOW,
		.ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			    .nmsrs = HYPERV_MSRS,
			    .base = HYPERV_MSR_BASE,
			    .bitmap = none}}};

	if (ioctl(kvm->vm, KVM_ENABLE_CAP, &cap))
		return -errno;
	if (has(kvm, KVM_CAP_X86_MSR_FILTER) && ioctl(kvm->vm, KVM_X86_SET_MSR_FILTER, &filter))
		return -errno;
	return 0;
}

int hv_kvm_create_vm(struct hv_kvm *kvm, const struct hv_ram *ram, unsigned int n_cpus,
		     struct vd_err *err)
{
	uint64_t identity = HV_IDENTITY_GPA;
	const char *what = "creating the VM";
	int r, max = has(kvm, KVM_CAP_MAX_VCPUS);

	if (max && n_cpus > (unsigned int)max)
		return vd_err_set(err, -E2BIG, VD_E_VM_KVM, "vm/cpus", "give a smaller --cpus",
				  "KVM allows %d vCPUs in a VM, %u were asked for", max, n_cpus);
	r = make_cpuid(kvm, n_cpus, err);
	if (r)
		return r;
	kvm->vm = ioctl(kvm->sys, KVM_CREATE_VM, 0);
	if (kvm->vm < 0)
		goto fail;
	what = "giving it memory";
	r = set_memory(kvm, ram, 0);
	if (r) {
		errno = -r;
		goto fail;
	}
	/* only Intel's needs these; others may refuse */
	(void)ioctl(kvm->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
	(void)ioctl(kvm->vm, KVM_SET_TSS_ADDR, HV_TSS_GPA);
	what = "creating its interrupt controllers";
	if (ioctl(kvm->vm, KVM_CREATE_IRQCHIP, 0))
		goto fail;
	what = "taking its Hyper-V registers to user space";
	if (kvm->user_synic && enable_user_msr(kvm))
		goto fail;
	return 0;

fail:
	r = -errno;
	hv_kvm_destroy_vm(kvm);
	return vd_err_set(err, r, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(r), "KVM failed at %s: %s",
			  what, strerror(-r));
}

int hv_kvm_set_msr(int vcpu, uint32_t index, uint64_t v)
{
	struct hv_msrs m = {.n = 1, .entry = {{.index = index, .data = v}}};

	return ioctl(vcpu, KVM_SET_MSRS, &m) == 1 ? 0 : -EIO;
}

int hv_kvm_create_vcpu(struct hv_kvm *kvm, unsigned int index, struct vd_err *err)
{
	struct kvm_enable_cap synic = {.cap = KVM_CAP_HYPERV_SYNIC2};
	const char *what = "creating";
	int fd, r;

	fd = ioctl(kvm->vm, KVM_CREATE_VCPU, index);
	if (fd < 0)
		goto fail;
	what = "the CPUID of";
	hv_cpuid_set_apic_id(kvm->cpuid, index);
	if (ioctl(fd, KVM_SET_CPUID2, kvm->cpuid))
		goto fail;
	if (!kvm->user_synic) {
		what = "the SynIC of";
		if (ioctl(fd, KVM_ENABLE_CAP, &synic) || hv_kvm_set_msr(fd, MSR_VP_INDEX, index))
			goto fail;
	}
	return fd;

fail:
	r = errno ? -errno : -EIO;
	if (fd >= 0)
		close(fd);
	return vd_err_set(err, r, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(r),
			  "KVM failed at %s vCPU %u: %s", what, index, strerror(-r));
}

void hv_kvm_irq_line(struct hv_kvm *kvm, unsigned int gsi, bool level)
{
	struct kvm_irq_level l = {.irq = gsi, .level = level};

	(void)ioctl(kvm->vm, KVM_IRQ_LINE, &l);
}

int hv_kvm_irqfd(struct hv_kvm *kvm, unsigned int gsi, int fd, int resample)
{
	struct kvm_irqfd i = {.fd = (uint32_t)fd, .gsi = gsi};

	if (resample >= 0) {
		i.flags = KVM_IRQFD_FLAG_RESAMPLE;
		i.resamplefd = (uint32_t)resample;
	}
	return ioctl(kvm->vm, KVM_IRQFD, &i) ? -errno : 0;
}

int hv_kvm_set_routes(struct hv_kvm *kvm, const struct hv_route *route, unsigned int n)
{
	struct kvm_irq_routing *t =
		calloc(1, sizeof(*t) + (HV_IOAPIC_PINS + n) * sizeof(t->entries[0]));
	struct kvm_irq_routing_entry *e;
	int r;

	if (!t)
		return -ENOMEM;
	for (unsigned int i = 0; i < HV_IOAPIC_PINS; i++) {
		e = &t->entries[t->nr++];
		e->gsi = i;
		e->type = KVM_IRQ_ROUTING_IRQCHIP;
		e->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e->u.irqchip.pin = i;
	}
	for (unsigned int i = 0; i < n; i++) {
		e = &t->entries[t->nr++];
		e->gsi = route[i].gsi;
		if (route[i].msi) {
			e->type = KVM_IRQ_ROUTING_MSI;
			e->u.msi.address_lo = (uint32_t)route[i].address;
			e->u.msi.address_hi = (uint32_t)(route[i].address >> 32);
			e->u.msi.data = route[i].data;
		} else {
			e->type = KVM_IRQ_ROUTING_HV_SINT;
			e->u.hv_sint.vcpu = route[i].vp;
			e->u.hv_sint.sint = route[i].sint;
		}
	}
	r = ioctl(kvm->vm, KVM_SET_GSI_ROUTING, t) ? -errno : 0;
	free(t);
	return r;
}

int hv_kvm_event_fd(struct hv_kvm *kvm, uint32_t connection, int fd, bool on)
{
	struct kvm_hyperv_eventfd e = {
		.conn_id = connection, .fd = fd, .flags = on ? 0 : KVM_HYPERV_EVENTFD_DEASSIGN};

	return ioctl(kvm->vm, KVM_HYPERV_EVENTFD, &e) ? -errno : 0;
}
