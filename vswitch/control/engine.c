/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's life, start-up, and what time and back ends ask of it. Changes: engine_apply.c. */
#include "vswitch/control/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "vswitch/control/leases.h"
#include "vswitch/control/mirror.h"
#include "vswitch/control/plan.h"
#include "vswitch/datapath/announce.h"
#include "vswitch/hostnat/hostnat.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/nat/nat.h"

#define TICK_MAX_MS  60000u
#define SWEEP_MS     1000u   /* of leases */
#define IDLE_MS      300000u /* an address not used for this long, or twice as long, makes room */
#define ANNOUNCES    4u      /* of addresses that moved to another uplink */
#define ANNOUNCE_MS  250u
#define DRAIN_MS     10u  /* of mirror sessions to files */
#define AGE_FLOWS_MS 150u /* dataplane.h: several times a second */
#define AGE_SLICES   16u  /* fdb.h: at least this many calls in an ageing time */
#define RETRY_MAX_MS 30000u

uint64_t vsw_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int vsw_engine_create(struct vsw_dataplane *dp, struct vsw_store *store, struct vsw_engine **ret)
{
	struct vsw_engine *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->dp = dp;
	e->store = store;
	e->leftovers = vsw_store_leftovers(store);
	*ret = e;
	return 0;
}

int vsw_engine_restore(struct vsw_engine *e, struct vd_err *reterr)
{
	struct vsw_model next = {0};
	struct vsw_apply a = {.next = &next, .flags = VSW_APPLY_START};
	json_t *state, *document, *changes = NULL;
	int rc = vsw_store_load(e->store, &state, reterr);

	if (rc || !state)
		return rc;
	document = json_object_get(state, "document");
	a.root = document;
	a.assigned = json_object_get(state, "assigned_macs");
	rc = vsw_model_from_json(document, NULL, &next, reterr);
	vsw_leases_load(e);
	e->restoring = true;
	if (!rc)
		rc = vsw_engine_apply(e, &a, &changes, reterr);
	e->restoring = false;
	vsw_leases_give(e);
	if (rc)
		vd_err_prefix(reterr, vsw_store_path(e->store));
	else
		vd_log(LOG_NOTICE, "engine", NULL, "restored %u switches and %u ports from %s",
		       e->model.n_switches, e->model.n_ports, vsw_store_path(e->store));
	vsw_model_done(&next);
	json_decref(changes);
	json_decref(state);
	return rc;
}

void vsw_engine_clean_leftovers(struct vsw_engine *e)
{
	size_t i;
	json_t *entry;

	json_array_foreach (e->leftovers, i, entry) {
		if (json_is_true(json_object_get(entry, "taken")))
			continue;
		vd_log(LOG_NOTICE, "engine", json_string_value(json_object_get(entry, "port")),
		       "removing what a crashed run left of it");
		vsw_io_clean(vsw_dataplane_env(e->dp), json_object_get(entry, "left"));
	}
	json_decref(e->leftovers);
	e->leftovers = NULL;
	vsw_rt_note_leftovers(e, NULL, NULL);
}

void vsw_rt_tell_port(struct vsw_engine *e, unsigned int i)
{
	const struct vsw_rt_port *rt = e->ports[i];
	json_t *p;

	if (!e->event)
		return;
	p = json_pack("{s:s, s:b, s:b}", "port", e->model.ports[i].name, "open", rt->port != NULL,
		      "connected", rt->connected);
	if (p)
		e->event(e->ctx, "port", p);
	json_decref(p);
}

static bool first_mac_new(const struct vsw_rt_port *rt)
{
	return !rt->first_mac_told &&
	       __atomic_load_n(&rt->port->first_mac_state, __ATOMIC_ACQUIRE) == VSW_FIRST_MAC_VALID;
}

static void publish_again(struct vsw_engine *e)
{
	struct vd_err err = {0};

	if (vsw_rt_publish(e, &e->model, e->ports, e->switches, &err))
		vd_log(LOG_ERR, "engine", NULL, "cannot refresh the data plane: %s", err.message);
}

/* A link that came up a moment ago may lose the first frames: say it more than once. */
static void begin_announcing(struct vsw_rt_port *rt)
{
	rt->announces = ANNOUNCES;
	rt->announce_at_ms = vsw_now_ms();
}

static uint64_t announce_again(struct vsw_engine *e, struct vsw_rt_port *rt, bool uplink,
			       uint64_t now, uint64_t next)
{
	if (!rt->announces)
		return next;
	if (now >= rt->announce_at_ms) {
		if (uplink)
			vsw_announce_uplink(e->dp, rt->port);
		else
			vsw_announce_port(e->dp, rt->port);
		rt->announce_at_ms = now + ANNOUNCE_MS;
		if (--rt->announces == 0)
			return next;
	}
	return RTE_MIN(next, rt->announce_at_ms);
}

