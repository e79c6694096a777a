/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One change of the NAT networks: decide who is apart, write all tables in one transaction, then addresses, routes
 * and services. See hostnat.h.
 */
#include "vswitch/hostnat/hostnat.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "nap-policy/portal/ask.h"
#include "vswitch/hostnat/facts.h"
#include "vswitch/hostnat/hostnat_impl.h"
#include "vswitch/model/quarantine.h"

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

static struct hn_net *find(const struct vsw_hostnat *h, const char *uuid)
{
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (!strcmp(h->nets[i]->conf.uuid, uuid))
			return h->nets[i];
	return NULL;
}

int vsw_hostnat_create(const struct vsw_hostnat_env *env, struct vsw_hostnat **ret,
		       struct vd_err *reterr)
{
	struct vsw_hostnat *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return no_memory(reterr);
	h->env = *env;
	r = hn_watch_links(h);
	if (r < 0) {
		hn_unwatch(h);
		free(h);
		return vd_err_set(reterr, r, VD_E_SYSTEM, NULL, NULL,
				  "cannot watch the kernel's interfaces: %s", strerror(-r));
	}
	*ret = h;
	return 0;
}

/* ---- before a change ---- */

static const struct nat_conf *same(const struct vsw_model *m, const struct nat_conf *c)
{
	for (unsigned int i = 0; i < m->n_nats; i++)
		if (!strcmp(m->nats[i].uuid, c->uuid))
			return &m->nats[i];
	return NULL;
}

static bool has_map(const struct nat_conf *c, const struct nat_map *m)
{
	for (unsigned int i = 0; c && i < c->n_maps; i++)
		if (c->maps[i].protocol == m->protocol && c->maps[i].outside == m->outside &&
		    c->maps[i].port_first == m->port_first && c->maps[i].port_last == m->port_last)
			return true;
	return false;
}

static int check_route(struct vsw_hostnat *h, const struct nat_conf *c, struct vd_err *reterr)
{
	char path[VD_PATH_SIZE], prefix[NAT_PREFIX_STR_SIZE], text[128];

	if (nat_facts_route(c->prefix, hn_is_ours, h, text, sizeof(text)) <= 0)
		return 0;
	snprintf(path, sizeof(path), "nat/%s/prefix", c->name);
	return vd_err_set(reterr, -EEXIST, VD_E_NAT_ROUTE, path,
			  "choose a prefix that this host has no route to",
			  "%s overlaps a route of this host: %s",
			  nat_prefix_format(c->prefix, prefix), text);
}

static int check_ports(const struct nat_conf *old, const struct nat_conf *c,
		       struct nat_listeners **listeners, struct vd_err *reterr)
{
	char path[VD_PATH_SIZE], text[128];
	int r = 0;

	for (unsigned int i = 0; i < c->n_maps; i++) {
		if (has_map(old, &c->maps[i]))
			continue;
		if (!*listeners)
			r = nat_listeners_load(listeners);
		if (r)
			return no_memory(reterr);
		if (!nat_listeners_clash(*listeners, &c->maps[i], text, sizeof(text)))
			continue;
		snprintf(path, sizeof(path), "nat/%s/maps", c->name);
		return vd_err_set(
			reterr, -EBUSY, VD_E_NAT_PORT, path,
			"choose another port, name an outside address, or stop the program",
			"%s is in use by a program of this host", text);
	}
	return 0;
}

/* Is @addr used by a network of @m? Then the host has it from us, or has been told already. */
static bool is_outside(const struct vsw_model *m, uint32_t addr)
{
	for (unsigned int i = 0; i < m->n_nats; i++) {
		const struct nat_conf *c = &m->nats[i];

		for (unsigned int k = 0; c->active && k < c->n_pairs; k++)
			if (c->pairs[k].outside == addr)
				return true;
		for (unsigned int k = 0; c->active && k < c->n_maps; k++)
			if (c->maps[k].outside == addr)
				return true;
		for (unsigned int k = 0; c->active && k < c->n_external; k++)
			if (addr >= c->external[k].first && addr <= c->external[k].last)
				return true;
	}
	return false;
}

