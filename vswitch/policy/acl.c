/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decisions of access rules, remembered per flow. */
#include "vswitch/policy/acl.h"

#include <errno.h>
#include <rte_mbuf.h>

#include "base/burst.h"
#include "vswitch/datapath/frame.h"
#include "vswitch/policy/head.h"
#include "vswitch/policy/key.h"

#define TCP_FIN 1
#define TCP_SYN 2
#define TCP_RST 4
#define TCP_ACK 16

/* How a frame is looked up. */
enum kind {
	KIND_FLOW,      /* by its key */
	KIND_FRAGMENTS, /* a later fragment, by its fragments' key */
	KIND_SLOW,      /* cannot be: not IP, an ICMP error, broken */
};

struct look {
	struct vsw_flow_key key;
	uint64_t hash;
	uint8_t kind;
	uint8_t tcp_flags;
	bool first_fragment; /* if it passes, the others may follow */
};

/* ---- what a frame is ---- */

static void headers_of(struct rte_mbuf *m, uint8_t *scratch, struct vsw_headers *h)
{
	uint32_t len;
	const uint8_t *d = vsw_head_of(m, scratch, &len);

	vsw_headers_parse(d, len, m->pkt_len, h);
}

static bool is_icmp_error(const struct vsw_headers *h)
{
	if (h->flags & (VSW_HDR_LATER_FRAGMENT | VSW_HDR_BROKEN))
		return false;
	if (h->family == VSW_FAMILY_IPV4 && h->proto == IPPROTO_ICMP)
		return h->icmp_type == 3 || h->icmp_type == 4 || h->icmp_type == 11 ||
		       h->icmp_type == 12;
	return h->family == VSW_FAMILY_IPV6 && h->proto == IPPROTO_ICMPV6 && h->icmp_type >= 1 &&
	       h->icmp_type <= 4;
}

static void key_of(const struct vsw_acl_pass *a, const struct vsw_headers *h, uint16_t fid,
		   struct vsw_flow_key *k)
{
	bool from = a->dir == VSW_FROM_VM;

	vsw_key_addrs(k, h->family == VSW_FAMILY_IPV6, from ? h->src : h->dst,
		      from ? h->dst : h->src);
	k->w[4] = vsw_key_tail(from ? h->sport : h->dport, from ? h->dport : h->sport, h->proto,
			       a->port, fid);
}

/* All fragments of one packet share addresses and identification; the direction is part of it. */
static void fragments_key(const struct vsw_acl_pass *a, const struct vsw_headers *h, uint16_t fid,
			  struct vsw_flow_key *k)
{
	key_of(a, h, fid, k);
	k->w[4] = vsw_key_tail((uint16_t)(h->fragment_id >> 16), (uint16_t)h->fragment_id,
			       VSW_PROTO_FRAGMENTS, a->port, fid);
	k->w[4] ^= (uint64_t)a->dir << 63 ^ (uint64_t)h->proto << 40;
}

static void look_slow(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid,
		      struct look *l)
{
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_headers h;

	headers_of(m, scratch, &h);
	l->kind = KIND_SLOW;
	l->hash = 0;
	l->tcp_flags = h.tcp_flags;
	l->first_fragment = false;
	if (h.family == VSW_FAMILY_OTHER || h.flags & VSW_HDR_BROKEN || is_icmp_error(&h))
		return;
	l->first_fragment =
		(h.flags & (VSW_HDR_FRAGMENT | VSW_HDR_LATER_FRAGMENT)) == VSW_HDR_FRAGMENT;
	if (h.flags & VSW_HDR_LATER_FRAGMENT) {
		l->kind = KIND_FRAGMENTS;
		fragments_key(a, &h, fid, &l->key);
	} else {
		l->kind = KIND_FLOW;
		key_of(a, &h, fid, &l->key);
	}
	l->hash = vsw_flow_hash(a->flows, &l->key);
}

