/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of serial ports. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hv/console.h"

#define ESCAPE 0x01 /* Ctrl-A */

static void make_raw(struct hv_console *c)
{
	struct termios raw;

	c->tty = tcgetattr(c->in, &c->saved) == 0;
	if (!c->tty)
		return;
	raw = c->saved;
	cfmakeraw(&raw);
	tcsetattr(c->in, TCSANOW, &raw);
}

void hv_console_stdio(struct hv_console *c)
{
	*c = (struct hv_console){.in = STDIN_FILENO, .out = STDOUT_FILENO};
	make_raw(c);
}

static int connect_socket(const char *path)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	return fd;
}

int hv_console_open(struct hv_console *c, const char *path, struct vd_err *err)
{
	struct stat st;
	int fd = -1;

	*c = (struct hv_console){.in = -1, .out = -1, .own = true};
	if (stat(path, &st) == 0)
		fd = S_ISSOCK(st.st_mode) ? connect_socket(path)
					  : open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return vd_err_set(err, -errno, VD_E_DEVICE_OPEN, "vm/serial",
				  "name a character device or a UNIX socket that is listened on",
				  "%s cannot be opened: %s", path, strerror(errno));
	c->in = c->out = fd;
	make_raw(c);
	return 0;
}

void hv_console_done(struct hv_console *c)
{
	if (c->tty)
		tcsetattr(c->in >= 0 ? c->in : c->out, TCSANOW, &c->saved);
	if (c->own && c->out >= 0)
		close(c->out);
	*c = (struct hv_console){.in = -1, .out = -1};
}

/* Take Ctrl-A X, and Ctrl-A Ctrl-A as one Ctrl-A, out of what was typed. */
static unsigned int filter(struct hv_console *c, uint8_t *buf, unsigned int n, bool *quit)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (c->escape) {
			c->escape = false;
			if (buf[i] == 'x' || buf[i] == 'X')
				*quit = true;
			else if (buf[i] == ESCAPE)
				buf[kept++] = buf[i];
		} else if (buf[i] == ESCAPE) {
			c->escape = true;
		} else {
			buf[kept++] = buf[i];
		}
	}
	return kept;
}

unsigned int hv_console_read(struct hv_console *c, uint8_t *buf, unsigned int room, bool *quit)
{
	ssize_t n = read(c->in, buf, room);

	*quit = false;
	if (n > 0)
		return c->tty && !c->own ? filter(c, buf, (unsigned int)n, quit) : (unsigned int)n;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		c->in = -1;
	return 0;
}

void hv_console_write(struct hv_console *c, const uint8_t *data, unsigned int n)
{
	ssize_t r;

	/* A reader that is slow holds the guest up; one that is gone does not. */
	while (n && c->out >= 0) {
		r = write(c->out, data, n);
		if (r > 0) {
			data += r;
			n -= (unsigned int)r;
		} else if (r < 0 && errno == EAGAIN) {
			usleep(1000);
		} else {
			return; /* gone, or interrupted because the VM is stopped */
		}
	}
}