/* An address that belongs to one VM takes all that is sent to it: the host could not be reached there any more. */
static int check_pairs(const struct vsw_model *cur, const struct nat_conf *c,
		       struct nat_listeners **listeners, struct vd_err *reterr)
{
	char path[VD_PATH_SIZE], addr[NAT_ADDR_STR_SIZE], text[128];
	int r = 0;

	for (unsigned int i = 0; i < c->n_pairs; i++) {
		struct nat_map all = {.outside = c->pairs[i].outside,
				      .port_first = 1,
				      .port_last = UINT16_MAX,
				      .protocol = NAT_TCP};

		if (is_outside(cur, all.outside) || !nat_facts_is_local(all.outside))
			continue;
		if (!*listeners)
			r = nat_listeners_load(listeners);
		if (r)
			return no_memory(reterr);
		if (!nat_listeners_clash(*listeners, &all, text, sizeof(text)))
			all.protocol = NAT_UDP;
		if (all.protocol == NAT_UDP &&
		    !nat_listeners_clash(*listeners, &all, text, sizeof(text)))
			continue;
		snprintf(path, sizeof(path), "nat/%s/one_to_one", c->name);
		return vd_err_set(reterr, -EBUSY, VD_E_NAT_PORT, path,
				  "use an address that the host does not have (it gets it), map "
				  "single ports, or add --force",
				  "%s is an address of this host, where a program has %s",
				  nat_addr_format(all.outside, addr), text);
	}
	return 0;
}

int vsw_hostnat_check(struct vsw_hostnat *h, const struct vsw_model *cur,
		      const struct vsw_model *next, struct vd_err *reterr)
{
	struct nat_listeners *listeners = NULL;
	int r = 0;

	for (unsigned int i = 0; i < next->n_nats && !r; i++) {
		const struct nat_conf *c = &next->nats[i], *old = same(cur, c);

		if (!c->active)
			continue;
		if ((c->dhcp.enabled || c->dns.enabled) && !vsw_services_program())
			r = vd_err_set(reterr, -ENOENT, VD_E_UNSUPPORTED, c->name,
				       "install dnsmasq-base, or use --no-dhcp --no-dns",
				       "DHCP and DNS need dnsmasq, which is not installed");
		if (c->backend != NAT_BACKEND_KERNEL)
			continue;
		if (!r && (!old || !old->active || !nat_prefix_overlap(old->prefix, c->prefix)))
			r = check_route(h, c, reterr);
		if (!r)
			r = check_ports(old && old->active ? old : NULL, c, &listeners, reterr);
		if (!r)
			r = check_pairs(cur, c, &listeners, reterr);
	}
	nat_listeners_free(listeners);
	return r;
}

/* ---- a change ---- */

static bool equal(const struct nat_conf *a, const struct nat_conf *b)
{
	json_t *ja = nat_conf_to_json(a), *jb = nat_conf_to_json(b);
	bool r = ja && jb && json_equal(ja, jb);

	json_decref(ja);
	json_decref(jb);
	return r;
}

