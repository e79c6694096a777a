/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments and files of dnsmasq: see services_files.h. */
#include "vswitch/hostnat/services_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 512
#define UPSTREAMS_MAX 8
#define LEASES_MAX    65536

/* ---- arguments ---- */

__attribute__((format(printf, 2, 3))) static void arg(struct services_args *a, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (a->n >= SERVICES_ARGS_MAX || vasprintf(&s, fmt, ap) < 0) {
		a->failed = true;
		s = NULL;
	}
	va_end(ap);
	if (!s)
		return;
	a->argv[a->n++] = s;
	a->argv[a->n] = NULL;
}

static void dhcp_args(struct services_args *a, const struct vsw_services_conf *c)
{
	const struct nat_conf *n = c->conf;
	char first[NAT_ADDR_STR_SIZE], last[NAT_ADDR_STR_SIZE], mask[NAT_ADDR_STR_SIZE];
	char list[NAT_SERVERS_MAX * NAT_ADDR_STR_SIZE] = "", addr[NAT_ADDR_STR_SIZE];

	arg(a, "--dhcp-range=%s,%s,%s,%u", nat_addr_format(n->dhcp.first, first),
	    nat_addr_format(n->dhcp.last, last), nat_addr_format(nat_mask(n->prefix.len), mask),
	    n->dhcp.lease_s);
	arg(a, "--dhcp-option=option:router,%s", nat_addr_format(n->gateway, addr));
	for (unsigned int i = 0; i < n->dhcp.n_dns; i++) {
		strcat(list, ",");
		strcat(list, nat_addr_format(n->dhcp.dns[i], addr));
	}
	if (!n->dhcp.n_dns && n->dns.enabled)
		snprintf(list, sizeof(list), ",%s", nat_addr_format(n->dhcp.server, addr));
	arg(a, "--dhcp-option=option:dns-server%s", list);
	arg(a, "--dhcp-option=option:mtu,%u", c->mtu_bytes);
	if (c->captive[0])
		arg(a, "--dhcp-option=114,%s", c->captive);
	arg(a, "--dhcp-lease-max=%u", n->dhcp.last - n->dhcp.first + 1 + NAT_RESERVATIONS_MAX);
	arg(a, "--dhcp-leasefile=/run/leases");
	arg(a, "--dhcp-hostsfile=/run/dhcp-hosts");
	arg(a, "--dhcp-authoritative");
	arg(a, "--dhcp-no-override");
	arg(a, "--dhcp-rapid-commit");
	/* a new address is asked for by ARP by its client; waiting 3 s for a ping besides is too long */
	arg(a, "--no-ping");
}

static void dns_args(struct services_args *a, const struct vsw_services_conf *c)
{
	arg(a, "--no-hosts");
	arg(a, "--addn-hosts=/run/hosts");
	arg(a, "--resolv-file=/run/resolv.conf");
	arg(a, "--local=/%s/", c->conf->dns.domain);
	arg(a, "--domain-needed");
	arg(a, "--bogus-priv");
	arg(a, "--expand-hosts");
	arg(a, "--cache-size=2000");
	arg(a, "--dns-forward-max=1000");
}

void services_args_make(struct services_args *a, const struct vsw_services_conf *c,
			const char *program, const char *user)
{
	memset(a, 0, sizeof(*a));
	arg(a, "%s", program);
	arg(a, "--conf-file=/dev/null");
	arg(a, "--keep-in-foreground");
	arg(a, "--user=%s", user);
	arg(a, "--pid-file=");
	arg(a, "--log-facility=-");
	arg(a, "--quiet-dhcp");
	arg(a, "--bind-interfaces");
	arg(a, "--interface=%s", c->ifname);
	arg(a, "--except-interface=lo");
	if (c->conf->dns.domain[0])
		arg(a, "--domain=%s", c->conf->dns.domain);
	if (c->conf->dns.enabled)
		dns_args(a, c);
	else
		arg(a, "--port=0");
	if (c->conf->dhcp.enabled)
		dhcp_args(a, c);
}

void services_args_done(struct services_args *a)
{
	for (unsigned int i = 0; i < a->n; i++)
		free(a->argv[i]);
	memset(a, 0, sizeof(*a));
}

bool services_args_equal(const struct services_args *a, const struct services_args *b)
{
	bool equal = a->n == b->n;

	for (unsigned int i = 0; i < a->n && equal; i++)
		equal = !strcmp(a->argv[i], b->argv[i]);
	return equal;
}

/* ---- files ---- */

static bool reserved(const struct nat_conf *n, const struct vsw_services_host *h)
{
	for (unsigned int i = 0; i < n->n_reservations; i++)
		if (!memcmp(&n->reservations[i].mac, &h->mac, sizeof(h->mac)) ||
		    !strcasecmp(n->reservations[i].name, h->name))
			return true;
	return false;
}

