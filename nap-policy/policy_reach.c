/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON to policy, second half: what a restricted port may still reach, and who else is asked. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"
#include "nap-policy/policy_read.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define RADIUS_TIMEOUT_MS  2000u
#define RADIUS_TIMEOUT_MAX 30000u

static const char *const remediation_keys[] = {"groups", "default", "forensic", "resolvers"};
static const char *const target_keys[] = {"to", "name", "tcp", "udp", "ping", "initiate"};
static const char *const portal_keys[] = {"ipv4", "ipv6", "url"};
static const char *const radius_keys[] = {"server",    "port",    "coa_port", "secret_file",
					  "when_down", "timeout", "soh"};
static const char *const when_down_text[] = {"restricted", "last"};
static const char *const soh_text[] = {"raw", "wrapped"};

/* Away from 169.254.169.254, where guests look for their cloud's metadata. */
#define PORTAL_IPV4 "169.254.78.65"
#define PORTAL_IPV6 "fe80::4e41"

static bool is_dns_name(const char *s)
{
	size_t label = 0, len = strlen(s);

	if (len == 0 || len >= NAP_DNS_NAME_SIZE)
		return false;
	for (size_t i = 0; i <= len; i++) {
		bool alnum = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
			     (s[i] >= '0' && s[i] <= '9');

		if (s[i] == '.' || s[i] == '\0') {
			if (label == 0 || label > 63 || s[i - 1] == '-')
				return false;
			label = 0;
		} else if (alnum || (s[i] == '-' && label) || s[i] == '_') {
			label++;
		} else {
			return false;
		}
	}
	return true;
}

static int read_range(const struct vd_read *rd, const char *key, const json_t *v,
		      struct nap_port_range *ret)
{
	unsigned int first, last;
	char end, text[32];

	if (json_is_integer(v))
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(v));
	else
		snprintf(text, sizeof(text), "%.31s",
			 json_is_string(v) ? json_string_value(v) : "");
	if (strspn(text, "0123456789-") != strlen(text) || strlen(text) > 11)
		first = 0;
	else if (sscanf(text, "%u-%u%c", &first, &last, &end) != 2)
		first = last = sscanf(text, "%u%c", &first, &end) == 1 ? first : 0;
	if (first < 1 || first > 65535 || last < first || last > 65535)
		return nap_read_bad(rd, key, "write 443 or \"8000-8010\"",
				    "\"%s\" has something that is no port or range of ports", key);
	*ret = (struct nap_port_range){(uint16_t)first, (uint16_t)last};
	return 0;
}

static int read_ranges(const struct vd_read *rd, const char *key, struct nap_port_range *ret,
		       uint8_t *n)
{
	json_t *v = json_object_get(rd->j, key), *item;
	size_t i;
	int r = 0;

	*n = 0;
	if (!v)
		return 0;
	if (!json_is_array(v)) {
		*n = 1;
		return read_range(rd, key, v, &ret[0]);
	}
	if (json_array_size(v) > NAP_PORTS_MAX)
		return nap_read_bad(rd, key, "use ranges", "\"%s\" has %zu items (allowed: %u)",
				    key, json_array_size(v), NAP_PORTS_MAX);
	json_array_foreach (v, i, item) {
		r = read_range(rd, key, item, &ret[(*n)++]);
		if (r < 0)
			break;
	}
	return r;
}

static int read_prefix(const struct vd_read *rd, const char *key, const char *s, bool host,
		       struct vd_prefix *ret)
{
	char buf[VD_PREFIX_STR_SIZE], hint[80];
	int r = vd_prefix_parse(s, ret);

	if (r == -EDOM) {
		snprintf(hint, sizeof(hint), "did you mean %s?", vd_prefix_format(ret, buf));
		return nap_read_bad(rd, key, hint, "%.60s has bits set behind its length", s);
	}
	if (r < 0)
		return nap_read_bad(rd, key, NULL, "\"%.60s\" is not an IP address%s", s,
				    host ? "" : " or prefix");
	if (host && ret->len != (ret->family == 4 ? 32 : 128))
		return nap_read_bad(rd, key, NULL, "%.60s is a prefix, one address is needed", s);
	return 0;
}

static int read_to(const struct vd_read *rd, struct nap_target *t)
{
	const char *s = NULL;
	int r = vd_read_text(rd, "to", &s);

	if (r <= 0)
		return r < 0 ? r : vd_read_missing(rd, "to");
	/* letters beyond hexadecimal, or no ':' and a letter: a name */
	if (!strchr(s, ':') && strspn(s, "0123456789./") != strlen(s)) {
		if (!is_dns_name(s))
			return nap_read_bad(rd, "to", NULL,
					    "\"%.60s\" is no address, prefix or DNS name", s);
		snprintf(t->name, sizeof(t->name), "%s", s);
		return 0;
	}
	return read_prefix(rd, "to", s, false, &t->to);
}

