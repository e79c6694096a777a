/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of what can be asked of the daemon. From verbs.def come: the JSON-RPC methods and
 * the checking of their parameters (daemon), `describe`, the command line with its help, suggestions and
 * completion (CLI), and the man pages.
 *
 * JSON members use '_', command-line options the same words with '-'. Method = "noun.verb".
 *
 * Thread-safety: constants and pure functions. Proof: tests/unit/ctl/rpc/test_verbs.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum ctl_type {
	CTL_STRING,
	CTL_NAME, /* an object's name; completion asks the daemon */
	CTL_MAC,
	CTL_VLAN,   /* vswitch/model/vlan.h */
	CTL_DEVICE, /* vswitch/model/device.h */
	CTL_INT,    /* values: "MIN-MAX" */
	CTL_BOOL,   /* JSON true/false; command line: --x or --no-x */
	CTL_ENUM,   /* values: "a|b|c" */
	CTL_FILE,   /* command line: a file, read by the client; "-" standard input */
	CTL_OBJECT, /* any JSON object; no command-line form */
};

enum ctl_arg_flags {
	CTL_REQUIRED = 1,
	CTL_POSITIONAL = 2, /* command line: by place, in table order; still named in JSON */
	CTL_REPEAT = 4,     /* JSON array; command line: may be given several times */
	CTL_REST = 8,       /* positional: takes all remaining words, joined by blanks */
	CTL_CLIENT = 16,    /* used by the command line only; not sent */
};

struct ctl_arg {
	const char *name; /* JSON member */
	enum ctl_type type;
	unsigned int flags;
	const char *values; /* range or choices, or NULL */
	const char *object; /* CTL_NAME: "switch", "port"; else NULL */
	const char *label;  /* in usage lines: "SW"; NULL: from name */
	const char *help;
};

struct ctl_verb {
	const char *noun;
	const char *verb;    /* "" for one-word commands such as "top" */
	const char *method;  /* NULL: done by the client alone */
	bool changes;        /* changes the configuration: accepts dry_run */
	const char *summary; /* one line */
	const char *example; /* one command, without the leading "viridian" */
	const struct ctl_arg *args;
	size_t n_args;
};

extern const struct ctl_verb ctl_verbs[];
extern const size_t ctl_n_verbs;

/** NULL when there is none. */
const struct ctl_verb *ctl_verb_find(const char *noun, const char *verb);
const struct ctl_verb *ctl_verb_of_method(const char *method);

/**
 * Check @params (an object; NULL = {}) against the table: unknown members (with suggestion), types,
 * ranges, choices, required members. "dry_run" belongs to every verb that changes something, "file" to every verb
 * with a document. Formats (MAC, VLAN, device) are checked by who uses them.
 */
int ctl_params_check(const struct ctl_verb *verb, json_t *params, struct vd_err *reterr);

/** Check one value against one argument (an array where the argument repeats). */
int ctl_arg_check(const struct ctl_arg *arg, json_t *value, struct vd_err *reterr);

/** The whole table as JSON, for `describe`: {"version", "methods": [{method, summary, changes,
 *  params: a JSON Schema}], "errors": [{code, kind, text, exit}], "drops" added by the daemon}. New reference. */
json_t *ctl_describe(void);
