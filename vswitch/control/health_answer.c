/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests are told, and what their reports do. The question's ticket says which port it is about: only the
 * switch gives tickets, and a port that was closed has another one afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/log.h"
#include "nap-policy/soh.h"
#include "vswitch/control/audit.h"
#include "vswitch/control/health.h"
#include "vswitch/control/names.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/policy/portal.h"

#define REPORT_MS    1000u /* between two reports of a port ... */
#define REPORT_BURST 5u    /* ... of which so many may come at once */
#define TOO_MANY     "one report a second, five at once"
#define NAMES_MS     100u /* between two questions for names */
#define NAMES_BURST  10u
#define NAMES_TTL_S  30u
#define REFUSED_MS   60000u /* a port's refused reports are written down at most so often */

/* One question under way. */
struct telling {
	struct vsw_daemon *d;
	struct vsw_nap_port *p;
	const struct nap_ask *ask;
	const uint8_t *body;
	struct nap_told *told;
	uint8_t *ret;
};

/* The port that a ticket was given to, or NULL. */
static struct vsw_nap_port *port_of(struct vsw_daemon *d, uint32_t ticket)
{
	const struct vsw_port *port = vsw_dataplane_port(d->dp, (uint16_t)VSW_TICKET_INDEX(ticket));
	const struct vsw_model *m = &d->engine->model;
	struct vd_err ignored = {0};

	if (!port || port->ticket != ticket || !port->portal)
		return NULL;
	for (unsigned int i = 0; i < m->n_ports; i++)
		if (d->engine->ports[i]->port == port)
			return vsw_nap_find(d->nap, m->ports[i].name, &ignored);
	return NULL;
}

/* ---- telling ---- */

static void tell_bytes(struct telling *t, unsigned int status, const void *bytes, size_t size)
{
	t->told->status = size <= NAP_TOLD_MAX ? status : 500;
	t->told->size = size <= NAP_TOLD_MAX ? (uint32_t)size : 0;
	memcpy(t->ret, bytes, t->told->size);
}

/* Takes @j. */
static void tell_json(struct telling *t, unsigned int status, json_t *j)
{
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	if (text)
		tell_bytes(t, status, text, strlen(text));
	else
		tell_bytes(t, 500, "", 0);
	free(text);
	json_decref(j);
}

static void tell_error(struct telling *t, unsigned int status, const char *why)
{
	tell_json(t, status, json_pack("{s:s}", "error", why));
}

/* Of a check, what its owner has to know. */
static json_t *checks_of(const struct nap_verdict *v, struct nap_time now)
{
	static const char *const keys[] = {"check", "result", "blocking", "why", "fix"};
	json_t *all = vsw_nap_findings(v, now, false), *list = json_array(), *full;
	size_t i;

	json_array_foreach (all, i, full) {
		json_t *one = json_object();

		for (unsigned int k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (json_object_get(full, keys[k]))
				json_object_set(one, keys[k], json_object_get(full, keys[k]));
		json_array_append_new(list, one);
	}
	json_decref(all);
	return list;
}

static void add_pages(json_t *j, const struct nap_policy *policy, const struct nap_rule *rule)
{
	char addr[VD_PREFIX_STR_SIZE], page[VD_PREFIX_STR_SIZE + 16];
	const char *url = rule && rule->url[0] ? rule->url : policy->portal.url;

	/* the text of a host has no length behind it */
	snprintf(page, sizeof(page), "http://%s/", vd_prefix_format(&policy->portal.ipv4, addr));
	json_object_set_new(j, "portal", json_string(page));
	json_object_set_new(j, "url", url[0] ? json_string(url) : json_null());
}

static json_t *status_of(struct telling *t)
{
	const struct nap_policy *policy = vsw_nap_policy(t->d->nap);
	struct nap_time now = vsw_nap_now();
	const struct nap_state *s = &t->p->state;
	struct nap_state tried;
	struct nap_verdict v;
	json_t *j, *row;

	if (!policy || vsw_nap_try(t->d->nap, t->p, policy, NULL, &tried, &v) < 0)
		return NULL;
	row = vsw_nap_row(t->d->nap, t->p);
	j = json_pack("{s:s, s:s, s:b, s:O, s:o}", "health", nap_health_text[s->health], "access",
		      nap_access_text[s->access], "captive", s->access != NAP_FULL, "expires_s",
		      json_object_get(row, "expires_s"), "checks", checks_of(&v, now));
	if (j)
		add_pages(j, policy,
			  tried.rule >= 0 && (unsigned int)tried.rule < policy->n_rules
				  ? &policy->rules[tried.rule]
				  : NULL);
	json_decref(row);
	nap_state_done(&tried);
	return j;
}

static void tell_challenge(struct telling *t)
{
	uint8_t nonce[NAP_NONCE_SIZE];
	char text[2 * NAP_NONCE_SIZE + 1];
	uint64_t counter;

	if (getrandom(nonce, sizeof(nonce), 0) != sizeof(nonce)) {
		tell_error(t, 503, "there are no random numbers");
		return;
	}
	counter = nap_state_challenge(&t->p->state, nonce, vsw_nap_now());
	tell_json(t, 200,
		  json_pack("{s:I, s:s, s:I}", "counter", (json_int_t)counter, "nonce",
			    nap_hex_format(nonce, sizeof(nonce), text), "expires_s",
			    (json_int_t)(NAP_CHALLENGE_MS / 1000)));
}

/* ---- reports ---- */

/* A bucket that holds REPORT_BURST reports and gains one every REPORT_MS. */
static bool within_rate(struct vsw_nap_port *p, uint64_t now_ms)
{
	uint64_t *at = &p->report_tokens_ms;

	if (*at < now_ms)
		*at = now_ms;
	if (*at - now_ms > (REPORT_BURST - 1) * REPORT_MS)
		return false;
	*at += REPORT_MS;
	return true;
}

/* A report that counts for nothing: seen by those who watch, and written down now and then. */
static void refused(struct telling *t, const char *why)
{
	struct vsw_nap *n = t->d->nap;
	struct vsw_nap_port *p = t->p;
	uint64_t now = vsw_now_ms();
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "port", p->name, "uuid",
			      p->uuid, "trigger", "report", "refused", why, "malformed",
			      (json_int_t)p->state.count.malformed, "replayed",
			      (json_int_t)p->state.count.replayed, "limited",
			      (json_int_t)p->state.count.limited);

	if (!j || (p->refused_ms && now - p->refused_ms < REFUSED_MS)) {
		json_decref(j);
		return;
	}
	p->refused_ms = now;
	vd_log(LOG_NOTICE, "quarantine", p->name, "a report was refused: %s", why);
	if (n->engine->event)
		n->engine->event(n->engine->ctx, "quarantine", j);
	if (vsw_audit_add(n->audit, j, false))
		vd_log(LOG_ERR, "audit", p->name, "a refusal could not be written down");
}

