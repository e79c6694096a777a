/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON to NAT network. The object is read into a copy, which replaces the caller's when it fits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_conf.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static int bad(const struct vd_read *rd, const char *key, const char *value, const char *want,
	       const char *hint)
{
	char path[VD_PATH_SIZE];

	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
				     vd_read_path(rd, key, path, sizeof(path)), hint,
				     "%s \"%.60s\" is not %s", key, value, want));
}

static int no_memory(const struct vd_read *rd)
{
	return vd_err_set(rd->e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* ---- values; 1 when there, 0 when absent, -EINVAL ---- */

static int get_addr(const struct vd_read *rd, const char *key, uint32_t *ret)
{
	const char *s = NULL;
	int r;

	if (json_is_null(json_object_get(rd->j, key))) {
		*ret = 0;
		return 1;
	}
	r = vd_read_text(rd, key, &s);
	if (r <= 0)
		return r;
	if (nat_addr_parse(s, ret))
		return bad(rd, key, s, "an IPv4 address", "write it as 192.0.2.1");
	return 1;
}

static int get_prefix(const struct vd_read *rd, const char *key, struct nat_prefix *ret)
{
	const char *s = NULL;
	struct nat_prefix p;
	int r;

	if (json_is_null(json_object_get(rd->j, key))) {
		*ret = (struct nat_prefix){0};
		return 1;
	}
	r = vd_read_text(rd, key, &s);
	if (r <= 0)
		return r;
	if (nat_prefix_parse(s, &p))
		return bad(rd, key, s, "an IPv4 prefix", "write it as 192.0.2.0/24");
	*ret = (struct nat_prefix){nat_prefix_first(p), p.len};
	return 1;
}

/* A text without control characters; a file name begins with '/'. */
static int get_line(const struct vd_read *rd, const char *key, const char *want, char *ret,
		    size_t size)
{
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	if (strlen(s) >= size)
		return bad(rd, key, s, want, "it is too long");
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return bad(rd, key, s, want, "it has a control character");
	snprintf(ret, size, "%s", s);
	return 1;
}

static bool is_host_name(const char *s, bool dots)
{
	size_t label = 0;

	for (const char *p = s; *p; p++) {
		bool alnum = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			     (*p >= '0' && *p <= '9');

		if (*p == '.' && dots && label && p[1]) {
			label = 0;
			continue;
		}
		if (!alnum && (*p != '-' || label == 0 || p[1] == '\0' || p[1] == '.'))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0;
}

static int get_host_name(const struct vd_read *rd, const char *key, bool dots, char *ret,
			 size_t size)
{
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r <= 0)
		return r;
	if (s[0] && (strlen(s) >= size || !is_host_name(s, dots)))
		return bad(rd, key, s, dots ? "a domain name" : "a host name",
			   "letters, digits and '-', up to 63 in a label");
	snprintf(ret, size, "%s", s);
	return 1;
}

static int get_addrs(const struct vd_read *rd, const char *key, uint32_t *ret, unsigned int *n)
{
	json_t *list, *j;
	size_t i;
	int r = vd_read_list(rd, key, NAT_SERVERS_MAX, &list);

	if (r <= 0)
		return r;
	json_array_foreach (list, i, j) {
		const char *s = json_string_value(j);

		if (!s || nat_addr_parse(s, &ret[i]) || !nat_addr_usable(ret[i]))
			return vd_read_at_item(rd, list, i,
					       bad(rd, key, s ? s : "", "the address of a server",
						   "write it as 192.0.2.1"));
	}
	*n = (unsigned int)json_array_size(list);
	return 1;
}

static int get_small(const struct vd_read *rd, const char *key, unsigned int max, uint16_t *ret)
{
	uint32_t n = 0;
	int r = vd_read_int(rd, key, 0, max, VD_E_VALUE, &n);

	if (r > 0)
		*ret = (uint16_t)n;
	return r;
}

/* ---- lists: a new array replaces the old one ---- */

/*
 * Read list @key: @one reads an item into @size bytes. *@array is what @io had: it is never freed
 * here, since the caller may still need it. Returns 1 when the list was there.
 */
static int get_items(const struct vd_read *rd, const char *key, size_t max, size_t size,
		     int (*one)(const struct vd_read *list, const char *key, json_t *item,
				void *ret),
		     void **array, unsigned int *n)
{
	json_t *list, *j;
	char *items;
	size_t i;
	int r = vd_read_list(rd, key, max, &list);

	if (r <= 0)
		return r;
	items = calloc(json_array_size(list) + 1, size);
	if (!items)
		return no_memory(rd);
	json_array_foreach (list, i, j) {
		r = one(rd, key, j, items + i * size);
		if (r < 0) {
			free(items);
			return vd_read_at_item(rd, list, i, r);
		}
	}
	*array = items;
	*n = (unsigned int)json_array_size(list);
	return 1;
}

int nat_external_parse(const char *text, struct nat_external *ret)
{
	struct nat_external x = {.port_first = NAT_PORT_MIN, .port_last = UINT16_MAX};
	const char *colon = strchr(text, ':');
	char range[NAT_RANGE_STR_SIZE];

	if ((size_t)(colon ? colon - text : (ptrdiff_t)strlen(text)) >= sizeof(range))
		return -EINVAL;
	snprintf(range, sizeof(range), "%.*s", colon ? (int)(colon - text) : (int)strlen(text),
		 text);
	if (nat_range_parse(range, &x.first, &x.last) ||
	    (colon && nat_ports_parse(colon + 1, &x.port_first, &x.port_last)))
		return -EINVAL;
	*ret = x;
	return 0;
}

static int read_external(const struct vd_read *rd, const char *key, json_t *item, void *ret)
{
	const char *s = json_string_value(item);

	if (!s || nat_external_parse(s, ret))
		return bad(rd, key, s ? s : "", "an address or range of addresses",
			   "write 203.0.113.5, 203.0.113.5-203.0.113.8 or 203.0.113.5:2000-2999");
	return 0;
}

static int read_exception(const struct vd_read *rd, const char *key, json_t *item, void *ret)
{
	const char *s = json_string_value(item);
	struct nat_prefix p;

	if (!s || nat_prefix_parse(s, &p))
		return bad(rd, key, s ? s : "", "an IPv4 prefix", "write it as 10.0.0.0/8");
	*(struct nat_prefix *)ret = (struct nat_prefix){nat_prefix_first(p), p.len};
	return 0;
}

static int get_endpoint(const struct vd_read *rd, const char *key, uint32_t *addr, uint16_t *first,
			uint16_t *last)
{
	const char *s = NULL;
	char number[24];
	json_t *v = json_object_get(rd->j, key);
	int r = 1;

	if (json_is_integer(v)) {
		/* "outside: 8080" */
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		s = number;
	} else {
		r = vd_read_text(rd, key, &s);
	}
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(rd, key);
	if (nat_endpoint_parse(s, addr, first, last))
		return bad(rd, key, s, "an address with port",
			   "write 8080, 203.0.113.5:8080 or 203.0.113.5:8000-8010");
	return 1;
}

/* A map whose ports do not fit together. */
static int bad_map(const struct vd_read *rd, const char *key, const char *hint, const char *what)
{
	char path[VD_PATH_SIZE];

	return vd_read_at(rd, key,
			  vd_err_set(rd->e, -EINVAL, VD_E_VALUE,
				     vd_read_path(rd, key, path, sizeof(path)), hint, "%s", what));
}

static int read_map(const struct vd_read *rd, void *ret)
{
	struct nat_map *m = ret;
	static const char *const keys[] = {"protocol", "outside", "inside", "remote"};
	static const char *const protocols[] = {"tcp", "udp"};
	unsigned int protocol = 0;
	uint16_t last = 0;
	int r = vd_read_keys(rd, keys, N(keys));

	if (r == 0)
		r = vd_read_choice(rd, "protocol", protocols, N(protocols), &protocol);
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(rd, "protocol");
	m->protocol = protocol ? NAT_UDP : NAT_TCP;
	r = get_endpoint(rd, "outside", &m->outside, &m->port_first, &m->port_last);
	if (r > 0)
		r = get_endpoint(rd, "inside", &m->inside, &m->inside_port, &last);
	if (r > 0)
		r = get_prefix(rd, "remote", &m->remote);
	if (r < 0)
		return r;
	if (!m->port_first)
		return bad_map(rd, "outside", "one_to_one maps all ports",
			       "the outside end of the map has no port");
	if (!m->inside)
		return bad_map(rd, "inside", "write it as 192.168.100.10:80",
			       "the inside end of the map has no address");
	if (!m->inside_port) {
		m->inside_port = m->port_first;
		last = m->port_last;
	}
	if (last != m->inside_port && last - m->inside_port != m->port_last - m->port_first)
		return bad_map(rd, "inside", "give only the first inside port",
			       "the map has not as many ports inside as outside");
	if (m->inside_port + (m->port_last - m->port_first) > UINT16_MAX)
		return bad_map(rd, "inside", "begin lower, or map fewer ports",
			       "the last inside port of the map would be above 65535");
	return 0;
}

/* ---- objects that are also added one by one ---- */

typedef int read_fn(const struct vd_read *rd, void *ret);

/* @j into the @size bytes of @ret, which stay as they are when it is refused. */
static int from_json(json_t *j, const char *kind, read_fn *read_it, void *ret, size_t size,
		     struct vd_err *reterr)
{
	union {
		struct nat_map map;
		struct nat_reservation reservation;
	} new = {0};
	struct vd_read rd;
	int r = vd_read_object(&rd, j, NULL, kind, NULL, reterr);

	if (r == 0)
		r = read_it(&rd, &new);
	if (r == 0)
		memcpy(ret, &new, size);
	return r;
}

int nat_map_from_json(json_t *j, struct nat_map *ret, struct vd_err *reterr)
{
	return from_json(j, "map", read_map, ret, sizeof(*ret), reterr);
}

static int read_item(const struct vd_read *list, const char *key, json_t *item, read_fn *read_it,
		     void *ret)
{
	struct vd_read rd;
	int r = vd_read_item(list, key, item, &rd);

	return r ? r : read_it(&rd, ret);
}

static int read_map_item(const struct vd_read *list, const char *key, json_t *item, void *ret)
{
	return read_item(list, key, item, read_map, ret);
}

static int read_pair(const struct vd_read *list, const char *key, json_t *item, void *ret)
{
	static const char *const keys[] = {"outside", "inside"};
	struct nat_pair *p = ret;
	struct vd_read rd;
	int r = vd_read_item(list, key, item, &rd);

	if (r == 0)
		r = vd_read_keys(&rd, keys, N(keys));
	if (r == 0)
		r = get_addr(&rd, "outside", &p->outside);
	if (r > 0)
		r = get_addr(&rd, "inside", &p->inside);
	if (r < 0)
		return r;
	if (!p->outside || !p->inside)
		return vd_read_missing(&rd, p->outside ? "inside" : "outside");
	return 0;
}

static int read_reservation(const struct vd_read *rd, void *ret)
{
	struct nat_reservation *v = ret;
	static const char *const keys[] = {"mac", "address", "name"};
	int r = vd_read_keys(rd, keys, N(keys));

	if (r == 0)
		r = vd_read_mac(rd, &v->mac);
	if (r <= 0)
		return r < 0 ? r : vd_read_missing(rd, "mac");
	r = get_addr(rd, "address", &v->address);
	if (r >= 0)
		r = get_host_name(rd, "name", false, v->name, sizeof(v->name));
	if (r >= 0 && !v->address && !v->name[0])
		return vd_read_missing(rd, "address");
	return r < 0 ? r : 0;
}

int nat_reservation_from_json(json_t *j, struct nat_reservation *ret, struct vd_err *reterr)
{
	return from_json(j, "reservation", read_reservation, ret, sizeof(*ret), reterr);
}

static int read_reservation_item(const struct vd_read *list, const char *key, json_t *item,
				 void *ret)
{
	return read_item(list, key, item, read_reservation, ret);
}

/* ---- inner objects ---- */

/* The object behind @key, which may have these keys: 1 when there, 0, -EINVAL. */
static int open_inner(const struct vd_read *rd, const char *key, const char *const *keys, size_t n,
		      struct vd_read *ret)
{
	int r = vd_read_inner(rd, key, ret);

	if (r > 0 && vd_read_keys(ret, keys, n) < 0)
		r = -EINVAL;
	return r;
}

struct number_key {
	const char *key;
	size_t offset; /* of a uint32_t */
	unsigned int min, max;
};

static int read_numbers(const struct vd_read *rd, const char *key, const struct number_key *numbers,
			size_t n, void *ret)
{
	const char *keys[16];
	struct vd_read in;
	int r;

	for (size_t i = 0; i < n; i++)
		keys[i] = numbers[i].key;
	r = open_inner(rd, key, keys, n, &in);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < n && r >= 0; i++)
		r = vd_read_int(&in, numbers[i].key, numbers[i].min, numbers[i].max, VD_E_VALUE,
				(uint32_t *)(void *)((char *)ret + numbers[i].offset));
	return r < 0 ? r : 0;
}

static int read_timeouts(const struct vd_read *rd, struct nat_timeouts *t)
{
#define TIMEOUT(member, min, max)                                        \
	{                                                                \
#member, offsetof(struct nat_timeouts, member), min, max \
	}
	static const struct number_key numbers[] = {
		TIMEOUT(udp_s, 1, 86400),
		TIMEOUT(udp_dns_s, 1, 86400),
		TIMEOUT(tcp_established_s, 1, 864000),
		TIMEOUT(tcp_opening_s, 1, 86400),
		TIMEOUT(tcp_closing_s, 1, 86400),
		TIMEOUT(icmp_s, 1, 86400),
		TIMEOUT(other_s, 1, 86400),
		TIMEOUT(port_hold_s, 0, 3600),
		TIMEOUT(fragment_s, 1, 60),
	};
#undef TIMEOUT
	return read_numbers(rd, "timeouts", numbers, N(numbers), t);
}

static int read_limits(const struct vd_read *rd, struct nat_limits *l)
{
#define LIMIT(member, min, max)                                        \
	{                                                              \
#member, offsetof(struct nat_limits, member), min, max \
	}
	static const struct number_key numbers[] = {
		LIMIT(ports, 0, 65535),
		LIMIT(mappings, 0, 1u << 24),
		LIMIT(sessions, 0, 1u << 24),
		LIMIT(sessions_per_s, 0, 10000000),
		LIMIT(total_sessions, 64, 1u << 26),
	};
#undef LIMIT
	return read_numbers(rd, "limits", numbers, N(numbers), l);
}

static int read_blocks(const struct vd_read *rd, struct nat_blocks *b)
{
	static const char *const keys[] = {"size", "max", "deterministic"};
	struct vd_read in;
	int r = open_inner(rd, "blocks", keys, N(keys), &in);

	if (r <= 0)
		return r;
	if (r >= 0)
		r = get_small(&in, "size", 4096, &b->size);
	if (r >= 0)
		r = get_small(&in, "max", 1024, &b->max);
	if (r >= 0)
		r = vd_read_bool(&in, "deterministic", &b->deterministic);
	return r < 0 ? r : 0;
}

static int read_filtering(const struct vd_read *rd, struct nat_conf *c)
{
	static const char *const keys[] = {"udp", "tcp"};
	unsigned int udp = c->filter_udp, tcp = c->filter_tcp;
	struct vd_read in;
	int r = open_inner(rd, "filtering", keys, N(keys), &in);

	if (r <= 0)
		return r;
	if (r >= 0)
		r = vd_read_choice(&in, "udp", nat_filtering_text, NAT_N_FILTERINGS, &udp);
	if (r >= 0)
		r = vd_read_choice(&in, "tcp", nat_filtering_text, NAT_N_FILTERINGS, &tcp);
	c->filter_udp = (enum nat_filtering)udp;
	c->filter_tcp = (enum nat_filtering)tcp;
	return r < 0 ? r : 0;
}

static int read_dhcp(const struct vd_read *rd, struct nat_dhcp *d)
{
	static const char *const keys[] = {"enabled", "range", "server", "lease_s", "dns"};
	const char *range = NULL;
	struct vd_read in;
	int r = open_inner(rd, "dhcp", keys, N(keys), &in);

	if (r <= 0)
		return r;
	if (r >= 0)
		r = vd_read_bool(&in, "enabled", &d->enabled);
	if (r >= 0)
		r = vd_read_text(&in, "range", &range);
	if (r > 0 && nat_range_parse(range, &d->first, &d->last))
		return bad(&in, "range", range, "a range of addresses",
			   "write it as 192.168.100.10-192.168.100.254");
	if (r >= 0)
		r = get_addr(&in, "server", &d->server);
	if (r >= 0)
		r = vd_read_int(&in, "lease_s", 120, 31536000, VD_E_VALUE, &d->lease_s);
	if (r >= 0)
		r = get_addrs(&in, "dns", d->dns, &d->n_dns);
	return r < 0 ? r : 0;
}

static int read_dns(const struct vd_read *rd, struct nat_dns *d)
{
	static const char *const keys[] = {"enabled", "domain", "upstream"};
	struct vd_read in;
	int r = open_inner(rd, "dns", keys, N(keys), &in);

	if (r <= 0)
		return r;
	if (r >= 0)
		r = vd_read_bool(&in, "enabled", &d->enabled);
	if (r >= 0)
		r = get_host_name(&in, "domain", true, d->domain, sizeof(d->domain));
	if (r >= 0)
		r = get_addrs(&in, "upstream", d->upstream, &d->n_upstream);
	return r < 0 ? r : 0;
}

static int read_collector(const struct vd_read *rd, struct nat_log *l)
{
	const char *s = NULL;
	uint16_t last;
	int r = vd_read_text(rd, "ipfix", &s);

	if (r <= 0)
		return r;
	l->ipfix = 0;
	l->ipfix_port = 0;
	if (!s[0])
		return 1;
	if (nat_endpoint_parse(s, &l->ipfix, &l->ipfix_port, &last) || !l->ipfix ||
	    last != l->ipfix_port)
		return bad(rd, "ipfix", s, "the address of a collector",
			   "write it as 192.0.2.9:4739");
	if (!l->ipfix_port)
		l->ipfix_port = 4739; /* IANA: ipfix */
	return 1;
}

static int read_log(const struct vd_read *rd, struct nat_log *l)
{
	static const char *const keys[] = {"what", "file", "ipfix", "destinations"};
	unsigned int what = l->what;
	struct vd_read in;
	int r = open_inner(rd, "log", keys, N(keys), &in);

	if (r <= 0)
		return r;
	if (r >= 0)
		r = vd_read_choice(&in, "what", nat_log_text, NAT_N_LOGS, &what);
	l->what = (enum nat_log_what)what;
	if (r >= 0)
		r = get_line(&in, "file", "a file name", l->file, sizeof(l->file));
	if (r >= 0 && l->file[0] && l->file[0] != '/')
		return bad(&in, "file", l->file, "an absolute file name", NULL);
	if (r >= 0)
		r = read_collector(&in, l);
	if (r >= 0)
		r = vd_read_bool(&in, "destinations", &l->destinations);
	return r < 0 ? r : 0;
}

/* ---- the network ---- */

/* What follows from the prefix, unless it is given. */
static void defaults_of_prefix(struct nat_conf *c)
{
	uint32_t first = nat_prefix_first(c->prefix), last = nat_prefix_last(c->prefix);

	c->gateway = first + 1;
	c->dhcp.server = first + 2;
	c->dhcp.first = first + (c->prefix.len <= 26 ? 10 : 3);
	c->dhcp.last = last - 1;
}

static void defaults(struct nat_conf *c)
{
	*c = (struct nat_conf){
		.active = true,
		.hairpin = true,
		.mss_clamp = true,
		.dhcp = {.enabled = true, .lease_s = 3600},
		.dns = {.enabled = true},
		.limits = {.total_sessions = 1048576},
		.blocks = {.max = 8},
	};
	nat_conf_profile(c);
}

static int read_identity(const struct vd_read *rd, bool patch, struct nat_conf *c)
{
	unsigned int backend = c->backend, profile = c->profile;
	struct nat_prefix old = c->prefix;
	int r = vd_read_name(rd, "name", c->name, sizeof(c->name));

	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "name");
	r = vd_read_uuid(rd, c->uuid);
	if (r < 0)
		return r;
	r = get_prefix(rd, "prefix", &c->prefix);
	if (r < 0 || (r == 0 && !patch))
		return r < 0 ? r : vd_read_missing(rd, "prefix");
	if (old.addr != c->prefix.addr || old.len != c->prefix.len)
		defaults_of_prefix(c);
	if (!patch) {
		snprintf(c->sw, sizeof(c->sw), "%s", c->name);
		snprintf(c->dns.domain, sizeof(c->dns.domain), "%.63s.internal", c->name);
		for (char *p = c->dns.domain; *p; p++)
			*p = *p == '_' ? '-' : *p;
		if (!is_host_name(c->dns.domain, true)) /* a name may end in '-' or '.' */
			snprintf(c->dns.domain, sizeof(c->dns.domain), "nat.internal");
	}
	r = vd_read_name(rd, "switch", c->sw, sizeof(c->sw));
	if (r >= 0)
		r = vd_read_bool(rd, "owns_switch", &c->owns_switch);
	if (r >= 0)
		r = vd_read_choice(rd, "backend", nat_backend_text, NAT_N_BACKENDS, &backend);
	if (r >= 0)
		r = vd_read_bool(rd, "active", &c->active);
	if (r >= 0)
		r = vd_read_choice(rd, "profile", nat_profile_text, NAT_N_PROFILES, &profile);
	if (r < 0)
		return r;
	c->backend = (enum nat_backend)backend;
	if (profile != c->profile) {
		c->profile = (enum nat_profile)profile;
		nat_conf_profile(c);
	}
	return 0;
}

