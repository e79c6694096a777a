/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: a sample is a game of BOUNCES round trips on one cache line. Each game has its own range of
 * ball values, so a helper that wakes late, after the caller gave up, waits for a value that never comes and
 * leaves by its spin limit.
 */
#include "place.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#define BOUNCES    50
#define SPIN_LIMIT 2000000u
#define GIVE_UP_S  0.01

static _Alignas(128) atomic_uint ball; /* odd offsets: served by us; even: returned by the helper */
static _Alignas(128) atomic_uint game_start; /* ball value this game starts from */
static sem_t whistle;
static int helper_core = -1;

static void *helper_main(void *arg)
{
	struct sched_param fifo = {.sched_priority = 1};
	cpu_set_t cores;

	CPU_ZERO(&cores);
	CPU_SET(helper_core, &cores);
	pthread_setaffinity_np(pthread_self(), sizeof(cores), &cores);
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &fifo);
	for (;;) {
		if (sem_wait(&whistle))
			continue;
		unsigned int want = atomic_load(&game_start) + 1, i, spin;

		for (i = 0; i <= BOUNCES; i++, want += 2) {
			for (spin = 0; spin < SPIN_LIMIT; spin++)
				if (atomic_load_explicit(&ball, memory_order_acquire) == want)
					break;
			if (spin == SPIN_LIMIT)
				break;
			atomic_store_explicit(&ball, want + 1, memory_order_release);
		}
	}
	return NULL;
}

int place_start(int peer_core)
{
	pthread_t thread;
	int rc;

	helper_core = peer_core;
	if (sem_init(&whistle, 0, 0))
		return -errno;
	rc = pthread_create(&thread, NULL, helper_main, NULL);
	if (rc)
		helper_core = -1;
	else
		pthread_detach(thread);
	return -rc;
}

void place_sample(struct place_window *w)
{
	unsigned int serve = atomic_load(&ball) + 16, i;
	uint64_t hz = rte_get_tsc_hz(), start = 0, limit;

	if (helper_core < 0 || w->n_samples == PLACE_SAMPLES_MAX)
		return;
	atomic_store(&ball, serve);
	atomic_store(&game_start, serve);
	sem_post(&whistle);
	limit = rte_rdtsc() + (uint64_t)(hz * GIVE_UP_S);
	for (i = 0; i <= BOUNCES; i++, serve += 2) {
		atomic_store_explicit(&ball, serve + 1, memory_order_release);
		while (atomic_load_explicit(&ball, memory_order_acquire) != serve + 2)
			if (rte_rdtsc() > limit)
				return;
		if (i == 0) /* the first trip only proves that the helper is awake */
			start = rte_rdtsc();
	}
	w->c2c_ns[w->n_samples++] = (double)(rte_rdtsc() - start) / hz * 1e9 / BOUNCES / 2;
}

/* Nanoseconds a thread has waited for a core so far; 0 when the kernel does not say. */
static uint64_t waited_ns(const char *schedstat)
{
	uint64_t ran = 0, waited = 0;
	FILE *f = schedstat ? fopen(schedstat, "r") : NULL;

	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		waited = 0;
	fclose(f);
	return waited;
}

static uint64_t steal_ticks(void)
{
	uint64_t v[8] = {0};
	FILE *f = fopen("/proc/stat", "r");

	if (!f)
		return 0;
	/* user nice system idle iowait irq softirq steal */
	if (fscanf(f,
		   "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		   " %" SCNu64 " %" SCNu64,
		   v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 8)
		v[7] = 0;
	fclose(f);
	return v[7];
}

void place_begin(struct place_window *w, const char *watch)
{
	w->n_samples = 0;
	w->self_wait_ns = waited_ns("/proc/thread-self/schedstat");
	w->peer_wait_ns = waited_ns(watch);
	w->steal_ticks = steal_ticks();
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void place_end(struct place_window *w, const char *watch, double seconds, double near_ns,
	       struct place_verdict *ret)
{
	double ticks = seconds * sysconf(_SC_CLK_TCK) * sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t near = 0, i;

	memset(ret, 0, sizeof(*ret));
	ret->self_wait =
		(waited_ns("/proc/thread-self/schedstat") - w->self_wait_ns) / 1e9 / seconds;
	ret->peer_wait = (waited_ns(watch) - w->peer_wait_ns) / 1e9 / seconds;
	ret->steal = (steal_ticks() - w->steal_ticks) / ticks;
	ret->near = -1;
	if (!w->n_samples)
		return;
	qsort(w->c2c_ns, w->n_samples, sizeof(w->c2c_ns[0]), compare);
	for (i = 0; i < w->n_samples; i++)
		near += w->c2c_ns[i] < near_ns;
	ret->near = (double)near / w->n_samples;
	ret->c2c_median_ns = w->c2c_ns[w->n_samples / 2];
}