static void malformed(struct telling *t, unsigned int status, const char *why)
{
	t->p->state.count.malformed++;
	refused(t, why);
	tell_error(t, status, why);
}

/* It is a report, and it is fresh: what follows? Returns false when nothing does, and it was told so. */
static bool accept_report(struct telling *t, struct nap_report *r)
{
	struct vd_err err = {0};
	char name[VSW_PORT_NAME_SIZE];

	if (nap_state_report(&t->p->state, r) < 0) {
		tell_error(t, 503, "no memory");
		return false;
	}
	memcpy(name, t->p->name, sizeof(name));
	if (vsw_nap_act(t->d->nap, t->p, VSW_NAP_REPORT, VSW_NAP_GUEST, &err)) {
		vd_log(LOG_ERR, "quarantine", name, "%s", err.message);
		tell_error(t, 503, "the switch could not act on it");
		return false;
	}
	vsw_daemon_kick(t->d); /* what time asks for has changed */
	/* acting may have moved it */
	t->p = vsw_nap_find(t->d->nap, name, &err);
	return t->p != NULL;
}

static bool is_answer(struct telling *t, struct nap_report *r)
{
	r->has_nonce = r->has_nonce && t->ask->op == NAP_ASK_REPORT;
	if (t->ask->has_nonce) {
		r->has_nonce = true;
		r->counter = t->ask->counter;
		memcpy(r->nonce, t->ask->nonce, sizeof(r->nonce));
	}
	if (nap_state_answer(&t->p->state, r, vsw_nap_now()) == 0)
		return true;
	refused(t, "no answer to the last challenge");
	tell_error(t, 409, "a report answers the last challenge, once, and within 60 seconds");
	return false;
}

static bool may_report(struct telling *t)
{
	if (within_rate(t->p, vsw_now_ms()))
		return true;
	t->p->state.count.limited++;
	refused(t, "too many reports");
	return false;
}

static void tell_report(struct telling *t)
{
	static struct nap_report report; /* large; one thread */
	struct vd_err err = {0};

	if (!may_report(t)) {
		tell_error(t, 429, TOO_MANY);
		return;
	}
	if (!t->ask->size || nap_report_parse((const char *)t->body, t->ask->size, "report",
					      NAP_AGENT, vsw_nap_now(), &report, &err)) {
		malformed(t, 400, t->ask->size ? err.message : "not a report");
		return;
	}
	if (report.port[0] && strcmp(report.port, t->p->name)) {
		malformed(t, 403, "the report speaks of another port");
		return;
	}
	if (is_answer(t, &report) && accept_report(t, &report))
		tell_json(t, 200, status_of(t));
}

