/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NAT networks from documents: what is accepted has a JSON form that means the same and says so again;
 * what is refused has an error. The text after a NUL is a second network, the clash of both must end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nat/nat_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool read_conf(const char *text, size_t size, struct nat_conf *c)
{
	struct vd_doc *doc = NULL;
	struct vd_err e = {0};
	int r = vd_doc_parse(text, size, "f", &doc, &e);

	if (r == 0)
		r = nat_conf_from_json(vd_doc_root(doc), doc, false, c, &e);
	if ((r < 0) != (e.code != VD_E_OK) || (r < 0 && !e.message[0]))
		abort();
	vd_doc_free(doc);
	return r == 0;
}

static void round_trip(const struct nat_conf *c)
{
	struct nat_conf again = {0};
	json_t *a = nat_conf_to_json(c), *b;

	if (!a)
		abort(); /* bytes that JSON cannot hold were accepted */
	if (nat_conf_from_json(a, NULL, false, &again, NULL) < 0)
		abort();
	b = nat_conf_to_json(&again);
	if (!json_equal(a, b))
		abort();
	json_decref(a);
	json_decref(b);
	nat_conf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, 0, size);
	size_t first = nul ? (size_t)(nul - data) : size;
	struct nat_conf a = {0}, b = {0};
	const char *key = NULL;

	if (!read_conf((const char *)data, first, &a))
		return 0;
	round_trip(&a);
	if (nul && read_conf((const char *)nul + 1, size - first - 1, &b)) {
		if (nat_conf_clash(&a, &b, &key, NULL) < 0 && !key)
			abort();
		nat_conf_done(&b);
	}
	nat_conf_done(&a);
	return 0;
}
