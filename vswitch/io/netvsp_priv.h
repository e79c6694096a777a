/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the netvsp back end: netvsp.c moves frames, netvsp_link.c talks to VM workers.
 *
 * Who may touch what. A channel is "live" while switch workers may use it. Everything else, and a
 * channel that is not live, belongs to whoever holds the lock of netvsp_link.c: its thread, or the
 * control thread. Taking channels from the workers is: not live, then a grace period.
 */
#pragma once

#include <rte_common.h>
#include <rte_mbuf.h>

#include "vmbus-netvsp/link/msg.h"
#include "vmbus-netvsp/netvsp.h"
#include "vswitch/io/io.h"

#define NETVSP_SPARE 64u

struct netvsp_chan {
	bool live; /* atomic */
	bool open;
	bool armed; /* rx worker's */
	struct nvsp_chan *c;
	/* interrupts: a bit in guest memory (NULL: none now) and the eventfd behind it */
	uint64_t *flag;
	uint64_t mask;
	int call_fd, kick_fd; /* -1: none */
	uint32_t gpadl;
	uint32_t interrupts; /* eventfd writes; approximate */
	uint32_t kicks;      /* signals of the guest while we slept */
	/* the rx worker's: buffers made ready, frames lost */
	uint16_t n_spare;
	struct rte_mbuf *spare[NETVSP_SPARE];
	uint64_t bad_offload, no_memory;
} __rte_cache_aligned;

#define NETVSP_EV_SUBCHANNELS 1u
#define NETVSP_EV_FAULT       2u
#define NETVSP_EV_NIC         4u
#define NETVSP_EV_IDLE        8u
#define NETVSP_DELS_MAX       128u

/** A page list mapped once more, its pages one behind the other: copies need not stop at each page. */
struct netvsp_linear {
	struct netvsp_linear *next;
	uint32_t id, n_runs;
	void *base;
	size_t size;
};

struct netvsp_port {
	struct vsw_io io;
	struct netvsp_chan chan[VSW_QUEUES_MAX];
	struct nvsp_dev *dev; /* NULL: no guest */
	int idle_fd;          /* never readable: where queues without a channel wait */
	uint32_t events;      /* NETVSP_EV_*, set by workers, atomic */
	bool any_mac;         /* the guest may choose its address; atomic */
	/* guarded by the lock */
	struct netvsp_port *next;
	uint64_t id;
	int listen_fd, conn_fd;
	bool greeted, paused, doomed;
	struct vmb_slots slots;
	struct vmb_mem mem;
	int mem_fd[VMB_SLOTS_MAX]; /* behind each slot */
	uint64_t mem_offset[VMB_SLOTS_MAX];
	struct netvsp_linear *linear;
	void *keep; /* the worker's STATE memory */
	struct nvsp_cfg cfg;
	char vm_name[NVSP_LINK_NAME_SIZE];
	char text[NVSP_LINK_TEXT_SIZE]; /* why the request under way fails */
	struct netvsp_del {
		uint32_t seq, id;
	} dels[NETVSP_DELS_MAX]; /* page lists to be given up when they are idle */
	unsigned int n_dels;
	uint32_t n_connects;
	const char *last_fault;    /* of any channel; NULL none yet */
	uint64_t tx_errors_before; /* of guests before this one */
};

extern const struct nvsp_ops netvsp_dev_ops;

/** Give channel @index to the workers, or take it from them (the grace period is the caller's). */
static inline void netvsp_set_live(struct netvsp_chan *ch, bool live)
{
	__atomic_store_n(&ch->live, live, __ATOMIC_RELEASE);
}

static inline bool netvsp_is_live(const struct netvsp_chan *ch)
{
	return __atomic_load_n(&ch->live, __ATOMIC_ACQUIRE);
}

/** Interrupt the guest. Any thread. */
void netvsp_signal(struct netvsp_chan *ch);
/** What the guest can take now, for the data plane. */
void netvsp_offer_caps(struct netvsp_port *p);

/* netvsp_mem.c: with the lock */
/** Map @size bytes at @offset of a memfd that cannot shrink under us: SIGBUS would be the switch's. NULL. */
void *netvsp_map_fd(int fd, uint64_t offset, uint64_t size);
/** One more range of guest memory; @fd is the port's afterwards. -EINVAL. */
int netvsp_mem_add(struct netvsp_port *p, const struct nvsp_link_range_wire *r, int fd);
/** All of it, and what is mapped in one piece. */
void netvsp_mem_drop(struct netvsp_port *p);
/** NULL: not worth it, or not possible; then pages are used where they are. */
void *netvsp_linear_make(struct netvsp_port *p, uint32_t id, const uint64_t *pfns, uint32_t n);
void netvsp_linear_drop(struct netvsp_linear **at);
void netvsp_linear_forget(struct netvsp_port *p, uint32_t id);

/* netvsp_link.c */
/** Listen on the port's path. Return: 0 or -errno with @reterr. */
int netvsp_link_add(struct netvsp_port *p, const char *object, struct vd_err *reterr);
/** Stop listening, let the guest go. No worker can reach the port. */
void netvsp_link_remove(struct netvsp_port *p);
/** Have the thread look at p->events. Any thread. */
void netvsp_link_wake(void);
void netvsp_lock(void);
void netvsp_unlock(void);
uint64_t netvsp_now_ms(void);
/** Tell the VM worker that something in the NIC changed. With the lock. */
void netvsp_send_nic(struct netvsp_port *p);
/** Take every channel from the workers. With the lock. Return: was there one? */
bool netvsp_stop_all(struct netvsp_port *p);
/** Give the open ones back. @any: what netvsp_stop_all() said. With the lock. */
void netvsp_start_all(struct netvsp_port *p, bool any);
