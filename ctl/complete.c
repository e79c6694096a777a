/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Completion. bash calls `viridian --complete WORDS... UNFINISHED`; this prints one candidate a line,
 * those that begin with the unfinished word. A first line ":file" asks bash for file names. Names of
 * objects come from the daemon, within a second or not at all.
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>

static void offer(const char *word, const char *typed)
{
	if (!strncmp(word, typed, strlen(typed)))
		puts(word);
}

/* Each of "a|b|c". */
static void offer_choices(const char *choices, const char *typed)
{
	char *copy = strdup(choices), *save = NULL;

	for (char *p = copy ? strtok_r(copy, "|", &save) : NULL; p; p = strtok_r(NULL, "|", &save))
		offer(p, typed);
	free(copy);
}

static void offer_names(struct ctl_context *ctx, const char *object, const char *typed)
{
	struct vd_err e = {0};
	json_t *rows = NULL, *row;
	char method[64];
	size_t i;

	snprintf(method, sizeof(method), "%s.list", object);
	if (ctl_ask(ctx, method, NULL, &rows, &e))
		return;
	json_array_foreach (rows, i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));

		if (name)
			offer(name, typed);
	}
	json_decref(rows);
}

static void offer_values(struct ctl_context *ctx, const struct ctl_verb *v, const struct ctl_arg *a,
			 const char *typed)
{
	switch (a->type) {
	case CTL_ENUM:
		offer_choices(a->values, typed);
		break;
	case CTL_NAME:
		if (a->object)
			offer_names(ctx, a->object, typed);
		if (!strcmp(v->noun, "capture"))
			offer("drops", typed);
		break;
	case CTL_VLAN:
		offer_choices("none|access:|trunk:|isolated:|community:|promiscuous:", typed);
		break;
	case CTL_DEVICE:
		offer_choices("tap:|netdev:|vhost-user:/|memif:/|pcap:rx=/|pci:", typed);
		break;
	case CTL_FILE:
		puts(":file");
		break;
	default:
		if (!strcmp(a->name, "write"))
			puts(":file");
	}
}

static void offer_nouns(const char *typed)
{
	for (size_t i = 0; i < ctl_n_verbs; i++)
		if (!i || strcmp(ctl_verbs[i].noun, ctl_verbs[i - 1].noun))
			offer(ctl_verbs[i].noun, typed);
	offer("help", typed);
}

/* The next word of the verbs of @noun whose first @n words are @given. */
static void offer_verbs(const char *noun, int n, const char *const given[], const char *typed)
{
	char last[64] = "";

	for (size_t i = 0; i < ctl_n_verbs; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		char word[64];
		const char *w;
		size_t len;
		int k;

		if (strcmp(v->noun, noun))
			continue;
		for (k = 0; k < n; k++) {
			w = ctl_verb_word(v, (unsigned int)k, &len);
			if (!w || len != strlen(given[k]) || memcmp(w, given[k], len))
				break;
		}
		w = k == n ? ctl_verb_word(v, (unsigned int)n, &len) : NULL;
		if (!w)
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)len, w);
		if (strcmp(word, last))
			offer(word, typed);
		strcpy(last, word);
	}
}

static void offer_options(const struct ctl_verb *v, const char *typed)
{
	for (size_t i = 0; v && i < v->n_args; i++) {
		char name[64], option[70];

		if (v->args[i].flags & CTL_POSITIONAL || v->args[i].type == CTL_OBJECT)
			continue;
		snprintf(option, sizeof(option), "--%s",
			 ctl_option_text(v->args[i].name, name, sizeof(name)));
		offer(option, typed);
	}
	for (size_t i = 0; i < ctl_n_globals; i++)
		offer(ctl_globals[i].option, typed);
}

static const struct ctl_arg *option_of(const struct ctl_verb *v, const char *word)
{
	char name[64];

	for (size_t i = 0; v && i < v->n_args; i++) {
		const struct ctl_arg *a = &v->args[i];

		if (a->flags & CTL_POSITIONAL || a->type == CTL_BOOL)
			continue;
		if ((word[0] == '-' && word[1] == '-' &&
		     !strcmp(ctl_option_text(a->name, name, sizeof(name)), word + 2)) ||
		    (word[0] == '-' && word[1] && word[1] == ctl_short_option(a->name) && !word[2]))
			return a;
	}
	return NULL;
}

static const struct ctl_global *global_of(const char *word)
{
	for (size_t i = 0; i < ctl_n_globals; i++)
		if (ctl_globals[i].label && !strcmp(ctl_globals[i].option, word))
			return &ctl_globals[i];
	return NULL;
}

static const struct ctl_arg *positional(const struct ctl_verb *v, unsigned int k)
{
	for (size_t i = 0; i < v->n_args; i++) {
		if (!(v->args[i].flags & CTL_POSITIONAL))
			continue;
		if (!k-- || v->args[i].flags & (CTL_REST | CTL_REPEAT))
			return &v->args[i];
	}
	return NULL;
}

