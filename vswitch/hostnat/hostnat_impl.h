/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of vswitch/hostnat, and nobody else's. */
#pragma once

#include <net/if.h>
#include <stdint.h>

#include "nat/nft/nft.h"
#include "vswitch/hostnat/hostnat.h"
#include "vswitch/hostnat/services.h"

/* Marks, zones, routing tables and rule priorities of networks that are apart: base + slot. */
#define APART_MARK  0x56000000u
#define APART_ZONE  0x5600u
#define APART_TABLE 0x5600u
#define APART_PRIO  22016u

struct hn_net {
	struct nat_conf conf;     /* as last asked for */
	char ifname[IF_NAMESIZE]; /* of the gateway; "" for the data-plane back end */
	uint16_t mtu_bytes;
	int slot; /* -1: not apart */
	/* what was done, to be undone */
	bool in_kernel; /* the table is there */
	char done_ifname[IF_NAMESIZE];
	uint32_t done_gateway;
	uint8_t done_len;
	uint32_t *extras; /* outside addresses put on the adapter */
	unsigned int n_extras;
	struct vsw_services *services;
	struct vsw_nat_log *log; /* kernel back end; NULL: nothing is logged */
	struct vd_err fault;     /* why it does not work; code 0: it does */
	unsigned int n_rewritten;
	bool wanted, changed; /* while a change is under way */
};

struct vsw_hostnat {
	struct vsw_hostnat_env env;
	struct nat_nft *nft; /* opened by the first network that needs it */
	struct hn_net *nets[NAT_NETWORKS_MAX];
	unsigned int n_nets;
	struct mnl_socket *news; /* of rtnetlink */
	sd_event_source *nft_source, *news_source, *timer;
	bool forwarding_was_off;
	struct nat_ct_watch *watch; /* of connections, while a network logs them */
	sd_event_source *watch_source;
	uint64_t watch_lost;
};

/* ---- hostnat_kernel.c: what a network needs from the kernel ---- */

/** Mark, zone and neighbours of @n as nat/nft wants them. */
void hn_describe(const struct vsw_hostnat *h, const struct hn_net *n, struct nat_nft_net *ret);
/** Addresses, routes, sysctls; not the table. */
int hn_dress(struct vsw_hostnat *h, struct hn_net *n, struct vd_err *reterr);
/** The opposite, as far as it was done. */
void hn_undress(struct hn_net *n);
json_t *hn_sysctls(const struct hn_net *n);
bool hn_is_ours(void *hostnat, const char *ifname);
static inline bool hn_is_kernel(const struct hn_net *n)
{
	return n->conf.backend == NAT_BACKEND_KERNEL;
}

/* ---- hostnat_notes.c: what the next run must know ---- */

/** Write STATE/nat/UUID/network. */
void hn_note(const struct vsw_hostnat *h, const struct hn_net *n);
/** Read it: the slot the network had; -1: none. */
int hn_noted_slot(const struct vsw_hostnat *h, const char *uuid);
/** Networks that a crashed run left and @m does not have: remove what is theirs. */
void hn_clean_left(struct vsw_hostnat *h, const struct vsw_model *m);

/* ---- hostnat_watch.c: when others change things ---- */
int hn_watch_nft(struct vsw_hostnat *h);
int hn_watch_links(struct vsw_hostnat *h);
void hn_unwatch(struct vsw_hostnat *h);
/** Look at everything soon. */
void hn_look_soon(struct vsw_hostnat *h, uint32_t after_ms);

/* ---- hostnat_log.c: sessions of the kernel back end, told by the kernel ---- */

/** Begin, change or end @n's log. */
int hn_log_update(struct vsw_hostnat *h, struct hn_net *n);
/** Write what is known, and end it. */
void hn_log_end(struct vsw_hostnat *h, struct hn_net *n);
/** Stop listening when nobody logs any more; at the end. */
void hn_log_settle(struct vsw_hostnat *h);

/* ---- hostnat.c ---- */
/** Bring @n (again) to what it is to be; faults are recorded. */
void hn_repair(struct vsw_hostnat *h, struct hn_net *n);
