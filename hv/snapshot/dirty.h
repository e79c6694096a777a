/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which pages of a running guest changed since its last snapshot, and which must still be copied for
 * the one that is being taken.
 *
 * Theory of operation. KVM logs what the guest writes. It does not see what this process and viridiand
 * write through their own mappings: rings, receive buffers, message and event pages. Such foreign
 * pages are marked when they are handed out (hv_ram_mark()); they are left out while the guest runs, and
 * looked at when it stands still: those whose fingerprint is another than at the last snapshot have
 * changed.
 *
 * Three bitmaps: what changed since the last finished snapshot (since); what that was when the one
 * under way stopped the guest, needed again when that one fails (pending); and what the one under way still
 * has to copy (todo: shared with the process that writes the file, which clears bits as it copies).
 *
 * Thread-safety: one thread, but for marking. Proof: tests/guest/snapshot.test.
 */
#pragma once

#include "hv/kvm.h"
#include "hv/ram.h"
#include "hv/snapshot/file.h"

struct hv_dirty {
	struct hv_kvm *kvm;
	const struct hv_ram *ram;
	bool logging; /* KVM's log is on */
	bool known;   /* since tells of a finished snapshot: last */
	bool under_way;
	uint8_t last[HV_SNAP_ID_SIZE];
	uint64_t n_pages;
	uint64_t *since, *pending, *log; /* [n_pages / 64] each */
	uint64_t *print;     /* [n_pages]: of foreign pages, at the last snapshot; 0 none */
	uint64_t *new_print; /* the same, of the one under way */
	uint64_t *todo;      /* the shared one */
	int todo_fd;
};

/** Cheap: nothing is allocated that is not used. 0; negative errno with @err. */
int hv_dirty_init(struct hv_dirty *d, struct hv_kvm *kvm, const struct hv_ram *ram,
		  struct vd_err *err);
void hv_dirty_done(struct hv_dirty *d);

/** A new KVM VM over the same memory, cleared or not: everything counts as changed. */
void hv_dirty_reset(struct hv_dirty *d);
/** Memory is what snapshot @id says: changes count from now on. 0 or negative errno. */
int hv_dirty_restored(struct hv_dirty *d, const uint8_t id[HV_SNAP_ID_SIZE]);

/** Begin a snapshot: @full, or of what changed since `last`. 0; -ESTALE nothing is known of changes. */
int hv_dirty_begin(struct hv_dirty *d, bool full);
/** Add what the guest wrote in the meantime to todo. Return: pages in todo, or negative errno. */
int64_t hv_dirty_round(struct hv_dirty *d);
/** The same for the last time: nobody writes any more. */
int64_t hv_dirty_stop(struct hv_dirty *d);
/** The snapshot is a good file: it is the last one now. */
void hv_dirty_commit(struct hv_dirty *d, const uint8_t id[HV_SNAP_ID_SIZE]);
/** There is no snapshot: what was to be copied is still to be copied the next time. */
void hv_dirty_abort(struct hv_dirty *d);
/** Pages handed out to others. */
uint64_t hv_dirty_n_foreign(const struct hv_dirty *d);
