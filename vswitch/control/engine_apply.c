/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One change of the configuration, all or nothing: the order of steps is in engine.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "vswitch/control/engine.h"
#include "vswitch/control/filter.h"
#include "vswitch/control/plan.h"
#include "vswitch/model/acl.h"
#include "vswitch/nat/nat.h"
#include "vswitch/hostnat/hostnat.h"

/* Long enough for a guest to see the carrier go: drivers merge faster changes into none. */
#define MOVE_LINK_DOWN_MS 100u

/* A change under way. */
struct change {
	struct vsw_engine *e;
	struct vsw_model *next;
	struct vsw_plan plan;
	struct vsw_rt_port **ports;     /* [next->n_ports] kept or new */
	struct vsw_rt_switch *switches; /* [next->n_switches] */
	bool *was_unaddressed;          /* [next->n_ports] had no MAC before completion */
	unsigned int n_set;             /* ports of @next whose live settings were changed */
	unsigned int flags;
	bool way_made, published, nat_applied, nats_applied;
};

static void random_bytes(void *ctx, void *buf, size_t n)
{
	unsigned char *p = buf;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0)
			continue; /* EINTR only: the pool is up long before us */
		p += got;
		n -= (size_t)got;
	}
}

static int no_memory(struct vd_err *e)
{
	return vd_err_set(e, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
}

static bool is_new(const struct change *c, unsigned int i)
{
	return c->plan.ports[i].action != VSW_PLAN_KEEP;
}

/* The filters of mirror sessions that are new or changed: the model cannot compile them. */
static int check_filters(const struct vsw_engine *e, const struct vsw_model *next,
			 const struct vsw_apply *a, struct vd_err *reterr)
{
	for (unsigned int i = 0; i < next->n_mirrors; i++) {
		const struct vsw_mirror *s = &next->mirrors[i];
		const struct vsw_mirror *old = vsw_model_mirror(&e->model, s->name);
		char path[192];
		int rc;

		if (!s->filter[0] || (old && !strcmp(old->filter, s->filter)))
			continue;
		snprintf(path, sizeof(path), "mirror/%s/filter", s->name);
		rc = vsw_filter_check(s->filter, path, reterr);
		if (rc) {
			json_t *list = json_object_get(a->root, "mirrors");

			vd_doc_locate(a->doc, json_array_get(list, i), "filter", (size_t)-1,
				      reterr);
			return rc;
		}
	}
	return 0;
}

/* Identity, addresses, rules. */
static int settle(struct change *c, const struct vsw_apply *a, struct vd_err *reterr)
{
	struct vsw_model *next = c->next;
	int rc = vsw_model_nat_ports(next, reterr);

	if (!rc)
		rc = vsw_plan_inherit(&c->e->model, next);

	c->was_unaddressed = calloc(next->n_ports + 1u, sizeof(*c->was_unaddressed));
	if (rc || !c->was_unaddressed)
		return no_memory(reterr);
	for (unsigned int i = 0; i < next->n_ports; i++)
		c->was_unaddressed[i] = !next->ports[i].has_mac;
	rc = vsw_model_complete(next, random_bytes, NULL, reterr);
	if (!rc && vsw_model_sign(next, a->who ? a->who : "unknown", time(NULL)) < 0)
		return no_memory(reterr);
	if (!rc)
		rc = vsw_model_validate(next, a->root, a->doc, reterr);
	return rc ? rc : check_filters(c->e, next, a, reterr);
}

#define WARNINGS_MAX 20u

/* Of the ports whose access rules change. */
static void warn(const struct change *c, json_t *out)
{
	for (unsigned int i = 0; out && i < c->next->n_ports; i++) {
		const struct vsw_port_cfg *n = &c->next->ports[i];
		int old = c->plan.ports[i].old;
		size_t n_said = json_array_size(out);

		if (n_said >= WARNINGS_MAX)
			return;
		if (old < 0 || vsw_policy_of(&c->e->model.ports[old])->acl != vsw_policy_of(n)->acl)
			vsw_acl_warn(c->next, n, WARNINGS_MAX - (unsigned int)n_said, out);
	}
}

static bool lists_uuid(json_t *list, const char *uuid)
{
	size_t i;
	json_t *v;

	json_array_foreach (list, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), uuid))
			return true;
	return false;
}

