/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMBus over the SynIC: hypercalls go into the bus, its messages into message slots. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "hv/hypercall.h"
#include "hv/vmbus.h"

#define MESSAGE_TYPE_VMBUS 1u

/* Type and first two words: enough to follow what the two say to each other. */
static void log_message(const char *what, const void *msg, uint32_t size)
{
	uint32_t w[4] = {0};

	if (vd_log_level() < LOG_DEBUG)
		return;
	memcpy(w, msg, size < sizeof(w) ? size : sizeof(w));
	vd_log(LOG_DEBUG, "vmbus", NULL, "%s: message %u (0x%x 0x%x)", what, w[0], w[2], w[3]);
}

static int op_post(void *ctx, uint32_t vp, const void *msg, uint32_t size)
{
	struct hv_vmbus *b = ctx;

	int r = hv_synic_post(&b->synic, vp, MESSAGE_TYPE_VMBUS, msg, size);

	log_message(r ? "slot full for" : "to guest", msg, size);
	return r;
}

static struct hv_device *device_of(const struct vmb_chan *chan)
{
	return vmb_chan_offer(chan)->priv;
}

static int op_gpadl_add(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct hv_device *d = device_of(chan);

	return d ? d->ops->gpadl_add(d, chan, g) : -ENODEV;
}

static int op_gpadl_del(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct hv_device *d = device_of(chan);

	return d ? d->ops->gpadl_del(d, chan, g) : 0;
}

static int op_open(void *ctx, struct vmb_chan *chan, const struct vmb_open *open)
{
	struct hv_device *d = device_of(chan);

	return d ? d->ops->open(d, chan, open) : -ENODEV;
}

static int op_close(void *ctx, struct vmb_chan *chan)
{
	struct hv_device *d = device_of(chan);

	return d ? d->ops->close(d, chan) : 0;
}

static int op_modify(void *ctx, struct vmb_chan *chan, uint32_t vp)
{
	struct hv_device *d = device_of(chan);

	return d ? d->ops->modify(d, chan, vp) : -ENODEV;
}

static void op_released(void *ctx, struct vmb_chan *chan)
{
	struct hv_device *d = device_of(chan);

	if (d)
		d->ops->released(d, chan);
}

static const struct vmb_bus_ops bus_ops = {
	.post = op_post,
	.gpadl_add = op_gpadl_add,
	.gpadl_del = op_gpadl_del,
	.open = op_open,
	.close = op_close,
	.modify = op_modify,
	.released = op_released,
};

int hv_vmbus_init(struct hv_vmbus *b, struct hv_kvm *kvm, const struct hv_ram *ram,
		  unsigned int n_cpus, struct vd_err *err)
{
	struct vmb_bus_cfg cfg = {.n_vps = n_cpus};
	int r;

	*b = (struct hv_vmbus){.kvm = kvm, .ram = ram};
	pthread_mutex_init(&b->lock, NULL);
	b->mem = (struct vmb_mem){vmb_slots_map, (void *)&ram->slots};
	r = hv_synic_init(&b->synic, kvm, ram, n_cpus, err);
	if (r)
		return r;
	b->bus = vmb_bus_create(&cfg, &b->mem, &bus_ops, b);
	if (!b->bus)
		return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, "vm", NULL, "memory ran out");
	return 0;
}

void hv_vmbus_done(struct hv_vmbus *b)
{
	vmb_bus_destroy(b->bus);
	b->bus = NULL;
	hv_synic_done(&b->synic);
}

int hv_vmbus_attach(struct hv_vmbus *b, uint64_t tsc_hz, struct vd_err *err)
{
	hv_synic_reset(&b->synic);
	hv_usynic_init(&b->usynic, &b->synic, tsc_hz);
	return hv_synic_attach(&b->synic, err);
}

bool hv_vmbus_quiet(struct hv_vmbus *b)
{
	bool quiet;

	hv_vmbus_lock(b);
	quiet = !vmb_bus_resetting(b->bus);
	hv_vmbus_unlock(b);
	return quiet;
}

bool hv_vmbus_reset(struct hv_vmbus *b)
{
	hv_vmbus_lock(b);
	hv_synic_reset(&b->synic);
	vmb_bus_reset(b->bus);
	b->seen_version = 0;
	hv_vmbus_unlock(b);
	return hv_vmbus_quiet(b);
}

