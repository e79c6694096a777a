/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a request to the function that carries it out: see methods.h. */
#include "vswitch/control/methods.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "ctl/rpc/verbs.h"
#include "vswitch/control/edit.h"

static const struct {
	const char *name;
	vsw_method run;
	bool privileged; /* changes or reveals something although it is no change of configuration */
} methods[] = {
	{"switch.add", vsw_method_switch_add, false},
	{"switch.list", vsw_method_switch_list, false},
	{"switch.show", vsw_method_switch_show, false},
	{"switch.set", vsw_method_switch_set, false},
	{"switch.remove", vsw_method_switch_remove, false},
	{"port.add", vsw_method_port_add, false},
	{"port.list", vsw_method_port_list, false},
	{"port.show", vsw_method_port_show, false},
	{"port.set", vsw_method_port_set, false},
	{"port.move", vsw_method_port_move, false},
	{"port.link", vsw_method_port_link, false},
	{"port.remove", vsw_method_port_remove, false},
	{"nat.add", vsw_method_nat_add, false},
	{"nat.list", vsw_method_nat_list, false},
	{"nat.show", vsw_method_nat_show, false},
	{"nat.set", vsw_method_nat_set, false},
	{"nat.remove", vsw_method_nat_remove, false},
	{"nat.map.add", vsw_method_nat_map_add, false},
	{"nat.map.list", vsw_method_nat_map_list, false},
	{"nat.map.remove", vsw_method_nat_map_remove, false},
	{"nat.pair.add", vsw_method_nat_pair_add, false},
	{"nat.pair.list", vsw_method_nat_pair_list, false},
	{"nat.pair.remove", vsw_method_nat_pair_remove, false},
	{"nat.address.add", vsw_method_nat_address_add, false},
	{"nat.address.list", vsw_method_nat_address_list, false},
	{"nat.address.remove", vsw_method_nat_address_remove, false},
	{"nat.reservation.add", vsw_method_nat_reservation_add, false},
	{"nat.reservation.list", vsw_method_nat_reservation_list, false},
	{"nat.reservation.remove", vsw_method_nat_reservation_remove, false},
	{"nat.leases", vsw_method_nat_leases, false},
	{"nat.session.list", vsw_method_nat_session_list, false},
	{"nat.session.flush", vsw_method_nat_session_flush, true},
	{"nat.lookup", vsw_method_nat_lookup, true},
	{"fdb.list", vsw_method_fdb_list, false},
	{"fdb.add", vsw_method_fdb_add, false},
	{"fdb.remove", vsw_method_fdb_remove, false},
	{"fdb.flush", vsw_method_fdb_flush, true},
	{"acl.add", vsw_method_acl_add, false},
	{"acl.list", vsw_method_acl_list, false},
	{"acl.show", vsw_method_acl_show, false},
	{"acl.remove", vsw_method_acl_remove, false},
	{"acl.replace", vsw_method_acl_replace, false},
	{"guard.set", vsw_method_guard_set, false},
	{"guard.show", vsw_method_guard_show, false},
	{"qos.set", vsw_method_qos_set, false},
	{"qos.show", vsw_method_qos_show, false},
	{"team.show", vsw_method_team_show, false},
	{"set.add", vsw_method_set_add, false},
	{"set.list", vsw_method_set_list, false},
	{"set.remove", vsw_method_set_remove, false},
	{"mirror.add", vsw_method_mirror_add, false},
	{"mirror.list", vsw_method_mirror_list, false},
	{"mirror.remove", vsw_method_mirror_remove, false},
	{"meter.list", vsw_method_meter_list, false},
	{"meter.reset", vsw_method_meter_reset, true},
	{"stats", vsw_method_stats, false},
	{"drops", vsw_method_drops, false},
	{"runtime", vsw_method_runtime, false},
	{"capture", vsw_method_capture, true},
	{"trace", vsw_method_trace, false},
	{"probe", vsw_method_probe, false},
	{"why", vsw_method_why, true},
	{"nap.status", vsw_method_nap_status, false},
	{"nap.show", vsw_method_nap_show, false},
	{"nap.apply", vsw_method_nap_apply, false},
	{"nap.remove", vsw_method_nap_remove, false},
	{"nap.report", vsw_method_nap_report, true},
	{"nap.isolate", vsw_method_nap_isolate, true},
	{"nap.release", vsw_method_nap_release, true},
	{"nap.exempt", vsw_method_nap_exempt, true},
	{"nap.what-if", vsw_method_nap_what_if, false},
	{"nap.simulate", vsw_method_nap_simulate, false},
	{"nap.audit", vsw_method_nap_audit, true},
	{"config.apply", vsw_method_config_apply, false},
	{"config.export", vsw_method_config_export, false},
	{"config.diff", vsw_method_config_diff, false},
	{"doctor", vsw_method_doctor, false},
	{"version", vsw_method_version, false},
	{"describe", vsw_method_describe, false},
	{"subscribe", vsw_method_subscribe, false},
};