/* The name of the port with this address; NULL: none. */
static const char *port_name(const struct vsw_services_conf *c, const struct vd_mac *mac)
{
	for (unsigned int i = 0; i < c->n_hosts; i++)
		if (!memcmp(&c->hosts[i].mac, mac, sizeof(*mac)))
			return c->hosts[i].name;
	return NULL;
}

char *services_dhcp_hosts(const struct vsw_services_conf *c)
{
	const struct nat_conf *n = c->conf;
	char mac[VD_MAC_STR_SIZE], addr[NAT_ADDR_STR_SIZE];
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (unsigned int i = 0; i < n->n_reservations; i++) {
		const struct nat_reservation *v = &n->reservations[i];
		const char *name = v->name[0] ? v->name : port_name(c, &v->mac);

		fprintf(f, "%s%s%s%s%s\n", vd_mac_format(&v->mac, mac), v->address ? "," : "",
			v->address ? nat_addr_format(v->address, addr) : "", name ? "," : "",
			name ? name : "");
	}
	for (unsigned int i = 0; i < c->n_hosts; i++)
		if (!reserved(n, &c->hosts[i]))
			fprintf(f, "%s,%s\n", vd_mac_format(&c->hosts[i].mac, mac),
				c->hosts[i].name);
	return fclose(f) ? (free(text), NULL) : text;
}

char *services_hosts(const struct vsw_services_conf *c)
{
	const struct nat_conf *n = c->conf;
	char addr[NAT_ADDR_STR_SIZE];
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	fprintf(f, "%s gateway\n", nat_addr_format(n->gateway, addr));
	fprintf(f, "%s services\n", nat_addr_format(n->dhcp.server, addr));
	for (unsigned int i = 0; i < n->n_reservations; i++)
		if (n->reservations[i].address && n->reservations[i].name[0])
			fprintf(f, "%s %s\n", nat_addr_format(n->reservations[i].address, addr),
				n->reservations[i].name);
	return fclose(f) ? (free(text), NULL) : text;
}

/* The servers of @path that are not on this host itself. */
static unsigned int read_servers(const char *path, uint32_t *ret, unsigned int max)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_SIZE], addr[64];
	unsigned int n = 0;

	while (f && n < max && fgets(line, sizeof(line), f))
		if (sscanf(line, "nameserver %63s", addr) == 1 &&
		    nat_addr_parse(addr, &ret[n]) == 0 && nat_addr_usable(ret[n]))
			n++;
	if (f)
		fclose(f);
	return n;
}

char *services_resolv_conf(const struct vsw_services_conf *c)
{
	uint32_t servers[UPSTREAMS_MAX];
	unsigned int n = c->conf->dns.n_upstream;
	char addr[NAT_ADDR_STR_SIZE];
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	memcpy(servers, c->conf->dns.upstream, n * sizeof(*servers));
	if (!n)
		n = read_servers("/etc/resolv.conf", servers, UPSTREAMS_MAX);
	/* systemd-resolved stands in front of the real ones */
	if (!n)
		n = read_servers("/run/systemd/resolve/resolv.conf", servers, UPSTREAMS_MAX);
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "nameserver %s\n", nat_addr_format(servers[i], addr));
	return fclose(f) ? (free(text), NULL) : text;
}

int services_write(const char *dir, const char *name, const char *text)
{
	char path[512], temporary[520];
	size_t len = strlen(text);
	int fd, r = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len || fchmod(fd, 0644) < 0)
		r = errno ? -errno : -ENOSPC;
	close(fd);
	if (!r && rename(temporary, path) < 0)
		r = -errno;
	if (r)
		unlink(temporary);
	return r;
}

/* "EXPIRY MAC ADDRESS NAME CLIENT-ID", '*' for none, expiry 0 for never. */
json_t *services_read_leases(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[LINE_MAX_SIZE], mac[64], addr[64], name[256], id[300];
	json_t *out = json_array();
	unsigned long long expiry;
	uint32_t a;

	while (f && json_array_size(out) < LEASES_MAX && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%llu %63s %63s %255s %299s", &expiry, mac, addr, name, id) != 5 ||
		    nat_addr_parse(addr, &a))
			continue;
		json_array_append_new(
			out, json_pack("{s:s, s:s, s:s?, s:o, s:s?}", "address", addr, "mac", mac,
				       "name", strcmp(name, "*") ? name : NULL, "expires",
				       expiry ? json_integer((json_int_t)expiry) : json_null(),
				       "client_id", strcmp(id, "*") ? id : NULL));
	}
	if (f)
		fclose(f);
	return out;
}