static int read_outside(const struct vd_read *rd, struct nat_conf *c)
{
	void *array = c->external;
	int r = get_items(rd, "external", NAT_EXTERNALS_MAX, sizeof(*c->external), read_external,
			  &array, &c->n_external);

	c->external = array;
	if (r >= 0 && json_is_null(json_object_get(rd->j, "via")))
		c->via[0] = '\0';
	else if (r >= 0)
		r = vd_read_name(rd, "via", c->via, sizeof(c->via));
	if (r >= 0)
		r = get_small(rd, "vlan", 4094, &c->vlan);
	if (r >= 0)
		r = get_prefix(rd, "external_prefix", &c->external_prefix);
	if (r >= 0)
		r = get_addr(rd, "next_hop", &c->next_hop);
	if (r >= 0 && c->backend == NAT_BACKEND_DATAPLANE && !c->external_prefix.len &&
	    c->n_external)
		c->external_prefix = (struct nat_prefix){c->external[0].first & nat_mask(24), 24};
	return r < 0 ? r : 0;
}

static int read_behaviour(const struct vd_read *rd, struct nat_conf *c)
{
	void *array = NULL;
	unsigned int n = 0;
	int r = read_filtering(rd, c);

	if (r >= 0)
		r = vd_read_bool(rd, "udp_inbound_refresh", &c->udp_inbound_refresh);
	if (r >= 0)
		r = vd_read_bool(rd, "hairpin", &c->hairpin);
	if (r >= 0)
		r = vd_read_bool(rd, "mss_clamp", &c->mss_clamp);
	if (r >= 0)
		r = get_items(rd, "no_translate", NAT_EXCEPTIONS_MAX, sizeof(c->no_translate[0]),
			      read_exception, &array, &n);
	if (r > 0) {
		memcpy(c->no_translate, array, n * sizeof(c->no_translate[0]));
		c->n_no_translate = n;
	}
	free(array);
	return r < 0 ? r : 0;
}

