/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gate as frames pass it: stages in their order, dropped frames out of the burst. */
#include <rte_mbuf.h>

#include "vswitch/datapath/dataplane_impl.h"
#include "vswitch/datapath/pipeline.h"
#include "vswitch/datapath/trace.h"
#include "vswitch/policy/acl.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/portal.h"
#include "vswitch/policy/quarantine.h"
#include "vswitch/policy/guard_path.h"

static struct vsw_acl_pass pass_of(struct vsw_worker *w, const struct vsw_snap_port *p,
				   enum vsw_dir dir)
{
	return (struct vsw_acl_pass){.flows = &w->dp->flows,
				     .gate = p->gate,
				     .hits = w->trace ? NULL : p->gate->hits[w->id],
				     .now = w->now,
				     .port = p->index,
				     .dir = dir};
}

static uint32_t rule_id(const struct vsw_gate *g, const struct vsw_acl_verdict *v)
{
	const struct vsw_acl_rule *rules = g->policy->acl->rules;

	for (unsigned int i = 0; i < VSW_LIST_METER; i++)
		if (v->rule[i] != VSW_FLOW_NO_RULE && rules[v->rule[i]].action == VSW_ACL_DENY)
			return rules[v->rule[i]].id;
	return 0;
}

/* What the rules say of frames that are only being traced. */
static __rte_noinline uint64_t explain(struct vsw_worker *w, const struct vsw_snap_port *p,
				       const struct vsw_acl_pass *a, struct rte_mbuf *const *m,
				       const uint16_t *fid, uint16_t n, struct vsw_acl_verdict *v)
{
	const char *stage = a->dir == VSW_FROM_VM ? "acl from-vm" : "acl to-vm";
	const struct vsw_acl_rule *rules = a->gate->policy->acl->rules;
	uint64_t dropped = 0;

	for (uint16_t i = 0; i < n; i++) {
		vsw_acl_explain(a, m[i], fid[i], &v[i]);
		for (unsigned int k = 0; k < VSW_LIST_N; k++) {
			const struct vsw_acl_rule *r = &rules[v[i].rule[k]];

			if (v[i].rule[k] == VSW_FLOW_NO_RULE)
				continue;
			vsw_trace_step(w, p, VSW_TRACE_NOTE, stage, "rule %u%s%s: %s", r->id,
				       r->name[0] ? " " : "", r->name,
				       r->action == VSW_ACL_ALLOW  ? "allow"
				       : r->action == VSW_ACL_DENY ? "deny"
								   : "meter");
			w->trace->step[w->trace->n - 1].rule = r->id;
		}
		if (v[i].report != VSW_FLOW_NO_RULE) {
			vsw_trace_step(w, p, VSW_TRACE_NOTE, stage,
				       "rule %u would deny, but only reports",
				       rules[v[i].report].id);
			w->trace->step[w->trace->n - 1].rule = rules[v[i].report].id;
		}
		if (v[i].pass)
			vsw_trace_step(w, p, VSW_TRACE_PASS, stage, "decided by %s", v[i].how);
		else
			dropped |= UINT64_C(1) << i;
	}
	return dropped;
}

static uint64_t decide(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
		       struct rte_mbuf *const *m, const uint16_t *fid, uint16_t n,
		       struct vsw_acl_verdict *v)
{
	struct vsw_acl_pass a = pass_of(w, p, dir);

	if (unlikely(w->trace))
		return explain(w, p, &a, m, fid, n, v);
	return vsw_acl_burst(&a, m, fid, n, v);
}

static void drop(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
		 const struct vsw_acl_verdict *v)
{
	vsw_pipeline_drop_by(w, p, m, v->reason, rule_id(p->gate, v));
}

