/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest driver's data path at full speed: what netvsc does per packet and no more. Frames go
 * packed into sections of the send buffer (up to what the host allows in one), larger ones by page
 * ranges; received ones are shown where they lie and acknowledged together at the end of a burst.
 * Works on a guest that was brought up by vsc.h.
 */
#pragma once

#include "tests/lib/vsc/vsc.h"

#define PUMP_SLOTS      24u /* large frames under way, of each channel */
#define PUMP_SLOT_PAGES 18u
#define PUMP_SECTIONS   4096u
#define PUMP_ACKS       512u

struct pump_frame {
	const uint8_t *data;
	uint32_t size;
	uint32_t
		copy; /* sending: that many bytes are written, the rest of the buffer stays; 0: all */
	/* per-packet info as the driver sends it; ~0: none */
	uint32_t csum, lso, vlan;
};

struct pump_ring {
	volatile uint32_t *head; /* words: 0 write, 1 read, 2 mask, 3 pending size */
	uint8_t *data;
	uint32_t size;
	uint32_t at; /* our position */
};

struct pump_chan {
	struct pump_ring out, in;
	uint32_t n_free;
	uint16_t free[PUMP_SECTIONS];
	uint32_t n_slots;
	uint8_t slots[PUMP_SLOTS];
	uint8_t *slot_host[PUMP_SLOTS];
	uint64_t slot_pfn[PUMP_SLOTS];
	uint64_t acks[PUMP_ACKS];
	uint32_t n_acks;
	uint64_t n_tx, n_tx_bad, n_rx, n_bad, n_indications;
};

struct pump {
	struct vsc *v;
	uint32_t n_chans;
	uint8_t *recv, *send; /* the buffers, mapped in one piece as the kernel has them */
	uint32_t recv_size, send_size, section;
	uint32_t packed;                        /* frames in one message */
	void (*kick)(void *ctx, uint32_t chan); /* the host asked to be told */
	void *ctx;
	struct pump_chan chan[VSC_CHANS];
};

/** @n_chans channels are open. 0 or negative errno. */
int pump_init(struct pump *p, struct vsc *v, uint32_t n_chans);
void pump_done(struct pump *p);

/** Return: frames taken. */
uint32_t pump_tx(struct pump *p, uint32_t chan, const struct pump_frame *f, uint32_t n);

typedef void (*pump_rx_fn)(void *ctx, uint32_t chan, const struct pump_frame *f, uint32_t rsc);
/** Read until about @max frames were shown to @fn. @rsc: RNDIS_RSC_* when it is a part. Return: frames. */
uint32_t pump_rx(struct pump *p, uint32_t chan, uint32_t max, pump_rx_fn fn, void *ctx);
/** Before sleeping (@on): interrupts wanted. Return: true when there is something to read. */
bool pump_arm(struct pump *p, uint32_t chan, bool on);
