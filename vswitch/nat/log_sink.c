/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of JSON lines and the IPFIX collector of one NAT network. Everything is tried once and given up for the moment. */
#include "vswitch/nat/log_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file ---- */

static void close_file(struct vsw_nat_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Open what the name leads to now. */
static bool open_file(struct vsw_nat_sink *s)
{
	struct stat st;

	if (s->fd >= 0 &&
	    (stat(s->c.log.file, &st) < 0 || st.st_dev != s->dev || st.st_ino != s->ino))
		close_file(s);
	if (s->fd >= 0)
		return true;
	/* not blocking: it may be a pipe that nobody reads */
	s->fd = open(s->c.log.file,
		     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640);
	if (s->fd < 0 || fstat(s->fd, &st) < 0) {
		s->counts.file_error = errno;
		close_file(s);
		return false;
	}
	s->dev = st.st_dev;
	s->ino = st.st_ino;
	return true;
}

/* Whole lines of @text, @size bytes; a line cut short is taken back where that is possible. Return: bytes of whole lines. */
static size_t append(struct vsw_nat_sink *s, const char *text, size_t size)
{
	struct stat before;
	bool regular = fstat(s->fd, &before) == 0 && S_ISREG(before.st_mode);
	ssize_t n = write(s->fd, text, size);
	size_t whole = n > 0 ? (size_t)n : 0;

	s->counts.file_error = n < 0 ? errno : whole < size ? ENOSPC : 0;
	if (whole == size)
		return size;
	while (whole && text[whole - 1] != '\n')
		whole--;
	if (n > 0 && whole < (size_t)n) {
		if (!regular || ftruncate(s->fd, before.st_size + (off_t)whole) < 0)
			/* a reader passes over what does not parse */
			if (write(s->fd, "\n", 1) < 0)
				s->counts.file_error = errno;
	}
	return whole;
}

static unsigned int lines_in(const char *text, size_t size)
{
	unsigned int n = 0;

	for (size_t i = 0; i < size; i++)
		n += text[i] == '\n';
	return n;
}

/* A line that is no event: the log's own. */
static void note(struct vsw_nat_sink *s, size_t (*write_line)(struct vsw_nat_sink *, uint64_t),
		 uint64_t now_ms)
{
	size_t n;

	if (!s->c.log.file[0] || !open_file(s))
		return;
	n = write_line(s, now_ms);
	append(s, s->text, n);
}

static size_t line_of_start(struct vsw_nat_sink *s, uint64_t now_ms)
{
	return nat_log_start(s->c.name, now_ms, s->sessions, s->text, sizeof(s->text));
}

static size_t line_of_stop(struct vsw_nat_sink *s, uint64_t now_ms)
{
	return nat_log_stop(s->c.name, now_ms, s->text, sizeof(s->text));
}

static size_t line_of_parameters(struct vsw_nat_sink *s, uint64_t now_ms)
{
	return nat_log_parameters(&s->c, now_ms, s->text, sizeof(s->text));
}

static void write_file(struct vsw_nat_sink *s, const struct nat_event *e, unsigned int n,
		       uint64_t now_ms)
{
	struct nat_event missing = {.time_ms = now_ms, .type = NAT_EV_GAP};
	size_t size = 0, done, head = 0;
	unsigned int lines = 0;

	if (!s->c.log.file[0])
		return;
	if (!open_file(s)) {
		s->counts.lost_file += n;
		s->gap += n;
		return;
	}
	if (s->gap) {
		missing.count = (uint32_t)(s->gap > UINT32_MAX ? UINT32_MAX : s->gap);
		head = size = nat_log_line(s->c.name, &missing, false, s->text, sizeof(s->text));
	}
	for (unsigned int i = 0; i < n; i++) {
		size_t k = nat_log_line(s->c.name, &e[i], s->c.log.destinations, s->text + size,
					sizeof(s->text) - size);

		size += k;
		lines += k > 0;
	}
	done = append(s, s->text, size);
	if (head && done >= head) {
		s->gap = 0;
		done -= head;
		s->counts.written += lines_in(s->text + head, done);
		lines -= lines_in(s->text + head, done);
	} else if (!head) {
		s->counts.written += lines_in(s->text, done);
		lines -= lines_in(s->text, done);
	}
	s->counts.lost_file += lines;
	s->gap += lines;
}

/* ---- the collector ---- */

static void close_socket(struct vsw_nat_sink *s)
{
	if (s->sock >= 0)
		close(s->sock);
	s->sock = -1;
}

static bool open_socket(struct vsw_nat_sink *s)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(s->c.log.ipfix_port),
				 .sin_addr.s_addr = htonl(s->c.log.ipfix)};

	if (s->sock >= 0)
		return true;
	s->sock = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	s->want_templates = true;
	if (s->sock < 0 || connect(s->sock, (struct sockaddr *)&to, sizeof(to)) < 0) {
		s->counts.collector_error = errno;
		close_socket(s);
		return false;
	}
	return true;
}

/* An error that came back for the message before this one says that one did not arrive. */
static void send_message(struct vsw_nat_sink *s)
{
	size_t size = nat_ipfix_end(&s->message);
	ssize_t n = send(s->sock, s->message.bytes, size, 0);

	if (n < 0 && errno == ECONNREFUSED) {
		s->counts.refused++;
		s->counts.sent -= s->last_records;
		s->counts.lost_collector += s->last_records;
		s->counts.collector_error = ECONNREFUSED;
		s->want_templates = true;
		n = send(s->sock, s->message.bytes, size, 0);
	} else {
		s->counts.collector_error = n < 0 ? errno : 0;
	}
	s->sequence += s->message.records;
	if (n == (ssize_t)size) {
		s->counts.messages++;
		s->counts.sent += s->message.records;
		s->last_records = s->message.records;
		return;
	}
	s->counts.collector_error = errno;
	s->counts.lost_collector += s->message.records;
	s->last_records = 0;
	s->want_templates = true;
	close_socket(s);
}