#define N_METHODS (sizeof(methods) / sizeof(methods[0]))

static int find(const char *name, struct vd_err *reterr)
{
	const char *names[N_METHODS], *best;
	char hint[128];

	for (size_t i = 0; i < N_METHODS; i++) {
		if (!strcmp(methods[i].name, name))
			return (int)i;
		names[i] = methods[i].name;
	}
	best = vd_suggest(name, names, N_METHODS);
	snprintf(hint, sizeof(hint), best ? "did you mean %s?" : "\"describe\" lists the methods",
		 best);
	return vd_err_set(reterr, -ENOSYS, VD_E_RPC_METHOD, NULL, hint, "there is no method %.100s",
			  name);
}

static int check(const struct vsw_call *call, int method, const struct ctl_verb *verb,
		 struct vd_err *reterr)
{
	int rc = ctl_params_check(verb, call->params, reterr);

	if (rc)
		return rc;
	if ((verb->changes || methods[method].privileged) && !vsw_client_may_change(call->client))
		return vd_err_set(reterr, -EPERM, VD_E_PERMISSION, NULL,
				  "run it as root, or join the group viridian",
				  "%s (%s) may look but not do this", vsw_client_who(call->client),
				  verb->method);
	return 0;
}

/* One line for each thing that was asked to change, and for each failure. */
static void log_outcome(const struct vsw_call *call, const struct ctl_verb *verb, int rc,
			json_t *result, const struct vd_err *err)
{
	const char *port = vsw_edit_text(call->params, "port");
	const char *name = port ? port : vsw_edit_text(call->params, "name");

	if (rc < 0 && vsw_server_may_log(call->d->server))
		vd_log(verb->changes ? LOG_ERR : LOG_INFO, "rpc", vsw_client_who(call->client),
		       "%s %s failed: %s: %s", verb->method, name ? name : "",
		       vd_code_text(err->code), err->message);
	else if (rc >= 0 && verb->changes && !call->dry_run)
		vd_log(LOG_NOTICE, "rpc", vsw_client_who(call->client), "%s %s: %zu changes",
		       verb->method, name ? name : "",
		       json_array_size(json_object_get(result, "changes")));
}

void vsw_methods_dispatch(struct vsw_daemon *d, struct vsw_client *client,
			  const struct ctl_request *rq)
{
	struct vsw_call call = {.d = d, .client = client, .id = rq->id};
	const struct ctl_verb *verb = NULL;
	struct vd_err err = {0};
	json_t *result = NULL;
	int rc, i = find(rq->method, &err);

	rc = i < 0 ? i : 0;
	if (i >= 0) {
		verb = ctl_verb_of_method(rq->method);
		call.params = rq->params ? json_incref(rq->params) : json_object();
		call.dry_run = json_is_true(json_object_get(call.params, "dry_run"));
		rc = verb ? check(&call, i, verb, &err) : -ENOSYS;
		if (!rc)
			rc = methods[i].run(&call, &result, &err);
		if (verb)
			log_outcome(&call, verb, rc, result, &err);
	}
	if (rc < 0) {
		vd_err_set(&err, rc, VD_E_BUG, NULL, "see the daemon's log", "%s failed: %s",
			   rq->method, strerror(-rc));
		vsw_client_fail(client, rq->id, &err);
		json_decref(result);
	} else if (rc != VSW_LATER) {
		vsw_client_reply(client, rq->id, result);
	}
	json_decref(call.params);
	if (verb && verb->changes)
		vsw_daemon_kick(d);
}

int vsw_methods_apply(struct vsw_call *call, struct vsw_apply *a, json_t **result,
		      struct vd_err *reterr)
{
	json_t *changes = NULL;
	int rc;

	a->flags = call->dry_run ? VSW_APPLY_DRY_RUN : 0;
	a->who = vsw_client_user(call->client);
	a->warnings = json_array();
	if (json_is_true(json_object_get(call->params, "force")))
		a->flags |= VSW_APPLY_FORCE;
	rc = vsw_engine_apply(call->d->engine, a, &changes, reterr);
	if (rc) {
		json_decref(a->warnings);
		return rc;
	}
	if (json_array_size(a->warnings) == 0) {
		json_decref(a->warnings);
		a->warnings = NULL;
	}
	*result = json_pack("{s:o, s:b, s:o*}", "changes", changes, "applied", !call->dry_run,
			    "warnings", a->warnings);
	return *result ? 0 : -ENOMEM;
}

int vsw_methods_change(struct vsw_call *call,
		       int (*edit)(struct vsw_model *, json_t *, struct vd_err *), json_t **result,
		       struct vd_err *reterr)
{
	struct vsw_model next = {0};
	struct vsw_apply a = {.next = &next};
	int rc = vsw_model_copy(&call->d->engine->model, &next);

	if (rc)
		return vd_err_set(reterr, rc, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	rc = edit(&next, call->params, reterr);
	if (!rc)
		rc = vsw_methods_apply(call, &a, result, reterr);
	vsw_model_done(&next);
	return rc;
}
