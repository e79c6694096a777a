/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, JSON and numbers for people. */
#include "ctl/out.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *ctl_color(FILE *f, const char *sequence)
{
	const char *no = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if ((no && no[0]) || !isatty(fileno(f)) || (term && !strcmp(term, "dumb")))
		return "";
	return sequence;
}

void ctl_print_text(FILE *f, const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) { /* C1: one control in two bytes */
			fputc('?', f);
			p++;
		} else {
			fputc(*p < 0x20 || *p == 0x7f ? '?' : *p, f);
		}
	}
}

void ctl_print_json(json_t *j)
{
	json_dumpf(j, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
	fputc('\n', stdout);
}

static void print_field(const char *name, const char *value)
{
	fprintf(stderr, "  %-7s", name);
	ctl_print_text(stderr, value);
	fputc('\n', stderr);
}

void ctl_print_error(const struct vd_err *e, bool json)
{
	char where[400];

	if (json) {
		json_t *j = json_pack("{s:o}", "error", vd_err_to_json(e));

		if (j)
			ctl_print_json(j);
		json_decref(j);
		return;
	}
	fflush(stdout);
	fprintf(stderr, "%serror:%s ", ctl_color(stderr, CTL_BOLD CTL_RED),
		ctl_color(stderr, CTL_PLAIN));
	ctl_print_text(stderr, e->message);
	fputc('\n', stderr);
	if (e->line)
		snprintf(where, sizeof(where), "%s:%u:%u%s%s", e->file[0] ? e->file : "-", e->line,
			 e->column, e->path[0] ? "  " : "", e->path);
	else
		snprintf(where, sizeof(where), "%s%s%s", e->file,
			 e->file[0] && e->path[0] ? "  " : "", e->path);
	if (where[0])
		print_field("where:", where);
	if (e->hint[0])
		print_field("hint:", e->hint);
	print_field("code:", vd_code_text(e->code));
}

static const char *scaled(double v, double step, const char *const *units, unsigned int n,
			  char *buf, size_t size)
{
	unsigned int u = 0;

	while (v >= step && u + 1 < n) {
		v /= step;
		u++;
	}
	if (u == 0 && v == (double)(long long)v)
		snprintf(buf, size, "%.0f%s", v, units[0]);
	else
		snprintf(buf, size, "%.*f%s", v < 10 ? 2 : v < 100 ? 1 : 0, v, units[u]);
	return buf;
}

const char *ctl_human(double value, char *buf, size_t size)
{
	static const char *const units[] = {"", " k", " M", " G", " T", " P"};

	return scaled(value, 1000, units, 6, buf, size);
}

const char *ctl_human_bytes(double bytes, char *buf, size_t size)
{
	static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};

	return scaled(bytes, 1024, units, 6, buf, size);
}

const char *ctl_human_time(long long s, char *buf, size_t size)
{
	if (s < 60)
		snprintf(buf, size, "%llds", s);
	else if (s < 3600)
		snprintf(buf, size, "%lldm%02llds", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%lldh%02lldm", s / 3600, s / 60 % 60);
	else
		snprintf(buf, size, "%lldd%02lldh", s / 86400, s / 3600 % 24);
	return buf;
}

static const char *joined(json_t *array, char *buf, size_t size)
{
	size_t i, at = 0;
	json_t *v;

	buf[0] = 0;
	json_array_foreach (array, i, v) {
		char one[512];

		if (at >= size)
			break;
		at += (size_t)snprintf(buf + at, size - at, "%s%s", i ? ", " : "",
				       json_is_array(v) ? "..."
							: ctl_value_text(v, one, sizeof(one)));
	}
	return at ? buf : "-";
}

const char *ctl_value_text(json_t *value, char *buf, size_t size)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf;
	case JSON_REAL:
		snprintf(buf, size, "%.6g", json_real_value(value));
		return buf;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	case JSON_ARRAY:
		return joined(value, buf, size);
	case JSON_OBJECT:
		return "...";
	default:
		return "-";
	}
}
