/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT networks as data: ownership, profiles, and their JSON form written. Reading: nat_conf_read.c. */
#include "nat/nat_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

const char *const nat_backend_text[NAT_N_BACKENDS] = {"kernel", "dataplane"};
const char *const nat_profile_text[NAT_N_PROFILES] = {"rfc", "winnat", "dense"};
const char *const nat_filtering_text[NAT_N_FILTERINGS] = {"endpoint", "address", "address-port"};
const char *const nat_log_text[NAT_N_LOGS] = {"off", "sessions", "blocks"};

void nat_conf_done(struct nat_conf *c)
{
	free(c->external);
	free(c->maps);
	free(c->pairs);
	free(c->reservations);
	memset(c, 0, sizeof(*c));
}

/* Replace *@p by a copy of what it points to; NULL after lack of memory, then *@failed. */
static void own(void *p, size_t n, size_t size, bool *failed)
{
	void *copy = n && !*failed ? calloc(n, size) : NULL;
	void *from;

	memcpy(&from, p, sizeof(from));
	if (copy)
		memcpy(copy, from, n * size);
	else if (n)
		*failed = true;
	memcpy(p, &copy, sizeof(copy));
}

int nat_conf_copy(const struct nat_conf *from, struct nat_conf *ret)
{
	struct nat_conf c = *from;
	bool failed = false;

	own(&c.external, c.n_external, sizeof(*c.external), &failed);
	own(&c.maps, c.n_maps, sizeof(*c.maps), &failed);
	own(&c.pairs, c.n_pairs, sizeof(*c.pairs), &failed);
	own(&c.reservations, c.n_reservations, sizeof(*c.reservations), &failed);
	if (failed) {
		nat_conf_done(&c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void nat_conf_profile(struct nat_conf *c)
{
	static const struct nat_timeouts rfc = {.udp_s = 300,
						.udp_dns_s = 30,
						.tcp_established_s = 7440,
						.tcp_opening_s = 240,
						.tcp_closing_s = 240,
						.icmp_s = 60,
						.other_s = 600,
						.port_hold_s = 120,
						.fragment_s = 10};

	c->timeouts = rfc;
	c->filter_udp = c->filter_tcp = NAT_FILTER_ADDRESS;
	c->udp_inbound_refresh = false;
	if (c->profile == NAT_PROFILE_WINNAT) {
		c->timeouts.udp_s = c->timeouts.udp_dns_s = 120;
		c->timeouts.tcp_established_s = 1800;
		c->timeouts.tcp_opening_s = c->timeouts.tcp_closing_s = 120;
		c->timeouts.icmp_s = 30;
	} else if (c->profile == NAT_PROFILE_DENSE) {
		c->filter_udp = c->filter_tcp = NAT_FILTER_ADDRESS_PORT;
	}
}

const char *nat_external_format(const struct nat_external *x, char buf[NAT_EXTERNAL_STR_SIZE])
{
	char range[NAT_RANGE_STR_SIZE], ports[16] = "";

	if (x->port_first != NAT_PORT_MIN || x->port_last != UINT16_MAX)
		snprintf(ports, sizeof(ports), ":%u-%u", x->port_first, x->port_last);
	snprintf(buf, NAT_EXTERNAL_STR_SIZE, "%s%s", nat_range_format(x->first, x->last, range),
		 ports);
	return buf;
}

/* ---- JSON; every function returns NULL after lack of memory and drops what it was given ---- */

static json_t *put(json_t *j, const char *key, json_t *value)
{
	if (j && json_object_set_new(j, key, value) == 0)
		return j;
	if (!j)
		json_decref(value);
	json_decref(j);
	return NULL;
}

static json_t *append(json_t *array, json_t *value)
{
	if (array && json_array_append_new(array, value) == 0)
		return array;
	if (!array)
		json_decref(value);
	json_decref(array);
	return NULL;
}

static json_t *addr_json(uint32_t addr)
{
	char buf[NAT_ADDR_STR_SIZE];

	return json_string(nat_addr_format(addr, buf));
}

static json_t *prefix_json(struct nat_prefix p)
{
	char buf[NAT_PREFIX_STR_SIZE];

	return json_string(nat_prefix_format(p, buf));
}

static json_t *put_addr(json_t *j, const char *key, uint32_t addr)
{
	return addr ? put(j, key, addr_json(addr)) : j;
}

static json_t *addrs_json(const uint32_t *addrs, unsigned int n)
{
	json_t *a = json_array();

	for (unsigned int i = 0; i < n; i++)
		a = append(a, addr_json(addrs[i]));
	return a;
}

json_t *nat_map_to_json(const struct nat_map *m)
{
	char buf[NAT_ENDPOINT_STR_SIZE];
	uint16_t last = (uint16_t)(m->inside_port + (m->port_last - m->port_first));
	json_t *j =
		put(json_object(), "protocol", json_string(m->protocol == NAT_TCP ? "tcp" : "udp"));

	j = put(j, "outside",
		json_string(nat_endpoint_format(m->outside, m->port_first, m->port_last, buf)));
	j = put(j, "inside",
		json_string(nat_endpoint_format(m->inside, m->inside_port, last, buf)));
	return m->remote.len ? put(j, "remote", prefix_json(m->remote)) : j;
}

json_t *nat_reservation_to_json(const struct nat_reservation *r)
{
	char mac[VD_MAC_STR_SIZE];
	json_t *j = put(json_object(), "mac", json_string(vd_mac_format(&r->mac, mac)));

	j = put_addr(j, "address", r->address);
	return r->name[0] ? put(j, "name", json_string(r->name)) : j;
}

static json_t *timeouts_json(const struct nat_timeouts *t)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "udp_s",
			 (json_int_t)t->udp_s, "udp_dns_s", (json_int_t)t->udp_dns_s,
			 "tcp_established_s", (json_int_t)t->tcp_established_s, "tcp_opening_s",
			 (json_int_t)t->tcp_opening_s, "tcp_closing_s",
			 (json_int_t)t->tcp_closing_s, "icmp_s", (json_int_t)t->icmp_s, "other_s",
			 (json_int_t)t->other_s, "port_hold_s", (json_int_t)t->port_hold_s,
			 "fragment_s", (json_int_t)t->fragment_s);
}

static json_t *limits_json(const struct nat_limits *l)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "ports", (json_int_t)l->ports, "mappings",
			 (json_int_t)l->mappings, "sessions", (json_int_t)l->sessions,
			 "sessions_per_s", (json_int_t)l->sessions_per_s, "total_sessions",
			 (json_int_t)l->total_sessions);
}

