/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `nap status` and `nap show` print of a port. */
#include <string.h>

#include "vswitch/control/quarantine.h"
#include "vswitch/model/quarantine.h"

static json_t *seconds_from(uint64_t now_ms, uint64_t then_ms)
{
	return then_ms == NAP_NEVER || then_ms < now_ms
		       ? json_null()
		       : json_integer((json_int_t)((then_ms - now_ms + 999) / 1000));
}

static json_t *text_or_null(const char *s)
{
	return s && s[0] ? json_string(s) : json_null();
}

static json_t *finding(const struct nap_finding *f, struct nap_time now)
{
	const struct nap_fact *fact = f->fact;
	char words[160];
	json_t *j = json_pack("{s:s, s:s, s:b, s:s}", "check", f->check->name, "result",
			      nap_result_text[f->result], "blocking", f->check->blocking, "why",
			      f->why);

	if (!j)
		return NULL;
	if (fact) {
		json_object_set_new(
			j, "value",
			json_string(nap_words_format(fact->words, words, sizeof(words))));
		if (fact->has_count)
			json_object_set_new(j, "count", json_integer(fact->count));
		json_object_set_new(j, "source", json_string(nap_source_text[fact->source]));
		json_object_set_new(
			j, "age_s",
			json_integer((json_int_t)((now.mono_ms - fact->received_ms) / 1000)));
		json_object_set_new(j, "detail", text_or_null(fact->detail));
	}
	if (f->result == NAP_PASS)
		json_object_set_new(j, "expires_s", seconds_from(now.mono_ms, f->expires_ms));
	else
		json_object_set_new(j, "fix", text_or_null(f->check->fix));
	return j;
}

json_t *vsw_nap_findings(const struct nap_verdict *v, struct nap_time now, bool failing_only)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < v->n; i++)
		if (!failing_only || v->findings[i].result != NAP_PASS)
			json_array_append_new(list, finding(&v->findings[i], now));
	return list;
}

static const struct nap_rule *rule_of(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const struct nap_policy *policy = vsw_nap_policy(n);

	return policy && p->state.rule >= 0 && (unsigned int)p->state.rule < policy->n_rules
		       ? &policy->rules[p->state.rule]
		       : NULL;
}

json_t *vsw_nap_row(struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const struct nap_policy *policy = vsw_nap_policy(n);
	const struct nap_rule *rule = rule_of(n, p);
	const struct nap_state *s = &p->state;
	struct nap_time now = vsw_nap_now();
	enum nap_mode mode = rule ? rule->mode : policy ? policy->mode : NAP_OFF;

	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:I, s:o, s:b}", "port", p->name,
		"switch", p->sw, "health", nap_health_text[s->health], "access",
		nap_access_text[s->access], "override", nap_override_text[s->override], "mode",
		nap_mode_text[mode], "rule", text_or_null(rule ? rule->name : NULL), "check",
		text_or_null(p->allow ? p->allow->check : NULL), "since_s",
		(json_int_t)((now.mono_ms - s->since_ms) / 1000), "expires_s",
		seconds_from(now.mono_ms, s->expires_ms), "confirmed", vsw_nap_confirmed(n, p));
}

static json_t *counters(const struct nap_counters *c)
{
	return json_pack("{s:I, s:I, s:I, s:I}", "ok", (json_int_t)c->ok, "malformed",
			 (json_int_t)c->malformed, "replayed", (json_int_t)c->replayed, "limited",
			 (json_int_t)c->limited);
}

/* What a policy server said beside yes and no; null: nothing. */
static json_t *terms_to_json(const struct vsw_nap_terms *t, struct nap_time now)
{
	json_t *servers;
	char to[VD_PREFIX_STR_SIZE];

	if (!t->vlan && !t->group[0] && !t->n_targets)
		return json_null();
	servers = json_array();
	for (unsigned int i = 0; i < t->n_targets; i++)
		json_array_append_new(servers,
				      json_string(vd_prefix_format(&t->targets[i].to, to)));
	return json_pack("{s:o, s:o, s:o, s:o}", "vlan",
			 t->vlan ? json_integer(t->vlan) : json_null(), "remediation",
			 text_or_null(t->group), "servers", servers, "expires_s",
			 t->until_ms ? seconds_from(now.mono_ms, t->until_ms) : json_null());
}

/* What becomes of web pages that it asks others for while it is confined. */
static const char *redirect_of(const struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const char *fault = vsw_nap_net_redirect_fault(&n->engine->model, p);

	return !vsw_nap_policy(n) ? "no policy" : fault ? fault : "to the portal";
}

json_t *vsw_nap_details(struct vsw_nap *n, const struct vsw_nap_port *p)
{
	const struct nap_rule *rule = rule_of(n, p);
	const struct nap_state *s = &p->state;
	struct nap_time now = vsw_nap_now();
	json_t *j = vsw_nap_row(n, p);
	struct nap_state tried;
	struct nap_verdict v;

	if (!j)
		return NULL;
	json_object_set_new(j, "override_until_s", seconds_from(now.mono_ms, s->override_until_ms));
	json_object_set_new(j, "exempted", json_boolean(s->exempted));
	json_object_set_new(j, "reason", text_or_null(s->reason));
	json_object_set_new(j, "actor", text_or_null(s->actor));
	json_object_set_new(j, "os", text_or_null(s->os));
	json_object_set_new(j, "os_version", text_or_null(s->os_version));
	json_object_set_new(j, "machine", text_or_null(s->machine));
	json_object_set_new(j, "url", text_or_null(rule ? rule->url : NULL));
	json_object_set_new(j, "redirect", json_string(redirect_of(n, p)));
	json_object_set_new(j, "reports", counters(&s->count));
	json_object_set_new(j, "vlan", p->vlan ? json_integer(p->vlan) : json_null());
	json_object_set_new(j, "terms", terms_to_json(&p->terms, now));
	json_object_set_new(j, "statement_age_s",
			    p->soh ? json_integer((json_int_t)((now.mono_ms - p->soh_ms) / 1000))
				   : json_null());
	json_object_set_new(j, "names",
			    json_pack("{s:I, s:I}", "answered", (json_int_t)p->n_names, "refused",
				      (json_int_t)p->n_names_refused));
	if (vsw_nap_try(n, p, vsw_nap_policy(n), NULL, &tried, &v) == 0) {
		json_object_set_new(j, "checks", vsw_nap_findings(&v, now, false));
		nap_state_done(&tried);
	}
	return j;
}
