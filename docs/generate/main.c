/* SPDX-License-Identifier: GPL-2.0-or-later */
/* generate-docs PAGE: one page on standard output. */
#include "docs/generate/generate.h"

#include <stdlib.h>
#include <string.h>

const struct drop_text drop_texts[] = {
#define VSW_DROP(id, name, text, hint) {name, text, hint},
#include "vswitch/datapath/drops.def"
#undef VSW_DROP
};
const size_t n_drop_texts = sizeof(drop_texts) / sizeof(drop_texts[0]);

static int by_text(const void *a, const void *b)
{
	return strcmp(vd_code_text(*(const enum vd_code *)a),
		      vd_code_text(*(const enum vd_code *)b));
}

const enum vd_code *codes_sorted(size_t *n)
{
	static enum vd_code codes[VD_E_N];

	*n = 0;
	for (unsigned int c = VD_E_OK + 1; c < VD_E_N; c++)
		codes[(*n)++] = (enum vd_code)c;
	qsort(codes, *n, sizeof(codes[0]), by_text);
	return codes;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(FILE *f);
	} pages[] = {
		{"viridian.1", man_viridian},    {"viridian-errors.7", man_errors},
		{"viridian-drops.7", man_drops}, {"cli.md", md_cli},
		{"errors.md", md_errors},        {"drops.md", md_drops},
	};

	for (size_t i = 0; argc == 2 && i < sizeof(pages) / sizeof(pages[0]); i++)
		if (!strcmp(argv[1], pages[i].name)) {
			pages[i].make(stdout);
			return fflush(stdout) || ferror(stdout);
		}
	fputs("usage: generate-docs PAGE, one of:", stderr);
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
		fprintf(stderr, " %s", pages[i].name);
	fputc('\n', stderr);
	return 2;
}
