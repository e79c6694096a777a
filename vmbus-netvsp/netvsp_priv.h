/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the network VSP: shared by its own files only. */
#pragma once

#include "vmbus-netvsp/keep.h"
#include "vmbus-netvsp/netvsp.h"
#include "vmbus-netvsp/proto/nvsp_wire.h"
#include "vmbus-netvsp/proto/rndis_wire.h"
#include "vmbus-netvsp/ring.h"

#define ETH_HDR     14u
#define PENDING_MAX 256u
#define CTL_MSG_MAX 1024u /* longest control message we send */
#define CTL_IN_MAX  4096u /* longest one we take */
#define CTL_QUEUE   32u
#define CTL_IDS     16u  /* suballocations kept for control replies */
#define TX_RANGES   256u /* in one packet; Linux copes with 375 */
#define RETIRED_MAX 8u
#define RSS_ENTRIES 128u
#define RSS_KEY     40u
#define HEADROOM    256u /* RNDIS header and per-packet info, as other hosts leave */
#define TAILROOM    36u  /* some Windows drivers write this much behind a frame */
#define NO_ID       0xffffffffu

struct gpadl_pages {
	struct gpadl_pages *next;
	uint32_t id, n, refs;
	uint8_t *linear; /* caller's */
	uint8_t *pages[];
};

/** The receive buffer. Immutable but for the id bookkeeping, which the channel locks guard. */
struct recv_buf {
	struct recv_buf *next; /* retired ones */
	struct gpadl_pages *gpadl;
	struct vmb_view view;
	uint16_t id;
	uint32_t suballoc, count, n_ctl;
	/* ids [lo, hi) belong to a queue; its free ones are stacked at free_ids + lo */
	struct recv_queue {
		uint32_t lo, hi, n_free;
	} queue[NVSP_QUEUES_MAX];
	uint32_t ctl_free; /* bit mask of free control ids */
	uint32_t *free_ids;
	uint8_t **at;    /* host address of each; NULL: it lies in pages apart */
	uint32_t *chain; /* next id of the same delivery, or NO_ID */
	uint8_t *head;   /* channel index + 1 when the id heads an outstanding delivery */
};

/**
 * What a packet of the guest leaves to be done, in order: a completion to be put into the ring, or a
 * delivery to be freed. Done together, under the channel's lock, so that whoever takes over after a
 * crash finds either the packet or its effects (keep.h).
 */
struct todo {
	uint64_t xid;
	uint32_t before; /* ring position of the packet */
	uint8_t size;    /* bytes of the answer */
	bool ack;        /* free the delivery xid */
	bool replay;     /* a former life may have done it already */
	uint8_t status;  /* not 0: the answer is RNDIS_COMPLETE with it, and msg is not filled in */
	struct nvsp_msg_wire msg;
};

/** A burst of frames from the guest, under way. */
struct rx_burst {
	const struct nvsp_sink *sink;
	void *ctx;
	unsigned int frames;  /* given to the sink, or waiting in the channel's plain[] */
	unsigned int n_plain; /* waiting */
	/* frames that end before here may wait; NULL: what is looked at is no place for it */
	const uint8_t *plain_end;
	unsigned int max; /* frames */
	/* packets of the ring that were looked at, and where the next such one begins: hints */
	unsigned int n_ahead;
	uint32_t ahead;
};

struct nvsp_chan {
	struct nvsp_dev *dev;
	uint32_t index;
	bool open;
	bool fault_told;
	enum vmb_fault fault;
	void *priv;
	struct gpadl_pages *gpadl;
	/* rx thread's */
	struct nvsp_seg segs[NVSP_SEGS_MAX], cut[NVSP_SEGS_MAX];
	struct nvsp_seg plain[NVSP_PLAIN_MAX];
	const void *reader; /* who was in the last burst: compared, no more */
	/* of the last plain message: where in a section the others may begin */
	uint32_t record_size;
	struct todo todo[PENDING_MAX];
	uint32_t n_todo, first_todo;
	uint32_t before;      /* ring position of the packet being dealt with */
	uint32_t replay_left; /* bytes of the ring that a former life may have read already */
	bool replaying;       /* the packet being dealt with is of these */
	bool replay;          /* not all of their effects are in place: nothing is delivered */
	uint8_t ctl_in[CTL_IN_MAX];
	/* guarded by lock */
	uint32_t lock __attribute__((aligned(64)));
	struct vmb_ring_out out;
	uint32_t in_done; /* every effect of what lies before is in place */
	struct keep_state keep;
	struct nvsp_stats tx_stats;
	struct {
		struct vmb_xfer_wire head;
		struct vmb_xfer_range_wire range[TX_RANGES];
	} tx_ext; /* as it goes into the ring */
	uint32_t tx_ids[TX_RANGES + 1];
	uint16_t rsc_id;
	/* rx thread's again */
	struct nvsp_stats rx_stats __attribute__((aligned(64)));
	struct vmb_ring_in in;
};

