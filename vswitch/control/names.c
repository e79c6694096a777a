/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of remediation servers: see names.h. */
#include "vswitch/control/names.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/log.h"
#include "vswitch/control/quarantine.h"
#include "vswitch/model/quarantine.h"

#define NAMES_MAX       256
#define NAMES_TTL_MIN_S 30
#define NAMES_TTL_MAX_S 3600
#define AGAIN_MS        5000u /* after a failure */
#define TURN_MS         250u  /* while questions are under way */
#define SOCKETS_MAX     16
#define TELL_TTL_S      30 /* what guests may remember */
#define HOLD_S          60 /* what they remember longer than that */

struct address {
	uint8_t family, addr[16];
	bool open; /* guests can reach it: only now they are told */
	uint64_t until_ms;
};

struct name {
	struct vsw_names *all;
	char text[NAP_DNS_NAME_SIZE];
	struct address a[NAP_ADDRS_MAX];
	unsigned int n;
	bool asked;    /* a question is under way */
	bool answered; /* somebody has said something */
	uint64_t next_ms;
};

struct watched {
	ares_socket_t fd;
	sd_event_source *source;
};

struct vsw_names {
	struct vsw_daemon *d;
	struct vsw_quarantine *policy; /* a reference: another one is another policy */
	ares_channel channel;
	bool open, changed, ends;
	struct name *names;
	unsigned int n;
	struct watched sockets[SOCKETS_MAX];
	sd_event_source *timer;
};

/* ---- c-ares and the event loop ---- */

static int on_socket(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_names *n = arg;

	ares_process_fd(n->channel, events & (EPOLLIN | EPOLLHUP | EPOLLERR) ? fd : ARES_SOCKET_BAD,
			events & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	vsw_daemon_kick(n->d);
	return 0;
}

static void on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct vsw_names *n = arg;
	struct watched *w = NULL;
	uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);

	for (unsigned int i = 0; i < SOCKETS_MAX; i++) {
		if (n->sockets[i].source && n->sockets[i].fd == fd) {
			w = &n->sockets[i];
			break;
		}
		if (!w && !n->sockets[i].source)
			w = &n->sockets[i];
	}
	/* without room the answer is lost, and asked for again */
	if (!w)
		return;
	w->source = sd_event_source_disable_unref(w->source);
	w->fd = fd;
	if (events && sd_event_add_io(n->d->event, &w->source, fd, events, on_socket, n) < 0)
		w->source = NULL;
}

static int open_channel(struct vsw_names *n, const struct nap_policy *p)
{
	struct ares_options o = {.flags = ARES_FLAG_NOSEARCH,
				 .timeout = 1500,
				 .tries = 3,
				 .sock_state_cb = on_state,
				 .sock_state_cb_data = n};
	int r = ares_library_init(ARES_LIB_INIT_ALL);

	if (r == ARES_SUCCESS)
		r = ares_init_options(&n->channel, &o,
				      ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					      ARES_OPT_SOCK_STATE_CB);
	n->open = r == ARES_SUCCESS;
	if (n->open && p->resolvers[0])
		r = ares_set_servers_ports_csv(n->channel, p->resolvers);
	if (r == ARES_SUCCESS)
		return 0;
	vd_log(LOG_ERR, "quarantine", NULL, "names of servers cannot be asked for: %s",
	       ares_strerror(r));
	return -1;
}

/* ---- names ---- */

static bool expire(struct name *m, uint64_t now)
{
	unsigned int k = 0, before = m->n;

	for (unsigned int i = 0; i < m->n; i++)
		if (m->a[i].until_ms > now)
			m->a[k++] = m->a[i];
	m->n = k;
	return k != before;
}

static void add(struct name *m, const struct ares_addrinfo_node *node, uint64_t until_ms)
{
	struct address a = {.family = node->ai_family == AF_INET ? 4 : 6, .until_ms = until_ms};

	if (node->ai_family == AF_INET)
		memcpy(a.addr, &((struct sockaddr_in *)node->ai_addr)->sin_addr, 4);
	else
		memcpy(a.addr, &((struct sockaddr_in6 *)node->ai_addr)->sin6_addr, 16);
	for (unsigned int i = 0; i < m->n; i++)
		if (m->a[i].family == a.family && !memcmp(m->a[i].addr, a.addr, 16)) {
			m->a[i].until_ms = until_ms;
			return;
		}
	if (m->n == NAP_ADDRS_MAX)
		return;
	m->a[m->n++] = a;
	m->all->changed = true;
	sd_event_source_set_time_relative(m->all->timer, 0);
}

static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name *m = arg;
	uint64_t now = vsw_now_ms();
	int ttl = NAMES_TTL_MAX_S;

	if (m->all->ends) {
		ares_freeaddrinfo(info);
		return;
	}
	m->asked = false;
	m->next_ms = now + AGAIN_MS;
	if (status != ARES_SUCCESS || !info) {
		/* who says that there is no such name has answered, too */
		m->answered |= status == ARES_ENOTFOUND || status == ARES_ENODATA;
		return;
	}
	for (struct ares_addrinfo_node *a = info->nodes; a; a = a->ai_next)
		if (a->ai_ttl < ttl)
			ttl = a->ai_ttl;
	if (ttl < NAMES_TTL_MIN_S)
		ttl = NAMES_TTL_MIN_S;
	/* asked again before it is over; guests are told less than what is left */
	for (struct ares_addrinfo_node *a = info->nodes; a; a = a->ai_next)
		if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
			add(m, a, now + (uint64_t)(ttl + HOLD_S) * 1000);
	m->next_ms = now + (uint64_t)ttl * 750;
	m->answered = true;
	ares_freeaddrinfo(info);
}

