/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between policy_read.c (checks and rules) and policy_reach.c (what a restricted port reaches). */
#pragma once

#include "base/read.h"
#include "nap-policy/policy.h"

/** "remediation", "report", "dhcp", "dns" and "radius" of a policy. */
int nap_read_reach(const struct vd_read *rd, struct nap_policy *p);

/* As the functions of base/read.h: 1 there, 0 absent, -EINVAL. */
int nap_read_string(const struct vd_read *rd, const char *key, char *ret, size_t size);
/** One text or a list of at most @max. */
int nap_read_texts(const struct vd_read *rd, const char *key, unsigned int max, const char *ret[],
		   unsigned int *n);
int nap_read_duration(const struct vd_read *rd, const char *key, uint64_t max_ms, uint64_t *ret);
int nap_read_group(const struct vd_read *rd, const char *key, const struct nap_policy *p,
		   uint16_t *ret);

/** Record a wrong value of @key. Returns -EINVAL. */
int nap_read_bad(const struct vd_read *rd, const char *key, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int nap_read_no_memory(const struct vd_read *rd);