static void begin_message(struct vsw_nat_sink *s, uint64_t now_ms)
{
	nat_ipfix_begin(&s->message, s->domain, s->sequence, now_ms, s->c.log.destinations);
	if (!s->want_templates && now_ms - s->templates_ms < VSW_NAT_LOG_TEMPLATES_S * 1000u)
		return;
	nat_ipfix_templates(&s->message);
	s->want_templates = false;
	s->templates_ms = now_ms;
}

static void send_events(struct vsw_nat_sink *s, const struct nat_event *e, unsigned int n,
			uint64_t now_ms)
{
	unsigned int i = 0;

	if (!s->c.log.ipfix)
		return;
	if (!open_socket(s)) {
		for (; i < n; i++)
			s->counts.lost_collector += e[i].type != NAT_EV_GAP;
		return;
	}
	while (i < n) {
		begin_message(s, now_ms);
		for (; i < n && nat_ipfix_add(&s->message, &e[i]); i++)
			/* what is missing shows as a jump in the numbers */
			if (e[i].type == NAT_EV_GAP)
				s->sequence += e[i].count;
		if (s->message.records)
			send_message(s);
		if (s->sock < 0 && !open_socket(s)) {
			s->counts.lost_collector += n - i;
			return;
		}
	}
}

/* ---- both ---- */

static bool has_pair(const struct nat_conf *c, const struct nat_pair *p)
{
	for (unsigned int i = 0; c && i < c->n_pairs; i++)
		if (c->pairs[i].outside == p->outside && c->pairs[i].inside == p->inside)
			return true;
	return false;
}

typedef void write_fn(struct vsw_nat_sink *s, const struct nat_event *e, unsigned int n,
		      uint64_t now_ms);

/* One-to-one addresses have no sessions to log: what there is to say is since when, and until when. Of @c, those that @but
 * (NULL: none) does not have. */
static void tell_pairs(struct vsw_nat_sink *s, const struct nat_conf *c, const struct nat_conf *but,
		       enum nat_event_type type, uint64_t now_ms, write_fn *write_events)
{
	struct nat_event e[64];
	unsigned int n = 0;

	for (unsigned int i = 0; i < c->n_pairs; i++) {
		if (has_pair(but, &c->pairs[i]))
			continue;
		e[n++] = (struct nat_event){.time_ms = now_ms,
					    .type = (uint8_t)type,
					    .inside = c->pairs[i].inside,
					    .outside = c->pairs[i].outside};
		if (n == sizeof(e) / sizeof(e[0])) {
			write_events(s, e, n, now_ms);
			n = 0;
		}
	}
	if (n)
		write_events(s, e, n, now_ms);
}

void vsw_nat_sink_init(struct vsw_nat_sink *s)
{
	s->fd = s->sock = -1;
}

void vsw_nat_sink_configure(struct vsw_nat_sink *s, struct nat_conf *c, uint64_t now_ms)
{
	bool other_file = strcmp(s->c.log.file, c->log.file) != 0;
	bool other_collector = s->c.log.ipfix != c->log.ipfix ||
			       s->c.log.ipfix_port != c->log.ipfix_port ||
			       s->c.log.destinations != c->log.destinations;
	bool was = s->c.blocks.deterministic;
	bool goes_on = s->started && !strcmp(s->c.name, c->name);
	const struct nat_conf *to_file = goes_on && !other_file ? c : NULL;
	const struct nat_conf *to_collector = goes_on && !other_collector ? c : NULL;
	struct nat_conf old;

	tell_pairs(s, &s->c, to_file, NAT_EV_ADDRESS_UNBOUND, now_ms, write_file);
	tell_pairs(s, &s->c, to_collector, NAT_EV_ADDRESS_UNBOUND, now_ms, send_events);
	if (other_file && s->started) {
		note(s, line_of_stop, now_ms);
		close_file(s);
		s->counts.file_error = 0;
		s->gap = 0;
	}
	if (other_collector) {
		close_socket(s);
		s->counts.collector_error = 0;
		s->last_records = 0;
	}
	old = s->c;
	s->c = *c;
	memset(c, 0, sizeof(*c));
	s->domain = (uint32_t)strtoul(s->c.uuid, NULL, 16);
	if (!s->started || other_file)
		note(s, line_of_start, now_ms);
	if (s->c.blocks.deterministic || was)
		note(s, line_of_parameters, now_ms);
	tell_pairs(s, &s->c, to_file ? &old : NULL, NAT_EV_ADDRESS_BOUND, now_ms, write_file);
	tell_pairs(s, &s->c, to_collector ? &old : NULL, NAT_EV_ADDRESS_BOUND, now_ms, send_events);
	nat_conf_done(&old);
	s->started = true;
}

void vsw_nat_sink_write(struct vsw_nat_sink *s, const struct nat_event *e, unsigned int n,
			uint64_t now_ms)
{
	write_file(s, e, n, now_ms);
	send_events(s, e, n, now_ms);
}

void vsw_nat_sink_close(struct vsw_nat_sink *s, uint64_t now_ms)
{
	tell_pairs(s, &s->c, NULL, NAT_EV_ADDRESS_UNBOUND, now_ms, vsw_nat_sink_write);
	if (s->started && !s->gap)
		note(s, line_of_stop, now_ms);
	close_file(s);
	close_socket(s);
	nat_conf_done(&s->c);
}
