/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change of authorization: see coa.h. */
#include "vswitch/control/coa.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/prefix.h"
#include "nap-policy/radius_packet.h"
#include "vswitch/control/daemon.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/control/radius.h"
#include "vswitch/model/quarantine.h"

#define PACKET_MAX       4096
#define SKEW_S           300
#define SEEN             64
#define ATTR_ERROR_CAUSE 101
#define ERROR_PROHIBITED 501
#define ERROR_RESOURCES  506

struct vsw_coa {
	struct vsw_daemon *d;
	int fd;
	sd_event_source *source;
	struct nap_radius conf; /* what it was opened for */
	struct vd_prefix server;
	struct nap_radius_secret secret;
	uint8_t seen[SEEN][NAP_RADIUS_AUTH_SIZE];
	unsigned int n_seen;
	int64_t since_s; /* what was sent until then may have been seen before */
};

/* ---- whose it is ---- */

static bool repeated(struct vsw_coa *c, const uint8_t *auth)
{
	for (unsigned int i = 0; i < c->n_seen && i < SEEN; i++)
		if (!memcmp(c->seen[i], auth, NAP_RADIUS_AUTH_SIZE))
			return true;
	memcpy(c->seen[c->n_seen++ % SEEN], auth, NAP_RADIUS_AUTH_SIZE);
	return false;
}

/* Is it a whole request of somebody who knows the secret? */
static bool genuine(struct vsw_coa *c, const uint8_t *p, size_t size)
{
	static const uint8_t zeros[NAP_RADIUS_AUTH_SIZE];
	uint8_t want[NAP_RADIUS_AUTH_SIZE];

	if (size < NAP_RADIUS_HEADER || size != (size_t)(p[2] << 8 | p[3]))
		return false;
	nap_radius_digest(p, size, zeros, &c->secret, want);
	/* a Message-Authenticator that is there must be right */
	return nap_radius_same(want, p + NAP_RADIUS_AUTH_AT) &&
	       nap_radius_message(p, size, zeros, &c->secret) >= 0 &&
	       !repeated(c, p + NAP_RADIUS_AUTH_AT);
}

/* Is it of a time at which nobody can have recorded it? What opens a port has to say its own; what was obeyed before
 * the last start is forgotten, so nothing of then opens one. */
static bool timely(const struct vsw_coa *c, uint8_t code, struct nap_coa *q)
{
	bool opens = code == NAP_COA && q->state == NAP_RADIUS_FULL;
	int64_t skew = q->timestamp_s ? q->timestamp_s - vsw_nap_now().wall_s : 0;

	if (opens && !q->timestamp_s && !q->error)
		q->error = NAP_COA_MISSING;
	return skew <= SKEW_S && skew >= -SKEW_S &&
	       !(opens && q->timestamp_s && q->timestamp_s <= c->since_s);
}

/* ---- whom it concerns, what to do ---- */

static bool concerns(const struct nap_coa *q, const struct vsw_nap_port *p)
{
	struct vd_mac mac;

	if (!p->present)
		return false;
	if (q->port[0] && strcmp(q->port, p->name))
		return false;
	if (q->session[0] && strcmp(q->session, p->uuid))
		return false;
	if (!q->mac[0])
		return true;
	return vd_mac_parse(q->mac, &mac) == 0 && p->has_mac && !memcmp(&mac, &p->mac, sizeof(mac));
}

/* All ids that are given must be one port's. */
static struct vsw_nap_port *find(struct vsw_nap *n, const struct nap_coa *q, int *error)
{
	struct vsw_nap_port *found = NULL;

	for (unsigned int i = 0; i < n->n_ports; i++) {
		if (!concerns(q, &n->ports[i]))
			continue;
		if (found) {
			*error = NAP_COA_MULTIPLE;
			return NULL;
		}
		found = &n->ports[i];
	}
	if (!found)
		*error = NAP_COA_NO_SESSION;
	return found;
}

/* Returns 0 or an Error-Cause. */
static int obey(struct vsw_coa *c, uint8_t code, const struct nap_coa *q)
{
	struct vsw_nap *n = c->d->nap;
	char host[NAP_RADIUS_TEXT_SIZE] = "", actor[NAP_NAME_SIZE];
	struct vsw_nap_terms terms;
	struct vsw_nap_port *p;
	struct vd_err err = {0};
	int error = q->error;

	if (error)
		return error;
	gethostname(host, sizeof(host) - 1);
	if (q->nas[0] && strcmp(q->nas, host))
		return NAP_COA_NAS;
	p = find(n, q, &error);
	if (!p)
		return error;
	error = vsw_nap_terms_of_coa(vsw_nap_policy(n), q, &terms);
	if (error)
		return error == -EINVAL ? NAP_COA_VALUE : ERROR_RESOURCES;
	snprintf(actor, sizeof(actor), "radius:%.50s", c->conf.server);
	if (p->state.override != NAP_NO_OVERRIDE && strncmp(p->state.actor, "radius:", 7)) {
		vsw_nap_terms_done(&terms);
		return ERROR_PROHIBITED;
	}
	vsw_nap_terms_done(&p->terms);
	p->terms = terms;
	if (code == NAP_DISCONNECT)
		nap_state_isolate(&p->state, false, "disconnected by the policy server", actor);
	else if (q->state != NAP_RADIUS_FULL)
		nap_state_confine(&p->state, "restricted by the policy server", actor);
	else
		nap_state_release(&p->state, 0, "released by the policy server", actor,
				  vsw_nap_now());
	return vsw_nap_act(n, p, VSW_NAP_RADIUS, actor, &err) ? ERROR_RESOURCES : 0;
}

