/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The methods of the control protocol: one function each, found by the names of ctl/rpc/verbs.def;
 * shapes of answers are in ctl/rpc/README.md and docs/reference/json.md.
 * Thread-safety: control thread.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "ctl/rpc/frame.h"
#include "vswitch/control/daemon.h"

struct vsw_call {
	struct vsw_daemon *d;
	struct vsw_client *client;
	json_t *id;     /* NULL: nobody waits for the answer */
	json_t *params; /* an object, checked against verbs.def */
	bool dry_run;
};

/** The method answers later, through vsw_client_reply(). */
#define VSW_LATER 1

typedef int (*vsw_method)(struct vsw_call *call, json_t **result, struct vd_err *reterr);

/** Check and carry out one request; answers the client in any case. */
void vsw_methods_dispatch(struct vsw_daemon *d, struct vsw_client *client,
			  const struct ctl_request *rq);

/** Copy the configuration, let @edit change it, make the result true (or not, with dry_run), and
 *  answer {"changes", "applied"}. */
int vsw_methods_change(struct vsw_call *call,
		       int (*edit)(struct vsw_model *, json_t *, struct vd_err *), json_t **result,
		       struct vd_err *reterr);
/** The same for a model that is there already (taken). */
int vsw_methods_apply(struct vsw_call *call, struct vsw_apply *a, json_t **result,
		      struct vd_err *reterr);

/** The range of ports that parameter "port" means: one, or all. -ENOENT. */
int vsw_methods_ports(const struct vsw_call *call, unsigned int *from, unsigned int *to,
		      struct vd_err *reterr);

struct vsw_rule_count;
/** What rule @rule of port @port has seen; false while the port is not open. */
bool vsw_rule_count_get(const struct vsw_daemon *d, unsigned int port, unsigned int rule,
			struct vsw_rule_count *ret);

/** The open back end of the port that parameter "port" names: *@ret, and its settings. -ENOENT: no such
 *  port; -ENODEV: its device is not here. */
int vsw_methods_open_port(struct vsw_call *call, const struct vsw_port_cfg **ret_cfg,
			  struct vsw_port **ret, struct vd_err *reterr);

/* ---- rows shared between methods; new references ---- */
json_t *vsw_row_port(struct vsw_daemon *d, unsigned int i);
json_t *vsw_row_stats(struct vsw_daemon *d, unsigned int i);
/** Append the drop rows of port @i to @out. */
void vsw_rows_drops(struct vsw_daemon *d, unsigned int i, bool all, json_t *out);

struct vsw_nat_filter;
/** NAT sessions of both back ends that @f wants, as rows. *@ret: new reference. -errno. */
int vsw_nat_sessions_find(struct vsw_daemon *d, const struct vsw_nat_filter *f, json_t **ret,
			  struct vd_err *reterr);

/** What `nat show` says about use: sessions, ports, addresses. */
json_t *vsw_nat_use(struct vsw_daemon *d, const struct nat_conf *c);

/* ---- the methods ---- */
#define VSW_METHOD(name) \
	int vsw_method_##name(struct vsw_call *call, json_t **result, struct vd_err *reterr)
VSW_METHOD(switch_add);
VSW_METHOD(switch_list);
VSW_METHOD(switch_show);
VSW_METHOD(switch_set);
VSW_METHOD(switch_remove);
VSW_METHOD(port_add);
VSW_METHOD(port_list);
VSW_METHOD(port_show);
VSW_METHOD(port_set);
VSW_METHOD(port_move);
VSW_METHOD(port_link);
VSW_METHOD(port_remove);
VSW_METHOD(nat_add);
VSW_METHOD(nat_list);
VSW_METHOD(nat_show);
VSW_METHOD(nat_set);
VSW_METHOD(nat_remove);
VSW_METHOD(nat_map_add);
VSW_METHOD(nat_map_list);
VSW_METHOD(nat_map_remove);
VSW_METHOD(nat_pair_add);
VSW_METHOD(nat_pair_list);
VSW_METHOD(nat_pair_remove);
VSW_METHOD(nat_address_add);
VSW_METHOD(nat_address_list);
VSW_METHOD(nat_address_remove);
VSW_METHOD(nat_reservation_add);
VSW_METHOD(nat_reservation_list);
VSW_METHOD(nat_reservation_remove);
VSW_METHOD(nat_leases);
VSW_METHOD(nat_session_list);
VSW_METHOD(nat_session_flush);
VSW_METHOD(nat_lookup);
VSW_METHOD(fdb_list);
VSW_METHOD(fdb_add);
VSW_METHOD(fdb_remove);
VSW_METHOD(fdb_flush);
VSW_METHOD(acl_add);
VSW_METHOD(acl_list);
VSW_METHOD(acl_show);
VSW_METHOD(acl_remove);
VSW_METHOD(acl_replace);
VSW_METHOD(guard_set);
VSW_METHOD(guard_show);
VSW_METHOD(qos_set);
VSW_METHOD(qos_show);
VSW_METHOD(team_show);
VSW_METHOD(set_add);
VSW_METHOD(set_list);
VSW_METHOD(set_remove);
VSW_METHOD(mirror_add);
VSW_METHOD(mirror_list);
VSW_METHOD(mirror_remove);
VSW_METHOD(meter_list);
VSW_METHOD(meter_reset);
VSW_METHOD(stats);
VSW_METHOD(drops);
VSW_METHOD(runtime);
VSW_METHOD(capture);
VSW_METHOD(trace);
VSW_METHOD(probe);
VSW_METHOD(why);
VSW_METHOD(nap_status);
VSW_METHOD(nap_show);
VSW_METHOD(nap_apply);
VSW_METHOD(nap_remove);
VSW_METHOD(nap_report);
VSW_METHOD(nap_isolate);
VSW_METHOD(nap_release);
VSW_METHOD(nap_exempt);
VSW_METHOD(nap_what_if);
VSW_METHOD(nap_simulate);
VSW_METHOD(nap_audit);
VSW_METHOD(config_apply);
VSW_METHOD(config_export);
VSW_METHOD(config_diff);
VSW_METHOD(doctor);
VSW_METHOD(version);
VSW_METHOD(describe);
VSW_METHOD(subscribe);
