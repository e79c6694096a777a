/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs that change the configuration, as edits of a model: what `switch add` and its relatives
 * mean, without making it so. The caller copies the model, edits the copy, validates it and gives
 * it to the engine; so a refused edit costs nothing.
 *
 * A switch's own adapters are ordinary ports with fixed names: "SWITCH:host" (role host, a tap) and
 * "SWITCH:uplink" (role uplink). They follow the switch when it is renamed, and go with it.
 *
 * Several uplinks are a team: "SWITCH:uplink", "SWITCH:uplink2", ... The list given replaces the team's
 * members (Set-VMSwitchTeam); an uplink whose device stays keeps its port.
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

/* A port's policy: @params has "port". */
int vsw_edit_guard_set(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_qos_set(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_acl_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_acl_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_acl_replace(struct vsw_model *m, json_t *params, struct vd_err *reterr);

int vsw_edit_set_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_set_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_mirror_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_mirror_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_set(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_map_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_map_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_pair_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_pair_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_address_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_address_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_reservation_add(struct vsw_model *m, json_t *params, struct vd_err *reterr);
int vsw_edit_nat_reservation_remove(struct vsw_model *m, json_t *params, struct vd_err *reterr);

/* ---- shared with the methods that only look ---- */
struct nat_conf *vsw_edit_find_nat(const struct vsw_model *m, const char *name,
				   struct vd_err *reterr);

/** The object, or NULL with switch.not_found / port.not_found and the nearest name as hint. */
struct vsw_switch_cfg *vsw_edit_find_switch(const struct vsw_model *m, const char *name,
					    struct vd_err *reterr);
struct vsw_port_cfg *vsw_edit_find_port(const struct vsw_model *m, const char *name,
					struct vd_err *reterr);

/** acl.not_found for rule @what (id or name) of @port, with the nearest name as hint. Returns -ENOENT. */
int vsw_edit_no_rule(const struct vsw_port_cfg *port, const char *what, struct vd_err *reterr);
/** Is @what the id or the name of @r? */
bool vsw_edit_is_rule(const struct vsw_acl_rule *r, const char *what);

/* ---- between the files of this module ---- */

/** "There is no KIND NAME" with the nearest of @n names that stand @stride bytes apart from @first. */
void vsw_edit_unknown(struct vd_err *e, enum vd_code code, const char *kind, const char *name,
		      const char *first, unsigned int n, size_t stride);
/** Mirror sessions and team affinities let go of a port or switch, or follow its new name. */
void vsw_edit_forget_port(struct vsw_model *m, const char *port);
void vsw_edit_forget_switch(struct vsw_model *m, const char *sw);
void vsw_edit_follow_port(struct vsw_model *m, const char *from, const char *to);
void vsw_edit_follow_switch(struct vsw_model *m, const char *from, const char *to);

/** Remove NAT network @i. */
void vsw_edit_drop_nat(struct vsw_model *m, unsigned int i);
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
