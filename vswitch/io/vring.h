/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data path of a virtio ring, split or packed, device side: our own instead of librte_vhost's, because the
 * port is half of what a packet costs. Batched descriptor reads, prefetch, vector copies, one used-index
 * store and at most one interrupt per burst.
 *
 * Model. A ring is plain memory shared with a guest that may write any of it at any time. Every index and
 * descriptor is copied once, checked, and then used from the copy; every range is translated through
 * the region table (vsw_vmem) before it is touched. A ring that breaks the rules (an index beyond the ring, a
 * loop, a range outside guest memory, a wrong direction) is marked broken with a reason and left alone
 * until the guest sets it up again; nothing else is affected.
 *
 * Not offered: IOTLB, dirty logging.
 *
 * Thread-safety: one thread per ring at a time, except where noted; set-up only while no worker
 * uses the ring. Source: virtio 1.2, 2.7, 2.8 and 5.1.6. Proof: tests/unit/vswitch/io/test_vring.c,
 * test_vring_packed.c, tests/fuzz/fuzz_vring.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <linux/virtio_ring.h>
#include <rte_mbuf.h>

#define VSW_VMEM_REGIONS   64
#define VSW_VRING_SIZE_MAX 32768

struct vsw_vmem {
	uint32_t n;
	struct vsw_vmem_region {
		uint64_t gpa;  /* first guest-physical address */
		uint64_t size; /* bytes */
		uint8_t *hva;  /* where it is mapped here */
	} region[VSW_VMEM_REGIONS];
};

enum vsw_vring_broken {
	VSW_VRING_OK,
	VSW_VRING_AVAIL_INDEX, /* avail->idx ran further than the ring is long */
	VSW_VRING_HEAD,        /* a head beyond the ring */
	VSW_VRING_CHAIN,       /* next beyond the table, or a loop */
	VSW_VRING_ADDRESS,     /* a range outside guest memory */
	VSW_VRING_DIRECTION,   /* a buffer to write where one to read belongs, or the reverse */
	VSW_VRING_INDIRECT,    /* a malformed indirect table */
	VSW_VRING_HEADER,      /* no room for the virtio-net header */
};

/*
 * Where a packed ring stands, for our next life: its memory alone does not tell, and QEMU does not ask for it
 * when a network adapter's back end dies. Written in an order of which every prefix can be gone on from,
 * so that kill -9 at any instruction loses at most the frames of one burst (vsw_packed_recall()).
 */
struct vsw_vring_note {
	uint16_t size;  /* of the ring, in descriptors; 0: nothing is known */
	uint16_t shown; /* the guest has seen everything before this position given back */
	uint16_t
		next; /* ... and will when the burst ends, before this one; the same between bursts */
	uint16_t spare;
	uint64_t entry; /* the newest buffer given back: position | id << 16 | length << 32 */
	uint64_t last;  /* the newest one that was shown */
};
#define VSW_VRING_NO_ENTRY UINT64_MAX

struct vsw_vring {
	/* shared with the guest */
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *pdesc;
	};
	union {
		struct vring_avail *avail;
		struct vring_packed_desc_event *driver_event; /* packed: when to interrupt it */
	};
	union {
		struct vring_used *used;
		struct vring_packed_desc_event *device_event; /* packed: when to kick us */
	};
	/* ours */
	const struct vsw_vmem *mem;
	uint16_t size, mask;
	uint16_t last_avail, last_used;
	uint16_t hdr_size; /* 10 or 12 bytes */
	bool mergeable;    /* VIRTIO_NET_F_MRG_RXBUF */
	bool event_idx;    /* VIRTIO_F_RING_EVENT_IDX */
	bool packed; /* VIRTIO_F_RING_PACKED: last_avail and last_used are positions, below size */
	bool requests; /* the guest may ask for checksums or segmentation */
	bool signalled_valid;
	uint16_t signalled;         /* last_used when we last looked whether to interrupt */
	int kick_fd, call_fd;       /* eventfds, -1: none. Not owned. */
	uint8_t broken;             /* enum vsw_vring_broken */
	bool avail_wrap, used_wrap; /* packed: the round we are in */
	uint16_t held_flags;
	struct vring_packed_desc
		*held;               /* packed: first used descriptor of the burst, not shown yet */
	struct vsw_vring_note *note; /* packed; NULL at set-up: own_note */
	struct vsw_vring_note own_note; /* a life's only */
	struct rte_mempool *pool, *big_pool;
	/* counters; one writer */
	uint64_t bad_offload; /* frames whose header contradicts them */
	uint64_t no_buffer;   /* frames lost for want of our buffers */
	uint64_t too_big;     /* frames that no guest buffer could take */
	uint64_t interrupts;
};

/**
 * Take up to @n frames the guest has sent. Return: how many are in @pkts.
 * Frames it could not take (contradicting header, no buffer) are consumed and counted.
 */
typedef uint16_t (*vsw_vring_rx_fn)(struct vsw_vring *r, struct rte_mbuf **pkts, uint16_t n);

/**
 * Give the guest up to @n frames. Return: how many were taken, and freed; fewer when it has posted too
 * few buffers.
 */
typedef uint16_t (*vsw_vring_tx_fn)(struct vsw_vring *r, struct rte_mbuf **pkts, uint16_t n);

struct vsw_vring_ops {
	const char *name;
	vsw_vring_rx_fn rx;
	vsw_vring_tx_fn tx;
	vsw_vring_rx_fn rx_packed; /* for a ring with packed set */
	vsw_vring_tx_fn tx_packed;
};

/* The same code for different vector widths. */
extern const struct vsw_vring_ops vsw_vring_sse;
extern const struct vsw_vring_ops vsw_vring_avx2;
extern const struct vsw_vring_ops vsw_vring_avx512;

/** The widest that this CPU, and EAL's --force-max-simd-bitwidth, allow. */
const struct vsw_vring_ops *vsw_vring_best(void);

/** Check size (1..VSW_VRING_SIZE_MAX, of a split ring a power of two) and reset what is ours. Positions of a packed
 *  ring have their wrap counter in bit 15. -EINVAL. */
int vsw_vring_init(struct vsw_vring *r, uint16_t last_avail, uint16_t last_used);

/**
 * A packed ring that another life of ours has used: the base to go on from, by @r->note and the ring itself. Finishes
 * what that life was about to show the guest. @written: its buffers are for us to write. @told: the base that
 * the peer believes in.
 * Return: false: the note is of another ring, or of the same one before the guest reset it; nothing has changed.
 */
bool vsw_packed_recall(struct vsw_vring *r, bool written, uint16_t told, uint16_t *ret);

/** What vsw_vring_init() needs to go on from here. */
void vsw_vring_base(const struct vsw_vring *r, uint16_t *ret_avail, uint16_t *ret_used);

/** Ask the guest for a kick when it adds buffers (@on), or not. Return: true when there are some. */
bool vsw_vring_notify(struct vsw_vring *r, bool on);

/** Text of enum vsw_vring_broken. */
const char *vsw_vring_broken_text(enum vsw_vring_broken why);
