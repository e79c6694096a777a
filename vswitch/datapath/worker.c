/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The polling loop: which queues are polled, which are parked, when to sleep. */
#include "vswitch/datapath/worker.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <rte_cycles.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/probe.h"
#include "vswitch/policy/shape_path.h"

/* Quiet this long, a queue is parked: kernel interfaces soon, because polling them is a system call;
 * shared-memory rings later, because waking a guest's kick costs both sides more. */
#define PARK_SYSCALL_US 20
#define PARK_RING_US    100
/* With some queues busy, parked ones are looked at every so many loops. */
#define CHECK_LOOPS 16
/* Sleeping worker with queues that have no descriptor: polls them this often. */
#define BLIND_SLEEP_US 400
#define EVENTS         64
#define WAKE_TOKEN     UINT64_MAX

static uint64_t us_to_cycles(uint32_t us)
{
	return rte_get_tsc_hz() / 1000000 * us;
}

static uint64_t token(const struct vsw_snap_queue *q)
{
	return (uint64_t)q->port->index << 16 | q->queue;
}

/* Is a queue of a wait set still ours to unpark? */
static struct vsw_rxq *rxq_of(struct vsw_worker_thread *t, uint64_t tok)
{
	uint16_t index = tok >> 16 & 0xffff, queue = tok & 0xffff;
	const struct vsw_snap_port *p;

	if (index >= VSW_PORTS_MAX)
		return NULL;
	p = t->w.snap->ports[index];
	if (!p || queue >= p->rt->n_rxq || p->rt->rxq[queue].owner != t->w.id)
		return NULL;
	return &p->rt->rxq[queue];
}

static void unpark(struct vsw_worker_thread *t, const struct vsw_snap_port *p, uint16_t queue,
		   uint64_t now)
{
	struct vsw_rxq *q = &p->rt->rxq[queue];

	if (p->rt->ops->arm)
		p->rt->ops->arm(p->rt->io, queue, false);
	q->parked = false;
	q->last_busy = now;
	t->hot[t->n_hot++] = (struct vsw_snap_queue){p, queue};
	t->n_parked--;
}