static int read_lists(const struct vd_read *rd, struct nat_conf *c)
{
	void *maps = c->maps, *pairs = c->pairs, *reservations = c->reservations;
	int r = get_items(rd, "maps", NAT_MAPS_MAX, sizeof(*c->maps), read_map_item, &maps,
			  &c->n_maps);

	if (r >= 0)
		r = get_items(rd, "one_to_one", NAT_PAIRS_MAX, sizeof(*c->pairs), read_pair, &pairs,
			      &c->n_pairs);
	if (r >= 0)
		r = get_items(rd, "reservations", NAT_RESERVATIONS_MAX, sizeof(*c->reservations),
			      read_reservation_item, &reservations, &c->n_reservations);
	c->maps = maps;
	c->pairs = pairs;
	c->reservations = reservations;
	return r < 0 ? r : 0;
}

static int read_nat(const struct vd_read *rd, bool patch, struct nat_conf *c)
{
	static const char *const keys[] = {
		"owns_switch",     "name",      "uuid",         "prefix",
		"gateway",         "switch",    "backend",      "active",
		"profile",         "external",  "via",          "vlan",
		"external_prefix", "next_hop",  "filtering",    "udp_inbound_refresh",
		"hairpin",         "mss_clamp", "no_translate", "maps",
		"one_to_one",      "dhcp",      "dns",          "reservations",
		"limits",          "blocks",    "timeouts",     "log",
	};
	int r = vd_read_keys(rd, keys, N(keys));

	if (r >= 0)
		r = read_identity(rd, patch, c);
	if (r >= 0)
		r = get_addr(rd, "gateway", &c->gateway);
	if (r > 0 && !json_object_get(json_object_get(rd->j, "dhcp"), "server") &&
	    c->dhcp.server == c->gateway)
		c->dhcp.server = nat_prefix_first(c->prefix) + 1;
	if (r >= 0)
		r = read_outside(rd, c);
	if (r >= 0)
		r = read_behaviour(rd, c);
	if (r >= 0)
		r = read_dhcp(rd, &c->dhcp);
	if (r >= 0)
		r = read_dns(rd, &c->dns);
	if (r >= 0)
		r = read_limits(rd, &c->limits);
	if (r >= 0)
		r = read_blocks(rd, &c->blocks);
	if (r >= 0)
		r = read_timeouts(rd, &c->timeouts);
	if (r >= 0)
		r = read_log(rd, &c->log);
	return r < 0 ? r : read_lists(rd, c);
}

/* Free those arrays of @c that are not @other's. */
static void free_own(struct nat_conf *c, const struct nat_conf *other)
{
	if (c->external != other->external)
		free(c->external);
	if (c->maps != other->maps)
		free(c->maps);
	if (c->pairs != other->pairs)
		free(c->pairs);
	if (c->reservations != other->reservations)
		free(c->reservations);
}

int nat_conf_from_json(json_t *j, const struct vd_doc *doc, bool patch, struct nat_conf *io,
		       struct vd_err *reterr)
{
	static const struct nat_conf nothing;
	const struct nat_conf *old = patch ? io : &nothing;
	struct nat_conf c;
	const char *key = NULL;
	struct vd_read rd;
	int r = vd_read_object(&rd, j, doc, "nat", patch ? io->name : NULL, reterr);

	if (r < 0)
		return r;
	if (patch)
		c = *io;
	else
		defaults(&c);
	r = read_nat(&rd, patch, &c);
	if (r >= 0) {
		r = nat_conf_check(&c, &key, reterr);
		if (r < 0)
			vd_read_at(&rd, key, r);
	}
	if (r < 0) {
		free_own(&c, old);
		return r;
	}
	if (patch)
		free_own(io, &c);
	*io = c;
	return 0;
}
