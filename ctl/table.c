/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables (libsmartcols) and key/value views. */
#include "ctl/out.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 24

static bool is_table(json_t *v)
{
	return json_is_array(v) && json_is_object(json_array_get(v, 0));
}

static int fill_line(struct libscols_line *line, json_t *row, const struct ctl_column *columns,
		     size_t n)
{
	char buf[4096];

	for (size_t c = 0; c < n; c++) {
		const char *text;
		int r;

		buf[0] = 0;
		text = columns[c].text ? columns[c].text(row, buf, sizeof(buf))
				       : ctl_value_text(json_object_get(row, columns[c].key), buf,
							sizeof(buf));
		r = scols_line_set_data(line, c, text && text[0] ? text : "-");
		if (r)
			return r;
	}
	return 0;
}

static struct libscols_table *table_new(const struct ctl_column *columns, size_t n)
{
	struct libscols_table *t = scols_new_table();

	for (size_t c = 0; t && c < n; c++) {
		int flags = (columns[c].flags & CTL_COL_RIGHT ? SCOLS_FL_RIGHT : 0) |
			    (columns[c].flags & CTL_COL_CUT ? SCOLS_FL_TRUNC : 0);

		if (!scols_table_new_column(t, columns[c].title, 0, flags)) {
			scols_unref_table(t);
			return NULL;
		}
	}
	return t;
}

int ctl_print_table(json_t *rows, const struct ctl_column *columns, size_t n_columns,
		    const char *nothing)
{
	struct libscols_table *t;
	json_t *row;
	size_t i;
	int r = 0;

	if (!json_array_size(rows)) {
		if (nothing)
			fprintf(stderr, "%s\n", nothing);
		return 0;
	}
	t = table_new(columns, n_columns);
	if (!t)
		return -ENOMEM;
	json_array_foreach (rows, i, row) {
		struct libscols_line *line = scols_table_new_line(t, NULL);

		r = line ? fill_line(line, row, columns, n_columns) : -ENOMEM;
		if (r)
			break;
	}
	if (!r)
		r = scols_print_table(t);
	scols_unref_table(t);
	return r;
}

int ctl_print_any_table(json_t *rows)
{
	struct ctl_column columns[COLUMNS_MAX];
	char titles[COLUMNS_MAX][40];
	const char *key;
	json_t *value;
	size_t n = 0;

	json_object_foreach (json_array_get(rows, 0), key, value) {
		if (n == COLUMNS_MAX || json_is_object(value) || is_table(value))
			continue;
		snprintf(titles[n], sizeof(titles[n]), "%s", key);
		for (char *p = titles[n]; *p; p++)
			*p = *p == '_' ? '-' : (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
		columns[n] = (struct ctl_column){titles[n], key,
						 json_is_number(value) ? CTL_COL_RIGHT : 0, NULL};
		n++;
	}
	return ctl_print_table(rows, columns, n, "(none)");
}

static bool listed(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

void ctl_print_object(json_t *object, unsigned int indent, const char *const *skip)
{
	char buf[8192];
	const char *key, *text;
	size_t width = 0;
	json_t *value;

	json_object_foreach (object, key, value)
		if (!listed(skip, key) && !json_is_object(value) && !is_table(value) &&
		    strlen(key) > width)
			width = strlen(key);
	json_object_foreach (object, key, value) {
		if (listed(skip, key) || json_is_object(value) || is_table(value))
			continue;
		fprintf(stdout, "%*s", (int)indent, "");
		ctl_print_text(stdout, key);
		fprintf(stdout, ":%*s", (int)(width - strlen(key) + 1), "");
		text = ctl_value_text(value, buf, sizeof(buf));
		ctl_print_text(stdout, text[0] ? text : "-");
		fputc('\n', stdout);
	}
	json_object_foreach (object, key, value) {
		if (listed(skip, key) || !(json_is_object(value) || is_table(value)))
			continue;
		fprintf(stdout, "%*s", (int)indent, "");
		ctl_print_text(stdout, key);
		fputs(":\n", stdout);
		if (json_is_object(value) && indent < 16)
			ctl_print_object(value, indent + 2, NULL);
		else if (!json_is_object(value))
			ctl_print_any_table(value);
	}
}
