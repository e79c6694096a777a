/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses, routes and settings of a NAT network of the kernel back end. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "vswitch/hostnat/facts.h"
#include "vswitch/hostnat/hostnat_impl.h"
#include "vswitch/hostnat/route.h"

#define IP_FORWARD "net/ipv4/ip_forward"

void hn_describe(const struct vsw_hostnat *h, const struct hn_net *n, struct nat_nft_net *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->conf = &n->conf;
	ret->vnic = n->ifname;
	if (n->slot >= 0) {
		ret->apart = (uint8_t)(n->slot + 1);
		ret->mark = APART_MARK + (uint32_t)n->slot;
		ret->zone = (uint16_t)(APART_ZONE + (unsigned int)n->slot);
	}
	for (unsigned int i = 0; i < h->n_nets; i++) {
		const struct hn_net *o = h->nets[i];

		if (o != n && o->slot >= 0 && hn_is_kernel(o) &&
		    nat_prefix_overlap(o->conf.prefix, n->conf.prefix))
			ret->others[ret->n_others++] = (uint8_t)(o->slot + 1);
	}
}

bool hn_is_ours(void *hostnat, const char *ifname)
{
	const struct vsw_hostnat *h = hostnat;

	for (unsigned int i = 0; i < h->n_nets; i++)
		if (!strcmp(h->nets[i]->ifname, ifname) || !strcmp(h->nets[i]->done_ifname, ifname))
			return true;
	return false;
}

static int failed(struct vd_err *e, int r, const char *what, const char *object)
{
	return vd_err_set(e, r, VD_E_SYSTEM, NULL, NULL, "cannot set %s of %s: %s", what, object,
			  strerror(-r));
}

/* ---- settings ---- */

struct setting {
	char path[96];
	long long needed;
};

/* What forwarding to and from @n depends on. Returns how many. */
static unsigned int settings(const struct hn_net *n, struct setting s[4])
{
	unsigned int k = 0;

	s[k++] = (struct setting){IP_FORWARD, 1};
	snprintf(s[k].path, sizeof(s[k].path), "net/ipv4/conf/%s/forwarding", n->ifname);
	s[k++].needed = 1;
	if (n->slot >= 0) {
		/* the route back to its sources seems to lead to the other network */
		snprintf(s[k].path, sizeof(s[k].path), "net/ipv4/conf/%s/rp_filter", n->ifname);
		s[k++].needed = 0;
	}
	return k;
}

/* "all" is stronger than the interface's own, and not ours to change. */
static int check_rp_filter(const struct hn_net *n, struct vd_err *reterr)
{
	if (n->slot < 0 || nat_sysctl_get("net/ipv4/conf/all/rp_filter") != 1)
		return 0;
	return vd_err_set(reterr, -EINVAL, VD_E_UNSUPPORTED, NULL,
			  "sysctl net.ipv4.conf.all.rp_filter=2, or use another prefix",
			  "net.ipv4.conf.all.rp_filter is 1, which rules out two networks with the "
			  "same addresses");
}

static int set_sysctls(struct vsw_hostnat *h, const struct hn_net *n, struct vd_err *reterr)
{
	struct setting s[4];
	unsigned int k = settings(n, s);
	int rc = check_rp_filter(n, reterr);

	if (rc)
		return rc;

	for (unsigned int i = 0; i < k; i++) {
		long long found = nat_sysctl_get(s[i].path);
		int r = found == s[i].needed ? 0 : nat_sysctl_set(s[i].path, s[i].needed);

		if (r)
			return vd_err_set(
				reterr, r, VD_E_SYSTEM, NULL,
				"let viridiand write to /proc/sys, or set it yourself",
				"the setting %s is %lld, %lld is needed, and it cannot be "
				"changed: %s",
				s[i].path, found, s[i].needed, strerror(-r));
		if (found != s[i].needed && !strcmp(s[i].path, IP_FORWARD)) {
			h->forwarding_was_off = true;
			vd_log(LOG_NOTICE, "nat", n->conf.name,
			       "turned on forwarding of IPv4 (net.ipv4.ip_forward)");
		}
	}
	return 0;
}

json_t *hn_sysctls(const struct hn_net *n)
{
	json_t *out = json_array();
	struct setting s[4];
	unsigned int k = settings(n, s);

	for (unsigned int i = 0; i < k; i++) {
		long long found = nat_sysctl_get(s[i].path);

		for (char *p = s[i].path; *p; p++)
			*p = *p == '/' ? '.' : *p;
		json_array_append_new(out, json_pack("{s:s, s:I, s:I, s:b}", "name", s[i].path,
						     "found", (json_int_t)found, "needed",
						     (json_int_t)s[i].needed, "good",
						     found == s[i].needed));
	}
	return out;
}

/* ---- addresses ---- */

struct extras {
	uint32_t *addrs;
	unsigned int n;
};

