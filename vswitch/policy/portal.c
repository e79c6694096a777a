/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From workers to the health service: see portal.h. */
#include "vswitch/policy/portal.h"

#include <unistd.h>

#include "base/load.h"
#include "nap-policy/dhcp.h"
#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/datapath/txbuf.h"
#include "vswitch/policy/flow.h"
#include "vswitch/policy/quarantine.h"

_Static_assert(VSW_PORTS_MAX == 1 << VSW_TICKET_INDEX_BITS, "an index fits into a ticket");
_Static_assert(VSW_PORTAL_N_CLASSES <= RTE_DIM(((struct vsw_portal_rate *)0)->n),
	       "a count a class");

#define HEAR_MAX 1500 /* bytes of a message */

static const char *const what[NAP_N_CLASSES] = {
	[NAP_SERVE_LINK] = "tells where it is",
	[NAP_SERVE_WEB] = "answers",
	[NAP_SERVE_REDIRECT] = "answers in place of the destination, with what is wrong",
	[NAP_SERVE_DNS] = "answers in place of any resolver",
	[NAP_SERVE_RESET] = "refuses the connection at once",
};

/* Several workers may count for one port: a frame more or less is nothing. */
static bool within_rate(const struct vsw_worker *w, struct vsw_portal_rate *r, unsigned int class,
			uint16_t max)
{
	uint32_t second = w->now / vsw_flow_stamps_per_s();

	if (__atomic_load_n(&r->second, __ATOMIC_RELAXED) != second) {
		for (unsigned int i = 0; i < VSW_PORTAL_N_CLASSES; i++)
			__atomic_store_n(&r->n[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&r->second, second, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&r->n[class], __ATOMIC_RELAXED) >= max)
		return false;
	__atomic_fetch_add(&r->n[class], 1, __ATOMIC_RELAXED);
	return true;
}

static void wake(struct vsw_portal_queue *q)
{
	uint64_t one = 1;

	if (__atomic_load_n(&q->asleep, __ATOMIC_SEQ_CST) &&
	    __atomic_exchange_n(&q->asleep, false, __ATOMIC_SEQ_CST) &&
	    write(q->wake_fd, &one, sizeof(one)) < 0)
		return; /* full: it is awake already */
}

/* False: there is no room, and @m is as it was. */
static bool hand_over(struct vsw_portal_queue *q, const struct vsw_snap_port *p, struct rte_mbuf *m,
		      unsigned int class)
{
	uint32_t usr = m->hash.usr;
	uint16_t tci = m->vlan_tci;

	m->hash.usr = p->rt->ticket;
	m->vlan_tci = (uint16_t) class;
	if (rte_ring_enqueue(q->ring, m)) {
		m->hash.usr = usr;
		m->vlan_tci = tci;
		return false;
	}
	wake(q);
	return true;
}

void vsw_portal_give(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
		     enum nap_class class)
{
	struct vsw_portal_queue *q = __atomic_load_n(&w->dp->portal, __ATOMIC_ACQUIRE);

	if (unlikely(w->trace)) {
		vsw_trace_step(w, p, VSW_TRACE_SENT, "health service", "the health service %s",
			       what[class]);
		rte_pktmbuf_free(m);
		return;
	}
	if (!q || !within_rate(w, &p->rt->portal_rate, class, nap_class_rate[class])) {
		vsw_pipeline_drop(w, p, m, VSW_DROP_HEALTH_SERVICE);
		return;
	}
	if (!hand_over(q, p, m, class))
		vsw_pipeline_drop(w, p, m, VSW_DROP_HEALTH_SERVICE);
}

bool vsw_portal_take(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m)
{
	bool ours = (vd_load64(rte_pktmbuf_mtod(m, char *)) & VSW_MAC48) == VSW_PORTAL_MAC48;
	enum nap_class class;
	struct vsw_look l;

	vsw_quarantine_look(m, &l);
	class = nap_portal_class(&w->snap->portal, &l.f);
	/* who asks for names is told by his own resolver, unless he is confined */
	if (class == NAP_SERVE_DNS)
		class = NAP_DENY;
	if (class != NAP_DENY)
		vsw_portal_give(w, p, m, class);
	else if (ours)
		vsw_pipeline_drop(w, p, m, VSW_DROP_HEALTH_SERVICE);
	return ours || class != NAP_DENY;
}

void vsw_portal_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++)
		if (likely(!vsw_portal_maybe(v->dst[i])) || !vsw_portal_take(w, p, v->m[i]))
			vsw_vec_keep(v, k++, i);
	v->n = k;
	if (p->flags & VSW_SNAP_STATEMENTS)
		vsw_portal_hear_burst(w, p, v);
}

