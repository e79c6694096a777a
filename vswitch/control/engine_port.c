/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Run-time ports: opening, live settings, publishing them, notes for a crash. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/mirror.h"
#include "vswitch/control/plan.h"
#include "vswitch/control/quarantine.h"

#define RETRY_FIRST_MS 500u
#define CLOSERS_MAX    64u

static uint16_t mtu_of(const struct vsw_model *m, const struct vsw_port_cfg *cfg)
{
	const struct vsw_switch_cfg *s = vsw_model_switch(m, cfg->sw);

	return s ? s->mtu : VSW_MTU_DEFAULT;
}

/* What a crashed run left of this device: it is taken over, not in the way. New reference or NULL. */
static json_t *left_behind(struct vsw_engine *e, const struct vsw_device *d)
{
	char text[VSW_DEVICE_STR_SIZE];
	size_t i;
	json_t *entry;

	vsw_device_format(d, text, sizeof(text));
	json_array_foreach (e->leftovers, i, entry) {
		const char *dev = json_string_value(json_object_get(entry, "device"));

		if (dev && !strcmp(dev, text) && !json_object_get(entry, "taken")) {
			json_object_set_new(entry, "taken", json_true());
			return json_incref(json_object_get(entry, "left"));
		}
	}
	return NULL;
}

int vsw_rt_open(struct vsw_engine *e, const struct vsw_model *m, const struct vsw_port_cfg *cfg,
		struct vsw_rt_port *rt, struct vd_err *reterr)
{
	struct vsw_io_params params = {
		.port_name = cfg->name,
		.device = cfg->device,
		.mac = cfg->mac,
		.has_mac = cfg->has_mac,
		.any_mac = vsw_policy_any_mac(cfg),
		.mtu_bytes = mtu_of(m, cfg),
		.link_up = cfg->link_up,
		.n_workers = vsw_dataplane_workers(e->dp),
	};
	bool adopt =
		!cfg->has_mac && cfg->role != VSW_ROLE_UPLINK && cfg->device.kind == VSW_DEV_NETDEV;
	struct vsw_io *io = NULL;
	char prefix[192];
	int rc;

	if (!rt->left)
		rt->left = left_behind(e, &cfg->device);
	params.restore = rt->left != NULL;
	params.leftover = rt->left;
	snprintf(prefix, sizeof(prefix), "port/%s", cfg->name);
	rc = vsw_io_open(vsw_dataplane_env(e->dp), &params, &io, reterr);
	if (rc) {
		vd_err_prefix(reterr, prefix);
		return rc;
	}
	io->owner = rt;
	rc = vsw_port_create(e->dp, io, adopt, &rt->port);
	if (rc) {
		io->ops->close(io);
		rt->port = NULL;
		return vd_err_set(reterr, rc, rc == -ENOSPC ? VD_E_LIMIT : VD_E_NO_MEMORY, prefix,
				  NULL, "the data plane has no room for another port");
	}
	json_decref(rt->left);
	rt->left = NULL;
	rt->connected = io->caps.connected;
	rt->meters.folded = false;
	return 0;
}

void vsw_rt_close(struct vsw_engine *e, struct vsw_rt_port *rt)
{
	if (!rt || !rt->port)
		return;
	if (e->closing)
		e->closing(e->ctx, rt->port);
	vsw_meters_fold(e, rt);
	vsw_port_destroy(e->dp, rt->port);
	rt->port = NULL;
}

void vsw_rt_free(struct vsw_engine *e, struct vsw_rt_port *rt)
{
	if (!rt)
		return;
	vsw_rt_close(e, rt);
	if (rt->left)
		vsw_io_clean(vsw_dataplane_env(e->dp), rt->left);
	json_decref(rt->left);
	free(rt->meters.rules);
	free(rt);
}

/*
 * Unregistering an interface makes the kernel wait for a grace period of its own, 10 to 20 ms, without
 * holding a lock meanwhile. A thousand taps one after the other would keep the control thread for
 * as many times that.
 */
