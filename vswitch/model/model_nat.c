/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT networks in the model: reading, their rules against switches, ports and each other, and the port
 * that their DHCP and DNS server lives behind. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model_internal.h"

struct nat_conf *vsw_model_nat(const struct vsw_model *m, const char *name)
{
	for (unsigned int i = 0; i < m->n_nats; i++)
		if (!strcmp(m->nats[i].name, name))
			return &m->nats[i];
	return NULL;
}

int vsw_nats_read(const struct vd_read *rd, struct vsw_model *m)
{
	json_t *list, *j;
	size_t i;
	int r = vd_read_list(rd, "nats", NAT_NETWORKS_MAX, &list);

	if (r < 0)
		return r;
	m->nats = calloc(json_array_size(list) + 1, sizeof(*m->nats));
	if (!m->nats)
		return vsw_no_memory(rd->e);
	json_array_foreach (list, i, j) {
		r = nat_conf_from_json(j, rd->doc, false, &m->nats[i], rd->e);
		if (r < 0)
			return vd_read_at_item(rd, list, i, r);
		m->n_nats++;
	}
	return 0;
}

int vsw_nats_copy(const struct vsw_model *from, struct vsw_model *to)
{
	to->n_nats = 0;
	to->nats = NULL;
	if (!from->n_nats)
		return 0;
	to->nats = calloc(from->n_nats, sizeof(*to->nats));
	if (!to->nats)
		return -ENOMEM;
	for (; to->n_nats < from->n_nats; to->n_nats++)
		if (nat_conf_copy(&from->nats[to->n_nats], &to->nats[to->n_nats]) < 0)
			return -ENOMEM;
	return 0;
}

void vsw_nats_done(struct vsw_model *m)
{
	for (unsigned int i = 0; i < m->n_nats; i++)
		nat_conf_done(&m->nats[i]);
	free(m->nats);
	m->nats = NULL;
	m->n_nats = 0;
}

/* ---- the port of the DHCP and DNS server ---- */

#define IFNAME_SIZE 16

static bool has_server(const struct nat_conf *c)
{
	return c->active && (c->dhcp.enabled || c->dns.enabled);
}

bool vsw_is_nat_server(const struct vsw_port_cfg *p)
{
	const char *colon = strchr(p->name, ':');

	return p->role == VSW_ROLE_HOST && colon && !strcmp(colon + 1, VSW_NAT_SERVER_KIND);
}

bool vsw_is_nat_port(const struct vsw_port_cfg *p)
{
	return p->device.kind == VSW_DEV_NAT || vsw_is_nat_server(p);
}

/* FNV-1a: any even spread will do, but it must never change. */
static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

static const char *server_ifname(const char *sw, char buf[IFNAME_SIZE])
{
	snprintf(buf, IFNAME_SIZE, "vns%08x", hash(sw));
	return buf;
}

static int add_server_port(struct vsw_model *m, const struct nat_conf *c, struct vd_err *reterr)
{
	struct vsw_port_cfg *ports, *p;
	char ifname[IFNAME_SIZE], device[IFNAME_SIZE + 8];

	ports = realloc(m->ports, (m->n_ports + 1u) * sizeof(*ports));
	if (!ports)
		return vsw_no_memory(reterr);
	m->ports = ports;
	p = &ports[m->n_ports];
	*p = (struct vsw_port_cfg){.role = VSW_ROLE_HOST, .link_up = true};
	snprintf(p->name, sizeof(p->name), "%.63s:%s", c->sw, VSW_NAT_SERVER_KIND);
	snprintf(p->sw, sizeof(p->sw), "%s", c->sw);
	snprintf(device, sizeof(device), "tap:%s", server_ifname(c->sw, ifname));
	m->n_ports++;
	return vsw_device_parse(device, p->name, &p->device, reterr);
}

/* ---- the two ports of a data-plane network ---- */

static bool has_translator(const struct nat_conf *c)
{
	return c->active && c->backend == NAT_BACKEND_DATAPLANE;
}

