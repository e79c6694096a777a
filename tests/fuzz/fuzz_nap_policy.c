/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A quarantine policy as an administrator's file; what is accepted must hold together. */
#include <stdint.h>
#include <stdlib.h>

#include "nap-policy/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool fact)
{
	if (!fact)
		abort();
}

static void use(const struct nap_policy *p)
{
	static const char *const tags[] = {"infra"};
	struct nap_subject who = {.port = "web1", .sw = "lan", .tags = tags, .n_tags = 1};
	struct nap_time now = {.mono_ms = 1000000, .wall_s = 1700000000};
	struct nap_change ch;
	struct nap_verdict v;
	struct nap_state s;

	nap_state_init(&s, now);
	nap_state_decide(&s, p, &who, now, &ch, &v);
	must(s.rule < (int)p->n_rules);
	/* nobody has said anything: only an exemption or a rule without blocking checks can be content */
	must(s.health == NAP_UNKNOWN || s.health == NAP_EXEMPT || !v.worst);
	for (unsigned int i = 0; i < p->n_rules; i++)
		must(p->rules[i].exempt || p->rules[i].mode == NAP_OFF || p->rules[i].checks);
	for (unsigned int i = 0; i < p->n_groups; i++)
		for (unsigned int k = 0; k < p->groups[i].n_targets; k++)
			must(p->groups[i].targets[k].to.family || p->groups[i].targets[k].name[0]);
	nap_state_done(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nap_policy *p = NULL;
	struct vd_doc *doc = NULL;
	struct vd_err e = {0};
	int r;

	if (vd_doc_parse((const char *)data, size, "fuzz.yaml", &doc, NULL) < 0)
		return 0;
	r = nap_policy_from_json(vd_doc_root(doc), doc, &p, &e);
	must(r == 0 ? !e.code : e.code && e.message[0] && e.line && e.column && r == e.errnum);
	if (r == 0)
		use(p);
	nap_policy_free(p);
	vd_doc_free(doc);
	return 0;
}
