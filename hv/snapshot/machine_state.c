/* SPDX-License-Identifier: GPL-2.0-or-later */
/* State of the machine around the vCPUs. */
#include "hv/snapshot/machine_state.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vmbus-netvsp/blob.h"

#define VM_STATE_VERSION    1u
#define BOARD_STATE_VERSION 1u
#define NIC_STATE_VERSION   1u
#define BLOCK               4096u /* of the switch's notes */
#define TOLERANCE_PPM       250u  /* of the TSC's frequency; what a kernel's clock corrects */

_Static_assert(NVSP_KEEP_SIZE % BLOCK == 0, "whole blocks");

static int nonsense(struct vd_err *err, const char *what)
{
	return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
			  "the saved state of %s makes no sense", what);
}

/* ---- KVM's part ---- */

struct vm_state {
	uint32_t version, tsc_khz;
	struct kvm_clock_data clock;
	struct kvm_irqchip chip[3]; /* PIC 1, PIC 2, I/O APIC */
	uint32_t n_cpuid, reserved;
	/* n_cpuid entries follow */
};

int64_t hv_vm_state_save(const struct hv_kvm *kvm, int vcpu0, void *buf, size_t room)
{
	struct vm_state s = {.version = VM_STATE_VERSION};
	struct blob_out b = {buf, room, 0};
	int khz = ioctl(vcpu0, KVM_GET_TSC_KHZ, 0);

	s.tsc_khz = khz > 0 ? (uint32_t)khz : 0;
	if (ioctl(kvm->vm, KVM_GET_CLOCK, &s.clock))
		return -errno;
	for (uint32_t i = 0; i < 3; i++) {
		s.chip[i].chip_id = i;
		if (ioctl(kvm->vm, KVM_GET_IRQCHIP, &s.chip[i]))
			return -errno;
	}
	s.n_cpuid = kvm->cpuid->head.nent;
	blob_put(&b, &s, sizeof(s));
	blob_put(&b, kvm->cpuid->entry, s.n_cpuid * sizeof(kvm->cpuid->entry[0]));
	return b.size > room ? -E2BIG : (int64_t)b.size;
}

static int read_vm(const void *buf, size_t size, struct vm_state *s, struct vd_err *err)
{
	struct blob_in b = {buf, size, false};

	blob_get(&b, s, sizeof(*s));
	if (b.bad || s->version != VM_STATE_VERSION || !s->n_cpuid || s->n_cpuid > HV_CPUID_MAX ||
	    b.left != s->n_cpuid * sizeof(struct kvm_cpuid_entry2))
		return nonsense(err, "the VM");
	for (uint32_t i = 0; i < 3; i++)
		if (s->chip[i].chip_id != i)
			return nonsense(err, "the interrupt controllers");
	return 0;
}

int hv_vm_state_cpuid(struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err)
{
	const struct kvm_cpuid_entry2 *e;
	struct hv_cpuid saved = {0};
	struct vm_state s;
	int r = read_vm(buf, size, &s, err);

	if (r)
		return r;
	saved.head.nent = s.n_cpuid;
	memcpy(saved.entry, (const uint8_t *)buf + sizeof(s), s.n_cpuid * sizeof(saved.entry[0]));
	e = hv_cpuid_missing(kvm->cpuid, &saved);
	if (e)
		return vd_err_set(err, -ENOTSUP, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "restore it on a machine whose processor can do the same",
				  "this machine's processor lacks what the guest was promised "
				  "(CPUID leaf 0x%x.%u)",
				  e->function, e->index);
	*kvm->cpuid = saved;
	return 0;
}

int hv_vm_state_irqchip(const struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err)
{
	struct vm_state s;
	int r = read_vm(buf, size, &s, err);

	for (uint32_t i = 0; i < 3 && !r; i++)
		if (ioctl(kvm->vm, KVM_SET_IRQCHIP, &s.chip[i]))
			r = vd_err_set(err, -errno, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
				       "KVM refuses the saved interrupt controllers: %s",
				       strerror(errno));
	return r;
}