static int make_dirs(const struct vsw_hostnat *h, const char *uuid)
{
	char path[300];

	snprintf(path, sizeof(path), "%.200s/nat", h->env.state_dir);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%.200s/nat/%.36s", h->env.state_dir, uuid);
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* The run-time side of @c, made if need be, with its wishes brought up to date. */
static int take(struct vsw_hostnat *h, const struct vsw_model *m, const struct nat_conf *c,
		bool start, struct vd_err *reterr)
{
	const struct vsw_port_cfg *gateway = vsw_model_nat_gateway(m, c);
	const struct vsw_switch_cfg *sw = vsw_model_switch(m, c->sw);
	const char *ifname =
		c->backend == NAT_BACKEND_KERNEL && gateway ? gateway->device.target : "";
	struct hn_net *n = find(h, c->uuid);
	struct nat_conf copy;
	int r = make_dirs(h, c->uuid);

	if (r)
		return vd_err_set(reterr, r, VD_E_STATE, NULL, NULL, "cannot make %s/nat: %s",
				  h->env.state_dir, strerror(-r));
	if (nat_conf_copy(c, &copy))
		return no_memory(reterr);
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n) {
			nat_conf_done(&copy);
			return no_memory(reterr);
		}
		n->slot = start ? hn_noted_slot(h, c->uuid) : -1;
		n->changed = true;
		h->nets[h->n_nets++] = n;
	} else if (!equal(&n->conf, c) || strcmp(n->ifname, ifname)) {
		n->changed = true;
	}
	nat_conf_done(&n->conf);
	n->conf = copy;
	n->wanted = true;
	n->mtu_bytes = sw ? sw->mtu : VSW_MTU_DEFAULT;
	snprintf(n->ifname, sizeof(n->ifname), "%s", ifname);
	return 0;
}

static bool slot_free(const struct vsw_hostnat *h, const struct hn_net *but, int slot)
{
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (h->nets[i] != but && h->nets[i]->slot == slot)
			return false;
	return true;
}

/* Of two with the same addresses the later one is apart, and stays so: flows depend on it. */
static void set_apart(struct vsw_hostnat *h)
{
	for (unsigned int i = 0; i < h->n_nets; i++) {
		struct hn_net *n = h->nets[i];
		bool clash = false;

		if (n->slot >= 0 && !slot_free(h, n, n->slot))
			n->slot = -1;
		for (unsigned int k = 0; k < i && !clash; k++)
			clash = h->nets[k]->slot < 0 && hn_is_kernel(h->nets[k]) &&
				h->nets[k]->wanted &&
				nat_prefix_overlap(h->nets[k]->conf.prefix, n->conf.prefix);
		if (!n->wanted || !hn_is_kernel(n) || n->slot >= 0 || !clash)
			continue;
		while (!slot_free(h, n, ++n->slot))
			;
		n->changed = true;
	}
	/* who shares addresses with one that is new must tell them apart from now on */
	for (unsigned int i = 0; i < h->n_nets; i++)
		for (unsigned int k = 0; k < h->n_nets; k++)
			if (h->nets[k]->changed && h->nets[k]->slot >= 0 &&
			    nat_prefix_overlap(h->nets[k]->conf.prefix, h->nets[i]->conf.prefix))
				h->nets[i]->changed = true;
}

static int need_nft(struct vsw_hostnat *h, struct vd_err *reterr)
{
	int r = h->nft ? 0 : nat_nft_open(h->env.own_tables, &h->nft, reterr);

	if (!r && !h->nft_source)
		r = hn_watch_nft(h);
	return r < 0 ? r : 0;
}

/* The tables of all networks that changed, and the removal of those that go, in one transaction. */
static int write_tables(struct vsw_hostnat *h, const struct nat_nft_gone *renamed,
			unsigned int n_renamed, struct vd_err *reterr)
{
	struct nat_nft_net *nets = calloc(NAT_NETWORKS_MAX, sizeof(*nets));
	struct nat_nft_gone *gone = calloc(2 * NAT_NETWORKS_MAX, sizeof(*gone));
	unsigned int n = 0, n_gone = 0;
	int r = nets && gone ? 0 : no_memory(reterr);

	for (unsigned int i = 0; !r && i < n_renamed; i++)
		gone[n_gone++] = renamed[i];
	for (unsigned int i = 0; !r && i < h->n_nets; i++) {
		struct hn_net *one = h->nets[i];

		if (one->wanted && hn_is_kernel(one)) {
			if (one->changed || !one->in_kernel)
				hn_describe(h, one, &nets[n++]);
		} else if (one->in_kernel) {
			memcpy(gone[n_gone].name, one->conf.name, sizeof(gone[n_gone].name));
			memcpy(gone[n_gone++].uuid, one->conf.uuid, sizeof(gone[0].uuid));
		}
	}
	if (!r && (n || n_gone)) {
		r = need_nft(h, reterr);
		if (!r)
			r = nat_nft_apply(h->nft, nets, n, gone, n_gone, reterr);
	}
	for (unsigned int i = 0; !r && i < h->n_nets; i++)
		h->nets[i]->in_kernel = h->nets[i]->wanted && hn_is_kernel(h->nets[i]);
	free(nets);
	free(gone);
	return r;
}

