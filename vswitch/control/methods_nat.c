/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the noun nat: networks and their parts. Sessions: methods_nat_session.c. */
#include <errno.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"
#include "vswitch/hostnat/hostnat.h"
#include "vswitch/nat/nat.h"

#define CHANGE(method)                                                              \
	VSW_METHOD(method)                                                          \
	{                                                                           \
		return vsw_methods_change(call, vsw_edit_##method, result, reterr); \
	}

CHANGE(nat_add)
CHANGE(nat_set)
CHANGE(nat_remove)
CHANGE(nat_map_add)
CHANGE(nat_map_remove)
CHANGE(nat_pair_add)
CHANGE(nat_pair_remove)
CHANGE(nat_address_add)
CHANGE(nat_address_remove)
CHANGE(nat_reservation_add)
CHANGE(nat_reservation_remove)

/* What has no effect with the kernel back end although it was set. */
static json_t *ineffective(const struct nat_conf *c)
{
	json_t *out = json_array();

	if (c->backend != NAT_BACKEND_KERNEL)
		return out;
	json_array_append_new(out, json_string("profile"));
	json_array_append_new(out, json_string("filtering"));
	json_array_append_new(out, json_string("timeouts"));
	if (c->limits.ports || c->limits.mappings || c->limits.sessions || c->limits.sessions_per_s)
		json_array_append_new(out, json_string("limits"));
	if (c->blocks.size)
		json_array_append_new(out, json_string("blocks"));
	if (c->udp_inbound_refresh)
		json_array_append_new(out, json_string("udp_inbound_refresh"));
	/* sessions are logged as the kernel tells of them; of blocks it knows nothing */
	if (c->log.what == NAT_LOG_BLOCKS)
		json_array_append_new(out, json_string("log"));
	return out;
}

static json_t *status_of(struct vsw_call *call, const struct nat_conf *c)
{
	return call->d->nat ? vsw_hostnat_status(call->d->nat, c)
			    : json_pack("{s:s}", "state", "inactive");
}

static json_t *logging_of(struct vsw_call *call, const struct nat_conf *c)
{
	struct vsw_nat *n = vsw_nats_find(vsw_dataplane_env(call->d->dp)->nats, c->name);

	if (n && c->backend == NAT_BACKEND_DATAPLANE)
		return vsw_nat_logging(n);
	return call->d->nat ? vsw_hostnat_logging(call->d->nat, c) : json_null();
}

static json_t *leases_of(struct vsw_call *call, const struct nat_conf *c)
{
	return call->d->nat ? vsw_hostnat_leases(call->d->nat, c) : json_array();
}

VSW_METHOD(nat_list)
{
	const struct vsw_model *m = &call->d->engine->model;

	*result = json_array();
	for (unsigned int i = 0; i < m->n_nats; i++) {
		const struct nat_conf *c = &m->nats[i];
		json_t *j = nat_conf_to_json(c), *status = status_of(call, c);
		json_t *leases = leases_of(call, c);

		json_object_set(j, "state", json_object_get(status, "state"));
		json_object_set_new(j, "n_maps", json_integer(c->n_maps + c->n_pairs));
		json_object_set_new(j, "n_leases",
				    json_integer((json_int_t)json_array_size(leases)));
		json_array_append_new(*result, j);
		json_decref(status);
		json_decref(leases);
	}
	return 0;
}

VSW_METHOD(nat_show)
{
	const struct nat_conf *c = vsw_edit_find_nat(&call->d->engine->model,
						     vsw_edit_text(call->params, "name"), reterr);

	if (!c)
		return -ENOENT;
	*result = nat_conf_to_json(c);
	json_object_set_new(*result, "status", status_of(call, c));
	json_object_set_new(*result, "use", vsw_nat_use(call->d, c));
	json_object_set_new(*result, "logging", logging_of(call, c));
	json_object_set_new(*result, "no_effect", ineffective(c));
	json_object_set_new(*result, "leases", leases_of(call, c));
	return 0;
}

/* Rows of list @key of all networks, or of the one that is asked for, each with its network. */
static int rows(struct vsw_call *call, const char *key, json_t **result, struct vd_err *reterr)
{
	const struct vsw_model *m = &call->d->engine->model;
	const char *name = vsw_edit_text(call->params, "name");

	if (name && !vsw_edit_find_nat(m, name, reterr))
		return -ENOENT;
	*result = json_array();
	for (unsigned int i = 0; i < m->n_nats; i++) {
		const struct nat_conf *c = &m->nats[i];
		json_t *all, *list, *item;
		size_t k;

		if (name && strcmp(name, c->name))
			continue;
		all = strcmp(key, "leases") ? nat_conf_to_json(c)
					    : json_pack("{s:o}", key, leases_of(call, c));
		list = json_object_get(all, key);
		json_array_foreach (list, k, item) {
			json_t *row = json_pack("{s:s}", "nat", c->name);

			if (json_is_string(item))
				json_object_set(row, "address", item);
			else
				json_object_update(row, item);
			json_array_append_new(*result, row);
		}
		json_decref(all);
	}
	return 0;
}

VSW_METHOD(nat_map_list)
{
	return rows(call, "maps", result, reterr);
}

VSW_METHOD(nat_pair_list)
{
	return rows(call, "one_to_one", result, reterr);
}

VSW_METHOD(nat_address_list)
{
	return rows(call, "external", result, reterr);
}

VSW_METHOD(nat_reservation_list)
{
	return rows(call, "reservations", result, reterr);
}

VSW_METHOD(nat_leases)
{
	return rows(call, "leases", result, reterr);
}
