/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The health service over HTTP. libmicrohttpd speaks the protocol; here are the resources, and who gets how much:
 * a few connections a port, none longer than PORTAL_DEADLINE_MS however busy it looks, one request each.
 */
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "nap-policy/portal/portal.h"

#define TYPE_JSON    "application/json"
#define TYPE_SOH     "application/octet-stream"
#define TYPE_HTML    "text/html; charset=utf-8"
#define TYPE_CAPTIVE "application/captive+json"
#define ERROR_SIZE   320

enum { WEB, REDIRECT, N_DAEMONS };

/* A connection, for its deadline. */
struct open {
	struct open *next, **at;
	uint64_t since_ms;
	int fd;
};

/* A request under way. */
struct request {
	uint32_t ticket;
	bool ipv6, large;
	size_t size;
	uint8_t *body; /* [NAP_REPORT_SIZE_MAX]; NULL: none yet */
};

static struct MHD_Daemon *daemons[N_DAEMONS];
static struct open *opened;

/* ---- answering ---- */

static enum MHD_Result answer(struct MHD_Connection *c, unsigned int status, const char *type,
			      const void *body, size_t size, const char *location)
{
	static const char *const headers[][2] = {
		{"Connection", "close"},
		{"Cache-Control", "no-store"},
		{"X-Content-Type-Options", "nosniff"},
		{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
	};
	struct MHD_Response *r = MHD_create_response_from_buffer(size, (void *)(uintptr_t)body,
								 MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok;

	if (!r)
		return MHD_NO;
	for (unsigned int i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(r, headers[i][0], headers[i][1]);
	MHD_add_response_header(r, "Content-Type", type);
	if (location)
		MHD_add_response_header(r, "Location", location);
	if (status == 429 || status == 503)
		MHD_add_response_header(r, "Retry-After", "2");
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

/* @why is ours: nothing in it needs an escape but quotes and backslashes. */
static enum MHD_Result refuse(struct MHD_Connection *c, unsigned int status, const char *why)
{
	char text[2 * ERROR_SIZE] = "{\"error\": \"";
	size_t n = strlen(text);

	for (; *why && n < sizeof(text) - 8; why++) {
		unsigned char b = (unsigned char)*why;

		if (b == '"' || b == '\\')
			text[n++] = '\\';
		text[n++] = b < 0x20 || b >= 0x7f ? ' ' : *why;
	}
	memcpy(text + n, "\"}\n", 4);
	return answer(c, status, TYPE_JSON, text, n + 3, NULL);
}

/* Ask; what the daemon did not like is answered here. Return: 0; 1: answered, *@ret. */
static int ask(struct MHD_Connection *c, struct nap_ask *a, const void *body, struct nap_told *told,
	       const uint8_t **text, enum MHD_Result *ret)
{
	if (portal_ask(a, body, told, text) < 0) {
		*ret = refuse(c, 503, "the switch does not answer");
		return 1;
	}
	if (told->status == 200)
		return 0;
	*ret = answer(c, told->status, TYPE_JSON, *text, told->size, NULL);
	return 1;
}

static enum MHD_Result say(struct MHD_Connection *c, unsigned int status, const char *type,
			   char *text)
{
	enum MHD_Result r = text ? answer(c, status, type, text, strlen(text), NULL) : MHD_NO;

	free(text);
	return r;
}

static enum MHD_Result simple(struct MHD_Connection *c, const struct request *q, uint32_t op,
			      bool page)
{
	struct nap_ask a = {.op = op, .ticket = q->ticket};
	struct nap_told told;
	const uint8_t *text;
	enum MHD_Result r;

	if (ask(c, &a, NULL, &told, &text, &r))
		return r;
	if (page)
		return say(c, 200, TYPE_HTML, portal_page(text, told.size));
	return answer(c, 200, TYPE_JSON, text, told.size, NULL);
}

static enum MHD_Result captive(struct MHD_Connection *c, const struct request *q)
{
	struct nap_ask a = {.op = NAP_ASK_STATUS, .ticket = q->ticket};
	struct nap_told told;
	const uint8_t *text;
	enum MHD_Result r;

	if (ask(c, &a, NULL, &told, &text, &r))
		return r;
	return say(c, 200, TYPE_CAPTIVE, portal_captive(text, told.size, q->ipv6));
}

/* ---- reports ---- */

static bool read_answer(struct MHD_Connection *c, struct nap_ask *a)
{
	const char *counter = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "counter");
	const char *nonce = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "nonce");
	char *end;

	if (!counter && !nonce)
		return true;
	if (!counter || !nonce || !nap_hex_parse(nonce, a->nonce, sizeof(a->nonce)))
		return false;
	errno = 0;
	a->counter = strtoull(counter, &end, 10);
	a->has_nonce = 1;
	return !errno && end != counter && !*end && counter[0] >= '0' && counter[0] <= '9';
}

/* Does the report make sense? Those that do not never reach the daemon, which only counts them. */
static bool sensible(const struct request *q, char why[ERROR_SIZE])
{
	static struct nap_report scratch;
	struct nap_time now = {.mono_ms = portal_now_ms(), .wall_s = (int64_t)time(NULL)};
	struct vd_err e = {0};

	if (nap_report_parse((const char *)q->body, q->size, "report", NAP_AGENT, now, &scratch,
			     &e) == 0)
		return true;
	snprintf(why, ERROR_SIZE, "%.300s", e.message);
	return false;
}

static bool is_type(const char *given, const char *type)
{
	size_t n = strlen(type);

	return given && !strncasecmp(given, type, n) && (!given[n] || given[n] == ';');
}

static enum MHD_Result report(struct MHD_Connection *c, const struct request *q)
{
	const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
	struct nap_ask a = {.ticket = q->ticket, .size = (uint32_t)q->size};
	char why[ERROR_SIZE] = "";
	struct nap_told told;
	const uint8_t *text;
	enum MHD_Result r;

	if (!is_type(type, TYPE_JSON) && !is_type(type, TYPE_SOH))
		return refuse(c, 415, "send " TYPE_JSON " or " TYPE_SOH);
	if (!q->size)
		return refuse(c, 400, "the report is empty");
	if (!read_answer(c, &a))
		return refuse(c, 400, "counter and nonce are as the challenge gave them");
	a.op = is_type(type, TYPE_SOH) ? NAP_ASK_SOH : NAP_ASK_REPORT;
	if (a.op == NAP_ASK_REPORT && !sensible(q, why))
		a.size = 0;
	if (ask(c, &a, q->body, &told, &text, &r))
		return r;
	if (why[0])
		return refuse(c, 400, why);
	return answer(c, 200, a.op == NAP_ASK_SOH ? TYPE_SOH : TYPE_JSON, text, told.size, NULL);
}

/* ---- requests ---- */

static enum MHD_Result route(struct MHD_Connection *c, const struct request *q, const char *url,
			     const char *method)
{
	bool get = !strcmp(method, "GET") || !strcmp(method, "HEAD");
	bool post = !strcmp(method, "POST");

	if (q->large)
		return refuse(c, 413, "a report has at most 16384 bytes");
	if (!get && !post)
		return refuse(c, 405, "GET and POST are all there is");
	if (!strcmp(url, NAP_API_REPORT))
		return post ? report(c, q) : refuse(c, 405, "POST a report");
	if (!strcmp(url, NAP_API_CHALLENGE))
		return simple(c, q, NAP_ASK_CHALLENGE, false);
	if (!get)
		return refuse(c, 405, "GET is all there is here");
	if (!strcmp(url, NAP_API_STATUS))
		return simple(c, q, NAP_ASK_STATUS, false);
	if (!strcmp(url, NAP_API_CAPTIVE))
		return captive(c, q);
	if (!strcmp(url, "/"))
		return simple(c, q, NAP_ASK_STATUS, true);
	return refuse(c, 404, "there is nothing of this name");
}

/*
 * What was meant for somebody else. IPv4 is sent to the portal; a link-local IPv6 address means nothing in a
 * Location, so there the page comes at once (RFC 6585: network authentication required).
 */
static enum MHD_Result redirect(struct MHD_Connection *c, const struct request *q)
{
	struct nap_ask a = {.op = NAP_ASK_STATUS, .ticket = q->ticket};
	struct nap_told told;
	const uint8_t *text;
	char *at;
	enum MHD_Result r;

	if (ask(c, &a, NULL, &told, &text, &r))
		return r;
	if (q->ipv6)
		return say(c, 511, TYPE_HTML, portal_page(text, told.size));
	at = portal_address(text, told.size);
	r = at ? answer(c, 302, TYPE_HTML, "", 0, at) : MHD_NO;
	free(at);
	return r;
}

static struct request *begin(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *i =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct request *q = calloc(1, sizeof(*q));
	const struct sockaddr_in6 *a6;

	if (!q || !i)
		goto out;
	a6 = (const struct sockaddr_in6 *)i->client_addr;
	q->ticket = portal_ticket(i->client_addr);
	q->ipv6 = i->client_addr->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&a6->sin6_addr);
	return q;
out:
	free(q);
	return NULL;
}

static void add_body(struct request *q, const char *data, size_t size)
{
	if (!q->body)
		q->body = malloc(NAP_REPORT_SIZE_MAX);
	if (!q->body || q->size + size > NAP_REPORT_SIZE_MAX) {
		q->large = true;
		return;
	}
	memcpy(q->body + q->size, data, size);
	q->size += size;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *size, void **state)
{
	struct request *q = *state;
	const char *length;

	if (!q) {
		*state = q = begin(c);
		if (!q)
			return MHD_NO;
		length = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length");
		/* said before it is sent: it need not be read */
		if (length && (strlen(length) > 5 || atoi(length) > NAP_REPORT_SIZE_MAX)) {
			q->large = true;
			return route(c, q, url, method);
		}
		return MHD_YES;
	}
	if (*size) {
		add_body(q, data, *size);
		*size = 0;
		return MHD_YES;
	}
	return cls ? redirect(c, q) : route(c, q, url, method);
}

static void on_end(void *cls, struct MHD_Connection *c, void **state,
		   enum MHD_RequestTerminationCode why)
{
	struct request *q = *state;

	if (q)
		free(q->body);
	free(q);
	*state = NULL;
}

/* ---- connections ---- */

static enum MHD_Result on_accept(void *cls, const struct sockaddr *addr, socklen_t size)
{
	return portal_ticket(addr) ? MHD_YES : MHD_NO;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **state,
			  enum MHD_ConnectionNotificationCode what)
{
	struct open *o = *state;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		o = calloc(1, sizeof(*o));
		if (!o)
			return;
		o->fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		o->since_ms = portal_now_ms();
		o->next = opened;
		o->at = &opened;
		if (opened)
			opened->at = &o->next;
		opened = o;
		*state = o;
	} else if (o) {
		*o->at = o->next;
		if (o->next)
			o->next->at = o->at;
		free(o);
		*state = NULL;
	}
}