/* ---- services ---- */

/* A port's name as a host's: letters, digits, '-'. */
static bool host_name(const char *port, char ret[NAT_HOST_NAME_SIZE])
{
	size_t n = 0;

	for (; *port && n + 1 < NAT_HOST_NAME_SIZE; port++) {
		bool good = (*port >= 'a' && *port <= 'z') || (*port >= 'A' && *port <= 'Z') ||
			    (*port >= '0' && *port <= '9');

		if (good || (n && *port != ':'))
			ret[n++] = good ? *port : '-';
	}
	while (n && ret[n - 1] == '-')
		n--;
	ret[n] = '\0';
	return n > 0;
}

static unsigned int hosts_of(struct vsw_hostnat *h, const struct vsw_model *m,
			     const struct nat_conf *c, struct vsw_services_host *hosts)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *p = &m->ports[i];

		if (p->role != VSW_ROLE_VM || strcmp(p->sw, c->sw) ||
		    !host_name(p->name, hosts[n].name))
			continue;
		if (p->has_mac)
			hosts[n++].mac = p->mac;
		else if (h->env.first_mac && h->env.first_mac(h->env.ctx, p->name, &hosts[n].mac))
			n++;
	}
	return n;
}

/* Where VMs under a health policy find out what holds them. */
static void captive_url(const struct vsw_model *m, char *ret, size_t size)
{
	char addr[VD_PREFIX_STR_SIZE];

	if (m->quarantine)
		snprintf(ret, size, "http://%s" NAP_API_CAPTIVE,
			 vd_prefix_format(&m->quarantine->policy->portal.ipv4, addr));
}

static int serve(struct vsw_hostnat *h, const struct vsw_model *m, struct hn_net *n,
		 struct vd_err *reterr)
{
	const struct vsw_port_cfg *port = vsw_model_nat_server(m, &n->conf);
	char captive[128] = "";
	struct vsw_services_conf c = {
		.conf = &n->conf, .mtu_bytes = n->mtu_bytes, .captive = captive};
	struct vsw_services_host *hosts;
	int r = 0;

	if (!port || (!n->conf.dhcp.enabled && !n->conf.dns.enabled)) {
		vsw_services_destroy(n->services, false);
		n->services = NULL;
		return 0;
	}
	if (!n->services)
		r = vsw_services_create(h->env.event, h->env.state_dir, n->conf.uuid, n->conf.name,
					&n->services, reterr);
	if (r)
		return r;
	hosts = calloc(m->n_ports + 1u, sizeof(*hosts));
	if (!hosts)
		return no_memory(reterr);
	c.ifname = port->device.target;
	c.hosts = hosts;
	c.n_hosts = hosts_of(h, m, &n->conf, hosts);
	captive_url(m, captive, sizeof(captive));
	vsw_services_set(n->services, &c);
	free(hosts);
	return 0;
}

void vsw_hostnat_ports_changed(struct vsw_hostnat *h, const struct vsw_model *m)
{
	for (unsigned int i = 0; i < h->n_nets; i++)
		serve(h, m, h->nets[i], NULL);
}

/* ---- all of it ---- */

static void forget(struct vsw_hostnat *h, struct hn_net *n)
{
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (h->nets[i] == n)
			h->nets[i] = h->nets[--h->n_nets];
	nat_conf_done(&n->conf);
	free(n->extras);
	free(n);
}

