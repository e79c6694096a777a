/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access rules on the packet path: one burst, one port, one direction. A frame whose flow is known costs one
 * look-up in the flow table; the rules are asked for the first packet of a flow, and for frames that
 * no flow can stand for.
 *
 * A stateful rule lets the answers pass: of TCP, connections are followed from SYN to FIN or RST (windows
 * are not checked), and a connection that began before the rule (or the daemon) is taken up where it is; of
 * other protocols, a flow lives until its idle timeout; ICMP errors that quote a packet of a live flow
 * pass; later fragments pass if the first one did, and for that must come after it.
 *
 * Source: Hyper-V extended port ACLs (stateful), RFC 5382 and 5508 for what is related.
 * Thread-safety: any worker. Proof: tests/unit/vswitch/policy/test_acl.c.
 */
#pragma once

#include "vswitch/datapath/drops.h"
#include "vswitch/policy/flow.h"
#include "vswitch/policy/gate.h"
#include "vswitch/policy/headers.h"

struct rte_mbuf;

/* Seconds; established connections have their rule's idle timeout. */
#define VSW_TCP_OPENING_S 30
#define VSW_TCP_CLOSING_S 120
#define VSW_TCP_CLOSED_S  10
#define VSW_FRAGMENTS_S   30
#define VSW_REMEMBERED_S  60 /* a decision without state */

struct vsw_acl_verdict {
	bool pass;
	enum vsw_drop reason; /* when not */
	/** Index of the rule that decided in each list, or VSW_FLOW_NO_RULE: the list's default. */
	uint16_t rule[VSW_LIST_N];
	uint16_t report; /* the report-only rule that matches best */
	const char *how; /* for people: "established flow", "rules", "related to a flow", ... */
};

/* What a burst passes: everything but the frames is the same for all of it. */
struct vsw_acl_pass {
	struct vsw_flows *flows;
	const struct vsw_gate *gate;
	struct vsw_rule_count *hits; /* of this worker; NULL: look only, change nothing */
	uint32_t now;
	uint16_t port; /* index */
	enum vsw_dir dir;
};

#define VSW_ACL_BURST 64 /* bits of a mask */

/**
 * Decide on @n frames (at most VSW_ACL_BURST). @fid: filtering ID of each. Sets @verdict of those that must not pass;
 * the result has a bit for each of them.
 */
uint64_t vsw_acl_burst(const struct vsw_acl_pass *a, struct rte_mbuf *const *m, const uint16_t *fid,
		       uint16_t n, struct vsw_acl_verdict *verdict);

/** One frame, with everything that can be said about it, changing nothing: for trace. */
void vsw_acl_explain(const struct vsw_acl_pass *a, struct rte_mbuf *m, uint16_t fid,
		     struct vsw_acl_verdict *ret);