/* With the queue's lock. Returns false when the queue must go on being polled. */
static bool park_locked(struct vsw_worker_thread *t, const struct vsw_snap_port *p, uint16_t queue)
{
	struct vsw_rxq *q = &p->rt->rxq[queue];
	struct vsw_io *io = p->rt->io;
	struct vsw_snap_queue sq = {p, queue};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int fd = io->ops->wait_fd ? io->ops->wait_fd(io, queue) : -1;

	if (fd < 0 || q->owner != t->w.id)
		return false;
	ev.data.u64 = token(&sq);
	if (epoll_ctl(t->epoll_fd, EPOLL_CTL_MOD, fd, &ev) < 0 &&
	    epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		return false;
	q->fd = fd;
	if (io->ops->arm && io->ops->arm(io, queue, true)) {
		io->ops->arm(io, queue, false); /* frames came meanwhile */
		return false;
	}
	q->parked = true;
	t->n_parked++;
	return true;
}

static bool park(struct vsw_worker_thread *t, const struct vsw_snap_port *p, uint16_t queue)
{
	struct vsw_rxq *q = &p->rt->rxq[queue];
	bool r;

	if (!rte_spinlock_trylock(&q->lock))
		return false;
	r = park_locked(t, p, queue);
	rte_spinlock_unlock(&q->lock);
	return r;
}

/* Collect what woke; @timeout_us 0: only look, -1: for ever. Touches no snapshot. */
static int collect(struct vsw_worker_thread *t, struct epoll_event *ev, int timeout_us)
{
	struct timespec ts = {timeout_us / 1000000, timeout_us % 1000000 * 1000};

	return epoll_pwait2(t->epoll_fd, ev, EVENTS, timeout_us < 0 ? NULL : &ts, NULL);
}

static void handle(struct vsw_worker_thread *t, const struct epoll_event *ev, int n, uint64_t now)
{
	uint64_t count;

	for (int i = 0; i < n; i++) {
		struct vsw_rxq *q;

		if (ev[i].data.u64 == WAKE_TOKEN) {
			if (read(t->wake_fd, &count, sizeof(count)) < 0)
				continue;
			continue;
		}
		q = rxq_of(t, ev[i].data.u64);
		if (q && q->parked)
			unpark(t, t->w.snap->ports[ev[i].data.u64 >> 16], ev[i].data.u64 & 0xffff,
			       now);
	}
}

/* A new snapshot, or descriptors changed: everything ours is polled again, and parks anew. */
static void adopt_queues(struct vsw_worker_thread *t, uint64_t now)
{
	const struct vsw_snap_work *work = &t->w.snap->work[t->w.id];
	bool epoch_changed;
	uint32_t epoch = __atomic_load_n(&t->w.dp->io_epoch, __ATOMIC_ACQUIRE);

	epoch_changed = epoch != t->epoch_seen;
	t->epoch_seen = epoch;
	t->n_parked = t->n_hot = 0;
	for (uint32_t i = 0; i < work->n; i++) {
		const struct vsw_snap_queue *sq = &work->queues[i];
		struct vsw_rxq *q = &sq->port->rt->rxq[sq->queue];

		/* the last owner may be parking it right now under its older snapshot */
		rte_spinlock_lock(&q->lock);
		if (q->owner == t->w.id && q->parked && !epoch_changed) {
			t->n_parked++; /* what we parked stays parked */
		} else {
			if (q->owner == t->w.id && q->parked && sq->port->rt->ops->arm)
				sq->port->rt->ops->arm(sq->port->rt->io, sq->queue, false);
			q->owner = t->w.id;
			q->parked = false;
			q->last_busy = now;
			t->hot[t->n_hot++] = *sq;
		}
		rte_spinlock_unlock(&q->lock);
	}
	t->w.stats.n_queues = (uint16_t)RTE_MIN(work->n, (uint32_t)UINT16_MAX);
}

/*
 * Use the newest snapshot and descriptors. Its address does not tell which one it is: while this thread slept or
 * was kept from running, ours may have been freed and a later one built in its place.
 */
static void refresh(struct vsw_worker_thread *t, uint64_t now)
{
	struct vsw_dataplane *dp = t->w.dp;
	const struct vsw_snapshot *snap = __atomic_load_n(&dp->snapshot, __ATOMIC_ACQUIRE);

	if (likely(snap->generation == t->generation_seen &&
		   t->epoch_seen == __atomic_load_n(&dp->io_epoch, __ATOMIC_RELAXED)))
		return;
	t->w.snap = snap;
	t->generation_seen = snap->generation;
	vsw_shape_refresh(&t->w);
	adopt_queues(t, now);
}

static bool queue_live(const struct vsw_snap_queue *sq)
{
	const struct vsw_io_ops *ops = sq->port->rt->ops;

	return !ops->queue_live || ops->queue_live(sq->port->rt->io, sq->queue);
}

/* Quiet for long enough: should it stop being polled? Sets @blind when it should and cannot. */
static bool try_park(struct vsw_worker_thread *t, const struct vsw_snap_queue *sq, uint64_t quiet,
		     bool *blind)
{
	bool kernel = sq->port->rt->io->caps.rx_syscall;

	if (t->poll && !kernel && queue_live(sq))
		return false;
	if (quiet <= us_to_cycles(kernel ? PARK_SYSCALL_US : PARK_RING_US))
		return false;
	if (park(t, sq->port, sq->queue))
		return true;
	*blind = true;
	return false;
}

/* One round over the queues that are not parked. Returns frames moved. */
static uint32_t poll_queues(struct vsw_worker_thread *t, uint64_t now, bool *blind)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < t->n_hot;) {
		struct vsw_snap_queue sq = t->hot[i];
		struct vsw_rxq *q = &sq.port->rt->rxq[sq.queue];
		uint16_t n = vsw_pipeline_poll(&t->w, sq.port, sq.queue);

		total += n;
		if (likely(n))
			q->last_busy = now;
		else if (unlikely(t->w.held)) {
			t->w.held = false;
			*blind = true; /* it rests, whatever its descriptor says */
		} else if (unlikely(try_park(t, &sq, now - q->last_busy, blind))) {
			t->hot[i] = t->hot[--t->n_hot];
			continue;
		}
		i++;
	}
	return total;
}

static void account(struct vsw_worker_stats *s, uint32_t moved, uint64_t began, uint64_t last)
{
	s->loops++;
	s->total_cycles += began - last;
	if (moved) {
		s->packets += moved;
		s->busy_cycles += rte_rdtsc() - began;
	} else {
		s->empty_loops++;
	}
}

/* How long nothing needs doing; -1: until something wakes us. */
static int sleep_us(const struct vsw_worker_thread *t, uint64_t now)
{
	int most = t->n_hot ? BLIND_SLEEP_US : -1;
	uint64_t us;

	if (t->w.due == UINT64_MAX)
		return most;
	us = t->w.due > now ? (t->w.due - now) / (us_to_cycles(1000) / 1000) : 0;
	return most < 0 || us < (uint64_t)most ? (int)RTE_MIN(us, UINT64_C(1000000)) : most;
}

