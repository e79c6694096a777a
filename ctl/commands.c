/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Verbs with an output or an action of their own. */
#include "ctl/command.h"

#include <string.h>

static const struct ctl_command commands[] = {
	{"switch", "list", NULL, ctl_print_switches},
	{"switch", "show", NULL, ctl_print_switch},
	{"port", "list", NULL, ctl_print_ports},
	{"port", "show", NULL, ctl_print_port},
	{"nat", "list", NULL, ctl_print_nats},
	{"nat", "show", NULL, ctl_print_nat},
	{"nat", "map list", NULL, ctl_print_nat_maps},
	{"nat", "pair list", NULL, ctl_print_nat_pairs},
	{"nat", "address list", NULL, ctl_print_nat_addresses},
	{"nat", "reservation list", NULL, ctl_print_nat_reservations},
	{"nat", "leases", NULL, ctl_print_nat_leases},
	{"nat", "session list", NULL, ctl_print_nat_sessions},
	{"nat", "session flush", NULL, ctl_print_nat_flushed},
	{"nat", "lookup", NULL, ctl_print_nat_lookup},
	{"fdb", "list", NULL, ctl_print_fdb},
	{"fdb", "flush", NULL, ctl_print_flushed},
	{"acl", "list", NULL, ctl_print_rules},
	{"set", "list", NULL, ctl_print_sets},
	{"mirror", "list", NULL, ctl_print_mirrors},
	{"meter", "list", NULL, ctl_print_meters},
	{"meter", "reset", NULL, ctl_print_reset},
	{"nap", "status", NULL, ctl_print_nap_status},
	{"nap", "show", NULL, ctl_print_nap_port},
	{"nap", "report", NULL, ctl_print_nap_row},
	{"nap", "isolate", NULL, ctl_print_nap_row},
	{"nap", "release", NULL, ctl_print_nap_row},
	{"nap", "exempt", NULL, ctl_print_nap_row},
	{"nap", "what-if", NULL, ctl_print_nap_tries},
	{"nap", "simulate", NULL, ctl_print_nap_tries},
	{"nap", "audit", NULL, ctl_print_nap_audit},
	{"stats", "", NULL, ctl_print_stats},
	{"drops", "", NULL, ctl_print_drops},
	{"runtime", "", NULL, ctl_print_runtime},
	{"doctor", "", NULL, ctl_print_doctor},
	{"diff", "", NULL, ctl_print_diff},
	{"capture", "", ctl_run_capture, NULL},
	{"trace", "", ctl_run_trace, NULL},
	{"why", "", NULL, ctl_print_why},
	{"top", "", ctl_run_top, NULL},
	{"export", "", ctl_run_export, NULL},
	{"version", "", ctl_run_version, NULL},
	{"subscribe", "", ctl_run_subscribe, NULL},
	{"completion", "", ctl_run_completion, NULL},
};

const struct ctl_command *ctl_command_find(const struct ctl_verb *verb)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].noun, verb->noun) && !strcmp(commands[i].verb, verb->verb))
			return &commands[i];
	return NULL;
}
