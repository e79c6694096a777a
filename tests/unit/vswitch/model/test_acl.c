/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Access rules as a list: ids, what is inherited, contradictions, ties; and that many take no time. */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vswitch/model/acl.h"
#include "vswitch/model/policy_json.h"
#include "vswitch/model/terms.h"

static void zeros(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	memset(buf, 0, n);
}

static struct vsw_acl_rule rule(uint8_t action, const char *remote, uint16_t weight)
{
	struct vsw_acl_rule r = {.kind = VSW_ACL_EXTENDED,
				 .action = action,
				 .weight = weight,
				 .protocol = VSW_PROTOCOL_ANY,
				 .local_port = {0, 65535},
				 .remote_port = {0, 65535},
				 .idle_timeout_s = 255};

	CU_ASSERT_EQUAL_FATAL(vsw_addr_parse(remote, NULL, &r.remote, NULL), 0);
	return r;
}

static struct vsw_acl *list(const struct vsw_acl_rule *rules, unsigned int n)
{
	struct vsw_acl *a = vsw_acl_new(n);

	memcpy(a->rules, rules, n * sizeof(*rules));
	return a;
}

static void ids(void)
{
	struct vsw_acl_rule r[3] = {rule(VSW_ACL_DENY, "10.0.0.1", 1),
				    rule(VSW_ACL_DENY, "10.0.0.2", 1),
				    rule(VSW_ACL_DENY, "10.0.0.3", 1)};
	struct vsw_acl *a, *old;

	r[1].id = 8;
	a = list(r, 3);
	CU_ASSERT_FALSE(vsw_acl_settled(a));
	vsw_acl_settle(a, NULL);
	CU_ASSERT_TRUE(vsw_acl_settled(a));
	CU_ASSERT(a->rules[0].id == 8 && a->rules[1].id == 9 && a->rules[2].id == 10);
	vsw_acl_unref(a);

	/* behind those of the list that it follows; in gaps where there is no behind */
	r[0].id = 40;
	old = list(r, 1);
	r[0].id = 0;
	a = list(r, 3);
	vsw_acl_settle(a, old);
	CU_ASSERT(a->rules[0].id == 8 && a->rules[1].id == 41 && a->rules[2].id == 42);
	vsw_acl_unref(a);
	vsw_acl_unref(old);
	r[1].id = VSW_RULE_ID_MAX;
	r[0].id = 1;
	a = list(r, 3);
	vsw_acl_settle(a, NULL);
	CU_ASSERT(a->rules[0].id == 1 && a->rules[1].id == 2 && a->rules[2].id == VSW_RULE_ID_MAX);
	vsw_acl_unref(a);
}

static void inheriting(void)
{
	struct vsw_acl_rule r[3] = {rule(VSW_ACL_DENY, "10.0.0.1", 1),
				    rule(VSW_ACL_DENY, "10.0.0.2", 1),
				    rule(VSW_ACL_DENY, "10.0.0.3", 1)};
	struct vsw_acl *a, *old;

	for (unsigned int i = 0; i < 3; i++) {
		r[i].id = 5 + i;
		r[i].set.at = 100 + i;
		strcpy(r[i].set.by, "anna");
	}
	old = list(r, 3);
	for (unsigned int i = 0; i < 3; i++) {
		r[i].id = 0;
		r[i].set.at = 0;
		r[i].set.by[0] = '\0';
	}
	r[1].weight = 2; /* another rule */
	r[2].id = 5;     /* takes the id that the first one had */
	a = list(r, 3);
	CU_ASSERT_EQUAL(vsw_acl_inherit(a, old), 0);
	CU_ASSERT(a->rules[0].id == 0 && a->rules[0].set.at == 100);
	CU_ASSERT(a->rules[1].id == 0 && a->rules[1].set.at == 0 && !a->rules[1].set.by[0]);
	CU_ASSERT(a->rules[2].id == 5 && !strcmp(a->rules[2].set.by, "anna"));
	vsw_acl_unref(a);
	r[2].id = 0;
	a = list(r, 3);
	CU_ASSERT_EQUAL(vsw_acl_inherit(a, old), 0);
	CU_ASSERT(a->rules[0].id == 5 && a->rules[1].id == 0 && a->rules[2].id == 7);
	vsw_acl_settle(a, old);
	CU_ASSERT(vsw_acl_settled(a) && a->rules[2].id == 8);
	vsw_acl_unref(a);
	vsw_acl_unref(old);
}

static unsigned int warn(const struct vsw_acl_rule *rules, unsigned int n, const char *part)
{
	struct vsw_policy *p = vsw_policy_clone(NULL);
	struct vsw_port_cfg port = {.name = "web1", .policy = p};
	json_t *out = json_array();
	unsigned int found = 0;
	json_t *j;
	size_t i;

	p->acl = list(rules, n);
	vsw_acl_settle(p->acl, NULL);
	vsw_acl_warn(&(struct vsw_model){.ports = &port, .n_ports = 1}, &port, 20, out);
	json_array_foreach (out, i, j) {
		if (part && !strstr(json_string_value(j), part))
			printf("# %s\n", json_string_value(j));
		found += !part || strstr(json_string_value(j), part);
	}
	json_decref(out);
	vsw_port_cfg_done(&port);
	return found;
}

