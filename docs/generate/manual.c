/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Manual pages in mdoc(7). */
#include "docs/generate/generate.h"

#include <string.h>

/* Free text: nothing in it may be read as a request, an escape or a macro's delimiter. */
static void text(FILE *f, const char *s)
{
	if (*s == '.' || *s == '\'')
		fputs("\\&", f);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else
			fputc(*s, f);
	}
}

/* An argument of a macro: one word, quoted, so that blanks and delimiters lose their meaning. */
static void word(FILE *f, const char *s)
{
	fputs(" \"", f);
	if (strchr(".,:;()[]?!|", *s) && !s[1])
		fputs("\\&", f);
	for (; *s; s++) {
		if (*s == '\\')
			fputs("\\e", f);
		else if (*s == '"')
			fputs("\"\"", f);
		else if (*s == '-')
			fputs("\\-", f);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void head(FILE *f, const char *title, int section, const char *name, const char *what)
{
	fputs(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	      ".\\\" Made by docs/generate from the tables in the source.\n"
	      ".Dd November 21, 2026\n",
	      f);
	fprintf(f, ".Dt %s %d\n.Os Viridian\n.Sh NAME\n.Nm %s\n.Nd %s\n", title, section, name,
		what);
}

static void lines(FILE *f, const char *const *list)
{
	for (; *list; list++)
		fprintf(f, "%s\n", *list);
}

/* "Fl \-socket Ar PATH" */
static void option(FILE *f, const char *name, const char *label)
{
	char buf[64];

	fputs(" Fl", f);
	buf[0] = '-';
	ctl_option_text(name, buf + 1, sizeof(buf) - 1);
	word(f, buf);
	if (label) {
		fputs(" Ar", f);
		word(f, label);
	}
}

static void synopsis_arg(FILE *f, const struct ctl_arg *a)
{
	char label[128];

	ctl_arg_label(a, label, sizeof(label));
	fputs(a->flags & CTL_REQUIRED ? "." : ".Op", f);
	if (a->flags & CTL_POSITIONAL) {
		fputs(a->flags & CTL_REQUIRED ? "Ar" : " Ar", f);
		word(f, label);
	} else if (a->flags & CTL_REQUIRED) {
		char buf[64];

		buf[0] = '-';
		ctl_option_text(a->name, buf + 1, sizeof(buf) - 1);
		fputs("Fl", f);
		word(f, buf);
		fputs(" Ar", f);
		word(f, label);
	} else {
		option(f, a->name, a->type == CTL_BOOL ? NULL : label);
	}
	if (a->flags & (CTL_REPEAT | CTL_REST))
		fputs(" ...", f);
	fputc('\n', f);
}

static void argument(FILE *f, const struct ctl_arg *a)
{
	char label[128];

	ctl_arg_label(a, label, sizeof(label));
	fputs(".It", f);
	if (a->flags & CTL_POSITIONAL) {
		fputs(" Ar", f);
		word(f, label);
	} else {
		if (ctl_short_option(a->name))
			fprintf(f, " Fl %c ,", ctl_short_option(a->name));
		option(f, a->name, a->type == CTL_BOOL ? NULL : label);
	}
	fputc('\n', f);
	text(f, a->help);
	if (a->type == CTL_INT && a->values)
		fprintf(f, " [%s]", a->values);
	fputs(".\n", f);
	if (a->flags & CTL_REPEAT)
		fputs("May be given several times.\n", f);
}

static void verb(FILE *f, const struct ctl_verb *v)
{
	fprintf(f, ".It Xo\n.Cm %s", v->noun);
	if (v->verb[0])
		fprintf(f, " %s", v->verb);
	fputc('\n', f);
	for (size_t i = 0; i < v->n_args; i++)
		if (v->args[i].flags & CTL_POSITIONAL)
			synopsis_arg(f, &v->args[i]);
	for (size_t i = 0; i < v->n_args; i++)
		if (!(v->args[i].flags & CTL_POSITIONAL) && v->args[i].type != CTL_OBJECT)
			synopsis_arg(f, &v->args[i]);
	fputs(".Xc\n", f);
	text(f, v->summary);
	fputs(".\n", f);
	if (v->n_args) {
		fputs(".Bl -tag -width Ds -compact\n", f);
		for (size_t i = 0; i < v->n_args; i++)
			if (v->args[i].type != CTL_OBJECT)
				argument(f, &v->args[i]);
		fputs(".El\n", f);
	}
	if (v->example && v->example[0] && v->n_args) {
		fputs(".Pp\n.Dl viridian ", f);
		text(f, v->example);
		fputc('\n', f);
	}
}

static void globals(FILE *f)
{
	fputs(".Bl -tag -width Ds\n", f);
	for (size_t i = 0; i < ctl_n_globals; i++) {
		const char *name = ctl_globals[i].option + 2;

		fputs(".It", f);
		if (ctl_short_option(name))
			fprintf(f, " Fl %c ,", ctl_short_option(name));
		option(f, name, ctl_globals[i].label);
		fputc('\n', f);
		text(f, ctl_globals[i].help);
		fputs(".\n", f);
	}
	fputs(".El\n", f);
}

static const char *const viridian_intro[] = {
	".Sh SYNOPSIS",
	".Nm",
	".Op Fl \\-socket Ar PATH",
	".Op Fl \\-json",
	".Op Fl \\-dry\\-run",
	".Op Fl \\-timeout Ar SECONDS",
	".Ar NOUN Ar VERB",
	".Op Ar NAME",
	".Op Fl \\-option Ar VALUE",
	".Ar ...",
	".Sh DESCRIPTION",
	".Nm",
	"asks",
	".Xr viridiand 8",
	"to show or change virtual switches, their ports and what belongs to them.",
	"Changes are made while traffic runs, each of them whole or not at all.",
	".Pp",
	"Nouns, verbs and options may be cut short where that is unique.",
	"A noun alone means its",
	".Cm list .",
	"Options may stand anywhere after the command and before it where all commands have them;",
	".Fl \\-",
	"ends them.",
	"An option such as",
	".Fl \\-force",
	"is taken back by",
	".Fl \\-no\\-force .",
	".Pp",
	"Data goes to standard output, messages go to standard error.",
	"With",
	".Fl \\-json",
	"every command prints JSON: lists are arrays, empty ones",
	".Ql [] ,",
	"and a failure is an object with the member",
	".Ql error .",
	"The options of every command are:",
	NULL,
};

static const char *const viridian_end[] = {
	".Sh ENVIRONMENT",
	".Bl -tag -width Ds",
	".It Ev VIRIDIAN_SOCKET",
	"The control socket, where",
	".Fl \\-socket",
	"does not name it.",
	".It Ev NO_COLOR",
	"No colours, whatever the value.",
	".El",
	".Sh FILES",
	".Bl -tag -width Ds",
	".It Pa /run/viridian/control.sock",
	"The control socket.",
	".El",
	".Sh EXIT STATUS",
	".Bl -tag -width Ds -compact",
	".It 0",
	"Done.",
	".It 1",
	"Refused or failed.",
	".It 2",
	"The command line is not understood; nothing was sent.",
	".It 3",
	"There is no such object.",
	".It 4",
	"The object exists, or the change contradicts what is configured.",
	".It 5",
	"No permission.",
	".It 6",
	"No daemon answers on the control socket.",
	".It 7",
	"No answer in time; the change may still have been made.",
	".El",
	".Sh EXAMPLES",
	"Two virtual machines on a switch that the host can reach as well, in VLAN 10:",
	".Bd -literal -offset indent",
	"viridian switch add lan --type internal --host-vnic lan0",
	"viridian port add web1 --switch lan --device vhost-user:/run/web1.sock --vlan access:10",
	"viridian port add web2 --switch lan --device tap:web2 --vlan access:10",
	".Ed",
	".Pp",
	"What is dropped, and what a port says:",
	".Bd -literal -offset indent",
	"viridian drops web1",
	"viridian capture web1 -c 10 arp",
	"viridian capture web1 -w - | wireshark -k -i -",
	".Ed",
	".Pp",
	"The whole configuration, out and in again:",
	".Bd -literal -offset indent",
	"viridian export > net.yaml",
	"viridian apply net.yaml --dry-run",
	"viridian apply net.yaml",
	".Ed",
	".Pp",
	"Completion in",
	".Xr bash 1 :",
	".Pp",
	".Dl source <(viridian completion bash)",
	".Sh SEE ALSO",
	".Xr viridian.yaml 5 ,",
	".Xr viridian-drops 7 ,",
	".Xr viridian-errors 7 ,",
	".Xr viridiand 8",
	NULL,
};

void man_viridian(FILE *f)
{
	head(f, "VIRIDIAN", 1, "viridian", "command line of the virtual network");
	lines(f, viridian_intro);
	globals(f);
	fputs(".Sh COMMANDS\n.Bl -tag -width Ds\n", f);
	for (size_t i = 0; i < ctl_n_verbs; i++)
		verb(f, &ctl_verbs[i]);
	fputs(".It Cm help Op Ar NOUN Op Ar VERB\nExplain the commands, those of a noun, or "
	      "one.\n.El\n",
	      f);
	lines(f, viridian_end);
}

static const char *const errors_intro[] = {
	".Sh DESCRIPTION",
	"Every error of",
	".Xr viridian 1",
	"and of the control socket carries a code that is never renamed; scripts may test it.",
	"The text says which object is meant, what is wrong and what is allowed; the hint says "
	"what to do next.",
	"The number is the exit status of",
	".Xr viridian 1 .",
	".Pp",
	"An error in the words of a command line, found before anything is sent, has exit status 2 "
	"whatever its code.",
	".Bl -tag -width Ds",
	NULL,
};

void man_errors(FILE *f)
{
	static const char *const end[] = {".El",
					  ".Sh SEE ALSO",
					  ".Xr viridian 1 ,",
					  ".Xr viridian-drops 7 ,",
					  ".Xr viridiand 8",
					  NULL};
	size_t n;
	const enum vd_code *codes = codes_sorted(&n);

	head(f, "VIRIDIAN-ERRORS", 7, "viridian-errors", "what the error codes mean");
	lines(f, errors_intro);
	for (size_t i = 0; i < n; i++) {
		fputs(".It Sy", f);
		word(f, vd_code_text(codes[i]));
		fprintf(f, " Pq %s, %d\n", vd_kind_text(vd_code_kind(codes[i])),
			vd_code_exit(codes[i]));
		text(f, vd_code_doc(codes[i]));
		fputs(".\n", f);
	}
	lines(f, end);
}

static const char *const drops_intro[] = {
	".Sh DESCRIPTION",
	"The switch delivers a frame or drops it for exactly one of these reasons, counted per "
	"port:",
	".Dl viridian drops",
	".Pp",
	"A reason is counted at the port where the frame entered, unless the text says "
	"destination: then at the port it was for.",
	"The dropped frames themselves, with their reasons:",
	".Dl viridian capture drops",
	".Bl -tag -width Ds",
	NULL,
};

void man_drops(FILE *f)
{
	static const char *const end[] = {".El",
					  ".Sh SEE ALSO",
					  ".Xr viridian 1 ,",
					  ".Xr viridian-errors 7 ,",
					  ".Xr viridiand 8",
					  NULL};

	head(f, "VIRIDIAN-DROPS", 7, "viridian-drops", "why frames are dropped");
	lines(f, drops_intro);
	for (size_t i = 0; i < n_drop_texts; i++) {
		fputs(".It Sy", f);
		word(f, drop_texts[i].name);
		fputc('\n', f);
		text(f, drop_texts[i].text);
		fputs(".\n.br\nTo do: ", f);
		text(f, drop_texts[i].hint);
		fputs(".\n", f);
	}
	lines(f, end);
}