/* What the port of @c on the inside or outside switch is to be. */
static void translator_port(const struct nat_conf *c, bool outside, struct vsw_port_cfg *ret)
{
	const char *sw = outside ? c->via : c->sw;

	*ret = (struct vsw_port_cfg){.role = VSW_ROLE_HOST, .link_up = true};
	ret->device = (struct vsw_device){.kind = VSW_DEV_NAT, .outside = outside, .queues = 1};
	snprintf(ret->device.target, sizeof(ret->device.target), "%s", c->name);
	snprintf(ret->sw, sizeof(ret->sw), "%s", sw);
	if (!outside)
		snprintf(ret->name, sizeof(ret->name), "%.63s:nat", sw);
	else if (strlen(c->name) < 48)
		snprintf(ret->name, sizeof(ret->name), "%.63s:nat-%.48s", sw, c->name);
	else /* no name is longer than a port's may be */
		snprintf(ret->name, sizeof(ret->name), "%.63s:nat-%.32s-%08x", sw, c->name,
			 hash(c->name));
	if (outside && c->vlan) {
		ret->vlan.mode = VSW_VLAN_ACCESS;
		ret->vlan.vid = c->vlan;
	}
}

static bool is_translator_port(const struct vsw_port_cfg *p, const struct nat_conf *c)
{
	struct vsw_port_cfg want;

	if (p->device.kind != VSW_DEV_NAT || !has_translator(c))
		return false;
	translator_port(c, p->device.outside, &want);
	return !strcmp(p->device.target, c->name) && !strcmp(p->sw, want.sw) &&
	       !strcmp(p->name, want.name) && p->role == want.role;
}

static int add_translator_port(struct vsw_model *m, const struct nat_conf *c, bool outside,
			       struct vd_err *reterr)
{
	struct vsw_port_cfg want, *ports, *have;

	translator_port(c, outside, &want);
	have = vsw_model_port(m, want.name);
	if (have) {
		have->vlan = want.vlan; /* the network says, not the port */
		return 0;
	}
	if (!want.sw[0])
		return 0; /* validation has a better word for that */
	ports = realloc(m->ports, (m->n_ports + 1u) * sizeof(*ports));
	if (!ports)
		return vsw_no_memory(reterr);
	m->ports = ports;
	m->ports[m->n_ports++] = want;
	return 0;
}

/* Does one of the networks ask for port @p, which is made for a network? */
static bool asked_for(const struct vsw_model *m, const struct vsw_port_cfg *p)
{
	for (unsigned int k = 0; k < m->n_nats; k++)
		if (is_translator_port(p, &m->nats[k]) ||
		    (vsw_is_nat_server(p) && has_server(&m->nats[k]) &&
		     !strcmp(m->nats[k].sw, p->sw)))
			return true;
	return false;
}

int vsw_model_nat_ports(struct vsw_model *m, struct vd_err *reterr)
{
	unsigned int kept = 0;
	int r = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		if (!vsw_is_nat_port(&m->ports[i]) || asked_for(m, &m->ports[i]))
			m->ports[kept++] = m->ports[i];
		else
			vsw_port_cfg_done(&m->ports[i]);
	}
	m->n_ports = kept;
	for (unsigned int k = 0; k < m->n_nats && r == 0; k++) {
		char name[VSW_PORT_NAME_SIZE];

		if (!has_server(&m->nats[k]))
			continue;
		snprintf(name, sizeof(name), "%.63s:%s", m->nats[k].sw, VSW_NAT_SERVER_KIND);
		if (!vsw_model_port(m, name))
			r = add_server_port(m, &m->nats[k], reterr);
	}
	for (unsigned int k = 0; k < m->n_nats && r == 0; k++) {
		if (!has_translator(&m->nats[k]))
			continue;
		r = add_translator_port(m, &m->nats[k], false, reterr);
		if (r == 0)
			r = add_translator_port(m, &m->nats[k], true, reterr);
	}
	return r;
}

const struct vsw_port_cfg *vsw_model_nat_server(const struct vsw_model *m, const struct nat_conf *c)
{
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (vsw_is_nat_server(&m->ports[i]) && !strcmp(m->ports[i].sw, c->sw))
			return &m->ports[i];
	return NULL;
}

const struct vsw_port_cfg *vsw_model_nat_gateway(const struct vsw_model *m,
						 const struct nat_conf *c)
{
	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *p = &m->ports[i];

		if (p->role == VSW_ROLE_HOST && p->device.kind == VSW_DEV_TAP &&
		    !vsw_is_nat_server(p) && !strcmp(p->sw, c->sw))
			return p;
	}
	return NULL;
}

/* ---- rules ---- */

struct nat_val {
	const struct vsw_model *m;
	json_t *root;
	const struct vd_doc *doc;
	struct vd_err *e;
};

