/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy server says of a port beside yes and no: a VLAN, a remediation group by name (Filter-Id), servers that
 * stay reachable. They hold until the server says something else, and go with what was reported when the port
 * moves. What they open ends with the answer they came with; the VLAN stays, so that a dead server moves nobody.
 * They are part of the state file: a port has the same terms in the first frame after a restart.
 *
 * Thread-safety: control thread. Proof: tests/unit/vswitch/control/test_terms.c,
 * tests/net/nap-policy-server.test.
 */
#pragma once

#include <jansson.h>

#include "nap-policy/policy.h"
#include "nap-policy/radius.h"

struct vsw_nap_terms {
	uint16_t vlan;              /* 0: none */
	char group[NAP_NAME_SIZE];  /* "": the rule's */
	struct nap_target *targets; /* allocated */
	unsigned int n_targets;
	uint64_t until_ms; /* group and targets hold until then, monotonic; 0: no end */
};

/** Those of an answer. What the answer asks for and this switch cannot do becomes its problem: it restricts then.
 *  -ENOMEM. */
int vsw_nap_terms_of_answer(const struct nap_policy *p, struct nap_radius_answer *a,
			    struct vsw_nap_terms *ret);
/** Those of a change of authorization. -EINVAL: a group that nobody knows; -ENOMEM. */
int vsw_nap_terms_of_coa(const struct nap_policy *p, const struct nap_coa *q,
			 struct vsw_nap_terms *ret);
void vsw_nap_terms_done(struct vsw_nap_terms *t);
/** At its time, what opens something ends. */
void vsw_nap_terms_expire(struct vsw_nap_terms *t, uint64_t now_ms);

/** For the state file. New reference; NULL on lack of memory. */
json_t *vsw_nap_terms_to_json(const struct vsw_nap_terms *t);
/** Those that were saved in this boot. @ret has to be empty. -EINVAL: damaged; -ENOMEM. */
int vsw_nap_terms_from_json(json_t *j, struct vsw_nap_terms *ret);

/** Index of the group called @name, or NAP_NO_GROUP. */
uint16_t vsw_nap_group(const struct nap_policy *p, const char *name);
