/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the noun port. */
#include <errno.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"

int vsw_methods_open_port(struct vsw_call *call, const struct vsw_port_cfg **ret_cfg,
			  struct vsw_port **ret, struct vd_err *reterr)
{
	struct vsw_engine *e = call->d->engine;
	const struct vsw_port_cfg *p =
		vsw_edit_find_port(&e->model, vsw_edit_text(call->params, "port"), reterr);
	struct vsw_port *port;

	if (!p)
		return -ENOENT;
	port = e->ports[vsw_engine_port_index(e, p)]->port;
	if (!port)
		return vd_err_set(reterr, -ENODEV, VD_E_DEVICE_MISSING, p->name,
				  "viridian port show tells why", "port %s has no device now",
				  p->name);
	*ret_cfg = p;
	*ret = port;
	return 0;
}

VSW_METHOD(port_add)
{
	return vsw_methods_change(call, vsw_edit_port_add, result, reterr);
}

VSW_METHOD(port_set)
{
	return vsw_methods_change(call, vsw_edit_port_set, result, reterr);
}

VSW_METHOD(port_move)
{
	return vsw_methods_change(call, vsw_edit_port_move, result, reterr);
}

VSW_METHOD(port_link)
{
	return vsw_methods_change(call, vsw_edit_port_link, result, reterr);
}

VSW_METHOD(port_remove)
{
	return vsw_methods_change(call, vsw_edit_port_remove, result, reterr);
}

/* What the back end says of itself. New reference. */
static json_t *io_of(const struct vsw_rt_port *rt)
{
	json_t *io = json_object();

	if (rt->port && rt->port->io->ops->describe)
		rt->port->io->ops->describe(rt->port->io, io);
	return io;
}

static void copy_text(json_t *to, json_t *from, const char *key)
{
	json_t *v = json_object_get(from, key);

	json_object_set(to, key, json_is_string(v) ? v : json_null());
}

/* A row says how many: the rules themselves are `acl list`. */
static int n_rules(const struct vsw_port_cfg *p)
{
	const struct vsw_acl *a = vsw_policy_of(p)->acl;

	return a ? (int)a->n : 0;
}

static json_t *row_with(struct vsw_daemon *d, unsigned int i, json_t *io)
{
	const struct vsw_rt_port *rt = d->engine->ports[i];
	json_t *j = vsw_port_to_json(&d->engine->model.ports[i]);
	bool connected =
		rt->port && __atomic_load_n(&rt->port->io->caps.connected, __ATOMIC_RELAXED);

	json_object_set_new(j, "acl_rules", json_integer(n_rules(&d->engine->model.ports[i])));
	copy_text(j, io, "driver");
	json_object_set_new(j, "connected", json_boolean(connected));
	copy_text(j, io, "degraded");
	if (!rt->port)
		json_object_set_new(j, "degraded", json_string(rt->fault.message));
	return j;
}

json_t *vsw_row_port(struct vsw_daemon *d, unsigned int i)
{
	json_t *io = io_of(d->engine->ports[i]);
	json_t *j = row_with(d, i, io);

	json_decref(io);
	return j;
}

static const char *mac_source(const struct vsw_port_cfg *p, const struct vsw_rt_port *rt)
{
	if (p->has_mac)
		return rt->mac_assigned ? "assigned" : "given";
	return rt->first_mac_told ? "first-frame" : NULL;
}

static json_t *state_of(const struct vsw_port_cfg *p, const struct vsw_rt_port *rt)
{
	const char *source = mac_source(p, rt);
	const struct vd_mac *mac = p->has_mac ? &p->mac : source ? &rt->port->first_mac : NULL;
	char text[VD_MAC_STR_SIZE];
	json_t *j = json_pack("{s:b, s:s, s:o, s:o}", "open", rt->port != NULL, "link",
			      p->link_up && !rt->link_up_at_ms ? "up" : "down", "mac",
			      mac ? json_string(vd_mac_format(mac, text)) : json_null(),
			      "mac_source", source ? json_string(source) : json_null());

	if (!rt->port)
		json_object_set_new(j, "error", vd_err_to_json(&rt->fault));
	return j;
}

VSW_METHOD(port_list)
{
	const struct vsw_model *m = &call->d->engine->model;
	const char *sw = vsw_edit_text(call->params, "switch");

	if (sw && !vsw_edit_find_switch(m, sw, reterr))
		return -ENOENT;
	*result = json_array();
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (!sw || !strcmp(m->ports[i].sw, sw))
			json_array_append_new(*result, vsw_row_port(call->d, i));
	return 0;
}

VSW_METHOD(port_show)
{
	struct vsw_engine *e = call->d->engine;
	const struct vsw_port_cfg *p =
		vsw_edit_find_port(&e->model, vsw_edit_text(call->params, "name"), reterr);
	json_t *io, *drops = json_array();
	unsigned int i;

	if (!p) {
		json_decref(drops);
		return -ENOENT;
	}
	i = vsw_engine_port_index(e, p);
	io = io_of(e->ports[i]);
	*result = row_with(call->d, i, io);
	json_object_set_new(*result, "state", state_of(p, e->ports[i]));
	json_object_set_new(*result, "io", io);
	json_object_set_new(*result, "stats", vsw_row_stats(call->d, i));
	vsw_rows_drops(call->d, i, false, drops);
	json_object_set_new(*result, "drops", drops);
	return 0;
}
