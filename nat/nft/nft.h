/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel back end of NAT networks: each network is one nftables table of ours, "viridian-NAME" of
 * family ip, written whole in one transaction. A table is ours when its comment says so; one of the same
 * name that does not is never touched.
 *
 * Where the kernel has it (6.9), tables are owned by our socket and persistent: "nft flush ruleset" and
 * firewall tools leave them alone, and they go on working when the daemon dies. Elsewhere the caller
 * watches (nat_nft_fd()) and writes them again.
 *
 * Everything happens in the network namespace of the thread that called nat_nft_open().
 * Thread-safety: one object, one thread. Source: linux/netfilter/nf_tables.h, docs/reference/nat.md.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "nat/nat_conf.h"

#define NAT_NFT_NAME_SIZE (VD_NAME_MAX + 16)

struct nat_nft;

/*
 * Marks of connections that begin in, or lead to, a network that is apart: 0x56, the number of the network where
 * it begins, of that where it leads, 0.
 */
#define NAT_MARK_FROM_MASK 0xffff0000u
#define NAT_MARK_TO_MASK   0xff00ff00u
#define NAT_MARK_FROM(n)   (0x56000000u | (uint32_t)(n) << 16)
#define NAT_MARK_TO(n)     (0x56000000u | (uint32_t)(n) << 8)

/** One network as the kernel is to do it. */
struct nat_nft_net {
	const struct nat_conf *conf;
	const char *vnic; /* interface of the gateway */
	/** Its prefix is that of another network, too: 1-255, and what follows from it. 0: not so, or it was
	 *  there first. */
	uint8_t apart;
	uint32_t mark; /* of packets that are to be routed to its inside */
	uint16_t zone; /* connections from inside are tracked there */
	/** Networks that are apart and overlap this one. */
	uint8_t others[NAT_NETWORKS_MAX];
	unsigned int n_others;
};

/** A network that was. */
struct nat_nft_gone {
	char name[VD_NAME_MAX + 1];
	char uuid[VD_UUID_SIZE];
};

/** @owner false: never own tables (for who wants to change them by hand). -errno. */
int nat_nft_open(bool owner, struct nat_nft **ret, struct vd_err *reterr);
/** The tables stay. Accepts NULL. */
void nat_nft_close(struct nat_nft *s);

/**
 * Make the tables of @nets what they describe, and remove those of networks that are @gone (where they are
 * there and ours), all or nothing. Flows that exist are not touched.
 * Return: 0; -EBUSY when a table of that name is not ours; -errno of the kernel.
 */
int nat_nft_apply(struct nat_nft *s, const struct nat_nft_net *nets, unsigned int n,
		  const struct nat_nft_gone *gone, unsigned int n_gone, struct vd_err *reterr);

/** Readable when something in the kernel's rules changed; then call nat_nft_changed(). */
int nat_nft_fd(const struct nat_nft *s);

/** Drain the socket. Did somebody else change rules since the last call? */
bool nat_nft_changed(struct nat_nft *s);

/** Is the table of network @name as nat_nft_apply() left it? */
bool nat_nft_intact(struct nat_nft *s, const char *name);

/** Are our tables protected by the kernel? */
bool nat_nft_owned(const struct nat_nft *s);

/** What other tables would do to forwarded traffic: base chains of hook forward with policy drop.
 *  Calls @fn with the table's family and name and the chain's. Return: 0 or -errno. */
int nat_nft_forward_drops(struct nat_nft *s,
			  void (*fn)(void *ctx, const char *family, const char *table,
				     const char *chain),
			  void *ctx);
