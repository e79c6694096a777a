/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian capture: hands the daemon a descriptor to write pcapng to. With -w that is the user's file,
 * so that the frames do not pass through here; without, it is a pipe whose frames are decoded to lines.
 * SIGINT and SIGTERM end the capture; the daemon then answers with the totals.
 */
#include "ctl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "ctl/decode.h"
#include "ctl/pcapng.h"

#define PAIR_MS       500  /* two signals this close are one wish */
#define LAST_WORDS_MS 3000 /* how long to wait for the totals after the end was asked for */

struct capture {
	struct ctl_context *ctx;
	struct vd_err *err;
	struct ctl_pcapng *reader; /* NULL with -w */
	int pipe;                  /* read end, or -1 */
	int signals;
	bool stopping;        /* the user or a closed stdout ended it */
	long long stopped_ms; /* when */
	bool answered;
	json_t *answer;
	uint64_t shown;
};

static int sys_error(struct vd_err *e, const char *what)
{
	return vd_err_set(e, -errno, errno == EACCES ? VD_E_PERMISSION : VD_E_SYSTEM, NULL, NULL,
			  "%s: %s", what, strerror(errno));
}

static const char *dir_text(enum ctl_packet_dir dir)
{
	return dir == CTL_DIR_IN ? "from-vm" : dir == CTL_DIR_OUT ? "to-vm" : "-";
}

static const char *time_text(uint64_t ns, char *buf, size_t size)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (!localtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	snprintf(buf, size, "%02d:%02d:%02d.%06u", tm.tm_hour, tm.tm_min, tm.tm_sec,
		 (unsigned int)(ns / 1000 % 1000000));
	return buf;
}

static void show(struct capture *c, const struct ctl_packet *p)
{
	char line[512], when[32];

	if (p->link_type == 1)
		ctl_decode(p->data, p->captured, p->original, line, sizeof(line));
	else
		snprintf(line, sizeof(line), "link type %u, length %u", p->link_type, p->original);
	c->shown++;
	if (c->ctx->cmd->json) {
		json_t *j = json_pack("{s:f, s:s, s:s, s:s, s:I, s:s}", "time",
				      (double)p->time_ns / 1e9, "port", p->iface, "direction",
				      dir_text(p->dir), "summary", line, "length",
				      (json_int_t)p->original, "comment", p->comment);

		if (j)
			ctl_print_json(j);
		json_decref(j);
		return;
	}
	fputs(time_text(p->time_ns, when, sizeof(when)), stdout);
	putchar(' ');
	ctl_print_text(stdout, p->iface);
	printf(" %s %s", dir_text(p->dir), line);
	if (p->comment[0]) {
		fputs(", ", stdout);
		ctl_print_text(stdout, p->comment);
	}
	putchar('\n');
}

static int read_frames(struct capture *c)
{
	static char buf[65536];
	struct ctl_packet p;
	ssize_t n = read(c->pipe, buf, sizeof(buf));
	int r;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		close(c->pipe);
		c->pipe = -1;
		return n < 0 ? sys_error(c->err, "cannot read the captured frames") : 0;
	}
	r = ctl_pcapng_feed(c->reader, buf, (size_t)n);
	while (!r && (r = ctl_pcapng_next(c->reader, &p)) == 1) {
		show(c, &p);
		r = 0;
	}
	fflush(stdout);
	return r < 0 ? vd_err_set(c->err, r, VD_E_BUG, NULL, NULL,
				  "the captured frames are not pcapng")
		     : 0;
}

