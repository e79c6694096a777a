/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The health policy as part of a model: see quarantine.h. */
#include "vswitch/model/quarantine.h"

#include <errno.h>
#include <stdlib.h>

#include "vswitch/model/model_internal.h"

int vsw_quarantine_from_json(json_t *j, const struct vd_doc *doc, struct vsw_quarantine **ret,
			     struct vd_err *reterr)
{
	struct nap_policy *policy = NULL;
	struct vsw_quarantine *q;
	int r = nap_policy_from_json(j, doc, &policy, reterr);

	if (r < 0)
		return r;
	q = calloc(1, sizeof(*q));
	if (q)
		q->document = json_deep_copy(j);
	if (!q || !q->document) {
		free(q);
		nap_policy_free(policy);
		return vsw_no_memory(reterr);
	}
	q->refs = 1;
	q->policy = policy;
	*ret = q;
	return 0;
}

struct vsw_quarantine *vsw_quarantine_ref(struct vsw_quarantine *q)
{
	if (q)
		q->refs++;
	return q;
}

void vsw_quarantine_unref(struct vsw_quarantine *q)
{
	if (!q || --q->refs)
		return;
	json_decref(q->document);
	nap_policy_free(q->policy);
	free(q);
}
