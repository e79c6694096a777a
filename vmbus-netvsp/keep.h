/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Notes that outlive the process: what nvsp_dev_resume() needs, in memory that somebody else owns.
 *
 * Theory of operation. While the device runs the notes are only written. Of everything that changes
 * there are two copies; a single word says which one counts, and it is stored after the copy is
 * whole. So at whatever instruction the process ends, the notes tell of one moment:
 *  - a channel's record: our position in both rings, the number of the last delivery published, and
 *    which copy of the settings counts. Stored before the guest sees the positions.
 *  - settings, buffers, unsent answers, in the bytes of a save; two copies, of the whole device. They
 *    change with the primary's packets, so they count from the same word on.
 *  - of every suballocation: the next of its delivery, and, where it heads one, on which channel and
 *    as which delivery. A number beyond the record's was never published: the id is free.
 * What the guest acknowledged is freed together with the record that says so. An acknowledgement that
 * is read again, because the record did not get that far, is ignored; until all such are behind us
 * nothing is delivered, so that no id can be meant that is in use again.
 *
 * Inside of this folder only. Thread-safety: a channel's record under its lock. Proof:
 * tests/unit/vmbus-netvsp/test_keep.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define KEEP_MAGIC    0x5045454bu /* "KEEP" */
#define KEEP_VERSION  1u
#define KEEP_CHANS    64u
#define KEEP_IDS      32768u
#define KEEP_SETTINGS 40960u

struct keep_record {
	uint32_t in_read, out_write;
	uint32_t seq;      /* of the last delivery published */
	uint32_t settings; /* the primary's: which copy counts */
};

struct keep_chan {
	uint32_t open;
	uint32_t gpadl, downstream;
	uint32_t current; /* which record counts */
	struct keep_record record[2];
	uint8_t pad[16];
};

struct keep_id {
	uint32_t next;
	uint32_t seq;  /* of the delivery it heads */
	uint32_t chan; /* index + 1 of the channel it was sent on; 0: heads none */
	uint32_t pad;
};

struct keep {
	uint32_t magic, version;
	uint32_t settings_size[2];
	uint8_t pad[4080];
	struct keep_chan chan[KEEP_CHANS];
	uint8_t settings[2][KEEP_SETTINGS];
	struct keep_id id[KEEP_IDS];
};

/** A channel's side of it, private. */
struct keep_state {
	uint32_t current, settings;
	uint32_t seq; /* of the last delivery put into the ring */
};

struct nvsp_chan;
struct nvsp_dev;

/** @c was opened, on a new ring or, with @resume, where it was. */
void nvsp_keep_open(struct nvsp_chan *c, uint32_t gpadl, uint32_t downstream);
void nvsp_keep_close(struct nvsp_chan *c);
/** What is in the ring and what was read count from now on. Before the guest is told. @c is locked.
 *  @settings: note them too; the primary's rx thread, with nothing left to be done. */
void nvsp_keep_commit(struct nvsp_chan *c, bool settings);
/** A delivery of these suballocations was put into the ring. @c is locked. */
void nvsp_keep_sent(struct nvsp_chan *c, const uint32_t *ids, uint32_t n);
/** The receive buffer is a new one: nothing of it is with the guest. */
void nvsp_keep_forget_ids(struct nvsp_dev *dev);
