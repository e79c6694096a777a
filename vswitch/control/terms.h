/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a policy server says of a port beside yes and no: a VLAN, a remediation group by name (Filter-Id), servers that
 * stay reachable. They hold until the server says something else, and go with what was reported when the port
 * moves. They are not saved: after a restart the port has less, until the server was asked again.
 *
 * Thread-safety: control thread. Proof: tests/net/nap-policy-server.test.
 */
#pragma once

#include "nap-policy/policy.h"
#include "nap-policy/radius.h"

struct vsw_nap_terms {
	uint16_t vlan;              /* 0: none */
	char group[NAP_NAME_SIZE];  /* "": the rule's */
	struct nap_target *targets; /* allocated */
	unsigned int n_targets;
};

/** Those of an answer. What the answer asks for and this switch cannot do becomes its problem: it restricts then.
 *  -ENOMEM. */
int vsw_nap_terms_of_answer(const struct nap_policy *p, struct nap_radius_answer *a,
			    struct vsw_nap_terms *ret);
/** Those of a change of authorization. -EINVAL: a group that nobody knows; -ENOMEM. */
int vsw_nap_terms_of_coa(const struct nap_policy *p, const struct nap_coa *q,
			 struct vsw_nap_terms *ret);
void vsw_nap_terms_done(struct vsw_nap_terms *t);

/** Index of the group called @name, or NAP_NO_GROUP. */
uint16_t vsw_nap_group(const struct nap_policy *p, const char *name);
