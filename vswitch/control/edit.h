/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs that change the configuration, as edits of a model: what `switch add` and its relatives
 * mean, without making it so. The caller copies the model, edits the copy, validates it and gives
 * it to the engine; so a refused edit costs nothing.
 *
 * A switch's own adapters are ordinary ports with fixed names: "SWITCH:host" (role host, a tap) and
 * "SWITCH:uplink" (role uplink). They follow the switch when it is renamed, and go with it.
 *
 * Hyper-V semantics kept (Set-VMSwitch): giving an uplink converts to external; conversion to
 * private drops uplink and host adapters, to internal drops the uplink and makes a host adapter.
 * Difference, on purpose: a conversion to external keeps host adapters but never makes one, so
 * that no host joins a physical network without having been told to.
 *
 * @params are a request's, already checked against verbs.def. All return 0 or -errno with @reterr.
 * Thread-safety: pure. Proof: tests/unit/vswitch/control/test_edit.c.
 */
#pragma once

#include <jansson.h>

#include "vswitch/model/model.h"

int vsw_edit_switch_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_switch_set(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_switch_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);

int vsw_edit_port_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_port_set(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_port_move(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_port_link(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_port_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);

int vsw_edit_fdb_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_fdb_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);

/* ---- shared with the methods that only look ---- */

/** The object, or NULL with switch.not_found / port.not_found and the nearest name as hint. */
struct vsw_switch_cfg *vsw_edit_find_switch(const struct vsw_model *m, const char *name,
					    struct vd_err *reterr);
struct vsw_port_cfg *vsw_edit_find_port(const struct vsw_model *m, const char *name,
					struct vd_err *reterr);

/* ---- between the files of this module ---- */

/** Append a copy. -ENOMEM. */
int vsw_edit_push_port(struct vsw_model *m, const struct vsw_port_cfg *p, struct vd_err *reterr);
/** Remove port @i and the static entries that name it. */
void vsw_edit_drop_port(struct vsw_model *m, unsigned int i);
/** Remove the static entries of switch @sw that name @port. */
void vsw_edit_drop_statics(struct vsw_model *m, const char *sw, const char *port);
/** Rename a port and the static entries that name it. */
void vsw_edit_rename_port(struct vsw_model *m, struct vsw_port_cfg *p, const char *name);
/** Member @key as text; NULL when absent. */
const char *vsw_edit_text(json_t *params, const char *key);
/** The members of @params that are also members of the object's document form. New reference. */
json_t *vsw_edit_document(json_t *params, const char *const *keys);
