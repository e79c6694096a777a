/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking viridiand where a port's socket is. Proof: tests/unit/ctl/test_client.c. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/**
 * The path behind "netvsp:" of port @port, from the daemon at control socket @socket.
 * 0; -ENOENT no such port; -EINVAL it is no netvsp port; -ECONNREFUSED no daemon; with @err filled.
 */
int hv_daemon_port_path(const char *socket, const char *port, char *path, size_t room,
			struct vd_err *err);
