/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The quarantine of all ports: see quarantine.h. The state file: quarantine_save.c; what is shown:
 * quarantine_show.c. */
#include "vswitch/control/quarantine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "vswitch/control/audit.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/names.h"
#include "vswitch/model/policy.h"
#include "vswitch/model/quarantine.h"

#define SAVE_SOON_MS 1000u
#define AGAIN_MS     200u

const char *const vsw_nap_trigger_text[] = {"attach", "link",  "policy", "expiry",
					    "report", "admin", "radius", "restart"};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

struct nap_time vsw_nap_now(void)
{
	return (struct nap_time){.mono_ms = vsw_now_ms(), .wall_s = (int64_t)time(NULL)};
}

static const struct nap_policy *policy_of(const struct vsw_model *m)
{
	return m->quarantine ? m->quarantine->policy : NULL;
}

const struct nap_policy *vsw_nap_policy(const struct vsw_nap *n)
{
	return policy_of(&n->engine->model);
}

int vsw_nap_create(struct vsw_engine *e, struct vsw_store *store, struct vsw_nap **ret,
		   struct vd_err *reterr)
{
	struct vsw_nap *n = calloc(1, sizeof(*n));
	int rc;

	if (!n)
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "out of memory");
	n->engine = e;
	n->store = store;
	n->save_at_ms = NAP_NEVER;
	rc = vsw_audit_open(vsw_store_dir(store), "audit.jsonl", &n->audit, reterr);
	if (rc) {
		free(n);
		return rc;
	}
	vsw_nap_load(n);
	e->nap = n;
	*ret = n;
	return 0;
}

static void drop_events(struct vsw_nap *n)
{
	for (unsigned int i = 0; i < n->n_events; i++)
		json_decref(n->events[i].failing);
	n->n_events = 0;
}

void vsw_nap_destroy(struct vsw_nap *n)
{
	if (!n)
		return;
	n->engine->nap = NULL;
	vsw_nap_save(n, VSW_NAP_SYNC_ALL);
	drop_events(n);
	free(n->events);
	vsw_nap_ports_done(n);
	vsw_audit_close(n->audit);
	free(n);
}

/* ---- deciding ---- */

struct subject {
	struct nap_subject s;
	const char *tags[VSW_TAGS_MAX];
};

static void subject_of(const struct vsw_port_cfg *cfg, struct subject *ret)
{
	const struct vsw_policy *policy = vsw_policy_of(cfg);

	ret->s = (struct nap_subject){.port = cfg->name, .sw = cfg->sw, .tags = ret->tags};
	for (unsigned int i = 0; i < policy->n_tags && i < VSW_TAGS_MAX; i++)
		ret->tags[ret->s.n_tags++] = policy->tags[i];
}

static void push_event(struct vsw_nap *n, const struct vsw_nap_port *p,
		       enum vsw_nap_trigger trigger, const struct nap_change *c,
		       const struct nap_policy *policy, const struct nap_verdict *v,
		       const char *actor)
{
	struct vsw_nap_event *e;

	if (n->n_events == n->events_room) {
		unsigned int room = n->events_room ? 2 * n->events_room : 64;

		e = realloc(n->events, room * sizeof(*e));
		if (!e)
			return;
		n->events = e;
		n->events_room = room;
	}
	e = &n->events[n->n_events++];
	memset(e, 0, sizeof(*e));
	e->port = (unsigned int)(p - n->ports);
	e->trigger = trigger;
	e->change = *c;
	e->decided_us = now_us();
	snprintf(e->actor, sizeof(e->actor), "%s", actor ? actor : "");
	if (policy && p->state.rule >= 0)
		snprintf(e->rule, sizeof(e->rule), "%s", policy->rules[p->state.rule].name);
	e->failing = vsw_nap_findings(v, vsw_nap_now(), true);
}

