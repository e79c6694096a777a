/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the generator is asked to do: one struct, filled from the command line.
 *
 * Vocabulary: the generator has two ports, A (0) and B (1). A frame "of side A" is one that A sends.
 * Thread-safety: written once by options_parse(), read-only afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GEN_BURST_MAX 256
#define GEN_FRAME_MAX 1518
#define GEN_SUPER_MAX 65214 /* 45 segments of TCP behind one header */
#define GEN_SEGMENT   1448

enum gen_side { SIDE_A, SIDE_B, N_SIDES };

struct gen_options {
	/* what is sent */
	uint32_t size; /* bytes in memory, tag included, no CRC: 60..1518; more: TCP super-frames */
	uint32_t n_flows;          /* distinct UDP flows */
	uint32_t n_macs;           /* distinct MAC addresses a side, <= n_flows */
	uint32_t n_hosts;          /* distinct IPv4 addresses on side A */
	uint32_t vlan[N_SIDES];    /* 802.1Q tag of frames of that side; 0 = untagged */
	uint32_t ip[N_SIDES];      /* first address of each side, host order */
	const char *dmac[N_SIDES]; /* one destination MAC for all frames of that side, or NULL */
	const char *proto;         /* "udp" or "tcp" */
	bool syn;                  /* TCP frames are SYNs */
	uint32_t gateway[N_SIDES]; /* ask for this address first, from all of that side's; 0: no */

	/* how it is sent */
	const char *mode; /* "throughput", "latency" or "new" */
	const char *dir;  /* "ab", "ba" or "both" */
	bool reflect;     /* B sends back what it got, addresses swapped, instead of templates */
	uint32_t honest;  /* mode new: one of so many frames belongs to one old flow; 0: none */
	bool learn;       /* first send every template once from each side */
	double learn_mpps;
	double settle_s; /* between the links and the first frame: a port may have to be let in */
	uint32_t burst;  /* 1..GEN_BURST_MAX */
	uint32_t ring;   /* descriptors of every queue */
	uint32_t n_rxq;  /* receive queues read on each port */

	/* how it is measured */
	double warm_s, window_s;
	uint32_t n_windows;       /* clean windows wanted */
	uint32_t max_windows;     /* windows tried at most; placement and strangers spoil some */
	double patience_s;        /* wait that long in all for a near placement before a window */
	double near_ns;           /* core-to-core one-way latency below which a sample is "near" */
	double max_wait;          /* share of a window that a thread may wait for its core */
	uint32_t n_pings, gap_us; /* latency: how many, and the silence before each */
	int peer_core;            /* the device's core, or -1: placement is not sampled */
	const char *watch;        /* schedstat file of the device's busy thread, or NULL */
	double connect_s;         /* wait for the links */
	const char *netvsp[N_SIDES]; /* sockets of netvsp ports, instead of DPDK's ports */
};

/** Is a frame more than one packet of a wire? */
static inline bool gen_super(const struct gen_options *o)
{
	return o->size > GEN_FRAME_MAX;
}

/** Parse what follows "--" on the command line. Prints the reason and exits with 2 on a bad option. */
void options_parse(int argc, char **argv, struct gen_options *ret);
