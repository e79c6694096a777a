/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words to verb and parameters. Theory: one pass; noun and verb settle first, what follows is theirs. */
#include "ctl/cmdline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/names.h"

#define CANDIDATES_MAX 128

/* Distinct words that would be understood at one place. */
struct choice {
	char text[CANDIDATES_MAX][40];
	const char *ptr[CANDIDATES_MAX];
	size_t n;
};

struct parse {
	const char *const *words;
	int n, i;
	struct ctl_cmdline *cmd;
	struct vd_err *err;
	const struct ctl_verb
		*like; /* a verb whose first @depth words are those understood so far */
	unsigned int depth;
	unsigned int positional; /* index in verb->args of the next one to fill */
	bool options_over;       /* "--" was seen */
	char rest[16384];        /* words of a CTL_REST argument, joined */
	const struct ctl_arg *rest_arg;
};

static int usage_error(struct parse *p, const char *path, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int usage_error(struct parse *p, const char *path, const char *hint, const char *fmt, ...)
{
	char text[384], line[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!hint && p->cmd->verb) {
		snprintf(line, sizeof(line), "usage: ");
		ctl_usage(p->cmd->verb, line + 7, sizeof(line) - 7);
		if (strlen(line) == sizeof(line) - 1)
			snprintf(line, sizeof(line), "viridian help %s%s%s explains it",
				 p->cmd->verb->noun, p->cmd->verb->verb[0] ? " " : "",
				 p->cmd->verb->verb);
		hint = line;
	}
	return vd_err_set(p->err, -EINVAL, VD_E_USAGE, path, hint, "%s", text);
}

static void choice_add(struct choice *c, const char *word, size_t len)
{
	if (c->n == CANDIDATES_MAX || len >= sizeof(c->text[0]))
		return;
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->text[i]) == len && !memcmp(c->text[i], word, len))
			return;
	memcpy(c->text[c->n], word, len);
	c->text[c->n][len] = 0;
	c->ptr[c->n] = c->text[c->n];
	c->n++;
}

/* "a, b or c" of the candidates that begin with @prefix (of length @len). */
static void choice_join(const struct choice *c, const char *lead, const char *prefix, size_t len,
			char *buf, size_t size)
{
	size_t left = 0, at = 0;

	for (size_t i = 0; i < c->n; i++)
		left += !strncmp(c->text[i], prefix, len);
	buf[0] = 0;
	for (size_t i = 0; i < c->n && at < size; i++) {
		if (strncmp(c->text[i], prefix, len))
			continue;
		left--;
		at += (size_t)snprintf(buf + at, size - at, "%s%s%s", lead, c->text[i],
				       left > 1 ? ", "
				       : left   ? " or "
						: "");
	}
}

/* Index of the candidate that @word (of @len characters) means; -1: none; -2: several. */
static int choice_pick(const struct choice *c, const char *word, size_t len)
{
	int found = -1;

	for (size_t i = 0; i < c->n; i++) {
		if (strncmp(c->text[i], word, len))
			continue;
		if (!c->text[i][len])
			return (int)i;
		found = found == -1 ? (int)i : -2;
	}
	return len ? found : -1;
}

static void did_you_mean(const struct choice *c, const char *lead, const char *word,
			 const char *otherwise, char *buf, size_t size)
{
	const char *near = vd_suggest(word, c->ptr, c->n);

	if (near)
		snprintf(buf, size, "did you mean %s%s?", lead, near);
	else
		snprintf(buf, size, "%s", otherwise);
}

/* Is @v one of the verbs that may still be meant? */
static bool in_reach(const struct parse *p, const struct ctl_verb *v)
{
	if (strcmp(v->noun, p->cmd->noun))
		return false;
	for (unsigned int k = 0; k < p->depth; k++) {
		size_t a, b;
		const char *x = ctl_verb_word(v, k, &a), *y = ctl_verb_word(p->like, k, &b);

		if (!x || !y || a != b || memcmp(x, y, a))
			return false;
	}
	return true;
}

