/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest whose driver is unloaded and loaded again and again while frames come in: every other time without a
 * word before the channels close. What a guest gave up belongs to it: those pages are filled with a pattern,
 * and the switch, which goes on having frames for the port, must not touch them.
 *
 *   netvsp-reload SOCKET NAME QUEUES TIMES
 *
 * Prints "ready" when the NIC is up for the first time, at the end JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <time.h>

#include "tests/lib/vsc/remote.h"

#define RAM_SIZE (96u << 20)
#define PATTERN  0x5a

static struct vsc v;
static struct vsc_remote remote;
static uint32_t n_queues;
static uint64_t n_frames;
static bool first = true;

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static int load(void)
{
	struct vsc_up up = {.version = NVSP_V61,
			    .mtu = 1500,
			    .recv_pages = 1024,
			    .send_pages = 64,
			    .caps = NVSP_CAP_8021Q,
			    .ring_pages = 16};
	uint32_t filter = 0xd;
	int r = first ? vsc_start(&v, &up) : vsc_open(&v, 0, up.ring_pages);

	if (!first && !r)
		r = vsc_bring_up(&v, &up);
	if (!first && !r)
		r = vsc_set(&v, 0x0001010e, &filter, 4) ? -11 : 0;
	first = false;
	if (!r && n_queues > 1 && vsc_subchannels(&v, n_queues - 1) != (int)n_queues - 1)
		r = -20;
	return r;
}

static void run(uint64_t us, bool loaded)
{
	uint64_t end = now_us() + us;

	do {
		vsc_remote_run(&remote, -1, 1);
		for (uint32_t i = 0; loaded && i < n_queues; i++)
			vsc_guest_poll(&v, i);
	} while (now_us() < end);
}

static void unload(bool politely)
{
	n_frames += v.n_guest_rx;
	v.n_guest_rx = 0;
	if (politely) {
		vsc_stop(&v);
		return;
	}
	for (uint32_t i = VSC_CHANS; i-- > 0;)
		vsc_close(&v, i);
}

static void each_page(void (*fn)(uint8_t *page, void *ctx), void *ctx)
{
	for (uint32_t i = 0; i < v.recv_pages; i++)
		fn(ram_pfn(&v.ram, v.recv_pfns[i]), ctx);
	for (uint32_t i = 0; i < v.send_pages; i++)
		fn(ram_pfn(&v.ram, v.send_pfns[i]), ctx);
	for (uint32_t c = 0; c < n_queues; c++)
		for (uint32_t i = 0; i < v.chan[c].n_pages; i++)
			fn(ram_pfn(&v.ram, v.chan[c].pfns[i]), ctx);
}

static void fill(uint8_t *page, void *ctx)
{
	memset(page, *(int *)ctx, 4096);
}

static void check(uint8_t *page, void *ctx)
{
	for (uint32_t i = 0; i < 4096; i++)
		if (page[i] != PATTERN) {
			++*(unsigned int *)ctx;
			return;
		}
}

int main(int argc, char **argv)
{
	unsigned int n, done = 0, touched = 0;
	int r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 5)
		return 2;
	n_queues = (uint32_t)atoi(argv[3]);
	n = (unsigned int)atoi(argv[4]);
	if (!n_queues || n_queues > VSC_CHANS)
		return 2;
	r = vsc_remote_init(&remote, &v, argv[1], argv[2], RAM_SIZE, 10000);
	for (; !r && done < n; done++) {
		r = load();
		if (r)
			break;
		if (!done) {
			puts("ready");
			fflush(stdout);
		}
		run(done * 37 % 5000, true);
		unload(done & 1);
		each_page(fill, &(int){PATTERN});
		run(500, false);
		each_page(check, &touched);
		each_page(fill, &(int){0});
	}
	printf("{\"reloads\":%u,\"failed\":%d,\"touched\":%u,\"frames\":%lu,\"errors\":%u}\n", done,
	       r, touched, n_frames, v.rx_errors);
	vsc_remote_done(&remote);
	return r != 0;
}