/* The network is gone from the configuration, or (@leases kept) from the machine. */
static void let_go(struct vsw_hostnat *h, struct hn_net *n, bool leases)
{
	char path[400];

	hn_log_end(h, n);
	hn_undress(n);
	snprintf(path, sizeof(path), "%.200s/nat/%.36s/network", h->env.state_dir, n->conf.uuid);
	remove(path);
	vsw_services_destroy(n->services, !leases);
	if (!n->services && !leases) {
		snprintf(path, sizeof(path), "%.200s/nat/%.36s", h->env.state_dir, n->conf.uuid);
		remove(path);
	}
	forget(h, n);
}

/* Keep the order of the configuration: it decides who is apart. */
static void sort(struct vsw_hostnat *h, const struct vsw_model *m)
{
	unsigned int at = 0;

	for (unsigned int i = 0; i < m->n_nats; i++)
		for (unsigned int k = at; k < h->n_nets; k++)
			if (!strcmp(h->nets[k]->conf.uuid, m->nats[i].uuid)) {
				struct hn_net *n = h->nets[k];

				h->nets[k] = h->nets[at];
				h->nets[at++] = n;
				break;
			}
}

static int carry_out(struct vsw_hostnat *h, const struct vsw_model *m, bool start,
		     struct vd_err *reterr)
{
	struct nat_nft_gone renamed[NAT_NETWORKS_MAX];
	unsigned int n_renamed = 0;
	int r = 0;

	for (unsigned int i = 0; i < h->n_nets; i++)
		h->nets[i]->wanted = h->nets[i]->changed = false;
	for (unsigned int i = 0; i < m->n_nats && !r; i++) {
		const struct hn_net *n = find(h, m->nats[i].uuid);

		if (!m->nats[i].active)
			continue;
		if (n && n->in_kernel && strcmp(n->conf.name, m->nats[i].name)) {
			memcpy(renamed[n_renamed].name, n->conf.name, sizeof(renamed[0].name));
			memcpy(renamed[n_renamed++].uuid, n->conf.uuid, sizeof(renamed[0].uuid));
		}
		r = take(h, m, &m->nats[i], start, reterr);
	}
	if (r)
		return r;
	sort(h, m);
	set_apart(h);
	return write_tables(h, renamed, n_renamed, reterr);
}

static int settle(struct vsw_hostnat *h, const struct vsw_model *m, struct hn_net *n, bool start,
		  struct vd_err *reterr)
{
	struct vd_err err = {0};
	int r = 0;

	if (hn_is_kernel(n))
		r = hn_dress(h, n, &err);
	else
		hn_undress(n);
	if (!r)
		r = serve(h, m, n, &err);
	if (!r) {
		r = hn_log_update(h, n);
		if (r)
			vd_err_set(&err, r, VD_E_SYSTEM, NULL, NULL, "cannot log: %s",
				   strerror(-r));
	}
	hn_note(h, n);
	n->fault = err;
	if (!r)
		return 0;
	vd_log(LOG_WARNING, "nat", n->conf.name, "%s", err.message);
	/* what was broken before must not stop a change of something else */
	if (start || !n->changed)
		return 0;
	if (reterr)
		*reterr = err;
	return r;
}

int vsw_hostnat_apply(struct vsw_hostnat *h, const struct vsw_model *m, bool start,
		      struct vd_err *reterr)
{
	struct vd_err err = {0};
	int r;

	if (start)
		hn_clean_left(h, m);
	r = carry_out(h, m, start, &err);
	if (r && start) {
		vd_log(LOG_ERR, "nat", NULL, "%s; it will be tried again", err.message);
		for (unsigned int i = 0; i < h->n_nets; i++)
			h->nets[i]->fault = err;
		r = 0;
	}
	for (unsigned int i = h->n_nets; !r && i-- > 0;)
		if (!h->nets[i]->wanted)
			let_go(h, h->nets[i], false);
	for (unsigned int i = 0; !r && i < h->n_nets; i++)
		r = settle(h, m, h->nets[i], start, &err);
	if (r && reterr)
		*reterr = err;
	hn_log_settle(h);
	if (h->n_nets)
		hn_look_soon(h, 1000);
	return r;
}

