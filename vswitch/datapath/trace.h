/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One frame through the real pipeline, with every stage saying what it decided. The frame is carried by a
 * worker of its own that counts nothing, learns nothing, sends nothing: stages test `w->trace` once per
 * burst, and where they would change something.
 *
 * Thread-safety: control thread. Proof: tests/net/acl.test.
 */
#pragma once

#include <stdint.h>

#include "vswitch/datapath/dataplane.h"

#define VSW_TRACE_STEPS 128
#define VSW_TRACE_TEXT  160

enum vsw_trace_kind {
	VSW_TRACE_NOTE, /* something was found out, or would be done */
	VSW_TRACE_PASS, /* a stage let the frame through */
	VSW_TRACE_DROP, /* the frame, or this copy of it, ends here */
	VSW_TRACE_SENT, /* ... or leaves at this port */
};

struct vsw_trace_step {
	uint8_t kind;      /* enum vsw_trace_kind */
	uint16_t port;     /* index of the port whose stage this is */
	const char *stage; /* "admit", "source", "acl from-vm", "forward", "acl to-vm", "send" */
	uint16_t reason;   /* enum vsw_drop, of drops */
	uint32_t rule;     /* id of the access rule that decided; 0: none */
	char text[VSW_TRACE_TEXT];
};

struct vsw_trace {
	unsigned int n; /* steps; of more than VSW_TRACE_STEPS the last one is kept */
	struct vsw_trace_step step[VSW_TRACE_STEPS];
};

struct vsw_worker;
struct vsw_snap_port;

/** Add a step. Stages call it only when w->trace is set. */
void vsw_trace_step(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_trace_kind kind,
		    const char *stage, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/**
 * Trace the frame of @size bytes at @frame as if @port had received it now.
 * Return: 0; -ENOENT: the port is not in the published configuration; -ENOMEM; -EMSGSIZE: over 65535 bytes.
 */
int vsw_trace_run(struct vsw_dataplane *dp, const struct vsw_port *port, const uint8_t *frame,
		  uint32_t size, struct vsw_trace *ret);
