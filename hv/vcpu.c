/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vCPU threads: enter the guest, serve why it came out, enter again. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hv/layout.h"
#include "hv/usynic.h"
#include "hv/vcpu.h"

#define KICK_SIGNAL SIGUSR1

#define MSR_CRASH_P0      0x40000100u
#define MSR_MTRR_DEF_TYPE 0x2ffu
#define MSR_MISC_ENABLE   0x1a0u

enum { CR0_PE = 1, CR0_ET = 0x10, CR0_NE = 0x20, CR0_WP = 0x10000, CR4_PAE = 0x20 };
#define CR0_PG    0x80000000u
#define EFER_LONG 0x500u /* LME, LMA */

static void on_kick(int signo)
{
	(void)signo; /* being interrupted is all it is for */
}

int hv_vcpu_init(struct hv_vcpu *v, struct hv_kvm *kvm, unsigned int index,
		 const struct hv_vcpu_ops *ops, void *ctx, struct vd_err *err)
{
	struct sigaction sa = {.sa_handler = on_kick};
	void *run;

	*v = (struct hv_vcpu){.index = index, .ops = ops, .ctx = ctx};
	v->fd = hv_kvm_create_vcpu(kvm, index, err);
	if (v->fd < 0)
		return v->fd;
	run = mmap(NULL, kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (run == MAP_FAILED) {
		int r = -errno;

		close(v->fd);
		v->fd = -1;
		return vd_err_set(err, r, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(r),
				  "vCPU %u cannot be mapped: %s", index, strerror(-r));
	}
	v->run = run;
	v->run_size = kvm->run_size;
	/* Memory is write-back and string moves are fast; a KVM without these does not mind. */
	(void)hv_kvm_set_msr(v->fd, MSR_MTRR_DEF_TYPE, 1u << 11 | 6);
	(void)hv_kvm_set_msr(v->fd, MSR_MISC_ENABLE, 1);
	sigaction(KICK_SIGNAL, &sa, NULL);
	return 0;
}

void hv_vcpu_done(struct hv_vcpu *v)
{
	if (v->run)
		munmap(v->run, v->run_size);
	if (v->run && v->fd >= 0)
		close(v->fd);
	v->run = NULL;
	v->fd = -1;
}

static void flat_segments(struct kvm_sregs *s, const struct hv_entry *entry)
{
	struct kvm_segment code = {.limit = UINT32_MAX,
				   .selector = entry->pvh ? 0x20 : 0x10,
				   .type = 11,
				   .present = 1,
				   .s = 1,
				   .g = 1,
				   .db = entry->pvh,
				   .l = !entry->pvh};
	struct kvm_segment data = {.limit = UINT32_MAX,
				   .selector = 0x18,
				   .type = 3,
				   .present = 1,
				   .s = 1,
				   .g = 1,
				   .db = 1};

	s->cs = code;
	s->ds = s->es = s->fs = s->gs = s->ss = data;
	s->gdt.base = HV_GDT_GPA;
	s->gdt.limit = 5 * 8 - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->tr = (struct kvm_segment){.limit = 0xffff, .type = 11, .present = 1};
}

int hv_vcpu_set_entry(struct hv_vcpu *v, const struct hv_entry *entry, struct vd_err *err)
{
	struct kvm_regs regs = {
		.rip = entry->rip, .rflags = 2, .rsp = HV_BOOT_STACK_GPA, .rbp = HV_BOOT_STACK_GPA};
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s))
		goto fail;
	flat_segments(&s, entry);
	s.cr0 = CR0_PE | CR0_ET | CR0_NE;
	if (entry->pvh) {
		regs.rbx = entry->info;
	} else {
		regs.rsi = entry->info;
		s.cr0 |= CR0_WP | CR0_PG;
		s.cr3 = HV_PAGE_TABLE_GPA;
		s.cr4 = CR4_PAE;
		s.efer = EFER_LONG;
	}
	if (ioctl(v->fd, KVM_SET_SREGS, &s) || ioctl(v->fd, KVM_SET_REGS, &regs))
		goto fail;
	return 0;

fail:
	return vd_err_set(err, -errno, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(-errno),
			  "the registers of the first vCPU cannot be set: %s", strerror(errno));
}

/* Hypercalls of a guest whose hypercall page is ours: an OUT to a port of our own. */
static void stub_hypercall(struct hv_vcpu *v)
{
	struct kvm_regs regs;

	if (ioctl(v->fd, KVM_GET_REGS, &regs))
		return;
	regs.rax = v->ops->hypercall(v->ctx, v->index, regs.rcx, regs.rdx, regs.r8);
	(void)ioctl(v->fd, KVM_SET_REGS, &regs);
}

static enum hv_event on_io(struct hv_vcpu *v)
{
	struct kvm_run *run = v->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	enum hv_event ev = HV_EV_NONE;
	uint32_t value;

	if (run->io.direction == KVM_EXIT_IO_OUT && run->io.port == HV_USYNIC_PORT) {
		stub_hypercall(v);
		return HV_EV_NONE;
	}
	for (uint32_t i = 0; i < run->io.count && ev == HV_EV_NONE; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_OUT) {
			value = 0;
			memcpy(&value, data, run->io.size);
			ev = v->ops->pio_write(v->ctx, run->io.port, value, run->io.size);
		} else {
			value = v->ops->pio_read(v->ctx, run->io.port, run->io.size);
			memcpy(data, &value, run->io.size);
		}
	}
	return ev;
}

