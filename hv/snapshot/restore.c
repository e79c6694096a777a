/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a snapshot's file to a machine. */
#include "hv/snapshot/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "hv/daemon.h"
#include "hv/machine.h"
#include "hv/snapshot/vcpu_state.h"

#define CONNECT_TIMEOUT_MS 5000u

static int nonsense(struct vd_err *err, const char *what)
{
	return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/snapshot", NULL,
			  "the saved state of %s makes no sense", what);
}

int hv_restore_options(struct hv_restore *r, struct hv_options *opt, struct vd_err *err)
{
	struct hv_snap_head *h = &r->saved.head;
	int rc = hv_chain_head(opt->file, h, err);

	if (rc)
		return rc;
	if (opt->n_nics && opt->n_nics != h->n_nics)
		return vd_err_set(err, -EINVAL, VD_E_USAGE, NULL, "give --nic once for each card",
				  "the VM has %u network cards, --nic was given %u times",
				  h->n_nics, opt->n_nics);
	snprintf(r->name, sizeof(r->name), "%s", h->vm);
	opt->name = opt->name ? opt->name : r->name;
	opt->n_cpus = h->n_cpus;
	opt->memory_size = h->memory_size;
	opt->user_synic = opt->user_synic || (h->flags & HV_SNAP_USER_SYNIC);
	opt->two_uarts = h->flags & HV_SNAP_SERIAL2;
	if (opt->serial && !opt->two_uarts)
		return vd_err_set(err, -EINVAL, VD_E_USAGE, NULL, "leave --serial out",
				  "the VM has one serial port only");
	return 0;
}

int hv_restore_load(struct hv_restore *r, struct hv_options *opt, const struct hv_ram *ram,
		    struct vd_err *err)
{
	int rc = hv_chain_load(opt->file, ram, &r->saved, err);

	for (unsigned int i = 0; i < r->saved.head.n_nics && !rc; i++) {
		const struct hv_saved_part *p = &r->saved.nic[i];

		if (hv_nic_state_load(p->data, p->size, &r->nic[i], NULL))
			return nonsense(err, "a network card");
		if (opt->n_nics > i)
			continue;
		if (!r->nic[i].port[0])
			return vd_err_set(err, -EINVAL, VD_E_USAGE, NULL,
					  "give --nic for each card",
					  "which port card %u had is known by its path only", i);
		memcpy(opt->nic[i].port, r->nic[i].port, sizeof(opt->nic[i].port));
		opt->n_nics = i + 1;
	}
	return rc;
}

int hv_restore_cpuid(const struct hv_restore *r, struct hv_kvm *kvm, struct vd_err *err)
{
	if (kvm->user_synic != !!(r->saved.head.flags & HV_SNAP_USER_SYNIC))
		return vd_err_set(err, -ENOTSUP, VD_E_VM_SNAPSHOT, "vm/snapshot",
				  "restore it where KVM has Hyper-V support, or save it from a VM "
				  "that was run with --user-synic",
				  "the VM was saved %s KVM's Hyper-V support, which is %s here",
				  kvm->user_synic ? "with" : "without",
				  kvm->user_synic ? "missing" : "in use");
	return hv_vm_state_cpuid(kvm, r->saved.vm.data, r->saved.vm.size, err);
}

/* Settings and policy of a card's port, as they were. */
static int restore_port(const struct hv_restore *r, const struct hv_machine *m, unsigned int i,
			struct vd_err *err)
{
	const struct hv_saved_part *p = &r->saved.port[i];
	const char *port = m->opt->nic[i].port;

	if (!p->data || !port[0] || m->opt->keep_port)
		return 0;
	return hv_daemon_port_import(m->opt->socket, port, (const char *)p->data, r->nic[i].mac,
				     err);
}

static int restore_bus(struct hv_restore *r, struct hv_machine *m, struct vd_err *err)
{
	int rc;

	hv_vmbus_lock(&m->vmbus);
	for (unsigned int i = 0; i < m->n_nics; i++)
		hv_nic_offer_saved(&m->nic[i], r->nic[i].n_subs);
	rc = vmb_bus_restore(m->vmbus.bus, r->saved.bus.data, r->saved.bus.size);
	m->vmbus.seen_version = vmb_bus_version(m->vmbus.bus);
	for (unsigned int i = 0; i < m->n_nics && !rc; i++)
		rc = hv_nic_reopen(&m->nic[i]);
	hv_vmbus_unlock(&m->vmbus);
	return rc ? nonsense(err, "VMBus") : 0;
}

int hv_restore_machine(struct hv_restore *r, struct hv_machine *m, struct vd_err *err)
{
	const struct hv_saved *s = &r->saved;
	int rc;

	rc = hv_board_state_restore(&m->pio, &m->vmbus, s->board.data, s->board.size, err);
	if (!rc)
		rc = hv_vm_state_irqchip(&m->kvm, s->vm.data, s->vm.size, err);
	for (unsigned int i = 0; i < m->n_vcpus && !rc; i++) {
		rc = hv_vm_state_tsc(m->vcpu[i].fd, s->vm.data, s->vm.size, err);
		if (!rc)
			rc = hv_vcpu_state_restore(m->vcpu[i].fd, &m->kvm, s->cpu[i].data,
						   s->cpu[i].size, err);
	}
	if (!rc)
		rc = restore_bus(r, m, err);
	return rc;
}

int hv_restore_finish(struct hv_restore *r, struct hv_machine *m, struct vd_err *err)
{
	int rc = hv_dirty_restored(&m->control.dirty, r->saved.head.id);

	if (rc)
		return vd_err_set(err, rc, VD_E_VM_KVM, "vm/kvm", NULL,
				  "KVM cannot log what the guest writes: %s", strerror(-rc));
	for (unsigned int i = 0; i < m->n_nics && !rc; i++)
		rc = restore_port(r, m, i, err);
	for (unsigned int i = 0; i < m->n_nics && !rc; i++)
		rc = hv_nic_wait_restored(&m->nic[i], &r->nic[i], CONNECT_TIMEOUT_MS, err);
	if (!rc)
		rc = hv_vm_state_clock(&m->kvm, r->saved.vm.data, r->saved.vm.size, err);
	if (rc)
		return rc;
	hv_vmbus_lock(&m->vmbus);
	/* interrupts and messages that were under way */
	hv_synic_kick_all(&m->vmbus.synic);
	vmb_bus_flush(m->vmbus.bus);
	hv_vmbus_unlock(&m->vmbus);
	vd_log(LOG_INFO, "vm", m->opt->name, "restored from %s", m->opt->file);
	return 0;
}

void hv_restore_done(struct hv_restore *r)
{
	hv_saved_done(&r->saved);
}