uint16_t vsw_nap_group_of(const struct nap_policy *policy, const struct vsw_nap_port *p)
{
	const struct nap_state *s = &p->state;

	if (p->terms.group[0])
		return vsw_nap_group(policy, p->terms.group);
	if (policy && s->rule >= 0 && (unsigned int)s->rule < policy->n_rules)
		return policy->rules[s->rule].group;
	return policy ? policy->default_group : NAP_NO_GROUP;
}

/* Bring @p's allow set to what its state says. */
static void make_allow(struct vsw_nap *n, struct vsw_nap_port *p, const struct nap_policy *policy,
		       const struct nap_verdict *v)
{
	const struct nap_rule *rule =
		policy && p->state.rule >= 0 ? &policy->rules[p->state.rule] : NULL;
	const struct vsw_nap_terms *t = &p->terms;
	struct nap_allow *a;

	p->vlan = t->vlan;
	if (p->state.access == NAP_FULL) {
		nap_allow_unref(p->allow);
		p->allow = NULL;
		return;
	}
	if (!p->vlan)
		p->vlan = rule ? rule->vlan : policy ? policy->vlan : 0;
	a = nap_allow_make(policy, p->state.access, vsw_nap_group_of(policy, p),
			   v->worst ? v->worst->check->name : NULL, vsw_names_resolve, n->names);
	if (!a) /* without memory nothing is allowed: closed, not open */
		a = nap_allow_ref(nap_allow_nothing());
	else if (p->state.access == NAP_RESTRICTED)
		a = nap_allow_with(a, t->targets, t->n_targets);
	a = vsw_nap_net_allow(n->model ? n->model : &n->engine->model, p, a);
	if (nap_allow_equal(a, p->allow)) {
		nap_allow_unref(a);
		return;
	}
	nap_allow_unref(p->allow);
	p->allow = a;
}

static void decide(struct vsw_nap *n, struct vsw_nap_port *p, const struct vsw_port_cfg *cfg,
		   const struct nap_policy *policy, enum vsw_nap_trigger trigger, const char *actor)
{
	struct nap_change c;
	struct nap_verdict v;
	struct subject s;

	subject_of(cfg, &s);
	vsw_nap_terms_expire(&p->terms, vsw_now_ms());
	nap_state_decide(&p->state, policy, &s.s, vsw_nap_now(), &c, &v);
	make_allow(n, p, policy, &v);
	if (!p->told || nap_changed(&c) || trigger == VSW_NAP_ADMIN) {
		p->told = true;
		push_event(n, p, trigger, &c, policy, &v, actor);
	}
}

/* Is it where it was, and who it was? Remembers the answer. */
static bool moved(struct vsw_nap_port *p, const struct vsw_port_cfg *cfg)
{
	bool same = !strcmp(p->sw, cfg->sw) && p->has_mac == cfg->has_mac &&
		    !memcmp(&p->mac, &cfg->mac, sizeof(p->mac));
	bool first = !p->sw[0], was_down = p->link == 2;

	snprintf(p->sw, sizeof(p->sw), "%s", cfg->sw);
	p->has_mac = cfg->has_mac;
	p->mac = cfg->mac;
	p->link = cfg->link_up ? 1 : 2;
	return (!same && !first) || (was_down && cfg->link_up);
}

/* Who is isolated reaches nothing, and who is asked nothing need not answer. */
static bool may_report(const struct vsw_nap_port *p, const struct nap_policy *policy)
{
	const struct nap_rule *rule =
		policy && p->state.rule >= 0 ? &policy->rules[p->state.rule] : NULL;

	return policy && (rule ? rule->mode : policy->mode) != NAP_OFF &&
	       (p->state.access == NAP_FULL || p->state.access == NAP_RESTRICTED);
}