/* TCP and UDP over IPv4 without options, tags or fragments: nearly everything. */
static __rte_always_inline bool look_fast(const struct vsw_acl_pass *a, const struct rte_mbuf *m,
					  uint16_t fid, struct look *l)
{
	const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);
	const bool from = a->dir == VSW_FROM_VM;
	uint32_t ports;
	uint8_t proto;

	if (unlikely(m->data_len < VSW_ETH_SIZE + 40 || vd_load16(d + 12) != 0x0008 ||
		     d[14] != 0x45 || vd_load16(d + 20) & 0xff3f))
		return false;
	proto = d[23];
	if (unlikely((proto != IPPROTO_TCP && proto != IPPROTO_UDP) ||
		     (uint32_t)rte_be_to_cpu_16(vd_load16(d + 16)) + VSW_ETH_SIZE > m->pkt_len ||
		     rte_be_to_cpu_16(vd_load16(d + 16)) < (proto == IPPROTO_TCP ? 40 : 28)))
		return false;
	memcpy(&ports, d + 34, sizeof(ports));
	ports = rte_be_to_cpu_32(ports);
	if (!from)
		ports = ports << 16 | ports >> 16;
	l->key.w[0] = l->key.w[2] = 0;
	l->key.w[1] = vsw_key_v4(d + (from ? 26 : 30));
	l->key.w[3] = vsw_key_v4(d + (from ? 30 : 26));
	l->key.w[4] = (uint64_t)ports << 32 | (uint64_t)proto << VSW_CLASS_PROTO_SHIFT |
		      (uint64_t)a->port << VSW_FLOW_PORT_SHIFT | fid;
	l->hash = vsw_flow_hash(a->flows, &l->key);
	l->kind = KIND_FLOW;
	l->first_fragment = false;
	l->tcp_flags = proto == IPPROTO_TCP ? d[47] : 0;
	return true;
}

/* ---- the rules ---- */

static void macs_of(const struct vsw_acl_pass *a, const struct rte_mbuf *m, struct vsw_class_key *k)
{
	const uint8_t *d = rte_pktmbuf_mtod(m, const uint8_t *);
	uint64_t dst = vd_load64(d) & VSW_MAC48, src = vd_load64(d + 6) & VSW_MAC48;

	k->w[0] = a->dir == VSW_FROM_VM ? src : dst;
	k->w[2] = a->dir == VSW_FROM_VM ? dst : src;
	k->w[1] = k->w[3] = 0;
}

static uint16_t rule_at(const struct vsw_gate *g, uint32_t rank)
{
	return rank == VSW_CLASS_NONE ? VSW_FLOW_NO_RULE : (uint16_t)g->order[rank];
}

static const struct vsw_acl_rule *rule_of(const struct vsw_gate *g, uint16_t rule)
{
	return rule == VSW_FLOW_NO_RULE ? NULL : &g->policy->acl->rules[rule];
}

static bool denies(const struct vsw_gate *g, uint16_t rule)
{
	const struct vsw_acl_rule *r = rule_of(g, rule);

	return r && r->action == VSW_ACL_DENY;
}

/* Ask the lists of direction @dir. @c has what rules look at; @m adds the MAC addresses (NULL: none known). */
static void ask(const struct vsw_acl_pass *a, enum vsw_dir dir, const struct vsw_class_key *c,
		bool ip, const struct rte_mbuf *m, struct vsw_acl_verdict *v)
{
	const struct vsw_gate *g = a->gate;
	const struct vsw_gate_dir *d = &g->dir[dir];
	struct vsw_class_key mac = *c;
	uint32_t report;

	if (unlikely(d->any_mac) && m)
		macs_of(a, m, &mac);
	for (unsigned int i = 0; i < VSW_LIST_N; i++) {
		uint32_t rank = vsw_classifier_find(ip ? d->ip[i] : d->other[i], c);

		if (unlikely(d->mac[i] != NULL) && m)
			rank = RTE_MIN(rank, vsw_classifier_find(d->mac[i], &mac));
		v->rule[i] = rule_at(g, rank);
	}
	report = vsw_classifier_find(ip ? d->ip_report : d->other_report, c);
	if (unlikely(d->mac_report != NULL) && m)
		report = RTE_MIN(report, vsw_classifier_find(d->mac_report, &mac));
	v->report = rule_at(g, report);
	v->pass = !denies(g, v->rule[VSW_LIST_BASIC]) && !denies(g, v->rule[VSW_LIST_EXTENDED]);
	v->reason = dir == VSW_FROM_VM ? VSW_DROP_ACL_FROM_VM : VSW_DROP_ACL_TO_VM;
	v->how = "the rules";
}

static __rte_always_inline void count(const struct vsw_acl_pass *a, uint16_t rule, uint32_t bytes)
{
	if (rule != VSW_FLOW_NO_RULE && a->hits) {
		a->hits[rule].packets++;
		a->hits[rule].bytes += bytes;
	}
}

