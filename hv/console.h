/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a serial port's bytes come from and go to: standard input and output, a character device, or
 * a UNIX socket. A terminal is switched to raw mode and given back as it was; on it Ctrl-A X ends the VM.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "base/err.h"

struct hv_console {
	int in, out; /* -1: closed */
	bool own;    /* the descriptors are ours to close */
	bool tty, escape;
	struct termios saved;
};

void hv_console_stdio(struct hv_console *c);
/** 0; negative errno with @err filled. */
int hv_console_open(struct hv_console *c, const char *path, struct vd_err *err);
void hv_console_done(struct hv_console *c);

/** Read at most @room bytes. Return: bytes; 0 nothing. The end of input closes c->in; *@quit: Ctrl-A X. */
unsigned int hv_console_read(struct hv_console *c, uint8_t *buf, unsigned int room, bool *quit);
void hv_console_write(struct hv_console *c, const uint8_t *data, unsigned int n);
