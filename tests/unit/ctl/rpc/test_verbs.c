/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/rpc/verbs.h"

static int check(const char *method, const char *params, struct vd_err *e)
{
	json_t *j = params ? json_loads(params, 0, NULL) : NULL;
	int r;

	*e = (struct vd_err){0};
	CU_ASSERT_FATAL(!params || j != NULL);
	r = ctl_params_check(ctl_verb_of_method(method), j, e);
	json_decref(j);
	return r;
}

static void lookups(void)
{
	CU_ASSERT_STRING_EQUAL(ctl_verb_find("port", "add")->method, "port.add");
	CU_ASSERT_STRING_EQUAL(ctl_verb_of_method("config.apply")->noun, "apply");
	CU_ASSERT_PTR_NULL(ctl_verb_find("port", "fly"));
	CU_ASSERT_PTR_NULL(ctl_verb_of_method("port"));
}

static void consistent(void)
{
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		bool optional = false;

		CU_ASSERT_PTR_EQUAL(ctl_verb_find(v->noun, v->verb), v);
		CU_ASSERT_EQUAL(strncmp(v->example, v->noun, strlen(v->noun)), 0);
		for (size_t k = 0; k < v->n_args; k++) {
			const struct ctl_arg *a = &v->args[k];
			long long min, max;

			if (a->type == CTL_INT && a->values)
				CU_ASSERT_EQUAL(sscanf(a->values, "%lld-%lld", &min, &max), 2);
			if (a->type == CTL_ENUM)
				CU_ASSERT_PTR_NOT_NULL(a->values);
			if (!(a->flags & CTL_POSITIONAL))
				continue;
			/* a required one after an optional one could never be told apart */
			CU_ASSERT_FALSE(optional && a->flags & CTL_REQUIRED);
			optional |= !(a->flags & CTL_REQUIRED);
		}
	}
}

static void params_good(void)
{
	struct vd_err e;

	CU_ASSERT_EQUAL(check("switch.list", NULL, &e), 0);
	CU_ASSERT_EQUAL(
		check("switch.add", "{\"name\":\"a\",\"type\":\"private\",\"mtu\":576}", &e), 0);
	CU_ASSERT_EQUAL(check("switch.add",
			      "{\"name\":\"a\",\"type\":\"external\",\"uplink\":[\"pci:1\"],"
			      "\"no_host_vnic\":true,\"dry_run\":true}",
			      &e),
			0);
	CU_ASSERT_EQUAL(check("config.apply", "{\"document\":\"\",\"file\":\"x.yaml\"}", &e), 0);
	CU_ASSERT_EQUAL(check("config.diff", "{\"document\":\"\",\"file\":\"x.yaml\"}", &e), 0);
}

static void params_bad(void)
{
	static const struct {
		const char *method, *params;
		enum vd_code code;
		const char *path;
	} t[] = {
		{"switch.show", NULL, VD_E_RPC_PARAMS, "name"},
		{"switch.show", "{}", VD_E_RPC_PARAMS, "name"},
		{"switch.show", "{\"name\":1}", VD_E_RPC_PARAMS, "name"},
		{"switch.show", "{\"name\":null}", VD_E_RPC_PARAMS, "name"},
		{"switch.show", "{\"name\":\"a\",\"dry_run\":true}", VD_E_RPC_PARAMS, "dry_run"},
		{"switch.show", "{\"nmae\":\"a\"}", VD_E_RPC_PARAMS, "nmae"},
		{"switch.set", "{\"name\":\"a\",\"mtu\":575}", VD_E_VALUE, "mtu"},
		{"switch.set", "{\"name\":\"a\",\"mtu\":9217}", VD_E_VALUE, "mtu"},
		{"switch.set", "{\"name\":\"a\",\"mtu\":1500.0}", VD_E_RPC_PARAMS, "mtu"},
		{"switch.set", "{\"name\":\"a\",\"type\":\"internal|private\"}", VD_E_VALUE,
		 "type"},
		{"switch.set", "{\"name\":\"a\",\"type\":\"\"}", VD_E_VALUE, "type"},
		{"switch.set", "{\"name\":\"a\",\"uplink\":\"pci:1\"}", VD_E_RPC_PARAMS, "uplink"},
		{"switch.set", "{\"name\":\"a\",\"uplink\":[1]}", VD_E_RPC_PARAMS, "uplink"},
		{"switch.set", "{\"name\":\"a\",\"no_host_vnic\":1}", VD_E_RPC_PARAMS,
		 "no_host_vnic"},
		{"switch.set", "{\"name\":\"a\",\"dry_run\":\"yes\"}", VD_E_RPC_PARAMS, "dry_run"},
		{"capture", "{\"port\":\"a\",\"write\":\"x\"}", VD_E_RPC_PARAMS, "write"},
		{"config.apply", "{\"document\":\"\",\"file\":1}", VD_E_RPC_PARAMS, "file"},
	};
	struct vd_err e;

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CU_ASSERT_EQUAL(check(t[i].method, t[i].params, &e), -EINVAL);
		CU_ASSERT_EQUAL(e.code, t[i].code);
		CU_ASSERT_STRING_EQUAL(e.path, t[i].path);
	}
	check("switch.show", "{\"nmae\":\"a\"}", &e);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean name?");
	check("switch.add", "{\"name\":\"a\",\"type\":\"privat\"}", &e);
	CU_ASSERT_STRING_EQUAL(e.hint, "did you mean private?");
}

static void limits(void)
{
	static char text[70000];
	json_t *j = json_object(), *list = json_array();
	struct vd_err e = {0};

	memset(text, 'x', sizeof(text) - 1);
	json_object_set_new(j, "name", json_string(text));
	CU_ASSERT_EQUAL(ctl_params_check(ctl_verb_of_method("switch.show"), j, &e), -E2BIG);
	json_object_set_new(j, "name", json_string("a"));
	for (int i = 0; i < 1025; i++)
		json_array_append_new(list, json_string("pci:1"));
	json_object_set_new(j, "uplink", list);
	CU_ASSERT_EQUAL(ctl_params_check(ctl_verb_of_method("switch.set"), j, NULL), -E2BIG);
	json_decref(j);
}

static void description(void)
{
	json_t *d = ctl_describe(), *m;
	size_t i, found = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(d);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(d, "errors")), VD_E_N - 1);
	json_array_foreach (json_object_get(d, "methods"), i, m) {
		json_t *params = json_object_get(m, "params");

		CU_ASSERT_TRUE(json_is_object(params));
		if (strcmp(json_string_value(json_object_get(m, "method")), "switch.set"))
			continue;
		found++;
		params = json_object_get(params, "properties");
		CU_ASSERT_EQUAL(json_integer_value(
					json_object_get(json_object_get(params, "mtu"), "maximum")),
				9216);
		CU_ASSERT_EQUAL(
			json_array_size(json_object_get(json_object_get(params, "type"), "enum")),
			3);
		CU_ASSERT_TRUE(json_is_object(json_object_get(params, "dry_run")));
	}
	CU_ASSERT_EQUAL(found, 1);
	json_decref(d);
}

static const struct tap_case cases[] = {
	{"verbs are found by words and by method", lookups},
	{"the table does not contradict itself", consistent},
	{"good parameters pass", params_good},
	{"bad parameters are refused with path and hint", params_bad},
	{"long texts and lists are refused", limits},
	{"describe has schemas", description},
};

TAP_MAIN("ctl/rpc/verbs", cases)
