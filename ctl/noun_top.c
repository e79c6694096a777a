/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * viridian top: what moves now. Two readings of the counters give rates; the screen is redrawn in place
 * on a terminal, and printed one after the other elsewhere. q, SIGINT and SIGTERM end it.
 */
#include "ctl/command.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

struct reading {
	double at_s;
	json_t *stats;
	json_t *runtime;
};

static void reading_done(struct reading *r)
{
	json_decref(r->stats);
	json_decref(r->runtime);
	*r = (struct reading){0};
}

static int take(struct ctl_context *ctx, struct reading *ret, struct vd_err *e)
{
	struct timespec ts;
	int r;

	*ret = (struct reading){0};
	r = ctl_ask(ctx, "stats", NULL, &ret->stats, e);
	if (r)
		return r;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ret->at_s = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	r = ctl_ask(ctx, "runtime", NULL, &ret->runtime, e);
	if (r)
		reading_done(ret);
	return r;
}

static json_t *row_of(json_t *rows, const char *port)
{
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		const char *name = json_string_value(json_object_get(row, "port"));

		if (name && port && !strcmp(name, port))
			return row;
	}
	return NULL;
}

/* How much @key grew; counters that went back belong to a new port of the same name. */
static double growth(json_t *row, json_t *before, const char *key)
{
	double now = json_number_value(json_object_get(row, key));
	double then = json_number_value(json_object_get(before, key));

	return now < then ? now : now - then;
}

static json_t *port_rates(json_t *row, json_t *before, double seconds)
{
	return json_pack("{s:O?, s:O?, s:f, s:f, s:f, s:f, s:f, s:O?}", "port",
			 json_object_get(row, "port"), "switch", json_object_get(row, "switch"),
			 "rx_pps", growth(row, before, "rx_packets") / seconds, "rx_bps",
			 8 * growth(row, before, "rx_bytes") / seconds, "tx_pps",
			 growth(row, before, "tx_packets") / seconds, "tx_bps",
			 8 * growth(row, before, "tx_bytes") / seconds, "drop_pps",
			 growth(row, before, "drops") / seconds, "drops",
			 json_object_get(row, "drops"));
}

static json_t *worker_load(json_t *row, json_t *before, double seconds)
{
	double total = growth(row, before, "total_cycles");

	return json_pack("{s:O?, s:f, s:f}", "core", json_object_get(row, "core"), "load",
			 total > 0 ? growth(row, before, "busy_cycles") / total : 0.0, "pps",
			 growth(row, before, "packets") / seconds);
}

/* The JSON form is the model; the screen is drawn from it. */
static json_t *rates(const struct reading *old, const struct reading *now)
{
	double seconds = now->at_s - old->at_s > 0.001 ? now->at_s - old->at_s : 0.001;
	json_t *ports = json_array(), *workers = json_array(), *row;
	size_t i;

	json_array_foreach (now->stats, i, row) {
		json_t *before =
			row_of(old->stats, json_string_value(json_object_get(row, "port")));

		json_array_append_new(ports, port_rates(row, before ? before : row, seconds));
	}
	json_array_foreach (json_object_get(now->runtime, "workers"), i, row) {
		json_t *before = json_array_get(json_object_get(old->runtime, "workers"), i);

		json_array_append_new(workers, worker_load(row, before ? before : row, seconds));
	}
	return json_pack("{s:f, s:o, s:o}", "seconds", seconds, "workers", workers, "ports", ports);
}

static const char *rate(json_t *row, const char *key, const char *unit, char *buf, size_t size)
{
	ctl_human(json_number_value(json_object_get(row, key)), buf, size);
	snprintf(buf + strlen(buf), size - strlen(buf), "%s%s", strchr(buf, ' ') ? "" : " ", unit);
	return buf;
}

static const char *rx_pps(json_t *row, char *buf, size_t size)
{
	return rate(row, "rx_pps", "pps", buf, size);
}

static const char *rx_bps(json_t *row, char *buf, size_t size)
{
	return rate(row, "rx_bps", "bit/s", buf, size);
}

static const char *tx_pps(json_t *row, char *buf, size_t size)
{
	return rate(row, "tx_pps", "pps", buf, size);
}

static const char *tx_bps(json_t *row, char *buf, size_t size)
{
	return rate(row, "tx_bps", "bit/s", buf, size);
}

static const char *drop_pps(json_t *row, char *buf, size_t size)
{
	return rate(row, "drop_pps", "pps", buf, size);
}

static int busier(const void *a, const void *b)
{
	json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	double p = json_number_value(json_object_get(x, "rx_pps")) +
		   json_number_value(json_object_get(x, "tx_pps"));
	double q = json_number_value(json_object_get(y, "rx_pps")) +
		   json_number_value(json_object_get(y, "tx_pps"));

	return p < q ? 1 : p > q ? -1 : 0;
}