int hv_vm_state_tsc(int vcpu, const void *buf, size_t size, struct vd_err *err)
{
	struct vm_state s;
	int r = read_vm(buf, size, &s, err), khz = ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
	uint64_t slack;

	if (r || !s.tsc_khz || khz <= 0)
		return r;
	slack = (uint64_t)khz * TOLERANCE_PPM / 1000000;
	if (s.tsc_khz + slack >= (uint64_t)khz && s.tsc_khz <= (uint64_t)khz + slack)
		return 0;
	if (ioctl(vcpu, KVM_SET_TSC_KHZ, (unsigned long)s.tsc_khz))
		return vd_err_set(err, -ENOTSUP, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "restore it on a machine like the one that saved it",
				  "the guest's clock ran at %u kHz, this machine's runs at %d kHz "
				  "and cannot be scaled",
				  s.tsc_khz, khz);
	return 0;
}

int hv_vm_state_clock(const struct hv_kvm *kvm, const void *buf, size_t size, struct vd_err *err)
{
	struct vm_state s;
	struct kvm_clock_data clock = {0};
	int r = read_vm(buf, size, &s, err);

	if (r)
		return r;
	/* the guest's own time: it stood still meanwhile */
	clock.clock = s.clock.clock;
	return ioctl(kvm->vm, KVM_SET_CLOCK, &clock)
		       ? vd_err_set(err, -errno, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
				    "KVM refuses the saved clock: %s", strerror(errno))
		       : 0;
}

/* ---- serial ports, clock chip, SynIC ---- */

struct uart_state {
	uint8_t rx[HV_UART_RX], tx[HV_UART_TX];
	uint8_t rx_head, rx_count, tx_count;
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	uint8_t thre_pending, level;
};

static void save_uart(const struct hv_uart *u, struct blob_out *b)
{
	struct uart_state s = {.rx_head = u->rx_head,
			       .rx_count = u->rx_count,
			       .tx_count = u->tx_count,
			       .ier = u->ier,
			       .fcr = u->fcr,
			       .lcr = u->lcr,
			       .mcr = u->mcr,
			       .scr = u->scr,
			       .dll = u->dll,
			       .dlm = u->dlm,
			       .thre_pending = u->thre_pending,
			       .level = u->level};

	memcpy(s.rx, u->rx, sizeof(s.rx));
	memcpy(s.tx, u->tx, sizeof(s.tx));
	blob_put(b, &s, sizeof(s));
}

static int load_uart(struct hv_uart *u, struct blob_in *b)
{
	struct uart_state s;

	blob_get(b, &s, sizeof(s));
	if (s.rx_head >= HV_UART_RX || s.rx_count > HV_UART_RX || s.tx_count >= HV_UART_TX)
		return -EINVAL;
	memcpy(u->rx, s.rx, sizeof(s.rx));
	memcpy(u->tx, s.tx, sizeof(s.tx));
	u->rx_head = s.rx_head;
	u->rx_count = s.rx_count;
	u->tx_count = s.tx_count;
	u->ier = s.ier & 0xf;
	u->fcr = s.fcr;
	u->lcr = s.lcr;
	u->mcr = s.mcr & 0x1f;
	u->scr = s.scr;
	u->dll = s.dll;
	u->dlm = s.dlm;
	u->thre_pending = s.thre_pending & 1;
	u->level = s.level & 1;
	u->ops->irq(u->ctx, u->level);
	return 0;
}

int64_t hv_board_state_save(const struct hv_pio *pio, const struct hv_vmbus *bus, void *buf,
			    size_t room)
{
	struct blob_out b = {buf, room, 0};

	blob_put32(&b, BOARD_STATE_VERSION);
	blob_put32(&b, pio->n_uarts);
	for (unsigned int i = 0; i < pio->n_uarts; i++)
		save_uart(&pio->uart[i], &b);
	blob_put(&b, &pio->rtc.index, 1);
	blob_put(&b, pio->rtc.cmos, sizeof(pio->rtc.cmos));
	blob_put32(&b, bus->synic.n);
	for (unsigned int i = 0; i < bus->synic.n; i++) {
		blob_put32(&b, bus->synic.vp[i].on);
		blob_put64(&b, bus->synic.vp[i].msg_gpa);
		blob_put64(&b, bus->synic.vp[i].evt_gpa);
	}
	blob_put32(&b, bus->kvm && bus->kvm->user_synic);
	if (bus->kvm && bus->kvm->user_synic) {
		blob_put64(&b, bus->usynic.os_id);
		blob_put64(&b, bus->usynic.hypercall);
		for (unsigned int i = 0; i < bus->synic.n; i++)
			blob_put(&b, &bus->usynic.vp[i], sizeof(bus->usynic.vp[i]));
	}
	return b.size > room ? -E2BIG : (int64_t)b.size;
}

