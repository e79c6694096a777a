/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asking the policy server: see radius.h. */
#include "vswitch/control/radius.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/prefix.h"
#include "vswitch/control/daemon.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/model/quarantine.h"

#define IDS         256u /* questions under way at a time */
#define TRIES       3u
#define RETRY_MS    2000u /* after a question that nobody answered */
#define ASK_MIN_MS  1000u
#define PACKETS_MAX 64 /* read in one go */
#define CHALLENGE   11

struct question {
	bool used;
	unsigned int tries;
	uint64_t at_ms; /* of the next try, or of giving up */
	uint8_t auth[NAP_RADIUS_AUTH_SIZE];
	char uuid[VSW_UUID_SIZE];
	uint8_t *packet;
	size_t size;
};

struct vsw_radius {
	struct vsw_daemon *d;
	struct nap_radius conf; /* what it was opened for */
	struct nap_radius_secret secret;
	char nas[NAP_RADIUS_TEXT_SIZE];
	int fd; /* connected; -1: cannot be asked, which counts as no answer */
	sd_event_source *source;
	struct question q[IDS];
	unsigned int n_open;
	uint8_t next_id;
	bool down; /* said so */
};

/* ---- whom to ask about ---- */

static bool takes_radius(const struct nap_check *c)
{
	for (unsigned int i = 0; i < c->n_sources; i++)
		if (c->sources[i] == NAP_RADIUS)
			return true;
	return false;
}

static const struct nap_rule *rule_of(const struct nap_policy *policy, const struct vsw_nap_port *p)
{
	if (!p->present || p->state.rule < 0 || (unsigned int)p->state.rule >= policy->n_rules)
		return NULL;
	return &policy->rules[p->state.rule];
}

static bool concerns(const struct nap_policy *policy, const struct vsw_nap_port *p)
{
	const struct nap_rule *rule = rule_of(policy, p);

	for (unsigned int i = 0; rule && !rule->exempt && i < policy->n_checks; i++)
		if (rule->checks >> i & 1 && takes_radius(&policy->checks[i]))
			return true;
	return false;
}

/* ---- what follows ---- */

static void forget(struct vsw_radius *r, struct question *q)
{
	free(q->packet);
	memset(q, 0, sizeof(*q));
	r->n_open--;
}

static void conclude(struct vsw_radius *r, struct vsw_nap_port *p, const struct nap_report *report)
{
	char actor[NAP_NAME_SIZE];
	struct vd_err err = {0};

	snprintf(actor, sizeof(actor), "radius:%.50s", r->conf.server);
	if (nap_state_report(&p->state, report) < 0 ||
	    vsw_nap_act(r->d->nap, p, VSW_NAP_RADIUS, actor, &err))
		vd_log(LOG_ERR, "radius", r->conf.server, "the answer is not in force: %s",
		       err.message);
	vsw_daemon_kick(r->d);
}

/* When to ask about @p again: a statement that came while a question was under way waits no longer. */
static uint64_t ask_again_ms(const struct vsw_nap_port *p, uint64_t now_ms, uint64_t wait_ms)
{
	return p->soh && !p->soh_told ? now_ms : now_ms + wait_ms;
}

/* Nobody answered, or the question could not be sent. */
static void no_answer(struct vsw_radius *r, struct vsw_nap_port *p, uint64_t now_ms)
{
	static struct nap_report report; /* large; one thread */
	struct nap_fact *f;

	if (!r->down)
		vd_log(LOG_WARNING, "radius", r->conf.server, "does not answer: %s",
		       r->conf.when_down_last ? "ports keep their last verdict until it expires"
					      : "ports are restricted");
	r->down = true;
	p->asking = false;
	p->ask_at_ms = ask_again_ms(p, now_ms, RETRY_MS);
	if (r->conf.when_down_last)
		return;
	memset(&report, 0, sizeof(report));
	report.source = NAP_RADIUS;
	f = nap_report_add(&report, "radius", vsw_nap_now());
	f->failure = NAP_SERVER_COMMUNICATION;
	conclude(r, p, &report);
}

/* How much longer the port's statement of health counts. 0: there is none that does. */
static uint64_t statement_ms(const struct nap_policy *policy, const struct vsw_nap_port *p,
			     uint64_t now_ms)
{
	const struct nap_rule *rule = rule_of(policy, p);
	uint64_t validity_ms = rule ? rule->validity_ms : NAP_VALIDITY_MS;

	return p->soh && now_ms < p->soh_ms + validity_ms ? p->soh_ms + validity_ms - now_ms : 0;
}

/* An answer is good for no longer than what it is about. */
static uint64_t good_for_ms(const struct nap_policy *policy, const struct vsw_nap_port *p,
			    const struct nap_radius_answer *a, uint64_t now_ms)
{
	const struct nap_rule *rule = rule_of(policy, p);
	uint64_t ms = rule ? rule->validity_ms : NAP_VALIDITY_MS;
	uint64_t statement = p->soh_told ? statement_ms(policy, p, now_ms) : 0;

	if (a->timeout_s && (uint64_t)a->timeout_s * 1000 < ms)
		ms = (uint64_t)a->timeout_s * 1000;
	return statement && statement < ms ? statement : ms;
}

