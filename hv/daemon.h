/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking viridiand about a port, and for a snapshot's sake making it what it was.
 * Proof: tests/unit/ctl/test_client.c, tests/guest/snapshot.test. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * The path behind "netvsp:" of port @port, from the daemon at control socket @socket.
 * 0; -ENOENT no such port; -EINVAL it is no netvsp port; -ECONNREFUSED no daemon; with @err filled.
 */
int hv_daemon_port_path(const char *socket, const char *port, char *path, size_t room,
			struct vd_err *err);

/** Settings and policy of @port, and the address sets its rules may name, as JSON text (free() it). */
int hv_daemon_port_export(const char *socket, const char *port, char **ret, struct vd_err *err);

/**
 * Give @port what @text, of hv_daemon_port_export(), says, but for its name, switch and device, and the
 * address @mac; address sets that are not there are made. All or nothing. 0; negative errno with @err.
 */
int hv_daemon_port_import(const char *socket, const char *port, const char *text,
			  const uint8_t mac[6], struct vd_err *err);
