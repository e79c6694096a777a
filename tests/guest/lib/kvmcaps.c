/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kvmcaps - what the /dev/kvm of this machine offers a Hyper-V style guest.
 *
 * Prints one line "NAME VALUE" per fact: the Hyper-V capabilities, the Hyper-V CPUID leaves KVM
 * would give a guest, the SynIC enabled on a vCPU, and "guest-ran 1" after a guest of three
 * instructions has really executed. Exit status 1 when something could not even be asked.
 *
 * Source: Documentation/virt/kvm/api.rst; Hyper-V TLFS for the leaf numbers.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUEST_MEMORY_SIZE 0x10000u
#define GUEST_START       0x1000u
#define TEST_PORT         0x80
#define TEST_VALUE        0x5a
#define MAX_CPUID_ENTRIES 64
#define HV_CPUID_VENDOR   0x40000000u
#define HV_CPUID_LAST     0x400000ffu

static const struct {
	const char *name;
	int cap;
} caps[] = {
	{"KVM_CAP_HYPERV", KVM_CAP_HYPERV},
	{"KVM_CAP_HYPERV_TIME", KVM_CAP_HYPERV_TIME},
	{"KVM_CAP_HYPERV_SYNIC", KVM_CAP_HYPERV_SYNIC},
	{"KVM_CAP_HYPERV_SYNIC2", KVM_CAP_HYPERV_SYNIC2},
	{"KVM_CAP_HYPERV_VP_INDEX", KVM_CAP_HYPERV_VP_INDEX},
	{"KVM_CAP_HYPERV_EVENTFD", KVM_CAP_HYPERV_EVENTFD},
	{"KVM_CAP_HYPERV_CPUID", KVM_CAP_HYPERV_CPUID},
	{"KVM_CAP_IRQFD", KVM_CAP_IRQFD},
	{"KVM_CAP_IOEVENTFD", KVM_CAP_IOEVENTFD},
	{"KVM_CAP_SPLIT_IRQCHIP", KVM_CAP_SPLIT_IRQCHIP},
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int print_hyperv_cpuid(int vcpu)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX_CPUID_ENTRIES * sizeof(c->entries[0]));
	unsigned int n = 0;

	if (!c)
		return fail("calloc");
	c->nent = MAX_CPUID_ENTRIES;
	if (ioctl(vcpu, KVM_GET_SUPPORTED_HV_CPUID, c)) {
		free(c);
		return fail("KVM_GET_SUPPORTED_HV_CPUID");
	}
	for (unsigned int i = 0; i < c->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &c->entries[i];

		if (e->function < HV_CPUID_VENDOR || e->function > HV_CPUID_LAST)
			continue;
		printf("cpuid-%08x %08x,%08x,%08x,%08x\n", e->function, e->eax, e->ebx, e->ecx,
		       e->edx);
		n++;
	}
	printf("hyperv-leaves %u\n", n);
	free(c);
	return 0;
}

static int enable_synic(int vcpu)
{
	struct kvm_enable_cap c = {.cap = KVM_CAP_HYPERV_SYNIC2};

	printf("synic-enabled %d\n", ioctl(vcpu, KVM_ENABLE_CAP, &c) == 0);
	return 0;
}

/* The guest: out TEST_PORT, TEST_VALUE; hlt. In real mode, at GUEST_START. */
static int run_guest(int kvm, int vm, int vcpu)
{
	static const uint8_t code[] = {0xb0, TEST_VALUE, 0xe6, TEST_PORT, 0xf4};
	struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY_SIZE};
	struct kvm_regs regs = {.rip = GUEST_START, .rflags = 2};
	int run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0), wrote = 0;
	struct kvm_sregs sregs;
	struct kvm_run *run;
	uint8_t *memory;

	memory = mmap(NULL, GUEST_MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (memory == MAP_FAILED || run == MAP_FAILED)
		return fail("mmap");
	memcpy(memory + GUEST_START, code, sizeof(code));
	region.userspace_addr = (uintptr_t)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return fail("KVM_SET_USER_MEMORY_REGION");
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return fail("KVM_GET_SREGS");
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs) || ioctl(vcpu, KVM_SET_REGS, &regs))
		return fail("KVM_SET_REGS");
	/* Two exits are expected; a few more are allowed for signals. */
	for (int i = 0; i < 8; i++) {
		if (ioctl(vcpu, KVM_RUN, 0))
			return fail("KVM_RUN");
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == TEST_PORT)
			wrote = ((uint8_t *)run)[run->io.data_offset] == TEST_VALUE;
		else
			break;
	}
	printf("guest-ran %d\n", wrote && run->exit_reason == KVM_EXIT_HLT);
	return 0;
}

int main(void)
{
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, vcpu;

	if (kvm < 0)
		return fail("/dev/kvm");
	printf("api-version %d\n", ioctl(kvm, KVM_GET_API_VERSION, 0));
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0)
		return fail("KVM_CREATE_VM");
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		printf("%s %d\n", caps[i].name, ioctl(vm, KVM_CHECK_EXTENSION, caps[i].cap));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return fail("KVM_CREATE_VCPU");
	if (run_guest(kvm, vm, vcpu) || print_hyperv_cpuid(vcpu))
		return 1;
	close(vcpu);
	close(vm);

	/* SynIC needs the in-kernel interrupt controller; the tiny guest must halt without one. */
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	if (vm < 0 || ioctl(vm, KVM_CREATE_IRQCHIP, 0))
		return fail("KVM_CREATE_IRQCHIP");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		return fail("KVM_CREATE_VCPU");
	return enable_synic(vcpu);
}
