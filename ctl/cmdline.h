/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line as data: words in, verb and JSON parameters out, by the table of ctl/rpc/verbs.h.
 *
 *   viridian [--socket PATH] [--json] [--dry-run] [--timeout S] NOUN VERB [NAME] [--option VALUE]...
 *
 * Nouns, verbs and options may be cut short where that is unique. A noun without a verb means its
 * "list". A noun that has a list of something may be followed by that something: "fdb lan" is
 * "fdb list lan". Options may stand anywhere; "--" ends them; "--x=V" is "--x V"; a bool is "--x" or
 * "--no-x". Nothing is sent or opened here, files named by the user included.
 *
 * Thread-safety: pure. Proof: tests/unit/ctl/test_cmdline.c, tests/fuzz/fuzz_cmdline.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "ctl/rpc/verbs.h"

#define CTL_TIMEOUT_MS_DEFAULT 30000
#define CTL_WORDS_MAX          8192

struct ctl_cmdline {
	const char *socket;      /* NULL: not given; borrowed from the words */
	unsigned int timeout_ms; /* how long to wait for an answer */
	bool json;
	bool dry_run;     /* in @params as well where the verb changes something */
	bool help;        /* asked for help; on @verb, else on @noun, else on everything */
	bool version;     /* --version: of this program alone */
	const char *noun; /* canonical, or NULL; constant */
	const struct ctl_verb *verb; /* NULL only with @help or @version */
	json_t *params;              /* object to send; NULL only with @help or @version */
	json_t *local;               /* object: arguments marked CTL_CLIENT */
};

/**
 * Parse @n words (without the program's name).
 *
 * Return: 0 and *@ret (ctl_cmdline_done() afterwards); -EINVAL with the error recorded: then @ret
 * holds json (which --json may say anywhere) and the noun and verb as far as they were understood, for
 * the caller's message, and needs no ctl_cmdline_done(); -ENOMEM.
 */
int ctl_cmdline_parse(int n, const char *const words[], struct ctl_cmdline *ret,
		      struct vd_err *reterr);

void ctl_cmdline_done(struct ctl_cmdline *cmd);

/** The @k-th word (0 based) of a verb such as "map add": its start and length, or NULL at the end. */
const char *ctl_verb_word(const struct ctl_verb *verb, unsigned int k, size_t *ret_len);

/** Usage line, e.g. "viridian port add NAME --switch SW ...". Returns @buf, cut when it is short. */
const char *ctl_usage(const struct ctl_verb *verb, char *buf, size_t size);

/** What stands for the value of @arg in usage lines ("SW", "MAC", "N"). Returns @buf. */
const char *ctl_arg_label(const struct ctl_arg *arg, char *buf, size_t size);

/** "host_vnic" as an option: "host-vnic". Returns @buf. */
const char *ctl_option_text(const char *name, char *buf, size_t size);

/** Global options, for help and completion: names with "--"; value labels or NULL; help. */
struct ctl_global {
	const char *option;
	const char *label;
	const char *help;
};
extern const struct ctl_global ctl_globals[];
extern const size_t ctl_n_globals;

/** One-letter form of an option ("w" for "write"), or 0. */
char ctl_short_option(const char *name);