static bool mac_assigned(const struct change *c, const struct vsw_apply *a, unsigned int i)
{
	const struct vsw_port_cfg *n = &c->next->ports[i], *o;
	int old = c->plan.ports[i].old;

	if (c->was_unaddressed[i])
		return n->has_mac;
	if (old < 0)
		return lists_uuid(a->assigned, n->uuid);
	o = &c->e->model.ports[old];
	return c->e->ports[old]->mac_assigned && o->has_mac &&
	       !memcmp(&o->mac, &n->mac, sizeof(n->mac));
}

/* Run-time objects: kept ones are shared with the present configuration. */
static int make_objects(struct change *c, struct vd_err *reterr)
{
	const struct vsw_model *next = c->next;

	c->ports = calloc(next->n_ports + 1u, sizeof(*c->ports));
	c->switches = calloc(next->n_switches + 1u, sizeof(*c->switches));
	if (!c->ports || !c->switches)
		return no_memory(reterr);
	for (unsigned int i = 0; i < next->n_ports; i++) {
		if (!is_new(c, i))
			c->ports[i] = c->e->ports[c->plan.ports[i].old];
		else
			c->ports[i] = calloc(1, sizeof(**c->ports));
		if (!c->ports[i])
			return no_memory(reterr);
	}
	for (unsigned int i = 0; i < next->n_switches; i++) {
		if (!c->plan.fdb_new[i])
			c->switches[i].fdb = c->e->switches[c->plan.switches[i]].fdb;
		else
			c->switches[i].fdb = vsw_fdb_create(next->switches[i].fdb_limit);
		if (!c->switches[i].fdb)
			return no_memory(reterr);
	}
	return 0;
}

/* Open back ends: first those that can be opened beside everything, later the others. */
static int open_new(struct change *c, bool needs_close, struct vd_err *reterr)
{
	for (unsigned int i = 0; i < c->next->n_ports; i++) {
		struct vd_err err = {0};
		int rc;

		if (!is_new(c, i) || c->plan.ports[i].needs_close != needs_close)
			continue;
		rc = vsw_rt_open(c->e, c->next, &c->next->ports[i], c->ports[i], &err);
		if (rc && c->flags & VSW_APPLY_START) {
			vsw_rt_fault(c->ports[i], c->next->ports[i].name, &err);
		} else if (rc) {
			*reterr = err;
			return rc;
		}
	}
	return 0;
}

static int set_live(struct change *c, struct vd_err *reterr)
{
	for (unsigned int i = 0; i < c->next->n_ports; i++) {
		int rc = 0;

		if (!is_new(c, i) && c->plan.ports[i].changes)
			rc = vsw_rt_set(c->ports[i], c->next, &c->next->ports[i],
					c->plan.ports[i].changes, reterr);
		c->n_set = i + 1;
		if (rc)
			return rc;
	}
	return 0;
}

/* Bring back the live settings of ports [0, n_set). */
static void unset_live(struct change *c)
{
	for (unsigned int i = 0; i < c->n_set; i++) {
		unsigned int changes = c->plan.ports[i].changes;
		int old = c->plan.ports[i].old;

		if (is_new(c, i) || !changes)
			continue;
		if (changes & VSW_PLAN_MOVED)
			changes = (changes & ~(unsigned int)VSW_PLAN_MOVED) | VSW_PLAN_LINK;
		vsw_rt_set(c->ports[i], &c->e->model, &c->e->model.ports[old], changes, NULL);
	}
	c->n_set = 0;
}

static json_t *state_of(const struct change *c, const struct vsw_apply *a)
{
	json_t *assigned = json_array();

	for (unsigned int i = 0; i < c->next->n_ports; i++)
		if (mac_assigned(c, a, i))
			json_array_append_new(assigned, json_string(c->next->ports[i].uuid));
	return json_pack("{s:i, s:o, s:o}", "viridian_state", 1, "document",
			 vsw_model_to_json(c->next), "assigned_macs", assigned);
}

static int save(struct change *c, const struct vsw_apply *a, struct vd_err *reterr)
{
	json_t *state = state_of(c, a);
	int rc = state ? vsw_store_prepare(c->e->store, state, reterr) : no_memory(reterr);

	json_decref(state);
	return rc;
}

