/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMBus, host side: versions 2.4 to 5.3, offers, GPADLs, channels. One struct vmb_bus is what one
 * guest is connected to. Messages of the guest go in through vmb_bus_input(), ours come out through
 * ops->post; what a device must do (open, close, give up memory) is asked through the other ops.
 *
 * Model. An offer is a channel the guest may open. The device behind it may live in another
 * process, so each op may finish later: it returns 0 (done), -EINPROGRESS (a vmb_*_done() call
 * follows) or another negative errno (refused). The guest is told only what is true already: ring
 * pages are given back after the device let go of them, UNLOAD is answered after every channel is
 * closed and every GPADL dropped. A new INITIATE_CONTACT (kexec, firmware handing over) does the same.
 *
 * Limits: 2047 channels; GPADL pages and unsent bytes as configured.
 * Thread-safety: none; one control thread. No op is called outside a function of this header, and
 * ops may call vmb_*_done() and vmb_offer_*() for any channel but not vmb_bus_input() or destroy.
 * Source: facts of Linux's drivers/hv and Microsoft's openvmm.
 * Proof: tests/unit/vmbus-netvsp/test_bus.c, test_gpadl.c, tests/fuzz/fuzz_vmbus_bus.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmbus-netvsp/gpadl.h"

struct vmb_bus;
struct vmb_chan;

struct vmb_open {
	uint32_t target_vp; /* or VMB_VP_NONE */
	uint32_t
		downstream_page; /* pages before it: guest-to-host ring; from it on: host-to-guest */
	const struct vmb_gpadl *ring;
};

struct vmb_bus_ops {
	/** Put one message (8..240 bytes) into the SINT2 slot of VP @vp. 0; -EAGAIN: the slot is busy,
	 *  call vmb_bus_flush() when it is free. */
	int (*post)(void *ctx, uint32_t vp, const void *msg, uint32_t size);
	int (*gpadl_add)(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *gpadl);
	/** Stop using the pages. Errors other than -EINPROGRESS count as done. */
	int (*gpadl_del)(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *gpadl);
	int (*open)(void *ctx, struct vmb_chan *chan, const struct vmb_open *open);
	/** Stop touching the rings. Errors other than -EINPROGRESS count as done. */
	int (*close)(void *ctx, struct vmb_chan *chan);
	/** Send interrupts to VP @vp from now on. */
	int (*modify)(void *ctx, struct vmb_chan *chan, uint32_t vp);
	/** @chan no longer exists: the guest released it or the connection ended. */
	void (*released)(void *ctx, struct vmb_chan *chan);
};

struct vmb_bus_cfg {
	uint32_t n_vps;           /* 1..; VP indices are below it */
	uint32_t max_version;     /* 0: the newest known, VMB_V5_3 */
	uint32_t gpadl_pages_max; /* 0: 327680 (1280 MiB) */
	uint32_t queue_bytes_max; /* 0: 102400; unsent messages beyond which input is refused */
};

struct vmb_bus_stats {
	uint64_t messages_in, messages_out;
	uint64_t dropped; /* unknown, short, or for something that is not there */
	uint64_t busy;    /* refused because too much is unsent */
};

/** @mem, @ops and @ctx must outlive the bus. NULL: no memory. */
struct vmb_bus *vmb_bus_create(const struct vmb_bus_cfg *cfg, const struct vmb_mem *mem,
			       const struct vmb_bus_ops *ops, void *ctx);

/** Frees everything without asking devices; NULL is fine. */
void vmb_bus_destroy(struct vmb_bus *bus);

/**
 * A POST_MESSAGE hypercall of type 1. @msg is in private memory.
 *
 * @connection the connection id it was posted to.
 * Return: 0 taken (also when it was nonsense: nonsense is counted and dropped); -EBUSY answer the
 * hypercall with status 19, the guest tries again; -ENOENT no such connection (status 18);
 * -EINVAL more than 240 bytes (status 5).
 */
int vmb_bus_input(struct vmb_bus *bus, uint32_t connection, const void *msg, uint32_t size);

