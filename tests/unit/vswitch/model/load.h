/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document of the tests, as the daemon reads one. */
#pragma once

#include <string.h>

#include "vswitch/model/model.h"

static inline int load(const char *text, struct vsw_model *m, struct vd_err *e)
{
	struct vd_doc *d = NULL;
	int r;

	memset(m, 0, sizeof(*m));
	memset(e, 0, sizeof(*e));
	r = vd_doc_parse(text, strlen(text), "net.yaml", &d, e);
	if (r == 0)
		r = vsw_model_from_json(vd_doc_root(d), d, m, e);
	if (r == 0)
		r = vsw_model_validate(m, vd_doc_root(d), d, e);
	if (r < 0)
		vsw_model_done(m);
	vd_doc_free(d);
	return r;
}