static int load_synic(struct hv_vmbus *bus, struct blob_in *b)
{
	struct hv_synic *s = &bus->synic;

	if (blob_get32(b) != s->n)
		return -EINVAL;
	for (unsigned int i = 0; i < s->n; i++) {
		bool on = blob_get32(b) & 1;
		uint64_t msg = blob_get64(b), evt = blob_get64(b);

		if (hv_synic_restore(s, i, on, msg, evt))
			return -EINVAL;
	}
	if (blob_get32(b) != (bus->kvm && bus->kvm->user_synic))
		return -EINVAL;
	if (bus->kvm && bus->kvm->user_synic) {
		bus->usynic.os_id = blob_get64(b);
		bus->usynic.hypercall = blob_get64(b);
		for (unsigned int i = 0; i < s->n; i++)
			blob_get(b, &bus->usynic.vp[i], sizeof(bus->usynic.vp[i]));
		hv_usynic_route(&bus->usynic);
	}
	return 0;
}

int hv_board_state_restore(struct hv_pio *pio, struct hv_vmbus *bus, const void *buf, size_t size,
			   struct vd_err *err)
{
	struct blob_in b = {buf, size, false};
	int r = 0;

	if (blob_get32(&b) != BOARD_STATE_VERSION || blob_get32(&b) != pio->n_uarts)
		return nonsense(err, "the devices");
	for (unsigned int i = 0; i < pio->n_uarts && !r; i++)
		r = load_uart(&pio->uart[i], &b);
	if (r)
		return nonsense(err, "a serial port");
	blob_get(&b, &pio->rtc.index, 1);
	pio->rtc.index &= 0x7f;
	blob_get(&b, pio->rtc.cmos, sizeof(pio->rtc.cmos));
	if (load_synic(bus, &b) || b.bad || b.left)
		return nonsense(err, "the synthetic interrupt controllers");
	return 0;
}

/* ---- network cards ---- */

static bool is_zero(const uint8_t *p, size_t n)
{
	return !p[0] && !memcmp(p, p + 1, n - 1);
}

int64_t hv_nic_state_save(const struct hv_nic_state *s, const void *keep, void *buf, size_t room)
{
	struct blob_out b = {buf, room, 0};
	const uint8_t *p = keep;
	uint32_t n = 0;

	for (uint32_t at = 0; at < NVSP_KEEP_SIZE; at += BLOCK)
		n += !is_zero(p + at, BLOCK);
	blob_put32(&b, NIC_STATE_VERSION);
	blob_put(&b, s, sizeof(*s));
	blob_put32(&b, n);
	for (uint32_t at = 0; at < NVSP_KEEP_SIZE; at += BLOCK) {
		if (is_zero(p + at, BLOCK))
			continue;
		blob_put32(&b, at / BLOCK);
		blob_put(&b, p + at, BLOCK);
	}
	return b.size > room ? -E2BIG : (int64_t)b.size;
}

int hv_nic_state_load(const void *buf, size_t size, struct hv_nic_state *ret, void *keep)
{
	struct blob_in b = {buf, size, false};
	uint32_t n, at, next = 0;

	if (blob_get32(&b) != NIC_STATE_VERSION)
		return -EINVAL;
	blob_get(&b, ret, sizeof(*ret));
	n = blob_get32(&b);
	if (b.bad || ret->port[sizeof(ret->port) - 1] || ret->n_subs >= NVSP_QUEUES_MAX ||
	    ret->max_queues > NVSP_QUEUES_MAX)
		return -EINVAL;
	if (keep)
		memset(keep, 0, NVSP_KEEP_SIZE);
	for (uint32_t i = 0; i < n; i++) {
		at = blob_get32(&b);
		if (b.bad || at < next || at >= NVSP_KEEP_SIZE / BLOCK || b.left < BLOCK)
			return -EINVAL;
		if (keep)
			memcpy((uint8_t *)keep + at * BLOCK, b.p, BLOCK);
		b.p += BLOCK;
		b.left -= BLOCK;
		next = at + 1;
	}
	return b.bad || b.left ? -EINVAL : 0;
}