/* Does anything follow from a statement of health? */
static bool hears(const struct vsw_nap_port *p, const struct nap_policy *policy)
{
	const struct nap_rule *rule =
		policy && p->state.rule >= 0 ? &policy->rules[p->state.rule] : NULL;

	if (!policy || (rule && rule->exempt))
		return false;
	if (policy->radius.server[0])
		return true; /* it is told */
	for (unsigned int i = 0; i < policy->n_checks; i++) {
		const struct nap_check *c = &policy->checks[i];

		for (unsigned int k = 0; (!rule || rule->checks >> i & 1) && k < c->n_sources; k++)
			if (c->sources[k] == NAP_SOH)
				return true;
	}
	return false;
}

void vsw_nap_prepare(struct vsw_nap *n, const struct vsw_model *m, struct vsw_rt_port *const *rts)
{
	bool policy_changed = n->last != m->quarantine;

	n->last = m->quarantine;
	n->model = m;
	n->rts = rts;
	vsw_nap_ports_note(n, m);
	for (unsigned int i = 0; i < m->n_ports; i++) {
		const struct vsw_port_cfg *cfg = &m->ports[i];
		struct vsw_nap_port *p;
		enum vsw_nap_trigger trigger;

		if (cfg->role != VSW_ROLE_VM)
			continue;
		p = vsw_nap_ports_adopt(n, cfg);
		if (!p) { /* no memory: it is a new one, of which nothing is known */
			if (policy_of(m) && rts[i]->port)
				vsw_port_confine(rts[i]->port, nap_allow_nothing(), 0);
			continue;
		}
		p->at = i;
		p->present = true;
		snprintf(p->name, sizeof(p->name), "%s", cfg->name);
		trigger = !p->told         ? (p->sw[0] ? VSW_NAP_RESTART : VSW_NAP_ATTACH)
			  : policy_changed ? VSW_NAP_POLICY
					   : VSW_NAP_EXPIRY;
		if (moved(p, cfg)) {
			vsw_nap_ports_reset(p);
			trigger = VSW_NAP_LINK;
		}
		if (policy_changed)
			p->ask_at_ms = 0; /* what was asked counts for less long, perhaps */
		decide(n, p, cfg, policy_of(m), trigger, NULL);
		if (!rts[i]->port)
			continue;
		vsw_port_confine(rts[i]->port, p->allow, p->vlan);
		vsw_port_serve(rts[i]->port, may_report(p, policy_of(m)), hears(p, policy_of(m)),
			       vsw_nap_net_dhcp(m, p));
	}
}

/* ---- telling ---- */

static const struct vsw_rt_port *rt_of(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const struct vsw_model *m = n->model ? n->model : &n->engine->model;
	const struct vsw_port_cfg *cfg = vsw_nap_ports_cfg(m, p);

	return cfg ? (n->model ? n->rts : n->engine->ports)[cfg - m->ports] : NULL;
}

int vsw_nap_renew(struct vsw_nap *n, struct vd_err *reterr)
{
	struct vsw_engine *e = n->engine;

	return vsw_rt_publish(e, &e->model, e->ports, e->switches, reterr);
}

bool vsw_nap_confirmed(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const struct vsw_rt_port *rt = rt_of(n, p);

	/* a port that is not open sends nothing */
	return !rt || !rt->port ||
	       (nap_allow_equal(vsw_port_confined(rt->port), p->allow) &&
		vsw_port_confined_vlan(rt->port) == p->vlan);
}

static json_t *event_record(const struct vsw_nap *n, const struct vsw_nap_event *e,
			    uint64_t enforced_us)
{
	const struct vsw_nap_port *p = &n->ports[e->port];
	const struct nap_change *c = &e->change;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O, s:I, s:I, s:b}",
		"port", p->name, "uuid", p->uuid, "trigger", vsw_nap_trigger_text[e->trigger],
		"old_health", nap_health_text[c->old_health], "health", nap_health_text[c->health],
		"old_access", nap_access_text[c->old_access], "access", nap_access_text[c->access],
		"override", nap_override_text[c->override], "actor", e->actor, "reason",
		p->state.reason, "rule", e->rule, "checks", e->failing, "epoch",
		(json_int_t)n->engine->generation, "enforced_us",
		(json_int_t)(enforced_us - e->decided_us), "confirmed", vsw_nap_confirmed(n, p));
}

