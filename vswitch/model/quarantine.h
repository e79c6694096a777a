/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health policy of a configuration: the document as it was written, and what it means. Immutable and
 * shared: copying a model counts a reference, so equal pointers mean "nothing changed".
 *
 * Thread-safety: control thread. Proof: tests/unit/vswitch/model/test_quarantine.c.
 */
#pragma once

#include "nap-policy/policy.h"

struct vsw_quarantine {
	unsigned int refs;
	json_t *document;
	struct nap_policy *policy;
};

/** Read @j, a policy as nap-policy/policy.h has it. *@ret: one reference. -EINVAL, -ENOMEM. */
int vsw_quarantine_from_json(json_t *j, const struct vd_doc *doc, struct vsw_quarantine **ret,
			     struct vd_err *reterr);
/** Accepts NULL, and returns @q. */
struct vsw_quarantine *vsw_quarantine_ref(struct vsw_quarantine *q);
void vsw_quarantine_unref(struct vsw_quarantine *q);
