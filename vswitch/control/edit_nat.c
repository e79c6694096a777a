/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits of NAT networks: see edit.h. The command line's flat options become the document's objects. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/control/edit.h"

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

struct nat_conf *vsw_edit_find_nat(const struct vsw_model *m, const char *name,
				   struct vd_err *reterr)
{
	struct nat_conf *c = vsw_model_nat(m, name);
	const char *names[NAT_NETWORKS_MAX], *near;
	char path[VD_PATH_SIZE], hint[128];

	if (c)
		return c;
	for (unsigned int i = 0; i < m->n_nats; i++)
		names[i] = m->nats[i].name;
	near = vd_suggest(name, names, m->n_nats);
	snprintf(path, sizeof(path), "nat/%s", name);
	snprintf(hint, sizeof(hint), near ? "did you mean %s?" : "viridian nat list shows all",
		 near);
	vd_err_set(reterr, -ENOENT, VD_E_NAT_UNKNOWN, path, hint, "there is no NAT network %s",
		   name);
	return NULL;
}

/* ---- options to document ---- */

/* A parameter, and where it goes: a member, or a member of an inner object. */
static const struct {
	const char *param, *outer, *inner;
} places[] = {
	{"prefix", NULL, "prefix"},
	{"gateway", NULL, "gateway"},
	{"switch", NULL, "switch"},
	{"backend", NULL, "backend"},
	{"active", NULL, "active"},
	{"profile", NULL, "profile"},
	{"external", NULL, "external"},
	{"via", NULL, "via"},
	{"vlan", NULL, "vlan"},
	{"external_prefix", NULL, "external_prefix"},
	{"next_hop", NULL, "next_hop"},
	{"hairpin", NULL, "hairpin"},
	{"mss_clamp", NULL, "mss_clamp"},
	{"no_translate", NULL, "no_translate"},
	{"udp_inbound_refresh", NULL, "udp_inbound_refresh"},
	{"filter_udp", "filtering", "udp"},
	{"filter_tcp", "filtering", "tcp"},
	{"dhcp", "dhcp", "enabled"},
	{"dhcp_range", "dhcp", "range"},
	{"dhcp_server", "dhcp", "server"},
	{"lease_s", "dhcp", "lease_s"},
	{"dns", "dns", "enabled"},
	{"domain", "dns", "domain"},
	{"upstream", "dns", "upstream"},
	{"limit_ports", "limits", "ports"},
	{"limit_sessions", "limits", "sessions"},
	{"limit_rate", "limits", "sessions_per_s"},
	{"total_sessions", "limits", "total_sessions"},
	{"block_size", "blocks", "size"},
	{"blocks", "blocks", "max"},
	{"deterministic", "blocks", "deterministic"},
	{"udp_timeout_s", "timeouts", "udp_s"},
	{"dns_timeout_s", "timeouts", "udp_dns_s"},
	{"tcp_timeout_s", "timeouts", "tcp_established_s"},
	{"tcp_opening_s", "timeouts", "tcp_opening_s"},
	{"tcp_closing_s", "timeouts", "tcp_closing_s"},
	{"icmp_timeout_s", "timeouts", "icmp_s"},
	{"port_hold_s", "timeouts", "port_hold_s"},
	{"log", "log", "what"},
	{"log_file", "log", "file"},
	{"ipfix", "log", "ipfix"},
	{"log_destinations", "log", "destinations"},
};

static int put_inner(json_t *doc, const char *outer, const char *inner, json_t *value)
{
	json_t *object = json_object_get(doc, outer);

	if (!object) {
		object = json_object();
		if (json_object_set_new(doc, outer, object) < 0)
			return -ENOMEM;
	}
	return json_object_set(object, inner, value) < 0 ? -ENOMEM : 0;
}

/* A command line cannot write an empty list: one empty word stands for it. */
static bool is_cleared(json_t *v)
{
	const char *word = json_string_value(json_array_get(v, 0));

	return json_array_size(v) == 1 && word && !word[0];
}

/* New reference; NULL: out of memory. */
static json_t *document(json_t *params)
{
	json_t *doc = json_object();
	int r = doc ? 0 : -ENOMEM;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !r; i++) {
		json_t *v = json_object_get(params, places[i].param);

		v = is_cleared(v) ? json_array() : json_incref(v);
		if (v && places[i].outer)
			r = put_inner(doc, places[i].outer, places[i].inner, v);
		else if (v)
			r = json_object_set(doc, places[i].inner, v) < 0 ? -ENOMEM : 0;
		json_decref(v);
	}
	if (r)
		json_decref(doc);
	return r ? NULL : doc;
}

/* ---- networks ---- */

