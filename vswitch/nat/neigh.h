/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours of a NAT network on one side: addresses and their MACs by ARP, packets that wait for an
 * answer. Works on bytes; frames are the caller's, as pointers.
 *
 * Bounds: a fixed number of neighbours and of waiting frames. An entry is made only for an address that a
 * packet has to go to, or that asked for one of ours: a flood of ARP messages makes none.
 *
 * Source: RFC 826, RFC 5227 (announcements), RFC 1122 2.3.2.1 (ageing).
 * Thread-safety: none; the network's locks (what takes a const table: a lane's). Proof: tests/unit/vswitch/nat/test_neigh.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/names.h"

#define VSW_NEIGHS_MAX     16384
#define VSW_NEIGH_WAITING  4  /* frames that wait for one neighbour */
#define VSW_NEIGH_SIZE     64 /* of struct vsw_neigh */
#define VSW_ARP_SIZE       42 /* with its Ethernet header */
#define VSW_ARP_FRAME_SIZE 60

enum vsw_neigh_state { VSW_NEIGH_FREE, VSW_NEIGH_ASKED, VSW_NEIGH_KNOWN };

struct vsw_neigh {
	uint32_t ip; /* network order; 0: free */
	uint8_t mac[6];
	uint8_t state;
	uint8_t tries;         /* questions since the last answer */
	uint32_t confirmed_ms; /* these wrap; only differences count */
	uint32_t asked_ms;
	uint8_t n_waiting;
	uint8_t spare[11];
	void *waiting[VSW_NEIGH_WAITING];
};
_Static_assert(sizeof(struct vsw_neigh) == VSW_NEIGH_SIZE, "one cache line");

struct vsw_neighs {
	struct vsw_neigh *all; /* [2 * VSW_NEIGHS_MAX], open addressing */
	uint32_t n;
	uint32_t cursor; /* of the tick */
	uint32_t seed;
};

/* What is to be done with a frame for a neighbour. */
enum vsw_neigh_verdict {
	VSW_NEIGH_SEND,    /* the MAC is there */
	VSW_NEIGH_WAITS,   /* the table has the frame now */
	VSW_NEIGH_REFUSED, /* no room, or nobody answers */
};

int vsw_neighs_init(struct vsw_neighs *t, uint32_t seed);
/** Waiting frames must have been taken out (vsw_neighs_drain()). */
void vsw_neighs_done(struct vsw_neighs *t);

/** The known neighbour @ip, or NULL. */
struct vsw_neigh *vsw_neigh_find(const struct vsw_neighs *t, uint32_t ip);

/** The known neighbour @ip that need not be asked for, or NULL. Changes nothing. */
const struct vsw_neigh *vsw_neigh_fresh(const struct vsw_neighs *t, uint32_t ip, uint32_t now_ms);

/**
 * @frame is to go to @ip. *@ask: a question must be sent now (to *@ret's MAC when that is known, else to
 * everybody).
 */
enum vsw_neigh_verdict vsw_neigh_resolve(struct vsw_neighs *t, uint32_t ip, void *frame,
					 uint32_t now_ms, struct vsw_neigh **ret, bool *ask);

/** @ip said that it is at @mac. @make: also when nobody wanted to know. Return: the entry; its waiting frames
 *  may go. NULL: not interesting. */
struct vsw_neigh *vsw_neigh_learn(struct vsw_neighs *t, uint32_t ip, const uint8_t mac[6],
				  bool make, uint32_t now_ms);

/**
 * Look at some entries. Return: one that wants something, or NULL when the look is over. *@ask: ask for it
 * again; else nobody answers: take its frames, then vsw_neigh_forget() it.
 */
struct vsw_neigh *vsw_neighs_tick(struct vsw_neighs *t, uint32_t now_ms, unsigned int *budget,
				  bool *ask);
void vsw_neigh_forget(struct vsw_neighs *t, struct vsw_neigh *e);

/** A frame that waits for anybody; NULL: none. Before vsw_neighs_done(). */
void *vsw_neighs_drain(struct vsw_neighs *t);

/* ---- messages ---- */

struct vsw_arp {
	uint16_t op; /* 1 question, 2 answer */
	uint8_t sender_mac[6], target_mac[6];
	uint32_t sender_ip, target_ip; /* network order */
};

/** An ARP message in an Ethernet frame of @size bytes. Return: false: not one that we understand. */
bool vsw_arp_parse(const uint8_t *frame, uint32_t size, struct vsw_arp *ret);

/** Write a frame of VSW_ARP_FRAME_SIZE bytes from @a->sender_mac to @to. */
void vsw_arp_write(uint8_t *frame, const struct vsw_arp *a, const uint8_t to[6]);
