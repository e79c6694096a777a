/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies as containers: shared by copies, cloned for changes, tags and sets resolved. */
#include "tests/unit/tap.h"

#include <stdlib.h>
#include <string.h>

#include "vswitch/model/model.h"

static struct vsw_policy *tagged(const char *tag, const char *pin)
{
	struct vsw_policy *p = vsw_policy_clone(NULL);

	p->tags = calloc(1, sizeof(*p->tags));
	p->n_tags = 1;
	strcpy(p->tags[0], tag);
	if (pin) {
		p->pins = calloc(1, sizeof(*p->pins));
		p->n_pins = 1;
		vd_prefix_parse(pin, &p->pins[0]);
	}
	return p;
}

static void sharing(void)
{
	struct vsw_model m = {0}, copy;
	struct vsw_policy *p = tagged("web", NULL), *own;

	p->acl = vsw_acl_new(2);
	p->acl->rules[0].id = 3;
	p->acl->rules[1].id = 7;
	m.ports = calloc(1, sizeof(*m.ports));
	m.n_ports = 1;
	m.ports[0].policy = p;
	CU_ASSERT_EQUAL(vsw_model_copy(&m, &copy), 0);
	CU_ASSERT_PTR_EQUAL(copy.ports[0].policy, p);
	vsw_model_done(&m);

	own = vsw_policy_clone(copy.ports[0].policy);
	CU_ASSERT_PTR_NOT_EQUAL(own->tags, copy.ports[0].policy->tags);
	CU_ASSERT_PTR_EQUAL(own->acl, copy.ports[0].policy->acl);
	vsw_model_done(&copy);
	CU_ASSERT_STRING_EQUAL(own->tags[0], "web");
	CU_ASSERT_PTR_EQUAL(vsw_acl_find(own->acl, 7), &own->acl->rules[1]);
	CU_ASSERT_PTR_NULL(vsw_acl_find(own->acl, 4));
	CU_ASSERT_PTR_NULL(vsw_acl_find(NULL, 4));
	vsw_policy_unref(own);
}

static unsigned int resolve(const struct vsw_model *m, uint8_t kind, const char *name,
			    struct vsw_member first[4])
{
	struct vsw_addr a = {.kind = kind};
	struct vsw_member *list;
	unsigned int n;

	strcpy(a.name, name);
	CU_ASSERT_EQUAL(vsw_addr_resolve(m, &a, &list, &n), 0);
	memcpy(first, list, (n < 4 ? n : 4) * sizeof(*list));
	free(list);
	return n;
}

static void resolving(void)
{
	struct vsw_port_cfg ports[3] = {
		{.has_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}, .policy = tagged("web", "10.0.0.1")},
		{.has_mac = true, .policy = tagged("db", "10.0.0.2")},
		{.policy = tagged("web", "fd00::/64")},
	};
	struct vsw_member members[1] = {{.is_mac = true, .mac = {{2, 0, 0, 0, 0, 9}}}}, got[4];
	struct vsw_set set = {.name = "lab", .members = members, .n_members = 1};
	struct vsw_model m = {.ports = ports, .n_ports = 3, .sets = &set, .n_sets = 1};

	CU_ASSERT_EQUAL(resolve(&m, VSW_ADDR_TAG, "web", got), 3);
	CU_ASSERT_TRUE(got[0].is_mac && got[0].mac.addr[5] == 1);
	CU_ASSERT_TRUE(!got[1].is_mac && got[1].prefix.family == 4 && got[1].prefix.addr[3] == 1);
	CU_ASSERT_TRUE(!got[2].is_mac && got[2].prefix.family == 6 && got[2].prefix.len == 64);
	CU_ASSERT_EQUAL(resolve(&m, VSW_ADDR_TAG, "nobody", got), 0);
	CU_ASSERT_EQUAL(resolve(&m, VSW_ADDR_SET, "lab", got), 1);
	CU_ASSERT_TRUE(got[0].is_mac && got[0].mac.addr[5] == 9);
	CU_ASSERT_EQUAL(resolve(&m, VSW_ADDR_SET, "lob", got), 0);
	CU_ASSERT_EQUAL(resolve(&m, VSW_ADDR_ANY, "", got), 0);
	for (unsigned int i = 0; i < 3; i++)
		vsw_port_cfg_done(&ports[i]);
}

static const struct tap_case cases[] = {
	{"copies of a model share policies, clones share rules", sharing},
	{"tags and sets become addresses", resolving},
};

TAP_MAIN("vswitch-model-policy", cases)