static int push(struct vsw_model *m, const struct nat_conf *c)
{
	struct nat_conf *nats = realloc(m->nats, (m->n_nats + 1u) * sizeof(*nats));

	if (!nats)
		return -ENOMEM;
	m->nats = nats;
	m->nats[m->n_nats++] = *c;
	return 0;
}

/* The switch that is made with the network. */
static int add_switch(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	const char *ifname = vsw_edit_text(params, "host_vnic");
	const char *backend = vsw_edit_text(params, "backend");
	bool kernel = !backend || !strcmp(backend, "kernel");
	json_t *p = json_pack("{s:O, s:s}", "name", json_object_get(params, "name"), "type",
			      "internal");
	int r = p ? 0 : no_memory(reterr);

	if (!r && ifname)
		json_object_set_new(p, "host_vnic", json_string(ifname));
	else if (!r && !kernel)
		json_object_set_new(p, "no_host_vnic", json_true());
	if (!r)
		r = vsw_edit_switch_add(m, p, reterr);
	json_decref(p);
	return r;
}

int vsw_edit_nat_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	const char *name = vsw_edit_text(params, "name"), *sw = vsw_edit_text(params, "switch");
	struct nat_conf c = {0};
	char path[VD_PATH_SIZE];
	json_t *doc;
	int r;

	snprintf(path, sizeof(path), "nat/%s", name);
	if (vsw_model_nat(m, name))
		return vd_err_set(reterr, -EEXIST, VD_E_EXISTS, path,
				  "choose another name, or change it: viridian nat set",
				  "the NAT network %s exists", name);
	doc = document(params);
	if (!doc || json_object_set(doc, "name", json_object_get(params, "name")) < 0 ||
	    (!sw && json_object_set_new(doc, "owns_switch", json_true()) < 0)) {
		json_decref(doc);
		return no_memory(reterr);
	}
	r = nat_conf_from_json(doc, NULL, false, &c, reterr);
	json_decref(doc);
	if (r)
		return r;
	if (sw && !vsw_edit_find_switch(m, sw, reterr))
		r = -ENOENT;
	if (!r && !sw)
		r = add_switch(m, params, reterr);
	if (!r && push(m, &c))
		r = no_memory(reterr);
	if (r)
		nat_conf_done(&c);
	return r;
}

int vsw_edit_nat_set(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct nat_conf *c = vsw_edit_find_nat(m, vsw_edit_text(params, "name"), reterr);
	const char *rename = vsw_edit_text(params, "rename");
	json_t *doc;
	int r;

	if (!c)
		return -ENOENT;
	doc = document(params);
	if (!doc || (rename && json_object_set_new(doc, "name", json_string(rename)) < 0)) {
		json_decref(doc);
		return no_memory(reterr);
	}
	r = nat_conf_from_json(doc, NULL, true, c, reterr);
	json_decref(doc);
	return r;
}

void vsw_edit_drop_nat(struct vsw_model *m, unsigned int i)
{
	nat_conf_done(&m->nats[i]);
	memmove(&m->nats[i], &m->nats[i + 1], (m->n_nats - i - 1u) * sizeof(*m->nats));
	m->n_nats--;
}

int vsw_edit_nat_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	struct nat_conf *c = vsw_edit_find_nat(m, vsw_edit_text(params, "name"), reterr);
	bool keep = json_is_true(json_object_get(params, "keep_switch"));
	char sw[VD_NAME_MAX + 1];
	json_t *p;
	int r;

	if (!c)
		return -ENOENT;
	keep |= !c->owns_switch || !vsw_model_switch(m, c->sw);
	snprintf(sw, sizeof(sw), "%s", c->sw);
	vsw_edit_drop_nat(m, (unsigned int)(c - m->nats));
	if (keep)
		return vsw_model_nat_ports(m, reterr);
	p = json_pack("{s:s, s:b}", "name", sw, "force",
		      json_is_true(json_object_get(params, "force")));
	r = p ? vsw_edit_switch_remove(m, p, reterr) : no_memory(reterr);
	json_decref(p);
	return r;
}

/* ---- parts of a network: a document that says what the list becomes ---- */

/* Read @list back as member @key of @c; steals @list. */
static int put_list(struct nat_conf *c, const char *key, json_t *list, struct vd_err *reterr)
{
	json_t *doc = list ? json_pack("{s:o}", key, list) : NULL;
	int r = doc ? nat_conf_from_json(doc, NULL, true, c, reterr) : no_memory(reterr);

	json_decref(doc);
	return r;
}

/* The list @key of the network as JSON. New reference. */
static json_t *get_list(const struct nat_conf *c, const char *key)
{
	json_t *doc = nat_conf_to_json(c), *list = json_incref(json_object_get(doc, key));

	json_decref(doc);
	return list;
}

static int add_item(struct vsw_model *m, json_t *params, const char *key, json_t *item,
		    struct vd_err *reterr)
{
	struct nat_conf *c = vsw_edit_find_nat(m, vsw_edit_text(params, "name"), reterr);
	json_t *list = c ? get_list(c, key) : NULL;

