/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From workers to the health service: see portal.h. */
#include "vswitch/policy/portal.h"

#include <unistd.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/flow.h"
#include "vswitch/policy/quarantine.h"

_Static_assert(VSW_PORTS_MAX == 1 << VSW_TICKET_INDEX_BITS, "an index fits into a ticket");
_Static_assert(NAP_N_CLASSES <= RTE_DIM(((struct vsw_portal_rate *)0)->n), "a count a class");

static const char *const what[NAP_N_CLASSES] = {
	[NAP_SERVE_LINK] = "tells where it is",
	[NAP_SERVE_WEB] = "answers",
	[NAP_SERVE_REDIRECT] = "answers in place of the destination, with what is wrong",
	[NAP_SERVE_DNS] = "answers in place of any resolver",
	[NAP_SERVE_RESET] = "refuses the connection at once",
};

/* Several workers may count for one port: a frame more or less is nothing. */
static bool within_rate(const struct vsw_worker *w, struct vsw_portal_rate *r, enum nap_class class)
{
	uint32_t second = w->now / vsw_flow_stamps_per_s();

	if (__atomic_load_n(&r->second, __ATOMIC_RELAXED) != second) {
		for (unsigned int i = 0; i < NAP_N_CLASSES; i++)
			__atomic_store_n(&r->n[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&r->second, second, __ATOMIC_RELAXED);
	}
	if (__atomic_load_n(&r->n[class], __ATOMIC_RELAXED) >= nap_class_rate[class])
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
	if (!q || !within_rate(w, &p->rt->portal_rate, class)) {
		vsw_pipeline_drop(w, p, m, VSW_DROP_HEALTH_SERVICE);
		return;
	}
	m->hash.usr = p->rt->ticket;
	m->vlan_tci = (uint16_t) class;
	if (rte_ring_enqueue(q->ring, m))
		vsw_pipeline_drop(w, p, m, VSW_DROP_HEALTH_SERVICE);
	else
		wake(q);
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
}
