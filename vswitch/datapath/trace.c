/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tracing: a worker that only looks. */
#include "vswitch/datapath/trace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <rte_cycles.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"

void vsw_trace_step(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_trace_kind kind,
		    const char *stage, const char *format, ...)
{
	struct vsw_trace *t = w->trace;
	struct vsw_trace_step *s;
	va_list ap;

	/* the last one is overwritten: callers may add to it */
	if (t->n < VSW_TRACE_STEPS)
		t->n++;
	s = &t->step[t->n - 1];
	*s = (struct vsw_trace_step){.kind = (uint8_t)kind, .port = p->index, .stage = stage};
	va_start(ap, format);
	vsnprintf(s->text, sizeof(s->text), format, ap);
	va_end(ap);
}

int vsw_trace_run(struct vsw_dataplane *dp, const struct vsw_port *port, const uint8_t *frame,
		  uint32_t size, struct vsw_trace *ret)
{
	struct vsw_worker w = {.dp = dp,
			       .snap = dp->snapshot,
			       .id = VSW_WORKER_LOOKING,
			       .now = vsw_fdb_stamp(rte_rdtsc()),
			       .trace = ret};
	const struct vsw_snap_port *p = w.snap->ports[port->index];
	struct rte_mbuf *m;

	ret->n = 0;
	if (!p || p->rt != port)
		return -ENOENT;
	if (size > UINT16_MAX)
		return -EMSGSIZE;
	m = rte_pktmbuf_alloc(size > RTE_MBUF_DEFAULT_DATAROOM ? dp->env.big_pool : dp->env.pool);
	w.txbuf = calloc(VSW_PORTS_MAX, sizeof(*w.txbuf));
	if (!m || !w.txbuf || size > rte_pktmbuf_tailroom(m)) {
		rte_pktmbuf_free(m);
		free(w.txbuf);
		return -ENOMEM;
	}
	memcpy(rte_pktmbuf_append(m, (uint16_t)size), frame, size);
	vsw_pipeline_inject(&w, p, &m, 1);
	free(w.txbuf);
	return 0;
}