struct closers {
	struct vsw_engine *e;
	struct vsw_rt_port **rts;
	unsigned int n, next;
};

static void *closer(void *arg)
{
	struct closers *c = arg;
	unsigned int i;

	while ((i = __atomic_fetch_add(&c->next, 1, __ATOMIC_RELAXED)) < c->n) {
		struct vsw_rt_port *rt = c->rts[i];

		if (!rt || !rt->port || rt->port->io->device.kind != VSW_DEV_TAP)
			continue;
		vsw_port_destroy(c->e->dp, rt->port);
		rt->port = NULL;
	}
	return NULL;
}

void vsw_rt_free_many(struct vsw_engine *e, struct vsw_rt_port **rts, unsigned int n)
{
	struct closers c = {.e = e, .rts = rts, .n = n};
	pthread_t threads[CLOSERS_MAX];
	unsigned int n_threads = 0;

	for (unsigned int i = 0; e->closing && i < n; i++)
		if (rts[i] && rts[i]->port)
			e->closing(e->ctx, rts[i]->port);
	while (n_threads < CLOSERS_MAX && n_threads * 4 < n &&
	       pthread_create(&threads[n_threads], NULL, closer, &c) == 0)
		n_threads++;
	for (unsigned int i = 0; i < n_threads; i++)
		pthread_join(threads[i], NULL);
	/* what is not a tap, or all of them when no thread could be had */
	for (unsigned int i = 0; i < n; i++)
		vsw_rt_free(e, rts[i]);
}

void vsw_rt_fault(struct vsw_rt_port *rt, const char *name, const struct vd_err *err)
{
	rt->fault = *err;
	rt->retry_wait_ms = RETRY_FIRST_MS;
	rt->retry_at_ms = vsw_now_ms() + RETRY_FIRST_MS;
	vd_log(LOG_WARNING, "port", name, "has no device now, will be tried again: %s",
	       err->message);
}

int vsw_rt_set(struct vsw_rt_port *rt, const struct vsw_model *m, const struct vsw_port_cfg *cfg,
	       unsigned int changes, struct vd_err *reterr)
{
	struct vsw_io *io = rt->port ? rt->port->io : NULL;
	int rc = 0;

	if (!io)
		return 0;
	if (changes & VSW_PLAN_MTU && io->ops->set_mtu)
		rc = io->ops->set_mtu(io, mtu_of(m, cfg), reterr);
	if (!rc && changes & VSW_PLAN_MAC && cfg->has_mac && io->ops->set_mac)
		rc = io->ops->set_mac(io, &cfg->mac, reterr);
	if (!rc && changes & VSW_PLAN_ANY_MAC && io->ops->set_any_mac)
		io->ops->set_any_mac(io, vsw_policy_any_mac(cfg));
	if (!rc && changes & VSW_PLAN_LINK && io->ops->set_link)
		rc = io->ops->set_link(io, cfg->link_up, reterr);
	if (!rc && changes & VSW_PLAN_MOVED && io->ops->set_link)
		rc = io->ops->set_link(io, false, reterr);
	if (rc && reterr) {
		char prefix[192];

		snprintf(prefix, sizeof(prefix), "port/%s", cfg->name);
		vd_err_set(reterr, rc, VD_E_SYSTEM, NULL, NULL, "the device refused the change");
		vd_err_prefix(reterr, prefix);
	}
	return rc;
}

/* Static entries that name a port which is not published would have nowhere to point. */
static void keep_statics(struct vsw_model *m)
{
	for (unsigned int k = 0; k < m->n_switches; k++) {
		struct vsw_switch_cfg *s = &m->switches[k];
		unsigned int kept = 0;

		for (unsigned int i = 0; i < s->n_statics; i++)
			if (vsw_model_port(m, s->statics[i].port))
				s->statics[kept++] = s->statics[i];
		s->n_statics = kept;
	}
}

static bool publishable(const struct vsw_rt_port *rt)
{
	return rt->port && !rt->hidden;
}