/* The busiest @n rows (0: all) of @ports in a new array. */
static json_t *busiest(json_t *ports, size_t n)
{
	size_t all = json_array_size(ports);
	json_t **list = calloc(all + 1, sizeof(*list)), *ret = json_array();

	for (size_t i = 0; list && i < all; i++)
		list[i] = json_array_get(ports, i);
	if (list)
		qsort(list, all, sizeof(*list), busier);
	for (size_t i = 0; list && i < all && (!n || i < n); i++)
		json_array_append(ret, list[i]);
	free(list);
	return ret;
}

static void draw(json_t *r, size_t n_rows)
{
	static const struct ctl_column columns[] = {
		{"PORT", "port", 0, NULL},
		{"SWITCH", "switch", 0, NULL},
		{"RX", NULL, CTL_COL_RIGHT, rx_pps},
		{"RX-RATE", NULL, CTL_COL_RIGHT, rx_bps},
		{"TX", NULL, CTL_COL_RIGHT, tx_pps},
		{"TX-RATE", NULL, CTL_COL_RIGHT, tx_bps},
		{"DROPS", NULL, CTL_COL_RIGHT, drop_pps},
		{"DROPPED", "drops", CTL_COL_RIGHT, NULL},
	};
	json_t *ports, *w;
	char buf[32];
	size_t i;

	json_array_foreach (json_object_get(r, "workers"), i, w) {
		double load = json_number_value(json_object_get(w, "load"));
		int bar = (int)(load * 20 + 0.5);

		printf("worker %zu  [%.*s%*s] %5.1f%%  %s\n", i, bar, "||||||||||||||||||||",
		       20 - bar, "", 100 * load, rate(w, "pps", "pps", buf, sizeof(buf)));
	}
	putchar('\n');
	ports = busiest(json_object_get(r, "ports"), n_rows);
	ctl_print_table(ports, columns, sizeof(columns) / sizeof(columns[0]), "no ports");
	json_decref(ports);
}

static size_t rows_that_fit(size_t n_workers)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || ws.ws_row < n_workers + 6)
		return 0;
	return ws.ws_row - n_workers - 4;
}

static void show(struct ctl_context *ctx, const struct reading *old, const struct reading *now,
		 bool terminal)
{
	json_t *r = rates(old, now);

	if (!r)
		return;
	if (ctx->cmd->json) {
		ctl_print_json(r);
	} else {
		if (terminal)
			fputs("\033[H\033[J", stdout);
		draw(r,
		     terminal ? rows_that_fit(json_array_size(json_object_get(r, "workers"))) : 0);
		if (!terminal)
			putchar('\n');
	}
	fflush(stdout);
	json_decref(r);
}

/* Wait for the next screen. Return: false when the user wants to leave. */
static bool wait_for(int interval_s, int signals, bool keys)
{
	struct timespec ts;
	long long end, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	end = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + interval_s * 1000LL;
	for (;;) {
		struct pollfd p[2] = {{.fd = signals, .events = POLLIN},
				      {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN}};
		char key;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		now = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
		if (now >= end)
			return true;
		if (poll(p, 2, (int)(end - now)) <= 0)
			continue;
		if (p[0].revents)
			return false;
		if (p[1].revents && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q'))
			return false;
	}
}

static int loop(struct ctl_context *ctx, int signals, bool terminal, struct vd_err *e)
{
	json_t *interval = json_object_get(ctx->cmd->local, "interval");
	bool once = json_is_true(json_object_get(ctx->cmd->local, "once"));
	int interval_s = interval ? (int)json_integer_value(interval) : 1;
	struct reading old, now;
	int r = take(ctx, &old, e);

	if (r)
		return r;
	while (wait_for(interval_s, signals, terminal && isatty(STDIN_FILENO))) {
		r = take(ctx, &now, e);
		if (r)
			break;
		show(ctx, &old, &now, terminal);
		reading_done(&old);
		old = now;
		if (once || ferror(stdout))
			break;
	}
	reading_done(&old);
	return r;
}

int ctl_run_top(struct ctl_context *ctx, struct vd_err *reterr)
{
	bool terminal = isatty(STDOUT_FILENO) && !ctx->cmd->json &&
			!json_is_true(json_object_get(ctx->cmd->local, "once"));
	struct termios was, raw;
	bool changed = false;
	sigset_t set;
	int signals, r;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (terminal && isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &was)) {
		raw = was;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		changed = !tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	if (terminal)
		fputs("\033[?1049h\033[?25l", stdout);
	r = loop(ctx, signals, terminal, reterr);
	if (terminal)
		fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	if (changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &was);
	if (signals >= 0)
		close(signals);
	return r;
}
