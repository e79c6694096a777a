/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queue in front of a NAT network's log, and the thread behind it. */
#include "vswitch/nat/log.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "vswitch/nat/log_impl.h"

#define END_S   2     /* the thread has so long to write what waits */
#define TELL_MS 60000 /* between two lines about the same trouble */

struct vsw_nat_log {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	/* under the lock */
	struct nat_event *queue;
	uint32_t head, tail; /* put and taken; they wrap */
	uint64_t gap;        /* lost in front of the queue since the last one that got in */
	uint64_t lost_queue;
	struct nat_conf next; /* to be used from now on, where ... */
	bool reconfigure, stop, ended;
	bool abandoned; /* nobody waits for the thread any more: it frees this */
	uint32_t sessions;
	struct vsw_nat_log_counts counts;
	/* the control thread's */
	struct nat_conf c;
	uint64_t told_ms;
	int told_file, told_collector;
	/* the writing thread's */
	struct vsw_nat_sink sink;
};

static uint64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t vsw_nat_log_utc_ms(uint64_t monotonic_ms)
{
	return clock_ms(CLOCK_REALTIME) - clock_ms(CLOCK_MONOTONIC_COARSE) + monotonic_ms;
}

static void free_log(struct vsw_nat_log *log)
{
	nat_conf_done(&log->next);
	nat_conf_done(&log->c);
	pthread_mutex_destroy(&log->lock);
	pthread_cond_destroy(&log->wake);
	free(log->queue);
	free(log);
}

/* ---- the thread ---- */

/* Wait for something to do and take it. Return: events in @batch. */
static unsigned int take(struct vsw_nat_log *log, struct nat_event *batch, struct nat_conf *conf,
			 bool *reconfigure, bool *stop)
{
	unsigned int n = 0;

	pthread_mutex_lock(&log->lock);
	log->counts = log->sink.counts;
	while (log->head == log->tail && !log->reconfigure && !log->stop)
		pthread_cond_wait(&log->wake, &log->lock);
	/* what was queued before a change of the configuration is written as it was then */
	while (n < BATCH && log->tail != log->head)
		batch[n++] = log->queue[log->tail++ % VSW_NAT_LOG_QUEUE];
	*reconfigure = log->reconfigure && (log->head == log->tail || !log->sink.started);
	if (*reconfigure) {
		*conf = log->next;
		memset(&log->next, 0, sizeof(log->next));
		log->reconfigure = false;
		log->sink.sessions = log->sessions;
	}
	*stop = log->stop && log->head == log->tail;
	pthread_mutex_unlock(&log->lock);
	return n;
}

static void *run(void *arg)
{
	struct vsw_nat_log *log = arg;
	struct nat_event batch[BATCH];
	struct nat_conf conf = {0};
	bool reconfigure, stop, abandoned;

	do {
		unsigned int n = take(log, batch, &conf, &reconfigure, &stop);
		uint64_t now = clock_ms(CLOCK_REALTIME);

		if (reconfigure && !log->sink.started) {
			vsw_nat_sink_configure(&log->sink, &conf, now);
			reconfigure = false;
		}
		if (n)
			vsw_nat_sink_write(&log->sink, batch, n, now);
		if (reconfigure)
			vsw_nat_sink_configure(&log->sink, &conf, now);
	} while (!stop);
	vsw_nat_sink_close(&log->sink, clock_ms(CLOCK_REALTIME));
	pthread_mutex_lock(&log->lock);
	log->ended = true;
	abandoned = log->abandoned;
	pthread_mutex_unlock(&log->lock);
	if (abandoned)
		free_log(log);
	return NULL;
}

static int begin(const struct nat_conf *c, uint32_t sessions, struct vsw_nat_log **ret)
{
	struct vsw_nat_log *log = calloc(1, sizeof(*log));
	sigset_t all, old;
	int r = log ? nat_conf_copy(c, &log->next) : -ENOMEM;

	if (r == 0)
		r = nat_conf_copy(c, &log->c);
	if (r == 0) {
		log->queue = calloc(VSW_NAT_LOG_QUEUE, sizeof(*log->queue));
		r = log->queue ? 0 : -ENOMEM;
	}
	if (r < 0) {
		if (log)
			free_log(log);
		return r;
	}
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->wake, NULL);
	vsw_nat_sink_init(&log->sink);
	log->reconfigure = true;
	log->sessions = sessions;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = -pthread_create(&log->thread, NULL, run, log);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r < 0) {
		free_log(log);
		return r;
	}
	pthread_setname_np(log->thread, "nat-log");
	*ret = log;
	return 0;
}

/* ---- the control thread ---- */

static bool wanted(const struct nat_conf *c)
{
	return c->active && c->log.what != NAT_LOG_OFF && (c->log.file[0] || c->log.ipfix);
}

static bool same(const struct nat_conf *a, const struct nat_conf *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->log.file, b->log.file) &&
	       a->n_pairs == b->n_pairs &&
	       (!a->n_pairs || !memcmp(a->pairs, b->pairs, a->n_pairs * sizeof(a->pairs[0]))) &&
	       a->log.ipfix == b->log.ipfix && a->log.ipfix_port == b->log.ipfix_port &&
	       a->log.destinations == b->log.destinations &&
	       a->blocks.deterministic == b->blocks.deterministic &&
	       (!a->blocks.deterministic ||
		(a->blocks.size == b->blocks.size && a->n_external == b->n_external &&
		 !memcmp(&a->prefix, &b->prefix, sizeof(a->prefix)) &&
		 !memcmp(a->external, b->external, a->n_external * sizeof(a->external[0]))));
}