/* ---- DHCP ---- */

#define LE_IPV4   0x0008
#define LE_CLIENT 0x4400 /* 68 */
#define LE_SERVER 0x4300 /* 67 */
#define MESSAGE   42 /* where it begins in an untagged frame: Ethernet, IPv4 without options, UDP */

/* Is it UDP from one to the other of DHCP's ports? Where the IP header is, relative to an untagged frame's; -1: no. */
static inline int dhcp_shift(const struct rte_mbuf *m, uint16_t sport, uint16_t dport)
{
	const char *d = rte_pktmbuf_mtod(m, const char *);
	int at = 0;

	if (vd_load16(d + 12) == VSW_LE_TPID_C)
		at = 4;
	if (likely(m->data_len < MESSAGE + at || vd_load16(d + 36 + at) != dport ||
		   vd_load16(d + 34 + at) != sport))
		return -1;
	return vd_load16(d + 12 + at) == LE_IPV4 && d[14 + at] == 0x45 && d[23 + at] == 17 ? at
											   : -1;
}

void vsw_portal_hear(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m)
{
	struct vsw_portal_queue *q = __atomic_load_n(&w->dp->portal, __ATOMIC_ACQUIRE);
	int at = dhcp_shift(m, LE_CLIENT, LE_SERVER);
	uint8_t scratch[HEAR_MAX];
	struct rte_mbuf *copy;
	const void *message;
	uint32_t len;

	if (likely(at < 0) || !q || w->trace)
		return;
	at += MESSAGE;
	len = m->pkt_len - (uint32_t)at;
	/* what does not fit into one frame is not heard */
	if (m->pkt_len <= (uint32_t)at || len > sizeof(scratch))
		return;
	message = rte_pktmbuf_read(m, (uint32_t)at, len, scratch);
	if (!message || !nap_dhcp_mentions(message, len) ||
	    !within_rate(w, &p->rt->portal_rate, VSW_HEAR_QUESTION, VSW_HEAR_RATE))
		return;
	copy = rte_pktmbuf_copy(m, vsw_worker_pool(w), 0, UINT32_MAX);
	if (!copy)
		return;
	/* before it is handed over: the answer may be faster than we are */
	__atomic_store_n(&p->rt->heard, w->now | 1, __ATOMIC_RELAXED);
	if (!hand_over(q, p, copy, VSW_HEAR_QUESTION))
		rte_pktmbuf_free(copy);
}

void vsw_portal_hear_burst(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	for (uint16_t i = 0; i < v->n; i++)
		if (unlikely(dhcp_shift(v->m[i], LE_CLIENT, LE_SERVER) >= 0))
			vsw_portal_hear(w, p, v->m[i]);
}

uint16_t vsw_portal_answers(struct vsw_worker *w, const struct vsw_snap_port *p,
			    struct rte_mbuf **m, uint16_t n)
{
	struct vsw_portal_queue *q = __atomic_load_n(&w->dp->portal, __ATOMIC_ACQUIRE);
	uint32_t heard = __atomic_load_n(&p->rt->heard, __ATOMIC_RELAXED);
	uint32_t server = __atomic_load_n(&p->rt->dhcp_server, __ATOMIC_RELAXED);
	int32_t window = (int32_t)(VSW_HEAR_WINDOW_S * vsw_flow_stamps_per_s());
	uint16_t k = 0;

	/* clocks of workers differ a little */
	if ((int32_t)(w->now - heard) > window)
		__atomic_compare_exchange_n(&p->rt->heard, &heard, 0, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	if (!q || !server || w->trace || !heard || (int32_t)(w->now - heard) > window)
		return n;
	for (uint16_t i = 0; i < n; i++) {
		int at = dhcp_shift(m[i], LE_SERVER, LE_CLIENT);

		if (at < 0 || vd_load32(rte_pktmbuf_mtod_offset(m[i], char *, 26 + at)) != server ||
		    !within_rate(w, &p->rt->portal_rate, VSW_HEAR_ANSWERS, VSW_HEAR_ANSWERS_MAX) ||
		    !hand_over(q, p, m[i], VSW_HEAR_ANSWERS))
			m[k++] = m[i];
	}
	return k;
}
