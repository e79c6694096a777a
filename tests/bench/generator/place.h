/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the hypervisor has put our two cores, and who else uses them, sampled inside a measuring window.
 *
 * On a virtual machine two vCPUs may share a cache or sit far apart, and that changes within seconds; a ring
 * between them is then two to four times slower whatever the device does. A real-time helper thread sleeps on
 * the device's core; waking it for some 20 us and bouncing one cache line tells the latency of this moment.
 * A thread's run-queue wait (schedstat) tells whether a stranger held its core.
 *
 * Thread-safety: one caller thread; the helper is this module's own.
 */
#pragma once

#include <stdint.h>

#define PLACE_SAMPLES_MAX 1024

struct place_window {
	double c2c_ns[PLACE_SAMPLES_MAX]; /* one-way core-to-core latency */
	uint32_t n_samples;
	uint64_t self_wait_ns, peer_wait_ns, steal_ticks; /* at the start of the window */
};

/** Start the helper on @peer_core. Return: 0; negative errno. Lives until the process ends. */
int place_start(int peer_core);

/** Begin a window. @watch: schedstat file of the device's busy thread, or NULL. */
void place_begin(struct place_window *w, const char *watch);

/** Take one sample, about 20 us; nothing when no helper runs or it does not answer within 10 ms. */
void place_sample(struct place_window *w);

struct place_verdict {
	double near; /* share of samples below the limit; -1: none taken */
	double c2c_median_ns;
	double self_wait, peer_wait; /* share of the window spent waiting for the core */
	double steal;                /* share of all cores' time taken by the hypervisor */
};

/** End a window of @seconds. Sorts the samples. */
void place_end(struct place_window *w, const char *watch, double seconds, double near_ns,
	       struct place_verdict *ret);