/* Meters count what passes; the other rules what they decide. */
static __rte_always_inline void count_all(const struct vsw_acl_pass *a, const uint16_t *rule,
					  uint32_t bytes)
{
	count(a, rule[VSW_LIST_BASIC], bytes);
	count(a, rule[VSW_LIST_EXTENDED], bytes);
	count(a, rule[VSW_LIST_METER], bytes);
}

/* ---- flows ---- */

/* The state that packets of a stateful flow leave behind. */
static __rte_noinline void track(const struct vsw_acl_pass *a, struct vsw_flow *f,
				 uint8_t tcp_flags)
{
	enum vsw_dir origin = f->flags & VSW_FLOW_ORIGIN_TO_VM ? VSW_TO_VM : VSW_FROM_VM;
	const struct vsw_acl_rule *r = rule_of(a->gate, f->rule[origin][VSW_LIST_EXTENDED]);
	uint16_t idle = r ? r->idle_timeout_s : VSW_IDLE_DEFAULT_S;
	uint8_t fins = VSW_FLOW_FIN_FROM_VM | VSW_FLOW_FIN_TO_VM;

	if (f->state == VSW_FLOW_NEW && a->dir != origin) {
		f->state = VSW_FLOW_ESTABLISHED;
		f->timeout_s = idle;
	}
	if (tcp_flags & TCP_FIN) {
		__atomic_fetch_or(&f->flags,
				  a->dir == VSW_FROM_VM ? VSW_FLOW_FIN_FROM_VM : VSW_FLOW_FIN_TO_VM,
				  __ATOMIC_RELAXED);
		f->state = VSW_FLOW_FIN;
		f->timeout_s = RTE_MIN(idle, VSW_TCP_CLOSING_S);
	}
	if (tcp_flags & TCP_RST || (f->flags & fins) == fins) {
		f->state = VSW_FLOW_CLOSED;
		f->timeout_s = RTE_MIN(idle, VSW_TCP_CLOSED_S);
	}
}

static bool stateful(uint8_t state)
{
	return state >= VSW_FLOW_NEW;
}

/* Fill in what the rules say of the direction that has no say in whether a stateful flow exists. */
static void fill_answer(const struct vsw_acl_pass *a, struct vsw_flow *f, enum vsw_dir origin)
{
	enum vsw_dir answer = origin == VSW_FROM_VM ? VSW_TO_VM : VSW_FROM_VM;
	struct vsw_class_key c = vsw_key_class(&f->key);
	struct vsw_acl_verdict v;

	ask(a, answer, &c, true, NULL, &v);
	memcpy(f->rule[answer], v.rule, sizeof(v.rule));
	f->rule[answer][VSW_LIST_EXTENDED] = f->rule[origin][VSW_LIST_EXTENDED];
	if (denies(a->gate, v.rule[VSW_LIST_BASIC]))
		__atomic_fetch_and(&f->flags, ~(VSW_FLOW_PASS << answer), __ATOMIC_RELAXED);
	else
		__atomic_fetch_or(&f->flags, VSW_FLOW_PASS << answer, __ATOMIC_RELAXED);
	__atomic_fetch_or(&f->flags, VSW_FLOW_VALID << answer, __ATOMIC_RELAXED);
}

static void fill_origin(const struct vsw_acl_pass *a, struct vsw_flow *f, enum vsw_dir dir,
			const struct vsw_acl_verdict *v)
{
	memcpy(f->rule[dir], v->rule, sizeof(v->rule));
	f->epoch = a->gate->epoch;
	/* the other direction's worker may be setting its bits */
	__atomic_fetch_or(&f->flags, (VSW_FLOW_VALID | (v->pass ? VSW_FLOW_PASS : 0)) << dir,
			  __ATOMIC_RELEASE);
}

/* May a packet with @tcp_flags begin a stateful flow? Anything but what ends one. */
static bool begins(const struct vsw_flow_key *k, uint8_t tcp_flags)
{
	return vsw_key_proto(k) != IPPROTO_TCP || !(tcp_flags & TCP_RST);
}

/* A flow that a stateful rule allows. Sets @v to a refusal when there is no room. */
static void add_stateful(const struct vsw_acl_pass *a, const struct look *l,
			 struct vsw_acl_verdict *v)
{
	const struct vsw_acl_rule *r = rule_of(a->gate, v->rule[VSW_LIST_EXTENDED]);
	struct vsw_flow f = {.key = l->key, .state = VSW_FLOW_NEW};
	int why;