static int blame(const struct nat_val *v, unsigned int i, const char *key, int r)
{
	vd_doc_locate(v->doc, json_array_get(json_object_get(v->root, "nats"), i), key, (size_t)-1,
		      v->e);
	return r;
}

static int check_switch(const struct nat_val *v, unsigned int i)
{
	const struct nat_conf *c = &v->m->nats[i];
	const struct vsw_switch_cfg *s = vsw_model_switch(v->m, c->sw);
	char path[VSW_PATH_SIZE];

	vsw_path(path, sizeof(path), "nat", c->name, "switch");
	if (!s)
		return blame(v, i, "switch",
			     vd_err_set(v->e, -ENOENT, VD_E_SWITCH_UNKNOWN, path,
					"add an internal switch of this name first",
					"there is no switch \"%s\"", c->sw));
	if (s->type != VSW_INTERNAL)
		return blame(v, i, "switch",
			     vd_err_set(v->e, -EINVAL, VD_E_SWITCH_TYPE, path,
					"convert it: viridian switch set NAME --type internal",
					"the inside of a NAT network is an internal switch, \"%s\" "
					"is %s",
					c->sw, vsw_type_text[s->type]));
	if (c->backend == NAT_BACKEND_KERNEL && !vsw_model_nat_gateway(v->m, c))
		return blame(v, i, "switch",
			     vd_err_set(v->e, -EINVAL, VD_E_SWITCH_TYPE, path,
					"give it one: viridian switch set NAME --host-vnic IFNAME",
					"switch \"%s\" has no adapter for the host, which is the "
					"gateway of a NAT network",
					c->sw));
	return 0;
}

static int check_via(const struct nat_val *v, unsigned int i)
{
	const struct nat_conf *c = &v->m->nats[i];
	const struct vsw_switch_cfg *s = c->via[0] ? vsw_model_switch(v->m, c->via) : NULL;
	char path[VSW_PATH_SIZE];

	if (!c->via[0] || (s && s->type == VSW_EXTERNAL))
		return 0;
	vsw_path(path, sizeof(path), "nat", c->name, "via");
	if (!s)
		return blame(v, i, "via",
			     vd_err_set(v->e, -ENOENT, VD_E_SWITCH_UNKNOWN, path,
					"name an external switch that exists",
					"there is no switch \"%s\"", c->via));
	return blame(v, i, "via",
		     vd_err_set(v->e, -EINVAL, VD_E_SWITCH_TYPE, path,
				"name a switch with an uplink",
				"the way outside is an external switch, \"%s\" is %s", c->via,
				vsw_type_text[s->type]));
}

static int check_two(const struct nat_val *v, unsigned int i, unsigned int k)
{
	const struct nat_conf *a = &v->m->nats[i], *b = &v->m->nats[k];
	const char *key = NULL;
	char path[VSW_PATH_SIZE];
	int r;

	if (!strcmp(a->name, b->name))
		return blame(v, k, "name",
			     vd_err_set(v->e, -EEXIST, VD_E_EXISTS,
					vsw_path(path, sizeof(path), "nat", b->name, NULL),
					"give each one a name of its own",
					"two NAT networks are called \"%s\"", b->name));
	if (a->uuid[0] && !strcmp(a->uuid, b->uuid))
		return blame(v, k, "uuid",
			     vd_err_set(v->e, -EEXIST, VD_E_EXISTS,
					vsw_path(path, sizeof(path), "nat", b->name, "uuid"),
					"leave it out of the copy to have one assigned",
					"the UUID %s is that of another object", b->uuid));
	r = nat_conf_clash(a, b, &key, v->e);
	return r < 0 ? blame(v, k, key, r) : 0;
}

int vsw_nats_validate(const struct vsw_model *m, json_t *root, const struct vd_doc *doc,
		      struct vd_err *reterr)
{
	struct nat_val v = {m, root, doc, reterr};
	int r = 0;

	if (m->n_nats > NAT_NETWORKS_MAX)
		return vd_err_set(reterr, -ENOSPC, VD_E_LIMIT, NULL, NULL,
				  "%u NAT networks are too many (allowed: %d)", m->n_nats,
				  NAT_NETWORKS_MAX);
	for (unsigned int i = 0; i < m->n_nats && r == 0; i++) {
		r = check_switch(&v, i);
		if (r == 0)
			r = check_via(&v, i);
		for (unsigned int k = 0; k < i && r == 0; k++)
			r = check_two(&v, k, i);
	}
	return r;
}
