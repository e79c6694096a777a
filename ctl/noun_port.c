/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian port ... */
#include "ctl/command.h"

#include <string.h>

/* What a person wants to know first: is it usable, and if not, whose fault is it? */
static const char *state_text(json_t *row, char *buf, size_t size)
{
	const char *link = json_string_value(json_object_get(row, "link"));
	const char *state = "up";

	if (link && !strcmp(link, "down"))
		state = "down";
	else if (json_is_false(json_object_get(row, "connected")))
		state = "no-peer";
	snprintf(buf, size, "%s%s", state,
		 json_is_string(json_object_get(row, "degraded")) ? ", degraded" : "");
	return buf;
}

static const struct ctl_column columns[] = {
	{"NAME", "name", 0, NULL},      {"SWITCH", "switch", 0, NULL},
	{"ROLE", "role", 0, NULL},      {"DEVICE", "device", CTL_COL_CUT, NULL},
	{"MAC", "mac", 0, NULL},        {"VLAN", "vlan", CTL_COL_CUT, NULL},
	{"STATE", NULL, 0, state_text},
};

void ctl_print_ports(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, columns, sizeof(columns) / sizeof(columns[0]), "no ports");
}

void ctl_print_port(struct ctl_context *ctx, json_t *result)
{
	static const char *const apart[] = {"stats", "drops", NULL};
	static const char *const named[] = {"port", "switch", NULL};
	json_t *stats = json_object_get(result, "stats");

	(void)ctx;
	ctl_print_object(result, 0, apart);
	if (json_is_object(stats)) {
		puts("stats:");
		ctl_print_object(stats, 2, named);
	}
	if (json_array_size(json_object_get(result, "drops"))) {
		puts("drops:");
		ctl_print_drop_rows(json_object_get(result, "drops"), true, NULL);
	}
}