/* The word of @v that comes next, when @v may still be meant; NULL: not in reach, or complete. */
static const char *next_word(const struct parse *p, const struct ctl_verb *v, size_t *ret_len)
{
	return in_reach(p, v) ? ctl_verb_word(v, p->depth, ret_len) : NULL;
}

static bool word_is(const char *w, size_t len, const char *text)
{
	return w && len == strlen(text) && !memcmp(w, text, len);
}

/* The verb in reach that has exactly the words understood so far, or so far plus @next. */
static const struct ctl_verb *verb_at(const struct parse *p, const char *next)
{
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		size_t len;
		const char *w = next_word(p, v, &len);

		if (next ? word_is(w, len, next) && !ctl_verb_word(v, p->depth + 1, &len)
			 : !w && in_reach(p, v))
			return v;
	}
	return NULL;
}

static void verb_choice(const struct parse *p, struct choice *c)
{
	c->n = 0;
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		size_t len;
		const char *w = next_word(p, &ctl_verbs[i], &len);

		if (w)
			choice_add(c, w, len);
	}
}

static int ambiguous(struct parse *p, const struct choice *c, const char *lead, const char *word,
		     size_t len)
{
	char text[256];

	choice_join(c, lead, word, len, text, sizeof(text));
	return usage_error(p, NULL, "write one more letter", "'%s%.*s' is ambiguous: %s", lead,
			   (int)len, word, text);
}

static int take_noun(struct parse *p, const char *word)
{
	struct choice c = {.n = 0};
	char text[256];
	int k;

	for (size_t i = 0; i < ctl_n_verbs; i++)
		choice_add(&c, ctl_verbs[i].noun, strlen(ctl_verbs[i].noun));
	if (!p->cmd->help)
		choice_add(&c, "help", 4);
	k = choice_pick(&c, word, strlen(word));
	if (k == -2)
		return ambiguous(p, &c, "", word, strlen(word));
	if (k < 0) {
		did_you_mean(&c, "", word, "viridian help lists all commands", text, sizeof(text));
		return usage_error(p, NULL, text, "there is no command '%.60s'", word);
	}
	if (!strcmp(c.text[k], "help")) {
		p->cmd->help = true;
		return 0;
	}
	for (size_t i = 0; i < ctl_n_verbs && !p->cmd->noun; i++)
		if (!strcmp(ctl_verbs[i].noun, c.text[k]))
			p->cmd->noun = ctl_verbs[i].noun;
	return 0;
}

/* No further word belongs to the verb: it is complete, or its list is meant. */
static int settle(struct parse *p)
{
	const struct ctl_verb *v = verb_at(p, NULL);
	struct choice c;
	char text[256];

	if (!v)
		v = verb_at(p, "list");
	if (!v) {
		verb_choice(p, &c);
		choice_join(&c, "", "", 0, text, sizeof(text));
		return usage_error(p, NULL, "viridian help NOUN explains them",
				   "%s needs a verb: %s", p->cmd->noun, text);
	}
	p->cmd->verb = v;
	return 0;
}

static bool has_positional(const struct ctl_verb *v)
{
	for (size_t i = 0; v && i < v->n_args; i++)
		if (v->args[i].flags & CTL_POSITIONAL)
			return true;
	return false;
}

static void take_next(struct parse *p, const char *word)
{
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		size_t len;
		const char *w = next_word(p, &ctl_verbs[i], &len);

		if (!word_is(w, len, word))
			continue;
		p->like = &ctl_verbs[i];
		p->depth++;
		return;
	}
}

