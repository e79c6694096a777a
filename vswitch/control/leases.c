/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases across restarts: see leases.h. */
#include "vswitch/control/leases.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/control/engine.h"
#include "vswitch/policy/guard.h"

#define FILE_NAME "leases.json"

static struct vsw_guard_state *guard_of(const struct vsw_engine *e, unsigned int i)
{
	return e->ports[i]->port ? e->ports[i]->port->guard : NULL;
}

void vsw_leases_load(struct vsw_engine *e)
{
	json_t *j = NULL, *list;

	if (vsw_store_get(e->store, FILE_NAME, &j))
		return;
	list = json_object_get(j, "leases");
	if (json_is_array(list))
		e->leases = json_incref(list);
	json_decref(j);
}

static void give(struct vsw_guard_state *g, json_t *lease)
{
	const char *text = json_string_value(json_object_get(lease, "address"));
	json_t *expires = json_object_get(lease, "expires");
	struct vd_prefix p;
	uint64_t w[2];
	uint8_t bits;

	if (!text || vd_prefix_parse(text, &p))
		return;
	vsw_addrs_words(&p, w, &bits);
	vsw_addrs_add(&g->addrs, w, bits, VSW_ADDR_LEASED,
		      json_is_integer(expires) ? json_integer_value(expires) : INT64_MAX, 0);
}

void vsw_leases_give(struct vsw_engine *e)
{
	json_t *lease;
	size_t k;

	for (unsigned int i = 0; i < e->model.n_ports && json_array_size(e->leases); i++) {
		struct vsw_guard_state *g = guard_of(e, i);

		if (!g)
			continue;
		for (k = json_array_size(e->leases); k-- > 0;) {
			const char *uuid;

			lease = json_array_get(e->leases, k);
			uuid = json_string_value(json_object_get(lease, "port"));
			if (!uuid || strcmp(uuid, e->model.ports[i].uuid))
				continue;
			give(g, lease);
			json_array_remove(e->leases, k);
		}
	}
}

static json_t *row(const struct vsw_addr_slot *s)
{
	char text[VD_PREFIX_STR_SIZE];
	struct vd_prefix p;

	vsw_addrs_prefix(s->w, s->bits, &p);
	return json_pack("{s:s, s:o}", "address", vd_prefix_format(&p, text), "expires",
			 s->expires_s == INT64_MAX ? json_null() : json_integer(s->expires_s));
}

static void save(struct vsw_engine *e)
{
	struct vsw_addr_slot slots[VSW_ADDRS_MAX];
	json_t *list = e->leases ? json_copy(e->leases) : json_array(), *j;
	int rc = -ENOMEM;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_guard_state *g = guard_of(e, i);
		unsigned int n = g ? vsw_addrs_get(&g->addrs, slots) : 0;

		for (unsigned int k = 0; k < n; k++) {
			json_t *one = slots[k].origin == VSW_ADDR_LEASED ? row(&slots[k]) : NULL;

			if (!one)
				continue;
			json_object_set_new(one, "port", json_string(e->model.ports[i].uuid));
			json_array_append_new(list, one);
		}
	}
	j = json_pack("{s:o}", "leases", list);
	if (j)
		rc = vsw_store_put(e->store, FILE_NAME, j, false);
	if (rc)
		vd_log(LOG_WARNING, "leases", NULL,
		       "cannot write down what DHCP has given: %s, continuing", strerror(-rc));
	json_decref(j);
}

bool vsw_leases_tick(struct vsw_engine *e, int64_t now_s, bool idle)
{
	uint64_t serial = 0;
	bool any = false;

	for (unsigned int i = 0; i < e->model.n_ports; i++) {
		struct vsw_guard_state *g = guard_of(e, i);

		if (!g)
			continue;
		any = true;
		vsw_addrs_sweep(&g->addrs, now_s, idle);
		serial += __atomic_load_n(&g->addrs.serial, __ATOMIC_ACQUIRE);
	}
	/* a removed port's leases stay in the file until the next lease changes: nobody looks for them */
	if (serial != e->leases_serial)
		save(e);
	e->leases_serial = serial;
	return any;
}