void vsw_gate_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v)
{
	struct vsw_acl_verdict verdict[VSW_ACL_BURST];
	uint16_t fid[VSW_BURST] = {0}, k = 0, n;
	uint64_t dropped;

	if (p->gate->guard)
		vsw_guard_from_vm(w, p, v);
	if (p->gate->quarantine)
		vsw_quarantine_from_vm(w, p, v);
	else if (p->flags & VSW_SNAP_PORTAL)
		vsw_portal_from_vm(w, p, v);
	if (!p->gate->dir[VSW_FROM_VM].any && !p->gate->uses_flows)
		return;
	for (uint16_t i = 0; i < v->n; i++)
		fid[i] = vsw_snap_fid(p, v->vid[i]);
	for (uint16_t at = 0; at < v->n; at += n) {
		n = RTE_MIN(v->n - at, VSW_ACL_BURST);
		dropped = decide(w, p, VSW_FROM_VM, v->m + at, fid + at, n, verdict);
		if (likely(!dropped && k == at)) {
			k += n;
			continue;
		}
		for (uint16_t i = 0; i < n; i++) {
			if (dropped >> i & 1)
				drop(w, p, v->m[at + i], &verdict[i]);
			else
				vsw_vec_keep(v, k++, at + i);
		}
	}
	v->n = k;
}

/* The filtering ID of a frame as it is on @p's wire. */
static uint16_t fid_on_wire(const struct vsw_snap_port *p, const struct rte_mbuf *m)
{
	const char *d = rte_pktmbuf_mtod(m, const char *);
	uint16_t vid = p->pvid;

	if (p->flags & VSW_SNAP_TAGGED) {
		vid = p->native;
		if (vd_load16(d + 12) == VSW_LE_TPID_C)
			vid = rte_be_to_cpu_16(vd_load16(d + 14)) & 0xfff;
	}
	return vsw_snap_fid(p, vid & 0xfff);
}

static uint16_t rules_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p,
			    struct rte_mbuf **m, uint16_t n)
{
	struct vsw_acl_verdict verdict[VSW_ACL_BURST];
	uint16_t fid[VSW_BURST] = {0}, k = 0, c;
	uint64_t dropped;

	if (!p->gate->dir[VSW_TO_VM].any && !p->gate->uses_flows)
		return n;
	for (uint16_t i = 0; i < n; i++)
		fid[i] = fid_on_wire(p, m[i]);
	for (uint16_t at = 0; at < n; at += c) {
		c = RTE_MIN(n - at, VSW_ACL_BURST);
		dropped = decide(w, p, VSW_TO_VM, m + at, fid + at, c, verdict);
		if (likely(!dropped && k == at)) {
			k += c;
			continue;
		}
		for (uint16_t i = 0; i < c; i++) {
			if (dropped >> i & 1)
				drop(w, p, m[at + i], &verdict[i]);
			else
				m[k++] = m[at + i];
		}
	}
	return k;
}

uint16_t vsw_gate_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n)
{
	if (p->gate->quarantine)
		n = vsw_quarantine_to_vm(w, p, m, n);
	n = rules_to_vm(w, p, m, n);
	if (p->gate->guard)
		vsw_guard_to_vm(w, p, m, n);
	return n;
}

static bool still(struct vsw_worker *w, const struct vsw_snap_port *p, enum vsw_dir dir,
		  struct rte_mbuf *m, uint16_t fid, enum vsw_drop *why, uint32_t *rule)
{
	struct vsw_acl_pass a = pass_of(w, p, dir);
	struct vsw_acl_verdict v;

	*rule = 0;
	if (p->gate->quarantine && !vsw_quarantine_still(w, p, dir, m, why))
		return false;
	if (!p->gate->dir[dir].any && !p->gate->uses_flows)
		return true;
	a.hits = NULL;
	vsw_acl_explain(&a, m, fid, &v);
	if (v.pass)
		return true;
	*why = v.reason;
	*rule = rule_id(p->gate, &v);
	return false;
}

bool vsw_gate_still_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			  enum vsw_drop *why, uint32_t *rule)
{
	return still(w, p, VSW_TO_VM, m, fid_on_wire(p, m), why, rule);
}

bool vsw_gate_still_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			    uint16_t vid, enum vsw_drop *why, uint32_t *rule)
{
	return still(w, p, VSW_FROM_VM, m, vsw_snap_fid(p, vid), why, rule);
}
