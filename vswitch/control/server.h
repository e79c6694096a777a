/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: accepts clients, cuts their bytes into requests, queues answers and events.
 * What requests mean is in methods.h.
 *
 * Limits (all told to the client or the log): VSW_CLIENTS_MAX connections; a request of CTL_LINE_MAX
 * bytes; VSW_INPUT_MAX bytes of unfinished requests over all clients; per client VSW_OUT_PAUSE bytes of
 * unread answers, beyond which no more of its requests are read and, if it takes nothing for
 * VSW_STUCK_MS, it is disconnected; VSW_OUT_MAX bytes of unread events, beyond which it is
 * disconnected at once.
 *
 * Who may change things: root, the user the daemon runs as, members of group "viridian". Others
 * who can reach the socket (mode 0660) may look.
 *
 * Thread-safety: control thread. Proof: tests/net (control).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

#define VSW_CLIENTS_MAX 1024
#define VSW_INPUT_MAX   (64u << 20)
#define VSW_OUT_PAUSE   (1u << 20)
#define VSW_OUT_MAX     (8u << 20)
#define VSW_STUCK_MS    10000u
#define VSW_LOG_PER_S   20u

struct vsw_daemon;
struct vsw_server;
struct vsw_client;
struct vsw_capture_session;

/** Bind and listen on @path; its folder is made when absent. A socket file nobody listens on is
 *  replaced. -EBUSY device.busy: another daemon answers there. Clients wait until the event loop runs. */
int vsw_server_start(struct vsw_daemon *d, const char *path, struct vsw_server **ret,
		     struct vd_err *reterr);

/** Disconnect all and remove the socket. Accepts NULL. */
void vsw_server_stop(struct vsw_server *s);

/** Send an event to all subscribers. @params borrowed. */
void vsw_server_event(struct vsw_server *s, const char *kind, json_t *params);

/** Disconnect stuck clients. Returns when to call again (ms), UINT64_MAX: not needed. */
uint64_t vsw_server_tick(struct vsw_server *s, uint64_t now_ms);

/* ---- for methods ---- */

/** May one more line about a client's mistake go to the log? At most VSW_LOG_PER_S a second may: a
 *  client that makes a thousand must not fill the disk. What was left out is counted and told. */
bool vsw_server_may_log(struct vsw_server *s);

/** Number of the last event. */
uint64_t vsw_server_seq(const struct vsw_server *s);

void vsw_client_subscribe(struct vsw_client *c);
bool vsw_client_may_change(const struct vsw_client *c);
/** "uid 0 pid 123", for the log. */
const char *vsw_client_who(const struct vsw_client *c);
/** "root" or "uid 1000", for what is kept. */
const char *vsw_client_user(const struct vsw_client *c);
/** The descriptor the client sent last; the caller owns it then. -1: none. */
int vsw_client_take_fd(struct vsw_client *c);
/** The capture that answers to @c; ended when the client goes. One a client. */
void vsw_client_set_capture(struct vsw_client *c, struct vsw_capture_session *s);
struct vsw_capture_session *vsw_client_capture(const struct vsw_client *c);
/** Answer a request. @id borrowed; NULL (a notification): nothing is sent. @result stolen. */
void vsw_client_reply(struct vsw_client *c, json_t *id, json_t *result);
void vsw_client_fail(struct vsw_client *c, json_t *id, const struct vd_err *err);