/* ---- statements of health ---- */

static bool class_passes(const struct nap_verdict *v, const char *fact)
{
	for (unsigned int i = 0; i < v->n; i++)
		if (!strcmp(v->findings[i].check->fact, fact) && v->findings[i].result != NAP_PASS)
			return false;
	return true;
}

/* Remediation servers that are hosts with an address: agents repair themselves from there. */
static void add_servers(struct nap_sohr *answer, const struct nap_policy *policy,
			const struct vsw_nap_port *p)
{
	uint16_t group = vsw_nap_group_of(policy, p);
	const struct nap_group *g = group < policy->n_groups ? &policy->groups[group] : NULL;
	const unsigned int max4 = sizeof(answer->ipv4) / sizeof(answer->ipv4[0]);
	const unsigned int max6 = sizeof(answer->ipv6) / sizeof(answer->ipv6[0]);

	for (unsigned int i = 0; g && i < g->n_targets; i++) {
		const struct vd_prefix *to = &g->targets[i].to;

		if (to->family == 4 && to->len == 32 && answer->n_ipv4 < max4)
			memcpy(answer->ipv4[answer->n_ipv4++], to->addr, 4);
		else if (to->family == 6 && to->len == 128 && answer->n_ipv6 < max6)
			memcpy(answer->ipv6[answer->n_ipv6++], to->addr, 16);
	}
}

/* What the state of @p means, as a statement in answer to @soh. Returns its size; 0: no memory, or no room. */
static size_t soh_answer(struct vsw_daemon *d, const struct vsw_nap_port *p,
			 const struct nap_soh *soh, uint8_t *ret, size_t room)
{
	static const char *const facts[NAP_SOH_N_CLASSES] = {"firewall", "av", "antispyware",
							     "updates", "patches"};
	const struct nap_policy *policy = vsw_nap_policy(d->nap);
	const struct nap_state *s = &p->state;
	struct nap_sohr answer = {.state = s->health == NAP_PROBATION ? NAP_SOH_PROBATION
					   : s->access == NAP_FULL    ? NAP_SOH_FULL
								      : NAP_SOH_RESTRICTED,
				  .url = ""};
	struct nap_state tried;
	struct nap_verdict v;

	if (!policy || vsw_nap_try(d->nap, p, policy, NULL, &tried, &v) < 0)
		return 0;
	for (unsigned int i = 0; i < NAP_SOH_N_CLASSES; i++)
		answer.class_ok[i] = answer.class_current[i] = class_passes(&v, facts[i]);
	nap_state_done(&tried);
	if (answer.state != NAP_SOH_FULL)
		add_servers(&answer, policy, p);
	return nap_sohr_build(soh, &answer, ret, room);
}

/* A statement that parsed is @t->p's. Return: 0; what vsw_nap_soh() says, and it was refused by name. */
static int judge_soh(struct telling *t, const uint8_t *bytes, size_t size, struct vd_err *reterr)
{
	char name[VSW_PORT_NAME_SIZE];
	int r;

	memcpy(name, t->p->name, sizeof(name));
	r = vsw_nap_soh(t->d->nap, t->p, bytes, size, VSW_NAP_GUEST, reterr);
	/* acting may have moved it */
	t->p = vsw_nap_find(t->d->nap, name, &(struct vd_err){0});
	if (!t->p)
		return -EIO;
	if (r == -EACCES || r == -EINVAL)
		refused(t, reterr->message);
	else if (r == 0)
		vsw_daemon_kick(t->d);
	return r;
}

static void tell_soh(struct telling *t)
{
	static struct nap_report none; /* what a statement cannot carry comes beside it */
	static struct nap_soh soh;
	struct vd_err err = {0};
	uint8_t answer[NAP_SOH_SIZE_MAX];
	const char *why = "not a statement of health";
	size_t size;
	int r;

	if (!may_report(t)) {
		tell_error(t, 429, TOO_MANY);
		return;
	}
	if (nap_soh_parse(t->body, t->ask->size, &soh, &why) < 0) {
		malformed(t, 400, why);
		return;
	}
	/* said a second time with a new challenge, it is as old as it was: vsw_nap_soh() knows */
	if (!is_answer(t, &none))
		return;
	r = judge_soh(t, t->body, t->ask->size, &err);
	if (r < 0) {
		tell_error(t,
			   r == -EACCES   ? 409
			   : r == -EINVAL ? 400
					  : 503,
			   r == -EACCES || r == -EINVAL ? err.message
							: "the switch could not act on it");
		return;
	}
	size = soh_answer(t->d, t->p, &soh, answer, sizeof(answer));
	if (size)
		tell_bytes(t, 200, answer, size);
	else
		tell_error(t, 503, "no memory");
}

/* ---- DHCP ---- */

