/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies in their JSON form. Members that have their default are left out, so that a port without
 * policy looks as it always did. "patch": keys absent in the JSON keep what *@io has.
 *
 * In a port:
 *   tags: [web, prod]
 *   affinity: lan:uplink2      # preferred uplink of a team
 *   guard: {mac_spoofing, dhcp, router, control, priority_trust: bool (default false, the last true),
 *           pinning: off|static|snooped, pins: [prefix], floating: [prefix],
 *           storm_broadcast_pps, storm_multicast_pps, storm_unknown_pps, address_limit: int,
 *           team: NAME}
 *   qos: {max_from_vm, max_to_vm, min: bit/s, burst_from_vm, burst_to_vm: bytes, weight: 0-100}
 *   acl: [ {id, name, kind, direction: from-vm|to-vm|both, action: allow|deny|meter, local, remote,
 *           ethertype, protocol, local_port, remote_port, weight, stateful, idle_timeout_s, vlan,
 *           report_only, set_by, set_at} ]
 * Beside ports and switches:
 *   sets:    [ {name, members: [prefix or MAC]} ]
 *   mirrors: [ {name, switch, sources: ["PORT[,from-vm|to-vm]" or "all[,..]"], to_port | to_file,
 *           filter, snaplen} ]
 *
 * Thread-safety: pure. Proof: tests/unit/vswitch/model/test_policy_json.c.
 */
#pragma once

#include <jansson.h>

#include "base/read.h"
#include "vswitch/model/model.h"

/** The members of a port that are policy. @port: being read. Return: 0; -errno. */
int vsw_policy_from_json(const struct vd_read *port, bool patch, struct vsw_port_cfg *io);
/** One part of it; @rd: the part's object. @io is changed also on failure. */
int vsw_guard_from_json(const struct vd_read *rd, struct vsw_policy *io);
int vsw_qos_from_json(const struct vd_read *rd, struct vsw_qos *io);
/** One rule; direction both makes two. Return: 1 or 2, how many of @ret; -errno. */
int vsw_rule_from_json(const struct vd_read *rd, struct vsw_acl_rule ret[2]);
/** The rules behind key "acl" of @port, in that order, ids as given. */
int vsw_acl_from_json(const struct vd_read *port, json_t *list, struct vsw_acl **ret);

int vsw_switch_policy_from_json(const struct vd_read *rd, struct vsw_switch_cfg *io);

int vsw_set_from_json(json_t *j, const struct vd_doc *doc, struct vsw_set *ret,
		      struct vd_err *reterr);
int vsw_mirror_from_json(json_t *j, const struct vd_doc *doc, struct vsw_mirror *ret,
			 struct vd_err *reterr);

/** Add what is not default to the JSON form of a port (rules not: see vsw_acl_to_json()) or switch.
 *  Takes the object or NULL and returns it, or NULL after lack of memory. */
json_t *vsw_policy_put(json_t *port, const struct vsw_policy *p);
json_t *vsw_switch_policy_put(json_t *sw, const struct vsw_switch_cfg *s);

/** New references. */
json_t *vsw_guard_to_json(const struct vsw_policy *p, bool defaults);
json_t *vsw_qos_to_json(const struct vsw_qos *q, bool defaults);
json_t *vsw_rule_to_json(const struct vsw_acl_rule *r);
json_t *vsw_acl_to_json(const struct vsw_acl *a);
json_t *vsw_set_to_json(const struct vsw_set *s);
json_t *vsw_mirror_to_json(const struct vsw_mirror *s);
