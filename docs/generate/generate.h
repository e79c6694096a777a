/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages from tables. A build-time program: nothing here is linked into what users run. */
#pragma once

#include <stdio.h>

#include "base/err.h"
#include "ctl/cmdline.h"

struct drop_text {
	const char *name, *text, *hint;
};
extern const struct drop_text drop_texts[];
extern const size_t n_drop_texts;

/** The codes in alphabetical order of their text; *@n of them. Static storage. */
const enum vd_code *codes_sorted(size_t *n);

/** Manual pages, in mdoc(7). */
void man_viridian(FILE *f);
void man_errors(FILE *f);
void man_drops(FILE *f);

/** Reference pages, in Markdown. */
void md_cli(FILE *f);
void md_errors(FILE *f);
void md_drops(FILE *f);
