/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bursts through a guard. */
#include "vswitch/policy/guard_path.h"

#include <time.h>
#include <rte_cycles.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/guard.h"
#include "vswitch/policy/head.h"

#define DHCP_MAX 1500 /* bytes of a message that are looked at */

/* The UDP payload of @m, which may be spread over segments. */
static void learn(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
		  struct rte_mbuf *m, const struct vsw_headers *h)
{
	uint32_t serial = p->rt->guard->addrs.serial;
	uint8_t scratch[DHCP_MAX];
	uint32_t off = h->l4 + 8u, len;

	if (m->pkt_len <= off)
		return;
	len = RTE_MIN(m->pkt_len - off, (uint32_t)DHCP_MAX);
	/* time() is no system call: the kernel maps its clock into us */
	vsw_guard_learn(p->gate->guard, p->rt->guard, h->family == VSW_FAMILY_IPV6, dir,
			rte_pktmbuf_read(m, off, len, scratch), len, time(NULL));
	/* the control thread writes leases down */
	if (p->rt->guard->addrs.serial != serial && w->dp->flows.wake)
		w->dp->flows.wake(w->dp->flows.wake_ctx);
}

static bool is_unknown(const struct vsw_snap_port *p, uint64_t dst, uint16_t vid)
{
	return !(dst & 1) && vsw_fdb_lookup(p->fdb, dst, vsw_snap_fid(p, vid)) >= VSW_PORTS_MAX;
}

static enum vsw_drop check(struct vsw_worker *w, const struct vsw_snap_port *p,
			   const struct vsw_vec *v, uint16_t i, uint64_t now)
{
	const struct vsw_gate_guard *g = p->gate->guard;
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_headers h;
	struct vsw_guard_frame f = {.h = &h, .dst = v->dst[i], .src = v->src[i], .time = now};
	enum vsw_drop why;

	f.peek = w->trace != NULL;
	f.d = vsw_head_of(v->m[i], scratch, &f.len);
	vsw_headers_parse(f.d, f.len, v->m[i]->pkt_len, &h);
	if (g->checks & VSW_GUARD_UNKNOWN)
		f.unknown = is_unknown(p, f.dst, v->vid[i]);
	if (g->checks & VSW_GUARD_PRIORITY && v->tag[i] & VSW_HAS_TAG)
		vsw_tag_clear_priority(v->m[i]);
	why = vsw_guard_check(g, p->rt->guard, &f);
	if (unlikely(w->trace) && why == VSW_DROP_N)
		vsw_trace_step(w, p, VSW_TRACE_PASS, "guard", "the port may send it");
	else if (why == VSW_DROP_N && vsw_guard_is_dhcp(g, &h, VSW_FROM_VM))
		learn(w, p, VSW_FROM_VM, v->m[i], &h);
	return why;
}

void vsw_guard_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	uint64_t now = p->gate->guard->checks & VSW_GUARD_STORM ? rte_rdtsc() : 0;
	uint16_t k = 0;

	for (uint16_t i = 0; i < v->n; i++) {
		enum vsw_drop why = check(w, p, v, i, now);

		if (unlikely(why != VSW_DROP_N))
			vsw_pipeline_drop(w, p, v->m[i], why);
		else
			vsw_vec_keep(v, k++, i);
	}
	v->n = k;
}

void vsw_guard_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
		     uint16_t n)
{
	uint8_t scratch[VSW_HEADERS_MAX];
	struct vsw_headers h;

	if (!(p->gate->guard->checks & VSW_GUARD_SNOOP) || w->trace)
		return;
	for (uint16_t i = 0; i < n; i++) {
		uint32_t len;
		const uint8_t *d = vsw_head_of(m[i], scratch, &len);

		vsw_headers_parse(d, len, m[i]->pkt_len, &h);
		if (vsw_guard_is_dhcp(p->gate->guard, &h, VSW_TO_VM))
			learn(w, p, VSW_TO_VM, m[i], &h);
	}
}
