/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs, made from verbs.def, and what follows from it: checks and descriptions. */
#include "ctl/rpc/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"

#define TEXT_MAX   65535 /* characters of any value but a document */
#define REPEAT_MAX 1024
#define NAMES_MAX  64 /* parameters and choices considered for suggestions */

/* Twice the same list: first each verb's arguments, then the verbs. A final empty element because a
 * verb may have no arguments. */
#define CTL_ARG(name, type, flags, values, object, label, help) \
	{#name, type, flags, values, object, label, help},
#define CTL_VERB(noun, verb, method, changes, summary, example, args) \
	{#noun,                                                       \
	 #verb,                                                       \
	 method,                                                      \
	 changes,                                                     \
	 summary,                                                     \
	 example,                                                     \
	 (const struct ctl_arg[]){args{0}},                           \
	 sizeof((const struct ctl_arg[]){args{0}}) / sizeof(struct ctl_arg) - 1},

const struct ctl_verb ctl_verbs[] = {
#include "ctl/rpc/verbs.def"
};
const size_t ctl_n_verbs = sizeof(ctl_verbs) / sizeof(ctl_verbs[0]);

const struct ctl_verb *ctl_verb_find(const char *noun, const char *verb)
{
	for (size_t i = 0; i < ctl_n_verbs; i++)
		if (!strcmp(ctl_verbs[i].noun, noun) && !strcmp(ctl_verbs[i].verb, verb))
			return &ctl_verbs[i];
	return NULL;
}

const struct ctl_verb *ctl_verb_of_method(const char *method)
{
	for (size_t i = 0; i < ctl_n_verbs; i++)
		if (ctl_verbs[i].method && !strcmp(ctl_verbs[i].method, method))
			return &ctl_verbs[i];
	return NULL;
}

static bool in_choices(const char *choices, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
		if (strcspn(p, "|") == len && !memcmp(p, word, len))
			return true;
	return false;
}

static int wrong_choice(const struct ctl_arg *a, const char *word, struct vd_err *e)
{
	char copy[256], listed[300] = "", hint[128];
	const char *list[NAMES_MAX] = {NULL}, *near;
	char *save = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", a->values);
	for (char *p = strtok_r(copy, "|", &save); p && n < NAMES_MAX;
	     p = strtok_r(NULL, "|", &save)) {
		snprintf(listed + strlen(listed), sizeof(listed) - strlen(listed), "%s%s",
			 n ? ", " : "", p);
		list[n++] = p;
	}
	near = vd_suggest(word, list, n);
	snprintf(hint, sizeof(hint), "did you mean %s?", near ? near : "");
	return vd_err_set(e, -EINVAL, VD_E_VALUE, a->name, near ? hint : NULL,
			  "%s is not '%.60s' (allowed: %s)", a->name, word, listed);
}

static int wrong_type(const struct ctl_arg *a, const char *wanted, struct vd_err *e)
{
	return vd_err_set(e, -EINVAL, VD_E_RPC_PARAMS, a->name, NULL, "%s is not %s", a->name,
			  wanted);
}

static int check_int(const struct ctl_arg *a, json_t *value, struct vd_err *e)
{
	long long min, max;

	if (!json_is_integer(value))
		return wrong_type(a, "an integer", e);
	if (!a->values || sscanf(a->values, "%lld-%lld", &min, &max) != 2)
		return 0;
	if (json_integer_value(value) >= min && json_integer_value(value) <= max)
		return 0;
	return vd_err_set(e, -EINVAL, VD_E_VALUE, a->name, NULL,
			  "%s is %" JSON_INTEGER_FORMAT " (allowed: %s)", a->name,
			  json_integer_value(value), a->values);
}

static int check_text(const struct ctl_arg *a, json_t *value, struct vd_err *e)
{
	if (!json_is_string(value))
		return wrong_type(a, "a string", e);
	if (a->type == CTL_FILE)
		return 0;
	if (json_string_length(value) > TEXT_MAX)
		return vd_err_set(e, -E2BIG, VD_E_TOO_LARGE, a->name, NULL,
				  "%s has %zu characters (allowed: %d)", a->name,
				  json_string_length(value), TEXT_MAX);
	if (a->type == CTL_ENUM && !in_choices(a->values, json_string_value(value)))
		return wrong_choice(a, json_string_value(value), e);
	return 0;
}

static int check_one(const struct ctl_arg *a, json_t *value, struct vd_err *e)
{
	switch (a->type) {
	case CTL_INT:
		return check_int(a, value, e);
	case CTL_BOOL:
		return json_is_boolean(value) ? 0 : wrong_type(a, "true or false", e);
	case CTL_OBJECT:
		return json_is_object(value) ? 0 : wrong_type(a, "an object", e);
	default:
		return check_text(a, value, e);
	}
}

int ctl_arg_check(const struct ctl_arg *arg, json_t *value, struct vd_err *reterr)
{
	json_t *v;
	size_t i;

	if (!(arg->flags & CTL_REPEAT))
		return check_one(arg, value, reterr);
	if (!json_is_array(value))
		return wrong_type(arg, "an array", reterr);
	if (json_array_size(value) > REPEAT_MAX)
		return vd_err_set(reterr, -E2BIG, VD_E_TOO_LARGE, arg->name, NULL,
				  "%s has %zu elements (allowed: %d)", arg->name,
				  json_array_size(value), REPEAT_MAX);
	json_array_foreach (value, i, v) {
		int r = check_one(arg, v, reterr);

		if (r)
			return r;
	}
	return 0;
}

static const struct ctl_arg *arg_find(const struct ctl_verb *verb, const char *name)
{
	for (size_t i = 0; i < verb->n_args; i++)
		if (!strcmp(verb->args[i].name, name) && !(verb->args[i].flags & CTL_CLIENT))
			return &verb->args[i];
	return NULL;
}

static bool has_file(const struct ctl_verb *verb)
{
	for (size_t i = 0; i < verb->n_args; i++)
		if (verb->args[i].type == CTL_FILE && !(verb->args[i].flags & CTL_CLIENT))
			return true;
	return false;
}

static int unknown_param(const struct ctl_verb *verb, const char *key, struct vd_err *e)
{
	const char *list[NAMES_MAX] = {NULL}, *near;
	char hint[256] = "";
	size_t n = 0;

	for (size_t i = 0; i < verb->n_args && n < NAMES_MAX; i++)
		if (!(verb->args[i].flags & CTL_CLIENT))
			list[n++] = verb->args[i].name;
	near = vd_suggest(key, list, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		for (size_t i = 0; i < n; i++)
			snprintf(hint + strlen(hint), sizeof(hint) - strlen(hint), "%s%s",
				 i ? ", " : "it has: ", list[i]);
	return vd_err_set(e, -EINVAL, VD_E_RPC_PARAMS, key, hint, "%s has no parameter '%.60s'",
			  verb->method ? verb->method : verb->noun, key);
}

/* What every method of its kind takes beside its own parameters. */
static int check_common(const struct ctl_verb *verb, const char *key, json_t *value,
			struct vd_err *e)
{
	static const struct ctl_arg dry_run = {.name = "dry_run", .type = CTL_BOOL};
	static const struct ctl_arg file = {.name = "file", .type = CTL_STRING};

	if (verb->changes && !strcmp(key, "dry_run"))
		return ctl_arg_check(&dry_run, value, e);
	if (has_file(verb) && !strcmp(key, "file"))
		return ctl_arg_check(&file, value, e);
	return unknown_param(verb, key, e);
}

int ctl_params_check(const struct ctl_verb *verb, json_t *params, struct vd_err *reterr)
{
	const char *key;
	json_t *value;

	json_object_foreach (params, key, value) {
		const struct ctl_arg *a = arg_find(verb, key);
		int r = a ? ctl_arg_check(a, value, reterr)
			  : check_common(verb, key, value, reterr);

		if (r)
			return r;
	}
	for (size_t i = 0; i < verb->n_args; i++) {
		const struct ctl_arg *a = &verb->args[i];

		if (a->flags & CTL_REQUIRED && !(a->flags & CTL_CLIENT) &&
		    !json_object_get(params, a->name))
			return vd_err_set(reterr, -EINVAL, VD_E_RPC_PARAMS, a->name, a->help,
					  "%s needs the parameter %s",
					  verb->method ? verb->method : verb->noun, a->name);
	}
	return 0;
}

static json_t *choices_json(const char *choices)
{
	json_t *list = json_array();

	for (const char *p = choices; *p; p += strcspn(p, "|"), p += *p == '|')
		json_array_append_new(list, json_stringn(p, strcspn(p, "|")));
	return list;
}

/* JSON Schema (2020-12) of one value. */
static json_t *value_schema(const struct ctl_arg *a)
{
	static const char *const formats[] = {[CTL_NAME] = "name",
					      [CTL_MAC] = "mac",
					      [CTL_VLAN] = "vlan-mode",
					      [CTL_DEVICE] = "device",
					      [CTL_FILE] = "document"};
	json_t *s = json_object();
	long long min, max;

	json_object_set_new(s, "type",
			    json_string(a->type == CTL_INT      ? "integer"
					: a->type == CTL_BOOL   ? "boolean"
					: a->type == CTL_OBJECT ? "object"
								: "string"));
	if (a->type == CTL_INT && a->values && sscanf(a->values, "%lld-%lld", &min, &max) == 2) {
		json_object_set_new(s, "minimum", json_integer(min));
		json_object_set_new(s, "maximum", json_integer(max));
	}
	if (a->type == CTL_ENUM)
		json_object_set_new(s, "enum", choices_json(a->values));
	if (a->type < sizeof(formats) / sizeof(formats[0]) && formats[a->type])
		json_object_set_new(s, "format", json_string(formats[a->type]));
	return s;
}

static json_t *arg_schema(const struct ctl_arg *a)
{
	json_t *s = value_schema(a);

	if (a->flags & CTL_REPEAT)
		s = json_pack("{s:s, s:o}", "type", "array", "items", s);
	if (s)
		json_object_set_new(s, "description", json_string(a->help));
	return s;
}

static json_t *verb_schema(const struct ctl_verb *v)
{
	json_t *properties = json_object(), *required = json_array();

	for (size_t i = 0; i < v->n_args; i++) {
		if (v->args[i].flags & CTL_CLIENT)
			continue;
		json_object_set_new(properties, v->args[i].name, arg_schema(&v->args[i]));
		if (v->args[i].flags & CTL_REQUIRED)
			json_array_append_new(required, json_string(v->args[i].name));
	}
	if (v->changes)
		json_object_set_new(
			properties, "dry_run",
			json_pack("{s:s, s:s}", "type", "boolean", "description",
				  "check and answer the changes, but do not make them"));
	if (has_file(v))
		json_object_set_new(properties, "file",
				    json_pack("{s:s, s:s}", "type", "string", "description",
					      "what errors call the document"));
	return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			 "required", required, "additionalProperties", 0);
}

json_t *ctl_describe(void)
{
	json_t *methods = json_array(), *errors = json_array();

	for (size_t i = 0; i < ctl_n_verbs; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];

		if (v->method)
			json_array_append_new(methods,
					      json_pack("{s:s, s:s, s:b, s:o}", "method", v->method,
							"summary", v->summary, "changes",
							v->changes, "params", verb_schema(v)));
	}
	for (enum vd_code c = VD_E_OK + 1; c < VD_E_N; c++)
		json_array_append_new(errors,
				      json_pack("{s:s, s:s, s:s, s:i}", "code", vd_code_text(c),
						"kind", vd_kind_text(vd_code_kind(c)), "text",
						vd_code_doc(c), "exit", vd_code_exit(c)));
	return json_pack("{s:s, s:o, s:o}", "version", VIRIDIAN_VERSION, "methods", methods,
			 "errors", errors);
}
