/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the bus to the switch and back. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "hv/nic.h"
#include "hv/snapshot/machine_state.h"

#define TAKEN_PATIENCE_MS 1000u

/* f8615163-df3e-46c5-913f-f2d2f965ed0e: a synthetic network card */
static const struct vmb_guid nic_type = {{0x63, 0x51, 0x61, 0xf8, 0x3e, 0xdf, 0xc5, 0x46, 0x91,
					  0x3f, 0xf2, 0xd2, 0xf9, 0x65, 0xed, 0x0e}};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct hv_nic *nic_of(struct hv_device *d)
{
	return (struct hv_nic *)d;
}

static uint32_t index_of(const struct vmb_chan *chan)
{
	return vmb_chan_offer(chan)->sub_index;
}

/* ---- offers ---- */

static void offer(struct hv_nic *nic, uint32_t index)
{
	struct vmb_offer o = {.type = nic_type,
			      .instance = nic->instance,
			      .sub_index = (uint16_t)index,
			      .monitor_id = -1,
			      .priv = &nic->dev};
	int r;

	if (nic->chan[index].chan)
		return;
	r = vmb_offer_add(nic->bus->bus, &o, &nic->chan[index].chan);
	/* -EEXIST, -ENOENT: an older one is still going away; on_released() comes back here */
	if (r && r != -EEXIST && r != -ENOENT)
		vd_log(LOG_ERR, "nic", nic->port, "channel %u cannot be offered: %s", index,
		       strerror(-r));
	if (r)
		nic->chan[index].chan = NULL;
}

static void offer_subchannels(struct hv_nic *nic)
{
	for (uint32_t i = 1; i <= nic->n_subs; i++)
		offer(nic, i);
}

static void on_released(struct hv_device *d, struct vmb_chan *chan)
{
	struct hv_nic *nic = nic_of(d);
	uint32_t index = index_of(chan);

	if (nic->chan[index].chan == chan)
		nic->chan[index].chan = NULL;
	if (index == 0) {
		nic->n_subs = 0;
		offer(nic, 0);
	} else if (index <= nic->n_subs) {
		offer(nic, index);
	}
}

/* ---- channels ---- */

static void unassign(struct hv_nic *nic, uint32_t index)
{
	if (nic->chan[index].assigned)
		(void)hv_kvm_event_fd(nic->bus->kvm, vmb_chan_connection(nic->chan[index].chan),
				      nic->chan[index].kick_fd, false);
	nic->chan[index].assigned = false;
}

static void close_kick(struct hv_nic *nic, uint32_t index)
{
	unassign(nic, index);
	if (nic->chan[index].kick_fd >= 0)
		close(nic->chan[index].kick_fd);
	nic->chan[index].kick_fd = -1;
}

static struct nvsp_link_target target_of(struct hv_nic *nic, const struct vmb_chan *chan,
					 uint32_t vp)
{
	struct hv_synic *s = &nic->bus->synic;

	return (struct nvsp_link_target){.flags_gpa = hv_synic_flags_gpa(s, vp),
					 .bit = vmb_chan_relid(chan),
					 .call_fd = s->vp[vp < s->n ? vp : 0].call_fd};
}

static int on_gpadl_add(struct hv_device *d, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	if (!vmb_gpadl_is_plain(g))
		return -EINVAL;
	/* the switch will write there, unseen by KVM */
	for (uint32_t i = 0; i < g->n_pfns; i++)
		hv_ram_mark(nic_of(d)->bus->ram, g->pfns[i] * HV_PAGE_SIZE, HV_PAGE_SIZE);
	return nvsp_link_gpadl_add(nic_of(d)->link, g->id, g->pfns, g->n_pfns);
}

static int on_gpadl_del(struct hv_device *d, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	return nvsp_link_gpadl_del(nic_of(d)->link, g->id);
}