/* Return: 1 when @word is part of the verb, 0 when it is an argument of the settled verb. */
static int take_verb(struct parse *p, const char *word)
{
	char text[256], all[300], hint[256];
	struct choice c;
	int k;

	verb_choice(p, &c);
	k = choice_pick(&c, word, strlen(word));
	if (k == -2)
		return ambiguous(p, &c, "", word, strlen(word));
	if (k >= 0) {
		take_next(p, c.text[k]);
		verb_choice(p, &c);
		return c.n || settle(p) >= 0 ? 1 : -EINVAL;
	}
	/* A slip of a verb is more likely than an object with such a name; "list" disambiguates. */
	if (verb_at(p, NULL) ||
	    (has_positional(verb_at(p, "list")) && !vd_suggest(word, c.ptr, c.n)))
		return settle(p);
	choice_join(&c, "", "", 0, text, sizeof(text));
	snprintf(all, sizeof(all), "verbs of %s: %s", p->cmd->noun, text);
	did_you_mean(&c, "", word, all, hint, sizeof(hint));
	return usage_error(p, NULL, hint, "%s has no verb '%.60s'", p->cmd->noun, word);
}

static int check_int(struct parse *p, const struct ctl_arg *a, const char *path, const char *text,
		     json_t **ret)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno || *end || end == text || text[0] == ' ' || text[0] == '+')
		return usage_error(p, path, NULL, "%s must be a whole number%s%s, not '%.60s'",
				   path, a->values ? " within " : "", a->values ? a->values : "",
				   text);
	*ret = json_integer(v);
	return *ret ? 0 : -ENOMEM;
}

/* Text to JSON by the argument's type. Ranges and choices are the table's own check. */
static int value_of(struct parse *p, const struct ctl_arg *a, const char *path, const char *text,
		    json_t **ret)
{
	if (a->type == CTL_INT)
		return check_int(p, a, path, text, ret);
	if (a->type == CTL_OBJECT) {
		*ret = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
		return *ret ? 0 : usage_error(p, path, NULL, "%s must be a JSON object", path);
	}
	*ret = json_string(text);
	return *ret ? 0 : usage_error(p, path, NULL, "%s is not valid UTF-8", path);
}

static int put(struct parse *p, const struct ctl_arg *a, const char *path, json_t *value)
{
	json_t *to = a->flags & CTL_CLIENT ? p->cmd->local : p->cmd->params;
	json_t *there = json_object_get(to, a->name);

	if (!(a->flags & CTL_REPEAT)) {
		if (there) {
			json_decref(value);
			return usage_error(p, path, NULL, "%s was given twice", path);
		}
		return json_object_set_new(to, a->name, value) ? -ENOMEM : 0;
	}
	if (!there) {
		there = json_array();
		if (json_object_set_new(to, a->name, there)) {
			json_decref(value);
			return -ENOMEM;
		}
	}
	return json_array_append_new(there, value) ? -ENOMEM : 0;
}

static int put_text(struct parse *p, const struct ctl_arg *a, const char *path, const char *text)
{
	json_t *value = NULL;
	int r = value_of(p, a, path, text, &value);

	return r ? r : put(p, a, path, value);
}

static int take_rest(struct parse *p, const struct ctl_arg *a, const char *word)
{
	size_t at = strlen(p->rest);

	if (at + strlen(word) + 2 > sizeof(p->rest))
		return usage_error(p, NULL, NULL, "the %s is too long", a->name);
	p->rest_arg = a;
	snprintf(p->rest + at, sizeof(p->rest) - at, "%s%s", at ? " " : "", word);
	return 0;
}

static int take_argument(struct parse *p, const char *word)
{
	const struct ctl_verb *v = p->cmd->verb;
	char label[128];

	while (p->positional < v->n_args && !(v->args[p->positional].flags & CTL_POSITIONAL))
		p->positional++;
	if (p->positional >= v->n_args) {
		char all[128];

		snprintf(all, sizeof(all), "%s%s%s", v->noun, v->verb[0] ? " " : "", v->verb);
		return usage_error(p, NULL, NULL, "%s does not take the word '%.60s'", all, word);
	}
	if (v->args[p->positional].flags & CTL_REST)
		return take_rest(p, &v->args[p->positional], word);
	ctl_arg_label(&v->args[p->positional], label, sizeof(label));
	if (v->args[p->positional].flags & CTL_REPEAT)
		return put_text(p, &v->args[p->positional], label, word);
	return put_text(p, &v->args[p->positional++], label, word);
}