/* Nothing moved: sleep if that is allowed and every queue is parked or blind and quiet. */
static void maybe_sleep(struct vsw_worker_thread *t, bool blind, uint64_t now)
{
	struct vsw_dataplane *dp = t->w.dp;
	struct epoll_event ev[EVENTS];
	int n;

	if (t->poll || (t->n_hot && !blind))
		return;
	for (uint32_t i = 0; i < t->n_hot; i++) {
		const struct vsw_snap_queue *sq = &t->hot[i];

		/* one that was busy a moment ago keeps the worker awake */
		if (now - sq->port->rt->rxq[sq->queue].last_busy <= us_to_cycles(PARK_RING_US))
			return;
	}
	rte_rcu_qsbr_thread_offline(dp->rcu, t->w.id);
	t->w.stats.sleeps++;
	n = collect(t, ev, sleep_us(t, now));
	rte_rcu_qsbr_thread_online(dp->rcu, t->w.id);
	/* what we slept with may be gone: look again before touching any of it */
	now = rte_rdtsc();
	refresh(t, now);
	handle(t, ev, n, now);
}

static void loop(struct vsw_worker_thread *t)
{
	struct vsw_dataplane *dp = t->w.dp;
	uint64_t last = rte_rdtsc();
	struct epoll_event ev[EVENTS];

	while (!__atomic_load_n(&dp->stop, __ATOMIC_RELAXED)) {
		uint64_t now = rte_rdtsc();
		bool blind = false;
		uint32_t moved;

		t->w.now = vsw_fdb_stamp(now);
		refresh(t, now);
		t->w.due = UINT64_MAX;
		if (unlikely(t->w.id == 0 &&
			     __atomic_load_n(&t->w.dp->own_waits, __ATOMIC_ACQUIRE)))
			vsw_probe_flush(&t->w);
		moved = poll_queues(t, now, &blind);
		account(&t->w.stats, moved, now, last);
		last = now;
		if (t->n_parked && --t->loops_to_check == 0) {
			t->loops_to_check = CHECK_LOOPS;
			handle(t, ev, collect(t, ev, 0), now);
		}
		if (unlikely(t->w.n_waiting)) {
			uint64_t due = vsw_shape_poll(&t->w, now);

			t->w.due = RTE_MIN(t->w.due, due);
		}
		if (!moved) {
			maybe_sleep(t, blind, now);
			rte_pause();
		}
		/* the last of the round: from here on the snapshot may be gone */
		rte_rcu_qsbr_quiescent(dp->rcu, t->w.id);
	}
}

struct start {
	struct vsw_worker_thread *t;
	pthread_barrier_t ready;
};

static int pin(int core)
{
	cpu_set_t set;

	if (core < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *run(void *arg)
{
	struct start *s = arg;
	struct vsw_worker_thread *t = s->t;
	char name[16];

	snprintf(name, sizeof(name), "vsw-worker-%u", t->w.id);
	prctl(PR_SET_NAME, name);
	t->error = -pin(t->core);
	/* an lcore ID gives the thread its mempool cache */
	if (t->error == 0 && rte_thread_register() < 0)
		t->error = -ENOMEM;
	if (t->error == 0) {
		rte_rcu_qsbr_thread_register(t->w.dp->rcu, t->w.id);
		rte_rcu_qsbr_thread_online(t->w.dp->rcu, t->w.id);
	}
	pthread_barrier_wait(&s->ready);
	if (t->error)
		return NULL;
	loop(t);
	rte_rcu_qsbr_thread_offline(t->w.dp->rcu, t->w.id);
	rte_rcu_qsbr_thread_unregister(t->w.dp->rcu, t->w.id);
	rte_thread_unregister();
	return NULL;
}

int vsw_worker_start(struct vsw_worker_thread *t)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = WAKE_TOKEN};
	struct start s = {.t = t};
	int r;

	t->loops_to_check = CHECK_LOOPS;
	t->generation_seen = UINT64_MAX;
	t->hot = calloc((size_t)VSW_PORTS_MAX * VSW_QUEUES_MAX, sizeof(*t->hot));
	if (!t->hot)
		return -ENOMEM;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->epoll_fd < 0 || t->wake_fd < 0 ||
	    epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, t->wake_fd, &ev) < 0)
		return -errno;
	pthread_barrier_init(&s.ready, NULL, 2);
	r = pthread_create(&t->thread, NULL, run, &s);
	if (r)
		return -r;
	pthread_barrier_wait(&s.ready);
	pthread_barrier_destroy(&s.ready);
	if (t->error)
		pthread_join(t->thread, NULL);
	return t->error;
}

void vsw_worker_stop(struct vsw_worker_thread *t)
{
	vsw_worker_wake(t);
	pthread_join(t->thread, NULL);
	close(t->epoll_fd);
	close(t->wake_fd);
	free(t->hot);
}

void vsw_worker_wake(struct vsw_worker_thread *t)
{
	uint64_t one = 1;

	if (write(t->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is awake already */
}