static int read_target(const struct vd_read *rd, struct nap_target *t)
{
	const char *s = NULL;
	int r = vd_read_keys(rd, target_keys, N(target_keys));

	if (r == 0)
		r = read_to(rd, t);
	if (r >= 0)
		r = vd_read_text(rd, "name", &s);
	if (r > 0) {
		if (!is_dns_name(s) || t->name[0])
			return nap_read_bad(rd, "name", NULL,
					    t->name[0] ? "\"to\" is a name already"
						       : "\"%.60s\" is no DNS name",
					    s);
		snprintf(t->name, sizeof(t->name), "%s", s);
	}
	if (r >= 0)
		r = read_ranges(rd, "tcp", t->tcp, &t->n_tcp);
	if (r >= 0)
		r = read_ranges(rd, "udp", t->udp, &t->n_udp);
	if (r >= 0)
		r = vd_read_bool(rd, "ping", &t->ping);
	if (r >= 0)
		r = vd_read_bool(rd, "initiate", &t->initiate);
	if (r >= 0 && !t->n_tcp && !t->n_udp && !t->ping)
		return vd_read_at(
			rd, NULL,
			vd_err_set(rd->e, -EINVAL, VD_E_KEY_MISSING, rd->path,
				   "give tcp, udp or ping, for example \"tcp: [80, 443]\"",
				   "nothing of the server would be reachable"));
	return r < 0 ? r : 0;
}

static int read_group(const struct vd_read *groups, const char *name, struct nap_group *g)
{
	struct vd_read rd;
	json_t *list, *j;
	size_t i;
	int r = vd_name_check(name, groups->path, groups->e);

	if (r < 0)
		return vd_read_at(groups, name, r);
	snprintf(g->name, sizeof(g->name), "%s", name);
	r = vd_read_list(groups, name, NAP_TARGETS_MAX, &list);
	if (r < 0)
		return r;
	g->targets = calloc(json_array_size(list) + 1, sizeof(*g->targets));
	if (!g->targets)
		return nap_read_no_memory(groups);
	json_array_foreach (list, i, j) {
		r = vd_read_item(groups, name, j, &rd);
		if (r == 0)
			r = read_target(&rd, &g->targets[i]);
		if (r < 0)
			return vd_read_at_item(groups, list, i, r);
		g->n_targets++;
	}
	return 0;
}

static int read_groups(const struct vd_read *rd, struct nap_policy *p)
{
	struct vd_read groups;
	const char *name;
	json_t *v;
	int r = vd_read_inner(rd, "groups", &groups);

	if (r <= 0)
		return r;
	if (json_object_size(groups.j) > NAP_GROUPS_MAX)
		return nap_read_bad(rd, "groups", NULL, "%zu groups (allowed: %u)",
				    json_object_size(groups.j), NAP_GROUPS_MAX);
	p->groups = calloc(json_object_size(groups.j) + 1, sizeof(*p->groups));
	if (!p->groups)
		return nap_read_no_memory(rd);
	json_object_foreach (groups.j, name, v) {
		struct nap_group *g = &p->groups[p->n_groups++];

		r = read_group(&groups, name, g);
		if (r < 0)
			return r;
		if (!strcmp(g->name, "default"))
			p->default_group = (uint16_t)(p->n_groups - 1);
		if (!strcmp(g->name, "forensic"))
			p->forensic_group = (uint16_t)(p->n_groups - 1);
	}
	return 0;
}

/* "ADDRESS", "IPV4:PORT" or "[IPV6]:PORT". */
static bool is_resolver(const char *s)
{
	char addr[64], end;
	struct vd_prefix p;
	unsigned int port;

	if (strlen(s) >= sizeof(addr) || strchr(s, '/'))
		return false;
	if (sscanf(s, "[%63[0-9a-fA-F:.]]:%5u%c", addr, &port, &end) == 2 ||
	    (strchr(s, '.') && sscanf(s, "%63[0-9.]:%5u%c", addr, &port, &end) == 2))
		return port >= 1 && port <= 65535 && vd_prefix_parse(addr, &p) == 0;
	return vd_prefix_parse(s, &p) == 0;
}

static int read_resolvers(const struct vd_read *rd, struct nap_policy *p)
{
	const char *texts[NAP_RESOLVERS_MAX];
	unsigned int n;
	size_t at = 0;
	int r = nap_read_texts(rd, "resolvers", N(texts), texts, &n);

	for (unsigned int i = 0; r > 0 && i < n; i++) {
		if (!is_resolver(texts[i]))
			return nap_read_bad(rd, "resolvers",
					    "write 10.0.0.53, 10.0.0.53:5353 or [fd00::53]:5353",
					    "\"%.60s\" is no address of a resolver", texts[i]);
		at += (size_t)snprintf(p->resolvers + at, sizeof(p->resolvers) - at, "%s%s",
				       i ? "," : "", texts[i]);
	}
	return r;
}

static int read_remediation(const struct vd_read *top, struct nap_policy *p)
{
	struct vd_read rd;
	int r = vd_read_inner(top, "remediation", &rd);

	if (r <= 0)
		return r;
	r = vd_read_keys(&rd, remediation_keys, N(remediation_keys));
	if (r == 0)
		r = read_groups(&rd, p);
	if (r >= 0)
		r = nap_read_group(&rd, "default", p, &p->default_group);
	if (r >= 0)
		r = nap_read_group(&rd, "forensic", p, &p->forensic_group);
	if (r >= 0)
		r = read_resolvers(&rd, p);
	return r < 0 ? r : 0;
}