/* What an option's text (without dashes) stands for. */
struct option {
	const struct ctl_arg *arg; /* or: */
	const struct ctl_global *global;
	bool negated;
};

static void option_choice(const struct ctl_verb *v, bool bools_only, struct choice *c)
{
	char text[64];

	c->n = 0;
	for (size_t i = 0; v && i < v->n_args; i++)
		if (!(v->args[i].flags & CTL_POSITIONAL) &&
		    (!bools_only || v->args[i].type == CTL_BOOL)) {
			ctl_option_text(v->args[i].name, text, sizeof(text));
			choice_add(c, text, strlen(text));
		}
	for (size_t i = 0; !bools_only && i < ctl_n_globals; i++)
		choice_add(c, ctl_globals[i].option + 2, strlen(ctl_globals[i].option + 2));
}

static void option_named(const struct ctl_verb *v, const char *name, struct option *ret)
{
	char text[64];

	for (size_t i = 0; v && i < v->n_args; i++)
		if (!(v->args[i].flags & CTL_POSITIONAL) &&
		    !strcmp(ctl_option_text(v->args[i].name, text, sizeof(text)), name)) {
			ret->arg = &v->args[i];
			return;
		}
	for (size_t i = 0; i < ctl_n_globals; i++)
		if (!strcmp(ctl_globals[i].option + 2, name))
			ret->global = &ctl_globals[i];
}

/* Options that mean the same to everybody may stand before the verb is known. */
static bool is_global(const char *name, size_t len)
{
	struct choice c;

	option_choice(NULL, false, &c);
	return choice_pick(&c, name, len) >= 0;
}

static int find_option(struct parse *p, const char *name, size_t len, struct option *ret)
{
	char text[200], hint[256], word[64];
	struct choice c;
	int k;

	*ret = (struct option){0};
	snprintf(word, sizeof(word), "%.*s", (int)(len < 60 ? len : 60), name);
	option_choice(p->cmd->verb, false, &c);
	k = choice_pick(&c, name, len);
	if (k == -2)
		return ambiguous(p, &c, "--", name, len);
	if (k >= 0) {
		option_named(p->cmd->verb, c.text[k], ret);
		return 0;
	}
	if (len > 3 && !strncmp(name, "no-", 3)) {
		struct choice b;

		option_choice(p->cmd->verb, true, &b);
		k = choice_pick(&b, name + 3, len - 3);
		if (k >= 0) {
			option_named(p->cmd->verb, b.text[k], ret);
			ret->negated = true;
			return 0;
		}
	}
	snprintf(text, sizeof(text), "viridian help%s%s%s%s lists the options",
		 p->cmd->noun ? " " : "", p->cmd->noun ? p->cmd->noun : "",
		 p->cmd->verb && p->cmd->verb->verb[0] ? " " : "",
		 p->cmd->verb ? p->cmd->verb->verb : "");
	did_you_mean(&c, "--", word, text, hint, sizeof(hint));
	return usage_error(p, NULL, hint, "there is no option '--%s'", word);
}

static int set_timeout(struct parse *p, const char *value)
{
	char *end;
	double s = strtod(value, &end);

	if (end == value || *end || !(s >= 0.001 && s <= 86400))
		return usage_error(p, "--timeout", "for example --timeout 5",
				   "--timeout must be seconds within 0.001-86400, not '%.60s'",
				   value);
	p->cmd->timeout_ms = (unsigned int)(s * 1000);
	return 0;
}

