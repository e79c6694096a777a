/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From bandwidth limits in the model to shapers and holds. Control thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <rte_cycles.h>

#include "vswitch/policy/shape.h"
#include "vswitch/policy/shape_path.h"

static const struct vsw_qos *qos_of(const struct vsw_port_cfg *p)
{
	return &vsw_policy_of(p)->qos;
}

/* Do frames wait at the source when we do not fetch them? */
static bool can_wait(const struct vsw_device *d)
{
	return d->kind == VSW_DEV_TAP || d->kind == VSW_DEV_VHOST_USER ||
	       d->kind == VSW_DEV_NETVSP || d->kind == VSW_DEV_MEMIF;
}

/* Of what share of its uplink is @p sure? 0: of the default flow's. */
static uint64_t weight_of(const struct vsw_switch_cfg *sw, const struct vsw_port_cfg *p)
{
	if (p->role == VSW_ROLE_UPLINK)
		return 0;
	if (sw->qos.min_mode == VSW_MIN_WEIGHT)
		return qos_of(p)->min_weight;
	return sw->qos.min_mode == VSW_MIN_ABSOLUTE ? qos_of(p)->min_bps : 0;
}

static uint64_t default_weight(const struct vsw_switch_cfg *sw, uint64_t speed_bps)
{
	uint64_t w = sw->qos.default_min_weight;

	if (sw->qos.min_mode == VSW_MIN_ABSOLUTE)
		w = sw->qos.default_min_bps ? sw->qos.default_min_bps : speed_bps / 10;
	return w ? w : 1;
}

static uint64_t hash(uint64_t h, uint64_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* The uplink's queues: one for every port of the switch that has a minimum. */
static int fill_shares(const struct vsw_binding *b, const struct vsw_switch_cfg *sw,
		       struct vsw_shape_conf *conf, struct vsw_shape_share **ret)
{
	const struct vsw_model *m = b->model;
	struct vsw_shape_share *s = calloc(m->n_ports, sizeof(*s));

	if (!s)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->n_ports; i++) {
		uint64_t w = strcmp(m->ports[i].sw, sw->name) ? 0 : weight_of(sw, &m->ports[i]);

		if (!w)
			continue;
		s[conf->n_shares].port = b->ports[i]->index;
		s[conf->n_shares++].weight = w;
	}
	conf->shares = *ret = s;
	conf->default_weight = default_weight(sw, conf->bps);
	return 0;
}

static int prepare_shaper(const struct vsw_binding *b, unsigned int i)
{
	const struct vsw_port_cfg *p = &b->model->ports[i];
	const struct vsw_rate *rate = &qos_of(p)->to_vm;
	struct vsw_port *rt = b->ports[i];
	struct vsw_shape_conf conf = {.bps = rate->bps,
				      .burst_bytes = rate->burst_bytes,
				      .hz = rte_get_tsc_hz(),
				      .default_weight = 1};
	struct vsw_shape_share *shares = NULL;
	uint64_t h;
	int r = 0;

	if (!rt->shaper && !rate->bps)
		return 0;
	if (!rt->shaper)
		rt->shaper = vsw_shaper_create();
	if (!rt->shaper)
		return -ENOMEM;
	if (p->role == VSW_ROLE_UPLINK && rate->bps)
		r = fill_shares(b, vsw_model_switch(b->model, p->sw), &conf, &shares);
	h = hash(hash(hash(1, conf.bps), conf.burst_bytes), conf.default_weight);
	for (unsigned int k = 0; k < conf.n_shares; k++)
		h = hash(hash(h, shares[k].port), shares[k].weight);
	if (r == 0 && h != rt->shaper_hash) {
		r = vsw_shaper_configure(rt->shaper, &conf);
		rt->shaper_hash = r == 0 ? h : 0;
	}
	free(shares);
	return r;
}

static int prepare_hold(const struct vsw_binding *b, unsigned int i)
{
	const struct vsw_port_cfg *p = &b->model->ports[i];
	const struct vsw_rate *rate = &qos_of(p)->from_vm;
	struct vsw_port *rt = b->ports[i];

	if (!rt->hold && !rate->bps)
		return 0;
	if (!rt->hold) {
		rt->hold = calloc(1, sizeof(*rt->hold));
		if (!rt->hold)
			return -ENOMEM;
		rte_spinlock_init(&rt->hold->lock);
		rt->hold->waits = can_wait(&p->device);
	}
	rte_spinlock_lock(&rt->hold->lock);
	vsw_bucket_set(&rt->hold->bucket, rate->bps, rate->burst_bytes, rte_get_tsc_hz());
	rte_spinlock_unlock(&rt->hold->lock);
	return 0;
}

int vsw_qos_prepare(const struct vsw_binding *b, struct vd_err *reterr)
{
	int r = 0;

	for (unsigned int i = 0; i < b->model->n_ports && r == 0; i++) {
		r = prepare_shaper(b, i);
		if (r == 0)
			r = prepare_hold(b, i);
		if (r < 0)
			vd_err_set(reterr, r, VD_E_NO_MEMORY, b->model->ports[i].name, NULL,
				   "no room for the port's bandwidth limits");
	}
	return r;
}

uint16_t vsw_qos_flags(const struct vsw_model *m, unsigned int i)
{
	const struct vsw_port_cfg *p = &m->ports[i];
	uint16_t flags = 0;

	/* frames that wait for an uplink share it by where they came from; those that their sender
	 * must not send any more meanwhile must not leave */
	if (qos_of(p)->to_vm.bps)
		flags |= VSW_SNAP_SHAPED | VSW_SNAP_SOURCES;
	if (qos_of(p)->from_vm.bps)
		flags |= VSW_SNAP_HELD;
	return flags;
}