int vsw_nat_log_update(struct vsw_nat_log **io, const struct nat_conf *c, uint32_t sessions)
{
	struct vsw_nat_log *log = *io;
	struct nat_conf a, b;
	int r;

	if (!wanted(c)) {
		vsw_nat_log_end(io);
		return 0;
	}
	if (!log)
		return begin(c, sessions, io);
	if (same(&log->c, c))
		return 0;
	r = nat_conf_copy(c, &a);
	if (r < 0)
		return r;
	r = nat_conf_copy(c, &b);
	if (r < 0) {
		nat_conf_done(&a);
		return r;
	}
	nat_conf_done(&log->c);
	log->c = a;
	pthread_mutex_lock(&log->lock);
	nat_conf_done(&log->next);
	log->next = b;
	log->reconfigure = true;
	log->sessions = sessions;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	return 0;
}

void vsw_nat_log_end(struct vsw_nat_log **io)
{
	struct vsw_nat_log *log = *io;
	struct timespec until;
	bool ended;

	*io = NULL;
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	log->stop = true;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += END_S;
	if (pthread_timedjoin_np(log->thread, NULL, &until) == 0) {
		free_log(log);
		return;
	}
	/* it hangs in a write: it may keep what it has, and itself */
	vd_log(LOG_WARNING, "nat", log->c.name, "the log %s does not take what is written",
	       log->c.log.file);
	pthread_detach(log->thread);
	pthread_mutex_lock(&log->lock);
	log->abandoned = true;
	ended = log->ended;
	pthread_mutex_unlock(&log->lock);
	if (ended)
		free_log(log);
}

/* Troubles come and go quickly: one line a minute and kind, and one when it is over. */
static void tell_one(struct vsw_nat_log *log, int error, int *told, const char *what, uint64_t now)
{
	if (error == *told || (*told && error && now - log->told_ms < TELL_MS))
		return;
	if (error)
		vd_log(LOG_WARNING, "nat", log->c.name, "its log loses events: %s: %s", what,
		       strerror(error));
	else
		vd_log(LOG_NOTICE, "nat", log->c.name, "its log works again: %s", what);
	*told = error;
	log->told_ms = now;
}

static void tell(struct vsw_nat_log *log)
{
	uint64_t now = clock_ms(CLOCK_MONOTONIC_COARSE);
	int file, collector;

	pthread_mutex_lock(&log->lock);
	file = log->counts.file_error;
	collector = log->counts.collector_error;
	pthread_mutex_unlock(&log->lock);
	tell_one(log, file, &log->told_file, log->c.log.file, now);
	tell_one(log, collector, &log->told_collector, "the IPFIX collector", now);
}

/* What an operator should hear of although nothing is logged (RFC 6888 REQ-11). */
static void alarms(const char *nat, const struct nat_event *e, unsigned int n)
{
	char a[NAT_ADDR_STR_SIZE];
	const struct nat_event *first = NULL;
	unsigned int k = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (e[i].type != NAT_EV_PORTS_EXHAUSTED && e[i].type != NAT_EV_QUOTA_EXCEEDED)
			continue;
		if (!k++)
			first = &e[i];
	}
	if (!first)
		return;
	vd_log(LOG_WARNING, "nat", nat, "%s: %s%s", nat_addr_format(first->inside, a),
	       first->type == NAT_EV_PORTS_EXHAUSTED ? "no outside port is free"
						     : "has all the sessions or ports it may have",
	       k > 1 ? ", and so for others" : "");
}

void vsw_nat_log_put(struct vsw_nat_log *log, const char *nat, const struct nat_event *e,
		     unsigned int n)
{
	uint64_t offset = vsw_nat_log_utc_ms(0);

	alarms(nat, e, n);
	if (!log)
		return;
	pthread_mutex_lock(&log->lock);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t used = log->head - log->tail;
		struct nat_event *to = &log->queue[log->head % VSW_NAT_LOG_QUEUE];

		/* the record of what was lost comes first, or not at all */
		if (log->gap && used + 1 < VSW_NAT_LOG_QUEUE) {
			*to = (struct nat_event){.time_ms = e[i].time_ms + offset,
						 .type = NAT_EV_GAP,
						 .count = (uint32_t)log->gap};
			log->gap = 0;
			log->head++;
			used++;
			to = &log->queue[log->head % VSW_NAT_LOG_QUEUE];
		}
		if (log->gap || used >= VSW_NAT_LOG_QUEUE) {
			log->gap++;
			log->lost_queue++;
			continue;
		}
		*to = e[i];
		to->time_ms += offset;
		log->head++;
	}
	if (n)
		pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	tell(log);
}

static const char *error_text(int error)
{
	return error ? strerror(error) : NULL;
}

json_t *vsw_nat_log_status(struct vsw_nat_log *log)
{
	struct vsw_nat_log_counts n;
	uint64_t waiting, lost;

	if (!log)
		return json_null();
	pthread_mutex_lock(&log->lock);
	n = log->counts;
	waiting = log->head - log->tail;
	lost = log->lost_queue;
	pthread_mutex_unlock(&log->lock);
	return json_pack("{s:I, s:I, s:I, s:{s:I, s:I, s:s?}, s:{s:I, s:I, s:I, s:I, s:s?}}",
			 "waiting", (json_int_t)waiting, "lost",
			 (json_int_t)(lost + n.lost_file + n.lost_collector), "lost_queue",
			 (json_int_t)lost, "file", "written", (json_int_t)n.written, "lost",
			 (json_int_t)n.lost_file, "error", error_text(n.file_error), "collector",
			 "sent", (json_int_t)n.sent, "messages", (json_int_t)n.messages, "lost",
			 (json_int_t)n.lost_collector, "refused", (json_int_t)n.refused, "error",
			 error_text(n.collector_error));
}