static void on_log(void *cls, const char *format, va_list ap)
{
	/* what guests do wrong is no news */
}

/* NULL: it cannot be had. @other: pages of others. */
static struct MHD_Daemon *start(int fd, void *other)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, on_accept, NULL, on_request, other,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, PORTAL_CONNECTIONS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		PORTAL_PER_PORT, MHD_OPTION_CONNECTION_TIMEOUT, PORTAL_DEADLINE_MS / 1000,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)PORTAL_HEADERS_MAX,
		MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_NOTIFY_CONNECTION,
		on_connection, NULL, MHD_OPTION_END);
}

int portal_http_start(void)
{
	daemons[WEB] = start(PORTAL_FD_WEB, NULL);
	daemons[REDIRECT] = start(PORTAL_FD_REDIRECT, &daemons[REDIRECT]);
	return daemons[WEB] && daemons[REDIRECT] ? 0 : -EIO;
}

unsigned int portal_http_fds(struct pollfd *fds)
{
	for (unsigned int i = 0; i < N_DAEMONS; i++)
		fds[i] = (struct pollfd){
			.fd = MHD_get_daemon_info(daemons[i], MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
			.events = POLLIN};
	return N_DAEMONS;
}

void portal_http_run(uint64_t now_ms)
{
	for (struct open *o = opened; o; o = o->next)
		if (now_ms - o->since_ms > PORTAL_DEADLINE_MS)
			shutdown(o->fd, SHUT_RDWR); /* the library sees the end, and cleans up */
	for (unsigned int i = 0; i < N_DAEMONS; i++)
		MHD_run(daemons[i]);
}
