/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of confined ports. */
#include "vswitch/policy/quarantine.h"

#include <stdlib.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/head.h"
#include "vswitch/policy/key.h"
#include "vswitch/policy/portal.h"

#define ANSWER_WITHIN_S 30
#define QUESTIONS_MAX   1024 /* of one port, not yet forgotten */

struct vsw_quarantine *vsw_quarantine_make(struct nap_allow *allow)
{
	size_t size = RTE_ALIGN(sizeof(struct vsw_quarantine), RTE_CACHE_LINE_SIZE);
	struct vsw_quarantine *q = aligned_alloc(RTE_CACHE_LINE_SIZE, size);

	if (!q)
		return NULL;
	memset(q, 0, size);
	q->allow = nap_allow_ref(allow);
	return q;
}

void vsw_quarantine_free(struct vsw_quarantine *q)
{
	if (!q)
		return;
	nap_allow_unref(q->allow);
	free(q);
}

void vsw_quarantine_look(struct rte_mbuf *m, struct vsw_look *l)
{
	uint32_t len, body;
	const uint8_t *d = vsw_head_of(m, l->scratch, &len), *ip;
	struct vsw_headers *h = &l->h;

	vsw_headers_parse(d, len, m->pkt_len, h);
	ip = d + h->l3;
	body = h->family == VSW_FAMILY_OTHER ? h->l3 : h->l4;
	l->f = (struct nap_frame){
		.ethertype = h->ethertype,
		.family = h->family == VSW_FAMILY_IPV4   ? 4
			  : h->family == VSW_FAMILY_IPV6 ? 6
							 : 0,
		.proto = h->proto,
		.tcp_flags = h->tcp_flags,
		.icmp_type = h->icmp_type,
		.icmp_code = h->icmp_code,
		.broken = h->flags & VSW_HDR_BROKEN,
		.fragment = h->flags & VSW_HDR_FRAGMENT,
		.group = d[0] & 1,
		.routed = h->flags & VSW_HDR_ROUTED,
		.ports = h->flags & VSW_HDR_PORTS,
		.sport = h->sport,
		.dport = h->dport,
		.size = m->pkt_len - h->l3,
		.smac = d + 6,
		.src = h->src,
		.dst = h->dst,
		.body = body < len ? d + body : NULL,
		.body_len = body < len ? len - body : 0,
	};
	/* a tag within a tag is another protocol's frame */
	l->f.broken |= h->l3 > VSW_ETH_SIZE + VSW_TAG_SIZE;
	if (l->f.broken)
		return;
	if (h->family == VSW_FAMILY_IPV4) {
		l->f.hop_limit = ip[8];
		l->f.ip_len = (uint32_t)(ip[2] << 8 | ip[3]);
	} else if (h->family == VSW_FAMILY_IPV6) {
		l->f.hop_limit = ip[7];
		l->f.ip_len = 40u + (uint32_t)(ip[4] << 8 | ip[5]);
	}
}

static void key_of(const struct vsw_snap_port *p, enum vsw_dir dir, const struct vsw_headers *h,
		   struct vsw_flow_key *k)
{
	bool from = dir == VSW_FROM_VM;

	vsw_key_addrs(k, h->family == VSW_FAMILY_IPV6, from ? h->src : h->dst,
		      from ? h->dst : h->src);
	/* confinement does not look at VLANs: one entry whatever the tag */
	k->w[4] = vsw_key_tail(from ? h->sport : h->dport, from ? h->dport : h->sport, h->proto,
			       p->index, VSW_FID_ANY);
}

static bool asked(struct vsw_worker *w, const struct vsw_snap_port *p, const struct vsw_look *l)
{
	struct vsw_flows *t = &w->dp->flows;
	struct vsw_flow_key k;
	struct vsw_flow *f;

	key_of(p, VSW_TO_VM, &l->h, &k);
	f = vsw_flow_find(t, &k, vsw_flow_hash(t, &k));
	return f && f->epoch == p->gate->epoch;
}

static bool note_question(struct vsw_worker *w, const struct vsw_snap_port *p,
			  const struct vsw_look *l)
{
	struct vsw_flow f = {
		.state = VSW_FLOW_NEW, .timeout_s = ANSWER_WITHIN_S, .epoch = p->gate->epoch};
	struct vsw_flows *t = &w->dp->flows;
	struct vsw_flow *known;
	uint64_t hash;
	int why;

	key_of(p, VSW_FROM_VM, &l->h, &f.key);
	hash = vsw_flow_hash(t, &f.key);
	known = vsw_flow_find(t, &f.key, hash);
	if (known && known->epoch == f.epoch) {
		known->stamp = w->now;
		return true;
	}
	if (known)
		vsw_flow_remove(t, known);
	return vsw_flow_add(t, &f, hash, w->now, QUESTIONS_MAX, &why) != NULL;
}

