/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian stats, drops, runtime, doctor */
#include "ctl/command.h"

#include <string.h>

static const char *bytes_text(json_t *row, const char *key, char *buf, size_t size)
{
	return ctl_human_bytes((double)json_integer_value(json_object_get(row, key)), buf, size);
}

static const char *rx_bytes(json_t *row, char *buf, size_t size)
{
	return bytes_text(row, "rx_bytes", buf, size);
}

static const char *tx_bytes(json_t *row, char *buf, size_t size)
{
	return bytes_text(row, "tx_bytes", buf, size);
}

void ctl_print_stats(struct ctl_context *ctx, json_t *result)
{
	static const struct ctl_column columns[] = {
		{"PORT", "port", 0, NULL},
		{"SWITCH", "switch", 0, NULL},
		{"RX-PACKETS", "rx_packets", CTL_COL_RIGHT, NULL},
		{"RX-BYTES", NULL, CTL_COL_RIGHT, rx_bytes},
		{"TX-PACKETS", "tx_packets", CTL_COL_RIGHT, NULL},
		{"TX-BYTES", NULL, CTL_COL_RIGHT, tx_bytes},
		{"DROPS", "drops", CTL_COL_RIGHT, NULL},
	};

	(void)ctx;
	ctl_print_table(result, columns, sizeof(columns) / sizeof(columns[0]), "no ports");
}

void ctl_print_drop_rows(json_t *rows, bool hints, const char *nothing)
{
	static const struct ctl_column columns[] = {
		{"PORT", "port", 0, NULL},
		{"REASON", "reason", 0, NULL},
		{"COUNT", "count", CTL_COL_RIGHT, NULL},
		{"WHAT HAPPENED", "text", CTL_COL_CUT, NULL},
		{"WHAT TO DO", "hint", CTL_COL_CUT, NULL},
	};

	ctl_print_table(rows, columns, hints ? 5 : 4, nothing);
}

void ctl_print_drops(struct ctl_context *ctx, json_t *result)
{
	ctl_print_drop_rows(result, json_object_get(ctx->cmd->params, "port") != NULL,
			    "nothing was dropped");
}

static double share(json_t *row, const char *part, const char *whole)
{
	double w = json_number_value(json_object_get(row, whole));

	return w > 0 ? 100.0 * json_number_value(json_object_get(row, part)) / w : 0;
}

static const char *load_text(json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%.1f%%", share(row, "busy_cycles", "total_cycles"));
	return buf;
}

static const char *core_text(json_t *row, char *buf, size_t size)
{
	json_t *core = json_object_get(row, "core");

	return json_is_null(core) ? "any" : ctl_value_text(core, buf, size);
}

static const char *cycles_text(json_t *row, char *buf, size_t size)
{
	json_t *c = json_object_get(row, "cycles_per_packet");

	snprintf(buf, size, "%.1f", json_number_value(c));
	return json_is_null(c) ? "-" : buf;
}

/* What a packet costs on each worker, one table a worker. */
static void print_stages(json_t *workers)
{
	static const struct ctl_column columns[] = {
		{"STAGE", "stage", 0, NULL},
		{"CYCLES/PACKET", NULL, CTL_COL_RIGHT, cycles_text},
		{"PACKETS MEASURED", "packets_measured", CTL_COL_RIGHT, NULL},
		{"WHAT", "text", CTL_COL_CUT, NULL},
	};
	json_t *w;
	size_t i;

	json_array_foreach (workers, i, w) {
		printf("\nworker %zu\n", i);
		ctl_print_table(json_object_get(w, "stages"), columns,
				sizeof(columns) / sizeof(columns[0]), "no stages");
	}
}

static const char *share_text(json_t *row, char *buf, size_t size)
{
	snprintf(buf, size, "%.1f%%", 100 * json_number_value(json_object_get(row, "cpu_share")));
	return buf;
}

/* Whose frames keep the workers busy. */
static void print_shares(json_t *ports)
{
	static const struct ctl_column columns[] = {
		{"PORT", "port", 0, NULL},
		{"SHARE OF BUSY CPU", NULL, CTL_COL_RIGHT, share_text},
	};

	if (!json_array_size(ports))
		return;
	putchar('\n');
	ctl_print_table(ports, columns, sizeof(columns) / sizeof(columns[0]), NULL);
}

void ctl_print_runtime(struct ctl_context *ctx, json_t *result)
{
	static const char *const apart[] = {"workers", "ports", "uptime_s", NULL};
	static const struct ctl_column columns[] = {
		{"CORE", NULL, CTL_COL_RIGHT, core_text},
		{"LOAD", NULL, CTL_COL_RIGHT, load_text},
		{"QUEUES", "queues", CTL_COL_RIGHT, NULL},
		{"PACKETS", "packets", CTL_COL_RIGHT, NULL},
		{"LOOPS", "loops", CTL_COL_RIGHT, NULL},
		{"EMPTY", "empty_loops", CTL_COL_RIGHT, NULL},
		{"SLEEPS", "sleeps", CTL_COL_RIGHT, NULL},
	};
	json_t *head = json_copy(result);
	char buf[32];

	(void)ctx;
	ctl_human_time(json_integer_value(json_object_get(result, "uptime_s")), buf, sizeof(buf));
	json_object_set_new(head, "uptime", json_string(buf));
	ctl_print_object(head, 0, apart);
	json_decref(head);
	putchar('\n');
	ctl_print_table(json_object_get(result, "workers"), columns,
			sizeof(columns) / sizeof(columns[0]), "no workers");
	print_stages(json_object_get(result, "workers"));
	print_shares(json_object_get(result, "ports"));
}

void ctl_print_doctor(struct ctl_context *ctx, json_t *result)
{
	json_t *row;
	size_t i;

	(void)ctx;
	json_array_foreach (result, i, row) {
		const char *status = json_string_value(json_object_get(row, "status"));
		const char *check = json_string_value(json_object_get(row, "check"));
		const char *message = json_string_value(json_object_get(row, "message"));
		const char *hint = json_string_value(json_object_get(row, "hint"));
		const char *color = !status || !strcmp(status, "ok") ? CTL_GREEN
				    : !strcmp(status, "warn")        ? CTL_YELLOW
								     : CTL_RED;

		printf("%s%-5s%s", ctl_color(stdout, color), status ? status : "?",
		       ctl_color(stdout, CTL_PLAIN));
		ctl_print_text(stdout, check ? check : "?");
		fputs(": ", stdout);
		ctl_print_text(stdout, message ? message : "");
		putchar('\n');
		if (hint && hint[0]) {
			fputs("     hint: ", stdout);
			ctl_print_text(stdout, hint);
			putchar('\n');
		}
	}
}