	f.timeout_s = r->idle_timeout_s;
	if (vsw_key_proto(&l->key) == IPPROTO_TCP)
		f.timeout_s = RTE_MIN(f.timeout_s, VSW_TCP_OPENING_S);
	if (a->dir == VSW_TO_VM)
		f.flags = VSW_FLOW_ORIGIN_TO_VM;
	fill_origin(a, &f, a->dir, v);
	fill_answer(a, &f, a->dir);
	if (vsw_flow_add(a->flows, &f, l->hash, a->now, a->gate->flow_limit, &why))
		return;
	v->pass = false;
	v->reason = why == -EDQUOT ? VSW_DROP_FLOW_LIMIT : VSW_DROP_FLOW_TABLE_FULL;
	v->how = "no room for the flow's state";
}

/* Remember a decision that needs no state. Best effort, and never the half of the port's room that is kept
 * for state. */
static void remember(const struct vsw_acl_pass *a, const struct look *l, struct vsw_flow *known,
		     const struct vsw_acl_verdict *v)
{
	struct vsw_flow f = {
		.key = l->key, .state = VSW_FLOW_CACHED, .timeout_s = VSW_REMEMBERED_S};
	int why;

	if (known) { /* so far for the other direction */
		fill_origin(a, known, a->dir, v);
		return;
	}
	fill_origin(a, &f, a->dir, v);
	vsw_flow_add(a->flows, &f, l->hash, a->now, a->gate->flow_limit / 2, &why);
}

/* The policy changed: does it still allow the flow? */
static bool examine_again(const struct vsw_acl_pass *a, struct vsw_flow *f)
{
	enum vsw_dir origin = f->flags & VSW_FLOW_ORIGIN_TO_VM ? VSW_TO_VM : VSW_FROM_VM;
	struct vsw_class_key c = vsw_key_class(&f->key);
	struct vsw_acl_verdict v;
	const struct vsw_acl_rule *r;

	if (!stateful(f->state))
		return false;
	ask(a, origin, &c, true, NULL, &v);
	r = rule_of(a->gate, v.rule[VSW_LIST_EXTENDED]);
	if (!v.pass || !r || !r->stateful)
		return false;
	fill_origin(a, f, origin, &v);
	fill_answer(a, f, origin);
	return true;
}

/* Does the ICMP error @h quote a packet of a live flow of this port? */
static bool related(const struct vsw_acl_pass *a, struct rte_mbuf *m, const struct vsw_headers *h,
		    uint16_t fid)
{
	/* the quoted packet travelled the other way */
	struct vsw_acl_pass back = *a;
	uint8_t scratch[VSW_HEADERS_MAX];
	uint32_t off = h->l4 + 8u, len;
	struct vsw_headers inner;
	struct vsw_flow_key k;
	const uint8_t *d;
	struct vsw_flow *f;

	if (off >= m->pkt_len)
		return false;
	len = RTE_MIN(m->pkt_len - off, (uint32_t)VSW_HEADERS_MAX);
	d = rte_pktmbuf_read(m, off, len, scratch);
	vsw_headers_parse_inner(d, len, h->family == VSW_FAMILY_IPV6, &inner);
	if (inner.flags & (VSW_HDR_BROKEN | VSW_HDR_LATER_FRAGMENT))
		return false;
	back.dir = a->dir == VSW_FROM_VM ? VSW_TO_VM : VSW_FROM_VM;
	key_of(&back, &inner, fid, &k);
	f = vsw_flow_find(a->flows, &k, vsw_flow_hash(a->flows, &k));
	return f && stateful(f->state) && f->epoch == a->gate->epoch;
}

/* The first fragment passed: the others may follow it. */
static void announce_fragments(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid,
			       const struct vsw_acl_verdict *v)
{
	struct vsw_flow f = {.state = VSW_FLOW_FRAGMENTS, .timeout_s = VSW_FRAGMENTS_S};
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_headers h;
	int why;

	headers_of(m, scratch, &h);
	fragments_key(a, &h, fid, &f.key);
	fill_origin(a, &f, a->dir, v);
	vsw_flow_add(a->flows, &f, vsw_flow_hash(a->flows, &f.key), a->now, a->gate->flow_limit,
		     &why);
}

/* ---- one frame ---- */

/*
 * IPv6 needs neighbour discovery and listener reports as IPv4 needs ARP, which IP rules never see. So a rule
 * about "anything" does not mean them; one that names ICMPv6 does.
 */
