/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For LD_PRELOAD: a KVM that lacks something. NOKVM_CAP=N hides capability N; NOKVM_IOCTL=NAME lets one request fail with
 * ENOTTY, or NOKVM_ERRNO, the first NOKVM_AFTER times excepted.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int ioctl(int fd, unsigned long request, ...);

#define IS(name)                       \
	do {                           \
		if (!strcmp(s, #name)) \
			return name;   \
	} while (0)

static unsigned long number(const char *s)
{
	IS(KVM_GET_API_VERSION);
	IS(KVM_GET_VCPU_MMAP_SIZE);
	IS(KVM_GET_SUPPORTED_CPUID);
	IS(KVM_CREATE_VM);
	IS(KVM_SET_USER_MEMORY_REGION);
	IS(KVM_X86_SET_MSR_FILTER);
	IS(KVM_CREATE_IRQCHIP);
	IS(KVM_CREATE_VCPU);
	IS(KVM_SET_CPUID2);
	IS(KVM_SET_GSI_ROUTING);
	IS(KVM_IRQFD);
	IS(KVM_SET_REGS);
	IS(KVM_SET_SREGS);
	IS(KVM_RUN);
	abort();
}

static int fails(unsigned long request, unsigned long arg)
{
	static unsigned long seen;
	const char *cap = getenv("NOKVM_CAP"), *name = getenv("NOKVM_IOCTL");
	const char *after = getenv("NOKVM_AFTER"), *number_of = getenv("NOKVM_ERRNO");

	if (cap && request == KVM_CHECK_EXTENSION && arg == strtoul(cap, NULL, 0))
		return -1;
	if (!name || request != number(name) || seen++ < strtoul(after ? after : "0", NULL, 0))
		return 0;
	return number_of ? atoi(number_of) : ENOTTY;
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, unsigned long);
	unsigned long arg;
	va_list ap;
	int r;

	va_start(ap, request);
	arg = va_arg(ap, unsigned long);
	va_end(ap);
	if (!real)
		real = (int (*)(int, unsigned long, unsigned long))dlsym(RTLD_NEXT, "ioctl");
	r = fails(request, arg);
	if (r > 0)
		errno = r;
	return r > 0 ? -1 : r < 0 ? 0 : real(fd, request, arg);
}
