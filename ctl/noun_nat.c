/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian nat ... */
#include "ctl/command.h"

#include <string.h>
#include <time.h>

#define TABLE(name, rows, nothing) \
	ctl_print_table(rows, name, sizeof(name) / sizeof((name)[0]), nothing)

static const char *expires_text(json_t *row, char *buf, size_t size)
{
	json_t *then = json_object_get(row, "expires");
	long long left = json_integer_value(then) - (long long)time(NULL);

	return json_is_integer(then) ? ctl_human_time(left > 0 ? left : 0, buf, size) : "never";
}

static const char *timeout_text(json_t *row, char *buf, size_t size)
{
	return ctl_human_time(json_integer_value(json_object_get(row, "timeout_s")), buf, size);
}

static const struct ctl_column network_columns[] = {
	{"NAME", "name", 0, NULL},
	{"PREFIX", "prefix", 0, NULL},
	{"GATEWAY", "gateway", 0, NULL},
	{"SWITCH", "switch", 0, NULL},
	{"BACKEND", "backend", 0, NULL},
	{"STATE", "state", 0, NULL},
	{"MAPS", "n_maps", CTL_COL_RIGHT, NULL},
	{"LEASES", "n_leases", CTL_COL_RIGHT, NULL},
};

static const struct ctl_column map_columns[] = {
	{"NAT", "nat", 0, NULL},         {"PROTOCOL", "protocol", 0, NULL},
	{"OUTSIDE", "outside", 0, NULL}, {"INSIDE", "inside", 0, NULL},
	{"REMOTE", "remote", 0, NULL},
};

static const struct ctl_column pair_columns[] = {
	{"NAT", "nat", 0, NULL},
	{"OUTSIDE", "outside", 0, NULL},
	{"INSIDE", "inside", 0, NULL},
};

static const struct ctl_column address_columns[] = {
	{"NAT", "nat", 0, NULL},
	{"ADDRESS", "address", 0, NULL},
};

static const struct ctl_column reservation_columns[] = {
	{"NAT", "nat", 0, NULL},
	{"MAC", "mac", 0, NULL},
	{"ADDRESS", "address", 0, NULL},
	{"NAME", "name", 0, NULL},
};

static const struct ctl_column lease_columns[] = {
	{"NAT", "nat", 0, NULL},
	{"ADDRESS", "address", 0, NULL},
	{"MAC", "mac", 0, NULL},
	{"NAME", "name", 0, NULL},
	{"EXPIRES", NULL, CTL_COL_RIGHT, expires_text},
};

static const struct ctl_column session_columns[] = {
	{"NAT", "nat", 0, NULL},       {"PROTOCOL", "protocol", 0, NULL},
	{"INSIDE", "inside", 0, NULL}, {"OUTSIDE", "outside", 0, NULL},
	{"REMOTE", "remote", 0, NULL}, {"DIRECTION", "direction", 0, NULL},
	{"STATE", "state", 0, NULL},   {"EXPIRES", NULL, CTL_COL_RIGHT, timeout_text},
};

static const char *since_text(json_t *row, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(row, "since"));

	snprintf(buf, size, "%s", s ? s : "-");
	return buf;
}

/* Where it is still so: "now". What a gap in the log makes doubtful has a question mark. */
static const char *until_text(json_t *row, char *buf, size_t size)
{
	const char *s = json_string_value(json_object_get(row, "until"));

	snprintf(buf, size, "%s%s", s ? s : "now",
		 json_is_true(json_object_get(row, "uncertain")) ? " (?)" : "");
	return buf;
}

static const struct ctl_column lookup_columns[] = {
	{"HOW", "how", 0, NULL},        {"PROTOCOL", "protocol", 0, NULL},
	{"INSIDE", "inside", 0, NULL},  {"OUTSIDE", "outside", 0, NULL},
	{"REMOTE", "remote", 0, NULL},  {"SINCE", NULL, 0, since_text},
	{"UNTIL", NULL, 0, until_text},
};

void ctl_print_nats(struct ctl_context *ctx, json_t *result)
{
	TABLE(network_columns, result, "no NAT networks");
}

void ctl_print_nat(struct ctl_context *ctx, json_t *result)
{
	static const char *const apart[] = {"maps", "one_to_one", "reservations", "leases", NULL};
/* without the first column, the network's name */
#define PART(name)                                             \
	{                                                      \
		name + 1, sizeof(name) / sizeof((name)[0]) - 1 \
	}
	static const struct {
		const struct ctl_column *columns;
		size_t n;
	} parts[] = {PART(map_columns), PART(pair_columns), PART(reservation_columns),
		     PART(lease_columns)};
#undef PART

	ctl_print_object(result, 0, apart);
	for (size_t i = 0; apart[i]; i++) {
		json_t *rows = json_object_get(result, apart[i]);

		if (!json_array_size(rows))
			continue;
		printf("\n%s:\n", apart[i]);
		ctl_print_table(rows, parts[i].columns, parts[i].n, NULL);
	}
}

void ctl_print_nat_maps(struct ctl_context *ctx, json_t *result)
{
	TABLE(map_columns, result, "no port maps");
}

void ctl_print_nat_pairs(struct ctl_context *ctx, json_t *result)
{
	TABLE(pair_columns, result, "no one-to-one maps");
}

void ctl_print_nat_addresses(struct ctl_context *ctx, json_t *result)
{
	TABLE(address_columns, result, "no outside addresses of their own");
}

void ctl_print_nat_reservations(struct ctl_context *ctx, json_t *result)
{
	TABLE(reservation_columns, result, "no reservations");
}

void ctl_print_nat_leases(struct ctl_context *ctx, json_t *result)
{
	TABLE(lease_columns, result, "no leases");
}

void ctl_print_nat_sessions(struct ctl_context *ctx, json_t *result)
{
	TABLE(session_columns, result, "no sessions");
}

void ctl_print_nat_lookup(struct ctl_context *ctx, json_t *result)
{
	TABLE(lookup_columns, json_object_get(result, "rows"), "nobody");
	if (json_is_true(json_object_get(result, "truncated")))
		printf("only the end of the log was read\n");
}

void ctl_print_nat_flushed(struct ctl_context *ctx, json_t *result)
{
	json_int_t n = json_integer_value(json_object_get(result, "removed"));

	printf("%" JSON_INTEGER_FORMAT " %s ended\n", n, n == 1 ? "session" : "sessions");
}