static bool is_housekeeping(const struct vsw_acl_pass *a, const struct vsw_headers *h,
			    const struct vsw_acl_verdict *v)
{
	const struct vsw_acl_rule *r = rule_of(a->gate, v->rule[VSW_LIST_EXTENDED]);

	if (h->family != VSW_FAMILY_IPV6 || h->proto != IPPROTO_ICMPV6 ||
	    h->flags & VSW_HDR_FRAGMENT || denies(a->gate, v->rule[VSW_LIST_BASIC]))
		return false;
	return r && r->protocol == VSW_PROTOCOL_ANY &&
	       ((h->icmp_type >= 130 && h->icmp_type <= 136) || h->icmp_type == 143);
}

/* Frames that no flow stands for, or whose flow is not known. */
static void by_rules(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid, struct look *l,
		     struct vsw_flow *f, struct vsw_acl_verdict *v)
{
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_class_key c = {0};
	const struct vsw_acl_rule *r;
	struct vsw_headers h;
	bool ip;

	headers_of(m, scratch, &h);
	if (h.flags & VSW_HDR_BROKEN) {
		*v = (struct vsw_acl_verdict){
			.reason = VSW_DROP_INVALID_PACKET,
			.rule = {VSW_FLOW_NO_RULE, VSW_FLOW_NO_RULE, VSW_FLOW_NO_RULE},
			.report = VSW_FLOW_NO_RULE,
			.how = "headers contradict the frame"};
		return;
	}
	ip = h.family != VSW_FAMILY_OTHER;
	if (ip) {
		struct vsw_flow_key k;

		key_of(a, &h, fid, &k);
		if (l->kind == KIND_SLOW)
			l->key = k;
		c = vsw_key_class(&k);
	} else {
		c.w[4] = (uint64_t)h.ethertype << VSW_CLASS_LPORT_SHIFT | fid;
	}
	ask(a, a->dir, &c, ip, m, v);
	if (!v->pass) {
		if (is_icmp_error(&h) && !denies(a->gate, v->rule[VSW_LIST_BASIC]) &&
		    related(a, m, &h, fid)) {
			v->pass = true;
			v->how = "an ICMP error about an established flow";
		} else if (is_housekeeping(a, &h, v)) {
			v->pass = true;
			v->how = "neighbour discovery, which only rules about ICMPv6 deny";
		} else if (l->kind == KIND_FRAGMENTS) {
			v->reason = VSW_DROP_FRAGMENT_UNKNOWN;
			v->how = "a later fragment of a packet whose first one is not known";
		}
		return;
	}
	if (!ip || !a->hits || is_icmp_error(&h) || l->kind == KIND_FRAGMENTS)
		return;
	if (l->kind == KIND_SLOW)
		l->hash = vsw_flow_hash(a->flows, &l->key);
	r = rule_of(a->gate, v->rule[VSW_LIST_EXTENDED]);
	if (r && r->stateful) {
		if (f)
			vsw_flow_remove(a->flows, f);
		if (begins(&l->key, l->tcp_flags))
			add_stateful(a, l, v);
	} else if (!a->gate->dir[a->dir].any_mac) {
		remember(a, l, f, v);
	}
}

static void known(const struct vsw_acl_pass *a, const struct vsw_flow *f, enum vsw_dir dir,
		  struct vsw_acl_verdict *v)
{
	memcpy(v->rule, f->rule[dir], sizeof(v->rule));
	v->report = VSW_FLOW_NO_RULE;
	v->pass = f->flags >> dir & VSW_FLOW_PASS;
	v->reason = dir == VSW_FROM_VM ? VSW_DROP_ACL_FROM_VM : VSW_DROP_ACL_TO_VM;
	v->how = stateful(f->state) ? "an established flow" : "a remembered decision";
}

/* What the flow does not say: rules by MAC address, and those that only report. */
static void beyond_flow(const struct vsw_acl_pass *a, struct rte_mbuf *m, const struct look *l,
			struct vsw_acl_verdict *v)
{
	const struct vsw_gate_dir *d = &a->gate->dir[a->dir];
	struct vsw_class_key c = vsw_key_class(&l->key), mac = c;
	uint32_t rank;

