/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main thread's loop: consoles, signals, sockets of the network cards, resets. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "hv/confine.h"
#include "hv/dump.h"
#include "hv/run.h"
#include "hv/snapshot/chain.h"

#define RESET_TIMEOUT_MS 5000
#define RETRY_MS         20 /* until the next look at a message slot that was full */
#define POLLS_MAX        (5 + HV_CPUS_MAX + HV_NICS_MAX)

int hv_machine_start_vcpus(struct hv_machine *m, struct vd_err *err)
{
	int r = 0;

	for (unsigned int i = 0; i < m->n_vcpus && !r; i++)
		r = hv_vcpu_start(&m->vcpu[i], err);
	return r;
}

void hv_machine_stop_vcpus(struct hv_machine *m)
{
	for (unsigned int i = 0; i < m->n_vcpus; i++)
		hv_vcpu_kick(&m->vcpu[i]);
	for (unsigned int i = 0; i < m->n_vcpus; i++)
		hv_vcpu_stop(&m->vcpu[i]);
}

static void drain(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof(n));
}

/* Return: true when it asks for the end. */
static bool take_signal(struct hv_machine *m)
{
	struct signalfd_siginfo si;

	if (read(m->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return false;
	if (si.ssi_signo != SIGUSR2)
		return true;
	hv_machine_dump(m);
	return false;
}

static bool uart_has_room(struct hv_machine *m, unsigned int i)
{
	bool room;

	pthread_mutex_lock(&m->pio_lock);
	room = hv_uart_room(&m->pio.uart[i]) > 0;
	pthread_mutex_unlock(&m->pio_lock);
	return room;
}

static bool feed_uart(struct hv_machine *m, unsigned int i)
{
	uint8_t buf[HV_UART_RX];
	unsigned int n, room;
	bool quit;

	pthread_mutex_lock(&m->pio_lock);
	room = hv_uart_room(&m->pio.uart[i]);
	pthread_mutex_unlock(&m->pio_lock);
	/* only this thread takes room away, so it is still there */
	n = room ? hv_console_read(&m->console[i], buf, room, &quit) : 0;
	if (!room)
		return false;
	pthread_mutex_lock(&m->pio_lock);
	hv_uart_receive(&m->pio.uart[i], buf, n);
	pthread_mutex_unlock(&m->pio_lock);
	return quit;
}

static enum hv_event take_event(struct hv_machine *m)
{
	enum hv_event ev;

	pthread_mutex_lock(&m->event_lock);
	ev = m->event;
	m->event = HV_EV_NONE;
	pthread_mutex_unlock(&m->event_lock);
	return ev;
}

static int add(struct pollfd *p, int n, int fd)
{
	p[n] = (struct pollfd){.fd = fd, .events = POLLIN};
	return n + 1;
}

static int sooner(int a, int b)
{
	return a < 0 ? b : b < 0 || a < b ? a : b;
}

/* Run the cards' sockets; fill in what to wait for. Return: entries. */
int hv_machine_prepare_nics(struct hv_machine *m, struct pollfd *p, int n, int *timeout_ms)
{
	hv_vmbus_lock(&m->vmbus);
	for (unsigned int i = 0; i < m->n_nics; i++) {
		hv_nic_run(&m->nic[i]);
		n = add(p, n, hv_nic_fd(&m->nic[i]));
		*timeout_ms = sooner(*timeout_ms, hv_nic_timeout_ms(&m->nic[i]));
	}
	if (vmb_bus_unsent(m->vmbus.bus))
		*timeout_ms = sooner(*timeout_ms, RETRY_MS);
	hv_vmbus_unlock(&m->vmbus);
	return n;
}

/* Wait once and serve what came. Return: true when the user wants the end. */
static bool serve_once(struct hv_machine *m)
{
	struct pollfd p[POLLS_MAX];
	int n = 0, n_fixed, timeout_ms = -1;
	bool quit = false, flush = false;

	n = add(p, n, m->signal_fd);
	n = add(p, n, m->wake_fd);
	for (unsigned int i = 0; i < 2; i++)
		n = add(p, n, i < m->pio.n_uarts && uart_has_room(m, i) ? m->console[i].in : -1);
	n = add(p, n, hv_control_fd(&m->control));
	n_fixed = n;
	for (unsigned int i = 0; i < m->vmbus.synic.n; i++)
		n = add(p, n, m->vmbus.synic.vp[i].eom_fd);
	n = hv_machine_prepare_nics(m, p, n, &timeout_ms);

	if (poll(p, (nfds_t)n, timeout_ms) < 0)
		return false;
	if (p[1].revents)
		drain(m->wake_fd);
	for (unsigned int i = 0; i < 2; i++) {
		if (p[2 + i].revents)
			quit |= feed_uart(m, i);
	}
	if (p[4].revents)
		hv_control_serve(m);
	for (unsigned int i = 0; i < m->vmbus.synic.n; i++) {
		if (!p[n_fixed + (int)i].revents)
			continue;
		drain(m->vmbus.synic.vp[i].eom_fd);
		flush = true;
	}
	if (flush || timeout_ms == RETRY_MS)
		hv_vmbus_flush(&m->vmbus);
	return quit || m->control.quit || (p[0].revents && take_signal(m));
}

/* Wait until viridiand has let go of the memory. */
static void quiesce(struct hv_machine *m)
{
	struct pollfd p[HV_NICS_MAX];
	int n, timeout_ms;

	if (hv_vmbus_reset(&m->vmbus))
		return;
	for (int waited = 0; waited < RESET_TIMEOUT_MS && !hv_vmbus_quiet(&m->vmbus);
	     waited += RETRY_MS) {
		timeout_ms = RETRY_MS;
		n = hv_machine_prepare_nics(m, p, 0, &timeout_ms);
		poll(p, (nfds_t)n, timeout_ms);
	}
}

static int reset(struct hv_machine *m, struct vd_err *err)
{
	int r;

	vd_log(LOG_INFO, "vm", m->opt->name, "reset");
	hv_machine_stop_vcpus(m);
	(void)take_event(m);
	quiesce(m);
	hv_machine_unbuild(m);
	hv_dirty_reset(&m->control.dirty);
	r = hv_ram_clear(&m->ram);
	if (r)
		return vd_err_set(err, r, VD_E_SYSTEM, "vm/memory", NULL,
				  "guest memory cannot be cleared: %s", strerror(-r));
	r = hv_machine_build(m, err);
	if (!r)
		r = hv_machine_boot(m, err);
	return r ? r : hv_machine_start_vcpus(m, err);
}

/* Return: 0 go on; 1 the end; negative errno. */
static int on_event(struct hv_machine *m, struct vd_err *err)
{
	switch (take_event(m)) {
	case HV_EV_NONE:
		return 0;
	case HV_EV_OFF:
		vd_log(LOG_INFO, "vm", m->opt->name, "the guest powered off");
		return 1;
	case HV_EV_RESET:
		if (!m->opt->kernel)
			vd_log(LOG_INFO, "vm", m->opt->name,
			       "reset, which is the end: it was restored without --kernel");
		return m->opt->no_reboot || !m->opt->kernel ? 1 : reset(m, err);
	default:
		return vd_err_set(err, -EIO, VD_E_VM_KVM, "vm",
				  "the kernel log (dmesg) may say more",
				  "the guest cannot go on: %s", m->why);
	}
}

int hv_machine_run(struct hv_machine *m, struct vd_err *err)
{
	char folder[sizeof(m->control.socket.path)];
	bool quit = false;
	int r;

	hv_chain_folder(m->control.socket.path, folder, sizeof(folder));
	r = hv_confine(m->control.socket.fd >= 0 ? folder : NULL);

	if (r)
		vd_log(LOG_WARNING, "vm", m->opt->name, "not confined: this kernel has no seccomp");
	r = hv_machine_start_vcpus(m, err);
	while (!r && !quit) {
		quit = serve_once(m);
		r = on_event(m, err);
	}
	hv_machine_stop_vcpus(m);
	quiesce(m);
	return r < 0 ? r : 0;
}
