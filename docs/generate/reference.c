/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reference pages in Markdown. */
#include "docs/generate/generate.h"

#include <string.h>

#define HEAD(title)                                                                             \
	"<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n"                                  \
	"<!-- Made by docs/generate from the tables in the source; ./run docs writes it anew. " \
	"-->\n"                                                                                 \
	"# " title "\n\n"

/* A cell of a table: '|' would end it. */
static void cell(FILE *f, const char *s)
{
	for (; *s; s++) {
		if (strchr("|<>*_", *s))
			fputc('\\', f);
		fputc(*s, f);
	}
}

static void code_cell(FILE *f, const char *s)
{
	fputc('`', f);
	for (; *s; s++) {
		if (*s == '|')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('`', f);
}

static void argument(FILE *f, const struct ctl_arg *a)
{
	char label[128], name[64], head[256], letter[8] = "";

	ctl_arg_label(a, label, sizeof(label));
	ctl_option_text(a->name, name, sizeof(name));
	if (ctl_short_option(a->name))
		snprintf(letter, sizeof(letter), "-%c, ", ctl_short_option(a->name));
	if (a->flags & CTL_POSITIONAL)
		snprintf(head, sizeof(head), "%s", label);
	else
		snprintf(head, sizeof(head), "%s--%s%s%s", letter, name,
			 a->type == CTL_BOOL ? "" : " ", a->type == CTL_BOOL ? "" : label);
	fputs("| ", f);
	code_cell(f, head);
	fputs(" | ", f);
	if (a->flags & CTL_CLIENT)
		fputs("-", f);
	else
		code_cell(f, a->name);
	fputs(" | ", f);
	cell(f, a->help);
	if (a->type == CTL_INT && a->values)
		fprintf(f, "; %s", a->values);
	if (a->flags & CTL_REQUIRED)
		fputs("; required", f);
	if (a->flags & CTL_REPEAT)
		fputs("; may be repeated", f);
	fputs(" |\n", f);
}

static void verb(FILE *f, const struct ctl_verb *v)
{
	char usage[2048];

	fprintf(f, "\n### %s%s%s\n\n", v->noun, v->verb[0] ? " " : "", v->verb);
	cell(f, v->summary);
	if (v->method)
		fprintf(f, ". Method `%s`%s.\n\n", v->method,
			v->changes ? "; takes `--dry-run`" : "");
	else
		fputs(". Done by the command line itself.\n\n", f);
	fprintf(f, "    %s\n", ctl_usage(v, usage, sizeof(usage)));
	if (v->n_args) {
		fputs("\n| Argument | JSON | Meaning |\n|---|---|---|\n", f);
		for (size_t i = 0; i < v->n_args; i++)
			argument(f, &v->args[i]);
	}
	if (v->example && v->example[0])
		fprintf(f, "\nExample: `viridian %s`\n", v->example);
}

void md_cli(FILE *f)
{
	fputs(HEAD("Commands") "    viridian [--socket PATH] [--json] [--dry-run] [--timeout S] "
			       "NOUN VERB [NAME] [--option VALUE]...\n\n"
			       "Every command is one method of the [control "
			       "protocol](../../ctl/rpc/README.md); the second column names its\n"
			       "parameters there. Exit status and environment: `man viridian`.\n\n"
			       "| Everywhere | Meaning |\n|---|---|\n",
	      f);
	for (size_t i = 0; i < ctl_n_globals; i++) {
		char head[128];

		snprintf(head, sizeof(head), "%s%s%s", ctl_globals[i].option,
			 ctl_globals[i].label ? " " : "",
			 ctl_globals[i].label ? ctl_globals[i].label : "");
		fputs("| ", f);
		code_cell(f, head);
		fputs(" | ", f);
		cell(f, ctl_globals[i].help);
		fputs(" |\n", f);
	}
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		if ((!i || strcmp(ctl_verbs[i].noun, ctl_verbs[i - 1].noun)) &&
		    ctl_verbs[i].verb[0])
			fprintf(f, "\n## %s\n", ctl_verbs[i].noun);
		else if (!ctl_verbs[i].verb[0] && i && ctl_verbs[i - 1].verb[0])
			fputs("\n## One-word commands\n", f);
		verb(f, &ctl_verbs[i]);
	}
}

void md_errors(FILE *f)
{
	size_t n;
	const enum vd_code *codes = codes_sorted(&n);

	fputs(HEAD("Error codes") "Codes are never renamed or reused. The exit status is that of "
				  "`viridian`; an error in the words of a command\n"
				  "line has status 2 whatever its code.\n\n"
				  "| Code | Kind | Exit | Meaning |\n|---|---|---|---|\n",
	      f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "| <a id=\"%s\"></a>`%s` | %s | %d | ", vd_code_text(codes[i]),
			vd_code_text(codes[i]), vd_kind_text(vd_code_kind(codes[i])),
			vd_code_exit(codes[i]));
		cell(f, vd_code_doc(codes[i]));
		fputs(" |\n", f);
	}
}

void md_drops(FILE *f)
{
	fputs(HEAD("Drop reasons") "A frame is delivered, or dropped for exactly one of these "
				   "reasons, counted at the port where it entered, or, where\n"
				   "the text says destination, at the port it was for. `viridian "
				   "drops` shows the counters, `viridian capture drops`\n"
				   "the frames.\n\n"
				   "| Reason | What happened | What to do |\n|---|---|---|\n",
	      f);
	for (size_t i = 0; i < n_drop_texts; i++) {
		fprintf(f, "| <a id=\"%s\"></a>`%s` | ", drop_texts[i].name, drop_texts[i].name);
		cell(f, drop_texts[i].text);
		fputs(" | ", f);
		cell(f, drop_texts[i].hint);
		fputs(" |\n", f);
	}
}