static void obey(struct vsw_radius *r, struct vsw_nap_port *p, struct nap_radius_answer *a)
{
	const struct nap_policy *policy = vsw_nap_policy(r->d->nap);
	static struct nap_report report;
	struct nap_time now = vsw_nap_now();
	struct vsw_nap_terms terms;
	uint64_t good_ms;

	if (vsw_nap_terms_of_answer(policy, a, &terms) < 0)
		return; /* no memory: as if nobody had answered; asked again */
	vsw_nap_terms_done(&p->terms);
	p->terms = terms;
	good_ms = good_for_ms(policy, p, a, now.mono_ms);
	p->asking = false;
	p->ask_at_ms =
		ask_again_ms(p, now.mono_ms, good_ms / 2 > ASK_MIN_MS ? good_ms / 2 : ASK_MIN_MS);
	nap_radius_facts(a, now, &report);
	if (report.facts[0].until_ms > now.mono_ms + good_ms || !report.facts[0].until_ms)
		report.facts[0].until_ms = now.mono_ms + good_ms;
	p->terms.until_ms = report.facts[0].until_ms;
	if (a->problem)
		vd_log(LOG_WARNING, "radius", p->name, "the answer restricts: it has %s",
		       a->problem);
	conclude(r, p, &report);
}

/* ---- packets ---- */

static void on_answer(struct vsw_radius *r, const uint8_t *packet, size_t size)
{
	static struct nap_radius_answer a; /* large; one thread */
	struct question *q = size > 1 ? &r->q[packet[1]] : NULL;
	struct vsw_nap_port *p;

	if (!q || !q->used || !nap_radius_genuine(packet, size, packet[1], q->auth, &r->secret))
		return;
	if (packet[0] != NAP_ACCESS_ACCEPT && packet[0] != NAP_ACCESS_REJECT &&
	    packet[0] != CHALLENGE)
		return;
	if (r->down)
		vd_log(LOG_NOTICE, "radius", r->conf.server, "answers again");
	r->down = false;
	p = vsw_nap_ports_find(r->d->nap, q->uuid);
	forget(r, q);
	if (!p || !p->present)
		return;
	if (nap_radius_parse(packet + NAP_RADIUS_HEADER, size - NAP_RADIUS_HEADER, &a) < 0)
		a.problem = "attributes that contradict their lengths";
	if (packet[0] != NAP_ACCESS_ACCEPT)
		a.problem = packet[0] == CHALLENGE ? "a challenge, which nobody can answer"
						   : "a rejection";
	obey(r, p, &a);
}

static int on_packet(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	uint8_t packet[NAP_RADIUS_SIZE_MAX];
	struct vsw_radius *r = arg;

	for (unsigned int i = 0; i < PACKETS_MAX; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

		if (n >= 0)
			on_answer(r, packet, (size_t)n);
		else if (errno != ECONNREFUSED) /* what the last question met */
			break;
	}
	return 0;
}

static void send_it(struct vsw_radius *r, struct question *q, uint64_t now_ms)
{
	q->tries++;
	q->at_ms = now_ms + r->conf.timeout_ms;
	if (r->fd >= 0 && send(r->fd, q->packet, q->size, MSG_DONTWAIT) < 0)
		vd_log(LOG_DEBUG, "radius", r->conf.server, "cannot be asked: %m");
}

static struct question *free_question(struct vsw_radius *r, uint8_t *id)
{
	for (unsigned int i = 0; i < IDS; i++) {
		*id = r->next_id++;
		if (!r->q[*id].used)
			return &r->q[*id];
	}
	return NULL;
}

static void mac_text(const struct vsw_nap_port *p, char *ret, size_t size)
{
	const uint8_t *m = p->mac.addr;

	ret[0] = '\0';
	if (p->has_mac)
		snprintf(ret, size, "%02X-%02X-%02X-%02X-%02X-%02X", m[0], m[1], m[2], m[3], m[4],
			 m[5]);
}

/* The port's statement as this server wants it. Returns its size; 0: none, or too old to count. */
static size_t statement(const struct vsw_radius *r, struct vsw_nap_port *p, uint64_t now_ms,
			uint8_t *buf, size_t size)
{
	p->soh_told = true;
	if (!statement_ms(vsw_nap_policy(r->d->nap), p, now_ms))
		return 0;
	return nap_soh_rewrap(p->soh, p->soh_size, p->soh_wrapped, r->conf.soh_wrapped, buf, size);
}

