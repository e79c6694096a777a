/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end of its control socket (wire.h): listening, asking who is there, serving one of them
 * between two turns of the main loop. While the guest stands still this waits for the next request.
 *
 * Thread-safety: the main thread. Proof: tests/guest/micro.test, tests/guest/snapshot.test.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "hv/snapshot/dirty.h"
#include "hv/snapshot/socket.h"

struct hv_machine;

struct hv_control {
	struct hv_socket socket;
	int conn_fd;  /* -1: none */
	int state_fd; /* the records of the guest's state */
	uint8_t *state;
	size_t state_size;
	struct hv_dirty dirty;
	bool quit; /* STOP was asked for */
};

/**
 * Listen for @m, whose memory and options are there. @path NULL: HV_CTL_DIR/NAME.sock, and no error when that
 * cannot be. 0; negative errno with @err.
 */
int hv_control_init(struct hv_control *c, struct hv_machine *m, const char *path,
		    struct vd_err *err);
void hv_control_done(struct hv_control *c);

/** What to poll for input; -1: nothing. */
int hv_control_fd(const struct hv_control *c);
/** It is readable: accept, or serve one request (and those that follow until the guest runs again). */
void hv_control_serve(struct hv_machine *m);

/** Is the request one of the protocol? Pure; NULL or what is wrong. */
struct hv_ctl_request;
const char *hv_control_check(const struct hv_ctl_request *r, size_t size);
