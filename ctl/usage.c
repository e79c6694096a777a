/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How verbs, options and values are written, derived from the table: used by errors, help and manuals. */
#include "ctl/cmdline.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const struct ctl_global ctl_globals[] = {
	{"--socket", "PATH",
	 "control socket (default $VIRIDIAN_SOCKET, else /run/viridian/control.sock)"},
	{"--json", NULL, "print JSON, errors included"},
	{"--dry-run", NULL, "check a change and print it, but do not make it"},
	{"--timeout", "SECONDS", "wait this long for an answer (default 30)"},
	{"--help", NULL, "explain the command"},
	{"--version", NULL, "print the version of this program"},
};
const size_t ctl_n_globals = sizeof(ctl_globals) / sizeof(ctl_globals[0]);

char ctl_short_option(const char *name)
{
	static const struct {
		const char *name;
		char letter;
	} shorts[] = {{"write", 'w'}, {"count", 'c'}, {"help", 'h'}, {"version", 'V'}};

	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (!strcmp(shorts[i].name, name))
			return shorts[i].letter;
	return 0;
}

const char *ctl_option_text(const char *name, char *buf, size_t size)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < size; i++)
		buf[i] = name[i] == '_' ? '-' : name[i];
	buf[i] = 0;
	return buf;
}

const char *ctl_arg_label(const struct ctl_arg *arg, char *buf, size_t size)
{
	const char *from = arg->label;
	size_t i;

	if (arg->type == CTL_ENUM && arg->values) {
		snprintf(buf, size, "%s", arg->values);
		return buf;
	}
	if (from) {
		snprintf(buf, size, "%s", from);
		return buf;
	}
	if (arg->type == CTL_INT)
		from = "N";
	else
		from = arg->name;
	for (i = 0; from[i] && i + 1 < size; i++)
		buf[i] = from[i] == '_' ? '-' : (char)toupper((unsigned char)from[i]);
	buf[i] = 0;
	return buf;
}

const char *ctl_verb_word(const struct ctl_verb *verb, unsigned int k, size_t *ret_len)
{
	const char *p = verb->verb;

	for (;; k--) {
		p += strspn(p, " ");
		*ret_len = strcspn(p, " ");
		if (!*ret_len)
			return NULL;
		if (!k)
			return p;
		p += *ret_len;
	}
}

static size_t add(char *buf, size_t size, size_t at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static size_t add(char *buf, size_t size, size_t at, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (at >= size)
		return at;
	va_start(ap, fmt);
	n = vsnprintf(buf + at, size - at, fmt, ap);
	va_end(ap);
	return n < 0 ? at : at + (size_t)n;
}

static size_t add_arg(char *buf, size_t size, size_t at, const struct ctl_arg *a)
{
	const char *open = a->flags & CTL_REQUIRED ? "" : "[";
	const char *close = a->flags & CTL_REQUIRED ? "" : "]";
	const char *more = a->flags & CTL_REPEAT ? "..." : "";
	char label[128], option[64];

	ctl_arg_label(a, label, sizeof(label));
	if (a->flags & CTL_POSITIONAL)
		return add(buf, size, at, " %s%s%s%s", open, label, close,
			   a->flags & CTL_REST ? "..." : more);
	ctl_option_text(a->name, option, sizeof(option));
	if (a->type == CTL_BOOL)
		return add(buf, size, at, " %s--%s%s", open, option, close);
	return add(buf, size, at, " %s--%s %s%s%s", open, option, label, close, more);
}

const char *ctl_usage(const struct ctl_verb *verb, char *buf, size_t size)
{
	size_t at = add(buf, size, 0, "viridian %s%s%s", verb->noun, verb->verb[0] ? " " : "",
			verb->verb);

	for (size_t i = 0; i < verb->n_args; i++)
		if (verb->args[i].flags & CTL_POSITIONAL)
			at = add_arg(buf, size, at, &verb->args[i]);
	for (size_t i = 0; i < verb->n_args; i++)
		if (!(verb->args[i].flags & CTL_POSITIONAL) && verb->args[i].type != CTL_OBJECT)
			at = add_arg(buf, size, at, &verb->args[i]);
	return buf;
}
