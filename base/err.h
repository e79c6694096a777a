/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors that teach. A function returns 0 or a negative errno; where a user can be the cause it
 * also fills one struct vd_err, once, at the place where the fact is known: which object, what is
 * wrong, what is allowed, what to do next. Callers may prefix the path, never reword.
 *
 * The same struct becomes the CLI's text, the JSON-RPC error object and the log line.
 * Texts may quote what strangers wrote: bytes that are no printable UTF-8 become '?', so that every
 * error can be sent as JSON and shown on a terminal.
 *
 * Thread-safety: no shared state. Proof: tests/unit/base/test_err.c.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <jansson.h>

enum vd_kind {
	VD_KIND_INVALID, /* the input itself is wrong */
	VD_KIND_REFUSED,
	VD_KIND_NOT_FOUND,
	VD_KIND_CONFLICT, /* contradicts what is configured */
	VD_KIND_PERMISSION,
	VD_KIND_UNREACHABLE,
	VD_KIND_TIMEOUT,
	VD_KIND_REALITY, /* contradicts what the machine has */
	VD_KIND_RESOURCE,
	VD_KIND_SYSTEM,
	VD_KIND_BUG,
};

enum vd_code {
#define VD_CODE(id, text, kind, doc) VD_E_##id,
#include "base/errors.def"
#undef VD_CODE
	VD_E_N,
};

struct vd_err {
	enum vd_code code;   /* VD_E_OK (0) while no error was recorded */
	int errnum;          /* the negative errno returned with it */
	char path[192];      /* object path: "switch/lan", "port/web1/vlan" */
	char message[384];   /* what is wrong and what is allowed */
	char hint[256];      /* what to do next; may be empty */
	char file[160];      /* where it came from; empty when not from a file */
	unsigned int line;   /* 1-based; 0 unknown */
	unsigned int column; /* 1-based; 0 unknown */
};

/**
 * Record an error and return @errnum, so that `return vd_err_set(e, -EINVAL, ...)` reads well.
 *
 * @e      may be NULL (then only the return value speaks). An error that is already recorded is
 *         kept: the first place that knew the fact wins.
 * @errnum negative errno; returned unchanged.
 * @path   object path; may be NULL.
 * @hint   may be NULL.
 */
int vd_err_set(struct vd_err *e, int errnum, enum vd_code code, const char *path, const char *hint,
	       const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/** Put "@prefix/" in front of the recorded path. Nothing happens when no error is recorded. */
void vd_err_prefix(struct vd_err *e, const char *prefix);

/** Attach a source position (line and column 1-based; 0 = unknown) unless one is there already. */
void vd_err_at(struct vd_err *e, const char *file, unsigned int line, unsigned int column);

/** Text form of @code, e.g. "vlan.out_of_range". Never NULL. */
const char *vd_code_text(enum vd_code code);
enum vd_kind vd_code_kind(enum vd_code code);
const char *vd_code_doc(enum vd_code code);
const char *vd_kind_text(enum vd_kind kind);

/** Code of a text form; VD_E_BUG when there is none. */
enum vd_code vd_code_of(const char *text);

/** The CLI's exit status for @code: 1 refused/failed, 2 usage, 3, 4, 5, 6, 7 (see viridian(1)). */
int vd_code_exit(enum vd_code code);

/** JSON form {code, kind, path, message, hint?, file?, line?, column?}. New reference; NULL on
 *  lack of memory. */
json_t *vd_err_to_json(const struct vd_err *e);

/** Fill @e from the JSON form; unknown or missing members leave defaults. */
void vd_err_from_json(struct vd_err *e, json_t *j);