static int set_global(struct parse *p, const struct ctl_global *g, const char *value)
{
	struct ctl_cmdline *cmd = p->cmd;

	switch (g->option[2]) {
	case 's':
		if (!value[0])
			return usage_error(p, "--socket",
					   "for example --socket /run/viridian/control.sock",
					   "--socket needs a path");
		cmd->socket = value;
		return 0;
	case 't':
		return set_timeout(p, value);
	case 'j':
		cmd->json = true;
		return 0;
	case 'd':
		cmd->dry_run = true;
		return 0;
	case 'h':
		cmd->help = true;
		return 0;
	default:
		cmd->version = true;
		return 0;
	}
}

/* @value: text glued to the option, or NULL; the next word is taken where one is needed. */
static int apply_option(struct parse *p, const struct option *o, const char *value)
{
	bool wants = o->arg ? o->arg->type != CTL_BOOL : o->global->label != NULL;
	char name[64], path[72], label[128];

	ctl_option_text(o->arg ? o->arg->name : o->global->option + 2, name, sizeof(name));
	snprintf(path, sizeof(path), "--%s", name);
	if (!wants && value)
		return usage_error(p, path, NULL, "%s does not take a value", path);
	if (wants && !value) {
		const char *next = p->i + 1 < p->n ? p->words[p->i + 1] : NULL;

		if (!next || !strncmp(next, "--", 2)) {
			if (o->arg)
				ctl_arg_label(o->arg, label, sizeof(label));
			return usage_error(p, path, NULL, "%s needs a value (%s)%s", path,
					   o->arg ? label : o->global->label,
					   next ? "; one that begins with -- is written --x=--value"
						: "");
		}
		value = p->words[++p->i];
	}
	if (o->global)
		return set_global(p, o->global, value);
	if (!wants)
		return put(p, o->arg, path, json_boolean(!o->negated));
	return put_text(p, o->arg, path, value);
}

static int take_short(struct parse *p, const char *word)
{
	const struct ctl_verb *v;
	struct option o = {0};

	if (word[1] != 'h' && word[1] != 'V' && p->cmd->noun && !p->cmd->verb && settle(p))
		return -EINVAL;
	v = p->cmd->verb;
	for (size_t i = 0; v && i < v->n_args; i++)
		if (!(v->args[i].flags & CTL_POSITIONAL) &&
		    ctl_short_option(v->args[i].name) == word[1])
			o.arg = &v->args[i];
	for (size_t i = 0; !o.arg && i < ctl_n_globals; i++)
		if (ctl_short_option(ctl_globals[i].option + 2) == word[1])
			o.global = &ctl_globals[i];
	if (!o.arg && !o.global)
		return usage_error(p, NULL, "long options begin with two dashes",
				   "there is no option '%.20s'", word);
	return apply_option(p, &o, word[2] ? word + 2 : NULL);
}

static int take_long(struct parse *p, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	struct option o;
	int r;

	if (p->cmd->noun && !p->cmd->verb && !is_global(name, len)) {
		r = settle(p);
		if (r)
			return r;
	}
	r = find_option(p, name, len, &o);
	return r ? r : apply_option(p, &o, equals ? equals + 1 : NULL);
}

static int take_word(struct parse *p, const char *word)
{
	int r;

	if (!p->options_over && word[0] == '-' && word[1]) {
		if (!strcmp(word, "--")) {
			p->options_over = true;
			return 0;
		}
		return word[1] == '-' ? take_long(p, word) : take_short(p, word);
	}
	if (!p->cmd->noun)
		return take_noun(p, word);
	if (!p->cmd->verb) {
		r = take_verb(p, word);
		if (r)
			return r < 0 ? r : 0;
	}
	return take_argument(p, word);
}