static void answer(const struct vsw_coa *c, const struct sockaddr *to, socklen_t to_size,
		   const uint8_t *request, int error)
{
	uint8_t p[NAP_RADIUS_HEADER + 6] = {(uint8_t)(request[0] + (error ? 2 : 1)), request[1], 0,
					    NAP_RADIUS_HEADER};
	size_t size = NAP_RADIUS_HEADER;

	if (error) {
		p[size++] = ATTR_ERROR_CAUSE;
		p[size++] = 6;
		p[size++] = 0;
		p[size++] = 0;
		p[size++] = (uint8_t)(error >> 8);
		p[size++] = (uint8_t)error;
		p[3] = (uint8_t)size;
	}
	nap_radius_digest(p, size, request + NAP_RADIUS_AUTH_AT, &c->secret,
			  p + NAP_RADIUS_AUTH_AT);
	if (sendto(c->fd, p, size, MSG_DONTWAIT, to, to_size) < 0)
		vd_log(LOG_DEBUG, "radius", c->conf.server, "cannot answer: %m");
}

static bool is_server(const struct vsw_coa *c, const struct sockaddr_storage *from)
{
	const struct sockaddr_in6 *v6 = (const void *)from;
	const struct sockaddr_in *v4 = (const void *)from;

	if (from->ss_family == AF_INET)
		return c->server.family == 4 && !memcmp(&v4->sin_addr, c->server.addr, 4);
	return from->ss_family == AF_INET6 && c->server.family == 6 &&
	       !memcmp(&v6->sin6_addr, c->server.addr, 16);
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct sockaddr_storage from = {.ss_family = AF_UNSPEC};
	socklen_t from_size = sizeof(from);
	struct vsw_coa *c = arg;
	uint8_t p[PACKET_MAX];
	struct nap_coa q;
	ssize_t n = recvfrom(fd, p, sizeof(p), MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
	int error;

	if (n < 0 || !is_server(c, &from) || !genuine(c, p, (size_t)n) ||
	    nap_coa_parse(p[0], p + NAP_RADIUS_HEADER, (size_t)n - NAP_RADIUS_HEADER, &q) < 0)
		return 0;
	if (!timely(c, p[0], &q))
		return 0;
	error = obey(c, p[0], &q);
	vd_log(LOG_NOTICE, "radius", q.port[0] ? q.port : c->conf.server, "%s: %s %d",
	       p[0] == NAP_DISCONNECT ? "disconnect" : "change of authorization",
	       error ? "refused, error cause" : "done", error);
	answer(c, (struct sockaddr *)&from, from_size, p, error);
	return 0;
}

/* ---- life ---- */

static int bind_socket(const struct vsw_coa *c)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(c->conf.coa_port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(c->conf.coa_port)};
	bool four = c->server.family == 4;
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && bind(fd, four ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			    four ? sizeof(v4) : sizeof(v6)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void vsw_coa_destroy(struct vsw_coa *c)
{
	if (!c)
		return;
	sd_event_source_disable_unref(c->source);
	if (c->fd >= 0)
		close(c->fd);
	explicit_bzero(&c->secret, sizeof(c->secret));
	free(c);
}

void vsw_coa_sync(struct vsw_daemon *d)
{
	const struct nap_policy *policy = d->nap ? vsw_nap_policy(d->nap) : NULL;
	bool wanted = policy && policy->radius.server[0] && policy->radius.coa_port;
	struct vsw_coa *c;

	if (wanted && d->coa && !memcmp(&d->coa->conf, &policy->radius, sizeof(policy->radius)))
		return;
	vsw_coa_destroy(d->coa);
	d->coa = NULL;
	if (!wanted)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	c->d = d;
	c->fd = -1;
	c->conf = policy->radius;
	c->since_s = vsw_nap_now().wall_s;
	d->coa = c; /* also when it cannot listen: not tried again before the policy changes */
	if (vd_prefix_parse(c->conf.server, &c->server) < 0 ||
	    !vsw_radius_read_secret(c->conf.secret_file, &c->secret)) {
		vd_log(LOG_ERR, "radius", c->conf.server,
		       "no change of authorization: the server must be an address, and %s hold the "
		       "secret",
		       c->conf.secret_file);
		return;
	}
	c->fd = bind_socket(c);
	if (c->fd < 0 || sd_event_add_io(d->event, &c->source, c->fd, EPOLLIN, on_packet, c) < 0)
		vd_log(LOG_ERR, "radius", c->conf.server, "cannot listen on UDP port %u: %m",
		       c->conf.coa_port);
}