/* What the finished words were. */
struct progress {
	const char *noun;
	const char *words[4]; /* of the verb */
	int n_words;
	const struct ctl_verb *verb;
	unsigned int n_positional;
	const struct ctl_arg *value_of;  /* the unfinished word is this option's value */
	const struct ctl_global *global; /* or this one's */
	bool help;
};

/* Is @word, after those already taken, part of some verb of the noun? */
static bool more_verb(const struct progress *p, const char *word)
{
	for (size_t i = 0; i < ctl_n_verbs; i++) {
		size_t len;
		const char *w =
			!strcmp(ctl_verbs[i].noun, p->noun)
				? ctl_verb_word(&ctl_verbs[i], (unsigned int)p->n_words, &len)
				: NULL;

		if (w && len == strlen(word) && !memcmp(w, word, len))
			return true;
	}
	return false;
}

static void take_plain(struct progress *p, const char *word)
{
	char verb[128] = "";

	if (!p->noun && !strcmp(word, "help")) {
		p->help = true;
		return;
	}
	if (!p->noun) {
		p->noun = word;
		p->verb = ctl_verb_find(word, "");
		return;
	}
	if (p->verb || p->n_words == 4 || !more_verb(p, word)) {
		if (!p->verb)
			p->verb = ctl_verb_find(p->noun, "list");
		p->n_positional++;
		return;
	}
	p->words[p->n_words++] = word;
	for (int i = 0; i < p->n_words; i++)
		snprintf(verb + strlen(verb), sizeof(verb) - strlen(verb), "%s%s", i ? " " : "",
			 p->words[i]);
	p->verb = ctl_verb_find(p->noun, verb);
}

static void understand(struct ctl_context *ctx, int n, const char *const words[],
		       struct progress *p)
{
	for (int i = 0; i < n; i++) {
		const char *w = words[i];
		bool last = i + 1 == n;

		if (w[0] != '-' || !w[1]) {
			take_plain(p, w);
			continue;
		}
		if (option_of(p->verb, w)) {
			if (last)
				p->value_of = option_of(p->verb, w);
			i++;
		} else if (global_of(w)) {
			if (last)
				p->global = global_of(w);
			else if (!strcmp(w, "--socket"))
				ctx->socket = words[i + 1];
			i++;
		}
	}
}

int ctl_complete(struct ctl_context *ctx, int n, const char *const words[])
{
	struct progress p = {0};
	const char *typed = n ? words[n - 1] : "";
	const struct ctl_arg *a;

	if (n > 1)
		understand(ctx, n - 1, words, &p);
	if (p.value_of)
		offer_values(ctx, p.verb, p.value_of, typed);
	else if (p.global && !strcmp(p.global->option, "--socket"))
		puts(":file");
	else if (p.global)
		;
	else if (typed[0] == '-')
		offer_options(p.verb, typed);
	else if (!p.noun)
		offer_nouns(typed);
	else if (!p.verb) {
		offer_verbs(p.noun, p.n_words, p.words, typed);
	} else if (!p.help && (a = positional(p.verb, p.n_positional)))
		offer_values(ctx, p.verb, a, typed);
	ctl_client_close(ctx->client);
	ctx->client = NULL;
	return 0;
}

int ctl_run_completion(struct ctl_context *ctx, struct vd_err *reterr)
{
	(void)ctx;
	(void)reterr;
	/* bash splits words at ':' and '='; both are parts of our values, so words are cut again from the
	 * line, and what stands before the last of them is taken off the candidates. */
	fputs("# bash completion for viridian; load with: source <(viridian completion bash)\n"
	      "_viridian()\n"
	      "{\n"
	      "\tlocal line=${COMP_LINE:0:COMP_POINT} words cur cut reply\n"
	      "\tread -ra words <<<\"$line\"\n"
	      "\tcase $line in *[[:space:]]) words+=('') ;; esac\n"
	      "\tcur=${words[${#words[@]} - 1]}\n"
	      "\tmapfile -t reply < <(\"${words[0]}\" --complete \"${words[@]:1}\" 2>/dev/null)\n"
	      "\tif [ \"${reply[0]}\" = :file ]; then\n"
	      "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	      "\t\tcompopt -o filenames\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcut=\n"
	      "\tcase $cur in *[:=]*) cut=${cur%\"${cur##*[:=]}\"} ;; esac\n"
	      "\tCOMPREPLY=(\"${reply[@]#\"$cut\"}\")\n"
	      "\tcase ${COMPREPLY[0]} in *[:=/]) compopt -o nospace ;; esac\n"
	      "}\n"
	      "complete -F _viridian viridian\n",
	      stdout);
	return 0;
}
