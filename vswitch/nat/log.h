/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the log of one NAT network goes: a file of JSON lines, an IPFIX collector, or both. A thread of its own writes; what it
 * is given waits in a bounded queue. A collector that is dead, a disk that is full or hangs costs events, which are
 * counted, and nobody's time: neither workers nor the control thread wait for it.
 *
 * The file is opened again when its name leads to another file or to none: log rotation needs no signal. Where a write
 * failed, the next one that works begins with a record of how many events are missing.
 * One-to-one addresses are told of when the log begins, when they change, and when it ends.
 * UDP to the collector: templates at the beginning, every VSW_NAT_LOG_TEMPLATES_S seconds, and after an error.
 *
 * Thread-safety: control thread. Proof: tests/net/nat-log.test.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "nat/nat_conf.h"
#include "nat/xlat/xlat.h"

#define VSW_NAT_LOG_QUEUE       131072 /* events that wait */
#define VSW_NAT_LOG_TEMPLATES_S 20

struct vsw_nat_log;

/**
 * Make *@io what @c wants: made, changed, or (log off, network inactive) ended and NULL. @sessions: how many the network has
 * when its log begins. -ENOMEM, -EAGAIN: no thread; then *@io is what it was.
 */
int vsw_nat_log_update(struct vsw_nat_log **io, const struct nat_conf *c, uint32_t sessions);

/** Write what waits, but for no longer than a second or two; accepts NULL, leaves NULL. */
void vsw_nat_log_end(struct vsw_nat_log **io);

/**
 * Take @n events whose times are CLOCK_MONOTONIC_COARSE milliseconds. What the queue has no room for is lost and
 * counted. Troubles of the thread, and alarms (ports or quotas exhausted), are told to the daemon's log here, a few
 * a minute. @log NULL: only that.
 */
void vsw_nat_log_put(struct vsw_nat_log *log, const char *nat, const struct nat_event *e,
		     unsigned int n);

/** Counters and troubles. New reference; null for NULL. */
json_t *vsw_nat_log_status(struct vsw_nat_log *log);

/** Milliseconds since 1970 of a CLOCK_MONOTONIC_COARSE time. */
uint64_t vsw_nat_log_utc_ms(uint64_t monotonic_ms);