static json_t *dhcp_json(const struct nat_dhcp *d)
{
	char range[NAT_RANGE_STR_SIZE];
	json_t *j = put(json_object(), "enabled", json_boolean(d->enabled));

	j = put(j, "range", json_string(nat_range_format(d->first, d->last, range)));
	j = put(j, "server", addr_json(d->server));
	j = put(j, "lease_s", json_integer(d->lease_s));
	return put(j, "dns", addrs_json(d->dns, d->n_dns));
}

static json_t *dns_json(const struct nat_dns *d)
{
	json_t *j = put(json_object(), "enabled", json_boolean(d->enabled));

	j = put(j, "domain", json_string(d->domain));
	return put(j, "upstream", addrs_json(d->upstream, d->n_upstream));
}

static json_t *log_json(const struct nat_log *l)
{
	char buf[NAT_ENDPOINT_STR_SIZE];
	json_t *j = put(json_object(), "what", json_string(nat_log_text[l->what]));

	j = put(j, "file", json_string(l->file));
	j = put(j, "ipfix",
		json_string(
			l->ipfix ? nat_endpoint_format(l->ipfix, l->ipfix_port, l->ipfix_port, buf)
				 : ""));
	return put(j, "destinations", json_boolean(l->destinations));
}

static json_t *put_identity(json_t *j, const struct nat_conf *c)
{
	j = put(j, "name", json_string(c->name));
	if (c->uuid[0])
		j = put(j, "uuid", json_string(c->uuid));
	j = put(j, "prefix", prefix_json(c->prefix));
	j = put(j, "gateway", addr_json(c->gateway));
	j = put(j, "switch", json_string(c->sw));
	j = put(j, "owns_switch", json_boolean(c->owns_switch));
	j = put(j, "backend", json_string(nat_backend_text[c->backend]));
	j = put(j, "active", json_boolean(c->active));
	return put(j, "profile", json_string(nat_profile_text[c->profile]));
}

static json_t *put_outside(json_t *j, const struct nat_conf *c)
{
	char buf[NAT_EXTERNAL_STR_SIZE];
	json_t *list = json_array();

	for (unsigned int i = 0; i < c->n_external; i++)
		list = append(list, json_string(nat_external_format(&c->external[i], buf)));
	j = put(j, "external", list);
	if (c->via[0])
		j = put(j, "via", json_string(c->via));
	if (c->vlan)
		j = put(j, "vlan", json_integer(c->vlan));
	if (c->external_prefix.len)
		j = put(j, "external_prefix", prefix_json(c->external_prefix));
	return put_addr(j, "next_hop", c->next_hop);
}

static json_t *put_behaviour(json_t *j, const struct nat_conf *c)
{
	json_t *list = json_array();

	j = put(j, "filtering",
		json_pack("{s:s, s:s}", "udp", nat_filtering_text[c->filter_udp], "tcp",
			  nat_filtering_text[c->filter_tcp]));
	j = put(j, "udp_inbound_refresh", json_boolean(c->udp_inbound_refresh));
	j = put(j, "hairpin", json_boolean(c->hairpin));
	j = put(j, "mss_clamp", json_boolean(c->mss_clamp));
	for (unsigned int i = 0; i < c->n_no_translate; i++)
		list = append(list, prefix_json(c->no_translate[i]));
	return put(j, "no_translate", list);
}

json_t *nat_conf_to_json(const struct nat_conf *c)
{
	json_t *j = put_identity(json_object(), c), *maps = json_array(), *pairs = json_array();
	json_t *reservations = json_array();

	j = put_outside(j, c);
	j = put_behaviour(j, c);
	for (unsigned int i = 0; i < c->n_maps; i++)
		maps = append(maps, nat_map_to_json(&c->maps[i]));
	j = put(j, "maps", maps);
	for (unsigned int i = 0; i < c->n_pairs; i++) {
		json_t *p = put(json_object(), "outside", addr_json(c->pairs[i].outside));

		pairs = append(pairs, put(p, "inside", addr_json(c->pairs[i].inside)));
	}
	j = put(j, "one_to_one", pairs);
	j = put(j, "dhcp", dhcp_json(&c->dhcp));
	j = put(j, "dns", dns_json(&c->dns));
	for (unsigned int i = 0; i < c->n_reservations; i++)
		reservations = append(reservations, nat_reservation_to_json(&c->reservations[i]));
	j = put(j, "reservations", reservations);
	j = put(j, "limits", limits_json(&c->limits));
	j = put(j, "blocks",
		json_pack("{s:i, s:i, s:b}", "size", c->blocks.size, "max", c->blocks.max,
			  "deterministic", c->blocks.deterministic));
	j = put(j, "timeouts", timeouts_json(&c->timeouts));
	return put(j, "log", log_json(&c->log));
}