/* Addresses of hosts. */
static int read_hosts(const struct vd_read *rd, const char *key, struct vd_prefix *ret,
		      unsigned int max, unsigned int *n)
{
	const char *texts[16];
	unsigned int n_texts;
	int r = nap_read_texts(rd, key, max, texts, &n_texts);

	for (*n = 0; r > 0 && *n < n_texts; ++*n) {
		int bad = read_prefix(rd, key, texts[*n], true, &ret[*n]);

		if (bad < 0)
			return bad;
	}
	return r;
}

static bool link_local(const struct vd_prefix *p)
{
	static const struct vd_prefix v4 = {4, 16, {169, 254}}, v6 = {6, 10, {0xfe, 0x80}};

	return vd_prefix_covers(p->family == 4 ? &v4 : &v6, p);
}

static int read_portal_address(const struct vd_read *rd, const char *key, unsigned int family,
			       struct vd_prefix *ret)
{
	const char *s = NULL;
	int r = vd_read_text(rd, key, &s);

	if (r > 0)
		r = read_prefix(rd, key, s, true, ret);
	if (r < 0)
		return r;
	if (ret->family != family || !link_local(ret))
		return nap_read_bad(rd, key,
				    family == 4 ? "use an address of 169.254.0.0/16"
						: "use an address of fe80::/10",
				    "%.60s is not a link-local IPv%u address", s, family);
	return 0;
}

static int read_portal(const struct vd_read *top, struct nap_policy *p)
{
	struct vd_read rd;
	int r = vd_read_inner(top, "report", &rd);

	vd_prefix_parse(PORTAL_IPV4, &p->portal.ipv4);
	vd_prefix_parse(PORTAL_IPV6, &p->portal.ipv6);
	if (r <= 0)
		return r;
	r = vd_read_keys(&rd, portal_keys, N(portal_keys));
	if (r == 0)
		r = read_portal_address(&rd, "ipv4", 4, &p->portal.ipv4);
	if (r == 0)
		r = read_portal_address(&rd, "ipv6", 6, &p->portal.ipv6);
	if (r == 0)
		r = nap_read_string(&rd, "url", p->portal.url, sizeof(p->portal.url));
	return r < 0 ? r : 0;
}

static int read_radius(const struct vd_read *top, struct nap_policy *p)
{
	struct nap_radius *ra = &p->radius;
	unsigned int last = 0, wrapped = 0;
	uint32_t port = 1812, coa = 0;
	struct vd_read rd;
	int r = vd_read_inner(top, "radius", &rd);

	if (r <= 0)
		return r;
	r = vd_read_keys(&rd, radius_keys, N(radius_keys));
	if (r == 0)
		r = nap_read_string(&rd, "server", ra->server, sizeof(ra->server));
	if (r == 0)
		r = vd_read_missing(&rd, "server");
	if (r >= 0)
		r = nap_read_string(&rd, "secret_file", ra->secret_file, sizeof(ra->secret_file));
	if (r == 0)
		r = vd_read_missing(&rd, "secret_file");
	if (r >= 0)
		r = vd_read_int(&rd, "port", 1, 65535, VD_E_VALUE, &port);
	if (r >= 0)
		r = vd_read_int(&rd, "coa_port", 1, 65535, VD_E_VALUE, &coa);
	if (r >= 0)
		r = vd_read_choice(&rd, "when_down", when_down_text, 2, &last);
	ra->timeout_ms = RADIUS_TIMEOUT_MS;
	if (r >= 0)
		r = nap_read_duration(&rd, "timeout", RADIUS_TIMEOUT_MAX, &ra->timeout_ms);
	if (r > 0 && ra->timeout_ms < 1000)
		return nap_read_bad(&rd, "timeout", NULL, "a timeout is at least one second");
	if (r >= 0)
		r = vd_read_choice(&rd, "soh", soh_text, 2, &wrapped);
	ra->soh_wrapped = wrapped != 0;
	ra->port = (uint16_t)port;
	ra->coa_port = (uint16_t)coa;
	ra->when_down_last = last != 0;
	return r < 0 ? r : 0;
}

int nap_read_reach(const struct vd_read *rd, struct nap_policy *p)
{
	int r;

	p->default_group = p->forensic_group = NAP_NO_GROUP;
	r = read_remediation(rd, p);
	if (r >= 0)
		r = read_portal(rd, p);
	if (r >= 0)
		r = read_hosts(rd, "dhcp", p->dhcp, N(p->dhcp), &p->n_dhcp);
	if (r >= 0)
		r = read_hosts(rd, "dns", p->dns, N(p->dns), &p->n_dns);
	if (r >= 0)
		r = read_hosts(rd, "gateways", p->gateways, N(p->gateways), &p->n_gateways);
	if (r >= 0)
		r = read_radius(rd, p);
	return r < 0 ? r : 0;
}