int vsw_rt_publish(struct vsw_engine *e, const struct vsw_model *m,
		   struct vsw_rt_port *const *ports, const struct vsw_rt_switch *switches,
		   struct vd_err *reterr)
{
	struct vsw_port **run = calloc(m->n_ports + 1u, sizeof(*run));
	struct vsw_fdb **fdbs = calloc(m->n_switches + 1u, sizeof(*fdbs));
	struct vsw_mirror_tap **taps = NULL;
	struct vsw_model some = {0};
	struct vsw_binding b = {.model = m, .fdbs = fdbs, .ports = run};
	unsigned int n = 0;
	int rc = run && fdbs ? 0 : -ENOMEM;

	for (unsigned int i = 0; !rc && i < m->n_switches; i++)
		fdbs[i] = switches[i].fdb;
	for (unsigned int i = 0; !rc && i < m->n_ports; i++)
		if (publishable(ports[i]))
			run[n++] = ports[i]->port;
	if (!rc && n != m->n_ports) {
		rc = vsw_model_copy(m, &some);
		b.model = &some;
		n = 0;
		for (unsigned int i = 0; !rc && i < m->n_ports; i++) {
			if (publishable(ports[i]))
				some.ports[n++] = some.ports[i];
			else
				vsw_port_cfg_done(&some.ports[i]);
		}
		if (!rc) {
			some.n_ports = n;
			keep_statics(&some);
		}
	}
	if (!rc && e->nap)
		vsw_nap_prepare(e->nap, m, ports);
	if (rc)
		vd_err_set(reterr, rc, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	else
		rc = vsw_mirrors_prepare(e, m, &taps, reterr);
	b.taps = taps;
	if (!rc)
		rc = vsw_dataplane_publish(e->dp, &b, reterr);
	vsw_mirrors_settle(e, !rc);
	free(taps);
	if (e->nap)
		vsw_nap_settle(e->nap, rc == 0);
	vsw_model_done(&some);
	free(run);
	free(fdbs);
	return rc;
}

bool vsw_rt_first_mac(void *engine, const char *name, struct vd_mac *ret)
{
	const struct vsw_engine *e = engine;
	const struct vsw_port_cfg *p = vsw_model_port(&e->model, name);
	const struct vsw_port *port = p ? e->ports[vsw_engine_port_index(e, p)]->port : NULL;

	if (!port ||
	    __atomic_load_n(&port->first_mac_state, __ATOMIC_ACQUIRE) != VSW_FIRST_MAC_VALID)
		return false;
	*ret = port->first_mac;
	return true;
}

static json_t *left_by(const struct vsw_rt_port *rt)
{
	struct vsw_io *io = rt && rt->port ? rt->port->io : NULL;

	if (io)
		return io->ops->leftover ? io->ops->leftover(io) : NULL;
	return rt && rt->left ? json_incref(rt->left) : NULL;
}

static void note_ports(json_t *out, const struct vsw_model *m, struct vsw_rt_port *const *ports)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		json_t *left = left_by(ports[i]);
		char device[VSW_DEVICE_STR_SIZE];

		if (!left)
			continue;
		vsw_device_format(&m->ports[i].device, device, sizeof(device));
		json_array_append_new(out, json_pack("{s:s, s:s, s:o}", "port", m->ports[i].name,
						     "device", device, "left", left));
	}
}

void vsw_rt_note_leftovers(struct vsw_engine *e, const struct vsw_model *next,
			   struct vsw_rt_port *const *next_ports)
{
	json_t *out = json_array();
	json_t *entry;
	size_t i;
	int rc;

	if (!out)
		return;
	note_ports(out, &e->model, e->ports);
	if (next)
		note_ports(out, next, next_ports);
	json_array_foreach (e->leftovers, i, entry)
		json_array_append(out, entry);
	rc = vsw_store_leftovers_set(e->store, out);
	if (rc)
		vd_log(LOG_WARNING, "store", NULL,
		       "cannot note what a crash would leave behind: %s, continuing",
		       strerror(-rc));
	json_decref(out);
}
