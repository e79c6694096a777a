/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building the machine, and what its vCPUs ask of it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "hv/boot.h"
#include "hv/daemon.h"
#include "hv/layout.h"
#include "hv/machine.h"
#include "hv/run.h"
#include "hv/snapshot/restore.h"

#define CONNECT_TIMEOUT_MS 5000u

/* ---- serial ports ---- */

static void uart_irq(struct hv_machine *m, unsigned int irq, bool level)
{
	hv_kvm_irq_line(&m->kvm, irq, level);
}

static void uart0_irq(void *ctx, bool level)
{
	uart_irq(ctx, HV_COM1_IRQ, level);
}

static void uart1_irq(void *ctx, bool level)
{
	uart_irq(ctx, HV_COM2_IRQ, level);
}

static void uart0_tx(void *ctx, const uint8_t *data, unsigned int n)
{
	hv_console_write(&((struct hv_machine *)ctx)->console[0], data, n);
}

static void uart1_tx(void *ctx, const uint8_t *data, unsigned int n)
{
	hv_console_write(&((struct hv_machine *)ctx)->console[1], data, n);
}

static void uart_room(void *ctx)
{
	/* the main thread polls the input again */
	(void)!write(((struct hv_machine *)ctx)->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

static const struct hv_uart_ops uart_ops[2] = {
	{.irq = uart0_irq, .tx = uart0_tx, .rx_room = uart_room},
	{.irq = uart1_irq, .tx = uart1_tx, .rx_room = uart_room},
};

static void reset_ports(struct hv_machine *m)
{
	m->pio = (struct hv_pio){.n_uarts = m->opt->two_uarts ? 2 : 1};
	for (unsigned int i = 0; i < m->pio.n_uarts; i++)
		hv_uart_init(&m->pio.uart[i], &uart_ops[i], m);
}

/* ---- what vCPUs ask ---- */

static enum hv_event on_pio_write(void *ctx, uint16_t port, uint32_t v, unsigned int size)
{
	struct hv_machine *m = ctx;
	enum hv_event ev;

	pthread_mutex_lock(&m->pio_lock);
	ev = hv_pio_write(&m->pio, port, v, size);
	pthread_mutex_unlock(&m->pio_lock);
	return ev;
}

static uint32_t on_pio_read(void *ctx, uint16_t port, unsigned int size)
{
	struct hv_machine *m = ctx;
	uint32_t v;

	pthread_mutex_lock(&m->pio_lock);
	v = hv_pio_read(&m->pio, port, size, time(NULL));
	pthread_mutex_unlock(&m->pio_lock);
	return v;
}

static uint16_t on_hypercall(void *ctx, unsigned int vp, uint64_t control, uint64_t in,
			     uint64_t out)
{
	return hv_vmbus_hypercall(&((struct hv_machine *)ctx)->vmbus, control, in);
}

static void on_synic(void *ctx, unsigned int vp, const struct kvm_hyperv_exit *exit)
{
	hv_vmbus_synic(&((struct hv_machine *)ctx)->vmbus, vp, exit);
}

static bool on_rdmsr(void *ctx, unsigned int vp, uint32_t msr, uint64_t *v)
{
	return hv_vmbus_rdmsr(&((struct hv_machine *)ctx)->vmbus, vp, msr, v);
}

static bool on_wrmsr(void *ctx, unsigned int vp, uint32_t msr, uint64_t v)
{
	return hv_vmbus_wrmsr(&((struct hv_machine *)ctx)->vmbus, vp, msr, v);
}

static void on_crashed(void *ctx, unsigned int vp, const uint64_t p[5])
{
	struct hv_machine *m = ctx;

	vd_log(LOG_WARNING, "vm", m->opt->name,
	       "the guest crashed on vCPU %u (rip 0x%llx; 0x%llx 0x%llx 0x%llx 0x%llx)", vp,
	       (unsigned long long)p[2], (unsigned long long)p[0], (unsigned long long)p[1],
	       (unsigned long long)p[3], (unsigned long long)p[4]);
}

static void end(struct hv_machine *m, enum hv_event ev, const char *why)
{

	pthread_mutex_lock(&m->event_lock);
	if (m->event == HV_EV_NONE) {
		m->event = ev;
		if (ev == HV_EV_FAILED)
			snprintf(m->why, sizeof(m->why), "%s", why);
	}
	pthread_mutex_unlock(&m->event_lock);
	(void)!write(m->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void hv_machine_fail(struct hv_machine *m, const char *why)
{
	end(m, HV_EV_FAILED, why);
}

static void on_ended(void *ctx, unsigned int vp, enum hv_event ev, const char *why)
{
	char text[160];

	snprintf(text, sizeof(text), "vCPU %u: %.140s", vp, why);
	end(ctx, ev, text);
}

static const struct hv_vcpu_ops vcpu_ops = {
	.pio_write = on_pio_write,
	.pio_read = on_pio_read,
	.hypercall = on_hypercall,
	.synic = on_synic,
	.rdmsr = on_rdmsr,
	.wrmsr = on_wrmsr,
	.crashed = on_crashed,
	.ended = on_ended,
};

/* ---- partition ---- */

static uint64_t tsc_hz(const struct hv_machine *m)
{
	int khz = ioctl(m->vcpu[0].fd, KVM_GET_TSC_KHZ, 0);

	return khz > 0 ? (uint64_t)khz * 1000 : 0;
}

void hv_machine_unbuild(struct hv_machine *m)
{
	for (unsigned int i = 0; i < m->n_vcpus; i++)
		hv_vcpu_done(&m->vcpu[i]);
	m->n_vcpus = 0;
	hv_kvm_destroy_vm(&m->kvm);
}

int hv_machine_build(struct hv_machine *m, struct vd_err *err)
{
	unsigned int n = m->opt->n_cpus;
	int r = hv_kvm_create_vm(&m->kvm, &m->ram, n, err);

	if (r)
		return r;
	if (m->restore)
		r = hv_restore_cpuid(m->restore, &m->kvm, err);
	for (unsigned int i = 0; i < n && !r; i++) {
		r = hv_vcpu_init(&m->vcpu[i], &m->kvm, i, &vcpu_ops, m, err);
		if (!r)
			m->n_vcpus++;
	}
	if (!r)
		r = hv_vmbus_attach(&m->vmbus, tsc_hz(m), err);
	reset_ports(m);
	if (r)
		hv_machine_unbuild(m);
	return r;
}

int hv_machine_boot(struct hv_machine *m, struct vd_err *err)
{
	struct hv_entry entry;
	int r = hv_boot_files(m->opt, &m->ram, &entry, err);

	return r ? r : hv_vcpu_set_entry(&m->vcpu[0], &entry, err);
}

/* ---- set-up ---- */

static int check_memory(const struct hv_options *opt, struct vd_err *err)
{
	struct sysinfo si;
	uint64_t have;

	if (opt->overcommit || sysinfo(&si))
		return 0;
	have = ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
	if (opt->memory_size <= have)
		return 0;
	return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, "vm/memory",
			  "give the VM less with --memory, or add --overcommit",
			  "%llu MiB of guest memory: this machine has %llu MiB",
			  (unsigned long long)(opt->memory_size / HV_MIB),
			  (unsigned long long)(have / HV_MIB));
}

/* The same name gives the same UUID, so a card is the same card after the worker was restarted. */
static void name_uuid(const char *name, uint8_t uuid[16])
{
	uint64_t h[2] = {0xcbf29ce484222325ull, 0x84222325cbf29ce4ull};

	for (const char *p = name; *p; p++) {
		h[0] = (h[0] ^ (uint8_t)*p) * 0x100000001b3ull;
		h[1] = (h[1] ^ (uint8_t)*p ^ h[0] >> 32) * 0x100000001b3ull;
	}
	memcpy(uuid, h, 16);
	uuid[7] = (uint8_t)((uuid[7] & 0x0f) | 0x80); /* version 8: by the maker's own rule */
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

/* A card of the switch: as it was saved, or new. */
static int add_nic(struct hv_machine *m, unsigned int i, struct vd_err *err)
{
	const struct hv_nic_opt *o = &m->opt->nic[i];
	const struct hv_saved_part *saved = m->restore ? &m->restore->saved.nic[i] : NULL;
	struct hv_nic_state *state = m->restore ? &m->restore->nic[i] : NULL;
	void *keep = NULL;
	struct hv_nic_cfg cfg = {.path = m->nic_path[i],
				 .port = o->port[0] ? o->port : o->path,
				 .vm_name = m->opt->name,
				 .by_path = !o->port[0],
				 .index = i};
	int r = 0;

	if (o->path[0])
		memcpy(m->nic_path[i], o->path, sizeof(o->path));
	else
		r = hv_daemon_port_path(m->opt->socket, o->port, m->nic_path[i],
					sizeof(m->nic_path[i]), err);
	if (r)
		return r;
	name_uuid(m->opt->name, cfg.vm_uuid);
	if (saved) {
		keep = malloc(NVSP_KEEP_SIZE);
		if (!keep)
			return vd_err_set(err, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL,
					  "memory ran out");
		(void)hv_nic_state_load(saved->data, saved->size, state, keep);
		cfg.instance = state->instance;
		cfg.keep = keep;
	}
	r = hv_nic_init(&m->nic[i], &m->vmbus, &cfg, err);
	free(keep);
	if (r)
		return r;
	m->n_nics++;
	return saved ? 0 : hv_nic_wait(&m->nic[i], CONNECT_TIMEOUT_MS, err);
}

static int open_files(struct hv_machine *m, struct vd_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->signal_fd < 0 || m->wake_fd < 0)
		return vd_err_set(err, -errno, VD_E_SYSTEM, "vm", NULL, "%s", strerror(errno));
	if (m->opt->serial)
		return hv_console_open(&m->console[1], m->opt->serial, err);
	return 0;
}

int hv_machine_init(struct hv_machine *m, struct hv_options *opt, struct hv_restore *restore,
		    struct vd_err *err)
{
	int r;

	*m = (struct hv_machine){
		.opt = opt,
		.restore = restore,
		.kvm = {.sys = -1, .vm = -1},
		.ram = {.memfd = -1},
		.console = {{.in = -1, .out = -1}, {.in = -1, .out = -1}},
		.signal_fd = -1,
		.wake_fd = -1,
		.control = {.socket.fd = -1, .conn_fd = -1, .state_fd = -1, .dirty.todo_fd = -1}};
	pthread_mutex_init(&m->pio_lock, NULL);
	pthread_mutex_init(&m->event_lock, NULL);
	r = check_memory(opt, err);
	if (!r)
		r = hv_kvm_open(&m->kvm, opt->kvm, opt->user_synic, err);
	if (!r)
		r = open_files(m, err);
	if (!r)
		r = hv_ram_init(&m->ram, opt->memory_size, err);
	if (!r)
		r = hv_vmbus_init(&m->vmbus, &m->kvm, &m->ram, opt->n_cpus, err);
	if (!r && restore)
		r = hv_restore_load(restore, opt, &m->ram, err);
	if (!r)
		r = hv_machine_build(m, err);
	if (!r && !restore)
		r = hv_machine_boot(m, err);
	for (unsigned int i = 0; i < opt->n_nics && !r; i++)
		r = add_nic(m, i, err);
	if (!r)
		r = hv_control_init(&m->control, m, opt->control, err);
	if (!r && restore)
		r = hv_restore_machine(restore, m, err);
	if (!r && restore)
		r = hv_restore_finish(restore, m, err);
	m->restore = NULL;
	if (!r)
		hv_console_stdio(&m->console[0]);
	else
		hv_machine_done(m);
	return r;
}

void hv_machine_done(struct hv_machine *m)
{
	int fds[] = {m->signal_fd, m->wake_fd};

	for (unsigned int i = 0; i < m->n_vcpus; i++)
		hv_vcpu_stop(&m->vcpu[i]);
	hv_machine_unbuild(m);
	for (unsigned int i = 0; i < m->n_nics; i++)
		hv_nic_done(&m->nic[i]);
	if (m->vmbus.bus)
		hv_vmbus_done(&m->vmbus);
	hv_control_done(&m->control);
	hv_ram_done(&m->ram);
	hv_kvm_done(&m->kvm);
	for (unsigned int i = 0; i < 2; i++) {
		hv_console_done(&m->console[i]);
		if (fds[i] >= 0)
			close(fds[i]);
	}
}