static void ask(struct vsw_radius *r, struct vsw_nap_port *p, uint64_t now_ms)
{
	uint8_t id, soh[NAP_SOH_SIZE_MAX + NAP_SOH_WRAPPER_SIZE], packet[NAP_RADIUS_SIZE_MAX];
	struct question *q = free_question(r, &id);
	char mac[24];
	struct nap_radius_question about = {
		.user = p->name, .nas = r->nas, .port = p->name, .mac = mac, .session = p->uuid};

	if (!q)
		return; /* 256 are under way: when one of them is over */
	mac_text(p, mac, sizeof(mac));
	about.soh_size = statement(r, p, now_ms, soh, sizeof(soh));
	about.soh = about.soh_size ? soh : NULL;
	if (getrandom(q->auth, sizeof(q->auth), 0) != sizeof(q->auth))
		return;
	q->size = nap_radius_ask(&about, id, q->auth, &r->secret, packet, sizeof(packet));
	q->packet = q->size ? malloc(q->size) : NULL;
	if (!q->packet) {
		no_answer(r, p, now_ms);
		return;
	}
	memcpy(q->packet, packet, q->size);
	memcpy(q->uuid, p->uuid, sizeof(q->uuid));
	q->used = true;
	q->tries = 0;
	r->n_open++;
	p->asking = true;
	send_it(r, q, now_ms);
}

/* ---- time ---- */

static void try_again(struct vsw_radius *r, struct question *q, uint64_t now_ms)
{
	struct vsw_nap_port *p;

	if (q->tries < TRIES && r->fd >= 0) {
		send_it(r, q, now_ms);
		return;
	}
	p = vsw_nap_ports_find(r->d->nap, q->uuid);
	forget(r, q);
	if (p && p->present)
		no_answer(r, p, now_ms);
}

static uint64_t look(struct vsw_radius *r, uint64_t now_ms)
{
	const struct nap_policy *policy = vsw_nap_policy(r->d->nap);
	struct vsw_nap *n = r->d->nap;
	uint64_t next = NAP_NEVER;

	for (unsigned int i = 0; i < IDS && r->n_open; i++)
		if (r->q[i].used && now_ms >= r->q[i].at_ms)
			try_again(r, &r->q[i], now_ms);
	for (unsigned int i = 0; i < n->n_ports; i++) {
		struct vsw_nap_port *p = &n->ports[i];

		if (p->asking || !concerns(policy, p))
			continue;
		if (now_ms >= p->ask_at_ms)
			ask(r, p, now_ms);
		if (!p->asking && p->ask_at_ms > now_ms && p->ask_at_ms < next)
			next = p->ask_at_ms;
	}
	for (unsigned int i = 0; i < IDS && r->n_open; i++)
		if (r->q[i].used && r->q[i].at_ms < next)
			next = r->q[i].at_ms;
	return next;
}

/* ---- life ---- */

bool vsw_radius_read_secret(const char *path, struct nap_radius_secret *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret->text, sizeof(ret->text) - 1);

	ret->size = 0;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	ret->text[n] = '\0';
	ret->size = strcspn(ret->text, "\r\n");
	return ret->size > 0;
}

static int open_socket(const struct nap_radius *conf)
{
	struct vd_prefix server;
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(conf->port)};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(conf->port)};
	bool four;
	int fd;

	if (vd_prefix_parse(conf->server, &server) < 0)
		return -1;
	four = server.family == 4;
	memcpy(&v4.sin_addr, server.addr, 4);
	memcpy(&v6.sin6_addr, server.addr, 16);
	fd = socket(four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, four ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			       four ? sizeof(v4) : sizeof(v6)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

void vsw_radius_destroy(struct vsw_radius *r)
{
	if (!r)
		return;
	sd_event_source_disable_unref(r->source);
	if (r->fd >= 0)
		close(r->fd);
	for (unsigned int i = 0; i < IDS; i++)
		free(r->q[i].packet);
	explicit_bzero(&r->secret, sizeof(r->secret));
	free(r);
}

static struct vsw_radius *create(struct vsw_daemon *d, const struct nap_radius *conf)
{
	struct vsw_radius *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->d = d;
	r->conf = *conf;
	r->fd = -1;
	gethostname(r->nas, sizeof(r->nas) - 1);
	if (vsw_radius_read_secret(conf->secret_file, &r->secret))
		r->fd = open_socket(conf);
	if (r->fd < 0 || sd_event_add_io(d->event, &r->source, r->fd, EPOLLIN, on_packet, r) < 0)
		vd_log(LOG_ERR, "radius", conf->server,
		       "cannot be asked: the server must be an address, and %s hold the secret",
		       conf->secret_file);
	return r;
}

uint64_t vsw_radius_tick(struct vsw_daemon *d, uint64_t now_ms)
{
	const struct nap_policy *policy = d->nap ? vsw_nap_policy(d->nap) : NULL;
	bool wanted = policy && policy->radius.server[0];

	if (!wanted || !d->radius ||
	    memcmp(&d->radius->conf, &policy->radius, sizeof(policy->radius))) {
		vsw_radius_destroy(d->radius);
		d->radius = wanted ? create(d, &policy->radius) : NULL;
		for (unsigned int i = 0; d->nap && i < d->nap->n_ports; i++) {
			d->nap->ports[i].asking = false;
			d->nap->ports[i].ask_at_ms = 0;
		}
	}
	return d->radius ? look(d->radius, now_ms) : NAP_NEVER;
}