static int open_chan(struct hv_nic *nic, struct vmb_chan *chan, const struct vmb_open *open,
		     bool resume)
{
	uint32_t index = index_of(chan);
	struct nvsp_link_open o = {.gpadl = open->ring->id,
				   .downstream_page = open->downstream_page,
				   .target = target_of(nic, chan, open->target_vp),
				   .resume = resume};
	int r;

	nic->chan[index].kick_fd = o.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o.kick_fd < 0)
		return -errno;
	/* without KVM's help the hypercall comes to on_signal() */
	if (!nic->bus->kvm->user_synic)
		nic->chan[index].assigned =
			!hv_kvm_event_fd(nic->bus->kvm, vmb_chan_connection(chan), o.kick_fd, true);
	r = nvsp_link_open(nic->link, index, &o);
	if (r && r != -EINPROGRESS)
		close_kick(nic, index);
	return r;
}

static int on_open(struct hv_device *d, struct vmb_chan *chan, const struct vmb_open *open)
{
	return open_chan(nic_of(d), chan, open, false);
}

static int on_close(struct hv_device *d, struct vmb_chan *chan)
{
	struct hv_nic *nic = nic_of(d);
	uint32_t index = index_of(chan);
	int r = nvsp_link_close(nic->link, index);

	unassign(nic, index);
	if (index == 0)
		nic->n_subs = 0;
	if (r != -EINPROGRESS)
		close_kick(nic, index);
	return r;
}

static int on_modify(struct hv_device *d, struct vmb_chan *chan, uint32_t vp)
{
	struct hv_nic *nic = nic_of(d);
	struct nvsp_link_target t = target_of(nic, chan, vp);
	int r = nvsp_link_target(nic->link, index_of(chan), &t);

	nic->chan[index_of(chan)].modifying = r == -EINPROGRESS;
	return r;
}

static void on_signal(struct hv_device *d, struct vmb_chan *chan)
{
	int fd = nic_of(d)->chan[index_of(chan)].kick_fd;

	if (fd >= 0)
		(void)!write(fd, &(uint64_t){1}, sizeof(uint64_t));
}

static void on_moved(struct hv_device *d, unsigned int vp)
{
	struct hv_nic *nic = nic_of(d);

	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++) {
		struct vmb_chan *chan = nic->chan[i].chan;
		struct nvsp_link_target t;

		if (!chan || !vmb_chan_is_open(chan) || vmb_chan_target_vp(chan) != vp)
			continue;
		t = target_of(nic, chan, vp);
		(void)nvsp_link_target(nic->link, i, &t);
	}
}

static const struct hv_device_ops device_ops = {
	.gpadl_add = on_gpadl_add,
	.gpadl_del = on_gpadl_del,
	.open = on_open,
	.close = on_close,
	.modify = on_modify,
	.released = on_released,
	.signal = on_signal,
	.moved = on_moved,
};

/* ---- what the switch says ---- */

static void link_nic(void *ctx, const struct nvsp_link_nic_wire *w)
{
	struct hv_nic *nic = ctx;

	if (!nic->ready)
		vd_log(LOG_INFO, "nic", nic->port,
		       "connected: %02x:%02x:%02x:%02x:%02x:%02x, up to %u queues", w->mac[0],
		       w->mac[1], w->mac[2], w->mac[3], w->mac[4], w->mac[5], w->max_queues);
	nic->ready = true;
	memcpy(nic->mac, w->mac, sizeof(nic->mac));
	nic->max_queues = w->max_queues;
	nic->max_mtu = w->max_mtu;
}

static void link_down(void *ctx, uint32_t bye, const char *text)
{
	struct hv_nic *nic = ctx;

	if (nic->ready)
		vd_log(LOG_WARNING, "nic", nic->port, "the switch is gone%s%s", text[0] ? ": " : "",
		       text);
	nic->ready = false;
	nic->closed = true;
	snprintf(nic->text, sizeof(nic->text), "%s", text);
}