static int check_required(struct parse *p)
{
	const struct ctl_verb *v = p->cmd->verb;

	for (size_t i = 0; i < v->n_args; i++) {
		const struct ctl_arg *a = &v->args[i];
		char label[128], option[64];

		if (!(a->flags & CTL_REQUIRED) || json_object_get(p->cmd->params, a->name) ||
		    json_object_get(p->cmd->local, a->name))
			continue;
		ctl_arg_label(a, label, sizeof(label));
		ctl_option_text(a->name, option, sizeof(option));
		if (a->flags & CTL_POSITIONAL)
			return usage_error(p, NULL, NULL, "%s%s%s needs %s: %s", v->noun,
					   v->verb[0] ? " " : "", v->verb, label, a->help);
		return usage_error(p, NULL, NULL, "%s%s%s needs --%s %s: %s", v->noun,
				   v->verb[0] ? " " : "", v->verb, option, label, a->help);
	}
	return 0;
}

/* The table's own check of ranges and choices; @from is params or local. */
static int check_values(struct parse *p, json_t *from)
{
	for (size_t i = 0; i < p->cmd->verb->n_args; i++) {
		const struct ctl_arg *a = &p->cmd->verb->args[i];
		json_t *value = json_object_get(from, a->name);
		char option[64], path[70];

		if (!value || !ctl_arg_check(a, value, p->err))
			continue;
		ctl_option_text(a->name, option, sizeof(option));
		snprintf(path, sizeof(path), "%s%s", a->flags & CTL_POSITIONAL ? "" : "--", option);
		if (p->err)
			snprintf(p->err->path, sizeof(p->err->path), "%s", path);
		return -EINVAL;
	}
	return 0;
}

static int finish(struct parse *p)
{
	struct ctl_cmdline *cmd = p->cmd;
	int r;

	if (cmd->help || cmd->version)
		return 0;
	if (!cmd->noun)
		return usage_error(p, NULL, "viridian help lists all commands",
				   "no command was given");
	if (!cmd->verb) {
		r = settle(p);
		if (r)
			return r;
	}
	if (p->rest_arg) {
		r = put_text(p, p->rest_arg, p->rest_arg->name, p->rest);
		if (r)
			return r;
	}
	if (cmd->dry_run && !cmd->verb->changes)
		return usage_error(p, "--dry-run", "leave it out",
				   "--dry-run is for commands that change the configuration");
	r = check_required(p);
	if (r)
		return r;
	r = check_values(p, cmd->params);
	if (!r)
		r = check_values(p, cmd->local);
	if (!r && cmd->dry_run)
		r = json_object_set_new(cmd->params, "dry_run", json_true()) ? -ENOMEM : 0;
	return r;
}

/* --json decides how errors are printed, wherever it stands, even after the error. */
static bool wants_json(int n, const char *const words[])
{
	for (int i = 0; i < n && strcmp(words[i], "--"); i++)
		if (!strcmp(words[i], "--json"))
			return true;
	return false;
}

int ctl_cmdline_parse(int n, const char *const words[], struct ctl_cmdline *ret,
		      struct vd_err *reterr)
{
	struct parse *p = calloc(1, sizeof(*p));
	int r = 0;

	*ret = (struct ctl_cmdline){.timeout_ms = CTL_TIMEOUT_MS_DEFAULT,
				    .json = wants_json(n, words)};
	ret->params = json_object();
	ret->local = json_object();
	if (!p || !ret->params || !ret->local) {
		free(p);
		ctl_cmdline_done(ret);
		return vd_err_set(reterr, -ENOMEM, VD_E_NO_MEMORY, NULL, NULL, "memory ran out");
	}
	p->words = words;
	p->n = n;
	p->cmd = ret;
	p->err = reterr;
	if (n > CTL_WORDS_MAX)
		r = usage_error(p, NULL, NULL, "more than %d words", CTL_WORDS_MAX);
	for (p->i = 0; !r && p->i < n; p->i++)
		r = take_word(p, words[p->i]);
	if (!r)
		r = finish(p);
	free(p);
	if (r)
		ctl_cmdline_done(ret);
	return r;
}

void ctl_cmdline_done(struct ctl_cmdline *cmd)
{
	json_decref(cmd->params);
	json_decref(cmd->local);
	cmd->params = NULL;
	cmd->local = NULL;
}
