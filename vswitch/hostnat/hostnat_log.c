/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the kernel as NAT sessions, and the log of those that come and go. */
#include <errno.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "nat/nft/conntrack.h"
#include "vswitch/hostnat/facts.h"
#include "vswitch/hostnat/hostnat_impl.h"
#include "vswitch/nat/log.h"

#define EVENTS_SYSCTL "net/netfilter/nf_conntrack_events"

bool vsw_hostnat_session(const struct vsw_hostnat *h, const struct nat_conf *c,
			 const struct nat_ct *ct, struct vsw_hostnat_session *ret)
{
	bool from = nat_prefix_has(c->prefix, ct->orig.src);
	bool to = nat_prefix_has(c->prefix, ct->reply.src) && ct->status & IPS_DST_NAT;

	if (c->backend != NAT_BACKEND_KERNEL || !(ct->status & (IPS_SRC_NAT | IPS_DST_NAT)) ||
	    !(from || to))
		return false;
	from = from && vsw_hostnat_owns(h, c, ct->mark, true);
	to = to && vsw_hostnat_owns(h, c, ct->mark, false);
	if (!from && !to)
		return false;
	if (to)
		*ret = (struct vsw_hostnat_session){.direction = from ? "hairpin" : "in",
						    .inside = ct->reply.src,
						    .inside_port = ct->reply.sport,
						    .outside = ct->orig.dst,
						    .outside_port = ct->orig.dport,
						    .remote = ct->orig.src,
						    .remote_port = ct->orig.sport};
	else
		*ret = (struct vsw_hostnat_session){.direction = "out",
						    .inside = ct->orig.src,
						    .inside_port = ct->orig.sport,
						    .outside = ct->reply.dst,
						    .outside_port = ct->reply.dport,
						    .remote = ct->orig.dst,
						    .remote_port = ct->orig.dport};
	return true;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_connection(void *ctx, const struct nat_ct *ct, bool made)
{
	struct vsw_hostnat *h = ctx;
	struct vsw_hostnat_session s;

	for (unsigned int i = 0; i < h->n_nets; i++) {
		struct hn_net *n = h->nets[i];

		if (!n->log || !vsw_hostnat_session(h, &n->conf, ct, &s))
			continue;
		vsw_nat_log_put(n->log, n->conf.name,
				&(struct nat_event){.time_ms = now_ms(),
						    .type = made ? NAT_EV_SESSION_CREATE
								 : NAT_EV_SESSION_DELETE,
						    .proto = ct->protocol,
						    .inside = s.inside,
						    .inside_port = s.inside_port,
						    .outside = s.outside,
						    .outside_port = s.outside_port,
						    .remote = s.remote,
						    .remote_port = s.remote_port},
				1);
	}
}

/* The kernel lost some on their way to us: how many, and whose, it does not say. */
static void tell_gap(struct vsw_hostnat *h, unsigned int lost)
{
	h->watch_lost += lost;
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (h->nets[i]->log)
			vsw_nat_log_put(h->nets[i]->log, h->nets[i]->conf.name,
					&(struct nat_event){.time_ms = now_ms(),
							    .type = NAT_EV_GAP,
							    .count = lost},
					1);
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *arg)
{
	struct vsw_hostnat *h = arg;
	unsigned int lost;

	nat_ct_watch_read(h->watch, on_connection, h, &lost);
	if (lost)
		tell_gap(h, lost);
	return 0;
}

static int watch(struct vsw_hostnat *h)
{
	int r;

	if (h->watch)
		return 0;
	r = nat_ct_watch_open(&h->watch);
	if (r < 0)
		return r;
	r = sd_event_add_io(h->env.event, &h->watch_source, nat_ct_watch_fd(h->watch), EPOLLIN,
			    on_news, h);
	/* 0: never; 1: always; 2: while somebody listens */
	if (r >= 0 && nat_sysctl_get(EVENTS_SYSCTL) == 0 && nat_sysctl_set(EVENTS_SYSCTL, 1) < 0)
		vd_log(LOG_WARNING, "nat", NULL,
		       "net.netfilter.nf_conntrack_events is 0 and cannot be changed: no session "
		       "will be logged");
	return r < 0 ? r : 0;
}

/* Connections outlive us: those there are were logged by an earlier run, or not at all. */
struct count {
	const struct vsw_hostnat *h;
	const struct nat_conf *c;
	uint32_t n;
};

static bool count_one(void *ctx, const struct nat_ct *ct)
{
	struct vsw_hostnat_session s;
	struct count *count = ctx;

	count->n += vsw_hostnat_session(count->h, count->c, ct, &s);
	return false;
}

int hn_log_update(struct vsw_hostnat *h, struct hn_net *n)
{
	struct count count = {.h = h, .c = &n->conf};
	int r;

	/* of blocks the kernel knows nothing */
	if (!hn_is_kernel(n) || n->conf.log.what != NAT_LOG_SESSIONS) {
		hn_log_end(h, n);
		return 0;
	}
	/* first listen, then count: nothing falls in between */
	r = watch(h);
	if (r == 0 && !n->log)
		nat_ct_each(count_one, &count);
	return r < 0 ? r : vsw_nat_log_update(&n->log, &n->conf, count.n);
}

void hn_log_end(struct vsw_hostnat *h, struct hn_net *n)
{
	if (n->log && h->watch)
		on_news(h->watch_source, 0, 0, h);
	vsw_nat_log_end(&n->log);
}

void hn_log_settle(struct vsw_hostnat *h)
{
	for (unsigned int i = 0; i < h->n_nets; i++)
		if (h->nets[i]->log)
			return;
	h->watch_source = sd_event_source_disable_unref(h->watch_source);
	nat_ct_watch_close(h->watch);
	h->watch = NULL;
}

json_t *vsw_hostnat_logging(struct vsw_hostnat *h, const struct nat_conf *c)
{
	for (unsigned int i = 0; i < h->n_nets; i++) {
		struct hn_net *n = h->nets[i];
		json_t *j;

		if (strcmp(n->conf.uuid, c->uuid))
			continue;
		j = vsw_nat_log_status(n->log);
		if (json_is_object(j))
			json_object_set_new(j, "lost_kernel",
					    json_integer((json_int_t)h->watch_lost));
		return j;
	}
	return json_null();
}
