/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Methods on the whole configuration. */
#include <errno.h>

#include "base/doc.h"
#include "vswitch/control/edit.h"
#include "vswitch/control/methods.h"

static int apply_text(struct vsw_call *call, json_t **result, struct vd_err *reterr)
{
	json_t *text = json_object_get(call->params, "document");
	const char *file = vsw_edit_text(call->params, "file");
	struct vsw_model next = {0};
	struct vsw_apply a = {.next = &next};
	struct vd_doc *doc = NULL;
	int rc = vd_doc_parse(json_string_value(text), json_string_length(text), file ? file : "-",
			      &doc, reterr);

	if (rc)
		return rc;
	a.doc = doc;
	a.root = vd_doc_root(doc);
	rc = vsw_model_from_json(a.root, doc, &next, reterr);
	if (!rc)
		rc = vsw_methods_apply(call, &a, result, reterr);
	vsw_model_done(&next);
	vd_doc_free(doc);
	return rc;
}

VSW_METHOD(config_apply)
{
	return apply_text(call, result, reterr);
}

VSW_METHOD(config_diff)
{
	int rc;

	call->dry_run = true;
	rc = apply_text(call, result, reterr);
	if (!rc)
		json_object_del(*result, "applied");
	return rc;
}

VSW_METHOD(config_export)
{
	*result = vsw_model_to_json(&call->d->engine->model);
	return *result ? 0 : -ENOMEM;
}
