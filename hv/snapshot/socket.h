/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a control socket: made, taken over from a VM that was killed, removed. Who makes or removes one holds
 * a lock on the folder, so a socket that nobody listens on has been left behind, and is not just being made.
 *
 * Thread-safety: pure but for the file system. Proof: tests/guest/micro.test.
 */
#pragma once

#include <stdint.h>

struct hv_socket {
	int fd; /* -1: none */
	char path[108];
	uint64_t dev, ino; /* of the file that is ours */
};

/** Listen on @path, mode 0600. 0; -EADDRINUSE somebody listens there; other negative errno. */
int hv_socket_listen(struct hv_socket *s, const char *path);
/** Remove sockets in @folder, *.sock, whose VM is no more. */
void hv_socket_sweep(const char *folder);
/** Close it, and remove its file if that is still ours. */
void hv_socket_done(struct hv_socket *s);