static void ask(struct name *m)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT};

	m->asked = true;
	ares_getaddrinfo(m->all->channel, m->text, NULL, &hints, on_answer, m);
}

/* Let confined ports reach what was found, and no longer what is over. */
static void renew(struct vsw_names *n)
{
	struct vd_err err = {0};

	n->changed = false;
	if (vsw_nap_renew(n->d->nap, &err)) {
		vd_log(LOG_ERR, "quarantine", NULL, "addresses of servers: %s", err.message);
		n->changed = true; /* again at the next turn */
		return;
	}
	for (unsigned int i = 0; i < n->n; i++)
		for (unsigned int k = 0; k < n->names[i].n; k++)
			n->names[i].a[k].open = true;
}

static int on_turn(sd_event_source *source, uint64_t usec, void *arg)
{
	struct vsw_names *n = arg;
	uint64_t now = vsw_now_ms(), next = now + AGAIN_MS;

	ares_process_fd(n->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* what timed out */
	for (unsigned int i = 0; i < n->n; i++) {
		struct name *m = &n->names[i];

		n->changed |= expire(m, now);
		if (!m->asked && now >= m->next_ms)
			ask(m);
		if (m->asked)
			next = now + TURN_MS;
	}
	if (n->changed)
		renew(n);
	sd_event_source_set_time_relative(source, (next - now) * 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- which names ---- */

static void add_name(struct vsw_names *n, const char *text)
{
	for (unsigned int i = 0; i < n->n; i++)
		if (!strcasecmp(n->names[i].text, text))
			return;
	if (n->n == NAMES_MAX) {
		vd_log(LOG_WARNING, "quarantine", text, "more than %u names: not asked for",
		       NAMES_MAX);
		return;
	}
	n->names[n->n].all = n;
	snprintf(n->names[n->n++].text, sizeof(n->names[0].text), "%s", text);
}

static struct vsw_names *make(struct vsw_daemon *d, struct vsw_quarantine *q)
{
	const struct nap_policy *p = q->policy;
	struct vsw_names *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->d = d;
	n->policy = vsw_quarantine_ref(q);
	n->names = calloc(NAMES_MAX, sizeof(*n->names));
	for (unsigned int g = 0; n->names && g < p->n_groups; g++)
		for (unsigned int i = 0; i < p->groups[g].n_targets; i++)
			if (!p->groups[g].targets[i].to.family)
				add_name(n, p->groups[g].targets[i].name);
	if (n->n && open_channel(n, p) == 0)
		sd_event_add_time_relative(d->event, &n->timer, CLOCK_MONOTONIC, 0, 0, on_turn, n);
	return n;
}

/* What is known of names that stay does not have to be found again. */
static void inherit(struct vsw_names *n, const struct vsw_names *old)
{
	for (unsigned int i = 0; i < n->n; i++)
		for (unsigned int k = 0; old && k < old->n; k++)
			if (!strcasecmp(n->names[i].text, old->names[k].text)) {
				memcpy(n->names[i].a, old->names[k].a, sizeof(n->names[i].a));
				n->names[i].n = old->names[k].n;
				n->names[i].answered = old->names[k].answered;
			}
}

void vsw_names_sync(struct vsw_daemon *d)
{
	struct vsw_quarantine *q = d->engine->model.quarantine;
	struct vsw_names *old = d->names;

	if (old ? old->policy == q : !q)
		return;
	d->names = q ? make(d, q) : NULL;
	if (d->names)
		inherit(d->names, old);
	d->nap->names = d->names;
	vsw_names_destroy(old);
}

void vsw_names_destroy(struct vsw_names *n)
{
	if (!n)
		return;
	n->ends = true;
	if (n->open) {
		ares_destroy(n->channel);
		ares_library_cleanup();
	}
	for (unsigned int i = 0; i < SOCKETS_MAX; i++)
		sd_event_source_disable_unref(n->sockets[i].source);
	sd_event_source_disable_unref(n->timer);
	vsw_quarantine_unref(n->policy);
	free(n->names);
	free(n);
}

static const struct name *find(const struct vsw_names *n, const char *name)
{
	for (unsigned int i = 0; n && i < n->n; i++)
		if (!strcasecmp(n->names[i].text, name))
			return &n->names[i];
	return NULL;
}

bool vsw_names_get(const struct vsw_names *n, const char *name, struct nap_addrs *ret)
{
	const struct name *m = find(n, name);

	memset(ret, 0, sizeof(*ret));
	ret->ttl_s = TELL_TTL_S;
	for (unsigned int i = 0; m && i < m->n; i++) {
		if (!m->a[i].open)
			continue;
		ret->a[ret->n].family = m->a[i].family;
		memcpy(ret->a[ret->n++].addr, m->a[i].addr, 16);
	}
	return m && m->answered && (ret->n || !m->n);
}

unsigned int vsw_names_resolve(void *ctx, const char *name, struct vd_prefix *ret, unsigned int max)
{
	const struct name *m = find(ctx, name);
	unsigned int n = 0;

	for (; m && n < m->n && n < max; n++) {
		ret[n] = (struct vd_prefix){.family = m->a[n].family,
					    .len = m->a[n].family == 4 ? 32 : 128};
		memcpy(ret[n].addr, m->a[n].addr, 16);
	}
	return n;
}
