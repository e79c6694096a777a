/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules of NAT networks. What can be thousands is checked by a pass over a sorted list; of two that
 * contradict each other the message names both.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nat/nat_conf.h"

/* A network under check, and where the blame goes. */
struct chk {
	const struct nat_conf *c;
	const char **key;
	struct vd_err *e;
};

__attribute__((format(printf, 6, 7))) static int fail(const struct chk *k, int r, enum vd_code code,
						      const char *key, const char *hint,
						      const char *fmt, ...)
{
	char path[VD_PATH_SIZE], message[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	snprintf(path, sizeof(path), "nat/%s/%s", k->c->name, key);
	*k->key = key;
	return vd_err_set(k->e, r, code, path, hint, "%s", message);
}

static int no_memory(const struct chk *k)
{
	return vd_err_set(k->e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

/* A host's address of the inside: neither the network's own nor its broadcast address. */
static bool is_host(const struct nat_conf *c, uint32_t addr)
{
	return nat_prefix_has(c->prefix, addr) && addr != nat_prefix_first(c->prefix) &&
	       addr != nat_prefix_last(c->prefix);
}

static int not_inside(const struct chk *k, const char *key, const char *what, uint32_t addr)
{
	char a[NAT_ADDR_STR_SIZE], p[NAT_PREFIX_STR_SIZE];

	return fail(k, -EINVAL, VD_E_VALUE, key, NULL, "the %s %s is not a host's address of %s",
		    what, nat_addr_format(addr, a), nat_prefix_format(k->c->prefix, p));
}

/* The address of a VM: not the gateway's, not the server's. */
static int check_vm_addr(const struct chk *k, const char *key, uint32_t addr)
{
	char a[NAT_ADDR_STR_SIZE];

	if (!is_host(k->c, addr))
		return not_inside(k, key, "address", addr);
	if (addr == k->c->gateway || (k->c->dhcp.server == addr && k->c->dhcp.enabled))
		return fail(k, -EINVAL, VD_E_VALUE, key, "choose another address",
			    "%s is the address of the %s", nat_addr_format(addr, a),
			    addr == k->c->gateway ? "gateway" : "DHCP and DNS server");
	return 0;
}

static int check_inside(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	char p[NAT_PREFIX_STR_SIZE];

	if (c->prefix.len < 8 || c->prefix.len > 29 ||
	    !nat_addr_usable(nat_prefix_first(c->prefix)) ||
	    !nat_addr_usable(nat_prefix_last(c->prefix)))
		return fail(
			k, -EINVAL, VD_E_VALUE, "prefix",
			"choose one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
			"%s cannot be the inside of a NAT network (allowed: /8 to /29 of hosts' "
			"addresses)",
			nat_prefix_format(c->prefix, p));
	if (!is_host(c, c->gateway))
		return not_inside(k, "gateway", "gateway", c->gateway);
	if (c->dhcp.enabled || c->dns.enabled) {
		if (!is_host(c, c->dhcp.server))
			return not_inside(k, "dhcp", "server's address", c->dhcp.server);
		if (c->dhcp.server == c->gateway)
			return fail(k, -EINVAL, VD_E_VALUE, "dhcp",
				    "choose another: the server is a host of its own",
				    "the server has the gateway's address");
	}
	if (!c->dhcp.enabled)
		return 0;
	if (!is_host(c, c->dhcp.first) || !is_host(c, c->dhcp.last))
		return not_inside(k, "dhcp", "end of the range",
				  is_host(c, c->dhcp.first) ? c->dhcp.last : c->dhcp.first);
	if ((c->gateway >= c->dhcp.first && c->gateway <= c->dhcp.last) ||
	    (c->dhcp.server >= c->dhcp.first && c->dhcp.server <= c->dhcp.last))
		return fail(k, -EINVAL, VD_E_VALUE, "dhcp", "choose a range beside them",
			    "the range contains the gateway's or the server's address");
	return 0;
}

/* ---- outside ---- */

static bool external_clash(const struct nat_external *a, const struct nat_external *b)
{
	return a->first <= b->last && b->first <= a->last && a->port_first <= b->port_last &&
	       b->port_first <= a->port_last;
}

/* How many ranges of ports has the first address of entry @i? */
static unsigned int n_ranges(const struct nat_conf *c, unsigned int i)
{
	unsigned int n = 0;

	for (unsigned int k = 0; k < c->n_external; k++)
		n += c->external[k].first <= c->external[i].first &&
		     c->external[k].last >= c->external[i].first;
	return n;
}

static int check_external(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	char x[NAT_EXTERNAL_STR_SIZE], other[NAT_EXTERNAL_STR_SIZE];
	uint64_t n = 0;

	for (unsigned int i = 0; i < c->n_external; i++) {
		const struct nat_external *e = &c->external[i];

		nat_external_format(e, x);
		n += (uint64_t)e->last - e->first + 1;
		if (!nat_addr_usable(e->first) || !nat_addr_usable(e->last))
			return fail(k, -EINVAL, VD_E_VALUE, "external", NULL,
				    "%s cannot be an outside address", x);
		if (e->first <= nat_prefix_last(c->prefix) &&
		    e->last >= nat_prefix_first(c->prefix))
			return fail(k, -EINVAL, VD_E_VALUE, "external", NULL,
				    "the outside address %s belongs to the inside prefix", x);
		for (unsigned int l = 0; l < i; l++)
			if (external_clash(&c->external[l], e))
				return fail(k, -EEXIST, VD_E_EXISTS, "external",
					    "choose another, or remove that one",
					    "%s is in the pool already: %s", x,
					    nat_external_format(&c->external[l], other));
		/* where most entries overlap, one of them begins */
		if (n_ranges(c, i) > (c->blocks.deterministic ? 1 : NAT_RANGES_MAX))
			return fail(k, -EINVAL, VD_E_LIMIT, "external", NULL,
				    "an address of %s has more ranges of ports than are possible "
				    "(allowed: %u, with deterministic blocks one)",
				    x, NAT_RANGES_MAX);
	}
	if (n > NAT_ADDRESSES_MAX)
		return fail(k, -EINVAL, VD_E_LIMIT, "external", NULL,
			    "%llu outside addresses are too many (allowed: %u)",
			    (unsigned long long)n, NAT_ADDRESSES_MAX);
	return 0;
}

static int check_backend(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	const char *key = c->via[0]                ? "via"
			  : c->vlan                ? "vlan"
			  : c->external_prefix.len ? "external_prefix"
			  : c->next_hop            ? "next_hop"
						   : NULL;

	if (c->backend == NAT_BACKEND_KERNEL)
		return !key ? 0
			    : fail(k, -EINVAL, VD_E_VALUE, key, "leave it out, or use dataplane",
				   "with the back end \"kernel\" the host's routes decide");
	if (!c->via[0])
		return fail(k, -EINVAL, VD_E_KEY_MISSING, "via",
			    "name the external switch: --via SWITCH",
			    "the back end \"dataplane\" needs a way outside");
	if (!strcmp(c->via, c->sw))
		return fail(k, -EINVAL, VD_E_VALUE, "via", NULL,
			    "inside and outside are the same switch \"%s\"", c->via);
	if (!c->n_external)
		return fail(k, -EINVAL, VD_E_KEY_MISSING, "external",
			    "give one it may use: --external ADDR",
			    "the back end \"dataplane\" needs an outside address of its own");
	if (nat_prefix_overlap(c->prefix, c->external_prefix))
		return fail(k, -EINVAL, VD_E_VALUE, "external_prefix", NULL,
			    "inside and outside prefix overlap");
	if (c->next_hop && !nat_prefix_has(c->external_prefix, c->next_hop))
		return fail(k, -EINVAL, VD_E_VALUE, "next_hop", NULL,
			    "the next hop is not within external_prefix");
	return 0;
}

static bool in_pool(const struct nat_conf *c, uint32_t addr)
{
	for (unsigned int i = 0; i < c->n_external; i++)
		if (addr >= c->external[i].first && addr <= c->external[i].last)
			return true;
	return false;
}

/* ---- maps ---- */

bool nat_map_clash(const struct nat_map *a, const struct nat_map *b)
{
	return a->protocol == b->protocol &&
	       (a->outside == b->outside || !a->outside || !b->outside) &&
	       a->port_first <= b->port_last && b->port_first <= a->port_last &&
	       nat_prefix_overlap(a->remote, b->remote);
}

static int by_port(const void *pa, const void *pb)
{
	const struct nat_map *const *a = pa, *const *b = pb;

	return (int)(*a)->port_first - (int)(*b)->port_first;
}

/* Two of @n maps (sorted here) that clash and for which @counts says so. */
static bool find_clash(const struct nat_map **maps, unsigned int n,
		       bool (*counts)(const void *ctx, const struct nat_map *a,
				      const struct nat_map *b),
		       const void *ctx, const struct nat_map *ret[2])
{
	qsort(maps, n, sizeof(*maps), by_port);
	for (unsigned int i = 0; i < n; i++)
		for (unsigned int l = i + 1; l < n && maps[l]->port_first <= maps[i]->port_last;
		     l++)
			if (nat_map_clash(maps[i], maps[l]) && counts(ctx, maps[i], maps[l])) {
				ret[0] = maps[i];
				ret[1] = maps[l];
				return true;
			}
	return false;
}

static bool always(const void *ctx, const struct nat_map *a, const struct nat_map *b)
{
	return true;
}

static int map_twice(const struct chk *k, const struct nat_map *first, const char *owner,
		     const struct nat_map *second)
{
	char a[NAT_ENDPOINT_STR_SIZE], b[NAT_ENDPOINT_STR_SIZE], in[NAT_ENDPOINT_STR_SIZE];

	return fail(k, -EEXIST, VD_E_EXISTS, "maps", "choose another port, or remove that one",
		    "outside port %s %s is taken: %s of %s leads to %s",
		    second->protocol == NAT_TCP ? "tcp" : "udp",
		    nat_endpoint_format(second->outside, second->port_first, second->port_last, a),
		    nat_endpoint_format(first->outside, first->port_first, first->port_last, b),
		    owner,
		    nat_endpoint_format(first->inside, first->inside_port, first->inside_port, in));
}

static int check_map(const struct chk *k, const struct nat_map *m)
{
	const struct nat_conf *c = k->c;
	char a[NAT_ADDR_STR_SIZE];
	int r = check_vm_addr(k, "maps", m->inside);

	if (r)
		return r;
	if (m->outside && (!nat_addr_usable(m->outside) || nat_prefix_has(c->prefix, m->outside)))
		return fail(k, -EINVAL, VD_E_VALUE, "maps", NULL,
			    "%s cannot be the outside address of a map",
			    nat_addr_format(m->outside, a));
	if (m->outside && c->backend == NAT_BACKEND_DATAPLANE && !in_pool(c, m->outside))
		return fail(k, -EINVAL, VD_E_VALUE, "maps", "add it: viridian nat address add",
			    "%s is not an outside address of this network",
			    nat_addr_format(m->outside, a));
	return 0;
}

static int check_maps(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	const struct nat_map **sorted = calloc(c->n_maps + 1u, sizeof(*sorted)), *two[2];
	int r = sorted ? 0 : no_memory(k);

	for (unsigned int i = 0; i < c->n_maps && r == 0; i++) {
		sorted[i] = &c->maps[i];
		r = check_map(k, &c->maps[i]);
	}
	if (r == 0 && find_clash(sorted, c->n_maps, always, NULL, two))
		r = map_twice(k, two[0] < two[1] ? two[0] : two[1], "this network",
			      two[0] < two[1] ? two[1] : two[0]);
	free(sorted);
	return r;
}

/* ---- numbers that must differ ---- */

static int by_value(const void *pa, const void *pb)
{
	const uint64_t *a = pa, *b = pb;

	return *a < *b ? -1 : *a > *b;
}

/* Sorts. Is there a number that stands twice? */
static bool find_twice(uint64_t *numbers, unsigned int n, uint64_t *ret)
{
	qsort(numbers, n, sizeof(*numbers), by_value);
	for (unsigned int i = 1; i < n; i++)
		if (numbers[i - 1] == numbers[i]) {
			*ret = numbers[i];
			return true;
		}
	return false;
}

static int check_pairs(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	uint64_t *out = calloc(c->n_pairs + 1u, sizeof(*out));
	uint64_t *in = calloc(c->n_pairs + 1u, sizeof(*in));
	int r = out && in ? 0 : no_memory(k);
	char a[NAT_ADDR_STR_SIZE];
	uint64_t twice;

	for (unsigned int i = 0; i < c->n_pairs && r == 0; i++) {
		const struct nat_pair *p = &c->pairs[i];

		out[i] = p->outside;
		in[i] = p->inside;
		r = check_vm_addr(k, "one_to_one", p->inside);
		if (r == 0 &&
		    (!nat_addr_usable(p->outside) || nat_prefix_has(c->prefix, p->outside)))
			r = fail(k, -EINVAL, VD_E_VALUE, "one_to_one", NULL,
				 "%s cannot be an outside address", nat_addr_format(p->outside, a));
		if (r == 0 && in_pool(c, p->outside))
			r = fail(k, -EEXIST, VD_E_EXISTS, "one_to_one",
				 "an address is shared or belongs to one VM, not both",
				 "%s is in the pool \"external\"", nat_addr_format(p->outside, a));
	}
	if (r == 0 && (find_twice(out, c->n_pairs, &twice) || find_twice(in, c->n_pairs, &twice)))
		r = fail(k, -EEXIST, VD_E_EXISTS, "one_to_one", "remove one of the two",
			 "%s stands in two one-to-one maps", nat_addr_format((uint32_t)twice, a));
	for (unsigned int i = 0; i < c->n_maps && r == 0; i++) {
		uint64_t addr = c->maps[i].outside;

		if (addr && bsearch(&addr, out, c->n_pairs, sizeof(*out), by_value))
			r = fail(k, -EEXIST, VD_E_EXISTS, "maps", "remove one of the two",
				 "%s is mapped one to one already",
				 nat_addr_format((uint32_t)addr, a));
	}
	free(out);
	free(in);
	return r;
}

static uint64_t mac_number(const struct vd_mac *mac)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < 6; i++)
		n = n << 8 | mac->addr[i];
	return n;
}

static struct vd_mac number_mac(uint64_t n)
{
	struct vd_mac mac;

	for (unsigned int i = 0; i < 6; i++)
		mac.addr[i] = (uint8_t)(n >> 8 * (5 - i));
	return mac;
}

static int by_name(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* A name that stands twice; NULL: none. */
static const char *name_twice(const char **names, unsigned int n)
{
	qsort(names, n, sizeof(*names), by_name);
	for (unsigned int i = 1; i < n; i++)
		if (!strcasecmp(names[i - 1], names[i]))
			return names[i];
	return NULL;
}

static int two_reservations(const struct chk *k, const char *of)
{
	return fail(k, -EEXIST, VD_E_EXISTS, "reservations", "remove one of the two",
		    "there are two reservations of %s", of);
}

static int check_reservations(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	uint64_t *macs = calloc(c->n_reservations + 1u, sizeof(*macs));
	uint64_t *addrs = calloc(c->n_reservations + 1u, sizeof(*addrs));
	const char **names = calloc(c->n_reservations + 1u, sizeof(*names));
	unsigned int n_addrs = 0, n_names = 0;
	char text[VD_MAC_STR_SIZE];
	struct vd_mac mac;
	uint64_t twice;
	int r = macs && addrs && names ? 0 : no_memory(k);

	for (unsigned int i = 0; i < c->n_reservations && r == 0; i++) {
		const struct nat_reservation *v = &c->reservations[i];

		macs[i] = mac_number(&v->mac);
		if (v->address) {
			r = check_vm_addr(k, "reservations", v->address);
			addrs[n_addrs++] = v->address;
		}
		if (v->name[0])
			names[n_names++] = v->name;
	}
	if (r == 0 && find_twice(macs, c->n_reservations, &twice)) {
		mac = number_mac(twice);
		r = two_reservations(k, vd_mac_format(&mac, text));
	} else if (r == 0 && find_twice(addrs, n_addrs, &twice)) {
		r = two_reservations(k, nat_addr_format((uint32_t)twice, text));
	} else if (r == 0 && name_twice(names, n_names)) {
		r = two_reservations(k, name_twice(names, n_names));
	}
	free(macs);
	free(addrs);
	free(names);
	return r;
}

static int check_rest(const struct chk *k)
{
	const struct nat_conf *c = k->c;
	unsigned int size = c->blocks.size;

	if (size && (size < 64 || (size & (size - 1))))
		return fail(k, -EINVAL, VD_E_VALUE, "blocks", NULL,
			    "a block size of %u is not possible (allowed: 0, or a power of two "
			    "64-4096)",
			    size);
	if (c->blocks.deterministic && !size)
		return fail(k, -EINVAL, VD_E_VALUE, "blocks", "set a block size",
			    "deterministic mapping works with port blocks");
	if (c->blocks.max == 0)
		return fail(k, -EINVAL, VD_E_VALUE, "blocks", NULL,
			    "a VM needs one block at least");
	if (c->log.what != NAT_LOG_OFF && !c->log.file[0] && !c->log.ipfix)
		return fail(k, -EINVAL, VD_E_VALUE, "log", "set log.file or log.ipfix",
			    "the log has no place to go to");
	return 0;
}

int nat_conf_check(const struct nat_conf *c, const char **ret_key, struct vd_err *reterr)
{
	static int (*const checks[])(const struct chk *) = {
		check_inside, check_external,     check_backend, check_maps,
		check_pairs,  check_reservations, check_rest,
	};
	struct chk k = {c, ret_key, reterr};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		r = checks[i](&k);
	return r;
}

/* ---- two networks ---- */

static bool of(const struct nat_conf *c, const struct nat_map *m)
{
	return m >= c->maps && m < c->maps + c->n_maps;
}

struct two {
	const struct nat_conf *a, *b;
};

/* The kernel back end answers on all addresses of the host; the other only on its own. */
static bool of_both(const void *ctx, const struct nat_map *a, const struct nat_map *b)
{
	const struct two *t = ctx;
	bool any = !a->outside || !b->outside;

	if (any && (t->a->backend != NAT_BACKEND_KERNEL || t->b->backend != NAT_BACKEND_KERNEL))
		return false;
	return of(t->a, a) != of(t->a, b);
}

static int clash_maps(const struct chk *k, const struct nat_conf *a)
{
	const struct nat_conf *b = k->c;
	unsigned int n = a->n_maps + b->n_maps;
	const struct nat_map **sorted, *two[2];
	struct two t = {a, b};
	char owner[VD_NAME_MAX + 16];
	int r = 0;

	if (!a->n_maps || !b->n_maps)
		return 0;
	sorted = calloc(n, sizeof(*sorted));
	if (!sorted)
		return no_memory(k);
	for (unsigned int i = 0; i < n; i++)
		sorted[i] = i < a->n_maps ? &a->maps[i] : &b->maps[i - a->n_maps];
	snprintf(owner, sizeof(owner), "network \"%s\"", a->name);
	if (find_clash(sorted, n, of_both, &t, two))
		r = map_twice(k, of(a, two[0]) ? two[0] : two[1], owner,
			      of(a, two[0]) ? two[1] : two[0]);
	free(sorted);
	return r;
}

static bool has_pair(const struct nat_conf *c, const struct nat_external *x)
{
	for (unsigned int i = 0; i < c->n_pairs; i++)
		if (c->pairs[i].outside >= x->first && c->pairs[i].outside <= x->last)
			return true;
	return false;
}

/* Pools may be shared only where one kernel keeps them apart. */
static int clash_pools(const struct chk *k, const struct nat_conf *a)
{
	const struct nat_conf *b = k->c;
	bool kernel = a->backend == NAT_BACKEND_KERNEL && b->backend == NAT_BACKEND_KERNEL;
	bool clash = false;

	/* a network of the data plane answers ARP for its addresses: they cannot be another's, too, not even with
	 * other ports */
	for (unsigned int i = 0; i < a->n_external && !clash; i++) {
		clash = has_pair(b, &a->external[i]);
		for (unsigned int l = 0; l < b->n_external && !kernel && !clash; l++)
			clash = a->external[i].first <= b->external[l].last &&
				b->external[l].first <= a->external[i].last;
	}
	for (unsigned int l = 0; l < b->n_external && !clash; l++)
		clash = has_pair(a, &b->external[l]);
	return clash ? fail(k, -EEXIST, VD_E_EXISTS, "external",
			    "give each network addresses of its own",
			    "outside addresses belong to network \"%s\", too", a->name)
		     : 0;
}

static int clash_pairs(const struct chk *k, const struct nat_conf *a)
{
	const struct nat_conf *b = k->c;
	char addr[NAT_ADDR_STR_SIZE];
	uint64_t *out, which;
	bool twice;

	if (!a->n_pairs || !b->n_pairs)
		return 0;
	out = calloc(a->n_pairs + b->n_pairs, sizeof(*out));
	if (!out)
		return no_memory(k);
	for (unsigned int i = 0; i < a->n_pairs; i++)
		out[i] = a->pairs[i].outside;
	for (unsigned int i = 0; i < b->n_pairs; i++)
		out[a->n_pairs + i] = b->pairs[i].outside;
	twice = find_twice(out, a->n_pairs + b->n_pairs, &which);
	free(out);
	return twice ? fail(k, -EEXIST, VD_E_EXISTS, "one_to_one", NULL,
			    "%s is mapped by network \"%s\", too",
			    nat_addr_format((uint32_t)which, addr), a->name)
		     : 0;
}

int nat_conf_clash(const struct nat_conf *a, const struct nat_conf *b, const char **ret_key,
		   struct vd_err *reterr)
{
	struct chk k = {b, ret_key, reterr};
	int r = 0;

	if (!strcmp(a->sw, b->sw))
		return fail(&k, -EEXIST, VD_E_EXISTS, "switch",
			    "give each network a switch of its own",
			    "switch \"%s\" serves network \"%s\" already", b->sw, a->name);
	r = clash_pools(&k, a);
	if (r == 0)
		r = clash_pairs(&k, a);
	return r ? r : clash_maps(&k, a);
}
