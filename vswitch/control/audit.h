/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: append-only JSON lines, each with a number, the time, and the SHA-256 of the line before
 * it together with its own text; so nothing can be changed or taken out of the middle unnoticed.
 *
 * Thread-safety: control thread. Proof: tests/unit/vswitch/control/test_audit.c.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

#define VSW_AUDIT_HEX_SIZE 65

struct vsw_audit;

/** Open @name in the folder @dir_fd, made when absent, and go on behind its last line. A log whose end was cut
 *  by a crash goes on in a new line; one that does not verify goes on, too, and says so. */
int vsw_audit_open(int dir_fd, const char *name, struct vsw_audit **ret, struct vd_err *reterr);
/** Accepts NULL. */
void vsw_audit_close(struct vsw_audit *a);

/** Append @record (an object; stolen): "seq", "time", "prev" and "hash" are added. @sync: on disk when it
 *  returns. -EIO, -ENOMEM. */
int vsw_audit_add(struct vsw_audit *a, json_t *record, bool sync);

/** The last @n_max records, oldest first (new reference), and whether the whole chain verifies. *@bad_line:
 *  the first that does not, 1-based; 0: all do. */
int vsw_audit_read(struct vsw_audit *a, unsigned int n_max, json_t **ret, unsigned long *bad_line,
		   struct vd_err *reterr);
