/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian fdb ... */
#include "ctl/command.h"

#include <string.h>

static const char *vlan_text(json_t *row, char *buf, size_t size)
{
	json_t *vlan = json_object_get(row, "vlan");

	if (!json_is_integer(vlan))
		return "any";
	snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(vlan));
	return strcmp(buf, "0") ? buf : "none";
}

static const char *age_text(json_t *row, char *buf, size_t size)
{
	const char *type = json_string_value(json_object_get(row, "type"));

	if (type && strcmp(type, "learned"))
		return "-";
	return ctl_human_time(json_integer_value(json_object_get(row, "age_s")), buf, size);
}

static const struct ctl_column columns[] = {
	{"SWITCH", "switch", 0, NULL},
	{"MAC", "mac", 0, NULL},
	{"VLAN", NULL, CTL_COL_RIGHT, vlan_text},
	{"PORT", "port", 0, NULL},
	{"TYPE", "type", 0, NULL},
	{"AGE", NULL, CTL_COL_RIGHT, age_text},
};

void ctl_print_fdb(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, columns, sizeof(columns) / sizeof(columns[0]),
			"no addresses known");
}

void ctl_print_flushed(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	printf("%" JSON_INTEGER_FORMAT " addresses forgotten\n",
	       json_integer_value(json_object_get(result, "removed")));
}