static void tell(struct vsw_nap *n, const struct vsw_nap_event *e, uint64_t enforced_us, bool sync)
{
	const struct vsw_nap_port *p = &n->ports[e->port];
	json_t *record = event_record(n, e, enforced_us);

	if (!record)
		return;
	vd_log(e->change.access > e->change.old_access ? LOG_NOTICE : LOG_INFO, "quarantine",
	       p->name, "%s, access %s (%s)", nap_health_text[e->change.health],
	       nap_access_text[e->change.access], vsw_nap_trigger_text[e->trigger]);
	if (n->engine->event)
		n->engine->event(n->engine->ctx, "quarantine", record);
	if (vsw_audit_add(n->audit, record, sync))
		vd_log(LOG_ERR, "audit", p->name, "a transition could not be written down");
}

/* What narrows or was ordered must survive whatever comes next. */
static enum vsw_nap_sync sync_of(const struct vsw_nap_event *e)
{
	const struct nap_change *c = &e->change;
	bool ordered = e->trigger == VSW_NAP_ADMIN || c->override != c->old_override;

	if (ordered && c->override != NAP_STRICT && c->override != NAP_FORENSIC)
		return VSW_NAP_SYNC_ALL; /* that an exemption or a release is over, too */
	return ordered || c->access > c->old_access ? VSW_NAP_SYNC_ISOLATIONS : VSW_NAP_NO_SYNC;
}

void vsw_nap_settle(struct vsw_nap *n, bool published)
{
	uint64_t enforced_us = now_us();
	enum vsw_nap_sync sync = VSW_NAP_NO_SYNC, need;

	if (!published) {
		n->model = NULL;
		return; /* what was decided stays, and is told with the next snapshot */
	}
	for (unsigned int i = 0; i < n->n_events; i++) {
		const struct vsw_nap_event *e = &n->events[i];

		need = sync_of(e);
		sync = need > sync ? need : sync;
	}
	if (n->n_events && n->save_at_ms == NAP_NEVER)
		n->save_at_ms = vsw_now_ms() + SAVE_SOON_MS;
	if (sync != VSW_NAP_NO_SYNC)
		vsw_nap_save(n, sync);
	for (unsigned int i = 0; i < n->n_events; i++)
		tell(n, &n->events[i], enforced_us,
		     sync != VSW_NAP_NO_SYNC && i + 1 == n->n_events);
	n->again = false;
	drop_events(n);
	vsw_nap_ports_forget(n); /* events name ports by their place: now there is none */
	n->model = NULL;
}

/* ---- what happens ---- */

static const struct vsw_port_cfg *cfg_of(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	return vsw_nap_ports_cfg(&n->engine->model, p);
}

/* After deciding: does what the workers have differ from what follows? */
static bool stale(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	return !vsw_nap_confirmed(n, p);
}

static int make_true(struct vsw_nap *n, bool publish, struct vd_err *reterr)
{
	struct vsw_engine *e = n->engine;
	int rc;

	if (!publish) {
		vsw_nap_settle(n, true);
		return 0;
	}
	rc = vsw_rt_publish(e, &e->model, e->ports, e->switches, reterr);
	n->again = rc != 0;
	return rc;
}

int vsw_nap_act(struct vsw_nap *n, struct vsw_nap_port *p, enum vsw_nap_trigger trigger,
		const char *actor, struct vd_err *reterr)
{
	const struct vsw_port_cfg *cfg = cfg_of(n, p);
	unsigned int at;
	int rc;

	if (!cfg)
		return vd_err_set(reterr, -ENOENT, VD_E_PORT_UNKNOWN, p->name, NULL,
				  "the port %s is not there any more", p->name);
	decide(n, p, cfg, vsw_nap_policy(n), trigger, actor);
	if (n->save_at_ms == NAP_NEVER)
		n->save_at_ms = vsw_now_ms() + SAVE_SOON_MS;
	at = vsw_engine_port_index(n->engine, cfg);
	rc = make_true(n, stale(n, p), reterr);
	/* publishing may have moved it */
	p = vsw_nap_ports_find(n, n->engine->model.ports[at].uuid);
	if (!rc && p && !vsw_nap_confirmed(n, p))
		rc = vd_err_set(reterr, -EIO, VD_E_BUG, p->name, "take the port's link down",
				"the quarantine of %s is decided and not enforced", p->name);
	return rc;
}

