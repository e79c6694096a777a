/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command line prints: errors, JSON, tables, key/value views, numbers for people. Data goes
 * to stdout, messages to stderr. Text that came from outside never carries control characters to the
 * terminal. Colour only on terminals and without NO_COLOR.
 *
 * Thread-safety: one thread. Proof: tests/unit/ctl/test_out.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"

/** "error: ...\n  where: ...\n  hint:  ...\n  code:  ...\n" on stderr, or {"error":{...}} on stdout. */
void ctl_print_error(const struct vd_err *e, bool json);

/** One compact line; members keep their order. @j borrowed. */
void ctl_print_json(json_t *j);

/** @text with control characters replaced by '?'; UTF-8 passes. */
void ctl_print_text(FILE *f, const char *text);

/** Escape sequence for @f when it is a terminal that wants colour, else "". */
const char *ctl_color(FILE *f, const char *sequence);
#define CTL_BOLD   "\033[1m"
#define CTL_RED    "\033[31m"
#define CTL_GREEN  "\033[32m"
#define CTL_YELLOW "\033[33m"
#define CTL_PLAIN  "\033[0m"

/** "950", "1.25 k", "3.40 M", "12.0 G". Returns @buf. */
const char *ctl_human(double value, char *buf, size_t size);
/** Bytes in binary units: "1.50 KiB". Returns @buf. */
const char *ctl_human_bytes(double bytes, char *buf, size_t size);
/** Seconds: "59s", "3m05s", "2h10m", "4d03h". Returns @buf. */
const char *ctl_human_time(long long seconds, char *buf, size_t size);

/** The text of any scalar: strings as they are, null "-", bools yes/no, arrays joined by ", ".
 *  Objects "...". Returns @buf or the string itself. */
const char *ctl_value_text(json_t *value, char *buf, size_t size);

enum ctl_column_flags {
	CTL_COL_RIGHT = 1,
	CTL_COL_CUT = 2, /* gives way first when the terminal is narrow */
};

struct ctl_column {
	const char *title;
	const char *key; /* member of the row */
	unsigned int flags;
	/** NULL: ctl_value_text() of the member. Returns a text that lives as long as @row or @buf. */
	const char *(*text)(json_t *row, char *buf, size_t size);
};

/** Print @rows (array of objects) with @columns; @nothing on stderr when there are no rows. */
int ctl_print_table(json_t *rows, const struct ctl_column *columns, size_t n_columns,
		    const char *nothing);

/** Print rows whose shape is not known: the columns are the scalar members of the first row. */
int ctl_print_any_table(json_t *rows);

/** Print an object as aligned "key: value" lines; nested objects indented, arrays of objects as tables.
 *  @skip: NULL terminated list of members left out, or NULL. */
void ctl_print_object(json_t *object, unsigned int indent, const char *const *skip);