void hn_repair(struct vsw_hostnat *h, struct hn_net *n)
{
	struct nat_nft_net net;
	struct vd_err err = {0};
	int r = 0;

	if (hn_is_kernel(n)) {
		r = need_nft(h, &err);
		if (!r && !nat_nft_intact(h->nft, n->conf.name)) {
			hn_describe(h, n, &net);
			r = nat_nft_apply(h->nft, &net, 1, NULL, 0, &err);
			n->n_rewritten += n->in_kernel;
			if (n->in_kernel)
				vd_log(LOG_WARNING, "nat", n->conf.name,
				       "somebody changed its rules: they are back");
			n->in_kernel = !r;
		}
		if (!r)
			r = hn_dress(h, n, &err);
	}
	if (r && strcmp(err.message, n->fault.message))
		vd_log(LOG_WARNING, "nat", n->conf.name, "%s", err.message);
	n->fault = err;
	if (n->services)
		vsw_services_refresh(n->services);
}

void vsw_hostnat_destroy(struct vsw_hostnat *h)
{
	struct nat_nft_gone gone[NAT_NETWORKS_MAX];
	unsigned int n_gone = 0;

	if (!h)
		return;
	hn_unwatch(h);
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (h->nets[i]->in_kernel) {
			memcpy(gone[n_gone].name, h->nets[i]->conf.name, sizeof(gone[0].name));
			memcpy(gone[n_gone++].uuid, h->nets[i]->conf.uuid, sizeof(gone[0].uuid));
		}
	if (n_gone)
		nat_nft_apply(h->nft, NULL, 0, gone, n_gone, NULL);
	while (h->n_nets)
		let_go(h, h->nets[h->n_nets - 1], true);
	hn_log_settle(h);
	nat_nft_close(h->nft);
	free(h);
}

/* ---- what is ---- */

bool vsw_hostnat_owns(const struct vsw_hostnat *h, const struct nat_conf *c, uint32_t mark,
		      bool from)
{
	const struct hn_net *n = find(h, c->uuid);
	uint32_t number = from ? mark >> 16 & 0xff : mark >> 8 & 0xff;

	if (mark >> 24 != NAT_MARK_TO(0) >> 24)
		number = 0;
	return n && number == (uint32_t)(n->slot + 1);
}

json_t *vsw_hostnat_status(struct vsw_hostnat *h, const struct nat_conf *c)
{
	const struct hn_net *n = find(h, c->uuid);
	char table[NAT_NFT_NAME_SIZE + 16];
	json_t *j;

	if (!n)
		return json_pack("{s:s}", "state", "inactive");
	j = json_pack("{s:s}", "state", n->fault.code ? "faulty" : "active");
	if (n->fault.code)
		json_object_set_new(j, "fault", vd_err_to_json(&n->fault));
	if (hn_is_kernel(n)) {
		snprintf(table, sizeof(table), "viridian-%s", n->conf.name);
		json_object_set_new(j, "table", json_string(table));
		json_object_set_new(j, "table_protected",
				    json_boolean(h->nft && nat_nft_owned(h->nft)));
		json_object_set_new(j, "table_rewritten", json_integer(n->n_rewritten));
		json_object_set_new(j, "interface", json_string(n->ifname));
		if (n->slot >= 0)
			json_object_set_new(
				j, "mark",
				json_sprintf("0x%x", APART_MARK + (unsigned int)n->slot));
		json_object_set_new(j, "sysctls", hn_sysctls(n));
	}
	if (n->services)
		json_object_set_new(j, "services", vsw_services_status(n->services));
	return j;
}

json_t *vsw_hostnat_leases(struct vsw_hostnat *h, const struct nat_conf *c)
{
	const struct hn_net *n = find(h, c->uuid);

	return n && n->services ? vsw_services_leases(n->services) : json_array();
}
