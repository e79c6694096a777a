/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine's state into records. */
#include "hv/snapshot/save.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "hv/run.h"
#include "hv/snapshot/file.h"
#include "hv/snapshot/machine_state.h"
#include "hv/snapshot/vcpu_state.h"

#define SETTLE_MS 2000u
#define TURN_MS   5
#define BUS_MAX   (8u << 20)

/* ---- standing still ---- */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* No device owes the bus an answer: only then its state can be written down. */
static bool bus_settled(struct hv_machine *m)
{
	bool settled;

	hv_vmbus_lock(&m->vmbus);
	settled = vmb_bus_save(m->vmbus.bus, NULL, 0) > 0;
	hv_vmbus_unlock(&m->vmbus);
	return settled;
}

static bool nics_paused(struct hv_machine *m)
{
	bool paused = true;

	hv_vmbus_lock(&m->vmbus);
	for (unsigned int i = 0; i < m->n_nics; i++)
		paused &= hv_nic_is_paused(&m->nic[i]);
	hv_vmbus_unlock(&m->vmbus);
	return paused;
}

/* Serve the cards' sockets until @done. */
static bool wait_for(struct hv_machine *m, bool (*done)(struct hv_machine *m))
{
	uint64_t deadline = now_ms() + SETTLE_MS;
	struct pollfd p[HV_NICS_MAX];
	bool is;

	while (!(is = done(m)) && now_ms() < deadline) {
		int timeout_ms = TURN_MS, n = hv_machine_prepare_nics(m, p, 0, &timeout_ms);

		if (done(m))
			return true;
		poll(p, (nfds_t)n, timeout_ms);
	}
	return is;
}

static void pause_nics(struct hv_machine *m, bool on)
{
	hv_vmbus_lock(&m->vmbus);
	for (unsigned int i = 0; i < m->n_nics; i++)
		hv_nic_pause(&m->nic[i], on);
	hv_vmbus_unlock(&m->vmbus);
}

static bool event_waits(struct hv_machine *m)
{
	bool waits;

	pthread_mutex_lock(&m->event_lock);
	waits = m->event != HV_EV_NONE;
	pthread_mutex_unlock(&m->event_lock);
	return waits;
}

int hv_save_pause(struct hv_machine *m, struct vd_err *err)
{
	const char *what = NULL;

	hv_machine_stop_vcpus(m);
	if (event_waits(m))
		/* the main loop does what the guest wants; nothing is started before that */
		return vd_err_set(err, -EAGAIN, VD_E_VM_SNAPSHOT, "vm", "try again",
				  "the guest is being reset or powers off");
	if (!wait_for(m, bus_settled)) {
		what = "a network card is being set up, and viridiand does not answer";
	} else {
		pause_nics(m, true);
		if (!wait_for(m, nics_paused))
			what = "viridiand does not let go of the guest's memory";
	}
	if (!what)
		return 0;
	hv_save_resume(m);
	return vd_err_set(err, -EAGAIN, VD_E_VM_SNAPSHOT, "vm", "try again", "%s", what);
}

void hv_save_resume(struct hv_machine *m)
{
	struct vd_err err = {0};

	pause_nics(m, false);
	if (!event_waits(m) && hv_machine_start_vcpus(m, &err))
		hv_machine_fail(m, err.message);
}

/* ---- writing it down ---- */

struct out {
	uint8_t *p;
	size_t room, at;
};

/* Where a record's payload goes, and how much of it there may be. NULL: no room. */
static void *payload(struct out *o, size_t *room)
{
	if (o->room - o->at < sizeof(struct hv_snap_rec))
		return NULL;
	*room = o->room - o->at - sizeof(struct hv_snap_rec);
	return o->p + o->at + sizeof(struct hv_snap_rec);
}

static int finish(struct out *o, enum hv_snap_type type, uint32_t index, int64_t size)
{
	struct hv_snap_rec rec;
	const uint8_t *data = o->p + o->at + sizeof(rec);

	if (size < 0)
		return (int)size;
	rec = hv_snap_rec(type, index, 0, data, (uint64_t)size);
	memcpy(o->p + o->at, &rec, sizeof(rec));
	o->at += sizeof(rec) + (size_t)size;
	return 0;
}

size_t hv_save_state_max(const struct hv_machine *m)
{
	size_t heads = (8 + m->opt->n_cpus + m->opt->n_nics) * sizeof(struct hv_snap_rec);

	return heads + HV_VM_STATE_MAX + HV_BOARD_STATE_MAX + BUS_MAX +
	       m->opt->n_cpus * HV_VCPU_STATE_MAX + m->opt->n_nics * HV_NIC_STATE_MAX;
}

static int save_vcpus(struct hv_machine *m, struct out *o)
{
	size_t room;
	void *p;
	int r = 0;

	for (unsigned int i = 0; i < m->n_vcpus && !r; i++) {
		p = payload(o, &room);
		r = p ? finish(o, HV_SNAP_CPU, i,
			       hv_vcpu_state_save(m->vcpu[i].fd, &m->kvm, p, room))
		      : -E2BIG;
	}
	return r;
}

static int save_vm(struct hv_machine *m, struct out *o)
{
	size_t room;
	void *p = payload(o, &room);
	int r = p ? finish(o, HV_SNAP_VM, 0, hv_vm_state_save(&m->kvm, m->vcpu[0].fd, p, room))
		  : -E2BIG;

	if (r)
		return r;
	p = payload(o, &room);
	pthread_mutex_lock(&m->pio_lock);
	r = p ? finish(o, HV_SNAP_BOARD, 0, hv_board_state_save(&m->pio, &m->vmbus, p, room))
	      : -E2BIG;
	pthread_mutex_unlock(&m->pio_lock);
	return r;
}

static int save_devices(struct hv_machine *m, struct out *o)
{
	size_t room = 0, size;
	void *p = payload(o, &room);
	int r;

	size = p ? vmb_bus_save(m->vmbus.bus, p, room) : 0;
	r = !size ? -EAGAIN : size > room ? -E2BIG : finish(o, HV_SNAP_BUS, 0, (int64_t)size);
	for (unsigned int i = 0; i < m->n_nics && !r; i++) {
		struct hv_nic_state s;
		const void *keep = hv_nic_save(&m->nic[i], &s);

		p = payload(o, &room);
		r = p ? finish(o, HV_SNAP_NIC, i, hv_nic_state_save(&s, keep, p, room)) : -E2BIG;
	}
	return r;
}

int64_t hv_save_state(struct hv_machine *m, uint8_t *buf, size_t room, struct vd_err *err)
{
	struct out o = {buf, room, 0};
	const char *what = "the interrupt controllers or the clock";
	int r = save_vm(m, &o);

	if (!r) {
		what = "a processor";
		r = save_vcpus(m, &o);
	}
	if (!r) {
		what = "the devices";
		hv_vmbus_lock(&m->vmbus);
		r = save_devices(m, &o);
		hv_vmbus_unlock(&m->vmbus);
	}
	return r ? vd_err_set(err, r, VD_E_VM_SNAPSHOT, "vm", NULL,
			      "the state of %s cannot be saved: %s", what, strerror(-r))
		 : (int64_t)o.at;
}