enum nvsp_state { ST_CLOSED, ST_INIT, ST_READY };

struct ctl_msg {
	uint32_t size;
	uint8_t data[CTL_MSG_MAX];
};

struct nvsp_dev {
	struct nvsp_cfg cfg;
	const struct vmb_mem *mem;
	const struct nvsp_ops *ops;
	void *ctx;
	struct gpadl_pages *gpadls;
	/* written by the primary's rx thread, read by all */
	uint32_t version; /* NVSP; 0 before INIT */
	uint32_t ndis_version;
	uint64_t caps;
	uint32_t mtu;
	bool configured, rndis_ready;
	uint32_t filter;
	uint8_t mac[6];
	struct recv_buf *recv; /* atomic */
	struct recv_buf *retired;
	uint32_t n_retired;
	struct gpadl_pages *send;
	uint16_t send_id;
	struct vmb_view send_view;
	uint32_t n_sections; /* of it */
	uint32_t n_queues;
	bool subchannels_asked, table_sent;
	bool rsc_v4, rsc_v6, rss_on;
	uint16_t rss_table[RSS_ENTRIES];
	uint32_t rss_lut[RSS_KEY - 4][2][16]; /* Toeplitz, a nibble at a time */
	uint8_t rss_key[RSS_KEY];
	uint32_t rss_hash_types;
	/* guarded by the primary's lock */
	struct ctl_msg ctl[CTL_QUEUE];
	uint32_t ctl_first, n_ctl;
	bool link_up, link_told, link_blip, link_ever;
	uint64_t link_ms;
	struct keep *keep; /* NULL, or shared with a stranger: written only */
	bool keep_dirty;   /* settings changed since they were noted */
	bool resuming;
	struct nvsp_chan *chans; /* max_queues */
};

static inline void keep_touch(struct nvsp_dev *dev)
{
	if (dev->keep)
		dev->keep_dirty = true;
}

