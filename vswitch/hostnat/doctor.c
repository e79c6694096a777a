/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `viridian doctor` says about NAT networks and those who meddle with packets beside us. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "vswitch/hostnat/facts.h"
#include "vswitch/hostnat/hostnat_impl.h"

#define CONNTRACK "net/netfilter/nf_conntrack_"

struct report {
	struct vsw_hostnat *h;
	void (*fn)(void *ctx, const char *status, const char *text, const char *hint);
	void *ctx;
	bool all_good;
};

__attribute__((format(printf, 4, 5))) static void say(struct report *r, const char *status,
						      const char *hint, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->all_good &= !strcmp(status, "ok");
	r->fn(r->ctx, status, text, hint);
}

/* Our accept is not final: a chain of somebody else may drop afterwards. */
static void dropping_chain(void *ctx, const char *family, const char *table, const char *chain)
{
	static const struct {
		const char *table, *chain, *who, *hint;
	} known[] = {
		{"filter", "FORWARD", "Docker, or iptables rules",
		 "iptables -I DOCKER-USER -i IFNAME -j ACCEPT; iptables -I DOCKER-USER -o IFNAME "
		 "-j "
		 "ACCEPT; or set \"ip-forward-no-drop\" in /etc/docker/daemon.json"},
		{"firewalld", "filter_FORWARD", "firewalld",
		 "firewall-cmd --permanent --zone=trusted --add-interface=IFNAME; firewall-cmd "
		 "--reload"},
		{"libvirt_network", "forward", "libvirt", "allow the gateway's interface there"},
	};
	const char *who = "another program",
		   *hint = "allow the gateway's interface there, both ways";
	struct report *r = ctx;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].table, table) && !strcmp(known[i].chain, chain)) {
			who = known[i].who;
			hint = known[i].hint;
		}
	say(r, "warn", hint,
	    "%s drops forwarded packets by default (nftables table %s %s, chain %s): unless it "
	    "allows "
	    "them, VMs reach nothing",
	    who, family, table, chain);
}

static void check_networks(struct report *r)
{
	for (unsigned int i = 0; i < r->h->n_nets; i++) {
		const struct hn_net *n = r->h->nets[i];
		char text[128], prefix[NAT_PREFIX_STR_SIZE];
		json_t *services;
		const char *error;

		if (n->fault.code)
			say(r, "fail", n->fault.hint[0] ? n->fault.hint : NULL, "network %s: %s",
			    n->conf.name, n->fault.message);
		if (hn_is_kernel(n) &&
		    nat_facts_route(n->conf.prefix, hn_is_ours, r->h, text, sizeof(text)) > 0)
			say(r, "warn", "give the network another prefix, or remove the route",
			    "network %s: its prefix %s overlaps a route of this host: %s",
			    n->conf.name, nat_prefix_format(n->conf.prefix, prefix), text);
		if (n->n_rewritten)
			say(r, "warn", "find out who: nft monitor",
			    "network %s: its rules were changed by others %u times and put back",
			    n->conf.name, n->n_rewritten);
		if (!n->services)
			continue;
		services = vsw_services_status(n->services);
		error = json_string_value(json_object_get(services, "error"));
		if (error)
			say(r, "fail", "viridian nat show has more", "network %s: DHCP and DNS: %s",
			    n->conf.name, error);
		json_decref(services);
	}
}

static void check_conntrack(struct report *r)
{
	long long count = nat_sysctl_get(CONNTRACK "count"), max = nat_sysctl_get(CONNTRACK "max");

	if (count >= 0 && max > 0 && count * 10 >= max * 8)
		say(r, "warn", "sysctl net.netfilter.nf_conntrack_max=N",
		    "the kernel tracks %lld connections of at most %lld: new ones will soon be "
		    "dropped",
		    count, max);
}

static void check_bridges(struct report *r)
{
	if (nat_sysctl_get("net/bridge/bridge-nf-call-iptables") == 1)
		say(r, "warn",
		    "sysctl net.bridge.bridge-nf-call-iptables=0, unless Kubernetes needs it",
		    "frames of Linux bridges pass the rules for IP (br_netfilter); this switch is "
		    "not concerned, bridges beside it are");
}

void vsw_hostnat_doctor(struct vsw_hostnat *h,
			void (*fn)(void *ctx, const char *status, const char *text,
				   const char *hint),
			void *ctx)
{
	struct report r = {h, fn, ctx, true};

	if (!vsw_services_program())
		say(&r, "warn", "install dnsmasq-base",
		    "dnsmasq is not installed: NAT networks have no DHCP and no DNS");
	if (!h->n_nets) {
		if (r.all_good)
			say(&r, "ok", NULL, "no NAT networks");
		return;
	}
	check_networks(&r);
	check_conntrack(&r);
	check_bridges(&r);
	if (h->nft)
		nat_nft_forward_drops(h->nft, dropping_chain, &r);
	if (r.all_good)
		say(&r, "ok", NULL, "%u NAT networks work, nothing is in their way", h->n_nets);
}
