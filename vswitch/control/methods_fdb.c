/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods of the noun fdb. */
#include <errno.h>
#include <string.h>

#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"

/* An answer of more rows would not fit into a line of the protocol. */
#define ROWS_MAX 100000u

VSW_METHOD(fdb_add)
{
	return vsw_methods_change(call, vsw_edit_fdb_add, result, reterr);
}

VSW_METHOD(fdb_remove)
{
	return vsw_methods_change(call, vsw_edit_fdb_remove, result, reterr);
}

struct walk {
	struct vsw_engine *e;
	const char *sw;
	json_t *rows;
	const char **names; /* by data-plane index; NULL: not published */
	bool too_many;
};

static void add_row(void *ctx, const struct vsw_fdb_entry *entry)
{
	struct walk *w = ctx;
	char mac[VD_MAC_STR_SIZE];
	const char *port = entry->port < VSW_PORTS_MAX ? w->names[entry->port] : NULL;

	if (json_array_size(w->rows) >= ROWS_MAX) {
		w->too_many = true;
		return;
	}
	json_array_append_new(
		w->rows,
		json_pack("{s:s, s:s, s:o, s:s?, s:s, s:o}", "switch", w->sw, "mac",
			  vd_mac_format(&entry->mac, mac), "vlan",
			  entry->fid == VSW_FID_ANY ? json_null() : json_integer(entry->fid),
			  "port", port, "type", entry->is_static ? "static" : "learned", "age_s",
			  entry->is_static ? json_null() : json_integer(entry->age_s)));
}

VSW_METHOD(fdb_list)
{
	struct vsw_engine *e = call->d->engine;
	const char *names[VSW_PORTS_MAX] = {NULL};
	const char *sw = vsw_edit_text(call->params, "switch");
	struct walk w = {.e = e, .names = names, .rows = json_array()};

	if (sw && !vsw_edit_find_switch(&e->model, sw, reterr)) {
		json_decref(w.rows);
		return -ENOENT;
	}
	for (unsigned int i = 0; i < e->model.n_ports; i++)
		if (e->ports[i]->port)
			names[e->ports[i]->port->index] = e->model.ports[i].name;
	for (unsigned int k = 0; k < e->model.n_switches; k++) {
		w.sw = e->model.switches[k].name;
		if (!sw || !strcmp(sw, w.sw))
			vsw_fdb_walk(e->switches[k].fdb, add_row, &w);
	}
	if (w.too_many) {
		json_decref(w.rows);
		return vd_err_set(reterr, -E2BIG, VD_E_RPC_LIMIT, NULL,
				  sw ? "lower the switch's fdb_limit" : "name one switch",
				  "more than %u entries", ROWS_MAX);
	}
	*result = w.rows;
	return 0;
}

VSW_METHOD(fdb_flush)
{
	struct vsw_engine *e = call->d->engine;
	const struct vsw_switch_cfg *s =
		vsw_edit_find_switch(&e->model, vsw_edit_text(call->params, "switch"), reterr);
	const char *name = vsw_edit_text(call->params, "port");
	const struct vsw_port_cfg *p = NULL;
	uint16_t index = VSW_PORT_INDEX_NONE;
	unsigned int removed = 0;

	if (!s)
		return -ENOENT;
	if (name) {
		p = vsw_edit_find_port(&e->model, name, reterr);
		if (!p)
			return -ENOENT;
		if (strcmp(p->sw, s->name))
			return vd_err_set(reterr, -ENOENT, VD_E_PORT_UNKNOWN, NULL, NULL,
					  "port %s is not on switch %s but on %s", name, s->name,
					  p->sw);
		if (e->ports[vsw_engine_port_index(e, p)]->port)
			index = e->ports[vsw_engine_port_index(e, p)]->port->index;
	}
	if (!p || index != VSW_PORT_INDEX_NONE)
		removed = vsw_fdb_flush(e->switches[s - e->model.switches].fdb, index, -1);
	*result = json_pack("{s:i}", "removed", (int)removed);
	return 0;
}
