/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian acl, set, mirror, meter ... */
#include "ctl/command.h"

#include <string.h>

static const char *text_of(json_t *row, const char *key, const char *absent)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s ? s : absent;
}

/* "10.0.0.0/8 443": what a side of a rule says, or "any". */
static const char *side(json_t *row, const char *addr, const char *port, char *buf, size_t size)
{
	const char *range = text_of(row, port, NULL);

	snprintf(buf, size, "%s%s%s", text_of(row, addr, "any"), range ? " " : "",
		 range ? range : "");
	return buf;
}

static const char *local_text(json_t *row, char *buf, size_t size)
{
	return side(row, "local", "local_port", buf, size);
}

static const char *remote_text(json_t *row, char *buf, size_t size)
{
	return side(row, "remote", "remote_port", buf, size);
}

static const char *protocol_text(json_t *row, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return text_of(row, "protocol", text_of(row, "ethertype", "any"));
}

/* "allow stateful", "deny (report only)" */
static const char *action_text(json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%s%s%s", text_of(row, "action", "?"),
		 json_is_true(json_object_get(row, "stateful")) ? " stateful" : "",
		 json_is_true(json_object_get(row, "report_only")) ? " (report only)" : "");
	return buf;
}

static const struct ctl_column rules[] = {
	{"PORT", "port", 0, NULL},
	{"ID", "id", CTL_COL_RIGHT, NULL},
	{"NAME", "name", CTL_COL_CUT, NULL},
	{"DIRECTION", "direction", 0, NULL},
	{"WEIGHT", "weight", CTL_COL_RIGHT, NULL},
	{"ACTION", NULL, 0, action_text},
	{"PROTOCOL", NULL, 0, protocol_text},
	{"LOCAL", NULL, CTL_COL_CUT, local_text},
	{"REMOTE", NULL, CTL_COL_CUT, remote_text},
	{"PACKETS", "packets", CTL_COL_RIGHT, NULL},
};

void ctl_print_rules(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, rules, sizeof(rules) / sizeof(rules[0]), "no access rules");
}

static const struct ctl_column sets[] = {
	{"NAME", "name", 0, NULL},
	{"MEMBERS", "members", CTL_COL_CUT, NULL},
};

void ctl_print_sets(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, sets, sizeof(sets) / sizeof(sets[0]), "no address sets");
}

static const char *to_text(json_t *row, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return text_of(row, "to_port", text_of(row, "to_file", "-"));
}

static const struct ctl_column mirrors[] = {
	{"NAME", "name", 0, NULL},
	{"SWITCH", "switch", 0, NULL},
	{"SOURCES", "sources", CTL_COL_CUT, NULL},
	{"TO", NULL, CTL_COL_CUT, to_text},
	{"FILTER", "filter", CTL_COL_CUT, NULL},
	{"COPIED", "copied", CTL_COL_RIGHT, NULL},
	{"LOST", "lost", CTL_COL_RIGHT, NULL},
};

void ctl_print_mirrors(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, mirrors, sizeof(mirrors) / sizeof(mirrors[0]),
			"no mirror sessions");
}

static const char *meter_text(json_t *row, char *buf, size_t size)
{
	json_t *id = json_object_get(row, "rule");

	if (!json_is_integer(id))
		return "all";
	snprintf(buf, size, "rule %" JSON_INTEGER_FORMAT " %s", json_integer_value(id),
		 text_of(row, "name", ""));
	return buf;
}

static const struct ctl_column meters[] = {
	{"PORT", "port", 0, NULL},
	{"METER", NULL, CTL_COL_CUT, meter_text},
	{"DIRECTION", "direction", 0, NULL},
	{"PACKETS", "packets", CTL_COL_RIGHT, NULL},
	{"BYTES", "bytes", CTL_COL_RIGHT, NULL},
};

void ctl_print_meters(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_table(result, meters, sizeof(meters) / sizeof(meters[0]), "no ports");
}

void ctl_print_reset(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	printf("meters of %" JSON_INTEGER_FORMAT " ports begin at zero\n",
	       json_integer_value(json_object_get(result, "ports")));
}