static void link_subchannels(void *ctx, uint32_t count)
{
	struct hv_nic *nic = ctx;

	nic->n_subs = count;
	offer_subchannels(nic);
}

static void link_fault(void *ctx, uint32_t index, const char *text)
{
	struct hv_nic *nic = ctx;

	vd_log(LOG_WARNING, "nic", nic->port,
	       "channel %u was stopped, the guest broke the protocol: %s", index, text);
}

static void target_done(struct hv_nic *nic, uint32_t index, int status)
{
	if (!nic->chan[index].modifying || !nic->chan[index].chan)
		return;
	nic->chan[index].modifying = false;
	vmb_modify_done(nic->chan[index].chan, status);
}

static void link_done(void *ctx, enum nvsp_link_type what, uint32_t id, int status)
{
	struct hv_nic *nic = ctx;
	struct vmb_chan *chan = id < NVSP_QUEUES_MAX ? nic->chan[id].chan : NULL;

	switch (what) {
	case NVSP_LINK_GPADL_ADD:
		vmb_gpadl_add_done(nic->bus->bus, id, status);
		break;
	case NVSP_LINK_GPADL_DEL:
		vmb_gpadl_del_done(nic->bus->bus, id);
		break;
	case NVSP_LINK_OPEN:
		if (status)
			close_kick(nic, id);
		if (chan)
			vmb_open_done(chan, status);
		break;
	case NVSP_LINK_CLOSE:
		close_kick(nic, id);
		if (chan)
			vmb_close_done(chan);
		break;
	case NVSP_LINK_TARGET:
		target_done(nic, id, status);
		break;
	case NVSP_LINK_PAUSE:
		nic->pausing = false;
		break;
	default:
		break;
	}
}

static void link_refused(void *ctx, const char *text)
{
	struct hv_nic *nic = ctx;

	vd_log(LOG_WARNING, "nic", nic->port,
	       "the switch cannot go on, the card is plugged anew: %s", text);
	nic->refused = true;
	snprintf(nic->text, sizeof(nic->text), "%s", text);
	nic->n_subs = 0;
	for (uint32_t i = 0; i < NVSP_QUEUES_MAX; i++)
		close_kick(nic, i);
	if (nic->chan[0].chan)
		vmb_offer_revoke(nic->chan[0].chan);
}

static const struct nvsp_link_ops link_ops = {
	.nic = link_nic,
	.down = link_down,
	.subchannels = link_subchannels,
	.fault = link_fault,
	.done = link_done,
	.refused = link_refused,
};

/* ---- life ---- */

int hv_nic_init(struct hv_nic *nic, struct hv_vmbus *bus, const struct hv_nic_cfg *cfg,
		struct vd_err *err)
{
	const struct hv_ram *ram = bus->ram;
	struct nvsp_link_range ranges[2];
	struct nvsp_link_cfg link = {.path = cfg->path,
				     .vm_name = cfg->vm_name,
				     .ranges = ranges,
				     .n_ranges = ram->slots.n};

	*nic = (struct hv_nic){
		.dev.ops = &device_ops, .bus = bus, .port = cfg->port, .by_path = cfg->by_path};
	link.state = cfg->keep;
	link.state_size = cfg->keep ? NVSP_KEEP_SIZE : 0;
	for (unsigned int i = 0; i < NVSP_QUEUES_MAX; i++)
		nic->chan[i].kick_fd = -1;
	memcpy(nic->instance.b, cfg->vm_uuid, sizeof(nic->instance.b));
	nic->instance.b[15] ^= (uint8_t)(cfg->index + 1);
	if (cfg->instance)
		memcpy(nic->instance.b, cfg->instance, sizeof(nic->instance.b));
	memcpy(link.vm_uuid, cfg->vm_uuid, sizeof(link.vm_uuid));
	for (unsigned int i = 0; i < ram->slots.n; i++)
		ranges[i] = (struct nvsp_link_range){
			.gpa = ram->slots.slot[i].gpa,
			.size = ram->slots.slot[i].size,
			.offset = (uint64_t)(ram->slots.slot[i].host - ram->base),
			.fd = ram->memfd};
	nic->link = nvsp_link_create(&link, &link_ops, nic);
	if (!nic->link)
		return vd_err_set(err, -errno, VD_E_DEVICE, "vm/nic", NULL,
				  "the socket path %s cannot be used: %s", cfg->path,
				  strerror(errno));
	return hv_vmbus_add(bus, &nic->dev);
}