static void log_version(struct hv_vmbus *b)
{
	uint32_t v = vmb_bus_version(b->bus);

	if (v != b->seen_version && v)
		vd_log(LOG_INFO, "vmbus", NULL, "the guest connected with version %u.%u", v >> 16,
		       v & 0xffff);
	b->seen_version = v;
}

static enum hv_status on_post(void *ctx, uint32_t connection, uint32_t type, const void *payload,
			      uint32_t size)
{
	struct hv_vmbus *b = ctx;
	int r;

	if (type != MESSAGE_TYPE_VMBUS)
		return HV_STATUS_OK; /* for nobody here */
	log_message("from guest", payload, size);
	r = vmb_bus_input(b->bus, connection, payload, size);
	log_version(b);
	switch (r) {
	case 0:
		return HV_STATUS_OK;
	case -EBUSY:
		return HV_STATUS_NO_BUFFERS;
	case -ENOENT:
		return HV_STATUS_BAD_CONNECTION;
	default:
		return HV_STATUS_BAD_PARAMETER;
	}
}

static enum hv_status on_signal(void *ctx, uint32_t connection, uint16_t flag)
{
	struct hv_vmbus *b = ctx;
	struct vmb_chan *chan = NULL;
	struct hv_device *d;

	if (connection >= VMB_CONN_EVENT && flag == 0)
		chan = vmb_chan_by_relid(b->bus, connection - VMB_CONN_EVENT);
	d = chan && vmb_chan_is_open(chan) ? device_of(chan) : NULL;
	if (!d)
		return HV_STATUS_BAD_CONNECTION;
	d->ops->signal(d, chan);
	return HV_STATUS_OK;
}

uint16_t hv_vmbus_hypercall(struct hv_vmbus *b, uint64_t control, uint64_t in)
{
	static const struct hv_hypercall_ops ops = {on_post, on_signal};
	enum hv_status status;

	hv_vmbus_lock(b);
	status = hv_hypercall(b->ram, control, in, &ops, b);
	hv_vmbus_unlock(b);
	return (uint16_t)status;
}

static void tell_moved(struct hv_vmbus *b, unsigned int vp, uint64_t before)
{
	if (hv_synic_flags_gpa(&b->synic, vp) == before)
		return;
	for (unsigned int i = 0; i < b->n_devices; i++)
		b->device[i]->ops->moved(b->device[i], vp);
}

void hv_vmbus_synic(struct hv_vmbus *b, unsigned int vp, const struct kvm_hyperv_exit *e)
{
	uint64_t before;

	hv_vmbus_lock(b);
	before = hv_synic_flags_gpa(&b->synic, vp);
	hv_synic_set(&b->synic, vp, e->u.synic.control, e->u.synic.msg_page, e->u.synic.evt_page);
	tell_moved(b, vp, before);
	hv_vmbus_unlock(b);
}

bool hv_vmbus_rdmsr(struct hv_vmbus *b, unsigned int vp, uint32_t msr, uint64_t *v)
{
	bool known;

	hv_vmbus_lock(b);
	known = b->kvm->user_synic && hv_usynic_rdmsr(&b->usynic, vp, msr, v);
	hv_vmbus_unlock(b);
	return known;
}

bool hv_vmbus_wrmsr(struct hv_vmbus *b, unsigned int vp, uint32_t msr, uint64_t v)
{
	bool known, eom = false;
	uint64_t before;

	hv_vmbus_lock(b);
	before = hv_synic_flags_gpa(&b->synic, vp);
	known = b->kvm->user_synic && hv_usynic_wrmsr(&b->usynic, vp, msr, v, &eom);
	tell_moved(b, vp, before);
	if (eom)
		vmb_bus_flush(b->bus);
	hv_vmbus_unlock(b);
	return known;
}

void hv_vmbus_flush(struct hv_vmbus *b)
{
	hv_vmbus_lock(b);
	vmb_bus_flush(b->bus);
	hv_vmbus_unlock(b);
}

int hv_vmbus_add(struct hv_vmbus *b, struct hv_device *d)
{
	if (b->n_devices == HV_DEVICES_MAX)
		return -ENOSPC;
	b->device[b->n_devices++] = d;
	return 0;
}