/* Close old back ends whose device a new one needs. */
static int make_way(struct change *c, struct vd_err *reterr)
{
	struct vsw_engine *e = c->e;
	bool any = false;
	int rc;

	for (unsigned int k = 0; k < e->model.n_ports; k++) {
		e->ports[k]->hidden = c->plan.in_the_way[k];
		any |= c->plan.in_the_way[k];
	}
	if (!any)
		return 0;
	c->way_made = true;
	rc = vsw_rt_publish(e, &e->model, e->ports, e->switches, reterr);
	for (unsigned int k = 0; !rc && k < e->model.n_ports; k++)
		if (c->plan.in_the_way[k])
			vsw_rt_close(e, e->ports[k]);
	return rc;
}

static void unmake_way(struct change *c)
{
	struct vsw_engine *e = c->e;

	for (unsigned int k = 0; k < e->model.n_ports; k++) {
		struct vsw_rt_port *rt = e->ports[k];
		struct vd_err err = {0};

		rt->hidden = false;
		if (!c->plan.in_the_way[k] || rt->port)
			continue;
		if (vsw_rt_open(e, &e->model, &e->model.ports[k], rt, &err))
			vsw_rt_fault(rt, e->model.ports[k].name, &err);
	}
}

static void close_new(struct change *c)
{
	unsigned int n = 0;

	/* the array is of no more use: the new ones move to its front */
	for (unsigned int i = 0; c->ports && i < c->next->n_ports; i++)
		if (is_new(c, i) && c->ports[i])
			c->ports[n++] = c->ports[i];
	if (c->ports)
		vsw_rt_free_many(c->e, c->ports, n);
}

static void free_new_fdbs(struct change *c)
{
	for (unsigned int i = 0; c->switches && i < c->next->n_switches; i++)
		if (c->plan.fdb_new[i] && c->switches[i].fdb)
			vsw_fdb_destroy(c->switches[i].fdb);
}

static void roll_back(struct change *c)
{
	struct vsw_engine *e = c->e;
	struct vd_err err = {0};

	/* what is new must be out of the snapshot before it closes; what closed comes back after */
	if (c->published && vsw_rt_publish(e, &e->model, e->ports, e->switches, &err)) {
		vd_log(LOG_ERR, "engine", NULL, "cannot go back to the old configuration: %s",
		       err.message);
		abort(); /* nothing consistent can be offered: a restart can */
	}
	unset_live(c);
	if (c->nats_applied && vsw_nats_apply(vsw_dataplane_env(e->dp)->nats, &e->model, &err))
		vd_log(LOG_ERR, "engine", NULL, "a NAT network is not what it was: %s",
		       err.message);
	if (c->nat_applied && vsw_hostnat_apply(e->nat, &e->model, false, &err))
		vd_log(LOG_ERR, "engine", NULL, "a NAT network is not what it was: %s",
		       err.message);
	close_new(c);
	if (c->way_made) {
		unmake_way(c);
		if (vsw_rt_publish(e, &e->model, e->ports, e->switches, &err))
			vd_log(LOG_ERR, "engine", NULL, "ports stay closed: %s", err.message);
	}
	free_new_fdbs(c);
	vsw_store_abort(e->store);
	vsw_rt_note_leftovers(e, NULL, NULL);
}

static bool has_fdb(const struct change *c, const struct vsw_fdb *fdb)
{
	for (unsigned int i = 0; i < c->next->n_switches; i++)
		if (c->switches[i].fdb == fdb)
			return true;
	return false;
}

