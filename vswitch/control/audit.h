/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: append-only JSON lines, each with a number, the time, and the SHA-256 of the line before
 * it together with its own text; so nothing can be changed or taken out of the middle unnoticed.
 *
 * A line that a crash or a full disk cut short stays where it is, ended by a line feed, and the next record
 * owns up to it: its "torn" is the SHA-256 of such lines. The log is whole with it, and without it is not.
 * What is cut from the end of the file while the daemon runs is noticed by the daemon.
 *
 * Thread-safety: control thread. Proof: tests/unit/vswitch/control/test_audit.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define VSW_AUDIT_HEX_SIZE 65

struct vsw_audit;

/** What a reading found. */
struct vsw_audit_check {
	unsigned long
		bad_line; /* the first that does not follow from the one before, 1-based; 0: all do */
	unsigned long n_torn; /* lines that a crash cut short, as the records behind them say */
};

/** Open @name in the folder @dir_fd, made when absent, and go on behind its last line. A log whose end was cut
 *  by a crash goes on in a new line; one that does not verify goes on, too, and says so. */
int vsw_audit_open(int dir_fd, const char *name, struct vsw_audit **ret, struct vd_err *reterr);
/** Accepts NULL. */
void vsw_audit_close(struct vsw_audit *a);

/** Append @record (an object; stolen): "seq", "time", "prev" and "hash" are added. @sync: on disk when it
 *  returns. -EIO, -ENOMEM. */
int vsw_audit_add(struct vsw_audit *a, json_t *record, bool sync);

/** The number of the last record. */
unsigned long long vsw_audit_seq(const struct vsw_audit *a);

/** The last @n_max records about @port (NULL: about all), oldest first (new reference), and whether the whole chain
 *  verifies. */
int vsw_audit_read(struct vsw_audit *a, const char *port, unsigned int n_max, json_t **ret,
		   struct vsw_audit_check *check, struct vd_err *reterr);
