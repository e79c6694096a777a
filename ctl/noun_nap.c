/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian nap ... */
#include "ctl/command.h"

#include <string.h>

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *left_text(json_t *row, char *buf, size_t size)
{
	json_t *left = json_object_get(row, "expires_s");

	return json_is_integer(left) ? ctl_human_time(json_integer_value(left), buf, size) : "-";
}

static const char *since_text(json_t *row, char *buf, size_t size)
{
	return ctl_human_time(json_integer_value(json_object_get(row, "since_s")), buf, size);
}

static const char *access_text(json_t *row, char *buf, size_t size)
{
	const char *access = json_string_value(json_object_get(row, "access"));

	/* what the workers have is not what was decided: the one thing nobody may overlook */
	if (json_is_false(json_object_get(row, "confirmed"))) {
		snprintf(buf, size, "%s, NOT ENFORCED", access ? access : "?");
		return buf;
	}
	return access ? access : "?";
}

static const struct ctl_column status[] = {
	{"PORT", "port", 0, NULL},
	{"SWITCH", "switch", CTL_COL_CUT, NULL},
	{"HEALTH", "health", 0, NULL},
	{"ACCESS", NULL, 0, access_text},
	{"OVERRIDE", "override", 0, NULL},
	{"MODE", "mode", 0, NULL},
	{"RULE", "rule", CTL_COL_CUT, NULL},
	{"CHECK", "check", 0, NULL},
	{"SINCE", NULL, CTL_COL_RIGHT, since_text},
	{"EXPIRES", NULL, CTL_COL_RIGHT, left_text},
};

static const struct ctl_column checks[] = {
	{"CHECK", "check", 0, NULL},       {"RESULT", "result", 0, NULL},
	{"BLOCKS", "blocking", 0, NULL},   {"VALUE", "value", 0, NULL},
	{"SOURCE", "source", 0, NULL},     {"AGE", "age_s", CTL_COL_RIGHT, NULL},
	{"WHY", "why", CTL_COL_CUT, NULL}, {"FIX", "fix", CTL_COL_CUT, NULL},
};

static const struct ctl_column tries[] = {
	{"PORT", "port", 0, NULL},
	{"HEALTH", "health", 0, NULL},
	{"WOULD BE", "next_health", 0, NULL},
	{"ACCESS", "access", 0, NULL},
	{"WOULD BE", "next_access", 0, NULL},
	{"RULE", "rule", CTL_COL_CUT, NULL},
};

static const struct ctl_column records[] = {
	{"TIME", "time", 0, NULL},
	{"PORT", "port", 0, NULL},
	{"HEALTH", "health", 0, NULL},
	{"ACCESS", "access", 0, NULL},
	{"TRIGGER", "trigger", 0, NULL},
	{"ACTOR", "actor", 0, NULL},
	{"REASON", "reason", CTL_COL_CUT, NULL},
};

void ctl_print_nap_status(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, status, N(status), "no VM ports");
}

void ctl_print_nap_port(struct ctl_context *ctx, json_t *result)
{
	static const char *const apart[] = {"checks", "reports", NULL};

	(void)ctx;
	ctl_print_object(result, 0, apart);
	if (json_array_size(json_object_get(result, "checks"))) {
		putchar('\n');
		ctl_print_table(json_object_get(result, "checks"), checks, N(checks), NULL);
	}
}

/* What isolate, release, exempt and report answer. */
void ctl_print_nap_row(struct ctl_context *ctx, json_t *result)
{
	json_t *rows = json_array();

	json_array_append(rows, result);
	ctl_print_nap_status(ctx, rows);
	json_decref(rows);
}

void ctl_print_nap_tries(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, tries, N(tries), "no VM ports");
}

void ctl_print_nap_audit(struct ctl_context *ctx, json_t *result)
{
	json_t *bad = json_object_get(result, "bad_line");

	(void)ctx;
	ctl_print_table(json_object_get(result, "records"), records, N(records), "no transitions");
	if (json_is_integer(bad))
		fprintf(stderr, "warning: the log was changed at line %" JSON_INTEGER_FORMAT "\n",
			json_integer_value(bad));
}
