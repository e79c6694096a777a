/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A running capture: one request of one client. Workers put copies of frames into a ring
 * (vswitch/datapath/capture.h); a timer takes them out and writes pcapng to the client's descriptor,
 * never waiting for it: a reader that is slow loses frames, counted, and nothing else.
 *
 * Ends when `count` frames were written, the client closes its side, the reader goes, or the port
 * does; then the client gets {"frames", "lost"}.
 *
 * Thread-safety: control thread. Proof: tests/net (capture).
 */
#pragma once

struct vsw_capture_session;
struct vsw_daemon;
struct vsw_port;

#define VSW_CAPTURES_MAX 8

/** The client sends no more: write out what was caught, answer. The session may be gone after. */
void vsw_capture_session_end(struct vsw_capture_session *s);

/** The client is gone: write out what can be written at once; nobody is answered. */
void vsw_capture_session_drop(struct vsw_capture_session *s);

/** @port closes: end the captures on it. */
void vsw_capture_port_closes(struct vsw_daemon *d, const struct vsw_port *port);
