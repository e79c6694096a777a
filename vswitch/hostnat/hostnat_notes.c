/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * STATE/nat/UUID/network, one line "NAME SLOT IFNAME GATEWAY/LEN": what a crashed run left in the kernel for a network,
 * enough to take it over or to remove it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "base/log.h"
#include "vswitch/hostnat/hostnat_impl.h"
#include "vswitch/hostnat/services_files.h"

#define NOTE "network"

static void dir_of(const struct vsw_hostnat *h, const char *uuid, char *buf, size_t size)
{
	snprintf(buf, size, "%.200s/nat/%.36s", h->env.state_dir, uuid);
}

void hn_note(const struct vsw_hostnat *h, const struct hn_net *n)
{
	char dir[300], text[256], gateway[NAT_PREFIX_STR_SIZE];
	int r;

	dir_of(h, n->conf.uuid, dir, sizeof(dir));
	snprintf(text, sizeof(text), "%s %d %s %s\n", n->conf.name, n->slot,
		 n->ifname[0] ? n->ifname : "-",
		 nat_prefix_format((struct nat_prefix){n->conf.gateway, n->conf.prefix.len},
				   gateway));
	r = services_write(dir, NOTE, text);
	if (r)
		vd_log(LOG_WARNING, "nat", n->conf.name, "cannot write to %s: %s, continuing", dir,
		       strerror(-r));
}

/* What is known of @uuid, as a network that has been. */
static bool read_note(const struct vsw_hostnat *h, const char *uuid, struct hn_net *ret)
{
	char dir[300], path[320], gateway[64];
	struct nat_prefix p;
	bool good;
	FILE *f;

	memset(ret, 0, sizeof(*ret));
	dir_of(h, uuid, dir, sizeof(dir));
	snprintf(path, sizeof(path), "%s/" NOTE, dir);
	f = fopen(path, "re");
	if (!f)
		return false;
	good = fscanf(f, "%63s %d %15s %63s", ret->conf.name, &ret->slot, ret->done_ifname,
		      gateway) == 4 &&
	       nat_prefix_parse(gateway, &p) == 0 && ret->slot >= -1 &&
	       ret->slot < NAT_NETWORKS_MAX;
	fclose(f);
	if (!good)
		return false;
	snprintf(ret->conf.uuid, sizeof(ret->conf.uuid), "%s", uuid);
	ret->done_gateway = p.addr;
	ret->done_len = ret->conf.prefix.len = p.len;
	ret->conf.prefix.addr = nat_prefix_first(p);
	return true;
}

int hn_noted_slot(const struct vsw_hostnat *h, const char *uuid)
{
	struct hn_net n;

	return read_note(h, uuid, &n) ? n.slot : -1;
}

static void remove_left(struct vsw_hostnat *h, const char *uuid)
{
	struct vsw_services *services = NULL;
	struct nat_nft_gone gone;
	char dir[300], path[320];
	struct hn_net n;

	dir_of(h, uuid, dir, sizeof(dir));
	if (!read_note(h, uuid, &n))
		return; /* not written by us: leave it */
	vd_log(LOG_NOTICE, "nat", n.conf.name, "removing what a crashed run left of it");
	if (strcmp(n.done_ifname, "-")) {
		hn_undress(&n);
		snprintf(gone.name, sizeof(gone.name), "%s", n.conf.name);
		snprintf(gone.uuid, sizeof(gone.uuid), "%s", uuid);
		if (h->nft || nat_nft_open(h->env.own_tables, &h->nft, NULL) == 0)
			nat_nft_apply(h->nft, NULL, 0, &gone, 1, NULL);
	}
	snprintf(path, sizeof(path), "%s/" NOTE, dir);
	unlink(path);
	if (vsw_services_create(h->env.event, h->env.state_dir, uuid, n.conf.name, &services,
				NULL) == 0)
		vsw_services_destroy(services, true);
}

static bool in_model(const struct vsw_model *m, const char *uuid)
{
	for (unsigned int i = 0; i < m->n_nats; i++)
		if (!strcmp(m->nats[i].uuid, uuid))
			return true;
	return false;
}

void hn_clean_left(struct vsw_hostnat *h, const struct vsw_model *m)
{
	char path[300];
	struct dirent *de;
	DIR *d;

	snprintf(path, sizeof(path), "%.200s/nat", h->env.state_dir);
	d = opendir(path);
	while (d && (de = readdir(d)))
		if (strlen(de->d_name) == VD_UUID_SIZE - 1 && !in_model(m, de->d_name))
			remove_left(h, de->d_name);
	if (d)
		closedir(d);
}
