/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the ring of a capture point to pcapng: what captures (capture.h) and mirror sessions to a file
 * (mirror.h) have in common.
 *
 * Thread-safety: control thread. Proof: tests/net/capture.test, tests/net/mirror.test.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/pcapng.h"
#include "vswitch/datapath/capture.h"

struct vsw_frame_log {
	const struct vsw_engine *engine; /* knows the ports' names */
	struct vsw_capture *point;       /* its ring is drained */
	struct vsw_pcapng out;
	char *filter;
	uint64_t frames, max_frames; /* written; 0: no limit */
	uint64_t base_tsc, base_ns;
	uint32_t n_ifaces;
	uint32_t iface[VSW_PORTS_MAX]; /* by port index */
	uint8_t data[UINT16_MAX];      /* one frame in one piece */
};

/**
 * Start: compile @filter, make the ring of @point (whose snaplen is set), write the section header.
 * @path names the filter in errors. On failure, too, vsw_frame_log_done() is to be called.
 * -EINVAL, -ENOTSUP, -ENOMEM with @reterr.
 */
int vsw_frame_log_init(struct vsw_frame_log *l, const struct vsw_engine *e,
		       struct vsw_capture *point, const char *filter, const char *path,
		       struct vd_err *reterr);

/** The interface of port index @index is described. -ENOMEM. */
int vsw_frame_log_iface(struct vsw_frame_log *l, uint16_t index, uint32_t *ret);

/** Take what is in the ring, as long as not too much waits to be written out. */
void vsw_frame_log_drain(struct vsw_frame_log *l);

/** Has it as many frames as wanted? */
static inline bool vsw_frame_log_full(const struct vsw_frame_log *l)
{
	return l->max_frames && l->frames >= l->max_frames;
}

/** End: counters of every interface. */
void vsw_frame_log_statistics(struct vsw_frame_log *l);

/** Free @l's parts, and the ring, pool and filter of its point. */
void vsw_frame_log_done(struct vsw_frame_log *l);
