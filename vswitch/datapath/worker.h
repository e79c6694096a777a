/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Workers: the threads that poll receive queues. A queue that has been quiet for a while is parked:
 * its descriptor waits in the worker's epoll set and costs nothing until it wakes. A worker whose
 * queues are all parked sleeps. Queues without a descriptor keep a sleeping worker on a short timer.
 *
 * Thread-safety: as said at each function.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vswitch/datapath/pipeline.h"

struct vsw_worker_thread {
	struct vsw_worker w;
	pthread_t thread;
	int core; /* -1: not pinned */
	int epoll_fd;
	int wake_fd;              /* eventfd; any thread */
	bool poll;                /* never sleep */
	uint64_t generation_seen; /* of the snapshot in use */
	uint32_t epoch_seen;      /* of vsw_dataplane.io_epoch */
	uint32_t loops_to_check;  /* until parked queues are looked at again */
	uint32_t n_parked;
	uint32_t n_hot;
	struct vsw_snap_queue *hot; /* the queues that are polled; parked ones cost nothing here */
	int error;                  /* -errno of a failed start */
};

/** Start @t (w.dp, w.id, core, poll are set). Returns after it runs, or -errno. Control thread. */
int vsw_worker_start(struct vsw_worker_thread *t);

/** End the loop and join. Control thread. */
void vsw_worker_stop(struct vsw_worker_thread *t);

/** Make a sleeping worker look around. Any thread. */
void vsw_worker_wake(struct vsw_worker_thread *t);