void vsw_nap_reconnected(struct vsw_nap *n, unsigned int i)
{
	const struct vsw_port_cfg *cfg = &n->engine->model.ports[i];
	struct vsw_nap_port *p = vsw_nap_ports_find(n, cfg->uuid);
	struct vd_err err = {0};

	if (!p || cfg->role != VSW_ROLE_VM)
		return;
	vsw_nap_ports_reset(p);
	if (vsw_nap_act(n, p, VSW_NAP_LINK, NULL, &err))
		vd_log(LOG_ERR, "quarantine", p->name, "%s", err.message);
}

/* When time alone asks for a decision about @p. */
static uint64_t due_ms(const struct vsw_nap_port *p)
{
	uint64_t terms = p->terms.until_ms ? p->terms.until_ms : NAP_NEVER;

	if (!p->present)
		return NAP_NEVER;
	return p->state.next_ms < terms ? p->state.next_ms : terms;
}

uint64_t vsw_nap_tick(struct vsw_nap *n, uint64_t now_ms)
{
	bool any = n->again, publish = n->again; /* what could not be made true is tried again */
	uint64_t next = NAP_NEVER;
	struct vd_err err = {0};

	for (unsigned int i = 0; i < n->n_ports; i++) {
		struct vsw_nap_port *p = &n->ports[i];
		const struct vsw_port_cfg *cfg = NULL;

		if (now_ms >= due_ms(p))
			cfg = cfg_of(n, p);
		if (cfg) {
			decide(n, p, cfg, vsw_nap_policy(n), VSW_NAP_EXPIRY, NULL);
			any = true;
			publish |= stale(n, p);
		}
		if (due_ms(p) < next)
			next = due_ms(p);
	}
	if (any && make_true(n, publish, &err)) {
		vd_log(LOG_ERR, "quarantine", NULL, "%s, trying again", err.message);
		next = now_ms + AGAIN_MS;
	}
	if (now_ms >= n->save_at_ms)
		vsw_nap_save(n, VSW_NAP_NO_SYNC);
	return n->save_at_ms < next ? n->save_at_ms : next;
}

struct vsw_nap_port *vsw_nap_find(struct vsw_nap *n, const char *name, struct vd_err *reterr)
{
	const struct vsw_port_cfg *cfg = vsw_edit_find_port(&n->engine->model, name, reterr);
	struct vsw_nap_port *p;

	if (!cfg)
		return NULL;
	p = vsw_nap_ports_find(n, cfg->uuid);
	if (!p || cfg->role != VSW_ROLE_VM) {
		vd_err_set(reterr, -EINVAL, VD_E_VALUE, name, NULL,
			   "%s is no VM's port: only those are quarantined", name);
		return NULL;
	}
	return p;
}

int vsw_nap_try(const struct vsw_nap *n, const struct vsw_nap_port *p,
		const struct nap_policy *policy, const struct nap_report *report,
		struct nap_state *ret, struct nap_verdict *v)
{
	const struct vsw_port_cfg *cfg = cfg_of(n, p);
	struct nap_change c;
	struct subject s;

	if (nap_state_copy(&p->state, ret) < 0)
		return -ENOMEM;
	if (report && nap_state_report(ret, report) < 0) {
		nap_state_done(ret);
		return -ENOMEM;
	}
	subject_of(cfg, &s);
	nap_state_decide(ret, policy, &s.s, vsw_nap_now(), &c, v);
	return 0;
}