static void warnings(void)
{
	struct vsw_acl_rule r[2] = {rule(VSW_ACL_ALLOW, "10.0.0.0/8", 10),
				    rule(VSW_ACL_DENY, "10.1.0.0/16", 10)};

	CU_ASSERT_EQUAL(warn(r, 2, "rule 1 (allow) and rule 2 (deny) have the same weight 10"), 1);
	r[1].weight = 11;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[1].weight = 10;
	r[1].direction = VSW_TO_VM;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[1] = rule(VSW_ACL_DENY, "192.0.2.0/24", 10);
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[0].protocol = 6;
	r[1] = rule(VSW_ACL_DENY, "10.0.0.0/8", 10);
	r[1].protocol = 17;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[1].protocol = 6;
	r[1].remote_port[0] = r[1].remote_port[1] = 80;
	CU_ASSERT_EQUAL(warn(r, 2, "deny wins"), 1);
	r[1] = r[0];
	CU_ASSERT_EQUAL(warn(r, 2, "rule 2 says the same as rule 1"), 1);
	r[1] = rule(VSW_ACL_DENY, "any", 3);
	r[1].vlan = 5;
	CU_ASSERT_EQUAL(warn(r, 2, "VLAN 5, which this port never carries"), 1);
}

static void contradictions(void)
{
	struct vsw_acl_rule r[2] = {rule(VSW_ACL_ALLOW, "10.1.0.0/16", 10),
				    rule(VSW_ACL_DENY, "10.0.0.0/8", 20)};

	CU_ASSERT_EQUAL(warn(r, 2, "rule 1 never decides: rule 2 comes first"), 1);
	r[1].protocol = 6; /* only some of the frames */
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[0].protocol = 6;
	CU_ASSERT_EQUAL(warn(r, 2, "never decides"), 1);
	r[1].remote_port[0] = 1;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[1].remote_port[0] = 0;
	r[1].action = VSW_ACL_ALLOW; /* says the same */
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	r[1].action = VSW_ACL_DENY;
	r[1].direction = VSW_TO_VM;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	/* the usual way: what is allowed first, the rest denied behind it */
	r[1] = rule(VSW_ACL_DENY, "any", 1);
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	/* basic rules: the same length, on different sides */
	r[0] = rule(VSW_ACL_ALLOW, "10.0.0.0/8", 0);
	r[1] = rule(VSW_ACL_DENY, "10.0.0.0/8", 0);
	r[0].kind = r[1].kind = VSW_ACL_BASIC;
	r[1].local = r[1].remote;
	memset(&r[1].remote, 0, sizeof(r[1].remote));
	CU_ASSERT_EQUAL(warn(r, 2, "prefixes of the same length and may match the same"), 1);
	r[1].local.prefix.len = 7;
	CU_ASSERT_EQUAL(warn(r, 2, NULL), 0);
	/* a tag that no port has */
	r[0].remote = (struct vsw_addr){.kind = VSW_ADDR_TAG, .name = "nobody"};
	CU_ASSERT_EQUAL(warn(r, 1, "no port with an address has that tag"), 1);
}

static double ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Half allow, half deny, all of one weight: the worst case for ties. */
static void many(void)
{
	json_t *j = json_pack("{s:i, s:[{s:s, s:s}], s:[{s:s, s:s, s:s, s:[]}]}", "viridian", 1,
			      "switches", "name", "lan", "type", "private", "ports", "name", "p",
			      "switch", "lan", "device", "tap:p", "acl");
	json_t *acl = json_object_get(json_array_get(json_object_get(j, "ports"), 0), "acl");
	json_t *out = json_array(), *diff;
	struct vsw_model m, none = {0};
	double t = ms();
	char addr[32];

	for (int i = 0; i < 16384; i++) {
		snprintf(addr, sizeof(addr), "10.%d.%d.0/24", i >> 8, i & 255);
		json_array_append_new(acl,
				      json_pack("{s:s, s:s, s:s, s:s, s:i}", "direction", "to-vm",
						"action", i & 1 ? "allow" : "deny", "remote", addr,
						"protocol", "tcp", "weight", 7));
	}
	CU_ASSERT_EQUAL_FATAL(vsw_model_from_json(j, NULL, &m, NULL), 0);
	CU_ASSERT_EQUAL(vsw_model_validate(&m, j, NULL, NULL), 0);
	CU_ASSERT_EQUAL(vsw_model_complete(&m, zeros, NULL, NULL), 0);
	vsw_acl_warn(&m, &m.ports[0], 20, out);
	CU_ASSERT_EQUAL(json_array_size(out), 1); /* too many to look at all pairs */
	diff = vsw_model_diff(&none, &m);
	CU_ASSERT_EQUAL(json_array_size(diff), 3);
	json_decref(vsw_model_to_json(&m));
	printf("# 16384 rules: %.1f ms\n", ms() - t);
	CU_ASSERT(ms() - t < 3000);
	json_array_append(acl, json_array_get(acl, 0));
	vsw_model_done(&m);
	CU_ASSERT_EQUAL(vsw_model_from_json(j, NULL, &m, NULL), -ENOSPC);
	json_decref(j);
	json_decref(out);
	json_decref(diff);
}

static const struct tap_case cases[] = {
	{"ids are assigned behind those in use", ids},
	{"equal rules keep their id, and who set them", inheriting},
	{"ties, doubles and strange VLANs are told", warnings},
	{"so are contradictions, and tags of nobody", contradictions},
	{"16384 rules take milliseconds, one more is refused", many},
};

TAP_MAIN("vswitch-model-acl", cases)
