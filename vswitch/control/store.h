/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What survives the daemon: one folder with the configuration and with notes about kernel objects
 * that must be taken over or removed after a crash.
 *
 *   lock               held while a daemon uses the folder; holds its process id
 *   config.json        {"viridian_state": 1, "document": {..}, "assigned_macs": [uuid..]}
 *   config.json.1 ..5  what it was before the last changes, newest first
 *   quarantine.json, isolation.json, audit.jsonl   see quarantine.h
 *   leases.json, meters.json   see leases.h, meters.h
 *   leftovers.json     {"boot": ID, "ports": [{"port", "device", "left"}]}; removed by a clean stop
 *
 * A change is prepared (written beside and synced) before it is published and committed (renamed)
 * after, so that a failing disk is noticed while nothing has changed, and a kill at any moment
 * leaves the old or the new file, whole.
 *
 * Thread-safety: control thread. Proof: tests/unit/vswitch/control/test_store.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define VSW_STORE_KEEP 5

struct vsw_store;

/** Use @dir (made when absent, mode 0750) and lock it. -EBUSY device.busy: another daemon has it. */
int vsw_store_open(const char *dir, struct vsw_store **ret, struct vd_err *reterr);

/** Unlock. Accepts NULL. */
void vsw_store_close(struct vsw_store *st);

/** The saved state; *@ret NULL when there is none yet. New reference. A file that is there but
 *  cannot be understood is an error (-EINVAL state.file), never ignored. */
int vsw_store_load(struct vsw_store *st, json_t **ret, struct vd_err *reterr);

/** Write @state beside the current one and sync it. commit() makes it the current one, abort()
 *  forgets it. After a failed commit() the old state is the current one still. */
int vsw_store_prepare(struct vsw_store *st, json_t *state, struct vd_err *reterr);
int vsw_store_commit(struct vsw_store *st, struct vd_err *reterr);
void vsw_store_abort(struct vsw_store *st);

/** The notes of the last run as its array of ports; NULL when there are none or the machine was
 *  booted since (then nothing is left). New reference. */
json_t *vsw_store_leftovers(struct vsw_store *st);

/** Replace the notes by @ports (borrowed); an empty array removes the file. Not synced: what it
 *  describes does not survive a crash of the machine either. */
int vsw_store_leftovers_set(struct vsw_store *st, json_t *ports);

/** Another file of the folder: read as JSON (new reference; -ENOENT, -EINVAL), replaced as a whole (written
 *  beside, synced with @sync, renamed). */
int vsw_store_get(struct vsw_store *st, const char *name, json_t **ret);
int vsw_store_put(struct vsw_store *st, const char *name, json_t *j, bool sync);

/** The folder, for files that are not JSON. */
int vsw_store_dir(const struct vsw_store *st);
/** What changes with each boot of the machine; "" when it is not known. */
const char *vsw_store_boot(const struct vsw_store *st);

/** Path of the current state file, for messages. */
const char *vsw_store_path(const struct vsw_store *st);
