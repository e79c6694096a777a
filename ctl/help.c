/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viridian help, --help: the table, readable. */
#include "ctl/command.h"

#include <string.h>

static void print_global(FILE *f)
{
	fputs("\nOptions everywhere:\n", f);
	for (size_t i = 0; i < ctl_n_globals; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s%s%s", ctl_globals[i].option,
			 ctl_globals[i].label ? " " : "",
			 ctl_globals[i].label ? ctl_globals[i].label : "");
		fprintf(f, "  %-22s %s\n", text, ctl_globals[i].help);
	}
}

static void print_summary(FILE *f, const struct ctl_verb *v)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s%s", v->noun, v->verb[0] ? " " : "", v->verb);
	fprintf(f, "  %-22s %s\n", name, v->summary);
}

static void help_verb(FILE *f, const struct ctl_verb *v)
{
	char usage[2048];

	fprintf(f, "%s: %s\n\nUsage:\n  %s\n", v->verb[0] ? v->verb : v->noun, v->summary,
		ctl_usage(v, usage, sizeof(usage)));
	if (v->n_args)
		fputs("\nArguments:\n", f);
	for (size_t i = 0; i < v->n_args; i++) {
		const struct ctl_arg *a = &v->args[i];
		char label[128], option[64], head[256], letter[8] = "";

		if (a->type == CTL_OBJECT)
			continue;
		ctl_arg_label(a, label, sizeof(label));
		ctl_option_text(a->name, option, sizeof(option));
		if (ctl_short_option(a->name))
			snprintf(letter, sizeof(letter), "-%c, ", ctl_short_option(a->name));
		if (a->flags & CTL_POSITIONAL)
			snprintf(head, sizeof(head), "%s", label);
		else
			snprintf(head, sizeof(head), "%s--%s%s%s", letter, option,
				 a->type == CTL_BOOL ? "" : " ", a->type == CTL_BOOL ? "" : label);
		if (strlen(head) > 22)
			fprintf(f, "  %s\n  %-22s ", head, "");
		else
			fprintf(f, "  %-22s ", head);
		fprintf(f, "%s%s%s%s%s\n", a->help, a->type == CTL_INT && a->values ? " [" : "",
			a->type == CTL_INT && a->values ? a->values : "",
			a->type == CTL_INT && a->values ? "]" : "",
			a->flags & CTL_REPEAT ? " (may be repeated)" : "");
	}
	if (v->example && v->example[0])
		fprintf(f, "\nExample:\n  viridian %s\n", v->example);
	print_global(f);
}

static void help_noun(FILE *f, const char *noun)
{
	fprintf(f, "viridian %s ...\n\n", noun);
	for (size_t i = 0; i < ctl_n_verbs; i++)
		if (!strcmp(ctl_verbs[i].noun, noun))
			print_summary(f, &ctl_verbs[i]);
	fprintf(f, "\nviridian help %s VERB explains one.\n", noun);
}

static void help_all(FILE *f)
{
	fputs("Usage: viridian [--socket PATH] [--json] [--dry-run] [--timeout S] NOUN VERB [NAME] "
	      "[--option VALUE]...\n\n",
	      f);
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		if (i && strcmp(ctl_verbs[i].noun, ctl_verbs[i - 1].noun) &&
		    ctl_verbs[i - 1].verb[0])
			fputc('\n', f);
		print_summary(f, &ctl_verbs[i]);
	}
	print_global(f);
	fputs("\nWords may be cut short where that is unique (viridian po li). viridian help NOUN "
	      "[VERB] "
	      "says more.\n",
	      f);
}

void ctl_help(const struct ctl_cmdline *cmd, FILE *f)
{
	const struct ctl_verb *v = cmd->verb;

	if (!v && cmd->noun)
		v = ctl_verb_find(cmd->noun, "");
	if (v)
		help_verb(f, v);
	else if (cmd->noun)
		help_noun(f, cmd->noun);
	else
		help_all(f);
}
