/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Access rules of one port as a list: contradictions, ids, ties. No pair-by-pair comparisons: a port
 * may have VSW_RULES_MAX rules.
 *
 * Thread-safety: pure. Proof: tests/unit/vswitch/model/test_acl.c.
 */
#pragma once

#include <jansson.h>

#include "vswitch/model/model.h"

#define VSW_RULE_ID_MAX 999999999u

/** An order by what rules do; ids, names, and who set them when, do not count. */
int vsw_rule_compare(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b);

/** Do two rules say the same? Ids, and who set them when, do not count; names do. */
bool vsw_rule_same(const struct vsw_acl_rule *a, const struct vsw_acl_rule *b);

/**
 * Rules that contradict each other (the same frames at the same rank allowed and denied), ids given
 * twice. @ret_at: the later of the two. @path for the error. Return: 0; -EEXIST; -ENOMEM.
 */
int vsw_acl_check(const struct vsw_acl *a, const char *path, unsigned int *ret_at,
		  struct vd_err *reterr);

/** Are all ids assigned and sorted? */
bool vsw_acl_settled(const struct vsw_acl *a);

/** Assign missing ids, behind all that @a and @old (may be NULL) use, and sort. @a: not shared. */
int vsw_acl_settle(struct vsw_acl *a, const struct vsw_acl *old);

/** Give rules of @a without id, or without who and when, those of the equal rule of @old. @a: not
 *  shared. -ENOMEM. */
int vsw_acl_inherit(struct vsw_acl *a, const struct vsw_acl *old);

/** Same rules, same ids, same who and when? */
bool vsw_acl_equal(const struct vsw_acl *a, const struct vsw_acl *b);

/** The port's policy as one that may be changed: not shared, nor are its rules. NULL on lack of
 *  memory. */
struct vsw_policy *vsw_policy_own(struct vsw_port_cfg *p);
struct vsw_acl *vsw_acl_own(struct vsw_policy *p);

/** @p, or NULL (and @p let go of) when it says nothing. */
const struct vsw_policy *vsw_policy_tidy(struct vsw_policy *p);

/** Do two policies have the same guards? Who set them when does not count. */
bool vsw_guard_same(const struct vsw_policy *a, const struct vsw_policy *b);
/** Has it guards at all? */
bool vsw_guard_says(const struct vsw_policy *p);

bool vsw_policy_equal(const struct vsw_policy *a, const struct vsw_policy *b);

/** Append what a person should know about the rules of @p, a port of @m, to @out (texts): ties that only the
 *  rule "deny before allow" decides, rules that never decide because others say the opposite before them,
 *  rules that stand twice, tags without an address, VLANs the port never carries. At most @max. */
void vsw_acl_warn(const struct vsw_model *m, const struct vsw_port_cfg *p, unsigned int max,
		  json_t *out);

/** Rules and guards without who and when were set by @who now. -ENOMEM. */
int vsw_model_sign(struct vsw_model *m, const char *who, int64_t now);

/** "rule 7 (web)", or "the new rule" for one without an id. Returns @buf. */
const char *vsw_rule_label(const struct vsw_acl_rule *r, char *buf, size_t size);
