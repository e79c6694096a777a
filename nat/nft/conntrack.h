/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's table of connections (ctnetlink): look at IPv4 entries, remove some. In the calling thread's
 * network namespace. Numbers in host byte order. Thread-safety: no shared state.
 * Source: linux/netfilter/nfnetlink_conntrack.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct nat_ct_tuple {
	uint32_t src, dst;
	uint16_t sport, dport; /* ICMP: the query's id in both */
};

struct nat_ct {
	uint8_t protocol;
	struct nat_ct_tuple orig, reply;
	uint32_t status; /* IPS_* */
	uint32_t mark;
	uint16_t zone; /* of the original direction */
	uint32_t timeout_s;
	uint8_t tcp_state; /* TCP_CONNTRACK_* */
	uint32_t id;
	uint64_t packets[2], bytes[2]; /* original, reply; 0 unless the kernel counts */
};

/** Call @fn for every entry; it returns true to stop. Return: 0 or -errno. */
int nat_ct_each(bool (*fn)(void *ctx, const struct nat_ct *ct), void *ctx);

/** Remove @n entries. Those that are gone already are no error. *@removed: how many went. */
int nat_ct_remove(const struct nat_ct *cts, unsigned int n, unsigned int *removed);

/* ---- as they come and go ---- */

struct nat_ct_watch;

/** Be told of entries that are made and that end. The kernel tells only while net.netfilter.nf_conntrack_events is not 0.
 *  -errno. */
int nat_ct_watch_open(struct nat_ct_watch **ret);
/** Accepts NULL. */
void nat_ct_watch_close(struct nat_ct_watch *w);
/** Readable when there is news. */
int nat_ct_watch_fd(const struct nat_ct_watch *w);
/** Read some news: @fn for each entry, @made or ended. *@lost: how often the kernel had more than fitted (how many
 *  entries that were, nobody knows). Return: messages read; 0: no news. */
int nat_ct_watch_read(struct nat_ct_watch *w,
		      void (*fn)(void *ctx, const struct nat_ct *ct, bool made), void *ctx,
		      unsigned int *lost);

/** "established", "syn-sent", ...; "" for others than TCP. */
const char *nat_ct_state(const struct nat_ct *ct);
