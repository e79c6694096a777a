/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A snapshot's file of a stranger: head and records, then the state that restoring reads before KVM sees it. Checksums
 * are made right first, or nothing would ever get behind them; the first byte says whether.
 */
#include <stdlib.h>
#include <string.h>

#include "hv/layout.h"
#include "hv/snapshot/chain.h"
#include "hv/snapshot/crc.h"
#include "hv/snapshot/machine_state.h"
#include "hv/snapshot/vcpu_state.h"
#include "tests/fuzz/fuzz_input.h"

#define MEMORY (2 * HV_MIB)

static uint8_t memory[MEMORY] __attribute__((aligned(4096)));
static uint8_t keep[NVSP_KEEP_SIZE];

static int read_bytes(void *ctx, uint64_t at, void *buf, size_t size)
{
	memcpy(buf, (const uint8_t *)ctx + at, size);
	return 0;
}

/* Head and records as whoever wants us harm would write them. */
static void make_right(uint8_t *p, size_t size)
{
	struct hv_snap_head h;
	struct hv_snap_rec r;
	size_t at = sizeof(h);

	if (size < sizeof(h))
		return;
	memcpy(&h, p, sizeof(h));
	hv_snap_seal_head(&h);
	h.memory_size = MEMORY;
	h.n_cpus = h.n_cpus % 4 + 1;
	h.n_nics %= 3;
	h.flags &= HV_SNAP_USER_SYNIC | HV_SNAP_SERIAL2;
	h.vm[sizeof(h.vm) - 1] = 0;
	hv_snap_seal_head(&h);
	memcpy(p, &h, sizeof(h));
	while (size - at >= sizeof(r)) {
		memcpy(&r, p + at, sizeof(r));
		if (r.size > size - at - sizeof(r))
			r.size = size - at - sizeof(r);
		if (r.type == HV_SNAP_END)
			r.arg = size;
		r = hv_snap_rec(r.type, r.index, r.arg, p + at + sizeof(r), r.size);
		memcpy(p + at, &r, sizeof(r));
		at += sizeof(r) + r.size;
	}
}

static void uart_irq(void *ctx, bool level)
{
}

static void uart_tx(void *ctx, const uint8_t *data, unsigned int n)
{
	if (n > HV_UART_TX)
		abort();
}

static void use(const struct hv_saved *s, const struct hv_ram *ram)
{
	static const struct hv_uart_ops ops = {.irq = uart_irq, .tx = uart_tx};
	struct hv_pio pio = {.n_uarts = s->head.flags & HV_SNAP_SERIAL2 ? 2 : 1};
	struct hv_vmbus bus = {.ram = ram, .synic = {.ram = ram, .n = s->head.n_cpus}};
	struct hv_nic_state nic;

	for (unsigned int i = 0; i < 2; i++)
		hv_uart_init(&pio.uart[i], &ops, NULL);
	if (s->board.data &&
	    !hv_board_state_restore(&pio, &bus, s->board.data, s->board.size, NULL)) {
		for (unsigned int i = 0; i < 8; i++)
			hv_uart_read(&pio.uart[0], i);
		hv_uart_write(&pio.uart[0], 4, 0x10);
		hv_uart_write(&pio.uart[0], 0, 'x');
		hv_rtc_read(&pio.rtc, 1, 0);
		for (unsigned int i = 0; i < bus.synic.n; i++)
			if (hv_synic_flags_gpa(&bus.synic, i))
				memset(hv_ram_at(ram, hv_synic_flags_gpa(&bus.synic, i), 256), 0,
				       256);
	}
	for (unsigned int i = 0; i < s->head.n_cpus; i++)
		if (s->cpu[i].data)
			(void)hv_vcpu_state_check(s->cpu[i].data, s->cpu[i].size);
	for (unsigned int i = 0; i < s->head.n_nics; i++)
		if (s->nic[i].data &&
		    !hv_nic_state_load(s->nic[i].data, s->nic[i].size, &nic, keep) &&
		    (strlen(nic.port) >= sizeof(nic.port) || nic.n_subs >= NVSP_QUEUES_MAX))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hv_ram ram = {.memfd = -1,
					  .size = MEMORY,
					  .low_size = MEMORY,
					  .base = memory,
					  .slots = {.n = 1, .slot = {{0, MEMORY, memory}}}};
	struct hv_saved saved = {0};
	struct hv_loading l = {&ram, &saved};
	struct vd_err err = {0};
	struct hv_snap_src src = {read_bytes, NULL, 0, "it"};
	uint8_t *copy;

	if (!size)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		make_right(copy, size - 1);
	src.ctx = copy;
	src.size = size - 1;
	if (!hv_snap_read_head(&src, &saved.head, &err)) {
		if (!hv_snap_walk(&src, &saved.head, hv_chain_take, &l, &err))
			(void)hv_saved_missing(&saved);
		/* a worker looks at state only when the file is whole */
		if (saved.head.memory_size == MEMORY)
			use(&saved, &ram);
	}
	hv_saved_done(&saved);
	free(copy);
	return 0;
}
