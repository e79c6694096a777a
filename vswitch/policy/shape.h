/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shaping: frames on their way out of a port wait in bounded queues, and leave at the port's rate. A VM's
 * port has one queue. The uplink of a switch with minimum bandwidths has one for each port with a
 * minimum, and one for all the others together, served in turn by deficit round robin in proportion to
 * their shares (Shreedhar and Varghese, SIGCOMM 1995): who has something to send gets at least its share of
 * the rate, and what nobody uses goes to who wants it.
 *
 * Frames count without their Ethernet header, super-frames with the headers of all the segments that they become.
 *
 * Whoever finds the queues without an owner drains them, and goes on draining until they are
 * empty; others only add. So frames of one flow leave in the order in which they came, whichever
 * workers send them.
 *
 * A frame that waits was judged when it came. The rules may change meanwhile, so each waits with the
 * epochs of the gates that let it pass, and is judged again if these are others when its turn comes.
 *
 * Thread-safety: each function locks; configure() and done(): control thread.
 * Proof: tests/unit/vswitch/policy/test_shape.c, tests/net/bandwidth.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <rte_mbuf.h>
#include <rte_spinlock.h>

#include "vswitch/datapath/port.h"
#include "vswitch/policy/bucket.h"
#include "vswitch/policy/rate.h"

#define VSW_SHAPE_SLOTS     1024u /* frames a queue holds at most */
#define VSW_SHAPE_DELAY_MS  25    /* how much a queue holds at most, at the port's rate ... */
#define VSW_SHAPE_BYTES_MIN (256u << 10)
#define VSW_SHAPE_BYTES_MAX (1u << 20)

/** Who shares a shaper: frames whose mbuf->port is @port are of this class. */
struct vsw_shape_share {
	uint16_t port;   /* index */
	uint64_t weight; /* > 0 */
};

struct vsw_shape_conf {
	uint64_t bps, burst_bytes; /* as in struct vsw_rate */
	uint64_t hz;
	uint64_t default_weight; /* of frames of all other ports; > 0 */
	unsigned int n_shares;   /* 0: one queue */
	const struct vsw_shape_share *shares;
};

/** Epochs of the gates (gate.h) that let a frame pass: 0 where there was none. */
struct vsw_shape_stamp {
	uint32_t to;   /* of the port that it waits for, or VSW_SHAPE_CONDEMNED */
	uint32_t from; /* of the port that sent it, or VSW_SHAPE_ANYBODY */
};
#define VSW_SHAPE_CONDEMNED UINT32_MAX
#define VSW_SHAPE_ANYBODY   UINT32_MAX

struct vsw_shape_slot {
	struct rte_mbuf *m;
	struct vsw_shape_stamp stamp;
};

struct vsw_shape_queue {
	uint32_t head, n; /* slots */
	uint32_t bytes;
	uint32_t quantum; /* bytes it may send in its turn */
	int64_t deficit;
	struct vsw_rate_meter rate;
	struct vsw_shape_slot slot[VSW_SHAPE_SLOTS];
};

struct vsw_shaper {
	rte_spinlock_t lock;
	struct vsw_bucket bucket;
	uint32_t limit; /* bytes of each queue */
	uint32_t n;     /* frames in all queues */
	bool owned;     /* somebody drains */
	uint32_t turn;  /* queue whose turn it is */
	uint32_t n_queues;
	struct vsw_shape_queue **queues; /* [0]: the default one */
	uint16_t *queue_of;              /* [VSW_PORTS_MAX] by port index; NULL: all to [0] */
};

/** NULL on lack of memory. */
struct vsw_shaper *vsw_shaper_create(void);
/** Free it and the frames in it. Accepts NULL. */
void vsw_shaper_destroy(struct vsw_shaper *s);

/** Change rate and shares; frames that wait go on waiting, in the queues they now belong to.
 *  -ENOMEM: nothing changed. */
int vsw_shaper_configure(struct vsw_shaper *s, const struct vsw_shape_conf *conf);

/** What @m counts: its bytes behind the Ethernet header, those of all its segments. */
uint32_t vsw_shape_size(const struct rte_mbuf *m);

/**
 * Add @n frames. Those that found no room are moved to the front of @m.
 *
 * @stamp  [@n], of each frame
 * *@mine set: the caller is the owner from now on: it must call take() until that says so
 * Return: frames that found no room.
 */
uint16_t vsw_shaper_add(struct vsw_shaper *s, struct rte_mbuf **m,
			const struct vsw_shape_stamp *stamp, uint16_t n, bool *mine);

/**
 * Owner only: up to @n frames that may leave at @now (TSC).
 *
 * @stamp [@n] gets what they were added with
 * *@due  when to call again: @now when there may be more at once
 * *@mine cleared: nothing waits any more, and the caller is the owner no longer
 */
uint16_t vsw_shaper_take(struct vsw_shaper *s, struct rte_mbuf **m, struct vsw_shape_stamp *stamp,
			 uint16_t n, uint64_t now, uint64_t *due, bool *mine);

/** What waits now may not leave any more, whatever rules say: its network is not the port's now. */
void vsw_shaper_condemn(struct vsw_shaper *s);

/** The owner leaves without having drained: the next add() finds a new one. */
void vsw_shaper_disown(struct vsw_shaper *s);

/** A shaper as people see it, at one moment. */
struct vsw_shape_view {
	uint64_t bps;          /* that left in the last quarter of a second or so */
	int64_t tokens_bytes;  /* that may leave at once; negative: a debt that is being paid */
	uint32_t n, bytes;     /* that wait */
	uint32_t limit_bytes;  /* that a queue holds at most */
	unsigned int n_queues; /* 1: no shares */
};

void vsw_shaper_look(struct vsw_shaper *s, uint64_t now, struct vsw_shape_view *ret);
/** The queue of frames from port index @port; VSW_PORT_INDEX_NONE: of everybody without a share. Sets n, bytes,
 *  bps and limit_bytes. False: @port has none of its own. */
bool vsw_shaper_look_at(struct vsw_shaper *s, uint16_t port, uint64_t now,
			struct vsw_shape_view *ret);
