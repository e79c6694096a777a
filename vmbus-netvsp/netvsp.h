/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The network VSP: one virtual NIC as a guest's netvsc driver sees it. NVSP 1 to 6.1, RNDIS control
 * and data, offloads, subchannels with RSS. Rings are polled: the owner of a channel calls
 * nvsp_rx_burst(), which takes frames and all control messages from the guest; nvsp_tx_burst()
 * gives frames to the guest.
 *
 * Threads. rx_burst, arm: one thread at a time per channel. tx_burst: any thread (a spin lock,
 * taken once a burst, guards the host-to-guest ring). gpadl_add/del, chan_open/close, set_link,
 * tick, destroy: one control thread; before chan_close() and gpadl_del() it makes sure that no
 * thread is inside, or will enter, a burst of a channel concerned. ops->signal and ops->event come
 * from within these calls, in the caller's thread, with no lock held.
 *
 * Limits: NVSP_QUEUES_MAX channels, one receive and one send buffer, NVSP_FRAMES_PER_MSG frames in
 * a message. A guest that breaks the protocol stops the channel it did it on (ops->event, FAULT).
 * Source: facts of Linux's drivers/net/hyperv, Microsoft's openvmm.
 * Proof: tests/unit/vmbus-netvsp/test_netvsp.c, tests/fuzz/fuzz_netvsp.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmbus-netvsp/fault.h"
#include "vmbus-netvsp/frame.h"
#include "vmbus-netvsp/mem.h"
#include "vmbus-netvsp/ring.h"

#define NVSP_QUEUES_MAX     64u
#define NVSP_FRAMES_PER_MSG 32u            /* announced to the guest and enforced */
#define NVSP_SEGS_MAX       128u           /* pieces of memory that one message may consist of */
#define NVSP_MTU_MAX        9202u          /* 9216 with Ethernet header */
#define NVSP_SECTION_SIZE   6144u          /* of the send buffer */
#define NVSP_KEEP_SIZE      (640u * 1024u) /* bytes of the notes that outlive the process */

struct nvsp_dev;
struct nvsp_chan;

struct nvsp_cfg {
	uint8_t mac[6];
	uint16_t max_queues; /* 1..NVSP_QUEUES_MAX */
	uint16_t max_mtu;    /* bytes without Ethernet header, 1500..NVSP_MTU_MAX */
	uint64_t speed_bps;
	bool link_up;
	bool trust_csum; /* tell the guest "good" for unfinished checksums instead of finishing them */
	char name[64]; /* shown in the guest; ASCII */
	void *keep;    /* NULL, or NVSP_KEEP_SIZE bytes that outlive us: see nvsp_dev_resume() */
};

enum nvsp_event_kind {
	NVSP_EV_FAULT,       /* chan stopped: fault */
	NVSP_EV_SUBCHANNELS, /* offer exactly count subchannels, index 1..count */
	NVSP_EV_FILTER,      /* filter: packet filter; 0: the guest's interface is down */
	NVSP_EV_MTU,         /* count: the guest's MTU without Ethernet header */
	NVSP_EV_OFFLOAD,     /* what nvsp_max_frame() says may be another now */
	NVSP_EV_GPADL_IDLE,  /* a buffer was given up: a refused gpadl_del may succeed now */
};

struct nvsp_event {
	enum nvsp_event_kind kind;
	struct nvsp_chan *chan;
	enum vmb_fault fault;
	uint32_t count;
	uint32_t filter;
};

struct nvsp_ops {
	/** Interrupt the guest for the channel opened with @chan_priv. */
	void (*signal)(void *ctx, void *chan_priv);
	void (*event)(void *ctx, const struct nvsp_event *ev);
	/** The guest wants another address. 0: taken; negative errno: policy forbids. */
	int (*set_mac)(void *ctx, const uint8_t mac[6]);
};

/** @mem, @ops, @ctx must outlive the device. NULL: no memory or bad configuration. */
struct nvsp_dev *nvsp_dev_create(const struct nvsp_cfg *cfg, const struct vmb_mem *mem,
				 const struct nvsp_ops *ops, void *ctx);
/** NULL is fine. No channel may be in a burst. */
void nvsp_dev_destroy(struct nvsp_dev *dev);

