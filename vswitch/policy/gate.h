/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate of a port: its policy (vswitch/model/policy.h) compiled for the packet path. Frames pass it
 * twice: on their way from the VM into the switch, and from the switch to the VM.
 *
 *   from-vm:  guards -> quarantine -> access rules -> police     (before learning)
 *   to-vm:    quarantine -> access rules -> shape                (before the port's transmit buffer is sent)
 *
 * A port without policy has no gate and pays nothing: its input function does not know of gates, and
 * delivery to it tests a flag that it tests anyway.
 *
 * A gate is immutable, made by the control thread, shared by snapshots as long as the policy is the same
 * object, and replaced as a whole: every frame meets either all of the old policy or all of the new. Its
 * epoch is unique; flows of another epoch are examined anew when their next packet comes.
 *
 * Thread-safety: make, free: control thread. The rest: any worker.
 * Proof: tests/unit/vswitch/policy/test_acl.c, test_guard.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "vswitch/datapath/port.h"
#include "vswitch/model/model.h"
#include "vswitch/policy/classify.h"

/* Lists of rules a frame meets in each direction; it must pass the first two. */
enum vsw_gate_list { VSW_LIST_BASIC, VSW_LIST_EXTENDED, VSW_LIST_METER, VSW_LIST_N };

#define VSW_FLOW_LIMIT_DEFAULT 262144u /* flows of one port */

struct vsw_gate_guard;
struct vsw_quarantine;
struct nap_allow;

struct vsw_rule_count {
	uint64_t packets, bytes;
};

struct vsw_gate_dir {
	/* NULL: no rules. A frame that is not IP meets `other` in place of `ip`. */
	struct vsw_classifier *ip[VSW_LIST_N];
	struct vsw_classifier *other[VSW_LIST_N];
	struct vsw_classifier *mac[VSW_LIST_N]; /* MAC addresses in words 0 and 2 of the key */
	/* report-only rules: looked up for every frame, decide nothing */
	struct vsw_classifier *ip_report, *other_report, *mac_report;
	bool any;     /* some list is not empty */
	bool any_mac; /* a decision depends on more than a flow's key: none is remembered */
};

struct vsw_gate {
	uint32_t epoch;
	bool uses_flows; /* has access rules */
	uint32_t flow_limit;
	struct vsw_gate_guard *guard;      /* NULL: no guards */
	struct vsw_quarantine *quarantine; /* NULL: not confined */
	const struct vsw_policy *policy;   /* a reference: the object it was made from */
	uint64_t
		sets_hash; /* of what the policy refers to: addresses, the port's own, its switch */
	struct vsw_gate_dir dir[2]; /* enum vsw_dir */
	uint32_t n_rules;
	/** Rules in the order in which they decide: a rank of a classifier is an index here. */
	uint32_t *order; /* [n_rules]: index into policy->acl->rules */
	struct vsw_rule_count
		*hits[VSW_WORKERS_MAX]; /* [n_rules], by rule index; one writer each */
	struct vsw_rule_count *before;  /* [n_rules]: counted under earlier policies */
};

/**
 * The gate of port @i of @m: @old itself when nothing that matters changed (@old may be NULL).
 *
 * @allow what the port is confined to; NULL: it is not
 * *@ret  NULL: the port needs none
 * Return: 0; -ENOMEM; -E2BIG: a rule's port ranges need too many table entries (@reterr says which)
 */
int vsw_gate_make(const struct vsw_model *m, unsigned int i, struct nap_allow *allow,
		  struct vsw_gate *old, uint16_t n_workers, struct vsw_gate **ret,
		  struct vd_err *reterr);

/** Take over what @old counted, by rule id. No worker uses @old any more. */
void vsw_gate_inherit(struct vsw_gate *g, const struct vsw_gate *old, uint16_t n_workers);

/** Accepts NULL. */
void vsw_gate_free(struct vsw_gate *g);

/** What rule number @rule (index into the policy's rules) has seen. */
struct vsw_rule_count vsw_gate_count(const struct vsw_gate *g, uint16_t n_workers, uint32_t rule);

struct vsw_worker;
struct vsw_snap_port;
struct vsw_vec;
struct rte_mbuf;

/** Frames of @v that @p's gate lets into the switch stay, in order; the others are dropped. */
void vsw_gate_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct vsw_vec *v);

/** The same for @n frames on their way out of @p, tags as on its wire. Returns how many stay. */
uint16_t vsw_gate_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf **m,
			uint16_t n);

/**
 * May a frame that waits for @p, and passed a gate of its when it came, still be sent? Counts nothing:
 * that was done then. Any worker.
 *
 * *@why, *@rule  when not: the reason, and the id of the rule (0: no rule)
 */
bool vsw_gate_still_to_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			  enum vsw_drop *why, uint32_t *rule);

/** The same for a frame that @p sent in VLAN @vid, and that waits elsewhere. Guards are not asked. */
bool vsw_gate_still_from_vm(struct vsw_worker *w, const struct vsw_snap_port *p, struct rte_mbuf *m,
			    uint16_t vid, enum vsw_drop *why, uint32_t *rule);