/* The next configuration is in force and saved: let go of the old one. */
static void take_over(struct change *c, const struct vsw_apply *a)
{
	struct vsw_engine *e = c->e;
	struct vsw_engine old = *e;
	unsigned int n_gone = 0;

	for (unsigned int i = 0; i < c->next->n_ports; i++) {
		struct vsw_rt_port *rt = c->ports[i];

		rt->mac_assigned = mac_assigned(c, a, i);
		if (is_new(c, i) && c->plan.ports[i].old >= 0) {
			vsw_meters_fold(e, e->ports[c->plan.ports[i].old]);
			vsw_meters_move(rt, e->ports[c->plan.ports[i].old]);
		}
		if (!is_new(c, i) && c->plan.ports[i].changes & VSW_PLAN_MOVED &&
		    c->next->ports[i].link_up)
			rt->link_up_at_ms = vsw_now_ms() + MOVE_LINK_DOWN_MS;
	}
	for (unsigned int k = 0; k < old.model.n_switches; k++)
		if (has_fdb(c, old.switches[k].fdb))
			old.switches[k].fdb = NULL;
	e->model = *c->next;
	e->ports = c->ports;
	e->switches = c->switches;
	e->generation++;
	memset(c->next, 0, sizeof(*c->next));
	c->ports = NULL;
	c->switches = NULL;
	vsw_meters_settle(e);

	for (unsigned int k = 0; k < old.model.n_ports; k++)
		if (c->plan.goes[k])
			old.ports[n_gone++] = old.ports[k];
	vsw_rt_free_many(e, old.ports, n_gone);
	for (unsigned int k = 0; k < old.model.n_switches; k++)
		if (old.switches[k].fdb)
			vsw_fdb_destroy(old.switches[k].fdb);
	vsw_nats_clean(vsw_dataplane_env(e->dp)->nats, &e->model);
	vsw_model_done(&old.model);
	free(old.ports);
	free(old.switches);
	vsw_rt_note_leftovers(e, NULL, NULL);
}

static int carry_out(struct change *c, const struct vsw_apply *a, struct vd_err *reterr)
{
	struct vsw_engine *e = c->e;
	int rc = make_objects(c, reterr);

	if (!rc)
		rc = open_new(c, false, reterr);
	if (!rc)
		rc = set_live(c, reterr);
	if (!rc)
		rc = save(c, a, reterr);
	if (!rc)
		rc = make_way(c, reterr);
	if (!rc)
		rc = open_new(c, true, reterr);
	if (!rc) {
		c->nats_applied = true;
		rc = vsw_nats_apply(vsw_dataplane_env(e->dp)->nats, c->next, reterr);
	}
	if (!rc) {
		vsw_rt_note_leftovers(e, c->next, c->ports);
		rc = vsw_rt_publish(e, c->next, c->ports, c->switches, reterr);
		c->published = !rc;
	}
	if (!rc && e->nat) {
		c->nat_applied = true;
		rc = vsw_hostnat_apply(e->nat, c->next, c->flags & VSW_APPLY_START, reterr);
	}
	if (!rc)
		rc = vsw_store_commit(e->store, reterr);
	if (rc)
		roll_back(c);
	else
		take_over(c, a);
	return rc;
}

static void tell(struct vsw_engine *e, json_t *changes)
{
	json_t *params = json_pack("{s:O}", "changes", changes);

	if (params && e->event)
		e->event(e->ctx, "config", params);
	json_decref(params);
}

int vsw_engine_apply(struct vsw_engine *e, struct vsw_apply *a, json_t **changes,
		     struct vd_err *reterr)
{
	struct change c = {.e = e, .next = a->next, .flags = a->flags};
	json_t *diff = NULL;
	int rc = settle(&c, a, reterr);

	if (!rc) {
		diff = vsw_model_diff(&e->model, c.next);
		rc = diff ? vsw_plan_make(&e->model, c.next, &c.plan) : -ENOMEM;
		if (rc)
			no_memory(reterr);
		else
			warn(&c, a->warnings);
	}
	if (!rc && e->nat && !(a->flags & (VSW_APPLY_START | VSW_APPLY_FORCE)))
		rc = vsw_hostnat_check(e->nat, &e->model, c.next, reterr);
	if (!rc && !(a->flags & VSW_APPLY_DRY_RUN) &&
	    (json_array_size(diff) || a->flags & VSW_APPLY_START)) {
		rc = carry_out(&c, a, reterr);
		if (!rc)
			tell(e, diff);
	}
	free(c.ports);
	free(c.switches);
	free(c.was_unaddressed);
	vsw_plan_done(&c.plan);
	vsw_model_done(a->next);
	memset(a->next, 0, sizeof(*a->next));
	if (rc)
		json_decref(diff);
	else
		*changes = diff;
	return rc;
}