void hv_nic_done(struct hv_nic *nic)
{
	nvsp_link_destroy(nic->link);
	nic->link = NULL;
	for (unsigned int i = 0; i < NVSP_QUEUES_MAX; i++) {
		nic->chan[i].assigned = false; /* the VM is gone */
		close_kick(nic, i);
	}
}

int hv_nic_fd(const struct hv_nic *nic)
{
	return nvsp_link_fd(nic->link);
}

int hv_nic_timeout_ms(const struct hv_nic *nic)
{
	return nvsp_link_timeout_ms(nic->link, now_ms());
}

void hv_nic_run(struct hv_nic *nic)
{
	nvsp_link_run(nic->link, now_ms());
}

static int cannot_connect(const struct hv_nic *nic, struct vd_err *err)
{
	int r = nvsp_link_error(nic->link);

	if (nic->text[0])
		return vd_err_set(err, -EPROTO, VD_E_DEVICE_OPEN, "vm/nic",
				  "viridiand and viridian-vm must be of the same release",
				  "port %s refused the connection: %s", nic->port, nic->text);
	/* also when it was there a moment ago: then nobody else has the port */
	if (r == -ENOENT || r == -ECONNREFUSED || (r == -ENOTCONN && !nic->closed))
		return vd_err_set(err, r, VD_E_UNREACHABLE, "vm/nic",
				  "start viridiand, and see viridian port show",
				  "nobody serves the socket of port %s: %s", nic->port,
				  strerror(-r));
	if (nic->closed)
		return vd_err_set(err, -EBUSY, VD_E_VM_PORT_TAKEN, "vm/nic",
				  "stop that VM, or give this one a port of its own; see viridian "
				  "port show",
				  "port %s is taken by another VM", nic->port);
	return vd_err_set(err, r ? r : -ETIMEDOUT, r ? VD_E_DEVICE_OPEN : VD_E_TIMEOUT, "vm/nic",
			  "see viridian port show", "port %s did not answer: %s", nic->port,
			  strerror(r ? -r : ETIMEDOUT));
}

/* Connect; @restored: and until the switch goes on with the guest. */
static int wait_ready(struct hv_nic *nic, bool restored, unsigned int timeout_ms,
		      struct vd_err *err)
{
	uint64_t deadline = now_ms() + timeout_ms, patience = now_ms() + TAKEN_PATIENCE_MS;
	bool ready = false, over = false;

	while (!ready && !over) {
		struct pollfd p = {.events = POLLIN};

		hv_vmbus_lock(nic->bus);
		hv_nic_run(nic);
		ready = nic->ready && (!restored || nvsp_link_is_up(nic->link));
		/* nobody listens: there is nothing to wait for; taken: maybe by one that just ended */
		over = nic->text[0] || (!nic->closed && nvsp_link_error(nic->link)) ||
		       now_ms() >= (nic->closed ? patience : deadline);
		p.fd = hv_nic_fd(nic);
		hv_vmbus_unlock(nic->bus);
		if (!ready && !over)
			poll(&p, 1, 20);
	}
	return ready && !nic->refused ? 0 : cannot_connect(nic, err);
}

