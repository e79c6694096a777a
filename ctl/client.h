/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection to the daemon: blocking calls with deadlines over ctl/rpc/frame.h.
 *
 * Every failure is told in the user's terms: no daemon (daemon.unreachable), no right to the socket
 * (permission.denied), no answer in time (timeout), or whatever the daemon answered.
 *
 * Thread-safety: one client, one thread. SIGPIPE is never raised. Proof: tests/unit/ctl/test_client.c.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "ctl/rpc/frame.h"

#define CTL_SOCKET_DEFAULT "/run/viridian/control.sock"

struct ctl_client;

/**
 * Connect to the UNIX socket @path.
 *
 * @timeout_ms for the connection and, later, for each answer; 1 or more.
 * Return: 0 and *@ret (ctl_client_close()); -ECONNREFUSED, -EACCES, -ETIMEDOUT, -EINVAL (path too
 * long), -ENOMEM, each with the error recorded.
 */
int ctl_client_open(const char *path, unsigned int timeout_ms, struct ctl_client **ret,
		    struct vd_err *reterr);

/** Accepts NULL. */
void ctl_client_close(struct ctl_client *c);

/** To wait on. Bytes may be buffered already: call ctl_client_poll() before waiting. */
int ctl_client_fd(const struct ctl_client *c);

/**
 * Send a request.
 *
 * @params stolen; NULL: none.
 * @fd     travels with the first byte (SCM_RIGHTS); stays the caller's; -1: none.
 */
int ctl_client_send(struct ctl_client *c, const char *method, json_t *params, int fd,
		    struct vd_err *reterr);

/** Say that no more requests follow; the daemon ends what streams, and answers. */
void ctl_client_finish(struct ctl_client *c);

/**
 * Wait for what the daemon sends next, event or reply. ctl_reply_done() when 1 was returned.
 *
 * @timeout_ms -1: for ever; 0: take what is there.
 * Return: 1 a message; 0 nothing within 0 ms; -ETIMEDOUT (@timeout_ms > 0); -ECONNRESET the daemon
 * closed the connection; -EPROTO it sent nonsense.
 */
int ctl_client_recv(struct ctl_client *c, int timeout_ms, struct ctl_reply *ret,
		    struct vd_err *reterr);

/** Send, and wait for the answer. @params stolen. *@ret: new reference; may be NULL for null. */
int ctl_client_call(struct ctl_client *c, const char *method, json_t *params, json_t **ret,
		    struct vd_err *reterr);
