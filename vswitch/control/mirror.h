/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run-time side of mirror sessions: compiled filters, files. The model says which sessions there are
 * (vswitch/model/policy.h), workers copy frames (vswitch/policy/mirror.h).
 *
 * A session to a file appends nothing: the file is made anew when the session starts, which is also when the
 * daemon does. Only captures are overwritten. A file that cannot be written to any more (a full disk) ends the writing, and is tried again when
 * the session changes.
 *
 * Thread-safety: control thread. Proof: tests/net/mirror.test.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "vswitch/model/model.h"

struct vsw_engine;
struct vsw_mirror_rt;
struct vsw_mirror_tap;

/**
 * Run-time objects for the sessions of @m: those that run stay, new ones are made.
 *
 * *@ret: [m->n_mirrors], to be freed; NULL for a session whose file cannot be opened while the engine restores
 * Return: 0; errors of the filter and the file with @reterr.
 */
int vsw_mirrors_prepare(struct vsw_engine *e, const struct vsw_model *m,
			struct vsw_mirror_tap ***ret, struct vd_err *reterr);

/** After publishing (@good) or not: end those that nobody uses. */
void vsw_mirrors_settle(struct vsw_engine *e, bool good);

/** Write what came. Returns false when there is no session to a file. */
bool vsw_mirrors_drain(struct vsw_engine *e);

/** {"copied", "lost"} of a running session, or NULL. New reference. */
json_t *vsw_mirror_counts(const struct vsw_engine *e, const char *name);
