/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flight recorder of a port: its last drops, with the beginning of each frame. Always on: it costs a
 * dropped frame two cache lines of copying, a forwarded one nothing.
 *
 * Thread-safety: one writer, the worker it belongs to. Readers copy an entry and check that it was not
 * overwritten meanwhile. Proof: tests/unit/vswitch/datapath/test_recorder.c.
 */
#pragma once

#include <stdint.h>
#include <string.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "vswitch/datapath/drops.h"

#define VSW_RECORDER_ENTRIES 32
#define VSW_RECORDER_BYTES   96 /* of each frame */

struct vsw_record {
	uint64_t serial; /* atomic; from 1; 0: being written, or never used */
	uint64_t tsc;
	uint32_t detail; /* as vsw_pipeline_drop_by() was told: an access rule's id */
	uint32_t epoch;  /* of the port's gate then; 0: it had none */
	uint16_t reason; /* enum vsw_drop */
	uint16_t len;    /* of the frame, at most 65535 */
	uint16_t kept;   /* bytes of it in data */
	uint8_t data[VSW_RECORDER_BYTES];
};

struct vsw_recorder {
	uint64_t n; /* drops so far */
	struct vsw_record entry[VSW_RECORDER_ENTRIES];
};

static inline void vsw_recorder_add(struct vsw_recorder *r, const struct rte_mbuf *m,
				    enum vsw_drop reason, uint32_t detail, uint32_t epoch)
{
	struct vsw_record *e = &r->entry[r->n++ % VSW_RECORDER_ENTRIES];

	__atomic_store_n(&e->serial, 0, __ATOMIC_RELEASE);
	e->tsc = rte_rdtsc();
	e->detail = detail;
	e->epoch = epoch;
	e->reason = (uint16_t)reason;
	e->len = (uint16_t)RTE_MIN(m->pkt_len, (uint32_t)UINT16_MAX);
	e->kept = RTE_MIN(m->data_len, VSW_RECORDER_BYTES);
	memcpy(e->data, rte_pktmbuf_mtod(m, const void *), e->kept);
	__atomic_store_n(&e->serial, r->n, __ATOMIC_RELEASE);
}

/** The newest @n_max entries, newest first. Any thread. Returns how many. */
unsigned int vsw_recorder_read(const struct vsw_recorder *r, struct vsw_record *ret,
			       unsigned int n_max);