	if (d->any_mac) {
		macs_of(a, m, &mac);
		rank = vsw_classifier_find(d->mac[VSW_LIST_BASIC], &mac);
		if (denies(a->gate, rule_at(a->gate, rank))) {
			v->pass = false;
			v->rule[VSW_LIST_BASIC] = rule_at(a->gate, rank);
		}
	}
	rank = vsw_classifier_find(d->ip_report, &c);
	if (d->mac_report)
		rank = RTE_MIN(rank, vsw_classifier_find(d->mac_report, &mac));
	v->report = rule_at(a->gate, rank);
}

/* A flow that the table has: is it one to go by? Else NULL, and it is gone. */
static struct vsw_flow *still_good(const struct vsw_acl_pass *a, const struct look *l,
				   struct vsw_flow *f)
{
	if (f->epoch == a->gate->epoch || examine_again(a, f)) {
		/* a connection that was over may begin anew */
		if (f->state != VSW_FLOW_CLOSED || (l->tcp_flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
			return f;
	}
	vsw_flow_remove(a->flows, f);
	return NULL;
}

/* Everything that is not a known flow with nothing new to it. */
static __rte_noinline bool slow(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid,
				struct look *l, struct vsw_flow *f, struct vsw_acl_verdict *v)
{
	if (f && a->hits)
		f = still_good(a, l, f);
	if (f && f->flags & VSW_FLOW_VALID << a->dir) {
		known(a, f, a->dir, v);
		beyond_flow(a, m, l, v);
		if (a->hits) {
			f->stamp = a->now;
			if (stateful(f->state) && v->pass)
				track(a, f, l->tcp_flags);
		}
	} else {
		by_rules(a, m, fid, l, f, v);
	}
	if (l->first_fragment && v->pass && a->hits)
		announce_fragments(a, m, fid, v);
	count(a, v->report, m->pkt_len);
	return v->pass;
}

/* A known flow, and a packet that changes nothing about it. */
static __rte_always_inline bool plain(const struct vsw_acl_pass *a, const struct vsw_flow *f,
				      const struct look *l)
{
	uint8_t want = (uint8_t)((VSW_FLOW_VALID | VSW_FLOW_PASS) << a->dir);

	if (!f || f->epoch != a->gate->epoch || (f->flags & want) != want ||
	    l->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST) || l->first_fragment)
		return false;
	/* the first answer makes the flow established */
	return f->state != VSW_FLOW_NEW ||
	       !(f->flags & VSW_FLOW_ORIGIN_TO_VM) == (a->dir == VSW_FROM_VM);
}

uint64_t vsw_acl_burst(const struct vsw_acl_pass *a, struct rte_mbuf *const *m, const uint16_t *fid,
		       uint16_t n, struct vsw_acl_verdict *verdict)
{
	const bool exact = a->gate->dir[a->dir].any_mac || a->gate->dir[a->dir].ip_report;
	struct look l[VSW_ACL_BURST];
	uint64_t dropped = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (unlikely(!look_fast(a, m[i], fid[i], &l[i])))
			look_slow(a, m[i], fid[i], &l[i]);
		vsw_flow_prefetch(a->flows, l[i].hash);
	}
	for (uint16_t i = 0; i < n; i++) {
		struct vsw_flow *f = NULL;

		if (likely(l[i].kind != KIND_SLOW))
			f = vsw_flow_find(a->flows, &l[i].key, l[i].hash);
		if (likely(plain(a, f, &l[i]) && !exact)) {
			if (f->stamp != a->now)
				f->stamp = a->now;
			count_all(a, f->rule[a->dir], m[i]->pkt_len);
		} else {
			bool pass = slow(a, m[i], fid[i], &l[i], f, &verdict[i]);

			count_all(a, verdict[i].rule, m[i]->pkt_len);
			if (!pass)
				dropped |= UINT64_C(1) << i;
		}
	}
	return dropped;
}

void vsw_acl_explain(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid,
		     struct vsw_acl_verdict *ret)
{
	struct vsw_acl_pass look_only = *a;
	struct vsw_flow *f = NULL, copy;
	struct look l;

	look_only.hits = NULL;
	if (!look_fast(&look_only, m, fid, &l))
		look_slow(&look_only, m, fid, &l);
	if (l.kind != KIND_SLOW)
		f = vsw_flow_find(a->flows, &l.key, l.hash);
	if (f && f->epoch != a->gate->epoch) {
		/* what would become of it, tried on a copy */
		copy = *f;
		f = examine_again(&look_only, &copy) ? &copy : NULL;
	}
	slow(&look_only, m, fid, &l, f, ret);
}
