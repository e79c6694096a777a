/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods that read counters: stats, drops, runtime. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"

static void get(struct vsw_daemon *d, unsigned int i, struct vsw_port_stats *s)
{
	memset(s, 0, sizeof(*s));
	if (d->engine->ports[i]->port)
		vsw_port_stats_get(d->dp, d->engine->ports[i]->port, s);
}

json_t *vsw_row_stats(struct vsw_daemon *d, unsigned int i)
{
	const struct vsw_port_cfg *p = &d->engine->model.ports[i];
	struct vsw_port_stats s;

	get(d, i, &s);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "port", p->name, "switch", p->sw,
			 "rx_packets", (json_int_t)s.rx_packets, "rx_bytes", (json_int_t)s.rx_bytes,
			 "tx_packets", (json_int_t)s.tx_packets, "tx_bytes", (json_int_t)s.tx_bytes,
			 "drops", (json_int_t)s.drops_total);
}

void vsw_rows_drops(struct vsw_daemon *d, unsigned int i, bool all, json_t *out)
{
	const struct vsw_port_cfg *p = &d->engine->model.ports[i];
	struct vsw_port_stats s;

	get(d, i, &s);
	for (unsigned int r = 0; r < VSW_DROP_N; r++)
		if (all || s.drops[r])
			json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}",
							     "port", p->name, "switch", p->sw,
							     "reason", vsw_drop_info[r].name,
							     "count", (json_int_t)s.drops[r],
							     "text", vsw_drop_info[r].text, "hint",
							     vsw_drop_info[r].hint));
}

int vsw_methods_ports(const struct vsw_call *call, unsigned int *from, unsigned int *to,
		      struct vd_err *reterr)
{
	const struct vsw_engine *e = call->d->engine;
	const char *name = vsw_edit_text(call->params, "port");
	const struct vsw_port_cfg *p;

	*from = 0;
	*to = e->model.n_ports;
	if (!name)
		return 0;
	p = vsw_edit_find_port(&e->model, name, reterr);
	if (!p)
		return -ENOENT;
	*from = vsw_engine_port_index(e, p);
	*to = *from + 1;
	return 0;
}

VSW_METHOD(stats)
{
	unsigned int i, to;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	if (rc)
		return rc;
	for (*result = json_array(); i < to; i++)
		json_array_append_new(*result, vsw_row_stats(call->d, i));
	return 0;
}

VSW_METHOD(drops)
{
	unsigned int i, to;
	int rc = vsw_methods_ports(call, &i, &to, reterr);

	if (rc)
		return rc;
	for (*result = json_array(); i < to; i++)
		vsw_rows_drops(call->d, i, json_is_true(json_object_get(call->params, "all")),
			       *result);
	return 0;
}

/* What a packet costs, stage by stage; null where none was measured. */
static json_t *stage_rows(const struct vsw_worker_stats *s)
{
	json_t *rows = json_array();

	for (unsigned int i = 0; i < VSW_STAGE_N; i++) {
		const struct vsw_stage_stats *g = &s->stage[i];

		json_array_append_new(
			rows,
			json_pack("{s:s, s:s, s:I, s:o}", "stage", vsw_stage_info[i].name, "text",
				  vsw_stage_info[i].text, "packets_measured",
				  (json_int_t)g->packets, "cycles_per_packet",
				  g->packets ? json_real((double)g->cycles / (double)g->packets)
					     : json_null()));
	}
	return rows;
}

/* Whose frames the workers are busy with: of all cycles spent on bursts, the part of each port's. */
static json_t *share_rows(struct vsw_daemon *d)
{
	unsigned int n = d->engine->model.n_ports;
	uint64_t *cycles = calloc(n + 1u, sizeof(*cycles)), sum = 0;
	json_t *rows = json_array();

	for (unsigned int i = 0; cycles && i < n; i++) {
		struct vsw_port_stats s;

		get(d, i, &s);
		cycles[i] = s.cycles;
		sum += s.cycles;
	}
	for (unsigned int i = 0; cycles && i < n; i++)
		if (cycles[i])
			json_array_append_new(rows,
					      json_pack("{s:s, s:f}", "port",
							d->engine->model.ports[i].name, "cpu_share",
							(double)cycles[i] / (double)sum));
	free(cycles);
	return rows;
}

VSW_METHOD(runtime)
{
	struct vsw_daemon *d = call->d;
	json_t *workers = json_array();

	for (uint16_t w = 0; w < vsw_dataplane_workers(d->dp); w++) {
		struct vsw_worker_stats s;

		vsw_worker_stats_get(d->dp, w, &s);
		json_array_append_new(
			workers,
			json_pack("{s:o, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "core",
				  s.core < 0 ? json_null() : json_integer(s.core), "queues",
				  (int)s.n_queues, "packets", (json_int_t)s.packets, "loops",
				  (json_int_t)s.loops, "empty_loops", (json_int_t)s.empty_loops,
				  "sleeps", (json_int_t)s.sleeps, "busy_cycles",
				  (json_int_t)s.busy_cycles, "total_cycles",
				  (json_int_t)s.total_cycles, "stages", stage_rows(&s)));
	}
	*result = json_pack("{s:s, s:I, s:b, s:b, s:I, s:I, s:o, s:o}", "version", VIRIDIAN_VERSION,
			    "uptime_s", (json_int_t)((vsw_now_ms() - d->started_ms) / 1000), "poll",
			    d->opt.poll, "hugepages", d->hugepages, "generation",
			    (json_int_t)d->engine->generation, "flows",
			    (json_int_t)vsw_dataplane_flow_count(d->dp), "workers", workers,
			    "ports", share_rows(d));
	return 0;
}