static inline void chan_lock(struct nvsp_chan *c)
{
	while (__atomic_exchange_n(&c->lock, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(&c->lock, __ATOMIC_RELAXED))
			__builtin_ia32_pause();
}

static inline void chan_unlock(struct nvsp_chan *c)
{
	__atomic_store_n(&c->lock, 0, __ATOMIC_RELEASE);
}

static inline struct recv_buf *recv_get(const struct nvsp_dev *dev)
{
	return __atomic_load_n(&dev->recv, __ATOMIC_ACQUIRE);
}

static inline uint32_t msg_size(const struct nvsp_dev *dev)
{
	return dev->version >= NVSP_V61 ? NVSP_MSG_SIZE_V61 : NVSP_MSG_SIZE_OLD;
}

static inline bool rsc_on(const struct nvsp_dev *dev)
{
	return dev->version >= NVSP_V61 && dev->caps & NVSP_CAP_RSC && dev->rsc_v4 && dev->rsc_v6;
}

/* netvsp.c */
void nvsp_event(struct nvsp_dev *dev, struct nvsp_event ev);
struct gpadl_pages *nvsp_gpadl_find(struct nvsp_dev *dev, uint32_t id);
void nvsp_stop(struct nvsp_chan *c, enum vmb_fault fault);
/** Close everything and forget what the guest configured. */
void nvsp_dev_forget(struct nvsp_dev *dev);
/** As nvsp_chan_open(), on a ring in use. */
int nvsp_chan_resume(struct nvsp_dev *dev, uint32_t index, uint32_t gpadl, uint32_t downstream);

/**
 * From a sender, when it is also who receives on this channel: its ring is looked at soon, and the guest has just written
 * what stands there.
 */
void nvsp_prefetch_ring(const struct nvsp_chan *c);

/* nvsp_buf.c */
/** @suballoc 0: what the MTU needs. */
enum vmb_fault nvsp_recv_set(struct nvsp_dev *dev, uint32_t gpadl, uint16_t id, uint32_t suballoc);
void nvsp_recv_revoke(struct nvsp_dev *dev);
void nvsp_recv_free_retired(struct nvsp_dev *dev);
void nvsp_recv_split(struct nvsp_dev *dev, struct recv_buf *rb, uint32_t n_queues);
/** Free the delivery @id heads, acknowledged on @c. NONE; COMPLETION_ID. @c is locked, but may be
 *  unlocked meanwhile. */
enum vmb_fault nvsp_recv_ack(struct nvsp_chan *c, struct recv_buf *rb, uint64_t id);
enum vmb_fault nvsp_send_set(struct nvsp_dev *dev, uint32_t gpadl, uint16_t id);
void nvsp_send_revoke(struct nvsp_dev *dev);

/* nvsp_msg.c: one packet that is not a completion */
bool nvsp_version_known(uint32_t v);
enum vmb_fault nvsp_on_packet(struct nvsp_chan *c, const struct vmb_pkt *pkt, struct rx_burst *b);
/** The answer that @t stands for. */
void nvsp_todo_msg(const struct todo *t, struct nvsp_msg_wire *ret);

/* nvsp_data.c */
int nvsp_segs_collect(struct nvsp_chan *c, const struct vmb_pkt *pkt, const struct nvsp_msg_wire *m,
		      unsigned int *n_segs, uint32_t *total, enum vmb_fault *fault);
void nvsp_segs_copy(const struct nvsp_seg *segs, unsigned int n, uint32_t off, void *dst,
		    uint32_t size);
/** Walk RNDIS messages in c->segs; give frames to the sink. Return: NVSP status for the completion. */
uint32_t nvsp_rndis_data(struct nvsp_chan *c, unsigned int n_segs, uint32_t total,
			 struct rx_burst *b);
/** Give the sink what waits in c->plain. */
void nvsp_plain_flush(struct nvsp_chan *c, struct rx_burst *b);
/** A packet that the short ways take: its payload right behind @d, all @there, with @d @least bytes and no more than NVSP has. */
static inline bool nvsp_desc_plain(const struct vmb_pkt_desc_wire *d, uint32_t least,
				   uint32_t there)
{
	return d->offset8 == 2 && d->len8 >= least / 8 &&
	       d->len8 <= (sizeof(*d) + sizeof(struct nvsp_msg_wire)) / 8 &&
	       d->len8 * 8u + VMB_PKT_TRAILER <= there;
}

/**
 * The next packet of the ring, if it is what nearly all are: data in a section of the send buffer, both in
 * one piece of memory here. The same as vmb_ring_in_next() and nvsp_on_packet() would do, without copying what is
 * not looked at. With room for fewer frames than a message may have it must be plain and fit.
 * false: it is another one, and was not touched.
 */
bool nvsp_section_packet(struct nvsp_chan *c, struct rx_burst *b);

/* rndis_ctl.c */
enum vmb_fault nvsp_rndis_control(struct nvsp_dev *dev, const uint8_t *msg, uint32_t size);
int nvsp_ctl_queue(struct nvsp_dev *dev, const void *msg, uint32_t size); /* takes the lock */
/** Send queued control messages and the table; the primary's lock is held. */
void nvsp_ctl_flush_locked(struct nvsp_dev *dev);
void nvsp_indicate(struct nvsp_dev *dev, uint32_t status, const void *data, uint32_t size);

/* oid.c */
uint32_t nvsp_oid_query(struct nvsp_dev *dev, uint32_t oid, uint8_t *out, uint32_t *size);
uint32_t nvsp_oid_set(struct nvsp_dev *dev, uint32_t oid, const uint8_t *in, uint32_t size);
void nvsp_offload_config(const struct nvsp_dev *dev, struct ndis_offload_wire *ret, bool current);

/* rss.c */
void nvsp_rss_key(struct nvsp_dev *dev, const uint8_t *key);
uint32_t nvsp_rss_set(struct nvsp_dev *dev, const uint8_t *in, uint32_t size);

/* nvsp_save.c */
/** Settings, buffers and unsent answers as bytes: the first part of a save. */
size_t nvsp_save_head(const struct nvsp_dev *dev, void *buf, size_t room);
