/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages and event flags. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hv/synic.h"

#define SINT      2u
#define SLOT_SIZE 256u
#define PENDING   1u

/* A slot of the message page, shared with the guest. */
struct slot_wire {
	uint32_t type; /* 0: empty */
	uint8_t size;
	uint8_t flags;
	uint16_t rsvd;
	uint64_t sender;
	uint8_t payload[240];
};
_Static_assert(sizeof(struct slot_wire) == SLOT_SIZE, "message slot");

static void kick(int fd)
{
	/* it can only fail when the counter is full, and then an interrupt is due anyway */
	(void)!write(fd, &(uint64_t){1}, sizeof(uint64_t));
}

int hv_synic_init(struct hv_synic *s, struct hv_kvm *kvm, const struct hv_ram *ram, unsigned int n,
		  struct vd_err *err)
{
	*s = (struct hv_synic){.kvm = kvm, .ram = ram, .n = n};
	for (unsigned int i = 0; i < n; i++)
		s->vp[i].msg_fd = s->vp[i].call_fd = s->vp[i].eom_fd = -1;
	for (unsigned int i = 0; i < n; i++) {
		struct hv_vp *vp = &s->vp[i];

		vp->msg_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		vp->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		vp->eom_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (vp->msg_fd < 0 || vp->call_fd < 0 || vp->eom_fd < 0) {
			int r = -errno;

			hv_synic_done(s);
			return vd_err_set(err, r, VD_E_SYSTEM, "vm", "raise ulimit -n",
					  "no more file descriptors: %s", strerror(-r));
		}
	}
	return 0;
}

void hv_synic_done(struct hv_synic *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		int fds[] = {s->vp[i].msg_fd, s->vp[i].call_fd, s->vp[i].eom_fd};

		for (unsigned int j = 0; j < 3; j++) {
			if (fds[j] >= 0)
				close(fds[j]);
		}
	}
	s->n = 0;
}

int hv_synic_attach(struct hv_synic *s, struct vd_err *err)
{
	struct hv_route route[HV_CPUS_MAX];
	int r = 0;

	if (!s->kvm->user_synic) {
		for (unsigned int i = 0; i < s->n; i++)
			route[i] = (struct hv_route){.gsi = hv_synic_gsi(i), .vp = i, .sint = SINT};
		r = hv_kvm_set_routes(s->kvm, route, s->n);
	} else {
		/* nothing is routed before the guest says to which vector */
		r = hv_kvm_set_routes(s->kvm, NULL, 0);
	}
	for (unsigned int i = 0; i < s->n && !r; i++) {
		/* The EOM of our own SynIC is seen as it happens. */
		r = hv_kvm_irqfd(s->kvm, hv_synic_gsi(i), s->vp[i].msg_fd,
				 s->kvm->user_synic ? -1 : s->vp[i].eom_fd);
		if (!r)
			r = hv_kvm_irqfd(s->kvm, hv_synic_gsi(i), s->vp[i].call_fd, -1);
	}
	return r ? vd_err_set(err, r, VD_E_VM_KVM, "vm/kvm", hv_kvm_hint(r),
			      "KVM cannot connect synthetic interrupts: %s", strerror(-r))
		 : 0;
}

void hv_synic_reset(struct hv_synic *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		s->vp[i].on = false;
		s->vp[i].msg_gpa = s->vp[i].evt_gpa = 0;
	}
}

static uint64_t take_page(const struct hv_synic *s, uint64_t old, uint64_t msr)
{
	uint64_t gpa = msr & ~(uint64_t)(HV_PAGE_SIZE - 1);
	void *page;

	if (!(msr & 1))
		return 0;
	page = hv_ram_at(s->ram, gpa, HV_PAGE_SIZE);
	if (!page || gpa == 0)
		return 0;
	if (gpa != old)
		memset(page, 0, HV_PAGE_SIZE);
	hv_ram_mark(s->ram, gpa, HV_PAGE_SIZE);
	return gpa;
}