/**
 * Make a page list known. 0; -EEXIST; -EFAULT a page is not RAM; -EINVAL; -ENOMEM.
 * @linear NULL, or the same pages mapped one after the other by the caller: faster for scattered ones.
 */
int nvsp_gpadl_add(struct nvsp_dev *dev, uint32_t id, const uint64_t *pfns, uint32_t n_pages,
		   void *linear);
/** 0; -ENOENT; -EBUSY in use by an open channel or as a buffer (see NVSP_EV_GPADL_IDLE). */
int nvsp_gpadl_del(struct nvsp_dev *dev, uint32_t id);

/**
 * Open channel @index (0: primary) on ring pages of @gpadl; from @downstream_page on lies the
 * host-to-guest ring. Guest signals are off (masked) until nvsp_chan_arm().
 * 0; -EINVAL; -ENOENT no such GPADL or the subchannel was not granted; -EBUSY open already.
 */
int nvsp_chan_open(struct nvsp_dev *dev, uint32_t index, uint32_t gpadl, uint32_t downstream_page,
		   void *priv);
/** Closing the primary forgets everything the guest configured. */
void nvsp_chan_close(struct nvsp_dev *dev, uint32_t index);
struct nvsp_chan *nvsp_dev_chan(struct nvsp_dev *dev, uint32_t index);
enum vmb_fault nvsp_chan_fault(const struct nvsp_chan *chan);
bool nvsp_chan_is_open(const struct nvsp_chan *chan);

/** The @chan_priv of a channel that was opened by nvsp_dev_restore(). */
void nvsp_chan_set_priv(struct nvsp_chan *chan, void *priv);

/**
 * State as flat bytes, at any moment when no channel is in a burst. Return: bytes it takes; @buf is
 * filled when @room is enough.
 */
size_t nvsp_dev_save(const struct nvsp_dev *dev, void *buf, size_t room);

/**
 * Go on where a save left off, on a device that is new, with all its page lists added and guest
 * memory as it was. Channels are open afterwards (see nvsp_chan_set_priv()); signal the guest once on
 * each, as edges may be lost.
 * 0; -ENOTSUP not a blob of ours; -EINVAL it contradicts itself, the configuration or the page lists;
 * -ESTALE guest memory is of another moment; -EBUSY not new. After an error the device is new.
 */
int nvsp_dev_restore(struct nvsp_dev *dev, const void *buf, size_t size);

/**
 * Go on where a device with the same cfg.keep was when its process ended, at whatever moment, kill -9
 * included: on a new device, with all its page lists added. What it had in hand is neither lost nor
 * done twice towards the guest; of frames from the guest the last burst may be seen a second time.
 * Channels are open afterwards (see nvsp_chan_set_priv()); signal the guest once on each. The notes
 * are as hostile as a guest.
 * Return and state after an error as nvsp_dev_restore()'s.
 */
int nvsp_dev_resume(struct nvsp_dev *dev);

/** A piece of guest memory: hostile, may change while it is read. */
struct nvsp_seg {
	const uint8_t *ptr;
	uint32_t size;
};

/** Take one frame: copy it out of @segs (they sum up to f->size) before returning; then call
 *  nvsp_frame_finish() on the copy. */
typedef void (*nvsp_rx_fn)(void *ctx, struct nvsp_frame *f, const struct nvsp_seg *segs,
			   unsigned int n_segs);

#define NVSP_PLAIN_MAX 64u
#define NVSP_SLACK     64u

/** Where the frames of a burst go, in their order. */
struct nvsp_sink {
	nvsp_rx_fn frame;
	/**
	 * NULL, or takes up to NVSP_PLAIN_MAX frames at once that are one piece each and of which the guest asks
	 * nothing: no flags, nothing to finish. Copy them out before returning. Up to NVSP_SLACK bytes behind
	 * each piece may be read as well (not used), so that copies can be made of whole vectors.
	 */
	void (*plain)(void *ctx, const struct nvsp_seg *frames, unsigned int n);
};

/**
 * Take at most @max (>= NVSP_FRAMES_PER_MSG) frames from the guest and serve its control messages.
 * Return: frames given to @sink.
 */
