/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metering: packets and bytes of ports and of their meter rules since the last reset, across restarts of the
 * daemon and of back ends. The data plane's counters only ever grow and are never touched: what is shown is a
 * counter plus an offset (modulo 2^64), which a reset, a closing back end and a new start set.
 *
 * meters.json in the state folder, by the port's UUID; written when it ends, and once a second while counters move, so
 * that a crash loses a second at most:
 *
 *   {"ports": [{"port": UUID, "from_vm": [PACKETS, BYTES], "to_vm": [..], "rules": [[ID, PACKETS, BYTES]..]}]}
 *
 * Thread-safety: control thread. Proof: tests/net/meter.test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "vswitch/model/policy.h"

struct vsw_engine;
struct vsw_rule_count;

/** What is added to a counter of the data plane. */
struct vsw_meter_offset {
	uint32_t id; /* of a meter rule; 0: of the port */
	uint64_t packets, bytes;
};

/** Of one port. */
struct vsw_meters {
	struct vsw_meter_offset whole[2]; /* by enum vsw_dir */
	struct vsw_meter_offset *rules;   /* those that are not 0 */
	unsigned int n_rules;
	bool folded; /* the counters of its back end are in the offsets: it closes */
};

/** Of port @i. */
struct vsw_rule_count vsw_meter_port(const struct vsw_engine *e, unsigned int i, enum vsw_dir dir);
/** Of its rule number @rule, a meter. */
struct vsw_rule_count vsw_meter_rule(const struct vsw_engine *e, unsigned int i, unsigned int rule);

/** Port @i begins at zero. -ENOMEM: nothing changed. */
int vsw_meters_reset(struct vsw_engine *e, unsigned int i);

struct vsw_rt_port;
/** Workers use @rt no more, and its back end is about to close: keep what it counted. */
void vsw_meters_fold(struct vsw_engine *e, struct vsw_rt_port *rt);
/** @to is the same port with a new back end. */
void vsw_meters_move(struct vsw_rt_port *to, struct vsw_rt_port *from);
/** Rules may be gone: so are their meters. */
void vsw_meters_settle(struct vsw_engine *e);

/** Read what the last run counted; what cannot be understood is left out. */
void vsw_meters_load(struct vsw_engine *e);
/** Write down what changed, if it is time. Returns when to call again (ms), UINT64_MAX: no ports. */
uint64_t vsw_meters_tick(struct vsw_engine *e, uint64_t now_ms);
/** Write it down now. */
void vsw_meters_save(struct vsw_engine *e);