size_t vsw_health_heard(struct vsw_daemon *d, uint32_t ticket, bool foreign, const uint8_t *bytes,
			size_t size, uint8_t *ret, size_t room)
{
	static struct nap_soh soh;
	struct telling t = {.d = d, .p = port_of(d, ticket)};
	const char *why = "not a statement of health";
	struct vd_err err = {0};

	if (!t.p || !vsw_nap_policy(d->nap) || !may_report(&t))
		return 0;
	if (foreign || nap_soh_parse(bytes, size, &soh, &why) < 0) {
		t.p->state.count.malformed++;
		refused(&t,
			foreign ? "a statement of health in DHCP speaks for another machine" : why);
		return 0;
	}
	return judge_soh(&t, bytes, size, &err) < 0 ? 0 : soh_answer(d, t.p, &soh, ret, room);
}

/* ---- names ---- */

/* Where systems look to find out whether they are held by a portal: those who are told the portal is there. */
static const char *const captive_names[] = {
	"connectivitycheck.gstatic.com", "clients3.google.com",      "captive.apple.com",
	"www.msftconnecttest.com",       "detectportal.firefox.com", "nmcheck.gnome.org",
	"connectivity-check.ubuntu.com", "network-test.debian.org",
};

static bool names_within_rate(struct vsw_nap_port *p, uint64_t now_ms)
{
	uint64_t *at = &p->names_tokens_ms;

	if (*at < now_ms)
		*at = now_ms;
	if (*at - now_ms > (NAMES_BURST - 1) * NAMES_MS)
		return false;
	*at += NAMES_MS;
	return true;
}

static void add_address(struct nap_addrs *a, const struct vd_prefix *p)
{
	if (a->n == NAP_ADDRS_MAX || p->len != (p->family == 4 ? 32 : 128))
		return;
	a->a[a->n].family = p->family;
	memcpy(a->a[a->n++].addr, p->addr, 16);
}

static bool is_portal(const char *name)
{
	for (unsigned int i = 0; i < sizeof(captive_names) / sizeof(captive_names[0]); i++)
		if (!strcasecmp(name, captive_names[i]))
			return true;
	return !strcasecmp(name, NAP_PORTAL_NAME);
}

/* What @name stands for, in the port's remediation group. *@known: it is a name of the group. False: nobody has
 * said yet. */
static bool look_up(struct telling *t, const char *name, struct nap_addrs *ret, bool *known)
{
	const struct nap_policy *policy = vsw_nap_policy(t->d->nap);
	uint16_t group = vsw_nap_group_of(policy, t->p);
	const struct nap_group *g = group < policy->n_groups ? &policy->groups[group] : NULL;

	*ret = (struct nap_addrs){.ttl_s = NAMES_TTL_S};
	*known = true;
	if (is_portal(name)) {
		add_address(ret, &policy->portal.ipv4);
		return true;
	}
	*known = false;
	for (unsigned int i = 0; g && i < g->n_targets; i++) {
		const struct nap_target *target = &g->targets[i];

		if (!target->name[0] || strcasecmp(target->name, name))
			continue;
		*known = true;
		if (!target->to.family)
			return vsw_names_get(t->d->names, name, ret);
		add_address(ret, &target->to);
	}
	return true;
}

static void tell_name(struct telling *t)
{
	char name[NAP_DNS_NAME_SIZE] = "";
	struct nap_addrs found;
	bool known = false, answered;

	if (!names_within_rate(t->p, vsw_now_ms())) {
		tell_bytes(t, 429, "", 0);
		return;
	}
	if (t->ask->size < sizeof(name))
		memcpy(name, t->body, t->ask->size);
	answered = look_up(t, name, &found, &known);
	t->p->n_names += known;
	t->p->n_names_refused += !known;
	if (known && answered)
		tell_bytes(t, 200, &found, sizeof(found));
	else
		tell_bytes(t, known ? 503 : 404, "", 0);
}

void vsw_health_answer(struct vsw_daemon *d, const struct nap_ask *ask, const uint8_t *body,
		       struct nap_told *told, uint8_t *ret)
{
	struct telling t = {d, port_of(d, ask->ticket), ask, body, told, ret};

	if (!t.p || !vsw_nap_policy(d->nap)) {
		tell_error(&t, 404, "there is no such port any more");
		return;
	}
	switch ((enum nap_ask_op)ask->op) {
	case NAP_ASK_STATUS:
		tell_json(&t, 200, status_of(&t));
		break;
	case NAP_ASK_CHALLENGE:
		tell_challenge(&t);
		break;
	case NAP_ASK_REPORT:
		tell_report(&t);
		break;
	case NAP_ASK_SOH:
		tell_soh(&t);
		break;
	case NAP_ASK_NAME:
		tell_name(&t);
		break;
	default:
		tell_error(&t, 404, "not known");
		break;
	}
}