static void add_extra(struct extras *x, const struct hn_net *n, uint32_t addr)
{
	if (addr == n->conf.gateway || x->n == NAT_ADDRESSES_MAX)
		return;
	for (unsigned int i = 0; i < x->n; i++)
		if (x->addrs[i] == addr)
			return;
	x->addrs[x->n++] = addr;
}

/* Outside addresses of the network: those that nobody has become the adapter's, so that the host
 * answers for them. */
static int wanted_extras(const struct hn_net *n, struct extras *x)
{
	const struct nat_conf *c = &n->conf;

	x->n = 0;
	x->addrs = calloc(NAT_ADDRESSES_MAX, sizeof(*x->addrs));
	if (!x->addrs)
		return -ENOMEM;
	for (unsigned int i = 0; i < c->n_external; i++)
		for (uint64_t a = c->external[i].first; a <= c->external[i].last; a++)
			add_extra(x, n, (uint32_t)a);
	for (unsigned int i = 0; i < c->n_pairs; i++)
		add_extra(x, n, c->pairs[i].outside);
	for (unsigned int i = 0; i < c->n_maps; i++)
		if (c->maps[i].outside)
			add_extra(x, n, c->maps[i].outside);
	return 0;
}

static bool has(const uint32_t *addrs, unsigned int n, uint32_t addr)
{
	for (unsigned int i = 0; i < n; i++)
		if (addrs[i] == addr)
			return true;
	return false;
}

static int put_extras(struct hn_net *n, int ifindex)
{
	struct extras x;
	unsigned int kept = 0;
	int r = wanted_extras(n, &x);

	if (r)
		return r;
	for (unsigned int i = 0; i < n->n_extras; i++)
		if (!has(x.addrs, x.n, n->extras[i]))
			vsw_route_addr_del(ifindex, n->extras[i], 32);
	for (unsigned int i = 0; i < x.n && !r; i++) {
		bool mine = has(n->extras, n->n_extras, x.addrs[i]);

		if (!mine && nat_facts_is_local(x.addrs[i]))
			continue;
		r = vsw_route_addr_add(ifindex, x.addrs[i], 32, true);
		x.addrs[kept++] = x.addrs[i];
	}
	free(n->extras);
	n->extras = x.addrs;
	n->n_extras = kept;
	return r;
}

/* ---- all of it ---- */

static struct vsw_route apart_route(const struct hn_net *n, int ifindex)
{
	return (struct vsw_route){.dst = n->conf.prefix,
				  .table = APART_TABLE + (uint32_t)n->slot,
				  .ifindex = ifindex};
}

static int dress_apart(const struct hn_net *n, int ifindex)
{
	uint32_t slot = (uint32_t)n->slot;
	struct vsw_route route = apart_route(n, ifindex);
	int r = vsw_route_add(&route);

	return r ? r : vsw_route_rule_add(APART_MARK + slot, APART_TABLE + slot, APART_PRIO + slot);
}

int hn_dress(struct vsw_hostnat *h, struct hn_net *n, struct vd_err *reterr)
{
	int ifindex = (int)if_nametoindex(n->ifname), r;

	if (!ifindex)
		return vd_err_set(reterr, -ENODEV, VD_E_DEVICE_MISSING, NULL,
				  "bring it back to the namespace of viridiand",
				  "the gateway's interface %s is not here", n->ifname);
	if (n->done_ifname[0] &&
	    (strcmp(n->done_ifname, n->ifname) || n->done_gateway != n->conf.gateway ||
	     n->done_len != n->conf.prefix.len))
		hn_undress(n);
	snprintf(n->done_ifname, sizeof(n->done_ifname), "%s", n->ifname);
	n->done_gateway = n->conf.gateway;
	n->done_len = n->conf.prefix.len;
	r = vsw_route_addr_add(ifindex, n->conf.gateway, n->conf.prefix.len, n->slot >= 0);
	if (r)
		return failed(reterr, r, "the gateway's address", n->ifname);
	r = n->slot >= 0 ? dress_apart(n, ifindex) : 0;
	if (r)
		return failed(reterr, r, "routes", n->ifname);
	r = put_extras(n, ifindex);
	if (r)
		return failed(reterr, r, "outside addresses", n->ifname);
	return set_sysctls(h, n, reterr);
}

void hn_undress(struct hn_net *n)
{
	int ifindex = n->done_ifname[0] ? (int)if_nametoindex(n->done_ifname) : 0;

	if (n->slot >= 0) {
		uint32_t slot = (uint32_t)n->slot;
		struct vsw_route route = apart_route(n, ifindex);

		vsw_route_rule_del(APART_MARK + slot, APART_TABLE + slot, APART_PRIO + slot);
		if (ifindex)
			vsw_route_del(&route);
	}
	if (ifindex) {
		vsw_route_addr_del(ifindex, n->done_gateway, n->done_len);
		for (unsigned int i = 0; i < n->n_extras; i++)
			vsw_route_addr_del(ifindex, n->extras[i], 32);
	}
	n->n_extras = 0;
	n->done_ifname[0] = '\0';
}