static int take_answer(struct capture *c)
{
	struct ctl_reply reply;
	int r = ctl_client_recv(c->ctx->client, 0, &reply, c->err);

	if (r <= 0) {
		if (r == -ECONNRESET && c->stopping) { /* a daemon may close without totals */
			*c->err = (struct vd_err){0};
			c->answered = true;
			return 0;
		}
		return r;
	}
	r = 0;
	if (reply.failed) {
		*c->err = reply.err;
		r = -EREMOTEIO;
	} else if (!reply.method) {
		c->answered = true;
		c->answer = json_incref(reply.result);
	}
	ctl_reply_done(&reply);
	return r;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void stop(struct capture *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	c->stopped_ms = now_ms();
	ctl_client_finish(c->ctx->client);
}

/* Return: false when the user wants out at once: asked again. Signals come in pairs from some senders
 * (timeout(1) signals the process and its group), which is not the same. */
static bool take_signal(struct capture *c)
{
	struct signalfd_siginfo si;

	if (read(c->signals, &si, sizeof(si)) != sizeof(si))
		return true;
	if (c->stopping && now_ms() - c->stopped_ms > PAIR_MS)
		return false;
	stop(c);
	return true;
}

/* Until the answer is there and the pipe is drained. */
static int follow(struct capture *c)
{
	int r = 0;

	while (!r && (!c->answered || c->pipe >= 0)) {
		struct pollfd p[3] = {
			{.fd = c->answered ? -1 : ctl_client_fd(c->ctx->client), .events = POLLIN},
			{.fd = c->pipe, .events = POLLIN},
			{.fd = c->signals, .events = POLLIN},
		};
		int n = poll(p, 3, c->stopping ? LAST_WORDS_MS : -1);

		if (n < 0 && errno != EINTR)
			return sys_error(c->err, "cannot wait");
		if (n == 0)
			return 0; /* asked to stop, and the daemon has no last words */
		if (n < 0)
			continue;
		if (p[2].revents && !take_signal(c))
			return 0;
		if (p[1].revents)
			r = read_frames(c);
		if (!r && p[0].revents)
			r = take_answer(c);
		if (!r && ferror(stdout))
			stop(c);
	}
	return r;
}

static void summary(const struct capture *c)
{
	json_t *frames = json_object_get(c->answer, "frames");
	json_int_t lost = json_integer_value(json_object_get(c->answer, "lost"));

	if (frames)
		fprintf(stderr,
			"%" JSON_INTEGER_FORMAT " frames captured, %" JSON_INTEGER_FORMAT " lost\n",
			json_integer_value(frames), lost);
	else if (c->reader)
		fprintf(stderr, "%" PRIu64 " frames captured\n", c->shown);
}

/* The descriptor to hand over: the user's file, or the write end of a pipe. */
static int open_sink(struct capture *c, const char *file, struct vd_err *e)
{
	int ends[2];

	if (file && !strcmp(file, "-")) {
		if (isatty(STDOUT_FILENO))
			return vd_err_set(e, -EINVAL, VD_E_USAGE, "--write",
					  "for example: viridian capture web1 -w - | tcpdump -r -",
					  "pcapng is not for the terminal");
		return dup(STDOUT_FILENO);
	}
	if (file) {
		int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		return fd < 0 ? sys_error(e, file) : fd;
	}
	if (pipe2(ends, O_CLOEXEC))
		return sys_error(e, "cannot make a pipe");
	fcntl(ends[1], F_SETPIPE_SZ, 1 << 20); /* a slow terminal should not lose frames at once */
	c->pipe = ends[0];
	c->reader = ctl_pcapng_new();
	if (!c->reader) {
		close(ends[1]);
		return -ENOMEM;
	}
	return ends[1];
}

static int start(struct capture *c)
{
	const struct ctl_cmdline *cmd = c->ctx->cmd;
	const char *file = json_string_value(json_object_get(cmd->local, "write"));
	sigset_t set;
	int r, fd;

	r = ctl_connect(c->ctx, c->err); /* before a file is emptied for nothing */
	if (r)
		return r;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	c->signals = signalfd(-1, &set, SFD_CLOEXEC);
	fd = open_sink(c, file, c->err);
	if (fd < 0)
		return fd;
	r = ctl_client_send(c->ctx->client, cmd->verb->method, json_incref(cmd->params), fd,
			    c->err);
	close(fd);
	return r;
}

int ctl_run_capture(struct ctl_context *ctx, struct vd_err *reterr)
{
	struct capture c = {.ctx = ctx, .err = reterr, .pipe = -1, .signals = -1};
	int r = start(&c);

	if (!r)
		r = follow(&c);
	if (!r)
		summary(&c);
	if (c.pipe >= 0)
		close(c.pipe);
	if (c.signals >= 0)
		close(c.signals);
	ctl_pcapng_free(c.reader);
	json_decref(c.answer);
	return r;
}
