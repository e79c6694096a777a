/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest reaches in viridian-vm itself: Hyper-V's registers, hypercalls, VMBus's messages through them, serial
 * ports, clock and the other ports, while it writes its memory as it likes. At any moment all of it can be saved, and what
 * is restored from that is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "hv/hypercall.h"
#include "hv/snapshot/machine_state.h"
#include "tests/fuzz/fuzz_input.h"

#define N_CPUS   3u
#define N_PAGES  24u
#define HIGH_GPA (1ull << 32)

static uint8_t memory[N_PAGES * HV_PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t marks[1];
static const struct hv_ram ram = {
	.memfd = -1,
	.size = sizeof(memory),
	.low_size = sizeof(memory) / 2,
	.base = memory,
	.foreign = marks,
	.slots = {.n = 2,
		  .slot = {{0, sizeof(memory) / 2, memory},
			   {HIGH_GPA, sizeof(memory) / 2, memory + sizeof(memory) / 2}}}};
static struct hv_kvm kvm = {.sys = -1, .vm = -1, .user_synic = true};
static struct hv_vmbus bus;
static struct hv_pio pio;
static bool line[2]; /* the serial ports' interrupts */

/* ---- a device that agrees to everything ---- */

static int agree_gpadl(struct hv_device *d, struct vmb_chan *chan, const struct vmb_gpadl *g)
{
	return 0;
}

static int agree_open(struct hv_device *d, struct vmb_chan *chan, const struct vmb_open *open)
{
	if (open->target_vp != VMB_VP_NONE && open->target_vp >= N_CPUS)
		abort();
	return 0;
}

static int agree_close(struct hv_device *d, struct vmb_chan *chan)
{
	return 0;
}

static int agree_modify(struct hv_device *d, struct vmb_chan *chan, uint32_t vp)
{
	if (vp != VMB_VP_NONE && vp >= N_CPUS)
		abort();
	return 0;
}

static void released(struct hv_device *d, struct vmb_chan *chan)
{
}

static void signalled(struct hv_device *d, struct vmb_chan *chan)
{
	if (!vmb_chan_is_open(chan))
		abort();
	hv_synic_signal(&bus.synic, 0, vmb_chan_relid(chan));
}

static void moved(struct hv_device *d, unsigned int vp)
{
	uint64_t gpa = hv_synic_flags_gpa(&bus.synic, vp);

	/* the switch writes there from now on */
	if (gpa)
		memset(hv_ram_at(&ram, gpa, 256), 0xff, 256);
}

static const struct hv_device_ops device_ops = {agree_gpadl,  agree_gpadl, agree_open, agree_close,
						agree_modify, released,    signalled,  moved};
static struct hv_device device = {&device_ops};

/* ---- serial ports ---- */

static void uart_irq(void *ctx, bool level)
{
	*(bool *)ctx = level;
}

static void uart_tx(void *ctx, const uint8_t *data, unsigned int n)
{
	if (!n || n > HV_UART_TX)
		abort();
	for (unsigned int i = 0; i < n; i++)
		*(volatile uint8_t *)&data[i];
}

static void uart_room(void *ctx)
{
}

static const struct hv_uart_ops uart_ops = {uart_irq, uart_tx, uart_room};

static void up(void)
{
	static const struct vmb_offer offer = {.monitor_id = -1, .priv = &device};
	struct vmb_chan *chan;

	memset(memory, 0, sizeof(memory));
	if (hv_vmbus_init(&bus, &kvm, &ram, N_CPUS, NULL))
		abort();
	hv_usynic_init(&bus.usynic, &bus.synic, 1000000000);
	hv_vmbus_add(&bus, &device);
	vmb_offer_add(bus.bus, &offer, &chan);
	pio = (struct hv_pio){.n_uarts = 2};
	for (unsigned int i = 0; i < 2; i++) {
		line[i] = false;
		hv_uart_init(&pio.uart[i], &uart_ops, &line[i]);
	}
}

/* ---- what it does ---- */

/* A guest address: mostly of memory or just beyond. */
static uint64_t address(struct fuzz_input *in)
{
	uint32_t how = fuzz_num(in, 1);
	uint64_t at = (uint64_t)(how & 31) * HV_PAGE_SIZE + fuzz_num(in, 2) % HV_PAGE_SIZE;

	return how & 32 ? HIGH_GPA + at : how & 64 ? (uint64_t)fuzz_num(in, 4) << 32 | at : at;
}

static void guest_writes(struct fuzz_input *in)
{
	uint64_t gpa = address(in);
	uint8_t blob[300];
	uint32_t n = fuzz_blob(in, blob, 256 + 16);
	void *dst = hv_ram_at(&ram, gpa, n);

	if (dst)
		memcpy(dst, blob, n);
}

/* A message for VMBus, as a guest posts it: at a place of its own. */
static void post(struct fuzz_input *in)
{
	uint32_t head[4] = {fuzz_num(in, 1) & 7, 0, 1, 0};
	uint8_t body[240];

	head[3] = fuzz_blob(in, body, sizeof(body));
	memcpy(memory, head, sizeof(head));
	memcpy(memory + sizeof(head), body, head[3]);
	(void)hv_vmbus_hypercall(&bus, 0x5c, 0);
}

static void any_hypercall(struct fuzz_input *in)
{
	uint64_t control = fuzz_num(in, 4) | (uint64_t)fuzz_num(in, 1) << 32;
	uint16_t status = hv_vmbus_hypercall(&bus, control, address(in));

	if (status > HV_STATUS_NO_BUFFERS)
		abort();
}

static uint16_t port(struct fuzz_input *in)
{
	static const uint16_t known[] = {0x3f8, 0x2f8, 0x70, 0x60, 0x600, 0xcf8};
	uint32_t v = fuzz_num(in, 1);

	return v >= 240 ? (uint16_t)fuzz_num(in, 2) : (uint16_t)(known[(v >> 3) % 6] + (v & 7));
}

static void receive(struct fuzz_input *in)
{
	struct hv_uart *u = &pio.uart[fuzz_num(in, 1) & 1];
	uint8_t data[HV_UART_RX];
	uint32_t n = fuzz_blob(in, data, hv_uart_room(u));

	hv_uart_receive(u, data, n);
}

/* Saved and restored it is what it was. */
static void save_and_restore(void)
{
	static uint8_t a[HV_BOARD_STATE_MAX], b[HV_BOARD_STATE_MAX];
	struct hv_vmbus other = {.kvm = &kvm, .ram = &ram, .synic = {.ram = &ram, .n = N_CPUS}};
	struct hv_pio ports = {.n_uarts = 2};
	int64_t n = hv_board_state_save(&pio, &bus, a, sizeof(a));
	bool level[2];

	for (unsigned int i = 0; i < 2; i++)
		hv_uart_init(&ports.uart[i], &uart_ops, &level[i]);
	hv_usynic_init(&other.usynic, &other.synic, 1000000000);
	if (n <= 0 || hv_board_state_restore(&ports, &other, a, (size_t)n, NULL) ||
	    hv_board_state_save(&ports, &other, b, sizeof(b)) != n || memcmp(a, b, (size_t)n))
		abort();
}

static void step(struct fuzz_input *in)
{
	uint32_t op = fuzz_num(in, 1), vp = (op >> 4) % N_CPUS, msr;
	struct hv_synic_look look;
	uint64_t v = 0;

	switch (op & 15) {
	case 0:
	case 1:
	case 2:
		msr = fuzz_num(in, 2) % 0x120;
		hv_vmbus_wrmsr(&bus, vp, 0x40000000 | msr, address(in));
		break;
	case 3:
		msr = fuzz_num(in, 2) % 0x120;
		hv_vmbus_rdmsr(&bus, vp, 0x40000000 | msr, &v);
		break;
	case 4:
		any_hypercall(in);
		break;
	case 5:
	case 6:
		post(in);
		break;
	case 7:
		guest_writes(in);
		break;
	case 8:
	case 9:
		(void)hv_pio_write(&pio, port(in), fuzz_num(in, 4), 1u << op / 16 % 3);
		break;
	case 10:
		(void)hv_pio_read(&pio, port(in), 1u << op / 16 % 3, fuzz_num(in, 4));
		break;
	case 11:
		receive(in);
		break;
	case 12:
		(void)hv_synic_post(&bus.synic, vp, 1, memory, fuzz_num(in, 1));
		hv_synic_signal(&bus.synic, vp, fuzz_num(in, 2));
		break;
	case 13:
		hv_synic_look(&bus.synic, vp, &look);
		hv_vmbus_flush(&bus);
		break;
	case 14:
		save_and_restore();
		break;
	default:
		if (op >> 4 == 0)
			hv_vmbus_reset(&bus);
	}
	for (unsigned int i = 0; i < 2; i++)
		if (pio.uart[i].level != line[i])
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = {data, size};

	up();
	while (in.left)
		step(&in);
	save_and_restore();
	hv_vmbus_done(&bus);
	return 0;
}