static bool within_rate(struct vsw_worker *w, struct vsw_quarantine *q, enum nap_class class)
{
	struct vsw_class_count *c = &q->count[w->id];
	uint32_t second = w->now / vsw_flow_stamps_per_s();

	if (!nap_class_rate[class])
		return true;
	if (c->second != second) {
		memset(c, 0, sizeof(*c));
		c->second = second;
	}
	if (c->n[class] >= nap_class_rate[class])
		return false;
	c->n[class]++;
	return true;
}

/* May the frame pass? Sets @why when not: VSW_DROP_N, it is the health service's now. @peek: only look. */
static bool passes(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
		   struct rte_mbuf *m, bool peek, enum vsw_drop *why)
{
	struct vsw_quarantine *q = p->gate->quarantine;
	enum nap_class class;
	struct vsw_look l;

	vsw_quarantine_look(m, &l);
	class = dir == VSW_FROM_VM ? nap_allow_from_vm(q->allow, &l.f)
				   : nap_allow_to_vm(q->allow, &l.f);
	*why = dir == VSW_FROM_VM ? VSW_DROP_QUARANTINE_FROM_VM : VSW_DROP_QUARANTINE_TO_VM;
	if (class == NAP_DENY)
		return false;
	if (nap_class_served(class)) {
		/* what was on its way elsewhere before the port was confined goes nowhere */
		if (peek && !w->trace)
			return false;
		*why = VSW_DROP_N;
		vsw_portal_give(w, p, m, class);
		return false;
	}
	if (class == NAP_ALLOW_ANSWER && !asked(w, p, &l))
		return false;
	if (peek)
		return true;
	*why = VSW_DROP_QUARANTINE_RATE;
	if (!within_rate(w, q, class))
		return false;
	if (class == NAP_ALLOW_DHCP && dir == VSW_FROM_VM && p->flags & VSW_SNAP_STATEMENTS)
		vsw_portal_hear(w, p, m);
	return class != NAP_ALLOW_QUESTION || note_question(w, p, &l);
}

/* Two sets may have different peers, and a frame that is a server's answer to one of them, or ARP, another confined
 * machine may have made: nothing passes between two, whatever it is. */
static bool from_confined(const struct vsw_worker *w, const struct rte_mbuf *m)
{
	const struct vsw_snap_port *src = m->port < VSW_PORTS_MAX ? w->snap->ports[m->port] : NULL;

	return src && src->gate && src->gate->quarantine;
}

static void say(struct vsw_worker *w, const struct vsw_snap_port *p, bool pass)
{
	const struct nap_allow *a = p->gate->quarantine->allow;

	vsw_trace_step(w, p, pass ? VSW_TRACE_PASS : VSW_TRACE_NOTE, "quarantine",
		       "the port is confined%s%s: %s", a->check[0] ? " by check " : "", a->check,
		       pass ? "this is allowed nevertheless" : "this is not allowed");
}

void vsw_quarantine_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++) {
		enum vsw_drop why;
		bool pass = passes(w, p, VSW_FROM_VM, v->m[i], w->trace, &why);

		if (unlikely(w->trace) && (pass || why != VSW_DROP_N))
			say(w, p, pass);
		if (pass)
			vsw_vec_keep(v, k++, i);
		else if (why != VSW_DROP_N)
			vsw_pipeline_drop(w, p, v->m[i], why);
	}
	v->n = k;
}

uint16_t vsw_quarantine_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p,
			      struct rte_mbuf **m, uint16_t n)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < n; i++) {
		enum vsw_drop why = VSW_DROP_QUARANTINE_TO_VM;
		bool pass =
			!from_confined(w, m[i]) && passes(w, p, VSW_TO_VM, m[i], w->trace, &why);

		if (unlikely(w->trace))
			say(w, p, pass);
		if (pass)
			m[k++] = m[i];
		else
			vsw_pipeline_drop(w, p, m[i], why);
	}
	return k;
}

bool vsw_quarantine_still(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
			  struct rte_mbuf *m, enum vsw_drop *why)
{
	if (dir == VSW_TO_VM && from_confined(w, m)) {
		*why = VSW_DROP_QUARANTINE_TO_VM;
		return false;
	}
	return passes(w, p, dir, m, true, why);
}