	if (!c || !item || json_array_append(list, item) < 0) {
		json_decref(list);
		json_decref(item);
		return c ? no_memory(reterr) : -ENOENT;
	}
	json_decref(item);
	return put_list(c, key, list, reterr);
}

/* Remove the items of list @key for which @is says so; @what names them in errors. */
static int remove_items(struct vsw_model *m, json_t *params, const char *key,
			bool (*is)(json_t *item, json_t *params), const char *what,
			struct vd_err *reterr)
{
	struct nat_conf *c = vsw_edit_find_nat(m, vsw_edit_text(params, "name"), reterr);
	json_t *list = c ? get_list(c, key) : NULL;
	size_t before = json_array_size(list);
	char path[VD_PATH_SIZE], hint[128];

	if (!c)
		return -ENOENT;
	for (size_t i = before; i-- > 0;)
		if (is(json_array_get(list, i), params))
			json_array_remove(list, i);
	if (json_array_size(list) == before) {
		json_decref(list);
		snprintf(path, sizeof(path), "nat/%s/%s", c->name, key);
		snprintf(hint, sizeof(hint), "viridian nat show %s lists them", c->name);
		return vd_err_set(reterr, -ENOENT, VD_E_NAT_ENTRY_UNKNOWN, path, hint,
				  "network %s has no such %s", c->name, what);
	}
	return put_list(c, key, list, reterr);
}

int vsw_edit_nat_map_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"protocol", "outside", "inside", "remote", NULL};

	return add_item(m, params, "maps", vsw_edit_document(params, keys), reterr);
}

/* The same outside endpoint, however it is written. */
static bool is_map(json_t *item, json_t *params)
{
	const char *remote = vsw_edit_text(params, "remote"), *text;
	uint32_t a = 0, b = 0;
	uint16_t a1 = 0, a2 = 0, b1 = 0, b2 = 0;
	struct nat_prefix ra = {0}, rb = {0};

	text = json_string_value(json_object_get(item, "remote"));
	if (strcmp(json_string_value(json_object_get(item, "protocol")),
		   vsw_edit_text(params, "protocol")) ||
	    nat_endpoint_parse(json_string_value(json_object_get(item, "outside")), &a, &a1, &a2) ||
	    nat_endpoint_parse(vsw_edit_text(params, "outside"), &b, &b1, &b2))
		return false;
	if (remote && (nat_prefix_parse(remote, &ra) || !text || nat_prefix_parse(text, &rb) ||
		       ra.len != rb.len || nat_prefix_first(ra) != nat_prefix_first(rb)))
		return false;
	return a == b && a1 == b1 && a2 == b2;
}

int vsw_edit_nat_map_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	return remove_items(m, params, "maps", is_map, "map", reterr);
}

int vsw_edit_nat_pair_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"outside", "inside", NULL};

	return add_item(m, params, "one_to_one", vsw_edit_document(params, keys), reterr);
}

static bool is_pair(json_t *item, json_t *params)
{
	return !strcmp(json_string_value(json_object_get(item, "outside")),
		       vsw_edit_text(params, "outside"));
}

int vsw_edit_nat_pair_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	return remove_items(m, params, "one_to_one", is_pair, "one-to-one map", reterr);
}

int vsw_edit_nat_address_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	return add_item(m, params, "external", json_incref(json_object_get(params, "address")),
			reterr);
}

static bool is_external(json_t *item, json_t *params)
{
	struct nat_external a, b;

	return nat_external_parse(json_string_value(item), &a) == 0 &&
	       nat_external_parse(vsw_edit_text(params, "address"), &b) == 0 &&
	       a.first == b.first && a.last == b.last && a.port_first == b.port_first &&
	       a.port_last == b.port_last;
}

int vsw_edit_nat_address_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	return remove_items(m, params, "external", is_external, "outside address", reterr);
}

int vsw_edit_nat_reservation_add(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	static const char *const keys[] = {"mac", "address", NULL};
	json_t *item = vsw_edit_document(params, keys), *host = json_object_get(params, "host");

	if (item && host && json_object_set(item, "name", host) < 0) {
		json_decref(item);
		item = NULL;
	}
	return add_item(m, params, "reservations", item, reterr);
}

static bool is_reservation(json_t *item, json_t *params)
{
	struct vd_mac a, b;

	return vd_mac_parse(json_string_value(json_object_get(item, "mac")), &a) == 0 &&
	       vd_mac_parse(vsw_edit_text(params, "mac"), &b) == 0 && !memcmp(&a, &b, sizeof(a));
}

int vsw_edit_nat_reservation_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr)
{
	return remove_items(m, params, "reservations", is_reservation, "reservation", reterr);
}