int hv_nic_wait(struct hv_nic *nic, unsigned int timeout_ms, struct vd_err *err)
{
	int r = wait_ready(nic, false, timeout_ms, err);

	if (r)
		return r;
	hv_vmbus_lock(nic->bus);
	offer(nic, 0);
	hv_vmbus_unlock(nic->bus);
	return 0;
}

/* ---- snapshots ---- */

void hv_nic_pause(struct hv_nic *nic, bool on)
{
	if (on == nic->paused)
		return;
	nic->paused = on;
	if (on)
		nic->pausing = nvsp_link_pause(nic->link) == -EINPROGRESS;
	else
		(void)nvsp_link_continue(nic->link);
}

bool hv_nic_is_paused(const struct hv_nic *nic)
{
	return nic->paused && !nic->pausing;
}

const void *hv_nic_save(const struct hv_nic *nic, struct hv_nic_state *ret)
{
	size_t size;

	*ret = (struct hv_nic_state){.max_queues = nic->max_queues,
				     .max_mtu = nic->max_mtu,
				     .n_subs = (uint16_t)nic->n_subs,
				     .by_path = nic->by_path};
	memcpy(ret->instance, nic->instance.b, sizeof(ret->instance));
	memcpy(ret->mac, nic->mac, sizeof(ret->mac));
	snprintf(ret->port, sizeof(ret->port), "%s", nic->by_path ? "" : nic->port);
	return nvsp_link_state(nic->link, &size);
}

void hv_nic_offer_saved(struct hv_nic *nic, unsigned int n_subs)
{
	nic->n_subs = n_subs;
	offer(nic, 0);
	offer_subchannels(nic);
}

struct reopening {
	struct hv_nic *nic;
	int r;
};

static void give_gpadl(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	struct reopening *re = ctx;
	int r;

	if (vmb_chan_offer(chan)->priv != &re->nic->dev)
		return;
	r = on_gpadl_add(&re->nic->dev, chan, g);
	if (r && r != -EINPROGRESS && !re->r)
		re->r = r;
}

int hv_nic_reopen(struct hv_nic *nic)
{
	struct reopening re = {.nic = nic};
	struct vmb_open open;
	int r;

	vmb_bus_each_gpadl(nic->bus->bus, give_gpadl, &re);
	for (uint32_t i = 0; i < NVSP_QUEUES_MAX && !re.r; i++) {
		if (!nic->chan[i].chan || !vmb_chan_opened_with(nic->chan[i].chan, &open))
			continue;
		r = open_chan(nic, nic->chan[i].chan, &open, true);
		re.r = r == -EINPROGRESS ? 0 : r;
	}
	return re.r;
}

static int does_not_fit(const struct hv_nic *nic, const struct hv_nic_state *saved,
			struct vd_err *err)
{
	const uint8_t *m = saved->mac;

	if (memcmp(nic->mac, saved->mac, sizeof(nic->mac)))
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/nic",
				  "give it that address (viridian port set PORT --mac), or let "
				  "restore do it: without --keep-port",
				  "port %s has another address than the saved card, "
				  "%02x:%02x:%02x:%02x:%02x:%02x",
				  nic->port, m[0], m[1], m[2], m[3], m[4], m[5]);
	if (nic->max_queues <= saved->n_subs)
		return vd_err_set(err, -EINVAL, VD_E_VM_SNAPSHOT, "vm/nic",
				  "make the port anew with device netvsp:PATH,queues=N",
				  "the guest uses %u queues, port %s has %u", saved->n_subs + 1u,
				  nic->port, nic->max_queues);
	return 0;
}

int hv_nic_wait_restored(struct hv_nic *nic, const struct hv_nic_state *saved,
			 unsigned int timeout_ms, struct vd_err *err)
{
	struct vd_err why = {0};
	int r = wait_ready(nic, true, timeout_ms, &why);

	/* what does not fit explains a refusal better than the refusal */
	if (nic->ready && does_not_fit(nic, saved, err))
		return -EINVAL;
	if (r)
		*err = why;
	return r;
}
