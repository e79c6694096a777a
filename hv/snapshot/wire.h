/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a running VM: what goes over it, no behaviour.
 *
 * UNIX SOCK_SEQPACKET, mode 0600, one request at a time; each is answered once. Only root and the user the
 * worker runs as are served. The one who asks writes the file, so that the worker, which may open
 * none, needs no right to.
 *
 *   INFO    what machine it is                       descriptors: its memory, the pages to copy (a bit each)
 *   BEGIN   a snapshot; HV_CTL_F_FULL: all of memory, else what changed since snapshot id
 *   ROUND   add what the guest wrote meanwhile; value: pages to copy. Whoever copies a page clears its bit first
 *   PAUSE   the guest stands still; value: pages left, value2: bytes of state. descriptor: records (file.h)
 *   RESUME  it goes on; value: microseconds that it stood still
 *   COMMIT  the file is complete and on disk, and its id is this
 *   STOP    instead of RESUME: the worker ends; the guest lives on in the file
 *
 * A connection that ends, or is silent for HV_CTL_PATIENCE_MS while the guest stands still, is answered by going
 * on as if nothing had been asked.
 */
#pragma once

#include <stdint.h>

#include "hv/snapshot/file.h"

#define HV_CTL_MAGIC       0x314d5656u /* "VVM1" */
#define HV_CTL_PATIENCE_MS 10000
#define HV_CTL_F_FULL      1u
#define HV_CTL_PARENT      "/run/viridian"
#define HV_CTL_DIR         HV_CTL_PARENT "/vm"

enum hv_ctl_type {
	HV_CTL_INFO = 1,
	HV_CTL_BEGIN,
	HV_CTL_ROUND,
	HV_CTL_PAUSE,
	HV_CTL_RESUME,
	HV_CTL_COMMIT,
	HV_CTL_STOP,
	HV_CTL_TYPES,
};

struct hv_ctl_request {
	uint32_t magic, type, flags, reserved;
	uint8_t id[HV_SNAP_ID_SIZE];
};
_Static_assert(sizeof(struct hv_ctl_request) == 32, "no holes");

struct hv_ctl_reply {
	uint32_t magic, type;
	uint32_t status; /* 0, or a positive errno; then text says why */
	uint32_t reserved;
	uint64_t value, value2;
	uint64_t n_foreign; /* pages that are looked at only when the guest stands still */
	uint8_t last[HV_SNAP_ID_SIZE]; /* changes since this snapshot are known; zero: none */
	struct hv_snap_head head;      /* what is known before: memory, processors, cards, name */
	char port[8][64];              /* of each card; a path starts with a slash */
	char text[128];
};
_Static_assert(sizeof(struct hv_ctl_reply) == 952, "no holes");