/** Try again to post what is unsent. */
void vmb_bus_flush(struct vmb_bus *bus);

/** The VM is reset: forget the connection at once, close every channel; nothing is sent. */
void vmb_bus_reset(struct vmb_bus *bus);

/** 0 while not connected, else the negotiated version. */
uint32_t vmb_bus_version(const struct vmb_bus *bus);
/** True while channels are being closed for an UNLOAD, a new contact or a reset. */
bool vmb_bus_resetting(const struct vmb_bus *bus);
const struct vmb_bus_stats *vmb_bus_stats(const struct vmb_bus *bus);
/** Bytes of messages that wait for a free slot. */
uint32_t vmb_bus_unsent(const struct vmb_bus *bus);

struct vmb_offer {
	struct vmb_guid type;
	struct vmb_guid instance;
	uint16_t flags;
	uint16_t sub_index; /* 0: primary; n: n-th subchannel of the primary with the same GUIDs */
	int16_t monitor_id; /* 0..127; -1: none */
	void *priv;         /* the device's */
};

/**
 * Offer a channel; at once if the guest has asked for offers already.
 * Return: 0; -EEXIST the same type, instance and index are offered; -ENOENT a subchannel without a
 * primary that is not going away; -ENOSPC; -ENOMEM.
 */
int vmb_offer_add(struct vmb_bus *bus, const struct vmb_offer *offer, struct vmb_chan **ret);

/**
 * Take a channel back: its subchannels first, then close it, drop its GPADLs, tell the guest, wait
 * until the guest released it; then ops->released is called (maybe from within this call). A
 * second call does nothing. When a guest closes a primary, its subchannels are revoked by themselves.
 */
void vmb_offer_revoke(struct vmb_chan *chan);

/**
 * State as flat bytes. Return: bytes it takes, @buf is filled when @room is enough; 0: a device still
 * owes an answer, try again after it.
 */
size_t vmb_bus_save(const struct vmb_bus *bus, void *buf, size_t room);

/**
 * Go on where a save left off, on a new bus to which the devices (subchannels included) have been
 * offered already; they keep the relids the guest knows. Saved channels that nobody offers are
 * revoked (ops see them with offer.priv NULL), offers that were not saved are made. Devices are not
 * asked: hand them their page lists with vmb_bus_each_gpadl() and restore them by their own means.
 * 0; -ENOTSUP not a blob of ours, or a version we do not allow; -EINVAL, -EFAULT it contradicts
 * itself or guest memory; -EBUSY not new; -ENOMEM. After an error destroy the bus.
 */
int vmb_bus_restore(struct vmb_bus *bus, const void *buf, size_t size);

void vmb_bus_each_gpadl(struct vmb_bus *bus,
			void (*fn)(void *ctx, struct vmb_chan *chan, const struct vmb_gpadl *gpadl),
			void *ctx);

void vmb_open_done(struct vmb_chan *chan, int status);
void vmb_close_done(struct vmb_chan *chan);
void vmb_modify_done(struct vmb_chan *chan, int status);
void vmb_gpadl_add_done(struct vmb_bus *bus, uint32_t gpadl, int status);
void vmb_gpadl_del_done(struct vmb_bus *bus, uint32_t gpadl);

const struct vmb_offer *vmb_chan_offer(const struct vmb_chan *chan);
uint32_t vmb_chan_relid(const struct vmb_chan *chan);
uint32_t vmb_chan_connection(const struct vmb_chan *chan);
bool vmb_chan_is_open(const struct vmb_chan *chan);
/** For people: "open", "closing, revoked" ... */
const char *vmb_chan_state_text(const struct vmb_chan *chan);
uint32_t vmb_chan_target_vp(const struct vmb_chan *chan);
/** With what the guest opened @chan; false: it is not open. */
bool vmb_chan_opened_with(const struct vmb_chan *chan, struct vmb_open *ret);
struct vmb_chan *vmb_chan_by_relid(struct vmb_bus *bus, uint32_t relid);
