/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VM worker's end of the socket to the switch: one object per NIC. It keeps what the switch must
 * know (memory, page lists, open channels) and tells it again when the switch comes back, so a
 * switch that was killed goes on where it was and neither bus nor guest notices.
 *
 * Use. The functions have the shape of struct vmb_bus_ops: 0 is done, -EINPROGRESS means that
 * ops->done follows (then call the vmb_*_done() that belongs to it). While nobody is connected,
 * closing and deleting are done at once (nobody touches the memory), opening and adding wait for
 * the switch. Poll nvsp_link_fd() for input and call nvsp_link_run() then, and when
 * nvsp_link_timeout_ms() has passed.
 *
 * Descriptors and memory given in are borrowed: they must live until the close or delete is done.
 *
 * Thread-safety: none; one control thread. Callbacks come from within nvsp_link_run() only and may call
 * every function but destroy. No DPDK, no KVM. Proof: tests/net/netvsp.test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmbus-netvsp/proto/link_wire.h"

struct nvsp_link;

struct nvsp_link_range {
	uint64_t gpa, size, offset; /* bytes; multiples of 4096 */
	int fd; /* memfd, F_SEAL_SHRINK set: MFD_ALLOW_SEALING at its creation */
};

struct nvsp_link_cfg {
	const char *path; /* of the port: what stands behind "netvsp:" */
	uint8_t vm_uuid[16];
	const char *vm_name;
	const struct nvsp_link_range *ranges; /* copied */
	unsigned int n_ranges;                /* 1..NVSP_LINK_RANGES_MAX */
	const void *state;                    /* NULL, or a copy of nvsp_link_state(): a snapshot */
	size_t state_size;
};

struct nvsp_link_ops {
	/** Connected (or a NIC event): what the NIC is. */
	void (*nic)(void *ctx, const struct nvsp_link_nic_wire *nic);
	/** The connection is gone; it is tried again by itself. @bye NVSP_LINK_BYE_* or 0: lost. */
	void (*down)(void *ctx, uint32_t bye, const char *text);
	/** Offer subchannels 1..count; those offered already stay. */
	void (*subchannels)(void *ctx, uint32_t count);
	/** A channel was stopped: the guest broke the protocol. For the log. */
	void (*fault)(void *ctx, uint32_t index, const char *text);
	/** GPADL_ADD, GPADL_DEL: @id the page list. OPEN, CLOSE, TARGET: @id the channel index.
	 *  PAUSE, CONTINUE: 0. @status 0 or negative errno. */
	void (*done)(void *ctx, enum nvsp_link_type what, uint32_t id, int status);
	/** The switch cannot go on with this guest: revoke the NIC's offer and make it anew. Every
	 *  channel counts as closed from now on. */
	void (*refused)(void *ctx, const char *text);
};

/** @ops, @ctx must outlive it; ranges[].fd too. Connects at the first run. NULL: errno. */
struct nvsp_link *nvsp_link_create(const struct nvsp_link_cfg *cfg, const struct nvsp_link_ops *ops,
				   void *ctx);
/** NULL is fine. The switch sees the connection end, and stops touching the memory. */
void nvsp_link_destroy(struct nvsp_link *link);

/** -1 while not connected. May change in run(). */
int nvsp_link_fd(const struct nvsp_link *link);
/** How long nvsp_link_run() may wait for its next call when nothing comes in; -1: for ever. */
int nvsp_link_timeout_ms(const struct nvsp_link *link, uint64_t now_ms);
/** Connect when it is time, read everything that came. Does not wait. */
void nvsp_link_run(struct nvsp_link *link, uint64_t now_ms);
/** Everything was told to the switch, and taken by it. */
bool nvsp_link_is_up(const struct nvsp_link *link);
/** Why the last connection attempt failed, negative errno; 0: connected. */
int nvsp_link_error(const struct nvsp_link *link);

/** -EINPROGRESS; -EEXIST; -EINVAL; -ENOMEM. */
int nvsp_link_gpadl_add(struct nvsp_link *link, uint32_t id, const uint64_t *pfns, uint32_t n);
/** 0; -EINPROGRESS; -ENOENT. */
int nvsp_link_gpadl_del(struct nvsp_link *link, uint32_t id);

struct nvsp_link_target {
	uint64_t flags_gpa; /* SINT2's part of the VP's event-flag page: SIEFP + 512; 0: off now */
	uint32_t bit;       /* the channel's relid */
	int call_fd;        /* eventfd that interrupts that VP; non-blocking */
};

struct nvsp_link_open {
	uint32_t gpadl, downstream_page;
	struct nvsp_link_target target;
	int kick_fd; /* eventfd that the guest's signals write; non-blocking */
	bool resume; /* restoring a snapshot: it was open, cfg.state knows of it */
};

/** -EINPROGRESS; -EINVAL; -EBUSY open already. */
int nvsp_link_open(struct nvsp_link *link, uint32_t index, const struct nvsp_link_open *open);
/** 0; -EINPROGRESS. */
int nvsp_link_close(struct nvsp_link *link, uint32_t index);
bool nvsp_link_is_open(const struct nvsp_link *link, uint32_t index);
/** The guest moved the channel (MODIFY_CHANNEL) or the VP's event-flag page. 0; -EINPROGRESS; -ENOENT. */
int nvsp_link_target(struct nvsp_link *link, uint32_t index, const struct nvsp_link_target *target);

/** Nobody touches guest memory from its done on, until continue's. 0; -EINPROGRESS. */
int nvsp_link_pause(struct nvsp_link *link);
int nvsp_link_continue(struct nvsp_link *link);
/** What belongs into a snapshot, while paused. */
const void *nvsp_link_state(const struct nvsp_link *link, size_t *size);