void hv_synic_set(struct hv_synic *s, unsigned int vp, uint64_t control, uint64_t simp,
		  uint64_t siefp)
{
	struct hv_vp *p = &s->vp[vp];

	p->on = control & 1;
	p->msg_gpa = take_page(s, p->msg_gpa, simp);
	p->evt_gpa = take_page(s, p->evt_gpa, siefp);
}

int hv_synic_restore(struct hv_synic *s, unsigned int vp, bool on, uint64_t msg_gpa,
		     uint64_t evt_gpa)
{
	uint64_t gpa[] = {msg_gpa, evt_gpa};

	for (unsigned int i = 0; i < 2; i++) {
		if (gpa[i] % HV_PAGE_SIZE || (gpa[i] && !hv_ram_at(s->ram, gpa[i], HV_PAGE_SIZE)))
			return -EINVAL;
		if (gpa[i])
			hv_ram_mark(s->ram, gpa[i], HV_PAGE_SIZE);
	}
	s->vp[vp].on = on;
	s->vp[vp].msg_gpa = msg_gpa;
	s->vp[vp].evt_gpa = evt_gpa;
	return 0;
}

void hv_synic_kick_all(struct hv_synic *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (!s->vp[i].on)
			continue;
		kick(s->vp[i].msg_fd);
		kick(s->vp[i].call_fd);
	}
}

int hv_synic_post(struct hv_synic *s, unsigned int vp, uint32_t type, const void *payload,
		  uint32_t size)
{
	struct slot_wire *slot;

	if (vp >= s->n || size > sizeof(slot->payload))
		return -EINVAL;
	if (!s->vp[vp].on || !s->vp[vp].msg_gpa)
		return 0;
	slot = hv_ram_at(s->ram, s->vp[vp].msg_gpa + SINT * SLOT_SIZE, SLOT_SIZE);
	if (__atomic_load_n(&slot->type, __ATOMIC_ACQUIRE)) {
		/* The guest writes EOM only if it sees this flag when it has emptied the slot. */
		__atomic_fetch_or(&slot->flags, PENDING, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&slot->type, __ATOMIC_SEQ_CST))
			return -EAGAIN;
	}
	memcpy(slot->payload, payload, size);
	slot->size = (uint8_t)size;
	slot->flags = 0;
	slot->sender = 0;
	__atomic_store_n(&slot->type, type, __ATOMIC_SEQ_CST);
	kick(s->vp[vp].msg_fd);
	return 0;
}

uint64_t hv_synic_flags_gpa(const struct hv_synic *s, unsigned int vp)
{
	if (vp >= s->n || !s->vp[vp].on || !s->vp[vp].evt_gpa)
		return 0;
	return s->vp[vp].evt_gpa + SINT * SLOT_SIZE;
}

void hv_synic_signal(struct hv_synic *s, unsigned int vp, uint32_t flag)
{
	uint64_t gpa = hv_synic_flags_gpa(s, vp);
	uint8_t *flags;

	if (!gpa || flag >= 8 * SLOT_SIZE)
		return;
	flags = hv_ram_at(s->ram, gpa, SLOT_SIZE);
	if (!(__atomic_fetch_or(&flags[flag / 8], (uint8_t)(1u << flag % 8), __ATOMIC_SEQ_CST) &
	      1u << flag % 8))
		kick(s->vp[vp].call_fd);
}

void hv_synic_look(const struct hv_synic *s, unsigned int vp, struct hv_synic_look *ret)
{
	const struct hv_vp *p = &s->vp[vp];
	const struct slot_wire *slot = NULL;
	uint64_t gpa = hv_synic_flags_gpa(s, vp);

	*ret = (struct hv_synic_look){0};
	if (p->on && p->msg_gpa)
		slot = hv_ram_at(s->ram, p->msg_gpa + SINT * SLOT_SIZE, SLOT_SIZE);
	if (slot) {
		ret->type = slot->type;
		ret->slot_flags = slot->flags;
		memcpy(&ret->first_word, slot->payload, sizeof(ret->first_word));
	}
	if (gpa)
		memcpy(ret->flags, hv_ram_at(s->ram, gpa, SLOT_SIZE), sizeof(ret->flags));
}
