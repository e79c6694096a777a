/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The difference between two configurations, for people: + new, - gone, ~ different. */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>

static void print_value(json_t *value)
{
	char buf[4096];
	char *dump;

	if (!value) {
		putchar('-');
		return;
	}
	if (json_is_object(value) || json_is_array(value)) {
		dump = json_dumps(value, JSON_COMPACT);
		ctl_print_text(stdout, dump ? dump : "...");
		free(dump);
		return;
	}
	ctl_print_text(stdout, ctl_value_text(value, buf, sizeof(buf)));
}

static void print_members(json_t *of, char sign)
{
	const char *key;
	json_t *value;

	json_object_foreach (of, key, value) {
		if (json_is_null(value) || !strcmp(key, "uuid") ||
		    (json_is_string(value) && !json_string_length(value)) ||
		    (json_is_array(value) && !json_array_size(value)))
			continue;
		printf("%c     ", sign);
		ctl_print_text(stdout, key);
		fputs(": ", stdout);
		print_value(value);
		putchar('\n');
	}
}

static void print_difference(const char *part, const char *key, json_t *from, json_t *to)
{
	fputs("~     ", stdout);
	if (part) {
		ctl_print_text(stdout, part);
		putchar('.');
	}
	ctl_print_text(stdout, key);
	fputs(": ", stdout);
	print_value(from);
	fputs(" -> ", stdout);
	print_value(to);
	putchar('\n');
}

/* @part: the member that @from and @to are values of; NULL: the object itself. */
static void print_differences(const char *part, json_t *from, json_t *to)
{
	const char *key;
	json_t *value;

	json_object_foreach (to, key, value) {
		json_t *before = json_object_get(from, key);

		if (!part && (json_is_object(value) || json_is_object(before)))
			print_differences(key, before, value);
		else if (!json_equal(before, value))
			print_difference(part, key, before, value);
	}
	json_object_foreach (from, key, value) {
		if (json_object_get(to, key))
			continue;
		if (!part && json_is_object(value))
			print_differences(key, value, NULL);
		else
			print_difference(part, key, value, NULL);
	}
}

void ctl_print_changes(json_t *changes, bool members)
{
	json_t *c;
	size_t i;

	if (!json_array_size(changes))
		fputs("no change\n", stderr);
	json_array_foreach (changes, i, c) {
		const char *op = json_string_value(json_object_get(c, "op"));
		const char *object = json_string_value(json_object_get(c, "object"));
		char sign = op && !strcmp(op, "add")      ? '+'
			    : op && !strcmp(op, "remove") ? '-'
							  : '~';
		const char *color = sign == '+' ? CTL_GREEN : sign == '-' ? CTL_RED : CTL_YELLOW;

		printf("%s%c %s", ctl_color(stdout, color), sign, ctl_color(stdout, CTL_PLAIN));
		ctl_print_text(stdout, object ? object : "?");
		putchar('\n');
		if (sign == '~')
			print_differences(NULL, json_object_get(c, "from"),
					  json_object_get(c, "to"));
		else if (members && sign == '+')
			print_members(json_object_get(c, "to"), sign);
	}
}

void ctl_print_diff(struct ctl_context *ctx, json_t *result)
{
	(void)ctx;
	ctl_print_changes(json_object_get(result, "changes"), true);
}