void vsw_engine_io_changed(struct vsw_engine *e)
{
	bool macs = false;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_rt_port *rt = e->ports[i];
		char text[VD_MAC_STR_SIZE];
		bool connected;

		if (!rt->port)
			continue;
		connected = __atomic_load_n(&rt->port->io->caps.connected, __ATOMIC_RELAXED);
		if (__atomic_exchange_n(&rt->port->io->arrived, false, __ATOMIC_ACQUIRE))
			begin_announcing(rt);
		if (first_mac_new(rt)) {
			rt->first_mac_told = macs = true;
			vd_log(LOG_INFO, "port", e->model.ports[i].name,
			       "has the address %s, from its first frame",
			       vd_mac_format(&rt->port->first_mac, text));
		} else if (connected == rt->connected) {
			continue;
		}
		if (connected != rt->connected)
			vd_log(LOG_INFO, "port", e->model.ports[i].name,
			       connected ? "is connected" : "is disconnected");
		if (connected && !rt->connected && e->nap)
			vsw_nap_reconnected(e->nap, i);
		if (connected != rt->connected && e->model.ports[i].role == VSW_ROLE_UPLINK)
			begin_announcing(rt);
		rt->connected = connected;
		vsw_rt_tell_port(e, i);
	}
	if (macs)
		publish_again(e);
	if (macs && e->nat)
		vsw_hostnat_ports_changed(e->nat, &e->model);
}

static uint64_t age_switches(struct vsw_engine *e, uint64_t now, uint64_t next)
{
	for (unsigned int i = 0; i < e->model.n_switches; i++) {
		struct vsw_rt_switch *s = &e->switches[i];
		uint32_t ageing_s = e->model.switches[i].ageing_s;

		if (now >= s->next_age_ms) {
			vsw_fdb_age(s->fdb, ageing_s);
			s->next_age_ms = now + (uint64_t)ageing_s * 1000 / AGE_SLICES;
		}
		if (s->next_age_ms < next)
			next = s->next_age_ms;
	}
	return next;
}

static bool retry_port(struct vsw_engine *e, unsigned int i, uint64_t now)
{
	struct vsw_rt_port *rt = e->ports[i];
	struct vd_err err = {0};

	if (vsw_rt_open(e, &e->model, &e->model.ports[i], rt, &err)) {
		rt->fault = err;
		rt->retry_wait_ms =
			rt->retry_wait_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : rt->retry_wait_ms * 2;
		rt->retry_at_ms = now + rt->retry_wait_ms;
		return false;
	}
	vd_log(LOG_NOTICE, "port", e->model.ports[i].name, "its device is here now");
	memset(&rt->fault, 0, sizeof(rt->fault));
	vsw_rt_tell_port(e, i);
	return true;
}

uint64_t vsw_engine_tick(struct vsw_engine *e, uint64_t now)
{
	uint64_t next = age_switches(e, now, now + TICK_MAX_MS);
	bool opened = false;

	if (vsw_leases_tick(e, time(NULL), now >= e->idle_at_ms) && now + SWEEP_MS < next)
		next = now + SWEEP_MS;
	if (now >= e->idle_at_ms)
		e->idle_at_ms = now + IDLE_MS;
	next = RTE_MIN(next, vsw_meters_tick(e, now));
	if (vsw_mirrors_drain(e) && now + DRAIN_MS < next)
		next = now + DRAIN_MS;
	if (vsw_dataplane_flow_count(e->dp)) {
		vsw_dataplane_age_flows(e->dp);
		if (now + AGE_FLOWS_MS < next)
			next = now + AGE_FLOWS_MS;
	}

	if (vsw_nats_any(vsw_dataplane_env(e->dp)->nats)) {
		if (now >= e->next_nats_ms) {
			vsw_nats_tick(vsw_dataplane_env(e->dp)->nats);
			e->next_nats_ms = now + VSW_NATS_TICK_MS;
		}
		if (e->next_nats_ms < next)
			next = e->next_nats_ms;
	}
	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_rt_port *rt = e->ports[i];

		if (rt->port)
			next = announce_again(e, rt, e->model.ports[i].role == VSW_ROLE_UPLINK, now,
					      next);
		if (!rt->port) {
			if (now >= rt->retry_at_ms)
				opened |= retry_port(e, i, now);
			if (!rt->port && rt->retry_at_ms < next)
				next = rt->retry_at_ms;
		} else if (rt->link_up_at_ms) {
			if (now >= rt->link_up_at_ms) {
				rt->link_up_at_ms = 0;
				vsw_rt_set(rt, &e->model, &e->model.ports[i], VSW_PLAN_LINK, NULL);
			} else if (rt->link_up_at_ms < next) {
				next = rt->link_up_at_ms;
			}
		}
	}
	if (opened) {
		publish_again(e);
		vsw_leases_give(e);
		vsw_rt_note_leftovers(e, NULL, NULL);
	}
	return next;
}

void vsw_engine_destroy(struct vsw_engine *e)
{
	struct vsw_model nothing = {0};
	struct vd_err err = {0};

	if (!e)
		return;
	if (vsw_rt_publish(e, &nothing, NULL, NULL, &err))
		vd_log(LOG_ERR, "engine", NULL, "cannot stop forwarding: %s", err.message);
	else if (e->model.n_ports)
		vsw_meters_save(e); /* nothing counts any more: exact */
	vsw_rt_free_many(e, e->ports, e->model.n_ports);
	for (unsigned int i = 0; i < e->model.n_switches; i++)
		vsw_fdb_destroy(e->switches[i].fdb);
	json_decref(e->leases);
	free(e->ports);
	free(e->switches);
	e->ports = NULL;
	e->switches = NULL;
	vsw_model_done(&e->model);
	memset(&e->model, 0, sizeof(e->model));
	vsw_engine_clean_leftovers(e);
	free(e);
}