static void on_crash(struct hv_vcpu *v)
{
	struct hv_msrs m = {.n = 5};
	uint64_t param[5];

	for (uint32_t i = 0; i < 5; i++)
		m.entry[i].index = MSR_CRASH_P0 + i;
	(void)ioctl(v->fd, KVM_GET_MSRS, &m);
	for (uint32_t i = 0; i < 5; i++)
		param[i] = m.entry[i].data;
	v->ops->crashed(v->ctx, v->index, param);
}

static enum hv_event on_system_event(struct hv_vcpu *v)
{
	switch (v->run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		return HV_EV_OFF;
	case KVM_SYSTEM_EVENT_RESET:
		return HV_EV_RESET;
	case KVM_SYSTEM_EVENT_CRASH:
		on_crash(v);
		return HV_EV_NONE;
	default:
		return HV_EV_NONE;
	}
}

static void on_hyperv(struct hv_vcpu *v)
{
	struct kvm_hyperv_exit *h = &v->run->hyperv;

	if (h->type == KVM_EXIT_HYPERV_HCALL)
		h->u.hcall.result = v->ops->hypercall(v->ctx, v->index, h->u.hcall.input,
						      h->u.hcall.params[0], h->u.hcall.params[1]);
	else if (h->type == KVM_EXIT_HYPERV_SYNIC)
		v->ops->synic(v->ctx, v->index, h);
}

static enum hv_event failed(struct hv_vcpu *v, char *why, size_t room)
{
	struct kvm_run *run = v->run;
	struct kvm_regs regs = {0};

	(void)ioctl(v->fd, KVM_GET_REGS, &regs);
	switch (run->exit_reason) {
	case KVM_EXIT_FAIL_ENTRY:
		snprintf(why, room, "the processor refuses the guest's state (reason 0x%llx)",
			 (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		snprintf(why, room, "KVM cannot go on (%s, suberror %u) at rip 0x%llx",
			 run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
				 ? "an instruction that it cannot emulate"
				 : "internal error",
			 run->internal.suberror, (unsigned long long)regs.rip);
		break;
	default:
		snprintf(why, room, "KVM left the guest for an unknown reason %u",
			 run->exit_reason);
		break;
	}
	return HV_EV_FAILED;
}

static enum hv_event serve(struct hv_vcpu *v, char *why, size_t room)
{
	struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return on_io(v);
	case KVM_EXIT_MMIO:
		if (!run->mmio.is_write)
			memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
		return HV_EV_NONE;
	case KVM_EXIT_HYPERV:
		on_hyperv(v);
		return HV_EV_NONE;
	case KVM_EXIT_X86_RDMSR:
		run->msr.error = !v->ops->rdmsr(v->ctx, v->index, run->msr.index,
						(uint64_t *)&run->msr.data);
		return HV_EV_NONE;
	case KVM_EXIT_X86_WRMSR:
		run->msr.error = !v->ops->wrmsr(v->ctx, v->index, run->msr.index, run->msr.data);
		return HV_EV_NONE;
	case KVM_EXIT_SYSTEM_EVENT:
		return on_system_event(v);
	case KVM_EXIT_SHUTDOWN:
		return HV_EV_RESET; /* a triple fault resets a PC */
	case KVM_EXIT_INTR:
	case KVM_EXIT_HLT:
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return HV_EV_NONE;
	default:
		return failed(v, why, room);
	}
}

static void *vcpu_main(void *arg)
{
	struct hv_vcpu *v = arg;
	enum hv_event ev = HV_EV_NONE;
	char why[160] = "", name[16];

	snprintf(name, sizeof(name), "vcpu%u", v->index);
	pthread_setname_np(pthread_self(), name);
	while (ev == HV_EV_NONE) {
		if (ioctl(v->fd, KVM_RUN, 0) == 0) {
			ev = serve(v, why, sizeof(why));
			continue;
		}
		if (errno == EINTR || errno == EAGAIN) {
			if (__atomic_load_n(&v->stop, __ATOMIC_ACQUIRE))
				return NULL;
			continue;
		}
		snprintf(why, sizeof(why), "KVM_RUN: %s", strerror(errno));
		ev = HV_EV_FAILED;
	}
	v->ops->ended(v->ctx, v->index, ev, why);
	return NULL;
}

int hv_vcpu_start(struct hv_vcpu *v, struct vd_err *err)
{
	sigset_t all, old;
	int r;

	v->stop = false;
	v->run->immediate_exit = 0;
	/* signals are for the main thread, except the kick */
	sigfillset(&all);
	sigdelset(&all, KICK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&v->thread, NULL, vcpu_main, v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r)
		return vd_err_set(err, -r, VD_E_SYSTEM, "vm", NULL,
				  "the thread of vCPU %u cannot be started: %s", v->index,
				  strerror(r));
	v->running = true;
	return 0;
}

void hv_vcpu_kick(struct hv_vcpu *v)
{
	if (!v->running)
		return;
	__atomic_store_n(&v->stop, true, __ATOMIC_RELEASE);
	/* the next KVM_RUN finishes the exit that is being served and returns at once */
	v->run->immediate_exit = 1;
	pthread_kill(v->thread, KICK_SIGNAL);
}

void hv_vcpu_stop(struct hv_vcpu *v)
{
	if (!v->running)
		return;
	hv_vcpu_kick(v);
	pthread_join(v->thread, NULL);
	v->running = false;
}
