/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT networks of the data plane. A network is two ports without a device: one on the inside switch, which owns
 * the gateway's address, one on the outside switch, which owns the outside addresses. What the switch sends
 * to one of them is translated by the worker that sends it (nat/xlat), and enters the other switch through
 * the other port at once: no queue, no other thread.
 *
 * The model gives a network its ports ("SWITCH:nat", "VIA:nat-NAME"; devices "nat:NAME,inside" and
 * "nat:NAME,outside"); the engine opens them like any others. A network translates from
 * vsw_nats_apply() on.
 *
 * Sessions lie in a file below the run directory and survive the process; they end with the network, or with the
 * machine.
 *
 * Thread-safety: control thread, except relay and rx (workers). Workers translate packets of known sessions beside each
 * other, each with a lock of its own; one that must change something (a new session, ARP) waits for the others. Proof: tests/net/nat-dataplane.test.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "nat/xlat/xlat.h"
#include "vswitch/io/io.h"
#include "vswitch/model/model.h"

struct vsw_nats;
struct vsw_nat;

/** All networks of one data plane. @env is borrowed. NULL: no memory. */
struct vsw_nats *vsw_nats_create(const struct vsw_io_env *env);
/** All their ports are closed. Accepts NULL. */
void vsw_nats_destroy(struct vsw_nats *n);

/** Make the open networks translate as @m says. -ENOMEM, -EINVAL; what was done before the error stays. */
int vsw_nats_apply(struct vsw_nats *n, const struct vsw_model *m, struct vd_err *reterr);

/** Forget what networks that are not in @m have left in the run directory. */
void vsw_nats_clean(struct vsw_nats *n, const struct vsw_model *m);

/** Let time pass: workers age sessions and ask for neighbours; logs are written. Call every VSW_NATS_TICK_MS
 *  while vsw_nats_any(). */
void vsw_nats_tick(struct vsw_nats *n);
bool vsw_nats_any(const struct vsw_nats *n);
#define VSW_NATS_TICK_MS 100u

/** The open network @name, or NULL. */
struct vsw_nat *vsw_nats_find(struct vsw_nats *n, const char *name);

void vsw_nat_stats(struct vsw_nat *n, struct nat_xlat_stats *ret);

/** Every session, some at a time so that traffic goes on. @fn returns false to stop; sets *@kill to end the
 *  session. Return: sessions ended. */
uint32_t vsw_nat_sessions(struct vsw_nat *n,
			  bool (*fn)(void *ctx, const struct nat_session_info *s, bool *kill),
			  void *ctx);

/** Counters of its log; null: nothing is logged. New reference. */
json_t *vsw_nat_logging(struct vsw_nat *n);

/** Counters, neighbours, degradations, for `nat show`. New reference. */
json_t *vsw_nat_status(struct vsw_nat *n);
