/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian switch ... */
#include "ctl/command.h"

static const struct ctl_column columns[] = {
	{"NAME", "name", 0, NULL},
	{"TYPE", "type", 0, NULL},
	{"UPLINK", "uplink", CTL_COL_CUT, NULL},
	{"HOST-VNIC", "host_vnic", 0, NULL},
	{"MTU", "mtu", CTL_COL_RIGHT, NULL},
	{"PORTS", "n_ports", CTL_COL_RIGHT, NULL},
	{"LEARNED", "n_learned", CTL_COL_RIGHT, NULL},
};

void ctl_print_switches(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, columns, sizeof(columns) / sizeof(columns[0]), "no switches");
}

void ctl_print_switch(struct ctl_context *ctx, json_t *result)
{
	static const char *const apart[] = {"ports", "fdb", NULL};
	json_t *statics = json_object_get(result, "fdb");

	ctl_print_object(result, 0, apart);
	if (json_array_size(statics)) {
		puts("\npinned addresses:");
		ctl_print_any_table(statics);
	}
	if (json_array_size(json_object_get(result, "ports"))) {
		putchar('\n');
		ctl_print_ports(ctx, json_object_get(result, "ports"));
	}
}
