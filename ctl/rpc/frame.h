/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire form of the control protocol: JSON-RPC 2.0, one JSON text a line. Cuts a byte stream into
 * lines, reads requests and replies, builds both. Used by the daemon and by its clients; knows
 * neither sockets nor methods.
 *
 * Limits: a line has at most CTL_LINE_MAX bytes and CTL_DEPTH_MAX levels. Depth is counted before the
 * text is given to the (recursive) JSON parser. Not supported, and refused: batches; ids other
 * than strings of up to CTL_ID_MAX bytes and integers; params that are not an object; duplicate keys; NUL bytes.
 *
 * Thread-safety: pure; one object, one thread. Source: jsonrpc.org/specification (2.0).
 * Proof: tests/unit/ctl/rpc/test_frame.c, tests/fuzz/fuzz_rpc.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define CTL_LINE_MAX  (16u << 20) /* bytes, without the newline */
#define CTL_DEPTH_MAX 32
#define CTL_VALUES_MAX \
	65536 /* members and elements of a request: "[]," times 5 million is costly */
#define CTL_ID_MAX 128

/* ---- bytes to lines ---- */

/** Zero-initialise, or ctl_lines_init(). Members are private. */
struct ctl_lines {
	char *buf;
	size_t start;   /* first byte of the line that comes next */
	size_t scanned; /* no newline before this */
	size_t end;     /* bytes held */
	size_t cap;
	size_t max;    /* longest line; 0 means CTL_LINE_MAX */
	bool skipping; /* inside a line that was too long */
};

/** @max longest line in bytes, 1..CTL_LINE_MAX. */
void ctl_lines_init(struct ctl_lines *l, size_t max);
void ctl_lines_done(struct ctl_lines *l);

/**
 * Append what was read. Memory held stays below the longest line + one feed (+ allocation slack).
 * Take all lines with ctl_lines_next() after each feed.
 *
 * Return: 0; -ENOMEM (nothing appended).
 */
int ctl_lines_feed(struct ctl_lines *l, const void *data, size_t size);

/**
 * The next complete line, without its newline; blank lines are skipped. @*line is borrowed, NUL
 * terminated, valid until the next call on @l.
 *
 * Return: 1 a line; 0 none yet; -E2BIG a line is longer than allowed: told once, the rest of that
 * line is dropped, and what follows it is read as usual.
 */
int ctl_lines_next(struct ctl_lines *l, char **line, size_t *size);

/** Bytes of an unfinished line (a peer that closes with some left was cut off). */
size_t ctl_lines_pending(const struct ctl_lines *l);

/* ---- lines to JSON ---- */

/** Parse one JSON text under the limits above.
 *  Return: 0 and a new reference; -EINVAL (VD_E_RPC_PARSE), -E2BIG (VD_E_RPC_LIMIT), -ENOMEM. */
int ctl_json_parse(const char *text, size_t size, json_t **ret, struct vd_err *reterr);

/** One line, newline included. Caller frees. NULL on lack of memory. */
char *ctl_json_line(json_t *j, size_t *size);

/* ---- requests (client to daemon) ---- */

struct ctl_request {
	json_t *root; /* owns the others */
	json_t *id;   /* NULL: a notification, to be obeyed and not answered */
	const char *method;
	json_t *params; /* an object, or NULL */
};

/**
 * Read a request. Also on failure @ret->id is set when it could be read, so that the error reply
 * can carry it; call ctl_request_done() in any case.
 *
 * Return: 0; -EINVAL (VD_E_RPC_PARSE, VD_E_RPC_REQUEST); -E2BIG; -ENOMEM.
 */
int ctl_request_parse(const char *line, size_t size, struct ctl_request *ret,
		      struct vd_err *reterr);
void ctl_request_done(struct ctl_request *r);

/** @id 0: a notification. @params stolen; NULL: none. New reference or NULL. */
json_t *ctl_request_new(json_int_t id, const char *method, json_t *params);

/* ---- replies and events (daemon to client) ---- */

/** @id borrowed; NULL: null. @result stolen; NULL result is sent as null. New reference or NULL. */
json_t *ctl_reply_new(json_t *id, json_t *result);

/** The JSON-RPC number of @code: -32700, -32600, -32601, -32602, -32603 or -32000. */
int ctl_error_number(enum vd_code code);

/** An error reply that carries all of @e as "data". @id as in ctl_reply_new(). */
json_t *ctl_error_new(json_t *id, const struct vd_err *e);

/** A notification, e.g. method "event". @params stolen. */
json_t *ctl_event_new(const char *method, json_t *params);

struct ctl_reply {
	json_t *root;       /* owns the others */
	json_t *id;         /* NULL: an event, or an error of a request whose id was unreadable */
	const char *method; /* events only, else NULL */
	json_t *params;     /* events only; may be NULL */
	json_t *result;     /* NULL when failed or an event */
	bool failed;
	struct vd_err err; /* filled when failed */
};

/** Read what a daemon sent. Return: 0 (also when the reply is an error: see @ret->failed);
 *  -EINVAL, -E2BIG, -ENOMEM when it is no reply at all. ctl_reply_done() in any case. */
int ctl_reply_parse(const char *line, size_t size, struct ctl_reply *ret, struct vd_err *reterr);
void ctl_reply_done(struct ctl_reply *r);
