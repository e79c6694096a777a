/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole software guest with one NIC: bus client and netvsc, laying out rings, buffers and
 * messages as Linux's drivers do; and the few lines of host that tie bus and NIC together in one
 * process. Everything runs in the caller's thread: what the guest sends is served when the test
 * polls the host, and the other way round.
 */
#pragma once

#include "tests/lib/vsc/gring.h"
#include "vmbus-netvsp/bus.h"
#include "vmbus-netvsp/netvsp.h"
#include "vmbus-netvsp/proto/nvsp_wire.h"
#include "vmbus-netvsp/proto/rndis_wire.h"

#define VSC_CHANS 8
#define VSC_KEEP  512

/** One frame that arrived, on either side. */
struct vsc_frame {
	struct nvsp_frame f; /* host side: after nvsp_frame_finish() */
	int finish;          /* host side: its result */
	uint32_t chan;
	uint32_t size;
	uint8_t *data; /* owned by the guest object */
	/* guest side: raw per-packet info, ~0 when absent */
	uint32_t csum, vlan, hash;
	bool rsc;
};

struct vsc_chan {
	bool offered, opened;
	uint32_t relid, gpadl, n_pages;
	uint64_t *pfns;
	struct gring out, in; /* guest to host, host to guest */
	uint32_t host_signals;
	unsigned int rescinds;
};

struct vsc {
	/* host */
	struct ram ram;
	struct vmb_mem mem;
	struct vmb_bus *bus;
	struct nvsp_dev *dev;
	struct vmb_chan *bus_chan[VSC_CHANS];
	enum vmb_fault fault[VSC_CHANS];
	uint32_t wanted_subchannels, filter, n_mac_sets, n_released;
	bool refuse_mac;
	struct vsc_frame host_rx[VSC_KEEP], guest_rx[VSC_KEEP];
	unsigned int n_host_rx, n_guest_rx;
	/* guest */
	uint32_t version;
	uint32_t next_gpadl;
	uint64_t next_xid;
	uint32_t last_status; /* of the last GPADL_CREATED or OPEN_RESULT */
	bool all_offers, unloaded;
	uint32_t torndown;
	struct vsc_chan chan[VSC_CHANS];
	uint32_t sub_pages; /* of each ring of a subchannel; 0: 8 */
	uint32_t nvsp_size; /* bytes of NVSP messages the guest sends */
	uint32_t recv_gpadl, send_gpadl, recv_pages, send_pages;
	uint64_t *recv_pfns, *send_pfns;
	uint32_t suballoc, n_suballocs, section;
	uint32_t frames_per_msg; /* that the host takes */
	bool together;           /* the receive buffer lies in one piece */
	bool hold_acks;          /* do not acknowledge data, as a driver that is slow */
	uint64_t held[VSC_KEEP];
	uint32_t held_chan[VSC_KEEP];
	unsigned int n_held;
	/* what the guest saw last */
	struct gpkt completion;
	bool got_completion;
	uint8_t control[4096];
	uint32_t control_size;
	unsigned int n_indications;
	uint32_t indication;
	uint32_t table[16];
	bool got_table;
	unsigned int rx_errors; /* anything a driver would complain about */
	uint32_t last_tx_status;
	unsigned int n_tx_done;
	/* the host is another process (remote.h): serve it, wait for its answers; NULL: it is here */
	void (*serve)(struct vsc *v, uint32_t index);
	/* called after each step of vsc_bring_up(); NULL: no */
	void (*step)(struct vsc *v);
	void (*settle)(struct vsc *v);
	void *remote;
};

struct vsc_up {
	uint32_t version;                /* NVSP_V1.. */
	uint32_t mtu;                    /* without Ethernet header */
	uint32_t recv_pages, send_pages; /* send 0: no send buffer */
	uint64_t caps;
	uint32_t ring_pages; /* each direction; 0: 16 */
};

/** @n_queues 1..VSC_CHANS. 0 or negative errno. */
int vsc_init(struct vsc *v, const struct nvsp_cfg *cfg);
void vsc_done(struct vsc *v);
/** The host forgets everything and offers @n_queues channels anew; the guest notices nothing. */
int vsc_host_restart(struct vsc *v, const struct nvsp_cfg *cfg, uint32_t n_queues);

int vsc_connect(struct vsc *v, uint32_t version);
/** A GPADL of pages made for the purpose. Return: 0 when the host accepted it. */
int vsc_gpadl(struct vsc *v, uint32_t relid, uint32_t id, const uint64_t *pfns, uint32_t n);
void vsc_teardown(struct vsc *v, uint32_t relid, uint32_t id);
int vsc_open(struct vsc *v, uint32_t index, uint32_t ring_pages);
void vsc_close(struct vsc *v, uint32_t index);
void vsc_bus_send(struct vsc *v, const void *msg, uint32_t size);

/** Serve the guest's channel @index until nothing is left. */
void vsc_host_poll(struct vsc *v, uint32_t index);
/** Read everything the host sent on channel @index. */
void vsc_guest_poll(struct vsc *v, uint32_t index);

/** Send an NVSP message and, with @completion, wait for its answer. 0; -1 none came. */
int vsc_nvsp(struct vsc *v, uint32_t index, const struct nvsp_msg_wire *m, bool completion,
	     struct nvsp_msg_wire *reply);
/** A control message; the answer is in v->control. 0; -1 none came. */
int vsc_control(struct vsc *v, const void *msg, uint32_t size);
/** Return: NDIS status. */
uint32_t vsc_query(struct vsc *v, uint32_t oid, void *out, uint32_t *size);
uint32_t vsc_set(struct vsc *v, uint32_t oid, const void *in, uint32_t size);

/** INIT .. RNDIS INITIALIZE, in the order Linux uses. 0; negative: the number of the failed step. */
int vsc_bring_up(struct vsc *v, const struct vsc_up *up);
/** Connect, open the primary, bring up, set the filter. */
int vsc_start(struct vsc *v, const struct vsc_up *up);
/** Ask for @n subchannels, offer and open what was granted. Return: how many. */
int vsc_subchannels(struct vsc *v, uint32_t n);
/** Down as Linux does: filter, HALT, revokes, closes, teardowns. */
void vsc_stop(struct vsc *v);

/** Make an RNDIS PACKET at @dst. Return: its size. */
uint32_t vsc_packet(uint8_t *dst, const void *ppi, uint32_t ppi_size, const void *frame,
		    uint32_t size);
/** One 107 with these bytes by send-buffer section (@section) or GPA-direct. 0; -1 no room. */
int vsc_send_raw(struct vsc *v, uint32_t index, const void *bytes, uint32_t size, uint32_t section);
/** One frame, with optional per-packet info. Serves the host. 0; -1. */
int vsc_send(struct vsc *v, uint32_t index, const void *frame, uint32_t size, const void *ppi,
	     uint32_t ppi_size);
/** Acknowledge held deliveries. */
void vsc_ack_held(struct vsc *v);
/** Give one frame to the guest and let it read. Return: what nvsp_tx_burst() said. */
unsigned int vsc_deliver(struct vsc *v, uint32_t index, const struct nvsp_frame *f,
			 const void *data);