unsigned int nvsp_rx_burst(struct nvsp_chan *chan, unsigned int max, const struct nvsp_sink *sink,
			   void *ctx);

struct nvsp_tx {
	struct nvsp_frame f;
	const struct nvsp_seg *segs;
	unsigned int n_segs;
};

/**
 * Give frames to the guest, in order. A frame that can never be delivered (longer than the MTU and
 * no RSC) counts as taken and as an error. Return: how many were taken; fewer than @n when receive
 * buffer or ring is full. When the guest's interface is down all are taken and dropped.
 */
unsigned int nvsp_tx_burst(struct nvsp_chan *chan, const struct nvsp_tx *pkts, unsigned int n);

/** The same for frames that are one piece each and of which there is nothing to tell (f.flags 0). */
unsigned int nvsp_tx_plain(struct nvsp_chan *chan, const struct nvsp_seg *frames, unsigned int n);

/** Before sleeping: let the guest signal. true: safe to sleep; false: there is work. */
bool nvsp_chan_arm(struct nvsp_chan *chan);
/** After sleeping: poll again, the guest need not signal. */
void nvsp_chan_disarm(struct nvsp_chan *chan);

/** Largest frame tx_burst takes as it is, and whether larger LSO frames are taken (RSC). */
uint32_t nvsp_max_frame(const struct nvsp_dev *dev, bool *rsc);

/** Hash of a frame's flow with the guest's key; false when RSS is off or it is not IP. @hdr is the
 *  start of the frame, private. */
bool nvsp_rss_hash(const struct nvsp_dev *dev, const uint8_t *hdr, uint32_t size, uint32_t *ret);
/** Is there more than one channel to choose from by hash? */
bool nvsp_rss_on(const struct nvsp_dev *dev);
/** The open channel for a hash; the primary while RSS is off. */
uint32_t nvsp_rss_queue(const struct nvsp_dev *dev, uint32_t hash);

/** The address a guest is told from now on; its driver asks when it starts. No channel may be in a
 *  burst. Control thread. */
void nvsp_set_mac(struct nvsp_dev *dev, const uint8_t mac[6]);

/** The largest MTU a guest may choose from now on, as nvsp_cfg.max_mtu. Control thread. */
void nvsp_set_max_mtu(struct nvsp_dev *dev, uint16_t mtu);

/** The cable. @now_ms: any clock that never goes back. Guests hear of it at once or in later ticks:
 *  they miss changes that come too fast. */
void nvsp_set_link(struct nvsp_dev *dev, bool up, uint64_t now_ms);
/** Once a second or so, while channels are open. */
void nvsp_tick(struct nvsp_dev *dev, uint64_t now_ms);

struct nvsp_stats {
	uint64_t rx_frames, rx_bytes, rx_bad;          /* from the guest */
	uint64_t tx_frames, tx_bytes, tx_down, tx_big; /* to the guest */
	uint64_t tx_no_buffer, tx_no_ring;             /* bursts cut short */
	uint64_t signals;
};

struct nvsp_info {
	uint32_t nvsp_version; /* 0: not negotiated */
	uint32_t ndis_version; /* major << 16 | minor */
	uint32_t mtu;          /* bytes without Ethernet header */
	uint32_t filter;
	uint32_t n_queues; /* granted */
	uint32_t n_open;
	uint32_t recv_suballocs, recv_suballoc_size, recv_busy;
	uint32_t send_sections;
	bool rndis_ready, link_up, rsc, rss;
	uint8_t mac[6];
};

/** The rings of an open channel at this moment: our positions, and what the guest sees. */
struct nvsp_rings {
	uint32_t in_read;   /* we have read up to here */
	uint32_t out_write; /* we have written up to here */
	uint32_t n_todo;    /* completions and acknowledgements not done yet */
	struct vmb_ring_words in, out;
};

/** false: the channel is not open. Control thread. */
bool nvsp_chan_rings(const struct nvsp_chan *chan, struct nvsp_rings *ret);

void nvsp_dev_info(const struct nvsp_dev *dev, struct nvsp_info *ret);
/** Sum of what one channel counted. */
void nvsp_chan_stats(const struct nvsp_chan *chan, struct nvsp_stats *ret);
